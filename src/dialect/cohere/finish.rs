//! Finish reasons.

use crate::chat::FinishReason;

/// The neutral reason for one of Cohere's. `ERROR` and `TIMEOUT` end an answer that was not completed; where nothing was
/// said at all they are failures ([`is_failure`]).
pub(super) fn decode(word: &str) -> FinishReason {
    match word {
        "COMPLETE" => FinishReason::Stop,
        "STOP_SEQUENCE" => FinishReason::StopSequence,
        "MAX_TOKENS" | "ERROR_LIMIT" => FinishReason::Length,
        "TOOL_CALL" => FinishReason::ToolCalls,
        "ERROR_TOXIC" => FinishReason::ContentFilter,
        _ => FinishReason::Unknown,
    }
}

/// Whether a reason says that the generation failed.
pub(super) fn is_failure(word: &str) -> bool {
    matches!(word, "ERROR" | "TIMEOUT")
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
