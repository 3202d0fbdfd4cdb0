//! `keys` and `identity`: who may ask.

use super::{Budget, Limit, Ordered, Span};
use serde::{Deserialize, Serialize};

/// A client key. `tollgate key new` mints one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Identifier, shown in the audit line; not a secret.
    pub id: String,
    /// SHA-256 of the key, in hex; never the key itself.
    pub sha256: String,
    /// Who pays: a label of metrics and audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The team within the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The project within the team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The models it may use: public names, aliases, and patterns with one `*`. A model's own name allows its aliases
    /// too; an alias allows only itself. Without it, all models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// The moment from which it is refused: a date (which begins in UTC), or a time as in RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Whether it is refused for now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// Its own budgets, in the place of the gateway's `per: key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budgets: Option<Vec<Budget>>,
    /// Its own limits, in the place of the gateway's `per: key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Vec<Limit>>,
    /// Whatever else there is to say of it, for rules to read.
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub metadata: Ordered<serde_json::Value>,
}

/// The file of `keys_file`: further keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeysFile {
    /// The keys.
    pub keys: Vec<Key>,
}

/// Who asks, where something else than the key says it. What the key says comes first, then the token, the certificate,
/// and the headers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// JSON Web Tokens, which Envoy verifies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt: Option<Jwt>,
    /// Certificates of clients, which Envoy verifies. Needs `server.tls`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtls: Option<Mtls>,
    /// Request headers that are believed, for a gateway that stands behind something which sets them: any client that
    /// reaches the gateway itself can send them.
    #[serde(skip_serializing_if = "super::is_default")]
    pub headers: IdentityHeaders,
    /// The models for those whom something else than a key lets in, as in `keys`. Without it, all models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
}

/// Tokens of an issuer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// Who issues them: the claim `iss`.
    pub issuer: String,
    /// Whom they must be for: one of these has to be in the claim `aud`. Without any, `aud` is not looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// File with the issuer's public keys, a JSON Web Key Set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_file: Option<String>,
    /// Where Envoy fetches them instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// How long fetched keys are kept. Default: `10m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_cache: Option<Span>,
    /// The header that carries the token: as `Bearer TOKEN` in `authorization`, alone in any other. Default:
    /// `authorization`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Which claims say who asks. A dot leads into a claim: `realm.tenant`. What is not named is not read.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub claims: Claims,
    /// Whether a token lets a request in that has no key. Default: `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces_key: Option<bool>,
}

/// Certificates of clients.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Mtls {
    /// PEM file of the authorities that sign them.
    pub ca_file: String,
    /// Whether a client without one cannot even connect. Default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// What of a certificate says who pays: `uri_san`, `dns_san` (the first of each), `subject`, or one of them and a
    /// pattern, such as `uri_san spiffe://acme.example/ns/{}/sa/*`, of which `{}` is what counts; neither `{}` nor `*`
    /// stands for a slash. A certificate to which a pattern does not fit says nothing at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What says the team, in the same way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// What says the project, in the same way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// What says the person, in the same way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What says the kind of agent, in the same way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Whether a certificate lets a request in that has no key. Default: `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces_key: Option<bool>,
}

/// The claims of a token that say who asks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Claims {
    /// Who pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The team within the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The project within the team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What kind of agent it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// Names of request headers that say who asks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct IdentityHeaders {
    /// Who pays. Default: none is believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The team within the tenant. Default: none is believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The project within the team. Default: none is believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The person. Default: none is believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What kind of agent it is, which every client may say of itself. Default: `x-agent-type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Whether a request that has a tenant or a user in these headers needs no key. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces_key: Option<bool>,
}
