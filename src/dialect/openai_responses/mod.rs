//! OpenAI Responses, `POST /v1/responses`, as OpenAI's API reference and the types of its official SDKs have it: towards
//! clients that speak it and towards providers that do.
//!
//! A conversation here is a list of *items*, not of messages: a thought, a message and each call of a tool stand by
//! themselves. The decoder gathers what the model said between two words of the user into one message of the hub, and
//! the encoder takes such a message apart again.
//!
//! **Reasoning.** An item of type `reasoning` has a `summary` that can be read and `encrypted_content` for its maker
//! only. To the hub this is a thought with its signature, or a redacted thought where there is nothing to read. Towards
//! clients, the signatures of other dialects' thoughts travel as `encrypted_content` under a mark that says whose they
//! are (`dialect/signature.rs`), so that they come back to their maker, and to nobody else.

mod failure;
mod finish;
mod item;
mod part;
mod request;
mod response;
mod stream;
mod usage;
mod wire;

pub use failure::{write_failure, write_failure_event};
pub use request::{decode_request, encode_request};
pub(crate) use request::{is_search, read_search};
pub use response::{decode_response, encode_response};
pub use stream::{StreamDecoder, StreamEncoder};

use super::schema::Rules;
use super::{Cites, Shape, Takes, ToolNames, Wants};

/// Facts about the wire format.
pub const SHAPE: Shape = Shape {
    answer_id: "resp_",
    cites: Cites::Pages,
    media: &["\"input_image\"", "\"input_file\"", "\"input_audio\""],
    takes: &[Takes::WebSearch, Takes::CustomTools, Takes::AnyProof],
    wants: &[Wants::Proof, Wants::WordJson],
    tool_names: Some(ToolNames::up_to(64)),
    schemas: Some(Rules::Openai),
    ..Shape::OPENAI
};
