//! The text form, read: what [`super::print`] writes in, the same graph out.
//!
//! ```
//! use lazy_core::graph::Graph;
//! let text = "\
//! double(x: float64[n0]) {
//!   %0 x = input : float64[n0]
//!   %1 = constant 2.0 : float64*[]
//!   %2 = multiply(%1, %0) : float64[n0]
//!   return %2
//! }
//! ";
//! let graph: Graph = text.parse().unwrap();
//! assert_eq!(graph.to_string(), text);
//! ```
//!
//! Avals that inference gives may be left out, and are when graphs are written by hand.
//! White space and `# comments` may be anywhere between words. A mistake is a `Syntax` error with its
//! line and column; a graph that breaks an invariant is one too.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

use num_complex::{Complex32, Complex64};
use smallvec::SmallVec;

use super::{
    Assumption, Aval, Builder, DType, Dim, Graph, Node, NodeId, Shape, Symbol, SymbolOrigin, print,
    verify,
};
use crate::ast::Span;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::eval::value::{Element, Value};
use crate::ops::control::States;
use crate::ops::decompose::{Decomposition, MatrixFunction, System, Triangle};
use crate::ops::outside::FurtherAxes;
use crate::ops::{
    self, Axes, Cond, Constant, Cumulation, Custom, Distribution, Elementwise, Extreme, Fourier,
    Loop, Op, Range, Reduction, Rule, Write,
};

/// How deep sizes may be nested.
const DEPTH: usize = 50;

impl FromStr for Graph {
    type Err = Box<Error>;

    fn from_str(text: &str) -> Result<Graph> {
        let mut parser = Parser {
            text,
            at: 0,
            depth: 0,
            symbols: BTreeSet::new(),
        };
        parser.graph()
    }
}

/// Text, and how far it has been read.
struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    /// Every symbol met.
    symbols: BTreeSet<u32>,
}

impl<'t> Parser<'t> {
    fn graph(&mut self) -> Result<Graph> {
        let graph = self.nested()?;
        if self.peek().is_some() {
            return self.fail("expected the end");
        }
        Ok(graph)
    }

    /// A graph, which something may follow. Its symbols are its own.
    fn nested(&mut self) -> Result<Graph> {
        if self.depth >= DEPTH {
            return self.fail("too deeply nested");
        }
        self.depth += 1;
        let around = std::mem::take(&mut self.symbols);
        let graph = self.graph_in_braces();
        self.symbols = around;
        self.depth -= 1;
        graph
    }

    fn graph_in_braces(&mut self) -> Result<Graph> {
        let mut graph = Graph {
            name: self.name()?,
            ..Graph::default()
        };
        let start = self.position();
        self.expect("(")?;
        let parameters = self.items(")", Self::parameter)?;
        self.expect("{")?;
        let mut bindings = Vec::new();
        loop {
            if self.word("where") {
                bindings.push(self.binding()?);
            } else if self.word("assume") {
                let assumption = self.assumption()?;
                graph.assumptions.push(assumption);
            } else if self.word("return") {
                break;
            } else {
                self.node(&mut graph)?;
            }
        }
        if self.peek() != Some('}') {
            graph.outputs = self.items("}", |p| p.reference(graph.len()))?;
        } else {
            self.expect("}")?;
        }
        self.bind(&mut graph, &bindings)?;
        let inputs = graph.inputs.iter().map(|&id| {
            let node = graph.node(id);
            (node.name.as_deref().map(str::to_owned), node.aval.clone())
        });
        if inputs.ne(parameters) {
            return Err(self.error_at(start, "the parameters are not the inputs"));
        }
        match verify::verify(&graph) {
            Ok(()) => Ok(graph),
            Err(message) => Err(self.error_at(start, &message)),
        }
    }

    fn parameter(&mut self) -> Result<(Option<String>, Aval)> {
        let start = self.at;
        // `name: aval`, or an aval alone.
        if let Ok(name) = self.name()
            && self.take(":")
        {
            return Ok((Some(name), self.aval()?));
        }
        self.at = start;
        Ok((None, self.aval()?))
    }

