//! Arrays made from nothing, from numbers, or in the likeness of others; questions about arrays.
//!
//! In: a bound call. Out: constants, iotas and broadcasts.
//! `np.zeros((n, 3))` is a broadcast scalar; `np.arange(n)` is an iota; `np.array([x, y])` joins.

use super::argument::*;
use super::diagonal::lower_mask;
use super::signature::Call;
use super::{Arg, Form};
use crate::error::{Error, Result};
use crate::eval::value::Value;
use crate::graph::{Aval, Builder, DType, Dim, NodeId, Shape};
use crate::ops::elementwise::check_literal;
use crate::ops::{Constant, Elementwise as E, Op, Range, Write, fits_into};

/// Constants of more elements than this are computed when run.
const LARGEST_TABLE: i64 = 1 << 12;

// Filled arrays.

/// `np.zeros`, `np.ones`, `np.empty`: an empty array is zeros, since it may be anything.
pub(super) fn filled(call: &mut Call<'_>, value: f64) -> Result<Arg> {
    let wanted = call.arg("shape");
    let wanted = shape(call.b, &wanted)?;
    let d = dtype(&call.arg("dtype"))?.unwrap_or(DType::F64);
    Ok(as_array(call.b.full(value, d, wanted)?))
}

/// `np.zeros_like` and its like.
pub(super) fn filled_like(call: &mut Call<'_>, value: f64) -> Result<Arg> {
    let (d, wanted) = likeness(call)?;
    Ok(as_array(call.b.full(value, d, wanted)?))
}

fn likeness(call: &mut Call<'_>) -> Result<(DType, Shape)> {
    let arg = call.arg("a");
    let x = array(call.b, &arg)?;
    let aval = call.b.aval(x).clone();
    let d = dtype(&call.arg("dtype"))?.unwrap_or(aval.dtype);
    let wanted = match call.arg("shape") {
        Arg::None => aval.shape,
        given => shape(call.b, &given)?,
    };
    Ok((d, wanted))
}

/// `np.full(shape, fill_value, dtype)`.
pub(super) fn full(call: &mut Call<'_>) -> Result<Arg> {
    let wanted = call.arg("shape");
    let wanted = shape(call.b, &wanted)?;
    let value = call.arg("fill_value");
    let value = array(call.b, &value)?;
    let d = dtype(&call.arg("dtype"))?.unwrap_or(call.b.aval(value).dtype);
    fill(call, value, d, wanted)
}

/// `np.full_like(a, fill_value, dtype, shape)`.
pub(super) fn full_like(call: &mut Call<'_>) -> Result<Arg> {
    let (d, wanted) = likeness(call)?;
    let value = call.arg("fill_value");
    let value = array(call.b, &value)?;
    fill(call, value, d, wanted)
}

fn fill(call: &mut Call<'_>, value: NodeId, d: DType, wanted: Shape) -> Result<Arg> {
    let value = convert(call.b, value, d)?;
    let have = call.b.aval(value).shape.clone();
    fits_into(call.b, &have, &wanted)?;
    Ok(as_array(call.b.broadcast_to(value, wanted)?))
}

/// `np.eye(N, M, k, dtype)`, `np.identity(n, dtype)`.
pub(super) fn eye(call: &mut Call<'_>) -> Result<Arg> {
    let n = call.arg("N");
    let n = dim(call.b, &n, "N")?;
    let m = match call.arg("M") {
        Arg::None => n.clone(),
        m => dim(call.b, &m, "M")?,
    };
    let k = call.arg("k");
    let k = dim(call.b, &k, "k")?;
    let d = dtype(&call.arg("dtype"))?.unwrap_or(DType::F64);
    let (i, j) = (iota(call.b, n, 0, 2)?, iota(call.b, m, 1, 2)?);
    let i = if k.as_known() == Some(0) {
        i
    } else {
        let k = call.b.size(k);
        binary(call.b, E::Add, i, k)?
    };
    let node = binary(call.b, E::Equal, i, j)?;
    Ok(as_array(convert(call.b, node, d)?))
}

