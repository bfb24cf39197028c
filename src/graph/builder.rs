//! The only way to make a graph.
//!
//! In: operations and operands, one at a time. Out: a [`Graph`] whose avals are inferred.
//!
//! ```
//! use lazy_core::graph::{Aval, Builder, DType, Dim};
//! use lazy_core::ops::Elementwise;
//! let mut b = Builder::new("double");
//! let x = b.input("x", Aval::new(DType::F64, [Dim::known(3)]));
//! let two = b.constant_like(2.0, x);
//! let y = b.elementwise(Elementwise::Multiply, &[x, two]).unwrap();
//! assert_eq!(b.finish(vec![y]).aval(y).to_string(), "float64[3]");
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use super::{
    Assumption, Aval, DType, Dim, Equalities, Graph, Node, NodeId, Origin, Shape, Symbol,
    SymbolOrigin,
};
use crate::error::{Error, Result};
use crate::ops::{Axes, Constant, Elementwise, Op, Reduction};

/// How many nodes back a number is looked for.
const RECENT: usize = 256;

/// A state of a [`Builder`].
#[derive(Clone, Debug)]
pub struct Mark {
    pub nodes: usize,
    effects: usize,
    symbols: usize,
    assumptions: usize,
}

/// A graph being made.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    graph: Graph,
    /// Sizes seen when lifting, per symbol: they decide comparisons of sizes, which become assumptions.
    examples: Vec<Option<i64>>,
    /// Orders of sizes that were assumed without an example.
    guesses: Vec<(Dim, Dim)>,
    /// Given to every node added from now on.
    origin: Option<u32>,
    origins: HashMap<Origin, u32>,
    /// What the assumptions say of sizes.
    equal: Equalities,
    /// Integers that are never negative.
    counters: Vec<NodeId>,
    /// How many nodes there were when sizes were last forgotten: older ones may mention them.
    forgot: usize,
}

impl Builder {
    pub fn new(name: impl Into<String>) -> Builder {
        Builder {
            graph: Graph {
                name: name.into(),
                ..Graph::default()
            },
            ..Builder::default()
        }
    }

    /// A builder that starts with everything `graph` has; its nodes keep their ids.
    /// Add to it, then [`Builder::finish`] with new outputs.
    pub fn extend(graph: &Graph) -> Builder {
        let mut graph = graph.clone();
        let origins = graph.origins.iter().cloned().zip(0..).collect();
        graph.outputs.clear();
        let equal = graph.equalities();
        let examples = vec![None; graph.symbols.len()];
        Builder {
            graph,
            examples,
            guesses: Vec::new(),
            origin: None,
            origins,
            equal,
            counters: vec![],
            forgot: 0,
        }
    }

    /// A builder that goes on with a graph, its outputs too.
    pub(super) fn resume(graph: Graph) -> Builder {
        Builder {
            examples: vec![None; graph.symbols.len()],
            guesses: Vec::new(),
            graph,
            ..Builder::default()
        }
    }

    /// The graph of [`Builder::resume`], which is not finished.
    pub(super) fn into_unfinished(self) -> Graph {
        self.graph
    }

    /// An empty builder with the same name, symbol table, assumptions and origins as `graph`, for a
    /// transform that copies nodes: declare the same inputs with [`Builder::copy`], which moves the
    /// symbols' origins along.
    pub fn rebuild(graph: &Graph) -> Builder {
        let kept = Graph {
            name: graph.name.clone(),
            symbols: graph.symbols.clone(),
            assumptions: graph.assumptions.clone(),
            origins: graph.origins.clone(),
            ..Graph::default()
        };
        Builder {
            equal: graph.equalities(),
            ..Builder::extend(&kept)
        }
    }

    /// Copies node `id` of `from` with operands `operands` (ids here), keeping aval, name and origin,
    /// and moving the origins of the symbols that `id` defines. For builders made by [`Builder::rebuild`].
    pub fn copy(&mut self, from: &Graph, id: NodeId, operands: &[NodeId]) -> NodeId {
        let node = Node {
            group: None,
            ..from.node(id).clone()
        };
        let new = self.push(node, operands);
        self.move_symbols(from, id, new);
        new
    }

