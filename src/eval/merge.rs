//! Arithmetic whose result only other arithmetic reads becomes one instruction.
//!
//! In: a group's code before it has registers. Out: shorter code with the same values.
//! `multiply(x, y) -> t; add(t, z) -> u` becomes `multiply_add(x, y, z) -> u`, one pass over a chunk.
//! Whole trees become machine code, where there is some; pairs have kernels.
//! Source: combining instructions by forward scan, Davidson and Fraser, "Code selection through object
//! code optimization" (1984).

use std::collections::HashMap;

use smallvec::{SmallVec, smallvec};

use super::group::{Instruction, Slot};
use super::kernels::pairs::{Side, pair};
use super::machine::{self, Input, Lane, Row, Step};

/// Merges pairs of instructions; `is_private` says which slots nobody reads but the code.
pub fn merge(
    code: Vec<Instruction>,
    slots: usize,
    is_private: impl Fn(Slot) -> bool,
) -> Vec<Instruction> {
    let mut reads = vec![0; slots];
    for instruction in &code {
        for &operand in instruction.touched().1 {
            reads[operand as usize] += 1;
        }
    }
    // Where each slot is written, if its instruction can become part of its only reader.
    let mut writer: Vec<Option<usize>> = vec![None; slots];
    let mut out: Vec<Option<Instruction>> = Vec::with_capacity(code.len());
    for mut instruction in code {
        if let Some((at, merged)) = merged(&instruction, &out, &writer) {
            out[at] = None;
            instruction = merged;
        } else if let Instruction::Call {
            slot,
            arithmetic: Some(_),
            ..
        } = &instruction
            && reads[*slot as usize] == 1
            && is_private(*slot)
        {
            writer[*slot as usize] = Some(out.len());
        }
        out.push(Some(instruction));
    }
    out.into_iter().flatten().collect()
}

/// The instruction with the one that computes an operand of it, and where that was.
fn merged(
    instruction: &Instruction,
    before: &[Option<Instruction>],
    writer: &[Option<usize>],
) -> Option<(usize, Instruction)> {
    let Instruction::Call {
        slot,
        operands,
        arithmetic: Some((second, dtype)),
        ..
    } = instruction
    else {
        return None;
    };
    let readings: SmallVec<[(Slot, Option<Slot>, Side); 2]> = match operands[..] {
        [only] => smallvec![(only, None, Side::Left)],
        [left, right] => smallvec![
            (left, Some(right), Side::Left),
            (right, Some(left), Side::Right)
        ],
        _ => return None,
    };
    readings.into_iter().find_map(|(inner, other, side)| {
        let at = writer[inner as usize]?;
        let Some(Instruction::Call {
            operands,
            arithmetic: Some((first, same)),
            ..
        }) = &before[at]
        else {
            return None;
        };
        // A square is the product of its operand with itself.
        let (a, b) = (*operands.first()?, *operands.last()?);
        let kernel = pair(*first, *second, side, *dtype).filter(|_| same == dtype)?;
        let mut operands = smallvec![a, b];
        operands.extend(other);
        let instruction = Instruction::Call {
            kernel,
            check: None,
            slot: *slot,
            operands,
            arithmetic: None,
        };
        Some((at, instruction))
    })
}

/// Makes machine code of calls on floats that only one other call reads in the end; `is_private` says
/// which slots nobody reads but the code, `is_number` which have the same element everywhere.
pub fn trees(
    code: Vec<Instruction>,
    slots: usize,
    is_private: impl Fn(Slot) -> bool,
    is_number: impl Fn(Slot) -> bool,
) -> Vec<Instruction> {
    let is_arithmetic = |instruction: &Instruction| match instruction {
        Instruction::Call {
            check: None,
            arithmetic: Some(_),
            ..
        } => true,
        Instruction::Call { .. } | Instruction::Load { .. } | Instruction::Row { .. } => false,
    };
    // Per slot, the roots of those who read it; per instruction, its own root.
    let mut readers: Vec<SmallVec<[usize; 2]>> = vec![SmallVec::new(); slots];
    let mut roots: Vec<usize> = (0..code.len()).collect();
    // The next instruction that writes to memory that others read: what comes before must stay before.
    let mut barrier = usize::MAX;
    for (at, instruction) in code.iter().enumerate().rev() {
        let (slot, operands) = instruction.touched();
        if is_arithmetic(instruction)
            && is_private(slot)
            && let Some(&root) = readers[slot as usize].first()
            && readers[slot as usize].iter().all(|&other| other == root)
            && root <= barrier
            && is_arithmetic(&code[root])
        {
            roots[at] = root;
        }
        if !is_private(slot) {
            barrier = at;
        }
        for &operand in operands {
            readers[operand as usize].push(roots[at]);
        }
    }
    let mut members: Vec<SmallVec<[usize; 1]>> = vec![SmallVec::new(); code.len()];
    for (at, &root) in roots.iter().enumerate() {
        members[root].push(at);
    }
    let mut made: Vec<Option<Instruction>> = Vec::with_capacity(code.len());
    let mut is_gone = vec![false; code.len()];
    for members in members {
        let is_worth_it = members.len() > 1 || is_comparison(&code, &members);
        let row = is_worth_it
            .then(|| tree(&code, &members, &is_number))
            .flatten();
        if row.is_some() {
            members.iter().for_each(|&at| is_gone[at] = true);
        }
        made.push(row);
    }
    let each = code.into_iter().zip(made).zip(is_gone);
    each.filter_map(|((old, new), gone)| match gone {
        true => new,
        false => Some(old),
    })
    .collect()
}

/// Whether there is one call, which makes flags of floats: no kernel packs them as well.
fn is_comparison(code: &[Instruction], members: &[usize]) -> bool {
    let [only] = members else { return false };
    let Instruction::Call {
        arithmetic: Some((op, dtype)),
        ..
    } = &code[*only]
    else {
        return false;
    };
    dtype.is_float() && machine::is_comparison(*op)
}

/// Calls, of which the last is the root, as machine code.
fn tree(
    code: &[Instruction],
    members: &[usize],
    is_number: &impl Fn(Slot) -> bool,
) -> Option<Instruction> {
    // What the members compute, and what they need beside it.
    let made: HashMap<Slot, usize> = (0..)
        .zip(members)
        .map(|(step, &at)| (code[at].touched().0, step))
        .collect();
    let mut inputs: SmallVec<[Slot; 3]> = SmallVec::new();
    let mut input_of: HashMap<Slot, Lane> = HashMap::new();
    for &at in members {
        for &operand in code[at].touched().1 {
            if !made.contains_key(&operand) && !input_of.contains_key(&operand) {
                input_of.insert(operand, inputs.len());
                inputs.push(operand);
            }
        }
    }
    let lane = |slot: &Slot| match made.get(slot) {
        Some(step) => inputs.len() + step,
        None => input_of[slot],
    };
    let mut steps = Vec::with_capacity(members.len());
    for &at in members {
        let Instruction::Call {
            operands,
            arithmetic: Some((op, dtype)),
            ..
        } = &code[at]
        else {
            return None;
        };
        steps.push(Step {
            op: *op,
            dtype: *dtype,
            operands: operands.iter().map(lane).collect(),
        });
    }
    let kinds: Vec<Input> = inputs
        .iter()
        .map(|&slot| match is_number(slot) {
            true => Input::Number,
            false => Input::Array,
        })
        .collect();
    let row = Row::new(&kinds, &steps, &[inputs.len() + steps.len() - 1])?;
    Some(Instruction::Row {
        row,
        slot: code[*members.last()?].touched().0,
        operands: inputs,
    })
}
