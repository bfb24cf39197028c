//! Items of containers: reading, writing, iterating.
//!
//! In: a container and a key or nothing. Out: its items; `x[i] = v` makes a new version of the buffer.

use std::rc::Rc;

use super::host::{Class, Host};
use super::machine::{Machine, side_effect};
use super::numpy;
use super::value::{Iterator, ListValue, Value};
use crate::ast::py;
use crate::error::{Error, ErrorKind, Exception, Result};

impl<H: Host> Machine<'_, H> {
    pub fn changeable<'l>(
        &self,
        list: &'l Rc<ListValue<H::Object>>,
    ) -> Result<&'l Rc<ListValue<H::Object>>> {
        match list.outside {
            Some(_) => Err(side_effect("changing a list that was made outside")),
            None => Ok(list),
        }
    }

    pub fn contains(
        &mut self,
        container: &Value<H::Object>,
        item: &Value<H::Object>,
    ) -> Result<bool> {
        match container {
            Value::Dict(dict) => {
                let key = self.key(item)?;
                let keys: Vec<_> = dict
                    .entries
                    .borrow()
                    .iter()
                    .map(|(k, _)| k.clone())
                    .collect();
                for known in keys {
                    if self.same_key(&known, &key)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Value::Object(o, _) if !self.is_immutable(o) => {
                let found = self.call_special(container, "__contains__", vec![item.clone()])?;
                self.truth(&found, "in")
            }
            Value::Object(o, _) => {
                self.pin(container);
                self.pin(item);
                let item = self.known(item, "in")?;
                let found = self.python_operator("contains", &[o.clone(), item])?;
                self.truth(&found, "in")
            }
            Value::Array(_) | Value::Scalar(..) | Value::Text(_) => {
                Err(Error::new(ErrorKind::NeedsValue {
                    construct: "in".into(),
                }))
            }
            other => {
                for candidate in self.items_of(other)? {
                    if self.identical(&candidate, item)? {
                        return Ok(true);
                    }
                    let same = self.compare(py::CmpOp::Eq, &candidate, item)?;
                    if self.truth(&same, "in")? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    pub fn same_key(&mut self, a: &H::Object, b: &H::Object) -> Result<bool> {
        if self.host.is(a, b) {
            return Ok(true);
        }
        let same = self.python_operator("eq", &[a.clone(), b.clone()])?;
        self.truth(&same, "==")
    }

    pub fn get_item(
        &mut self,
        container: &Value<H::Object>,
        key: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        match container {
            Value::Array(_) | Value::Scalar(..) => {
                self.symbolic_operator("getitem", &[container.clone(), key.clone()])
            }
            Value::Dict(dict) => {
                let key = self.key(key)?;
                let entries = dict.entries.borrow().clone();
                for (known, value) in entries {
                    if self.same_key(&known, &key)? {
                        return Ok(value);
                    }
                }
                Err(Error::raises(Exception::Key, self.host.describe(&key)))
            }
            Value::Tuple(..) | Value::List(_) => {
                let items = self.items_of(container)?;
                let is_tuple = matches!(container, Value::Tuple(..));
                match key {
                    Value::Slice(_) => {
                        let picked = self.pick(&items, key)?;
                        Ok(if is_tuple {
                            Value::Tuple(Rc::new(picked), None)
                        } else {
                            self.list(picked)
                        })
                    }
                    _ => {
                        let at =
                            self.index(key, items.len(), if is_tuple { "tuple" } else { "list" })?;
                        Ok(items[at].clone())
                    }
                }
            }
            Value::Object(o, _) => {
                self.pin(container);
                match self.host.class(o) {
                    Class::Array(..) => {
                        let array = self.fresh_constant(container)?;
                        self.get_item(&array, key)
                    }
                    _ if self.is_immutable(o) => {
                        let key = self.known(key, "an index")?;
                        self.python_operator("getitem", &[o.clone(), key])
                    }
                    _ => self.call_special(container, "__getitem__", vec![key.clone()]),
                }
            }
            other => Err(self.needs(other, "something to index")),
        }
    }

    /// A known array without a place outside: a constant of the graph.
    pub fn fresh_constant(&mut self, value: &Value<H::Object>) -> Result<Value<H::Object>> {
        let arg = self.argument_of(value)?;
        Ok(self.value_of(arg, &[], true))
    }

    /// A position in a sequence of known length.
    pub fn index(&mut self, key: &Value<H::Object>, length: usize, what: &str) -> Result<usize> {
        let at = self.int_of(key, "an index")?;
        let at = if at < 0 { at + length as i64 } else { at };
        usize::try_from(at)
            .ok()
            .filter(|at| *at < length)
            .ok_or_else(|| Error::raises(Exception::Index, format!("{what} index out of range")))
    }

    /// The items that a slice with known bounds selects.
    pub fn pick(
        &mut self,
        items: &[Value<H::Object>],
        slice: &Value<H::Object>,
    ) -> Result<Vec<Value<H::Object>>> {
        let known = self.known(slice, "a slice")?;
        let positions: Vec<H::Object> = (0..items.len())
            .map(|i| self.host.constant(&py::Constant::Int(i.into())))
            .collect();
        let all = self.host.tuple(positions);
        let picked = match self.host.operator("getitem", &[all, known]) {
            Ok(picked) => self.host.items(&picked).unwrap_or_default(),
            Err(raised) => return Err(Error::type_error(raised.text)),
        };
        let mut out = Vec::new();
        for position in picked {
            if let Class::Int(i) = self.host.class(&position) {
                out.push(items[i as usize].clone());
            }
        }
        Ok(out)
    }

    pub fn set_item(
        &mut self,
        container: &Value<H::Object>,
        key: &Value<H::Object>,
        value: &Value<H::Object>,
    ) -> Result<()> {
        match container {
            Value::Array(array) => {
                let old = self.array_node(array)?;
                let key = self.argument_of(key)?;
                let value = self.argument_of(value)?;
                let new = numpy::setitem(&mut self.b, old, &key, &value)?;
                self.write(array, new)
            }
            Value::List(list) => {
                let length = list.items.borrow().len();
                if matches!(key, Value::Slice(_)) {
                    return Err(Error::unlifted(
                        "assignment to a slice of a list",
                        "write a loop",
                    ));
                }
                let at = self.index(key, length, "list assignment")?;
                self.changeable(list)?.items.borrow_mut()[at] = value.clone();
                Ok(())
            }
            Value::Dict(dict) => {
                if dict.outside.is_some() {
                    return Err(side_effect("changing a dict that was made outside"));
                }
                let key = self.key(key)?;
                self.put(dict, key, value.clone())
            }
            Value::Scalar(..) | Value::Tuple(..) => Err(Error::type_error(format!(
                "'{}' object does not support item assignment",
                self.describe(container)
            ))),
            other => Err(side_effect(&format!(
                "assignment to an item of {}",
                self.describe(other)
            ))),
        }
    }

    pub fn put(
        &mut self,
        dict: &super::value::DictValue<H::Object>,
        key: H::Object,
        value: Value<H::Object>,
    ) -> Result<()> {
        let keys: Vec<_> = dict
            .entries
            .borrow()
            .iter()
            .map(|(k, _)| k.clone())
            .collect();
        for (i, known) in keys.iter().enumerate() {
            if self.same_key(known, &key)? {
                dict.entries.borrow_mut()[i].1 = value;
                return Ok(());
            }
        }
        dict.entries.borrow_mut().push((key, value));
        Ok(())
    }

    pub fn delete_item(
        &mut self,
        container: &Value<H::Object>,
        key: &Value<H::Object>,
    ) -> Result<()> {
        match container {
            Value::List(list) => {
                let length = list.items.borrow().len();
                let at = self.index(key, length, "list assignment")?;
                self.changeable(list)?.items.borrow_mut().remove(at);
                Ok(())
            }
            other => Err(side_effect(&format!(
                "del of an item of {}",
                self.describe(other)
            ))),
        }
    }

    /// A value as a list of values, if its length is known now.
    pub fn items_of(&mut self, value: &Value<H::Object>) -> Result<Vec<Value<H::Object>>> {
        let iterator = self.iterate(value)?;
        let mut out = Vec::new();
        while let Some(item) = self.advance(&iterator)? {
            out.push(item);
        }
        Ok(out)
    }

    /// `iter(value)`.
    pub fn iterate(
        &mut self,
        value: &Value<H::Object>,
    ) -> Result<Rc<std::cell::RefCell<Iterator<H::Object>>>> {
        let items = match value {
            Value::Iterator(it) => return Ok(it.clone()),
            Value::Tuple(items, _) => items.to_vec(),
            Value::List(list) => {
                let it = Iterator::List(list.clone(), 0);
                return Ok(Rc::new(it.into()));
            }
            Value::Dict(dict) => {
                let keys: Vec<_> = dict
                    .entries
                    .borrow()
                    .iter()
                    .map(|(k, _)| k.clone())
                    .collect();
                keys.into_iter()
                    .map(|k| self.wrap(k, None))
                    .collect::<Result<_>>()?
            }
            Value::Array(_) => {
                let node = self.node(value)?;
                if self.b.aval(node).rank() == 0 {
                    return Err(Error::type_error("iteration over a 0-d array"));
                }
                return Ok(Rc::new(Iterator::Rows(Box::new(value.clone())).into()));
            }
            Value::Scalar(..) => {
                let what = self.describe(value);
                return Err(Error::type_error(format!(
                    "'{what}' object is not iterable"
                )));
            }
            Value::Object(o, _) => {
                self.pin(value);
                if let Class::Array(..) = self.host.class(o) {
                    let array = self.fresh_constant(value)?;
                    return self.iterate(&array);
                }
                let class = self.host.class(o);
                if matches!(
                    class,
                    Class::None
                        | Class::Bool(_)
                        | Class::Int(_)
                        | Class::Float(_)
                        | Class::Complex(..)
                        | Class::NumPyScalar(_)
                ) {
                    let what = self.host.describe(o);
                    return Err(Error::type_error(format!(
                        "'{what}' object is not iterable"
                    )));
                }
                let items = self.host.items(o).ok_or_else(|| {
                    Error::unlifted(
                        self.host.describe(o),
                        "it cannot be iterated over while lifting",
                    )
                })?;
                items
                    .into_iter()
                    .map(|o| self.wrap(o, None))
                    .collect::<Result<_>>()?
            }
            other => return Err(self.needs(other, "something to iterate over")),
        };
        Ok(Rc::new(
            Iterator::Items(items.into_iter().rev().collect()).into(),
        ))
    }

    /// The rows of an array: their number becomes fixed.
    pub fn rows(&mut self, array: &Value<H::Object>) -> Result<Vec<Value<H::Object>>> {
        let node = self.node(array)?;
        let first = self.b.aval(node).shape.first().cloned();
        let first = first.ok_or_else(|| Error::type_error("iteration over a 0-d array"))?;
        let count = self.b.concretize(&first).ok_or_else(|| {
            Error::new(ErrorKind::NeedsValue {
                construct: "iteration".into(),
            })
        })?;
        (0..count)
            .map(|i| self.get_item(array, &self.int(i)))
            .collect()
    }
}
