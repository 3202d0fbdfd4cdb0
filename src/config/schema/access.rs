//! `keys`: who may ask.

use serde::{Deserialize, Serialize};

/// A client key. `tollgate key new` mints one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
}
