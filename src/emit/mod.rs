//! Stage 6: graph in, Python source out; the mirror of stage 1.
//!
//! ```
//! use lazy_core::emit::{Signature, emit};
//! use lazy_core::graph::{Aval, Builder, DType};
//! use lazy_core::ops::Elementwise;
//! let mut b = Builder::new("f");
//! let x = b.input("x", Aval::scalar(DType::F64));
//! let sin = b.elementwise(Elementwise::Sin, &[x]).unwrap();
//! let two = b.float(2.0);
//! let y = b.elementwise(Elementwise::Multiply, &[two, sin]).unwrap();
//! let graph = b.finish(vec![y]);
//! assert_eq!(
//!     emit(&graph, &Signature::of(&graph)).unwrap(),
//!     "import numpy as np\n\n\ndef f(x):\n    return 2.0 * np.sin(x)\n",
//! );
//! ```
//!
//! [`spell`] says what NumPy calls each operation, [`body`] what becomes a variable,
//! [`crate::ast::print`] how it is laid out.

mod body;
mod control;
mod facts;
mod names;
mod signature;
mod spell;
mod syntax;

use rustpython_ast::text_size::TextRange;
use rustpython_ast::{
    Alias, Arg, ArgWithDefault, Arguments, Identifier, Stmt, StmtFunctionDef, StmtImport,
    StmtImportFrom,
};

pub use signature::{Captured, Generator, Parameter, ParameterKind, Signature, Tree};

use crate::ast::print;
use crate::error::Result;
use crate::graph::Graph;

/// NumPy source of a function that computes what `graph` does: imports, constants, and the function.
///
/// # Errors
/// If an operation has no spelling in NumPy, or the signature does not fit the graph.
pub fn emit(graph: &Graph, signature: &Signature) -> Result<String> {
    Ok(print::statements(&module(graph, signature)?))
}

/// As [`emit`], not yet printed.
///
/// # Errors
/// As [`emit`].
pub fn module(graph: &Graph, signature: &Signature) -> Result<Vec<Stmt>> {
    let body = body::body(&facts::Facts::new(graph), signature)?;
    let mut module = vec![Stmt::Import(StmtImport {
        range: TextRange::default(),
        names: vec![alias("numpy", Some("np"))],
    })];
    if !body.scipy.is_empty() {
        module.push(Stmt::ImportFrom(StmtImportFrom {
            range: TextRange::default(),
            module: Some(Identifier::new("scipy")),
            names: body.scipy.iter().map(|name| alias(name, None)).collect(),
            level: None,
        }));
    }
    module.extend(body.constants);
    module.push(Stmt::FunctionDef(StmtFunctionDef {
        range: TextRange::default(),
        name: Identifier::new(signature.name.clone()),
        args: Box::new(arguments(&signature.parameters)),
        body: body.statements,
        decorator_list: vec![],
        returns: None,
        type_comment: None,
        type_params: vec![],
    }));
    Ok(module)
}

fn alias(name: &str, asname: Option<&str>) -> Alias {
    Alias {
        range: TextRange::default(),
        name: Identifier::new(name),
        asname: asname.map(Identifier::new),
    }
}

fn arguments(parameters: &[Parameter]) -> Arguments {
    let arg = |p: &Parameter| Arg {
        range: TextRange::default(),
        arg: Identifier::new(p.name.clone()),
        annotation: None,
        type_comment: None,
    };
    let of_kind = |kind| parameters.iter().filter(move |p| p.kind == kind);
    let with_default = |p: &Parameter| ArgWithDefault {
        range: Default::default(),
        def: arg(p),
        default: p.default.clone().map(Box::new),
    };
    let all = |kind| of_kind(kind).map(with_default).collect();
    let starred = |kind| of_kind(kind).next().map(|p| Box::new(arg(p)));
    Arguments {
        range: Default::default(),
        posonlyargs: all(ParameterKind::PositionalOnly),
        args: all(ParameterKind::Ordinary),
        vararg: starred(ParameterKind::Variadic),
        kwonlyargs: all(ParameterKind::KeywordOnly),
        kwarg: starred(ParameterKind::Keywords),
    }
}
