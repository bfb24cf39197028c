//! Blocks in reading order, without the empty, the unreachable and the unnecessary.
//!
//! In: blocks as a front made them. Out: the same program with gotos threaded, chains merged,
//! handlers that only raise again removed, blocks numbered in reverse postorder and temporaries in
//! order of appearance, so that listings do not depend on how a front went about it:
//!
//! ```text
//! 0: goto 3    3: $7 = x + 1    goto 5    5: return $7    =>    0: $0 = x + 1    return $0
//! ```

use std::collections::HashMap;

use super::py::{Expr, Stmt};
use super::{Block, BlockId, Located, Terminator, intrinsic};

pub(super) fn tidy(blocks: &mut Vec<Block>) {
    drop_useless_handlers(blocks);
    thread(blocks);
    merge(blocks);
    reorder(blocks);
    rename(blocks);
}

/// The blocks a terminator may go to.
fn targets_mut(end: &mut Terminator) -> Vec<&mut BlockId> {
    match end {
        Terminator::Goto(target) => vec![target],
        Terminator::Branch {
            then, otherwise, ..
        } => vec![then, otherwise],
        Terminator::Next { body, exit, .. } => vec![body, exit],
        Terminator::Return(_) | Terminator::Raise { .. } | Terminator::Unread(_) => Vec::new(),
    }
}

fn targets(end: &Terminator) -> Vec<BlockId> {
    match end {
        Terminator::Goto(target) => vec![*target],
        Terminator::Branch {
            then, otherwise, ..
        } => vec![*then, *otherwise],
        Terminator::Next { body, exit, .. } => vec![*body, *exit],
        Terminator::Return(_) | Terminator::Raise { .. } | Terminator::Unread(_) => Vec::new(),
    }
}

/// Whether a handler does nothing but raise what it caught.
fn only_raises_again(block: &Block) -> bool {
    let (
        [
            Located {
                node: Stmt::Assign(caught),
                ..
            },
        ],
        Terminator::Raise {
            exception: Some(Expr::Name(raised)),
            cause: None,
        },
    ) = (block.statements.as_slice(), &block.end.node)
    else {
        return false;
    };
    let (Some(Expr::Name(target)), Expr::Call(call)) = (caught.targets.first(), &*caught.value)
    else {
        return false;
    };
    target.id == raised.id
        && matches!(&*call.func, Expr::Name(f) if f.id.as_str() == intrinsic::CAUGHT)
}

fn drop_useless_handlers(blocks: &mut [Block]) {
    for at in 0..blocks.len() {
        // Handlers of handlers form a chain, not a cycle; the bound is for malformed code.
        for _ in 0..blocks.len() {
            let Some(handler) = blocks[at].handler.and_then(|handler| blocks.get(handler)) else {
                break;
            };
            if !only_raises_again(handler) {
                break;
            }
            blocks[at].handler = handler.handler;
        }
    }
}

/// Skips empty blocks.
fn thread(blocks: &mut [Block]) {
    let destination: Vec<BlockId> = (0..blocks.len())
        .map(|start| {
            let mut at = start;
            for _ in 0..blocks.len() {
                match blocks.get(at) {
                    Some(Block {
                        statements,
                        end:
                            Located {
                                node: Terminator::Goto(next),
                                ..
                            },
                        ..
                    }) if statements.is_empty() => at = *next,
                    _ => break,
                }
            }
            at
        })
        .collect();
    for block in blocks {
        for target in targets_mut(&mut block.end.node) {
            *target = destination.get(*target).copied().unwrap_or(*target);
        }
        if let Some(handler) = &mut block.handler {
            *handler = destination.get(*handler).copied().unwrap_or(*handler);
        }
    }
}

/// Appends a block to its only predecessor.
fn merge(blocks: &mut [Block]) {
    let mut predecessors = vec![0usize; blocks.len()];
    let reachable = postorder(blocks);
    for &at in &reachable {
        for target in successors(&blocks[at]) {
            if let Some(count) = predecessors.get_mut(target) {
                *count += 1;
            }
        }
    }
    for at in reachable {
        while let Terminator::Goto(next) = blocks[at].end.node {
            if next == at || next == 0 || predecessors.get(next) != Some(&1) {
                break;
            }
            let fits = blocks.get(next).is_some_and(|other| {
                other.handler == blocks[at].handler
                    || cannot_raise(&blocks[at]) && blocks[at].statements.is_empty()
            });
            if !fits {
                break;
            }
            let end = Located {
                node: Terminator::Unread("code that is never reached".into()),
                span: blocks[next].end.span.clone(),
            };
            let statements = std::mem::take(&mut blocks[next].statements);
            let handler = blocks[next].handler;
            let end = std::mem::replace(&mut blocks[next].end, end);
            blocks[at].statements.extend(statements);
            blocks[at].end = end;
            blocks[at].handler = handler;
        }
    }
}

fn cannot_raise(block: &Block) -> bool {
    block.statements.is_empty()
}

fn successors(block: &Block) -> Vec<BlockId> {
    let mut all = targets(&block.end.node);
    all.extend(block.handler);
    all
}

