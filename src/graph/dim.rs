//! Sizes of axes, known or symbolic.
//!
//! In: sizes of inputs, as symbols. Out: sizes of everything computed from them, as polynomials.
//! If `x` has size `n`, then `x[1:]` has `n - 1` and `concatenate([x, x])` has `2*n`.
//! Two sizes are equal when their canonical forms are; one lift then serves all `n`.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::{Add, Mul, Sub};
use std::sync::Arc;

/// A symbol: an entry of the graph's table of symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u32);

/// A factor of a term.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Atom {
    Symbol(Symbol),
    /// Floor division, where it does not come out even.
    Quotient(Box<(Dim, Dim)>),
    Max(Box<(Dim, Dim)>),
}

/// An integer polynomial over [`Atom`]s, in canonical form: terms sorted, no zero coefficients.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dim(Repr);

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Repr {
    Known(i64),
    Polynomial(Arc<BTreeMap<Vec<Atom>, i64>>),
}

impl Dim {
    pub fn known(size: i64) -> Dim {
        Dim(Repr::Known(size))
    }

    pub fn symbol(symbol: Symbol) -> Dim {
        Dim::atom(Atom::Symbol(symbol))
    }

    fn atom(atom: Atom) -> Dim {
        Dim(Repr::Polynomial(Arc::new(BTreeMap::from([(
            vec![atom],
            1,
        )]))))
    }

    fn from_terms(mut terms: BTreeMap<Vec<Atom>, i64>) -> Dim {
        terms.retain(|_, c| *c != 0);
        match terms.len() {
            0 => Dim::known(0),
            1 if terms.contains_key(&Vec::new()) => Dim::known(terms[&Vec::new()]),
            _ => Dim(Repr::Polynomial(Arc::new(terms))),
        }
    }

    /// The terms as (factors, coefficient), for printing and emitting.
    pub fn terms(&self) -> Vec<(Vec<Atom>, i64)> {
        match &self.0 {
            Repr::Known(0) => vec![],
            Repr::Known(k) => vec![(vec![], *k)],
            Repr::Polynomial(terms) => terms.iter().map(|(f, c)| (f.clone(), *c)).collect(),
        }
    }

    fn term_map(&self) -> BTreeMap<Vec<Atom>, i64> {
        self.terms().into_iter().collect()
    }

    /// The size, if it does not depend on a symbol.
    pub fn as_known(&self) -> Option<i64> {
        match self.0 {
            Repr::Known(k) => Some(k),
            Repr::Polynomial(_) => None,
        }
    }

    pub fn is_one(&self) -> bool {
        self.as_known() == Some(1)
    }

    /// The symbol, if this is one and nothing else.
    pub fn as_symbol(&self) -> Option<Symbol> {
        let Repr::Polynomial(terms) = &self.0 else {
            return None;
        };
        match terms.iter().next() {
            Some((factors, 1)) if terms.len() == 1 => match factors.as_slice() {
                [Atom::Symbol(s)] => Some(*s),
                _ => None,
            },
            _ => None,
        }
    }

    /// Floor division. Comes out as a polynomial when every term is divisible.
    pub fn floor_div(&self, by: &Dim) -> Dim {
        if let (Some(a), Some(b)) = (self.as_known(), by.as_known()) {
            return Dim::known(a.div_euclid(b.max(1)));
        }
        if let Some(exact) = self.exact_div(by) {
            return exact;
        }
        Dim::atom(Atom::Quotient(Box::new((self.clone(), by.clone()))))
    }

    /// `ceil(self / by)`, the length of a slice with step `by`.
    pub fn ceil_div(&self, by: i64) -> Dim {
        if by == 1 {
            return self.clone();
        }
        (self.clone() + Dim::known(by - 1)).floor_div(&Dim::known(by))
    }

