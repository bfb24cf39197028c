//! Comparison, choice and truth.
//!
//! In: the loop's dtypes. Out: a kernel. Complex numbers are ordered by real part, then imaginary,
//! as NumPy orders them. Source: NumPy's `loops.c.src`.
//!
//! ```text
//! maximum(nan, 1) is nan    fmax(nan, 1) == 1    less(int64 -1, uint64 0) is True
//! ```

use num_complex::Complex;

use super::Kernel;
use super::loops::{by_dtype, map};
use crate::graph::DType;

macro_rules! comparisons {
    ($($name:ident: |$a:ident, $b:ident| $e:expr, $complex:expr;)*) => {$(
        pub fn $name(d: &[DType]) -> Option<Kernel> {
            // Of mixed signs: compared as wider integers.
            match d {
                [DType::I64, DType::U64] => {
                    return Some(map!(|x: i64, y: u64| -> bool {{
                        let ($a, $b) = (i128::from(x), i128::from(y));
                        $e
                    }}));
                }
                [DType::U64, DType::I64] => {
                    return Some(map!(|x: u64, y: i64| -> bool {{
                        let ($a, $b) = (i128::from(x), i128::from(y));
                        $e
                    }}));
                }
                _ => {}
            }
            by_dtype!(d[0], {
                boolean => (bool) |x, y| { let ($a, $b) = (u8::from(x), u8::from(y)); $e },
                integer => (bool) |$a, $b| $e,
                float => (bool) |$a, $b| $e,
                complex => (bool) |$a, $b| $complex,
            })
        }
    )*};
}
comparisons! {
    equal: |a, b| a == b, (a.re == b.re) & (a.im == b.im);
    not_equal: |a, b| a != b, (a.re != b.re) | (a.im != b.im);
    less: |a, b| a < b, less_complex(a, b);
    less_equal: |a, b| a <= b, less_equal_complex(a, b);
    greater: |a, b| a > b, less_complex(b, a);
    greater_equal: |a, b| a >= b, less_equal_complex(b, a);
}

/// NumPy's `CLT`.
#[inline(always)]
fn less_complex<F: PartialOrd + Copy>(a: Complex<F>, b: Complex<F>) -> bool {
    (a.re < b.re && !is_nan(a.im) && !is_nan(b.im)) || (a.re == b.re && a.im < b.im)
}

/// NumPy's `CLE`.
#[inline(always)]
fn less_equal_complex<F: PartialOrd + Copy>(a: Complex<F>, b: Complex<F>) -> bool {
    (a.re < b.re && !is_nan(a.im) && !is_nan(b.im)) || (a.re == b.re && a.im <= b.im)
}

#[inline(always)]
#[expect(clippy::eq_op, reason = "only NaN differs from itself")]
fn is_nan<F: PartialOrd + Copy>(x: F) -> bool {
    x != x
}

#[inline(always)]
fn any_nan<F: PartialOrd + Copy>(z: Complex<F>) -> bool {
    is_nan(z.re) || is_nan(z.im)
}

#[inline(always)]
pub fn larger<F: PartialOrd + Copy>(a: F, b: F) -> F {
    if (a > b) | is_nan(a) { a } else { b }
}

#[inline(always)]
pub fn smaller<F: PartialOrd + Copy>(a: F, b: F) -> F {
    if (a < b) | is_nan(a) { a } else { b }
}

/// The larger; NaN if any is. Of two zeros the second, as NumPy's vector instructions.
pub fn maximum(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        boolean => |a, b| a | b,
        integer => |a, b| a.max(b),
        float => |a, b| larger(a, b),
        complex => |a, b| if any_nan(a) || less_equal_complex(b, a) { a } else { b },
    })
}

/// The smaller; NaN if any is.
pub fn minimum(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        boolean => |a, b| a & b,
        integer => |a, b| a.min(b),
        float => |a, b| smaller(a, b),
        complex => |a, b| if any_nan(a) || less_equal_complex(a, b) { a } else { b },
    })
}

/// The larger; NaN only if both are.
pub fn fmax(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        boolean => |a, b| a | b,
        integer => |a, b| a.max(b),
        float => |a, b| if (a > b) | is_nan(b) { a } else { b },
        complex => |a, b| if any_nan(b) || less_equal_complex(b, a) { a } else { b },
    })
}

/// The smaller; NaN only if both are.
pub fn fmin(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        boolean => |a, b| a & b,
        integer => |a, b| a.min(b),
        float => |a, b| if (a < b) | is_nan(b) { a } else { b },
        complex => |a, b| if any_nan(b) || less_equal_complex(a, b) { a } else { b },
    })
}

/// `where`: loops are by the size of an element alone, so that no bit changes.
pub fn choose(d: &[DType]) -> Option<Kernel> {
    Some(match d[1].size() {
        1 => map!(|c: bool, a: u8, b: u8| -> u8 { if c { a } else { b } }),
        2 => map!(|c: bool, a: u16, b: u16| -> u16 { if c { a } else { b } }),
        4 => map!(|c: bool, a: u32, b: u32| -> u32 { if c { a } else { b } }),
        8 => map!(|c: bool, a: u64, b: u64| -> u64 { if c { a } else { b } }),
        _ => map!(|c: bool, a: [u64; 2], b: [u64; 2]| -> [u64; 2] { if c { a } else { b } }),
    })
}

macro_rules! logic {
    ($($name:ident: |$a:ident, $b:ident| $e:expr;)*) => {$(
        pub fn $name(d: &[DType]) -> Option<Kernel> {
            by_dtype!(d[0], {
                boolean => (bool) |$a, $b| $e,
                integer => (bool) |x, y| { let ($a, $b) = (x != 0, y != 0); $e },
                float => (bool) |x, y| { let ($a, $b) = (x != 0.0, y != 0.0); $e },
                complex => (bool) |x, y| { let ($a, $b) = (x != T::ZERO, y != T::ZERO); $e },
            })
        }
    )*};
}
logic! {
    logical_and: |a, b| a & b;
    logical_or: |a, b| a | b;
    logical_xor: |a, b| a ^ b;
}

pub fn logical_not(d: &[DType]) -> Option<Kernel> {
    by_dtype!(d[0], {
        boolean => (bool) |a| !a,
        integer => (bool) |a| a == 0,
        float => (bool) |a| a == 0.0,
        complex => (bool) |a| a == T::ZERO,
    })
}
