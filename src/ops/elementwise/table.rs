//! The table of elementwise operations: a row holds everything that is known of one.
//!
//! `partials` has one formula per operand, in terms of the operands `x` and the result: numbers in it
//! become Python literals, so that float32 stays float32.
//!
//! ```text
//! Log1p => { name: "log1p", loops: Same(INEXACT, ...), partials: [|x, _| 1.0 / (1.0 + x[0])], ... }
//! ```

use std::f64::consts::{FRAC_2_SQRT_PI, LN_2, LN_10, PI};

use super::Linearity::{Each, Jointly, No};
use super::Loops::Same;
use super::Partial::{MinusOne, NotDifferentiable, One, Zero};
use super::dtypes::{
    ALL, BITS, DOUBLES, FLOATS, INEXACT, INTEGERS, INTEGERS_NO_BOOL, NUMBERS, NUMBERS_NO_BOOL, Out,
    PARTS, PYTHON, QUOTIENTS, REAL_NUMBERS, REALS, SINGLE_FIRST, SPECIAL, SPECIAL_INEXACT,
};
use super::special::FRAC_1_SQRT_TAU;
use super::{Def, Loops, Slope, partials, special};
use crate::eval::kernels::{arithmetic, compare, float, functions, integer};
use crate::graph::DType;

use Elementwise::{
    Copysign, Exp2, ExprelDerivative, FloorDivide, FrexpExponent, Ldexp, Log1p, Polygamma,
};

/// The enum and its definitions from the rows.
macro_rules! table {
    ($($(#[$doc:meta])* $op:ident => {
        name: $name:literal,
        numpy: $numpy:expr,
        loops: $loops:expr,
        kernel: $kernel:expr,
        partials: [$(|$x:pat_param, $out:pat_param| $partial:expr),* $(,)?],
        linear: $linear:expr,
        domain: $domain:expr,
    })*) => {
        /// The closed list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Elementwise {
            $($(#[$doc])* $op,)*
        }

        impl Elementwise {
            pub const ALL: &[Elementwise] = &[$(Elementwise::$op),*];

            /// The row of the table.
            pub fn def(self) -> &'static Def {
                match self {
                    $(Elementwise::$op => const {
                        &Def {
                            name: $name,
                            numpy: $numpy,
                            loops: $loops,
                            kernel: $kernel,
                            partials: {
                                const SLOPES: &[Slope] = &[$(|$x, $out| ($partial).into()),*];
                                SLOPES
                            },
                            linear: $linear,
                            domain: $domain,
                        }
                    },)*
                }
            }
        }
    };
}

