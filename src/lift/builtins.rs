//! Python's builtin functions and the methods of its containers, on machine values.
//!
//! In: a name such as `builtins.len` and arguments. Out: the value, or `None` to go on with the general
//! rules (an operation of the graph, or running a pure function now).

use std::rc::Rc;

use super::calls::Keywords;
use super::carry::Pattern;
use super::host::{Attribute, Base, Class, Host};
use super::machine::Machine;
use super::numpy::{Arg, Form};
use super::value::{DictValue, Iterator, Sharing, Value};
use super::{Effect, Twins};
use crate::ast::py;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Aval, DType, Dim, Kind};
use crate::ops::{Constant, Elementwise, Op};

/// A `range` longer than this stays unlifted: it would be unrolled.
const MAX_RANGE: i64 = 100_000;

impl<H: Host> Machine<'_, H> {
    /// Whether nothing is differentiated or mapped.
    pub fn values_suffice(&self) -> bool {
        self.twins == Twins::One && self.transformed == 0
    }

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
                "warnings.warn" => {
                    let callee = self.known(callee, "warn")?;
                    self.warn(&callee, args, keywords).map(Some)
                }
                "warnings.simplefilter" | "warnings.filterwarnings" => {
                    self.filter_warnings(args, keywords).map(Some)
                }
                "operator.index" => match args {
                    [size @ Value::Size(_)] => Ok(Some(size.clone())),
                    _ => Ok(None),
                },
                "math.prod" => match args {
                    [items] => {
                        let mut product = self.int(1);
                        for item in self.items_of(items)? {
                            product = self.binary("mul", &product, &item)?;
                        }
                        Ok(Some(product))
                    }
                    _ => Ok(None),
                },
                "numpy.may_share_memory" | "numpy.shares_memory" => {
                    self.shares_memory(args).map(Some)
                }
                _ if name.starts_with("numpy.") => self.writing_call(name, args, keywords),
                _ if name.starts_with("logging.Logger.") => {
                    self.print(callee, args, keywords).map(Some)
                }
                "functools.partial" => self.make_partial(args.to_vec(), keywords.clone()).map(Some),
                "types.MethodType" => match args {
                    [function, receiver] => Ok(Some(Value::Bound(
                        Rc::new(function.clone()),
                        Rc::new(receiver.clone()),
                    ))),
                    _ => Ok(None),
                },
                "lazy._custom.with_jvp" => self.with_jvp(args).map(Some),
                "lazy._custom.with_vjp" => self.with_vjp(args).map(Some),
                "lazy._custom.call_checkpointed" => self.call_checkpointed(args).map(Some),
                "lazy._custom.call_for_each" => self.call_for_each(args).map(Some),
                "lazy._custom.call_opaque" => self.call_opaque(args).map(Some),
                "lazy._custom.enter_opaque" => Err(Error::unlifted(
                    "this block",
                    "it is opaque, so that Python runs it",
                )),
                "lazy._scipy_equivalents.plain_routines"
                | "lazy._scipy_spatial.pairs"
                | "lazy._standins.plain_attribute"
                | "lazy._standins.plain_dtype"
                | "lazy._standins.plain_signature" => {
                    let callee = self.known(callee, "a function")?;
                    self.call_known(&callee, args, keywords).map(Some)
                }
                "lazy._equivalents.values_suffice" => {
                    let answer = self
                        .host
                        .constant(&py::Constant::Bool(self.values_suffice()));
                    Ok(Some(Value::Object(answer, None)))
                }
                "lazy._equivalents.uncovered" => {
                    let what = match args.first() {
                        Some(Value::Object(what, _)) => self.host.class(what),
                        _ => Class::None,
                    };
                    let what = match what {
                        Class::Str(what) => what,
                        _ => "this way of calling".into(),
                    };
                    Err(Error::new(ErrorKind::Uncovered { what }))
                }
                _ => Ok(None),
            };
        };
        let value = match (name, args) {
            ("len", [x]) => self.length(x)?,
            ("divmod", [a, b]) => match self.overloaded("divmod", a, b)? {
                Some(answer) => answer,
                None => {
                    self.refuse_sequences(name, args)?;
                    return Ok(None);
                }
            },
            ("abs", [Value::List(_) | Value::Tuple(..)]) => {
                self.refuse_sequences(name, args)?;
                return Ok(None);
            }
            ("range", _) => return self.range(args).map(Some),
            ("enumerate", [x, start @ ..]) => {
                let first = match start.first().or_else(|| keyword(keywords, "start")) {
                    Some(start) => self.int_of(start, "enumerate")?,
                    None => 0,
                };
                let inner = self.iterate(x)?;
                Value::Iterator(Rc::new(Iterator::Enumerate(inner, first).into()))
            }
            ("zip", _) if keywords.is_empty() => {
                let rows = self.zip(args)?;
                Value::Iterator(Rc::new(rows.into()))
            }
            ("zip", _) => self.zip_with(args, keywords)?,
            ("map", [f, lists @ ..]) => {
                let rows = self.zip(lists)?;
                let map = Iterator::Map(Box::new(f.clone()), Rc::new(rows.into()));
                Value::Iterator(Rc::new(map.into()))
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
            // Its rows are read when they are asked for, as those of the array are.
            ("reversed", [x @ Value::Array(_)]) => {
                let backwards = [self.none(), self.none(), self.int(-1)];
                let view = self.get_item(x, &Value::Slice(Rc::new(backwards)))?;
                Value::Iterator(self.iterate(&view)?)
            }
            ("reversed", [x]) => {
                let mut items = self.items_of(x)?;
                items.reverse();
                self.iterator(items)
            }
            ("iter", [x]) => Value::Iterator(self.iterate(x)?),
            ("next", [x, default @ ..]) => {
                let next = match x {
                    Value::Iterator(it) => self.iterator_method(&it.clone(), "__next__", &[]),
                    other => self.call_special(other, "__next__", vec![]),
                };
                match (next, default.first()) {
                    (Err(e), Some(default)) if self.is_raised(&e, "StopIteration") => {
                        default.clone()
                    }
                    (next, _) => next?,
                }
            }
            ("set", []) => self.make_set(&[])?,
            ("set", [Value::Set(set)]) => self.copied_set(&set.clone())?,
            ("set", [x]) => {
                let items = self.items_of(x)?;
                self.make_set(&items)?
            }
            ("frozenset", [x]) if !matches!(x, Value::Object(..)) => {
                let items = self.items_of(x)?;
                let items = Value::Tuple(Rc::new(items), None);
                let items = self.known(&items, "an element of a set")?;
                let outcome = self.host.call(&self.host.builtin(name), &[items], &[]);
                self.outcome(outcome)?
            }
            ("abs", [x]) if self.is_instance_value(x) => match self.overloaded_unary("abs", x)? {
                Some(value) => value,
                None => return Ok(None),
            },
            ("float" | "int" | "complex", [x]) if self.is_instance_value(x) => {
                match self.overloaded_unary(name, x)? {
                    Some(value) => value,
                    None => return Ok(None),
                }
            }
            ("str" | "repr", [x]) if self.is_instance_value(x) => {
                match self.overloaded_unary(name, x)? {
                    Some(value) => value,
                    None => self.text_of_instance(name, x)?,
                }
            }
            // Of what is told apart by identity anyway, and lives on.
            ("id", [Value::Object(o, _)])
                if matches!(
                    self.host.class(o),
                    Class::None | Class::Function | Class::Type | Class::Module | Class::Builtin
                ) =>
            {
                self.pin_identity(&args[0]);
                let outcome =
                    self.host
                        .call(&self.host.builtin("id"), std::slice::from_ref(o), &[]);
                self.outcome(outcome)?
            }
            ("hash", [x @ Value::Object(o, _)]) if self.is_immutable(o) => {
                let known = self.known(x, "hash()")?;
                let outcome = self.host.call(&self.host.builtin("hash"), &[known], &[]);
                self.outcome(outcome)?
            }
            ("hash", [x]) if self.is_instance_value(x) => match self.overloaded_unary("hash", x)? {
                Some(value) => value,
                None => return Ok(None),
            },
            ("dir", [x]) if self.is_instance_value(x) => self.names_of(x)?,
            ("vars", [x]) => self.attribute(x, "__dict__")?,
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
                let iterator = self.iterate(x)?;
                while let Some(item) = self.advance(&iterator)? {
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
                self.require_classes(&b)?;
                let answer = self.host.is_subclass(&a, &b);
                self.constant(&py::Constant::Bool(answer))
            }
            ("callable", [x]) => {
                let answer = match x {
                    Value::Object(o, _) => {
                        self.pin(x);
                        let class = self.host.type_of(o);
                        let found = self.host.look_up(&class, None, "__call__");
                        !matches!(found, Attribute::Missing | Attribute::Fallback(_))
                    }
                    Value::Instance(_) => self.special(x, "__call__").is_some(),
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
                    (Err(e), Some(default)) if self.is_raised(&e, "AttributeError") => {
                        default.clone()
                    }
                    (result, _) => result?,
                }
            }
            ("hasattr", [x, attribute]) => {
                let attribute = self.string(attribute)?;
                let answer = match self.attribute(x, &attribute) {
                    Ok(_) => true,
                    Err(e) if self.is_raised(&e, "AttributeError") => false,
                    Err(e) => return Err(e),
                };
                self.constant(&py::Constant::Bool(answer))
            }
            ("setattr", [x, attribute, value]) => {
                let attribute = self.string(attribute)?;
                self.set_attribute(x, &attribute, value.clone())?;
                self.none()
            }
            ("delattr", [x, attribute]) => {
                let attribute = self.string(attribute)?;
                self.delete_attribute(x, &attribute)?;
                self.none()
            }
            ("bool", []) => self.constant(&py::Constant::Bool(false)),
            ("bool", [x @ Value::Scalar(..)]) if !self.attempts.is_empty() => {
                Value::Scalar(self.flag_of(x)?, Form::Python)
            }
            ("bool", [x]) => {
                let truth = self.truth(x, "bool()")?;
                self.constant(&py::Constant::Bool(truth))
            }
            ("int", [Value::Size(dim)]) => Value::Size(dim.clone()),
            ("int", [x @ Value::Scalar(node, _)])
                if !self.attempts.is_empty() && self.b.aval(*node).dtype.is_float() =>
            {
                self.truncated(x)?
            }
            ("int", [Value::Scalar(node, _)])
                if !self.attempts.is_empty()
                    && self.b.aval(*node).dtype.kind() <= Kind::Int
                    && self.b.aval(*node).dtype != DType::U64 =>
            {
                Value::Scalar(self.b.cast(*node, DType::I64)?, Form::Python)
            }
            ("int", [Value::Scalar(node, _)]) if self.has_integer(*node)? => {
                let integer = self.b.cast(*node, DType::I64)?;
                let known = self.decided(integer, "int()")?;
                let known = self.int_of(&known, "int()")?;
                self.int(known)
            }
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
            ("sorted", [x]) => {
                let items = self.items_of(x)?;
                let items = self.sort(items, keywords)?;
                self.list(items)
            }
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

    pub fn length(&mut self, value: &Value<H::Object>) -> Result<Value<H::Object>> {
        Ok(match value {
            Value::Array(_) => {
                let node = self.node(value)?;
                let first = self.b.aval(node).shape.first().cloned();
                let first = first.ok_or_else(|| Error::type_error("len() of unsized object"))?;
                self.value_of(Arg::Dim(first), &[], Sharing::Nothing)
            }
            Value::Flat(array) => {
                let flat = self.flat_copy(&array.clone())?;
                self.length(&flat)?
            }
            Value::Tuple(items, _) => self.int(items.len() as i64),
            Value::List(list) => self.int(list.items.borrow().len() as i64),
            Value::Dict(dict) | Value::DictView(dict, _) => {
                self.int(dict.entries.borrow().len() as i64)
            }
            Value::Set(set) => {
                let items = self.host.items(&set.object).unwrap_or_default();
                self.int(items.len() as i64)
            }
            // A range of computed bounds.
            Value::Iterator(it) if matches!(&*it.borrow(), Iterator::Span(_)) => {
                let items = self.items_of(value)?;
                self.int(items.len() as i64)
            }
            Value::Instance(instance) => match self.special(value, "__len__") {
                Some(method) => self.call(&method, vec![], vec![])?,
                None => match instance.content.clone() {
                    Some(content) => self.length(&content)?,
                    None => {
                        let what = self.describe(value);
                        let message = format!("object of type '{what}' has no len()");
                        return Err(Error::type_error(message));
                    }
                },
            },
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
        if let Some(span) = self.span(args)? {
            return Ok(span);
        }
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

    /// `int(x)` of a float within a loop. Python raises for what is no number of 64 bits; here an index
    /// out of bounds does, after which the loop is Python's.
    fn truncated(&mut self, x: &Value<H::Object>) -> Result<Value<H::Object>> {
        let x = self.node(x)?;
        let size = self.b.elementwise(Elementwise::Absolute, &[x])?;
        let limit = self.b.float(9.0e18);
        let fits = self.b.elementwise(Elementwise::Less, &[size, limit])?;
        let wrong = self.b.elementwise(Elementwise::LogicalNot, &[fits])?;
        let wrong = self.b.cast(wrong, DType::I64)?;
        let aval = Aval::new(DType::I64, [Dim::known(1)]);
        let zero = Constant::Array(crate::eval::value::Value::zeros(DType::I64, &[1]).into());
        let table = self.b.constant(zero, aval);
        let axes = std::iter::once(0).collect();
        let checked = self.b.add(Op::Gather { axes, at: 0 }, &[table, wrong])?;
        let whole = self.b.cast(x, DType::I64)?;
        let node = self.b.elementwise(Elementwise::Add, &[whole, checked])?;
        Ok(Value::Scalar(node, Form::Python))
    }

    /// A `range` whose bounds are sizes or values, or one that is long: only to be run through.
    fn span(&mut self, args: &[Value<H::Object>]) -> Result<Option<Value<H::Object>>> {
        let (zero, one) = (self.int(0), self.int(1));
        let (start, stop, step) = match args {
            [stop] => (&zero, stop, &one),
            [start, stop] => (start, stop, &one),
            [start, stop, step] => (start, stop, step),
            _ => return Ok(None),
        };
        let mut is_known = true;
        for bound in [start, stop, step] {
            is_known &= match bound {
                Value::Size(_) => false,
                Value::Scalar(node, _) => {
                    let node = *node;
                    if !self.b.aval(node).dtype.is_integer() {
                        let what = self.describe(bound);
                        return Err(Error::type_error(format!(
                            "'{what}' object cannot be interpreted as an integer"
                        )));
                    }
                    false
                }
                _ => true,
            };
        }
        if is_known {
            let bounds = [start, stop, step].map(|v| self.int_of(v, "range()"));
            let [a, b, by] = bounds;
            let (a, b, by) = (a?, b?, by?);
            if by == 0 || b.saturating_sub(a) / by <= MAX_RANGE {
                return Ok(None);
            }
        }
        // `range` gives Python's integers, whatever its bounds are.
        let mut bounds = [start.clone(), stop.clone(), step.clone()];
        for bound in &mut bounds {
            if let Value::Scalar(node, form) = bound
                && *form != Form::Python
            {
                *bound = Value::Scalar(self.b.cast(*node, DType::I64)?, Form::Python);
            }
        }
        let span = Iterator::Span(Box::new(bounds));
        Ok(Some(Value::Iterator(Rc::new(span.into()))))
    }

    fn zip(&mut self, args: &[Value<H::Object>]) -> Result<Iterator<H::Object>> {
        let parts = args.iter().map(|v| self.iterate(v));
        let parts: Vec<_> = parts.collect::<Result<_>>()?;
        Ok(match parts.is_empty() {
            true => Iterator::Finished,
            false => Iterator::Zip(parts),
        })
    }

    /// `zip(..., strict=True)`.
    fn zip_with(
        &mut self,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let strict = keyword(keywords, "strict").cloned();
        let strict = strict.ok_or_else(|| Error::type_error("zip() takes strict= only"))?;
        let rows = self.zip(args)?;
        if self.truth(&strict, "strict")? {
            let parts = args.iter().map(|v| self.items_of(v));
            let parts: Vec<_> = parts.collect::<Result<_>>()?;
            let first = parts.first().map_or(0, Vec::len);
            if let Some(at) = parts.iter().position(|p| p.len() != first) {
                let word = if parts[at].len() < first {
                    "shorter"
                } else {
                    "longer"
                };
                let others = if at == 1 {
                    "argument 1".into()
                } else {
                    format!("arguments 1-{at}")
                };
                let message = format!("zip() argument {} is {word} than {others}", at + 1);
                return Err(Error::value(message));
            }
            let parts = parts.into_iter().map(|items| {
                let left = items.into_iter().rev().collect();
                Rc::new(Iterator::Items(left).into())
            });
            return Ok(Value::Iterator(Rc::new(
                Iterator::Zip(parts.collect()).into(),
            )));
        }
        Ok(Value::Iterator(Rc::new(rows.into())))
    }

    pub fn make_dict(
        &mut self,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let mut entries = Vec::new();
        match args {
            [] => {}
            [Value::Dict(dict)] => entries = dict.entries.borrow().clone(),
            [mapping @ Value::Instance(instance)]
                if matches!(instance.content, Some(Value::Dict(_))) =>
            {
                entries = self.entries_of(mapping)?;
            }
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
        let dict = Rc::new(DictValue {
            born: super::value::birth(),
            entries: Vec::new().into(),
            outside: None,
        });
        for (key, value) in entries {
            self.put(&dict, key, value)?;
        }
        Ok(Value::Dict(dict))
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
        let (mut key, mut default) = (None, None);
        for (keyword, value) in keywords {
            match keyword.as_str() {
                "key" if self.is_none(value) => {}
                "key" => key = Some(value.clone()),
                "default" if args.len() == 1 => default = Some(value.clone()),
                other => {
                    let message = format!("{name}() got an unexpected keyword argument '{other}'");
                    return Err(Error::type_error(message));
                }
            }
        }
        if items.is_empty() && default.is_some() {
            return Ok(default);
        }
        let symbolic = |v: &Value<H::Object>| matches!(v, Value::Array(_) | Value::Scalar(..));
        if key.is_none() && items.iter().any(symbolic) && !self.must_choose(&items)? {
            // Python compares pairwise and keeps one: a choice by value, which is an operation.
            return self.operation(&format!("builtins.{name}"), &items, &[]);
        }
        let mut keyed = Vec::new();
        for item in items {
            let by = match &key {
                Some(key) => self.call(key, vec![item.clone()], vec![])?,
                None => item.clone(),
            };
            keyed.push((by, item));
        }
        let mut keyed = keyed.into_iter();
        let Some(mut best) = keyed.next() else {
            let message = format!("{name}() iterable argument is empty");
            return Err(Error::value(message));
        };
        let op = if name == "min" {
            py::CmpOp::Lt
        } else {
            py::CmpOp::Gt
        };
        for (by, item) in keyed {
            let better = self.compare(op, &by, &best.0)?;
            if self.truth(&better, name)? {
                best = (by, item);
            }
        }
        Ok(Some(best.1))
    }

    /// Whether the one that is kept decides what kind of number it is, which Python then shows.
    fn must_choose(&mut self, items: &[Value<H::Object>]) -> Result<bool> {
        if self.twins == Twins::Apart || !self.attempts.is_empty() {
            return Ok(false);
        }
        let mut kinds = Vec::with_capacity(items.len());
        for item in items {
            match self.pattern(item)? {
                Pattern::Number(aval, _) => kinds.push(aval.dtype.kind()),
                Pattern::Same(_) | Pattern::Array(_) | Pattern::Tuple(_) => return Ok(false),
            }
        }
        Ok(kinds.windows(2).any(|pair| pair[0] != pair[1]))
    }

    pub fn type_of(&mut self, value: &Value<H::Object>) -> Result<Value<H::Object>> {
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
            Value::Set(_) => self.host.builtin("set"),
            Value::Instance(instance) => instance.class.clone(),
            Value::Flat(_) => self.class_named("numpy.flatiter")?,
            Value::Closure(_) => self.class_named("types.FunctionType")?,
            Value::Bound(..) => self.class_named("types.MethodType")?,
            Value::Method(..) => self.class_named("types.BuiltinMethodType")?,
            Value::Partial(_) => self.class_named("functools.partial")?,
            Value::Iterator(iterator) => match &*iterator.borrow() {
                Iterator::Generator(_) => self.class_named("types.GeneratorType")?,
                Iterator::Zip(_) => self.host.builtin("zip"),
                Iterator::Enumerate(..) => self.host.builtin("enumerate"),
                Iterator::Map(..) => self.host.builtin("map"),
                _ => return Err(self.needs(value, "the argument of type()")),
            },
            other => return Err(self.needs(other, "the argument of type()")),
        };
        Ok(Value::Object(class, None))
    }

    /// `dir(x)` of an instance: what it and its class have.
    fn names_of(&mut self, value: &Value<H::Object>) -> Result<Value<H::Object>> {
        let class = self.class_of(value)?;
        let shown = match value {
            Value::Object(o, _) => o.clone(),
            _ => class.clone(),
        };
        if self.special(value, "__dir__").is_some() {
            return Err(self.unknown_method(&self.host.describe(&class), "__dir__"));
        }
        let dir = self.host.call(&self.host.builtin("dir"), &[shown], &[]);
        let names = self.outcome(dir)?;
        let mut names = self.items_of(&names)?;
        let own = self.attribute(value, "__dict__")?;
        names.extend(self.items_of(&own)?);
        let Value::Set(set) = self.make_set(&names)? else {
            return Err(Error::internal("a set that is none"));
        };
        let sorted = self.host.call(
            &self.host.builtin("sorted"),
            std::slice::from_ref(&set.object),
            &[],
        );
        self.outcome(sorted)
    }

    pub fn class_named(&self, name: &str) -> Result<H::Object> {
        let class = self.host.find_class(name);
        class.ok_or_else(|| Error::internal(format!("{name} is not there")))
    }

    /// What is neither a class nor a tuple of classes nor a union, Python refuses.
    fn require_classes(&self, class: &H::Object) -> Result<()> {
        let classes = match self.host.class(class) {
            Class::Tuple => self.host.items(class).unwrap_or_default(),
            _ => vec![class.clone()],
        };
        let is_class = |o: &H::Object| {
            !matches!(
                self.host.class(o),
                Class::None
                    | Class::Bool(_)
                    | Class::Int(_)
                    | Class::Float(_)
                    | Class::Complex(..)
                    | Class::Str(_)
                    | Class::List
                    | Class::Array(..)
            )
        };
        match classes.iter().all(is_class) {
            true => Ok(()),
            false => Err(Error::unlifted(
                "a test of what is no class",
                "Python raises",
            )),
        }
    }

    fn is_instance(
        &mut self,
        value: &Value<H::Object>,
        class: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        let class = self.known(class, "isinstance()")?;
        self.require_classes(&class)?;
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
            other => {
                let Value::Object(kind, _) = self.type_of(other)? else {
                    return Err(Error::internal("a type that is no object"));
                };
                self.host.is_subclass(&kind, &class)
            }
        };
        Ok(self.constant(&py::Constant::Bool(answer)))
    }

    /// `str` or `repr` of an instance whose class leaves it to Python: made after the run.
    fn text_of_instance(
        &mut self,
        conversion: &str,
        value: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        if let (Value::Instance(instance), "str") = (value, conversion)
            && let Some(Value::List(args)) = &instance.content
            && self.host.base(&instance.class) == Base::Exception
        {
            let args = args.items.borrow().clone();
            let callee = Value::Object(self.host.builtin("str"), None);
            return match args.as_slice() {
                [] => Ok(self.constant(&py::Constant::Str(String::new()))),
                [one] => self.call(&callee, vec![one.clone()], vec![]),
                many => {
                    let many = Value::Tuple(Rc::new(many.to_vec()), None);
                    self.call(&callee, vec![many], vec![])
                }
            };
        }
        let exception = self.host.builtin("BaseException");
        if let Value::Object(object, None) = value
            && self.host.is_instance(object, &exception)
        {
            let callee = self.host.builtin(conversion);
            let outcome = self.host.call(&callee, std::slice::from_ref(object), &[]);
            return self.outcome(outcome);
        }
        self.format(value.clone(), conversion[..1].to_string(), String::new())
    }

    /// A call for its effect: repeated by Python after each run, with the values computed then.
    pub fn print(
        &mut self,
        callee: &Value<H::Object>,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let callee = self.known(callee, "print")?;
        self.settle(false)?;
        let mut shown = args.iter().chain(keywords.iter().map(|(_, v)| v));
        if shown.any(|v| self.shows_outside(v)) {
            // The first time counts: what is written later would show there.
            let writes = self.changes.writes;
            self.changes.shown_at.get_or_insert(writes);
        }
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
        let value = self.frozen(value)?;
        self.tree(&value)
    }
}

fn keyword<'k, O>(keywords: &'k Keywords<O>, name: &str) -> Option<&'k Value<O>> {
    keywords.iter().find(|(n, _)| n == name).map(|(_, v)| v)
}
