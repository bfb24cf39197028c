//! The table of operations, for the documentation and for tests that go through all of it.
//!
//! In: nothing. Out: one entry per elementwise operation:
//!
//! ```text
//! ("log1p", ["numpy.log1p"], [(-0.9, 3.0)])
//! ```

use lazy_core::ops::elementwise::Elementwise;
use pyo3::prelude::*;

/// Name, spellings, number of operands, and the interval of each operand where tests sample it.
type Row = (&'static str, Vec<&'static str>, Vec<(f64, f64)>);

/// The elementwise operations.
#[pyfunction]
pub fn operations() -> Vec<Row> {
    let row = |op: &Elementwise| {
        let def = op.def();
        let domain = def.domain.iter().map(|r| (r.start, r.end)).collect();
        (def.name, def.numpy.to_vec(), domain)
    };
    Elementwise::ALL.iter().map(row).collect()
}
