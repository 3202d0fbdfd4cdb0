//! Cohere's chat, version 2, `POST /v2/chat`: towards clients that speak it and towards Cohere.

mod block;
mod failure;
mod finish;
mod logprobs;
mod model;
mod request;
mod response;
mod stream;
mod usage;
mod wire;

pub use failure::{write_failure, write_failure_event};
pub use request::{decode_request, encode_request};
pub use response::{decode_response, encode_response};
pub use stream::{StreamDecoder, StreamEncoder};

use super::{Shape, Takes, ToolNames};

/// See [`Shape`].
pub const SHAPE: Shape = Shape {
    media: &["\"image_url\""],
    takes: &[Takes::Documents],
    tool_names: Some(ToolNames { starts_with_letter: true, ..ToolNames::up_to(usize::MAX) }),
    ..Shape::SSE
};

/// Why something that another dialect says is lost here.
const WHY: &str = "is not supported by Cohere";
