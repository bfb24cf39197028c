//! `lazy-core`: plain NumPy code as a graph. The pipeline, in reading order:
//!
//! ```text
//! code ── ast ── region ── lift ── graph ──┬── eval ── arrays
//!                                          └── emit ── Python source
//! ```
//!
//! This crate knows no transform (see `lazy-transforms`) and no Python object (see `lazy-python`):
//! what it needs of Python it asks of a [`lift::Host`].

pub mod ast;
pub mod emit;
pub mod error;
pub mod eval;
pub mod graph;
pub mod lift;
pub mod ops;
