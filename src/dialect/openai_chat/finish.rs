//! Finish reasons of the OpenAI dialect.

use crate::chat::{Failure, Finish, FinishReason, Text};
use crate::dialect::lane::read_failure;
use crate::dialect::service::is_missed;
use serde_json::value::RawValue;

/// The end that a word of an answer says.
pub(in crate::dialect) fn end(word: &str, called: bool) -> Finish<'static> {
    Finish::said(with_calls(decode(word), called), "finish_reason", word)
}

/// The reason that a word of an answer stands for. Beside OpenAI's own five there are words that providers let
/// through from what they run; an unknown one is no error.
pub(in crate::dialect) fn decode(word: &str) -> FinishReason {
    match word {
        "stop" | "eos" | "end_turn" | "STOP" | "completed" => FinishReason::Stop,
        "stop_sequence" => FinishReason::StopSequence,
        "length" | "max_tokens" | "MAX_TOKENS" | "model_length" => FinishReason::Length,
        "model_context_window_exceeded" => FinishReason::ContextWindow,
        "tool_calls" | "function_call" | "tool_use" => FinishReason::ToolCalls,
        "content_filter" | "safety" | "SAFETY" | "sensitive" => FinishReason::ContentFilter,
        "refusal" => FinishReason::Refusal,
        _ => FinishReason::Unknown,
    }
}

/// The status of a word that ends an answer before it is complete: Mistral's and OpenRouter's `error`, Z.ai's
/// `network_error`, DeepSeek's `insufficient_system_resource`.
fn failed(word: &str) -> Option<u16> {
    match word {
        "error" | "network_error" => Some(502),
        "insufficient_system_resource" => Some(503),
        _ => None,
    }
}

/// Whether a word ends an answer before it is complete.
pub(in crate::dialect) fn is_failure(word: &str) -> bool {
    failed(word).is_some()
}

/// What a choice says of an answer that ended before it was complete, with its finish reason or with an `error` of its
/// own: whatever was said until then is no answer.
pub(in crate::dialect) fn failure(word: Option<&Text<'_>>, error: Option<&RawValue>) -> Option<Failure> {
    if let Some(error) = error.filter(|error| is_missed("error", error)) {
        return Some(read_failure(200, error.get().as_bytes()));
    }
    let word = word?.to_str();
    let told = || format!("the provider's generation ended with {word}");
    failed(&word).map(|status| Failure::new(status, told()))
}

/// Some providers say `stop` (or nothing known) even though they call tools, or speak of calls that are none: the calls
/// decide.
fn with_calls(reason: FinishReason, called: bool) -> FinishReason {
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
