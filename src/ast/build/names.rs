//! Variables, unpacking, closures and calls.
//!
//! In: a name. Out: what it is called in the block form, inside comprehensions that hide it:
//!
//! ```text
//! hide x: load x => $x      reveal x: load x => x
//! ```

use std::sync::Arc;

use super::make::{call, constant, int, intrinsic_call, is_name, name, name_of, subscript};
use super::{Builder, Slot};
use crate::ast::py::{self, Constant, Expr, Stmt};
use crate::ast::{Code, intrinsic};
use crate::error::Result;

impl Builder {
    /// A variable's name here, inside comprehensions that hide it.
    fn visible<'s>(&'s self, id: &'s str) -> &'s str {
        self.stack
            .iter()
            .rev()
            .find_map(|slot| match slot {
                Slot::Outer { name, alias } if name == id => Some(alias.as_str()),
                _ => None,
            })
            .unwrap_or(id)
    }

    pub fn load(&mut self, id: &str) {
        let atom = name(self.visible(id));
        self.push(atom);
    }

    /// `id = <top>`.
    pub fn store(&mut self, id: &str) -> Result<()> {
        let id = self.visible(id).to_owned();
        let slot = self.pop_slot()?;
        let busy = self
            .stack
            .iter()
            .filter_map(Slot::atom)
            .any(|atom| is_name(atom, &id));
        let value = match slot {
            Slot::Item(item) if !busy => item,
            slot => {
                self.stack.push(slot);
                let atom = self.pop()?;
                match busy {
                    false => self.take_last(&atom).unwrap_or(atom),
                    true => atom,
                }
            }
        };
        self.save(&id);
        self.save_cells();
        self.assignment(name(&id), value);
        Ok(())
    }

    pub fn delete(&mut self, target: Expr) {
        if let Some(id) = name_of(&target) {
            let id = id.to_owned();
            self.save(&id);
        }
        self.save_cells();
        self.statement(Stmt::Delete(py::StmtDelete {
            range: Default::default(),
            targets: vec![target],
        }));
    }

    /// `target = value`, the target an attribute or a subscript of atoms.
    pub fn store_to(&mut self, target: Expr, value: Expr) {
        self.save_cells();
        self.assignment(target, value);
    }

    /// A comprehension's variable: hides `id` until [`Self::reveal`].
    pub fn hide(&mut self, id: &str) {
        self.temporaries += 1;
        self.stack.push(Slot::Outer {
            name: id.to_owned(),
            alias: format!("${id}#{}", self.temporaries - 1),
        });
    }

    /// The variable just hidden is captured by a function inside the comprehension, which finds it by
    /// its own name: so it keeps that, in a cell of its own.
    pub fn hide_cell(&mut self, id: &str) {
        let Some(at) = self
            .stack
            .iter()
            .rposition(|slot| matches!(slot, Slot::Outer { name, .. } if name == id))
        else {
            return;
        };
        self.save(id);
        let atom = self.assign_temporary(intrinsic_call(
            intrinsic::FRESH,
            vec![constant(id.to_owned())],
        ));
        if let Some(slot) = self.stack.get_mut(at) {
            *slot = Slot::OuterCell(atom);
        }
    }

    /// Whether a comprehension's variable hides `id` here.
    pub fn hidden(&self, id: &str) -> bool {
        self.stack
            .iter()
            .any(|slot| matches!(slot, Slot::Outer { name, .. } if name == id))
    }

    /// Ends what [`Self::hide`] began; the saved slot is on the top.
    pub fn reveal(&mut self, id: &str) -> Result<()> {
        match self.pop_slot()? {
            Slot::OuterCell(cell) => {
                self.save(id);
                self.effect_intrinsic(intrinsic::RESTORE, vec![constant(id.to_owned()), cell])
            }
            _ => Ok(()),
        }
    }

    /// Pushes the `count` items of the top, the first on top. `after`: with a star before that many.
    pub fn unpack(&mut self, before: usize, after: Option<usize>) -> Result<()> {
        let value = self.pop()?;
        let mut args = vec![value, int(before)];
        args.extend(after.map(int));
        let items = self.assign_temporary(intrinsic_call(intrinsic::UNPACK, args));
        let count = before + after.map_or(0, |after| after + 1);
        for index in (0..count).rev() {
            self.stack
                .push(Slot::Item(subscript(items.clone(), int(index))));
        }
        Ok(())
    }

    /// Adds a code object to `Function::nested`, and pushes its closure.
    pub fn closure(&mut self, code: &Arc<Code>, defaults: Expr, kwdefaults: Expr) {
        let index = self.nested_index(code);
        self.stack.push(Slot::Closure(index, defaults, kwdefaults));
    }

    fn nested_index(&mut self, code: &Arc<Code>) -> usize {
        let found = self
            .nested
            .iter()
            .position(|known| Arc::ptr_eq(known, code));
        found.unwrap_or_else(|| {
            self.nested.push(Arc::clone(code));
            self.nested.len() - 1
        })
    }

    pub fn nested_code(&self, index: usize) -> Option<&Arc<Code>> {
        self.nested.get(index)
    }

    /// Makes the list display just emitted, still empty, one of `items`. False: it is another list.
    pub fn fill_display(&mut self, container: &Expr, items: Vec<Constant>) -> bool {
        let Some(last) = self
            .current
            .and_then(|at| self.blocks.get_mut(at))
            .and_then(|draft| draft.statements.last_mut())
        else {
            return false;
        };
        if let Stmt::Assign(assign) = &mut last.node
            && assign.targets.first() == Some(container)
            && let Expr::List(display) = &mut *assign.value
            && display.elts.is_empty()
        {
            display.elts = items.into_iter().map(constant).collect();
            return true;
        }
        false
    }

    /// Whether the last statement made `atom` by a conversion to a string.
    pub fn just_formatted(&self, atom: &Expr) -> bool {
        let draft = self.current.and_then(|at| self.blocks.get(at));
        let Some(Stmt::Assign(last)) = draft
            .and_then(|draft| draft.statements.last())
            .map(|last| &last.node)
        else {
            return false;
        };
        last.targets.first() == Some(atom)
            && matches!(&*last.value, Expr::Call(call)
                if is_name(&call.func, intrinsic::FORMAT)
                    && !matches!(call.args.get(1), Some(Expr::Constant(c)) if c.value == Constant::Str(String::new())))
    }

    /// Pushes the call's result. `super()` without arguments has a meaning of its own.
    pub fn call(&mut self, func: Expr, args: Vec<Expr>, keywords: Vec<(Option<String>, Expr)>) {
        let implicit = is_name(&func, "super")
            && args.is_empty()
            && keywords.is_empty()
            && self.code.freevars.iter().any(|free| free == "__class__");
        match implicit {
            true => self.emit_intrinsic(intrinsic::SUPER, Vec::new()),
            false => self.emit(call(func, args, keywords)),
        }
    }
}
