//! What leaves the machine: results, writes, effects.
//!
//! In: a machine value. Out: a [`Tree`] whose leaves are outputs of the graph, from which Python's side
//! builds the object after a run; and the finished [`Lifted`].

use std::rc::Rc;

use super::host::Host;
use super::machine::Machine;
use super::numpy::Form;
use super::value::{ArrayRef, Look, Piece, Value};
use super::{Base, Lifted, Made, Parameter, ParameterKind, SharedView, TextPiece, Tree, Twins};
use crate::ast::py;
use crate::error::{Error, Result};
use crate::graph::NodeId;
use crate::ops::{Decomposition, Op};

impl<H: Host> Machine<'_, H> {
    /// The parameters as they are when the function begins.
    pub fn parameters(
        &mut self,
        names: &[String],
        arguments: &[Value<H::Object>],
    ) -> Result<Vec<Parameter<H::Object>>> {
        names
            .iter()
            .zip(arguments)
            .map(|(name, value)| {
                let tree = self.parameter_tree(value)?;
                Ok(Parameter {
                    name: name.clone(),
                    kind: ParameterKind::Ordinary,
                    default: None,
                    tree,
                })
            })
            .collect()
    }

    /// The finished lift.
    pub fn finish(
        mut self,
        parameters: Vec<Parameter<H::Object>>,
        result: Value<H::Object>,
    ) -> Result<Lifted<H::Object>> {
        let result = self.tree(&result)?;
        self.refuse_open_generators()?;
        self.refuse_late_writes()?;
        self.settle(true)?;
        self.share_outputs()?;
        self.guard_aliases()?;
        let mut writes = Vec::new();
        for array in std::mem::take(&mut self.buffers) {
            let (node, version) = array.buffer.version.get();
            if let (Some(input), true) = (array.buffer.input, version > 0) {
                writes.push((input, self.outputs.position(node)));
            }
        }
        self.refuse_unread()?;
        let mut graph = self.b.finish_checked(self.outputs.nodes)?;
        graph.unify_sizes();
        Ok(Lifted {
            graph,
            guards: self.guards,
            inputs: self.inputs,
            parameters,
            receiver: false,
            result,
            writes,
            effects: self.effects,
            draws: self.draws,
            calls: self.calls,
            views: self.views,
            entered: self.entered,
        })
    }

    /// Remembers which nodes from number `first` on raise for some values.
    pub fn note_raising(&mut self, first: usize) {
        // A rule for a derivative runs in any case, and is read only where there is one.
        if !self.values_suffice() || !self.attempts.is_empty() || !self.rules.is_empty() {
            return;
        }
        let made = (first..self.b.graph().len()).map(NodeId::new);
        let raises = |id: &NodeId| {
            matches!(
                self.b.op(*id),
                Op::Solve(_) | Op::Decompose(Decomposition::Inverse | Decomposition::Cholesky)
            )
        };
        self.raising.extend(made.filter(raises).collect::<Vec<_>>());
    }

    /// Whether a matrix is singular is found by the run, which leaves out what is not read.
    fn refuse_unread(&self) -> Result<()> {
        if self.raising.is_empty() {
            return Ok(());
        }
        let graph = self.b.graph();
        let mut read = vec![false; graph.len()];
        self.outputs
            .nodes
            .iter()
            .for_each(|id| read[id.index()] = true);
        for id in graph.nodes().collect::<Vec<_>>().into_iter().rev() {
            if read[id.index()] || matches!(graph.op(id), Op::Decide { .. }) {
                graph
                    .operands(id)
                    .iter()
                    .for_each(|operand| read[operand.index()] = true);
            }
        }
        match self.raising.iter().find(|id| !read[id.index()]) {
            Some(_) => Err(Error::unlifted(
                "a decomposition whose result nobody reads",
                "it may raise: Python runs it",
            )),
            None => Ok(()),
        }
    }

    /// A value as it will be rebuilt when the graph has run. Its nodes become outputs.
    pub fn tree(&mut self, value: &Value<H::Object>) -> Result<Tree<H::Object>> {
        Ok(match value {
            Value::Object(_, Some(slot)) => Tree::Same(*slot),
            Value::Object(o, None) => Tree::Known(o.clone()),
            Value::Array(array) => self.leaving_array(array)?,
            Value::Scalar(_, form) => Tree::Leaf(self.output(value)?, *form),
            Value::Size(dim) => {
                let node = self.b.size(dim.clone());
                Tree::Leaf(self.outputs.position(node), Form::Python)
            }
            Value::Tuple(_, Some(slot)) => Tree::Same(*slot),
            Value::Tuple(items, None) => Tree::Tuple(self.trees(items)?),
            Value::List(list) => match &list.outside {
                Some((_, slot)) => Tree::Same(*slot),
                None => {
                    let items = list.items.borrow().clone();
                    Tree::List(self.trees(&items)?)
                }
            },
            Value::Dict(dict) => match &dict.outside {
                Some((_, slot)) => Tree::Same(*slot),
                None => {
                    let entries = dict.entries.borrow().clone();
                    let mut out = Vec::new();
                    for (key, value) in &entries {
                        out.push((key.clone(), self.tree(value)?));
                    }
                    Tree::Dict(out)
                }
            },
            Value::Set(set) => match &set.outside {
                Some((_, slot)) => Tree::Same(*slot),
                None => {
                    let items = self.host.items(&set.object).unwrap_or_default();
                    Tree::Set(items)
                }
            },
            Value::Instance(instance) => {
                if let Some(Value::Tuple(_, Some(slot))) = &instance.content {
                    return Ok(Tree::Same(*slot));
                }
                let identity = Rc::as_ptr(instance) as usize;
                if self.leaving.contains(&identity) {
                    let what = format!("{} that contains itself", self.describe(value));
                    return Err(Error::unlifted(what, "it cannot leave the function"));
                }
                self.left.push(instance.clone());
                self.leaving.push(identity);
                let content = instance.content.as_ref().map(|c| self.tree(c));
                let content = content.transpose()?;
                let mut attributes = Vec::new();
                for (key, value) in instance.attributes.entries.borrow().clone() {
                    attributes.push((key, self.tree(&value)?));
                }
                self.leaving.pop();
                let class = instance.class.clone();
                Tree::Instance(Box::new(Made {
                    identity,
                    class,
                    content,
                    attributes,
                }))
            }
            Value::Text(pieces) => {
                let mut out = Vec::new();
                for piece in pieces.iter() {
                    out.push(match piece {
                        Piece::Known(s) => TextPiece::Known(s.clone()),
                        Piece::Field(v, c, f) => {
                            TextPiece::Field(self.tree(v)?, c.clone(), f.clone())
                        }
                    });
                }
                Tree::Text(out)
            }
            Value::Slice(_)
            | Value::DictView(..)
            | Value::Flat(_)
            | Value::Closure(_)
            | Value::Method(..)
            | Value::Bound(..)
            | Value::Partial(_)
            | Value::Iterator(_)
            | Value::Super(..)
            | Value::Cell(_)
            | Value::Unbound => {
                let what = format!("{} leaves the function", self.describe(value));
                return Err(Error::unlifted(
                    what,
                    "it was made while lifting and has no Python object",
                ));
            }
        })
    }

    /// An array that leaves: an argument as itself, a view of one as a view of it.
    fn leaving_array(&mut self, array: &ArrayRef) -> Result<Tree<H::Object>> {
        if array.is_locked() && self.twins == Twins::One {
            return Err(Error::unlifted(
                "an array that setflags made read-only",
                "it would leave the function writeable",
            ));
        }
        let node = self.array_node(array)?;
        let base = match (array.buffer.slot, array.buffer.within) {
            // A written argument is returned as itself, too: the write happens first.
            (Some(slot), _) if array.views.is_empty() => return Ok(Tree::Same(slot)),
            (Some(slot), _) => Base::Slot(slot),
            (None, Some(_)) if self.twins == Twins::One => return Err(leaves_as_copy()),
            (None, _) => {
                let output = self.outputs.array_position(node, array);
                return Ok(Tree::Leaf(output, Form::Array));
            }
        };
        let output = self.outputs.array_position(node, array);
        // Derivatives share no memory with what they are derivatives by.
        if self.twins == Twins::One {
            self.share(output, base, array)?;
        }
        Ok(Tree::Leaf(output, Form::Array))
    }

    /// Notes that an output is a view.
    fn share(&mut self, output: usize, base: Base, array: &ArrayRef) -> Result<()> {
        let is_own = |look: &Look| look.is_computed() || look.is_part();
        if array.views.iter().any(is_own) {
            return Err(leaves_as_copy());
        }
        let ops: Vec<Op> = array.views.iter().map(|look| look.op.clone()).collect();
        let mut sizes = ops.iter().flat_map(Op::sizes);
        if sizes.any(|size| !self.b.graph().is_of_inputs(size)) {
            return Err(leaves_as_copy());
        }
        self.views.push(SharedView { output, base, ops });
        Ok(())
    }

    /// Arrays made by the function that leave it and share memory: views of one more output.
    fn share_outputs(&mut self) -> Result<()> {
        if self.twins == Twins::Apart {
            return Ok(());
        }
        let leaving: Vec<_> = self.outputs.arrays.clone();
        for (output, array) in &leaving {
            let is_alone = |other: &(usize, ArrayRef)| {
                other.0 == *output || !Rc::ptr_eq(&other.1.buffer, &array.buffer)
            };
            if array.buffer.slot.is_some() || array.views.is_empty() || leaving.iter().all(is_alone)
            {
                continue;
            }
            let whole = array.whole();
            let node = self.array_node(&whole)?;
            let base = self.outputs.array_position(node, &whole);
            self.share(*output, Base::Output(base), array)?;
        }
        Ok(())
    }

    pub fn trees(&mut self, values: &[Value<H::Object>]) -> Result<Vec<Tree<H::Object>>> {
        values.iter().map(|v| self.tree(v)).collect()
    }

    pub fn output(&mut self, value: &Value<H::Object>) -> Result<usize> {
        let node = self.node(value)?;
        Ok(self.outputs.position(node))
    }

    /// A parameter as containers over graph inputs.
    pub fn parameter_tree(&mut self, value: &Value<H::Object>) -> Result<Tree<H::Object>> {
        Ok(match value {
            Value::Array(array) => match array.buffer.input {
                Some(input) => Tree::Leaf(input, Form::Array),
                None => return Err(Error::internal("a parameter that is no input")),
            },
            Value::Scalar(node, form) => {
                let input = self.input_nodes.iter().position(|n| n == node);
                Tree::Leaf(
                    input.ok_or_else(|| Error::internal("a parameter that is no input"))?,
                    *form,
                )
            }
            Value::Tuple(items, _) => Tree::Tuple(
                items
                    .iter()
                    .map(|v| self.parameter_tree(v))
                    .collect::<Result<_>>()?,
            ),
            Value::List(list) => {
                let items = list.items.borrow().clone();
                Tree::List(
                    items
                        .iter()
                        .map(|v| self.parameter_tree(v))
                        .collect::<Result<_>>()?,
                )
            }
            Value::Dict(dict) => {
                let entries = dict.entries.borrow().clone();
                let mut out = Vec::new();
                for (key, value) in &entries {
                    out.push((key.clone(), self.parameter_tree(value)?));
                }
                Tree::Dict(out)
            }
            Value::Set(set) => match &set.outside {
                Some((object, _)) => Tree::Known(object.clone()),
                None => return Err(Error::internal("a parameter that is no input")),
            },
            Value::Instance(instance) => {
                let content = instance.content.as_ref();
                Tree::Instance(Box::new(Made {
                    identity: Rc::as_ptr(instance) as usize,
                    class: instance.class.clone(),
                    content: content.map(|c| self.parameter_tree(c)).transpose()?,
                    attributes: Vec::new(),
                }))
            }
            Value::Object(o, Some(slot)) if self.twins == Twins::Apart => {
                let fields = self.host.fields(o);
                if fields.is_empty() {
                    return Ok(Tree::Known(o.clone()));
                }
                let mut attributes = Vec::new();
                for (field, _) in fields {
                    let at = self.slots.get(&(*slot, field.clone()));
                    let value = at.and_then(|at| self.seen.get(at)).cloned();
                    let value = value.ok_or_else(|| Error::internal("a field that is gone"))?;
                    let name = self.host.constant(&py::Constant::Str(field));
                    attributes.push((name, self.parameter_tree(&value)?));
                }
                Tree::Instance(Box::new(Made {
                    identity: self.host.address(o),
                    class: self.host.type_of(o),
                    content: None,
                    attributes,
                }))
            }
            Value::Object(o, _) => Tree::Known(o.clone()),
            other => {
                let what = self.describe(other);
                return Err(Error::internal(format!("{what} as a parameter")));
            }
        })
    }
}

fn leaves_as_copy() -> Box<Error> {
    Error::unlifted(
        "a view at a computed position",
        "it would leave the function as a copy; return a copy of it",
    )
}
