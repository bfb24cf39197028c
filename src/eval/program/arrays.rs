//! Operations on arrays as instructions: views, element reads and writes, short vector work.
//!
//! In: a node with an array among its operands or as its result. Out: its location.
//! `a[i, j]` is one `Load2`; `a[i, :j]`, which the graph has as a gather at `arange(j)`, is a view.

use super::Location;
use super::code::{
    ArrayId, ArrayOp, Code, Contract, Element, Index, Number, Part, Picked, Reduce, Reg,
};
use super::compile::{Compiler, Scope, outside};
use crate::error::{Error, Result};
use crate::eval::reduce::{fold, ufunc_name};
use crate::graph::{DType, Dim, Graph, NodeId};
use crate::ops::index::is_range;
use crate::ops::{Elementwise as E, Op, Range, Write};

impl Compiler {
    pub fn array_node(&mut self, scope: &mut Scope<'_>, id: NodeId) -> Result<Location> {
        let graph = scope.graph;
        let operands = graph.operands(id);
        let (dtype, rank) = (graph.aval(id).dtype, graph.aval(id).rank());
        match graph.op(id) {
            Op::Reshape(shape) => {
                let from = operands[0];
                match (scope.location(from)?, rank) {
                    (Location::Register(r), 0) => return Ok(Location::Register(r)),
                    (Location::Register(_), _) if is_written_only(graph, id) => {
                        // Who writes it takes the number.
                        return Ok(Location::Array(self.fresh_array(dtype, rank)?));
                    }
                    (Location::Register(_), _) => {
                        let shape = self.numbers(scope, shape)?;
                        return self.broadcast_view(scope, from, id, shape);
                    }
                    (Location::Array(array), 0) => {
                        return match one_element(graph, from) {
                            Some(ranges) if is_element(scope, from) => {
                                let base = scope.array(graph.operands(from)[0])?;
                                let at = self.starts(scope, ranges)?;
                                self.load(base, &at, dtype)
                            }
                            _ => self.only_element(array, dtype),
                        };
                    }
                    (Location::Array(_), _) => {}
                }
                let array = scope.array(from)?;
                let shape = self.numbers(scope, shape)?;
                let to = self.view_of(array, rank)?;
                let buffer = self.fresh_buffer(scope.depth)?;
                self.array_op(ArrayOp::Reshape {
                    to,
                    buffer,
                    from: array,
                    shape,
                });
                self.kept(scope, from, id, to)
            }
            Op::Transpose(perm) => {
                let from = scope.array(operands[0])?;
                let to = self.view_of(from, rank)?;
                let axes = perm.to_vec();
                self.array_op(ArrayOp::Transpose { to, from, axes });
                self.kept(scope, operands[0], id, to)
            }
            Op::BroadcastTo(shape) => {
                let shape = self.numbers(scope, shape)?;
                if rank == 0 {
                    return scope.location(operands[0]);
                }
                if is_written_only(graph, id) {
                    return Ok(Location::Array(self.fresh_array(dtype, rank)?));
                }
                self.broadcast_view(scope, operands[0], id, shape)
            }
            Op::Slice(_) if is_element(scope, id) => {
                let from = scope.array(operands[0])?;
                Ok(Location::Array(self.view_of(from, rank)?))
            }
            Op::Slice(ranges) => {
                let from = scope.array(operands[0])?;
                let parts = self.parts(scope, ranges)?;
                let to = self.view_of(from, rank)?;
                self.array_op(ArrayOp::Slice { to, from, parts });
                self.kept(scope, operands[0], id, to)
            }
            Op::Unslice { shape, ranges } => {
                let shape = self.numbers(scope, shape)?;
                let (to, buffer) = self.owned(dtype, rank, scope.depth)?;
                self.array_op(ArrayOp::Allocate { to, buffer, shape });
                self.array_op(ArrayOp::Zero { to });
                let parts = self.parts(scope, ranges)?;
                self.write_slice(scope, to, parts, operands[0], Write::Set)?;
                Ok(Location::Array(to))
            }
            Op::Concatenate { axis } => self.concatenate(scope, id, *axis),
            Op::Iota { .. } if is_range_only(scope, id) => {
                Ok(Location::Array(self.fresh_array(dtype, 1)?))
            }
            Op::Iota { size, .. } => {
                let size = self.number(scope, size)?;
                self.iota(scope, dtype, size)
            }
            Op::Arange => {
                let count = scope.register(operands[0])?;
                let zero = self.integer(0)?;
                let count = self.binary(super::code::Binary::MaximumI, count, zero)?;
                for (symbol, origin) in graph.symbols().iter().enumerate() {
                    if origin.node == id {
                        scope.sizes[symbol] = Some(Number::Register(count));
                    }
                }
                if is_range_only(scope, id) {
                    // Only its size is needed: those who index by it make views.
                    let array = self.fresh_array(dtype, 1)?;
                    return Ok(Location::Array(array));
                }
                self.iota(scope, dtype, Number::Register(count))
            }
            Op::Reduce { kind, axes } => {
                let from = scope.array(operands[0])?;
                let (to, buffer) = self.result(scope, dtype, rank)?;
                self.array_op(ArrayOp::Reduce(Box::new(Reduce {
                    fold: fold(*kind, self.dtype(from)),
                    name: ufunc_name(*kind),
                    to,
                    out: dtype,
                    buffer,
                    from,
                    axes: axes.to_vec(),
                })));
                Ok(to)
            }
            Op::ArgReduce { kind, axis } => {
                let from = scope.array(operands[0])?;
                let (to, buffer) = self.result(scope, dtype, rank)?;
                let (kind, axis) = (*kind, *axis);
                self.array_op(ArrayOp::ArgReduce {
                    kind,
                    to,
                    buffer,
                    from,
                    axis,
                });
                Ok(to)
            }
            Op::Cumulate { kind, axis } => {
                let from = scope.array(operands[0])?;
                let (to, buffer) = self.owned(dtype, rank, scope.depth)?;
                let (kind, axis) = (*kind, *axis);
                self.array_op(ArrayOp::Cumulate {
                    kind,
                    to,
                    buffer,
                    from,
                    axis,
                });
                Ok(Location::Array(to))
            }
            Op::Contract { batch, contract } => {
                let sides = [scope.array(operands[0])?, scope.array(operands[1])?];
                let (to, buffer) = self.result(scope, dtype, rank)?;
                self.array_op(ArrayOp::Contract(Box::new(Contract {
                    to,
                    buffer,
                    sides,
                    orders: self.orders(sides, batch, contract),
                    batch: batch.to_vec(),
                    contract: contract.to_vec(),
                })));
                Ok(to)
            }
            other => Err(outside(crate::graph::print::mnemonic(other))),
        }
    }

