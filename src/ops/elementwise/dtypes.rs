//! Which dtype an elementwise operation computes in, and which it gives.
//!
//! In: the avals of the operands. Out: a [`Resolution`], or NumPy's `TypeError`.
//!
//! ```text
//! sqrt(int32) -> loop float64, float64     less(int64, uint64) -> loop (int64, uint64), bool
//! add(float32, 1.0*) -> loop float32       add(1*, 2.0*) -> float64*  (weak: both are Python's)
//! ```
//!
//! Source: NumPy's type resolution (`ufunc_type_resolution.c`: the first loop to which all operands
//! cast safely) under NEP 50. `tests/fixtures/ufunc_dtypes.txt` holds NumPy's own answers.

use smallvec::{SmallVec, smallvec};

use super::{Def, Elementwise};
use crate::error::{Error, Exception, Result};
use crate::graph::{Aval, DType, Kind, result_type};

use DType::*;

/// The loop NumPy would run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// Dtype to which each operand is cast before the loop.
    pub operands: SmallVec<[DType; 3]>,
    pub out: DType,
    /// The result is a Python scalar, as all operands are.
    pub weak: bool,
}

/// The loops an operation has.
#[derive(Clone, Copy, Debug)]
pub enum Loops {
    /// All operands in one dtype: the loops in NumPy's order of search, and what they give.
    Same(&'static [Loop], Out),
    /// As `Same`, but loops also compare signed with unsigned integers exactly.
    Comparison,
    /// A bool, then two of any one dtype.
    Where,
    /// A float and an integer.
    Ldexp,
}

/// One loop of [`Loops::Same`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loop {
    Of(DType),
    /// NumPy would compute in float16, which is not lifted.
    Half,
    /// NumPy refuses bools here.
    NoBool,
    /// Integers and bools among themselves are computed in this dtype.
    Integers(DType),
}

/// What a loop gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Out {
    Same,
    /// The real dtype of a complex one.
    Real,
    Complex,
    Is(DType),
}

use Loop::{Half, Integers, NoBool, Of};

macro_rules! loops {
    ($($name:ident = $($l:expr),*;)*) => {
        $(pub const $name: &[Loop] = &[$($l),*];)*
    };
}
loops! {
    ALL = Of(Bool), Of(I8), Of(U8), Of(I16), Of(U16), Of(I32), Of(U32), Of(I64), Of(U64), Of(F32), Of(F64), Of(C64), Of(C128);
    NUMBERS = Of(I8), Of(U8), Of(I16), Of(U16), Of(I32), Of(U32), Of(I64), Of(U64), Of(F32), Of(F64), Of(C64), Of(C128);
    NUMBERS_NO_BOOL = NoBool, Of(I8), Of(U8), Of(I16), Of(U16), Of(I32), Of(U32), Of(I64), Of(U64), Of(F32), Of(F64), Of(C64), Of(C128);
    REALS = Of(Bool), Of(I8), Of(U8), Of(I16), Of(U16), Of(I32), Of(U32), Of(I64), Of(U64), Of(F32), Of(F64);
    REAL_NUMBERS = Of(I8), Of(U8), Of(I16), Of(U16), Of(I32), Of(U32), Of(I64), Of(U64), Of(F32), Of(F64);
    INTEGERS = Of(I8), Of(U8), Of(I16), Of(U16), Of(I32), Of(U32), Of(I64), Of(U64);
    INTEGERS_NO_BOOL = NoBool, Of(I8), Of(U8), Of(I16), Of(U16), Of(I32), Of(U32), Of(I64), Of(U64);
    BITS = Of(Bool), Of(I8), Of(U8), Of(I16), Of(U16), Of(I32), Of(U32), Of(I64), Of(U64);
    FLOATS = Half, Of(F32), Of(F64);
    INEXACT = Half, Of(F32), Of(F64), Of(C64), Of(C128);
    QUOTIENTS = Integers(F64), Of(F32), Of(F64), Of(C64), Of(C128);
    DOUBLES = Of(F64), Of(C128);
    PYTHON = Of(I64), Of(F64), Of(C128);
    PARTS = Integers(F64), Of(F32), Of(F64);
    // SciPy's order: some of its functions have float32 first, which small integers take; most float64.
    SINGLE_FIRST = Of(F32), Of(F64);
    SPECIAL = Of(F64), Of(F32);
    SPECIAL_INEXACT = Of(F64), Of(F32), Of(C128), Of(C64);
}

