//! The third front end: arrays that record what is done to them.
//!
//! In: NumPy functions, methods and operators applied to [`Array`]s. Out: nodes of a graph, through
//! the same [`numpy::call`] that lifting uses; on `compute`, ndarrays.
//!
//! ```text
//! x = lazy.array(np.ones((2, 3)));  y = np.exp(x).sum(axis=0)
//! y.compute()        the nodes that y needs, evaluated together
//! ```
//!
//! Arrays that meet share one append-only [`Recording`]; when two recordings meet, the smaller moves
//! into the larger, so that each node moves O(log n) times. An array holds a [`Slot`], through which
//! the recording finds the nodes that are still wanted: the others are dropped from time to time.
//! The lock of a recording is only held over Rust code that calls no Python, so it cannot deadlock
//! with the GIL.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lazy_core::emit::{Captured, Signature, Tree};
use lazy_core::error::Error;
use lazy_core::eval::value::{Value, View};
use lazy_core::eval::{Callbacks, Executable, Outputs};
use lazy_core::graph::{Aval, Builder, DType, Dim, Graph, NodeId};
use lazy_core::lift::numpy::{self, Arg, Form, Keywords, Symbolic};
use lazy_core::ops::{Constant, Op};
use lazy_transforms::fuse::fuse;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::convert::{self, Number};
use crate::exceptions::Raise;
use crate::ndarray;

/// Recordings are compacted when they have doubled beyond this many nodes.
const COMPACT_FROM: usize = 1 << 15;

/// The graph that a family of arrays is recorded in.
#[derive(Default)]
pub(crate) struct Recording {
    pub(crate) builder: Builder,
    /// Where the values of input nodes are. An input without one is a variable.
    sources: HashMap<NodeId, Source>,
    /// Results of earlier runs.
    computed: HashMap<NodeId, Arc<Value>>,
    slots: Vec<Arc<Slot>>,
    /// What was already recorded under `shared_intermediates`.
    shared: HashMap<String, Arg>,
    /// Size after the last compaction.
    settled: usize,
}

#[derive(Clone)]
enum Source {
    Owned(Arc<Value>),
    Borrowed(Arc<Py<PyAny>>),
}

pub(crate) type Shared = Arc<Mutex<Recording>>;

/// Where an array is: which recording, which node.
pub(crate) struct Slot {
    pub(crate) place: Mutex<(Shared, NodeId)>,
    form: Form,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while recording leaves at worst nodes that nobody uses.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An array that is not computed yet.
#[pyclass(frozen, module = "lazy", name = "Array", weakref)]
pub struct Array {
    pub(crate) slot: Arc<Slot>,
    pub(crate) aval: Aval,
}

/// What a recorded function is applied to, apart from plain Python arguments.
enum Operand<'py> {
    Recorded(Arc<Slot>),
    Array(Bound<'py, PyAny>),
    Number(Number),
}

impl Recording {
    fn input(&mut self, name: &str, dtype: DType, shape: &[usize]) -> NodeId {
        let shape = shape.iter().map(|&n| Dim::from(n));
        self.builder.input(name, Aval::new(dtype, shape))
    }

    fn owned(&mut self, value: Value) -> NodeId {
        let node = self.input("", value.dtype, &value.shape);
        self.sources.insert(node, Source::Owned(Arc::new(value)));
        node
    }

    fn number(&mut self, number: &Number) -> NodeId {
        let value = convert::owned(&number.view());
        let constant = match value.dtype {
            DType::F64 => Constant::Float(value.as_slice::<f64>()[0]),
            DType::F32 => Constant::Float(f64::from(value.as_slice::<f32>()[0])),
            DType::I64 => Constant::Int(value.as_slice::<i64>()[0]),
            DType::Bool => Constant::Bool(value.as_slice::<bool>()[0]),
            DType::I8
            | DType::I16
            | DType::I32
            | DType::U8
            | DType::U16
            | DType::U32
            | DType::U64
            | DType::C64
            | DType::C128 => Constant::Array(Arc::new(value)),
        };
        let aval = Aval {
            dtype: number.dtype,
            weak: number.weak,
            shape: Default::default(),
        };
        self.builder.constant(constant, aval)
    }

