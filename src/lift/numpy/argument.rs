//! From arguments to what operations need: nodes, sizes, axes, dtypes; and back to results.
//!
//! In: an [`Arg`]. Out: a node, a [`Dim`], an axis... or NumPy's error.
//! `axis(b, &Arg::Int(-1), 2)` is `1`; `array(b, &Arg::List([1, 2]))` is a constant.

use num_complex::Complex64;

use super::{Arg, Form, Symbolic};
use crate::error::{Error, ErrorKind, Exception, Result};
use crate::eval::value::{Element, Value};
use crate::graph::{Aval, Builder, DType, Dim, Kind, NodeId, Shape, result_type};
use crate::ops::elementwise::literal_fits;
use crate::ops::{Axes, Constant, Elementwise, Op, Range, show_shape, try_broadcast};

use std::sync::Arc;

// Results.

/// What ufuncs and reductions give: a scalar where the rank is 0.
pub(super) fn scalar_or_array(b: &Builder, node: NodeId) -> Arg {
    let form = if b.aval(node).rank() == 0 {
        Form::Scalar
    } else {
        Form::Array
    };
    Arg::Array(Symbolic { node, form })
}

/// What functions that build or reshape arrays give: an array, whatever the rank.
pub(super) fn as_array(node: NodeId) -> Arg {
    Arg::Array(Symbolic {
        node,
        form: Form::Array,
    })
}

/// A Python number.
pub(super) fn as_python(node: NodeId) -> Arg {
    Arg::Array(Symbolic {
        node,
        form: Form::Python,
    })
}

/// A Python number as a weak node, on which arithmetic raises where Python's does.
pub(super) fn number_of_python(b: &mut Builder, node: NodeId) -> Result<NodeId> {
    let aval = b.aval(node);
    let own = DType::default_for(aval.dtype.kind());
    if aval.weak || aval.dtype != own || aval.rank() > 0 {
        return Ok(node);
    }
    match own {
        DType::I64 | DType::F64 => b.elementwise(Elementwise::Item, &[node]),
        _ => Ok(node),
    }
}

/// What methods like `x.conj()` and `x.T` give: the form of `x`, but never a Python number.
pub(super) fn like(b: &Builder, x: Symbolic, node: NodeId) -> Arg {
    match x.form {
        Form::Array => as_array(node),
        Form::Python | Form::Scalar => scalar_or_array(b, node),
    }
}

/// A size as Python sees it.
pub(super) fn size(dim: Dim) -> Arg {
    match dim.as_known() {
        Some(k) => Arg::Int(k),
        None => Arg::Dim(dim),
    }
}

// Arrays.

/// A node for any array-like, keeping Python numbers weak; lists become arrays.
pub(super) fn symbolic(b: &mut Builder, arg: &Arg) -> Result<Symbolic> {
    let python = |node| Symbolic {
        node,
        form: Form::Python,
    };
    Ok(match arg {
        Arg::Array(x) => *x,
        Arg::Bool(v) => python(b.constant(Constant::Bool(*v), Aval::weak(DType::Bool))),
        Arg::Int(v) => python(b.int(*v)),
        Arg::Float(v) => python(b.float(*v)),
        Arg::Complex(v) => python(b.constant(Constant::Complex(*v), Aval::weak(DType::C128))),
        Arg::Dim(dim) => python(b.size(dim.clone())),
        Arg::Tuple(items) | Arg::List(items) => Symbolic {
            node: nested(b, items)?,
            form: Form::Array,
        },
        Arg::None => return Err(not_an_array("None")),
        Arg::Ellipsis => return Err(not_an_array("Ellipsis")),
        Arg::Str(s) => return Err(not_an_array(&format!("'{s}'"))),
        Arg::DType(d) => return Err(not_an_array(d.name())),
        Arg::Slice(_) => return Err(not_an_array("a slice")),
        Arg::Other(words) => return Err(not_an_array(words)),
        Arg::Either(_) => return Err(not_an_array("a result that depends on values")),
    })
}

fn not_an_array(words: &str) -> Box<Error> {
    Error::unlifted(words, "it is not an array of numbers")
}