    /// Says that `new` stands for node `id` of `from`, which is not copied: it takes over the symbols
    /// that `id` defines and, if it has no name of its own, its name. For builders made by [`Builder::rebuild`].
    pub fn replace(&mut self, from: &Graph, id: NodeId, new: NodeId) {
        self.move_symbols(from, id, new);
        if let Some(name) = &from.node(id).name {
            self.name(new, name.clone());
        }
    }

    /// As [`Builder::replace`], for a `new` that has one more axis, at `inserted`.
    pub fn replace_mapped(&mut self, from: &Graph, id: NodeId, new: NodeId, inserted: usize) {
        self.replace(from, id, new);
        for origin in &mut self.graph.symbols {
            if origin.node == new && origin.axis >= inserted {
                origin.axis += 1;
            }
        }
    }

    /// Makes the size of an axis of an input a new symbol.
    pub fn symbolic_axis(&mut self, input: NodeId, axis: usize) -> Dim {
        let size = Dim::symbol(self.symbol(input, axis, None));
        self.graph.dag[input].aval.shape[axis] = size.clone();
        size
    }

    /// Gives an input a shape whose first axis is a new symbol.
    pub fn symbolic_first_axis(&mut self, input: NodeId, rest: &[Dim]) -> Dim {
        let size = Dim::symbol(self.symbol(input, 0, None));
        self.graph.dag[input].aval.shape = std::iter::once(&size).chain(rest).cloned().collect();
        size
    }

    /// Gives an axis of a node a size.
    pub fn set_size(&mut self, id: NodeId, axis: usize, size: Dim) {
        self.graph.dag[id].aval.shape[axis] = size;
    }

    /// Makes a Python number one of NumPy's.
    pub fn strengthen(&mut self, id: NodeId) {
        self.graph.dag[id].aval.weak = false;
    }

    fn move_symbols(&mut self, from: &Graph, id: NodeId, new: NodeId) {
        if !matches!(from.op(id), Op::Input | Op::ArgWhere | Op::Arange) {
            return;
        }
        for (symbol, origin) in from.symbols.iter().enumerate() {
            if origin.node == id {
                self.graph.symbols[symbol] = SymbolOrigin {
                    node: new,
                    axis: origin.axis,
                };
            }
        }
    }

    fn push(&mut self, node: Node, operands: &[NodeId]) -> NodeId {
        let is_input = matches!(node.op, Op::Input);
        let is_effect = node.op.is_effect();
        let id = self.graph.dag.add_node(node);
        for &operand in operands.iter().rev() {
            self.graph.dag.add_edge(operand, id, ());
        }
        if is_input {
            self.graph.inputs.push(id);
        }
        if is_effect {
            self.graph.effects.push(id);
        }
        id
    }

    /// An argument of the graph, with an aval whose symbols exist already (or none).
    pub fn input(&mut self, name: &str, aval: Aval) -> NodeId {
        let node = Node {
            op: Op::Input,
            aval,
            name: Some(name.into()),
            origin: None,
            group: None,
        };
        self.push(node, &[])
    }

    /// A value that is not known yet: it stands for one of a nested graph's inputs while the nodes of
    /// that graph are made here. See [`Builder::extract`](super::extract).
    pub fn placeholder(&mut self, aval: Aval) -> NodeId {
        let node = Node {
            op: Op::Input,
            aval,
            name: None,
            origin: self.origin,
            group: None,
        };
        self.graph.dag.add_node(node)
    }

    /// How far the builder is, to go back there.
    pub fn mark(&self) -> Mark {
        Mark {
            nodes: self.graph.len(),
            effects: self.graph.effects.len(),
            symbols: self.graph.symbols.len(),
            assumptions: self.graph.assumptions.len(),
        }
    }

