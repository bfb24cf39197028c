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
    PARTS, POLYGAMMA, QUOTIENTS, REAL_NUMBERS, REALS, SPECIAL, SPECIAL_INEXACT,
};
use super::{Def, Loops, Slope, partials};
use crate::eval::kernels::{arithmetic, compare, float, functions, integer};
use crate::graph::DType;

use Elementwise::{Copysign, Exp2, FloorDivide, FrexpExponent, Ldexp, Log1p, Polygamma};

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
        numpy: &["numpy.cbrt"],
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
        partials: [|x, out| (x[0] - out).exp(), |x, out| (x[1] - out).exp()],
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
        loops: Same(POLYGAMMA, Out::Same),
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
        partials: [|x, _| x[1].log(), |x, _| partials::ratio_or_zero(x[0], x[1])],
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
            |x, _| x[1].apply(Log1p),
            |x, _| partials::ratio_or_zero(x[0], 1.0 + x[1]),
        ],
        linear: No,
        domain: &[0.2..3.0, 0.2..3.0],
    }
}