fn postorder(blocks: &[Block]) -> Vec<BlockId> {
    let mut seen = vec![false; blocks.len()];
    let mut order = Vec::with_capacity(blocks.len());
    let mut pending = vec![(0, false)];
    while let Some((at, done)) = pending.pop() {
        if done {
            order.push(at);
            continue;
        }
        match seen.get_mut(at) {
            Some(mark) if !*mark => *mark = true,
            _ => continue,
        }
        pending.push((at, true));
        // The first successor should come first in the reverse, so it is visited last.
        for next in successors(&blocks[at]) {
            pending.push((next, false));
        }
    }
    order
}

fn reorder(blocks: &mut Vec<Block>) {
    let mut order = postorder(blocks);
    order.reverse();
    let position: HashMap<BlockId, BlockId> = order
        .iter()
        .enumerate()
        .map(|(new, &old)| (old, new))
        .collect();
    let mut kept = Vec::with_capacity(order.len());
    for &old in &order {
        let mut block = blocks[old].clone();
        for target in targets_mut(&mut block.end.node) {
            *target = position.get(target).copied().unwrap_or(0);
        }
        block.handler = block
            .handler
            .and_then(|handler| position.get(&handler).copied());
        kept.push(block);
    }
    *blocks = kept;
}

fn rename(blocks: &mut [Block]) {
    let mut renaming = Renaming::new();
    for block in blocks {
        for statement in &mut block.statements {
            match &mut statement.node {
                Stmt::Assign(assign) => {
                    rename_expr(&mut assign.value, &mut renaming);
                    for target in &mut assign.targets {
                        rename_expr(target, &mut renaming);
                    }
                }
                Stmt::Expr(expr) => rename_expr(&mut expr.value, &mut renaming),
                Stmt::Delete(delete) => {
                    for target in &mut delete.targets {
                        rename_expr(target, &mut renaming);
                    }
                }
                _ => {}
            }
        }
        match &mut block.end.node {
            Terminator::Branch { test, .. } => rename_expr(test, &mut renaming),
            Terminator::Next {
                iterator, target, ..
            } => {
                for id in [iterator, target] {
                    if let Some(new) = renaming.apply(id) {
                        *id = new;
                    }
                }
            }
            Terminator::Return(value) => rename_expr(value, &mut renaming),
            Terminator::Raise { exception, cause } => {
                for value in [exception, cause].into_iter().flatten() {
                    rename_expr(value, &mut renaming);
                }
            }
            Terminator::Goto(_) | Terminator::Unread(_) => {}
        }
    }
}

/// Every atom of an expression in A-normal form.
fn rename_expr(expr: &mut Expr, renaming: &mut Renaming) {
    match expr {
        Expr::Name(name) => {
            if let Some(new) = renaming.apply(&name.id) {
                name.id = new.into();
            }
        }
        Expr::BinOp(e) => {
            rename_expr(&mut e.left, renaming);
            rename_expr(&mut e.right, renaming);
        }
        Expr::UnaryOp(e) => rename_expr(&mut e.operand, renaming),
        Expr::Compare(e) => {
            rename_expr(&mut e.left, renaming);
            e.comparators
                .iter_mut()
                .for_each(|e| rename_expr(e, renaming));
        }
        Expr::Call(e) => {
            rename_expr(&mut e.func, renaming);
            e.args.iter_mut().for_each(|e| rename_expr(e, renaming));
            e.keywords
                .iter_mut()
                .for_each(|k| rename_expr(&mut k.value, renaming));
        }
        Expr::Attribute(e) => rename_expr(&mut e.value, renaming),
        Expr::Subscript(e) => {
            rename_expr(&mut e.value, renaming);
            rename_expr(&mut e.slice, renaming);
        }
        Expr::Starred(e) => rename_expr(&mut e.value, renaming),
        Expr::List(e) => e.elts.iter_mut().for_each(|e| rename_expr(e, renaming)),
        Expr::Tuple(e) => e.elts.iter_mut().for_each(|e| rename_expr(e, renaming)),
        Expr::Set(e) => e.elts.iter_mut().for_each(|e| rename_expr(e, renaming)),
        Expr::Dict(e) => {
            e.keys
                .iter_mut()
                .flatten()
                .for_each(|e| rename_expr(e, renaming));
            e.values.iter_mut().for_each(|e| rename_expr(e, renaming));
        }
        _ => {}
    }
}

/// Renames every temporary in order of appearance: `$0`, `$1`, ...; a comprehension's variable
/// `x` becomes `$x`, then `$x.1`.
struct Renaming {
    names: HashMap<String, String>,
    plain: usize,
    variables: HashMap<String, usize>,
}

impl Renaming {
    fn new() -> Renaming {
        Renaming {
            names: HashMap::new(),
            plain: 0,
            variables: HashMap::new(),
        }
    }

    fn apply(&mut self, id: &str) -> Option<String> {
        if !id.starts_with('$') || id.starts_with("$$") {
            return None;
        }
        if let Some(known) = self.names.get(id) {
            return Some(known.clone());
        }
        let new = match id[1..].split_once('#') {
            Some((variable, _)) => {
                let count = self.variables.entry(variable.to_owned()).or_insert(0);
                *count += 1;
                match *count {
                    1 => format!("${variable}"),
                    _ => format!("${variable}.{}", *count - 1),
                }
            }
            None => {
                self.plain += 1;
                format!("${}", self.plain - 1)
            }
        };
        self.names.insert(id.to_owned(), new.clone());
        Some(new)
    }
}
