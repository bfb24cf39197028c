//! Programs as machine code: the second tier of the interpreter, for x86-64.
//!
//! In: a [`Program`] with a loop. Out: memory with a function that runs it; none where that cannot be.
//!
//! [`allocate`] gives registers of the machine to registers of the program, [`emit`] translates
//! instruction by instruction. The interpreter stays the reference: it runs programs on other machines, and
//! here whatever is not worth machine code of its own.

mod allocate;
mod emit;
mod hoist;

use super::Program;
use super::code::Call;
use super::run::{Cell, interpret};
use super::vector::State;
use crate::error::{Error, Result};
use crate::eval::machine::{self, memory::Executable};

/// The machine code of a program.
#[derive(Debug)]
pub struct Native(Executable);

/// What the code calls back with.
struct Context<'a, 'p> {
    program: &'p Program,
    registers: *mut Cell,
    state: &'a mut State<'p>,
    outcome: std::thread::Result<Result<()>>,
}

type Entry =
    unsafe extern "C" fn(*mut Context<'_, '_>, *mut Cell, *const super::descriptor::Array) -> u64;

impl Native {
    /// The code of a program that has a loop.
    pub fn new(program: &Program) -> Option<Native> {
        let has_loop = program
            .code
            .iter()
            .any(|code| matches!(code, super::code::Code::Next { .. }));
        if !has_loop || !machine::is_wanted() {
            return None;
        }
        let allocation = allocate::allocate(program);
        let code = emit::emit(program, &allocation, &ADDRESSES)?;
        Executable::new(&code).map(Native)
    }

    /// Runs the code from the start.
    ///
    /// # Safety
    /// The code must be that of the program, and registers and state too.
    pub unsafe fn run<'p>(
        &self,
        program: &'p Program,
        registers: *mut Cell,
        state: &mut State<'p>,
    ) -> Result<()> {
        let arrays = state.arrays.as_ptr();
        let mut context = Context {
            program,
            registers,
            state,
            outcome: Ok(Ok(())),
        };
        // SAFETY: the memory holds a function of this type, and the caller vouches for the rest.
        let failed = unsafe {
            let entry: Entry = std::mem::transmute(self.0.start());
            entry(&mut context, registers, arrays)
        };
        match context.outcome {
            Ok(outcome) if failed != 0 => match outcome {
                Ok(()) => Err(Error::internal("machine code failed without an error")),
                Err(error) => Err(error),
            },
            Ok(_) => Ok(()),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// What the code calls.
struct Addresses {
    one_instruction: CallBack,
    array_operation: CallBack,
    kernel: unsafe extern "C" fn(*const Call, *mut Cell),
}

const ADDRESSES: Addresses = Addresses {
    one_instruction,
    array_operation,
    kernel,
};

/// What does a part of the program, by its number; whether it failed.
type CallBack = unsafe extern "C" fn(*mut Context<'_, '_>, usize) -> u64;

/// Runs a kernel that cannot fail on single elements.
unsafe extern "C" fn kernel(call: *const Call, registers: *mut Cell) {
    // SAFETY: the machine code names a call of the program, whose memory stays, and its registers.
    let outcome = unsafe { (*call).run(registers) };
    debug_assert!(outcome.is_ok(), "a kernel with a check");
}

/// Does one instruction for the machine code.
unsafe extern "C" fn one_instruction(context: *mut Context<'_, '_>, at: usize) -> u64 {
    // SAFETY: the machine code passes on what it was given, which nothing else uses meanwhile.
    let context = unsafe { &mut *context };
    context.attempt(|program, registers, state| {
        // SAFETY: registers and state are those of the program.
        unsafe { interpret(program, registers, state, at..at + 1) }
    })
}

/// Does an operation on arrays.
unsafe extern "C" fn array_operation(context: *mut Context<'_, '_>, op: usize) -> u64 {
    // SAFETY: as for one instruction.
    let context = unsafe { &mut *context };
    context.attempt(|program, registers, state| {
        // SAFETY: the operation was made for this program's state.
        unsafe { state.perform(&program.ops[op], registers) }
    })
}

impl<'p> Context<'_, 'p> {
    /// Notes the error or the panic, which must not cross the machine code: that cannot be unwound.
    fn attempt(
        &mut self,
        act: impl FnOnce(&'p Program, *mut Cell, &mut State<'p>) -> Result<()>,
    ) -> u64 {
        let (program, registers) = (self.program, self.registers);
        let state = &mut *self.state;
        let act = std::panic::AssertUnwindSafe(|| act(program, registers, state));
        match std::panic::catch_unwind(act) {
            Ok(Ok(())) => 0,
            other => {
                self.outcome = other;
                1
            }
        }
    }
}
