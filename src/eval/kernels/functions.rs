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
use super::complex::Part;
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
    hypot: |x, y| Part::size(Complex::new(x, y));
    gamma: |x| special::gamma(x);
    gammaln: |x| special::gammaln(x);
    digamma: |x| special::digamma(x);
    polygamma: |n, x| special::polygamma(n, x);
    xlogy: |x, y| special::xlogy(x, y); |z, w| complex::xlogy(z, w);
    xlog1py: |x, y| special::xlog1py(x, y); |z, w| complex::xlog1py(z, w);
}

/// Real functions that cost more than a loop: element by element, of any number of operands.
macro_rules! special_functions {
    ($($name:ident: |$($x:ident),+| $real:expr;)*) => {$(
        pub fn $name(d: &[DType]) -> Option<Kernel> {
            special_loop!(d[0], F64 f64, |$($x),+| $real);
            special_loop!(d[0], F32 f32, |$($x),+| $real);
            None
        }
    )*};
}

macro_rules! special_loop {
    ($dtype:expr, $D:ident $T:ty, |$($x:ident),+| $real:expr) => {
        if $dtype == DType::$D {
            /// # Safety
            /// As for [`Kernel`].
            unsafe fn run(inputs: &[*const u8], output: *mut u8, len: usize) {
                let &[$($x),+] = inputs else { return };
                $(let $x = $x.cast::<$T>();)+
                let output = output.cast::<$T>();
                for i in 0..len {
                    // SAFETY: the caller vouches for `len` elements of each array; an element is
                    // read before its place is written.
                    unsafe {
                        $(let $x = f64::from($x.add(i).read());)+
                        output.add(i).write(($real) as $T);
                    }
                }
            }
            return Some(run);
        }
    };
}
special_functions! {
    erfcx: |x| special::error::erfcx(x);
    erfinv: |x| special::error::erfinv(x);
    erfcinv: |x| special::error::erfcinv(x);
    dawsn: |x| special::error::dawsn(x);
    ndtr: |x| special::error::ndtr(x);
    log_ndtr: |x| special::error::log_ndtr(x);
    ndtri: |x| special::error::ndtri(x);
    ndtri_exp: |x| special::error::ndtri_exp(x);
    owens_t: |h, a| special::error::owens_t(h, a);
    loggamma: |x| special::loggamma(x);
    gammasgn: |x| special::gammasgn(x);
    rgamma: |x| special::rgamma(x);
    zetac: |x| special::zetac(x);
    entr: |x| special::entr(x);
    logit: |x| special::logit(x);
    cosm1: |x| special::cosm1(x);
    sindg: |x| special::sindg(x);
    cosdg: |x| special::cosdg(x);
    tandg: |x| special::tandg(x);
    j0: |x| special::j0(x);
    j1: |x| special::j1(x);
    y0: |x| special::y0(x);
    y1: |x| special::y1(x);
    i0: |x| special::i0(x);
    i0e: |x| special::i0e(x);
    i1: |x| special::i1(x);
    i1e: |x| special::i1e(x);
    k0: |x| special::k0(x);
    k0e: |x| special::k0e(x);
    k1: |x| special::k1(x);
    k1e: |x| special::k1e(x);
    exp1: |x| special::exp1(x);
    expi: |x| special::expi(x);
    spence: |x| special::spence(x);
    ellipk: |x| special::ellipk(x);
    ellipkm1: |x| special::ellipkm1(x);
    ellipe: |x| special::ellipe(x);
    poch: |a, b| special::poch(a, b);
    beta: |a, b| special::beta(a, b);
    betaln: |a, b| special::betaln(a, b);
    binom: |a, b| special::binom(a, b);
    zeta: |a, b| special::zeta(a, b);
    rel_entr: |a, b| special::rel_entr(a, b);
    kl_div: |a, b| special::kl_div(a, b);
    huber: |a, b| special::huber(a, b);
    pseudo_huber: |a, b| special::pseudo_huber(a, b);
    boxcox: |a, b| special::boxcox(a, b);
    boxcox1p: |a, b| special::boxcox1p(a, b);
    inv_boxcox: |a, b| special::inv_boxcox(a, b);
    inv_boxcox1p: |a, b| special::inv_boxcox1p(a, b);
    expn: |a, b| special::expn(a, b);
    ellipkinc: |a, b| special::ellipkinc(a, b);
    ellipeinc: |a, b| special::ellipeinc(a, b);
    exprel_derivative: |a, b| special::exprel_derivative(a, b);
    exprel: |x| special::exprel_derivative(0.0, x);
    gammainc: |a, x| special::incomplete::gammainc(a, x);
    gammaincc: |a, x| special::incomplete::gammaincc(a, x);
    gammaincinv: |a, x| special::incomplete::gammaincinv(a, x);
    gammainccinv: |a, x| special::incomplete::gammainccinv(a, x);
    betainc: |a, b, x| special::incomplete::betainc(a, b, x);
    betaincc: |a, b, x| special::incomplete::betaincc(a, b, x);
    betaincinv: |a, b, x| special::incomplete::betaincinv(a, b, x);
    betainccinv: |a, b, x| special::incomplete::betainccinv(a, b, x);
    zeta_derivative: |n, s, q| special::incomplete::zeta_derivative(n, s, q);
    gammainc_derivative: |n, a, x| special::incomplete::gammainc_derivative(n, a, x);
    betainc_derivative: |m, n, a, b, x| special::incomplete::betainc_derivative(m, n, a, b, x);
    stdtr: |df, t| special::incomplete::stdtr(df, t);
    stdtrit: |df, p| special::incomplete::stdtrit(df, p);
    jv: |v, x| special::bessel::jv(v, x);
    yv: |v, x| special::bessel::yv(v, x);
    iv: |v, x| special::bessel::iv(v, x);
    ive: |v, x| special::bessel::ive(v, x);
    kv: |v, x| special::bessel::kv(v, x);
    kve: |v, x| special::bessel::kve(v, x);
    spherical_jn: |v, x| special::bessel::spherical_jn(v, x);
    hyp0f1: |v, x| special::hypergeometric::hyp0f1(v, x);
    hyp1f1: |a, b, x| special::hypergeometric::hyp1f1(a, b, x);
    hyp2f1: |a, b, c, x| special::hypergeometric::hyp2f1(a, b, c, x);
    sin_integral: |x| special::sici(x).0;
    cos_integral: |x| special::sici(x).1;
    sinh_integral: |x| special::shichi(x).0;
    cosh_integral: |x| special::shichi(x).1;
    fresnel_s: |x| special::fresnel(x).0;
    fresnel_c: |x| special::fresnel(x).1;
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
