//! Moves at the end of a trip that need not be: the new value is computed where the next trip reads it.
//!
//! In: the code of a loop's body, and the moves that are to end it. Out: those that are left.
//!
//! ```text
//! r7 = r3 + r6;  r3 = r7      =>      r3 = r3 + r6
//! ```
//!
//! A register may take another's place if the old value is not read once the new one is written.
//! Source: coalescing of copies, Chaitin (1982), for code that is read in one direction.

use super::Program;
use super::code::{Code, Reg, Registers};

impl Program {
    /// Removes the moves `(to, from)` that renaming makes unnecessary, for code from `top` on.
    pub(super) fn coalesce(&mut self, top: usize, moves: &mut Vec<(Reg, Reg)>, fixed: &[Reg]) {
        let all = moves.clone();
        moves.retain(|&(to, from)| {
            let read_by_others = all.iter().any(|m| m.1 == to);
            let shared = all.iter().filter(|m| m.1 == from).count() > 1;
            let kept = read_by_others
                || shared
                || fixed.contains(&from)
                || !self.may_rename(top, from, to);
            if !kept {
                for at in top..self.code.len() {
                    self.rename(at, from, to);
                }
            }
            kept
        });
    }

    /// Whether `from`, written in the code from `top` on, may be `to`.
    fn may_rename(&self, top: usize, from: Reg, to: Reg) -> bool {
        let mut written = false;
        for code in &self.code[top..] {
            if matches!(code, Code::Array(_)) {
                return false;
            }
            let (writes, reads) = self.touched(code);
            if (written && reads.contains(&to)) || writes.contains(&to) {
                return false;
            }
            written |= writes.contains(&from);
        }
        written
    }

    /// Whether `copy`, set once by the move at `at`, may be read from `kept` instead: in the rest of the
    /// code `kept` changes in or after the last instruction that reads the copy.
    pub(super) fn may_forward(&self, at: usize, copy: Reg, kept: Reg) -> bool {
        let mut changed = false;
        for (place, code) in self.code.iter().enumerate() {
            let (writes, reads) = self.touched(code);
            let is_elsewhere = place < at && reads.contains(&copy);
            if is_elsewhere || place != at && writes.contains(&copy) {
                return false;
            }
            if place > at {
                if changed && reads.contains(&copy) {
                    return false;
                }
                changed |= writes.contains(&kept);
            }
        }
        true
    }

    /// The number in a register that is never written.
    pub(super) fn constant(&self, register: Reg) -> Option<i64> {
        let found = self.constants.iter().find(|(r, _)| *r == register)?;
        Some(found.1[0] as i64)
    }

    /// What an instruction writes and reads.
    pub(super) fn touched(&self, code: &Code) -> (Registers, Registers) {
        let some = |to: Reg, from: &[Reg]| (Registers::from_slice(&[to]), from.into());
        let none = |from: &[Reg]| (Registers::new(), from.into());
        match *code {
            Code::Jump(_) => none(&[]),
            Code::Unless(flag, _) => none(&[flag]),
            Code::Enter { counter, trips, .. } => some(counter, &[trips]),
            Code::Next { counter, trips, .. } => some(counter, &[counter, trips]),
            Code::Move { to, from } => some(to, &[from]),
            Code::Select { to, flag, yes, no } => some(to, &[flag, yes, no]),
            Code::Binary(_, to, a, b) => some(to, &[a, b]),
            Code::Unary(_, to, a) => some(to, &[a]),
            Code::MultiplyAdd { to, a, b, c } | Code::MultiplySubtract { to, a, b, c } => {
                some(to, &[a, b, c])
            }
            Code::Load1 { to, i, .. } => some(to, &[i]),
            Code::Load2 { to, i, j, .. } => some(to, &[i, j]),
            Code::Load3 { to, i, j, k, .. } => some(to, &[i, j, k]),
            Code::Load4 { to, i, j, k, l, .. } => some(to, &[i, j, k, l]),
            Code::Store1 { from, i, .. } => none(&[from, i]),
            Code::Store2 { from, i, j, .. } => none(&[from, i, j]),
            Code::Store3 { from, i, j, k, .. } => none(&[from, i, j, k]),
            Code::Load(element) => {
                let element = &self.elements[element as usize];
                some(element.value, &element.indices)
            }
            Code::Store(element) => {
                let element = &self.elements[element as usize];
                let mut reads = Registers::from_slice(&element.indices);
                reads.push(element.value);
                none(&reads)
            }
            Code::Call(call) => {
                let call = &self.calls[call as usize];
                some(call.to, &call.operands)
            }
            Code::Finite { value, a, b } => none(&[value, a, b]),
            Code::Array(op) => self.ops[op as usize].registers(),
        }
    }

    pub(super) fn rename(&mut self, at: usize, from: Reg, to: Reg) {
        let swap = |register: &mut Reg| {
            if *register == from {
                *register = to;
            }
        };
        match &mut self.code[at] {
            Code::Jump(_) | Code::Array(_) => {}
            Code::Unless(flag, _) => swap(flag),
            Code::Enter { counter, trips, .. } | Code::Next { counter, trips, .. } => {
                [counter, trips].into_iter().for_each(swap);
            }
            Code::Move { to, from } => [to, from].into_iter().for_each(swap),
            Code::Select { to, flag, yes, no } => [to, flag, yes, no].into_iter().for_each(swap),
            Code::Binary(_, to, a, b) => [to, a, b].into_iter().for_each(swap),
            Code::Unary(_, to, a) => [to, a].into_iter().for_each(swap),
            Code::MultiplyAdd { to, a, b, c } | Code::MultiplySubtract { to, a, b, c } => {
                [to, a, b, c].into_iter().for_each(swap);
            }
            Code::Load1 { to, i, .. } => [to, i].into_iter().for_each(swap),
            Code::Load2 { to, i, j, .. } => [to, i, j].into_iter().for_each(swap),
            Code::Load3 { to, i, j, k, .. } => [to, i, j, k].into_iter().for_each(swap),
            Code::Load4 { to, i, j, k, l, .. } => [to, i, j, k, l].into_iter().for_each(swap),
            Code::Store1 { from, i, .. } => [from, i].into_iter().for_each(swap),
            Code::Store2 { from, i, j, .. } => [from, i, j].into_iter().for_each(swap),
            Code::Store3 { from, i, j, k, .. } => [from, i, j, k].into_iter().for_each(swap),
            Code::Load(element) | Code::Store(element) => {
                let element = &mut self.elements[*element as usize];
                swap(&mut element.value);
                element.indices.iter_mut().for_each(swap);
            }
            Code::Call(call) => {
                let call = &mut self.calls[*call as usize];
                swap(&mut call.to);
                call.operands.iter_mut().for_each(swap);
            }
            Code::Finite { value, a, b } => [value, a, b].into_iter().for_each(swap),
        }
    }
}
