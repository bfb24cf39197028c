//! Random draws.
//!
//! In: a method of a generator and its arguments. Out: a node that the generator executes at each call;
//! `rng.normal(mu, 1, size=3)` becomes `draw normal(mu, 1) : float64[3]`.

use std::rc::Rc;

use super::DrawSite;
use super::calls::Keywords;
use super::guard::Slot;
use super::host::{Class, Host};
use super::machine::Machine;
use super::value::Value;
use crate::error::{Error, Result};
use crate::graph::Shape;
use crate::ops::{Distribution, Op};

/// The signature of a draw without parameters.
const ONLY_SIZE: crate::ops::random::Signature = &[("size", None)];

/// What makes a random generator.
pub(super) const GENERATORS: &[&str] = &["numpy.random.default_rng", "numpy.random.RandomState"];

impl<H: Host> Machine<'_, H> {
    /// A random generator made by the function: each call makes its own.
    pub fn make_generator(
        &mut self,
        callee: &H::Object,
        name: &str,
        args: &[Value<H::Object>],
    ) -> Result<Value<H::Object>> {
        let args = args
            .iter()
            .map(|v| self.known(v, "a seed"))
            .collect::<Result<Vec<_>>>()?;
        let made = match self.host.call(callee, &args, &[]) {
            Ok(made) => made,
            Err(raised) => return Err(Error::value(raised.text)),
        };
        let slot = self.slot(
            super::guard::Fetch::Made(callee.clone(), args),
            name.to_string(),
        );
        Ok(Value::Object(made, Some(slot)))
    }

    /// A random draw: a node executed by the generator's own method.
    pub fn draw(
        &mut self,
        object: &H::Object,
        slot: Option<Slot>,
        distribution: Distribution,
        method: &str,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        // The arguments of `rand(2, 3)` are all sizes.
        let sizes = Value::Tuple(Rc::new(args.to_vec()), None);
        let all_sizes = if args.is_empty() { vec![] } else { vec![sizes] };
        let (signature, args) = match Distribution::signature(method) {
            Some(signature) => (signature, args),
            None => (ONLY_SIZE, all_sizes.as_slice()),
        };
        let mut bound: Vec<Option<Value<H::Object>>> = vec![None; signature.len()];
        for (i, value) in args.iter().enumerate() {
            let place = bound.get_mut(i);
            *place
                .ok_or_else(|| Error::type_error(format!("{method}() takes fewer arguments")))? =
                Some(value.clone());
        }
        for (name, value) in keywords {
            let at = signature
                .iter()
                .position(|(n, _)| n == name)
                .ok_or_else(|| {
                    Error::unlifted(
                        format!("{method}({name}=)"),
                        "the draw is not lifted with it",
                    )
                })?;
            bound[at] = Some(value.clone());
        }
        let mut size = None;
        let mut operands = Vec::new();
        for ((name, default), value) in signature.iter().zip(bound) {
            if *name == "size" {
                size = value;
                continue;
            }
            operands.push(match (value, default) {
                (Some(value), _) => self.number(&value)?,
                (None, Some(default)) => self.b.float(*default),
                (None, None) => {
                    return Err(Error::type_error(format!("{method}() needs {name}")));
                }
            });
        }
        let size = match size {
            Some(Value::Object(o, _)) if self.host.class(&o) == Class::None => None,
            other => other,
        };
        let shape = match &size {
            Some(size) => self.shape_of(size)?,
            None => self.broadcast_shape(&operands)?,
        };
        let rank = shape.len();
        let (generator, spelling) = match slot {
            Some(slot) => (Some(slot), self.spellings[slot].clone()),
            None => (None, "np.random".to_string()),
        };
        let sized = size.is_some();
        let site = self.draws.len() as u32;
        let method = method.to_string();
        self.draws.push(DrawSite {
            generator,
            object: object.clone(),
            method,
            sized,
            spelling,
        });
        let op = Op::Draw {
            distribution,
            shape,
            generator: site,
        };
        let node = self.b.add(op, &operands)?;
        Ok(if rank == 0 && !sized {
            Value::Scalar(node, super::numpy::Form::Python)
        } else {
            Value::Array(super::value::ArrayRef::fresh(node))
        })
    }

    /// The node of a parameter; a known Python number stays weak.
    pub fn number(&mut self, value: &Value<H::Object>) -> Result<crate::graph::NodeId> {
        match self.argument_of(value)? {
            super::numpy::Arg::Int(k) => Ok(self.b.int(k)),
            super::numpy::Arg::Float(x) => Ok(self.b.float(x)),
            _ => self.node(value),
        }
    }

    pub fn shape_of(&mut self, size: &Value<H::Object>) -> Result<Shape> {
        let items = match size {
            Value::Tuple(items, _) => items.to_vec(),
            Value::List(_) => self.items_of(size)?,
            other => vec![other.clone()],
        };
        items
            .iter()
            .map(|item| self.as_dim(item).ok_or_else(|| self.needs(item, "a size")))
            .collect()
    }

    pub fn broadcast_shape(&mut self, operands: &[crate::graph::NodeId]) -> Result<Shape> {
        let shapes: Vec<Shape> = operands
            .iter()
            .map(|n| self.b.aval(*n).shape.clone())
            .collect();
        crate::ops::broadcast_shapes(&mut self.b, &shapes.iter().collect::<Vec<_>>())
    }
}
