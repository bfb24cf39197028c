//! Laws of passes: they keep values, to the truth that they claim.

mod common;

use common::evaluate;
use lazy_core::error::Result;
use lazy_core::eval::value::Value;
use lazy_core::graph::{Aval, Builder, DType, Dim, Graph, NodeId};
use lazy_core::ops::{Constant, Elementwise, Op, Range, Reduction};
use lazy_transforms::Transform;
use lazy_transforms::simplify::{
    RULES, Rule, STRENGTHS, Truth, Truths, When, canonicalize, cse, dce, fold, reductions, reflect,
    simplify, simplify_reporting, standard, standard_for,
};

/// A pass as a value.
type Pass = Box<dyn Fn(&Graph) -> Result<Graph>>;

/// Values at which everything is tried.
const SPECIAL: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -2.5,
    3.7,
    1e-20,
    -1e-20,
    37.0,
    -40.0,
    1e300,
    -1e300,
    1e-310,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];
/// Values far from overflow, underflow and the ends of domains.
const MODERATE: &[f64] = &[0.3, 0.7, 1.0, 1.9, 2.5, 5.25, 11.0];

/// All combinations of `points` for so many holes.
fn grid(points: &[f64], holes: usize) -> Vec<Vec<f64>> {
    let mut columns = vec![Vec::new(); holes];
    for i in 0..points.len().pow(holes as u32) {
        for (h, column) in columns.iter_mut().enumerate() {
            column.push(points[i / points.len().pow(h as u32) % points.len()]);
        }
    }
    columns
}

fn value_of(column: &[f64], dtype: DType) -> Value {
    let shape = [column.len()];
    match dtype {
        DType::F32 => Value::from_slice(
            &column.iter().map(|&v| v as f32).collect::<Vec<_>>(),
            &shape,
        ),
        DType::I64 => Value::from_slice(
            &column.iter().map(|&v| v as i64).collect::<Vec<_>>(),
            &shape,
        ),
        DType::U8 => {
            Value::from_slice(&column.iter().map(|&v| v as u8).collect::<Vec<_>>(), &shape)
        }
        DType::Bool => {
            Value::from_slice(&column.iter().map(|&v| v > 1.0).collect::<Vec<_>>(), &shape)
        }
        _ => Value::from_slice(column, &shape),
    }
}

/// The elements as float64, for comparison.
fn numbers(value: &Value) -> Vec<f64> {
    match value.dtype {
        DType::F64 => value.as_slice::<f64>().to_vec(),
        DType::F32 => value.as_slice::<f32>().iter().map(|&v| v.into()).collect(),
        DType::I64 => value.as_slice::<i64>().iter().map(|&v| v as f64).collect(),
        DType::U8 => value.as_slice::<u8>().iter().map(|&v| v.into()).collect(),
        DType::Bool => {
            let bits = value.as_slice::<bool>().iter();
            bits.map(|&v| f64::from(u8::from(v))).collect()
        }
        other => panic!("{other} does not come up"),
    }
}

fn same_bits(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// The rule's two sides on vectors, and the values of both; `None` where NumPy refuses the dtype.
fn sides(rule: &Rule, dtype: DType, points: &[f64]) -> Option<(Graph, Vec<f64>, Vec<f64>)> {
    let mut names: Vec<String> = Vec::new();
    let constants = [("a", 3.0), ("b", -0.7), ("c", 1.5), ("d", 2.0)];
    let build = |b: &mut Builder, name: &str, length: usize| match constants
        .iter()
        .find(|(letter, _)| *letter == name)
    {
        Some((_, value)) => b.float(*value),
        None if name == "choice" => b.input(name, Aval::new(DType::Bool, [length.into()])),
        None => b.input(name, Aval::new(dtype, [length.into()])),
    };
    rule.sides(|b, name| {
        names.push(name.to_owned());
        build(b, name, 1)
    })
    .ok()?;
    names.retain(|name| constants.iter().all(|(letter, _)| letter != name));
    let columns = grid(points, names.len());
    let length = columns.first()?.len();
    let (left, right) = rule.sides(|b, name| build(b, name, length)).ok()?;
    let inputs: Vec<Value> = columns.iter().map(|c| value_of(c, dtype)).collect();
    let before = evaluate(&left, &inputs).remove(0);
    let after = evaluate(&right, &inputs).remove(0);
    if left.aval(left.outputs()[0]) != right.aval(right.outputs()[0]) {
        return None;
    }
    Some((left, numbers(&before), numbers(&after)))
}

fn dtypes(when: When) -> &'static [DType] {
    match when {
        When::Always | When::Real => &[DType::F64, DType::F32, DType::I64, DType::U8],
        When::Float => &[DType::F64, DType::F32],
        When::Signed => &[DType::F64, DType::F32, DType::I64],
        When::Integer => &[DType::I64, DType::U8],
    }
}

