//! The interpreter of programs.
//!
//! In: a program, and where its inputs and outputs are. Out: outputs written.
//! One `match` per instruction, on 16-byte registers; nothing is allocated once buffers have grown.

use super::code::{Binary, Call, Code, Element, Unary};
use super::descriptor::{Array, no_room};
use super::vector::State;
use super::{Given, Location, Program};
use crate::error::Result;
use crate::eval::index::position;
use crate::eval::kernels::python;
use crate::eval::layout::copy;
use crate::ops::Write;

/// A register: 16 bytes, for any element.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub struct Cell(pub [u64; 2]);

/// See [`Program::run`].
///
/// # Safety
/// As there.
pub unsafe fn run(program: &Program, inputs: &[Given<'_>], outputs: &[Given<'_>]) -> Result<()> {
    let mut registers = vec![Cell([0; 2]); program.registers.max(1)];
    for (register, bits) in &program.constants {
        registers[*register as usize] = Cell(*bits);
    }
    let mut state = State::new(program);
    for (array, value) in &program.values {
        state.arrays[*array as usize] = Array::of_value(value);
    }
    for (location, given) in program.inputs.iter().zip(inputs) {
        // SAFETY: the caller vouches for the input.
        unsafe {
            let first = given.start.offset(given.layout.offset);
            match *location {
                Location::Register(register) => first.copy_to_nonoverlapping(
                    registers[register as usize].0.as_mut_ptr().cast(),
                    given.layout.dtype.size(),
                ),
                Location::Array(array) => {
                    state.arrays[array as usize] = Array::new(first, given.layout);
                }
            }
        }
    }
    // SAFETY: the compiler made registers, arrays and tables for all that the code names.
    unsafe {
        let registers = registers.as_mut_ptr();
        match program.native() {
            Some(native) => native.run(program, registers, &mut state)?,
            None => interpret(program, registers, &mut state, 0..program.code.len())?,
        }
    }
    for (location, given) in program.outputs.iter().zip(outputs) {
        // SAFETY: the caller vouches for the output.
        unsafe {
            match *location {
                Location::Register(register) => given
                    .start
                    .offset(given.layout.offset)
                    .copy_from_nonoverlapping(
                        registers[register as usize].0.as_ptr().cast(),
                        given.layout.dtype.size(),
                    ),
                Location::Array(array) => {
                    let from = state.arrays[array as usize];
                    if from.shape() != &given.layout.shape[..] {
                        return Err(no_room(from.shape(), &given.layout.shape));
                    }
                    copy(from.start, &from.layout(), given.start, given.layout);
                }
            }
        }
    }
    Ok(())
}

impl Call {
    /// Runs the kernel on the registers' elements.
    ///
    /// # Safety
    /// The registers must be those of the program, and hold elements of the kernel's dtypes.
    #[inline(always)]
    pub(super) unsafe fn run(&self, registers: *mut Cell) -> Result<()> {
        let mut pointers = [std::ptr::null::<u8>(); 3];
        // SAFETY: as the caller promises.
        unsafe {
            for (pointer, &register) in pointers.iter_mut().zip(&self.operands) {
                *pointer = registers.add(register as usize).cast();
            }
            let operands = &pointers[..self.operands.len()];
            if let Some(check) = self.check {
                let pairs = pointers.map(|p| (p, 1));
                check.run(&pairs[..operands.len()])?;
            }
            (self.kernel)(operands, registers.add(self.to as usize).cast(), 1);
        }
        Ok(())
    }
}

/// As the machine's conversion, and NumPy's.
#[inline(always)]
fn truncate(x: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&x) {
        x as i64
    } else {
        i64::MIN
    }
}

