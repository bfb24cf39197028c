//! From a graph to a program: scopes, scalars' places, and which memory a write may go to.
//!
//! In: the body of a loop or a side of a branch, and what is known of sizes. Out: instructions.
//! A graph is compiled node by node into the code of the one program; nested graphs become scopes of
//! their own, with the same registers.
//!
//! ```text
//! %5 = scatter_set(%1, %4, %0)    writes into the memory of %1 if that is the loop's own, and nothing
//!                                 reads %1, or a view of it, after %5; into a copy otherwise
//! ```

use std::collections::{HashMap, HashSet};

use super::code::{ArrayId, ArrayOp, BufferId, Code, Number, Offset, Reg, Unary, word};
use super::{ArrayInfo, Location, Program, fusion};
use crate::error::{Error, Result};
use crate::eval::kernels;
use crate::eval::lower::value_of;
use crate::eval::plan::Symbols;
use crate::eval::schedule::{is_search, sized_by};
use crate::eval::value::Value;
use crate::graph::{Assumption, DType, Dim, Graph, NodeId};
use crate::ops::{Constant, Elementwise, Op};

/// Most axes of an array in a program.
pub const RANK: usize = 6;

/// Compiles a graph whose inputs are given from outside and only read. `symbols` are the sizes of its
/// own symbols.
///
/// # Errors
/// `Unlifted` if the graph has an operation that programs do not have.
pub fn compile(graph: &Graph, symbols: &Symbols) -> Result<Program> {
    let mut compiler = Compiler::default();
    let mut inputs = Vec::with_capacity(graph.inputs().len());
    for &id in graph.inputs() {
        let aval = graph.aval(id);
        inputs.push(compiler.fresh(aval.dtype, aval.rank())?);
    }
    let sizes = symbols.iter().map(|s| s.map(Number::Known)).collect();
    let scope = Scope::new(graph, &inputs, sizes, 0);
    let outputs = compiler.graph(scope)?;
    let mut program = compiler.program;
    program.homes = outputs
        .iter()
        .map(|location| match location {
            Location::Register(_) => None,
            Location::Array(array) => compiler.buffer_of[*array as usize],
        })
        .collect();
    program.inputs = inputs;
    program.outputs = outputs;
    program.buffers = compiler.owner.len();
    Ok(program)
}

/// What a graph being compiled has.
pub(super) struct Scope<'g> {
    pub graph: &'g Graph,
    pub at: Vec<Option<Location>>,
    /// Sizes of the graph's symbols; none where the defining node is not reached yet.
    pub sizes: Vec<Option<Number>>,
    /// How deep in loops and branches: memory belongs to the scope of its depth.
    pub depth: usize,
    /// Per node, the node that computes it too; and per such node those that it computes.
    pub roots: Vec<Option<NodeId>>,
    joined: HashMap<NodeId, Vec<NodeId>>,
    needed: Vec<bool>,
    /// Per node, the last node that reads it; `usize::MAX` for outputs.
    last: Vec<usize>,
    /// As `last`, through views.
    alive: Vec<usize>,
}

