//! Token counts of one answer.

/// Token counts as the provider reported them, in tokens. `None` means "not said", never zero.
///
/// `input` **includes** cached and cache-written tokens and `output` includes reasoning tokens: the others are
/// subsets. Dialects whose wire counts are exclusive (Anthropic) convert when they decode and encode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input tokens, cached and cache-written ones included.
    pub input: Option<u64>,
    /// All output tokens, reasoning included.
    pub output: Option<u64>,
    /// Input tokens read from the provider's prompt cache.
    pub cache_read: Option<u64>,
    /// Input tokens written to the prompt cache, all lifetimes.
    pub cache_write: Option<u64>,
    /// The part of `cache_write` with the one-hour lifetime (priced apart by Anthropic).
    pub cache_write_1h: Option<u64>,
    /// Output tokens spent on reasoning.
    pub reasoning: Option<u64>,
    /// Input tokens that were audio.
    pub audio_input: Option<u64>,
    /// Output tokens that were audio.
    pub audio_output: Option<u64>,
    /// Predicted-output tokens that were used (OpenAI).
    pub accepted_prediction: Option<u64>,
    /// Predicted-output tokens that were thrown away (OpenAI).
    pub rejected_prediction: Option<u64>,
    /// Input tokens that are paid for, where the provider counts them apart from `input` (Cohere, whose templates are
    /// free). No subset: the price is reckoned from these instead.
    pub billed_input: Option<u64>,
    /// Output tokens that are paid for, where the provider counts them apart.
    pub billed_output: Option<u64>,
}

impl Usage {
    /// Whether nothing at all was reported.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes every count that `newer` says and keeps the others: in streams the last value of a field wins and
    /// nothing is ever summed.
    pub fn update(&mut self, newer: &Self) {
        let keep = |new: Option<u64>, old: &mut Option<u64>| {
            if new.is_some() {
                *old = new;
            }
        };
        keep(newer.input, &mut self.input);
        keep(newer.output, &mut self.output);
        keep(newer.cache_read, &mut self.cache_read);
        keep(newer.cache_write, &mut self.cache_write);
        keep(newer.cache_write_1h, &mut self.cache_write_1h);
        keep(newer.reasoning, &mut self.reasoning);
        keep(newer.audio_input, &mut self.audio_input);
        keep(newer.audio_output, &mut self.audio_output);
        keep(newer.accepted_prediction, &mut self.accepted_prediction);
        keep(newer.rejected_prediction, &mut self.rejected_prediction);
        keep(newer.billed_input, &mut self.billed_input);
        keep(newer.billed_output, &mut self.billed_output);
    }
}

/// How far a usage can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageStatus {
    /// The provider's own final counts.
    Complete,
    /// The gateway's estimate: the provider gave none.
    Estimated,
    /// The answer was cut (client gone, upstream reset): the counts seen until then, output possibly estimated.
    Partial,
    /// Nothing is known.
    Missing,
}

impl UsageStatus {
    /// The word used in the audit line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Estimated => "estimated",
            Self::Partial => "partial",
            Self::Missing => "missing",
        }
    }
}
