//! Laws of the evaluator: groups against no groups, one thread against several, every structural
//! operation against plain loops, strided inputs against contiguous ones.

use std::sync::Mutex;

use lazy_core::error::{ErrorKind, Result};
use lazy_core::eval::layout::{Layout, Span};
use lazy_core::eval::value::{Value, View};
use lazy_core::eval::{Executable, NoCallbacks, Values, threads};
use lazy_core::graph::{Aval, Builder, DType, Dim, Graph, NodeId};
use lazy_core::ops::{
    Axes, Constant, Cumulation, Elementwise, Extreme, Op, Range, Reduction, Write,
};
use lazy_transforms::fuse::fuse;

fn evaluate(graph: &Graph, inputs: &[Value]) -> Result<Vec<Value>> {
    Executable::new(graph)?.run_values(inputs)
}

/// A generator of test data: xorshift, so that failures repeat.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn floats(&mut self, shape: &[usize]) -> Value {
        let len = shape.iter().product();
        let values: Vec<f64> = (0..len)
            .map(|_| (self.next() % 4001) as f64 / 1000.0 - 2.0)
            .collect();
        Value::from_slice(&values, shape)
    }
}

fn dims(shape: &[usize]) -> impl Iterator<Item = Dim> {
    shape.iter().map(|&n| Dim::from(n))
}

fn input(b: &mut Builder, dtype: DType, shape: &[usize]) -> NodeId {
    b.input("x", Aval::new(dtype, dims(shape)))
}

/// Elementwise work over a few shapes that broadcast together, with slices and reductions between.
fn random_graph(random: &mut Random) -> Result<(Graph, Vec<Value>)> {
    let (n, m) = random.pick(&[(3, 4), (1, 7), (70, 30), (3, 1500), (2100, 2), (0, 3)]);
    let shapes = [vec![n, m], vec![m], vec![n, 1], vec![], vec![n, m]];
    let mut b = Builder::new("random");
    let mut values = vec![];
    let mut pool: Vec<NodeId> = shapes
        .iter()
        .map(|shape| {
            values.push(random.floats(shape));
            input(&mut b, DType::F64, shape)
        })
        .collect();
    pool.push(b.float(0.5));
    pool.push(b.int(3));
    for _ in 0..12 {
        let x = random.pick(&pool);
        let y = random.pick(&pool);
        let rank = b.aval(x).rank();
        let new = match random.below(8) {
            0..4 => {
                use Elementwise::*;
                let op = random.pick(&[Add, Multiply, Subtract, Maximum]);
                b.elementwise(op, &[x, y])
            }
            4 => b.elementwise(
                random.pick(&[Elementwise::Sin, Elementwise::Negative]),
                &[x],
            ),
            5 if rank > 0 && b.aval(x).shape.iter().all(|d| d.as_known() != Some(0)) => {
                let axes: Axes = match random.below(3) {
                    0 => [0].into_iter().collect(),
                    1 => [rank - 1].into_iter().collect(),
                    _ => (0..rank).collect(),
                };
                let kind = random.pick(&[Reduction::Sum, Reduction::Max, Reduction::Min]);
                b.reduce(kind, x, axes)
            }
            6 if rank == 2 => {
                // The same columns in reverse order.
                let shape = b.aval(x).shape.clone();
                let rows = Range::full(shape[0].clone());
                let columns = Range {
                    start: shape[1].clone() - Dim::known(1),
                    size: shape[1].clone(),
                    step: -1,
                };
                b.add(Op::Slice([rows, columns].into_iter().collect()), &[x])
            }
            _ => {
                let small = b.elementwise(Elementwise::Greater, &[x, y]);
                small.and_then(|c| b.elementwise(Elementwise::Where, &[c, x, y]))
            }
        };
        // Shapes that do not broadcast are NumPy's errors, not ours.
        if let Ok(new) = new {
            pool.push(new);
        }
    }
    let outputs = pool[5..].iter().rev().step_by(2).copied().collect();
    Ok((b.finish(outputs), values))
}

