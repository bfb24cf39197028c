//! Every message a user can meet.
//!
//! A message has four parts: what happened, where (file, line, the user's code underlined), why,
//! and what to do. [`Error`] holds them; [`Error::render`] lays them out:
//!
//! ```text
//! graph break at model.py:12
//!    12 |     yield x.sum()
//!       |     ^^^^^^^^^^^^^ yield is not lifted
//! help: move the numerical part into a function of its own
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exception {
    Value,
    Type,
    Index,
    Key,
    Attribute,
    ZeroDivision,
    Overflow,
    Memory,
    Axis,
    LinAlg,
    /// Any other, by its class name.
    Named(Arc<str>),
    /// One that the program made, by its class name and its place in the lift's list of them.
    Made(Arc<str>, usize),
}

impl Exception {
    /// The name of the Python class.
    pub fn name(&self) -> &str {
        match self {
            Exception::Value => "ValueError",
            Exception::Type => "TypeError",
            Exception::Index => "IndexError",
            Exception::Key => "KeyError",
            Exception::Attribute => "AttributeError",
            Exception::ZeroDivision => "ZeroDivisionError",
            Exception::Overflow => "OverflowError",
            Exception::Memory => "MemoryError",
            Exception::Axis => "AxisError",
            Exception::LinAlg => "LinAlgError",
            Exception::Named(name) | Exception::Made(name, _) => name,
        }
    }
}

/// One variant per message. The text is in `render`, so that a snapshot can list them all.
#[derive(Clone, Debug, PartialEq)]
pub enum ErrorKind {
    /// What NumPy itself would raise here. Under every transform the user gets NumPy's exception.
    Raises {
        exception: Exception,
        message: String,
    },
    /// Python needs the value of an array, and lifting cannot compute it.
    NeedsValue { construct: String },
    /// Syntax or a statement that is not lifted (`yield`, `async`, ...).
    Unread { construct: String },
    /// A call that is neither an operation nor Python code that can be entered.
    UnknownCall { callee: String },
    /// An operation we know, used in a way we do not lift (a keyword, a dtype).
    Unlifted { what: String, why: String },
    /// A way of calling that a function's equivalent in NumPy code leaves to others: never reaches the user.
    Uncovered { what: String },
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
    /// Sampling stopped.
    Sampling { why: String },
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

impl ErrorKind {
    /// What happened: the first line, without the place.
    pub fn title(&self) -> String {
        match self {
            ErrorKind::Raises { exception, message } => format!("{}: {message}", exception.name()),
            ErrorKind::NeedsValue { .. }
            | ErrorKind::Unread { .. }
            | ErrorKind::UnknownCall { .. }
            | ErrorKind::Unlifted { .. }
            | ErrorKind::Uncovered { .. }
            | ErrorKind::SideEffect { .. }
            | ErrorKind::TooLong { .. } => "graph break".into(),
            ErrorKind::NotDifferentiable { operation, .. } => {
                format!("{operation} has no derivative")
            }
            ErrorKind::NonScalarLoss { .. } => "the gradient needs a scalar".into(),
            ErrorKind::IntegerArgument { argument, .. } => {
                format!("no derivative with respect to {argument}")
            }
            ErrorKind::NoDensity { what, .. } => format!("no density for {what}"),
            ErrorKind::Sampling { .. } => "sampling stopped".into(),
            ErrorKind::Assumption { .. } => "the sizes do not fit the graph".into(),
            ErrorKind::Syntax { .. } => "not the text of a graph".into(),
            ErrorKind::Internal { .. } => "a bug in lazy".into(),
        }
    }

    /// Why: beside the underlining.
    pub fn reason(&self) -> String {
        match self {
            ErrorKind::Raises { .. } => "raised here".into(),
            ErrorKind::NeedsValue { construct } => {
                format!("{construct} needs the value of an array that is not computed yet")
            }
            ErrorKind::Unread { construct } => format!("{construct} is not lifted"),
            ErrorKind::UnknownCall { callee } => {
                format!("{callee} is compiled code that lazy has no operation for")
            }
            ErrorKind::Unlifted { what, why } => format!("{what}: {why}"),
            ErrorKind::Uncovered { what } => format!("{what} is not lifted"),
            ErrorKind::NotDifferentiable { reason, .. } => reason.clone(),
            ErrorKind::NonScalarLoss { shape } => format!("the result is {shape}"),
            ErrorKind::IntegerArgument { argument, dtype } => format!("{argument} is {dtype}"),
            ErrorKind::SideEffect { what } => format!("{what} is an effect outside the function"),
            ErrorKind::NoDensity { why, .. } | ErrorKind::Sampling { why } => why.clone(),
            ErrorKind::TooLong { what } | ErrorKind::Assumption { what } => what.clone(),
            ErrorKind::Syntax { message } | ErrorKind::Internal { message } => message.clone(),
        }
    }

    /// What to do.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            ErrorKind::NeedsValue { .. } => {
                Some("keep the value an array, or pass it to the function as an argument")
            }
            ErrorKind::Unread { .. } => Some("move the numerical part into a function of its own"),
            ErrorKind::UnknownCall { .. } => {
                Some("call it outside, and pass its result to the function")
            }
            ErrorKind::NotDifferentiable { .. } => {
                Some("leave it out of the loss, or pass its result as an argument")
            }
            ErrorKind::NonScalarLoss { .. } => {
                Some("reduce it, for example with .sum(), or use lazy.jacobian")
            }
            ErrorKind::IntegerArgument { .. } => {
                Some("pass floats, or choose other arguments with argnums")
            }
            ErrorKind::SideEffect { .. } => Some("return the new value instead"),
            ErrorKind::NoDensity { .. } => {
                Some("give its value with given={...}, or write it with a known distribution")
            }
            ErrorKind::TooLong { .. } => Some("write the loop with whole arrays"),
            ErrorKind::Internal { .. } => Some("please report it with the function that caused it"),
            ErrorKind::Raises { .. }
            | ErrorKind::Unlifted { .. }
            | ErrorKind::Uncovered { .. }
            | ErrorKind::Sampling { .. }
            | ErrorKind::Assumption { .. }
            | ErrorKind::Syntax { .. } => None,
        }
    }
}

impl Error {
    /// The whole message: what, where, why, what to do.
    pub fn render(&self) -> String {
        let mut out = self.kind.title();
        match &self.place {
            None => out.push_str(&format!(": {}", self.kind.reason())),
            Some(place) => out.push_str(&place.render(&self.kind.reason())),
        }
        if let Some(help) = self.kind.help() {
            out.push_str(&format!("\nhelp: {help}"));
        }
        out
    }
}

impl Place {
    fn render(&self, reason: &str) -> String {
        let Span {
            line,
            column,
            end_line,
            end_column,
        } = self.span;
        let file = self.file.rsplit(['/', '\\']).next().unwrap_or(&self.file);
        let mut out = format!(" at {file}:{line}");
        match &self.text {
            None => out.push_str(&format!("\n   = {reason}")),
            Some(text) => {
                let length = text.chars().count();
                let from = (column as usize).min(length);
                let to = if end_line == line {
                    (end_column as usize).min(length)
                } else {
                    length
                };
                let carets = "^".repeat(to.saturating_sub(from).max(1));
                out.push_str(&format!(
                    "\n{line:>5} | {text}\n      | {}{carets} {reason}",
                    " ".repeat(from)
                ));
            }
        }
        out
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render())
    }
}

impl std::error::Error for Error {}
