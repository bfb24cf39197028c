//! The text form, written: a graph in, text out that [`super::parse`] reads back exactly.
//!
//! ```text
//! loss(w: float64[n0], X: float64[n1, n0]) {
//!   assume n0 <= n1
//!   %0 w = input : float64[n0]
//!   %1 X = input : float64[n1, n0]
//!   %2 margin = contract(%1, %0) contract=[(1, 0)] : float64[n1]
//!   return %2
//! }
//! ```
//!
//! Symbols are bound by their first whole-axis occurrence (`n0` is the size of axis 0 of `%0`);
//! a `where n3 = %7.shape[0]` line says so where that is not the binding. Floats are the shortest
//! that read back, array constants are listed when short and hexadecimal bytes when long.
//! Draws happen in node order, so no order of effects is written. Origins (files and lines) are
//! not part of the text: two lifts of the same program print alike wherever they were found.

use std::fmt::{self, Display, Formatter};

use num_complex::{Complex32, Complex64};

use super::{Assumption, Dim, Graph, NodeId, Symbol, SymbolOrigin};
use crate::eval::value::Value;
use crate::graph::DType;
use crate::ops::control::States;
use crate::ops::decompose::System;
use crate::ops::{Constant, Cumulation, Extreme, Fourier, Op, Range, Reduction, Rule, Write};

/// Arrays of up to this many elements are listed.
const LISTED: usize = 16;

impl Display for Graph {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", Name(&self.name))?;
        list(f, self.inputs(), |f, &id| {
            if let Some(name) = &self.node(id).name {
                write!(f, "{}: ", Name(name))?;
            }
            write!(f, "{}", self.aval(id))
        })?;
        f.write_str(") {\n")?;
        let found = default_origins(self);
        for (i, origin) in self.symbols().iter().enumerate() {
            if found.get(i) != Some(&Some(*origin)) {
                let at = origin.node.index();
                writeln!(f, "  where n{i} = %{at}.shape[{}]", origin.axis)?;
            }
        }
        for assumption in self.assumptions() {
            match assumption {
                Assumption::Equal(a, b) => writeln!(f, "  assume {a} == {b}")?,
                Assumption::AtMost(a, b) => writeln!(f, "  assume {a} <= {b}")?,
            }
        }
        for id in self.nodes() {
            node(f, self, id)?;
        }
        f.write_str("  return ")?;
        list(f, self.outputs(), |f, id| write!(f, "%{}", id.index()))?;
        f.write_str("\n}\n")
    }
}

/// Where each symbol first is the whole size of an axis, by which the text binds it.
pub(super) fn default_origins(graph: &Graph) -> Vec<Option<SymbolOrigin>> {
    let mut found = vec![None; graph.symbols().len()];
    for node in graph.nodes() {
        for (axis, dim) in graph.aval(node).shape.iter().enumerate() {
            if let Some(Symbol(s)) = dim.as_symbol()
                && let Some(place) = found.get_mut(s as usize)
            {
                place.get_or_insert(SymbolOrigin { node, axis });
            }
        }
    }
    found
}

fn node(f: &mut Formatter<'_>, graph: &Graph, id: NodeId) -> fmt::Result {
    let node = graph.node(id);
    write!(f, "  %{}", id.index())?;
    if let Some(name) = &node.name {
        write!(f, " {}", Name(name))?;
    }
    write!(f, " = {}", mnemonic(&node.op))?;
    let operands = graph.operands(id);
    if !operands.is_empty() {
        f.write_str("(")?;
        list(f, &operands, |f, o| write!(f, "%{}", o.index()))?;
        f.write_str(")")?;
    }
    attributes(f, &node.op)?;
    write!(f, " : {}", node.aval)?;
    if let Some(group) = node.group {
        write!(f, " in g{group}")?;
    }
    f.write_str("\n")
}

/// The word for an operation in text.
pub fn mnemonic(op: &Op) -> &'static str {
    match op {
        Op::Input => "input",
        Op::Constant(_) => "constant",
        Op::Size(_) => "size",
        Op::Part(_) => "part",
        Op::Elementwise(e) => e.def().name,
        Op::Cast(_) => "cast",
        Op::Reshape(_) => "reshape",
        Op::Transpose(_) => "transpose",
        Op::BroadcastTo(_) => "broadcast_to",
        Op::Slice(_) => "slice",
        Op::Unslice { .. } => "unslice",
        Op::Concatenate { .. } => "concatenate",
        Op::Iota { .. } => "iota",
        Op::Reduce { kind, .. } => match kind {
            Reduction::Sum => "sum",
            Reduction::Prod => "prod",
            Reduction::Min => "min",
            Reduction::Max => "max",
            Reduction::Any => "any",
            Reduction::All => "all",
        },
        Op::ArgReduce { kind, .. } => match kind {
            Extreme::Min => "argmin",
            Extreme::Max => "argmax",
        },
        Op::Cumulate { kind, .. } => match kind {
            Cumulation::Sum => "cumsum",
            Cumulation::Prod => "cumprod",
        },
        Op::Gather { .. } => "gather",
        Op::Scatter { kind, .. } => match kind {
            Write::Set => "scatter_set",
            Write::Add => "scatter_add",
        },
        Op::SliceWrite { kind, .. } => match kind {
            Write::Set => "slice_set",
            Write::Add => "slice_add",
        },
        Op::ArgWhere => "argwhere",
        Op::Arange => "arange",
        Op::Loop(_) => "loop",
        Op::Cond(_) => "cond",
        Op::ArgSort { .. } => "argsort",
        Op::SearchSorted { right: false } => "searchsorted",
        Op::SearchSorted { right: true } => "searchsorted_right",
        Op::Contract { .. } => "contract",
        Op::Decompose(kind) => kind.name(),
        Op::Solve(System::General) => "solve",
        Op::Solve(System::Triangular { .. }) => "solve_triangular",
        Op::PseudoInverse => "pinv",
        Op::Frechet(f) => f.frechet_name(),
        Op::Fourier { kind, .. } => kind.name(),
        Op::Draw { .. } => "draw",
        Op::Decide { .. } => "decide",
        Op::Call { .. } => "call",
        Op::Custom(_) => "custom",
        Op::Pullback(_) => "pullback",
    }
}

