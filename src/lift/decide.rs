//! Decisions by the values of the call.
//!
//! In: a node that Python must know now (`if x.sum() > 0`, `range(int(n))`). Out: its value for the
//! arguments of this call, and an [`Op::Decide`] that keeps the graph to the calls for which it is the same.
//!
//! ```text
//! while error > 1e-8:         greater(error, 1e-08); decide expected=True      once per trip that ran
//! ```
//!
//! The graph is computed as far as decisions need it, each node once.

use std::collections::HashMap;
use std::rc::Rc;

use super::host::Host;
use super::machine::Machine;
use super::numpy::{self, Form};
use super::value::Value;
use crate::error::{Error, ErrorKind, Result};
use crate::eval::value::Value as Elements;
use crate::eval::{Callbacks, Executable, Values};
use crate::graph::{Aval, Builder, DType, Dim, NodeId, Operands};
use crate::ops::{Elementwise, Op, decide};

/// Decisions of one lift: a loop of more trips than this is not worth a graph of its own.
const MAX_DECISIONS: usize = 20_000;

/// Bytes of computed values held while lifting.
const MAX_BYTES: usize = 2 << 30;

/// What is known of this call's values.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// Nodes computed so far.
    values: HashMap<NodeId, Elements>,
    /// Nodes that decisions were taken by.
    decided: HashMap<NodeId, Elements>,
    bytes: usize,
    /// Whether something raised because of the values of this call.
    pub raised: bool,
}

