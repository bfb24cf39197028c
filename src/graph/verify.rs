//! The invariants of a graph, checked after every transform in debug builds.
//!
//! In: a graph. Out: nothing, or the first violation in words:
//! `%3 = multiply: float32[n0], but inference gives float64[n0]`.

use std::collections::HashMap;

use petgraph::graph::DiGraph;

use super::{Assumption, Aval, Builder, Dim, Graph, Kind, NodeId, Symbol, print};
use crate::ops::{self, Constant, Op};

/// Checks that
/// - operands precede their users, and each operation has as many as it takes;
/// - the inputs are the `Input` nodes and the effects the draws, in order; outputs exist;
/// - symbols are sizes of axes that are known before they are used;
/// - every aval is what inference gives (sizes where both are known);
/// - computing a fusion group at once does not need a value that the group itself leads to.
///
/// # Errors
/// The first violation, in words.
pub fn verify(graph: &Graph) -> Result<(), String> {
    order(graph)?;
    lists(graph)?;
    symbols(graph)?;
    avals(graph)?;
    groups(graph)
}

fn order(graph: &Graph) -> Result<(), String> {
    for id in graph.nodes() {
        let operands = graph.operands(id);
        for operand in &operands {
            if *operand >= id {
                let (user, used) = (id.index(), operand.index());
                return Err(format!("%{user} uses %{used}, which comes later"));
            }
        }
        arity(graph.op(id), operands.len())
            .map_err(|message| format!("%{} = {message}", id.index()))?;
    }
    Ok(())
}

/// Whether an operation takes so many operands.
pub(super) fn arity(op: &Op, count: usize) -> Result<(), String> {
    let fits = match op {
        Op::Input | Op::Constant(_) | Op::Size(_) | Op::Iota { .. } => count == 0,
        Op::Elementwise(e) => count == e.arity(),
        Op::Cast(_)
        | Op::Reshape(_)
        | Op::Transpose(_)
        | Op::BroadcastTo(_)
        | Op::Slice(_)
        | Op::Unslice { .. }
        | Op::Reduce { .. }
        | Op::ArgReduce { .. }
        | Op::Cumulate { .. }
        | Op::ArgWhere
        | Op::Arange
        | Op::ArgSort { .. }
        | Op::Part(_)
        | Op::Decide { .. }
        | Op::Decompose(_)
        | Op::Fourier { .. } => count == 1,
        Op::Loop(l) => count == l.body.inputs().len(),
        Op::Cond(c) => count == 1 + c.then.inputs().len(),
        Op::Concatenate { .. } => count > 0,
        Op::Call { .. } => true,
        Op::Custom(c) | Op::Pullback(c) => count >= c.before_captured(),
        Op::Gather { axes, .. } => count == 1 + axes.len(),
        Op::Scatter { axes, .. } => count == 2 + axes.len(),
        Op::SliceWrite { .. }
        | Op::SearchSorted { .. }
        | Op::Contract { .. }
        | Op::Solve(_)
        | Op::PseudoInverse
        | Op::Frechet(_) => count == 2,
        Op::Draw { distribution, .. } => count <= distribution.def().parameters.len(),
    };
    if fits {
        Ok(())
    } else {
        Err(format!("{} has {count} operands", print::mnemonic(op)))
    }
}

fn described(graph: &Graph, id: NodeId) -> String {
    format!("%{} = {}", id.index(), print::mnemonic(graph.op(id)))
}

fn lists(graph: &Graph) -> Result<(), String> {
    let inputs = graph
        .nodes()
        .filter(|&id| matches!(graph.op(id), Op::Input));
    if !inputs.eq(graph.inputs().iter().copied()) {
        return Err("the inputs are not the input nodes in order".into());
    }
    let effects = graph.nodes().filter(|&id| graph.op(id).is_effect());
    if !effects.eq(graph.effects().iter().copied()) {
        return Err("the effects are not the draws and decisions in order".into());
    }
    match graph.outputs().iter().find(|id| id.index() >= graph.len()) {
        Some(missing) => Err(format!("output %{} does not exist", missing.index())),
        None => Ok(()),
    }
}

fn symbols(graph: &Graph) -> Result<(), String> {
    let defined = |symbol: Symbol, user: NodeId| {
        let Some(origin) = graph.symbols().get(symbol.0 as usize) else {
            return Err(format!("n{} is not in the table of symbols", symbol.0));
        };
        let known = origin.node.index() < graph.len()
            && graph.aval(origin.node).shape.len() > origin.axis
            && (origin.node <= user || matches!(graph.op(origin.node), Op::Input));
        if known {
            Ok(())
        } else {
            let user = described(graph, user);
            Err(format!("n{} is not known yet at {user}", symbol.0))
        }
    };
    for id in graph.nodes() {
        for dim in graph.aval(id).shape.iter().chain(graph.op(id).sizes()) {
            for symbol in dim.symbols() {
                defined(symbol, id)?;
            }
        }
    }
    for assumption in graph.assumptions() {
        let (Assumption::Equal(a, b) | Assumption::AtMost(a, b)) = assumption;
        for symbol in a.symbols().into_iter().chain(b.symbols()) {
            if symbol.0 as usize >= graph.symbols().len() {
                return Err(format!("n{} is not in the table of symbols", symbol.0));
            }
        }
    }
    Ok(())
}

