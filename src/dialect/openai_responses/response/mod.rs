//! Whole answers: OpenAI's Responses to the hub's and back.

mod decode;
mod encode;
mod frame;
mod output;

pub use decode::decode_response;
pub(super) use decode::{Answer, failure_of};
pub use encode::encode_response;
pub(super) use frame::{Frame, Status};
pub(super) use output::item_id;

#[cfg(test)]
mod tests;
