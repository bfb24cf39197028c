//! The random variables of a program: which node each is, its name, and how it follows from its draw.
//!
//! In: a graph with draws. Out: a [`Site`] per draw, in the order of the draws.
//! In `y = 2 * rng.normal()` the draw is `normal`, the variable is `y`, and one [`Step`] leads there.
//!
//! Source: the change of variables formula, one elementwise step at a time.

use std::collections::HashSet;
use std::sync::Arc;

use lazy_core::error::{Error, Result};
use lazy_core::graph::{Aval, Builder, Graph, NodeId};
use lazy_core::ops::random::Support;
use lazy_core::ops::{Constant, Distribution, Elementwise, Op};

/// A random variable of a likelihood.
#[derive(Clone, Debug)]
pub struct Variable {
    pub name: Arc<str>,
    /// Which input of the likelihood it is.
    pub input: usize,
    pub aval: Aval,
    /// Whether the caller knows its value.
    pub given: bool,
    /// Where what the steps start from may lie.
    pub bounds: Bounds,
    /// From there to the variable. Nodes are those of the likelihood.
    pub steps: Vec<Step>,
}

/// An interval, its ends being nodes of the likelihood where they are computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bounds {
    Real,
    Positive,
    Unit,
    Between(NodeId, NodeId),
    /// Integers or booleans: no unconstrained form.
    Discrete,
}

/// An invertible elementwise step; `Shift(c)` is `x + c`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    Shift(NodeId),
    /// `x - c`.
    Unshift(NodeId),
    /// `c - x`.
    Mirror(NodeId),
    Scale(NodeId),
    /// `x / c`.
    Unscale(NodeId),
    Negate,
    Exp,
}

/// What the steps start from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Base {
    Draw,
    /// The absolute value of a draw.
    Absolute,
    /// A uniform draw compared with a threshold: true if below it, or else true if above it.
    Compared {
        threshold: NodeId,
        below: bool,
    },
}

/// A draw and its variable, in the sampling program.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub draw: NodeId,
    pub distribution: Distribution,
    /// The node that is the variable.
    pub node: NodeId,
    pub name: Arc<str>,
    pub base: Base,
    pub steps: Vec<Step>,
}

/// The random variables of a program, in the order of its draws.
pub(super) fn find(graph: &Graph) -> Vec<Site> {
    let mut taken = HashSet::new();
    let mut sites: Vec<Site> = Vec::new();
    for &draw in graph.effects() {
        let Op::Draw { distribution, .. } = *graph.op(draw) else {
            continue;
        };
        let mut site = follow(graph, draw, distribution);
        let wanted = match &graph.node(site.node).name {
            Some(name) => name.to_string(),
            None if graph.outputs().contains(&site.node) => "observed".to_owned(),
            None => {
                let method = site.distribution.def().name;
                let before = sites.iter().filter(|other| {
                    other.distribution.def().name == method && graph.node(other.node).name.is_none()
                });
                format!("{method}_{}", before.count())
            }
        };
        site.name = unique(&wanted, &mut taken);
        sites.push(site);
    }
    sites
}

/// `wanted`, or `wanted_1`, ... if it is taken.
fn unique(wanted: &str, taken: &mut HashSet<String>) -> Arc<str> {
    let mut name = wanted.to_owned();
    let mut number = 0;
    while !taken.insert(name.clone()) {
        number += 1;
        name = format!("{wanted}_{number}");
    }
    name.into()
}

/// Follows a draw without a name through invertible steps to what the program names or returns.
fn follow(graph: &Graph, draw: NodeId, distribution: Distribution) -> Site {
    let at_draw = Site {
        draw,
        distribution,
        node: draw,
        name: "".into(),
        base: Base::Draw,
        steps: Vec::new(),
    };
    let mut site = at_draw.clone();
    while !is_seen(graph, site.node) {
        let mut users = graph.users(site.node);
        let (Some(user), None) = (users.next(), users.next()) else {
            return at_draw;
        };
        if graph.aval(user).shape != graph.aval(draw).shape || !site.advance(graph, user) {
            return at_draw;
        }
    }
    site
}

/// Whether the program has a name for it, or returns it.
fn is_seen(graph: &Graph, id: NodeId) -> bool {
    graph.node(id).name.is_some() || graph.outputs().contains(&id)
}

