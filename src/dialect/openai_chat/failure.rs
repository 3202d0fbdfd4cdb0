//! Failures in OpenAI's envelope: `{"error":{"message","type","param","code"}}`.

use crate::chat::{Failure, FailureKind};
use crate::dialect::lane::AttemptNote;
use crate::wire::json::object;

/// Appends the body of an error answer. The request's id has no place in it.
pub fn write_failure(failure: &Failure, attempts: &[AttemptNote], _request_id: &str, out: &mut Vec<u8>) {
    object(out, |body| {
        body.object("error", |error| {
            error.str("message", &failure.message);
            error.word("type", type_name(failure.kind));
            match &failure.param {
                Some(param) => error.str("param", param),
                None => error.null("param"),
            }
            // A spent budget of the gateway is to its clients what a spent account is with OpenAI.
            let own_code = failure.code.as_deref().filter(|_| failure.kind != FailureKind::Budget);
            match own_code.or(default_code(failure.kind)) {
                Some(code) => error.str("code", code),
                None => error.null("code"),
            }
            if let Some(provider) = &failure.provider {
                error.str("provider", provider);
            }
            AttemptNote::write_all(attempts, error);
        });
    });
}

/// Appends the event that ends a stream with an error. No `[DONE]` follows: the answer did not finish.
pub fn write_failure_event(failure: &Failure, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    write_failure(failure, &[], "", out);
    out.extend_from_slice(b"\n\n");
}

fn type_name(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::InvalidRequest
        | FailureKind::NotFound
        | FailureKind::TooLarge
        | FailureKind::MethodNotAllowed => "invalid_request_error",
        FailureKind::Authentication => "authentication_error",
        FailureKind::Billing | FailureKind::Budget => "insufficient_quota",
        FailureKind::Permission => "permission_error",
        FailureKind::RateLimit => "rate_limit_error",
        FailureKind::Timeout => "timeout_error",
        FailureKind::Overloaded => "overloaded_error",
        FailureKind::Api => "server_error",
    }
}

fn default_code(kind: FailureKind) -> Option<&'static str> {
    Some(match kind {
        FailureKind::Authentication => "invalid_api_key",
        FailureKind::Billing | FailureKind::Budget => "insufficient_quota",
        FailureKind::MethodNotAllowed => "method_not_allowed",
        FailureKind::TooLarge => "request_too_large",
        FailureKind::RateLimit => "rate_limit_exceeded",
        FailureKind::Timeout => "timeout",
        FailureKind::Overloaded => "overloaded",
        FailureKind::InvalidRequest | FailureKind::Permission | FailureKind::NotFound | FailureKind::Api => {
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_has_all_four_fields() {
        let mut out = Vec::new();
        write_failure(&Failure::field("model", "model is required"), &[], "", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"error":{"message":"model is required","type":"invalid_request_error","param":"model","code":null}}"#
        );
    }

    #[test]
    fn attempts_are_listed_and_the_provider_is_named() {
        let mut out = Vec::new();
        let failure = Failure { provider: Some("azure".into()), ..Failure::new(429, "slow \"down\"") };
        let attempts = [AttemptNote {
            provider: "azure".into(),
            model: "gpt-4o".into(),
            status: None,
            reason: "connect_failure".into(),
            ms: 12,
        }];
        write_failure(&failure, &attempts, "", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"error":{"message":"slow \"down\"","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded","provider":"azure","attempts":[{"provider":"azure","model":"gpt-4o","status":null,"reason":"connect_failure","ms":12}]}}"#
        );
    }

    #[test]
    fn a_stream_ends_with_one_data_line() {
        let mut out = Vec::new();
        write_failure_event(&Failure::new(529, "full"), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("data: {\"error\":{") && text.ends_with("}}\n\n"), "{text}");
        assert!(text.contains("overloaded_error"));
    }
}
