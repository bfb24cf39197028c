//! Operations that are not fused, as steps.
//!
//! In: a node whose operands have places. Out: its place, and the steps that fill it.
//! A transpose, a slice, a broadcast: a layout of the operand's memory and no step at all.

use super::contract::Contract;
use super::decompose::{Decompose, Routine};
use super::fourier::Transform;
use super::index::{Gather, Indices, Scatter};
use super::kernels;
use super::layout::{Layout, Span, Walk};
use super::plan::{Place, Planner, violated};
use super::step::{Check, Outside, Step};
use super::value::{Sizes, Value};
use crate::error::{Error, Result};
use crate::graph::{DType, NodeId};
use crate::ops::{self, Constant, Extreme, Fourier, Op, Range, Write};

/// Plans one node.
///
/// # Errors
/// NumPy's, if the sizes make the operation impossible.
pub fn lower(p: &mut Planner<'_>, id: NodeId) -> Result<()> {
    let graph = p.graph;
    let operands = graph.operands(id);
    let places = operands.iter().map(|&o| p.place(o).cloned());
    let places = places.collect::<Result<Vec<Place>>>()?;
    match graph.op(id) {
        Op::Input => Err(Error::internal("an input without a value")),
        Op::Constant(constant) => {
            let place = p.constant(value_of(constant, graph.aval(id).dtype));
            p.set_place(id, place);
            Ok(())
        }
        Op::Size(dim) => {
            let place = p.constant(Value::from_slice(&[p.number(dim)? as i64], &[]));
            p.set_place(id, place);
            Ok(())
        }
        // Its place was filled with that of the operand.
        Op::Part(_) => p.place(id).map(drop),
        Op::Reshape(shape) => {
            let shape = p.sizes(shape)?;
            reshape(p, id, &places[0], &shape)
        }
        Op::Transpose(perm) => view(p, id, &places[0], places[0].layout.transpose(perm)),
        Op::BroadcastTo(shape) => {
            let shape = p.sizes(shape)?;
            let layout = p.broadcast(&places[0].layout, &shape)?;
            view(p, id, &places[0], layout)
        }
        Op::Slice(ranges) => {
            let spans = spans(p, ranges, &places[0].layout.shape)?;
            view(p, id, &places[0], places[0].layout.slice(&spans))
        }
        Op::Unslice { ranges, .. } => {
            let to = p.destination(id)?;
            let spans = spans(p, ranges, &to.layout.shape)?;
            p.steps.push(Step::Zero(to.clone()));
            copy_to(p, &places[0], part(&to, &spans))
        }
        Op::Concatenate { axis } => concatenate(p, id, &places, *axis),
        Op::Iota { .. } => {
            let to = p.destination(id)?;
            p.steps.push(Step::Iota(to));
            Ok(())
        }
        Op::ArgReduce { kind, axis } => arg_reduce(p, id, &places[0], *kind, *axis),
        Op::Cumulate { kind, axis } => {
            let to = changed(p, id, &places[0])?;
            let (before, rest) = to.layout.shape.split_at(*axis);
            let sizes = [before.iter().product(), rest[0], rest[1..].iter().product()];
            let kind = *kind;
            p.steps.push(Step::Cumulate { kind, sizes, to });
            Ok(())
        }
        Op::Gather { axes, at } => {
            let indices = indices(p, &places[0].layout, axes, *at, &places[1..])?;
            let to = p.destination(id)?;
            check_shape(&to.layout.shape, &indices.shape)?;
            let from = places[0].clone();
            let gather = Gather { from, indices, to };
            p.steps.push(Step::Gather(Box::new(gather)));
            Ok(())
        }
        Op::Scatter { kind, axes, at } => {
            let to = changed(p, id, &places[0])?;
            let indices = indices(p, &to.layout, axes, *at, &places[2..])?;
            let layout = p.broadcast(&places[1].layout, &indices.shape)?;
            let source = places[1].source;
            let values = contiguous(p, &Place { source, layout })?;
            p.steps.push(Step::Scatter(Box::new(Scatter {
                kind: *kind,
                values,
                indices,
                to,
            })));
            Ok(())
        }
        Op::SliceWrite { kind, ranges } => {
            let to = changed(p, id, &places[0])?;
            let to = part(&to, &spans(p, ranges, &to.layout.shape)?);
            let layout = p.broadcast(&places[1].layout, &to.layout.shape)?;
            let source = places[1].source;
            let values = Place { source, layout };
            match kind {
                Write::Set => copy_to(p, &values, to),
                Write::Add => {
                    same_dtype(&values, &to)?;
                    p.steps.push(Step::Add(Box::new([values, to])));
                    Ok(())
                }
            }
        }
        Op::ArgSort { axis } => arg_sort(p, id, &places[0], *axis),
        Op::SearchSorted { right } => {
            let to = p.destination(id)?;
            check_shape(&to.layout.shape, &places[1].layout.shape)?;
            let sorted = contiguous(p, &places[0])?;
            let values = contiguous(p, &places[1])?;
            let (right, sides) = (*right, Box::new([sorted, values, to]));
            p.steps.push(Step::SearchSorted { right, sides });
            Ok(())
        }
        Op::Contract { batch, contract } => {
            same_dtype(&places[0], &places[1])?;
            let [left, right] = matrices(p, &places, batch, contract)?;
            let to = p.destination(id)?;
            let (batch, m, n) = (
                left.layout.shape[0],
                left.layout.shape[1],
                right.layout.shape[2],
            );
            check_shape(&[to.layout.len()], &[batch * m * n])?;
            let contract = Contract { left, right, to };
            p.steps.push(Step::Contract(Box::new(contract)));
            Ok(())
        }
        Op::Decide { expected } => {
            let expected = value_of(expected, graph.aval(id).dtype);
            let place = contiguous(p, &places[0])?;
            p.steps.push(Step::Check(Box::new(Check {
                place: place.clone(),
                expected,
            })));
            p.set_place(id, places[0].clone());
            Ok(())
        }
        Op::Decompose(kind) => decompose(p, id, Routine::Of(*kind), &places),
        Op::Solve(system) => decompose(p, id, Routine::Solve(*system), &places),
        Op::PseudoInverse => decompose(p, id, Routine::PseudoInverse, &places),
        Op::Frechet(f) => decompose(p, id, Routine::Frechet(*f), &places),
        Op::Fourier { kind, axis } => {
            let from = contiguous(p, &places[0])?;
            let to = p.destination(id)?;
            let (before, rest) = to.layout.shape.split_at(*axis);
            let (outer, inner) = (before.iter().product(), rest[1..].iter().product());
            let (kind, axis) = (kind.clone(), *axis);
            let (m, n) = (from.layout.shape[axis], to.layout.shape[axis]);
            let wanted = match kind {
                Fourier::Forward | Fourier::Inverse => (m, m),
                Fourier::RealForward => (m, m / 2 + 1),
                Fourier::RealInverse(_) => (n / 2 + 1, n),
            };
            check_shape(&[wanted.0, wanted.1], &[m, n])?;
            p.steps.push(Step::Fourier(Box::new(Transform {
                kind,
                outer,
                inner,
                from,
                to,
                axis,
            })));
            Ok(())
        }
        Op::Draw { .. } => {
            let to = vec![p.destination(id)?];
            outside(p, id, places, to);
            Ok(())
        }
        Op::Call { results, .. } => {
            let mut to = Vec::with_capacity(results.len());
            for (k, aval) in results.iter().enumerate() {
                to.push(p.result(id, k, aval)?);
            }
            outside(p, id, places, to);
            Ok(())
        }
        Op::Elementwise(_) | Op::Cast(_) | Op::Reduce { .. } => {
            Err(Error::internal("elementwise work belongs to a group"))
        }
        Op::Loop(_) | Op::Cond(_) => super::loops::lower(p, id, &places),
        Op::Custom(_) => Err(Error::internal(
            "a rule of a function is erased before it runs",
        )),
        op @ Op::Pullback(_) => Err(ops::custom::only_backwards(op)),
        Op::ArgWhere | Op::Arange => Err(Error::internal("a search within a stage")),
    }
}

