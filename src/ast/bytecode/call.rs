//! Calls and closures, and comprehensions read into their caller.
//!
//! In: an instruction that calls or makes a function. Out: one call, or the loops of a comprehension:
//!
//! ```text
//! PUSH_NULL   LOAD_GLOBAL f   LOAD_FAST x   KW_NAMES ('k',)   CALL 1      $0 = f(k=x)
//! ```
//!
//! Source: `Python/bytecodes.c` of CPython.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::decode::Instruction;
use super::{Reader, constants, malformed};
use crate::ast::build::make::{constant, none, starred, unary};
use crate::ast::build::{Builder, Slot};
use crate::ast::opcodes::Action;
use crate::ast::py::{Constant, UnaryOp};
use crate::ast::{Code, Const, intrinsic};
use crate::error::Result;

impl Reader<'_> {
    pub(super) fn call(&mut self, b: &mut Builder, instruction: &Instruction) -> Result<()> {
        let arg = instruction.arg;
        match instruction.action {
            Action::KeywordNames => {
                let names = self.code.consts.get(arg);
                let Some(Const::Value(Constant::Tuple(names))) = names else {
                    return Err(malformed());
                };
                self.keyword_names = strings(names)?;
                Ok(())
            }
            Action::Call => {
                let names = std::mem::take(&mut self.keyword_names);
                self.call_with(b, arg, names)
            }
            Action::CallKeywords => {
                let names = constants(&b.pop()?).ok_or_else(malformed)?;
                self.call_with(b, arg, strings(&names)?)
            }
            Action::CallStar => {
                // Since 3.14 there is always a place for keywords.
                let is_given = match self.code.version < (3, 14) {
                    true => arg & 1 == 1,
                    false if b.stack.last() == Some(&Slot::Null) => {
                        b.pop_slot()?;
                        false
                    }
                    false => true,
                };
                let keywords = match is_given {
                    true => vec![(None, b.pop()?)],
                    false => Vec::new(),
                };
                let args = b.pop()?;
                let args = match constants(&args) {
                    Some(values) => values.into_iter().map(constant).collect(),
                    None => vec![starred(args)],
                };
                let second = b.pop_slot()?;
                if second != Slot::Null {
                    b.stack.push(second);
                    let function = b.pop()?;
                    if b.stack.last() == Some(&Slot::Null) {
                        b.pop_slot()?;
                    }
                    b.call(function, args, keywords);
                    return Ok(());
                }
                let function = b.pop()?;
                b.call(function, args, keywords);
                Ok(())
            }
            Action::Intrinsic => match arg {
                2 => {
                    b.unread("import *");
                    Ok(())
                }
                // A StopIteration that leaves a generator: it stays the exception it is.
                3 => Ok(()),
                5 => {
                    let operand = b.pop()?;
                    b.emit(unary(UnaryOp::UAdd, operand));
                    Ok(())
                }
                6 => self.apply(b, intrinsic::TUPLE, 1),
                _ => {
                    b.unread("a type parameter");
                    Ok(())
                }
            },
            Action::Function => {
                let function = b.pop_slot()?;
                let mut parts = [none(), none()];
                for flag in [8, 4, 2, 1] {
                    if arg & flag == 0 {
                        continue;
                    }
                    let slot = b.pop_slot()?;
                    if flag <= 2 {
                        b.stack.push(slot);
                        parts[flag - 1] = b.pop()?;
                    }
                }
                let ([defaults, kwdefaults], Slot::Closure(index, ..)) = (parts, function) else {
                    return Err(malformed());
                };
                b.stack.push(Slot::Closure(index, defaults, kwdefaults));
                Ok(())
            }
            _ => {
                let Slot::Closure(index, mut defaults, mut kwdefaults) = b.pop_slot()? else {
                    return Err(malformed());
                };
                match arg {
                    1 => defaults = b.pop()?,
                    2 => kwdefaults = b.pop()?,
                    _ => drop(b.pop_slot()?),
                }
                b.stack.push(Slot::Closure(index, defaults, kwdefaults));
                Ok(())
            }
        }
    }

    /// Calls what is below `count` arguments, of which the last are named.
    pub(super) fn call_with(
        &mut self,
        b: &mut Builder,
        count: usize,
        names: Vec<String>,
    ) -> Result<()> {
        let callee = b.position(count + 2)?;
        if let Some(slot) = b.stack[callee..]
            .iter()
            .find(|slot| matches!(slot, Slot::Exit(_)))
        {
            let Slot::Exit(manager) = slot.clone() else {
                return Err(malformed());
            };
            b.stack.truncate(callee);
            b.effect_intrinsic(intrinsic::EXIT, vec![manager])?;
            b.push(none());
            return Ok(());
        }
        if let (Some(Slot::Closure(index, ..)), 0) = (b.stack.get(callee), count)
            && let Some(code) = b.nested_code(*index).cloned()
            && is_comprehension(&code)
            && !captured(&code)
        {
            return self.comprehension(b, &code);
        }
        let values = b.pop_many(names.len())?;
        let mut args = b.pop_many(count.checked_sub(names.len()).ok_or_else(malformed)?)?;
        let keywords = names.into_iter().map(Some).zip(values).collect();
        let second = b.pop_slot()?;
        let function = if second == Slot::Null {
            b.pop()?
        } else if b.stack.last() == Some(&Slot::Null) {
            b.stack.push(second);
            let function = b.pop()?;
            b.pop_slot()?;
            function
        } else {
            b.stack.push(second);
            args.insert(0, b.pop()?);
            b.pop()?
        };
        b.call(function, args, keywords);
        Ok(())
    }

    /// Reads a comprehension's code into the caller: closure and iterator are on the top.
    pub(super) fn comprehension(&mut self, b: &mut Builder, code: &Arc<Code>) -> Result<()> {
        let iterator = b.pop()?;
        b.pop_slot()?;
        let height = b.stack.len();
        let variables = code
            .varnames
            .iter()
            .chain(&code.cellvars)
            .filter(|id| *id != ".0");
        for id in variables.collect::<BTreeSet<_>>() {
            b.hide(id);
        }
        let after = b.block(false);
        Reader::new(code, Some((iterator, after, height)))?.run(b, None)?;
        b.start(after);
        Ok(())
    }
}

fn is_comprehension(code: &Code) -> bool {
    ["<listcomp>", "<setcomp>", "<dictcomp>"].contains(&code.name.as_str())
        && code.exception_table.is_empty()
}

/// Whether a function made inside a comprehension uses its variables; the function would not find them.
fn captured(code: &Code) -> bool {
    fn uses(code: &Code, cells: &[String]) -> bool {
        code.consts.iter().any(|item| match item {
            Const::Code(inner) if is_comprehension(inner) => uses(inner, cells),
            Const::Code(inner) => inner.freevars.iter().any(|free| cells.contains(free)),
            Const::Value(_) | Const::FrozenSet(_) | Const::Slice(_) | Const::Tuple(_) => false,
        })
    }
    uses(code, &code.cellvars)
        || code.consts.iter().any(
            |item| matches!(item, Const::Code(inner) if is_comprehension(inner) && captured(inner)),
        )
}

fn strings(values: &[Constant]) -> Result<Vec<String>> {
    values
        .iter()
        .map(|value| value.as_str().cloned().ok_or_else(malformed))
        .collect()
}
