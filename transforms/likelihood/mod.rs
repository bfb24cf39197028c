//! From a program that samples to the log-density of what it sampled.
//!
//! In: a graph with draws. Out: the graph of the joint log-density, whose inputs are the random
//! variables, then the inputs of the program; and what is known of each variable.
//!
//! ```text
//! def model(rng, x):                      def logp(alpha, y, x):
//!     alpha = rng.normal(0, 10)    =>         return (normal(alpha; 0, 10)
//!     y = rng.normal(alpha * x)                       + sum(normal(y; alpha * x, 1)))
//!     return y
//! ```
//!
//! A variable has the name that the program gave it (`y`, then `y_1` for a second one). One that
//! is returned without a name is `observed`, any other without a name is `normal_0`: its method and number.
//! A draw without a name that is only shifted, scaled, negated, exponentiated or made absolute stands
//! for the result: in `y = mu + sigma * rng.standard_t(4, size=n)` the variable is `y`.
//!
//! Source: a draw replaced by its value is conditioning as in Cusumano-Towner et al., *Gen* (PLDI 2019);
//! the density of a function of a draw is the change of variables formula.

mod unconstrain;
mod variables;

pub use unconstrain::{Unconstrained, unconstrain};
pub use variables::{Bounds, Step, Variable};

use lazy_core::error::{Error, ErrorKind, Result};
use lazy_core::graph::term::{Term, formula};
use lazy_core::graph::{Aval, Builder, DType, Graph, NodeId, Operands};
use lazy_core::ops::{Elementwise, Op, Reduction, random};
use variables::{Base, Site};

/// The joint log-density of all draws of `graph`, a float64 scalar. Its inputs are the variables in
/// the order of [`Variable::input`], `given` ones too, then the inputs of `graph`.
///
/// # Errors
/// `NoDensity` if the program draws nothing, or has no variable of a name in `given`.
pub fn likelihood(graph: &Graph, given: &[String]) -> Result<(Graph, Vec<Variable>)> {
    let sites = variables::find(graph);
    check_given(&sites, given)?;
    let decisions = decisions(graph)?;
    let mut b = Builder::rebuild(graph);
    let mut new: Vec<Option<NodeId>> = vec![None; graph.len()];
    for site in &sites {
        let aval = Aval {
            weak: false,
            ..graph.aval(site.node).clone()
        };
        new[site.node.index()] = Some(b.input(&site.name, aval));
    }
    copy_needed(&mut b, graph, &sites, &decisions, &mut new);
    let mut total: Option<NodeId> = None;
    let mut variables = Vec::with_capacity(sites.len());
    for (input, site) in sites.iter().enumerate() {
        b.set_origin(graph.origin(site.draw).cloned());
        let density = site_density(&mut b, graph, site, &new)?;
        total = Some(match total {
            Some(total) => b.elementwise(Elementwise::Add, &[total, density])?,
            None => density,
        });
        let is_given = given.iter().any(|name| **name == *site.name);
        variables.push(site.variable(graph, input, is_given, &new)?);
    }
    let total = total.ok_or_else(|| nothing_drawn(graph))?;
    let total = b.cast(total, DType::F64)?;
    Ok((b.finish(vec![total]), variables))
}

fn nothing_drawn(graph: &Graph) -> Box<Error> {
    Error::new(ErrorKind::NoDensity {
        what: graph.name.clone(),
        why: "it draws no random variable".into(),
    })
}

fn check_given(sites: &[Site], given: &[String]) -> Result<()> {
    for name in given {
        if sites.iter().all(|site| *site.name != **name) {
            let names: Vec<&str> = sites.iter().map(|site| &*site.name).collect();
            return Err(Error::new(ErrorKind::NoDensity {
                what: name.clone(),
                why: format!(
                    "it is not a random variable of the model, which has {}",
                    names.join(", ")
                ),
            }));
        }
    }
    Ok(())
}

/// The decisions that keep the graph to its path. A model that branches on what it draws has no density that
/// one path could give.
fn decisions(graph: &Graph) -> Result<Vec<NodeId>> {
    let mut drawn = vec![false; graph.len()];
    let mut decisions = Vec::new();
    for id in graph.nodes() {
        let op = graph.op(id);
        drawn[id.index()] =
            matches!(op, Op::Draw { .. }) || graph.operands(id).iter().any(|o| drawn[o.index()]);
        if matches!(op, Op::Decide { .. }) {
            if drawn[id.index()] {
                let error = Error::new(ErrorKind::NoDensity {
                    what: graph.name.clone(),
                    why: "it branches on the value of a random variable".into(),
                });
                return Err(graph.locate(error, id));
            }
            decisions.push(id);
        }
    }
    Ok(decisions)
}

