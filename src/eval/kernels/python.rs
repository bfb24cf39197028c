//! Where Python's own arithmetic parts from NumPy's: its integers have no end, and it raises.
//!
//! In: Python numbers. Out: the value, or the exception that makes `jit` leave the call to Python: an
//! integer that 64 bits do not hold, a division by zero, a root of a negative number. `7 // 0` raises
//! here and is 0 in `integer.rs`. Programs compute by these functions; [`check`] tries them before a
//! kernel that would wrap or give NaN.

use super::Check;
use super::integer::Integer;
use crate::error::{Error, Exception, Result};
use crate::graph::DType;
use crate::ops::Elementwise;

#[cold]
#[inline(never)]
fn overflow() -> Box<Error> {
    Error::raises(
        Exception::Overflow,
        "a Python integer that does not fit into 64 bits",
    )
}

#[cold]
#[inline(never)]
pub fn by_zero() -> Box<Error> {
    Error::raises(Exception::ZeroDivision, "division by zero")
}

#[cold]
#[inline(never)]
pub fn domain() -> Box<Error> {
    Error::value("math domain error")
}

#[inline(always)]
pub fn add(a: i64, b: i64) -> Result<i64> {
    a.checked_add(b).ok_or_else(overflow)
}

#[inline(always)]
pub fn subtract(a: i64, b: i64) -> Result<i64> {
    a.checked_sub(b).ok_or_else(overflow)
}

#[inline(always)]
pub fn multiply(a: i64, b: i64) -> Result<i64> {
    a.checked_mul(b).ok_or_else(overflow)
}

#[inline(always)]
pub fn negative(a: i64) -> Result<i64> {
    a.checked_neg().ok_or_else(overflow)
}

#[inline(always)]
pub fn absolute(a: i64) -> Result<i64> {
    a.checked_abs().ok_or_else(overflow)
}

/// `a // b`, rounded down; `b` is not 0.
#[inline(always)]
pub fn quotient(a: i64, b: i64) -> i64 {
    let towards_zero = a.wrapping_div(b);
    towards_zero.wrapping_sub(i64::from(a.wrapping_rem(b) != 0 && (a < 0) != (b < 0)))
}

/// `a % b`, of the sign of `b`, which is not 0.
#[inline(always)]
pub fn rest(a: i64, b: i64) -> i64 {
    let r = a.wrapping_rem(b);
    match r != 0 && (r < 0) != (b < 0) {
        true => r.wrapping_add(b),
        false => r,
    }
}

#[inline(always)]
pub fn floor_divide(a: i64, b: i64) -> Result<i64> {
    match (a, b) {
        (_, 0) => Err(by_zero()),
        (i64::MIN, -1) => Err(overflow()),
        _ => Ok(quotient(a, b)),
    }
}

#[inline(always)]
pub fn remainder(a: i64, b: i64) -> Result<i64> {
    match b {
        0 => Err(by_zero()),
        _ => Ok(rest(a, b)),
    }
}

#[inline(never)]
pub fn power(a: i64, b: i64) -> Result<i64> {
    match (a, u32::try_from(b)) {
        (_, Ok(exponent)) => a.checked_pow(exponent).ok_or_else(overflow),
        (_, Err(_)) if b < 0 => Err(Error::unlifted("a negative power", "Python gives a float")),
        (0 | 1, _) => Ok(a),
        _ => Err(overflow()),
    }
}

#[inline(always)]
pub fn shift_left(a: i64, by: i64) -> Result<i64> {
    match (a, by) {
        (_, ..0) => Err(negative_shift()),
        (0, _) => Ok(0),
        (_, 0..64) if a << by >> by == a => Ok(a << by),
        _ => Err(overflow()),
    }
}

#[inline(always)]
pub fn shift_right(a: i64, by: i64) -> Result<i64> {
    match by {
        ..0 => Err(negative_shift()),
        _ => Ok(a >> by.min(63)),
    }
}

#[cold]
#[inline(never)]
fn negative_shift() -> Box<Error> {
    Error::value("negative shift count")
}

/// What an operation on Python's numbers must pass before its kernel, which wraps or gives NaN.
pub fn check(op: Elementwise, dtype: DType) -> Option<Check> {
    match dtype {
        DType::I64 => integers(op).map(Check::Integers),
        DType::F64 => floats(op).map(Check::Floats),
        _ => None,
    }
}

