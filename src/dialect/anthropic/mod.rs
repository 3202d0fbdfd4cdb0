//! Anthropic messages.

mod failure;
mod finish;
mod usage;

pub use failure::{write_failure, write_failure_event};
pub(crate) use finish::finish_reason;
pub(crate) use usage::Counts;
pub use usage::WireUsage;
