//! Loops and branches: operations whose meaning is a graph of their own.
//!
//! In: the avals of the operands. Out: those of the results; derivatives are made by `transforms`,
//! since they are graph to graph.
//!
//! ```text
//! loop(n, c, x) carried=1      x = body(0, c, x); x = body(1, c, x); ... n times
//! cond(flag, x)                then(x) if flag else otherwise(x)
//! ```
//!
//! A nested graph is complete in itself: its symbols are sizes of axes of its own inputs, and what it
//! uses of the graph around it is passed as an operand. Where it needs a size only, the value that has
//! that size is passed.
//!
//! | | operands | inputs of the graph | outputs of the graph | results |
//! |---|---|---|---|---|
//! | loop | trips, constants, carried | trip, constants, carried | carried, rows | carried, stacks of the rows |
//! | cond | flag, values | values | results | results |
//!
//! Of a conditional loop the first carried value is a flag: the next trip happens only if it is true.

use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::{Constant, Op};
use crate::error::{Error, Result};
use crate::graph::{Aval, Builder, DType, Dim, Graph, NodeId, Symbol};

/// A loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    pub body: Graph,
    /// How many values go from trip to trip.
    pub carried: usize,
    /// Whether the first of them says if there is another trip.
    pub conditional: bool,
    pub states: States,
}

/// What the way back through a loop keeps of the values that its trips start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum States {
    /// Those of every trip.
    All,
    /// Some, as many as a bisection of the trips has levels: the others are computed again from these.
    Bisected,
}

impl Loop {
    /// How many operands stay the same in all trips.
    pub fn constants(&self) -> usize {
        self.body.inputs().len() - 1 - self.carried
    }

    /// How many results are stacks, with a row per trip.
    pub fn stacks(&self) -> usize {
        self.body.outputs().len() - self.carried
    }
}

/// A branch.
#[derive(Clone, Debug, PartialEq)]
pub struct Cond {
    pub then: Graph,
    pub otherwise: Graph,
}

/// The nested graphs of an operation.
pub fn nested(op: &Op) -> SmallVec<[&Graph; 2]> {
    match op {
        Op::Loop(l) => SmallVec::from_slice(&[&l.body]),
        Op::Cond(c) => SmallVec::from_slice(&[&c.then, &c.otherwise]),
        Op::Custom(c) | Op::Pullback(c) => c.rule.graph().into_iter().collect(),
        _ => SmallVec::new(),
    }
}

/// The operation with each nested graph replaced.
///
/// # Errors
/// Those of the replacement.
pub fn map_nested(op: &Op, f: &mut dyn FnMut(&Graph) -> Result<Graph>) -> Result<Op> {
    Ok(match op {
        Op::Loop(l) => Op::Loop(Arc::new(Loop {
            body: f(&l.body)?,
            ..**l
        })),
        Op::Cond(c) => Op::Cond(Arc::new(Cond {
            then: f(&c.then)?,
            otherwise: f(&c.otherwise)?,
        })),
        other => other.clone(),
    })
}