fn integers(op: Elementwise) -> Option<fn(i64, i64) -> Result<i64>> {
    Some(match op {
        Elementwise::Add => add,
        Elementwise::Subtract => subtract,
        Elementwise::Multiply | Elementwise::Square => multiply,
        Elementwise::FloorDivide => floor_divide,
        Elementwise::Remainder => remainder,
        Elementwise::Power => power,
        Elementwise::LeftShift => shift_left,
        Elementwise::RightShift => shift_right,
        Elementwise::Lcm => least_multiple,
        Elementwise::Negative => |a, _| negative(a),
        Elementwise::Absolute => |a, _| absolute(a),
        _ => return None,
    })
}

/// Where `float` and `math` raise: at poles, outside of domains, and where exponentials end.
fn floats(op: Elementwise) -> Option<fn(f64, f64) -> Result<()>> {
    Some(match op {
        Elementwise::Divide | Elementwise::FloorDivide | Elementwise::Remainder => {
            |_, b| unless(b == 0.0, by_zero)
        }
        Elementwise::Power => power_of_floats,
        Elementwise::Reciprocal => |a, _| unless(a == 0.0, by_zero),
        Elementwise::Sqrt => |a, _| unless(a < 0.0, domain),
        Elementwise::Log | Elementwise::Log2 | Elementwise::Log10 => {
            |a, _| unless(a <= 0.0, domain)
        }
        Elementwise::Log1p => |a, _| unless(a <= -1.0, domain),
        Elementwise::Exp => |a, _| ends(a, a.exp()),
        Elementwise::Exp2 => |a, _| ends(a, a.exp2()),
        Elementwise::Expm1 => |a, _| ends(a, a.exp_m1()),
        Elementwise::Sinh | Elementwise::Cosh => |a, _| ends(a, a.cosh()),
        Elementwise::Sin | Elementwise::Cos | Elementwise::Tan => {
            |a, _| unless(a.is_infinite(), domain)
        }
        Elementwise::Arcsin | Elementwise::Arccos => |a, _| unless(a.abs() > 1.0, domain),
        Elementwise::Arccosh => |a, _| unless(a < 1.0, domain),
        Elementwise::Arctanh => |a, _| unless(a.abs() >= 1.0, domain),
        Elementwise::Fmod => |a, b| unless(b == 0.0 || a.is_infinite() && !b.is_nan(), domain),
        Elementwise::Gammaln => |a, _| {
            unless(
                a <= 0.0 && a.fract() == 0.0 || a.is_finite() && a > 2.5e305,
                domain,
            )
        },
        _ => return None,
    })
}

fn unless(raises: bool, error: fn() -> Box<Error>) -> Result<()> {
    match raises {
        true => Err(error()),
        false => Ok(()),
    }
}

fn ends(argument: f64, value: f64) -> Result<()> {
    unless(argument.is_finite() && value.is_infinite(), domain)
}

/// Negative numbers to fractions are complex in Python.
fn power_of_floats(a: f64, b: f64) -> Result<()> {
    unless(a == 0.0 && b < 0.0, by_zero)?;
    let out = a.powf(b);
    unless(a.is_finite() && b.is_finite() && !out.is_finite(), domain)
}

fn least_multiple(a: i64, b: i64) -> Result<i64> {
    match Integer::gcd(a, b) {
        0 => Ok(0),
        divisor => absolute(a / divisor).and_then(|a| multiply(a, absolute(b)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divides_as_python() {
        for (a, b, quotient, rest) in [
            (7, 2, 3, 1),
            (-7, 2, -4, 1),
            (7, -2, -4, -1),
            (-7, -2, 3, -1),
            (6, -3, -2, 0),
        ] {
            assert_eq!(floor_divide(a, b).unwrap(), quotient, "{a} // {b}");
            assert_eq!(remainder(a, b).unwrap(), rest, "{a} % {b}");
        }
        assert!(floor_divide(1, 0).is_err() && remainder(1, 0).is_err());
        assert!(floor_divide(i64::MIN, -1).is_err());
        assert_eq!(remainder(i64::MIN, -1).unwrap(), 0);
    }

    #[test]
    fn raises_where_64_bits_end() {
        assert_eq!(shift_left(-1, 63).unwrap(), i64::MIN);
        assert!(
            shift_left(1, 63).is_err() && shift_left(1, 64).is_err() && shift_left(1, -1).is_err()
        );
        assert_eq!(shift_left(0, 1000).unwrap(), 0);
        assert_eq!(shift_right(-5, 1000).unwrap(), -1);
        assert!(power(3, 40).is_err());
        assert_eq!(power(3, 39).unwrap(), 3_i64.pow(39));
        assert!(multiply(1 << 32, 1 << 31).is_err() && negative(i64::MIN).is_err());
    }
}
