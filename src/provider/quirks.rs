//! How a provider differs from the maker of its dialect, as data.

use crate::dialect::{Carriage, Dialect, Operation};
use crate::embedding::Fields;

/// Differences that the translators and the identity lane respect. The default is the dialect's own maker today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a table of independent facts")]
pub struct Quirks {
    /// The provider knows `max_completion_tokens`; otherwise the output limit is called `max_tokens`.
    pub max_completion_tokens: bool,
    /// The provider takes `stream_options.include_usage`.
    pub stream_options: bool,
    /// The provider knows the role `developer`; otherwise it is sent as `system`.
    pub developer_role: bool,
    /// The provider takes the text of a message in several parts; otherwise they are joined into one string.
    pub text_parts: bool,
    /// Messages may say by `name` who speaks; the results of tools may anyway.
    pub names: bool,
    /// Messages may have no field beside those that the provider knows; otherwise what is added is overlooked.
    pub strict_messages: bool,
    /// Several answers may be asked for with `n`.
    pub choices: bool,
    /// The field for the seed of the sampling (Mistral: `random_seed`).
    pub seed: &'static str,
    /// The provider reads `cache_control` on parts and tools; otherwise it is left out (it caches by itself, or not).
    pub cache_control: bool,
    /// The provider takes `top_k` beside OpenAI's own sampling fields.
    pub top_k: bool,
    /// The provider takes `response_format` with a JSON Schema; otherwise only `json_object`.
    pub json_schema: bool,
    /// How the provider is asked to think.
    pub reasoning: ReasoningSwitch,
    /// Models that differ from the rest in whether an effort can be asked of them: the beginnings of their names, up to
    /// a hyphen or the end, the longest of which counts.
    pub efforts: &'static [(&'static str, bool)],
    /// How earlier reasoning is sent back to the provider.
    pub replay: Replay,
    /// The provider calls `required` tool choice `any` and wants tool ids of nine letters and digits (Mistral).
    pub mistral_tools: bool,
    /// Ids are limited, 40 characters for a tool call's and 64 for the user's: longer ones are replaced by a hash.
    /// Not so where ids are a vehicle for more (LiteLLM hides the signatures of Gemini's thoughts in them).
    pub short_ids: bool,
    /// The provider reads files at any https address (Vertex AI); otherwise Gemini reads only those in Google's own
    /// stores.
    pub file_urls: bool,
    /// A count takes the conversation itself (Vertex AI); otherwise Gemini's stands within a `generateContentRequest`.
    pub bare_count: bool,
    /// The field that marks a last assistant message as the beginning of the answer (Mistral: `prefix`).
    pub prefill: Option<&'static str>,
    /// How the dialect travels there.
    pub carriage: Carriage,
    /// How its embeddings differ from OpenAI's.
    pub embeddings: Fields,
    /// The provider searches the web itself where the tool of its dialect's maker asks for it.
    pub web_search: bool,
    /// Top-level fields of the dialect that the provider refuses.
    pub refused: &'static [&'static str],
    /// Parts of the names of those models that complete texts and hold no conversations, where each model does one of the
    /// two alone (OpenAI); empty: every model does what its provider does.
    pub text_models: &'static [&'static str],
}

/// How an OpenAI-dialect provider is asked to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasoningSwitch {
    /// `reasoning_effort`, and only to models that reason: OpenAI's others answer it with a 400.
    Openai,
    /// `reasoning_effort`, whatever the model.
    Effort,
    /// `reasoning: {effort | max_tokens}` (OpenRouter).
    Object,
    /// `thinking: {type: enabled | disabled}` (DeepSeek, Z.ai).
    Switch,
    /// `thinking: {type, budget_tokens}` in the shape of Anthropic, or `reasoning_effort` (LiteLLM).
    Thinking,
    /// Not at all.
    None,
}

/// How earlier reasoning is sent back to an OpenAI-dialect provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// Not at all.
    Never,
    /// As `reasoning_content`, but only in turns since the last user message (DeepSeek before V4 refuses or ignores the
    /// rest).
    SinceLastUser,
    /// As `reasoning_content`, always, and empty where a turn with tools has none: models that think unless told
    /// otherwise refuse such a turn without it (DeepSeek since V4, Kimi).
    Required,
    /// As `reasoning`, always (OpenRouter).
    Reasoning,
    /// As `thinking_blocks` with their signatures and as `reasoning_content` (LiteLLM).
    Blocks,
}

impl Default for Quirks {
    fn default() -> Self {
        Self::OPENAI
    }
}

impl Quirks {
    /// OpenAI itself: nothing differs.
    pub const OPENAI: Self = Self {
        max_completion_tokens: true,
        stream_options: true,
        developer_role: true,
        text_parts: true,
        names: true,
        strict_messages: false,
        choices: true,
        seed: "seed",
        cache_control: false,
        top_k: false,
        json_schema: true,
        reasoning: ReasoningSwitch::Openai,
        efforts: &[],
        replay: Replay::Never,
        mistral_tools: false,
        short_ids: true,
        file_urls: false,
        bare_count: false,
        prefill: None,
        carriage: Carriage::Plain,
        embeddings: Fields::OPENAI,
        web_search: true,
        refused: &[],
        text_models: &[],
    };

    /// What the many servers have in common that took OpenAI's older form of the dialect for their own.
    pub const COMPATIBLE: Self = Self {
        max_completion_tokens: false,
        developer_role: false,
        reasoning: ReasoningSwitch::Effort,
        web_search: false,
        ..Self::OPENAI
    };

    /// Whether a model is there at an endpoint for this operation in this dialect.
    pub fn knows(&self, operation: Operation, dialect: Dialect, model: &str) -> bool {
        match operation {
            Operation::Chat if !self.text_models.is_empty() => {
                let completes = self.text_models.iter().any(|part| model.contains(part));
                completes == (dialect == Dialect::OpenaiCompletions)
            }
            Operation::Embeddings(format) => format.has(model),
            _ => true,
        }
    }

    /// How earlier reasoning goes back to one of the provider's models: those that came before the rule
    /// [`Replay::Required`] want it, if at all, within a turn.
    pub fn replay_to(&self, model: &str) -> Replay {
        const BEFORE: [&str; 7] = [
            "deepseek-chat",
            "deepseek-reasoner",
            "deepseek-r1",
            "deepseek-v3",
            "moonshot-v1",
            "kimi-k2-0",
            "kimi-k2-turbo",
        ];
        match self.replay {
            Replay::Required if BEFORE.iter().any(|old| model.starts_with(old)) => Replay::SinceLastUser,
            replay => replay,
        }
    }

    /// Whether one of the provider's models can be asked for an effort, as far as [`Self::efforts`] says.
    pub fn takes_effort(&self, model: &str) -> bool {
        let name = model.rsplit('/').next().unwrap_or(model);
        let is_of = |family: &str| {
            name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let known = self.efforts.iter().filter(|(family, _)| is_of(family));
        known.max_by_key(|(family, _)| family.len()).is_none_or(|(_, takes)| *takes)
    }

    /// Whether the provider refuses a top-level field.
    pub fn refuses(&self, field: &str) -> bool {
        self.refused.contains(&field)
    }
}
