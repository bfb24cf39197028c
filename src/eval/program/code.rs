//! The instructions of a [`Program`](super::Program).
//!
//! In: nothing. Out: the enums that the compiler writes and the interpreter reads. Short
//! instructions are 16 bytes; what does not fit is an entry of a table that they name.
//! `Load2 { to, array, i, j }` is `to = array[i, j]`.

use smallvec::SmallVec;

use super::Location;
use crate::eval::kernels::{Check, Kernel};
use crate::eval::machine::{Lane, Row};
use crate::eval::reduce::Fold;
use crate::graph::DType;
use crate::ops::{Cumulation, Elementwise, Extreme, Write};

/// A scalar register.
pub type Reg = u16;
/// A few scalar registers.
pub type Registers = SmallVec<[Reg; 6]>;
/// A descriptor of an array.
pub type ArrayId = u16;
/// Memory that the program owns.
pub type BufferId = u16;
/// A jump, relative to the instruction itself.
pub type Offset = i32;

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Code {
    Jump(Offset),
    /// Jumps if the flag is false.
    Unless(Reg, Offset),
    /// Starts a loop: the counter is 0; jumps if there is no trip.
    Enter {
        counter: Reg,
        trips: Reg,
        exit: Offset,
    },
    /// Counts a trip; jumps back if there is another.
    Next {
        counter: Reg,
        trips: Reg,
        again: Offset,
    },
    Move {
        to: Reg,
        from: Reg,
    },
    Select {
        to: Reg,
        flag: Reg,
        yes: Reg,
        no: Reg,
    },

    /// An instruction of three registers: result and operands.
    Binary(Binary, Reg, Reg, Reg),
    Unary(Unary, Reg, Reg),
    /// `to = a * b + c`, rounded twice, and `to = c - a * b`.
    MultiplyAdd {
        to: Reg,
        a: Reg,
        b: Reg,
        c: Reg,
    },
    MultiplySubtract {
        to: Reg,
        a: Reg,
        b: Reg,
        c: Reg,
    },

    /// Elements of 8 bytes.
    Load1 {
        to: Reg,
        array: ArrayId,
        i: Reg,
    },
    Load2 {
        to: Reg,
        array: ArrayId,
        i: Reg,
        j: Reg,
    },
    Load3 {
        to: Reg,
        array: ArrayId,
        i: Reg,
        j: Reg,
        k: Reg,
    },
    Load4 {
        to: Reg,
        array: ArrayId,
        i: Reg,
        j: Reg,
        k: Reg,
        l: Reg,
    },
    Store1 {
        from: Reg,
        array: ArrayId,
        i: Reg,
    },
    Store2 {
        from: Reg,
        array: ArrayId,
        i: Reg,
        j: Reg,
    },
    Store3 {
        from: Reg,
        array: ArrayId,
        i: Reg,
        j: Reg,
        k: Reg,
    },
    /// Any other element: an entry of the table of elements.
    Load(u32),
    Store(u32),

    /// A kernel on single elements: an entry of the table of calls.
    Call(u32),
    /// An operation on arrays: an entry of their table.
    Array(u32),
    /// Python raises where a float operation on finite numbers gives no finite one, or makes a NaN.
    Finite {
        value: Reg,
        a: Reg,
        b: Reg,
    },
}

macro_rules! instructions {
    ($(#[$doc:meta])* $name:ident { $($(#[$line:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$line])* $variant,)* }
    };
}
instructions! {
    /// `F` on float64, `I` on int64, `B` on bool. `Python` ones raise where Python does.
    Binary {
        AddF, SubtractF, MultiplyF, DivideF, MinimumF, MaximumF,
        EqualF, NotEqualF, LessF, LessEqualF,
        AddI, SubtractI, MultiplyI, MinimumI, MaximumI, FloorDivideI, RemainderI,
        AndI, OrI, XorI, ShiftLeftI, ShiftRightI,
        EqualI, NotEqualI, LessI, LessEqualI,
        AndB, OrB, XorB,
        AddPython, SubtractPython, MultiplyPython, FloorDividePython, RemainderPython,
        PowerPython, ShiftLeftPython, ShiftRightPython, DividePython,
    }
}
instructions! {
    /// `IntOfI32` and the like read the low bytes of a register and extend them.
    Unary {
        IntOfI8, IntOfI16, IntOfI32, IntOfU8, IntOfU16, IntOfU32, FloatOfF32, F32OfFloat,
        /// Truncated; the lowest integer if that does not fit.
        IntOfFloat,
        NegativeF, AbsoluteF, SquareF, SqrtF,
        NegativeI, AbsoluteI, SquareI, InvertI, NegativePython, AbsolutePython, SquarePython,
        NotB, FloatOfInt, FloatOfBool, IntOfBool, BoolOfInt, BoolOfFloat,
    }
}

/// A kernel on single elements.
#[derive(Clone, Debug)]
pub struct Call {
    pub kernel: Kernel,
    pub check: Option<Check>,
    pub to: Reg,
    pub operands: SmallVec<[Reg; 3]>,
}

/// An element of an array.
#[derive(Clone, Debug)]
pub struct Element {
    /// What is read into, or written.
    pub value: Reg,
    pub array: ArrayId,
    pub indices: SmallVec<[Reg; 6]>,
    pub kind: Write,
}

/// A size or a position: known, or in a register.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Known(i64),
    Register(Reg),
}

