//! Arrays and numbers in the machine: operators, indexing, aliases, writes.
//!
//! In: machine values. Out: nodes, through [`super::numpy`], which knows what NumPy means.
//! `y = x[1:]; y += 1` finds that `y` is the slice `1:` of the buffer of `x`, and makes a new version
//! of that buffer, which `x` and every other view see.

use std::rc::Rc;

use super::host::{Class, Host};
use super::machine::{Machine, side_effect};
use super::numpy::{self, Arg, Form, Keywords, Symbolic};
use super::value::{ArrayRef, Iterator, ListValue, Piece, Value};
use crate::ast::py;
use crate::error::{Error, ErrorKind, Exception, Result};
use crate::eval::Executable;
use crate::graph::{Aval, Dim, NodeId};
use crate::ops::{Constant, Op};

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

    fn array_node(&mut self, array: &ArrayRef) -> Result<NodeId> {
        if let Some(node) = array.current() {
            return Ok(node);
        }
        let mut node = array.buffer.version.get().0;
        for op in array.views.iter() {
            node = self.b.add(op.clone(), &[node])?;
        }
        array.set_current(node);
        Ok(node)
    }

    pub fn needs(&self, value: &Value<H::Object>, what: &str) -> Box<Error> {
        Error::unlifted(self.describe(value), format!("it is used as {what}"))
    }

    /// Whether a value, or anything in it, is computed by the graph.
    pub fn is_symbolic(&self, value: &Value<H::Object>) -> bool {
        match value {
            Value::Array(_) | Value::Scalar(..) | Value::Size(_) | Value::Text(_) => true,
            Value::Tuple(items, _) => items.iter().any(|v| self.is_symbolic(v)),
            Value::List(list) => list.items.borrow().iter().any(|v| self.is_symbolic(v)),
            Value::Dict(dict) => dict
                .entries
                .borrow()
                .iter()
                .any(|(_, v)| self.is_symbolic(v)),
            Value::Slice(parts) => parts.iter().any(|v| self.is_symbolic(v)),
            Value::Bound(_, receiver) => self.is_symbolic(receiver),
            Value::Method(receiver, _) => self.is_symbolic(receiver),
            Value::Partial(p) => p.args.iter().any(|v| self.is_symbolic(v)),
            Value::Object(..)
            | Value::Closure(_)
            | Value::Iterator(_)
            | Value::Super(..)
            | Value::Caught(_)
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
            Value::Object(o, _) => {
                // Its value becomes part of the graph.
                self.pin(value);
                self.object_argument(o)?
            }
            other => Arg::Other(self.describe(other)),
        })
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
        fresh: bool,
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
            Arg::Dim(dim) => match dim.as_known() {
                Some(k) => self.int(k),
                None => Value::Size(dim),
            },
            Arg::DType(d) => Value::Object(self.host.dtype(d), None),
            Arg::Array(Symbolic {
                node,
                form: Form::Array,
            }) if fresh => Value::Array(ArrayRef::fresh(node)),
            Arg::Array(Symbolic {
                node,
                form: Form::Array,
            }) => Value::Array(self.alias(node, operands)),
            Arg::Array(Symbolic { node, form }) => Value::Scalar(node, form),
            Arg::Tuple(items) => Value::Tuple(
                Rc::new(
                    items
                        .into_iter()
                        .map(|a| self.value_of(a, operands, fresh))
                        .collect(),
                ),
                None,
            ),
            Arg::List(items) => {
                let items = items
                    .into_iter()
                    .map(|a| self.value_of(a, operands, fresh))
                    .collect();
                self.list(items)
            }
            Arg::Slice(parts) => {
                let [a, b, c] = *parts;
                Value::Slice(Rc::new(
                    [a, b, c].map(|a| self.value_of(a, operands, fresh)),
                ))
            }
        }
    }

    /// The array at `node`: a view of an operand if only shape operations lie between.
    fn alias(&mut self, node: NodeId, operands: &[Value<H::Object>]) -> ArrayRef {
        let mut chain = Vec::new();
        let mut at = node;
        loop {
            for operand in operands {
                if let Value::Array(array) = operand
                    && array.current() == Some(at)
                {
                    if chain.is_empty() {
                        return array.clone();
                    }
                    chain.reverse();
                    return array.view(&chain, node);
                }
            }
            match self.b.op(at) {
                op @ (Op::Reshape(_) | Op::Transpose(_) | Op::Slice(_) | Op::BroadcastTo(_)) => {
                    chain.push(op.clone());
                    at = self.b.graph().operands(at)[0];
                }
                _ => return ArrayRef::fresh(node),
            }
        }
    }

    /// Calls a NumPy function by name; `None` if it is not known or not meant for these arguments.
    pub fn operation(
        &mut self,
        name: &str,
        args: &[Value<H::Object>],
        keywords: &[(String, Value<H::Object>)],
    ) -> Result<Option<Value<H::Object>>> {
        let mut out = None;
        let mut converted: Keywords = Vec::new();
        for (key, value) in keywords {
            if key == "out" {
                out = Some(value.clone());
            } else {
                converted.push((key.clone(), self.argument_of(value)?));
            }
        }
        let converted_args = self.arguments_of(args)?;
        let Some(result) = numpy::call(&mut self.b, name, &converted_args, &converted)? else {
            return Ok(None);
        };
        let result = self.value_of(result, args, !numpy::is_view(name));
        match out {
            None => Ok(Some(result)),
            Some(Value::Object(o, _)) if self.host.class(&o) == Class::None => Ok(Some(result)),
            Some(target) => self.write_out(&target, &result).map(Some),
        }
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

    pub fn binary(
        &mut self,
        name: &str,
        left: &Value<H::Object>,
        right: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        if let Some(result) = self.container_binary(name, left, right)? {
            return Ok(result);
        }
        if let (Value::Object(a, _), Value::Object(b, _)) = (left, right) {
            self.pin(left);
            self.pin(right);
            if self.is_immutable(a) && self.is_immutable(b) {
                return self.python_operator(name, &[a.clone(), b.clone()]);
            }
        }
        if let Some(dim) = self.size_arithmetic(name, left, right) {
            return Ok(dim);
        }
        self.symbolic_operator(name, &[left.clone(), right.clone()])
    }

    /// Operators of lists, tuples and strings: concatenation and repetition.
    fn container_binary(
        &mut self,
        name: &str,
        left: &Value<H::Object>,
        right: &Value<H::Object>,
    ) -> Result<Option<Value<H::Object>>> {
        Ok(Some(match (name, left, right) {
            ("add", Value::List(_), Value::List(_)) => {
                let mut items = self.items_of(left)?;
                items.extend(self.items_of(right)?);
                self.list(items)
            }
            ("add", Value::Tuple(..), Value::Tuple(..)) => {
                let mut items = self.items_of(left)?;
                items.extend(self.items_of(right)?);
                Value::Tuple(Rc::new(items), None)
            }
            ("mul", Value::List(_) | Value::Tuple(..), Value::Object(..) | Value::Size(_)) => {
                return self.repeat(left, right).map(Some);
            }
            ("mul", Value::Object(..) | Value::Size(_), Value::List(_) | Value::Tuple(..)) => {
                return self.repeat(right, left).map(Some);
            }
            ("add", Value::Text(pieces), Value::Object(..)) => {
                let mut pieces = pieces.to_vec();
                pieces.push(Piece::Known(self.string(right)?));
                self.text(pieces)
            }
            ("add", Value::Object(..), Value::Text(pieces)) => {
                let mut all = vec![Piece::Known(self.string(left)?)];
                all.extend(pieces.iter().cloned());
                self.text(all)
            }
            ("add", Value::Text(a), Value::Text(b)) => {
                self.text(a.iter().chain(b.iter()).cloned().collect())
            }
            _ => return Ok(None),
        }))
    }

    fn repeat(
        &mut self,
        sequence: &Value<H::Object>,
        count: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        let is_array = match count {
            Value::Object(o, _) => matches!(self.host.class(o), Class::Array(..)),
            _ => false,
        };
        if is_array {
            return self.symbolic_operator("mul", &[sequence.clone(), count.clone()]);
        }
        let count = self.int_of(count, "the count of a repetition")?.max(0) as usize;
        let items = self.items_of(sequence)?;
        if items.len().saturating_mul(count) > 1_000_000 {
            let what = format!("a sequence of {} items", items.len().saturating_mul(count));
            return Err(Error::new(ErrorKind::TooLong { what }));
        }
        let items: Vec<_> = (0..count).flat_map(|_| items.iter().cloned()).collect();
        Ok(match sequence {
            Value::Tuple(..) => Value::Tuple(Rc::new(items), None),
            _ => self.list(items),
        })
    }

    fn symbolic_operator(
        &mut self,
        name: &str,
        operands: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        if let Some(Value::Object(o, _)) = operands.iter().find(|v| self.is_foreign(v)) {
            let what = format!("operator.{name} of {}", self.host.describe(o));
            return Err(Error::new(ErrorKind::UnknownCall { callee: what }));
        }
        let result = self.operation(&format!("operator.{name}"), operands, &[])?;
        result.ok_or_else(|| {
            let what = operands
                .iter()
                .map(|v| self.describe(v))
                .collect::<Vec<_>>()
                .join(" and ");
            Error::unlifted(
                format!("operator.{name} of {what}"),
                "it is not an operation on arrays",
            )
        })
    }

    /// Objects whose operators may run code that is not NumPy's.
    fn is_foreign(&self, value: &Value<H::Object>) -> bool {
        let Value::Object(o, _) = value else {
            return false;
        };
        matches!(
            self.host.class(o),
            Class::Foreign
                | Class::Instance
                | Class::Module
                | Class::Function
                | Class::Builtin
                | Class::Random
                | Class::Transformed
        )
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

    /// An operator on known immutable objects, by Python itself.
    pub fn python_operator(
        &mut self,
        name: &str,
        objects: &[H::Object],
    ) -> Result<Value<H::Object>> {
        let outcome = self.host.operator(name, objects);
        self.outcome(outcome)
    }

    /// An exception that Python raised, as ours.
    pub fn outcome(
        &mut self,
        outcome: super::host::Outcome<H::Object>,
    ) -> Result<Value<H::Object>> {
        match outcome {
            Ok(object) => self.wrap(object, None),
            Err(raised) => {
                let name = self.host.describe(&raised.exception);
                Err(Error::raises(
                    Exception::Named(name.as_str().into()),
                    raised.text,
                ))
            }
        }
    }

    fn size_arithmetic(
        &mut self,
        name: &str,
        left: &Value<H::Object>,
        right: &Value<H::Object>,
    ) -> Option<Value<H::Object>> {
        if !matches!((left, right), (Value::Size(_), _) | (_, Value::Size(_))) {
            return None;
        }
        let (a, b) = (self.as_dim(left)?, self.as_dim(right)?);
        let dim = match name {
            "add" => a + b,
            "sub" => a - b,
            "mul" => a * b,
            "floordiv" if b.as_known().is_some_and(|k| k > 0) => a.floor_div(&b),
            "mod" if b.as_known().is_some_and(|k| k > 0) => a.clone() - a.floor_div(&b) * b,
            _ => return None,
        };
        Some(self.value_of(Arg::Dim(dim), &[], true))
    }

    pub fn as_dim(&self, value: &Value<H::Object>) -> Option<Dim> {
        match value {
            Value::Size(dim) => Some(dim.clone()),
            Value::Object(o, _) => match self.host.class(o) {
                Class::Int(k) => Some(Dim::known(k)),
                Class::Bool(b) => Some(Dim::known(b.into())),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn unary(
        &mut self,
        op: py::UnaryOp,
        operand: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        let name = match op {
            py::UnaryOp::Not => {
                let truth = self.truth(operand, "not")?;
                return Ok(self.constant(&py::Constant::Bool(!truth)));
            }
            py::UnaryOp::USub => "neg",
            py::UnaryOp::UAdd => "pos",
            py::UnaryOp::Invert => "invert",
        };
        match operand {
            Value::Object(o, _) if self.is_immutable(o) => {
                self.pin(operand);
                self.python_operator(name, std::slice::from_ref(o))
            }
            Value::Size(dim) if op == py::UnaryOp::USub => {
                Ok(self.value_of(Arg::Dim(dim.clone() * Dim::known(-1)), &[], true))
            }
            other => self.symbolic_operator(name, std::slice::from_ref(other)),
        }
    }

    /// What `x op= y` leaves in `x`: arrays are written, the rest is rebound.
    pub fn inplace(
        &mut self,
        name: &str,
        left: &Value<H::Object>,
        right: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        match (name, left) {
            (_, Value::Array(array)) => {
                let result = self.binary(name, left, right)?;
                let node = self.node(&result)?;
                self.write_whole(array, node, "same_kind")?;
                Ok(left.clone())
            }
            ("add", Value::List(list)) => {
                let items = self.items_of(right)?;
                self.changeable(list)?.items.borrow_mut().extend(items);
                Ok(left.clone())
            }
            _ => self.binary(name, left, right),
        }
    }

    pub fn changeable<'l>(
        &self,
        list: &'l Rc<ListValue<H::Object>>,
    ) -> Result<&'l Rc<ListValue<H::Object>>> {
        match list.outside {
            Some(_) => Err(side_effect("changing a list that was made outside")),
            None => Ok(list),
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
        if let Some(why) = array.buffer.uncertain {
            return Err(Error::unlifted("a write to this array", why));
        }
        // The contents of the buffer and of each view on the way, outermost last.
        let (base, version) = array.buffer.version.get();
        let mut contents = vec![base];
        for op in array.views.iter() {
            let inner = *contents.last().unwrap_or(&base);
            contents.push(self.b.add(op.clone(), &[inner])?);
        }
        contents.pop();
        let mut new = node;
        for (op, &old) in array.views.iter().zip(&contents).rev() {
            let shape = self.b.aval(old).shape.clone();
            new = match op {
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
                _ => return Err(Error::value("assignment destination is read-only")),
            };
        }
        array.buffer.version.set((new, version + 1));
        Ok(())
    }

    pub fn compare(
        &mut self,
        op: py::CmpOp,
        left: &Value<H::Object>,
        right: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        use py::CmpOp;
        let name = match op {
            CmpOp::Is | CmpOp::IsNot => {
                let same = self.identical(left, right)?;
                return Ok(self.constant(&py::Constant::Bool(same == (op == CmpOp::Is))));
            }
            CmpOp::In | CmpOp::NotIn => {
                let found = self.contains(right, left)?;
                return Ok(self.constant(&py::Constant::Bool(found == (op == CmpOp::In))));
            }
            CmpOp::Eq => "eq",
            CmpOp::NotEq => "ne",
            CmpOp::Lt => "lt",
            CmpOp::LtE => "le",
            CmpOp::Gt => "gt",
            CmpOp::GtE => "ge",
        };
        if let (Value::Object(a, _), Value::Object(b, _)) = (left, right) {
            self.pin(left);
            self.pin(right);
            if matches!(name, "eq" | "ne") {
                let by_identity = |o| {
                    matches!(self.host.class(o), Class::Instance)
                        && self.host.compares_by_identity(o)
                };
                if by_identity(a) && (by_identity(b) || self.is_immutable(b))
                    || by_identity(b) && self.is_immutable(a)
                {
                    let same = self.host.is(a, b);
                    return Ok(self.constant(&py::Constant::Bool(same == (name == "eq"))));
                }
            }
            let simple =
                matches!(name, "eq" | "ne") || (self.is_immutable(a) && self.is_immutable(b));
            let arrays = [a, b].iter().any(|o| {
                matches!(
                    self.host.class(o),
                    Class::Array(..) | Class::Foreign | Class::Instance
                )
            });
            if simple && !arrays {
                return self.python_operator(name, &[a.clone(), b.clone()]);
            }
        }
        if let Some(answer) = self.compare_sizes(name, left, right) {
            return Ok(self.constant(&py::Constant::Bool(answer)));
        }
        if let Some(answer) = self.compare_containers(name, left, right)? {
            return Ok(self.constant(&py::Constant::Bool(answer)));
        }
        // None and strings are never equal to an array.
        self.symbolic_operator(name, &[left.clone(), right.clone()])
    }

    /// Compares sizes by the example, which becomes an assumption.
    fn compare_sizes(
        &mut self,
        name: &str,
        left: &Value<H::Object>,
        right: &Value<H::Object>,
    ) -> Option<bool> {
        if !matches!((left, right), (Value::Size(_), _) | (_, Value::Size(_))) {
            return None;
        }
        let (a, b) = (self.as_dim(left)?, self.as_dim(right)?);
        let one = Dim::known(1);
        Some(match name {
            "le" => self.b.assume_at_most(&a, &b),
            "ge" => self.b.assume_at_most(&b, &a),
            "lt" => self.b.assume_at_most(&(a + one), &b),
            "gt" => self.b.assume_at_most(&(b + one), &a),
            _ => {
                let equal = if a == b {
                    true
                } else if self.b.example(&a) == self.b.example(&b) {
                    self.b.assume_equal(&a, &b)
                } else {
                    // Different now: which way decides the assumption.
                    !(self.b.assume_at_most(&(a.clone() + one.clone()), &b)
                        || self.b.assume_at_most(&(b + one), &a))
                };
                equal == (name == "eq")
            }
        })
    }

    fn compare_containers(
        &mut self,
        name: &str,
        left: &Value<H::Object>,
        right: &Value<H::Object>,
    ) -> Result<Option<bool>> {
        let (a, b) = match (left, right) {
            (Value::Tuple(..), Value::Tuple(..)) | (Value::List(_), Value::List(_)) => {
                (self.items_of(left)?, self.items_of(right)?)
            }
            (Value::Object(o, _), other) | (other, Value::Object(o, _))
                if matches!(name, "eq" | "ne") && !matches!(other, Value::Object(..)) =>
            {
                let class = self.host.class(o);
                let odd = matches!(class, Class::None | Class::Str(_) | Class::Type)
                    || (matches!(other, Value::Tuple(..) | Value::List(_) | Value::Dict(_))
                        && !matches!(class, Class::Array(..)));
                let scalar = !matches!(other, Value::Array(_));
                return Ok((odd && scalar).then_some(name == "ne"));
            }
            _ => return Ok(None),
        };
        if !matches!(name, "eq" | "ne") {
            return Ok(None);
        }
        let mut equal = a.len() == b.len();
        for (x, y) in a.iter().zip(&b) {
            if !equal {
                break;
            }
            let same = self.compare(py::CmpOp::Eq, x, y)?;
            equal = self.truth(&same, "==")?;
        }
        Ok(Some(equal == (name == "eq")))
    }

    fn identical(&mut self, left: &Value<H::Object>, right: &Value<H::Object>) -> Result<bool> {
        Ok(match (left, right) {
            (Value::Object(a, _), Value::Object(b, _)) => {
                self.pin_identity(left);
                self.pin_identity(right);
                self.host.is(a, b)
            }
            (Value::Array(a), Value::Array(b)) => {
                Rc::ptr_eq(&a.buffer, &b.buffer) && a.views == b.views
            }
            (Value::List(a), Value::List(b)) => Rc::ptr_eq(a, b),
            (Value::Dict(a), Value::Dict(b)) => Rc::ptr_eq(a, b),
            (Value::Tuple(a, _), Value::Tuple(b, _)) => Rc::ptr_eq(a, b),
            (Value::Scalar(a, _), Value::Scalar(b, _)) => a == b,
            (Value::Closure(a), Value::Closure(b)) => Rc::ptr_eq(a, b),
            _ => false,
        })
    }

    fn contains(&mut self, container: &Value<H::Object>, item: &Value<H::Object>) -> Result<bool> {
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

    /// Python's truth of a value, decided now.
    pub fn truth(&mut self, value: &Value<H::Object>, construct: &str) -> Result<bool> {
        match value {
            Value::Object(o, _) => {
                self.pin(value);
                match self.host.class(o) {
                    Class::Instance | Class::Foreign | Class::Set => {
                        let what = format!("bool({})", self.host.describe(o));
                        Err(Error::new(ErrorKind::UnknownCall { callee: what }))
                    }
                    _ => match self.host.truth(o) {
                        Ok(truth) => Ok(truth),
                        Err(raised) => Err(Error::value(raised.text)),
                    },
                }
            }
            Value::Size(dim) => Ok(self
                .compare_sizes("ge", &Value::Size(dim.clone()), &self.int(1))
                .unwrap_or(true)),
            Value::Tuple(items, _) => Ok(!items.is_empty()),
            Value::List(list) => Ok(!list.items.borrow().is_empty()),
            Value::Dict(dict) => Ok(!dict.entries.borrow().is_empty()),
            Value::Array(_) | Value::Scalar(..) => {
                let node = self.node(value)?;
                match self.concrete(node, construct)? {
                    Some(known) => self.truth(&known, construct),
                    None => Err(Error::new(ErrorKind::DataDependentBranch {
                        construct: construct.to_string(),
                    })),
                }
            }
            Value::Text(_) => Err(Error::new(ErrorKind::NeedsValue {
                construct: construct.into(),
            })),
            _ => Ok(true),
        }
    }

    /// The value of a node that depends on Python numbers and sizes only. The numbers are then guarded by value.
    pub fn concrete(&mut self, node: NodeId, _construct: &str) -> Result<Option<Value<H::Object>>> {
        let graph = self.b.graph();
        let mut needed = vec![node];
        let mut seen = std::collections::BTreeSet::new();
        let mut numbers = Vec::new();
        let mut sizes = Vec::new();
        while let Some(at) = needed.pop() {
            if !seen.insert(at) {
                continue;
            }
            match graph.op(at) {
                Op::Input => {
                    let Some(input) = self.input_nodes.iter().position(|n| *n == at) else {
                        return Ok(None);
                    };
                    if self.examples[input].is_none() {
                        return Ok(None);
                    }
                    numbers.push((at, input));
                }
                Op::Draw { .. } => return Ok(None),
                Op::Size(size) => sizes.push((at, size.clone())),
                _ => needed.extend(graph.operands(at)),
            }
        }
        // Arrays whose sizes are not known are not evaluated now.
        if seen
            .iter()
            .any(|n| graph.aval(*n).shape.iter().any(|d| d.as_known().is_none()))
        {
            return Ok(None);
        }
        let mut known_sizes = std::collections::HashMap::new();
        for (at, size) in sizes {
            match self.b.concretize(&size) {
                Some(k) => known_sizes.insert(at, k),
                None => return Ok(None),
            };
        }
        let mut scratch = crate::graph::Builder::new("known");
        let mut copies = std::collections::HashMap::new();
        for &at in &seen {
            let graph = self.b.graph();
            let copy = match numbers.iter().find(|(n, _)| *n == at) {
                Some((_, input)) => {
                    let object = self.examples[*input].as_ref();
                    let value = object
                        .and_then(|o| self.host.value(o))
                        .ok_or_else(|| Error::internal("a Python number without a value"))?;
                    scratch.constant(Constant::Array(value.into()), graph.aval(at).clone())
                }
                None if known_sizes.contains_key(&at) => scratch.int(known_sizes[&at]),
                None => {
                    let operands: Vec<NodeId> =
                        graph.operands(at).iter().map(|n| copies[n]).collect();
                    scratch.copy(graph, at, &operands)
                }
            };
            copies.insert(at, copy);
        }
        let weak = self.b.aval(node).weak;
        let form = if weak { Form::Python } else { Form::Scalar };
        let graph = scratch.finish(vec![copies[&node]]);
        let values = Executable::new(&graph)?.run_values(&[])?;
        for (_, input) in numbers {
            self.guard_number(input);
        }
        Ok(values
            .first()
            .map(|v| Value::Object(self.host.scalar(v, form), None)))
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
    fn fresh_constant(&mut self, value: &Value<H::Object>) -> Result<Value<H::Object>> {
        let arg = self.argument_of(value)?;
        Ok(self.value_of(arg, &[], true))
    }

    /// A position in a sequence of known length.
    fn index(&mut self, key: &Value<H::Object>, length: usize, what: &str) -> Result<usize> {
        let at = self.int_of(key, "an index")?;
        let at = if at < 0 { at + length as i64 } else { at };
        usize::try_from(at)
            .ok()
            .filter(|at| *at < length)
            .ok_or_else(|| Error::raises(Exception::Index, format!("{what} index out of range")))
    }

    /// The items that a slice with known bounds selects.
    fn pick(
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

    pub fn text(&self, pieces: Vec<Piece<H::Object>>) -> Value<H::Object> {
        Value::Text(Rc::new(pieces))
    }
}
