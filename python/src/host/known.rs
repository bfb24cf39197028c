//! Types and modules of CPython and NumPy that are asked for again and again.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyModule, PyType};

pub(super) struct Known {
    pub function: Py<PyType>,
    pub method: Py<PyType>,
    pub builtin: Py<PyType>,
    pub method_descriptor: Py<PyType>,
    pub wrapper_descriptor: Py<PyType>,
    pub classmethod_descriptor: Py<PyType>,
    pub method_wrapper: Py<PyType>,
    pub member: Py<PyType>,
    pub getset: Py<PyType>,
    pub property: Py<PyType>,
    pub classmethod: Py<PyType>,
    pub staticmethod: Py<PyType>,
    pub cached_property: Py<PyType>,
    pub partial: Py<PyType>,
    pub lru_cache: Py<PyType>,
    pub dispatcher: Py<PyType>,
    pub ufunc: Py<PyType>,
    pub ndarray: Py<PyType>,
    pub flags: Py<PyType>,
    pub signature: Py<PyType>,
    pub parameter: Py<PyType>,
    pub object_getattribute: Py<PyAny>,
    pub object_eq: Py<PyAny>,
    pub union: Py<PyType>,
    pub enumeration: Py<PyType>,
    pub mappingproxy: Py<PyType>,
    pub sys_modules: Py<PyAny>,
    pub environ: Py<PyAny>,
    /// Python functions by the address of the compiled function they stand for.
    pub stand_ins: Py<PyDict>,
    /// Of methods of arrays and ufuncs, by name.
    pub method_stand_ins: Py<PyDict>,
    pub refresh_stand_ins: Py<PyAny>,
    pub operator: Py<PyModule>,
    pub builtins: Py<PyModule>,
}

static KNOWN: PyOnceLock<Known> = PyOnceLock::new();

pub(super) fn known(py: Python<'_>) -> PyResult<&'static Known> {
    KNOWN.get_or_try_init(py, || {
        let class = |module: &str, path: &str| -> PyResult<Py<PyType>> {
            Ok(py
                .import(module)?
                .getattr(path)?
                .cast_into::<PyType>()?
                .unbind())
        };
        let object = py.import("builtins")?.getattr("object")?;
        let sum = py.import("numpy")?.getattr("sum")?;
        Ok(Known {
            function: class("types", "FunctionType")?,
            method: class("types", "MethodType")?,
            builtin: class("types", "BuiltinFunctionType")?,
            method_descriptor: class("types", "MethodDescriptorType")?,
            wrapper_descriptor: class("types", "WrapperDescriptorType")?,
            classmethod_descriptor: class("types", "ClassMethodDescriptorType")?,
            method_wrapper: class("types", "MethodWrapperType")?,
            member: class("types", "MemberDescriptorType")?,
            getset: class("types", "GetSetDescriptorType")?,
            property: class("builtins", "property")?,
            classmethod: class("builtins", "classmethod")?,
            staticmethod: class("builtins", "staticmethod")?,
            cached_property: class("functools", "cached_property")?,
            partial: class("functools", "partial")?,
            lru_cache: class("functools", "_lru_cache_wrapper")?,
            dispatcher: sum.get_type().unbind(),
            ufunc: class("numpy", "ufunc")?,
            ndarray: class("numpy", "ndarray")?,
            signature: class("inspect", "Signature")?,
            parameter: class("inspect", "Parameter")?,
            flags: py
                .import("numpy")?
                .call_method1("empty", (0,))?
                .getattr("flags")?
                .get_type()
                .unbind(),
            object_eq: object.getattr("__eq__")?.unbind(),
            union: class("types", "UnionType")?,
            enumeration: class("enum", "EnumMeta")?,
            mappingproxy: class("types", "MappingProxyType")?,
            object_getattribute: object.getattr("__getattribute__")?.unbind(),
            sys_modules: py.import("sys")?.getattr("modules")?.unbind(),
            environ: py.import("os")?.getattr("environ")?.unbind(),
            stand_ins: py
                .import("lazy._standins")?
                .getattr("TABLE")?
                .cast_into::<PyDict>()?
                .unbind(),
            method_stand_ins: py
                .import("lazy._equivalents")?
                .getattr("METHODS")?
                .cast_into::<PyDict>()?
                .unbind(),
            refresh_stand_ins: py.import("lazy._standins")?.getattr("refresh")?.unbind(),
            operator: py.import("operator")?.unbind(),
            builtins: py.import("builtins")?.unbind(),
        })
    })
}

impl Known {
    /// The classes of random generators, once something has imported their module: that takes a while,
    /// and before it there are no generators.
    pub fn generators(&self, py: Python<'_>) -> Option<&'static [Py<PyType>; 2]> {
        static CLASSES: PyOnceLock<[Py<PyType>; 2]> = PyOnceLock::new();
        if let Some(classes) = CLASSES.get(py) {
            return Some(classes);
        }
        let random = self.sys_modules.bind(py).get_item("numpy.random").ok()?;
        let class = |name| Some(random.getattr(name).ok()?.cast_into().ok()?.unbind());
        let classes = [class("Generator")?, class("RandomState")?];
        Some(CLASSES.get_or_init(py, || classes))
    }
}
