//! `keys` and `identity`: who may ask.

use super::Ordered;
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
    /// Whatever else there is to say of it, for rules to read.
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub metadata: Ordered<serde_json::Value>,
}

/// Who asks, beside the key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Request headers that are believed, for a gateway that stands behind something which sets them: any client that
    /// reaches the gateway itself can send them. What the key says comes first.
    #[serde(skip_serializing_if = "super::is_default")]
    pub headers: IdentityHeaders,
}

/// Names of request headers.
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
}
