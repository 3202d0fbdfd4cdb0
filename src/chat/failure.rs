//! What went wrong, in neutral words; each dialect has its own envelope for it.

use crate::wire::json::ParseError;
use std::time::Duration;

/// A failure that a client will read, or a reason to try the next target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// HTTP status the client gets.
    pub status: u16,
    /// What kind of failure it is; dialects map it to their own type names.
    pub kind: FailureKind,
    /// One sentence for a person. Never holds a secret.
    pub message: String,
    /// The request field at fault, as a path (`messages[2].content`), where there is one.
    pub param: Option<String>,
    /// A machine-readable code (`model_not_found`, `context_length_exceeded`…), where there is one.
    pub code: Option<String>,
    /// The provider that said it; `None` when the gateway itself did.
    pub provider: Option<String>,
    /// After which time another try may have better luck: what a provider's body says, or what the gateway knows. An
    /// answer of the gateway's own carries it as `retry-after`.
    pub retry_after: Option<Duration>,
}

/// The kinds of failure that dialects tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// 400, 422: the request is wrong.
    InvalidRequest,
    /// 401: no credential, or a wrong one.
    Authentication,
    /// 402: out of credit.
    Billing,
    /// 429: a budget is spent.
    Budget,
    /// 403: known, but not allowed.
    Permission,
    /// 404: no such model or path.
    NotFound,
    /// 405: no such method here.
    MethodNotAllowed,
    /// 413: the body is over the limit.
    TooLarge,
    /// 429: too many requests or tokens.
    RateLimit,
    /// 408, 504: nobody answered in time.
    Timeout,
    /// 529, 503: the provider has no capacity.
    Overloaded,
    /// 5xx: the provider, or the gateway, failed.
    Api,
}

impl FailureKind {
    /// The kind that an HTTP status stands for when nothing more is known.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Authentication,
            402 => Self::Billing,
            403 => Self::Permission,
            404 => Self::NotFound,
            405 => Self::MethodNotAllowed,
            408 | 504 => Self::Timeout,
            413 => Self::TooLarge,
            429 => Self::RateLimit,
            503 | 529 => Self::Overloaded,
            // Bedrock: the model failed.
            424 => Self::Api,
            400..=499 => Self::InvalidRequest,
            _ => Self::Api,
        }
    }

    /// The word used in the audit line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Authentication => "authentication",
            Self::Billing => "billing",
            Self::Budget => "budget_exceeded",
            Self::Permission => "permission",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge => "too_large",
            Self::RateLimit => "rate_limit",
            Self::Timeout => "timeout",
            Self::Overloaded => "overloaded",
            Self::Api => "api",
        }
    }
}

/// The code of what a provider cannot take, as OpenAI has it.
const UNSUPPORTED: &str = "unsupported_parameter";

impl Failure {
    /// A failure of the gateway's own with the given status; the kind follows from it.
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: FailureKind::of_status(status),
            message: message.into(),
            param: None,
            code: None,
            provider: None,
            retry_after: None,
        }
    }

    /// A 400 that names the field.
    pub fn field(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..Self::new(400, message) }
    }

    /// A 400 that names what this provider cannot take; another one may.
    pub fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::field(param, message).with_code(UNSUPPORTED)
    }

    /// Whether it is of [`Self::unsupported`], and no provider's.
    pub fn is_unsupported(&self) -> bool {
        self.provider.is_none() && self.code.as_deref() == Some(UNSUPPORTED)
    }

    /// The same failure with the time after which another try may have better luck.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The value of `retry-after` that goes with it: whole seconds, rounded up, since no client may come too early.
    pub fn retry_after_secs(&self) -> Option<u64> {
        let wait = self.retry_after?;
        Some(wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)))
    }

    /// The same failure with a machine-readable code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}

/// A body that cannot be read is the client's mistake: 400, with the field or the place.
impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        let message = error.to_string();
        match error {
            ParseError::Field { path, .. } if !path.is_empty() => Self::field(path, message),
            _ => Self::new(400, message),
        }
    }
}
