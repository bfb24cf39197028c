//! The NumPy layer where Python cannot reach it: symbolic sizes, weak numbers, writes, refusals.
//!
//! Values over all names, dtypes and layouts are compared with NumPy in `python/test_numpy_names.py`.

use lazy_core::error::{ErrorKind, Exception};
use lazy_core::eval::value::Value;
use lazy_core::eval::{Executable, NoCallbacks, Values};
use lazy_core::graph::{Aval, Builder, DType, Dim, NodeId};
use lazy_core::lift::numpy::{self, Arg, Form, Keywords, Symbolic};
use lazy_core::ops::Op;

/// A builder with arrays `x` of symbolic sizes 5 and 3, and `v` of symbolic size 3.
fn arrays(dtype: DType) -> (Builder, Arg, Arg) {
    let mut b = Builder::new("f");
    let x = b.symbolic_input("x", dtype, &[5, 3]);
    let v = b.symbolic_input("v", dtype, &[3]);
    (b, array(x), array(v))
}

fn array(node: NodeId) -> Arg {
    formed(node, Form::Array)
}

fn formed(node: NodeId, form: Form) -> Arg {
    Arg::Array(Symbolic { node, form })
}

fn call(b: &mut Builder, name: &str, args: &[Arg], keywords: &[(&str, Arg)]) -> Arg {
    let keywords: Keywords = keywords
        .iter()
        .map(|(k, v)| ((*k).to_owned(), v.clone()))
        .collect();
    numpy::call(b, name, args, &keywords)
        .unwrap_or_else(|e| panic!("{name}: {e}"))
        .unwrap_or_else(|| panic!("{name} is not known"))
}

fn aval(b: &Builder, arg: &Arg) -> String {
    match arg {
        Arg::Array(x) => b.aval(x.node).to_string(),
        other => format!("{other:?}"),
    }
}

fn slice(start: Arg, stop: Arg, step: Arg) -> Arg {
    Arg::Slice(Box::new([start, stop, step]))
}

#[test]
fn one_lift_serves_all_sizes() {
    use Arg::{Int, None};
    let (mut b, x, v) = arrays(DType::F64);
    let indexed = |b: &mut Builder, of: &Arg, key: Arg| {
        let out = call(b, "operator.getitem", &[of.clone(), key], &[]);
        aval(b, &out)
    };
    assert_eq!(
        indexed(&mut b, &x, slice(Int(1), None, None)),
        "float64[n0 - 1, n1]"
    );
    assert_eq!(
        indexed(&mut b, &x, slice(None, Int(-1), None)),
        "float64[n0 - 1, n1]"
    );
    assert_eq!(
        indexed(&mut b, &x, slice(None, None, Int(-1))),
        "float64[n0, n1]"
    );
    assert_eq!(
        indexed(&mut b, &x, slice(None, None, Int(2))),
        "float64[((n0 + 1)//(2)), n1]"
    );
    assert_eq!(
        indexed(&mut b, &x, slice(None, Int(2), None)),
        "float64[2, n1]"
    );
    assert_eq!(
        indexed(&mut b, &x, slice(Int(9), None, None)),
        "float64[0, n1]"
    );
    assert_eq!(indexed(&mut b, &x, Int(-1)), "float64[n1]");
    let flat = call(&mut b, "numpy.ndarray.reshape", &[x.clone(), Int(-1)], &[]);
    assert_eq!(aval(&b, &flat), "float64[n0*n1]");
    let shape = call(&mut b, "numpy.ndarray.shape", std::slice::from_ref(&x), &[]);
    let zeros = call(&mut b, "numpy.zeros", &[shape], &[]);
    assert_eq!(aval(&b, &zeros), "float64[n0, n1]");
    let joined = call(
        &mut b,
        "numpy.concatenate",
        &[Arg::List(vec![v.clone(), v.clone()])],
        &[],
    );
    assert_eq!(aval(&b, &joined), "float64[2*n2]");
    let product = call(&mut b, "operator.matmul", &[x.clone(), v.clone()], &[]);
    assert_eq!(aval(&b, &product), "float64[n0]");
}