/// Writes into parts of arrays, from others and from themselves, with reads of any version between.
fn random_writes(random: &mut Random) -> Result<(Graph, Vec<Value>)> {
    const N: i64 = 12;
    let mut b = Builder::new("writes");
    let given = input(&mut b, DType::F64, &[N as usize]);
    let mut pool = vec![given, b.elementwise(Elementwise::Sin, &[given])?];
    let part = |random: &mut Random| -> Op {
        let range = Range {
            start: Dim::known(random.below(7) as i64),
            size: Dim::known(5),
            step: 1,
        };
        Op::Slice([range].into_iter().collect())
    };
    for _ in 0..10 {
        // Mostly the newest version, as a loop over an array does.
        let x = match random.below(4) {
            0 => random.pick(&pool),
            _ => pool[pool.len() - 1],
        };
        let source = random.pick(&pool);
        let new = match random.below(6) {
            0..3 => {
                let values = b.add(part(random), &[source])?;
                let Op::Slice(ranges) = part(random) else {
                    continue;
                };
                let kind = random.pick(&[Write::Set, Write::Add]);
                b.add(Op::SliceWrite { kind, ranges }, &[x, values])?
            }
            3 => {
                let values = b.add(part(random), &[source])?;
                let rows: Vec<i64> = (0..5).map(|_| random.below(N as usize) as i64).collect();
                let rows = b.constant(
                    Constant::Array(Value::from_slice(&rows, &[5]).into()),
                    Aval::new(DType::I64, dims(&[5])),
                );
                let scatter = Op::Scatter {
                    kind: random.pick(&[Write::Set, Write::Add]),
                    axes: [0].into_iter().collect(),
                    at: 0,
                };
                b.add(scatter, &[x, values, rows])?
            }
            4 => {
                let square = b.add(Op::Reshape(dims(&[3, 4]).collect()), &[x])?;
                let sums = Op::Cumulate {
                    kind: Cumulation::Sum,
                    axis: random.below(2),
                };
                let sums = b.add(sums, &[square])?;
                b.add(Op::Reshape(dims(&[N as usize]).collect()), &[sums])?
            }
            _ => b.elementwise(Elementwise::Subtract, &[x, source])?,
        };
        pool.push(new);
    }
    let outputs = vec![pool[pool.len() - 1], random.pick(&pool)];
    Ok((b.finish(outputs), vec![random.floats(&[N as usize])]))
}

/// Where every version is asked for, none can be changed in place.
#[test]
fn writes_in_place_keep_values() -> Result<()> {
    let mut random = Random(0x2012_0331);
    for case in 0..400 {
        let (graph, values) = random_writes(&mut random)?;
        let all = Builder::extend(&graph).finish(graph.nodes().collect());
        let expected = evaluate(&all, &values)?;
        for graph in [&graph, &fuse(&graph)?] {
            let got = evaluate(graph, &values)?;
            for (output, value) in graph.outputs().iter().zip(&got) {
                assert_eq!(value, &expected[output.index()], "case {case}\n{graph}");
            }
        }
    }
    Ok(())
}

/// Few rows and many, sums short and long, from either side.
#[test]
fn products_with_vectors_are_sums_of_products() -> Result<()> {
    let mut random = Random(0x1414_2135_6237_3095);
    for (m, k) in [
        (5, 7),
        (8, 16),
        (1, 9000),
        (3, 9000),
        (50, 20_000),
        (130, 300),
        (2, 0),
    ] {
        let mut b = Builder::new("vectors");
        let x = input(&mut b, DType::F64, &[m, k]);
        let (right, left) = (
            input(&mut b, DType::F64, &[k]),
            input(&mut b, DType::F64, &[m]),
        );
        let contract = |axis: usize| Op::Contract {
            batch: Default::default(),
            contract: [(axis, 0)].into_iter().collect(),
        };
        let outputs = vec![
            b.add(contract(1), &[x, right])?,
            b.add(contract(0), &[x, left])?,
        ];
        let values = [&[m, k][..], &[k], &[m]].map(|shape| random.floats(shape));
        let [x, right, left] = [0, 1, 2].map(|i| values[i].as_slice::<f64>());
        let by_row: Vec<f64> = (0..m)
            .map(|i| (0..k).map(|j| x[i * k + j] * right[j]).sum())
            .collect();
        let by_column: Vec<f64> = (0..k)
            .map(|j| (0..m).map(|i| x[i * k + j] * left[i]).sum())
            .collect();
        let got = evaluate(&b.finish(outputs), &values)?;
        assert!(
            close(&got[0], &Value::from_slice(&by_row, &[m])),
            "{m} x {k}"
        );
        assert!(
            close(&got[1], &Value::from_slice(&by_column, &[k])),
            "{m} x {k}"
        );
    }
    Ok(())
}

