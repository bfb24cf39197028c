//! Laws of the derivatives, over every operation and over whole programs.
//!
//! In: a graph and a point. Checked: the tangent is what a difference quotient says; the cotangent
//! pairs with it, `<c, J t> = <J^T c, t>`; and the graph that computes cotangents obeys both laws
//! again, which covers second derivatives.
//!
//! ```text
//! y = exp(x)    (exp(x + h*t) - exp(x - h*t)) / 2h  ==  jvp
//! ```

use lazy_core::error::{ErrorKind, Result};
use lazy_core::eval::Executable;
use lazy_core::eval::value::Value;
use lazy_core::graph::{Aval, Builder, DType, Dim, Graph, NodeId, Shape};
use lazy_core::ops::decompose::{Decomposition, MatrixFunction, System, Triangle};
use lazy_core::ops::elementwise::Partial;
use lazy_core::ops::matrix;
use lazy_core::ops::{
    Axes, Cumulation, Elementwise, Extreme, Fourier, Op, Range, Reduction, Write,
};
use lazy_transforms::Transform;
use lazy_transforms::autodiff::{
    grad, hessian, hvp, jacfwd, jacrev, jvp, value_and_grad, vjp, vmap,
};
use lazy_transforms::simplify;
use num_complex::Complex64;
use smallvec::{SmallVec, smallvec};

/// A stream of numbers that is the same on every run.
struct Numbers(u64);

impl Numbers {
    fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn within(&mut self, range: &std::ops::Range<f64>) -> f64 {
        range.start + (range.end - range.start) * self.unit()
    }

    fn array(&mut self, shape: &[usize], range: std::ops::Range<f64>) -> Value {
        let values: Vec<f64> = (0..shape.iter().product::<usize>())
            .map(|_| self.within(&range))
            .collect();
        Value::from_slice(&values, shape)
    }

    fn like(&mut self, value: &Value) -> Value {
        self.array(&value.shape, -1.0..1.0)
    }
}

fn run(graph: &Graph, inputs: &[Value]) -> Vec<Value> {
    Executable::new(graph)
        .and_then(|e| e.run_values(inputs))
        .unwrap_or_else(|error| panic!("{error}\n{graph}"))
}

fn apply(transform: impl Transform, graph: &Graph) -> Graph {
    transform
        .apply(graph)
        .unwrap_or_else(|error| panic!("{error}\n{graph}"))
}

fn dot(a: &[Value], b: &[Value]) -> f64 {
    let pair = |(a, b): (&Value, &Value)| -> f64 {
        assert_eq!(a.shape, b.shape);
        a.as_slice::<f64>()
            .iter()
            .zip(b.as_slice::<f64>())
            .map(|(x, y)| x * y)
            .sum()
    };
    a.iter().zip(b).map(pair).sum()
}

fn moved(x: &[Value], wrt: &[usize], tangents: &[Value], h: f64) -> Vec<Value> {
    let mut out = x.to_vec();
    for (&i, t) in wrt.iter().zip(tangents) {
        for (v, t) in out[i]
            .as_mut_slice::<f64>()
            .iter_mut()
            .zip(t.as_slice::<f64>())
        {
            *v += h * t;
        }
    }
    out
}

fn close(what: &str, graph: &Graph, got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}\n{graph}");
    let scale = expected.iter().fold(1.0f64, |m, e| m.max(e.abs()));
    for (g, e) in got.iter().zip(expected) {
        assert!(
            (g - e).abs() <= tolerance * scale,
            "{what}: {got:?} is not {expected:?}\n{graph}"
        );
    }
}

/// The tangent against a central difference, extrapolated once (error of order h^4).
fn tangent_is_slope(graph: &Graph, x: &[Value], wrt: &[usize], numbers: &mut Numbers) {
    let tangents: Vec<Value> = wrt.iter().map(|&i| numbers.like(&x[i])).collect();
    let pushed = apply(jvp(wrt.to_vec()), graph);
    let got = run(&pushed, &[x, &tangents].concat());
    let n = graph.outputs().len();
    let quotient = |h: f64| -> Vec<Vec<f64>> {
        let up = run(graph, &moved(x, wrt, &tangents, h));
        let down = run(graph, &moved(x, wrt, &tangents, -h));
        up.iter()
            .zip(&down)
            .map(|(u, d)| {
                let pairs = u.as_slice::<f64>().iter().zip(d.as_slice::<f64>());
                pairs.map(|(u, d)| (u - d) / (2.0 * h)).collect()
            })
            .collect()
    };
    let (coarse, fine) = (quotient(2e-3), quotient(1e-3));
    for (i, (coarse, fine)) in coarse.iter().zip(&fine).enumerate() {
        let expected: Vec<f64> = coarse
            .iter()
            .zip(fine)
            .map(|(c, f)| (4.0 * f - c) / 3.0)
            .collect();
        close("tangent", &pushed, got[n + i].as_slice(), &expected, 1e-7);
    }
}

/// `<c, J t> = <J^T c, t>`.
fn cotangent_pairs(graph: &Graph, x: &[Value], wrt: &[usize], numbers: &mut Numbers) -> Graph {
    let tangents: Vec<Value> = wrt.iter().map(|&i| numbers.like(&x[i])).collect();
    let pushed = apply(jvp(wrt.to_vec()), graph);
    let pulled = apply(vjp(wrt.to_vec()), graph);
    let forward = run(&pushed, &[x, &tangents].concat());
    let n = graph.outputs().len();
    let cotangents: Vec<Value> = forward[..n].iter().map(|o| numbers.like(o)).collect();
    let reverse = run(&pulled, &[x, &cotangents].concat());
    let (a, b) = (
        dot(&cotangents, &forward[n..]),
        dot(&reverse[n..], &tangents),
    );
    close("pairing", &pulled, &[b], &[a], 1e-10);
    for (r, &i) in reverse[n..].iter().zip(wrt) {
        assert_eq!(r.shape, x[i].shape, "\n{pulled}");
    }
    pulled
}