impl<'g> Scope<'g> {
    pub fn new(
        graph: &'g Graph,
        inputs: &[Location],
        sizes: Vec<Option<Number>>,
        depth: usize,
    ) -> Scope<'g> {
        let mut at = vec![None; graph.len()];
        for (&id, &location) in graph.inputs().iter().zip(inputs) {
            at[id.index()] = Some(location);
        }
        let mut needed = vec![false; graph.len()];
        let mut last = vec![0; graph.len()];
        for &id in graph.outputs() {
            needed[id.index()] = true;
            last[id.index()] = usize::MAX;
        }
        let mut alive = last.clone();
        let roots = fusion::roots(graph);
        for id in graph.nodes().rev() {
            if !needed[id.index()] {
                continue;
            }
            // What is computed by its root reads its operands there.
            let reader = roots[id.index()].unwrap_or(id).index();
            let until = match is_alias(graph, id) {
                true => alive[id.index()].max(reader),
                false => reader,
            };
            for teller in sized_by(graph, id) {
                needed[teller.index()] = true;
            }
            for operand in graph.operands(id) {
                let o = operand.index();
                needed[o] = true;
                last[o] = last[o].max(reader);
                alive[o] = alive[o].max(until);
            }
        }
        let mut joined: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
        for id in graph.nodes().filter(|id| needed[id.index()]) {
            if let Some(root) = roots[id.index()] {
                joined.entry(root).or_default().push(id);
            }
        }
        Scope {
            graph,
            at,
            sizes,
            depth,
            roots,
            joined,
            needed,
            last,
            alive,
        }
    }

    pub fn location(&self, id: NodeId) -> Result<Location> {
        self.at[id.index()].ok_or_else(|| Error::internal("a value is not computed yet"))
    }

    pub fn array(&self, id: NodeId) -> Result<ArrayId> {
        match self.location(id)? {
            Location::Array(array) => Ok(array),
            Location::Register(_) => Err(Error::internal("a number where an array is expected")),
        }
    }

    pub fn register(&self, id: NodeId) -> Result<Reg> {
        match self.location(id)? {
            Location::Register(register) => Ok(register),
            Location::Array(_) => Err(Error::internal("an array where a number is expected")),
        }
    }

    /// The nodes that are computed with a root, in order.
    pub fn joined_to(&self, root: NodeId) -> &[NodeId] {
        self.joined.get(&root).map_or(&[], Vec::as_slice)
    }

    /// Whether a view of `base` must be a copy, because `base` is written to before `view` is last read.
    pub fn outlives(&self, base: NodeId, view: NodeId) -> bool {
        let until = self.alive[view.index()];
        self.graph
            .users(base)
            .any(|user| user > view && user.index() < until && self.writes(user, base))
    }

    /// Whether `user` alone reads the register, which is that of one of its operands.
    pub fn single_use(&self, user: NodeId, register: Reg) -> bool {
        let operands = self.graph.operands(user);
        let mut of = operands
            .iter()
            .filter(|o| self.at[o.index()] == Some(Location::Register(register)));
        of.next().is_some_and(|&o| {
            self.last[o.index()] != usize::MAX && self.graph.users(o).count() == 1
        }) && of.next().is_none()
    }

    fn writes(&self, user: NodeId, base: NodeId) -> bool {
        match self.graph.op(user) {
            Op::Scatter { .. } | Op::SliceWrite { .. } => self.graph.operands(user)[0] == base,
            op => matches!(op, Op::Loop(_) | Op::Cond(_)),
        }
    }
}

/// Whether the node may be a view of its first operand here.
fn is_alias(graph: &Graph, id: NodeId) -> bool {
    match graph.op(id) {
        Op::Reshape(_) | Op::Transpose(_) | Op::BroadcastTo(_) | Op::Slice(_) => true,
        Op::Gather { .. } => graph.aval(id).rank() > 0,
        _ => false,
    }
}

#[derive(Default)]
pub(super) struct Compiler {
    pub program: Program,
    /// Per array, the memory that it is in; none if that is not the program's.
    pub buffer_of: Vec<Option<BufferId>>,
    /// Per buffer, the depth of the scope that may write to it.
    pub owner: Vec<usize>,
    /// Arrays that are all of their memory, in C order.
    pub whole: HashSet<ArrayId>,
    known: HashMap<([u64; 2], DType), Reg>,
    /// What known registers hold.
    content: HashMap<Reg, [u64; 2]>,
}

/// What programs do not do: the loop runs by its graph then.
pub(super) fn outside(what: &str) -> Box<Error> {
    Error::unlifted(what, "programs of registers do not have it")
}

impl Compiler {
    pub fn emit(&mut self, code: Code) {
        self.program.code.push(code);
    }

    pub fn array_op(&mut self, op: ArrayOp) {
        let at = self.program.ops.len() as u32;
        self.program.ops.push(op);
        self.emit(Code::Array(at));
    }

    pub fn here(&self) -> usize {
        self.program.code.len()
    }

    /// Lets the jump at `at` go to the next instruction.
    pub fn land(&mut self, at: usize) {
        let offset = (self.here() - at) as Offset;
        match &mut self.program.code[at] {
            Code::Jump(to) | Code::Unless(_, to) | Code::Enter { exit: to, .. } => *to = offset,
            _ => {}
        }
    }

    pub fn fresh_register(&mut self) -> Result<Reg> {
        let register = Reg::try_from(self.program.registers).map_err(|_| outside("so much"))?;
        self.program.registers += 1;
        Ok(register)
    }

