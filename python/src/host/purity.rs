//! Which functions have no effects and always give the same, so that lifting may call them.

use lazy_core::lift::host::{Class, Host};
use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use pyo3::types::{PyFrozenSet, PyType};

use super::{Cpython, Object};
use crate::function::Dispatcher;

/// Compiled modules of functions that only read their arguments, and have no state.
const COMPILED: &[&str] = &[
    "scipy.cluster._vq",
    "scipy.fft._pocketfft.pypocketfft",
    "scipy.linalg._cythonized_array_utils",
    "scipy.special._comb",
    "scipy.special._specfun",
    "scipy.special._ufuncs",
    "scipy.special._ufuncs_cxx",
    "scipy.signal._sigtools",
    "scipy.signal._spline",
    "scipy.signal._upfirdn_apply",
    "scipy.stats._stats",
];

/// Where compiled functions have no state: all they may do is fill arrays that they are given, and they raise
/// if these are read-only. (Code that writes through bare pointers does not, so that nobody would know.)
const FILLING: &[&str] = &[
    "scipy.cluster._hierarchy",
    "scipy.interpolate._interpnd",
    "scipy.interpolate._ppoly",
    "scipy.interpolate._rgi_cython",
    "scipy.linalg._solve_toeplitz",
    "scipy.ndimage._nd_image",
    "scipy.optimize._lsap",
    "scipy.signal._peak_finding_utils",
    "scipy.signal._sosfilt",
    "scipy.sparse._sparsetools",
    "scipy.spatial._hausdorff",
    "scipy.stats._ansari_swilk_statistics",
    "scipy.stats._stats_pythran",
    "sklearn._isotonic",
    "sklearn.metrics._pairwise_fast",
    "sklearn.utils.arrayfuncs",
    "sklearn.utils.sparsefuncs_fast",
];

/// Where instances of compiled classes hold the numbers that they are made of, and no state.
const CLASSES: &[&str] = &["sklearn._loss._loss"];

/// The types of compiled functions: C's, and Cython's.
pub(super) const FUNCTIONS: &[&str] = &[
    "builtin_function_or_method",
    "cython_function_or_method",
    "fused_cython_function",
];

/// Modules of Fortran routines that copy what they change, unless `overwrite_...` says otherwise.
const FORTRAN: &[&str] = &["scipy.linalg._flapack", "scipy.linalg._fblas"];

impl Cpython<'_> {
    fn is_routine(&self, o: &Bound<'_, PyAny>) -> bool {
        let modules = self.known.sys_modules.bind(self.py);
        let name = o.getattr("__name__").and_then(|n| n.extract::<String>());
        // "function dgetrf"
        let name = name.unwrap_or_default();
        let name = name.rsplit(' ').next().unwrap_or_default();
        FORTRAN.iter().any(|module| {
            let module = modules.get_item(module);
            let found = module.and_then(|module| module.getattr(name));
            found.is_ok_and(|found| found.is(o))
        })
    }

    pub(super) fn only_fills_arrays(&self, callee: &Object) -> bool {
        let o = callee.bind(self.py);
        let text = |name: &str| o.getattr(name).ok()?.extract::<String>().ok();
        let is_function = o
            .get_type()
            .name()
            .is_ok_and(|name| FUNCTIONS.iter().any(|known| name == *known));
        is_function
            && text("__module__").is_some_and(|module| {
                !COMPILED.contains(&module.as_str()) && FILLING.contains(&module.as_str())
            })
    }

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
            // Custom exceptions may run code of their own.
            let is_exception = class.is_subclass_of::<PyBaseException>().unwrap_or(false)
                && ["__init__", "__new__"].iter().all(|name| {
                    let found = self.in_class(class, name);
                    !found.is_some_and(|f| self.is_a(&f, &self.known.function))
                });
            let name = class.name().map(|n| n.to_string()).unwrap_or_default();
            let module = class.module().map(|m| m.to_string()).unwrap_or_default();
            if self.is_a(o, &self.known.enumeration) || CLASSES.contains(&module.as_str()) {
                return true;
            }
            let scalar = self.api.scalar_type(class).is_some();
            let transform = class.is_subclass_of::<Dispatcher>().unwrap_or(false);
            return is_exception || scalar || transform || PURE.contains(&name.as_str());
        }
        // A method of a string, a number, a frozenset.
        if (self.is_a(o, &self.known.builtin) || self.is_a(o, &self.known.method_wrapper))
            && let Ok(receiver) = o.getattr("__self__")
            && !receiver.is_none()
        {
            let receiver = Object::new(&receiver);
            let plain = matches!(
                self.class(&receiver),
                Class::Str(_) | Class::Int(_) | Class::Float(_)
            );
            if plain || receiver.bind(self.py).is_exact_instance_of::<PyFrozenSet>() {
                return true;
            }
        }
        // Whoever caches a function says that it always gives the same.
        if self.is_routine(o) || self.is_a(o, &self.known.lru_cache) {
            return true;
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
            (Some("math" | "cmath"), _) => true,
            (Some("operator" | "_operator"), Some(name)) => !changes_operand(name),
            (Some("sys"), Some("intern")) => true,
            // Python functions that keep tables, which are better asked than entered.
            (
                Some("re"),
                Some(
                    "match" | "search" | "fullmatch" | "sub" | "split" | "findall" | "compile"
                    | "escape",
                ),
            ) => true,
            (Some("inspect"), Some("unwrap" | "getfullargspec")) => true,
            (Some("functools"), Some("dispatch")) => true,
            (Some("logging"), Some("getLogger")) => true,
            (Some("numpy"), Some("issubdtype" | "iterable")) => true,
            (Some("importlib" | "importlib.util"), Some("import_module" | "find_spec")) => true,
            (Some("platform" | "locale"), Some(_)) => true,
            (Some(module), Some(_)) if COMPILED.contains(&module) => true,
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
                            | "fill_diagonal"
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

/// Whether a function of the `operator` module writes to its first operand, as `iadd` does, or calls it.
fn changes_operand(name: &str) -> bool {
    let reads = [
        "index",
        "indexOf",
        "inv",
        "invert",
        "is_",
        "is_not",
        "is_none",
        "is_not_none",
        "itemgetter",
    ];
    matches!(name, "setitem" | "delitem" | "call")
        || name.starts_with('i') && !reads.contains(&name)
}