/// `np.tri(N, M, k, dtype)`.
pub(super) fn tri(call: &mut Call<'_>) -> Result<Arg> {
    let n = call.arg("N");
    let n = dim(call.b, &n, "N")?;
    let m = match call.arg("M") {
        Arg::None => n.clone(),
        m => dim(call.b, &m, "M")?,
    };
    let k = call.arg("k");
    let k = dim(call.b, &k, "k")?;
    let d = dtype(&call.arg("dtype"))?.unwrap_or(DType::F64);
    let node = lower_mask(call.b, n, m, &k)?;
    Ok(as_array(convert(call.b, node, d)?))
}

// Ranges.

/// `np.arange(start, stop, step, dtype)`.
pub(super) fn arange(call: &mut Call<'_>) -> Result<Arg> {
    let mut start = call.arg("start");
    let mut stop = call.arg("stop");
    if stop == Arg::None {
        (start, stop) = (Arg::Int(0), start);
    }
    let step = match call.arg("step") {
        Arg::None => Arg::Int(1),
        step => step,
    };
    let wanted = dtype(&call.arg("dtype"))?;
    let integers = [&start, &stop, &step].map(|a| integer(call.b, a));
    if let [Some(start), Some(stop), Some(step)] = integers {
        let d = wanted.unwrap_or(DType::I64);
        return integer_range(call, &start, &stop, &step, d);
    }
    if let Some(found) = counted_range(call, &start, &stop, &step, wanted)? {
        return Ok(found);
    }
    let mut numbers = [0.0; 3];
    for (number, arg) in numbers.iter_mut().zip([&start, &stop, &step]) {
        *number = known_float(call.b, arg)?;
    }
    float_range(call, numbers, wanted)
}

/// `arange` of computed numbers: how many there are is found by each run.
fn counted_range(
    call: &mut Call<'_>,
    start: &Arg,
    stop: &Arg,
    step: &Arg,
    wanted: Option<DType>,
) -> Result<Option<Arg>> {
    let computed = |arg: &Arg| match arg {
        Arg::Array(x) => {
            integer(call.b, arg).is_none() && !matches!(call.b.op(x.node), Op::Constant(_))
        }
        _ => false,
    };
    if ![start, stop, step].into_iter().any(computed) {
        return Ok(None);
    }
    let (mut bounds, mut numbers) = (Vec::new(), Vec::new());
    for arg in [start, stop, step] {
        let bound = symbolic(call.b, arg)?;
        if call.b.aval(bound.node).rank() > 0 {
            return Ok(None);
        }
        numbers.push(bound);
        bounds.push(bound.node);
    }
    // Never less than a default integer.
    let dtype = common_dtype(call.b, &numbers).promote(DType::I64);
    let is_unit = integer(call.b, step).and_then(|step| step.as_known()) == Some(1);
    let values = if dtype.is_integer() && dtype != DType::U64 && is_unit {
        let [start, stop, _] = cast_all(call.b, &bounds, DType::I64)?;
        let count = call.b.elementwise(E::Subtract, &[stop, start])?;
        let from_zero = call.b.add(Op::Arange, &[count])?;
        call.b.elementwise(E::Add, &[from_zero, start])?
    } else if dtype == DType::F64 && wanted.is_none_or(|d| d == dtype) {
        // As NumPy: multiples of what lies between the first and the second.
        let [start, stop, step] = cast_all(call.b, &bounds, dtype)?;
        let length = call.b.elementwise(E::Subtract, &[stop, start])?;
        let count = call.b.elementwise(E::Divide, &[length, step])?;
        let count = call.b.elementwise(E::Ceil, &[count])?;
        let count = call.b.cast(count, DType::I64)?;
        let from_zero = call.b.add(Op::Arange, &[count])?;
        let from_zero = call.b.cast(from_zero, dtype)?;
        let second = call.b.elementwise(E::Add, &[start, step])?;
        let delta = call.b.elementwise(E::Subtract, &[second, start])?;
        let offset = call.b.elementwise(E::Multiply, &[from_zero, delta])?;
        call.b.elementwise(E::Add, &[offset, start])?
    } else {
        return Ok(None);
    };
    let all = call.b.cast(values, wanted.unwrap_or(dtype))?;
    Ok(Some(as_array(all)))
}

