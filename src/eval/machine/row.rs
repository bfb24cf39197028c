//! Arithmetic over rows of floats as one loop of machine code.
//!
//! In: steps of arithmetic on lanes, which are rows, numbers, and results of earlier steps. Out: the
//! bytes of a function that does all of them, a register's worth of elements at once where rows lie in
//! one piece.
//!
//! ```text
//! 0.2 * (a + b)        vmovupd ymm1, [r8 + 8*rcx];  vaddpd ymm1, ymm1, [r9 + 8*rcx];
//!                      vmulpd ymm1, ymm0, ymm1;     vmovupd [r10 + 8*rcx], ymm1
//! ```
//!
//! No intermediate goes to memory. Each step rounds by itself, so that values are those of the kernels.
//! Registers are given from first use to last (Poletto and Sarkar, "Linear scan register allocation", 1999).

use smallvec::SmallVec;

use super::assembler::{
    Assembler, Bits, Condition, Float, Integer, Number, Operand, Precision, RAX, RBP, RBX, RCX,
    RDI, RDX, RSI, RSP, Relation, Width,
};
use super::{Input, Kind, Lane, Step};
use crate::graph::DType;
use crate::ops::Elementwise as E;

/// The machine code; none if there is an operation that has none, or too much is needed at once.
pub fn emit(
    precision: Precision,
    inputs: &[Input],
    steps: &[Step],
    results: &[Lane],
    kinds: &[Kind],
) -> Option<Vec<u8>> {
    Emitter::new(precision, inputs, steps, results, kinds)?.emit()
}

/// Per lane what it is; none if a flag that is the same for all elements is read, or an operation has
/// no code.
pub fn kinds(inputs: &[Input], steps: &[Step]) -> Option<Vec<Kind>> {
    let mut kinds = vec![None; inputs.len()];
    for step in steps {
        let (reads, gives) = kinds_of(step)?;
        for (place, &lane) in step.operands.iter().enumerate() {
            let read = match (step.op, place) {
                (E::Where, 0) => Kind::Flag,
                _ => reads,
            };
            if *kinds[lane].get_or_insert(read) != read {
                return None;
            }
        }
        kinds.push(Some(gives));
    }
    let kinds: Vec<Kind> = kinds
        .into_iter()
        .map(|kind| kind.unwrap_or(Kind::Float))
        .collect();
    let is_fit = |(input, kind): (&Input, &Kind)| *input == Input::Array || *kind == Kind::Float;
    inputs.iter().zip(&kinds).all(is_fit).then_some(kinds)
}

/// What an operation reads, beside the flags by which it chooses, and what it gives.
fn kinds_of(step: &Step) -> Option<(Kind, Kind)> {
    match step.dtype {
        DType::Bool => mask_bits(step.op).map(|_| (Kind::Flag, Kind::Flag)),
        _ if relation(step.op).is_some() => Some((Kind::Float, Kind::Flag)),
        _ => Some((Kind::Float, Kind::Float)),
    }
}

/// An operation on flags as one on masks; none of them is negation.
fn mask_bits(op: E) -> Option<Option<Bits>> {
    Some(match op {
        E::LogicalAnd | E::BitwiseAnd => Some(Bits::And),
        E::LogicalOr | E::BitwiseOr => Some(Bits::Or),
        E::LogicalXor | E::BitwiseXor => Some(Bits::Xor),
        E::LogicalNot | E::Invert => None,
        _ => return None,
    })
}

fn arithmetic(op: E) -> Option<Float> {
    Some(match op {
        E::Add => Float::Add,
        E::Subtract => Float::Subtract,
        E::Multiply => Float::Multiply,
        E::Divide => Float::Divide,
        _ => return None,
    })
}

fn relation(op: E) -> Option<Relation> {
    Some(match op {
        E::Equal => Relation::Equal,
        E::NotEqual => Relation::NotEqual,
        E::Less => Relation::Less,
        E::LessEqual => Relation::LessEqual,
        E::Greater => Relation::Greater,
        E::GreaterEqual => Relation::GreaterEqual,
        _ => return None,
    })
}

