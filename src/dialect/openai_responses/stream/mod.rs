//! Streamed answers: the events of OpenAI's Responses to the hub's and back.

mod decode;
mod encode;
mod items;
mod wire;

pub use decode::StreamDecoder;
pub use encode::StreamEncoder;

#[cfg(test)]
mod tests;
