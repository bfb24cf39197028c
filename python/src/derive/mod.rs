//! A chain of transforms applied to a lifted call.
//!
//! In: a [`Lifted`] function and what to make of it (`grad`, `jvp`, `likelihood`, ...). Out: another one,
//! whose graph is transformed and whose parameters and result are rearranged accordingly:
//!
//! ```text
//! loss(params: {w, b}, x) -> scalar          grad over params
//! grad(params: {w, b}, x) -> {w, b}
//! ```
//!
//! Everything here is bookkeeping of containers; the mathematics is in `lazy-transforms`.

mod added;
mod arguments;
mod batch;
mod density;
mod modes;
mod nodes;

use lazy_core::error::{Error, Result};
use lazy_core::graph::Graph;
use lazy_core::lift::Lifted;
use lazy_core::lift::host::Calling;
use lazy_transforms::simplify::{self, Truths};
use lazy_transforms::{Transform, autodiff, fuse};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use self::batch::Mapping;
use self::density::log_density;
use self::modes::{grad, hessian_product, jacobian, pull_back, push_forward, real_loss, sparsity};
pub use self::nodes::{Placed, places};
use crate::exceptions;
use crate::host::Object;

/// What to make of a function.
#[derive(Clone, Debug)]
pub enum Derivation {
    /// With rules that are as true as is asked for.
    Jit(Truths),
    /// The gradient of the first result with respect to these parameters.
    Grad {
        argnums: Argnums,
        has_aux: bool,
        value: bool,
        /// Of a complex result that is a holomorphic function: its complex derivative.
        holomorphic: bool,
    },
    /// One more parameter: the tangents of the first `count` arguments. Result: (result, its tangent).
    Jvp {
        count: usize,
    },
    /// One more parameter: the cotangent of the result. Result: a tuple, one cotangent for each of the
    /// first `count` arguments.
    Vjp {
        count: usize,
    },
    /// Derivatives of every result with respect to every parameter of `argnums`.
    Jacobian {
        argnums: Argnums,
        forward: bool,
    },
    Hessian {
        argnums: Argnums,
    },
    /// One more parameter: the vector, like the parameter of `argnums`.
    Hvp {
        argnums: Argnums,
    },
    /// The values of all nodes, as a list: what `check_grad` and `explain_nan` look at.
    Nodes,
    /// One more parameter: marks of elements of an argument. Result: which elements depend on them.
    Sparsity {
        argnums: Argnums,
    },
    /// Over an axis of the arguments.
    Vmap(Mapping),
    /// The joint log-density. One parameter more, first: the values of the random variables.
    Likelihood {
        given: Vec<(String, Object)>,
    },
}

/// Which parameters, and whether the caller named one or a tuple of them.
#[derive(Clone, Debug)]
pub struct Argnums {
    positions: Vec<i64>,
    single: bool,
}

impl Argnums {
    fn read(object: &Bound<'_, PyAny>) -> PyResult<Argnums> {
        if let Ok(position) = object.extract::<i64>() {
            return Ok(Argnums {
                positions: vec![position],
                single: true,
            });
        }
        let positions = object
            .extract::<Vec<i64>>()
            .map_err(|_| PyTypeError::new_err("argnums must be an int or a tuple of ints"))?;
        Ok(Argnums {
            positions,
            single: false,
        })
    }

    /// The first `count` arguments.
    fn first(count: usize) -> Argnums {
        Argnums {
            positions: (0..count as i64).collect(),
            single: false,
        }
    }

    /// Positions among `count` parameters.
    fn resolve(&self, count: usize) -> Result<Vec<usize>> {
        self.positions
            .iter()
            .map(|&p| {
                let at = if p < 0 { p + count as i64 } else { p };
                usize::try_from(at)
                    .ok()
                    .filter(|at| *at < count)
                    .ok_or_else(|| {
                        Error::value(format!(
                            "argnums {p} is out of range: there are {count} arguments"
                        ))
                    })
            })
            .collect()
    }
}

