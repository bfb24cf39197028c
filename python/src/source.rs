//! A lifted call as Python source, and as words.
//!
//! In: a [`Lifted`] call. Out: the [`Signature`] under which its graph is emitted; the objects that the
//! source names but does not hold; and, for people, what lifting did.

use lazy_core::ast::py::{self, Constant, Expr};
use lazy_core::emit::{self, Captured, Generator, Signature};
use lazy_core::error::{Error, Result};
use lazy_core::graph::{Builder, NodeId};
use lazy_core::lift::guard::{Check, Fetch, Slot};
use lazy_core::lift::{Effect, Lifted, Tree};
use lazy_core::ops::Op;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::constants;
use crate::function::Arguments;
use crate::guards::Program;
use crate::host::Object;

/// Readable NumPy source.
///
/// # Errors
/// If the call has effects that source alone does not repeat.
pub fn source(py: Python<'_>, name: &str, lifted: &Lifted<Object>) -> Result<String> {
    if let Some(Effect::Call(callee, ..)) = lifted.effects.first() {
        let callee = callee.bind(py).getattr("__name__").map(|n| n.to_string());
        let what = format!(
            "the source of a function that calls {}",
            callee.unwrap_or_default()
        );
        return Err(Error::unlifted(what, "the call is not part of its result"));
    }
    if !lifted.writes.is_empty() {
        return Err(Error::unlifted(
            "the source of a function that writes to its arguments",
            "the write is not part of its result",
        ));
    }
    let lifted = closed(lifted)?;
    emit::emit(&lifted.graph, &signature(py, name, &lifted)?)
}

/// The same call with arguments that are returned as they are made outputs of the graph.
fn closed(lifted: &Lifted<Object>) -> Result<Lifted<Object>> {
    let mut out = lifted.clone();
    let mut outputs = lifted.graph.outputs().to_vec();
    out.result = close(lifted, &lifted.result, &mut outputs)?;
    out.graph = Builder::extend(&lifted.graph).finish(outputs);
    Ok(out)
}

fn close(
    lifted: &Lifted<Object>,
    tree: &Tree<Object>,
    outputs: &mut Vec<NodeId>,
) -> Result<Tree<Object>> {
    let mut all = |items: &[Tree<Object>]| -> Result<Vec<_>> {
        items.iter().map(|t| close(lifted, t, outputs)).collect()
    };
    Ok(match tree {
        Tree::Tuple(items) => Tree::Tuple(all(items)?),
        Tree::List(items) => Tree::List(all(items)?),
        Tree::Dict(entries) => {
            let mut out = Vec::new();
            for (key, value) in entries {
                out.push((key.clone(), close(lifted, value, outputs)?));
            }
            Tree::Dict(out)
        }
        Tree::Same(slot) => {
            let input = lifted
                .inputs
                .iter()
                .position(|i| i.slot == *slot)
                .ok_or_else(|| {
                    Error::unlifted(
                        format!("returning {}", spelling(lifted, *slot)),
                        "it is no array",
                    )
                })?;
            outputs.push(lifted.graph.inputs()[input]);
            Tree::Leaf(outputs.len() - 1, lifted.inputs[input].form)
        }
        Tree::Leaf(..) | Tree::Known(_) | Tree::Text(_) | Tree::Set(_) | Tree::Instance(_) => {
            tree.clone()
        }
    })
}

fn signature(py: Python<'_>, name: &str, lifted: &Lifted<Object>) -> Result<Signature> {
    let mut parameters = Vec::new();
    for parameter in &lifted.parameters {
        let default = match &parameter.default {
            Some(object) => constants::from_object(object.bind(py))
                .ok()
                .map(constants::expr),
            None => None,
        };
        parameters.push(emit::Parameter {
            name: parameter.name.clone(),
            kind: parameter.kind,
            default,
            tree: tree(py, lifted, &parameter.tree)?,
        });
    }
    let captured = captures(lifted)
        .into_iter()
        .map(|(input, path)| Captured {
            input,
            expr: path.expr(lifted),
        })
        .collect();
    let generators = lifted
        .draws
        .iter()
        .map(|site| match site.generator {
            None => Generator::Global,
            Some(slot) => Generator::Object(path(lifted, slot).expr(lifted)),
        })
        .collect();
    let result = tree(py, lifted, &lifted.result)?;
    Ok(Signature {
        name: name.to_string(),
        parameters,
        result,
        captured,
        generators,
    })
}

