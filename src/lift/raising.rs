//! Exceptions: raised, caught, matched.
//!
//! In: `raise E(x)`. Out: an error that carries the exception object, so that `except` finds the very
//! object and matches it by its class.

use super::host::{Class, Host};
use super::machine::Machine;
use super::value::{Frame, Value};
use crate::ast::py;
use crate::error::{Error, ErrorKind, Exception, Result};

impl<H: Host> Machine<'_, H> {
    /// `raise exception from cause`. The cause is part of the traceback only.
    pub fn raise(
        &mut self,
        frame: &mut Frame<H::Object>,
        exception: Option<&py::Expr>,
        cause: Option<&py::Expr>,
    ) -> Result<Box<Error>> {
        let exception = match exception {
            Some(exception) => self.expression(frame, exception)?,
            None => match frame.caught.clone() {
                Some(caught) => caught,
                None => {
                    let class = Exception::Named("RuntimeError".into());
                    return Ok(Error::raises(class, "No active exception to reraise"));
                }
            },
        };
        if let Some(cause) = cause {
            self.expression(frame, cause)?;
        }
        self.raise_value(exception)
    }

    /// The error that raises a class or an instance.
    pub fn raise_value(&mut self, value: Value<H::Object>) -> Result<Box<Error>> {
        let is_class = matches!(&value, Value::Object(o, _) if self.host.class(o) == Class::Type);
        let value = if is_class {
            self.call(&value, vec![], vec![])?
        } else {
            value
        };
        let class = self.class_of(&value)?;
        let base = self.host.builtin("BaseException");
        if !self.host.is_subclass(&class, &base) {
            return Ok(Error::type_error(
                "exceptions must derive from BaseException",
            ));
        }
        let message = match &value {
            Value::Object(o, _) => {
                let text = self
                    .host
                    .call(&self.host.builtin("str"), std::slice::from_ref(o), &[]);
                text.ok().and_then(|text| match self.host.class(&text) {
                    Class::Str(text) => Some(text),
                    _ => None,
                })
            }
            _ => None,
        };
        let name = self.host.describe(&class);
        let message = message.unwrap_or_else(|| format!("{name} is raised here"));
        Ok(self.made(name.as_str(), value, message))
    }

    /// An error with the exception object that Python sees.
    pub fn made(&mut self, name: &str, value: Value<H::Object>, message: String) -> Box<Error> {
        self.exceptions.push(value);
        Error::raises(
            Exception::Made(name.into(), self.exceptions.len() - 1),
            message,
        )
    }

    /// The exception object of an error.
    pub fn exception_of(
        &mut self,
        exception: &Exception,
        message: &str,
    ) -> Result<Value<H::Object>> {
        if let Exception::Made(_, at) = exception {
            let made = self.exceptions.get(*at).cloned();
            return made.ok_or_else(|| Error::internal("an exception that was not kept"));
        }
        let class = self.host.find_class(exception.name());
        let class = class.ok_or_else(|| {
            Error::unlifted(
                format!("an {} caught here", exception.name()),
                "its class is not known",
            )
        })?;
        let text = self.host.constant(&py::Constant::Str(message.to_string()));
        let args = if message.is_empty() {
            vec![]
        } else {
            vec![text]
        };
        match self.host.call(&class, &args, &[]) {
            Ok(made) => Ok(Value::Object(made, None)),
            Err(raised) => Err(Error::internal(raised.text)),
        }
    }

    /// Whether an error is an exception of this class of Python's.
    pub fn is_raised(&mut self, error: &Error, class: &str) -> bool {
        let ErrorKind::Raises { exception, message } = &error.kind else {
            return false;
        };
        if exception.name() == class {
            return true;
        }
        let wanted = self.host.builtin(class);
        let value = self.exception_of(exception, message);
        let found = value.and_then(|value| self.class_of(&value));
        found.is_ok_and(|found| self.host.is_subclass(&found, &wanted))
    }

    /// The test of an `except` clause.
    pub fn matches(
        &mut self,
        caught: &Value<H::Object>,
        class: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        let raised = self.class_of(caught)?;
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
}
