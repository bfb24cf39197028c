//! Functions with a derivative that their author gave.
//!
//! In: what such a function gave, computed as if it had no rule of its own, and its arguments. Out: the
//! same values; a derivative follows the rule instead of what they were computed by.
//!
//! ```text
//! custom(results, arguments, outside, captured)     results      jvp: rule(tangents of arguments, captured)
//! pullback(results, tangents, captured)             tangents of results, for a rule of reverse mode:
//!                                                   rule(cotangents of results, captured) is its transpose
//! ```
//!
//! `outside` is what the function reads beyond its arguments: the rule says nothing of it, so that a
//! derivative by it is refused. `captured` is what the rule reads.

use std::sync::Arc;

use smallvec::SmallVec;

use super::Op;
use super::derivative::{materialized, not_differentiable, not_linear};
use crate::error::{Error, Result};
use crate::graph::{Aval, Builder, Graph, NodeId};

/// A function with its rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Custom {
    pub name: Arc<str>,
    /// How many operands are results, arguments that have derivatives, and values from outside.
    pub results: usize,
    pub arguments: usize,
    pub outside: usize,
    pub rule: Rule,
}

/// What the author gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// From the tangents of the arguments, and what is captured, to those of the results.
    Forward(Graph),
    /// From the cotangents of the results, and what is captured, to those of the arguments.
    Reverse(Graph),
    /// None: the function calls itself in its own rule, and this is too deep within.
    Exhausted,
}

impl Rule {
    pub fn graph(&self) -> Option<&Graph> {
        match self {
            Rule::Forward(graph) | Rule::Reverse(graph) => Some(graph),
            Rule::Exhausted => None,
        }
    }
}

impl Custom {
    /// How many operands come before what the rule captures.
    pub fn before_captured(&self) -> usize {
        self.results + self.arguments + self.outside
    }
}

/// The avals of the results.
///
/// # Errors
/// `Internal` if operands are missing.
pub fn results(c: &Custom, avals: &[Aval]) -> Result<SmallVec<[Aval; 2]>> {
    match avals.get(..c.results) {
        Some(results) if !results.is_empty() => Ok(results.iter().cloned().collect()),
        _ => Err(Error::internal(format!("{} without results", c.name))),
    }
}

/// The tangents of the results, by the rule.
///
/// # Errors
/// `NotDifferentiable` where there is no rule for it.
pub fn jvp(
    b: &mut Builder,
    op: &Op,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
) -> Result<Vec<Option<NodeId>>> {
    let Op::Custom(c) = op else {
        return Err(Error::internal("only a function has a rule"));
    };
    let (own, captured) = operands.split_at(c.before_captured());
    let of = |from: usize, count: usize| &tangents[from..from + count];
    if of(c.results + c.arguments, c.outside)
        .iter()
        .any(Option::is_some)
    {
        return Err(not_differentiable(
            &c.name,
            "its own rule says nothing of a value that it reads from outside: pass it as an argument",
        ));
    }
    let given = of(c.results, c.arguments);
    if given.iter().all(Option::is_none) {
        return Ok(vec![None; c.results]);
    }
    let mut seeds = Vec::with_capacity(c.arguments);
    for (&argument, tangent) in own[c.results..].iter().zip(given) {
        let aval = b.aval(argument).clone();
        seeds.push(match tangent {
            // A cast keeps what is linear linear, where a literal would be replaced.
            Some(t) => {
                let t = b.cast(*t, aval.dtype)?;
                b.broadcast_to(t, aval.shape)?
            }
            None => b.full(0.0, aval.dtype, aval.shape)?,
        });
    }
    match &c.rule {
        Rule::Forward(rule) => {
            seeds.extend(captured);
            let nodes = b.inline(rule, &seeds)?;
            let outputs = rule.outputs().iter();
            Ok(outputs.map(|o| Some(nodes[o.index()])).collect())
        }
        Rule::Reverse(_) => {
            let all = [&own[..c.results], &seeds, captured].concat();
            let node = b.add(Op::Pullback(c.clone()), &all)?;
            let mut out = vec![Some(node)];
            for k in 1..c.results {
                out.push(Some(b.add(Op::Part(k), &[node])?));
            }
            Ok(out)
        }
        Rule::Exhausted => Err(not_differentiable(
            &c.name,
            "its own rule calls it again, and this derivative is of a higher order than lazy follows",
        )),
    }
}

/// Forward mode met a rule of reverse mode.
pub fn only_backwards(op: &Op) -> Box<Error> {
    let name = match op {
        Op::Custom(c) | Op::Pullback(c) => &c.name,
        _ => "this",
    };
    not_differentiable(
        name,
        "its own rule, made by custom_vjp, goes backwards only: use grad, vjp or jacrev, or give it a \
         custom_jvp",
    )
}

/// The cotangents of the tangents that a [`Op::Pullback`] maps.
///
/// # Errors
/// `Internal` for anything else.
pub fn transpose(
    b: &mut Builder,
    op: &Op,
    operands: &[NodeId],
    cotangents: &[Option<NodeId>],
) -> Result<Vec<Option<NodeId>>> {
    let Op::Pullback(c) = op else {
        return Err(not_linear(op));
    };
    let Rule::Reverse(rule) = &c.rule else {
        return Err(not_linear(op));
    };
    let mut given = Vec::with_capacity(rule.inputs().len());
    for (k, &result) in operands[..c.results].iter().enumerate() {
        let aval = b.aval(result).clone();
        given.push(match cotangents.get(k).copied().flatten() {
            Some(cotangent) => materialized(b, cotangent, &aval)?,
            None => b.full(0.0, aval.dtype, aval.shape)?,
        });
    }
    given.extend(&operands[c.results + c.arguments..]);
    let nodes = b.inline(rule, &given)?;
    let mut out = vec![None; operands.len()];
    for (k, output) in rule.outputs().iter().enumerate() {
        out[c.results + k] = Some(nodes[output.index()]);
    }
    Ok(out)
}
