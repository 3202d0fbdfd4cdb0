//! An answer that arrived whole.

use super::{Extra, Finish, Json, Part, Text, Usage};
use crate::dialect::Dialect;

/// An answer in neutral words.
#[derive(Debug, Clone)]
pub struct ChatResponse<'a> {
    /// The dialect it came in: the one whose `extra` and opaque parts these are.
    pub origin: Dialect,
    /// The provider's id of the answer; may be empty.
    pub id: Text<'a>,
    /// The model that the provider says it used; may be empty.
    pub model: Text<'a>,
    /// When it was made, in seconds since 1970.
    pub created: Option<u64>,
    /// The answers: one, unless the client asked for more.
    pub choices: Vec<Choice<'a>>,
    /// Token counts.
    pub usage: Usage,
    /// Fields beside the counts that only the provider's dialect knows.
    pub usage_extra: Extra<'a>,
    /// The service tier that was used, in the words of the provider's dialect.
    pub service_tier: Option<Text<'a>>,
    /// Fields that only the provider's dialect knows.
    pub extra: Extra<'a>,
}

/// One of the answers.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    /// Its number, from 0.
    pub index: u32,
    /// What the model says.
    pub parts: Vec<Part<'a>>,
    /// Why it ended; `None` when the provider did not say.
    pub finish: Option<Finish<'a>>,
    /// Log probabilities as OpenAI shapes them.
    pub logprobs: Option<Json<'a>>,
    /// Fields of the message that only the provider's dialect knows.
    pub message_extra: Extra<'a>,
    /// Fields beside the message that only the provider's dialect knows.
    pub extra: Extra<'a>,
}

impl ChatResponse<'_> {
    /// An empty answer in a dialect.
    pub fn new(origin: Dialect) -> Self {
        Self {
            origin,
            id: Text::default(),
            model: Text::default(),
            created: None,
            choices: Vec::new(),
            usage: Usage::default(),
            usage_extra: Extra::new(),
            service_tier: None,
            extra: Extra::new(),
        }
    }
}

impl Choice<'_> {
    /// An empty choice.
    pub fn new(index: u32) -> Self {
        Self {
            index,
            parts: Vec::new(),
            finish: None,
            logprobs: None,
            message_extra: Extra::new(),
            extra: Extra::new(),
        }
    }
}
