//! The stack machine both fronts drive.
//!
//! In: CPython's stack actions (push, store, call, branch, ...), from a walk of the syntax tree
//! ([`super::source`]) or from opcodes ([`super::bytecode`]). Out: blocks in A-normal form.
//! One builder is why both fronts give one form:
//!
//! ```text
//! x, y = y, x      push y, push x, swap, store x, store y      $0 = x
//!                                                              x = y
//!                                                              y = $0
//! ```
//!
//! The stack holds *atoms*, not values, so a name is copied to a temporary before it is assigned
//! while still on the stack; cells, which any call may assign, before any statement at all. Where
//! control flow meets, the stack is kept in temporaries named by depth. The method is that of
//! Leroy, "Java bytecode verification: algorithms and formalizations", J. Autom. Reasoning 30, 2003.

use std::collections::HashMap;
use std::sync::Arc;

use super::py::{self, Constant, Expr, Stmt};
use super::{Block, BlockId, Code, Front, Function, Located, Span, Terminator, intrinsic};
use crate::error::{Error, ErrorKind, Result};

/// What a position of the stack holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Slot {
    Atom(Expr),
    /// An item of an unpacked tuple, read when it is used.
    Item(Expr),
    /// CPython's NULL, and words of its bookkeeping that no program sees.
    Null,
    /// The bound `__exit__` of this context manager.
    Exit(Expr),
    /// A closure not made yet: index in `Function::nested`, defaults, keyword defaults.
    Closure(usize, Expr, Expr),
    /// The value a comprehension's variable had outside it; meanwhile the variable is called `alias`.
    Outer {
        name: String,
        alias: String,
    },
    /// The cell a comprehension's captured variable had outside it.
    OuterCell(Expr),
}

impl Slot {
    fn atom_mut(&mut self) -> Option<&mut Expr> {
        match self {
            Slot::Atom(atom) | Slot::Exit(atom) | Slot::OuterCell(atom) => Some(atom),
            Slot::Item(_) | Slot::Null | Slot::Closure(..) | Slot::Outer { .. } => None,
        }
    }

    fn atom(&self) -> Option<&Expr> {
        match self {
            Slot::Atom(atom) | Slot::Exit(atom) | Slot::OuterCell(atom) => Some(atom),
            Slot::Item(_) | Slot::Null | Slot::Closure(..) | Slot::Outer { .. } => None,
        }
    }
}

/// A block being filled.
struct Draft {
    statements: Vec<Located<Stmt>>,
    end: Option<Located<Terminator>>,
    handler: Option<BlockId>,
    entry: Option<Vec<Slot>>,
    merges: bool,
}

/// Blocks under construction, and the stack at the current point.
pub struct Builder {
    pub code: Arc<Code>,
    pub stack: Vec<Slot>,
    pub span: Span,
    pub handler: Option<BlockId>,
    nested: Vec<Arc<Code>>,
    blocks: Vec<Draft>,
    current: Option<BlockId>,
    temporaries: usize,
}

pub fn name(id: &str) -> Expr {
    Expr::Name(py::ExprName {
        range: Default::default(),
        id: py::Identifier::new(id),
        ctx: py::ExprContext::Load,
    })
}

pub fn constant(value: impl Into<Constant>) -> Expr {
    Expr::Constant(py::ExprConstant {
        range: Default::default(),
        value: value.into(),
        kind: None,
    })
}

pub fn none() -> Expr {
    constant(Constant::None)
}

pub fn int(value: usize) -> Expr {
    constant(Constant::Int(value.into()))
}

pub fn attribute(value: Expr, attr: &str) -> Expr {
    Expr::Attribute(py::ExprAttribute {
        range: Default::default(),
        value: Box::new(value),
        attr: py::Identifier::new(attr),
        ctx: py::ExprContext::Load,
    })
}

pub fn subscript(value: Expr, slice: Expr) -> Expr {
    Expr::Subscript(py::ExprSubscript {
        range: Default::default(),
        value: Box::new(value),
        slice: Box::new(slice),
        ctx: py::ExprContext::Load,
    })
}

pub fn tuple(elts: Vec<Expr>) -> Expr {
    Expr::Tuple(py::ExprTuple {
        range: Default::default(),
        elts,
        ctx: py::ExprContext::Load,
    })
}

