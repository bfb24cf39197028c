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

use lazy_core::error::{Error, ErrorKind, Result};
use lazy_core::graph::{Aval, Builder, Graph, NodeId};
use lazy_core::lift::guard::{Check, Fetch, Slot};
use lazy_core::lift::numpy::Form;
use lazy_core::lift::{Input, Lifted, Parameter, ParameterKind, Tree};
use lazy_transforms::{Transform, autodiff, fuse, likelihood, simplify};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::host::Object;

/// What to make of a function.
#[derive(Clone, Debug)]
pub enum Derivation {
    Jit,
    /// The gradient of the first result with respect to these parameters.
    Grad {
        argnums: Argnums,
        has_aux: bool,
        value: bool,
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
            "jit" => Derivation::Jit,
            "grad" => Derivation::Grad {
                argnums: Argnums::read(&part(1)?)?,
                has_aux: part(2)?.extract()?,
                value: part(3)?.extract()?,
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
            Derivation::Jit
            | Derivation::Grad { .. }
            | Derivation::Jacobian { .. }
            | Derivation::Hessian { .. } => (0, 0),
            Derivation::Jvp { .. } | Derivation::Vjp { .. } | Derivation::Hvp { .. } => (0, 1),
            Derivation::Likelihood { .. } => (1, 0),
        }
    }

    /// A word for error messages and emitted names.
    pub fn name(&self) -> &'static str {
        match self {
            Derivation::Jit => "jit",
            Derivation::Grad { value: false, .. } => "grad",
            Derivation::Grad { value: true, .. } => "value_and_grad",
            Derivation::Jvp { .. } => "jvp",
            Derivation::Vjp { .. } => "vjp",
            Derivation::Jacobian { .. } => "jacobian",
            Derivation::Hessian { .. } => "hessian",
            Derivation::Hvp { .. } => "hvp",
            Derivation::Likelihood { .. } => "likelihood",
        }
    }

    /// Whether a function that cannot be lifted may run as plain Python instead.
    pub fn may_run_plain(&self) -> bool {
        matches!(self, Derivation::Jit)
    }

    /// Applies this to a lifted call.
    ///
    /// # Errors
    /// Why the derivation does not exist, at the user's line if it has one.
    pub fn apply(
        &self,
        py: Python<'_>,
        mut lifted: Lifted<Object>,
        extra: &[Object],
    ) -> Result<Lifted<Object>> {
        match self {
            Derivation::Jit => Ok(lifted),
            Derivation::Grad {
                argnums,
                has_aux,
                value,
            } => {
                grad(&mut lifted, argnums, *has_aux, *value)?;
                Ok(lifted)
            }
            Derivation::Jvp { count } => {
                let tangents = one_extra(extra)?;
                push_forward(py, &mut lifted, *count, tangents)?;
                Ok(lifted)
            }
            Derivation::Vjp { count } => {
                let cotangent = one_extra(extra)?;
                pull_back(py, &mut lifted, *count, cotangent)?;
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
                let vector = one_extra(extra)?;
                hessian_product(py, &mut lifted, argnums, vector)?;
                Ok(lifted)
            }
            Derivation::Likelihood { given } => {
                let values = one_extra(extra)?;
                log_density(py, lifted, given, values)
            }
        }
    }
}

fn one_extra(extra: &[Object]) -> Result<&Object> {
    extra
        .first()
        .ok_or_else(|| Error::internal("an argument of the transform is missing"))
}

/// The passes every graph goes through before it is run or printed.
///
/// # Errors
/// A pass's own, which is a bug.
pub fn simplified(graph: &Graph) -> Result<Graph> {
    simplify::standard().apply(graph)
}

/// What the evaluator is given: cheaper operations where they are as true, and fusion groups. What
/// people read stays as [`simplified`] leaves it.
///
/// # Errors
/// A pass's own, which is a bug.
pub fn prepared(graph: &Graph) -> Result<Graph> {
    simplify::strengthen(simplify::Truths::Default)
        .then(simplify::reflect)
        .then(fuse::fuse)
        .apply(graph)
}

/// The same graph with other outputs.
fn with_outputs(graph: &Graph, outputs: Vec<NodeId>) -> Graph {
    Builder::extend(graph).finish(outputs)
}

