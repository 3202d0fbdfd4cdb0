//! The client: sends what the official SDKs send and believes no answer it has not checked.

mod prompt;
mod stream;
mod unary;

pub(crate) use prompt::{Request, anthropic_head, conversation, json, openai_head};
pub(crate) use stream::StreamCheck;
pub(crate) use unary::{error_is_well_formed, unary_is_right};
