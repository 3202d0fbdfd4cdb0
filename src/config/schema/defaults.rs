//! `defaults`: what holds where a model says nothing of its own.

use super::{Circuit, Fallbacks, Span};
use serde::{Deserialize, Serialize};

/// What holds where a model says nothing of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// Tries at the same target beyond the first, before the next target. Default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Waits between tries at the same target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// A provider that asks for a longer wait than this is left for the next target. Default: `30s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retry_after: Option<Span>,
    /// Limit to the first token, of each try; of an answer that is not a stream, until it is whole. Default: `5m`, or what
    /// another target of the same chain has that is longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// Limit to the first token of a stream, of each try. Default: `timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_timeout: Option<Span>,
    /// Limit of the whole request. Default: `10m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_timeout: Option<Span>,
    /// What a target cannot say: `true` drops it with a warning; with `false` the next target is asked, and after the last
    /// one the answer is a 400 that names the field. Default: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop_params: Option<bool>,
    /// Pictures, sound and documents that a target cannot take: `true` drops them with a warning; with `false` the next
    /// target is asked, and after the last one the answer is a 400 that names the place. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop_content: Option<bool>,
    /// Output limit, in tokens, for providers that must have one when the client gives none. Default: 4096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Chains of their own for requests that are refused for a reason that another target may not share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallbacks: Option<Fallbacks>,
    /// When a target is left alone for a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circuit_breaker: Option<Circuit>,
}

/// Waits between tries at the same target: `base`, twice that, and so on up to `max`, each with jitter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Backoff {
    /// First wait. Default: `1s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Span>,
    /// Longest wait. Default: `8s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Span>,
}
