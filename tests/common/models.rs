//! Sampling programs, as the lifter would make them.

use lazy_core::graph::{Aval, Builder, DType, Graph, NodeId};
use lazy_core::ops::Distribution::{self, Binomial, Normal};
use lazy_core::ops::{Elementwise, Op};

/// A float64 input of known sizes.
pub fn input(b: &mut Builder, name: &str, shape: &[usize]) -> NodeId {
    let sizes = shape.iter().map(|&n| n.into());
    b.input(name, Aval::new(DType::F64, sizes))
}

pub fn draw(
    b: &mut Builder,
    distribution: Distribution,
    shape: &[usize],
    parameters: &[NodeId],
) -> NodeId {
    let shape = shape.iter().map(|&n| n.into()).collect();
    let op = Op::Draw {
        distribution,
        shape,
        generator: 0,
    };
    b.add(op, parameters).unwrap()
}

/// `alpha, beta ~ normal(0, 10)`, deaths binomial with a logistic curve of the dose.
pub fn bioassay() -> Graph {
    let mut b = Builder::new("bioassay");
    let dose = input(&mut b, "dose", &[4]);
    let (zero, ten, five) = (b.int(0), b.int(10), b.int(5));
    let alpha = draw(&mut b, Normal, &[], &[zero, ten]);
    b.name(alpha, "alpha");
    let beta = draw(&mut b, Normal, &[], &[zero, ten]);
    b.name(beta, "beta");
    let slope = b.elementwise(Elementwise::Multiply, &[beta, dose]).unwrap();
    let logit = b.elementwise(Elementwise::Add, &[alpha, slope]).unwrap();
    let minus = b.elementwise(Elementwise::Negative, &[logit]).unwrap();
    let odds = b.elementwise(Elementwise::Exp, &[minus]).unwrap();
    let one = b.int(1);
    let total = b.elementwise(Elementwise::Add, &[one, odds]).unwrap();
    let p = b.elementwise(Elementwise::Divide, &[one, total]).unwrap();
    let deaths = draw(&mut b, Binomial, &[4], &[five, p]);
    b.name(deaths, "deaths");
    b.finish(vec![deaths])
}
