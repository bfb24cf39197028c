//! The bytecode front: CPython's own compilation to blocks.
//!
//! In: a code object. Out: its blocks, by running the opcodes' actions ([`super::opcodes`]) over a
//! stack of atoms; jumps stay jumps.
//!
//! ```text
//! LOAD_FAST x   LOAD_CONST 2.0   BINARY_OP *   RETURN_VALUE     =>    $0 = x * 2.0    return $0
//! ```
//!
//! Comprehensions that 3.11 compiles to functions are read into their caller, as 3.12 and the source
//! front do, unless a function made inside captures their variables. The exception table's
//! encoding is `Objects/exception_handling_notes.txt` of CPython.

mod call;
mod decode;
mod operate;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::decode::{Instruction, Protected, decode, exception_table};
use super::build::make::{compare, constant, name, none, tuple};
use super::build::{Builder, Slot};
use super::opcodes::{Action, If, table};
use super::py::{CmpOp, Constant, Expr};
use super::{BlockId, Code, Const, Front, Function, intrinsic};
use crate::error::{Error, ErrorKind, Result};

/// Reads `code` from its bytecode.
///
/// # Errors
/// `Unread` for a Python version or an opcode that has no table entry.
pub fn read(code: &Arc<Code>) -> Result<Function> {
    let mut builder = Builder::new(code);
    if code.flags & 0x380 != 0 {
        builder.unread("async");
    } else {
        Reader::new(code, None)?.run(&mut builder, Some(0))?;
    }
    builder.finish(Front::Bytecode)
}

fn unread(construct: String) -> Box<Error> {
    Error::new(ErrorKind::Unread { construct })
}

fn malformed() -> Box<Error> {
    unread("a malformed code object".into())
}

/// Runs one code object: a function, or a comprehension inside it.
struct Reader<'c> {
    code: &'c Code,
    instructions: Vec<Instruction>,
    protected: Vec<Protected>,
    /// Names of `LOAD_FAST` and `LOAD_DEREF`: locals, cells, free variables.
    locals: Vec<String>,
    /// For a comprehension: its iterator, where its result goes, and the stack's height there.
    inside: Option<(Expr, BlockId, usize)>,
    keyword_names: Vec<String>,
    /// Whether the call that comes next is that of `__enter__`, which was read already.
    entered: bool,
}

/// The argument of `LOAD_COMMON_CONSTANT`.
const COMMON: [&str; 5] = [
    "AssertionError",
    "NotImplementedError",
    "tuple",
    "all",
    "any",
];