    /// `n3 = %7.shape[0]`
    fn binding(&mut self) -> Result<(u32, usize, usize)> {
        let Some(symbol) = self.symbol()? else {
            return self.fail("expected a symbol, as in `n0`");
        };
        self.expect("=")?;
        self.expect("%")?;
        let node = self.number()?;
        self.expect(".shape")?;
        self.expect("[")?;
        let axis = self.number()?;
        self.expect("]")?;
        Ok((symbol.0, node, axis))
    }

    /// Says where each symbol's size is found.
    fn bind(&mut self, graph: &mut Graph, bindings: &[(u32, usize, usize)]) -> Result<()> {
        let count = self.symbols.len();
        if let Some(gap) = (0u32..).zip(&self.symbols).find(|(i, s)| i != *s) {
            return self.fail(&format!("n{} is missing, though n{} is used", gap.0, gap.1));
        }
        // A place holder, replaced below, so that the search finds as many entries as there are symbols.
        let nowhere = SymbolOrigin {
            node: NodeId::new(0),
            axis: 0,
        };
        graph.symbols = vec![nowhere; count];
        let found = print::default_origins(graph);
        for (i, default) in found.into_iter().enumerate() {
            let stated = bindings.iter().rev().find(|b| b.0 as usize == i);
            graph.symbols[i] = match (stated, default) {
                (Some(&(_, node, axis)), _) if node < graph.len() => SymbolOrigin {
                    node: NodeId::new(node),
                    axis,
                },
                (Some((_, node, _)), _) => return self.fail(&format!("there is no %{node}")),
                (None, Some(origin)) => origin,
                (None, None) => {
                    return self.fail(&format!("n{i} is not the size of any axis"));
                }
            };
        }
        Ok(())
    }

    fn assumption(&mut self) -> Result<Assumption> {
        let a = self.dim()?;
        if self.take("==") {
            Ok(Assumption::Equal(a, self.dim()?))
        } else if self.take("<=") {
            Ok(Assumption::AtMost(a, self.dim()?))
        } else {
            self.fail("expected `==` or `<=`")
        }
    }

    fn node(&mut self, graph: &mut Graph) -> Result<()> {
        let index = graph.len();
        if !self.take(&format!("%{index}")) || self.rest().starts_with(|c: char| c.is_numeric()) {
            return self.fail(&format!("expected `%{index}`, `return` or `}}`"));
        }
        let name = match self.take("=") {
            true => None,
            false => {
                let name = self.name()?;
                self.expect("=")?;
                Some(Arc::from(name))
            }
        };
        let start = self.position();
        let word = self.identifier()?;
        let mut operands = Vec::new();
        // Operands follow the word at once; a size may start with a parenthesis too.
        if self.rest().starts_with('(') && self.take("(") {
            operands = self.items(")", |p| p.reference(index))?;
        }
        let op = self.op(word, start)?;
        let aval = match self.take(":") {
            true => self.aval()?,
            false => self.inferred(graph, &op, &operands, start)?,
        };
        let group = match self.word("in") {
            true => {
                self.expect("g")?;
                let group = self.number()?;
                Some(u32::try_from(group).or_else(|_| self.fail("too large a group"))?)
            }
            false => None,
        };
        let is_input = op == Op::Input;
        let is_effect = op.is_effect();
        let id = graph.dag.add_node(Node {
            op,
            aval,
            name,
            origin: None,
            group,
        });
        for operand in operands.into_iter().rev() {
            graph.dag.add_edge(operand, id, ());
        }
        if is_input {
            graph.inputs.push(id);
        }
        if is_effect {
            graph.effects.push(id);
        }
        Ok(())
    }