/// Names and containers of what is passed by position: the items of `*args` count one by one.
fn arguments(lifted: &Lifted<Object>) -> Vec<(String, &Tree<Object>)> {
    let mut out = Vec::new();
    let receiver = usize::from(lifted.receiver);
    for parameter in lifted.parameters.iter().skip(receiver) {
        match (parameter.kind, &parameter.tree) {
            (ParameterKind::Variadic, Tree::Tuple(items)) => {
                let name = |i| format!("{}[{i}]", parameter.name);
                out.extend(items.iter().enumerate().map(|(i, item)| (name(i), item)));
            }
            _ => out.push((parameter.name.clone(), &parameter.tree)),
        }
    }
    out
}

/// The graph inputs that are the leaves of arguments.
fn differentiated(lifted: &Lifted<Object>, argnums: &Argnums) -> Result<(Vec<usize>, Vec<usize>)> {
    let arguments = arguments(lifted);
    let positions = argnums.resolve(arguments.len())?;
    let mut inputs = Vec::new();
    for &p in &positions {
        let (name, tree) = &arguments[p];
        require_floats(&lifted.graph, name, tree)?;
        inputs.extend(tree.leaves());
    }
    Ok((positions, inputs))
}

fn require_floats(graph: &Graph, name: &str, tree: &Tree<Object>) -> Result<()> {
    let refuse = |argument: String, dtype: String| {
        Err(Error::new(ErrorKind::IntegerArgument { argument, dtype }))
    };
    match tree {
        Tree::Leaf(input, _) => {
            let id = graph.inputs()[*input];
            let aval = graph.aval(id);
            if aval.dtype.is_inexact() {
                return Ok(());
            }
            let label = graph.node(id).name.as_deref().unwrap_or(name).to_string();
            refuse(label, aval.dtype.to_string())
        }
        Tree::Known(object) => {
            let kind = Python::attach(|py| {
                object
                    .bind(py)
                    .get_type()
                    .name()
                    .map(|n| n.to_string())
                    .unwrap_or_default()
            });
            refuse(name.to_string(), kind)
        }
        Tree::Same(_) | Tree::Text(_) | Tree::Set(_) | Tree::Instance(_) => {
            refuse(name.to_string(), "not an array".into())
        }
        Tree::Tuple(items) | Tree::List(items) => items
            .iter()
            .try_for_each(|t| require_floats(graph, name, t)),
        Tree::Dict(entries) => entries
            .iter()
            .try_for_each(|(_, t)| require_floats(graph, name, t)),
    }
}

/// The gradients' containers, like those of the parameters.
fn like_parameters(
    lifted: &Lifted<Object>,
    positions: &[usize],
    single: bool,
    output: &mut dyn FnMut(usize, Form) -> Tree<Object>,
) -> Tree<Object> {
    let arguments = arguments(lifted);
    let mut trees: Vec<_> = positions
        .iter()
        .map(|&p| arguments[p].1.map(output))
        .collect();
    if single && trees.len() == 1 {
        trees.remove(0)
    } else {
        Tree::Tuple(trees)
    }
}

fn grad(lifted: &mut Lifted<Object>, argnums: &Argnums, has_aux: bool, value: bool) -> Result<()> {
    let (loss, aux) = loss_of(lifted, has_aux)?;
    let (positions, wrt) = differentiated(lifted, argnums)?;
    // The loss first, everything else that the call still needs behind it.
    let old = lifted.graph.outputs().to_vec();
    let mut outputs = vec![old[loss]];
    outputs.extend(old.iter().copied());
    let kept = old.len();
    let graph = with_outputs(&lifted.graph, outputs);
    let graph = autodiff::value_and_grad(wrt.clone(), kept).apply(&graph)?;
    let first = 1 + kept;
    let gradients = like_parameters(lifted, &positions, argnums.single, &mut |input, form| {
        let at = wrt.iter().position(|w| *w == input).unwrap_or(0);
        Tree::Leaf(first + at, form)
    });
    let shift = |tree: &Tree<Object>| tree.map(&mut |i, form| Tree::Leaf(i + 1, form));
    let form = match &lifted.result {
        Tree::Leaf(_, form) => *form,
        _ => Form::Scalar,
    };
    let loss_tree = Tree::Leaf(0, form);
    let aux = aux.map(|t| shift(&t));
    shift_outputs(lifted, 1);
    lifted.result = match (value, aux) {
        (false, None) => gradients,
        (false, Some(aux)) => Tree::Tuple(vec![gradients, aux]),
        (true, None) => Tree::Tuple(vec![loss_tree, gradients]),
        (true, Some(aux)) => Tree::Tuple(vec![Tree::Tuple(vec![loss_tree, aux]), gradients]),
    };
    lifted.graph = graph;
    Ok(())
}

