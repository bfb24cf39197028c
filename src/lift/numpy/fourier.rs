//! `numpy.fft` and `scipy.fft`.
//!
//! In: a bound call. Out: transforms of arrays cut or padded to their length, times a normalisation.
//! `np.fft.ifft(x, norm="ortho")` is an inverse transform times `1 / sqrt(n)`.
//!
//! Sources: NumPy 2.4, `numpy/fft/_pocketfft.py`; for cosine and sine transforms Makhoul, *A fast cosine
//! transform in one and two dimensions* (1980), and the definitions in SciPy's documentation.

use num_complex::Complex64;

use super::Arg;
use super::argument::*;
use super::signature::Call;
use crate::error::{Error, Exception, Result};
use crate::graph::{Builder, DType, Dim, NodeId};
use crate::ops::fourier::{Fourier, half};
use crate::ops::{Constant, Elementwise as E, Op, Range};

/// The functions of one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Forward,
    Inverse,
    RealForward,
    RealInverse,
    /// Of half a signal with Hermitian symmetry.
    HermitianForward,
    HermitianInverse,
}

/// Which direction divides by the length.
#[derive(Clone, Copy, PartialEq)]
enum Norm {
    Backward,
    Ortho,
    Forward,
}

fn norm(call: &mut Call<'_>) -> Result<Norm> {
    match call.arg("norm") {
        Arg::None => Ok(Norm::Backward),
        Arg::Str(norm) if norm == "backward" => Ok(Norm::Backward),
        Arg::Str(norm) if norm == "ortho" => Ok(Norm::Ortho),
        Arg::Str(norm) if norm == "forward" => Ok(Norm::Forward),
        Arg::Str(norm) => Err(Error::value(format!(
            "Invalid norm value {norm}; should be \"backward\",\"ortho\" or \"forward\"."
        ))),
        _ => Err(call.unlifted("this `norm`")),
    }
}

/// A transform along one axis, of length `n` in the domain of what is not Hermitian.
fn transform(
    b: &mut Builder,
    x: NodeId,
    kind: Kind,
    n: &Dim,
    axis: usize,
    norm: Norm,
) -> Result<NodeId> {
    if n.as_known().is_some_and(|n| n < 1) || b.example(n).is_some_and(|n| n < 1) {
        let n = shown(b, n);
        return Err(Error::value(format!(
            "Invalid number of FFT data points ({n}) specified."
        )));
    }
    let complex = b.aval(x).dtype.complex();
    let is_complex = b.aval(x).dtype.is_complex();
    let x = match kind {
        Kind::RealForward | Kind::HermitianInverse if is_complex => {
            return Err(Error::type_error(
                "ufunc 'rfft_n_even' did not contain a loop with signature matching types",
            ));
        }
        Kind::RealForward | Kind::HermitianInverse => x,
        Kind::Forward | Kind::Inverse | Kind::RealInverse | Kind::HermitianForward => {
            convert(b, x, complex)?
        }
    };
    let length = match kind {
        Kind::RealInverse | Kind::HermitianForward => half(n),
        Kind::Forward | Kind::Inverse | Kind::RealForward | Kind::HermitianInverse => n.clone(),
    };
    let mut x = resized(b, x, axis, &length)?;
    if kind == Kind::HermitianForward {
        x = unary(b, E::Conjugate, x)?;
    }
    let (op, forward) = match kind {
        Kind::Forward => (Fourier::Forward, true),
        Kind::Inverse => (Fourier::Inverse, false),
        Kind::RealForward => (Fourier::RealForward, true),
        Kind::RealInverse => (Fourier::RealInverse(n.clone()), false),
        Kind::HermitianForward => (Fourier::RealInverse(n.clone()), true),
        Kind::HermitianInverse => (Fourier::RealForward, false),
    };
    let y = b.add(Op::Fourier { kind: op, axis }, &[x])?;
    let divides = match norm {
        Norm::Backward => !forward,
        Norm::Forward => forward,
        Norm::Ortho => true,
    };
    let mut y = match divides {
        true => divided(b, y, n, norm == Norm::Ortho)?,
        false => y,
    };
    if kind == Kind::HermitianInverse {
        y = unary(b, E::Conjugate, y)?;
    }
    Ok(y)
}