    /// The aval of a node that is written without.
    fn inferred(
        &self,
        graph: &mut Graph,
        op: &Op,
        operands: &[NodeId],
        start: usize,
    ) -> Result<Aval> {
        if matches!(op, Op::Input | Op::ArgWhere | Op::Arange) {
            return Err(self.error_at(
                start,
                "this needs a dtype and a shape, as in `: float64[n0]`",
            ));
        }
        verify::arity(op, operands.len()).map_err(|message| self.error_at(start, &message))?;
        let mut builder = Builder::resume(std::mem::take(graph));
        let aval = ops::infer(&mut builder, op, operands);
        *graph = builder.into_unfinished();
        // NumPy's own exception, at this place.
        aval.map_err(|error| error.at(self.place(start)))
    }

    /// The operation, from its word and its attributes.
    fn op(&mut self, word: &str, start: usize) -> Result<Op> {
        if let Some(e) = Elementwise::from_name(word) {
            return Ok(Op::Elementwise(e));
        }
        Ok(match word {
            "input" => Op::Input,
            "constant" => Op::Constant(self.constant()?),
            "size" => Op::Size(self.dim()?),
            "part" => Op::Part(self.number()?),
            "cast" => {
                self.key("to")?;
                Op::Cast(self.dtype()?)
            }
            "reshape" => Op::Reshape(self.shape_attribute()?),
            "broadcast_to" => Op::BroadcastTo(self.shape_attribute()?),
            "transpose" => Op::Transpose(self.axes()?),
            "slice" => Op::Slice(self.ranges()?),
            "unslice" => Op::Unslice {
                shape: self.shape_attribute()?,
                ranges: self.ranges()?,
            },
            "concatenate" => Op::Concatenate { axis: self.axis()? },
            "iota" => {
                self.key("size")?;
                let size = self.dim()?;
                self.key("dtype")?;
                let dtype = self.dtype()?;
                Op::Iota { size, dtype }
            }
            "sum" => self.reduce(Reduction::Sum)?,
            "prod" => self.reduce(Reduction::Prod)?,
            "min" => self.reduce(Reduction::Min)?,
            "max" => self.reduce(Reduction::Max)?,
            "any" => self.reduce(Reduction::Any)?,
            "all" => self.reduce(Reduction::All)?,
            "argmin" => Op::ArgReduce {
                kind: Extreme::Min,
                axis: self.axis()?,
            },
            "argmax" => Op::ArgReduce {
                kind: Extreme::Max,
                axis: self.axis()?,
            },
            "cumsum" => Op::Cumulate {
                kind: Cumulation::Sum,
                axis: self.axis()?,
            },
            "cumprod" => Op::Cumulate {
                kind: Cumulation::Prod,
                axis: self.axis()?,
            },
            "gather" => {
                let (axes, at) = self.axes_at()?;
                Op::Gather { axes, at }
            }
            "scatter_set" => self.scatter(Write::Set)?,
            "scatter_add" => self.scatter(Write::Add)?,
            "slice_set" => Op::SliceWrite {
                kind: Write::Set,
                ranges: self.ranges()?,
            },
            "slice_add" => Op::SliceWrite {
                kind: Write::Add,
                ranges: self.ranges()?,
            },
            "argwhere" => Op::ArgWhere,
            "arange" => Op::Arange,
            "loop" => {
                self.key("carried")?;
                let carried = self.number()?;
                let conditional = self.word("conditional");
                let states = match self.word("bisected") {
                    true => States::Bisected,
                    false => States::All,
                };
                let body = self.nested()?;
                if body.inputs().len() < 1 + carried || body.outputs().len() < carried {
                    return self.fail("this body does not carry so many values");
                }
                Op::Loop(Arc::new(Loop {
                    body,
                    carried,
                    conditional,
                    states,
                }))
            }
            "cond" => Op::Cond(Arc::new(Cond {
                then: self.nested()?,
                otherwise: self.nested()?,
            })),
            "custom" => Op::Custom(Arc::new(self.custom()?)),
            "pullback" => Op::Pullback(Arc::new(self.custom()?)),
            "argsort" => Op::ArgSort { axis: self.axis()? },
            "searchsorted" => Op::SearchSorted { right: false },
            "searchsorted_right" => Op::SearchSorted { right: true },
            "contract" => Op::Contract {
                batch: match self.word("batch") {
                    true => self.pairs()?,
                    false => SmallVec::new(),
                },
                contract: {
                    self.keyword("contract")?;
                    self.pairs()?
                },
            },
            "solve" => Op::Solve(System::General),
            "solve_triangular" => {
                let triangle = self.triangle()?;
                let unit = self.word("unit");
                Op::Solve(System::Triangular { triangle, unit })
            }
            "pinv" => Op::PseudoInverse,
            "fft" => self.fourier(Fourier::Forward)?,
            "inverse_fft" => self.fourier(Fourier::Inverse)?,
            "real_fft" => self.fourier(Fourier::RealForward)?,
            "inverse_real_fft" => {
                let axis = self.axis()?;
                self.key("size")?;
                let kind = Fourier::RealInverse(self.dim()?);
                Op::Fourier { kind, axis }
            }
            "draw" => self.draw()?,
            "call" => {
                self.key("site")?;
                let site = self.number()?;
                let site = u32::try_from(site).or_else(|_| self.fail("too large a site"))?;
                self.key("callee")?;
                let callee = self.name()?.into();
                self.keyword("results")?;
                self.expect("[")?;
                let results = self.items("]", Self::aval)?;
                let mut named = FurtherAxes::ALL.into_iter().skip(1);
                let further = named.find(|further| self.word(further.name()));
                Op::Call {
                    site,
                    callee,
                    results,
                    further: further.unwrap_or(FurtherAxes::Refused),
                }
            }
            "decide" => {
                self.key("expected")?;
                let expected = self.constant()?;
                Op::Decide { expected }
            }
            _ => match self.decomposition(word)? {
                Some(op) => op,
                None => return Err(self.error_at(start, &format!("no operation is called {word}"))),
            },
        })
    }

