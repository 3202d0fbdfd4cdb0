//! Requests, both ways.

mod decode;
mod encode;
mod parts;
pub(crate) mod reasoning;
pub(crate) mod schema;
mod tools;
pub(crate) mod turns;

#[cfg(test)]
mod cases;

pub use decode::decode_request;
pub use encode::encode_request;
pub(crate) use tools::{MERGED, UNFORCED, follows};
