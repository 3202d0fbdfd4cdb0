//! Whole answers, both ways.

mod decode;
mod encode;

pub(super) use decode::{answer_usage, logprobs};
pub use decode::{decode_response, decode_response_of};
pub use encode::encode_response;
pub(super) use encode::write_logprobs;