const POINTERS: Number = RDI;
const STRIDES: Number = RSI;
const COUNT: Number = RDX;
const INDEX: Number = RCX;
/// Registers for where rows are. The last holds the pointers before.
const ROWS: [Number; 11] = [8, 9, 10, 11, RBX, RBP, 12, 13, 14, 15, POINTERS];
const SAVED: [Number; 6] = [RBX, RBP, 12, 13, 14, 15];

/// All bits.
const ALL: i64 = -1;
/// Bytes of a pointer.
const WORD: i32 = 8;

struct Emitter<'a> {
    a: Assembler,
    precision: Precision,
    inputs: &'a [Input],
    steps: &'a [Step],
    results: &'a [Lane],
    kinds: &'a [Kind],
    /// Per input and result, the general register of its row.
    rows: Vec<Option<Number>>,
    /// Vector registers that hold a number throughout.
    numbers: Vec<Option<Number>>,
    sign: Option<Number>,
    ones: Option<Number>,
    zeros: Option<Number>,
    /// Vector registers that are not in use.
    free: Vec<Number>,
    /// Per lane, how many steps and results read it.
    uses: Vec<usize>,
}

impl<'a> Emitter<'a> {
    fn new(
        precision: Precision,
        inputs: &'a [Input],
        steps: &'a [Step],
        results: &'a [Lane],
        kinds: &'a [Kind],
    ) -> Option<Emitter<'a>> {
        let mut uses = vec![0; inputs.len() + steps.len()];
        for &lane in steps.iter().flat_map(|s| &s.operands).chain(results) {
            uses[lane] += 1;
        }
        let mut free: Vec<Number> = (0..16).rev().collect();
        let numbers = inputs.iter().map(|input| match input {
            Input::Number => free.pop().map(Some),
            Input::Array => Some(None),
        });
        let numbers = numbers.collect::<Option<Vec<_>>>()?;
        let mut next = ROWS.into_iter();
        let mut rows = Vec::with_capacity(inputs.len() + results.len());
        for input in inputs {
            rows.push(match input {
                Input::Array => Some(next.next()?),
                Input::Number => None,
            });
        }
        for _ in results {
            rows.push(Some(next.next()?));
        }
        let mut wanted = |is: bool| match is {
            true => free.pop().map(Some),
            false => Some(None),
        };
        let does = |ops: &[E]| steps.iter().any(|step| ops.contains(&step.op));
        let sign = wanted(does(&[E::Negative, E::Absolute]))?;
        let ones = wanted(does(&[E::LogicalNot, E::Invert]))?;
        let zeros = wanted(kinds[..inputs.len()].contains(&Kind::Flag))?;
        Some(Emitter {
            a: Assembler::default(),
            precision,
            inputs,
            steps,
            results,
            kinds,
            rows,
            numbers,
            sign,
            ones,
            zeros,
            free,
            uses,
        })
    }

    fn emit(mut self) -> Option<Vec<u8>> {
        let (strided, one, done) = (self.a.label(), self.a.label(), self.a.label());
        self.enter();
        let lanes = self.precision.lanes() as i32;
        // Many at once, if all rows lie in one piece.
        for k in 0..self.rows.len() {
            if self.rows[k].is_some() {
                let stride = Operand::At(STRIDES, WORD * k as i32);
                let size = self.size(k) as i32;
                self.a.integer_constant(Integer::Compare, stride, size);
                self.a.jump_if(Condition::NOT_EQUAL, strided);
            }
        }
        self.a.constant(INDEX, 0);
        self.a.load(RAX, Operand::Register(COUNT));
        let last = Operand::Register(RAX);
        self.a.integer_constant(Integer::Subtract, last, lanes);
        self.a.jump_if(Condition::LESS, strided);
        let many = self.a.label();
        self.a.bind(many);
        self.body(true)?;
        let index = Operand::Register(INDEX);
        self.a.integer_constant(Integer::Add, index, lanes);
        self.a.integer(Integer::Compare, INDEX, last);
        self.a.jump_if(Condition::LESS_EQUAL, many);
        for k in 0..self.rows.len() {
            if let Some(row) = self.rows[k] {
                let next = Operand::Indexed(row, INDEX, self.size(k));
                self.a.address(row, next);
            }
        }
        self.a.integer(Integer::Subtract, COUNT, index);
        // What is left, or all of it, one by one.
        self.a.bind(strided);
        self.a.test(COUNT);
        self.a.jump_if(Condition::LESS_EQUAL, done);
        self.a.bind(one);
        self.body(false)?;
        for k in 0..self.rows.len() {
            if let Some(row) = self.rows[k] {
                let stride = Operand::At(STRIDES, WORD * k as i32);
                self.a.integer(Integer::Add, row, stride);
            }
        }
        let count = Operand::Register(COUNT);
        self.a.integer_constant(Integer::Subtract, count, 1);
        self.a.jump_if(Condition::GREATER, one);
        self.a.bind(done);
        self.a.end_vectors();
        for register in SAVED.into_iter().rev() {
            self.a.pop(register);
        }
        self.a.leave();
        self.a.finish()
    }

    fn enter(&mut self) {
        for register in SAVED {
            self.a.push(register);
        }
        for k in 0..self.inputs.len() {
            if let Some(number) = self.numbers[k] {
                self.a.load(RAX, Operand::At(POINTERS, WORD * k as i32));
                self.a
                    .broadcast(self.precision, number, Operand::At(RAX, 0));
            }
        }
        let sign = match self.precision {
            Precision::Single => i64::from(i32::MIN),
            Precision::Double => i64::MIN,
        };
        for (register, bits) in [(self.sign, sign), (self.ones, ALL), (self.zeros, 0)] {
            if let Some(register) = register {
                self.a.constant(RAX, bits);
                self.a.push(RAX);
                self.a
                    .broadcast(self.precision, register, Operand::At(RSP, 0));
                self.a.pop(RAX);
            }
        }
        for k in 0..self.rows.len() {
            if let Some(row) = self.rows[k] {
                self.a.load(row, Operand::At(POINTERS, WORD * k as i32));
            }
        }
    }

    /// All steps for one element, or for as many as fill a register.
    fn body(&mut self, whole: bool) -> Option<()> {
        let precision = self.precision;
        let width = Width { precision, whole };
        let mut body = Body {
            width,
            free: self.free.clone(),
            left: self.uses.clone(),
            at: self.numbers.clone(),
        };
        body.at.resize(self.uses.len(), None);
        for k in 0..self.steps.len() {
            self.step(&mut body, k)?;
        }
        // Stores come last: a result may lie where an input is read.
        for (k, &lane) in self.results.iter().enumerate() {
            let from = self.loaded(&mut body, lane)?;
            let to = self.element(self.inputs.len() + k, width)?;
            match self.kinds[lane] {
                Kind::Float => self.a.vector_store(width, to, from),
                // Nothing reads the masks after this: there is one result.
                Kind::Flag => self.a.store_flags(width, to, from, body.free.pop()?),
            }
        }
        Some(())
    }

    fn step(&mut self, body: &mut Body, k: usize) -> Option<()> {
        let step = &self.steps[k];
        let width = body.width;
        let mut operands: SmallVec<[Number; 3]> = SmallVec::new();
        let is_plain = arithmetic(step.op).is_some();
        let mut direct = None;
        for (place, &lane) in step.operands.iter().enumerate() {
            // A row that nothing else reads is an operand in memory.
            if place == 1 && is_plain && body.at[lane].is_none() && self.uses[lane] == 1 {
                direct = Some(self.element(lane, width)?);
                body.left[lane] = 0;
                continue;
            }
            operands.push(self.loaded(body, lane)?);
        }
        // Some need room besides their operands, the others may take an operand's place.
        let room = match step.op {
            E::Minimum | E::Maximum => Some((body.free.pop()?, body.free.pop()?)),
            _ => None,
        };
        for &lane in &step.operands {
            if body.left[lane] > 0 {
                body.left[lane] -= 1;
                if body.left[lane] == 0 && self.inputs.get(lane) != Some(&Input::Number) {
                    body.free.extend(body.at[lane]);
                }
            }
        }
        let to = match room {
            Some((to, spare)) => {
                body.free.push(spare);
                to
            }
            None => body.free.pop()?,
        };
        let b = |operands: &[Number]| direct.unwrap_or_else(|| Operand::Register(operands[1]));
        if let Some(op) = arithmetic(step.op) {
            self.a.vector(op, width, to, operands[0], b(&operands));
        } else if let Some(relation) = relation(step.op) {
            let b = Operand::Register(operands[1]);
            self.a.vector_compare(relation, width, to, operands[0], b);
        } else {
            match (step.op, room) {
                (E::Minimum | E::Maximum, Some((_, mask))) => {
                    // The first where it is no number, as NumPy has it; the machine takes the second.
                    let op = match step.op {
                        E::Minimum => Float::Minimum,
                        _ => Float::Maximum,
                    };
                    let (first, second) = (operands[0], Operand::Register(operands[1]));
                    let itself = Operand::Register(first);
                    self.a.vector(op, width, to, first, second);
                    self.a
                        .vector_compare(Relation::Unordered, width, mask, first, itself);
                    self.a.vector_select(width, to, mask, first, to);
                }
                (E::Negative, _) => {
                    self.a
                        .vector_bits(Bits::Xor, width, to, operands[0], self.sign?)
                }
                (E::Absolute, _) => {
                    self.a
                        .vector_bits(Bits::AndNot, width, to, self.sign?, operands[0]);
                }
                (E::Square, _) => {
                    let same = Operand::Register(operands[0]);
                    self.a.vector(Float::Multiply, width, to, operands[0], same);
                }
                (E::Sqrt, _) => {
                    let of = Operand::Register(operands[0]);
                    // On one, the rest of the result is that of the first operand.
                    let rest = if width.whole { 0 } else { operands[0] };
                    self.a.vector(Float::Sqrt, width, to, rest, of);
                }
                (E::Where, _) => {
                    self.a
                        .vector_select(width, to, operands[0], operands[1], operands[2]);
                }
                (op, _) => {
                    let (bits, with) = match mask_bits(op)? {
                        Some(bits) => (bits, operands[1]),
                        None => (Bits::Xor, self.ones?),
                    };
                    self.a.vector_bits(bits, width, to, operands[0], with);
                }
            }
        }
        body.at[self.inputs.len() + k] = Some(to);
        Some(())
    }

    /// A lane in a register.
    fn loaded(&mut self, body: &mut Body, lane: Lane) -> Option<Number> {
        if let Some(at) = body.at[lane] {
            return Some(at);
        }
        let from = self.element(lane, body.width)?;
        let to = body.free.pop()?;
        match self.kinds[lane] {
            Kind::Float => self.a.vector_load(body.width, to, from),
            Kind::Flag => self.a.load_flags(body.width, to, from, self.zeros?),
        }
        body.at[lane] = Some(to);
        Some(to)
    }

    /// The current element of a row, or all that fill a register from there on.
    fn element(&self, at: usize, width: Width) -> Option<Operand> {
        let row = (*self.rows.get(at)?)?;
        Some(match width.whole {
            true => Operand::Indexed(row, INDEX, self.size(at)),
            false => Operand::At(row, 0),
        })
    }

    /// Bytes of an element of an input or a result.
    fn size(&self, at: usize) -> usize {
        let lane = match at.checked_sub(self.inputs.len()) {
            Some(result) => self.results[result],
            None => at,
        };
        self.kinds[lane].size(self.precision.size())
    }
}

