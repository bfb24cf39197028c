//! Stage 3: blocks in, graph out.
//!
//! [`lift`] executes a function's blocks with the objects that are known concrete and the arrays
//! symbolic (partial evaluation): what only depends on shapes, types and settings happens now and
//! leaves a [`guard`]; what depends on array values becomes nodes.
//!
//! ```text
//! def f(x, flag=True):      known: flag, len(x.shape)     guards: flag equals True, x is float64 of rank 1
//!     if flag:
//!         x = x * 2         node: multiply(x, 2)
//!     return x.sum()        node: reduce sum
//! ```
//!
//! [`machine`] runs blocks, [`syntax`] what has no expression; [`outside`] brings Python's objects in and
//! guards them, [`known`] takes them out again, [`decide`] by the values of the call, [`leave`] says what the function leaves behind;
//! [`arrays`] keeps aliases and writes; [`operators`], [`items`], [`attributes`], [`methods`],
//! [`builtins`] and [`calls`] are Python's; [`numpy`] knows what each NumPy function means and serves the
//! recorded arrays too. Python itself is behind [`host::Host`].

pub mod guard;
pub mod host;
pub mod numpy;
pub mod value;

mod arrays;
mod attributes;
mod branches;
mod builtins;
mod calls;
mod carry;
mod changes;
mod checkpoint;
mod compiled;
mod containers;
mod contexts;
mod custom;
mod decide;
mod density;
mod draws;
mod floating;
mod generators;
mod instances;
mod items;
mod known;
mod leave;
mod loops;
mod machine;
mod memory;
mod methods;
mod nested;
mod operators;
mod outside;
mod overload;
mod positions;
mod raising;
mod syntax;
mod writes;

use std::sync::Arc;

pub use crate::emit::ParameterKind;
use crate::error::Result;
use crate::graph::{DType, Graph, NodeId};
use guard::{Guards, Slot};
use host::Host;
use numpy::Form;

/// An object that is found at several places: passed twice, or passed and captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twins {
    /// It is one value, so that what is written to it at one place is seen at the others.
    One,
    /// Each place has a value of its own, as a derivative by one of them needs; it must not be written to.
    Apart,
}

/// A lifted call: the graph, when it is valid, and how Python's side of it looks.
#[derive(Clone, Debug)]
pub struct Lifted<O> {
    pub graph: Graph,
    pub guards: Guards<O>,
    /// Where each graph input comes from.
    pub inputs: Vec<Input>,
    /// The function's parameters, as containers over graph inputs.
    pub parameters: Vec<Parameter<O>>,
    /// Whether the first parameter is the receiver of a bound method, which no caller passes.
    pub receiver: bool,
    /// What is returned; leaves refer to graph outputs.
    pub result: Tree<O>,
    /// Arguments written to: graph input, graph output with the new content.
    pub writes: Vec<(usize, usize)>,
    /// Outputs that share memory with an argument or with each other.
    pub views: Vec<SharedView>,
    /// What is printed, in order.
    pub effects: Vec<Effect<O>>,
    /// Per `generator` of the graph's draws.
    pub draws: Vec<DrawSite<O>>,
    /// Per `site` of the graph's calls.
    pub calls: Vec<CallSite<O>>,
    /// The functions that were entered, in order, each once.
    pub entered: Vec<String>,
}

/// A graph input.
#[derive(Clone, Debug)]
pub struct Input {
    pub slot: Slot,
    pub name: Arc<str>,
    pub dtype: DType,
    pub form: Form,
    /// Reached from the arguments of the call, rather than from a global or a closure.
    pub argument: bool,
    /// How Python spells it when it is not an argument (`module.X`, `self.weights`).
    pub spelling: String,
}

/// A parameter of the function and what was passed for it.
#[derive(Clone, Debug)]
pub struct Parameter<O> {
    pub name: String,
    pub kind: ParameterKind,
    pub default: Option<O>,
    /// Leaves are graph inputs.
    pub tree: Tree<O>,
}

/// A nest of containers.
#[derive(Clone, Debug)]
pub enum Tree<O> {
    /// A graph input or output, by position.
    Leaf(usize, Form),
    /// An object known when lifting.
    Known(O),
    /// The very object at a slot.
    Same(Slot),
    Tuple(Vec<Tree<O>>),
    List(Vec<Tree<O>>),
    Dict(Vec<(O, Tree<O>)>),
    /// The elements of a set.
    Set(Vec<O>),
    /// An instance of a Python class.
    Instance(Box<Made<O>>),
    /// A string with computed parts.
    Text(Vec<TextPiece<O>>),
}

