//! Generators, as frames that stand at a `yield`; and all other iterators.
//!
//! In: an iterator. Out: its next item. A generator is run up to its next `yield` when it is asked for an
//! item, so that what it does happens in the order in which Python does it.

use std::cell::RefCell;
use std::rc::Rc;

use super::host::Host;
use super::machine::{Ended, Machine, side_effect};
use super::value::{Frame, Iterator, Value};
use crate::ast::{self, intrinsic, py};
use crate::error::{Error, ErrorKind, Exception, Result};

/// A statement that suspends: where its value goes, what is yielded, and whether from an iterable.
pub(super) struct Yielding<'s> {
    target: Option<&'s py::Expr>,
    value: &'s py::Expr,
    delegates: bool,
}

/// `$t = $$yield(x)` and its like.
pub(super) fn yielding(statement: &py::Stmt) -> Option<Yielding<'_>> {
    let (target, expression) = match statement {
        py::Stmt::Assign(assign) => (assign.targets.first(), &*assign.value),
        py::Stmt::Expr(e) => (None, &*e.value),
        _ => return None,
    };
    let py::Expr::Call(call) = expression else {
        return None;
    };
    let py::Expr::Name(name) = &*call.func else {
        return None;
    };
    let delegates = match name.id.as_str() {
        intrinsic::YIELD => false,
        intrinsic::YIELD_FROM => true,
        _ => return None,
    };
    Some(Yielding {
        target,
        value: call.args.first()?,
        delegates,
    })
}

/// Whether a suspended frame stands where an exception, or its end, would be noticed.
fn must_be_left<O>(frame: &Frame<O>) -> bool {
    let blocks = &frame.function.blocks;
    let handler = blocks.get(frame.at.0).and_then(|block| block.handler);
    let Some(handler) = handler.and_then(|at| blocks.get(at)) else {
        return false;
    };
    // Since 3.12 a handler around the whole body passes every exception on.
    let passes_on =
        handler.statements.len() <= 1 && matches!(handler.end.node, ast::Terminator::Raise { .. });
    !passes_on
}

type Shared<O> = Rc<RefCell<Iterator<O>>>;

