//! What is computed in which order: decided once per graph, before sizes are known.
//!
//! In: a graph, with or without fusion groups. Out: stages of units. A unit is a fusion group or a
//! single node; a stage ends where a size must be computed before anything can be planned further.
//! `np.argwhere(x > 0) * 2` has two stages: `x > 0` with the search, and the multiplication.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use crate::graph::{Assumption, Dim, Graph, NodeId};
use crate::ops::Op;

/// Nodes computed together, in topological order.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    pub nodes: Vec<NodeId>,
}

/// Units whose sizes are all known when the stage begins.
#[derive(Clone, Debug, Default)]
pub struct Stage {
    pub units: Vec<Unit>,
    /// What the stage is given: the graph's inputs for the first, what it uses for the others.
    pub imports: Vec<NodeId>,
    /// Values that leave the stage. Inputs and constants may be among them.
    pub exports: Vec<Export>,
    /// Searches to run after the stage, in order.
    pub searches: Vec<NodeId>,
    /// Per node of the graph: whether anything depends on it.
    pub needed: Vec<bool>,
    /// Per node of the graph: the last unit that reads it, directly or through a view of it.
    pub last_use: Vec<u32>,
    /// Per node of the graph: the operand that it changes, if nobody needs that afterwards.
    pub changes: Vec<Option<NodeId>>,
}

/// A value that leaves a stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Export {
    pub node: NodeId,
    /// Which of the graph's outputs it is; none if it is for later stages.
    pub output: Option<usize>,
}

/// The stages of a graph. There is at least one.
pub fn stages(graph: &Graph) -> Vec<Stage> {
    let needed = needed(graph);
    let level = levels(graph);
    let count = level.iter().max().map_or(0, |&l| l as usize) + 1;
    let mut stages: Vec<Stage> = (0..count)
        .map(|stage| {
            let mine = |id: NodeId| needed[id.index()] && level[id.index()] == stage as u32;
            Stage {
                units: units(graph, &mine),
                ..Stage::default()
            }
        })
        .collect();
    for id in graph.nodes().filter(|&id| is_search(graph.op(id))) {
        if needed[id.index()] {
            stages[level[id.index()] as usize - 1].searches.push(id);
        }
    }
    connect(graph, &mut stages, &level);
    for stage in &mut stages {
        stage.last_use = last_uses(graph, stage);
        stage.changes = changes(graph, stage);
        stage.needed.clone_from(&needed);
    }
    stages
}

/// The searches whose outcome an assumption is about.
fn assumed(graph: &Graph) -> BTreeSet<NodeId> {
    let sizes = graph.assumptions().iter().flat_map(|assumption| {
        let (Assumption::Equal(a, b) | Assumption::AtMost(a, b)) = assumption;
        a.symbols().into_iter().chain(b.symbols())
    });
    sizes
        .filter_map(|s| Some(graph.symbols().get(s.0 as usize)?.node))
        .filter(|&id| is_search(graph.op(id)))
        .collect()
}

/// Whether a node must be computed: outputs, effects, what is assumed of, and what they depend on.
pub fn needed(graph: &Graph) -> Vec<bool> {
    let mut needed = vec![false; graph.len()];
    let roots = graph.outputs().iter().chain(graph.effects());
    for &id in roots.chain(&assumed(graph)) {
        needed[id.index()] = true;
    }
    for id in graph.nodes().rev() {
        if needed[id.index()] {
            for operand in graph.operands(id).into_iter().chain(sized_by(graph, id)) {
                needed[operand.index()] = true;
            }
        }
    }
    needed
}

/// The nodes that tell the sizes of a node and of its results.
pub fn sized_by(graph: &Graph, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
    let parts = graph.parts(id).into_iter().flatten();
    let dims = parts.flat_map(|part| &graph.aval(part).shape);
    dims.chain(graph.op(id).sizes())
        .flat_map(Dim::symbols)
        .filter_map(|s| graph.symbols().get(s.0 as usize))
        .map(|origin| origin.node)
        .filter(move |&origin| origin != id)
}

/// Per node, the number of searches whose outcome decides its size or what it depends on. The result
/// of a search belongs to the stage after it: it is what the search itself passes on.
fn levels(graph: &Graph) -> Vec<u32> {
    let mut levels = vec![0; graph.len()];
    if !graph.nodes().any(|id| is_search(graph.op(id))) {
        return levels;
    }
    for id in graph.nodes() {
        let of_operands = graph.operands(id).iter().map(|o| levels[o.index()]).max();
        let of_sizes = sized_by(graph, id).map(|o| levels[o.index()]).max();
        let level = of_operands.max(of_sizes).unwrap_or(0);
        levels[id.index()] = level + u32::from(is_search(graph.op(id)));
    }
    levels
}