/// The loop and the result's dtype for operands of these avals.
///
/// # Errors
/// NumPy's `TypeError` where it has no loop; `Unlifted` where it would use float16.
pub fn resolve(op: Elementwise, avals: &[&Aval]) -> Result<Resolution> {
    let def = op.def();
    if avals.len() != op.arity() {
        return Err(Error::internal(format!(
            "{} takes {} operands, got {}",
            def.name,
            op.arity(),
            avals.len()
        )));
    }
    let (common, weak) = common(def, op, avals);
    let strong = avals.iter().all(|a| !a.weak);
    // A weak operand takes the dtype the others call for; Python scalars alone their own.
    let operands: SmallVec<[DType; 3]> = avals
        .iter()
        .map(|a| if a.weak { common } else { a.dtype })
        .collect();
    let resolution = match def.loops {
        Loops::Same(loops, out) => search(op, def, loops, out, &operands, strong)?,
        Loops::Comparison => compare(&operands, common),
        Loops::Where => choose(avals),
        Loops::Ldexp => ldexp(def, avals)?,
    };
    let is_python = resolution.out == DType::default_for(resolution.out.kind());
    Ok(Resolution {
        weak: weak && is_python || op == Elementwise::Item,
        ..resolution
    })
}

/// The operands' common dtype, and whether all are Python scalars. In Python `True + True` is 2:
/// bools alone are integers, unless the operation is one of truth.
fn common(def: &Def, op: Elementwise, avals: &[&Aval]) -> (DType, bool) {
    let arithmetic = match def.loops {
        Loops::Same(loops, _) => {
            !loops.contains(&Of(Bool))
                || matches!(
                    op,
                    Elementwise::Add
                        | Elementwise::Multiply
                        | Elementwise::Absolute
                        | Elementwise::Invert
                )
        }
        Loops::Comparison | Loops::Where | Loops::Ldexp => false,
    };
    match result_type(avals) {
        (Bool, true) if arithmetic => (I64, true),
        common => common,
    }
}

fn search(
    op: Elementwise,
    def: &Def,
    loops: &[Loop],
    out: Out,
    operands: &[DType],
    strong: bool,
) -> Result<Resolution> {
    let first = operands[0];
    let uniform = operands.iter().all(|&d| d == first);
    let found = if strong && uniform && loops.contains(&Of(first)) {
        Some(Of(first))
    } else {
        loops.iter().copied().find(|&l| match l {
            Of(to) => operands.iter().all(|&from| casts_safely(from, to)),
            Half => operands.iter().all(|d| matches!(d, Bool | I8 | U8)),
            NoBool => uniform && first == Bool,
            Integers(_) => operands.iter().all(|d| d.kind() <= Kind::Int),
        })
    };
    match found {
        Some(Of(dtype) | Integers(dtype)) => Ok(Resolution {
            operands: smallvec![dtype; operands.len()],
            out: match out {
                Out::Same => dtype,
                Out::Real => dtype.real(),
                Out::Complex => dtype.complex(),
                Out::Is(d) => d,
            },
            weak: false,
        }),
        Some(Half) => Err(half(def, operands)),
        Some(NoBool) => Err(no_bool(op, def)),
        None if def.numpy.iter().any(|n| n.starts_with("scipy")) => Err(Error::unlifted(
            format!("{} of these dtypes", def.name),
            "only its loops for real floats are lifted",
        )),
        None => Err(no_loop(def)),
    }
}

/// Signed with unsigned integers of any width compare exactly; everything else in the common dtype.
fn compare(operands: &[DType], common: DType) -> Resolution {
    let exact = operands.iter().all(|d| d.kind() <= Kind::Int) && common == F64;
    let widest = |d: DType| if d.is_unsigned() { U64 } else { I64 };
    Resolution {
        operands: operands
            .iter()
            .map(|&d| if exact { widest(d) } else { common })
            .collect(),
        out: Bool,
        weak: false,
    }
}

