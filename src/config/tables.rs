//! The compiled configuration: everything a request needs, looked up and never parsed again.

mod access;
mod excerpt;
mod first_token;
mod state;

pub use access::{
    Access, Certificate, CertificateField, CertificateName, Digest, Key, Keys, ModelPattern, Parts, Token,
};
pub use excerpt::Excerpt;
pub use first_token::FirstToken;
pub use state::{Counted, Fleet, RateLimit};

use super::schema;
use crate::dialect::{Call, Dialect, Operation, Service};
use crate::policy::quota::Quotas;
use crate::policy::reason::Reason;
use crate::policy::rules::Rules;
use crate::policy::strategy::{Sticky, Strategy};
use crate::provider::Quirks;
use hashbrown::{HashMap, HashSet};
use serde_json::value::RawValue;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

/// A compiled gateway configuration.
#[derive(Debug)]
pub struct Tables {
    /// Path prefix, without a trailing slash; empty when there is none.
    pub prefix: Box<str>,
    /// Origins allowed by CORS; empty: no CORS headers at all.
    pub cors: Cors,
    /// Whether answers carry the `x-tollgate-*` headers.
    pub response_headers: bool,
    /// Largest request body, in bytes.
    pub max_body: u64,
    /// The most that one worker holds of its clients' bodies, in bytes.
    pub max_held: u64,
    /// Providers, in the order of the file. Targets point into it.
    pub providers: Vec<Rc<Provider>>,
    /// Public names and aliases to models.
    pub models: HashMap<Box<str>, Rc<Model>>,
    /// Wildcards, the longest fixed part first.
    pub wildcards: Vec<Wildcard>,
    /// The public names, in the order of the file (wildcards left out): what the models endpoint lists.
    pub listed: Vec<Box<str>>,
    /// What is passed through without being translated, and to whom.
    pub services: HashMap<Service, Forwarding>,
    /// Each provider as a model without a name, for requests that name none: in the order of `providers`.
    pub direct: Vec<Rc<Model>>,
    /// Who may ask.
    pub access: Access,
    /// Budgets and limits.
    pub quotas: Quotas,
    /// What may be had although no rule can count it.
    pub uncounted: Vec<schema::Uncounted>,
    /// Conditions under which another model takes the place of the one asked for.
    pub rules: Rules,
    /// Targets (their numbers) that some model's strategy goes by what workers see of.
    pub learned: HashSet<u64>,
    /// Whether prompts and answers are part of the audit line.
    pub audit_content: bool,
    /// Whether the audit line goes to a file of lines, and so ends with a line break.
    pub audit_in_lines: bool,
    /// What the rendered route allows where the edge phase says nothing else.
    pub route: Route,
    /// Prices of the configuration's own, in USD per million tokens; see [`Tables::own_price`].
    pub prices: HashMap<Box<str>, PriceOverride>,
    /// What a rate limit service is told of each request; `None` when there is no such service.
    pub rate_limit: Option<RateLimit>,
    /// How the counters of a fleet are merged; `None` when this Envoy counts for itself.
    pub fleet: Option<Fleet>,
}

impl Tables {
    /// Every target of every model, some of them several times.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.all_models().flat_map(|model| &model.targets)
    }

    /// The configuration's own price of a provider's model: the one of this provider, else the one of the model's name.
    pub fn own_price(&self, provider: &str, model: &str) -> Option<&PriceOverride> {
        if self.prices.is_empty() {
            return None;
        }
        self.prices.get(&*format!("{provider}/{model}")).or_else(|| self.prices.get(model))
    }

    /// Every model, those with aliases several times.
    pub fn all_models(&self) -> impl Iterator<Item = &Model> {
        let models = self.models.values().chain(self.wildcards.iter().map(|wildcard| &wildcard.model));
        models.chain(&self.direct).map(|model| &**model)
    }

    /// Keys and passwords that are not in the environment, in a sentence each.
    pub fn missing_keys(&self) -> impl Iterator<Item = String> {
        let of_providers = self.providers.iter().filter_map(|p| match &p.auth {
            Auth::Missing { variable } => Some(format!(
                "the provider `{}` has no key: the environment variable {variable} is not set",
                p.name
            )),
            _ => None,
        });
        let of_fleet = self.fleet.iter().filter_map(|fleet| fleet.missing.as_ref());
        let unset = |variable| {
            format!("webdis is asked without a password: the environment variable {variable} is not set")
        };
        of_providers.chain(of_fleet.map(unset))
    }
}