/// An object made by the function: built without running its class's code, which has been run.
#[derive(Clone, Debug)]
pub struct Made<O> {
    /// The same for the same object, wherever it is met in one lift.
    pub identity: usize,
    pub class: O,
    /// The items of a tuple, list or dict that it also is; the arguments of an exception.
    pub content: Option<Tree<O>>,
    pub attributes: Vec<(O, Tree<O>)>,
}

/// A part of a [`Tree::Text`].
#[derive(Clone, Debug)]
pub enum TextPiece<O> {
    Known(String),
    /// Value, conversion, format specification.
    Field(Tree<O>, String, String),
}

/// Something Python sees happen, besides the result.
#[derive(Clone, Debug)]
pub enum Effect<O> {
    /// A call of a function for its effect alone, such as `print`: callee, arguments, keywords.
    Call(O, Vec<Tree<O>>, Vec<(String, Tree<O>)>),
}

/// A result that shares memory: an output, what it is a view of, and the shape operations between.
#[derive(Clone, Debug)]
pub struct SharedView {
    pub output: usize,
    pub base: Base,
    pub ops: Vec<crate::ops::Op>,
}

/// Memory that a result is a view of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// An array that comes from outside.
    Slot(Slot),
    /// Another output, made by the function.
    Output(usize),
}

impl SharedView {
    /// The view with its outputs at other positions.
    pub fn moved(&mut self, position: impl Fn(usize) -> usize) {
        self.output = position(self.output);
        if let Base::Output(output) = &mut self.base {
            *output = position(*output);
        }
    }
}

/// How a draw is executed: a method of a generator.
#[derive(Clone, Debug)]
pub struct DrawSite<O> {
    /// The generator (or the module `np.random`): where it is found, or the object itself.
    pub generator: Option<Slot>,
    pub object: O,
    /// The method's name.
    pub method: String,
    /// Whether the call gave `size`.
    pub sized: bool,
    /// How Python spells the generator.
    pub spelling: String,
}

/// A call of compiled code: leaves of the arguments are operands of the node, leaves of the result its results,
/// and after them the contents of the arguments that it fills.
#[derive(Clone, Debug)]
pub struct CallSite<O> {
    /// Positions of arguments.
    pub filled: Vec<usize>,
    pub callee: O,
    pub args: Vec<Tree<O>>,
    pub keywords: Vec<(String, Tree<O>)>,
    pub result: Tree<O>,
}

impl<O: Clone> Lifted<O> {
    /// Drops the outputs that nothing refers to, as a transform leaves them.
    pub fn prune(&mut self) {
        let mut used = self.result.leaves();
        for Effect::Call(_, args, keywords) in &self.effects {
            used.extend(args.iter().flat_map(Tree::leaves));
            used.extend(keywords.iter().flat_map(|(_, tree)| tree.leaves()));
        }
        used.extend(self.writes.iter().map(|(_, output)| *output));
        for view in &self.views {
            used.push(view.output);
            if let Base::Output(output) = view.base {
                used.push(output);
            }
        }
        used.sort_unstable();
        used.dedup();
        let position = |output: usize| used.binary_search(&output).unwrap_or(0);
        let mut moved = |i: usize, form: Form| Tree::Leaf(position(i), form);
        self.result = self.result.map(&mut moved);
        for Effect::Call(_, args, keywords) in &mut self.effects {
            args.iter_mut()
                .for_each(|tree| *tree = tree.map(&mut moved));
            keywords
                .iter_mut()
                .for_each(|(_, tree)| *tree = tree.map(&mut moved));
        }
        for (_, output) in &mut self.writes {
            *output = position(*output);
        }
        for view in &mut self.views {
            view.moved(position);
        }
        let outputs = used.iter().map(|&i| self.graph.outputs()[i]).collect();
        self.graph = crate::graph::Builder::extend(&self.graph).finish(outputs);
    }
}

impl<O> Tree<O> {
    /// The leaves, left to right.
    pub fn leaves(&self) -> Vec<usize> {
        let mut out = Vec::new();
        self.visit(&mut |i| out.push(i));
        out
    }

