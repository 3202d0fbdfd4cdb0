//! Servers of one's own, and proxies.

use super::{
    CHAT, EMBED, FULL, HOSTED, NO_DEVELOPER, Preset, Row, SAMPLES_TOP_K, V1_COUNT, V1_EMBED, V1_MESSAGES,
    V1_RERANK,
};
use crate::dialect::{Dialect, Service};
use crate::embedding::{self, Fields};
use crate::provider::{Quirks, ReasoningSwitch, Replay};
use crate::rerank;

const V1_CHAT: Row = Row::chat(Dialect::OpenaiChat, "/v1/chat/completions");
const V1_RESPONSES: Row = Row::chat(Dialect::OpenaiResponses, "/v1/responses");
const V1_COMPLETIONS: Row = Row::chat(Dialect::OpenaiCompletions, "/v1/completions");

/// Follows OpenAI closely, with its own samplers; the role of instructions is the chat template's business.
const VLLM: Quirks = Quirks { top_k: true, ..NO_DEVELOPER };
/// Translates by itself, Anthropic's fields included.
const LITELLM: Quirks = Quirks {
    cache_control: true,
    top_k: true,
    reasoning: ReasoningSwitch::Thinking,
    replay: Replay::Blocks,
    short_ids: false,
    embeddings: Fields::ROUTER,
    // Whether a search is answered is up to the model behind it.
    web_search: false,
    ..FULL
};

/// A server on this machine or in this network: no key unless one is configured.
const LOCAL: Preset = Preset { endpoints: &[V1_CHAT, V1_COMPLETIONS], key_optional: true, ..HOSTED };

pub(super) static ROWS: &[Preset] = &[
    // Its own dialect first: it can say whether to think, `top_k` and the thoughts of earlier turns, which its OpenAI
    // endpoint cannot. Clients that speak OpenAI still get that one, untranslated.
    Preset {
        name: "ollama",
        base_url: Some("http://localhost:11434"),
        endpoints: &[
            Row::chat(Dialect::Ollama, "/api/chat"),
            Row::chat(Dialect::OllamaGenerate, "/api/generate"),
            V1_CHAT,
            V1_RESPONSES,
            V1_COMPLETIONS,
            Row::embeddings(embedding::Format::Ollama, "/api/embed"),
            Row::embeddings(embedding::Format::OllamaPrompt, "/api/embeddings"),
            V1_EMBED,
        ],
        ..LOCAL
    },
    Preset {
        name: "llamacpp",
        base_url: Some("http://localhost:8080"),
        endpoints: &[V1_CHAT, V1_COMPLETIONS, V1_COUNT, V1_EMBED, V1_RERANK],
        quirks: SAMPLES_TOP_K,
        ..LOCAL
    },
    Preset {
        name: "vllm",
        base_url: Some("http://localhost:8000"),
        endpoints: &[
            V1_CHAT,
            V1_RESPONSES,
            V1_COMPLETIONS,
            Row::count_tokens(Dialect::OpenaiChat, "/tokenize"),
            V1_EMBED,
            V1_RERANK,
            Row::service(Service::Transcriptions, "/v1/audio/transcriptions"),
            Row::service(Service::Translations, "/v1/audio/translations"),
            Row::service(Service::Responses, "/v1/responses"),
        ],
        quirks: VLLM,
        ..LOCAL
    },
    Preset {
        name: "sglang",
        base_url: Some("http://localhost:30000"),
        endpoints: &[V1_CHAT, V1_COMPLETIONS, V1_EMBED],
        quirks: SAMPLES_TOP_K,
        ..LOCAL
    },
    Preset {
        name: "lmstudio",
        base_url: Some("http://localhost:1234"),
        endpoints: &[V1_CHAT, V1_RESPONSES, V1_COMPLETIONS, V1_EMBED],
        quirks: SAMPLES_TOP_K,
        ..LOCAL
    },
    Preset {
        name: "litellm",
        base_url: Some("http://localhost:4000"),
        endpoints: &[
            V1_CHAT,
            V1_RESPONSES,
            V1_MESSAGES,
            V1_COMPLETIONS,
            Row::service(Service::Moderations, "/v1/moderations"),
            Row::service(Service::ImageGenerations, "/v1/images/generations"),
            Row::service(Service::ImageEdits, "/v1/images/edits"),
            Row::service(Service::ImageVariations, "/v1/images/variations"),
            Row::service(Service::Speech, "/v1/audio/speech"),
            Row::service(Service::Transcriptions, "/v1/audio/transcriptions"),
            Row::service(Service::Files, "/v1/files"),
            Row::service(Service::Batches, "/v1/batches"),
            Row::service(Service::ResponsesCompact, "/v1/responses/compact"),
            Row::service(Service::Responses, "/v1/responses"),
            V1_COUNT,
            V1_EMBED,
            V1_RERANK,
            Row::rerank(rerank::Format::V2, "/v2/rerank"),
        ],
        key_variable: Some("LITELLM_API_KEY"),
        quirks: LITELLM,
        ..LOCAL
    },
    Preset { name: "openai_compatible", endpoints: &[CHAT, EMBED], key_optional: true, ..HOSTED },
];