/// What only the caller can do.
fn outside(p: &mut Planner<'_>, node: NodeId, operands: Vec<Place>, to: Vec<Place>) {
    p.steps
        .push(Step::Outside(Box::new(Outside { node, operands, to })));
}

/// A step for all results that anything reads.
fn decompose(p: &mut Planner<'_>, id: NodeId, routine: Routine, places: &[Place]) -> Result<()> {
    let mut operands = Vec::with_capacity(places.len());
    for place in places {
        let place = contiguous(p, place)?;
        operands.push(match double(place.layout.dtype) {
            Some(dtype) => {
                let to = p.temporary_array(dtype, &place.layout.shape)?;
                convert(p, place, to.clone());
                to
            }
            None => place,
        });
    }
    let mut results = Vec::new();
    let mut rounded = Vec::new();
    for part in p.graph.parts(id) {
        let Some(part) = part else {
            results.push(None);
            continue;
        };
        let to = p.destination(part)?;
        results.push(Some(match double(to.layout.dtype) {
            Some(dtype) => {
                let from = p.temporary_array(dtype, &to.layout.shape)?;
                rounded.push((from.clone(), to));
                from
            }
            None => to,
        }));
    }
    let shape = &operands[0].layout.shape;
    let (outer, core) = shape.split_at(shape.len() - 2);
    if let Routine::Solve(_) | Routine::Frechet(_) = routine {
        let other = &operands[1].layout.shape;
        check_shape(outer, &other[..other.len() - 2])?;
        check_shape(&[core[0], core[0]], &[core[1], other[other.len() - 2]])?;
    }
    let batch = outer.iter().product();
    p.steps.push(Step::Decompose(Box::new(Decompose {
        routine,
        batch,
        operands,
        results,
    })));
    for (from, to) in rounded {
        convert(p, from, to);
    }
    Ok(())
}

