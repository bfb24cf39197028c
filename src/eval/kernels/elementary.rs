//! The elementary functions, once, for any [`Lane`].
//!
//! In: a lane of float64. Out: the function to 2 ULP or better over the whole range, with IEEE's
//! special values. Sources: W. J. Cody and W. Waite, *Software Manual for the Elementary Functions*
//! (range reduction); Sun's fdlibm (coefficients of log, sin, cos, asin, atan); T. J. Dekker,
//! *A floating-point technique for extending the available precision* (pairs); M. M. Shepherd and
//! J. G. Laframboise, *Chebyshev approximation of (1+2x)exp(x²)erfc x in 0 ≤ x < ∞* (1981).
//!
//! ```
//! use lazy_core::eval::kernels::{elementary::log1p, lane::{Lane, Plain}};
//! assert_eq!(log1p(Plain::of(1e-20)).0, 1e-20);
//! ```

use std::f64::consts::{FRAC_PI_2, LN_2, LOG2_E, PI};

use super::lane::Lane;

/// log(2) in two parts, the first with trailing zeros: whole multiples of it are exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// `(exp(r) - 1 - r) / r**2` for absolute values of r up to log(2)/2, to 4e-18 of `exp(r)`.
const EXP: [f64; 10] = [
    0.500_000_000_000_001_2,
    0.166_666_666_666_666_96,
    0.041_666_666_666_521_86,
    0.008_333_333_333_307_982,
    0.001_388_888_894_557_356_4,
    0.000_198_412_699_158_991_85,
    2.480_149_126_037_699_8e-05,
    2.755_721_749_071_721_4e-06,
    2.763_085_639_054_601_6e-07,
    2.511_751_841_883_754_2e-08,
];

/// `(k, r)` with `x == k*log(2) + r`.
#[inline(always)]
fn reduce_exp<L: Lane>(x: L) -> (L, L) {
    let k = x.round_product(LOG2_E);
    let r = (-k).mul_add(L::of(LN2_HIGH), x);
    (k, (-k).mul_add(L::of(LN2_LOW), r))
}

/// `exp(r) - 1` near 0.
#[inline(always)]
fn expm1_near<L: Lane>(r: L) -> L {
    r.polynomial(EXP).mul_add(r * r, r)
}

/// `exp(x) * 2**shift`.
#[inline(always)]
fn exp_scaled<L: Lane>(x: L, shift: f64) -> L {
    let (k, r) = reduce_exp(x.at_least(-746.0).at_most(711.0));
    (expm1_near(r) + L::of(1.0)).scale(k + L::of(shift))
}

#[inline(always)]
pub fn exp<L: Lane>(x: L) -> L {
    exp_scaled(x, 0.0)
}

#[inline(always)]
pub fn exp2<L: Lane>(x: L) -> L {
    let x = x.at_least(-1076.0).at_most(1025.0);
    let k = x.round();
    let r = (x - k) * L::of(LN_2);
    (expm1_near(r) + L::of(1.0)).scale(k)
}

#[inline(always)]
pub fn expm1<L: Lane>(x: L) -> L {
    let (k, r) = reduce_exp(x.at_least(-50.0).at_most(711.0));
    // ((1 - 2**-k) + (exp(r) - 1)) * 2**k; above 2**100 the 1 is lost anyway.
    let one_less = L::of(1.0) - L::of(1.0).scale(-k.at_most(100.0));
    let value = (one_less + expm1_near(r)).scale(k);
    // Zero keeps its sign.
    L::choose(x.equal(L::of(0.0)), x, value)
}

/// `(log(1+f) - f + f**2/2, f**2/2)` for 1+f in [sqrt(1/2), sqrt(2)).
#[inline(always)]
fn log_tail<L: Lane>(f: L) -> (L, L) {
    const C: [f64; 7] = [
        6.666_666_666_666_735e-1,
        3.999_999_999_940_942e-1,
        2.857_142_874_366_239e-1,
        2.222_219_843_214_978_4e-1,
        1.818_357_216_161_805e-1,
        1.531_383_769_920_937_3e-1,
        1.479_819_860_511_658_6e-1,
    ];
    let s = f.quotient(L::of(2.0) + f);
    let z = s * s;
    let half_square = L::of(0.5) * f * f;
    (s * (half_square + z * z.polynomial(C)), half_square)
}