/// What is where while the steps are written down.
struct Body {
    width: Width,
    free: Vec<Number>,
    /// Per lane, the reads that are still to come.
    left: Vec<usize>,
    at: Vec<Option<Number>>,
}

#[cfg(test)]
mod tests {
    use super::super::Row;
    use super::*;
    use crate::graph::DType;

    fn step(op: E, operands: &[Lane]) -> Step {
        step_of(DType::F64, op, operands)
    }

    fn step_of(dtype: DType, op: E, operands: &[Lane]) -> Step {
        Step {
            op,
            dtype,
            operands: operands.into(),
        }
    }

    fn run(row: &Row, rows: &[&[f64]], out: &mut [f64], stride: usize) {
        let mut pointers: Vec<*mut u8> =
            rows.iter().map(|r| r.as_ptr().cast_mut().cast()).collect();
        pointers.push(out.as_mut_ptr().cast());
        let strides = vec![8 * stride as isize; pointers.len()];
        // SAFETY: all slices hold `out.len()` elements at the stride, numbers one.
        unsafe { row.run(&pointers, &strides, out.len() / stride) };
    }

    #[test]
    fn every_operation_as_in_rust() {
        let x: Vec<f64> = [1.5, -0.0, f64::NAN, 7.0, -2.5, 0.0, f64::INFINITY].repeat(3);
        let y: Vec<f64> = [0.5, 0.0, 1.0, f64::NAN, -2.5, -3.0]
            .into_iter()
            .cycle()
            .take(21)
            .collect();
        let smaller = |a: f64, b: f64| if a < b || a.is_nan() { a } else { b };
        let larger = |a: f64, b: f64| if a > b || a.is_nan() { a } else { b };
        type Of = fn(f64, f64) -> f64;
        let table: [(E, Of); 10] = [
            (E::Add, |a, b| a + b),
            (E::Subtract, |a, b| a - b),
            (E::Multiply, |a, b| a * b),
            (E::Divide, |a, b| a / b),
            (E::Minimum, smaller),
            (E::Maximum, larger),
            (E::Negative, |a, _| -a),
            (E::Absolute, |a, _| a.abs()),
            (E::Square, |a, _| a * a),
            (E::Sqrt, |a, _| a.sqrt()),
        ];
        for (op, expected) in table {
            let operands: &[Lane] = if matches!(op, E::Negative | E::Absolute | E::Square | E::Sqrt)
            {
                &[0]
            } else {
                &[0, 1]
            };
            let inputs = [Input::Array, Input::Array];
            let Some(row) = Row::new(&inputs, &[step(op, operands)], &[2]) else {
                return;
            };
            for stride in [1, 3] {
                let mut out = vec![9.0; 21];
                run(&row, &[&x, &y], &mut out, stride);
                for (i, got) in out.iter().enumerate() {
                    let wanted = match i % stride {
                        0 => expected(x[i], y[i]),
                        _ => 9.0,
                    };
                    let same = got.to_bits() == wanted.to_bits() || got.is_nan() && wanted.is_nan();
                    assert!(same, "{op:?} of {} and {}: {got}, not {wanted}", x[i], y[i]);
                }
            }
        }
    }

