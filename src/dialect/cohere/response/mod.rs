//! Whole answers, both ways.

mod decode;
mod encode;

pub use decode::decode_response;
pub use encode::encode_response;
pub(super) use encode::settled;
