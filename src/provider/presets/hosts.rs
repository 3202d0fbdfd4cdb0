//! Those who host other makers' models behind OpenAI's dialect.

use super::{
    BATCHES, CHAT, COMPLETIONS, EMBED, FILES, HOSTED, IMAGES, NO_DEVELOPER, Preset, RERANK, RESPONSES, Row,
    SAMPLES_TOP_K, SPEECH, TRANSCRIPTIONS, TRANSLATIONS,
};
use crate::dialect::Dialect;
use crate::embedding::Fields;
use crate::provider::{Quirks, ReasoningSwitch, Replay};

/// Answers 400 to what its documentation lists as not supported.
const GROQ: Quirks = Quirks {
    names: false,
    choices: false,
    refused: &["logprobs", "logit_bias", "top_logprobs"],
    ..NO_DEVELOPER
};
/// The same, with other fields.
const CEREBRAS: Quirks =
    Quirks { refused: &["frequency_penalty", "logit_bias", "presence_penalty"], ..NO_DEVELOPER };
/// Routes to everybody, in a common form of its own for reasoning; passes `cache_control` on.
const OPENROUTER: Quirks = Quirks {
    cache_control: true,
    reasoning: ReasoningSwitch::Object,
    replay: Replay::Reasoning,
    embeddings: Fields::ROUTER,
    ..SAMPLES_TOP_K
};

pub(super) static ROWS: &[Preset] = &[
    Preset {
        name: "groq",
        base_url: Some("https://api.groq.com/openai/v1"),
        endpoints: &[CHAT, RESPONSES, SPEECH, TRANSCRIPTIONS, TRANSLATIONS, FILES, BATCHES],
        key_variable: Some("GROQ_API_KEY"),
        quirks: GROQ,
        price_provider: Some("groq"),
        ..HOSTED
    },
    Preset {
        name: "cerebras",
        base_url: Some("https://api.cerebras.ai/v1"),
        endpoints: &[CHAT, COMPLETIONS],
        key_variable: Some("CEREBRAS_API_KEY"),
        quirks: CEREBRAS,
        price_provider: Some("cerebras"),
        ..HOSTED
    },
    Preset {
        name: "openrouter",
        base_url: Some("https://openrouter.ai/api/v1"),
        endpoints: &[CHAT, RESPONSES, Row::chat(Dialect::Anthropic, "/messages"), COMPLETIONS, EMBED],
        key_variable: Some("OPENROUTER_API_KEY"),
        quirks: OPENROUTER,
        price_provider: Some("openrouter"),
        ..HOSTED
    },
    Preset {
        name: "together",
        base_url: Some("https://api.together.xyz/v1"),
        endpoints: &[
            CHAT,
            COMPLETIONS,
            EMBED,
            RERANK,
            IMAGES,
            SPEECH,
            TRANSCRIPTIONS,
            TRANSLATIONS,
            FILES,
            BATCHES,
        ],
        key_variable: Some("TOGETHER_API_KEY"),
        quirks: SAMPLES_TOP_K,
        price_provider: Some("together"),
        ..HOSTED
    },
    Preset {
        name: "fireworks",
        base_url: Some("https://api.fireworks.ai/inference/v1"),
        endpoints: &[CHAT, RESPONSES, Row::chat(Dialect::Anthropic, "/messages"), COMPLETIONS, EMBED],
        key_variable: Some("FIREWORKS_API_KEY"),
        quirks: SAMPLES_TOP_K,
        price_provider: Some("fireworks"),
        ..HOSTED
    },
    Preset {
        name: "huggingface",
        base_url: Some("https://router.huggingface.co/v1"),
        endpoints: &[CHAT, RESPONSES],
        key_variable: Some("HF_TOKEN"),
        ..HOSTED
    },
    Preset {
        name: "nvidia",
        base_url: Some("https://integrate.api.nvidia.com/v1"),
        endpoints: &[CHAT, EMBED],
        key_variable: Some("NVIDIA_API_KEY"),
        ..HOSTED
    },
    Preset {
        name: "sambanova",
        base_url: Some("https://api.sambanova.ai/v1"),
        endpoints: &[CHAT, EMBED],
        key_variable: Some("SAMBANOVA_API_KEY"),
        quirks: SAMPLES_TOP_K,
        ..HOSTED
    },
    Preset {
        name: "deepinfra",
        base_url: Some("https://api.deepinfra.com/v1/openai"),
        endpoints: &[CHAT, COMPLETIONS, EMBED],
        key_variable: Some("DEEPINFRA_API_KEY"),
        quirks: SAMPLES_TOP_K,
        ..HOSTED
    },
    Preset {
        name: "hyperbolic",
        base_url: Some("https://api.hyperbolic.xyz/v1"),
        endpoints: &[CHAT, COMPLETIONS],
        key_variable: Some("HYPERBOLIC_API_KEY"),
        quirks: SAMPLES_TOP_K,
        ..HOSTED
    },
    Preset {
        name: "nebius",
        base_url: Some("https://api.tokenfactory.nebius.com/v1"),
        endpoints: &[CHAT, COMPLETIONS, EMBED],
        key_variable: Some("NEBIUS_API_KEY"),
        quirks: SAMPLES_TOP_K,
        ..HOSTED
    },
    Preset {
        name: "novita",
        base_url: Some("https://api.novita.ai/openai/v1"),
        endpoints: &[CHAT, COMPLETIONS, EMBED],
        key_variable: Some("NOVITA_API_KEY"),
        quirks: SAMPLES_TOP_K,
        price_provider: Some("novita"),
        ..HOSTED
    },
];