/// The dtype in which matrices of single precision are computed.
fn double(dtype: DType) -> Option<DType> {
    match dtype {
        DType::F32 => Some(DType::F64),
        DType::C64 => Some(DType::C128),
        _ => None,
    }
}

/// Both contiguous.
fn convert(p: &mut Planner<'_>, from: Place, to: Place) {
    let kernel = kernels::cast(from.layout.dtype, to.layout.dtype);
    let sides = Box::new([from, to]);
    p.steps.push(Step::Convert { kernel, sides });
}

fn view(p: &mut Planner<'_>, id: NodeId, of: &Place, layout: Layout) -> Result<()> {
    check_shape(&p.sizes(&p.graph.aval(id).shape)?, &layout.shape)?;
    let source = of.source;
    p.set_place(id, Place { source, layout });
    Ok(())
}

/// What is computed must have the shape that was inferred, or memory would be overrun.
fn check_shape(inferred: &[usize], computed: &[usize]) -> Result<()> {
    if inferred == computed {
        Ok(())
    } else {
        Err(violated(format!("{inferred:?} is {computed:?}")))
    }
}

fn same_dtype(a: &Place, b: &Place) -> Result<()> {
    let (a, b) = (a.layout.dtype, b.layout.dtype);
    if a == b {
        Ok(())
    } else {
        Err(Error::internal(format!("{a} where {b} is expected")))
    }
}

fn copy_to(p: &mut Planner<'_>, from: &Place, to: Place) -> Result<()> {
    same_dtype(from, &to)?;
    check_shape(&to.layout.shape, &from.layout.shape)?;
    p.steps.push(Step::copy(from.clone(), to));
    Ok(())
}

/// Where a node changes elements of its first operand.
fn changed(p: &mut Planner<'_>, id: NodeId, from: &Place) -> Result<Place> {
    check_shape(&p.shape(id)?, &from.layout.shape)?;
    if from.layout.dtype != p.graph.aval(id).dtype {
        return Err(Error::internal("a change of dtype"));
    }
    p.changed(id)
}

/// The same values, contiguous and aligned: copied if they are not.
fn contiguous(p: &mut Planner<'_>, place: &Place) -> Result<Place> {
    let layout = &place.layout;
    if layout.is_contiguous() && layout.is_aligned() && p.is_aligned(place.source) {
        return Ok(place.clone());
    }
    let to = p.temporary_array(layout.dtype, &layout.shape)?;
    p.steps.push(Step::copy(place.clone(), to.clone()));
    Ok(to)
}

fn reshape(p: &mut Planner<'_>, id: NodeId, from: &Place, shape: &[usize]) -> Result<()> {
    let elements = shape.iter().product::<usize>();
    if elements != from.layout.len() {
        return Err(Error::value(format!(
            "cannot reshape array of size {} into shape {shape:?}",
            from.layout.len()
        )));
    }
    if let Some(layout) = from.layout.reshape(shape) {
        return view(p, id, from, layout);
    }
    let to = p.destination(id)?;
    let layout = Layout::contiguous(from.layout.dtype, &from.layout.shape);
    let source = to.source;
    copy_to(p, from, Place { source, layout })
}

/// Ranges with known numbers, checked to lie within the shape.
fn spans(p: &Planner<'_>, ranges: &[Range], shape: &[usize]) -> Result<Vec<Span>> {
    if ranges.len() != shape.len() {
        return Err(Error::internal("a range per axis is needed"));
    }
    let span = |(range, &size): (&Range, &usize)| {
        let span = Span {
            start: p.number(&range.start)?,
            size: p.size(&range.size)?,
            step: range.step as isize,
        };
        let last = span.start + (span.size as isize - 1) * span.step;
        let within = |i: isize| (0..size as isize).contains(&i);
        if span.size == 0 || within(span.start) && within(last) {
            Ok(span)
        } else {
            Err(violated(format!("{range:?} lies within {size}")))
        }
    };
    ranges.iter().zip(shape).map(span).collect()
}