/// `(m, k)` with `x == m * 2**k`, for denormals too.
#[inline(always)]
fn split_any<L: Lane>(x: L) -> (L, L) {
    const TWO_54: f64 = 18_014_398_509_481_984.0;
    let tiny = x.less(L::of(f64::MIN_POSITIVE));
    let (m, k) = L::choose(tiny, x * L::of(TWO_54), x).split();
    (m, L::choose(tiny, k - L::of(54.0), k))
}

#[inline(always)]
pub fn log<L: Lane>(x: L) -> L {
    let (m, k) = split_any(x);
    let f = m - L::of(1.0);
    let (tail, half_square) = log_tail(f);
    let low = k.mul_add(L::of(LN2_LOW), tail) - half_square;
    x.log_edges(k.mul_add(L::of(LN2_HIGH), low + f))
}

#[inline(always)]
pub fn log1p<L: Lane>(x: L) -> L {
    let one = L::of(1.0);
    let u = one + x;
    let (m, k) = u.split();
    let near = k.equal(L::of(0.0));
    // What the sum lost, relative to it. A quotient to some percent will do: 1/m is 2 - m to 1/10,
    // one step of Newton's makes that 1/100.
    let lost = L::choose(x.less(one), x - (u - one), one - (u - x));
    let inverse = L::of(2.0) - m;
    let inverse = inverse * (L::of(2.0) - m * inverse);
    let lost = L::choose(near, L::of(0.0), (lost * inverse).scale(-k));
    let f = L::choose(near, x, m - one);
    let (tail, half_square) = log_tail(f);
    let low = (k.mul_add(L::of(LN2_LOW), lost) + tail) - half_square;
    let value = u.log_edges(k.mul_add(L::of(LN2_HIGH), low + f));
    L::choose(x.equal(L::of(0.0)), x, value)
}

/// `log(1 + x)` for x in [0, 1], or NaN.
#[inline(always)]
fn log1p_unit<L: Lane>(x: L) -> L {
    // As in `log_tail`, for z = s**2 up to 1/9, to 3e-18.
    const C: [f64; 10] = [
        0.666_666_666_666_664_2,
        0.400_000_000_001_245_8,
        0.285_714_285_513_169_46,
        0.222_222_237_823_204_73,
        0.181_817_498_121_282_28,
        0.153_864_462_347_547_3,
        0.133_023_434_337_537_22,
        0.120_960_457_887_154_88,
        0.083_810_653_994_964_78,
        0.169_472_305_680_397_38,
    ];
    let s = x.quotient(L::of(2.0) + x);
    let z = s * s;
    let half_square = L::of(0.5) * x * x;
    let rest = z.polynomial(C).mul_add(z, half_square);
    x - (-s).mul_add(rest, half_square)
}

/// A number as a sum of two, the second small.
type Pair<L> = (L, L);

/// The sum of two numbers, the first not smaller, exactly.
#[inline(always)]
fn pair<L: Lane>(a: L, b: L) -> Pair<L> {
    let sum = a + b;
    (sum, b - (sum - a))
}

#[inline(always)]
fn multiply<L: Lane>(a: Pair<L>, b: Pair<L>) -> Pair<L> {
    let (p, e) = a.0.product(b.0);
    pair(p, e + (a.0 * b.1 + a.1 * b.0))
}

/// The logarithm of a positive number to some 66 bits.
#[inline(always)]
fn log_pair<L: Lane>(x: L) -> Pair<L> {
    // log((1+s)/(1-s)) = 2s + 2/3 s**3 + s**5 * tail(s**2), with s = (m-1)/(m+1).
    const TAIL: [f64; 8] = [
        0.4,
        0.285_714_285_714_293_7,
        0.222_222_222_216_555_4,
        0.181_818_183_354_712_4,
        0.153_845_949_541_379_45,
        0.133_348_051_496_118_75,
        0.117_062_241_354_609_42,
        0.117_233_062_340_808_49,
    ];
    const TWO_THIRDS: (f64, f64) = (0.666_666_666_666_666_6, 3.700_743_415_417_188e-17);
    let (m, k) = split_any(x);
    let one = L::of(1.0);
    let (numerator, (sum, sum_low)) = (m - one, {
        // The larger first.
        let (a, b) = (
            L::choose(m.less(one), one, m),
            L::choose(m.less(one), m, one),
        );
        pair(a, b)
    });
    let s = numerator.quotient(sum);
    let (back, back_low) = s.product(sum);
    let s = pair(
        s,
        ((numerator - back) - back_low - s * sum_low).quotient(sum),
    );
    let square = multiply(s, s);
    let cube = multiply(square, s);
    let third = multiply(cube, (L::of(TWO_THIRDS.0), L::of(TWO_THIRDS.1)));
    let fifth = square.0 * cube.0 * square.0.polynomial(TAIL);
    // Added from the largest: k*log(2), 2s, the cube, the rest.
    let two_s = (s.0 + s.0, s.1 + s.1);
    let (high, low) = pair(two_s.0, third.0);
    let low = low + (two_s.1 + third.1 + fifth);
    let scaled = k * L::of(LN2_HIGH);
    // |k log 2| exceeds |log m| unless k is 0, where the sum is exact either way.
    let (sum, error) = pair(scaled, high);
    pair(sum, error + k.mul_add(L::of(LN2_LOW), low))
}

