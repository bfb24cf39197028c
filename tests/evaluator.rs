//! Laws of the evaluator: every operation against plain loops, groups against no groups, one thread
//! against several.

use lazy_core::eval::value::Value;
use lazy_core::eval::{Executable, threads};
use lazy_core::graph::{Aval, Builder, DType, Dim, Graph, NodeId};
use lazy_core::ops::{Elementwise, Op, Reduction};

fn evaluate(graph: &Graph, inputs: &[Value]) -> Vec<Value> {
    Executable::new(graph).unwrap().run_values(inputs).unwrap()
}

fn ramp(shape: &[usize]) -> Value {
    let len: usize = shape.iter().product();
    let values: Vec<f64> = (0..len)
        .map(|i| ((i * 7919) % 1009) as f64 / 100.0 - 5.0)
        .collect();
    Value::from_slice(&values, shape)
}

fn input(b: &mut Builder, name: &str, shape: &[usize]) -> NodeId {
    let shape = shape.iter().map(|&n| Dim::from(n));
    b.input(name, Aval::new(DType::F64, shape))
}

#[test]
fn a_sum_of_products_in_one_group() {
    let n = 5000;
    let mut b = Builder::new("f");
    let x = input(&mut b, "x", &[n]);
    let y = input(&mut b, "y", &[n]);
    let xy = b.elementwise(Elementwise::Multiply, &[x, y]).unwrap();
    let two = b.float(2.0);
    let z = b.elementwise(Elementwise::Add, &[xy, two]).unwrap();
    let s = b
        .reduce(Reduction::Sum, z, [0].into_iter().collect())
        .unwrap();
    let mut graph = b.finish(vec![z, s]);
    let (vx, vy) = (ramp(&[n]), ramp(&[n]));
    let plain = evaluate(&graph, &[vx.clone(), vy.clone()]);
    for id in [xy, z, s] {
        graph.set_group(id, Some(0));
    }
    let fused = evaluate(&graph, &[vx.clone(), vy.clone()]);
    assert_eq!(plain, fused);
    let expected: Vec<f64> = vx
        .as_slice::<f64>()
        .iter()
        .zip(vy.as_slice::<f64>())
        .map(|(x, y)| x * y + 2.0)
        .collect();
    assert_eq!(plain[0].as_slice::<f64>(), &expected[..]);
    let sum: f64 = expected.iter().sum();
    assert!((plain[1].as_slice::<f64>()[0] - sum).abs() < 1e-9 * sum.abs());
}

#[test]
fn reductions_over_any_axes() {
    for shape in [
        vec![3, 4, 5],
        vec![2, 3000, 3],
        vec![4, 5, 2000],
        vec![1, 1500, 2],
        vec![3, 0, 2],
    ] {
        for mask in 1..8usize {
            let axes: Vec<usize> = (0..3).filter(|a| mask >> a & 1 == 1).collect();
            let mut b = Builder::new("f");
            let x = input(&mut b, "x", &shape);
            let s = b
                .add(
                    Op::Reduce {
                        kind: Reduction::Sum,
                        axes: axes.iter().copied().collect(),
                    },
                    &[x],
                )
                .unwrap();
            let graph = b.finish(vec![s]);
            let value = ramp(&shape);
            threads::set(1);
            let out = evaluate(&graph, &[value.clone()]);
            threads::set(3);
            assert_eq!(out, evaluate(&graph, &[value.clone()]));
            let kept: Vec<usize> = (0..3).filter(|a| !axes.contains(a)).collect();
            let len: usize = kept.iter().map(|&a| shape[a]).product();
            let mut expected = vec![0.0; len];
            for (i, &x) in value.as_slice::<f64>().iter().enumerate() {
                let index = [
                    i / (shape[1] * shape[2]),
                    i / shape[2] % shape[1],
                    i % shape[2],
                ];
                let at = kept.iter().fold(0, |at, &a| at * shape[a] + index[a]);
                expected[at] += x;
            }
            for (a, e) in out[0].as_slice::<f64>().iter().zip(&expected) {
                assert!((a - e).abs() < 1e-8, "{shape:?} {axes:?}: {a} {e}");
            }
        }
    }
}
