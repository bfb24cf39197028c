//! From the nodes of a fusion group to a program for its machine.
//!
//! In: nodes over one iteration space, and the places of their operands. Out: a [`Group`].
//! `exp(x) * 2.0` becomes: slot 0 is `x` in place, slot 1 a register, slot 2 the constant, slot 3 the
//! output in place; `exp(0) -> 1`, `multiply(1, 2) -> 3`.
//! Source: linear scan, Poletto and Sarkar (1999), which is exact here: the program has no branches.

use std::collections::{HashMap, HashSet};

use smallvec::{SmallVec, smallvec};

use super::group::{CHUNK, Direct, FoldStep, Group, Instruction, Partition, Scope, Slot, Uniform};
use super::kernels;
use super::layout::Walk;
use super::machine;
use super::merge::{merge, trees};
use super::plan::{Place, Planner, Source};
use super::reduce::{fold, ufunc_name};
use super::value::Sizes;
use crate::error::{Error, Result};
use crate::graph::{DType, NodeId};
use crate::ops::{Axes, Elementwise, Op, Reduction, Space};

/// Compiles nodes as one group; `None` if they do not share an iteration space.
///
/// # Errors
/// NumPy's, for minima and maxima of nothing; a kernel that is missing.
pub fn compile(planner: &mut Planner<'_>, nodes: &[NodeId]) -> Result<Option<Group>> {
    let Some(space) = shared_space(planner, nodes)? else {
        return Ok(None);
    };
    let reduced = nodes.iter().filter_map(|&id| reduced_axes(planner, id));
    let reduced: Vec<Axes> = reduced.cloned().collect();
    let Some((partition, order)) = partition(&space, &reduced) else {
        return Ok(None);
    };
    let mut compiler = Compiler {
        planner,
        members: nodes.iter().copied().collect(),
        order,
        space,
        group: Group {
            partition,
            ..Group::default()
        },
        slots: vec![],
        values: HashMap::new(),
    };
    if compiler.order.is_some() && nodes.iter().any(|&id| compiler.is_stored(id)) {
        return Ok(None);
    }
    for &id in nodes {
        compiler.node(id)?;
    }
    Ok(Some(compiler.finish()))
}

/// The shape over which all the nodes are computed.
pub(super) fn shared_space(planner: &Planner<'_>, nodes: &[NodeId]) -> Result<Option<Sizes>> {
    let mut shared: Option<Sizes> = None;
    for &id in nodes {
        let space = match planner.graph.op(id).space() {
            Some(Space::Operand) => planner.shape(planner.graph.operands(id)[0])?,
            Some(Space::Result) => planner.shape(id)?,
            None => return Ok(None),
        };
        // A reduction's result is complete only after the group.
        let reads_reduction = planner
            .graph
            .operands(id)
            .iter()
            .any(|&o| reduced_axes(planner, o).is_some() && nodes.contains(&o));
        if reads_reduction || *shared.get_or_insert_with(|| space.clone()) != space {
            return Ok(None);
        }
    }
    Ok(shared)
}

fn reduced_axes<'a>(planner: &Planner<'a>, id: NodeId) -> Option<&'a Axes> {
    match planner.graph.op(id) {
        Op::Reduce { axes, .. } => Some(axes),
        _ => None,
    }
}

/// Cuts the space for all these reductions at once, after reordering its axes if need be.
fn partition(space: &[usize], reduced: &[Axes]) -> Option<(Partition, Option<Axes>)> {
    let whole = Partition {
        outer: 1,
        middle: space.iter().product(),
        inner: 1,
    };
    let mut chosen = whole;
    for axes in reduced {
        match cut(space, axes) {
            Some(cut) if cut == chosen || is_whole(&cut) => {}
            Some(cut) if is_whole(&chosen) => chosen = cut,
            Some(_) => return None,
            // The reduced axes are apart: bring them together at the end.
            None if reduced.iter().all(|other| other == axes) => {
                let kept = (0..space.len()).filter(|a| !axes.contains(a));
                let order: Axes = kept.chain(axes.iter().copied()).collect();
                let count: usize = axes.iter().map(|&a| space[a]).product();
                let outer = space
                    .iter()
                    .enumerate()
                    .filter(|(a, _)| !axes.contains(a))
                    .map(|(_, n)| n)
                    .product();
                let cut = Partition {
                    outer,
                    middle: count,
                    inner: 1,
                };
                return Some((cut, Some(order)));
            }
            None => return None,
        }
    }
    Some((chosen, None))
}

