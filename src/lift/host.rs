//! What lifting asks of Python.
//!
//! The abstract machine executes blocks with known objects concrete. An object is opaque here;
//! everything done with it goes through a [`Host`], which `lazy-python` implements with CPython
//! and tests implement with a table.

use std::sync::Arc;

use crate::ast::{self, py};
use crate::error::Result;
use crate::graph::DType;

/// What an object is, as far as lifting cares.
#[derive(Clone, Debug, PartialEq)]
pub enum Class {
    None,
    Bool(bool),
    Int(i64),
    /// An int beyond 64 bits, bytes, frozenset, ...: immutable, compared by value.
    Immutable,
    Float(f64),
    Complex(f64, f64),
    Str(String),
    Ellipsis,
    /// A `np.dtype`, or a scalar type used as one (`np.float32`, `float`).
    DType(DType),
    /// `np.float64(2)` and its like.
    NumPyScalar(DType),
    /// An exact `np.ndarray` of a dtype we lift, with its sizes.
    Array(DType, Vec<usize>),
    List,
    Tuple,
    /// A subclass of tuple with `_fields`.
    NamedTuple,
    Dict,
    Set,
    Slice,
    Range,
    Module,
    /// A class.
    Type,
    /// A function with `__code__`.
    Function,
    /// A bound method of a Python function.
    Method,
    /// A `functools.partial`.
    Partial,
    /// A function that only wraps a Python one for dispatch or caching: see [`Host::unwrap`].
    Wrapper,
    /// `np.random.Generator` or `RandomState`; `true` for the module `np.random` itself.
    Random,
    /// A function made by a transform of lazy.
    Transformed,
    /// A compiled function.
    Builtin,
    /// An instance of a Python class.
    Instance,
    /// An array subclass, object array, masked array, ...: never lifted.
    Foreign,
}

/// The outcome of looking up an attribute without running user code.
#[derive(Clone, Debug)]
pub enum Attribute<O> {
    /// A value: from the instance's dictionary, a module, a slot, a class constant.
    Value(O),
    /// A Python function found on the class: binds to the object.
    Method(O),
    /// A Python function found on the class as a `classmethod`: binds to the class.
    ClassMethod(O, O),
    /// A property with this getter.
    Property(O),
    /// A `cached_property` with this function.
    Cached(O),
    /// A descriptor on the class whose `__get__` is a Python function; whether it goes before the instance.
    Descriptor(O, bool),
    /// A place that the instance itself has: a slot.
    Member,
    /// A field of a namedtuple, by position.
    Item(usize),
    /// Not found, so that this `__getattr__`, a Python function, decides.
    Fallback(O),
    /// A method of a compiled type: bind by name.
    Compiled,
    /// The same, found by [`Host::look_up`]: the descriptor itself.
    Unbound(O),
    Missing,
    /// Compiled code or `__getattribute__` of the class decides: not run while lifting.
    Custom,
}

/// What happens at `x.name = value`.
#[derive(Clone, Debug)]
pub enum Assignment<O> {
    /// The value is put into the object.
    Plain,
    /// The setter of a property.
    Property(O),
    /// A descriptor whose `__set__` is a Python function.
    Descriptor(O),
    /// `__setattr__` of the class, a Python function.
    Method(O),
    /// A property without a setter, a slot that is not there.
    ReadOnly,
    /// Compiled code decides.
    Custom,
}

/// What an instance of a Python class is besides an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    Object,
    Tuple,
    List,
    Dict,
    Exception,
    /// Its memory is laid out by compiled code, or its metaclass makes it.
    Other,
}

/// The parts of a Python function.
#[derive(Clone, Debug)]
pub struct FunctionParts<O> {
    /// The code object.
    pub code: O,
    pub globals: O,
    pub defaults: Vec<O>,
    pub keyword_defaults: Vec<(String, O)>,
    /// The cells, in the order of `co_freevars`.
    pub closure: Vec<O>,
}

/// What a transform of lazy makes of a call, as far as the call of the function inside must know.
#[derive(Clone, Debug)]
pub enum Calling {
    /// Nothing: `jit`.
    Plain,
    /// Derivatives by the arguments at these positions. The last `own` arguments are the transform's.
    Derived { by: Vec<usize>, own: usize },
    /// The function sees one example: the arguments that are batches, and along which axes.
    Mapped(Vec<(usize, Option<i64>)>),
    /// A log-density: the function draws.
    Density,
}