/// `y / n`, or `y / sqrt(n)`.
fn divided(b: &mut Builder, y: NodeId, n: &Dim, root: bool) -> Result<NodeId> {
    let n = b.size(n.clone());
    let dtype = b.aval(y).dtype.real();
    let n = convert(b, n, dtype)?;
    let n = if root { unary(b, E::Sqrt, n)? } else { n };
    binary(b, E::Divide, y, n)
}

/// Cut at the end, or padded with zeros there.
fn resized(b: &mut Builder, x: NodeId, axis: usize, length: &Dim) -> Result<NodeId> {
    let shape = b.aval(x).shape.clone();
    let size = shape[axis].clone();
    if b.seen_equal(&size, length) {
        return Ok(x);
    }
    let mut ranges: smallvec::SmallVec<[Range; 4]> =
        shape.iter().cloned().map(Range::full).collect();
    if b.assume_at_most(length, &size) {
        ranges[axis].size = length.clone();
        return b.add(Op::Slice(ranges), &[x]);
    }
    let mut shape = shape;
    shape[axis] = length.clone();
    b.add(Op::Unslice { shape, ranges }, &[x])
}

/// The array of a call, inexact. NumPy computes float16 and integers in float64.
fn signal(call: &mut Call<'_>) -> Result<NodeId> {
    let arg = match call.peek("x") {
        Some(_) => call.arg("x"),
        None => call.arg("a"),
    };
    let x = array(call.b, &arg)?;
    inexact(call.b, x)
}

/// The default length along an axis.
fn default_length(b: &Builder, x: NodeId, kind: Kind, axis: usize) -> Dim {
    let size = b.aval(x).shape[axis].clone();
    match kind {
        Kind::RealInverse | Kind::HermitianForward => (size - Dim::known(1)) * Dim::known(2),
        Kind::Forward | Kind::Inverse | Kind::RealForward | Kind::HermitianInverse => size,
    }
}

/// `np.fft.fft(a, n, axis, norm)` and its kind.
pub(super) fn one_axis(call: &mut Call<'_>, kind: Kind) -> Result<Arg> {
    let is_numpy = call.peek("a").is_some();
    let x = signal(call)?;
    let rank = call.b.aval(x).rank();
    let (given, n) = (call.arg("axis"), call.arg("n"));
    let at = match axis(call.b, &given, rank) {
        Err(_) if n == Arg::None => {
            return Err(Error::raises(Exception::Index, "tuple index out of range"));
        }
        found => found?,
    };
    let n = match n {
        Arg::None => default_length(call.b, x, kind, at),
        given => dim(call.b, &given, "n")?,
    };
    if !is_numpy && n.as_known() == Some(0) {
        return Err(call.unlifted("a transform of no numbers"));
    }
    let norm = norm(call)?;
    Ok(as_array(transform(call.b, x, kind, &n, at, norm)?))
}

