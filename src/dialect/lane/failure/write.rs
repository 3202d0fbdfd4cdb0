//! What a client reads.

use crate::chat::Failure;
use crate::dialect::{Call, Dialect, bedrock, codec};
use crate::wire::json::Object;
use std::borrow::Cow;

/// One attempt, as the error that lists them says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptNote {
    /// Name of the provider.
    pub provider: Cow<'static, str>,
    /// The provider's name of the model.
    pub model: Cow<'static, str>,
    /// HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// Why it was given up, in a word or a short sentence.
    pub reason: Cow<'static, str>,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

impl AttemptNote {
    /// Writes `attempts` into an object; nothing when there is none.
    pub(crate) fn write_all(attempts: &[Self], error: &mut Object<'_>) {
        if attempts.is_empty() {
            return;
        }
        error.array("attempts", |list| {
            for attempt in attempts {
                list.object(|note| {
                    note.str("provider", &attempt.provider);
                    note.str("model", &attempt.model);
                    match attempt.status {
                        Some(status) => note.u64("status", status.into()),
                        None => note.null("status"),
                    }
                    if !attempt.reason.is_empty() {
                        note.str("reason", &attempt.reason);
                    }
                    note.u64("ms", attempt.ms);
                });
            }
        });
    }
}

/// The body of an error answer for the client.
pub fn write_failure(
    client: Dialect,
    failure: &Failure,
    attempts: &[AttemptNote],
    request_id: &str,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    codec::write_failure(client, failure, attempts, request_id, &mut out);
    out
}

/// The body of an error answer to a call: where Google writes a stream as an array, an array of one.
pub fn write_failure_to(
    call: &Call,
    failure: &Failure,
    attempts: &[AttemptNote],
    request_id: &str,
) -> Vec<u8> {
    let body = write_failure(call.envelope(), failure, attempts, request_id);
    if call.array { [b"[", &*body, b"]"].concat() } else { body }
}

/// The header that tells a client of the dialect what kind of failure it is, where the dialect has one.
pub fn failure_header(client: Dialect, failure: &Failure) -> Option<(&'static str, &'static str)> {
    (client == Dialect::Bedrock).then(|| ("x-amzn-errortype", bedrock::error_type(failure.kind)))
}
