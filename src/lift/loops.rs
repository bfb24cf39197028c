//! Loops that become nodes: the body is run once, on values that stand for those of any trip.
//!
//! In: the head of a `for` or `while`. Out: a `Loop` node, and the locals and arrays that it leaves; or
//! nothing, when the body does what a graph cannot, and the loop is unrolled or refused as before.
//!
//! ```text
//! for i in range(n): s += x[i]        %5 = loop(n, x, s) carried=1 body(i, x, s) { gather, add }
//! ```
//!
//! What goes from trip to trip is found by running: locals that a trip leaves different from how it
//! found them, and arrays that it writes. A trip is run again until nothing new is found; the kinds of
//! numbers (Python's 0.0, then NumPy's sums) settle in the same way.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use super::branches::{Arrival, Attempt, LEFT, Way};
use super::carry::Pattern;
use super::host::Host;
use super::machine::Machine;
use super::numpy::Form;
use super::positions::Positions;
use super::value::{ArrayRef, Buffer, Frame, Iterator, Value, birth};
use crate::ast::flow::Region;
use crate::ast::{BlockId, Terminator};
use crate::error::{Error, Result};
use crate::graph::extract::Extract;
use crate::graph::{Aval, DType, Dim, Mark, NodeId};
use crate::ops::{Elementwise, Loop, Op};

/// Loops of up to so many trips are unrolled; within another loop, or around one, of up to
/// [`SHORT_INSIDE`]; a nest of more not at all.
const SHORT: i64 = 8;
const SHORT_INSIDE: i64 = 3;
/// How often a trip is run to find what it carries.
const ROUNDS: usize = 5;
/// Attempts at one loop that may fail before it is left alone.
const FAILURES: u8 = 3;

/// A loop as its head tells it.
struct Head<O> {
    at: BlockId,
    /// Where a trip starts, and where to go when there is no other; not said by a `while` whose test is
    /// one of several ways out.
    start: BlockId,
    exit: Option<BlockId>,
    kind: Kind<O>,
    /// A loop that would be unrolled: a node only if values decide within its trips, since unrolling would
    /// take one of many paths.
    if_decided: bool,
}

impl<O> Head<O> {
    /// Whether the statements before its test were run, with their results in the locals.
    fn by_test(&self) -> bool {
        matches!(self.kind, Kind::While(..))
    }
}

/// What decides on the next trip.
enum Kind<O> {
    /// The index or the item: its name, and what it is made of.
    For(String, Items<O>),
    /// The head's own test, for which the first trip's flag is given; true goes on.
    While(NodeId, bool),
    /// Only what leaves the loop from within.
    Forever,
}

/// What a `for` runs over.
enum Items<O> {
    /// `start, start + step, ...`.
    Range {
        start: Value<O>,
        step: Value<O>,
        trips: Trips<O>,
    },
    Rows(Value<O>, Dim),
    /// Tuples of what the parts give, and which of them ends first.
    Zip(Vec<Items<O>>, usize),
    /// Pairs of a number, counted from the given one, and an item.
    Enumerate(Box<Items<O>>, i64),
}

#[derive(Debug)]
enum Trips<O> {
    Known(i64),
    Size(Dim),
    /// Between a start and a stop that are values.
    Between(Value<O>, Value<O>, Value<O>),
}

impl<O: Clone> Clone for Trips<O> {
    fn clone(&self) -> Self {
        match self {
            Trips::Known(n) => Trips::Known(*n),
            Trips::Size(dim) => Trips::Size(dim.clone()),
            Trips::Between(a, b, step) => Trips::Between(a.clone(), b.clone(), step.clone()),
        }
    }
}