pub fn list(elts: Vec<Expr>) -> Expr {
    Expr::List(py::ExprList {
        range: Default::default(),
        elts,
        ctx: py::ExprContext::Load,
    })
}

pub fn set(elts: Vec<Expr>) -> Expr {
    Expr::Set(py::ExprSet {
        range: Default::default(),
        elts,
    })
}

pub fn dict(keys: Vec<Expr>, values: Vec<Expr>) -> Expr {
    Expr::Dict(py::ExprDict {
        range: Default::default(),
        keys: keys.into_iter().map(Some).collect(),
        values,
    })
}

pub fn starred(value: Expr) -> Expr {
    Expr::Starred(py::ExprStarred {
        range: Default::default(),
        value: Box::new(value),
        ctx: py::ExprContext::Load,
    })
}

pub fn unary(op: py::UnaryOp, operand: Expr) -> Expr {
    Expr::UnaryOp(py::ExprUnaryOp {
        range: Default::default(),
        op,
        operand: Box::new(operand),
    })
}

pub fn binary(left: Expr, op: py::Operator, right: Expr) -> Expr {
    Expr::BinOp(py::ExprBinOp {
        range: Default::default(),
        left: Box::new(left),
        op,
        right: Box::new(right),
    })
}

pub fn compare(left: Expr, op: py::CmpOp, right: Expr) -> Expr {
    Expr::Compare(py::ExprCompare {
        range: Default::default(),
        left: Box::new(left),
        ops: vec![op],
        comparators: vec![right],
    })
}

/// `keywords`: a name, or `None` for `**`.
pub fn call(func: Expr, args: Vec<Expr>, keywords: Vec<(Option<String>, Expr)>) -> Expr {
    let keywords = keywords
        .into_iter()
        .map(|(arg, value)| py::Keyword {
            range: Default::default(),
            arg: arg.map(py::Identifier::new),
            value,
        })
        .collect();
    Expr::Call(py::ExprCall {
        range: Default::default(),
        func: Box::new(func),
        args,
        keywords,
    })
}

fn intrinsic_call(which: &str, args: Vec<Expr>) -> Expr {
    call(name(which), args, Vec::new())
}

fn is_name(atom: &Expr, id: &str) -> bool {
    matches!(atom, Expr::Name(n) if n.id.as_str() == id)
}

fn name_of(atom: &Expr) -> Option<&str> {
    match atom {
        Expr::Name(n) => Some(n.id.as_str()),
        _ => None,
    }
}

fn spill_name(depth: usize) -> String {
    format!("$s{depth}")
}

fn underflow() -> Box<Error> {
    Error::internal("the stack of a code object ran empty")
}

impl Builder {
    pub fn new(code: &Arc<Code>) -> Builder {
        Builder {
            code: Arc::clone(code),
            stack: Vec::new(),
            span: Span {
                line: code.first_line,
                end_line: code.first_line,
                ..Span::default()
            },
            handler: None,
            nested: Vec::new(),
            blocks: vec![Draft {
                statements: Vec::new(),
                end: None,
                handler: None,
                entry: Some(Vec::new()),
                merges: true,
            }],
            current: Some(0),
            temporaries: 0,
        }
    }

    // Stack.

    pub fn push(&mut self, atom: Expr) {
        self.stack.push(Slot::Atom(atom));
    }

    pub fn pop_slot(&mut self) -> Result<Slot> {
        self.stack.pop().ok_or_else(underflow)
    }

    /// The top of the stack as an atom.
    pub fn pop(&mut self) -> Result<Expr> {
        match self.pop_slot()? {
            Slot::Atom(atom) => Ok(atom),
            Slot::Item(item) => Ok(self.assign_temporary(item)),
            Slot::Closure(index, defaults, kwdefaults) => {
                let made =
                    intrinsic_call(intrinsic::FUNCTION, vec![int(index), defaults, kwdefaults]);
                Ok(self.assign_temporary(made))
            }
            Slot::Exit(manager) => Ok(self.assign_temporary(attribute(manager, "__exit__"))),
            Slot::Null => Ok(none()),
            Slot::Outer { .. } | Slot::OuterCell(_) => {
                Err(Error::internal("a saved variable is used as a value"))
            }
        }
    }