/// A softmax of rows and what it weights, and in square matrices what is divided by another row's sum.
fn softmax(n: usize, m: usize) -> Result<Graph> {
    use Elementwise::{Divide, Exp, Multiply, Subtract};
    let mut b = Builder::new("softmax");
    let x = input(&mut b, DType::F64, &[n, m]);
    let rows = |b: &mut Builder, kind: Reduction, x: NodeId| -> Result<NodeId> {
        let reduced = b.reduce(kind, x, [1].into_iter().collect())?;
        b.add(Op::Reshape(dims(&[n, 1]).collect()), &[reduced])
    };
    let top = rows(&mut b, Reduction::Max, x)?;
    let shifted = b.elementwise(Subtract, &[x, top])?;
    let weights = b.elementwise(Exp, &[shifted])?;
    let total = rows(&mut b, Reduction::Sum, weights)?;
    let p = b.elementwise(Divide, &[weights, total])?;
    let weighted = b.elementwise(Multiply, &[p, x])?;
    let mean = rows(&mut b, Reduction::Sum, weighted)?;
    let centered = b.elementwise(Subtract, &[x, mean])?;
    let mut outputs = vec![b.elementwise(Multiply, &[centered, p])?];
    if n == m {
        let across = b.add(Op::Reshape(dims(&[1, n]).collect()), &[total])?;
        outputs.push(b.elementwise(Divide, &[weights, across])?);
    } else {
        outputs.push(p);
    }
    Ok(b.finish(outputs))
}

#[test]
fn rows_at_a_time_keep_values() -> Result<()> {
    let _turn = THREADS.lock();
    let mut random = Random(0x2718_2818_2845_9045);
    for (n, m) in [
        (70, 30),
        (40, 40),
        (3, 1500),
        (1, 7),
        (1200, 2),
        (3000, 64),
        (0, 5),
        (4, 1),
    ] {
        let graph = softmax(n, m)?;
        let values = [random.floats(&[n, m])];
        let all = Builder::extend(&graph).finish(graph.nodes().collect());
        let expected = evaluate(&all, &values)?;
        for count in [1, 2, 3] {
            threads::set(count);
            let got = evaluate(&fuse(&graph)?, &values)?;
            for (output, value) in graph.outputs().iter().zip(&got) {
                assert!(
                    close(value, &expected[output.index()]),
                    "{n} x {m}, {count} threads"
                );
            }
        }
    }
    threads::set(0);
    Ok(())
}

fn close(a: &Value, b: &Value) -> bool {
    let same = |(a, b): (&f64, &f64)| a == b || (a - b).abs() <= 1e-11 * (1.0 + a.abs());
    a.shape == b.shape
        && match a.dtype {
            DType::F64 => a.as_slice().iter().zip(b.as_slice()).all(same),
            _ => a == b,
        }
}

/// Tests that change the number of threads take turns.
static THREADS: Mutex<()> = Mutex::new(());

