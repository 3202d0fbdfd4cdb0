//! Requests: OpenAI's to the hub's and back.

mod content;
mod decode;
mod effort;
mod encode;
mod message;
mod option;
mod part;
mod sampling;
mod search;
mod turn;
pub(super) mod wire;

pub(super) use content::{write_call, write_function, write_reasoning, write_thinking_blocks};
pub use decode::decode_request;
pub(crate) use effort::{asked_effort, effort_field, reasons, taken_effort};
pub(in crate::dialect) use encode::Top;
pub use encode::encode_request;
pub(crate) use encode::{CACHE_HINTS, NO_EFFORT, SAFETY};
pub(super) use message::{decode_block, decode_call};
pub(super) use part::decode as decode_part;
pub(crate) use part::media_type_of;
pub(crate) use sampling::{OUTPUT_LIMITS, output_limit_name, reasons_when_asked};
pub(crate) use search::{WEB_SEARCH, read_search};