fn avals(graph: &Graph) -> Result<(), String> {
    let mut scratch = Builder::extend(graph);
    for id in graph.nodes() {
        let aval = graph.aval(id);
        if aval.weak && aval.rank() > 0 {
            return Err(format!("{}: weak, but an array", described(graph, id)));
        }
        match graph.op(id) {
            Op::Input => continue,
            op @ (Op::Loop(_) | Op::Cond(_) | Op::Custom(_) | Op::Pullback(_)) => {
                for inner in ops::control::nested(op) {
                    verify(inner).map_err(|why| format!("in {}: {why}", described(graph, id)))?;
                }
            }
            Op::Constant(c) => {
                constant(c, aval).map_err(|why| format!("{}: {why}", described(graph, id)))?;
                continue;
            }
            _ => {}
        }
        let op = graph.op(id);
        let inferred = ops::infer(&mut scratch, op, &graph.operands(id))
            .map_err(|error| format!("{}: {error}", described(graph, id)))?;
        // How many there are is not inferred.
        let skip = usize::from(matches!(op, Op::ArgWhere | Op::Arange));
        let same = inferred.dtype == aval.dtype
            && inferred.weak == aval.weak
            && inferred.rank() == aval.rank()
            && inferred.shape.iter().zip(&aval.shape).skip(skip).all(agree);
        if !same {
            let node = described(graph, id);
            return Err(format!("{node}: {aval}, but inference gives {inferred}"));
        }
    }
    Ok(())
}

/// Sizes with symbols may be equal by assumptions; known ones must be.
fn agree((a, b): (&Dim, &Dim)) -> bool {
    match (a.as_known(), b.as_known()) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

fn constant(c: &Constant, aval: &Aval) -> Result<(), String> {
    let kind = match c {
        Constant::Array(value) => {
            let shape = value.shape.iter().map(|&n| Dim::from(n));
            let fits = value.dtype == aval.dtype && shape.eq(aval.shape.iter().cloned());
            return if fits {
                Ok(())
            } else {
                Err(format!("an array of another shape or dtype than {aval}"))
            };
        }
        Constant::Bool(_) => Kind::Bool,
        Constant::Int(_) | Constant::UInt(_) => Kind::Int,
        Constant::Float(_) => Kind::Float,
        Constant::Complex(_) => Kind::Complex,
    };
    if kind <= aval.dtype.kind() && aval.rank() == 0 {
        Ok(())
    } else {
        Err(format!("a number that is no {aval}"))
    }
}

/// With every group made one node, there must be no cycle.
fn groups(graph: &Graph) -> Result<(), String> {
    let mut contracted = DiGraph::<Option<u32>, ()>::new();
    let mut of_group = HashMap::new();
    let mut at = Vec::with_capacity(graph.len());
    for id in graph.nodes() {
        let place = match graph.node(id).group {
            Some(group) => *of_group
                .entry(group)
                .or_insert_with(|| contracted.add_node(Some(group))),
            None => contracted.add_node(None),
        };
        at.push(place);
        for operand in graph.operands(id) {
            let from = at[operand.index()];
            if from != place {
                contracted.add_edge(from, place, ());
            }
        }
    }
    if of_group.is_empty() {
        return Ok(());
    }
    petgraph::algo::toposort(&contracted, None)
        .map(|_| ())
        .map_err(|cycle| match contracted[cycle.node_id()] {
            Some(group) => format!("group {group} needs a value that it leads to"),
            None => "a fusion group needs a value that it leads to".into(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        match text.parse::<Graph>() {
            Ok(_) => "fine".into(),
            Err(error) => format!("{:?}", error.kind),
        }
    }

    #[test]
    fn violations() {
        let wrong =
            "f(x: float64[3]) { %0 x = input : float64[3] %1 = sin(%0) : float32[3] return %1 }";
        assert!(message(wrong).contains("inference gives float64[3]"));
        let many = "f(x: float64[3]) { %0 x = input : float64[3] %1 = sin(%0, %0) : float64[3] return %1 }";
        assert!(message(many).contains("%1 = sin has 2 operands"));
        let unbound = "f() { %0 = iota size=n0 dtype=int64 : int64[2*n0] return %0 }";
        assert!(message(unbound).contains("n0 is not the size of any axis"));
        let cycle = "f(x: float64[3]) {
            %0 x = input : float64[3]
            %1 = sin(%0) : float64[3] in g0
            %2 = cos(%1) : float64[3]
            %3 = sin(%2) : float64[3] in g0
            return %3
        }";
        assert!(message(cycle).contains("needs a value that it leads to"));
    }
}