impl Site {
    /// The other operands of the steps.
    pub(super) fn others(&self) -> impl Iterator<Item = NodeId> + '_ {
        let threshold = match self.base {
            Base::Compared { threshold, .. } => Some(threshold),
            Base::Draw | Base::Absolute => None,
        };
        let steps = self.steps.iter().filter_map(|step| step.other());
        steps.chain(threshold)
    }

    /// Takes one more step, if `user` is one.
    fn advance(&mut self, graph: &Graph, user: NodeId) -> bool {
        let Op::Elementwise(op) = *graph.op(user) else {
            return false;
        };
        let operands = graph.operands(user);
        let position = operands.iter().position(|&id| id == self.node);
        let other = operands.iter().copied().find(|&id| id != self.node);
        let continuous = graph.aval(self.draw).dtype.is_float();
        let start = self.node == self.draw;
        self.node = user;
        match (op, position, other) {
            (Elementwise::Absolute | Elementwise::Fabs, _, None) if start && continuous => {
                self.base = Base::Absolute;
                self.distribution.def().support == Support::Real
            }
            (_, Some(position), Some(threshold)) if start && compares(op) => {
                let less = matches!(op, Elementwise::Less | Elementwise::LessEqual);
                self.base = Base::Compared {
                    threshold,
                    below: less == (position == 0),
                };
                self.distribution == Distribution::Uniform && is_standard(graph, self.draw)
            }
            (op, Some(position), other) if continuous && !self.is_compared() => {
                let step = step(op, position, other);
                self.steps.extend(step);
                step.is_some()
            }
            _ => false,
        }
    }

    fn is_compared(&self) -> bool {
        matches!(self.base, Base::Compared { .. })
    }

    /// The variable in the likelihood; `new` maps nodes of the program to nodes there.
    pub(super) fn variable(
        &self,
        graph: &Graph,
        input: usize,
        given: bool,
        new: &[Option<NodeId>],
    ) -> Result<Variable> {
        let moved = |id: NodeId| {
            new[id.index()].ok_or_else(|| Error::internal("a bound of a draw was not copied"))
        };
        let parameters = graph.operands(self.draw);
        let bounds = match (self.base, self.distribution.def().support) {
            (Base::Compared { .. }, _) => Bounds::Discrete,
            (Base::Absolute, _) => Bounds::Positive,
            (Base::Draw, Support::Real) => Bounds::Real,
            (Base::Draw, Support::Positive | Support::NonNegative) => Bounds::Positive,
            (Base::Draw, Support::Unit) => Bounds::Unit,
            (Base::Draw, Support::Between(low, high)) => {
                match (parameters.get(low), parameters.get(high)) {
                    (Some(&low), Some(&high)) => Bounds::Between(moved(low)?, moved(high)?),
                    _ => Bounds::Unit,
                }
            }
            (Base::Draw, Support::Integers { .. } | Support::Counts(_)) => Bounds::Discrete,
        };
        let node = graph.aval(self.node);
        Ok(Variable {
            name: self.name.clone(),
            input,
            aval: Aval {
                weak: false,
                ..node.clone()
            },
            given,
            bounds,
            steps: self
                .steps
                .iter()
                .map(|step| step.moved(new))
                .collect::<Result<_>>()?,
        })
    }
}

fn compares(op: Elementwise) -> bool {
    matches!(
        op,
        Elementwise::Less
            | Elementwise::LessEqual
            | Elementwise::Greater
            | Elementwise::GreaterEqual
    )
}

/// Whether the parameters of a uniform draw are 0 and 1, said or by default.
fn is_standard(graph: &Graph, draw: NodeId) -> bool {
    let mut bounds = graph.operands(draw).into_iter().zip([0.0, 1.0]);
    bounds.all(|(id, wanted)| match graph.op(id) {
        Op::Constant(Constant::Float(v)) => *v == wanted,
        Op::Constant(Constant::Int(v)) => *v as f64 == wanted,
        _ => false,
    })
}

/// The step that an operation is for its operand at `position`.
fn step(op: Elementwise, position: usize, other: Option<NodeId>) -> Option<Step> {
    match (op, position, other) {
        (Elementwise::Add, _, Some(c)) => Some(Step::Shift(c)),
        (Elementwise::Subtract, 0, Some(c)) => Some(Step::Unshift(c)),
        (Elementwise::Subtract, _, Some(c)) => Some(Step::Mirror(c)),
        (Elementwise::Multiply, _, Some(c)) => Some(Step::Scale(c)),
        (Elementwise::Divide, 0, Some(c)) => Some(Step::Unscale(c)),
        (Elementwise::Negative, _, None) => Some(Step::Negate),
        (Elementwise::Exp, _, None) => Some(Step::Exp),
        _ => None,
    }
}

