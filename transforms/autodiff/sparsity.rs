//! Which elements of the outputs depend on which elements of an input.
//!
//! In: a graph, one of its inputs, and marks: booleans of the input's shape, a block of them along a new first
//! axis. Out: for each mark, the elements of the outputs that depend on a marked one.
//!
//! ```text
//! y = x[1:] * w       marks float64[k, n0]  ->  marks[:, 1:]
//! ```
//!
//! These are tangents whose numbers are replaced by whether they may be other than zero. What does not depend on
//! values, such as where a gather reads, is computed as it is. Where nothing better is known, every element
//! depends on all.
//!
//! Source: Gebremedhin, Manne and Pothen, *What color is your Jacobian?* (SIAM Review 47, 2005).

use lazy_core::error::{Error, Result};
use lazy_core::graph::{Aval, Builder, DType, Dim, Graph, NodeId, Shape};
use lazy_core::ops::{Axes, Elementwise, Op, Reduction, Write};

use super::vmap::{Operand, batch};
use crate::Transform;
use crate::simplify::dce;

/// The marks of every output; those of input `wrt` become an input.
///
/// # Errors
/// `Internal` for an input that is not there.
pub fn sparsity(wrt: usize) -> impl Transform {
    move |graph: &Graph| {
        let mut b = Builder::extend(graph);
        let &x = graph
            .inputs()
            .get(wrt)
            .ok_or_else(|| Error::internal("marks of an input that is not there"))?;
        let marks = b.input("marks", Aval::new(DType::Bool, []));
        let aval = graph.aval(x).clone();
        let size = b.symbolic_first_axis(marks, &aval.shape);
        let mut spread = Spread {
            graph,
            size,
            marks: vec![None; graph.len()],
        };
        spread.marks[x.index()] = Some(marks);
        for id in graph.nodes() {
            if spread.marks[id.index()].is_none() {
                spread.marks[id.index()] = spread.node(&mut b, id)?;
            }
        }
        let mut outputs = Vec::with_capacity(graph.outputs().len());
        for &output in graph.outputs() {
            outputs.push(match spread.marks[output.index()] {
                Some(marks) => marks,
                None => spread.unmarked(&mut b, output, DType::Bool)?,
            });
        }
        b.set_origin(None);
        dce(&b.finish(outputs))
    }
}

/// The marks of each node so far.
struct Spread<'g> {
    graph: &'g Graph,
    /// How many marks there are.
    size: Dim,
    marks: Vec<Option<NodeId>>,
}

