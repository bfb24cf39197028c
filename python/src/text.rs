//! Graphs and source as text, for tests and for tools that exchange graphs.
//!
//! ```text
//! _emit("f(x: float64[n0]) { %0 x = input : float64[n0] ... }")     NumPy source
//! _evaluate(text, [x])                                              what the evaluator makes of it
//! _print(source)                                                    Python source, printed again
//! ```

use lazy_core::ast::print;
use lazy_core::emit::{Signature, emit};
use lazy_core::eval::value::Value;
use lazy_core::eval::{Executable, NoCallbacks, Values};
use lazy_core::graph::Graph;
use lazy_core::lift::numpy::Form;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::convert;
use crate::exceptions::Raise;
use crate::ndarray;

/// NumPy source of a graph's text, every input a parameter.
#[pyfunction]
#[pyo3(name = "_emit")]
pub fn emitted(py: Python<'_>, text: &str) -> PyResult<String> {
    convert::guarded(|| {
        let graph: Graph = text.parse().raise(py)?;
        emit(&graph, &Signature::of(&graph)).raise(py)
    })
}

/// The outputs of a graph's text on these inputs.
#[pyfunction]
#[pyo3(name = "_evaluate")]
pub fn evaluated<'py>(
    py: Python<'py>,
    text: &str,
    inputs: Vec<Bound<'py, PyAny>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let api = ndarray::api(py)?;
    let owned = |x: &Bound<'_, PyAny>| {
        let number = || convert::number(api, x).map(|number| convert::owned(&number.view()));
        convert::value(api, x).or_else(number)
    };
    let inputs: Option<Vec<Value>> = inputs.iter().map(owned).collect();
    let inputs = inputs.ok_or_else(|| PyTypeError::new_err("inputs must be arrays or numbers"))?;
    convert::guarded(|| {
        let graph: Graph = text.parse().raise(py)?;
        let views: Vec<_> = inputs.iter().map(Value::view).collect();
        let mut values = Values::default();
        let executable = Executable::new(&graph).raise(py)?;
        let run = executable.run(&views, &mut values, &mut NoCallbacks);
        run.raise(py)?;
        let outputs = graph.outputs().iter().zip(&values.0);
        let form = |weak| if weak { Form::Python } else { Form::Scalar };
        outputs
            .map(|(&id, value)| convert::object(py, value, form(graph.aval(id).weak)))
            .collect()
    })
}

/// A module's source, parsed and printed.
#[pyfunction]
#[pyo3(name = "_print")]
pub fn printed(py: Python<'_>, source: &str) -> PyResult<String> {
    convert::guarded(|| print::reprint(source).raise(py))
}
