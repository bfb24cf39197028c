//! Functions by identity: the names under which the core knows them.
//!
//! In: an object. Out: `"numpy.sum"`, `"builtins.len"`. Modules are looked through once they are loaded.

use std::cell::RefCell;
use std::collections::HashMap;

use lazy_core::lift::numpy;
use pyo3::prelude::*;

use super::known::known;

/// Functions by identity: the name under which the core knows them.
#[derive(Default)]
pub(super) struct Registry {
    pub names: HashMap<usize, String>,
    /// The objects, so that their addresses stay theirs.
    kept: Vec<Py<PyAny>>,
    /// Modules that were looked through.
    modules: Vec<String>,
}

thread_local! {
    pub(super) static REGISTRY: RefCell<Registry> = RefCell::default();
}

/// Python's own functions that the machine executes.
const BUILTINS: &[&str] = &[
    "abs",
    "all",
    "any",
    "bool",
    "callable",
    "complex",
    "delattr",
    "dict",
    "dir",
    "divmod",
    "enumerate",
    "filter",
    "float",
    "format",
    "frozenset",
    "getattr",
    "hasattr",
    "hash",
    "id",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "list",
    "map",
    "max",
    "min",
    "next",
    "pow",
    "print",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "setattr",
    "slice",
    "sorted",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "vars",
    "zip",
];

/// Methods of `np.random` that sample a distribution under another name.
const SHORT_DRAWS: &[&str] = &[
    "standard_normal",
    "randn",
    "random",
    "random_sample",
    "ranf",
    "sample",
    "rand",
    "standard_exponential",
    "standard_gamma",
];

impl Registry {
    /// Looks up every name the core knows in the modules that are loaded by now.
    pub fn refresh(&mut self, py: Python<'_>) -> PyResult<()> {
        let loaded = known(py)?.sys_modules.bind(py);
        known(py)?.refresh_stand_ins.bind(py).call0()?;
        let extra = BUILTINS.iter().map(|n| format!("builtins.{n}"));
        let others = [
            "functools.partial",
            "lazy._custom.call_checkpointed",
            "lazy._custom.call_for_each",
            "lazy._custom.call_opaque",
            "lazy._custom.enter_opaque",
            "lazy._custom.with_jvp",
            "lazy._custom.with_vjp",
            "lazy._equivalents.uncovered",
            "lazy._equivalents.values_suffice",
            "lazy._scipy_equivalents.plain_routines",
            "lazy._scipy_spatial.pairs",
            "lazy._standins.plain_attribute",
            "lazy._standins.plain_dtype",
            "lazy._standins.plain_signature",
            "types.MethodType",
            "numpy.random.default_rng",
            "numpy.random.RandomState",
            "math.prod",
            "operator.index",
            "numpy.copyto",
            "numpy.may_share_memory",
            "numpy.shares_memory",
            "numpy.place",
            "numpy.putmask",
            "numpy.put",
            "warnings.warn",
            "warnings.simplefilter",
            "warnings.filterwarnings",
            "logging.Logger.debug",
            "logging.Logger.info",
            "logging.Logger.warning",
            "logging.Logger.error",
            "logging.Logger.critical",
            "logging.Logger.log",
        ];
        let extra = extra.chain(others.map(str::to_string));
        let draws = lazy_core::ops::Distribution::ALL
            .iter()
            .map(|d| d.def().name);
        let draws = draws
            .chain(SHORT_DRAWS.iter().copied())
            .map(|m| format!("numpy.random.{m}"));
        let known = numpy::names().chain(lazy_core::ops::outside::names());
        let all = known.map(str::to_string).chain(extra).chain(draws);
        let mut fresh: Vec<String> = Vec::new();
        for name in all {
            let module = module_of(&name);
            if self.modules.iter().any(|m| m == module) || !loaded.contains(module)? {
                continue;
            }
            if !fresh.iter().any(|m| m == module) {
                fresh.push(module.to_string());
            }
            let mut object = loaded.get_item(module)?;
            let mut missing = false;
            for part in name[module.len() + 1..].split('.') {
                match object.getattr(part) {
                    Ok(next) => object = next,
                    Err(_) => missing = true,
                }
            }
            // A function with several names keeps the first; methods are looked up by receiver.
            if !missing && !name.starts_with("numpy.ndarray.") {
                self.names.entry(object.as_ptr() as usize).or_insert(name);
                self.kept.push(object.unbind());
            }
        }
        self.modules.extend(fresh);
        Ok(())
    }
}

/// The longest leading part of a dotted name that is a module.
fn module_of(name: &str) -> &str {
    const MODULES: &[&str] = &[
        "numpy.linalg",
        "numpy.fft",
        "numpy.random",
        "numpy.lib",
        "scipy.special",
        "scipy.linalg",
        "scipy.fft",
        "numpy",
        "math",
        "builtins",
        "functools",
        "lazy._custom",
        "lazy._equivalents",
        "lazy._scipy_equivalents",
        "lazy._scipy_spatial",
        "lazy._standins",
        "logging",
        "operator",
        "types",
        "warnings",
    ];
    MODULES
        .iter()
        .find(|m| {
            name.strip_prefix(**m)
                .is_some_and(|rest| rest.starts_with('.'))
        })
        .copied()
        .unwrap_or("builtins")
}
