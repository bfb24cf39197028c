//! Loops and branches as jumps.
//!
//! In: a `Loop` or `Cond` node. Out: instructions of the same program. Carried numbers have a register
//! each, carried arrays a descriptor and memory of their own, which they take over from the operand
//! where that ends here.

use super::Location;
use super::code::{ArrayId, ArrayOp, Binary, BufferId, Code, Number, Reg, Unary};
use super::compile::{Compiler, Scope};
use crate::error::{Error, Result};
use crate::graph::{DType, Graph, NodeId};
use crate::ops::{Loop, Op};

/// A loop-carried value.
#[derive(Clone, Copy)]
enum Carried {
    Number(Reg),
    Array(ArrayId, BufferId),
}

/// Instructions that the two sides of a branch may have for both to be done instead.
const CHEAP: usize = 8;

impl Compiler {
    pub fn loop_node(&mut self, scope: &mut Scope<'_>, id: NodeId) -> Result<()> {
        let graph = scope.graph;
        let Op::Loop(l) = graph.op(id) else {
            return Err(Error::internal("not a loop"));
        };
        let operands = graph.operands(id);
        let (constants, initial) = operands[1..].split_at(l.constants());
        let trips = scope.register(operands[0])?;
        let counter = self.fresh_register()?;
        let mut inputs = vec![Location::Register(counter)];
        for &constant in constants {
            inputs.push(scope.location(constant)?);
        }
        let mut carried = Vec::with_capacity(initial.len());
        for &node in initial {
            let value = self.carried(scope, node, id)?;
            carried.push(value);
            inputs.push(value.location());
        }
        let stacks = self.stacks(scope, id, l)?;
        let sizes = self.inner_sizes(scope, &l.body, &operands, &inputs)?;
        let skip = (l.conditional)
            .then(|| self.flag_exit(&carried))
            .transpose()?;
        let enter = self.here();
        self.emit(Code::Enter {
            counter,
            trips,
            exit: 0,
        });
        let top = self.here();
        let inner = Scope::new(&l.body, &inputs, sizes, scope.depth + 1);
        let outputs = self.graph(inner)?;
        let (next, pushed) = outputs.split_at(carried.len());
        for (&stack, &value) in stacks.iter().zip(pushed) {
            if let Some(stack) = stack {
                self.push_row(stack, counter, value)?;
            }
        }
        self.rebind(&carried, next, scope.depth + 1, top, &inputs)?;
        let stop = (l.conditional)
            .then(|| self.flag_exit(&carried))
            .transpose()?;
        let (enter, kept) = match l.conditional {
            true => (enter, None),
            false => self.keep_element(enter, &self.fixed(&inputs))?,
        };
        let top = enter + 1;
        let again = top as i32 - self.here() as i32;
        self.emit(Code::Next {
            counter,
            trips,
            again,
        });
        for exit in skip.into_iter().chain([enter]).chain(stop) {
            self.land(exit);
        }
        if let Some(store) = kept {
            self.emit(store);
        }
        let mut results: Vec<Location> = Vec::with_capacity(carried.len() + stacks.len());
        for value in &carried {
            if let Carried::Array(_, buffer) = value {
                self.owner[*buffer as usize] = scope.depth;
            }
            results.push(value.location());
        }
        // A stack that nobody reads has no part to give a location to.
        results.extend(
            stacks
                .iter()
                .map(|array| Location::Array(array.unwrap_or(0))),
        );
        set_results(scope, id, &results);
        Ok(())
    }

    /// Jumps out, to be landed later, if the loop's flag is false.
    fn flag_exit(&mut self, carried: &[Carried]) -> Result<usize> {
        let Some(Carried::Number(flag)) = carried.first() else {
            return Err(Error::internal("a loop without its flag"));
        };
        let at = self.here();
        self.emit(Code::Unless(*flag, 0));
        Ok(at)
    }

    fn carried(&mut self, scope: &Scope<'_>, node: NodeId, id: NodeId) -> Result<Carried> {
        match scope.location(node)? {
            Location::Register(from) => {
                let to = self.fresh_register()?;
                self.emit(Code::Move { to, from });
                Ok(Carried::Number(to))
            }
            Location::Array(_) => {
                let array = self.writable(scope, node, id)?;
                let buffer = self.buffer_of[array as usize]
                    .ok_or_else(|| Error::internal("memory of nobody"))?;
                self.owner[buffer as usize] = scope.depth + 1;
                Ok(Carried::Array(array, buffer))
            }
        }
    }