impl Derivation {
    /// From `("grad", argnums, has_aux, value)` and the like.
    pub fn read(spec: &Bound<'_, PyTuple>) -> PyResult<Derivation> {
        let name: String = spec.get_item(0)?.extract()?;
        let part = |i: usize| spec.get_item(i);
        Ok(match name.as_str() {
            "jit" if spec.len() == 1 => Derivation::Jit(Truths::Default),
            "jit" => Derivation::Jit(match part(1)?.extract::<String>()?.as_str() {
                "exact" => Truths::Exact,
                _ => Truths::All,
            }),
            "grad" => Derivation::Grad {
                argnums: Argnums::read(&part(1)?)?,
                has_aux: part(2)?.extract()?,
                value: part(3)?.extract()?,
                holomorphic: part(4)?.extract()?,
            },
            "jvp" => Derivation::Jvp {
                count: part(1)?.extract()?,
            },
            "vjp" => Derivation::Vjp {
                count: part(1)?.extract()?,
            },
            "jacfwd" | "jacrev" => Derivation::Jacobian {
                argnums: Argnums::read(&part(1)?)?,
                forward: name == "jacfwd",
            },
            "hessian" => Derivation::Hessian {
                argnums: Argnums::read(&part(1)?)?,
            },
            "hvp" => Derivation::Hvp {
                argnums: Argnums::read(&part(1)?)?,
            },
            "nodes" => Derivation::Nodes,
            "sparsity" => Derivation::Sparsity {
                argnums: Argnums::read(&part(1)?)?,
            },
            "vmap" => Derivation::Vmap(Mapping::read(&part(1)?, &part(2)?)?),
            "likelihood" => {
                let given = part(1)?;
                let mut out = Vec::new();
                if !given.is_none() {
                    for (key, value) in given.cast::<PyDict>()? {
                        out.push((key.extract()?, Object::new(&value)));
                    }
                }
                Derivation::Likelihood { given: out }
            }
            other => {
                return Err(PyValueError::new_err(format!(
                    "unknown transform {other:?}"
                )));
            }
        })
    }

    /// How many arguments the caller gives beyond those of the inner function: at the front, at the end.
    pub fn extra(&self) -> (usize, usize) {
        match self {
            Derivation::Jit(_)
            | Derivation::Grad { .. }
            | Derivation::Jacobian { .. }
            | Derivation::Hessian { .. }
            | Derivation::Nodes
            | Derivation::Vmap(_) => (0, 0),
            Derivation::Jvp { .. }
            | Derivation::Vjp { .. }
            | Derivation::Hvp { .. }
            | Derivation::Sparsity { .. } => (0, 1),
            Derivation::Likelihood { .. } => (1, 0),
        }
    }

    /// What the inner function is called with.
    ///
    /// # Errors
    /// For `vmap`: NumPy's, for arrays without the axis.
    pub fn inner(&self, py: Python<'_>, arguments: &[Object]) -> Result<Vec<Object>> {
        match self {
            Derivation::Vmap(mapping) => mapping
                .examples(py, arguments)
                .map_err(|error| exceptions::caught(py, &error)),
            _ => Ok(arguments.to_vec()),
        }
    }

    /// Whether it is called with what the inner function takes, so that this raises what that raises.
    pub fn keeps_arguments(&self) -> bool {
        self.extra() == (0, 0) && !matches!(self, Derivation::Vmap(_))
    }

