//! What a plan consists of.
//!
//! In: places. Out: elements written. A fusion group is one step; so is a copy between two layouts.
//! `concatenate([x, y])` is two copies, each to a slice of the result.

use super::Callbacks;
use super::contract::Contract;
use super::decompose::Decompose;
use super::element::{Item, for_dtype};
use super::fourier::Transform;
use super::group::Group;
use super::index::{Gather, Scatter};
use super::kernels::Kernel;
use super::layout::copy;
use super::loops::Control;
use super::plan::{Place, Run, violated};
use super::reduce;
use super::rows::Rows;
use super::value::Value;
use crate::error::{Error, Result};
use crate::graph::NodeId;
use crate::ops::{Cumulation, Extreme};

/// One step. Places named `to` are contiguous where not said otherwise.
#[derive(Debug)]
pub enum Step {
    Group(Box<Group>),
    Rows(Box<Rows>),
    /// Both sides may be strided.
    Copy(Box<[Place; 2]>),
    /// Adds the first place to the second; both may be strided.
    Add(Box<[Place; 2]>),
    Zero(Place),
    Iota(Place),
    /// Both sides contiguous.
    Convert {
        kernel: Kernel,
        sides: Box<[Place; 2]>,
    },
    /// In place, along the middle of three axes.
    Cumulate {
        kind: Cumulation,
        sizes: [usize; 3],
        to: Place,
    },
    /// Over rows of `n` contiguous elements.
    ArgReduce {
        kind: Extreme,
        n: usize,
        sides: Box<[Place; 2]>,
    },
    ArgSort {
        n: usize,
        sides: Box<[Place; 2]>,
    },
    /// The sorted rows, the values, and their places.
    SearchSorted {
        right: bool,
        sides: Box<[Place; 3]>,
    },
    Gather(Box<Gather>),
    Scatter(Box<Scatter>),
    Contract(Box<Contract>),
    Decompose(Box<Decompose>),
    Fourier(Box<Transform>),
    Outside(Box<Outside>),
    Check(Box<Check>),
    Control(Box<Control>),
}

/// A decision: the run ends unless the number at the place has these very bits.
#[derive(Debug)]
pub struct Check {
    pub place: Place,
    pub expected: Value,
}

impl Check {
    fn run(&self, run: &Run<'_>) -> Result<()> {
        let bytes = self.expected.bytes();
        // SAFETY: the place holds one element of the dtype of the expected value.
        let found = unsafe { std::slice::from_raw_parts(run.at(&self.place), bytes.len()) };
        if found == bytes {
            Ok(())
        } else {
            Err(violated("a branch went another way".into()))
        }
    }
}

/// A draw or a call, which only the caller of the graph can make.
#[derive(Debug)]
pub struct Outside {
    pub node: NodeId,
    pub operands: Vec<Place>,
    pub to: Vec<Place>,
}

impl Step {
    pub fn copy(from: Place, to: Place) -> Step {
        Step::Copy(Box::new([from, to]))
    }

    pub fn is_outside(&self) -> bool {
        matches!(self, Step::Outside(_))
    }

    /// Estimated nanoseconds: whether releasing the GIL pays, not more.
    pub fn cost(&self) -> f64 {
        match self {
            Step::Group(group) => group.cost,
            Step::Rows(rows) => rows.cost(),
            Step::Contract(contract) => contract.cost(),
            Step::Decompose(decompose) => decompose.cost(),
            Step::Fourier(transform) => transform.cost(),
            Step::Copy(sides) | Step::Add(sides) | Step::Convert { sides, .. } => {
                sides[0].layout.len() as f64
            }
            Step::ArgReduce { sides, .. } => 2.0 * sides[0].layout.len() as f64,
            Step::ArgSort { sides, .. } => 50.0 * sides[0].layout.len() as f64,
            Step::SearchSorted { sides, .. } => 20.0 * sides[1].layout.len() as f64,
            Step::Zero(to) | Step::Iota(to) | Step::Cumulate { to, .. } => to.layout.len() as f64,
            Step::Gather(gather) => 4.0 * gather.to.layout.len() as f64,
            Step::Scatter(scatter) => 4.0 * scatter.values.layout.len() as f64,
            Step::Outside(_) | Step::Check(_) => 0.0,
            Step::Control(control) => control.cost(),
        }
    }

