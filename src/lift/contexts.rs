//! `with`: entering and leaving context managers.
//!
//! In: a manager. Out: what `as` binds. Managers written in Python are run; those that change how warnings
//! are given leave the values alone; those by which errors raise are [`super::floating`]'s; a lock is free while one
//! function runs.

use super::host::{Attribute, Host};
use super::machine::Machine;
use super::value::Value;
use crate::ast::py;
use crate::error::{Error, ErrorKind, Result};

impl<H: Host> Machine<'_, H> {
    pub fn enter_context(&mut self, manager: &Value<H::Object>) -> Result<Value<H::Object>> {
        match self.manager(manager)? {
            Manager::Python => self.call_special(manager, "__enter__", vec![]),
            Manager::Errors => {
                let watch = self.watch(manager)?;
                self.watches.push(watch);
                Ok(self.none())
            }
            Manager::Warnings => {
                let record = self.attribute(manager, "_record")?;
                if self.truth(&record, "catch_warnings(record=)")? {
                    return Err(Error::unlifted(
                        "catch_warnings(record=True)",
                        "which warnings are given is not known",
                    ));
                }
                self.changes.filters.push(false);
                Ok(self.none())
            }
            Manager::Lock => Ok(self.constant(&py::Constant::Bool(true))),
        }
    }

    /// Whether leaving swallows `exception`.
    pub fn exit_context(
        &mut self,
        manager: &Value<H::Object>,
        exception: Option<&Value<H::Object>>,
    ) -> Result<Value<H::Object>> {
        match self.manager(manager)? {
            Manager::Python => {
                let none = self.none();
                let args = match exception {
                    None => vec![none.clone(), none.clone(), none],
                    Some(exception) => {
                        let class = Value::Object(self.class_of(exception)?, None);
                        vec![class, exception.clone(), none]
                    }
                };
                let swallows = self.call_special(manager, "__exit__", args)?;
                let swallows = exception.is_some() && self.truth(&swallows, "__exit__")?;
                Ok(self.constant(&py::Constant::Bool(swallows)))
            }
            Manager::Warnings => {
                self.changes.filters.pop();
                Ok(self.constant(&py::Constant::Bool(false)))
            }
            Manager::Errors => {
                if let Some(Some(watch)) = self.watches.pop() {
                    self.refuse_errors(watch)?;
                }
                Ok(self.constant(&py::Constant::Bool(false)))
            }
            Manager::Lock => Ok(self.constant(&py::Constant::Bool(false))),
        }
    }

    fn manager(&mut self, manager: &Value<H::Object>) -> Result<Manager> {
        if let Value::Object(object, _) = manager {
            match self.host.describe(object).as_str() {
                "errstate" => return Ok(Manager::Errors),
                "catch_warnings" => return Ok(Manager::Warnings),
                "lock" | "RLock" => return Ok(Manager::Lock),
                _ => {}
            }
        }
        let class = self.class_of(manager)?;
        match self.host.look_up(&class, None, "__enter__") {
            Attribute::Missing | Attribute::Fallback(_) => Err(Error::type_error(format!(
                "'{}' object does not support the context manager protocol",
                self.host.describe(&class)
            ))),
            Attribute::Method(_) | Attribute::Value(_) => Ok(Manager::Python),
            _ => Err(Error::new(ErrorKind::UnknownCall {
                callee: format!("__enter__ of {}", self.host.describe(&class)),
            })),
        }
    }
}

/// Kinds of context managers.
enum Manager {
    /// Its methods are Python functions.
    Python,
    /// `np.errstate`.
    Errors,
    /// `warnings.catch_warnings`.
    Warnings,
    Lock,
}
