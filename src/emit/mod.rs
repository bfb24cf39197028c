//! Stage 6: graph in, Python source out.

mod signature;

pub use signature::{Captured, Generator, Parameter, ParameterKind, Signature, Tree};

use crate::error::{Error, Result};
use crate::graph::Graph;

/// NumPy source of a function that computes what `graph` does.
///
/// # Errors
/// If an operation has no spelling in NumPy.
pub fn emit(_graph: &Graph, _signature: &Signature) -> Result<String> {
    Err(Error::internal("the emitter has not landed"))
}
