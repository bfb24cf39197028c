//! Laws of loops and branches: both ways of running them, their text, passes, derivatives of both modes
//! and orders against differences.

use lazy_core::eval::Executable;
use lazy_core::eval::value::Value;
use lazy_core::graph::Graph;
use lazy_transforms::Transform;
use lazy_transforms::autodiff::{grad, jacfwd, jvp};
use lazy_transforms::simplify::standard;

/// A sum of squares by elements.
const SUM: &str = "\
sum(x: float64[n0]) {
  %0 x = input : float64[n0]
  %1 = size n0 : int64*[]
  %2 = constant 0.0 : float64[]
  %3 s = loop(%1, %0, %2) carried=1 body(k: int64*[], x: float64[n0], s: float64[]) {
    %0 k = input : int64*[]
    %1 x = input : float64[n0]
    %2 s = input : float64[]
    %3 = gather(%1, %0) axes=[0] at=0 : float64[]
    %4 = multiply(%3, %3) : float64[]
    %5 = add(%2, %4) : float64[]
    return %5
  } : float64[]
  return %3
}
";

/// A recursion over whole arrays, with a branch on the way, read at its end.
const RECURSION: &str = "\
recursion(x: float64[n0]) {
  %0 x = input : float64[n0]
  %1 = constant 7 : int64*[]
  %2 = loop(%1, %0) carried=1 body(k: int64*[], y: float64[n0]) {
    %0 k = input : int64*[]
    %1 y = input : float64[n0]
    %2 = sum(%1) axes=[0] : float64[]
    %3 = constant 0.5 : float64*[]
    %4 = less(%2, %3) : bool[]
    %5 = cond(%4, %1, %2) then(y: float64[n0], s: float64[]) {
      %0 y = input : float64[n0]
      %1 s = input : float64[]
      %2 = sin(%0) : float64[n0]
      %3 = multiply(%2, %1) : float64[n0]
      return %3
    } otherwise(y: float64[n0], s: float64[]) {
      %0 y = input : float64[n0]
      %1 s = input : float64[]
      %2 = cos(%0) : float64[n0]
      return %2
    } : float64[n0]
    return %5
  } : float64[n0]
  %3 = multiply(%2, %0) : float64[n0]
  %4 = sum(%3) axes=[0] : float64[]
  return %4
}
";

/// Writes that the next trip reads, for as many trips as a flag allows.
const WRITES: &str = "\
writes(x: float64[n0]) {
  %0 x = input : float64[n0]
  %1 = constant 100 : int64*[]
  %2 = constant True : bool[]
  %3 = loop(%1, %2, %0) carried=2 conditional body(k: int64*[], flag: bool[], y: float64[n0]) {
    %0 k = input : int64*[]
    %1 flag = input : bool[]
    %2 y = input : float64[n0]
    %3 = constant 1 : int64*[]
    %4 = add(%0, %3) : int64*[]
    %5 = gather(%2, %0) axes=[0] at=0 : float64[]
    %6 = gather(%2, %4) axes=[0] at=0 : float64[]
    %7 = sin(%5) : float64[]
    %8 = multiply(%7, %6) : float64[]
    %9 = add(%8, %6) : float64[]
    %10 = scatter_set(%2, %9, %4) axes=[0] at=0 : float64[n0]
    %11 = size n0 : int64*[]
    %12 = constant 2 : int64*[]
    %13 = subtract(%11, %12) : int64*[]
    %14 = less(%0, %13) : bool*[]
    %15 = cast(%14) to=bool : bool[]
    return %15, %10
  } : bool[]
  %4 y = part(%3) 1 : float64[n0]
  %5 = multiply(%4, %4) : float64[n0]
  %6 = sum(%5) axes=[0] : float64[]
  return %6
}
";

/// Triangular sums over slices whose length is the trip.
const SLICES: &str = "\
slices(x: float64[n0]) {
  %0 x = input : float64[n0]
  %1 = size n0 : int64*[]
  %2 = constant 0.0 : float64[]
  %3 = loop(%1, %0, %2) carried=1 body(k: int64*[], x: float64[n0], s: float64[]) {
    %0 k = input : int64*[]
    %1 x = input : float64[n0]
    %2 s = input : float64[]
    %3 = arange(%0) : int64[n1]
    %4 = gather(%1, %3) axes=[0] at=0 : float64[n1]
    %5 = contract(%4, %4) contract=[(0, 0)] : float64[]
    %6 = gather(%1, %0) axes=[0] at=0 : float64[]
    %7 = multiply(%5, %6) : float64[]
    %8 = add(%2, %7) : float64[]
    return %8
  } : float64[]
  return %3
}
";

const ALL: [&str; 4] = [SUM, RECURSION, WRITES, SLICES];

fn parsed(text: &str) -> Graph {
    text.parse().expect("a graph")
}

