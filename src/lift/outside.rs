//! Bringing Python's objects into the machine, and the guards this leaves.
//!
//! In: an object and the slot it is found at. Out: a value. Arrays become graph inputs, as do Python
//! floats among the arguments; everything else stays a known object, guarded when it is used.

use std::rc::Rc;

use super::guard::{Check, Fetch, Slot};
use super::host::{Class, FunctionParts, Host};
use super::machine::Machine;
use super::numpy::Form;
use super::value::{
    ArrayRef, Buffer, Cell, Closure, DictValue, Instance, ListValue, SetValue, Sharing, Value,
};
use super::{Input, Twins};
use crate::ast::py;
use crate::error::{Error, ErrorKind, Exception, Result};
use crate::graph::DType;

/// What comes from outside was there before anything that happens while lifting, whenever it is met.
const OUTSIDE: u64 = 0;
/// Containers longer than this are not taken apart.
const MAX_ITEMS: usize = 10_000;

impl<H: Host> Machine<'_, H> {
    /// The value of the `index`th parameter.
    pub fn argument(
        &mut self,
        index: usize,
        name: &str,
        object: &H::Object,
    ) -> Result<Value<H::Object>> {
        let slot = self.slot(Fetch::Argument(index), name.to_string());
        self.bring(object, slot, name, true)
    }

    pub fn slot(&mut self, fetch: Fetch<H::Object>, spelling: String) -> Slot {
        self.guards.fetches.push(fetch);
        self.spellings.push(spelling);
        self.guards.fetches.len() - 1
    }

    /// The slot of something reached from `parent` by a name, once.
    pub fn child(
        &mut self,
        parent: Slot,
        key: String,
        fetch: Fetch<H::Object>,
        spelling: String,
    ) -> Slot {
        if let Some(&slot) = self.slots.get(&(parent, key.clone())) {
            return slot;
        }
        let slot = self.slot(fetch, spelling);
        self.slots.insert((parent, key), slot);
        slot
    }

    pub fn check(&mut self, slot: Slot, check: Check<H::Object>) {
        self.guards.checks.push((slot, check));
    }

    /// An object found at `slot`. `argument`: it is (part of) an argument, so that floats vary.
    fn bring(
        &mut self,
        object: &H::Object,
        slot: Slot,
        name: &str,
        argument: bool,
    ) -> Result<Value<H::Object>> {
        if let Some(value) = self.seen.get(&slot) {
            return Ok(value.clone());
        }
        let value = match self.host.class(object) {
            Class::Array(dtype, sizes) => {
                self.array_input(object, slot, name, argument, dtype, &sizes)
            }
            Class::Float(_) if argument => {
                self.number_input(object, slot, name, DType::F64, Form::Python)
            }
            Class::Complex(..) if argument => {
                self.number_input(object, slot, name, DType::C128, Form::Python)
            }
            Class::NumPyScalar(dtype) if argument => {
                self.number_input(object, slot, name, dtype, Form::Scalar)
            }
            Class::List | Class::Dict | Class::Set if let Some(value) = self.met(object, slot) => {
                value
            }
            Class::Set => {
                // A copy: Python may change the set itself.
                let set = self.host.builtin("set");
                let copy = || self.host.call(&set, std::slice::from_ref(object), &[]);
                let (Ok(expected), Ok(copy)) = (copy(), copy()) else {
                    return Err(Error::internal("a set that cannot be copied"));
                };
                self.check(slot, Check::Equals(expected));
                Value::Set(Rc::new(SetValue {
                    object: copy,
                    outside: Some((object.clone(), slot)),
                }))
            }
            class @ (Class::List | Class::Tuple | Class::NamedTuple) => {
                let items = self.host.items(object).unwrap_or_default();
                let values = self.items_at(object, slot, &items, name, argument)?;
                if class == Class::Tuple {
                    Value::Tuple(Rc::new(values), Some(slot))
                } else if class == Class::NamedTuple {
                    Value::Instance(Rc::new(Instance {
                        class: self.host.type_of(object),
                        attributes: self.no_entries(),
                        content: Some(Value::Tuple(Rc::new(values), Some(slot))),
                    }))
                } else {
                    let outside = Some((object.clone(), slot));
                    Value::List(Rc::new(ListValue {
                        born: OUTSIDE,
                        items: values.into(),
                        outside,
                    }))
                }
            }
            Class::Dict => {
                let entries = self.host.entries(object);
                let keys: Vec<_> = entries.iter().map(|(k, _)| k.clone()).collect();
                self.length_guard(object, slot, entries.len())?;
                self.check(slot, Check::Keys(keys));
                let mut values = Vec::new();
                for (i, (key, item)) in entries.into_iter().enumerate() {
                    let (short, spelling) = match self.host.class(&key) {
                        Class::Str(s) => (s.clone(), format!("{}[{s:?}]", self.spellings[slot])),
                        Class::Int(k) => (
                            format!("{name}_{k}"),
                            format!("{}[{k}]", self.spellings[slot]),
                        ),
                        _ => (
                            format!("{name}_{i}"),
                            format!("{}[...]", self.spellings[slot]),
                        ),
                    };
                    let child = self.child(
                        slot,
                        format!("[{i}]"),
                        Fetch::Entry(slot, key.clone()),
                        spelling,
                    );
                    values.push((key, self.bring(&item, child, &short, argument)?));
                }
                let outside = Some((object.clone(), slot));
                Value::Dict(Rc::new(DictValue {
                    born: OUTSIDE,
                    entries: values.into(),
                    outside,
                }))
            }
            _ => {
                if argument && self.twins == Twins::Apart {
                    self.bring_fields(object, slot, name)?;
                }
                Value::Object(object.clone(), Some(slot))
            }
        };
        self.seen.insert(slot, value.clone());
        if matches!(value, Value::List(_) | Value::Dict(_)) {
            self.meet(object, slot, &value);
        }
        Ok(value)
    }

    /// The fields of a dataclass, so that there may be derivatives by them.
    fn bring_fields(&mut self, object: &H::Object, slot: Slot, name: &str) -> Result<()> {
        let fields = self.host.fields(object);
        if !fields.is_empty() {
            self.check(slot, Check::Type(self.host.type_of(object)));
        }
        for (field, value) in fields {
            let spelling = format!("{}.{field}", self.spellings[slot]);
            let fetch = Fetch::Attribute(slot, field.clone());
            let at = self.child(slot, field.clone(), fetch, spelling);
            self.bring(&value, at, &format!("{name}_{field}"), true)?;
        }
        Ok(())
    }

    /// The items of a list or tuple found at `slot`, each at a slot of its own; how many there are is guarded.
    pub fn items_at(
        &mut self,
        object: &H::Object,
        slot: Slot,
        items: &[H::Object],
        name: &str,
        argument: bool,
    ) -> Result<Vec<Value<H::Object>>> {
        self.length_guard(object, slot, items.len())?;
        let mut values = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let spelling = format!("{}[{i}]", self.spellings[slot]);
            let child = self.child(slot, format!("[{i}]"), Fetch::Item(slot, i), spelling);
            values.push(self.bring(item, child, &format!("{name}_{i}"), argument)?);
        }
        Ok(values)
    }

    fn length_guard(&mut self, object: &H::Object, slot: Slot, length: usize) -> Result<()> {
        if length > MAX_ITEMS {
            let what = format!("{} has {length} items", self.spellings[slot]);
            return Err(Error::new(ErrorKind::TooLong { what }));
        }
        self.check(slot, Check::Type(self.host.type_of(object)));
        self.check(slot, Check::Length(length));
        Ok(())
    }

    fn array_input(
        &mut self,
        object: &H::Object,
        slot: Slot,
        name: &str,
        argument: bool,
        dtype: DType,
        sizes: &[usize],
    ) -> Value<H::Object> {
        let mut objects = self.input_objects.iter();
        if let Some(input) = objects.position(|o| self.host.is(o, object))
            && self.twins == Twins::One
        {
            self.check(slot, Check::Same(self.inputs[input].slot));
            if let Some(value) = self.seen.get(&self.inputs[input].slot) {
                return value.clone();
            }
        }
        let input = self.inputs.len();
        let node = self.b.symbolic_input(name, dtype, sizes);
        self.check(
            slot,
            Check::Array {
                dtype,
                rank: sizes.len(),
                input,
            },
        );
        // Sizes 0 and 1 are known in the aval: the evaluator's plan checks them.
        self.declare(object, slot, name, dtype, Form::Array, argument, node);
        let array = ArrayRef::of(Buffer {
            born: OUTSIDE,
            input: Some(input),
            slot: Some(slot),
            ..Buffer::fresh(node)
        });
        self.buffers.push(array.clone());
        Value::Array(array)
    }

    fn number_input(
        &mut self,
        object: &H::Object,
        slot: Slot,
        name: &str,
        dtype: DType,
        form: Form,
    ) -> Value<H::Object> {
        let input = self.inputs.len();
        let aval = match form {
            Form::Python => crate::graph::Aval::weak(dtype),
            Form::Scalar | Form::Array => crate::graph::Aval::scalar(dtype),
        };
        let node = self.b.input(name, aval);
        self.check(slot, Check::Type(self.host.type_of(object)));
        self.check(slot, Check::Number { dtype, input });
        self.declare(object, slot, name, dtype, form, true, node);
        Value::Scalar(node, form)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the fields of an input, at its one place of making"
    )]
    fn declare(
        &mut self,
        object: &H::Object,
        slot: Slot,
        name: &str,
        dtype: DType,
        form: Form,
        argument: bool,
        node: crate::graph::NodeId,
    ) {
        let spelling = self.spellings[slot].clone();
        self.inputs.push(Input {
            slot,
            name: name.into(),
            dtype,
            form,
            argument,
            spelling,
        });
        self.input_nodes.push(node);
        self.input_objects.push(object.clone());
    }

    /// An object that appears while running: found at a slot, or made just now.
    pub fn wrap(&mut self, object: H::Object, slot: Option<Slot>) -> Result<Value<H::Object>> {
        if let Some(slot) = slot {
            let name = self.spellings[slot]
                .rsplit('.')
                .next()
                .unwrap_or("captured")
                .to_string();
            return self.bring(&object, slot, &name, false);
        }
        Ok(match self.host.class(&object) {
            Class::Array(..) => {
                // Made just now by a function without effects: a constant that nobody else has.
                let arg = self.argument_of(&Value::Object(object, None))?;
                self.value_of(arg, &[], Sharing::Nothing)
            }
            Class::Set => {
                let items = self.host.items(&object).unwrap_or_default();
                let items: Vec<_> = items.into_iter().map(|o| Value::Object(o, None)).collect();
                self.make_set(&items)?
            }
            class @ (Class::Tuple | Class::List) => {
                let items = self.host.items(&object).unwrap_or_default();
                let items = items
                    .into_iter()
                    .map(|o| self.wrap(o, None))
                    .collect::<Result<Vec<_>>>()?;
                if class == Class::Tuple {
                    Value::Tuple(Rc::new(items), None)
                } else {
                    self.list(items)
                }
            }
            Class::Dict => {
                let mut entries = Vec::new();
                for (key, value) in self.host.entries(&object) {
                    entries.push((key, self.wrap(value, None)?));
                }
                self.dict(entries)
            }
            _ => Value::Object(object, None),
        })
    }

    pub fn constant(&mut self, value: &py::Constant) -> Value<H::Object> {
        match value {
            py::Constant::Tuple(items) => Value::Tuple(
                Rc::new(items.iter().map(|c| self.constant(c)).collect()),
                None,
            ),
            other => Value::Object(self.host.constant(other), None),
        }
    }

    pub fn none(&self) -> Value<H::Object> {
        Value::Object(self.host.constant(&py::Constant::None), None)
    }

    pub fn int(&self, value: i64) -> Value<H::Object> {
        Value::Object(self.host.constant(&py::Constant::Int(value.into())), None)
    }

    pub fn list(&self, items: Vec<Value<H::Object>>) -> Value<H::Object> {
        Value::List(Rc::new(ListValue {
            born: super::value::birth(),
            items: items.into(),
            outside: None,
        }))
    }

    pub fn dict(&self, entries: Vec<(H::Object, Value<H::Object>)>) -> Value<H::Object> {
        Value::Dict(Rc::new(DictValue {
            born: super::value::birth(),
            entries: entries.into(),
            outside: None,
        }))
    }

    /// An empty dict, as a place for attributes.
    pub fn no_entries(&self) -> Rc<DictValue<H::Object>> {
        Rc::new(DictValue {
            born: super::value::birth(),
            entries: Vec::new().into(),
            outside: None,
        })
    }

    /// Guards a known object by what makes it the same for our purposes.
    pub fn pin(&mut self, value: &Value<H::Object>) {
        let Value::Object(object, Some(slot)) = value else {
            return;
        };
        if !self.pinned.insert(*slot) {
            return;
        }
        let check = match self.host.class(object) {
            Class::Bool(_)
            | Class::Int(_)
            | Class::Immutable
            | Class::Float(_)
            | Class::Complex(..)
            | Class::Str(_)
            | Class::NumPyScalar(_)
            | Class::Range
            | Class::Slice
            | Class::Tuple
            | Class::NamedTuple
            // A bound method is made anew each time it is asked for.
            | Class::Method => Check::Equals(object.clone()),
            Class::Builtin if self.host.unbound(object).is_some() => {
                Check::Equals(object.clone())
            }
            _ => Check::Is(object.clone()),
        };
        self.check(*slot, check);
    }

    /// As [`Self::pin`], where identity is what was asked for.
    pub fn pin_identity(&mut self, value: &Value<H::Object>) {
        if let Value::Object(object, Some(slot)) = value {
            match self.host.class(object) {
                // Numbers and strings may be made anew each time they are asked for.
                Class::None
                | Class::Bool(_)
                | Class::Ellipsis
                | Class::Int(_)
                | Class::Float(_)
                | Class::Complex(..)
                | Class::Str(_)
                | Class::Immutable => self.pin(value),
                _ => {
                    let key = (*slot, "is()".to_string());
                    if self.slots.insert(key, *slot).is_none() {
                        self.check(*slot, Check::Is(object.clone()));
                    }
                }
            }
        }
    }

    pub fn pin_type(&mut self, object: &H::Object, slot: Option<Slot>) {
        let Some(slot) = slot else { return };
        if self
            .slots
            .insert((slot, "type()".to_string()), slot)
            .is_none()
        {
            self.check(slot, Check::Type(self.host.type_of(object)));
        }
    }

    pub fn global(&mut self, globals: &H::Object, name: &str) -> Result<Value<H::Object>> {
        match self.changed(globals, name) {
            Some(Value::Unbound) => {}
            Some(changed) => return Ok(changed),
            None => {}
        }
        let Some((object, is_builtin)) = self.host.global(globals, name) else {
            return Err(Error::raises(
                Exception::Named("NameError".into()),
                format!("name '{name}' is not defined"),
            ));
        };
        let key = format!("global {name}");
        let module = self.held(globals);
        let _ = is_builtin;
        let fetch = Fetch::Global(globals.clone(), name.to_string());
        let slot = self.child(module, key, fetch, name.to_string());
        self.wrap(object, Some(slot))
    }

    /// The slot of an object that the lift itself holds.
    pub fn held(&mut self, object: &H::Object) -> Slot {
        let found = self
            .guards
            .fetches
            .iter()
            .position(|f| matches!(f, Fetch::Held(held) if self.host.is(held, object)));
        found.unwrap_or_else(|| self.slot(Fetch::Held(object.clone()), self.host.describe(object)))
    }

    /// A Python function with its cells, guarded by its code.
    pub fn closure_of(
        &mut self,
        function: &H::Object,
        slot: Option<Slot>,
        parts: &FunctionParts<H::Object>,
    ) -> Result<Closure<H::Object>> {
        let slot = match slot {
            Some(slot) => slot,
            None => self.held(function),
        };
        let spelling = self.spellings[slot].clone();
        let code_slot = self.child(
            slot,
            "__code__".into(),
            Fetch::Attribute(slot, "__code__".into()),
            format!("{spelling}.__code__"),
        );
        self.pin(&Value::Object(parts.code.clone(), Some(code_slot)));
        let read = self.host.read(&parts.code)?;
        let name = self.host.describe(function);
        if !self.entered.contains(&name) && !Self::is_own(&read.code) {
            self.entered.push(name);
        }
        let mut cells = Vec::new();
        for (variable, cell) in read.code.freevars.iter().zip(&parts.closure) {
            if let Some(known) = self.outer_cell(cell) {
                cells.push(known);
                continue;
            }
            let held = self.held(cell);
            let value = match self.host.cell(cell) {
                None => Value::Unbound,
                Some(content) => {
                    let fetch = Fetch::Cell(cell.clone());
                    let at = self.child(held, "content".into(), fetch, variable.clone());
                    self.wrap(content, Some(at))?
                }
            };
            let value: Cell<H::Object> = Rc::new(value.into());
            self.keep_cell(cell, &value);
            cells.push(value);
        }
        let mut defaults = Vec::new();
        if !parts.defaults.is_empty() {
            let at = self.child(
                slot,
                "__defaults__".into(),
                Fetch::Attribute(slot, "__defaults__".into()),
                format!("{spelling}.__defaults__"),
            );
            for (i, object) in parts.defaults.iter().enumerate() {
                let spelling = format!("{spelling}.__defaults__[{i}]");
                let item = self.child(at, format!("[{i}]"), Fetch::Item(at, i), spelling);
                defaults.push(self.wrap(object.clone(), Some(item))?);
            }
        }
        let mut keyword_defaults = Vec::new();
        if !parts.keyword_defaults.is_empty() {
            let at = self.child(
                slot,
                "__kwdefaults__".into(),
                Fetch::Attribute(slot, "__kwdefaults__".into()),
                format!("{spelling}.__kwdefaults__"),
            );
            for (name, object) in &parts.keyword_defaults {
                let key = self.host.constant(&py::Constant::Str(name.clone()));
                let spelling = format!("{spelling}.__kwdefaults__[{name:?}]");
                let item = self.child(at, name.clone(), Fetch::Entry(at, key), spelling);
                keyword_defaults.push((name.clone(), self.wrap(object.clone(), Some(item))?));
            }
        }
        let globals = parts.globals.clone();
        Ok(Closure {
            function: read,
            globals,
            defaults,
            keyword_defaults,
            cells,
            attributes: self.no_entries(),
        })
    }
}
