//! NumPy's functions, methods and operators as operations of the graph.
//!
//! In: the dotted name of a function and its arguments as [`Arg`]s. Out: nodes, in a [`Builder`].
//! Both users of NumPy's vocabulary, the abstract machine and the recorded arrays, come here.
//!
//! ```text
//! call(b, "numpy.sum", [x], {axis: 1, keepdims: True})  =>  reduce sum, reshape
//! ```
//!
//! A function is one row of [`table`]: its spellings, its signature, and the handler that builds
//! nodes. Functions, methods and operators that mean the same share a row. The handlers lie by
//! family in the other files; [`write`] holds what `x[k] = v` means.

mod argument;
mod arrange;
mod composed;
mod create;
mod decompose;
mod diagonal;
mod einsum;
mod fourier;
mod index;
mod join;
mod linalg;
mod order;
mod python;
mod reduce;
mod scipy_linalg;
mod shape;
mod signature;
mod special;
mod table;
mod take;
mod ufunc;
mod write;

use num_complex::Complex64;

use crate::error::{Error, Exception, Result};
use crate::graph::{Builder, DType, Dim, NodeId};

pub(super) use argument::{positions_of, truth};
pub use index::reads_copy;
pub use table::{Shares, computes_in_out, is_ufunc, names, out_position, shares, takes_out};
pub use write::{add_at, setitem};

/// An argument or a result of a NumPy function, with Python objects left out.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Complex(Complex64),
    Str(String),
    Ellipsis,
    /// A Python integer that depends on the size of an input.
    Dim(Dim),
    DType(DType),
    Array(Symbolic),
    Tuple(Vec<Arg>),
    List(Vec<Arg>),
    /// start, stop, step.
    Slice(Box<[Arg; 3]>),
    /// Any other object, in words: functions refuse it by this name.
    Other(String),
    /// A result whose kind depends on a value; never an argument.
    Either(Box<Either>),
}

/// One of two results.
#[derive(Clone, Debug, PartialEq)]
pub struct Either {
    /// A bool of rank 0.
    pub condition: NodeId,
    pub holds: Arg,
    /// Otherwise, or what is raised then.
    pub fails: std::result::Result<Arg, (Exception, &'static str)>,
}

impl Arg {
    /// The same with every choice made by `decide`, which is asked for the truth of a condition; without
    /// `checks`, not where all it could do is to raise.
    ///
    /// # Errors
    /// Those of `decide`, and of a condition that fails.
    pub fn decided(
        self,
        checks: bool,
        decide: &mut dyn FnMut(NodeId) -> Result<bool>,
    ) -> Result<Arg> {
        Ok(match self {
            Arg::Either(either) => {
                let Either {
                    condition,
                    holds,
                    fails,
                } = *either;
                let chosen = match fails {
                    Err(_) if !checks => holds,
                    _ if decide(condition)? => holds,
                    Ok(fails) => fails,
                    Err((exception, message)) => return Err(Error::raises(exception, message)),
                };
                chosen.decided(checks, decide)?
            }
            Arg::Tuple(items) => {
                let items = items.into_iter().map(|item| item.decided(checks, decide));
                Arg::Tuple(items.collect::<Result<_>>()?)
            }
            other => other,
        })
    }
}

/// An array or number that is a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbolic {
    pub node: NodeId,
    pub form: Form,
}

/// What Python sees of a node of rank 0. Arrays of higher rank are always `Array`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `bool`, `int`, `float`, `complex`: immutable and weak under NEP 50.
    Python,
    /// `np.float64` and its like: immutable; what reductions and ufuncs on 0-d give.
    Scalar,
    /// `np.ndarray`.
    Array,
}

pub use decompose::result_class;

/// Keyword arguments, in order.
pub type Keywords = Vec<(String, Arg)>;

/// Calls the function named `name` (`"numpy.sum"`, `"numpy.ndarray.sum"` with self first,
/// `"operator.add"` for `+`, `"scipy.special.gammaln"`). An attribute is called with self alone.
///
/// # Errors
/// What NumPy raises for these arguments, or `Unlifted` for what we do not lift.
/// `Ok(None)` if the name is not known here.
pub fn call(b: &mut Builder, name: &str, args: &[Arg], keywords: &Keywords) -> Result<Option<Arg>> {
    let Some(entry) = table::lookup(name) else {
        return Ok(None);
    };
    let mut call = entry.signature.bind(b, entry.short, args, keywords)?;
    let result = (entry.handler)(&mut call)?;
    call.finish()?;
    Ok(Some(result))
}
