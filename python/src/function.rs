//! The callable that a transform returns: lifts on the first call, then checks guards and runs.
//!
//! In: a call. Out: what Python would have returned. One [`Entry`] per way the function was called
//! (types, ranks, settings); sizes do not matter. What cannot be lifted runs as plain Python under
//! `jit`, and is refused, with the user's line, by what changes the meaning.

use std::sync::{Arc, RwLock};

use lazy_core::ast::Front;
use lazy_core::error::{Error, ErrorKind, Result};
use lazy_core::eval::value::{Value, View};
use lazy_core::eval::{Callbacks, Executable};
use lazy_core::graph::{DType, Graph, NodeId, Symbol};
use lazy_core::lift::host::TransformedCall;
use lazy_core::lift::numpy::Form;
use lazy_core::lift::{Base, DrawSite, Effect, Lifted, Tree, Twins};
use lazy_core::ops::Op;
use lazy_transforms::simplify::{self, Truths};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use smallvec::SmallVec;

use crate::calls;
use crate::code;
use crate::convert::{self, Arrays, Number};
use crate::derive::{self, Derivation};
use crate::draws::{self, Streams};
use crate::exceptions;
use crate::guards::{Objects, Program};
use crate::host::{Cpython, Object};
use crate::ndarray::{self, Api};
use crate::result;
use crate::signature::{self, Target, target};

/// More ways of calling than this are forgotten, oldest first.
const MAX_ENTRIES: usize = 64;

/// What branches by values in more ways than this runs as plain Python from then on.
const MAX_PATHS: usize = 16;

/// Bound parameters of a call.
pub type Arguments<'py> = SmallVec<[Bound<'py, PyAny>; 8]>;

/// A transformed function.
#[pyclass(subclass, weakref, dict, module = "lazy._lazy")]
pub struct Dispatcher {
    /// A Python function, or another `Dispatcher`. `None` is what Python's collector of cycles sees while
    /// the object is made: the memory is zero then.
    function: Option<Py<PyAny>>,
    derivation: Derivation,
    /// The front that must read the function, for tests.
    front: Option<Front>,
    /// How many positional arguments bind without further ado.
    simple: Option<usize>,
    entries: RwLock<Vec<Arc<Entry>>>,
    /// Calls that run as plain Python, and why.
    plain: RwLock<Vec<(Vec<ArgumentKind>, Arc<Error>)>>,
}

/// What a decision to run plain Python depends on.
#[derive(Clone, Debug, PartialEq)]
enum ArgumentKind {
    Array(Option<DType>, usize),
    Other(usize),
}

/// One way of calling, ready to run.
pub struct Entry {
    program: Program,
    executable: Executable,
    /// The graph as lifted and transformed, before fusion: what is printed and emitted.
    pub lifted: Lifted<Object>,
    inputs: Vec<Expected>,
    forms: Vec<Form>,
    /// Whether it is for one path among several, by values.
    decides: bool,
}

/// What an input must be converted to.
#[derive(Debug)]
struct Expected {
    dtype: DType,
}

#[pymethods]
impl Dispatcher {
    #[new]
    #[pyo3(signature = (function, transform, options=None))]
    fn new(
        function: Bound<'_, PyAny>,
        transform: &Bound<'_, PyTuple>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Dispatcher> {
        let front = match options.map(|o| o.get_item("front")).transpose()?.flatten() {
            None => None,
            Some(name) => Some(code::front(&name.extract::<String>()?)?),
        };
        if !function.is_callable() {
            let name = function.get_type().name()?;
            return Err(PyTypeError::new_err(format!(
                "expected a function, got {name}"
            )));
        }
        Ok(Dispatcher {
            simple: signature::simple(&function),
            function: Some(function.unbind()),
            derivation: Derivation::read(transform)?,
            front,
            entries: RwLock::default(),
            plain: RwLock::default(),
        })
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        convert::guarded(|| slf.get_call(args, kwargs))
    }

    /// The function that was transformed.
    #[getter]
    fn function(&self, py: Python<'_>) -> Py<PyAny> {
        self.target(py).unbind()
    }