    /// Forgets what was noted since a mark. The nodes stay, and are dead but for inputs.
    pub fn forget(&mut self, mark: &Mark) {
        self.graph.effects.truncate(mark.effects);
        if self.graph.assumptions.len() > mark.assumptions {
            let since = self.graph.assumptions.split_off(mark.assumptions);
            let inputs = since.into_iter().filter(|assumption| {
                let mut symbols = assumption.symbols().into_iter();
                symbols.any(|s| s.0 as usize >= mark.symbols)
            });
            self.graph.assumptions.extend(inputs);
        }
        self.forget_symbols(mark);
    }

    /// Forgets the sizes that nodes since a mark defined. Those of inputs stay, as other symbols.
    pub fn forget_symbols(&mut self, mark: &Mark) {
        if self.graph.symbols.len() > mark.symbols {
            self.forgot = self.graph.len();
        }
        let graph = &mut self.graph;
        let examples = self
            .examples
            .split_off(mark.symbols.min(self.examples.len()));
        let since = graph.symbols.split_off(mark.symbols);
        let mut kept: HashMap<Symbol, Symbol> = HashMap::new();
        for ((old, origin), example) in (mark.symbols..)
            .zip(since)
            .zip(examples.into_iter().chain(std::iter::repeat(None)))
        {
            if graph.inputs.contains(&origin.node) {
                let new = Symbol(graph.symbols.len() as u32);
                kept.insert(Symbol(old as u32), new);
                let shape = &mut graph.dag[origin.node].aval.shape;
                shape[origin.axis] = Dim::symbol(new);
                graph.symbols.push(origin);
                self.examples.push(example);
            }
        }
        let moved = |symbol: Symbol| match (symbol.0 as usize) < mark.symbols {
            true => Some(symbol),
            false => kept.get(&symbol).copied(),
        };
        let assumptions = std::mem::take(&mut graph.assumptions);
        let known = assumptions.into_iter().filter_map(|assumption| {
            let all = assumption.symbols().into_iter().all(|s| moved(s).is_some());
            let dim = |dim: Dim| dim.substitute(&|s| Dim::symbol(moved(s).unwrap_or(s)));
            all.then(|| match assumption {
                Assumption::Equal(a, b) => Assumption::Equal(dim(a), dim(b)),
                Assumption::AtMost(a, b) => Assumption::AtMost(dim(a), dim(b)),
            })
        });
        graph.assumptions = known.collect();
        self.equal = graph.equalities();
    }

    /// Takes over an assumption.
    pub(super) fn assume(&mut self, assumption: Assumption) {
        self.require(assumption);
    }

    /// Says that a number is never negative: the counter of a loop.
    pub fn set_counter(&mut self, id: NodeId) {
        self.counters.push(id);
    }

    /// Whether an integer is surely not negative, as far as its form tells.
    pub fn is_natural(&self, id: NodeId) -> bool {
        let operands = self.graph.operands(id);
        match self.op(id) {
            Op::Size(_) => true,
            Op::Constant(Constant::Int(value)) => *value >= 0,
            Op::Elementwise(
                Elementwise::Add
                | Elementwise::Multiply
                | Elementwise::Minimum
                | Elementwise::FloorDivide
                | Elementwise::RightShift,
            ) => operands.iter().all(|&o| self.is_natural(o)),
            Op::Elementwise(Elementwise::Maximum) => operands.iter().any(|&o| self.is_natural(o)),
            _ => self.counters.contains(&id),
        }
    }

    /// A Python integer, or a size: the node that was made not long ago if there is one.
    pub fn recent_size(&mut self, dim: Dim) -> NodeId {
        let wanted = match dim.as_known() {
            Some(k) => Op::Constant(Constant::Int(k)),
            None => Op::Size(self.canonical(&dim)),
        };
        let is_of_inputs = self.graph.is_of_inputs(&dim);
        let is_known = |id: &NodeId| is_of_inputs || id.index() >= self.forgot;
        let nodes = self.graph.nodes().rev().take(RECENT).filter(is_known);
        let mut alike = nodes.filter(|&id| self.graph.aval(id).weak && *self.op(id) == wanted);
        alike.next().unwrap_or_else(|| self.size(dim))
    }

