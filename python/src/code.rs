//! Code objects to the core's form, and the source text they can be proven to come from.
//!
//! In: a Python function or code object. Out: its [`Function`], by the source front if compiling the
//! text found for it gives this very code object, else by the bytecode front:
//!
//! ```text
//! f, file unchanged      compile(its block) == f.__code__      source
//! f, file edited since   compile(its block) != f.__code__      bytecode
//! ```
//!
//! The proof compiles only the function's statement, on its own line, inside stand-ins for the
//! classes and functions around it, because a whole file can take a hundred milliseconds. If that
//! fails (a lambda in an odd place), the whole file is compiled, once.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use crate::constants;
use lazy_core::ast::{Code, Const, Front, Function, Span, bytecode, source};
use lazy_core::error::{Error, ErrorKind, Place, Result};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PySlice, PyString, PyTuple};

/// The `__future__` flags of `co_flags`, which `compile` takes.
const FUTURE_FLAGS: u32 = 0x1fe_0000;

/// Decodes a code object. Columns of positions stay UTF-8 bytes.
///
/// # Errors
/// `ValueError` for a constant that no Python version up to 3.14 puts there.
pub fn decode(code: &Bound<'_, PyAny>) -> PyResult<Arc<Code>> {
    let py = code.py();
    let running = py.version_info();
    // A stored code object of another version says which.
    let version = match code.getattr_opt("co_version")? {
        Some(version) => version.extract()?,
        None => (running.major, running.minor),
    };
    let count = |attr: &str| code.getattr(attr)?.extract::<u32>();
    let names = |attr: &str| code.getattr(attr)?.extract::<Vec<String>>();
    let bytes = |attr: &str| code.getattr(attr)?.extract::<Vec<u8>>();
    let consts = code.getattr("co_consts")?;
    let consts = consts.try_iter()?.map(|item| constant(&item?));
    let positions = code.call_method0("co_positions")?;
    let positions = positions.try_iter()?.map(|item| position(&item?));
    Ok(Arc::new(Code {
        version,
        name: code.getattr("co_name")?.extract()?,
        qualname: code.getattr("co_qualname")?.extract()?,
        filename: code.getattr("co_filename")?.extract()?,
        first_line: count("co_firstlineno")?,
        flags: count("co_flags")?,
        argcount: count("co_argcount")?,
        posonlyargcount: count("co_posonlyargcount")?,
        kwonlyargcount: count("co_kwonlyargcount")?,
        varnames: names("co_varnames")?,
        cellvars: names("co_cellvars")?,
        freevars: names("co_freevars")?,
        names: names("co_names")?,
        consts: consts.collect::<PyResult<_>>()?,
        bytecode: bytes("co_code")?,
        positions: positions.collect::<PyResult<_>>()?,
        exception_table: bytes("co_exceptiontable")?,
    }))
}

fn position(item: &Bound<'_, PyAny>) -> PyResult<Option<Span>> {
    let (line, end_line, column, end_column): (Option<u32>, Option<u32>, Option<u32>, Option<u32>) =
        item.extract()?;
    Ok(line.map(|line| Span {
        line,
        column: column.unwrap_or(0),
        end_line: end_line.unwrap_or(line),
        end_column: end_column.unwrap_or(0),
    }))
}

fn constant(object: &Bound<'_, PyAny>) -> PyResult<Const> {
    if object.hasattr("co_code")? {
        return Ok(Const::Code(decode(object)?));
    }
    if let Ok(items) = object.cast::<PyFrozenSet>() {
        let mut values = items
            .iter()
            .map(|item| constants::from_object(&item))
            .collect::<PyResult<Vec<_>>>()?;
        // A set has no order, a listing has.
        values.sort_by_key(lazy_core::ast::listing::constant);
        return Ok(Const::FrozenSet(values));
    }
    if let Ok(slice) = object.cast::<PySlice>() {
        let part = |name: &str| constants::from_object(&slice.getattr(name)?);
        return Ok(Const::Slice([part("start")?, part("stop")?, part("step")?]));
    }
    if let Ok(items) = object.cast::<PyTuple>() {
        let items = items.iter().map(|item| constant(&item));
        let items = items.collect::<PyResult<Vec<_>>>()?;
        if items.iter().any(|item| !matches!(item, Const::Value(_))) {
            return Ok(Const::Tuple(items));
        }
    }
    Ok(Const::Value(constants::from_object(object)?))
}