    /// The value of a node that is computed or given, if it is ours.
    fn value(&self, node: NodeId) -> Option<Source> {
        let computed = self.computed.get(&node).cloned().map(Source::Owned);
        computed.or_else(|| self.sources.get(&node).cloned())
    }

    /// The value of a node, unless another result of it is still to be computed: that needs the whole.
    fn reusable(&self, node: NodeId) -> Option<Source> {
        let graph = self.builder.graph();
        let is_part = |id: &NodeId| matches!(graph.op(*id), Op::Part(_));
        let complete = graph
            .users(node)
            .filter(is_part)
            .all(|part| self.computed.contains_key(&part));
        complete.then(|| self.value(node)).flatten()
    }

    /// Moves everything that is still wanted into `other`.
    fn move_into(&mut self, other: &mut Recording, home: &Shared) {
        let from = std::mem::take(self);
        let graph = from.builder.graph().clone();
        let moved = copy_live(&from, &graph, &mut other.builder);
        other.adopt(from, &moved, home);
    }

    /// Takes over sources, results and slots of a recording whose nodes were copied here.
    fn adopt(&mut self, from: Recording, moved: &HashMap<NodeId, NodeId>, home: &Shared) {
        let at = |node: &NodeId| moved.get(node).copied();
        for (node, source) in from.sources {
            if let Some(node) = at(&node) {
                self.sources.insert(node, source);
            }
        }
        for (node, value) in from.computed {
            if let Some(node) = at(&node) {
                self.computed.insert(node, value);
            }
        }
        for slot in from.slots {
            let mut place = lock(&slot.place);
            if let Some(node) = at(&place.1) {
                *place = (Arc::clone(home), node);
                drop(place);
                self.slots.push(slot);
            }
        }
    }

