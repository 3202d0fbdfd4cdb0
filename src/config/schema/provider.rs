//! `providers`: the upstreams.

use super::{Circuit, Ordered, Span};
use crate::dialect::{Dialect, Service};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// One upstream: a preset with changes, or a base URL and a dialect.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(transform = as_it_is_read))]
#[serde(deny_unknown_fields, default)]
pub struct Provider {
    /// What to start from. Default: the preset of the provider's own name, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(schema_with = "preset_schema"))]
    pub preset: Option<String>,
    /// Scheme, host, port and base path, such as `https://llm.internal/v1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// What the provider speaks, where the preset does not say or offers a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// NAME of the environment variable that holds the key; never the key itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// Where the provider's models run, such as `us-east-1` (bedrock, and vertex: there `global` too, and it may be
    /// called `location` as Google does).
    #[serde(skip_serializing_if = "Option::is_none", alias = "location")]
    pub region: Option<String>,
    /// The project that pays (vertex).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// `key` sends the provider's key, `passthrough` the client's own credential, `aws` has Envoy sign the requests with
    /// the credentials it finds in its environment, `gcp` has Envoy add an access token of the service account it runs
    /// as, `none` sends nothing. Default: `key`, or `none` where neither the
    /// preset nor `api_key_env` names a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthMode>,
    /// Headers set on every request: a text, or `{ env: NAME }` for one that is a secret.
    #[serde(skip_serializing_if = "Ordered::is_empty")]
    pub headers: Ordered<HeaderValue>,
    /// Client headers that are let through, such as `anthropic-beta`; all others are stripped. Default: none, or
    /// `anthropic-version` and `anthropic-beta` with `auth: passthrough`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_headers: Option<Vec<String>>,
    /// Services beside conversations that it has, at their usual paths, in place of the preset's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<Service>>,
    /// API version (azure only). Default: `2024-10-21`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Limit of a connect. Default: `5s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<Span>,
    /// Limit to the first token, of each try. Default: `defaults.timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// Limit to the first token of a stream, of each try. Default: `defaults.stream_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_timeout: Option<Span>,
    /// Longest silence within a stream. Default: `60s`, or the longest `timeout` there is where that is longer, for Envoy
    /// keeps one such limit for all providers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Span>,
    /// HTTP version. Default: `auto`, which is negotiated over TLS and HTTP/1.1 in clear text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// How the provider's certificate is checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Most of everything at once (Envoy's thresholds; the defaults are high: a threshold that retries reach starves
    /// the fallback), and when one of its targets is left alone for a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circuit_breaker: Option<CircuitBreaker>,
    /// A request of Envoy's own, now and then, that says which of the server's addresses are well; for servers of your
    /// own with several addresses behind one name. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
}

/// A request of Envoy's own, now and then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// Path of a GET that answers 200 and costs nothing, such as `/health`. No credential goes with it.
    pub path: String,
    /// Time between two of them. Default: `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    /// Limit of each. Default: `2s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
}

/// The presets by name, so that editors complete them.
#[cfg(not(target_arch = "wasm32"))]
fn preset_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let names: Vec<&str> = crate::provider::presets().map(|preset| preset.name).collect();
    schemars::json_schema!({ "type": "string", "enum": names })
}

/// What reading takes and a derived schema does not know of: the other name of a region, and a name without anything
/// behind it.
#[cfg(not(target_arch = "wasm32"))]
fn as_it_is_read(schema: &mut schemars::Schema) {
    schema.insert("type".to_owned(), serde_json::json!(["object", "null"]));
    if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
        let location = serde_json::json!({
            "description": "The same as `region`, as Google calls it.",
            "type": ["string", "null"],
        });
        properties.insert("location".to_owned(), location);
    }
}

/// Whose credential goes to the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuthMode {
    /// The provider's key, from the environment.
    Key,
    /// The client's own `authorization` or `x-api-key`.
    Passthrough,
    /// A signature (AWS Signature Version 4) by Envoy, with the credentials of its environment: variables, profile, web
    /// identity, container or instance.
    Aws,
    /// An access token by Envoy, from the metadata server of Google Cloud: of the service account that the machine, or
    /// with workload identity the pod, runs as.
    Gcp,
    /// None.
    None,
}

/// HTTP version of an upstream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Negotiated (ALPN) over TLS; HTTP/1.1 in clear text.
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, in clear text with prior knowledge.
    Http2,
}

/// How a provider's certificate is checked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// PEM file of the certificate authorities to trust, in place of the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// Name to ask for, and to demand of the certificate. Default: the host of `base_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
}

/// Most of everything at once for one provider, and when one of its targets is left alone for a while.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CircuitBreaker {
    /// Connections. Default: 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u32>,
    /// Requests that wait for a connection; one more fails like one beyond `max_requests`. Default: 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pending_requests: Option<u32>,
    /// Requests under way. One more fails, and does not fall back: Envoy tries nobody else then. A limit with `per:
    /// provider` and `concurrent` lets the next target take it. Default: 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_requests: Option<u32>,
    /// Retries under way; falling back to the next provider counts as one. Default: 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// Failures in a row after which a target is skipped. Default: `defaults.circuit_breaker`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<u32>,
    /// Good answers in a row after which it is back. Default: `defaults.circuit_breaker`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_threshold: Option<u32>,
    /// How long it is skipped before one request may try. Default: `defaults.circuit_breaker`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<Span>,
    /// How long it is passed over after a 429 that does not say how long. Default: `defaults.circuit_breaker`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<Span>,
    /// The longest that it is passed over after a 429. Default: `defaults.circuit_breaker`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cooldown: Option<Span>,
}

impl CircuitBreaker {
    /// When a target is left alone, apart from Envoy's thresholds.
    pub fn circuit(&self) -> Circuit {
        Circuit {
            failure_threshold: self.failure_threshold,
            success_threshold: self.success_threshold,
            open: self.open,
            cooldown: self.cooldown,
            max_cooldown: self.max_cooldown,
        }
    }
}

/// The value of a header.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum HeaderValue {
    /// The value itself.
    Text(String),
    /// The value of an environment variable.
    Env {
        /// Name of the environment variable.
        env: String,
    },
}

impl<'de> Deserialize<'de> for HeaderValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeaderVisitor)
    }
}

/// The fields of the object form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FromEnv {
    env: String,
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = HeaderValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or { env: NAME }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<HeaderValue, E> {
        Ok(HeaderValue::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<HeaderValue, A::Error> {
        let FromEnv { env } = FromEnv::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(HeaderValue::Env { env })
    }
}