/// `np.fft.fftn(a, s, axes, norm)` and its kind: the last axis first, or last for inverses of real ones.
pub(super) fn several_axes(call: &mut Call<'_>, kind: Kind) -> Result<Arg> {
    let is_numpy = call.peek("a").is_some();
    let mut x = signal(call)?;
    if !is_numpy && matches!(kind, Kind::RealForward) && call.b.aval(x).dtype.is_complex() {
        return Err(Error::type_error("x must be a real sequence"));
    }
    let rank = call.b.aval(x).rank();
    let sizes = match call.arg("s") {
        Arg::None => None,
        given => Some(items(call.b, &given)?),
    };
    let axes = match call.arg("axes") {
        Arg::None => {
            let count = sizes.as_ref().map_or(rank, Vec::len);
            if count > rank {
                return Err(Error::value("Shape and axes have different lengths."));
            }
            (rank - count..rank).collect::<Vec<usize>>()
        }
        Arg::Str(_) if rank < 2 && is_numpy => {
            let message = format!("index -2 is out of bounds for axis 0 with size {rank}");
            return Err(Error::raises(Exception::Index, message));
        }
        Arg::Str(_) if rank < 2 => {
            return Err(Error::value("axes exceeds dimensionality of input"));
        }
        Arg::Str(_) => vec![
            axis(call.b, &Arg::Int(-2), rank)?,
            axis(call.b, &Arg::Int(-1), rank)?,
        ],
        given => {
            let given = items(call.b, &given)?;
            let at = given.iter().map(|a| axis(call.b, a, rank));
            at.collect::<Result<_>>()?
        }
    };
    let mut lengths = Vec::with_capacity(axes.len());
    for (i, &at) in axes.iter().enumerate() {
        let is_last = i + 1 == axes.len();
        lengths.push(match sizes.as_ref().map(|sizes| sizes.get(i)) {
            Some(None) => return Err(Error::value("Shape and axes have different lengths.")),
            Some(Some(Arg::Int(-1))) => call.b.aval(x).shape[at].clone(),
            Some(Some(given)) => dim(call.b, given, "a size")?,
            None if is_last => default_length(call.b, x, kind, at),
            None => call.b.aval(x).shape[at].clone(),
        });
    }
    if sizes.is_some_and(|sizes| sizes.len() != axes.len()) {
        return Err(Error::value("Shape and axes have different lengths."));
    }
    if !is_numpy && lengths.iter().any(|n| n.as_known() == Some(0)) {
        return Err(call.unlifted("a transform of no numbers"));
    }
    let norm = norm(call)?;
    let Some(last) = axes.len().checked_sub(1) else {
        return match kind {
            Kind::Forward | Kind::Inverse => Ok(as_array(x)),
            _ => Err(call.unlifted("no axes")),
        };
    };
    let others = match kind {
        Kind::Inverse | Kind::RealInverse => Kind::Inverse,
        _ => Kind::Forward,
    };
    if kind == Kind::RealInverse {
        for i in 0..last {
            x = transform(call.b, x, others, &lengths[i], axes[i], norm)?;
        }
    }
    x = transform(call.b, x, kind, &lengths[last], axes[last], norm)?;
    if kind != Kind::RealInverse {
        for i in (0..last).rev() {
            x = transform(call.b, x, others, &lengths[i], axes[i], norm)?;
        }
    }
    Ok(as_array(x))
}

/// `np.fft.fftshift(x, axes)` and its inverse: rolled by half of the size.
pub(super) fn shift(call: &mut Call<'_>, back: bool) -> Result<Arg> {
    let arg = call.arg("x");
    let mut x = array(call.b, &arg)?;
    let rank = call.b.aval(x).rank();
    let axes = match call.arg("axes") {
        Arg::None => (0..rank).collect(),
        given => axes(call.b, &given, rank)?,
    };
    for at in axes {
        let size = call.b.aval(x).shape[at].clone();
        let small = size.floor_div(&Dim::known(2));
        let large = size.clone() - small.clone();
        // What was last comes first: the smaller half when shifting, the larger when shifting back.
        let cut = if back { small } else { large };
        let part = |start: Dim, size: Dim| Range {
            start,
            size,
            step: 1,
        };
        let parts = [
            part(cut.clone(), size - cut.clone()),
            part(Dim::known(0), cut),
        ];
        let mut moved = Vec::with_capacity(2);
        for range in parts {
            moved.push(super::join::slice_axis(call.b, x, at, range)?);
        }
        x = concatenate(call.b, &moved, at)?;
    }
    Ok(as_array(x))
}

