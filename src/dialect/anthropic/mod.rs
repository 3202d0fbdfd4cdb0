//! Anthropic messages.

mod failure;
mod usage;

pub use failure::{write_failure, write_failure_event};
pub use usage::WireUsage;