fn part(of: &Place, spans: &[Span]) -> Place {
    Place {
        source: of.source,
        layout: of.layout.slice(spans),
    }
}

fn concatenate(p: &mut Planner<'_>, id: NodeId, places: &[Place], axis: usize) -> Result<()> {
    let to = p.destination(id)?;
    let mut start = 0;
    for place in places {
        let shape = &place.layout.shape;
        if shape.len() != to.layout.shape.len() || shape[axis] + start > to.layout.shape[axis] {
            return Err(violated("the parts fill the whole".into()));
        }
        let mut spans: Vec<Span> = to.layout.shape.iter().map(|&n| whole(n)).collect();
        spans[axis] = Span {
            start: start as isize,
            size: shape[axis],
            step: 1,
        };
        start += shape[axis];
        copy_to(p, place, part(&to, &spans))?;
    }
    check_shape(&[to.layout.shape[axis]], &[start])
}

fn whole(size: usize) -> Span {
    Span {
        start: 0,
        size,
        step: 1,
    }
}

/// The layout with one axis moved to the end.
fn moved_last(layout: &Layout, axis: usize) -> Layout {
    let mut perm: Vec<usize> = (0..layout.shape.len()).filter(|&a| a != axis).collect();
    perm.push(axis);
    layout.transpose(&perm)
}

fn arg_reduce(
    p: &mut Planner<'_>,
    id: NodeId,
    from: &Place,
    kind: Extreme,
    axis: usize,
) -> Result<()> {
    let n = from.layout.shape[axis];
    if n == 0 {
        let name = match kind {
            Extreme::Min => "argmin",
            Extreme::Max => "argmax",
        };
        return Err(Error::value(format!(
            "attempt to get {name} of an empty sequence"
        )));
    }
    let rows = Place {
        source: from.source,
        layout: moved_last(&from.layout, axis),
    };
    let rows = contiguous(p, &rows)?;
    let to = p.destination(id)?;
    check_shape(&[to.layout.len() * n], &[rows.layout.len()])?;
    let sides = Box::new([rows, to]);
    p.steps.push(Step::ArgReduce { kind, n, sides });
    Ok(())
}

fn arg_sort(p: &mut Planner<'_>, id: NodeId, from: &Place, axis: usize) -> Result<()> {
    let to = p.destination(id)?;
    check_shape(&to.layout.shape, &from.layout.shape)?;
    let n = from.layout.shape[axis];
    if from.layout.is_empty() {
        return Ok(());
    }
    let rows = Place {
        source: from.source,
        layout: moved_last(&from.layout, axis),
    };
    let rows = contiguous(p, &rows)?;
    let target = Place {
        source: to.source,
        layout: moved_last(&to.layout, axis),
    };
    if target.layout.is_contiguous() {
        let sides = Box::new([rows, target]);
        p.steps.push(Step::ArgSort { n, sides });
        return Ok(());
    }
    let sorted = p.temporary_array(DType::I64, &rows.layout.shape)?;
    let sides = Box::new([rows, sorted.clone()]);
    p.steps.push(Step::ArgSort { n, sides });
    copy_to(p, &sorted, target)
}

/// Index arrays made ready: int64, contiguous, broadcast together.
fn indices(
    p: &mut Planner<'_>,
    array: &Layout,
    axes: &[usize],
    at: usize,
    places: &[Place],
) -> Result<Indices> {
    let mut shape = Sizes::new();
    for place in places {
        shape = broadcast_shapes(&shape, &place.layout.shape)
            .ok_or_else(|| violated("index arrays broadcast".into()))?;
    }
    let mut arrays = Vec::with_capacity(places.len());
    for place in places {
        let layout = p.broadcast(&place.layout, &shape)?;
        let source = place.source;
        let place = contiguous(p, &Place { source, layout })?;
        let dtype = place.layout.dtype;
        arrays.push(if dtype == DType::I64 {
            place
        } else {
            let to = p.temporary_array(DType::I64, &shape)?;
            let kernel = kernels::cast(dtype, DType::I64);
            let sides = Box::new([place, to.clone()]);
            p.steps.push(Step::Convert { kernel, sides });
            to
        });
    }
    let kept: Vec<usize> = (0..array.shape.len())
        .filter(|a| !axes.contains(a))
        .collect();
    if at > kept.len() || axes.len() != places.len() {
        return Err(Error::internal("an index array per axis is needed"));
    }
    let (before, after) = kept.split_at(at);
    let sizes = |axes: &[usize]| -> Sizes { axes.iter().map(|&a| array.shape[a]).collect() };
    let mut whole = sizes(before);
    whole.extend(shape.iter().copied());
    whole.extend(sizes(after));
    let origin = Layout {
        offset: 0,
        ..array.clone()
    };
    Ok(Indices {
        arrays,
        axes: axes
            .iter()
            .map(|&a| (a, array.shape[a], array.strides[a]))
            .collect(),
        count: shape.iter().product(),
        before: Walk::new(&origin.transpose(before)),
        before_len: sizes(before).iter().product(),
        after: Walk::new(&origin.transpose(after)),
        after_len: sizes(after).iter().product(),
        shape: whole,
    })
}

