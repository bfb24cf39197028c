//! The order and grouping of a function's statements.
//!
//! In: a graph and its signature. Out: statements, in which what is used once stands in the expression
//! that uses it, up to a readable width, and what has the user's name or several uses is a variable.
//!
//! ```text
//! margins = 1.0 - y * (X @ w)
//! return np.mean(np.maximum(0.0, margins))
//! ```
//!
//! Every node is spelled twice: once to count what it refers to, once to be written.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rustpython_ast::{Constant, Expr, Stmt};

use super::facts::Facts;
use super::names::{Taken, derived};
use super::signature::{Generator, Signature, Tree};
use super::spell::constant::array;
use super::spell::decide::decision;
use super::spell::{Names, Spelled, Speller, Step};
use super::syntax::{
    add_to, assign, attribute, call, constant, dict, evaluate, int, list, method, name, returns,
    subscript, tuple,
};
use crate::ast::print;
use crate::error::{Error, Result};
use crate::eval::value::Value;
use crate::graph::{Dim, NodeId, Symbol};
use crate::ops::Op;

/// Expressions wider than this are taken apart.
const WIDE: usize = 74;
/// What is narrower is not worth a variable of its own.
const NARROW: usize = 14;
/// Views up to this width may be written several times: `x[1:]`, `X.T`.
const VIEW: usize = 10;

/// A function's statements and what they need from the module.
pub struct Body {
    pub statements: Vec<Stmt>,
    pub constants: Vec<Stmt>,
    /// The modules of SciPy that are needed.
    pub scipy: BTreeSet<&'static str>,
}

/// # Errors
/// If an operation has no spelling, or the signature does not fit the graph.
pub fn body(facts: &Facts<'_>, signature: &Signature) -> Result<Body> {
    let counts = Counts::of(facts)?;
    let mut writer = Writer::new(facts, signature, &counts);
    writer.arguments()?;
    writer.sizes();
    writer.nodes()?;
    let result = writer.result(&signature.result)?;
    writer.statements.push(returns(result));
    Ok(Body {
        statements: writer.statements,
        constants: writer.constants,
        scipy: writer.scipy,
    })
}

/// Where a symbol's size is found: an input if possible.
fn place(facts: &Facts<'_>, symbol: Symbol) -> Option<(NodeId, usize)> {
    for &input in facts.graph.inputs() {
        let mut sizes = facts.aval(input).shape.iter();
        if let Some(axis) = sizes.position(|d| d.as_symbol() == Some(symbol)) {
            return Some((input, axis));
        }
    }
    let origin = facts.graph.symbols().get(symbol.0 as usize)?;
    (origin.node.index() < facts.graph.len()).then_some((origin.node, origin.axis))
}

/// How often each node and each size will be written.
pub(super) struct Counts<'a, 'g> {
    facts: &'a Facts<'g>,
    nodes: Vec<u32>,
    sizes: Vec<u32>,
}

impl<'a, 'g> Counts<'a, 'g> {
    pub fn of(facts: &'a Facts<'g>) -> Result<Counts<'a, 'g>> {
        let graph = facts.graph;
        let mut counts = Counts {
            facts,
            nodes: vec![0; graph.len()],
            sizes: vec![0; graph.symbols().len()],
        };
        for &root in graph.outputs().iter().chain(graph.effects()) {
            counts.nodes[root.index()] += 1;
        }
        for id in graph.nodes().rev() {
            let apart = matches!(facts.op(id), Op::Input | Op::Part(_));
            if counts.results_read(id) && !apart {
                if let Op::Loop(_) | Op::Cond(_) = facts.op(id) {
                    // What a nested graph reads has a variable.
                    for operand in graph.operands(id) {
                        counts.nodes[operand.index()] += 2;
                    }
                    continue;
                }
                let names = &mut counts;
                Speller { facts, names }.spell(id)?;
            }
        }
        Ok(counts)
    }

    /// Whether any result of a node will be written.
    fn results_read(&self, id: NodeId) -> bool {
        self.read_results(id).next().is_some()
    }

    /// The results of a node that will be written, each with its number.
    fn read_results(&self, id: NodeId) -> impl Iterator<Item = (usize, NodeId)> + '_ {
        let parts = self.facts.graph.parts(id).into_iter().enumerate();
        parts.filter_map(|(k, part)| Some((k, part.filter(|part| self.nodes[part.index()] > 0)?)))
    }
}

impl Names for Counts<'_, '_> {
    fn value(&mut self, id: NodeId) -> Expr {
        self.nodes[id.index()] += 1;
        name("x")
    }

