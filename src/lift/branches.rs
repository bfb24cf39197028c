//! Branches on values, inside loops: both sides are run, and become a `Cond` node.
//!
//! In: a block that ends in a branch, and the flag's node. Out: where the sides meet, with what they
//! assigned and wrote merged. A side that leaves the loop says so in a flag.
//!
//! ```text
//! if x[i] > m: m = x[i]       m = cond(x[i] > m, x[i], m)
//! if err < tol: break         left = cond(err < tol, True, False)
//! ```

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::carry::Pattern;
use super::host::Host;
use super::machine::{Flow, Machine};
use super::positions::Positions;
use super::value::{Buffer, DictValue, Frame, Iterator, ListValue, Value, birth};
use crate::ast::BlockId;
use crate::ast::flow::Region;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::NodeId;
use crate::graph::extract::Extract;
use crate::ops::{Cond, Op};

/// A loop that is not made a node goes round through branches within branches.
const DEEPEST: usize = 24;
/// And the sides double with each; no body of a loop has this many branches.
const MOST: usize = 1000;

/// The local that says whether a trip left the loop: 0, or the number of the block that it went to.
pub(super) const LEFT: &str = "$left";

/// Where control goes on.
#[derive(Clone, Debug)]
pub(super) enum Way {
    To(BlockId),
    /// By a flag that is not known: the first if it is true.
    Either(NodeId, Box<[Way; 2]>),
}

/// How a run through blocks ended.
pub(super) enum Arrival<O> {
    /// At the block that it was to stop at.
    Met,
    /// At the end of a trip, or out of the loop: [`LEFT`] tells.
    TripEnd,
    Return(Value<O>),
}

/// A list, and what it held before.
type HeldList<O> = (Rc<ListValue<O>>, Vec<Value<O>>);

/// A dict, and what it held before.
type HeldDict<O> = (Rc<DictValue<O>>, Vec<(O, Value<O>)>);

/// What a loop or a branch being lifted may not touch, and what it wrote.
pub(super) struct Attempt<O> {
    /// What was made before this is not to be changed but for arrays.
    pub born: u64,
    /// The depth of the frame that it is in.
    pub depth: usize,
    /// Buffers written since, with the version before.
    pub written: Vec<(Rc<Buffer>, (NodeId, u64))>,
    /// Iterators among the locals when it began.
    pub iterators: Vec<Rc<RefCell<Iterator<O>>>>,
    /// Lists and dicts changed since that were there before, with what they held.
    pub lists: Vec<HeldList<O>>,
    pub dicts: Vec<HeldDict<O>>,
    /// The blocks that the trip being run leaves the loop for, in the order they were found.
    pub exits: Vec<BlockId>,
}

impl<O> Attempt<O> {
    /// Whether an iterator was there when it began.
    pub fn holds(&self, iterator: &Rc<RefCell<Iterator<O>>>) -> bool {
        self.iterators
            .iter()
            .any(|known| Rc::ptr_eq(known, iterator))
    }
}

/// A state of the machine that a side starts from.
struct Before<O> {
    locals: HashMap<String, Value<O>>,
    written: usize,
}

/// What a side left.
struct Side<O> {
    arrival: Arrival<O>,
    locals: HashMap<String, Value<O>>,
    buffers: Vec<(Rc<Buffer>, NodeId)>,
}

