//! Scalar arithmetic as instructions: short ones for int64, float64 and bool, kernels for the rest.
//!
//! In: an elementwise node of numbers. Out: instructions. `multiply` of two float64 is one
//! `MultiplyF`; of a float32 and a complex64, a conversion and a call of the kernel.
//! Python's own numbers raise where Python does: an int that does not fit, a division by zero.

use super::Location;
use super::arrays::is_range_only;
use super::code::{Binary, Code, Reg, Unary};
use super::compile::{Compiler, Scope, resolution};
use crate::error::{Error, Result};
use crate::eval::kernels;
use crate::graph::{DType, NodeId};
use crate::ops::Elementwise as E;

impl Compiler {
    pub fn elementwise(&mut self, scope: &Scope<'_>, id: NodeId, op: E) -> Result<Location> {
        if scope.graph.aval(id).rank() > 0 {
            if is_range_only(scope, id) {
                return Ok(Location::Array(self.fresh_array(DType::I64, 1)?));
            }
            return self.map(scope, id);
        }
        let resolved = resolution(scope, id, op)?;
        let operands = scope.graph.operands(id);
        let mut registers = Vec::with_capacity(operands.len());
        for (&operand, &dtype) in operands.iter().zip(&resolved.operands) {
            let register = scope.register(operand)?;
            let from = scope.graph.aval(operand).dtype;
            registers.push(self.cast(register, from, dtype)?);
        }
        let mut dtype = resolved.operands.last().copied().unwrap_or(resolved.out);
        if widening(dtype).is_some()
            && resolved.operands.iter().all(|d| *d == dtype)
            && (resolved.out == dtype || resolved.out == DType::Bool)
            && is_modular(op)
        {
            for register in &mut registers {
                *register = self.cast(*register, dtype, DType::I64)?;
            }
            dtype = DType::I64;
        }
        let to = self.fresh_register()?;
        let python = Self::is_weak(scope, id);
        if op == E::Where {
            let [flag, yes, no] = registers[..] else {
                return Err(Error::internal("where has three operands"));
            };
            self.emit(Code::Select { to, flag, yes, no });
            return Ok(Location::Register(to));
        }
        match registers[..] {
            [a] => {
                if let Some(short) = unary(op, dtype, python) {
                    self.emit(Code::Unary(short, to, a));
                    return Ok(Location::Register(to));
                }
            }
            [a, b] => {
                if let Some((short, swapped)) = binary(op, dtype, python)
                    && resolved.operands[0] == resolved.operands[1]
                {
                    let (a, b) = if swapped { (b, a) } else { (a, b) };
                    self.binary_or_fused(scope, id, short, to, a, b);
                    return Ok(Location::Register(to));
                }
            }
            _ => {}
        }
        let kernel = kernels::lookup(op, &resolved.operands)
            .ok_or_else(|| Error::internal(format!("no loop of {op:?}")))?;
        // Of floats the result shows it, which takes no call of its own.
        let check = kernels::check(op, &resolved)
            .filter(|check| !matches!(check, kernels::Check::Floats(_)));
        self.call(kernel, check, to, &registers);
        if python && dtype == DType::F64 && resolved.out == DType::F64 {
            let a = registers[0];
            let b = registers.last().copied().unwrap_or(a);
            self.emit(Code::Finite { value: to, a, b });
        }
        Ok(Location::Register(to))
    }

    /// A sum with a product that nothing else reads is one instruction.
    fn binary_or_fused(
        &mut self,
        scope: &Scope<'_>,
        id: NodeId,
        op: Binary,
        to: Reg,
        a: Reg,
        b: Reg,
    ) {
        if matches!(op, Binary::AddF | Binary::SubtractF)
            && let Some(&Code::Binary(Binary::MultiplyF, product, x, y)) = self.program.code.last()
            && scope.single_use(id, product)
        {
            let fused = match op {
                Binary::AddF if a == product && b != product => Some(Code::MultiplyAdd {
                    to,
                    a: x,
                    b: y,
                    c: b,
                }),
                Binary::AddF if b == product && a != product => Some(Code::MultiplyAdd {
                    to,
                    a: x,
                    b: y,
                    c: a,
                }),
                Binary::SubtractF if b == product && a != product => Some(Code::MultiplySubtract {
                    to,
                    a: x,
                    b: y,
                    c: a,
                }),
                _ => None,
            };
            if let Some(fused) = fused {
                self.program.code.pop();
                self.emit(fused);
                return;
            }
        }
        self.emit(Code::Binary(op, to, a, b));
    }

    pub fn cast_node(&mut self, scope: &Scope<'_>, id: NodeId, dtype: DType) -> Result<Location> {
        let operand = scope.graph.operands(id)[0];
        let from = scope.graph.aval(operand).dtype;
        if scope.graph.aval(id).rank() > 0 {
            return match from == dtype && scope.roots[operand.index()].is_none() {
                true => scope.location(operand),
                false => self.map(scope, id),
            };
        }
        let register = scope.register(operand)?;
        Ok(Location::Register(self.cast(register, from, dtype)?))
    }
}