    fn visit(&self, leaf: &mut dyn FnMut(usize)) {
        match self {
            Tree::Leaf(i, _) => leaf(*i),
            Tree::Known(_) | Tree::Same(_) | Tree::Set(_) => {}
            Tree::Instance(made) => {
                if let Some(content) = &made.content {
                    content.visit(leaf);
                }
                made.attributes.iter().for_each(|(_, t)| t.visit(leaf));
            }
            Tree::Tuple(items) | Tree::List(items) => items.iter().for_each(|t| t.visit(leaf)),
            Tree::Dict(entries) => entries.iter().for_each(|(_, t)| t.visit(leaf)),
            Tree::Text(pieces) => pieces.iter().for_each(|p| match p {
                TextPiece::Known(_) => {}
                TextPiece::Field(t, _, _) => t.visit(leaf),
            }),
        }
    }

    /// The same containers, as objects of their own: a tangent is not the value it belongs to.
    pub fn apart(&self) -> Tree<O>
    where
        O: Clone,
    {
        let mut copy = self.map(&mut |i, form| Tree::Leaf(i, form));
        let salt = (value::birth() as usize).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        copy.rename(salt);
        copy
    }

    fn rename(&mut self, salt: usize) {
        match self {
            Tree::Leaf(..) | Tree::Known(_) | Tree::Same(_) | Tree::Set(_) | Tree::Text(_) => {}
            Tree::Tuple(items) | Tree::List(items) => items.iter_mut().for_each(|t| t.rename(salt)),
            Tree::Dict(entries) => entries.iter_mut().for_each(|(_, t)| t.rename(salt)),
            Tree::Instance(made) => {
                made.identity ^= salt;
                made.content.iter_mut().for_each(|t| t.rename(salt));
                made.attributes.iter_mut().for_each(|(_, t)| t.rename(salt));
            }
        }
    }

    /// The same containers with each leaf replaced.
    pub fn map(&self, leaf: &mut dyn FnMut(usize, Form) -> Tree<O>) -> Tree<O>
    where
        O: Clone,
    {
        match self {
            Tree::Leaf(i, form) => leaf(*i, *form),
            Tree::Known(o) => Tree::Known(o.clone()),
            Tree::Same(s) => Tree::Same(*s),
            Tree::Set(items) => Tree::Set(items.clone()),
            Tree::Instance(made) => Tree::Instance(Box::new(Made {
                identity: made.identity,
                class: made.class.clone(),
                content: made.content.as_ref().map(|t| t.map(leaf)),
                attributes: made
                    .attributes
                    .iter()
                    .map(|(k, t)| (k.clone(), t.map(leaf)))
                    .collect(),
            })),
            Tree::Tuple(items) => Tree::Tuple(items.iter().map(|t| t.map(leaf)).collect()),
            Tree::List(items) => Tree::List(items.iter().map(|t| t.map(leaf)).collect()),
            Tree::Dict(entries) => Tree::Dict(
                entries
                    .iter()
                    .map(|(k, t)| (k.clone(), t.map(leaf)))
                    .collect(),
            ),
            Tree::Text(pieces) => Tree::Text(
                pieces
                    .iter()
                    .map(|p| match p {
                        TextPiece::Known(s) => TextPiece::Known(s.clone()),
                        TextPiece::Field(t, c, f) => {
                            TextPiece::Field(t.map(leaf), c.clone(), f.clone())
                        }
                    })
                    .collect(),
            ),
        }
    }
}

/// Lifts a call of a Python function.
///
/// `arguments` are the objects bound to its parameters, in the order of the code's `co_varnames`
/// (defaults filled in, `*args` a tuple, `**kwargs` a dict). With a `callee`, that is called with them.
///
/// # Errors
/// The reason, at the user's line, why this call cannot be one graph.
pub fn lift<H: Host>(
    host: &H,
    function: &H::Object,
    callee: Option<&H::Object>,
    arguments: &[H::Object],
    twins: Twins,
) -> Result<Lifted<H::Object>> {
    let mut machine = machine::Machine::new(host, &host.describe(function), twins);
    let Some(parts) = host.function(function) else {
        return lift_callable(machine, function, arguments);
    };
    let code = host.read(&parts.code)?;
    let names = parameter_names(&code.code);
    let mut values = Vec::new();
    for (i, (object, name)) in arguments.iter().zip(&names).enumerate() {
        values.push(machine.argument(i, name, object)?);
    }
    let parameters = machine.parameters(&names, &values)?;
    let result = match callee {
        Some(callee) => machine.call_bound(callee, &code.code, &parts, arguments, &values)?,
        None => machine.enter_with_locals(function, &parts, &names, &values)?,
    };
    let mut lifted = machine.finish(parameters, result)?;
    for (i, parameter) in lifted.parameters.iter_mut().enumerate() {
        parameter.kind = parameter_kind(&code.code, i);
        parameter.default = default(&code.code, &parts, i);
    }
    Ok(lifted)
}

