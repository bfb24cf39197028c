//! A part of a graph made a graph of its own: the bodies of loops and the sides of branches.
//!
//! In: nodes that were made after a mark, with placeholders for what changes from trip to trip. Out: a
//! graph with the placeholders as its inputs, and after them whatever else it uses.
//!
//! ```text
//! %1 = input (placeholder)     body(x: float64[], c: float64[n0]) {
//! %2 = gather(%0, %1)     =>     ...
//! %3 = add(%2, %2)
//! ```
//!
//! What does not depend on a placeholder stays outside and is computed once, but for positions along an
//! axis that are only indexed by: inside they are seen to be a slice. A size that the nodes
//! mention becomes a symbol of the new graph, told by an input that has it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Assumption, Builder, Dim, Graph, NodeId, Operands, Symbol};
use crate::error::Result;
use crate::ops::Op;
use crate::ops::index::is_range;

/// What becomes a nested graph.
#[derive(Debug)]
pub struct Extract<'g> {
    graph: &'g Graph,
    /// The nodes that are moved inside.
    inner: BTreeSet<NodeId>,
    /// Values of the graph around it that it uses, as its inputs after the placeholders.
    pub captured: Vec<NodeId>,
}

impl<'g> Extract<'g> {
    /// Finds what the outputs need of the nodes that depend on `placeholders`; with none, of all nodes
    /// from `first` on.
    pub fn new(
        graph: &'g Graph,
        first: usize,
        placeholders: &[NodeId],
        outputs: &[NodeId],
        captured: Vec<NodeId>,
    ) -> Extract<'g> {
        let mut needed = vec![false; graph.len()];
        for output in outputs {
            needed[output.index()] = true;
        }
        for id in graph.nodes().rev().filter(|id| id.index() >= first) {
            if needed[id.index()] {
                for operand in graph.operands(id) {
                    needed[operand.index()] = true;
                }
                // A size is found by the node that defines it.
                let sizes = graph.op(id).sizes().into_iter();
                for symbol in sizes.chain(&graph.aval(id).shape).flat_map(Dim::symbols) {
                    if let Some(origin) = graph.symbols().get(symbol.0 as usize) {
                        needed[origin.node.index()] = true;
                    }
                }
            }
        }
        let mut inner = BTreeSet::new();
        for id in graph
            .nodes()
            .filter(|id| id.index() >= first && needed[id.index()])
        {
            // Sizes that are found since the mark are found inside.
            let depends = match placeholders {
                _ if matches!(graph.op(id), Op::ArgWhere | Op::Arange) => true,
                _ if is_position(graph, id) => true,
                [] => true,
                _ => {
                    let sizes = graph.op(id).sizes().into_iter().flat_map(Dim::symbols);
                    let mut found = sizes.filter_map(|s| graph.symbols().get(s.0 as usize));
                    graph
                        .operands(id)
                        .iter()
                        .any(|o| inner.contains(o) || placeholders.contains(o))
                        || found.any(|origin| inner.contains(&origin.node))
                }
            };
            if depends && !matches!(graph.op(id), Op::Input) {
                inner.insert(id);
            }
        }
        let mut this = Extract {
            graph,
            inner,
            captured,
        };
        this.capture(placeholders, outputs);
        this
    }

    fn capture(&mut self, placeholders: &[NodeId], outputs: &[NodeId]) {
        let graph = self.graph;
        let mut used: Vec<NodeId> = Vec::new();
        for &id in &self.inner {
            used.extend(graph.operands(id));
        }
        used.extend(outputs);
        for id in used {
            let copied = matches!(graph.op(id), Op::Constant(_) | Op::Size(_));
            if !copied && !self.inner.contains(&id) && !placeholders.contains(&id) {
                self.take(id);
            }
        }
        // Sizes: those of inputs as far as they go, then the values that define the others.
        loop {
            let bound = self.bound(&[placeholders, &self.captured].concat());
            let missing = self
                .mentioned(placeholders, outputs)
                .into_iter()
                .find(|symbol| {
                    let origin = graph.symbols().get(symbol.0 as usize);
                    !bound.contains_key(symbol)
                        && origin.is_some_and(|o| !self.inner.contains(&o.node))
                });
            match missing {
                Some(symbol) => self.take(graph.symbols()[symbol.0 as usize].node),
                None => return,
            }
        }
    }

    fn take(&mut self, id: NodeId) {
        if !self.captured.contains(&id) {
            self.captured.push(id);
        }
    }

    /// The symbols that inputs have as the whole size of an axis, and where.
    fn bound(&self, inputs: &[NodeId]) -> BTreeMap<Symbol, (usize, usize)> {
        let mut bound = BTreeMap::new();
        for (input, &id) in inputs.iter().enumerate() {
            for (axis, dim) in self.graph.aval(id).shape.iter().enumerate() {
                if let Some(symbol) = dim.as_symbol() {
                    bound.entry(symbol).or_insert((input, axis));
                }
            }
        }
        bound
    }

    fn mentioned(&self, placeholders: &[NodeId], outputs: &[NodeId]) -> BTreeSet<Symbol> {
        let graph = self.graph;
        let mut out = BTreeSet::new();
        let inputs = placeholders.iter().chain(&self.captured);
        for &id in inputs.chain(&self.inner).chain(outputs) {
            let operands = graph.operands(id);
            let copied = operands
                .iter()
                .filter(|o| matches!(graph.op(**o), Op::Size(_)));
            for &id in std::iter::once(&id).chain(copied) {
                out.extend(graph.aval(id).shape.iter().flat_map(Dim::symbols));
                if self.inner.contains(&id) || matches!(graph.op(id), Op::Size(_)) {
                    out.extend(graph.op(id).sizes().into_iter().flat_map(Dim::symbols));
                }
            }
        }
        out
    }

    /// The nested graph. Its inputs are `first`, what is captured, then `last`. What was assumed of sizes
    /// around it holds wherever it runs, and is not repeated.
    ///
    /// # Errors
    /// `Unlifted` if a size is written by one that is found later within the graph.
    pub fn build(
        &self,
        name: &str,
        first: &[NodeId],
        last: &[NodeId],
        outputs: &[NodeId],
    ) -> Result<Graph> {
        let (mut b, symbols, outputs) = self.copy(name, first, last, outputs);
        let is_inside = |s: &Symbol| {
            let origin = self.graph.symbols().get(s.0 as usize);
            origin.is_some_and(|o| self.inner.contains(&o.node))
        };
        self.assume(&mut b, &symbols, |mentioned| {
            mentioned.iter().any(is_inside)
        });
        b.finish_verified(outputs)
    }

    /// As [`Extract::build`], for a graph that is to be transformed by itself: with all that is assumed of its
    /// sizes. Its inputs are `first`, then what is captured.
    pub fn build_alone(&self, name: &str, first: &[NodeId], outputs: &[NodeId]) -> Graph {
        let (mut b, symbols, outputs) = self.copy(name, first, &[], outputs);
        self.assume(&mut b, &symbols, |_| true);
        b.finish(outputs)
    }

    /// Takes over those assumptions of sizes of the nested graph that are wanted.
    fn assume(
        &self,
        b: &mut Builder,
        symbols: &HashMap<Symbol, Dim>,
        wanted: impl Fn(&BTreeSet<Symbol>) -> bool,
    ) {
        let translated = |dim: &Dim| {
            dim.substitute(&|s| symbols.get(&s).cloned().unwrap_or_else(|| Dim::symbol(s)))
        };
        for assumption in self.graph.assumptions() {
            let (Assumption::Equal(x, y) | Assumption::AtMost(x, y)) = assumption;
            let mentioned: BTreeSet<Symbol> = x.symbols().into_iter().chain(y.symbols()).collect();
            if mentioned.iter().all(|s| symbols.contains_key(s)) && wanted(&mentioned) {
                let (x, y) = (translated(x), translated(y));
                b.assume(match assumption {
                    Assumption::Equal(..) => Assumption::Equal(x, y),
                    Assumption::AtMost(..) => Assumption::AtMost(x, y),
                });
            }
        }
    }

    /// The nodes in a builder of their own, the new sizes, and the outputs there.
    fn copy(
        &self,
        name: &str,
        first: &[NodeId],
        last: &[NodeId],
        outputs: &[NodeId],
    ) -> (Builder, HashMap<Symbol, Dim>, Vec<NodeId>) {
        let graph = self.graph;
        let mut b = Builder::new(name);
        let inputs: Vec<NodeId> = [first, &self.captured, last].concat();
        let bound = self.bound(&inputs);
        let mut symbols: HashMap<Symbol, Dim> = HashMap::new();
        let mut new: HashMap<NodeId, NodeId> = HashMap::new();
        // All symbols first: a size may mention one that a later input tells.
        for (next, (&symbol, _)) in (0..).zip(&bound) {
            symbols.insert(symbol, Dim::symbol(Symbol(next)));
        }
        let translated = |symbols: &HashMap<Symbol, Dim>, dim: &Dim| {
            dim.substitute(&|s| symbols.get(&s).cloned().unwrap_or_else(|| Dim::symbol(s)))
        };
        let mut made = Vec::with_capacity(inputs.len());
        for &id in &inputs {
            let mut aval = graph.aval(id).clone();
            for dim in &mut aval.shape {
                *dim = translated(&symbols, dim);
            }
            let name = graph.node(id).name.as_deref().unwrap_or("x");
            let input = b.input(name, aval);
            new.insert(id, input);
            made.push(input);
        }
        for &(input, axis) in bound.values() {
            b.symbol(made[input], axis, None);
        }
        let wanted = self.inner.iter().chain(outputs);
        let mut order: BTreeSet<NodeId> = wanted.copied().collect();
        for &id in &self.inner {
            order.extend(graph.operands(id));
        }
        for id in order {
            if new.contains_key(&id) {
                continue;
            }
            let mut op = graph.op(id).clone();
            op.map_sizes(&|dim| translated(&symbols, dim));
            let operands: Operands = graph
                .operands(id)
                .iter()
                .filter_map(|o| new.get(o).copied())
                .collect();
            b.set_origin(graph.origin(id).cloned());
            let mut aval = graph.aval(id).clone();
            for dim in &mut aval.shape {
                *dim = translated(&symbols, dim);
            }
            let copy = b.adopt(op, aval, &operands);
            if let Some(name) = &graph.node(id).name {
                b.name(copy, name.clone());
            }
            // A size that is found inside.
            for (symbol, origin) in (0..).map(Symbol).zip(graph.symbols()) {
                if origin.node == id {
                    let own = b.symbol(copy, origin.axis, None);
                    symbols.insert(symbol, Dim::symbol(own));
                    b.set_size(copy, origin.axis, Dim::symbol(own));
                }
            }
            new.insert(id, copy);
        }
        b.set_origin(None);
        let outputs = outputs.iter().map(|o| new[o]).collect();
        (b, symbols, outputs)
    }
}

