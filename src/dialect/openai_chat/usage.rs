//! Token counts of OpenAI-dialect answers, with the fields that other providers of the dialect add or place
//! elsewhere.

use crate::chat::Usage;
use crate::wire::json::{Count, Object, wire_object};

wire_object! {
    /// The `usage` object.
    pub(crate) struct UsageWire<'a> {
        pub(crate) prompt_tokens: Count = "prompt_tokens",
        pub(crate) completion_tokens: Count = "completion_tokens",
        pub(crate) total_tokens: Count = "total_tokens",
        pub(crate) prompt_tokens_details: InputDetails<'a> = "prompt_tokens_details",
        pub(crate) completion_tokens_details: OutputDetails<'a> = "completion_tokens_details",
        /// DeepSeek.
        pub(crate) prompt_cache_hit_tokens: Count = "prompt_cache_hit_tokens",
        /// DeepSeek.
        pub(crate) prompt_cache_miss_tokens: Count = "prompt_cache_miss_tokens",
        /// Moonshot, Together.
        pub(crate) cached_tokens: Count = "cached_tokens",
        /// Mistral.
        pub(crate) num_cached_tokens: Count = "num_cached_tokens",
        /// LiteLLM, and gateways before Anthropic.
        pub(crate) cache_read_input_tokens: Count = "cache_read_input_tokens",
        /// LiteLLM, and gateways before Anthropic.
        pub(crate) cache_creation_input_tokens: Count = "cache_creation_input_tokens",
        /// Perplexity.
        pub(crate) reasoning_tokens: Count = "reasoning_tokens",
    }
}

wire_object! {
    /// Where Groq puts the counts of a stream that was not asked for them.
    pub(crate) light struct Groq<'a> {
        pub(crate) usage: UsageWire<'a> = "usage",
    }
}

wire_object! {
    /// Parts of the input count.
    pub(crate) struct InputDetails<'a> {
        pub(crate) cached_tokens: Count = "cached_tokens",
        pub(crate) audio_tokens: Count = "audio_tokens",
        /// OpenRouter.
        pub(crate) cache_write_tokens: Count = "cache_write_tokens",
        /// LiteLLM.
        pub(crate) cache_creation_tokens: Count = "cache_creation_tokens",
    }
}

wire_object! {
    /// Parts of the output count.
    pub(crate) struct OutputDetails<'a> {
        pub(crate) reasoning_tokens: Count = "reasoning_tokens",
        pub(crate) audio_tokens: Count = "audio_tokens",
        pub(crate) accepted_prediction_tokens: Count = "accepted_prediction_tokens",
        pub(crate) rejected_prediction_tokens: Count = "rejected_prediction_tokens",
    }
}

impl UsageWire<'_> {
    /// The counts in neutral words.
    pub(crate) fn to_usage(&self) -> Usage {
        let input = self.prompt_tokens_details.as_ref();
        let output = self.completion_tokens_details.as_ref();
        let reasoning = output
            .and_then(|details| Count::of(details.reasoning_tokens))
            .or_else(|| Count::of(self.reasoning_tokens));
        let mut usage = Usage {
            input: Count::of(self.prompt_tokens),
            output: Count::of(self.completion_tokens).map(|output| self.with_reasoning(output, reasoning)),
            cache_read: input
                .and_then(|details| Count::of(details.cached_tokens))
                .or_else(|| Count::of(self.prompt_cache_hit_tokens))
                .or_else(|| Count::of(self.cached_tokens))
                .or_else(|| Count::of(self.num_cached_tokens))
                .or_else(|| Count::of(self.cache_read_input_tokens)),
            cache_write: input
                .and_then(|details| {
                    Count::of(details.cache_write_tokens).or_else(|| Count::of(details.cache_creation_tokens))
                })
                .or_else(|| Count::of(self.cache_creation_input_tokens)),
            cache_write_1h: None,
            reasoning,
            audio_input: input.and_then(|details| Count::of(details.audio_tokens)),
            audio_output: output.and_then(|details| Count::of(details.audio_tokens)),
            accepted_prediction: output.and_then(|details| Count::of(details.accepted_prediction_tokens)),
            rejected_prediction: output.and_then(|details| Count::of(details.rejected_prediction_tokens)),
            ..Usage::default()
        };
        // Parts cannot be more than the whole; some providers count the same tokens twice, or those of a whole
        // session. The whole is what they bill.
        if let Some(input) = usage.input {
            usage.cache_read = usage.cache_read.map(|read| read.min(input));
            let rest = input.saturating_sub(usage.cache_read.unwrap_or(0));
            usage.cache_write = usage.cache_write.map(|written| written.min(rest));
        }
        usage
    }

    /// xAI counts reasoning beside the completion instead of within it, and Vercel's gateway does before Gemini: the
    /// total tells, or that a part would be more than the whole.
    fn with_reasoning(&self, output: u64, reasoning: Option<u64>) -> u64 {
        let reasoning = reasoning.unwrap_or(0);
        let both = output.saturating_add(reasoning);
        let input = Count::of(self.prompt_tokens).unwrap_or(0);
        let is_beside =
            reasoning > output || Count::of(self.total_tokens) == Some(input.saturating_add(both));
        if is_beside { both } else { output }
    }
}

