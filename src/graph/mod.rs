//! Stage 4, the centre: array programs as data.
//!
//! A [`Graph`] is a directed acyclic graph of [`Node`]s on petgraph, append-only and therefore
//! always in topological order. Source, bytecode and recorded arrays all become one;
//! every transform takes one and gives one; evaluator and emitter consume it.
//!
//! ```text
//! loss(w: float64[n0], X: float64[n1, n0]) {
//!   %0 w = input : float64[n0]
//!   %1 X = input : float64[n1, n0]
//!   %2 = contract(%1, %0) contract=[(1, 0)] : float64[n1]
//!   return %2
//! }
//! ```

pub mod aval;
pub mod builder;
pub mod dim;
pub mod dtype;
pub mod extract;
pub mod inline;
pub mod parse;
pub mod print;
pub mod term;
pub mod verify;

use std::sync::Arc;

pub use aval::{Aval, Shape, result_type};
pub use builder::{Builder, Mark};
pub use dim::{Dim, Equalities, Symbol};
pub use dtype::{DType, Kind};
use petgraph::Direction;
use petgraph::graph::DiGraph;
pub use petgraph::graph::NodeIndex as NodeId;
use smallvec::{SmallVec, smallvec};

use crate::error::{Error, Place};
use crate::ops::Op;

/// Operands of a node, in order.
pub type Operands = SmallVec<[NodeId; 4]>;

/// One operation applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub op: Op,
    pub aval: Aval,
    /// The user's name for it, or one derived from it (`d_weights`).
    pub name: Option<Arc<str>>,
    /// Which of the graph's [`Graph::origins`] it came from.
    pub origin: Option<u32>,
    /// The fusion group that computes it, set by the pass `fuse`.
    pub group: Option<u32>,
}

/// Where a symbol's size is found at run time: an axis of a node's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolOrigin {
    pub node: NodeId,
    pub axis: usize,
}

/// A condition on sizes under which the graph is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assumption {
    Equal(Dim, Dim),
    /// At most.
    AtMost(Dim, Dim),
}

impl Assumption {
    /// The symbols of the sizes that it is about.
    pub fn symbols(&self) -> Vec<Symbol> {
        let (Assumption::Equal(a, b) | Assumption::AtMost(a, b)) = self;
        a.symbols().into_iter().chain(b.symbols()).collect()
    }
}

impl std::fmt::Display for Assumption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Assumption::Equal(a, b) => write!(f, "{a} == {b}"),
            Assumption::AtMost(a, b) => write!(f, "{a} <= {b}"),
        }
    }
}

/// A line of the user's program, for messages and for `explain`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    pub file: Arc<str>,
    pub span: crate::ast::Span,
}

/// A program over arrays.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub name: String,
    dag: DiGraph<Node, ()>,
    inputs: Vec<NodeId>,
    outputs: Vec<NodeId>,
    /// Draws and decisions, in the order in which they must happen.
    effects: Vec<NodeId>,
    symbols: Vec<SymbolOrigin>,
    assumptions: Vec<Assumption>,
    origins: Vec<Origin>,
}

/// Graphs are equal if they print alike: the same program with the same names.
impl PartialEq for Graph {
    fn eq(&self, other: &Graph) -> bool {
        self.len() == other.len() && self.to_string() == other.to_string()
    }
}

impl Graph {
    pub fn node(&self, id: NodeId) -> &Node {
        &self.dag[id]
    }

    pub fn op(&self, id: NodeId) -> &Op {
        &self.dag[id].op
    }

    pub fn aval(&self, id: NodeId) -> &Aval {
        &self.dag[id].aval
    }