#[inline(always)]
pub fn log2<L: Lane>(x: L) -> L {
    let (h, l) = multiply(
        log_pair(x),
        (L::of(LOG2_E), L::of(2.035_527_374_093_103_3e-17)),
    );
    x.log_edges(h + l)
}

#[inline(always)]
pub fn log10<L: Lane>(x: L) -> L {
    let log10_e = (
        L::of(std::f64::consts::LOG10_E),
        L::of(1.098_319_650_216_765e-17),
    );
    let (h, l) = multiply(log_pair(x), log10_e);
    x.log_edges(h + l)
}

/// C's `pow`, with all its special cases.
#[inline(always)]
pub fn pow<L: Lane>(x: L, y: L) -> L {
    let (zero, one, infinity) = (L::of(0.0), L::of(1.0), L::of(f64::INFINITY));
    let base = x.abs();
    // exp of (y log x) as a pair; beyond the range the size of y does not matter.
    let bounded = y.at_least(-1e20).at_most(1e20);
    let (h, l) = multiply(log_pair(base), (bounded, zero));
    let overflow = L::of(720.0).less(h.abs());
    let h = h.at_least(-750.0).at_most(720.0);
    let l = L::choose(overflow, zero, l);
    let (k, r) = reduce_exp(h);
    let e = expm1_near(r);
    let value = (one + (e + (l + l * e))).scale(k);
    // The base is 0 or infinite: 0 or infinity by the exponent's sign.
    let grows = L::choose(y.less(zero), zero, infinity);
    let shrinks = L::choose(y.less(zero), infinity, zero);
    let value = L::choose(base.equal(zero), shrinks, value);
    let value = L::choose(base.equal(infinity), grows, value);
    // An infinite exponent.
    let large = y.abs().equal(infinity);
    let towards = L::choose(
        base.less(one),
        L::choose(y.less(zero), infinity, zero),
        L::choose(y.less(zero), zero, infinity),
    );
    let value = L::choose(large, L::choose(base.equal(one), one, towards), value);
    // Negative bases have whole exponents only, and odd ones keep the sign.
    let negative = L::of(1.0).copysign(x).less(zero);
    let whole = whole_number(y) | large;
    let odd = whole_number(y) & !whole_number(y * L::of(0.5));
    let value = L::choose(negative & odd, -value, value);
    let invalid = x.less(zero) & !whole & x.abs().less(infinity);
    let value = L::choose(invalid, L::of(f64::NAN), value);
    // NaN, but 1**nan and nan**0 are 1.
    let value = L::choose(!x.equal(x) | !y.equal(y), x + y, value);
    L::choose(x.equal(one) | y.equal(zero), one, value)
}

/// Whether a number has no fraction.
#[inline(always)]
fn whole_number<L: Lane>(y: L) -> L::Mask {
    // Above 2**51 `round` is not exact; above 2**52 every number is whole.
    let large = L::of(4_503_599_627_370_496.0);
    let shift = large.copysign(y);
    ((y + shift) - shift).equal(y) | !y.abs().less(large)
}

/// The quadrant of a reduced angle.
struct Angle<L> {
    /// In [-pi/4, pi/4], and its rounding error.
    r: L,
    low: L,
    /// A whole number: multiples of pi/2 taken off.
    n: L,
}

