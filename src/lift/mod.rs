//! Stage 3: blocks in, graph out.
//!
//! [`numpy`] knows what each NumPy function means as operations; it serves this stage and the
//! recorded arrays alike.

pub mod numpy;
