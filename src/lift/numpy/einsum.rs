//! Einstein's summation: subscripts in, contractions out.
//!
//! ```text
//! np.einsum("bij,bjk->bik", x, y)   contract(x, y) batch=(0, 0) contract=(2, 1)
//! ```
//!
//! Operands are combined from left to right. Before two meet, indices repeated within one are
//! reduced to their diagonal, and indices that nothing else needs are summed. The syntax is that of
//! `numpy.einsum`: implicit results list the indices that occur once, in alphabetical order, after
//! those of the ellipsis.

use super::Arg;
use super::argument::*;
use super::diagonal::diagonal_of;
use super::linalg::contract;
use super::signature::Call;
use crate::error::{Error, Result};
use crate::graph::{Builder, Dim, NodeId};
use crate::ops::{Axes, Elementwise as E, Reduction};

/// An index: a letter, or the k-th axis from the right of what `...` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Ellipsis(usize),
    Letter(char),
}

/// An operand and the names of its axes.
struct Term {
    node: NodeId,
    labels: Vec<Label>,
}

/// `np.einsum(subscripts, *operands)`, or operands each followed by its list of indices.
pub(super) fn einsum(call: &mut Call<'_>) -> Result<Arg> {
    let args = call.rest();
    let wanted = dtype(&call.arg("dtype"))?;
    let (text, operands) = match args.split_first() {
        Some((Arg::Str(text), operands)) => (text.clone(), operands.to_vec()),
        Some(_) => interleaved(call.b, &args)?,
        None => {
            return Err(Error::value(
                "must specify the einstein sum subscripts string and at least one operand, or at least one operand and its corresponding subscripts list",
            ));
        }
    };
    let mut nodes = promoted(call.b, &operands)?;
    if let Some(d) = wanted {
        for node in &mut nodes {
            *node = convert(call.b, *node, d)?;
        }
    }
    let node = sum(call.b, &text, nodes)?;
    Ok(scalar_or_array(call.b, node))
}

/// The list form as a string of letters.
fn interleaved(b: &mut Builder, args: &[Arg]) -> Result<(String, Vec<Arg>)> {
    let mut inputs = Vec::new();
    let mut operands = Vec::new();
    let letters = |b: &mut Builder, list: &Arg| -> Result<String> {
        let mut out = String::new();
        for item in items(b, list)? {
            match item {
                Arg::Ellipsis => out.push_str("..."),
                other => {
                    let k = known_integer(b, &other, "a subscript")?;
                    let letter = u32::try_from(k)
                        .ok()
                        .filter(|k| *k < 52)
                        .and_then(|k| char::from_u32(if k < 26 { 65 + k } else { 97 + k - 26 }));
                    out.push(letter.ok_or_else(|| {
                        Error::value("subscript is not within the valid range [0, 52)")
                    })?);
                }
            }
        }
        Ok(out)
    };
    let mut chunks = args.chunks_exact(2);
    for pair in &mut chunks {
        operands.push(pair[0].clone());
        inputs.push(letters(b, &pair[1])?);
    }
    let mut text = inputs.join(",");
    if let [output] = chunks.remainder() {
        text.push_str("->");
        text.push_str(&letters(b, output)?);
    }
    Ok((text, operands))
}

fn sum(b: &mut Builder, text: &str, nodes: Vec<NodeId>) -> Result<NodeId> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (inputs, output) = match text.split_once("->") {
        Some((inputs, output)) => (inputs.to_owned(), Some(output.to_owned())),
        None => (text, None),
    };
    let inputs: Vec<&str> = inputs.split(',').collect();
    if inputs.len() < nodes.len() {
        return Err(Error::value(
            "more operands provided to einstein sum function than specified in the subscripts string",
        ));
    }
    if inputs.len() > nodes.len() {
        return Err(Error::value(
            "fewer operands provided to einstein sum function than specified in the subscripts string",
        ));
    }
    let mut terms = Vec::with_capacity(nodes.len());
    for (k, (subscripts, node)) in inputs.iter().zip(nodes).enumerate() {
        let rank = b.aval(node).rank();
        let labels = read(subscripts, rank, k)?;
        terms.push(Term { node, labels });
    }
    let output = output_labels(output.as_deref(), &terms)?;
    let mut sizes = Sizes::default();
    for term in &terms {
        for (label, dim) in term.labels.iter().zip(b.aval(term.node).shape.clone()) {
            sizes.agree(b, *label, &dim)?;
        }
    }
    for term in &mut terms {
        simplify(b, term, &sizes)?;
    }
    combine(b, terms, &output, &sizes)
}

