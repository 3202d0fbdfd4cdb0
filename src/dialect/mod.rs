//! One folder a wire format, each both client-facing and provider-facing, and the lanes between them.

pub mod anthropic;
pub mod codec;
mod date;
pub mod lane;
pub mod models;
pub mod openai_chat;
mod service;

use serde::{Deserialize, Serialize};

/// A wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// OpenAI chat completions, `POST /v1/chat/completions`.
    #[serde(alias = "openai")]
    OpenaiChat,
    /// Anthropic messages, `POST /v1/messages`.
    Anthropic,
}

impl Dialect {
    /// The name used in config, metrics and the audit line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenaiChat => "openai_chat",
            Self::Anthropic => "anthropic",
        }
    }
}