fn cast_all(b: &mut Builder, nodes: &[NodeId], dtype: DType) -> Result<[NodeId; 3]> {
    let mut out = [nodes[0]; 3];
    for (out, &node) in out.iter_mut().zip(nodes) {
        *out = b.cast(node, dtype)?;
    }
    Ok(out)
}

/// A number that Python must know.
fn known_float(b: &mut Builder, arg: &Arg) -> Result<f64> {
    if let Some(dim) = integer(b, arg) {
        let known = b.concretize(&dim);
        return known.map(|k| k as f64).ok_or_else(|| needs_value("arange"));
    }
    match arg {
        Arg::Float(v) => Ok(*v),
        Arg::Array(x) => match b.op(x.node) {
            Op::Constant(Constant::Float(v)) => Ok(*v),
            _ => Err(needs_value("arange")),
        },
        _ => Err(Error::type_error(
            "arange() requires numbers as its arguments",
        )),
    }
}

fn integer_range(
    call: &mut Call<'_>,
    start: &Dim,
    stop: &Dim,
    step: &Dim,
    d: DType,
) -> Result<Arg> {
    let step = call
        .b
        .concretize(step)
        .ok_or_else(|| needs_value("arange"))?;
    if step == 0 {
        return Err(Error::raises(
            crate::error::Exception::ZeroDivision,
            "division by zero",
        ));
    }
    let (low, high) = if step > 0 {
        (start, stop)
    } else {
        (stop, start)
    };
    let size = if call.b.assume_at_most(low, high) {
        (high.clone() - low.clone()).ceil_div(step.abs())
    } else {
        Dim::known(0)
    };
    if d == DType::Bool {
        return Err(call.unlifted("dtype=bool"));
    }
    let mut node = call.b.add(Op::Iota { size, dtype: d }, &[])?;
    if step != 1 {
        let step = call.b.int(step);
        node = binary(call.b, E::Multiply, node, step)?;
    }
    if start.as_known() != Some(0) {
        let start = call.b.size(start.clone());
        node = binary(call.b, E::Add, node, start)?;
    }
    Ok(as_array(convert(call.b, node, d)?))
}

/// NumPy fills a range of floats from its first two elements.
fn float_range(
    call: &mut Call<'_>,
    [start, stop, step]: [f64; 3],
    d: Option<DType>,
) -> Result<Arg> {
    let d = d.unwrap_or(DType::F64);
    let length = ((stop - start) / step).ceil();
    if !length.is_finite() || length > i64::MAX as f64 {
        return Err(Error::value("Maximum allowed size exceeded"));
    }
    let size = (length.max(0.0)) as i64;
    let b = &mut *call.b;
    if d.is_integer() {
        let (first, second) = (start as i64, (start + step) as i64);
        let line = b.add(
            Op::Iota {
                size: Dim::known(size),
                dtype: d,
            },
            &[],
        )?;
        let (delta, first) = (b.int(second - first), b.int(first));
        let scaled = binary(b, E::Multiply, line, delta)?;
        return Ok(as_array(binary(b, E::Add, scaled, first)?));
    }
    let single = |x: f64| {
        if d.real() == DType::F32 {
            f64::from(x as f32)
        } else {
            x
        }
    };
    let first = single(start);
    let delta = single(single(start + step) - first);
    let dtype = d.real();
    let line = b.add(
        Op::Iota {
            size: Dim::known(size),
            dtype,
        },
        &[],
    )?;
    let (delta, first) = (b.float(delta), b.float(first));
    let scaled = binary(b, E::Multiply, line, delta)?;
    let node = binary(b, E::Add, scaled, first)?;
    Ok(as_array(convert(b, node, d)?))
}

/// The points of `np.linspace`.
struct Grid {
    start: Arg,
    stop: Arg,
    num: Dim,
    endpoint: bool,
}

impl Grid {
    fn new(call: &mut Call<'_>) -> Result<Grid> {
        let num = call.arg("num");
        let num = dim(call.b, &num, "num")?;
        if let Some(k) = num.as_known()
            && k < 0
        {
            return Err(Error::value(format!(
                "Number of samples, {k}, must be non-negative."
            )));
        }
        Ok(Grid {
            start: call.arg("start"),
            stop: call.arg("stop"),
            num,
            endpoint: call.flag("endpoint")?,
        })
    }