/// The avals of the results.
///
/// # Errors
/// `Internal` if operands and graphs do not fit each other.
pub fn results(b: &mut Builder, op: &Op, operands: &[NodeId]) -> Result<SmallVec<[Aval; 2]>> {
    match op {
        Op::Loop(l) => {
            let Some((&trips, _)) = operands.split_first() else {
                return Err(Error::internal("a loop without a number of trips"));
            };
            scalar(b, trips, DType::I64)?;
            let sizes = fit(b, &l.body, operands)?;
            let initial = &operands[operands.len() - l.carried..];
            let inputs = &l.body.inputs()[operands.len() - l.carried..];
            let pairs = initial.iter().zip(inputs);
            let mut out: SmallVec<[Aval; 2]> = pairs
                .map(|(&x, &input)| Aval {
                    weak: l.body.aval(input).weak,
                    ..b.aval(x).clone()
                })
                .collect();
            for (k, (&output, aval)) in l.body.outputs().iter().zip(&out).enumerate() {
                let next = l.body.aval(output);
                if next.dtype != aval.dtype || next.weak != aval.weak || next.rank() != aval.rank()
                {
                    return Err(Error::internal(format!(
                        "carried value {k} is {aval} before a trip and {next} after it"
                    )));
                }
            }
            if l.conditional {
                let flag = initial.first();
                scalar(
                    b,
                    *flag.ok_or_else(|| Error::internal("no flag"))?,
                    DType::Bool,
                )?;
            }
            if l.stacks() > 0 {
                let count = trip_count(b, trips).filter(|_| !l.conditional);
                let count = count.ok_or_else(|| Error::internal("a stack of unknown height"))?;
                for &row in &l.body.outputs()[l.carried..] {
                    let aval = l.body.aval(row);
                    let mut stack = Aval::new(aval.dtype, [count.clone()]);
                    stack
                        .shape
                        .extend(aval.shape.iter().map(|dim| outer(dim, &sizes)));
                    out.push(stack);
                }
            }
            Ok(out)
        }
        Op::Cond(c) => {
            let Some((&flag, values)) = operands.split_first() else {
                return Err(Error::internal("a branch without a flag"));
            };
            scalar(b, flag, DType::Bool)?;
            let sizes = fit(b, &c.then, values)?;
            fit(b, &c.otherwise, values)?;
            let (then, otherwise) = (c.then.outputs(), c.otherwise.outputs());
            if then.len() != otherwise.len() {
                return Err(Error::internal("the sides of a branch differ in results"));
            }
            let pair = |(&x, &y): (&NodeId, &NodeId)| {
                let (x, y) = (c.then.aval(x), c.otherwise.aval(y));
                if x.dtype != y.dtype || x.weak != y.weak || x.rank() != y.rank() {
                    let what = format!("the sides of a branch give {x} and {y}");
                    return Err(Error::internal(what));
                }
                Ok(Aval {
                    shape: x.shape.iter().map(|dim| outer(dim, &sizes)).collect(),
                    ..x.clone()
                })
            };
            then.iter().zip(otherwise).map(pair).collect()
        }
        other => Err(Error::internal(format!("no control flow: {other:?}"))),
    }
}

/// How often a loop runs, if that is a size.
pub fn trip_count(b: &Builder, trips: NodeId) -> Option<Dim> {
    match b.op(trips) {
        Op::Constant(Constant::Int(n)) => Some(Dim::known((*n).max(0))),
        Op::Size(dim) => Some(dim.clone()),
        Op::Cast(_) => trip_count(b, b.graph().operands(trips)[0]),
        // A number becomes a size where it is counted up to.
        _ => {
            let mut users = b.graph().users(trips);
            let counted = users.find(|&user| *b.op(user) == Op::Arange)?;
            b.aval(counted).shape.first().cloned()
        }
    }
}

fn scalar(b: &Builder, x: NodeId, dtype: DType) -> Result<()> {
    let aval = b.aval(x);
    if aval.rank() == 0 && aval.dtype == dtype {
        Ok(())
    } else {
        Err(Error::internal(format!("{aval} where a {dtype} decides")))
    }
}

/// Checks operands against the inputs of a nested graph; the sizes that its symbols have here.
fn fit(b: &mut Builder, inner: &Graph, operands: &[NodeId]) -> Result<HashMap<Symbol, Dim>> {
    if inner.inputs().len() != operands.len() {
        return Err(Error::internal(format!(
            "{} operands for the {} inputs of a nested graph",
            operands.len(),
            inner.inputs().len()
        )));
    }
    let mut sizes = HashMap::new();
    for (&input, &operand) in inner.inputs().iter().zip(operands) {
        let (own, given) = (inner.aval(input), b.aval(operand));
        // Within the body its own inputs say which numbers are Python's.
        if own.dtype != given.dtype || own.rank() != given.rank() {
            return Err(Error::internal(format!(
                "{given} for the input {own} of a nested graph"
            )));
        }
        for (symbol, origin) in (0..).map(Symbol).zip(inner.symbols()) {
            if origin.node == input {
                sizes.insert(symbol, given.shape[origin.axis].clone());
            }
        }
    }
    Ok(sizes)
}

/// A size of a nested graph in the symbols of the graph around it.
fn outer(dim: &Dim, sizes: &HashMap<Symbol, Dim>) -> Dim {
    dim.substitute(&|s| sizes.get(&s).cloned().unwrap_or_else(|| Dim::symbol(s)))
}
