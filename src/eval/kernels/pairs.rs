//! Two operations of arithmetic in one loop.
//!
//! In: `(a op b) then c` or `c then (a op b)`, on float32 or float64. Out: a kernel of three operands that
//! rounds twice, as the two loops would, and goes over the elements once.
//! `x * y + z` needs one pass over a chunk and no register between. A square is a product.
//! Source: T. A. Proebsting, "Optimizing an ANSI C interpreter with superoperators" (POPL 1995).

use super::Kernel;
use super::compare::{larger, smaller};
use super::loops::by_dtype;
use crate::graph::DType;
use crate::ops::Elementwise;

/// Which operand of the second operation the first one's result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// The loop of `first(a, b)` and `second` with `c`, if there is one; of two operands if `second` is a square.
pub fn pair(first: Elementwise, second: Elementwise, side: Side, dtype: DType) -> Option<Kernel> {
    macro_rules! seconds {
        (|$a:ident, $b:ident| $t:expr) => {
            match (second, side) {
                (Elementwise::Add, _) => by_dtype!(dtype, { float => |$a, $b, c| $t + c }),
                (Elementwise::Multiply, _) => by_dtype!(dtype, { float => |$a, $b, c| $t * c }),
                (Elementwise::Subtract, Side::Left) => {
                    by_dtype!(dtype, { float => |$a, $b, c| $t - c })
                }
                (Elementwise::Subtract, Side::Right) => {
                    by_dtype!(dtype, { float => |$a, $b, c| c - $t })
                }
                (Elementwise::Divide, Side::Left) => {
                    by_dtype!(dtype, { float => |$a, $b, c| $t / c })
                }
                (Elementwise::Divide, Side::Right) => {
                    by_dtype!(dtype, { float => |$a, $b, c| c / $t })
                }
                (Elementwise::Square, _) => {
                    by_dtype!(dtype, { float => |$a, $b| { let t = $t; t * t } })
                }
                (_, _) => None,
            }
        };
    }
    match first {
        Elementwise::Add => seconds!(|a, b| a + b),
        Elementwise::Subtract => seconds!(|a, b| a - b),
        Elementwise::Multiply | Elementwise::Square => seconds!(|a, b| a * b),
        Elementwise::Divide => seconds!(|a, b| a / b),
        Elementwise::Maximum => seconds!(|a, b| larger(a, b)),
        Elementwise::Minimum => seconds!(|a, b| smaller(a, b)),
        _ => None,
    }
}
