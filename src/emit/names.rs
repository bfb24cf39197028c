//! Names of variables: the user's own where there are any, short words elsewhere.
//!
//! In: what a value is called or what it is. Out: an identifier that hides nothing.
//!
//! ```text
//! "loss" -> loss, then loss_1;  "params[0]" -> params_0;  sum(…) -> total
//! ```

use std::collections::HashSet;

use crate::graph::Graph;
use crate::graph::NodeId;
use crate::ops::{Elementwise, Extreme, Op, Reduction};

/// Python's keywords, and the names that emitted code relies on or that a reader expects to be Python's.
const RESERVED: &[&str] = &[
    "False",
    "None",
    "True",
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "nonlocal",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "while",
    "with",
    "yield",
    "match",
    "case",
    "type",
    "_",
    "np",
    "fft",
    "linalg",
    "special",
    "abs",
    "all",
    "any",
    "bool",
    "bytes",
    "complex",
    "dict",
    "divmod",
    "enumerate",
    "filter",
    "float",
    "format",
    "hash",
    "id",
    "input",
    "int",
    "iter",
    "len",
    "list",
    "map",
    "max",
    "min",
    "next",
    "object",
    "pow",
    "print",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "slice",
    "sorted",
    "str",
    "sum",
    "super",
    "tuple",
    "vars",
    "zip",
];

/// The names in use.
#[derive(Debug)]
pub struct Taken(HashSet<String>);

impl Taken {
    pub fn new() -> Taken {
        Taken(RESERVED.iter().map(|&s| s.to_owned()).collect())
    }

    /// Keeps a name from being used for anything else.
    pub fn reserve(&mut self, name: &str) {
        self.0.insert(name.to_owned());
    }

    /// `wanted`, or `wanted_1` and so on.
    pub fn claim(&mut self, wanted: &str) -> String {
        let base = identifier(wanted);
        if self.0.insert(base.clone()) {
            return base;
        }
        let mut numbered = (1..).map(|k| format!("{base}_{k}"));
        let free = numbered.find(|name| !self.0.contains(name));
        let name = free.unwrap_or(base);
        self.0.insert(name.clone());
        name
    }

    /// The first free letter for a size.
    pub fn claim_size(&mut self) -> String {
        let letters = ["n", "m", "k", "p", "q"];
        let free = letters.iter().find(|letter| !self.0.contains(**letter));
        self.claim(free.unwrap_or(&"n"))
    }
}

/// The text with everything that no identifier has made into single underscores.
fn identifier(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c == '_' || c.is_ascii_alphanumeric() || is_letter(c) {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    let out = out.trim_end_matches('_').to_owned();
    match out.chars().next() {
        None => "t".into(),
        Some(c) if c.is_numeric() => format!("t{out}"),
        Some(_) => out,
    }
}

/// Letters beyond ASCII that every Python reads as they are (it normalizes identifiers by NFKC):
/// Latin, Greek, Cyrillic and Han.
fn is_letter(c: char) -> bool {
    c.is_alphabetic()
        && matches!(c, '\u{c0}'..='\u{131}' | '\u{370}'..='\u{373}' | '\u{386}'..='\u{3ce}'
            | '\u{400}'..='\u{481}' | '\u{4e00}'..='\u{9fa5}')
}

/// A word for a value without name.
pub fn derived(graph: &Graph, id: NodeId) -> String {
    let operands = graph.operands(id);
    let of_named = |word: &str| {
        let name = operands
            .first()
            .and_then(|&x| graph.node(x).name.as_deref());
        match name {
            Some(name) if name.len() <= 8 => format!("{word}_{name}"),
            _ => word.to_owned(),
        }
    };
    match graph.op(id) {
        Op::Elementwise(e) => match e {
            Elementwise::Add => "total".into(),
            Elementwise::Subtract => "difference".into(),
            Elementwise::Multiply => "product".into(),
            Elementwise::Divide | Elementwise::Reciprocal => "ratio".into(),
            Elementwise::Power | Elementwise::Square => of_named("squared"),
            Elementwise::Maximum | Elementwise::Minimum => "clipped".into(),
            Elementwise::Greater
            | Elementwise::GreaterEqual
            | Elementwise::Less
            | Elementwise::LessEqual
            | Elementwise::Equal
            | Elementwise::NotEqual
            | Elementwise::LogicalAnd
            | Elementwise::LogicalOr
            | Elementwise::LogicalNot => "mask".into(),
            Elementwise::Where => "chosen".into(),
            Elementwise::Negative => of_named("minus"),
            other => of_named(other.def().name),
        },
        Op::Reduce { kind, .. } => match kind {
            Reduction::Sum => "total".into(),
            Reduction::Prod => "product".into(),
            Reduction::Min => "smallest".into(),
            Reduction::Max => "largest".into(),
            Reduction::Any | Reduction::All => "found".into(),
        },
        Op::ArgReduce { kind, .. } => match kind {
            Extreme::Min => "argmin".into(),
            Extreme::Max => "argmax".into(),
        },
        Op::Contract { .. } => product(graph, &operands),
        Op::Decompose(kind) => of_named(kind.name()),
        Op::Solve(_) => "solution".into(),
        Op::PseudoInverse => of_named("pinv"),
        Op::Frechet(_) => "derivative".into(),
        Op::Fourier { .. } => of_named("spectrum"),
        Op::Cast(_) | Op::Reshape(_) | Op::BroadcastTo(_) => {
            let inner = operands.first().copied();
            inner.map_or_else(|| "t".into(), |x| derived(graph, x))
        }
        Op::Transpose(_) => of_named("transposed"),
        Op::Slice(_) => of_named("part"),
        Op::Unslice { .. } | Op::SliceWrite { .. } | Op::Scatter { .. } => "out".into(),
        Op::Concatenate { .. } => "joined".into(),
        Op::Iota { .. } => "index".into(),
        Op::Cumulate { .. } => "cumulated".into(),
        Op::Gather { .. } => "taken".into(),
        Op::ArgWhere => "where".into(),
        Op::Arange => "index".into(),
        Op::Loop(_) => "looped".into(),
        Op::Cond(_) => "chosen".into(),
        Op::Custom(c) | Op::Pullback(c) => c.name.as_ref().into(),
        Op::ArgSort { .. } => "order".into(),
        Op::SearchSorted { .. } => "place".into(),
        Op::Draw { distribution, .. } => distribution.def().name.into(),
        Op::Call { callee, .. } => callee.rsplit('.').next().unwrap_or("result").into(),
        Op::Decide { .. } => operands
            .first()
            .map_or_else(|| "t".into(), |&x| derived(graph, x)),
        Op::Constant(_) => "constant".into(),
        Op::Size(_) => "size".into(),
        Op::Part(_) => "part".into(),
        Op::Input => "x".into(),
    }
}

/// `Xw` for `X @ w`.
fn product(graph: &Graph, operands: &[NodeId]) -> String {
    let names: Option<String> = operands
        .iter()
        .map(|&x| graph.node(x).name.as_deref().filter(|n| n.len() <= 2))
        .collect();
    names.unwrap_or_else(|| "product".into())
}
