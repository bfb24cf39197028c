//! Attributes, looked up as Python does but without running the user's code.

use lazy_core::lift::host::{Assignment, Attribute, Base};
use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use pyo3::types::{PyDictMethods, PyModule, PyType};

use super::{Cpython, Object};

impl<'py> Cpython<'py> {
    pub(super) fn attribute_of(&self, object: &Object, name: &str) -> Attribute<Object> {
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
        if self.is_enumerated(o) {
            return match o.getattr(name) {
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
            && (found.get_type().is(self.known.property.bind(self.py)) || self.goes_first(found))
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
        self.fallback(&class)
    }

    /// What there is for a name that was not found.
    fn fallback(&self, class: &Bound<'py, PyType>) -> Attribute<Object> {
        match self.in_class(class, "__getattr__") {
            Some(found) if self.is_a(&found, &self.known.function) => {
                Attribute::Fallback(self.object(found))
            }
            Some(_) => Attribute::Custom,
            None => Attribute::Missing,
        }
    }

    /// Whether a descriptor written in Python decides before the instance's own attributes.
    fn goes_first(&self, found: &Bound<'py, PyAny>) -> bool {
        let class = found.get_type();
        self.in_class(&class, "__set__")
            .is_some_and(|set| self.is_a(&set, &self.known.function))
    }

    /// What an instance of `class` finds on its class, in the bases after `after` if that is given.
    pub(super) fn on_class(
        &self,
        class: &Object,
        after: Option<&Object>,
        name: &str,
    ) -> Attribute<Object> {
        let class = self.written_class(class);
        let Ok(class) = class.bind(self.py).cast::<PyType>() else {
            return Attribute::Custom;
        };
        let k = self.known;
        let order: Vec<_> = class.mro().iter().collect();
        let start = match after {
            None => 0,
            Some(after) => match order.iter().position(|c| c.is(after.bind(self.py))) {
                Some(at) => at + 1,
                None => return Attribute::Custom,
            },
        };
        let found = order[start..].iter().find_map(|base| {
            let dict = base.getattr("__dict__").ok()?;
            dict.get_item(name).ok()
        });
        let Some(found) = found else {
            return match after {
                None => self.fallback(class),
                Some(_) => Attribute::Missing,
            };
        };
        let is = |class: &Py<PyType>| found.get_type().is(class.bind(self.py));
        if is(&k.cached_property) {
            let function = found.getattr("func").map(|f| self.object(f));
            return function.map_or(Attribute::Custom, Attribute::Cached);
        }
        if is(&k.member) || is(&k.getset) {
            return Attribute::Member;
        }
        if let Some(at) = self.tuple_item(&found) {
            return Attribute::Item(at);
        }
        let compiled = [
            &k.method_descriptor,
            &k.wrapper_descriptor,
            &k.classmethod_descriptor,
            &k.method_wrapper,
            &k.builtin,
        ];
        if compiled.iter().any(|c| is(c)) {
            return Attribute::Unbound(self.object(found));
        }
        // Any object of another class stands for the instance.
        let instance = self.py.None().into_bound(self.py);
        self.class_attribute(found, &instance, class, name)
    }

    /// The class whose Python code is run: the one that stands for a compiled class, if there is one.
    fn written_class(&self, class: &Object) -> Object {
        let stand_in = self.stand_in_of(class);
        stand_in
            .filter(|c| c.bind(self.py).is_instance_of::<PyType>())
            .unwrap_or_else(|| class.clone())
    }

    /// What `lazy._standins` has for a compiled function or class.
    pub(super) fn stand_in_of(&self, object: &Object) -> Option<Object> {
        let address = object.as_ptr() as usize;
        let found = self
            .known
            .stand_ins
            .bind(self.py)
            .get_item(address)
            .ok()??;
        Some(self.object(found))
    }

    /// The position that a field of a namedtuple reads.
    fn tuple_item(&self, found: &Bound<'py, PyAny>) -> Option<usize> {
        if !found.get_type().name().is_ok_and(|n| n == "_tuplegetter") {
            return None;
        }
        let parts = found.call_method0("__reduce__").ok()?;
        parts.get_item(1).ok()?.get_item(0).ok()?.extract().ok()
    }

    /// What assigning to an attribute of an instance of `class` does.
    pub(super) fn assignment_on(&self, class: &Object, name: &str) -> Assignment<Object> {
        let class = self.written_class(class);
        let Ok(class) = class.bind(self.py).cast::<PyType>() else {
            return Assignment::Custom;
        };
        let k = self.known;
        let object = |found: Bound<'py, PyAny>| self.object(found);
        if let Some(set) = self.in_class(class, "__setattr__") {
            if self.is_a(&set, &k.function) {
                return Assignment::Method(object(set));
            }
            let owner = set
                .getattr("__objclass__")
                .and_then(|c| c.getattr("__name__"));
            let owner = owner
                .and_then(|n| n.extract::<String>())
                .unwrap_or_default();
            match owner.as_str() {
                "object" | "BaseException" => {}
                // `__setattr__ = dict.__setitem__`
                "dict" => return Assignment::Method(object(set)),
                _ => return Assignment::Custom,
            }
        }
        if let Some(found) = self.in_class(class, name) {
            if self.is_a(&found, &k.property) {
                return match found.getattr("fset") {
                    Ok(setter) if !setter.is_none() => Assignment::Property(object(setter)),
                    _ => Assignment::ReadOnly,
                };
            }
            if self.goes_first(&found) {
                return Assignment::Descriptor(object(found));
            }
            if self.is_a(&found, &k.member) {
                return Assignment::Plain;
            }
            if self.is_a(&found, &k.getset) || self.tuple_item(&found).is_some() {
                return Assignment::Custom;
            }
        }
        let has_dict = class
            .getattr("__dictoffset__")
            .and_then(|offset| offset.extract::<isize>())
            .is_ok_and(|offset| offset != 0);
        let heap = class.getattr("__flags__").and_then(|f| f.extract::<u64>());
        match (has_dict, heap.is_ok_and(|flags| flags & (1 << 9) != 0)) {
            (true, _) => Assignment::Plain,
            (false, true) => Assignment::ReadOnly,
            (false, false) => Assignment::Custom,
        }
    }

    /// What calling a class makes.
    pub(super) fn base_of(&self, class: &Object) -> Base {
        const HEAP: u64 = 1 << 9;
        const ABSTRACT: u64 = 1 << 20;
        let class = self.written_class(class);
        let Ok(class) = class.bind(self.py).cast::<PyType>() else {
            return Base::Other;
        };
        let flags = |class: &Bound<'py, PyAny>| -> u64 {
            let flags = class.getattr("__flags__").and_then(|f| f.extract());
            flags.unwrap_or(0)
        };
        let call = self.in_class(&class.get_type(), "__call__");
        let plain_call = call.is_some_and(|call| self.is_a(&call, &self.known.wrapper_descriptor));
        if !plain_call || flags(class) & HEAP == 0 || flags(class) & ABSTRACT != 0 {
            return Base::Other;
        }
        let mut base = Base::Object;
        for ancestor in class.mro().iter() {
            if flags(&ancestor) & HEAP != 0 {
                continue;
            }
            let name = ancestor
                .getattr("__name__")
                .and_then(|n| n.extract::<String>());
            let is_exception = ancestor
                .cast::<PyType>()
                .is_ok_and(|c| c.is_subclass_of::<PyBaseException>().unwrap_or(false));
            let found = match name.as_deref() {
                Ok("object" | "Generic") => continue,
                Ok("tuple") => Base::Tuple,
                Ok("list") => Base::List,
                Ok("dict") => Base::Dict,
                _ if is_exception => Base::Exception,
                _ => Base::Other,
            };
            if base != Base::Object && base != found {
                return Base::Other;
            }
            base = found;
        }
        base
    }

    /// The class and the name of a method of a compiled type.
    pub(super) fn unbound_of(&self, object: &Object) -> Option<(Object, String)> {
        let o = object.bind(self.py);
        let k = self.known;
        let name = |o: &Bound<'py, PyAny>| o.getattr("__name__").ok()?.extract::<String>().ok();
        if self.is_a(o, &k.method_descriptor) || self.is_a(o, &k.wrapper_descriptor) {
            let class = o.getattr("__objclass__").ok()?;
            return Some((self.object(class), name(o)?));
        }
        if self.is_a(o, &k.builtin) {
            let receiver = o.getattr("__self__").ok()?;
            let name = name(o)?;
            let made = matches!(name.as_str(), "__new__" | "fromkeys");
            if made && receiver.is_instance_of::<PyType>() {
                return Some((self.object(receiver), name));
            }
        }
        None
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
            return part("func").map_or(Attribute::Custom, Attribute::Cached);
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
            let written = self
                .in_class(&found.get_type(), "__get__")
                .is_some_and(|get| self.is_a(&get, &k.function));
            if written {
                let first = self.goes_first(&found);
                return Attribute::Descriptor(self.object(found), first);
            }
            if self.tuple_item(&found).is_some() {
                return match object.getattr(name) {
                    Ok(value) => Attribute::Value(self.object(value)),
                    Err(_) => Attribute::Custom,
                };
            }
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
