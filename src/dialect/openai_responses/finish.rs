//! How an answer ended: `status` and `incomplete_details.reason`.

use crate::chat::{Finish, FinishReason};
use crate::wire::json::{Object, Text};

/// The neutral end. A complete answer does not say why it ended; what it holds does.
pub(super) fn decode(
    status: &str,
    reason: Option<&Text<'_>>,
    called: bool,
    refused: bool,
) -> Finish<'static> {
    let word = reason.map(Text::to_str);
    let reason = match (status, word.as_deref()) {
        ("incomplete", Some("max_output_tokens" | "max_tokens" | "length")) => FinishReason::Length,
        ("incomplete", Some("content_filter")) => FinishReason::ContentFilter,
        ("incomplete", _) => FinishReason::Unknown,
        _ if called => FinishReason::ToolCalls,
        _ if refused => FinishReason::Refusal,
        ("completed" | "complete" | "", _) => FinishReason::Stop,
        _ => FinishReason::Unknown,
    };
    match word {
        Some(word) => Finish::said(reason, "incomplete_details.reason", &word),
        None => Finish::said(reason, "status", status),
    }
}

/// Whether an answer has not ended: it was asked for in the background, and is to be fetched later.
pub(super) fn is_at_work(status: &str) -> bool {
    matches!(status, "queued" | "in_progress")
}

/// Why an answer is not complete, in the words of `incomplete_details`; `None` when it is. A refusal that was said in
/// so many words is a complete answer; one that only a finish reason tells of is the filter's.
pub(super) fn incomplete(finish: Option<&Finish<'_>>, refused: bool) -> Option<&'static str> {
    match finish?.reason {
        FinishReason::Length | FinishReason::ContextWindow => Some("max_output_tokens"),
        FinishReason::ContentFilter => Some("content_filter"),
        FinishReason::Refusal if !refused => Some("content_filter"),
        _ => None,
    }
}

/// The status of what is whole.
pub(super) const COMPLETED: &str = "completed";

/// The status of an answer's last item: where the answer broke off, so did it.
pub(super) fn status(finish: Option<&Finish<'_>>, refused: bool) -> &'static str {
    if incomplete(finish, refused).is_some() { "incomplete" } else { COMPLETED }
}

/// Writes `status` and `incomplete_details`.
pub(super) fn write(o: &mut Object<'_>, incomplete: Option<&'static str>) {
    match incomplete {
        None => {
            o.word("status", "completed");
            o.null("incomplete_details");
        }
        Some(reason) => {
            o.word("status", "incomplete");
            o.object("incomplete_details", |o| o.word("reason", reason));
        }
    }
}
