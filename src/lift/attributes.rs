//! Attributes of machine values.
//!
//! In: a value and a name. Out: what `value.name` is: a node for `x.shape`, a bound method, a known
//! object with the guard that keeps it so.

use std::rc::Rc;

use super::guard::{Check, Fetch, Slot};
use super::host::{Attribute, Class, Host};
use super::machine::Machine;
use super::numpy::Form;
use super::value::{ArrayRef, Closure, Sharing, Value};
use crate::ast::{self, py};
use crate::error::{Error, Exception, Result};

/// Attributes of arrays that are values rather than methods.
const ARRAY_DATA: &[&str] = &[
    "T", "mT", "shape", "ndim", "size", "dtype", "real", "imag", "itemsize", "nbytes",
];

impl<H: Host> Machine<'_, H> {
    pub fn attribute(&mut self, value: &Value<H::Object>, name: &str) -> Result<Value<H::Object>> {
        if name == "__class__" && !matches!(value, Value::Object(..) | Value::Instance(_)) {
            return self.type_of(value);
        }
        match value {
            Value::Array(_) | Value::Scalar(..) => self.array_attribute(value, name),
            Value::Size(_) => match name {
                "real" | "numerator" => Ok(value.clone()),
                "imag" => Ok(self.int(0)),
                "denominator" => Ok(self.int(1)),
                _ => self.method_of_builtin(value, "int", name),
            },
            Value::Object(object, slot) => self.object_attribute(value, object, *slot, name),
            Value::Super(class, receiver) => self.super_attribute(class, receiver, name),
            Value::Tuple(..) => self.method_of_builtin(value, "tuple", name),
            Value::List(_) => self.method_of_builtin(value, "list", name),
            Value::Dict(_) => self.method_of_builtin(value, "dict", name),
            Value::Set(_) => self.method_of_builtin(value, "set", name),
            Value::Instance(instance) => self.instance_attribute(value, &instance.clone(), name),
            Value::Flat(_) | Value::Iterator(_) => {
                Ok(Value::Method(Rc::new(value.clone()), name.into()))
            }
            Value::Text(_) => self.method_of_builtin(value, "str", name),
            Value::Slice(parts) => match name {
                "start" => Ok(parts[0].clone()),
                "stop" => Ok(parts[1].clone()),
                "step" => Ok(parts[2].clone()),
                _ => self.method_of_builtin(value, "slice", name),
            },
            Value::Method(array, method) if &**method == "flags" => match &**array {
                Value::Array(array) => self.flag(&array.clone(), name),
                other => Err(missing(&self.describe(other), name)),
            },
            Value::Closure(closure) => self.closure_attribute(&closure.clone(), name),
            Value::Bound(function, receiver) => match name {
                "__func__" => Ok((**function).clone()),
                "__self__" => Ok((**receiver).clone()),
                _ => self.attribute(function, name),
            },
            Value::Partial(partial) => match name {
                "func" => Ok(partial.callee.clone()),
                "args" => Ok(Value::Tuple(Rc::new(partial.args.clone()), None)),
                "keywords" => {
                    let entries = partial.keywords.iter().map(|(key, value)| {
                        let key = py::Constant::Str(key.clone());
                        (self.host.constant(&key), value.clone())
                    });
                    let entries = entries.collect();
                    Ok(self.dict(entries))
                }
                _ => Err(missing("functools.partial", name)),
            },
            other => Err(missing(&self.describe(other), name)),
        }
    }

    /// What an array that comes from outside says of its memory.
    pub fn layout(&mut self, array: &ArrayRef, name: &str) -> Result<Option<Value<H::Object>>> {
        let (Some(input), Some(slot), true) = (
            array.buffer.input,
            array.buffer.slot,
            array.views.is_empty(),
        ) else {
            return Ok(None);
        };
        let object = self.input_objects[input].clone();
        let name_object = self.host.constant(&py::Constant::Str(name.to_string()));
        let args = [object, name_object];
        match self.host.call(&self.host.builtin("getattr"), &args, &[]) {
            Ok(found) if name == "base" && self.host.class(&found) != Class::None => Ok(None),
            Ok(found) => {
                let spelling = format!("{}.{name}", self.spellings[slot]);
                let fetch = Fetch::Attribute(slot, name.to_string());
                let at = self.child(slot, name.to_string(), fetch, spelling);
                self.wrap(found, Some(at)).map(Some)
            }
            Err(_) => Ok(None),
        }
    }

    fn closure_attribute(
        &mut self,
        closure: &Rc<Closure<H::Object>>,
        name: &str,
    ) -> Result<Value<H::Object>> {
        if let Some(own) = self.own_attribute(&closure.attributes, name) {
            return Ok(own);
        }
        let code = &closure.function.code;
        let text = match name {
            "__name__" => &code.name,
            "__qualname__" => &code.qualname,
            "__dict__" => return Ok(Value::Dict(closure.attributes.clone())),
            "__module__" => {
                let key = py::Constant::Str("__name__".into());
                let args = [self.host.constant(&key)];
                let outcome = self.host.call_method(&closure.globals, "get", &args, &[]);
                return self.outcome(outcome);
            }
            "__doc__" => match code.consts.first() {
                Some(ast::Const::Value(doc @ py::Constant::Str(_))) => {
                    return Ok(self.constant(doc));
                }
                _ => return Ok(self.none()),
            },
            "__annotations__" => return Ok(self.dict(vec![])),
            "__defaults__" | "__kwdefaults__" | "__code__" | "__globals__" | "__closure__"
            | "__get__" | "__call__" => {
                return Err(Error::unlifted(
                    format!("{name} of a function made here"),
                    "it has no Python object",
                ));
            }
            _ => return Err(missing("function", name)),
        };
        Ok(self.constant(&py::Constant::Str(text.clone())))
    }

    pub fn array_attribute(
        &mut self,
        value: &Value<H::Object>,
        name: &str,
    ) -> Result<Value<H::Object>> {
        if ARRAY_DATA.contains(&name)
            && let Some(result) = self.operation(
                &format!("numpy.ndarray.{name}"),
                std::slice::from_ref(value),
                &[],
            )?
        {
            return Ok(result);
        }
        if let Value::Array(array) = value {
            match name {
                "flat" => return Ok(Value::Flat(array.clone())),
                "flags" | "strides" | "base" => {
                    if let Some(found) = self.layout(&array.clone(), name)? {
                        return Ok(found);
                    }
                    if name == "flags" {
                        return Ok(Value::Method(Rc::new(value.clone()), name.into()));
                    }
                    if name == "base" && array.buffer.input.is_none() && array.views.is_empty() {
                        return Ok(self.none());
                    }
                }
                _ => {}
            }
        }
        let node = self.node(value)?;
        let form = match value {
            Value::Scalar(_, form) => *form,
            _ => Form::Array,
        };
        let class = self.host.class_of_symbolic(self.b.aval(node).dtype, form);
        match self.host.attribute(&class, name) {
            Attribute::Missing => Err(missing(&self.host.describe(&class), name)),
            _ if ARRAY_DATA.contains(&name)
                || ["flags", "strides", "base", "data", "ctypes"].contains(&name) =>
            {
                Err(Error::unlifted(
                    format!("the attribute .{name} of an array"),
                    "it is not lifted",
                ))
            }
            _ => Ok(Value::Method(Rc::new(value.clone()), name.into())),
        }
    }

    pub fn method_of_builtin(
        &mut self,
        value: &Value<H::Object>,
        class: &str,
        name: &str,
    ) -> Result<Value<H::Object>> {
        match self.host.attribute(&self.host.builtin(class), name) {
            Attribute::Missing => Err(missing(class, name)),
            _ => Ok(Value::Method(Rc::new(value.clone()), name.into())),
        }
    }

    pub fn object_attribute(
        &mut self,
        value: &Value<H::Object>,
        object: &H::Object,
        slot: Option<Slot>,
        name: &str,
    ) -> Result<Value<H::Object>> {
        let class = self.host.class(object);
        match class {
            Class::Instance | Class::Random | Class::NamedTuple => self.pin_type(object, slot),
            Class::Array(..) => {
                let arg = self.argument_of(value)?;
                let array = self.value_of(arg, &[], Sharing::Nothing);
                return self.array_attribute(&array, name);
            }
            _ => self.pin(value),
        }
        if let Some(changed) = self.changed(object, name) {
            return match changed {
                Value::Unbound => Err(missing(&self.host.describe(object), name)),
                changed => Ok(changed),
            };
        }
        match self.host.attribute(object, name) {
            Attribute::Value(found) => {
                // A class is known by identity, but its attributes change.
                if slot.is_none() && self.is_immutable(object) && class != Class::Type {
                    return self.wrap(found, None);
                }
                let parent = match slot {
                    Some(slot) => slot,
                    None => self.held(object),
                };
                if class == Class::Instance {
                    self.looked_at(object, parent);
                }
                let spelling = format!("{}.{name}", self.spellings[parent]);
                let fetch = Fetch::Attribute(parent, name.to_string());
                let at = self.child(parent, name.to_string(), fetch, spelling);
                let value = self.wrap(found, Some(at))?;
                if let ("__dict__", Value::Dict(dict)) = (name, &value) {
                    self.merge_changes(object, dict);
                }
                Ok(value)
            }
            Attribute::Compiled => Ok(Value::Method(Rc::new(value.clone()), name.into())),
            Attribute::Missing => {
                if let Some(slot) = slot {
                    self.check(slot, Check::Lacks(name.to_string()));
                }
                Err(missing(&self.host.describe(object), name))
            }
            // The code of a type that is known as a whole is not entered.
            Attribute::Property(_) if class == Class::Immutable => {
                let name = self.host.constant(&py::Constant::Str(name.to_string()));
                let getattr = self.host.builtin("getattr");
                let outcome = self.host.call(&getattr, &[object.clone(), name], &[]);
                self.outcome(outcome)
            }
            found => {
                let class = self.host.type_of(object);
                self.found_on_class(value, &class, found, name)
            }
        }
    }

    pub fn super_attribute(
        &mut self,
        class: &Value<H::Object>,
        receiver: &Value<H::Object>,
        name: &str,
    ) -> Result<Value<H::Object>> {
        let class = self.known(class, "the class of super()")?;
        let is_class = |o: &H::Object| matches!(self.host.class(o), Class::Type | Class::DType(_));
        if !matches!(receiver, Value::Object(o, _) if is_class(o)) {
            let own = self.class_of(receiver)?;
            let found = self.host.look_up(&own, Some(&class), name);
            return match found {
                Attribute::Value(found) => self.wrap(found, None),
                Attribute::Method(function) => {
                    let function = Rc::new(Value::Object(function, None));
                    Ok(Value::Bound(function, Rc::new(receiver.clone())))
                }
                Attribute::Fallback(_) | Attribute::Missing => Err(missing("super", name)),
                found => self.found_on_class(receiver, &own, found, name),
            };
        }
        let Value::Object(object, _) = receiver else {
            return Err(self.needs(receiver, "self of super()"));
        };
        let start = self.python_super(&class, object)?;
        match self.host.attribute(&start, name) {
            Attribute::Method(function) => Ok(Value::Bound(
                Rc::new(Value::Object(function, None)),
                Rc::new(receiver.clone()),
            )),
            Attribute::Value(found) => self.wrap(found, None),
            Attribute::Property(getter) => {
                self.call(&Value::Object(getter, None), vec![receiver.clone()], vec![])
            }
            _ => Err(missing("super", name)),
        }
    }

    pub fn python_super(&mut self, class: &H::Object, object: &H::Object) -> Result<H::Object> {
        let super_type = self.host.builtin("super");
        match self
            .host
            .call(&super_type, &[class.clone(), object.clone()], &[])
        {
            Ok(o) => Ok(o),
            Err(raised) => Err(Error::type_error(raised.text)),
        }
    }
}

fn missing(class: &str, name: &str) -> Box<Error> {
    Error::raises(
        Exception::Attribute,
        format!("'{class}' object has no attribute '{name}'"),
    )
}