fn tree(py: Python<'_>, lifted: &Lifted<Object>, from: &Tree<Object>) -> Result<emit::Tree> {
    let all = |items: &[Tree<Object>]| -> Result<Vec<_>> {
        items.iter().map(|t| tree(py, lifted, t)).collect()
    };
    Ok(match from {
        Tree::Leaf(i, _) => emit::Tree::Leaf(*i),
        Tree::Known(object) => match constants::from_object(object.bind(py)) {
            Ok(constant) => emit::Tree::Constant(constant),
            Err(_) => emit::Tree::Unused,
        },
        Tree::Set(_) | Tree::Instance(_) => {
            return Err(Error::unlifted(
                "returning an object made by the function",
                "source alone does not make it",
            ));
        }
        Tree::Same(slot) => {
            return Err(Error::unlifted(
                format!("returning {}", spelling(lifted, *slot)),
                "it is no array",
            ));
        }
        Tree::Tuple(items) => emit::Tree::Tuple(all(items)?),
        Tree::List(items) => emit::Tree::List(all(items)?),
        Tree::Dict(entries) => {
            let mut out = Vec::new();
            for (key, value) in entries {
                let key = constants::from_object(key.bind(py))
                    .map_err(|_| Error::unlifted("a dict key", "it is not a constant"))?;
                out.push((key, tree(py, lifted, value)?));
            }
            emit::Tree::Dict(out)
        }
        Tree::Text(_) => {
            return Err(Error::unlifted(
                "the source of a string with computed parts",
                "it is no array",
            ));
        }
    })
}

/// Where an object is found in emitted code.
enum Path {
    /// From a parameter, by attributes and items.
    Argument(Slot),
    /// A name of the emitted function's globals.
    Global(String),
}

impl Path {
    fn expr(&self, lifted: &Lifted<Object>) -> Expr {
        match self {
            Path::Global(name) => name_expr(name),
            Path::Argument(slot) => steps(lifted, *slot),
        }
    }
}

fn name_expr(name: &str) -> Expr {
    Expr::Name(py::ExprName {
        id: name.into(),
        ctx: py::ExprContext::Load,
        range: Default::default(),
    })
}

/// The expression that follows fetches from a parameter.
fn steps(lifted: &Lifted<Object>, slot: Slot) -> Expr {
    let range = Default::default();
    let ctx = py::ExprContext::Load;
    match &lifted.guards.fetches[slot] {
        Fetch::Argument(i) => name_expr(
            lifted
                .parameters
                .get(*i)
                .map_or("argument", |p| p.name.as_str()),
        ),
        Fetch::Attribute(parent, name) => Expr::Attribute(py::ExprAttribute {
            value: Box::new(steps(lifted, *parent)),
            attr: name.as_str().into(),
            ctx,
            range,
        }),
        Fetch::Item(parent, i) => Expr::Subscript(py::ExprSubscript {
            value: Box::new(steps(lifted, *parent)),
            slice: Box::new(constants::expr(Constant::Int((*i).into()))),
            ctx,
            range,
        }),
        Fetch::Entry(parent, key) => {
            let key = Python::attach(|py| constants::from_object(key.bind(py)).ok());
            Expr::Subscript(py::ExprSubscript {
                value: Box::new(steps(lifted, *parent)),
                slice: Box::new(constants::expr(key.unwrap_or(Constant::None))),
                ctx,
                range,
            })
        }
        Fetch::Held(_) | Fetch::Global(..) | Fetch::Made(..) | Fetch::Cell(_) => {
            name_expr("captured")
        }
    }
}

fn path(lifted: &Lifted<Object>, slot: Slot) -> Path {
    let mut at = slot;
    loop {
        match &lifted.guards.fetches[at] {
            Fetch::Argument(_) => return Path::Argument(slot),
            Fetch::Attribute(parent, _) | Fetch::Item(parent, _) | Fetch::Entry(parent, _) => {
                at = *parent;
            }
            Fetch::Held(_) | Fetch::Global(..) | Fetch::Made(..) | Fetch::Cell(_) => {
                let input = lifted.inputs.iter().find(|i| i.slot == slot);
                let name = input.map_or("captured", |i| i.name.as_ref());
                return Path::Global(unique(lifted, slot, name));
            }
        }
    }
}