/// The instruction that makes an int64 of a narrower integer.
pub(super) fn widening(dtype: DType) -> Option<Unary> {
    Some(match dtype {
        DType::I8 => Unary::IntOfI8,
        DType::I16 => Unary::IntOfI16,
        DType::I32 => Unary::IntOfI32,
        DType::U8 => Unary::IntOfU8,
        DType::U16 => Unary::IntOfU16,
        DType::U32 => Unary::IntOfU32,
        _ => return None,
    })
}

/// Whether the low bytes of the result on int64 are the result on narrower integers; comparisons are.
fn is_modular(op: E) -> bool {
    matches!(
        op,
        E::Add
            | E::Subtract
            | E::Multiply
            | E::FloorDivide
            | E::Remainder
            | E::LeftShift
            | E::RightShift
            | E::Minimum
            | E::Maximum
            | E::BitwiseAnd
            | E::BitwiseOr
            | E::BitwiseXor
            | E::Equal
            | E::NotEqual
            | E::Less
            | E::LessEqual
            | E::Greater
            | E::GreaterEqual
            | E::Negative
            | E::Absolute
            | E::Square
            | E::Invert
    )
}

/// The short instruction of an operation, and whether its operands change places.
fn binary(op: E, dtype: DType, python: bool) -> Option<(Binary, bool)> {
    use Binary::*;
    let short = match (dtype, op) {
        (DType::F64, E::Add) => AddF,
        (DType::F64, E::Subtract) => SubtractF,
        (DType::F64, E::Multiply) => MultiplyF,
        (DType::F64, E::Divide) if python => DividePython,
        (DType::F64, E::Divide) => DivideF,
        (DType::F64, E::Minimum) => MinimumF,
        (DType::F64, E::Maximum) => MaximumF,
        (DType::F64, E::Equal) => EqualF,
        (DType::F64, E::NotEqual) => NotEqualF,
        (DType::F64, E::Less) => LessF,
        (DType::F64, E::LessEqual) => LessEqualF,
        (DType::F64, E::Greater) => return Some((LessF, true)),
        (DType::F64, E::GreaterEqual) => return Some((LessEqualF, true)),
        (DType::I64, E::Add) if python => AddPython,
        (DType::I64, E::Subtract) if python => SubtractPython,
        (DType::I64, E::Multiply) if python => MultiplyPython,
        (DType::I64, E::FloorDivide) if python => FloorDividePython,
        (DType::I64, E::Remainder) if python => RemainderPython,
        (DType::I64, E::Power) if python => PowerPython,
        (DType::I64, E::LeftShift) if python => ShiftLeftPython,
        (DType::I64, E::RightShift) if python => ShiftRightPython,
        (DType::I64, E::Add) => AddI,
        (DType::I64, E::Subtract) => SubtractI,
        (DType::I64, E::Multiply) => MultiplyI,
        (DType::I64, E::FloorDivide) => FloorDivideI,
        (DType::I64, E::Remainder) => RemainderI,
        (DType::I64, E::LeftShift) => ShiftLeftI,
        (DType::I64, E::RightShift) => ShiftRightI,
        (DType::I64, E::Minimum) => MinimumI,
        (DType::I64, E::Maximum) => MaximumI,
        (DType::I64, E::BitwiseAnd) => AndI,
        (DType::I64, E::BitwiseOr) => OrI,
        (DType::I64, E::BitwiseXor) => XorI,
        (DType::I64, E::Equal) => EqualI,
        (DType::I64, E::NotEqual) => NotEqualI,
        (DType::I64, E::Less) => LessI,
        (DType::I64, E::LessEqual) => LessEqualI,
        (DType::I64, E::Greater) => return Some((LessI, true)),
        (DType::I64, E::GreaterEqual) => return Some((LessEqualI, true)),
        (DType::Bool, E::LogicalAnd | E::BitwiseAnd) => AndB,
        (DType::Bool, E::LogicalOr | E::BitwiseOr) => OrB,
        (DType::Bool, E::LogicalXor | E::BitwiseXor) => XorB,
        _ => return None,
    };
    Some((short, false))
}

fn unary(op: E, dtype: DType, python: bool) -> Option<Unary> {
    use Unary::*;
    Some(match (dtype, op) {
        (DType::F64, E::Negative) => NegativeF,
        (DType::F64, E::Absolute | E::Fabs) => AbsoluteF,
        (DType::F64, E::Square) => SquareF,
        (DType::F64, E::Sqrt) if !python => SqrtF,
        (DType::I64, E::Negative) if python => NegativePython,
        (DType::I64, E::Absolute) if python => AbsolutePython,
        (DType::I64, E::Square) if python => SquarePython,
        (DType::I64, E::Negative) => NegativeI,
        (DType::I64, E::Absolute) => AbsoluteI,
        (DType::I64, E::Square) => SquareI,
        (DType::I64, E::Invert) => InvertI,
        (DType::Bool, E::LogicalNot | E::Invert) => NotB,
        _ => return None,
    })
}
