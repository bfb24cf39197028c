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

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::build::{
    Builder, Slot, attribute, binary, compare, constant, dict, list, name, none, set, starred,
    subscript, tuple, unary,
};
use super::opcodes::{Action, Direction, If, Row, table};
use super::py::{CmpOp, Constant, Expr, Operator, UnaryOp};
use super::{BlockId, Code, Const, Front, Function, intrinsic};
use crate::error::{Error, ErrorKind, Result};

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

/// One instruction, its caches left out.
struct Instruction {
    offset: usize,
    /// Of the instruction that follows in memory.
    next: usize,
    name: &'static str,
    action: Action,
    arg: usize,
}

impl Instruction {
    /// Where it may jump to.
    fn jump(&self) -> Option<usize> {
        match self.action {
            Action::Jump(direction) | Action::PopJump(direction, _) => match direction {
                Direction::Forward => Some(self.next + 2 * self.arg),
                Direction::Backward => self.next.checked_sub(2 * self.arg),
            },
            Action::JumpOrPop(_) | Action::Next => Some(self.next + 2 * self.arg),
            _ => None,
        }
    }

    fn falls_through(&self) -> bool {
        !matches!(
            self.action,
            Action::Jump(_)
                | Action::Return
                | Action::ReturnConstant
                | Action::Raise
                | Action::RaiseAgain
                | Action::Unread(_)
        )
    }
}

/// A row of the exception table.
struct Protected {
    start: usize,
    end: usize,
    handler: usize,
    depth: usize,
    /// Whether the handler finds the offset of the instruction below the exception.
    offset: bool,
}

/// The table is a sequence of big-endian numbers of six-bit digits.
fn exception_table(bytes: &[u8]) -> Option<Vec<Protected>> {
    let mut bytes = bytes.iter();
    let mut rows = Vec::new();
    while let Some(&first) = bytes.next() {
        let mut number = |first: Option<u8>| -> Option<usize> {
            let mut byte = first.or_else(|| bytes.next().copied())?;
            let mut value = usize::from(byte & 63);
            while byte & 64 != 0 {
                byte = bytes.next().copied()?;
                value = value.checked_mul(64)? + usize::from(byte & 63);
            }
            Some(value)
        };
        let start = 2 * number(Some(first))?;
        let length = 2 * number(None)?;
        let handler = 2 * number(None)?;
        let depth = number(None)?;
        rows.push(Protected {
            start,
            end: start + length,
            handler,
            depth: depth >> 1,
            offset: depth & 1 == 1,
        });
    }
    Some(rows)
}

fn decode(code: &Code, rows: &'static [Row]) -> Result<Vec<Instruction>> {
    let mut by_number = [None; 256];
    for row in rows {
        by_number[usize::from(row.0)] = Some(row);
    }
    let mut instructions = Vec::new();
    let mut start = 0;
    let mut at = 0;
    let mut high = 0usize;
    while let Some(&[opcode, low]) = code
        .bytecode
        .get(at..at + 2)
        .and_then(|unit| unit.first_chunk())
    {
        let Some(&(_, name, caches, action)) = by_number[usize::from(opcode)] else {
            return Err(unread(format!("opcode {opcode}")));
        };
        let arg = high << 8 | usize::from(low);
        at += 2;
        if action == Action::Extend {
            high = arg & 0xff_ffff;
            continue;
        }
        high = 0;
        at += 2 * usize::from(caches);
        instructions.push(Instruction {
            offset: start,
            next: at,
            name,
            action,
            arg,
        });
        start = at;
    }
    Ok(instructions)
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
}

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
            Action::Yield => {
                b.unread("yield");
                Ok(())
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
            Action::ExitCaught => {
                let exception = b.peek(1)?;
                let at = b.position(4)?;
                match b.stack.get(at).cloned() {
                    Some(Slot::Exit(manager)) => {
                        b.emit_intrinsic(intrinsic::EXIT, vec![manager, exception]);
                        Ok(())
                    }
                    _ => Err(malformed()),
                }
            }
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
        match self.code.consts.get(index).ok_or_else(malformed)? {
            Const::Value(value) => b.push(constant(value.clone())),
            Const::FrozenSet(values) => {
                let items = constant(Constant::Tuple(values.clone()));
                b.call(name("frozenset"), vec![items], Vec::new());
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

    /// Replaces the `count` topmost atoms by an intrinsic of them.
    fn apply(&self, b: &mut Builder, which: &str, count: usize) -> Result<()> {
        let args = b.pop_many(count)?;
        b.emit_intrinsic(which, args);
        Ok(())
    }

    fn operate(&self, b: &mut Builder, instruction: &Instruction) -> Result<()> {
        let arg = instruction.arg;
        match instruction.action {
            Action::Unary(op) => {
                let operand = b.pop()?;
                b.emit(unary(op, operand));
            }
            Action::Binary => {
                let right = b.pop()?;
                let left = b.pop()?;
                match OPERATORS.get(arg % 13) {
                    Some(&(op, _)) if arg < 13 => b.emit(binary(left, op, right)),
                    Some(&(_, op)) if arg < 26 => {
                        let args = vec![constant(op.to_owned()), left, right];
                        b.emit_intrinsic(intrinsic::INPLACE, args);
                    }
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

    fn compare(&self, b: &mut Builder, op: CmpOp) -> Result<()> {
        let right = b.pop()?;
        let left = b.pop()?;
        b.emit(compare(left, op, right));
        Ok(())
    }

    fn attribute(&self, b: &mut Builder, index: usize) -> Result<()> {
        let value = b.pop()?;
        b.emit(attribute(value, self.name(index)?));
        Ok(())
    }

    /// Displays, formats, imports.
    fn build(&self, b: &mut Builder, instruction: &Instruction) -> Result<()> {
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

    fn call(&mut self, b: &mut Builder, instruction: &Instruction) -> Result<()> {
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
                let keywords = match arg & 1 {
                    0 => Vec::new(),
                    _ => vec![(None, b.pop()?)],
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
    fn call_with(&mut self, b: &mut Builder, count: usize, names: Vec<String>) -> Result<()> {
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
    fn comprehension(&mut self, b: &mut Builder, code: &Arc<Code>) -> Result<()> {
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
            Const::Value(_) | Const::FrozenSet(_) => false,
        })
    }
    uses(code, &code.cellvars)
        || code.consts.iter().any(
            |item| matches!(item, Const::Code(inner) if is_comprehension(inner) && captured(inner)),
        )
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

/// The items of a constant tuple.
fn constants(atom: &Expr) -> Option<Vec<Constant>> {
    match atom {
        Expr::Constant(e) => e.value.as_tuple().cloned(),
        _ => None,
    }
}

fn strings(values: &[Constant]) -> Result<Vec<String>> {
    values
        .iter()
        .map(|value| value.as_str().cloned().ok_or_else(malformed))
        .collect()
}