/// A name for a captured object that no parameter and no other captured object has.
fn unique(lifted: &Lifted<Object>, slot: Slot, name: &str) -> String {
    let clean: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || c == '_' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let same = lifted
        .inputs
        .iter()
        .filter(|i| !i.argument && *i.name == *name);
    let rank = same.take_while(|i| i.slot != slot).count();
    let taken = lifted.parameters.iter().any(|p| p.name == clean) || clean == "np";
    match (rank, taken) {
        (0, false) => clean,
        (k, _) => format!("{clean}_{}", k + 1),
    }
}

/// Inputs that are no arguments.
fn captures(lifted: &Lifted<Object>) -> Vec<(usize, Path)> {
    let inputs = lifted.inputs.iter().enumerate();
    inputs
        .filter(|(_, i)| !i.argument)
        .map(|(k, i)| (k, path(lifted, i.slot)))
        .collect()
}

/// The objects that emitted source expects among its globals.
///
/// # Errors
/// If the guards no longer hold.
pub fn captured<'py>(
    py: Python<'py>,
    program: &Program,
    lifted: &Lifted<Object>,
    arguments: &Arguments<'py>,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    let mut found = program.objects(arguments);
    let generators = lifted.draws.iter().filter_map(|site| site.generator);
    let slots = lifted.inputs.iter().filter(|i| !i.argument).map(|i| i.slot);
    for slot in slots.chain(generators) {
        if let Path::Global(name) = path(lifted, slot)
            && let Some(object) = program.object(py, &mut found, slot)
        {
            out.set_item(name, object)?;
        }
    }
    Ok(out)
}

/// What lifting a call did.
pub fn explanation(py: Python<'_>, name: &str, lifted: &Lifted<Object>) -> String {
    let graph = &lifted.graph;
    let mut out = format!("{name}: one region, {} nodes\n", graph.len());
    for (input, id) in lifted.inputs.iter().zip(graph.inputs()) {
        let from = if input.argument {
            "argument"
        } else {
            "captured"
        };
        out.push_str(&format!(
            "  {from} {}: {}\n",
            input.spelling,
            graph.aval(*id)
        ));
    }
    for function in &lifted.entered {
        out.push_str(&format!("  entered {function}\n"));
    }
    let facts = lifted.guards.checks.iter().filter_map(|(slot, check)| {
        let what = spelling(lifted, *slot);
        Some(match check {
            Check::Equals(object) => {
                let value = object.bind(py).repr().ok()?.to_string();
                if value.chars().count() > 60 {
                    return None;
                }
                format!("{what} equals {value}")
            }
            Check::Length(n) => format!("{what} has {n} items"),
            Check::Is(_)
            | Check::Type(_)
            | Check::Keys(_)
            | Check::Array { .. }
            | Check::Number { .. }
            | Check::Same(_)
            | Check::Apart(_)
            | Check::InOrder
            | Check::Lacks(_) => return None,
        })
    });
    for fact in facts {
        out.push_str(&format!("  guard {fact}\n"));
    }
    for assumption in graph.assumptions() {
        out.push_str(&format!("  guard {assumption}\n"));
    }
    for &id in graph.effects() {
        if let (Op::Decide { expected }, Some(origin)) = (graph.op(id), graph.origin(id)) {
            let file = origin.file.rsplit('/').next().unwrap_or_default();
            let line = origin.span.line;
            out.push_str(&format!("  decided at {file}:{line}: {expected}\n"));
        }
    }
    for (input, _) in &lifted.writes {
        out.push_str(&format!("  writes {}\n", lifted.inputs[*input].spelling));
    }
    out
}

fn spelling(lifted: &Lifted<Object>, slot: Slot) -> String {
    match &lifted.guards.fetches[slot] {
        Fetch::Argument(i) => lifted
            .parameters
            .get(*i)
            .map_or_else(|| format!("argument {i}"), |p| p.name.clone()),
        Fetch::Held(_) | Fetch::Made(..) => "an object of the function".into(),
        Fetch::Global(_, name) => name.clone(),
        Fetch::Cell(_) => "a closure variable".into(),
        Fetch::Attribute(parent, name) => format!("{}.{name}", spelling(lifted, *parent)),
        Fetch::Item(parent, i) => format!("{}[{i}]", spelling(lifted, *parent)),
        Fetch::Entry(parent, _) => format!("{}[...]", spelling(lifted, *parent)),
    }
}