impl<H: Host> Machine<'_, H> {
    /// The number that a node is on this call, as a Python object; the graph is for such calls from now on.
    ///
    /// # Errors
    /// `NeedsValue` if the node is an array, or depends on what lifting cannot compute.
    pub fn decided(&mut self, node: NodeId, construct: &str) -> Result<Value<H::Object>> {
        let aval = self.b.aval(node).clone();
        let form = if aval.weak {
            Form::Python
        } else {
            Form::Scalar
        };
        if aval.rank() > 0 {
            return Err(needs_value(construct));
        }
        let value = self.decide(node, construct)?;
        Ok(Value::Object(self.host.scalar(&value, form), None))
    }

    /// The value with its integers decided; arrays and numbers of other dtypes stay as they are.
    ///
    /// # Errors
    /// If one depends on what lifting cannot compute.
    pub fn settled(&mut self, value: &Value<H::Object>) -> Result<Value<H::Object>> {
        let mut all = |items: &[Value<H::Object>]| -> Result<Vec<_>> {
            items.iter().map(|v| self.settled(v)).collect()
        };
        Ok(match value {
            Value::Tuple(items, _) => Value::Tuple(Rc::new(all(items)?), None),
            Value::List(list) => {
                let items = all(&list.items.borrow())?;
                self.list(items)
            }
            Value::Slice(parts) => {
                let [start, stop, step] = &**parts;
                let parts = [
                    self.settled(start)?,
                    self.settled(stop)?,
                    self.settled(step)?,
                ];
                Value::Slice(Rc::new(parts))
            }
            Value::Array(_) | Value::Scalar(..) => {
                let node = self.node(value)?;
                let aval = self.b.aval(node);
                if aval.rank() > 0 || !aval.dtype.is_integer() {
                    return Ok(value.clone());
                }
                let known = self.decided(node, "an integer")?;
                let known = self.int_of(&known, "an index")?;
                self.int(known)
            }
            other => other.clone(),
        })
    }

    /// Whether a float has an integer part that fits, on this call: that is what is decided by then, and
    /// not its last digits.
    pub fn has_integer(&mut self, node: NodeId) -> Result<bool> {
        if self.b.aval(node).dtype != DType::F64 || !self.attempts.is_empty() {
            return Ok(false);
        }
        let value = self.observe(node, "int()")?;
        const LARGEST: f64 = 9e18;
        Ok(value.as_slice::<f64>()[0].abs() < LARGEST)
    }

    /// Python's truth of an array or number of one element, on this call.
    ///
    /// # Errors
    /// NumPy's, for arrays of any other size.
    pub fn decided_truth(&mut self, node: NodeId, construct: &str) -> Result<bool> {
        let shape = self.b.aval(node).shape.clone();
        let mut sizes = Vec::with_capacity(shape.len());
        for dim in &shape {
            sizes.push(self.seen_size(dim)?);
        }
        match sizes.iter().product::<i64>() {
            1 => {}
            0 => {
                return Err(Error::value(
                    "The truth value of an empty array is ambiguous. Use `array.size > 0` to check that an \
                     array is not empty.",
                ));
            }
            _ => {
                return Err(Error::value(
                    "The truth value of an array with more than one element is ambiguous. Use a.any() or \
                     a.all()",
                ));
            }
        }
        let number = self.b.reshape(node, Default::default())?;
        let truth = match self.b.aval(number).dtype {
            DType::Bool => number,
            _ => numpy::truth(&mut self.b, number)?,
        };
        let value = self.decide(truth, construct)?;
        Ok(value.as_slice::<bool>()[0])
    }

    /// A size, looked at. Sizes of inputs become assumptions, those found by values decisions.
    pub fn seen_size(&mut self, dim: &Dim) -> Result<i64> {
        if self.b.graph().is_of_inputs(dim) {
            let size = self.b.concretize(dim);
            return size.ok_or_else(|| needs_value("a size"));
        }
        let size = self.b.size(dim.clone());
        let value = self.decide(size, "a size")?;
        Ok(value.as_slice::<i64>()[0])
    }

    /// Learns the sizes of arrays that are found by values, where an operation goes by which of two is less.
    pub fn see_sizes(&mut self, args: &[Value<H::Object>]) {
        for value in args {
            if !matches!(value, Value::Array(_)) {
                continue;
            }
            let Ok(node) = self.node(value) else { continue };
            for dim in self.b.aval(node).shape.clone() {
                self.see_size(&dim);
            }
        }
    }

    /// Whether a size became known on this call; what cannot be computed now stays unknown.
    fn see_size(&mut self, dim: &Dim) -> bool {
        if !self.attempts.is_empty() || self.b.example(dim).is_some() {
            return false;
        }
        let size = self.b.size(dim.clone());
        self.observe(size, "a size").is_ok()
    }

    /// Looks at sizes whose order was only guessed: whether there were any that can be told now.
    pub fn see_guesses(&mut self) -> bool {
        let mut seen = false;
        for guess in self.b.take_guesses() {
            if self.see_size(&guess.0) | self.see_size(&guess.1) {
                self.b.withdraw(&guess);
                seen = true;
            }
        }
        seen
    }

    /// A comparison of sizes of which one is found by values.
    pub fn decided_order(&mut self, op: Elementwise, a: &Dim, b: &Dim) -> Result<bool> {
        let operands = [self.b.size(a.clone()), self.b.size(b.clone())];
        let answer = self.b.elementwise(op, &operands)?;
        self.decided_truth(answer, "a comparison of sizes")
    }

    fn decide(&mut self, node: NodeId, construct: &str) -> Result<Elements> {
        if let Some(value) = self.observed.decided.get(&node) {
            return Ok(value.clone());
        }
        if !self.attempts.is_empty() {
            // Within a loop that may become a node, a value is that of every trip.
            return Err(needs_value(construct));
        }
        if self.observed.decided.len() >= MAX_DECISIONS {
            let what = format!("{MAX_DECISIONS} decisions by values were taken while lifting");
            return Err(Error::new(ErrorKind::TooLong { what }));
        }
        let value = self.observe(node, construct)?;
        if self.is_fixed(node) {
            return Ok(value);
        }
        let expected = decide::expectation(&value);
        self.b.add(Op::Decide { expected }, &[node])?;
        self.observed.decided.insert(node, value.clone());
        Ok(value)
    }

    /// Whether a node is made of constants alone, and so is the same on each call.
    fn is_fixed(&self, node: NodeId) -> bool {
        let graph = self.b.graph();
        let mut seen = std::collections::HashSet::new();
        let mut pending = vec![node];
        while let Some(at) = pending.pop() {
            let known = graph.aval(at).shape.iter().all(|n| n.as_known().is_some());
            let made = match graph.op(at) {
                Op::Constant(_)
                | Op::Elementwise(_)
                | Op::Cast(_)
                | Op::Reshape(_)
                | Op::Transpose(_)
                | Op::BroadcastTo(_)
                | Op::Slice(_)
                | Op::Concatenate { .. }
                | Op::Iota { .. }
                | Op::Reduce { .. }
                | Op::ArgReduce { .. }
                | Op::Cumulate { .. }
                | Op::Gather { .. } => true,
                Op::Size(dim) => dim.as_known().is_some(),
                _ => false,
            };
            if !known || !made {
                return false;
            }
            if seen.insert(at) {
                pending.extend(graph.operands(at));
            }
        }
        true
    }

    /// The value of a node for the arguments of this call.
    pub fn observe(&mut self, node: NodeId, construct: &str) -> Result<Elements> {
        let mut needed = vec![node];
        let mut pending = std::collections::BTreeSet::new();
        while let Some(at) = needed.pop() {
            if self.observed.values.contains_key(&at) || !pending.insert(at) {
                continue;
            }
            let graph = self.b.graph();
            needed.extend(graph.operands(at));
            if let Op::Part(_) = graph.op(at) {
                // A part is taken when the operation is computed.
                let of = graph.operands(at)[0];
                pending.insert(of);
                needed.extend(graph.operands(of));
            }
            let aval = graph.aval(at).shape.iter();
            let symbols = aval.chain(graph.op(at).sizes()).flat_map(Dim::symbols);
            let origins = symbols.filter_map(|s| graph.symbols().get(s.0 as usize));
            needed.extend(origins.map(|o| o.node).filter(|&o| o != at));
            if let Op::Draw { .. } = graph.op(at) {
                // The generator gives its numbers in order.
                needed.extend(graph.effects().iter().filter(|&&effect| effect < at));
            }
        }
        let pending: Vec<NodeId> = pending.into_iter().collect();
        // A size found by values must be known before what has that size is computed.
        let mut rest = pending.as_slice();
        while !rest.is_empty() {
            let until = rest.iter().position(|&at| is_search(self.b.op(at)));
            let (batch, later) = rest.split_at(until.map_or(rest.len(), |at| at + 1));
            self.compute(batch, construct)?;
            rest = later;
        }
        let value = self.observed.values.get(&node).cloned();
        value.ok_or_else(|| Error::internal("a node that was not computed"))
    }

    /// Computes nodes whose operands are computed, or among them and earlier.
    fn compute(&mut self, nodes: &[NodeId], construct: &str) -> Result<()> {
        let mut scratch = Builder::new("observed");
        let mut given = Vec::new();
        let mut copies: HashMap<NodeId, NodeId> = HashMap::new();
        // Results of functions with a rule are what these computed.
        let mut same_as: HashMap<NodeId, NodeId> = HashMap::new();
        let mut computed = Vec::new();
        for &at in nodes {
            let op = self.b.op(at).clone();
            if matches!(op, Op::Input) {
                let position = self.input_nodes.iter().position(|n| *n == at);
                let object = position.and_then(|i| self.input_objects.get(i));
                let value = object.and_then(|o| self.host.value(o));
                let value = value.ok_or_else(|| needs_value(construct))?;
                self.keep(at, value)?;
                continue;
            }
            let same = self.computed_as(at);
            let read = match same {
                Some(same) => Operands::from_slice(&[same]),
                None => self.b.graph().operands(at),
            };
            let mut operands = Vec::new();
            for operand in read {
                operands.push(match copies.get(&operand).or(same_as.get(&operand)) {
                    Some(&copy) => copy,
                    None => {
                        let value = self.observed.values.get(&operand);
                        let value = value.ok_or_else(|| needs_value(construct))?;
                        let aval = concrete_aval(self.b.aval(operand), value);
                        let copy = scratch.input("x", aval);
                        given.push(value.clone());
                        copies.insert(operand, copy);
                        copy
                    }
                });
            }
            match same {
                Some(_) => same_as.insert(at, operands[0]),
                None => copies.insert(at, self.copy_to(&mut scratch, at, op, &operands)?),
            };
            computed.push(at);
        }
        let copy_of = |at: &NodeId| copies.get(at).or(same_as.get(at)).copied();
        let outputs = computed.iter().filter_map(copy_of).collect();
        let graph = scratch.finish(outputs);
        let executable = Executable::new(&graph)?;
        let views: Vec<_> = given.iter().map(Elements::view).collect();
        let mut values = Values::default();
        let mut drawing = Drawing {
            machine: self,
            copies: &copies,
        };
        let run = executable.run(&views, &mut values, &mut drawing);
        if let Err(error) = run {
            self.observed.raised = true;
            return Err(error);
        }
        for (at, value) in computed.into_iter().zip(values.0) {
            if is_search(self.b.op(at)) {
                let symbols = self.b.graph().symbols().iter().enumerate();
                let mine = symbols.filter(|(_, origin)| origin.node == at);
                let found: Vec<_> = mine.map(|(s, o)| (s as u32, o.axis)).collect();
                for (symbol, axis) in found {
                    let size = value.shape[axis] as i64;
                    self.b.set_example(crate::graph::Symbol(symbol), size);
                }
            }
            self.keep(at, value)?;
        }
        Ok(())
    }

    /// The node that has the value of a result of a function with a rule of its own.
    fn computed_as(&self, at: NodeId) -> Option<NodeId> {
        let graph = self.b.graph();
        let (whole, k) = match graph.op(at) {
            Op::Part(k) => (graph.operands(at)[0], *k),
            _ => (at, 0),
        };
        match graph.op(whole) {
            Op::Custom(_) => graph.operands(whole).get(k).copied(),
            _ => None,
        }
    }

    /// Copies a node with all sizes as they are on this call.
    fn copy_to(
        &self,
        scratch: &mut Builder,
        at: NodeId,
        mut op: Op,
        operands: &[NodeId],
    ) -> Result<NodeId> {
        let aval = self.b.aval(at);
        if let Op::Constant(constant) = op {
            return Ok(scratch.constant(constant, aval.clone()));
        }
        op.map_sizes(&|dim| match self.b.example(dim) {
            Some(size) => Dim::known(size),
            None => dim.clone(),
        });
        if let Op::Size(dim) = &op {
            let size = dim.as_known().ok_or_else(|| needs_value("a size"))?;
            return Ok(scratch.int(size));
        }
        scratch.add(op, operands)
    }

    /// Remembers the value of a node.
    pub fn keep(&mut self, at: NodeId, value: Elements) -> Result<()> {
        self.observed.bytes += value.len() * value.dtype.size();
        if self.observed.bytes > MAX_BYTES {
            let what = "the values that decisions depend on do not fit in memory".into();
            return Err(Error::new(ErrorKind::TooLong { what }));
        }
        self.observed.values.insert(at, value);
        Ok(())
    }
}