fn run(graph: &Graph, inputs: &[Value]) -> Vec<Value> {
    let executable = Executable::new(graph).expect("executable");
    executable.run_values(inputs).expect("it runs")
}

fn value(graph: &Graph, x: &[f64]) -> f64 {
    run(graph, &[Value::from_slice(x, &[x.len()])])[0].as_slice::<f64>()[0]
}

fn point(n: usize) -> Vec<f64> {
    (0..n).map(|i| 0.3 + 0.4 * ((i * 7 % 5) as f64)).collect()
}

fn differences(graph: &Graph, x: &[f64]) -> Vec<f64> {
    let along = |i: usize, h: f64| {
        let mut moved = x.to_vec();
        moved[i] += h;
        value(graph, &moved)
    };
    (0..x.len())
        .map(|i| (along(i, 1e-6) - along(i, -1e-6)) / 2e-6)
        .collect()
}

fn close(got: &[f64], wanted: &[f64]) {
    assert_eq!(got.len(), wanted.len());
    for (g, w) in got.iter().zip(wanted) {
        assert!(
            (g - w).abs() <= 1e-6 * (1.0 + w.abs()),
            "{got:?} for {wanted:?}"
        );
    }
}

#[test]
fn text_round_trips() {
    for text in ALL {
        assert_eq!(parsed(text).to_string(), text);
    }
}

#[test]
fn values() {
    let x = point(6);
    let squares: f64 = x.iter().map(|x| x * x).sum();
    assert!((value(&parsed(SUM), &x) - squares).abs() < 1e-12);
    let mut y = x.clone();
    for k in 0..5 {
        y[k + 1] += y[k].sin() * y[k + 1];
    }
    let written: f64 = y.iter().map(|y| y * y).sum();
    assert!((value(&parsed(WRITES), &x) - written).abs() < 1e-12);
    let triangle: f64 = (0..6)
        .map(|k| x[..k].iter().map(|x| x * x).sum::<f64>() * x[k])
        .sum();
    assert!((value(&parsed(SLICES), &x) - triangle).abs() < 1e-12);
}

/// Arrays that are long run by executables, short ones as programs: the same values.
#[test]
fn both_ways_of_running() {
    let mut y = point(5000);
    let long = value(&parsed(RECURSION), &y);
    for _ in 0..7 {
        let sum: f64 = y.iter().sum();
        let next = |y: f64| if sum < 0.5 { y.sin() * sum } else { y.cos() };
        y = y.into_iter().map(next).collect();
    }
    let wanted: f64 = y.iter().zip(point(5000)).map(|(y, x)| y * x).sum();
    assert!((long - wanted).abs() < 1e-9 * wanted.abs());
}

#[test]
fn passes_keep_values() {
    for text in ALL {
        let graph = parsed(text);
        let simplified = standard().apply(&graph).expect("passes");
        let x = point(6);
        close(&[value(&simplified, &x)], &[value(&graph, &x)]);
    }
}

#[test]
fn gradients() {
    for text in ALL {
        let graph = parsed(text);
        let gradient = grad(vec![0]).apply(&graph).expect("a gradient");
        for n in [2, 6] {
            let x = point(n);
            let got = run(&gradient, &[Value::from_slice(&x, &[n])]);
            close(got[0].as_slice(), &differences(&graph, &x));
        }
    }
}

#[test]
fn tangents() {
    for text in ALL {
        let graph = parsed(text);
        let pushed = jvp(vec![0]).apply(&graph).expect("a tangent");
        let x = point(6);
        let t = [1.0, -2.0, 0.5, 0.25, 3.0, -1.0];
        let values = [Value::from_slice(&x, &[6]), Value::from_slice(&t, &[6])];
        let along: f64 = differences(&graph, &x)
            .iter()
            .zip(t)
            .map(|(d, t)| d * t)
            .sum();
        close(run(&pushed, &values)[1].as_slice(), &[along]);
    }
}

/// Forward over reverse.
#[test]
fn second_derivatives() {
    for text in ALL {
        let graph = parsed(text);
        let gradient = grad(vec![0]).apply(&graph).expect("a gradient");
        let hessian = jacfwd(vec![0]).apply(&gradient).expect("a hessian");
        let x = point(4);
        let got = run(&hessian, &[Value::from_slice(&x, &[4])]);
        let mut wanted = vec![0.0; 16];
        for j in 0..4 {
            let at = |h: f64| {
                let mut moved = x.clone();
                moved[j] += h;
                run(&gradient, &[Value::from_slice(&moved, &[4])])[0]
                    .as_slice::<f64>()
                    .to_vec()
            };
            let (up, down) = (at(1e-6), at(-1e-6));
            for i in 0..4 {
                wanted[i * 4 + j] = (up[i] - down[i]) / 2e-6;
            }
        }
        close(got[0].as_slice(), &wanted);
    }
}
