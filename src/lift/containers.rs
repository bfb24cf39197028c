//! Methods of lists, dicts and sets, on machine values.
//!
//! In: a container, a name, arguments. Out: the value; `items.append(x)` changes the list of the machine.

use std::rc::Rc;

use super::calls::Keywords;
use super::host::{Class, Host, Outcome};
use super::machine::{Machine, side_effect};
use super::value::{DictValue, ListValue, SetValue, Value, View};
use crate::ast::py;
use crate::error::{Error, Exception, Result};

type Values<O> = Vec<Value<O>>;

impl<H: Host> Machine<'_, H> {
    pub fn list_method(
        &mut self,
        list: &Rc<ListValue<H::Object>>,
        name: &str,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let length = list.items.borrow().len() as i64;
        match (name, args) {
            ("copy" | "__copy__", []) => return Ok(self.list(list.items.borrow().clone())),
            ("append", [x]) => self.change_list(list, |items| items.push(x.clone())),
            ("extend", [x]) => {
                let more = self.items_of(x)?;
                self.change_list(list, |items| items.extend(more));
            }
            ("clear", []) => self.change_list(list, Vec::clear),
            ("reverse", []) => self.change_list(list, |items| items.reverse()),
            ("insert", [at, x]) => {
                let at = self.int_of(at, "insert()")?;
                let at = if at < 0 {
                    (at + length).max(0)
                } else {
                    at.min(length)
                };
                self.change_list(list, |items| items.insert(at as usize, x.clone()));
            }
            ("pop", [] | [_]) => {
                let at = match args.first() {
                    Some(at) => self.int_of(at, "pop()")?,
                    None => -1,
                };
                let at = if at < 0 { at + length } else { at };
                if length == 0 {
                    return Err(Error::raises(Exception::Index, "pop from empty list"));
                }
                if at < 0 || at >= length {
                    return Err(Error::raises(Exception::Index, "pop index out of range"));
                }
                let popped = list.items.borrow()[at as usize].clone();
                self.change_list(list, |items| {
                    items.remove(at as usize);
                });
                return Ok(popped);
            }
            ("remove", [x]) => {
                let Some(at) = self.find(&list.items.borrow().clone(), x)? else {
                    return Err(Error::value("list.remove(x): x not in list"));
                };
                self.change_list(list, |items| {
                    items.remove(at);
                });
            }
            ("index", [x]) => {
                let items = list.items.borrow().clone();
                return match self.find(&items, x)? {
                    Some(at) => Ok(self.int(at as i64)),
                    None => {
                        let list = Value::List(list.clone());
                        self.known_method(&list, name, args, keywords)
                    }
                };
            }
            ("count", [x]) => {
                let items = list.items.borrow().clone();
                return self.count(&items, x);
            }
            ("sort", []) => {
                let items = list.items.borrow().clone();
                let sorted = self.sort(items, keywords)?;
                self.change_list(list, |items| *items = sorted);
            }
            ("__len__" | "__iter__" | "__contains__" | "__getitem__" | "__setitem__", _) => {
                return self.special_of_container(&Value::List(list.clone()), name, args);
            }
            _ => return Err(self.unknown_method("list", name)),
        }
        Ok(self.none())
    }

    /// `len(x)` and the like, called by their special names.
    pub fn special_of_container(
        &mut self,
        container: &Value<H::Object>,
        name: &str,
        args: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        match (name, args) {
            ("__len__", []) => self.length(container),
            ("__iter__", []) => Ok(Value::Iterator(self.iterate(container)?)),
            ("__contains__", [item]) => {
                let found = self.contains(container, item)?;
                Ok(self.constant(&py::Constant::Bool(found)))
            }
            ("__getitem__", [key]) => self.get_item(container, key),
            ("__setitem__", [key, value]) => {
                self.set_item(container, key, value)?;
                Ok(self.none())
            }
            _ => {
                let class = self.describe(container);
                Err(self.unknown_method(&class, name))
            }
        }
    }

    /// The position of the first item that is or equals `wanted`.
    fn find(
        &mut self,
        items: &[Value<H::Object>],
        wanted: &Value<H::Object>,
    ) -> Result<Option<usize>> {
        for (at, item) in items.iter().enumerate() {
            if self.same_item(item, wanted)? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    pub fn count(
        &mut self,
        items: &[Value<H::Object>],
        wanted: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        let mut count = 0;
        for item in items {
            count += i64::from(self.same_item(item, wanted)?);
        }
        Ok(self.int(count))
    }

    /// As Python's containers compare: the same object, or equal.
    pub fn same_item(&mut self, a: &Value<H::Object>, b: &Value<H::Object>) -> Result<bool> {
        if self.identical(a, b)? {
            return Ok(true);
        }
        let same = self.compare(py::CmpOp::Eq, a, b)?;
        self.truth(&same, "==")
    }

    /// The items in order, by `key` and `reverse`.
    pub fn sort(
        &mut self,
        items: Values<H::Object>,
        keywords: &Keywords<H::Object>,
    ) -> Result<Values<H::Object>> {
        let mut keys = items.clone();
        let mut reverse = false;
        for (name, value) in keywords {
            match name.as_str() {
                "key" if self.is_none(value) => {}
                "key" => {
                    keys = items
                        .iter()
                        .map(|item| self.call(value, vec![item.clone()], vec![]))
                        .collect::<Result<_>>()?;
                }
                "reverse" => reverse = self.truth(value, "reverse")?,
                other => {
                    let message = format!("sort() got an unexpected keyword argument '{other}'");
                    return Err(Error::type_error(message));
                }
            }
        }
        // Stable insertion; equal items keep their order in reverse, too.
        let mut order: Vec<usize> = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            let (mut low, mut high) = (0, order.len());
            while low < high {
                let middle = (low + high) / 2;
                let other = &keys[order[middle]];
                let (a, b) = if reverse { (other, key) } else { (key, other) };
                let less = self.compare(py::CmpOp::Lt, a, b)?;
                if self.truth(&less, "sorting")? {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            order.insert(low, at);
        }
        Ok(order.into_iter().map(|at| items[at].clone()).collect())
    }

    pub fn dict_method(
        &mut self,
        dict: &Rc<DictValue<H::Object>>,
        name: &str,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        match (name, args) {
            ("items", []) => Ok(Value::DictView(dict.clone(), View::Items)),
            ("keys", []) => Ok(Value::DictView(dict.clone(), View::Keys)),
            ("values", []) => Ok(Value::DictView(dict.clone(), View::Values)),
            ("copy" | "__copy__", []) => Ok(self.dict(dict.entries.borrow().clone())),
            ("get" | "pop" | "setdefault", [key, default @ ..]) => {
                let key = self.key(key)?;
                if let Some(at) = self.position(dict, &key)? {
                    let value = dict.entries.borrow()[at].1.clone();
                    if name == "pop" {
                        dict.entries.borrow_mut().remove(at);
                        self.dict_changed(dict);
                    }
                    return Ok(value);
                }
                let default = match (name, default.first()) {
                    (_, Some(default)) => default.clone(),
                    ("pop", None) => return Err(self.key_error(key)),
                    (_, None) => self.none(),
                };
                if name == "setdefault" {
                    self.put(dict, key, default.clone())?;
                }
                Ok(default)
            }
            ("popitem", []) => {
                let last = dict.entries.borrow_mut().pop();
                let Some((key, value)) = last else {
                    let key = self
                        .host
                        .constant(&py::Constant::Str("popitem(): dictionary is empty".into()));
                    return Err(self.key_error(key));
                };
                self.dict_changed(dict);
                let key = self.wrap(key, None)?;
                Ok(self.pair(key, value))
            }
            ("clear", []) => {
                dict.entries.borrow_mut().clear();
                self.dict_changed(dict);
                Ok(self.none())
            }
            ("update", _) => {
                let other = self.make_dict(args, keywords)?;
                for (key, value) in self.entries_of(&other)? {
                    self.put(dict, key, value)?;
                }
                Ok(self.none())
            }
            _ => self.special_of_container(&Value::Dict(dict.clone()), name, args),
        }
    }

    /// What a view of a dict shows.
    pub fn viewed(&mut self, dict: &DictValue<H::Object>, view: View) -> Result<Values<H::Object>> {
        let entries = dict.entries.borrow().clone();
        entries
            .into_iter()
            .map(|(key, value)| {
                Ok(match view {
                    View::Values => value,
                    View::Keys => self.wrap(key, None)?,
                    View::Items => {
                        let key = self.wrap(key, None)?;
                        self.pair(key, value)
                    }
                })
            })
            .collect()
    }

    /// A set of these items.
    pub fn make_set(&mut self, items: &[Value<H::Object>]) -> Result<Value<H::Object>> {
        let items = Value::Tuple(Rc::new(items.to_vec()), None);
        let items = self.known(&items, "an element of a set")?;
        let made = self.host.call(&self.host.builtin("set"), &[items], &[]);
        self.made_set(made)
    }

    pub fn copied_set(&mut self, set: &SetValue<H::Object>) -> Result<Value<H::Object>> {
        let set = std::slice::from_ref(&set.object);
        let made = self.host.call(&self.host.builtin("set"), set, &[]);
        self.made_set(made)
    }

    /// What Python gave just now, which nobody else has: a set as it is, with the order of its elements.
    pub fn made_set(&mut self, outcome: Outcome<H::Object>) -> Result<Value<H::Object>> {
        match outcome {
            Ok(object) if self.host.class(&object) == Class::Set => {
                Ok(Value::Set(Rc::new(SetValue {
                    object,
                    outside: None,
                })))
            }
            other => self.outcome(other),
        }
    }

    pub fn set_method(
        &mut self,
        set: &Rc<SetValue<H::Object>>,
        name: &str,
        args: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        let reads = matches!(
            name,
            "copy"
                | "union"
                | "intersection"
                | "difference"
                | "symmetric_difference"
                | "issubset"
                | "issuperset"
                | "isdisjoint"
                | "__len__"
                | "__contains__"
        );
        if name == "__iter__" {
            return Ok(Value::Iterator(self.iterate(&Value::Set(set.clone()))?));
        }
        if !reads && !self.attempts.is_empty() {
            return Err(side_effect("changing a set in a loop"));
        }
        if !reads && set.outside.is_some() {
            return Err(side_effect("changing a set that was made outside"));
        }
        let mut known = Vec::new();
        for arg in args {
            let arg = match arg {
                Value::Iterator(_) | Value::DictView(..) => {
                    Value::Tuple(Rc::new(self.items_of(arg)?), None)
                }
                other => other.clone(),
            };
            known.push(self.known(&arg, "an element of a set")?);
        }
        let outcome = self.host.call_method(&set.object, name, &known, &[]);
        match reads {
            true => self.made_set(outcome),
            false => self.outcome(outcome),
        }
    }
}
