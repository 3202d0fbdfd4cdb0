//! Failures: read from whatever a provider answered, written in the client's envelope.

mod kind;
mod message;
mod read;
mod write;

pub use kind::with_error_type;
pub use message::redacted;
pub(crate) use read::{bare_failure, broken_off, malformed};
pub use read::{is_failure_of, read_failure};
pub use write::{AttemptNote, failure_header, write_failure, write_failure_to};
