//! Attributes of machine values.
//!
//! In: a value and a name. Out: what `value.name` is: a node for `x.shape`, a bound method, a known
//! object with the guard that keeps it so.

use std::rc::Rc;

use super::guard::{Check, Fetch, Slot};
use super::host::{Attribute, Class, Host};
use super::machine::Machine;
use super::numpy::Form;
use super::value::Value;
use crate::ast::py;
use crate::error::{Error, ErrorKind, Exception, Result};

/// Attributes of arrays that are values rather than methods.
const ARRAY_DATA: &[&str] = &[
    "T", "mT", "shape", "ndim", "size", "dtype", "real", "imag", "itemsize", "nbytes",
];

impl<H: Host> Machine<'_, H> {
    pub fn attribute(&mut self, value: &Value<H::Object>, name: &str) -> Result<Value<H::Object>> {
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
            Value::Text(_) => self.method_of_builtin(value, "str", name),
            Value::Slice(parts) => match name {
                "start" => Ok(parts[0].clone()),
                "stop" => Ok(parts[1].clone()),
                "step" => Ok(parts[2].clone()),
                _ => self.method_of_builtin(value, "slice", name),
            },
            Value::Closure(closure) => match name {
                "__name__" => {
                    let name = closure.function.code.name.clone();
                    Ok(self.constant(&py::Constant::Str(name)))
                }
                _ => Err(missing("function", name)),
            },
            other => Err(missing(&self.describe(other), name)),
        }
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
        let node = self.node(value)?;
        let form = match value {
            Value::Scalar(_, form) => *form,
            _ => Form::Array,
        };
        let class = self.host.class_of_symbolic(self.b.aval(node).dtype, form);
        match self.host.attribute(&class, name) {
            Attribute::Missing => Err(missing(&self.host.describe(&class), name)),
            _ if ARRAY_DATA.contains(&name) || name == "flat" || name == "flags" => {
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
                let array = self.value_of(arg, &[], true);
                return self.array_attribute(&array, name);
            }
            _ => self.pin(value),
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
                let spelling = format!("{}.{name}", self.spellings[parent]);
                let fetch = Fetch::Attribute(parent, name.to_string());
                let at = self.child(parent, name.to_string(), fetch, spelling);
                self.wrap(found, Some(at))
            }
            Attribute::Method(function) => {
                self.pin_class_attribute(object, name);
                let function = Value::Object(function, None);
                Ok(Value::Bound(Rc::new(function), Rc::new(value.clone())))
            }
            Attribute::ClassMethod(function, class) => Ok(Value::Bound(
                Rc::new(Value::Object(function, None)),
                Rc::new(Value::Object(class, None)),
            )),
            Attribute::Property(getter) => {
                self.pin_class_attribute(object, name);
                self.call(&Value::Object(getter, None), vec![value.clone()], vec![])
            }
            Attribute::Compiled => Ok(Value::Method(Rc::new(value.clone()), name.into())),
            Attribute::Missing => Err(missing(&self.host.describe(object), name)),
            Attribute::Custom => {
                let callee = format!("__getattr__ of {}", self.host.describe(object));
                Err(Error::new(ErrorKind::UnknownCall { callee }))
            }
        }
    }

    /// Guards what the class of `object` has under a name: a method or a property.
    pub fn pin_class_attribute(&mut self, object: &H::Object, name: &str) {
        let class = self.host.type_of(object);
        let key = self.host.constant(&py::Constant::Str(name.to_string()));
        let getattr = self.host.builtin("getattr");
        if let Ok(found) = self.host.call(&getattr, &[class.clone(), key], &[]) {
            let parent = self.held(&class);
            let spelling = format!("{}.{name}", self.spellings[parent]);
            let fetch = Fetch::Attribute(parent, name.to_string());
            let at = self.child(parent, name.to_string(), fetch, spelling);
            if self.pinned.insert(at) {
                self.check(at, Check::Is(found));
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