    /// Drops the nodes that no array needs any more, if there may be many.
    fn compact(&mut self, home: &Shared) {
        let size = self.builder.graph().len();
        if size < COMPACT_FROM || size < 2 * self.settled {
            return;
        }
        let mut fresh = Recording::default();
        self.move_into(&mut fresh, home);
        fresh.settled = fresh.builder.graph().len();
        *self = fresh;
    }
}

/// Copies the nodes that live arrays need.
fn copy_live(from: &Recording, graph: &Graph, to: &mut Builder) -> HashMap<NodeId, NodeId> {
    let roots = from
        .slots
        .iter()
        .filter(|slot| Arc::strong_count(slot) > 1)
        .map(|slot| lock(&slot.place).1);
    let mut moved = HashMap::new();
    for id in needed(graph, roots, &|_| false) {
        let operands: Vec<NodeId> = graph.operands(id).iter().map(|o| moved[o]).collect();
        moved.insert(id, to.copy(graph, id, &operands));
    }
    moved
}

/// The nodes that `roots` need, in order; nothing below those where `stop` holds.
pub(crate) fn needed(
    graph: &Graph,
    roots: impl IntoIterator<Item = NodeId>,
    stop: &dyn Fn(NodeId) -> bool,
) -> Vec<NodeId> {
    let mut wanted = vec![false; graph.len()];
    for root in roots {
        wanted[root.index()] = true;
    }
    for id in graph.nodes().rev() {
        if wanted[id.index()] && !stop(id) {
            for operand in graph.operands(id) {
                wanted[operand.index()] = true;
            }
        }
    }
    graph.nodes().filter(|id| wanted[id.index()]).collect()
}

/// The recording where all operands are, after bringing them together.
fn meet(operands: &[Operand<'_>]) -> Shared {
    let mut home: Option<Shared> = None;
    for operand in operands {
        let Operand::Recorded(slot) = operand else {
            continue;
        };
        let there = Arc::clone(&lock(&slot.place).0);
        home = Some(match home {
            None => there,
            Some(here) if Arc::ptr_eq(&here, &there) => here,
            Some(here) => merge(here, there),
        });
    }
    home.unwrap_or_default()
}

fn merge(a: Shared, b: Shared) -> Shared {
    let size = |r: &Shared| lock(r).builder.graph().len();
    let (small, large) = if size(&a) < size(&b) { (a, b) } else { (b, a) };
    // The GIL is held and no Python runs between these locks, so no other thread takes them in turn.
    let mut source = lock(&small);
    source.move_into(&mut lock(&large), &large);
    drop(source);
    large
}

/// A new array for a node of `home`.
fn array(home: &Shared, recording: &mut Recording, symbolic: Symbolic) -> Array {
    let aval = recording.builder.aval(symbolic.node).clone();
    let slot = Arc::new(Slot {
        place: Mutex::new((Arc::clone(home), symbolic.node)),
        form: symbolic.form,
    });
    recording.slots.push(Arc::clone(&slot));
    Array { slot, aval }
}

/// Replaces the operands' numbers in an argument by the nodes they became.
fn place(arg: &mut Arg, nodes: &[Symbolic]) {
    match arg {
        Arg::Array(symbolic) => *symbolic = nodes[symbolic.node.index()],
        Arg::Tuple(parts) | Arg::List(parts) => parts.iter_mut().for_each(|p| place(p, nodes)),
        Arg::Slice(parts) => parts.iter_mut().for_each(|p| place(p, nodes)),
        Arg::None
        | Arg::Bool(_)
        | Arg::Int(_)
        | Arg::Float(_)
        | Arg::Complex(_)
        | Arg::Str(_)
        | Arg::Ellipsis
        | Arg::Dim(_)
        | Arg::DType(_)
        | Arg::Other(_)
        | Arg::Either(_) => {}
    }
}

/// Collects what arguments refer to; in the `Arg`s, an array is the operand's number.
struct Collector<'py> {
    operands: Vec<Operand<'py>>,
}

impl<'py> Collector<'py> {
    fn see(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Option<Arg>> {
        let api = ndarray::api(object.py())?;
        let (operand, form) = if let Ok(array) = object.cast_exact::<Array>() {
            let slot = Arc::clone(&array.get().slot);
            let form = slot.form;
            (Operand::Recorded(slot), form)
        } else if api.is_array(object) {
            if convert::view(api, object).is_none() {
                return Ok(None);
            }
            (Operand::Array(object.clone()), Form::Array)
        } else if api.is_scalar(object) {
            match convert::number(api, object) {
                Some(number) => (Operand::Number(number), Form::Scalar),
                None => return Ok(None),
            }
        } else {
            return Ok(None);
        };
        self.operands.push(operand);
        let node = NodeId::new(self.operands.len() - 1);
        Ok(Some(Arg::Array(Symbolic { node, form })))
    }
}

/// Records `name(*args, **keywords)`. `None` if the function is not one we know.
fn record<'py>(
    py: Python<'py>,
    name: &str,
    args: &[Bound<'py, PyAny>],
    keywords: Option<&Bound<'py, PyDict>>,
    share: bool,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let mut collector = Collector {
        operands: Vec::with_capacity(args.len()),
    };
    let mut lifted = Vec::with_capacity(args.len());
    for object in args {
        lifted.push(convert::arg(object, &mut |o| collector.see(o))?);
    }
    let mut named = Keywords::new();
    for (key, object) in keywords.into_iter().flatten() {
        let key: String = key.extract()?;
        let arg = convert::keyword(&key, &object, &mut |o| collector.see(o))?;
        named.push((key, arg));
    }
    let api = ndarray::api(py)?;
    let home = meet(&collector.operands);
    let result = convert::guarded(|| {
        let mut recording = lock(&home);
        recording.compact(&home);
        let nodes: Vec<Symbolic> = collector
            .operands
            .iter()
            .map(|operand| operand_node(api, &mut recording, operand))
            .collect();
        lifted.iter_mut().for_each(|arg| place(arg, &nodes));
        named.iter_mut().for_each(|(_, arg)| place(arg, &nodes));
        Ok(apply(&mut recording, name, &lifted, &named, share)
            .map(|out| out.map(|(arg, forced)| (results(&home, &mut recording, arg), forced))))
    })?;
    match result {
        Ok(Some((mut out, forced))) => {
            if forced {
                settle(py, &mut out)?;
            }
            out.into_python(py).map(Some)
        }
        Ok(None) => Ok(None),
        Err(error) if is_unknown(&error) => Ok(None),
        Err(error) => Err(error).raise(py),
    }
}

/// Whether NumPy may still know how to do it.
fn is_unknown(error: &Error) -> bool {
    use lazy_core::error::ErrorKind;
    matches!(
        error.kind,
        ErrorKind::Unlifted { .. } | ErrorKind::UnknownCall { .. } | ErrorKind::NeedsValue { .. }
    )
}

fn operand_node(api: &ndarray::Api, recording: &mut Recording, operand: &Operand<'_>) -> Symbolic {
    match operand {
        Operand::Recorded(slot) => Symbolic {
            node: lock(&slot.place).1,
            form: slot.form,
        },
        Operand::Array(object) => {
            // The collector checked that it converts.
            let value =
                convert::value(api, object).unwrap_or_else(|| Value::zeros(DType::F64, &[0]));
            Symbolic {
                node: recording.owned(value),
                form: Form::Array,
            }
        }
        Operand::Number(number) => Symbolic {
            node: recording.number(number),
            form: Form::Scalar,
        },
    }
}

/// Applies the function in the recording. The flag says that the result's shape depends on values.
fn apply(
    recording: &mut Recording,
    name: &str,
    args: &[Arg],
    keywords: &Keywords,
    share: bool,
) -> lazy_core::error::Result<Option<(Arg, bool)>> {
    let key = share.then(|| format!("{name} {args:?} {keywords:?}"));
    if let Some(found) = key.as_ref().and_then(|key| recording.shared.get(key)) {
        return Ok(Some((found.clone(), false)));
    }
    let symbols = recording.builder.graph().symbols().len();
    let Some(out) = numpy::call(&mut recording.builder, name, args, keywords)? else {
        return Ok(None);
    };
    // A recording has no values yet.
    let out = out.decided(false, &mut |_| {
        Err(Error::unlifted(name, "its result depends on values"))
    })?;
    let forced = recording.builder.graph().symbols().len() > symbols;
    if let Some(key) = key
        && !forced
    {
        recording.shared.insert(key, out.clone());
    }
    Ok(Some((out, forced)))
}

/// A result with its arrays given slots, ready to become Python objects once the lock is free.
enum Recorded {
    Array(Array),
    Tuple(Vec<Recorded>),
    List(Vec<Recorded>),
    Plain(Arg),
}

fn results(home: &Shared, recording: &mut Recording, arg: Arg) -> Recorded {
    match arg {
        Arg::Array(symbolic) => Recorded::Array(array(home, recording, symbolic)),
        Arg::Tuple(parts) => Recorded::Tuple(
            parts
                .into_iter()
                .map(|part| results(home, recording, part))
                .collect(),
        ),
        Arg::List(parts) => Recorded::List(
            parts
                .into_iter()
                .map(|part| results(home, recording, part))
                .collect(),
        ),
        plain => Recorded::Plain(plain),
    }
}

impl Recorded {
    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(match self {
            Recorded::Array(array) => Bound::new(py, array)?.into_any(),
            Recorded::Tuple(parts) => {
                let parts = parts.into_iter().map(|part| part.into_python(py));
                PyTuple::new(py, parts.collect::<PyResult<Vec<_>>>()?)?.into_any()
            }
            Recorded::List(parts) => {
                let parts = parts.into_iter().map(|part| part.into_python(py));
                PyList::new(py, parts.collect::<PyResult<Vec<_>>>()?)?.into_any()
            }
            Recorded::Plain(arg) => plain(py, arg)?,
        })
    }

