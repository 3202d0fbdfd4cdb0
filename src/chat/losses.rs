//! The record of what a translation could not carry over.

use super::{Extra, Failure, PartKind};
use std::collections::HashSet;
use std::fmt::{Display, Write};
use std::hash::{DefaultHasher, Hasher};

/// Keeps the warnings of one translation, and turns a loss into a refusal where the model's configuration asks for it.
#[derive(Debug, Default)]
pub struct Losses {
    refuse: bool,
    drop_content: bool,
    /// The message that is written is the model's own.
    is_models: bool,
    warnings: Vec<String>,
    /// The hashes of warnings, which are not told twice.
    told: HashSet<u64>,
    /// Warnings beyond those that are kept.
    more: usize,
    /// The last loss beyond those that are kept.
    last: String,
}

/// Begins the names of `extra` that only their own dialect writes back and nobody else misses: ids and states of items,
/// hints for the provider's caches, fields that the hub holds in its own words besides.
pub const OWN: &str = "own.";

/// Warnings kept of one body: a header has to hold them. What comes after is counted, not lost in silence.
const MOST_WARNINGS: usize = 32;

/// Warnings that are known when they come again: a body may hold a hundred thousand, an honest one has fewer than these.
const MOST_KNOWN: usize = 1024;

/// Whether a field that only its own dialect knows is missed elsewhere: its labels are not, a file's own server tells its
/// media type, and a proof of reasoning is for its maker alone.
pub fn is_missed(name: &str) -> bool {
    !name.starts_with(OWN) && !matches!(name, "mimeType" | "thoughtSignature")
}

impl Losses {
    /// `drop_params`: `true` drops with a warning, `false` refuses with a 400 that names the field.
    pub fn new(drop_params: bool) -> Self {
        Self { refuse: !drop_params, ..Self::default() }
    }

    /// Whether what the model is to read may be dropped, too, see [`Self::unread`].
    #[must_use]
    pub fn dropping_content(self, drop_content: bool) -> Self {
        Self { drop_content, ..self }
    }

    /// Whether the model said what is written from here on.
    pub fn said_by_model(&mut self, is_models: bool) {
        self.is_models = is_models;
    }

    /// The target cannot say `field`: dropped with a warning, or refused. `why` completes the sentence
    /// "`field` …", e.g. `is not supported by Anthropic`.
    pub fn lost(&mut self, field: &str, why: &str) -> Result<(), Failure> {
        if self.refuse {
            return Err(Failure::unsupported(field, format!("{field} {why}")));
        }
        self.drop(field, why);
        Ok(())
    }

    /// The target cannot take the picture, sound or document at `field`. Where the model is to read it, an answer
    /// that was given without it would be worse than none: refused, unless content may be dropped. What a model said
    /// itself is lost as all else is.
    pub fn unread(&mut self, field: &str, why: &str) -> Result<(), Failure> {
        if self.is_models {
            return self.lost(field, why);
        }
        if !self.drop_content {
            return Err(Failure::unsupported(field, format!("{field}: {why}")));
        }
        self.drop(field, why);
        Ok(())
    }

    /// The target cannot take this part: [`Self::unread`] or [`Self::lost`], as it is a picture, sound or document or not.
    pub fn missed(&mut self, part: &PartKind<'_>, field: &str, why: &str) -> Result<(), Failure> {
        match part {
            PartKind::Image { .. } | PartKind::Audio { .. } | PartKind::Document(_) => {
                self.unread(field, why)
            }
            PartKind::Other(opaque) if opaque.is_media() => self.unread(field, why),
            _ => self.lost(field, why),
        }
    }

    fn drop(&mut self, field: &str, why: &str) {
        self.note(format_args!("{field} dropped: {why}"));
        if self.is_full() {
            self.last.clear();
            // A String takes every write.
            let _ = write!(self.last, "{field} dropped: {why}");
        }
    }

    /// Something was moved, clamped or said differently: a warning, never a refusal. Told again, it is the same one.
    pub fn note(&mut self, warning: impl Display) {
        let mut hash = Hash(DefaultHasher::new());
        // A hash takes every write.
        let _ = write!(hash, "{warning}");
        let hash = hash.0.finish();
        if self.told.contains(&hash) {
            return;
        }
        if self.told.len() < MOST_KNOWN {
            self.told.insert(hash);
        }
        if self.is_full() {
            self.more = self.more.saturating_add(1);
        } else {
            self.warnings.push(warning.to_string());
        }
    }

    /// Whether what comes now is only counted.
    fn is_full(&self) -> bool {
        self.warnings.len() >= MOST_WARNINGS
    }

    /// A message of which nothing is left cannot be sent, whatever may be dropped: a 400 with the reason of the last loss.
    pub fn nothing_left(&self, field: &str) -> Failure {
        let last = match self.last.as_str() {
            "" => self.warnings.last().map_or("", String::as_str),
            last => last,
        };
        let message = match last.strip_prefix(field).and_then(|rest| rest.strip_prefix(" dropped: ")) {
            Some(why) => format!("{field} {why}"),
            None => format!("nothing that {field} says can be carried over to this provider"),
        };
        Failure::unsupported(field, message)
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
        if self.more > 0 {
            warnings.push(format!("and {} more", self.more));
        }
        warnings
    }
}

/// The hash of what is written, which is never put together.
struct Hash(DefaultHasher);

impl Write for Hash {
    fn write_str(&mut self, piece: &str) -> std::fmt::Result {
        Hasher::write(&mut self.0, piece.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_again_is_told_once() {
        let mut losses = Losses::new(true);
        for _ in 0..2 {
            losses.note("a");
            losses.note(format_args!("a{}", 'b'));
            losses.lost("c", "d").unwrap();
        }
        assert_eq!(losses.into_warnings(), ["a", "ab", "c dropped: d"]);
    }

    #[test]
    fn what_no_header_can_hold_is_counted() {
        let mut losses = Losses::new(true);
        for _ in 0..2 {
            (0..40).for_each(|n| losses.note(n));
        }
        losses.lost("field", "is lost").unwrap();
        assert_eq!(losses.nothing_left("field").message, "field is lost");
        let warnings = losses.into_warnings();
        assert_eq!(warnings.len(), 33);
        assert_eq!(warnings[31..], ["31", "and 9 more"]);
    }

    #[test]
    fn a_hundred_thousand_are_counted_too() {
        let mut losses = Losses::new(true);
        (0..100_000).for_each(|n| losses.note(n));
        assert_eq!(losses.into_warnings().last().unwrap(), "and 99968 more");
    }
}
