//! Transforms within a function being lifted: `lazy.grad(lambda v: np.sum(w * v**2))(x)`.
//!
//! In: a function of the machine, a transform, and the arguments of the call. Out: its result. The function
//! runs here, on nodes that stand for its arguments; what became of these is cut out as a graph of its own,
//! transformed, and put back with the arguments themselves. Whatever else it used, it closes over, so that
//! it is constant to the derivative.
//!
//! ```text
//! %1 = positive(x)                            stands for v
//! %2 = square(%1); %3 = multiply(w, %2)       f(v, w) { square, multiply, sum }
//! %4 = sum(%3)                                grad by v, at (x, w)
//! ```

use std::collections::HashSet;
use std::rc::Rc;

use super::calls::Keywords;
use super::guard::{Fetch, Guards, Slot};
use super::host::{Calling, Class, Host};
use super::machine::Machine;
use super::numpy::Form;
use super::value::{ArrayRef, Instance, Value};
use super::{Input, Lifted, Made, Parameter, ParameterKind, Tree};
use crate::error::{Error, Result};
use crate::graph::extract::Extract;
use crate::graph::{Aval, Mark, NodeId};
use crate::ops::{Elementwise, Op};

/// A value, and its containers over the nodes that stand for its leaves.
type Stood<O> = (Value<O>, Tree<O>);

/// Nodes that stand for the arguments of a transformed function.
#[derive(Default)]
struct Standing {
    /// Each with what it stands for, and the position of the argument it is part of.
    leaves: Vec<(NodeId, NodeId, usize)>,
    /// Theirs, that must not be written.
    arrays: Vec<ArrayRef>,
}