/// A range along an axis of a view.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub start: Number,
    pub size: Number,
    pub step: Number,
}

/// How the axes of an array are indexed, one of them per axis.
#[derive(Clone, Copy, Debug)]
pub enum Index {
    Whole,
    /// The axis is dropped.
    At(Reg),
    /// `start + step * (0..size)`, as for indices that are arrays: bounds are checked.
    Range(Part),
    /// An int64 array.
    Array(ArrayId),
}

/// An operation on arrays. `to` is a descriptor; `buffer` the memory that it then points to.
#[derive(Debug)]
pub enum ArrayOp {
    Alias {
        to: ArrayId,
        from: ArrayId,
    },
    /// Fresh memory, not initialised.
    Allocate {
        to: ArrayId,
        buffer: BufferId,
        shape: Vec<Number>,
    },
    Copy {
        to: ArrayId,
        buffer: BufferId,
        from: ArrayId,
    },
    /// Each loop-carried array takes over the memory of what the trip computed:
    /// `(carried, its buffer, computed, its buffer)`.
    Rotate(Vec<(ArrayId, BufferId, ArrayId, BufferId)>),

    // Views.
    Slice {
        to: ArrayId,
        from: ArrayId,
        parts: Vec<Part>,
    },
    /// Of whole axes, numbers and ranges.
    View {
        to: ArrayId,
        from: ArrayId,
        indices: Vec<Index>,
        at: usize,
    },
    Transpose {
        to: ArrayId,
        from: ArrayId,
        axes: Vec<usize>,
    },
    Broadcast {
        to: ArrayId,
        from: Location,
        shape: Vec<Number>,
    },
    /// A view if the elements lie well, and a copy into `buffer` if not.
    Reshape {
        to: ArrayId,
        buffer: BufferId,
        from: ArrayId,
        shape: Vec<Number>,
    },

    // Writes. The values are broadcast.
    Write {
        kind: Write,
        to: ArrayId,
        values: Location,
    },

    // Fresh results.
    Zero {
        to: ArrayId,
    },
    Fused(Box<Fused>),
    Reduce(Box<Reduce>),
    Contract(Box<Contract>),
    Iota {
        to: ArrayId,
        buffer: BufferId,
        size: Number,
    },
    Gather {
        to: ArrayId,
        buffer: BufferId,
        from: ArrayId,
        picked: Picked,
    },
    Scatter {
        kind: Write,
        to: ArrayId,
        values: Location,
        picked: Picked,
    },
    Cumulate {
        kind: Cumulation,
        to: ArrayId,
        buffer: BufferId,
        from: ArrayId,
        axis: usize,
    },
    ArgReduce {
        kind: Extreme,
        to: Location,
        buffer: BufferId,
        from: ArrayId,
        axis: usize,
    },

    /// What a graph assumes of sizes that only running tells: equal, or at most.
    Expect {
        a: Number,
        b: Number,
        at_most: bool,
    },
    /// A size of an array, into a register.
    SizeOf {
        to: Reg,
        array: ArrayId,
        axis: usize,
    },
}