    /// Memory for what the trips leave behind, one row each.
    fn stacks(&mut self, scope: &Scope<'_>, id: NodeId, l: &Loop) -> Result<Vec<Option<ArrayId>>> {
        let first = l.carried;
        let count = l.body.outputs().len();
        let mut stacks = Vec::with_capacity(count - first);
        for k in first..count {
            let Some(part) = scope.graph.part(id, k) else {
                stacks.push(None);
                continue;
            };
            let aval = scope.graph.aval(part).clone();
            let shape = self.numbers(scope, &aval.shape)?;
            let (to, buffer) = self.owned(aval.dtype, aval.rank(), scope.depth)?;
            self.array_op(ArrayOp::Allocate { to, buffer, shape });
            stacks.push(Some(to));
        }
        Ok(stacks)
    }

    fn push_row(&mut self, stack: ArrayId, at: Reg, value: Location) -> Result<()> {
        let rank = self.rank(stack);
        if let (1, Location::Register(from)) = (rank, value) {
            self.store(stack, &[at], from, crate::ops::Write::Set);
            return Ok(());
        }
        let to = self.view_of(stack, rank - 1)?;
        let mut indices = vec![super::code::Index::Whole; rank];
        indices[0] = super::code::Index::At(at);
        self.array_op(ArrayOp::View {
            to,
            from: stack,
            indices,
            at: 0,
        });
        self.array_op(ArrayOp::Write {
            kind: crate::ops::Write::Set,
            to,
            values: value,
        });
        Ok(())
    }

    /// What the trip computed becomes what the next one starts from.
    fn rebind(
        &mut self,
        carried: &[Carried],
        next: &[Location],
        depth: usize,
        top: usize,
        inputs: &[Location],
    ) -> Result<()> {
        self.rebind_numbers(carried, next, top, inputs)?;
        let mut rotated: Vec<(ArrayId, BufferId, ArrayId, BufferId)> = Vec::new();
        for (value, &out) in carried.iter().zip(next) {
            let (&Carried::Array(array, buffer), Location::Array(out)) = (value, out) else {
                continue;
            };
            let own = self.buffer_of[out as usize];
            if own == Some(buffer) && self.is_whole(out) {
                if out != array {
                    rotated.push((array, buffer, out, buffer));
                }
                continue;
            }
            let takes = own.filter(|&b| {
                self.owner[b as usize] == depth
                    && self.is_whole(out)
                    && next
                        .iter()
                        .filter(|o| {
                            matches!(o, Location::Array(a) if self.buffer_of[*a as usize] == Some(b))
                        })
                        .count()
                        == 1
            });
            let (out, from) = match takes {
                Some(from) => (out, from),
                None => {
                    let (copy, from) = self.owned(self.dtype(out), self.rank(out), depth)?;
                    self.array_op(ArrayOp::Copy {
                        to: copy,
                        buffer: from,
                        from: out,
                    });
                    (copy, from)
                }
            };
            rotated.push((array, buffer, out, from));
        }
        if !rotated.is_empty() {
            self.array_op(ArrayOp::Rotate(rotated));
        }
        Ok(())
    }

    /// Moves all at once: through other registers where one is read after it is written.
    fn rebind_numbers(
        &mut self,
        carried: &[Carried],
        next: &[Location],
        top: usize,
        inputs: &[Location],
    ) -> Result<()> {
        let mut moves: Vec<(Reg, Reg)> = Vec::new();
        for (value, &out) in carried.iter().zip(next) {
            match (value, out) {
                (&Carried::Number(to), Location::Register(from)) if to != from => {
                    moves.push((to, from));
                }
                (Carried::Number(_), Location::Array(_))
                | (Carried::Array(..), Location::Register(_)) => {
                    return Err(Error::internal("a loop carries a value of another rank"));
                }
                _ => {}
            }
        }
        let fixed = self.fixed(inputs);
        self.program.coalesce(top, &mut moves, &fixed);
        let targets: Vec<Reg> = moves.iter().map(|m| m.0).collect();
        for (_, from) in &mut moves {
            if targets.contains(from) {
                let to = self.fresh_register()?;
                self.emit(Code::Move { to, from: *from });
                *from = to;
            }
        }
        for (to, from) in moves {
            self.emit(Code::Move { to, from });
        }
        Ok(())
    }

