//! Why an answer ended.

use super::Text;

/// Why an answer ended, with the stop text that ended it where one did.
#[derive(Debug, Clone, PartialEq)]
pub struct Finish<'a> {
    /// Why.
    pub reason: FinishReason,
    /// The stop text that was met, where the provider says so.
    pub stop_sequence: Option<Text<'a>>,
    /// How the provider says it, where the hub has no word for it: the field and its value.
    pub unknown: Option<Text<'a>>,
}

/// Longest word for an end that is told, in characters. Those of the dialects have thirty.
const LONGEST_WORD: usize = 200;

impl Finish<'_> {
    /// An end that a provider's `field` says in this word.
    pub fn said(reason: FinishReason, field: &str, word: &str) -> Self {
        let is_unknown = reason == FinishReason::Unknown && !word.is_empty();
        let told = || format!("{field} {}", word.chars().take(LONGEST_WORD).collect::<String>());
        Self { unknown: is_unknown.then(|| told().into()), ..reason.into() }
    }
}

impl From<FinishReason> for Finish<'_> {
    fn from(reason: FinishReason) -> Self {
        Self { reason, stop_sequence: None, unknown: None }
    }
}

/// The reasons that dialects tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The model was done.
    Stop,
    /// A stop text was met.
    StopSequence,
    /// The output limit was met.
    Length,
    /// The context window was full.
    ContextWindow,
    /// Tools are to be run.
    ToolCalls,
    /// A filter of the provider cut the answer or withheld it.
    ContentFilter,
    /// The model will not answer.
    Refusal,
    /// The provider paused a long turn; the client may send it back to go on.
    Pause,
    /// A reason that the decoder does not know.
    Unknown,
}

impl FinishReason {
    /// The word of OpenAI for it, which metrics and the audit line use too.
    pub fn as_openai(self) -> &'static str {
        match self {
            Self::Stop | Self::StopSequence | Self::Pause | Self::Unknown => "stop",
            Self::Length | Self::ContextWindow => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter | Self::Refusal => "content_filter",
        }
    }
}