impl<H: Host> Machine<'_, H> {
    /// What a `yield` hands out; `None` if a `yield from` is exhausted, and the frame goes on.
    pub fn suspend(
        &mut self,
        frame: &mut Frame<H::Object>,
        yielding: &Yielding<'_>,
    ) -> Result<Option<Value<H::Object>>> {
        if !yielding.delegates {
            let value = self.expression(frame, yielding.value)?;
            frame.suspended = true;
            return Ok(Some(value));
        }
        let inner = match frame.delegate.take() {
            Some(inner) => inner,
            None => {
                let iterable = self.expression(frame, yielding.value)?;
                self.iterate(&iterable)?
            }
        };
        self.returned = None;
        let item = match frame.sent.take() {
            Some(given) => self.send(&inner, given)?,
            None => self.advance(&inner)?,
        };
        if let Some(item) = item {
            frame.delegate = Some(inner);
            frame.suspended = true;
            return Ok(Some(item));
        }
        let result = self.returned.take().unwrap_or_else(|| self.none());
        if let Some(target) = yielding.target {
            self.assign(frame, target, result)?;
        }
        Ok(None)
    }

    /// Goes on after a `yield`, with what was sent or thrown.
    pub fn finish_yield(
        &mut self,
        frame: &mut Frame<H::Object>,
        block: &ast::Block,
        given: Result<Value<H::Object>>,
    ) -> Result<()> {
        frame.suspended = false;
        let statement = block.statements.get(frame.at.1).map(|s| &s.node);
        let yielding = statement.and_then(yielding);
        let Some(yielding) = yielding else {
            return Err(Error::internal("a generator that stands at no yield"));
        };
        if yielding.delegates {
            // The statement itself passes it on to the inner iterator.
            frame.sent = Some(given);
            return Ok(());
        }
        let value = given?;
        frame.at.1 += 1;
        match yielding.target {
            Some(target) => self.assign(frame, target, value),
            None => Ok(()),
        }
    }

    /// The next item of an iterator; `None` if there is none.
    pub fn advance(&mut self, iterator: &Shared<H::Object>) -> Result<Option<Value<H::Object>>> {
        if self.attempts.iter().any(|a| a.holds(iterator)) {
            return Err(side_effect("an iterator made before the loop goes on"));
        }
        match &mut *iterator.borrow_mut() {
            Iterator::Items(left) => return Ok(left.pop()),
            Iterator::List(list, at) => {
                *at += 1;
                return Ok(list.items.borrow().get(*at - 1).cloned());
            }
            Iterator::Finished => return Ok(None),
            Iterator::Range { next, stop, step } => {
                let now = *next;
                if (*step > 0 && now >= *stop) || (*step < 0 && now <= *stop) {
                    return Ok(None);
                }
                *next += *step;
                return Ok(Some(self.int(now)));
            }
            Iterator::Rows(_)
            | Iterator::RowsFrom { .. }
            | Iterator::Span(_)
            | Iterator::Zip(_)
            | Iterator::Enumerate(..)
            | Iterator::Map(..)
            | Iterator::Generator(_)
            | Iterator::Object(_) => {}
        }
        // What runs code meanwhile must not find the iterator borrowed.
        let state = iterator.replace(Iterator::Finished);
        match state {
            Iterator::Rows(array) => {
                let count = self.row_count(&array)?;
                let next = 0;
                iterator.replace(Iterator::RowsFrom { array, next, count });
                self.advance(iterator)
            }
            Iterator::RowsFrom { array, next, count } => {
                if next >= count {
                    return Ok(None);
                }
                let row = self.get_item(&array, &self.int(next))?;
                let next = next + 1;
                iterator.replace(Iterator::RowsFrom { array, next, count });
                Ok(Some(row))
            }
            Iterator::Span(bounds) => {
                let [next, stop, step] = &*bounds;
                let next = self.int_of(next, "range()")?;
                let stop = self.int_of(stop, "range()")?;
                let step = self.int_of(step, "range()")?;
                iterator.replace(Iterator::Range { next, stop, step });
                self.advance(iterator)
            }
            Iterator::Zip(parts) => {
                let mut row = Vec::new();
                for part in &parts {
                    match self.advance(part)? {
                        Some(item) => row.push(item),
                        None => return Ok(None),
                    }
                }
                iterator.replace(Iterator::Zip(parts));
                Ok(Some(Value::Tuple(Rc::new(row), None)))
            }
            Iterator::Enumerate(inner, count) => {
                let Some(item) = self.advance(&inner)? else {
                    return Ok(None);
                };
                iterator.replace(Iterator::Enumerate(inner, count + 1));
                Ok(Some(self.pair(self.int(count), item)))
            }
            Iterator::Map(function, rows) => {
                let Some(row) = self.advance(&rows)? else {
                    return Ok(None);
                };
                let row = self.items_of(&row)?;
                let item = self.call(&function, row, vec![])?;
                iterator.replace(Iterator::Map(function, rows));
                Ok(Some(item))
            }
            Iterator::Generator(frame) => {
                let none = self.none();
                self.go_on(iterator, frame, Ok(none))
            }
            Iterator::Object(object) => {
                let next = self.call_special(&object, "__next__", vec![]);
                match next {
                    Err(error) if self.is_raised(&error, "StopIteration") => Ok(None),
                    next => {
                        iterator.replace(Iterator::Object(object));
                        next.map(Some)
                    }
                }
            }
            Iterator::Items(_)
            | Iterator::List(..)
            | Iterator::Range { .. }
            | Iterator::Finished => Ok(None),
        }
    }

    /// The next item after a value or an exception is sent; plain iterators take `None` only.
    fn send(
        &mut self,
        iterator: &Shared<H::Object>,
        given: Result<Value<H::Object>>,
    ) -> Result<Option<Value<H::Object>>> {
        match iterator.replace(Iterator::Finished) {
            Iterator::Generator(frame) => self.go_on(iterator, frame, given),
            other => {
                iterator.replace(other);
                let value = given?;
                match self.is_none(&value) {
                    true => self.advance(iterator),
                    false => Err(self.unknown_method("iterator", "send")),
                }
            }
        }
    }

    /// Runs a generator to its next `yield` or its end.
    fn go_on(
        &mut self,
        iterator: &Shared<H::Object>,
        mut frame: Box<Frame<H::Object>>,
        given: Result<Value<H::Object>>,
    ) -> Result<Option<Value<H::Object>>> {
        let given = match (frame.suspended, given) {
            (true, given) => Some(given),
            (false, Err(error)) => return Err(error),
            (false, Ok(_)) => None,
        };
        match self.resume(&mut frame, given) {
            Ok(Ended::Yielded(value)) => {
                if must_be_left(&frame) && !self.open.iter().any(|o| Rc::ptr_eq(o, iterator)) {
                    self.open.push(iterator.clone());
                }
                iterator.replace(Iterator::Generator(frame));
                Ok(Some(value))
            }
            Ok(Ended::Returned(value)) => {
                self.returned = Some(value);
                Ok(None)
            }
            Err(error) if self.is_raised(&error, "StopIteration") => Err(Error::raises(
                Exception::Named("RuntimeError".into()),
                "generator raised StopIteration",
            )),
            Err(error) => Err(error),
        }
    }

    /// Python leaves the `try` of a generator that nobody asks any more when it drops the generator,
    /// which is not lifted.
    pub fn refuse_open_generators(&self) -> Result<()> {
        let is_open = |iterator: &Shared<H::Object>| match &*iterator.borrow() {
            Iterator::Generator(frame) => must_be_left(frame),
            _ => false,
        };
        if self.open.iter().any(is_open) {
            return Err(Error::unlifted(
                "a generator that is not exhausted",
                "it stands inside try or with, which Python leaves when it drops the generator",
            ));
        }
        Ok(())
    }

    /// `next(generator)`, `generator.send(x)`, `generator.throw(e)`, `generator.close()`.
    pub fn iterator_method(
        &mut self,
        iterator: &Shared<H::Object>,
        name: &str,
        args: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        let item = match (name, args) {
            ("__iter__", []) => return Ok(Value::Iterator(iterator.clone())),
            ("__next__", []) => self.advance(iterator)?,
            ("send", [value]) => self.send(iterator, Ok(value.clone()))?,
            // The older form gives class, value and traceback.
            ("throw", [exception] | [_, exception, ..]) => {
                let exception = match self.is_none(exception) {
                    true => args[0].clone(),
                    false => exception.clone(),
                };
                let error = self.raise_value(exception)?;
                self.send(iterator, Err(error))?
            }
            ("close", []) => return self.close(iterator),
            _ => return Err(self.unknown_method("generator", name)),
        };
        item.ok_or_else(|| match self.returned.take() {
            Some(value) => self.stop_iteration(value),
            None => Error::raises(Exception::Named("StopIteration".into()), ""),
        })
    }

    fn close(&mut self, iterator: &Shared<H::Object>) -> Result<Value<H::Object>> {
        let Iterator::Generator(frame) = iterator.replace(Iterator::Finished) else {
            return Ok(self.none());
        };
        if !frame.suspended {
            return Ok(self.none());
        }
        let exit = Error::raises(Exception::Named("GeneratorExit".into()), "");
        match self.go_on(iterator, frame, Err(exit)) {
            Ok(None) => Ok(self.none()),
            Ok(Some(_)) => Err(Error::raises(
                Exception::Named("RuntimeError".into()),
                "generator ignored GeneratorExit",
            )),
            Err(error) if self.is_raised(&error, "GeneratorExit") => Ok(self.none()),
            Err(error) => Err(error),
        }
    }

    fn stop_iteration(&mut self, value: Value<H::Object>) -> Box<Error> {
        let class = Value::Object(self.host.builtin("StopIteration"), None);
        let raised = self.call(&class, vec![value], vec![]);
        raised
            .and_then(|exception| self.raise_value(exception))
            .unwrap_or_else(|error| error)
    }

    pub fn unknown_method(&self, class: &str, name: &str) -> Box<Error> {
        Error::new(ErrorKind::UnknownCall {
            callee: format!("{class}.{name}"),
        })
    }
}
