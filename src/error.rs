//! Every message a user can meet.
//!
//! A message has four parts: what happened, where (file, line, the user's code underlined), why,
//! and what to do. [`Error`] holds them; [`Error::render`] lays them out:
//!
//! ```text
//! graph break at model.py:12
//!    12 |     if x.sum() > 0:
//!       |        ^^^^^^^^^^^ the branch depends on an array's values
//! help: use numpy.where, or leave it: each side becomes its own region
//! ```

use std::fmt;
use std::sync::Arc;

use crate::ast::Span;

pub type Result<T, E = Box<Error>> = std::result::Result<T, E>;

/// What went wrong, why, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    pub kind: ErrorKind,
    pub place: Option<Place>,
}

/// A place in the user's program.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub file: Arc<str>,
    pub span: Span,
    /// The line's text, if the source is at hand.
    pub text: Option<Arc<str>>,
}

/// The exception NumPy raises for the same mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exception {
    Value,
    Type,
    Index,
    ZeroDivision,
    Overflow,
    Memory,
    Axis,
}

/// One variant per message. The text is in `render`, so that a snapshot can list them all.
#[derive(Clone, Debug, PartialEq)]
pub enum ErrorKind {
    /// What NumPy itself would raise here. Under every transform the user gets NumPy's exception.
    Raises {
        exception: Exception,
        message: String,
    },
    /// A branch on array values: `construct` is `if`, `while`, `assert`, ...
    DataDependentBranch { construct: String },
    /// Python needs a concrete value (`int(x)`, `range(x)`) of an array that is not known yet.
    NeedsValue { construct: String },
    /// Syntax or a statement that is not lifted (`yield`, `async`, ...).
    Unread { construct: String },
    /// A call that is neither an operation nor Python code that can be entered.
    UnknownCall { callee: String },
    /// An operation we know, used in a way we do not lift (a keyword, a dtype).
    Unlifted { what: String, why: String },
    /// No derivative: the operation, and why.
    NotDifferentiable { operation: String, reason: String },
    /// `grad` of something that is not a scalar.
    NonScalarLoss { shape: String },
    /// `grad` with respect to integers or booleans.
    IntegerArgument { argument: String, dtype: String },
    /// A side effect that cannot be replayed (mutating an outer list, ...).
    SideEffect { what: String },
    /// A random draw whose density `likelihood` does not know, or that is used in a way it cannot invert.
    NoDensity { what: String, why: String },
    /// The lifting budget ran out.
    TooLong { what: String },
    /// The graph's assumptions on sizes do not hold for these arguments: lift again.
    Assumption { what: String },
    /// A text graph that does not parse.
    Syntax { message: String },
    /// A bug in lazy.
    Internal { message: String },
}

impl Error {
    pub fn new(kind: ErrorKind) -> Box<Error> {
        Box::new(Error { kind, place: None })
    }

    pub fn raises(exception: Exception, message: impl Into<String>) -> Box<Error> {
        Error::new(ErrorKind::Raises {
            exception,
            message: message.into(),
        })
    }

    pub fn value(message: impl Into<String>) -> Box<Error> {
        Error::raises(Exception::Value, message)
    }

    pub fn type_error(message: impl Into<String>) -> Box<Error> {
        Error::raises(Exception::Type, message)
    }

    pub fn unlifted(what: impl Into<String>, why: impl Into<String>) -> Box<Error> {
        Error::new(ErrorKind::Unlifted {
            what: what.into(),
            why: why.into(),
        })
    }

    pub fn internal(message: impl Into<String>) -> Box<Error> {
        Error::new(ErrorKind::Internal {
            message: message.into(),
        })
    }

    /// Adds the place, unless a more precise one is known.
    pub fn at(mut self: Box<Error>, place: Place) -> Box<Error> {
        self.place.get_or_insert(place);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl std::error::Error for Error {}
