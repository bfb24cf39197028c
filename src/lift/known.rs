//! Values as the Python objects they are, where all of them is known.
//!
//! In: a value. Out: an object, an integer, a key; what was looked at is guarded.

use super::host::{Class, Host};
use super::machine::Machine;
use super::numpy::Form;
use super::value::Value;
use crate::ast::py;
use crate::error::{Error, ErrorKind, Result};

/// Keys and values of a dict.
type Entries<O> = Vec<(O, Value<O>)>;

impl<H: Host> Machine<'_, H> {
    /// The Python object of a value all of which is known; guards it.
    pub fn known(&mut self, value: &Value<H::Object>, what: &str) -> Result<H::Object> {
        match value {
            Value::Object(o, _) => {
                self.pin(value);
                Ok(o.clone())
            }
            Value::Tuple(items, _) => {
                let items = items
                    .iter()
                    .map(|v| self.known(v, what))
                    .collect::<Result<_>>()?;
                Ok(self.host.tuple(items))
            }
            Value::Bound(function, receiver) => {
                let parts = [self.known(function, what)?, self.known(receiver, what)?];
                let class = self.class_named("types.MethodType")?;
                self.host
                    .call(&class, &parts, &[])
                    .map_err(|r| Error::type_error(r.text))
            }
            Value::Slice(parts) => {
                let mut known = parts.iter().map(|v| self.known(v, what));
                let mut next = || {
                    known
                        .next()
                        .unwrap_or_else(|| Err(Error::internal("slice")))
                };
                let parts = [next()?, next()?, next()?];
                Ok(self.host.slice(parts))
            }
            Value::List(list) => {
                let items = list.items.borrow().clone();
                let items = items
                    .iter()
                    .map(|v| self.known(v, what))
                    .collect::<Result<_>>()?;
                let tuple = self.host.tuple(items);
                let list = self.host.builtin("list");
                self.host
                    .call(&list, &[tuple], &[])
                    .map_err(|r| Error::type_error(r.text))
            }
            Value::Size(dim) => {
                let size = self.seen_size(dim)?;
                Ok(self.host.constant(&py::Constant::Int(size.into())))
            }
            Value::Array(_) | Value::Scalar(..) => {
                let node = self.node(value)?;
                match self.decided(node, what)? {
                    Value::Object(o, _) => Ok(o),
                    _ => Err(Error::internal("a decided number that is no object")),
                }
            }
            Value::Set(set) => Ok(set.object.clone()),
            Value::Dict(dict) => {
                let mut pairs = Vec::new();
                for (key, value) in dict.entries.borrow().clone() {
                    let value = self.known(&value, what)?;
                    pairs.push(self.host.tuple(vec![key, value]));
                }
                let pairs = self.host.tuple(pairs);
                let made = self.host.call(&self.host.builtin("dict"), &[pairs], &[]);
                made.map_err(|r| Error::type_error(r.text))
            }
            Value::DictView(..) => {
                let items = self.items_of(value)?;
                let items = self.list(items);
                self.known(&items, what)
            }
            Value::Text(_) => Err(Error::new(ErrorKind::NeedsValue {
                construct: what.into(),
            })),
            other => Err(self.needs(other, what)),
        }
    }

    /// A known integer.
    pub fn int_of(&mut self, value: &Value<H::Object>, what: &str) -> Result<i64> {
        let object = self.known(value, what)?;
        match self.host.class(&object) {
            Class::Int(i) => Ok(i),
            Class::Bool(b) => Ok(b.into()),
            Class::NumPyScalar(d) if d.is_integer() => {
                let index = self.host.operator("index", &[object]);
                match index.map(|o| self.host.class(&o)) {
                    Ok(Class::Int(i)) => Ok(i),
                    _ => Err(Error::type_error(format!("{what} must be an integer"))),
                }
            }
            _ => Err(Error::type_error(format!("{what} must be an integer"))),
        }
    }

    /// A key of a dict.
    ///
    /// # Errors
    /// `TypeError`, if it has no hash.
    pub fn key(&mut self, value: &Value<H::Object>) -> Result<H::Object> {
        let key = self.known(value, "a dict key")?;
        let hash = self.host.builtin("hash");
        let outcome = self.host.call(&hash, std::slice::from_ref(&key), &[]);
        self.outcome(outcome)?;
        Ok(key)
    }

    pub fn entries_of(&mut self, value: &Value<H::Object>) -> Result<Entries<H::Object>> {
        match value {
            Value::Dict(dict) => Ok(dict.entries.borrow().clone()),
            Value::Instance(instance) => match &instance.content {
                Some(content) => self.entries_of(&content.clone()),
                None => Err(self.needs(value, "a mapping")),
            },
            other => Err(self.needs(other, "a mapping")),
        }
    }

    /// A value in a few words, for messages.
    pub fn describe(&self, value: &Value<H::Object>) -> String {
        match value {
            Value::Object(o, _) => self.host.describe(o),
            Value::Array(_) => "ndarray".into(),
            Value::Flat(_) => "numpy.flatiter".into(),
            Value::Scalar(node, Form::Python) => match self.b.aval(*node).dtype.kind() {
                crate::graph::Kind::Bool => "bool".into(),
                crate::graph::Kind::Int => "int".into(),
                crate::graph::Kind::Float => "float".into(),
                crate::graph::Kind::Complex => "complex".into(),
            },
            Value::Scalar(node, _) => format!("numpy.{}", self.b.aval(*node).dtype),
            Value::Size(_) => "int".into(),
            Value::Tuple(..) => "tuple".into(),
            Value::List(_) => "list".into(),
            Value::Dict(_) => "dict".into(),
            Value::Slice(_) => "slice".into(),
            Value::Closure(c) => format!("function {}", c.function.code.name),
            Value::Method(receiver, name) => format!("{}.{name}", self.describe(receiver)),
            Value::Bound(function, _) => self.describe(function),
            Value::Partial(p) => format!("partial of {}", self.describe(&p.callee)),
            Value::Iterator(_) => "an iterator".into(),
            Value::Text(_) => "str".into(),
            Value::Super(..) => "super".into(),
            Value::Set(_) => "set".into(),
            Value::DictView(_, super::value::View::Keys) => "dict_keys".into(),
            Value::DictView(_, super::value::View::Values) => "dict_values".into(),
            Value::DictView(_, super::value::View::Items) => "dict_items".into(),
            Value::Instance(instance) => self.host.describe(&instance.class),
            Value::Cell(_) => "a variable".into(),
            Value::Unbound => "an unbound name".into(),
        }
    }
}
