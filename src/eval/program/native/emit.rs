//! From instructions to machine code.
//!
//! In: a program and its registers' homes. Out: the bytes of a function that runs it.
//!
//! ```text
//! r5 = a0[r4]          cmp r14, [r12 + sizes]; jae cold; mov rax, r14; imul rax, [r12 + strides]
//!                      add rax, [r12 + start]; movsd xmm3, [rax]
//! cold:                registers to their cells; the interpreter does it; back
//! ```
//!
//! What is common is written out; whatever an instruction does besides (an index from the end, an
//! overflow, an error) is left to the interpreter, which is asked to do that one instruction.

mod elements;

use std::collections::BTreeMap;

use super::super::Program;
use super::super::code::{Binary, Call, Code, Reg, Unary};
use super::allocate::{Allocation, Class, Home, is_immediate, survives_calls};
use super::hoist::{Innermost, innermost};
use super::{Addresses, CallBack};
use crate::eval::machine::assembler::{
    Assembler, Condition, Float, Integer, Label, Number, Operand, RAX, RBP, RBX, RCX, RDI, RDX,
    RSI, RSP, Shift,
};
use crate::ops::Write;
use elements::Fast;

/// Where the cells, the descriptors and the context are.
const CELLS: Number = RBX;
const ARRAYS: Number = 12;
const CONTEXT: Number = 13;
const SAVED: [Number; 6] = [RBX, RBP, 12, 13, 14, 15];

const SIGN: i64 = i64::MIN;
const EXPONENT: i64 = 0x7ff0 << 48;

/// The machine code of a program.
pub fn emit(
    program: &Program,
    allocation: &Allocation,
    addresses: &'static Addresses,
) -> Option<Vec<u8>> {
    let mut a = Assembler::default();
    let labels = (0..=program.code.len()).map(|_| a.label()).collect();
    let (failed, done) = (a.label(), a.label());
    let mut emitter = Emitter {
        program,
        allocation,
        a,
        labels,
        failed,
        cold: BTreeMap::new(),
        innermost: innermost(program),
        fast: None,
        addresses,
    };
    emitter.enter();
    emitter.range(0, program.code.len());
    emitter.begin(program.code.len());
    emitter.leave(done);
    emitter.colds();
    emitter.a.finish()
}

struct Emitter<'p> {
    program: &'p Program,
    allocation: &'p Allocation,
    a: Assembler,
    /// Per instruction, and for the end.
    labels: Vec<Label>,
    failed: Label,
    /// Instructions left to the interpreter in some cases: where that begins.
    cold: BTreeMap<usize, Label>,
    innermost: Vec<Innermost>,
    /// The loop whose faster translation is written.
    fast: Option<Fast>,
    addresses: &'static Addresses,
}

/// What a comparison leaves in the flags.
#[derive(Clone, Copy)]
enum Outcome {
    Flag(Condition),
    /// Of floats, which are unequal if they are unordered.
    Equal,
    Unequal,
}

