//! Requests, both ways.

mod decode;
mod encode;
mod parts;
mod reasoning;
mod schema;
mod tools;
mod turns;

#[cfg(test)]
mod cases;

pub use decode::decode_request;
pub use encode::encode_request;