    /// The graph of a call, as text.
    #[pyo3(signature = (*args, **kwargs))]
    fn graph_for(
        slf: &Bound<'_, Self>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<String> {
        convert::guarded(|| Ok(slf.get_entry(args, kwargs)?.lifted.graph.to_string()))
    }

    /// The graph of a call at each stage, as text: as lifted, after the passes, with fusion groups.
    #[pyo3(signature = (*args, **kwargs))]
    fn stages_for<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        convert::guarded(|| {
            let py = slf.py();
            let this = slf.borrow();
            let arguments = this.bind_arguments(py, args, kwargs)?;
            let objects: Vec<Object> = arguments.iter().map(Object::new).collect();
            let truths = this.derivation.truths();
            let stages = || -> Result<[(&str, String); 3]> {
                let mut lifted = this.lift_chain(py, &objects, Twins::One)?;
                lifted.prune();
                let simplified = derive::completed(&lifted.graph, truths)?;
                let fused = derive::prepared(&simplified, truths)?;
                let text = [&lifted.graph, &simplified, &fused].map(ToString::to_string);
                let [graph, simplify, fuse] = text;
                Ok([("graph", graph), ("simplify", simplify), ("fuse", fuse)])
            };
            let out = PyDict::new(py);
            for (name, text) in stages().map_err(|e| exceptions::exception(py, &e))? {
                out.set_item(name, text)?;
            }
            Ok(out)
        })
    }

    /// Readable NumPy source of a call.
    #[pyo3(signature = (*args, **kwargs))]
    fn source_for(
        slf: &Bound<'_, Self>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<String> {
        convert::guarded(|| {
            let entry = slf.get_entry(args, kwargs)?;
            crate::source::source(slf.py(), &slf.get_name(), &entry.lifted)
                .map_err(|e| exceptions::exception(slf.py(), &e))
        })
    }

    /// The captured objects that the emitted source names.
    #[pyo3(signature = (*args, **kwargs))]
    fn captured_for<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let entry = slf.get_entry(args, kwargs)?;
        let arguments = if args.is_empty() && kwargs.is_none_or(|k| k.is_empty()) {
            Arguments::new()
        } else {
            slf.borrow().bind_arguments(slf.py(), args, kwargs)?
        };
        crate::source::captured(slf.py(), &entry.program, &entry.lifted, &arguments)
    }

    /// What lifting a call did: inputs, guards, functions entered, or why it runs as plain Python.
    #[pyo3(signature = (*args, **kwargs))]
    fn explain_for(
        slf: &Bound<'_, Self>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<String> {
        convert::guarded(|| {
            let py = slf.py();
            let this = slf.borrow();
            let arguments = this.bind_arguments(py, args, kwargs)?;
            Ok(match this.entry(py, ndarray::api(py)?, &arguments) {
                Ok(entry) => crate::source::explanation(py, &slf.get_name(), &entry.lifted),
                Err(error) if this.derivation.may_run_plain() => {
                    format!(
                        "{} runs as plain Python\n{}",
                        slf.get_name(),
                        error.render()
                    )
                }
                Err(error) => error.render(),
            })
        })
    }

    /// File, line, operation and name of what each output of a call's graph comes from.
    #[pyo3(signature = (*args, **kwargs))]
    fn places_for(
        slf: &Bound<'_, Self>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Vec<derive::Placed>> {
        convert::guarded(|| Ok(derive::places(&slf.get_entry(args, kwargs)?.lifted.graph)))
    }

    /// How many ways of calling were lifted so far.
    #[getter]
    fn lifts(&self) -> usize {
        self.entries.read().map_or(0, |entries| entries.len())
    }

    fn __traverse__(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        visit.call(&self.function)
    }
}

