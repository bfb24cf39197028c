//! Times of the evaluator without Python: `-(y*log1p(exp(-z)) + (1-y)*log1p(exp(z)))`, its sum, and a
//! matrix product, on 1 and 2 threads. Each figure is the best of interleaved rounds.
//!
//! Run with `cargo bench --bench evaluator`.

use std::time::Instant;

use lazy_core::error::Result;
use lazy_core::eval::value::{Value, View};
use lazy_core::eval::{Executable, NoCallbacks, Outputs, threads};
use lazy_core::graph::{Aval, Builder, DType, Dim, Graph};
use lazy_core::ops::{Elementwise, Op, Reduction};
use lazy_transforms::fuse::fuse;

/// Results go to the same memory again and again.
struct Fixed(Vec<u64>);

impl Outputs for Fixed {
    fn allocate(&mut self, _: usize, _: DType, _: &[usize]) -> Result<*mut u8> {
        Ok(self.0.as_mut_ptr().cast())
    }
}

fn logistic(n: usize, sum: bool) -> Result<Graph> {
    use Elementwise::{Add, Exp, Log1p, Multiply, Negative, Subtract};
    let mut b = Builder::new("logistic");
    let aval = Aval::new(DType::F64, [Dim::from(n)]);
    let (y, z) = (b.input("y", aval.clone()), b.input("z", aval));
    let mut softplus = |x| {
        let e = b.elementwise(Exp, &[x])?;
        b.elementwise(Log1p, &[e])
    };
    let right = softplus(z)?;
    let minus = b.elementwise(Negative, &[z])?;
    let e = b.elementwise(Exp, &[minus])?;
    let left = b.elementwise(Log1p, &[e])?;
    let left = b.elementwise(Multiply, &[y, left])?;
    let one = b.int(1);
    let rest = b.elementwise(Subtract, &[one, y])?;
    let right = b.elementwise(Multiply, &[rest, right])?;
    let both = b.elementwise(Add, &[left, right])?;
    let mut out = b.elementwise(Negative, &[both])?;
    if sum {
        out = b.reduce(Reduction::Sum, out, [0].into_iter().collect())?;
    }
    fuse(&b.finish(vec![out]))
}

fn product(n: usize) -> Result<Graph> {
    let mut b = Builder::new("product");
    let aval = Aval::new(DType::F64, [Dim::from(n), Dim::from(n)]);
    let (x, y) = (b.input("x", aval.clone()), b.input("y", aval));
    let contract = Op::Contract {
        batch: Default::default(),
        contract: [(1, 0)].into_iter().collect(),
    };
    let out = b.add(contract, &[x, y])?;
    fuse(&b.finish(vec![out]))
}

/// Nanoseconds per call: enough calls to fill a millisecond.
fn time(executable: &Executable, views: &[View<'_>], out: &mut Fixed) -> Result<f64> {
    let mut calls = 1;
    loop {
        let start = Instant::now();
        for _ in 0..calls {
            executable.run(views, out, &mut NoCallbacks)?;
        }
        let spent = start.elapsed().as_nanos() as f64;
        if spent > 1e6 {
            return Ok(spent / f64::from(calls));
        }
        calls *= 4;
    }
}

fn main() -> Result<()> {
    let mut cases = vec![];
    for n in [10, 1000, 1_000_000] {
        cases.push((format!("logistic {n}"), logistic(n, false)?, n));
        cases.push((format!("sum of logistic {n}"), logistic(n, true)?, n));
    }
    for n in [4, 100, 1000] {
        cases.push((format!("product {n} x {n}"), product(n)?, n * n));
    }
    let start = Instant::now();
    let mut cases = cases
        .into_iter()
        .map(|(name, graph, n)| {
            let shapes: Vec<usize> = match graph.aval(graph.inputs()[0]).rank() {
                1 => vec![n],
                _ => vec![n.isqrt(); 2],
            };
            let floats = |k: usize| {
                let values: Vec<f64> = (0..n).map(|i| ((i * k) % 1000) as f64 / 250.0).collect();
                Value::from_slice(&values, &shapes)
            };
            let inputs = [floats(7), floats(13)];
            let best = [f64::INFINITY; 2];
            Ok((
                name,
                Executable::new(&graph)?,
                inputs,
                Fixed(vec![0; n]),
                best,
            ))
        })
        .collect::<Result<Vec<_>>>()?;
    println!("prepared in {:?}", start.elapsed());
    for _ in 0..7 {
        for (_, executable, inputs, out, best) in &mut cases {
            let views: Vec<View<'_>> = inputs.iter().map(Value::view).collect();
            for (count, best) in [1, 2].into_iter().zip(best) {
                threads::set(count);
                *best = best.min(time(executable, &views, out)?);
            }
        }
    }
    println!("{:28} {:>14} {:>14}", "", "1 thread", "2 threads");
    for (name, .., [one, two]) in &cases {
        println!("{name:28} {:>11.3} us {:>11.3} us", one / 1e3, two / 1e3);
    }
    Ok(())
}
