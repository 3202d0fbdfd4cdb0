//! The hub: one neutral model of a conversation.

mod failure;
mod usage;

pub use failure::{Failure, FailureKind};
pub use usage::{Usage, UsageStatus};