/// A node for any array-like that is not weak: what every function but ufuncs begins with.
pub(super) fn array(b: &mut Builder, arg: &Arg) -> Result<NodeId> {
    let x = symbolic(b, arg)?;
    strong(b, x.node)
}

/// The same number under its own dtype.
pub(super) fn strong(b: &mut Builder, node: NodeId) -> Result<NodeId> {
    let aval = b.aval(node);
    if !aval.weak {
        return Ok(node);
    }
    let dtype = aval.dtype;
    match b.op(node).clone() {
        Op::Constant(value) => Ok(b.constant(value, Aval::scalar(dtype))),
        _ => b.cast(node, dtype),
    }
}

/// Any number of array-likes under their common dtype. Python numbers count as arrays here.
pub(super) fn promoted(b: &mut Builder, args: &[Arg]) -> Result<Vec<NodeId>> {
    let mut nodes = Vec::with_capacity(args.len());
    for arg in args {
        nodes.push(array(b, arg)?);
    }
    let dtypes = nodes.iter().map(|n| b.aval(*n).dtype);
    let dtype = dtypes.reduce(DType::promote).unwrap_or(DType::F64);
    nodes.into_iter().map(|n| convert(b, n, dtype)).collect()
}

/// `astype`, done at once for constants.
pub(super) fn convert(b: &mut Builder, node: NodeId, dtype: DType) -> Result<NodeId> {
    let aval = b.aval(node);
    if aval.rank() == 0
        && let Op::Constant(value) = b.op(node).clone()
        && let Some(value) = convert_constant(&value, dtype)
    {
        if !aval.weak && aval.dtype == dtype {
            return Ok(node);
        }
        return Ok(b.constant(value, Aval::scalar(dtype)));
    }
    b.cast(node, dtype)
}

fn convert_constant(value: &Constant, dtype: DType) -> Option<Constant> {
    match (value, dtype.kind()) {
        (Constant::Bool(v), Kind::Bool) => Some(Constant::Bool(*v)),
        (Constant::Bool(v), Kind::Int) => Some(Constant::Int(i64::from(*v))),
        (Constant::Bool(v), Kind::Float) => Some(Constant::Float(f64::from(u8::from(*v)))),
        (Constant::Int(v), Kind::Int) if literal_fits(i128::from(*v), dtype) => {
            Some(Constant::Int(*v))
        }
        (Constant::Int(v), Kind::Bool) => Some(Constant::Bool(*v != 0)),
        (Constant::Int(v), Kind::Float) => Some(Constant::Float(round_to(dtype, *v as f64))),
        (Constant::Float(v), Kind::Float) => Some(Constant::Float(round_to(dtype, *v))),
        (Constant::Float(v), Kind::Complex) => {
            Some(Constant::Complex(round_to(dtype.real(), *v).into()))
        }
        (Constant::Complex(v), Kind::Complex) => {
            let part = |x| round_to(dtype.real(), x);
            Some(Constant::Complex(Complex64::new(part(v.re), part(v.im))))
        }
        _ => None,
    }
}

/// A float as the dtype stores it.
fn round_to(dtype: DType, value: f64) -> f64 {
    if dtype == DType::F32 {
        f64::from(value as f32)
    } else {
        value
    }
}

/// What an operand is to NEP 50: by what Python sees, not by how its node came about.
pub(super) fn seen(b: &Builder, x: Symbolic) -> Aval {
    let aval = b.aval(x.node);
    Aval {
        // A Python bool promotes as `np.bool` does.
        weak: x.form == Form::Python && aval.rank() == 0 && aval.dtype != DType::Bool,
        ..aval.clone()
    }
}

/// `np.result_type`.
pub(super) fn common_dtype(b: &Builder, xs: &[Symbolic]) -> DType {
    let avals: Vec<Aval> = xs.iter().map(|x| seen(b, *x)).collect();
    result_type(&avals.iter().collect::<Vec<_>>()).0
}