/// A file's text as `linecache` has it, and its code objects once the whole was compiled.
struct File {
    /// The list in `linecache`; another list means that the file was read again.
    lines: Py<PyAny>,
    text: Arc<str>,
    whole: Option<Arc<Codes>>,
}

/// The code objects of a file, by name and first line.
type Codes = HashMap<(String, u32), Vec<Py<PyAny>>>;

static FILES: LazyLock<Mutex<HashMap<String, File>>> = LazyLock::new(Mutex::default);

/// The text of the file that `code` says it comes from: a file, a notebook cell, whatever `linecache` knows.
pub fn find_source(py: Python<'_>, filename: &str) -> PyResult<Option<Arc<str>>> {
    let linecache = py.import("linecache")?;
    linecache.call_method1("checkcache", (filename,))?;
    let lines = linecache.call_method1("getlines", (filename,))?;
    if lines.len()? == 0 {
        return Ok(None);
    }
    let known = {
        let files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
        files
            .get(filename)
            .filter(|file| lines.is(&file.lines))
            .map(|file| Arc::clone(&file.text))
    };
    if known.is_some() {
        return Ok(known);
    }
    let text: String = PyString::new(py, "")
        .call_method1("join", (&lines,))?
        .extract()?;
    let text: Arc<str> = text.into();
    let file = File {
        lines: lines.unbind(),
        text: Arc::clone(&text),
        whole: None,
    };
    let replaced = {
        let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(filename.to_owned(), file)
    };
    drop(replaced);
    Ok(Some(text))
}

/// Whether compiling `text` gives `object`, the code that was decoded to `code`.
pub fn proven(object: &Bound<'_, PyAny>, code: &Code, text: &Arc<str>) -> PyResult<bool> {
    let py = object.py();
    // Without assertions the text says more than the code.
    if py
        .import("sys")?
        .getattr("flags")?
        .getattr("optimize")?
        .extract::<u32>()?
        != 0
    {
        return Ok(false);
    }
    if let Some(statement) = standalone(code, text)
        && let Ok(module) = compile(py, &statement, code)
    {
        let mut codes = Codes::new();
        collect(&module, &mut codes)?;
        if contains(&codes, object, code)? {
            return Ok(true);
        }
    }
    contains(&*whole(py, code, text)?, object, code)
}

fn compile<'py>(py: Python<'py>, text: &str, code: &Code) -> PyResult<Bound<'py, PyAny>> {
    let keywords = PyDict::new(py);
    keywords.set_item("flags", code.flags & FUTURE_FLAGS)?;
    keywords.set_item("dont_inherit", true)?;
    let args = (text, code.filename.as_str(), "exec");
    py.import("builtins")?
        .getattr("compile")?
        .call(args, Some(&keywords))
}

/// The function's statement on its own line, inside stand-ins for what is around it.
fn standalone(code: &Code, text: &str) -> Option<String> {
    let (statement, line) = source::statement(text, 1, code.first_line)?;
    let parts: Vec<&str> = code.qualname.split('.').collect();
    let around = parts.get(..parts.len().checked_sub(1)?)?;
    let mut free: Vec<&str> = code
        .freevars
        .iter()
        .map(String::as_str)
        .filter(|id| *id != "__class__")
        .collect();
    let mut wrappers = Vec::new();
    for (at, part) in around.iter().enumerate() {
        if *part == "<locals>" {
            continue;
        }
        let part = if part.starts_with('<') { "_" } else { part };
        let indent = " ".repeat(wrappers.len());
        match around.get(at + 1) {
            Some(&"<locals>") => {
                let free = std::mem::take(&mut free).join(", ");
                wrappers.push(format!("{indent}def {part}({free}):\n"));
            }
            _ => wrappers.push(format!("{indent}class {part}:\n")),
        }
    }
    let indent = statement.len() - statement.trim_start_matches([' ', '\t']).len();
    // Under an `if` or `try` of the module, or deeper than its function by one.
    if wrappers.len() < indent {
        wrappers.push(format!("{}if 1:\n", " ".repeat(wrappers.len())));
    }
    let above = (line as usize).checked_sub(1 + wrappers.len())?;
    (wrappers.len() <= indent)
        .then(|| format!("{}{}{statement}", "\n".repeat(above), wrappers.concat()))
}

