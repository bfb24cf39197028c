//! The NumPy layer where Python cannot reach it: symbolic sizes, weak numbers, writes, refusals.
//!
//! Values over all names, dtypes and layouts are compared with NumPy in `python/test_operations.py`.

use lazy_core::error::{ErrorKind, Exception};
use lazy_core::graph::{Builder, DType, NodeId};
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
    let shape = call(&mut b, "numpy.ndarray.shape", &[x.clone()], &[]);
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
    let n = call(&mut b, "builtins.len", &[x.clone()], &[]);
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
    let s = b.input("s", lazy_core::graph::Aval::weak(DType::F64));
    let s = formed(s, Form::Python);
    let times = |b: &mut Builder, y: &Arg| {
        let out = call(b, "operator.mul", &[x.clone(), y.clone()], &[]);
        aval(b, &out)
    };
    assert_eq!(times(&mut b, &s), "float32[n0, n1]");
    let by_math = call(&mut b, "math.exp", &[s.clone()], &[]);
    assert_eq!(times(&mut b, &by_math), "float32[n0, n1]");
    let by_numpy = call(&mut b, "numpy.exp", &[s.clone()], &[]);
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
    assert!(matches!(
        wrong.kind,
        ErrorKind::Raises {
            exception: Exception::Index,
            ..
        }
    ));
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
        refused("numpy.linalg.norm", vec![x.clone(), Arg::Int(2)], &[]),
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
