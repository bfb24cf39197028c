//! Constant folding: arithmetic on numbers that are known is done once.
//!
//! In: a graph. Out: the same in which an operation on scalar constants is its result, as the
//! evaluator gives it, with the dtype and weakness it had. What could raise or warn is left alone:
//! results that are not finite, and Python integers that may not fit 64 bits.
//!
//! `2.0 * 0.5 * x` is `1.0 * x`.
//!
//! Source: Muchnick, section 12.1.

use lazy_core::error::{Error, Result};
use lazy_core::eval::value::Value;
use lazy_core::eval::{Executable, NoCallbacks, Outputs};
use lazy_core::graph::{Builder, DType, Graph, NodeId, Operands};
use lazy_core::ops::{Constant, Elementwise, Op};

use super::{rewrite, scalar};

/// Folds operations on scalar constants.
///
/// # Errors
/// None on a consistent graph.
pub fn fold(graph: &Graph) -> Result<Graph> {
    let candidates = candidates(graph);
    if candidates.is_empty() {
        return Ok(graph.clone());
    }
    let mut folded: Vec<Option<Constant>> = vec![None; graph.len()];
    for (&id, value) in candidates.iter().zip(evaluate(graph, &candidates)?) {
        let known = |&operand: &NodeId| {
            folded[operand.index()].is_some() || scalar(graph, operand).is_some()
        };
        if graph.operands(id).iter().all(known) {
            folded[id.index()] = value.as_ref().and_then(constant);
        }
    }
    rewrite(graph, |b, id, _| {
        let found = folded[id.index()].take();
        Ok(found.map(|value| b.constant(value, graph.aval(id).clone())))
    })
}

/// The operations whose operands are all numbers or such operations.
fn candidates(graph: &Graph) -> Vec<NodeId> {
    let mut known: Vec<bool> = Vec::with_capacity(graph.len());
    let mut found = Vec::new();
    for id in graph.nodes() {
        let operands = graph.operands(id);
        let arithmetic = match graph.op(id) {
            Op::Elementwise(op) => is_safe(graph, *op, &operands),
            Op::Cast(_) => true,
            _ => false,
        };
        let folds = arithmetic
            && graph.aval(id).rank() == 0
            && operands.iter().all(|operand| known[operand.index()]);
        known.push(folds || scalar(graph, id).is_some());
        if folds {
            found.push(id);
        }
    }
    found
}

/// Whether the evaluator's result is Python's and NumPy's, if it is finite. Integer division by zero
/// and negative shifts and powers raise or warn, and Python's integers do not wrap around.
fn is_safe(graph: &Graph, op: Elementwise, operands: &[NodeId]) -> bool {
    use Elementwise::*;
    let integers = operands
        .iter()
        .all(|&id| !graph.aval(id).dtype.is_inexact());
    let fits = |&id: &NodeId| match scalar(graph, id) {
        Some(Constant::Int(v)) => v.unsigned_abs() < 1 << 31,
        Some(Constant::Bool(_)) => true,
        _ => false,
    };
    match op {
        Add | Subtract | Multiply | Negative if integers => operands.iter().all(fits),
        FloorDivide | Remainder | Fmod | Power | LeftShift | RightShift | Reciprocal | Ldexp
        | Gcd | Lcm | Square | Absolute => !integers,
        _ => true,
    }
}

/// The value of each candidate, where the evaluator has one.
fn evaluate(graph: &Graph, candidates: &[NodeId]) -> Result<Vec<Option<Value>>> {
    let mut b = Builder::new("constants");
    let mut new: Vec<Option<NodeId>> = vec![None; graph.len()];
    for &id in candidates {
        let mut operands = Operands::new();
        for operand in graph.operands(id) {
            let place = &mut new[operand.index()];
            let node = match (*place, graph.op(operand)) {
                (Some(node), _) => node,
                (None, Op::Constant(c)) => b.constant(c.clone(), graph.aval(operand).clone()),
                (None, _) => return Err(Error::internal("an operand of a constant is not one")),
            };
            *place = Some(node);
            operands.push(node);
        }
        new[id.index()] = Some(b.add(graph.op(id).clone(), &operands)?);
    }
    let outputs = candidates.iter().filter_map(|id| new[id.index()]).collect();
    let mut values = Values(vec![None; candidates.len()]);
    let run = Executable::new(&b.finish(outputs))
        .and_then(|executable| executable.run(&[], &mut values, &mut NoCallbacks));
    Ok(match run {
        Ok(()) => values.0,
        // What raises is left for the run that the user asked for.
        Err(_) => vec![None; candidates.len()],
    })
}

/// A finite number of rank 0 as a constant.
fn constant(value: &Value) -> Option<Constant> {
    match value.dtype {
        DType::Bool => value.as_slice::<bool>().first().map(|&v| Constant::Bool(v)),
        DType::I8 => integer(value.as_slice::<i8>()),
        DType::I16 => integer(value.as_slice::<i16>()),
        DType::I32 => integer(value.as_slice::<i32>()),
        DType::I64 => integer(value.as_slice::<i64>()),
        DType::U8 => integer(value.as_slice::<u8>()),
        DType::U16 => integer(value.as_slice::<u16>()),
        DType::U32 => integer(value.as_slice::<u32>()),
        DType::U64 => integer(value.as_slice::<u64>()),
        DType::F32 => float(value.as_slice::<f32>()),
        DType::F64 => float(value.as_slice::<f64>()),
        // Few programs have complex literals, and none needs them folded.
        DType::C64 | DType::C128 => None,
    }
}

fn integer<T: Copy + TryInto<i64>>(values: &[T]) -> Option<Constant> {
    let value = (*values.first()?).try_into().ok()?;
    Some(Constant::Int(value))
}

fn float<T: Copy + Into<f64>>(values: &[T]) -> Option<Constant> {
    let value: f64 = (*values.first()?).into();
    value.is_finite().then_some(Constant::Float(value))
}

/// Results kept as they are.
struct Values(Vec<Option<Value>>);

impl Outputs for Values {
    fn allocate(&mut self, index: usize, dtype: DType, shape: &[usize]) -> Result<*mut u8> {
        let value = self.0[index].insert(Value::zeros(dtype, shape));
        Ok(value.as_mut_ptr())
    }
}
