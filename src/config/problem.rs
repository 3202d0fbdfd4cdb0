//! What is wrong with a configuration, and where.

use super::schema::Span;
use std::fmt;

/// One mistake: where, what, and what was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path of the field, such as `models.smart.targets[1].provider`; empty for the file as a whole.
    pub path: String,
    /// What is wrong with it, in one sentence.
    pub message: String,
    /// What was probably meant, ready to be written in its place.
    pub suggestion: Option<String>,
}

impl Problem {
    /// A mistake at a path.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), suggestion: None }
    }

    /// The same mistake with what was probably meant, where something was.
    #[must_use]
    pub fn suggest(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, " (did you mean `{suggestion}`?)"),
            None => Ok(()),
        }
    }
}

/// Of the fields of the object at `path`, the times that are none.
pub(crate) fn check_times(path: &str, fields: &[(&str, Option<Span>)], problems: &mut Vec<Problem>) {
    for (field, span) in fields {
        if span.is_some_and(|span| span.0.is_zero()) {
            problems.push(Problem::new(format!("{path}.{field}"), "must be longer than 0s"));
        }
    }
}

/// The path of an entry of a map: names that would be taken for path syntax are quoted.
pub(crate) fn entry(parent: &str, name: &str) -> String {
    if name.is_empty() || name.contains(['.', '[', ']', '"', ' ']) {
        format!("{parent}.{}", serde_json::Value::from(name))
    } else {
        format!("{parent}.{name}")
    }
}
