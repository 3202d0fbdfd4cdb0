//! Stop reasons.

use crate::chat::{Finish, FinishReason};

/// The neutral reason for one of Anthropic's.
pub(crate) fn finish_reason(word: &str) -> FinishReason {
    match word {
        "end_turn" => FinishReason::Stop,
        "stop_sequence" => FinishReason::StopSequence,
        "max_tokens" => FinishReason::Length,
        "model_context_window_exceeded" => FinishReason::ContextWindow,
        "tool_use" => FinishReason::ToolCalls,
        "pause_turn" => FinishReason::Pause,
        "refusal" => FinishReason::Refusal,
        _ => FinishReason::Unknown,
    }
}

/// The end that a stop reason says.
pub(super) fn finish(word: &str) -> Finish<'static> {
    Finish::said(finish_reason(word), "stop_reason", word)
}

/// Anthropic's word for a neutral reason.
pub(super) fn stop_reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::Unknown => "end_turn",
        FinishReason::StopSequence => "stop_sequence",
        FinishReason::Length => "max_tokens",
        FinishReason::ContextWindow => "model_context_window_exceeded",
        FinishReason::ToolCalls => "tool_use",
        FinishReason::Pause => "pause_turn",
        FinishReason::ContentFilter | FinishReason::Refusal => "refusal",
    }
}
