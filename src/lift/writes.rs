//! NumPy functions that write into an argument: `copyto`, `place`, `put`, `add.at`.
//!
//! In: such a function and its arguments. Out: a new version of the buffer written to.
//! `np.place(x, mask, v)` is `x = where(mask, v[(cumsum(mask) - 1) % len(v)], x)`.

use super::calls::Keywords;
use super::host::Host;
use super::machine::Machine;
use super::numpy;
use super::value::{ArrayRef, Look, Value};
use crate::ast::py;
use crate::error::{Error, Result};

impl<H: Host> Machine<'_, H> {
    /// A call of a function that writes; `None` if `name` is none of them.
    pub fn writing_call(
        &mut self,
        name: &str,
        args: &[Value<H::Object>],
        keywords: &Keywords<H::Object>,
    ) -> Result<Option<Value<H::Object>>> {
        let parameters: &[&str] = match name {
            "numpy.copyto" => &["dst", "src", "casting", "where"],
            "numpy.place" => &["arr", "mask", "vals"],
            "numpy.putmask" => &["a", "mask", "values"],
            "numpy.put" => &["a", "ind", "v", "mode"],
            "numpy.add.at" | "numpy.subtract.at" => &["a", "indices", "b"],
            _ => return Ok(None),
        };
        let mut bound: Vec<Option<Value<H::Object>>> = vec![None; parameters.len()];
        for (place, value) in bound.iter_mut().zip(args) {
            *place = Some(value.clone());
        }
        for (key, value) in keywords {
            let at = parameters.iter().position(|p| p == key);
            let at = at.ok_or_else(|| Error::type_error(format!("{name}() got '{key}'")))?;
            bound[at] = Some(value.clone());
        }
        let get = |at: usize| {
            bound[at]
                .clone()
                .ok_or_else(|| Error::type_error(format!("{name}() needs {}", parameters[at])))
        };
        let target = get(0)?;
        let Value::Array(array) = &target else {
            return Err(self.needs(&target, "an array to write to"));
        };
        match name {
            "numpy.copyto" => {
                let casting = match bound[2].clone() {
                    Some(casting) => self.string(&casting)?,
                    None => "same_kind".into(),
                };
                let source = match bound[3].clone() {
                    Some(mask) => self.numpy("numpy.where", &[mask, get(1)?, target.clone()])?,
                    None => get(1)?,
                };
                let node = self.node(&source)?;
                self.write_whole(array, node, &casting)?;
            }
            "numpy.place" | "numpy.putmask" => {
                let mask = self.numpy("numpy.asarray", &[get(1)?])?;
                let values = self.numpy("numpy.ravel", &[get(2)?])?;
                if name == "numpy.place" && self.has_no_place(&mask, &values)? {
                    return Ok(Some(self.none()));
                }
                let (from, to) = (self.node(&values)?, self.array_node(array)?);
                let (from, to) = (self.b.aval(from).dtype, self.b.aval(to).dtype);
                if name == "numpy.putmask" && from != to {
                    return Err(Error::unlifted(
                        "np.putmask of values of another dtype",
                        "NumPy casts safely or raises",
                    ));
                }
                let chosen = self.spread(&target, &mask, &values, name == "numpy.place")?;
                let new = self.numpy("numpy.where", &[mask, chosen, target.clone()])?;
                let node = self.node(&new)?;
                self.write_whole(array, node, "unsafe")?;
            }
            "numpy.put" => {
                if let Some(mode) = bound[3].clone()
                    && self.string(&mode)? != "raise"
                {
                    return Err(Error::unlifted("np.put(mode=)", "it is not lifted"));
                }
                let flat = self.flat_view(&target)?;
                let values = self.numpy("numpy.ravel", &[get(2)?])?;
                let indices = self.numpy("numpy.asarray", &[get(1)?])?;
                let count = self.attribute(&indices, "size")?;
                let values = self.repeated_to(&values, &count)?;
                let indices = self.numpy("numpy.ravel", &[indices])?;
                self.set_item(&flat, &indices, &values)?;
            }
            _ => {
                let value = get(2)?;
                let value = match name {
                    "numpy.subtract.at" => self.unary(py::UnaryOp::USub, &value)?,
                    _ => value,
                };
                let old = self.array_node(array)?;
                let (key, value) = (self.argument_of(&get(1)?)?, self.argument_of(&value)?);
                let new = numpy::add_at(&mut self.b, old, &key, &value)?;
                self.write(array, new)?;
            }
        }
        Ok(Some(self.none()))
    }

    /// Whether there are no values for `np.place`, which is right if there are no places either.
    fn has_no_place(&mut self, mask: &Value<H::Object>, values: &Value<H::Object>) -> Result<bool> {
        let (count, zero) = (self.attribute(values, "size")?, self.int(0));
        let empty = self.compare(py::CmpOp::Eq, &count, &zero)?;
        if !self.truth(&empty, "the number of values")? {
            return Ok(false);
        }
        let any = self.numpy("numpy.any", std::slice::from_ref(mask))?;
        match self.truth(&any, "a place without a value")? {
            true => Err(Error::value("Cannot insert from an empty array!")),
            false => Ok(true),
        }
    }

    /// The values for the places that a mask chooses, in the shape of the target: one for each place in
    /// turn (`in_turn`), or the one at the place's own position.
    fn spread(
        &mut self,
        target: &Value<H::Object>,
        mask: &Value<H::Object>,
        values: &Value<H::Object>,
        in_turn: bool,
    ) -> Result<Value<H::Object>> {
        let count = self.attribute(values, "size")?;
        let one = self.int(1);
        let single = self.compare(py::CmpOp::Eq, &count, &one)?;
        if self.truth(&single, "the number of values")? {
            let first = self.int(0);
            return self.get_item(values, &first);
        }
        let order = if in_turn {
            let flat = self.numpy("numpy.ravel", std::slice::from_ref(mask))?;
            let flat = self.numpy(
                "numpy.astype",
                &[flat, Value::Object(self.host.builtin("int"), None)],
            )?;
            let order = self.numpy("numpy.cumsum", &[flat])?;
            let order = self.binary("sub", &order, &one)?;
            // Before the first place: any value, which is not used.
            let zero = self.int(0);
            self.numpy("numpy.maximum", &[order, zero])?
        } else {
            let size = self.attribute(target, "size")?;
            self.numpy("numpy.arange", &[size])?
        };
        let order = self.binary("mod", &order, &count)?;
        let chosen = self.get_item(values, &order)?;
        let shape = self.attribute(target, "shape")?;
        self.numpy("numpy.reshape", &[chosen, shape])
    }

    /// As many values as there are places: repeated from the start if they are too few.
    pub fn repeated_to(
        &mut self,
        values: &Value<H::Object>,
        count: &Value<H::Object>,
    ) -> Result<Value<H::Object>> {
        let given = self.attribute(values, "size")?;
        let one = self.int(1);
        for enough in [&one, count] {
            let same = self.compare(py::CmpOp::Eq, &given, enough)?;
            if self.truth(&same, "the number of values")? {
                return Ok(values.clone());
            }
        }
        let order = self.numpy("numpy.arange", std::slice::from_ref(count))?;
        let order = self.binary("mod", &order, &given)?;
        self.get_item(values, &order)
    }

    /// The elements in C order, as a view: what `x.flat` writes to.
    pub fn flat_view(&mut self, array: &Value<H::Object>) -> Result<Value<H::Object>> {
        let Value::Array(array) = array else {
            return Err(self.needs(array, "an array"));
        };
        let node = self.array_node(array)?;
        let shape = self.b.aval(node).shape.clone();
        let count = shape
            .iter()
            .fold(crate::graph::Dim::known(1), |a, d| a * d.clone());
        let flat = self.b.reshape(node, [count].into_iter().collect())?;
        if flat == node {
            return Ok(Value::Array(array.clone()));
        }
        let op = self.b.op(flat).clone();
        Ok(Value::Array(array.view(
            &[Look {
                op,
                indices: vec![],
            }],
            flat,
        )))
    }

    /// The elements in C order, as an array of their own: what is read from `x.flat`.
    pub fn flat_copy(&mut self, array: &ArrayRef) -> Result<Value<H::Object>> {
        let view = self.flat_view(&Value::Array(array.clone()))?;
        let node = self.node(&view)?;
        Ok(Value::Array(ArrayRef::fresh(node)))
    }

    /// A NumPy function that is known.
    pub fn numpy(&mut self, name: &str, args: &[Value<H::Object>]) -> Result<Value<H::Object>> {
        let result = self.operation(name, args, &[])?;
        result.ok_or_else(|| Error::unlifted(name, "it is not lifted"))
    }
}
