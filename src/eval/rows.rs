//! Groups that follow each other row by row.
//!
//! In: the steps of groups over one iteration space. Out: the same, those joined that read of each other's
//! results nothing but the row at hand. A softmax of rows is a maximum, a sum of exponentials and a quotient:
//! three groups that are each run over a few rows while those are in cache, instead of three passes over memory.
//! Source: strip-mining after distribution, Allen and Kennedy, "Optimizing Compilers for Modern
//! Architectures" (2001), §6.3.

use std::sync::OnceLock;

use super::group::{Group, Instruction, PARALLEL_NS, Partition, Scope, Worker};
use super::plan::{Run, Source};
use super::step::Step;
use super::threads;
use crate::error::Result;

/// Groups of one partition into rows.
#[derive(Debug)]
pub struct Rows(Vec<Group>);

impl Rows {
    pub fn cost(&self) -> f64 {
        self.0.iter().map(|group| group.cost).sum()
    }

    /// # Errors
    /// What an operation raises for its operands' values.
    pub fn run(&self, run: &Run) -> Result<()> {
        let threads = match self.cost() > PARALLEL_NS {
            true => threads::get(),
            false => 1,
        };
        let failure = OnceLock::new();
        threads::run(self.0[0].partition.tasks(), threads, &|claims| {
            let mut workers: Vec<Worker> = vec![];
            for task in claims {
                if workers.is_empty() {
                    workers.extend(self.0.iter().map(|group| Worker::new(group, run)));
                }
                let done = workers.iter_mut().try_for_each(|worker| worker.task(task));
                if let Err(error) = done {
                    let _ = failure.set(error);
                    break;
                }
            }
        });
        failure.into_inner().map_or(Ok(()), Err)
    }
}

/// Joins neighbouring groups where rows allow. No memory may serve two values during the steps, unless
/// one is computed over the other element by element.
pub fn join(steps: Vec<Step>) -> Vec<Step> {
    let mut out = vec![];
    let mut open: Vec<Group> = vec![];
    for step in steps {
        match step {
            Step::Group(group) => match follow(&open, *group) {
                Ok(group) => {
                    for before in &mut open {
                        before.partition = group.partition;
                    }
                    open.push(group);
                }
                Err(group) => {
                    close(&mut open, &mut out);
                    open.push(*group);
                }
            },
            other => {
                close(&mut open, &mut out);
                out.push(other);
            }
        }
    }
    close(&mut open, &mut out);
    out
}

fn close(open: &mut Vec<Group>, out: &mut Vec<Step>) {
    match open.len() {
        0 => {}
        1 => out.extend(open.drain(..).map(|group| Step::Group(Box::new(group)))),
        _ => out.push(Step::Rows(Box::new(Rows(std::mem::take(open))))),
    }
}

/// The group, cut into rows as those before it, if it can be run with them.
fn follow(open: &[Group], mut group: Group) -> std::result::Result<Group, Box<Group>> {
    let Some(first) = open.first() else {
        return Err(Box::new(group));
    };
    let elements = group.partition.elements();
    if elements != first.partition.elements() {
        return Err(Box::new(group));
    }
    // Work without reductions can be cut anywhere: here, the way that those with them are.
    let cut = [first.partition, group.partition].into_iter().find(is_rows);
    let Some(rows) = cut else {
        return Err(Box::new(group));
    };
    let fits = |g: &Group| {
        let is_cut = g.partition == rows || g.folds.is_empty();
        is_cut && g.folds.iter().all(|fold| fold.scope == Scope::Rows)
    };
    if !open.iter().all(fits) || !fits(&group) || !reads_rows(&group, open, &rows) {
        return Err(Box::new(group));
    }
    group.partition = rows;
    Ok(group)
}

/// Whether a chunk is whole rows, several of them or one.
fn is_rows(partition: &Partition) -> bool {
    partition.outer > 1 && partition.inner == 1 && partition.pieces() == 1
}

/// Whether the group reads, of what those before it write, the row at hand only.
fn reads_rows(group: &Group, before: &[Group], rows: &Partition) -> bool {
    // Per element of the space, and per row.
    let is_whole = |source: Source| before.iter().any(|g| g.stored.contains(&source));
    let result = |source: Source| {
        let mut folds = before.iter().flat_map(|g| &g.folds);
        folds.find(|fold| fold.out.source == source)
    };
    let direct = group.direct.iter().all(|d| result(d.source).is_none());
    let uniform = group.uniforms.iter().all(|u| {
        let source = u.place.source;
        result(source).is_none() && !is_whole(source)
    });
    let loads = group.code.iter().all(|instruction| match instruction {
        Instruction::Call { .. } | Instruction::Row { .. } => true,
        Instruction::Load { source, walk, .. } => match result(*source) {
            Some(fold) => {
                walk.shape[..] == [rows.outer, rows.middle]
                    && walk.strides[..] == [fold.out_size as isize, 0]
                    && walk.offset == fold.out.layout.offset
            }
            None => !is_whole(*source),
        },
    });
    direct && uniform && loads
}