    /// The `count` topmost atoms, in the order they were pushed.
    pub fn pop_many(&mut self, count: usize) -> Result<Vec<Expr>> {
        let mut atoms = Vec::with_capacity(count);
        for _ in 0..count {
            atoms.push(self.pop()?);
        }
        atoms.reverse();
        Ok(atoms)
    }

    /// Position of the slot `depth` below the top; the top is 1.
    pub fn position(&self, depth: usize) -> Result<usize> {
        self.stack
            .len()
            .checked_sub(depth)
            .filter(|_| depth > 0)
            .ok_or_else(underflow)
    }

    /// The slot `depth` below the top as an atom that stays there.
    pub fn peek(&mut self, depth: usize) -> Result<Expr> {
        let at = self.position(depth)?;
        self.materialize(at);
        match self.stack.get(at) {
            Some(Slot::Atom(atom)) => Ok(atom.clone()),
            _ => Err(Error::internal(
                "a word of the interpreter is used as a value",
            )),
        }
    }

    pub fn copy(&mut self, depth: usize) -> Result<()> {
        let at = self.position(depth)?;
        self.materialize(at);
        let slot = self.stack.get(at).cloned().ok_or_else(underflow)?;
        self.stack.push(slot);
        Ok(())
    }

    pub fn swap(&mut self, depth: usize) -> Result<()> {
        let at = self.position(depth)?;
        let top = self.position(1)?;
        self.stack.swap(at, top);
        Ok(())
    }

    /// Drops the top, keeping a call for its effects.
    pub fn discard(&mut self) -> Result<()> {
        let Slot::Atom(atom) = self.pop_slot()? else {
            return Ok(());
        };
        let Some(id) = name_of(&atom) else {
            return Ok(());
        };
        if !id.starts_with('$') {
            // Reading it may be a NameError, which may be what the statement is for.
            return self.effect(atom);
        }
        if let Some(value) = self.take_last(&atom) {
            self.statement(Stmt::Expr(py::StmtExpr {
                range: Default::default(),
                value: Box::new(value),
            }));
        }
        Ok(())
    }

    /// Items and closures are expressions until used: gives the slot a name.
    fn materialize(&mut self, at: usize) {
        let value = match self.stack.get(at) {
            Some(Slot::Item(item)) => item.clone(),
            Some(Slot::Closure(index, defaults, kwdefaults)) => intrinsic_call(
                intrinsic::FUNCTION,
                vec![int(*index), defaults.clone(), kwdefaults.clone()],
            ),
            _ => return,
        };
        // The assignment saves cells on the stack, so the slot must not be among them any more.
        let atom = self.assign_temporary(value);
        if let Some(slot) = self.stack.get_mut(at) {
            *slot = Slot::Atom(atom);
        }
    }

    // Statements.

    fn statement(&mut self, node: Stmt) {
        let span = self.span.clone();
        if let Some(draft) = self.current.and_then(|at| self.blocks.get_mut(at)) {
            draft.statements.push(Located { node, span });
        }
    }

    fn assignment(&mut self, target: Expr, value: Expr) {
        self.statement(Stmt::Assign(py::StmtAssign {
            range: Default::default(),
            targets: vec![target],
            value: Box::new(value),
            type_comment: None,
        }));
    }

    fn fresh(&mut self) -> String {
        self.temporaries += 1;
        format!("${}", self.temporaries - 1)
    }

    /// `$n = value`; gives `$n`.
    fn assign_temporary(&mut self, value: Expr) -> Expr {
        self.save_cells();
        let temporary = name(&self.fresh());
        self.assignment(temporary.clone(), value);
        temporary
    }

    /// Any statement may run code that assigns a cell: those on the stack are read first.
    fn save_cells(&mut self) {
        for at in 0..self.stack.len() {
            let Some(id) = self.stack[at].atom().and_then(name_of) else {
                continue;
            };
            if self
                .code
                .cellvars
                .iter()
                .chain(&self.code.freevars)
                .any(|cell| cell == id)
            {
                let id = id.to_owned();
                self.save(&id);
            }
        }
    }

