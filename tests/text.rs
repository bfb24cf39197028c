//! Laws of the text form and of the emitter, on generated graphs: every operation, every dtype,
//! known and symbolic sizes.

use lazy_core::ast::print::reprint;
use lazy_core::emit::{Signature, emit};
use lazy_core::eval::value::Value;
use lazy_core::graph::{Assumption, Aval, Builder, DType, Dim, Graph, NodeId, Shape};
use lazy_core::ops::decompose::{Decomposition, MatrixFunction, System, Triangle};
use lazy_core::ops::outside::FurtherAxes;
use lazy_core::ops::{
    Constant, Cumulation, Custom, Distribution, Elementwise, Extreme, Fourier, Op, Range,
    Reduction, Rule, Write,
};
use num_complex::{Complex32, Complex64};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// One node to be, if it fits: which operation, applied to which of the nodes before.
#[derive(Clone, Debug)]
struct Step {
    kind: Index,
    a: Index,
    b: Index,
    c: Index,
    axis: usize,
    name: Option<String>,
    constant: Constant,
    elementwise: Elementwise,
    dtype: DType,
}

fn floats() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        select(vec![
            0.0,
            -0.0,
            1.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            0.1,
            1e300,
            5e-324
        ]),
        any::<u64>().prop_map(f64::from_bits),
    ]
}

