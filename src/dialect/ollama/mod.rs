//! Ollama's own dialect, `POST /api/chat` (and [`generate`]): towards clients that speak it and towards servers that do.
//!
//! Streams are lines of JSON; a request without `stream` asks for one. Sampling lies in `options`, arguments of tools
//! are objects, and tool calls of older servers have no ids: the decoders make some up that are the same each time.

mod failure;
mod finish;
mod form;
pub mod generate;
mod ids;
mod request;
mod response;
mod stream;
mod wire;

pub use failure::{write_failure, write_failure_event};
pub use request::{decode_request, encode_request};
pub use response::{decode_response, encode_response};
pub use stream::{StreamDecoder, StreamEncoder};

/// Streams are newline-delimited JSON, and the default.
pub const SHAPE: super::Shape = super::Shape {
    stream_types: &["application/x-ndjson", "application/ndjson"],
    streams_by_default: true,
    media: &["\"images\""],
    ..super::Shape::SSE
};

/// Why something that another dialect says is lost here.
const WHY: &str = "is not supported by Ollama";
