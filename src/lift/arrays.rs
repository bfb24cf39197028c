//! Arrays and numbers in the machine: operators, indexing, aliases, writes.
//!
//! In: machine values. Out: nodes, through [`super::numpy`], which knows what NumPy means.
//! `y = x[1:]; y += 1` finds that `y` is the slice `1:` of the buffer of `x`, and makes a new version
//! of that buffer, which `x` and every other view see.

use std::rc::Rc;

use super::host::{Attribute, Class, Host};
use super::machine::Machine;
use super::numpy::{self, Arg, Form, Keywords, Shares, Symbolic};
use super::value::{ArrayRef, Buffer, Iterator, Look, Piece, Sharing, Value};
use crate::ast::py;
use crate::error::{Error, ErrorKind, Exception, Result};
use crate::graph::{Aval, Dim, NodeId};
use crate::ops::{Constant, Elementwise as E, Op, Range};

impl<H: Host> Machine<'_, H> {
    /// The node of an array or number.
    pub fn node(&mut self, value: &Value<H::Object>) -> Result<NodeId> {
        match value {
            Value::Array(array) => self.array_node(array),
            Value::Scalar(node, _) => Ok(*node),
            Value::Size(dim) => Ok(self.b.size(dim.clone())),
            other => match self.operation("numpy.asarray", std::slice::from_ref(other), &[])? {
                Some(Value::Array(array)) => self.array_node(&array),
                _ => Err(self.needs(other, "an array")),
            },
        }
    }

    pub fn array_node(&mut self, array: &ArrayRef) -> Result<NodeId> {
        if let Some(node) = array.current() {
            return Ok(node);
        }
        let mut node = array.buffer.version.get().0;
        for look in array.views.iter() {
            node = self.look(look, node)?;
        }
        array.set_current(node);
        Ok(node)
    }

    fn look(&mut self, look: &Look, node: NodeId) -> Result<NodeId> {
        if let Op::Reshape(shape) | Op::BroadcastTo(shape) = &look.op
            && self.b.aval(node).shape == *shape
        {
            return Ok(node);
        }
        let mut operands = vec![node];
        operands.extend(&look.indices);
        self.b.add(look.op.clone(), &operands)
    }

    pub fn needs(&self, value: &Value<H::Object>, what: &str) -> Box<Error> {
        Error::unlifted(self.describe(value), format!("it is used as {what}"))
    }

    /// Whether a value, or anything in it, is computed by the graph.
    pub fn is_symbolic(&self, value: &Value<H::Object>) -> bool {
        match value {
            Value::Array(_)
            | Value::Flat(_)
            | Value::Scalar(..)
            | Value::Size(_)
            | Value::Text(_) => true,
            Value::Tuple(items, _) => items.iter().any(|v| self.is_symbolic(v)),
            Value::List(list) => list.items.borrow().iter().any(|v| self.is_symbolic(v)),
            Value::Dict(dict) => dict
                .entries
                .borrow()
                .iter()
                .any(|(_, v)| self.is_symbolic(v)),
            Value::Slice(parts) => parts.iter().any(|v| self.is_symbolic(v)),
            Value::DictView(dict, _) => self.is_symbolic(&Value::Dict(dict.clone())),
            Value::Instance(instance) => {
                instance.content.iter().any(|c| self.is_symbolic(c))
                    || self.is_symbolic(&Value::Dict(instance.attributes.clone()))
            }
            Value::Bound(_, receiver) => self.is_symbolic(receiver),
            Value::Method(receiver, _) => self.is_symbolic(receiver),
            Value::Partial(p) => p.args.iter().any(|v| self.is_symbolic(v)),
            Value::Object(..)
            | Value::Closure(_)
            | Value::Iterator(_)
            | Value::Super(..)
            | Value::Set(_)
            | Value::Cell(_)
            | Value::Unbound => false,
        }
    }

    /// A value as an argument of a NumPy function.
    pub fn argument_of(&mut self, value: &Value<H::Object>) -> Result<Arg> {
        Ok(match value {
            Value::Array(array) => Arg::Array(Symbolic {
                node: self.array_node(array)?,
                form: Form::Array,
            }),
            Value::Scalar(node, form) => Arg::Array(Symbolic {
                node: *node,
                form: *form,
            }),
            Value::Flat(array) => {
                let flat = self.flat_copy(&array.clone())?;
                self.argument_of(&flat)?
            }
            Value::Size(dim) => Arg::Dim(dim.clone()),
            Value::Tuple(items, _) => Arg::Tuple(self.arguments_of(items)?),
            Value::List(list) => {
                let items = list.items.borrow().clone();
                Arg::List(self.arguments_of(&items)?)
            }
            Value::Slice(parts) => {
                let [a, b, c] = &**parts;
                Arg::Slice(Box::new([
                    self.argument_of(a)?,
                    self.argument_of(b)?,
                    self.argument_of(c)?,
                ]))
            }
            Value::Instance(instance) => match &instance.content {
                Some(content @ (Value::Tuple(..) | Value::List(_))) => self.argument_of(content)?,
                _ => return self.instance_argument(value),
            },
            Value::Object(o, _) if self.host.class(o) == Class::Instance => {
                return self.instance_argument(value);
            }
            Value::Object(o, _) if self.host.class(o) == Class::Range => {
                let items = self.items_of(value)?;
                Arg::List(self.arguments_of(&items)?)
            }
            Value::Iterator(it) if matches!(&*it.borrow(), Iterator::Span(_)) => {
                let Iterator::Span(bounds) = &*it.borrow() else {
                    return Err(Error::internal("a range that is gone"));
                };
                let numbers = self.numpy("numpy.arange", &bounds[..])?;
                self.argument_of(&numbers)?
            }
            Value::Object(o, _) => {
                // Its value becomes part of the graph.
                self.pin(value);
                self.object_argument(o)?
            }
            other => Arg::Other(self.describe(other)),
        })
    }

    /// An instance that says itself what array it is.
    fn instance_argument(&mut self, value: &Value<H::Object>) -> Result<Arg> {
        for name in ["__array__", "__float__", "__index__"] {
            if let Some(method) = self.special(value, name) {
                let array = self.call(&method, vec![], vec![])?;
                return self.argument_of(&array);
            }
        }
        if let Value::Object(..) = value {
            self.pin(value);
        }
        Ok(Arg::Other(self.describe(value)))
    }

    pub fn arguments_of(&mut self, values: &[Value<H::Object>]) -> Result<Vec<Arg>> {
        values.iter().map(|v| self.argument_of(v)).collect()
    }

    fn object_argument(&mut self, object: &H::Object) -> Result<Arg> {
        Ok(match self.host.class(object) {
            Class::None => Arg::None,
            Class::Bool(x) => Arg::Bool(x),
            Class::Int(x) => Arg::Int(x),
            Class::Float(x) => Arg::Float(x),
            Class::Complex(re, im) => Arg::Complex(num_complex::Complex64::new(re, im)),
            Class::Str(s) => Arg::Str(s),
            Class::Ellipsis => Arg::Ellipsis,
            Class::DType(d) => Arg::DType(d),
            class @ (Class::NumPyScalar(_) | Class::Array(..)) => {
                let value = self
                    .host
                    .value(object)
                    .ok_or_else(|| Error::unlifted(self.host.describe(object), "not readable"))?;
                let shape = value.shape.iter().map(|&n| Dim::from(n));
                let aval = Aval::new(value.dtype, shape);
                let node = self.b.constant(Constant::Array(value.into()), aval);
                let scalar = matches!(class, Class::NumPyScalar(_));
                let form = if scalar { Form::Scalar } else { Form::Array };
                Arg::Array(Symbolic { node, form })
            }
            Class::Slice => {
                let [a, b, c] = self.host.slice_parts(object);
                Arg::Slice(Box::new([
                    self.object_argument(&a)?,
                    self.object_argument(&b)?,
                    self.object_argument(&c)?,
                ]))
            }
            Class::Tuple | Class::NamedTuple | Class::Range => {
                let items = self.host.items(object).unwrap_or_default();
                Arg::Tuple(
                    items
                        .iter()
                        .map(|o| self.object_argument(o))
                        .collect::<Result<_>>()?,
                )
            }
            Class::List => {
                let items = self.host.items(object).unwrap_or_default();
                Arg::List(
                    items
                        .iter()
                        .map(|o| self.object_argument(o))
                        .collect::<Result<_>>()?,
                )
            }
            Class::Type => match self.host.operation(object).as_deref() {
                Some("builtins.float") => Arg::DType(crate::graph::DType::F64),
                Some("builtins.int") => Arg::DType(crate::graph::DType::I64),
                Some("builtins.bool") => Arg::DType(crate::graph::DType::Bool),
                Some("builtins.complex") => Arg::DType(crate::graph::DType::C128),
                _ => Arg::Other(self.host.describe(object)),
            },
            _ => Arg::Other(self.host.describe(object)),
        })
    }

    /// The result of a NumPy function as a value. `operands` are what it may be a view of.
    pub fn value_of(
        &mut self,
        arg: Arg,
        operands: &[Value<H::Object>],
        sharing: Sharing,
    ) -> Value<H::Object> {
        match arg {
            Arg::None => self.none(),
            Arg::Bool(x) => self.constant(&py::Constant::Bool(x)),
            Arg::Int(x) => self.int(x),
            Arg::Float(x) => self.constant(&py::Constant::Float(x)),
            Arg::Complex(z) => self.constant(&py::Constant::Complex {
                real: z.re,
                imag: z.im,
            }),
            Arg::Str(s) => self.constant(&py::Constant::Str(s)),
            Arg::Ellipsis => self.constant(&py::Constant::Ellipsis),
            Arg::Other(s) => self.constant(&py::Constant::Str(s)),
            Arg::Either(_) => Value::Unbound,
            Arg::Dim(dim) => match dim.as_known() {
                Some(k) => self.int(k),
                None => Value::Size(dim),
            },
            Arg::DType(d) => Value::Object(self.host.dtype(d), None),
            Arg::Array(Symbolic {
                node,
                form: Form::Array,
            }) if sharing == Sharing::Nothing => Value::Array(ArrayRef::fresh(node)),
            Arg::Array(Symbolic {
                node,
                form: Form::Array,
            }) => Value::Array(self.alias(node, operands, sharing)),
            Arg::Array(Symbolic { node, form }) => Value::Scalar(node, form),
            Arg::Tuple(items) => Value::Tuple(
                Rc::new(
                    items
                        .into_iter()
                        .map(|a| self.value_of(a, operands, sharing))
                        .collect(),
                ),
                None,
            ),
            Arg::List(items) => {
                let items = items
                    .into_iter()
                    .map(|a| self.value_of(a, operands, sharing))
                    .collect();
                self.list(items)
            }
            Arg::Slice(parts) => {
                let [a, b, c] = *parts;
                Value::Slice(Rc::new(
                    [a, b, c].map(|a| self.value_of(a, operands, sharing)),
                ))
            }
        }
    }

    /// The array at `node`: a view of an operand if only shape operations lie between.
    fn alias(&mut self, node: NodeId, operands: &[Value<H::Object>], sharing: Sharing) -> ArrayRef {
        let mut chain = Vec::new();
        let mut at = node;
        loop {
            for operand in operands {
                if let Value::Array(array) = operand
                    && array.current() == Some(at)
                {
                    if chain.is_empty() && sharing == Sharing::Itself {
                        return array.clone();
                    }
                    chain.reverse();
                    let shape = self.b.aval(node).shape.clone();
                    match sharing {
                        Sharing::ReadOnly => chain.push(Look::plain(Op::BroadcastTo(shape))),
                        _ if chain.is_empty() => chain.push(Look::plain(Op::Reshape(shape))),
                        _ => {}
                    }
                    self.question(array, &chain, false);
                    return array.view(&chain, node);
                }
            }
            match self.b.op(at) {
                op @ (Op::Reshape(_) | Op::Transpose(_) | Op::Slice(_) | Op::BroadcastTo(_)) => {
                    chain.push(Look::plain(op.clone()));
                    at = self.b.graph().operands(at)[0];
                }
                op @ Op::Elementwise(E::Real | E::Imag) => {
                    let operand = self.b.graph().operands(at)[0];
                    if !self.b.aval(operand).dtype.is_complex() {
                        return ArrayRef::fresh(node);
                    }
                    chain.push(Look::plain(op.clone()));
                    at = operand;
                }
                op @ Op::Gather { .. } if matches!(sharing, Sharing::Items | Sharing::ReadOnly) => {
                    let op = op.clone();
                    let operands = self.b.graph().operands(at);
                    let indices = operands[1..].to_vec();
                    chain.push(Look { op, indices });
                    at = operands[0];
                }
                _ => return ArrayRef::fresh(node),
            }
        }
    }

    /// Calls a NumPy function by name; `None` if it is not known or not meant for these arguments.
    /// Integers that it needs to know (an axis, a size, a bound) are decided by the values of the call.
    pub fn operation(
        &mut self,
        name: &str,
        args: &[Value<H::Object>],
        keywords: &[(String, Value<H::Object>)],
    ) -> Result<Option<Value<H::Object>>> {
        if matches!(name, "numpy.array" | "numpy.asarray" | "numpy.asanyarray")
            && keywords.iter().any(|(key, _)| key == "copy")
        {
            return self.array_copy(name, args, keywords);
        }
        if name.contains(".linalg.") || name.ends_with(".squeeze") {
            self.see_sizes(args);
        }
        self.b.take_guesses();
        let mut built = self.build_operation(name, args, keywords);
        // A slice from a size that is found by values.
        if name == "operator.getitem" && self.see_guesses() {
            built = self.build_operation(name, args, keywords);
        }
        match built {
            Err(error) if matches!(error.kind, ErrorKind::NeedsValue { .. }) => {
                let mut settled = Vec::new();
                for value in args {
                    settled.push(self.settled(value)?);
                }
                let mut named = Vec::new();
                for (key, value) in keywords {
                    named.push((key.clone(), self.settled(value)?));
                }
                self.build_operation(name, &settled, &named)
            }
            result => result,
        }
    }

    fn build_operation(
        &mut self,
        name: &str,
        args: &[Value<H::Object>],
        keywords: &[(String, Value<H::Object>)],
    ) -> Result<Option<Value<H::Object>>> {
        let (mut out, mut mask) = (None, None);
        // `np.nan_to_num(x, copy=False)` writes to its argument.
        let mut in_place = None;
        let mut converted: Keywords = Vec::new();
        for (key, value) in keywords {
            match key.as_str() {
                "out" if numpy::takes_out(name) => out = Some(value.clone()),
                "copy" if name == "numpy.nan_to_num" => in_place = Some(value.clone()),
                "where" if numpy::is_ufunc(name) => mask = Some(value.clone()),
                _ => converted.push((key.clone(), self.argument_of(value)?)),
            }
        }
        let mut args = args;
        if let Some(at) = numpy::out_position(name)
            && let Some(target) = args.get(at)
            && args.len() == at + 1
        {
            out = Some(target.clone());
            args = &args[..at];
        }
        if name == "numpy.nan_to_num" && args.len() > 1 {
            in_place = args.get(1).cloned();
        }
        if let (Some(copy), Some(array @ Value::Array(_))) = (in_place, args.first())
            && !self.truth(&copy, "copy=")?
        {
            out = Some(array.clone());
        }
        let out = out.filter(|target| !self.is_none(target));
        let ellipsis = self.constant(&py::Constant::Ellipsis);
        if let Some(target) = &out
            && self.identical(target, &ellipsis)?
        {
            // Since NumPy 2.3: an array, of rank 0 too.
            let keywords: Vec<_> = keywords
                .iter()
                .filter(|(k, _)| k != "out")
                .cloned()
                .collect();
            let Some(result) = self.operation(name, args, &keywords)? else {
                return Ok(None);
            };
            return self.operation("numpy.asarray", &[result], &[]);
        }
        if let Some(mask) = &mask
            && out.is_none()
        {
            // Without a place to leave as it is, only `True` has a meaning.
            converted.push(("where".into(), self.argument_of(mask)?));
        }
        self.require_known_order(name, args, keywords)?;
        let converted_args = self.arguments_of(args)?;
        let first = self.b.graph().len();
        let called = numpy::call(&mut self.b, name, &converted_args, &converted);
        self.note_raising(first);
        let Some(result) = called.map_err(|error| with_more_keywords(name, error))? else {
            return Ok(None);
        };
        let checks = self.values_suffice();
        let result = result.decided(checks, &mut |node| self.decided_truth(node, name))?;
        let sharing = self.sharing(name, &converted_args, keywords)?;
        let result = self.value_of(result, args, sharing);
        let mut result = self.ordered(name, args, keywords, result)?;
        if matches!(name, "numpy.imag" | "numpy.ndarray.imag") {
            result = self.imaginary(&args[0], result)?;
        }
        match (out, mask) {
            (None, _) => Ok(Some(result)),
            (Some(target), None) => {
                if numpy::computes_in_out(name) && matches!(target, Value::Array(_)) {
                    self.require_exact(name, &target, &result)?;
                }
                self.write_out(&target, &result).map(Some)
            }
            (Some(target), Some(mask)) => {
                let old = match &target {
                    Value::Tuple(items, _) if items.len() == 1 => items[0].clone(),
                    other => other.clone(),
                };
                let kept = self.operation("numpy.where", &[mask, result, old], &[])?;
                let kept = kept.ok_or_else(|| Error::internal("numpy.where is not known"))?;
                self.write_out(&target, &kept).map(Some)
            }
        }
    }

    /// What the result of a function may share with what it is given.
    fn sharing(
        &mut self,
        name: &str,
        args: &[Arg],
        keywords: &[(String, Value<H::Object>)],
    ) -> Result<Sharing> {
        Ok(match (name, numpy::shares(name)) {
            ("operator.getitem", _) => match args.get(1) {
                Some(key) if numpy::reads_copy(&self.b, key) => Sharing::Nothing,
                _ => Sharing::Items,
            },
            ("numpy.ndarray.astype" | "numpy.astype", _)
                if !self.keyword_truth(keywords, "copy", true)? =>
            {
                Sharing::Itself
            }
            // Of one array it may be a transpose or a diagonal, which are views.
            ("numpy.einsum", _) if args.len() == 2 => Sharing::Items,
            ("numpy.einsum", _) => Sharing::Nothing,
            (_, Shares::Memory) => Sharing::Views,
            (_, Shares::ReadOnly) => Sharing::ReadOnly,
            (_, Shares::Itself) => Sharing::Itself,
            (_, Shares::Nothing) => Sharing::Nothing,
        })
    }

    /// The truth of a keyword argument that is known.
    fn keyword_truth(
        &mut self,
        keywords: &[(String, Value<H::Object>)],
        name: &str,
        default: bool,
    ) -> Result<bool> {
        match keywords.iter().find(|(key, _)| key == name) {
            Some((_, value)) => self.truth(&value.clone(), name),
            None => Ok(default),
        }
    }

    /// The imaginary part of real numbers is made of zeros, and read-only.
    fn imaginary(
        &mut self,
        whole: &Value<H::Object>,
        part: Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        let (Value::Array(z), Value::Array(made)) = (whole, &part) else {
            return Ok(part);
        };
        let node = self.array_node(z)?;
        if self.b.aval(node).dtype.is_complex() {
            return Ok(part);
        }
        let node = self.array_node(made)?;
        Ok(Value::Array(ArrayRef::of(Buffer {
            uncertain: Some("the imaginary part of real numbers is read-only"),
            ..Buffer::fresh(node)
        })))
    }

    /// `np.array(x, copy=...)`: `True` copies, `None` only if it must, `False` never.
    fn array_copy(
        &mut self,
        name: &str,
        args: &[Value<H::Object>],
        keywords: &[(String, Value<H::Object>)],
    ) -> Result<Option<Value<H::Object>>> {
        // Exact arrays are the same with and without `subok`.
        let keywords = keywords.iter().filter(|(key, _)| key != "subok").cloned();
        let (copy, rest): (Vec<_>, Vec<_>) = keywords.partition(|(key, _)| key == "copy");
        let mode = match copy.first() {
            Some((_, value)) => self.known(value, "copy")?,
            None => return Err(Error::internal("an array without copy")),
        };
        let text = match self.host.call(&self.host.builtin("str"), &[mode], &[]) {
            Ok(text) => self.host.class(&text),
            Err(raised) => return self.outcome(Err(raised)).map(Some),
        };
        let Class::Str(text) = text else {
            return Err(Error::internal("a copy mode without a name"));
        };
        match text.as_str() {
            "True" | "1" | "_CopyMode.ALWAYS" => self.operation("numpy.array", args, &rest),
            "None" | "_CopyMode.IF_NEEDED" => self.operation("numpy.asarray", args, &rest),
            "False" | "0" | "_CopyMode.NEVER" => {
                let made = self.operation("numpy.asarray", args, &rest)?;
                match (made, args.first()) {
                    (Some(made), Some(given)) if self.identical(&made, given)? => Ok(Some(made)),
                    _ => Err(Error::value(
                        "Unable to avoid copy while creating an array as requested.",
                    )),
                }
            }
            _ => Err(Error::unlifted(
                format!("{name}(copy={text})"),
                "it is not lifted",
            )),
        }
    }

    /// Some functions take an `out=` of the result's own dtype only, some only one in C order.
    fn require_exact(
        &mut self,
        name: &str,
        target: &Value<H::Object>,
        result: &Value<H::Object>,
    ) -> Result<()> {
        let (target_node, node) = (self.node(target)?, self.node(result)?);
        if self.b.aval(target_node).dtype != self.b.aval(node).dtype {
            return Err(Error::unlifted(
                format!("{name}(out=) of another dtype"),
                "NumPy refuses it, or computes in that dtype",
            ));
        }
        if let Value::Array(array) = target
            && name.ends_with("dot")
        {
            self.question(array, &[], true);
        }
        Ok(())
    }

    /// `out=`: an array, or a tuple of one.
    fn write_out(
        &mut self,
        target: &Value<H::Object>,
        result: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        match target {
            Value::Array(array) => {
                let node = self.node(result)?;
                self.write_whole(array, node, "same_kind")?;
                Ok(target.clone())
            }
            Value::Tuple(items, _) if items.len() == 1 => self.write_out(&items[0], result),
            other => Err(self.needs(other, "out=")),
        }
    }

    /// Values of types whose operators have no effects and always give the same.
    pub fn is_immutable(&self, object: &H::Object) -> bool {
        match self.host.class(object) {
            Class::None
            | Class::Bool(_)
            | Class::Int(_)
            | Class::Immutable
            | Class::Float(_)
            | Class::Complex(..)
            | Class::Str(_)
            | Class::Ellipsis
            | Class::DType(_)
            | Class::NumPyScalar(_)
            | Class::Range
            | Class::Type
            | Class::Slice => true,
            Class::Tuple => self
                .host
                .items(object)
                .is_some_and(|items| items.iter().all(|o| self.is_immutable(o))),
            _ => false,
        }
    }

    /// Replaces all elements of an array by those of `node`, broadcast.
    pub fn write_whole(&mut self, array: &ArrayRef, node: NodeId, casting: &str) -> Result<()> {
        let target = self.array_node(array)?;
        let target = self.b.aval(target).clone();
        let source = self.b.aval(node).clone();
        if casting == "same_kind" && source.dtype.kind() > target.dtype.kind() && !source.weak {
            return Err(Error::raises(
                Exception::Named("UFuncTypeError".into()),
                format!(
                    "Cannot cast ufunc output from dtype('{}') to dtype('{}') with casting rule 'same_kind'",
                    source.dtype, target.dtype
                ),
            ));
        }
        let node = self.b.cast(node, target.dtype)?;
        let node = self.b.broadcast_to(node, target.shape)?;
        self.write(array, node)
    }

    /// Makes `node` the content of a view: a new version of its buffer.
    pub fn write(&mut self, array: &ArrayRef, node: NodeId) -> Result<()> {
        if array.is_locked() {
            return Err(read_only());
        }
        self.settle_question(array)?;
        if array
            .buffer
            .parts
            .borrow()
            .iter()
            .any(|part| part.strong_count() > 0)
        {
            return Err(Error::unlifted(
                "a write to this array",
                "what was made of it may share its memory, and see the write",
            ));
        }
        // The contents of the buffer and of each view on the way, outermost last.
        let base = array.buffer.version.get().0;
        let mut contents = vec![base];
        for look in array.views.iter() {
            let inner = *contents.last().unwrap_or(&base);
            contents.push(self.look(look, inner)?);
        }
        contents.pop();
        let mut new = node;
        let mut looks = array.views.iter().zip(&contents).rev().peekable();
        while let Some((look, &old)) = looks.next() {
            if let Some(&(sliced, &base)) = looks.peek()
                && let Some(write) = self.write_row(look, sliced, base, new)?
            {
                new = write;
                looks.next();
                continue;
            }
            let shape = self.b.aval(old).shape.clone();
            new = match &look.op {
                Op::Reshape(_) => self.b.reshape(new, shape)?,
                Op::Transpose(perm) => {
                    let mut inverse = perm.clone();
                    for (to, &from) in perm.iter().enumerate() {
                        inverse[from] = to;
                    }
                    self.b.transpose(new, inverse)?
                }
                Op::Slice(ranges) => {
                    let write = crate::ops::Write::Set;
                    self.b.add(
                        Op::SliceWrite {
                            kind: write,
                            ranges: ranges.clone(),
                        },
                        &[old, new],
                    )?
                }
                Op::Gather { axes, at } => {
                    let write = Op::Scatter {
                        kind: crate::ops::Write::Set,
                        axes: axes.clone(),
                        at: *at,
                    };
                    let mut operands = vec![old, new];
                    operands.extend(&look.indices);
                    self.b.add(write, &operands)?
                }
                Op::Elementwise(_) => {
                    return Err(Error::unlifted(
                        "a write to the real or the imaginary part of an array",
                        "it has no operation; assign complex numbers to the array",
                    ));
                }
                _ => return Err(read_only()),
            };
        }
        self.changes.writes += 1;
        self.set_version(&array.buffer, new)?;
        self.require_writeable(array)
    }

    /// After a write that may have left an argument as it was: none will tell that it is read-only.
    pub fn require_writeable(&mut self, array: &ArrayRef) -> Result<()> {
        let content = array.buffer.version.get().0;
        if array.buffer.input.is_some() && matches!(self.b.op(content), Op::Input) {
            let writeable = self.flag(&array.whole(), "writeable")?;
            if !self.truth(&writeable, "a write")? {
                return Err(read_only());
            }
        }
        Ok(())
    }

    /// A write to what numbers pick of a slice, as one to what is under the slice: no copy of the slice.
    /// None if it is not of this kind, or more than one axis is sliced.
    fn write_row(
        &mut self,
        picked: &Look,
        sliced: &Look,
        base: NodeId,
        new: NodeId,
    ) -> Result<Option<NodeId>> {
        let (Op::Gather { axes, .. }, Op::Slice(ranges)) = (&picked.op, &sliced.op) else {
            return Ok(None);
        };
        let shape = self.b.aval(base).shape.clone();
        let is_whole = |axis: usize| ranges[axis] == Range::full(shape[axis].clone());
        let mut cut = (0..ranges.len()).filter(|&axis| !is_whole(axis));
        let (Some(axis), None) = (cut.next(), cut.next()) else {
            return Ok(None);
        };
        let is_number = |&index: &NodeId| self.b.aval(index).rank() == 0;
        if axes.contains(&axis) || !picked.indices.iter().all(is_number) {
            return Ok(None);
        }
        let positions = numpy::positions_of(&mut self.b, ranges[axis].clone())?;
        let mut places: Vec<(usize, NodeId)> =
            axes.iter().copied().zip(picked.indices.clone()).collect();
        places.push((axis, positions));
        places.sort_by_key(|place| place.0);
        let at = (0..axis).filter(|other| !axes.contains(other)).count();
        let write = Op::Scatter {
            kind: crate::ops::Write::Set,
            axes: places.iter().map(|place| place.0).collect(),
            at,
        };
        let operands: Vec<NodeId> = [base, new]
            .into_iter()
            .chain(places.iter().map(|p| p.1))
            .collect();
        self.b.add(write, &operands).map(Some)
    }

    /// Whether views look at the same part of their buffer, by the same computations.
    pub fn is_same_part(&self, a: &ArrayRef, b: &ArrayRef) -> bool {
        Rc::ptr_eq(&a.buffer, &b.buffer)
            && a.views.len() == b.views.len()
            && a.views.iter().zip(b.views.iter()).all(|(x, y)| {
                x.op == y.op
                    && x.indices.len() == y.indices.len()
                    && x.indices
                        .iter()
                        .zip(&y.indices)
                        .all(|(x, y)| self.is_same_number(*x, *y, 8))
            })
    }

    /// Whether nodes are made alike of the same nodes, as far as is looked.
    fn is_same_number(&self, a: NodeId, b: NodeId, depth: usize) -> bool {
        let graph = self.b.graph();
        let (x, y) = (graph.operands(a), graph.operands(b));
        a == b
            || depth > 0
                && matches!(
                    graph.op(a),
                    Op::Elementwise(_)
                        | Op::Cast(_)
                        | Op::Constant(_)
                        | Op::Size(_)
                        | Op::Iota { .. }
                )
                && graph.op(a) == graph.op(b)
                && graph.aval(a) == graph.aval(b)
                && x.len() == y.len()
                && x.iter()
                    .zip(y)
                    .all(|(x, y)| self.is_same_number(*x, y, depth - 1))
    }

    /// Python's truth of a value, decided now.
    pub fn truth(&mut self, value: &Value<H::Object>, construct: &str) -> Result<bool> {
        match value {
            Value::Object(o, _) => {
                self.pin(value);
                match self.host.class(o) {
                    Class::Instance => self.truth_of_instance(value),
                    Class::Foreign | Class::Set => {
                        let what = format!("bool({})", self.host.describe(o));
                        Err(Error::new(ErrorKind::UnknownCall { callee: what }))
                    }
                    _ => match self.host.truth(o) {
                        Ok(truth) => Ok(truth),
                        Err(raised) => Err(Error::value(raised.text)),
                    },
                }
            }
            Value::Size(_) => {
                let one = self.int(1);
                let positive = self.compare_sizes("ge", value, &one)?;
                Ok(positive.unwrap_or(true))
            }
            Value::Tuple(items, _) => Ok(!items.is_empty()),
            Value::List(list) => Ok(!list.items.borrow().is_empty()),
            Value::Dict(dict) => Ok(!dict.entries.borrow().is_empty()),
            Value::DictView(dict, _) => Ok(!dict.entries.borrow().is_empty()),
            Value::Set(set) => Ok(self.host.truth(&set.object).unwrap_or(true)),
            Value::Instance(_) => self.truth_of_instance(value),
            Value::Array(_) | Value::Scalar(..) => {
                let node = self.node(value)?;
                self.decided_truth(node, construct)
            }
            Value::Text(_) => Err(Error::new(ErrorKind::NeedsValue {
                construct: construct.into(),
            })),
            _ => Ok(true),
        }
    }

    /// By `__bool__`, `__len__`, or what it also is; otherwise it is true.
    fn truth_of_instance(&mut self, value: &Value<H::Object>) -> Result<bool> {
        for name in ["__bool__", "__len__"] {
            if let Some(method) = self.special(value, name) {
                let answer = self.call(&method, vec![], vec![])?;
                return self.truth(&answer, "bool()");
            }
        }
        match self.content_of(value) {
            Value::Instance(_) => Ok(true),
            Value::Object(o, _) => {
                let class = self.host.type_of(&o);
                for name in ["__bool__", "__len__"] {
                    let found = self.host.look_up(&class, None, name);
                    if !matches!(found, Attribute::Missing | Attribute::Fallback(_)) {
                        let what = format!("bool({})", self.host.describe(&o));
                        return Err(Error::new(ErrorKind::UnknownCall { callee: what }));
                    }
                }
                Ok(true)
            }
            content => self.truth(&content, "bool()"),
        }
    }

    pub fn text(&self, pieces: Vec<Piece<H::Object>>) -> Value<H::Object> {
        Value::Text(Rc::new(pieces))
    }
}

/// NumPy may have keywords that our signatures lack: then the call is not lifted, rather than wrong.
fn with_more_keywords(name: &str, error: Box<Error>) -> Box<Error> {
    match &error.kind {
        ErrorKind::Raises { message, .. } if message.contains("unexpected keyword argument") => {
            Error::unlifted(name, message.clone())
        }
        _ => error,
    }
}

fn read_only() -> Box<Error> {
    Error::value("assignment destination is read-only")
}