impl<H: Host> Machine<'_, H> {
    /// At the head of a loop: makes it a node, and says where to go on.
    pub fn enter_loop(&mut self, frame: &mut Frame<H::Object>, at: BlockId) -> Result<Option<Way>> {
        let key = (Arc::as_ptr(&frame.function) as usize, at);
        if self.failures.get(&key).is_some_and(|&n| n >= FAILURES) {
            return Ok(None);
        }
        let function = frame.function.clone();
        let Some(region) = self.flow(&function).region(at) else {
            return Ok(None);
        };
        let place = frame.at;
        let next = self.lifted_from(frame, at, &region)?;
        frame.at = place;
        Ok(next)
    }

    fn lifted_from(
        &mut self,
        frame: &mut Frame<H::Object>,
        at: BlockId,
        region: &Region,
    ) -> Result<Option<Way>> {
        let function = frame.function.clone();
        if let Some(head) = self.head(frame, at, region)? {
            return self.try_loop(frame, &head, region);
        }
        if !matches!(function.blocks[at].end.node, Terminator::Next { .. }) {
            let locals = frame.locals.clone();
            let mark = self.b.mark();
            let counts = (self.effects.len(), self.draws.len(), self.views.len());
            let (mut wrote, positions) = (false, Positions::of(&locals));
            let run = |machine: &mut Self| {
                let head = machine.while_head(frame, at, region);
                wrote = !machine.attempt()?.written.is_empty();
                head
            };
            let (head, same) = self.attempted(&locals, run)?;
            let same = same && !wrote && positions.is_same(&positions.now());
            if !same {
                positions.restore();
                self.effects.truncate(counts.0);
                self.draws.truncate(counts.1);
                self.views.truncate(counts.2);
            }
            let before = std::mem::replace(&mut frame.locals, locals.clone());
            let forever = |if_decided| Head {
                at,
                start: at,
                exit: None,
                kind: Kind::Forever,
                if_decided,
            };
            let head = head
                .ok()
                .flatten()
                .map(|head| match head.by_test() && !same {
                    true => forever(head.if_decided),
                    false => head,
                });
            if let Some(head) = head {
                let by_test = head.by_test();
                let if_decided = head.if_decided;
                if by_test {
                    frame.locals = before;
                }
                if let Some(next) = self.try_loop(frame, &head, region)? {
                    return Ok(Some(next));
                }
                frame.locals = locals;
                if by_test && let Some(next) = self.try_loop(frame, &forever(if_decided), region)? {
                    return Ok(Some(next));
                }
            }
            self.b.forget(&mark);
        }
        Ok(None)
    }

    fn try_loop(
        &mut self,
        frame: &mut Frame<H::Object>,
        head: &Head<H::Object>,
        region: &Region,
    ) -> Result<Option<Way>> {
        // An input that is met within a trip first belongs before the loop: once more, with it there.
        for _ in 0..ROUNDS {
            let inputs = self.inputs.len();
            let way = self.attempt_loop(frame, head, region)?;
            if way.is_some() {
                return Ok(way);
            }
            if self.inputs.len() == inputs {
                break;
            }
        }
        if !head.if_decided {
            let key = (Arc::as_ptr(&frame.function) as usize, head.at);
            *self.failures.entry(key).or_default() += 1;
        }
        Ok(None)
    }

    fn attempt_loop(
        &mut self,
        frame: &mut Frame<H::Object>,
        head: &Head<H::Object>,
        region: &Region,
    ) -> Result<Option<Way>> {
        let locals = frame.locals.clone();
        let mut before = locals.clone();
        before.insert(LEFT.into(), self.int(0));
        let mark = self.b.mark();
        let counts = (self.effects.len(), self.draws.len(), self.views.len());
        let inputs = self.inputs.len();
        if self.attempts.is_empty() {
            self.branches = 0;
        }
        let run = |machine: &mut Self| machine.lift_loop(frame, head, region, &before, &mark);
        let (lifted, same) = self.attempted(&locals, run)?;
        if let Ok(done) = lifted
            && same
            && self.inputs.len() == inputs
            && let Ok(way) = self.leave_loop(frame, head, before, done)
        {
            return Ok(Some(way));
        }
        frame.locals = locals;
        self.b.forget(&mark);
        self.effects.truncate(counts.0);
        self.draws.truncate(counts.1);
        self.views.truncate(counts.2);
        Ok(None)
    }

    /// Runs what may not change anything but arrays, and takes back what it changed; its result, and
    /// whether nothing but arrays was changed.
    fn attempted<T>(
        &mut self,
        locals: &HashMap<String, Value<H::Object>>,
        run: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<(Result<T>, bool)> {
        let counts = (self.effects.len(), self.draws.len(), self.views.len());
        self.attempts.push(Attempt {
            born: birth(),
            depth: self.depth(),
            written: vec![],
            iterators: iterators_in(locals),
            lists: vec![],
            dicts: vec![],
            exits: vec![],
        });
        let changes = self.changes.snapshot();
        let result = run(self);
        let mut same = counts == (self.effects.len(), self.draws.len(), self.views.len());
        let undone = self.unwrite(0, u64::MAX);
        let attempt = self.attempts.pop();
        undone?;
        if let Some(attempt) = attempt {
            same &= attempt.lists.is_empty() && attempt.dicts.is_empty();
            for (list, items) in attempt.lists.into_iter().rev() {
                list.items.replace(items);
            }
            for (dict, entries) in attempt.dicts.into_iter().rev() {
                dict.entries.replace(entries);
            }
        }
        same &= self.changes.restore(changes);
        if self.corrupted {
            return Err(super::machine::side_effect(
                "a change within a loop that cannot be taken back",
            ));
        }
        Ok((result, same))
    }

    /// The loop whose head a block is, if it is one to try.
    fn head(
        &mut self,
        frame: &mut Frame<H::Object>,
        at: BlockId,
        region: &Region,
    ) -> Result<Option<Head<H::Object>>> {
        let function = frame.function.clone();
        let Some(block) = function.blocks.get(at) else {
            return Ok(None);
        };
        match &block.end.node {
            Terminator::Next {
                iterator,
                target,
                body,
                exit,
            } if block.statements.is_empty() => {
                let Some(Value::Iterator(it)) = frame.locals.get(iterator).cloned() else {
                    return Ok(None);
                };
                let Some((items, if_decided)) = self.items_to_run(&it, &function, region)? else {
                    return Ok(None);
                };
                Ok(Some(Head {
                    at,
                    start: *body,
                    exit: Some(*exit),
                    kind: Kind::For(target.clone(), items),
                    if_decided,
                }))
            }
            _ => Ok(None),
        }
    }

    /// A `while` whose head is at `at`, by its own test if that is the only way out.
    fn while_head(
        &mut self,
        frame: &mut Frame<H::Object>,
        at: BlockId,
        region: &Region,
    ) -> Result<Option<Head<H::Object>>> {
        let function = frame.function.clone();
        let Some(block) = function.blocks.get(at) else {
            return Ok(None);
        };
        let forever = Head {
            at,
            start: at,
            exit: None,
            kind: Kind::Forever,
            if_decided: false,
        };
        let (test, then, otherwise) = match &block.end.node {
            Terminator::Branch {
                test,
                then,
                otherwise,
            } => (test, *then, *otherwise),
            Terminator::Goto(_) => return Ok(Some(forever)),
            _ => return Ok(None),
        };
        let (body, exit, wanted) = match (
            region.blocks.contains(&then),
            region.blocks.contains(&otherwise),
        ) {
            (true, false) => (then, otherwise, true),
            (false, true) => (otherwise, then, false),
            _ => return Ok(Some(forever)),
        };
        frame.at = (at, 0);
        self.statements(frame, block)?;
        let value = self.expression(frame, test)?;
        let known = match &value {
            Value::Scalar(..) | Value::Array(_) => None,
            value => Some(self.truth(value, "while")?),
        };
        let mut if_decided = false;
        let flag = match known.ok_or(()) {
            Ok(truth) if truth != wanted => return Ok(None),
            Ok(_) => {
                // The first trips are unrolled while the test is known.
                let key = (Arc::as_ptr(&function) as usize, at);
                let visits = self.visits.entry(key).or_default();
                *visits += 1;
                if_decided = *visits <= SHORT as usize;
                if if_decided && (*visits > 1 || self.attempts.len() > 1) {
                    return Ok(None);
                }
                let constant = crate::ops::Constant::Bool(true);
                self.b.constant(constant, Aval::scalar(DType::Bool))
            }
            Err(_) => self.going_on(&value, wanted)?,
        };
        Ok(Some(Head {
            at,
            start: body,
            exit: Some(exit),
            kind: Kind::While(flag, wanted),
            if_decided,
        }))
    }

    /// The flag of another trip.
    fn going_on(&mut self, value: &Value<H::Object>, wanted: bool) -> Result<NodeId> {
        let flag = self.flag_of(value)?;
        let flag = match wanted {
            true => flag,
            false => self.b.elementwise(Elementwise::LogicalNot, &[flag])?,
        };
        self.b.cast(flag, DType::Bool)
    }

    /// What is left of an iterator, if it is long enough for a loop; if it is not, but may branch, for one
    /// that values decide in.
    fn items_to_run(
        &mut self,
        it: &Rc<std::cell::RefCell<Iterator<H::Object>>>,
        function: &Arc<crate::ast::Function>,
        region: &Region,
    ) -> Result<Option<(Items<H::Object>, bool)>> {
        let Some(items) = self.items_left(it)? else {
            return Ok(None);
        };
        let count = match self.trips_of(&items) {
            Trips::Known(n) => Some(n),
            Trips::Size(dim) => dim.as_known().or_else(|| self.b.example(&dim)),
            Trips::Between(..) => return Ok(Some((items, false))),
        };
        let count = count.unwrap_or(0);
        // What stands for a compiled function should not be lifted again for each size.
        let sized = matches!(self.trips_of(&items), Trips::Size(dim) if dim.as_known().is_none());
        if sized && Self::is_own(&function.code) {
            return Ok(Some((items, false)));
        }
        let outer = self.attempts.is_empty();
        let longest = if outer { SHORT } else { SHORT_INSIDE };
        if count > longest {
            return Ok(Some((items, false)));
        }
        let short = match self.flow(function).nesting(region) {
            0 => longest,
            1 if outer => SHORT_INSIDE,
            _ => 1,
        };
        if count > short {
            return Ok(Some((items, false)));
        }
        // Not again in what is left after the first trip.
        let key = (Arc::as_ptr(function) as usize, region.head);
        let begins = !matches!(items, Items::Range { .. }) || self.visits.insert(key, 1).is_none();
        let branches = outer && count > 1 && begins && has_branches(function, region);
        Ok(branches.then_some((items, true)))
    }

    /// What is left of an iterator, if that can be told by an index.
    fn items_left(
        &mut self,
        it: &Rc<std::cell::RefCell<Iterator<H::Object>>>,
    ) -> Result<Option<Items<H::Object>>> {
        Ok(match &*it.borrow() {
            Iterator::Range { next, stop, step } => Some(Items::Range {
                start: self.int(*next),
                step: self.int(*step),
                trips: Trips::Known(range_length(*next, *stop, *step)),
            }),
            Iterator::Span(bounds) => {
                let [start, stop, step] = &**bounds;
                let by = self.as_dim(step).and_then(|d| d.as_known());
                let trips = match (self.as_dim(start), self.as_dim(stop), by) {
                    (Some(a), Some(b), Some(1)) => Trips::Size(b - a),
                    (Some(a), Some(b), Some(-1)) => Trips::Size(a - b),
                    _ => Trips::Between(start.clone(), stop.clone(), step.clone()),
                };
                Some(Items::Range {
                    start: start.clone(),
                    step: step.clone(),
                    trips,
                })
            }
            Iterator::Rows(array) => {
                let node = self.node(array)?;
                let first = self.b.aval(node).shape.first().cloned();
                first.map(|size| Items::Rows((**array).clone(), size))
            }
            Iterator::Zip(parts) => {
                let mut all = Vec::with_capacity(parts.len());
                for part in parts {
                    match self.items_left(part)? {
                        Some(items) => all.push(items),
                        None => return Ok(None),
                    }
                }
                self.shortest(&all).map(|at| Items::Zip(all, at))
            }
            Iterator::Enumerate(inner, first) => self
                .items_left(inner)?
                .map(|items| Items::Enumerate(Box::new(items), *first)),
            Iterator::Items(_)
            | Iterator::RowsFrom { .. }
            | Iterator::List(..)
            | Iterator::Map(..)
            | Iterator::Generator(_)
            | Iterator::Object(_)
            | Iterator::Finished => None,
        })
    }

    /// Which of the parts ends first, if sizes tell; what they are now is assumed.
    fn shortest(&mut self, parts: &[Items<H::Object>]) -> Option<usize> {
        let mut sizes = Vec::with_capacity(parts.len());
        for part in parts {
            let size = match self.trips_of(part) {
                Trips::Known(n) => Dim::known(n.max(0)),
                Trips::Size(dim) => dim,
                Trips::Between(..) => return None,
            };
            let count = size.as_known().or_else(|| self.b.example(&size))?;
            sizes.push((count, size));
        }
        let first = (0..sizes.len()).min_by_key(|&k| sizes[k].0)?;
        let (count, shortest) = sizes[first].clone();
        let all = sizes.iter().all(|(other, size)| match *other == count {
            true => self.b.assume_equal(&shortest, size),
            false => self.b.assume_at_most(&shortest, size),
        });
        all.then_some(first)
    }

    /// How many items there are.
    fn trips_of(&self, items: &Items<H::Object>) -> Trips<H::Object> {
        match items {
            Items::Range { trips, .. } => trips.clone(),
            Items::Rows(_, size) => Trips::Size(size.clone()),
            Items::Enumerate(inner, _) => self.trips_of(inner),
            Items::Zip(parts, shortest) => self.trips_of(&parts[*shortest]),
        }
    }

    fn lift_loop(
        &mut self,
        frame: &mut Frame<H::Object>,
        head: &Head<H::Object>,
        region: &Region,
        before: &HashMap<String, Value<H::Object>>,
        mark: &Mark,
    ) -> Result<Done<H::Object>> {
        let function = frame.function.clone();
        let flow = self.flow(&function);
        let key = (Arc::as_ptr(&function) as usize, head.at);
        let mut found = self.remembered(key, before);
        for _ in 0..ROUNDS {
            let trip = self.run_trip(frame, head, region, before, &mut found)?;
            let mut news = trip.goes_on.is_some() != found.conditional;
            found.conditional = trip.goes_on.is_some();
            let read_after = |name: &str| trip.exits().any(|exit| flow.reads(exit, name));
            let mut assigned = flow.assigned(region);
            assigned.extend(flow.assigned(&Region {
                head: head.at,
                blocks: [head.at].into_iter().collect(),
            }));
            for name in assigned {
                if flow.reads(head.at, &name) || read_after(&name) {
                    let after = frame.locals.get(&name).cloned().unwrap_or(Value::Unbound);
                    news |= self.note_local(&mut found, &name, before.get(&name), &after)?;
                }
            }
            if let Kind::For(name, _) = &head.kind
                && read_after(name)
            {
                let after = frame.locals.get(name).cloned().unwrap_or(Value::Unbound);
                news |= self.note_local(&mut found, name, before.get(name), &after)?;
            }
            if trip.exits().count() > 1 {
                let code = frame.locals.get(LEFT).cloned().unwrap_or(Value::Unbound);
                news |= self.note_local(&mut found, LEFT, before.get(LEFT), &code)?;
            }
            let born = self.attempt()?.born;
            for (buffer, _) in &self.attempt()?.written {
                let is_known = found.buffers.iter().any(|b| Rc::ptr_eq(b, buffer));
                if buffer.born < born && !is_known {
                    found.buffers.push(buffer.clone());
                    news = true;
                }
            }
            if !news && head.if_decided && !self.branches_on_values(mark) {
                return Err(Error::unlifted("a loop", "it is short"));
            }
            if !news {
                let names = found
                    .locals
                    .iter()
                    .map(|l| (l.name.clone(), l.pattern.clone()));
                let memo = (names.collect(), found.buffers.clone());
                self.carried.insert(key, memo);
                return self.build_loop(frame, before, mark, found, &trip);
            }
            self.unwrite(0, u64::MAX)?;
        }
        Err(Error::unlifted("a loop", "its values do not settle"))
    }

    /// Whether a branch on values that are not Python's own was made a node since a mark.
    fn branches_on_values(&self, mark: &Mark) -> bool {
        let graph = self.b.graph();
        let mut new = graph.nodes().filter(|id| id.index() >= mark.nodes);
        new.any(|id| match graph.op(id) {
            Op::Cond(_) => !graph.aval(graph.operands(id)[0]).weak,
            _ => false,
        })
    }

    /// What an earlier attempt at the loop found, as far as it fits.
    fn remembered(
        &mut self,
        key: (usize, BlockId),
        before: &HashMap<String, Value<H::Object>>,
    ) -> Found<H::Object> {
        let mut found = Found {
            locals: vec![],
            buffers: vec![],
            conditional: false,
        };
        let (locals, buffers) = self.carried.get(&key).cloned().unwrap_or_default();
        for (name, pattern) in locals {
            if let Some(value) = before.get(&name)
                && let Ok(own) = self.pattern(value)
                && let Ok(pattern) = self.join_patterns(&own, &pattern)
            {
                found.locals.push(Local {
                    name,
                    pattern,
                    late: false,
                });
            }
        }
        let born = self.attempt().map_or(0, |a| a.born);
        found.buffers = buffers.into_iter().filter(|b| b.born < born).collect();
        found
    }

    /// Runs the body once, from placeholders.
    fn run_trip(
        &mut self,
        frame: &mut Frame<H::Object>,
        head: &Head<H::Object>,
        region: &Region,
        before: &HashMap<String, Value<H::Object>>,
        found: &mut Found<H::Object>,
    ) -> Result<Trip> {
        frame.locals = before.clone();
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.exits.clear();
        }
        let index = self.b.placeholder(Aval::weak(DType::I64));
        let mut locals = Vec::new();
        for local in &found.locals {
            let nodes = local.pattern.avals().into_iter();
            let nodes: Vec<NodeId> = nodes.map(|aval| self.b.placeholder(aval)).collect();
            for &node in &nodes {
                self.b.name(node, local.name.as_str());
            }
            let why = Some("a loop carries it from trip to trip");
            let value = self.filled_in(&local.pattern, &mut nodes.iter().copied(), why)?;
            if !local.late {
                frame.locals.insert(local.name.clone(), value);
            }
            locals.extend(nodes);
        }
        let mut buffers = Vec::new();
        for buffer in found.buffers.clone() {
            let content = buffer.version.get().0;
            let aval = self.b.aval(content).clone();
            let node = self.b.placeholder(aval);
            if let Some(name) = self.b.graph().node(content).name.clone() {
                self.b.name(node, name);
            }
            self.set_version(&buffer, node)?;
            buffers.push(node);
        }
        self.b.set_counter(index);
        if let Kind::For(name, items) = &head.kind {
            let item = self.item(items, index)?;
            self.b.name(index, "k");
            self.store(frame, name, item)?;
        }
        let arrival = self.run_blocks(frame, head.start, region, None);
        if !matches!(arrival?, Arrival::TripEnd) {
            return Err(Error::unlifted("a loop", "it returns from within"));
        }
        let code = frame.locals.get(LEFT).cloned().unwrap_or(Value::Unbound);
        let known = self.as_dim(&code).and_then(|d| d.as_known());
        let goes_on = match (known, &head.kind) {
            (Some(0), Kind::While(_, wanted)) => {
                let function = frame.function.clone();
                let block = &function.blocks[head.at];
                let Terminator::Branch { test, .. } = &block.end.node else {
                    return Err(Error::internal("a while without a test"));
                };
                frame.at = (head.at, 0);
                self.statements(frame, block)?;
                let value = self.expression(frame, test)?;
                Some(self.going_on(&value, *wanted)?)
            }
            (Some(0), Kind::For(..)) => None,
            (Some(0), Kind::Forever) => return Err(Error::unlifted("a loop", "it does not end")),
            (None, Kind::For(..) | Kind::Forever) => Some(self.going_on(&code, false)?),
            _ => return Err(Error::unlifted("a loop", "its first trip is its last")),
        };
        let mut ways: Vec<(i64, BlockId)> = head.exit.map(|exit| (0, exit)).into_iter().collect();
        ways.extend((1..).zip(self.attempt()?.exits.iter().copied()));
        Ok(Trip {
            index,
            locals,
            buffers,
            ways,
            goes_on,
        })
    }

    /// The item of a trip.
    fn item(&mut self, items: &Items<H::Object>, node: NodeId) -> Result<Value<H::Object>> {
        let index = Value::Scalar(node, Form::Python);
        match items {
            Items::Range { start, step, .. } => {
                let scaled = match self.as_dim(step).and_then(|d| d.as_known()) {
                    Some(1) => index,
                    _ => self.binary("mul", &index, step)?,
                };
                match self.as_dim(start).and_then(|d| d.as_known()) {
                    Some(0) => Ok(scaled),
                    _ => self.binary("add", start, &scaled),
                }
            }
            Items::Rows(array, _) => self.get_item(array, &index),
            Items::Zip(parts, _) => {
                let row = parts.iter().map(|part| self.item(part, node));
                Ok(Value::Tuple(Rc::new(row.collect::<Result<_>>()?), None))
            }
            Items::Enumerate(inner, first) => {
                let item = self.item(inner, node)?;
                let count = match first {
                    0 => index,
                    first => self.binary("add", &self.int(*first), &index)?,
                };
                Ok(Value::Tuple(Rc::new(vec![count, item]), None))
            }
        }
    }

    /// Notes what a trip did to a local; whether that is news.
    fn note_local(
        &mut self,
        found: &mut Found<H::Object>,
        name: &str,
        before: Option<&Value<H::Object>>,
        after: &Value<H::Object>,
    ) -> Result<bool> {
        if let Some(at) = found.locals.iter().position(|l| l.name == name) {
            let own = found.locals[at].pattern.clone();
            let after = self.pattern(after)?;
            let joined = self.join_patterns(&own, &after)?;
            let news = !own.covers(&joined);
            found.locals[at].pattern = joined;
            return Ok(news);
        }
        let (pattern, late) = match before {
            None | Some(Value::Unbound) => match after {
                Value::Unbound => return Ok(false),
                after => (self.pattern(after)?, true),
            },
            Some(before) if self.is_same(before, after) => return Ok(false),
            Some(before) => (self.joined(before, after)?, false),
        };
        if late && matches!(pattern, Pattern::Same(_)) {
            return Err(Error::unlifted(
                "a loop",
                "a name is bound only by its trips",
            ));
        }
        found.locals.push(Local {
            name: name.into(),
            pattern,
            late,
        });
        Ok(true)
    }

    /// The nested graph and its operands, after a trip that found nothing new.
    fn build_loop(
        &mut self,
        frame: &mut Frame<H::Object>,
        before: &HashMap<String, Value<H::Object>>,
        mark: &Mark,
        found: Found<H::Object>,
        trip: &Trip,
    ) -> Result<Done<H::Object>> {
        let born = self.attempt()?.born;
        let mut fresh = Vec::new();
        for local in &found.locals {
            let after = frame
                .locals
                .get(&local.name)
                .cloned()
                .unwrap_or(Value::Unbound);
            let ends = before.get(&local.name).into_iter().chain([&after]);
            for array in ends.flat_map(arrays_in) {
                if found.buffers.iter().any(|b| Rc::ptr_eq(b, &array.buffer)) {
                    let why = "a name changes between arrays that are written to";
                    return Err(Error::unlifted("a loop", why));
                }
            }
            fresh.push(arrays_in(&after).iter().all(|a| a.buffer.born > born));
        }
        let mut carried = Vec::new();
        let mut outputs = Vec::new();
        if let Some(flag) = trip.goes_on {
            carried.push(self.b.placeholder(Aval::scalar(DType::Bool)));
            outputs.push(flag);
        }
        for local in &found.locals {
            let after = frame
                .locals
                .get(&local.name)
                .cloned()
                .unwrap_or(Value::Unbound);
            self.leaves(&after, &local.pattern, &mut outputs)?;
        }
        carried.extend(&trip.locals);
        carried.extend(&trip.buffers);
        outputs.extend(found.buffers.iter().map(|b| b.version.get().0));
        if outputs.is_empty() {
            return Err(Error::unlifted("a loop", "it leaves nothing"));
        }
        let placeholders: Vec<NodeId> = [trip.index].into_iter().chain(carried.clone()).collect();
        let graph = self.b.graph();
        let extract = Extract::new(graph, mark.nodes, &placeholders, &outputs, vec![]);
        let assigned = |name: &&String| {
            let is_carried = found.locals.iter().any(|l| l.name == **name);
            let same = match (before.get(*name), frame.locals.get(*name)) {
                (Some(a), Some(b)) => self.is_same(a, b),
                _ => false,
            };
            !is_carried && !same
        };
        let unbound = frame.locals.keys().filter(assigned).cloned().collect();
        let body = extract.build("body", &[trip.index], &carried, &outputs)?;
        let written = trip
            .buffers
            .iter()
            .zip(&outputs[outputs.len() - trip.buffers.len()..])
            .map(|(placeholder, output)| placeholder != output)
            .collect();
        Ok(Done {
            op: Op::Loop(Arc::new(Loop {
                body,
                carried: carried.len(),
                conditional: trip.goes_on.is_some(),
                states: self.states,
            })),
            captured: extract.captured,
            mark: mark.clone(),
            fresh,
            written,
            found,
            ways: trip.ways.clone(),
            unbound,
        })
    }

    /// Adds the node, and gives locals and arrays what it leaves.
    fn leave_loop(
        &mut self,
        frame: &mut Frame<H::Object>,
        head: &Head<H::Object>,
        before: HashMap<String, Value<H::Object>>,
        done: Done<H::Object>,
    ) -> Result<Way> {
        self.b.forget_symbols(&done.mark);
        let (trips, certain) = self.trips(head)?;
        if let (false, Some(exit)) = (certain, head.exit)
            && self.attempts.is_empty()
            && self.changes_kind(&before, &done)?
            && !self.goes_round(head, trips)?
        {
            frame.locals = before;
            frame.locals.remove(LEFT);
            return Ok(Way::To(exit));
        }
        let flow = self.flow(&frame.function);
        let mut operands = vec![trips];
        operands.extend(&done.captured);
        let mut count = 0;
        if done.found.conditional {
            let constant = crate::ops::Constant::Bool(true);
            operands.push(match head.kind {
                Kind::While(flag, _) => flag,
                _ => self.b.constant(constant, Aval::scalar(DType::Bool)),
            });
            count += 1;
        }
        for local in &done.found.locals {
            let mut leaves = Vec::new();
            if local.late {
                // Who leaves from within a trip had one.
                if !certain && head.exit.is_some_and(|exit| flow.reads(exit, &local.name)) {
                    return Err(Error::unlifted(
                        "a loop",
                        "a name is bound only by its trips",
                    ));
                }
                self.anything(&local.pattern, &mut leaves)?;
            } else if let Some(value) = before.get(&local.name) {
                self.leaves(value, &local.pattern, &mut leaves)?;
            }
            count += leaves.len();
            operands.extend(leaves);
        }
        for buffer in &done.found.buffers {
            operands.push(buffer.version.get().0);
            count += 1;
        }
        let node = self.b.add(done.op, &operands)?;
        let results = self.parts(node, count)?;
        let mut results = results
            .into_iter()
            .skip(usize::from(done.found.conditional));
        frame.locals = before;
        for name in done.unbound {
            frame.locals.insert(name, Value::Unbound);
        }
        for (local, fresh) in done.found.locals.iter().zip(&done.fresh) {
            let why = match *fresh && certain {
                true => None,
                false => Some("it may be an array that has another name"),
            };
            let value = self.filled_in(&local.pattern, &mut results, why)?;
            if let Value::Scalar(node, _) = &value {
                self.b.name(*node, local.name.as_str());
            } else if let Value::Array(array) = &value
                && let Some(node) = array.current()
            {
                self.b.name(node, local.name.as_str());
            }
            frame.locals.insert(local.name.clone(), value);
        }
        for ((buffer, node), written) in done.found.buffers.iter().zip(results).zip(&done.written) {
            if *written {
                if let Some(name) = self.b.graph().node(buffer.version.get().0).name.clone() {
                    self.b.name(node, name);
                }
                self.set_version(buffer, node)?;
            }
        }
        let way = self.way_out(frame.locals.remove(LEFT), &done.ways)?;
        if !self.attempts.is_empty() {
            frame.locals.insert(LEFT.into(), self.int(0));
        }
        Ok(way)
    }

    /// Whether a number is of another kind after a trip: without one it stays what it was.
    fn changes_kind(
        &mut self,
        before: &HashMap<String, Value<H::Object>>,
        done: &Done<H::Object>,
    ) -> Result<bool> {
        for local in done.found.locals.iter().filter(|local| !local.late) {
            if let Some(value) = before.get(&local.name)
                && let Pattern::Number(after, _) = &local.pattern
                && let Pattern::Number(aval, _) = self.pattern(value)?
                && aval.dtype.kind() != after.dtype.kind()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a loop runs once at least on this call, which is decided.
    fn goes_round(&mut self, head: &Head<H::Object>, trips: NodeId) -> Result<bool> {
        let flag = match head.kind {
            Kind::While(flag, _) => flag,
            Kind::Forever => return Ok(true),
            Kind::For(..) => {
                let zero = self.b.int(0);
                self.b.elementwise(Elementwise::Greater, &[trips, zero])?
            }
        };
        self.truth(&Value::Scalar(flag, Form::Python), "a loop")
    }

    /// Where to go on, by the code of how a loop was left.
    fn way_out(&mut self, code: Option<Value<H::Object>>, ways: &[(i64, BlockId)]) -> Result<Way> {
        let Some((&(_, first), others)) = ways.split_first() else {
            return Err(Error::internal("a loop without an end"));
        };
        let mut way = Way::To(first);
        for &(number, block) in others.iter().filter(|(_, block)| *block != first) {
            let Some(Value::Scalar(code, _)) = code else {
                return Err(Error::internal("a loop is left for an unknown place"));
            };
            let number = self.b.int(number);
            let flag = self.b.elementwise(Elementwise::Equal, &[code, number])?;
            way = Way::Either(flag, Box::new([Way::To(block), way]));
        }
        Ok(way)
    }

    /// The number of trips, and whether there is surely one.
    fn trips(&mut self, head: &Head<H::Object>) -> Result<(NodeId, bool)> {
        let trips = match &head.kind {
            Kind::While(..) | Kind::Forever => return Ok((self.b.int(i64::MAX), false)),
            Kind::For(_, items) => self.trips_of(items),
        };
        Ok(match trips {
            Trips::Known(n) => (self.b.int(n), n > 0),
            Trips::Size(dim) => {
                let certain = self.b.assume_at_most(&Dim::known(1), &dim);
                (self.b.size(dim), certain)
            }
            Trips::Between(start, stop, step) => {
                let by = self.as_dim(&step).and_then(|d| d.as_known());
                let node = match by {
                    Some(by) => self.range_trips(&start, &stop, &step, by > 0)?,
                    None => {
                        let up = self.range_trips(&start, &stop, &step, true)?;
                        let down = self.range_trips(&start, &stop, &step, false)?;
                        let step = self.node(&step)?;
                        let zero = self.b.int(0);
                        let rises = self.b.elementwise(Elementwise::Greater, &[step, zero])?;
                        self.b.elementwise(Elementwise::Where, &[rises, up, down])?
                    }
                };
                (node, false)
            }
        })
    }
}

impl<H: Host> Machine<'_, H> {
    /// `(stop - start + step - 1) // step`, or the same counted down.
    fn range_trips(
        &mut self,
        start: &Value<H::Object>,
        stop: &Value<H::Object>,
        step: &Value<H::Object>,
        up: bool,
    ) -> Result<NodeId> {
        let (low, high) = if up { (start, stop) } else { (stop, start) };
        let span = self.binary("sub", high, low)?;
        if let Some(1 | -1) = self.as_dim(step).and_then(|d| d.as_known()) {
            return self.node(&span);
        }
        let by = match up {
            true => step.clone(),
            false => self.unary(crate::ast::py::UnaryOp::USub, step)?,
        };
        let (one, more) = (self.int(1), self.binary("add", &span, &by)?);
        let more = self.binary("sub", &more, &one)?;
        let trips = self.binary("floordiv", &more, &by)?;
        self.node(&trips)
    }
}