    /// All nodes; each after its operands.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = NodeId> + ExactSizeIterator + use<> {
        (0..self.dag.node_count()).map(NodeId::new)
    }

    pub fn len(&self) -> usize {
        self.dag.node_count()
    }

    pub fn is_empty(&self) -> bool {
        self.dag.node_count() == 0
    }

    /// What a node is applied to, in order. The builder adds edges last operand first,
    /// because petgraph iterates over edges most recent first.
    pub fn operands(&self, id: NodeId) -> Operands {
        self.dag
            .neighbors_directed(id, Direction::Incoming)
            .collect()
    }

    /// Where a node is used, once per use.
    pub fn users(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.dag.neighbors_directed(id, Direction::Outgoing)
    }

    /// The node that is result `k` of a node.
    pub fn part(&self, id: NodeId, k: usize) -> Option<NodeId> {
        match k {
            0 => Some(id),
            _ => self.users(id).find(|&user| *self.op(user) == Op::Part(k)),
        }
    }

    /// The nodes that hold the results of a node, as far as there are any; the first is the node itself.
    pub fn parts(&self, id: NodeId) -> SmallVec<[Option<NodeId>; 2]> {
        let mut parts = smallvec![Some(id)];
        for user in self.users(id) {
            if let Op::Part(k) = *self.op(user) {
                if parts.len() <= k {
                    parts.resize(k + 1, None);
                }
                parts[k] = Some(user);
            }
        }
        parts
    }

    pub fn inputs(&self) -> &[NodeId] {
        &self.inputs
    }

    pub fn outputs(&self) -> &[NodeId] {
        &self.outputs
    }

    pub fn effects(&self) -> &[NodeId] {
        &self.effects
    }

    pub fn symbols(&self) -> &[SymbolOrigin] {
        &self.symbols
    }

    pub fn assumptions(&self) -> &[Assumption] {
        &self.assumptions
    }

    /// Forgets assumptions that need not be checked.
    pub fn drop_assumptions(&mut self, dropped: &[Assumption]) {
        self.assumptions
            .retain(|assumption| !dropped.contains(assumption));
    }

    /// What the assumptions say of sizes of inputs. Sizes that are found while evaluating are left
    /// alone: nothing may be known of them before they are.
    pub fn equalities(&self) -> Equalities {
        let mut equal = Equalities::default();
        for assumption in &self.assumptions {
            if let Assumption::Equal(a, b) = assumption
                && self.is_of_inputs(a)
                && self.is_of_inputs(b)
            {
                equal.add(a, b);
            }
        }
        equal
    }

    /// Whether a size depends on those of inputs alone.
    pub fn is_of_inputs(&self, dim: &Dim) -> bool {
        dim.symbols().iter().all(|symbol| {
            let origin = self.symbols.get(symbol.0 as usize);
            let node = origin.and_then(|origin| self.dag.node_weight(origin.node));
            node.is_some_and(|node| matches!(node.op, Op::Input))
        })
    }

    pub fn origin(&self, id: NodeId) -> Option<&Origin> {
        self.dag[id].origin.map(|o| &self.origins[o as usize])
    }

    /// The error at the line that a node came from.
    pub fn locate(&self, error: Box<Error>, id: NodeId) -> Box<Error> {
        match self.origin(id) {
            None => error,
            Some(origin) => error.at(Place {
                file: origin.file.clone(),
                span: origin.span.clone(),
                text: None,
            }),
        }
    }

    /// Puts another operation in a node's place, whose results are of the same kinds.
    pub fn set_op(&mut self, id: NodeId, op: Op) {
        self.dag[id].op = op;
    }

    /// Records which group computes a node; the pass `fuse` calls this.
    pub fn set_group(&mut self, id: NodeId, group: Option<u32>) {
        self.dag[id].group = group;
    }

    /// Names a node.
    pub fn set_name(&mut self, id: NodeId, name: Option<Arc<str>>) {
        self.dag[id].name = name;
    }

    /// Writes sizes that are assumed equal in one way, so that equal shapes look equal: a symbol that is
    /// assumed equal to another size is replaced by it everywhere. The assumptions stay, to be checked.
    pub fn unify_sizes(&mut self) {
        let equal = self.assumptions.iter().filter_map(|a| match a {
            Assumption::Equal(a, b) => Some((a.clone(), b.clone())),
            _ => None,
        });
        let equal: Vec<(Dim, Dim)> = equal.collect();
        self.write_alike(&equal);
    }

    /// Writes sizes that are known to be equal in one way, as [`Graph::unify_sizes`] does.
    pub fn write_alike(&mut self, equal: &[(Dim, Dim)]) {
        let mut replaced: Vec<(Symbol, Dim)> = Vec::new();
        let resolve = |replaced: &[(Symbol, Dim)], dim: &Dim| {
            let mut dim = dim.clone();
            for (symbol, by) in replaced {
                dim = dim.substitute(&|s| {
                    if s == *symbol {
                        by.clone()
                    } else {
                        Dim::symbol(s)
                    }
                });
            }
            dim
        };
        for (a, b) in equal {
            let (a, b) = (resolve(&replaced, a), resolve(&replaced, b));
            // Of two symbols the one that came first stays.
            let pairs = match (a.as_symbol(), b.as_symbol()) {
                (Some(x), Some(y)) if x < y => [Some((y, a)), Some((x, b))],
                (x, y) => [x.map(|x| (x, b)), y.map(|y| (y, a))],
            };
            let mut pairs = pairs.into_iter().flatten();
            if let Some((symbol, by)) = pairs.find(|(symbol, by)| self.is_told_before(by, *symbol))
            {
                for (_, earlier) in &mut replaced {
                    *earlier = resolve(&[(symbol, by.clone())], earlier);
                }
                replaced.push((symbol, by));
            }
        }
        if replaced.is_empty() {
            return;
        }
        for node in self.dag.node_weights_mut() {
            for dim in &mut node.aval.shape {
                *dim = resolve(&replaced, dim);
            }
            node.op.map_sizes(&|dim| resolve(&replaced, dim));
        }
    }

    /// Whether a size is known where the symbol is told: those of inputs are known from the beginning.
    fn is_told_before(&self, dim: &Dim, symbol: Symbol) -> bool {
        let place = |symbol: Symbol| {
            let node = self.symbols.get(symbol.0 as usize)?.node;
            match self.dag.node_weight(node)?.op {
                Op::Input => Some((0, 0)),
                _ => Some((1, node.index())),
            }
        };
        let symbols = dim.symbols();
        !symbols.contains(&symbol) && symbols.iter().all(|s| place(*s) <= place(symbol))
    }

    /// The underlying petgraph, for its algorithms.
    pub fn dag(&self) -> &DiGraph<Node, ()> {
        &self.dag
    }
}