    fn arrays<'a>(&'a mut self, out: &mut Vec<&'a mut Array>) {
        match self {
            Recorded::Array(array) => out.push(array),
            Recorded::Tuple(parts) | Recorded::List(parts) => {
                parts.iter_mut().for_each(|part| part.arrays(out));
            }
            Recorded::Plain(_) => {}
        }
    }
}

/// A result that is no array.
fn plain(py: Python<'_>, arg: Arg) -> PyResult<Bound<'_, PyAny>> {
    Ok(match arg {
        Arg::None => py.None().into_bound(py),
        Arg::Bool(x) => x.into_pyobject(py)?.to_owned().into_any(),
        Arg::Int(x) => x.into_pyobject(py)?.into_any(),
        Arg::Float(x) => x.into_pyobject(py)?.into_any(),
        Arg::Complex(x) => pyo3::types::PyComplex::from_doubles(py, x.re, x.im).into_any(),
        Arg::Str(x) => x.into_pyobject(py)?.into_any(),
        Arg::Ellipsis => pyo3::types::PyEllipsis::get(py).to_owned().into_any(),
        Arg::Dim(dim) => match dim.as_known() {
            Some(n) => n.into_pyobject(py)?.into_any(),
            None => {
                return Err(PyTypeError::new_err(
                    "bug in lazy: a recorded size that is not known",
                ));
            }
        },
        Arg::DType(dtype) => ndarray::api(py)?.descr(py, dtype),
        Arg::Slice(parts) => {
            let [start, stop, step] = *parts;
            py.get_type::<pyo3::types::PySlice>().call1((
                plain(py, start)?,
                plain(py, stop)?,
                plain(py, step)?,
            ))?
        }
        Arg::Array(_) | Arg::Tuple(_) | Arg::List(_) | Arg::Other(_) | Arg::Either(_) => {
            return Err(PyTypeError::new_err(
                "bug in lazy: a result that is not a value",
            ));
        }
    })
}

/// Computes arrays whose shapes depend on values: from here on they are inputs of known shape.
fn settle(py: Python<'_>, out: &mut Recorded) -> PyResult<()> {
    let mut arrays = Vec::new();
    out.arrays(&mut arrays);
    let slots: Vec<Arc<Slot>> = arrays.iter().map(|a| Arc::clone(&a.slot)).collect();
    evaluate(py, &slots)?;
    for array in arrays {
        let (home, node) = lock(&array.slot.place).clone();
        let mut recording = lock(&home);
        if let Some(value) = recording.computed.get(&node).cloned() {
            let node = recording.input("", value.dtype, &value.shape);
            array.aval = recording.builder.aval(node).clone();
            recording.sources.insert(node, Source::Owned(value));
            drop(recording);
            lock(&array.slot.place).1 = node;
        }
    }
    Ok(())
}

/// A graph cut out of a recording, with what to run it on.
struct Program {
    graph: Graph,
    sources: Vec<Source>,
}

/// The program that computes `roots`, from what is already computed.
fn program(recording: &Recording, roots: &[NodeId]) -> lazy_core::error::Result<Program> {
    let graph = recording.builder.graph();
    let mut builder = Builder::rebuild(graph);
    let mut sources = Vec::new();
    let mut moved: HashMap<NodeId, NodeId> = HashMap::new();
    let known = |id: NodeId| recording.reusable(id).is_some();
    for id in needed(graph, roots.iter().copied(), &known) {
        let new = match recording.reusable(id) {
            Some(source) => {
                sources.push(source);
                builder.input("", graph.aval(id).clone())
            }
            None if matches!(graph.op(id), Op::Input) => {
                let name = graph.node(id).name.as_deref().unwrap_or("a variable");
                return Err(Error::value(format!(
                    "{name} has no value: make a function with lazy.Function(inputs=[...], outputs=[...]) and call it"
                )));
            }
            None => {
                let operands: Vec<NodeId> = graph.operands(id).iter().map(|o| moved[o]).collect();
                builder.copy(graph, id, &operands)
            }
        };
        moved.insert(id, new);
    }
    let outputs = roots.iter().map(|root| moved[root]).collect();
    Ok(Program {
        graph: builder.finish(outputs),
        sources,
    })
}

/// Results as owned values.
#[derive(Default)]
struct Values(Vec<Option<Value>>);

impl Outputs for Values {
    fn allocate(
        &mut self,
        index: usize,
        dtype: DType,
        shape: &[usize],
    ) -> lazy_core::error::Result<*mut u8> {
        if self.0.len() <= index {
            self.0.resize(index + 1, None);
        }
        Ok(self.0[index]
            .insert(Value::zeros(dtype, shape))
            .as_mut_ptr())
    }
}

/// Recorded arrays have no draws; long runs give way to other threads.
struct Host<'py>(Python<'py>);

