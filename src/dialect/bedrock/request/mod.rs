//! Requests, both ways.

mod additional;
mod decode;
mod encode;
mod parts;
mod tools;

#[cfg(test)]
mod cases;

pub use decode::decode_request;
pub use encode::encode_request;
