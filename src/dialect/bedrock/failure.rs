//! Failures as AWS says them: the kind as a name, in the header `x-amzn-errortype` and in the body's `__type`, and
//! `{"message":…}`.

use crate::chat::{Failure, FailureKind};
use crate::dialect::lane::{AttemptNote, read_failure};
use crate::wire::eventstream::{Frame, write_frame};
use crate::wire::json::object;

/// The name of a failure's kind, which AWS's SDKs tell failures apart by.
pub fn error_type(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::InvalidRequest | FailureKind::MethodNotAllowed | FailureKind::TooLarge => {
            "ValidationException"
        }
        FailureKind::Authentication => "UnrecognizedClientException",
        FailureKind::Billing | FailureKind::Permission => "AccessDeniedException",
        FailureKind::NotFound => "ResourceNotFoundException",
        FailureKind::RateLimit => "ThrottlingException",
        // No SDK tries that again by itself, and it would be of no use.
        FailureKind::Budget => "ServiceQuotaExceededException",
        FailureKind::Timeout => "ModelTimeoutException",
        FailureKind::Overloaded => "ServiceUnavailableException",
        FailureKind::Api => "InternalServerException",
    }
}

/// Appends the body of an error answer.
pub fn write_failure(failure: &Failure, attempts: &[AttemptNote], _request_id: &str, out: &mut Vec<u8>) {
    object(out, |body| {
        body.word("__type", error_type(failure.kind));
        body.str("message", &failure.message);
        if let Some(provider) = &failure.provider {
            body.str("provider", provider);
        }
        AttemptNote::write_all(attempts, body);
    });
}

/// Appends the frame that ends a stream with an error: one of the exceptions that a stream may hold.
pub fn write_failure_event(failure: &Failure, out: &mut Vec<u8>) {
    let name = match failure.kind {
        FailureKind::RateLimit => "throttlingException",
        FailureKind::Overloaded => "serviceUnavailableException",
        FailureKind::Timeout => "modelStreamErrorException",
        FailureKind::Api => "internalServerException",
        _ => "validationException",
    };
    let mut payload = Vec::with_capacity(64);
    object(&mut payload, |body| body.str("message", &failure.message));
    let headers =
        [(":exception-type", name), (":content-type", "application/json"), (":message-type", "exception")];
    write_frame(&headers, &payload, out);
}

/// The failure that a frame tells, where it is an exception.
pub(crate) fn exception(frame: &Frame<'_>) -> Option<Failure> {
    match frame.header(":message-type") {
        Some("exception") => {
            let name = frame.header(":exception-type").unwrap_or_default();
            let status = status_of(name).unwrap_or(500);
            let mut failure = read_failure(status, frame.payload);
            failure.code = Some(name.to_owned()).filter(|name| !name.is_empty());
            Some(failure)
        }
        Some("error") => {
            let code = frame.header(":error-code").unwrap_or_default();
            let words = frame.header(":error-message").unwrap_or("the provider reported an error");
            Some(Failure::new(status_of(code).unwrap_or(500), words).with_code(code))
        }
        _ => None,
    }
}

/// The status of an exception that a stream holds, by its name in any spelling; `None` when it is not known.
fn status_of(name: &str) -> Option<u16> {
    Some(match name.to_ascii_lowercase().as_str() {
        "throttlingexception" | "modelnotreadyexception" => 429,
        "validationexception" => 400,
        "serviceunavailableexception" => 503,
        "modeltimeoutexception" => 504,
        "accessdeniedexception" => 403,
        "resourcenotfoundexception" => 404,
        "internalserverexception" | "modelstreamerrorexception" | "modelerrorexception" => 500,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::eventstream::Framer;

    #[test]
    fn the_body() {
        let mut out = Vec::new();
        write_failure(&Failure::new(429, "slow \"down\""), &[], "r", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"__type":"ThrottlingException","message":"slow \"down\""}"#
        );
    }

    #[test]
    fn a_stream_ends_with_an_exception() {
        let mut out = Vec::new();
        write_failure_event(&Failure::new(503, "full"), &mut out);
        let mut framer = Framer::default();
        let mut rest = &out[..];
        let frame = framer.next(&mut rest).unwrap().unwrap();
        assert_eq!(frame.header(":message-type"), Some("exception"));
        assert_eq!(frame.header(":exception-type"), Some("serviceUnavailableException"));
        assert_eq!(frame.payload, br#"{"message":"full"}"#);
    }
}