impl Callbacks for Host<'_> {
    fn detached(&mut self, work: &mut (dyn FnMut() + Send)) {
        self.0.detach(work);
    }
}

/// Computes what the slots hold, together, and keeps the results in their recordings.
pub(crate) fn evaluate(py: Python<'_>, slots: &[Arc<Slot>]) -> PyResult<()> {
    let operands: Vec<Operand<'_>> = slots
        .iter()
        .map(|slot| Operand::Recorded(Arc::clone(slot)))
        .collect();
    let home = meet(&operands);
    // Which slots have work to do, and which output each of them is.
    let mut waiting: Vec<(&Arc<Slot>, usize)> = Vec::new();
    let prepared = convert::guarded(|| {
        let recording = lock(&home);
        let mut roots: Vec<NodeId> = Vec::new();
        for slot in slots {
            let node = lock(&slot.place).1;
            if recording.value(node).is_some() {
                continue;
            }
            let known = roots.iter().position(|&root| root == node);
            waiting.push((slot, known.unwrap_or(roots.len())));
            if known.is_none() {
                roots.push(node);
            }
        }
        Ok(program(&recording, &roots))
    })?;
    if waiting.is_empty() {
        return Ok(());
    }
    let program = prepared.raise(py)?;
    let values = convert::guarded(|| run(py, &program))?;
    let values: Vec<Option<Arc<Value>>> = values.0.into_iter().map(|v| v.map(Arc::new)).collect();
    for (slot, k) in waiting {
        // The slot says where its node is now: other threads may have recorded meanwhile.
        let (home, node) = lock(&slot.place).clone();
        if let Some(Some(value)) = values.get(k) {
            lock(&home).computed.insert(node, Arc::clone(value));
        }
    }
    Ok(())
}

