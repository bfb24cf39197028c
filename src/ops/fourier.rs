//! Discrete Fourier transforms along an axis.
//!
//! In: the aval of the operand, already as long as the transform. Out: the aval of the spectrum;
//! derivatives, which are transforms of the same kind. None is normalised: that is a product apart.
//!
//! ```text
//! real_fft(float64[n0]) : complex128[n0 // 2 + 1]        y[k] = sum(x * exp(-2j * pi * k * j / n0))
//! ```
//!
//! Source: Van Loan, *Computational Frameworks for the Fast Fourier Transform* (1992).

use super::derivative::{materialized, not_linear};
use super::{Elementwise as E, Op, matrix, one, size_along};
use crate::error::{Error, Result};
use crate::graph::{Aval, Builder, Dim, NodeId};

/// Which transform.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fourier {
    /// Complex to complex, with `exp(-2j * pi * ...)`.
    Forward,
    /// Complex to complex, with the opposite sign.
    Inverse,
    /// Real numbers to the first half of their spectrum.
    RealForward,
    /// Half of a spectrum to as many real numbers.
    RealInverse(Dim),
}

impl Fourier {
    pub fn name(&self) -> &'static str {
        match self {
            Fourier::Forward => "fft",
            Fourier::Inverse => "inverse_fft",
            Fourier::RealForward => "real_fft",
            Fourier::RealInverse(_) => "inverse_real_fft",
        }
    }
}

/// How long the spectrum of `n` real numbers is.
pub fn half(n: &Dim) -> Dim {
    n.floor_div(&Dim::known(2)) + Dim::known(1)
}

/// Shape and dtype of the result.
///
/// # Errors
/// What NumPy would raise.
pub fn infer(b: &mut Builder, op: &Op, avals: &[Aval]) -> Result<Aval> {
    let Op::Fourier { kind, axis } = op else {
        return Err(Error::internal(format!("not a transform: {op:?}")));
    };
    let x = one(avals)?;
    let n = size_along(x, *axis)?.clone();
    let takes_complex = !matches!(kind, Fourier::RealForward);
    if !x.dtype.is_inexact() || x.dtype.is_complex() != takes_complex {
        return Err(Error::internal(format!("{} of {}", kind.name(), x.dtype)));
    }
    if let Fourier::RealInverse(size) = kind
        && !b.assume_equal(&n, &half(size))
    {
        return Err(Error::internal(format!(
            "{size} numbers of half a spectrum of {n}"
        )));
    }
    let (dtype, size) = match kind {
        Fourier::Forward | Fourier::Inverse => (x.dtype, n),
        Fourier::RealForward => (x.dtype.complex(), half(&n)),
        Fourier::RealInverse(n) => (x.dtype.real(), n.clone()),
    };
    let mut shape = x.shape.clone();
    shape[*axis] = size;
    Ok(Aval::new(dtype, shape))
}

/// A transform is linear.
pub fn jvp(b: &mut Builder, op: &Op, tangents: &[Option<NodeId>]) -> Result<Option<NodeId>> {
    match tangents {
        [Some(t)] => b.add(op.clone(), &[*t]).map(Some),
        _ => Ok(None),
    }
}

/// The matrix of a complex transform is symmetric. Of a real one, each number of the half spectrum
/// but the first, and the last of an even length, stands for two.
pub fn transpose(
    b: &mut Builder,
    op: &Op,
    operands: &[NodeId],
    cotangent: NodeId,
    result: &Aval,
) -> Result<Vec<Option<NodeId>>> {
    let (Op::Fourier { kind, axis }, &[x]) = (op, operands) else {
        return Err(not_linear(op));
    };
    let whole = materialized(b, cotangent, result)?;
    let axis = *axis;
    let part = match kind {
        Fourier::Forward | Fourier::Inverse => b.add(op.clone(), &[whole])?,
        Fourier::RealForward => {
            let n = b.aval(x).shape[axis].clone();
            let turned = b.elementwise(E::Conjugate, &[whole])?;
            let halved = paired(b, turned, axis, &n, 0.5)?;
            let kind = Fourier::RealInverse(n);
            b.add(Op::Fourier { kind, axis }, &[halved])?
        }
        Fourier::RealInverse(n) => {
            let kind = Fourier::RealForward;
            let spectrum = b.add(Op::Fourier { kind, axis }, &[whole])?;
            let turned = b.elementwise(E::Conjugate, &[spectrum])?;
            paired(b, turned, axis, n, 2.0)?
        }
    };
    Ok(vec![Some(part)])
}

/// The half spectrum of `n` numbers, with `factor` on what stands for two.
fn paired(b: &mut Builder, x: NodeId, axis: usize, n: &Dim, factor: f64) -> Result<NodeId> {
    let aval = b.aval(x).clone();
    let index = matrix::iota(b, aval.shape[axis].clone(), axis, aval.rank())?;
    let two = b.int(2);
    let twice = matrix::multiply(b, index, two)?;
    let (zero, last) = (b.int(0), b.size(n.clone()));
    let first = b.elementwise(E::Equal, &[index, zero])?;
    let middle = b.elementwise(E::Equal, &[twice, last])?;
    let alone = b.elementwise(E::LogicalOr, &[first, middle])?;
    let one = b.full(1.0, aval.dtype.real(), Default::default())?;
    let factor = b.full(factor, aval.dtype.real(), Default::default())?;
    let factors = b.elementwise(E::Where, &[alone, one, factor])?;
    matrix::multiply(b, x, factors)
}