/// The subscripts of one operand, `...` written out.
fn read(text: &str, rank: usize, operand: usize) -> Result<Vec<Label>> {
    let letters = |part: &str| -> Result<Vec<Label>> {
        part.chars()
            .map(|c| match c {
                'a'..='z' | 'A'..='Z' => Ok(Label::Letter(c)),
                _ => Err(Error::value(format!(
                    "invalid subscript '{c}' in einstein sum subscripts string, subscripts must be letters"
                ))),
            })
            .collect()
    };
    let Some((before, after)) = text.split_once("...") else {
        let labels = letters(text)?;
        return if labels.len() == rank {
            Ok(labels)
        } else if labels.len() > rank {
            Err(Error::value(format!(
                "einstein sum subscripts string contains too many subscripts for operand {operand}"
            )))
        } else {
            Err(Error::value(
                "operand has more dimensions than subscripts given in einstein sum, but no '...' ellipsis provided to broadcast the extra dimensions.",
            ))
        };
    };
    let (mut labels, after) = (letters(before)?, letters(after)?);
    let Some(hidden) = rank.checked_sub(labels.len() + after.len()) else {
        return Err(Error::value(format!(
            "einstein sum subscripts string contains too many subscripts for operand {operand}"
        )));
    };
    labels.extend((0..hidden).rev().map(Label::Ellipsis));
    labels.extend(after);
    Ok(labels)
}

fn output_labels(text: Option<&str>, terms: &[Term]) -> Result<Vec<Label>> {
    let all: Vec<Label> = terms
        .iter()
        .flat_map(|t| t.labels.iter().copied())
        .collect();
    let hidden = all.iter().filter_map(|l| match l {
        Label::Ellipsis(k) => Some(k + 1),
        Label::Letter(_) => None,
    });
    let hidden = hidden.max().unwrap_or(0);
    let Some(text) = text else {
        let mut once: Vec<Label> = all
            .iter()
            .filter(|l| matches!(l, Label::Letter(_)))
            .filter(|l| all.iter().filter(|m| m == l).count() == 1)
            .copied()
            .collect();
        once.sort_unstable();
        let mut out: Vec<Label> = (0..hidden).rev().map(Label::Ellipsis).collect();
        out.extend(once);
        return Ok(out);
    };
    let letters = text.chars().filter(|c| *c != '.').count();
    let hidden = if text.contains("...") { hidden } else { 0 };
    let out = read(text, letters + hidden, terms.len())?;
    for (i, label) in out.iter().enumerate() {
        let name = match label {
            Label::Letter(c) => *c,
            Label::Ellipsis(_) => continue,
        };
        if out[..i].contains(label) {
            return Err(Error::value(format!(
                "einstein sum subscripts string includes output subscript '{name}' multiple times"
            )));
        }
        if !all.contains(label) {
            return Err(Error::value(format!(
                "einstein sum subscripts string included output subscript '{name}' which never appeared in an input"
            )));
        }
    }
    Ok(out)
}

/// The size of each index: 1 gives way to others, as in broadcasting.
#[derive(Default)]
struct Sizes(Vec<(Label, Dim)>);

impl Sizes {
    fn agree(&mut self, b: &mut Builder, label: Label, dim: &Dim) -> Result<()> {
        let Some(known) = self.0.iter_mut().find(|(l, _)| *l == label) else {
            self.0.push((label, dim.clone()));
            return Ok(());
        };
        if known.1.is_one() {
            known.1 = dim.clone();
        } else if !dim.is_one() && !b.assume_equal(&known.1, dim) {
            return Err(Error::value(format!(
                "operands could not be broadcast together with remapped shapes [original->remapped]: sizes {} and {dim} of one index ",
                known.1
            )));
        }
        Ok(())
    }

    fn of(&self, label: Label) -> Dim {
        let found = self.0.iter().find(|(l, _)| *l == label);
        found.map_or(Dim::known(1), |(_, d)| d.clone())
    }
}

/// Drops axes of size 1 that stand for longer ones; takes diagonals of repeated indices.
fn simplify(b: &mut Builder, term: &mut Term, sizes: &Sizes) -> Result<()> {
    let shape = b.aval(term.node).shape.clone();
    let broadcast = |i: &usize| shape[*i].is_one() && !sizes.of(term.labels[*i]).is_one();
    let kept: Vec<usize> = (0..shape.len()).filter(|i| !broadcast(i)).collect();
    if kept.len() < shape.len() {
        let sizes = kept.iter().map(|&i| shape[i].clone()).collect();
        term.node = b.reshape(term.node, sizes)?;
        term.labels = kept.iter().map(|&i| term.labels[i]).collect();
    }
    'again: loop {
        for i in 0..term.labels.len() {
            let label = term.labels[i];
            if let Some(j) = (i + 1..term.labels.len()).find(|&j| term.labels[j] == label) {
                term.node = diagonal_of(b, term.node, &Dim::known(0), i, j)?;
                term.labels.remove(j);
                term.labels.remove(i);
                term.labels.push(label);
                continue 'again;
            }
        }
        return Ok(());
    }
}