/// The output that is the loss, and what comes with it.
fn loss_of(lifted: &Lifted<Object>, has_aux: bool) -> Result<(usize, Option<Tree<Object>>)> {
    let (loss, aux) = match (&lifted.result, has_aux) {
        (Tree::Tuple(items), true) if items.len() == 2 => (&items[0], Some(items[1].clone())),
        (_, true) => {
            return Err(Error::type_error(
                "with has_aux the function must return (loss, aux)",
            ));
        }
        (tree, false) => (tree, None),
    };
    match loss {
        Tree::Leaf(output, _) => Ok((*output, aux)),
        Tree::Same(slot) => {
            // The loss is an argument itself.
            let input = lifted.inputs.iter().position(|i| i.slot == *slot);
            let node = input.map(|i| lifted.graph.inputs()[i]);
            let found = node.and_then(|n| lifted.graph.outputs().iter().position(|o| *o == n));
            found
                .map(|o| (o, aux))
                .ok_or_else(|| non_scalar("a container"))
        }
        Tree::Known(_) => Err(Error::new(ErrorKind::NonScalarLoss {
            shape: "a constant that depends on no argument".into(),
        })),
        Tree::Tuple(_) => Err(non_scalar("a tuple")),
        Tree::List(_) => Err(non_scalar("a list")),
        Tree::Dict(_) => Err(non_scalar("a dict")),
        Tree::Text(_) => Err(non_scalar("a string")),
        Tree::Set(_) => Err(non_scalar("a set")),
        Tree::Instance(_) => Err(non_scalar("an object")),
    }
}

fn non_scalar(what: &str) -> Box<Error> {
    Error::new(ErrorKind::NonScalarLoss { shape: what.into() })
}

/// Moves every reference to an output, except the result's, by `by`.
fn shift_outputs(lifted: &mut Lifted<Object>, by: usize) {
    for (_, output) in &mut lifted.writes {
        *output += by;
    }
    for view in &mut lifted.views {
        view.output += by;
    }
    for effect in &mut lifted.effects {
        let lazy_core::lift::Effect::Call(_, args, keywords) = effect;
        let shift = |t: &mut Tree<Object>| *t = t.map(&mut |i, form| Tree::Leaf(i + by, form));
        args.iter_mut().for_each(shift);
        keywords
            .iter_mut()
            .for_each(|(_, t)| *t = t.map(&mut |i, form| Tree::Leaf(i + by, form)));
    }
}

/// A parameter added to a lifted call: an object shaped like `tree`, whose leaves become new graph inputs
/// with the avals `aval` gives. Returns the new inputs in the order of the leaves.
struct Added<'a, 'py> {
    py: Python<'py>,
    lifted: &'a mut Lifted<Object>,
    name: String,
    /// (name, aval, slot, form) of each new input.
    inputs: Vec<(String, Slot, Form)>,
}

impl<'py> Added<'_, 'py> {
    fn slot(&mut self, fetch: Fetch<Object>) -> Slot {
        self.lifted.guards.fetches.push(fetch);
        self.lifted.guards.fetches.len() - 1
    }

    /// Follows `tree` through `object`; `aval` is what the leaf must be.
    fn walk(
        &mut self,
        tree: &Tree<Object>,
        object: &Bound<'py, PyAny>,
        slot: Slot,
        aval: &mut dyn FnMut(usize) -> Aval,
        label: &mut dyn FnMut(usize) -> String,
    ) -> Result<()> {
        match tree {
            Tree::Leaf(leaf, form) => {
                let expected = aval(*leaf);
                let input = self.lifted.inputs.len() + self.inputs.len();
                let number = crate::ndarray::api(self.py)
                    .map_err(|e| crate::host::unexpected(self.py, &e))?;
                let is_array = number.fields(object).is_some();
                if is_array {
                    let check = Check::Array {
                        dtype: expected.dtype,
                        rank: expected.rank(),
                        input,
                    };
                    self.lifted.guards.checks.push((slot, check));
                } else {
                    let check = Check::Number {
                        dtype: expected.dtype,
                        input,
                    };
                    let class = Object::new(object.get_type().as_any());
                    self.lifted.guards.checks.push((slot, Check::Type(class)));
                    self.lifted.guards.checks.push((slot, check));
                }
                self.inputs.push((
                    label(*leaf),
                    slot,
                    if is_array { Form::Array } else { *form },
                ));
                Ok(())
            }
            Tree::Known(_) | Tree::Same(_) | Tree::Text(_) | Tree::Set(_) | Tree::Instance(_) => {
                Ok(())
            }
            Tree::Tuple(items) | Tree::List(items) => {
                let length = object.len().unwrap_or(0);
                if length != items.len() {
                    return Err(Error::value(format!(
                        "{} has {length} items where the function has {}",
                        self.name,
                        items.len()
                    )));
                }
                for (i, item) in items.iter().enumerate() {
                    let child = object
                        .get_item(i)
                        .map_err(|e| Error::value(e.value(self.py).to_string()))?;
                    let at = self.slot(Fetch::Item(slot, i));
                    self.walk(item, &child, at, aval, label)?;
                }
                Ok(())
            }
            Tree::Dict(entries) => {
                for (key, item) in entries {
                    let child = object.get_item(key.bind(self.py)).map_err(|_| {
                        Error::value(format!("{} lacks the key {}", self.name, key.bind(self.py)))
                    })?;
                    let at = self.slot(Fetch::Entry(slot, key.clone()));
                    self.walk(item, &child, at, aval, label)?;
                }
                Ok(())
            }
        }
    }
}