/// Both laws, and both of the graph of cotangents, and the simplified graph's agreement.
fn laws(graph: &Graph, x: &[Value], wrt: &[usize]) {
    let mut numbers = Numbers(7);
    tangent_is_slope(graph, x, wrt, &mut numbers);
    let pulled = cotangent_pairs(graph, x, wrt, &mut numbers);
    let n = graph.outputs().len();
    let outputs = run(graph, x);
    let cotangents: Vec<Value> = outputs.iter().map(|o| numbers.like(o)).collect();
    let point = [x, &cotangents].concat();
    let simplified = apply(simplify::standard(), &pulled);
    for (a, b) in run(&pulled, &point).iter().zip(run(&simplified, &point)) {
        close("simplified", &simplified, b.as_slice(), a.as_slice(), 1e-12);
    }
    maps(graph, x);
    let outputs = pulled.outputs()[n..].to_vec();
    let second = Builder::extend(&pulled).finish(outputs);
    tangent_is_slope(&second, &point, wrt, &mut numbers);
    let _ = cotangent_pairs(&second, &point, wrt, &mut numbers);
}

/// `count` values in a row along a new axis, each a little different; indices and bools repeat.
fn stacked(value: &Value, count: usize, axis: usize, numbers: &mut Numbers) -> (Value, Vec<Value>) {
    let singles: Vec<Value> = (0..count)
        .map(|_| {
            let mut one = value.clone();
            if value.dtype == DType::F64 {
                for v in one.as_mut_slice::<f64>() {
                    *v += 1e-3 * numbers.unit();
                }
            }
            one
        })
        .collect();
    let mut b = Builder::new("stack");
    let parts: Vec<NodeId> = singles
        .iter()
        .map(|one| {
            let shape = one.shape.iter().map(|&n| Dim::from(n));
            let mut longer: Shape = shape.clone().collect();
            longer.insert(axis, Dim::known(1));
            let x = b.input("x", Aval::new(one.dtype, shape));
            b.reshape(x, longer).expect("reshapes")
        })
        .collect();
    let whole = b.add(Op::Concatenate { axis }, &parts).expect("joins");
    let whole = run(&b.finish(vec![whole]), &singles).remove(0);
    (whole, singles)
}

/// Mapping over any of the inputs is calling one by one.
fn maps(graph: &Graph, x: &[Value]) {
    const COUNT: usize = 3;
    let mut numbers = Numbers(13);
    for subset in 1..1usize << x.len() {
        let mut point = x.to_vec();
        let mut one_by_one = vec![x.to_vec(); COUNT];
        let mut in_axes = vec![None; x.len()];
        for i in (0..x.len()).filter(|i| subset >> i & 1 == 1) {
            let axis = x[i].shape.len().min(i % 2);
            let (whole, singles) = stacked(&x[i], COUNT, axis, &mut numbers);
            point[i] = whole;
            in_axes[i] = Some(axis);
            for (k, single) in singles.into_iter().enumerate() {
                one_by_one[k][i] = single;
            }
        }
        let mapped = match vmap(in_axes).apply(graph) {
            Ok(mapped) => mapped,
            Err(error) if matches!(error.kind, ErrorKind::Unlifted { .. }) => continue,
            Err(error) => panic!("{error}\n{graph}"),
        };
        let got = run(&mapped, &point);
        for (k, x) in one_by_one.iter().enumerate() {
            for (whole, one) in got.iter().zip(run(graph, x)) {
                let n = one.len();
                let part = &whole.as_slice::<f64>()[k * n..(k + 1) * n];
                close("vmap", &mapped, part, one.as_slice(), 1e-12);
            }
        }
    }
}

/// A graph of symbolic inputs of the shapes of `x`.
fn program(
    x: &[Value],
    build: impl FnOnce(&mut Builder, &[NodeId]) -> Result<Vec<NodeId>>,
) -> Graph {
    let mut b = Builder::new("f");
    let inputs: Vec<NodeId> = x
        .iter()
        .zip(["x", "y", "z", "u", "v", "w"])
        .map(|(value, name)| b.symbolic_input(name, value.dtype, &value.shape))
        .collect();
    let outputs = build(&mut b, &inputs).unwrap_or_else(|error| panic!("{error}"));
    b.finish(outputs)
}

#[test]
fn elementwise_operations() {
    for &op in Elementwise::ALL {
        let domain = op.def().domain;
        let shapes: &[&[&[usize]]] = match op.arity() {
            1 => &[&[&[3]], &[&[]]],
            2 => &[&[&[3], &[3]], &[&[2, 1], &[3]], &[&[], &[2, 2]]],
            _ => &[&[&[3], &[3], &[3]], &[&[3], &[2, 1], &[]]],
        };
        for &shapes in shapes {
            let mut numbers = Numbers(op as u64 + 1);
            let mut x: Vec<Value> = shapes
                .iter()
                .zip(domain)
                .map(|(shape, range)| numbers.array(shape, range.clone()))
                .collect();
            let floats: Vec<usize> = match op {
                Elementwise::Where => vec![1, 2],
                Elementwise::Ldexp => vec![0],
                Elementwise::Polygamma => vec![1],
                _ => (0..op.arity()).collect(),
            };
            let avals: Vec<Aval> = x
                .iter()
                .map(|v| Aval::new(DType::F64, v.shape.iter().map(|&n| Dim::from(n))))
                .collect();
            if op != Elementwise::Ldexp
                && !op
                    .result_dtype(&avals.iter().collect::<Vec<_>>())
                    .is_ok_and(|r| r.out == DType::F64)
            {
                continue;
            }
            for (i, value) in x.iter_mut().enumerate() {
                if !floats.contains(&i) {
                    let whole: Vec<i64> = value
                        .as_slice::<f64>()
                        .iter()
                        .map(|v| v.round() as i64)
                        .collect();
                    *value = match op {
                        Elementwise::Where => Value::from_slice(
                            &whole.iter().map(|v| v % 2 == 0).collect::<Vec<_>>(),
                            &value.shape,
                        ),
                        _ => Value::from_slice(&whole, &value.shape),
                    };
                }
            }
            let graph = program(&x, |b, x| Ok(vec![b.elementwise(op, x)?]));
            let refused = {
                let mut b = Builder::extend(&graph);
                let out = graph.outputs()[0];
                floats.iter().any(|&i| {
                    matches!(
                        op.partial(&mut b, graph.inputs(), out, i),
                        Ok(Partial::NotDifferentiable(_))
                    )
                })
            };
            if refused {
                let error = jvp(floats).apply(&graph).expect_err("refused");
                assert!(
                    matches!(error.kind, ErrorKind::NotDifferentiable { .. }),
                    "{op:?}"
                );
                continue;
            }
            laws(&graph, &x, &floats);
        }
    }
}

