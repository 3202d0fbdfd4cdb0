//! `litellm`: a LiteLLM proxy behind the gateway.

use super::{AuthMode, Span};
use serde::{Deserialize, Serialize};

/// A LiteLLM proxy behind the gateway; targets call it `litellm/MODEL`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Litellm {
    /// Where the proxy listens, such as `http://127.0.0.1:4000`.
    pub base_url: String,
    /// `all` sends every model there, and chains for a reason may name nobody else; `hybrid` only the targets that say
    /// `litellm/MODEL`. Default: `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<LitellmMode>,
    /// `passthrough` forwards the client's own credential, `key` sends the proxy's key. Default: `key`, or `none`
    /// where `api_key_env` is absent and `LITELLM_API_KEY` is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthMode>,
    /// NAME of the environment variable that holds the proxy's key. Default: `LITELLM_API_KEY`, where it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// Limit of a connect. Default: `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<Span>,
    /// Limit to the first token, of each try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// Limit to the first token of a stream, of each try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_timeout: Option<Span>,
}

impl Litellm {
    /// Whether every model goes through the proxy.
    pub fn takes_everything(&self) -> bool {
        self.mode.unwrap_or_default() == LitellmMode::All
    }
}

/// How much goes through the proxy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LitellmMode {
    /// Every model.
    #[default]
    All,
    /// Only targets that name it; others go straight to their providers.
    Hybrid,
}
