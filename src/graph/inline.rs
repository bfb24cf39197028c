//! A graph copied into another: the inverse of [`super::extract`].
//!
//! In: a builder, a graph, and a node for each of its inputs. Out: the nodes of its outputs. Its symbols
//! become the sizes that the given nodes have.

use std::collections::HashMap;

use super::{Assumption, Builder, Dim, Graph, NodeId, Operands, Symbol};
use crate::error::Result;
use crate::ops::Op;

impl Builder {
    /// Copies `inner` with `operands` for its inputs; the node of each of its nodes.
    ///
    /// # Errors
    /// What inference says of the operands.
    pub fn inline(&mut self, inner: &Graph, operands: &[NodeId]) -> Result<Vec<NodeId>> {
        let mut new: Vec<NodeId> = vec![NodeId::end(); inner.len()];
        let mut sizes: HashMap<Symbol, Dim> = HashMap::new();
        for (&input, &operand) in inner.inputs().iter().zip(operands) {
            new[input.index()] = operand;
            let shape = self.aval(operand).shape.clone();
            note_sizes(inner, input, &shape, &mut sizes);
        }
        for id in inner.nodes() {
            if matches!(inner.op(id), Op::Input) {
                continue;
            }
            let translated = |dim: &Dim| {
                dim.substitute(&|s| sizes.get(&s).cloned().unwrap_or_else(|| Dim::symbol(s)))
            };
            let mut op = inner.op(id).clone();
            op.map_sizes(&translated);
            let operands: Operands = inner.operands(id).iter().map(|o| new[o.index()]).collect();
            self.set_origin(inner.origin(id).cloned());
            let copy = match op {
                Op::Constant(value) => self.constant(value, inner.aval(id).clone()),
                Op::Size(dim) => self.size(dim),
                op => self.add(op, &operands)?,
            };
            if let Some(name) = &inner.node(id).name {
                self.name(copy, name.clone());
            }
            let shape = self.aval(copy).shape.clone();
            note_sizes(inner, id, &shape, &mut sizes);
            new[id.index()] = copy;
        }
        self.set_origin(None);
        for assumption in inner.assumptions() {
            let translated = |dim: &Dim| {
                dim.substitute(&|s| sizes.get(&s).cloned().unwrap_or_else(|| Dim::symbol(s)))
            };
            match assumption {
                Assumption::Equal(a, b) => self.assume_equal(&translated(a), &translated(b)),
                Assumption::AtMost(a, b) => self.assume_at_most(&translated(a), &translated(b)),
            };
        }
        Ok(new)
    }
}

/// The sizes of the symbols that a node of the inner graph defines.
fn note_sizes(inner: &Graph, id: NodeId, shape: &[Dim], sizes: &mut HashMap<Symbol, Dim>) {
    for (symbol, origin) in (0..).map(Symbol).zip(inner.symbols()) {
        if origin.node == id
            && let Some(size) = shape.get(origin.axis)
        {
            sizes.insert(symbol, size.clone());
        }
    }
}
