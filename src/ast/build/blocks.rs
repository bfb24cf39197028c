//! Blocks, and the stack where control flow meets.
//!
//! In: ends of blocks. Out: blocks that agree on where the stack's values are: at depth `d` in `$sd`.
//!
//! ```text
//! x if c else y      1: $s0 = x   goto 3      2: $s0 = y   goto 3      3: push $s0
//! ```

use super::make::{is_name, name, name_of, spill_name};
use super::{Builder, Draft, Slot, underflow};
use crate::ast::py::Expr;
use crate::ast::{Block, BlockId, Front, Function, Located, Span, Terminator, tidy};
use crate::error::{Error, ErrorKind, Place, Result};

impl Builder {
    /// A block that several others may go to (`merges`), or only one.
    pub fn block(&mut self, merges: bool) -> BlockId {
        self.blocks.push(Draft {
            statements: Vec::new(),
            end: None,
            handler: None,
            entry: None,
            merges,
        });
        self.blocks.len() - 1
    }

    /// Whether this point can be reached.
    pub fn reachable(&self) -> bool {
        self.current.is_some()
    }

    /// Whether something goes to block `id`.
    pub fn entered(&self, id: BlockId) -> bool {
        self.blocks
            .get(id)
            .is_some_and(|draft| draft.entry.is_some())
    }

    /// Continues with block `id`, if anything goes there.
    pub fn start(&mut self, id: BlockId) {
        let handler = self.handler;
        self.current = None;
        self.stack.clear();
        if let Some(draft) = self.blocks.get_mut(id)
            && let Some(entry) = &draft.entry
        {
            self.stack = entry.clone();
            draft.handler = handler;
            self.current = Some(id);
        }
    }

    fn end(&mut self, node: Terminator) {
        let span = self.span.clone();
        if let Some(draft) = self.current.take().and_then(|at| self.blocks.get_mut(at)) {
            draft.end.get_or_insert(Located { node, span });
        }
    }

    /// Names the first `depth` slots by their depth.
    fn spill(&mut self, depth: usize) {
        for at in 0..depth {
            self.materialize(at);
        }
        let moved = |at: usize, atom: &Expr| !is_name(atom, &spill_name(at));
        let written: Vec<String> = (0..depth)
            .filter(|&at| {
                self.stack
                    .get(at)
                    .and_then(Slot::atom)
                    .is_some_and(|atom| moved(at, atom))
            })
            .map(spill_name)
            .collect();
        for id in &written {
            self.save(id);
        }
        for at in 0..depth {
            let Some(atom) = self.stack.get(at).and_then(Slot::atom) else {
                continue;
            };
            if !moved(at, atom) {
                continue;
            }
            let atom = atom.clone();
            let target = name(&spill_name(at));
            if let Some(place) = self.stack.get_mut(at).and_then(Slot::atom_mut) {
                *place = target.clone();
            }
            let value = self.take_last(&atom).unwrap_or(atom);
            self.assignment(target, value);
        }
    }

    /// Prepares going to `target` with the first `depth` slots.
    pub fn arrive(&mut self, target: BlockId, depth: usize) -> Result<()> {
        if self.current.is_none() {
            return Ok(());
        }
        let depth = depth.min(self.stack.len());
        if self.blocks.get(target).is_some_and(|draft| draft.merges) {
            self.spill(depth);
        }
        let entry: Vec<Slot> = self.stack.iter().take(depth).cloned().collect();
        let draft = self.blocks.get_mut(target).ok_or_else(underflow)?;
        match &draft.entry {
            None => draft.entry = Some(entry),
            Some(known) if known.len() == entry.len() => {}
            Some(_) => return Err(Error::internal("stacks of different depth meet")),
        }
        Ok(())
    }

    pub fn goto(&mut self, target: BlockId) -> Result<()> {
        self.leave(target, self.stack.len())
    }

