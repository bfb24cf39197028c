//! The conditions under which a lift stays valid, as a small straight program.
//!
//! A [`Fetch`] says how to reach an object from the arguments and the function; a [`Check`] says what it
//! must be. Reaching an object once gives it a [`Slot`]; everything known of it hangs on that slot.
//!
//! ```text
//! 0: argument 0            exactly a list, of length 2
//! 1: item 0 of 0           an array float64, rank 1       -> graph input 0
//! 2: global "np"           is <module numpy>
//! 3: attribute "exp" of 2  is <ufunc exp>
//! ```

use crate::graph::DType;

/// Index of a fetch.
pub type Slot = usize;

/// How to reach an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Fetch<O> {
    /// The `i`th bound parameter of the function.
    Argument(usize),
    /// An object held by the lift itself.
    Held(O),
    /// A global (or, failing that, a builtin) of the module whose dictionary is held.
    Global(O, String),
    /// What calling a constructor gives (`np.random.default_rng(7)`), anew at each call.
    Made(O, Vec<O>),
    /// The content of a closure cell.
    Cell(O),
    Attribute(Slot, String),
    /// An element of a list or tuple.
    Item(Slot, usize),
    /// The value of a dict at a key.
    Entry(Slot, O),
}

/// What a fetched object must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Check<O> {
    /// The same object.
    Is(O),
    /// Of the same type and equal.
    Equals(O),
    /// Exactly of this type.
    Type(O),
    /// A list, tuple or dict of this length.
    Length(usize),
    /// A dict with exactly these keys, in this order.
    Keys(Vec<O>),
    /// An array of this dtype and rank, which becomes graph input `input`.
    Array {
        dtype: DType,
        rank: usize,
        input: usize,
    },
    /// A Python float or complex, or NumPy scalar, which becomes graph input `input`.
    Number { dtype: DType, input: usize },
    /// The same object as at another slot.
    Same(Slot),
    /// Not the object at another slot.
    Apart(Slot),
    /// An array whose elements lie in C order.
    InOrder,
    /// An object without an attribute of this name.
    Lacks(String),
}

/// All conditions of one lift.
#[derive(Clone, Debug)]
pub struct Guards<O> {
    pub fetches: Vec<Fetch<O>>,
    /// In the order in which they must be checked: a fetch through a slot comes after the slot's own checks.
    pub checks: Vec<(Slot, Check<O>)>,
}

impl<O> Default for Guards<O> {
    fn default() -> Self {
        Guards {
            fetches: Vec::new(),
            checks: Vec::new(),
        }
    }
}
