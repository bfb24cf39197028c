//! What the blocks of a function say of loops: which blocks belong to one, where its branches meet
//! again, which names are still read.
//!
//! In: a function in block form. Out: a [`Flow`], and from it a [`Region`] per loop.
//!
//! ```text
//! 1: for i        loop of 1: {2, 3, 4}
//! 2: if a         the branch in 2 meets in 4
//! 3: x = 1
//! 4: y = x        read at the start of 4: x
//! ```
//!
//! Source: live variables and postdominators by iteration, Muchnick, sections 7.3 and 14.1.

use std::collections::{BTreeSet, HashSet};

use super::source::walk;
use super::{Block, BlockId, Function, Terminator, py};

/// Facts of all blocks.
#[derive(Debug)]
pub struct Flow {
    successors: Vec<Vec<BlockId>>,
    /// Whether each block returns from the function.
    returns: Vec<bool>,
    /// Names that may be read before they are assigned, at the start of each block.
    live: Vec<HashSet<String>>,
    /// Names that each block assigns.
    assigned: Vec<HashSet<String>>,
}

/// The blocks of a loop, without its head.
#[derive(Clone, Debug)]
pub struct Region {
    pub head: BlockId,
    pub blocks: BTreeSet<BlockId>,
}

impl Flow {
    pub fn new(function: &Function) -> Flow {
        let blocks = &function.blocks;
        let successors: Vec<Vec<BlockId>> = blocks.iter().map(successors).collect();
        let (mut reads, mut assigned) = (Vec::new(), Vec::new());
        for block in blocks {
            let (read, written) = names(block);
            reads.push(read);
            assigned.push(written);
        }
        let mut live = reads.clone();
        let mut changed = true;
        while changed {
            changed = false;
            for at in (0..blocks.len()).rev() {
                let before = live[at].len();
                let mut coming: HashSet<String> = HashSet::new();
                for &next in successors[at].iter().filter(|n| **n < blocks.len()) {
                    coming.extend(live[next].iter().cloned());
                }
                if let Terminator::Next { target, .. } = &blocks[at].end.node {
                    // Bound on the way into the body only; the way out keeps it.
                    let keeps = exit_reads(&blocks[at], &live, target);
                    if !keeps {
                        coming.remove(target);
                    }
                }
                // A handler starts from anywhere in the block.
                let handler = blocks[at].handler.filter(|h| *h < blocks.len());
                let caught = handler.map(|h| live[h].clone()).unwrap_or_default();
                let own = &assigned[at];
                let passing = coming.into_iter().filter(|name| !own.contains(name));
                live[at].extend(passing);
                live[at].extend(caught);
                changed |= live[at].len() > before;
            }
        }
        let returns = |block: &Block| matches!(block.end.node, Terminator::Return(_));
        Flow {
            successors,
            returns: blocks.iter().map(returns).collect(),
            live,
            assigned,
        }
    }

    /// Whether a name may be read, from the start of a block on, before it is assigned.
    pub fn reads(&self, block: BlockId, name: &str) -> bool {
        self.live.get(block).is_some_and(|l| l.contains(name))
    }

    /// The loop whose head is `head`: blocks are numbered in reverse postorder, so that a jump to a block
    /// that is not later closes a loop. None if the block heads no loop.
    pub fn region(&self, head: BlockId) -> Option<Region> {
        let mut before: Vec<Vec<BlockId>> = vec![vec![]; self.successors.len()];
        for (from, all) in self.successors.iter().enumerate() {
            for &to in all {
                if let Some(list) = before.get_mut(to) {
                    list.push(from);
                }
            }
        }
        let closing: Vec<BlockId> = before
            .get(head)?
            .iter()
            .copied()
            .filter(|&u| u >= head)
            .collect();
        if closing.is_empty() {
            return None;
        }
        let mut blocks = BTreeSet::new();
        for from in closing {
            blocks.extend(self.reach(from, head, &before));
        }
        Some(Region { head, blocks })
    }

    /// How deep the loops within a loop are: 0 if there is none.
    pub fn nesting(&self, region: &Region) -> usize {
        let inner = region.blocks.iter().filter_map(|&at| self.region(at));
        inner
            .map(|inner| 1 + self.nesting(&inner))
            .max()
            .unwrap_or(0)
    }

    /// The blocks that can be reached from `from` without passing `stop`.
    fn reach(&self, from: BlockId, stop: BlockId, edges: &[Vec<BlockId>]) -> BTreeSet<BlockId> {
        let mut seen = BTreeSet::new();
        let mut next = vec![from];
        while let Some(at) = next.pop() {
            if at != stop && at < edges.len() && seen.insert(at) {
                next.extend(&edges[at]);
            }
        }
        seen
    }