/// What needs the Python object rather than its content.
trait Callable<'py> {
    fn get_call(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>>;
    fn get_entry(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Arc<Entry>>;
    fn get_name(&self) -> String;
}

impl<'py> Callable<'py> for Bound<'py, Dispatcher> {
    fn get_call(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py();
        let api = ndarray::api(py)?;
        let this = self.borrow();
        let arguments = match this.bind_arguments(py, args, kwargs) {
            // Python's own exception, from the function itself.
            Err(_) if this.derivation.may_run_plain() => {
                return this.target(py).call(args, kwargs);
            }
            bound => bound?,
        };
        let plain = |error: &Error| -> PyResult<Bound<'py, PyAny>> {
            this.run_plain(py, args, kwargs, error)
        };
        match this.run_known(py, api, &arguments)? {
            Ran::Done(value) => return Ok(value),
            Ran::Failed(error) => return plain(&error),
            Ran::Stale => {}
        }
        let kinds: Vec<ArgumentKind> = arguments.iter().map(|o| kind(api, o)).collect();
        let known = this.plain.read().ok().and_then(|plain| {
            plain
                .iter()
                .find(|(k, _)| *k == kinds)
                .map(|(_, e)| e.clone())
        });
        if let Some(error) = known {
            return plain(&error);
        }
        match this.lift_path(py, &arguments) {
            Ok(entry) => match run(py, api, &entry, &arguments)? {
                Ran::Done(value) => Ok(value),
                Ran::Stale => match this.run_taken(py, api, &entry, &arguments)? {
                    Ran::Done(value) => Ok(value),
                    Ran::Stale => plain(&Error::unlifted(
                        "sizes that are found by values",
                        "they do not fit together on this call",
                    )),
                    Ran::Failed(error) => plain(&error),
                },
                Ran::Failed(error) => plain(&error),
            },
            Err(error) => {
                // An exception may be that of this call alone.
                if this.derivation.may_run_plain()
                    && !matches!(error.kind, ErrorKind::Raises { .. })
                    && let Ok(mut plain) = this.plain.write()
                {
                    plain.truncate(MAX_ENTRIES);
                    plain.insert(0, (kinds, Arc::new(*error.clone())));
                }
                plain(&error)
            }
        }
    }

    fn get_entry(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Arc<Entry>> {
        let py = self.py();
        let this = self.borrow();
        if args.is_empty() && kwargs.is_none_or(|k| k.is_empty()) {
            let last = this
                .entries
                .read()
                .ok()
                .and_then(|entries| entries.first().cloned());
            if let Some(entry) = last {
                return Ok(entry);
            }
        }
        let arguments = this.bind_arguments(py, args, kwargs)?;
        this.entry(py, ndarray::api(py)?, &arguments)
            .map_err(|e| exceptions::exception(py, &e))
    }

    fn get_name(&self) -> String {
        let mut at = self.clone().into_any();
        let mut prefix = String::new();
        while let Ok(dispatcher) = at.cast::<Dispatcher>() {
            let this = dispatcher.borrow();
            if !matches!(this.derivation, Derivation::Jit(_)) {
                prefix.push_str(this.derivation.name());
                prefix.push('_');
            }
            let inner = this.target(self.py());
            drop(this);
            at = inner;
        }
        let name = at.getattr("__name__").and_then(|n| n.extract::<String>());
        let name = name.unwrap_or_else(|_| "function".into());
        let name = if name == "<lambda>" {
            "function".to_string()
        } else {
            name
        };
        format!("{prefix}{name}")
    }
}