/// A call of a transformed function, lifted for another lift to take over.
#[derive(Clone, Debug)]
pub struct TransformedCall<O> {
    pub lifted: super::Lifted<O>,
    /// The object of each graph input.
    pub objects: Vec<O>,
}

/// An exception that Python raised.
#[derive(Clone, Debug)]
pub struct Raised<O> {
    pub exception: O,
    pub text: String,
}

pub type Outcome<O> = std::result::Result<O, Raised<O>>;

/// Python, seen from the machine.
pub trait Host {
    type Object: Clone;

    fn class(&self, object: &Self::Object) -> Class;
    fn is(&self, a: &Self::Object, b: &Self::Object) -> bool;
    fn type_of(&self, object: &Self::Object) -> Self::Object;
    /// `type(object).__name__`, or `__qualname__` for functions and classes: for messages.
    fn describe(&self, object: &Self::Object) -> String;

    fn constant(&self, value: &py::Constant) -> Self::Object;
    /// `builtins.<name>`.
    fn builtin(&self, name: &str) -> Self::Object;
    /// The elements of a list, tuple, range or other known iterable that has no side effects.
    fn items(&self, object: &Self::Object) -> Option<Vec<Self::Object>>;
    /// Keys and values of a dict.
    fn entries(&self, object: &Self::Object) -> Vec<(Self::Object, Self::Object)>;
    /// start, stop, step.
    fn slice_parts(&self, object: &Self::Object) -> [Self::Object; 3];
    fn tuple(&self, items: Vec<Self::Object>) -> Self::Object;
    fn slice(&self, parts: [Self::Object; 3]) -> Self::Object;

    fn attribute(&self, object: &Self::Object, name: &str) -> Attribute<Self::Object>;
    /// What an instance of `class` finds on its class, in the bases after `after` if that is given.
    fn look_up(
        &self,
        class: &Self::Object,
        after: Option<&Self::Object>,
        name: &str,
    ) -> Attribute<Self::Object>;
    /// What assigning to an attribute of an instance of `class` does.
    fn assignment(&self, class: &Self::Object, name: &str) -> Assignment<Self::Object>;
    /// What calling the class makes.
    fn base(&self, class: &Self::Object) -> Base;
    /// The class and the name of a method of a compiled type: `tuple.__new__`, `object.__setattr__`.
    fn unbound(&self, object: &Self::Object) -> Option<(Self::Object, String)>;
    /// Whether the elements of an array lie in C order.
    fn in_order(&self, object: &Self::Object) -> bool;
    /// A Python function that does what this compiled one does (`itertools.chain`).
    fn stand_in(&self, object: &Self::Object) -> Option<Self::Object>;
    /// The same for a method of NumPy's: `"ndarray.partition"`, `"ufunc.accumulate"`.
    fn method_stand_in(&self, method: &str) -> Option<Self::Object>;
    /// A class by name: an exception of Python's or NumPy's, or one given with its module (`types.MethodType`).
    fn find_class(&self, name: &str) -> Option<Self::Object>;
    /// The same for the same object, and for no other that is alive.
    fn address(&self, object: &Self::Object) -> usize;
    /// The global `name`, or the builtin of that name (`true`).
    fn global(&self, globals: &Self::Object, name: &str) -> Option<(Self::Object, bool)>;
    fn cell(&self, cell: &Self::Object) -> Option<Self::Object>;

