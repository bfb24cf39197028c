//! Recorded arrays as Python sees them. Operators and methods are attached in `lazy/_array.py`.
//!
//! In: what a user asks of an [`Array`]. Out: its facts, its value, or what it is made of:
//!
//! ```text
//!    0 add[3]
//!    1 ├─exp[3]
//!    2 │ ╰─←[3]
//!    3 ╰─1.0[]
//! ```

use std::collections::HashMap;

use lazy_core::graph::print::mnemonic;
use lazy_core::graph::{Dim, Graph, NodeId};
use lazy_core::ops::{Constant, Op};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::ndarray;
use crate::record::{Array, evaluate, lock, needed, result};

#[pymethods]
impl Array {
    /// Computes the array, and what it shares with others only once.
    fn compute<'py>(slf: &Bound<'py, Array>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let slot = &slf.get().slot;
        evaluate(py, std::slice::from_ref(slot))?;
        result(py, slot)
    }

    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let sizes: Vec<i64> = self.aval.shape.iter().filter_map(Dim::as_known).collect();
        PyTuple::new(py, sizes)
    }

    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(ndarray::api(py)?.descr(py, self.aval.dtype))
    }

    #[getter]
    fn ndim(&self) -> usize {
        self.aval.rank()
    }

    #[getter]
    fn size(&self) -> i64 {
        self.aval.shape.iter().filter_map(Dim::as_known).product()
    }

    /// How many nodes the array is made of.
    fn history_num_nodes(&self) -> usize {
        let (home, node) = lock(&self.slot.place).clone();
        let recording = lock(&home);
        needed(recording.builder.graph(), [node], &|_| false).len()
    }

    /// What the array is made of, as text: a tree of at most `max_lines` lines.
    #[pyo3(signature = (max_lines=200))]
    fn listing(&self, max_lines: usize) -> String {
        let (home, node) = lock(&self.slot.place).clone();
        let recording = lock(&home);
        listing(recording.builder.graph(), node, max_lines)
    }

    fn __repr__(&self) -> String {
        let sizes: Vec<String> = self.aval.shape.iter().map(Dim::to_string).collect();
        let comma = if sizes.len() == 1 { "," } else { "" };
        format!(
            "<lazy.Array shape=({}{comma}) dtype={} unevaluated>",
            sizes.join(", "),
            self.aval.dtype
        )
    }
}

/// One line per node of a listing: depth, label, whether it was listed before and where.
type Line = (Vec<bool>, String, Option<usize>);

/// What the array is made of, as a tree. A node that appears again refers to its first line.
fn listing(graph: &Graph, root: NodeId, lines: usize) -> String {
    let mut out: Vec<Line> = Vec::new();
    let mut seen: HashMap<NodeId, usize> = HashMap::new();
    // Entries are (node, for each level whether more siblings follow).
    let mut stack: Vec<(NodeId, Vec<bool>)> = vec![(root, vec![])];
    while let Some((id, levels)) = stack.pop() {
        if out.len() == lines {
            break;
        }
        let label = label(graph, id);
        let operands = graph.operands(id);
        let is_leaf = operands.is_empty();
        if let Some(&line) = seen.get(&id).filter(|_| !is_leaf) {
            out.push((levels, label, Some(line)));
            continue;
        }
        seen.entry(id).or_insert(out.len());
        out.push((levels.clone(), label, None));
        for (k, &operand) in operands.iter().enumerate().rev() {
            let mut below = levels.clone();
            below.push(k + 1 < operands.len());
            stack.push((operand, below));
        }
    }
    let rendered = out.iter().enumerate().map(|(number, line)| {
        let (levels, label, earlier) = line;
        let mut text = format!("{number:4} ");
        if let Some((last, above)) = levels.split_last() {
            for &more in above {
                text.push_str(if more { "│ " } else { "  " });
            }
            text.push_str(if *last { "├─" } else { "╰─" });
        }
        match earlier {
            None => text.push_str(label),
            Some(line) => text.push_str(&format!(" ... ({label} from line {line})")),
        }
        text
    });
    rendered.collect::<Vec<_>>().join("\n")
}

fn label(graph: &Graph, id: NodeId) -> String {
    let name = match graph.op(id) {
        Op::Input => "←".to_owned(),
        Op::Constant(constant) => match constant {
            Constant::Bool(x) => x.to_string(),
            Constant::Int(x) => x.to_string(),
            Constant::UInt(x) => x.to_string(),
            Constant::Float(x) => format!("{x:?}"),
            Constant::Complex(x) => x.to_string(),
            Constant::Array(_) => "constant".to_owned(),
        },
        op => mnemonic(op).to_owned(),
    };
    let sizes: Vec<String> = graph.aval(id).shape.iter().map(Dim::to_string).collect();
    format!("{name}[{}]", sizes.join(", "))
}