/// Writes the counts as OpenAI does. `prompt_tokens` includes what was read from and written to a cache; what was
/// written is named as OpenRouter and LiteLLM name it, since OpenAI has no word for it.
pub(crate) fn write(o: &mut Object<'_>, usage: &Usage) {
    let (input, output) = (usage.input.unwrap_or(0), usage.output.unwrap_or(0));
    o.u64("prompt_tokens", input);
    o.u64("completion_tokens", output);
    o.u64("total_tokens", input.saturating_add(output));
    let mut details = |key: &str, counts: &[(&str, Option<u64>)]| {
        if counts.iter().any(|(_, count)| count.is_some()) {
            o.object(key, |o| {
                for (name, count) in counts {
                    if let Some(count) = count {
                        o.u64(name, *count);
                    }
                }
            });
        }
    };
    details(
        "prompt_tokens_details",
        &[
            ("cached_tokens", usage.cache_read),
            ("cache_write_tokens", usage.cache_write),
            ("audio_tokens", usage.audio_input),
        ],
    );
    details(
        "completion_tokens_details",
        &[
            ("reasoning_tokens", usage.reasoning),
            ("audio_tokens", usage.audio_output),
            ("accepted_prediction_tokens", usage.accepted_prediction),
            ("rejected_prediction_tokens", usage.rejected_prediction),
        ],
    );
    if let Some(written) = usage.cache_write.filter(|written| *written > 0) {
        o.u64("cache_creation_input_tokens", written);
        if let Some(read) = usage.cache_read {
            o.u64("cache_read_input_tokens", read);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(json: &str) -> Usage {
        serde_json::from_str::<UsageWire<'_>>(json).unwrap().to_usage()
    }

    #[test]
    fn details_are_parts_of_the_counts() {
        let usage = usage(
            r#"{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,
                "prompt_tokens_details":{"cached_tokens":64,"audio_tokens":0},
                "completion_tokens_details":{"reasoning_tokens":12}}"#,
        );
        assert_eq!((usage.input, usage.output), (Some(100), Some(20)));
        assert_eq!((usage.cache_read, usage.reasoning, usage.cache_write), (Some(64), Some(12), None));
    }

    #[test]
    fn reasoning_beside_the_completion_is_added() {
        let usage = usage(
            r#"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":235,
                "completion_tokens_details":{"reasoning_tokens":194}}"#,
        );
        assert_eq!((usage.output, usage.reasoning), (Some(203), Some(194)));
    }

    #[test]
    fn more_reasoning_than_output_stands_beside_it() {
        let usage = usage(
            r#"{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,
                "completion_tokens_details":{"reasoning_tokens":25}}"#,
        );
        assert_eq!((usage.input, usage.output, usage.reasoning), (Some(9), Some(27), Some(25)));
    }

    #[test]
    fn cached_input_is_found_where_each_provider_puts_it() {
        for json in [
            r#"{"prompt_cache_hit_tokens":7}"#,
            r#"{"cached_tokens":7}"#,
            r#"{"num_cached_tokens":7}"#,
            r#"{"prompt_tokens_details":null,"cache_read_input_tokens":7}"#,
        ] {
            assert_eq!(usage(json).cache_read, Some(7), "{json}");
        }
    }

    #[test]
    fn cached_input_is_never_more_than_the_input() {
        let usage = usage(
            r#"{"prompt_tokens":2168,"prompt_tokens_details":{"cached_tokens":2161,"cache_write_tokens":2161}}"#,
        );
        assert_eq!((usage.input, usage.cache_read, usage.cache_write), (Some(2168), Some(2161), Some(7)));
    }

    #[test]
    fn written_counts_read_back() {
        let counts = Usage {
            input: Some(2403),
            output: Some(9),
            cache_read: Some(0),
            cache_write: Some(2387),
            reasoning: Some(3),
            ..Usage::default()
        };
        let mut out = Vec::new();
        crate::wire::json::object(&mut out, |o| write(o, &counts));
        assert_eq!(usage(std::str::from_utf8(&out).unwrap()), counts);
    }
}
