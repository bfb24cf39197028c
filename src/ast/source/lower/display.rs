//! Tuples, lists, sets and dicts as written.
//!
//! In: their items. Out: one object, filled item by item after the first star:
//!
//! ```text
//! [a, *b, c]      $0 = [a]   $$extend($0, b)   $$append($0, c)   push $0
//! ```
//!
//! Source: `starunpack_helper` of CPython.

use super::super::find::Kind;
use super::Lowering;
use crate::ast::build::make::{constant, dict, list, set, tuple};
use crate::ast::intrinsic;
use crate::ast::py::{Constant, Expr};
use crate::error::Result;

impl<'a> Lowering<'a> {
    pub(super) fn display_tuple<'e>(&mut self, elts: impl Iterator<Item = &'e Expr>) -> Result<()> {
        let span = self.builder.span.clone();
        let mut count = 0;
        for elt in elts {
            self.expr(elt)?;
            count += 1;
        }
        let atoms = self.builder.pop_many(count)?;
        self.builder.span = span;
        match constants(&atoms) {
            Some(values) => self.builder.push(constant(Constant::Tuple(values))),
            None => self.builder.emit(tuple(atoms)),
        }
        Ok(())
    }

    /// A list or set, with stars or without.
    pub(super) fn display(&mut self, kind: Kind, elts: &[Expr]) -> Result<()> {
        let span = self.builder.span.clone();
        let plain = elts
            .iter()
            .take_while(|e| !matches!(e, Expr::Starred(_)))
            .count();
        let (plain, rest) = elts.split_at(plain);
        plain.iter().try_for_each(|elt| self.expr(elt))?;
        let atoms = self.builder.pop_many(plain.len())?;
        self.builder.span = span;
        match kind {
            Kind::Set if atoms.is_empty() => self.empty(Kind::Set),
            Kind::Set => self.builder.emit(set(atoms)),
            _ => self.builder.emit(list(atoms)),
        }
        for elt in rest {
            let (value, one, many) = match elt {
                Expr::Starred(e) => (&*e.value, false, kind),
                elt => (elt, true, kind),
            };
            self.expr(value)?;
            let item = self.builder.pop()?;
            let container = self.builder.peek(1)?;
            let which = match (many, one) {
                (Kind::Set, true) => intrinsic::ADD,
                (Kind::Set, false) => intrinsic::UPDATE,
                (_, true) => intrinsic::APPEND,
                (_, false) => intrinsic::EXTEND,
            };
            self.builder
                .effect_intrinsic(which, vec![container, item])?;
        }
        Ok(())
    }

    pub(super) fn display_dict(&mut self, keys: &[Option<Expr>], values: &[Expr]) -> Result<()> {
        let span = self.builder.span.clone();
        let plain = keys.iter().take_while(|key| key.is_some()).count();
        for (key, value) in keys.iter().zip(values).take(plain) {
            key.iter().try_for_each(|key| self.expr(key))?;
            self.expr(value)?;
        }
        let atoms = self.builder.pop_many(2 * plain)?;
        self.builder.span = span;
        let (keys_now, values_now) = atoms
            .chunks_exact(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()))
            .unzip();
        self.builder.emit(dict(keys_now, values_now));
        for (key, value) in keys.iter().zip(values).skip(plain) {
            key.iter().try_for_each(|key| self.expr(key))?;
            self.expr(value)?;
            let mut args = self.builder.pop_many(1 + usize::from(key.is_some()))?;
            args.insert(0, self.builder.peek(1)?);
            let which = if key.is_some() {
                intrinsic::PUT
            } else {
                intrinsic::UPDATE
            };
            self.builder.effect_intrinsic(which, args)?;
        }
        Ok(())
    }
}

fn constants(atoms: &[Expr]) -> Option<Vec<Constant>> {
    atoms
        .iter()
        .map(|atom| match atom {
            Expr::Constant(e) => Some(e.value.clone()),
            _ => None,
        })
        .collect()
}
