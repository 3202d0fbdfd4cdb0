//! `state`: what gateways of a fleet count together, and through which servers.

use super::{Span, Tls};
use serde::{Deserialize, Serialize};

/// What gateways of a fleet count together, and through which servers. Without it each Envoy counts for itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct State {
    /// Budgets and limits of a whole fleet, kept over restarts: counters are merged in Redis, behind webdis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis: Option<Redis>,
    /// A rate limit service that Envoy asks before each request and tells the tokens of each answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit_service: Option<RateLimitService>,
}

/// Redis, reached through webdis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// `host:port` of webdis, which speaks HTTP in front of Redis.
    pub address: String,
    /// How often this Envoy writes its counters and reads those of the others. Default: `1s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    /// Limit of one exchange with Redis. Default: `500ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// What happens to requests while Redis cannot be reached. Default: `local`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_down: Option<OnDown>,
    /// What happens to a request whose counters this Envoy has not read since it started. Default: `wait`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_start: Option<OnStart>,
    /// Beginning of every name in Redis: one for each fleet that shares it. Default: `tollgate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The environment variable with `user:password` for webdis, where it wants HTTP basic authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_env: Option<String>,
}

/// What happens to requests while Redis cannot be reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnDown {
    /// This Envoy counts on by itself, from what it last read of the others.
    #[default]
    Local,
    /// Requests that a budget or a limit counts are refused with 503.
    Refuse,
}

/// What happens to a request whose counters are not known yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnStart {
    /// It waits until they are read, one exchange with Redis.
    #[default]
    Wait,
    /// It is judged by what this Envoy alone has counted.
    Local,
}

/// A rate limit service: Envoy's own reference implementation, or another server of the same gRPC interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RateLimitService {
    /// `host:port` of the gRPC service (`envoy.service.ratelimit.v3.RateLimitService`).
    pub address: String,
    /// The domain whose limits it shall use. Default: `tollgate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// How long to wait for its verdict. Default: `200ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// What happens to requests while the service cannot be reached. Default: `allow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_error: Option<OnError>,
    /// TLS towards the service; without it the connection is in clear text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// What is counted for whom. Each is sent with the entries `counts` and, in their order, those of `per`; one
    /// without a value for a request (a key without a tenant) is left out for it. Default: requests and tokens per
    /// tenant and per key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub descriptors: Vec<Descriptor>,
}

/// What happens to requests while a rate limit service cannot be reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// They go on, uncounted.
    #[default]
    Allow,
    /// They are refused with 503.
    Refuse,
}

/// One descriptor of a rate limit service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Descriptor {
    /// What is counted. Default: `requests`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// Whose they are: the entries of the descriptor.
    pub per: Vec<DescriptorEntry>,
}

/// What a rate limit service counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    /// Requests: one each, when it is admitted.
    #[default]
    Requests,
    /// Input and output tokens, when the answer is over; a request is refused once the limit was reached.
    Tokens,
    /// What the answer cost, in millionths of a US dollar, when it is over; as with tokens.
    Microdollars,
}

impl Counts {
    /// The word used in configuration and in the descriptor's entry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Microdollars => "microdollars",
        }
    }
}

/// What an entry of a descriptor says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DescriptorEntry {
    /// The tenant.
    Tenant,
    /// The team within the tenant.
    Team,
    /// The project within the team.
    Project,
    /// The id of the client's key.
    Key,
    /// The person.
    User,
    /// The kind of agent.
    Agent,
    /// The public name of the model.
    Model,
    /// The provider: when the request is admitted the first of its chain, when it is over the one that answered.
    Provider,
}

impl DescriptorEntry {
    /// The word used in configuration, in the descriptor and in filter state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Team => "team",
            Self::Project => "project",
            Self::Key => "key",
            Self::User => "user",
            Self::Agent => "agent",
            Self::Model => "model",
            Self::Provider => "provider",
        }
    }
}