impl Dispatcher {
    /// The function inside.
    pub fn target<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        match &self.function {
            Some(function) => function.bind(py).clone(),
            None => py.None().into_bound(py),
        }
    }

    /// The parameters of the transformed function, bound as Python binds them.
    ///
    /// # Errors
    /// `TypeError`, worded as Python's.
    pub fn bind_arguments<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Arguments<'py>> {
        let (front, back) = self.derivation.extra();
        if front + back == 0 {
            return self.bind_inner(py, args, kwargs);
        }
        let count = args.len();
        if count < front + back {
            return Err(PyTypeError::new_err(format!(
                "{} takes {} more argument(s) than the function",
                self.derivation.name(),
                front + back
            )));
        }
        let inner = args.get_slice(front, count - back);
        let mut out: Arguments<'py> = args.iter().take(front).collect();
        out.extend(self.bind_inner(py, &inner, kwargs)?);
        out.extend(args.iter().skip(count - back));
        Ok(out)
    }

    fn bind_inner<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Arguments<'py>> {
        if kwargs.is_none() && self.simple == Some(args.len()) {
            return Ok(args.iter().collect());
        }
        let function = &self.target(py);
        match function.cast::<Dispatcher>() {
            Ok(inner) => inner.borrow().bind_arguments(py, args, kwargs),
            Err(_) => signature::bind(function, args, kwargs),
        }
    }

    /// Runs the first entry that fits.
    fn run_known<'py>(
        &self,
        py: Python<'py>,
        api: &'static Api,
        arguments: &[Bound<'py, PyAny>],
    ) -> PyResult<Ran<'py>> {
        let count = self.entries.read().map_or(0, |entries| entries.len());
        for position in 0..count {
            let entry = self
                .entries
                .read()
                .ok()
                .and_then(|e| e.get(position).cloned());
            let Some(entry) = entry else { break };
            match run(py, api, &entry, arguments)? {
                Ran::Done(value) => {
                    if position > 0
                        && let Ok(mut entries) = self.entries.write()
                        && position < entries.len()
                    {
                        let entry = entries.remove(position);
                        entries.insert(0, entry);
                    }
                    return Ok(Ran::Done(value));
                }
                // What fails on one path says nothing of a call that may be on another.
                Ran::Failed(error) if !entry.decides => return Ok(Ran::Failed(error)),
                Ran::Stale | Ran::Failed(_) => {}
            }
        }
        Ok(Ran::Stale)
    }

    /// The entry for a call: a known one whose guards hold, or a new one.
    fn entry<'py>(
        &self,
        py: Python<'py>,
        api: &'static Api,
        arguments: &[Bound<'py, PyAny>],
    ) -> Result<Arc<Entry>> {
        let entries = self.entries.read().map(|e| e.clone()).unwrap_or_default();
        for entry in entries {
            if entry.program.check(py, api, arguments).is_some() {
                return Ok(entry);
            }
        }
        self.lift(py, arguments)
    }

    /// Lifts a call that no entry fits, unless the function branches too often to have a graph for each path.
    fn lift_path<'py>(
        &self,
        py: Python<'py>,
        arguments: &[Bound<'py, PyAny>],
    ) -> Result<Arc<Entry>> {
        let paths = self
            .entries
            .read()
            .map_or(0, |entries| entries.iter().filter(|e| e.decides).count());
        if self.derivation.may_run_plain() && paths >= MAX_PATHS {
            let what = format!("{MAX_PATHS} paths through it were lifted, and this is another");
            return Err(Error::new(ErrorKind::TooLong { what }));
        }
        self.lift(py, arguments)
    }

    /// The derivative on the path that a call was just lifted along, though its decisions come out otherwise
    /// when they are computed with the rest: by its last digits, a search ends one step sooner.
    fn run_taken<'py>(
        &self,
        py: Python<'py>,
        api: &'static Api,
        entry: &Entry,
        arguments: &[Bound<'py, PyAny>],
    ) -> PyResult<Ran<'py>> {
        if self.derivation.may_run_plain() || !entry.decides || !entry.lifted.draws.is_empty() {
            return Ok(Ran::Stale);
        }
        let truths = self.derivation.truths();
        let made = simplify::taken(&entry.lifted.graph).and_then(|graph| {
            let mut lifted = entry.lifted.clone();
            lifted.graph = graph;
            Entry::new(py, lifted, truths)
        });
        match made {
            Ok(taken) => run(py, api, &taken, arguments),
            Err(error) => Ok(Ran::Failed(error)),
        }
    }

    /// Lifts a call and keeps the result.
    fn lift<'py>(&self, py: Python<'py>, arguments: &[Bound<'py, PyAny>]) -> Result<Arc<Entry>> {
        let objects: Vec<Object> = arguments.iter().map(Object::new).collect();
        let mut lifted = self.lift_chain(py, &objects, Twins::One)?;
        lifted.prune();
        let truths = self.derivation.truths();
        lifted.graph = derive::completed(&lifted.graph, truths)?;
        let entry = Arc::new(Entry::new(py, lifted, truths)?);
        if let Ok(mut entries) = self.entries.write() {
            entries.truncate(MAX_ENTRIES - 1);
            entries.insert(0, entry.clone());
        }
        Ok(entry)
    }

    /// The function inside lifted, then each transform applied.
    pub fn lift_chain(
        &self,
        py: Python<'_>,
        arguments: &[Object],
        twins: Twins,
    ) -> Result<Lifted<Object>> {
        let twins = match self.derivation {
            Derivation::Jit(_) => twins,
            _ => Twins::Apart,
        };
        let (front, back) = self.derivation.extra();
        let inner = &arguments[front..arguments.len() - back];
        let inner = &self.derivation.inner(py, inner)?[..];
        let function = &self.target(py);
        let lifted = match function.cast::<Dispatcher>() {
            Ok(dispatcher) => dispatcher.borrow().lift_chain(py, inner, twins)?,
            Err(_) => {
                let host =
                    Cpython::new(py, self.front).map_err(|e| crate::host::unexpected(py, &e))?;
                let Target {
                    function: plain,
                    callee,
                } = target(&host, function);
                let mut lifted =
                    lazy_core::lift::lift(&host, &plain, callee.as_ref(), inner, twins)?;
                lifted.receiver = function.hasattr("__func__").unwrap_or(false);
                lifted
            }
        };
        let own = arguments[..front]
            .iter()
            .chain(&arguments[arguments.len() - back..]);
        self.derivation.apply(py, lifted, own.into_iter().next())
    }

    /// What a call does that cannot be lifted: plain Python for `jit`; otherwise the exception, NumPy's
    /// own if the plain function raises too.
    fn run_plain<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
        error: &Error,
    ) -> PyResult<Bound<'py, PyAny>> {
        let function = &self.target(py);
        if self.derivation.may_run_plain() {
            return function.call(args, kwargs);
        }
        if matches!(error.kind, ErrorKind::Raises { .. }) && self.derivation.keeps_arguments() {
            function.call(args, kwargs)?;
        }
        Err(exceptions::exception(py, error))
    }
}

