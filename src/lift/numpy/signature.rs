//! Arguments bound to parameters, as Python binds them.
//!
//! In: a signature as text and the arguments of a call. Out: one [`Arg`] per parameter.
//!
//! ```text
//! "a, axis=None, dtype=None, out=None, keepdims=False"   np.sum(x, 1, keepdims=True)
//! ```
//!
//! The text is Python's, except that a default may list several values between bars: each of them
//! means the same to us (`order=K|C|A`). What a handler does not ask for must have such a value;
//! anything else is refused, never ignored. Source: the Python reference, "Calls".

use super::{Arg, Keywords};
use crate::error::{Error, Result};
use crate::graph::Builder;

/// How a parameter may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passing {
    PositionalOnly,
    Either,
    /// `*name`: all positional arguments that are left.
    Rest,
    KeywordOnly,
}

#[derive(Clone, Debug)]
struct Parameter {
    name: &'static str,
    passing: Passing,
    /// The values that change nothing; none if the argument is required.
    defaults: Option<Vec<Arg>>,
}

/// The parameters of a function.
#[derive(Clone, Debug)]
pub(super) struct Signature(Vec<Parameter>);

impl Signature {
    pub(super) fn parse(text: &'static str) -> Signature {
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut passing = Passing::Either;
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            match part.strip_prefix('*') {
                Some("") => passing = Passing::KeywordOnly,
                Some(name) => {
                    parameters.push(Parameter {
                        name,
                        passing: Passing::Rest,
                        defaults: Some(vec![]),
                    });
                    passing = Passing::KeywordOnly;
                }
                None if part == "/" => {
                    for p in &mut parameters {
                        p.passing = Passing::PositionalOnly;
                    }
                }
                None => {
                    let (name, defaults) = match part.split_once('=') {
                        Some((name, values)) => {
                            (name, Some(values.split('|').map(literal).collect()))
                        }
                        None => (part, None),
                    };
                    parameters.push(Parameter {
                        name,
                        passing,
                        defaults,
                    });
                }
            }
        }
        Signature(parameters)
    }

    /// Where a parameter stands among the positional ones.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        let positional = self
            .0
            .iter()
            .filter(|p| matches!(p.passing, Passing::PositionalOnly | Passing::Either));
        positional.map(|p| p.name).position(|n| n == name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|p| p.name == name)
    }

    /// # Errors
    /// `TypeError`, in Python's words.
    pub(super) fn bind<'a>(
        &'static self,
        b: &'a mut Builder,
        name: &'static str,
        args: &[Arg],
        keywords: &Keywords,
    ) -> Result<Call<'a>> {
        let mut call = Call {
            b,
            name,
            signature: self,
            values: vec![None; self.0.len()],
            rest: Vec::new(),
        };
        let takes_rest = self.0.iter().any(|p| p.passing == Passing::Rest);
        let positional = self
            .0
            .iter()
            .filter(|p| matches!(p.passing, Passing::PositionalOnly | Passing::Either))
            .count();
        for (i, arg) in args.iter().enumerate() {
            if i < positional {
                call.values[i] = Some(arg.clone());
            } else if takes_rest {
                call.rest.push(arg.clone());
            } else {
                return Err(Error::type_error(self.too_many(
                    name,
                    positional,
                    args.len(),
                )));
            }
        }
        for (key, value) in keywords {
            let at = self.0.iter().position(|p| {
                p.name == key && matches!(p.passing, Passing::Either | Passing::KeywordOnly)
            });
            let Some(at) = at else {
                return Err(Error::type_error(format!(
                    "{name}() got an unexpected keyword argument '{key}'"
                )));
            };
            if call.values[at].is_some() {
                return Err(Error::type_error(format!(
                    "{name}() got multiple values for argument '{key}'"
                )));
            }
            call.values[at] = Some(value.clone());
        }
        self.check_required(&mut call)?;
        Ok(call)
    }

    fn check_required(&self, call: &mut Call<'_>) -> Result<()> {
        let mut missing = Vec::new();
        for (parameter, value) in self.0.iter().zip(&mut call.values) {
            // NumPy takes orders in small letters, too.
            if let (Some(Arg::Str(order)), "order") = (&mut *value, parameter.name) {
                order.make_ascii_uppercase();
            }
            // NumPy's own Python code passes this marker for "not given".
            if matches!(value, Some(Arg::Other(words)) if words == "<no value>") {
                *value = None;
            }
            if value.is_none() && parameter.defaults.is_none() {
                missing.push(format!("'{}'", parameter.name));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let plural = if missing.len() > 1 { "s" } else { "" };
        Err(Error::type_error(format!(
            "{}() missing {} required positional argument{plural}: {}",
            call.name,
            missing.len(),
            missing.join(" and ")
        )))
    }

    fn too_many(&self, name: &str, positional: usize, given: usize) -> String {
        let required = self
            .0
            .iter()
            .filter(|p| p.defaults.is_none() && p.passing != Passing::KeywordOnly)
            .count();
        let takes = if required == positional {
            format!("{positional}")
        } else {
            format!("from {required} to {positional}")
        };
        let plural = if positional == 1 { "" } else { "s" };
        let was = if given == 1 { "was" } else { "were" };
        format!("{name}() takes {takes} positional argument{plural} but {given} {was} given")
    }
}

/// A default as the signature's text writes it.
fn literal(text: &str) -> Arg {
    match text {
        "None" => Arg::None,
        "True" => Arg::Bool(true),
        "False" => Arg::Bool(false),
        _ => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(i), _) => Arg::Int(i),
            (_, Ok(f)) if text.contains('.') || text.contains('e') => Arg::Float(f),
            _ => Arg::Str(text.to_owned()),
        },
    }
}