/// The condition is its truth; the two sides take their common dtype.
fn choose(avals: &[&Aval]) -> Resolution {
    let (dtype, _) = result_type(&avals[1..]);
    Resolution {
        operands: smallvec![Bool, dtype, dtype],
        out: dtype,
        weak: false,
    }
}

fn ldexp(def: &Def, avals: &[&Aval]) -> Result<Resolution> {
    let (x, exponent) = (avals[0], avals[1]);
    // A Python integer goes with NumPy's first loop, of float16, beside an integer array.
    let small = x.weak && x.dtype.kind() <= Kind::Int && !exponent.weak;
    let dtype = if small && exponent.dtype != Bool {
        I8
    } else {
        x.dtype
    };
    if x.dtype.is_complex() || !casts_safely(exponent.dtype, I64) {
        return Err(no_loop(def));
    }
    let out = match dtype {
        Bool | I8 | U8 => return Err(half(def, &[dtype])),
        I16 | U16 | F32 => F32,
        I32 | U32 | I64 | U64 | F64 | C64 | C128 => F64,
    };
    Ok(Resolution {
        operands: smallvec![out, I64],
        out,
        weak: false,
    })
}

/// `np.can_cast(from, to)`.
fn casts_safely(from: DType, to: DType) -> bool {
    from.promote(to) == to
}

fn half(def: &Def, operands: &[DType]) -> Box<Error> {
    let names: Vec<&str> = operands.iter().map(|d| d.name()).collect();
    Error::unlifted(
        format!("numpy.{} of {}", def.name, names.join(", ")),
        "NumPy computes it in float16; cast to float32 or float64 first",
    )
}

fn no_loop(def: &Def) -> Box<Error> {
    Error::type_error(format!(
        "ufunc '{}' not supported for the input types, and the inputs could not be safely coerced \
         to any supported types according to the casting rule ''safe''",
        def.name
    ))
}

fn no_bool(op: Elementwise, def: &Def) -> Box<Error> {
    let name = def.name;
    Error::type_error(if op == Elementwise::Subtract {
        "numpy boolean subtract, the `-` operator, is not supported, use the bitwise_xor, the `^` \
         operator, or the logical_xor function instead."
            .to_owned()
    } else if op == Elementwise::Negative {
        "The numpy boolean negative, the `-` operator, is not supported, use the `~` operator or \
         the logical_not function instead."
            .to_owned()
    } else {
        let bools = vec!["<class 'numpy.dtypes.BoolDType'>"; op.arity()].join(", ");
        let types = if op.arity() == 1 {
            bools
        } else {
            format!("({bools})")
        };
        format!(
            "ufunc '{name}' did not contain a loop with signature matching types {types} -> None"
        )
    })
}

/// Whether a Python integer fits an integer dtype; others hold any. NumPy raises `OverflowError`
/// for a literal that does not (except in comparisons, which are exact).
pub fn literal_fits(value: i128, dtype: DType) -> bool {
    let range = match dtype {
        I8 => i128::from(i8::MIN)..=i128::from(i8::MAX),
        I16 => i128::from(i16::MIN)..=i128::from(i16::MAX),
        I32 => i128::from(i32::MIN)..=i128::from(i32::MAX),
        I64 => i128::from(i64::MIN)..=i128::from(i64::MAX),
        U8 => 0..=i128::from(u8::MAX),
        U16 => 0..=i128::from(u16::MAX),
        U32 => 0..=i128::from(u32::MAX),
        U64 => 0..=i128::from(u64::MAX),
        Bool | F32 | F64 | C64 | C128 => return true,
    };
    range.contains(&value)
}

/// NumPy's exception for a literal that does not fit.
///
/// # Errors
/// `OverflowError` if `value` is out of the range of `dtype`.
pub fn check_literal(value: i128, dtype: DType) -> Result<()> {
    if literal_fits(value, dtype) {
        return Ok(());
    }
    Err(Error::raises(
        Exception::Overflow,
        format!("Python integer {value} out of bounds for {dtype}"),
    ))
}
