//! OpenAI chat completions.

mod failure;

pub use failure::{write_failure, write_failure_event};