impl Spread<'_> {
    fn of(&self, id: NodeId) -> Option<NodeId> {
        self.marks[id.index()]
    }

    fn shape(&self, id: NodeId) -> Shape {
        let own = &self.graph.aval(id).shape;
        std::iter::once(&self.size).chain(own).cloned().collect()
    }

    fn unmarked(&self, b: &mut Builder, id: NodeId, dtype: DType) -> Result<NodeId> {
        b.full(0.0, dtype, self.shape(id))
    }

    fn node(&self, b: &mut Builder, id: NodeId) -> Result<Option<NodeId>> {
        let operands = self.graph.operands(id);
        let inexact = self.graph.aval(id).dtype.is_inexact();
        if !inexact || operands.iter().all(|&o| self.of(o).is_none()) {
            return Ok(None);
        }
        let op = self.graph.op(id);
        let marks = match op {
            Op::Elementwise(_) => self.any_operand(b, id)?,
            Op::Cast(_) | Op::Decide { .. } => return Ok(self.of(operands[0])),
            Op::Reshape(_)
            | Op::Transpose(_)
            | Op::BroadcastTo(_)
            | Op::Slice(_)
            | Op::Unslice { .. }
            | Op::Concatenate { .. }
            | Op::Gather { .. }
            | Op::Scatter {
                kind: Write::Set, ..
            }
            | Op::SliceWrite {
                kind: Write::Set, ..
            } => self.moved(b, id)?,
            Op::Scatter {
                kind: Write::Add, ..
            }
            | Op::SliceWrite {
                kind: Write::Add, ..
            }
            | Op::Cumulate { .. }
            | Op::Contract { .. } => self.counted(b, id)?,
            Op::Reduce { axes, .. } => {
                let axes: Axes = axes.iter().map(|axis| axis + 1).collect();
                let marks = self.required(operands[0])?;
                b.reduce(Reduction::Any, marks, axes)?
            }
            Op::Input
            | Op::Constant(_)
            | Op::Size(_)
            | Op::Iota { .. }
            | Op::ArgReduce { .. }
            | Op::ArgSort { .. }
            | Op::SearchSorted { .. }
            | Op::ArgWhere
            | Op::Arange => return Ok(None),
            Op::Part(_)
            | Op::Decompose(_)
            | Op::Solve(_)
            | Op::PseudoInverse
            | Op::Frechet(_)
            | Op::Fourier { .. }
            | Op::Loop(_)
            | Op::Cond(_)
            | Op::Custom(_)
            | Op::Pullback(_)
            | Op::Draw { .. }
            | Op::Call { .. } => self.all(b, id)?,
        };
        Ok(Some(marks))
    }

    fn required(&self, id: NodeId) -> Result<NodeId> {
        self.of(id)
            .ok_or_else(|| Error::internal("a node without marks"))
    }

    /// An element that is made of one element of each operand.
    fn any_operand(&self, b: &mut Builder, id: NodeId) -> Result<NodeId> {
        let rank = self.graph.aval(id).rank();
        let mut all: Option<NodeId> = None;
        for operand in self.graph.operands(id) {
            let Some(marks) = self.of(operand) else {
                continue;
            };
            let own = &self.graph.aval(operand).shape;
            let ones = vec![Dim::known(1); rank - own.len()];
            let shape = std::iter::once(&self.size).chain(&ones).chain(own);
            let marks = b.reshape(marks, shape.cloned().collect())?;
            all = Some(match all {
                Some(others) => b.elementwise(Elementwise::LogicalOr, &[others, marks])?,
                None => marks,
            });
        }
        let all = all.ok_or_else(|| Error::internal("a node without marks"))?;
        b.broadcast_to(all, self.shape(id))
    }

    /// The operation itself, done to marks: it moves elements.
    fn moved(&self, b: &mut Builder, id: NodeId) -> Result<NodeId> {
        let is_index = index_operands(self.graph.op(id));
        let mut operands = Vec::new();
        for (k, operand) in self.graph.operands(id).into_iter().enumerate() {
            operands.push(match self.of(operand) {
                _ if k >= is_index => Operand {
                    node: operand,
                    batched: false,
                },
                Some(node) => Operand {
                    node,
                    batched: true,
                },
                None => Operand {
                    node: self.unmarked(b, operand, DType::Bool)?,
                    batched: true,
                },
            });
        }
        batch(b, self.graph, id, &operands, &self.size)
    }

    /// The operation itself, done to counts of marks: it adds elements. Of a product the other factor is ones.
    fn counted(&self, b: &mut Builder, id: NodeId) -> Result<NodeId> {
        let is_index = index_operands(self.graph.op(id));
        let is_product = matches!(self.graph.op(id), Op::Contract { .. });
        let all = self.graph.operands(id);
        let mut total: Option<NodeId> = None;
        // One marked factor at a time.
        let rounds = if is_product { all.len() } else { 1 };
        for round in 0..rounds {
            if is_product && self.of(all[round]).is_none() {
                continue;
            }
            let mut operands = Vec::new();
            for (k, &operand) in all.iter().enumerate() {
                operands.push(if k >= is_index {
                    Operand {
                        node: operand,
                        batched: false,
                    }
                } else if is_product && k != round {
                    let shape = self.graph.aval(operand).shape.clone();
                    Operand {
                        node: b.full(1.0, DType::F64, shape)?,
                        batched: false,
                    }
                } else {
                    let node = match self.of(operand) {
                        Some(marks) => b.cast(marks, DType::F64)?,
                        None => self.unmarked(b, operand, DType::F64)?,
                    };
                    Operand {
                        node,
                        batched: true,
                    }
                });
            }
            let counts = match self.graph.op(id) {
                Op::Cumulate { axis, .. } => {
                    let kind = lazy_core::ops::Cumulation::Sum;
                    let axis = axis + 1;
                    b.add(Op::Cumulate { kind, axis }, &[operands[0].node])?
                }
                _ => batch(b, self.graph, id, &operands, &self.size)?,
            };
            let zero = b.float(0.0);
            let marks = b.elementwise(Elementwise::NotEqual, &[counts, zero])?;
            total = Some(match total {
                Some(others) => b.elementwise(Elementwise::LogicalOr, &[others, marks])?,
                None => marks,
            });
        }
        total.ok_or_else(|| Error::internal("a node without marks"))
    }

    /// Every element depends on every element of every operand.
    fn all(&self, b: &mut Builder, id: NodeId) -> Result<NodeId> {
        let mut any: Option<NodeId> = None;
        for operand in self.graph.operands(id) {
            let Some(marks) = self.of(operand) else {
                continue;
            };
            let axes: Axes = (1..=self.graph.aval(operand).rank()).collect();
            let marks = b.reduce(Reduction::Any, marks, axes)?;
            any = Some(match any {
                Some(others) => b.elementwise(Elementwise::LogicalOr, &[others, marks])?,
                None => marks,
            });
        }
        let any = any.ok_or_else(|| Error::internal("a node without marks"))?;
        let ones = vec![Dim::known(1); self.graph.aval(id).rank()];
        let column = std::iter::once(&self.size).chain(&ones).cloned().collect();
        let column = b.reshape(any, column)?;
        b.broadcast_to(column, self.shape(id))
    }
}

/// From which operand on an operation has indices.
fn index_operands(op: &Op) -> usize {
    if let Op::Gather { .. } = op {
        1
    } else if let Op::Scatter { .. } = op {
        2
    } else {
        usize::MAX
    }
}
