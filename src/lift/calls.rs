//! Calls: of Python functions (entered), of NumPy's (nodes), of everything else.
//!
//! In: a callee and its arguments. Out: the value. The order of preference: an operation of the graph;
//! Python code that can be entered; a compiled function without effects, run now on known arguments.

use std::collections::HashMap;
use std::rc::Rc;

use super::draws::GENERATORS;
use super::guard::Slot;
use super::host::{Attribute, Class, FunctionParts, Host};
use super::machine::Machine;
use super::numpy::result_class;
use super::value::{Closure, Frame, Instance, Partial, Value};
use super::{VARARGS, VARKEYWORDS, default};
use crate::ast::{self, py};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::Distribution;

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
                None => keywords.extend(self.keywords_of(&value)?),
            }
        }
        if args.is_empty()
            && keywords.is_empty()
            && let Value::Object(object, _) = &callee
            && self.host.is(object, &self.host.builtin("locals"))
            && let Some(locals) = self.locals_of(frame)
        {
            return Ok(locals);
        }
        self.call(&callee, args, keywords)
    }

    /// `locals()`, unless a name may be bound that a loop did not keep.
    fn locals_of(&mut self, frame: &Frame<H::Object>) -> Option<Value<H::Object>> {
        let code = &frame.function.code;
        let mut names: Vec<&String> = code.varnames.iter().collect();
        for name in code.cellvars.iter().chain(&code.freevars) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut entries = Vec::new();
        for name in names {
            let value = match (frame.cells.get(name), frame.locals.get(name)) {
                (Some(cell), _) => match &*cell.borrow() {
                    Value::Unbound => continue,
                    value => value.clone(),
                },
                (None, Some(Value::Unbound)) => return None,
                (None, Some(value)) => value.clone(),
                (None, None) => continue,
            };
            let key = self.host.constant(&py::Constant::Str(name.clone()));
            entries.push((key, value));
        }
        Some(self.dict(entries))
    }

    /// The entries of a dict as keyword arguments.
    pub fn keywords_of(&mut self, dict: &Value<H::Object>) -> Result<Keywords<H::Object>> {
        let entries = self.entries_of(dict)?.into_iter();
        let named = entries.map(|(key, value)| match self.host.class(&key) {
            Class::Str(name) => Ok((name, value)),
            _ => Err(Error::type_error("keywords must be strings")),
        });
        named.collect()
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
            Value::Instance(instance) if self.host.is_transform(&instance.class) => {
                self.call_made(callee, args, keywords)
            }
            Value::Instance(_) => self.call_special_with(callee, "__call__", args, keywords),
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
        if let Some((class, name)) = self.host.unbound(object) {
            return self.call_unbound(&class, &name, args, keywords);
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
                Ok(Some(result)) => return Ok(self.with_fields(&name, result)),
                Ok(None) => {}
                // NumPy's own Python code may do what the operation does not.
                Err(error) if matches!(error.kind, ErrorKind::Unlifted { .. }) => {
                    refused = Some(error)
                }
                Err(error) => return Err(error),
            }
        }
        fn is_known<H: Host>(machine: &Machine<'_, H>, value: &Value<H::Object>) -> bool {
            const CODE: [Class; 4] = [Class::Function, Class::Wrapper, Class::Method, Class::Type];
            match value {
                Value::Object(o, _) => {
                    machine.is_immutable(o) || CODE.contains(&machine.host.class(o))
                }
                Value::Bound(function, receiver) => {
                    is_known(machine, function) && matches!(**receiver, Value::Object(..))
                }
                _ => false,
            }
        }
        let known_now = matches!(class, Class::Function | Class::Wrapper)
            && args.iter().all(|v| is_known(self, v))
            && keywords.iter().all(|(_, v)| is_known(self, v));
        if known_now && self.host.is_pure(object) {
            return self.call_known(object, &args, &keywords);
        }
        if let Some(stand_in) = self.host.stand_in(object) {
            if class == Class::Type && self.host.class(&stand_in) == Class::Type {
                return self.instantiate(object, args, keywords);
            }
            match self.call_stand_in(stand_in, args.clone(), keywords.clone())? {
                Ok(result) => return Ok(result),
                Err(uncovered) => refused = refused.or(Some(uncovered)),
            }
        }
        // A class method of a compiled class is made anew each time it is asked for.
        if class == Class::Builtin
            && let Some(stand_in) = self.host.method_stand_in(&self.host.describe(object))
        {
            return self.call(&Value::Object(stand_in, None), args, keywords);
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
            Class::Transformed => self.call_known_transformed(object, args, keywords),
            Class::Wrapper => match self.host.unwrap(object) {
                Some(inner) => self.call(&Value::Object(inner, None), args, keywords),
                None => self.call_pure(callee, object, &args, &keywords, refused),
            },
            Class::Instance => self.call_special_with(callee, "__call__", args, keywords),
            Class::Type if refused.is_none() => {
                let function = args.first();
                if self.host.is_transform(object)
                    && !matches!(function, Some(Value::Object(..)))
                    && keywords.is_empty()
                {
                    return self.make_transformed(object, &args);
                }
                let mut values = args.iter().chain(keywords.iter().map(|(_, v)| v));
                if self.host.is_pure(object) && !values.any(|v| self.is_symbolic(v)) {
                    return self.call_known(object, &args, &keywords);
                }
                self.instantiate(object, args, keywords)
            }
            _ => self.call_pure(callee, object, &args, &keywords, refused),
        }
    }

    /// A tuple that NumPy gives as a namedtuple.
    fn with_fields(&self, name: &str, result: Value<H::Object>) -> Value<H::Object> {
        let class = result_class(name).and_then(|class| self.host.find_class(class));
        match (class, &result) {
            (Some(class), Value::Tuple(..)) => Value::Instance(Rc::new(Instance {
                class,
                attributes: self.no_entries(),
                content: Some(result),
            })),
            _ => result,
        }
    }

    /// Calls the Python code that stands for a compiled function; the inner error is what it does not cover.
    pub fn call_stand_in(
        &mut self,
        stand_in: H::Object,
        args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<Result<Value<H::Object>>> {
        match self.call(&Value::Object(stand_in, None), args, keywords) {
            Ok(result) => Ok(Ok(result)),
            Err(error) => match &error.kind {
                ErrorKind::Uncovered { what } => Ok(Err(Error::unlifted(
                    what.clone(),
                    "lazy has no operation for this way of calling",
                ))),
                _ => Err(error),
            },
        }
    }

    /// Compiled code without effects: run now, if all arguments are known, or by each run of the graph.
    fn call_pure(
        &mut self,
        callee: &Value<H::Object>,
        object: &H::Object,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
        refused: Option<Box<Error>>,
    ) -> Result<Value<H::Object>> {
        if self.host.only_fills(object) {
            let filled = self.call_filling(object, args, keywords);
            return filled.map_err(|error| refused.unwrap_or(error));
        }
        if !self.host.is_pure(object) || self.has_out(object, args, keywords) {
            return Err(refused.unwrap_or_else(|| self.unknown_call(callee)));
        }
        // Whether an argument may be overwritten changes nothing but who owns the memory.
        let mut keywords = keywords.clone();
        keywords.retain(|(name, _)| !name.starts_with("overwrite_"));
        let mut values = args.iter().chain(keywords.iter().map(|(_, v)| v));
        if values.any(|v| self.is_symbolic(v)) {
            self.call_compiled(object, args, &keywords)
        } else {
            self.call_known(object, args, &keywords)
        }
    }

    /// Whether a call gives the array to write to: `out=`, where it stands among the positional arguments, or
    /// an argument more than a ufunc reads.
    fn has_out(
        &self,
        callee: &H::Object,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> bool {
        let reads = match self.host.attribute(callee, "nin") {
            Attribute::Value(o) => match self.host.class(&o) {
                Class::Int(n) => n as usize,
                _ => usize::MAX,
            },
            _ => usize::MAX,
        };
        let name = self.host.operation(callee);
        let out = name.and_then(|name| super::numpy::out_position(&name));
        let is_given = |at: usize| args.get(at).is_some_and(|out| !self.is_none(out));
        args.len() > reads
            || out.is_some_and(is_given)
            || keywords.iter().any(|(name, _)| name == "out")
    }

    /// A known object of a type whose operators have no effects.
    fn is_plain(&self, value: &Value<H::Object>) -> bool {
        matches!(value, Value::Object(o, _) if self.is_immutable(o))
    }

    /// A function without effects, called now on known arguments.
    pub fn call_known(
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

    /// Calls something with arguments that are bound to the parameters of a function: the inverse of
    /// [`Self::bind`]. What is the default is left out, so that the callee sees what the caller wrote.
    pub fn call_bound(
        &mut self,
        callee: &H::Object,
        code: &ast::Code,
        parts: &FunctionParts<H::Object>,
        objects: &[H::Object],
        values: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        let positional = code.argcount as usize;
        let named = positional + code.kwonlyargcount as usize;
        let has_varargs = code.flags & VARARGS != 0;
        let spread = match has_varargs {
            true => self.items_of(&values[named])?,
            false => vec![],
        };
        let mut args = Vec::new();
        let mut keywords = Vec::new();
        let mut left_out = false;
        for (at, value) in values.iter().enumerate().take(named) {
            let is_default =
                default(code, parts, at).is_some_and(|d| self.host.is(&d, &objects[at]));
            let is_needed = at < positional && !spread.is_empty();
            if is_default && matches!(value, Value::Object(..)) && !is_needed {
                self.pin(value);
                left_out = true;
            } else if at < positional && !left_out {
                args.push(value.clone());
            } else {
                keywords.push((code.varnames[at].clone(), value.clone()));
            }
        }
        args.extend(spread);
        if code.flags & VARKEYWORDS != 0 {
            keywords.extend(self.keywords_of(&values[named + usize::from(has_varargs)])?);
        }
        let slot = self.held(callee);
        let callee = Value::Object(callee.clone(), Some(slot));
        self.call(&callee, args, keywords)
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
        let has_varargs = code.flags & VARARGS != 0;
        let has_keywords = code.flags & VARKEYWORDS != 0;
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
}
