//! What the elements of an innermost loop have in common.
//!
//! In: a program. Out: its innermost loops over a counter, with the elements that are at places known when
//! the loop is entered: each index is a number that does not change there, or the counter plus such a
//! number. Their bounds are checked for all trips at once, and their addresses are pointers that move by
//! a step from trip to trip.
//!
//! ```text
//! for j in range(n): C[i, j] += A[i, j - 1]       two pointers, from C[i, 0] and A[i, -1] by a column
//! ```

use std::collections::HashMap;

use smallvec::SmallVec;

use super::super::Program;
use super::super::code::{ArrayId, Binary, Code, Reg};
use super::allocate::loops;
use crate::ops::Write;

/// Longer bodies are not worth a second translation.
const LONGEST: usize = 200;

/// An innermost loop and its pointers.
#[derive(Debug)]
pub struct Innermost {
    /// The instructions that enter it, and that go on with it.
    pub enter: usize,
    pub next: usize,
    pub pointers: Vec<Pointer>,
    /// The pointer of an instruction.
    pub of: HashMap<usize, usize>,
    /// Whether something is called in it.
    pub calls: bool,
}

/// Where an element is in the first trip, and along which axes it moves.
#[derive(Debug, PartialEq)]
pub struct Pointer {
    pub array: ArrayId,
    pub indices: SmallVec<[Index; 4]>,
}

/// `constant + plus - minus`, and the counter besides if it moves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    pub constant: i64,
    pub plus: SmallVec<[Reg; 2]>,
    pub minus: SmallVec<[Reg; 2]>,
    pub moves: bool,
}

pub fn innermost(program: &Program) -> Vec<Innermost> {
    let all = loops(&program.code);
    let holds_none =
        |&(start, end): &(usize, usize)| !all.iter().any(|other| other.0 > start && other.1 < end);
    all.iter()
        .copied()
        .filter(holds_none)
        .filter_map(|(enter, next)| pointers(program, enter, next))
        .collect()
}

fn pointers(program: &Program, enter: usize, next: usize) -> Option<Innermost> {
    let Code::Enter { counter, .. } = program.code[enter] else {
        return None;
    };
    let body = enter + 1..next;
    if body.len() > LONGEST {
        return None;
    }
    let mut writes: HashMap<Reg, Vec<usize>> = HashMap::new();
    let mut calls = false;
    for at in enter + 1..=next {
        let code = &program.code[at];
        calls |= match *code {
            // These change descriptors.
            Code::Array(_) => return None,
            Code::Call(_) | Code::Binary(Binary::PowerPython, ..) => true,
            Code::Store(element) => program.elements[element as usize].kind == Write::Add,
            _ => false,
        };
        for register in program.touched(code).0 {
            writes.entry(register).or_default().push(at);
        }
    }
    let facts = Facts {
        program,
        enter,
        counter,
        writes,
    };
    let mut found = Innermost {
        enter,
        next,
        pointers: vec![],
        of: HashMap::new(),
        calls,
    };
    for at in body {
        let Some((array, indices)) = element(program, &program.code[at]) else {
            continue;
        };
        let indices = indices.iter().map(|&r| facts.index(r, at, 4));
        let Some(indices) = indices.collect::<Option<_>>() else {
            continue;
        };
        let pointer = Pointer { array, indices };
        let known = found.pointers.iter().position(|p| *p == pointer);
        let number = known.unwrap_or(found.pointers.len());
        if known.is_none() {
            found.pointers.push(pointer);
        }
        found.of.insert(at, number);
    }
    (!found.pointers.is_empty()).then_some(found)
}

/// The element that an instruction reads or sets.
fn element(program: &Program, code: &Code) -> Option<(ArrayId, SmallVec<[Reg; 4]>)> {
    Some(match *code {
        Code::Load1 { array, i, .. } | Code::Store1 { array, i, .. } => {
            (array, [i].as_slice().into())
        }
        Code::Load2 { array, i, j, .. } | Code::Store2 { array, i, j, .. } => {
            (array, [i, j].as_slice().into())
        }
        Code::Load3 { array, i, j, k, .. } | Code::Store3 { array, i, j, k, .. } => {
            (array, [i, j, k].as_slice().into())
        }
        Code::Load4 {
            array, i, j, k, l, ..
        } => (array, [i, j, k, l].as_slice().into()),
        Code::Load(element) | Code::Store(element) => {
            let element = &program.elements[element as usize];
            if element.kind == Write::Add {
                return None;
            }
            (element.array, element.indices.as_slice().into())
        }
        _ => return None,
    })
}

/// What changes in a loop.
struct Facts<'p> {
    program: &'p Program,
    enter: usize,
    counter: Reg,
    writes: HashMap<Reg, Vec<usize>>,
}

impl Facts<'_> {
    /// Whether a branch may lead past an instruction on the way to a later one.
    fn may_skip(&self, at: usize, reader: usize) -> bool {
        (self.enter + 1..at).any(|branch| {
            let to = match self.program.code[branch] {
                Code::Jump(to) | Code::Unless(_, to) => branch.wrapping_add_signed(to as isize),
                _ => return false,
            };
            (at + 1..=reader).contains(&to)
        })
    }

    /// A register that an instruction reads, if it is the counter plus something that stays.
    fn index(&self, register: Reg, reader: usize, depth: usize) -> Option<Index> {
        if register == self.counter {
            return Some(Index {
                moves: true,
                ..Index::default()
            });
        }
        if let Some(constant) = self.program.constant(register) {
            return Some(Index {
                constant,
                ..Index::default()
            });
        }
        match self.writes.get(&register).map(Vec::as_slice) {
            None => Some(Index {
                plus: [register].as_slice().into(),
                ..Index::default()
            }),
            // Written before it is read: a number of this trip, not of the one before.
            Some(&[at]) if at < reader && depth > 0 && !self.may_skip(at, reader) => {
                match self.program.code[at] {
                    Code::Binary(Binary::AddI | Binary::AddPython, _, a, b) => self
                        .index(a, at, depth - 1)?
                        .plus(self.index(b, at, depth - 1)?),
                    Code::Binary(Binary::SubtractI | Binary::SubtractPython, _, a, b) => self
                        .index(a, at, depth - 1)?
                        .minus(self.index(b, at, depth - 1)?),
                    Code::Move { from, .. } => self.index(from, at, depth - 1),
                    _ => None,
                }
            }
            Some(_) => None,
        }
    }
}

impl Index {
    fn plus(mut self, other: Index) -> Option<Index> {
        if self.moves && other.moves {
            return None;
        }
        self.moves |= other.moves;
        self.constant = self.constant.checked_add(other.constant)?;
        self.plus.extend(other.plus);
        self.minus.extend(other.minus);
        Some(self)
    }

    fn minus(mut self, other: Index) -> Option<Index> {
        if other.moves {
            return None;
        }
        self.constant = self.constant.checked_sub(other.constant)?;
        self.plus.extend(other.minus);
        self.minus.extend(other.plus);
        Some(self)
    }
}