    /// As [`Builder::elementwise`], but the node that is there already if there is one.
    pub fn shared(&mut self, op: Elementwise, operands: &[NodeId]) -> Result<NodeId> {
        let known = self.graph.users(operands[0]).find(|&user| {
            *self.op(user) == Op::Elementwise(op) && self.graph.operands(user)[..] == *operands
        });
        known.map_or_else(|| self.elementwise(op, operands), Ok)
    }

    /// Python's zero of a dtype.
    pub fn weak_zero(&mut self, dtype: DType) -> NodeId {
        let constant = match dtype.kind() {
            super::Kind::Bool => Constant::Bool(false),
            super::Kind::Int => Constant::Int(0),
            super::Kind::Float => Constant::Float(0.0),
            super::Kind::Complex => Constant::Complex(0.0.into()),
        };
        self.constant(constant, Aval::weak(dtype))
    }

    /// Adds a node as it is.
    pub(super) fn adopt(&mut self, op: Op, aval: Aval, operands: &[NodeId]) -> NodeId {
        let node = Node {
            op,
            aval,
            name: None,
            origin: self.origin,
            group: None,
        };
        self.push(node, operands)
    }

    /// An argument with one fresh symbol per axis, except that sizes 0 and 1 are taken as known,
    /// since NumPy broadcasts by them. `sizes` are those of the call being lifted.
    pub fn symbolic_input(&mut self, name: &str, dtype: DType, sizes: &[usize]) -> NodeId {
        let id = self.input(name, Aval::new(dtype, []));
        let shape: Shape = sizes
            .iter()
            .enumerate()
            .map(|(axis, &size)| match size {
                0 | 1 => Dim::from(size),
                _ => {
                    let n = Dim::symbol(self.symbol(id, axis, Some(size as i64)));
                    self.require(Assumption::AtMost(Dim::known(2), n.clone()));
                    n
                }
            })
            .collect();
        self.graph.dag[id].aval.shape = shape;
        id
    }

    /// A new symbol for the size of an axis of a node.
    pub fn symbol(&mut self, node: NodeId, axis: usize, example: Option<i64>) -> Symbol {
        self.graph.symbols.push(SymbolOrigin { node, axis });
        self.examples.push(example);
        Symbol(self.graph.symbols.len() as u32 - 1)
    }

    /// Applies an operation: infers the aval, adds the node.
    ///
    /// # Errors
    /// What NumPy would raise for these shapes and dtypes.
    pub fn add(&mut self, op: Op, operands: &[NodeId]) -> Result<NodeId> {
        if let (Op::Part(k), &[of]) = (&op, operands)
            && let Some(known) = self.graph.part(of, *k)
        {
            return Ok(known);
        }
        if let (Op::Arange, &[count]) = (&op, operands)
            && let Some(known) = self.graph.users(count).find(|&u| self.is_arange(u))
        {
            return Ok(known);
        }
        let aval = crate::ops::infer(self, &op, operands)?;
        let data_dependent = matches!(op, Op::ArgWhere | Op::Arange);
        let node = Node {
            op,
            aval,
            name: None,
            origin: self.origin,
            group: None,
        };
        let id = self.push(node, operands);
        if data_dependent {
            let size = Dim::symbol(self.symbol(id, 0, None));
            self.graph.dag[id].aval.shape[0] = size;
        }
        Ok(id)
    }

    /// Whether a node is an `arange` whose size is still known.
    fn is_arange(&self, id: NodeId) -> bool {
        let size = self.aval(id).shape.first().and_then(Dim::as_symbol);
        let origin = size.and_then(|s| self.graph.symbols.get(s.0 as usize));
        *self.op(id) == Op::Arange && origin.is_some_and(|origin| origin.node == id)
    }

    pub fn elementwise(&mut self, op: Elementwise, operands: &[NodeId]) -> Result<NodeId> {
        self.add(Op::Elementwise(op), operands)
    }