/// Whether an operation's result has a size that only its execution tells.
pub fn is_search(op: &Op) -> bool {
    matches!(op, Op::ArgWhere | Op::Arange)
}

/// The chosen nodes as units, each after those it depends on.
fn units(graph: &Graph, mine: &dyn Fn(NodeId) -> bool) -> Vec<Unit> {
    let order = grouped(graph, mine, true);
    // Groups that depend on each other cannot each be computed at once: go without groups.
    order
        .or_else(|| grouped(graph, mine, false))
        .unwrap_or_default()
}

fn grouped(graph: &Graph, mine: &dyn Fn(NodeId) -> bool, fuse: bool) -> Option<Vec<Unit>> {
    let mut unit_of: Vec<Option<usize>> = vec![None; graph.len()];
    let mut units: Vec<Unit> = Vec::new();
    let mut groups: HashMap<u32, usize> = HashMap::new();
    for id in graph.nodes().filter(|&id| mine(id)) {
        // Inputs and constants are there already; searches run between the stages.
        if matches!(graph.op(id), Op::Input) || is_search(graph.op(id)) {
            continue;
        }
        let next = units.len();
        let at = match graph.node(id).group.filter(|_| fuse) {
            Some(group) => *groups.entry(group).or_insert(next),
            None => next,
        };
        if at == next {
            units.push(Unit { nodes: vec![] });
        }
        units[at].nodes.push(id);
        unit_of[id.index()] = Some(at);
    }
    let mut users: Vec<Vec<usize>> = vec![vec![]; units.len()];
    let mut waiting = vec![0; units.len()];
    // Draws happen in the order of the graph, whatever else moves.
    let effects = graph.effects().windows(2).map(|pair| (pair[0], pair[1]));
    let edges = graph
        .nodes()
        .flat_map(|id| graph.operands(id).into_iter().map(move |o| (o, id)));
    for (from, to) in edges.chain(effects) {
        if let (Some(from), Some(to)) = (unit_of[from.index()], unit_of[to.index()])
            && from != to
        {
            users[from].push(to);
            waiting[to] += 1;
        }
    }
    let urgency = urgency(graph, &units, &unit_of);
    let mut ready: BinaryHeap<Reverse<(usize, usize)>> = (0..units.len())
        .filter(|&u| waiting[u] == 0)
        .map(|u| Reverse((urgency[u], u)))
        .collect();
    let mut order = Vec::with_capacity(units.len());
    while let Some(Reverse((_, unit))) = ready.pop() {
        order.push(std::mem::replace(&mut units[unit], Unit { nodes: vec![] }));
        for &user in &users[unit] {
            waiting[user] -= 1;
            if waiting[user] == 0 {
                ready.push(Reverse((urgency[user], user)));
            }
        }
    }
    (order.len() == units.len()).then_some(order)
}

/// Per unit, the first decision that waits for it. Decisions come before all that they do not need: what
/// a call on another path has no use for is not computed, and raises nothing.
fn urgency(graph: &Graph, units: &[Unit], unit_of: &[Option<usize>]) -> Vec<usize> {
    let mut urgency = vec![usize::MAX; units.len()];
    let decisions = graph
        .effects()
        .iter()
        .filter(|&&id| matches!(graph.op(id), Op::Decide { .. }));
    for (rank, &decision) in decisions.enumerate() {
        let mut waiting: Vec<usize> = unit_of[decision.index()].into_iter().collect();
        while let Some(unit) = waiting.pop() {
            if urgency[unit] == usize::MAX {
                urgency[unit] = rank;
                let operands = units[unit].nodes.iter().flat_map(|&id| graph.operands(id));
                waiting.extend(operands.filter_map(|o| unit_of[o.index()]));
            }
        }
    }
    urgency
}

/// Finds what crosses the borders of stages.
fn connect(graph: &Graph, stages: &mut [Stage], level: &[u32]) {
    // Inputs are given, and searches are run between the stages: the caller holds both.
    let held = |id: NodeId| matches!(graph.op(id), Op::Input) || is_search(graph.op(id));
    let mut handed_on = BTreeSet::new();
    let mut found: Vec<NodeId> = Vec::new();
    for (at, stage) in stages.iter_mut().enumerate() {
        let nodes = stage.units.iter().flat_map(|u| &u.nodes);
        let mut imports: BTreeSet<NodeId> = nodes
            .flat_map(|&id| graph.operands(id))
            .filter(|&o| held(o) || level[o.index()] < at as u32)
            .collect();
        // What was found tells the sizes of this stage and of all that follow.
        imports.extend(std::mem::replace(&mut found, stage.searches.clone()));
        handed_on.extend(imports.iter().copied().filter(|&id| !held(id)));
        let outputs = graph.outputs().iter().enumerate();
        for (index, &node) in outputs.filter(|(_, id)| level[id.index()] == at as u32) {
            if held(node) {
                imports.insert(node);
            }
            let output = Some(index);
            stage.exports.push(Export { node, output });
        }
        stage.imports = match at {
            0 => graph.inputs().to_vec(),
            _ => imports.into_iter().collect(),
        };
    }
    if stages.len() == 1 {
        return;
    }
    let searches = stages.iter().flat_map(|s| &s.searches);
    let searched = searches.flat_map(|&id| graph.operands(id));
    handed_on.extend(searched.filter(|&o| !held(o)));
    for node in handed_on {
        let output = None;
        stages[level[node.index()] as usize]
            .exports
            .push(Export { node, output });
    }
}