/// Lifts a call of something that is not a Python function: a ufunc, a partial, an instance with `__call__`.
fn lift_callable<H: Host>(
    mut machine: machine::Machine<'_, H>,
    callable: &H::Object,
    arguments: &[H::Object],
) -> Result<Lifted<H::Object>> {
    let names: Vec<String> = match arguments.len() {
        1 => vec!["x".into()],
        n => (0..n).map(|i| format!("x{i}")).collect(),
    };
    let mut values = Vec::new();
    for (i, (object, name)) in arguments.iter().zip(&names).enumerate() {
        values.push(machine.argument(i, name, object)?);
    }
    let slot = machine.held(callable);
    let callee = value::Value::Object(callable.clone(), Some(slot));
    let parameters = machine.parameters(&names, &values)?;
    let result = machine.call(&callee, values, vec![])?;
    machine.finish(parameters, result)
}

/// The kind of the parameter at a position of `co_varnames`.
fn parameter_kind(code: &crate::ast::Code, position: usize) -> ParameterKind {
    let positional = code.argcount as usize;
    let named = positional + code.kwonlyargcount as usize;
    if position < code.posonlyargcount as usize {
        ParameterKind::PositionalOnly
    } else if position < positional {
        ParameterKind::Ordinary
    } else if position < named {
        ParameterKind::KeywordOnly
    } else if position == named && code.flags & VARARGS != 0 {
        ParameterKind::Variadic
    } else {
        ParameterKind::Keywords
    }
}

pub(crate) fn default<O: Clone>(
    code: &crate::ast::Code,
    parts: &host::FunctionParts<O>,
    position: usize,
) -> Option<O> {
    let positional = code.argcount as usize;
    if position < positional {
        let first = positional.checked_sub(parts.defaults.len())?;
        return parts.defaults.get(position.checked_sub(first)?).cloned();
    }
    let name = code.varnames.get(position)?;
    parts
        .keyword_defaults
        .iter()
        .find(|(n, _)| n == name)
        .map(|(_, o)| o.clone())
}

pub(crate) const VARARGS: u32 = 0x04;
pub(crate) const VARKEYWORDS: u32 = 0x08;

/// The parameters of a code object, in the order of `co_varnames`.
pub fn parameter_names(code: &crate::ast::Code) -> Vec<String> {
    let extra = [VARARGS, VARKEYWORDS]
        .iter()
        .filter(|f| code.flags & **f != 0)
        .count();
    let count = (code.argcount + code.kwonlyargcount) as usize + extra;
    code.varnames.iter().take(count).cloned().collect()
}

/// Nodes gathered as outputs of the graph, each once for each array that it is.
#[derive(Debug, Default)]
struct OutputList {
    nodes: Vec<NodeId>,
    /// The arrays among them.
    arrays: Vec<(usize, value::ArrayRef)>,
}

impl OutputList {
    fn position(&mut self, node: NodeId) -> usize {
        let is_array = |at: &usize| self.arrays.iter().any(|(output, _)| output == at);
        (0..self.nodes.len())
            .find(|at| self.nodes[*at] == node && !is_array(at))
            .unwrap_or_else(|| self.added(node))
    }

    /// As [`Self::position`]; arrays that are not one object are outputs of their own.
    fn array_position(&mut self, node: NodeId, array: &value::ArrayRef) -> usize {
        let known = self
            .arrays
            .iter()
            .find(|(output, other)| self.nodes[*output] == node && other.is_same(array));
        if let Some((output, _)) = known {
            return *output;
        }
        let output = self.added(node);
        self.arrays.push((output, array.clone()));
        output
    }

    fn added(&mut self, node: NodeId) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }
}
