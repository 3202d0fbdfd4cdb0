//! Failures: OpenAI's envelope for whole answers, the `error` event for streams.

use crate::chat::{Failure, FailureKind};
use crate::dialect::lane::AttemptNote;
use crate::dialect::openai_chat;
use crate::wire::json::{Object, object};

/// Appends the body of an error answer: the envelope is the one of OpenAI's whole API.
pub fn write_failure(failure: &Failure, attempts: &[AttemptNote], request_id: &str, out: &mut Vec<u8>) {
    openai_chat::write_failure(failure, attempts, request_id, out);
}

/// Appends the event that ends a stream with an error, for a stream whose events nobody counted.
pub fn write_failure_event(failure: &Failure, out: &mut Vec<u8>) {
    write_event(failure, 0, out);
}

/// Appends the event. The reference has code and message beside the type; OpenAI's servers also send them within
/// `error`, which is what the official clients raise an exception for. Both are written.
pub(super) fn write_event(failure: &Failure, sequence_number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: error\ndata: ");
    object(out, |event| {
        event.word("type", "error");
        event.u64("sequence_number", sequence_number);
        write_fields(failure, event);
        let mut envelope = Vec::new();
        openai_chat::write_failure(failure, &[], "", &mut envelope);
        // `{"error":{…}}` without its outer braces is the member itself.
        let member = envelope.get(b"{\"error\":".len()..envelope.len().saturating_sub(1));
        event.key("error").extend_from_slice(member.unwrap_or(b"{}"));
    });
    out.extend_from_slice(b"\n\n");
}

/// Writes `code`, `message` and `param`.
fn write_fields(failure: &Failure, o: &mut Object<'_>) {
    o.str("code", code(failure));
    o.str("message", &failure.message);
    match &failure.param {
        Some(param) => o.str("param", param),
        None => o.null("param"),
    }
}

/// Writes the `error` of a response that failed, whose codes are a closed list.
pub(super) fn write_error(failure: &Failure, o: &mut Object<'_>) {
    o.word(
        "code",
        match failure.kind {
            FailureKind::RateLimit => "rate_limit_exceeded",
            FailureKind::InvalidRequest => "invalid_prompt",
            _ => "server_error",
        },
    );
    o.str("message", &failure.message);
}

fn code(failure: &Failure) -> &str {
    failure.code.as_deref().unwrap_or(match failure.kind {
        FailureKind::RateLimit => "rate_limit_exceeded",
        FailureKind::Overloaded => "overloaded",
        FailureKind::Timeout => "timeout",
        FailureKind::InvalidRequest => "invalid_request",
        _ => "server_error",
    })
}
