//! Calls of compiled code without an operation.
//!
//! In: a function without effects and its arguments, some of them computed. Out: an [`Op::Call`], which
//! the caller of the graph makes with real arrays; `np.digitize(x, bins) + 1` is two nodes.
//!
//! The function is called now as well, on the values of this call: what it gives says how many results
//! there are, and of which dtypes and shapes. One that fills arrays it is given (`correlate1d(x, w, 0, out)`)
//! is called with copies of them at run time, whose contents are further results.

use std::rc::Rc;
use std::sync::Arc;

use super::calls::Keywords;
use super::host::{Class, Host};
use super::machine::Machine;
use super::numpy::Form;
use super::value::{ArrayRef, Value};
use super::{CallSite, Tree};
use crate::ast::py;
use crate::error::{Error, Exception, Result};
use crate::graph::{Aval, Dim, NodeId, Shape};
use crate::ops::Op;
use crate::ops::outside::FurtherAxes;

/// Arguments as containers over the operands: positional ones, and those with names.
type ArgumentTrees<O> = (Vec<Tree<O>>, Vec<(String, Tree<O>)>);

/// Positional arguments, and those with names.
type Objects<O> = (Vec<O>, Vec<(String, O)>);

/// What a call gave: the avals and values of its results, in the order of the leaves.
#[derive(Default)]
struct Given {
    avals: Vec<Aval>,
    values: Vec<crate::eval::value::Value>,
}

