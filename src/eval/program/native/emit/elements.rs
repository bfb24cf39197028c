//! Elements of arrays in machine code, and the faster translation of loops over them.
//!
//! In: an array's number and the registers of its indices. Out: where the element is. Within the faster
//! translation of an innermost loop that is a pointer of [`super::super::hoist`], made before the first trip;
//! elsewhere it is computed from the descriptor, and bounds are checked.

use std::mem::offset_of;

use super::super::super::code::{ArrayId, Reg};
use super::super::super::descriptor::Array;
use super::super::allocate::{Home, survives_calls};
use super::super::hoist::Index;
use super::{ARRAYS, Emitter};
use crate::eval::machine::assembler::{Condition, Integer, Label, Operand, RAX, RCX, RDX, RSP};

/// The faster translation of an innermost loop, whose elements are found by pointers. Where an
/// instruction is not the common case, it goes over to the other translation.
pub(super) struct Fast {
    /// Among the innermost loops.
    pub number: usize,
    /// Of the instructions after the one that enters.
    pub labels: Vec<Label>,
    places: Vec<Operand>,
}

impl Emitter<'_> {
    /// The faster translation of a loop, entered where all its elements are known to be within bounds.
    pub(super) fn fast(&mut self, number: usize, trips: Reg) {
        let inner = &self.innermost[number];
        let (enter, next) = (inner.enter, inner.next);
        let slow = self.labels[enter + 1];
        let calls = inner.calls;
        let mut free = self
            .allocation
            .free(enter, next)
            .filter(|n| !calls || survives_calls(*n));
        let places: Vec<Operand> = (0..inner.pointers.len())
            .map(|k| match free.next() {
                Some(number) => Operand::Register(number),
                None => Operand::At(RSP, 8 * k as i32),
            })
            .collect();
        for (k, place) in places.iter().enumerate() {
            let array = self.innermost[number].pointers[k].array;
            for axis in 0..self.innermost[number].pointers[k].indices.len() {
                let index = self.innermost[number].pointers[k].indices[axis].clone();
                self.first(&index);
                let size = Self::field(array, offset_of!(Array, sizes), axis);
                if index.moves {
                    let trips = self.operand(trips);
                    self.a.load(RCX, trips);
                    self.a.integer(Integer::Add, RCX, Operand::Register(RAX));
                    self.a
                        .integer_constant(Integer::Subtract, Operand::Register(RCX), 1);
                    self.a.integer(Integer::Compare, RCX, size);
                    self.a.jump_if(Condition::ABOVE_EQUAL, slow);
                }
                self.a.integer(Integer::Compare, RAX, size);
                self.a.jump_if(Condition::ABOVE_EQUAL, slow);
                let stride = Self::field(array, offset_of!(Array, strides), axis);
                self.a.multiply(RAX, stride);
                let start = Self::field(array, offset_of!(Array, start), 0);
                if axis == 0 {
                    self.a.load(RDX, start);
                }
                self.a.integer(Integer::Add, RDX, Operand::Register(RAX));
            }
            self.a.store(*place, RDX);
        }
        let labels = (enter..next).map(|_| self.a.label()).collect();
        self.fast = Some(Fast {
            number,
            labels,
            places,
        });
        self.range(enter + 1, next + 1);
        self.fast = None;
        self.a.jump(self.labels[next + 1]);
    }

    /// An index in the first trip, into `rax`.
    fn first(&mut self, index: &Index) {
        let sides = [
            (Integer::Add, &index.plus),
            (Integer::Subtract, &index.minus),
        ];
        self.a.constant(RAX, index.constant);
        for (op, registers) in sides {
            for &register in registers {
                let operand = self.operand(register);
                self.a.integer(op, RAX, operand);
            }
        }
    }

    /// Moves the pointers of the faster translation by a trip.
    pub(super) fn advance(&mut self) {
        let Some(Fast { number, places, .. }) = &self.fast else {
            return;
        };
        for (pointer, place) in self.innermost[*number].pointers.iter().zip(places) {
            let register = match *place {
                Operand::Register(number) => number,
                Operand::At(..) | Operand::Indexed(..) => RAX,
            };
            for (axis, index) in pointer.indices.iter().enumerate() {
                if index.moves {
                    let step = Self::field(pointer.array, offset_of!(Array, strides), axis);
                    self.a.load(register, *place);
                    self.a.integer(Integer::Add, register, step);
                    self.a.store(*place, register);
                }
            }
        }
    }

    /// A field of an array's descriptor.
    fn field(array: ArrayId, offset: usize, axis: usize) -> Operand {
        let base = usize::from(array) * size_of::<Array>();
        Operand::At(ARRAYS, (base + offset + 8 * axis) as i32)
    }

    /// Where an element is.
    fn element(&mut self, at: usize, array: ArrayId, indices: &[Reg]) -> Operand {
        if let Some(fast) = &self.fast
            && let Some(&pointer) = self.innermost[fast.number].of.get(&at)
        {
            return match fast.places[pointer] {
                Operand::Register(number) => Operand::At(number, 0),
                place => {
                    self.a.load(RAX, place);
                    Operand::At(RAX, 0)
                }
            };
        }
        self.address(at, array, indices);
        Operand::At(RAX, 0)
    }

    /// The address of an element, into `rax`.
    fn address(&mut self, at: usize, array: ArrayId, indices: &[Reg]) {
        let cold = self.cold(at);
        for (axis, &index) in indices.iter().enumerate() {
            let scratch = if axis == 0 { RAX } else { RCX };
            let number = self.integer(index, scratch);
            let size = Self::field(array, offset_of!(Array, sizes), axis);
            self.a.integer(Integer::Compare, number, size);
            self.a.jump_if(Condition::ABOVE_EQUAL, cold);
            self.a.load(scratch, Operand::Register(number));
            let stride = Self::field(array, offset_of!(Array, strides), axis);
            self.a.multiply(scratch, stride);
            if axis > 0 {
                self.a.integer(Integer::Add, RAX, Operand::Register(RCX));
            }
        }
        let start = Self::field(array, offset_of!(Array, start), 0);
        self.a.integer(Integer::Add, RAX, start);
    }

    pub(super) fn load(
        &mut self,
        at: usize,
        to: Reg,
        array: ArrayId,
        indices: &[Reg],
        size: usize,
    ) {
        let from = self.element(at, array, indices);
        match self.home(to) {
            Home::Float(number) => self.a.load_float(number, from),
            Home::General(number) => self.a.load_part(size, false, number, from),
            Home::Cell if size == 16 => {
                self.a.load_wide(0, from);
                self.a.store_wide(Self::cell(to), 0);
            }
            Home::Cell => {
                self.a.load_part(size, false, RCX, from);
                self.a.store(Self::cell(to), RCX);
            }
        }
    }

    pub(super) fn store(
        &mut self,
        at: usize,
        value: Reg,
        array: ArrayId,
        indices: &[Reg],
        size: usize,
    ) {
        let to = self.element(at, array, indices);
        match self.home(value) {
            Home::Float(number) => self.a.store_float(to, number),
            Home::General(number) => self.a.store_part(size, to, number),
            Home::Cell if size == 16 => {
                self.a.load_wide(0, Self::cell(value));
                self.a.store_wide(to, 0);
            }
            Home::Cell => {
                self.a.load(RCX, Self::cell(value));
                self.a.store_part(size, to, RCX);
            }
        }
    }
}
