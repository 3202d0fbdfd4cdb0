//! Failures in Ollama's envelope: `{"error":"…"}`, as a body and as a line of a stream.

use crate::chat::Failure;
use crate::dialect::lane::AttemptNote;
use crate::wire::json::object;

/// Appends the body of an error answer. The error is a sentence, so what else there is to say stands beside it.
pub fn write_failure(failure: &Failure, attempts: &[AttemptNote], request_id: &str, out: &mut Vec<u8>) {
    object(out, |body| {
        body.str("error", &failure.message);
        if let Some(code) = &failure.code {
            body.str("code", code);
        }
        if let Some(provider) = &failure.provider {
            body.str("provider", provider);
        }
        AttemptNote::write_all(attempts, body);
        if !request_id.is_empty() {
            body.str("request_id", request_id);
        }
    });
}

/// Appends the line that ends a stream with an error.
pub fn write_failure_event(failure: &Failure, out: &mut Vec<u8>) {
    object(out, |body| body.str("error", &failure.message));
    out.push(b'\n');
}