    fn custom(&mut self) -> Result<Custom> {
        self.key("function")?;
        let name = self.name()?.into();
        self.key("results")?;
        let results = self.number()?;
        self.key("arguments")?;
        let arguments = self.number()?;
        self.key("outside")?;
        let outside = self.number()?;
        let rule = if self.word("forward") {
            Rule::Forward(self.nested()?)
        } else if self.word("reverse") {
            Rule::Reverse(self.nested()?)
        } else {
            Rule::Exhausted
        };
        Ok(Custom {
            name,
            results,
            arguments,
            outside,
            rule,
        })
    }

    fn decomposition(&mut self, word: &str) -> Result<Option<Op>> {
        let mut functions = MatrixFunction::ALL.into_iter();
        if let Some(f) = functions.find(|f| f.frechet_name() == word) {
            return Ok(Some(Op::Frechet(f)));
        }
        let mut named = Decomposition::ALL.into_iter().filter(|d| d.name() == word);
        let Some(first) = named.next() else {
            return Ok(None);
        };
        if first.triangle().is_none() {
            return Ok(Some(Op::Decompose(first)));
        }
        let triangle = Some(self.triangle()?);
        let kind = std::iter::once(first)
            .chain(named)
            .find(|d| d.triangle() == triangle);
        Ok(kind.map(Op::Decompose))
    }

    fn fourier(&mut self, kind: Fourier) -> Result<Op> {
        let axis = self.axis()?;
        Ok(Op::Fourier { kind, axis })
    }

    fn triangle(&mut self) -> Result<Triangle> {
        self.key("triangle")?;
        let start = self.position();
        match self.identifier()? {
            "lower" => Ok(Triangle::Lower),
            "upper" => Ok(Triangle::Upper),
            _ => Err(self.error_at(start, "a triangle is lower or upper")),
        }
    }

    fn reduce(&mut self, kind: Reduction) -> Result<Op> {
        let axes = self.axes()?;
        Ok(Op::Reduce { kind, axes })
    }

    fn scatter(&mut self, kind: Write) -> Result<Op> {
        let (axes, at) = self.axes_at()?;
        Ok(Op::Scatter { kind, axes, at })
    }