/// Draws made while lifting: of copies of the generators, whose own state stays.
struct Drawing<'a, 'h, H: Host> {
    machine: &'a Machine<'h, H>,
    copies: &'a HashMap<NodeId, NodeId>,
}

impl<H: Host> Callbacks for Drawing<'_, '_, H> {
    fn outside(
        &mut self,
        node: NodeId,
        parameters: &[Elements],
        shapes: &[&[usize]],
    ) -> Result<Vec<Elements>> {
        let b = &self.machine.b;
        let original = self.copies.iter().find(|(_, copy)| **copy == node);
        let site = match original.map(|(&at, _)| (b.op(at), b.aval(at).dtype)) {
            Some((Op::Draw { generator, .. }, dtype)) => {
                let site = self.machine.draws.get(*generator as usize);
                site.map(|site| (site, dtype))
            }
            // Calls were made when they were lifted.
            _ => None,
        };
        let (site, dtype) = site.ok_or_else(|| Error::internal("a draw without a site"))?;
        let drawn = self
            .machine
            .host
            .rehearse(site, parameters, shapes[0], dtype)?;
        Ok(vec![drawn])
    }
}

fn is_search(op: &Op) -> bool {
    crate::eval::schedule::is_search(op)
}

/// The aval of a computed value, weak where the node is.
fn concrete_aval(aval: &Aval, value: &Elements) -> Aval {
    let shape = value.shape.iter().map(|&n| Dim::from(n));
    Aval {
        weak: aval.weak,
        ..Aval::new(aval.dtype, shape)
    }
}

fn needs_value(construct: &str) -> Box<Error> {
    Error::new(ErrorKind::NeedsValue {
        construct: construct.into(),
    })
}