/// Angles beyond this need more of pi than [`reduce_angle`] has.
pub const LARGE_ANGLE: f64 = 1e6;

/// Cody and Waite in three parts of 33 bits and a rest.
#[inline(always)]
fn reduce_angle<L: Lane>(x: L) -> Angle<L> {
    const P1: f64 = 1.570_796_326_734_125_6;
    const P2: f64 = 6.077_100_506_303_966e-11;
    const P3: f64 = 2.022_266_248_711_166_5e-21;
    const P3_REST: f64 = 8.478_427_660_368_9e-32;
    let n = (x * L::of(2.0 / PI)).round();
    // Exact: the products have no more than 53 bits, the first difference cancels.
    let a = x - n * L::of(P1);
    let t = n * L::of(P2);
    let b = a - t;
    let lost = difference_error(a, t, b);
    let t = n * L::of(P3);
    let c = b - t;
    let lost = (lost + difference_error(b, t, c)) - n * L::of(P3_REST);
    let r = c + lost;
    Angle {
        r,
        low: (c - r) + lost,
        n,
    }
}

/// The rounding error of `d = a - b`, of whatever sizes.
#[inline(always)]
fn difference_error<L: Lane>(a: L, b: L, d: L) -> L {
    let back = d - a;
    (a - (d - back)) - (b + back)
}

#[inline(always)]
fn sin_near<L: Lane>(r: L, low: L) -> L {
    const S: [f64; 5] = [
        8.333_333_333_322_49e-3,
        -1.984_126_982_985_795e-4,
        2.755_731_370_707_006_8e-6,
        -2.505_076_025_340_686_3e-8,
        1.589_690_995_211_55e-10,
    ];
    const S1: f64 = -1.666_666_666_666_663_2e-1;
    let z = r * r;
    let v = z * r;
    r - ((z * (L::of(0.5) * low - v * z.polynomial(S)) - low) - v * L::of(S1))
}

#[inline(always)]
fn cos_near<L: Lane>(r: L, low: L) -> L {
    const C: [f64; 6] = [
        4.166_666_666_666_66e-2,
        -1.388_888_888_887_411e-3,
        2.480_158_728_947_673e-5,
        -2.755_731_435_139_066_3e-7,
        2.087_572_321_298_175e-9,
        -1.135_964_755_778_819_5e-11,
    ];
    let z = r * r;
    let half = L::of(0.5) * z;
    let w = L::of(1.0) - half;
    let rest = (L::of(1.0) - w) - half;
    w + (rest + (z * z * z.polynomial(C) - r * low))
}

/// Whether whole `n` is odd.
#[inline(always)]
fn is_odd<L: Lane>(n: L) -> L::Mask {
    let half = n * L::of(0.5);
    !half.round().equal(half)
}

/// The sine of the angle moved by `quarters` of a turn; for `|x| < LARGE_ANGLE`.
#[inline(always)]
fn sin_moved<L: Lane>(x: L, quarters: f64) -> L {
    let angle = reduce_angle(x);
    let n = angle.n + L::of(quarters);
    let value = L::choose(
        is_odd(n),
        cos_near(angle.r, angle.low),
        sin_near(angle.r, angle.low),
    );
    // Quadrants 2 and 3 are negative: floor(n/2) is odd.
    let pairs = (n * L::of(0.5) - L::of(0.25)).round();
    L::choose(is_odd(pairs), -value, value)
}

/// For `|x| < LARGE_ANGLE`.
#[inline(always)]
pub fn sin<L: Lane>(x: L) -> L {
    // Zero keeps its sign.
    L::choose(x.equal(L::of(0.0)), x, sin_moved(x, 0.0))
}

/// For `|x| < LARGE_ANGLE`.
#[inline(always)]
pub fn cos<L: Lane>(x: L) -> L {
    sin_moved(x, 1.0)
}

/// For `|x| < LARGE_ANGLE`.
#[inline(always)]
pub fn tan<L: Lane>(x: L) -> L {
    let angle = reduce_angle(x);
    let s = sin_near(angle.r, angle.low);
    let c = cos_near(angle.r, angle.low);
    let odd = is_odd(angle.n);
    let value = L::choose(odd, -c, s) / L::choose(odd, s, c);
    L::choose(x.equal(L::of(0.0)), x, value)
}

const PI_2_LOW: f64 = 6.123_233_995_736_766e-17;

