//! AWS Bedrock's Converse and `ConverseStream`, `POST /model/{modelId}/converse` and `…/converse-stream`: towards
//! clients that speak it (AWS's SDKs) and towards Bedrock.
//!
//! The model is in the path and so is the wish for a stream, which comes as binary frames
//! ([`crate::wire::eventstream`]). The format follows the service model of AWS's SDKs (`bedrock-runtime`,
//! 2023-09-30).

mod block;
mod citation;
mod failure;
mod family;
mod finish;
mod media;
mod request;
mod response;
mod stream;
mod usage;
mod wire;

pub(crate) use citation::is_field as is_citation_field;
pub(crate) use failure::exception;
pub use failure::{error_type, write_failure, write_failure_event};
pub use request::{decode_request, encode_request};
pub use response::{decode_response, encode_response};
pub use stream::{StreamDecoder, StreamEncoder};

use super::schema::Rules;
use super::{Cites, Shape, Takes, ToolNames, Wants};

/// Model and `stream` are said by the path; streams are binary frames.
pub const SHAPE: Shape = Shape {
    stream_types: &["application/vnd.amazon.eventstream"],
    model_in_path: true,
    stream_in_path: true,
    request_id: Some("x-amzn-requestid"),
    cites: Cites::Passages,
    media: &["\"image\"", "\"document\"", "\"audio\"", "\"video\""],
    takes: &[Takes::Pieces, Takes::AnyProof],
    wants: &[Wants::Proof],
    tool_names: Some(ToolNames::up_to(64)),
    schemas: Some(Rules::Newest),
    ..Shape::SSE
};
