//! Whole answers, both ways.

mod decode;
mod encode;

pub use decode::decode_response;
pub(super) use decode::{MOST_CHOICES, called, candidate_extra, refused};
pub use encode::encode_response;
pub(super) use encode::{write_call, write_thought};