/// What an operation has besides operands, each with a space before it.
fn attributes(f: &mut Formatter<'_>, op: &Op) -> fmt::Result {
    match op {
        Op::Input
        | Op::Elementwise(_)
        | Op::ArgWhere
        | Op::Arange
        | Op::SearchSorted { .. }
        | Op::Solve(System::General)
        | Op::PseudoInverse
        | Op::Frechet(_) => Ok(()),
        Op::Fourier { kind, axis } => {
            write!(f, " axis={axis}")?;
            match kind {
                Fourier::RealInverse(n) => write!(f, " size={n}"),
                Fourier::Forward | Fourier::Inverse | Fourier::RealForward => Ok(()),
            }
        }
        Op::Decompose(kind) => match kind.triangle() {
            Some(triangle) => write!(f, " triangle={}", triangle.name()),
            None => Ok(()),
        },
        Op::Solve(System::Triangular { triangle, unit }) => {
            let unit = if *unit { " unit" } else { "" };
            write!(f, " triangle={}{unit}", triangle.name())
        }
        Op::Constant(c) => write!(f, " {}", c),
        Op::Size(dim) => write!(f, " {dim}"),
        Op::Part(k) => write!(f, " {k}"),
        Op::Cast(dtype) => write!(f, " to={dtype}"),
        Op::Reshape(shape) | Op::BroadcastTo(shape) => write!(f, " shape={}", Items(shape)),
        Op::Transpose(axes) => write!(f, " axes={}", Items(axes)),
        Op::Slice(ranges) => write!(f, " ranges={}", Items(ranges)),
        Op::Unslice { shape, ranges } => {
            write!(f, " shape={} ranges={}", Items(shape), Items(ranges))
        }
        Op::Concatenate { axis } => write!(f, " axis={axis}"),
        Op::Iota { size, dtype } => write!(f, " size={size} dtype={dtype}"),
        Op::Reduce { kind: _, axes } => write!(f, " axes={}", Items(axes)),
        Op::ArgReduce { kind: _, axis } | Op::Cumulate { kind: _, axis } | Op::ArgSort { axis } => {
            write!(f, " axis={axis}")
        }
        Op::Gather { axes, at } | Op::Scatter { kind: _, axes, at } => {
            write!(f, " axes={} at={at}", Items(axes))
        }
        Op::SliceWrite { kind: _, ranges } => write!(f, " ranges={}", Items(ranges)),
        Op::Loop(l) => {
            write!(f, " carried={}", l.carried)?;
            if l.conditional {
                f.write_str(" conditional")?;
            }
            if l.states == States::Bisected {
                f.write_str(" bisected")?;
            }
            nested(f, &l.body)
        }
        Op::Cond(c) => {
            nested(f, &c.then)?;
            nested(f, &c.otherwise)
        }
        Op::Custom(c) | Op::Pullback(c) => {
            write!(
                f,
                " function={:?} results={} arguments={} outside={}",
                c.name, c.results, c.arguments, c.outside
            )?;
            match &c.rule {
                Rule::Forward(rule) => {
                    f.write_str(" forward")?;
                    nested(f, rule)
                }
                Rule::Reverse(rule) => {
                    f.write_str(" reverse")?;
                    nested(f, rule)
                }
                Rule::Exhausted => Ok(()),
            }
        }
        Op::Contract { batch, contract } => {
            if !batch.is_empty() {
                write!(f, " batch={}", Pairs(batch))?;
            }
            write!(f, " contract={}", Pairs(contract))
        }
        Op::Call {
            site,
            callee,
            results,
            further,
        } => {
            let results = Items(results);
            write!(f, " site={site} callee={callee:?} results={results}")?;
            match further.name() {
                "" => Ok(()),
                name => write!(f, " {name}"),
            }
        }
        Op::Decide { expected } => write!(f, " expected={expected}"),
        Op::Draw {
            distribution,
            shape,
            generator,
        } => write!(
            f,
            " distribution={} shape={} generator={generator}",
            distribution.def().name,
            Items(shape)
        ),
    }
}