fn known(sizes: &[i64]) -> Shape {
    sizes.iter().map(|&n| Dim::known(n)).collect()
}

fn range(start: i64, size: i64, step: i64) -> Range {
    Range {
        start: Dim::known(start),
        size: Dim::known(size),
        step,
    }
}

/// The law for one operation on arrays of these shapes, all floats.
fn structural(shapes: &[&[usize]], op: Op) {
    let mut numbers = Numbers(3);
    let x: Vec<Value> = shapes.iter().map(|s| numbers.array(s, -2.0..2.0)).collect();
    let wrt: Vec<usize> = (0..x.len()).collect();
    // Squared, so that the second derivative is not zero.
    let graph = program(&x, |b, x| {
        let y = b.add(op, x)?;
        Ok(vec![b.elementwise(Elementwise::Square, &[y])?])
    });
    laws(&graph, &x, &wrt);
}

#[test]
fn shapes_move_tangents() {
    let n = Dim::symbol(lazy_core::graph::Symbol(0));
    structural(
        &[&[4, 3]],
        Op::Reshape(smallvec![
            n.clone() * Dim::symbol(lazy_core::graph::Symbol(1))
        ]),
    );
    structural(&[&[4, 3, 2]], Op::Transpose(smallvec![2, 0, 1]));
    structural(
        &[&[3, 1]],
        Op::BroadcastTo(smallvec![Dim::known(2), n.clone(), Dim::known(4)]),
    );
    structural(&[&[]], Op::BroadcastTo(known(&[2, 3])));
    structural(
        &[&[6, 3]],
        Op::Slice(smallvec![range(5, 3, -2), range(1, 2, 1)]),
    );
    structural(
        &[&[3]],
        Op::Unslice {
            shape: known(&[7]),
            ranges: smallvec![range(6, 3, -2)],
        },
    );
    structural(&[&[2, 3], &[2, 1], &[2, 4]], Op::Concatenate { axis: 1 });
}

#[test]
fn reductions_and_scans() {
    for kind in [
        Reduction::Sum,
        Reduction::Prod,
        Reduction::Min,
        Reduction::Max,
    ] {
        for (shape, axes) in [
            (&[4][..], &[0][..]),
            (&[2, 3, 4], &[1]),
            (&[2, 3, 4], &[0, 2]),
            (&[3, 4], &[0]),
        ] {
            structural(
                &[shape],
                Op::Reduce {
                    kind,
                    axes: axes.into(),
                },
            );
        }
    }
    for kind in [Cumulation::Sum, Cumulation::Prod] {
        for axis in [0, 1] {
            structural(&[&[3, 4]], Op::Cumulate { kind, axis });
        }
    }
}

#[test]
fn products_of_arrays() {
    let contract = |batch: &[(usize, usize)], contract: &[(usize, usize)]| Op::Contract {
        batch: batch.into(),
        contract: contract.into(),
    };
    structural(&[&[3], &[3]], contract(&[], &[(0, 0)]));
    structural(&[&[2, 3], &[3]], contract(&[], &[(1, 0)]));
    structural(&[&[3], &[3, 2]], contract(&[], &[(0, 0)]));
    structural(&[&[2, 3], &[4, 3]], contract(&[], &[(1, 1)]));
    structural(&[&[2], &[3]], contract(&[], &[]));
    structural(&[&[5, 2, 3], &[3, 5, 4]], contract(&[(0, 1)], &[(2, 0)]));
    structural(
        &[&[2, 3, 4], &[4, 5, 2, 3]],
        contract(&[], &[(2, 0), (1, 3)]),
    );
    structural(
        &[&[2, 3, 4, 5], &[5, 4, 3, 6]],
        contract(&[(1, 2)], &[(3, 0), (2, 1)]),
    );
}

#[test]
fn a_vector_with_itself() {
    let x = [
        Numbers(5).array(&[4], -1.0..1.0),
        Numbers(6).array(&[4, 4], -1.0..1.0),
    ];
    let graph = program(&x, |b, x| {
        let op = Op::Contract {
            batch: smallvec![],
            contract: smallvec![(0, 0)],
        };
        let vector = b.add(op.clone(), &[x[0], x[0]])?;
        let gram = b.add(op, &[x[1], x[1]])?;
        let square = b.elementwise(Elementwise::Multiply, &[x[0], x[0]])?;
        Ok(vec![vector, gram, square])
    });
    laws(&graph, &x, &[0, 1]);
}

fn indices(values: &[i64], shape: &[usize]) -> Value {
    Value::from_slice(values, shape)
}

#[test]
fn reads_and_writes_at_indices() {
    let square = |b: &mut Builder, y| b.elementwise(Elementwise::Square, &[y]);
    for (axes, at, index) in [
        (&[0][..], 0, vec![indices(&[2, 0, 2, -1], &[4])]),
        (&[1], 1, vec![indices(&[1, 1, 0, 2], &[2, 2])]),
        (
            &[0, 2],
            0,
            vec![indices(&[1, 1, 0], &[3]), indices(&[0, 0, 1], &[3])],
        ),
        (
            &[0, 2],
            1,
            vec![indices(&[1, 0], &[2, 1]), indices(&[0, 3, 1], &[3])],
        ),
    ] {
        let mut numbers = Numbers(9);
        let array = numbers.array(&[3, 3, 4], -2.0..2.0);
        let gather = Op::Gather {
            axes: axes.into(),
            at,
        };
        let x = [vec![array.clone()], index.clone()].concat();
        let graph = program(&x, |b, x| {
            let y = b.add(gather.clone(), x)?;
            Ok(vec![square(b, y)?])
        });
        laws(&graph, &x, &[0]);
        let slots = run(&graph, &x)[0].shape.clone();
        for kind in [Write::Set, Write::Add] {
            for shape in [&slots[..], &slots[slots.len() - 1..], &[]] {
                let scatter = Op::Scatter {
                    kind,
                    axes: axes.into(),
                    at,
                };
                let values = numbers.array(shape, -2.0..2.0);
                let x = [vec![array.clone(), values], index.clone()].concat();
                let graph = program(&x, |b, x| {
                    let y = b.add(scatter, x)?;
                    Ok(vec![square(b, y)?])
                });
                for wrt in [&[0, 1][..], &[0], &[1]] {
                    laws(&graph, &x, wrt);
                }
            }
        }
    }
}