    /// A descriptor for memory that is not the program's.
    pub fn fresh_array(&mut self, dtype: DType, rank: usize) -> Result<ArrayId> {
        if rank > RANK {
            return Err(outside("an array of so many axes"));
        }
        let array = ArrayId::try_from(self.program.arrays.len()).map_err(|_| outside("so much"))?;
        self.program.arrays.push(ArrayInfo { dtype, rank });
        self.buffer_of.push(None);
        Ok(array)
    }

    pub fn fresh(&mut self, dtype: DType, rank: usize) -> Result<Location> {
        Ok(match rank {
            0 => Location::Register(self.fresh_register()?),
            _ => Location::Array(self.fresh_array(dtype, rank)?),
        })
    }

    /// A descriptor for fresh memory of the scope.
    pub fn owned(
        &mut self,
        dtype: DType,
        rank: usize,
        depth: usize,
    ) -> Result<(ArrayId, BufferId)> {
        let array = self.fresh_array(dtype, rank)?;
        let buffer = self.fresh_buffer(depth)?;
        self.buffer_of[array as usize] = Some(buffer);
        self.whole.insert(array);
        Ok((array, buffer))
    }

    pub fn fresh_buffer(&mut self, depth: usize) -> Result<BufferId> {
        let buffer = BufferId::try_from(self.owner.len()).map_err(|_| outside("so much"))?;
        self.owner.push(depth);
        Ok(buffer)
    }

    /// A descriptor for a view of an array's memory.
    pub fn view_of(&mut self, array: ArrayId, rank: usize) -> Result<ArrayId> {
        let dtype = self.dtype(array);
        let view = self.fresh_array(dtype, rank)?;
        self.buffer_of[view as usize] = self.buffer_of[array as usize];
        Ok(view)
    }

    pub fn is_whole(&self, array: ArrayId) -> bool {
        self.whole.contains(&array)
    }

    pub fn dtype(&self, array: ArrayId) -> DType {
        self.program.arrays[array as usize].dtype
    }

    pub fn rank(&self, array: ArrayId) -> usize {
        self.program.arrays[array as usize].rank
    }

    /// A register that holds a known element.
    pub fn known(&mut self, bits: [u64; 2], dtype: DType) -> Result<Reg> {
        if let Some(&register) = self.known.get(&(bits, dtype)) {
            return Ok(register);
        }
        let register = self.fresh_register()?;
        self.program.constants.push((register, bits));
        self.known.insert((bits, dtype), register);
        self.content.insert(register, bits);
        Ok(register)
    }

    pub fn integer(&mut self, value: i64) -> Result<Reg> {
        self.known([value as u64, 0], DType::I64)
    }

    /// The integer that a register is known to hold.
    pub fn known_integer(&self, register: Reg) -> Option<i64> {
        self.content.get(&register).map(|bits| bits[0] as i64)
    }

    pub fn number_register(&mut self, number: Number) -> Result<Reg> {
        match number {
            Number::Known(value) => self.integer(value),
            Number::Register(register) => Ok(register),
        }
    }

    /// The register's value in another dtype.
    pub fn cast(&mut self, register: Reg, from: DType, to: DType) -> Result<Reg> {
        if from == to {
            return Ok(register);
        }
        if let Some(bits) = self.content.get(&register).copied() {
            let mut out = [0u64; 2];
            // SAFETY: both hold one element of their dtypes, aligned to 8 bytes at least.
            unsafe {
                kernels::cast(from, to)(&[bits.as_ptr().cast()], out.as_mut_ptr().cast(), 1);
            }
            return self.known(out, to);
        }
        if to.is_integer() && from.is_integer() && to.size() <= from.size() {
            // The low bytes are the narrower number.
            return Ok(register);
        }
        if let Some(extend) = super::scalars::widening(from)
            && (to.is_integer() || to == DType::F64)
        {
            let wide = self.fresh_register()?;
            self.emit(Code::Unary(extend, wide, register));
            return self.cast(wide, DType::I64, to);
        }
        let out = self.fresh_register()?;
        let short = match (from, to) {
            (DType::F64, DType::I64) => Some(Unary::IntOfFloat),
            (DType::F32, DType::F64) => Some(Unary::FloatOfF32),
            (DType::F64, DType::F32) => Some(Unary::F32OfFloat),
            (DType::I64, DType::F64) => Some(Unary::FloatOfInt),
            (DType::Bool, DType::F64) => Some(Unary::FloatOfBool),
            (DType::Bool, DType::I64) => Some(Unary::IntOfBool),
            (DType::I64, DType::Bool) => Some(Unary::BoolOfInt),
            (DType::F64, DType::Bool) => Some(Unary::BoolOfFloat),
            _ => None,
        };
        match short {
            Some(op) => self.emit(Code::Unary(op, out, register)),
            None => self.call(kernels::cast(from, to), None, out, &[register]),
        }
        Ok(out)
    }

