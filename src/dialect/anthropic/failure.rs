//! Failures in Anthropic's envelope: `{"type":"error","error":{"type","message"},"request_id"}`.

use crate::chat::{Failure, FailureKind};
use crate::dialect::lane::AttemptNote;
use crate::wire::json::object;

/// Appends the body of an error answer. An empty `request_id` is left out.
pub fn write_failure(failure: &Failure, attempts: &[AttemptNote], request_id: &str, out: &mut Vec<u8>) {
    object(out, |body| {
        body.word("type", "error");
        body.object("error", |error| {
            error.word("type", type_name(failure.kind));
            error.str("message", &failure.message);
            if let Some(provider) = &failure.provider {
                error.str("provider", provider);
            }
            AttemptNote::write_all(attempts, error);
        });
        if !request_id.is_empty() {
            body.str("request_id", request_id);
        }
    });
}

/// Appends the event that ends a stream with an error.
pub fn write_failure_event(failure: &Failure, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: error\ndata: ");
    write_failure(failure, &[], "", out);
    out.extend_from_slice(b"\n\n");
}

fn type_name(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::InvalidRequest | FailureKind::MethodNotAllowed => "invalid_request_error",
        FailureKind::Authentication => "authentication_error",
        FailureKind::Billing => "billing_error",
        FailureKind::Permission => "permission_error",
        FailureKind::NotFound => "not_found_error",
        FailureKind::TooLarge => "request_too_large",
        FailureKind::RateLimit | FailureKind::Budget => "rate_limit_error",
        FailureKind::Timeout => "timeout_error",
        FailureKind::Overloaded => "overloaded_error",
        FailureKind::Api => "api_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope() {
        let mut out = Vec::new();
        write_failure(&Failure::new(413, "too big"), &[], "req_1", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"type":"error","error":{"type":"request_too_large","message":"too big"},"request_id":"req_1"}"#
        );
    }

    #[test]
    fn a_stream_ends_with_a_named_event() {
        let mut out = Vec::new();
        write_failure_event(&Failure::new(529, "full"), &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"full\"}}\n\n"
        );
    }
}