/// `np.array` of nested sequences.
fn nested(b: &mut Builder, items: &[Arg]) -> Result<NodeId> {
    let items = rows_alike(b, items)?;
    let mut sizes = Vec::new();
    let mut leaves = Vec::new();
    flatten(&items, 0, &mut sizes, &mut leaves)?;
    if leaves.is_empty() {
        let shape: Vec<usize> = sizes;
        let value = Value::zeros(DType::F64, &shape);
        return Ok(array_constant(b, value));
    }
    if let Some(value) = constant_value(&leaves, &sizes) {
        return Ok(array_constant(b, value));
    }
    let leaves = promoted(b, &leaves)?;
    let inner: Shape = b.aval(leaves[0]).shape.clone();
    let one: Shape = std::iter::once(Dim::known(1))
        .chain(inner.iter().cloned())
        .collect();
    let mut rows = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        if b.aval(leaf).rank() != inner.len() {
            return Err(inhomogeneous(&sizes));
        }
        rows.push(b.reshape(leaf, one.clone())?);
    }
    let stacked = concatenate(b, &rows, 0)?;
    let shape = sizes.iter().map(|s| Dim::from(*s)).chain(inner).collect();
    b.reshape(stacked, shape)
}

/// The items, with lists made arrays wherever they are among arrays.
fn rows_alike(b: &mut Builder, items: &[Arg]) -> Result<Vec<Arg>> {
    let mut alike = Vec::with_capacity(items.len());
    for item in items {
        alike.push(match item {
            Arg::List(inner) | Arg::Tuple(inner) => Arg::List(rows_alike(b, inner)?),
            other => other.clone(),
        });
    }
    let is_array = |arg: &Arg| matches!(arg, Arg::Array(x) if b.aval(x.node).rank() > 0);
    if alike.iter().any(is_array) {
        for item in &mut alike {
            if let Arg::List(inner) = item {
                let node = nested(b, inner)?;
                let form = super::Form::Array;
                *item = Arg::Array(Symbolic { node, form });
            }
        }
    }
    Ok(alike)
}

fn flatten(
    items: &[Arg],
    depth: usize,
    sizes: &mut Vec<usize>,
    leaves: &mut Vec<Arg>,
) -> Result<()> {
    if sizes.len() == depth {
        sizes.push(items.len());
    } else if sizes[depth] != items.len() {
        return Err(inhomogeneous(&sizes[..depth]));
    }
    for item in items {
        let deeper = sizes.len() > depth + 1;
        match item {
            Arg::List(inner) | Arg::Tuple(inner) if deeper || leaves.is_empty() => {
                flatten(inner, depth + 1, sizes, leaves)?;
            }
            leaf if !deeper && !matches!(leaf, Arg::List(_) | Arg::Tuple(_)) => {
                leaves.push(leaf.clone());
            }
            _ => return Err(inhomogeneous(&sizes[..=depth])),
        }
    }
    Ok(())
}

fn inhomogeneous(sizes: &[usize]) -> Box<Error> {
    let shape = tuple_text(sizes.iter());
    Error::value(format!(
        "setting an array element with a sequence. The requested array has an inhomogeneous shape after {} dimensions. The detected shape was {shape} + inhomogeneous part.",
        sizes.len()
    ))
}

/// The array, if every leaf is a number that is known.
fn constant_value(leaves: &[Arg], sizes: &[usize]) -> Option<Value> {
    let kind = leaves.iter().try_fold(Kind::Bool, |kind, leaf| {
        let of = match leaf {
            Arg::Bool(_) => Kind::Bool,
            Arg::Int(_) => Kind::Int,
            Arg::Float(_) => Kind::Float,
            Arg::Complex(_) => Kind::Complex,
            _ => return None,
        };
        Some(kind.max(of))
    })?;
    fn collect<T: Element>(
        leaves: &[Arg],
        sizes: &[usize],
        item: impl Fn(&Arg) -> Option<T>,
    ) -> Option<Value> {
        let items: Option<Vec<T>> = leaves.iter().map(item).collect();
        Some(Value::from_slice(&items?, sizes))
    }
    let int = |leaf: &Arg| match leaf {
        Arg::Bool(v) => Some(i64::from(*v)),
        Arg::Int(v) => Some(*v),
        _ => None,
    };
    let float = |leaf: &Arg| match leaf {
        Arg::Float(v) => Some(*v),
        other => int(other).map(|v| v as f64),
    };
    match kind {
        Kind::Bool => collect(leaves, sizes, |leaf| int(leaf).map(|v| v != 0)),
        Kind::Int => collect(leaves, sizes, int),
        Kind::Float => collect(leaves, sizes, float),
        Kind::Complex => collect(leaves, sizes, |leaf| match leaf {
            Arg::Complex(v) => Some(*v),
            other => float(other).map(Complex64::from),
        }),
    }
}