#[test]
fn sizes_are_numbers() {
    let (mut b, x, _) = arrays(DType::F32);
    let n = call(&mut b, "builtins.len", std::slice::from_ref(&x), &[]);
    let more = call(&mut b, "operator.add", &[n.clone(), Arg::Int(1)], &[]);
    let range = call(&mut b, "numpy.arange", &[more], &[]);
    assert_eq!(aval(&b, &range), "int64[n0 + 1]");
    // A size is a Python integer: it does not widen a float32.
    let scaled = call(&mut b, "operator.truediv", &[x, n.clone()], &[]);
    assert_eq!(aval(&b, &scaled), "float32[n0, n1]");
    let half = call(&mut b, "operator.truediv", &[n, Arg::Int(2)], &[]);
    assert!(matches!(
        half,
        Arg::Array(Symbolic {
            form: Form::Python,
            ..
        })
    ));
}

#[test]
fn python_numbers_are_weak_and_numpy_scalars_are_not() {
    let (mut b, x, _) = arrays(DType::F32);
    let s = b.input("s", Aval::weak(DType::F64));
    let s = formed(s, Form::Python);
    let times = |b: &mut Builder, y: &Arg| {
        let out = call(b, "operator.mul", &[x.clone(), y.clone()], &[]);
        aval(b, &out)
    };
    assert_eq!(times(&mut b, &s), "float32[n0, n1]");
    let by_math = call(&mut b, "math.exp", std::slice::from_ref(&s), &[]);
    assert_eq!(times(&mut b, &by_math), "float32[n0, n1]");
    let by_numpy = call(&mut b, "numpy.exp", std::slice::from_ref(&s), &[]);
    assert_eq!(times(&mut b, &by_numpy), "float64[n0, n1]");
    let as_float = call(&mut b, "builtins.float", &[by_numpy], &[]);
    assert_eq!(times(&mut b, &as_float), "float32[n0, n1]");
    let compared = call(&mut b, "operator.lt", &[s.clone(), Arg::Int(0)], &[]);
    let counted = call(&mut b, "operator.add", &[compared.clone(), compared], &[]);
    assert!(aval(&b, &counted).starts_with("int64"));
}

#[test]
fn writes_make_new_versions() {
    use Arg::{Int, None};
    let (mut b, x, v) = arrays(DType::F64);
    let Arg::Array(Symbolic { node, .. }) = x else {
        unreachable!("an input is an array")
    };
    let mut written = |key: Arg, value: Arg| -> Op {
        let new = numpy::setitem(&mut b, node, &key, &value).expect("a write");
        assert_eq!(b.aval(new).to_string(), "float64[n0, n1]");
        b.op(new).clone()
    };
    let row = written(Int(0), v.clone());
    assert!(matches!(row, Op::SliceWrite { .. }));
    let rows = written(Arg::List(vec![Int(0), Int(2)]), v.clone());
    assert!(matches!(rows, Op::Scatter { .. }));
    let whole = written(slice(None, None, None), Int(0));
    assert!(matches!(whole, Op::BroadcastTo(_)));
    let column = written(
        Arg::Tuple(vec![slice(None, None, None), Int(-1)]),
        Arg::Float(2.0),
    );
    assert!(matches!(column, Op::SliceWrite { .. }));
    let wrong = numpy::setitem(&mut b, node, &Int(7), &v).expect_err("out of bounds");
    let message = "index 7 is out of bounds for axis 0 with size 5".to_owned();
    let exception = Exception::Index;
    assert_eq!(wrong.kind, ErrorKind::Raises { exception, message });
}