/// `(asin(x) - x) / x` in terms of the square of x, to 1/4.
#[inline(always)]
fn asin_tail<L: Lane>(z: L) -> L {
    const P: [f64; 6] = [
        1.666_666_666_666_666_6e-1,
        -3.255_658_186_224_009e-1,
        2.012_125_321_348_629_3e-1,
        -4.005_553_450_067_941e-2,
        7.915_349_942_898_145e-4,
        3.479_331_075_960_212e-5,
    ];
    const Q: [f64; 5] = [
        1.0,
        -2.403_394_911_734_414,
        2.020_945_760_233_505_7,
        -6.882_839_716_054_533e-1,
        7.703_815_055_590_194e-2,
    ];
    z * z.polynomial(P) / z.polynomial(Q)
}

/// The square root and what it lost.
#[inline(always)]
fn sqrt_pair<L: Lane>(z: L) -> Pair<L> {
    let s = z.sqrt();
    let (square, error) = s.product(s);
    let lost = ((z - square) - error) / (s + s);
    (s, L::choose(z.equal(L::of(0.0)), z, lost))
}

#[inline(always)]
pub fn asin<L: Lane>(x: L) -> L {
    let a = x.abs();
    let small = a.less(L::of(0.5));
    let z = L::choose(small, x * x, (L::of(1.0) - a) * L::of(0.5));
    let tail = asin_tail(z);
    let (s, lost) = sqrt_pair(z);
    let far = L::of(FRAC_PI_2) - (L::of(2.0) * (s + (s * tail + lost)) - L::of(PI_2_LOW));
    let near = a.mul_add(tail, a);
    L::choose(small, near, far).copysign(x)
}

#[inline(always)]
pub fn acos<L: Lane>(x: L) -> L {
    let a = x.abs();
    let small = a.less(L::of(0.5));
    let z = L::choose(small, x * x, (L::of(1.0) - a) * L::of(0.5));
    let tail = asin_tail(z);
    let (s, lost) = sqrt_pair(z);
    let near = L::of(FRAC_PI_2) - (x - (L::of(PI_2_LOW) - x * tail));
    let above = L::of(2.0) * (s + (s * tail + lost));
    let below = L::of(PI) - L::of(2.0) * (s + (s * tail + (lost - L::of(PI_2_LOW))));
    L::choose(small, near, L::choose(x.less(L::of(0.0)), below, above))
}

/// The arctangent of `numerator / denominator`, both not negative.
#[inline(always)]
fn atan_ratio<L: Lane>(numerator: L, denominator: L) -> L {
    const C: [f64; 11] = [
        3.333_333_333_333_293e-1,
        -1.999_999_999_987_648_3e-1,
        1.428_571_427_250_346_6e-1,
        -1.111_111_040_546_235_6e-1,
        9.090_887_133_436_507e-2,
        -7.691_876_205_044_83e-2,
        6.661_073_137_387_531e-2,
        -5.833_570_133_790_573_5e-2,
        4.976_877_994_615_932_4e-2,
        -3.653_157_274_421_691_6e-2,
        1.628_582_011_536_578_2e-2,
    ];
    // Beyond tan(3 pi/8) the complement, from tan(pi/8) on the angle to pi/4.
    let (y, x) = (numerator, denominator);
    let steep = (x * L::of(2.414_213_562_373_095)).less(y);
    let middle = (x * L::of(0.414_213_562_373_095_03)).less(y) & !steep;
    let top = L::choose(steep, -x, L::choose(middle, y - x, y));
    let bottom = L::choose(steep, y, L::choose(middle, y + x, x));
    let t = top / bottom;
    let z = t * t;
    let tail = t * (z * z.polynomial(C));
    let quarter = L::of(std::f64::consts::FRAC_PI_4);
    let zero = L::of(0.0);
    let base = L::choose(steep, L::of(FRAC_PI_2), L::choose(middle, quarter, zero));
    let low = L::choose(
        steep,
        L::of(PI_2_LOW),
        L::choose(middle, L::of(PI_2_LOW / 2.0), zero),
    );
    base - ((tail - low) - t)
}

#[inline(always)]
pub fn atan<L: Lane>(x: L) -> L {
    let a = x.abs().at_most(1e300);
    L::choose(a.less(L::of(1e-9)), a, atan_ratio(a, L::of(1.0))).copysign(x)
}

