//! Dtype resolution against NumPy's own answers, for every elementwise operation and pair of dtypes.
//!
//! `fixtures/ufunc_dtypes.txt` is written by `fixtures/ufunc_dtypes.py`.

use lazy_core::graph::{Aval, DType};
use lazy_core::ops::Elementwise;

const FIXTURE: &str = include_str!("fixtures/ufunc_dtypes.txt");

/// The columns of the fixture: arrays of every dtype, then Python's int, float, complex.
fn operands() -> Vec<Aval> {
    let arrays = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128";
    let python = [DType::I64, DType::F64, DType::C128];
    arrays
        .split(' ')
        .map(|name| Aval::scalar(DType::parse(name).expect("a dtype")))
        .chain(python.map(Aval::weak))
        .collect()
}

fn operation(name: &str) -> Option<Elementwise> {
    Elementwise::from_numpy(name).or_else(|| Elementwise::from_name(name))
}

/// The fixture's word for an answer: `x` is an exception, `f2` what is computed in float16.
fn word(op: Elementwise, operands: &[&Aval]) -> String {
    let condition = Aval::scalar(DType::Bool);
    let mut all: Vec<&Aval> = operands.to_vec();
    if op == Elementwise::Where {
        all.insert(0, &condition);
    }
    match op.result_dtype(&all) {
        Ok(resolution) => match resolution.out.name() {
            "bool" => "?".to_owned(),
            name => {
                let digits = name.trim_start_matches(|c: char| c.is_alphabetic());
                format!("{}{}", &name[..1], digits.parse::<u32>().expect("bits") / 8)
            }
        },
        Err(error) if error.to_string().contains("float16") => "f2".to_owned(),
        Err(_) => "x".to_owned(),
    }
}

#[test]
fn every_resolution_is_numpys() {
    let columns = operands();
    let names: Vec<String> = columns
        .iter()
        .map(|a| match (a.weak, a.dtype) {
            (false, dtype) => dtype.name().to_owned(),
            (true, DType::I64) => "int*".to_owned(),
            (true, DType::F64) => "float*".to_owned(),
            (true, _) => "complex*".to_owned(),
        })
        .collect();
    let mut wrong = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for line in FIXTURE.lines().filter(|line| !line.starts_with('#')) {
        let (head, answers) = line.split_once(" : ").expect("a row");
        let (name, first) = match head.split_once(' ') {
            Some((name, first)) => (name, Some(first)),
            None => (head, None),
        };
        let Some(op) = operation(name) else { continue };
        seen.insert(op);
        let first = first.map(|f| &columns[names.iter().position(|n| n == f).expect("a dtype")]);
        for (answer, second) in answers.split(' ').zip(&columns) {
            let operands: Vec<&Aval> = first.into_iter().chain([second]).collect();
            let ours = word(op, &operands);
            // The exponent of a float16 is an int32 too, but its computation is in float16.
            let half = op == Elementwise::FrexpExponent || op == Elementwise::Signbit;
            // SciPy knows some functions of complex numbers that we refuse.
            let refused = name.starts_with("scipy") && answer.starts_with('c') && ours == "x";
            if ours != answer && !(half && ours == "f2") && !refused {
                wrong.push(format!("{head} {second}: numpy {answer}, ours {ours}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let ours_only = [
        Elementwise::MakeComplex,
        Elementwise::Softplus,
        Elementwise::Polygamma,
    ];
    for op in Elementwise::ALL {
        // SciPy's beyond those of the fixture are compared over all dtypes in test_numpy_names.py.
        let scipys = op
            .def()
            .numpy
            .first()
            .is_none_or(|name| name.starts_with("scipy."));
        assert!(
            seen.contains(op) || ours_only.contains(op) || scipys,
            "{op:?} is not in the fixture"
        );
    }
}