#[test]
fn writes_to_slices() {
    for kind in [Write::Set, Write::Add] {
        for shape in [&[2, 3][..], &[3], &[2, 1], &[]] {
            let mut numbers = Numbers(11);
            let x = [
                numbers.array(&[5, 3], -2.0..2.0),
                numbers.array(shape, -2.0..2.0),
            ];
            let ranges: SmallVec<[Range; 4]> = smallvec![range(3, 2, -2), range(0, 3, 1)];
            let graph = program(&x, |b, x| {
                let y = b.add(Op::SliceWrite { kind, ranges }, x)?;
                Ok(vec![b.elementwise(Elementwise::Square, &[y])?])
            });
            for wrt in [&[0, 1][..], &[0], &[1]] {
                laws(&graph, &x, wrt);
            }
        }
    }
}

#[test]
fn products_with_zeros() {
    for zeros in [&[1][..], &[0, 2], &[]] {
        let mut values = vec![2.0, -3.0, 0.5, 4.0];
        for &z in zeros {
            values[z] = 0.0;
        }
        let x = [Value::from_slice(&values, &[4])];
        for op in [
            Op::Reduce {
                kind: Reduction::Prod,
                axes: smallvec![0],
            },
            Op::Cumulate {
                kind: Cumulation::Prod,
                axis: 0,
            },
        ] {
            let graph = program(&x, |b, x| Ok(vec![b.add(op.clone(), x)?]));
            if zeros.len() < 2 {
                laws(&graph, &x, &[0]);
            }
            let mut numbers = Numbers(1);
            tangent_is_slope(&graph, &x, &[0], &mut numbers);
            let _ = cotangent_pairs(&graph, &x, &[0], &mut numbers);
        }
    }
}

#[test]
fn ties_are_shared() {
    let x = [Value::from_slice(&[1.0, 3.0, 3.0, 2.0], &[4])];
    let graph = program(&x, |b, x| {
        Ok(vec![b.reduce(Reduction::Max, x[0], smallvec![0])?])
    });
    let slope = run(&apply(grad(vec![0]), &graph), &x);
    assert_eq!(slope[0].as_slice::<f64>(), [0.0, 0.5, 0.5, 0.0]);
}

#[test]
fn positions_have_no_tangent() {
    let x = [Numbers(2).array(&[5], -1.0..1.0)];
    let graph = program(&x, |b, x| {
        let order = b.add(Op::ArgSort { axis: 0 }, x)?;
        let sorted = b.add(
            Op::Gather {
                axes: smallvec![0],
                at: 0,
            },
            &[x[0], order],
        )?;
        let best = b.add(
            Op::ArgReduce {
                kind: Extreme::Max,
                axis: 0,
            },
            x,
        )?;
        let top = b.add(
            Op::Gather {
                axes: smallvec![0],
                at: 0,
            },
            &[x[0], best],
        )?;
        let zero = b.float(0.0);
        let positive = b.elementwise(Elementwise::Greater, &[x[0], zero])?;
        let places = b.add(Op::ArgWhere, &[positive])?;
        let count = b.aval(places).shape[0].clone();
        let ranges = smallvec![Range::full(count.clone()), range(0, 1, 1)];
        let column = b.add(Op::Slice(ranges), &[places])?;
        let index = b.reshape(column, smallvec![count])?;
        let chosen = b.add(
            Op::Gather {
                axes: smallvec![0],
                at: 0,
            },
            &[x[0], index],
        )?;
        let weights = b.elementwise(Elementwise::Sin, &[sorted])?;
        let chosen = b.elementwise(Elementwise::Exp, &[chosen])?;
        let written = b.add(
            Op::Scatter {
                kind: Write::Set,
                axes: smallvec![0],
                at: 0,
            },
            &[x[0], chosen, index],
        )?;
        Ok(vec![
            b.elementwise(Elementwise::Multiply, &[weights, top])?,
            written,
        ])
    });
    laws(&graph, &x, &[0]);
}

// Programs.

use Elementwise::{Add, Divide, Exp, Log, Log1p, Maximum, Multiply, Negative, Subtract, Tanh};

fn matmul(b: &mut Builder, x: NodeId, y: NodeId) -> Result<NodeId> {
    let contract = smallvec![(b.aval(x).rank() - 1, 0)];
    b.add(
        Op::Contract {
            batch: smallvec![],
            contract,
        },
        &[x, y],
    )
}

fn total(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    let axes: Axes = (0..b.aval(x).rank()).collect();
    b.reduce(Reduction::Sum, x, axes)
}

fn mean(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    let sum = total(b, x)?;
    let count = b.aval(x).size();
    let count = b.size(count);
    b.elementwise(Divide, &[sum, count])
}

/// `lam / 2 * w @ w + mean(maximum(0, 1 - y * (X @ w)))`
fn svm() -> (Graph, Vec<Value>, Vec<usize>) {
    let mut numbers = Numbers(21);
    let labels: Vec<f64> = (0..8)
        .map(|i| if i % 3 == 0 { 1.0 } else { -1.0 })
        .collect();
    let x = vec![
        numbers.array(&[3], -1.0..1.0),
        numbers.array(&[8, 3], -1.0..1.0),
        Value::from_slice(&labels, &[8]),
    ];
    let mut b = Builder::new("svm");
    let [w, data, y] = [
        b.symbolic_input("w", DType::F64, &[3]),
        b.symbolic_input("X", DType::F64, &[8, 3]),
        b.symbolic_input("y", DType::F64, &[8]),
    ];
    let build = |b: &mut Builder| -> Result<NodeId> {
        let half = b.float(0.05);
        let scaled = b.elementwise(Multiply, &[half, w])?;
        let penalty = matmul(b, scaled, w)?;
        let scores = matmul(b, data, w)?;
        let margins = b.elementwise(Multiply, &[y, scores])?;
        b.name(margins, "margins");
        let (one, zero) = (b.int(1), b.int(0));
        let slack = b.elementwise(Subtract, &[one, margins])?;
        let hinge = b.elementwise(Maximum, &[zero, slack])?;
        let hinge = mean(b, hinge)?;
        b.elementwise(Add, &[penalty, hinge])
    };
    let loss = build(&mut b).expect("builds");
    (b.finish(vec![loss]), x, vec![0])
}