/// Copies the inputs and what the parameters of the draws need, with each variable at its input.
fn copy_needed(
    b: &mut Builder,
    graph: &Graph,
    sites: &[Site],
    decisions: &[NodeId],
    new: &mut [Option<NodeId>],
) {
    let mut needed = vec![false; graph.len()];
    let fixed = graph.inputs().iter().chain(decisions);
    for root in fixed.copied().chain(
        sites
            .iter()
            .flat_map(|site| graph.operands(site.draw).into_iter().chain(site.others())),
    ) {
        needed[root.index()] = true;
    }
    for symbol in graph.symbols() {
        needed[symbol.node.index()] = true;
    }
    for id in graph.nodes().rev() {
        if needed[id.index()] && new[id.index()].is_none() {
            for operand in graph.operands(id) {
                needed[operand.index()] = true;
            }
        }
    }
    for id in graph.nodes() {
        if !needed[id.index()] || new[id.index()].is_some() {
            continue;
        }
        let operands: Option<Operands> = graph
            .operands(id)
            .iter()
            .map(|operand| new[operand.index()])
            .collect();
        new[id.index()] = operands.map(|operands| b.copy(graph, id, &operands));
    }
}

/// The log-density of one variable, summed over its elements.
fn site_density(
    b: &mut Builder,
    graph: &Graph,
    site: &Site,
    new: &[Option<NodeId>],
) -> Result<NodeId> {
    let parameters = graph.operands(site.draw);
    let parameters = parameters.iter().map(|&id| copied(new, id));
    let parameters = parameters.collect::<Result<Operands>>()?;
    let x = copied(new, site.node)?;
    let mut value = x;
    let mut volume = Vec::new();
    let mut inside = Vec::new();
    for step in site.steps.iter().rev() {
        let step = step.moved(new)?;
        let (before, log_volume, condition) = step.undo(b, value)?;
        value = before;
        volume.extend(log_volume);
        inside.extend(condition);
    }
    let mut density = match site.base {
        Base::Draw => random::log_density(b, site.distribution, value, &parameters)?,
        Base::Absolute => absolute_density(b, site.distribution, value, &parameters)?,
        Base::Compared { threshold, below } => {
            bernoulli_density(b, value, copied(new, threshold)?, below)?
        }
    };
    for term in volume {
        density = b.elementwise(Elementwise::Add, &[density, term])?;
    }
    for condition in inside {
        let outside = b.float(f64::NEG_INFINITY);
        density = b.elementwise(Elementwise::Where, &[condition, density, outside])?;
    }
    let axes = (0..b.aval(density).rank()).collect();
    b.reduce(Reduction::Sum, density, axes)
}

/// The new node for `id`.
fn copied(new: &[Option<NodeId>], id: NodeId) -> Result<NodeId> {
    new[id.index()].ok_or_else(|| Error::internal("a parameter of a draw was not copied"))
}

/// The density of `abs(draw)`: both signs count.
fn absolute_density(
    b: &mut Builder,
    distribution: random::Distribution,
    x: NodeId,
    parameters: &[NodeId],
) -> Result<NodeId> {
    let minus = b.elementwise(Elementwise::Negative, &[x])?;
    let plus = random::log_density(b, distribution, x, parameters)?;
    let minus = random::log_density(b, distribution, minus, parameters)?;
    let both = b.elementwise(Elementwise::Logaddexp, &[plus, minus])?;
    formula(b, |scope| {
        let inside = scope.term(x).apply2(Elementwise::GreaterEqual, 0.0);
        inside.choose(scope.term(both), f64::NEG_INFINITY).node
    })
}

/// The density of `draw < p` (or `draw > p`, if not `below`) for a uniform draw.
fn bernoulli_density(b: &mut Builder, x: NodeId, p: NodeId, below: bool) -> Result<NodeId> {
    formula(b, |scope| {
        let (x, p) = (scope.term(x), scope.term(p));
        let yes = p.log();
        let no: Term<'_> = (-p).apply(Elementwise::Log1p);
        let (yes, no) = if below { (yes, no) } else { (no, yes) };
        x.choose(yes, no).node
    })
}
