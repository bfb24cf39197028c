//! Exponentials, logarithms, trigonometry and special functions as loops.
//!
//! In: the loop's dtypes. Out: a kernel. float32 is computed in float64 and rounded once; complex64 in
//! complex128. The functions themselves are in [`elementary`], [`special`] and [`complex`].
//!
//! ```text
//! functions! { exp: real exp, complex exp; }    // one kernel per float and complex dtype
//! ```

use std::f64::consts::{LN_2, LOG2_E, LOG10_E, PI};

use num_complex::Complex;

use super::Kernel;
use super::lane::{Isa, Lane};
use super::loops::{Map1, by_dtype, kernel1};
use super::{complex, elementary, special};
use crate::graph::DType;

/// A kernel for the floats of a function of a lane, and for the complex dtypes of one of complex128.
macro_rules! functions {
    ($($name:ident: |$($x:ident),+| $real:expr $(; |$($z:ident),+| $complex:expr)?;)*) => {$(
        pub fn $name(d: &[DType]) -> Option<Kernel> {
            by_dtype!(d[0], {
                f64 => |$($x),+| {
                    $(let $x = L::F64::of($x);)+
                    $real.get()
                },
                f32 => |$($x),+| {
                    $(let $x = L::F64::of(f64::from($x));)+
                    $real.get() as f32
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
    erf: |x| libm::erf(x);
    erfc: |x| libm::erfc(x);
    gamma: |x| special::gamma(x);
    gammaln: |x| special::gammaln(x);
    digamma: |x| special::digamma(x);
    polygamma: |n, x| special::polygamma(n, x);
    xlogy: |x, y| special::xlogy(x, y); |z, w| complex::xlogy(z, w);
    xlog1py: |x, y| special::xlog1py(x, y); |z, w| complex::xlog1py(z, w);
}

/// Functions of an angle: blocks with angles too large for the vectorised reduction go to `libm`.
macro_rules! angles {
    ($($name:ident, $Double:ident, $Single:ident, $hard:path, $complex:path;)*) => {$(
        struct $Double;
        impl Map1 for $Double {
            type A = f64;
            type Out = f64;
            #[inline(always)]
            fn at<L: Isa>(a: f64) -> f64 {
                elementary::$name(L::F64::of(a)).get()
            }
            #[inline(always)]
            fn is_hard(a: f64) -> bool {
                a.abs() >= elementary::LARGE_ANGLE
            }
            fn at_hard(a: f64) -> f64 {
                $hard(a)
            }
        }

        struct $Single;
        impl Map1 for $Single {
            type A = f32;
            type Out = f32;
            #[inline(always)]
            fn at<L: Isa>(a: f32) -> f32 {
                $Double::at::<L>(a.into()) as f32
            }
            #[inline(always)]
            fn is_hard(a: f32) -> bool {
                $Double::is_hard(a.into())
            }
            fn at_hard(a: f32) -> f32 {
                $hard(a.into()) as f32
            }
        }

        pub fn $name(d: &[DType]) -> Option<Kernel> {
            match d[0] {
                DType::F64 => return Some(kernel1::<$Double>()),
                DType::F32 => return Some(kernel1::<$Single>()),
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
    sin, Sin, Sin32, libm::sin, complex::sin;
    cos, Cos, Cos32, libm::cos, complex::cos;
    tan, Tan, Tan32, libm::tan, complex::tan;
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
