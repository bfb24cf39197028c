//! Bringing Python's objects into the machine, and the guards this leaves.
//!
//! In: an object and the slot it is found at. Out: a value. Arrays become graph inputs, as do Python
//! floats among the arguments; everything else stays a known object, guarded when it is used.

use std::rc::Rc;

use super::Input;
use super::guard::{Check, Fetch, Slot};
use super::host::{Attribute, Class, FunctionParts, Host};
use super::machine::Machine;
use super::numpy::Form;
use super::value::{ArrayRef, Buffer, Closure, DictValue, ListValue, Value};
use crate::ast::py;
use crate::error::{Error, ErrorKind, Exception, Result};
use crate::graph::DType;

/// Attributes of arrays that are values rather than methods.
const ARRAY_DATA: &[&str] = &[
    "T", "mT", "shape", "ndim", "size", "dtype", "real", "imag", "itemsize", "nbytes",
];

/// Keys and values of a dict.
type Entries<O> = Vec<(O, Value<O>)>;

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
    fn child(
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
            class @ (Class::List | Class::Tuple) => {
                let items = self.host.items(object).unwrap_or_default();
                self.length_guard(object, slot, items.len())?;
                let mut values = Vec::new();
                for (i, item) in items.iter().enumerate() {
                    let spelling = format!("{}[{i}]", self.spellings[slot]);
                    let child = self.child(slot, format!("[{i}]"), Fetch::Item(slot, i), spelling);
                    values.push(self.bring(item, child, &format!("{name}_{i}"), argument)?);
                }
                if class == Class::Tuple {
                    Value::Tuple(Rc::new(values), Some(slot))
                } else {
                    let outside = Some((object.clone(), slot));
                    Value::List(Rc::new(ListValue {
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
                    entries: values.into(),
                    outside,
                }))
            }
            _ => Value::Object(object.clone(), Some(slot)),
        };
        self.seen.insert(slot, value.clone());
        Ok(value)
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
        if let Some(input) = self
            .input_objects
            .iter()
            .position(|o| self.host.is(o, object))
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
            version: std::cell::Cell::new((node, 0)),
            input: Some(input),
            slot: Some(slot),
            uncertain: None,
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
        self.examples[input] = Some(object.clone());
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
        self.examples.push(None);
    }

    /// Fixes a Python number among the arguments to the value it has now.
    pub fn guard_number(&mut self, input: usize) {
        let slot = self.inputs[input].slot;
        if let (true, Some(object)) = (self.pinned.insert(slot), self.examples[input].clone()) {
            self.check(slot, Check::Equals(object));
        }
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
                self.value_of(arg, &[], true)
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
            items: items.into(),
            outside: None,
        }))
    }

    pub fn dict(&self, entries: Vec<(H::Object, Value<H::Object>)>) -> Value<H::Object> {
        Value::Dict(Rc::new(DictValue {
            entries: entries.into(),
            outside: None,
        }))
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
            | Class::NamedTuple => Check::Equals(object.clone()),
            _ => Check::Is(object.clone()),
        };
        self.check(*slot, check);
    }

    /// As [`Self::pin`], where identity is what was asked for.
    pub fn pin_identity(&mut self, value: &Value<H::Object>) {
        if let Value::Object(object, Some(slot)) = value {
            match self.host.class(object) {
                Class::None | Class::Bool(_) | Class::Ellipsis => self.pin(value),
                _ => {
                    let key = (*slot, "is".to_string());
                    if self.slots.insert(key, *slot).is_none() {
                        self.check(*slot, Check::Is(object.clone()));
                    }
                }
            }
        }
    }

    fn pin_type(&mut self, object: &H::Object, slot: Option<Slot>) {
        let Some(slot) = slot else { return };
        if self
            .slots
            .insert((slot, "type".to_string()), slot)
            .is_none()
        {
            self.check(slot, Check::Type(self.host.type_of(object)));
        }
    }

    pub fn global(&mut self, globals: &H::Object, name: &str) -> Result<Value<H::Object>> {
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
        if !self.entered.contains(&name) {
            self.entered.push(name);
        }
        let mut cells = Vec::new();
        for (variable, cell) in read.code.freevars.iter().zip(&parts.closure) {
            let held = self.held(cell);
            let value = match self.host.cell(cell) {
                None => Value::Unbound,
                Some(content) => {
                    let fetch = Fetch::Cell(cell.clone());
                    let at = self.child(held, "content".into(), fetch, variable.clone());
                    self.wrap(content, Some(at))?
                }
            };
            cells.push(Rc::new(value.into()));
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
        })
    }

    pub fn attribute(&mut self, value: &Value<H::Object>, name: &str) -> Result<Value<H::Object>> {
        match value {
            Value::Array(_) | Value::Scalar(..) => self.array_attribute(value, name),
            Value::Size(_) => match name {
                "real" | "numerator" => Ok(value.clone()),
                "imag" => Ok(self.int(0)),
                "denominator" => Ok(self.int(1)),
                _ => self.method_of_builtin(value, "int", name),
            },
            Value::Object(object, slot) => self.object_attribute(value, object, *slot, name),
            Value::Super(class, receiver) => self.super_attribute(class, receiver, name),
            Value::Tuple(..) => self.method_of_builtin(value, "tuple", name),
            Value::List(_) => self.method_of_builtin(value, "list", name),
            Value::Dict(_) => self.method_of_builtin(value, "dict", name),
            Value::Text(_) => self.method_of_builtin(value, "str", name),
            Value::Slice(parts) => match name {
                "start" => Ok(parts[0].clone()),
                "stop" => Ok(parts[1].clone()),
                "step" => Ok(parts[2].clone()),
                _ => self.method_of_builtin(value, "slice", name),
            },
            Value::Closure(closure) => match name {
                "__name__" => {
                    let name = closure.function.code.name.clone();
                    Ok(self.constant(&py::Constant::Str(name)))
                }
                _ => Err(missing("function", name)),
            },
            other => Err(missing(&self.describe(other), name)),
        }
    }

    fn array_attribute(
        &mut self,
        value: &Value<H::Object>,
        name: &str,
    ) -> Result<Value<H::Object>> {
        if ARRAY_DATA.contains(&name)
            && let Some(result) = self.operation(
                &format!("numpy.ndarray.{name}"),
                std::slice::from_ref(value),
                &[],
            )?
        {
            return Ok(result);
        }
        let node = self.node(value)?;
        let form = match value {
            Value::Scalar(_, form) => *form,
            _ => Form::Array,
        };
        let class = self.host.class_of_symbolic(self.b.aval(node).dtype, form);
        match self.host.attribute(&class, name) {
            Attribute::Missing => Err(missing(&self.host.describe(&class), name)),
            _ if ARRAY_DATA.contains(&name) || name == "flat" || name == "flags" => {
                Err(Error::unlifted(
                    format!("the attribute .{name} of an array"),
                    "it is not lifted",
                ))
            }
            _ => Ok(Value::Method(Rc::new(value.clone()), name.into())),
        }
    }

    fn method_of_builtin(
        &mut self,
        value: &Value<H::Object>,
        class: &str,
        name: &str,
    ) -> Result<Value<H::Object>> {
        match self.host.attribute(&self.host.builtin(class), name) {
            Attribute::Missing => Err(missing(class, name)),
            _ => Ok(Value::Method(Rc::new(value.clone()), name.into())),
        }
    }

    fn object_attribute(
        &mut self,
        value: &Value<H::Object>,
        object: &H::Object,
        slot: Option<Slot>,
        name: &str,
    ) -> Result<Value<H::Object>> {
        let class = self.host.class(object);
        match class {
            Class::Instance | Class::Random | Class::NamedTuple => self.pin_type(object, slot),
            Class::Array(..) => {
                let arg = self.argument_of(value)?;
                let array = self.value_of(arg, &[], true);
                return self.array_attribute(&array, name);
            }
            _ => self.pin(value),
        }
        match self.host.attribute(object, name) {
            Attribute::Value(found) => {
                // A class is known by identity, but its attributes change.
                if slot.is_none() && self.is_immutable(object) && class != Class::Type {
                    return self.wrap(found, None);
                }
                let parent = match slot {
                    Some(slot) => slot,
                    None => self.held(object),
                };
                let spelling = format!("{}.{name}", self.spellings[parent]);
                let fetch = Fetch::Attribute(parent, name.to_string());
                let at = self.child(parent, name.to_string(), fetch, spelling);
                self.wrap(found, Some(at))
            }
            Attribute::Method(function) => {
                self.pin_class_attribute(object, name);
                let function = Value::Object(function, None);
                Ok(Value::Bound(Rc::new(function), Rc::new(value.clone())))
            }
            Attribute::ClassMethod(function, class) => Ok(Value::Bound(
                Rc::new(Value::Object(function, None)),
                Rc::new(Value::Object(class, None)),
            )),
            Attribute::Property(getter) => {
                self.pin_class_attribute(object, name);
                self.call(&Value::Object(getter, None), vec![value.clone()], vec![])
            }
            Attribute::Compiled => Ok(Value::Method(Rc::new(value.clone()), name.into())),
            Attribute::Missing => Err(missing(&self.host.describe(object), name)),
            Attribute::Custom => {
                let callee = format!("__getattr__ of {}", self.host.describe(object));
                Err(Error::new(ErrorKind::UnknownCall { callee }))
            }
        }
    }

    /// Guards what the class of `object` has under a name: a method or a property.
    fn pin_class_attribute(&mut self, object: &H::Object, name: &str) {
        let class = self.host.type_of(object);
        let key = self.host.constant(&py::Constant::Str(name.to_string()));
        let getattr = self.host.builtin("getattr");
        if let Ok(found) = self.host.call(&getattr, &[class.clone(), key], &[]) {
            let parent = self.held(&class);
            let spelling = format!("{}.{name}", self.spellings[parent]);
            let fetch = Fetch::Attribute(parent, name.to_string());
            let at = self.child(parent, name.to_string(), fetch, spelling);
            if self.pinned.insert(at) {
                self.check(at, Check::Is(found));
            }
        }
    }

    fn super_attribute(
        &mut self,
        class: &Value<H::Object>,
        receiver: &Value<H::Object>,
        name: &str,
    ) -> Result<Value<H::Object>> {
        let class = self.known(class, "the class of super()")?;
        let Value::Object(object, _) = receiver else {
            return Err(self.needs(receiver, "self of super()"));
        };
        let start = self.python_super(&class, object)?;
        match self.host.attribute(&start, name) {
            Attribute::Method(function) => Ok(Value::Bound(
                Rc::new(Value::Object(function, None)),
                Rc::new(receiver.clone()),
            )),
            Attribute::Value(found) => self.wrap(found, None),
            Attribute::Property(getter) => {
                self.call(&Value::Object(getter, None), vec![receiver.clone()], vec![])
            }
            _ => Err(missing("super", name)),
        }
    }

    fn python_super(&mut self, class: &H::Object, object: &H::Object) -> Result<H::Object> {
        let super_type = self.host.builtin("super");
        match self
            .host
            .call(&super_type, &[class.clone(), object.clone()], &[])
        {
            Ok(o) => Ok(o),
            Err(raised) => Err(Error::type_error(raised.text)),
        }
    }

    /// The Python object of a value all of which is known; guards it.
    pub fn known(&mut self, value: &Value<H::Object>, what: &str) -> Result<H::Object> {
        match value {
            Value::Object(o, _) => {
                self.pin(value);
                Ok(o.clone())
            }
            Value::Tuple(items, _) => {
                let items = items
                    .iter()
                    .map(|v| self.known(v, what))
                    .collect::<Result<_>>()?;
                Ok(self.host.tuple(items))
            }
            Value::Slice(parts) => {
                let mut known = parts.iter().map(|v| self.known(v, what));
                let mut next = || {
                    known
                        .next()
                        .unwrap_or_else(|| Err(Error::internal("slice")))
                };
                let parts = [next()?, next()?, next()?];
                Ok(self.host.slice(parts))
            }
            Value::List(list) => {
                let items = list.items.borrow().clone();
                let items = items
                    .iter()
                    .map(|v| self.known(v, what))
                    .collect::<Result<_>>()?;
                let tuple = self.host.tuple(items);
                let list = self.host.builtin("list");
                self.host
                    .call(&list, &[tuple], &[])
                    .map_err(|r| Error::type_error(r.text))
            }
            Value::Size(dim) => match self.b.concretize(dim) {
                Some(k) => Ok(self.host.constant(&py::Constant::Int(k.into()))),
                None => Err(Error::new(ErrorKind::NeedsValue {
                    construct: what.into(),
                })),
            },
            Value::Array(_) | Value::Scalar(..) => {
                let node = self.node(value)?;
                match self.concrete(node, what)? {
                    Some(Value::Object(o, _)) => Ok(o),
                    _ => Err(Error::new(ErrorKind::NeedsValue {
                        construct: what.into(),
                    })),
                }
            }
            Value::Text(_) => Err(Error::new(ErrorKind::NeedsValue {
                construct: what.into(),
            })),
            other => Err(self.needs(other, what)),
        }
    }

    /// A known integer.
    pub fn int_of(&mut self, value: &Value<H::Object>, what: &str) -> Result<i64> {
        let object = self.known(value, what)?;
        match self.host.class(&object) {
            Class::Int(i) => Ok(i),
            Class::Bool(b) => Ok(b.into()),
            Class::NumPyScalar(d) if d.is_integer() => {
                let index = self.host.operator("index", &[object]);
                match index.map(|o| self.host.class(&o)) {
                    Ok(Class::Int(i)) => Ok(i),
                    _ => Err(Error::type_error(format!("{what} must be an integer"))),
                }
            }
            _ => Err(Error::type_error(format!("{what} must be an integer"))),
        }
    }

    /// A key of a dict.
    pub fn key(&mut self, value: &Value<H::Object>) -> Result<H::Object> {
        self.known(value, "a dict key")
    }

    pub fn entries_of(&mut self, value: &Value<H::Object>) -> Result<Entries<H::Object>> {
        match value {
            Value::Dict(dict) => Ok(dict.entries.borrow().clone()),
            other => Err(self.needs(other, "a mapping")),
        }
    }

    pub fn known_set(&mut self, items: Vec<Value<H::Object>>) -> Result<Value<H::Object>> {
        let items = self.known(&Value::Tuple(Rc::new(items), None), "an element of a set")?;
        let outcome = self
            .host
            .call(&self.host.builtin("frozenset"), &[items], &[]);
        self.outcome(outcome)
    }

    /// A value in a few words, for messages.
    pub fn describe(&self, value: &Value<H::Object>) -> String {
        match value {
            Value::Object(o, _) => self.host.describe(o),
            Value::Array(_) => "ndarray".into(),
            Value::Scalar(node, Form::Python) => match self.b.aval(*node).dtype.kind() {
                crate::graph::Kind::Bool => "bool".into(),
                crate::graph::Kind::Int => "int".into(),
                crate::graph::Kind::Float => "float".into(),
                crate::graph::Kind::Complex => "complex".into(),
            },
            Value::Scalar(node, _) => format!("numpy.{}", self.b.aval(*node).dtype),
            Value::Size(_) => "int".into(),
            Value::Tuple(..) => "tuple".into(),
            Value::List(_) => "list".into(),
            Value::Dict(_) => "dict".into(),
            Value::Slice(_) => "slice".into(),
            Value::Closure(c) => format!("function {}", c.function.code.name),
            Value::Method(receiver, name) => format!("{}.{name}", self.describe(receiver)),
            Value::Bound(function, _) => self.describe(function),
            Value::Partial(p) => format!("partial of {}", self.describe(&p.callee)),
            Value::Iterator(_) => "an iterator".into(),
            Value::Text(_) => "str".into(),
            Value::Super(..) => "super".into(),
            Value::Caught(name) => name.to_string(),
            Value::Cell(_) => "a variable".into(),
            Value::Unbound => "an unbound name".into(),
        }
    }
}

fn missing(class: &str, name: &str) -> Box<Error> {
    Error::raises(
        Exception::Attribute,
        format!("'{class}' object has no attribute '{name}'"),
    )
}
