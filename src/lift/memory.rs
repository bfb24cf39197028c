//! Whether a reshape shares memory: NumPy copies when the elements do not lie in order.
//!
//! In: the shape operations between a buffer and a view. Out: how sure the view is. Reading is the same
//! either way; a write is lifted only where it is known who sees it.
//!
//! ```text
//! x.ravel()          a view if x lies in C order: a guard, if something is written
//! x.T.ravel()        a copy unless x lies in Fortran order: nothing is written to either
//! ```
//! Source: `_attempt_nocopy_reshape` of NumPy, of which the cases certain for all strides are here.

use super::guard::Check;
use super::host::Host;
use super::machine::Machine;
use super::value::{ArrayRef, Look, Question, Value};
use crate::ast::py;
use crate::error::{Error, Result};
use crate::graph::{Dim, NodeId, Shape};
use crate::ops::Op;

impl<H: Host> Machine<'_, H> {
    /// Notes on the buffer what must hold for the views of a chain to share its memory.
    pub fn question(&self, array: &ArrayRef, chain: &[Look], asks_for_order: bool) {
        let buffer = &array.buffer;
        let mut shape = self.b.aval(buffer.version.get().0).shape.clone();
        let mut in_order = true;
        let mut question = Question::None;
        for look in array.views.iter().chain(chain) {
            let op = &look.op;
            if let Op::Gather { axes, at } = op {
                // Items and slices of computed bounds are views, out of order.
                let kept = (0..shape.len()).filter(|axis| !axes.contains(axis));
                let mut next: Shape = kept.map(|axis| shape[axis].clone()).collect();
                let indices = look.indices.iter().map(|&i| &self.b.aval(i).shape);
                if let Some(index) = indices.max_by_key(|shape| shape.len()) {
                    next.insert_many(*at, index.iter().cloned());
                }
                shape = next;
                in_order = false;
                continue;
            }
            let Some(next) = self.shape_after(&shape, op) else {
                buffer.question.set(Question::Open);
                return;
            };
            match op {
                Op::Reshape(_) if is_line(&shape) || same_but_ones(&shape, &next) => {}
                Op::Reshape(_) if in_order => question = question.max(Question::Order),
                Op::Reshape(_) => question = Question::Open,
                Op::Slice(ranges) => {
                    let whole = |at: usize| {
                        let range = &ranges[at];
                        range.step == 1 && range.start == Dim::known(0) && range.size == shape[at]
                    };
                    // A run of rows stays in order.
                    let first = ranges
                        .iter()
                        .zip(&shape)
                        .position(|(_, n)| *n != Dim::known(1));
                    let first = first.unwrap_or(0);
                    let rest = (0..ranges.len()).filter(|at| *at != first).all(whole);
                    in_order &= rest && ranges.get(first).is_none_or(|r| r.step == 1);
                }
                Op::Transpose(order) => {
                    let moved = order.iter().filter(|a| shape[**a] != Dim::known(1));
                    in_order &= moved.is_sorted();
                }
                _ => in_order = false,
            }
            shape = next;
        }
        if asks_for_order {
            let needed = if in_order {
                Question::Order
            } else {
                Question::Open
            };
            question = question.max(needed);
        }
        buffer.question.set(buffer.question.get().max(question));
    }

    /// The result of a function that copies what does not lie in the order asked for: the array itself, or
    /// one of which it is not known whose memory it is.
    pub fn ordered(
        &mut self,
        name: &str,
        args: &[Value<H::Object>],
        keywords: &[(String, Value<H::Object>)],
        result: Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        let Value::Array(array) = &result else {
            return Ok(result);
        };
        let mut order = match name {
            "numpy.ascontiguousarray" | "numpy.ravel" | "numpy.ndarray.ravel" => "C".to_string(),
            "numpy.asfortranarray" | "numpy.require" => "F".to_string(),
            "numpy.asarray" | "numpy.asanyarray" => String::new(),
            _ => return Ok(result),
        };
        if let Some(given) = self.given_order(name, args, keywords)? {
            order = given;
        }
        let node = self.array_node(array)?;
        let is_line = is_line(&self.b.aval(node).shape);
        match order.as_str() {
            "C" if name.ends_with("ravel") => self.question(array, &[], true),
            "C" | "F" if order == "C" || is_line => {
                let mut inputs = Vec::new();
                let whole = array.views.is_empty();
                let known = match array.buffer.input {
                    Some(input) => {
                        inputs.push(input);
                        whole
                    }
                    None => whole && self.lies_in_order(array.buffer.made, &mut inputs),
                };
                let holds = |input: &usize| self.host.in_order(&self.input_objects[*input]);
                if order == "C" && !is_line && self.is_turned(array) {
                    return Ok(Value::Array(ArrayRef::fresh(node)));
                }
                if !known || !inputs.iter().all(holds) {
                    return self.perhaps_copy(array);
                }
                self.require_order(&inputs);
            }
            "F" => return self.perhaps_copy(array),
            "K" | "A" if !is_line => array.buffer.question.set(Question::Open),
            _ => {}
        }
        Ok(result)
    }

    /// Orders that follow memory, "K" and "A", are followed where it lies in C order: what they mean then.
    ///
    /// # Errors
    /// `Unlifted` where it does not, or where it is not known.
    pub fn require_known_order(
        &mut self,
        name: &str,
        args: &[Value<H::Object>],
        keywords: &[(String, Value<H::Object>)],
    ) -> Result<()> {
        let arranges = ["ravel", "flatten", "reshape"]
            .iter()
            .any(|end| name.ends_with(end));
        let Some(Value::Array(array)) = args.first().filter(|_| arranges) else {
            return Ok(());
        };
        let order = self.given_order(name, args, keywords)?;
        let Some(order) = order.filter(|order| order == "K" || order == "A") else {
            return Ok(());
        };
        let node = self.array_node(array)?;
        if is_line(&self.b.aval(node).shape) || self.is_contiguous(array, true)? {
            return Ok(());
        }
        Err(Error::unlifted(
            format!("order '{order}' of an array that does not lie in C order"),
            "the elements would follow each other as they do in memory",
        ))
    }

    /// The order that a call of a function which arranges elements by one asks for.
    fn given_order(
        &mut self,
        name: &str,
        args: &[Value<H::Object>],
        keywords: &[(String, Value<H::Object>)],
    ) -> Result<Option<String>> {
        let place = match name {
            "numpy.ravel" | "numpy.ndarray.ravel" | "numpy.ndarray.flatten" => 1,
            "numpy.reshape" | "numpy.asarray" | "numpy.asanyarray" => 2,
            "numpy.ndarray.reshape"
            | "numpy.ascontiguousarray"
            | "numpy.asfortranarray"
            | "numpy.require" => usize::MAX,
            _ => return Ok(None),
        };
        let keyword = keywords.iter().find(|(key, _)| key == "order");
        match args.get(place).or(keyword.map(|(_, given)| given)) {
            Some(given) if !self.is_none(given) => Ok(Some(self.string(given)?.to_uppercase())),
            _ => Ok(None),
        }
    }

    /// Whether an array made by the function is surely out of order: in order but for a transposition.
    fn is_turned(&self, array: &ArrayRef) -> bool {
        let mut inputs = Vec::new();
        if array.buffer.input.is_some()
            || !self.lies_in_order(array.buffer.made, &mut inputs)
            || !inputs.is_empty()
        {
            return false;
        }
        // The axes of the buffer, where they are now; those of size 1 do not count. Others are longer.
        let mut shape = self.b.aval(array.buffer.version.get().0).shape.clone();
        let long = |shape: &Shape| shape.iter().filter(|n| **n != Dim::known(1)).count();
        let mut axes: Vec<usize> = (0..long(&shape)).collect();
        for look in array.views.iter() {
            let Some(next) = self.shape_after(&shape, &look.op) else {
                return false;
            };
            match &look.op {
                Op::Transpose(order) => {
                    let places: Vec<usize> = (0..shape.len())
                        .filter(|at| shape[*at] != Dim::known(1))
                        .collect();
                    let moved = order
                        .iter()
                        .filter_map(|from| places.iter().position(|p| p == from));
                    axes = moved.map(|at| axes[at]).collect();
                }
                Op::Reshape(_) if same_but_ones(&shape, &next) => {}
                _ => return false,
            }
            shape = next;
        }
        !axes.is_sorted()
    }

    fn perhaps_copy(&mut self, array: &ArrayRef) -> Result<Value<H::Object>> {
        let node = self.array_node(array)?;
        let why = "whether it is a copy depends on how its elements lie in memory";
        Ok(Value::Array(array.within(node, why)))
    }

    /// Whether two arrays have memory in common: what is made here has its own.
    pub fn shares_memory(&mut self, args: &[Value<H::Object>]) -> Result<Value<H::Object>> {
        let answer = match args {
            [Value::Array(a), Value::Array(b), ..] => {
                let same = std::rc::Rc::ptr_eq(&a.buffer, &b.buffer);
                let outside = a.buffer.input.is_some() && b.buffer.input.is_some();
                match same {
                    true if a.views == b.views => Some(true),
                    false if !outside => Some(false),
                    _ => None,
                }
            }
            _ => None,
        };
        let answer = answer.ok_or_else(|| {
            Error::unlifted("whether these arrays share memory", "it is not known here")
        })?;
        Ok(self.constant(&py::Constant::Bool(answer)))
    }

    /// `array.flags.name` of an array that is made by the function.
    pub fn flag(&mut self, array: &ArrayRef, name: &str) -> Result<Value<H::Object>> {
        let unknown = || {
            Error::unlifted(
                format!("the flag {name} of an array"),
                "it is not known here",
            )
        };
        if array.buffer.input.is_some() && name == "writeable" {
            let repeats = |look: &Look| matches!(look.op, Op::BroadcastTo(_));
            let whole = array.whole();
            if !array.views.iter().any(repeats)
                && let Some(flags) = self.layout(&whole, "flags")?
            {
                return self.attribute(&flags, name);
            }
            return Err(unknown());
        }
        let answer = match name {
            "aligned" => true,
            "writeable" => {
                let repeats = |look: &Look| matches!(look.op, Op::BroadcastTo(_));
                !array.is_locked() && !array.views.iter().any(repeats)
            }
            "c_contiguous" | "contiguous" => self.is_contiguous(array, true)?,
            "f_contiguous" | "fortran" => self.is_contiguous(array, false)?,
            "forc" => self.is_contiguous(array, true)? || self.is_contiguous(array, false)?,
            "fnc" => !self.is_contiguous(array, true)? && self.is_contiguous(array, false)?,
            _ => return Err(unknown()),
        };
        Ok(self.constant(&py::Constant::Bool(answer)))
    }

    /// `array.setflags(write=...)` of an array that is made by the function.
    pub fn set_flags(
        &mut self,
        array: &ArrayRef,
        given: &[Value<H::Object>],
        keywords: &[(String, Value<H::Object>)],
    ) -> Result<()> {
        let named = keywords.iter().filter(|(name, _)| name == "write");
        let mut write = given.iter().chain(named.map(|(_, value)| value));
        let (Some(write), None) = (write.next(), write.next()) else {
            return Err(Error::unlifted("setflags", "only `write` is followed"));
        };
        let write = self.truth(write, "setflags")?;
        if array.buffer.slot.is_some() || (write && !array.views.is_empty()) {
            return Err(Error::unlifted(
                "setflags",
                "whether the array owns its memory is not known here",
            ));
        }
        array.lock(!write);
        Ok(())
    }

    /// Whether the elements lie side by side, in the order of C or of Fortran.
    ///
    /// # Errors
    /// `Unlifted` where NumPy's strides are not known.
    fn is_contiguous(&mut self, array: &ArrayRef, c_order: bool) -> Result<bool> {
        let mut inputs = Vec::new();
        let strides = self.strides(array, &mut inputs);
        let in_order = |input: &usize| self.host.in_order(&self.input_objects[*input]);
        let Some(mut axes) = strides.filter(|_| inputs.iter().all(in_order)) else {
            let name = if c_order {
                "c_contiguous"
            } else {
                "f_contiguous"
            };
            return Err(Error::unlifted(
                format!("the flag {name} of an array"),
                "it is not known here",
            ));
        };
        self.require_order(&inputs);
        if c_order {
            axes.reverse();
        }
        let mut expected = Dim::known(1);
        for (size, stride) in &axes {
            let fits = stride.as_ref().is_none_or(|stride| *stride == expected);
            if !size.is_one() && !fits && self.seen_size(size)? != 1 {
                // An empty array is in any order.
                let mut sizes = axes.iter().map(|(size, _)| self.seen_size(size));
                return sizes.try_fold(false, |empty, size| Ok(empty || size? == 0));
            }
            expected = expected * size.clone();
        }
        Ok(true)
    }

    /// Size and stride of each axis, in elements, if the buffer lies in C order, and these inputs do; axes of
    /// size 1 may have any stride.
    fn strides(
        &self,
        array: &ArrayRef,
        inputs: &mut Vec<usize>,
    ) -> Option<Vec<(Dim, Option<Dim>)>> {
        match array.buffer.input {
            Some(input) => inputs.push(input),
            None if self.lies_in_order(array.buffer.made, inputs) => {}
            None => return None,
        }
        let in_order = |shape: &Shape| {
            let mut stride = Dim::known(1);
            let mut axes = Vec::new();
            for size in shape.iter().rev() {
                axes.push((size.clone(), (!size.is_one()).then(|| stride.clone())));
                stride = stride * size.clone();
            }
            axes.reverse();
            axes
        };
        let mut shape = self.b.aval(array.buffer.version.get().0).shape.clone();
        let mut axes = in_order(&shape);
        for look in array.views.iter() {
            let next = self.shape_after(&shape, &look.op)?;
            axes = match &look.op {
                Op::Slice(ranges) => ranges
                    .iter()
                    .zip(axes)
                    .map(|(range, (_, stride))| {
                        let stride = stride.map(|stride| stride * Dim::known(range.step));
                        (range.size.clone(), stride)
                    })
                    .collect(),
                Op::Transpose(order) => order.iter().map(|&axis| axes[axis].clone()).collect(),
                Op::Reshape(_) if axes == in_order(&shape) => in_order(&next),
                Op::Reshape(_) if same_but_ones(&shape, &next) => {
                    let mut long = axes.into_iter().filter(|(size, _)| !size.is_one());
                    let axis = |size: &Dim| match size.is_one() {
                        true => Some((size.clone(), None)),
                        false => long.next(),
                    };
                    next.iter().map(axis).collect::<Option<_>>()?
                }
                _ => return None,
            };
            shape = next;
        }
        Some(axes)
    }

    fn require_order(&mut self, inputs: &[usize]) {
        for &input in inputs {
            let slot = self.inputs[input].slot;
            if self.slots.insert((slot, "C order".into()), slot).is_none() {
                self.check(slot, Check::InOrder);
            }
        }
    }

    fn shape_after(&self, shape: &Shape, op: &Op) -> Option<Shape> {
        Some(match op {
            Op::Reshape(next) | Op::BroadcastTo(next) => next.clone(),
            Op::Transpose(order) => order.iter().map(|a| shape[*a].clone()).collect(),
            Op::Slice(ranges) => ranges.iter().map(|r| r.size.clone()).collect(),
            Op::Elementwise(_) => shape.clone(),
            _ => return None,
        })
    }

    /// Before a write: answers the buffer's question with guards, or refuses.
    pub fn settle_question(&mut self, array: &ArrayRef) -> Result<()> {
        let unsure = || {
            Error::unlifted(
                "a write to this array",
                "whether a reshape of it is a copy depends on how its elements lie in memory",
            )
        };
        match array.buffer.question.get() {
            Question::None => Ok(()),
            Question::Open => Err(unsure()),
            Question::Order => {
                let mut inputs = Vec::new();
                let known = match array.buffer.input {
                    Some(input) => {
                        inputs.push(input);
                        true
                    }
                    None => self.lies_in_order(array.buffer.made, &mut inputs),
                };
                let holds = |input: &usize| self.host.in_order(&self.input_objects[*input]);
                if !known || !inputs.iter().all(holds) {
                    return Err(unsure());
                }
                self.require_order(&inputs);
                array.buffer.question.set(Question::None);
                Ok(())
            }
        }
    }

    /// Whether NumPy makes this node in C order, provided that these inputs are.
    fn lies_in_order(&self, node: NodeId, inputs: &mut Vec<usize>) -> bool {
        let aval = self.b.aval(node);
        if is_line(&aval.shape) {
            return true;
        }
        match self.b.op(node) {
            Op::Input => match self.input_nodes.iter().position(|n| *n == node) {
                Some(input) => {
                    inputs.push(input);
                    true
                }
                None => false,
            },
            Op::Constant(_) | Op::Contract { .. } | Op::Reshape(_) => true,
            // The axes of the indices come first in memory, wherever they come in the shape.
            Op::Gather { at, .. } if *at > 0 => false,
            // What is filled with one number.
            Op::BroadcastTo(_) => {
                let operand = self.b.graph().operands(node)[0];
                self.b.aval(operand).rank() == 0
            }
            // Made in the order of their operands.
            Op::Elementwise(_)
            | Op::Cast(_)
            | Op::Reduce { .. }
            | Op::ArgReduce { .. }
            | Op::Cumulate { .. }
            | Op::Gather { .. }
            | Op::Scatter { .. }
            | Op::SliceWrite { .. }
            | Op::Concatenate { .. }
            | Op::ArgSort { .. }
            | Op::SearchSorted { .. } => {
                let operands = self.b.graph().operands(node).to_vec();
                let rank = aval.rank();
                operands.iter().all(|&operand| {
                    let smaller = self.b.aval(operand).rank() < rank;
                    smaller || self.lies_in_order(operand, inputs)
                })
            }
            _ => false,
        }
    }
}

/// Whether there is one axis at most, apart from those of size 1: it can be split for any stride.
fn is_line(shape: &Shape) -> bool {
    let one = Dim::known(1);
    shape.iter().filter(|n| **n != one).count() <= 1
}

/// Whether two shapes differ in axes of size 1 only.
fn same_but_ones(a: &Shape, b: &Shape) -> bool {
    let one = Dim::known(1);
    a.iter()
        .filter(|n| **n != one)
        .eq(b.iter().filter(|n| **n != one))
}