    /// The axes of the sides of a product: batch, free and summed; batch, summed and free.
    fn orders(
        &self,
        [left, right]: [ArrayId; 2],
        batch: &[(usize, usize)],
        contract: &[(usize, usize)],
    ) -> [[Vec<usize>; 3]; 2] {
        let batched: [Vec<usize>; 2] = batch.iter().copied().unzip().into();
        let summed: [Vec<usize>; 2] = contract.iter().copied().unzip().into();
        let free = |side: usize, array: ArrayId| -> Vec<usize> {
            let used = |a: &usize| batched[side].contains(a) || summed[side].contains(a);
            (0..self.rank(array)).filter(|a| !used(a)).collect()
        };
        let (left, right) = (free(0, left), free(1, right));
        let [left_batch, right_batch] = batched;
        let [left_sum, right_sum] = summed;
        [
            [left_batch, left, left_sum],
            [right_batch, right_sum, right],
        ]
    }

    /// A register, or fresh memory.
    fn result(
        &mut self,
        scope: &Scope<'_>,
        dtype: DType,
        rank: usize,
    ) -> Result<(Location, super::code::BufferId)> {
        if rank == 0 {
            return Ok((Location::Register(self.fresh_register()?), 0));
        }
        let (to, buffer) = self.owned(dtype, rank, scope.depth)?;
        Ok((Location::Array(to), buffer))
    }

