//! Which of a program's registers live in the machine's.
//!
//! In: the code of a program. Out: a home per register: a machine register for as long as it is in use,
//! or its cell in memory.
//!
//! ```text
//! for i: for j: s += a[i, j]        s: xmm2   j: rbp   i: r14   the rest in cells
//! ```
//!
//! Uses within the innermost loops count most. A register that a loop carries, or that lives beyond it,
//! is in use in all of it. Source: Chow and Hennessy, "The priority-based coloring approach to register
//! allocation" (1990), with intervals of the code in place of the graph.

use super::super::Program;
use super::super::code::{Binary, Code, Reg, Unary};
use crate::eval::machine::assembler::{Number, RBP, RDI, RSI};

/// What a register holds, as far as machine registers go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Not said by any instruction.
    Unknown,
    Float,
    Integer,
    /// One byte, 0 or 1.
    Bool,
    /// Anything else, and what is used in more than one way.
    Memory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    General(Number),
    Float(Number),
    Cell,
}

/// Where a register is in use: from the first to the last instruction.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    pub first: usize,
    pub last: usize,
    /// Whether it has a value before.
    pub given: bool,
}

#[derive(Debug)]
pub struct Allocation {
    pub homes: Vec<Home>,
    pub classes: Vec<Class>,
    pub lives: Vec<Option<Life>>,
    /// How many instructions use each.
    pub uses: Vec<usize>,
}

impl Allocation {
    /// General registers that nothing lives in from one instruction to another.
    pub fn free(&self, first: usize, last: usize) -> impl Iterator<Item = Number> {
        GENERAL.into_iter().filter(move |&number| {
            !self.homes.iter().zip(&self.lives).any(|(home, life)| {
                *home == Home::General(number)
                    && life.is_some_and(|l| l.first <= last && first <= l.last)
            })
        })
    }
}

const GENERAL: [Number; 9] = [RBP, 14, 15, RSI, RDI, 8, 9, 10, 11];
/// xmm0 and xmm1 are for intermediate results.
const FLOAT: [Number; 14] = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Whether a called function leaves a general register as it is.
pub fn survives_calls(general: Number) -> bool {
    matches!(general, RBP | 14 | 15)
}

pub fn allocate(program: &Program) -> Allocation {
    let classes = classes(program);
    let loops = loops(&program.code);
    let uses = uses(program);
    let mut lives: Vec<Option<Life>> = vec![None; program.registers];
    let mut weights = vec![0f64; program.registers];
    for (register, uses) in uses.iter().enumerate() {
        lives[register] = life(uses, &loops);
        let constant = program.constant(register as Reg);
        for &(at, _) in uses {
            // A number that is part of the instruction needs no register.
            let code = program.code.get(at);
            if code
                .zip(constant)
                .is_some_and(|(code, k)| is_immediate(code, register as Reg, k))
            {
                continue;
            }
            let depth = loops.iter().filter(|l| l.0 <= at && at <= l.1).count();
            weights[register] += 10f64.powi(depth.min(8) as i32);
        }
    }
    let mut homes = vec![Home::Cell; program.registers];
    let mut order: Vec<usize> = (0..program.registers).collect();
    order.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]));
    let mut taken: [Vec<Life>; 32] = Default::default();
    for register in order {
        let Some(life) = lives[register] else {
            continue;
        };
        let (pool, offset): (&[Number], usize) = match classes[register] {
            Class::Float => (&FLOAT, 16),
            Class::Integer | Class::Bool => (&GENERAL, 0),
            Class::Unknown | Class::Memory => continue,
        };
        let is_free = |number: &&Number| {
            let others = &taken[offset + **number as usize];
            let mut apart = others
                .iter()
                .map(|o| o.last < life.first || life.last < o.first);
            apart.all(|apart| apart)
        };
        if weights[register] == 0.0 {
            continue;
        }
        if let Some(&number) = pool.iter().find(is_free) {
            taken[offset + number as usize].push(life);
            homes[register] = match offset {
                0 => Home::General(number),
                _ => Home::Float(number),
            };
        }
    }
    Allocation {
        homes,
        classes,
        lives,
        uses: uses.iter().map(Vec::len).collect(),
    }
}