    #[test]
    fn masks_choose() {
        let inputs = [Input::Array, Input::Array, Input::Number];
        let steps = [
            step(E::Less, &[0, 1]),
            step(E::GreaterEqual, &[0, 2]),
            step(E::LogicalAnd, &[3, 4]),
            step(E::LogicalNot, &[5]),
            step(E::Where, &[6, 0, 1]),
            step(E::Multiply, &[7, 2]),
        ];
        let Some(row) = Row::new(&inputs, &steps, &[8]) else {
            return;
        };
        let x: Vec<f64> = (0..11).map(|i| f64::from(i) - 4.0).collect();
        let y: Vec<f64> = (0..11).map(|i| 3.0 - f64::from(i)).collect();
        let mut out = vec![0.0; 11];
        run(&row, &[&x, &y, &[-2.0]], &mut out, 1);
        for i in 0..11 {
            let both = x[i] < y[i] && x[i] >= -2.0;
            assert_eq!(out[i], -2.0 * if both { y[i] } else { x[i] });
        }
    }

    #[test]
    fn flags_are_read_and_written() {
        for dtype in [DType::F64, DType::F32] {
            let steps = [
                step_of(dtype, E::Less, &[0, 1]),
                step_of(DType::Bool, E::BitwiseAnd, &[3, 2]),
                step_of(DType::Bool, E::Invert, &[4]),
            ];
            let Some(row) = Row::new(&[Input::Array; 3], &steps, &[5]) else {
                return;
            };
            let x: Vec<f64> = (0..43).map(|i| f64::from(i % 7) - 3.0).collect();
            let y: Vec<f64> = (0..43).map(|i| f64::from(i % 5) - 2.0).collect();
            let (x32, y32): (Vec<f32>, Vec<f32>) = x
                .iter()
                .zip(&y)
                .map(|(&a, &b)| (a as f32, b as f32))
                .unzip();
            let flags: Vec<bool> = (0..43).map(|i| i % 3 == 0).collect();
            let mut out = vec![false; 43];
            let start = |dtype: DType, wide: &[f64], narrow: &[f32]| match dtype {
                DType::F64 => wide.as_ptr().cast_mut().cast::<u8>(),
                _ => narrow.as_ptr().cast_mut().cast(),
            };
            let pointers = [
                start(dtype, &x, &x32),
                start(dtype, &y, &y32),
                flags.as_ptr().cast_mut().cast(),
                out.as_mut_ptr().cast(),
            ];
            let wanted: Vec<bool> = (0..43).map(|i| !(x[i] < y[i] && flags[i])).collect();
            // In one piece, and one by one.
            // SAFETY: all hold as many elements.
            unsafe { row.run(&pointers, row.strides(), 43) };
            assert_eq!(out, wanted);
            let mut other = vec![false; 86];
            let pointers = [
                pointers[0],
                pointers[1],
                pointers[2],
                other.as_mut_ptr().cast(),
            ];
            let mut strides = row.strides().to_vec();
            strides[3] = 2;
            // SAFETY: as above, every second flag being written.
            unsafe { row.run(&pointers, &strides, 43) };
            assert_eq!(other.iter().step_by(2).copied().collect::<Vec<_>>(), wanted);
            assert!(!other.iter().skip(1).step_by(2).any(|&flag| flag));
        }
    }