    /// # Errors
    /// NumPy's, for an index out of range.
    pub fn run(&self, run: &Run<'_>) -> Result<()> {
        match self {
            Step::Group(group) => return group.run(run),
            Step::Rows(rows) => return rows.run(run),
            Step::Gather(gather) => return gather.run(run),
            Step::Scatter(scatter) => return scatter.run(run),
            Step::Check(check) => return check.run(run),
            Step::Contract(contract) => contract.run(run),
            Step::Decompose(decompose) => return decompose.run(run),
            Step::Fourier(transform) => transform.run(run),
            Step::Outside(_) => return Err(Error::internal("a step that needs the caller")),
            Step::Control(control) => return control.run(run),
            Step::Copy(sides) => {
                let [from, to] = &**sides;
                // SAFETY: the planner made both layouts for the memory of their sources, and a step
                // never writes where it reads.
                unsafe {
                    copy(
                        run.pointer(from.source),
                        &from.layout,
                        run.pointer(to.source),
                        &to.layout,
                    );
                }
            }
            Step::Add(sides) => {
                let [from, to] = &**sides;
                // SAFETY: as for copies.
                unsafe { for_dtype!(to.layout.dtype, T => add_into::<T>(run, from, to)) };
            }
            Step::Zero(to) => {
                let bytes = to.layout.len() * to.layout.dtype.size();
                // SAFETY: the place holds this many bytes, and zero bytes are a zero of any dtype.
                unsafe { run.at(to).write_bytes(0, bytes) };
            }
            Step::Iota(to) => for_dtype!(to.layout.dtype, T => {
                for (i, out) in run.slice_mut::<T>(to).iter_mut().enumerate() {
                    *out = T::from_index(i);
                }
            }),
            Step::Convert { kernel, sides } => {
                let [from, to] = &**sides;
                // SAFETY: both are contiguous and aligned, of the kernel's dtypes.
                unsafe { kernel(&[run.at(from)], run.at(to), to.layout.len()) };
            }
            Step::Cumulate { kind, sizes, to } => for_dtype!(to.layout.dtype, T => {
                reduce::cumulate(*kind, run.slice_mut::<T>(to), *sizes);
            }),
            Step::ArgReduce { kind, n, sides } => {
                let [from, to] = &**sides;
                for_dtype!(from.layout.dtype, T => {
                    reduce::arg_reduce(*kind, run.slice::<T>(from), *n, run.slice_mut(to));
                });
            }
            Step::ArgSort { n, sides } => {
                let [from, to] = &**sides;
                for_dtype!(from.layout.dtype, T => {
                    reduce::arg_sort(run.slice::<T>(from), *n, run.slice_mut(to));
                });
            }
            Step::SearchSorted { right, sides } => {
                let [sorted, values, to] = &**sides;
                let n = *sorted.layout.shape.last().unwrap_or(&0);
                let rows: usize = sorted.layout.shape.iter().rev().skip(1).product();
                for_dtype!(sorted.layout.dtype, T => {
                    let (sorted, values) = (run.slice::<T>(sorted), run.slice::<T>(values));
                    let each = values.len() / rows.max(1);
                    let out = run.slice_mut(to);
                    for row in 0..rows {
                        let part = row * each..(row + 1) * each;
                        let sorted = &sorted[row * n..(row + 1) * n];
                        reduce::search_sorted(*right, sorted, &values[part.clone()], &mut out[part]);
                    }
                });
            }
        }
        Ok(())
    }
}

/// # Safety
/// Both places must be valid for elements `T` and not overlap.
unsafe fn add_into<T: Item>(run: &Run<'_>, from: &Place, to: &Place) {
    let (source, target) = (run.at(from), run.at(to));
    each(&to.layout.shape, |index| {
        let at = |strides: &[isize]| -> isize {
            let steps = index.iter().zip(strides);
            steps.map(|(&i, s)| i as isize * s).sum()
        };
        // SAFETY: the index is within the shape of both.
        unsafe {
            let x = source.offset(at(&from.layout.strides)).cast::<T>();
            let out = target.offset(at(&to.layout.strides)).cast::<T>();
            out.write_unaligned(out.read_unaligned().add(x.read_unaligned()));
        }
    });
}

/// Every index of a shape, in C order.
fn each(shape: &[usize], mut visit: impl FnMut(&[usize])) {
    if shape.contains(&0) {
        return;
    }
    let mut index = vec![0; shape.len()];
    loop {
        visit(&index);
        let Some(axis) = (0..shape.len()).rev().find(|&a| index[a] + 1 < shape[a]) else {
            return;
        };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}

impl Outside {
    /// # Errors
    /// What the caller raises; `Assumption` if a result is of another shape or dtype.
    pub fn run(&self, run: &Run<'_>, callbacks: &mut dyn Callbacks) -> Result<()> {
        let operands = self.operands.iter().map(|place| {
            let mut value = Value::zeros(place.layout.dtype, &place.layout.shape);
            let layout = super::layout::Layout::contiguous(value.dtype, &value.shape);
            // SAFETY: the value is fresh and of the place's shape.
            unsafe {
                copy(
                    run.pointer(place.source),
                    &place.layout,
                    value.as_mut_ptr(),
                    &layout,
                );
            }
            value
        });
        let operands: Vec<Value> = operands.collect();
        let shapes: Vec<&[usize]> = self.to.iter().map(|to| &*to.layout.shape).collect();
        let results = callbacks.outside(self.node, &operands, &shapes)?;
        let fits = |(value, to): (&Value, &Place)| {
            value.dtype == to.layout.dtype && value.shape == to.layout.shape
        };
        if results.len() != self.to.len() || !results.iter().zip(&self.to).all(fits) {
            return Err(violated("a call gave other dtypes or shapes".into()));
        }
        for (value, to) in results.iter().zip(&self.to) {
            let bytes = value.bytes();
            // SAFETY: the place holds a value of this shape and dtype.
            unsafe {
                run.at(to)
                    .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            }
        }
        Ok(())
    }
}
