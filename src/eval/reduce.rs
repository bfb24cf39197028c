//! Loops of reductions, cumulations and extremes.
//!
//! In: elements of one dtype. Out: one element ([`Fold`]), a running result, or an index.
//! The sum of 1024 float64 is made of 4 blocks of 256 with 32 accumulators each, combined in pairs,
//! so its error grows with the logarithm of the length.
//! Source: pairwise summation, Higham, "The accuracy of floating point summation" (1993), §4.

use std::cmp::Ordering;

use super::element::{Item, for_dtype};
use super::kernels::cpu::vectorized;
use crate::graph::DType;
use crate::ops::{Cumulation, Extreme, Reduction};

/// The loops of one reduction of one dtype.
#[derive(Clone, Copy, Debug)]
pub struct Fold {
    /// Of `len > 0` contiguous elements to one: `run(elements, len, out)`.
    pub run: unsafe fn(*const u8, usize, *mut u8),
    /// Of `len` contiguous elements, each into its own accumulator: `into(accumulators, elements, len)`.
    pub into: unsafe fn(*mut u8, *const u8, usize),
    /// Writes the accumulators of the first elements: `begin(accumulators, elements, len)`.
    pub begin: unsafe fn(*mut u8, *const u8, usize),
    /// Writes the result of no elements, `len` times; `None` if there is no such result.
    pub identity: Option<unsafe fn(*mut u8, usize)>,
}

/// The loops that reduce elements of `dtype`.
pub fn fold(kind: Reduction, dtype: DType) -> Fold {
    for_dtype!(dtype, T => match kind {
        Reduction::Sum => fold_with::<T, Sum>(),
        Reduction::Prod => fold_with::<T, Prod>(),
        Reduction::Min => fold_with::<T, Min>(),
        Reduction::Max => fold_with::<T, Max>(),
        Reduction::Any => fold_with::<T, Any>(),
        Reduction::All => fold_with::<T, All>(),
    })
}

/// What NumPy calls the reduction in messages.
pub fn ufunc_name(kind: Reduction) -> &'static str {
    match kind {
        Reduction::Sum => "add",
        Reduction::Prod => "multiply",
        Reduction::Min => "minimum",
        Reduction::Max => "maximum",
        Reduction::Any => "logical_or",
        Reduction::All => "logical_and",
    }
}

/// One reduction of elements `T`.
trait Reducer<T: Item> {
    type Out: Item;
    const IDENTITY: Option<Self::Out>;
    fn begin(x: T) -> Self::Out;
    fn combine(a: Self::Out, b: Self::Out) -> Self::Out;
}

macro_rules! reducer {
    ($name:ident, $identity:expr, $combine:expr) => {
        struct $name;
        impl<T: Item> Reducer<T> for $name {
            type Out = T;
            const IDENTITY: Option<T> = $identity;
            fn begin(x: T) -> T {
                x
            }
            fn combine(a: T, b: T) -> T {
                $combine(a, b)
            }
        }
    };
}
reducer!(Sum, Some(T::ZERO), T::add);
reducer!(Prod, Some(T::ONE), T::mul);
reducer!(Min, None, T::minimum);
reducer!(Max, None, T::maximum);

struct Any;
impl<T: Item> Reducer<T> for Any {
    type Out = bool;
    const IDENTITY: Option<bool> = Some(false);
    fn begin(x: T) -> bool {
        x.is_nonzero()
    }
    fn combine(a: bool, b: bool) -> bool {
        a | b
    }
}

struct All;
impl<T: Item> Reducer<T> for All {
    type Out = bool;
    const IDENTITY: Option<bool> = Some(true);
    fn begin(x: T) -> bool {
        x.is_nonzero()
    }
    fn combine(a: bool, b: bool) -> bool {
        a & b
    }
}

fn fold_with<T: Item, R: Reducer<T>>() -> Fold {
    Fold {
        // SAFETY: the pointers are valid and aligned for what `Fold` says of them.
        run: |x, len, out| unsafe {
            let x = std::slice::from_raw_parts(x.cast::<T>(), len);
            out.cast::<R::Out>().write(pairwise::<T, R>(x));
        },
        // SAFETY: as above; accumulators and elements are different memory.
        into: |acc, x, len| unsafe {
            let acc = std::slice::from_raw_parts_mut(acc.cast::<R::Out>(), len);
            let x = std::slice::from_raw_parts(x.cast::<T>(), len);
            vectorized(|| {
                for (a, &x) in acc.iter_mut().zip(x) {
                    *a = R::combine(*a, R::begin(x));
                }
            });
        },
        // SAFETY: as above.
        begin: |acc, x, len| unsafe {
            let acc = std::slice::from_raw_parts_mut(acc.cast::<R::Out>(), len);
            let x = std::slice::from_raw_parts(x.cast::<T>(), len);
            vectorized(|| {
                for (a, &x) in acc.iter_mut().zip(x) {
                    *a = R::begin(x);
                    // As in NumPy, a sum begins with +0.0: the sum of -0.0 is 0.0.
                    if let Some(identity) = R::IDENTITY {
                        *a = R::combine(identity, *a);
                    }
                }
            });
        },
        identity: R::IDENTITY.map(|_| identity::<T, R> as unsafe fn(*mut u8, usize)),
    }
}

