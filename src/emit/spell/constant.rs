//! Constants, casts and ranges of integers.
//!
//! In: a constant and its aval. Out: a literal if it is a Python number, `np.float32(2.0)` if it is a
//! strong scalar, `np.array([1.0, 2.0])` if it is short, a module-level name otherwise.

use num_complex::{Complex32, Complex64};
use rustpython_ast::Expr;
use std::sync::Arc;

use super::Speller;
use crate::emit::syntax::{call, complex, dtype, float, int, list, method, name, string, unsigned};
use crate::eval::value::Value;
use crate::graph::{Aval, DType, Dim, Kind, NodeId};
use crate::ops::Constant;

/// Arrays of up to this many elements are written where they are used.
const INLINE: usize = 8;
/// Longer arrays than this are written as bytes.
const LISTED: usize = 500;

impl Speller<'_, '_> {
    pub fn constant(&mut self, c: &Constant, aval: &Aval) -> Expr {
        match c {
            Constant::Array(value) if value.len() > INLINE => self.names.hoisted(value),
            Constant::Array(value) => array(value),
            _ if aval.weak => literal(c),
            _ => strong(c, aval.dtype),
        }
    }

    pub fn cast(&mut self, id: NodeId, to: DType) -> Expr {
        let x = self.facts.operand(id);
        let value = self.value(x);
        if self.facts.aval(x).rank() == 0 {
            call(&numpy_scalar(to), [value], [])
        } else {
            method(value, "astype", [dtype(to)])
        }
    }

    pub fn iota(&mut self, size: &Dim, d: DType) -> Expr {
        let size = self.dim(size);
        if d == DType::I64 {
            call("np.arange", [size], [])
        } else {
            call("np.arange", [size], [("dtype", dtype(d))])
        }
    }
}

/// A Python number.
pub fn literal(c: &Constant) -> Expr {
    match c {
        Constant::Bool(b) => syntax_bool(*b),
        Constant::Int(i) => int(*i),
        Constant::UInt(u) => unsigned(*u),
        Constant::Float(x) => float(*x),
        Constant::Complex(z) => complex(*z),
        Constant::Array(value) => array(value),
    }
}

/// `np.float32(2.0)`.
fn strong(c: &Constant, d: DType) -> Expr {
    call(&numpy_scalar(d), [literal(&as_kind(c, d.kind()))], [])
}

/// The same number as a literal of the kind that a dtype has.
pub fn as_kind(c: &Constant, kind: Kind) -> Constant {
    match (c, kind) {
        (Constant::Int(i), Kind::Float) => Constant::Float(*i as f64),
        (Constant::Bool(b), Kind::Int) => Constant::Int(i64::from(*b)),
        (Constant::Bool(b), Kind::Float) => Constant::Float(f64::from(u8::from(*b))),
        (other, _) => other.clone(),
    }
}

/// The number, where it is real: `Some(0.0)` for zero of any kind.
pub fn as_float(c: &Constant) -> Option<f64> {
    match c {
        Constant::Bool(b) => Some(f64::from(u8::from(*b))),
        Constant::Int(i) => Some(*i as f64),
        Constant::UInt(u) => Some(*u as f64),
        Constant::Float(x) => Some(*x),
        Constant::Complex(z) if z.im == 0.0 => Some(z.re),
        Constant::Complex(_) | Constant::Array(_) => None,
    }
}

fn syntax_bool(b: bool) -> Expr {
    crate::emit::syntax::constant(rustpython_ast::Constant::Bool(b))
}

fn numpy_scalar(d: DType) -> String {
    match d {
        DType::Bool => "np.bool_".into(),
        other => format!("np.{}", other.name()),
    }
}

/// The dtype that `np.array` gives a list of Python numbers.
pub fn natural(kind: Kind) -> DType {
    DType::default_for(kind)
}

/// `np.array([...])` of any length, as one expression.
pub fn array(value: &Arc<Value>) -> Expr {
    if value.len() > LISTED || (value.is_empty() && value.shape.len() > 1) {
        return from_bytes(value);
    }
    let elements = elements(value);
    let nested = nest(&mut elements.into_iter(), &value.shape);
    if value.dtype == natural(value.dtype.kind()) && !value.is_empty() {
        call("np.array", [nested], [])
    } else {
        call("np.array", [nested], [("dtype", dtype(value.dtype))])
    }
}

/// `np.frombuffer(bytes.fromhex("..."), np.float64).reshape(10, 3)`.
fn from_bytes(value: &Value) -> Expr {
    let digits: String = value.bytes().iter().map(|b| format!("{b:02x}")).collect();
    let bytes = call("bytes.fromhex", [string(&digits)], []);
    let flat = call("np.frombuffer", [bytes, dtype(value.dtype)], []);
    if value.shape.len() == 1 {
        flat
    } else {
        let sizes = value.shape.iter().map(|&n| int(n as i64));
        method(flat, "reshape", sizes)
    }
}

fn nest(elements: &mut impl Iterator<Item = Expr>, shape: &[usize]) -> Expr {
    match shape.split_first() {
        None => elements.next().unwrap_or_else(|| name("None")),
        Some((&n, rest)) => list((0..n).map(|_| nest(elements, rest)).collect()),
    }
}

fn elements(value: &Value) -> Vec<Expr> {
    fn each<T: Copy>(values: &[T], write: impl Fn(T) -> Expr) -> Vec<Expr> {
        values.iter().map(|&x| write(x)).collect()
    }
    match value.dtype {
        DType::Bool => each(value.as_slice::<bool>(), syntax_bool),
        DType::I8 => each(value.as_slice::<i8>(), |i| int(i.into())),
        DType::I16 => each(value.as_slice::<i16>(), |i| int(i.into())),
        DType::I32 => each(value.as_slice::<i32>(), |i| int(i.into())),
        DType::I64 => each(value.as_slice::<i64>(), int),
        DType::U8 => each(value.as_slice::<u8>(), |i| int(i.into())),
        DType::U16 => each(value.as_slice::<u16>(), |i| int(i.into())),
        DType::U32 => each(value.as_slice::<u32>(), |i| int(i.into())),
        DType::U64 => each(value.as_slice::<u64>(), unsigned),
        DType::F32 => each(value.as_slice::<f32>(), single),
        DType::F64 => each(value.as_slice::<f64>(), float),
        DType::C64 => each(value.as_slice::<Complex32>(), |z| {
            complex(Complex64::new(shortest(z.re), shortest(z.im)))
        }),
        DType::C128 => each(value.as_slice::<Complex64>(), complex),
    }
}

fn single(x: f32) -> Expr {
    float(shortest(x))
}

/// The double that prints as the single does: `0.1`, not `0.10000000149011612`.
/// Rounding it to single precision gives back `x`.
fn shortest(x: f32) -> f64 {
    let double: f64 = format!("{x:?}").parse().unwrap_or(f64::from(x));
    if double as f32 == x {
        double
    } else {
        f64::from(x)
    }
}