#[test]
fn fusion_keeps_values() -> Result<()> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for case in 0..300 {
        let (graph, values) = random_graph(&mut random)?;
        let plain = evaluate(&graph, &values)?;
        let fused = evaluate(&fuse(&graph)?, &values)?;
        for (a, b) in plain.iter().zip(&fused) {
            assert!(close(a, b), "case {case}: {a:?} {b:?}\n{graph:?}");
        }
    }
    Ok(())
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() -> Result<()> {
    let turn = THREADS.lock();
    for shape in [[1000, 150], [150, 1100], [1, 200_000], [200_000, 1]] {
        let mut b = Builder::new("f");
        let x = input(&mut b, DType::F64, &shape);
        let e = b.elementwise(Elementwise::Exp, &[x])?;
        let y = b.elementwise(Elementwise::Log1p, &[e])?;
        let rows = b.reduce(Reduction::Sum, y, [1].into_iter().collect())?;
        let columns = b.reduce(Reduction::Sum, y, [0].into_iter().collect())?;
        let all = b.reduce(Reduction::Sum, y, [0, 1].into_iter().collect())?;
        let least = b.reduce(Reduction::Min, y, [0, 1].into_iter().collect())?;
        let graph = fuse(&b.finish(vec![y, rows, columns, all, least]))?;
        let value = Random(7).floats(&shape);
        threads::set(1);
        let one = evaluate(&graph, std::slice::from_ref(&value))?;
        for count in [2, 4] {
            threads::set(count);
            assert!(one == evaluate(&graph, std::slice::from_ref(&value))?);
        }
        threads::set(0);
        let y = one[0].as_slice::<f64>();
        let sum: f64 = y.iter().sum();
        assert!((one[3].as_slice::<f64>()[0] / sum - 1.0).abs() < 1e-12);
        let last: f64 = y[y.len() - shape[1]..].iter().sum();
        assert!((one[1].as_slice::<f64>()[shape[0] - 1] / last - 1.0).abs() < 1e-12);
        let last: f64 = y.chunks(shape[1]).map(|row| row[shape[1] - 1]).sum();
        assert!((one[2].as_slice::<f64>()[shape[1] - 1] / last - 1.0).abs() < 1e-12);
    }
    drop(turn);
    Ok(())
}

/// Every index of a shape, in C order.
fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &n in shape {
        all = all
            .iter()
            .flat_map(|head: &Vec<usize>| {
                (0..n).map(move |i| head.iter().copied().chain([i]).collect())
            })
            .collect();
    }
    all
}

fn at(value: &Value, index: &[usize]) -> f64 {
    let flat = index
        .iter()
        .zip(&value.shape)
        .fold(0, |k, (i, n)| k * n + i);
    value.as_slice::<f64>()[flat]
}

/// Evaluates one operation on float64 operands.
fn apply(op: Op, operands: &[&Value]) -> Result<Value> {
    let mut b = Builder::new("f");
    let ids: Vec<NodeId> = operands
        .iter()
        .map(|v| input(&mut b, v.dtype, &v.shape))
        .collect();
    let out = b.add(op, &ids)?;
    let operands: Vec<Value> = operands.iter().map(|&v| v.clone()).collect();
    let mut outputs = evaluate(&b.finish(vec![out]), &operands)?;
    Ok(outputs.remove(0))
}