    /// What the body is given, and what is known, keeps its register.
    fn fixed(&self, inputs: &[Location]) -> Vec<Reg> {
        let mut fixed: Vec<Reg> = self.program.constants.iter().map(|c| c.0).collect();
        fixed.extend(inputs.iter().filter_map(|input| match input {
            Location::Register(register) => Some(*register),
            Location::Array(_) => None,
        }));
        fixed
    }

    pub fn cond_node(&mut self, scope: &mut Scope<'_>, id: NodeId) -> Result<()> {
        let graph = scope.graph;
        let Op::Cond(c) = graph.op(id) else {
            return Err(Error::internal("not a branch"));
        };
        let operands = graph.operands(id);
        let flag = scope.register(operands[0])?;
        let mut inputs = Vec::with_capacity(operands.len());
        let mut passed = Vec::new();
        for &operand in &operands[1..] {
            let location = scope.location(operand)?;
            if let Location::Array(array) = location
                && self.may_overwrite(scope, operand, id)?
            {
                passed.extend(self.buffer_of[array as usize]);
            }
            inputs.push(location);
        }
        let before = std::mem::take(&mut self.program.code);
        let mut sides = Vec::with_capacity(2);
        for side in [&c.then, &c.otherwise] {
            for &buffer in &passed {
                self.owner[buffer as usize] = scope.depth + 1;
            }
            let sizes = self.inner_sizes(scope, side, &operands, &inputs)?;
            let inner = Scope::new(side, &inputs, sizes, scope.depth + 1);
            let outputs = self.graph(inner)?;
            sides.push((outputs, std::mem::take(&mut self.program.code)));
        }
        for &buffer in &passed {
            self.owner[buffer as usize] = scope.depth;
        }
        let mut merged: Vec<Location> = Vec::new();
        let mut ends = [vec![], vec![]];
        for k in 0..c.then.outputs().len() {
            let pair = [sides[0].0[k], sides[1].0[k]];
            merged.push(self.merge(scope, pair, &passed, &mut ends)?);
        }
        self.program.code = before;
        let [(_, then), (_, otherwise)] =
            <[_; 2]>::try_from(sides).map_err(|_| Error::internal("a branch has two sides"))?;
        let [then_end, otherwise_end] = ends;
        let is_integer = |&output: &NodeId| {
            let aval = c.then.aval(output);
            aval.rank() == 0 && aval.dtype == DType::I64
        };
        if then.len() + otherwise.len() <= CHEAP
            && c.then.outputs().iter().all(is_integer)
            && then
                .iter()
                .chain(&otherwise)
                .all(|code| self.is_harmless(code))
        {
            // Both sides at once: a branch that goes now here, now there costs more.
            self.program.code.extend(then);
            self.program.code.extend(otherwise);
            for (yes, no) in then_end.iter().zip(&otherwise_end) {
                if let (&End::Move(to, yes), &End::Move(_, no)) = (yes, no) {
                    self.emit(Code::Select { to, flag, yes, no });
                }
            }
            set_results(scope, id, &merged);
            return Ok(());
        }
        let branch = self.here();
        self.emit(Code::Unless(flag, 0));
        self.program.code.extend(then);
        self.finish_side(then_end);
        let jump = self.here();
        self.emit(Code::Jump(0));
        self.land(branch);
        self.program.code.extend(otherwise);
        self.finish_side(otherwise_end);
        self.land(jump);
        set_results(scope, id, &merged);
        Ok(())
    }

