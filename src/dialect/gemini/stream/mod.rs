//! Streams, both ways.

mod decode;
mod encode;
mod frames;
mod partial;
mod reframe;

pub use decode::StreamDecoder;
pub use encode::StreamEncoder;
pub use reframe::Reframer;