    /// A strong constant.
    pub fn constant(&mut self, value: Constant, aval: Aval) -> NodeId {
        let node = Node {
            op: Op::Constant(value),
            aval,
            name: None,
            origin: self.origin,
            group: None,
        };
        self.push(node, &[])
    }

    /// A weak float: a Python literal.
    pub fn float(&mut self, value: f64) -> NodeId {
        self.constant(Constant::Float(value), Aval::weak(DType::F64))
    }

    /// A weak integer: a Python literal.
    pub fn int(&mut self, value: i64) -> NodeId {
        self.constant(Constant::Int(value), Aval::weak(DType::I64))
    }

    /// A weak scalar written as the literal a person would use beside `like`: `2` beside integers, `2.0` beside floats.
    pub fn constant_like(&mut self, value: f64, like: NodeId) -> NodeId {
        if self.aval(like).dtype.is_inexact() || value.fract() != 0.0 {
            self.float(value)
        } else {
            self.int(value as i64)
        }
    }

    /// An array of `like`'s dtype and shape filled with a value (a broadcast scalar, no memory).
    pub fn full_like(&mut self, value: f64, like: NodeId) -> Result<NodeId> {
        let aval = self.aval(like).clone();
        self.full(value, aval.dtype, aval.shape)
    }

    /// An array filled with a value.
    pub fn full(&mut self, value: f64, dtype: DType, shape: Shape) -> Result<NodeId> {
        let constant = match dtype {
            DType::Bool => Constant::Bool(value != 0.0),
            d if d.is_integer() => Constant::Int(value as i64),
            d if d.is_complex() => Constant::Complex(value.into()),
            _ => Constant::Float(value),
        };
        let scalar = self.constant(constant, Aval::scalar(dtype));
        if shape.is_empty() {
            Ok(scalar)
        } else {
            self.add(Op::BroadcastTo(shape), &[scalar])
        }
    }

    pub fn size(&mut self, dim: Dim) -> NodeId {
        let dim = self.canonical(&dim);
        match dim.as_known() {
            Some(k) => self.int(k),
            None => {
                let node = Node {
                    op: Op::Size(dim),
                    aval: Aval::weak(DType::I64),
                    name: None,
                    origin: self.origin,
                    group: None,
                };
                self.push(node, &[])
            }
        }
    }

    pub fn cast(&mut self, x: NodeId, dtype: DType) -> Result<NodeId> {
        let aval = self.aval(x);
        if aval.dtype == dtype && !aval.weak {
            Ok(x)
        } else {
            self.add(Op::Cast(dtype), &[x])
        }
    }

    pub fn reshape(&mut self, x: NodeId, shape: Shape) -> Result<NodeId> {
        if self.has_shape(x, &shape) {
            Ok(x)
        } else {
            self.add(Op::Reshape(shape), &[x])
        }
    }

    pub fn transpose(&mut self, x: NodeId, perm: Axes) -> Result<NodeId> {
        if perm.iter().enumerate().all(|(i, &p)| i == p) {
            Ok(x)
        } else {
            self.add(Op::Transpose(perm), &[x])
        }
    }

    pub fn broadcast_to(&mut self, x: NodeId, shape: Shape) -> Result<NodeId> {
        if self.has_shape(x, &shape) {
            Ok(x)
        } else {
            self.add(Op::BroadcastTo(shape), &[x])
        }
    }

    /// Reduces over `axes`; with no axes, the operand itself.
    pub fn reduce(&mut self, kind: Reduction, x: NodeId, axes: Axes) -> Result<NodeId> {
        if axes.is_empty() {
            Ok(x)
        } else {
            self.add(Op::Reduce { kind, axes }, &[x])
        }
    }

    pub fn aval(&self, id: NodeId) -> &Aval {
        self.graph.aval(id)
    }

    pub fn op(&self, id: NodeId) -> &Op {
        self.graph.op(id)
    }

    /// The graph so far.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Gives a node the user's name, unless it has one.
    pub fn name(&mut self, id: NodeId, name: impl Into<Arc<str>>) {
        self.graph.dag[id].name.get_or_insert(name.into());
    }