    /// Whether an instruction takes a moment, and does nothing but give a number.
    fn is_harmless(&self, code: &Code) -> bool {
        use Binary::*;
        match *code {
            Code::Move { .. } | Code::Select { .. } => true,
            Code::Binary(op, _, _, b) => match op {
                AddF | SubtractF | MultiplyF | MinimumF | MaximumF | EqualF | NotEqualF | LessF
                | LessEqualF | AddI | SubtractI | MultiplyI | MinimumI | MaximumI | AndI | OrI
                | XorI | ShiftLeftI | ShiftRightI | EqualI | NotEqualI | LessI | LessEqualI
                | AndB | OrB | XorB => true,
                ShiftRightPython => self.program.constant(b).is_some_and(|by| by >= 0),
                _ => false,
            },
            Code::Unary(op, ..) => !matches!(
                op,
                Unary::NegativePython | Unary::AbsolutePython | Unary::SquarePython | Unary::SqrtF
            ),
            _ => false,
        }
    }

    fn finish_side(&mut self, end: Vec<End>) {
        for step in end {
            match step {
                End::Move(to, from) => self.emit(Code::Move { to, from }),
                End::Array(op) => self.array_op(op),
            }
        }
    }

    /// One location for what either side gives.
    fn merge(
        &mut self,
        scope: &Scope<'_>,
        pair: [Location; 2],
        passed: &[BufferId],
        ends: &mut [Vec<End>; 2],
    ) -> Result<Location> {
        match pair {
            [Location::Register(a), Location::Register(b)] => {
                let to = self.fresh_register()?;
                ends[0].push(End::Move(to, a));
                ends[1].push(End::Move(to, b));
                Ok(Location::Register(to))
            }
            [Location::Array(a), Location::Array(b)] => {
                let shared = self.buffer_of[a as usize].filter(|buffer| {
                    self.buffer_of[b as usize] == Some(*buffer) && passed.contains(buffer)
                });
                if shared.is_some() && a == b {
                    return Ok(Location::Array(a));
                }
                if let (Some(_), true) = (shared, self.is_whole(a) && self.is_whole(b)) {
                    let to = self.view_of(a, self.rank(a))?;
                    self.whole.insert(to);
                    for (end, from) in ends.iter_mut().zip([a, b]) {
                        end.push(End::Array(ArrayOp::Alias { to, from }));
                    }
                    return Ok(Location::Array(to));
                }
                let (to, buffer) = self.owned(self.dtype(a), self.rank(a), scope.depth)?;
                for (end, from) in ends.iter_mut().zip([a, b]) {
                    end.push(End::Array(ArrayOp::Copy { to, buffer, from }));
                }
                Ok(Location::Array(to))
            }
            _ => Err(Error::internal("the sides of a branch differ in rank")),
        }
    }

    /// The sizes of a nested graph's symbols, as they are known outside or told by its inputs.
    fn inner_sizes(
        &mut self,
        scope: &Scope<'_>,
        inner: &Graph,
        operands: &[NodeId],
        inputs: &[Location],
    ) -> Result<Vec<Option<Number>>> {
        let mut sizes = vec![None; inner.symbols().len()];
        for (size, origin) in sizes.iter_mut().zip(inner.symbols()) {
            let Some(k) = inner.inputs().iter().position(|&i| i == origin.node) else {
                continue;
            };
            let offset = operands.len() - inputs.len();
            let dim = operands
                .get(k + offset)
                .and_then(|&o| scope.graph.aval(o).shape.get(origin.axis));
            let number = dim.map(|dim| self.number(scope, dim));
            *size = match (number, inputs[k]) {
                (Some(Ok(number)), _) => Some(number),
                (_, Location::Array(array)) => {
                    let to = self.fresh_register()?;
                    let axis = origin.axis;
                    self.array_op(ArrayOp::SizeOf { to, array, axis });
                    Some(Number::Register(to))
                }
                (_, Location::Register(_)) => None,
            };
        }
        Ok(sizes)
    }
}

/// What a side of a branch does at its end.
enum End {
    Move(Reg, Reg),
    Array(ArrayOp),
}

impl Carried {
    fn location(self) -> Location {
        match self {
            Carried::Number(register) => Location::Register(register),
            Carried::Array(array, _) => Location::Array(array),
        }
    }
}

/// Puts the results of a node where its parts find them.
fn set_results(scope: &mut Scope<'_>, id: NodeId, results: &[Location]) {
    let parts = scope.graph.parts(id);
    for (part, &result) in parts.iter().zip(results) {
        if let Some(part) = part {
            scope.at[part.index()] = Some(result);
        }
    }
}
