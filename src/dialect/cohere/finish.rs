//! Finish reasons.

use crate::chat::{Failure, Finish, FinishReason, Text};

/// The end that one of Cohere's reasons says, failures ([`failure`]) apart.
pub(super) fn decode(word: &str) -> Finish<'static> {
    let reason = match word {
        "COMPLETE" => FinishReason::Stop,
        "STOP_SEQUENCE" => FinishReason::StopSequence,
        "MAX_TOKENS" | "ERROR_LIMIT" => FinishReason::Length,
        "TOOL_CALL" => FinishReason::ToolCalls,
        "ERROR_TOXIC" => FinishReason::ContentFilter,
        _ => FinishReason::Unknown,
    };
    Finish::said(reason, "finish_reason", word)
}

/// What a reason says that ends an answer before it is complete: whatever was said until then is no answer.
pub(super) fn failure(word: &str, error: Option<&Text<'_>>) -> Option<Failure> {
    let status = match word {
        "ERROR" => 502,
        "TIMEOUT" => 504,
        _ => return None,
    };
    let told = || format!("the provider's generation ended with {word}");
    Some(Failure::new(status, error.map_or_else(told, |error| error.to_str().into_owned())))
}

/// Cohere's word for a neutral reason. For a refusal it has none in version 2; this is the one of version 1.
pub(super) fn word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::Pause | FinishReason::Unknown => "COMPLETE",
        FinishReason::StopSequence => "STOP_SEQUENCE",
        FinishReason::Length | FinishReason::ContextWindow => "MAX_TOKENS",
        FinishReason::ToolCalls => "TOOL_CALL",
        FinishReason::ContentFilter | FinishReason::Refusal => "ERROR_TOXIC",
    }
}