#[test]
fn what_is_not_understood_is_refused() {
    let (mut b, x, _) = arrays(DType::F64);
    let mut refused = |name: &str, args: Vec<Arg>, keywords: &[(&str, Arg)]| {
        let keywords: Keywords = keywords
            .iter()
            .map(|(k, v)| ((*k).to_owned(), v.clone()))
            .collect();
        match numpy::call(&mut b, name, &args, &keywords) {
            Err(error) => error.kind,
            Ok(found) => panic!("{name} gave {found:?}"),
        }
    };
    let other = Arg::Other("an object".to_owned());
    for kind in [
        refused("numpy.sum", vec![x.clone()], &[("out", x.clone())]),
        refused("numpy.sum", vec![other.clone()], &[]),
        refused("numpy.exp", vec![x.clone()], &[("where", x.clone())]),
        refused("numpy.zeros", vec![Arg::Int(2), other], &[]),
    ] {
        assert!(matches!(kind, ErrorKind::Unlifted { .. }), "{kind:?}");
    }
    let value = refused("builtins.int", vec![formed(node_of(&x), Form::Array)], &[]);
    assert!(matches!(
        value,
        ErrorKind::Raises {
            exception: Exception::Type,
            ..
        }
    ));
    assert_eq!(
        numpy::call(&mut b, "numpy.unheard_of", &[x], &vec![]),
        Ok(None)
    );
}

fn node_of(arg: &Arg) -> NodeId {
    match arg {
        Arg::Array(x) => x.node,
        other => panic!("{other:?} is no array"),
    }
}

/// Runs a graph whose inputs are float64.
fn run(b: Builder, outputs: Vec<NodeId>, inputs: &[Value]) -> Vec<Value> {
    let graph = b.finish(outputs);
    let views: Vec<_> = inputs.iter().map(Value::view).collect();
    let mut values = Values::default();
    Executable::new(&graph)
        .and_then(|e| e.run(&views, &mut values, &mut NoCallbacks))
        .unwrap_or_else(|e| panic!("{e}"));
    values.0
}

/// Integers as an array of float64 of one axis.
fn row(items: &[i64]) -> Arg {
    Arg::List(items.iter().map(|i| Arg::Float(*i as f64)).collect())
}

fn column(items: &[i64]) -> Arg {
    Arg::List(items.iter().map(|i| row(&[*i])).collect())
}

fn list(items: &[i64]) -> Arg {
    Arg::List(items.iter().map(|i| Arg::Int(*i)).collect())
}

fn bools(items: &[i64]) -> Arg {
    Arg::List(items.iter().map(|i| Arg::Bool(*i != 0)).collect())
}

fn tuple<const N: usize>(parts: [Arg; N]) -> Arg {
    Arg::Tuple(parts.to_vec())
}

fn all() -> Arg {
    slice(Arg::None, Arg::None, Arg::None)
}

fn mask() -> Arg {
    let rows = [[1, 0, 1, 0], [0, 0, 1, 1], [1, 1, 1, 0]];
    Arg::List(rows.iter().map(|r| bools(r)).collect())
}