/// `sum(log1p(exp(-y * (X @ w))))`
fn logistic() -> (Graph, Vec<Value>, Vec<usize>) {
    let mut numbers = Numbers(22);
    let x = vec![
        numbers.array(&[3], -1.0..1.0),
        numbers.array(&[6, 3], -1.0..1.0),
        numbers.array(&[6], -1.0..1.0),
    ];
    let graph = program(&x, |b, x| {
        let scores = matmul(b, x[1], x[0])?;
        let negative = b.elementwise(Negative, &[x[2]])?;
        let z = b.elementwise(Multiply, &[negative, scores])?;
        let e = b.elementwise(Exp, &[z])?;
        let l = b.elementwise(Log1p, &[e])?;
        Ok(vec![total(b, l)?])
    });
    (graph, x, vec![0])
}

/// `mean((tanh(X @ W1 + b1) @ W2 + b2)**2)`
fn perceptron() -> (Graph, Vec<Value>, Vec<usize>) {
    let mut numbers = Numbers(23);
    let shapes: [&[usize]; 5] = [&[5, 3], &[3, 4], &[4], &[4, 2], &[2]];
    let x: Vec<Value> = shapes.iter().map(|s| numbers.array(s, -1.0..1.0)).collect();
    let graph = program(&x, |b, x| {
        let hidden = matmul(b, x[0], x[1])?;
        let hidden = b.elementwise(Add, &[hidden, x[2]])?;
        let hidden = b.elementwise(Tanh, &[hidden])?;
        let out = matmul(b, hidden, x[3])?;
        let out = b.elementwise(Add, &[out, x[4]])?;
        let two = b.int(2);
        let squares = b.elementwise(Elementwise::Power, &[out, two])?;
        Ok(vec![mean(b, squares)?])
    });
    (graph, x, vec![1, 2, 3, 4])
}

/// `-mean(sum(onehot * (z - logsumexp(z))))` with the maximum subtracted.
fn cross_entropy() -> (Graph, Vec<Value>, Vec<usize>) {
    let mut numbers = Numbers(24);
    let one_hot = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0];
    let x = vec![
        numbers.array(&[4, 3], -2.0..2.0),
        Value::from_slice(&one_hot, &[4, 3]),
    ];
    let graph = program(&x, |b, x| {
        let top = b.reduce(Reduction::Max, x[0], smallvec![1])?;
        let mut column = b.aval(top).shape.clone();
        column.push(Dim::known(1));
        let top = b.reshape(top, column.clone())?;
        let shifted = b.elementwise(Subtract, &[x[0], top])?;
        let e = b.elementwise(Exp, &[shifted])?;
        let sum = b.reduce(Reduction::Sum, e, smallvec![1])?;
        let log = b.elementwise(Log, &[sum])?;
        let log = b.reshape(log, column)?;
        let log = b.elementwise(Subtract, &[shifted, log])?;
        let terms = b.elementwise(Multiply, &[x[1], log])?;
        let terms = b.reduce(Reduction::Sum, terms, smallvec![1])?;
        let mean = mean(b, terms)?;
        Ok(vec![b.elementwise(Negative, &[mean])?])
    });
    (graph, x, vec![0])
}

/// Rosenbrock's function written with slices.
fn rosenbrock() -> (Graph, Vec<Value>, Vec<usize>) {
    let x = vec![Numbers(25).array(&[6], -1.5..1.5)];
    let graph = program(&x, |b, x| {
        let n = b.aval(x[0]).shape[0].clone() - Dim::known(1);
        let part = |start: i64| Range {
            start: Dim::known(start),
            size: n.clone(),
            step: 1,
        };
        let head = b.add(Op::Slice(smallvec![part(0)]), x)?;
        let tail = b.add(Op::Slice(smallvec![part(1)]), x)?;
        let (one, two, hundred) = (b.int(1), b.int(2), b.float(100.0));
        let square = b.elementwise(Elementwise::Power, &[head, two])?;
        let gap = b.elementwise(Subtract, &[tail, square])?;
        let gap = b.elementwise(Elementwise::Power, &[gap, two])?;
        let gap = b.elementwise(Multiply, &[hundred, gap])?;
        let rest = b.elementwise(Subtract, &[one, head])?;
        let rest = b.elementwise(Elementwise::Power, &[rest, two])?;
        let sum = b.elementwise(Add, &[gap, rest])?;
        Ok(vec![total(b, sum)?])
    });
    (graph, x, vec![0])
}

#[test]
fn programs() {
    for (graph, x, wrt) in [
        svm(),
        logistic(),
        perceptron(),
        cross_entropy(),
        rosenbrock(),
    ] {
        laws(&graph, &x, &wrt);
        let gradients = run(&apply(grad(wrt.clone()), &graph), &x);
        let both = run(&apply(value_and_grad(wrt.clone(), 0), &graph), &x);
        assert_eq!(both[0], run(&graph, &x)[0]);
        assert_eq!(both[1..], gradients[..]);
        for (gradient, &i) in gradients.iter().zip(&wrt) {
            let expected: Vec<f64> = (0..x[i].len())
                .map(|k| {
                    let mut unit = vec![0.0; x[i].len()];
                    unit[k] = 1.0;
                    let unit = [Value::from_slice(&unit, &x[i].shape)];
                    let at = |h| run(&graph, &moved(&x, &[i], &unit, h))[0].as_slice::<f64>()[0];
                    let h = 1e-3;
                    (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h)
                })
                .collect();
            close("gradient", &graph, gradient.as_slice(), &expected, 1e-7);
        }
    }
}

/// A step of a random program: some operation on nodes made so far.
fn random_step(b: &mut Builder, nodes: &[NodeId], numbers: &mut Numbers) -> Result<NodeId> {
    let below = |numbers: &mut Numbers, n: usize| (numbers.unit() * n as f64) as usize;
    let pick = |numbers: &mut Numbers| nodes[below(numbers, nodes.len())];
    let x = pick(numbers);
    let rank = b.aval(x).rank();
    match below(numbers, 10) {
        0..3 => {
            let unary = [
                Tanh,
                Elementwise::Sin,
                Negative,
                Elementwise::Arctan,
                Elementwise::Expit,
            ];
            b.elementwise(unary[below(numbers, 5)], &[x])
        }
        3..6 => {
            let binary = [Add, Subtract, Multiply, Maximum, Elementwise::Hypot];
            let y = pick(numbers);
            b.elementwise(binary[below(numbers, 5)], &[x, y])
        }
        6 if rank > 0 => {
            let kinds = [Reduction::Sum, Reduction::Max, Reduction::Prod];
            b.reduce(kinds[below(numbers, 3)], x, smallvec![below(numbers, rank)])
        }
        7 if rank == 2 => b
            .transpose(x, smallvec![1, 0])
            .and_then(|x| b.transpose(x, smallvec![1, 0])),
        8 if rank > 0 => {
            let axis = below(numbers, rank);
            b.add(
                Op::Cumulate {
                    kind: Cumulation::Sum,
                    axis,
                },
                &[x],
            )
        }
        9 if rank > 0 => {
            let mut ranges: SmallVec<[Range; 4]> =
                b.aval(x).shape.iter().cloned().map(Range::full).collect();
            let last = &mut ranges[rank - 1];
            last.start = last.size.clone() - Dim::known(1);
            last.step = -1;
            b.add(Op::Slice(ranges), &[x])
        }
        _ => b.elementwise(Tanh, &[x]),
    }
}

