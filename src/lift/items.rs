//! Items of containers: reading, writing, iterating.
//!
//! In: a container and a key or nothing. Out: its items; `x[i] = v` makes a new version of the buffer.

use std::rc::Rc;

use super::host::{Attribute, Class, Host};
use super::machine::{Machine, side_effect};
use super::numpy::{self, Arg, Form};
use super::value::{DictValue, Iterator, ListValue, Sharing, Value};
use crate::ast::py;
use crate::error::{Error, ErrorKind, Exception, Result};
use crate::graph::NodeId;

impl<H: Host> Machine<'_, H> {
    /// Changes the items of a list; what it is outside is changed after the run.
    pub fn change_list(
        &mut self,
        list: &Rc<ListValue<H::Object>>,
        change: impl FnOnce(&mut Vec<Value<H::Object>>),
    ) {
        if self.is_before_loop(list.born) {
            let items = list.items.borrow().clone();
            if let Some(attempt) = self.attempts.last_mut() {
                attempt.lists.push((list.clone(), items));
            }
        }
        change(&mut list.items.borrow_mut());
        self.list_changed(list);
    }

    pub fn contains(
        &mut self,
        container: &Value<H::Object>,
        item: &Value<H::Object>,
    ) -> Result<bool> {
        match container {
            Value::Dict(dict) => {
                let key = self.key(item)?;
                Ok(self.position(&dict.clone(), &key)?.is_some())
            }
            Value::Set(set) => {
                let item = self.known(item, "in")?;
                let found = self.python_operator("contains", &[set.object.clone(), item])?;
                self.truth(&found, "in")
            }
            Value::Array(_) => {
                let same = self.compare(py::CmpOp::Eq, container, item)?;
                let found = self.operation("numpy.any", &[same], &[])?;
                let found = found.ok_or_else(|| Error::unlifted("in", "it is not lifted"))?;
                self.truth(&found, "in")
            }
            Value::Instance(_) => {
                if let Some(method) = self.special(container, "__contains__") {
                    let found = self.call(&method, vec![item.clone()], vec![])?;
                    return self.truth(&found, "in");
                }
                let items = self.items_of(container)?;
                self.contains(&self.list(items), item)
            }
            Value::Object(o, _) if !self.is_immutable(o) => {
                let found = self.call_special(container, "__contains__", vec![item.clone()])?;
                self.truth(&found, "in")
            }
            Value::Object(o, _) => {
                self.pin(container);
                self.pin(item);
                let item = self.known(item, "in")?;
                let found = self.python_operator("contains", &[o.clone(), item])?;
                self.truth(&found, "in")
            }
            Value::Scalar(..) | Value::Text(_) => Err(Error::new(ErrorKind::NeedsValue {
                construct: "in".into(),
            })),
            other => {
                for candidate in self.items_of(other)? {
                    if self.identical(&candidate, item)? {
                        return Ok(true);
                    }
                    let same = self.compare(py::CmpOp::Eq, &candidate, item)?;
                    if self.truth(&same, "in")? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    pub fn same_key(&mut self, a: &H::Object, b: &H::Object) -> Result<bool> {
        if self.host.is(a, b) {
            return Ok(true);
        }
        let same = self.python_operator("eq", &[a.clone(), b.clone()])?;
        self.truth(&same, "==")
    }

    pub fn get_item(
        &mut self,
        container: &Value<H::Object>,
        key: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        match container {
            Value::Flat(array) => {
                let flat = self.flat_copy(&array.clone())?;
                self.get_item(&flat, key)
            }
            Value::Array(_) | Value::Scalar(..) if self.is_single_mask(key) => {
                let row = self.get_item(container, &self.none())?;
                let chosen = self.truth(key, "an index")?;
                let slice = self.rows_if(chosen);
                let view = self.get_item(&row, &slice)?;
                Ok(Value::Array(super::value::ArrayRef::fresh(
                    self.node(&view)?,
                )))
            }
            Value::Array(_) | Value::Scalar(..) => {
                self.symbolic_operator("getitem", &[container.clone(), key.clone()])
            }
            Value::Method(_, flags) if &**flags == "flags" => {
                let name = match self.string(key)?.to_uppercase().as_str() {
                    "C" | "CONTIGUOUS" | "C_CONTIGUOUS" => "c_contiguous",
                    "F" | "FORTRAN" | "F_CONTIGUOUS" => "f_contiguous",
                    "W" | "WRITEABLE" => "writeable",
                    "A" | "ALIGNED" => "aligned",
                    _ => "this",
                };
                self.attribute(container, name)
            }
            Value::Dict(dict) => {
                let key = self.key(key)?;
                if let Some(at) = self.position(&dict.clone(), &key)? {
                    return Ok(dict.entries.borrow()[at].1.clone());
                }
                Err(self.key_error(key))
            }
            Value::Instance(instance) => {
                if let Some(method) = self.special(container, "__getitem__") {
                    return self.call(&method, vec![key.clone()], vec![]);
                }
                let Some(content) = instance.content.clone() else {
                    let what = self.describe(container);
                    return Err(Error::type_error(format!(
                        "'{what}' object is not subscriptable"
                    )));
                };
                match self.get_item(&content, key) {
                    Err(error) if self.is_raised(&error, "KeyError") => {
                        match self.special(container, "__missing__") {
                            Some(missing) => self.call(&missing, vec![key.clone()], vec![]),
                            None => Err(error),
                        }
                    }
                    found => found,
                }
            }
            Value::Tuple(..) | Value::List(_) => {
                let items = self.items_of(container)?;
                let is_tuple = matches!(container, Value::Tuple(..));
                match key {
                    Value::Slice(_) => {
                        let picked = self.pick(&items, key)?;
                        Ok(if is_tuple {
                            Value::Tuple(Rc::new(picked), None)
                        } else {
                            self.list(picked)
                        })
                    }
                    _ => {
                        let at =
                            self.index(key, items.len(), if is_tuple { "tuple" } else { "list" })?;
                        Ok(items[at].clone())
                    }
                }
            }
            Value::Object(o, _) => {
                self.pin(container);
                match self.host.class(o) {
                    Class::Array(..) => {
                        let array = self.fresh_constant(container)?;
                        self.get_item(&array, key)
                    }
                    _ if self.is_immutable(o) => {
                        let key = self.known(key, "an index")?;
                        self.python_operator("getitem", &[o.clone(), key])
                    }
                    _ => self.call_special(container, "__getitem__", vec![key.clone()]),
                }
            }
            other => Err(self.needs(other, "something to index")),
        }
    }

    /// Whether an index is one bool that is computed: it chooses all or nothing.
    fn is_single_mask(&self, key: &Value<H::Object>) -> bool {
        let node = match key {
            Value::Array(array) => array.current(),
            Value::Scalar(node, _) => Some(*node),
            _ => None,
        };
        node.is_some_and(|node| {
            let aval = self.b.aval(node);
            aval.rank() == 0 && aval.dtype == crate::graph::DType::Bool
        })
    }

    fn rows_if(&self, chosen: bool) -> Value<H::Object> {
        let stop = self.int(chosen.into());
        Value::Slice(Rc::new([self.none(), stop, self.none()]))
    }

    /// A known array without a place outside: a constant of the graph.
    pub fn fresh_constant(&mut self, value: &Value<H::Object>) -> Result<Value<H::Object>> {
        let arg = self.argument_of(value)?;
        Ok(self.value_of(arg, &[], Sharing::Nothing))
    }

    /// A position in a sequence of known length.
    pub fn index(&mut self, key: &Value<H::Object>, length: usize, what: &str) -> Result<usize> {
        let at = self.int_of(key, "an index")?;
        let at = if at < 0 { at + length as i64 } else { at };
        usize::try_from(at)
            .ok()
            .filter(|at| *at < length)
            .ok_or_else(|| Error::raises(Exception::Index, format!("{what} index out of range")))
    }

    /// The items that a slice with known bounds selects.
    pub fn pick(
        &mut self,
        items: &[Value<H::Object>],
        slice: &Value<H::Object>,
    ) -> Result<Vec<Value<H::Object>>> {
        let known = self.known(slice, "a slice")?;
        let positions: Vec<H::Object> = (0..items.len())
            .map(|i| self.host.constant(&py::Constant::Int(i.into())))
            .collect();
        let all = self.host.tuple(positions);
        let picked = match self.host.operator("getitem", &[all, known]) {
            Ok(picked) => self.host.items(&picked).unwrap_or_default(),
            Err(raised) => return Err(Error::type_error(raised.text)),
        };
        let mut out = Vec::new();
        for position in picked {
            if let Class::Int(i) = self.host.class(&position) {
                out.push(items[i as usize].clone());
            }
        }
        Ok(out)
    }

    /// A float that does not fit raises when it is made the element of an array of integers.
    pub fn refuse_float(&self, target: NodeId, value: &Arg) -> Result<()> {
        let fits = match value {
            Arg::Float(x) => x.abs() < 1e9,
            Arg::Array(x) => x.form == Form::Array || !self.b.aval(x.node).dtype.is_float(),
            _ => true,
        };
        if fits || !self.b.aval(target).dtype.is_integer() {
            return Ok(());
        }
        Err(Error::unlifted(
            "a float as the element of an array of integers",
            "NumPy raises if it does not fit; convert it first",
        ))
    }

    pub fn set_item(
        &mut self,
        container: &Value<H::Object>,
        key: &Value<H::Object>,
        value: &Value<H::Object>,
    ) -> Result<()> {
        match container {
            Value::Flat(array) => {
                if let Value::Array(source) = value
                    && Rc::ptr_eq(&source.buffer, &array.buffer)
                {
                    return Err(Error::unlifted(
                        "x.flat[...] = x",
                        "NumPy reads elements that it has written already",
                    ));
                }
                let flat = self.flat_view(&Value::Array(array.clone()))?;
                // Values that are too few are repeated.
                let target = self.get_item(&flat, key)?;
                let value = match (&target, value) {
                    (Value::Array(_), Value::Array(_) | Value::List(_) | Value::Tuple(..)) => {
                        let count = self.attribute(&target, "size")?;
                        let values = self.numpy("numpy.ravel", std::slice::from_ref(value))?;
                        self.repeated_to(&values, &count)?
                    }
                    _ => value.clone(),
                };
                self.set_item(&flat, key, &value)
            }
            Value::Array(_) if self.is_single_mask(key) => {
                if self.truth(key, "an index")? {
                    let row = self.get_item(container, &self.none())?;
                    let slice = self.rows_if(true);
                    return self.set_item(&row, &slice, value);
                }
                Ok(())
            }
            Value::Array(array) => {
                if let Value::Array(source) = value
                    && Rc::ptr_eq(&source.buffer, &array.buffer)
                    && let Value::Array(target) = self.get_item(container, key)?
                    && self.is_same_part(source, &target)
                {
                    // `x[key] += y` has changed this part in place, and assigns it to itself.
                    return self.require_writeable(array);
                }
                let old = self.array_node(array)?;
                let place = self.argument_of(key)?;
                let value = self.argument_of(value)?;
                self.refuse_float(old, &value)?;
                let new = match numpy::setitem(&mut self.b, old, &place, &value) {
                    Err(error) if matches!(error.kind, ErrorKind::NeedsValue { .. }) => {
                        let key = self.settled(key)?;
                        let place = self.argument_of(&key)?;
                        numpy::setitem(&mut self.b, old, &place, &value)?
                    }
                    new => new?,
                };
                self.write(array, new)
            }
            Value::List(list) => {
                let length = list.items.borrow().len();
                if matches!(key, Value::Slice(_)) {
                    return self.set_slice(&list.clone(), key, value);
                }
                let at = self.index(key, length, "list assignment")?;
                self.change_list(&list.clone(), |items| items[at] = value.clone());
                Ok(())
            }
            Value::Dict(dict) => {
                let key = self.key(key)?;
                self.put(&dict.clone(), key, value.clone())
            }
            Value::Instance(instance) => {
                if let Some(method) = self.special(container, "__setitem__") {
                    let args = vec![key.clone(), value.clone()];
                    return self.call(&method, args, vec![]).map(drop);
                }
                match instance.content.clone() {
                    Some(content) => self.set_item(&content, key, value),
                    None => Err(Error::type_error(format!(
                        "'{}' object does not support item assignment",
                        self.describe(container)
                    ))),
                }
            }
            Value::Object(o, _) if self.host.class(o) == Class::Instance => {
                match self.special(container, "__setitem__") {
                    Some(method) => self
                        .call(&method, vec![key.clone(), value.clone()], vec![])
                        .map(drop),
                    None => Err(side_effect(&format!(
                        "assignment to an item of {}",
                        self.describe(container)
                    ))),
                }
            }
            Value::Scalar(..) | Value::Tuple(..) => Err(Error::type_error(format!(
                "'{}' object does not support item assignment",
                self.describe(container)
            ))),
            other => Err(side_effect(&format!(
                "assignment to an item of {}",
                self.describe(other)
            ))),
        }
    }

    /// `items[a:b:c] = values`.
    fn set_slice(
        &mut self,
        list: &Rc<ListValue<H::Object>>,
        key: &Value<H::Object>,
        value: &Value<H::Object>,
    ) -> Result<()> {
        let new = self.items_of(value)?;
        let old = list.items.borrow().clone();
        let known = self.known(key, "a slice")?;
        // Python itself says what goes where, with positions in place of the items.
        let positions = (0..old.len()).map(|i| self.host.constant(&py::Constant::Int(i.into())));
        let added =
            (0..new.len()).map(|i| self.host.constant(&py::Constant::Int((!(i as i64)).into())));
        let (positions, added) = (positions.collect(), added.collect());
        let class = self.host.builtin("list");
        let positions = self.host.tuple(positions);
        let made = self.host.call(&class, &[positions], &[]);
        let made = made.map_err(|raised| Error::type_error(raised.text))?;
        let args = [made.clone(), known, self.host.tuple(added)];
        if let Err(raised) = self.host.operator("setitem", &args) {
            return self.outcome(Err(raised)).map(drop);
        }
        let mut out = Vec::new();
        for position in self.host.items(&made).unwrap_or_default() {
            if let Class::Int(i) = self.host.class(&position) {
                out.push(match usize::try_from(i) {
                    Ok(i) => old[i].clone(),
                    Err(_) => new[!i as usize].clone(),
                });
            }
        }
        self.change_list(list, |items| *items = out);
        Ok(())
    }

    pub fn put(
        &mut self,
        dict: &Rc<DictValue<H::Object>>,
        key: H::Object,
        value: Value<H::Object>,
    ) -> Result<()> {
        if self.is_before_loop(dict.born) {
            let entries = dict.entries.borrow().clone();
            if let Some(attempt) = self.attempts.last_mut() {
                attempt.dicts.push((dict.clone(), entries));
            }
        }
        match self.position(dict, &key)? {
            Some(at) => dict.entries.borrow_mut()[at].1 = value,
            None => dict.entries.borrow_mut().push((key, value)),
        }
        self.dict_changed(dict);
        Ok(())
    }

    /// Where a key is in a dict.
    pub fn position(
        &mut self,
        dict: &DictValue<H::Object>,
        key: &H::Object,
    ) -> Result<Option<usize>> {
        let keys: Vec<_> = dict
            .entries
            .borrow()
            .iter()
            .map(|(k, _)| k.clone())
            .collect();
        // Most keys are the same object, or strings.
        if let Some(at) = keys.iter().position(|k| self.host.is(k, key)) {
            return Ok(Some(at));
        }
        for (at, known) in keys.iter().enumerate() {
            if self.same_key(known, key)? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    pub fn key_error(&mut self, key: H::Object) -> Box<Error> {
        let class = self.host.builtin("KeyError");
        match self.host.call(&class, std::slice::from_ref(&key), &[]) {
            Ok(made) => {
                let message = self.host.describe(&key);
                self.made("KeyError", Value::Object(made, None), message)
            }
            Err(raised) => Error::type_error(raised.text),
        }
    }

    pub fn delete_item(
        &mut self,
        container: &Value<H::Object>,
        key: &Value<H::Object>,
    ) -> Result<()> {
        match container {
            Value::List(list) => {
                if matches!(key, Value::Slice(_)) {
                    let nothing = self.list(vec![]);
                    return self.set_slice(&list.clone(), key, &nothing);
                }
                let length = list.items.borrow().len();
                let at = self.index(key, length, "list assignment")?;
                self.change_list(&list.clone(), |items| {
                    items.remove(at);
                });
                Ok(())
            }
            Value::Dict(dict) => {
                let dict = dict.clone();
                let key = self.key(key)?;
                match self.position(&dict, &key)? {
                    Some(at) => dict.entries.borrow_mut().remove(at),
                    None => return Err(self.key_error(key)),
                };
                self.dict_changed(&dict);
                Ok(())
            }
            Value::Instance(instance) => {
                if let Some(method) = self.special(container, "__delitem__") {
                    return self.call(&method, vec![key.clone()], vec![]).map(drop);
                }
                match instance.content.clone() {
                    Some(content) => self.delete_item(&content, key),
                    None => Err(Error::type_error("object doesn't support item deletion")),
                }
            }
            other => Err(side_effect(&format!(
                "del of an item of {}",
                self.describe(other)
            ))),
        }
    }

    /// A value as a list of values, if its length is known now.
    pub fn items_of(&mut self, value: &Value<H::Object>) -> Result<Vec<Value<H::Object>>> {
        let iterator = self.iterate(value)?;
        let mut out = Vec::new();
        while let Some(item) = self.advance(&iterator)? {
            out.push(item);
        }
        Ok(out)
    }

    /// `iter(value)`.
    pub fn iterate(
        &mut self,
        value: &Value<H::Object>,
    ) -> Result<Rc<std::cell::RefCell<Iterator<H::Object>>>> {
        let items = match value {
            Value::Iterator(it) => {
                // A range of computed bounds is the range itself: each run begins anew.
                if let Iterator::Span(bounds) = &*it.borrow() {
                    return Ok(Rc::new(Iterator::Span(bounds.clone()).into()));
                }
                return Ok(it.clone());
            }
            Value::Tuple(items, _) => items.to_vec(),
            Value::DictView(dict, view) => self.viewed(&dict.clone(), *view)?,
            Value::Set(set) => {
                let items = self.host.items(&set.object).unwrap_or_default();
                items
                    .into_iter()
                    .map(|o| self.wrap(o, None))
                    .collect::<Result<_>>()?
            }
            Value::Instance(instance) => {
                if let Some(method) = self.special(value, "__iter__") {
                    return self.started(&method);
                }
                if let Some(content) = instance.content.clone() {
                    return self.iterate(&content);
                }
                return self.by_index(value);
            }
            Value::List(list) => {
                let it = Iterator::List(list.clone(), 0);
                return Ok(Rc::new(it.into()));
            }
            Value::Dict(dict) => {
                let keys: Vec<_> = dict
                    .entries
                    .borrow()
                    .iter()
                    .map(|(k, _)| k.clone())
                    .collect();
                keys.into_iter()
                    .map(|k| self.wrap(k, None))
                    .collect::<Result<_>>()?
            }
            Value::Flat(array) => {
                let flat = self.flat_copy(&array.clone())?;
                return self.iterate(&flat);
            }
            Value::Array(_) => {
                let node = self.node(value)?;
                if self.b.aval(node).rank() == 0 {
                    return Err(Error::type_error("iteration over a 0-d array"));
                }
                return Ok(Rc::new(Iterator::Rows(Box::new(value.clone())).into()));
            }
            Value::Scalar(..) => {
                let what = self.describe(value);
                return Err(Error::type_error(format!(
                    "'{what}' object is not iterable"
                )));
            }
            Value::Object(o, _) => {
                self.pin(value);
                if let Class::Array(..) = self.host.class(o) {
                    let array = self.fresh_constant(value)?;
                    return self.iterate(&array);
                }
                let class = self.host.class(o);
                if matches!(
                    class,
                    Class::None
                        | Class::Bool(_)
                        | Class::Int(_)
                        | Class::Float(_)
                        | Class::Complex(..)
                        | Class::NumPyScalar(_)
                ) {
                    let what = self.host.describe(o);
                    return Err(Error::type_error(format!(
                        "'{what}' object is not iterable"
                    )));
                }
                if class == Class::Instance {
                    return match self.special(value, "__iter__") {
                        Some(method) => self.started(&method),
                        None => self.by_index(value),
                    };
                }
                if class == Class::Range {
                    let mut bound = |name: &str| {
                        let bound = self.attribute(value, name)?;
                        self.int_of(&bound, "range()")
                    };
                    let (next, stop, step) = (bound("start")?, bound("stop")?, bound("step")?);
                    return Ok(Rc::new(Iterator::Range { next, stop, step }.into()));
                }
                let items = self.host.items(o).ok_or_else(|| {
                    Error::unlifted(
                        self.host.describe(o),
                        "it cannot be iterated over while lifting",
                    )
                })?;
                items
                    .into_iter()
                    .map(|o| self.wrap(o, None))
                    .collect::<Result<_>>()?
            }
            Value::Size(_) => {
                let what = self.describe(value);
                return Err(Error::type_error(format!(
                    "'{what}' object is not iterable"
                )));
            }
            other => return Err(self.needs(other, "something to iterate over")),
        };
        Ok(Rc::new(
            Iterator::Items(items.into_iter().rev().collect()).into(),
        ))
    }

    /// What `__iter__` of an instance gives.
    fn started(
        &mut self,
        method: &Value<H::Object>,
    ) -> Result<Rc<std::cell::RefCell<Iterator<H::Object>>>> {
        let made = self.call(method, vec![], vec![])?;
        match &made {
            Value::Iterator(it) => Ok(it.clone()),
            Value::Instance(_) | Value::Object(..) if self.special(&made, "__next__").is_some() => {
                Ok(Rc::new(Iterator::Object(Box::new(made)).into()))
            }
            other => {
                let what = self.describe(other);
                let message = format!("iter() returned non-iterator of type '{what}'");
                Err(Error::type_error(message))
            }
        }
    }

    /// The items, last first, of an object whose class derives from `tuple` or `list` and iterates as that
    /// does.
    fn items_of_derived(
        &mut self,
        value: &Value<H::Object>,
        class: &H::Object,
    ) -> Result<Option<Vec<Value<H::Object>>>> {
        let (Attribute::Unbound(iter), Value::Object(object, slot)) =
            (self.host.look_up(class, None, "__iter__"), value)
        else {
            return Ok(None);
        };
        let bases = ["tuple", "list"].map(|name| self.host.builtin(name));
        let owner = self.host.unbound(&iter).map(|(owner, _)| owner);
        if !owner.is_some_and(|owner| bases.iter().any(|base| self.host.is(&owner, base))) {
            return Ok(None);
        }
        let items = match self.host.call(&bases[0], std::slice::from_ref(object), &[]) {
            Ok(plain) => self.host.items(&plain).unwrap_or_default(),
            Err(raised) => return Err(Error::internal(raised.text)),
        };
        let slot = match slot {
            Some(slot) => *slot,
            None => self.held(object),
        };
        let mut values = self.items_at(object, slot, &items, "item", false)?;
        values.reverse();
        Ok(Some(values))
    }

    /// Iteration by `__getitem__` with 0, 1, ... up to `IndexError`.
    fn by_index(
        &mut self,
        value: &Value<H::Object>,
    ) -> Result<Rc<std::cell::RefCell<Iterator<H::Object>>>> {
        let class = self.class_of(value)?;
        let compiled = ["__iter__", "__getitem__"].iter().any(|name| {
            let found = self.host.look_up(&class, None, name);
            !matches!(
                found,
                Attribute::Missing | Attribute::Fallback(_) | Attribute::Method(_)
            )
        });
        if let Some(items) = self.items_of_derived(value, &class)? {
            return Ok(Rc::new(Iterator::Items(items).into()));
        }
        if compiled {
            let callee = format!("iteration over {}", self.describe(value));
            return Err(Error::new(ErrorKind::UnknownCall { callee }));
        }
        let Some(method) = self.special(value, "__getitem__") else {
            let what = self.describe(value);
            let message = format!("'{what}' object is not iterable");
            return Err(Error::type_error(message));
        };
        let mut items = Vec::new();
        loop {
            let at = self.int(items.len() as i64);
            match self.call(&method, vec![at], vec![]) {
                Ok(item) => items.push(item),
                Err(error) if self.is_raised(&error, "IndexError") => break,
                Err(error) => return Err(error),
            }
        }
        items.reverse();
        Ok(Rc::new(Iterator::Items(items).into()))
    }

    /// `array.tolist()`: nested lists of numbers.
    pub fn nested_list(&mut self, array: &Value<H::Object>) -> Result<Value<H::Object>> {
        let node = self.node(array)?;
        if self.b.aval(node).rank() == 0 {
            let number = self.operation("numpy.ndarray.item", std::slice::from_ref(array), &[])?;
            return number.ok_or_else(|| Error::unlifted("tolist()", "it is not lifted"));
        }
        let rows = self.rows(array)?;
        let items = rows.iter().map(|row| self.nested_list(row));
        let items = items.collect::<Result<_>>()?;
        Ok(self.list(items))
    }

    /// The rows of an array: their number becomes fixed.
    pub fn rows(&mut self, array: &Value<H::Object>) -> Result<Vec<Value<H::Object>>> {
        let count = self.row_count(array)?;
        (0..count)
            .map(|i| self.get_item(array, &self.int(i)))
            .collect()
    }

    /// How many rows there are, which becomes fixed.
    pub fn row_count(&mut self, array: &Value<H::Object>) -> Result<i64> {
        let node = self.node(array)?;
        let first = self.b.aval(node).shape.first().cloned();
        let first = first.ok_or_else(|| Error::type_error("iteration over a 0-d array"))?;
        self.seen_size(&first)
    }
}