/// `np.fft.fftfreq(n, d)` and `rfftfreq(n, d)`.
pub(super) fn frequencies(call: &mut Call<'_>, real: bool) -> Result<Arg> {
    let n = call.arg("n");
    let n = dim(call.b, &n, "n")?;
    let spacing = call.arg("d");
    let spacing = symbolic(call.b, &spacing)?.node;
    let two = Dim::known(2);
    let node = match real {
        true => iota(call.b, n.floor_div(&two) + Dim::known(1), 0, 1)?,
        false => {
            let positive = (n.clone() - Dim::known(1)).floor_div(&two) + Dim::known(1);
            let index = iota(call.b, n.clone(), 0, 1)?;
            let (first, whole) = (call.b.size(positive), call.b.size(n.clone()));
            let wrapped = binary(call.b, E::Subtract, index, whole)?;
            let low = binary(call.b, E::Less, index, first)?;
            call.b.elementwise(E::Where, &[low, index, wrapped])?
        }
    };
    // NumPy multiplies by the reciprocal.
    let n = call.b.size(n);
    let span = binary(call.b, E::Multiply, n, spacing)?;
    let one = call.b.float(1.0);
    let step = binary(call.b, E::Divide, one, span)?;
    Ok(as_array(binary(call.b, E::Multiply, node, step)?))
}

// Cosine and sine transforms.

/// `scipy.fft.dct(x, type, n, axis, norm)`, `dst`, and their inverses.
pub(super) fn trigonometric(call: &mut Call<'_>, sine: bool, inverse: bool) -> Result<Arg> {
    let x = signal(call)?;
    if call.b.aval(x).dtype.is_complex() {
        return Err(call.unlifted("complex numbers"));
    }
    let rank = call.b.aval(x).rank();
    let kind = call.arg("type");
    let mut kind = known_integer(call.b, &kind, "type")?;
    let given = call.arg("axis");
    let at = axis(call.b, &given, rank)?;
    let n = match call.arg("n") {
        Arg::None => call.b.aval(x).shape[at].clone(),
        given => dim(call.b, &given, "n")?,
    };
    let norm = norm(call)?;
    if inverse {
        kind = match kind {
            2 => 3,
            3 => 2,
            other => other,
        };
    }
    if !(1..=4).contains(&kind) {
        return Err(call.unlifted("a type that is not 1 to 4"));
    }
    let x = resized(call.b, x, at, &n)?;
    // The transform is computed along the last axis.
    let mut perm: crate::ops::Axes = (0..rank).filter(|&a| a != at).collect();
    perm.push(at);
    let x = call.b.transpose(x, perm.clone())?;
    let mut lines = Lines { b: &mut *call.b, n };
    let y = lines.of_type(x, kind, sine, norm, inverse)?;
    let back = crate::ops::shape::inverse(&perm);
    Ok(as_array(call.b.transpose(y, back)?))
}

/// Arrays whose last axis, of size `n`, is transformed.
struct Lines<'a> {
    b: &'a mut Builder,
    n: Dim,
}