fn is_whole(cut: &Partition) -> bool {
    cut.outer == 1 && cut.inner == 1
}

/// The space as `(kept, reduced, kept)`, if the reduced axes are neighbours.
fn cut(space: &[usize], axes: &[usize]) -> Option<Partition> {
    let mut cut = Partition {
        outer: 1,
        middle: 1,
        inner: 1,
    };
    let mut seen = false;
    for (axis, &size) in space.iter().enumerate().filter(|&(_, &n)| n != 1) {
        if axes.contains(&axis) {
            if cut.inner != 1 {
                return None;
            }
            cut.middle *= size;
            seen = true;
        } else if seen {
            cut.inner *= size;
        } else {
            cut.outer *= size;
        }
    }
    Some(match seen {
        true => cut,
        // Only axes of size 1 are reduced: rows of one element.
        false => Partition {
            outer: cut.outer,
            middle: 1,
            inner: 1,
        },
    })
}

/// What the compiler knows of a slot.
struct SlotInfo {
    /// Bytes of an element.
    size: usize,
    home: Home,
}

#[derive(Clone, Copy, PartialEq)]
enum Home {
    /// Points to memory elsewhere.
    None,
    /// A register from its definition to its last use.
    Register,
    /// A register for the whole run.
    Pinned,
}

struct Compiler<'a, 'p> {
    planner: &'a mut Planner<'p>,
    members: HashSet<NodeId>,
    space: Sizes,
    /// The axes of the space in the order in which they are walked, if not their own.
    order: Option<Axes>,
    group: Group,
    slots: Vec<SlotInfo>,
    /// Where a node's value is, in a dtype.
    values: HashMap<(NodeId, DType), Slot>,
}

impl Compiler<'_, '_> {
    fn slot(&mut self, dtype: DType, home: Home) -> Slot {
        let size = dtype.size();
        self.slots.push(SlotInfo { size, home });
        self.slots.len() as Slot - 1
    }

    /// Whether someone outside the group needs the value.
    fn is_stored(&self, id: NodeId) -> bool {
        reduced_axes(self.planner, id).is_none()
            && (self.planner.is_export(id)
                || self.planner.readers(id).any(|u| !self.members.contains(&u)))
    }

    fn node(&mut self, id: NodeId) -> Result<()> {
        let operands = self.planner.graph.operands(id);
        match self.planner.graph.op(id) {
            Op::Elementwise(op) => self.elementwise(id, *op, &operands),
            Op::Cast(dtype) => self.cast(id, operands[0], *dtype),
            Op::Reduce { kind, axes } => self.reduce(id, operands[0], *kind, axes),
            _ => Err(Error::internal("a structural operation in a fusion group")),
        }
    }

    /// A slot for the node's result: its place in memory if it has one, or a register.
    fn result(&mut self, id: NodeId, dtype: DType) -> Result<Slot> {
        let slot = if self.is_stored(id) {
            let place = self.planner.destination_over(id)?;
            let slot = self.slot(dtype, Home::None);
            self.group.stored.push(place.source);
            self.group.direct.push(Direct {
                slot,
                source: place.source,
                offset: place.layout.offset,
                size: dtype.size(),
            });
            slot
        } else {
            self.slot(dtype, Home::Register)
        };
        self.values.insert((id, dtype), slot);
        Ok(slot)
    }

    fn elementwise(&mut self, id: NodeId, op: Elementwise, operands: &[NodeId]) -> Result<()> {
        let graph = self.planner.graph;
        let avals: SmallVec<[_; 4]> = operands.iter().map(|&o| graph.aval(o)).collect();
        let resolution = op.result_dtype(&avals)?;
        let slots = operands.iter().zip(&resolution.operands);
        let slots = slots
            .map(|(&operand, &dtype)| self.operand(operand, dtype))
            .collect::<Result<SmallVec<[Slot; 3]>>>()?;
        let kernel = kernels::lookup(op, &resolution.operands).ok_or_else(|| {
            Error::internal(format!("no loop of {op:?} for {:?}", resolution.operands))
        })?;
        let slot = self.result(id, resolution.out)?;
        self.group.cost += cost(op);
        self.group.code.push(Instruction::Call {
            kernel,
            check: kernels::check(op, &resolution),
            slot,
            operands: slots,
            arithmetic: machine::dtype_of(&resolution).map(|dtype| (op, dtype)),
        });
        Ok(())
    }

