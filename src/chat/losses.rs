//! The record of what a translation could not carry over.

use super::{Extra, Failure};
use std::fmt::Display;

/// Keeps the warnings of one translation, and turns a loss into a refusal where the model's configuration asks for it.
#[derive(Debug, Default)]
pub struct Losses {
    refuse: bool,
    warnings: Vec<String>,
}

/// Begins the names of `extra` that only their own dialect writes back and nobody else misses: ids and states of items,
/// hints for the provider's caches, fields that the hub holds in its own words besides.
pub const OWN: &str = "own.";

/// Warnings kept of one body: a header has to hold them. What comes after is counted, not lost in silence.
const MOST_WARNINGS: usize = 32;

/// Whether a field that only its own dialect knows is missed elsewhere: its labels are not, a file's own server tells its
/// media type, and a proof of reasoning is for its maker alone.
pub fn is_missed(name: &str) -> bool {
    !name.starts_with(OWN) && !matches!(name, "mimeType" | "thoughtSignature")
}

impl Losses {
    /// `drop_params`: `true` drops with a warning, `false` refuses with a 400 that names the field.
    pub fn new(drop_params: bool) -> Self {
        Self { refuse: !drop_params, warnings: Vec::new() }
    }

    /// The target cannot say `field`: dropped with a warning, or refused. `why` completes the sentence
    /// "`field` …", e.g. `is not supported by Anthropic`.
    pub fn lost(&mut self, field: &str, why: &str) -> Result<(), Failure> {
        if self.refuse {
            return Err(Failure::field(field, format!("{field} {why}")).with_code("unsupported_parameter"));
        }
        self.note(format!("{field} dropped: {why}"));
        Ok(())
    }

    /// Something was moved, clamped or said differently: a warning, never a refusal.
    pub fn note(&mut self, warning: impl Into<String>) {
        let warning = warning.into();
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// A message of which nothing is left cannot be sent, whatever may be dropped: a 400 with the reason of the last loss.
    pub fn nothing_left(&self, field: &str) -> Failure {
        let last = self.warnings.last().map_or("", String::as_str);
        let message = match last.strip_prefix(field).and_then(|rest| rest.strip_prefix(" dropped: ")) {
            Some(why) => format!("{field} {why}"),
            None => format!("nothing that {field} says can be carried over to this provider"),
        };
        Failure::field(field, message).with_code("unsupported_parameter")
    }

    /// Every field of `extra` that says anything is lost; `base` is the path of what it belongs to, empty at the top
    /// level. Names that begin with [`OWN`] are no loss.
    pub fn lost_extra(&mut self, base: impl Display, extra: &Extra<'_>, why: &str) -> Result<(), Failure> {
        for (name, _) in extra.iter().filter(|(name, value)| value.get() != "null" && is_missed(name)) {
            let path = format!("{base}.{name}");
            self.lost(path.strip_prefix('.').unwrap_or(&path), why)?;
        }
        Ok(())
    }

    /// The warnings, the first ones whole and the rest as a count.
    pub fn into_warnings(self) -> Vec<String> {
        let mut warnings = self.warnings;
        if warnings.len() > MOST_WARNINGS {
            let more = warnings.len().saturating_sub(MOST_WARNINGS);
            warnings.truncate(MOST_WARNINGS);
            warnings.push(format!("and {more} more"));
        }
        warnings
    }
}
