//! `rules`: conditions under which another model takes the place of the one asked for.

use serde::{Deserialize, Serialize};

/// A condition, and the model that takes the place of the one asked for when it holds. The first that holds counts. What is
/// passed through (images, sound, moderations, files, batches) goes to the model that it names, whatever the rules say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// How audit and metrics call it. Default: `rules[0]`, `rules[1]`…
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A condition in CEL (<https://cel.dev>), such as `agent == "coder" && tokens > 100000`. It may speak of `headers`,
    /// `key` (`id`, `tenant`, `team`, `project`, `metadata`), `tenant`, `team`, `project`, `user`, `agent`, `model`,
    /// `dialect`, `operation`, `stream`, `tools`, `images`, `documents`, `thinking`, `tokens` (estimated input) and
    /// `max_tokens`.
    pub when: String,
    /// A name under `models`, an alias, or a name that a pattern there matches; no pattern itself.
    pub model: String,
}
