//! Indexing: what `x[key]` reads and `x[key] = value` writes.
//!
//! In: an array and a key. Out: slices, gathers and scatters.
//!
//! ```text
//! x[1:, i, None]   slice rows; gather columns at i; reshape
//! ```
//!
//! A key is read in two steps, as in NumPy's guide "Indexing on ndarrays". The basic step applies
//! slices, integers, `None` and `...`; it leaves a view in which each integer array stands for one
//! axis. The advanced step gathers those axes at once; the index arrays' own axes come where they
//! stood if they stood side by side, else first.

use smallvec::SmallVec;

use super::argument::*;
use super::signature::Call;
use super::{Arg, Form, Symbolic};
use crate::error::{Error, Exception, Result};
use crate::eval::value::Value;
use crate::graph::{Builder, DType, Dim, Kind, NodeId, Shape};
use crate::ops::{Axes, Elementwise as E, Op, Range};

/// A key, understood.
pub(super) struct Plan {
    /// One range per axis of the array.
    pub(super) ranges: SmallVec<[Range; 4]>,
    /// The shape after slicing, with integers' axes dropped and `None`s added.
    pub(super) view: Shape,
    /// The axes of the view that are indexed by arrays, and the arrays.
    pub(super) axes: Axes,
    pub(super) indices: Vec<NodeId>,
    /// Where the indices' own axes go.
    pub(super) at: usize,
    /// Whether a number is meant rather than an array of rank 0 (`x[0]`, not `x[0, ...]`).
    pub(super) scalar: bool,
}

/// One part of a key.
enum Item {
    Int(Dim),
    Slice(Box<[Arg; 3]>),
    /// A slice whose bounds are values: the positions that it means.
    Window(NodeId),
    NewAxis,
    Ellipsis,
    /// An integer array, or an integer scalar that is a node.
    Array(NodeId),
    /// A mask of rank 0, as positions on a new axis of size 1: the first, or none.
    Chosen(NodeId),
}

impl Item {
    fn consumes(&self) -> usize {
        match self {
            Item::Int(_) | Item::Slice(_) | Item::Window(_) | Item::Array(_) => 1,
            Item::NewAxis | Item::Ellipsis | Item::Chosen(_) => 0,
        }
    }
}

/// `operator.getitem`.
pub(super) fn get(call: &mut Call<'_>) -> Result<Arg> {
    let (a, key) = (call.arg("a"), call.arg("b"));
    let x = symbolic(call.b, &a)?;
    getitem(call.b, x, &key)
}

/// `x[key]`.
pub(super) fn getitem(b: &mut Builder, x: Symbolic, key: &Arg) -> Result<Arg> {
    let node = strong(b, x.node)?;
    if let Some((window, rest)) = several_windows(b, node, key) {
        let seen = getitem(b, Symbolic { node, ..x }, &window)?;
        let seen = symbolic(b, &seen)?;
        return getitem(b, seen, &rest);
    }
    let plan = plan(b, node, key)?;
    let view = read_view(b, node, &plan)?;
    let out = if plan.axes.is_empty() {
        view
    } else {
        gather(b, view, &plan.axes, plan.at, &plan.indices)?
    };
    Ok(if plan.scalar {
        scalar_or_array(b, out)
    } else {
        as_array(out)
    })
}

/// A key with several slices of computed bounds as two keys: the first of them alone, and the rest.
pub(super) fn several_windows(b: &Builder, x: NodeId, key: &Arg) -> Option<(Arg, Arg)> {
    let Arg::Tuple(parts) = key else { return None };
    let is_window = |part: &Arg| match part {
        Arg::Slice(slice) => slice[..2].iter().any(|bound| is_computed(b, bound)),
        _ => false,
    };
    let simple = |part: &Arg| {
        !matches!(
            part,
            Arg::None | Arg::Ellipsis | Arg::List(_) | Arg::Bool(_)
        )
    };
    if parts.iter().filter(|p| is_window(p)).count() < 2 {
        return None;
    }
    let first = parts.iter().position(is_window)?;
    if !parts[..first].iter().all(simple) || first >= b.aval(x).rank() {
        return None;
    }
    let whole = || Arg::Slice(Box::new([Arg::None, Arg::None, Arg::None]));
    let mut alone: Vec<Arg> = (0..first).map(|_| whole()).collect();
    alone.push(parts[first].clone());
    let mut rest = parts.clone();
    rest[first] = whole();
    Some((Arg::Tuple(alone), Arg::Tuple(rest)))
}