/// A graph within a node, indented.
fn nested(f: &mut Formatter<'_>, graph: &Graph) -> fmt::Result {
    let text = graph.to_string();
    write!(f, " {}", text.trim_end().replace('\n', "\n  "))
}

/// A name: as it is if it is an identifier, quoted otherwise.
struct Name<'a>(&'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if is_identifier(self.0) {
            f.write_str(self.0)
        } else {
            write!(f, "{:?}", self.0)
        }
    }
}

pub(super) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// `[a, b, c]`.
struct Items<'a, T>(&'a [T]);

impl<T: Display> Display for Items<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        list(f, self.0, |f, item| write!(f, "{item}"))?;
        f.write_str("]")
    }
}

/// `[(1, 0), (2, 1)]`.
struct Pairs<'a>(&'a [(usize, usize)]);

impl Display for Pairs<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        list(f, self.0, |f, (a, b)| write!(f, "({a}, {b})"))?;
        f.write_str("]")
    }
}

/// `n0` for the whole of an axis, `n0 - 1 from 1`, `n0 from n0 - 1 step -1`: how many, from where.
impl Display for Range {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.size)?;
        if self.start != Dim::known(0) || self.step != 1 {
            write!(f, " from {}", self.start)?;
        }
        if self.step != 1 {
            write!(f, " step {}", self.step)?;
        }
        Ok(())
    }
}

/// A constant: `True`, `3`, `3u`, `2.0`, `complex(1.0, -0.0)`, `array(int64[2], [1, 2])`.
impl Display for Constant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Constant::Bool(b) => b.element(f),
            Constant::Int(i) => i.element(f),
            Constant::UInt(u) => write!(f, "{u}u"),
            Constant::Float(x) => x.element(f),
            Constant::Complex(z) => z.element(f),
            Constant::Array(value) => array(f, value),
        }
    }
}

fn array(f: &mut Formatter<'_>, value: &Value) -> fmt::Result {
    write!(f, "array({}{}, ", value.dtype, Items(&value.shape))?;
    if value.len() > LISTED {
        hexadecimal(f, value)?;
    } else {
        f.write_str("[")?;
        match value.dtype {
            DType::Bool => elements(f, value.as_slice::<bool>()),
            DType::I8 => elements(f, value.as_slice::<i8>()),
            DType::I16 => elements(f, value.as_slice::<i16>()),
            DType::I32 => elements(f, value.as_slice::<i32>()),
            DType::I64 => elements(f, value.as_slice::<i64>()),
            DType::U8 => elements(f, value.as_slice::<u8>()),
            DType::U16 => elements(f, value.as_slice::<u16>()),
            DType::U32 => elements(f, value.as_slice::<u32>()),
            DType::U64 => elements(f, value.as_slice::<u64>()),
            DType::F32 => elements(f, value.as_slice::<f32>()),
            DType::F64 => elements(f, value.as_slice::<f64>()),
            DType::C64 => elements(f, value.as_slice::<Complex32>()),
            DType::C128 => elements(f, value.as_slice::<Complex64>()),
        }?;
        f.write_str("]")?;
    }
    f.write_str(")")
}

/// The bytes of an array, little-endian as in memory: `0x…`.
fn hexadecimal(f: &mut Formatter<'_>, value: &Value) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * value.len() * value.dtype.size());
    for byte in value.bytes() {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    write!(f, "0x{text}")
}

fn elements<T: Listed>(f: &mut Formatter<'_>, values: &[T]) -> fmt::Result {
    list(f, values, |f, x| x.element(f))
}

/// An element of a listed array.
trait Listed {
    fn element(&self, f: &mut Formatter<'_>) -> fmt::Result;
}

macro_rules! listed_integers {
    ($($t:ty)*) => {$(
        impl Listed for $t {
            fn element(&self, f: &mut Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }
    )*};
}
listed_integers!(i8 i16 i32 i64 u8 u16 u32 u64);

impl Listed for bool {
    fn element(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if *self { "True" } else { "False" })
    }
}

/// `nan` is the usual one; any other says its bits.
macro_rules! listed_floats {
    ($($t:ident $digits:literal)*) => {$(
        impl Listed for $t {
            fn element(&self, f: &mut Formatter<'_>) -> fmt::Result {
                if self.is_nan() && self.to_bits() != $t::NAN.to_bits() {
                    write!(f, concat!("nan(0x{:0", $digits, "x})"), self.to_bits())
                } else if self.is_nan() {
                    f.write_str("nan")
                } else {
                    write!(f, "{self:?}")
                }
            }
        }
    )*};
}
listed_floats!(f32 "8" f64 "16");

macro_rules! listed_complex {
    ($($t:ty)*) => {$(
        impl Listed for $t {
            fn element(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("complex(")?;
                self.re.element(f)?;
                f.write_str(", ")?;
                self.im.element(f)?;
                f.write_str(")")
            }
        }
    )*};
}
listed_complex!(Complex32 Complex64);

fn list<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    mut write: impl FnMut(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}