    fn draw(&mut self) -> Result<Op> {
        self.key("distribution")?;
        let start = self.position();
        let word = self.identifier()?;
        let mut all = Distribution::ALL.iter().copied();
        let Some(distribution) = all.find(|d| d.def().name == word) else {
            return Err(self.error_at(start, &format!("no distribution is called {word}")));
        };
        let shape = self.shape_attribute()?;
        self.key("generator")?;
        let generator = self.number()?;
        let generator = u32::try_from(generator).or_else(|_| self.fail("too large a generator"))?;
        Ok(Op::Draw {
            distribution,
            shape,
            generator,
        })
    }

    fn axes_at(&mut self) -> Result<(Axes, usize)> {
        let axes = self.axes()?;
        self.key("at")?;
        Ok((axes, self.number()?))
    }

    fn axis(&mut self) -> Result<usize> {
        self.key("axis")?;
        self.number()
    }

    fn axes(&mut self) -> Result<Axes> {
        self.key("axes")?;
        self.expect("[")?;
        Ok(self.items("]", Self::number)?.into())
    }

    fn pairs(&mut self) -> Result<SmallVec<[(usize, usize); 2]>> {
        self.expect("=")?;
        self.expect("[")?;
        let pair = |p: &mut Self| {
            p.expect("(")?;
            let left = p.number()?;
            p.expect(",")?;
            let right = p.number()?;
            p.expect(")")?;
            Ok((left, right))
        };
        Ok(self.items("]", pair)?.into())
    }

    fn ranges(&mut self) -> Result<SmallVec<[Range; 4]>> {
        self.key("ranges")?;
        self.expect("[")?;
        let range = |p: &mut Self| {
            let mut range = Range::full(p.dim()?);
            if p.word("from") {
                range.start = p.dim()?;
            }
            if p.word("step") {
                let sign = if p.take("-") { -1 } else { 1 };
                range.step = sign * p.integer()?;
                if range.step == 0 {
                    return p.fail("a step of zero");
                }
            }
            Ok(range)
        };
        Ok(self.items("]", range)?.into())
    }

    fn shape_attribute(&mut self) -> Result<Shape> {
        self.key("shape")?;
        self.shape()
    }

    fn shape(&mut self) -> Result<Shape> {
        self.expect("[")?;
        Ok(self.items("]", Self::dim)?.into())
    }

    fn aval(&mut self) -> Result<Aval> {
        let dtype = self.dtype()?;
        let weak = self.take("*");
        let shape = self.shape()?;
        Ok(Aval { dtype, weak, shape })
    }

    fn dtype(&mut self) -> Result<DType> {
        let start = self.position();
        let word = self.identifier()?;
        DType::parse(word)
            .ok_or_else(|| self.error_at(start, &format!("no dtype is called {word}")))
    }

    /// A size: a sum of products of integers, symbols, quotients and maxima.
    fn dim(&mut self) -> Result<Dim> {
        self.depth += 1;
        if self.depth > DEPTH {
            return self.fail("nested too deeply");
        }
        let mut sum = match self.take("-") {
            true => Dim::known(0) - self.term()?,
            false => self.term()?,
        };
        loop {
            if self.take("+") {
                sum = sum + self.term()?;
            } else if self.take("-") {
                sum = sum - self.term()?;
            } else {
                self.depth -= 1;
                return Ok(sum);
            }
        }
    }

    fn term(&mut self) -> Result<Dim> {
        let mut product = self.factor()?;
        while self.take("*") {
            product = product * self.factor()?;
        }
        Ok(product)
    }

    fn factor(&mut self) -> Result<Dim> {
        if self.take("(") {
            self.expect("(")?;
            let dividend = self.dim()?;
            self.expect(")")?;
            self.expect("//")?;
            self.expect("(")?;
            let divisor = self.dim()?;
            self.expect(")")?;
            self.expect(")")?;
            return Ok(dividend.floor_div(&divisor));
        }
        if self.word("max") {
            self.expect("(")?;
            let a = self.dim()?;
            self.expect(",")?;
            let b = self.dim()?;
            self.expect(")")?;
            return Ok(a.maximum(&b));
        }
        match self.symbol()? {
            Some(symbol) => Ok(Dim::symbol(symbol)),
            None => Ok(Dim::known(self.integer()?)),
        }
    }

