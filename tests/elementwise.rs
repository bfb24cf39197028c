//! Laws over the whole table of elementwise operations: every dtype that resolves has a loop, a loop
//! gives the same at every length and in place, a partial is the limit of the difference quotient.

use lazy_core::eval::kernels;
use lazy_core::eval::value::Value;
use lazy_core::graph::{Aval, Builder, DType, Graph, NodeId};
use lazy_core::ops::elementwise::{Linearity, Partial};
use lazy_core::ops::{Constant, Elementwise, Op};

/// All tuples of dtypes with which an operation may be called.
fn signatures(op: Elementwise) -> Vec<Vec<DType>> {
    (0..op.arity()).fold(vec![vec![]], |tuples, _| {
        let longer =
            |t: &Vec<DType>| DType::ALL.map(|d| t.iter().copied().chain([d]).collect::<Vec<_>>());
        tuples.iter().flat_map(longer).collect()
    })
}

fn resolve(op: Elementwise, dtypes: &[DType]) -> Option<(Vec<DType>, DType)> {
    let avals: Vec<Aval> = dtypes.iter().map(|&d| Aval::scalar(d)).collect();
    let resolution = op.result_dtype(&avals.iter().collect::<Vec<_>>()).ok()?;
    Some((resolution.operands.to_vec(), resolution.out))
}

/// Small whole numbers and halves of both signs, as the dtype holds them.
fn sample(dtype: DType, len: usize, seed: usize) -> Value {
    let numbers: Vec<f64> = (0..len)
        .map(|i| ((i * 7 + seed * 3) % 23) as f64 / 2.0 - 3.0)
        .collect();
    let floats = Value::from_slice(&numbers, &[len]);
    convert(&floats, dtype)
}

fn convert(value: &Value, dtype: DType) -> Value {
    let mut out = Value::zeros(dtype, &value.shape);
    let cast = kernels::cast(value.dtype, dtype);
    // SAFETY: both hold `len` elements of their dtypes.
    unsafe { cast(&[value.as_ptr()], out.as_mut_ptr(), value.len()) };
    out
}

fn apply(op: Elementwise, operands: &[Value], out: DType) -> Value {
    let dtypes: Vec<DType> = operands.iter().map(|v| v.dtype).collect();
    let kernel = kernels::lookup(op, &dtypes).unwrap_or_else(|| panic!("{op:?} {dtypes:?}"));
    let mut result = Value::zeros(out, &operands[0].shape);
    let pointers: Vec<*const u8> = operands.iter().map(Value::as_ptr).collect();
    // SAFETY: all hold as many elements of the loop's dtypes.
    unsafe { kernel(&pointers, result.as_mut_ptr(), operands[0].len()) };
    result
}

#[test]
fn what_resolves_has_a_loop() {
    for &op in Elementwise::ALL {
        for dtypes in signatures(op) {
            if let Some((operands, out)) = resolve(op, &dtypes) {
                let found = kernels::lookup(op, &operands);
                assert!(found.is_some(), "{op:?} {dtypes:?} -> {operands:?} {out}");
            }
        }
    }
}

#[test]
fn a_loop_gives_the_same_at_every_length_and_in_place() {
    const LONGEST: usize = 1000;
    for &op in Elementwise::ALL {
        for dtypes in signatures(op) {
            // Each loop once: where nothing is cast.
            let Some((operands, out)) = resolve(op, &dtypes).filter(|(o, _)| *o == dtypes) else {
                continue;
            };
            let inputs: Vec<Value> = (0..)
                .zip(&operands)
                .map(|(i, &d)| sample(d, LONGEST, i))
                .collect();
            let whole = apply(op, &inputs, out);
            for len in [0, 1, 3, 4, 7, 64] {
                let starts: Vec<Value> = (0..)
                    .zip(&operands)
                    .map(|(i, &d)| sample(d, len, i))
                    .collect();
                let part = apply(op, &starts, out);
                assert_eq!(
                    bytes(&part),
                    &bytes(&whole)[..len * out.size()],
                    "{op:?} {operands:?} {len}"
                );
            }
            for (i, input) in inputs
                .iter()
                .enumerate()
                .filter(|(_, v)| v.dtype.size() == out.size())
            {
                let mut over = input.clone();
                let kernel = kernels::lookup(op, &operands).expect("as above");
                let target = over.as_mut_ptr();
                let pointers: Vec<*const u8> = (0..)
                    .zip(&inputs)
                    .map(|(j, v)| {
                        if j == i {
                            target.cast_const()
                        } else {
                            v.as_ptr()
                        }
                    })
                    .collect();
                // SAFETY: the output is exactly one of the inputs.
                unsafe { kernel(&pointers, target, LONGEST) };
                assert_eq!(
                    bytes(&over),
                    bytes(&whole),
                    "{op:?} {operands:?} over operand {i}"
                );
            }
        }
    }
}

