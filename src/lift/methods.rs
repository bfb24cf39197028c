//! Methods of containers, strings and arrays, on machine values.
//!
//! In: a receiver, a name, arguments. Out: the value; `items.append(x)` changes the list of the machine.

use std::rc::Rc;

use super::calls::Keywords;
use super::host::{Class, Host};
use super::machine::{Machine, side_effect};
use super::value::{DictValue, Value};
use crate::error::{Error, ErrorKind, Exception, Result};
use crate::ops::Distribution;

impl<H: Host> Machine<'_, H> {
    /// A method of a value by name.
    pub fn call_method(
        &mut self,
        receiver: &Value<H::Object>,
        name: &str,
        args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        match receiver {
            Value::Array(_) | Value::Scalar(..) => {
                self.array_method(receiver, name, args, keywords)
            }
            Value::List(list) => {
                let list = list.clone();
                self.list_method(&list, name, &args)
            }
            Value::Dict(dict) => {
                let dict = dict.clone();
                self.dict_method(&dict, name, &args)
            }
            Value::Object(o, slot) => {
                if self.host.class(o) == Class::Random
                    && let Some(distribution) = Distribution::from_method(name)
                {
                    let slot = match slot {
                        Some(slot) => *slot,
                        None => self.held(o),
                    };
                    return self.draw(o, Some(slot), distribution, name, &args, &keywords);
                }
                if !self.is_immutable(o) {
                    return Err(
                        self.unknown_call(&Value::Method(Rc::new(receiver.clone()), name.into()))
                    );
                }
                self.known_method(receiver, name, &args, &keywords)
            }
            Value::Tuple(..) => self.known_method(receiver, name, &args, &keywords),
            Value::Text(pieces) if name == "format" && pieces.len() == 1 => {
                Err(Error::new(ErrorKind::NeedsValue {
                    construct: "str.format".into(),
                }))
            }
            other => Err(self.unknown_call(&Value::Method(Rc::new(other.clone()), name.into()))),
        }
    }

    pub fn known_method(
        &mut self,
        receiver: &Value<H::Object>,
        name: &str,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        // `"{}".format(x)` and `"%s" % x` with computed parts are strings made after the run.
        let receiver = self.known(receiver, "a method")?;
        let args = args
            .iter()
            .map(|v| self.known(v, "an argument"))
            .collect::<Result<Vec<_>>>()?;
        let mut known = Vec::new();
        for (key, value) in keywords {
            known.push((key.clone(), self.known(value, "an argument")?));
        }
        let outcome = self.host.call_method(&receiver, name, &args, &known);
        self.outcome(outcome)
    }

    pub fn array_method(
        &mut self,
        receiver: &Value<H::Object>,
        name: &str,
        args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        if let (Value::Array(array), "fill" | "sort", _) = (receiver, name, ()) {
            let array = array.clone();
            let new = if name == "fill" {
                let value = args
                    .first()
                    .ok_or_else(|| Error::type_error("fill() needs a value"))?;
                self.node(value)?
            } else {
                let mut all = vec![receiver.clone()];
                all.extend(args);
                let sorted = self.operation("numpy.sort", &all, &keywords)?;
                match sorted {
                    Some(sorted) => self.node(&sorted)?,
                    None => return Err(Error::unlifted("ndarray.sort", "it is not lifted")),
                }
            };
            self.write_whole(&array, new, "unsafe")?;
            return Ok(self.none());
        }
        let mut all = vec![receiver.clone()];
        all.extend(args);
        match self.operation(&format!("numpy.ndarray.{name}"), &all, &keywords)? {
            Some(result) => Ok(result),
            None => Err(self.unknown_call(&Value::Method(Rc::new(receiver.clone()), name.into()))),
        }
    }

    pub fn list_method(
        &mut self,
        list: &Rc<super::value::ListValue<H::Object>>,
        name: &str,
        args: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        match (name, args) {
            ("copy", []) => return Ok(self.list(list.items.borrow().clone())),
            ("index" | "count", [_]) => {
                return self.known_method(&Value::List(list.clone()), name, args, &vec![]);
            }
            _ => {}
        }
        let more = match (name, args) {
            ("extend", [x]) => self.items_of(x)?,
            _ => vec![],
        };
        let at = match (name, args) {
            ("insert", [at, _]) => Some(self.int_of(at, "insert()")?),
            ("pop", [at]) => Some(self.int_of(at, "pop()")?),
            _ => None,
        };
        let mut items = self.changeable(list)?.items.borrow_mut();
        let length = items.len() as i64;
        match (name, args) {
            ("append", [x]) => items.push(x.clone()),
            ("extend", [_]) => items.extend(more),
            ("clear", []) => items.clear(),
            ("reverse", []) => items.reverse(),
            ("insert", [_, x]) => {
                let at = at.unwrap_or(0);
                let at = if at < 0 {
                    (at + length).max(0)
                } else {
                    at.min(length)
                };
                items.insert(at as usize, x.clone());
            }
            ("pop", _) => {
                let at = at.unwrap_or(-1);
                let at = if at < 0 { at + length } else { at };
                if at < 0 || at >= length {
                    return Err(Error::raises(Exception::Index, "pop index out of range"));
                }
                return Ok(items.remove(at as usize));
            }
            _ => {
                return Err(Error::new(ErrorKind::UnknownCall {
                    callee: format!("list.{name}"),
                }));
            }
        }
        drop(items);
        Ok(self.none())
    }

    pub fn dict_method(
        &mut self,
        dict: &Rc<DictValue<H::Object>>,
        name: &str,
        args: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        let entries = dict.entries.borrow().clone();
        match (name, args) {
            ("items", []) => {
                let mut pairs = Vec::new();
                for (key, value) in entries {
                    let key = self.wrap(key, None)?;
                    pairs.push(self.pair(key, value));
                }
                Ok(self.list(pairs))
            }
            ("keys", []) => {
                let keys = entries.into_iter().map(|(k, _)| self.wrap(k, None));
                let keys = keys.collect::<Result<_>>()?;
                Ok(self.list(keys))
            }
            ("values", []) => Ok(self.list(entries.into_iter().map(|(_, v)| v).collect())),
            ("copy", []) => Ok(self.dict(entries)),
            ("get" | "pop" | "setdefault", [key, default @ ..]) => {
                let known = self.key(key)?;
                for (i, (k, value)) in entries.iter().enumerate() {
                    if self.same_key(k, &known)? {
                        if name == "pop" {
                            self.changeable_dict(dict)?.entries.borrow_mut().remove(i);
                        }
                        return Ok(value.clone());
                    }
                }
                let default = match (name, default.first()) {
                    (_, Some(default)) => default.clone(),
                    ("pop", None) => {
                        return Err(Error::raises(Exception::Key, self.host.describe(&known)));
                    }
                    (_, None) => self.none(),
                };
                if name == "setdefault" {
                    self.changeable_dict(dict)?;
                    self.put(dict, known, default.clone())?;
                }
                Ok(default)
            }
            ("update", [other]) => {
                self.changeable_dict(dict)?;
                for (key, value) in self.entries_of(other)? {
                    self.put(dict, key, value)?;
                }
                Ok(self.none())
            }
            _ => Err(Error::new(ErrorKind::UnknownCall {
                callee: format!("dict.{name}"),
            })),
        }
    }

    pub fn changeable_dict<'d>(
        &self,
        dict: &'d Rc<DictValue<H::Object>>,
    ) -> Result<&'d Rc<DictValue<H::Object>>> {
        match dict.outside {
            Some(_) => Err(side_effect("changing a dict that was made outside")),
            None => Ok(dict),
        }
    }
}