    fn cast(&mut self, id: NodeId, operand: NodeId, dtype: DType) -> Result<()> {
        let from = self.planner.graph.aval(operand).dtype;
        if from == dtype && !self.is_stored(id) {
            let slot = self.operand(operand, dtype)?;
            self.values.insert((id, dtype), slot);
            return Ok(());
        }
        let source = self.operand(operand, from)?;
        let slot = self.result(id, dtype)?;
        self.convert(source, from, slot, dtype);
        Ok(())
    }

    fn convert(&mut self, source: Slot, from: DType, slot: Slot, to: DType) {
        self.group.cost += 0.5;
        self.group.code.push(Instruction::Call {
            kernel: kernels::cast(from, to),
            check: None,
            slot,
            operands: smallvec![source],
            arithmetic: None,
        });
    }

    /// The slot that holds an operand in a dtype.
    fn operand(&mut self, id: NodeId, dtype: DType) -> Result<Slot> {
        if let Some(&slot) = self.values.get(&(id, dtype)) {
            return Ok(slot);
        }
        let own = self.planner.graph.aval(id).dtype;
        let slot = match self.values.get(&(id, own)) {
            Some(&slot) => slot,
            None => {
                let place = self.planner.place(id)?.clone();
                let layout = &place.layout;
                let steps = layout.shape.iter().zip(&layout.strides);
                if steps.into_iter().all(|(&n, &stride)| n == 1 || stride == 0) {
                    return self.uniform(id, place, dtype);
                }
                let slot = self.load(&place)?;
                self.values.insert((id, own), slot);
                slot
            }
        };
        if own == dtype {
            return Ok(slot);
        }
        let converted = self.slot(dtype, Home::Register);
        self.convert(slot, own, converted, dtype);
        self.values.insert((id, dtype), converted);
        Ok(converted)
    }

    /// A value that is the same for every element.
    fn uniform(&mut self, id: NodeId, place: Place, dtype: DType) -> Result<Slot> {
        let slot = if let Source::Constant(_) = place.source {
            let len = self.group.partition.elements().min(CHUNK);
            let source = self.planner.spread_constant(&place, dtype, len);
            let slot = self.slot(dtype, Home::None);
            self.group.constants.push((slot, source));
            slot
        } else {
            let from = place.layout.dtype;
            let slot = self.slot(dtype, Home::Pinned);
            self.group.uniforms.push(Uniform {
                slot,
                place,
                cast: (from != dtype).then(|| kernels::cast(from, dtype)),
                dtype,
            });
            slot
        };
        self.values.insert((id, dtype), slot);
        Ok(slot)
    }

    fn load(&mut self, place: &Place) -> Result<Slot> {
        let mut layout = self.planner.broadcast(&place.layout, &self.space)?;
        if let Some(order) = &self.order {
            layout = layout.transpose(order);
        }
        let dtype = layout.dtype;
        let aligned = layout.is_aligned() && self.planner.is_aligned(place.source);
        let slot = self.slot(dtype, Home::None);
        if aligned && layout.is_contiguous() {
            self.group.cost += 0.1;
            self.group.direct.push(Direct {
                slot,
                source: place.source,
                offset: layout.offset,
                size: dtype.size(),
            });
            return Ok(slot);
        }
        self.group.cost += 1.0;
        let register = self.slot(dtype, Home::Register);
        self.group.code.push(Instruction::Load {
            slot,
            register,
            source: place.source,
            walk: Walk::new(&layout),
            aligned,
        });
        Ok(slot)
    }