impl Lines<'_> {
    fn of_type(
        &mut self,
        x: NodeId,
        kind: i64,
        sine: bool,
        norm: Norm,
        inverse: bool,
    ) -> Result<NodeId> {
        let x = match norm {
            Norm::Ortho => self.balanced(x, kind, sine, true)?,
            Norm::Backward | Norm::Forward => x,
        };
        let y = match (kind, sine) {
            (1, false) => self.cosine_1(x)?,
            (1, true) => self.sine_1(x)?,
            (2, false) => self.cosine_2(x)?,
            (2, true) => {
                let signed = self.alternating(x)?;
                let y = self.cosine_2(signed)?;
                self.reversed(y)?
            }
            (3, false) => self.cosine_3(x)?,
            (3, true) => {
                let turned = self.reversed(x)?;
                let y = self.cosine_3(turned)?;
                self.alternating(y)?
            }
            (_, false) => self.cosine_4(x)?,
            (_, true) => {
                let turned = self.reversed(x)?;
                let y = self.cosine_4(turned)?;
                self.alternating(y)?
            }
        };
        let period = match (kind, sine) {
            (1, false) => (self.n.clone() - Dim::known(1)) * Dim::known(2),
            (1, true) => (self.n.clone() + Dim::known(1)) * Dim::known(2),
            _ => self.n.clone() * Dim::known(2),
        };
        let divides = match norm {
            Norm::Backward => inverse,
            Norm::Forward => !inverse,
            Norm::Ortho => true,
        };
        let y = match divides {
            true => divided(self.b, y, &period, norm == Norm::Ortho)?,
            false => y,
        };
        match norm {
            Norm::Ortho => self.balanced(y, kind, sine, false),
            Norm::Backward | Norm::Forward => Ok(y),
        }
    }

    /// The factors that make an orthogonal matrix, on what goes in or comes out.
    fn balanced(&mut self, x: NodeId, kind: i64, sine: bool, before: bool) -> Result<NodeId> {
        let root = std::f64::consts::SQRT_2;
        let (ends, factor) = match (kind, sine, before) {
            (1, false, true) => (&[true, true][..], root),
            (1, false, false) => (&[true, true][..], 1.0 / root),
            (2, _, false) => (&[!sine, sine][..], 1.0 / root),
            (3, _, true) => (&[!sine, sine][..], root),
            _ => return Ok(x),
        };
        let (index, last) = (self.index()?, self.n.clone() - Dim::known(1));
        let mut scaled = x;
        for (end, at) in ends.iter().zip([Dim::known(0), last]) {
            if *end {
                let at = self.b.size(at);
                let here = binary(self.b, E::Equal, index, at)?;
                let one = self.b.float(1.0);
                let factor = self.b.float(factor);
                let factors = self.b.elementwise(E::Where, &[here, factor, one])?;
                let factors = convert(self.b, factors, self.b.aval(x).dtype)?;
                scaled = binary(self.b, E::Multiply, scaled, factors)?;
            }
        }
        Ok(scaled)
    }

    fn index(&mut self) -> Result<NodeId> {
        iota(self.b, self.n.clone(), 0, 1)
    }

    fn last(&self, x: NodeId) -> usize {
        self.b.aval(x).rank() - 1
    }

    fn part(&mut self, x: NodeId, start: Dim, size: Dim, step: i64) -> Result<NodeId> {
        let axis = self.last(x);
        super::join::slice_axis(self.b, x, axis, Range { start, size, step })
    }

    fn reversed(&mut self, x: NodeId) -> Result<NodeId> {
        let n = self.n.clone();
        self.part(x, n.clone() - Dim::known(1), n, -1)
    }

    /// Every second number with the other sign.
    fn alternating(&mut self, x: NodeId) -> Result<NodeId> {
        let index = self.index()?;
        let (two, zero) = (self.b.int(2), self.b.int(0));
        let odd = binary(self.b, E::Remainder, index, two)?;
        let even = binary(self.b, E::Equal, odd, zero)?;
        let minus = unary(self.b, E::Negative, x)?;
        self.b.elementwise(E::Where, &[even, x, minus])
    }

    /// `exp(1j * pi * (a * index + c) / (d * n))`, in the complex dtype of `like`.
    fn phases(&mut self, like: NodeId, sign: f64, a: i64, c: i64, d: i64) -> Result<NodeId> {
        let index = self.index()?;
        let (a, c) = (self.b.int(a), self.b.int(c));
        let numerator = binary(self.b, E::Multiply, index, a)?;
        let numerator = binary(self.b, E::Add, numerator, c)?;
        let denominator = self.b.size(self.n.clone() * Dim::known(d));
        let turn = binary(self.b, E::Divide, numerator, denominator)?;
        let angle = self.b.constant(
            Constant::Complex(Complex64::new(0.0, sign * std::f64::consts::PI)),
            crate::graph::Aval::weak(DType::C128),
        );
        let exponent = binary(self.b, E::Multiply, turn, angle)?;
        let phases = unary(self.b, E::Exp, exponent)?;
        convert(self.b, phases, self.b.aval(like).dtype.complex())
    }

    fn fourier(&mut self, kind: Fourier, x: NodeId) -> Result<NodeId> {
        let axis = self.last(x);
        self.b.add(Op::Fourier { kind, axis }, &[x])
    }

    fn cosine_1(&mut self, x: NodeId) -> Result<NodeId> {
        let n = self.n.clone();
        let two = Dim::known(2);
        let mirrored = self.part(x, n.clone() - two.clone(), n - two, -1)?;
        let axis = self.last(x);
        let even = concatenate(self.b, &[x, mirrored], axis)?;
        let spectrum = self.fourier(Fourier::RealForward, even)?;
        unary(self.b, E::Real, spectrum)
    }

    fn sine_1(&mut self, x: NodeId) -> Result<NodeId> {
        let n = self.n.clone();
        let mirrored = self.reversed(x)?;
        let mirrored = unary(self.b, E::Negative, mirrored)?;
        let mut shape = self.b.aval(x).shape.clone();
        let axis = self.last(x);
        shape[axis] = Dim::known(1);
        let zero = self.b.full(0.0, self.b.aval(x).dtype, shape)?;
        let odd = concatenate(self.b, &[zero, x, zero, mirrored], axis)?;
        let spectrum = self.fourier(Fourier::RealForward, odd)?;
        let y = unary(self.b, E::Imag, spectrum)?;
        let y = self.part(y, Dim::known(1), n, 1)?;
        unary(self.b, E::Negative, y)
    }

    fn cosine_2(&mut self, x: NodeId) -> Result<NodeId> {
        let mirrored = self.reversed(x)?;
        let axis = self.last(x);
        let even = concatenate(self.b, &[x, mirrored], axis)?;
        let spectrum = self.fourier(Fourier::RealForward, even)?;
        let n = self.n.clone();
        let spectrum = self.part(spectrum, Dim::known(0), n, 1)?;
        let phases = self.phases(x, -1.0, 1, 0, 2)?;
        let turned = binary(self.b, E::Multiply, spectrum, phases)?;
        unary(self.b, E::Real, turned)
    }

    fn cosine_3(&mut self, x: NodeId) -> Result<NodeId> {
        let n = self.n.clone();
        let phases = self.phases(x, 1.0, 1, 0, 2)?;
        let turned = binary(self.b, E::Multiply, x, phases)?;
        let axis = self.last(x);
        let length = n.clone() * Dim::known(2);
        let padded = resized(self.b, turned, axis, &half(&length))?;
        let y = self.fourier(Fourier::RealInverse(length), padded)?;
        self.part(y, Dim::known(0), n, 1)
    }

    fn cosine_4(&mut self, x: NodeId) -> Result<NodeId> {
        let n = self.n.clone();
        let phases = self.phases(x, -1.0, 1, 0, 2)?;
        let turned = binary(self.b, E::Multiply, x, phases)?;
        let axis = self.last(x);
        let length = n.clone() * Dim::known(2);
        let padded = resized(self.b, turned, axis, &length)?;
        let spectrum = self.fourier(Fourier::Forward, padded)?;
        let spectrum = self.part(spectrum, Dim::known(0), n, 1)?;
        let phases = self.phases(x, -1.0, 2, 1, 4)?;
        let turned = binary(self.b, E::Multiply, spectrum, phases)?;
        let y = unary(self.b, E::Real, turned)?;
        binary(self.b, E::Add, y, y)
    }
}