/// Who gets the requests of a service that name no model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forwarding {
    /// Positions of the providers that a client may name.
    pub offered: Vec<usize>,
    /// The provider where the client names none.
    pub usual: Option<usize>,
}

/// The limits of the rendered route: the largest of all models.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Route {
    /// Tries after the first.
    pub retries: usize,
    /// Limit to the first token of each try.
    pub timeout: Duration,
    /// Limit of the whole request.
    pub request_timeout: Duration,
}

impl Route {
    /// The route that is wide enough for all of these models.
    pub fn of<'m>(models: impl Iterator<Item = &'m Model>) -> Self {
        models.fold(Self::default(), |route, model| {
            let each = usize::try_from(model.retries).unwrap_or(usize::MAX).saturating_add(1);
            let tries = model.targets.len().saturating_mul(each);
            Self {
                retries: route.retries.max(tries.saturating_sub(1)),
                timeout: model.timeout.both().into_iter().fold(route.timeout, Duration::max),
                request_timeout: route.request_timeout.max(model.request_timeout),
            }
        })
    }
}

/// Cross-origin rules.
#[derive(Debug, Clone, Default)]
pub struct Cors {
    /// Allowed origins; `*` alone allows all.
    pub origins: Vec<Box<str>>,
    /// Request headers allowed beyond the ones the dialects need.
    pub headers: Vec<Box<str>>,
    /// How long a preflight may be remembered, in seconds.
    pub max_age_secs: u64,
}

/// One upstream.
#[derive(Debug)]
pub struct Provider {
    /// Name in the configuration.
    pub name: Box<str>,
    /// Position in [`Tables::providers`].
    pub index: usize,
    /// Envoy cluster, `provider_NAME`.
    pub cluster: Box<str>,
    /// Whether it is reached over TLS.
    pub tls: bool,
    /// `:authority` of its requests (host, with the port when it is not the scheme's own).
    pub authority: Box<str>,
    /// What it speaks, and at which path, the preferred dialect first. `{model}` in a path is replaced by the
    /// percent-encoded model name.
    pub endpoints: Vec<Endpoint>,
    /// How it knows us.
    pub auth: Auth,
    /// Headers set on every request, values resolved from the environment.
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// Names of client headers that are let through, in lower case.
    pub forward_headers: Vec<Box<str>>,
    /// Limit to the first token, where the provider has one of its own.
    pub timeout: FirstToken<Option<Duration>>,
    /// Longest silence within a stream, where the provider has a limit of its own.
    pub idle_timeout: Option<Duration>,
    /// When its targets are left alone, where it says so itself.
    pub circuit: schema::Circuit,
    /// Differences from its dialect's maker.
    pub quirks: Quirks,
    /// The name under which `genai-prices` knows it (`openai`, `anthropic`, `azure`…), where it does.
    pub price_provider: Option<&'static str>,
}

impl Provider {
    /// Where a client's request for one of its models goes: to the endpoint of the client's own dialect, which needs no
    /// translation, else to the preferred one. `None`: the provider has nothing for this operation.
    pub fn endpoint_for(&self, call: &Call, model: &str) -> Option<&Endpoint> {
        let serves = |endpoint: &&Endpoint| endpoint.operation.serves(call.operation);
        let knows = |e: &&Endpoint| self.quirks.knows(e.operation, e.dialect, model);
        chosen(call, self.endpoints.iter().filter(serves).filter(knows))
            .or_else(|| chosen(call, self.endpoints.iter().filter(serves)))
    }
}