/// A local that trips change.
struct Local<O> {
    name: String,
    pattern: Pattern<O>,
    /// Whether only a trip binds it.
    late: bool,
}

/// What a trip was found to carry.
struct Found<O> {
    locals: Vec<Local<O>>,
    buffers: Vec<Rc<Buffer>>,
    /// Whether a trip may be the last.
    conditional: bool,
}

/// A trip that was run: its placeholders, and whether it may leave the loop.
struct Trip {
    index: NodeId,
    locals: Vec<NodeId>,
    buffers: Vec<NodeId>,
    /// Where to go after the last trip, by the code of how it ended.
    ways: Vec<(i64, BlockId)>,
    goes_on: Option<NodeId>,
}

impl Trip {
    /// The blocks to go on at, each once.
    fn exits(&self) -> impl std::iter::Iterator<Item = BlockId> {
        let all = self.ways.iter().map(|(_, block)| *block);
        all.collect::<BTreeSet<_>>().into_iter()
    }
}

/// A loop ready to be added.
struct Done<O> {
    op: Op,
    captured: Vec<NodeId>,
    mark: Mark,
    found: Found<O>,
    /// Per local, whether its arrays are made by the trips.
    fresh: Vec<bool>,
    /// Per buffer, whether a trip writes to it.
    written: Vec<bool>,
    ways: Vec<(i64, BlockId)>,
    /// Names that trips leave different and that are not read afterwards.
    unbound: Vec<String>,
}

fn has_branches(function: &crate::ast::Function, region: &Region) -> bool {
    let mut blocks = region.blocks.iter().map(|&at| &function.blocks[at]);
    blocks.any(|block| matches!(block.end.node, Terminator::Branch { .. }))
}

fn range_length(start: i64, stop: i64, step: i64) -> i64 {
    let (span, by) = match step > 0 {
        true => (stop.saturating_sub(start), step),
        false => (start.saturating_sub(stop), step.saturating_neg()),
    };
    if span <= 0 { 0 } else { (span - 1) / by + 1 }
}

/// The arrays in a value.
fn arrays_in<O>(value: &Value<O>) -> Vec<&ArrayRef> {
    match value {
        Value::Array(array) => vec![array],
        Value::Tuple(items, _) => items.iter().flat_map(arrays_in).collect(),
        _ => vec![],
    }
}

/// The iterators among the locals.
fn iterators_in<O>(locals: &HashMap<String, Value<O>>) -> Vec<Rc<std::cell::RefCell<Iterator<O>>>> {
    let iterators = locals.values().filter_map(|value| match value {
        Value::Iterator(it) => Some(it.clone()),
        _ => None,
    });
    iterators.collect()
}