impl<H: Host> Machine<'_, H> {
    /// A transform of a function made while lifting.
    pub fn make_transformed(
        &mut self,
        class: &H::Object,
        args: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        let [function, transform, ..] = args else {
            return Err(Error::type_error("a transform needs a function"));
        };
        let transform = self.known(transform, "a transform")?;
        let attributes = self.no_entries();
        for (name, value) in [
            ("function", function.clone()),
            ("_transform", Value::Object(transform, None)),
        ] {
            let name = crate::ast::py::Constant::Str(name.into());
            let name = self.host.constant(&name);
            self.put(&attributes, name, value)?;
        }
        Ok(Value::Instance(Rc::new(Instance {
            class: class.clone(),
            attributes,
            content: None,
        })))
    }

    /// Calls what [`Self::make_transformed`] made.
    pub fn call_made(
        &mut self,
        made: &Value<H::Object>,
        args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let function = self.attribute(made, "function")?;
        let Value::Object(transform, _) = self.attribute(made, "_transform")? else {
            return Err(Error::internal("a transform that is not known"));
        };
        self.call_transformed(&function, &transform, args, keywords)
    }

    /// Calls a transformed function that Python has.
    pub fn call_known_transformed(
        &mut self,
        object: &H::Object,
        args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let (function, transform) = self
            .host
            .transformed(object)
            .ok_or_else(|| Error::internal("a transformed function that is none"))?;
        match self.host.calling(&transform, args.len())? {
            Calling::Density if keywords.is_empty() => self.call_density(object, &args),
            _ => {
                let function = Value::Object(function, None);
                self.call_transformed(&function, &transform, args, keywords)
            }
        }
    }

    fn call_transformed(
        &mut self,
        function: &Value<H::Object>,
        transform: &H::Object,
        mut args: Vec<Value<H::Object>>,
        keywords: Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let calling = self.host.calling(transform, args.len())?;
        let (stands_for, own) = match &calling {
            Calling::Plain => return self.call(function, args, keywords),
            Calling::Derived { by, own } => (by.iter().map(|at| (*at, None)).collect(), *own),
            Calling::Mapped(axes) => (axes.clone(), 0),
            Calling::Density => {
                let what = "the density of a model made while lifting";
                return Err(Error::unlifted(what, "its draws would be made"));
            }
        };
        let own = args.split_off(args.len() - own);
        let mark = self.b.mark();
        let (effects, draws) = (self.effects.len(), self.draws.len());
        let mut standing = Standing::default();
        let mut trees: Vec<Tree<H::Object>> = Vec::new();
        let mut given = args.clone();
        for (at, arg) in args.iter().enumerate() {
            let how = stands_for.iter().find(|(k, _)| *k == at);
            trees.push(match how {
                Some(&(_, axis)) => {
                    let (value, tree) = self.stand_for(arg, at, axis, &mut standing)?;
                    given[at] = value;
                    tree
                }
                None => Tree::Known(self.host.constant(&crate::ast::py::Constant::None)),
            });
        }
        self.transformed += 1;
        let result = self.call(function, given, keywords);
        self.transformed -= 1;
        let result = result?;
        let written = |array: &ArrayRef| array.buffer.version.get().1 != 0;
        let refuse = |machine: &Self, why: &str| {
            let what = format!("a call of the transformed {}", machine.describe(function));
            Err(Error::unlifted(what, why))
        };
        if standing.arrays.iter().any(written) {
            return refuse(self, "it writes to its arguments");
        }
        let mapped = matches!(calling, Calling::Mapped(_));
        let acts = (self.effects.len(), self.draws.len()) != (effects, draws);
        if mapped && (acts || self.decides(&mark, &standing)) {
            return Err(Error::unlifted(
                "vmap of a branch on values, of a draw or of effects",
                "they may be others for each element",
            ));
        }
        let (cut, nodes) = self.cut_out(&mark, &standing, trees, &result)?;
        let drawn = |id| matches!(cut.graph.op(id), Op::Draw { .. });
        if cut.graph.nodes().any(drawn) {
            return refuse(self, "what it draws depends on its arguments");
        }
        let derived = self.host.derive(transform, cut)?;
        self.put_back(&derived, nodes, &own)
    }

    /// The value a transformed function gets for an argument, and its containers over the nodes.
    fn stand_for(
        &mut self,
        value: &Value<H::Object>,
        at: usize,
        axis: Option<i64>,
        standing: &mut Standing,
    ) -> Result<Stood<H::Object>> {
        let mut all = |items: &[Value<H::Object>]| -> Result<(Vec<_>, Vec<_>)> {
            let mut pairs = Vec::new();
            for item in items {
                pairs.push(self.stand_for(item, at, axis, standing)?);
            }
            Ok(pairs.into_iter().unzip())
        };
        Ok(match value {
            Value::Tuple(items, _) => {
                let (values, trees) = all(items)?;
                (Value::Tuple(Rc::new(values), None), Tree::Tuple(trees))
            }
            Value::List(list) => {
                let (values, trees) = all(&list.items.borrow().clone())?;
                (self.list(values), Tree::List(trees))
            }
            Value::Dict(dict) => {
                let (keys, items): (Vec<_>, Vec<_>) = dict.entries.borrow().iter().cloned().unzip();
                let (values, trees) = all(&items)?;
                let entries = keys.iter().cloned().zip(values).collect();
                (
                    self.dict(entries),
                    Tree::Dict(keys.into_iter().zip(trees).collect()),
                )
            }
            Value::Instance(instance) if !self.host.is_transform(&instance.class) => {
                let content = match &instance.content {
                    Some(content) => {
                        let (value, tree) = self.stand_for(content, at, axis, standing)?;
                        (Some(value), Some(tree))
                    }
                    None => (None, None),
                };
                let attributes = Value::Dict(instance.attributes.clone());
                let (attributes, tree) = self.stand_for(&attributes, at, axis, standing)?;
                let (Value::Dict(attributes), Tree::Dict(trees)) = (attributes, tree) else {
                    return Err(Error::internal("attributes that are no dict"));
                };
                let made = Made {
                    identity: Rc::as_ptr(instance) as usize,
                    class: instance.class.clone(),
                    content: content.1,
                    attributes: trees,
                };
                let value = Value::Instance(Rc::new(Instance {
                    class: instance.class.clone(),
                    attributes,
                    content: content.0,
                }));
                (value, Tree::Instance(Box::new(made)))
            }
            Value::Object(object, _) if !self.host.fields(object).is_empty() => {
                let instance = self.taken_apart(value, object)?;
                self.stand_for(&instance, at, axis, standing)?
            }
            other => match self.leaf_node(other)? {
                Some((node, form)) => {
                    let node = match axis {
                        Some(axis) if form != Form::Python => self.example(other, axis)?,
                        _ => (node, node, form),
                    };
                    self.stand_for_leaf(node, at, standing)?
                }
                None => {
                    let object = match other {
                        Value::Object(o, _) => o.clone(),
                        _ => self.host.constant(&crate::ast::py::Constant::None),
                    };
                    (other.clone(), Tree::Known(object))
                }
            },
        })
    }

    /// A dataclass that Python has, as one made here with the same fields.
    pub(super) fn taken_apart(
        &mut self,
        value: &Value<H::Object>,
        object: &H::Object,
    ) -> Result<Value<H::Object>> {
        let attributes = self.no_entries();
        for (field, _) in self.host.fields(object) {
            let part = self.attribute(value, &field)?;
            let name = crate::ast::py::Constant::Str(field);
            let name = self.host.constant(&name);
            self.put(&attributes, name, part)?;
        }
        Ok(Value::Instance(Rc::new(Instance {
            class: self.host.type_of(object),
            attributes,
            content: None,
        })))
    }

    /// `(the whole, what is seen of it, how Python sees that)` as one node that stands for it.
    fn stand_for_leaf(
        &mut self,
        (whole, seen, form): (NodeId, NodeId, Form),
        at: usize,
        standing: &mut Standing,
    ) -> Result<Stood<H::Object>> {
        let node = self.b.elementwise(Elementwise::Positive, &[seen])?;
        if let Some(name) = self.b.graph().node(whole).name.clone() {
            self.b.name(node, name);
        }
        let tree = Tree::Leaf(standing.leaves.len(), form);
        standing.leaves.push((node, whole, at));
        Ok(match form {
            Form::Array => {
                let array = ArrayRef::fresh(node);
                standing.arrays.push(array.clone());
                (Value::Array(array), tree)
            }
            Form::Scalar | Form::Python => (Value::Scalar(node, form), tree),
        })
    }

    /// The node of an array or a number that is not an integer.
    fn leaf_node(&mut self, value: &Value<H::Object>) -> Result<Option<(NodeId, Form)>> {
        Ok(Some(match value {
            Value::Array(_) => (self.node(value)?, Form::Array),
            Value::Scalar(node, form) => (*node, *form),
            Value::Object(o, _) => match self.host.class(o) {
                Class::Float(x) => (self.b.float(x), Form::Python),
                Class::Complex(re, im) => {
                    let constant =
                        crate::ops::Constant::Complex(num_complex::Complex64::new(re, im));
                    let aval = Aval::weak(crate::graph::DType::C128);
                    (self.b.constant(constant, aval), Form::Python)
                }
                Class::NumPyScalar(dtype) if dtype.is_inexact() => {
                    (self.node(value)?, Form::Scalar)
                }
                Class::Array(..) => (self.node(value)?, Form::Array),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        })
        .filter(|(node, _)| self.b.aval(*node).dtype.is_inexact() || self.b.aval(*node).rank() > 0))
    }

    /// The first of the examples in a batch.
    fn example(&mut self, batch: &Value<H::Object>, axis: i64) -> Result<(NodeId, NodeId, Form)> {
        let whole = self.node(batch)?;
        let args = [batch.clone(), self.int(0), self.int(axis)];
        let first = self.operation("numpy.take", &args, &[])?;
        match first {
            Some(first @ (Value::Array(_) | Value::Scalar(..))) => {
                let form = match first {
                    Value::Scalar(_, form) => form,
                    _ => Form::Array,
                };
                Ok((whole, self.node(&first)?, form))
            }
            _ => Err(Error::internal("an example that is no array")),
        }
    }

    /// Whether a decision since the mark is by the arguments.
    fn decides(&self, mark: &Mark, standing: &Standing) -> bool {
        let graph = self.b.graph();
        let mut depends: HashSet<NodeId> = standing.leaves.iter().map(|leaf| leaf.0).collect();
        for id in graph.nodes().skip(mark.nodes) {
            if graph.operands(id).iter().any(|o| depends.contains(o)) {
                depends.insert(id);
            }
        }
        let effects = graph.effects().iter();
        let mut decisions = effects.filter(|id| matches!(graph.op(**id), Op::Decide { .. }));
        decisions.any(|id| depends.contains(id))
    }

    /// The graph between the arguments and the result, as a lifted call; and the node of each of its inputs.
    fn cut_out(
        &mut self,
        mark: &Mark,
        standing: &Standing,
        trees: Vec<Tree<H::Object>>,
        result: &Value<H::Object>,
    ) -> Result<(Lifted<H::Object>, Vec<NodeId>)> {
        let outer = std::mem::take(&mut self.outputs);
        let tree = self.cut_tree(result);
        let outputs = std::mem::replace(&mut self.outputs, outer).nodes;
        let tree = tree?;
        let places: Vec<NodeId> = standing.leaves.iter().map(|leaf| leaf.0).collect();
        let extract = Extract::new(self.b.graph(), mark.nodes, &places, &outputs, vec![]);
        let graph = extract.build_alone("nested", &places, &outputs);
        let mut nodes: Vec<NodeId> = standing.leaves.iter().map(|leaf| leaf.1).collect();
        nodes.extend(&extract.captured);
        let none = self.host.constant(&crate::ast::py::Constant::None);
        let mut guards = Guards::<H::Object>::default();
        let mut inputs = Vec::new();
        for (k, &id) in graph.inputs().iter().enumerate() {
            let leaf = standing.leaves.get(k);
            guards.fetches.push(match leaf {
                Some(&(_, _, at)) => Fetch::Argument(at),
                None => Fetch::Held(none.clone()),
            });
            let aval = graph.aval(id);
            let name = graph.node(id).name.clone().unwrap_or_else(|| "x".into());
            inputs.push(Input {
                slot: k,
                spelling: name.to_string(),
                name,
                dtype: aval.dtype,
                form: form_of(aval),
                argument: leaf.is_some(),
            });
        }
        let parameters = trees.into_iter().enumerate().map(|(i, tree)| Parameter {
            name: format!("argument {i}"),
            kind: ParameterKind::PositionalOnly,
            default: None,
            tree,
        });
        let cut = Lifted {
            parameters: parameters.collect(),
            graph,
            guards,
            inputs,
            receiver: false,
            result: tree,
            writes: vec![],
            effects: vec![],
            draws: vec![],
            calls: vec![],
            views: vec![],
            entered: vec![],
        };
        Ok((cut, nodes))
    }

    /// A result as containers over the outputs of the graph that is cut out.
    fn cut_tree(&mut self, value: &Value<H::Object>) -> Result<Tree<H::Object>> {
        let mut all = |items: &[Value<H::Object>]| -> Result<Vec<_>> {
            items.iter().map(|v| self.cut_tree(v)).collect()
        };
        Ok(match value {
            Value::Array(_) => Tree::Leaf(self.output(value)?, Form::Array),
            Value::Scalar(_, form) => Tree::Leaf(self.output(value)?, *form),
            Value::Tuple(items, _) => Tree::Tuple(all(items)?),
            Value::List(list) => Tree::List(all(&list.items.borrow().clone())?),
            Value::Dict(dict) => {
                let (keys, items): (Vec<_>, Vec<_>) = dict.entries.borrow().iter().cloned().unzip();
                Tree::Dict(keys.into_iter().zip(all(&items)?).collect())
            }
            Value::Object(o, _) if !self.host.fields(o).is_empty() => {
                let instance = self.taken_apart(value, o)?;
                self.cut_tree(&instance)?
            }
            Value::Object(o, _) => match self.host.class(o) {
                Class::Array(..) => {
                    let node = self.node(value)?;
                    Tree::Leaf(self.outputs.position(node), Form::Array)
                }
                _ => Tree::Known(o.clone()),
            },
            Value::Instance(instance) if !self.host.is_transform(&instance.class) => {
                let content = instance.content.as_ref().map(|c| self.cut_tree(c));
                let content = content.transpose()?;
                let mut attributes = Vec::new();
                for (key, value) in instance.attributes.entries.borrow().clone() {
                    attributes.push((key, self.cut_tree(&value)?));
                }
                Tree::Instance(Box::new(Made {
                    identity: Rc::as_ptr(instance) as usize,
                    class: instance.class.clone(),
                    content,
                    attributes,
                }))
            }
            other => self.tree(other)?,
        })
    }

    /// Puts a transformed graph where the call is. `nodes` are those of its inputs so far; what the
    /// transform added is in the last arguments of the call.
    fn put_back(
        &mut self,
        derived: &Lifted<H::Object>,
        mut nodes: Vec<NodeId>,
        own: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        let known = nodes.len();
        nodes.resize(derived.inputs.len(), NodeId::end());
        let first = derived.parameters.len() - own.len();
        for (parameter, value) in derived.parameters[first..].iter().zip(own) {
            self.fill_in(derived, &parameter.tree, value, &mut nodes)?;
        }
        if nodes[known..].contains(&NodeId::end()) {
            return Err(Error::value(
                "the tangents lack a leaf that the function has",
            ));
        }
        let all = self.b.inline(&derived.graph, &nodes)?;
        let outputs = derived.graph.outputs().iter().map(|o| all[o.index()]);
        let outputs: Vec<NodeId> = outputs.collect();
        self.rebuild(&derived.result, &outputs, &|_| None)
    }

    /// The nodes of tangents or cotangents, whose containers are those of `tree`.
    fn fill_in(
        &mut self,
        derived: &Lifted<H::Object>,
        tree: &Tree<H::Object>,
        value: &Value<H::Object>,
        nodes: &mut [NodeId],
    ) -> Result<()> {
        let mut fill = |machine: &mut Self, tree: &Tree<H::Object>, value: &Value<H::Object>| {
            machine.fill_in(derived, tree, value, nodes)
        };
        match tree {
            Tree::Leaf(input, _) => {
                let expected = derived.graph.aval(derived.graph.inputs()[*input]).clone();
                let mut node = match value {
                    Value::Object(o, _) => match self.host.class(o) {
                        Class::Float(x) => self.b.float(x),
                        _ => self.node(value)?,
                    },
                    _ => self.node(value)?,
                };
                if self.b.aval(node).rank() != expected.rank() {
                    return Err(Error::value(format!(
                        "a tangent or cotangent has {} axes where the value has {}",
                        self.b.aval(node).rank(),
                        expected.rank()
                    )));
                }
                if !expected.weak || self.b.aval(node).dtype != expected.dtype {
                    node = self.b.cast(node, expected.dtype)?;
                }
                nodes[*input] = node;
            }
            Tree::Known(_) | Tree::Same(_) | Tree::Text(_) | Tree::Set(_) => {}
            Tree::Tuple(trees) | Tree::List(trees) => {
                let items = self.items_of(value)?;
                if items.len() != trees.len() {
                    return Err(Error::value(format!(
                        "the tangents have {} items where the function has {}",
                        items.len(),
                        trees.len()
                    )));
                }
                for (tree, item) in trees.iter().zip(&items) {
                    fill(self, tree, item)?;
                }
            }
            Tree::Dict(entries) => {
                for (key, tree) in entries {
                    let key = Value::Object(key.clone(), None);
                    let item = self.get_item(value, &key)?;
                    fill(self, tree, &item)?;
                }
            }
            Tree::Instance(made) => {
                if let Some(content) = &made.content {
                    fill(self, content, value)?;
                }
                for (name, tree) in &made.attributes {
                    let Class::Str(name) = self.host.class(name) else {
                        continue;
                    };
                    let part = self.attribute(value, &name)?;
                    fill(self, tree, &part)?;
                }
            }
        }
        Ok(())
    }

    /// The value of a tree; `same` finds what a slot holds.
    pub fn rebuild(
        &mut self,
        tree: &Tree<H::Object>,
        outputs: &[NodeId],
        same: &dyn Fn(Slot) -> Option<Value<H::Object>>,
    ) -> Result<Value<H::Object>> {
        let mut all = |trees: &[Tree<H::Object>]| -> Result<Vec<_>> {
            let trees = trees.iter().map(|t| self.rebuild(t, outputs, same));
            trees.collect()
        };
        Ok(match tree {
            Tree::Leaf(output, Form::Array) => Value::Array(ArrayRef::fresh(outputs[*output])),
            Tree::Leaf(output, form) => Value::Scalar(outputs[*output], *form),
            Tree::Known(object) => self.wrap(object.clone(), None)?,
            Tree::Tuple(items) => Value::Tuple(Rc::new(all(items)?), None),
            Tree::List(items) => {
                let items = all(items)?;
                self.list(items)
            }
            Tree::Dict(entries) => {
                let mut out = Vec::new();
                for (key, value) in entries {
                    out.push((key.clone(), self.rebuild(value, outputs, same)?));
                }
                self.dict(out)
            }
            Tree::Instance(made) => {
                let content = made.content.as_ref();
                let content = content.map(|c| self.rebuild(c, outputs, same));
                let attributes = Tree::Dict(made.attributes.clone());
                let Value::Dict(attributes) = self.rebuild(&attributes, outputs, same)? else {
                    return Err(Error::internal("attributes that are no dict"));
                };
                Value::Instance(Rc::new(Instance {
                    class: made.class.clone(),
                    attributes,
                    content: content.transpose()?,
                }))
            }
            Tree::Same(slot) => same(*slot).ok_or_else(not_computed)?,
            Tree::Text(_) | Tree::Set(_) => return Err(not_computed()),
        })
    }
}

/// How Python sees a value of which nothing else is known.
fn form_of(aval: &Aval) -> Form {
    match (aval.rank(), aval.weak) {
        (0, true) => Form::Python,
        (0, false) => Form::Scalar,
        _ => Form::Array,
    }
}

fn not_computed() -> Box<Error> {
    Error::unlifted("the result of a transformed function", "it is not computed")
}