/// Of the endpoints that serve a request the one in its own words, else the first.
fn chosen<'e>(call: &Call, fit: impl Iterator<Item = &'e Endpoint>) -> Option<&'e Endpoint> {
    let mut fit = fit.peekable();
    let preferred = fit.peek().copied();
    fit.find(|e| e.operation == call.operation && e.dialect == call.dialect).or(preferred)
}

/// One operation in one dialect at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// What can be asked for there.
    pub operation: Operation,
    /// What is spoken there.
    pub dialect: Dialect,
    /// Absolute path with its query (`/v1/messages`, `/openai/deployments/{model}/chat/completions?api-version=…`).
    pub path: Box<str>,
    /// The same for streams.
    pub stream_path: Box<str>,
}

impl Endpoint {
    /// An endpoint from the pattern of its path, in which `{a|b}` stands for `a` in whole answers and `b` in streams.
    pub fn new(operation: Operation, dialect: Dialect, pattern: &str) -> Self {
        let (path, stream_path) = alternatives(pattern);
        Self { operation, dialect, path: path.into(), stream_path: stream_path.into() }
    }
}

fn alternatives(pattern: &str) -> (String, String) {
    let parts = pattern.char_indices().filter(|(_, c)| *c == '{').find_map(|(open, _)| {
        let (inner, after) = pattern.get(open + 1..)?.split_once('}')?;
        Some((pattern.get(..open)?, inner.split_once('|')?, after))
    });
    match parts {
        Some((before, (whole, stream), after)) => {
            (format!("{before}{whole}{after}"), format!("{before}{stream}{after}"))
        }
        None => (pattern.to_owned(), pattern.to_owned()),
    }
}

/// How a provider knows who is asking.
#[derive(Debug, Clone)]
pub enum Auth {
    /// No credential is sent.
    None,
    /// The client's own `authorization` / `x-api-key` go through.
    Passthrough,
    /// A header with the provider's key (`authorization: Bearer …`, `x-api-key: …`, `api-key: …`).
    Header {
        /// Header name in lower case.
        name: &'static str,
        /// The whole value.
        value: Secret,
    },
    /// The proxy itself adds a credential behind the filter, in these headers (lower case): a signature over the request
    /// that the filter made (AWS), or a token.
    ByProxy {
        /// The headers that it leaves in the request, which the next try at another provider must not carry.
        headers: &'static [&'static str],
    },
    /// An access token of Google's, which the proxy fetched when the request came.
    GcpToken,
    /// The environment variable that should hold the key was not set: every request fails with a clear error.
    Missing {
        /// Name of the environment variable.
        variable: Box<str>,
    },
}

/// A value that never shows in logs.
#[derive(Clone)]
pub struct Secret(pub Box<str>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A public model: the chain tried in order.
#[derive(Debug)]
pub struct Model {
    /// Public name (the wildcard pattern itself for wildcards).
    pub name: Box<str>,
    /// Targets in the order they are tried; never empty. Behind the chain stand those of the chains for a reason.
    pub targets: Vec<Target>,
    /// Tries at the same target beyond the first.
    pub retries: u32,
    /// Back-off between tries at the same target.
    pub backoff: Backoff,
    /// The longest of its targets' limits to the first token: the router has one for all tries.
    pub timeout: FirstToken<Duration>,
    /// Limit of the whole request.
    pub request_timeout: Duration,
    /// `true`: what a target cannot say is dropped with a warning; `false`: 400.
    pub drop_params: bool,
    /// Whether what the model is to read, and a target cannot take, is dropped with a warning; otherwise the next target
    /// is asked, and after the last it is a 400.
    pub drop_content: bool,
    /// Output limit where a provider must have one and the client gave none, in tokens.
    pub default_max_tokens: u64,
    /// How the target that is asked first is chosen.
    pub strategy: Strategy,
    /// Who gets the same target again.
    pub sticky: Option<Sticky>,
    /// How many of the targets are the chain itself; those behind it are only asked for a reason.
    pub chain: usize,
    /// The targets that are asked when the request is too long for the chain's.
    pub on_context_window: Range<usize>,
    /// The targets that are asked when a provider's content policy forbids the request.
    pub on_content_policy: Range<usize>,
}

impl Model {
    /// The targets that are asked in the ordinary course of things.
    pub fn chain(&self) -> &[Target] {
        self.targets.get(..self.chain).unwrap_or(&self.targets)
    }

    /// The positions of the targets that are asked for a reason.
    pub fn chain_for(&self, reason: Reason) -> Range<usize> {
        match reason {
            Reason::ContextWindow => self.on_context_window.clone(),
            Reason::ContentPolicy => self.on_content_policy.clone(),
        }
    }
}

/// Exponential back-off: `base`, 2 × `base`, 4 × `base` … up to `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// First delay.
    pub base: Duration,
    /// Longest delay.
    pub max: Duration,
    /// A `retry-after` longer than this moves on to the next target at once.
    pub max_retry_after: Duration,
}

