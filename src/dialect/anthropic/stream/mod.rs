//! Answers as streams, both ways.

mod decode;
mod encode;

pub use decode::StreamDecoder;
pub use encode::StreamEncoder;

#[cfg(test)]
mod tests;
