//! The events as they stand on the wire.

use super::super::response::Answer;
use crate::wire::json::{Text, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// Any event. What is about an item says which by its place in the output; what its other fields are depends on the
    /// type.
    pub(super) light struct Data<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) response: Answer<'a> = "response",
        pub(super) output_index: u64 = "output_index",
        pub(super) content_index: u64 = "content_index",
        pub(super) summary_index: u64 = "summary_index",
        pub(super) item: &'a RawValue = "item",
        pub(super) delta: &'a RawValue = "delta",
        pub(super) text: &'a RawValue = "text",
        pub(super) refusal: &'a RawValue = "refusal",
        pub(super) arguments: &'a RawValue = "arguments",
        pub(super) input: &'a RawValue = "input",
        pub(super) annotation: &'a RawValue = "annotation",
        pub(super) logprobs: &'a RawValue = "logprobs",
        pub(super) error: &'a RawValue = "error",
    }
}

wire_object! {
    /// The event that nearly all of a stream consists of.
    pub(super) light struct Added<'a> {
        pub(super) kind: Text<'a> = "type",
        pub(super) output_index: u64 = "output_index",
        pub(super) content_index: u64 = "content_index",
        pub(super) summary_index: u64 = "summary_index",
        pub(super) delta: Text<'a> = "delta",
        pub(super) logprobs: &'a RawValue = "logprobs",
        pub(super) sequence_number: &'a RawValue = "sequence_number",
        pub(super) obfuscation: Text<'a> = "obfuscation",
    }
}

impl<'a> Added<'a> {
    /// What it adds, where it says nothing else, and what differs from one to the next without meaning anything.
    pub(super) fn only_text(&self) -> Option<(&'a str, Vec<&'a str>)> {
        let is_bare = self.logprobs.is_none_or(|logprobs| logprobs.get() == "[]");
        let text = self.delta.as_ref().filter(|_| is_bare)?.literal()?;
        let mut noise: Vec<&str> = self.sequence_number.map(RawValue::get).into_iter().collect();
        if let Some(obfuscation) = &self.obfuscation {
            noise.push(obfuscation.literal()?);
        }
        Some((text, noise))
    }
}
