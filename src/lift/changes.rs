//! Changes of objects that exist outside the function.
//!
//! In: `self.x = v`, `items.append(v)`, `global n; n = v`. Out: the change in the machine's own picture, which
//! every later read sees; and a call that Python repeats after the run, in order with prints and warnings:
//!
//! ```text
//! self.total = x.sum()      object.__setattr__(self, "total", %3)
//! items.append(x)           list.__setitem__(items, slice(None), [..., %0])
//! ```

use std::collections::HashMap;
use std::rc::Rc;

use super::Twins;
use super::guard::{Check, Fetch, Slot};
use super::host::{Attribute, Class, Host};
use super::machine::{Machine, side_effect};
use super::value::{Cell, DictValue, ListValue, Piece, Value};
use super::{Effect, Tree};
use crate::ast::py;
use crate::error::{Error, Result};

/// An object's address, and a name in it.
type Key = (usize, String);

/// What is changed, and what must be said about it.
#[derive(Debug)]
pub(super) struct Changes<O> {
    /// Attributes and globals by the object's address: the values they have now.
    attributes: HashMap<Key, Value<O>>,
    /// Cells of enclosing Python functions that are met.
    cells: Vec<(O, Cell<O>)>,
    /// In order of their first change.
    pending: Vec<Pending<O>>,
    /// Lists, dicts and sets from outside, by the object.
    containers: Vec<(O, Slot, Value<O>)>,
    /// Instances whose attributes were looked at.
    instances: Vec<(O, Slot)>,
    /// How often anything was noted.
    count: usize,
    /// How many writes to arrays there were, and had been when an outside object was first shown.
    pub writes: usize,
    pub shown_at: Option<usize>,
    /// Whether the `__dict__` of an outside object was written to: its attributes do not show it.
    dict_written: bool,
    /// Per `catch_warnings` that is entered: whether all warnings are ignored.
    pub filters: Vec<bool>,
}

/// A state of [`Changes`].
pub(super) struct Snapshot<O> {
    attributes: HashMap<Key, Value<O>>,
    pending: Vec<Pending<O>>,
    shown_at: Option<usize>,
    count: usize,
}

impl<O> Default for Changes<O> {
    fn default() -> Self {
        Changes {
            attributes: HashMap::new(),
            cells: Vec::new(),
            pending: Vec::new(),
            containers: Vec::new(),
            instances: Vec::new(),
            count: 0,
            writes: 0,
            shown_at: None,
            dict_written: false,
            filters: Vec::new(),
        }
    }
}

#[derive(Clone, Debug)]
struct Pending<O> {
    place: ChangedPlace<O>,
    /// Whether it has changed since it was last said.
    fresh: bool,
    said: bool,
}

#[derive(Clone, Debug)]
enum ChangedPlace<O> {
    /// An object, its slot if it has one, an attribute.
    Attribute(O, Option<Slot>, Key),
    /// The globals of a module, a name in them.
    Global(O, Key),
    Cell(O, Cell<O>),
    List(Rc<ListValue<O>>),
    Dict(Rc<DictValue<O>>),
}

impl<O: Clone> Changes<O> {
    /// Notes that a cell was assigned to.
    pub fn cell(&mut self, cell: &Cell<O>) {
        let found = self.cells.iter().find(|(_, known)| Rc::ptr_eq(known, cell));
        if let Some((object, cell)) = found.cloned() {
            self.note(ChangedPlace::Cell(object, cell));
        }
    }

    /// What a loop that is given up must find again.
    pub fn snapshot(&self) -> Snapshot<O> {
        Snapshot {
            attributes: self.attributes.clone(),
            pending: self.pending.clone(),
            shown_at: self.shown_at,
            count: self.count,
        }
    }

    /// Goes back to a snapshot; false if anything had changed.
    pub fn restore(&mut self, to: Snapshot<O>) -> bool {
        let same = self.count == to.count;
        if !same {
            self.attributes = to.attributes;
        }
        // What was said meanwhile is taken back, too.
        self.pending = to.pending;
        self.shown_at = to.shown_at;
        same
    }

