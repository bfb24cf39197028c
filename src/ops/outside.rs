//! Calls of compiled code that lazy has no operation for.
//!
//! In: arrays and numbers. Out: what the function gave when the graph was made, in number, dtypes and
//! shapes; a run in which it gives anything else ends there, with `Assumption`.
//!
//! ```text
//! %3 = call(%1, %2) site=0 callee="numpy.digitize" results=[int64[n0]] : int64[n0]
//! ```
//!
//! The caller of the graph makes the call. The function has no effects, so that it may be left out.
//!
//! Some functions of SciPy have a differential equation that their results are enough for: those have
//! derivatives of any order without an operation of their own. Source: *NIST Digital Library of Mathematical
//! Functions*, chapters 4, 6, 7 and 9.

use std::f64::consts::PI;

use smallvec::SmallVec;

use super::derivative::not_differentiable;
use super::elementwise::special;
use super::{Elementwise as E, Op};
use crate::error::{Error, Result};
use crate::graph::{Aval, Builder, NodeId, term::Term, term::formula};

/// The derivatives of all results by the argument, given that and the results.
type Slopes = for<'s> fn(Term<'s>, &[Term<'s>]) -> Vec<Term<'s>>;

/// A function of one number that calculus knows more of: its name, and its derivatives. What else it takes (the
/// branch of `lambertw`) is an integer.
struct Rule(&'static str, Slopes);

const RULES: &[Rule] = &[
    Rule("scipy.special.erf", |z, _| vec![bell(z)]),
    Rule("scipy.special.erfc", |z, _| vec![-bell(z)]),
    Rule("scipy.special.erfi", |z, _| {
        vec![2.0 / PI.sqrt() * (z * z).apply(E::Exp)]
    }),
    Rule("scipy.special.erfcx", |z, w| {
        vec![2.0 * z * w[0] - 2.0 / PI.sqrt()]
    }),
    Rule("scipy.special.dawsn", |z, w| vec![1.0 - 2.0 * z * w[0]]),
    Rule("scipy.special.wofz", |z, w| {
        vec![2.0 / PI.sqrt() * z.scope().imaginary_unit() - 2.0 * z * w[0]]
    }),
    Rule("scipy.special.exp1", |z, _| vec![-(-z).apply(E::Exp) / z]),
    Rule("scipy.special.expi", |z, _| vec![z.apply(E::Exp) / z]),
    Rule("scipy.special._ufuncs._lambertw", |_, w| {
        vec![(-w[0]).apply(E::Exp) / (1.0 + w[0])]
    }),
    Rule("scipy.special.wrightomega", |_, w| {
        vec![w[0] / (1.0 + w[0])]
    }),
    Rule("scipy.special.ndtr", |z, _| {
        vec![special::normal_density(z)]
    }),
    Rule("scipy.special.log_ndtr", |z, w| {
        vec![special::normal_density(z) / w[0].apply(E::Exp)]
    }),
    Rule("scipy.special.fresnel", |z, _| {
        let angle = PI / 2.0 * (z * z);
        vec![angle.sin(), angle.cos()]
    }),
    Rule("scipy.special.sici", |z, _| vec![z.sin() / z, z.cos() / z]),
    Rule("scipy.special.shichi", |z, _| {
        vec![z.sinh() / z, z.cosh() / z]
    }),
    Rule("scipy.special.spence", |z, _| vec![special::spence(z)]),
    Rule("scipy.special.airy", |z, w| {
        vec![w[1], z * w[0], w[3], z * w[2]]
    }),
    Rule("scipy.special.airye", |z, w| {
        let root = z.apply(E::Sqrt);
        vec![
            w[1] + root * w[0],
            z * w[0] + root * w[1],
            w[3] - root * w[2],
            z * w[2] - root * w[3],
        ]
    }),
];

fn bell(z: Term<'_>) -> Term<'_> {
    2.0 / PI.sqrt() * (-(z * z)).apply(E::Exp)
}

/// The functions that have rules.
pub fn names() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.0)
}

/// What a call makes of axes in front of those that its operands have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FurtherAxes {
    /// It is not known to take them.
    Refused,
    /// It works element by element.
    Elementwise,
    /// It is done for each place along them, of operands that all have them.
    Leading,
}

impl FurtherAxes {
    pub const ALL: [FurtherAxes; 3] = [
        FurtherAxes::Refused,
        FurtherAxes::Elementwise,
        FurtherAxes::Leading,
    ];

    /// The word in the text of a graph; none is the first.
    pub fn name(self) -> &'static str {
        match self {
            FurtherAxes::Refused => "",
            FurtherAxes::Elementwise => "elementwise",
            FurtherAxes::Leading => "leading",
        }
    }
}

/// The avals of the results.
///
/// # Errors
/// `Internal` if there are none.
pub fn results(op: &Op) -> Result<SmallVec<[Aval; 2]>> {
    match op {
        Op::Call { results, .. } if !results.is_empty() => Ok(results.iter().cloned().collect()),
        other => Err(Error::internal(format!(
            "a call without results: {other:?}"
        ))),
    }
}

/// The tangents of the results, of which `results` are the nodes that are read.
///
/// # Errors
/// `NotDifferentiable`, naming the function, if an operand has a tangent and there is no rule for it.
pub fn jvp(
    b: &mut Builder,
    results: &[Option<NodeId>],
    op: &Op,
    operands: &[NodeId],
    tangents: &[Option<NodeId>],
) -> Result<Vec<Option<NodeId>>> {
    let Op::Call {
        callee,
        results: avals,
        ..
    } = op
    else {
        return Err(Error::internal("a call that is none"));
    };
    let moved: Vec<usize> = (0..tangents.len())
        .filter(|&k| tangents[k].is_some())
        .collect();
    if moved.is_empty() {
        return Ok(vec![None; results.len()]);
    }
    let rule = RULES.iter().find(|rule| rule.0 == &**callee);
    let Some((rule, tangent)) = rule.filter(|_| moved == [0]).zip(tangents[0]) else {
        let reason = "it is compiled code that lazy has no derivative for";
        return Err(not_differentiable(callee, reason));
    };
    let all = every_result(b, results, avals.len())?;
    let slopes = formula(b, |scope| {
        let results: Vec<_> = all.iter().map(|id| scope.term(*id)).collect();
        let slopes = (rule.1)(scope.term(operands[0]), &results);
        slopes.iter().map(|slope| slope.node).collect::<Vec<_>>()
    })?;
    let mut out = Vec::with_capacity(all.len());
    for slope in slopes.into_iter().take(results.len()) {
        out.push(Some(b.elementwise(E::Multiply, &[slope, tangent])?));
    }
    Ok(out)
}

/// The nodes of all results, read or not.
fn every_result(b: &mut Builder, results: &[Option<NodeId>], count: usize) -> Result<Vec<NodeId>> {
    let read = results.iter().flatten().next().copied();
    let read = read.ok_or_else(|| Error::internal("a call of which nothing is read"))?;
    let call = match b.op(read) {
        Op::Part(_) => b.graph().operands(read)[0],
        _ => read,
    };
    let mut all = vec![call];
    for k in 1..count {
        all.push(b.add(Op::Part(k), &[call])?);
    }
    Ok(all)
}
