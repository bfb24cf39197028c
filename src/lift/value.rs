//! What the abstract machine computes with.
//!
//! A value is an object Python already has, or a symbolic one, or a container of either that was
//! made while lifting. Arrays are a buffer and a chain of views, so that writes reach every alias.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::guard::Slot;
use super::numpy::Form;
use crate::ast;
use crate::graph::{Dim, NodeId};
use crate::ops::Op;

/// A number larger than all before: what was made later has a larger one.
pub fn birth() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

/// A value of the machine; `O` is a Python object.
#[derive(Debug)]
pub enum Value<O> {
    /// A known object, and how to reach it again at the next call, if it came from outside.
    Object(O, Option<Slot>),
    /// An array that is computed.
    Array(ArrayRef),
    /// `x.flat`: the elements of an array in C order, to read or to write.
    Flat(ArrayRef),
    /// A number that is computed: immutable.
    Scalar(NodeId, Form),
    /// A Python integer that depends on the sizes of inputs.
    Size(Dim),
    Tuple(Rc<Vec<Value<O>>>, Option<Slot>),
    List(Rc<ListValue<O>>),
    Dict(Rc<DictValue<O>>),
    Set(Rc<SetValue<O>>),
    DictView(Rc<DictValue<O>>, View),
    /// An instance of a Python class, made while lifting.
    Instance(Rc<Instance<O>>),
    Slice(Rc<[Value<O>; 3]>),
    /// A function made while lifting.
    Closure(Rc<Closure<O>>),
    /// A method of any value, by name.
    Method(Rc<Value<O>>, Rc<str>),
    /// A Python function bound to a first argument.
    Bound(Rc<Value<O>>, Rc<Value<O>>),
    Partial(Rc<Partial<O>>),
    Iterator(Rc<RefCell<Iterator<O>>>),
    /// A string with computed parts.
    Text(Rc<Vec<Piece<O>>>),
    /// `super()` bound in a method: the class to start after, and self.
    Super(Rc<Value<O>>, Rc<Value<O>>),
    /// A variable put aside while a comprehension has one of the same name.
    Cell(Cell<O>),
    /// A local that is not bound.
    Unbound,
}

impl<O: Clone> Clone for Value<O> {
    fn clone(&self) -> Self {
        match self {
            Value::Object(o, s) => Value::Object(o.clone(), *s),
            Value::Array(a) => Value::Array(a.clone()),
            Value::Flat(a) => Value::Flat(a.clone()),
            Value::Scalar(n, f) => Value::Scalar(*n, *f),
            Value::Size(d) => Value::Size(d.clone()),
            Value::Tuple(v, s) => Value::Tuple(v.clone(), *s),
            Value::List(v) => Value::List(v.clone()),
            Value::Dict(v) => Value::Dict(v.clone()),
            Value::Set(v) => Value::Set(v.clone()),
            Value::DictView(d, v) => Value::DictView(d.clone(), *v),
            Value::Instance(v) => Value::Instance(v.clone()),
            Value::Slice(v) => Value::Slice(v.clone()),
            Value::Closure(v) => Value::Closure(v.clone()),
            Value::Method(v, n) => Value::Method(v.clone(), n.clone()),
            Value::Bound(f, s) => Value::Bound(f.clone(), s.clone()),
            Value::Partial(v) => Value::Partial(v.clone()),
            Value::Iterator(v) => Value::Iterator(v.clone()),
            Value::Text(v) => Value::Text(v.clone()),
            Value::Super(c, s) => Value::Super(c.clone(), s.clone()),
            Value::Cell(c) => Value::Cell(c.clone()),
            Value::Unbound => Value::Unbound,
        }
    }
}

/// A list. A change of one that came from outside is repeated after the run.
#[derive(Debug)]
pub struct ListValue<O> {
    pub items: RefCell<Vec<Value<O>>>,
    pub born: u64,
    pub outside: Option<(O, Slot)>,
}

/// A dict, in insertion order; keys are known objects.
#[derive(Debug)]
pub struct DictValue<O> {
    pub entries: RefCell<Vec<(O, Value<O>)>>,
    pub born: u64,
    pub outside: Option<(O, Slot)>,
}

/// What `keys()`, `values()` and `items()` of a dict show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Keys,
    Values,
    Items,
}

/// A set of known objects: a Python set of the machine's own, so that order and methods are Python's.
#[derive(Debug)]
pub struct SetValue<O> {
    pub object: O,
    pub outside: Option<(O, Slot)>,
}

