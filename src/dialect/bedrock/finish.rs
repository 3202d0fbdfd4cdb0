//! Stop reasons.

use crate::chat::{Finish, FinishReason, Text};

/// The neutral reason for one of Bedrock's.
pub(super) fn finish_reason(word: &str) -> FinishReason {
    match word {
        "end_turn" => FinishReason::Stop,
        "stop_sequence" => FinishReason::StopSequence,
        "max_tokens" => FinishReason::Length,
        "model_context_window_exceeded" => FinishReason::ContextWindow,
        "tool_use" => FinishReason::ToolCalls,
        "guardrail_intervened" | "content_filtered" => FinishReason::ContentFilter,
        // Not in the service model; models of Anthropic say them.
        "refusal" => FinishReason::Refusal,
        "pause_turn" => FinishReason::Pause,
        _ => FinishReason::Unknown,
    }
}

/// The end of an answer, which called tools or did not: some models end a call with a plain stop.
pub(super) fn finish<'a>(word: &str, called: bool, stop_sequence: Option<Text<'a>>) -> Finish<'a> {
    let reason = settled(finish_reason(word), called, false);
    Finish { stop_sequence, ..Finish::said(reason, "stopReason", word) }
}

/// Bedrock's word for a neutral reason.
pub(super) fn stop_reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::Pause | FinishReason::Unknown => "end_turn",
        FinishReason::StopSequence => "stop_sequence",
        FinishReason::Length => "max_tokens",
        FinishReason::ContextWindow => "model_context_window_exceeded",
        FinishReason::ToolCalls => "tool_use",
        FinishReason::ContentFilter | FinishReason::Refusal => "content_filtered",
    }
}

/// The reason that fits what was said: some providers end a tool call, or a refusal, with a plain stop.
pub(super) fn settled(reason: FinishReason, has_call: bool, has_refusal: bool) -> FinishReason {
    match reason {
        FinishReason::Stop | FinishReason::Unknown if has_call => FinishReason::ToolCalls,
        FinishReason::Stop | FinishReason::Unknown if has_refusal => FinishReason::Refusal,
        other => other,
    }
}
