//! Attributes, looked up as Python does but without running the user's code.

use lazy_core::lift::host::Attribute;
use pyo3::prelude::*;
use pyo3::types::{PyModule, PyType};

use super::{Cpython, Object};

impl<'py> Cpython<'py> {
    pub(super) fn look_up(&self, object: &Object, name: &str) -> Attribute<Object> {
        let o = object.bind(self.py);
        let class = o.get_type();
        let is_super = class.name().is_ok_and(|n| n == "super");
        if is_super || o.is_instance_of::<PyModule>() {
            return match o.getattr(name) {
                // A method that a module holds (`np.random.normal`) is bound already.
                Ok(value) if is_super && self.is_a(&value, &self.known.method) => {
                    match value.getattr("__func__") {
                        Ok(function) => Attribute::Method(self.object(function)),
                        Err(_) => Attribute::Custom,
                    }
                }
                Ok(value) => Attribute::Value(self.object(value)),
                Err(_) => Attribute::Missing,
            };
        }
        if let Ok(itself) = o.cast::<PyType>()
            && let Some(found) = self.in_class(itself, name)
        {
            return self.class_attribute(found, o, itself, name);
        }
        let getattribute = self.in_class(&class, "__getattribute__");
        let plain = getattribute.is_some_and(|f| {
            f.is(self.known.object_getattribute.bind(self.py))
                || f.get_type().is(self.known.wrapper_descriptor.bind(self.py))
        });
        if !plain {
            return Attribute::Custom;
        }
        let on_class = self.in_class(&class, name);
        if let Some(found) = &on_class
            && found.get_type().is(self.known.property.bind(self.py))
        {
            return self.class_attribute(found.clone(), o, &class, name);
        }
        if !o.is_instance_of::<PyType>()
            && let Ok(dict) = o.getattr("__dict__")
            && let Ok(value) = dict.get_item(name)
        {
            return Attribute::Value(self.object(value));
        }
        if let Some(found) = on_class {
            return self.class_attribute(found, o, &class, name);
        }
        match self.in_class(&class, "__getattr__") {
            Some(_) => Attribute::Custom,
            None => Attribute::Missing,
        }
    }

    /// What `type.__mro__` holds under a name.
    pub(super) fn in_class(
        &self,
        class: &Bound<'py, PyType>,
        name: &str,
    ) -> Option<Bound<'py, PyAny>> {
        class.mro().iter().find_map(|base| {
            let dict = base.getattr("__dict__").ok()?;
            dict.get_item(name).ok()
        })
    }

    /// An attribute found on a class, as an instance (or the class itself) sees it.
    pub(super) fn class_attribute(
        &self,
        found: Bound<'py, PyAny>,
        object: &Bound<'py, PyAny>,
        owner: &Bound<'py, PyType>,
        name: &str,
    ) -> Attribute<Object> {
        let k = self.known;
        let is = |class: &Py<PyType>| found.get_type().is(class.bind(self.py));
        let part = |name: &str| found.getattr(name).map(|o| self.object(o));
        let on_instance = !object.is(owner);
        if is(&k.function) || is(&k.lru_cache) || is(&k.dispatcher) {
            let function = self.object(found.clone());
            return if on_instance {
                Attribute::Method(function)
            } else {
                Attribute::Value(function)
            };
        }
        if is(&k.property) && on_instance {
            return part("fget").map_or(Attribute::Custom, Attribute::Property);
        }
        if is(&k.cached_property) && on_instance {
            return part("func").map_or(Attribute::Custom, Attribute::Property);
        }
        if is(&k.classmethod) {
            let class = self.object(owner.clone().into_any());
            return part("__func__")
                .map_or(Attribute::Custom, |f| Attribute::ClassMethod(f, class));
        }
        if is(&k.staticmethod) {
            return part("__func__").map_or(Attribute::Custom, Attribute::Value);
        }
        let compiled = [
            &k.method_descriptor,
            &k.wrapper_descriptor,
            &k.classmethod_descriptor,
            &k.method_wrapper,
            &k.builtin,
        ];
        if compiled.iter().any(|c| is(c)) && on_instance {
            return Attribute::Compiled;
        }
        if is(&k.member) || is(&k.getset) || compiled.iter().any(|c| is(c)) {
            return match object.getattr(name) {
                Ok(value) => Attribute::Value(self.object(value)),
                Err(_) => Attribute::Missing,
            };
        }
        if on_instance && found.get_type().hasattr("__get__").unwrap_or(true) {
            // Methods compiled by other means (Cython) bind by name; anything else runs user code.
            let cython = found
                .get_type()
                .name()
                .is_ok_and(|n| n.to_string().starts_with("cython"));
            return if cython {
                Attribute::Compiled
            } else {
                Attribute::Custom
            };
        }
        Attribute::Value(self.object(found))
    }
}