    /// The points along axis 0, and the step between them.
    fn points(&self, b: &mut Builder) -> Result<(NodeId, NodeId)> {
        if let Some(table) = self.table(b) {
            return Ok(table);
        }
        let [start, stop] = self.ends(b)?;
        let delta = binary(b, E::Subtract, stop, start)?;
        let intervals = if self.endpoint {
            self.num.clone() - Dim::known(1)
        } else {
            self.num.clone()
        };
        let rank = b.aval(delta).rank();
        let line = b.add(
            Op::Iota {
                size: self.num.clone(),
                dtype: b.aval(delta).dtype.real(),
            },
            &[],
        )?;
        let mut column: Shape = (0..=rank).map(|_| Dim::known(1)).collect();
        column[0] = self.num.clone();
        let line = b.reshape(line, column)?;
        let several = b.assume_at_most(&Dim::known(1), &intervals);
        let step = if several {
            let count = b.size(intervals);
            binary(b, E::Divide, delta, count)?
        } else {
            delta
        };
        let scaled = binary(b, E::Multiply, line, step)?;
        let mut node = binary(b, E::Add, scaled, start)?;
        if self.endpoint && several {
            node = replace_row(b, node, self.num.clone() - Dim::known(1), stop)?;
        }
        Ok((node, step))
    }

    /// Both ends as floats; a Python number takes the dtype of the other end.
    fn ends(&self, b: &mut Builder) -> Result<[NodeId; 2]> {
        let mut ends = [
            symbolic(b, &self.start)?.node,
            symbolic(b, &self.stop)?.node,
        ];
        let avals = ends.map(|end| b.aval(end).clone());
        for (k, end) in ends.iter_mut().enumerate() {
            let (own, other) = (&avals[k], &avals[1 - k]);
            *end = match own.weak && !other.weak && other.dtype.is_inexact() {
                true => convert(b, *end, other.dtype.promote_weak(own.dtype.kind()))?,
                false => strong(b, *end)?,
            };
            *end = inexact(b, *end)?;
        }
        Ok(ends)
    }

    /// All points at once, if they are known.
    fn table(&self, b: &mut Builder) -> Option<(NodeId, NodeId)> {
        let number = |arg: &Arg| match arg {
            Arg::Int(v) => Some(*v as f64),
            Arg::Float(v) => Some(*v),
            _ => None,
        };
        let (start, stop) = (number(&self.start)?, number(&self.stop)?);
        let num = self.num.as_known().filter(|k| *k <= LARGEST_TABLE)?;
        let intervals = if self.endpoint { num - 1 } else { num };
        let delta = stop - start;
        let step = if intervals > 0 {
            delta / intervals as f64
        } else {
            f64::NAN
        };
        let point = |i: i64| {
            let i_f = i as f64;
            if self.endpoint && num > 1 && i == num - 1 {
                stop
            } else if intervals <= 0 {
                i_f * delta + start
            } else if step == 0.0 {
                i_f / intervals as f64 * delta + start
            } else {
                i_f * step + start
            }
        };
        let points: Vec<f64> = (0..num).map(point).collect();
        let node = array_constant(b, Value::from_slice(&points, &[points.len()]));
        let step = b.constant(Constant::Float(step), Aval::scalar(DType::F64));
        Some((node, step))
    }
}

/// `x` with row `at` replaced.
fn replace_row(b: &mut Builder, x: NodeId, at: Dim, row: NodeId) -> Result<NodeId> {
    let aval = b.aval(x).clone();
    let mut shape = aval.shape.clone();
    shape[0] = Dim::known(1);
    let row = convert(b, row, aval.dtype)?;
    let row = b.broadcast_to(row, shape)?;
    let mut ranges: smallvec::SmallVec<[Range; 4]> =
        aval.shape.into_iter().map(Range::full).collect();
    ranges[0] = Range {
        start: at,
        size: Dim::known(1),
        step: 1,
    };
    let kind = Write::Set;
    b.add(Op::SliceWrite { kind, ranges }, &[x, row])
}

