//! Operators that classes define in Python.
//!
//! In: an operator and operands of which one is an instance. Out: what `__add__` or `__radd__` gives; `None`
//! if neither operand is such an instance.
//! Source: the data model of the language reference, 3.3.8.

use super::host::{Attribute, Class, Host};
use super::machine::Machine;
use super::value::Value;
use crate::ast::py;
use crate::error::{Error, Result};

/// A method to ask: its receiver, its name, its argument.
type Try<'v, O> = (&'v Value<O>, String, &'v Value<O>);

impl<H: Host> Machine<'_, H> {
    /// Whether Python code of a class may decide about the operators of a value.
    pub fn is_instance_value(&self, value: &Value<H::Object>) -> bool {
        match value {
            Value::Instance(_) => true,
            Value::Object(o, _) => self.host.class(o) == Class::Instance,
            _ => false,
        }
    }

    /// A binary operator, by its name in module `operator`.
    pub fn overloaded(
        &mut self,
        name: &str,
        left: &Value<H::Object>,
        right: &Value<H::Object>,
    ) -> Result<Option<Value<H::Object>>> {
        if !(self.is_instance_value(left) || self.is_instance_value(right)) {
            return Ok(None);
        }
        let name = name.trim_end_matches('_');
        let mut tries = vec![
            (left, format!("__{name}__"), right),
            (right, format!("__r{name}__"), left),
        ];
        if self.goes_first(right, left)? {
            tries.reverse();
        }
        self.first_answer(&tries)
    }

    /// A comparison, by its name in module `operator`.
    pub fn overloaded_compare(
        &mut self,
        name: &str,
        left: &Value<H::Object>,
        right: &Value<H::Object>,
    ) -> Result<Option<Value<H::Object>>> {
        if !(self.is_instance_value(left) || self.is_instance_value(right)) {
            return Ok(None);
        }
        let swapped = match name {
            "lt" => "gt",
            "gt" => "lt",
            "le" => "ge",
            "ge" => "le",
            same => same,
        };
        let mut tries = vec![
            (left, format!("__{name}__"), right),
            (right, format!("__{swapped}__"), left),
        ];
        if self.goes_first(right, left)? {
            tries.reverse();
        }
        if let Some(answer) = self.first_answer(&tries)? {
            return Ok(Some(answer));
        }
        if name == "ne"
            && let Some(equal) = self.overloaded_compare("eq", left, right)?
        {
            let equal = self.truth(&equal, "!=")?;
            return Ok(Some(self.constant(&py::Constant::Bool(!equal))));
        }
        let plain = |machine: &mut Self, value: &Value<H::Object>| match value {
            Value::Instance(instance) => instance.content.is_none(),
            Value::Object(o, _) => machine.host.compares_by_identity(o) || machine.is_immutable(o),
            _ => true,
        };
        if matches!(name, "eq" | "ne") && plain(self, left) && plain(self, right) {
            let arrays = [left, right]
                .iter()
                .any(|v| matches!(v, Value::Array(_) | Value::Scalar(..)));
            if !arrays {
                let same = self.identical(left, right)?;
                return Ok(Some(
                    self.constant(&py::Constant::Bool(same == (name == "eq"))),
                ));
            }
        }
        Ok(None)
    }

    /// `x op= y` by a method of its own.
    pub fn overloaded_inplace(
        &mut self,
        name: &str,
        left: &Value<H::Object>,
        right: &Value<H::Object>,
    ) -> Result<Option<Value<H::Object>>> {
        let name = format!("__i{}__", name.trim_end_matches('_'));
        self.first_answer(&[(left, name, right)])
    }

    /// A unary operator or conversion: `__neg__`, `__abs__`, `__float__`.
    pub fn overloaded_unary(
        &mut self,
        name: &str,
        operand: &Value<H::Object>,
    ) -> Result<Option<Value<H::Object>>> {
        match self.special(operand, &format!("__{name}__")) {
            Some(method) => self.call(&method, vec![], vec![]).map(Some),
            None => Ok(None),
        }
    }

    fn first_answer(&mut self, tries: &[Try<'_, H::Object>]) -> Result<Option<Value<H::Object>>> {
        for (receiver, name, other) in tries {
            if let Some(method) = self.special(receiver, name) {
                let answer = self.call(&method, vec![(*other).clone()], vec![])?;
                if !self.is_not_implemented(&answer) {
                    return Ok(Some(answer));
                }
            } else if matches!(receiver, Value::Array(_) | Value::Scalar(..))
                && self.takes_instances(receiver, other)?
            {
                // NumPy would make an array of objects.
                let what = format!("{name} of an array and {}", self.describe(other));
                return Err(Error::unlifted(
                    what,
                    "NumPy would make an array of objects",
                ));
            }
        }
        Ok(None)
    }

    /// Whether an array would treat an instance as an element rather than leave the operator to it.
    fn takes_instances(
        &mut self,
        receiver: &Value<H::Object>,
        other: &Value<H::Object>,
    ) -> Result<bool> {
        if !self.is_instance_value(other)
            || matches!(receiver, Value::Scalar(_, super::numpy::Form::Python))
        {
            return Ok(false);
        }
        let class = self.class_of(other)?;
        let defers = ["__array_ufunc__", "__array_priority__"]
            .iter()
            .any(|name| matches!(self.host.look_up(&class, None, name), Attribute::Value(_)));
        Ok(!defers)
    }

    /// An operand whose class derives from the other's is asked first.
    fn goes_first(&mut self, right: &Value<H::Object>, left: &Value<H::Object>) -> Result<bool> {
        if !(self.is_instance_value(right) && self.is_instance_value(left)) {
            return Ok(false);
        }
        let (right, left) = (self.class_of(right)?, self.class_of(left)?);
        Ok(!self.host.is(&right, &left) && self.host.is_subclass(&right, &left))
    }

    pub fn is_not_implemented(&self, value: &Value<H::Object>) -> bool {
        let marker = self.host.builtin("NotImplemented");
        matches!(value, Value::Object(o, _) if self.host.is(o, &marker))
    }

    pub fn is_none(&self, value: &Value<H::Object>) -> bool {
        matches!(value, Value::Object(o, _) if self.host.class(o) == Class::None)
    }

    /// A tuple, list or dict for an instance that also is one.
    pub fn content_of(&self, value: &Value<H::Object>) -> Value<H::Object> {
        match value {
            Value::Instance(instance) => match &instance.content {
                Some(content) => content.clone(),
                None => value.clone(),
            },
            other => other.clone(),
        }
    }
}