/// A call lifted and transformed for another lift to take over, with the object of each graph input.
///
/// # Errors
/// Those of the lift and of the transform.
pub fn lifted_for(
    dispatcher: &Bound<'_, Dispatcher>,
    arguments: &[Object],
) -> Result<TransformedCall<Object>> {
    let py = dispatcher.py();
    let unexpected = |e: PyErr| Error::type_error(e.value(py).to_string());
    let given = arguments.iter().map(|o| o.bind(py)).collect::<Vec<_>>();
    let given = PyTuple::new(py, given).map_err(unexpected)?;
    let this = dispatcher.borrow();
    let bound = this.bind_arguments(py, &given, None).map_err(unexpected)?;
    let bound_objects: Vec<Object> = bound.iter().map(Object::new).collect();
    let mut lifted = this.lift_chain(py, &bound_objects, Twins::One)?;
    lifted.prune();
    let program = Program::new(py, lifted.guards.clone(), vec![]);
    let mut found = program.objects(&bound);
    let mut objects = Vec::new();
    for input in &lifted.inputs {
        let object = program.object(py, &mut found, input.slot);
        let object = object.ok_or_else(|| Error::internal("an input of a lift is gone"))?;
        objects.push(Object::new(&object));
    }
    Ok(TransformedCall { lifted, objects })
}

fn kind(api: &Api, object: &Bound<'_, PyAny>) -> ArgumentKind {
    match api.fields(object) {
        Some(fields) => ArgumentKind::Array(fields.dtype(), fields.shape().len()),
        None => ArgumentKind::Other(object.get_type().as_ptr() as usize),
    }
}

impl Entry {
    fn new(py: Python<'_>, lifted: Lifted<Object>, truths: Truths) -> Result<Entry> {
        let executable = Executable::new(&derive::prepared(&lifted.graph, truths)?)?;
        let slots = lifted.inputs.iter().map(|i| i.slot).collect();
        let program = Program::new(py, lifted.guards.clone(), slots);
        let graph = &lifted.graph;
        let mut forms = vec![Form::Array; graph.outputs().len()];
        let mut note = |tree: &Tree<Object>| {
            tree.map(&mut |i, form| {
                forms[i] = form;
                Tree::Leaf(i, form)
            });
        };
        for Effect::Call(_, args, keywords) in &lifted.effects {
            args.iter().for_each(&mut note);
            keywords.iter().for_each(|(_, t)| note(t));
        }
        note(&lifted.result);
        let inputs = graph
            .inputs()
            .iter()
            .map(|id| Expected {
                dtype: graph.aval(*id).dtype,
            })
            .collect();
        Ok(Entry {
            program,
            executable,
            inputs,
            forms,
            decides: graph.effects().iter().any(|&id| is_decision(graph, id)),
            lifted,
        })
    }