    /// `n0`.
    fn symbol(&mut self) -> Result<Option<Symbol>> {
        self.skip();
        let digits = self.rest().strip_prefix('n').map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit());
            &rest[..end.unwrap_or(rest.len())]
        });
        let Some(digits) = digits.filter(|d| !d.is_empty()) else {
            return Ok(None);
        };
        let Ok(symbol) = digits.parse() else {
            return self.fail("too large a symbol");
        };
        self.at += 1 + digits.len();
        self.symbols.insert(symbol);
        Ok(Some(Symbol(symbol)))
    }

    fn constant(&mut self) -> Result<Constant> {
        if self.word("array") {
            return Ok(Constant::Array(Arc::new(self.array()?)));
        }
        if self.word("complex") {
            return Ok(Constant::Complex(self.complex()?));
        }
        if self.word("True") {
            return Ok(Constant::Bool(true));
        }
        if self.word("False") {
            return Ok(Constant::Bool(false));
        }
        let start = self.position();
        let token = self.token();
        let parsed = if let Some(digits) = token.strip_suffix('u') {
            digits.parse().ok().map(Constant::UInt)
        } else if let Ok(i) = token.parse() {
            Some(Constant::Int(i))
        } else {
            self.at = start;
            return Ok(Constant::Float(f64::read(self)?));
        };
        parsed.ok_or_else(|| self.error_at(start, "expected a constant"))
    }

    fn complex<T: Scalar>(&mut self) -> Result<num_complex::Complex<T>> {
        self.expect("(")?;
        let re = T::read(self)?;
        self.expect(",")?;
        let im = T::read(self)?;
        self.expect(")")?;
        Ok(num_complex::Complex { re, im })
    }

    /// `(float64[2, 3], [...])` or `(float64[2, 3], 0x…)`, after the word.
    fn array(&mut self) -> Result<Value> {
        self.expect("(")?;
        let dtype = self.dtype()?;
        self.expect("[")?;
        let shape = self.items("]", Self::number)?;
        self.expect(",")?;
        let value = match dtype {
            DType::Bool => self.elements::<bool>(&shape),
            DType::I8 => self.elements::<i8>(&shape),
            DType::I16 => self.elements::<i16>(&shape),
            DType::I32 => self.elements::<i32>(&shape),
            DType::I64 => self.elements::<i64>(&shape),
            DType::U8 => self.elements::<u8>(&shape),
            DType::U16 => self.elements::<u16>(&shape),
            DType::U32 => self.elements::<u32>(&shape),
            DType::U64 => self.elements::<u64>(&shape),
            DType::F32 => self.elements::<f32>(&shape),
            DType::F64 => self.elements::<f64>(&shape),
            DType::C64 => self.elements::<Complex32>(&shape),
            DType::C128 => self.elements::<Complex64>(&shape),
        }?;
        self.expect(")")?;
        Ok(value)
    }

    fn elements<T: Scalar>(&mut self, shape: &[usize]) -> Result<Value> {
        let start = self.position();
        let values = if self.take("[") {
            self.items("]", T::read)?
        } else if self.take("0x") {
            self.bytes()?
        } else {
            return self.fail("expected `[` or `0x`");
        };
        let size = shape
            .iter()
            .try_fold(1usize, |size, &n| size.checked_mul(n));
        if size != Some(values.len()) {
            let message = format!("{} elements do not fill the shape", values.len());
            return Err(self.error_at(start, &message));
        }
        Ok(Value::from_slice(&values, shape))
    }

    fn bytes<T: Scalar>(&mut self) -> Result<Vec<T>> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_hexdigit());
        let digits = &rest.as_bytes()[..end.unwrap_or(rest.len())];
        let nibble = |digit: u8| match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => digit.wrapping_sub(b'A').wrapping_add(10),
        };
        let bytes: Vec<u8> = digits
            .chunks_exact(2)
            .map(|pair| nibble(pair[0]) << 4 | nibble(pair[1]))
            .collect();
        if !digits.len().is_multiple_of(2 * T::DTYPE.size()) {
            return self.fail("not a whole number of elements");
        }
        let values: Option<Vec<T>> = bytes
            .chunks_exact(T::DTYPE.size())
            .map(T::from_bytes)
            .collect();
        match values {
            Some(values) => {
                self.at += digits.len();
                Ok(values)
            }
            None => self.fail("bytes that are no elements"),
        }
    }

    /// A name: an identifier, or any text in quotes with Rust's escapes.
    fn name(&mut self) -> Result<String> {
        self.skip();
        if self.peek() != Some('"') {
            return self.identifier().map(str::to_owned);
        }
        let start = self.at;
        self.at += 1;
        let mut out = String::new();
        while let Some(c) = self.rest().chars().next() {
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(out),
                '\\' => out.push(self.escape()?),
                c => out.push(c),
            }
        }
        Err(self.error_at(start, "this name does not end"))
    }

    fn escape(&mut self) -> Result<char> {
        let Some(c) = self.rest().chars().next() else {
            return self.fail("expected an escape");
        };
        self.at += c.len_utf8();
        Ok(match c {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            '\\' | '"' | '\'' => c,
            'u' => {
                let rest = self.rest();
                let hex = rest.strip_prefix('{').and_then(|r| r.split_once('}'));
                let found = hex.and_then(|(hex, _)| {
                    let code = u32::from_str_radix(hex, 16).ok()?;
                    Some((hex.len() + 2, char::from_u32(code)?))
                });
                let Some((length, c)) = found else {
                    return self.fail("expected a character's number, as in `\\u{41}`");
                };
                self.at += length;
                c
            }
            _ => return self.fail("no such escape"),
        })
    }

    fn identifier(&mut self) -> Result<&'t str> {
        self.skip();
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let word = &rest[..end];
        if !print::is_identifier(word) {
            return self.fail("expected a name");
        }
        self.at += end;
        Ok(word)
    }

    /// `%3`, of a node before `limit`.
    fn reference(&mut self, limit: usize) -> Result<NodeId> {
        let start = self.position();
        self.expect("%")?;
        match self.number()? {
            k if k < limit => Ok(NodeId::new(k)),
            k => Err(self.error_at(start, &format!("%{k} is not defined before it is used"))),
        }
    }

    fn number(&mut self) -> Result<usize> {
        let i = self.integer()?;
        usize::try_from(i).or_else(|_| self.fail("too large a number"))
    }

    /// Digits.
    fn integer(&mut self) -> Result<i64> {
        self.skip();
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        match rest[..end].parse() {
            Ok(i) => {
                self.at += end;
                Ok(i)
            }
            Err(_) => self.fail("expected a number"),
        }
    }

    /// A number as it is written: `-1.5e-7`, `inf`, `nan`.
    fn token(&mut self) -> &'t str {
        self.skip();
        let rest = self.rest();
        let mut before = ' ';
        let end = rest.find(|c: char| {
            let sign = matches!(c, '-' | '+') && matches!(before, ' ' | 'e');
            before = c;
            !(c.is_ascii_alphanumeric() || c == '.' || sign)
        });
        let token = &rest[..end.unwrap_or(rest.len())];
        self.at += token.len();
        token
    }

    /// `name=`, with the name found before.
    fn key(&mut self, name: &str) -> Result<()> {
        self.keyword(name)?;
        self.expect("=")
    }

    fn keyword(&mut self, name: &str) -> Result<()> {
        match self.word(name) {
            true => Ok(()),
            false => self.fail(&format!("expected `{name}=`")),
        }
    }

    /// Takes `word` if it is next and no longer word.
    fn word(&mut self, word: &str) -> bool {
        self.skip();
        let follows = self.rest().strip_prefix(word);
        let is_whole =
            follows.is_some_and(|f| !f.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
        if is_whole {
            self.at += word.len();
        }
        is_whole
    }

    /// Takes `mark` if it is next.
    fn take(&mut self, mark: &str) -> bool {
        self.skip();
        let found = self.rest().starts_with(mark);
        if found {
            self.at += mark.len();
        }
        found
    }

    fn expect(&mut self, mark: &str) -> Result<()> {
        match self.take(mark) {
            true => Ok(()),
            false => self.fail(&format!("expected `{mark}`")),
        }
    }

    /// Items with commas, up to and with `close`.
    fn items<T>(
        &mut self,
        close: &str,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut out = Vec::new();
        if self.take(close) {
            return Ok(out);
        }
        loop {
            out.push(item(self)?);
            if self.take(close) {
                return Ok(out);
            }
            self.expect(",")?;
        }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&mut self) -> Option<char> {
        self.skip();
        self.rest().chars().next()
    }

    fn position(&mut self) -> usize {
        self.skip();
        self.at
    }

    /// Skips white space and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    fn fail<T>(&mut self, message: &str) -> Result<T> {
        let at = self.position();
        Err(self.error_at(at, message))
    }

    fn error_at(&self, at: usize, message: &str) -> Box<Error> {
        let place = self.place(at);
        let (line, column) = (place.span.line, place.span.column + 1);
        let message = format!("{message} (line {line}, column {column})");
        Error::new(ErrorKind::Syntax { message }).at(place)
    }

    fn place(&self, at: usize) -> Place {
        let before = &self.text[..at];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() as u32 + 1;
        let column = self.text[start..at].chars().count() as u32;
        let text = self.text[start..].lines().next().unwrap_or_default();
        Place {
            file: Arc::from("<graph>"),
            span: Span {
                line,
                column,
                end_line: line,
                end_column: column + 1,
            },
            text: Some(Arc::from(text)),
        }
    }
}

