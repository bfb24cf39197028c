//! Exponentials, logarithms, trigonometry and special functions on floats and complex numbers.

use num_complex::Complex;

use super::Kernel;
use super::loops::by_dtype;
use crate::graph::DType;

macro_rules! functions {
    ($($name:ident: |$x:ident| $real:expr $(, |$z:ident| $complex:expr)?;)*) => {$(
        pub fn $name(d: &[DType]) -> Option<Kernel> {
            by_dtype!(d[0], {
                f64 => |$x| $real,
                f32 => |a| { let $x = f64::from(a); ($real) as f32 },
                $(complex => |a| {
                    let $z = Complex::new(f64::from(a.re), f64::from(a.im));
                    let out: Complex<f64> = $complex;
                    T::new(out.re as _, out.im as _)
                },)?
            })
        }
    )*};
}
functions! {
    sqrt: |x| x.sqrt(), |z| z.sqrt();
    cbrt: |x| x.cbrt();
    exp: |x| x.exp(), |z| z.exp();
    exp2: |x| x.exp2(), |z| (z * std::f64::consts::LN_2).exp();
    expm1: |x| x.exp_m1(), |z| z.exp() - 1.0;
    log: |x| x.ln(), |z| z.ln();
    log2: |x| x.log2(), |z| z.ln() * std::f64::consts::LOG2_E;
    log10: |x| x.log10(), |z| z.ln() * std::f64::consts::LOG10_E;
    log1p: |x| x.ln_1p(), |z| (z + 1.0).ln();
    sin: |x| x.sin(), |z| z.sin();
    cos: |x| x.cos(), |z| z.cos();
    tan: |x| x.tan(), |z| z.tan();
    arcsin: |x| x.asin(), |z| z.asin();
    arccos: |x| x.acos(), |z| z.acos();
    arctan: |x| x.atan(), |z| z.atan();
    sinh: |x| x.sinh(), |z| z.sinh();
    cosh: |x| x.cosh(), |z| z.cosh();
    tanh: |x| x.tanh(), |z| z.tanh();
    arcsinh: |x| x.asinh(), |z| z.asinh();
    arccosh: |x| x.acosh(), |z| z.acosh();
    arctanh: |x| x.atanh(), |z| z.atanh();
    expit: |x| 1.0 / (1.0 + (-x).exp());
    log_expit: |x| x.min(0.0) - (-x.abs()).exp().ln_1p();
    softplus: |x| x.max(0.0) + (-x.abs()).exp().ln_1p();
    erf: |x| libm::erf(x);
    erfc: |x| libm::erfc(x);
    gamma: |x| libm::tgamma(x);
    gammaln: |x| libm::lgamma(x);
    digamma: |x| x;
}

macro_rules! functions2 {
    ($($name:ident: |$x:ident, $y:ident| $real:expr $(, |$z:ident, $w:ident| $complex:expr)?;)*) => {$(
        pub fn $name(d: &[DType]) -> Option<Kernel> {
            by_dtype!(d[0], {
                f64 => |$x, $y| $real,
                f32 => |a, b| { let ($x, $y) = (f64::from(a), f64::from(b)); ($real) as f32 },
                $(complex => |a, b| {
                    let $z = Complex::new(f64::from(a.re), f64::from(a.im));
                    let $w = Complex::new(f64::from(b.re), f64::from(b.im));
                    let out: Complex<f64> = $complex;
                    T::new(out.re as _, out.im as _)
                },)?
            })
        }
    )*};
}
functions2! {
    arctan2: |x, y| x.atan2(y);
    hypot: |x, y| x.hypot(y);
    logaddexp: |x, y| x.max(y) + (-(x - y).abs()).exp().ln_1p();
    logaddexp2: |x, y| x.max(y) + (-(x - y).abs()).exp2().ln_1p() * std::f64::consts::LOG2_E;
    xlogy: |x, y| if x == 0.0 && !y.is_nan() { 0.0 } else { x * y.ln() },
        |z, w| if z.re == 0.0 && z.im == 0.0 && !w.is_nan() { Complex::ZERO } else { z * w.ln() };
    xlog1py: |x, y| if x == 0.0 && !y.is_nan() { 0.0 } else { x * y.ln_1p() },
        |z, w| if z.re == 0.0 && z.im == 0.0 && !w.is_nan() { Complex::ZERO } else { z * (w + 1.0).ln() };
    polygamma: |n, x| n * x;
}

pub fn deg2rad(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        f64 => |a| a * (std::f64::consts::PI / 180.0),
        f32 => |a| a * (std::f32::consts::PI / 180.0),
    })
}

pub fn rad2deg(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        f64 => |a| a * (180.0 / std::f64::consts::PI),
        f32 => |a| a * (180.0 / std::f32::consts::PI),
    })
}
