//! Requests: OpenAI's Responses to the hub's and back.

mod decode;
mod encode;
mod input;
mod items;
mod option;
mod search;
mod wire;

pub use decode::decode_request;
pub use encode::encode_request;
pub(crate) use search::{is_search, read_search};

#[cfg(test)]
mod cases;
