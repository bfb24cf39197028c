//! Element types, and how they combine.
//!
//! In: dtypes of operands. Out: the dtype NumPy would choose.
//! `DType::promote(I32, F32) == F64`, as `np.result_type(np.int32, np.float32)`.
//! Source: NumPy's promotion lattice and NEP 50 (weak Python scalars).

use std::fmt;

/// The element types of arrays. `float16`, strings, dates and objects are not lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
    C64,
    C128,
}

/// The kinds, in the order in which a weak Python scalar may lift an array's dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Bool,
    Int,
    Float,
    Complex,
}

use DType::*;

impl DType {
    pub const ALL: [DType; 13] = [
        Bool, I8, I16, I32, I64, U8, U16, U32, U64, F32, F64, C64, C128,
    ];

    /// NumPy's name, which is also the printed one.
    pub fn name(self) -> &'static str {
        match self {
            Bool => "bool",
            I8 => "int8",
            I16 => "int16",
            I32 => "int32",
            I64 => "int64",
            U8 => "uint8",
            U16 => "uint16",
            U32 => "uint32",
            U64 => "uint64",
            F32 => "float32",
            F64 => "float64",
            C64 => "complex64",
            C128 => "complex128",
        }
    }

    pub fn parse(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.name() == name)
    }

    pub fn kind(self) -> Kind {
        match self {
            Bool => Kind::Bool,
            I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64 => Kind::Int,
            F32 | F64 => Kind::Float,
            C64 | C128 => Kind::Complex,
        }
    }

    pub fn is_float(self) -> bool {
        self.kind() == Kind::Float
    }

    /// Real or complex floating point: what can carry a derivative.
    pub fn is_inexact(self) -> bool {
        self.kind() >= Kind::Float
    }

    pub fn is_complex(self) -> bool {
        self.kind() == Kind::Complex
    }

    pub fn is_integer(self) -> bool {
        self.kind() == Kind::Int
    }

    pub fn is_unsigned(self) -> bool {
        matches!(self, U8 | U16 | U32 | U64)
    }

    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            Bool | I8 | U8 => 1,
            I16 | U16 => 2,
            I32 | U32 | F32 => 4,
            I64 | U64 | F64 | C64 => 8,
            C128 => 16,
        }
    }

    /// The real dtype of the same precision: what `abs` and `.real` of it have.
    pub fn real(self) -> DType {
        match self {
            C64 => F32,
            C128 => F64,
            other => other,
        }
    }

    /// The complex dtype of the same precision.
    pub fn complex(self) -> DType {
        match self {
            F32 | C64 => C64,
            _ => C128,
        }
    }

    /// The float dtype a ufunc defined on floats computes in: `np.sqrt(int8)` is float16 in NumPy,
    /// so callers treat 8- and 16-bit results specially where it matters.
    pub fn to_inexact(self) -> DType {
        match self {
            F32 | F64 | C64 | C128 => self,
            I8 | U8 | Bool | I16 | U16 => F32,
            _ => F64,
        }
    }

    /// `np.promote_types`.
    pub fn promote(self, other: DType) -> DType {
        let (a, b) = if self <= other {
            (self, other)
        } else {
            (other, self)
        };
        if a == b || a == Bool {
            return b;
        }
        match (a.kind(), b.kind()) {
            (Kind::Int, Kind::Int) => promote_integers(a, b),
            (Kind::Int, Kind::Float) => {
                if a.size() <= 2 {
                    b
                } else {
                    F64
                }
            }
            (Kind::Int, Kind::Complex) => {
                if a.size() <= 2 {
                    b
                } else {
                    C128
                }
            }
            (Kind::Float, Kind::Complex) => {
                if a == F64 {
                    C128
                } else {
                    b
                }
            }
            _ => b,
        }
    }

    /// The dtype a Python scalar of `kind` has on its own.
    pub fn default_for(kind: Kind) -> DType {
        match kind {
            Kind::Bool => Bool,
            Kind::Int => I64,
            Kind::Float => F64,
            Kind::Complex => C128,
        }
    }

    /// NEP 50: this dtype combined with a Python scalar of `kind`.
    pub fn promote_weak(self, kind: Kind) -> DType {
        if kind <= self.kind() {
            return self;
        }
        match (self, kind) {
            (F32, Kind::Complex) => C64,
            (_, kind) => DType::default_for(kind),
        }
    }
}

fn promote_integers(a: DType, b: DType) -> DType {
    let (signed, unsigned) = match (a.is_unsigned(), b.is_unsigned()) {
        (false, false) | (true, true) => return if a.size() >= b.size() { a } else { b },
        (false, true) => (a, b),
        (true, false) => (b, a),
    };
    if signed.size() > unsigned.size() {
        return signed;
    }
    match unsigned {
        U8 => I16,
        U16 => I32,
        U32 => I64,
        _ => F64,
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
