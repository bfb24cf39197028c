//! Stage 1: a Python function in, its control-flow graph out.
//!
//! In: a [`Code`] (a decoded `types.CodeType`) and, if proven, its source text.
//! Out: a [`Function`], whose blocks hold `rustpython_ast` statements in A-normal form.
//! Both fronts ([`source`], [`bytecode`]) produce this one form:
//!
//! ```text
//! def f(x):                 block 0   $1 = x * 2.0
//!     if flag:                        branch flag -> 1, 2
//!         return x * 2.0
//! ```
//!
//! # The form
//!
//! *Statements* are a small subset of `rustpython_ast::Stmt`:
//! `Assign` with one target, `Expr`, `Delete`; nothing else.
//! A *target* is `Name`, `Attribute`, `Subscript` over atoms.
//! An *atom* is `Name` or `Constant`; temporaries are `Name`s starting with `$`
//! and are assigned once per execution of their block. Every other expression has atoms
//! as children, so one statement is one operation and has one range:
//! `BinOp`, `UnaryOp`, `Compare` (one operator), `Call` (with keywords and `Starred` atoms),
//! `Attribute`, `Subscript` (whose slice is an atom, made by [`intrinsic::SLICE`] or `Tuple`),
//! `Tuple`, `List`, `Set`, `Dict`, `JoinedStr`-like work through [`intrinsic::FORMAT`].
//! `and`, `or`, ternaries, chained comparison and comprehensions become branches and loops.
//! What has no Python expression is a call of an *intrinsic*, a name starting with `$$`.
//!
//! A name on the way to its use is copied to a temporary if it is assigned in between (`x, y = y, x`),
//! and a cell variable if any statement comes between, as that may call what assigns it. A global is
//! read where it is used.
//!
//! *Comprehensions* are loops in their function; their variable `x` is the temporary `$x` (a later
//! one `$x.1`). If a function made inside captures the variable, it keeps its name in a cell of its own
//! ([`intrinsic::FRESH`]), and before 3.12 the comprehension is the call of a function, whose one
//! parameter is called `.0`. A *generator expression* always is: see [`intrinsic::YIELD`].
//!
//! *Exceptions*: a block's handler begins with `$e = $$caught()`; `raise $e` passes it on. `finally`
//! bodies are repeated on each way out. An `assert` is a branch to `raise AssertionError`.
//!
//! Names are resolved by the [`Code`]'s own tables: a name in `varnames` is local, one in
//! `cellvars`/`freevars` is a cell, any other is global, then builtin.

mod build;
pub mod bytecode;
pub mod flow;
pub mod listing;
mod opcodes;
pub mod print;
pub mod source;
mod tidy;

use std::sync::Arc;

pub use rustpython_ast as py;
use rustpython_ast::{Expr, Stmt};

/// Operations that Python writes with syntax rather than with an expression of atoms.
/// Each is called as `Name(intrinsic)(atoms...)`.
pub mod intrinsic {
    /// `$$iter(x)`: `iter(x)`, the start of a `for` loop.
    pub const ITER: &str = "$$iter";
    /// `$$unpack(x, n)`: exactly `n` items of `x` as a tuple. `$$unpack(x, before, after)`: with a star between.
    pub const UNPACK: &str = "$$unpack";
    /// `$$slice(start, stop, step)`: `slice` built by subscript syntax.
    pub const SLICE: &str = "$$slice";
    /// `$$inplace("+", x, y)`: what `x += y` computes before the store; operator as in source, e.g. `"**"`.
    pub const INPLACE: &str = "$$inplace";
    /// `$$function(k, defaults, kwdefaults)`: closure over `Function::nested[k]`; `defaults` a tuple or None, `kwdefaults` a dict or None.
    pub const FUNCTION: &str = "$$function";
    /// `$$format(value, conversion, spec)`: one replacement field; conversion is `""`, `"s"`, `"r"` or `"a"`.
    pub const FORMAT: &str = "$$format";
    /// `$$join(parts...)`: the whole f-string.
    pub const JOIN: &str = "$$join";
    /// `$$import(name, fromlist, level)`: `__import__`; `$$import_from(module, name)`: one name of it.
    pub const IMPORT: &str = "$$import";
    /// See [`IMPORT`].
    pub const IMPORT_FROM: &str = "$$import_from";
    /// `$$enter(cm)`: `type(cm).__enter__(cm)`; `$$exit(cm)`: the `__exit__(None, None, None)` of normal completion;
    /// `$$exit(cm, exc)`: `__exit__(type(exc), exc, traceback)`, true if it swallows the exception.
    pub const ENTER: &str = "$$enter";
    /// See [`ENTER`].
    pub const EXIT: &str = "$$exit";
    /// `$$append(list, x)`, `$$add(set, x)`, `$$put(dict, k, v)`, `$$extend(list, xs)`, `$$update(dict, d)`:
    /// displays and comprehensions being filled.
    pub const APPEND: &str = "$$append";
    /// See [`APPEND`].
    pub const ADD: &str = "$$add";
    /// See [`APPEND`].
    pub const PUT: &str = "$$put";
    /// See [`APPEND`].
    pub const EXTEND: &str = "$$extend";
    /// See [`APPEND`].
    pub const UPDATE: &str = "$$update";
    /// `$$merge(dict, d)`: as `$$update`, but a key that is there already is a `TypeError` (`f(**a, **b)`).
    pub const MERGE: &str = "$$merge";
    /// `$$tuple(list)`: a list frozen to a tuple (starred displays).
    pub const TUPLE: &str = "$$tuple";
    /// `$$caught()`: the exception being handled; `$$matches(exc, type)`: the test of an `except` clause.
    pub const CAUGHT: &str = "$$caught";
    /// See [`CAUGHT`].
    pub const MATCHES: &str = "$$matches";
    /// `$$super()`: zero-argument `super()`.
    pub const SUPER: &str = "$$super";
    /// `$$yield(x)`: one item of a generator; its value is what is sent. A statement of its own, so that
    /// the frame can go on behind it. `$$yield_from(xs)`: every item of `xs`, then what it returned.
    pub const YIELD: &str = "$$yield";
    /// See [`YIELD`].
    pub const YIELD_FROM: &str = "$$yield_from";
    /// `$$fresh("x")`: gives the cell variable `x` of this frame a new, empty cell and returns the old cell;
    /// `$$restore("x", cell)` puts it back. 3.12 and later, around a comprehension whose variable is captured.
    pub const FRESH: &str = "$$fresh";
    /// See [`FRESH`].
    pub const RESTORE: &str = "$$restore";
}