    fn reduce(&mut self, id: NodeId, operand: NodeId, kind: Reduction, axes: &Axes) -> Result<()> {
        let graph = self.planner.graph;
        let dtype = graph.aval(operand).dtype;
        let slot = self.operand(operand, dtype)?;
        let (first, out) = (fold(kind, dtype), graph.aval(id).dtype);
        if axes.iter().any(|&a| self.space[a] == 0) && first.identity.is_none() {
            return Err(super::group::no_identity(ufunc_name(kind)));
        }
        let partition = self.group.partition;
        let whole = cut(&self.space, axes).is_some_and(|cut| is_whole(&cut));
        let scope = match whole {
            true => Scope::All,
            false if partition.inner > 1 => Scope::Columns,
            false => Scope::Rows,
        };
        let place = self.planner.destination(id)?;
        let partials = self
            .planner
            .temporary(partition.partials(scope) * out.size());
        self.group.cost += 0.4;
        let accumulator = match scope {
            Scope::Columns => self.slot(out, Home::Pinned),
            Scope::All | Scope::Rows => slot,
        };
        self.group.folds.push(FoldStep {
            slot,
            first,
            second: fold(kind, out),
            size: dtype.size(),
            out_size: out.size(),
            out: place,
            scope,
            partials,
            accumulator,
        });
        Ok(())
    }

    /// Assigns registers and hands over the group.
    fn finish(mut self) -> Group {
        let is_private = |slot: Slot| {
            self.slots[slot as usize].home == Home::Register
                && self.group.folds.iter().all(|fold| fold.slot != slot)
        };
        let constants = self.group.constants.iter().map(|(slot, _)| *slot);
        let numbers = constants.chain(self.group.uniforms.iter().map(|u| u.slot));
        let numbers: HashSet<Slot> = numbers.collect();
        let code = std::mem::take(&mut self.group.code);
        // A short space is not worth the making.
        let code = match self.group.partition.elements() > CHUNK / 4 {
            true => trees(code, self.slots.len(), is_private, |slot| {
                numbers.contains(&slot)
            }),
            false => code,
        };
        self.group.code = merge(code, self.slots.len(), is_private);
        let mut last = vec![0; self.slots.len()];
        // A load's slot points into its register, which must live as long.
        let mut register_of: HashMap<Slot, Slot> = HashMap::new();
        for (at, instruction) in self.group.code.iter().enumerate() {
            if let Instruction::Load { slot, register, .. } = instruction {
                register_of.insert(*slot, *register);
            }
            for operand in instruction.touched().1 {
                let home = register_of.get(operand).unwrap_or(operand);
                last[*home as usize] = at;
            }
        }
        for fold in &self.group.folds {
            let home = register_of.get(&fold.slot).unwrap_or(&fold.slot);
            last[*home as usize] = usize::MAX;
        }
        let mut registers = Registers::default();
        for (slot, info) in self.slots.iter().enumerate() {
            if info.home == Home::Pinned {
                let register = registers.take();
                self.group.homes.push((slot as Slot, register));
            }
        }
        let mut homes: HashMap<Slot, u32> = HashMap::new();
        for (at, instruction) in self.group.code.iter().enumerate() {
            let (defined, operands) = instruction.touched();
            let mut ended: SmallVec<[Slot; 3]> = SmallVec::new();
            for operand in operands {
                let home = *register_of.get(operand).unwrap_or(operand);
                if last[home as usize] == at && homes.contains_key(&home) && !ended.contains(&home)
                {
                    ended.push(home);
                }
            }
            // The result may take an operand's register only if elements are of the same size.
            let size = self.slots[defined as usize].size;
            let (before, after): (Vec<Slot>, Vec<Slot>) = ended
                .into_iter()
                .partition(|&s| self.slots[s as usize].size == size);
            for slot in before {
                registers.free.extend(homes.remove(&slot));
            }
            if self.slots[defined as usize].home == Home::Register {
                let register = registers.take();
                self.group.homes.push((defined, register));
                // A value that nobody reads needs its register only now.
                if last[defined as usize] > at {
                    homes.insert(defined, register);
                } else {
                    registers.free.push(register);
                }
            }
            for slot in after {
                registers.free.extend(homes.remove(&slot));
            }
        }
        self.group.slots = self.slots.len();
        self.group.registers = registers.count as usize;
        self.group.cost *= self.group.partition.elements() as f64;
        self.group
    }
}

#[derive(Default)]
struct Registers {
    free: Vec<u32>,
    count: u32,
}

impl Registers {
    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.count += 1;
            self.count - 1
        })
    }
}

/// A rough estimate of nanoseconds per element: whether threads pay, not more.
fn cost(op: Elementwise) -> f64 {
    use super::super::ops::elementwise::Linearity;
    match op.def().linear {
        Linearity::Jointly(_) | Linearity::Each => 0.4,
        Linearity::No if op.def().partials.len() > 1 => 1.0,
        Linearity::No => 3.0,
    }
}
