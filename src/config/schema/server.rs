//! `server`: where the gateway listens, and what holds for every request.

use super::{Size, Span};
use serde::{Deserialize, Serialize};

/// Where the gateway listens, and what it does with every request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port for clients. Default: `127.0.0.1:10000`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// Address and port of Envoy's admin interface, where the metrics are. Default: `127.0.0.1:9901`. It has no
    /// authentication: keep it off public addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<String>,
    /// Path prefix, such as `/llm`; what follows works with and without `/v1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Largest request body. Default: `32MiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_body: Option<Size>,
    /// Most bytes of request bodies that each worker thread of Envoy holds, of requests under way and in the queue; beyond
    /// it, 503. One tenant, or one key without a tenant, may hold no more than it leaves free. Default: `512MiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_held: Option<Size>,
    /// Browsers' cross-origin rules; without it no CORS headers are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// Whether answers say what happened in `x-tollgate-provider`, `-model`, `-attempts`, `-request-id`, `-cost` and
    /// `-warnings`. Default: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_headers: Option<bool>,
    /// Certificate of the listener; without it clients speak clear text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ListenerTls>,
}

/// Cross-origin rules.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// Allowed origins, such as `https://app.example`; a single `*` allows all.
    pub origins: Vec<String>,
    /// Request headers allowed beyond those that the dialects need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// How long a browser may remember a preflight. Default: `10m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Span>,
}

/// The listener's certificate, as files that Envoy reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ListenerTls {
    /// PEM file of the certificate chain.
    pub cert_file: String,
    /// PEM file of the private key.
    pub key_file: String,
}