#[test]
fn random_programs() {
    for seed in 0..40 {
        let mut numbers = Numbers(1000 + seed);
        let shapes: [&[usize]; 3] = [&[4], &[3, 4], &[]];
        let x: Vec<Value> = shapes.iter().map(|s| numbers.array(s, -1.5..1.5)).collect();
        let graph = program(&x, |b, x| {
            let mut nodes = x.to_vec();
            for _ in 0..10 {
                // Shapes that do not fit are NumPy's error, and no step.
                nodes.extend(random_step(b, &nodes, &mut numbers).ok());
            }
            let tail = nodes.split_off(nodes.len() - 3);
            let mut sum = total(b, tail[0])?;
            for &node in &tail[1..] {
                let node = total(b, node)?;
                sum = b.elementwise(Add, &[sum, node])?;
            }
            Ok(vec![sum])
        });
        laws(&graph, &x, &[0, 1, 2]);
    }
}

/// A gradient is built in time proportional to the graph.
#[test]
fn long_programs() {
    let x = [Value::from_slice(&[0.3, 0.7], &[2])];
    let spent = |steps: usize| {
        let graph = program(&x, |b, x| {
            let mut y = x[0];
            for step in 0..steps / 4 {
                let two = b.float(2.0);
                let half = b.elementwise(Divide, &[y, two])?;
                let sin = b.elementwise(Elementwise::Sin, &[half])?;
                let twice = b.elementwise(Add, &[half, sin])?;
                y = if step % 2 == 0 {
                    twice
                } else {
                    b.elementwise(Multiply, &[twice, y])?
                };
            }
            Ok(vec![total(b, y)?])
        });
        let start = std::time::Instant::now();
        let gradient = apply(grad(vec![0]), &graph);
        assert!(gradient.len() < 4 * graph.len());
        start.elapsed().as_secs_f64()
    };
    // Ten times the program in ten times the time, whatever that is here: a hundred is too much.
    let (short, long) = (spent(2_000), spent(20_000));
    assert!(long < 50.0 * short, "{short} s, then {long} s");
}

#[test]
fn jacobians_agree() {
    for (graph, x, wrt) in [
        svm(),
        logistic(),
        perceptron(),
        cross_entropy(),
        rosenbrock(),
    ] {
        let slope = apply(grad(wrt.clone()), &graph);
        let forward = run(&apply(jacfwd(wrt.clone()), &slope), &x);
        let reverse = run(&apply(jacrev(wrt.clone()), &slope), &x);
        let second = apply(hessian(wrt.clone()), &graph);
        let second = run(&second, &x);
        let products = apply(hvp(wrt.clone()), &graph);
        let mut numbers = Numbers(31);
        let tangents: Vec<Value> = wrt.iter().map(|&i| numbers.like(&x[i])).collect();
        let products = run(&products, &[&x[..], &tangents].concat());
        for (k, ((f, r), h)) in forward.iter().zip(&reverse).zip(&second).enumerate() {
            let (row, column) = (k / wrt.len(), k % wrt.len());
            let shape = [&x[wrt[row]].shape[..], &x[wrt[column]].shape[..]].concat();
            assert_eq!(f.shape[..], shape[..]);
            assert_eq!(r.shape[..], shape[..]);
            close("jacobian", &graph, f.as_slice(), r.as_slice(), 1e-10);
            close("hessian", &graph, h.as_slice(), f.as_slice(), 1e-12);
        }
        for (row, product) in products.iter().enumerate() {
            let mut expected = vec![0.0; product.len()];
            for (column, t) in tangents.iter().enumerate() {
                let block = second[row * wrt.len() + column].as_slice::<f64>();
                for (e, line) in expected.iter_mut().zip(block.chunks(t.len())) {
                    *e += line
                        .iter()
                        .zip(t.as_slice::<f64>())
                        .map(|(h, t)| h * t)
                        .sum::<f64>();
                }
            }
            close("hvp", &graph, product.as_slice(), &expected, 1e-10);
        }
    }
}

#[test]
fn maps_over_an_axis() {
    let (graph, x, _) = perceptron();
    let mut numbers = Numbers(41);
    let many = numbers.array(&[5, 3, 7], -1.0..1.0);
    let mapped = apply(vmap(vec![Some(2), None, None, None, None]), &graph);
    let mut point = x.clone();
    point[0] = many.clone();
    let got = run(&mapped, &point);
    assert_eq!(got[0].shape[..], [7]);
    for k in 0..7 {
        let one: Vec<f64> = many
            .as_slice::<f64>()
            .iter()
            .skip(k)
            .step_by(7)
            .copied()
            .collect();
        point[0] = Value::from_slice(&one, &[5, 3]);
        let expected = run(&graph, &point);
        close(
            "vmap",
            &mapped,
            &got[0].as_slice::<f64>()[k..=k],
            expected[0].as_slice(),
            1e-13,
        );
    }
}

#[test]
fn batches_of_unequal_length_are_refused() {
    let mut numbers = Numbers(43);
    let x = [
        numbers.array(&[2], -1.0..1.0),
        numbers.array(&[2], -1.0..1.0),
    ];
    let graph = program(&x, |b, x| Ok(vec![b.elementwise(Multiply, x)?]));
    let mapped = apply(vmap(vec![Some(0), Some(0)]), &graph);
    let unequal = [
        numbers.array(&[3, 2], -1.0..1.0),
        numbers.array(&[4, 2], -1.0..1.0),
    ];
    let executable = Executable::new(&mapped).expect("prepares");
    assert!(executable.run_values(&unequal).is_err());
}