/// Whether a slice's bound is a value.
fn is_computed(b: &Builder, bound: &Arg) -> bool {
    match bound {
        Arg::Array(x) => {
            let aval = b.aval(x.node);
            aval.rank() == 0 && aval.dtype.is_integer() && integer(b, bound).is_none()
        }
        _ => false,
    }
}

pub(super) fn read_view(b: &mut Builder, x: NodeId, plan: &Plan) -> Result<NodeId> {
    let whole = is_whole(b, x, &plan.ranges);
    let sliced = if whole {
        x
    } else {
        b.add(Op::Slice(plan.ranges.clone()), &[x])?
    };
    b.reshape(sliced, plan.view.clone())
}

pub(super) fn is_whole(b: &Builder, x: NodeId, ranges: &[Range]) -> bool {
    let shape = &b.aval(x).shape;
    let mut pairs = ranges.iter().zip(shape);
    pairs.all(|(r, d)| *r == Range::full(d.clone()))
}

/// `x[..., i, j, ...]`.
pub(super) fn gather(
    b: &mut Builder,
    x: NodeId,
    axes: &[usize],
    at: usize,
    indices: &[NodeId],
) -> Result<NodeId> {
    let mut operands = vec![x];
    operands.extend_from_slice(indices);
    b.add(
        Op::Gather {
            axes: axes.into(),
            at,
        },
        &operands,
    )
}

/// Elements of `x` at `indices` along an axis, the other axes aligned.
pub(super) fn along(b: &mut Builder, x: NodeId, indices: NodeId, axis: usize) -> Result<NodeId> {
    let shape = b.aval(x).shape.clone();
    let rank = shape.len();
    let mut all = Vec::with_capacity(rank);
    for (i, dim) in shape.iter().enumerate() {
        all.push(if i == axis {
            indices
        } else {
            iota(b, dim.clone(), i, rank)?
        });
    }
    let axes: Vec<usize> = (0..rank).collect();
    gather(b, x, &axes, 0, &all)
}

// Reading a key.

pub(super) fn plan(b: &mut Builder, x: NodeId, key: &Arg) -> Result<Plan> {
    let shape = b.aval(x).shape.clone();
    let items = read_items(b, &shape, key)?;
    let used: usize = items.iter().map(Item::consumes).sum();
    if used > shape.len() {
        return Err(Error::raises(
            Exception::Index,
            format!(
                "too many indices for array: array is {}-dimensional, but {used} were indexed",
                shape.len()
            ),
        ));
    }
    let any_ellipsis = items.iter().any(|i| matches!(i, Item::Ellipsis));
    let advanced = items
        .iter()
        .any(|i| matches!(i, Item::Array(n) | Item::Chosen(n) if b.aval(*n).rank() > 0));
    // Integers beside arrays are arrays of rank 0; beside positions that are values, all are one gather.
    let computed = items
        .iter()
        .any(|i| matches!(i, Item::Array(_) | Item::Window(_) | Item::Chosen(_)));
    let mut out = Plan {
        ranges: SmallVec::new(),
        view: Shape::new(),
        axes: Axes::new(),
        indices: vec![],
        at: 0,
        scalar: !any_ellipsis,
    };
    let mut rest = shape.len() - used;
    let mut window = None;
    for item in items {
        let axis = out.ranges.len();
        match item {
            Item::NewAxis => out.view.push(Dim::known(1)),
            Item::Ellipsis => {
                for dim in &shape[axis..axis + rest] {
                    out.ranges.push(Range::full(dim.clone()));
                    out.view.push(dim.clone());
                }
                rest = 0;
            }
            Item::Slice(slice) => {
                let range = resolve(b, &shape[axis], &slice)?;
                out.view.push(range.size.clone());
                out.ranges.push(range);
            }
            Item::Int(i) if !computed => {
                let start = position(b, &i, axis, &shape[axis])?;
                out.ranges.push(Range {
                    start,
                    size: Dim::known(1),
                    step: 1,
                });
            }
            Item::Int(i) => {
                let start = position(b, &i, axis, &shape[axis])?;
                let index = b.size(start);
                let index = strong(b, index)?;
                out.advance(&shape[axis], index);
            }
            Item::Window(index) => {
                if window.is_some() || advanced {
                    return Err(Error::unlifted(
                        "indexing",
                        "a slice with computed bounds beside another, or beside arrays",
                    ));
                }
                window = Some(out.view.len());
                out.advance(&shape[axis], index);
            }
            Item::Array(index) => out.advance(&shape[axis], index),
            Item::Chosen(index) => {
                out.axes.push(out.view.len());
                out.indices.push(index);
                out.view.push(Dim::known(1));
            }
        }
    }
    for dim in &shape[out.ranges.len()..] {
        out.ranges.push(Range::full(dim.clone()));
        out.view.push(dim.clone());
    }
    if let Some(window) = window {
        // A slice stays where it is among the axes.
        out.at = (0..window).filter(|a| !out.axes.contains(a)).count();
        return Ok(out);
    }
    let adjacent = out.axes.windows(2).all(|w| w[1] == w[0] + 1);
    out.at = match out.axes.first() {
        Some(first) if adjacent => *first,
        _ => 0,
    };
    Ok(out)
}