/// What NumPy gives for `x[key] = value` and for `np.add.at(x, key, value)` on `arange(12.).reshape(3, 4)`,
/// with sizes known and symbolic.
#[test]
fn writes_are_numpys() {
    use Arg::{Float, Int, None};
    let rows = || bools(&[0, 0, 1]);
    let first_row = || bools(&[1, 0, 1, 0]);
    let cases: Vec<(Arg, Arg, &[f64], &[f64])> = vec![
        (
            Int(1),
            Float(9.5),
            &[0.0, 1.0, 2.0, 3.0, 9.5, 9.5, 9.5, 9.5, 8.0, 9.0, 10.0, 11.0],
            &[
                0.0, 1.0, 2.0, 3.0, 13.5, 14.5, 15.5, 16.5, 8.0, 9.0, 10.0, 11.0,
            ],
        ),
        (
            Int(-1),
            row(&[1, 2, 3, 4]),
            &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 1.0, 2.0, 3.0, 4.0],
            &[
                0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0, 11.0, 13.0, 15.0,
            ],
        ),
        (
            tuple([all(), Int(2)]),
            row(&[7, 8, 9]),
            &[0.0, 1.0, 7.0, 3.0, 4.0, 5.0, 8.0, 7.0, 8.0, 9.0, 9.0, 11.0],
            &[
                0.0, 1.0, 9.0, 3.0, 4.0, 5.0, 14.0, 7.0, 8.0, 9.0, 19.0, 11.0,
            ],
        ),
        (
            slice(Int(1), None, None),
            Int(0),
            &[0.0, 1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0],
        ),
        (
            slice(None, None, Int(-1)),
            column(&[1, 2, 3]),
            &[3.0, 3.0, 3.0, 3.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0],
            &[
                3.0, 4.0, 5.0, 6.0, 6.0, 7.0, 8.0, 9.0, 9.0, 10.0, 11.0, 12.0,
            ],
        ),
        (
            slice(None, None, Int(2)),
            Int(5),
            &[5.0, 5.0, 5.0, 5.0, 4.0, 5.0, 6.0, 7.0, 5.0, 5.0, 5.0, 5.0],
            &[
                5.0, 6.0, 7.0, 8.0, 4.0, 5.0, 6.0, 7.0, 13.0, 14.0, 15.0, 16.0,
            ],
        ),
        (
            tuple([slice(None, None, Int(-2)), slice(Int(3), None, Int(-2))]),
            row(&[1, 2]),
            &[0.0, 2.0, 2.0, 1.0, 4.0, 5.0, 6.0, 7.0, 8.0, 2.0, 10.0, 1.0],
            &[
                0.0, 3.0, 2.0, 4.0, 4.0, 5.0, 6.0, 7.0, 8.0, 11.0, 10.0, 12.0,
            ],
        ),
        (
            Arg::Ellipsis,
            row(&[1, 2, 3, 4]),
            &[1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0],
            &[
                1.0, 3.0, 5.0, 7.0, 5.0, 7.0, 9.0, 11.0, 9.0, 11.0, 13.0, 15.0,
            ],
        ),
        (
            tuple([Int(0), None, slice(None, Int(2), None)]),
            column(&[6]),
            &[6.0, 6.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0],
            &[6.0, 7.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0],
        ),
        (
            list(&[2, 0]),
            row(&[1, 2, 3, 4]),
            &[1.0, 2.0, 3.0, 4.0, 4.0, 5.0, 6.0, 7.0, 1.0, 2.0, 3.0, 4.0],
            &[
                1.0, 3.0, 5.0, 7.0, 4.0, 5.0, 6.0, 7.0, 9.0, 11.0, 13.0, 15.0,
            ],
        ),
        (
            list(&[0, 0]),
            column(&[1, 2]),
            &[2.0, 2.0, 2.0, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0],
            &[3.0, 4.0, 5.0, 6.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0],
        ),
        (
            tuple([list(&[0, 2]), list(&[1, -1])]),
            row(&[50, 60]),
            &[
                0.0, 50.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 60.0,
            ],
            &[
                0.0, 51.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 71.0,
            ],
        ),
        (
            tuple([all(), list(&[3, 1])]),
            column(&[7, 8, 9]),
            &[0.0, 7.0, 2.0, 7.0, 4.0, 8.0, 6.0, 8.0, 8.0, 9.0, 10.0, 9.0],
            &[
                0.0, 8.0, 2.0, 10.0, 4.0, 13.0, 6.0, 15.0, 8.0, 18.0, 10.0, 20.0,
            ],
        ),
        (
            tuple([slice(Int(1), None, None), list(&[0, 3])]),
            row(&[-1, -2]),
            &[
                0.0, 1.0, 2.0, 3.0, -1.0, 5.0, 6.0, -2.0, -1.0, 9.0, 10.0, -2.0,
            ],
            &[0.0, 1.0, 2.0, 3.0, 3.0, 5.0, 6.0, 5.0, 7.0, 9.0, 10.0, 9.0],
        ),
        (
            tuple([Int(1), list(&[0, 3])]),
            row(&[-1, -2]),
            &[
                0.0, 1.0, 2.0, 3.0, -1.0, 5.0, 6.0, -2.0, 8.0, 9.0, 10.0, 11.0,
            ],
            &[0.0, 1.0, 2.0, 3.0, 3.0, 5.0, 6.0, 5.0, 8.0, 9.0, 10.0, 11.0],
        ),
        (
            mask(),
            Float(0.5),
            &[0.5, 1.0, 0.5, 3.0, 4.0, 5.0, 0.5, 0.5, 0.5, 0.5, 0.5, 11.0],
            &[0.5, 1.0, 2.5, 3.0, 4.0, 5.0, 6.5, 7.5, 8.5, 9.5, 10.5, 11.0],
        ),
        (
            mask(),
            row(&[1, 2, 3, 4, 5, 6, 7]),
            &[1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 3.0, 4.0, 5.0, 6.0, 7.0, 11.0],
            &[
                1.0, 1.0, 4.0, 3.0, 4.0, 5.0, 9.0, 11.0, 13.0, 15.0, 17.0, 11.0,
            ],
        ),
        (
            rows(),
            row(&[1, 2, 3, 4]),
            &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 1.0, 2.0, 3.0, 4.0],
            &[
                0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0, 11.0, 13.0, 15.0,
            ],
        ),
        (
            rows(),
            Int(3),
            &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 3.0, 3.0, 3.0, 3.0],
            &[
                0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 11.0, 12.0, 13.0, 14.0,
            ],
        ),
        (
            tuple([rows(), Int(1)]),
            Int(3),
            &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 3.0, 10.0, 11.0],
            &[
                0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 12.0, 10.0, 11.0,
            ],
        ),
        (
            tuple([all(), first_row()]),
            row(&[1, 2]),
            &[1.0, 1.0, 2.0, 3.0, 1.0, 5.0, 2.0, 7.0, 1.0, 9.0, 2.0, 11.0],
            &[1.0, 1.0, 4.0, 3.0, 5.0, 5.0, 8.0, 7.0, 9.0, 9.0, 12.0, 11.0],
        ),
        (
            slice(Int(2), Int(1), None),
            Int(3),
            &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0],
            &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0],
        ),
    ];
    let values: Vec<f64> = (0..12).map(f64::from).collect();
    let input = Value::from_slice(&values, &[3, 4]);
    for (key, value, set, added) in cases {
        for symbolic in [false, true] {
            let mut b = Builder::new("f");
            let x = if symbolic {
                b.symbolic_input("x", DType::F64, &[3, 4])
            } else {
                let known = [Dim::known(3), Dim::known(4)];
                b.input("x", Aval::new(DType::F64, known))
            };
            let written = numpy::setitem(&mut b, x, &key, &value).expect("a write");
            let accumulated = numpy::add_at(&mut b, x, &key, &value).expect("a sum");
            let out = run(b, vec![written, accumulated], std::slice::from_ref(&input));
            assert_eq!(out[0].as_slice::<f64>(), set, "set {key:?} {value:?}");
            assert_eq!(out[1].as_slice::<f64>(), added, "add {key:?} {value:?}");
        }
    }
}