    /// Copies the variable `id` to a temporary wherever it is on the stack.
    fn save(&mut self, id: &str) {
        if !self
            .stack
            .iter()
            .filter_map(Slot::atom)
            .any(|atom| is_name(atom, id))
        {
            return;
        }
        let temporary = name(&self.fresh());
        self.assignment(temporary.clone(), name(id));
        for atom in self.stack.iter_mut().filter_map(Slot::atom_mut) {
            if is_name(atom, id) {
                *atom = temporary.clone();
            }
        }
    }

    /// If the last statement made `atom`, and nothing else on the stack holds it, removes that
    /// statement and gives its right-hand side.
    fn take_last(&mut self, atom: &Expr) -> Option<Expr> {
        let id = name_of(atom)?;
        let digits = id.strip_prefix('$')?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit())
            || self
                .stack
                .iter()
                .filter_map(Slot::atom)
                .any(|other| is_name(other, id))
            || self
                .stack
                .iter()
                .any(|slot| matches!(slot, Slot::Item(_) | Slot::Closure(..)))
        {
            return None;
        }
        let statements = &mut self.blocks.get_mut(self.current?)?.statements;
        let Stmt::Assign(last) = &statements.last()?.node else {
            return None;
        };
        if !last
            .targets
            .first()
            .is_some_and(|target| is_name(target, id))
        {
            return None;
        }
        match statements.pop()?.node {
            Stmt::Assign(last) => Some(*last.value),
            _ => None,
        }
    }

    /// Computes `value` into a temporary and pushes that.
    pub fn emit(&mut self, value: Expr) {
        let atom = self.assign_temporary(value);
        self.push(atom);
    }

    pub fn emit_intrinsic(&mut self, which: &str, args: Vec<Expr>) {
        self.emit(intrinsic_call(which, args));
    }

    /// Computes `value` for its effects.
    pub fn effect(&mut self, value: Expr) -> Result<()> {
        self.save_cells();
        self.statement(Stmt::Expr(py::StmtExpr {
            range: Default::default(),
            value: Box::new(value),
        }));
        Ok(())
    }

    pub fn effect_intrinsic(&mut self, which: &str, args: Vec<Expr>) -> Result<()> {
        self.effect(intrinsic_call(which, args))
    }

    // Names.

    /// A variable's name here, inside comprehensions that hide it.
    fn visible<'s>(&'s self, id: &'s str) -> &'s str {
        self.stack
            .iter()
            .rev()
            .find_map(|slot| match slot {
                Slot::Outer { name, alias } if name == id => Some(alias.as_str()),
                _ => None,
            })
            .unwrap_or(id)
    }

    pub fn load(&mut self, id: &str) {
        let atom = name(self.visible(id));
        self.push(atom);
    }

    /// `id = <top>`.
    pub fn store(&mut self, id: &str) -> Result<()> {
        let id = self.visible(id).to_owned();
        let slot = self.pop_slot()?;
        let busy = self
            .stack
            .iter()
            .filter_map(Slot::atom)
            .any(|atom| is_name(atom, &id));
        let value = match slot {
            Slot::Item(item) if !busy => item,
            slot => {
                self.stack.push(slot);
                let atom = self.pop()?;
                match busy {
                    false => self.take_last(&atom).unwrap_or(atom),
                    true => atom,
                }
            }
        };
        self.save(&id);
        self.save_cells();
        self.assignment(name(&id), value);
        Ok(())
    }

    pub fn delete(&mut self, target: Expr) {
        if let Some(id) = name_of(&target) {
            let id = id.to_owned();
            self.save(&id);
        }
        self.save_cells();
        self.statement(Stmt::Delete(py::StmtDelete {
            range: Default::default(),
            targets: vec![target],
        }));
    }

    /// `target = value`, the target an attribute or a subscript of atoms.
    pub fn store_to(&mut self, target: Expr, value: Expr) {
        self.save_cells();
        self.assignment(target, value);
    }

    /// A comprehension's variable: hides `id` until [`Self::reveal`].
    pub fn hide(&mut self, id: &str) {
        self.temporaries += 1;
        self.stack.push(Slot::Outer {
            name: id.to_owned(),
            alias: format!("${id}#{}", self.temporaries - 1),
        });
    }

    /// The variable just hidden is captured by a function inside the comprehension, which finds it by
    /// its own name: so it keeps that, in a cell of its own.
    pub fn hide_cell(&mut self, id: &str) {
        let Some(at) = self
            .stack
            .iter()
            .rposition(|slot| matches!(slot, Slot::Outer { name, .. } if name == id))
        else {
            return;
        };
        self.save(id);
        let atom = self.assign_temporary(intrinsic_call(
            intrinsic::FRESH,
            vec![constant(id.to_owned())],
        ));
        if let Some(slot) = self.stack.get_mut(at) {
            *slot = Slot::OuterCell(atom);
        }
    }

    /// Whether a comprehension's variable hides `id` here.
    pub fn hidden(&self, id: &str) -> bool {
        self.stack
            .iter()
            .any(|slot| matches!(slot, Slot::Outer { name, .. } if name == id))
    }

    /// Ends what [`Self::hide`] began; the saved slot is on the top.
    pub fn reveal(&mut self, id: &str) -> Result<()> {
        match self.pop_slot()? {
            Slot::OuterCell(cell) => {
                self.save(id);
                self.effect_intrinsic(intrinsic::RESTORE, vec![constant(id.to_owned()), cell])
            }
            _ => Ok(()),
        }
    }

    /// Pushes the `count` items of the top, the first on top. `after`: with a star before that many.
    pub fn unpack(&mut self, before: usize, after: Option<usize>) -> Result<()> {
        let value = self.pop()?;
        let mut args = vec![value, int(before)];
        args.extend(after.map(int));
        let items = self.assign_temporary(intrinsic_call(intrinsic::UNPACK, args));
        let count = before + after.map_or(0, |after| after + 1);
        for index in (0..count).rev() {
            self.stack
                .push(Slot::Item(subscript(items.clone(), int(index))));
        }
        Ok(())
    }

    /// Adds a code object to `Function::nested`, and pushes its closure.
    pub fn closure(&mut self, code: &Arc<Code>, defaults: Expr, kwdefaults: Expr) {
        let index = self.nested_index(code);
        self.stack.push(Slot::Closure(index, defaults, kwdefaults));
    }

    fn nested_index(&mut self, code: &Arc<Code>) -> usize {
        let found = self
            .nested
            .iter()
            .position(|known| Arc::ptr_eq(known, code));
        found.unwrap_or_else(|| {
            self.nested.push(Arc::clone(code));
            self.nested.len() - 1
        })
    }

    pub fn nested_code(&self, index: usize) -> Option<&Arc<Code>> {
        self.nested.get(index)
    }

    /// Makes the list display just emitted, still empty, one of `items`. False: it is another list.
    pub fn fill_display(&mut self, container: &Expr, items: Vec<Constant>) -> bool {
        let Some(last) = self
            .current
            .and_then(|at| self.blocks.get_mut(at))
            .and_then(|draft| draft.statements.last_mut())
        else {
            return false;
        };
        if let Stmt::Assign(assign) = &mut last.node
            && assign.targets.first() == Some(container)
            && let Expr::List(display) = &mut *assign.value
            && display.elts.is_empty()
        {
            display.elts = items.into_iter().map(constant).collect();
            return true;
        }
        false
    }

    /// Whether the last statement made `atom` by a conversion to a string.
    pub fn just_formatted(&self, atom: &Expr) -> bool {
        let draft = self.current.and_then(|at| self.blocks.get(at));
        let Some(Stmt::Assign(last)) = draft
            .and_then(|draft| draft.statements.last())
            .map(|last| &last.node)
        else {
            return false;
        };
        last.targets.first() == Some(atom)
            && matches!(&*last.value, Expr::Call(call)
                if is_name(&call.func, intrinsic::FORMAT)
                    && !matches!(call.args.get(1), Some(Expr::Constant(c)) if c.value == Constant::Str(String::new())))
    }

    /// Pushes the call's result. `super()` without arguments has a meaning of its own.
    pub fn call(&mut self, func: Expr, args: Vec<Expr>, keywords: Vec<(Option<String>, Expr)>) {
        let implicit = is_name(&func, "super")
            && args.is_empty()
            && keywords.is_empty()
            && self.code.freevars.iter().any(|free| free == "__class__");
        match implicit {
            true => self.emit_intrinsic(intrinsic::SUPER, Vec::new()),
            false => self.emit(call(func, args, keywords)),
        }
    }

    // Blocks.

    /// A block that several others may go to (`merges`), or only one.
    pub fn block(&mut self, merges: bool) -> BlockId {
        self.blocks.push(Draft {
            statements: Vec::new(),
            end: None,
            handler: None,
            entry: None,
            merges,
        });
        self.blocks.len() - 1
    }

    /// Whether this point can be reached.
    pub fn reachable(&self) -> bool {
        self.current.is_some()
    }

    /// Whether something goes to block `id`.
    pub fn entered(&self, id: BlockId) -> bool {
        self.blocks
            .get(id)
            .is_some_and(|draft| draft.entry.is_some())
    }

    /// Continues with block `id`, if anything goes there.
    pub fn start(&mut self, id: BlockId) {
        let handler = self.handler;
        self.current = None;
        self.stack.clear();
        if let Some(draft) = self.blocks.get_mut(id)
            && let Some(entry) = &draft.entry
        {
            self.stack = entry.clone();
            draft.handler = handler;
            self.current = Some(id);
        }
    }

    fn end(&mut self, node: Terminator) {
        let span = self.span.clone();
        if let Some(draft) = self.current.take().and_then(|at| self.blocks.get_mut(at)) {
            draft.end.get_or_insert(Located { node, span });
        }
    }

    /// Names the first `depth` slots by their depth.
    fn spill(&mut self, depth: usize) {
        for at in 0..depth {
            self.materialize(at);
        }
        let moved = |at: usize, atom: &Expr| !is_name(atom, &spill_name(at));
        let written: Vec<String> = (0..depth)
            .filter(|&at| {
                self.stack
                    .get(at)
                    .and_then(Slot::atom)
                    .is_some_and(|atom| moved(at, atom))
            })
            .map(spill_name)
            .collect();
        for id in &written {
            self.save(id);
        }
        for at in 0..depth {
            let Some(atom) = self.stack.get(at).and_then(Slot::atom) else {
                continue;
            };
            if !moved(at, atom) {
                continue;
            }
            let atom = atom.clone();
            let target = name(&spill_name(at));
            if let Some(place) = self.stack.get_mut(at).and_then(Slot::atom_mut) {
                *place = target.clone();
            }
            let value = self.take_last(&atom).unwrap_or(atom);
            self.assignment(target, value);
        }
    }

    /// Prepares going to `target` with the first `depth` slots.
    pub fn arrive(&mut self, target: BlockId, depth: usize) -> Result<()> {
        if self.current.is_none() {
            return Ok(());
        }
        let depth = depth.min(self.stack.len());
        if self.blocks.get(target).is_some_and(|draft| draft.merges) {
            self.spill(depth);
        }
        let entry: Vec<Slot> = self.stack.iter().take(depth).cloned().collect();
        let draft = self.blocks.get_mut(target).ok_or_else(underflow)?;
        match &draft.entry {
            None => draft.entry = Some(entry),
            Some(known) if known.len() == entry.len() => {}
            Some(_) => return Err(Error::internal("stacks of different depth meet")),
        }
        Ok(())
    }

    pub fn goto(&mut self, target: BlockId) -> Result<()> {
        self.leave(target, self.stack.len())
    }

    /// Goes to `target` with only the first `depth` slots.
    pub fn leave(&mut self, target: BlockId, depth: usize) -> Result<()> {
        self.arrive(target, depth)?;
        self.end(Terminator::Goto(target));
        Ok(())
    }

    /// Pops the test.
    pub fn branch(&mut self, then: BlockId, otherwise: BlockId) -> Result<()> {
        let depth = self.position(1)?;
        self.branch_at((then, depth), (otherwise, depth))
    }

    /// Tests the top; each side goes on with so many slots.
    pub fn branch_at(&mut self, then: (BlockId, usize), otherwise: (BlockId, usize)) -> Result<()> {
        self.peek(1)?;
        self.arrive(then.0, then.1)?;
        self.arrive(otherwise.0, otherwise.1)?;
        let test = self.pop()?;
        self.end(Terminator::Branch {
            test,
            then: then.0,
            otherwise: otherwise.0,
        });
        Ok(())
    }

    /// Advances the iterator on the top: `body` finds the item on the stack, `exit` gets `exit_depth` slots.
    pub fn next(&mut self, body: BlockId, exit: BlockId, exit_depth: usize) -> Result<()> {
        if !self.reachable() {
            return Ok(());
        }
        let at = self.position(1)?;
        self.materialize(at);
        while self.stack.len() < exit_depth {
            self.stack.push(Slot::Null);
        }
        self.arrive(exit, exit_depth)?;
        self.stack.truncate(at + 1);
        // The item must not be renamed between the terminator and the body.
        let first = match self.blocks.get(body).is_some_and(|draft| draft.merges) {
            true => self.block(false),
            false => body,
        };
        let target = self.fresh();
        self.push(name(&target));
        self.arrive(first, at + 2)?;
        let iterator = match self.stack.get(at).and_then(Slot::atom).and_then(name_of) {
            Some(iterator) => iterator.to_owned(),
            None => return Err(Error::internal("an iterator without a name")),
        };
        self.end(Terminator::Next {
            iterator,
            target,
            body: first,
            exit,
        });
        if first != body {
            self.start(first);
            self.goto(body)?;
        }
        Ok(())
    }

    pub fn ret(&mut self) -> Result<()> {
        let value = self.pop()?;
        self.end(Terminator::Return(value));
        Ok(())
    }

    pub fn raise(&mut self, exception: Option<Expr>, cause: Option<Expr>) {
        self.end(Terminator::Raise { exception, cause });
    }

    pub fn unread(&mut self, construct: impl Into<String>) {
        self.end(Terminator::Unread(construct.into()));
    }

    /// From here on exceptions go to `handler`, which keeps the stack as it is now.
    pub fn protect(&mut self, handler: Option<BlockId>) -> Result<()> {
        let next = self.block(true);
        self.goto(next)?;
        self.handler = handler;
        self.start(next);
        Ok(())
    }

    /// Declares that exceptions arrive at `handler` with the first `depth` slots of the current stack.
    pub fn expect(&mut self, handler: BlockId, depth: usize) -> Result<()> {
        self.arrive(handler, depth)
    }

    pub fn finish(self, front: Front) -> Result<Function> {
        let code = self.code;
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for draft in self.blocks {
            blocks.push(Block {
                statements: draft.statements,
                end: draft.end.unwrap_or(Located {
                    node: Terminator::Unread("code that is never reached".into()),
                    span: Span::default(),
                }),
                handler: draft.handler,
            });
        }
        super::tidy::tidy(&mut blocks);
        Ok(Function {
            code,
            blocks,
            nested: self.nested,
            front,
        })
    }

    /// An error of reading, at the current place.
    pub fn refuse(&self, construct: impl Into<String>) -> Box<Error> {
        Error::new(ErrorKind::Unread {
            construct: construct.into(),
        })
        .at(crate::error::Place {
            file: self.code.filename.as_str().into(),
            span: self.span.clone(),
            text: None,
        })
    }
}

/// Renames every temporary in order of appearance: `$0`, `$1`, ...; a comprehension's variable
/// `x` becomes `$x`, then `$x.1`.
pub(super) struct Renaming {
    names: HashMap<String, String>,
    plain: usize,
    variables: HashMap<String, usize>,
}

impl Renaming {
    pub fn new() -> Renaming {
        Renaming {
            names: HashMap::new(),
            plain: 0,
            variables: HashMap::new(),
        }
    }

    pub fn apply(&mut self, id: &str) -> Option<String> {
        if !id.starts_with('$') || id.starts_with("$$") {
            return None;
        }
        if let Some(known) = self.names.get(id) {
            return Some(known.clone());
        }
        let new = match id[1..].split_once('#') {
            Some((variable, _)) => {
                let count = self.variables.entry(variable.to_owned()).or_insert(0);
                *count += 1;
                match *count {
                    1 => format!("${variable}"),
                    _ => format!("${variable}.{}", *count - 1),
                }
            }
            None => {
                self.plain += 1;
                format!("${}", self.plain - 1)
            }
        };
        self.names.insert(id.to_owned(), new.clone());
        Some(new)
    }
}