table! {
    // Arithmetic.
    /// The sum; of bools, `or`.
    Add => {
        name: "add",
        numpy: &["numpy.add"],
        loops: Same(ALL, Out::Same),
        kernel: arithmetic::add,
        partials: [|_, _| One, |_, _| One],
        linear: Jointly(&[0, 1]),
        domain: &[-3.0..3.0, -3.0..3.0],
    }
    /// `numpy.subtract`.
    Subtract => {
        name: "subtract",
        numpy: &["numpy.subtract"],
        loops: Same(NUMBERS_NO_BOOL, Out::Same),
        kernel: arithmetic::subtract,
        partials: [|_, _| One, |_, _| MinusOne],
        linear: Jointly(&[0, 1]),
        domain: &[-3.0..3.0, -3.0..3.0],
    }
    /// The product; of bools, `and`.
    Multiply => {
        name: "multiply",
        numpy: &["numpy.multiply"],
        loops: Same(ALL, Out::Same),
        kernel: arithmetic::multiply,
        partials: [|x, _| x[1], |x, _| x[0]],
        linear: Each,
        domain: &[-3.0..3.0, -3.0..3.0],
    }
    /// Of integers in float64.
    Divide => {
        name: "divide",
        numpy: &["numpy.divide", "numpy.true_divide"],
        loops: Same(QUOTIENTS, Out::Same),
        kernel: arithmetic::divide,
        partials: [|x, _| 1.0 / x[1], |x, out| -out / x[1]],
        linear: Jointly(&[0]),
        domain: &[-3.0..3.0, 0.2..3.0],
    }
    /// `numpy.floor_divide`.
    FloorDivide => {
        name: "floor_divide",
        numpy: &["numpy.floor_divide"],
        loops: Same(REAL_NUMBERS, Out::Same),
        kernel: arithmetic::floor_divide,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[-3.0..3.0, 0.2..3.0],
    }
    /// With the divisor's sign, as Python's `%`.
    Remainder => {
        name: "remainder",
        numpy: &["numpy.remainder", "numpy.mod"],
        loops: Same(REAL_NUMBERS, Out::Same),
        kernel: arithmetic::remainder,
        partials: [|_, _| One, |x, _| -x[0].apply2(FloorDivide, x[1])],
        linear: No,
        domain: &[0.3..0.9, 1.1..1.9],
    }
    /// With the dividend's sign, as C's `fmod`.
    Fmod => {
        name: "fmod",
        numpy: &["numpy.fmod"],
        loops: Same(REAL_NUMBERS, Out::Same),
        kernel: arithmetic::fmod,
        partials: [|_, _| One, |x, _| -(x[0] / x[1]).trunc()],
        linear: No,
        domain: &[2.3..2.9, 1.1..1.4],
    }
    /// Integers to negative powers raise (`kernels::check`).
    Power => {
        name: "power",
        numpy: &["numpy.power", "numpy.pow"],
        loops: Same(NUMBERS, Out::Same),
        kernel: arithmetic::power,
        partials: [
            |x, out| partials::power_base(x, out),
            |x, out| partials::power_exponent(x, out),
        ],
        linear: No,
        domain: &[0.2..3.0, -3.0..3.0],
    }
    /// In float64 or complex128.
    FloatPower => {
        name: "float_power",
        numpy: &["numpy.float_power"],
        loops: Same(DOUBLES, Out::Same),
        kernel: arithmetic::power,
        partials: [
            |x, out| partials::power_base(x, out),
            |x, out| partials::power_exponent(x, out),
        ],
        linear: No,
        domain: &[0.2..3.0, -3.0..3.0],
    }
    /// `numpy.negative`.
    Negative => {
        name: "negative",
        numpy: &["numpy.negative"],
        loops: Same(NUMBERS_NO_BOOL, Out::Same),
        kernel: arithmetic::negative,
        partials: [|_, _| MinusOne],
        linear: Jointly(&[0]),
        domain: &[-3.0..3.0],
    }
    /// `numpy.positive`.
    Positive => {
        name: "positive",
        numpy: &["numpy.positive"],
        loops: Same(NUMBERS_NO_BOOL, Out::Same),
        kernel: arithmetic::identity,
        partials: [|_, _| One],
        linear: Jointly(&[0]),
        domain: &[-3.0..3.0],
    }
    /// Python's own number, `int(x)` or `float(x)`, of a NumPy scalar: a weak value, whose arithmetic
    /// is Python's.
    Item => {
        name: "item",
        numpy: &[],
        loops: Same(PYTHON, Out::Same),
        kernel: arithmetic::identity,
        partials: [|_, _| One],
        linear: Jointly(&[0]),
        domain: &[-3.0..3.0],
    }
    /// Of complex numbers real.
    Absolute => {
        name: "absolute",
        numpy: &["numpy.abs", "numpy.absolute"],
        loops: Same(ALL, Out::Real),
        kernel: arithmetic::absolute,
        partials: [|x, out| partials::absolute(x, out)],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// The absolute value of real numbers, always a float.
    Fabs => {
        name: "fabs",
        numpy: &["numpy.fabs"],
        loops: Same(FLOATS, Out::Same),
        kernel: arithmetic::absolute,
        partials: [|x, _| x[0].sign()],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// Of a complex number `z / |z|`.
    Sign => {
        name: "sign",
        numpy: &["numpy.sign"],
        loops: Same(NUMBERS_NO_BOOL, Out::Same),
        kernel: arithmetic::sign,
        partials: [|x, out| partials::sign(x, out)],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `numpy.reciprocal`.
    Reciprocal => {
        name: "reciprocal",
        numpy: &["numpy.reciprocal"],
        loops: Same(NUMBERS, Out::Same),
        kernel: arithmetic::reciprocal,
        partials: [|_, out| -(out * out)],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `numpy.square`.
    Square => {
        name: "square",
        numpy: &["numpy.square"],
        loops: Same(NUMBERS, Out::Same),
        kernel: arithmetic::square,
        partials: [|x, _| 2 * x[0]],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `numpy.sqrt`.
    Sqrt => {
        name: "sqrt",
        numpy: &["numpy.sqrt"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::sqrt,
        partials: [|_, out| 0.5 / out],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `numpy.cbrt`.
    Cbrt => {
        name: "cbrt",
        numpy: &["numpy.cbrt", "scipy.special.cbrt"],
        loops: Same(FLOATS, Out::Same),
        kernel: functions::cbrt,
        partials: [|_, out| 1.0 / (3.0 * out * out)],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `numpy.conjugate`.
    Conjugate => {
        name: "conjugate",
        numpy: &["numpy.conjugate", "numpy.conj"],
        loops: Same(NUMBERS, Out::Same),
        kernel: arithmetic::conjugate,
        partials: [|x, out| partials::real_linear(x, out)],
        linear: Jointly(&[0]),
        domain: &[-3.0..3.0],
    }
    /// `numpy.real`.
    Real => {
        name: "real",
        numpy: &["numpy.real"],
        loops: Same(ALL, Out::Real),
        kernel: arithmetic::real,
        partials: [|x, out| partials::real_linear(x, out)],
        linear: Jointly(&[0]),
        domain: &[-3.0..3.0],
    }
    /// `numpy.imag`.
    Imag => {
        name: "imag",
        numpy: &["numpy.imag"],
        loops: Same(ALL, Out::Real),
        kernel: arithmetic::imag,
        partials: [|x, out| partials::imag(x, out)],
        linear: Jointly(&[0]),
        domain: &[-3.0..3.0],
    }
    /// `re + 1j*im`, exactly: the inverse of `Real` and `Imag`.
    MakeComplex => {
        name: "make_complex",
        numpy: &[],
        loops: Same(PARTS, Out::Complex),
        kernel: arithmetic::make_complex,
        partials: [|_, _| One, |x, _| x[0].scope().imaginary_unit()],
        linear: Jointly(&[0, 1]),
        domain: &[-3.0..3.0, -3.0..3.0],
    }
    // Exponentials and logarithms.
    /// `numpy.exp`.
    Exp => {
        name: "exp",
        numpy: &["numpy.exp"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::exp,
        partials: [|_, out| out],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `numpy.exp2`.
    Exp2 => {
        name: "exp2",
        numpy: &["numpy.exp2"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::exp2,
        partials: [|_, out| out * LN_2],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `numpy.expm1`.
    Expm1 => {
        name: "expm1",
        numpy: &["numpy.expm1", "scipy.special.expm1"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::expm1,
        partials: [|x, _| x[0].exp()],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `numpy.log`.
    Log => {
        name: "log",
        numpy: &["numpy.log"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::log,
        partials: [|x, _| 1.0 / x[0]],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `numpy.log2`.
    Log2 => {
        name: "log2",
        numpy: &["numpy.log2"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::log2,
        partials: [|x, _| 1.0 / (LN_2 * x[0])],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `numpy.log10`.
    Log10 => {
        name: "log10",
        numpy: &["numpy.log10"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::log10,
        partials: [|x, _| 1.0 / (LN_10 * x[0])],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `numpy.log1p`.
    Log1p => {
        name: "log1p",
        numpy: &["numpy.log1p", "scipy.special.log1p"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::log1p,
        partials: [|x, _| 1.0 / (1.0 + x[0])],
        linear: No,
        domain: &[-0.9..3.0],
    }
    /// `log(exp(x) + exp(y))`.
    Logaddexp => {
        name: "logaddexp",
        numpy: &["numpy.logaddexp"],
        loops: Same(FLOATS, Out::Same),
        kernel: functions::logaddexp,
        partials: [|x, _| special::share(x[0], x[1]), |x, _| special::share(x[1], x[0])],
        linear: No,
        domain: &[-3.0..3.0, -3.0..3.0],
    }
    /// `log2(2**x + 2**y)`.
    Logaddexp2 => {
        name: "logaddexp2",
        numpy: &["numpy.logaddexp2"],
        loops: Same(FLOATS, Out::Same),
        kernel: functions::logaddexp2,
        partials: [|x, out| (x[0] - out).apply(Exp2), |x, out| (x[1] - out).apply(Exp2)],
        linear: No,
        domain: &[-3.0..3.0, -3.0..3.0],
    }
    // Trigonometry.
    /// `numpy.sin`.
    Sin => {
        name: "sin",
        numpy: &["numpy.sin"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::sin,
        partials: [|x, _| x[0].cos()],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `numpy.cos`.
    Cos => {
        name: "cos",
        numpy: &["numpy.cos"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::cos,
        partials: [|x, _| -x[0].sin()],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `numpy.tan`.
    Tan => {
        name: "tan",
        numpy: &["numpy.tan"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::tan,
        partials: [|_, out| 1.0 + out * out],
        linear: No,
        domain: &[-1.2..1.2],
    }
    /// `numpy.arcsin`.
    Arcsin => {
        name: "arcsin",
        numpy: &["numpy.arcsin", "numpy.asin"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::arcsin,
        partials: [|x, _| 1.0 / (1.0 - x[0] * x[0]).sqrt()],
        linear: No,
        domain: &[-0.9..0.9],
    }
    /// `numpy.arccos`.
    Arccos => {
        name: "arccos",
        numpy: &["numpy.arccos", "numpy.acos"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::arccos,
        partials: [|x, _| -1.0 / (1.0 - x[0] * x[0]).sqrt()],
        linear: No,
        domain: &[-0.9..0.9],
    }
    /// `numpy.arctan`.
    Arctan => {
        name: "arctan",
        numpy: &["numpy.arctan", "numpy.atan"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::arctan,
        partials: [|x, _| 1.0 / (1.0 + x[0] * x[0])],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// Operands `y, x`.
    Arctan2 => {
        name: "arctan2",
        numpy: &["numpy.arctan2", "numpy.atan2"],
        loops: Same(FLOATS, Out::Same),
        kernel: functions::arctan2,
        partials: [
            |x, _| x[1] / (x[0] * x[0] + x[1] * x[1]),
            |x, _| -x[0] / (x[0] * x[0] + x[1] * x[1]),
        ],
        linear: No,
        domain: &[0.2..3.0, -3.0..3.0],
    }
    /// `numpy.hypot`.
    Hypot => {
        name: "hypot",
        numpy: &["numpy.hypot"],
        loops: Same(FLOATS, Out::Same),
        kernel: functions::hypot,
        partials: [
            |x, out| partials::hypot(x[0], out),
            |x, out| partials::hypot(x[1], out),
        ],
        linear: No,
        domain: &[0.2..3.0, -3.0..3.0],
    }
    /// `numpy.sinh`.
    Sinh => {
        name: "sinh",
        numpy: &["numpy.sinh"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::sinh,
        partials: [|x, _| x[0].cosh()],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `numpy.cosh`.
    Cosh => {
        name: "cosh",
        numpy: &["numpy.cosh"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::cosh,
        partials: [|x, _| x[0].sinh()],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `numpy.tanh`.
    Tanh => {
        name: "tanh",
        numpy: &["numpy.tanh"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::tanh,
        partials: [|_, out| 1.0 - out * out],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `numpy.arcsinh`.
    Arcsinh => {
        name: "arcsinh",
        numpy: &["numpy.arcsinh", "numpy.asinh"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::arcsinh,
        partials: [|x, _| 1.0 / (x[0] * x[0] + 1.0).sqrt()],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `numpy.arccosh`.
    Arccosh => {
        name: "arccosh",
        numpy: &["numpy.arccosh", "numpy.acosh"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::arccosh,
        partials: [|x, _| 1.0 / ((x[0] - 1.0).sqrt() * (x[0] + 1.0).sqrt())],
        linear: No,
        domain: &[1.2..3.0],
    }
    /// `numpy.arctanh`.
    Arctanh => {
        name: "arctanh",
        numpy: &["numpy.arctanh", "numpy.atanh"],
        loops: Same(INEXACT, Out::Same),
        kernel: functions::arctanh,
        partials: [|x, _| 1.0 / (1.0 - x[0] * x[0])],
        linear: No,
        domain: &[-0.9..0.9],
    }
    /// `numpy.deg2rad`.
    Deg2rad => {
        name: "deg2rad",
        numpy: &["numpy.deg2rad", "numpy.radians"],
        loops: Same(FLOATS, Out::Same),
        kernel: functions::deg2rad,
        partials: [|x, _| x[0].scope().float(PI / 180.0)],
        linear: Jointly(&[0]),
        domain: &[-3.0..3.0],
    }
    /// `numpy.rad2deg`.
    Rad2deg => {
        name: "rad2deg",
        numpy: &["numpy.rad2deg", "numpy.degrees"],
        loops: Same(FLOATS, Out::Same),
        kernel: functions::rad2deg,
        partials: [|x, _| x[0].scope().float(180.0 / PI)],
        linear: Jointly(&[0]),
        domain: &[-3.0..3.0],
    }
    // Rounding, and the parts of floats.
    /// `numpy.floor`.
    Floor => {
        name: "floor",
        numpy: &["numpy.floor"],
        loops: Same(REALS, Out::Same),
        kernel: float::floor,
        partials: [|_, _| Zero],
        linear: No,
        domain: &[0.2..0.8],
    }
    /// `numpy.ceil`.
    Ceil => {
        name: "ceil",
        numpy: &["numpy.ceil"],
        loops: Same(REALS, Out::Same),
        kernel: float::ceil,
        partials: [|_, _| Zero],
        linear: No,
        domain: &[0.2..0.8],
    }
    /// `numpy.trunc`.
    Trunc => {
        name: "trunc",
        numpy: &["numpy.trunc"],
        loops: Same(REALS, Out::Same),
        kernel: float::trunc,
        partials: [|_, _| Zero],
        linear: No,
        domain: &[0.2..0.8],
    }
    /// Halves to even.
    Rint => {
        name: "rint",
        numpy: &["numpy.rint"],
        loops: Same(INEXACT, Out::Same),
        kernel: float::rint,
        partials: [|_, _| Zero],
        linear: No,
        domain: &[0.1..0.4],
    }
    /// `numpy.copysign`.
    Copysign => {
        name: "copysign",
        numpy: &["numpy.copysign"],
        loops: Same(FLOATS, Out::Same),
        kernel: float::copysign,
        partials: [
            |x, _| x[0].sign() * x[0].scope().float(1.0).apply2(Copysign, x[1]),
            |_, _| Zero,
        ],
        linear: No,
        domain: &[0.2..3.0, 0.2..3.0],
    }
    /// `numpy.nextafter`.
    Nextafter => {
        name: "nextafter",
        numpy: &["numpy.nextafter"],
        loops: Same(FLOATS, Out::Same),
        kernel: float::nextafter,
        partials: [|_, _| One, |_, _| Zero],
        linear: No,
        domain: &[0.2..3.0, -3.0..3.0],
    }
    /// `numpy.spacing`.
    Spacing => {
        name: "spacing",
        numpy: &["numpy.spacing"],
        loops: Same(FLOATS, Out::Same),
        kernel: float::spacing,
        partials: [|_, _| Zero],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `x * 2**e` with integer `e`.
    Ldexp => {
        name: "ldexp",
        numpy: &["numpy.ldexp"],
        loops: Loops::Ldexp,
        kernel: float::ldexp,
        partials: [
            |x, _| x[0].scope().float(1.0).apply2(Ldexp, x[1]),
            |_, _| NotDifferentiable("its exponent is an integer"),
        ],
        linear: Jointly(&[0]),
        domain: &[-3.0..3.0, 0.0..4.0],
    }
    /// `frexp(x)[0]`.
    FrexpMantissa => {
        name: "frexp_mantissa",
        numpy: &[],
        loops: Same(FLOATS, Out::Same),
        kernel: float::frexp_mantissa,
        partials: [|x, _| x[0].scope().float(1.0).apply2(Ldexp, -x[0].apply(FrexpExponent))],
        linear: No,
        domain: &[1.1..1.9],
    }
    /// `frexp(x)[1]`.
    FrexpExponent => {
        name: "frexp_exponent",
        numpy: &[],
        loops: Same(FLOATS, Out::Is(DType::I32)),
        kernel: float::frexp_exponent,
        partials: [|_, _| Zero],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `modf(x)[0]`, the part after the point; `modf(x)[1]` is `trunc`.
    Modf => {
        name: "modf",
        numpy: &[],
        loops: Same(FLOATS, Out::Same),
        kernel: float::modf,
        partials: [|_, _| One],
        linear: No,
        domain: &[0.2..0.8],
    }
    /// 0 below 0, 1 above, the second operand at 0.
    Heaviside => {
        name: "heaviside",
        numpy: &["numpy.heaviside"],
        loops: Same(FLOATS, Out::Same),
        kernel: float::heaviside,
        partials: [|_, _| Zero, |x, _| x[0].equals(0).choose(1.0, 0.0)],
        linear: No,
        domain: &[0.2..3.0, -3.0..3.0],
    }
    /// `numpy.signbit`.
    Signbit => {
        name: "signbit",
        numpy: &["numpy.signbit"],
        loops: Same(FLOATS, Out::Is(DType::Bool)),
        kernel: float::signbit,
        partials: [|_, _| Zero],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `numpy.isnan`.
    Isnan => {
        name: "isnan",
        numpy: &["numpy.isnan"],
        loops: Same(ALL, Out::Is(DType::Bool)),
        kernel: float::isnan,
        partials: [|_, _| Zero],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `numpy.isinf`.
    Isinf => {
        name: "isinf",
        numpy: &["numpy.isinf"],
        loops: Same(ALL, Out::Is(DType::Bool)),
        kernel: float::isinf,
        partials: [|_, _| Zero],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `numpy.isfinite`.
    Isfinite => {
        name: "isfinite",
        numpy: &["numpy.isfinite"],
        loops: Same(ALL, Out::Is(DType::Bool)),
        kernel: float::isfinite,
        partials: [|_, _| Zero],
        linear: No,
        domain: &[0.2..3.0],
    }
    // Comparison and choice.
    /// `numpy.equal`.
    Equal => {
        name: "equal",
        numpy: &["numpy.equal"],
        loops: Loops::Comparison,
        kernel: compare::equal,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[-3.0..3.0, -3.0..3.0],
    }
    /// `numpy.not_equal`.
    NotEqual => {
        name: "not_equal",
        numpy: &["numpy.not_equal"],
        loops: Loops::Comparison,
        kernel: compare::not_equal,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[-3.0..3.0, -3.0..3.0],
    }
    /// `numpy.less`.
    Less => {
        name: "less",
        numpy: &["numpy.less"],
        loops: Loops::Comparison,
        kernel: compare::less,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[-3.0..3.0, -3.0..3.0],
    }
    /// `numpy.less_equal`.
    LessEqual => {
        name: "less_equal",
        numpy: &["numpy.less_equal"],
        loops: Loops::Comparison,
        kernel: compare::less_equal,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[-3.0..3.0, -3.0..3.0],
    }
    /// `numpy.greater`.
    Greater => {
        name: "greater",
        numpy: &["numpy.greater"],
        loops: Loops::Comparison,
        kernel: compare::greater,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[-3.0..3.0, -3.0..3.0],
    }
    /// `numpy.greater_equal`.
    GreaterEqual => {
        name: "greater_equal",
        numpy: &["numpy.greater_equal"],
        loops: Loops::Comparison,
        kernel: compare::greater_equal,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[-3.0..3.0, -3.0..3.0],
    }
    /// The larger; NaN if either is.
    Maximum => {
        name: "maximum",
        numpy: &["numpy.maximum"],
        loops: Same(ALL, Out::Same),
        kernel: compare::maximum,
        partials: [
            |x, _| partials::larger(x[0], x[1]),
            |x, _| partials::larger(x[1], x[0]),
        ],
        linear: No,
        domain: &[0.2..0.8, 1.2..1.8],
    }
    /// The smaller; NaN if either is.
    Minimum => {
        name: "minimum",
        numpy: &["numpy.minimum"],
        loops: Same(ALL, Out::Same),
        kernel: compare::minimum,
        partials: [
            |x, _| partials::smaller(x[0], x[1]),
            |x, _| partials::smaller(x[1], x[0]),
        ],
        linear: No,
        domain: &[0.2..0.8, 1.2..1.8],
    }
    /// The larger; NaN only if both are.
    Fmax => {
        name: "fmax",
        numpy: &["numpy.fmax"],
        loops: Same(ALL, Out::Same),
        kernel: compare::fmax,
        partials: [
            |x, _| partials::larger_number(x[0], x[1]),
            |x, _| partials::larger_number(x[1], x[0]),
        ],
        linear: No,
        domain: &[0.2..0.8, 1.2..1.8],
    }
    /// The smaller; NaN only if both are.
    Fmin => {
        name: "fmin",
        numpy: &["numpy.fmin"],
        loops: Same(ALL, Out::Same),
        kernel: compare::fmin,
        partials: [
            |x, _| partials::smaller_number(x[0], x[1]),
            |x, _| partials::smaller_number(x[1], x[0]),
        ],
        linear: No,
        domain: &[0.2..0.8, 1.2..1.8],
    }
    /// Condition, value where it is true, value where it is false.
    Where => {
        name: "where",
        numpy: &["numpy.where"],
        loops: Loops::Where,
        kernel: compare::choose,
        partials: [|_, _| Zero, |x, _| x[0].choose(1.0, 0.0), |x, _| x[0].choose(0.0, 1.0)],
        linear: Jointly(&[1, 2]),
        domain: &[0.0..1.0, -3.0..3.0, -3.0..3.0],
    }
    // Logic and bits.
    /// `numpy.logical_and`.
    LogicalAnd => {
        name: "logical_and",
        numpy: &["numpy.logical_and"],
        loops: Same(ALL, Out::Is(DType::Bool)),
        kernel: compare::logical_and,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[-3.0..3.0, -3.0..3.0],
    }
    /// `numpy.logical_or`.
    LogicalOr => {
        name: "logical_or",
        numpy: &["numpy.logical_or"],
        loops: Same(ALL, Out::Is(DType::Bool)),
        kernel: compare::logical_or,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[-3.0..3.0, -3.0..3.0],
    }
    /// `numpy.logical_xor`.
    LogicalXor => {
        name: "logical_xor",
        numpy: &["numpy.logical_xor"],
        loops: Same(ALL, Out::Is(DType::Bool)),
        kernel: compare::logical_xor,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[-3.0..3.0, -3.0..3.0],
    }
    /// `numpy.logical_not`.
    LogicalNot => {
        name: "logical_not",
        numpy: &["numpy.logical_not"],
        loops: Same(ALL, Out::Is(DType::Bool)),
        kernel: compare::logical_not,
        partials: [|_, _| Zero],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `numpy.bitwise_and`.
    BitwiseAnd => {
        name: "bitwise_and",
        numpy: &["numpy.bitwise_and"],
        loops: Same(BITS, Out::Same),
        kernel: integer::and,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[0.0..8.0, 0.0..8.0],
    }
    /// `numpy.bitwise_or`.
    BitwiseOr => {
        name: "bitwise_or",
        numpy: &["numpy.bitwise_or"],
        loops: Same(BITS, Out::Same),
        kernel: integer::or,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[0.0..8.0, 0.0..8.0],
    }
    /// `numpy.bitwise_xor`.
    BitwiseXor => {
        name: "bitwise_xor",
        numpy: &["numpy.bitwise_xor"],
        loops: Same(BITS, Out::Same),
        kernel: integer::xor,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[0.0..8.0, 0.0..8.0],
    }
    /// `numpy.invert`.
    Invert => {
        name: "invert",
        numpy: &["numpy.invert", "numpy.bitwise_not", "numpy.bitwise_invert"],
        loops: Same(BITS, Out::Same),
        kernel: integer::invert,
        partials: [|_, _| Zero],
        linear: No,
        domain: &[0.0..8.0],
    }
    /// `numpy.left_shift`.
    LeftShift => {
        name: "left_shift",
        numpy: &["numpy.left_shift", "numpy.bitwise_left_shift"],
        loops: Same(INTEGERS, Out::Same),
        kernel: integer::left_shift,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[0.0..8.0, 0.0..8.0],
    }
    /// `numpy.right_shift`.
    RightShift => {
        name: "right_shift",
        numpy: &["numpy.right_shift", "numpy.bitwise_right_shift"],
        loops: Same(INTEGERS, Out::Same),
        kernel: integer::right_shift,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[0.0..8.0, 0.0..8.0],
    }
    /// Bits set in the absolute value.
    BitwiseCount => {
        name: "bitwise_count",
        numpy: &["numpy.bitwise_count"],
        loops: Same(INTEGERS, Out::Is(DType::U8)),
        kernel: integer::count,
        partials: [|_, _| Zero],
        linear: No,
        domain: &[0.0..8.0],
    }
    /// `numpy.gcd`.
    Gcd => {
        name: "gcd",
        numpy: &["numpy.gcd"],
        loops: Same(INTEGERS_NO_BOOL, Out::Same),
        kernel: integer::gcd,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[0.0..8.0, 0.0..8.0],
    }
    /// `numpy.lcm`.
    Lcm => {
        name: "lcm",
        numpy: &["numpy.lcm"],
        loops: Same(INTEGERS_NO_BOOL, Out::Same),
        kernel: integer::lcm,
        partials: [|_, _| Zero, |_, _| Zero],
        linear: No,
        domain: &[0.0..8.0, 0.0..8.0],
    }
    // Special functions.
    /// `scipy.special.erf`.
    Erf => {
        name: "erf",
        numpy: &["scipy.special.erf"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::erf,
        partials: [|x, _| FRAC_2_SQRT_PI * (-(x[0] * x[0])).exp()],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `scipy.special.erfc`.
    Erfc => {
        name: "erfc",
        numpy: &["scipy.special.erfc"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::erfc,
        partials: [|x, _| -FRAC_2_SQRT_PI * (-(x[0] * x[0])).exp()],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `scipy.special.gamma`.
    Gamma => {
        name: "gamma",
        numpy: &["scipy.special.gamma"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::gamma,
        partials: [|x, out| out * x[0].digamma()],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `log |gamma(x)|`.
    Gammaln => {
        name: "gammaln",
        numpy: &["scipy.special.gammaln"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::gammaln,
        partials: [|x, _| x[0].digamma()],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `scipy.special.digamma`.
    Digamma => {
        name: "digamma",
        numpy: &["scipy.special.digamma", "scipy.special.psi"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::digamma,
        partials: [|x, _| x[0].scope().int(1).apply2(Polygamma, x[0])],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// Order and argument: the order-th derivative of `digamma`.
    Polygamma => {
        name: "polygamma",
        numpy: &["scipy.special.polygamma"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::polygamma,
        partials: [
            |_, _| NotDifferentiable("its order is an integer"),
            |x, _| (x[0] + 1).apply2(Polygamma, x[1]),
        ],
        linear: No,
        domain: &[0.0..4.0, 0.2..3.0],
    }
    /// `1 / (1 + exp(-x))`.
    Expit => {
        name: "expit",
        numpy: &["scipy.special.expit"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::expit,
        partials: [|_, out| out * (1.0 - out)],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `-log1p(exp(-x))`.
    LogExpit => {
        name: "log_expit",
        numpy: &["scipy.special.log_expit"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::log_expit,
        partials: [|x, _| (-x[0]).expit()],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `log1p(exp(x))`.
    Softplus => {
        name: "softplus",
        numpy: &[],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::softplus,
        partials: [|x, _| x[0].expit()],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `x * log(y)`, 0 where `x` is.
    Xlogy => {
        name: "xlogy",
        numpy: &["scipy.special.xlogy"],
        loops: Same(SPECIAL_INEXACT, Out::Same),
        kernel: functions::xlogy,
        partials: [|x, out| x[1].in_kind_of(out).log(), |x, _| partials::ratio_or_zero(x[0], x[1])],
        linear: No,
        domain: &[0.2..3.0, 0.2..3.0],
    }
    /// `x * log1p(y)`, 0 where `x` is.
    Xlog1py => {
        name: "xlog1py",
        numpy: &["scipy.special.xlog1py"],
        loops: Same(SPECIAL_INEXACT, Out::Same),
        kernel: functions::xlog1py,
        partials: [
            |x, out| x[1].in_kind_of(out).apply(Log1p),
            |x, _| partials::ratio_or_zero(x[0], 1.0 + x[1]),
        ],
        linear: No,
        domain: &[0.2..3.0, 0.2..3.0],
    }
    // The normal distribution and the error function's relatives.
    /// `exp(x**2) * erfc(x)`.
    Erfcx => {
        name: "erfcx",
        numpy: &["scipy.special.erfcx"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::erfcx,
        partials: [|x, out| 2 * x[0] * out - FRAC_2_SQRT_PI],
        linear: No,
        domain: &[-2.0..3.0],
    }
    /// `scipy.special.erfinv`.
    Erfinv => {
        name: "erfinv",
        numpy: &["scipy.special.erfinv"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::erfinv,
        partials: [|_, out| (out * out).exp() * (1.0 / FRAC_2_SQRT_PI)],
        linear: No,
        domain: &[-0.9..0.9],
    }
    /// `scipy.special.erfcinv`.
    Erfcinv => {
        name: "erfcinv",
        numpy: &["scipy.special.erfcinv"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::erfcinv,
        partials: [|_, out| (out * out).exp() * (-1.0 / FRAC_2_SQRT_PI)],
        linear: No,
        domain: &[0.1..1.9],
    }
    /// Dawson's integral.
    Dawsn => {
        name: "dawsn",
        numpy: &["scipy.special.dawsn"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::dawsn,
        partials: [|x, out| 1.0 - 2 * x[0] * out],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// The normal distribution function.
    Ndtr => {
        name: "ndtr",
        numpy: &["scipy.special.ndtr"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::ndtr,
        partials: [|x, _| special::normal_density(x[0])],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// The logarithm of `ndtr`.
    LogNdtr => {
        name: "log_ndtr",
        numpy: &["scipy.special.log_ndtr"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::log_ndtr,
        partials: [|x, out| (-0.5 * (x[0] * x[0]) - out).exp() * FRAC_1_SQRT_TAU],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// The inverse of `ndtr`.
    Ndtri => {
        name: "ndtri",
        numpy: &["scipy.special.ndtri"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::ndtri,
        partials: [|_, out| 1.0 / special::normal_density(out)],
        linear: No,
        domain: &[0.1..0.9],
    }
    /// The inverse of `log_ndtr`.
    NdtriExp => {
        name: "ndtri_exp",
        numpy: &["scipy.special.ndtri_exp"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::ndtri_exp,
        partials: [|x, out| x[0].exp() / special::normal_density(out)],
        linear: No,
        domain: &[-3.0..-0.1],
    }
    /// Owen's T function.
    OwensT => {
        name: "owens_t",
        numpy: &["scipy.special.owens_t"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::owens_t,
        partials: [|x, _| special::owens_t_by_h(x), |x, _| special::owens_t_by_a(x)],
        linear: No,
        domain: &[-2.0..2.0, -2.0..2.0],
    }
    // The gamma function's relatives.
    /// `log gamma(x)`, of negative numbers NaN.
    Loggamma => {
        name: "loggamma",
        numpy: &["scipy.special.loggamma"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::loggamma,
        partials: [|x, _| x[0].digamma()],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// The sign of `gamma`.
    Gammasgn => {
        name: "gammasgn",
        numpy: &["scipy.special.gammasgn"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::gammasgn,
        partials: [|_, _| Zero],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `1 / gamma(x)`.
    Rgamma => {
        name: "rgamma",
        numpy: &["scipy.special.rgamma"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::rgamma,
        partials: [|x, out| special::rgamma(x[0], out)],
        linear: No,
        domain: &[-1.8..3.0],
    }
    /// `gamma(a + m) / gamma(a)`.
    Poch => {
        name: "poch",
        numpy: &["scipy.special.poch"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::poch,
        partials: [
            |x, out| out * ((x[0] + x[1]).digamma() - x[0].digamma()),
            |x, out| out * (x[0] + x[1]).digamma(),
        ],
        linear: No,
        domain: &[0.2..3.0, 0.2..3.0],
    }
    /// Euler's beta function.
    Beta => {
        name: "beta",
        numpy: &["scipy.special.beta"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::beta,
        partials: [
            |x, out| out * (x[0].digamma() - (x[0] + x[1]).digamma()),
            |x, out| out * (x[1].digamma() - (x[0] + x[1]).digamma()),
        ],
        linear: No,
        domain: &[0.2..3.0, 0.2..3.0],
    }
    /// `log |beta(a, b)|`.
    Betaln => {
        name: "betaln",
        numpy: &["scipy.special.betaln"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::betaln,
        partials: [
            |x, _| x[0].digamma() - (x[0] + x[1]).digamma(),
            |x, _| x[1].digamma() - (x[0] + x[1]).digamma(),
        ],
        linear: No,
        domain: &[0.2..3.0, 0.2..3.0],
    }
    /// The binomial coefficient of real numbers.
    Binom => {
        name: "binom",
        numpy: &["scipy.special.binom"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::binom,
        partials: [
            |x, out| out * ((x[0] + 1).digamma() - (x[0] - x[1] + 1).digamma()),
            |x, out| out * ((x[0] - x[1] + 1).digamma() - (x[1] + 1).digamma()),
        ],
        linear: No,
        domain: &[3.0..6.0, 0.2..2.0],
    }
    /// Hurwitz' zeta function of `s` and `q`.
    Zeta => {
        name: "zeta",
        numpy: &["scipy.special.zeta"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::zeta,
        partials: [
            |x, _| special::zeta_derivative(1, x),
            |x, _| -x[0] * (x[0] + 1).apply2(Elementwise::Zeta, x[1]),
        ],
        linear: No,
        domain: &[1.5..4.0, 0.2..3.0],
    }
    /// Order, `s` and `q`: the order-th derivative of `zeta` in `s`.
    ZetaDerivative => {
        name: "zeta_derivative",
        numpy: &[],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::zeta_derivative,
        partials: [
            |_, _| NotDifferentiable("its order has no derivative here"),
            |x, _| special::zeta_derivative_by_s(x),
            |x, _| special::zeta_derivative_by_q(x),
        ],
        linear: No,
        domain: &[1.0..3.0, 1.5..4.0, 0.2..3.0],
    }
    /// Riemann's zeta function less one.
    Zetac => {
        name: "zetac",
        numpy: &["scipy.special.zetac"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::zetac,
        partials: [|x, _| special::riemann_zeta(x[0])],
        linear: No,
        domain: &[1.5..4.0],
    }
    /// The regularized lower incomplete gamma function of `a` and `x`.
    Gammainc => {
        name: "gammainc",
        numpy: &["scipy.special.gammainc"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::gammainc,
        partials: [
            |x, _| special::gammainc_derivative(1, x),
            |x, _| special::gamma_density(x),
        ],
        linear: No,
        domain: &[0.5..3.0, 0.2..3.0],
    }
    /// The regularized upper incomplete gamma function.
    Gammaincc => {
        name: "gammaincc",
        numpy: &["scipy.special.gammaincc"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::gammaincc,
        partials: [
            |x, _| -special::gammainc_derivative(1, x),
            |x, _| -special::gamma_density(x),
        ],
        linear: No,
        domain: &[0.5..3.0, 0.2..3.0],
    }
    /// Order, `a` and `x`: the order-th derivative of `gammainc` in `a`.
    GammaincDerivative => {
        name: "gammainc_derivative",
        numpy: &[],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::gammainc_derivative,
        partials: [
            |_, _| NotDifferentiable("its order has no derivative here"),
            |x, _| special::gammainc_derivative_by_a(x),
            |x, _| special::gammainc_derivative_by_x(x),
        ],
        linear: No,
        domain: &[1.0..3.0, 0.5..3.0, 0.2..3.0],
    }
    /// The inverse of `gammainc` in `x`.
    Gammaincinv => {
        name: "gammaincinv",
        numpy: &["scipy.special.gammaincinv"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::gammaincinv,
        partials: [
            |x, out| -special::gammainc_derivative(1, &[x[0], out]) / special::gamma_density(&[x[0], out]),
            |x, out| 1.0 / special::gamma_density(&[x[0], out]),
        ],
        linear: No,
        domain: &[0.5..3.0, 0.2..0.8],
    }
    /// The inverse of `gammaincc` in `x`.
    Gammainccinv => {
        name: "gammainccinv",
        numpy: &["scipy.special.gammainccinv"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::gammainccinv,
        partials: [
            |x, out| -special::gammainc_derivative(1, &[x[0], out]) / special::gamma_density(&[x[0], out]),
            |x, out| -1.0 / special::gamma_density(&[x[0], out]),
        ],
        linear: No,
        domain: &[0.5..3.0, 0.2..0.8],
    }
    /// The regularized incomplete beta function of `a`, `b` and `x`.
    Betainc => {
        name: "betainc",
        numpy: &["scipy.special.betainc"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::betainc,
        partials: [
            |x, _| special::betainc_derivative([1, 0], x),
            |x, _| special::betainc_derivative([0, 1], x),
            |x, _| special::beta_density(x),
        ],
        linear: No,
        domain: &[0.5..3.0, 0.5..3.0, 0.1..0.9],
    }
    /// `1 - betainc(a, b, x)`.
    Betaincc => {
        name: "betaincc",
        numpy: &["scipy.special.betaincc"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::betaincc,
        partials: [
            |x, _| -special::betainc_derivative([1, 0], x),
            |x, _| -special::betainc_derivative([0, 1], x),
            |x, _| -special::beta_density(x),
        ],
        linear: No,
        domain: &[0.5..3.0, 0.5..3.0, 0.1..0.9],
    }
    /// Two orders, `a`, `b` and `x`: the derivative of `betainc` of these orders in `a` and `b`.
    BetaincDerivative => {
        name: "betainc_derivative",
        numpy: &[],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::betainc_derivative,
        partials: [
            |_, _| NotDifferentiable("its order has no derivative here"),
            |_, _| NotDifferentiable("its order has no derivative here"),
            |x, _| special::betainc_derivative_by([1, 0], x),
            |x, _| special::betainc_derivative_by([0, 1], x),
            |x, _| special::betainc_derivative_by_x(x),
        ],
        linear: No,
        domain: &[1.0..3.0, 1.0..3.0, 0.5..3.0, 0.5..3.0, 0.1..0.9],
    }
    /// The inverse of `betainc` in `x`.
    Betaincinv => {
        name: "betaincinv",
        numpy: &["scipy.special.betaincinv"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::betaincinv,
        partials: [
            |x, out| special::betaincinv([1, 0], x, out),
            |x, out| special::betaincinv([0, 1], x, out),
            |x, out| 1.0 / special::beta_density(&[x[0], x[1], out]),
        ],
        linear: No,
        domain: &[0.5..3.0, 0.5..3.0, 0.2..0.8],
    }
    /// The inverse of `betaincc` in `x`.
    Betainccinv => {
        name: "betainccinv",
        numpy: &["scipy.special.betainccinv"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::betainccinv,
        partials: [
            |x, out| special::betaincinv([1, 0], x, out),
            |x, out| special::betaincinv([0, 1], x, out),
            |x, out| -1.0 / special::beta_density(&[x[0], x[1], out]),
        ],
        linear: No,
        domain: &[0.5..3.0, 0.5..3.0, 0.2..0.8],
    }
    /// Student's distribution function of `df` and `t`.
    Stdtr => {
        name: "stdtr",
        numpy: &["scipy.special.stdtr"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::stdtr,
        partials: [|x, _| special::student_by_df(x), |x, _| special::student_density(x)],
        linear: No,
        domain: &[0.7..5.0, 0.3..2.0],
    }
    /// The inverse of `stdtr` in `t`.
    Stdtrit => {
        name: "stdtrit",
        numpy: &["scipy.special.stdtrit"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::stdtrit,
        partials: [
            |x, out| -special::student_by_df(&[x[0], out]) / special::student_density(&[x[0], out]),
            |x, out| 1.0 / special::student_density(&[x[0], out]),
        ],
        linear: No,
        domain: &[0.7..5.0, 0.6..0.9],
    }
    // Entropies, losses and transformations of data.
    /// `-x * log(x)`, 0 at 0.
    Entr => {
        name: "entr",
        numpy: &["scipy.special.entr"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::entr,
        partials: [|x, _| -x[0].log() - 1.0],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `x * log(x / y)`, 0 where `x` is.
    RelEntr => {
        name: "rel_entr",
        numpy: &["scipy.special.rel_entr"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::rel_entr,
        partials: [|x, _| (x[0] / x[1]).log() + 1.0, |x, _| -x[0] / x[1]],
        linear: No,
        domain: &[0.2..3.0, 0.2..3.0],
    }
    /// `x * log(x / y) - x + y`.
    KlDiv => {
        name: "kl_div",
        numpy: &["scipy.special.kl_div"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::kl_div,
        partials: [|x, _| (x[0] / x[1]).log(), |x, _| 1.0 - x[0] / x[1]],
        linear: No,
        domain: &[0.2..3.0, 0.2..3.0],
    }
    /// Huber's loss of `delta` and a residual.
    Huber => {
        name: "huber",
        numpy: &["scipy.special.huber"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::huber,
        partials: [
            |x, _| (x[1].abs() - x[0]).apply2(Elementwise::Maximum, 0.0),
            |x, _| x[1].apply2(Elementwise::Maximum, -x[0]).apply2(Elementwise::Minimum, x[0]),
        ],
        linear: No,
        domain: &[0.2..1.0, 1.2..3.0],
    }
    /// `delta**2 * (sqrt(1 + (r / delta)**2) - 1)`.
    PseudoHuber => {
        name: "pseudo_huber",
        numpy: &["scipy.special.pseudo_huber"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::pseudo_huber,
        partials: [
            |x, _| special::pseudo_huber_by_delta(x),
            |x, _| x[1] / (1.0 + (x[1] / x[0]) * (x[1] / x[0])).sqrt(),
        ],
        linear: No,
        domain: &[0.2..3.0, -3.0..3.0],
    }
    /// `log(p / (1 - p))`.
    Logit => {
        name: "logit",
        numpy: &["scipy.special.logit"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::logit,
        partials: [|x, _| 1.0 / (x[0] * (1.0 - x[0]))],
        linear: No,
        domain: &[0.1..0.9],
    }
    /// `(exp(x) - 1) / x`, 1 at 0.
    Exprel => {
        name: "exprel",
        numpy: &["scipy.special.exprel"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::exprel,
        partials: [|x, _| x[0].scope().int(1).apply2(ExprelDerivative, x[0])],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// Order and argument: the order-th derivative of `exprel`.
    ExprelDerivative => {
        name: "exprel_derivative",
        numpy: &[],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::exprel_derivative,
        partials: [
            |_, _| NotDifferentiable("its order has no derivative here"),
            |x, _| (x[0] + 1).apply2(ExprelDerivative, x[1]),
        ],
        linear: No,
        domain: &[0.0..4.0, -3.0..3.0],
    }
    /// `(x**lmbda - 1) / lmbda`, `log(x)` at 0.
    Boxcox => {
        name: "boxcox",
        numpy: &["scipy.special.boxcox"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::boxcox,
        partials: [
            |x, _| x[0].pow(x[1] - 1),
            |x, _| special::boxcox_by_lambda(x[0].log(), x[1]),
        ],
        linear: No,
        domain: &[0.2..3.0, -2.0..2.0],
    }
    /// `boxcox` of `1 + x`.
    Boxcox1p => {
        name: "boxcox1p",
        numpy: &["scipy.special.boxcox1p"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::boxcox1p,
        partials: [
            |x, _| (1 + x[0]).pow(x[1] - 1),
            |x, _| special::boxcox_by_lambda(x[0].apply(Log1p), x[1]),
        ],
        linear: No,
        domain: &[-0.8..3.0, -2.0..2.0],
    }
    /// The inverse of `boxcox` in `x`.
    InvBoxcox => {
        name: "inv_boxcox",
        numpy: &["scipy.special.inv_boxcox"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::inv_boxcox,
        partials: [
            |x, out| out / (1 + x[0] * x[1]),
            |x, out| out * special::inv_boxcox_by_lambda(x),
        ],
        linear: No,
        domain: &[0.2..3.0, 0.2..2.0],
    }
    /// The inverse of `boxcox1p` in `x`.
    InvBoxcox1p => {
        name: "inv_boxcox1p",
        numpy: &["scipy.special.inv_boxcox1p"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::inv_boxcox1p,
        partials: [
            |x, out| (1 + out) / (1 + x[0] * x[1]),
            |x, out| (1 + out) * special::inv_boxcox_by_lambda(x),
        ],
        linear: No,
        domain: &[0.2..3.0, 0.2..2.0],
    }
    /// `cos(x) - 1`.
    Cosm1 => {
        name: "cosm1",
        numpy: &["scipy.special.cosm1"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::cosm1,
        partials: [|x, _| -x[0].sin()],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// The sine of degrees.
    Sindg => {
        name: "sindg",
        numpy: &["scipy.special.sindg"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::sindg,
        partials: [|x, _| x[0].apply(Elementwise::Cosdg) * (PI / 180.0)],
        linear: No,
        domain: &[-80.0..80.0],
    }
    /// The cosine of degrees.
    Cosdg => {
        name: "cosdg",
        numpy: &["scipy.special.cosdg"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::cosdg,
        partials: [|x, _| x[0].apply(Elementwise::Sindg) * (-PI / 180.0)],
        linear: No,
        domain: &[-80.0..80.0],
    }
    /// The tangent of degrees.
    Tandg => {
        name: "tandg",
        numpy: &["scipy.special.tandg"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::tandg,
        partials: [|_, out| (1.0 + out * out) * (PI / 180.0)],
        linear: No,
        domain: &[-80.0..80.0],
    }
    // Bessel functions.
    /// `scipy.special.j0`.
    J0 => {
        name: "j0",
        numpy: &["scipy.special.j0"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::j0,
        partials: [|x, _| -x[0].apply(Elementwise::J1)],
        linear: No,
        domain: &[0.2..6.0],
    }
    /// `scipy.special.j1`.
    J1 => {
        name: "j1",
        numpy: &["scipy.special.j1"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::j1,
        partials: [|x, _| special::cylinder(Elementwise::Jv, 1, x[0])],
        linear: No,
        domain: &[0.2..6.0],
    }
    /// Of the first kind, of order `v`.
    Jv => {
        name: "jv",
        numpy: &["scipy.special.jv", "scipy.special.jn", "scipy.special.jve"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::jv,
        partials: [
            |_, _| NotDifferentiable("its order has no derivative here"),
            |x, _| 0.5 * ((x[0] - 1).apply2(Elementwise::Jv, x[1]) - (x[0] + 1).apply2(Elementwise::Jv, x[1])),
        ],
        linear: No,
        domain: &[0.2..3.0, 0.2..6.0],
    }
    /// `scipy.special.y0`.
    Y0 => {
        name: "y0",
        numpy: &["scipy.special.y0"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::y0,
        partials: [|x, _| -x[0].apply(Elementwise::Y1)],
        linear: No,
        domain: &[0.2..6.0],
    }
    /// `scipy.special.y1`.
    Y1 => {
        name: "y1",
        numpy: &["scipy.special.y1"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::y1,
        partials: [|x, _| special::cylinder(Elementwise::Yv, 1, x[0])],
        linear: No,
        domain: &[0.2..6.0],
    }
    /// Of the second kind, of order `v`.
    Yv => {
        name: "yv",
        numpy: &["scipy.special.yv", "scipy.special.yn"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::yv,
        partials: [
            |_, _| NotDifferentiable("its order has no derivative here"),
            |x, _| 0.5 * ((x[0] - 1).apply2(Elementwise::Yv, x[1]) - (x[0] + 1).apply2(Elementwise::Yv, x[1])),
        ],
        linear: No,
        domain: &[0.2..3.0, 0.5..6.0],
    }
    /// Modified, of order zero.
    I0 => {
        name: "i0",
        numpy: &["scipy.special.i0"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::i0,
        partials: [|x, _| x[0].apply(Elementwise::I1)],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `exp(-|x|) * i0(x)`.
    I0e => {
        name: "i0e",
        numpy: &["scipy.special.i0e"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::i0e,
        partials: [|x, out| x[0].apply(Elementwise::I1e) - x[0].sign() * out],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// Modified, of order one.
    I1 => {
        name: "i1",
        numpy: &["scipy.special.i1"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::i1,
        partials: [|x, _| special::modified(Elementwise::Iv, 1, x[0])],
        linear: No,
        domain: &[-3.0..3.0],
    }
    /// `exp(-|x|) * i1(x)`.
    I1e => {
        name: "i1e",
        numpy: &["scipy.special.i1e"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::i1e,
        partials: [|x, out| special::modified(Elementwise::Ive, 1, x[0]) - x[0].sign() * out],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// Modified of the first kind, of order `v`.
    Iv => {
        name: "iv",
        numpy: &["scipy.special.iv"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::iv,
        partials: [
            |_, _| NotDifferentiable("its order has no derivative here"),
            |x, _| 0.5 * ((x[0] - 1).apply2(Elementwise::Iv, x[1]) + (x[0] + 1).apply2(Elementwise::Iv, x[1])),
        ],
        linear: No,
        domain: &[0.2..3.0, 0.2..6.0],
    }
    /// `exp(-|x|) * iv(v, x)`.
    Ive => {
        name: "ive",
        numpy: &["scipy.special.ive"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::ive,
        partials: [
            |_, _| NotDifferentiable("its order has no derivative here"),
            |x, out| 0.5 * ((x[0] - 1).apply2(Elementwise::Ive, x[1]) + (x[0] + 1).apply2(Elementwise::Ive, x[1])) - x[1].sign() * out,
        ],
        linear: No,
        domain: &[0.2..3.0, 0.2..6.0],
    }
    /// Modified of the second kind, of order zero.
    K0 => {
        name: "k0",
        numpy: &["scipy.special.k0"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::k0,
        partials: [|x, _| -x[0].apply(Elementwise::K1)],
        linear: No,
        domain: &[0.2..6.0],
    }
    /// `exp(x) * k0(x)`.
    K0e => {
        name: "k0e",
        numpy: &["scipy.special.k0e"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::k0e,
        partials: [|x, out| out - x[0].apply(Elementwise::K1e)],
        linear: No,
        domain: &[0.2..6.0],
    }
    /// Modified of the second kind, of order one.
    K1 => {
        name: "k1",
        numpy: &["scipy.special.k1"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::k1,
        partials: [|x, _| -special::modified(Elementwise::Kv, 1, x[0])],
        linear: No,
        domain: &[0.2..6.0],
    }
    /// `exp(x) * k1(x)`.
    K1e => {
        name: "k1e",
        numpy: &["scipy.special.k1e"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::k1e,
        partials: [|x, out| out - special::modified(Elementwise::Kve, 1, x[0])],
        linear: No,
        domain: &[0.2..6.0],
    }
    /// Modified of the second kind, of order `v`.
    Kv => {
        name: "kv",
        numpy: &["scipy.special.kv", "scipy.special.kn"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::kv,
        partials: [
            |_, _| NotDifferentiable("its order has no derivative here"),
            |x, _| -0.5 * ((x[0] - 1).apply2(Elementwise::Kv, x[1]) + (x[0] + 1).apply2(Elementwise::Kv, x[1])),
        ],
        linear: No,
        domain: &[0.2..3.0, 0.2..6.0],
    }
    /// `exp(x) * kv(v, x)`.
    Kve => {
        name: "kve",
        numpy: &["scipy.special.kve"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::kve,
        partials: [
            |_, _| NotDifferentiable("its order has no derivative here"),
            |x, out| out - 0.5 * ((x[0] - 1).apply2(Elementwise::Kve, x[1]) + (x[0] + 1).apply2(Elementwise::Kve, x[1])),
        ],
        linear: No,
        domain: &[0.2..3.0, 0.2..6.0],
    }
    /// Spherical of the first kind, of whole order `n`.
    SphericalJn => {
        name: "spherical_jn",
        numpy: &["scipy.special.spherical_jn"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::spherical_jn,
        partials: [
            |_, _| NotDifferentiable("its order has no derivative here"),
            |x, _| special::spherical(x),
        ],
        linear: No,
        domain: &[0.0..4.0, 0.2..6.0],
    }
    // Integrals and hypergeometric functions.
    /// The confluent limit function of `v` and `x`.
    Hyp0f1 => {
        name: "hyp0f1",
        numpy: &["scipy.special.hyp0f1"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::hyp0f1,
        partials: [
            |_, _| NotDifferentiable("only its argument has a derivative here, not its parameters"),
            |x, _| (x[0] + 1).apply2(Elementwise::Hyp0f1, x[1]) / x[0],
        ],
        linear: No,
        domain: &[0.5..3.0, -3.0..3.0],
    }
    /// Kummer's function of `a`, `b` and `x`.
    Hyp1f1 => {
        name: "hyp1f1",
        numpy: &["scipy.special.hyp1f1"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::hyp1f1,
        partials: [
            |_, _| NotDifferentiable("only its argument has a derivative here, not its parameters"),
            |_, _| NotDifferentiable("only its argument has a derivative here, not its parameters"),
            |x, _| special::hyp1f1(x),
        ],
        linear: No,
        domain: &[0.5..3.0, 0.5..3.0, -3.0..3.0],
    }
    /// Gauss' function of `a`, `b`, `c` and `x`.
    Hyp2f1 => {
        name: "hyp2f1",
        numpy: &["scipy.special.hyp2f1"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::hyp2f1,
        partials: [
            |_, _| NotDifferentiable("only its argument has a derivative here, not its parameters"),
            |_, _| NotDifferentiable("only its argument has a derivative here, not its parameters"),
            |_, _| NotDifferentiable("only its argument has a derivative here, not its parameters"),
            |x, _| special::hyp2f1(x),
        ],
        linear: No,
        domain: &[0.5..2.0, 0.5..2.0, 1.5..3.0, -3.0..0.9],
    }
    /// The exponential integral of whole order `n`.
    Expn => {
        name: "expn",
        numpy: &["scipy.special.expn"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::expn,
        partials: [
            |_, _| NotDifferentiable("its order has no derivative here"),
            |x, out| special::expn(x, out),
        ],
        linear: No,
        domain: &[1.0..4.0, 0.2..3.0],
    }
    /// The exponential integral of order one.
    Exp1 => {
        name: "exp1",
        numpy: &["scipy.special.exp1"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::exp1,
        partials: [|x, _| -(-x[0]).exp() / x[0]],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// The exponential integral `Ei`.
    Expi => {
        name: "expi",
        numpy: &["scipy.special.expi"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::expi,
        partials: [|x, _| x[0].exp() / x[0]],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `sici(x)[0]`.
    SinIntegral => {
        name: "sin_integral",
        numpy: &[],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::sin_integral,
        partials: [|x, _| special::sinc(x[0])],
        linear: No,
        domain: &[0.2..6.0],
    }
    /// `sici(x)[1]`.
    CosIntegral => {
        name: "cos_integral",
        numpy: &[],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::cos_integral,
        partials: [|x, _| x[0].cos() / x[0]],
        linear: No,
        domain: &[0.2..6.0],
    }
    /// `shichi(x)[0]`.
    SinhIntegral => {
        name: "sinh_integral",
        numpy: &[],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::sinh_integral,
        partials: [|x, _| special::sinhc(x[0])],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `shichi(x)[1]`.
    CoshIntegral => {
        name: "cosh_integral",
        numpy: &[],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::cosh_integral,
        partials: [|x, _| x[0].cosh() / x[0]],
        linear: No,
        domain: &[0.2..3.0],
    }
    /// `fresnel(x)[0]`.
    FresnelS => {
        name: "fresnel_s",
        numpy: &[],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::fresnel_s,
        partials: [|x, _| (0.5 * PI * (x[0] * x[0])).sin()],
        linear: No,
        domain: &[-2.0..2.0],
    }
    /// `fresnel(x)[1]`.
    FresnelC => {
        name: "fresnel_c",
        numpy: &[],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::fresnel_c,
        partials: [|x, _| (0.5 * PI * (x[0] * x[0])).cos()],
        linear: No,
        domain: &[-2.0..2.0],
    }
    /// The dilogarithm of `1 - x`.
    Spence => {
        name: "spence",
        numpy: &["scipy.special.spence"],
        loops: Same(SINGLE_FIRST, Out::Same),
        kernel: functions::spence,
        partials: [|x, _| special::spence(x[0])],
        linear: No,
        domain: &[0.2..0.9],
    }
    /// The complete elliptic integral of the first kind.
    Ellipk => {
        name: "ellipk",
        numpy: &["scipy.special.ellipk"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::ellipk,
        partials: [|x, out| special::ellipk(x[0], out)],
        linear: No,
        domain: &[-2.0..0.9],
    }
    /// `ellipk(1 - p)`.
    Ellipkm1 => {
        name: "ellipkm1",
        numpy: &["scipy.special.ellipkm1"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::ellipkm1,
        partials: [|x, out| -special::ellipk(1.0 - x[0], out)],
        linear: No,
        domain: &[0.1..3.0],
    }
    /// The complete elliptic integral of the second kind.
    Ellipe => {
        name: "ellipe",
        numpy: &["scipy.special.ellipe"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::ellipe,
        partials: [|x, out| special::ellipe(x[0], out)],
        linear: No,
        domain: &[-2.0..0.9],
    }
    /// The incomplete elliptic integral of the first kind of `phi` and `m`.
    Ellipkinc => {
        name: "ellipkinc",
        numpy: &["scipy.special.ellipkinc"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::ellipkinc,
        partials: [
            |x, _| 1.0 / special::elliptic_root(x),
            |x, out| special::ellipkinc_by_m(x, out),
        ],
        linear: No,
        domain: &[0.2..1.4, 0.2..0.8],
    }
    /// The incomplete elliptic integral of the second kind.
    Ellipeinc => {
        name: "ellipeinc",
        numpy: &["scipy.special.ellipeinc"],
        loops: Same(SPECIAL, Out::Same),
        kernel: functions::ellipeinc,
        partials: [
            |x, _| special::elliptic_root(x),
            |x, out| special::ellipeinc_by_m(x, out),
        ],
        linear: No,
        domain: &[0.2..1.4, 0.2..0.8],
    }
}