impl ArrayOp {
    /// The registers that the operation writes, and those that it reads.
    pub fn registers(&self) -> (Registers, Registers) {
        let (mut writes, mut reads) = (Registers::new(), Registers::new());
        let number = |n: &Number| match n {
            Number::Known(_) => None,
            Number::Register(register) => Some(*register),
        };
        let register = |location: &Location| match location {
            Location::Register(register) => Some(*register),
            Location::Array(_) => None,
        };
        let part = |p: &Part| {
            [p.start, p.size, p.step]
                .map(|n| number(&n))
                .into_iter()
                .flatten()
        };
        match self {
            ArrayOp::Alias { .. }
            | ArrayOp::Copy { .. }
            | ArrayOp::Rotate(_)
            | ArrayOp::Transpose { .. }
            | ArrayOp::Zero { .. }
            | ArrayOp::Cumulate { .. } => {}
            ArrayOp::Allocate { shape, .. } | ArrayOp::Reshape { shape, .. } => {
                reads.extend(shape.iter().filter_map(number));
            }
            ArrayOp::Broadcast { from, shape, .. } => {
                reads.extend(shape.iter().filter_map(number));
                reads.extend(register(from));
            }
            ArrayOp::Slice { parts, .. } => reads.extend(parts.iter().flat_map(part)),
            ArrayOp::View { indices, .. } => {
                for index in indices {
                    match index {
                        Index::Whole | Index::Array(_) => {}
                        Index::At(register) => reads.push(*register),
                        Index::Range(range) => reads.extend(part(range)),
                    }
                }
            }
            ArrayOp::Write { values, .. } => reads.extend(register(values)),
            ArrayOp::Fused(fused) => {
                reads.extend(fused.inputs.iter().filter_map(|(input, _)| register(input)));
            }
            ArrayOp::Reduce(reduce) => writes.extend(register(&reduce.to)),
            ArrayOp::Contract(contract) => writes.extend(register(&contract.to)),
            ArrayOp::Iota { size, .. } => reads.extend(number(size)),
            ArrayOp::Gather { picked, .. } => {
                reads.extend(picked.indices.iter().filter_map(register));
            }
            ArrayOp::Scatter { values, picked, .. } => {
                reads.extend(register(values));
                reads.extend(picked.indices.iter().filter_map(register));
            }
            ArrayOp::ArgReduce { to, .. } => writes.extend(register(to)),
            ArrayOp::Expect { a, b, .. } => reads.extend([a, b].into_iter().filter_map(number)),
            ArrayOp::SizeOf { to, .. } => writes.push(*to),
        }
        (writes, reads)
    }
}

/// Elementwise work in one pass, broadcasting; the result is that of the last step.
#[derive(Debug)]
pub struct Fused {
    pub inputs: Vec<(Location, DType)>,
    pub steps: Vec<FusedStep>,
    /// Per lane, the room for a chunk of it.
    pub rooms: Vec<usize>,
    /// All steps as machine code.
    pub row: Option<Row>,
    pub to: ArrayId,
    /// Fresh memory, or none if `to` is a view to be written to.
    pub buffer: Option<BufferId>,
}

#[derive(Debug)]
pub struct FusedStep {
    pub kernel: Kernel,
    pub check: Option<Check>,
    pub operands: SmallVec<[Lane; 3]>,
    pub dtype: DType,
    /// The operation, if it works on floats of this dtype or on flags.
    pub arithmetic: Option<(Elementwise, DType)>,
}

impl Fused {
    pub fn new(
        inputs: Vec<(Location, DType)>,
        steps: Vec<FusedStep>,
        row: Option<Row>,
        to: ArrayId,
        buffer: Option<BufferId>,
    ) -> Fused {
        // Inputs keep their rooms; a step takes that of an earlier step that is not read any more.
        let mut last = vec![0; inputs.len() + steps.len()];
        for (k, step) in steps.iter().enumerate() {
            step.operands.iter().for_each(|&lane| last[lane] = k);
        }
        let mut rooms: Vec<usize> = (0..inputs.len()).collect();
        let (mut free, mut count) = (vec![], inputs.len());
        for (k, step) in steps.iter().enumerate() {
            rooms.push(free.pop().unwrap_or_else(|| {
                count += 1;
                count - 1
            }));
            for &lane in &step.operands {
                if lane >= inputs.len() && last[lane] == k && !free.contains(&rooms[lane]) {
                    free.push(rooms[lane]);
                }
            }
        }
        Fused {
            inputs,
            steps,
            rooms,
            row,
            to,
            buffer,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Reduce {
    pub fold: Fold,
    /// The ufunc, for messages.
    pub name: &'static str,
    pub to: Location,
    pub out: DType,
    pub buffer: BufferId,
    pub from: ArrayId,
    pub axes: Vec<usize>,
}

/// A product of two arrays.
#[derive(Clone, Debug)]
pub struct Contract {
    pub to: Location,
    pub buffer: BufferId,
    pub sides: [ArrayId; 2],
    pub batch: Vec<(usize, usize)>,
    pub contract: Vec<(usize, usize)>,
    /// Per side, its axes in three groups: batch, rows, columns.
    pub orders: [[Vec<usize>; 3]; 2],
}

/// Elements at index arrays, which are broadcast to their common shape.
#[derive(Clone, Debug)]
pub struct Picked {
    pub axes: Vec<usize>,
    /// Where the common shape stands among the other axes.
    pub at: usize,
    pub indices: Vec<Location>,
}

/// The bytes of one element of a dtype as a register's content.
pub fn word(dtype: DType, bytes: &[u8]) -> [u64; 2] {
    let mut all = [0u8; 16];
    all[..dtype.size()].copy_from_slice(&bytes[..dtype.size()]);
    let (low, high) = all.split_at(8);
    let number = |half: &[u8]| half.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
    [number(low), number(high)]
}
