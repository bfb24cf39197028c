//! Passes that keep the meaning of a graph and make it smaller, cheaper or more accurate.
//!
//! In: a graph. Out: one with the same inputs, outputs and draws, whose values are the same up to
//! the truth of the rules that fired.
//!
//! ```text
//! log(1 + exp(-(-z))) * 1.0   =>   logaddexp(0, z)
//! ```
//!
//! Each pass is a plain function: [`canonicalize`] (one spelling for each thing), [`fold`]
//! (arithmetic of constants), [`cse`] (equal nodes once), [`writes`] (what was just written), [`simplify`] (the table of rewrite rules),
//! [`reductions`] (sums of sums), [`dce`] (nothing that no output needs). [`standard`] is their composition,
//! to a fixpoint. For the evaluator only, since it reads worse: [`masks`], [`strengthen`] and [`reflect`].
//!
//! Source: Muchnick, *Advanced Compiler Design and Implementation*, chapters 12 and 13. That every
//! rule says how true it is follows Herbie (Panchekha et al., PLDI 2015).

mod canonicalize;
mod cse;
mod dce;
mod fold;
mod masks;
mod nested;
mod pattern;
mod products;
mod reductions;
mod reflect;
mod rules;
mod taken;
mod writes;

pub use canonicalize::canonicalize;
pub use cse::cse;
pub use dce::dce;
pub use fold::fold;
pub use masks::masks;
pub(crate) use nested::reordered;
pub use nested::{everywhere, prune};
pub use products::products;
pub use reductions::reductions;
pub use reflect::reflect;
pub use rules::{
    Fired, RULES, Rule, Rules, STRENGTHS, When, simplify, simplify_reporting, strengthen,
};
pub use taken::taken;
pub use writes::writes;

use lazy_core::error::Result;
use lazy_core::graph::{Builder, Graph, NodeId, Operands};
use lazy_core::ops::{Constant, Elementwise, Op};

use crate::Transform;

/// How true a rewrite rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// Bit for bit, NaN, infinity and -0.0 included.
    Exact,
    /// The same up to rounding: at most so many units in the last place on well-scaled values.
    Ulp(u32),
    /// At least as close to the real-number result as NumPy's value.
    Stable,
    /// True of real numbers only: signs of zero, infinities, NaN and domains are not looked at.
    Real,
}

/// Which truths are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truths {
    /// Only [`Truth::Exact`]: what `strict=True` asks for.
    Exact,
    /// All but [`Truth::Real`].
    Default,
    /// All: what `fast=True` asks for.
    All,
}

impl Truths {
    pub fn allow(self, truth: Truth) -> bool {
        match (self, truth) {
            (_, Truth::Exact) | (Truths::All, _) => true,
            (Truths::Exact, _) | (Truths::Default, Truth::Real) => false,
            (Truths::Default, Truth::Ulp(_) | Truth::Stable) => true,
        }
    }
}

/// The standard passes at the default truths.
pub fn standard() -> impl Transform {
    standard_for(Truths::Default)
}

/// The standard passes, repeated until nothing changes.
pub fn standard_for(truths: Truths) -> impl Transform {
    move |graph: &Graph| {
        let fixpoint = |graph: &Graph| to_fixpoint(graph, truths);
        if !nested::has_nested(graph) {
            return fixpoint(graph);
        }
        let graph = everywhere(&fixpoint, &nested::share(graph)?)?;
        fixpoint(&prune(&graph)?)
    }
}

fn to_fixpoint(graph: &Graph, truths: Truths) -> Result<Graph> {
    let passes = canonicalize
        .then(fold)
        .then(cse)
        .then(writes)
        .then(simplify(truths))
        .then(reductions(truths))
        .then(dce);
    let mut graph = passes.apply(graph)?;
    for _ in 1..ROUNDS {
        let next = passes.apply(&graph)?;
        if cse::same_program(&graph, &next) {
            break;
        }
        graph = next;
    }
    Ok(graph)
}

/// A bound on the rounds of the fixpoint. Each round already rewrites what it has just rewritten,
/// so more than three are rare.
const ROUNDS: usize = 6;

/// Rebuilds a graph node by node, in order. `visit` is given the old node and its new operands and
/// answers with the new node that stands for it, or `None` to copy it. Inputs and effects are always copied.
pub(crate) fn rewrite(
    graph: &Graph,
    mut visit: impl FnMut(&mut Builder, NodeId, &[NodeId]) -> Result<Option<NodeId>>,
) -> Result<Graph> {
    let mut b = Builder::rebuild(graph);
    let mut new: Vec<NodeId> = Vec::with_capacity(graph.len());
    for id in graph.nodes() {
        let operands: Operands = graph
            .operands(id)
            .iter()
            .map(|operand| new[operand.index()])
            .collect();
        let fixed = graph.op(id).is_effect() || matches!(graph.op(id), Op::Input);
        let found = if fixed {
            None
        } else {
            visit(&mut b, id, &operands)?
        };
        new.push(match found {
            Some(found) => {
                b.replace(graph, id, found);
                found
            }
            None => b.copy(graph, id, &operands),
        });
    }
    let outputs = graph.outputs().iter().map(|o| new[o.index()]).collect();
    Ok(b.finish(outputs))
}

/// Whether the order of the operands does not matter, to the last bit.
fn commutes(op: Elementwise) -> bool {
    use Elementwise::*;
    matches!(
        op,
        Add | Multiply
            | Equal
            | NotEqual
            | LogicalAnd
            | LogicalOr
            | LogicalXor
            | BitwiseAnd
            | BitwiseOr
            | BitwiseXor
    )
}

/// The number that a node holds, if it is a constant of rank 0.
fn scalar(graph: &Graph, id: NodeId) -> Option<&Constant> {
    match graph.op(id) {
        Op::Constant(Constant::Array(_)) => None,
        Op::Constant(c) => Some(c),
        _ => None,
    }
}