impl<H: Host> Machine<'_, H> {
    /// Calls `callee`, which has no effects.
    ///
    /// # Errors
    /// What it raises on this call; `Unlifted` for results that are no arrays or numbers.
    pub fn call_compiled(
        &mut self,
        callee: &H::Object,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let further = match self.host.is_elementwise(callee) {
            true => FurtherAxes::Elementwise,
            false => FurtherAxes::Refused,
        };
        self.call_and_fill(callee, args, keywords, &[], further)
    }

    /// Calls `callee`, whose only effects are on arrays that it is given.
    ///
    /// # Errors
    /// As [`Self::call_compiled`]; `Unlifted` if it is given anything but arrays, numbers and strings.
    pub fn call_filling(
        &mut self,
        callee: &H::Object,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let named = keywords.iter().map(|(_, value)| value);
        if !args.iter().chain(named).all(|value| self.is_data(value)) {
            let name = self.host.describe(callee);
            return Err(Error::unlifted(name, "it may call what it is given"));
        }
        let filled = self.arrays_filled(callee, args, keywords)?;
        self.call_and_fill(callee, args, keywords, &filled, FurtherAxes::Refused)
    }

    fn is_data(&self, value: &Value<H::Object>) -> bool {
        match value {
            Value::Array(_) | Value::Scalar(..) | Value::Size(_) => true,
            Value::Tuple(items, _) => items.iter().all(|item| self.is_data(item)),
            Value::List(list) => list.items.borrow().iter().all(|item| self.is_data(item)),
            Value::Object(o, _) => self.is_immutable(o) && self.host.class(o) != Class::Type,
            _ => false,
        }
    }

    /// The positions of the arrays that `callee` may write to: it raises if they are read-only.
    fn arrays_filled(
        &mut self,
        callee: &H::Object,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Vec<usize>> {
        let mut filled = Vec::new();
        for (at, value) in args.iter().enumerate() {
            if !matches!(value, Value::Array(_)) {
                continue;
            }
            let (objects, named) = self.objects_for(args, keywords)?;
            let locked = self.host.constant(&py::Constant::Bool(false));
            let locking = [("write".to_string(), locked)];
            let locked = self
                .host
                .call_method(&objects[at], "setflags", &[], &locking);
            if locked.is_err() || self.host.call(callee, &objects, &named).is_err() {
                filled.push(at);
            }
        }
        // A run gives it arrays of their own. Filters along a line read all of it before they write it.
        let shared = |at: &usize| {
            match &args[*at] {
            Value::Array(array) => args.iter().enumerate().any(|(other, value)| {
                matches!(value, Value::Array(b) if other != *at && Rc::ptr_eq(&b.buffer, &array.buffer))
            }),
            _ => false,
        }
        };
        let name = self.host.describe(callee);
        if !name.starts_with("scipy.ndimage._nd_image.") && filled.iter().any(shared) {
            return Err(Error::unlifted(
                name,
                "it fills an array that it also reads",
            ));
        }
        Ok(filled)
    }

    /// Python objects for the arguments: arrays of their own, with the values of this call.
    fn objects_for(
        &mut self,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Objects<H::Object>> {
        let objects = args.iter().map(|v| self.stand_in(v, &mut Vec::new()));
        let objects = objects.collect::<Result<Vec<_>>>()?;
        let mut named = Vec::new();
        for (key, value) in keywords {
            named.push((key.clone(), self.stand_in(value, &mut Vec::new())?));
        }
        Ok((objects, named))
    }

    /// The call, with copies of the arguments at `filled`, whose contents afterwards they take.
    fn call_and_fill(
        &mut self,
        callee: &H::Object,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
        filled: &[usize],
        further: FurtherAxes,
    ) -> Result<Value<H::Object>> {
        let name = self.host.operation(callee);
        let name = name.unwrap_or_else(|| self.host.describe(callee));
        let (objects, named) = self.objects_for(args, keywords)?;
        let targets: Vec<_> = filled.iter().map(|&at| args[at].clone()).collect();
        let outer = std::mem::take(&mut self.outputs);
        let trees = self.argument_trees(args, keywords);
        let operands = std::mem::replace(&mut self.outputs, outer).nodes;
        let (args, keywords) = trees?;
        let result = match self.host.call(callee, &objects, &named) {
            Ok(result) => result,
            Err(raised) => {
                self.observed.raised = true;
                let class = self.host.type_of(&raised.exception);
                let exception = Exception::Named(self.host.describe(&class).as_str().into());
                return Err(Error::raises(exception, raised.text));
            }
        };
        let mut given = Given::default();
        let tree = self.result_tree(&result, &operands, &mut given, &name)?;
        if filled.iter().any(|&at| self.host.is(&objects[at], &result)) {
            return Err(Error::unlifted(name, "it gives an array that it was given"));
        }
        let first = given.avals.len();
        for (&at, target) in filled.iter().zip(&targets) {
            let node = self.node(target)?;
            let value = self.host.value(&objects[at]);
            given.avals.push(self.b.aval(node).clone());
            given
                .values
                .push(value.ok_or_else(|| Error::internal("an array that is gone"))?);
        }
        if given.avals.is_empty() {
            return Err(Error::unlifted(name, "it gives no array"));
        }
        let site = self.calls.len() as u32;
        self.calls.push(CallSite {
            callee: callee.clone(),
            args,
            keywords,
            result: tree.clone(),
            filled: filled.to_vec(),
        });
        let op = Op::Call {
            site,
            callee: Arc::from(name.as_str()),
            results: given.avals,
            further,
        };
        let node = self.b.add(op, &operands)?;
        let mut nodes = vec![node];
        for k in 1..given.values.len() {
            nodes.push(self.b.add(Op::Part(k), &[node])?);
        }
        for (&node, value) in nodes.iter().zip(given.values) {
            self.keep(node, value)?;
        }
        for (target, &node) in targets.iter().zip(&nodes[first..]) {
            if let Value::Array(array) = target {
                self.write(array, node)?;
            }
        }
        Ok(self.result_value(&tree, &nodes))
    }

    /// `call_opaque(function, args, keywords)`: what a function gives that its author wants left alone.
    ///
    /// # Errors
    /// As [`Self::call_compiled`].
    pub fn call_opaque(&mut self, given: &[Value<H::Object>]) -> Result<Value<H::Object>> {
        let (function, args, named) = self.opaque(given)?;
        self.call_compiled(&function, &args, &named)
    }

    /// `call_for_each(function, args, keywords)`: the same, of a function that is done for each place along
    /// axes in front of those that its arguments have here.
    ///
    /// # Errors
    /// As [`Self::call_compiled`].
    pub fn call_for_each(&mut self, given: &[Value<H::Object>]) -> Result<Value<H::Object>> {
        let (function, args, named) = self.opaque(given)?;
        self.call_and_fill(&function, &args, &named, &[], FurtherAxes::Leading)
    }

    /// An opaque function and what it is called with.
    #[expect(clippy::type_complexity, reason = "the three parts of a call")]
    fn opaque(
        &mut self,
        given: &[Value<H::Object>],
    ) -> Result<(H::Object, Vec<Value<H::Object>>, Keywords<H::Object>)> {
        let [function, args, keywords] = given else {
            return Err(Error::internal("an opaque call takes three arguments"));
        };
        self.pin(function);
        let function = self.known(function, "an opaque function")?;
        Ok((function, self.items_of(args)?, self.keywords_of(keywords)?))
    }

    fn argument_trees(
        &mut self,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<ArgumentTrees<H::Object>> {
        let mut trees = Vec::new();
        for arg in args {
            trees.push(self.snapshot(arg)?);
        }
        let mut named = Vec::new();
        for (name, value) in keywords {
            named.push((name.clone(), self.snapshot(value)?));
        }
        Ok((trees, named))
    }

    /// The containers of what a call gave; leaves are results.
    fn result_tree(
        &mut self,
        object: &H::Object,
        operands: &[NodeId],
        given: &mut Given,
        name: &str,
    ) -> Result<Tree<H::Object>> {
        let unlifted = || Error::unlifted(name, "it gives neither arrays nor numbers");
        let class = self.host.class(object);
        let form = match class {
            Class::Array(..) => Form::Array,
            Class::NumPyScalar(_) => Form::Scalar,
            Class::Bool(_) | Class::Int(_) | Class::Float(_) | Class::Complex(..) => Form::Python,
            Class::None => return Ok(Tree::Known(object.clone())),
            Class::Tuple | Class::List => {
                let items = self.host.items(object).ok_or_else(unlifted)?;
                let mut trees = Vec::new();
                for item in &items {
                    trees.push(self.result_tree(item, operands, given, name)?);
                }
                return Ok(match class {
                    Class::Tuple => Tree::Tuple(trees),
                    _ => Tree::List(trees),
                });
            }
            _ => return Err(unlifted()),
        };
        let value = self.host.value(object).ok_or_else(unlifted)?;
        let shape = value
            .shape
            .iter()
            .map(|&n| self.size_like(n as i64, operands));
        let shape: Shape = shape.collect();
        given.avals.push(Aval {
            weak: form == Form::Python,
            ..Aval::new(value.dtype, shape)
        });
        given.values.push(value);
        Ok(Tree::Leaf(given.values.len() - 1, form))
    }

    /// A size that is probably that of an operand; the run checks it.
    fn size_like(&self, size: i64, operands: &[NodeId]) -> Dim {
        let shapes = operands.iter().map(|&id| &self.b.aval(id).shape);
        let mut sizes = shapes.flatten();
        let same = sizes.find(|dim| self.b.example(dim) == Some(size));
        same.cloned().unwrap_or(Dim::known(size))
    }

    fn result_value(&self, tree: &Tree<H::Object>, nodes: &[NodeId]) -> Value<H::Object> {
        let all = |trees: &[Tree<H::Object>]| {
            let values = trees.iter().map(|t| self.result_value(t, nodes));
            values.collect::<Vec<_>>()
        };
        match tree {
            Tree::Leaf(k, Form::Array) => Value::Array(ArrayRef::fresh(nodes[*k])),
            Tree::Leaf(k, form) => Value::Scalar(nodes[*k], *form),
            Tree::Tuple(items) => Value::Tuple(Rc::new(all(items)), None),
            Tree::List(items) => self.list(all(items)),
            Tree::Known(object) => Value::Object(object.clone(), None),
            Tree::Same(_) | Tree::Dict(_) | Tree::Set(_) | Tree::Instance(_) | Tree::Text(_) => {
                self.none()
            }
        }
    }
}