    /// A word for error messages and emitted names.
    pub fn name(&self) -> &'static str {
        match self {
            Derivation::Jit(_) => "jit",
            Derivation::Grad { value: false, .. } => "grad",
            Derivation::Grad { value: true, .. } => "value_and_grad",
            Derivation::Jvp { .. } => "jvp",
            Derivation::Vjp { .. } => "vjp",
            Derivation::Jacobian { .. } => "jacobian",
            Derivation::Hessian { .. } => "hessian",
            Derivation::Hvp { .. } => "hvp",
            Derivation::Nodes => "nodes",
            Derivation::Sparsity { .. } => "sparsity",
            Derivation::Vmap(_) => "vmap",
            Derivation::Likelihood { .. } => "likelihood",
        }
    }

    /// How true the rules must be by which its graph is simplified.
    pub fn truths(&self) -> Truths {
        match self {
            Derivation::Jit(truths) => *truths,
            _ => Truths::Default,
        }
    }

    /// Whether a function that cannot be lifted may run as plain Python instead.
    pub fn may_run_plain(&self) -> bool {
        matches!(self, Derivation::Jit(_))
    }

    /// What the machine must know to call the function inside with some of `count` arguments.
    ///
    /// # Errors
    /// For positions that there are not.
    pub fn calling(&self, count: usize) -> Result<Calling> {
        let (_, own) = self.extra();
        let inner = count
            .checked_sub(own)
            .ok_or_else(|| Error::type_error(format!("{} lacks an argument", self.name())))?;
        let derived = |argnums: &Argnums| -> Result<Calling> {
            let by = argnums.resolve(inner)?;
            Ok(Calling::Derived { by, own })
        };
        match self {
            Derivation::Jit(_) => Ok(Calling::Plain),
            Derivation::Grad { argnums, .. }
            | Derivation::Jacobian { argnums, .. }
            | Derivation::Hessian { argnums }
            | Derivation::Hvp { argnums }
            | Derivation::Sparsity { argnums } => derived(argnums),
            Derivation::Jvp { count } | Derivation::Vjp { count } => {
                derived(&Argnums::first(*count))
            }
            Derivation::Nodes => Err(Error::unlifted("the nodes of a graph", "it is another's")),
            Derivation::Vmap(mapping) => Ok(Calling::Mapped(mapping.axes(inner))),
            Derivation::Likelihood { .. } => Ok(Calling::Density),
        }
    }

    /// Applies this to a lifted call. `own` is the argument that the function inside does not get, if the
    /// derivation has one and it is known.
    ///
    /// # Errors
    /// Why the derivation does not exist, at the user's line if it has one.
    pub fn apply(
        &self,
        py: Python<'_>,
        mut lifted: Lifted<Object>,
        own: Option<&Object>,
    ) -> Result<Lifted<Object>> {
        match self {
            Derivation::Jit(_) => Ok(lifted),
            Derivation::Grad {
                argnums,
                has_aux,
                value,
                holomorphic,
            } => {
                if *holomorphic {
                    real_loss(&mut lifted, *has_aux)?;
                }
                grad(&mut lifted, argnums, *has_aux, *value)?;
                Ok(lifted)
            }
            Derivation::Jvp { count } => {
                push_forward(py, &mut lifted, *count, own)?;
                Ok(lifted)
            }
            Derivation::Vjp { count } => {
                pull_back(py, &mut lifted, *count, own)?;
                Ok(lifted)
            }
            Derivation::Jacobian { argnums, forward } => {
                jacobian(&mut lifted, argnums, *forward)?;
                Ok(lifted)
            }
            Derivation::Hessian { argnums } => {
                grad(&mut lifted, argnums, false, false)?;
                jacobian(&mut lifted, argnums, true)?;
                Ok(lifted)
            }
            Derivation::Hvp { argnums } => {
                grad(&mut lifted, argnums, false, false)?;
                hessian_product(py, &mut lifted, argnums, own)?;
                Ok(lifted)
            }
            Derivation::Nodes => {
                nodes::all(&mut lifted);
                Ok(lifted)
            }
            Derivation::Sparsity { argnums } => {
                sparsity(py, &mut lifted, argnums, own)?;
                Ok(lifted)
            }
            Derivation::Vmap(mapping) => {
                mapping.apply(&mut lifted)?;
                Ok(lifted)
            }
            Derivation::Likelihood { given } => {
                let values = own.ok_or_else(|| Error::internal("a density of no values"))?;
                log_density(py, lifted, given, values)
            }
        }
    }
}

/// The passes every graph goes through before it is run or printed.
///
/// # Errors
/// A pass's own, which is a bug.
pub fn simplified(graph: &Graph, truths: Truths) -> Result<Graph> {
    simplify::standard_for(truths).apply(graph)
}

/// The same for a graph that is complete: no derivative will be taken of it any more.
///
/// # Errors
/// A pass's own, which is a bug.
pub fn completed(graph: &Graph, truths: Truths) -> Result<Graph> {
    simplified(&autodiff::erase_rules(graph)?, truths)
}

/// What the evaluator is given: cheaper operations where they are as true, and fusion groups. What
/// people read stays as [`simplified`] leaves it.
///
/// # Errors
/// A pass's own, which is a bug.
pub fn prepared(graph: &Graph, truths: Truths) -> Result<Graph> {
    // A sum over what a mask leaves adds in another order.
    let masks = |graph: &Graph| match truths {
        Truths::Exact => Ok(graph.clone()),
        Truths::Default | Truths::All => simplify::masks(graph),
    };
    let passes = masks
        .then(simplify::products(truths))
        .then(simplify::strengthen(truths))
        .then(simplify::reflect)
        .then(fuse::fuse);
    simplify::everywhere(&passes, graph)
}
