//! Decisions that lifting took by values.
//!
//! In: a number. Out: the same number, which is now known to be what it was when the graph was made.
//!
//! ```text
//! %4 = greater(%3, 0.0) : bool[]
//! %5 = decide(%4) expected=True : bool[]        if x.sum() > 0:
//! ```
//!
//! The graph is that of one path through the program. Where the evaluator finds another value, the
//! call is on another path, and is lifted again.

use super::{Constant, Op, one};
use crate::error::{Error, Result};
use crate::eval::value::Value;
use crate::graph::{Aval, DType};

/// Shape and dtype of the result.
///
/// # Errors
/// `Internal` if the operand is no number.
pub fn infer(op: &Op, avals: &[Aval]) -> Result<Aval> {
    let aval = one(avals)?;
    if aval.rank() == 0 {
        Ok(aval.clone())
    } else {
        Err(Error::internal(format!("{op:?} of an array")))
    }
}

/// The element of a rank-0 value, as a decision keeps it.
pub fn expectation(value: &Value) -> Constant {
    match value.dtype {
        DType::Bool => Constant::Bool(value.as_slice::<bool>()[0]),
        DType::I8 => Constant::Int(value.as_slice::<i8>()[0].into()),
        DType::I16 => Constant::Int(value.as_slice::<i16>()[0].into()),
        DType::I32 => Constant::Int(value.as_slice::<i32>()[0].into()),
        DType::I64 => Constant::Int(value.as_slice::<i64>()[0]),
        DType::U8 => Constant::UInt(value.as_slice::<u8>()[0].into()),
        DType::U16 => Constant::UInt(value.as_slice::<u16>()[0].into()),
        DType::U32 => Constant::UInt(value.as_slice::<u32>()[0].into()),
        DType::U64 => Constant::UInt(value.as_slice::<u64>()[0]),
        DType::F32 => Constant::Float(value.as_slice::<f32>()[0].into()),
        DType::F64 => Constant::Float(value.as_slice::<f64>()[0]),
        DType::C64 => {
            let z = value.as_slice::<num_complex::Complex32>()[0];
            Constant::Complex(num_complex::Complex64::new(z.re.into(), z.im.into()))
        }
        DType::C128 => Constant::Complex(value.as_slice::<num_complex::Complex64>()[0]),
    }
}
