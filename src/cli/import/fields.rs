//! The fields of a foreign mapping, each taken out once: what is left at the end was not carried over.

use super::report::Report;
use yaml_serde::{Mapping, Value};

/// A mapping and where it stands.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Path of the mapping.
    pub(super) path: String,
    fields: Mapping,
}

impl Fields {
    /// The fields of a value; something that is no mapping has none, and is reported.
    pub(super) fn of(value: Option<Value>, path: &str, report: &mut Report) -> Self {
        let fields = match value {
            Some(Value::Mapping(fields)) => fields,
            None | Some(Value::Null) => Mapping::new(),
            Some(_) => {
                report.left(path, "is no mapping");
                Mapping::new()
            }
        };
        Self { path: path.to_owned(), fields }
    }

    /// Path of one field.
    pub(super) fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Whether a field is there and says something.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|value| !value.is_null())
    }

    /// Takes a field out; null is as good as absent.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.shift_remove(name).filter(|value| !value.is_null())
    }

    /// Takes a text out; a number will do.
    pub(super) fn text(&mut self, name: &str, report: &mut Report) -> Option<String> {
        self.typed(name, "a text", report, |value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }

    /// Takes a number out; a text that is one will do.
    pub(super) fn number(&mut self, name: &str, report: &mut Report) -> Option<f64> {
        self.typed(name, "a number", report, number)
    }

    /// Takes a yes or no out.
    pub(super) fn flag(&mut self, name: &str, report: &mut Report) -> Option<bool> {
        self.typed(name, "true or false", report, Value::as_bool)
    }

    fn typed<T>(
        &mut self,
        name: &str,
        what: &str,
        report: &mut Report,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(name)?;
        let read = read(&value);
        if read.is_none() {
            report.left(self.at(name), format!("is not {what}"));
        }
        read
    }

    /// Puts a field in where there is none.
    pub(super) fn fill(&mut self, name: &str, value: Value) {
        if self.fields.get(name).is_none_or(Value::is_null) {
            self.fields.insert(name.into(), value);
        }
    }

    /// What is left, in the order of the file.
    pub(super) fn into_rest(self) -> impl Iterator<Item = (String, Value)> {
        self.fields
            .into_iter()
            .map(|(name, value)| (name.as_str().map_or_else(|| "?".to_owned(), str::to_owned), value))
    }

    /// Reports everything that is left: each leaf by its path, with the reason for its field.
    pub(super) fn leave(self, why: impl Fn(&str) -> &'static str, report: &mut Report) {
        let path = self.path.clone();
        for (name, value) in self.into_rest() {
            let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            leave_value(&value, &at, why(&name), report);
        }
    }
}

/// Reports a value that is not carried over: a mapping by its leaves, anything else as a whole.
pub(super) fn leave_value(value: &Value, path: &str, why: &str, report: &mut Report) {
    match value {
        Value::Mapping(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                leave_value(value, &format!("{path}.{}", name.as_str().unwrap_or("?")), why, report);
            }
        }
        Value::Sequence(items) if items.iter().any(Value::is_mapping) => {
            for (index, value) in items.iter().enumerate() {
                leave_value(value, &format!("{path}[{index}]"), why, report);
            }
        }
        _ => report.left(path, why),
    }
}

/// A number, or a text that is one.
fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    number.filter(|number| number.is_finite())
}