/// An instance of a Python class that exists in the machine only, until it leaves the function.
#[derive(Debug)]
pub struct Instance<O> {
    pub class: O,
    /// `__dict__`, and the slots of classes that have them.
    pub attributes: Rc<DictValue<O>>,
    /// What it is besides an object: a tuple, list or dict; for an exception, the list of its arguments.
    pub content: Option<Value<O>>,
}

/// A function with its cells.
#[derive(Debug)]
pub struct Closure<O> {
    pub function: Arc<ast::Function>,
    pub globals: O,
    pub defaults: Vec<Value<O>>,
    pub keyword_defaults: Vec<(String, Value<O>)>,
    pub cells: Vec<Cell<O>>,
    /// `__dict__`, `__name__` and the like, where they were assigned to.
    pub attributes: Rc<DictValue<O>>,
}

/// A variable shared between a function and those nested in it.
pub type Cell<O> = Rc<RefCell<Value<O>>>;

/// `functools.partial` made of machine values.
#[derive(Debug)]
pub struct Partial<O> {
    pub callee: Value<O>,
    pub args: Vec<Value<O>>,
    pub keywords: Vec<(String, Value<O>)>,
}

/// An iterator in progress.
#[derive(Debug)]
pub enum Iterator<O> {
    /// What is left, reversed: the next is the last.
    Items(Vec<Value<O>>),
    /// Like `Items`, but over a list that may grow meanwhile.
    List(Rc<ListValue<O>>, usize),
    /// The rows of an array; how many there are is looked at only when they are asked for.
    Rows(Box<Value<O>>),
    /// The rows from one on: each is read when it is asked for, since the array may be written meanwhile.
    RowsFrom {
        array: Box<Value<O>>,
        next: i64,
        count: i64,
    },
    /// `range` whose bounds are known.
    Range {
        next: i64,
        stop: i64,
        step: i64,
    },
    /// `range` of computed start, stop and step. Such a range is only run through as a whole.
    Span(Box<[Value<O>; 3]>),
    Zip(Vec<Rc<RefCell<Iterator<O>>>>),
    Enumerate(Rc<RefCell<Iterator<O>>>, i64),
    /// A function, and the rows of its arguments.
    Map(Box<Value<O>>, Rc<RefCell<Iterator<O>>>),
    /// A generator: its frame, suspended.
    Generator(Box<Frame<O>>),
    /// `iter(instance)`: an object with `__next__`.
    Object(Box<Value<O>>),
    /// Running, or gone.
    Finished,
}

/// A running function.
#[derive(Debug)]
pub struct Frame<O> {
    pub function: Arc<ast::Function>,
    /// Whether the code is lazy's own, which messages do not point into.
    pub own: bool,
    pub locals: HashMap<String, Value<O>>,
    pub cells: HashMap<String, Cell<O>>,
    pub globals: O,
    /// The exception being handled.
    pub caught: Option<Value<O>>,
    /// The block and the statement to go on with.
    pub at: (ast::BlockId, usize),
    /// Whether it is a generator that stands at a `yield`.
    pub suspended: bool,
    /// What a generator that stands at `yield from` asks for items, and what was sent to it.
    pub delegate: Option<Rc<RefCell<Iterator<O>>>>,
    pub sent: Option<crate::error::Result<Value<O>>>,
}

/// A part of a string.
#[derive(Debug, Clone)]
pub enum Piece<O> {
    Known(String),
    /// A replacement field: value, conversion, format specification.
    Field(Value<O>, String, String),
}

/// An array: a buffer and how this view looks at it.
#[derive(Clone, Debug)]
pub struct ArrayRef {
    pub buffer: Rc<Buffer>,
    /// Shape operations from the buffer to this view, outermost last.
    pub views: Rc<Vec<Look>>,
    /// The node of this view, and the version of the buffer it was made for.
    cached: Rc<std::cell::Cell<(NodeId, u64)>>,
    /// Whether `setflags` made it read-only.
    locked: Rc<std::cell::Cell<bool>>,
}

/// What a result may share with its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    Nothing,
    /// The memory, where only changes of shape and slices lie between.
    Views,
    /// And where it was read at a number or a slice that is computed.
    Items,
    /// The same, of what must not be written to.
    ReadOnly,
    /// As `Views`; it is the operand itself where nothing lies between.
    Itself,
}

/// How a view looks at what is under it: an operation, and its operands beside the array.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    pub op: Op,
    pub indices: Vec<NodeId>,
}

