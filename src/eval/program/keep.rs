//! An element that all trips of a loop read and write stays in a register meanwhile.
//!
//! In: the code of a loop without branches. Out: the same code, with the element read before the loop and
//! written after it.
//!
//! ```text
//! for k in range(n): C[i, j] += A[i, k] * B[k, j]     c = C[i, j];  for k: c = c + A[i, k] * B[k, j];  C[i, j] = c
//! ```
//!
//! Source: scalar replacement, Callahan, Carr and Kennedy, "Improving register allocation for subscripted
//! variables" (1990).

use super::code::{ArrayId, Code, Reg, Registers};
use super::compile::Compiler;
use crate::error::Result;

/// An element of 8 bytes.
#[derive(Clone, PartialEq)]
struct Place {
    array: ArrayId,
    indices: Registers,
}

impl Compiler {
    /// Keeps an element in a register, in the loop whose code goes from `enter` to the end; where its
    /// `Enter` is by then, and what is to be done after the loop.
    pub(super) fn keep_element(
        &mut self,
        enter: usize,
        fixed: &[Reg],
    ) -> Result<(usize, Option<Code>)> {
        let Some(place) = self.keepable(enter) else {
            return Ok((enter, None));
        };
        let kept = self.fresh_register()?;
        let mut writes = Vec::new();
        for at in enter + 1..self.here() {
            let code = self.program.code[at];
            match (read(&code), written(&code)) {
                (Some((found, to)), _) if found == place => {
                    self.program.code[at] = Code::Move { to, from: kept };
                }
                (_, Some((found, from))) if found == place => {
                    self.program.code[at] = Code::Move { to: kept, from };
                    writes.push((at, from));
                }
                _ => {}
            }
        }
        // The value is computed where it is kept, if it is computed for that alone.
        if let [(at, from)] = writes[..] {
            let mut moves = vec![(kept, from)];
            self.program.code.remove(at);
            self.program.coalesce(enter + 1, &mut moves, fixed);
            if !moves.is_empty() {
                self.program.code.insert(at, Code::Move { to: kept, from });
            }
        }
        self.program.code.insert(enter, load(&place, kept));
        self.forward(enter + 2, kept);
        Ok((enter + 1, Some(store(&place, kept))))
    }

    /// The element, if there is one that may be kept.
    fn keepable(&self, enter: usize) -> Option<Place> {
        let body = &self.program.code[enter + 1..];
        let Code::Enter { counter, .. } = self.program.code[enter] else {
            return None;
        };
        let mut changing = vec![counter];
        for code in body {
            if matches!(
                code,
                Code::Jump(_)
                    | Code::Unless(..)
                    | Code::Enter { .. }
                    | Code::Next { .. }
                    | Code::Array(_)
            ) {
                return None;
            }
            changing.extend(self.program.touched(code).0);
        }
        let (place, _) = body.iter().find_map(written)?;
        let buffer = self.buffer_of[place.array as usize]?;
        if place.indices.iter().any(|index| changing.contains(index)) {
            return None;
        }
        // Nothing else in that memory is touched meanwhile.
        let is_apart = |code: &Code| match read(code).or_else(|| written(code)) {
            Some((other, _)) if other == place => true,
            Some((other, _)) => self.buffer_of[other.array as usize] != Some(buffer),
            None => match code {
                Code::Load(element) | Code::Store(element) => {
                    let other = &self.program.elements[*element as usize];
                    self.buffer_of[other.array as usize] != Some(buffer)
                }
                _ => true,
            },
        };
        body.iter().all(is_apart).then_some(place)
    }

    /// Reads the register itself where a copy of it is read before it changes.
    fn forward(&mut self, from: usize, kept: Reg) {
        let mut at = from;
        while at < self.here() {
            let Code::Move { to, from } = self.program.code[at] else {
                at += 1;
                continue;
            };
            if from == kept && self.program.may_forward(at, to, kept) {
                self.program.code.remove(at);
                for later in at..self.here() {
                    self.program.rename(later, to, kept);
                }
                continue;
            }
            at += 1;
        }
    }
}

fn read(code: &Code) -> Option<(Place, Reg)> {
    let (to, array, indices): (Reg, ArrayId, &[Reg]) = match code {
        Code::Load1 { to, array, i } => (*to, *array, &[*i]),
        Code::Load2 { to, array, i, j } => (*to, *array, &[*i, *j]),
        Code::Load3 { to, array, i, j, k } => (*to, *array, &[*i, *j, *k]),
        _ => return None,
    };
    let indices = Registers::from_slice(indices);
    Some((Place { array, indices }, to))
}

fn written(code: &Code) -> Option<(Place, Reg)> {
    let (from, array, indices): (Reg, ArrayId, &[Reg]) = match code {
        Code::Store1 { from, array, i } => (*from, *array, &[*i]),
        Code::Store2 { from, array, i, j } => (*from, *array, &[*i, *j]),
        Code::Store3 {
            from,
            array,
            i,
            j,
            k,
        } => (*from, *array, &[*i, *j, *k]),
        _ => return None,
    };
    let indices = Registers::from_slice(indices);
    Some((Place { array, indices }, from))
}

fn load(place: &Place, to: Reg) -> Code {
    let array = place.array;
    match place.indices[..] {
        [i] => Code::Load1 { to, array, i },
        [i, j] => Code::Load2 { to, array, i, j },
        _ => Code::Load3 {
            to,
            array,
            i: place.indices[0],
            j: place.indices[1],
            k: place.indices[2],
        },
    }
}

fn store(place: &Place, from: Reg) -> Code {
    let array = place.array;
    match place.indices[..] {
        [i] => Code::Store1 { from, array, i },
        [i, j] => Code::Store2 { from, array, i, j },
        _ => Code::Store3 {
            from,
            array,
            i: place.indices[0],
            j: place.indices[1],
            k: place.indices[2],
        },
    }
}