    fn iota(&mut self, scope: &Scope<'_>, dtype: DType, size: Number) -> Result<Location> {
        let (to, buffer) = self.owned(dtype, 1, scope.depth)?;
        self.array_op(ArrayOp::Iota { to, buffer, size });
        Ok(Location::Array(to))
    }

    /// A view as it may be kept: itself, or a copy of it if what it is of is written to meanwhile.
    fn kept(
        &mut self,
        scope: &Scope<'_>,
        operand: NodeId,
        id: NodeId,
        view: ArrayId,
    ) -> Result<Location> {
        Ok(Location::Array(match scope.outlives(operand, id) {
            true => self.copied(view, scope.depth)?,
            false => view,
        }))
    }

    fn copied(&mut self, from: ArrayId, depth: usize) -> Result<ArrayId> {
        let (to, buffer) = self.owned(self.dtype(from), self.rank(from), depth)?;
        self.array_op(ArrayOp::Copy { to, buffer, from });
        Ok(to)
    }

    fn only_element(&mut self, array: ArrayId, dtype: DType) -> Result<Location> {
        let zero = self.integer(0)?;
        let indices = vec![zero; self.rank(array)];
        self.load(array, &indices, dtype)
    }

    fn broadcast_view(
        &mut self,
        scope: &Scope<'_>,
        operand: NodeId,
        id: NodeId,
        shape: Vec<Number>,
    ) -> Result<Location> {
        let (dtype, rank) = (scope.graph.aval(id).dtype, shape.len());
        let to = match scope.location(operand)? {
            Location::Array(_) => {
                let from = scope.array(operand)?;
                let to = self.view_of(from, rank)?;
                let from = Location::Array(from);
                self.array_op(ArrayOp::Broadcast { to, from, shape });
                return self.kept(scope, operand, id, to);
            }
            Location::Register(register) => {
                // Memory for the one element, which a register may lose.
                let (to, buffer) = self.owned(dtype, rank, scope.depth)?;
                self.array_op(ArrayOp::Allocate { to, buffer, shape });
                let values = Location::Register(register);
                let kind = Write::Set;
                self.array_op(ArrayOp::Write { kind, to, values });
                to
            }
        };
        Ok(Location::Array(to))
    }

    /// The positions at which ranges start, in registers.
    fn starts(&mut self, scope: &Scope<'_>, ranges: &[Range]) -> Result<Vec<Reg>> {
        let start = |range: &Range| {
            let number = self.number(scope, &range.start)?;
            self.number_register(number)
        };
        ranges.iter().map(start).collect()
    }

    fn parts(&mut self, scope: &Scope<'_>, ranges: &[Range]) -> Result<Vec<Part>> {
        let part = |range: &Range| -> Result<Part> {
            Ok(Part {
                start: self.number(scope, &range.start)?,
                size: self.number(scope, &range.size)?,
                step: Number::Known(range.step),
            })
        };
        ranges.iter().map(part).collect()
    }

    fn write_slice(
        &mut self,
        scope: &Scope<'_>,
        array: ArrayId,
        parts: Vec<Part>,
        values: NodeId,
        kind: Write,
    ) -> Result<()> {
        let to = self.slice_of(array, parts)?;
        let values = self.apart(scope, array, values)?;
        self.array_op(ArrayOp::Write { kind, to, values });
        Ok(())
    }

    fn slice_of(&mut self, array: ArrayId, parts: Vec<Part>) -> Result<ArrayId> {
        let to = self.view_of(array, parts.len())?;
        self.array_op(ArrayOp::Slice {
            to,
            from: array,
            parts,
        });
        Ok(to)
    }

