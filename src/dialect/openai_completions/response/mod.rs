//! Answers that arrive whole: a text completion's to the hub's and back.

mod decode;
mod encode;

pub use decode::decode_response;
pub use encode::encode_response;
pub(super) use encode::length;
