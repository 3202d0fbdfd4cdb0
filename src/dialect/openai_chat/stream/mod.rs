//! Streamed answers: OpenAI's to the hub's events and back.

mod calls;
mod decode;
mod encode;
mod wire;

pub use decode::StreamDecoder;
pub use encode::StreamEncoder;
