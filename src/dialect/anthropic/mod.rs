//! Anthropic messages, `POST /v1/messages`: towards clients that speak it and towards providers that do.

mod block;
mod citation;
mod failure;
mod finish;
mod model;
mod request;
mod response;
mod search_result;
mod stream;
mod usage;
mod web_search;
mod wire;

pub(crate) use citation::is_field as is_citation_field;
pub use failure::{write_failure, write_failure_event};
pub(crate) use finish::finish_reason;
pub(crate) use model::Claude;
pub(crate) use request::{MERGED, UNFORCED, follows, reasoning, schema, turns};
pub use request::{decode_request, encode_request};
pub use response::{decode_response, encode_response};
pub use stream::{StreamDecoder, StreamEncoder};
pub(crate) use usage::Counts;
pub use usage::WireUsage;
pub(crate) use web_search::read_search;

use super::schema::Rules;
use super::{Cites, Shape, Takes, ToolNames, Wants};

/// See [`Shape`].
pub const SHAPE: Shape = Shape {
    request_id: Some("request-id"),
    answer_id: "msg_",
    cites: Cites::Passages,
    media: &["\"image\"", "\"document\""],
    takes: &[Takes::WebSearch, Takes::Pieces, Takes::AnyProof],
    wants: &[Wants::Proof],
    tool_names: Some(ToolNames::up_to(128)),
    schemas: Some(Rules::Newest),
    ..Shape::SSE
};