/// An array known when lifting.
pub(super) fn array_constant(b: &mut Builder, value: Value) -> NodeId {
    let shape: Vec<Dim> = value.shape.iter().map(|s| Dim::from(*s)).collect();
    let aval = Aval::new(value.dtype, shape);
    b.constant(Constant::Array(Arc::new(value)), aval)
}

/// The items of a sequence argument: of a tuple, a list, or an array along its first axis.
pub(super) fn items(b: &mut Builder, arg: &Arg) -> Result<Vec<Arg>> {
    match arg {
        Arg::Tuple(items) | Arg::List(items) => Ok(items.clone()),
        Arg::Array(x) if b.aval(x.node).rank() > 0 => {
            let first = b.aval(x.node).shape[0].clone();
            let Some(count) = b.concretize(&first) else {
                return Err(needs_value("the number of rows"));
            };
            let index = |i| super::index::getitem(b, *x, &Arg::Int(i));
            (0..count).map(index).collect()
        }
        _ => Err(Error::type_error("iteration over a 0-d array")),
    }
}

/// Joins along an axis; dtypes must agree already.
pub(super) fn concatenate(b: &mut Builder, parts: &[NodeId], axis: usize) -> Result<NodeId> {
    match parts {
        [one] => Ok(*one),
        _ => b.add(Op::Concatenate { axis }, parts),
    }
}

// Numbers.

/// `Unlifted`, because Python needs the value of an array.
pub(super) fn needs_value(construct: impl Into<String>) -> Box<Error> {
    Error::new(ErrorKind::NeedsValue {
        construct: construct.into(),
    })
}