impl Plan {
    /// A plan of positions alone: the one slice beside numbers becomes the positions that it means. A
    /// write of that kind is one scatter, and not one into a part that is then written back.
    pub(super) fn by_positions(mut self, b: &mut Builder, x: NodeId) -> Result<Plan> {
        let shape = b.aval(x).shape.clone();
        let is_part = |axis: &usize| self.ranges[*axis] != Range::full(shape[*axis].clone());
        let parts: Vec<usize> = (0..shape.len()).filter(is_part).collect();
        let numbers = self.indices.iter().all(|&index| b.aval(index).rank() == 0);
        let &[axis] = &parts[..] else {
            return Ok(self);
        };
        if !numbers || self.axes.is_empty() || self.view.len() != shape.len() {
            return Ok(self);
        }
        let range = std::mem::replace(&mut self.ranges[axis], Range::full(shape[axis].clone()));
        let index = positions_of(b, range)?;
        let place = self.axes.iter().filter(|&&a| a < axis).count();
        self.axes.insert(place, axis);
        self.indices.insert(place, index);
        self.view[axis] = shape[axis].clone();
        self.at = axis - place;
        Ok(self)
    }

    fn advance(&mut self, dim: &Dim, index: NodeId) {
        self.axes.push(self.view.len());
        self.indices.push(index);
        self.view.push(dim.clone());
        self.ranges.push(Range::full(dim.clone()));
    }
}

fn read_items(b: &mut Builder, shape: &Shape, key: &Arg) -> Result<Vec<Item>> {
    let one = std::slice::from_ref(key);
    let parts = match key {
        Arg::Tuple(parts) => parts.as_slice(),
        _ => one,
    };
    let mut items = Vec::with_capacity(parts.len());
    let mut axis = 0;
    for part in parts {
        let before = items.len();
        read_item(b, shape, axis, part, &mut items)?;
        axis += items[before..].iter().map(Item::consumes).sum::<usize>();
        if let Item::Ellipsis = items[items.len() - 1] {
            let later: usize = parts
                .iter()
                .skip_while(|p| !std::ptr::eq(*p, part))
                .skip(1)
                .map(|p| consumed(b, p))
                .sum();
            axis = shape.len().saturating_sub(later).max(axis);
        }
    }
    if items.iter().filter(|i| matches!(i, Item::Ellipsis)).count() > 1 {
        return Err(Error::raises(
            Exception::Index,
            "an index can only have a single ellipsis ('...')",
        ));
    }
    Ok(items)
}

/// How many axes a part of a key stands for.
fn consumed(b: &Builder, part: &Arg) -> usize {
    match part {
        Arg::None | Arg::Ellipsis | Arg::Bool(_) => 0,
        Arg::Array(x) if b.aval(x.node).dtype == DType::Bool => b.aval(x.node).rank(),
        _ => 1,
    }
}

fn read_item(
    b: &mut Builder,
    shape: &Shape,
    axis: usize,
    part: &Arg,
    items: &mut Vec<Item>,
) -> Result<()> {
    if !matches!(part, Arg::Bool(_))
        && let Some(i) = integer(b, part)
    {
        items.push(Item::Int(i));
        return Ok(());
    }
    match part {
        Arg::None => items.push(Item::NewAxis),
        Arg::Ellipsis => items.push(Item::Ellipsis),
        Arg::Slice(slice) => {
            let index = match shape.get(axis) {
                Some(size) => window(b, size, slice)?,
                None => None,
            };
            items.push(index.map_or_else(|| Item::Slice(slice.clone()), Item::Window));
        }
        Arg::List(list) if list.is_empty() => {
            let none = array_constant(b, Value::zeros(DType::I64, &[0]));
            items.push(Item::Array(none));
        }
        Arg::List(_) | Arg::Tuple(_) | Arg::Array(_) => {
            let index = array(b, part)?;
            let dtype = b.aval(index).dtype;
            match dtype.kind() {
                Kind::Int => items.push(Item::Array(index)),
                Kind::Bool => read_mask(b, shape, axis, index, items)?,
                Kind::Float | Kind::Complex if matches!(part, Arg::Array(x) if b.aval(x.node).rank() > 0) =>
                {
                    return Err(Error::raises(
                        Exception::Index,
                        "arrays used as indices must be of integer (or boolean) type",
                    ));
                }
                Kind::Float | Kind::Complex => return Err(no_index()),
            }
        }
        Arg::Bool(chosen) => {
            let index = array_constant(b, Value::zeros(DType::I64, &[usize::from(*chosen)]));
            items.push(Item::Chosen(index));
        }
        _ => return Err(no_index()),
    }
    Ok(())
}

