//! Python as the abstract machine sees it.
//!
//! In: questions of [`lazy_core::lift::host::Host`]. Out: answers by CPython, without running the user's
//! code: attributes are looked up statically, and only functions known to have no effects are called.

mod attributes;
mod known;
mod purity;
mod registry;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use lazy_core::ast::{self, py as ast_py};
use lazy_core::error::{Error, Result};
use lazy_core::eval::value::Value;
use lazy_core::graph::DType;
use lazy_core::lift::host::{
    Assignment, Attribute, Base, Calling, Class, FunctionParts, Host, Outcome, Raised,
    TransformedCall,
};
use lazy_core::lift::numpy::Form;
use lazy_core::lift::{DrawSite, Lifted};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyComplex, PyDict, PyEllipsis, PyFloat, PyFrozenSet, PyInt, PyList, PyModule,
    PySet, PySlice, PyString, PyTuple, PyType,
};

use self::known::{Known, known};
use self::registry::REGISTRY;
use crate::code;
use crate::constants;
use crate::convert;
use crate::derive::Derivation;
use crate::draws::{self, Rehearsal};
use crate::exceptions;
use crate::function::Dispatcher;
use crate::ndarray::{self, Api};

/// A Python object that may be cloned and kept without the GIL.
#[derive(Clone, Debug)]
pub struct Object(Arc<Py<PyAny>>);

impl Object {
    pub fn new(object: &Bound<'_, PyAny>) -> Object {
        Object(Arc::new(object.clone().unbind()))
    }

    pub fn bind<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.0.bind(py)
    }

    pub fn as_ptr(&self) -> *mut pyo3::ffi::PyObject {
        self.0.as_ptr()
    }
}

/// Functions read so far, by code object and the front asked for; the object is kept, so that its
/// address stays its own.
type ReadCache = HashMap<(usize, Option<ast::Front>), (Object, Arc<ast::Function>)>;
/// The same for code nested in them.
type NestedCache = HashMap<(usize, ast::Front), (Arc<ast::Code>, Arc<ast::Function>)>;

thread_local! {
    static READ: RefCell<ReadCache> = RefCell::default();
    static NESTED: RefCell<NestedCache> = RefCell::default();
}

/// CPython, for the duration of one lift.
pub struct Cpython<'py> {
    py: Python<'py>,
    known: &'static Known,
    api: &'static Api,
    /// The front that must be used, if the choice is not free.
    front: Option<ast::Front>,
    /// Draws made while lifting.
    rehearsal: Rehearsal,
}

impl<'py> Cpython<'py> {
    /// # Errors
    /// If NumPy cannot be imported.
    pub fn new(py: Python<'py>, front: Option<ast::Front>) -> PyResult<Cpython<'py>> {
        REGISTRY.with_borrow_mut(|r| r.refresh(py))?;
        Ok(Cpython {
            py,
            known: known(py)?,
            api: ndarray::api(py)?,
            front,
            rehearsal: Rehearsal::default(),
        })
    }

    fn object(&self, object: Bound<'py, PyAny>) -> Object {
        Object(Arc::new(object.unbind()))
    }

    fn outcome(&self, result: PyResult<Bound<'py, PyAny>>) -> Outcome<Object> {
        result.map(|o| self.object(o)).map_err(|e| Raised {
            text: e.value(self.py).to_string(),
            exception: self.object(e.value(self.py).clone().into_any()),
        })
    }

    /// Whether an object is a member of an `enum.Enum`.
    fn is_enumerated(&self, object: &Bound<'py, PyAny>) -> bool {
        self.is_a(object.get_type().as_any(), &self.known.enumeration)
    }

    fn is_a(&self, object: &Bound<'py, PyAny>, class: &Py<PyType>) -> bool {
        object.get_type().is(class.bind(self.py))
    }
}

impl Cpython<'_> {
    /// A transform, from the tuple that `lazy.Function` is made with.
    fn derivation(&self, transform: &Object) -> Result<Derivation> {
        let read = || Derivation::read(transform.bind(self.py).cast::<PyTuple>()?);
        read().map_err(|error: PyErr| exceptions::caught(self.py, &error))
    }
}

