//! OpenAI chat completions, `POST /v1/chat/completions`, as OpenAI's API reference has it, with the extensions that
//! became common: `reasoning_content` (DeepSeek, vLLM) and `reasoning` (OpenRouter), `thinking_blocks`, `thinking`
//! and `cache_control` (LiteLLM), content in parts in answers (Mistral).

pub(crate) mod citation;
mod failure;
pub(super) mod finish;
mod ids;
mod model;
mod request;
mod response;
mod stream;
pub(crate) mod usage;

pub use failure::{write_failure, write_failure_event};
pub(crate) use ids::{short_user, write_call_id_within};
pub(super) use request::Top;
pub(crate) use request::{
    CACHE_HINTS, NO_EFFORT, OUTPUT_LIMITS, SAFETY, WEB_SEARCH, asked_effort, effort_field, media_type_of,
    output_limit_name, read_search, reasons, reasons_when_asked, taken_effort,
};
pub use request::{decode_request, encode_request};
pub use response::{decode_response, encode_response};
pub use stream::{StreamDecoder, StreamEncoder};

use super::schema::Rules;
use super::{Cites, Shape, Takes, ToolNames, Wants};

/// See [`Shape`].
pub const SHAPE: Shape = Shape {
    cites: Cites::Pages,
    media: &["\"image_url\"", "\"input_audio\"", "\"file\""],
    takes: &[Takes::CustomTools],
    wants: &[Wants::WordJson],
    tool_names: Some(ToolNames::up_to(64)),
    schemas: Some(Rules::Openai),
    ..Shape::OPENAI
};
