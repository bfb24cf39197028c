//! Arithmetic whose result only the next arithmetic reads becomes one instruction.
//!
//! In: a group's code before it has registers. Out: shorter code with the same values.
//! `multiply(x, y) -> t; add(t, z) -> u` becomes `multiply_add(x, y, z) -> u`, one pass over a chunk.
//! Source: combining instructions by forward scan, Davidson and Fraser, "Code selection through object
//! code optimization" (1984).

use smallvec::{SmallVec, smallvec};

use super::group::{Instruction, Slot};
use super::kernels::pairs::{Side, pair};

/// Merges pairs of instructions; `is_private` says which slots nobody reads but the code.
pub fn merge(
    code: Vec<Instruction>,
    slots: usize,
    is_private: impl Fn(Slot) -> bool,
) -> Vec<Instruction> {
    let mut reads = vec![0; slots];
    for instruction in &code {
        if let Instruction::Call { operands, .. } = instruction {
            for &operand in operands {
                reads[operand as usize] += 1;
            }
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
