//! Loops and branches as statements.
//!
//! In: a `Loop` or `Cond` node whose operands are written. Out: `for`, `while`, `if`, with the nested
//! graph's statements inside, and a variable per result that is read.
//!
//! ```text
//! s = 0.0
//! for i in range(x.shape[0]):
//!     s = s + x[i]
//! ```

use rustpython_ast::{Expr, Stmt};

use super::body::{Counts, Writer};
use super::facts::Facts;
use super::syntax::{
    add_to, assign, breaks, call, for_loop, if_else, int, name, not, subscript, tuple, while_loop,
};
use crate::error::{Error, Result};
use crate::graph::{Graph, NodeId};
use crate::ops::{Cond, Constant, Loop, Op};

impl Writer<'_, '_> {
    pub(super) fn loop_node(&mut self, id: NodeId, l: &Loop) -> Result<()> {
        let operands = self.facts.graph.operands(id);
        let first = operands.len() - l.carried;
        let mut inputs = Vec::with_capacity(operands.len());
        let index = self.claimed(&l.body, l.body.inputs()[0], "k");
        inputs.push(index.clone());
        for &operand in &operands[1..first] {
            inputs.push(self.written(operand));
        }
        let mut carried = Vec::with_capacity(l.carried);
        for (k, &operand) in operands[first..].iter().enumerate() {
            let inner = l.body.inputs()[first + k];
            let word = if l.conditional && k == 0 {
                "going"
            } else {
                "state"
            };
            let variable = self.claimed(&l.body, inner, word);
            let start = self.written(operand);
            self.statements.push(assign(variable.clone(), start));
            carried.push(variable);
        }
        inputs.extend(carried.iter().cloned());
        let stacks = self.stacks(id, l)?;
        let (mut statements, outputs) = self.within(&l.body, inputs)?;
        for (stack, row) in stacks.iter().zip(&outputs[l.carried..]) {
            if let Some(stack) = stack {
                let place = subscript(stack.clone(), index.clone());
                statements.push(assign(place, row.clone()));
            }
        }
        let moved: Vec<(Expr, Expr)> = carried
            .iter()
            .cloned()
            .zip(outputs[..l.carried].iter().cloned())
            .filter(|(to, from)| to != from)
            .collect();
        match &moved[..] {
            [] => {}
            [(to, from)] => statements.push(assign(to.clone(), from.clone())),
            _ => {
                let (to, from) = moved.into_iter().unzip();
                statements.push(assign(tuple(to), tuple(from)));
            }
        }
        let endless = matches!(
            self.facts.op(operands[0]),
            Op::Constant(Constant::Int(i64::MAX))
        );
        if l.conditional && endless {
            if reads(&l.body, l.body.inputs()[0]) {
                self.statements.push(assign(index.clone(), int(0)));
                statements.push(add_to(index, int(1)));
            }
            self.statements
                .push(while_loop(carried[0].clone(), statements));
        } else {
            if l.conditional {
                statements.insert(0, if_else(not(carried[0].clone()), vec![breaks()], vec![]));
            }
            let trips = self.written(operands[0]);
            let range = call("range", [trips], []);
            self.statements.push(for_loop(index, range, statements));
        }
        let results = carried.into_iter().map(Some).chain(stacks);
        self.bind_results(id, results.collect());
        Ok(())
    }

    /// Arrays for the rows that trips leave.
    fn stacks(&mut self, id: NodeId, l: &Loop) -> Result<Vec<Option<Expr>>> {
        let parts = self.facts.graph.parts(id);
        let mut out = Vec::new();
        for k in l.carried..l.body.outputs().len() {
            let Some(part) = parts.get(k).copied().flatten() else {
                out.push(None);
                continue;
            };
            let stack = self.variable(part);
            let empty = self.empty(part);
            self.statements.push(assign(stack.clone(), empty));
            out.push(Some(stack));
        }
        Ok(out)
    }

    pub(super) fn cond_node(&mut self, id: NodeId, c: &Cond) -> Result<()> {
        let operands = self.facts.graph.operands(id);
        let flag = self.written(operands[0]);
        let values: Vec<Expr> = operands[1..].iter().map(|&o| self.written(o)).collect();
        let parts = self.facts.graph.parts(id);
        let count = c.then.outputs().len();
        let results: Vec<Option<Expr>> = (0..count)
            .map(|k| {
                let part = parts.get(k).copied().flatten()?;
                self.is_referred(part).then(|| self.variable(part))
            })
            .collect();
        let mut sides = Vec::with_capacity(2);
        for side in [&c.then, &c.otherwise] {
            let (mut statements, outputs) = self.within(side, values.clone())?;
            for (to, from) in results.iter().zip(outputs) {
                if let Some(to) = to {
                    statements.push(assign(to.clone(), from));
                }
            }
            sides.push(statements);
        }
        let [then, otherwise] =
            <[Vec<Stmt>; 2]>::try_from(sides).map_err(|_| Error::internal("two sides"))?;
        self.statements.push(if_else(flag, then, otherwise));
        self.bind_results(id, results);
        Ok(())
    }

    fn bind_results(&mut self, id: NodeId, results: Vec<Option<Expr>>) {
        let parts = self.facts.graph.parts(id);
        for (part, result) in parts.iter().zip(results) {
            if let (Some(part), Some(result)) = (part, result) {
                self.bind(*part, result, false);
            }
        }
    }

    /// A free name like that of a nested graph's input.
    fn claimed(&mut self, graph: &Graph, id: NodeId, word: &str) -> Expr {
        let wanted = graph.node(id).name.as_deref().unwrap_or(word).to_owned();
        name(self.claim(&wanted))
    }

    /// The statements of a nested graph, and its outputs.
    fn within(&mut self, graph: &Graph, inputs: Vec<Expr>) -> Result<(Vec<Stmt>, Vec<Expr>)> {
        let facts = Facts::new(graph);
        let counts = Counts::of(&facts)?;
        let mut writer = Writer::new(&facts, self.signature, &counts);
        self.lend(&mut writer);
        for (&input, expr) in graph.inputs().iter().zip(inputs) {
            writer.bind(input, expr, false);
        }
        let written = writer.nodes().map(|()| {
            let outputs = graph.outputs().iter().map(|&o| writer.written(o));
            outputs.collect::<Vec<Expr>>()
        });
        self.lend_back(&mut writer);
        Ok((writer.statements, written?))
    }
}

/// Whether anything in a graph reads one of its inputs.
fn reads(graph: &Graph, input: NodeId) -> bool {
    graph.users(input).next().is_some() || graph.outputs().contains(&input)
}