    fn note(&mut self, place: ChangedPlace<O>) {
        self.count += 1;
        let same = |other: &ChangedPlace<O>| match (&place, other) {
            (ChangedPlace::Cell(_, a), ChangedPlace::Cell(_, b)) => Rc::ptr_eq(a, b),
            (ChangedPlace::List(a), ChangedPlace::List(b)) => Rc::ptr_eq(a, b),
            (ChangedPlace::Dict(a), ChangedPlace::Dict(b)) => Rc::ptr_eq(a, b),
            (ChangedPlace::Attribute(_, _, a), ChangedPlace::Attribute(_, _, b)) => a == b,
            (ChangedPlace::Global(_, a), ChangedPlace::Global(_, b)) => a == b,
            _ => false,
        };
        match self.pending.iter_mut().find(|p| same(&p.place)) {
            Some(pending) => pending.fresh = true,
            None => self.pending.push(Pending {
                place,
                fresh: true,
                said: false,
            }),
        }
    }
}

impl<H: Host> Machine<'_, H> {
    /// What an attribute or global was changed to, if it was. Deleted ones are unbound.
    pub fn changed(&self, object: &H::Object, name: &str) -> Option<Value<H::Object>> {
        if self.changes.attributes.is_empty() {
            return None;
        }
        let key = (self.host.address(object), name.to_string());
        self.changes.attributes.get(&key).cloned()
    }

    /// What a cached property of an outside object computed, which Python keeps without our help.
    pub fn remember(&mut self, object: &H::Object, name: &str, value: Value<H::Object>) {
        let key = (self.host.address(object), name.to_string());
        self.changes.attributes.insert(key, value);
    }

    /// Brings the `__dict__` of an outside object up to the attributes changed so far.
    pub fn merge_changes(&mut self, object: &H::Object, dict: &DictValue<H::Object>) {
        let address = self.host.address(object);
        let mine = self.changes.attributes.iter();
        let mine = mine.filter(|((at, _), _)| *at == address);
        let mut changed: Vec<_> = mine
            .map(|((_, name), v)| (name.clone(), v.clone()))
            .collect();
        changed.sort_by(|a, b| a.0.cmp(&b.0));
        let mut entries = dict.entries.borrow_mut();
        for (name, value) in changed {
            let is_name = |key: &H::Object| self.host.class(key) == Class::Str(name.clone());
            let at = entries.iter().position(|(key, _)| is_name(key));
            match (at, matches!(value, Value::Unbound)) {
                (Some(at), true) => drop(entries.remove(at)),
                (Some(at), false) => entries[at].1 = value,
                (None, true) => {}
                (None, false) => {
                    let key = self.host.constant(&py::Constant::Str(name.clone()));
                    entries.push((key, value));
                }
            }
        }
    }

    /// Notes that the attributes of an instance are looked at.
    pub fn looked_at(&mut self, object: &H::Object, slot: Slot) {
        let known = self.changes.instances.iter().any(|(_, s)| *s == slot);
        if !known {
            self.changes.instances.push((object.clone(), slot));
        }
    }

    /// Changes an attribute of an outside object, or removes it.
    pub fn change_attribute(
        &mut self,
        object: &H::Object,
        slot: Option<Slot>,
        name: &str,
        value: Value<H::Object>,
    ) -> Result<()> {
        if !matches!(
            self.host.class(object),
            Class::Instance | Class::Module | Class::Function
        ) {
            let what = self.host.describe(object);
            return Err(side_effect(&format!("assignment to {what}.{name}")));
        }
        let key = (self.host.address(object), name.to_string());
        self.changes.attributes.insert(key.clone(), value);
        let place = ChangedPlace::Attribute(object.clone(), slot, key);
        self.changes.note(place);
        Ok(())
    }

    pub fn set_global(
        &mut self,
        globals: &H::Object,
        name: &str,
        value: Value<H::Object>,
    ) -> Result<()> {
        let key = (self.host.address(globals), name.to_string());
        self.changes.attributes.insert(key.clone(), value);
        self.changes
            .note(ChangedPlace::Global(globals.clone(), key));
        Ok(())
    }

    /// The cell of an enclosing Python function, once.
    pub fn outer_cell(&self, object: &H::Object) -> Option<Cell<H::Object>> {
        let found = self.changes.cells.iter();
        let mut found = found.filter(|(known, _)| self.host.is(known, object));
        found.next().map(|(_, cell)| cell.clone())
    }

    pub fn keep_cell(&mut self, object: &H::Object, cell: &Cell<H::Object>) {
        self.changes.cells.push((object.clone(), cell.clone()));
    }

    /// Notes a change of a list.
    pub fn list_changed(&mut self, list: &Rc<ListValue<H::Object>>) {
        if list.outside.is_some() {
            self.changes.note(ChangedPlace::List(list.clone()));
        }
    }

    /// Notes a change of a dict.
    pub fn dict_changed(&mut self, dict: &Rc<DictValue<H::Object>>) {
        let kept = self.attempts.last().is_some_and(|a| {
            let mut known = a.dicts.iter();
            known.any(|(known, _)| Rc::ptr_eq(known, dict))
        });
        if self.is_before_loop(dict.born) && !kept {
            // What it held is not kept: the whole function stays Python's.
            self.corrupted = true;
        }
        let Some((_, slot)) = &dict.outside else {
            return;
        };
        let fetch = self.guards.fetches.get(*slot);
        if matches!(fetch, Some(Fetch::Attribute(_, name)) if name == "__dict__") {
            self.changes.dict_written = true;
        }
        self.changes.note(ChangedPlace::Dict(dict.clone()));
    }

    /// A container from outside that was met at another place already: the two are one.
    pub fn met(&mut self, object: &H::Object, slot: Slot) -> Option<Value<H::Object>> {
        if self.twins == Twins::Apart {
            return None;
        }
        let known = self.changes.containers.iter();
        let (_, first, value) = known
            .filter(|(o, _, _)| self.host.is(o, object))
            .map(|(o, s, v)| (o.clone(), *s, v.clone()))
            .next()?;
        self.check(slot, Check::Same(first));
        Some(value)
    }

    pub fn meet(&mut self, object: &H::Object, slot: Slot, value: &Value<H::Object>) {
        let met = (object.clone(), slot, value.clone());
        self.changes.containers.push(met);
    }

    /// Says the changes since the last time; `all`: every one again, as it is in the end.
    pub fn settle(&mut self, all: bool) -> Result<()> {
        for at in 0..self.changes.pending.len() {
            let Pending { place, fresh, said } = self.changes.pending[at].clone();
            let gone = self.is_gone(&place);
            // What is gone is said once, and not at all if it never was there.
            let idle = gone && !(fresh && (said || self.was_there(&place)));
            if idle || !(all || fresh) {
                continue;
            }
            self.changes.pending[at].fresh = false;
            self.changes.pending[at].said = true;
            self.say(&place)?;
        }
        Ok(())
    }

    fn is_gone(&self, place: &ChangedPlace<H::Object>) -> bool {
        let key = match place {
            ChangedPlace::Attribute(_, _, key) | ChangedPlace::Global(_, key) => key,
            ChangedPlace::Cell(..) | ChangedPlace::List(_) | ChangedPlace::Dict(_) => return false,
        };
        let now = self.changes.attributes.get(key);
        matches!(now, None | Some(Value::Unbound))
    }

    /// Whether an attribute or global exists before the run.
    fn was_there(&self, place: &ChangedPlace<H::Object>) -> bool {
        match place {
            ChangedPlace::Attribute(object, _, key) => {
                let found = self.host.attribute(object, &key.1);
                !matches!(found, Attribute::Missing | Attribute::Fallback(_))
            }
            ChangedPlace::Global(globals, key) => {
                matches!(self.host.global(globals, &key.1), Some((_, false)))
            }
            ChangedPlace::Cell(..) | ChangedPlace::List(_) | ChangedPlace::Dict(_) => true,
        }
    }

    fn say(&mut self, place: &ChangedPlace<H::Object>) -> Result<()> {
        match place {
            ChangedPlace::Attribute(object, slot, key) => {
                let name = &key.1;
                let value = self.changes.attributes.get(key).cloned();
                let value = value.unwrap_or(Value::Unbound);
                let target = slot.map_or(Tree::Known(object.clone()), Tree::Same);
                let is_instance = self.host.class(object) == Class::Instance;
                let owner = self.host.builtin("object");
                match (value, is_instance) {
                    (Value::Unbound, true) => {
                        self.repeat_call(&owner, "__delattr__", target, name, None)
                    }
                    (value, true) => {
                        self.repeat_call(&owner, "__setattr__", target, name, Some(&value))
                    }
                    (Value::Unbound, false) => Err(side_effect("del of an attribute")),
                    (value, false) => {
                        let setattr = self.host.builtin("setattr");
                        let name = self.host.constant(&py::Constant::Str(name.clone()));
                        let value = self.tree(&value)?;
                        let args = vec![target, Tree::Known(name), value];
                        self.effects.push(Effect::Call(setattr, args, vec![]));
                        Ok(())
                    }
                }
            }
            ChangedPlace::Global(globals, key) => {
                let name = &key.1;
                let value = self.changes.attributes.get(key).cloned();
                let target = Tree::Known(globals.clone());
                let owner = self.host.builtin("dict");
                match value {
                    None | Some(Value::Unbound) => {
                        self.repeat_call(&owner, "__delitem__", target, name, None)
                    }
                    Some(value) => {
                        self.repeat_call(&owner, "__setitem__", target, name, Some(&value))
                    }
                }
            }
            ChangedPlace::Cell(object, cell) => {
                let value = cell.borrow().clone();
                if matches!(value, Value::Unbound) {
                    return Err(side_effect("del of a nonlocal variable"));
                }
                let setattr = self.host.builtin("setattr");
                let name = py::Constant::Str("cell_contents".into());
                let name = Tree::Known(self.host.constant(&name));
                let args = vec![Tree::Known(object.clone()), name, self.tree(&value)?];
                self.effects.push(Effect::Call(setattr, args, vec![]));
                Ok(())
            }
            ChangedPlace::List(list) => {
                let Some((_, slot)) = &list.outside else {
                    return Ok(());
                };
                let none = self.host.constant(&py::Constant::None);
                let all = self.host.slice([none.clone(), none.clone(), none]);
                let items = self.list(list.items.borrow().clone());
                let args = vec![Tree::Same(*slot), Tree::Known(all), self.tree(&items)?];
                let owner = self.host.builtin("list");
                let callee = self.method_of(&owner, "__setitem__")?;
                self.effects.push(Effect::Call(callee, args, vec![]));
                Ok(())
            }
            ChangedPlace::Dict(dict) => {
                let Some((_, slot)) = &dict.outside else {
                    return Ok(());
                };
                let entries = self.dict(dict.entries.borrow().clone());
                let owner = self.host.builtin("dict");
                let clear = self.method_of(&owner, "clear")?;
                let args = vec![Tree::Same(*slot)];
                self.effects.push(Effect::Call(clear, args, vec![]));
                let update = self.method_of(&owner, "update")?;
                let args = vec![Tree::Same(*slot), self.tree(&entries)?];
                self.effects.push(Effect::Call(update, args, vec![]));
                Ok(())
            }
        }
    }

    /// A call of a method of a class after the run: `class.method(target, name, value)`.
    fn repeat_call(
        &mut self,
        class: &H::Object,
        method: &str,
        target: Tree<H::Object>,
        name: &str,
        value: Option<&Value<H::Object>>,
    ) -> Result<()> {
        let callee = self.method_of(class, method)?;
        let name = self.host.constant(&py::Constant::Str(name.to_string()));
        let mut args = vec![target, Tree::Known(name)];
        if let Some(value) = value {
            args.push(self.tree(value)?);
        }
        self.effects.push(Effect::Call(callee, args, vec![]));
        Ok(())
    }

    /// A method of a builtin class, as the class has it.
    fn method_of(&self, class: &H::Object, name: &str) -> Result<H::Object> {
        let getattr = self.host.builtin("getattr");
        let name = self.host.constant(&py::Constant::Str(name.to_string()));
        self.host
            .call(&getattr, &[class.clone(), name], &[])
            .map_err(|raised| Error::internal(raised.text))
    }

    /// Whether printing a value shows an object from outside, with the arrays it holds.
    pub fn shows_outside(&self, value: &Value<H::Object>) -> bool {
        match value {
            Value::Object(o, _) => {
                matches!(self.host.class(o), Class::Instance | Class::Foreign)
            }
            Value::Tuple(items, _) => items.iter().any(|v| self.shows_outside(v)),
            Value::List(list) => list.items.borrow().iter().any(|v| self.shows_outside(v)),
            Value::Dict(dict) => {
                let entries = dict.entries.borrow();
                entries.iter().any(|(_, v)| self.shows_outside(v))
            }
            Value::Instance(instance) => {
                instance.content.iter().any(|c| self.shows_outside(c))
                    || self.shows_outside(&Value::Dict(instance.attributes.clone()))
            }
            Value::Text(pieces) => pieces.iter().any(|piece| match piece {
                Piece::Known(_) => false,
                Piece::Field(v, ..) => self.shows_outside(v),
            }),
            _ => false,
        }
    }

    /// Arrays of arguments are written before anything is printed: what is shown must not change after.
    pub fn refuse_late_writes(&self) -> Result<()> {
        if self.changes.dict_written {
            return Err(side_effect("a write to the __dict__ of an object"));
        }
        match self.changes.shown_at {
            Some(writes) if self.changes.writes > writes => Err(Error::unlifted(
                "a write after an object from outside was printed",
                "the object may hold the array",
            )),
            _ => Ok(()),
        }
    }

    /// Guards that what was changed is, and is not, the other objects that were looked at.
    ///
    /// # Errors
    /// `Unlifted` for one that is changed and has a twin that was kept apart.
    pub fn guard_aliases(&mut self) -> Result<()> {
        let mut pairs = Vec::new();
        for pending in &self.changes.pending {
            let changed = match &pending.place {
                ChangedPlace::Attribute(o, Some(slot), _) => Some((o.clone(), *slot)),
                ChangedPlace::List(list) => list.outside.clone(),
                ChangedPlace::Dict(dict) => dict.outside.clone(),
                ChangedPlace::Attribute(_, None, _)
                | ChangedPlace::Global(..)
                | ChangedPlace::Cell(..) => None,
            };
            let Some((object, slot)) = changed else {
                continue;
            };
            let containers = self.changes.containers.iter().map(|(o, s, _)| (o, *s));
            let instances = self.changes.instances.iter().map(|(o, s)| (o, *s));
            for (other, at) in containers.chain(instances) {
                let kin = self
                    .host
                    .is(&self.host.type_of(other), &self.host.type_of(&object));
                if at != slot && kin {
                    pairs.push((slot, at, self.host.is(other, &object)));
                }
            }
        }
        for (slot, other, same) in pairs {
            if same && self.twins == Twins::Apart {
                let what = format!("a change of {}", self.spellings[slot]);
                return Err(Error::unlifted(what, "it is found at two places"));
            }
            let check = if same {
                Check::Same(other)
            } else {
                Check::Apart(other)
            };
            self.check(slot, check);
        }
        Ok(())
    }

    /// A warning given: repeated after the run, at the line where the program gives it.
    pub fn warn(
        &mut self,
        callee: &H::Object,
        args: &[Value<H::Object>],
        keywords: &super::calls::Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        if self.changes.filters.iter().any(|ignored| *ignored) {
            return Ok(self.none());
        }
        if !self.changes.filters.is_empty() {
            return Err(Error::unlifted(
                "a warning inside catch_warnings",
                "its filters are those of the run",
            ));
        }
        let named = |name: &str| keywords.iter().find(|(n, _)| n == name).map(|(_, v)| v);
        if keywords
            .iter()
            .any(|(name, _)| !matches!(name.as_str(), "message" | "category" | "stacklevel"))
        {
            return Err(self.unknown_method("warnings", "warn"));
        }
        let missing = || Error::type_error("warn() needs a message");
        let message = args.first().or_else(|| named("message"));
        let message = message.ok_or_else(missing)?.clone();
        let category = args.get(1).or_else(|| named("category")).cloned();
        let level = match args.get(2).or_else(|| named("stacklevel")).cloned() {
            Some(level) => self.int_of(&level, "stacklevel")?.max(1) as usize,
            None => 1,
        };
        self.settle(false)?;
        let mut trees = vec![self.snapshot(&message)?];
        let user = Value::Object(self.host.builtin("UserWarning"), None);
        let category = category.unwrap_or(user);
        let depth = self.stack.len();
        if level > depth {
            trees.push(self.snapshot(&category)?);
            let level = self.int((level - depth) as i64);
            trees.push(self.snapshot(&level)?);
            self.effects
                .push(Effect::Call(callee.clone(), trees, vec![]));
            return Ok(self.none());
        }
        let (file, globals, line) = self.stack[depth - level].clone();
        let is_class =
            matches!(&category, Value::Object(o, _) if self.host.class(o) == Class::None);
        let category = if is_class {
            Value::Object(self.host.builtin("UserWarning"), None)
        } else {
            category
        };
        trees.push(self.snapshot(&category)?);
        let file = self.constant(&py::Constant::Str(file.to_string()));
        trees.push(self.snapshot(&file)?);
        let line = self.int(line.into());
        trees.push(self.snapshot(&line)?);
        // The name and the registry of the module that warns.
        let get = |machine: &Self, name: &str, default: &H::Object| {
            let name = machine.host.constant(&py::Constant::Str(name.into()));
            let args = [name, default.clone()];
            machine.host.call_method(&globals, "setdefault", &args, &[])
        };
        let unnamed = self.host.constant(&py::Constant::Str("<string>".into()));
        let fresh = self.host.call(&self.host.builtin("dict"), &[], &[]);
        for (name, default) in [("__name__", Ok(unnamed)), ("__warningregistry__", fresh)] {
            let found = default.and_then(|default| get(self, name, &default));
            let found = found.map_err(|raised| Error::internal(raised.text))?;
            trees.push(Tree::Known(found));
        }
        let module = self.host.constant(&py::Constant::Str("warnings".into()));
        let explicit = self
            .host
            .call(&self.host.builtin("__import__"), &[module], &[])
            .and_then(|module| {
                let getattr = self.host.builtin("getattr");
                let name = self
                    .host
                    .constant(&py::Constant::Str("warn_explicit".into()));
                self.host.call(&getattr, &[module, name], &[])
            })
            .map_err(|raised| Error::internal(raised.text))?;
        self.effects.push(Effect::Call(explicit, trees, vec![]));
        Ok(self.none())
    }

    /// Whether a filter is for a category that nothing that is lifted here could give: arrays of objects made
    /// of ragged lists, and complex numbers cast to real ones where there are none.
    fn cannot_be_given(
        &mut self,
        args: &[Value<H::Object>],
        keywords: &super::calls::Keywords<H::Object>,
    ) -> Result<bool> {
        let category = args.get(1);
        let category = category.or_else(|| {
            let named = keywords.iter().find(|(n, _)| n == "category");
            named.map(|(_, v)| v)
        });
        let Some(category) = category.cloned() else {
            return Ok(false);
        };
        let category = self.known(&category, "a category of warnings")?;
        let graph = self.b.graph();
        Ok(match self.host.describe(&category).as_str() {
            "VisibleDeprecationWarning" => true,
            "ComplexWarning" => !graph.nodes().any(|id| graph.aval(id).dtype.is_complex()),
            _ => false,
        })
    }

    /// `warnings.simplefilter(action, ...)`, `filterwarnings(action, ...)`.
    pub fn filter_warnings(
        &mut self,
        args: &[Value<H::Object>],
        keywords: &super::calls::Keywords<H::Object>,
    ) -> Result<Value<H::Object>> {
        let action = args
            .first()
            .or_else(|| keywords.iter().find(|(n, _)| n == "action").map(|(_, v)| v))
            .cloned()
            .ok_or_else(|| Error::type_error("simplefilter() needs an action"))?;
        let action = self.string(&action)?;
        if action == "error" && self.cannot_be_given(args, keywords)? {
            return Ok(self.none());
        }
        let Some(ignored) = self.changes.filters.last_mut() else {
            return Err(side_effect("a filter of warnings outside catch_warnings"));
        };
        match action.as_str() {
            "error" => Err(Error::unlifted(
                "a filter that turns warnings into errors",
                "compiled arithmetic gives no warnings",
            )),
            "ignore" => {
                *ignored |= args.len() + keywords.len() == 1;
                Ok(self.none())
            }
            _ => {
                *ignored = false;
                Ok(self.none())
            }
        }
    }
}