    /// Whether `==` on this object asks for identity, as it does unless its class defines otherwise.
    fn compares_by_identity(&self, object: &Self::Object) -> bool;
    /// `"numpy.sum"`, `"builtins.len"`, `"math.exp"`, if the object is that.
    fn operation(&self, object: &Self::Object) -> Option<String>;
    fn function(&self, object: &Self::Object) -> Option<FunctionParts<Self::Object>>;
    /// `__func__` and `__self__`.
    fn method(&self, object: &Self::Object) -> (Self::Object, Self::Object);
    /// func, args, keywords.
    #[expect(
        clippy::type_complexity,
        reason = "the three parts have no use together elsewhere"
    )]
    fn partial(
        &self,
        object: &Self::Object,
    ) -> (Self::Object, Vec<Self::Object>, Vec<(String, Self::Object)>);
    /// Names and values of the fields of a dataclass; none for anything else.
    fn fields(&self, object: &Self::Object) -> Vec<(String, Self::Object)>;
    /// The function inside a [`Class::Wrapper`].
    fn unwrap(&self, object: &Self::Object) -> Option<Self::Object>;
    /// Whether calling this class makes a [`Class::Transformed`].
    fn is_transform(&self, class: &Self::Object) -> bool;
    /// The function inside a [`Class::Transformed`], and the transform.
    fn transformed(&self, object: &Self::Object) -> Option<(Self::Object, Self::Object)>;
    /// What a transform makes of a call with so many positional arguments.
    ///
    /// # Errors
    /// For positions that the call does not have.
    fn calling(&self, transform: &Self::Object, count: usize) -> Result<Calling>;
    /// Applies a transform to a call of a function that is lifted within another. What the call gives
    /// beyond the function's own arguments becomes inputs that no guard reaches, after all others.
    ///
    /// # Errors
    /// Those of the transform.
    fn derive(
        &self,
        transform: &Self::Object,
        call: super::Lifted<Self::Object>,
    ) -> Result<super::Lifted<Self::Object>>;
    /// Lifts and transforms a call of a [`Class::Transformed`].
    ///
    /// # Errors
    /// Those of the lift and of the transform.
    fn lift_transformed(
        &self,
        function: &Self::Object,
        arguments: &[Self::Object],
    ) -> Result<TransformedCall<Self::Object>>;
    /// The blocks of a code object.
    fn read(&self, code: &Self::Object) -> Result<Arc<ast::Function>>;
    /// A code object nested in another, for the closures made while lifting.
    fn read_nested(&self, code: &Arc<ast::Code>, front: ast::Front) -> Result<Arc<ast::Function>>;
    /// The line of a file, for messages.
    fn line(&self, file: &str, line: u32) -> Option<String>;

    /// Whether calling this with known arguments has no effect and always gives the same.
    fn is_pure(&self, callee: &Self::Object) -> bool;
    /// Whether it is a ufunc that works element by element.
    fn is_elementwise(&self, callee: &Self::Object) -> bool;
    /// Whether it is compiled code whose only effects are on arrays that it is given.
    fn only_fills(&self, callee: &Self::Object) -> bool;
    fn call(
        &self,
        callee: &Self::Object,
        args: &[Self::Object],
        keywords: &[(String, Self::Object)],
    ) -> Outcome<Self::Object>;
    /// A function of module `operator`, by name, on immutable objects.
    fn operator(&self, name: &str, args: &[Self::Object]) -> Outcome<Self::Object>;
    /// Calls a method of an immutable object.
    fn call_method(
        &self,
        object: &Self::Object,
        name: &str,
        args: &[Self::Object],
        keywords: &[(String, Self::Object)],
    ) -> Outcome<Self::Object>;
    fn truth(&self, object: &Self::Object) -> std::result::Result<bool, Raised<Self::Object>>;
    fn is_instance(&self, object: &Self::Object, class: &Self::Object) -> bool;
    fn is_subclass(&self, class: &Self::Object, base: &Self::Object) -> bool;
    /// The Python class whose instances a symbolic value would be: `ndarray`, `float`, `np.float64`.
    fn class_of_symbolic(&self, dtype: DType, form: super::numpy::Form) -> Self::Object;
    fn dtype(&self, dtype: DType) -> Self::Object;
    /// The elements of an array or NumPy scalar, copied.
    fn value(&self, object: &Self::Object) -> Option<crate::eval::value::Value>;
    /// Executes a draw with a copy of its generator, which goes on from draw to draw within one lift.
    ///
    /// # Errors
    /// What the generator raises.
    fn rehearse(
        &self,
        site: &super::DrawSite<Self::Object>,
        parameters: &[crate::eval::value::Value],
        shape: &[usize],
        dtype: DType,
    ) -> Result<crate::eval::value::Value>;
    /// A Python object for a rank-0 value of the form.
    fn scalar(&self, value: &crate::eval::value::Value, form: super::numpy::Form) -> Self::Object;
}