    #[test]
    fn what_needs_too_many_registers_has_no_code() {
        let inputs = [Input::Number; 17];
        assert!(Row::new(&inputs, &[step(E::Add, &[0, 16])], &[17]).is_none());
    }

    #[test]
    fn single_precision() {
        let steps = [
            step_of(DType::F32, E::Multiply, &[0, 2]),
            step_of(DType::F32, E::Less, &[3, 1]),
            step_of(DType::F32, E::Where, &[4, 0, 3]),
            step_of(DType::F32, E::Negative, &[5]),
            step_of(DType::F32, E::Sqrt, &[1]),
            step_of(DType::F32, E::Minimum, &[6, 7]),
        ];
        let inputs = [Input::Array, Input::Array, Input::Number];
        let Some(row) = Row::new(&inputs, &steps, &[8]) else {
            return;
        };
        let x: Vec<f32> = (0..43).map(|i| 0.3 * i as f32 - 4.0).collect();
        let y: Vec<f32> = (0..43).map(|i| 0.1 * i as f32).collect();
        let mut out = vec![0f32; 43];
        let factor = [1.7f32];
        let pointers = [
            x.as_ptr().cast_mut().cast(),
            y.as_ptr().cast_mut().cast(),
            factor.as_ptr().cast_mut().cast(),
            out.as_mut_ptr().cast(),
        ];
        // SAFETY: all hold as many elements, the number one.
        unsafe { row.run(&pointers, &[4; 4], 43) };
        for i in 0..43 {
            let scaled = x[i] * 1.7;
            let chosen = if scaled < y[i] { x[i] } else { scaled };
            assert_eq!(out[i], (-chosen).min(y[i].sqrt()));
        }
    }
}
