//! What the spelling of a node may rely on: who uses it, which sizes are equal, where sizes are found.
//!
//! In: a graph. Out: [`Facts`], computed once. `facts.is_private(sum)` says that `sum` may disappear
//! into the expression of its only user, as in `np.mean(x)` for `sum(x) / n`.

use crate::graph::{Aval, Dim, Equalities, Graph, NodeId};
use crate::ops::Op;

#[derive(Debug)]
pub struct Facts<'g> {
    pub graph: &'g Graph,
    /// How often a node that is needed uses each node; outputs count.
    users: Vec<u32>,
    /// Sizes that the assumptions say are others.
    equal: Equalities,
}

impl<'g> Facts<'g> {
    pub fn new(graph: &'g Graph) -> Facts<'g> {
        let mut users = vec![0; graph.len()];
        for &root in graph.outputs().iter().chain(graph.effects()) {
            users[root.index()] += 1;
        }
        for id in graph.nodes().rev() {
            if users[id.index()] > 0 {
                for operand in graph.operands(id) {
                    users[operand.index()] += 1;
                }
            }
        }
        let equal = graph.equalities();
        Facts {
            graph,
            users,
            equal,
        }
    }

    pub fn op(&self, id: NodeId) -> &'g Op {
        self.graph.op(id)
    }

    pub fn aval(&self, id: NodeId) -> &'g Aval {
        self.graph.aval(id)
    }

    /// The only operand of a node that has one.
    pub fn operand(&self, id: NodeId) -> NodeId {
        self.graph.operands(id).first().copied().unwrap_or(id)
    }

    /// Whether the node has no name and one use, so that nobody misses it if its user absorbs it.
    pub fn is_private(&self, id: NodeId) -> bool {
        self.users[id.index()] == 1
            && self.graph.node(id).name.is_none()
            && !self.graph.outputs().contains(&id)
    }

    /// Whether two sizes are the same, by form or by assumption.
    pub fn same(&self, a: &Dim, b: &Dim) -> bool {
        a == b || self.canonical(a) == self.canonical(b)
    }

    pub fn same_shape(&self, a: &[Dim], b: &[Dim]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same(a, b))
    }

    /// A size with the assumptions' equalities applied, for comparing polynomials.
    pub fn canonical(&self, dim: &Dim) -> Dim {
        self.equal.canonical(dim)
    }

    /// Whether arrays of these shapes broadcast to exactly `to`.
    pub fn broadcasts(&self, shapes: &[&[Dim]], to: &[Dim]) -> bool {
        if shapes.iter().any(|s| s.len() > to.len()) {
            return false;
        }
        (0..to.len()).all(|axis| {
            let mut sizes = shapes
                .iter()
                .filter_map(|s| Some(&s[(axis + s.len()).checked_sub(to.len())?]));
            let target = &to[axis];
            if target.is_one() {
                return sizes.all(Dim::is_one) && shapes.iter().any(|s| axis + s.len() >= to.len());
            }
            let mut found = false;
            sizes.all(|size| {
                let same = self.same(size, target);
                found |= same;
                same || size.is_one()
            }) && found
        })
    }

    /// An input with this shape and dtype, for `np.zeros_like(x)`.
    pub fn input_like(&self, aval: &Aval) -> Option<NodeId> {
        self.graph.inputs().iter().copied().find(|&input| {
            let found = self.aval(input);
            !found.weak
                && found.rank() > 0
                && found.dtype == aval.dtype
                && self.same_shape(&found.shape, &aval.shape)
        })
    }

    /// An input of this shape, for `x.shape`.
    pub fn input_shaped(&self, shape: &[Dim]) -> Option<NodeId> {
        let mut inputs = self.graph.inputs().iter().copied();
        inputs.find(|&input| self.same_shape(&self.aval(input).shape, shape))
    }
}