    fn size(&mut self, symbol: Symbol) -> Expr {
        if let Some(count) = self.sizes.get_mut(symbol.0 as usize) {
            *count += 1;
        }
        if let Some((node, _)) = place(self.facts, symbol) {
            self.nodes[node.index()] += 1;
        }
        name("n")
    }

    fn hoisted(&mut self, _value: &Arc<Value>) -> Expr {
        name("c")
    }

    fn needs_scipy(&mut self, _module: &'static str) {}

    fn generator(&mut self, _generator: u32) -> Generator {
        Generator::Global
    }
}

/// How a node is referred to.
#[derive(Clone)]
struct Bound {
    expr: Expr,
    width: usize,
    /// An expression that has not been given a variable.
    inline: bool,
}

pub(super) struct Writer<'a, 'g> {
    pub facts: &'a Facts<'g>,
    pub signature: &'a Signature,
    counts: &'a Counts<'a, 'g>,
    taken: Taken,
    bound: Vec<Option<Bound>>,
    sizes: HashMap<Symbol, Expr>,
    pub statements: Vec<Stmt>,
    constants: Vec<Stmt>,
    hoisted: Vec<(Arc<Value>, Expr)>,
    scipy: BTreeSet<&'static str>,
    /// The nodes that the one being written refers to.
    asked: Vec<NodeId>,
}

impl<'a, 'g> Writer<'a, 'g> {
    pub fn new(facts: &'a Facts<'g>, signature: &'a Signature, counts: &'a Counts<'a, 'g>) -> Self {
        let mut taken = Taken::new();
        taken.reserve(&signature.name);
        for parameter in &signature.parameters {
            taken.reserve(&parameter.name);
        }
        for captured in &signature.captured {
            taken.reserve(root(&captured.expr));
        }
        for generator in &signature.generators {
            if let Generator::Object(e) = generator {
                taken.reserve(root(e));
            }
        }
        Writer {
            facts,
            signature,
            counts,
            taken,
            bound: vec![None; facts.graph.len()],
            sizes: HashMap::new(),
            statements: Vec::new(),
            constants: Vec::new(),
            hoisted: Vec::new(),
            scipy: BTreeSet::new(),
            asked: Vec::new(),
        }
    }

    /// Gives another writer what is common to a function, for the time being.
    pub fn lend(&mut self, other: &mut Writer<'_, '_>) {
        std::mem::swap(&mut self.taken, &mut other.taken);
        std::mem::swap(&mut self.constants, &mut other.constants);
        std::mem::swap(&mut self.hoisted, &mut other.hoisted);
    }

    /// Takes it back.
    pub fn lend_back(&mut self, other: &mut Writer<'_, '_>) {
        self.lend(other);
        self.scipy.append(&mut other.scipy);
    }

    /// Writes all nodes that anything refers to.
    pub fn nodes(&mut self) -> Result<()> {
        for id in self.facts.graph.nodes() {
            let is_input = matches!(self.facts.op(id), Op::Input);
            let is_part = matches!(self.facts.op(id), Op::Part(_));
            if self.counts.results_read(id) && !is_input && !is_part {
                self.node(id)?;
            }
        }
        Ok(())
    }

    /// The expression of a node that is written.
    pub fn written(&mut self, id: NodeId) -> Expr {
        self.value(id)
    }

    pub fn claim(&mut self, wanted: &str) -> String {
        self.taken.claim(wanted)
    }

    /// Whether anything refers to a node.
    pub fn is_referred(&self, id: NodeId) -> bool {
        self.counts.nodes[id.index()] > 0
    }

    /// An array of the shape and dtype of a node, to be filled.
    pub fn empty(&mut self, id: NodeId) -> Expr {
        let (facts, aval) = (self.facts, self.facts.aval(id));
        let shape = Speller { facts, names: self }.shape(&aval.shape);
        let dtype = super::syntax::dtype(aval.dtype);
        call("np.empty", [shape, dtype], [])
    }

    /// Unpacks the parameters' containers.
    fn arguments(&mut self) -> Result<()> {
        for parameter in &self.signature.parameters {
            self.unpack(&parameter.tree, name(parameter.name.clone()))?;
        }
        for captured in &self.signature.captured {
            let id = self.input(captured.input)?;
            self.bind_input(id, captured.expr.clone());
        }
        for &id in self.facts.graph.inputs() {
            if self.counts.nodes[id.index()] > 0 && self.bound[id.index()].is_none() {
                let name = self.facts.graph.node(id).name.clone();
                return Err(Error::internal(format!(
                    "the signature has no place for input {}",
                    name.as_deref().unwrap_or("without name")
                )));
            }
        }
        Ok(())
    }