    /// A write's values into `to`, a view of `array`.
    fn write_view(
        &mut self,
        scope: &Scope<'_>,
        write: NodeId,
        array: ArrayId,
        to: ArrayId,
        kind: Write,
    ) -> Result<()> {
        if !self.write_fused(scope, write, to)? {
            let values = self.apart(scope, array, scope.graph.operands(write)[1])?;
            self.array_op(ArrayOp::Write { kind, to, values });
        }
        Ok(())
    }

    /// Values to be written into `array`: copied first if they lie in the same memory.
    fn apart(&mut self, scope: &Scope<'_>, array: ArrayId, values: NodeId) -> Result<Location> {
        Ok(match scope.location(values)? {
            Location::Array(values)
                if self.buffer_of[values as usize].is_some()
                    && self.buffer_of[values as usize] == self.buffer_of[array as usize] =>
            {
                Location::Array(self.copied(values, scope.depth)?)
            }
            location => location,
        })
    }

    fn concatenate(&mut self, scope: &Scope<'_>, id: NodeId, axis: usize) -> Result<Location> {
        let graph = scope.graph;
        let aval = graph.aval(id);
        let shape = self.numbers(scope, &aval.shape)?;
        let (to, buffer) = self.owned(aval.dtype, aval.rank(), scope.depth)?;
        self.array_op(ArrayOp::Allocate {
            to,
            buffer,
            shape: shape.clone(),
        });
        let mut start = crate::graph::Dim::known(0);
        for operand in graph.operands(id) {
            let size = graph.aval(operand).shape[axis].clone();
            if let Some(number) = number_in_row(graph, operand, id)
                && let Location::Register(from) = scope.location(number)?
            {
                let at = self.number(scope, &start)?;
                let at = self.number_register(at)?;
                self.store(to, &[at], from, Write::Set);
                start = start + size;
                continue;
            }
            let mut parts = Vec::with_capacity(shape.len());
            for (a, &whole) in shape.iter().enumerate() {
                let (from, size) = match a == axis {
                    true => (self.number(scope, &start)?, self.number(scope, &size)?),
                    false => (Number::Known(0), whole),
                };
                parts.push(Part {
                    start: from,
                    size,
                    step: Number::Known(1),
                });
            }
            self.write_slice(scope, to, parts, operand, Write::Set)?;
            start = start + size;
        }
        Ok(Location::Array(to))
    }

    pub fn gather(&mut self, scope: &mut Scope<'_>, id: NodeId) -> Result<Location> {
        let graph = scope.graph;
        let Op::Gather { axes, at } = graph.op(id) else {
            return Err(Error::internal("not a gather"));
        };
        let operands = graph.operands(id);
        let dtype = graph.aval(id).dtype;
        let indices = self.indices(scope, id, axes, &operands[1..])?;
        if let Some(registers) = element(&indices) {
            let array = scope.array(operands[0])?;
            return self.load(array, &registers, dtype);
        }
        let rank = graph.aval(id).rank();
        if is_view(&indices) {
            let from = scope.array(operands[0])?;
            let to = self.view_of(from, rank)?;
            let at = *at;
            self.array_op(ArrayOp::View {
                to,
                from,
                indices,
                at,
            });
            return self.kept(scope, operands[0], id, to);
        }
        let indices = self.index_arrays(scope, &operands[1..])?;
        let from = scope.array(operands[0])?;
        let (to, buffer) = self.owned(dtype, rank, scope.depth)?;
        let picked = Picked {
            axes: axes.to_vec(),
            at: *at,
            indices,
        };
        self.array_op(ArrayOp::Gather {
            to,
            buffer,
            from,
            picked,
        });
        Ok(Location::Array(to))
    }

