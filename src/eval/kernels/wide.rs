//! Float64 in AVX-512 registers.
//!
//! In: what the CPU has beyond plain arithmetic. Out: [`Wide`], a [`Lane`]. Scaling by a power of two, with
//! every overflow and denormal right, is one instruction here and ten of portable arithmetic. Several
//! registers side by side hide the latency of a long chain of operations: the polynomial of one register
//! alone leaves the multipliers half idle.
//!
//! ```text
//! Wide::<1>::of(1.0).scale(Wide::of(-1074.0))    // eight times the smallest denormal
//! ```

use std::arch::x86_64::*;
use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

use super::lane::{Isa, Lane, MANTISSA, ROOT_HALF};

/// A CPU with AVX-512 (F, DQ).
#[derive(Clone, Copy, Debug)]
pub struct Avx512;

impl Isa for Avx512 {
    type F64 = Wide<1>;
    type Many = Wide<4>;
    const FUSED: bool = true;
}

/// `N` registers of eight float64. Only loops compiled for AVX-512, and chosen on a CPU with it, make any.
#[derive(Clone, Copy, Debug)]
pub struct Wide<const N: usize>([__m512d; N]);

/// An answer per element of a [`Wide`].
#[derive(Clone, Copy, Debug)]
pub struct Mask<const N: usize>([__mmask8; N]);

/// Elements of a register.
const EIGHT: usize = 8;

/// An expression of the registers of each vector, register by register. (A closure for `array::from_fn`
/// would not always be inlined, and vector instructions outside of a loop compiled for them are calls.)
macro_rules! each {
    ($first:ident = $vector:expr $(, $x:ident = $other:expr)* => $e:expr) => {{
        let mut out = $vector.0;
        for i in 0..N {
            let $first = $vector.0[i];
            $(let $x = $other.0[i];)*
            // SAFETY: the CPU has the instructions, or there would be no `Wide`.
            out[i] = unsafe { $e };
        }
        out
    }};
}

macro_rules! compare {
    ($predicate:ident, $a:expr, $b:expr) => {{
        let mut out = [0; N];
        for i in 0..N {
            // SAFETY: as above.
            out[i] = unsafe { _mm512_cmp_pd_mask::<$predicate>($a.0[i], $b.0[i]) };
        }
        out
    }};
}

macro_rules! operators {
    ($($trait:ident $method:ident $instruction:ident;)*) => {$(
        impl<const N: usize> $trait for Wide<N> {
            type Output = Wide<N>;
            #[inline(always)]
            fn $method(self, other: Wide<N>) -> Wide<N> {
                Wide(each!(a = self, b = other => $instruction(a, b)))
            }
        }
    )*};
}
operators! {
    Add add _mm512_add_pd;
    Sub sub _mm512_sub_pd;
    Mul mul _mm512_mul_pd;
    Div div _mm512_div_pd;
}

impl<const N: usize> Neg for Wide<N> {
    type Output = Wide<N>;
    #[inline(always)]
    fn neg(self) -> Wide<N> {
        Wide(each!(a = self => _mm512_xor_pd(a, _mm512_set1_pd(-0.0))))
    }
}

#[inline(always)]
fn combine<const N: usize>(
    mut a: Mask<N>,
    b: Mask<N>,
    f: fn(__mmask8, __mmask8) -> __mmask8,
) -> Mask<N> {
    for (a, b) in a.0.iter_mut().zip(b.0) {
        *a = f(*a, b);
    }
    a
}

impl<const N: usize> BitAnd for Mask<N> {
    type Output = Mask<N>;
    #[inline(always)]
    fn bitand(self, other: Mask<N>) -> Mask<N> {
        combine(self, other, |a, b| a & b)
    }
}

impl<const N: usize> BitOr for Mask<N> {
    type Output = Mask<N>;
    #[inline(always)]
    fn bitor(self, other: Mask<N>) -> Mask<N> {
        combine(self, other, |a, b| a | b)
    }
}

impl<const N: usize> Not for Mask<N> {
    type Output = Mask<N>;
    #[inline(always)]
    fn not(self) -> Mask<N> {
        combine(self, self, |a, _| !a)
    }
}

impl<const N: usize> Lane for Wide<N> {
    type Mask = Mask<N>;
    const WIDTH: usize = EIGHT * N;