#[test]
fn reductions_over_any_axes() -> Result<()> {
    for shape in [
        [3, 4, 5],
        [2, 3000, 3],
        [4, 5, 2000],
        [1, 1500, 2],
        [3, 0, 2],
        [40, 2, 1100],
    ] {
        let x = Random(3).floats(&shape);
        for mask in 1..8usize {
            let axes: Axes = (0..3).filter(|a| mask >> a & 1 == 1).collect();
            for kind in [Reduction::Sum, Reduction::Max, Reduction::Any] {
                let kept: Vec<usize> = (0..3).filter(|a| !axes.contains(a)).collect();
                let outcome = apply(
                    Op::Reduce {
                        kind,
                        axes: axes.clone(),
                    },
                    &[&x],
                );
                if kind == Reduction::Max && axes.iter().any(|&a| shape[a] == 0) {
                    let Err(error) = outcome else {
                        panic!("a maximum of nothing")
                    };
                    assert!(matches!(error.kind, ErrorKind::Raises { .. }));
                    continue;
                }
                let out = outcome?;
                let sizes: Vec<usize> = kept.iter().map(|&a| shape[a]).collect();
                assert_eq!(out.shape.to_vec(), sizes);
                let mut expected = vec![None; out.len()];
                for index in indices(&shape) {
                    let k = kept.iter().fold(0, |k, &a| k * shape[a] + index[a]);
                    let x = at(&x, &index);
                    expected[k] = Some(match (kind, expected[k]) {
                        (Reduction::Any, y) => x.abs().max(y.unwrap_or(0.0)),
                        (_, None) => x,
                        (Reduction::Sum, Some(y)) => x + y,
                        (Reduction::Max, Some(y)) => x.max(y),
                        (_, Some(_)) => unreachable!("three kinds are tested"),
                    });
                }
                for (k, expected) in expected.into_iter().enumerate() {
                    let expected: f64 = expected.unwrap_or(0.0);
                    let fine = match out.dtype {
                        DType::Bool => out.as_slice::<bool>()[k] == (expected != 0.0),
                        _ => (out.as_slice::<f64>()[k] - expected).abs() < 1e-9,
                    };
                    assert!(fine, "{kind:?} of {shape:?} over {axes:?}");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn structural_operations_against_loops() -> Result<()> {
    let x = Random(5).floats(&[4, 3, 5]);
    let transposed = apply(Op::Transpose([2, 0, 1].into_iter().collect()), &[&x])?;
    let flat = apply(Op::Reshape(dims(&[5, 12]).collect()), &[&transposed])?;
    assert_eq!(flat.as_slice::<f64>(), transposed.as_slice::<f64>());
    for index in indices(&[5, 4, 3]) {
        assert_eq!(
            at(&transposed, &index),
            at(&x, &[index[1], index[2], index[0]])
        );
    }
    let range = |start: i64, size: i64, step: i64| Range {
        start: Dim::known(start),
        size: Dim::known(size),
        step,
    };
    let ranges = [range(3, 2, -2), range(0, 3, 1), range(1, 2, 3)];
    let part = apply(Op::Slice(ranges.iter().cloned().collect()), &[&x])?;
    let whole = |index: &[usize]| [3 - 2 * index[0], index[1], 1 + 3 * index[2]];
    for index in indices(&[2, 3, 2]) {
        assert_eq!(at(&part, &index), at(&x, &whole(&index)));
    }
    let ranges: smallvec::SmallVec<[Range; 4]> = ranges.into_iter().collect();
    let shape = dims(&[4, 3, 5]).collect();
    let placed = apply(
        Op::Unslice {
            shape,
            ranges: ranges.clone(),
        },
        &[&part],
    )?;
    let added = apply(
        Op::SliceWrite {
            kind: Write::Add,
            ranges: ranges.clone(),
        },
        &[&x, &part],
    )?;
    let set = apply(
        Op::SliceWrite {
            kind: Write::Set,
            ranges,
        },
        &[&x, &part],
    )?;
    let mut expected = vec![0.0; 60];
    for index in indices(&[2, 3, 2]) {
        let [a, b, c] = whole(&index);
        expected[(a * 3 + b) * 5 + c] = at(&part, &index);
    }
    assert_eq!(placed.as_slice::<f64>(), expected);
    for (k, &x) in x.as_slice::<f64>().iter().enumerate() {
        assert_eq!(added.as_slice::<f64>()[k], x + expected[k]);
        assert_eq!(set.as_slice::<f64>()[k], x);
    }
    let joined = apply(Op::Concatenate { axis: 1 }, &[&x, &x])?;
    for index in indices(&[4, 6, 5]) {
        assert_eq!(
            at(&joined, &index),
            at(&x, &[index[0], index[1] % 3, index[2]])
        );
    }
    let iota = apply(
        Op::Iota {
            size: Dim::known(4),
            dtype: DType::F32,
        },
        &[],
    )?;
    assert_eq!(iota.as_slice::<f32>(), [0.0, 1.0, 2.0, 3.0]);
    for axis in 0..3 {
        let n = x.shape[axis];
        let sums = apply(
            Op::Cumulate {
                kind: Cumulation::Sum,
                axis,
            },
            &[&x],
        )?;
        let first = apply(
            Op::ArgReduce {
                kind: Extreme::Max,
                axis,
            },
            &[&x],
        )?;
        let order = apply(Op::ArgSort { axis }, &[&x])?;
        for (k, index) in indices(&[4, 3, 5]).into_iter().enumerate() {
            let along = |i: usize| {
                let mut index = index.clone();
                index[axis] = i;
                at(&x, &index)
            };
            let sum: f64 = (0..=index[axis]).map(along).sum();
            assert!((at(&sums, &index) - sum).abs() < 1e-12);
            let mut sorted: Vec<usize> = (0..n).collect();
            sorted.sort_by(|&i, &j| along(i).total_cmp(&along(j)));
            assert_eq!(order.as_slice::<i64>()[k], sorted[index[axis]] as i64);
            let kept: Vec<usize> = (0..3).filter(|&a| a != axis).collect();
            let row = kept.iter().fold(0, |k, &a| k * x.shape[a] + index[a]);
            let best = (0..n).fold(0, |b, i| if along(i) > along(b) { i } else { b });
            assert_eq!(first.as_slice::<i64>()[row], best as i64);
        }
    }
    Ok(())
}

#[test]
fn nan_wins_and_sorts_last() -> Result<()> {
    let x = Value::from_slice(&[2.0, f64::NAN, 1.0, f64::NAN], &[4]);
    let reduce = |kind| {
        apply(
            Op::Reduce {
                kind,
                axes: [0].into_iter().collect(),
            },
            &[&x],
        )
    };
    assert!(reduce(Reduction::Min)?.as_slice::<f64>()[0].is_nan());
    assert!(reduce(Reduction::Max)?.as_slice::<f64>()[0].is_nan());
    for kind in [Extreme::Min, Extreme::Max] {
        let first = apply(Op::ArgReduce { kind, axis: 0 }, &[&x])?;
        assert_eq!(first.as_slice::<i64>(), [1]);
    }
    let order = apply(Op::ArgSort { axis: 0 }, &[&x])?;
    assert_eq!(order.as_slice::<i64>(), [2, 0, 1, 3]);
    Ok(())
}

#[test]
fn indexing_against_loops() -> Result<()> {
    let x = Random(11).floats(&[4, 3, 5]);
    let rows = Value::from_slice(&[0i64, -1, 2, 0, 3, -4], &[2, 3]);
    let columns = Value::from_slice(&[4i32, -5, 1], &[3]);
    let op = |at| Op::Gather {
        axes: [0, 2].into_iter().collect(),
        at,
    };
    let wrap = |i: i64, n: i64| (if i < 0 { i + n } else { i }) as usize;
    let index = |i: usize, j: usize| {
        let row = wrap(rows.as_slice::<i64>()[i * 3 + j], 4);
        (row, wrap(i64::from(columns.as_slice::<i32>()[j]), 5))
    };
    let operands = [&x, &rows, &columns];
    let front = apply(op(0), &operands)?;
    let back = apply(op(1), &operands)?;
    let mut expected = x.clone();
    let axes = || [0, 2].into_iter().collect();
    for k in indices(&[2, 3, 3]) {
        let (row, column) = index(k[0], k[1]);
        let y = at(&x, &[row, k[2], column]);
        assert_eq!(at(&front, &k), y);
        assert_eq!(at(&back, &[k[2], k[0], k[1]]), y);
        expected.as_mut_slice::<f64>()[(row * 3 + k[2]) * 5 + column] += 2.0;
    }
    let two = Value::from_slice(&[2.0], &[1]);
    let operands = [&x, &two, &rows, &columns];
    let scattered = apply(
        Op::Scatter {
            kind: Write::Add,
            axes: axes(),
            at: 0,
        },
        &operands,
    )?;
    assert_eq!(scattered, expected);

    let beyond = [&x, &Value::from_slice(&[5i64], &[1])];
    let Err(error) = apply(
        Op::Gather {
            axes: [1].into_iter().collect(),
            at: 0,
        },
        &beyond,
    ) else {
        panic!("an index out of range was taken");
    };
    let ErrorKind::Raises { message, .. } = error.kind else {
        panic!("not NumPy's error");
    };
    assert_eq!(message, "index 5 is out of bounds for axis 1 with size 3");
    Ok(())
}

#[test]
fn sizes_found_while_running() -> Result<()> {
    let mut b = Builder::new("f");
    let x = input(&mut b, DType::F64, &[6]);
    let zero = b.float(0.0);
    let mask = b.elementwise(Elementwise::Greater, &[x, zero])?;
    let double = b.elementwise(Elementwise::Multiply, &[x, x])?;
    let found = b.add(Op::ArgWhere, &[mask])?;
    let size = b.aval(found).shape[0].clone();
    let flat = b.reshape(found, [size.clone()].into_iter().collect())?;
    let gathered = b.add(
        Op::Gather {
            axes: [0].into_iter().collect(),
            at: 0,
        },
        &[double, flat],
    )?;
    let count = b.size(size);
    let mean = b.reduce(Reduction::Sum, gathered, [0].into_iter().collect())?;
    let mean = b.elementwise(Elementwise::Divide, &[mean, count])?;
    let graph = fuse(&b.finish(vec![gathered, mean, double, found]))?;
    let executable = Executable::new(&graph)?;
    for values in [
        [1.0, -2.0, 3.0, -4.0, 5.0, 0.0],
        [1.0, 1.0, 1.0, -1.0, 1.0, 1.0],
    ] {
        let out = executable.run_values(&[Value::from_slice(&values, &[6])])?;
        let expected: Vec<f64> = values.iter().filter(|&&x| x > 0.0).map(|x| x * x).collect();
        assert_eq!(out[0].as_slice::<f64>(), expected);
        let mean = expected.iter().sum::<f64>() / expected.len() as f64;
        assert_eq!(out[1].as_slice::<f64>(), [mean]);
        assert_eq!(out[3].shape.to_vec(), [expected.len(), 1]);
    }
    Ok(())
}

#[test]
fn products_against_loops() -> Result<()> {
    let mut random = Random(17);
    let sizes = [1, 2, 3, 8, 17, 40, 300];
    for _ in 0..60 {
        let [m, k, n] = [0; 3].map(|_| random.pick(&sizes));
        let a = random.floats(&[2, m, k]);
        let b = random.floats(&[n, 2, k]);
        let op = Op::Contract {
            batch: [(0, 1)].into_iter().collect(),
            contract: [(2, 2)].into_iter().collect(),
        };
        let out = apply(op, &[&a, &b])?;
        assert_eq!(out.shape.to_vec(), [2, m, n]);
        for index in [[0, 0, 0], [1, m - 1, n - 1], [0, m / 2, n / 3]] {
            let product = |l| at(&a, &[index[0], index[1], l]) * at(&b, &[index[2], index[0], l]);
            let sum: f64 = (0..k).map(product).sum();
            assert!((at(&out, &index) - sum).abs() < 1e-10, "{m} {k} {n}");
        }
    }
    let left = Value::from_slice(&[1i8, 2, 3, 4, 5, 6], &[2, 3]);
    let op = Op::Contract {
        batch: Default::default(),
        contract: [(1, 1)].into_iter().collect(),
    };
    let gram = apply(op, &[&left, &left])?;
    assert_eq!(gram.as_slice::<i8>(), [14, 32, 32, 77]);
    Ok(())
}

/// A view of a value through a layout.
fn strided<'a>(value: &'a Value, layout: &Layout) -> View<'a> {
    // SAFETY: the layouts in these tests stay within the value.
    unsafe {
        View::from_raw(
            value.dtype,
            value.as_ptr().offset(layout.offset),
            layout.shape.clone(),
            layout.strides.clone(),
        )
    }
}

#[test]
fn inputs_may_be_strided_or_misaligned() -> Result<()> {
    let value = Random(23).floats(&[6, 8]);
    let whole = Layout::contiguous(DType::F64, &[6, 8]);
    let span = |start, size, step| Span { start, size, step };
    let bytes = Value::from_slice(&[0u8; 6 * 8 * 8 + 1], &[385]);
    let mut shifted = bytes.clone();
    // SAFETY: both hold the bytes.
    unsafe {
        let target = shifted.as_mut_ptr().add(1);
        target.copy_from_nonoverlapping(value.as_ptr(), 6 * 8 * 8);
    }
    let misaligned = Layout {
        offset: 1,
        ..whole.clone()
    };
    let cases = [
        (&value, whole.clone()),
        (&value, whole.transpose(&[1, 0])),
        (&value, whole.slice(&[span(5, 6, -1), span(7, 4, -2)])),
        (&value, whole.slice(&[span(2, 1, 1), span(0, 8, 1)])),
        (&shifted, misaligned),
    ];
    for (memory, layout) in cases {
        let mut view = strided(memory, &layout);
        view.dtype = DType::F64;
        let shape = layout.shape.to_vec();
        let mut b = Builder::new("f");
        let x = input(&mut b, DType::F64, &shape);
        let y = b.elementwise(Elementwise::Negative, &[x])?;
        let s = b.reduce(Reduction::Sum, y, [0].into_iter().collect())?;
        let t = b.transpose(x, [1, 0].into_iter().collect())?;
        let p = b.add(
            Op::Contract {
                batch: Default::default(),
                contract: [(1, 0)].into_iter().collect(),
            },
            &[t, x],
        )?;
        let graph = fuse(&b.finish(vec![x, y, s, p]))?;
        let mut out = Values::default();
        Executable::new(&graph)?.run(&[view.clone()], &mut out, &mut NoCallbacks)?;
        let contiguous = out.0[0].clone();
        let again = evaluate(&graph, std::slice::from_ref(&contiguous))?;
        for (a, b) in out.0.iter().zip(&again) {
            assert!(close(a, b));
        }
        assert_eq!(
            out.0[1].as_slice::<f64>()[0],
            -contiguous.as_slice::<f64>()[0]
        );
    }
    Ok(())
}

#[test]
fn inputs_and_constants_may_be_outputs() -> Result<()> {
    let mut b = Builder::new("f");
    let x = input(&mut b, DType::F64, &[2, 3]);
    let array = Value::from_slice(&[1.0, 2.0], &[2]);
    let aval = Aval::new(DType::F64, dims(&[2]));
    let c = b.constant(Constant::Array(array.clone().into()), aval);
    let y = b.elementwise(Elementwise::Negative, &[x])?;
    let r = b.reshape(y, dims(&[6]).collect())?;
    let t = b.transpose(y, [1, 0].into_iter().collect())?;
    let graph = fuse(&b.finish(vec![x, c, r, y, y, t]))?;
    let value = Random(29).floats(&[2, 3]);
    let out = evaluate(&graph, std::slice::from_ref(&value))?;
    assert_eq!(out[0], value);
    assert_eq!(out[1], array);
    assert_eq!(out[3], out[4]);
    assert_eq!(out[2].as_slice::<f64>(), out[3].as_slice::<f64>());
    assert_eq!(at(&out[5], &[2, 1]), -at(&value, &[1, 2]));
    Ok(())
}

#[test]
fn sizes_that_do_not_fit_are_refused() -> Result<()> {
    let mut b = Builder::new("f");
    let x = b.symbolic_input("x", DType::F64, &[5]);
    let y = b.symbolic_input("y", DType::F64, &[5]);
    let z = b.elementwise(Elementwise::Add, &[x, y])?;
    let graph = fuse(&b.finish(vec![z]))?;
    let executable = Executable::new(&graph)?;
    let ones = |n: usize| Value::from_slice(&vec![1.0; n], &[n]);
    assert_eq!(executable.run_values(&[ones(7), ones(7)])?[0].len(), 7);
    let refused = executable.run_values(&[ones(7), ones(6)]);
    assert!(matches!(
        refused.map_err(|e| e.kind),
        Err(ErrorKind::Assumption { .. })
    ));
    Ok(())
}

#[test]
fn many_threads_may_run_one_executable() -> Result<()> {
    let mut b = Builder::new("f");
    let x = b.symbolic_input("x", DType::F64, &[5]);
    let y = b.elementwise(Elementwise::Sin, &[x])?;
    let s = b.reduce(Reduction::Sum, y, [0].into_iter().collect())?;
    let executable = Executable::new(&fuse(&b.finish(vec![s]))?)?;
    std::thread::scope(|scope| {
        for n in 1..5 {
            let executable = &executable;
            scope.spawn(move || {
                let value = Random(n).floats(&[1000 * n as usize]);
                let sum: f64 = value.as_slice::<f64>().iter().map(|x| x.sin()).sum();
                for _ in 0..50 {
                    let out = executable.run_values(std::slice::from_ref(&value));
                    let out = out.expect("the graph has no errors");
                    assert!((out[0].as_slice::<f64>()[0] - sum).abs() < 1e-9);
                }
            });
        }
    });
    Ok(())
}