/// An element of an array constant.
trait Scalar: Element {
    fn read(parser: &mut Parser<'_>) -> Result<Self>;
    /// From as many bytes as it has, as they are in memory.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

macro_rules! integers {
    ($($t:ty)*) => {$(
        impl Scalar for $t {
            fn read(parser: &mut Parser<'_>) -> Result<Self> {
                let start = parser.position();
                let parsed = parser.token().parse();
                parsed.map_err(|_| parser.error_at(start, concat!("expected an ", stringify!($t))))
            }
            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                Some(<$t>::from_ne_bytes(bytes.try_into().ok()?))
            }
        }
    )*};
}
integers!(i8 i16 i32 i64 u8 u16 u32 u64);

impl Scalar for bool {
    fn read(parser: &mut Parser<'_>) -> Result<Self> {
        if parser.word("True") {
            Ok(true)
        } else if parser.word("False") {
            Ok(false)
        } else {
            parser.fail("expected `True` or `False`")
        }
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

macro_rules! floats {
    ($($t:ident $bits:ident)*) => {$(
        impl Scalar for $t {
            fn read(parser: &mut Parser<'_>) -> Result<Self> {
                let start = parser.position();
                let token = parser.token();
                if token == "nan" && parser.take("(") {
                    parser.expect("0x")?;
                    let bits = $bits::from_str_radix(parser.token(), 16);
                    parser.expect(")")?;
                    let value = bits.ok().map($t::from_bits).filter(|x| x.is_nan());
                    return value.ok_or_else(|| parser.error_at(start, "these are no bits of a NaN"));
                }
                token.parse().map_err(|_| parser.error_at(start, "expected a number"))
            }
            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                Some($t::from_ne_bytes(bytes.try_into().ok()?))
            }
        }
    )*};
}
floats!(f32 u32 f64 u64);

macro_rules! complexes {
    ($($t:ident $part:ident)*) => {$(
        impl Scalar for $t {
            fn read(parser: &mut Parser<'_>) -> Result<Self> {
                parser.keyword("complex")?;
                parser.complex::<$part>()
            }
            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                let (re, im) = bytes.split_at(bytes.len() / 2);
                Some($t::new($part::from_bytes(re)?, $part::from_bytes(im)?))
            }
        }
    )*};
}
complexes!(Complex32 f32 Complex64 f64);
