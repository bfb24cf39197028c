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

mod blocks;
pub mod make;
mod names;

use std::sync::Arc;

use self::make::{attribute, int, intrinsic_call, is_name, name, name_of, none};
use super::py::{self, Expr, Stmt};
use super::{BlockId, Code, Located, Span, Terminator, intrinsic};
use crate::error::{Error, Result};

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
}