fn broadcast_shapes(a: &[usize], b: &[usize]) -> Option<Sizes> {
    let rank = a.len().max(b.len());
    let size = |shape: &[usize], axis: usize| {
        (axis + shape.len())
            .checked_sub(rank)
            .map_or(1, |a| shape[a])
    };
    (0..rank)
        .map(|axis| match (size(a, axis), size(b, axis)) {
            (1, n) | (n, 1) => Some(n),
            (n, m) if n == m => Some(n),
            _ => None,
        })
        .collect()
}

/// The operands of a contraction as `(batch, m, k)` and `(batch, k, n)`.
fn matrices(
    p: &mut Planner<'_>,
    places: &[Place],
    batch: &[(usize, usize)],
    contract: &[(usize, usize)],
) -> Result<[Place; 2]> {
    let [left, right] = places else {
        return Err(Error::internal("a contraction has two operands"));
    };
    for &(a, b) in batch.iter().chain(contract) {
        check_shape(&[left.layout.shape[a]], &[right.layout.shape[b]])?;
    }
    let batched: [Vec<usize>; 2] = batch.iter().copied().unzip().into();
    let summed: [Vec<usize>; 2] = contract.iter().copied().unzip().into();
    let mut sides = [left, right].into_iter().zip(batched.iter().zip(&summed));
    let mut side = |free_last: bool| -> Result<Place> {
        let Some((place, (batched, summed))) = sides.next() else {
            return Err(Error::internal("a contraction has two operands"));
        };
        let rank = place.layout.shape.len();
        let free: Vec<usize> = (0..rank)
            .filter(|a| !batched.contains(a) && !summed.contains(a))
            .collect();
        let last = if free_last {
            [summed, &free]
        } else {
            [&free, summed]
        };
        let order = [batched, last[0], last[1]];
        let sizes = order.map(|axes| axes.iter().map(|&a| place.layout.shape[a]).product());
        let layout = place.layout.transpose(&order.map(Vec::as_slice).concat());
        as_matrix(p, Place { layout, ..*place }, &sizes)
    };
    Ok([side(false)?, side(true)?])
}

/// The same elements under a shape of three axes, copied unless whole elements are stepped over.
fn as_matrix(p: &mut Planner<'_>, place: Place, sizes: &[usize; 3]) -> Result<Place> {
    let size = place.layout.dtype.size() as isize;
    let source = place.source;
    if let Some(layout) = place.layout.reshape(sizes)
        && p.is_aligned(source)
        && layout.offset % size == 0
        && layout.strides.iter().all(|s| s % size == 0)
    {
        return Ok(Place { source, layout });
    }
    let to = p.temporary_array(place.layout.dtype, &place.layout.shape)?;
    let (source, layout) = (to.source, Layout::contiguous(place.layout.dtype, sizes));
    p.steps.push(Step::copy(place, to));
    Ok(Place { source, layout })
}

/// A constant as an array of the dtype.
pub fn value_of(constant: &Constant, dtype: DType) -> Value {
    let value = match constant {
        Constant::Bool(x) => Value::from_slice(&[*x], &[]),
        Constant::Int(x) => Value::from_slice(&[*x], &[]),
        Constant::UInt(x) => Value::from_slice(&[*x], &[]),
        Constant::Float(x) => Value::from_slice(&[*x], &[]),
        Constant::Complex(x) => Value::from_slice(&[*x], &[]),
        Constant::Array(value) => Value::clone(value),
    };
    if value.dtype == dtype {
        return value;
    }
    let mut converted = Value::zeros(dtype, &value.shape);
    let len = value.len();
    // SAFETY: both hold `len` elements of their dtypes, aligned.
    unsafe {
        kernels::cast(value.dtype, dtype)(&[value.as_ptr()], converted.as_mut_ptr(), len);
    }
    converted
}
