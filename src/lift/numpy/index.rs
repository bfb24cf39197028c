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
use crate::ops::elementwise::check_literal;
use crate::ops::{Axes, Constant, Elementwise as E, Op, Range, Write, fits_into, show_shape};

/// A key, understood.
struct Plan {
    /// One range per axis of the array.
    ranges: SmallVec<[Range; 4]>,
    /// The shape after slicing, with integers' axes dropped and `None`s added.
    view: Shape,
    /// The axes of the view that are indexed by arrays, and the arrays.
    axes: Axes,
    indices: Vec<NodeId>,
    /// Where the indices' own axes go.
    at: usize,
    /// Whether a number is meant rather than an array of rank 0 (`x[0]`, not `x[0, ...]`).
    scalar: bool,
}

/// One part of a key.
enum Item {
    Int(Dim),
    Slice(Box<[Arg; 3]>),
    NewAxis,
    Ellipsis,
    /// An integer array, or an integer scalar that is a node.
    Array(NodeId),
}

impl Item {
    fn consumes(&self) -> usize {
        match self {
            Item::Int(_) | Item::Slice(_) | Item::Array(_) => 1,
            Item::NewAxis | Item::Ellipsis => 0,
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

fn read_view(b: &mut Builder, x: NodeId, plan: &Plan) -> Result<NodeId> {
    let whole = is_whole(b, x, &plan.ranges);
    let sliced = if whole {
        x
    } else {
        b.add(Op::Slice(plan.ranges.clone()), &[x])?
    };
    b.reshape(sliced, plan.view.clone())
}

fn is_whole(b: &Builder, x: NodeId, ranges: &[Range]) -> bool {
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

// Reading a key.

fn plan(b: &mut Builder, x: NodeId, key: &Arg) -> Result<Plan> {
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
    // Integers beside arrays are arrays of rank 0.
    let advanced = items
        .iter()
        .any(|i| matches!(i, Item::Array(n) if b.aval(*n).rank() > 0));
    let mut out = Plan {
        ranges: SmallVec::new(),
        view: Shape::new(),
        axes: Axes::new(),
        indices: vec![],
        at: 0,
        scalar: !any_ellipsis,
    };
    let mut rest = shape.len() - used;
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
            Item::Int(i) if !advanced => {
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
            Item::Array(index) => out.advance(&shape[axis], index),
        }
    }
    for dim in &shape[out.ranges.len()..] {
        out.ranges.push(Range::full(dim.clone()));
        out.view.push(dim.clone());
    }
    let adjacent = out.axes.windows(2).all(|w| w[1] == w[0] + 1);
    out.at = match out.axes.first() {
        Some(first) if adjacent => *first,
        _ => 0,
    };
    Ok(out)
}

impl Plan {
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
        Arg::None | Arg::Ellipsis => 0,
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
        Arg::Slice(slice) => items.push(Item::Slice(slice.clone())),
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
        // `x[True]` adds an axis of size 1, `x[False]` one of size 0.
        Arg::Bool(true) => items.push(Item::NewAxis),
        Arg::Bool(false) => {
            return Err(Error::unlifted("indexing", "False as an index"));
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
        return Err(Error::unlifted(
            "indexing",
            "a mask of rank 0; use numpy.where",
        ));
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
    for (i, size) in sizes.iter().enumerate() {
        if !b.assume_equal(&shape[axis + i], size) {
            return Err(Error::raises(
                Exception::Index,
                format!(
                    "boolean index did not match indexed array along axis {}; size of axis is {} but size of corresponding boolean axis is {size}",
                    axis + i,
                    shape[axis + i]
                ),
            ));
        }
    }
    items.extend(positions(b, mask)?.into_iter().map(Item::Array));
    Ok(())
}

/// `np.nonzero` of a mask: one index array per axis.
fn positions(b: &mut Builder, mask: NodeId) -> Result<Vec<NodeId>> {
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
            format!("index {index} is out of bounds for axis {axis} with size {size}"),
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

fn slice_bound(b: &Builder, arg: &Arg) -> Result<Dim> {
    match arg {
        Arg::Float(_) | Arg::Str(_) | Arg::Complex(_) => Err(Error::type_error(
            "slice indices must be integers or None or have an __index__ method",
        )),
        _ => dim(b, arg, "a slice's bound"),
    }
}

// Writing.

/// The array after `array[key] = value`.
///
/// # Errors
/// What NumPy raises for this key and value.
pub fn setitem(b: &mut Builder, array: NodeId, key: &Arg, value: &Arg) -> Result<NodeId> {
    let value = written(b, array, value)?;
    if let Some(done) = write_mask(b, array, key, value)? {
        return Ok(done);
    }
    write(b, array, key, value, Write::Set)
}

/// The array after `np.add.at(array, key, value)`.
///
/// # Errors
/// What NumPy raises for this key and value.
pub fn add_at(b: &mut Builder, array: NodeId, key: &Arg, value: &Arg) -> Result<NodeId> {
    let value = written(b, array, value)?;
    write(b, array, key, value, Write::Add)
}

/// The value under the array's dtype. NumPy writes floats into integers by truncation.
fn written(b: &mut Builder, target: NodeId, value: &Arg) -> Result<NodeId> {
    let x = symbolic(b, value)?;
    let (from, to) = (b.aval(x.node).dtype, b.aval(target).dtype);
    if from.is_complex() && !to.is_complex() {
        return Err(if b.aval(x.node).rank() == 0 {
            Error::type_error(format!(
                "{} argument must be a string or a real number, not 'complex'",
                if to.is_integer() { "int()" } else { "float()" }
            ))
        } else {
            Error::unlifted("assignment", "it discards the imaginary part")
        });
    }
    if let Op::Constant(Constant::Int(v)) = b.op(x.node)
        && b.aval(x.node).weak
    {
        check_literal(i128::from(*v), to)?;
    }
    convert(b, x.node, to)
}

/// `x[mask] = value` where the value does not depend on how many are true.
fn write_mask(b: &mut Builder, target: NodeId, key: &Arg, value: NodeId) -> Result<Option<NodeId>> {
    let key = match key {
        Arg::Tuple(parts) if parts.len() == 1 => &parts[0],
        other => other,
    };
    let mask = match key {
        Arg::Array(_) => array(b, key)?,
        Arg::List(items) if matches!(items.first(), Some(Arg::Bool(_))) => array(b, key)?,
        _ => return Ok(None),
    };
    let (aval, shape) = (b.aval(mask).clone(), b.aval(target).shape.clone());
    let inner = match shape.len().checked_sub(aval.rank()) {
        Some(inner) if aval.dtype == DType::Bool => inner,
        _ => return Ok(None),
    };
    let value_shape = b.aval(value).shape.clone();
    if value_shape.len() > inner {
        return Ok(None);
    }
    // Checks the mask's shape with NumPy's message.
    for (axis, size) in aval.shape.iter().enumerate() {
        if !b.assume_equal(&shape[axis], size) {
            return Err(Error::raises(
                Exception::Index,
                format!(
                    "boolean index did not match indexed array along axis {axis}; size of axis is {} but size of corresponding boolean axis is {size}",
                    shape[axis]
                ),
            ));
        }
    }
    let places: Vec<usize> = (aval.rank()..shape.len()).collect();
    let mask = expand(b, mask, &places)?;
    let value = fit(b, value, &shape[aval.rank()..].into())?;
    Ok(Some(b.elementwise(E::Where, &[mask, value, target])?))
}

fn write(b: &mut Builder, target: NodeId, key: &Arg, value: NodeId, kind: Write) -> Result<NodeId> {
    let plan = plan(b, target, key)?;
    let sliced: Shape = plan.ranges.iter().map(|r| r.size.clone()).collect();
    if plan.axes.is_empty() {
        let value = fit(b, value, &plan.view)?;
        if kind == Write::Set && is_whole(b, target, &plan.ranges) {
            return b.reshape(value, sliced);
        }
        return write_slice(b, target, &plan, value, kind);
    }
    let view = read_view(b, target, &plan)?;
    let selection = selection_shape(b, &plan)?;
    let value = fit(b, value, &selection)?;
    let mut operands = vec![view, value];
    operands.extend_from_slice(&plan.indices);
    let op = Op::Scatter {
        kind,
        axes: plan.axes.clone(),
        at: plan.at,
    };
    let scattered = b.add(op, &operands)?;
    if is_whole(b, target, &plan.ranges) {
        let shape = b.aval(target).shape.clone();
        return b.reshape(scattered, shape);
    }
    write_slice(b, target, &plan, scattered, Write::Set)
}

fn write_slice(
    b: &mut Builder,
    target: NodeId,
    plan: &Plan,
    value: NodeId,
    kind: Write,
) -> Result<NodeId> {
    let sliced: Shape = plan.ranges.iter().map(|r| r.size.clone()).collect();
    let value = b.reshape(value, sliced)?;
    let ranges = plan.ranges.clone();
    b.add(Op::SliceWrite { kind, ranges }, &[target, value])
}

/// The shape of what a gather by this plan gives.
fn selection_shape(b: &mut Builder, plan: &Plan) -> Result<Shape> {
    let shapes: Vec<Shape> = plan
        .indices
        .iter()
        .map(|i| b.aval(*i).shape.clone())
        .collect();
    let index = broadcast_shapes(b, &shapes)?;
    let kept = plan.view.iter().enumerate();
    let kept: Vec<Dim> = kept
        .filter(|(i, _)| !plan.axes.contains(i))
        .map(|(_, d)| d.clone())
        .collect();
    let mut out: Shape = kept[..plan.at].iter().cloned().collect();
    out.extend(index);
    out.extend(kept[plan.at..].iter().cloned());
    Ok(out)
}

/// A value broadcast to the places it is written to; leading axes of size 1 may be too many.
fn fit(b: &mut Builder, value: NodeId, wanted: &Shape) -> Result<NodeId> {
    let given = b.aval(value).shape.clone();
    let mut shape = given.clone();
    while shape.len() > wanted.len() && shape[0].is_one() {
        shape.remove(0);
    }
    fits_into(b, &shape, wanted).map_err(|_| no_fit(b, &given, wanted))?;
    let value = b.reshape(value, shape)?;
    b.broadcast_to(value, wanted.clone())
}

fn no_fit(b: &Builder, given: &Shape, wanted: &Shape) -> Box<Error> {
    Error::value(format!(
        "could not broadcast input array from shape {} into shape {}",
        show_shape(b, given),
        show_shape(b, wanted)
    ))
}

// Functions.

/// `np.nonzero(x)`.
pub(super) fn nonzero(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = array(call.b, &arg)?;
    nonzero_of(call.b, x)
}

pub(super) fn nonzero_of(b: &mut Builder, x: NodeId) -> Result<Arg> {
    if b.aval(x).rank() == 0 {
        return Err(Error::value(
            "Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead. If the context of this error is of the form `arr[nonzero(cond)]`, just use `arr[cond]`.",
        ));
    }
    let mask = super::ufunc::truth(b, x)?;
    let found = positions(b, mask)?;
    Ok(Arg::Tuple(found.into_iter().map(as_array).collect()))
}

/// `np.argwhere(x)`.
pub(super) fn arg_where(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = array(call.b, &arg)?;
    if call.b.aval(x).rank() == 0 {
        return Err(call.unlifted("arrays of rank 0"));
    }
    let mask = super::ufunc::truth(call.b, x)?;
    let node = call.b.add(Op::ArgWhere, &[mask])?;
    Ok(as_array(node))
}

/// `np.flatnonzero(x)`.
pub(super) fn flat_nonzero(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = array(call.b, &arg)?;
    let flat = ravel(call.b, x)?;
    let mask = super::ufunc::truth(call.b, flat)?;
    let found = positions(call.b, mask)?;
    Ok(as_array(found[0]))
}

/// `np.take(a, indices, axis, mode)`.
pub(super) fn take(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let mut x = array(call.b, &arg)?;
    let indices = call.arg("indices");
    let mut indices = array(call.b, &indices)?;
    if !call.b.aval(indices).dtype.is_integer() {
        return Err(Error::type_error(format!(
            "Cannot cast array data from dtype('{}') to dtype('int64') according to the rule 'safe'",
            call.b.aval(indices).dtype
        )));
    }
    let at = match call.arg("axis") {
        Arg::None => {
            x = ravel(call.b, x)?;
            0
        }
        given => {
            if call.b.aval(x).rank() == 0 {
                x = ravel(call.b, x)?;
            }
            let rank = call.b.aval(x).rank();
            axis(call.b, &given, rank)?
        }
    };
    let size = call.b.aval(x).shape[at].clone();
    if size.as_known() == Some(0) && call.b.aval(indices).size().as_known() != Some(0) {
        return Err(Error::raises(
            Exception::Index,
            "cannot do a non-empty take from an empty axes.",
        ));
    }
    let size = call.b.size(size);
    match call.arg("mode") {
        Arg::Str(mode) if mode == "raise" => {}
        Arg::Str(mode) if mode == "wrap" => {
            indices = binary(call.b, E::Remainder, indices, size)?;
        }
        Arg::Str(mode) if mode == "clip" => {
            let (zero, one) = (call.b.int(0), call.b.int(1));
            let last = binary(call.b, E::Subtract, size, one)?;
            indices = binary(call.b, E::Maximum, indices, zero)?;
            indices = binary(call.b, E::Minimum, indices, last)?;
        }
        _ => return Err(call.unlifted("this `mode`")),
    }
    let node = gather(call.b, x, &[at], at, &[indices])?;
    Ok(scalar_or_array(call.b, node))
}

/// `np.take_along_axis(arr, indices, axis)`.
pub(super) fn take_along_axis(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("arr");
    let mut x = array(call.b, &arg)?;
    let indices = call.arg("indices");
    let indices = array(call.b, &indices)?;
    let at = match call.arg("axis") {
        Arg::None => {
            x = ravel(call.b, x)?;
            0
        }
        given => {
            let rank = call.b.aval(x).rank();
            axis(call.b, &given, rank)?
        }
    };
    if !call.b.aval(indices).dtype.is_integer() {
        return Err(Error::raises(
            Exception::Index,
            "`indices` must be an integer array",
        ));
    }
    if call.b.aval(indices).rank() != call.b.aval(x).rank() {
        return Err(Error::value(
            "`indices` and `arr` must have the same number of dimensions",
        ));
    }
    let node = along(call.b, x, indices, at)?;
    Ok(as_array(node))
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

/// `np.compress(condition, a, axis)`, `np.extract(condition, arr)`.
pub(super) fn compress(call: &mut Call<'_>) -> Result<Arg> {
    let condition = call.arg("condition");
    let condition = array(call.b, &condition)?;
    let condition = super::ufunc::truth(call.b, condition)?;
    let arg = call.arg("a");
    let mut x = array(call.b, &arg)?;
    let at = match call.arg("axis") {
        Arg::None => {
            x = ravel(call.b, x)?;
            0
        }
        given => {
            let rank = call.b.aval(x).rank();
            axis(call.b, &given, rank)?
        }
    };
    let flat = ravel(call.b, condition)?;
    let found = positions(call.b, flat)?;
    let node = gather(call.b, x, &[at], at, &found)?;
    Ok(as_array(node))
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
