//! Exponentials, logarithms, trigonometry and special functions as loops.
//!
//! In: the loop's dtypes. Out: a kernel. float32 is computed in float64 and rounded once; complex64 in
//! complex128. The functions themselves are in [`elementary`], [`special`] and [`complex`].
//!
//! ```text
//! functions! { exp: real exp, complex exp; }    // one kernel per float and complex dtype
//! ```

use std::f64::consts::{LN_2, LOG2_E, LOG10_E, PI};
use std::marker::PhantomData;

use num_complex::Complex;

use super::Kernel;
use super::lane::{Isa, Lane};
use super::loops::{Map1, Map2, by_dtype, kernel1, kernel2};
use super::{complex, elementary, special};
use crate::graph::DType;

/// A function of lanes.
trait Real<const N: usize> {
    fn of<F: Lane>(x: [F; N]) -> F;
}

/// A function of lanes over float64, and over float32.
struct Double<R>(PhantomData<R>);
struct Single<R>(PhantomData<R>);

#[inline(always)]
fn doubles<R: Real<A>, L: Isa, const A: usize, const N: usize>(x: [[f64; N]; A]) -> [f64; N] {
    if N.is_multiple_of(L::Many::WIDTH) {
        in_lanes::<R, L::Many, A, N>(x)
    } else {
        in_lanes::<R, L::F64, A, N>(x)
    }
}

#[inline(always)]
fn in_lanes<R: Real<A>, F: Lane, const A: usize, const N: usize>(x: [[f64; N]; A]) -> [f64; N] {
    let mut out = [0.0; N];
    for k in 0..N / F::WIDTH {
        let mut lanes = [F::of(0.0); A];
        for (lane, x) in lanes.iter_mut().zip(&x) {
            *lane = F::load(&x[k * F::WIDTH..]);
        }
        R::of(lanes).store(&mut out[k * F::WIDTH..]);
    }
    out
}

#[inline(always)]
fn singles<R: Real<A>, L: Isa, const A: usize, const N: usize>(x: [[f32; N]; A]) -> [f32; N] {
    let mut wide = [[0.0; N]; A];
    for (wide, x) in wide.iter_mut().zip(x) {
        *wide = x.map(f64::from);
    }
    doubles::<R, L, A, N>(wide).map(|x| x as f32)
}

macro_rules! maps {
    ($($Map:ident $arity:literal: $($operand:ident $x:ident),+;)*) => {$(
        impl<R: Real<$arity>> $Map for Double<R> {
            const IN_LANES: bool = true;
            $(type $operand = f64;)+
            type Out = f64;
            #[inline(always)]
            fn block<L: Isa, const N: usize>($($x: [f64; N]),+) -> [f64; N] {
                doubles::<R, L, $arity, N>([$($x),+])
            }
        }

        impl<R: Real<$arity>> $Map for Single<R> {
            const IN_LANES: bool = true;
            $(type $operand = f32;)+
            type Out = f32;
            #[inline(always)]
            fn block<L: Isa, const N: usize>($($x: [f32; N]),+) -> [f32; N] {
                singles::<R, L, $arity, N>([$($x),+])
            }
        }
    )*};
}
maps! {
    Map1 1: A a;
    Map2 2: A a, B b;
}

/// The loop of `$Floats<M>` for a function of as many names.
macro_rules! kernel_of {
    ($Floats:ident, $a:ident) => {
        kernel1::<$Floats<M>>()
    };
    ($Floats:ident, $a:ident, $b:ident) => {
        kernel2::<$Floats<M>>()
    };
}