    /// Names that the blocks of a loop assign.
    pub fn assigned(&self, region: &Region) -> BTreeSet<String> {
        let blocks = region.blocks.iter().flat_map(|&at| &self.assigned[at]);
        blocks.cloned().collect()
    }

    /// Where all ways from a block of the loop meet again, if that is before the trip's end; from the
    /// head of an inner loop that is past, outside that.
    pub fn meeting(
        &self,
        region: &Region,
        from: BlockId,
        past: Option<&Region>,
    ) -> Option<BlockId> {
        // Per block, those that every way to the trip's end passes; `None` stands for all of them.
        let mut passed: Vec<Option<BTreeSet<BlockId>>> = vec![None; self.successors.len()];
        let mut changed = true;
        while changed {
            changed = false;
            for &at in region.blocks.iter().rev() {
                let mut common: Option<BTreeSet<BlockId>> = None;
                for &next in &self.successors[at] {
                    let ways = match region.blocks.contains(&next) {
                        true => passed[next].clone(),
                        false => Some(BTreeSet::new()),
                    };
                    common = match (common, ways) {
                        (common, None) => common,
                        (None, ways) => ways,
                        (Some(a), Some(b)) => Some(a.intersection(&b).copied().collect()),
                    };
                }
                // Ways that raise may be left out, those that return not.
                if self.returns[at] {
                    common = Some(BTreeSet::new());
                }
                if let Some(mut common) = common {
                    common.insert(at);
                    if passed[at].as_ref() != Some(&common) {
                        passed[at] = Some(common);
                        changed = true;
                    }
                }
            }
        }
        let mut candidates = passed.get(from)?.clone()?;
        candidates.remove(&from);
        if let Some(past) = past {
            candidates.retain(|c| !past.blocks.contains(c));
        }
        // The nearest: the one that passes all the others.
        candidates.iter().copied().find(|&c| {
            passed[c]
                .as_ref()
                .is_some_and(|after| candidates.iter().all(|other| after.contains(other)))
        })
    }
}

fn exit_reads(block: &Block, live: &[HashSet<String>], target: &str) -> bool {
    match &block.end.node {
        Terminator::Next { exit, .. } => live.get(*exit).is_some_and(|l| l.contains(target)),
        _ => true,
    }
}

fn successors(block: &Block) -> Vec<BlockId> {
    let mut out = match &block.end.node {
        Terminator::Goto(next) => vec![*next],
        Terminator::Branch {
            then, otherwise, ..
        } => vec![*then, *otherwise],
        Terminator::Next { body, exit, .. } => vec![*body, *exit],
        Terminator::Return(_) | Terminator::Raise { .. } | Terminator::Unread(_) => vec![],
    };
    out.extend(block.handler);
    out
}

/// The names that a block reads before it assigns them, and those it assigns.
fn names(block: &Block) -> (HashSet<String>, HashSet<String>) {
    let (mut read, mut written) = (HashSet::new(), HashSet::new());
    for statement in &block.statements {
        match &statement.node {
            py::Stmt::Assign(assign) => {
                note(&assign.value, &mut read, &written);
                for target in &assign.targets {
                    match target {
                        py::Expr::Name(name) => {
                            written.insert(name.id.to_string());
                        }
                        other => note(other, &mut read, &written),
                    }
                }
            }
            py::Stmt::Delete(delete) => {
                for target in &delete.targets {
                    match target {
                        py::Expr::Name(name) => {
                            written.insert(name.id.to_string());
                        }
                        other => note(other, &mut read, &written),
                    }
                }
            }
            py::Stmt::Expr(e) => note(&e.value, &mut read, &written),
            _ => {}
        }
    }
    match &block.end.node {
        Terminator::Branch { test, .. } => note(test, &mut read, &written),
        Terminator::Return(value) => note(value, &mut read, &written),
        Terminator::Next { iterator, .. } => {
            if !written.contains(iterator) {
                read.insert(iterator.clone());
            }
        }
        Terminator::Raise { exception, cause } => {
            for e in exception.iter().chain(cause) {
                note(e, &mut read, &written);
            }
        }
        Terminator::Goto(_) | Terminator::Unread(_) => {}
    }
    (read, written)
}

fn note(expr: &py::Expr, read: &mut HashSet<String>, written: &HashSet<String>) {
    if let py::Expr::Name(name) = expr {
        if !written.contains(name.id.as_str()) {
            read.insert(name.id.to_string());
        }
        return;
    }
    for inner in walk::expressions(expr) {
        note(inner, read, written);
    }
}
