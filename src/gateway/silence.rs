//! What is said of a provider from which no answer came.

use crate::chat::Failure;
use std::time::Duration;

/// It said nothing for as long as it may.
pub(super) fn timed_out(limit: Option<Duration>) -> Failure {
    let limit = limit.map(|limit| format!(" within {} ms", limit.as_millis())).unwrap_or_default();
    Failure::new(504, format!("The provider did not answer{limit}."))
}

/// There was no connection, or it broke; `why` in the proxy's own words.
pub(super) fn unreachable(provider: &str, status: u16, why: &str) -> Failure {
    Failure::new(status, format!("The provider `{provider}` could not be reached: {why}."))
}
