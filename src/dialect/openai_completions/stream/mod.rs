//! Streams: chunks of text to the hub's events and back.

mod decode;
mod encode;

pub use decode::StreamDecoder;
pub use encode::StreamEncoder;