    /// Compiles all that the graph's outputs need; their locations.
    pub fn graph(&mut self, mut scope: Scope<'_>) -> Result<Vec<Location>> {
        let graph = scope.graph;
        for id in graph.nodes() {
            let joined = scope.roots[id.index()].is_some();
            if scope.needed[id.index()] && scope.at[id.index()].is_none() && !joined {
                self.node(&mut scope, id)?;
            }
        }
        graph
            .outputs()
            .iter()
            .map(|&id| scope.location(id))
            .collect()
    }

    fn node(&mut self, scope: &mut Scope<'_>, id: NodeId) -> Result<()> {
        let graph = scope.graph;
        let location = match graph.op(id) {
            Op::Input => return Err(Error::internal("an input without a value")),
            Op::Constant(constant) => self.constant(constant, graph.aval(id).dtype)?,
            Op::Size(dim) => {
                let number = self.number(scope, dim)?;
                Location::Register(self.number_register(number)?)
            }
            Op::Elementwise(op) => self.elementwise(scope, id, *op)?,
            Op::Cast(dtype) => self.cast_node(scope, id, *dtype)?,
            Op::Loop(_) => return self.loop_node(scope, id),
            Op::Cond(_) => return self.cond_node(scope, id),
            Op::Part(_) => return Err(Error::internal("a part without its whole")),
            Op::Gather { .. } => self.gather(scope, id)?,
            Op::Scatter { .. } | Op::SliceWrite { .. } => self.write_node(scope, id)?,
            Op::Reshape(_)
            | Op::Transpose(_)
            | Op::BroadcastTo(_)
            | Op::Slice(_)
            | Op::Unslice { .. }
            | Op::Concatenate { .. }
            | Op::Iota { .. }
            | Op::Arange
            | Op::Reduce { .. }
            | Op::ArgReduce { .. }
            | Op::Cumulate { .. }
            | Op::Contract { .. } => self.array_node(scope, id)?,
            other => return Err(outside(crate::graph::print::mnemonic(other))),
        };
        scope.at[id.index()] = Some(location);
        if is_search(graph.op(id)) {
            self.expect(scope, id)?;
        }
        Ok(())
    }

    /// Checks what is assumed of the size that a node has just defined.
    fn expect(&mut self, scope: &Scope<'_>, id: NodeId) -> Result<()> {
        let graph = scope.graph;
        let is_known = |dim: &Dim| {
            dim.symbols()
                .iter()
                .all(|s| scope.sizes[s.0 as usize].is_some())
        };
        let defines = |dim: &Dim| {
            let mut symbols = dim.symbols().into_iter();
            symbols.any(|s| graph.symbols()[s.0 as usize].node == id)
        };
        for assumption in graph.assumptions() {
            let (Assumption::Equal(a, b) | Assumption::AtMost(a, b)) = assumption;
            if !(defines(a) || defines(b)) || !is_known(a) || !is_known(b) {
                continue;
            }
            let (a, b) = (self.number(scope, a)?, self.number(scope, b)?);
            let at_most = matches!(assumption, Assumption::AtMost(..));
            self.array_op(ArrayOp::Expect { a, b, at_most });
        }
        Ok(())
    }

    fn constant(&mut self, constant: &Constant, dtype: DType) -> Result<Location> {
        let value = value_of(constant, dtype);
        if value.shape.is_empty() {
            let bits = word(dtype, value.bytes());
            return Ok(Location::Register(self.known(bits, dtype)?));
        }
        self.value(value)
    }

    fn value(&mut self, value: Value) -> Result<Location> {
        let array = self.fresh_array(value.dtype, value.shape.len())?;
        self.program.values.push((array, value));
        Ok(Location::Array(array))
    }