/// The same graph for other sizes than it was lifted with.
#[test]
fn symbolic_graphs_run_for_other_sizes() {
    use Arg::{Int, None};
    let (mut b, x, _) = arrays(DType::F64);
    let node_of_call = |b: &mut Builder, name: &str, args: &[Arg]| {
        let out = call(b, name, args, &[]);
        node_of(&out)
    };
    let tail = call(
        &mut b,
        "operator.getitem",
        &[x.clone(), slice(Int(1), None, None)],
        &[],
    );
    let last = node_of_call(&mut b, "operator.getitem", &[x.clone(), Int(-1)]);
    let back = call(&mut b, "numpy.flip", &[tail, Int(0)], &[]);
    let sums = call(&mut b, "numpy.sum", &[back.clone(), Int(1)], &[]);
    let variance = node_of_call(&mut b, "numpy.var", std::slice::from_ref(&x));
    let trace = node_of_call(&mut b, "numpy.trace", &[x]);
    let outputs = vec![node_of(&sums), last, variance, trace];
    let values: Vec<f64> = (0..8).map(f64::from).collect();
    let inputs = [
        Value::from_slice(&values, &[4, 2]),
        Value::from_slice(&values[..2], &[2]),
    ];
    let out = run(b, outputs, &inputs);
    assert_eq!(out[0].as_slice::<f64>(), [13.0, 9.0, 5.0]);
    assert_eq!(out[1].as_slice::<f64>(), [6.0, 7.0]);
    assert_eq!(out[2].as_slice::<f64>(), [5.25]);
    assert_eq!(out[3].as_slice::<f64>(), [3.0]);
}