fn combine(b: &mut Builder, terms: Vec<Term>, output: &[Label], sizes: &Sizes) -> Result<NodeId> {
    let mut rest: std::collections::VecDeque<Term> = terms.into();
    let Some(mut left) = rest.pop_front() else {
        return Err(Error::value("no operands"));
    };
    loop {
        let needed = |label: &Label, rest: &std::collections::VecDeque<Term>| {
            output.contains(label) || rest.iter().any(|t| t.labels.contains(label))
        };
        let lone: Axes = (0..left.labels.len())
            .filter(|&i| !needed(&left.labels[i], &rest))
            .collect();
        sum_out(b, &mut left, lone)?;
        let Some(mut right) = rest.pop_front() else {
            break;
        };
        let lone: Axes = (0..right.labels.len())
            .filter(|&i| {
                !needed(&right.labels[i], &rest) && !left.labels.contains(&right.labels[i])
            })
            .collect();
        sum_out(b, &mut right, lone)?;
        left = multiply(b, left, right, |label| needed(label, &rest))?;
    }
    finish(b, left, output, sizes)
}

fn sum_out(b: &mut Builder, term: &mut Term, axes: Axes) -> Result<()> {
    if axes.is_empty() {
        return Ok(());
    }
    let mut i = 0;
    term.labels.retain(|_| {
        i += 1;
        !axes.contains(&(i - 1))
    });
    // Within einsum integers keep their dtype.
    term.node = b.reduce(Reduction::Sum, term.node, axes)?;
    Ok(())
}

fn multiply(
    b: &mut Builder,
    left: Term,
    right: Term,
    needed: impl Fn(&Label) -> bool,
) -> Result<Term> {
    let mut batch = smallvec::SmallVec::new();
    let mut summed = smallvec::SmallVec::new();
    let mut labels = Vec::new();
    for (i, label) in left.labels.iter().enumerate() {
        if let Some(j) = right.labels.iter().position(|l| l == label) {
            if needed(label) {
                batch.push((i, j));
                labels.push(*label);
            } else {
                summed.push((i, j));
            }
        }
    }
    if summed.is_empty() && (batch.len() == left.labels.len() || batch.len() == right.labels.len())
    {
        return multiply_elements(b, left, right);
    }
    let free = |of: &Term, other: &Term| {
        let labels = of.labels.iter().copied();
        labels
            .filter(|l| !other.labels.contains(l))
            .collect::<Vec<_>>()
    };
    labels.extend(free(&left, &right));
    labels.extend(free(&right, &left));
    let node = contract(b, left.node, right.node, batch, summed)?;
    Ok(Term { node, labels })
}

/// One operand has no index that the other lacks: an ordinary product.
fn multiply_elements(b: &mut Builder, left: Term, right: Term) -> Result<Term> {
    let (large, small) = if left.labels.len() >= right.labels.len() {
        (left, right)
    } else {
        (right, left)
    };
    let order = large.labels.iter();
    let perm: Axes = order
        .filter_map(|l| small.labels.iter().position(|m| m == l))
        .collect();
    let moved = b.transpose(small.node, perm)?;
    let absent: Vec<usize> = (0..large.labels.len())
        .filter(|&i| !small.labels.contains(&large.labels[i]))
        .collect();
    let moved = expand(b, moved, &absent)?;
    let node = binary(b, E::Multiply, large.node, moved)?;
    Ok(Term {
        node,
        labels: large.labels,
    })
}

/// The result's axes in order; an index that only had size 1 operands is there too.
fn finish(b: &mut Builder, term: Term, output: &[Label], sizes: &Sizes) -> Result<NodeId> {
    let present: Vec<Label> = output
        .iter()
        .copied()
        .filter(|l| term.labels.contains(l))
        .collect();
    let perm: Axes = present
        .iter()
        .filter_map(|l| term.labels.iter().position(|m| m == l))
        .collect();
    let node = b.transpose(term.node, perm)?;
    let shape = output.iter().map(|l| sizes.of(*l)).collect();
    b.broadcast_to(node, shape)
}