/// All code objects inside a module's.
fn collect(code: &Bound<'_, PyAny>, codes: &mut Codes) -> PyResult<()> {
    for item in code.getattr("co_consts")?.try_iter()? {
        let item = item?;
        if item.hasattr("co_code")? {
            let key = (
                item.getattr("co_name")?.extract()?,
                item.getattr("co_firstlineno")?.extract()?,
            );
            collect(&item, codes)?;
            codes.entry(key).or_default().push(item.unbind());
        }
    }
    Ok(())
}

fn contains(codes: &Codes, object: &Bound<'_, PyAny>, code: &Code) -> PyResult<bool> {
    for candidate in codes
        .get(&(code.name.clone(), code.first_line))
        .into_iter()
        .flatten()
    {
        if object.eq(candidate)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The code objects of the whole file, compiled on first need.
fn whole(py: Python<'_>, code: &Code, text: &Arc<str>) -> PyResult<Arc<Codes>> {
    {
        let files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(File {
            whole: Some(whole),
            text: known,
            ..
        }) = files.get(&code.filename)
            && Arc::ptr_eq(known, text)
        {
            return Ok(Arc::clone(whole));
        }
    }
    let mut codes = Codes::new();
    if let Ok(module) = compile(py, text, code) {
        collect(&module, &mut codes)?;
    }
    let codes = Arc::new(codes);
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = files.get_mut(&code.filename)
        && Arc::ptr_eq(&file.text, text)
    {
        file.whole = Some(Arc::clone(&codes));
    }
    Ok(codes)
}

/// Reads a function or code object: by the front asked for, or the source if proven and else the bytecode.
pub fn read(object: &Bound<'_, PyAny>, front: Option<Front>) -> PyResult<Result<Function>> {
    let object = match object.getattr_opt("__code__")? {
        Some(code) => code,
        None => object.clone(),
    };
    let code = match decode(&object) {
        Ok(code) => code,
        Err(error) => return Ok(Err(unread(error.to_string()))),
    };
    if front == Some(Front::Bytecode) {
        return Ok(bytecode::read(&code));
    }
    let from_source = match find_source(object.py(), &code.filename)? {
        Some(text) if proven(&object, &code, &text)? => source::read(&code, &text, 1),
        _ => Err(
            unread("source that does not compile to the running code".into()).at(Place {
                file: code.filename.as_str().into(),
                span: Span {
                    line: code.first_line,
                    end_line: code.first_line,
                    ..Span::default()
                },
                text: None,
            }),
        ),
    };
    Ok(match front {
        Some(_) => from_source,
        None => from_source.or_else(|_| bytecode::read(&code)),
    })
}

/// Reads a code object of [`Function::nested`], by the front that read the function it is in:
/// what is inside a proven text is proven.
pub fn read_nested(py: Python<'_>, code: &Arc<Code>, front: Front) -> PyResult<Result<Function>> {
    if front == Front::Source
        && let Some(text) = find_source(py, &code.filename)?
        && let Ok(function) = source::read(code, &text, 1)
    {
        return Ok(Ok(function));
    }
    Ok(bytecode::read(code))
}

fn unread(construct: String) -> Box<Error> {
    Error::new(ErrorKind::Unread { construct })
}

/// A front by its name.
///
/// # Errors
/// `ValueError` if there is none.
pub fn front(name: &str) -> PyResult<Front> {
    match name {
        "source" => Ok(Front::Source),
        "bytecode" => Ok(Front::Bytecode),
        other => Err(PyValueError::new_err(format!("no front named {other}"))),
    }
}

/// `_lazy._blocks(function, front=None)`: the listing of its blocks, for tests and `make show`.
#[pyfunction]
#[pyo3(name = "_blocks", signature = (function, front=None))]
pub fn blocks(function: &Bound<'_, PyAny>, front: Option<&str>) -> PyResult<String> {
    match read(function, front.map(self::front).transpose()?)? {
        Ok(function) => Ok(lazy_core::ast::listing::listing(&function)),
        Err(error) => Err(PyValueError::new_err(error.render())),
    }
}