    /// The quotient by a single term that divides every term of `self`.
    fn exact_div(&self, by: &Dim) -> Option<Dim> {
        let divisor = by.terms();
        let [(factors, coefficient)] = divisor.as_slice() else {
            return None;
        };
        let mut out = BTreeMap::new();
        for (mut term, c) in self.terms() {
            if c.checked_rem(*coefficient) != Some(0) {
                return None;
            }
            for factor in factors {
                let at = term.iter().position(|f| f == factor)?;
                term.remove(at);
            }
            out.insert(term, c / coefficient);
        }
        Some(Dim::from_terms(out))
    }

    pub fn maximum(&self, other: &Dim) -> Dim {
        match (self.as_known(), other.as_known()) {
            (Some(a), Some(b)) => Dim::known(a.max(b)),
            _ if self == other => self.clone(),
            _ => Dim::atom(Atom::Max(Box::new((self.clone(), other.clone())))),
        }
    }

    /// The size for given symbols, or `None` if one of them is not bound.
    pub fn evaluate(&self, size: &dyn Fn(Symbol) -> Option<i64>) -> Option<i64> {
        let terms = match &self.0 {
            Repr::Known(k) => return Some(*k),
            Repr::Polynomial(terms) => terms,
        };
        let mut sum = 0i64;
        for (factors, coefficient) in terms.iter() {
            let mut product = *coefficient;
            for factor in factors {
                product = product.checked_mul(match factor {
                    Atom::Symbol(s) => size(*s)?,
                    Atom::Quotient(pair) => {
                        let by = pair.1.evaluate(size)?;
                        if by == 0 {
                            0
                        } else {
                            pair.0.evaluate(size)?.div_euclid(by)
                        }
                    }
                    Atom::Max(pair) => pair.0.evaluate(size)?.max(pair.1.evaluate(size)?),
                })?;
            }
            sum = sum.checked_add(product)?;
        }
        Some(sum)
    }

    /// The same size with each symbol replaced.
    pub fn substitute(&self, replace: &dyn Fn(Symbol) -> Dim) -> Dim {
        let Repr::Polynomial(terms) = &self.0 else {
            return self.clone();
        };
        let mut sum = Dim::known(0);
        for (factors, coefficient) in terms.iter() {
            let mut product = Dim::known(*coefficient);
            for factor in factors {
                let value = match factor {
                    Atom::Symbol(s) => replace(*s),
                    Atom::Quotient(p) => {
                        p.0.substitute(replace).floor_div(&p.1.substitute(replace))
                    }
                    Atom::Max(p) => p.0.substitute(replace).maximum(&p.1.substitute(replace)),
                };
                product = product * value;
            }
            sum = sum + product;
        }
        sum
    }

    /// The symbols it depends on, each once.
    pub fn symbols(&self) -> Vec<Symbol> {
        let found = std::cell::RefCell::new(Vec::new());
        self.substitute(&|s| {
            if !found.borrow().contains(&s) {
                found.borrow_mut().push(s);
            }
            Dim::symbol(s)
        });
        found.into_inner()
    }
}

/// Sizes that are known to be others: one form for each size.
#[derive(Clone, Debug, Default)]
pub struct Equalities(HashMap<Symbol, Dim>);

impl Equalities {
    /// Notes that two sizes are equal, if that says what a symbol is. Of two symbols the first stays.
    pub fn add(&mut self, a: &Dim, b: &Dim) {
        let (a, b) = (self.canonical(a), self.canonical(b));
        let (symbol, dim) = match (a.as_symbol(), b.as_symbol()) {
            (Some(s), Some(t)) if s < t => (t, a),
            (Some(s), _) => (s, b),
            (None, Some(t)) => (t, a),
            (None, None) => return,
        };
        if !dim.symbols().contains(&symbol) {
            self.0.insert(symbol, dim);
        }
    }

