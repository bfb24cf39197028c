//! The bytecode front. In preparation.

use std::sync::Arc;

use super::{Code, Function};
use crate::error::{Error, ErrorKind, Result};

/// Reads `code` from its bytecode.
///
/// # Errors
/// `Unread` for a Python version or an opcode that has no table entry.
pub fn read(code: &Arc<Code>) -> Result<Function> {
    Err(Error::new(ErrorKind::Unread {
        construct: format!("bytecode of Python {}.{}", code.version.0, code.version.1),
    }))
}