/// The angle of the point `(x, y)`, with C's special cases.
#[inline(always)]
pub fn atan2<L: Lane>(y: L, x: L) -> L {
    let (zero, one) = (L::of(0.0), L::of(1.0));
    let (a, b) = (y.abs(), x.abs());
    // Sums of the two must not overflow.
    let huge = L::of(1e300);
    let factor = L::choose(huge.less(a) | huge.less(b), L::of(0.125), one);
    // 0/0 and inf/inf: the angles to (1, 0) and (1, 1).
    let same = a.equal(b);
    let top = L::choose(same, L::choose(a.equal(zero), zero, one), a * factor);
    let bottom = L::choose(same, one, b * factor);
    let angle = atan_ratio(top, bottom);
    let left = one.copysign(x).less(zero);
    let value = L::choose(left, L::of(PI) - (angle - L::of(2.0 * PI_2_LOW)), angle);
    let value = value.copysign(y);
    L::choose(a.equal(a) & b.equal(b), value, x + y)
}

#[inline(always)]
pub fn sinh<L: Lane>(x: L) -> L {
    let a = x.abs();
    let e = expm1(a.at_most(1.0));
    let near = L::of(0.5) * (e + e / (e + L::of(1.0)));
    let half = exp_scaled(a, -1.0);
    let far = half - L::of(0.25) / half;
    L::choose(a.less(L::of(1.0)), near, far).copysign(x)
}

#[inline(always)]
pub fn cosh<L: Lane>(x: L) -> L {
    let half = exp_scaled(x.abs(), -1.0);
    half + L::of(0.25) / half
}

#[inline(always)]
pub fn tanh<L: Lane>(x: L) -> L {
    let e = expm1((x + x).abs().at_most(40.0));
    e.quotient(e + L::of(2.0)).copysign(x)
}

#[inline(always)]
pub fn asinh<L: Lane>(x: L) -> L {
    let a = x.abs();
    let one = L::of(1.0);
    let bounded = a.at_most(1e10);
    let square = bounded * bounded;
    let near = log1p(bounded + square / (one + (one + square).sqrt()));
    let far = log(a) + L::of(LN_2);
    L::choose(a.less(L::of(1e9)), near, L::choose(a.equal(a), far, a)).copysign(x)
}

#[inline(always)]
pub fn acosh<L: Lane>(x: L) -> L {
    let t = x - L::of(1.0);
    let bounded = t.at_most(1e10);
    let near = log1p(bounded + (L::of(2.0) * bounded + bounded * bounded).sqrt());
    let far = log(x) + L::of(LN_2);
    let value = L::choose(L::of(1e9).less(x), far, near);
    L::choose(x.less(L::of(1.0)), L::of(f64::NAN), value)
}

#[inline(always)]
pub fn atanh<L: Lane>(x: L) -> L {
    let a = x.abs();
    let twice = a + a;
    let one = L::of(1.0);
    let argument = L::choose(
        a.less(L::of(0.5)),
        twice + twice * a / (one - a),
        twice / (one - a),
    );
    let value = (L::of(0.5) * log1p(argument)).copysign(x);
    L::choose(one.less(a), L::of(f64::NAN), value)
}

/// `1 / (1 + exp(-x))`, without overflow on either side.
#[inline(always)]
pub fn expit<L: Lane>(x: L) -> L {
    let one = L::of(1.0);
    let e = exp(-x.abs());
    L::choose(x.less(L::of(0.0)), e, one).quotient(one + e)
}

/// `log(1 + exp(x))`.
#[inline(always)]
pub fn softplus<L: Lane>(x: L) -> L {
    x.at_least(0.0) + log1p_unit(exp(-x.abs()))
}

/// `-log(1 + exp(-x))`.
#[inline(always)]
pub fn log_expit<L: Lane>(x: L) -> L {
    -softplus(-x)
}

/// `log(exp(x) + exp(y))`.
#[inline(always)]
pub fn logaddexp<L: Lane>(x: L, y: L) -> L {
    let larger = L::choose(x.less(y), y, x);
    // Equal infinities differ by NaN.
    let distance = L::choose(x.equal(y), L::of(0.0), (x - y).abs());
    larger + log1p_unit(exp(-distance))
}