impl<'c> Reader<'c> {
    fn new(code: &'c Code, inside: Option<(Expr, BlockId, usize)>) -> Result<Reader<'c>> {
        let rows = table(code.version).ok_or_else(|| {
            unread(format!(
                "bytecode of Python {}.{}",
                code.version.0, code.version.1
            ))
        })?;
        let mut locals = code.varnames.clone();
        locals.extend(
            code.cellvars
                .iter()
                .filter(|cell| !code.varnames.contains(cell))
                .cloned(),
        );
        locals.extend(code.freevars.iter().cloned());
        Ok(Reader {
            code,
            instructions: decode(code, rows)?,
            protected: exception_table(&code.exception_table).ok_or_else(malformed)?,
            locals,
            inside,
            keyword_names: Vec::new(),
            entered: false,
        })
    }

    /// Offsets at which a block begins, with the number of ways to get there.
    fn leaders(&self) -> BTreeMap<usize, usize> {
        let mut starts = BTreeSet::from([0]);
        for instruction in &self.instructions {
            if let Some(target) = instruction.jump() {
                starts.extend([target, instruction.next]);
            }
            if !instruction.falls_through() {
                starts.insert(instruction.next);
            }
        }
        for row in &self.protected {
            starts.extend([row.start, row.end, row.handler]);
        }
        let mut leaders: BTreeMap<usize, usize> = starts.into_iter().map(|at| (at, 0)).collect();
        let mut arrive = |at: usize, ways: usize| {
            if let Some(count) = leaders.get_mut(&at) {
                *count += ways;
            }
        };
        for instruction in &self.instructions {
            if let Some(target) = instruction.jump() {
                arrive(target, 1);
            }
            if instruction.falls_through() {
                arrive(instruction.next, 1);
            }
        }
        // A handler is reached from anywhere in its rows. What is on the stack where rows end is read
        // before: names that are not bound raise there.
        for row in &self.protected {
            arrive(row.handler, 2);
            arrive(row.end, 2);
        }
        leaders
    }

    /// Fills blocks from the current point on. `entry`: the block of offset 0, if it exists.
    fn run(mut self, builder: &mut Builder, entry: Option<BlockId>) -> Result<()> {
        let leaders = self.leaders();
        let mut blocks = BTreeMap::new();
        for (&at, &ways) in &leaders {
            let id = match entry {
                Some(id) if at == 0 => id,
                _ => builder.block(ways != 1),
            };
            blocks.insert(at, id);
        }
        let first = blocks.get(&0).copied().ok_or_else(malformed)?;
        if entry.is_none() {
            builder.goto(first)?;
        }
        let outer = builder.handler;
        let instructions = std::mem::take(&mut self.instructions);
        let mut waiting = blocks.clone();
        // Blocks are filled once something is known to arrive; what never is, is never run.
        while let Some((&offset, &id)) = waiting.iter().find(|(_, id)| builder.entered(**id)) {
            waiting.remove(&offset);
            let protection = self
                .protected
                .iter()
                .find(|row| (row.start..row.end).contains(&offset));
            let handler = protection.and_then(|row| blocks.get(&row.handler)).copied();
            builder.handler = handler.or(outer);
            builder.start(id);
            if let Some(row) = self.protected.iter().find(|row| row.handler == offset) {
                if row.offset {
                    builder.stack.push(Slot::Null);
                }
                builder.emit_intrinsic(intrinsic::CAUGHT, Vec::new());
            }
            if let (Some(handler), Some(row)) = (handler, protection) {
                builder.expect(handler, row.depth)?;
            }
            let from = instructions.partition_point(|instruction| instruction.offset < offset);
            for instruction in instructions.iter().skip(from) {
                if instruction.offset != offset && leaders.contains_key(&instruction.offset) {
                    if let Some(&next) = blocks.get(&instruction.offset) {
                        builder.goto(next)?;
                    }
                    break;
                }
                if let Some(Some(span)) = self
                    .code
                    .positions
                    .get(instruction.next.saturating_sub(2) / 2)
                {
                    builder.span = span.clone();
                }
                self.act(builder, instruction, &blocks)?;
                if !builder.reachable() {
                    break;
                }
            }
        }
        builder.handler = outer;
        Ok(())
    }

    fn local(&self, index: usize) -> Result<&str> {
        self.locals
            .get(index)
            .map(String::as_str)
            .ok_or_else(malformed)
    }

    fn name(&self, index: usize) -> Result<&str> {
        self.code
            .names
            .get(index)
            .map(String::as_str)
            .ok_or_else(malformed)
    }

    fn act(
        &mut self,
        b: &mut Builder,
        instruction: &Instruction,
        blocks: &BTreeMap<usize, BlockId>,
    ) -> Result<()> {
        let arg = instruction.arg;
        match instruction.action {
            Action::Skip | Action::Extend => Ok(()),
            Action::Unread(construct) => {
                b.unread(construct);
                Ok(())
            }
            Action::Pop => b.discard(),
            Action::PushNull => {
                b.stack.push(Slot::Null);
                Ok(())
            }
            Action::Copy => b.copy(arg),
            Action::Swap => b.swap(arg),

            Action::Constant => self.constant(b, arg),
            Action::SmallInt => {
                b.push(constant(Constant::Int(arg.into())));
                Ok(())
            }
            Action::CommonConstant => {
                let builtin = COMMON.get(arg).ok_or_else(malformed)?;
                b.push(name(builtin));
                Ok(())
            }
            Action::Load => self.load(b, arg),
            Action::LoadTwo => {
                self.load(b, arg >> 4)?;
                self.load(b, arg & 15)
            }
            Action::LoadCell => {
                b.load(self.local(arg)?);
                Ok(())
            }
            Action::LoadGlobal => {
                let atom = name(self.name(arg >> 1)?);
                b.push(atom);
                self.null_beside(b, arg & 1 == 1)
            }
            Action::LoadName => {
                let atom = name(self.name(arg)?);
                b.push(atom);
                Ok(())
            }
            Action::Store => self.store(b, arg),
            Action::StoreTwo => {
                self.store(b, arg >> 4)?;
                self.store(b, arg & 15)
            }
            Action::StoreLoad => {
                self.store(b, arg >> 4)?;
                self.load(b, arg & 15)
            }
            Action::StoreName => b.store(self.name(arg)?),
            Action::Delete => {
                b.delete(name(self.local(arg)?));
                Ok(())
            }
            Action::DeleteName => {
                b.delete(name(self.name(arg)?));
                Ok(())
            }
            Action::Hide => {
                b.hide(self.local(arg)?);
                Ok(())
            }
            Action::MakeCell => {
                if self.inside.is_none() {
                    b.hide_cell(self.local(arg)?);
                }
                Ok(())
            }
            Action::Jump(_) | Action::PopJump(..) | Action::JumpOrPop(_) | Action::Next => {
                self.jump(b, instruction, blocks)
            }
            Action::Iter => self.apply(b, intrinsic::ITER, 1),
            Action::EndFor(count) => (0..count).try_for_each(|_| b.pop_slot().map(drop)),
            Action::Return => self.finish(b),
            Action::ReturnConstant => {
                self.constant(b, arg)?;
                self.finish(b)
            }
            Action::Yield if self.code.name == "<genexpr>" => {
                let value = b.pop()?;
                b.effect_intrinsic(intrinsic::YIELD, vec![value])?;
                b.push(none());
                Ok(())
            }
            Action::Yield => self.apply(b, intrinsic::YIELD, 1),
            Action::YieldFrom => {
                self.apply(b, intrinsic::YIELD_FROM, 1)?;
                // Over the loop that asks for the items: the intrinsic is the whole of it.
                let after = instruction.jump().and_then(|at| blocks.get(&at));
                b.goto(after.copied().ok_or_else(malformed)?)
            }
            Action::Raise => {
                let cause = (arg > 1).then(|| b.pop()).transpose()?;
                let exception = (arg > 0).then(|| b.pop()).transpose()?;
                b.raise(exception, cause);
                Ok(())
            }
            Action::RaiseAgain => {
                let exception = b.pop()?;
                b.raise(Some(exception), None);
                Ok(())
            }
            Action::PushException => {
                b.stack.push(Slot::Null);
                b.swap(2)
            }
            Action::PopException => b.pop_slot().map(drop),
            Action::Matches => {
                let class = b.pop()?;
                let exception = b.peek(1)?;
                b.emit_intrinsic(intrinsic::MATCHES, vec![exception, class]);
                Ok(())
            }
            Action::Enter => {
                let manager = b.pop()?;
                b.stack.push(Slot::Exit(manager.clone()));
                b.emit_intrinsic(intrinsic::ENTER, vec![manager]);
                Ok(())
            }
            Action::SpecialMethod => {
                let manager = b.pop()?;
                match arg {
                    0 => {
                        b.emit_intrinsic(intrinsic::ENTER, vec![manager]);
                        self.entered = true;
                    }
                    1 => b.stack.extend([Slot::Exit(manager), Slot::Null]),
                    _ => b.unread("async"),
                }
                Ok(())
            }
            Action::ExitCaught => {
                let exception = b.peek(1)?;
                let at = b.position(if self.code.version < (3, 14) { 4 } else { 5 })?;
                match b.stack.get(at).cloned() {
                    Some(Slot::Exit(manager)) => {
                        b.emit_intrinsic(intrinsic::EXIT, vec![manager, exception]);
                        Ok(())
                    }
                    _ => Err(malformed()),
                }
            }
            Action::Call if std::mem::take(&mut self.entered) => Ok(()),
            Action::KeywordNames
            | Action::Call
            | Action::CallKeywords
            | Action::CallStar
            | Action::Intrinsic
            | Action::Function
            | Action::FunctionAttribute => self.call(b, instruction),
            _ => self.operate(b, instruction),
        }
    }

    fn constant(&self, b: &mut Builder, index: usize) -> Result<()> {
        self.push_constant(b, self.code.consts.get(index).ok_or_else(malformed)?)
    }

    fn push_constant(&self, b: &mut Builder, value: &Const) -> Result<()> {
        match value {
            Const::Value(value) => b.push(constant(value.clone())),
            Const::FrozenSet(values) => {
                let items = constant(Constant::Tuple(values.clone()));
                b.call(name("frozenset"), vec![items], Vec::new());
            }
            Const::Slice(parts) => {
                let parts = parts.iter().cloned().map(constant);
                b.emit_intrinsic(intrinsic::SLICE, parts.collect());
            }
            Const::Tuple(items) => {
                for item in items {
                    self.push_constant(b, item)?;
                }
                let items = b.pop_many(items.len())?;
                b.emit(tuple(items));
            }
            Const::Code(code) => b.closure(code, none(), none()),
        }
        Ok(())
    }

    fn load(&self, b: &mut Builder, index: usize) -> Result<()> {
        let id = self.local(index)?;
        if id == ".0"
            && let Some((iterator, ..)) = &self.inside
        {
            b.push(iterator.clone());
        } else if self.is_cell(id) && !b.hidden(id) {
            // The cell itself, on its way into a closure, which finds it by name.
            b.stack.push(Slot::Null);
        } else {
            b.load(id);
        }
        Ok(())
    }

    fn is_cell(&self, id: &str) -> bool {
        self.code
            .cellvars
            .iter()
            .chain(&self.code.freevars)
            .any(|cell| cell == id)
    }

    fn store(&self, b: &mut Builder, index: usize) -> Result<()> {
        let id = self.local(index)?;
        match b.stack.last() {
            Some(Slot::Outer { .. } | Slot::OuterCell(_)) => b.reveal(id),
            _ => b.store(id),
        }
    }

    /// NULL goes under what is called, since 3.13 above it.
    fn null_beside(&self, b: &mut Builder, wanted: bool) -> Result<()> {
        if wanted {
            b.stack.push(Slot::Null);
            if self.code.version < (3, 13) {
                b.swap(2)?;
            }
        }
        Ok(())
    }

    fn finish(&self, b: &mut Builder) -> Result<()> {
        match &self.inside {
            None => b.ret(),
            Some((_, after, height)) => {
                let value = b.pop()?;
                b.stack.truncate(*height);
                b.push(value);
                b.goto(*after)
            }
        }
    }

    fn jump(
        &self,
        b: &mut Builder,
        instruction: &Instruction,
        blocks: &BTreeMap<usize, BlockId>,
    ) -> Result<()> {
        let block = |offset: usize| blocks.get(&offset).copied().ok_or_else(malformed);
        let target = block(instruction.jump().ok_or_else(malformed)?)?;
        if let Action::Jump(_) = instruction.action {
            return b.goto(target);
        }
        let next = block(instruction.next)?;
        let depth = b.stack.len();
        match instruction.action {
            Action::JumpOrPop(true) => {
                b.branch_at((target, depth), (next, depth.saturating_sub(1)))
            }
            Action::JumpOrPop(false) => {
                b.branch_at((next, depth.saturating_sub(1)), (target, depth))
            }
            Action::PopJump(_, If::True) => b.branch(target, next),
            Action::PopJump(_, If::False) => b.branch(next, target),
            Action::PopJump(_, test) => {
                let value = b.pop()?;
                b.emit(compare(value, CmpOp::Is, none()));
                match test {
                    If::None => b.branch(target, next),
                    _ => b.branch(next, target),
                }
            }
            // Before 3.12 the end of a loop pops the iterator, since then `END_FOR` does.
            _ if self.code.version < (3, 12) => b.next(next, target, depth.saturating_sub(1)),
            _ => b.next(next, target, depth + 1),
        }
    }
}

/// The items of a constant tuple.
fn constants(atom: &Expr) -> Option<Vec<Constant>> {
    match atom {
        Expr::Constant(e) => e.value.as_tuple().cloned(),
        _ => None,
    }
}