fn run(py: Python<'_>, program: &Program) -> PyResult<Values> {
    let api = ndarray::api(py)?;
    let borrowed: Vec<Option<Bound<'_, PyAny>>> = program
        .sources
        .iter()
        .map(|source| match source {
            Source::Owned(_) => None,
            Source::Borrowed(object) => Some(object.bind(py).clone()),
        })
        .collect();
    let mut views: Vec<View<'_>> = Vec::with_capacity(program.sources.len());
    for (source, object) in program.sources.iter().zip(&borrowed) {
        views.push(match (source, object) {
            (Source::Owned(value), _) => value.view(),
            (Source::Borrowed(_), Some(object)) => convert::view(api, object)
                .ok_or_else(|| PyTypeError::new_err("bug in lazy: an input changed its dtype"))?,
            (Source::Borrowed(_), None) => {
                return Err(PyTypeError::new_err("bug in lazy: an input is missing"));
            }
        });
    }
    let mut values = Values::default();
    let fused = fuse(&program.graph).raise(py)?;
    let executable = Executable::new(&fused).raise(py)?;
    executable
        .run(&views, &mut values, &mut Host(py))
        .raise(py)?;
    Ok(values)
}

/// The values of arrays, computed together: ndarrays, and NumPy scalars where NumPy gives those.
#[pyfunction]
pub fn compute_all<'py>(
    py: Python<'py>,
    arrays: Vec<Bound<'py, Array>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let slots: Vec<Arc<Slot>> = arrays.iter().map(|a| Arc::clone(&a.get().slot)).collect();
    evaluate(py, &slots)?;
    slots.iter().map(|slot| result(py, slot)).collect()
}

/// The computed value, as the caller's own copy.
pub(crate) fn result<'py>(py: Python<'py>, slot: &Slot) -> PyResult<Bound<'py, PyAny>> {
    let (home, node) = lock(&slot.place).clone();
    let source = lock(&home).value(node);
    match source {
        Some(Source::Owned(value)) => convert::object(py, &value, slot.form),
        Some(Source::Borrowed(object)) => Ok(object.bind(py).clone()),
        None => Err(PyValueError::new_err("bug in lazy: the value was not kept")),
    }
}

/// Records a call: the array or tuple it gives, or `NotImplemented` if lazy does not know the function.
#[pyfunction]
#[pyo3(name = "record", signature = (name, args, keywords=None, share=false))]
pub fn record_call<'py>(
    py: Python<'py>,
    name: &str,
    args: Vec<Bound<'py, PyAny>>,
    keywords: Option<&Bound<'py, PyDict>>,
    share: bool,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(match record(py, name, &args, keywords, share)? {
        Some(out) => out,
        None => py.NotImplemented().into_bound(py),
    })
}

/// Every name that `record` knows.
#[pyfunction]
pub fn names() -> Vec<&'static str> {
    numpy::names().collect()
}