/// # Safety
/// `out` must be valid for `len` results.
unsafe fn identity<T: Item, R: Reducer<T>>(out: *mut u8, len: usize) {
    if let Some(identity) = R::IDENTITY {
        // SAFETY: as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(out.cast::<R::Out>(), len) }.fill(identity);
    }
}

/// Elements that are reduced by running accumulators before pairs are formed.
const BLOCK: usize = 256;
/// Accumulators of a block: enough to hide the latency of additions in vector registers.
const LANES: usize = 32;

fn pairwise<T: Item, R: Reducer<T>>(x: &[T]) -> R::Out {
    if x.len() <= BLOCK {
        return vectorized(|| block::<T, R>(x));
    }
    // The left part is a whole number of blocks, so that it does not depend on the length.
    let half = x.len().div_ceil(BLOCK).div_ceil(2) * BLOCK;
    let (left, right) = x.split_at(half);
    R::combine(pairwise::<T, R>(left), pairwise::<T, R>(right))
}

#[inline(always)]
fn block<T: Item, R: Reducer<T>>(x: &[T]) -> R::Out {
    let (first, rest) = x.split_at(x.len().min(LANES));
    let Some((&start, others)) = first.split_first() else {
        unreachable!("a fold has elements");
    };
    if first.len() < LANES {
        let start = match R::IDENTITY {
            Some(identity) => R::combine(identity, R::begin(start)),
            None => R::begin(start),
        };
        return others
            .iter()
            .fold(start, |a, &x| R::combine(a, R::begin(x)));
    }
    let start = R::begin(start);
    let mut lanes = R::IDENTITY.map_or([start; LANES], |identity| [identity; LANES]);
    for (lane, &x) in lanes.iter_mut().zip(first) {
        *lane = match R::IDENTITY {
            Some(identity) => R::combine(identity, R::begin(x)),
            None => R::begin(x),
        };
    }
    let rows = rest.chunks_exact(LANES);
    let tail = rows.remainder();
    for row in rows {
        for (lane, &x) in lanes.iter_mut().zip(row) {
            *lane = R::combine(*lane, R::begin(x));
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(tail) {
        *lane = R::combine(*lane, R::begin(x));
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = R::combine(lanes[i], lanes[i + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// Cumulates in place along the middle axis of a contiguous `(outer, n, inner)` array.
pub fn cumulate<T: Item>(kind: Cumulation, x: &mut [T], [_, n, inner]: [usize; 3]) {
    let combine = match kind {
        Cumulation::Sum => T::add,
        Cumulation::Prod => T::mul,
    };
    if x.is_empty() {
        return;
    }
    for lanes in x.chunks_exact_mut(n * inner) {
        for i in inner..n * inner {
            lanes[i] = combine(lanes[i - inner], lanes[i]);
        }
    }
}

/// The index of the first extreme of each row of `n` elements; NaN is extreme.
pub fn arg_reduce<T: Item>(kind: Extreme, x: &[T], n: usize, out: &mut [i64]) {
    for (row, out) in x.chunks_exact(n).zip(out) {
        let mut best = 0;
        for (i, &x) in row.iter().enumerate() {
            let better = match kind {
                Extreme::Min => x.below(row[best]),
                Extreme::Max => x.above(row[best]),
            };
            if better {
                best = i;
            }
        }
        *out = best as i64;
    }
}

/// The indices that sort each row of `n` elements, stably; NaN comes last.
pub fn arg_sort<T: Item>(x: &[T], n: usize, out: &mut [i64]) {
    for (row, out) in x.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
        for (i, index) in out.iter_mut().enumerate() {
            *index = i as i64;
        }
        out.sort_by(|&i, &j| row[i as usize].order(row[j as usize]));
    }
}

/// Where values belong in a sorted row, before its equals or after them; NaN comes last. In a row that is
/// not sorted the places are those of NumPy's search, which starts from where the last one ended.
pub fn search_sorted<T: Item>(right: bool, row: &[T], values: &[T], out: &mut [i64]) {
    let is_before = |a: T, b: T| match a.order(b) {
        Ordering::Less => true,
        Ordering::Equal => right,
        Ordering::Greater => false,
    };
    let (mut low, mut high) = (0, row.len());
    let mut last = values.first().copied();
    for (&value, out) in values.iter().zip(out) {
        if last.is_some_and(|last| is_before(last, value)) {
            high = row.len();
        } else {
            low = 0;
            high = (high + 1).min(row.len());
        }
        last = Some(value);
        while low < high {
            let middle = low + (high - low) / 2;
            match is_before(row[middle], value) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        *out = low as i64;
    }
}
