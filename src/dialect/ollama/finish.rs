//! The `done_reason` of an answer.

use crate::chat::{Finish, FinishReason};

/// The end that one of Ollama's reasons says. It says `stop` even where tools are to be run: the calls decide. `load` and
/// `unload` answer a request that says nothing but which model to load.
pub(super) fn decode(word: &str, called: bool) -> Finish<'static> {
    let reason = match word {
        "stop" if called => FinishReason::ToolCalls,
        "stop" | "load" | "unload" => FinishReason::Stop,
        "length" => FinishReason::Length,
        "content_filter" => FinishReason::ContentFilter,
        _ if called => FinishReason::ToolCalls,
        _ => FinishReason::Unknown,
    };
    Finish::said(reason, "done_reason", word)
}

/// Ollama's word. It has none for a filter, and clients take any: theirs is OpenAI's.
pub(super) fn word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Length | FinishReason::ContextWindow => "length",
        FinishReason::ContentFilter | FinishReason::Refusal => "content_filter",
        FinishReason::Stop
        | FinishReason::StopSequence
        | FinishReason::ToolCalls
        | FinishReason::Pause
        | FinishReason::Unknown => "stop",
    }
}