/// Whether an instruction takes a known second operand into itself.
pub fn is_immediate(code: &Code, register: Reg, value: i64) -> bool {
    let Code::Binary(op, _, a, b) = *code else {
        return false;
    };
    a != register
        && b == register
        && match op {
            Binary::ShiftLeftI | Binary::ShiftRightI | Binary::ShiftRightPython => {
                (0..64).contains(&value)
            }
            Binary::AddI
            | Binary::SubtractI
            | Binary::AndI
            | Binary::OrI
            | Binary::XorI
            | Binary::AddPython
            | Binary::SubtractPython
            | Binary::EqualI
            | Binary::NotEqualI
            | Binary::LessI
            | Binary::LessEqualI => i32::try_from(value).is_ok(),
            _ => false,
        }
}

/// The loops: from the instruction that enters to the one that goes on.
pub fn loops(code: &[Code]) -> Vec<(usize, usize)> {
    let back = |(at, code): (usize, &Code)| match code {
        Code::Next { again, .. } => Some((at.wrapping_add_signed(*again as isize) - 1, at)),
        _ => None,
    };
    code.iter().enumerate().filter_map(back).collect()
}

/// Per register, the instructions that use it and whether each of them writes it first.
fn uses(program: &Program) -> Vec<Vec<(usize, bool)>> {
    let mut uses: Vec<Vec<(usize, bool)>> = vec![vec![]; program.registers];
    let end = program.code.len();
    for (at, code) in program.code.iter().enumerate() {
        let (writes, reads) = program.touched(code);
        for register in reads {
            uses[register as usize].push((at, false));
        }
        for register in writes {
            let known = &mut uses[register as usize];
            if known.last().is_none_or(|last| last.0 != at) {
                known.push((at, true));
            }
        }
    }
    for output in &program.outputs {
        if let super::super::Location::Register(register) = output {
            uses[*register as usize].push((end, false));
        }
    }
    uses
}

fn life(uses: &[(usize, bool)], loops: &[(usize, usize)]) -> Option<Life> {
    let (&(first, writes), &(last, _)) = (uses.first()?, uses.last()?);
    // What has a value before may be used first on one side of a branch.
    let mut life = Life {
        first: if writes { first } else { 0 },
        last,
        given: !writes,
    };
    for &(start, end) in loops {
        let is_inside = |at: usize| start <= at && at <= end;
        let mut inside = uses.iter().filter(|u| is_inside(u.0)).peekable();
        let Some(&&(_, writes)) = inside.peek() else {
            continue;
        };
        if !writes || inside.count() < uses.len() {
            life.first = life.first.min(start);
            life.last = life.last.max(end);
        }
    }
    Some(life)
}

/// What registers hold, as the instructions say; moves hand it on.
fn classes(program: &Program) -> Vec<Class> {
    let mut classes = vec![Class::Unknown; program.registers];
    let mut alike: Vec<(Reg, Reg)> = Vec::new();
    for code in &program.code {
        for (register, class) in views(program, code) {
            join(&mut classes, register, class);
        }
        match *code {
            Code::Move { to, from } => alike.push((to, from)),
            Code::Select { to, yes, no, .. } => alike.extend([(to, yes), (to, no)]),
            _ => {}
        }
    }
    let mut changed = true;
    while changed {
        changed = false;
        for &(a, b) in &alike {
            let [x, y] = [classes[a as usize], classes[b as usize]];
            changed |= join(&mut classes, a, y);
            changed |= join(&mut classes, b, x);
        }
    }
    classes
}

