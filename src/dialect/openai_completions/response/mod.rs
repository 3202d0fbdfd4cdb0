//! Answers that arrive whole: a text completion's to the hub's and back.

mod decode;
mod encode;

pub(in crate::dialect::openai_completions) use decode::MOST_CHOICES;
pub use decode::decode_response;
pub use encode::encode_response;
pub(super) use encode::length;