    /// The size with all that is known applied: equal sizes have equal forms.
    pub fn canonical(&self, dim: &Dim) -> Dim {
        let mut dim = dim.clone();
        // Each replacement removes a symbol, unless assumptions go round in a circle.
        for _ in 0..=self.0.len() {
            if !dim.symbols().iter().any(|s| self.0.contains_key(s)) {
                break;
            }
            dim = dim.substitute(&|s| self.0.get(&s).cloned().unwrap_or(Dim::symbol(s)));
        }
        dim
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Add for Dim {
    type Output = Dim;
    fn add(self, other: Dim) -> Dim {
        if let (Some(a), Some(b)) = (self.as_known(), other.as_known()) {
            return Dim::known(a.saturating_add(b));
        }
        let mut terms = self.term_map();
        for (factors, c) in other.terms() {
            let sum = terms.entry(factors).or_insert(0);
            *sum = sum.saturating_add(c);
        }
        Dim::from_terms(terms)
    }
}

impl Sub for Dim {
    type Output = Dim;
    fn sub(self, other: Dim) -> Dim {
        self + other * Dim::known(-1)
    }
}

impl Mul for Dim {
    type Output = Dim;
    fn mul(self, other: Dim) -> Dim {
        if let (Some(a), Some(b)) = (self.as_known(), other.as_known()) {
            return Dim::known(a.saturating_mul(b));
        }
        let mut terms: BTreeMap<_, i64> = BTreeMap::new();
        for (f, c) in self.terms() {
            for (g, d) in other.terms() {
                let mut factors = f.clone();
                factors.extend(g.iter().cloned());
                factors.sort();
                let sum = terms.entry(factors).or_insert(0);
                *sum = sum.saturating_add(c.saturating_mul(d));
            }
        }
        Dim::from_terms(terms)
    }
}

impl From<usize> for Dim {
    fn from(size: usize) -> Dim {
        Dim::known(size as i64)
    }
}

impl From<i64> for Dim {
    fn from(size: i64) -> Dim {
        Dim::known(size)
    }
}

/// `n0`, `2*n0 - 1`, `n0*n1`, `((n0 + 1)//2)`, `max(n0, 3)`: what [`crate::graph::parse`] reads back.
impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms = self.terms();
        if terms.is_empty() {
            return f.write_str("0");
        }
        // Constants last: `n - 1`, not `-1 + n`.
        let (constants, rest): (Vec<_>, Vec<_>) =
            terms.into_iter().partition(|(t, _)| t.is_empty());
        for (i, (factors, c)) in rest.iter().chain(&constants).enumerate() {
            match (i, *c < 0) {
                (0, true) => f.write_str("-")?,
                (0, false) => {}
                (_, true) => f.write_str(" - ")?,
                (_, false) => f.write_str(" + ")?,
            }
            let magnitude = c.unsigned_abs();
            if magnitude != 1 || factors.is_empty() {
                write!(f, "{magnitude}")?;
                if !factors.is_empty() {
                    f.write_str("*")?;
                }
            }
            for (k, factor) in factors.iter().enumerate() {
                if k > 0 {
                    f.write_str("*")?;
                }
                match factor {
                    Atom::Symbol(s) => write!(f, "n{}", s.0)?,
                    Atom::Quotient(p) => write!(f, "(({})//({}))", p.0, p.1)?,
                    Atom::Max(p) => write!(f, "max({}, {})", p.0, p.1)?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms() {
        let n = Dim::symbol(Symbol(0));
        let m = Dim::symbol(Symbol(1));
        assert_eq!(n.clone() + Dim::known(1) - Dim::known(1), n);
        assert_eq!(n.clone() * m.clone(), m.clone() * n.clone());
        assert_eq!((n.clone() * m.clone()).floor_div(&m), n);
        assert_eq!(
            (n.clone() * Dim::known(2) - Dim::known(1)).to_string(),
            "2*n0 - 1"
        );
        assert_eq!(n.ceil_div(2).evaluate(&|_| Some(5)), Some(3));
    }
}
