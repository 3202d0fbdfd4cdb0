//! `circuit_breaker`: when a target is left alone for a while.

use super::Span;
use serde::{Deserialize, Serialize};

/// When a target is left alone for a while: after failures, and after a 429. All workers share what they saw.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Circuit {
    /// Failures in a row after which a target is skipped without a try: time-outs, broken connections, 5xx, answers
    /// that are none. Default: 0, which never skips.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<u32>,
    /// Good answers in a row, each to a single request that may try, after which the target is back. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_threshold: Option<u32>,
    /// How long a target is skipped before one request may try. Default: `30s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<Span>,
    /// How long a target that answers 429 is passed over, while another of the chain can be asked, where it does not
    /// say for how long. Default: `0s`, which is not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<Span>,
    /// The longest that a target is passed over after a 429, whatever its `retry-after` says; `0s` never passes it over.
    /// Default: `5m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cooldown: Option<Span>,
}
