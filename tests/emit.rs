//! How emitted source reads. That it computes the same is checked in `tests/python/test_emit.py`.

use lazy_core::emit::{Signature, emit};
use lazy_core::graph::{Aval, Builder, DType, Graph, NodeId};
use lazy_core::lift::numpy::{Arg, Form, Symbolic, call};
use lazy_transforms::Transform;
use lazy_transforms::autodiff::grad;
use lazy_transforms::simplify::standard;

/// Writes a function with NumPy's vocabulary, as the abstract machine would.
struct Writer(Builder);

impl Writer {
    fn new(name: &str) -> Writer {
        Writer(Builder::new(name))
    }

    fn array(&mut self, name: &str, sizes: &[usize]) -> Arg {
        arg(self.0.symbolic_input(name, DType::F64, sizes), Form::Array)
    }

    fn number(&mut self, name: &str) -> Arg {
        arg(self.0.input(name, Aval::weak(DType::F64)), Form::Python)
    }

    fn call(&mut self, name: &str, args: &[Arg], keywords: &[(&str, Arg)]) -> Arg {
        let keywords = keywords
            .iter()
            .map(|(k, v)| (k.to_string(), v.clone()))
            .collect();
        call(&mut self.0, name, args, &keywords)
            .expect("the call is right")
            .expect("the function is known")
    }

    fn np(&mut self, name: &str, args: &[Arg]) -> Arg {
        self.call(&format!("numpy.{name}"), args, &[])
    }

    fn op(&mut self, name: &str, a: &Arg, b: &Arg) -> Arg {
        self.call(&format!("operator.{name}"), &[a.clone(), b.clone()], &[])
    }

    fn item(&mut self, x: &Arg, start: i64, stop: Option<i64>) -> Arg {
        let stop = stop.map_or(Arg::None, Arg::Int);
        let start = if start == 0 {
            Arg::None
        } else {
            Arg::Int(start)
        };
        let slice = Arg::Slice(Box::new([start, stop, Arg::None]));
        self.op("getitem", x, &slice)
    }

    fn named(&mut self, name: &str, x: Arg) -> Arg {
        self.0.name(node(&x), name);
        x
    }

    fn returns(self, x: &Arg) -> Graph {
        self.0.finish(vec![node(x)])
    }
}

fn arg(node: NodeId, form: Form) -> Arg {
    Arg::Array(Symbolic { node, form })
}

fn node(x: &Arg) -> NodeId {
    match x {
        Arg::Array(symbolic) => symbolic.node,
        other => panic!("{other:?} is not a node"),
    }
}

fn source(graph: &Graph) -> String {
    emit(graph, &Signature::of(graph)).expect("it has a spelling")
}

fn body(graph: &Graph) -> String {
    let source = source(graph);
    let (_, body) = source.split_once("def ").expect("a function");
    body.to_owned()
}

/// `lam / 2 * w @ w + np.mean(np.maximum(0, 1 - y * (X @ w)))`
fn svm() -> Graph {
    let mut f = Writer::new("loss");
    let w = f.array("w", &[3]);
    let x = f.array("X", &[5, 3]);
    let y = f.array("y", &[5]);
    let lam = f.number("lam");
    let xw = f.op("matmul", &x, &w);
    let yxw = f.op("mul", &y, &xw);
    let slack = f.op("sub", &Arg::Int(1), &yxw);
    let slack = f.named("slack", slack);
    let hinge = f.np("maximum", &[Arg::Int(0), slack]);
    let mean = f.np("mean", &[hinge]);
    let half = f.op("truediv", &lam, &Arg::Int(2));
    let penalty = f.op("mul", &half, &w);
    let penalty = f.op("matmul", &penalty, &w);
    let loss = f.op("add", &penalty, &mean);
    f.returns(&loss)
}

/// `np.mean(np.log1p(np.exp(-y * (X @ w))))`
fn logistic() -> Graph {
    let mut f = Writer::new("loss");
    let w = f.array("w", &[3]);
    let x = f.array("X", &[5, 3]);
    let y = f.array("y", &[5]);
    let margin = f.op("matmul", &x, &w);
    let margin = f.op("mul", &y, &margin);
    let margin = f.call("operator.neg", &[margin], &[]);
    let e = f.np("exp", &[margin]);
    let e = f.np("log1p", &[e]);
    let loss = f.np("mean", &[e]);
    f.returns(&loss)
}

/// A perceptron of two layers: `np.mean((np.tanh(X @ W1 + b1) @ W2 + b2 - y) ** 2)`
fn perceptron() -> Graph {
    let mut f = Writer::new("loss");
    let w1 = f.array("W1", &[3, 4]);
    let b1 = f.array("b1", &[4]);
    let w2 = f.array("W2", &[4]);
    let b2 = f.number("b2");
    let x = f.array("X", &[5, 3]);
    let y = f.array("y", &[5]);
    let h = f.op("matmul", &x, &w1);
    let h = f.op("add", &h, &b1);
    let h = f.np("tanh", &[h]);
    let h = f.named("hidden", h);
    let out = f.op("matmul", &h, &w2);
    let out = f.op("add", &out, &b2);
    let residual = f.op("sub", &out, &y);
    let residual = f.named("residual", residual);
    let squared = f.op("pow", &residual, &Arg::Int(2));
    let loss = f.np("mean", &[squared]);
    f.returns(&loss)
}

