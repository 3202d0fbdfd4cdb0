//! What kind of failure a name stands for.

use crate::chat::{Failure, FailureKind};

/// A failure of which a header told the kind too (AWS: `x-amzn-errortype`).
#[must_use]
pub fn with_error_type(mut failure: Failure, header: &str) -> Failure {
    if let Some(kind) = kind_of_exception(header) {
        // The other statuses say as much.
        if matches!(failure.status, 400 | 403 | 422 | 500 | 502 | 503) {
            failure.kind = kind;
        }
        failure.code.get_or_insert_with(|| bare(header).to_owned());
    }
    failure
}

/// The name without what AWS's services put around it: `com.amazon.x#NAME`, `NAME:http://internal.amazon.com/…`.
fn bare(name: &str) -> &str {
    let name = name.split(':').next().unwrap_or(name);
    name.rsplit('#').next().unwrap_or(name)
}

/// The kind that a type or code of a known provider stands for.
pub(super) fn kind_of_name(name: &str) -> Option<FailureKind> {
    Some(match name {
        "invalid_request_error"
        | "BadRequestError"
        | "invalid_request"
        | "context_length_exceeded"
        | "INVALID_ARGUMENT"
        | "FAILED_PRECONDITION"
        | "OUT_OF_RANGE" => FailureKind::InvalidRequest,
        "authentication_error" | "invalid_api_key" | "AuthenticationError" | "UNAUTHENTICATED" => {
            FailureKind::Authentication
        }
        "billing_error" | "insufficient_balance" => FailureKind::Billing,
        "permission_error" | "PermissionDeniedError" | "PERMISSION_DENIED" => FailureKind::Permission,
        "not_found_error" | "model_not_found" | "NotFoundError" | "NOT_FOUND" => FailureKind::NotFound,
        "request_too_large" => FailureKind::TooLarge,
        "rate_limit_error"
        | "rate_limit_exceeded"
        | "RateLimitError"
        | "insufficient_quota"
        | "tokens"
        | "requests"
        | "RESOURCE_EXHAUSTED"
        | "too_many_requests" => FailureKind::RateLimit,
        "timeout_error" | "timeout" | "Timeout" | "DEADLINE_EXCEEDED" => FailureKind::Timeout,
        "overloaded_error"
        | "overloaded"
        | "service_unavailable"
        | "ServiceUnavailableError"
        | "UNAVAILABLE"
        | "engine_overloaded_error" => FailureKind::Overloaded,
        "api_error"
        | "server_error"
        | "internal_server_error"
        | "InternalServerError"
        | "APIError"
        | "INTERNAL"
        | "UNKNOWN" => FailureKind::Api,
        _ => return kind_of_exception(name),
    })
}

/// The kind that a name of AWS's stands for.
fn kind_of_exception(name: &str) -> Option<FailureKind> {
    Some(match bare(name) {
        "ValidationException" | "ServiceQuotaExceededException" => FailureKind::InvalidRequest,
        "AccessDeniedException" => FailureKind::Permission,
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException"
        | "ExpiredTokenException" => FailureKind::Authentication,
        "ResourceNotFoundException" => FailureKind::NotFound,
        "ThrottlingException" | "ModelNotReadyException" => FailureKind::RateLimit,
        "ModelTimeoutException" => FailureKind::Timeout,
        "ServiceUnavailableException" => FailureKind::Overloaded,
        "InternalServerException" | "ModelErrorException" | "ModelStreamErrorException" => FailureKind::Api,
        _ => return None,
    })
}

/// The status for an error that came without one.
pub(super) fn status_of(kind: FailureKind) -> u16 {
    match kind {
        FailureKind::InvalidRequest => 400,
        FailureKind::Authentication => 401,
        FailureKind::Billing => 402,
        FailureKind::Permission => 403,
        FailureKind::NotFound => 404,
        FailureKind::MethodNotAllowed => 405,
        FailureKind::TooLarge => 413,
        FailureKind::RateLimit | FailureKind::Budget => 429,
        FailureKind::Timeout => 504,
        FailureKind::Overloaded => 529,
        FailureKind::Api => 502,
    }
}
