//! Finish reasons of the OpenAI dialect.

use crate::chat::FinishReason;

/// The reason that a word of an answer stands for. Beside OpenAI's own five there are words that providers let
/// through from what they run; an unknown one is no error.
pub(in crate::dialect) fn decode(word: &str) -> FinishReason {
    match word {
        "stop" | "eos" | "end_turn" | "STOP" | "completed" => FinishReason::Stop,
        "stop_sequence" => FinishReason::StopSequence,
        "length" | "max_tokens" | "MAX_TOKENS" | "model_length" => FinishReason::Length,
        "tool_calls" | "function_call" | "tool_use" => FinishReason::ToolCalls,
        "content_filter" | "safety" | "SAFETY" => FinishReason::ContentFilter,
        "refusal" => FinishReason::Refusal,
        _ => FinishReason::Unknown,
    }
}

/// Some providers say `stop` (or nothing known) even though they call tools, or speak of calls that are none: the calls
/// decide.
pub(super) fn with_calls(reason: FinishReason, called: bool) -> FinishReason {
    match reason {
        FinishReason::Stop | FinishReason::Unknown if called => FinishReason::ToolCalls,
        FinishReason::ToolCalls if !called => FinishReason::Stop,
        reason => reason,
    }
}

/// A refusal in so many words is a complete answer: the official SDKs take `content_filter` for an error, and never come
/// to read it.
pub(super) fn with_refusal(reason: FinishReason, refused: bool) -> FinishReason {
    if refused && reason == FinishReason::Refusal { FinishReason::Stop } else { reason }
}

/// The word for a finish reason; the older functions have one of their own.
pub(super) fn word(reason: FinishReason, legacy_functions: bool) -> &'static str {
    match reason.as_openai() {
        "tool_calls" if legacy_functions => "function_call",
        word => word,
    }
}