    fn input(&self, position: usize) -> Result<NodeId> {
        let inputs = self.facts.graph.inputs();
        inputs
            .get(position)
            .copied()
            .ok_or_else(|| Error::internal(format!("the signature counts on an input {position}")))
    }

    fn is_used(&self, tree: &Tree) -> Result<bool> {
        Ok(match tree {
            Tree::Leaf(i) => self.counts.nodes[self.input(*i)?.index()] > 0,
            Tree::Constant(_) | Tree::Unused => false,
            Tree::Tuple(items) | Tree::List(items) => {
                let mut used = false;
                for item in items {
                    used |= self.is_used(item)?;
                }
                used
            }
            Tree::Dict(items) => {
                let mut used = false;
                for (_, item) in items {
                    used |= self.is_used(item)?;
                }
                used
            }
        })
    }

    fn unpack(&mut self, tree: &Tree, from: Expr) -> Result<()> {
        if !self.is_used(tree)? {
            return Ok(());
        }
        match tree {
            Tree::Leaf(i) => {
                let id = self.input(*i)?;
                self.bind_input(id, from);
            }
            Tree::Constant(_) | Tree::Unused => {}
            Tree::Tuple(items) | Tree::List(items) if items.len() > 1 && is_plain(tree) => {
                let target = self.pattern(tree)?;
                self.statements.push(assign(target, from));
            }
            Tree::Tuple(items) | Tree::List(items) => {
                for (k, item) in items.iter().enumerate() {
                    self.unpack(item, subscript(from.clone(), int(k as i64)))?;
                }
            }
            Tree::Dict(items) => {
                for (key, item) in items {
                    self.unpack(item, subscript(from.clone(), constant(key.clone())))?;
                }
            }
        }
        Ok(())
    }

    /// `a, (b, _)`, binding the inputs to their names.
    fn pattern(&mut self, tree: &Tree) -> Result<Expr> {
        Ok(match tree {
            Tree::Tuple(items) | Tree::List(items) if self.is_used(tree)? => {
                let items: Result<Vec<Expr>> = items.iter().map(|t| self.pattern(t)).collect();
                tuple(items?)
            }
            Tree::Leaf(i) if self.is_used(tree)? => {
                let id = self.input(*i)?;
                let variable = self.variable(id);
                self.bind(id, variable.clone(), false);
                variable
            }
            _ => name("_"),
        })
    }

    /// An input by its name, or as an element of a container if it is used once.
    fn bind_input(&mut self, id: NodeId, from: Expr) {
        let plain = matches!(from, Expr::Name(_));
        if plain || self.counts.nodes[id.index()] <= 1 {
            self.bind(id, from, false);
        } else {
            let variable = self.variable(id);
            self.statements.push(assign(variable.clone(), from));
            self.bind(id, variable, false);
        }
    }

    pub fn variable(&mut self, id: NodeId) -> Expr {
        let graph = self.facts.graph;
        let wanted = graph.node(id).name.as_deref().map(str::to_owned);
        name(
            self.taken
                .claim(&wanted.unwrap_or_else(|| derived(graph, id))),
        )
    }

    pub fn bind(&mut self, id: NodeId, expr: Expr, inline: bool) {
        let width = width(&expr);
        self.bound[id.index()] = Some(Bound {
            expr,
            width,
            inline,
        });
    }

    /// Variables for sizes of inputs that are written several times.
    fn sizes(&mut self) {
        for &input in self.facts.graph.inputs() {
            let shape = &self.facts.aval(input).shape;
            let of_axis: Vec<Option<Symbol>> = shape
                .iter()
                .enumerate()
                .map(|(axis, dim)| {
                    let symbol = dim.as_symbol()?;
                    let count = self.counts.sizes.get(symbol.0 as usize)?;
                    let here = place(self.facts, symbol) == Some((input, axis));
                    (here && *count > 1).then_some(symbol)
                })
                .collect();
            let Some(bound) = self.bound[input.index()].clone() else {
                continue;
            };
            let shape = attribute(bound.expr, "shape");
            if of_axis.len() > 1 && of_axis.iter().all(Option::is_some) {
                let names: Vec<Expr> = of_axis.iter().map(|_| self.size_name()).collect();
                self.statements.push(assign(tuple(names.clone()), shape));
                self.sizes.extend(of_axis.into_iter().flatten().zip(names));
                continue;
            }
            for (axis, symbol) in of_axis.into_iter().enumerate() {
                if let Some(symbol) = symbol {
                    let size = self.size_name();
                    let value = subscript(shape.clone(), int(axis as i64));
                    self.statements.push(assign(size.clone(), value));
                    self.sizes.insert(symbol, size);
                }
            }
        }
    }

