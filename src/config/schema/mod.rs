//! The shape of `gateway.yaml`, as people write it.
//!
//! One type a section, and nothing resolved: what is absent stays absent until [`crate::config::compile()`] fills in
//! the defaults. The filter reads the very same types from JSON, which is why unknown fields are refused here and
//! not in the command line. The doc comments become the JSON Schema, so an editor shows them as completions.

mod access;
mod audit;
mod circuit;
mod defaults;
mod forward;
mod litellm;
mod model;
mod ordered;
mod price;
mod provider;
mod quota;
mod rule;
mod server;
mod size;
mod span;
mod state;
mod terms;
mod words;

pub use access::{Claims, Identity, IdentityHeaders, Jwt, Key, KeysFile, Mtls};
pub use audit::{Audit, AuditTo};
pub use circuit::Circuit;
pub use defaults::{Backoff, Defaults};
pub use forward::ForwardTo;
pub use litellm::{Litellm, LitellmMode};
pub use model::{Fallbacks, Model, ModelEntry, Target, TargetEntry};
pub use ordered::Ordered;
pub use price::Price;
pub use provider::{AuthMode, CircuitBreaker, HeaderValue, HealthCheck, Protocol, Provider, Tls};
pub use quota::{Budget, Limit, Over, Queue, Uncounted};
pub use rule::Rule;
pub use server::{Cors, ListenerTls, Server};
pub use size::Size;
pub use span::Span;
pub use state::{
    Counts, Descriptor, DescriptorEntry, OnDown, OnError, OnStart, RateLimitService, Redis, State,
};
pub use terms::{Every, Flow, Many, Percent};

use crate::dialect::Service;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The configuration of a Tollgate gateway.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Gateway {
    /// Where the gateway listens, and what it does with every request.
    #[serde(skip_serializing_if = "is_default")]
    pub server: Server,
    /// Upstreams by name. A name that is a preset's needs no more than `{}`, and a preset that a target names need
    /// not be listed at all.
    #[serde(skip_serializing_if = "Ordered::is_empty")]
    pub providers: Ordered<Provider>,
    /// Public model names and where each leads: `provider/model`, a list of them tried in order, or an object.
    /// One `*` in a name makes it a pattern; the longest fixed part wins.
    #[serde(skip_serializing_if = "Ordered::is_empty")]
    pub models: Ordered<ModelEntry>,
    /// Conditions under which another model takes the place of the one asked for. The first that holds counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Client keys. Where this is not written, clients need none, unless something below says otherwise; an empty list lets
    /// nobody in by a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<Key>>,
    /// File with further keys under `keys`, seen from this one. `tollgate key` writes it, `tollgate render` reads it; with
    /// `--split`, its keys change live, and nothing else with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys_file: Option<String>,
    /// SHA-256 of a key, in hex, that may do everything and has no limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_key: Option<String>,
    /// Who asks, where something else than the key says it.
    #[serde(skip_serializing_if = "is_default")]
    pub identity: Identity,
    /// How much money and how many tokens there are, for whom and for how long.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Budget>,
    /// How many requests and tokens there may be in a while, and how many requests at the same time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    /// What whoever is counted in money or tokens may have although nothing of it can be counted; without it these are
    /// refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_uncounted: Vec<Uncounted>,
    /// Where requests wait that are over a limit with `over: queue`.
    #[serde(skip_serializing_if = "is_default")]
    pub queue: Queue,
    /// What holds where a model says nothing of its own.
    #[serde(skip_serializing_if = "is_default")]
    pub defaults: Defaults,
    /// Sends requests through a LiteLLM proxy: all of them, or the models that say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub litellm: Option<Litellm>,
    /// What gateways of a fleet count together, and through which servers.
    #[serde(skip_serializing_if = "is_default")]
    pub state: State,
    /// Where the audit lines go: one JSON object a request.
    #[serde(skip_serializing_if = "is_default")]
    pub audit: Audit,
    /// Prices of your own, in USD per million tokens, by the provider's name of a model, or by `PROVIDER/MODEL` where they are
    /// that provider's alone. They win over the bundled ones.
    #[serde(skip_serializing_if = "Ordered::is_empty")]
    pub prices: Ordered<Price>,
    /// Which provider gets the requests of a service that name no model (files, batches, stored responses), where
    /// several have it and the client names none in `x-tollgate-provider`; `false` offers a service to nobody.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "words::map")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(schema_with = "forward::services_schema"))]
    pub forward: BTreeMap<Service, ForwardTo>,
}

/// Whether a section says nothing and can be left out.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
