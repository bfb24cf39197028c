//! What is known of a value before it is computed: dtype, weakness, shape.
//!
//! `float64[n0, 3]` is a matrix of 3 columns; `int64*[]` a Python integer (weak under NEP 50).

use std::fmt;

use smallvec::SmallVec;

use super::dim::Dim;
use super::dtype::DType;

/// Sizes of the axes.
pub type Shape = SmallVec<[Dim; 4]>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Aval {
    pub dtype: DType,
    /// A Python scalar: it takes the dtype of the array it meets. Only rank 0.
    pub weak: bool,
    pub shape: Shape,
}

impl Aval {
    pub fn new(dtype: DType, shape: impl IntoIterator<Item = Dim>) -> Aval {
        Aval {
            dtype,
            weak: false,
            shape: shape.into_iter().collect(),
        }
    }

    pub fn scalar(dtype: DType) -> Aval {
        Aval::new(dtype, [])
    }

    pub fn weak(dtype: DType) -> Aval {
        Aval {
            dtype,
            weak: true,
            shape: Shape::new(),
        }
    }

    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    pub fn size(&self) -> Dim {
        self.shape.iter().cloned().fold(Dim::known(1), |a, b| a * b)
    }

    pub fn with_dtype(&self, dtype: DType) -> Aval {
        Aval {
            dtype,
            weak: false,
            shape: self.shape.clone(),
        }
    }
}

/// `np.result_type` of operands, weak ones last (NEP 50). Weak only if all are.
pub fn result_type(avals: &[&Aval]) -> (DType, bool) {
    let strong = avals
        .iter()
        .filter(|a| !a.weak)
        .map(|a| a.dtype)
        .reduce(DType::promote);
    let weak = avals
        .iter()
        .filter(|a| a.weak)
        .map(|a| a.dtype)
        .reduce(DType::promote);
    match (strong, weak) {
        (Some(s), Some(w)) => (s.promote_weak(w.kind()), false),
        (Some(s), None) => (s, false),
        (None, Some(w)) => (w, true),
        (None, None) => (DType::F64, true),
    }
}

impl fmt::Display for Aval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}[", self.dtype, if self.weak { "*" } else { "" })?;
        for (i, d) in self.shape.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{d}")?;
        }
        f.write_str("]")
    }
}
