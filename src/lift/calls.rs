//! Calls: of Python functions (entered), of NumPy's (nodes), of everything else.
//!
//! In: a callee and its arguments. Out: the value. The order of preference: an operation of the graph;
//! Python code that can be entered; a compiled function without effects, run now on known arguments.

use std::collections::HashMap;
use std::rc::Rc;

use super::DrawSite;
use super::guard::Slot;
use super::host::{Class, Host};
use super::machine::{Frame, Machine, binary_name};
use super::value::{Closure, Partial, Piece, Value};
use crate::ast::{self, intrinsic, py};
use crate::error::{Error, ErrorKind, Exception, Result};
use crate::graph::Shape;
use crate::ops::{Distribution, Op};

/// The signature of a draw without parameters.
const ONLY_SIZE: crate::ops::random::Signature = &[("size", None)];

/// What makes a random generator.
const GENERATORS: &[&str] = &["numpy.random.default_rng", "numpy.random.RandomState"];

/// Keyword arguments of a call.
pub(super) type Keywords<O> = Vec<(String, Value<O>)>;

impl<H: Host> Machine<'_, H> {
    pub fn call_expression(
        &mut self,
        frame: &mut Frame<H::Object>,
        call: &py::ExprCall,
    ) -> Result<Value<H::Object>> {
        if let py::Expr::Name(name) = &*call.func
            && name.id.starts_with("$$")
        {
            return self.intrinsic(frame, &name.id, &call.args);
        }
        let callee = self.expression(frame, &call.func)?;
        let args = self.expressions(frame, &call.args)?;
        let mut keywords = Vec::new();
        for keyword in &call.keywords {
            let value = self.expression(frame, &keyword.value)?;
            match &keyword.arg {
                Some(name) => keywords.push((name.to_string(), value)),
                None => {
                    for (key, value) in self.entries_of(&value)? {
                        match self.host.class(&key) {
                            Class::Str(name) => keywords.push((name, value)),
                            _ => return Err(Error::type_error("keywords must be strings")),
                        }
                    }
                }
            }
        }
        self.call(&callee, args, keywords)
    }

    pub fn call(
        &mut self,
        callee: &Value<H::Object>,
        args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        match callee {
            Value::Object(object, slot) => self.call_object(callee, object, *slot, args, keywords),
            Value::Closure(closure) => self.enter(closure, args, keywords),
            Value::Bound(function, receiver) => {
                let mut all = vec![(**receiver).clone()];
                all.extend(args);
                self.call(function, all, keywords)
            }
            Value::Method(receiver, name) => self.call_method(receiver, name, args, keywords),
            Value::Partial(partial) => {
                let mut all = partial.args.clone();
                all.extend(args);
                let mut merged = partial.keywords.clone();
                for (name, value) in keywords {
                    merged.retain(|(n, _)| *n != name);
                    merged.push((name, value));
                }
                self.call(&partial.callee.clone(), all, merged)
            }
            other => {
                let what = self.describe(other);
                Err(Error::type_error(format!(
                    "'{what}' object is not callable"
                )))
            }
        }
    }

    fn call_object(
        &mut self,
        callee: &Value<H::Object>,
        object: &H::Object,
        slot: Option<Slot>,
        args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let class = self.host.class(object);
        if class != Class::Instance && class != Class::NamedTuple {
            self.pin(callee);
        }
        let mut refused = None;
        if let Some(name) = self.host.operation(object) {
            if GENERATORS.contains(&name.as_str()) && keywords.is_empty() {
                return self.make_generator(object, &name, &args);
            }
            if let Some(result) = self.builtin(&name, callee, &args, &keywords)? {
                return Ok(result);
            }
            if let Some(method) = name.strip_prefix("numpy.random.")
                && let Some(distribution) = Distribution::from_method(method)
            {
                return self.draw(object, None, distribution, method, &args, &keywords);
            }
            // Python's own functions of known numbers and strings give known ones.
            let pythons = ["builtins.", "math.", "operator."]
                .iter()
                .any(|m| name.starts_with(m));
            if pythons && args.iter().all(|v| self.is_plain(v)) && self.host.is_pure(object) {
                return self.call_known(object, &args, &keywords);
            }
            match self.operation(&name, &args, &keywords) {
                Ok(Some(result)) => return Ok(result),
                Ok(None) => {}
                // NumPy's own Python code may do what the operation does not.
                Err(error) if matches!(error.kind, ErrorKind::Unlifted { .. }) => {
                    refused = Some(error)
                }
                Err(error) => return Err(error),
            }
        }
        match class {
            Class::Function => {
                let parts = self
                    .host
                    .function(object)
                    .ok_or_else(|| self.unknown_call(callee))?;
                let closure = self.closure_of(object, slot, &parts)?;
                self.enter(&closure, args, keywords)
            }
            Class::Method => {
                let (function, receiver) = self.host.method(object);
                let receiver = match slot {
                    Some(slot) => {
                        let at = self.slot(
                            super::guard::Fetch::Attribute(slot, "__self__".into()),
                            "self".into(),
                        );
                        self.wrap(receiver, Some(at))?
                    }
                    None => {
                        let held = self.held(&receiver);
                        Value::Object(receiver, Some(held))
                    }
                };
                let mut all = vec![receiver];
                all.extend(args);
                self.call(&Value::Object(function, None), all, keywords)
            }
            Class::Partial => {
                let (function, first, fixed) = self.host.partial(object);
                let mut all = Vec::new();
                for o in first {
                    all.push(self.wrap(o, None)?);
                }
                all.extend(args);
                let mut merged = Vec::new();
                for (name, o) in fixed {
                    if !keywords.iter().any(|(n, _)| *n == name) {
                        merged.push((name, self.wrap(o, None)?));
                    }
                }
                merged.extend(keywords);
                self.call(&Value::Object(function, None), all, merged)
            }
            Class::Wrapper | Class::Transformed => match self.host.unwrap(object) {
                Some(inner) => self.call(&Value::Object(inner, None), args, keywords),
                None if class == Class::Transformed && keywords.is_empty() => {
                    self.call_transformed(object, &args)
                }
                None => Err(refused.unwrap_or_else(|| self.unknown_call(callee))),
            },
            Class::Instance => self.call_special_with(callee, "__call__", args, keywords),
            _ => {
                let all_known = !args
                    .iter()
                    .chain(keywords.iter().map(|(_, v)| v))
                    .any(|v| self.is_symbolic(v));
                if all_known && self.host.is_pure(object) {
                    return self.call_known(object, &args, &keywords);
                }
                Err(refused.unwrap_or_else(|| self.unknown_call(callee)))
            }
        }
    }

    /// A random generator made by the function: each call makes its own.
    fn make_generator(
        &mut self,
        callee: &H::Object,
        name: &str,
        args: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        let args = args
            .iter()
            .map(|v| self.known(v, "a seed"))
            .collect::<Result<Vec<_>>>()?;
        let made = match self.host.call(callee, &args, &[]) {
            Ok(made) => made,
            Err(raised) => return Err(Error::value(raised.text)),
        };
        let slot = self.slot(
            super::guard::Fetch::Made(callee.clone(), args),
            name.to_string(),
        );
        Ok(Value::Object(made, Some(slot)))
    }

    /// A known object of a type whose operators have no effects.
    fn is_plain(&self, value: &Value<H::Object>) -> bool {
        matches!(value, Value::Object(o, _) if self.is_immutable(o))
    }

    /// A function without effects, called now on known arguments.
    fn call_known(
        &mut self,
        callee: &H::Object,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let args = args
            .iter()
            .map(|v| self.known(v, "an argument"))
            .collect::<Result<Vec<_>>>()?;
        let mut known = Vec::new();
        for (name, value) in keywords {
            known.push((name.clone(), self.known(value, "an argument")?));
        }
        let outcome = self.host.call(callee, &args, &known);
        self.outcome(outcome)
    }

    pub fn unknown_call(&self, callee: &Value<H::Object>) -> Box<Error> {
        Error::new(ErrorKind::UnknownCall {
            callee: self.describe(callee),
        })
    }

    /// A method that Python finds on the type: `__call__`, `__getitem__`, `__enter__`.
    pub fn call_special(
        &mut self,
        object: &Value<H::Object>,
        name: &str,
        args: Vec<Value<H::Object>>,
    ) -> Result<Value<H::Object>> {
        self.call_special_with(object, name, args, vec![])
    }

    fn call_special_with(
        &mut self,
        object: &Value<H::Object>,
        name: &str,
        args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        match self.attribute(object, name)? {
            method @ Value::Bound(..) => self.call(&method, args, keywords),
            _ => Err(self.unknown_call(object)),
        }
    }

    /// Runs a Python function with these arguments.
    pub fn enter(
        &mut self,
        closure: &Closure<H::Object>,
        args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let locals = self.bind(closure, args, keywords)?;
        self.run(closure, locals)
    }

    /// Binds arguments to parameters as Python does.
    fn bind(
        &mut self,
        closure: &Closure<H::Object>,
        args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<HashMap<String, Value<H::Object>>> {
        let code: &ast::Code = &closure.function.code;
        let wrong = |message: String| Error::type_error(format!("{}() {message}", code.qualname));
        let positional = code.argcount as usize;
        let named = positional + code.kwonlyargcount as usize;
        let has_varargs = code.flags & 0x04 != 0;
        let has_keywords = code.flags & 0x08 != 0;
        let mut locals = HashMap::new();
        let mut args = args.into_iter();
        for (name, value) in code
            .varnames
            .iter()
            .take(positional)
            .zip(args.by_ref().take(positional))
        {
            locals.insert(name.clone(), value);
        }
        let rest: Vec<_> = args.collect();
        if has_varargs {
            locals.insert(
                code.varnames[named].clone(),
                Value::Tuple(Rc::new(rest), None),
            );
        } else if !rest.is_empty() {
            return Err(wrong(format!(
                "takes {positional} positional arguments but more were given"
            )));
        }
        let mut extra = Vec::new();
        for (name, value) in keywords {
            let at = code.varnames.iter().take(named).position(|n| *n == name);
            match at {
                Some(at) if at >= code.posonlyargcount as usize => {
                    if locals.insert(name.clone(), value).is_some() {
                        return Err(wrong(format!("got multiple values for argument '{name}'")));
                    }
                }
                _ if has_keywords => {
                    extra.push((self.host.constant(&py::Constant::Str(name)), value));
                }
                _ => {
                    return Err(wrong(format!(
                        "got an unexpected keyword argument '{name}'"
                    )));
                }
            }
        }
        if has_keywords {
            let at = named + usize::from(has_varargs);
            let dict = self.dict(extra);
            locals.insert(code.varnames[at].clone(), dict);
        }
        let first_default = positional.saturating_sub(closure.defaults.len());
        for (i, name) in code.varnames.iter().take(named).enumerate() {
            if locals.contains_key(name) {
                continue;
            }
            let default = if i < positional {
                i.checked_sub(first_default)
                    .and_then(|k| closure.defaults.get(k))
                    .cloned()
            } else {
                let found = closure.keyword_defaults.iter().find(|(n, _)| n == name);
                found.map(|(_, value)| value.clone())
            };
            let default = default.ok_or_else(|| {
                wrong(format!("missing 1 required positional argument: '{name}'"))
            })?;
            locals.insert(name.clone(), default);
        }
        Ok(locals)
    }

    /// What Python writes with syntax: see [`intrinsic`].
    fn intrinsic(
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
            intrinsic::EXIT => Ok(self.none()),
            intrinsic::APPEND | intrinsic::EXTEND => {
                let Value::List(list) = arity(0)? else {
                    return Err(self.needs(&arity(0)?, "a list"));
                };
                let items = if name == intrinsic::APPEND {
                    vec![arity(1)?]
                } else {
                    self.items_of(&arity(1)?)?
                };
                self.changeable(&list)?.items.borrow_mut().extend(items);
                Ok(self.none())
            }
            intrinsic::ADD => Err(Error::unlifted("a set comprehension", "use a list")),
            intrinsic::PUT => {
                let Value::Dict(dict) = arity(0)? else {
                    return Err(self.needs(&arity(0)?, "a dict"));
                };
                let key = self.key(&arity(1)?)?;
                self.put(&dict, key, arity(2)?)?;
                Ok(self.none())
            }
            intrinsic::UPDATE => {
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
                    let known: Vec<_> = dict
                        .entries
                        .borrow()
                        .iter()
                        .map(|(k, _)| k.clone())
                        .collect();
                    for other in known {
                        if self.same_key(&other, &key)? {
                            return Err(Error::type_error(
                                "got multiple values for keyword argument",
                            ));
                        }
                    }
                    dict.entries.borrow_mut().push((key, value));
                }
                Ok(self.none())
            }
            intrinsic::YIELD => {
                frame.yielded.push(arity(0)?);
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
            intrinsic::CAUGHT => Ok(Value::Caught(
                frame.caught.clone().unwrap_or_else(|| "Exception".into()),
            )),
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

    fn unpack(&mut self, values: &[Value<H::Object>]) -> Result<Value<H::Object>> {
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

    fn make_function(
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

    fn join(&mut self, values: &[Value<H::Object>]) -> Result<Value<H::Object>> {
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

    fn import(
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

    /// `with np.errstate(...)` and the like: contexts that change how warnings are given, not values.
    fn enter_context(&mut self, manager: &Value<H::Object>) -> Result<Value<H::Object>> {
        let Value::Object(object, _) = manager else {
            return Err(self.needs(manager, "a context manager"));
        };
        match self.host.describe(object).as_str() {
            "errstate" | "catch_warnings" | "nullcontext" => Ok(self.none()),
            other => Err(Error::new(ErrorKind::UnknownCall {
                callee: format!("__enter__ of {other}"),
            })),
        }
    }

    fn matches(
        &mut self,
        caught: &Value<H::Object>,
        class: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        let name = match caught {
            Value::Caught(name) => name.to_string(),
            other => return Err(self.needs(other, "an exception")),
        };
        let raised = match name.as_str() {
            "AxisError" | "LinAlgError" | "UFuncTypeError" => self.host.builtin("ValueError"),
            other => self.host.builtin(other),
        };
        let candidates = match class {
            Value::Tuple(items, _) => items.to_vec(),
            other => vec![other.clone()],
        };
        let mut found = false;
        for candidate in candidates {
            let candidate = self.known(&candidate, "an exception class")?;
            found |= self.host.is_subclass(&raised, &candidate);
        }
        Ok(self.constant(&py::Constant::Bool(found)))
    }

    /// `functools.partial(f, ...)` called while lifting.
    pub fn make_partial(
        &self,
        mut args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        if args.is_empty() {
            return Err(Error::type_error("partial() needs a callable"));
        }
        let callee = args.remove(0);
        Ok(Value::Partial(Rc::new(Partial {
            callee,
            args,
            keywords,
        })))
    }

    /// A random draw: a node executed by the generator's own method.
    pub fn draw(
        &mut self,
        object: &H::Object,
        slot: Option<Slot>,
        distribution: Distribution,
        method: &str,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        // The arguments of `rand(2, 3)` are all sizes.
        let sizes = Value::Tuple(Rc::new(args.to_vec()), None);
        let all_sizes = if args.is_empty() { vec![] } else { vec![sizes] };
        let (signature, args) = match Distribution::signature(method) {
            Some(signature) => (signature, args),
            None => (ONLY_SIZE, all_sizes.as_slice()),
        };
        let mut bound: Vec<Option<Value<H::Object>>> = vec![None; signature.len()];
        for (i, value) in args.iter().enumerate() {
            let place = bound.get_mut(i);
            *place
                .ok_or_else(|| Error::type_error(format!("{method}() takes fewer arguments")))? =
                Some(value.clone());
        }
        for (name, value) in keywords {
            let at = signature
                .iter()
                .position(|(n, _)| n == name)
                .ok_or_else(|| {
                    Error::unlifted(
                        format!("{method}({name}=)"),
                        "the draw is not lifted with it",
                    )
                })?;
            bound[at] = Some(value.clone());
        }
        let mut size = None;
        let mut operands = Vec::new();
        for ((name, default), value) in signature.iter().zip(bound) {
            if *name == "size" {
                size = value;
                continue;
            }
            operands.push(match (value, default) {
                (Some(value), _) => self.number(&value)?,
                (None, Some(default)) => self.b.float(*default),
                (None, None) => {
                    return Err(Error::type_error(format!("{method}() needs {name}")));
                }
            });
        }
        let size = match size {
            Some(Value::Object(o, _)) if self.host.class(&o) == Class::None => None,
            other => other,
        };
        let shape = match &size {
            Some(size) => self.shape_of(size)?,
            None => self.broadcast_shape(&operands)?,
        };
        let rank = shape.len();
        let (generator, spelling) = match slot {
            Some(slot) => (Some(slot), self.spellings[slot].clone()),
            None => (None, "np.random".to_string()),
        };
        let sized = size.is_some();
        let site = self.draws.len() as u32;
        let method = method.to_string();
        self.draws.push(DrawSite {
            generator,
            object: object.clone(),
            method,
            sized,
            spelling,
        });
        let op = Op::Draw {
            distribution,
            shape,
            generator: site,
        };
        let node = self.b.add(op, &operands)?;
        Ok(if rank == 0 && !sized {
            Value::Scalar(node, super::numpy::Form::Python)
        } else {
            Value::Array(super::value::ArrayRef::fresh(node))
        })
    }

    /// The node of a parameter; a known Python number stays weak.
    fn number(&mut self, value: &Value<H::Object>) -> Result<crate::graph::NodeId> {
        match self.argument_of(value)? {
            super::numpy::Arg::Int(k) => Ok(self.b.int(k)),
            super::numpy::Arg::Float(x) => Ok(self.b.float(x)),
            _ => self.node(value),
        }
    }

    fn shape_of(&mut self, size: &Value<H::Object>) -> Result<Shape> {
        let items = match size {
            Value::Tuple(items, _) => items.to_vec(),
            Value::List(_) => self.items_of(size)?,
            other => vec![other.clone()],
        };
        items
            .iter()
            .map(|item| self.as_dim(item).ok_or_else(|| self.needs(item, "a size")))
            .collect()
    }

    fn broadcast_shape(&mut self, operands: &[crate::graph::NodeId]) -> Result<Shape> {
        let shapes: Vec<Shape> = operands
            .iter()
            .map(|n| self.b.aval(*n).shape.clone())
            .collect();
        crate::ops::broadcast_shapes(&mut self.b, &shapes.iter().collect::<Vec<_>>())
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