/// `np.linspace(start, stop, num, endpoint, retstep, dtype, axis)`.
pub(super) fn linspace(call: &mut Call<'_>) -> Result<Arg> {
    let grid = Grid::new(call)?;
    let (mut node, step) = grid.points(call.b)?;
    if let Some(d) = dtype(&call.arg("dtype"))? {
        if d.is_integer() {
            node = unary(call.b, E::Floor, node)?;
        }
        node = convert(call.b, node, d)?;
    }
    let node = place_axis(call, node)?;
    if call.flag("retstep")? {
        let step = scalar_or_array(call.b, step);
        return Ok(Arg::Tuple(vec![as_array(node), step]));
    }
    Ok(as_array(node))
}

/// Moves the points from axis 0 to where `axis=` wants them.
fn place_axis(call: &mut Call<'_>, node: NodeId) -> Result<NodeId> {
    let rank = call.b.aval(node).rank();
    let given = call.arg("axis");
    let to = axis(call.b, &given, rank)?;
    let mut perm: crate::ops::Axes = (1..rank).collect();
    perm.insert(to, 0);
    call.b.transpose(node, perm)
}

/// `np.logspace(start, stop, num, endpoint, base, dtype, axis)`.
pub(super) fn logspace(call: &mut Call<'_>) -> Result<Arg> {
    let grid = Grid::new(call)?;
    let base = call.arg("base");
    let (points, _) = grid.points(call.b)?;
    let base = symbolic(call.b, &base)?;
    if call.b.aval(base.node).rank() > 0 {
        return Err(call.unlifted("an array as `base`"));
    }
    let mut node = binary(call.b, E::Power, base.node, points)?;
    if let Some(d) = dtype(&call.arg("dtype"))? {
        node = convert(call.b, node, d)?;
    }
    Ok(as_array(place_axis(call, node)?))
}

/// `np.geomspace(start, stop, num, endpoint, dtype, axis)` of real numbers.
pub(super) fn geomspace(call: &mut Call<'_>) -> Result<Arg> {
    let mut grid = Grid::new(call)?;
    // NumPy's default dtype takes part in it.
    let [start, stop] = grid.ends(call.b)?.map(|end| {
        let dtype = call.b.aval(end).dtype.promote(DType::F64);
        convert(call.b, end, dtype)
    });
    let (start, stop) = (start?, stop?);
    if call.b.aval(start).dtype.is_complex() || call.b.aval(stop).dtype.is_complex() {
        return Err(call.unlifted("complex numbers"));
    }
    let b = &mut *call.b;
    let sign = unary(b, E::Sign, start)?;
    let (from, to) = (
        binary(b, E::Divide, start, sign)?,
        binary(b, E::Divide, stop, sign)?,
    );
    grid.start = as_array(unary(b, E::Log10, from)?);
    grid.stop = as_array(unary(b, E::Log10, to)?);
    let (points, _) = grid.points(b)?;
    let ten = b.float(10.0);
    let mut node = binary(b, E::Power, ten, points)?;
    if b.assume_at_most(&Dim::known(1), &grid.num) {
        node = replace_row(b, node, Dim::known(0), from)?;
        if grid.endpoint && b.assume_at_most(&Dim::known(2), &grid.num) {
            node = replace_row(b, node, grid.num.clone() - Dim::known(1), to)?;
        }
    }
    node = binary(b, E::Multiply, node, sign)?;
    if let Some(d) = dtype(&call.arg("dtype"))? {
        node = convert(call.b, node, d)?;
    }
    Ok(as_array(place_axis(call, node)?))
}