    /// A write to an array: in its memory if that may be overwritten.
    pub fn write_node(&mut self, scope: &mut Scope<'_>, id: NodeId) -> Result<Location> {
        let graph = scope.graph;
        let operands = graph.operands(id);
        let array = self.writable(scope, operands[0], id)?;
        match graph.op(id) {
            Op::SliceWrite { kind, ranges } => {
                if let Some(number) = written_number(graph, id)
                    && let Location::Register(from) = scope.location(number)?
                {
                    let at = self.starts(scope, ranges)?;
                    self.store(array, &at, from, *kind);
                    return Ok(Location::Array(array));
                }
                let parts = self.parts(scope, ranges)?;
                let to = self.slice_of(array, parts)?;
                self.write_view(scope, id, array, to, *kind)?;
            }
            Op::Scatter { kind, axes, at } => {
                let indices = self.indices(scope, id, axes, &operands[2..])?;
                if let Some(registers) = element(&indices)
                    && graph.aval(operands[1]).rank() == 0
                {
                    let value = scope.register(operands[1])?;
                    self.store(array, &registers, value, *kind);
                    return Ok(Location::Array(array));
                }
                if is_view(&indices) || element(&indices).is_some() {
                    let kept = self.rank(array) - axes.len();
                    let ranges = indices.iter().filter(|i| matches!(i, Index::Range(_)));
                    let to = self.view_of(array, kept + ranges.count())?;
                    let at = *at;
                    self.array_op(ArrayOp::View {
                        to,
                        from: array,
                        indices,
                        at,
                    });
                    self.write_view(scope, id, array, to, *kind)?;
                    return Ok(Location::Array(array));
                }
                let indices = self.index_arrays(scope, &operands[2..])?;
                let values = self.apart(scope, array, operands[1])?;
                let picked = Picked {
                    axes: axes.to_vec(),
                    at: *at,
                    indices,
                };
                self.array_op(ArrayOp::Scatter {
                    kind: *kind,
                    to: array,
                    values,
                    picked,
                });
            }
            _ => return Err(Error::internal("not a write")),
        }
        Ok(Location::Array(array))
    }

    /// Per axis of the array, how it is indexed.
    fn indices(
        &mut self,
        scope: &Scope<'_>,
        id: NodeId,
        axes: &[usize],
        nodes: &[NodeId],
    ) -> Result<Vec<Index>> {
        let rank = scope.graph.aval(scope.graph.operands(id)[0]).rank();
        let mut out = vec![Index::Whole; rank];
        for (&axis, &node) in axes.iter().zip(nodes) {
            let dtype = scope.graph.aval(node).dtype;
            out[axis] = match scope.location(node)? {
                Location::Register(r) => Index::At(self.cast(r, dtype, DType::I64)?),
                Location::Array(array) => match self.range_of(scope, node)? {
                    Some(part) => Index::Range(part),
                    None => Index::Array(array),
                },
            };
        }
        Ok(out)
    }

    /// `start + step * arange(size)`, if the node is that.
    fn range_of(&mut self, scope: &Scope<'_>, id: NodeId) -> Result<Option<Part>> {
        let graph = scope.graph;
        let (known_zero, known_one) = (Number::Known(0), Number::Known(1));
        let operands = graph.operands(id);
        Ok(match graph.op(id) {
            Op::Arange => {
                let size = graph.aval(id).shape.first();
                let size = size.ok_or_else(|| Error::internal("an arange without an axis"))?;
                Some(Part {
                    start: known_zero,
                    size: self.number(scope, size)?,
                    step: known_one,
                })
            }
            Op::Iota { size, dtype } if *dtype == DType::I64 => Some(Part {
                start: known_zero,
                size: self.number(scope, size)?,
                step: known_one,
            }),
            Op::Elementwise(op @ (E::Add | E::Multiply)) if graph.aval(id).dtype == DType::I64 => {
                let (array, number) = match (graph.aval(operands[0]), graph.aval(operands[1])) {
                    (a, b) if a.rank() == 1 && b.rank() == 0 => (operands[0], operands[1]),
                    (a, b) if a.rank() == 0 && b.rank() == 1 => (operands[1], operands[0]),
                    _ => return Ok(None),
                };
                if graph.aval(number).dtype != DType::I64 {
                    return Ok(None);
                }
                let Some(part) = self.range_of(scope, array)? else {
                    return Ok(None);
                };
                let by = scope.register(number)?;
                Some(match op {
                    E::Add => Part {
                        start: self.combine(super::code::Binary::AddI, part.start, by)?,
                        ..part
                    },
                    _ => Part {
                        start: self.combine(super::code::Binary::MultiplyI, part.start, by)?,
                        step: self.combine(super::code::Binary::MultiplyI, part.step, by)?,
                        ..part
                    },
                })
            }
            _ => None,
        })
    }