fn bytes(value: &Value) -> &[u8] {
    // SAFETY: the value holds that many initialised bytes.
    unsafe { std::slice::from_raw_parts(value.as_ptr(), value.len() * value.dtype.size()) }
}

/// The value of a node of a graph of scalars.
fn evaluate(graph: &Graph, node: NodeId, inputs: &[f64]) -> Value {
    let aval = graph.aval(node);
    match graph.op(node) {
        Op::Input => {
            let i = graph
                .inputs()
                .iter()
                .position(|&n| n == node)
                .expect("an input");
            convert(&Value::from_slice(&[inputs[i]], &[1]), aval.dtype)
        }
        Op::Constant(Constant::Int(v)) => convert(&Value::from_slice(&[*v], &[1]), aval.dtype),
        Op::Constant(Constant::Float(v)) => convert(&Value::from_slice(&[*v], &[1]), aval.dtype),
        Op::Cast(dtype) => convert(&evaluate(graph, graph.operands(node)[0], inputs), *dtype),
        Op::Elementwise(op) => {
            let operands = graph.operands(node);
            let avals: Vec<&Aval> = operands.iter().map(|&n| graph.aval(n)).collect();
            let resolution = op.result_dtype(&avals).expect("a graph resolves");
            let values: Vec<Value> = operands
                .iter()
                .zip(&resolution.operands)
                .map(|(&n, &d)| convert(&evaluate(graph, n, inputs), d))
                .collect();
            apply(*op, &values, resolution.out)
        }
        other => panic!("not in a partial: {other:?}"),
    }
}

fn number(value: &Value) -> f64 {
    convert(value, DType::F64).as_slice::<f64>()[0]
}

/// `node` of a graph whose inputs are operands of `op`, and whose node after them applies it.
fn partial_graph(op: Elementwise, dtypes: &[DType], wrt: usize) -> Option<(Graph, Partial)> {
    let mut b = Builder::new("partial");
    let x: Vec<NodeId> = (0..)
        .zip(dtypes)
        .map(|(i, &d)| b.input(&format!("x{i}"), Aval::scalar(d)))
        .collect();
    let out = b.elementwise(op, &x).ok()?;
    let partial = op.partial(&mut b, &x, out, wrt).expect("partials build");
    let shown = match partial {
        Partial::Node(node) | Partial::Real(node) => node,
        Partial::Zero | Partial::One | Partial::MinusOne | Partial::NotDifferentiable(_) => out,
    };
    Some((b.finish(vec![out, shown]), partial))
}

/// The dtypes to differentiate in: floats, but bools and integers where the row needs them.
fn float_signature(op: Elementwise, float: DType) -> Vec<DType> {
    match op {
        Elementwise::Where => vec![DType::Bool, float, float],
        Elementwise::Ldexp => vec![float, DType::I64],
        _ => vec![float; op.arity()],
    }
}

/// How many operands, the first ones, are whole.
fn orders(op: Elementwise) -> usize {
    match op {
        Elementwise::Polygamma
        | Elementwise::ExprelDerivative
        | Elementwise::GammaincDerivative
        | Elementwise::ZetaDerivative
        | Elementwise::SphericalJn
        | Elementwise::Expn => 1,
        Elementwise::BetaincDerivative => 2,
        _ => 0,
    }
}