/// An array with a value: a copy of the ndarray, or with `copy=False` the ndarray itself.
#[pyfunction]
#[pyo3(signature = (value, copy=true, name=""))]
pub fn wrap(value: &Bound<'_, PyAny>, copy: bool, name: &str) -> PyResult<Array> {
    let py = value.py();
    let api = ndarray::api(py)?;
    let Some(view) = convert::view(api, value) else {
        return Err(PyTypeError::new_err(format!(
            "lazy arrays hold booleans, integers, float32, float64 and complex numbers, not {}",
            value.getattr("dtype")?
        )));
    };
    let home = Shared::default();
    let mut recording = lock(&home);
    let node = recording.input(name, view.dtype, &view.shape);
    let source = if copy {
        Source::Owned(Arc::new(convert::owned(&view)))
    } else {
        Source::Borrowed(Arc::new(value.clone().unbind()))
    };
    recording.sources.insert(node, source);
    Ok(array(
        &home,
        &mut recording,
        Symbolic {
            node,
            form: Form::Array,
        },
    ))
}

/// An array without a value, to make functions of.
#[pyfunction]
#[pyo3(signature = (shape, dtype, name))]
pub fn variable(
    py: Python<'_>,
    shape: Vec<usize>,
    dtype: &Bound<'_, PyAny>,
    name: &str,
) -> PyResult<Array> {
    let api = ndarray::api(py)?;
    let descr = api.as_descr(dtype)?;
    let Some(dtype) = api.dtype(&descr) else {
        return Err(PyTypeError::new_err(format!("dtype {descr} is not lifted")));
    };
    let home = Shared::default();
    let mut recording = lock(&home);
    let node = recording.input(name, dtype, &shape);
    Ok(array(
        &home,
        &mut recording,
        Symbolic {
            node,
            form: Form::Array,
        },
    ))
}

/// A function of recorded arrays, ready to be emitted.
struct Extracted {
    graph: Graph,
    /// Values of the inputs behind those of the function: what the outputs need besides.
    constants: Vec<Source>,
}

/// NumPy source of the function of `inputs` that computes `outputs`, and the arrays it needs besides,
/// by name. What does not depend on the inputs is computed now.
#[pyfunction]
pub fn recorded_source<'py>(
    py: Python<'py>,
    inputs: Vec<Bound<'py, Array>>,
    outputs: Vec<Bound<'py, Array>>,
    name: &str,
    form: &str,
) -> PyResult<(String, Bound<'py, PyDict>)> {
    let all = inputs.iter().chain(&outputs);
    let operands: Vec<Operand<'_>> = all
        .map(|a| Operand::Recorded(Arc::clone(&a.get().slot)))
        .collect();
    let home = meet(&operands);
    let folded = fold(&home, &inputs, &outputs);
    evaluate(py, &folded)?;
    let extracted =
        convert::guarded(|| Ok(extract(&lock(&home), &inputs, &outputs, name)))?.raise(py)?;
    let signature = signature(&extracted, inputs.len(), form);
    let source =
        convert::guarded(|| Ok(lazy_core::emit::emit(&extracted.graph, &signature)))?.raise(py)?;
    let constants = PyDict::new(py);
    for (k, source) in extracted.constants.iter().enumerate() {
        let value = match source {
            Source::Owned(value) => convert::array(py, value)?,
            Source::Borrowed(object) => object.bind(py).clone(),
        };
        constants.set_item(constant_name(k), value)?;
    }
    Ok((source, constants))
}

fn constant_name(k: usize) -> String {
    format!("constant_{k}")
}

/// The signature of an extracted function: its own inputs are parameters, the others globals.
fn signature(extracted: &Extracted, parameters: usize, form: &str) -> Signature {
    let mut signature = Signature::of(&extracted.graph);
    signature.parameters.truncate(parameters);
    signature.captured = (0..extracted.constants.len())
        .map(|k| Captured {
            input: parameters + k,
            expr: global(&constant_name(k)),
        })
        .collect();
    let leaves = (0..extracted.graph.outputs().len()).map(Tree::Leaf);
    signature.result = match form {
        "list" => Tree::List(leaves.collect()),
        "tuple" => Tree::Tuple(leaves.collect()),
        _ => Tree::Leaf(0),
    };
    signature
}

fn global(name: &str) -> rustpython_ast::Expr {
    rustpython_ast::Expr::Name(rustpython_ast::ExprName {
        range: Default::default(),
        id: name.into(),
        ctx: rustpython_ast::ExprContext::Load,
    })
}