/// A parameter that a transform adds.
fn positional(name: &str, tree: Tree<Object>) -> Parameter<Object> {
    Parameter {
        name: name.into(),
        kind: ParameterKind::PositionalOnly,
        default: None,
        tree,
    }
}

/// Declares the new inputs with the parameter that holds them.
fn declare(
    lifted: &mut Lifted<Object>,
    added: Vec<(String, Slot, Form)>,
    avals: &[Aval],
    parameter: Option<(usize, Parameter<Object>)>,
) {
    for ((name, slot, form), aval) in added.into_iter().zip(avals) {
        lifted.inputs.push(Input {
            slot,
            name: name.as_str().into(),
            dtype: aval.dtype,
            form,
            argument: true,
            spelling: name,
        });
    }
    if let Some((at, parameter)) = parameter {
        lifted.parameters.insert(at, parameter);
    }
}

fn push_forward(
    py: Python<'_>,
    lifted: &mut Lifted<Object>,
    primals: usize,
    tangents: &Object,
) -> Result<()> {
    let count = lifted.parameters.len();
    let (positions, wrt) = differentiated(lifted, &Argnums::first(primals))?;
    let trees = like_parameters(lifted, &positions, false, &mut |i, form| {
        Tree::Leaf(i, form)
    });
    let (names, avals): (Vec<String>, Vec<Aval>) =
        wrt.iter().map(|&i| describe_input(lifted, i)).unzip();
    let result = result_with_leaves(lifted)?;
    let graph = autodiff::jvp(wrt.clone()).apply(&lifted.graph)?;
    let outputs = lifted.graph.outputs().len();
    let base = lifted.inputs.len();
    let position = |input: usize| wrt.iter().position(|w| *w == input).unwrap_or(0);
    let mut added = Added {
        py,
        lifted,
        name: "the tangents".into(),
        inputs: Vec::new(),
    };
    let slot = added.slot(Fetch::Argument(count));
    added.walk(
        &trees,
        tangents.bind(py),
        slot,
        &mut |i| avals[position(i)].clone(),
        &mut |i| format!("d_{}", names[position(i)]),
    )?;
    let inputs = added.inputs;
    let parameter = positional(
        "tangents",
        trees.map(&mut |i, form| Tree::Leaf(base + position(i), form)),
    );
    declare(lifted, inputs, &avals, Some((count, parameter)));
    let tangent = result.map(&mut |i, form| Tree::Leaf(outputs + i, form));
    lifted.result = Tree::Tuple(vec![result, tangent]);
    lifted.graph = graph;
    Ok(())
}