/// The graph without the nodes that nothing needs.
pub(super) fn swept(graph: &Graph) -> Graph {
    let mut live = vec![false; graph.len()];
    let roots = graph
        .outputs()
        .iter()
        .chain(graph.inputs())
        .chain(graph.effects());
    for root in roots.chain(graph.symbols().iter().map(|s| &s.node)) {
        live[root.index()] = true;
    }
    for id in graph.nodes().rev() {
        if live[id.index()] {
            for operand in graph.operands(id) {
                live[operand.index()] = true;
            }
        }
    }
    let mut b = Builder::rebuild(graph);
    let mut new = vec![NodeId::end(); graph.len()];
    for id in graph.nodes().filter(|id| live[id.index()]) {
        let operands: Operands = graph.operands(id).iter().map(|o| new[o.index()]).collect();
        new[id.index()] = b.copy(graph, id, &operands);
    }
    let mut swept = b.into_unfinished();
    swept.outputs = graph.outputs().iter().map(|o| new[o.index()]).collect();
    swept
}

/// Whether a node is `start + step * arange(n)`, of numbers that are known, by which something is only
/// indexed.
fn is_position(graph: &Graph, id: NodeId) -> bool {
    let operands = graph.operands(id);
    let is_known = |operand: &NodeId| {
        matches!(graph.op(*operand), Op::Constant(_)) || is_position(graph, *operand)
    };
    is_range(graph, id)
        && operands.iter().all(is_known)
        && graph.users(id).all(|user| {
            let operands = graph.operands(user);
            match graph.op(user) {
                Op::Gather { .. } => operands[0] != id,
                Op::Scatter { .. } => !operands[..2].contains(&id),
                _ => is_range(graph, user),
            }
        })
}