impl Look {
    /// Whether it is the real or the imaginary part of what is under it.
    pub fn is_part(&self) -> bool {
        matches!(self.op, Op::Elementwise(_))
    }

    /// An operation without operands beside the array.
    pub fn plain(op: Op) -> Look {
        Look {
            op,
            indices: vec![],
        }
    }

    /// Whether it looks at positions that are computed.
    pub fn is_computed(&self) -> bool {
        !self.indices.is_empty()
    }
}

/// Memory, as the sequence of its versions.
#[derive(Debug)]
pub struct Buffer {
    /// The node that holds the newest version, and its number: 0 for the first, unique for others.
    pub version: std::cell::Cell<(NodeId, u64)>,
    /// When it was made: see [`birth`].
    pub born: u64,
    /// Why it must not be written to, if it may be other memory than it seems.
    pub uncertain: Option<&'static str>,
    /// The graph input whose memory this is.
    pub input: Option<usize>,
    /// Where the object came from, so that it can be returned as itself.
    pub slot: Option<Slot>,
    /// The node of its first version: how NumPy laid it out.
    pub made: NodeId,
    /// What is not known of the reshapes between it and its views.
    pub question: std::cell::Cell<Question>,
    /// Buffers that lie within this one, and are not views of it here.
    pub parts: RefCell<Vec<Weak<Buffer>>>,
    /// Where the array that this lies within came from.
    pub within: Option<Slot>,
}

impl Buffer {
    /// New memory.
    pub fn fresh(node: NodeId) -> Buffer {
        Buffer {
            version: std::cell::Cell::new((node, 0)),
            born: birth(),
            uncertain: None,
            input: None,
            slot: None,
            made: node,
            question: std::cell::Cell::new(Question::None),
            parts: RefCell::default(),
            within: None,
        }
    }
}

/// What must be asked before a buffer is written: whether reshapes of it are views.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    None,
    /// They are, if it lies in C order.
    Order,
    /// It depends on more than that.
    Open,
}

impl ArrayRef {
    /// A fresh array.
    pub fn fresh(node: NodeId) -> ArrayRef {
        ArrayRef::of(Buffer::fresh(node))
    }

    /// The whole of a buffer.
    pub fn of(buffer: Buffer) -> ArrayRef {
        let cached = Rc::new(buffer.version.clone());
        ArrayRef {
            buffer: Rc::new(buffer),
            views: Rc::new(Vec::new()),
            cached,
            locked: Rc::default(),
        }
    }

    /// An array that may lie within this one, as no view that can be told: while both are there, neither is
    /// written to.
    pub fn within(&self, node: NodeId, why: &'static str) -> ArrayRef {
        let part = ArrayRef::of(Buffer {
            uncertain: Some(why),
            within: self.buffer.slot.or(self.buffer.within),
            ..Buffer::fresh(node)
        });
        let parts = &self.buffer.parts;
        parts.borrow_mut().push(Rc::downgrade(&part.buffer));
        part
    }

    /// Whether two are one object.
    pub fn is_same(&self, other: &ArrayRef) -> bool {
        Rc::ptr_eq(&self.buffer, &other.buffer) && self.views == other.views
    }

    /// The whole of this view's buffer.
    pub fn whole(&self) -> ArrayRef {
        ArrayRef {
            buffer: self.buffer.clone(),
            views: Rc::new(Vec::new()),
            cached: Rc::new(self.buffer.version.clone()),
            locked: self.locked.clone(),
        }
    }

    /// A view of this view.
    pub fn view(&self, ops: &[Look], node: NodeId) -> ArrayRef {
        let mut views = (*self.views).clone();
        views.extend_from_slice(ops);
        let version = self.buffer.version.get().1;
        ArrayRef {
            buffer: self.buffer.clone(),
            views: Rc::new(views),
            cached: Rc::new(std::cell::Cell::new((node, version))),
            locked: Rc::new(std::cell::Cell::new(self.locked.get())),
        }
    }

    pub fn is_locked(&self) -> bool {
        self.locked.get()
    }

    pub fn lock(&self, locked: bool) {
        self.locked.set(locked);
    }

    /// The node of this view, if the buffer was not written since it was made.
    pub fn current(&self) -> Option<NodeId> {
        let (node, version) = self.cached.get();
        (version == self.buffer.version.get().1).then_some(node)
    }

    /// Remembers the node of this view for the buffer's newest version.
    pub fn set_current(&self, node: NodeId) {
        self.cached.set((node, self.buffer.version.get().1));
    }
}