/// A known or size-dependent integer, if this is one.
pub(super) fn integer(b: &Builder, arg: &Arg) -> Option<Dim> {
    match arg {
        Arg::Int(v) => Some(Dim::known(*v)),
        Arg::Bool(v) => Some(Dim::known(i64::from(*v))),
        Arg::Dim(dim) => Some(dim.clone()),
        Arg::Array(x) if b.aval(x.node).rank() == 0 => match b.op(x.node) {
            Op::Constant(Constant::Int(v)) => Some(Dim::known(*v)),
            Op::Size(dim) => Some(dim.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// An integer that Python must know.
pub(super) fn known_integer(b: &mut Builder, arg: &Arg, what: &str) -> Result<i64> {
    let dim = dim(b, arg, what)?;
    b.concretize(&dim).ok_or_else(|| needs_value(what))
}

/// An integer or a size.
pub(super) fn dim(b: &Builder, arg: &Arg, what: &str) -> Result<Dim> {
    if let Some(dim) = integer(b, arg) {
        return Ok(dim);
    }
    Err(match arg {
        Arg::Array(x) if b.aval(x.node).dtype.is_integer() => needs_value(what),
        Arg::Float(_) => Error::type_error("'float' object cannot be interpreted as an integer"),
        Arg::None => Error::type_error("'NoneType' object cannot be interpreted as an integer"),
        // What would take it in another way is NumPy's code, or the call raises there.
        Arg::Array(_) => Error::unlifted(what, "it is an array or not an integer"),
        _ => Error::type_error(format!("{what} must be an integer")),
    })
}

/// A shape: an integer or a sequence of them.
pub(super) fn shape(b: &mut Builder, arg: &Arg) -> Result<Shape> {
    let shape: Shape = match arg {
        Arg::Tuple(_) | Arg::List(_) => items(b, arg)?
            .iter()
            .map(|item| dim(b, item, "a size"))
            .collect::<Result<_>>()?,
        _ => std::iter::once(dim(b, arg, "a size")?).collect(),
    };
    if shape.iter().any(|d| d.as_known().is_some_and(|k| k < 0)) {
        return Err(Error::value("negative dimensions are not allowed"));
    }
    Ok(shape)
}

/// An axis in `0..rank`.
pub(super) fn axis(b: &mut Builder, arg: &Arg, rank: usize) -> Result<usize> {
    let given = known_integer(b, arg, "an axis")?;
    let axis = if given < 0 {
        given + rank as i64
    } else {
        given
    };
    if (0..rank as i64).contains(&axis) {
        Ok(axis as usize)
    } else {
        Err(Error::raises(
            Exception::Axis,
            format!("axis {given} is out of bounds for array of dimension {rank}"),
        ))
    }
}

/// One axis or several, in the order given.
pub(super) fn axes(b: &mut Builder, arg: &Arg, rank: usize) -> Result<Axes> {
    let mut out = Axes::new();
    match arg {
        Arg::Tuple(list) | Arg::List(list) => {
            for item in list {
                let a = axis(b, item, rank)?;
                if out.contains(&a) {
                    return Err(Error::value("duplicate value in 'axis'"));
                }
                out.push(a);
            }
        }
        one => out.push(axis(b, one, rank)?),
    }
    Ok(out)
}

/// The axes a reduction runs over, ascending: all of them for `None`. A scalar has axes 0 and -1.
pub(super) fn reduced_axes(b: &mut Builder, arg: &Arg, rank: usize) -> Result<Axes> {
    match arg {
        Arg::None => Ok((0..rank).collect()),
        Arg::Int(0 | -1) if rank == 0 => Ok(Axes::new()),
        _ => {
            let mut axes = axes(b, arg, rank)?;
            axes.sort_unstable();
            Ok(axes)
        }
    }
}

/// A dtype argument; none for `None`.
pub(super) fn dtype(arg: &Arg) -> Result<Option<DType>> {
    match arg {
        Arg::None => Ok(None),
        Arg::DType(d) => Ok(Some(*d)),
        Arg::Str(s) => match dtype_from_text(s) {
            Some(d) => Ok(Some(d)),
            None => Err(Error::unlifted(
                format!("dtype '{s}'"),
                "only bool, integers, float32, float64 and complex are lifted",
            )),
        },
        Arg::Other(words) => Err(Error::unlifted(
            words.clone(),
            "only bool, integers, float32, float64 and complex are lifted",
        )),
        _ => Err(Error::type_error(
            "Cannot interpret the argument as a data type",
        )),
    }
}

fn dtype_from_text(text: &str) -> Option<DType> {
    use DType::*;
    let text = text.strip_prefix(['<', '=', '|']).unwrap_or(text);
    if let Some(d) = DType::parse(text) {
        return Some(d);
    }
    Some(match text {
        "?" | "b1" | "bool_" => Bool,
        "b" | "i1" | "byte" => I8,
        "h" | "i2" | "short" => I16,
        "i" | "i4" | "intc" => I32,
        "l" | "q" | "p" | "n" | "i8" | "int" | "int_" | "intp" | "long" | "longlong" => I64,
        "B" | "u1" | "ubyte" => U8,
        "H" | "u2" | "ushort" => U16,
        "I" | "u4" | "uintc" => U32,
        "L" | "Q" | "P" | "N" | "u8" | "uint" | "uintp" | "ulong" | "ulonglong" => U64,
        "f" | "f4" | "single" => F32,
        "d" | "f8" | "float" | "double" => F64,
        "F" | "c8" | "csingle" => C64,
        "D" | "c16" | "complex" | "cdouble" => C128,
        _ => return None,
    })
}

// Shapes.

/// `(2, 3)`, `(2,)`, `()`: as NumPy's messages write shapes.
pub(super) fn tuple_text<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|i| i.to_string()).collect();
    match items.as_slice() {
        [one] => format!("({one},)"),
        many => format!("({})", many.join(",")),
    }
}

/// A size as messages write it: as seen when lifting, if it is symbolic.
pub(super) fn shown(b: &Builder, size: &Dim) -> String {
    b.example(size)
        .map_or_else(|| size.to_string(), |k| k.to_string())
}

/// The shape that all of these broadcast to.
pub(super) fn broadcast_shapes(b: &mut Builder, shapes: &[Shape]) -> Result<Shape> {
    let all: Vec<&Shape> = shapes.iter().collect();
    if let Some(common) = try_broadcast(b, &all) {
        return Ok(common);
    }
    // NumPy names the first argument that does not fit the ones before it.
    for k in 1..all.len() {
        for i in 0..k {
            if try_broadcast(b, &[all[i], all[k]]).is_none() {
                return Err(Error::value(format!(
                    "shape mismatch: objects cannot be broadcast to a single shape.  Mismatch is between arg {i} with shape {} and arg {k} with shape {}.",
                    show_shape(b, all[i]),
                    show_shape(b, all[k])
                )));
            }
        }
    }
    Err(Error::value(
        "shape mismatch: objects cannot be broadcast to a single shape",
    ))
}

/// The array with axes of size 1 put back where `axes` were reduced.
pub(super) fn keep_dims(
    b: &mut Builder,
    reduced: NodeId,
    before: &Shape,
    axes: &[usize],
) -> Result<NodeId> {
    let mut shape = before.clone();
    for &axis in axes {
        shape[axis] = Dim::known(1);
    }
    b.reshape(reduced, shape)
}

/// With axes of size 1 inserted at these places of the result, ascending.
pub(super) fn expand(b: &mut Builder, x: NodeId, places: &[usize]) -> Result<NodeId> {
    let mut shape = b.aval(x).shape.clone();
    for &at in places {
        shape.insert(at.min(shape.len()), Dim::known(1));
    }
    b.reshape(x, shape)
}

/// As one axis.
pub(super) fn ravel(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    let size = b.aval(x).size();
    b.reshape(x, [size].into_iter().collect())
}

/// `0, 1, ..., size-1` along `axis` of an array of rank `rank`.
pub(super) fn iota(b: &mut Builder, size: Dim, axis: usize, rank: usize) -> Result<NodeId> {
    let line = b.add(
        Op::Iota {
            size: size.clone(),
            dtype: DType::I64,
        },
        &[],
    )?;
    let mut shape: Shape = (0..rank).map(|_| Dim::known(1)).collect();
    shape[axis] = size;
    b.reshape(line, shape)
}

/// The positions that a slice picks.
pub(in crate::lift) fn positions_of(b: &mut Builder, range: Range) -> Result<NodeId> {
    let mut positions = iota(b, range.size, 0, 1)?;
    if range.step != 1 {
        let step = b.int(range.step);
        positions = b.elementwise(Elementwise::Multiply, &[positions, step])?;
    }
    if range.start != Dim::known(0) {
        let start = b.size(range.start);
        let start = strong(b, start)?;
        positions = b.elementwise(Elementwise::Add, &[positions, start])?;
    }
    Ok(positions)
}

/// An elementwise operation on two nodes.
pub(super) fn binary(b: &mut Builder, op: Elementwise, x: NodeId, y: NodeId) -> Result<NodeId> {
    b.elementwise(op, &[x, y])
}

/// An elementwise operation on one node.
pub(super) fn unary(b: &mut Builder, op: Elementwise, x: NodeId) -> Result<NodeId> {
    b.elementwise(op, &[x])
}

/// A `ValueError` under other words.
pub(super) fn retell(error: Box<Error>, words: &str) -> Box<Error> {
    match error.kind {
        crate::error::ErrorKind::Raises {
            exception: Exception::Value,
            ..
        } => Error::value(words),
        _ => error,
    }
}

/// Integers and bools as float64.
pub(super) fn inexact(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    if b.aval(x).dtype.is_inexact() {
        Ok(x)
    } else {
        convert(b, x, DType::F64)
    }
}

/// Truth of each element.
pub(in crate::lift) fn truth(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    convert(b, x, DType::Bool)
}
