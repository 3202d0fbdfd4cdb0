//! Failures in Google's envelope: `{"error":{"code","message","status","details"}}`, with the details in the types that
//! Google's own APIs use (`google.rpc`).

use crate::chat::{Failure, FailureKind};
use crate::dialect::lane::AttemptNote;
use crate::wire::json::{Array, object};

/// The domain of the gateway's own reasons.
const DOMAIN: &str = "tollgate";

/// Appends the body of an error answer. An empty `request_id` is left out.
pub fn write_failure(failure: &Failure, attempts: &[AttemptNote], request_id: &str, out: &mut Vec<u8>) {
    object(out, |body| {
        body.object("error", |error| {
            error.u64("code", failure.status.into());
            error.str("message", &failure.message);
            error.word("status", status_word(failure.kind));
            let mut details = Vec::new();
            crate::wire::json::array(&mut details, |list| write_details(failure, request_id, list));
            if details != b"[]" {
                error.key("details").extend_from_slice(&details);
            }
            AttemptNote::write_all(attempts, error);
        });
    });
}

fn write_details(failure: &Failure, request_id: &str, list: &mut Array<'_>) {
    if failure.code.is_some() || failure.provider.is_some() {
        list.object(|info| {
            info.word("@type", "type.googleapis.com/google.rpc.ErrorInfo");
            info.str("reason", failure.code.as_deref().unwrap_or("PROVIDER_ERROR"));
            info.word("domain", DOMAIN);
            if let Some(provider) = &failure.provider {
                info.object("metadata", |metadata| metadata.str("provider", provider));
            }
        });
    }
    if let Some(wait) = failure.retry_after_secs() {
        list.object(|info| {
            info.word("@type", "type.googleapis.com/google.rpc.RetryInfo");
            info.str("retryDelay", &format!("{wait}s"));
        });
    }
    if let Some(param) = &failure.param {
        list.object(|bad| {
            bad.word("@type", "type.googleapis.com/google.rpc.BadRequest");
            bad.array("fieldViolations", |violations| {
                violations.object(|violation| {
                    violation.str("field", param);
                    violation.str("description", &failure.message);
                });
            });
        });
    }
    if !request_id.is_empty() {
        list.object(|info| {
            info.word("@type", "type.googleapis.com/google.rpc.RequestInfo");
            info.str("requestId", request_id);
        });
    }
}

/// Appends the event that ends a stream of events with an error.
pub fn write_failure_event(failure: &Failure, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    write_failure(failure, &[], "", out);
    out.extend_from_slice(b"\r\n\r\n");
}

/// The name of the status (`google.rpc.Code`).
fn status_word(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::InvalidRequest | FailureKind::TooLarge => "INVALID_ARGUMENT",
        FailureKind::Authentication => "UNAUTHENTICATED",
        FailureKind::Billing => "FAILED_PRECONDITION",
        FailureKind::Permission => "PERMISSION_DENIED",
        FailureKind::NotFound => "NOT_FOUND",
        FailureKind::MethodNotAllowed => "UNIMPLEMENTED",
        FailureKind::RateLimit | FailureKind::Budget => "RESOURCE_EXHAUSTED",
        FailureKind::Timeout => "DEADLINE_EXCEEDED",
        FailureKind::Overloaded => "UNAVAILABLE",
        FailureKind::Api => "INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn the_envelope() {
        let failure = Failure {
            provider: Some("openai".into()),
            ..Failure::field("contents", "contents: required").with_code("bad")
        };
        let mut out = Vec::new();
        write_failure(&failure, &[], "req_1", &mut out);
        let body: Value = serde_json::from_slice(&out).unwrap();
        let kind = |name: &str| format!("type.googleapis.com/google.rpc.{name}");
        assert_eq!(
            body,
            json!({"error": {"code": 400, "message": "contents: required", "status": "INVALID_ARGUMENT", "details": [
                {"@type": kind("ErrorInfo"), "reason": "bad", "domain": "tollgate", "metadata": {"provider": "openai"}},
                {"@type": kind("BadRequest"), "fieldViolations": [{"field": "contents", "description": "contents: required"}]},
                {"@type": kind("RequestInfo"), "requestId": "req_1"},
            ]}})
        );
    }

    #[test]
    fn a_plain_failure_has_no_details() {
        let mut out = Vec::new();
        write_failure_event(&Failure::new(429, "slow down"), &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "data: {\"error\":{\"code\":429,\"message\":\"slow down\",\"status\":\"RESOURCE_EXHAUSTED\"}}\r\n\r\n"
        );
    }
}
