//! Python's builtin functions and the methods of its containers, on machine values.
//!
//! In: a name such as `builtins.len` and arguments. Out: the value, or `None` to go on with the general
//! rules (an operation of the graph, or running a pure function now).

use std::rc::Rc;

use super::Effect;
use super::calls::Keywords;
use super::host::{Attribute, Class, Host};
use super::machine::{Machine, side_effect};
use super::numpy::{Arg, Form};
use super::value::{DictValue, Iterator, Value};
use crate::ast::py;
use crate::error::{Error, ErrorKind, Exception, Result};

/// A `range` longer than this stays unlifted: it would be unrolled.
const MAX_RANGE: i64 = 100_000;

impl<H: Host> Machine<'_, H> {
    /// A call of one of Python's functions by name.
    pub fn builtin(
        &mut self,
        name: &str,
        callee: &Value<H::Object>,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Option<Value<H::Object>>> {
        let Some(name) = name.strip_prefix("builtins.") else {
            return match name {
                "functools.partial" => self.make_partial(args.to_vec(), keywords.clone()).map(Some),
                _ => Ok(None),
            };
        };
        let value = match (name, args) {
            ("len", [x]) => self.length(x)?,
            ("range", _) => return self.range(args).map(Some),
            ("enumerate", [x, start @ ..]) => {
                let first = match start.first().or_else(|| keyword(keywords, "start")) {
                    Some(start) => self.int_of(start, "enumerate")?,
                    None => 0,
                };
                let items = self.items_of(x)?;
                let pairs = items.into_iter().enumerate();
                let pairs = pairs
                    .map(|(i, v)| self.pair(self.int(first + i as i64), v))
                    .collect();
                self.iterator(pairs)
            }
            ("zip", _) => self.zip(args)?,
            ("map", [f, lists @ ..]) => {
                let rows = self.zip(lists)?;
                let mut out = Vec::new();
                for row in self.items_of(&rows)? {
                    let row = self.items_of(&row)?;
                    out.push(self.call(f, row, vec![])?);
                }
                self.iterator(out)
            }
            ("filter", [f, x]) => {
                let mut out = Vec::new();
                for item in self.items_of(x)? {
                    let keep = match f {
                        Value::Object(o, _) if self.host.class(o) == Class::None => item.clone(),
                        f => self.call(f, vec![item.clone()], vec![])?,
                    };
                    if self.truth(&keep, "filter")? {
                        out.push(item);
                    }
                }
                self.iterator(out)
            }
            ("reversed", [x]) => {
                let mut items = self.items_of(x)?;
                items.reverse();
                self.iterator(items)
            }
            ("iter", [x]) => Value::Iterator(self.iterate(x)?),
            ("next", [Value::Iterator(it), default @ ..]) => {
                let it = it.clone();
                match self.advance(&it)? {
                    Some(item) => item,
                    None => default.first().cloned().ok_or_else(|| {
                        Error::raises(Exception::Named("StopIteration".into()), "")
                    })?,
                }
            }
            ("list", []) => self.list(vec![]),
            ("list", [x]) => {
                let items = self.items_of(x)?;
                self.list(items)
            }
            ("tuple", []) => Value::Tuple(Rc::new(vec![]), None),
            ("tuple", [x]) => Value::Tuple(Rc::new(self.items_of(x)?), None),
            ("dict", _) => self.make_dict(args, keywords)?,
            ("sum", [x, start @ ..]) if !matches!(x, Value::Array(_)) || start.is_empty() => {
                let start = start
                    .first()
                    .or_else(|| keyword(keywords, "start"))
                    .cloned();
                let mut total = start.unwrap_or_else(|| self.int(0));
                for item in self.items_of(x)? {
                    total = self.binary("add", &total, &item)?;
                }
                total
            }
            ("min" | "max", [_, ..]) => return self.extreme(name, args, keywords),
            ("any" | "all", [x]) => {
                let wanted = name == "any";
                let mut found = false;
                for item in self.items_of(x)? {
                    if self.truth(&item, name)? == wanted {
                        found = true;
                        break;
                    }
                }
                self.constant(&py::Constant::Bool(found == wanted))
            }
            ("isinstance", [x, class]) => self.is_instance(x, class)?,
            ("issubclass", [a, b]) => {
                let (a, b) = (self.known(a, name)?, self.known(b, name)?);
                let answer = self.host.is_subclass(&a, &b);
                self.constant(&py::Constant::Bool(answer))
            }
            ("callable", [x]) => {
                let answer = match x {
                    Value::Object(o, _) => !matches!(
                        self.host.attribute(&self.host.type_of(o), "__call__"),
                        Attribute::Missing
                    ),
                    Value::Closure(_)
                    | Value::Bound(..)
                    | Value::Method(..)
                    | Value::Partial(_) => true,
                    _ => false,
                };
                self.constant(&py::Constant::Bool(answer))
            }
            ("type", [x]) => self.type_of(x)?,
            ("getattr", [x, attribute, default @ ..]) => {
                let attribute = self.string(attribute)?;
                match (self.attribute(x, &attribute), default.first()) {
                    (Err(e), Some(default)) if is_attribute_error(&e) => default.clone(),
                    (result, _) => result?,
                }
            }
            ("hasattr", [x, attribute]) => {
                let attribute = self.string(attribute)?;
                let answer = match self.attribute(x, &attribute) {
                    Ok(_) => true,
                    Err(e) if is_attribute_error(&e) => false,
                    Err(e) => return Err(e),
                };
                self.constant(&py::Constant::Bool(answer))
            }
            ("setattr" | "delattr", _) => return Err(side_effect(name)),
            ("bool", []) => self.constant(&py::Constant::Bool(false)),
            ("bool", [x]) => {
                let truth = self.truth(x, "bool()")?;
                self.constant(&py::Constant::Bool(truth))
            }
            ("int", [Value::Size(dim)]) => Value::Size(dim.clone()),
            ("int", [x @ (Value::Array(_) | Value::Scalar(..))]) => {
                let known = self.known(x, "int()")?;
                let callee = self.host.builtin("int");
                let outcome = self.host.call(&callee, &[known], &[]);
                self.outcome(outcome)?
            }
            ("str", [x]) if self.is_symbolic(x) => {
                self.format(x.clone(), "s".into(), String::new())?
            }
            ("repr", [x]) if self.is_symbolic(x) => {
                self.format(x.clone(), "r".into(), String::new())?
            }
            ("format", [x, spec @ ..]) if self.is_symbolic(x) => {
                let spec = match spec.first() {
                    Some(spec) => self.string(spec)?,
                    None => String::new(),
                };
                self.format(x.clone(), String::new(), spec)?
            }
            ("slice", [stop]) => Value::Slice(Rc::new([self.none(), stop.clone(), self.none()])),
            ("slice", [start, stop]) => {
                Value::Slice(Rc::new([start.clone(), stop.clone(), self.none()]))
            }
            ("slice", [start, stop, step]) => {
                Value::Slice(Rc::new([start.clone(), stop.clone(), step.clone()]))
            }
            ("print", _) => return self.print(callee, args, keywords).map(Some),
            ("sorted", [x]) => return self.sorted(x, keywords).map(Some),
            ("super", [class, receiver]) => {
                Value::Super(Rc::new(class.clone()), Rc::new(receiver.clone()))
            }
            _ => return Ok(None),
        };
        Ok(Some(value))
    }

    pub fn pair(&self, a: Value<H::Object>, b: Value<H::Object>) -> Value<H::Object> {
        Value::Tuple(Rc::new(vec![a, b]), None)
    }

    pub fn iterator(&self, mut items: Vec<Value<H::Object>>) -> Value<H::Object> {
        items.reverse();
        Value::Iterator(Rc::new(Iterator::Items(items).into()))
    }

    fn length(&mut self, value: &Value<H::Object>) -> Result<Value<H::Object>> {
        Ok(match value {
            Value::Array(_) => {
                let node = self.node(value)?;
                let first = self.b.aval(node).shape.first().cloned();
                let first = first.ok_or_else(|| Error::type_error("len() of unsized object"))?;
                self.value_of(Arg::Dim(first), &[], true)
            }
            Value::Tuple(items, _) => self.int(items.len() as i64),
            Value::List(list) => self.int(list.items.borrow().len() as i64),
            Value::Dict(dict) => self.int(dict.entries.borrow().len() as i64),
            Value::Object(o, _) if !self.is_immutable(o) => {
                self.call_special(value, "__len__", vec![])?
            }
            Value::Object(o, _) => {
                self.pin(value);
                let callee = self.host.builtin("len");
                let outcome = self.host.call(&callee, std::slice::from_ref(o), &[]);
                self.outcome(outcome)?
            }
            other => {
                let what = self.describe(other);
                return Err(Error::type_error(format!(
                    "object of type '{what}' has no len()"
                )));
            }
        })
    }

    fn range(&mut self, args: &[Value<H::Object>]) -> Result<Value<H::Object>> {
        let bounds = args
            .iter()
            .map(|v| self.int_of(v, "range()"))
            .collect::<Result<Vec<i64>>>()?;
        let (next, stop, step) = match bounds.as_slice() {
            [stop] => (0, *stop, 1),
            [start, stop] => (*start, *stop, 1),
            [start, stop, step] => (*start, *stop, *step),
            _ => return Err(Error::type_error("range expected 1 to 3 arguments")),
        };
        if step == 0 {
            return Err(Error::value("range() arg 3 must not be zero"));
        }
        let trips = (stop - next) / step;
        if trips > MAX_RANGE {
            let what = format!("a loop of {trips} trips would be unrolled");
            return Err(Error::new(ErrorKind::TooLong { what }));
        }
        let callee = self.host.builtin("range");
        let bounds: Vec<_> = bounds
            .iter()
            .map(|i| self.host.constant(&py::Constant::Int((*i).into())))
            .collect();
        match self.host.call(&callee, &bounds, &[]) {
            Ok(object) => Ok(Value::Object(object, None)),
            Err(raised) => Err(Error::value(raised.text)),
        }
    }

    fn zip(&mut self, args: &[Value<H::Object>]) -> Result<Value<H::Object>> {
        let lists = args
            .iter()
            .map(|v| self.items_of(v))
            .collect::<Result<Vec<_>>>()?;
        let count = lists.iter().map(Vec::len).min().unwrap_or(0);
        let rows = (0..count)
            .map(|i| Value::Tuple(Rc::new(lists.iter().map(|l| l[i].clone()).collect()), None))
            .collect();
        Ok(self.iterator(rows))
    }

    fn make_dict(
        &mut self,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let mut entries = Vec::new();
        match args {
            [] => {}
            [Value::Dict(dict)] => entries = dict.entries.borrow().clone(),
            [pairs] => {
                for pair in self.items_of(pairs)? {
                    let pair = self.items_of(&pair)?;
                    let [key, value] = pair.as_slice() else {
                        return Err(Error::value("dict() needs pairs"));
                    };
                    entries.push((self.key(key)?, value.clone()));
                }
            }
            _ => return Err(Error::type_error("dict expected at most 1 argument")),
        }
        for (name, value) in keywords {
            entries.push((
                self.host.constant(&py::Constant::Str(name.clone())),
                value.clone(),
            ));
        }
        let dict = DictValue {
            entries: Vec::new().into(),
            outside: None,
        };
        for (key, value) in entries {
            self.put(&dict, key, value)?;
        }
        Ok(Value::Dict(Rc::new(dict)))
    }

    /// `min` and `max` of sizes and known numbers; of symbolic numbers Python would compare.
    fn extreme(
        &mut self,
        name: &str,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Option<Value<H::Object>>> {
        let items = match args {
            [one] => self.items_of(one)?,
            many => many.to_vec(),
        };
        if !keywords.is_empty() {
            return Err(Error::unlifted(
                format!("{name}() with keywords"),
                "write a loop",
            ));
        }
        if items
            .iter()
            .any(|v| matches!(v, Value::Array(_) | Value::Scalar(..)))
        {
            // Python compares pairwise and keeps one: a choice by value, which is an operation.
            return self.operation(&format!("builtins.{name}"), &items, &[]);
        }
        let mut items = items.into_iter();
        let Some(mut best) = items.next() else {
            return Err(Error::value(format!("{name}() arg is an empty sequence")));
        };
        let op = if name == "min" {
            py::CmpOp::Lt
        } else {
            py::CmpOp::Gt
        };
        for item in items {
            let better = self.compare(op, &item, &best)?;
            if self.truth(&better, name)? {
                best = item;
            }
        }
        Ok(Some(best))
    }

    fn sorted(
        &mut self,
        value: &Value<H::Object>,
        keywords: &Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        if self.is_symbolic(value) {
            return Err(Error::new(ErrorKind::NeedsValue {
                construct: "sorted()".into(),
            }));
        }
        let items = self.items_of(value)?;
        let known = self.known(&Value::Tuple(Rc::new(items), None), "sorted()")?;
        let mut known_keywords = Vec::new();
        for (name, value) in keywords {
            known_keywords.push((name.clone(), self.known(value, "sorted()")?));
        }
        let callee = self.host.builtin("sorted");
        let outcome = self.host.call(&callee, &[known], &known_keywords);
        self.outcome(outcome)
    }

    fn type_of(&mut self, value: &Value<H::Object>) -> Result<Value<H::Object>> {
        let class = match value {
            Value::Object(o, _) => {
                self.pin(value);
                self.host.type_of(o)
            }
            Value::Array(_) | Value::Scalar(..) => {
                let node = self.node(value)?;
                let form = match value {
                    Value::Scalar(_, form) => *form,
                    _ => Form::Array,
                };
                self.host.class_of_symbolic(self.b.aval(node).dtype, form)
            }
            Value::Size(_) => self.host.builtin("int"),
            Value::Tuple(..) => self.host.builtin("tuple"),
            Value::List(_) => self.host.builtin("list"),
            Value::Dict(_) => self.host.builtin("dict"),
            Value::Text(_) => self.host.builtin("str"),
            Value::Slice(_) => self.host.builtin("slice"),
            other => return Err(self.needs(other, "the argument of type()")),
        };
        Ok(Value::Object(class, None))
    }

    fn is_instance(
        &mut self,
        value: &Value<H::Object>,
        class: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        let class = self.known(class, "isinstance()")?;
        let answer = match value {
            Value::Object(o, slot) => {
                match slot {
                    Some(_) if matches!(self.host.class(o), Class::Instance | Class::Foreign) => {
                        let kind = self.host.type_of(o);
                        if let Some(slot) = slot {
                            self.check(*slot, super::guard::Check::Type(kind));
                        }
                    }
                    _ => self.pin(value),
                }
                self.host.is_instance(o, &class)
            }
            Value::Closure(_) | Value::Bound(..) | Value::Partial(_) | Value::Method(..) => false,
            Value::Iterator(_) => false,
            other => {
                let Value::Object(kind, _) = self.type_of(other)? else {
                    return Err(Error::internal("a type that is no object"));
                };
                self.host.is_subclass(&kind, &class)
            }
        };
        Ok(self.constant(&py::Constant::Bool(answer)))
    }

    /// A call for its effect: repeated by Python after each run, with the values computed then.
    fn print(
        &mut self,
        callee: &Value<H::Object>,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let callee = self.known(callee, "print")?;
        let mut trees = Vec::new();
        for arg in args {
            trees.push(self.snapshot(arg)?);
        }
        let mut named = Vec::new();
        for (name, value) in keywords {
            named.push((name.clone(), self.snapshot(value)?));
        }
        self.effects.push(Effect::Call(callee, trees, named));
        Ok(self.none())
    }

    /// A value as it is now, whatever is written to it later.
    pub fn snapshot(&mut self, value: &Value<H::Object>) -> Result<super::Tree<H::Object>> {
        let value = match value {
            Value::Array(_) => Value::Array(super::value::ArrayRef::fresh(self.node(value)?)),
            Value::Tuple(items, _) => Value::Tuple(items.clone(), None),
            Value::List(list) => self.list(list.items.borrow().clone()),
            Value::Dict(dict) => self.dict(dict.entries.borrow().clone()),
            other => other.clone(),
        };
        self.tree(&value)
    }
}

fn keyword<'k, O>(keywords: &'k Keywords<O>, name: &str) -> Option<&'k Value<O>> {
    keywords.iter().find(|(n, _)| n == name).map(|(_, v)| v)
}

fn is_attribute_error(error: &Error) -> bool {
    matches!(&error.kind, ErrorKind::Raises { exception, .. } if exception.name() == "AttributeError")
}
