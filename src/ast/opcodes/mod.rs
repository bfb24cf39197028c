//! What each opcode does, one table per Python version.
//!
//! In: a version and an opcode's number. Out: an [`Action`] of the stack machine:
//!
//! ```text
//! (3, 11), 122   =>   BINARY_OP, 1 cache, Action::Binary
//! ```
//!
//! A new Python version is a new table, and an action only where it does what none did before.

mod v311;
mod v312;
mod v313;
mod v314;

use super::py::UnaryOp;

/// Number, name, number of inline caches, action.
pub type Row = (u8, &'static str, u8, Action);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

/// When a conditional jump is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum If {
    True,
    False,
    None,
    NotNone,
}

/// What an opcode does to the stack; `arg` is its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Skip,
    /// The argument's next byte.
    Extend,
    /// A construct no front reads.
    Unread(&'static str),

    // Stack.
    Pop,
    PushNull,
    Copy,
    Swap,

    // Names.
    Constant,
    /// The argument itself.
    SmallInt,
    /// A builtin by its number.
    CommonConstant,
    Load,
    LoadTwo,
    LoadCell,
    /// Named in `co_names`; the lowest bit of the argument asks for a NULL.
    LoadGlobal,
    LoadName,
    Store,
    StoreTwo,
    StoreLoad,
    StoreName,
    Delete,
    DeleteName,
    /// A comprehension's variable hides the function's, until it is stored back.
    Hide,
    /// If the variable hides one, it is captured; else nothing: cells are known by name.
    MakeCell,

    // Operations.
    Unary(UnaryOp),
    Binary,
    /// The operator's index is the argument shifted by this.
    Compare(u32),
    Is,
    Contains,
    Attribute,
    Method,
    /// The lowest bit of the argument says that the attribute is called next.
    AttributeOrMethod,
    SuperAttribute,
    StoreAttribute,
    DeleteAttribute,
    Subscript,
    StoreSubscript,
    DeleteSubscript,
    LoadSlice,
    StoreSlice,
    Slice,
    Tuple,
    List,
    Set,
    Dict,
    DictOfKeys,
    ListToTuple,
    /// An item, or items, for a container on the stack, by this intrinsic.
    Fill(&'static str),
    Put,
    Unpack,
    UnpackStar,
    Format,
    Convert,
    FormatSimple,
    FormatSpec,
    Join,
    Import,
    ImportFrom,
    AssertionError,

    // Calls.
    KeywordNames,
    Call,
    CallKeywords,
    CallStar,
    Intrinsic,
    Function,
    FunctionAttribute,

    // Control.
    Jump(Direction),
    PopJump(Direction, If),
    /// Jumps keeping the value if its truth is this, else pops it.
    JumpOrPop(bool),
    Iter,
    Next,
    /// Pops what the end of a loop leaves.
    EndFor(usize),
    Return,
    ReturnConstant,
    Yield,
    /// `yield from`: this instruction and the loop behind it.
    YieldFrom,
    Raise,
    RaiseAgain,
    PushException,
    PopException,
    Matches,
    Enter,
    /// `__enter__` or `__exit__` of what is on the top, to be called next or when the block is left.
    SpecialMethod,
    ExitCaught,
}

/// The rows of a Python version, if it has a table.
pub fn table(version: (u8, u8)) -> Option<&'static [Row]> {
    match version {
        (3, 11) => Some(v311::ROWS),
        (3, 12) => Some(v312::ROWS),
        (3, 13) => Some(v313::ROWS),
        (3, 14) => Some(v314::ROWS),
        _ => None,
    }
}
