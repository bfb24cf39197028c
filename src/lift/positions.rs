//! How far iterators are, so that both sides of a branch start from the same items.
//!
//! In: the locals. Out: the position of each iterator that they hold, to go back to or to compare.
//!
//! ```text
//! for t in v:  if t > best: best = t        each side goes on with the item after `t`
//! ```

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::value::{Iterator, Value};
use crate::ast::BlockId;

type Shared<O> = Rc<RefCell<Iterator<O>>>;

/// Iterators, and how far each is.
pub(super) struct Positions<O>(Vec<(Shared<O>, Position<O>)>);

enum Position<O> {
    Of(Iterator<O>),
    /// Where a generator stands, and its locals.
    Generator((BlockId, usize), HashMap<String, Value<O>>),
}

impl<O: Clone> Positions<O> {
    /// Those of all iterators among the locals and within them.
    pub fn of(locals: &HashMap<String, Value<O>>) -> Positions<O> {
        let mut found = Vec::new();
        locals.values().for_each(|value| within(value, &mut found));
        Positions::at(found)
    }

    /// Where the same iterators are by now.
    pub fn now(&self) -> Positions<O> {
        Positions::at(
            self.0
                .iter()
                .map(|(iterator, _)| iterator.clone())
                .collect(),
        )
    }

    fn at(iterators: Vec<Shared<O>>) -> Positions<O> {
        let known = iterators.into_iter().map(|iterator| {
            let position = position(&iterator.borrow());
            (iterator, position)
        });
        Positions(known.collect())
    }

    /// Puts the iterators back to where they were.
    pub fn restore(&self) {
        for (iterator, position) in &self.0 {
            match position {
                Position::Of(before) => *iterator.borrow_mut() = copy(before),
                Position::Generator(at, locals) => {
                    if let Iterator::Generator(frame) = &mut *iterator.borrow_mut() {
                        frame.at = *at;
                        frame.locals = locals.clone();
                    }
                }
            }
        }
    }

    /// Whether all are as far as in the other.
    pub fn is_same(&self, other: &Positions<O>) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        pairs.into_iter().all(|((_, a), (_, b))| match (a, b) {
            (Position::Of(a), Position::Of(b)) => progress(a) == progress(b),
            (Position::Generator(a, _), Position::Generator(b, _)) => a == b,
            _ => false,
        })
    }
}

fn position<O: Clone>(iterator: &Iterator<O>) -> Position<O> {
    match iterator {
        Iterator::Generator(frame) => Position::Generator(frame.at, frame.locals.clone()),
        other => Position::Of(copy(other)),
    }
}

/// The iterators that a value is, or holds.
fn within<O: Clone>(value: &Value<O>, found: &mut Vec<Shared<O>>) {
    match value {
        Value::Iterator(iterator) => {
            if found.iter().any(|known| Rc::ptr_eq(known, iterator)) {
                return;
            }
            found.push(iterator.clone());
            match &*iterator.borrow() {
                Iterator::Zip(parts) => {
                    let parts = parts.iter().cloned().map(Value::Iterator);
                    parts.for_each(|part| within(&part, found));
                }
                Iterator::Enumerate(of, _) | Iterator::Map(_, of) => {
                    within(&Value::Iterator(of.clone()), found);
                }
                Iterator::Generator(frame) => {
                    frame.locals.values().for_each(|value| within(value, found));
                }
                _ => {}
            }
        }
        Value::Tuple(items, _) => items.iter().for_each(|item| within(item, found)),
        Value::List(list) => list
            .items
            .borrow()
            .iter()
            .for_each(|item| within(item, found)),
        _ => {}
    }
}

/// One number that tells how far an iterator is; those that it asks for items have their own.
fn progress<O>(iterator: &Iterator<O>) -> Option<i64> {
    match iterator {
        Iterator::Items(left) => Some(left.len() as i64),
        Iterator::List(_, next) => Some(*next as i64),
        Iterator::RowsFrom { next, .. } | Iterator::Range { next, .. } => Some(*next),
        Iterator::Enumerate(_, next) => Some(*next),
        Iterator::Zip(_) | Iterator::Map(..) => Some(0),
        Iterator::Rows(_) | Iterator::Span(_) | Iterator::Object(_) => Some(-1),
        Iterator::Generator(_) | Iterator::Finished => None,
    }
}

/// The same iterator at the same place; a generator has its frame, of which there is one.
fn copy<O: Clone>(iterator: &Iterator<O>) -> Iterator<O> {
    match iterator {
        Iterator::Items(left) => Iterator::Items(left.clone()),
        Iterator::List(list, next) => Iterator::List(list.clone(), *next),
        Iterator::Rows(array) => Iterator::Rows(array.clone()),
        Iterator::RowsFrom { array, next, count } => Iterator::RowsFrom {
            array: array.clone(),
            next: *next,
            count: *count,
        },
        Iterator::Range { next, stop, step } => Iterator::Range {
            next: *next,
            stop: *stop,
            step: *step,
        },
        Iterator::Span(bounds) => Iterator::Span(bounds.clone()),
        Iterator::Zip(parts) => Iterator::Zip(parts.clone()),
        Iterator::Enumerate(of, next) => Iterator::Enumerate(of.clone(), *next),
        Iterator::Map(function, of) => Iterator::Map(function.clone(), of.clone()),
        Iterator::Object(object) => Iterator::Object(object.clone()),
        Iterator::Generator(_) | Iterator::Finished => Iterator::Finished,
    }
}
