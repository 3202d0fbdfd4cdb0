//! Requests: a prompt to the hub's conversation and back.

mod decode;
mod encode;
mod prompt;

pub use decode::decode_request;
pub use encode::encode_request;
