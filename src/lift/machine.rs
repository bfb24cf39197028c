//! The abstract machine: runs blocks with known objects concrete and arrays symbolic.
//!
//! In: a function's blocks and the values of its parameters. Out: the value it returns, the nodes it
//! left in the builder, and the guards on everything known that it used.
//! The method is partial evaluation (Jones, Gomard, Sestoft 1993), with one path through the code.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::branches::{Arrival, Attempt, Way};
use super::carry::Pattern;
use super::decide::Observed;
use super::generators::yielding;
use super::guard::{Guards, Slot};
use super::host::{FunctionParts, Host};
use super::numpy::Form;
use super::value::{ArrayRef, Buffer, Cell, Closure, Frame, Instance, Iterator, Value};
use super::{CallSite, DrawSite, Effect, Input, OutputList, SharedView, Twins};
use crate::ast::flow::Region;
use crate::ast::{self, Located, Span, Terminator, py};
use crate::error::{Error, ErrorKind, Exception, Place, Result};
use crate::graph::{Builder, NodeId, Origin};
use crate::ops::control::States;

/// Statements executed before giving up: lifting must end.
const MAX_STEPS: usize = 400_000;
/// The same in time, for steps that are not cheap.
const MAX_TIME: Duration = Duration::from_secs(30);
/// The flag of a generator's code.
const GENERATOR: u32 = 0x20;
/// Python's own default is 1000; a lift that deep is refused first.
const MAX_DEPTH: usize = 100;

pub(super) struct Machine<'h, H: Host> {
    pub host: &'h H,
    pub b: Builder,
    pub guards: Guards<H::Object>,
    pub twins: Twins,
    /// Slots by parent and name, so that each object is fetched once.
    pub slots: HashMap<(Slot, String), Slot>,
    /// How Python spells each slot, for messages and for emitted code.
    pub spellings: Vec<String>,
    /// Slots whose object is already guarded by value or identity.
    pub pinned: HashSet<Slot>,
    /// The objects of the inputs, to find an array passed twice.
    pub input_objects: Vec<H::Object>,
    /// Values by slot: an object seen twice is one value.
    pub seen: HashMap<Slot, Value<H::Object>>,
    pub inputs: Vec<Input>,
    /// Nodes of the inputs, and of the values Python numbers had.
    pub input_nodes: Vec<NodeId>,
    pub observed: Observed,
    /// Buffers of arguments, which may be written.
    pub buffers: Vec<ArrayRef>,
    pub effects: Vec<Effect<H::Object>>,
    pub draws: Vec<DrawSite<H::Object>>,
    pub calls: Vec<CallSite<H::Object>>,
    pub views: Vec<SharedView>,
    pub entered: Vec<String>,
    /// Exceptions raised so far, for [`Exception::Made`].
    pub exceptions: Vec<Value<H::Object>>,
    /// Generators that were left inside `try`.
    pub open: Vec<Rc<RefCell<Iterator<H::Object>>>>,
    /// What the generator that just ended returned.
    pub returned: Option<Value<H::Object>>,
    /// Changes of objects outside, to be repeated after the run.
    pub changes: super::changes::Changes<H::Object>,
    /// Instances on their way out, to find one inside itself.
    pub leaving: Vec<usize>,
    /// Instances that left, which keeps their addresses theirs.
    pub left: Vec<Rc<Instance<H::Object>>>,
    /// The functions being run: file, globals, and the line each is at.
    pub stack: Vec<(Arc<str>, H::Object, u32)>,
    /// What is being returned or printed, in nodes; leaves become outputs at the end.
    pub outputs: OutputList,
    /// The loops and branches being lifted, outermost first.
    pub attempts: Vec<Attempt<H::Object>>,
    /// Per loop, how often it could not be made a node, and what was found to go from trip to trip.
    pub failures: HashMap<LoopKey, u8>,
    pub carried: HashMap<LoopKey, Memo<H::Object>>,
    /// What each `np.errstate` that is entered looks for.
    pub watches: Vec<Option<super::floating::Watch>>,
    /// How often a `while` was met whose test was known.
    pub visits: HashMap<LoopKey, usize>,
    /// How deep in branches on values, and how many were met in the outermost loop being lifted.
    pub branching: usize,
    pub branches: usize,
    /// Functions whose derivative rule is being run.
    pub rules: Vec<Value<H::Object>>,
    /// Nodes that raise for some values, whether or not their result is read.
    pub raising: Vec<NodeId>,
    /// How many calls of transformed functions the machine is in.
    pub transformed: usize,
    /// What the ways back through loops keep.
    pub states: States,
    /// Whether something that cannot be taken back happened in a loop that was given up.
    pub corrupted: bool,
    flows: HashMap<usize, (Arc<ast::Function>, Rc<ast::flow::Flow>)>,
    steps: usize,
    started: Instant,
    depth: usize,
}

