//! `models`: public names and the chains behind them.

use super::{Backoff, Circuit, Ordered, Span};
use crate::policy::strategy::{Sticky, Strategy};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// What stands behind a public name: one target, a chain of them, or an object with more to say.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ModelEntry {
    /// One target, `provider/model`.
    One(String),
    /// Targets in the order they are tried.
    Chain(Vec<TargetEntry>),
    /// Targets with more to say.
    Full(Box<Model>),
}

/// A public model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Targets in the order they are tried.
    pub targets: Vec<TargetEntry>,
    /// Other names of the same model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Tries at the same target beyond the first, before the next target. Default: `defaults.retries`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Waits between tries at the same target. Default: `defaults.backoff`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// A provider that asks for a longer wait than this is left for the next target. Default:
    /// `defaults.max_retry_after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_retry_after: Option<Span>,
    /// Limit to the first token, of each try; of an answer that is not a stream, until it is whole. Default: what each
    /// target's provider says, then `defaults.timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// Limit to the first token of a stream, of each try. Default: what each target's provider says of streams, then
    /// `defaults.stream_timeout`, then what `timeout` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_timeout: Option<Span>,
    /// Limit of the whole request. Default: `defaults.request_timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_timeout: Option<Span>,
    /// What a target cannot say: `true` drops it with a warning; with `false` the next target is asked, and after the last
    /// one the answer is a 400 that names the field. Default: `defaults.drop_params`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop_params: Option<bool>,
    /// Pictures, sound and documents that a target cannot take: `true` drops them with a warning; with `false` the next
    /// target is asked, and after the last one the answer is a 400 that names the place. Default:
    /// `defaults.drop_content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop_content: Option<bool>,
    /// Output limit, in tokens, for providers that must have one when the client gives none. Default:
    /// `defaults.max_tokens`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// How the target that is asked first is chosen; the rest of the chain follows. Default: `ordered`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// Who is sent to the same target again, for as long as it can be asked, which keeps prompt caches warm; by weights,
    /// whatever the strategy. Requests that do not say who they are for go by the strategy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky: Option<Sticky>,
    /// Chains of their own for requests that are refused for a reason that another target may not share. Default:
    /// `defaults.fallbacks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallbacks: Option<Fallbacks>,
    /// When a target is left alone for a while. Default: what its provider says, then `defaults.circuit_breaker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circuit_breaker: Option<Circuit>,
}

/// Chains of their own, by the reason of a refusal. The request goes there instead of the rest of its chain.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Fallbacks {
    /// The request is too long for the model: targets that take more, in the order they are tried.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub context_window: Vec<TargetEntry>,
    /// The provider's content policy forbids it: targets that may see it otherwise, in the order they are tried.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub content_policy: Vec<TargetEntry>,
}

impl Fallbacks {
    /// The targets of all chains.
    pub fn targets(&self) -> impl Iterator<Item = &TargetEntry> {
        self.context_window.iter().chain(&self.content_policy)
    }
}

/// A target: `provider/model`, or an object with more to say.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum TargetEntry {
    /// `provider/model`.
    Short(String),
    /// With changes to the request.
    Full(Target),
}

/// One provider's model, with changes to the request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// A name under `providers`, or a preset's.
    pub provider: String,
    /// What the provider calls the model; under a pattern, `*` stands for the part the pattern's `*` matched.
    pub model: String,
    /// Limit to the first token, of each try here. Default: the model's `timeout`, then the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// Limit to the first token of a stream, of each try here. Default: the model's `stream_timeout`, then the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_timeout: Option<Span>,
    /// Replaces the client's output limit, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Its share among the model's targets, for `strategy: weighted` and `sticky`; 0: only when no other can be asked.
    /// Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// The context of its model, in tokens. A request that is estimated not to fit, with the output limit that the client
    /// sets, goes to the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
    /// Top-level request fields, in the provider's dialect, that replace the client's. Of `generationConfig` (Gemini),
    /// `inferenceConfig` (Bedrock) and `options` (Ollama) only the settings that are named here are replaced. OpenAI's
    /// names for sampling and limits (`temperature`, `top_p`, `top_k`, `max_tokens`, `stop`, `seed`,
    /// `reasoning_effort`…) may be used for any provider: they are put where its dialect has them, and one that it does
    /// not have is dropped with a warning.
    #[serde(default, skip_serializing_if = "Ordered::is_empty")]
    pub params: Ordered<serde_json::Value>,
}

impl ModelEntry {
    /// The targets in the order they are tried, each with the path of where it stands below that of the model.
    pub fn chain(&self, path: &str) -> Vec<(String, TargetEntry)> {
        let numbered = |at: &str, chain: &[TargetEntry]| {
            let number = |(index, target): (usize, &TargetEntry)| (format!("{at}[{index}]"), target.clone());
            chain.iter().enumerate().map(number).collect()
        };
        match self {
            Self::One(short) => vec![(path.to_owned(), TargetEntry::Short(short.clone()))],
            Self::Chain(chain) => numbered(path, chain),
            Self::Full(model) => numbered(&format!("{path}.targets"), &model.targets),
        }
    }

    /// The chains for a reason that are its own.
    pub fn fallbacks(&self) -> Option<&Fallbacks> {
        match self {
            Self::Full(model) => model.fallbacks.as_ref(),
            Self::One(_) | Self::Chain(_) => None,
        }
    }
}

impl TargetEntry {
    /// The name of its provider; nothing for a short one that names none.
    pub fn provider(&self) -> Option<&str> {
        match self {
            Self::Short(short) => short.split_once('/').map(|(name, _)| name),
            Self::Full(target) => Some(&target.provider),
        }
    }
}

impl<'de> Deserialize<'de> for ModelEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ModelVisitor)
    }
}

/// Written out rather than `untagged`, which would hide the path and the reason of an error inside.
struct ModelVisitor;

impl<'de> Visitor<'de> for ModelVisitor {
    type Value = ModelEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`provider/model`, a list of them, or an object with `targets`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ModelEntry, E> {
        Ok(ModelEntry::One(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<ModelEntry, A::Error> {
        Vec::deserialize(de::value::SeqAccessDeserializer::new(seq)).map(ModelEntry::Chain)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ModelEntry, A::Error> {
        Model::deserialize(de::value::MapAccessDeserializer::new(map))
            .map(|model| ModelEntry::Full(Box::new(model)))
    }
}

impl<'de> Deserialize<'de> for TargetEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TargetVisitor)
    }
}

struct TargetVisitor;

impl<'de> Visitor<'de> for TargetVisitor {
    type Value = TargetEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`provider/model`, or an object with `provider` and `model`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TargetEntry, E> {
        Ok(TargetEntry::Short(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TargetEntry, A::Error> {
        Target::deserialize(de::value::MapAccessDeserializer::new(map)).map(TargetEntry::Full)
    }
}