impl Host for Cpython<'_> {
    type Object = Object;

    fn class(&self, object: &Object) -> Class {
        let o = object.bind(self.py);
        let k = self.known;
        if o.is_none() {
            return Class::None;
        }
        if self.is_enumerated(o) {
            return Class::Immutable;
        }
        if let Some(fields) = self.api.fields(o) {
            return match fields.dtype() {
                Some(dtype) => Class::Array(dtype, fields.shape().to_vec()),
                None => Class::Foreign,
            };
        }
        if let Ok(x) = o.cast_exact::<PyFloat>() {
            return Class::Float(x.value());
        }
        if let Ok(x) = o.cast_exact::<PyBool>() {
            return Class::Bool(x.is_true());
        }
        if let Ok(x) = o.cast_exact::<PyInt>() {
            return x.extract().map_or(Class::Immutable, Class::Int);
        }
        if let Ok(x) = o.cast_exact::<PyString>() {
            return x
                .to_str()
                .map_or(Class::Immutable, |s| Class::Str(s.to_string()));
        }
        if let Ok(x) = o.cast_exact::<PyComplex>() {
            return Class::Complex(x.real(), x.imag());
        }
        if o.is_exact_instance_of::<PyTuple>() {
            return Class::Tuple;
        }
        if o.is_exact_instance_of::<PyList>() {
            return Class::List;
        }
        let is_table = o.is(k.sys_modules.bind(self.py)) || o.is(k.environ.bind(self.py));
        let frozen = [&k.flags, &k.signature, &k.parameter];
        if is_table || frozen.iter().any(|class| self.is_a(o, class)) {
            return Class::Immutable;
        }
        if o.is_exact_instance_of::<PyDict>() || self.is_a(o, &k.mappingproxy) {
            return Class::Dict;
        }
        if self.is_a(o, &k.function) {
            return Class::Function;
        }
        if o.is(PyEllipsis::get(self.py)) {
            return Class::Ellipsis;
        }
        if let Ok(class) = o.cast::<PyType>() {
            return match self.api.scalar_type(class) {
                Some(dtype) => Class::DType(dtype),
                None => Class::Type,
            };
        }
        if self.api.is_scalar(o) {
            return self
                .api
                .scalar(o)
                .map_or(Class::Foreign, |(d, _)| Class::NumPyScalar(d));
        }
        if self.api.is_dtype(o) {
            return match self.api.dtype(o) {
                Some(dtype) => Class::DType(dtype),
                None => Class::Immutable,
            };
        }
        if o.is_instance_of::<PyModule>() {
            return Class::Module;
        }
        if self.is_a(o, &k.method) {
            return Class::Method;
        }
        if self.is_a(o, &k.partial) {
            return Class::Partial;
        }
        if self.is_a(o, &k.lru_cache) || self.is_a(o, &k.dispatcher) {
            return Class::Wrapper;
        }
        if o.is_instance_of::<Dispatcher>() {
            return Class::Transformed;
        }
        let compiled = [
            &k.builtin,
            &k.ufunc,
            &k.method_descriptor,
            &k.method_wrapper,
        ];
        let cython = || {
            o.get_type()
                .name()
                .is_ok_and(|n| purity::FUNCTIONS.iter().any(|known| n == *known) || n == "fortran")
        };
        if compiled.iter().any(|class| self.is_a(o, class)) || cython() {
            return Class::Builtin;
        }
        let generators = k.generators(self.py).into_iter().flatten();
        if generators.into_iter().any(|class| self.is_a(o, class)) {
            return Class::Random;
        }
        if o.is_exact_instance_of::<PySlice>() {
            return Class::Slice;
        }
        if o.get_type().is(self.builtin("range").bind(self.py)) {
            return Class::Range;
        }
        if o.is_instance_of::<PyFrozenSet>()
            || o.is_instance_of::<PyBytes>()
            || self.is_a(o, &k.union)
        {
            return Class::Immutable;
        }
        if o.is_instance_of::<PySet>() {
            return Class::Set;
        }
        if o.is_instance_of::<PyTuple>() && o.hasattr("_fields").unwrap_or(false) {
            return Class::NamedTuple;
        }
        if o.is_instance(k.ndarray.bind(self.py)).unwrap_or(true) {
            return Class::Foreign;
        }
        Class::Instance
    }

    fn is(&self, a: &Object, b: &Object) -> bool {
        a.as_ptr() == b.as_ptr()
    }

    fn type_of(&self, object: &Object) -> Object {
        self.object(object.bind(self.py).get_type().into_any())
    }

    fn describe(&self, object: &Object) -> String {
        let o = object.bind(self.py);
        let named = matches!(
            self.class(object),
            Class::Function
                | Class::Type
                | Class::Builtin
                | Class::Wrapper
                | Class::Method
                | Class::DType(_)
                | Class::Module
        );
        let name = ["__qualname__", "__name__"].iter().find_map(|attribute| {
            let name = named.then(|| o.getattr(*attribute).ok()).flatten()?;
            let name = name.extract::<String>().ok()?;
            let module = o
                .getattr("__module__")
                .ok()
                .and_then(|m| m.extract::<String>().ok());
            match module {
                Some(module) if self.class(object) == Class::Builtin => {
                    Some(format!("{module}.{name}"))
                }
                _ => Some(name),
            }
        });
        name.or_else(|| Some(o.get_type().name().ok()?.to_string()))
            .unwrap_or_else(|| "object".into())
    }

    fn constant(&self, value: &ast_py::Constant) -> Object {
        match constants::to_object(self.py, value) {
            Ok(object) => self.object(object),
            // A constant that cannot be built is met as None, and then refused for its type.
            Err(_) => self.object(self.py.None().into_bound(self.py)),
        }
    }

    fn builtin(&self, name: &str) -> Object {
        let builtins = self.known.builtins.bind(self.py);
        let object = builtins
            .getattr(name)
            .or_else(|_| builtins.getattr("Exception"));
        self.object(object.unwrap_or_else(|_| self.py.None().into_bound(self.py)))
    }

    fn items(&self, object: &Object) -> Option<Vec<Object>> {
        let o = object.bind(self.py);
        let known = match self.class(object) {
            Class::Tuple
            | Class::NamedTuple
            | Class::List
            | Class::Range
            | Class::Dict
            | Class::Str(_) => true,
            Class::Set => true,
            Class::Immutable => o.is_instance_of::<PyFrozenSet>() || o.is_instance_of::<PyBytes>(),
            _ => false,
        };
        if !known {
            return None;
        }
        o.try_iter()
            .ok()?
            .map(|item| item.ok().map(|o| self.object(o)))
            .collect()
    }

    fn entries(&self, object: &Object) -> Vec<(Object, Object)> {
        let o = object.bind(self.py);
        let copied = match o.cast::<PyDict>() {
            Ok(dict) => Ok(dict.clone()),
            // A read-only view of one.
            Err(_) => PyDict::from_sequence(&o.call_method0("items").unwrap_or_else(|_| o.clone())),
        };
        match copied {
            Ok(dict) => dict
                .iter()
                .map(|(k, v)| (self.object(k), self.object(v)))
                .collect(),
            Err(_) => Vec::new(),
        }
    }

    fn slice_parts(&self, object: &Object) -> [Object; 3] {
        let o = object.bind(self.py);
        ["start", "stop", "step"].map(|name| match o.getattr(name) {
            Ok(part) => self.object(part),
            Err(_) => self.object(self.py.None().into_bound(self.py)),
        })
    }

    fn tuple(&self, items: Vec<Object>) -> Object {
        let items = items.iter().map(|o| o.bind(self.py));
        match PyTuple::new(self.py, items.collect::<Vec<_>>()) {
            Ok(tuple) => self.object(tuple.into_any()),
            Err(_) => self.object(PyTuple::empty(self.py).into_any()),
        }
    }

    fn slice(&self, parts: [Object; 3]) -> Object {
        let [a, b, c] = &parts;
        let class = self.builtin("slice");
        let made = class
            .bind(self.py)
            .call1((a.bind(self.py), b.bind(self.py), c.bind(self.py)));
        made.map_or_else(|_| self.builtin("slice"), |o| self.object(o))
    }

    fn attribute(&self, object: &Object, name: &str) -> Attribute<Object> {
        self.attribute_of(object, name)
    }

    fn look_up(&self, class: &Object, after: Option<&Object>, name: &str) -> Attribute<Object> {
        self.on_class(class, after, name)
    }

    fn assignment(&self, class: &Object, name: &str) -> Assignment<Object> {
        self.assignment_on(class, name)
    }

    fn base(&self, class: &Object) -> Base {
        self.base_of(class)
    }

    fn unbound(&self, object: &Object) -> Option<(Object, String)> {
        self.unbound_of(object)
    }

    fn stand_in(&self, object: &Object) -> Option<Object> {
        self.stand_in_of(object)
    }

    fn method_stand_in(&self, method: &str) -> Option<Object> {
        let table = self.known.method_stand_ins.bind(self.py);
        Some(self.object(table.get_item(method).ok()??))
    }

    fn in_order(&self, object: &Object) -> bool {
        crate::guards::in_order(self.api, object.bind(self.py))
    }

    fn find_class(&self, name: &str) -> Option<Object> {
        if let Some((module, class)) = name.rsplit_once('.') {
            let class = self.py.import(module).and_then(|m| m.getattr(class));
            return class.ok().map(|class| self.object(class));
        }
        let modules = [
            "builtins",
            "numpy.exceptions",
            "numpy.linalg",
            "numpy._core._exceptions",
        ];
        let found = modules
            .iter()
            .find_map(|module| self.py.import(*module).ok()?.getattr(name).ok());
        found.map(|class| self.object(class))
    }

    fn address(&self, object: &Object) -> usize {
        object.as_ptr() as usize
    }

    fn global(&self, globals: &Object, name: &str) -> Option<(Object, bool)> {
        let dict = globals.bind(self.py).cast::<PyDict>().ok()?;
        if let Ok(Some(found)) = dict.get_item(name) {
            return Some((self.object(found), false));
        }
        let found = self.known.builtins.bind(self.py).getattr(name).ok()?;
        Some((self.object(found), true))
    }

    fn cell(&self, cell: &Object) -> Option<Object> {
        cell.bind(self.py)
            .getattr("cell_contents")
            .ok()
            .map(|o| self.object(o))
    }

    fn compares_by_identity(&self, object: &Object) -> bool {
        let class = object.bind(self.py).get_type();
        let plain = self.known.object_eq.bind(self.py);
        self.in_class(&class, "__eq__")
            .is_some_and(|eq| eq.is(plain))
    }

    fn operation(&self, object: &Object) -> Option<String> {
        let found = REGISTRY.with_borrow(|r| r.names.get(&(object.as_ptr() as usize)).cloned());
        found.or_else(|| {
            // `np.add.reduce`, a method bound to a ufunc.
            let o = object.bind(self.py);
            if !self.is_a(o, &self.known.builtin) {
                return None;
            }
            let receiver = o.getattr("__self__").ok()?;
            if !self.is_a(&receiver, &self.known.ufunc) {
                return None;
            }
            let name = o.getattr("__name__").ok()?.extract::<String>().ok()?;
            let ufunc =
                REGISTRY.with_borrow(|r| r.names.get(&(receiver.as_ptr() as usize)).cloned())?;
            Some(format!("{ufunc}.{name}"))
        })
    }

    fn function(&self, object: &Object) -> Option<FunctionParts<Object>> {
        let o = object.bind(self.py);
        if !self.is_a(o, &self.known.function) {
            return None;
        }
        let get = |name: &str| o.getattr(name).ok().filter(|v| !v.is_none());
        let items = |name: &str| -> Vec<Bound<'_, PyAny>> {
            get(name)
                .and_then(|v| v.cast_into::<PyTuple>().ok())
                .map(|t| t.iter().collect())
                .unwrap_or_default()
        };
        let keyword_defaults = get("__kwdefaults__")
            .and_then(|v| v.cast_into::<PyDict>().ok())
            .map(|d| {
                d.iter()
                    .filter_map(|(k, v)| Some((k.extract().ok()?, self.object(v))))
                    .collect()
            })
            .unwrap_or_default();
        Some(FunctionParts {
            code: self.object(get("__code__")?),
            globals: self.object(get("__globals__")?),
            defaults: items("__defaults__")
                .into_iter()
                .map(|v| self.object(v))
                .collect(),
            keyword_defaults,
            closure: items("__closure__")
                .into_iter()
                .map(|v| self.object(v))
                .collect(),
        })
    }

    fn method(&self, object: &Object) -> (Object, Object) {
        let o = object.bind(self.py);
        let part = |name: &str| {
            o.getattr(name)
                .map_or_else(|_| object.clone(), |v| self.object(v))
        };
        (part("__func__"), part("__self__"))
    }

    fn partial(&self, object: &Object) -> (Object, Vec<Object>, Vec<(String, Object)>) {
        let o = object.bind(self.py);
        let function = o
            .getattr("func")
            .map_or_else(|_| object.clone(), |f| self.object(f));
        let args = o
            .getattr("args")
            .ok()
            .and_then(|a| self.items(&self.object(a)));
        let keywords = o.getattr("keywords").map(|k| self.entries(&self.object(k)));
        let keywords = keywords
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(k, v)| Some((k.bind(self.py).extract().ok()?, v)))
            .collect();
        (function, args.unwrap_or_default(), keywords)
    }

    fn unwrap(&self, object: &Object) -> Option<Object> {
        let o = object.bind(self.py);
        if self.class(object) != Class::Wrapper {
            return None;
        }
        let inner = o
            .getattr("_implementation")
            .or_else(|_| o.getattr("__wrapped__"))
            .ok()?;
        self.is_a(&inner, &self.known.function)
            .then(|| self.object(inner))
    }

    fn fields(&self, object: &Object) -> Vec<(String, Object)> {
        let o = object.bind(self.py);
        let named = |o: &Bound<'_, PyAny>| -> PyResult<Vec<(String, Object)>> {
            let fields = o.get_type().getattr("__dataclass_fields__")?;
            let names = fields.try_iter()?.map(|name| name?.extract::<String>());
            let names = names.collect::<PyResult<Vec<_>>>()?;
            let mut found = Vec::new();
            for name in names {
                let value = o.getattr(name.as_str())?;
                found.push((name, Object::new(&value)));
            }
            Ok(found)
        };
        named(o).unwrap_or_default()
    }

    fn is_transform(&self, class: &Object) -> bool {
        let class = class.bind(self.py).cast::<PyType>();
        class.is_ok_and(|class| class.is_subclass_of::<Dispatcher>().unwrap_or(false))
    }

    fn transformed(&self, object: &Object) -> Option<(Object, Object)> {
        let dispatcher = object.bind(self.py).cast::<Dispatcher>().ok()?;
        let transform = dispatcher.getattr("_transform").ok()?;
        let function = dispatcher.borrow().target(self.py);
        Some((self.object(function), self.object(transform)))
    }

    fn calling(&self, transform: &Object, count: usize) -> Result<Calling> {
        self.derivation(transform)?.calling(count)
    }

    fn derive(&self, transform: &Object, call: Lifted<Object>) -> Result<Lifted<Object>> {
        self.derivation(transform)?.apply(self.py, call, None)
    }

    fn lift_transformed(
        &self,
        function: &Object,
        arguments: &[Object],
    ) -> Result<TransformedCall<Object>> {
        let dispatcher = function
            .bind(self.py)
            .cast::<Dispatcher>()
            .map_err(|_| Error::internal("a transformed function that is none"))?;
        crate::function::lifted_for(dispatcher, arguments)
    }

    fn read(&self, code: &Object) -> Result<Arc<ast::Function>> {
        let key = (code.as_ptr() as usize, self.front);
        let known = READ.with_borrow(|read| read.get(&key).map(|(_, function)| function.clone()));
        if let Some(function) = known {
            return Ok(function);
        }
        let function = code::read(code.bind(self.py), self.front)
            .map_err(|e| unexpected(self.py, &e))?
            .map(Arc::new)?;
        READ.with_borrow_mut(|read| read.insert(key, (code.clone(), function.clone())));
        Ok(function)
    }

    fn read_nested(&self, code: &Arc<ast::Code>, front: ast::Front) -> Result<Arc<ast::Function>> {
        let key = (Arc::as_ptr(code) as usize, front);
        let known = NESTED.with_borrow(|read| read.get(&key).map(|(_, function)| function.clone()));
        if let Some(function) = known {
            return Ok(function);
        }
        let function = code::read_nested(self.py, code, front)
            .map_err(|e| unexpected(self.py, &e))?
            .map(Arc::new)?;
        NESTED.with_borrow_mut(|read| read.insert(key, (code.clone(), function.clone())));
        Ok(function)
    }

    fn line(&self, file: &str, line: u32) -> Option<String> {
        let linecache = self.py.import("linecache").ok()?;
        let text: String = linecache
            .call_method1("getline", (file, line))
            .ok()?
            .extract()
            .ok()?;
        (!text.is_empty()).then(|| text.trim_end().to_string())
    }

    fn is_pure(&self, callee: &Object) -> bool {
        self.has_no_effects(callee)
    }

    fn is_elementwise(&self, callee: &Object) -> bool {
        let callee = callee.bind(self.py);
        // Of generalised functions it is a string.
        let signature = callee.getattr("signature");
        self.is_a(callee, &self.known.ufunc) && signature.is_ok_and(|signature| signature.is_none())
    }

    fn only_fills(&self, callee: &Object) -> bool {
        self.only_fills_arrays(callee)
    }

    fn call(
        &self,
        callee: &Object,
        args: &[Object],
        keywords: &[(String, Object)],
    ) -> Outcome<Object> {
        let run = || {
            let args = PyTuple::new(self.py, args.iter().map(|o| o.bind(self.py)))?;
            let named = PyDict::new(self.py);
            for (name, value) in keywords {
                named.set_item(name, value.bind(self.py))?;
            }
            callee.bind(self.py).call(args, Some(&named))
        };
        self.outcome(run())
    }

    fn operator(&self, name: &str, args: &[Object]) -> Outcome<Object> {
        let run = || {
            let args = PyTuple::new(self.py, args.iter().map(|o| o.bind(self.py)))?;
            self.known.operator.bind(self.py).getattr(name)?.call1(args)
        };
        self.outcome(run())
    }

    fn call_method(
        &self,
        object: &Object,
        name: &str,
        args: &[Object],
        keywords: &[(String, Object)],
    ) -> Outcome<Object> {
        match object.bind(self.py).getattr(name) {
            Ok(method) => self.call(&self.object(method), args, keywords),
            Err(error) => self.outcome(Err(error)),
        }
    }

    fn truth(&self, object: &Object) -> std::result::Result<bool, Raised<Object>> {
        object.bind(self.py).is_truthy().map_err(|e| Raised {
            text: e.value(self.py).to_string(),
            exception: self.object(e.value(self.py).clone().into_any()),
        })
    }

    fn is_instance(&self, object: &Object, class: &Object) -> bool {
        object
            .bind(self.py)
            .is_instance(class.bind(self.py))
            .unwrap_or(false)
    }

    fn is_subclass(&self, class: &Object, base: &Object) -> bool {
        let builtins = self.known.builtins.bind(self.py);
        builtins
            .call_method1("issubclass", (class.bind(self.py), base.bind(self.py)))
            .and_then(|answer| answer.is_truthy())
            .unwrap_or(false)
    }

    fn class_of_symbolic(&self, dtype: DType, form: Form) -> Object {
        match form {
            Form::Array => Object::new(self.known.ndarray.bind(self.py).as_any()),
            Form::Python => self.builtin(match dtype.kind() {
                lazy_core::graph::Kind::Bool => "bool",
                lazy_core::graph::Kind::Int => "int",
                lazy_core::graph::Kind::Float => "float",
                lazy_core::graph::Kind::Complex => "complex",
            }),
            Form::Scalar => match self.dtype(dtype).bind(self.py).getattr("type") {
                Ok(class) => self.object(class),
                Err(_) => self.builtin("object"),
            },
        }
    }

    fn dtype(&self, dtype: DType) -> Object {
        let made = self
            .py
            .import("numpy")
            .and_then(|np| np.call_method1("dtype", (dtype.name(),)));
        made.map_or_else(|_| self.builtin("object"), |o| self.object(o))
    }

    fn value(&self, object: &Object) -> Option<Value> {
        let o = object.bind(self.py);
        convert::value(self.api, o)
            .or_else(|| convert::number(self.api, o).map(|n| convert::owned(&n.view())))
    }

    fn rehearse(
        &self,
        site: &DrawSite<Object>,
        parameters: &[Value],
        shape: &[usize],
        dtype: DType,
    ) -> Result<Value> {
        let generator = site.object.bind(self.py);
        let copy = match site.generator {
            Some(_) => self.rehearsal.copy_of(generator),
            None => {
                let random = self.py.import("numpy.random");
                random.and_then(|random| self.rehearsal.copy_of(random.as_any()))
            }
        };
        copy.and_then(|copy| draws::draw(site, &copy, parameters, shape, dtype))
            .map_err(|error| exceptions::caught(self.py, &error))
    }

    fn scalar(&self, value: &Value, form: Form) -> Object {
        let made = convert::object(self.py, value, form);
        made.map_or_else(|_| self.builtin("object"), |o| self.object(o))
    }
}

/// The error of a Python exception that surfaced where none was expected.
pub fn unexpected(py: Python<'_>, error: &PyErr) -> Box<Error> {
    Error::internal(error.value(py).to_string())
}