    /// The generator of a draw, on this call.
    fn generator<'py>(
        &self,
        py: Python<'py>,
        found: &mut Objects<'py>,
        site: &DrawSite<Object>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match site.generator {
            None => Ok(py.import("numpy.random")?.into_any()),
            Some(slot) => self
                .program
                .object(py, found, slot)
                .ok_or_else(|| PyRuntimeError::new_err("bug in lazy: a generator is gone")),
        }
    }
}

fn is_decision(graph: &Graph, id: NodeId) -> bool {
    matches!(graph.op(id), Op::Decide { .. })
}

/// What became of running an entry.
enum Ran<'py> {
    Done(Bound<'py, PyAny>),
    /// The guards or the assumptions on sizes do not hold.
    Stale,
    Failed(Box<Error>),
}

fn run<'py>(
    py: Python<'py>,
    api: &'static Api,
    entry: &Entry,
    arguments: &[Bound<'py, PyAny>],
) -> PyResult<Ran<'py>> {
    let Some((objects, mut found)) = entry.program.check(py, api, arguments) else {
        return Ok(Ran::Stale);
    };
    let mut numbers: SmallVec<[Number; 4]> = SmallVec::new();
    for (object, expected) in objects.iter().zip(&entry.inputs) {
        if api.fields(object).is_none() {
            match convert::number(api, object).and_then(|n| n.cast(expected.dtype)) {
                Some(number) => numbers.push(number),
                None => return Ok(Ran::Stale),
            }
        }
    }
    let mut next = numbers.iter();
    let mut views: SmallVec<[View<'_>; 8]> = SmallVec::new();
    for (object, expected) in objects.iter().zip(&entry.inputs) {
        let view = match convert::view(api, object) {
            Some(view) => Some(view),
            None => next.next().map(Number::view),
        };
        match view {
            Some(view) if view.dtype == expected.dtype => views.push(view),
            _ => return Ok(Ran::Stale),
        }
    }
    if !entry.lifted.writes.is_empty() && !writable_apart(api, entry, &objects, &views) {
        return Ok(Ran::Failed(Error::unlifted(
            "writes to arguments that share memory",
            "only plain Python does what NumPy does then",
        )));
    }
    // On another path nothing is drawn after all.
    let mut streams = None;
    if entry.decides && !entry.lifted.draws.is_empty() {
        let mut generators = Vec::new();
        for site in &entry.lifted.draws {
            generators.push(entry.generator(py, &mut found, site)?);
        }
        streams = Some(Streams::of(generators)?);
    }
    let mut outputs = Arrays::new(py, &entry.forms)?;
    let mut caller = Caller {
        py,
        entry,
        found: &mut found,
    };
    if let Err(error) = entry.executable.run(&views, &mut outputs, &mut caller) {
        outputs.finish().map(drop).or_else(|e| {
            if e.is_instance_of::<pyo3::exceptions::PyMemoryError>(py) {
                Err(e)
            } else {
                Ok(())
            }
        })?;
        return Ok(match error.kind {
            ErrorKind::Assumption { .. } => {
                if let Some(streams) = streams {
                    streams.rewind()?;
                }
                Ran::Stale
            }
            // What was drawn cannot be drawn again: the exception is ours to raise.
            _ if !entry.lifted.draws.is_empty() => return Err(exceptions::exception(py, &error)),
            _ => Ran::Failed(error),
        });
    }
    let mut values = outputs.finish()?;
    let graph = &entry.lifted.graph;
    for view in &entry.lifted.views {
        let base = match view.base {
            Base::Slot(slot) => entry.program.object(py, &mut found, slot),
            Base::Output(output) => Some(values[output].clone()),
        };
        let base =
            base.ok_or_else(|| PyRuntimeError::new_err("bug in lazy: an argument is gone"))?;
        let size = |symbol: Symbol| {
            let origin = graph.symbols().get(symbol.0 as usize)?;
            let input = graph.inputs().iter().position(|n| *n == origin.node)?;
            views.get(input)?.shape.get(origin.axis).map(|n| *n as i64)
        };
        let made = result::view(py, base.clone(), &view.ops, &size)?;
        // A reshape that cannot be a view is a copy, of what the array held at its time.
        if overlap(api, &made, &base) {
            values[view.output] = made;
        }
    }
    if !entry.lifted.effects.is_empty() {
        crate::effects::hold(py, &entry.lifted, &entry.program, &mut found);
    }
    for (input, output) in &entry.lifted.writes {
        crate::result::overwrite(py, &objects[*input], &values[*output])?;
    }
    crate::effects::repeat(
        py,
        &entry.lifted.effects,
        &values,
        &entry.program,
        &mut found,
    )?;
    result::build(
        py,
        &entry.lifted.result,
        &values,
        &entry.program,
        &mut found,
    )
    .map(Ran::Done)
}