    /// A number and a register, combined; known numbers at once.
    fn combine(&mut self, op: super::code::Binary, a: Number, by: Reg) -> Result<Number> {
        use super::code::Binary;
        match (op, a, self.known_integer(by)) {
            (Binary::AddI, Number::Known(a), Some(b)) => Ok(Number::Known(a.wrapping_add(b))),
            (Binary::MultiplyI, Number::Known(a), Some(b)) => Ok(Number::Known(a.wrapping_mul(b))),
            (Binary::AddI, Number::Known(0), None)
            | (Binary::MultiplyI, Number::Known(1), None) => Ok(Number::Register(by)),
            (Binary::MultiplyI, Number::Known(0), None) => Ok(Number::Known(0)),
            _ => {
                let a = self.number_register(a)?;
                Ok(Number::Register(self.binary(op, a, by)?))
            }
        }
    }

    /// Index arrays in int64, numbers as they are.
    fn index_arrays(&mut self, scope: &Scope<'_>, nodes: &[NodeId]) -> Result<Vec<Location>> {
        let mut out = Vec::with_capacity(nodes.len());
        for &node in nodes {
            let dtype = scope.graph.aval(node).dtype;
            out.push(match scope.location(node)? {
                Location::Register(r) => Location::Register(self.cast(r, dtype, DType::I64)?),
                Location::Array(a) => {
                    Location::Array(self.cast_array(a, DType::I64, scope.depth)?)
                }
            });
        }
        Ok(out)
    }

    pub fn load(&mut self, array: ArrayId, indices: &[Reg], dtype: DType) -> Result<Location> {
        let to = self.fresh_register()?;
        let wide = dtype.size() == 8;
        let code = match *indices {
            [i] if wide => Code::Load1 { to, array, i },
            [i, j] if wide => Code::Load2 { to, array, i, j },
            [i, j, k] if wide => Code::Load3 { to, array, i, j, k },
            [i, j, k, l] if wide => Code::Load4 {
                to,
                array,
                i,
                j,
                k,
                l,
            },
            _ => Code::Load(self.element(array, indices, to, Write::Set)),
        };
        self.emit(code);
        Ok(Location::Register(to))
    }

    pub fn store(&mut self, array: ArrayId, indices: &[Reg], from: Reg, kind: Write) {
        let wide = self.dtype(array).size() == 8 && kind == Write::Set;
        let code = match *indices {
            [i] if wide => Code::Store1 { from, array, i },
            [i, j] if wide => Code::Store2 { from, array, i, j },
            [i, j, k] if wide => Code::Store3 {
                from,
                array,
                i,
                j,
                k,
            },
            _ => Code::Store(self.element(array, indices, from, kind)),
        };
        self.emit(code);
    }

    fn element(&mut self, array: ArrayId, indices: &[Reg], value: Reg, kind: Write) -> u32 {
        self.program.elements.push(Element {
            value,
            array,
            indices: indices.into(),
            kind,
        });
        self.program.elements.len() as u32 - 1
    }
}

/// The registers of the indices, if they name one element.
fn element(indices: &[Index]) -> Option<Vec<Reg>> {
    indices
        .iter()
        .map(|index| match index {
            Index::At(register) => Some(*register),
            Index::Whole | Index::Range(_) | Index::Array(_) => None,
        })
        .collect()
}

