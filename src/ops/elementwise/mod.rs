//! Elementwise operations: one row of [`table`] each, and nothing else.
//!
//! In: an [`Elementwise`]. Out: its [`Def`]: name, NumPy's spellings, dtypes, kernel, derivative.
//! Inference, evaluation, differentiation, printing, fusion, the docs and the laws are derived from it.
//!
//! ```
//! use lazy_core::ops::Elementwise;
//! assert_eq!(Elementwise::from_numpy("numpy.log1p"), Some(Elementwise::Log1p));
//! assert_eq!(Elementwise::Log1p.def().name, "log1p");
//! assert_eq!(Elementwise::Arctan2.arity(), 2);
//! ```

mod dtypes;
mod partials;
pub(super) mod special;
mod table;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use crate::error::Result;
use crate::eval::kernels::Kernel;
use crate::graph::term::Term;
use crate::graph::{Aval, Builder, DType, NodeId};

pub use dtypes::{Loop, Loops, Out, Resolution, check_literal, literal_fits};
pub use special::spherical as spherical_slope;
pub use table::Elementwise;

/// What is known of an operation.
#[derive(Debug)]
pub struct Def {
    /// In the text form; NumPy's `__name__` where it has one.
    pub name: &'static str,
    /// Dotted spellings that lift to it; the first is emitted. Empty where NumPy has no function of
    /// one result that does this.
    pub numpy: &'static [&'static str],
    pub loops: Loops,
    /// The loop for these operand dtypes.
    pub kernel: fn(&[DType]) -> Option<Kernel>,
    /// The derivative with respect to each operand; as many as there are operands.
    pub partials: &'static [Slope],
    pub linear: Linearity,
    /// Where tests sample each operand: inside the domain, away from kinks.
    pub domain: &'static [Range<f64>],
}

/// The derivative as a formula of the operands and the result.
pub type Slope = for<'s> fn(x: &[Term<'s>], out: Term<'s>) -> Partial;

/// A derivative with respect to one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partial {
    /// The tangent is multiplied by this node.
    Node(NodeId),
    /// The result is real and the operand complex: the tangent is `real(node * tangent)`.
    Real(NodeId),
    /// Zero wherever there is a derivative: steps, comparisons.
    Zero,
    One,
    MinusOne,
    NotDifferentiable(&'static str),
}

impl From<Term<'_>> for Partial {
    fn from(term: Term<'_>) -> Partial {
        Partial::Node(term.node)
    }
}

/// In which operands an operation is linear, so that it maps tangents as it maps values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linearity {
    No,
    /// In these operands together, the others held fixed: `subtract`, `real`, `where`'s sides.
    Jointly(&'static [usize]),
    /// In each operand, the other held fixed: `multiply`.
    Each,
}

static BY_NAME: LazyLock<HashMap<&str, Elementwise>> = LazyLock::new(|| {
    Elementwise::ALL
        .iter()
        .map(|&op| (op.def().name, op))
        .collect()
});

static BY_NUMPY: LazyLock<HashMap<&str, Elementwise>> = LazyLock::new(|| {
    let spellings = |&op: &Elementwise| op.def().numpy.iter().map(move |&name| (name, op));
    Elementwise::ALL.iter().flat_map(spellings).collect()
});

impl Elementwise {
    /// By the name in the text form.
    pub fn from_name(name: &str) -> Option<Elementwise> {
        BY_NAME.get(name).copied()
    }

    /// By a dotted spelling: `"numpy.log1p"`, `"scipy.special.expit"`.
    pub fn from_numpy(dotted: &str) -> Option<Elementwise> {
        BY_NUMPY.get(dotted).copied()
    }

    pub fn arity(self) -> usize {
        self.def().partials.len()
    }

    /// The dtypes of the loop NumPy would run, and of its result.
    ///
    /// Operands that are all weak give a weak result (Python's own arithmetic); a caller that means
    /// NumPy's function of Python scalars casts them first.
    ///
    /// # Errors
    /// NumPy's `TypeError` where it has no loop; `Unlifted` where it would use float16.
    pub fn result_dtype(self, avals: &[&Aval]) -> Result<Resolution> {
        dtypes::resolve(self, avals)
    }

    /// The derivative with respect to operand `wrt` where the operands are `x` and the result `out`.
    ///
    /// # Errors
    /// None that a well-formed node can cause.
    pub fn partial(
        self,
        b: &mut Builder,
        x: &[NodeId],
        out: NodeId,
        wrt: usize,
    ) -> Result<Partial> {
        partials::build(self, b, x, out, wrt)
    }
}
