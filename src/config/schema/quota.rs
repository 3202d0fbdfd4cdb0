//! `budgets`, `limits` and `queue`: how much of everything there is.

use super::terms::{Every, Flow, Many, Percent};
use super::words;
use super::{Size, Span};
use crate::policy::scope::Scope;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// So much money, so many tokens, or both, in a stretch of time. A request that could go beyond is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// What it is called in errors, metrics and the audit line. Default: made of its terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for: there is one count for each value. Default: `global`, or `key` within a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Scope>,
    /// The values that it is for, by scope, `*` allowed once in each. Default: all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "words::map")]
    pub only: BTreeMap<Scope, Vec<String>>,
    /// Money, in USD, at most 9,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
    /// Tokens, in and out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Many>,
    /// For how long.
    pub every: Every,
    /// Whether the stretch of time is always the latest, rather than one of the calendar. Default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling: Option<bool>,
    /// Whose calendar, by its IANA name. Default: `UTC`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The part from which on answers carry a warning. Default: none do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft: Option<Percent>,
}

/// So many requests or tokens in a while, or requests at the same time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Limit {
    /// What it is called in errors, metrics and the audit line. Default: made of its terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for: there is one count for each value. Default: `global`, or `key` within a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per: Option<Scope>,
    /// The values that it is for, by scope, `*` allowed once in each. Default: all.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "words::map")]
    pub only: BTreeMap<Scope, Vec<String>>,
    /// Requests in a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<Flow>,
    /// Tokens, in and out, in a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Flow>,
    /// Requests at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent: Option<u64>,
    /// How many may come at once after a pause, of `requests` or `tokens`. Default: as many as in the while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<Many>,
    /// What becomes of a request that is over it. Default: `reject`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
}

/// What becomes of a request that is over a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// It is refused with 429 and the time to wait.
    #[default]
    Reject,
    /// It waits in the gateway, see `queue`.
    Queue,
}

/// Requests that wait for a limit with `over: queue`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Queue {
    /// Most that wait, for each worker thread of Envoy; one more is refused. Default: 1000. Each keeps its body in
    /// memory, twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Most bytes of their bodies, for each worker thread of Envoy; one more is refused. Default: half of
    /// `server.max_held`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_held: Option<Size>,
    /// Longest wait; then the request is refused with 429. Default: `10s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
}

/// Requests whose use is never told to the gateway, so that no budget and no limit in tokens counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Uncounted {
    /// `background: true` in requests for responses.
    Background,
    /// New batches, of OpenAI's and Anthropic's.
    Batches,
}