/// The Envoy cluster of tries that have a limit of their own.
pub const TIMED_CLUSTER: &str = "tollgate_timed";

/// One provider's model.
#[derive(Debug)]
pub struct Target {
    /// Who.
    pub provider: Rc<Provider>,
    /// What it calls the model; for wildcards with `*` the matched part is put in its place.
    pub model: Box<str>,
    /// Limit to the first token of a try here, where one was set that is shorter than the router's for the whole chain
    /// ([`Model::timeout`]). Then the try goes by a cluster of its own.
    pub limit: FirstToken<Option<Duration>>,
    /// Replaces the client's output limit, in tokens.
    pub max_tokens: Option<u64>,
    /// Top-level fields, in the provider's dialect, that replace the client's.
    pub params: Vec<(Box<str>, Box<RawValue>)>,
    /// `provider/model` as configured: under which health and circuits know it.
    pub name: Rc<str>,
    /// The same as a number that is equal in all workers.
    pub id: u64,
    /// When it is left alone for a while.
    pub circuit: Circuit,
    /// Its share among the targets of its model; 0: only when no other can be asked.
    pub weight: u32,
    /// The input that its model takes, in tokens.
    pub context_window: Option<u64>,
}

impl Target {
    /// The cluster that a try here goes to.
    pub fn cluster(&self, streamed: bool) -> &str {
        if self.limit.of(streamed).is_some() { TIMED_CLUSTER } else { &self.provider.cluster }
    }
}

/// When a target is left alone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circuit {
    /// After failures; `None`: never.
    pub breaker: Option<Breaker>,
    /// After a 429 that does not say for how long; zero: not at all.
    pub cooldown: Duration,
    /// After any 429, at most; zero: not at all.
    pub max_cooldown: Duration,
}

/// When failures make a target be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// Failures in a row that open the circuit; at least 1.
    pub failure_threshold: u32,
    /// Good answers in a row that close it again; at least 1.
    pub success_threshold: u32,
    /// How long it is open before a request may try.
    pub open: Duration,
}

/// A pattern with one `*`.
#[derive(Debug)]
pub struct Wildcard {
    /// What stands before the `*`.
    pub prefix: Box<str>,
    /// What stands after it.
    pub suffix: Box<str>,
    /// Where it leads.
    pub model: Rc<Model>,
}

/// USD per million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PriceOverride {
    /// Plain input.
    pub input: f64,
    /// Output.
    pub output: f64,
    /// Cached input; `input` when absent.
    pub cache_read: Option<f64>,
    /// Input written to the cache; `input` when absent.
    pub cache_write: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_differ_for_streams() {
        let path = "/v1beta/models/{model}:{generateContent|streamGenerateContent?alt=sse}";
        let endpoint = Endpoint::new(Operation::Chat, Dialect::OpenaiChat, path);
        assert_eq!(&*endpoint.path, "/v1beta/models/{model}:generateContent");
        assert_eq!(&*endpoint.stream_path, "/v1beta/models/{model}:streamGenerateContent?alt=sse");
        let same = Endpoint::new(Operation::Chat, Dialect::OpenaiChat, "/d/{model}/chat");
        assert_eq!((&*same.path, &*same.stream_path), ("/d/{model}/chat", "/d/{model}/chat"));
    }
}