fn no_index() -> Box<Error> {
    Error::raises(
        Exception::Index,
        "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are valid indices",
    )
}

/// A mask is as good as the positions where it is true.
fn read_mask(
    b: &mut Builder,
    shape: &Shape,
    axis: usize,
    mask: NodeId,
    items: &mut Vec<Item>,
) -> Result<()> {
    let sizes = b.aval(mask).shape.clone();
    if sizes.is_empty() {
        let mask = b.reshape(mask, [Dim::known(1)].into_iter().collect())?;
        let index = positions(b, mask)?.into_iter().map(Item::Chosen);
        items.extend(index);
        return Ok(());
    }
    if axis + sizes.len() > shape.len() {
        return Err(Error::raises(
            Exception::Index,
            format!(
                "too many indices for array: array is {}-dimensional, but {} were indexed",
                shape.len(),
                axis + sizes.len()
            ),
        ));
    }
    check_mask(b, &shape[axis..], axis, &sizes)?;
    items.extend(positions(b, mask)?.into_iter().map(Item::Array));
    Ok(())
}

/// A mask has the sizes of the axes it stands for; the first of them is `axis`.
pub(super) fn check_mask(b: &mut Builder, shape: &[Dim], axis: usize, mask: &Shape) -> Result<()> {
    for (i, (size, given)) in shape.iter().zip(mask).enumerate() {
        if !b.assume_equal(size, given) {
            return Err(Error::raises(
                Exception::Index,
                format!(
                    "boolean index did not match indexed array along axis {}; size of axis is {} but size of corresponding boolean axis is {}",
                    axis + i,
                    shown(b, size),
                    shown(b, given)
                ),
            ));
        }
    }
    Ok(())
}

/// `np.nonzero` of a mask: one index array per axis.
pub(super) fn positions(b: &mut Builder, mask: NodeId) -> Result<Vec<NodeId>> {
    let rank = b.aval(mask).rank();
    let found = b.add(Op::ArgWhere, &[mask])?;
    let count = b.aval(found).shape[0].clone();
    let mut out = Vec::with_capacity(rank);
    for axis in 0..rank {
        let column = if rank == 1 {
            found
        } else {
            let ranges = [
                Range::full(count.clone()),
                Range {
                    start: Dim::from(axis),
                    size: Dim::known(1),
                    step: 1,
                },
            ];
            b.add(Op::Slice(ranges.into_iter().collect()), &[found])?
        };
        out.push(b.reshape(column, [count.clone()].into_iter().collect())?);
    }
    Ok(out)
}

/// An integer index counted from 0, or NumPy's `IndexError`.
pub(super) fn position(b: &mut Builder, index: &Dim, axis: usize, size: &Dim) -> Result<Dim> {
    let one = Dim::known(1);
    let from_start = b.assume_at_most(&Dim::known(0), index);
    let start = if from_start {
        index.clone()
    } else {
        size.clone() + index.clone()
    };
    let inside = if from_start {
        b.assume_at_most(&(index.clone() + one), size)
    } else {
        b.assume_at_most(&Dim::known(0), &start)
    };
    if inside {
        Ok(start)
    } else {
        Err(Error::raises(
            Exception::Index,
            format!(
                "index {} is out of bounds for axis {axis} with size {}",
                shown(b, index),
                shown(b, size)
            ),
        ))
    }
}