    /// Where nodes added from now on come from.
    pub fn set_origin(&mut self, origin: Option<Origin>) {
        self.origin = origin.map(|o| {
            let next = self.graph.origins.len() as u32;
            let graph = &mut self.graph;
            *self.origins.entry(o).or_insert_with_key(|o| {
                graph.origins.push(o.clone());
                next
            })
        });
    }

    /// The size seen when lifting, if all its symbols have one.
    pub fn example(&self, dim: &Dim) -> Option<i64> {
        dim.evaluate(&|s| self.examples.get(s.0 as usize).copied().flatten())
    }

    /// Says what a size is on the call being lifted.
    pub fn set_example(&mut self, symbol: Symbol, size: i64) {
        self.examples[symbol.0 as usize] = Some(size);
    }

    /// Whether two sizes are equal: by form, or by the example, which then becomes an assumption.
    pub fn assume_equal(&mut self, a: &Dim, b: &Dim) -> bool {
        if a == b {
            return true;
        }
        if let (Some(a), Some(b)) = (a.as_known(), b.as_known()) {
            return a == b;
        }
        // Within a transform there are no examples; an equality already assumed still holds.
        if self.assumed_equal(a, b) {
            return true;
        }
        match (self.example(a), self.example(b)) {
            (Some(x), Some(y)) if x != y => false,
            _ => {
                self.require(Assumption::Equal(a.clone(), b.clone()));
                true
            }
        }
    }

    /// Whether two sizes are equal: by form, by assumption, or by examples that are known; only then
    /// it becomes an assumption.
    pub fn seen_equal(&mut self, a: &Dim, b: &Dim) -> bool {
        if self.assumed_equal(a, b) {
            return true;
        }
        match (self.example(a), self.example(b)) {
            (Some(_), Some(_)) => self.assume_equal(a, b),
            _ => false,
        }
    }

    /// Whether two sizes are equal by form or by an assumption already made.
    pub fn assumed_equal(&self, a: &Dim, b: &Dim) -> bool {
        let mirrored = |x: &Dim, y: &Dim| (x, y) == (a, b) || (x, y) == (b, a);
        let assumed = |assumption: &Assumption| match assumption {
            Assumption::Equal(x, y) => mirrored(x, y),
            Assumption::AtMost(..) => false,
        };
        a == b
            || self.canonical(a) == self.canonical(b)
            || self.graph.assumptions.iter().any(assumed)
    }

    /// A size in the form that all sizes assumed equal to it have.
    pub fn canonical(&self, dim: &Dim) -> Dim {
        match dim.as_known().is_some() || self.equal.is_empty() {
            true => dim.clone(),
            false => self.equal.canonical(dim),
        }
    }

    fn has_shape(&self, x: NodeId, shape: &Shape) -> bool {
        let own = &self.aval(x).shape;
        own.len() == shape.len() && own.iter().zip(shape).all(|(a, b)| self.assumed_equal(a, b))
    }

    /// Whether a size is 1, by form, by assumption, or by the example, which then becomes an assumption.
    pub fn assumed_one(&mut self, dim: &Dim) -> bool {
        if let Some(known) = dim.as_known() {
            return known == 1;
        }
        let one = Assumption::Equal(dim.clone(), Dim::known(1));
        if self.graph.assumptions.contains(&one) {
            return true;
        }
        let seen = self.example(dim) == Some(1);
        if seen {
            self.require(one);
        }
        seen
    }

