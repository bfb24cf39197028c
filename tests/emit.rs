//! Laws of the emitter. Values are compared in `tests/python/test_emit.py`; here is the form.

use lazy_core::emit::{Signature, emit};
use lazy_core::graph::{Aval, Builder, DType, NodeId};
use lazy_core::ops::{Elementwise as E, Op, Reduction};

fn svm() -> (Builder, NodeId) {
    let mut b = Builder::new("loss");
    let w = b.symbolic_input("w", DType::F64, &[3]);
    let x = b.symbolic_input("X", DType::F64, &[5, 3]);
    let y = b.symbolic_input("y", DType::F64, &[5]);
    let lam = b.input("lam", Aval::weak(DType::F64));
    let xw = b
        .add(
            Op::Contract {
                batch: Default::default(),
                contract: [(1, 0)].into_iter().collect(),
            },
            &[x, w],
        )
        .unwrap();
    let yxw = b.elementwise(E::Multiply, &[y, xw]).unwrap();
    let one = b.int(1);
    let slack = b.elementwise(E::Subtract, &[one, yxw]).unwrap();
    let zero = b.int(0);
    let hinge = b.elementwise(E::Maximum, &[zero, slack]).unwrap();
    let total = b
        .reduce(Reduction::Sum, hinge, [0].into_iter().collect())
        .unwrap();
    let n = b.aval(y).shape[0].clone();
    let n = b.size(n);
    let mean = b.elementwise(E::Divide, &[total, n]).unwrap();
    let ww = b
        .add(
            Op::Contract {
                batch: Default::default(),
                contract: [(0, 0)].into_iter().collect(),
            },
            &[w, w],
        )
        .unwrap();
    let two = b.int(2);
    let half = b.elementwise(E::Divide, &[lam, two]).unwrap();
    let penalty = b.elementwise(E::Multiply, &[half, ww]).unwrap();
    let loss = b.elementwise(E::Add, &[penalty, mean]).unwrap();
    (b, loss)
}

#[test]
fn hinge_loss_reads_as_it_was_written() {
    let (b, loss) = svm();
    let graph = b.finish(vec![loss]);
    assert_eq!(
        emit(&graph, &Signature::of(&graph)).unwrap(),
        "\
import numpy as np


def loss(w, X, y, lam):
    return lam / 2 * (w @ w) + np.mean(np.maximum(0, 1 - y * (X @ w)))
"
    );
}