fn node_of(array: &Bound<'_, Array>) -> NodeId {
    lock(&array.get().slot.place).1
}

/// Which of the needed nodes depend on the inputs.
fn dependent(
    recording: &Recording,
    inputs: &[Bound<'_, Array>],
    outputs: &[Bound<'_, Array>],
) -> (Vec<NodeId>, Vec<bool>) {
    let graph = recording.builder.graph();
    let mut depends = vec![false; graph.len()];
    for input in inputs {
        depends[node_of(input).index()] = true;
    }
    let given = depends.clone();
    let order = needed(graph, outputs.iter().map(node_of), &|id| given[id.index()]);
    for &id in &order {
        depends[id.index()] |= graph.operands(id).iter().any(|o| depends[o.index()]);
    }
    (order, depends)
}

/// Slots for the nodes that do not depend on the inputs but are used by ones that do.
fn fold(
    home: &Shared,
    inputs: &[Bound<'_, Array>],
    outputs: &[Bound<'_, Array>],
) -> Vec<Arc<Slot>> {
    let mut recording = lock(home);
    let (order, depends) = dependent(&recording, inputs, outputs);
    let graph = recording.builder.graph();
    let is_variable =
        |id: NodeId| matches!(graph.op(id), Op::Input) && !recording.sources.contains_key(&id);
    // An unbound variable is reported by `extract`, with what to do.
    if order
        .iter()
        .any(|&id| is_variable(id) && !depends[id.index()])
    {
        return Vec::new();
    }
    let used = order
        .iter()
        .filter(|id| depends[id.index()])
        .flat_map(|&id| graph.operands(id))
        .chain(outputs.iter().map(node_of));
    let mut frontier: Vec<NodeId> = used
        .filter(|id| !depends[id.index()] && !matches!(graph.op(*id), Op::Constant(_)))
        .collect();
    frontier.sort_unstable();
    frontier.dedup();
    frontier
        .into_iter()
        .map(|node| {
            array(
                home,
                &mut recording,
                Symbolic {
                    node,
                    form: Form::Array,
                },
            )
            .slot
        })
        .collect()
}

fn extract(
    recording: &Recording,
    inputs: &[Bound<'_, Array>],
    outputs: &[Bound<'_, Array>],
    name: &str,
) -> lazy_core::error::Result<Extracted> {
    let graph = recording.builder.graph();
    let mut builder = Builder::new(name);
    let mut moved: HashMap<NodeId, NodeId> = HashMap::new();
    for (k, input) in inputs.iter().enumerate() {
        let node = node_of(input);
        let given = graph.node(node).name.as_deref().filter(|n| !n.is_empty());
        let name = given.map_or_else(|| format!("x{k}"), str::to_owned);
        let new = builder.input(&name, graph.aval(node).clone());
        if moved.insert(node, new).is_some() {
            return Err(Error::value("an array is given twice as an input"));
        }
    }
    let (_, depends) = dependent(recording, inputs, outputs);
    let mut constants = Vec::new();
    let given = moved.clone();
    let stop = |id: NodeId| {
        given.contains_key(&id) || (!depends[id.index()] && recording.reusable(id).is_some())
    };
    let cut = needed(graph, outputs.iter().map(node_of), &stop);
    for id in cut {
        if moved.contains_key(&id) {
            continue;
        }
        let aval = graph.aval(id).clone();
        let known = if depends[id.index()] {
            None
        } else {
            recording.reusable(id)
        };
        let new = match known {
            Some(source) => {
                constants.push(source);
                builder.input(&constant_name(constants.len() - 1), aval)
            }
            None if matches!(graph.op(id), Op::Input) => {
                let name = graph.node(id).name.as_deref().unwrap_or("a variable");
                return Err(Error::value(format!(
                    "the outputs depend on {name}, which is not among the inputs"
                )));
            }
            None => {
                let operands: Vec<NodeId> = graph.operands(id).iter().map(|o| moved[o]).collect();
                builder.copy(graph, id, &operands)
            }
        };
        moved.insert(id, new);
    }
    let outputs = outputs.iter().map(|o| moved[&node_of(o)]).collect();
    Ok(Extracted {
        graph: builder.finish(outputs),
        constants,
    })
}
