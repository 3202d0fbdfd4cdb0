//! A chunk of a stream as it stands on the wire.

pub(super) use super::super::request::wire::Function;
use super::super::request::wire::{CustomCall, Part, ThinkingBlock};
use super::super::usage::{Groq, UsageWire};
use crate::wire::json::{Count, Text, TextOr, wire_object};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

wire_object! {
    /// One `chat.completion.chunk`. Fields that carry nothing for anyone are read and forgotten.
    pub(super) struct Chunk<'a> {
        pub(super) id: Text<'a> = "id",
        pub(super) object: IgnoredAny = "object",
        pub(super) model: Text<'a> = "model",
        pub(super) created: Count = "created",
        pub(super) choices: Vec<Choice<'a>> = "choices",
        pub(super) usage: UsageWire<'a> = "usage",
        pub(super) groq: Groq<'a> = "x_groq",
        pub(super) error: &'a RawValue = "error",
        /// Letters that nobody reads: they hide the length of the chunk.
        pub(super) obfuscation: &'a RawValue = "obfuscation",
        pub(super) system_fingerprint: IgnoredAny = "system_fingerprint",
        pub(super) service_tier: IgnoredAny = "service_tier",
        pub(super) provider: IgnoredAny = "provider",
    }
}

wire_object! {
    /// What is added to one of the answers.
    pub(super) struct Choice<'a> {
        pub(super) index: u32 = "index",
        pub(super) delta: Delta<'a> = "delta",
        /// Some send the whole message once more in the end.
        pub(super) message: IgnoredAny = "message",
        pub(super) finish_reason: Text<'a> = "finish_reason",
        pub(super) error: &'a RawValue = "error",
        pub(super) native_finish_reason: IgnoredAny = "native_finish_reason",
        pub(super) logprobs: &'a RawValue = "logprobs",
    }
}

wire_object! {
    /// The additions.
    pub(super) struct Delta<'a> {
        pub(super) role: IgnoredAny = "role",
        pub(super) content: TextOr<'a, Vec<Part<'a>>> = "content",
        pub(super) refusal: Text<'a> = "refusal",
        pub(super) annotations: &'a RawValue = "annotations",
        pub(super) reasoning_content: Text<'a> = "reasoning_content",
        pub(super) reasoning: Text<'a> = "reasoning",
        pub(super) thinking_blocks: Vec<ThinkingBlock<'a>> = "thinking_blocks",
        pub(super) tool_calls: Vec<CallDelta<'a>> = "tool_calls",
        pub(super) function_call: Function<'a> = "function_call",
    }
}

wire_object! {
    /// What is added to a tool call.
    pub(super) struct CallDelta<'a> {
        pub(super) index: u32 = "index",
        pub(super) id: Text<'a> = "id",
        pub(super) kind: IgnoredAny = "type",
        pub(super) function: Function<'a> = "function",
        pub(super) custom: CustomCall<'a> = "custom",
    }
}

impl<'a> Chunk<'a> {
    /// The text of a chunk that does nothing but add it to one answer, with the answer's number, and its obfuscation.
    /// `None` where there is anything else in it.
    pub(super) fn only_text(&self) -> Option<(u32, &'a str, Option<&'a str>)> {
        let is_bare =
            self.usage.is_none() && self.groq.is_none() && self.error.is_none() && self.extra.is_empty();
        let [choice] = self.choices.as_deref().filter(|_| is_bare)? else { return None };
        let goes_on = choice.finish_reason.as_ref().is_none_or(Text::is_empty) && choice.logprobs.is_none();
        let goes_on = goes_on && choice.error.is_none();
        let delta = choice.delta.as_ref().filter(|_| goes_on && choice.extra.is_empty())?;
        let text = delta.content.as_ref().filter(|_| delta.has_no_more())?;
        let TextOr::Text(text) = text else { return None };
        let noise = match self.obfuscation {
            Some(noise) => Some(Text::from_raw(noise)?.literal()?),
            None => None,
        };
        Some((choice.index.unwrap_or(0), text.literal()?, noise))
    }
}

impl Delta<'_> {
    /// Whether there is nothing beside its content.
    fn has_no_more(&self) -> bool {
        let words = [&self.refusal, &self.reasoning_content, &self.reasoning];
        words.iter().all(|word| word.is_none())
            && self.thinking_blocks.as_ref().is_none_or(Vec::is_empty)
            && self.tool_calls.as_ref().is_none_or(Vec::is_empty)
            && self.function_call.is_none()
            && self.annotations.is_none()
            && self.extra.is_empty()
    }
}