/// The gradient of a real function of `x + i*y` is `df/dx - i*df/dy`.
#[test]
fn complex_gradients() {
    let unary = [
        Exp,
        Log,
        Elementwise::Sin,
        Elementwise::Cos,
        Tanh,
        Elementwise::Sqrt,
        Elementwise::Square,
        Elementwise::Reciprocal,
        Elementwise::Conjugate,
        Elementwise::Real,
        Elementwise::Imag,
        Elementwise::Absolute,
        Negative,
    ];
    let z = [Complex64::new(0.7, -0.4), Complex64::new(-0.3, 0.9)];
    let x = [Value::from_slice(&z, &[2])];
    for op in unary {
        let graph = program(&x, |b, x| {
            let (z, c) = (x[0], x[0]);
            let y = b.elementwise(op, &[z])?;
            let y = b.elementwise(Multiply, &[y, c])?;
            let (re, im) = (
                b.elementwise(Elementwise::Real, &[y])?,
                b.elementwise(Elementwise::Imag, &[y])?,
            );
            let y = b.elementwise(Multiply, &[re, im])?;
            let y = b.elementwise(Add, &[y, re])?;
            Ok(vec![total(b, y)?])
        });
        let got = run(&apply(grad(vec![0]), &graph), &x);
        let h = 1e-5;
        for k in 0..2 {
            let slope = |step: Complex64| {
                let at = |sign: f64| {
                    let mut z = z;
                    z[k] += step * sign;
                    run(&graph, &[Value::from_slice(&z, &[2])])[0].as_slice::<f64>()[0]
                };
                (at(1.0) - at(-1.0)) / (2.0 * h)
            };
            let g = got[0].as_slice::<Complex64>()[k];
            let expected = [
                slope(Complex64::new(h, 0.0)),
                -slope(Complex64::new(0.0, h)),
            ];
            close(op.def().name, &graph, &[g.re, g.im], &expected, 1e-7);
        }
    }
}

#[test]
fn single_precision_stays() {
    let data: Vec<f32> = vec![0.3, -0.2, 0.9];
    let x = [Value::from_slice(&data, &[3])];
    let graph = program(&x, |b, x| {
        let zero = b.float(0.0);
        let y = b.elementwise(Maximum, &[x[0], zero])?;
        let y = b.elementwise(Exp, &[y])?;
        Ok(vec![mean(b, y)?])
    });
    let gradient = apply(grad(vec![0]), &graph);
    for id in gradient.nodes() {
        let aval = gradient.aval(id);
        assert!(aval.weak || aval.dtype != DType::F64, "\n{gradient}");
    }
    let _ = run(&gradient, &x);
}

#[test]
fn refusals() {
    let x = [Numbers(1).array(&[3], 0.0..1.0)];
    let vector = program(&x, |_, x| Ok(vec![x[0]]));
    let error = grad(vec![0]).apply(&vector).expect_err("not a scalar");
    assert!(matches!(error.kind, ErrorKind::NonScalarLoss { .. }));
    let k = [indices(&[1, 2], &[2])];
    let integer = program(&k, |b, x| Ok(vec![mean(b, x[0])?]));
    let error = grad(vec![0]).apply(&integer).expect_err("integer");
    assert!(matches!(&error.kind, ErrorKind::IntegerArgument { argument, .. } if argument == "x"));
}

/// Well separated eigenvalues and singular values, and a dominant diagonal.
fn matrices(shape: &[usize], seed: u64) -> Value {
    let mut numbers = Numbers(seed);
    let mut value = numbers.array(shape, -1.0..1.0);
    let [m, n] = shape[shape.len() - 2..] else {
        panic!("a matrix");
    };
    for (at, x) in value.as_mut_slice::<f64>().iter_mut().enumerate() {
        let (i, j) = (at / n % m, at % n);
        if i == j {
            *x += 2.0 + 2.0 * i as f64;
        }
    }
    value
}

/// All results of an operation as real arrays.
fn results(b: &mut Builder, op: Op, operands: &[NodeId]) -> Result<Vec<NodeId>> {
    let first = b.add(op.clone(), operands)?;
    let mut parts = vec![first];
    for k in 1..op.result_count().unwrap_or(1) {
        parts.push(b.add(Op::Part(k), &[first])?);
    }
    let mut real = Vec::new();
    for part in parts {
        let dtype = b.aval(part).dtype;
        if dtype.is_complex() {
            real.push(b.elementwise(Elementwise::Real, &[part])?);
            real.push(b.elementwise(Elementwise::Imag, &[part])?);
        } else if dtype.is_float() {
            real.push(part);
        }
    }
    Ok(real)
}

#[test]
fn decompositions_of_real_matrices() {
    use Decomposition::*;
    for kind in Decomposition::ALL {
        let shapes: &[&[usize]] = match kind {
            // Not all of their columns are unique.
            QrComplete | SvdFull => continue,
            Qr | Svd | SingularValues => &[&[3, 3], &[4, 2], &[2, 4], &[2, 3, 2]],
            Inverse
            | Determinant
            | Adjugate
            | SignLogDet
            | Cholesky
            | Lu
            | Eigh(_)
            | EigenvaluesOfHermitian(_)
            | Eig
            | Eigenvalues
            | Function(_) => &[&[1, 1], &[3, 3], &[2, 2, 2]],
        };
        for shape in shapes {
            let x = [matrices(shape, 31)];
            let graph = program(&x, |b, x| results(b, Op::Decompose(kind), x));
            laws(&graph, &x, &[0]);
        }
    }
}

