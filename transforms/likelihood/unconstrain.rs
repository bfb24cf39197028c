//! A log-density over one unconstrained vector, as samplers want it.
//!
//! In: a likelihood and its variables. Out: the log-density over `u`, a float64 vector of all unknown
//! continuous variables mapped to the real line, with the logarithm of the map's derivative added;
//! and the graph from `u` to the variables themselves.
//!
//! ```text
//! sigma = rng.exponential()   =>   sigma = exp(u[0]),  log|d sigma / d u| = u[0]
//! ```
//!
//! An interval is mapped by the logistic function; its ends may depend on other variables.
//!
//! Source: Kucukelbir et al., *Automatic Differentiation Variational Inference* (JMLR 2017), and the
//! transforms of the Stan reference manual.

use lazy_core::error::{Error, ErrorKind, Result};
use lazy_core::graph::{Aval, Builder, DType, Dim, Graph, NodeId, Operands};
use lazy_core::ops::{Elementwise, Op, Range, Reduction};
use smallvec::smallvec;

use super::{Bounds, Variable};
use crate::Transform;
use crate::simplify::standard;

/// What a sampler needs. The inputs of both graphs are `u`, then the given variables in order, then
/// the other inputs of the likelihood.
#[derive(Clone, Debug)]
pub struct Unconstrained {
    /// The log-density over `u`, a float64 scalar, simplified.
    pub density: Graph,
    /// From `u` to the unknown variables, in order.
    pub expand: Graph,
    /// The length of `u`.
    pub dimension: Dim,
}

/// A likelihood over the real line.
///
/// # Errors
/// `NoDensity` if an unknown variable is discrete, or none is unknown.
pub fn unconstrain(graph: &Graph, variables: &[Variable]) -> Result<Unconstrained> {
    let unknown: Vec<&Variable> = variables.iter().filter(|v| !v.given).collect();
    for variable in &unknown {
        if variable.bounds == Bounds::Discrete {
            return Err(no_density(
                &variable.name,
                "it is discrete, and NUTS needs continuous unknowns: give its value, or sum it out",
            ));
        }
    }
    if unknown.is_empty() {
        return Err(no_density(&graph.name, "every random variable is given"));
    }
    let mut walk = Walk::new(graph, &unknown)?;
    let mut densities = walk.value(graph.outputs()[0])?;
    for variable in &unknown {
        // Also those that the density does not depend on have values and a volume.
        walk.value(graph.inputs()[variable.input])?;
    }
    let volumes = std::mem::take(&mut walk.volumes);
    for volume in volumes {
        let axes = (0..walk.b.aval(volume).rank()).collect();
        let volume = walk.b.reduce(Reduction::Sum, volume, axes)?;
        densities = walk.b.elementwise(Elementwise::Add, &[densities, volume])?;
    }
    let values = unknown.iter().map(|v| walk.value(graph.inputs()[v.input]));
    let values = values.collect::<Result<Vec<_>>>()?;
    // Before it is differentiated, since the derivative of a stable form is stable.
    let density = standard().apply(&walk.b.clone().finish(vec![densities]))?;
    Ok(Unconstrained {
        density,
        expand: walk.b.finish(values),
        dimension: walk.dimension,
    })
}

fn no_density(what: &str, why: &str) -> Box<Error> {
    Error::new(ErrorKind::NoDensity {
        what: what.into(),
        why: why.into(),
    })
}

/// Copies the likelihood on demand: a bound may be computed after the input that it bounds.
struct Walk<'a> {
    graph: &'a Graph,
    b: Builder,
    new: Vec<Option<NodeId>>,
    /// By input of the likelihood: the unknown variable, and its part of `u`.
    unknown: Vec<Option<(&'a Variable, NodeId)>>,
    /// `log|dx/du|`, elementwise, of each variable and each of its steps.
    volumes: Vec<NodeId>,
    dimension: Dim,
}