    /// A size as it is known in the scope.
    pub fn number(&mut self, scope: &Scope<'_>, dim: &Dim) -> Result<Number> {
        let size = |s: crate::graph::Symbol| scope.sizes.get(s.0 as usize).copied().flatten();
        let known = dim.evaluate(&|s| match size(s) {
            Some(Number::Known(k)) => Some(k),
            _ => None,
        });
        if let Some(known) = known {
            return Ok(Number::Known(known));
        }
        if let Some(symbol) = dim.as_symbol() {
            return size(symbol).ok_or_else(|| outside("a size that is not known"));
        }
        // A polynomial in sizes that only running tells.
        let mut sum = self.integer(0)?;
        for (factors, coefficient) in dim.terms() {
            let mut product = self.integer(coefficient)?;
            for factor in factors {
                let crate::graph::dim::Atom::Symbol(symbol) = factor else {
                    return Err(outside("a quotient of sizes"));
                };
                let factor = size(symbol).ok_or_else(|| outside("a size that is not known"))?;
                let factor = self.number_register(factor)?;
                product = self.binary(super::code::Binary::MultiplyI, product, factor)?;
            }
            sum = self.binary(super::code::Binary::AddI, sum, product)?;
        }
        Ok(Number::Register(sum))
    }

    pub fn numbers(&mut self, scope: &Scope<'_>, dims: &[Dim]) -> Result<Vec<Number>> {
        dims.iter().map(|dim| self.number(scope, dim)).collect()
    }

    pub fn binary(&mut self, op: super::code::Binary, a: Reg, b: Reg) -> Result<Reg> {
        let to = self.fresh_register()?;
        self.emit(Code::Binary(op, to, a, b));
        Ok(to)
    }

    /// Whether the memory of `of`, an operand of `writer`, may be overwritten by it: it is the scope's
    /// own, and nothing that lies in it is read by anything but this operand from now on.
    pub fn may_overwrite(&self, scope: &Scope<'_>, of: NodeId, writer: NodeId) -> Result<bool> {
        let array = scope.array(of)?;
        let Some(buffer) = self.buffer_of[array as usize] else {
            return Ok(false);
        };
        let operands = scope.graph.operands(writer);
        let uses = operands.iter().filter(|&&o| o == of).count();
        // A view may have an element at several places.
        if !self.is_whole(array)
            || self.owner[buffer as usize] != scope.depth
            || uses != 1
            || scope.last[of.index()] != writer.index()
        {
            return Ok(false);
        }
        // What a pass reads while it writes is looked at by the pass.
        let is_read = |other: NodeId| match scope.last[other.index()] {
            last if last == writer.index() => operands.contains(&other),
            last => last > writer.index(),
        };
        let elsewhere = scope.graph.nodes().take(writer.index()).any(|other| {
            other != of
                && is_read(other)
                && matches!(scope.at[other.index()], Some(Location::Array(a))
                    if self.buffer_of[a as usize] == Some(buffer))
        });
        Ok(!elsewhere)
    }

    /// An array with the content of `of` that `writer` may overwrite: its own memory or a copy.
    pub fn writable(&mut self, scope: &Scope<'_>, of: NodeId, writer: NodeId) -> Result<ArrayId> {
        let from = scope.array(of)?;
        let rank = self.rank(from);
        if self.may_overwrite(scope, of, writer)? {
            return Ok(from);
        }
        let (to, buffer) = self.owned(self.dtype(from), rank, scope.depth)?;
        self.array_op(ArrayOp::Copy { to, buffer, from });
        Ok(to)
    }

    /// Whether a register's node may be a Python integer or float.
    pub fn is_weak(scope: &Scope<'_>, id: NodeId) -> bool {
        scope.graph.aval(id).weak
    }

    pub fn call(
        &mut self,
        kernel: kernels::Kernel,
        check: Option<kernels::Check>,
        to: Reg,
        operands: &[Reg],
    ) {
        let at = self.program.calls.len() as u32;
        self.program.calls.push(super::code::Call {
            kernel,
            check,
            to,
            operands: operands.into(),
        });
        self.emit(Code::Call(at));
    }
}

/// The dtypes an elementwise node computes in.
pub(super) fn resolution(
    scope: &Scope<'_>,
    id: NodeId,
    op: Elementwise,
) -> Result<crate::ops::elementwise::Resolution> {
    let operands = scope.graph.operands(id);
    let avals: Vec<_> = operands.iter().map(|&o| scope.graph.aval(o)).collect();
    op.result_dtype(&avals)
}