/// Of complex matrices, what does not depend on the phases of vectors.
#[test]
fn decompositions_of_complex_matrices() {
    use Decomposition::*;
    for kind in Decomposition::ALL {
        let shapes: &[&[usize]] = match kind {
            QrComplete | SvdFull => continue,
            Qr | Svd | SingularValues => &[&[3, 3], &[3, 2], &[2, 3]],
            Inverse
            | Determinant
            | Adjugate
            | SignLogDet
            | Cholesky
            | Lu
            | Eigh(_)
            | EigenvaluesOfHermitian(_)
            | Eig
            | Eigenvalues
            | Function(_) => &[&[1, 1], &[3, 3]],
        };
        for shape in shapes {
            let imaginary = Numbers(37).array(shape, -0.5..0.5);
            let x = [matrices(shape, 41), imaginary];
            let graph = program(&x, |b, x| {
                let z = b.elementwise(Elementwise::MakeComplex, x)?;
                let first = b.add(Op::Decompose(kind), &[z])?;
                let part = |b: &mut Builder, k| b.add(Op::Part(k), &[first]);
                let sizes = |b: &mut Builder, z| b.elementwise(Elementwise::Absolute, &[z]);
                match kind {
                    Svd => {
                        let (s, vh) = (part(b, 1)?, part(b, 2)?);
                        // The signs of both vectors cancel here.
                        let outer = matrix::product(b, first, vh)?;
                        let (re, im) = (Elementwise::Real, Elementwise::Imag);
                        let outer = [b.elementwise(re, &[outer])?, b.elementwise(im, &[outer])?];
                        Ok(vec![s, sizes(b, first)?, sizes(b, vh)?, outer[0], outer[1]])
                    }
                    Eigh(_) => {
                        let v = part(b, 1)?;
                        Ok(vec![first, sizes(b, v)?])
                    }
                    _ => results(b, Op::Decompose(kind), &[z]),
                }
            });
            laws(&graph, &x, &[0, 1]);
        }
    }
}

#[test]
fn systems_and_inverses() {
    let systems = [Triangle::Lower, Triangle::Upper]
        .into_iter()
        .flat_map(|triangle| [false, true].map(|unit| System::Triangular { triangle, unit }))
        .chain([System::General]);
    for system in systems {
        for (a, rhs) in [(&[3, 3][..], &[3, 2][..]), (&[2, 2, 2], &[2, 2, 1])] {
            let x = [matrices(a, 43), Numbers(47).array(rhs, -1.0..1.0)];
            let graph = program(&x, |b, x| Ok(vec![b.add(Op::Solve(system), x)?]));
            laws(&graph, &x, &[0, 1]);
        }
    }
    for shape in [&[3, 3][..], &[4, 2], &[2, 4], &[2, 3, 2]] {
        let x = [matrices(shape, 53)];
        let graph = program(&x, |b, x| {
            let fraction = b.full(1e-15, DType::F64, Shape::new())?;
            Ok(vec![b.add(Op::PseudoInverse, &[x[0], fraction])?])
        });
        laws(&graph, &x, &[0]);
    }
    let x = [matrices(&[2, 2], 59), Numbers(61).array(&[2, 2], -1.0..1.0)];
    for f in MatrixFunction::ALL {
        let graph = program(&x, |b, x| Ok(vec![b.add(Op::Frechet(f), x)?]));
        laws(&graph, &x, &[0, 1]);
    }
}

/// The determinant of a singular matrix has a derivative, though the matrix has no inverse.
#[test]
fn determinant_of_a_singular_matrix() {
    let x = [Value::from_slice(
        &[1.0, 2.0, 3.0, 2.0, 4.0, 6.0, 1.0, 0.0, 1.0],
        &[3, 3],
    )];
    let graph = program(&x, |b, x| {
        results(b, Op::Decompose(Decomposition::Determinant), x)
    });
    let slope = run(&apply(grad(vec![0]), &graph), &x);
    // The cofactors.
    let expected = [4.0, 4.0, -4.0, -2.0, -2.0, 2.0, 0.0, 0.0, 0.0];
    close("det", &graph, slope[0].as_slice(), &expected, 1e-13);
}

/// What the columns span that a matrix does not decide, which does not depend on their choice.
#[test]
fn columns_that_are_not_unique() {
    let x = [matrices(&[4, 2], 67)];
    for kind in [Decomposition::QrComplete, Decomposition::SvdFull] {
        let graph = program(&x, |b, x| {
            let whole = b.add(Op::Decompose(kind), x)?;
            let others = matrix::columns(b, whole, Dim::known(2), Dim::known(2))?;
            let turned = matrix::transposed(b, others)?;
            Ok(vec![matrix::product(b, others, turned)?])
        });
        laws(&graph, &x, &[0]);
    }
}

#[test]
fn fourier_transforms() {
    for n in [1, 2, 5, 6, 12] {
        let shape = [2, n, 2];
        let x = [
            Numbers(71).array(&shape, -1.0..1.0),
            Numbers(73).array(&shape, -1.0..1.0),
        ];
        for kind in [Fourier::Forward, Fourier::Inverse] {
            let op = Op::Fourier { kind, axis: 1 };
            let graph = program(&x, |b, x| {
                let z = b.elementwise(Elementwise::MakeComplex, x)?;
                results(b, op, &[z])
            });
            laws(&graph, &x, &[0, 1]);
        }
        let kind = Fourier::RealForward;
        let graph = program(&x[..1], |b, x| results(b, Op::Fourier { kind, axis: 1 }, x));
        laws(&graph, &x[..1], &[0]);
    }
    for n in [1, 2, 5, 6] {
        let shape = [2, n / 2 + 1];
        let x = [
            Numbers(79).array(&shape, -1.0..1.0),
            Numbers(83).array(&shape, -1.0..1.0),
        ];
        let kind = Fourier::RealInverse(Dim::from(n));
        let graph = program(&x, |b, x| {
            let z = b.elementwise(Elementwise::MakeComplex, x)?;
            results(b, Op::Fourier { kind, axis: 1 }, &[z])
        });
        laws(&graph, &x, &[0, 1]);
    }
}

/// Transforms of any length are sums of waves.
#[test]
fn fourier_transforms_by_definition() {
    for n in [1, 2, 3, 4, 7, 30, 67, 128, 134] {
        let x = [Numbers(89).array(&[n], -1.0..1.0)];
        let kind = Fourier::RealForward;
        let graph = program(&x, |b, x| results(b, Op::Fourier { kind, axis: 0 }, x));
        let got = run(&graph, &x);
        let wave = |k: usize, f: fn(f64) -> f64| -> f64 {
            let angle = |j: usize| std::f64::consts::TAU * ((j * k) % n) as f64 / n as f64;
            (0..n)
                .map(|j| x[0].as_slice::<f64>()[j] * f(angle(j)))
                .sum()
        };
        let real: Vec<f64> = (0..=n / 2).map(|k| wave(k, f64::cos)).collect();
        let imaginary: Vec<f64> = (0..=n / 2).map(|k| -wave(k, f64::sin)).collect();
        close("real", &graph, got[0].as_slice(), &real, 1e-13);
        close("imaginary", &graph, got[1].as_slice(), &imaginary, 1e-13);
    }
}