impl<'a> Walk<'a> {
    fn new(graph: &'a Graph, variables: &[&'a Variable]) -> Result<Walk<'a>> {
        let mut b = Builder::rebuild(graph);
        let sizes = variables.iter().map(|v| v.aval.size());
        let dimension = sizes.fold(Dim::known(0), |a, size| a + size);
        let u = b.input("u", Aval::new(DType::F64, [dimension.clone()]));
        let mut new = vec![None; graph.len()];
        let mut unknown = vec![None; graph.inputs().len()];
        let mut start = Dim::known(0);
        for variable in variables {
            let size = variable.aval.size();
            let range = Range {
                start: start.clone(),
                size: size.clone(),
                step: 1,
            };
            start = start + size;
            let part = b.add(Op::Slice(smallvec![range]), &[u])?;
            let part = b.reshape(part, variable.aval.shape.clone())?;
            unknown[variable.input] = Some((*variable, part));
        }
        for (input, &id) in graph.inputs().iter().enumerate() {
            if unknown[input].is_none() {
                new[id.index()] = Some(b.copy(graph, id, &[]));
            }
        }
        Ok(Walk {
            graph,
            b,
            new,
            unknown,
            volumes: Vec::new(),
            dimension,
        })
    }

    /// The new node for `root`, after all that it needs. Depth first without recursion: graphs are deep.
    fn value(&mut self, root: NodeId) -> Result<NodeId> {
        let mut pending = vec![root];
        while let Some(&id) = pending.last() {
            if self.new[id.index()].is_some() {
                pending.pop();
                continue;
            }
            let needs = self.needs(id);
            let before = pending.len();
            let missing = needs.iter().filter(|n| self.new[n.index()].is_none());
            pending.extend(missing.copied());
            if pending.len() == before {
                let new = self.make(id, &needs)?;
                self.new[id.index()] = Some(new);
            }
        }
        self.at(root)
    }

    fn at(&self, id: NodeId) -> Result<NodeId> {
        self.new[id.index()].ok_or_else(|| Error::internal("a bound of a variable was not copied"))
    }

    fn variable(&self, id: NodeId) -> Option<(&'a Variable, NodeId)> {
        let input = self.graph.inputs().iter().position(|&i| i == id)?;
        self.unknown[input]
    }

    fn needs(&self, id: NodeId) -> Operands {
        let Some((variable, _)) = self.variable(id) else {
            return self.graph.operands(id);
        };
        let mut needs: Operands = variable.steps.iter().filter_map(|s| s.other()).collect();
        if let Bounds::Between(low, high) = variable.bounds {
            needs.extend([low, high]);
        }
        needs
    }

    fn make(&mut self, id: NodeId, needs: &[NodeId]) -> Result<NodeId> {
        let Some((variable, part)) = self.variable(id) else {
            let operands = needs.iter().map(|&n| self.at(n));
            let operands = operands.collect::<Result<Operands>>()?;
            return Ok(self.b.copy(self.graph, id, &operands));
        };
        let mut x = self.constrain(variable, part)?;
        for step in &variable.steps {
            let (after, volume) = step.moved(&self.new)?.apply(&mut self.b, x)?;
            x = after;
            if let Some(volume) = volume {
                // One term per element, though the scale may be a scalar.
                let shape = self.b.aval(x).shape.clone();
                self.volumes.push(self.b.broadcast_to(volume, shape)?);
            }
        }
        self.b.name(x, variable.name.clone());
        Ok(x)
    }

    /// From the real line to the bounds, noting the volume.
    fn constrain(&mut self, variable: &Variable, u: NodeId) -> Result<NodeId> {
        use Elementwise::{Add, Exp, Expit, Log, LogExpit, Multiply, Negative, Subtract};
        let b = &mut self.b;
        match variable.bounds {
            Bounds::Real | Bounds::Discrete => Ok(u),
            Bounds::Positive => {
                self.volumes.push(u);
                b.elementwise(Exp, &[u])
            }
            Bounds::Unit | Bounds::Between(..) => {
                let minus = b.elementwise(Negative, &[u])?;
                let up = b.elementwise(LogExpit, &[u])?;
                let down = b.elementwise(LogExpit, &[minus])?;
                let mut volume = b.elementwise(Add, &[up, down])?;
                let mut x = b.elementwise(Expit, &[u])?;
                if let Bounds::Between(low, high) = variable.bounds {
                    let (low, high) = (self.at(low)?, self.at(high)?);
                    let b = &mut self.b;
                    let width = b.elementwise(Subtract, &[high, low])?;
                    let log = b.elementwise(Log, &[width])?;
                    volume = b.elementwise(Add, &[volume, log])?;
                    x = b.elementwise(Multiply, &[width, x])?;
                    x = b.elementwise(Add, &[low, x])?;
                }
                self.volumes.push(volume);
                Ok(x)
            }
        }
    }
}