impl<H: Host> Machine<'_, H> {
    /// Runs blocks from `at` to where they are to stop.
    pub fn run_blocks(
        &mut self,
        frame: &mut Frame<H::Object>,
        mut at: BlockId,
        region: &Region,
        until: Option<BlockId>,
    ) -> Result<Arrival<H::Object>> {
        let mut first = true;
        loop {
            if until == Some(at) && !first {
                return Ok(Arrival::Met);
            }
            if at == region.head && !first {
                return Ok(Arrival::TripEnd);
            }
            if at != region.head && !region.blocks.contains(&at) {
                return self.leave_trip(frame, at);
            }
            first = false;
            let way_out = match at == region.head {
                true => None,
                false => self.enter_loop(frame, at)?,
            };
            let inner = way_out.is_some();
            let ran = match way_out {
                Some(way) => Flow::Goto(way),
                None => self.plain_block(frame, at)?,
            };
            match ran {
                Flow::Goto(Way::To(next)) => at = next,
                Flow::Return(value) => return Ok(Arrival::Return(value)),
                Flow::Yield(_) => return Err(Error::unlifted("a loop", "it yields")),
                Flow::Goto(Way::Either(flag, sides)) => {
                    let flow = self.flow(&frame.function);
                    let past = inner.then(|| flow.region(at)).flatten();
                    let until = flow.meeting(region, at, past.as_ref());
                    match self.branch(frame, flag, *sides, region, until)? {
                        Arrival::Met => match until {
                            Some(next) => at = next,
                            None => return Err(Error::internal("a branch that meets nowhere")),
                        },
                        end => return Ok(end),
                    }
                }
            }
        }
    }

    /// Leaves the loop for a block outside it.
    fn leave_trip(
        &mut self,
        frame: &mut Frame<H::Object>,
        to: BlockId,
    ) -> Result<Arrival<H::Object>> {
        let attempt = self
            .attempts
            .last_mut()
            .ok_or_else(|| Error::internal("no attempt"))?;
        let known = attempt.exits.iter().position(|exit| *exit == to);
        let number = known.unwrap_or_else(|| {
            attempt.exits.push(to);
            attempt.exits.len() - 1
        });
        let code = self.int(number as i64 + 1);
        frame.locals.insert(LEFT.into(), code);
        Ok(Arrival::TripEnd)
    }

    fn branch(
        &mut self,
        frame: &mut Frame<H::Object>,
        flag: NodeId,
        sides: [Way; 2],
        region: &Region,
        until: Option<BlockId>,
    ) -> Result<Arrival<H::Object>> {
        self.branches += 1;
        if self.branching >= DEEPEST || self.branches > MOST {
            return Err(Error::new(ErrorKind::TooLong {
                what: "the branches within a loop".into(),
            }));
        }
        self.branching += 1;
        let arrival = self.both_sides(frame, flag, sides, region, until);
        self.branching -= 1;
        arrival
    }

    fn both_sides(
        &mut self,
        frame: &mut Frame<H::Object>,
        flag: NodeId,
        sides: [Way; 2],
        region: &Region,
        until: Option<BlockId>,
    ) -> Result<Arrival<H::Object>> {
        let before = Before {
            locals: frame.locals.clone(),
            written: self.attempt()?.written.len(),
        };
        let (first, born) = (self.b.mark(), birth());
        let positions = Positions::of(&before.locals);
        let mut ran = Vec::with_capacity(2);
        let mut reached = Vec::with_capacity(2);
        for way in sides {
            let arrival = self.run_way(frame, way, region, until)?;
            let locals = std::mem::replace(&mut frame.locals, before.locals.clone());
            let buffers = self.unwrite(before.written, born)?;
            reached.push(positions.now());
            positions.restore();
            ran.push(Side {
                arrival,
                locals,
                buffers,
            });
        }
        let [then, otherwise] =
            <[Side<H::Object>; 2]>::try_from(ran).map_err(|_| Error::internal("two sides"))?;
        let [one, other] = <[Positions<H::Object>; 2]>::try_from(reached)
            .map_err(|_| Error::internal("two sides"))?;
        let goes_on = |side: &Side<H::Object>| !matches!(side.arrival, Arrival::Return(_));
        if goes_on(&then) && goes_on(&otherwise) && !one.is_same(&other) {
            return Err(Error::unlifted(
                "a branch",
                "its sides take different numbers of items from an iterator",
            ));
        }
        match goes_on(&then) {
            true => one.restore(),
            false => other.restore(),
        }
        self.merge(frame, flag, &first, [then, otherwise], region, until)
    }

    /// A side from its first block on, which may itself be where the sides meet or a trip ends.
    fn run_way(
        &mut self,
        frame: &mut Frame<H::Object>,
        way: Way,
        region: &Region,
        until: Option<BlockId>,
    ) -> Result<Arrival<H::Object>> {
        match way {
            Way::To(start) if until == Some(start) => Ok(Arrival::Met),
            Way::To(start) if start == region.head => Ok(Arrival::TripEnd),
            Way::To(start) => self.run_blocks(frame, start, region, until),
            Way::Either(flag, sides) => self.branch(frame, flag, *sides, region, until),
        }
    }

    /// Takes back the writes since a length of the list to buffers that were there before `born`; what each
    /// of them held at the end. What was made since keeps what was written to it.
    pub fn unwrite(&mut self, since: usize, born: u64) -> Result<Vec<(Rc<Buffer>, NodeId)>> {
        let attempt = self
            .attempts
            .last_mut()
            .ok_or_else(|| Error::internal("no attempt"))?;
        let undone = attempt.written.split_off(since);
        let mut out: Vec<(Rc<Buffer>, NodeId)> = Vec::new();
        for (buffer, _) in &undone {
            if buffer.born < born && !out.iter().any(|(b, _)| Rc::ptr_eq(b, buffer)) {
                out.push((buffer.clone(), buffer.version.get().0));
            }
        }
        for (buffer, old) in undone.into_iter().rev() {
            if buffer.born < born {
                buffer.version.set(old);
            }
        }
        Ok(out)
    }

    fn merge(
        &mut self,
        frame: &mut Frame<H::Object>,
        flag: NodeId,
        first: &crate::graph::Mark,
        [then, otherwise]: [Side<H::Object>; 2],
        region: &Region,
        until: Option<BlockId>,
    ) -> Result<Arrival<H::Object>> {
        let arrival = self.arrival_of(&then, &otherwise)?;
        let mut patterns: Vec<(String, Pattern<H::Object>)> = Vec::new();
        let mut nodes: [Vec<NodeId>; 2] = [vec![], vec![]];
        let mut names: Vec<&String> = then.locals.keys().chain(otherwise.locals.keys()).collect();
        names.sort();
        names.dedup();
        let flow = self.flow(&frame.function);
        let mut merged: HashMap<String, Value<H::Object>> = HashMap::new();
        for name in names {
            let pair = (then.locals.get(name), otherwise.locals.get(name));
            let read = match (&arrival, until) {
                (Arrival::Return(_), _) => false,
                (Arrival::Met, Some(block)) => flow.reads(block, name),
                (Arrival::TripEnd, _) => {
                    let exits = &self.attempt()?.exits;
                    name == LEFT
                        || flow.reads(region.head, name)
                        || exits.iter().any(|&exit| flow.reads(exit, name))
                }
                _ => true,
            };
            match pair {
                (Some(a), Some(b)) if self.is_same(a, b) => {
                    merged.insert(name.clone(), a.clone());
                }
                (Some(a), Some(b)) if read && is_bound(a) && is_bound(b) => {
                    let pattern = self.joined(a, b)?;
                    self.leaves(a, &pattern, &mut nodes[0])?;
                    self.leaves(b, &pattern, &mut nodes[1])?;
                    patterns.push((name.clone(), pattern));
                }
                (Some(value), _) if read && self.is_unread(&flow, &otherwise, region, name) => {
                    let pattern = self.pattern(value)?;
                    self.leaves(value, &pattern, &mut nodes[0])?;
                    self.anything(&pattern, &mut nodes[1])?;
                    patterns.push((name.clone(), pattern));
                }
                (_, Some(value)) if read && self.is_unread(&flow, &then, region, name) => {
                    let pattern = self.pattern(value)?;
                    self.anything(&pattern, &mut nodes[0])?;
                    self.leaves(value, &pattern, &mut nodes[1])?;
                    patterns.push((name.clone(), pattern));
                }
                // Bound on one side only, or not read: whoever reads it after all is refused.
                _ => {
                    merged.insert(name.clone(), Value::Unbound);
                }
            }
        }
        let returned = match (&arrival, &then.arrival, &otherwise.arrival) {
            (Arrival::Return(_), Arrival::Return(a), Arrival::Return(b)) => {
                let pattern = self.joined(a, b)?;
                self.leaves(a, &pattern, &mut nodes[0])?;
                self.leaves(b, &pattern, &mut nodes[1])?;
                Some(pattern)
            }
            _ => None,
        };
        let mut buffers: Vec<Rc<Buffer>> = Vec::new();
        for (buffer, _) in then.buffers.iter().chain(&otherwise.buffers) {
            if !buffers.iter().any(|b| Rc::ptr_eq(b, buffer)) {
                buffers.push(buffer.clone());
            }
        }
        for buffer in &buffers {
            for (side, nodes) in [&then, &otherwise].into_iter().zip(&mut nodes) {
                let written = side.buffers.iter().find(|(b, _)| Rc::ptr_eq(b, buffer));
                nodes.push(written.map_or(buffer.version.get().0, |(_, node)| *node));
            }
        }
        let results = self.cond(flag, first, &nodes)?;
        let mut results = results.into_iter();
        for (name, pattern) in patterns {
            let why = Some("it may be an array that has another name");
            let value = self.filled_in(&pattern, &mut results, why)?;
            merged.insert(name, value);
        }
        let returned = match returned {
            Some(pattern) => {
                let why = Some("it may be an array that has another name");
                Some(self.filled_in(&pattern, &mut results, why)?)
            }
            None => None,
        };
        for (buffer, node) in buffers.into_iter().zip(results) {
            self.set_version(&buffer, node)?;
        }
        frame.locals = merged;
        Ok(match returned {
            Some(value) => Arrival::Return(value),
            None => arrival,
        })
    }

    /// Whether nothing reads a name where a side that does not bind it goes on.
    fn is_unread(
        &self,
        flow: &crate::ast::flow::Flow,
        side: &Side<H::Object>,
        region: &Region,
        name: &str,
    ) -> bool {
        let code = side.locals.get(LEFT).and_then(|code| self.as_dim(code));
        let exits = self.attempts.last().map(|attempt| &attempt.exits);
        let next = match (code.and_then(|d| d.as_known()), exits) {
            (Some(0), _) => region.head,
            (Some(number), Some(exits)) => exits[number as usize - 1],
            _ => return false,
        };
        let bound = side.locals.get(name).is_some_and(is_bound);
        let is_trip_end = matches!(side.arrival, Arrival::TripEnd);
        is_trip_end && !bound && !flow.reads(next, name)
    }

    /// How both sides ended.
    fn arrival_of(
        &self,
        then: &Side<H::Object>,
        otherwise: &Side<H::Object>,
    ) -> Result<Arrival<H::Object>> {
        match (&then.arrival, &otherwise.arrival) {
            (Arrival::Met, Arrival::Met) => Ok(Arrival::Met),
            (Arrival::Return(a), Arrival::Return(_)) => Ok(Arrival::Return(a.clone())),
            (Arrival::TripEnd, Arrival::TripEnd) => Ok(Arrival::TripEnd),
            _ => Err(Error::new(ErrorKind::NeedsValue {
                construct: "if".into(),
            })),
        }
    }

    /// The node for two lists of results, made since a mark.
    fn cond(
        &mut self,
        flag: NodeId,
        first: &crate::graph::Mark,
        [then, otherwise]: &[Vec<NodeId>; 2],
    ) -> Result<Vec<NodeId>> {
        if then.is_empty() {
            self.b.forget_symbols(first);
            return Ok(vec![]);
        }
        let graph = self.b.graph();
        let captured = Extract::new(graph, first.nodes, &[], then, vec![]).captured;
        let captured = Extract::new(graph, first.nodes, &[], otherwise, captured).captured;
        let side = |name: &str, outputs: &[NodeId]| {
            let extract = Extract::new(graph, first.nodes, &[], outputs, captured.clone());
            match extract.captured.len() == captured.len() {
                true => extract.build(name, &[], &[], outputs),
                false => Err(Error::internal("the sides of a branch read other values")),
            }
        };
        let op = Op::Cond(std::sync::Arc::new(Cond {
            then: side("then", then)?,
            otherwise: side("otherwise", otherwise)?,
        }));
        let count = then.len();
        let mut operands = vec![flag];
        operands.extend(captured);
        self.b.forget_symbols(first);
        let node = self.b.add(op, &operands)?;
        self.parts(node, count)
    }

    /// The nodes of a node's results.
    pub fn parts(&mut self, node: NodeId, count: usize) -> Result<Vec<NodeId>> {
        (0..count)
            .map(|k| match k {
                0 => Ok(node),
                _ => self.b.add(Op::Part(k), &[node]),
            })
            .collect()
    }

    /// Makes a node the content of a buffer.
    pub fn set_version(&mut self, buffer: &Rc<Buffer>, node: NodeId) -> Result<()> {
        if let Some(why) = buffer.uncertain {
            return Err(Error::unlifted("a write to this array", why));
        }
        let old = buffer.version.get();
        for attempt in &mut self.attempts {
            attempt.written.push((buffer.clone(), old));
        }
        buffer.version.set((node, birth() + 1));
        Ok(())
    }

    pub fn attempt(&self) -> Result<&Attempt<H::Object>> {
        self.attempts
            .last()
            .ok_or_else(|| Error::internal("no attempt"))
    }

    /// Whether something made at that time was there before the loop that is being lifted.
    pub fn is_before_loop(&self, born: u64) -> bool {
        self.attempts.last().is_some_and(|a| born < a.born)
    }

    /// The node of a truth that is not known now.
    pub fn flag_of(&mut self, value: &Value<H::Object>) -> Result<NodeId> {
        let node = self.node(value)?;
        let aval = self.b.aval(node).clone();
        let node = match aval.shape.iter().all(|d| d.is_one()) {
            true => self.b.reshape(node, [].into_iter().collect())?,
            false => {
                return Err(Error::new(ErrorKind::NeedsValue {
                    construct: "if".into(),
                }));
            }
        };
        if aval.dtype == crate::graph::DType::Bool {
            return Ok(node);
        }
        let zero = self.b.constant_like(0.0, node);
        self.b
            .elementwise(crate::ops::Elementwise::NotEqual, &[node, zero])
    }
}

fn is_bound<O>(value: &Value<O>) -> bool {
    !matches!(value, Value::Unbound)
}