fn is_differentiable(op: Elementwise) -> bool {
    let floats = float_signature(op, DType::F64);
    resolve(op, &floats).is_some_and(|(_, out)| out.is_float())
}

#[test]
fn a_partial_is_the_limit_of_the_difference_quotient() {
    let h = 1e-6;
    for &op in Elementwise::ALL.iter().filter(|&&op| is_differentiable(op)) {
        let domain = op.def().domain;
        assert_eq!(domain.len(), op.arity(), "{op:?}");
        for wrt in 0..op.arity() {
            let dtypes = float_signature(op, DType::F64);
            if !dtypes[wrt].is_float() {
                continue;
            }
            let (graph, partial) = partial_graph(op, &dtypes, wrt).expect("floats resolve");
            for fraction in [0.13, 0.41, 0.77] {
                let mut x: Vec<f64> = (0..)
                    .zip(domain)
                    .map(|(i, r)| {
                        r.start + (r.end - r.start) * ((fraction + 0.17 * f64::from(i)) % 1.0)
                    })
                    .collect();
                for order in &mut x[..orders(op)] {
                    *order = order.floor();
                }
                let at = |x: &[f64]| number(&evaluate(&graph, graph.outputs()[0], x));
                let moved = |by: f64| {
                    let mut moved = x.clone();
                    moved[wrt] += by;
                    at(&moved)
                };
                let quotient = (moved(h) - moved(-h)) / (2.0 * h);
                let slope = match partial {
                    Partial::Node(node) | Partial::Real(node) => {
                        number(&evaluate(&graph, node, &x))
                    }
                    Partial::Zero => 0.0,
                    Partial::One => 1.0,
                    Partial::MinusOne => -1.0,
                    Partial::NotDifferentiable(_) => continue,
                };
                // `spacing` and its like move by one unit in the last place, over h.
                let tolerance = 1e-7 * slope.abs().max(1.0);
                assert!(
                    (slope - quotient).abs() < tolerance,
                    "{op:?} by operand {wrt} at {x:?}: {slope}, quotient {quotient}"
                );
            }
        }
    }
}

#[test]
fn partials_of_float32_are_float32() {
    for &op in Elementwise::ALL.iter().filter(|&&op| is_differentiable(op)) {
        for wrt in 0..op.arity() {
            let dtypes = float_signature(op, DType::F32);
            let Some((graph, Partial::Node(node))) = partial_graph(op, &dtypes, wrt) else {
                continue;
            };
            let (slope, out) = (graph.aval(node), graph.aval(graph.outputs()[0]));
            assert!(
                slope.weak || slope.dtype == out.dtype,
                "{op:?} by {wrt}: {slope} for {out}"
            );
        }
    }
}

#[test]
fn names_and_spellings_are_unique() {
    for &op in Elementwise::ALL {
        assert_eq!(Elementwise::from_name(op.def().name), Some(op));
        for spelling in op.def().numpy {
            assert_eq!(Elementwise::from_numpy(spelling), Some(op));
        }
        if let Linearity::Jointly(operands) = op.def().linear {
            assert!(operands.iter().all(|&i| i < op.arity()), "{op:?}");
        }
    }
}

#[test]
fn integers_to_negative_powers_are_refused() {
    let check = |dtype, weak| {
        let power = Elementwise::Power;
        let aval = if weak {
            Aval::weak(dtype)
        } else {
            Aval::scalar(dtype)
        };
        let resolution = power.result_dtype(&[&aval, &aval]).expect("it has a loop");
        kernels::check(power, &resolution)
    };
    let of_int32 = check(DType::I32, false).expect("it can fail");
    let (base, exponent) = (
        Value::from_slice(&[2i32], &[1]),
        Value::from_slice(&[3i32, -1], &[2]),
    );
    // SAFETY: the pointers hold one and two int32.
    let error =
        unsafe { of_int32.run(&[(base.as_ptr(), 1), (exponent.as_ptr(), 2)]) }.expect_err("-1");
    assert!(
        error
            .to_string()
            .contains("Integers to negative integer powers are not allowed.")
    );
    assert!(check(DType::F64, false).is_none());
    assert!(check(DType::F64, true).is_some() && check(DType::I64, true).is_some());
}