/// A loop: its function and its head.
pub(super) type LoopKey = (usize, ast::BlockId);
/// What a loop was found to carry: locals and arrays.
pub(super) type Memo<O> = (Vec<(String, Pattern<O>)>, Vec<Rc<Buffer>>);

/// How running a frame ended.
pub(super) enum Ended<O> {
    Returned(Value<O>),
    Yielded(Value<O>),
}

impl<'h, H: Host> Machine<'h, H> {
    pub fn new(host: &'h H, name: &str, twins: Twins) -> Machine<'h, H> {
        Machine {
            host,
            b: Builder::new(name),
            guards: Guards::default(),
            twins,
            slots: HashMap::new(),
            spellings: Vec::new(),
            pinned: HashSet::new(),
            input_objects: Vec::new(),
            seen: HashMap::new(),
            inputs: Vec::new(),
            input_nodes: Vec::new(),
            observed: Observed::default(),
            buffers: Vec::new(),
            effects: Vec::new(),
            draws: Vec::new(),
            calls: Vec::new(),
            views: Vec::new(),
            entered: Vec::new(),
            exceptions: Vec::new(),
            open: Vec::new(),
            returned: None,
            changes: super::changes::Changes::default(),
            leaving: Vec::new(),
            left: Vec::new(),
            stack: Vec::new(),
            outputs: OutputList::default(),
            attempts: Vec::new(),
            raising: Vec::new(),
            failures: HashMap::new(),
            carried: HashMap::new(),
            watches: Vec::new(),
            visits: HashMap::new(),
            branching: 0,
            branches: 0,
            rules: Vec::new(),
            states: States::All,
            transformed: 0,
            corrupted: false,
            flows: HashMap::new(),
            steps: 0,
            started: Instant::now(),
            depth: 0,
        }
    }

    /// Runs the lifted function itself, whose parameters are bound already.
    pub fn enter_with_locals(
        &mut self,
        function: &H::Object,
        parts: &FunctionParts<H::Object>,
        names: &[String],
        values: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        let closure = self.closure_of(function, None, parts)?;
        let locals = names.iter().cloned().zip(values.iter().cloned()).collect();
        self.run(&closure, locals)
    }

    /// Runs a function whose parameters are bound to `locals`.
    pub fn run(
        &mut self,
        closure: &Closure<H::Object>,
        mut locals: HashMap<String, Value<H::Object>>,
    ) -> Result<Value<H::Object>> {
        let function = closure.function.clone();
        let code = &function.code;
        const ASYNC: u32 = 0x80 | 0x100 | 0x200;
        if code.flags & ASYNC != 0 {
            return Err(Error::new(ErrorKind::Unread {
                construct: "async".into(),
            }));
        }
        let mut cells: HashMap<String, Cell<H::Object>> = code
            .freevars
            .iter()
            .cloned()
            .zip(closure.cells.iter().cloned())
            .collect();
        for name in &code.cellvars {
            let value = locals.remove(name).unwrap_or(Value::Unbound);
            cells.insert(name.clone(), Rc::new(RefCell::new(value)));
        }
        let is_generator = code.flags & GENERATOR != 0;
        let mut frame = Frame {
            own: Self::is_own(&function.code),
            function,
            locals,
            cells,
            globals: closure.globals.clone(),
            caught: None,
            at: (0, 0),
            suspended: false,
            delegate: None,
            sent: None,
        };
        if is_generator {
            let generator = Iterator::Generator(Box::new(frame));
            return Ok(Value::Iterator(Rc::new(generator.into())));
        }
        match self.resume(&mut frame, None)? {
            Ended::Returned(value) => Ok(value),
            Ended::Yielded(_) => Err(Error::internal("a yield outside a generator")),
        }
    }

    /// Runs a frame from where it stands. `given` is what a `yield` gets: a value sent, or an exception.
    pub fn resume(
        &mut self,
        frame: &mut Frame<H::Object>,
        given: Option<Result<Value<H::Object>>>,
    ) -> Result<Ended<H::Object>> {
        let code = &frame.function.code;
        if self.depth >= MAX_DEPTH {
            return Err(Error::new(ErrorKind::TooLong {
                what: format!("{} recurses more than {MAX_DEPTH} deep", code.qualname),
            }));
        }
        let file = code.filename.as_str().into();
        self.stack.push((file, frame.globals.clone(), 0));
        self.depth += 1;
        let result = self.blocks(frame, given);
        self.depth -= 1;
        self.stack.pop();
        result
    }

    fn blocks(
        &mut self,
        frame: &mut Frame<H::Object>,
        mut given: Option<Result<Value<H::Object>>>,
    ) -> Result<Ended<H::Object>> {
        let function = frame.function.clone();
        let is_generator = function.code.flags & GENERATOR != 0;
        if !self.attempts.is_empty() && !is_generator {
            return self.whole_function(frame).map(Ended::Returned);
        }
        loop {
            if given.is_none()
                && frame.at.1 == 0
                && !is_generator
                && let Some(way) = self.enter_loop(frame, frame.at.0)?
            {
                frame.at = (self.way_taken(way)?, 0);
                continue;
            }
            let block = function
                .blocks
                .get(frame.at.0)
                .ok_or_else(|| Error::internal("a jump to a block that does not exist"))?;
            let flow = match given.take() {
                Some(given) => self.finish_yield(frame, block, given),
                None => Ok(()),
            };
            match flow.and_then(|()| self.block(frame, block)) {
                Ok(Flow::Goto(way)) => frame.at = (self.way_taken(way)?, 0),
                Ok(Flow::Return(value)) => return Ok(Ended::Returned(value)),
                Ok(Flow::Yield(value)) => return Ok(Ended::Yielded(value)),
                Err(error) => match (&error.kind, block.handler) {
                    // No guard could tell the calls that raise from those that do not.
                    (ErrorKind::Raises { .. }, Some(_)) if self.observed.raised => {
                        let what = "catching an exception that values decide";
                        return Err(Error::unlifted(what, "another call may not raise it"));
                    }
                    (ErrorKind::Raises { exception, message }, Some(handler)) => {
                        frame.caught = Some(self.exception_of(exception, message)?);
                        frame.at = (handler, 0);
                    }
                    _ => return Err(error),
                },
            }
        }
    }

    /// Runs a function within a loop that is being lifted, whose branches may be on values.
    fn whole_function(&mut self, frame: &mut Frame<H::Object>) -> Result<Value<H::Object>> {
        let whole = Region {
            head: usize::MAX,
            blocks: (0..frame.function.blocks.len()).collect(),
        };
        match self.run_blocks(frame, 0, &whole, None)? {
            Arrival::Return(value) => Ok(value),
            Arrival::Met | Arrival::TripEnd => {
                Err(Error::internal("a jump to a block that does not exist"))
            }
        }
    }

    /// The block of a way that is taken on this call; what it depends on is decided.
    fn way_taken(&mut self, mut way: Way) -> Result<ast::BlockId> {
        loop {
            match way {
                Way::To(block) => return Ok(block),
                Way::Either(flag, sides) => {
                    let [then, otherwise] = *sides;
                    way = match self.truth(&Value::Scalar(flag, Form::Python), "a loop")? {
                        true => then,
                        false => otherwise,
                    };
                }
            }
        }
    }

    /// Runs a block.
    pub fn plain_block(
        &mut self,
        frame: &mut Frame<H::Object>,
        at: ast::BlockId,
    ) -> Result<Flow<H::Object>> {
        let function = frame.function.clone();
        let block = function
            .blocks
            .get(at)
            .ok_or_else(|| Error::internal("a jump to a block that does not exist"))?;
        frame.at = (at, 0);
        let flow = self.block(frame, block);
        match flow {
            Ok(flow) => Ok(flow),
            Err(error) => match (&error.kind, block.handler) {
                (ErrorKind::Raises { exception, message }, Some(handler)) => {
                    frame.caught = Some(self.exception_of(exception, message)?);
                    Ok(Flow::Goto(Way::To(handler)))
                }
                _ => Err(error),
            },
        }
    }

    /// What the blocks of a function say of its loops.
    pub fn flow(&mut self, function: &Arc<ast::Function>) -> Rc<ast::flow::Flow> {
        let key = Arc::as_ptr(function) as usize;
        let (_, flow) = self.flows.entry(key).or_insert_with(|| {
            let flow = Rc::new(ast::flow::Flow::new(function));
            (function.clone(), flow)
        });
        flow.clone()
    }

    pub fn depth(&self) -> usize {
        self.depth
    }

    fn block(
        &mut self,
        frame: &mut Frame<H::Object>,
        block: &ast::Block,
    ) -> Result<Flow<H::Object>> {
        if let Some(value) = self.statements(frame, block)? {
            return Ok(Flow::Yield(value));
        }
        self.step(frame, &block.end.span)?;
        self.terminator(frame, &block.end)
            .map_err(|e| self.locate(frame, e, &block.end.span))
    }

    /// The statements of a block from the frame's on, without its end; what is yielded, if anything is.
    pub fn statements(
        &mut self,
        frame: &mut Frame<H::Object>,
        block: &ast::Block,
    ) -> Result<Option<Value<H::Object>>> {
        for (at, statement) in block.statements.iter().enumerate().skip(frame.at.1) {
            self.step(frame, &statement.span)?;
            frame.at.1 = at;
            let yielded = match yielding(&statement.node) {
                Some(yielding) => self.suspend(frame, &yielding),
                None => self.statement(frame, &statement.node).map(|()| None),
            };
            if let Some(value) = yielded.map_err(|e| self.locate(frame, e, &statement.span))? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// Whether the code is lazy's own, which messages do not point into.
    pub fn is_own(code: &ast::Code) -> bool {
        const OWN: [&str; 9] = [
            "_custom.py",
            "_equivalents.py",
            "_scipy_equivalents.py",
            "_scipy_interpolate.py",
            "_scipy_spatial.py",
            "_scipy_stats.py",
            "_sklearn_equivalents.py",
            "_special_rules.py",
            "_standins.py",
        ];
        let path = std::path::Path::new(&code.filename);
        let folder = path.parent().and_then(|folder| folder.file_name());
        folder.is_some_and(|folder| folder == "lazy")
            && OWN
                .iter()
                .any(|own| path.file_name().is_some_and(|name| name == *own))
    }

    fn step(&mut self, frame: &Frame<H::Object>, span: &Span) -> Result<()> {
        self.steps += 1;
        if self.steps.is_multiple_of(256) && self.started.elapsed() > MAX_TIME {
            let what = format!("lifting took more than {} seconds", MAX_TIME.as_secs());
            return Err(self.locate(frame, Error::new(ErrorKind::TooLong { what }), span));
        }
        if self.steps > MAX_STEPS {
            let what = format!("{MAX_STEPS} statements were executed while lifting");
            return Err(self.locate(frame, Error::new(ErrorKind::TooLong { what }), span));
        }
        let file = frame.function.code.filename.as_str().into();
        if let Some(top) = self.stack.last_mut() {
            top.2 = span.line;
        }
        if !frame.own {
            self.b.set_origin(Some(Origin {
                file,
                span: span.clone(),
            }));
        }
        Ok(())
    }

    fn locate(&self, frame: &Frame<H::Object>, error: Box<Error>, span: &Span) -> Box<Error> {
        if error.place.is_some() || frame.own {
            return error;
        }
        let file = &frame.function.code.filename;
        let text = self.host.line(file, span.line).map(|t| t.as_str().into());
        error.at(Place {
            file: file.as_str().into(),
            span: span.clone(),
            text,
        })
    }

    fn terminator(
        &mut self,
        frame: &mut Frame<H::Object>,
        end: &Located<Terminator>,
    ) -> Result<Flow<H::Object>> {
        Ok(match &end.node {
            Terminator::Goto(next) => Flow::Goto(Way::To(*next)),
            Terminator::Branch {
                test,
                then,
                otherwise,
            } => {
                let value = self.expression(frame, test)?;
                match self.truth(&value, "if") {
                    Ok(true) => Flow::Goto(Way::To(*then)),
                    Ok(false) => Flow::Goto(Way::To(*otherwise)),
                    Err(error) if self.attempts.is_empty() => return Err(error),
                    Err(_) => {
                        let sides = Box::new([Way::To(*then), Way::To(*otherwise)]);
                        Flow::Goto(Way::Either(self.flag_of(&value)?, sides))
                    }
                }
            }
            Terminator::Next {
                iterator,
                target,
                body,
                exit,
            } => {
                let Some(Value::Iterator(it)) = frame.locals.get(iterator).cloned() else {
                    return Err(Error::internal(format!("{iterator} is not an iterator")));
                };
                match self.advance(&it)? {
                    Some(item) => {
                        self.store(frame, target, item)?;
                        Flow::Goto(Way::To(*body))
                    }
                    None => Flow::Goto(Way::To(*exit)),
                }
            }
            Terminator::Return(value) => Flow::Return(self.expression(frame, value)?),
            Terminator::Raise { exception, cause } => {
                return Err(self.raise(frame, exception.as_ref(), cause.as_ref())?);
            }
            Terminator::Unread(construct) => {
                return Err(Error::new(ErrorKind::Unread {
                    construct: construct.clone(),
                }));
            }
        })
    }

    fn statement(&mut self, frame: &mut Frame<H::Object>, statement: &py::Stmt) -> Result<()> {
        match statement {
            py::Stmt::Assign(assign) => {
                let value = self.expression(frame, &assign.value)?;
                let [target] = assign.targets.as_slice() else {
                    return Err(Error::internal("an assignment with several targets"));
                };
                self.assign(frame, target, value)
            }
            py::Stmt::Expr(e) => self.expression(frame, &e.value).map(drop),
            py::Stmt::Delete(delete) => {
                for target in &delete.targets {
                    match target {
                        py::Expr::Name(name) => self.store(frame, &name.id, Value::Unbound)?,
                        py::Expr::Subscript(s) => {
                            let container = self.expression(frame, &s.value)?;
                            let key = self.expression(frame, &s.slice)?;
                            self.delete_item(&container, &key)?;
                        }
                        py::Expr::Attribute(a) => {
                            let object = self.expression(frame, &a.value)?;
                            self.delete_attribute(&object, &a.attr)?;
                        }
                        _ => return Err(Error::internal("del of something not in the block form")),
                    }
                }
                Ok(())
            }
            _ => Err(Error::internal("a statement that is not in the block form")),
        }
    }

    pub fn assign(
        &mut self,
        frame: &mut Frame<H::Object>,
        target: &py::Expr,
        value: Value<H::Object>,
    ) -> Result<()> {
        match target {
            py::Expr::Name(name) => {
                self.name_value(&name.id, &value);
                self.store(frame, &name.id, value)
            }
            py::Expr::Subscript(s) => {
                let container = self.expression(frame, &s.value)?;
                let key = self.expression(frame, &s.slice)?;
                self.set_item(&container, &key, &value)
            }
            py::Expr::Attribute(a) => {
                let object = self.expression(frame, &a.value)?;
                self.set_attribute(&object, &a.attr, value)
            }
            _ => Err(Error::internal(
                "an assignment target that is not in the block form",
            )),
        }
    }

    /// The user's name becomes the node's, unless it is a temporary.
    fn name_value(&mut self, name: &str, value: &Value<H::Object>) {
        if name.starts_with(['$', '.']) {
            return;
        }
        let node = match value {
            Value::Array(array) => array.current(),
            Value::Scalar(node, _) => Some(*node),
            _ => None,
        };
        if let Some(node) = node {
            let fixed = matches!(
                self.b.op(node),
                crate::ops::Op::Input | crate::ops::Op::Constant(_) | crate::ops::Op::Size(_)
            );
            if !fixed {
                self.b.name(node, name);
            }
        }
    }

    pub fn store(
        &mut self,
        frame: &mut Frame<H::Object>,
        name: &str,
        value: Value<H::Object>,
    ) -> Result<()> {
        if let Some(cell) = frame.cells.get(name) {
            let is_outer = frame.function.code.freevars.iter().any(|v| v == name);
            if self
                .attempts
                .last()
                .is_some_and(|a| is_outer || a.depth == self.depth)
            {
                return Err(side_effect(&format!("assignment to {name} in a loop")));
            }
            *cell.borrow_mut() = value;
            self.changes.cell(cell);
            return Ok(());
        }
        let is_local = name.starts_with(['$', '.'])
            || frame.locals.contains_key(name)
            || frame.function.code.varnames.iter().any(|v| v == name);
        if !is_local {
            let globals = frame.globals.clone();
            return self.set_global(&globals, name, value);
        }
        frame.locals.insert(name.to_string(), value);
        Ok(())
    }

    pub fn load(&mut self, frame: &mut Frame<H::Object>, name: &str) -> Result<Value<H::Object>> {
        let unbound = || {
            Error::raises(
                Exception::Named("UnboundLocalError".into()),
                format!(
                    "cannot access local variable '{name}' where it is not associated with a value"
                ),
            )
        };
        if let Some(value) = frame.locals.get(name) {
            return if matches!(value, Value::Unbound) {
                Err(unbound())
            } else {
                Ok(value.clone())
            };
        }
        if let Some(cell) = frame.cells.get(name) {
            let value = cell.borrow().clone();
            return if matches!(value, Value::Unbound) {
                Err(unbound())
            } else {
                Ok(value)
            };
        }
        if frame.function.code.varnames.iter().any(|v| v == name) {
            return Err(unbound());
        }
        self.global(&frame.globals.clone(), name)
    }

    pub fn expression(
        &mut self,
        frame: &mut Frame<H::Object>,
        expression: &py::Expr,
    ) -> Result<Value<H::Object>> {
        use py::Expr;
        match expression {
            Expr::Name(name) => self.load(frame, &name.id),
            Expr::Constant(c) => Ok(self.constant(&c.value)),
            Expr::BinOp(e) => {
                let left = self.expression(frame, &e.left)?;
                let right = self.expression(frame, &e.right)?;
                self.binary(binary_name(e.op), &left, &right)
            }
            Expr::UnaryOp(e) => {
                let operand = self.expression(frame, &e.operand)?;
                self.unary(e.op, &operand)
            }
            Expr::Compare(e) => {
                let ([op], [right]) = (e.ops.as_slice(), e.comparators.as_slice()) else {
                    return Err(Error::internal("a chained comparison in the block form"));
                };
                let left = self.expression(frame, &e.left)?;
                let right = self.expression(frame, right)?;
                self.compare(*op, &left, &right)
            }
            Expr::Call(call) => self.call_expression(frame, call),
            Expr::Attribute(e) => {
                let object = self.expression(frame, &e.value)?;
                self.attribute(&object, &e.attr)
            }
            Expr::Subscript(e) => {
                let container = self.expression(frame, &e.value)?;
                let key = self.expression(frame, &e.slice)?;
                self.get_item(&container, &key)
            }
            Expr::Tuple(e) => Ok(Value::Tuple(
                Rc::new(self.expressions(frame, &e.elts)?),
                None,
            )),
            Expr::List(e) => Ok({
                let items = self.expressions(frame, &e.elts)?;
                self.list(items)
            }),
            Expr::Set(e) => {
                let items = self.expressions(frame, &e.elts)?;
                self.make_set(&items)
            }
            Expr::Dict(e) => {
                let mut entries = Vec::new();
                for (key, value) in e.keys.iter().zip(&e.values) {
                    let value = self.expression(frame, value)?;
                    match key {
                        Some(key) => {
                            let key = self.expression(frame, key)?;
                            entries.push((self.key(&key)?, value));
                        }
                        None => entries.extend(self.entries_of(&value)?),
                    }
                }
                Ok(self.dict(entries))
            }
            Expr::Slice(e) => {
                let mut part = |e: &Option<Box<Expr>>| match e {
                    Some(e) => self.expression(frame, e),
                    None => Ok(self.none()),
                };
                Ok(Value::Slice(Rc::new([
                    part(&e.lower)?,
                    part(&e.upper)?,
                    part(&e.step)?,
                ])))
            }
            _ => Err(Error::new(ErrorKind::Unread {
                construct: "this expression".into(),
            })),
        }
    }

    /// Elements of a display, starred ones spread.
    pub fn expressions(
        &mut self,
        frame: &mut Frame<H::Object>,
        elements: &[py::Expr],
    ) -> Result<Vec<Value<H::Object>>> {
        let mut out = Vec::new();
        for element in elements {
            match element {
                py::Expr::Starred(starred) => {
                    let value = self.expression(frame, &starred.value)?;
                    out.extend(self.items_of(&value)?);
                }
                other => out.push(self.expression(frame, other)?),
            }
        }
        Ok(out)
    }
}

/// Where control goes after a block.
pub(super) enum Flow<O> {
    Goto(Way),
    Return(Value<O>),
    Yield(Value<O>),
}

pub(super) fn side_effect(what: &str) -> Box<Error> {
    Error::new(ErrorKind::SideEffect {
        what: what.to_string(),
    })
}

/// The name in module `operator`.
pub(super) fn binary_name(op: py::Operator) -> &'static str {
    match op {
        py::Operator::Add => "add",
        py::Operator::Sub => "sub",
        py::Operator::Mult => "mul",
        py::Operator::MatMult => "matmul",
        py::Operator::Div => "truediv",
        py::Operator::Mod => "mod",
        py::Operator::Pow => "pow",
        py::Operator::LShift => "lshift",
        py::Operator::RShift => "rshift",
        py::Operator::BitOr => "or_",
        py::Operator::BitXor => "xor",
        py::Operator::BitAnd => "and_",
        py::Operator::FloorDiv => "floordiv",
    }
}