/// `np.meshgrid(*xi, indexing)`.
pub(super) fn meshgrid(call: &mut Call<'_>) -> Result<Arg> {
    let list = call.rest();
    let rank = list.len();
    let cartesian = match call.arg("indexing") {
        Arg::Str(s) if s == "xy" => true,
        Arg::Str(s) if s == "ij" => false,
        _ => {
            return Err(Error::value(
                "Valid values for `indexing` are 'xy' and 'ij'.",
            ));
        }
    };
    let sparse = call.flag("sparse")?;
    let mut lines = Vec::with_capacity(rank);
    for (i, item) in list.iter().enumerate() {
        let x = array(call.b, item)?;
        let at = match (cartesian && rank > 1, i) {
            (true, 0) => 1,
            (true, 1) => 0,
            _ => i,
        };
        let mut shape: Shape = (0..rank).map(|_| Dim::known(1)).collect();
        shape[at] = call.b.aval(x).size();
        lines.push(call.b.reshape(x, shape)?);
    }
    let shapes: Vec<Shape> = lines
        .iter()
        .map(|n| call.b.aval(*n).shape.clone())
        .collect();
    let common = broadcast_shapes(call.b, &shapes)?;
    let mut out = Vec::with_capacity(rank);
    for line in lines {
        out.push(as_array(if sparse {
            line
        } else {
            call.b.broadcast_to(line, common.clone())?
        }));
    }
    Ok(Arg::Tuple(out))
}

/// `np.vander(x, N, increasing)`.
pub(super) fn vander(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("x");
    let x = array(call.b, &arg)?;
    if call.b.aval(x).rank() != 1 {
        return Err(Error::value(
            "x must be a one-dimensional array or sequence.",
        ));
    }
    let n = call.b.aval(x).shape[0].clone();
    let columns = match call.arg("N") {
        Arg::None => n,
        given => dim(call.b, &given, "N")?,
    };
    let d = call.b.aval(x).dtype.promote(DType::I64);
    let x = convert(call.b, x, d)?;
    let x = expand(call.b, x, &[1])?;
    let mut powers = iota(call.b, columns.clone(), 0, 1)?;
    if !call.flag("increasing")? {
        let last = call.b.size(columns - Dim::known(1));
        powers = binary(call.b, E::Subtract, last, powers)?;
    }
    let node = binary(call.b, E::Power, x, powers)?;
    Ok(as_array(convert(call.b, node, d)?))
}

// Conversion.

/// `np.array`, `np.asarray` and their like.
pub(super) fn as_array_of(call: &mut Call<'_>) -> Result<Arg> {
    let given = call.arg("object");
    let mut node = array(call.b, &given)?;
    if let Some(d) = dtype(&call.arg("dtype"))? {
        if let Arg::Int(v) = &given {
            check_literal(i128::from(*v), d)?;
        }
        node = convert(call.b, node, d)?;
    }
    let rank = call.arg("ndmin");
    let rank = known_integer(call.b, &rank, "ndmin")?;
    while (call.b.aval(node).rank() as i64) < rank {
        node = expand(call.b, node, &[0])?;
    }
    Ok(as_array(node))
}

/// `np.ascontiguousarray`: at least one axis.
pub(super) fn as_contiguous(call: &mut Call<'_>) -> Result<Arg> {
    let given = call.arg("a");
    let mut node = array(call.b, &given)?;
    if let Some(d) = dtype(&call.arg("dtype"))? {
        node = convert(call.b, node, d)?;
    }
    if call.b.aval(node).rank() == 0 {
        node = expand(call.b, node, &[0])?;
    }
    Ok(as_array(node))
}

/// `np.asarray_chkfinite` would look at values; `np.require` and `np.asanyarray` do not.
pub(super) fn require(call: &mut Call<'_>) -> Result<Arg> {
    let given = call.arg("a");
    let mut node = array(call.b, &given)?;
    if let Some(d) = dtype(&call.arg("dtype"))? {
        node = convert(call.b, node, d)?;
    }
    call.arg("requirements");
    Ok(as_array(node))
}

// Questions.

pub(super) fn shape_of(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = symbolic(call.b, &arg)?;
    let shape = call.b.aval(x.node).shape.clone();
    Ok(Arg::Tuple(shape.into_iter().map(size).collect()))
}

pub(super) fn rank_of(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = symbolic(call.b, &arg)?;
    Ok(Arg::Int(call.b.aval(x.node).rank() as i64))
}