impl Emitter<'_> {
    fn enter(&mut self) {
        for register in SAVED {
            self.a.push(register);
        }
        // Calls want the stack at a multiple of 16.
        let stack = Operand::Register(RSP);
        self.a
            .integer_constant(Integer::Subtract, stack, 8 + self.frame());
        self.a.load(CONTEXT, Operand::Register(RDI));
        self.a.load(CELLS, Operand::Register(RSI));
        self.a.load(ARRAYS, Operand::Register(RDX));
    }

    /// Bytes for the pointers of an innermost loop, a multiple of 16.
    fn frame(&self) -> i32 {
        let most = self.innermost.iter().map(|l| l.pointers.len()).max();
        (most.unwrap_or(0) as i32 * 8 + 15) & !15
    }

    fn range(&mut self, from: usize, to: usize) {
        let mut at = from;
        while at < to {
            self.begin(at);
            at += self.instruction(at);
        }
    }

    /// Where an instruction begins, in the translation that is written.
    fn label(&self, at: usize) -> Label {
        if let Some(fast) = &self.fast {
            let inner = &self.innermost[fast.number];
            if at > inner.enter && at <= inner.next {
                return fast.labels[at - inner.enter - 1];
            }
        }
        self.labels[at]
    }

    /// What comes before an instruction: registers that are in use from there on.
    fn begin(&mut self, at: usize) {
        let label = self.label(at);
        self.a.bind(label);
        for register in 0..self.program.registers {
            let life = self.allocation.lives[register];
            if life.is_some_and(|life| life.given && life.first == at) {
                self.reload(register as Reg);
            }
        }
    }

    fn leave(&mut self, done: Label) {
        for output in &self.program.outputs {
            if let super::super::Location::Register(register) = output {
                self.spill(*register);
            }
        }
        self.a.constant(RAX, 0);
        self.a.bind(done);
        let stack = Operand::Register(RSP);
        let frame = self.frame();
        self.a.integer_constant(Integer::Add, stack, 8 + frame);
        for register in SAVED.into_iter().rev() {
            self.a.pop(register);
        }
        self.a.leave();
        let failed = self.failed;
        self.a.bind(failed);
        self.a.constant(RAX, 1);
        self.a.jump(done);
    }

    fn colds(&mut self) {
        for (at, label) in std::mem::take(&mut self.cold) {
            self.a.bind(label);
            self.by_interpreter(at);
            self.a.jump(self.labels[at + 1]);
        }
    }

    /// A label to jump to where an instruction is not the common case.
    fn cold(&mut self, at: usize) -> Label {
        *self.cold.entry(at).or_insert_with(|| self.a.label())
    }

    // Registers.

    fn cell(register: Reg) -> Operand {
        Operand::At(CELLS, 16 * i32::from(register))
    }

    fn home(&self, register: Reg) -> Home {
        self.allocation.homes[register as usize]
    }

    fn is_bool(&self, register: Reg) -> bool {
        self.allocation.classes[register as usize] == Class::Bool
    }

    fn operand(&self, register: Reg) -> Operand {
        match self.home(register) {
            Home::General(number) | Home::Float(number) => Operand::Register(number),
            Home::Cell => Self::cell(register),
        }
    }

    fn spill(&mut self, register: Reg) {
        match self.home(register) {
            Home::General(number) => self.a.store(Self::cell(register), number),
            Home::Float(number) => self.a.store_float(Self::cell(register), number),
            Home::Cell => {}
        }
    }

    fn reload(&mut self, register: Reg) {
        match self.home(register) {
            Home::General(number) if self.is_bool(register) => {
                self.a.load_part(1, false, number, Self::cell(register));
            }
            Home::General(number) => self.a.load(number, Self::cell(register)),
            Home::Float(number) => self.a.load_float(number, Self::cell(register)),
            Home::Cell => {}
        }
    }

    /// Has the interpreter do an instruction.
    fn by_interpreter(&mut self, at: usize) {
        self.call_back(at, self.addresses.one_instruction, at);
    }

    /// Has a part of the program done, by its number.
    fn call_back(&mut self, at: usize, function: CallBack, number: usize) {
        self.outside(at, |emitter| {
            emitter.a.load(RDI, Operand::Register(CONTEXT));
            emitter.a.constant(RSI, number as i64);
            let function = function as *const () as i64;
            emitter.a.constant(RAX, function);
            emitter.a.call(RAX);
            emitter.a.test(RAX);
            emitter.a.jump_if(Condition::NOT_EQUAL, emitter.failed);
        });
    }

    /// Calls a kernel, which cannot fail.
    fn by_kernel(&mut self, at: usize, call: &Call) {
        self.outside(at, |emitter| {
            emitter
                .a
                .constant(RDI, std::ptr::from_ref(call).addr() as i64);
            emitter.a.load(RSI, Operand::Register(CELLS));
            let function = emitter.addresses.kernel as *const () as i64;
            emitter.a.constant(RAX, function);
            emitter.a.call(RAX);
        });
    }

    /// Has an instruction done by a call: all it may read is in its cell meanwhile, and whatever does
    /// not survive a call.
    fn outside(&mut self, at: usize, call: impl FnOnce(&mut Self)) {
        let (writes, reads) = self.program.touched(&self.program.code[at]);
        let mut lost = Vec::new();
        for register in 0..self.program.registers as Reg {
            let life = self.allocation.lives[register as usize];
            if !life.is_some_and(|life| life.first <= at && at <= life.last) {
                continue;
            }
            let kept = match self.home(register) {
                Home::General(number) => survives_calls(number),
                Home::Float(_) => false,
                Home::Cell => continue,
            };
            if !kept || reads.contains(&register) {
                self.spill(register);
            }
            if !kept || writes.contains(&register) {
                lost.push(register);
            }
        }
        call(self);
        for register in lost {
            self.reload(register);
        }
    }

    /// An integer, in its own register or in `scratch`.
    fn integer(&mut self, register: Reg, scratch: Number) -> Number {
        match self.home(register) {
            Home::General(number) => number,
            Home::Float(_) | Home::Cell => {
                self.a.load(scratch, Self::cell(register));
                scratch
            }
        }
    }

    fn flag(&mut self, register: Reg, scratch: Number) -> Number {
        match self.home(register) {
            Home::General(number) => number,
            Home::Float(_) | Home::Cell => {
                self.a.load_part(1, false, scratch, Self::cell(register));
                scratch
            }
        }
    }

    /// The machine register to compute a result in: its own, if the second operand is not there.
    fn target(&self, to: Reg, second: Option<Reg>, scratch: Number) -> Number {
        match self.home(to) {
            Home::General(number) | Home::Float(number)
                if second.is_none_or(|b| self.operand(b) != Operand::Register(number)) =>
            {
                number
            }
            _ => scratch,
        }
    }

    fn put(&mut self, to: Reg, from: Number) {
        match self.home(to) {
            Home::General(number) => self.a.load(number, Operand::Register(from)),
            Home::Float(_) | Home::Cell => self.a.store(Self::cell(to), from),
        }
    }

    fn put_float(&mut self, to: Reg, from: Number) {
        let to = self.operand(to);
        self.a.store_float(to, from);
    }

    /// A known second operand that the instruction takes into itself.
    fn immediate(&self, at: usize, register: Reg) -> Option<i64> {
        let value = self.program.constant(register)?;
        is_immediate(&self.program.code[at], register, value).then_some(value)
    }

    // Instructions.

    /// Emits an instruction, and the next if they are done as one; how many.
    fn instruction(&mut self, at: usize) -> usize {
        let target =
            |emitter: &Self, offset: i32| emitter.label(at.wrapping_add_signed(offset as isize));
        match self.program.code[at] {
            Code::Jump(to) => {
                let to = target(self, to);
                self.a.jump(to);
            }
            Code::Unless(flag, to) => {
                let to = target(self, to);
                self.test(flag);
                self.a.jump_if(Condition::EQUAL, to);
            }
            Code::Enter {
                counter,
                trips,
                exit,
            } => {
                let exit = target(self, exit);
                self.a.constant(RAX, 0);
                self.put(counter, RAX);
                let number = self.integer(trips, RAX);
                self.a.test(number);
                self.a.jump_if(Condition::LESS_EQUAL, exit);
                if let Some(number) = self.innermost.iter().position(|l| l.enter == at) {
                    self.fast(number, trips);
                }
            }
            Code::Next {
                counter,
                trips,
                again,
            } => {
                let again = target(self, again);
                self.advance();
                let is_last = self.allocation.lives[counter as usize].is_some_and(|l| l.last == at);
                let limit = self.operand(trips);
                if let (Home::General(number), true) = (self.home(counter), is_last) {
                    self.a
                        .integer_constant(Integer::Add, Operand::Register(number), 1);
                    self.a.integer(Integer::Compare, number, limit);
                    self.a.jump_if(Condition::LESS, again);
                } else {
                    let counted = self.operand(counter);
                    self.a.load(RAX, counted);
                    self.a
                        .integer_constant(Integer::Add, Operand::Register(RAX), 1);
                    self.a.integer(Integer::Compare, RAX, limit);
                    let end = self.a.label();
                    self.a.jump_if(Condition::GREATER_EQUAL, end);
                    self.put(counter, RAX);
                    self.a.jump(again);
                    self.a.bind(end);
                }
            }
            Code::Move { to, from } => self.copy(to, from),
            Code::Select { to, flag, yes, no } => self.select(to, flag, yes, no),
            Code::Binary(op, to, a, b) => return self.binary(at, op, to, a, b),
            Code::Unary(op, to, a) => self.unary(at, op, to, a),
            Code::MultiplyAdd { to, a, b, c } => {
                self.product(a, b);
                let c = self.operand(c);
                self.a.float(Float::Add, 0, c);
                self.put_float(to, 0);
            }
            Code::MultiplySubtract { to, a, b, c } => {
                self.product(a, b);
                let (d, c) = (self.target(to, None, 1), self.operand(c));
                self.a.load_float(d, c);
                self.a.float(Float::Subtract, d, Operand::Register(0));
                self.put_float(to, d);
            }
            Code::Load1 { to, array, i } => self.load(at, to, array, &[i], 8),
            Code::Load2 { to, array, i, j } => self.load(at, to, array, &[i, j], 8),
            Code::Load3 { to, array, i, j, k } => self.load(at, to, array, &[i, j, k], 8),
            Code::Load4 {
                to,
                array,
                i,
                j,
                k,
                l,
            } => self.load(at, to, array, &[i, j, k, l], 8),
            Code::Store1 { from, array, i } => self.store(at, from, array, &[i], 8),
            Code::Store2 { from, array, i, j } => self.store(at, from, array, &[i, j], 8),
            Code::Store3 {
                from,
                array,
                i,
                j,
                k,
            } => self.store(at, from, array, &[i, j, k], 8),
            Code::Load(element) => {
                let program = self.program;
                let element = &program.elements[element as usize];
                let size = program.arrays[element.array as usize].dtype.size();
                self.load(at, element.value, element.array, &element.indices, size);
            }
            Code::Store(element) => {
                let program = self.program;
                let element = &program.elements[element as usize];
                let size = program.arrays[element.array as usize].dtype.size();
                match element.kind {
                    Write::Set => {
                        self.store(at, element.value, element.array, &element.indices, size);
                    }
                    Write::Add => self.by_interpreter(at),
                }
            }
            Code::Call(call) => {
                let program = self.program;
                let call = &program.calls[call as usize];
                match call.check {
                    None => self.by_kernel(at, call),
                    Some(_) => self.by_interpreter(at),
                }
            }
            Code::Array(op) => self.call_back(at, self.addresses.array_operation, op as usize),
            Code::Finite { value, .. } => {
                let cold = self.cold(at);
                let value = self.operand(value);
                self.a.load_float(0, value);
                self.a.bits_of_float(RAX, 0);
                self.a.constant(RCX, EXPONENT);
                self.a.integer(Integer::And, RAX, Operand::Register(RCX));
                self.a
                    .integer(Integer::Compare, RAX, Operand::Register(RCX));
                self.a.jump_if(Condition::EQUAL, cold);
            }
        }
        1
    }

    /// Compares a flag with zero.
    fn test(&mut self, flag: Reg) {
        match self.home(flag) {
            Home::General(number) => self.a.test(number),
            Home::Float(_) | Home::Cell => self.a.test_byte(Self::cell(flag)),
        }
    }

    fn copy(&mut self, to: Reg, from: Reg) {
        match (self.home(to), self.home(from)) {
            (Home::Cell, Home::Cell) => {
                self.a.load_wide(0, Self::cell(from));
                self.a.store_wide(Self::cell(to), 0);
            }
            (Home::Float(number), _) => {
                let from = self.operand(from);
                self.a.load_float(number, from);
            }
            (_, Home::Float(number)) => self.put_float(to, number),
            (Home::General(_), Home::Cell) if self.is_bool(from) => {
                let from = self.flag(from, RAX);
                self.put(to, from);
            }
            (Home::General(_), _) | (_, Home::General(_)) => {
                let from = self.integer(from, RAX);
                self.put(to, from);
            }
        }
    }

    fn select(&mut self, to: Reg, flag: Reg, yes: Reg, no: Reg) {
        let is_integer = self.allocation.classes[to as usize] == Class::Integer;
        if is_integer {
            let (yes, no) = (self.operand(yes), self.operand(no));
            self.a.load(RAX, no);
            self.test(flag);
            self.a.move_if(Condition::NOT_EQUAL, RAX, yes);
            self.put(to, RAX);
            return;
        }
        let (otherwise, end) = (self.a.label(), self.a.label());
        self.test(flag);
        self.a.jump_if(Condition::EQUAL, otherwise);
        self.copy(to, yes);
        self.a.jump(end);
        self.a.bind(otherwise);
        self.copy(to, no);
        self.a.bind(end);
    }

    /// Into xmm0.
    fn product(&mut self, a: Reg, b: Reg) {
        let (a, b) = (self.operand(a), self.operand(b));
        self.a.load_float(0, a);
        self.a.float(Float::Multiply, 0, b);
    }

    fn binary(&mut self, at: usize, op: Binary, to: Reg, a: Reg, b: Reg) -> usize {
        match op {
            Binary::AddF => self.floats(Float::Add, to, a, b),
            Binary::SubtractF => self.floats(Float::Subtract, to, a, b),
            Binary::MultiplyF => self.floats(Float::Multiply, to, a, b),
            Binary::DivideF => self.floats(Float::Divide, to, a, b),
            Binary::DividePython => {
                let cold = self.cold(at);
                let (fine, divisor) = (self.a.label(), self.operand(b));
                self.a.xor_float(1, 1);
                self.a.compare_float(1, divisor);
                self.a.jump_if(Condition::PARITY, fine);
                self.a.jump_if(Condition::EQUAL, cold);
                self.a.bind(fine);
                self.floats(Float::Divide, to, a, b);
            }
            Binary::MinimumF => self.extreme(Float::Minimum, to, a, b),
            Binary::MaximumF => self.extreme(Float::Maximum, to, a, b),
            Binary::EqualF
            | Binary::NotEqualF
            | Binary::LessF
            | Binary::LessEqualF
            | Binary::EqualI
            | Binary::NotEqualI
            | Binary::LessI
            | Binary::LessEqualI => return self.comparison(at, op, to, a, b),
            Binary::AddI => self.integers(at, Integer::Add, to, a, b),
            Binary::SubtractI => self.integers(at, Integer::Subtract, to, a, b),
            Binary::AndI => self.integers(at, Integer::And, to, a, b),
            Binary::OrI => self.integers(at, Integer::Or, to, a, b),
            Binary::XorI => self.integers(at, Integer::Xor, to, a, b),
            Binary::AddPython => self.checked(at, Integer::Add, to, a, b),
            Binary::SubtractPython => self.checked(at, Integer::Subtract, to, a, b),
            Binary::MultiplyI | Binary::MultiplyPython => {
                let (x, y) = (self.operand(a), self.operand(b));
                self.a.load(RAX, x);
                self.a.multiply(RAX, y);
                if op == Binary::MultiplyPython {
                    let cold = self.cold(at);
                    self.a.jump_if(Condition::OVERFLOW, cold);
                }
                self.put(to, RAX);
            }
            Binary::MinimumI | Binary::MaximumI => {
                let (x, y) = (self.operand(a), self.operand(b));
                self.a.load(RAX, x);
                self.a.integer(Integer::Compare, RAX, y);
                let other = match op == Binary::MinimumI {
                    true => Condition::GREATER,
                    false => Condition::LESS,
                };
                self.a.move_if(other, RAX, y);
                self.put(to, RAX);
            }
            Binary::FloorDivideI | Binary::FloorDividePython => self.divide(at, true, to, a, b),
            Binary::RemainderI | Binary::RemainderPython => self.divide(at, false, to, a, b),
            Binary::ShiftLeftI
            | Binary::ShiftRightI
            | Binary::ShiftLeftPython
            | Binary::ShiftRightPython => self.shift(at, op, to, a, b),
            Binary::AndB | Binary::OrB | Binary::XorB => {
                let op = match op {
                    Binary::AndB => Integer::And,
                    Binary::OrB => Integer::Or,
                    _ => Integer::Xor,
                };
                let b = self.flag(b, RCX);
                let a = self.flag(a, RAX);
                self.a.load(RAX, Operand::Register(a));
                self.a.integer(op, RAX, Operand::Register(b));
                self.put(to, RAX);
            }
            Binary::PowerPython => self.by_interpreter(at),
        }
        1
    }

    fn floats(&mut self, op: Float, to: Reg, a: Reg, b: Reg) {
        let d = self.target(to, Some(b), 0);
        let (a, b) = (self.operand(a), self.operand(b));
        self.a.load_float(d, a);
        self.a.float(op, d, b);
        self.put_float(to, d);
    }

    /// The first operand where it is no number, as NumPy has it; the machine takes the second.
    fn extreme(&mut self, op: Float, to: Reg, a: Reg, b: Reg) {
        let (end, a, b) = (self.a.label(), self.operand(a), self.operand(b));
        self.a.load_float(0, a);
        self.a.compare_float(0, Operand::Register(0));
        self.a.jump_if(Condition::PARITY, end);
        self.a.float(op, 0, b);
        self.a.bind(end);
        self.put_float(to, 0);
    }

    fn integers(&mut self, at: usize, op: Integer, to: Reg, a: Reg, b: Reg) {
        let d = self.target(to, Some(b), RAX);
        let from = self.operand(a);
        self.a.load(d, from);
        self.apply(at, op, d, b);
        self.put(to, d);
    }

    /// An operation of a machine register and a register of the program, or the number in it.
    fn apply(&mut self, at: usize, op: Integer, to: Number, b: Reg) {
        match self.immediate(at, b) {
            Some(value) => self
                .a
                .integer_constant(op, Operand::Register(to), value as i32),
            None => {
                let b = self.operand(b);
                self.a.integer(op, to, b);
            }
        }
    }

    /// Not in place: where it overflows, the interpreter starts from the operands.
    fn checked(&mut self, at: usize, op: Integer, to: Reg, a: Reg, b: Reg) {
        let from = self.operand(a);
        self.a.load(RAX, from);
        self.apply(at, op, RAX, b);
        let cold = self.cold(at);
        self.a.jump_if(Condition::OVERFLOW, cold);
        self.put(to, RAX);
    }

    /// A comparison, and the branch on it that follows if nothing else reads the flag.
    fn comparison(&mut self, at: usize, op: Binary, to: Reg, a: Reg, b: Reg) -> usize {
        let outcome = self.compare(at, op, a, b);
        match self.program.code.get(at + 1) {
            Some(&Code::Unless(flag, offset))
                if flag == to && self.allocation.uses[to as usize] == 2 =>
            {
                let next = self.label(at + 1);
                self.a.bind(next);
                let target = (at + 1).wrapping_add_signed(offset as isize);
                self.jump_unless(outcome, self.label(target));
                2
            }
            _ => {
                self.set(outcome, to);
                1
            }
        }
    }

    fn compare(&mut self, at: usize, op: Binary, a: Reg, b: Reg) -> Outcome {
        let second = b;
        let (a, b) = (self.operand(a), self.operand(b));
        match op {
            Binary::LessF | Binary::LessEqualF => {
                // The other way round, so that what is not ordered is not less.
                self.a.load_float(0, b);
                self.a.compare_float(0, a);
                Outcome::Flag(match op == Binary::LessF {
                    true => Condition::ABOVE,
                    false => Condition::ABOVE_EQUAL,
                })
            }
            Binary::EqualF | Binary::NotEqualF => {
                self.a.load_float(0, a);
                self.a.compare_float(0, b);
                match op == Binary::EqualF {
                    true => Outcome::Equal,
                    false => Outcome::Unequal,
                }
            }
            _ => {
                let a = match a {
                    Operand::Register(number) => number,
                    Operand::At(..) | Operand::Indexed(..) => {
                        self.a.load(RAX, a);
                        RAX
                    }
                };
                self.apply(at, Integer::Compare, a, second);
                Outcome::Flag(match op {
                    Binary::EqualI => Condition::EQUAL,
                    Binary::NotEqualI => Condition::NOT_EQUAL,
                    Binary::LessI => Condition::LESS,
                    _ => Condition::LESS_EQUAL,
                })
            }
        }
    }

    fn jump_unless(&mut self, outcome: Outcome, to: Label) {
        match outcome {
            Outcome::Flag(condition) => self.a.jump_if(condition.negated(), to),
            Outcome::Equal => {
                self.a.jump_if(Condition::NOT_EQUAL, to);
                self.a.jump_if(Condition::PARITY, to);
            }
            Outcome::Unequal => {
                let unordered = self.a.label();
                self.a.jump_if(Condition::PARITY, unordered);
                self.a.jump_if(Condition::EQUAL, to);
                self.a.bind(unordered);
            }
        }
    }

    fn set(&mut self, outcome: Outcome, to: Reg) {
        let unordered = |a: &mut Assembler, condition: Condition, op: Integer| {
            a.set(condition, RCX);
            a.integer(op, RAX, Operand::Register(RCX));
        };
        match outcome {
            Outcome::Flag(condition) => self.a.set(condition, RAX),
            Outcome::Equal => {
                // Setting a byte leaves the flags as they are.
                self.a.set(Condition::EQUAL, RAX);
                unordered(&mut self.a, Condition::PARITY.negated(), Integer::And);
            }
            Outcome::Unequal => {
                self.a.set(Condition::NOT_EQUAL, RAX);
                unordered(&mut self.a, Condition::PARITY, Integer::Or);
            }
        }
        self.put(to, RAX);
    }

    /// By a positive number, rounded down; others are the interpreter's.
    fn divide(&mut self, at: usize, quotient: bool, to: Reg, a: Reg, b: Reg) {
        let dividend = self.operand(a);
        if let Some(power) = self
            .program
            .constant(b)
            .filter(|b| *b > 0 && b.count_ones() == 1)
        {
            self.a.load(RAX, dividend);
            if quotient {
                let by = power.trailing_zeros() as u8;
                self.a.shift_constant(Shift::Right, RAX, by);
            } else {
                self.a.constant(RCX, power - 1);
                self.a.integer(Integer::And, RAX, Operand::Register(RCX));
            }
            self.put(to, RAX);
            return;
        }
        let cold = self.cold(at);
        let divisor = self.operand(b);
        let (wide, end) = (self.a.label(), self.a.label());
        self.a.load(RCX, divisor);
        self.a.test(RCX);
        self.a.jump_if(Condition::LESS_EQUAL, cold);
        self.a.load(RAX, dividend);
        // Short numbers divide in a third of the time.
        self.a.load(RDX, Operand::Register(RAX));
        self.a.integer(Integer::Or, RDX, Operand::Register(RCX));
        self.a.shift_constant(Shift::Right, RDX, 31);
        self.a.jump_if(Condition::NOT_EQUAL, wide);
        self.a.divide(false, Operand::Register(RCX));
        self.a.jump(end);
        self.a.bind(wide);
        self.a.divide(true, Operand::Register(RCX));
        self.a.test(RDX);
        self.a.jump_if(Condition::SIGN.negated(), end);
        match quotient {
            true => self
                .a
                .integer_constant(Integer::Subtract, Operand::Register(RAX), 1),
            false => self.a.integer(Integer::Add, RDX, Operand::Register(RCX)),
        }
        self.a.bind(end);
        self.put(to, if quotient { RAX } else { RDX });
    }

    fn shift(&mut self, at: usize, op: Binary, to: Reg, a: Reg, b: Reg) {
        let is_right = matches!(op, Binary::ShiftRightI | Binary::ShiftRightPython);
        if let Some(by) = self.immediate(at, b) {
            let (d, from) = (self.target(to, None, RAX), self.operand(a));
            self.a.load(d, from);
            let direction = if is_right { Shift::Right } else { Shift::Left };
            self.a.shift_constant(direction, d, by as u8);
            self.put(to, d);
            return;
        }
        let cold = self.cold(at);
        let (x, by) = (self.operand(a), self.operand(b));
        self.a.load(RCX, by);
        self.a
            .integer_constant(Integer::Compare, Operand::Register(RCX), 63);
        self.a.jump_if(Condition::ABOVE, cold);
        self.a.load(RAX, x);
        self.a
            .shift(if is_right { Shift::Right } else { Shift::Left }, RAX);
        if op == Binary::ShiftLeftPython {
            self.a.load(RDX, Operand::Register(RAX));
            self.a.shift(Shift::Right, RDX);
            self.a.integer(Integer::Compare, RDX, x);
            self.a.jump_if(Condition::NOT_EQUAL, cold);
        }
        self.put(to, RAX);
    }

    fn unary(&mut self, at: usize, op: Unary, to: Reg, x: Reg) {
        match op {
            Unary::NegativeF | Unary::AbsoluteF => {
                let x = self.operand(x);
                let mask = if op == Unary::NegativeF { SIGN } else { !SIGN };
                self.a.constant(RAX, mask);
                self.a.float_of_bits(1, RAX);
                self.a.load_float(0, x);
                match op == Unary::NegativeF {
                    true => self.a.xor_float(0, 1),
                    false => self.a.and_float(0, 1),
                }
                self.put_float(to, 0);
            }
            Unary::IntOfI8 => self.extend(1, true, to, x),
            Unary::IntOfI16 => self.extend(2, true, to, x),
            Unary::IntOfI32 => self.extend(4, true, to, x),
            Unary::IntOfU8 => self.extend(1, false, to, x),
            Unary::IntOfU16 => self.extend(2, false, to, x),
            Unary::IntOfU32 => self.extend(4, false, to, x),
            Unary::FloatOfF32 => {
                self.a.double_of_single(0, Self::cell(x));
                self.put_float(to, 0);
            }
            Unary::IntOfFloat => {
                let (d, x) = (self.target(to, None, RAX), self.operand(x));
                self.a.integer_of_float(d, x);
                self.put(to, d);
            }
            Unary::F32OfFloat => {
                let x = self.operand(x);
                self.a.single_of_double(0, x);
                self.a.store_float(Self::cell(to), 0);
            }
            Unary::SquareF => self.floats(Float::Multiply, to, x, x),
            Unary::SqrtF => {
                let (d, x) = (self.target(to, None, 0), self.operand(x));
                self.a.float(Float::Sqrt, d, x);
                self.put_float(to, d);
            }
            Unary::NegativeI | Unary::NegativePython => {
                let x = self.operand(x);
                self.a.load(RAX, x);
                self.a.negate(RAX);
                self.unless_overflow(at, op == Unary::NegativePython);
                self.put(to, RAX);
            }
            Unary::AbsoluteI | Unary::AbsolutePython => {
                let x = self.operand(x);
                self.a.load(RAX, x);
                self.a.load(RCX, Operand::Register(RAX));
                self.a.shift_constant(Shift::Right, RCX, 63);
                self.a.integer(Integer::Xor, RAX, Operand::Register(RCX));
                self.a
                    .integer(Integer::Subtract, RAX, Operand::Register(RCX));
                self.unless_overflow(at, op == Unary::AbsolutePython);
                self.put(to, RAX);
            }
            Unary::SquareI | Unary::SquarePython => {
                let x = self.operand(x);
                self.a.load(RAX, x);
                self.a.multiply(RAX, Operand::Register(RAX));
                self.unless_overflow(at, op == Unary::SquarePython);
                self.put(to, RAX);
            }
            Unary::InvertI => {
                let x = self.operand(x);
                self.a.load(RAX, x);
                self.a.invert(RAX);
                self.put(to, RAX);
            }
            Unary::NotB => {
                let x = self.flag(x, RAX);
                self.a.load(RAX, Operand::Register(x));
                self.a
                    .integer_constant(Integer::Xor, Operand::Register(RAX), 1);
                self.put(to, RAX);
            }
            Unary::FloatOfInt => {
                let (d, x) = (self.target(to, None, 0), self.operand(x));
                self.a.float_of_integer(d, x);
                self.put_float(to, d);
            }
            Unary::FloatOfBool => {
                let d = self.target(to, None, 0);
                let x = self.flag(x, RAX);
                self.a.float_of_integer(d, Operand::Register(x));
                self.put_float(to, d);
            }
            Unary::IntOfBool => {
                let x = self.flag(x, RAX);
                self.put(to, x);
            }
            Unary::BoolOfInt => {
                let x = self.integer(x, RAX);
                self.a.test(x);
                self.set(Outcome::Flag(Condition::NOT_EQUAL), to);
            }
            Unary::BoolOfFloat => {
                let x = self.operand(x);
                self.a.xor_float(0, 0);
                self.a.compare_float(0, x);
                self.set(Outcome::Unequal, to);
            }
        }
    }

    fn extend(&mut self, size: usize, signed: bool, to: Reg, x: Reg) {
        let d = self.target(to, None, RAX);
        let x = self.operand(x);
        self.a.load_part(size, signed, d, x);
        self.put(to, d);
    }

    fn unless_overflow(&mut self, at: usize, checked: bool) {
        if checked {
            let cold = self.cold(at);
            self.a.jump_if(Condition::OVERFLOW, cold);
        }
    }
}
