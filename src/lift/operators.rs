//! Operators of the language on machine values.
//!
//! In: an operator and its operands. Out: a node for arrays, a known object for known ones, a size for
//! sizes; `[1] + [x]` is a list of the machine.

use std::rc::Rc;

use super::host::{Class, Host};
use super::machine::{Machine, side_effect};
use super::numpy::{Arg, Form};
use super::value::{DictValue, Instance, Piece, Sharing, Value};
use crate::ast::py;
use crate::error::{Error, ErrorKind, Exception, Result};
use crate::graph::Dim;
use crate::ops::Elementwise;

impl<H: Host> Machine<'_, H> {
    pub fn binary(
        &mut self,
        name: &str,
        left: &Value<H::Object>,
        right: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        if let Some(result) = self.overloaded(name, left, right)? {
            return Ok(result);
        }
        let (left, right) = (&self.content_of(left), &self.content_of(right));
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
    pub fn container_binary(
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
            ("mod", Value::Object(o, _), _) if matches!(self.host.class(o), Class::Str(_)) => {
                if self.is_symbolic(right) {
                    return self.filled(left, right, "%").map(Some);
                }
                let (left, right) = (self.known(left, "%")?, self.known(right, "%")?);
                return self.python_operator("mod", &[left, right]).map(Some);
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
            ("sub" | "and_" | "or_" | "xor", Value::Set(_), _)
            | ("sub" | "and_" | "or_" | "xor", _, Value::Set(_))
                if !self.is_symbolic(left) && !self.is_symbolic(right) =>
            {
                let left = self.known(left, "a set")?;
                let right = self.known(right, "a set")?;
                let outcome = self.host.operator(name, &[left, right]);
                return self.made_set(outcome).map(Some);
            }
            ("or_", Value::Dict(a), Value::Dict(b)) => {
                let merged = self.dict(a.entries.borrow().clone());
                if let Value::Dict(merged) = &merged {
                    for (key, value) in b.entries.borrow().clone() {
                        self.put(merged, key, value)?;
                    }
                }
                merged
            }
            _ => return Ok(None),
        }))
    }

    /// `template % values` or `template.format(*values)`, made after the run.
    pub fn filled(
        &mut self,
        template: &Value<H::Object>,
        values: &Value<H::Object>,
        how: &str,
    ) -> Result<Value<H::Object>> {
        let template = self.string(template)?;
        let values = self.frozen(values)?;
        Ok(self.text(vec![Piece::Field(values, how.into(), template)]))
    }

    /// A value as it is now, whatever is written to its arrays later.
    pub fn frozen(&mut self, value: &Value<H::Object>) -> Result<Value<H::Object>> {
        Ok(match value {
            Value::Array(_) => Value::Array(super::value::ArrayRef::fresh(self.node(value)?)),
            Value::Tuple(items, _) => {
                let items = items.iter().map(|v| self.frozen(v));
                Value::Tuple(Rc::new(items.collect::<Result<_>>()?), None)
            }
            Value::List(list) => {
                let items = list.items.borrow().clone();
                let items = items.iter().map(|v| self.frozen(v));
                let items = items.collect::<Result<_>>()?;
                self.list(items)
            }
            Value::Dict(dict) => {
                let mut entries = Vec::new();
                for (key, value) in dict.entries.borrow().clone() {
                    entries.push((key, self.frozen(&value)?));
                }
                self.dict(entries)
            }
            Value::Set(set) => {
                let items = self.host.items(&set.object).unwrap_or_default();
                let items: Vec<_> = items.into_iter().map(|o| Value::Object(o, None)).collect();
                self.make_set(&items)?
            }
            Value::Instance(instance) => {
                let content = instance.content.as_ref().map(|c| self.frozen(c));
                let content = content.transpose()?;
                let attributes = self.frozen(&Value::Dict(instance.attributes.clone()))?;
                let Value::Dict(attributes) = attributes else {
                    return Err(Error::internal("a dict that is none"));
                };
                Value::Instance(Rc::new(Instance {
                    class: instance.class.clone(),
                    attributes,
                    content,
                }))
            }
            other => other.clone(),
        })
    }

    pub fn repeat(
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

    pub fn symbolic_operator(
        &mut self,
        name: &str,
        operands: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        if let Some(Value::Object(o, _)) = operands.iter().find(|v| self.is_foreign(v)) {
            let what = format!("operator.{name} of {}", self.host.describe(o));
            return Err(Error::new(ErrorKind::UnknownCall { callee: what }));
        }
        if name != "getitem" {
            self.refuse_sequences(name, operands)?;
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

    /// Of lists and tuples Python has a meaning of its own, unless an operand is NumPy's.
    pub fn refuse_sequences(&self, name: &str, operands: &[Value<H::Object>]) -> Result<()> {
        let sequence = operands.iter().any(|v| self.is_sequence(v));
        match sequence && !operands.iter().any(|v| self.is_numpys(v)) {
            true => Err(Error::unlifted(
                format!("{name} of a sequence"),
                "no operand is NumPy's",
            )),
            false => Ok(()),
        }
    }

    fn is_sequence(&self, value: &Value<H::Object>) -> bool {
        match value {
            Value::Tuple(..) | Value::List(_) => true,
            Value::Object(o, _) => matches!(self.host.class(o), Class::Tuple | Class::List),
            _ => false,
        }
    }

    /// Whether NumPy's operators answer for it.
    fn is_numpys(&self, value: &Value<H::Object>) -> bool {
        match value {
            Value::Array(_) | Value::Flat(_) => true,
            Value::Scalar(_, form) => *form != Form::Python,
            Value::Object(o, _) => {
                matches!(self.host.class(o), Class::Array(..) | Class::NumPyScalar(_))
            }
            _ => false,
        }
    }

    /// Objects whose operators may run code that is not NumPy's.
    pub fn is_foreign(&self, value: &Value<H::Object>) -> bool {
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

    pub fn size_arithmetic(
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
        Some(self.value_of(Arg::Dim(dim), &[], Sharing::Nothing))
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
        if let Some(result) = self.overloaded_unary(name, operand)? {
            return Ok(result);
        }
        match operand {
            Value::Object(o, _) if self.is_immutable(o) => {
                self.pin(operand);
                self.python_operator(name, std::slice::from_ref(o))
            }
            Value::Size(dim) if op == py::UnaryOp::USub => Ok(self.value_of(
                Arg::Dim(dim.clone() * Dim::known(-1)),
                &[],
                Sharing::Nothing,
            )),
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
        if let Some(result) = self.overloaded_inplace(name, left, right)? {
            return Ok(result);
        }
        match (name, left) {
            (_, Value::Array(array)) => {
                let result = self.binary(name, left, right)?;
                let node = self.node(&result)?;
                let target = self.node(left)?;
                if name == "matmul" && self.b.aval(node).rank() < self.b.aval(target).rank() {
                    return Err(Error::unlifted(
                        "the product of a matrix and a vector, in place",
                        "NumPy refuses it",
                    ));
                }
                self.write_whole(array, node, "same_kind")?;
                Ok(left.clone())
            }
            ("add", Value::List(list)) => {
                let more = self.items_of(right)?;
                self.change_list(&list.clone(), |items| items.extend(more));
                Ok(left.clone())
            }
            ("mul", Value::List(list)) => {
                let Value::List(longer) = self.binary(name, left, right)? else {
                    return Err(Error::internal("a list times a number that is no list"));
                };
                let longer = longer.items.borrow().clone();
                self.change_list(&list.clone(), |items| *items = longer);
                Ok(left.clone())
            }
            ("or_", Value::Dict(dict)) => {
                let Value::Dict(more) = right else {
                    return Err(side_effect("a dict that takes what is no dict"));
                };
                for (key, value) in more.entries.borrow().clone() {
                    self.put(dict, key, value)?;
                }
                Ok(left.clone())
            }
            ("sub" | "and_" | "or_" | "xor", Value::Set(set)) => {
                // Raises where the other is no set.
                self.binary(name, left, right)?;
                let method = format!("__i{}__", name.trim_end_matches('_'));
                self.set_method(&set.clone(), &method, std::slice::from_ref(right))?;
                Ok(left.clone())
            }
            _ => self.binary(name, left, right),
        }
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
        if let Some(result) = self.overloaded_compare(name, left, right)? {
            return Ok(result);
        }
        let (left, right) = (&self.content_of(left), &self.content_of(right));
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
        if let Some(answer) = self.compare_sizes(name, left, right)? {
            return Ok(self.constant(&py::Constant::Bool(answer)));
        }
        if let Some(answer) = self.compare_containers(name, left, right)? {
            return Ok(self.constant(&py::Constant::Bool(answer)));
        }
        if !matches!(name, "eq" | "ne") && self.are_complex(left, right) {
            let sign = ["<", "<=", ">", ">="][["lt", "le", "gt", "ge"]
                .iter()
                .position(|n| *n == name)
                .unwrap_or(0)];
            return Err(Error::type_error(format!(
                "'{sign}' not supported between instances of 'complex' and 'complex'"
            )));
        }
        // None and strings are never equal to an array.
        self.symbolic_operator(name, &[left.clone(), right.clone()])
    }

    /// Whether two numbers are Python's, and one of them complex: Python does not order them, as NumPy does.
    fn are_complex(&self, left: &Value<H::Object>, right: &Value<H::Object>) -> bool {
        let is_complex = |value: &Value<H::Object>| match value {
            Value::Scalar(node, Form::Python) => self.b.aval(*node).dtype.is_complex(),
            _ => false,
        };
        let is_pythons = |value: &Value<H::Object>| match value {
            Value::Object(o, _) => matches!(
                self.host.class(o),
                Class::Bool(_) | Class::Int(_) | Class::Float(_) | Class::Complex(..)
            ),
            other => matches!(other, Value::Size(_) | Value::Scalar(_, Form::Python)),
        };
        (is_complex(left) || is_complex(right)) && is_pythons(left) && is_pythons(right)
    }

    /// Compares sizes by the example, which becomes an assumption.
    pub fn compare_sizes(
        &mut self,
        name: &str,
        left: &Value<H::Object>,
        right: &Value<H::Object>,
    ) -> Result<Option<bool>> {
        if !matches!((left, right), (Value::Size(_), _) | (_, Value::Size(_))) {
            return Ok(None);
        }
        let (Some(a), Some(b)) = (self.as_dim(left), self.as_dim(right)) else {
            return Ok(None);
        };
        if !(self.b.graph().is_of_inputs(&a) && self.b.graph().is_of_inputs(&b)) {
            let op = match name {
                "le" => Elementwise::LessEqual,
                "ge" => Elementwise::GreaterEqual,
                "lt" => Elementwise::Less,
                "gt" => Elementwise::Greater,
                "ne" => Elementwise::NotEqual,
                _ => Elementwise::Equal,
            };
            return self.decided_order(op, &a, &b).map(Some);
        }
        let one = Dim::known(1);
        Ok(Some(match name {
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
        }))
    }

    pub fn compare_containers(
        &mut self,
        name: &str,
        left: &Value<H::Object>,
        right: &Value<H::Object>,
    ) -> Result<Option<bool>> {
        let (a, b) = match (left, right) {
            (Value::Set(_), _) | (_, Value::Set(_))
                if !self.is_symbolic(left) && !self.is_symbolic(right) =>
            {
                let left = self.known(left, "a set")?;
                let right = self.known(right, "a set")?;
                let answer = self.python_operator(name, &[left, right])?;
                return self.truth(&answer, "==").map(Some);
            }
            (Value::Dict(a), Value::Dict(b)) if matches!(name, "eq" | "ne") => {
                return self
                    .same_dicts(a, b)
                    .map(|same| Some(same == (name == "eq")));
            }
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
        if matches!(name, "eq" | "ne") && a.len() != b.len() {
            return Ok(Some(name == "ne"));
        }
        for (x, y) in a.iter().zip(&b) {
            if self.same_item(x, y)? {
                continue;
            }
            // The first difference decides.
            let op = match name {
                "lt" => py::CmpOp::Lt,
                "le" => py::CmpOp::LtE,
                "gt" => py::CmpOp::Gt,
                "ge" => py::CmpOp::GtE,
                _ => return Ok(Some(name == "ne")),
            };
            let answer = self.compare(op, x, y)?;
            return self.truth(&answer, "a comparison").map(Some);
        }
        Ok(Some(match name {
            "lt" => a.len() < b.len(),
            "le" => a.len() <= b.len(),
            "gt" => a.len() > b.len(),
            "ge" => a.len() >= b.len(),
            _ => name == "eq",
        }))
    }

    fn same_dicts(
        &mut self,
        a: &Rc<DictValue<H::Object>>,
        b: &Rc<DictValue<H::Object>>,
    ) -> Result<bool> {
        let entries = a.entries.borrow().clone();
        if entries.len() != b.entries.borrow().len() {
            return Ok(false);
        }
        for (key, value) in entries {
            let Some(at) = self.position(b, &key)? else {
                return Ok(false);
            };
            let other = b.entries.borrow()[at].1.clone();
            if !self.same_item(&value, &other)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub fn identical(&mut self, left: &Value<H::Object>, right: &Value<H::Object>) -> Result<bool> {
        Ok(match (left, right) {
            (Value::Object(a, _), Value::Object(b, _)) => {
                self.pin_identity(left);
                self.pin_identity(right);
                self.host.is(a, b)
            }
            (Value::Array(a), Value::Array(b)) => a.is_same(b),
            (Value::List(a), Value::List(b)) => Rc::ptr_eq(a, b),
            (Value::Dict(a), Value::Dict(b)) => Rc::ptr_eq(a, b),
            (Value::Tuple(a, _), Value::Tuple(b, _)) => Rc::ptr_eq(a, b),
            (Value::Set(a), Value::Set(b)) => Rc::ptr_eq(a, b),
            (Value::Instance(a), Value::Instance(b)) => Rc::ptr_eq(a, b),
            (Value::Iterator(a), Value::Iterator(b)) => Rc::ptr_eq(a, b),
            (Value::Scalar(a, _), Value::Scalar(b, _)) => a == b,
            (Value::Closure(a), Value::Closure(b)) => Rc::ptr_eq(a, b),
            _ => false,
        })
    }
}