fn pull_back(
    py: Python<'_>,
    lifted: &mut Lifted<Object>,
    primals: usize,
    cotangent: &Object,
) -> Result<()> {
    let count = lifted.parameters.len();
    let (positions, wrt) = differentiated(lifted, &Argnums::first(primals))?;
    let result = result_with_leaves(lifted)?;
    let leaves = result.leaves();
    // Only the result has cotangents; what is printed or written has none.
    let nodes: Vec<NodeId> = leaves.iter().map(|&o| lifted.graph.outputs()[o]).collect();
    let avals: Vec<Aval> = nodes
        .iter()
        .map(|n| lifted.graph.aval(*n).clone())
        .collect();
    let plain = with_outputs(&lifted.graph, nodes);
    let graph = autodiff::vjp(wrt.clone()).apply(&plain)?;
    let base = lifted.inputs.len();
    let leaf = |o: usize| leaves.iter().position(|l| *l == o).unwrap_or(0);
    let mut added = Added {
        py,
        lifted,
        name: "the cotangent".into(),
        inputs: Vec::new(),
    };
    let slot = added.slot(Fetch::Argument(count));
    added.walk(
        &result,
        cotangent.bind(py),
        slot,
        &mut |o| avals[leaf(o)].clone(),
        &mut |o| format!("cotangent_{}", leaf(o)),
    )?;
    let inputs = added.inputs;
    let parameter = positional(
        "cotangent",
        result.map(&mut |o, form| Tree::Leaf(base + leaf(o), form)),
    );
    let pulled = like_parameters(lifted, &positions, false, &mut |input, form| {
        let at = wrt.iter().position(|w| *w == input).unwrap_or(0);
        Tree::Leaf(leaves.len() + at, form)
    });
    declare(lifted, inputs, &avals, Some((count, parameter)));
    lifted.effects.clear();
    lifted.writes.clear();
    lifted.views.clear();
    lifted.result = pulled;
    lifted.graph = graph;
    Ok(())
}

fn hessian_product(
    py: Python<'_>,
    lifted: &mut Lifted<Object>,
    argnums: &Argnums,
    vector: &Object,
) -> Result<()> {
    let count = lifted.parameters.len();
    let (positions, wrt) = differentiated(lifted, argnums)?;
    let (names, avals): (Vec<String>, Vec<Aval>) =
        wrt.iter().map(|&i| describe_input(lifted, i)).unzip();
    let tree = like_parameters(lifted, &positions, argnums.single, &mut |i, f| {
        Tree::Leaf(i, f)
    });
    let graph = autodiff::jvp(wrt.clone()).apply(&lifted.graph)?;
    let outputs = lifted.graph.outputs().len();
    let base = lifted.inputs.len();
    let position = |input: usize| wrt.iter().position(|w| *w == input).unwrap_or(0);
    let mut added = Added {
        py,
        lifted,
        name: "the vector".into(),
        inputs: Vec::new(),
    };
    let slot = added.slot(Fetch::Argument(count));
    added.walk(
        &tree,
        vector.bind(py),
        slot,
        &mut |i| avals[position(i)].clone(),
        &mut |i| format!("d_{}", names[position(i)]),
    )?;
    let inputs = added.inputs;
    let parameter = positional(
        "vector",
        tree.map(&mut |i, form| Tree::Leaf(base + position(i), form)),
    );
    declare(lifted, inputs, &avals, Some((count, parameter)));
    lifted.result = lifted
        .result
        .map(&mut |i, form| Tree::Leaf(outputs + i, form));
    lifted.graph = graph;
    Ok(())
}

fn jacobian(lifted: &mut Lifted<Object>, argnums: &Argnums, forward: bool) -> Result<()> {
    let (positions, wrt) = differentiated(lifted, argnums)?;
    let result = result_with_leaves(lifted)?;
    let leaves = result.leaves();
    let nodes = leaves.iter().map(|&o| lifted.graph.outputs()[o]).collect();
    let plain = with_outputs(&lifted.graph, nodes);
    // Outputs of the derivation: for each result, for each input.
    let graph = if forward {
        autodiff::jacfwd(wrt.clone()).apply(&plain)?
    } else {
        autodiff::jacrev(wrt.clone()).apply(&plain)?
    };
    let jacobian = result.map(&mut |o, _| {
        let row = leaves.iter().position(|l| *l == o).unwrap_or(0);
        like_parameters(lifted, &positions, argnums.single, &mut |input, _| {
            let column = wrt.iter().position(|w| *w == input).unwrap_or(0);
            Tree::Leaf(row * wrt.len() + column, Form::Array)
        })
    });
    lifted.effects.clear();
    lifted.writes.clear();
    lifted.views.clear();
    lifted.result = jacobian;
    lifted.graph = graph;
    Ok(())
}

fn describe_input(lifted: &Lifted<Object>, input: usize) -> (String, Aval) {
    let id = lifted.graph.inputs()[input];
    (
        lifted.inputs[input].name.to_string(),
        lifted.graph.aval(id).clone(),
    )
}

