//! Token counts. Both counts include their parts, as in the hub.

use crate::chat::Usage;
use crate::wire::json::{Count, Object, wire_object};

wire_object! {
    /// The `usage` object.
    pub(super) struct UsageWire<'a> {
        input_tokens: Count = "input_tokens",
        input_tokens_details: InputDetails<'a> = "input_tokens_details",
        output_tokens: Count = "output_tokens",
        output_tokens_details: OutputDetails<'a> = "output_tokens_details",
        total_tokens: Count = "total_tokens",
    }
}

wire_object! {
    /// Parts of the input count.
    struct InputDetails<'a> {
        cached_tokens: Count = "cached_tokens",
        cache_write_tokens: Count = "cache_write_tokens",
        audio_tokens: Count = "audio_tokens",
    }
}

wire_object! {
    /// Parts of the output count.
    struct OutputDetails<'a> {
        reasoning_tokens: Count = "reasoning_tokens",
        audio_tokens: Count = "audio_tokens",
    }
}

impl UsageWire<'_> {
    /// The counts in neutral words.
    pub(super) fn to_usage(&self) -> Usage {
        let input = self.input_tokens_details.as_ref();
        let output = self.output_tokens_details.as_ref();
        Usage {
            input: Count::of(self.input_tokens),
            output: Count::of(self.output_tokens),
            cache_read: input.and_then(|details| Count::of(details.cached_tokens)),
            cache_write: input.and_then(|details| Count::of(details.cache_write_tokens)),
            reasoning: output.and_then(|details| Count::of(details.reasoning_tokens)),
            audio_input: input.and_then(|details| Count::of(details.audio_tokens)),
            audio_output: output.and_then(|details| Count::of(details.audio_tokens)),
            ..Usage::default()
        }
    }
}

/// Writes the counts. The official clients require the details: what nobody counted is shown as 0 there.
pub(super) fn write(o: &mut Object<'_>, usage: &Usage) {
    let (input, output) = (usage.input.unwrap_or(0), usage.output.unwrap_or(0));
    o.u64("input_tokens", input);
    o.object("input_tokens_details", |o| {
        o.u64("cached_tokens", usage.cache_read.unwrap_or(0));
        o.u64("cache_write_tokens", usage.cache_write.unwrap_or(0));
        if let Some(audio) = usage.audio_input {
            o.u64("audio_tokens", audio);
        }
    });
    o.u64("output_tokens", output);
    o.object("output_tokens_details", |o| {
        o.u64("reasoning_tokens", usage.reasoning.unwrap_or(0));
        if let Some(audio) = usage.audio_output {
            o.u64("audio_tokens", audio);
        }
    });
    o.u64("total_tokens", input.saturating_add(output));
}