/// Whether the written arguments can be written, and share no memory with other inputs.
fn writable_apart(
    api: &Api,
    entry: &Entry,
    objects: &[Bound<'_, PyAny>],
    views: &[View<'_>],
) -> bool {
    entry.lifted.writes.iter().all(|(input, _)| {
        let span = span(&views[*input]);
        let writable = api
            .fields(&objects[*input])
            .is_some_and(|f| f.is_writeable());
        writable
            && views.iter().enumerate().all(|(other, view)| {
                let s = self::span(view);
                other == *input || s.1 <= span.0 || span.1 <= s.0
            })
    })
}

/// Whether two arrays may have memory in common.
fn overlap(api: &Api, a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> bool {
    match (convert::view(api, a), convert::view(api, b)) {
        (Some(a), Some(b)) => {
            let (a, b) = (span(&a), span(&b));
            a.0 < b.1 && b.0 < a.1
        }
        _ => true,
    }
}

/// The bytes that a view may touch, as a half-open range of addresses.
fn span(view: &View<'_>) -> (isize, isize) {
    let start = view.ptr as isize;
    let (mut low, mut high) = (start, start + view.dtype.size() as isize);
    for (&n, &stride) in view.shape.iter().zip(&view.strides) {
        let reach = (n.max(1) as isize - 1) * stride;
        if reach < 0 {
            low += reach
        } else {
            high += reach
        }
    }
    (low, high)
}

/// What the evaluator asks of Python during a run.
struct Caller<'a, 'py> {
    py: Python<'py>,
    entry: &'a Entry,
    found: &'a mut Objects<'py>,
}

impl Caller<'_, '_> {
    fn draw(
        &mut self,
        site: &DrawSite<Object>,
        operands: &[Value],
        shape: &[usize],
        dtype: DType,
    ) -> PyResult<Value> {
        let generator = self.entry.generator(self.py, self.found, site)?;
        draws::draw(site, &generator, operands, shape, dtype)
    }
}

impl Callbacks for Caller<'_, '_> {
    fn outside(
        &mut self,
        node: NodeId,
        operands: &[Value],
        shapes: &[&[usize]],
    ) -> Result<Vec<Value>> {
        let entry = self.entry;
        let graph = entry.executable.graph();
        let lifted = &entry.lifted;
        match graph.op(node) {
            Op::Draw { generator, .. } if (*generator as usize) < lifted.draws.len() => {
                let site = &lifted.draws[*generator as usize];
                let drawn = self.draw(site, operands, shapes[0], graph.aval(node).dtype);
                let drawn = drawn.map_err(|error| exceptions::caught(self.py, &error))?;
                Ok(vec![drawn])
            }
            Op::Call { site, .. } if (*site as usize) < lifted.calls.len() => {
                let site = &lifted.calls[*site as usize];
                calls::call(self.py, site, operands, &entry.program, self.found)
            }
            _ => Err(Error::internal("a draw or a call without its site")),
        }
    }

    fn detached(&mut self, work: &mut (dyn FnMut() + Send)) {
        self.py.detach(work);
    }
}