/// Runs instructions of a range, which nothing in it jumps out of.
///
/// # Safety
/// Registers and state must be those of the program.
pub(super) unsafe fn interpret(
    program: &Program,
    registers: *mut Cell,
    state: &mut State<'_>,
    range: std::ops::Range<usize>,
) -> Result<()> {
    let code = &program.code[..range.end];
    let arrays = state.arrays.as_mut_ptr();
    let mut pc = range.start;
    macro_rules! at {
        ($r:expr, $t:ty) => {
            // SAFETY: registers hold any element, and the compiler keeps them within the file.
            unsafe { *registers.add($r as usize).cast::<$t>() }
        };
    }
    macro_rules! set {
        ($r:expr, $t:ty, $value:expr) => {{
            let value: $t = $value;
            // SAFETY: as above.
            unsafe { registers.add($r as usize).cast::<$t>().write(value) }
        }};
    }
    // The address of an element with one register per axis.
    macro_rules! element {
        ($array:expr, $($i:expr => $axis:literal),+) => {{
            // SAFETY: the compiler made the descriptor.
            let array = unsafe { &*arrays.add($array as usize) };
            let mut offset = 0isize;
            $(
                let at = position(at!($i, i64), $axis, array.sizes[$axis])?;
                offset += at as isize * array.strides[$axis];
            )+
            // SAFETY: all indices were checked.
            unsafe { array.start.offset(offset) }
        }};
    }
    while let Some(&instruction) = code.get(pc) {
        match instruction {
            Code::Jump(to) => {
                pc = pc.wrapping_add_signed(to as isize);
                continue;
            }
            Code::Unless(flag, to) => {
                if at!(flag, u8) == 0 {
                    pc = pc.wrapping_add_signed(to as isize);
                    continue;
                }
            }
            Code::Enter {
                counter,
                trips,
                exit,
            } => {
                set!(counter, i64, 0);
                if at!(trips, i64) <= 0 {
                    pc = pc.wrapping_add_signed(exit as isize);
                    continue;
                }
            }
            Code::Next {
                counter,
                trips,
                again,
            } => {
                let next = at!(counter, i64) + 1;
                if next < at!(trips, i64) {
                    set!(counter, i64, next);
                    pc = pc.wrapping_add_signed(again as isize);
                    continue;
                }
            }
            Code::Move { to, from } => set!(to, Cell, at!(from, Cell)),
            Code::Select { to, flag, yes, no } => {
                let from = if at!(flag, u8) != 0 { yes } else { no };
                set!(to, Cell, at!(from, Cell));
            }
            Code::Binary(op, to, a, b) => match op {
                Binary::AddF => set!(to, f64, at!(a, f64) + at!(b, f64)),
                Binary::SubtractF => set!(to, f64, at!(a, f64) - at!(b, f64)),
                Binary::MultiplyF => set!(to, f64, at!(a, f64) * at!(b, f64)),
                Binary::DivideF => set!(to, f64, at!(a, f64) / at!(b, f64)),
                Binary::MinimumF => {
                    let (x, y) = (at!(a, f64), at!(b, f64));
                    set!(to, f64, if x < y || x.is_nan() { x } else { y });
                }
                Binary::MaximumF => {
                    let (x, y) = (at!(a, f64), at!(b, f64));
                    set!(to, f64, if x > y || x.is_nan() { x } else { y });
                }
                Binary::EqualF => set!(to, bool, at!(a, f64) == at!(b, f64)),
                Binary::NotEqualF => set!(to, bool, at!(a, f64) != at!(b, f64)),
                Binary::LessF => set!(to, bool, at!(a, f64) < at!(b, f64)),
                Binary::LessEqualF => set!(to, bool, at!(a, f64) <= at!(b, f64)),
                Binary::AddI => set!(to, i64, at!(a, i64).wrapping_add(at!(b, i64))),
                Binary::SubtractI => set!(to, i64, at!(a, i64).wrapping_sub(at!(b, i64))),
                Binary::MultiplyI => set!(to, i64, at!(a, i64).wrapping_mul(at!(b, i64))),
                Binary::MinimumI => set!(to, i64, at!(a, i64).min(at!(b, i64))),
                Binary::MaximumI => set!(to, i64, at!(a, i64).max(at!(b, i64))),
                Binary::FloorDivideI => {
                    let b = at!(b, i64);
                    set!(
                        to,
                        i64,
                        if b == 0 {
                            0
                        } else {
                            python::quotient(at!(a, i64), b)
                        }
                    );
                }
                Binary::RemainderI => {
                    let b = at!(b, i64);
                    set!(
                        to,
                        i64,
                        if b == 0 {
                            0
                        } else {
                            python::rest(at!(a, i64), b)
                        }
                    );
                }
                Binary::AndI => set!(to, i64, at!(a, i64) & at!(b, i64)),
                Binary::OrI => set!(to, i64, at!(a, i64) | at!(b, i64)),
                Binary::XorI => set!(to, i64, at!(a, i64) ^ at!(b, i64)),
                Binary::ShiftLeftI => {
                    let by = at!(b, u64);
                    set!(to, i64, if by < 64 { at!(a, i64) << by } else { 0 });
                }
                Binary::ShiftRightI => {
                    let by = at!(b, u64).min(63);
                    set!(to, i64, at!(a, i64) >> by);
                }
                Binary::EqualI => set!(to, bool, at!(a, i64) == at!(b, i64)),
                Binary::NotEqualI => set!(to, bool, at!(a, i64) != at!(b, i64)),
                Binary::LessI => set!(to, bool, at!(a, i64) < at!(b, i64)),
                Binary::LessEqualI => set!(to, bool, at!(a, i64) <= at!(b, i64)),
                Binary::AndB => set!(to, u8, at!(a, u8) & at!(b, u8)),
                Binary::OrB => set!(to, u8, at!(a, u8) | at!(b, u8)),
                Binary::XorB => set!(to, u8, at!(a, u8) ^ at!(b, u8)),
                Binary::AddPython => set!(to, i64, python::add(at!(a, i64), at!(b, i64))?),
                Binary::SubtractPython => {
                    set!(to, i64, python::subtract(at!(a, i64), at!(b, i64))?)
                }
                Binary::MultiplyPython => {
                    set!(to, i64, python::multiply(at!(a, i64), at!(b, i64))?)
                }
                Binary::FloorDividePython => {
                    set!(to, i64, python::floor_divide(at!(a, i64), at!(b, i64))?)
                }
                Binary::RemainderPython => {
                    set!(to, i64, python::remainder(at!(a, i64), at!(b, i64))?)
                }
                Binary::PowerPython => set!(to, i64, python::power(at!(a, i64), at!(b, i64))?),
                Binary::ShiftLeftPython => {
                    set!(to, i64, python::shift_left(at!(a, i64), at!(b, i64))?)
                }
                Binary::ShiftRightPython => {
                    set!(to, i64, python::shift_right(at!(a, i64), at!(b, i64))?)
                }
                Binary::DividePython => {
                    let b = at!(b, f64);
                    if b == 0.0 {
                        return Err(python::by_zero());
                    }
                    set!(to, f64, at!(a, f64) / b);
                }
            },
            Code::Unary(op, to, a) => match op {
                Unary::IntOfI8 => set!(to, i64, i64::from(at!(a, i8))),
                Unary::IntOfI16 => set!(to, i64, i64::from(at!(a, i16))),
                Unary::IntOfI32 => set!(to, i64, i64::from(at!(a, i32))),
                Unary::IntOfU8 => set!(to, i64, i64::from(at!(a, u8))),
                Unary::IntOfU16 => set!(to, i64, i64::from(at!(a, u16))),
                Unary::IntOfU32 => set!(to, i64, i64::from(at!(a, u32))),
                Unary::FloatOfF32 => set!(to, f64, f64::from(at!(a, f32))),
                Unary::IntOfFloat => set!(to, i64, truncate(at!(a, f64))),
                Unary::F32OfFloat => set!(to, f32, at!(a, f64) as f32),
                Unary::NegativeF => set!(to, f64, -at!(a, f64)),
                Unary::AbsoluteF => set!(to, f64, at!(a, f64).abs()),
                Unary::SquareF => set!(to, f64, at!(a, f64) * at!(a, f64)),
                Unary::SqrtF => set!(to, f64, at!(a, f64).sqrt()),
                Unary::NegativeI => set!(to, i64, at!(a, i64).wrapping_neg()),
                Unary::AbsoluteI => set!(to, i64, at!(a, i64).wrapping_abs()),
                Unary::SquareI => set!(to, i64, at!(a, i64).wrapping_mul(at!(a, i64))),
                Unary::InvertI => set!(to, i64, !at!(a, i64)),
                Unary::NegativePython => set!(to, i64, python::negative(at!(a, i64))?),
                Unary::AbsolutePython => set!(to, i64, python::absolute(at!(a, i64))?),
                Unary::SquarePython => {
                    set!(to, i64, python::multiply(at!(a, i64), at!(a, i64))?);
                }
                Unary::NotB => set!(to, u8, at!(a, u8) ^ 1),
                Unary::FloatOfInt => set!(to, f64, at!(a, i64) as f64),
                Unary::FloatOfBool => set!(to, f64, f64::from(at!(a, u8))),
                Unary::IntOfBool => set!(to, i64, i64::from(at!(a, u8))),
                Unary::BoolOfInt => set!(to, bool, at!(a, i64) != 0),
                Unary::BoolOfFloat => set!(to, bool, at!(a, f64) != 0.0),
            },
            Code::MultiplyAdd { to, a, b, c } => {
                set!(to, f64, at!(a, f64) * at!(b, f64) + at!(c, f64));
            }
            Code::MultiplySubtract { to, a, b, c } => {
                set!(to, f64, at!(c, f64) - at!(a, f64) * at!(b, f64));
            }
            Code::Load1 { to, array, i } => {
                let from = element!(array, i => 0);
                // SAFETY: the element was checked; arrays may be misaligned.
                set!(to, u64, unsafe { from.cast::<u64>().read_unaligned() });
            }
            Code::Load2 { to, array, i, j } => {
                let from = element!(array, i => 0, j => 1);
                // SAFETY: as above.
                set!(to, u64, unsafe { from.cast::<u64>().read_unaligned() });
            }
            Code::Load3 { to, array, i, j, k } => {
                let from = element!(array, i => 0, j => 1, k => 2);
                // SAFETY: as above.
                set!(to, u64, unsafe { from.cast::<u64>().read_unaligned() });
            }
            Code::Load4 {
                to,
                array,
                i,
                j,
                k,
                l,
            } => {
                let from = element!(array, i => 0, j => 1, k => 2, l => 3);
                // SAFETY: as above.
                set!(to, u64, unsafe { from.cast::<u64>().read_unaligned() });
            }
            Code::Store1 { from, array, i } => {
                let word = at!(from, u64);
                let to = element!(array, i => 0);
                // SAFETY: the element was checked, and the memory is the program's.
                unsafe { to.cast::<u64>().write_unaligned(word) };
            }
            Code::Store2 { from, array, i, j } => {
                let word = at!(from, u64);
                let to = element!(array, i => 0, j => 1);
                // SAFETY: as above.
                unsafe { to.cast::<u64>().write_unaligned(word) };
            }
            Code::Store3 {
                from,
                array,
                i,
                j,
                k,
            } => {
                let word = at!(from, u64);
                let to = element!(array, i => 0, j => 1, k => 2);
                // SAFETY: as above.
                unsafe { to.cast::<u64>().write_unaligned(word) };
            }
            Code::Load(element) => {
                let element = &program.elements[element as usize];
                // SAFETY: the element is checked; the register holds any element.
                unsafe {
                    let (from, size) = address(element, arrays, registers)?;
                    let to = registers.add(element.value as usize).cast::<u8>();
                    to.copy_from_nonoverlapping(from, size);
                }
            }
            Code::Store(element) => {
                let element = &program.elements[element as usize];
                // SAFETY: as above, and the memory is the program's.
                unsafe {
                    let (to, size) = address(element, arrays, registers)?;
                    let from = registers.add(element.value as usize).cast::<u8>();
                    match element.kind {
                        Write::Set => to.copy_from_nonoverlapping(from, size),
                        Write::Add => {
                            let dtype = (*arrays.add(element.array as usize)).dtype;
                            super::vector::add_element(dtype, to, from);
                        }
                    }
                }
            }
            Code::Call(call) => {
                let call = &program.calls[call as usize];
                // SAFETY: registers hold single elements of the kernel's dtypes.
                unsafe { call.run(registers)? };
            }
            Code::Array(op) => {
                // SAFETY: the compiler made the operation for this program's state.
                unsafe { state.perform(&program.ops[op as usize], registers)? };
            }
            Code::Finite { value, a, b } => {
                let (value, a, b) = (at!(value, f64), at!(a, f64), at!(b, f64));
                let ends = !value.is_finite() && a.is_finite() && b.is_finite();
                if ends || value.is_nan() && !a.is_nan() && !b.is_nan() {
                    return Err(python::domain());
                }
            }
        }
        pc += 1;
    }
    Ok(())
}

/// Where an element is, and its bytes.
///
/// # Safety
/// The descriptor and the registers must be those of the program.
unsafe fn address(
    element: &Element,
    arrays: *const Array,
    registers: *const Cell,
) -> Result<(*mut u8, usize)> {
    // SAFETY: as the caller promises; all indices are checked.
    unsafe {
        let array = &*arrays.add(element.array as usize);
        let mut offset = 0;
        for (axis, &register) in element.indices.iter().enumerate() {
            let index = *registers.add(register as usize).cast::<i64>();
            offset += position(index, axis, array.sizes[axis])? as isize * array.strides[axis];
        }
        Ok((array.start.offset(offset), array.dtype.size()))
    }
}