/// The result, with arguments that are returned as they are made outputs.
fn result_with_leaves(lifted: &mut Lifted<Object>) -> Result<Tree<Object>> {
    if let Tree::Same(slot) = lifted.result {
        let input = lifted.inputs.iter().position(|i| i.slot == slot);
        let input = input.ok_or_else(|| non_scalar("an object that is no array"))?;
        let mut outputs = lifted.graph.outputs().to_vec();
        outputs.push(lifted.graph.inputs()[input]);
        let at = outputs.len() - 1;
        lifted.graph = with_outputs(&lifted.graph, outputs);
        lifted.result = Tree::Leaf(at, lifted.inputs[input].form);
    }
    Ok(lifted.result.clone())
}

fn log_density(
    py: Python<'_>,
    mut lifted: Lifted<Object>,
    given: &[(String, Object)],
    values: &Object,
) -> Result<Lifted<Object>> {
    let names: Vec<String> = given.iter().map(|(name, _)| name.clone()).collect();
    let (graph, variables) = likelihood::likelihood(&lifted.graph, &names)?;
    let values = values.bind(py);
    if values.cast::<PyDict>().is_err() {
        return Err(Error::type_error(
            "the first argument must be a dict of values by name",
        ));
    }
    // The old inputs keep their order behind those of the variables.
    let shift = variables.len();
    for fetch in &mut lifted.guards.fetches {
        if let Fetch::Argument(i) = fetch {
            *i += 1;
        }
    }
    for (_, check) in &mut lifted.guards.checks {
        match check {
            Check::Array { input, .. } | Check::Number { input, .. } => *input += shift,
            Check::Is(_)
            | Check::Equals(_)
            | Check::Type(_)
            | Check::Length(_)
            | Check::Keys(_)
            | Check::Same(_)
            | Check::Apart(_)
            | Check::InOrder
            | Check::Lacks(_) => {}
        }
    }
    for parameter in &mut lifted.parameters {
        parameter.tree = parameter
            .tree
            .map(&mut |i, form| Tree::Leaf(i + shift, form));
    }
    let mut inputs = Vec::new();
    let mut entries = Vec::new();
    let dict = {
        lifted.guards.fetches.push(Fetch::Argument(0));
        lifted.guards.fetches.len() - 1
    };
    for (position, variable) in variables.iter().enumerate() {
        let key = Object::new(PyString::new(py, &variable.name).as_any());
        let observed = given.iter().find(|(name, _)| **name == *variable.name);
        let (slot, object) = match observed {
            Some((_, object)) => {
                lifted.guards.fetches.push(Fetch::Held(object.clone()));
                (lifted.guards.fetches.len() - 1, object.bind(py).clone())
            }
            None => {
                lifted.guards.fetches.push(Fetch::Entry(dict, key.clone()));
                let object = values.get_item(&*variable.name).map_err(|_| {
                    Error::raises(
                        lazy_core::error::Exception::Key,
                        format!("no value for the random variable '{}'", variable.name),
                    )
                })?;
                (lifted.guards.fetches.len() - 1, object)
            }
        };
        let id = graph.inputs()[position];
        let aval = graph.aval(id);
        let is_array = crate::ndarray::api(py)
            .map_err(|e| crate::host::unexpected(py, &e))?
            .fields(&object)
            .is_some();
        let check = if is_array {
            Check::Array {
                dtype: aval.dtype,
                rank: aval.rank(),
                input: position,
            }
        } else {
            let class = Object::new(object.get_type().as_any());
            lifted.guards.checks.push((slot, Check::Type(class)));
            Check::Number {
                dtype: aval.dtype,
                input: position,
            }
        };
        lifted.guards.checks.push((slot, check));
        let form = if is_array { Form::Array } else { Form::Python };
        inputs.push(Input {
            slot,
            name: variable.name.clone(),
            dtype: aval.dtype,
            form,
            argument: observed.is_none(),
            spelling: variable.name.to_string(),
        });
        if observed.is_none() {
            entries.push((key, Tree::Leaf(position, form)));
        }
    }
    inputs.extend(lifted.inputs);
    lifted.inputs = inputs;
    lifted
        .parameters
        .insert(0, positional("values", Tree::Dict(entries)));
    lifted.draws.clear();
    lifted.effects.clear();
    lifted.writes.clear();
    lifted.views.clear();
    lifted.result = Tree::Leaf(0, Form::Scalar);
    // Before anybody differentiates it: the density over a logistic `p` becomes one over its logit.
    lifted.graph = simplified(&graph)?;
    Ok(lifted)
}
