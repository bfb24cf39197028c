//! Decompositions and linear systems: `numpy.linalg`, and `scipy.linalg` where NumPy has no word.
//!
//! ```text
//! solve(%0, %1) of a column                    np.linalg.solve(A, b)
//! eigh(%0), of which both results are read     w, v = np.linalg.eigh(A)
//! ```

use rustpython_ast::{Expr, Operator};

use super::Speller;
use crate::emit::syntax::{
    apply, attribute, binary, boolean, call, dotted, ellipsis, index, int, list, none, slice,
    string, subscript,
};
use crate::graph::NodeId;
use crate::ops::Op;
use crate::ops::decompose::{Decomposition, MatrixFunction, System, Triangle};

impl Speller<'_, '_> {
    /// The result, or the tuple of all results.
    pub fn decompose(&mut self, id: NodeId, kind: Decomposition) -> Expr {
        use Decomposition::*;
        let matrix = self.facts.operand(id);
        let a = self.value(matrix);
        let numpy = |name: &str| call(&format!("np.linalg.{name}"), [a.clone()], []);
        let with = |name: &str, key, value| {
            call(&format!("np.linalg.{name}"), [a.clone()], [(key, value)])
        };
        match kind {
            Inverse | Determinant | SignLogDet | Cholesky | Qr | Eig | Eigenvalues => {
                numpy(kind.name())
            }
            SingularValues => with("svd", "compute_uv", boolean(false)),
            Svd => with("svd", "full_matrices", boolean(false)),
            SvdFull => numpy("svd"),
            QrComplete => with("qr", "mode", string("complete")),
            Eigh(Triangle::Lower) | EigenvaluesOfHermitian(Triangle::Lower) => numpy(kind.name()),
            Eigh(Triangle::Upper) | EigenvaluesOfHermitian(Triangle::Upper) => {
                with(kind.name(), "UPLO", string("U"))
            }
            Adjugate => {
                let det = match self.facts.aval(matrix).rank() {
                    2 => numpy("det"),
                    _ => subscript(numpy("det"), index(vec![ellipsis(), none(), none()])),
                };
                binary(Operator::Mult, det, numpy("inv"))
            }
            Lu => {
                self.names.needs_scipy("linalg");
                call("linalg.lu_factor", [a], [])
            }
            Function(f) => {
                self.names.needs_scipy("linalg");
                call(&format!("linalg.{}", f.name()), [a], [])
            }
        }
    }

    /// A result that is not an item of the tuple.
    pub fn part_apart(&mut self, id: NodeId, k: usize) -> Option<Expr> {
        let (Op::Decompose(Decomposition::Lu), 2) = (self.facts.op(id), k) else {
            return None;
        };
        let a = self.value(self.facts.operand(id));
        self.names.needs_scipy("linalg");
        let factors = call("linalg.lu", [a], [("p_indices", boolean(true))]);
        Some(call("np.argsort", [subscript(factors, int(0))], []))
    }

    pub fn solve(&mut self, id: NodeId, system: System) -> Expr {
        let operands = self.facts.graph.operands(id);
        self.system(operands[0], operands[1], system)
    }

    fn system(&mut self, a: NodeId, rhs: NodeId, system: System) -> Expr {
        let (a, rhs) = (self.value(a), self.value(rhs));
        let System::Triangular { triangle, unit } = system else {
            return call("np.linalg.solve", [a, rhs], []);
        };
        self.names.needs_scipy("linalg");
        let mut keywords = vec![];
        if triangle == Triangle::Lower {
            keywords.push(("lower", boolean(true)));
        }
        if unit {
            keywords.push(("unit_diagonal", boolean(true)));
        }
        apply(dotted("linalg.solve_triangular"), [a, rhs], keywords)
    }

    /// `np.linalg.solve(A, b)` for a vector that became a column and a vector again.
    pub fn solution_vector(&mut self, id: NodeId) -> Option<Expr> {
        let solution = self.facts.operand(id);
        let &Op::Solve(system) = self.facts.op(solution) else {
            return None;
        };
        let operands = self.facts.graph.operands(solution);
        let column = operands[1];
        let vector = self.facts.operand(column);
        let is_column = matches!(self.facts.op(column), Op::Reshape(_))
            && self.facts.aval(operands[0]).rank() == 2
            && self.facts.aval(vector).rank() == 1
            && self.facts.aval(id).rank() == 1
            && self.facts.is_private(solution);
        is_column.then(|| self.system(operands[0], vector, system))
    }

    pub fn pseudo_inverse(&mut self, id: NodeId) -> Expr {
        let operands = self.facts.graph.operands(id);
        let (a, rcond) = (self.value(operands[0]), self.value(operands[1]));
        call("np.linalg.pinv", [a, rcond], [])
    }

    pub fn frechet(&mut self, id: NodeId, f: MatrixFunction) -> Expr {
        let operands = self.facts.graph.operands(id);
        let (a, direction) = (self.value(operands[0]), self.value(operands[1]));
        self.names.needs_scipy("linalg");
        let name = format!("linalg.{}", f.name());
        if f == MatrixFunction::Exp {
            let name = format!("{name}_frechet");
            return call(&name, [a, direction], [("compute_expm", boolean(false))]);
        }
        // SciPy has no other derivative: the corner of the function of [[a, e], [0, a]].
        let size = subscript(attribute(a.clone(), "shape"), int(-1));
        let zeros = call("np.zeros_like", [a.clone()], []);
        let rows = [vec![a.clone(), direction], vec![zeros, a]];
        let whole = call("np.block", [list(rows.map(list).to_vec())], []);
        let corner = [
            ellipsis(),
            slice(None, Some(size.clone()), None),
            slice(Some(size), None, None),
        ];
        subscript(call(&name, [whole], []), index(corner.to_vec()))
    }
}
