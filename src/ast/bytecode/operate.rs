//! Operations on the stack's top.
//!
//! In: an instruction that neither jumps nor calls. Out: one statement:
//!
//! ```text
//! BINARY_OP 13 (+=)      $0 = $$inplace('+', x, y)
//! ```
//!
//! Source: `Lib/dis.py` and `Python/bytecodes.c` of CPython.

use super::decode::Instruction;
use super::{Reader, constants, malformed, unread};
use crate::ast::build::make::{
    attribute, binary, compare, constant, dict, list, name, none, set, subscript, tuple, unary,
};
use crate::ast::build::{Builder, Slot};
use crate::ast::intrinsic;
use crate::ast::opcodes::Action;
use crate::ast::py::{CmpOp, Expr, Operator};
use crate::error::Result;

/// Operators by the argument of `BINARY_OP`; 13 more are the in-place ones.
const OPERATORS: [(Operator, &str); 13] = [
    (Operator::Add, "+"),
    (Operator::BitAnd, "&"),
    (Operator::FloorDiv, "//"),
    (Operator::LShift, "<<"),
    (Operator::MatMult, "@"),
    (Operator::Mult, "*"),
    (Operator::Mod, "%"),
    (Operator::BitOr, "|"),
    (Operator::Pow, "**"),
    (Operator::RShift, ">>"),
    (Operator::Sub, "-"),
    (Operator::Div, "/"),
    (Operator::BitXor, "^"),
];

/// Operators by the argument of `COMPARE_OP`.
const COMPARISONS: [CmpOp; 6] = [
    CmpOp::Lt,
    CmpOp::LtE,
    CmpOp::Eq,
    CmpOp::NotEq,
    CmpOp::Gt,
    CmpOp::GtE,
];

