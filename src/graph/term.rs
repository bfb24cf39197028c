//! Formulas over nodes, written as formulas.
//!
//! In: a [`Builder`] and nodes of it. Out: more nodes. A [`Term`] is a node together with the builder
//! it lives in, so that Rust's own operators add nodes; plain numbers become Python literals:
//!
//! ```
//! use lazy_core::graph::{Aval, Builder, DType, term};
//! let mut b = Builder::new("slope");
//! let x = b.input("x", Aval::scalar(DType::F32));
//! let slope = term::formula(&mut b, |scope| {
//!     let x = scope.term(x);
//!     (1.0 / (1.0 + x)).node
//! }).unwrap();
//! assert_eq!(b.aval(slope).dtype, DType::F32);
//! ```
//!
//! The first error is kept and returned at the end, as if each operator had a `?`.

use std::cell::{Cell, RefCell};
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{Aval, Builder, DType, NodeId};
use crate::error::{Error, Result};
use crate::ops::{Constant, Elementwise, Op};

/// A builder while a formula is being written.
pub struct Scope {
    builder: RefCell<Builder>,
    error: Cell<Option<Box<Error>>>,
}

/// A node in a [`Scope`].
#[derive(Clone, Copy)]
pub struct Term<'s> {
    scope: &'s Scope,
    pub node: NodeId,
}

/// Runs `write` with a scope over `builder`.
///
/// # Errors
/// The first error of any operator in it.
pub fn formula<R>(builder: &mut Builder, write: impl FnOnce(&Scope) -> R) -> Result<R> {
    let scope = Scope {
        builder: RefCell::new(std::mem::take(builder)),
        error: Cell::new(None),
    };
    let result = write(&scope);
    *builder = scope.builder.into_inner();
    match scope.error.into_inner() {
        Some(error) => Err(error),
        None => Ok(result),
    }
}

impl Scope {
    pub fn term(&self, node: NodeId) -> Term<'_> {
        Term { scope: self, node }
    }

    /// A Python integer.
    pub fn int(&self, value: i64) -> Term<'_> {
        self.term(self.builder.borrow_mut().int(value))
    }

    /// A Python float.
    pub fn float(&self, value: f64) -> Term<'_> {
        self.term(self.builder.borrow_mut().float(value))
    }

    /// `1j`.
    pub fn imaginary_unit(&self) -> Term<'_> {
        let unit = Constant::Complex(num_complex::Complex64::I);
        self.term(
            self.builder
                .borrow_mut()
                .constant(unit, Aval::weak(DType::C128)),
        )
    }

    fn apply(&self, op: Elementwise, operands: &[NodeId]) -> Term<'_> {
        let made = self.builder.borrow_mut().elementwise(op, operands);
        self.settled(made, operands[0])
    }

    fn cast(&self, node: NodeId, dtype: DType) -> Term<'_> {
        let made = self.builder.borrow_mut().cast(node, dtype);
        self.settled(made, node)
    }

    /// What was made; after an error any node, which is never seen, since `formula` returns the error.
    fn settled(&self, made: Result<NodeId>, any: NodeId) -> Term<'_> {
        match made {
            Ok(node) => self.term(node),
            Err(error) => {
                let first = self.error.take().unwrap_or(error);
                self.error.set(Some(first));
                self.term(any)
            }
        }
    }
}

impl<'s> Term<'s> {
    pub fn dtype(self) -> DType {
        self.scope.builder.borrow().aval(self.node).dtype
    }

    /// The number, if the node is a real scalar known when lifting.
    pub fn as_number(self) -> Option<f64> {
        match self.scope.builder.borrow().op(self.node) {
            Op::Constant(Constant::Int(v)) => Some(*v as f64),
            Op::Constant(Constant::UInt(v)) => Some(*v as f64),
            Op::Constant(Constant::Float(v)) => Some(*v),
            _ => None,
        }
    }

    /// Complex if `other` is: where a function of a real number would leave the reals.
    pub fn in_kind_of(self, other: Term<'s>) -> Term<'s> {
        if !other.dtype().is_complex() || self.dtype().is_complex() {
            return self;
        }
        self.scope.cast(self.node, other.dtype())
    }

    pub fn scope(self) -> &'s Scope {
        self.scope
    }

    pub fn apply(self, op: Elementwise) -> Term<'s> {
        self.scope.apply(op, &[self.node])
    }

    pub fn apply2(self, op: Elementwise, other: impl Operand) -> Term<'s> {
        self.scope.apply(op, &[self.node, other.node(self.scope)])
    }

    /// An operation of this term and others.
    pub fn apply_with(self, op: Elementwise, others: &[Term<'s>]) -> Term<'s> {
        let operands: Vec<NodeId> = std::iter::once(self.node)
            .chain(others.iter().map(|x| x.node))
            .collect();
        self.scope.apply(op, &operands)
    }

    /// `where(self, yes, no)`.
    pub fn choose(self, yes: impl Operand, no: impl Operand) -> Term<'s> {
        let operands = [self.node, yes.node(self.scope), no.node(self.scope)];
        self.scope.apply(Elementwise::Where, &operands)
    }

    pub fn pow(self, exponent: impl Operand) -> Term<'s> {
        self.apply2(Elementwise::Power, exponent)
    }

    /// `self == other`, elementwise.
    pub fn equals(self, other: impl Operand) -> Term<'s> {
        self.apply2(Elementwise::Equal, other)
    }

    /// `self > other`, elementwise.
    pub fn above(self, other: impl Operand) -> Term<'s> {
        self.apply2(Elementwise::Greater, other)
    }
}

macro_rules! methods {
    ($($name:ident => $op:ident),*) => {
        impl<'s> Term<'s> {
            $(pub fn $name(self) -> Term<'s> { self.apply(Elementwise::$op) })*
        }
    };
}
methods!(exp => Exp, log => Log, sqrt => Sqrt, sin => Sin, cos => Cos, sinh => Sinh, cosh => Cosh,
    abs => Absolute, sign => Sign, conj => Conjugate, real => Real, imag => Imag, trunc => Trunc,
    expit => Expit, digamma => Digamma);

/// What may stand beside a term: another term, or a number (a Python literal).
pub trait Operand {
    fn node(self, scope: &Scope) -> NodeId;
}

impl Operand for Term<'_> {
    fn node(self, _scope: &Scope) -> NodeId {
        self.node
    }
}

impl Operand for i64 {
    fn node(self, scope: &Scope) -> NodeId {
        scope.int(self).node
    }
}

impl Operand for f64 {
    fn node(self, scope: &Scope) -> NodeId {
        scope.float(self).node
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident => $op:ident),*) => {$(
        impl<'s, T: Operand> $trait<T> for Term<'s> {
            type Output = Term<'s>;
            fn $method(self, other: T) -> Term<'s> {
                self.apply2(Elementwise::$op, other)
            }
        }
        impl<'s> $trait<Term<'s>> for f64 {
            type Output = Term<'s>;
            fn $method(self, other: Term<'s>) -> Term<'s> {
                other.scope.float(self).apply2(Elementwise::$op, other)
            }
        }
        impl<'s> $trait<Term<'s>> for i64 {
            type Output = Term<'s>;
            fn $method(self, other: Term<'s>) -> Term<'s> {
                other.scope.int(self).apply2(Elementwise::$op, other)
            }
        }
    )*};
}
operators!(Add add => Add, Sub sub => Subtract, Mul mul => Multiply, Div div => Divide);

impl<'s> Neg for Term<'s> {
    type Output = Term<'s>;
    fn neg(self) -> Term<'s> {
        self.apply(Elementwise::Negative)
    }
}