    /// Whether `a <= b`, by form or by the example, which then becomes an assumption.
    pub fn assume_at_most(&mut self, a: &Dim, b: &Dim) -> bool {
        if let Some(difference) = (b.clone() - a.clone()).as_known() {
            return difference >= 0;
        }
        if let Some(difference) = (self.canonical(b) - self.canonical(a)).as_known() {
            return difference >= 0;
        }
        let next = b.clone() + Dim::known(1);
        if self.assumed_at_most(&next, a) {
            return false;
        }
        if self.assumed_at_most(a, b) {
            return true;
        }
        match (self.example(a), self.example(b)) {
            (Some(x), Some(y)) if x > y => {
                // The opposite was seen: it is what later calls must satisfy.
                self.require(Assumption::AtMost(next, a.clone()));
                false
            }
            seen => {
                if !matches!(seen, (Some(_), Some(_))) {
                    self.guesses.push((a.clone(), b.clone()));
                }
                self.require(Assumption::AtMost(a.clone(), b.clone()));
                true
            }
        }
    }

    /// The orders that were assumed without an example since this was last asked.
    pub fn take_guesses(&mut self) -> Vec<(Dim, Dim)> {
        std::mem::take(&mut self.guesses)
    }

    /// Takes back what was assumed of an order.
    pub fn withdraw(&mut self, (a, b): &(Dim, Dim)) {
        let guess = Assumption::AtMost(a.clone(), b.clone());
        self.graph.assumptions.retain(|made| *made != guess);
    }

    /// Whether an assumption already made says that `a <= b`.
    fn assumed_at_most(&self, a: &Dim, b: &Dim) -> bool {
        let (a, b) = (self.canonical(a), self.canonical(b));
        self.graph.assumptions.iter().any(|assumption| {
            let Assumption::AtMost(x, y) = assumption else {
                return false;
            };
            let margin = self.canonical(x) - a.clone();
            self.canonical(y) == b && margin.as_known().is_some_and(|margin| margin >= 0)
        })
    }

    /// Fixes a size that Python looked at to the one seen.
    pub fn concretize(&mut self, dim: &Dim) -> Option<i64> {
        if let Some(k) = dim.as_known() {
            return Some(k);
        }
        let seen = self.example(dim)?;
        self.require(Assumption::Equal(dim.clone(), Dim::known(seen)));
        Some(seen)
    }

    fn require(&mut self, assumption: Assumption) {
        if !self.graph.assumptions.contains(&assumption) {
            if let Assumption::Equal(a, b) = &assumption
                && self.graph.is_of_inputs(a)
                && self.graph.is_of_inputs(b)
            {
                self.equal.add(a, b);
            }
            self.graph.assumptions.push(assumption);
        }
    }

    /// The finished graph. Nodes that no output needs stay until `dce` drops them; those of nested
    /// graphs that were made here go at once.
    pub fn finish(self, outputs: Vec<NodeId>) -> Graph {
        let graph = self.swept(outputs);
        debug_assert_eq!(super::verify::verify(&graph), Ok(()));
        graph
    }

    /// As [`Builder::finish`], where sizes were forgotten that something may still mention.
    ///
    /// # Errors
    /// `Unlifted` then.
    pub fn finish_checked(self, outputs: Vec<NodeId>) -> Result<Graph> {
        match self.forgot {
            0 => Ok(self.finish(outputs)),
            _ => self.finish_verified(outputs),
        }
    }

    /// As [`Builder::finish`], where sizes may be needed before they are found.
    ///
    /// # Errors
    /// `Unlifted` then.
    pub fn finish_verified(self, outputs: Vec<NodeId>) -> Result<Graph> {
        let graph = self.swept(outputs);
        match super::verify::verify(&graph) {
            Ok(()) => Ok(graph),
            Err(_) => Err(Error::unlifted(
                "a loop",
                "a size that is found within it is used where it is not known",
            )),
        }
    }

    fn swept(mut self, outputs: Vec<NodeId>) -> Graph {
        self.graph.outputs = outputs;
        let inputs = self
            .graph
            .nodes()
            .filter(|&id| matches!(self.op(id), Op::Input));
        let effects = self.graph.nodes().filter(|&id| self.op(id).is_effect());
        let has_placeholders = inputs.count() > self.graph.inputs.len();
        let is_stale = has_placeholders || self.forgot > 0;
        if is_stale || effects.count() > self.graph.effects.len() {
            self.graph = super::extract::swept(&self.graph);
        }
        self.graph
    }
}