fn join(classes: &mut [Class], register: Reg, class: Class) -> bool {
    let own = &mut classes[register as usize];
    let joined = match (*own, class) {
        (same, Class::Unknown) => same,
        (Class::Unknown, class) => class,
        (a, b) if a == b => a,
        _ => Class::Memory,
    };
    std::mem::replace(own, joined) != joined
}

/// How an instruction sees its registers, where it says.
fn views(program: &Program, code: &Code) -> Vec<(Reg, Class)> {
    use Class::{Bool, Float, Integer};
    let integers = |registers: &[Reg]| registers.iter().map(|&r| (r, Integer)).collect();
    match *code {
        Code::Jump(_) | Code::Move { .. } | Code::Call(_) | Code::Array(_) => vec![],
        Code::Unless(flag, _) | Code::Select { flag, .. } => vec![(flag, Bool)],
        Code::Enter { counter, trips, .. } | Code::Next { counter, trips, .. } => {
            integers(&[counter, trips])
        }
        Code::Binary(op, to, a, b) => {
            let (out, operands) = binary(op);
            vec![(to, out), (a, operands), (b, operands)]
        }
        Code::Unary(op, to, a) => {
            let (out, operand) = unary(op);
            vec![(to, out), (a, operand)]
        }
        Code::MultiplyAdd { to, a, b, c } | Code::MultiplySubtract { to, a, b, c } => {
            [to, a, b, c].map(|r| (r, Float)).into()
        }
        Code::Load1 { i, .. } | Code::Store1 { i, .. } => integers(&[i]),
        Code::Load2 { i, j, .. } | Code::Store2 { i, j, .. } => integers(&[i, j]),
        Code::Load3 { i, j, k, .. } | Code::Store3 { i, j, k, .. } => integers(&[i, j, k]),
        Code::Load4 { i, j, k, l, .. } => integers(&[i, j, k, l]),
        Code::Load(element) | Code::Store(element) => {
            integers(&program.elements[element as usize].indices)
        }
        Code::Finite { value, a, b } => [value, a, b].map(|r| (r, Float)).into(),
    }
}

/// The classes of result and operands.
fn binary(op: Binary) -> (Class, Class) {
    use Binary::*;
    use Class::{Bool, Float, Integer};
    match op {
        AddF | SubtractF | MultiplyF | DivideF | MinimumF | MaximumF | DividePython => {
            (Float, Float)
        }
        EqualF | NotEqualF | LessF | LessEqualF => (Bool, Float),
        AddI | SubtractI | MultiplyI | MinimumI | MaximumI | FloorDivideI | RemainderI | AndI
        | OrI | XorI | ShiftLeftI | ShiftRightI | AddPython | SubtractPython | MultiplyPython
        | FloorDividePython | RemainderPython | PowerPython | ShiftLeftPython
        | ShiftRightPython => (Integer, Integer),
        EqualI | NotEqualI | LessI | LessEqualI => (Bool, Integer),
        AndB | OrB | XorB => (Bool, Bool),
    }
}

fn unary(op: Unary) -> (Class, Class) {
    use Class::{Bool, Float, Integer};
    use Unary::*;
    match op {
        NegativeF | AbsoluteF | SquareF | SqrtF => (Float, Float),
        NegativeI | AbsoluteI | SquareI | InvertI | NegativePython | AbsolutePython
        | SquarePython => (Integer, Integer),
        // The high bytes of what is narrower are not looked at.
        IntOfI8 | IntOfI16 | IntOfI32 | IntOfU8 | IntOfU16 | IntOfU32 => (Integer, Integer),
        FloatOfF32 => (Float, Class::Memory),
        F32OfFloat => (Class::Memory, Float),
        IntOfFloat => (Integer, Float),
        NotB => (Bool, Bool),
        FloatOfInt => (Float, Integer),
        FloatOfBool => (Float, Bool),
        IntOfBool => (Integer, Bool),
        BoolOfInt => (Bool, Integer),
        BoolOfFloat => (Bool, Float),
    }
}