/// Per node, the last unit that reads it, directly or through nodes that may be views of it.
fn last_uses(graph: &Graph, stage: &Stage) -> Vec<u32> {
    let mut last = vec![0; graph.len()];
    for (at, unit) in stage.units.iter().enumerate() {
        for &id in &unit.nodes {
            last[id.index()] = at as u32;
        }
    }
    for export in &stage.exports {
        last[export.node.index()] = u32::MAX;
    }
    for (at, unit) in stage.units.iter().enumerate().rev() {
        for &id in unit.nodes.iter().rev() {
            let until = if is_view(graph.op(id)) {
                last[id.index()]
            } else {
                at as u32
            };
            for operand in graph.operands(id) {
                last[operand.index()] = last[operand.index()].max(until);
            }
        }
    }
    last
}

/// Per node, the operand whose elements it may change in place: one that ends there, and that is no
/// part of what else is read while it is written.
fn changes(graph: &Graph, stage: &Stage) -> Vec<Option<NodeId>> {
    let root = |mut id: NodeId| {
        while is_view(graph.op(id)) {
            id = graph.operands(id)[0];
        }
        id
    };
    let mut changes = vec![None; graph.len()];
    let mut unit_of = vec![usize::MAX; graph.len()];
    for (at, unit) in stage.units.iter().enumerate() {
        for id in &unit.nodes {
            unit_of[id.index()] = at;
        }
    }
    for (at, unit) in stage.units.iter().enumerate() {
        let is_here = |id: NodeId| unit_of[id.index()] == at;
        let ends = |of: NodeId| stage.last_use[of.index()] == at as u32;
        for &id in &unit.nodes {
            let operands = graph.operands(id);
            if is_change(graph.op(id)) {
                let (of, others) = (root(operands[0]), &operands[1..]);
                if ends(of) && others.iter().all(|&other| root(other) != of) {
                    changes[id.index()] = Some(operands[0]);
                }
            } else if matches!(graph.op(id), Op::Elementwise(_)) {
                // Written chunk by chunk over a value that nothing else in the unit reads.
                changes[id.index()] = operands.into_iter().find(|&of| {
                    let mut users = graph.users(of);
                    ends(of)
                        && !is_view(graph.op(of))
                        && !is_here(of)
                        && graph.aval(of) == graph.aval(id)
                        && users
                            .all(|user| user == id || !(is_view(graph.op(user)) || is_here(user)))
                });
            }
        }
    }
    changes
}

/// Whether the result is the first operand but for some elements, or can be made of it element by element.
fn is_change(op: &Op) -> bool {
    matches!(
        op,
        Op::SliceWrite { .. } | Op::Scatter { .. } | Op::Cumulate { .. }
    )
}

/// Whether the operation can give another layout of its operand's memory.
pub fn is_view(op: &Op) -> bool {
    match op {
        Op::Reshape(_)
        | Op::Transpose(_)
        | Op::BroadcastTo(_)
        | Op::Slice(_)
        | Op::Decide { .. } => true,
        Op::Input
        | Op::Constant(_)
        | Op::Size(_)
        | Op::Part(_)
        | Op::Elementwise(_)
        | Op::Cast(_)
        | Op::Unslice { .. }
        | Op::Concatenate { .. }
        | Op::Iota { .. }
        | Op::Reduce { .. }
        | Op::ArgReduce { .. }
        | Op::Cumulate { .. }
        | Op::Gather { .. }
        | Op::Scatter { .. }
        | Op::SliceWrite { .. }
        | Op::ArgWhere
        | Op::Arange
        | Op::Loop(_)
        | Op::Cond(_)
        | Op::Custom(_)
        | Op::Pullback(_)
        | Op::ArgSort { .. }
        | Op::SearchSorted { .. }
        | Op::Contract { .. }
        | Op::Draw { .. }
        | Op::Call { .. }
        | Op::Decompose(_)
        | Op::Solve(_)
        | Op::PseudoInverse
        | Op::Frechet(_)
        | Op::Fourier { .. } => false,
    }
}