/// A value, the logarithm of how a step changed its volume, and where that is possible at all.
pub(super) type Undone = (NodeId, Option<NodeId>, Option<NodeId>);

impl Step {
    pub(super) fn other(&self) -> Option<NodeId> {
        match *self {
            Step::Shift(c)
            | Step::Unshift(c)
            | Step::Mirror(c)
            | Step::Scale(c)
            | Step::Unscale(c) => Some(c),
            Step::Negate | Step::Exp => None,
        }
    }

    /// The same step with its operand in the new graph.
    pub(super) fn moved(&self, new: &[Option<NodeId>]) -> Result<Step> {
        let at = |id: NodeId| {
            new[id.index()].ok_or_else(|| Error::internal("an operand of a step was not copied"))
        };
        Ok(match *self {
            Step::Shift(c) => Step::Shift(at(c)?),
            Step::Unshift(c) => Step::Unshift(at(c)?),
            Step::Mirror(c) => Step::Mirror(at(c)?),
            Step::Scale(c) => Step::Scale(at(c)?),
            Step::Unscale(c) => Step::Unscale(at(c)?),
            Step::Negate => Step::Negate,
            Step::Exp => Step::Exp,
        })
    }

    /// The value after the step, and `log|d after / d before|` unless it is zero.
    pub(super) fn apply(&self, b: &mut Builder, x: NodeId) -> Result<(NodeId, Option<NodeId>)> {
        use Elementwise::{Add, Divide, Exp, Multiply, Negative, Subtract};
        Ok(match *self {
            Step::Shift(c) => (b.elementwise(Add, &[x, c])?, None),
            Step::Unshift(c) => (b.elementwise(Subtract, &[x, c])?, None),
            Step::Mirror(c) => (b.elementwise(Subtract, &[c, x])?, None),
            Step::Scale(c) => (b.elementwise(Multiply, &[x, c])?, Some(log_size(b, c)?)),
            Step::Unscale(c) => {
                let log = log_size(b, c)?;
                let log = b.elementwise(Negative, &[log])?;
                (b.elementwise(Divide, &[x, c])?, Some(log))
            }
            Step::Negate => (b.elementwise(Negative, &[x])?, None),
            Step::Exp => (b.elementwise(Exp, &[x])?, Some(x)),
        })
    }

    /// The value before the step, `log|d before / d after|` unless it is zero, and where there is one.
    pub(super) fn undo(&self, b: &mut Builder, x: NodeId) -> Result<Undone> {
        use Elementwise::{Add, Divide, Greater, Log, Multiply, Negative, Subtract, Where};
        Ok(match *self {
            Step::Shift(c) => (b.elementwise(Subtract, &[x, c])?, None, None),
            Step::Unshift(c) => (b.elementwise(Add, &[x, c])?, None, None),
            Step::Mirror(c) => (b.elementwise(Subtract, &[c, x])?, None, None),
            Step::Scale(c) => {
                let log = log_size(b, c)?;
                let log = b.elementwise(Negative, &[log])?;
                (b.elementwise(Divide, &[x, c])?, Some(log), None)
            }
            Step::Unscale(c) => {
                let log = log_size(b, c)?;
                (b.elementwise(Multiply, &[x, c])?, Some(log), None)
            }
            Step::Negate => (b.elementwise(Negative, &[x])?, None, None),
            Step::Exp => {
                let (zero, one) = (b.float(0.0), b.float(1.0));
                let inside = b.elementwise(Greater, &[x, zero])?;
                let safe = b.elementwise(Where, &[inside, x, one])?;
                let before = b.elementwise(Log, &[safe])?;
                let log = b.elementwise(Negative, &[before])?;
                (before, Some(log), Some(inside))
            }
        })
    }
}

/// `log(abs(c))`.
fn log_size(b: &mut Builder, c: NodeId) -> Result<NodeId> {
    let size = b.elementwise(Elementwise::Absolute, &[c])?;
    b.elementwise(Elementwise::Log, &[size])
}
