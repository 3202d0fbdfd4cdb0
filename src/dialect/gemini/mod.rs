//! Google Gemini, `POST …/models/{model}:generateContent` and `:streamGenerateContent`, on Google AI Studio and on
//! Vertex AI: towards clients that speak it and towards providers that do.
//!
//! # Streams
//! With `alt=sse` a stream is server-sent events that each hold one answer object; without, it is one JSON array of
//! them. Both are read, whatever was asked for; providers are asked for events, clients get what their path says.
//!
//! # Signatures
//! Gemini signs what it thought and wants the signature (`thoughtSignature`) back with the part it came on. On function
//! calls its newer models insist on it. Clients of other dialects keep no field they do not know, but every one of them
//! repeats the id of a tool call, in the call and in its result. So a signed call's id is `{id}__thought__{signature}`
//! towards them (LiteLLM's way: conversations can move between the two), taken apart again when the conversation comes
//! back to Gemini and cut off on the way to any other provider ([`signature`]). Google documents the signatures of
//! texts as optional: they stay in lanes between Gemini and Gemini and are dropped elsewhere.
//!
//! The other way round, signed and redacted thoughts of other providers reach a Gemini client as thought parts whose
//! `thoughtSignature` wraps what their maker wants back, under the maker's mark ([`crate::dialect`]'s `signature`): it
//! goes back to that maker, and to nobody else.
//!
//! # Calls without ids
//! Gemini gives ids to few of its calls; others need them. An id that is missing is a hash of the answer's own id, the
//! place and the content of the call: unique in a conversation, and the same however often the answer is read.

mod call_id;
mod failure;
mod finish;
mod google_search;
mod grounding;
mod logprobs;
mod model;
mod part;
mod request;
mod response;
pub mod signature;
mod stream;
mod usage;
mod wire;

pub use failure::{write_failure, write_failure_event};
pub(crate) use google_search::read_search;
pub use request::{decode_request, encode_request};
pub use response::{decode_response, encode_response};
pub(crate) use stream::Reframer;
pub use stream::{StreamDecoder, StreamEncoder};

use super::{Cites, Shape, Takes, ToolNames};

/// Facts about the wire format. A stream that comes as JSON is an array, or an answer in one piece.
pub const SHAPE: Shape = Shape {
    stream_types: &["text/event-stream", "application/json"],
    model_in_path: true,
    stream_in_path: true,
    cites: Cites::Pages,
    media: &["\"inlineData\"", "\"inline_data\"", "\"fileData\"", "\"file_data\""],
    takes: &[Takes::WebSearch],
    tool_names: Some(ToolNames { also: ".:", starts_with_letter: true, ..ToolNames::up_to(64) }),
    ..Shape::SSE
};