    #[inline(always)]
    fn load(from: &[f64]) -> Wide<N> {
        let from = from[..Self::WIDTH].as_ptr();
        let mut out = Wide::of(0.0);
        for (i, register) in out.0.iter_mut().enumerate() {
            // SAFETY: as many elements are there.
            *register = unsafe { _mm512_loadu_pd(from.add(EIGHT * i)) };
        }
        out
    }

    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        let to = to[..Self::WIDTH].as_mut_ptr();
        for (i, register) in self.0.into_iter().enumerate() {
            // SAFETY: as many elements are there.
            unsafe { _mm512_storeu_pd(to.add(EIGHT * i), register) };
        }
    }

    #[inline(always)]
    fn of(value: f64) -> Wide<N> {
        // SAFETY: the CPU has the instructions, or nobody would ask for a `Wide`.
        Wide([unsafe { _mm512_set1_pd(value) }; N])
    }

    #[inline(always)]
    fn mul_add(self, factor: Wide<N>, term: Wide<N>) -> Wide<N> {
        Wide(each!(a = self, b = factor, c = term => _mm512_fmadd_pd(a, b, c)))
    }

    #[inline(always)]
    fn product(self, other: Wide<N>) -> (Wide<N>, Wide<N>) {
        let product = self * other;
        let error = each!(a = self, b = other, c = product => _mm512_fmsub_pd(a, b, c));
        (product, Wide(error))
    }

    #[inline(always)]
    fn sqrt(self) -> Wide<N> {
        Wide(each!(a = self => _mm512_sqrt_pd(a)))
    }

    #[inline(always)]
    fn abs(self) -> Wide<N> {
        Wide(each!(a = self => _mm512_abs_pd(a)))
    }

    #[inline(always)]
    fn copysign(self, sign: Wide<N>) -> Wide<N> {
        Wide(each!(a = self, b = sign => {
            let bit = _mm512_set1_pd(-0.0);
            _mm512_or_pd(_mm512_andnot_pd(bit, a), _mm512_and_pd(bit, b))
        }))
    }

    #[inline(always)]
    fn less(self, other: Wide<N>) -> Mask<N> {
        Mask(compare!(_CMP_LT_OQ, self, other))
    }

    #[inline(always)]
    fn equal(self, other: Wide<N>) -> Mask<N> {
        Mask(compare!(_CMP_EQ_OQ, self, other))
    }

    #[inline(always)]
    fn choose(mask: Mask<N>, yes: Wide<N>, no: Wide<N>) -> Wide<N> {
        Wide(each!(a = yes, b = no, m = mask => _mm512_mask_blend_pd(m, b, a)))
    }

    #[inline(always)]
    fn scale(self, k: Wide<N>) -> Wide<N> {
        Wide(each!(a = self, b = k => _mm512_scalef_pd(a, b)))
    }

    #[inline(always)]
    fn split(self) -> (Wide<N>, Wide<N>) {
        const EXPONENT: i64 = 0xFFF << MANTISSA;
        let root_half = ROOT_HALF as i64;
        let m = each!(a = self => {
            let bits = _mm512_castpd_si512(a);
            let above = _mm512_sub_epi64(bits, _mm512_set1_epi64(root_half));
            let exponent = _mm512_and_si512(above, _mm512_set1_epi64(EXPONENT));
            _mm512_castsi512_pd(_mm512_sub_epi64(bits, exponent))
        });
        let k = each!(a = self => {
            let above = _mm512_sub_epi64(_mm512_castpd_si512(a), _mm512_set1_epi64(root_half));
            _mm512_cvtepi64_pd(_mm512_srai_epi64::<MANTISSA>(above))
        });
        (Wide(m), Wide(k))
    }

    #[inline(always)]
    fn quotient(self, divisor: Wide<N>) -> Wide<N> {
        // 14 bits, and one step of Newton's; the last step corrects the quotient itself.
        let guess = Wide(each!(a = divisor => _mm512_rcp14_pd(a)));
        let rest = (-divisor).mul_add(guess, Wide::of(1.0));
        let inverse = guess.mul_add(rest, guess);
        let quotient = self * inverse;
        let rest = (-divisor).mul_add(quotient, self);
        rest.mul_add(inverse, quotient)
    }

    #[inline(always)]
    fn log_edges(self, value: Wide<N>) -> Wide<N> {
        // An answer per class of number, from the lowest digit: NaN for both kinds of it, minus infinity
        // for 0, the value for 1, NaN, infinity and NaN for minus and plus infinity and below 0, the value.
        const ANSWERS: i64 = 0x0353_0422;
        Wide(each!(a = self, b = value => {
            _mm512_fixupimm_pd::<0>(b, a, _mm512_set1_epi64(ANSWERS))
        }))
    }

    // The maximum and minimum instructions give their second operand if either is NaN.

    #[inline(always)]
    fn at_least(self, bound: f64) -> Wide<N> {
        Wide(each!(a = self => _mm512_max_pd(_mm512_set1_pd(bound), a)))
    }

    #[inline(always)]
    fn at_most(self, bound: f64) -> Wide<N> {
        Wide(each!(a = self => _mm512_min_pd(_mm512_set1_pd(bound), a)))
    }
}