/// Whether indexing gives a view: whole axes, numbers, and at most one range.
fn is_view(indices: &[Index]) -> bool {
    let ranges = indices.iter().filter(|i| matches!(i, Index::Range(_)));
    ranges.count() <= 1
        && !indices.iter().any(|i| matches!(i, Index::Array(_)))
        && !indices.iter().all(|i| matches!(i, Index::Whole))
}

/// Whether a node is `start + step * arange(n)` that is only ever part of indices that become views:
/// then it is never computed.
pub(super) fn is_range_only(scope: &Scope<'_>, id: NodeId) -> bool {
    is_range(scope.graph, id) && only_indexes(scope.graph, id)
}

fn only_indexes(graph: &Graph, id: NodeId) -> bool {
    let alone = |indices: &[NodeId]| {
        let mut others = indices.iter().filter(|&&o| o != id);
        others.all(|&o| graph.aval(o).rank() == 0)
            && indices.iter().filter(|&&o| o == id).count() == 1
    };
    !graph.outputs().contains(&id)
        && graph.users(id).all(|user| {
            let operands = graph.operands(user);
            match graph.op(user) {
                Op::Gather { .. } => operands[0] != id && alone(&operands[1..]),
                Op::Scatter { .. } => !operands[..2].contains(&id) && alone(&operands[2..]),
                Op::Elementwise(_) => is_range(graph, user) && only_indexes(graph, user),
                _ => false,
            }
        })
}

/// The ranges of a slice that is one element.
fn one_element(graph: &Graph, id: NodeId) -> Option<&[Range]> {
    match graph.op(id) {
        Op::Slice(ranges) if ranges.iter().all(|range| range.size == Dim::known(1)) => Some(ranges),
        _ => None,
    }
}

/// Whether a slice is an element that is only read as a number: there need be no view of it.
fn is_element(scope: &Scope<'_>, id: NodeId) -> bool {
    let graph = scope.graph;
    let is_number =
        |user: NodeId| matches!(graph.op(user), Op::Reshape(_)) && graph.aval(user).rank() == 0;
    one_element(graph, id).is_some()
        && !graph.outputs().contains(&id)
        && graph.users(id).all(is_number)
        && !scope.outlives(graph.operands(id)[0], id)
}

/// The number that a write to one element writes, if it is a number made an array for that.
fn written_number(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let Op::SliceWrite { ranges, .. } = graph.op(id) else {
        return None;
    };
    let value = graph.operands(id)[1];
    let number = *graph.operands(value).first()?;
    let is_one = ranges.iter().all(|range| range.size == Dim::known(1));
    let made = matches!(graph.op(value), Op::Reshape(_) | Op::BroadcastTo(_));
    (is_one && made && graph.aval(number).rank() == 0).then_some(number)
}

/// The number that stands as one element in a row that `user` joins, if it does so.
fn number_in_row(graph: &Graph, operand: NodeId, user: NodeId) -> Option<NodeId> {
    let number = *graph.operands(operand).first()?;
    let joined = matches!(graph.op(user), Op::Concatenate { .. }) && graph.aval(user).rank() == 1;
    let made = matches!(graph.op(operand), Op::Reshape(_));
    let one = graph.aval(operand).shape[..] == [Dim::known(1)];
    (joined && made && one && graph.aval(number).rank() == 0).then_some(number)
}

/// Whether an array of one number is read by writes to one element only, or to join a row.
fn is_written_only(graph: &Graph, id: NodeId) -> bool {
    let number = graph.operands(id)[0];
    graph.aval(number).rank() == 0
        && !graph.outputs().contains(&id)
        && graph.users(id).all(|user| {
            number_in_row(graph, id, user).is_some()
                || written_number(graph, user) == Some(number) && graph.operands(user)[0] != id
        })
}
