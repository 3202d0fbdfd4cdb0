//! Finish reasons of text completions: `stop`, `length` and `content_filter`.

use crate::chat::FinishReason;

/// The word for a finish reason. A text completion calls no tools: one that did is over all the same.
pub(super) fn word(reason: FinishReason) -> &'static str {
    match reason.as_openai() {
        "tool_calls" => "stop",
        word => word,
    }
}