/// Distance in units of the last place of the expected value.
fn ulps(got: f64, expected: f64) -> f64 {
    if got == expected {
        return 0.0;
    }
    let unit = f64::from_bits(expected.abs().to_bits() + 1) - expected.abs();
    (got - expected).abs() / unit
}

/// Units of the last place that an operation may be off; where many, the argument's own rounding is
/// multiplied so (a power of large numbers, a root nearby).
fn allowed(op: Elementwise) -> f64 {
    use Elementwise::*;
    match op {
        Erfc | Gamma | Gammaln | Digamma => 6.0,
        Erfinv | Erfcinv | Ndtri | Rgamma | Zeta | Zetac | PseudoHuber | Boxcox | Cosm1 | J0
        | J1 | Y0 | I0 | I0e | I1 | K0 | K1 | Ellipk | Ellipkm1 | Ellipe | Ellipkinc
        | Ellipeinc => 6.0,
        Polygamma | Betaln | NdtriExp | Iv | Kv | Ive | Kve | Expn | Exp1 | Expi | Spence
        | OwensT => 24.0,
        Hyp0f1 | Hyp1f1 => 48.0,
        Erfcx | Dawsn | LogNdtr | Gammaincc | Hyp2f1 => 128.0,
        Ndtr | Beta | Binom | Poch | Stdtr => 512.0,
        ZetaDerivative | ExprelDerivative => 24.0,
        Gammainc | Betainc | Jv | Yv | GammaincDerivative | BetaincDerivative => 4096.0,
        _ => 2.0,
    }
}

/// `fixtures/elementary.txt` is written by `fixtures/elementary.py`, from 60 digits.
#[test]
fn functions_are_within_units_of_the_last_place() {
    for line in include_str!("fixtures/elementary.txt").lines() {
        let (name, numbers) = line.split_once(' ').expect("a name");
        let numbers: Vec<f64> = numbers
            .split(' ')
            .map(|n| n.parse().expect("a number"))
            .collect();
        let (expected, arguments) = numbers.split_last().expect("a value");
        let op = Elementwise::from_name(name).expect("an operation");
        // Blocks of every size, and a rest.
        const N: usize = 32 + 8 + 1;
        let operands: Vec<Value> = arguments
            .iter()
            .map(|&x| Value::from_slice(&[x; N], &[N]))
            .collect();
        let got = apply(op, &operands, DType::F64);
        let got: &[f64] = got.as_slice();
        assert!(
            got.iter().all(|x| x.to_bits() == got[0].to_bits()),
            "{line}: {got:?}"
        );
        let got = got[0];
        let allowed = allowed(op);
        // The expected value is rounded too.
        assert!(ulps(got, *expected) <= allowed + 0.5, "{line}: {got}");
    }
}

/// Where calculus leaves a removable hole, or a convention fills it.
#[test]
fn partials_are_finite_in_removable_holes() {
    use Elementwise::{Arctan2, Hypot, Maximum, Power, Xlogy};
    let cases: [(Elementwise, [f64; 2], usize, f64); 8] = [
        (Power, [0.0, 0.0], 0, 0.0),
        (Power, [0.0, 2.0], 0, 0.0),
        (Power, [0.0, 2.0], 1, 0.0),
        (Power, [0.0, 1.0], 0, 1.0),
        (Hypot, [0.0, 0.0], 0, 0.0),
        (Maximum, [1.0, 1.0], 0, 0.5),
        (Xlogy, [0.0, 0.0], 1, 0.0),
        (Arctan2, [0.0, 1.0], 0, 1.0),
    ];
    for (op, x, wrt, expected) in cases {
        let (graph, partial) = partial_graph(op, &[DType::F64; 2], wrt).expect("floats resolve");
        let Partial::Node(node) = partial else {
            panic!("{op:?}: {partial:?}")
        };
        assert_eq!(
            number(&evaluate(&graph, node, &x)),
            expected,
            "{op:?} at {x:?}"
        );
    }
}