pub(super) fn size_of(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = symbolic(call.b, &arg)?;
    let shape = call.b.aval(x.node).shape.clone();
    let axes = match call.arg("axis") {
        Arg::None => (0..shape.len()).collect(),
        given => axes(call.b, &given, shape.len())?,
    };
    let sizes = axes.iter().map(|&a| shape[a].clone());
    Ok(size(sizes.fold(Dim::known(1), |a, b| a * b)))
}

pub(super) fn dtype_of(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = symbolic(call.b, &arg)?;
    Ok(Arg::DType(call.b.aval(x.node).dtype))
}

pub(super) fn item_size(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = symbolic(call.b, &arg)?;
    Ok(Arg::Int(call.b.aval(x.node).dtype.size() as i64))
}

pub(super) fn byte_size(call: &mut Call<'_>) -> Result<Arg> {
    let arg = call.arg("a");
    let x = symbolic(call.b, &arg)?;
    let aval = call.b.aval(x.node);
    Ok(size(aval.size() * Dim::from(aval.dtype.size())))
}

/// `np.iscomplexobj`, `np.isrealobj`.
pub(super) fn is_complex_object(call: &mut Call<'_>, wanted: bool) -> Result<Arg> {
    let arg = call.arg("x");
    let x = symbolic(call.b, &arg)?;
    let is_complex = call.b.aval(x.node).dtype.is_complex();
    Ok(Arg::Bool(is_complex == wanted))
}

/// `np.isscalar`.
pub(super) fn is_scalar(call: &mut Call<'_>) -> Result<Arg> {
    Ok(Arg::Bool(match call.arg("element") {
        Arg::Array(x) => x.form != Form::Array,
        Arg::Bool(_)
        | Arg::Int(_)
        | Arg::Float(_)
        | Arg::Complex(_)
        | Arg::Str(_)
        | Arg::Dim(_) => true,
        Arg::Other(_) => return Err(call.unlifted("an object that is no number")),
        _ => false,
    }))
}

/// `np.result_type(*arrays_and_dtypes)`.
pub(super) fn result_type_of(call: &mut Call<'_>) -> Result<Arg> {
    let mut avals = Vec::new();
    for arg in call.rest() {
        avals.push(match &arg {
            Arg::DType(_) | Arg::Str(_) => match dtype(&arg)? {
                Some(d) => Aval::scalar(d),
                None => return Err(Error::type_error("None is not a data type")),
            },
            other => {
                let x = symbolic(call.b, other)?;
                seen(call.b, x)
            }
        });
    }
    if avals.is_empty() {
        return Err(Error::value("at least one array or dtype is required"));
    }
    let all: Vec<&Aval> = avals.iter().collect();
    Ok(Arg::DType(crate::graph::result_type(&all).0))
}

/// `np.promote_types(type1, type2)`.
pub(super) fn promote_types(call: &mut Call<'_>) -> Result<Arg> {
    let (a, c) = (dtype(&call.arg("type1"))?, dtype(&call.arg("type2"))?);
    let (a, c) = (a.unwrap_or(DType::F64), c.unwrap_or(DType::F64));
    Ok(Arg::DType(a.promote(c)))
}

/// `np.can_cast(from_, to, casting)`.
pub(super) fn can_cast(call: &mut Call<'_>) -> Result<Arg> {
    let from = match call.arg("from_") {
        Arg::Array(x) => call.b.aval(x.node).dtype,
        given => dtype(&given)?.unwrap_or(DType::F64),
    };
    let to = dtype(&call.arg("to"))?.unwrap_or(DType::F64);
    let safe = from.promote(to) == to;
    Ok(Arg::Bool(match call.arg("casting") {
        Arg::Str(rule) => match rule.as_str() {
            "no" | "equiv" => from == to,
            "safe" => safe,
            "same_kind" => {
                let loses_sign = from.is_integer() && !from.is_unsigned() && to.is_unsigned();
                safe || (from.kind() <= to.kind() && !loses_sign)
            }
            "unsafe" => true,
            _ => {
                return Err(Error::value(
                    "casting must be one of 'no', 'equiv', 'safe', 'same_kind', or 'unsafe'",
                ));
            }
        },
        _ => return Err(call.unlifted("this `casting`")),
    }))
}