    fn size_name(&mut self) -> Expr {
        name(self.taken.claim_size())
    }

    /// Writes a node: as a variable, or into the expression that will use it.
    fn node(&mut self, id: NodeId) -> Result<()> {
        match self.facts.op(id) {
            Op::Loop(l) => return self.loop_node(id, l),
            Op::Cond(c) => return self.cond_node(id, c),
            _ => {}
        }
        let spelled = self.spelled(id)?;
        if let Op::Decide { expected } = self.facts.op(id) {
            self.statements
                .push(decision(spelled.start.clone(), expected));
            self.bind(id, spelled.start, false);
            return Ok(());
        }
        if let Some(count) = self.facts.op(id).result_count() {
            self.results(id, spelled.start, count);
            return Ok(());
        }
        self.single(id, spelled);
        Ok(())
    }

    /// Takes the tuple of a node's results apart.
    fn results(&mut self, id: NodeId, whole: Expr, count: usize) {
        let mut read: Vec<(usize, NodeId)> = self.counts.read_results(id).collect();
        let facts = self.facts;
        read.retain(
            |&(k, part)| match (Speller { facts, names: self }).part_apart(id, k) {
                Some(expr) => {
                    self.single(part, expr.into());
                    false
                }
                None => true,
            },
        );
        match read.as_slice() {
            [] => {}
            &[(k, part)] => self.single(part, subscript(whole, int(k as i64)).into()),
            several => {
                let mut targets = vec![name("_"); count];
                for &(k, part) in several {
                    targets[k] = self.variable(part);
                    self.bind(part, targets[k].clone(), false);
                }
                self.statements.push(assign(tuple(targets), whole));
            }
        }
    }

    /// Writes one result.
    fn single(&mut self, id: NodeId, spelled: Spelled) {
        let graph = self.facts.graph;
        let uses = self.counts.nodes[id.index()];
        let named = graph.node(id).name.is_some();
        let is_result = graph.outputs() == [id] && uses == 1;
        let trivial = match self.facts.op(id) {
            Op::Constant(crate::ops::Constant::Array(_)) => {
                matches!(spelled.start, Expr::Name(_))
            }
            Op::Constant(_) | Op::Size(_) => true,
            Op::Draw { .. } => false,
            Op::Slice(_) | Op::Transpose(_) | Op::Reshape(_) => {
                !named && is_view_of_variable(&spelled.start) && width(&spelled.start) <= VIEW
            }
            _ => matches!(spelled.start, Expr::Name(_)),
        };
        let inline = match self.facts.op(id) {
            Op::Draw { .. } => is_result,
            _ => trivial || is_result || (uses == 1 && !named),
        };
        if spelled.steps.is_empty() && inline {
            self.bind(id, spelled.start, true);
            return;
        }
        let variable = self.variable(id);
        self.statements
            .push(assign(variable.clone(), spelled.start));
        for step in spelled.steps {
            self.statements.push(match step {
                Step::Set(index, value) => assign(subscript(variable.clone(), index), value),
                Step::Add(index, value) => add_to(subscript(variable.clone(), index), value),
                Step::AddAt(index, value) => {
                    evaluate(call("np.add.at", [variable.clone(), index, value], []))
                }
                Step::Attribute(part, value) => assign(attribute(variable.clone(), part), value),
            });
        }
        self.bind(id, variable, false);
    }

    /// The node's expression, narrow enough to read: wide operands become variables first.
    fn spelled(&mut self, id: NodeId) -> Result<Spelled> {
        loop {
            self.asked.clear();
            let facts = self.facts;
            let spelled = Speller { facts, names: self }.spell(id)?;
            let parts = spelled.steps.iter().map(|step| match step {
                Step::Set(_, v) | Step::Add(_, v) | Step::AddAt(_, v) | Step::Attribute(_, v) => {
                    width(v)
                }
            });
            let widest = parts.chain([width(&spelled.start)]).max().unwrap_or(0);
            if widest <= WIDE {
                return Ok(spelled);
            }
            let inline = |&id: &NodeId| {
                let bound = self.bound[id.index()].as_ref()?;
                (bound.inline && bound.width > NARROW).then_some((bound.width, id))
            };
            match self.asked.iter().filter_map(inline).max() {
                Some((_, operand)) => self.give_variable(operand),
                None => return Ok(spelled),
            }
        }
    }

