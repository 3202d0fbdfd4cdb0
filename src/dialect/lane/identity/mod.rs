//! The lane between two sides that speak the same dialect: bytes pass as they are, and are only looked at.

mod answer;
mod anthropic;
mod fields;
mod keys;
mod needs;
mod openai_chat;
mod request;
mod stream;

pub use answer::answer;
pub(in crate::dialect::lane) use request::holds_foreign;
pub use request::request;
pub use stream::Stream;