/// The distance in units of the last place of the dtype.
fn ulps(a: f64, b: f64, dtype: DType) -> f64 {
    let epsilon = match dtype {
        DType::F32 => f64::from(f32::EPSILON),
        _ => f64::EPSILON,
    };
    if a == b {
        0.0
    } else {
        (a - b).abs() / (a.abs().max(b.abs()) * epsilon)
    }
}

#[test]
fn each_rule_is_as_true_as_it_says() {
    let mut problems = Vec::new();
    for rule in RULES.iter().chain(STRENGTHS) {
        let mut tried = 0;
        for &dtype in dtypes(rule.when) {
            let points = match rule.truth {
                Truth::Exact => SPECIAL,
                Truth::Ulp(_) | Truth::Stable | Truth::Real => MODERATE,
            };
            let Some((_, before, after)) = sides(rule, dtype, points) else {
                continue;
            };
            tried += 1;
            for (i, (&x, &y)) in before.iter().zip(&after).enumerate() {
                let ok = match rule.truth {
                    Truth::Exact => same_bits(x, y),
                    Truth::Ulp(n) => ulps(x, y, dtype) <= f64::from(n) + 1.0,
                    // The left side may have lost half of its digits.
                    Truth::Stable | Truth::Real => {
                        let lost = if dtype == DType::F32 { 1e-2 } else { 1e-5 };
                        !x.is_finite() || (x - y).abs() <= lost * x.abs().max(1.0)
                    }
                };
                if !ok {
                    problems.push(format!("{} on {dtype} at {i}: {x} became {y}", rule.name));
                    break;
                }
            }
        }
        if tried == 0 {
            problems.push(format!("{} was not tried", rule.name));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn each_rule_fires_where_its_truth_is_allowed_and_only_there() {
    for rule in RULES {
        let fires = |dtype: DType| {
            let (left, _) = rule
                .sides(|b, name| match name {
                    "a" | "b" => b.float(if name == "a" { 3.0 } else { -0.7 }),
                    _ => b.input(name, Aval::new(dtype, [Dim::known(3)])),
                })
                .ok()?;
            let (_, fired) = simplify_reporting(&canonicalize(&left).ok()?, Truths::All).ok()?;
            let (_, strict) = simplify_reporting(&left, Truths::Exact).ok()?;
            assert!(
                strict.iter().all(|f| f.truth == Truth::Exact),
                "{}",
                rule.name
            );
            Some(!fired.is_empty())
        };
        let fired = dtypes(rule.when).iter().filter_map(|&dtype| fires(dtype));
        assert!(fired.into_iter().any(|f| f), "{} never fires", rule.name);
    }
}

/// A small generator of numbers, so that failures repeat.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// A program over `x` and `y` of shape (2, 17) and `s` of shape (): every family that passes look at.
fn program(dice: &mut Dice) -> Graph {
    use Elementwise::*;
    let shape = || [Dim::known(2), Dim::known(SPECIAL.len() as i64)];
    let mut b = Builder::new("program");
    let x = b.input("x", Aval::new(DType::F64, shape()));
    let y = b.input("y", Aval::new(DType::F64, shape()));
    let s = b.input("s", Aval::scalar(DType::F64));
    let mut pool = vec![x, y, s];
    for _ in 0..25 {
        let p = pool[dice.roll(pool.len())];
        let q = pool[dice.roll(pool.len())];
        let made = match dice.roll(14) {
            0..4 => {
                let op = [Add, Subtract, Multiply, Divide, Maximum][dice.roll(5)];
                b.elementwise(op, &[p, q])
            }
            4..6 => {
                let op = [Negative, Absolute, Exp, Log1p, Square, Log, Expm1, Sqrt][dice.roll(8)];
                b.elementwise(op, &[p])
            }
            6 | 7 => {
                let c = match dice.roll(6) {
                    0 => b.int([0, 1, -1, 2][dice.roll(4)]),
                    1 => b.full_like(1.0, p).unwrap(),
                    _ => b.float([0.0, 1.0, -3.5, 0.5, -0.0][dice.roll(5)]),
                };
                let op = [Add, Subtract, Multiply, Divide][dice.roll(4)];
                let pair = if dice.roll(2) == 0 { [c, p] } else { [p, c] };
                b.elementwise(op, &pair)
            }
            8 => {
                let less = b.elementwise(Less, &[p, q]);
                less.and_then(|c| b.elementwise(Where, &[c, p, q]))
            }
            9 => b.broadcast_to(p, shape().into_iter().collect()),
            10 => reshaped(&mut b, p, dice),
            11 => sliced(&mut b, p, dice),
            12 => {
                let axes = (0..b.aval(p).rank())
                    .filter(|_| dice.roll(2) == 0)
                    .collect();
                let kind = [Reduction::Max, Reduction::Min][dice.roll(2)];
                b.reduce(kind, p, axes)
            }
            _ => b.cast(p, DType::F64),
        };
        // What NumPy refuses (shapes that do not broadcast) is not part of the program.
        if let Ok(node) = made {
            if dice.roll(3) == 0 {
                b.name(node, format!("v{}", node.index()));
            }
            pool.push(node);
        }
    }
    let outputs = pool.iter().rev().take(3).copied().collect();
    b.finish(outputs)
}

fn reshaped(b: &mut Builder, p: NodeId, dice: &mut Dice) -> Result<NodeId> {
    let shape = b.aval(p).shape.clone();
    if dice.roll(2) == 0 {
        b.transpose(p, (0..shape.len()).rev().collect())
    } else {
        let flat = b.aval(p).size();
        let flat = b.reshape(p, [flat].into_iter().collect())?;
        b.reshape(flat, shape)
    }
}

fn sliced(b: &mut Builder, p: NodeId, dice: &mut Dice) -> Result<NodeId> {
    let shape = b.aval(p).shape.clone();
    let ranges = shape
        .iter()
        .map(|size| match (size.as_known(), dice.roll(3)) {
            (Some(n), 0) if n > 2 => Range {
                start: Dim::known(1),
                size: ((n - 1 + 1) / 2).into(),
                step: 2,
            },
            (Some(n), 1) => Range {
                start: (n - 1).into(),
                size: n.into(),
                step: -1,
            },
            _ => Range::full(size.clone()),
        });
    let ranges = ranges.collect();
    b.add(Op::Slice(ranges), &[p])
}

fn inputs() -> Vec<Value> {
    let n = SPECIAL.len();
    let forward: Vec<f64> = SPECIAL
        .iter()
        .chain(SPECIAL.iter().rev())
        .copied()
        .collect();
    let rotated: Vec<f64> = (0..2 * n).map(|i| forward[(5 * i + 3) % (2 * n)]).collect();
    vec![
        Value::from_slice(&forward, &[2, n]),
        Value::from_slice(&rotated, &[2, n]),
        Value::from_slice(&[-2.5], &[]),
    ]
}

#[test]
fn exact_passes_keep_every_bit() {
    fn named(
        name: &'static str,
        pass: impl Fn(&Graph) -> Result<Graph> + 'static,
    ) -> (&'static str, Pass) {
        (name, Box::new(pass))
    }
    let passes = [
        named("canonicalize", canonicalize),
        named("cse", cse),
        named("dce", dce),
        named("fold", fold),
        named("simplify", |g| simplify(Truths::Exact).apply(g)),
        named("reductions", |g| reductions(Truths::Exact).apply(g)),
        named("standard", |g| standard_for(Truths::Exact).apply(g)),
    ];
    let mut dice = Dice(2012);
    for _ in 0..60 {
        let graph = program(&mut dice);
        let before = evaluate(&graph, &inputs());
        for (name, pass) in &passes {
            let after_graph = pass(&graph).unwrap();
            assert_eq!(after_graph.inputs().len(), graph.inputs().len());
            let after = evaluate(&after_graph, &inputs());
            for (x, y) in before.iter().zip(&after) {
                assert_eq!((x.dtype, &x.shape), (y.dtype, &y.shape), "{name}\n{graph}");
                for (i, (x, y)) in numbers(x).into_iter().zip(numbers(y)).enumerate() {
                    assert!(
                        same_bits(x, y),
                        "{name}: element {i}, {x}, became {y}\n{graph}\n{after_graph}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_standard_passes_reach_a_fixpoint() {
    let mut dice = Dice(7);
    for _ in 0..40 {
        let once = standard().apply(&program(&mut dice)).unwrap();
        let twice = standard().apply(&once).unwrap();
        assert_eq!(once.to_string(), twice.to_string());
    }
}

#[test]
fn opposite_softplus_share_their_even_part() {
    use Elementwise::{LogExpit, Negative, Softplus};
    for dtype in [DType::F64, DType::F32] {
        let mut b = Builder::new("opposite");
        let x = b.input("x", Aval::new(dtype, [Dim::from(SPECIAL.len())]));
        let minus = b.elementwise(Negative, &[x]).unwrap();
        let outputs = [(Softplus, x), (Softplus, minus), (LogExpit, x)];
        let outputs = outputs.map(|(op, of)| b.elementwise(op, &[of]).unwrap());
        let before = b.finish(outputs.to_vec());
        let after = reflect.then(cse).then(dce).apply(&before).unwrap();
        let softplus = after
            .nodes()
            .filter(|&id| *after.op(id) == Op::Elementwise(Softplus));
        assert_eq!(softplus.count(), 1, "{after}");
        let input = [value_of(SPECIAL, dtype)];
        let values = evaluate(&before, &input);
        for (x, y) in values.iter().zip(evaluate(&after, &input)) {
            for (x, y) in numbers(x).into_iter().zip(numbers(&y)) {
                let same = match dtype {
                    DType::F64 => same_bits(x, y),
                    _ => same_bits(x, y) || ulps(x, y, dtype) <= 1.0,
                };
                assert!(same, "{x} became {y}\n{after}");
            }
        }
    }
}

#[test]
fn draws_are_kept_and_never_merged() {
    let mut b = Builder::new("draws");
    let draw = Op::Draw {
        distribution: lazy_core::ops::Distribution::Normal,
        shape: [].into_iter().collect(),
        generator: 0,
    };
    let first = b.add(draw.clone(), &[]).unwrap();
    b.add(draw.clone(), &[]).unwrap();
    let third = b.add(draw, &[]).unwrap();
    let sum = b.elementwise(Elementwise::Add, &[first, third]).unwrap();
    let graph = standard().apply(&b.finish(vec![sum])).unwrap();
    assert_eq!(graph.effects().len(), 3);
}

#[test]
fn constants_differ_by_their_bits() {
    let mut b = Builder::new("zeros");
    let x = b.input("x", Aval::scalar(DType::F64));
    let zeros = [0.0, -0.0, 0.0].map(|zero| {
        let zero = b.constant(Constant::Float(zero), Aval::scalar(DType::F64));
        b.elementwise(Elementwise::Copysign, &[x, zero]).unwrap()
    });
    let graph = cse(&b.finish(zeros.to_vec())).unwrap();
    let outputs = graph.outputs();
    assert!(outputs[0] != outputs[1] && outputs[0] == outputs[2]);
}

#[test]
fn names_survive() {
    let mut b = Builder::new("f");
    let x = b.input("x", Aval::scalar(DType::F64));
    let one = b.int(1);
    let sum = b.elementwise(Elementwise::Add, &[one, x]).unwrap();
    let log = b.elementwise(Elementwise::Log, &[sum]).unwrap();
    b.name(log, "growth");
    let graph = standard().apply(&b.finish(vec![log])).unwrap();
    let output = graph.outputs()[0];
    assert_eq!(graph.op(output), &Op::Elementwise(Elementwise::Log1p));
    assert_eq!(graph.node(output).name.as_deref(), Some("growth"));
}

#[test]
fn a_shared_subexpression_is_not_computed_twice() {
    // exp(x) is needed anyway: expm1(x) would be a second exponential.
    let mut b = Builder::new("f");
    let x = b.input("x", Aval::scalar(DType::F64));
    let e = b.elementwise(Elementwise::Exp, &[x]).unwrap();
    let one = b.int(1);
    let minus = b.elementwise(Elementwise::Subtract, &[e, one]).unwrap();
    let (_, fired) = simplify_reporting(&b.finish(vec![minus, e]), Truths::Default).unwrap();
    assert_eq!(fired, []);
}