/// `slice.indices`, for sizes known or not.
pub(super) fn resolve(b: &mut Builder, size: &Dim, slice: &[Arg; 3]) -> Result<Range> {
    let step = match &slice[2] {
        Arg::None => 1,
        step => known_integer(b, step, "a slice's step")?,
    };
    if step == 0 {
        return Err(Error::value("slice step cannot be zero"));
    }
    let (zero, one) = (Dim::known(0), Dim::known(1));
    let (lower, upper) = if step > 0 {
        (zero.clone(), size.clone())
    } else {
        (Dim::known(-1), size.clone() - one)
    };
    let mut bound = |arg: &Arg, missing: &Dim| -> Result<Dim> {
        if *arg == Arg::None {
            return Ok(missing.clone());
        }
        let mut value = slice_bound(b, arg)?;
        if !b.assume_at_most(&zero, &value) {
            value = value + size.clone();
            if !b.assume_at_most(&lower, &value) {
                return Ok(lower.clone());
            }
            return Ok(value);
        }
        if b.assume_at_most(&value, &upper) {
            Ok(value)
        } else {
            Ok(upper.clone())
        }
    };
    let (first, last) = if step > 0 {
        (&lower, &upper)
    } else {
        (&upper, &lower)
    };
    let start = bound(&slice[0], first)?;
    let stop = bound(&slice[1], last)?;
    let (low, high) = if step > 0 {
        (&start, &stop)
    } else {
        (&stop, &start)
    };
    if !b.assume_at_most(low, high) || low == high {
        return Ok(Range {
            start: zero,
            size: Dim::known(0),
            step: 1,
        });
    }
    let length = (high.clone() - low.clone()).ceil_div(step.abs());
    Ok(Range {
        start,
        size: length,
        step,
    })
}

/// The positions that a slice means whose bounds are values; none if they are known or sizes.
fn window(b: &mut Builder, size: &Dim, slice: &[Arg; 3]) -> Result<Option<NodeId>> {
    if !slice[..2].iter().any(|bound| is_computed(b, bound)) {
        return Ok(None);
    }
    let step = match &slice[2] {
        Arg::None => 1,
        step => known_integer(b, step, "a slice's step")?,
    };
    if step == 0 {
        return Err(Error::value("slice step cannot be zero"));
    }
    let n = b.recent_size(size.clone());
    let (zero, one) = (b.recent_size(Dim::known(0)), b.recent_size(Dim::known(1)));
    let (lower, upper) = match step > 0 {
        true => (zero, n),
        false => (
            b.recent_size(Dim::known(-1)),
            b.shared(E::Subtract, &[n, one])?,
        ),
    };
    let mut bound = |arg: &Arg, missing: NodeId| -> Result<NodeId> {
        if *arg == Arg::None {
            return Ok(missing);
        }
        let mut value = symbolic(b, arg)?.node;
        if b.aval(value).dtype != DType::I64 {
            value = b.cast(value, DType::I64)?;
        }
        if !b.is_natural(value) {
            let from_end = b.shared(E::Add, &[value, n])?;
            let negative = b.shared(E::Less, &[value, zero])?;
            value = b.shared(E::Where, &[negative, from_end, value])?;
            value = b.shared(E::Maximum, &[value, lower])?;
        }
        b.shared(E::Minimum, &[value, upper])
    };
    let (first, last) = match step > 0 {
        true => (lower, upper),
        false => (upper, lower),
    };
    let start = bound(&slice[0], first)?;
    let stop = bound(&slice[1], last)?;
    let (low, high) = match step > 0 {
        true => (start, stop),
        false => (stop, start),
    };
    let mut count = match integer(b, &number(low)).and_then(|d| d.as_known()) {
        Some(0) => high,
        _ => b.shared(E::Subtract, &[high, low])?,
    };
    if step.abs() != 1 {
        let more = b.recent_size(Dim::known(step.abs() - 1));
        let by = b.recent_size(Dim::known(step.abs()));
        count = b.shared(E::Add, &[count, more])?;
        count = b.shared(E::FloorDivide, &[count, by])?;
    }
    let mut index = b.add(Op::Arange, &[count])?;
    if step != 1 {
        let step = b.recent_size(Dim::known(step));
        index = b.shared(E::Multiply, &[index, step])?;
    }
    match integer(b, &number(start)).and_then(|d| d.as_known()) {
        Some(0) => Ok(Some(index)),
        _ => b.shared(E::Add, &[index, start]).map(Some),
    }
}

fn number(node: NodeId) -> Arg {
    let form = Form::Python;
    Arg::Array(Symbolic { node, form })
}

fn slice_bound(b: &Builder, arg: &Arg) -> Result<Dim> {
    match arg {
        Arg::Float(_) | Arg::Str(_) | Arg::Complex(_) => Err(Error::type_error(
            "slice indices must be integers or None or have an __index__ method",
        )),
        _ => dim(b, arg, "a slice's bound"),
    }
}

/// Whether a key reads a copy rather than a view.
pub fn reads_copy(b: &Builder, key: &Arg) -> bool {
    let is_advanced = |part: &Arg| match part {
        Arg::List(_) | Arg::Bool(_) => true,
        Arg::Array(x) => x.form == Form::Array || b.aval(x.node).dtype == DType::Bool,
        _ => false,
    };
    match key {
        Arg::Tuple(parts) => parts.iter().any(is_advanced),
        one => is_advanced(one),
    }
}