    /// Goes to `target` with only the first `depth` slots.
    pub fn leave(&mut self, target: BlockId, depth: usize) -> Result<()> {
        self.arrive(target, depth)?;
        self.end(Terminator::Goto(target));
        Ok(())
    }

    /// Pops the test.
    pub fn branch(&mut self, then: BlockId, otherwise: BlockId) -> Result<()> {
        let depth = self.position(1)?;
        self.branch_at((then, depth), (otherwise, depth))
    }

    /// Tests the top; each side goes on with so many slots.
    pub fn branch_at(&mut self, then: (BlockId, usize), otherwise: (BlockId, usize)) -> Result<()> {
        self.peek(1)?;
        self.arrive(then.0, then.1)?;
        self.arrive(otherwise.0, otherwise.1)?;
        let test = self.pop()?;
        self.end(Terminator::Branch {
            test,
            then: then.0,
            otherwise: otherwise.0,
        });
        Ok(())
    }

    /// Advances the iterator on the top: `body` finds the item on the stack, `exit` gets `exit_depth` slots.
    pub fn next(&mut self, body: BlockId, exit: BlockId, exit_depth: usize) -> Result<()> {
        if !self.reachable() {
            return Ok(());
        }
        let at = self.position(1)?;
        self.materialize(at);
        while self.stack.len() < exit_depth {
            self.stack.push(Slot::Null);
        }
        self.arrive(exit, exit_depth)?;
        self.stack.truncate(at + 1);
        // The item must not be renamed between the terminator and the body.
        let first = match self.blocks.get(body).is_some_and(|draft| draft.merges) {
            true => self.block(false),
            false => body,
        };
        let target = self.fresh();
        self.push(name(&target));
        self.arrive(first, at + 2)?;
        let iterator = match self.stack.get(at).and_then(Slot::atom).and_then(name_of) {
            Some(iterator) => iterator.to_owned(),
            None => return Err(Error::internal("an iterator without a name")),
        };
        self.end(Terminator::Next {
            iterator,
            target,
            body: first,
            exit,
        });
        if first != body {
            self.start(first);
            self.goto(body)?;
        }
        Ok(())
    }

    pub fn ret(&mut self) -> Result<()> {
        let value = self.pop()?;
        self.end(Terminator::Return(value));
        Ok(())
    }

    pub fn raise(&mut self, exception: Option<Expr>, cause: Option<Expr>) {
        self.end(Terminator::Raise { exception, cause });
    }

    pub fn unread(&mut self, construct: impl Into<String>) {
        self.end(Terminator::Unread(construct.into()));
    }

    /// From here on exceptions go to `handler`, which keeps the stack as it is now.
    pub fn protect(&mut self, handler: Option<BlockId>) -> Result<()> {
        let next = self.block(true);
        self.goto(next)?;
        self.handler = handler;
        self.start(next);
        Ok(())
    }

    /// Declares that exceptions arrive at `handler` with the first `depth` slots of the current stack.
    pub fn expect(&mut self, handler: BlockId, depth: usize) -> Result<()> {
        self.arrive(handler, depth)
    }

    pub fn finish(self, front: Front) -> Result<Function> {
        let code = self.code;
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for draft in self.blocks {
            blocks.push(Block {
                statements: draft.statements,
                end: draft.end.unwrap_or(Located {
                    node: Terminator::Unread("code that is never reached".into()),
                    span: Span::default(),
                }),
                handler: draft.handler,
            });
        }
        tidy::tidy(&mut blocks);
        Ok(Function {
            code,
            blocks,
            nested: self.nested,
            front,
        })
    }

    /// An error of reading, at the current place.
    pub fn refuse(&self, construct: impl Into<String>) -> Box<Error> {
        Error::new(ErrorKind::Unread {
            construct: construct.into(),
        })
        .at(Place {
            file: self.code.filename.as_str().into(),
            span: self.span.clone(),
            text: None,
        })
    }
}
