//! Which functions have no effects and always give the same, so that lifting may call them.

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::{Cpython, Object};
use crate::function::Dispatcher;

impl Cpython<'_> {
    pub(super) fn has_no_effects(&self, callee: &Object) -> bool {
        let o = callee.bind(self.py);
        if let Ok(class) = o.cast::<PyType>() {
            const PURE: &[&str] = &[
                "int",
                "float",
                "str",
                "tuple",
                "list",
                "dict",
                "set",
                "frozenset",
                "bool",
                "complex",
                "slice",
                "range",
                "bytes",
                "object",
                "dtype",
                "errstate",
                "catch_warnings",
                "finfo",
                "iinfo",
                "type",
            ];
            let is_exception = class.is_subclass_of::<PyBaseException>().unwrap_or(false);
            let name = class.name().map(|n| n.to_string()).unwrap_or_default();
            let scalar = self.api.scalar_type(class).is_some();
            let transform = class.is_subclass_of::<Dispatcher>().unwrap_or(false);
            return is_exception || scalar || transform || PURE.contains(&name.as_str());
        }
        let module = o
            .getattr("__module__")
            .ok()
            .and_then(|m| m.extract::<String>().ok());
        let name = o
            .getattr("__name__")
            .ok()
            .and_then(|m| m.extract::<String>().ok());
        match (module.as_deref(), name.as_deref()) {
            (Some("math" | "operator" | "_operator" | "cmath"), _) => true,
            (Some("builtins"), Some(name)) => !matches!(
                name,
                "print"
                    | "input"
                    | "open"
                    | "exec"
                    | "eval"
                    | "compile"
                    | "__import__"
                    | "globals"
                    | "locals"
                    | "vars"
                    | "setattr"
                    | "delattr"
                    | "id"
                    | "hash"
                    | "breakpoint"
                    | "next"
                    | "iter"
            ),
            (Some(module), Some(name)) if module.starts_with("numpy") => {
                !module.contains("random")
                    && !matches!(
                        name,
                        "save"
                            | "load"
                            | "fromfile"
                            | "seterr"
                            | "geterr"
                            | "copyto"
                            | "put"
                            | "putmask"
                            | "place"
                            | "shuffle"
                            | "set_printoptions"
                            | "empty"
                            | "empty_like"
                    )
            }
            _ => self.is_a(o, &self.known.ufunc),
        }
    }
}