/// `log2(2**x + 2**y)`.
#[inline(always)]
pub fn logaddexp2<L: Lane>(x: L, y: L) -> L {
    let larger = L::choose(x.less(y), y, x);
    let distance = L::choose(x.equal(y), L::of(0.0), (x - y).abs());
    larger + L::of(LOG2_E) * log1p_unit(exp2(-distance))
}

/// `erf(x)` for `x` in [0, 1].
#[inline(always)]
fn erf_near<L: Lane>(x: L) -> L {
    // `erf(x)/x - 1` in terms of the square of x, to 7e-18.
    const C: [f64; 12] = [
        0.128_379_167_095_512_56,
        -0.376_126_389_031_835_5,
        0.112_837_916_709_452_42,
        -0.026_866_170_643_274_432,
        0.005_223_977_607_408_436,
        -0.000_854_832_598_896_233_4,
        0.000_120_552_952_981_611_5,
        -1.492_474_422_759_877_3e-05,
        1.644_751_222_107_115_4e-06,
        -1.620_913_351_551_227_4e-07,
        1.372_279_029_253_406_6e-08,
        -7.800_836_939_653_132e-10,
    ];
    x.mul_add((x * x).polynomial(C), x)
}

/// `(1 + 2*x) * exp(x**2) * erfc(x)`, a polynomial in `(x - centre) / (x + centre)`.
#[inline(always)]
fn flat_erfc<L: Lane, const N: usize>(x: L, centre: f64, c: [f64; N]) -> L {
    let t = (x - L::of(centre)).quotient(x + L::of(centre));
    t.polynomial(c)
}

#[inline(always)]
pub fn erf<L: Lane>(x: L) -> L {
    // In [1, 6], to 1e-17 of erf.
    const C: [f64; 12] = [
        1.276_978_381_552_526_6,
        -0.092_763_826_585_670_8,
        -0.166_030_397_611_390_5,
        0.164_051_280_047_516_96,
        -0.054_220_001_613_936_9,
        -0.008_034_020_744_447_009,
        0.008_722_662_646_607_794,
        0.001_271_612_965_807_961_5,
        -0.001_455_962_641_969_204_2,
        -0.000_456_329_539_042_393_7,
        0.000_190_440_637_331_402_25,
        0.000_123_810_098_311_888_98,
    ];
    let a = x.abs();
    let one = L::of(1.0);
    let bounded = a.at_least(1.0).at_most(6.0);
    let scaled = flat_erfc(bounded, 2.0, C).quotient(bounded + bounded + one);
    let far = one - exp(-(bounded * bounded)) * scaled;
    L::choose(a.less(one), erf_near(a), far).copysign(x)
}

#[inline(always)]
pub fn erfc<L: Lane>(x: L) -> L {
    // In [0.45, 27.3], to 2e-18 of erfc.
    const C: [f64; 22] = [
        1.232_995_118_625_552_6,
        -0.139_621_116_840_562_5,
        0.015_379_652_102_618_914,
        0.068_097_054_254_692_12,
        -0.101_039_066_036_247_03,
        0.093_732_834_998_377_91,
        -0.066_330_365_813_760_28,
        0.037_167_515_536_796_69,
        -0.016_197_734_036_528_265,
        0.005_031_969_987_334_221,
        -0.000_757_773_459_793_941,
        -0.000_199_256_772_346_401_8,
        0.000_150_622_537_663_304_3,
        -2.439_879_998_435_359_5e-05,
        -1.122_483_117_336_854_7e-05,
        5.708_284_853_023_509_5e-06,
        2.996_941_972_904_336_6e-07,
        -8.221_391_513_535_373e-07,
        6.692_292_892_604_819e-08,
        1.054_101_871_179_212_3e-07,
        -1.219_275_739_913_824_9e-08,
        -1.040_484_679_252_732_7e-08,
    ];
    let a = x.abs();
    let bounded = a.at_least(0.45).at_most(28.0);
    let (square, rest) = bounded.product(bounded);
    let scaled = flat_erfc(bounded, 4.0, C) / (bounded + bounded + L::of(1.0));
    let (k, r) = reduce_exp(-square);
    let tail = scaled.mul_add(expm1_near(r - rest), scaled).scale(k);
    let far = L::choose(x.less(L::of(0.0)), L::of(2.0) - tail, tail);
    let near = L::of(1.0) - erf_near(a).copysign(x);
    L::choose(a.less(L::of(0.45)), near, far)
}
