//! Requests, both ways.

mod decode;
mod encode;
mod messages;
mod options;
mod tools;

pub use decode::decode_request;
pub(super) use decode::{Settings, settings};
pub use encode::encode_request;
pub(super) use encode::write_settings;
pub(super) use messages::{picture, write_call, write_texts};

#[cfg(test)]
mod cases;
