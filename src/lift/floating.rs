//! `np.errstate(divide="raise")`: floating-point errors that raise.
//!
//! In: a block under such a setting. Out: one decision, that no operation of the block made an error.
//! `np.log(x)` in it decides that `any(isinf(log(x)) & isfinite(x))` is false; a call for which it is true
//! is plain Python's, which raises NumPy's own exception.
//! Source: IEEE 754, section 7; an error is suspected rather than missed.

use super::host::{Class, Host};
use super::machine::Machine;
use super::value::{ArrayRef, Value};
use crate::error::{Error, Result};
use crate::graph::{DType, NodeId};
use crate::ops::{Elementwise as E, Op, Write};

/// What is looked for in a block, and where its nodes begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    first: usize,
    underflow: bool,
}

impl<H: Host> Machine<'_, H> {
    /// What `manager`, a `np.errstate`, asks to look for: `None` if errors are only warned of.
    pub fn watch(&mut self, manager: &Value<H::Object>) -> Result<Option<Watch>> {
        let all = self.setting(manager, "_all")?;
        let mut raises = [false; 4];
        for (raises, field) in raises
            .iter_mut()
            .zip(["_divide", "_over", "_invalid", "_under"])
        {
            let own = self.setting(manager, field)?;
            let setting = own.or_else(|| all.clone());
            *raises = setting.is_some_and(|s| !matches!(s.as_str(), "ignore" | "warn"));
        }
        let first = self.b.mark().nodes;
        let underflow = raises[3];
        Ok(raises.contains(&true).then_some(Watch { first, underflow }))
    }

    fn setting(&mut self, manager: &Value<H::Object>, field: &str) -> Result<Option<String>> {
        let setting = self.attribute(manager, field)?;
        let Ok(setting) = self.known(&setting, "errstate") else {
            return Ok(None);
        };
        Ok(match self.host.class(&setting) {
            Class::Str(setting) => Some(setting),
            _ => None,
        })
    }

    /// Decides that no operation since the beginning of the block made an error.
    ///
    /// # Errors
    /// `Unlifted` if one did on this call, or if it cannot be told.
    pub fn refuse_errors(&mut self, watch: Watch) -> Result<()> {
        let last = self.b.mark().nodes;
        let mut suspects = Vec::new();
        for at in watch.first..last {
            if let Some(suspect) = self.suspect(NodeId::new(at), watch.underflow)? {
                suspects.push(suspect);
            }
        }
        for suspect in suspects {
            if self.truth(&suspect, "np.errstate")? {
                return Err(Error::unlifted(
                    "a floating-point error under np.errstate",
                    "it raises",
                ));
            }
        }
        Ok(())
    }

    /// Whether a node made an error, as a value; `None` if it cannot make one.
    fn suspect(&mut self, at: NodeId, underflow: bool) -> Result<Option<Value<H::Object>>> {
        let op = self.b.op(at).clone();
        let operands = self.b.graph().operands(at).to_vec();
        let sums = match op {
            Op::Elementwise(E::Add | E::Subtract | E::Negative | E::Absolute | E::Where) => true,
            Op::Elementwise(_) | Op::Cumulate { .. } | Op::Contract { .. } => false,
            Op::Reduce { .. } | Op::Cast(_) => true,
            Op::Scatter { kind, .. } | Op::SliceWrite { kind, .. } if kind == Write::Add => true,
            Op::Scatter { .. }
            | Op::SliceWrite { .. }
            | Op::Input
            | Op::Constant(_)
            | Op::Size(_)
            | Op::Reshape(_)
            | Op::Transpose(_)
            | Op::BroadcastTo(_)
            | Op::Slice(_)
            | Op::Unslice { .. }
            | Op::Concatenate { .. }
            | Op::Iota { .. }
            | Op::ArgReduce { .. }
            | Op::Gather { .. }
            | Op::ArgWhere
            | Op::Arange
            | Op::ArgSort { .. }
            | Op::SearchSorted { .. }
            | Op::Decide { .. } => return Ok(None),
            _ => {
                return Err(Error::unlifted(
                    "np.errstate that raises",
                    "what happens within this operation is not looked at",
                ));
            }
        };
        let is_float = |machine: &Self, node: NodeId| machine.b.aval(node).dtype.is_inexact();
        let floats: Vec<NodeId> = operands
            .iter()
            .copied()
            .filter(|&o| is_float(self, o))
            .collect();
        if !is_float(self, at) {
            let dtype = self.b.aval(at).dtype;
            return match op {
                // NaN has no integer, and large numbers have none.
                Op::Cast(_) if !floats.is_empty() && dtype != DType::Bool => {
                    let finite = self.asked("numpy.isfinite", floats[0])?;
                    let not = self.numpy("numpy.logical_not", &[finite])?;
                    self.numpy("numpy.any", &[not]).map(Some)
                }
                Op::Elementwise(E::FloorDivide | E::Remainder) => {
                    let zero = self.asked("numpy.logical_not", operands[1])?;
                    self.numpy("numpy.any", &[zero]).map(Some)
                }
                _ => Ok(None),
            };
        }
        if underflow && !sums {
            return Err(Error::unlifted(
                "np.errstate(under=\"raise\")",
                "compiled arithmetic does not tell underflow",
            ));
        }
        let finite = self.asked("numpy.isfinite", at)?;
        let infinite = self.numpy("numpy.logical_not", &[finite])?;
        if !matches!(op, Op::Elementwise(_) | Op::Cast(_)) {
            return self.numpy("numpy.any", &[infinite]).map(Some);
        }
        let (mut overflow, mut invalid) = (infinite, self.asked("numpy.isnan", at)?);
        for operand in floats {
            let finite = self.asked("numpy.isfinite", operand)?;
            overflow = self.numpy("numpy.logical_and", &[overflow, finite])?;
            let nan = self.asked("numpy.isnan", operand)?;
            let number = self.numpy("numpy.logical_not", &[nan])?;
            invalid = self.numpy("numpy.logical_and", &[invalid, number])?;
        }
        let either = self.numpy("numpy.logical_or", &[overflow, invalid])?;
        self.numpy("numpy.any", &[either]).map(Some)
    }

    fn asked(&mut self, name: &str, node: NodeId) -> Result<Value<H::Object>> {
        self.numpy(name, &[Value::Array(ArrayRef::fresh(node))])
    }
}
