//! How the emitted function looks from outside.
//!
//! In: what Python knows of the user's function (parameters, containers, captured values). Out: the
//! [`Signature`] under which [`super::emit()`] writes a graph. The leaves of a parameter's [`Tree`]
//! count the graph's inputs, those of the result its outputs:
//!
//! ```
//! use lazy_core::emit::{Parameter, Signature, Tree};
//! // def step(w, *, X): return [w, X]
//! let signature = Signature {
//!     parameters: vec![
//!         Parameter::new("w", Tree::Leaf(0)),
//!         Parameter::keyword_only("X", Tree::Leaf(1)),
//!     ],
//!     result: Tree::List(vec![Tree::Leaf(0), Tree::Leaf(1)]),
//!     ..Signature::new("step")
//! };
//! # assert_eq!(signature.name, "step");
//! ```

use rustpython_ast::{Constant, Expr};

use crate::graph::Graph;

/// A function around a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    pub name: String,
    pub parameters: Vec<Parameter>,
    pub result: Tree,
    /// Inputs of the graph that are no arguments: globals, closure cells, attributes of `self`.
    pub captured: Vec<Captured>,
    /// How a draw's generator is written, by the `generator` of [`crate::ops::Op::Draw`].
    pub generators: Vec<Generator>,
}

/// A parameter, and what its argument is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub name: String,
    pub kind: ParameterKind,
    pub default: Option<Expr>,
    /// For `*args` a tuple, for `**kwargs` a dictionary.
    pub tree: Tree,
}

/// As `inspect.Parameter.kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    PositionalOnly,
    Ordinary,
    Variadic,
    KeywordOnly,
    Keywords,
}

/// A container over inputs or outputs of a graph.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// An input of the graph by its position among the inputs; in a result, an output.
    Leaf(usize),
    /// A value that is the same on every call: `None`, a static number.
    Constant(Constant),
    /// Passed, but not used: nothing is unpacked.
    Unused,
    Tuple(Vec<Tree>),
    List(Vec<Tree>),
    Dict(Vec<(Constant, Tree)>),
}

/// An input that the function finds by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Captured {
    /// Position among the graph's inputs.
    pub input: usize,
    /// What it is: a global name, an attribute path. Evaluated at each call.
    pub expr: Expr,
}

/// Where a draw's randomness comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Generator {
    /// `np.random` itself, NumPy's global state.
    Global,
    /// A `Generator` or `RandomState` that the expression gives: a parameter's name.
    Object(Expr),
}

impl Signature {
    pub fn new(name: impl Into<String>) -> Signature {
        Signature {
            name: name.into(),
            parameters: Vec::new(),
            result: Tree::Constant(Constant::None),
            captured: Vec::new(),
            generators: Vec::new(),
        }
    }

    /// Every input an ordinary parameter of its own name, every output returned; several as a tuple.
    pub fn of(graph: &Graph) -> Signature {
        let parameter = |(i, id)| {
            let name = graph.node(id).name.as_deref();
            Parameter::new(
                name.map_or_else(|| format!("x{i}"), str::to_owned),
                Tree::Leaf(i),
            )
        };
        let inputs = graph.inputs().iter().copied().enumerate();
        let result = match graph.outputs().len() {
            1 => Tree::Leaf(0),
            n => Tree::Tuple((0..n).map(Tree::Leaf).collect()),
        };
        Signature {
            parameters: inputs.map(parameter).collect(),
            result,
            ..Signature::new(graph.name.clone())
        }
    }
}

impl Parameter {
    /// An ordinary one without default.
    pub fn new(name: impl Into<String>, tree: Tree) -> Parameter {
        Parameter {
            name: name.into(),
            kind: ParameterKind::Ordinary,
            default: None,
            tree,
        }
    }

    pub fn keyword_only(name: impl Into<String>, tree: Tree) -> Parameter {
        Parameter {
            kind: ParameterKind::KeywordOnly,
            ..Parameter::new(name, tree)
        }
    }
}
