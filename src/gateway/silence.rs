//! What is said of a provider from which no answer came.

use crate::chat::Failure;
use std::time::Duration;

/// It said nothing for as long as it may.
pub(super) fn timed_out(limit: Option<Duration>) -> Failure {
    let limit = limit.map(|limit| format!(" within {} ms", limit.as_millis())).unwrap_or_default();
    Failure::new(504, format!("The provider did not answer{limit}."))
}

/// It began an answer, and then said nothing for as long as it may.
pub(super) fn fell_silent(limit: Duration) -> Failure {
    let message =
        format!("The provider said nothing for {} ms in the middle of its answer.", limit.as_millis());
    Failure::new(502, message)
}

/// Its answer was not over when the whole request had taken as long as it may.
pub(super) fn unfinished(limit: Duration) -> Failure {
    let message = format!(
        "The answer was not over within {} ms, the limit of the whole request, and was cut off.",
        limit.as_millis()
    );
    Failure::new(504, message)
}

/// The whole request has taken as long as it may, however many were asked.
pub(super) fn overdue(limit: Duration) -> Failure {
    let message = format!("No answer came within {} ms, the limit of the whole request.", limit.as_millis());
    Failure::new(504, message)
}

/// The proxy did not let the request through to it, and tries nobody else then.
pub(super) fn overflowed(provider: &str, status: u16) -> Failure {
    let message = format!(
        "The provider `{provider}` was not asked: as much is under way there as its `circuit_breaker` allows (max_requests, max_pending_requests or max_connections)."
    );
    Failure::new(status, message).with_code("circuit_breaker_overflow")
}

/// There was no connection, or it broke; `why` in the proxy's own words.
pub(super) fn unreachable(provider: &str, status: u16, why: &str) -> Failure {
    Failure::new(status, format!("The provider `{provider}` could not be reached: {why}."))
}