/// Softmax cross-entropy with labels as indices.
fn softmax() -> Graph {
    let mut f = Writer::new("loss");
    let w = f.array("W", &[3, 4]);
    let x = f.array("X", &[5, 3]);
    let labels = f.0.symbolic_input("labels", DType::I64, &[5]);
    let labels = arg(labels, Form::Array);
    let scores = f.op("matmul", &x, &w);
    let scores = f.named("scores", scores);
    let keep = [("axis", Arg::Int(1)), ("keepdims", Arg::Bool(true))];
    let top = f.call("numpy.max", std::slice::from_ref(&scores), &keep);
    let shifted = f.op("sub", &scores, &top);
    let shifted = f.named("shifted", shifted);
    let e = f.np("exp", std::slice::from_ref(&shifted));
    let total = f.call("numpy.sum", &[e], &[("axis", Arg::Int(1))]);
    let log_total = f.np("log", &[total]);
    let rows = f.call("numpy.ndarray.shape", std::slice::from_ref(&x), &[]);
    let n = match rows {
        Arg::Tuple(sizes) => sizes[0].clone(),
        other => panic!("{other:?}"),
    };
    let rows = f.np("arange", &[n]);
    let picked = f.op("getitem", &shifted, &Arg::Tuple(vec![rows, labels]));
    let loss = f.op("sub", &log_total, &picked);
    let loss = f.np("mean", &[loss]);
    f.returns(&loss)
}

/// Rosenbrock's function with slices.
fn rosenbrock() -> Graph {
    let mut f = Writer::new("rosen");
    let x = f.array("x", &[6]);
    let head = f.item(&x, 0, Some(-1));
    let tail = f.item(&x, 1, None);
    let squared = f.op("pow", &head, &Arg::Float(2.0));
    let curve = f.op("sub", &tail, &squared);
    let curve = f.op("pow", &curve, &Arg::Float(2.0));
    let curve = f.op("mul", &Arg::Float(100.0), &curve);
    let slope = f.op("sub", &Arg::Int(1), &head);
    let slope = f.op("pow", &slope, &Arg::Float(2.0));
    let sum = f.op("add", &curve, &slope);
    let total = f.np("sum", &[sum]);
    f.returns(&total)
}

/// A Gaussian log-density.
fn gaussian() -> Graph {
    let mut f = Writer::new("logpdf");
    let mu = f.number("mu");
    let sigma = f.number("sigma");
    let x = f.array("x", &[7]);
    let z = f.op("sub", &x, &mu);
    let z = f.op("truediv", &z, &sigma);
    let z = f.named("z", z);
    let square = f.op("pow", &z, &Arg::Int(2));
    let half = f.op("mul", &Arg::Float(-0.5), &square);
    let log_sigma = f.np("log", &[sigma]);
    let density = f.op("sub", &half, &log_sigma);
    let density = f.op("sub", &density, &Arg::Float(0.9189385332046727));
    let total = f.np("sum", &[density]);
    f.returns(&total)
}

/// `grad`, simplified, as a person reads it.
fn gradient(graph: &Graph, wrt: &[usize]) -> String {
    let passes = grad(wrt.to_vec()).then(standard());
    body(&passes.apply(graph).expect("it is differentiable"))
}

#[test]
fn functions_read_as_they_were_written() {
    assert_eq!(
        source(&svm()),
        "\
import numpy as np


def loss(w, X, y, lam):
    slack = 1 - y * (X @ w)
    return lam / 2 * w @ w + np.mean(np.maximum(0, slack))
"
    );
    assert_eq!(
        body(&logistic()),
        "\
loss(w, X, y):
    return np.mean(np.log1p(np.exp(-y * (X @ w))))
"
    );
    assert_eq!(
        body(&perceptron()),
        "\
loss(W1, b1, W2, b2, X, y):
    hidden = np.tanh(X @ W1 + b1)
    residual = hidden @ W2 + b2 - y
    return np.mean(residual**2)
"
    );
    assert_eq!(
        body(&softmax()),
        "\
loss(W, X, labels):
    scores = X @ W
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log = np.log(np.sum(np.exp(shifted), axis=1))
    return np.mean(log - shifted[np.arange(X.shape[0]), labels])
"
    );
    assert_eq!(
        body(&rosenbrock()),
        "\
rosen(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0)
"
    );
    assert_eq!(
        body(&gaussian()),
        "\
logpdf(mu, sigma, x):
    z = (x - mu) / sigma
    return np.sum(-0.5 * z**2 - np.log(sigma) - 0.9189385332046727)
"
    );
}

/// Not pinned word by word, since simplification has its say: short, without leftovers of the machinery.
#[test]
fn gradients_are_short() {
    for (graph, lines) in [
        (svm(), 6),
        (logistic(), 5),
        (perceptron(), 7),
        (softmax(), 18),
        (rosenbrock(), 8),
        (gaussian(), 5),
    ] {
        let source = gradient(&graph, &[0]);
        assert!(source.lines().count() <= lines, "{source}");
        for leftover in ["broadcast_to", "np.float64(", "undefined", "* (1.0 /"] {
            assert!(!source.contains(leftover), "{leftover} in\n{source}");
        }
    }
}