/// A kernel for the floats of a function of lanes, and for the complex dtypes of one of complex128.
macro_rules! functions {
    ($($name:ident: |$($x:ident),+| $real:expr $(; |$($z:ident),+| $complex:expr)?;)*) => {$(
        pub fn $name(d: &[DType]) -> Option<Kernel> {
            struct M;
            impl Real<{ [$(stringify!($x)),+].len() }> for M {
                #[inline(always)]
                fn of<F: Lane>([$($x),+]: [F; [$(stringify!($x)),+].len()]) -> F {
                    $real
                }
            }
            match d[0] {
                DType::F64 => return Some(kernel_of!(Double, $($x),+)),
                DType::F32 => return Some(kernel_of!(Single, $($x),+)),
                _ => {}
            }
            by_dtype!(d[0], {
                $(complex => |$($z),+| {
                    $(let $z = Complex::new(f64::from($z.re), f64::from($z.im));)+
                    let out: Complex<f64> = $complex;
                    T::new(out.re as _, out.im as _)
                },)?
            })
        }
    )*};
}
functions! {
    sqrt: |x| x.sqrt(); |z| complex::sqrt(z);
    exp: |x| elementary::exp(x); |z| complex::exp(z);
    exp2: |x| elementary::exp2(x); |z| complex::exp(z * LN_2);
    expm1: |x| elementary::expm1(x); |z| complex::expm1(z);
    log: |x| elementary::log(x); |z| complex::log(z);
    log2: |x| elementary::log2(x); |z| complex::log(z) * LOG2_E;
    log10: |x| elementary::log10(x); |z| complex::log(z) * LOG10_E;
    log1p: |x| elementary::log1p(x); |z| complex::log1p(z);
    arcsin: |x| elementary::asin(x); |z| complex::asin(z);
    arccos: |x| elementary::acos(x); |z| complex::acos(z);
    arctan: |x| elementary::atan(x); |z| complex::atan(z);
    sinh: |x| elementary::sinh(x); |z| complex::sinh(z);
    cosh: |x| elementary::cosh(x); |z| complex::cosh(z);
    tanh: |x| elementary::tanh(x); |z| complex::tanh(z);
    arcsinh: |x| elementary::asinh(x); |z| complex::asinh(z);
    arccosh: |x| elementary::acosh(x); |z| complex::acosh(z);
    arctanh: |x| elementary::atanh(x); |z| complex::atanh(z);
    expit: |x| elementary::expit(x);
    log_expit: |x| elementary::log_expit(x);
    softplus: |x| elementary::softplus(x);
    power: |x, y| elementary::pow(x, y); |z, w| complex::power(z, w);
    arctan2: |y, x| elementary::atan2(y, x);
    logaddexp: |x, y| elementary::logaddexp(x, y);
    logaddexp2: |x, y| elementary::logaddexp2(x, y);
    erf: |x| elementary::erf(x);
    erfc: |x| elementary::erfc(x);
}

/// The same for functions that are not vectorised.
macro_rules! scalar_functions {
    ($($name:ident: |$($x:ident),+| $real:expr $(; |$($z:ident),+| $complex:expr)?;)*) => {$(
        pub fn $name(d: &[DType]) -> Option<Kernel> {
            by_dtype!(d[0], {
                f64 => |$($x),+| $real,
                f32 => |$($x),+| {
                    $(let $x = f64::from($x);)+
                    ($real) as f32
                },
                $(complex => |$($z),+| {
                    $(let $z = Complex::new(f64::from($z.re), f64::from($z.im));)+
                    let out: Complex<f64> = $complex;
                    T::new(out.re as _, out.im as _)
                },)?
            })
        }
    )*};
}
scalar_functions! {
    cbrt: |x| libm::cbrt(x);
    hypot: |x, y| libm::hypot(x, y);
    gamma: |x| special::gamma(x);
    gammaln: |x| special::gammaln(x);
    digamma: |x| special::digamma(x);
    polygamma: |n, x| special::polygamma(n, x);
    xlogy: |x, y| special::xlogy(x, y); |z, w| complex::xlogy(z, w);
    xlog1py: |x, y| special::xlog1py(x, y); |z, w| complex::xlog1py(z, w);
}

/// Functions of an angle: blocks with angles too large for the vectorised reduction go to `libm`.
macro_rules! angles {
    ($($name:ident, $hard:path, $complex:path;)*) => {$(
        pub fn $name(d: &[DType]) -> Option<Kernel> {
            struct M;
            impl Real<1> for M {
                #[inline(always)]
                fn of<F: Lane>([x]: [F; 1]) -> F {
                    elementary::$name(x)
                }
            }
            impl Map1 for M {
                const IN_LANES: bool = true;
                type A = f64;
                type Out = f64;
                #[inline(always)]
                fn block<L: Isa, const N: usize>(x: [f64; N]) -> [f64; N] {
                    if has_large_angle(&x) {
                        x.map($hard)
                    } else {
                        doubles::<M, L, 1, N>([x])
                    }
                }
            }
            struct Narrow;
            impl Map1 for Narrow {
                const IN_LANES: bool = true;
                type A = f32;
                type Out = f32;
                #[inline(always)]
                fn block<L: Isa, const N: usize>(x: [f32; N]) -> [f32; N] {
                    M::block::<L, N>(x.map(f64::from)).map(|x| x as f32)
                }
            }
            match d[0] {
                DType::F64 => return Some(kernel1::<M>()),
                DType::F32 => return Some(kernel1::<Narrow>()),
                _ => {}
            }
            by_dtype!(d[0], {
                complex => |z| {
                    let out = $complex(Complex::new(f64::from(z.re), f64::from(z.im)));
                    T::new(out.re as _, out.im as _)
                },
            })
        }
    )*};
}
angles! {
    sin, libm::sin, complex::sin;
    cos, libm::cos, complex::cos;
    tan, libm::tan, complex::tan;
}

#[inline(always)]
fn has_large_angle(x: &[f64]) -> bool {
    x.iter().fold(false, |large, x| {
        large | (x.abs() >= elementary::LARGE_ANGLE)
    })
}

pub fn deg2rad(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        f64 => |a| a * (PI / 180.0),
        f32 => |a| a * (std::f32::consts::PI / 180.0),
    })
}

pub fn rad2deg(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        f64 => |a| a * (180.0 / PI),
        f32 => |a| a * (180.0 / std::f32::consts::PI),
    })
}