/// A call being lifted: what a handler works with.
pub(super) struct Call<'a> {
    pub b: &'a mut Builder,
    /// The function's name as NumPy's messages write it.
    pub name: &'static str,
    signature: &'static Signature,
    values: Vec<Option<Arg>>,
    rest: Vec<Arg>,
}

impl Call<'_> {
    /// The argument, if it was given and is not its default.
    pub(super) fn given(&mut self, name: &str) -> Option<Arg> {
        let at = self.signature.0.iter().position(|p| p.name == name)?;
        let value = self.values[at].take()?;
        match &self.signature.0[at].defaults {
            Some(defaults) if defaults.contains(&value) => None,
            _ => Some(value),
        }
    }

    /// The argument, or its (first) default.
    pub(super) fn arg(&mut self, name: &str) -> Arg {
        let Some(at) = self.signature.0.iter().position(|p| p.name == name) else {
            return Arg::None;
        };
        self.values[at].take().unwrap_or_else(|| {
            let defaults = self.signature.0[at].defaults.as_ref();
            defaults
                .and_then(|d| d.first().cloned())
                .unwrap_or(Arg::None)
        })
    }

    /// The argument as it was given.
    pub(super) fn peek(&self, name: &str) -> Option<&Arg> {
        let at = self.signature.0.iter().position(|p| p.name == name)?;
        self.values[at].as_ref()
    }

    /// The positional arguments that `*name` collected.
    pub(super) fn rest(&mut self) -> Vec<Arg> {
        std::mem::take(&mut self.rest)
    }

    /// A `True` or `False` argument.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool> {
        match self.arg(name) {
            Arg::Bool(value) => Ok(value),
            Arg::None => Ok(false),
            Arg::Int(value) => Ok(value != 0),
            _ => Err(self.unlifted(format!("`{name}` must be True or False here"))),
        }
    }

    /// Refuses the call.
    pub(super) fn unlifted(&self, why: impl Into<String>) -> Box<Error> {
        Error::unlifted(self.name, why)
    }

    /// Refuses arguments that nobody asked for and that are not at their defaults.
    pub(super) fn finish(&self) -> Result<()> {
        for (parameter, value) in self.signature.0.iter().zip(&self.values) {
            let harmless = match (value, &parameter.defaults) {
                (None, _) => true,
                (Some(value), Some(defaults)) => defaults.contains(value),
                (Some(_), None) => false,
            };
            if !harmless {
                return Err(self.unlifted(format!("the argument `{}`", parameter.name)));
            }
        }
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.unlifted("its extra positional arguments"))
        }
    }
}
