//! Requests, both ways.

mod decode;
mod encode;
mod messages;
mod sampling;
mod tools;

pub use decode::decode_request;
pub use encode::encode_request;
pub(super) use messages::write_call;

#[cfg(test)]
mod cases;
