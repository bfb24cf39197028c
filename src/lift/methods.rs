//! Methods of machine values by name.
//!
//! In: a receiver, a name, arguments. Out: the value; `x.fill(0)` makes a new version of the buffer.

use std::rc::Rc;

use super::calls::Keywords;
use super::host::{Class, Host};
use super::machine::Machine;
use super::numpy;
use super::value::Value;
use crate::ast::py;
use crate::error::{Error, ErrorKind, Exception, Result};
use crate::ops::Distribution;

/// Methods of arrays and NumPy's numbers that only read, for calls that no operation covers.
const PURE: &[&str] = &[
    "argpartition",
    "argsort",
    "choose",
    "compress",
    "cumprod",
    "cumsum",
    "dot",
    "is_integer",
    "nonzero",
    "repeat",
    "searchsorted",
    "take",
    "trace",
];

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
                self.list_method(&list, name, &args, &keywords)
            }
            Value::Dict(dict) => {
                let dict = dict.clone();
                self.dict_method(&dict, name, &args, &keywords)
            }
            Value::Set(set) => {
                let set = set.clone();
                self.set_method(&set, name, &args)
            }
            Value::Iterator(iterator) => {
                let iterator = iterator.clone();
                self.iterator_method(&iterator, name, &args)
            }
            Value::Tuple(items, _) => match (name, args.as_slice()) {
                ("count", [x]) => self.count(&items.to_vec(), x),
                ("index", _) => self.known_method(receiver, name, &args, &keywords),
                _ => self.special_of_container(receiver, name, &args),
            },
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
                if let Some(owner) = self.host.operation(o) {
                    let (owner, o) = (format!("{owner}.{name}"), o.clone());
                    return self.method_of_function(receiver, &o, &owner, args, keywords);
                }
                let is_text = matches!(self.host.class(o), Class::Str(_));
                if is_text && name == "format" && keywords.is_empty() {
                    let values = Value::Tuple(Rc::new(args.clone()), None);
                    if self.is_symbolic(&values) {
                        return self.filled(receiver, &values, "format");
                    }
                }
                if !self.is_immutable(o) {
                    return Err(
                        self.unknown_call(&Value::Method(Rc::new(receiver.clone()), name.into()))
                    );
                }
                self.known_method(receiver, name, &args, &keywords)
            }
            Value::Size(dim) => {
                let known = self.seen_size(dim)?;
                let known = self.int(known);
                self.known_method(&known, name, &args, &keywords)
            }
            Value::Text(pieces) if name == "format" && pieces.len() == 1 => {
                Err(Error::new(ErrorKind::NeedsValue {
                    construct: "str.format".into(),
                }))
            }
            other => Err(self.unknown_call(&Value::Method(Rc::new(other.clone()), name.into()))),
        }
    }

    /// `np.add.reduce(x)`: a method of a function that is known by name.
    fn method_of_function(
        &mut self,
        receiver: &Value<H::Object>,
        owner: &H::Object,
        name: &str,
        args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        self.pin(receiver);
        let method = name.rsplit('.').next().unwrap_or(name);
        let callee = Value::Method(Rc::new(receiver.clone()), method.into());
        if let Some(result) = self.builtin(name, &callee, &args, &keywords)? {
            return Ok(result);
        }
        let mut refused = match self.operation(name, &args, &keywords) {
            Ok(Some(result)) => return Ok(result),
            Ok(None) => None,
            Err(error) if matches!(error.kind, ErrorKind::Unlifted { .. }) => Some(error),
            Err(error) => return Err(error),
        };
        let mut all = args.iter().chain(keywords.iter().map(|(_, v)| v));
        let known = all.all(|v| !self.is_symbolic(v));
        if known && method != "at" && self.host.is_pure(owner) {
            return self.known_method(receiver, method, &args, &keywords);
        }
        if let Some(stand_in) = self.host.method_stand_in(&format!("ufunc.{method}")) {
            let mut all = vec![receiver.clone()];
            all.extend(args);
            match self.call_stand_in(stand_in, all, keywords)? {
                Ok(result) => return Ok(result),
                Err(uncovered) => refused = refused.or(Some(uncovered)),
            }
        }
        Err(refused.unwrap_or_else(|| self.unknown_call(&callee)))
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
        let mut given = Vec::new();
        for arg in args {
            let arg = match arg {
                // `", ".join(str(i) for i in x)`
                Value::Iterator(_) => {
                    let items = self.items_of(arg)?;
                    self.list(items)
                }
                other => other.clone(),
            };
            given.push(self.known(&arg, "an argument")?);
        }
        let args = given;
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
                let (old, filling) = (self.array_node(&array)?, self.argument_of(value)?);
                self.refuse_float(old, &filling)?;
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
        match (name, all.as_slice()) {
            ("tolist", [array]) => return self.nested_list(array),
            ("setflags", [Value::Array(array), given @ ..]) => {
                self.set_flags(&array.clone(), given, &keywords)?;
                return Ok(self.none());
            }
            ("put", _) => {
                if let Some(done) = self.writing_call("numpy.put", &all, &keywords)? {
                    return Ok(done);
                }
            }
            // What a function makes of an exact array is an array.
            ("__array_wrap__", [_, made, rest @ ..]) => {
                let scalar = match rest.get(1) {
                    Some(scalar) => self.truth(scalar, "return_scalar")?,
                    None => false,
                };
                if !scalar {
                    return Ok(made.clone());
                }
                let nothing = Value::Tuple(Rc::new(vec![]), None);
                return self.get_item(made, &nothing);
            }
            ("__array__", [made]) => return Ok(made.clone()),
            ("__iter__", [_]) => return Ok(Value::Iterator(self.iterate(receiver)?)),
            ("__len__", [_]) => return self.length(receiver),
            ("__getitem__", [_, key]) => return self.get_item(receiver, key),
            ("__setitem__", [_, key, value]) => {
                self.set_item(receiver, key, value)?;
                return Ok(self.none());
            }
            (_, [_, other]) => {
                let operator = name.trim_matches('_');
                let known = numpy::names().any(|n| n.strip_prefix("operator.") == Some(operator));
                if name.starts_with("__") && known {
                    return self.binary(operator, receiver, &other.clone());
                }
            }
            _ => {}
        }
        if let Some(result) = self.operation(&format!("numpy.ndarray.{name}"), &all, &keywords)? {
            return Ok(result);
        }
        if let Some(stand_in) = self.host.method_stand_in(&format!("ndarray.{name}")) {
            let covered = self.call_stand_in(stand_in, all.clone(), keywords.clone())?;
            if let Ok(result) = covered {
                return Ok(result);
            }
        }
        if PURE.contains(&name) && keywords.iter().all(|(key, _)| key != "out") {
            let class = self.type_of(receiver)?;
            let class = self.known(&class, "a class")?;
            let key = self.host.constant(&py::Constant::Str(name.into()));
            let getattr = self.host.builtin("getattr");
            return match self.host.call(&getattr, &[class, key], &[]) {
                Ok(method) => self.call_compiled(&method, &all, &keywords),
                Err(raised) => Err(Error::raises(Exception::Attribute, raised.text)),
            };
        }
        Err(self.unknown_call(&Value::Method(Rc::new(receiver.clone()), name.into())))
    }
}