impl Reader<'_> {
    /// Replaces the `count` topmost atoms by an intrinsic of them.
    pub(super) fn apply(&self, b: &mut Builder, which: &str, count: usize) -> Result<()> {
        let args = b.pop_many(count)?;
        b.emit_intrinsic(which, args);
        Ok(())
    }

    pub(super) fn operate(&self, b: &mut Builder, instruction: &Instruction) -> Result<()> {
        let arg = instruction.arg;
        match instruction.action {
            Action::Unary(op) => {
                let operand = b.pop()?;
                b.emit(unary(op, operand));
            }
            Action::Binary => {
                let right = b.pop()?;
                let left = b.pop()?;
                match OPERATORS.get(if arg < 26 { arg % 13 } else { arg }) {
                    Some(&(op, _)) if arg < 13 => b.emit(binary(left, op, right)),
                    Some(&(_, op)) if arg < 26 => {
                        let args = vec![constant(op.to_owned()), left, right];
                        b.emit_intrinsic(intrinsic::INPLACE, args);
                    }
                    None if arg == 26 => b.emit(subscript(left, right)),
                    _ => return Err(unread(instruction.name.into())),
                }
            }
            Action::Compare(shift) => {
                let op = COMPARISONS.get(arg >> shift).ok_or_else(malformed)?;
                self.compare(b, *op)?;
            }
            Action::Is => self.compare(b, if arg == 0 { CmpOp::Is } else { CmpOp::IsNot })?,
            Action::Contains => self.compare(b, if arg == 0 { CmpOp::In } else { CmpOp::NotIn })?,
            Action::Attribute => self.attribute(b, arg)?,
            Action::Method => {
                self.attribute(b, arg)?;
                self.null_beside(b, true)?;
            }
            Action::AttributeOrMethod => {
                self.attribute(b, arg >> 1)?;
                self.null_beside(b, arg & 1 == 1)?;
            }
            Action::SuperAttribute => {
                let args = b.pop_many(2)?;
                let class = b.pop()?;
                match arg & 2 {
                    0 => b.emit_intrinsic(intrinsic::SUPER, Vec::new()),
                    _ => b.call(class, args, Vec::new()),
                }
                self.attribute(b, arg >> 2)?;
                self.null_beside(b, arg & 1 == 1)?;
            }
            Action::StoreAttribute => {
                let object = b.pop()?;
                let value = b.pop()?;
                b.store_to(attribute(object, self.name(arg)?), value);
            }
            Action::DeleteAttribute => {
                let object = b.pop()?;
                b.delete(attribute(object, self.name(arg)?));
            }
            Action::Subscript => {
                let slice = b.pop()?;
                let value = b.pop()?;
                b.emit(subscript(value, slice));
            }
            Action::StoreSubscript => {
                let slice = b.pop()?;
                let object = b.pop()?;
                let value = b.pop()?;
                b.store_to(subscript(object, slice), value);
            }
            Action::DeleteSubscript => {
                let slice = b.pop()?;
                let object = b.pop()?;
                b.delete(subscript(object, slice));
            }
            Action::LoadSlice => {
                b.push(none());
                self.apply(b, intrinsic::SLICE, 3)?;
                let slice = b.pop()?;
                let value = b.pop()?;
                b.emit(subscript(value, slice));
            }
            Action::StoreSlice => {
                b.push(none());
                self.apply(b, intrinsic::SLICE, 3)?;
                let slice = b.pop()?;
                let object = b.pop()?;
                let value = b.pop()?;
                b.store_to(subscript(object, slice), value);
            }
            Action::Slice => {
                if arg == 2 {
                    b.push(none());
                }
                self.apply(b, intrinsic::SLICE, 3)?;
            }
            _ => return self.build(b, instruction),
        }
        Ok(())
    }

    pub(super) fn compare(&self, b: &mut Builder, op: CmpOp) -> Result<()> {
        let right = b.pop()?;
        let left = b.pop()?;
        b.emit(compare(left, op, right));
        Ok(())
    }

    pub(super) fn attribute(&self, b: &mut Builder, index: usize) -> Result<()> {
        let value = b.pop()?;
        b.emit(attribute(value, self.name(index)?));
        Ok(())
    }

    /// Displays, formats, imports.
    pub(super) fn build(&self, b: &mut Builder, instruction: &Instruction) -> Result<()> {
        let arg = instruction.arg;
        match instruction.action {
            Action::Tuple => {
                let from = b.stack.len().checked_sub(arg).ok_or_else(malformed)?;
                // The cells of a closure, which finds them by name.
                if b.stack[from..].contains(&Slot::Null) {
                    b.stack.truncate(from);
                    b.stack.push(Slot::Null);
                } else {
                    let items = b.pop_many(arg)?;
                    b.emit(tuple(items));
                }
            }
            Action::List => {
                let items = b.pop_many(arg)?;
                b.emit(list(items));
            }
            Action::Set => {
                let items = b.pop_many(arg)?;
                b.emit(set(items));
            }
            Action::Dict => {
                let items = b.pop_many(2 * arg)?;
                let pairs = items
                    .chunks_exact(2)
                    .map(|pair| (pair[0].clone(), pair[1].clone()));
                let (keys, values) = pairs.unzip();
                b.emit(dict(keys, values));
            }
            Action::DictOfKeys => {
                let keys = constants(&b.pop()?).ok_or_else(malformed)?;
                let values = b.pop_many(arg)?;
                b.emit(dict(keys.into_iter().map(constant).collect(), values));
            }
            Action::ListToTuple => self.apply(b, intrinsic::TUPLE, 1)?,
            Action::Fill(which) => {
                let item = b.pop()?;
                let container = b.peek(arg)?;
                let whole = constants(&item).filter(|_| which == intrinsic::EXTEND);
                if whole.is_none_or(|items| !b.fill_display(&container, items)) {
                    b.effect_intrinsic(which, vec![container, item])?;
                }
            }
            Action::Put => {
                let mut args = b.pop_many(2)?;
                args.insert(0, b.peek(arg)?);
                b.effect_intrinsic(intrinsic::PUT, args)?;
            }
            Action::Unpack => b.unpack(arg, None)?,
            Action::UnpackStar => b.unpack(arg & 0xff, Some(arg >> 8))?,
            Action::Format => {
                let spec = match arg & 4 {
                    0 => constant(String::new()),
                    _ => b.pop()?,
                };
                let value = b.pop()?;
                b.emit_intrinsic(intrinsic::FORMAT, vec![value, conversion(arg & 3), spec]);
            }
            // What follows formats the converted value, which is a string: that changes nothing.
            Action::Convert => {
                let value = b.pop()?;
                let args = vec![value, conversion(arg), constant(String::new())];
                b.emit_intrinsic(intrinsic::FORMAT, args);
            }
            Action::FormatSimple => {
                let value = b.pop()?;
                if !b.just_formatted(&value) {
                    let args = vec![value, conversion(0), constant(String::new())];
                    b.emit_intrinsic(intrinsic::FORMAT, args);
                } else {
                    b.push(value);
                }
            }
            Action::FormatSpec => {
                let spec = b.pop()?;
                let value = b.pop()?;
                b.emit_intrinsic(intrinsic::FORMAT, vec![value, conversion(0), spec]);
            }
            Action::Join => self.apply(b, intrinsic::JOIN, arg)?,
            Action::Import => {
                let names = b.pop()?;
                let level = b.pop()?;
                let module = constant(self.name(arg)?.to_owned());
                b.emit_intrinsic(intrinsic::IMPORT, vec![module, names, level]);
            }
            Action::ImportFrom => {
                let module = b.peek(1)?;
                let args = vec![module, constant(self.name(arg)?.to_owned())];
                b.emit_intrinsic(intrinsic::IMPORT_FROM, args);
            }
            Action::AssertionError => b.push(name("AssertionError")),
            _ => return Err(unread(instruction.name.into())),
        }
        Ok(())
    }
}

fn conversion(which: usize) -> Expr {
    constant(
        ["", "s", "r", "a"]
            .get(which)
            .copied()
            .unwrap_or_default()
            .to_owned(),
    )
}
