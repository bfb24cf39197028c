//! Objects of Python classes that are made, read and changed while lifting.
//!
//! In: `Point(x, y)`, `p.x`, `p.x = v`. Out: an [`Instance`] of the machine, whose methods, properties and
//! descriptors are run as Python runs them. One that leaves the function is built after the run.

use std::rc::Rc;

use super::calls::Keywords;
use super::guard::{Check, Fetch, Slot};
use super::host::{Assignment, Attribute, Base, Class, Host};
use super::machine::{Machine, side_effect};
use super::value::{DictValue, Instance, Value};
use crate::ast::py;
use crate::error::{Error, ErrorKind, Exception, Result};

/// Attributes of exceptions that belong to the traceback.
const TRACEBACK: &[&str] = &[
    "__traceback__",
    "__cause__",
    "__context__",
    "__suppress_context__",
];

impl<H: Host> Machine<'_, H> {
    /// A call of a class written in Python.
    pub fn instantiate(
        &mut self,
        class: &H::Object,
        args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let class_value = Value::Object(class.clone(), None);
        let base = self.host.base(class);
        if base == Base::Other {
            return Err(self.unknown_call(&class_value));
        }
        let mut with_class = vec![class_value.clone()];
        with_class.extend(args.iter().cloned());
        let new = self.host.look_up(class, None, "__new__");
        let has_new = matches!(new, Attribute::Value(_));
        let made = match new {
            Attribute::Value(new) => {
                self.pin_class_attribute(class, "__new__");
                self.call(&Value::Object(new, None), with_class, keywords.clone())?
            }
            Attribute::Unbound(_) => self.allocate(class, &args)?,
            _ => return Err(self.unknown_call(&class_value)),
        };
        let Value::Instance(instance) = &made else {
            return Ok(made);
        };
        if !self.host.is_subclass(&instance.class, class) {
            return Ok(made);
        }
        match self.host.look_up(&instance.class, None, "__init__") {
            Attribute::Method(init) => {
                self.pin_class_attribute(&instance.class.clone(), "__init__");
                let mut all = vec![made.clone()];
                all.extend(args);
                let result = self.call(&Value::Object(init, None), all, keywords)?;
                let is_none =
                    matches!(&result, Value::Object(o, _) if self.host.class(o) == Class::None);
                if !is_none {
                    return Err(Error::type_error("__init__() should return None"));
                }
            }
            Attribute::Unbound(_) => {
                let taken = has_new || base != Base::Object;
                let bare = args.is_empty() && keywords.is_empty();
                if !(taken || bare) {
                    let name = self.host.describe(class);
                    return Err(Error::type_error(format!("{name}() takes no arguments")));
                }
                self.fill(&instance.clone(), &args, &keywords)?;
            }
            _ => return Err(self.unknown_call(&class_value)),
        }
        Ok(made)
    }

    /// `object.__new__(class)`, `tuple.__new__(class, items)` and their like.
    pub fn allocate(
        &mut self,
        class: &H::Object,
        args: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        let content = match (self.host.base(class), args) {
            (Base::Object, _) => None,
            (Base::Tuple, []) => Some(Value::Tuple(Rc::new(vec![]), None)),
            (Base::Tuple, [items, ..]) => {
                let items = self.items_of(items)?;
                Some(Value::Tuple(Rc::new(items), None))
            }
            (Base::List, _) => Some(self.list(vec![])),
            (Base::Dict, _) => Some(self.dict(vec![])),
            (Base::Exception, args) => Some(self.list(args.to_vec())),
            (Base::Other, _) => {
                let value = Value::Object(class.clone(), None);
                return Err(self.unknown_call(&value));
            }
        };
        let attributes = self.no_entries();
        let class = class.clone();
        Ok(Value::Instance(Rc::new(Instance {
            class,
            attributes,
            content,
        })))
    }

    /// `__init__` of the builtin base.
    fn fill(
        &mut self,
        instance: &Rc<Instance<H::Object>>,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<()> {
        match &instance.content {
            Some(Value::List(list)) if self.host.base(&instance.class) == Base::Exception => {
                *list.items.borrow_mut() = args.to_vec();
            }
            Some(Value::List(list)) => {
                if let [items] = args {
                    let items = self.items_of(items)?;
                    *list.items.borrow_mut() = items;
                }
            }
            Some(Value::Dict(dict)) => {
                let made = self.make_dict(args, keywords)?;
                for (key, value) in self.entries_of(&made)? {
                    self.put(dict, key, value)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A method of a compiled type called by its class: `object.__setattr__(x, name, v)`.
    pub fn call_unbound(
        &mut self,
        class: &H::Object,
        name: &str,
        mut args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        if let ("fromkeys", [keys, value @ ..]) = (name, args.as_slice()) {
            let value = value.first().cloned().unwrap_or_else(|| self.none());
            let made = self.dict(vec![]);
            if let Value::Dict(dict) = &made {
                for key in self.items_of(keys)? {
                    let key = self.key(&key)?;
                    self.put(dict, key, value.clone())?;
                }
            }
            return Ok(made);
        }
        if args.is_empty() {
            let message = format!("unbound method {name}() needs an argument");
            return Err(Error::type_error(message));
        }
        let receiver = args.remove(0);
        match (name, args.as_slice(), &receiver) {
            ("__new__", _, Value::Object(made, _)) => self.allocate(&made.clone(), &args),
            ("__init__", _, Value::Instance(instance)) => {
                let instance = instance.clone();
                self.fill(&instance, &args, &keywords)?;
                Ok(self.none())
            }
            ("__init_subclass__" | "__init__", _, Value::Object(..)) => Ok(self.none()),
            ("__setattr__", [name, value], _) => {
                let name = self.string(name)?;
                self.assign_plainly(&receiver, &name, value.clone())?;
                Ok(self.none())
            }
            ("__delattr__", [name], _) => {
                let name = self.string(name)?;
                self.assign_plainly(&receiver, &name, Value::Unbound)?;
                Ok(self.none())
            }
            ("__getattribute__", [name], _) => {
                let name = self.string(name)?;
                self.attribute(&receiver, &name)
            }
            (_, _, Value::Instance(instance)) => {
                let content = instance.content.clone();
                self.base_method(&receiver, content, name, args, keywords)
            }
            (_, _, Value::Object(o, _)) if self.host.class(o) == Class::Instance => {
                let callee = format!("{}.{name}", self.host.describe(class));
                Err(Error::new(ErrorKind::UnknownCall { callee }))
            }
            _ => self.call_method(&receiver, name, args, keywords),
        }
    }

    /// A method that an instance has from the builtin type it derives from.
    fn base_method(
        &mut self,
        receiver: &Value<H::Object>,
        content: Option<Value<H::Object>>,
        name: &str,
        args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        match (name, args.as_slice(), content) {
            ("__eq__" | "__ne__", [other], None) => {
                let same = self.identical(receiver, other)?;
                Ok(self.constant(&py::Constant::Bool(same == (name == "__eq__"))))
            }
            ("__getitem__", [key], Some(content)) => self.get_item(&content, key),
            ("__setitem__", [key, value], Some(content)) => {
                self.set_item(&content, key, value)?;
                Ok(self.none())
            }
            ("__delitem__", [key], Some(content)) => {
                self.delete_item(&content, key)?;
                Ok(self.none())
            }
            ("__contains__", [item], Some(content)) => {
                let found = self.contains(&content, item)?;
                Ok(self.constant(&py::Constant::Bool(found)))
            }
            ("__len__", [], Some(content)) => self.length(&content),
            ("__iter__", [], Some(content)) => Ok(Value::Iterator(self.iterate(&content)?)),
            ("with_traceback", [_], Some(Value::List(_))) => Ok(receiver.clone()),
            (name, _, Some(content)) if !name.starts_with("__") => {
                self.call_method(&content, name, args, keywords)
            }
            _ => {
                let class = self.describe(receiver);
                Err(self.unknown_method(&class, name))
            }
        }
    }

    /// `instance.name`.
    pub fn instance_attribute(
        &mut self,
        value: &Value<H::Object>,
        instance: &Rc<Instance<H::Object>>,
        name: &str,
    ) -> Result<Value<H::Object>> {
        let class = instance.class.clone();
        match (name, &instance.content) {
            ("__class__", _) => return Ok(Value::Object(class, None)),
            ("__dict__", _) => return Ok(Value::Dict(instance.attributes.clone())),
            ("args", Some(args)) if self.host.base(&class) == Base::Exception => {
                let args = self.items_of(&args.clone())?;
                return Ok(Value::Tuple(Rc::new(args), None));
            }
            _ => {}
        }
        let found = self.host.look_up(&class, None, name);
        let before = matches!(
            found,
            Attribute::Property(_) | Attribute::Descriptor(_, true)
        );
        if !before && let Some(own) = self.own_attribute(&instance.attributes, name) {
            return Ok(own);
        }
        self.found_on_class(value, &class, found, name)
    }

    /// What the class of an instance gives for an attribute that the instance itself has not.
    pub fn found_on_class(
        &mut self,
        value: &Value<H::Object>,
        class: &H::Object,
        found: Attribute<H::Object>,
        name: &str,
    ) -> Result<Value<H::Object>> {
        match found {
            Attribute::Value(found) => {
                let parent = self.held(class);
                let spelling = format!("{}.{name}", self.spellings[parent]);
                let fetch = Fetch::Attribute(parent, name.to_string());
                let at = self.child(parent, name.to_string(), fetch, spelling);
                self.wrap(found, Some(at))
            }
            Attribute::Method(function) => {
                self.pin_class_attribute(class, name);
                let function = Rc::new(Value::Object(function, None));
                Ok(Value::Bound(function, Rc::new(value.clone())))
            }
            Attribute::ClassMethod(function, class) => Ok(Value::Bound(
                Rc::new(Value::Object(function, None)),
                Rc::new(Value::Object(class, None)),
            )),
            Attribute::Property(getter) => {
                self.pin_class_attribute(class, name);
                self.call(&Value::Object(getter, None), vec![value.clone()], vec![])
            }
            Attribute::Cached(getter) => {
                let getter = Value::Object(getter, None);
                let result = self.call(&getter, vec![value.clone()], vec![])?;
                self.keep_cached(value, name, result.clone())?;
                Ok(result)
            }
            Attribute::Descriptor(descriptor, _) => {
                let held = self.held(&descriptor);
                let descriptor = Value::Object(descriptor, Some(held));
                let class = Value::Object(class.clone(), None);
                self.call_special(&descriptor, "__get__", vec![value.clone(), class])
            }
            Attribute::Unbound(method) => Ok(Value::Bound(
                Rc::new(Value::Object(method, None)),
                Rc::new(value.clone()),
            )),
            Attribute::Fallback(getattr) => {
                let name = self.constant(&py::Constant::Str(name.to_string()));
                let getattr = Value::Object(getattr, None);
                self.call(&getattr, vec![value.clone(), name], vec![])
            }
            Attribute::Compiled => Ok(Value::Method(Rc::new(value.clone()), name.into())),
            Attribute::Item(at) => {
                let at = self.int(at as i64);
                let content = self.content_of(value);
                self.get_item(&content, &at)
            }
            // Compiled classes, such as those derived from arrays, have attributes that are not seen here.
            Attribute::Member | Attribute::Missing if self.host.base(class) == Base::Other => {
                Err(Error::new(ErrorKind::UnknownCall {
                    callee: format!("the attribute {name} of {}", self.host.describe(class)),
                }))
            }
            Attribute::Member | Attribute::Missing => Err(Error::raises(
                Exception::Attribute,
                format!(
                    "'{}' object has no attribute '{name}'",
                    self.host.describe(class)
                ),
            )),
            Attribute::Custom => Err(Error::new(ErrorKind::UnknownCall {
                callee: format!("the attribute {name} of {}", self.host.describe(class)),
            })),
        }
    }

    /// What a cached property computed, for the rest of this function. The object itself keeps its own.
    fn keep_cached(
        &mut self,
        value: &Value<H::Object>,
        name: &str,
        result: Value<H::Object>,
    ) -> Result<()> {
        match value {
            Value::Instance(instance) => {
                let key = self.host.constant(&py::Constant::Str(name.to_string()));
                self.put(&instance.attributes.clone(), key, result)
            }
            Value::Object(object, _) => {
                self.remember(object, name, result);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub fn own_attribute(
        &self,
        attributes: &DictValue<H::Object>,
        name: &str,
    ) -> Option<Value<H::Object>> {
        let entries = attributes.entries.borrow();
        let is_name = |key: &H::Object| self.host.class(key) == Class::Str(name.to_string());
        let found = entries.iter().find(|(key, _)| is_name(key));
        found.map(|(_, value)| value.clone())
    }

    /// `value.name = new`.
    pub fn set_attribute(
        &mut self,
        value: &Value<H::Object>,
        name: &str,
        new: Value<H::Object>,
    ) -> Result<()> {
        let class = match value {
            Value::Instance(instance) => instance.class.clone(),
            Value::Object(o, _) if self.host.class(o) == Class::Instance => self.host.type_of(o),
            _ => return self.assign_plainly(value, name, new),
        };
        let base = self.host.builtin("BaseException");
        if TRACEBACK.contains(&name) && self.host.is_subclass(&class, &base) {
            return Ok(());
        }
        let text = || self.host.constant(&py::Constant::Str(name.to_string()));
        match self.host.assignment(&class, name) {
            Assignment::Plain => self.assign_plainly(value, name, new),
            Assignment::Property(setter) => {
                let setter = Value::Object(setter, None);
                self.call(&setter, vec![value.clone(), new], vec![])
                    .map(drop)
            }
            Assignment::Method(method) => {
                let name = Value::Object(text(), None);
                let method = Value::Object(method, None);
                self.call(&method, vec![value.clone(), name, new], vec![])
                    .map(drop)
            }
            Assignment::Descriptor(descriptor) => {
                let held = self.held(&descriptor);
                let descriptor = Value::Object(descriptor, Some(held));
                self.call_special(&descriptor, "__set__", vec![value.clone(), new])
                    .map(drop)
            }
            Assignment::ReadOnly => Err(Error::raises(
                Exception::Attribute,
                format!(
                    "'{}' object attribute '{name}' is read-only",
                    self.host.describe(&class)
                ),
            )),
            Assignment::Custom => Err(side_effect(&format!(
                "assignment to {}.{name}",
                self.host.describe(&class)
            ))),
        }
    }

    pub fn delete_attribute(&mut self, value: &Value<H::Object>, name: &str) -> Result<()> {
        // It must be there.
        self.attribute(value, name)?;
        self.assign_plainly(value, name, Value::Unbound)
    }

    /// As `object.__setattr__`, or `__delattr__` of what becomes unbound.
    pub fn assign_plainly(
        &mut self,
        value: &Value<H::Object>,
        name: &str,
        new: Value<H::Object>,
    ) -> Result<()> {
        match value {
            Value::Instance(instance) => {
                let is_exception = self.host.base(&instance.class) == Base::Exception;
                if is_exception && TRACEBACK.contains(&name) {
                    return Ok(());
                }
                let attributes = instance.attributes.clone();
                if matches!(new, Value::Unbound) {
                    let is_name =
                        |key: &H::Object| self.host.class(key) == Class::Str(name.to_string());
                    attributes.entries.borrow_mut().retain(|(k, _)| !is_name(k));
                    return Ok(());
                }
                let key = self.host.constant(&py::Constant::Str(name.to_string()));
                self.put(&attributes, key, new)
            }
            Value::Closure(closure) if !matches!(new, Value::Unbound) => {
                let key = self.host.constant(&py::Constant::Str(name.to_string()));
                self.put(&closure.attributes.clone(), key, new)
            }
            Value::Object(object, slot) => {
                let base = self.host.builtin("BaseException");
                if TRACEBACK.contains(&name) && self.host.is_instance(object, &base) {
                    return Ok(());
                }
                if let Some(slot) = slot {
                    self.looked_at(object, *slot);
                }
                self.change_attribute(object, *slot, name, new)
            }
            other => {
                let what = self.describe(other);
                Err(side_effect(&format!("assignment to {what}.{name}")))
            }
        }
    }

    /// The class of a value whose special methods Python code may define.
    pub fn class_of(&mut self, value: &Value<H::Object>) -> Result<H::Object> {
        match value {
            Value::Instance(instance) => Ok(instance.class.clone()),
            Value::Object(o, slot) => {
                let (object, slot) = (o.clone(), *slot);
                self.pin_type(&object, slot);
                Ok(self.host.type_of(&object))
            }
            other => match self.type_of(other)? {
                Value::Object(class, _) => Ok(class),
                _ => Err(Error::internal("a class that is no object")),
            },
        }
    }

    /// A special method that the class of a value defines in Python: `None` if it has none, or a compiled one.
    pub fn special(&mut self, value: &Value<H::Object>, name: &str) -> Option<Value<H::Object>> {
        let class = match value {
            Value::Instance(instance) => instance.class.clone(),
            Value::Object(o, slot) if self.host.class(o) == Class::Instance => {
                let (object, slot) = (o.clone(), *slot);
                self.pin_type(&object, slot);
                self.host.type_of(&object)
            }
            _ => return None,
        };
        match self.host.look_up(&class, None, name) {
            Attribute::Method(function) => {
                self.pin_class_attribute(&class, name);
                let function = Rc::new(Value::Object(function, None));
                Some(Value::Bound(function, Rc::new(value.clone())))
            }
            _ => None,
        }
    }

    /// Guards what a class has under a name: a method or a property.
    pub fn pin_class_attribute(&mut self, class: &H::Object, name: &str) {
        let key = self.host.constant(&py::Constant::Str(name.to_string()));
        let getattr = self.host.builtin("getattr");
        if let Ok(found) = self.host.call(&getattr, &[class.clone(), key], &[]) {
            let parent = self.held(class);
            let spelling = format!("{}.{name}", self.spellings[parent]);
            let fetch = Fetch::Attribute(parent, name.to_string());
            let at: Slot = self.child(parent, name.to_string(), fetch, spelling);
            if self.pinned.insert(at) {
                self.check(at, Check::Is(found));
            }
        }
    }
}
