//! LiteLLM's provider names, and the providers that the imported deployments need.

use crate::config::schema::{Ordered, Provider};
use crate::provider::preset;

/// How one of LiteLLM's providers is called here.
pub(super) struct Known {
    /// The prefix of its models.
    pub(super) prefix: &'static str,
    /// The preset here.
    pub(super) preset: &'static str,
    /// The variable from which LiteLLM takes the key when a deployment names none, where the preset's differs.
    pub(super) key_variable: Option<&'static str>,
    /// The variable from which LiteLLM takes the base URL.
    pub(super) base_variable: Option<&'static str>,
}

const fn known(prefix: &'static str, preset: &'static str) -> Known {
    Known { prefix, preset, key_variable: None, base_variable: None }
}

static KNOWN: [Known; 42] = [
    Known { base_variable: Some("OPENAI_BASE_URL"), ..known("openai", "openai") },
    Known { base_variable: Some("ANTHROPIC_API_BASE"), ..known("anthropic", "anthropic") },
    Known { base_variable: Some("AZURE_API_BASE"), ..known("azure", "azure") },
    Known { base_variable: Some("GEMINI_API_BASE"), ..known("gemini", "gemini") },
    known("vertex_ai", "vertex"),
    known("bedrock", "bedrock"),
    known("bedrock_converse", "bedrock"),
    known("cohere", "cohere"),
    known("cohere_chat", "cohere"),
    known("deepseek", "deepseek"),
    known("mistral", "mistral"),
    known("groq", "groq"),
    known("xai", "xai"),
    known("openrouter", "openrouter"),
    Known { key_variable: Some("TOGETHERAI_API_KEY"), ..known("together_ai", "together") },
    Known { key_variable: Some("FIREWORKS_AI_API_KEY"), ..known("fireworks_ai", "fireworks") },
    Known { key_variable: Some("PERPLEXITYAI_API_KEY"), ..known("perplexity", "perplexity") },
    known("cerebras", "cerebras"),
    Known { key_variable: Some("HUGGINGFACE_API_KEY"), ..known("huggingface", "huggingface") },
    Known { key_variable: Some("NVIDIA_NIM_API_KEY"), ..known("nvidia_nim", "nvidia") },
    known("sambanova", "sambanova"),
    known("deepinfra", "deepinfra"),
    known("hyperbolic", "hyperbolic"),
    known("nebius", "nebius"),
    known("novita", "novita"),
    known("moonshot", "moonshot"),
    known("zai", "zai"),
    known("voyage", "voyage"),
    Known { key_variable: Some("JINA_AI_API_KEY"), ..known("jina_ai", "jina") },
    known("github_copilot", "github_copilot"),
    Known { base_variable: Some("OLLAMA_API_BASE"), ..known("ollama", "ollama") },
    Known { base_variable: Some("OLLAMA_API_BASE"), ..known("ollama_chat", "ollama") },
    Known { base_variable: Some("HOSTED_VLLM_API_BASE"), ..known("hosted_vllm", "vllm") },
    Known { base_variable: Some("HOSTED_VLLM_API_BASE"), ..known("vllm", "vllm") },
    Known { base_variable: Some("LM_STUDIO_API_BASE"), ..known("lm_studio", "lmstudio") },
    Known { base_variable: Some("LITELLM_PROXY_API_BASE"), ..known("litellm_proxy", "litellm") },
    known("llamafile", "llamacpp"),
    known("openai_like", "openai_compatible"),
    known("custom_openai", "openai_compatible"),
    known("llamacpp", "llamacpp"),
    known("sglang", "sglang"),
    known("llama_cpp", "llamacpp"),
];

/// The provider behind a prefix of LiteLLM's.
pub(super) fn by_prefix(prefix: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.prefix == prefix)
}

/// The provider that LiteLLM guesses from a bare model name.
pub(super) fn by_model(model: &str) -> Option<&'static Known> {
    const OPENAI: [&str; 13] = [
        "gpt-",
        "o1",
        "o3",
        "o4",
        "chatgpt-",
        "ft:",
        "text-embedding-",
        "whisper-",
        "tts-",
        "dall-e-",
        "omni-moderation-",
        "davinci-",
        "babbage-",
    ];
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| model.starts_with(prefix));
    if starts(&OPENAI) {
        by_prefix("openai")
    } else if starts(&["claude-"]) {
        by_prefix("anthropic")
    } else if starts(&["command-", "embed-", "rerank-"]) {
        by_prefix("cohere")
    } else if starts(&["gemini-"]) {
        by_prefix("vertex_ai")
    } else {
        None
    }
}

/// The providers found so far.
#[derive(Default)]
pub(super) struct Providers {
    found: Ordered<Provider>,
    /// Preset, literal key, and the variable in its place. Never printed.
    literals: Vec<(String, String, String)>,
}

impl Providers {
    /// The name of a provider with just these settings on top of a preset, and that may be had; a new one when there is
    /// none yet.
    pub(super) fn name(
        &mut self,
        preset: &str,
        mut settings: Provider,
        may_have: impl Fn(&str) -> bool,
    ) -> String {
        settings.preset = Some(preset.to_owned());
        let is_it = |(name, known): &(&str, &Provider)| **known == settings && may_have(name);
        if let Some((name, _)) = self.found.iter().find(is_it) {
            return name.to_owned();
        }
        let name = numbered(preset, |name| self.found.get(name).is_none());
        self.found.push(name.clone(), settings);
        name
    }

    /// The names of those with a preset.
    pub(super) fn with_preset(&self, preset: &str) -> Vec<String> {
        let found = self.found.iter().filter(|(_, known)| known.preset.as_deref() == Some(preset));
        found.map(|(name, _)| name.to_owned()).collect()
    }

    /// A variable name for a literal key: the same for the same key, and not in use for another one.
    pub(super) fn variable_for(&mut self, preset_name: &str, key: &str) -> String {
        if let Some((_, _, variable)) =
            self.literals.iter().find(|(known_preset, known, _)| known_preset == preset_name && known == key)
        {
            return variable.clone();
        }
        let usual = preset(preset_name)
            .and_then(|preset| preset.key_variable)
            .map_or_else(|| format!("{}_API_KEY", preset_name.to_uppercase()), ToOwned::to_owned);
        let is_used = |name: &str| {
            self.found.iter().any(|(_, known)| {
                let usual = known.preset.as_deref().and_then(preset).and_then(|preset| preset.key_variable);
                known.api_key_env.as_deref().or(usual) == Some(name)
            })
        };
        let is_given = |name: &str| self.literals.iter().any(|(_, _, known)| known == name);
        let variable = numbered(&usual, |name| !is_used(name) && !is_given(name));
        self.literals.push((preset_name.to_owned(), key.to_owned(), variable.clone()));
        variable
    }

    /// All of them. One that is a preset without changes, under the preset's name, need not be written.
    pub(super) fn finish(self) -> Ordered<Provider> {
        Ordered(
            self.found
                .0
                .into_iter()
                .map(|(name, mut settings)| {
                    if settings.preset.as_deref() == Some(&name) {
                        settings.preset = None;
                    }
                    (name, settings)
                })
                .collect(),
        )
    }
}

/// The first of `NAME`, `NAME_2`, `NAME_3` … that is free.
fn numbered(name: &str, is_free: impl Fn(&str) -> bool) -> String {
    let mut numbered = name.to_owned();
    let mut number = 1_u32;
    while !is_free(&numbered) {
        number += 1;
        numbered = format!("{name}_{number}");
    }
    numbered
}
