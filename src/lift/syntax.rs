//! What Python writes with syntax rather than with a call: see [`intrinsic`].
//!
//! In: an intrinsic and its values. Out: the value; `$$unpack(x, 2)` gives a tuple of two or raises.

use std::rc::Rc;

use super::host::{Class, Host};
use super::machine::{Machine, binary_name};
use super::value::{Closure, Frame, Piece, Value};
use crate::ast::{intrinsic, py};
use crate::error::{Error, Exception, Result};

impl<H: Host> Machine<'_, H> {
    /// What Python writes with syntax: see [`intrinsic`].
    pub fn intrinsic(
        &mut self,
        frame: &mut Frame<H::Object>,
        name: &str,
        args: &[py::Expr],
    ) -> Result<Value<H::Object>> {
        let values = self.expressions(frame, args)?;
        let arity = |n: usize| {
            values
                .get(n)
                .cloned()
                .ok_or_else(|| Error::internal(format!("{name} without argument {n}")))
        };
        match name {
            intrinsic::ITER => Ok(Value::Iterator(self.iterate(&arity(0)?)?)),
            intrinsic::UNPACK => self.unpack(&values),
            intrinsic::SLICE => {
                let (start, stop) = (arity(0)?, arity(1)?);
                let step = values.get(2).cloned().unwrap_or_else(|| self.none());
                Ok(Value::Slice(Rc::new([start, stop, step])))
            }
            intrinsic::INPLACE => {
                let operator = self.string(&arity(0)?)?;
                self.inplace(operator_name(&operator)?, &arity(1)?, &arity(2)?)
            }
            intrinsic::FUNCTION => self.make_function(frame, &values),
            intrinsic::FORMAT => {
                let conversion = self.string(&arity(1)?)?;
                let spec = match values.get(2) {
                    Some(spec) => self.string(spec)?,
                    None => String::new(),
                };
                self.format(arity(0)?, conversion, spec)
            }
            intrinsic::JOIN => self.join(&values),
            intrinsic::IMPORT => {
                let name = self.known(&arity(0)?, "import")?;
                let from = match values.get(1) {
                    Some(v) => self.known(v, "import")?,
                    None => self.host.constant(&py::Constant::None),
                };
                let level = self.known(
                    &values.get(2).cloned().unwrap_or_else(|| self.int(0)),
                    "import",
                )?;
                self.import(frame, name, from, level)
            }
            intrinsic::IMPORT_FROM => {
                let attribute = self.string(&arity(1)?)?;
                self.attribute(&arity(0)?, &attribute)
            }
            intrinsic::ENTER => self.enter_context(&arity(0)?),
            intrinsic::EXIT => self.exit_context(&arity(0)?, values.get(1)),
            intrinsic::APPEND | intrinsic::EXTEND => {
                let Value::List(list) = arity(0)? else {
                    return Err(self.needs(&arity(0)?, "a list"));
                };
                let items = if name == intrinsic::APPEND {
                    vec![arity(1)?]
                } else {
                    self.items_of(&arity(1)?)?
                };
                self.change_list(&list, |all| all.extend(items));
                Ok(self.none())
            }
            intrinsic::ADD => {
                let set = arity(0)?;
                self.call_method(&set, "add", vec![arity(1)?], vec![])
            }
            intrinsic::PUT => {
                let Value::Dict(dict) = arity(0)? else {
                    return Err(self.needs(&arity(0)?, "a dict"));
                };
                let key = self.key(&arity(1)?)?;
                self.put(&dict, key, arity(2)?)?;
                Ok(self.none())
            }
            intrinsic::UPDATE => {
                if let Value::Set(set) = arity(0)? {
                    return self.set_method(&set, "update", &[arity(1)?]);
                }
                let Value::Dict(dict) = arity(0)? else {
                    return Err(self.needs(&arity(0)?, "a dict"));
                };
                for (key, value) in self.entries_of(&arity(1)?)? {
                    self.put(&dict, key, value)?;
                }
                Ok(self.none())
            }
            intrinsic::MERGE => {
                let Value::Dict(dict) = arity(0)? else {
                    return Err(self.needs(&arity(0)?, "a dict"));
                };
                for (key, value) in self.entries_of(&arity(1)?)? {
                    if self.position(&dict, &key)?.is_some() {
                        let message = "got multiple values for keyword argument";
                        return Err(Error::type_error(message));
                    }
                    dict.entries.borrow_mut().push((key, value));
                }
                Ok(self.none())
            }
            intrinsic::FRESH => {
                let name = self.string(&arity(0)?)?;
                let old = frame.cells.insert(name, Rc::new(Value::Unbound.into()));
                Ok(Value::Cell(
                    old.unwrap_or_else(|| Rc::new(Value::Unbound.into())),
                ))
            }
            intrinsic::RESTORE => {
                let name = self.string(&arity(0)?)?;
                if let Value::Cell(cell) = arity(1)? {
                    frame.cells.insert(name, cell);
                }
                Ok(self.none())
            }
            intrinsic::TUPLE => Ok(Value::Tuple(Rc::new(self.items_of(&arity(0)?)?), None)),
            intrinsic::CAUGHT => frame
                .caught
                .clone()
                .ok_or_else(|| Error::internal("a handler without an exception")),
            intrinsic::MATCHES => self.matches(&arity(0)?, &arity(1)?),
            intrinsic::SUPER => {
                let receiver = frame
                    .function
                    .code
                    .varnames
                    .first()
                    .cloned()
                    .unwrap_or_default();
                let receiver = self.load(frame, &receiver)?;
                let class = self.load(frame, "__class__")?;
                Ok(Value::Super(Rc::new(class), Rc::new(receiver)))
            }
            other => Err(Error::internal(format!("the intrinsic {other}"))),
        }
    }

    pub fn string(&mut self, value: &Value<H::Object>) -> Result<String> {
        let known = self.known(value, "a string")?;
        match self.host.class(&known) {
            Class::Str(s) => Ok(s),
            Class::None => Ok(String::new()),
            _ => Err(self.needs(value, "a string")),
        }
    }

    pub fn unpack(&mut self, values: &[Value<H::Object>]) -> Result<Value<H::Object>> {
        let (Some(value), Some(count)) = (values.first(), values.get(1)) else {
            return Err(Error::internal("an unpacking without a count"));
        };
        let before = self.int_of(count, "a count")? as usize;
        let after = match values.get(2) {
            Some(after) => Some(self.int_of(after, "a count")? as usize),
            None => None,
        };
        let mut items = self.items_of(value)?;
        let needed = before + after.unwrap_or(0);
        if items.len() < needed {
            let message = format!(
                "not enough values to unpack (expected {needed}, got {})",
                items.len()
            );
            return Err(Error::value(message));
        }
        match after {
            None if items.len() > needed => Err(Error::value(format!(
                "too many values to unpack (expected {needed})"
            ))),
            None => Ok(Value::Tuple(Rc::new(items), None)),
            Some(after) => {
                let tail = items.split_off(items.len() - after);
                let middle = items.split_off(before);
                items.push(self.list(middle));
                items.extend(tail);
                Ok(Value::Tuple(Rc::new(items), None))
            }
        }
    }

    pub fn make_function(
        &mut self,
        frame: &mut Frame<H::Object>,
        values: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        let index = match values.first() {
            Some(v) => self.int_of(v, "a function")? as usize,
            None => return Err(Error::internal("a function without code")),
        };
        let code = frame.function.nested.get(index).cloned();
        let code = code.ok_or_else(|| Error::internal("a nested function that is not there"))?;
        let function = self.host.read_nested(&code, frame.function.front)?;
        let none = |h: &H, v: &Value<H::Object>| matches!(v, Value::Object(o, _) if h.class(o) == Class::None);
        let defaults = match values.get(1) {
            Some(v) if !none(self.host, v) => self.items_of(v)?,
            _ => vec![],
        };
        let mut keyword_defaults = Vec::new();
        if let Some(v) = values.get(2)
            && !none(self.host, v)
        {
            for (key, value) in self.entries_of(v)? {
                if let Class::Str(name) = self.host.class(&key) {
                    keyword_defaults.push((name, value));
                }
            }
        }
        let mut cells = Vec::new();
        for name in &function.code.freevars {
            let cell = frame.cells.get(name).cloned();
            cells.push(cell.ok_or_else(|| Error::internal(format!("no cell for {name}")))?);
        }
        let globals = frame.globals.clone();
        Ok(Value::Closure(Rc::new(Closure {
            function,
            globals,
            defaults,
            keyword_defaults,
            cells,
            attributes: self.no_entries(),
        })))
    }

    pub fn format(
        &mut self,
        value: Value<H::Object>,
        conversion: String,
        spec: String,
    ) -> Result<Value<H::Object>> {
        if !self.is_symbolic(&value)
            && let Ok(object) = self.known(&value, "a replacement field")
            && self.is_immutable(&object)
        {
            let name = match conversion.as_str() {
                "r" => "repr",
                "a" => "ascii",
                "s" => "str",
                _ => "",
            };
            let mut object = object;
            if !name.is_empty() {
                let callee = self.host.builtin(name);
                object = self
                    .host
                    .call(&callee, &[object], &[])
                    .map_err(|r| Error::type_error(r.text))?;
            }
            let spec = self.host.constant(&py::Constant::Str(spec));
            let callee = self.host.builtin("format");
            let outcome = self.host.call(&callee, &[object, spec], &[]);
            return self.outcome(outcome);
        }
        // The array's value now, not after later writes.
        let value = match &value {
            Value::Array(_) => Value::Array(super::value::ArrayRef::fresh(self.node(&value)?)),
            other => other.clone(),
        };
        Ok(self.text(vec![Piece::Field(value, conversion, spec)]))
    }

    pub fn join(&mut self, values: &[Value<H::Object>]) -> Result<Value<H::Object>> {
        let mut pieces: Vec<Piece<H::Object>> = Vec::new();
        for value in values {
            match value {
                Value::Text(more) => pieces.extend(more.iter().cloned()),
                other => {
                    let text = self.string(other)?;
                    match pieces.last_mut() {
                        Some(Piece::Known(last)) => last.push_str(&text),
                        _ => pieces.push(Piece::Known(text)),
                    }
                }
            }
        }
        Ok(match pieces.as_slice() {
            [] => self.constant(&py::Constant::Str(String::new())),
            [Piece::Known(text)] => self.constant(&py::Constant::Str(text.clone())),
            _ => self.text(pieces),
        })
    }

    pub fn import(
        &mut self,
        frame: &Frame<H::Object>,
        name: H::Object,
        from: H::Object,
        level: H::Object,
    ) -> Result<Value<H::Object>> {
        let import = self.host.builtin("__import__");
        let none = self.host.constant(&py::Constant::None);
        let args = [name, frame.globals.clone(), none, from, level];
        let outcome = self.host.call(&import, &args, &[]);
        match outcome {
            Ok(module) => {
                let slot = self.held(&module);
                self.wrap(module, Some(slot))
            }
            Err(raised) => Err(Error::raises(
                Exception::Named("ImportError".into()),
                raised.text,
            )),
        }
    }
}

/// The name in module `operator` of an operator as written.
fn operator_name(text: &str) -> Result<&'static str> {
    use py::Operator::*;
    let op = match text {
        "+" => Add,
        "-" => Sub,
        "*" => Mult,
        "@" => MatMult,
        "/" => Div,
        "%" => Mod,
        "**" => Pow,
        "<<" => LShift,
        ">>" => RShift,
        "|" => BitOr,
        "^" => BitXor,
        "&" => BitAnd,
        "//" => FloorDiv,
        other => return Err(Error::internal(format!("the operator {other}="))),
    };
    Ok(binary_name(op))
}
