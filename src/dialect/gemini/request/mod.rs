//! Requests, both ways.

#[cfg(test)]
mod cases;
mod config;
mod decode;
mod encode;
mod parts;
mod schema;
mod thinking;
mod tools;
mod turns;

pub use decode::decode_request;
pub use encode::encode_request;
