//! Failures in Cohere's envelope: `{"id","message"}`.

use crate::chat::Failure;
use crate::dialect::lane::AttemptNote;
use crate::wire::json::object;

/// Appends the body of an error answer.
pub fn write_failure(failure: &Failure, attempts: &[AttemptNote], request_id: &str, out: &mut Vec<u8>) {
    object(out, |body| {
        if !request_id.is_empty() {
            body.str("id", request_id);
        }
        body.str("message", &failure.message);
        if let Some(code) = &failure.code {
            body.str("code", code);
        }
        if let Some(provider) = &failure.provider {
            body.str("provider", provider);
        }
        AttemptNote::write_all(attempts, body);
    });
}

/// Appends the event that ends a stream with an error.
pub fn write_failure_event(failure: &Failure, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: message-end\ndata: ");
    object(out, |data| {
        data.word("type", "message-end");
        data.object("delta", |delta| {
            delta.word("finish_reason", "ERROR");
            delta.str("error", &failure.message);
        });
    });
    out.extend_from_slice(b"\n\n");
}