fn constants() -> impl Strategy<Value = Constant> {
    let array = |value: Value| Constant::Array(value.into());
    prop_oneof![
        any::<bool>().prop_map(Constant::Bool),
        any::<i64>().prop_map(Constant::Int),
        any::<u64>().prop_map(Constant::UInt),
        floats().prop_map(Constant::Float),
        (floats(), floats()).prop_map(|(re, im)| Constant::Complex(Complex64::new(re, im))),
        prop::collection::vec(floats(), 0..30)
            .prop_map(move |v| array(Value::from_slice(&v, &[v.len()]))),
        prop::collection::vec(any::<f32>(), 6)
            .prop_map(move |v| array(Value::from_slice(&v, &[2, 3]))),
        prop::collection::vec(any::<(f32, f32)>(), 3).prop_map(move |v| {
            let v: Vec<Complex32> = v.iter().map(|&(re, im)| Complex32::new(re, im)).collect();
            array(Value::from_slice(&v, &[3, 1]))
        }),
        prop::collection::vec(any::<bool>(), 20)
            .prop_map(move |v| array(Value::from_slice(&v, &[20]))),
        prop::collection::vec(any::<i8>(), 3).prop_map(move |v| array(Value::from_slice(&v, &[3]))),
        prop::collection::vec(any::<u64>(), 3)
            .prop_map(move |v| array(Value::from_slice(&v, &[3]))),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = prop::option::of(prop_oneof![
        "[a-z_][a-z0-9_]{0,5}",
        "\\PC{0,6}",
        Just("lambda".to_owned()),
        Just("a\"b\\c\n".to_owned()),
    ]);
    let step = (
        (
            any::<Index>(),
            any::<Index>(),
            any::<Index>(),
            any::<Index>(),
        ),
        0..3usize,
        name,
        constants(),
        select(Elementwise::ALL.to_vec()),
        select(DType::ALL.to_vec()),
    )
        .prop_map(
            |((kind, a, b, c), axis, name, constant, elementwise, dtype)| Step {
                kind,
                a,
                b,
                c,
                axis,
                name,
                constant,
                elementwise,
                dtype,
            },
        );
    prop::collection::vec(step, 1..40)
}

fn inputs(b: &mut Builder) {
    b.symbolic_input("x", DType::F64, &[5]);
    b.symbolic_input("X", DType::F64, &[4, 5]);
    b.symbolic_input("f", DType::F32, &[4, 5]);
    b.symbolic_input("i", DType::I64, &[5]);
    b.input("n", Aval::weak(DType::I64));
    b.input("mask", Aval::new(DType::Bool, [Dim::known(3)]));
    b.input("z", Aval::scalar(DType::C128));
}

/// The operation of a step on these operands; most fit, the others are refused by inference.
fn candidate(step: &Step, b: &Builder, nodes: &[NodeId]) -> (Op, Vec<NodeId>) {
    let [x, y, z] = [step.a, step.b, step.c].map(|i| *i.get(nodes));
    let shape = b.aval(x).shape.clone();
    let axis = step.axis.min(shape.len().saturating_sub(1));
    let one = |op| (op, vec![x]);
    let full: Vec<Range> = shape.iter().cloned().map(Range::full).collect();
    let part = |step: i64| -> Vec<Range> {
        let cut = |d: &Dim| match step {
            1 => Range {
                start: Dim::known(1),
                size: d.clone() - Dim::known(1),
                step: 1,
            },
            s if s > 0 => Range {
                start: Dim::known(0),
                size: d.ceil_div(s),
                step: s,
            },
            s => Range {
                start: d.clone() - Dim::known(1),
                size: d.ceil_div(-s),
                step: s,
            },
        };
        shape.iter().map(cut).collect()
    };
    match step.kind.index(30) {
        0 => (
            Op::Iota {
                size: Dim::known(3),
                dtype: step.dtype,
            },
            vec![],
        ),
        1 => {
            let size = shape.first().cloned().unwrap_or(Dim::known(2)) + Dim::known(1);
            (Op::Size(size), vec![])
        }
        2 => one(Op::Cast(step.dtype)),
        3 => one(Op::Reshape([b.aval(x).size()].into_iter().collect())),
        4 => {
            let mut to = shape.clone();
            to.insert(axis.min(to.len()), Dim::known(1));
            one(Op::Reshape(to))
        }
        5 => one(Op::Transpose((0..shape.len()).rev().collect())),
        6 => {
            let to: Shape = [Dim::known(2)].into_iter().chain(shape).collect();
            one(Op::BroadcastTo(to))
        }
        7 => one(Op::Slice(part([1, 2, -1, -2][step.axis]).into())),
        8 => {
            let larger = shape.iter().map(|d| d.clone() + Dim::known(2)).collect();
            let inside = |d: &Dim| Range {
                start: Dim::known(1),
                size: d.clone(),
                step: 1,
            };
            one(Op::Unslice {
                shape: larger,
                ranges: shape.iter().map(inside).collect(),
            })
        }
        9 => (Op::Concatenate { axis }, vec![x, x, y]),
        10 => {
            let kind = [Reduction::Sum, Reduction::Max, Reduction::Any][step.axis];
            one(Op::Reduce {
                kind,
                axes: [axis].into_iter().collect(),
            })
        }
        11 => one(Op::ArgReduce {
            kind: Extreme::Max,
            axis,
        }),
        12 => one(Op::Cumulate {
            kind: Cumulation::Sum,
            axis,
        }),
        13 => (
            Op::Gather {
                axes: [axis].into_iter().collect(),
                at: 0,
            },
            vec![x, y],
        ),
        14 => {
            let kind = if step.axis == 0 {
                Write::Set
            } else {
                Write::Add
            };
            (
                Op::Scatter {
                    kind,
                    axes: [axis].into_iter().collect(),
                    at: axis,
                },
                vec![x, y, z],
            )
        }
        15 => {
            let kind = if step.axis == 0 {
                Write::Set
            } else {
                Write::Add
            };
            (
                Op::SliceWrite {
                    kind,
                    ranges: full.into(),
                },
                vec![x, y],
            )
        }
        16 => one(Op::ArgWhere),
        17 => one(Op::ArgSort { axis }),
        18 => {
            let last = shape.len().saturating_sub(1);
            let contract = [(last, 0)].into_iter().collect();
            (
                Op::Contract {
                    batch: Default::default(),
                    contract,
                },
                vec![x, y],
            )
        }
        19 => {
            let distribution = [Distribution::Normal, Distribution::Poisson][step.axis % 2];
            (
                Op::Draw {
                    distribution,
                    shape,
                    generator: 1,
                },
                vec![],
            )
        }
        20 => one(Op::Elementwise(Elementwise::Add)),
        21 => {
            let expected = Constant::Float([1.5, -0.0, f64::NAN][step.axis % 3]);
            one(Op::Decide { expected })
        }
        27 => {
            let results = vec![Aval::new(DType::I64, shape), Aval::weak(DType::F64)];
            let callee = "numpy.digitize".into();
            let site = 3;
            let further = FurtherAxes::ALL[step.axis % FurtherAxes::ALL.len()];
            (
                Op::Call {
                    site,
                    callee,
                    results,
                    further,
                },
                vec![x, y],
            )
        }
        28 => {
            let mut rule = Builder::new("rule");
            let tangent = rule.input("t", Aval::scalar(DType::F64));
            let doubled = rule.elementwise(Elementwise::Negative, &[tangent]);
            let rule = rule.finish(vec![doubled.unwrap()]);
            let custom = Custom {
                name: "f".into(),
                results: 1,
                arguments: 1,
                outside: 0,
                rule: [
                    Rule::Forward(rule.clone()),
                    Rule::Reverse(rule),
                    Rule::Exhausted,
                ][step.axis % 3]
                    .clone(),
            };
            let custom = std::sync::Arc::new(custom);
            match step.axis % 2 {
                0 => (Op::Custom(custom), vec![x, y]),
                _ => (Op::Pullback(custom), vec![x, y]),
            }
        }
        26 => one(Op::Decompose(
            Decomposition::ALL[step.axis % Decomposition::ALL.len()],
        )),
        22 => {
            let triangle = [Triangle::Lower, Triangle::Upper][step.axis % 2];
            let unit = step.axis > 1;
            let systems = [System::General, System::Triangular { triangle, unit }];
            (Op::Solve(systems[step.axis % 2]), vec![x, y])
        }
        23 => (Op::PseudoInverse, vec![x, y]),
        24 => {
            let functions = MatrixFunction::ALL;
            (
                Op::Frechet(functions[step.axis % functions.len()]),
                vec![x, y],
            )
        }
        25 => {
            let kinds = [
                Fourier::Forward,
                Fourier::Inverse,
                Fourier::RealForward,
                Fourier::RealInverse(Dim::known(4)),
            ];
            let kind = kinds[step.axis % kinds.len()].clone();
            one(Op::Fourier { kind, axis })
        }
        _ => {
            let operands = [x, y, z][..step.elementwise.arity()].to_vec();
            (Op::Elementwise(step.elementwise), operands)
        }
    }
}

fn build(steps: &[Step]) -> Graph {
    let mut b = Builder::new("generated");
    inputs(&mut b);
    for step in steps {
        let nodes: Vec<NodeId> = b.graph().nodes().collect();
        let id = if step.kind.index(30) > 26 {
            let aval = step.constant.aval();
            b.constant(step.constant.clone(), aval)
        } else {
            let (op, operands) = candidate(step, &b, &nodes);
            match b.add(op, &operands) {
                Ok(id) => id,
                Err(_) => continue,
            }
        };
        if let Some(name) = &step.name {
            b.name(id, name.as_str());
        }
    }
    let last = b.graph().nodes().next_back().into_iter().collect();
    b.finish(last)
}

fn described(graph: &Graph) -> Vec<String> {
    let node = |id| {
        let node = graph.node(id);
        format!(
            "{:?} {} {:?} {:?}",
            node.op,
            node.aval,
            node.name,
            graph.operands(id)
        )
    };
    graph.nodes().map(node).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn graphs_round_trip(steps in steps()) {
        let graph = build(&steps);
        let text = graph.to_string();
        let read: Graph = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
        prop_assert_eq!(read.to_string(), &text[..]);
        prop_assert_eq!(described(&read), described(&graph));
        prop_assert_eq!(read.symbols(), graph.symbols());
        let assumptions = |g: &Graph| g.assumptions().iter().map(|a| match a {
            Assumption::Equal(a, b) => format!("{a} = {b}"),
            Assumption::AtMost(a, b) => format!("{a} <= {b}"),
        }).collect::<Vec<_>>();
        prop_assert_eq!(assumptions(&read), assumptions(&graph));
        prop_assert_eq!(read.effects(), graph.effects());
    }

    #[test]
    fn graphs_emit(steps in steps()) {
        let graph = build(&steps);
        let source = emit(&graph, &Signature::of(&graph)).unwrap_or_else(|error| panic!("{error}\n{graph}"));
        prop_assert!(!source.contains("undefined"), "{source}\n{graph}");
        let again = reprint(&source).unwrap_or_else(|error| panic!("{error}\n{source}"));
        prop_assert_eq!(again, source);
    }

    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = text.parse::<Graph>();
        let _ = reprint(&text);
    }

    #[test]
    fn no_change_of_a_text_panics(steps in steps(), at in any::<Index>(), length in 0..8usize, with in "[%0-9a-zA-Z():=,.*/+\\[\\]{}\\- \n]{0,6}") {
        let mut text: Vec<char> = build(&steps).to_string().chars().collect();
        let from = at.index(text.len());
        let to = (from + length).min(text.len());
        text.splice(from..to, with.chars());
        let text: String = text.into_iter().collect();
        if let Ok(graph) = text.parse::<Graph>() {
            let _ = emit(&graph, &Signature::of(&graph));
        }
    }
}

#[test]
fn mistakes_have_a_place() {
    let text = "f(x: float64[n0]) {\n  %0 x = input : float64[n0]\n  %1 = sine(%0) : float64[n0]\n  return %1\n}\n";
    let error = text.parse::<Graph>().unwrap_err();
    let place = error.place.expect("a place");
    assert_eq!((place.span.line, place.span.column), (3, 7));
}