    fn give_variable(&mut self, id: NodeId) {
        let variable = self.variable(id);
        if let Some(bound) = self.bound[id.index()].take() {
            self.statements.push(assign(variable.clone(), bound.expr));
        }
        self.bind(id, variable, false);
    }

    /// Whether broadcasting `x` to a shape is `np.broadcast_to`.
    fn is_view(&self, x: NodeId, shape: &[Dim]) -> bool {
        let from = self.facts.aval(x);
        from.rank() > 0 && !self.facts.same_shape(&from.shape, shape)
    }

    fn result(&mut self, tree: &Tree) -> Result<Expr> {
        let items = |writer: &mut Self, items: &[Tree]| -> Result<Vec<Expr>> {
            items.iter().map(|item| writer.result(item)).collect()
        };
        Ok(match tree {
            Tree::Leaf(i) => {
                let outputs = self.facts.graph.outputs();
                let id = outputs.get(*i).copied().ok_or_else(|| {
                    Error::internal(format!("the signature counts on an output {i}"))
                })?;
                let value = self.value(id);
                // A broadcast array cannot be written to.
                match self.facts.op(id) {
                    Op::BroadcastTo(shape) if self.is_view(self.facts.operand(id), shape) => {
                        method(value, "copy", [])
                    }
                    _ => value,
                }
            }
            Tree::Constant(c) => constant(c.clone()),
            Tree::Unused => constant(Constant::None),
            Tree::Tuple(t) => tuple(items(self, t)?),
            Tree::List(t) => list(items(self, t)?),
            Tree::Dict(t) => {
                let mut out = Vec::new();
                for (key, item) in t {
                    out.push((constant(key.clone()), self.result(item)?));
                }
                dict(out)
            }
        })
    }
}

impl Names for Writer<'_, '_> {
    fn value(&mut self, id: NodeId) -> Expr {
        self.asked.push(id);
        match &self.bound[id.index()] {
            Some(bound) => bound.expr.clone(),
            // Only if the two spellings of a node differ, which would be a bug.
            None => name("undefined"),
        }
    }

    fn size(&mut self, symbol: Symbol) -> Expr {
        if let Some(size) = self.sizes.get(&symbol) {
            return size.clone();
        }
        match place(self.facts, symbol) {
            Some((node, axis)) => {
                let shape = attribute(self.value(node), "shape");
                subscript(shape, int(axis as i64))
            }
            None => name("undefined"),
        }
    }

    fn hoisted(&mut self, value: &Arc<Value>) -> Expr {
        let known = self
            .hoisted
            .iter()
            .find(|(v, _)| Arc::ptr_eq(v, value) || v == value);
        if let Some((_, expr)) = known {
            return expr.clone();
        }
        let variable = name(self.taken.claim("TABLE"));
        self.constants.push(assign(variable.clone(), array(value)));
        self.hoisted.push((value.clone(), variable.clone()));
        variable
    }

    fn needs_scipy(&mut self, module: &'static str) {
        self.scipy.insert(module);
    }

    fn generator(&mut self, generator: u32) -> Generator {
        let found = self.signature.generators.get(generator as usize);
        found.cloned().unwrap_or(Generator::Global)
    }
}

/// Whether a container can be unpacked by one assignment.
fn is_plain(tree: &Tree) -> bool {
    match tree {
        Tree::Leaf(_) | Tree::Constant(_) | Tree::Unused => true,
        Tree::Tuple(items) | Tree::List(items) => items.iter().all(is_plain),
        Tree::Dict(_) => false,
    }
}

/// `x.T`, `x[1:]`: no work, and no more to read than a name.
fn is_view_of_variable(e: &Expr) -> bool {
    match e {
        Expr::Name(_) => true,
        Expr::Attribute(a) => is_view_of_variable(&a.value),
        Expr::Subscript(s) => is_view_of_variable(&s.value),
        _ => false,
    }
}

/// The global name that an expression starts from.
fn root(e: &Expr) -> &str {
    match e {
        Expr::Name(n) => n.id.as_str(),
        Expr::Attribute(a) => root(&a.value),
        Expr::Subscript(s) => root(&s.value),
        Expr::Call(c) => root(&c.func),
        _ => "",
    }
}

/// The width of an expression on one line.
fn width(e: &Expr) -> usize {
    print::width(e)
}