/// A place in the user's source, for messages. Lines from 1; columns from 0, in characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Span {
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    pub end_column: u32,
}

/// A decoded `types.CodeType`, made by the host. Nothing here refers to a Python object.
#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    /// `(3, 11)` and so on: which opcode table applies.
    pub version: (u8, u8),
    pub name: String,
    pub qualname: String,
    pub filename: String,
    pub first_line: u32,
    /// `co_flags`.
    pub flags: u32,
    pub argcount: u32,
    pub posonlyargcount: u32,
    pub kwonlyargcount: u32,
    pub varnames: Vec<String>,
    pub cellvars: Vec<String>,
    pub freevars: Vec<String>,
    /// `co_names`.
    pub names: Vec<String>,
    pub consts: Vec<Const>,
    /// `co_code`, never the adaptive copy.
    pub bytecode: Vec<u8>,
    /// `co_positions()`, one per code unit, columns as CPython gives them (UTF-8 bytes).
    pub positions: Vec<Option<Span>>,
    /// `co_exceptiontable`, undecoded.
    pub exception_table: Vec<u8>,
}

/// An element of `co_consts`.
#[derive(Clone, Debug, PartialEq)]
pub enum Const {
    /// `None`, bool, int, float, complex, str, bytes, tuple of such, Ellipsis.
    Value(py::Constant),
    /// `frozenset` of constants, which the AST's constants lack.
    FrozenSet(Vec<py::Constant>),
    /// A slice of constants: start, stop, step.
    Slice([py::Constant; 3]),
    /// A tuple with slices in it.
    Tuple(Vec<Const>),
    Code(Arc<Code>),
}

/// Index of a block within its function.
pub type BlockId = usize;

/// A function as blocks. Block 0 is the entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    pub code: Arc<Code>,
    pub blocks: Vec<Block>,
    /// Bodies of the functions, lambdas and (3.11) comprehensions made inside, for [`intrinsic::FUNCTION`].
    pub nested: Vec<Arc<Code>>,
    /// Which front read it.
    pub front: Front,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Front {
    Source,
    Bytecode,
}

/// A control-flow-free run of statements: the region of the founding mail.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub statements: Vec<Located<Stmt>>,
    pub end: Located<Terminator>,
    /// Where an exception raised in this block goes, if it is inside `try`.
    pub handler: Option<BlockId>,
}

/// How a block ends. Expressions are atoms.
#[derive(Clone, Debug, PartialEq)]
pub enum Terminator {
    Goto(BlockId),
    /// Python truth of `test` decides.
    Branch {
        test: Expr,
        then: BlockId,
        otherwise: BlockId,
    },
    /// Advances the iterator held by name `iterator`: binds `target` (a name) and goes to `body`, or goes to `exit`.
    Next {
        iterator: String,
        target: String,
        body: BlockId,
        exit: BlockId,
    },
    Return(Expr),
    /// `raise`, `raise exc`, `raise exc from cause`.
    Raise {
        exception: Option<Expr>,
        cause: Option<Expr>,
    },
    /// Reached only if the program does what we do not read (`await`, `match` on a class, ...).
    /// The construct is named as the user writes it.
    Unread(String),
}

/// Something with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Located<T> {
    pub node: T,
    pub span: Span,
}
