//! Those who make models, at their own APIs.

use super::{
    BATCHES, CHAT, CLASSIC, COMPACT, COMPLETIONS, EMBED, FILES, FULL, HOSTED, IMAGE_EDITS, IMAGES, KeyHeader,
    NO_DEVELOPER, OPENAI_MODELS, Preset, RERANK, RESPONSES, Row, SAMPLES_TOP_K, SPEECH, STORED,
    TRANSCRIPTIONS, TRANSLATIONS, V1_COUNT, V1_EMBED, V1_MESSAGES, V1_RERANK,
};
use crate::dialect::{Dialect, Service};
use crate::embedding::{self, Fields};
use crate::provider::{Quirks, ReasoningSwitch, Replay};
use crate::rerank;

const GEMINI_CHAT: &str = "/v1beta/models/{model}:{generateContent|streamGenerateContent?alt=sse}";
const MODERATIONS: Row = Row::service(Service::Moderations, "/moderations");
const IMAGE_VARIATIONS: Row = Row::service(Service::ImageVariations, "/images/variations");

/// Has JSON mode but no schemas, a switch for thinking, and wants the reasoning of turns with tools back.
const DEEPSEEK: Quirks =
    Quirks { json_schema: false, reasoning: ReasoningSwitch::Switch, replay: Replay::Required, ..CLASSIC };
/// As DeepSeek was before V4: reasoning goes back only within a turn.
const ZAI: Quirks = Quirks { replay: Replay::SinceLastUser, ..DEEPSEEK };
/// Refuses what it does not know (422), and reports usage in streams unasked.
const MISTRAL: Quirks = Quirks {
    stream_options: false,
    names: false,
    strict_messages: true,
    reasoning: ReasoningSwitch::None,
    mistral_tools: true,
    seed: "random_seed",
    prefill: Some("prefix"),
    embeddings: Fields::MISTRAL,
    refused: &[
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "user",
        "store",
        "service_tier",
        "verbosity",
        "modalities",
        "audio",
        "web_search_options",
        "safety_identifier",
        "prompt_cache_retention",
        "prompt_cache_options",
        "moderation",
    ],
    ..CLASSIC
};
/// Reports usage in streams unasked.
const PERPLEXITY: Quirks = Quirks { stream_options: false, embeddings: Fields::PERPLEXITY, ..SAMPLES_TOP_K };
/// Wants the reasoning of turns with tools back, and calls the beginning of an answer `partial`.
const MOONSHOT: Quirks = Quirks {
    reasoning: ReasoningSwitch::Switch,
    replay: Replay::Required,
    prefill: Some("partial"),
    ..CLASSIC
};

/// Most of Grok's models think, and a few of them let themselves be told how hard; the others answer 400 to it.
/// <https://docs.x.ai/developers/model-capabilities/text/reasoning>
const XAI: Quirks = Quirks {
    efforts: &[
        ("grok-2", false),
        ("grok-3", false),
        ("grok-3-mini", true),
        ("grok-4", false),
        ("grok-4.20", false),
        ("grok-4.20-multi-agent", true),
        ("grok-code", false),
    ],
    ..NO_DEVELOPER
};

pub(super) static ROWS: &[Preset] = &[
    Preset {
        name: "openai",
        base_url: Some("https://api.openai.com/v1"),
        endpoints: &[
            CHAT,
            RESPONSES,
            Row::count_tokens(Dialect::OpenaiResponses, "/responses/input_tokens"),
            COMPLETIONS,
            EMBED,
            MODERATIONS,
            IMAGES,
            IMAGE_EDITS,
            IMAGE_VARIATIONS,
            SPEECH,
            TRANSCRIPTIONS,
            TRANSLATIONS,
            FILES,
            BATCHES,
            COMPACT,
            STORED,
        ],
        key_variable: Some("OPENAI_API_KEY"),
        quirks: OPENAI_MODELS,
        price_provider: Some("openai"),
        ..HOSTED
    },
    Preset {
        name: "anthropic",
        base_url: Some("https://api.anthropic.com"),
        endpoints: &[
            V1_MESSAGES,
            V1_COUNT,
            Row::service(Service::MessageBatches, "/v1/messages/batches"),
            Row::service(Service::AnthropicFiles, "/v1/files"),
        ],
        key_header: KeyHeader::XApiKey,
        key_variable: Some("ANTHROPIC_API_KEY"),
        quirks: FULL,
        price_provider: Some("anthropic"),
        ..HOSTED
    },
    Preset {
        name: "gemini",
        base_url: Some("https://generativelanguage.googleapis.com"),
        endpoints: &[
            Row::chat(Dialect::Gemini, GEMINI_CHAT),
            Row::count_tokens(Dialect::Gemini, "/v1beta/models/{model}:countTokens"),
            Row::embeddings(embedding::Format::GeminiBatch, "/v1beta/models/{model}:batchEmbedContents"),
            Row::embeddings(embedding::Format::Gemini, "/v1beta/models/{model}:embedContent"),
        ],
        key_header: KeyHeader::GoogApiKey,
        key_variable: Some("GEMINI_API_KEY"),
        quirks: FULL,
        price_provider: Some("google"),
        ..HOSTED
    },
    Preset {
        name: "cohere",
        base_url: Some("https://api.cohere.com"),
        endpoints: &[
            Row::chat(Dialect::Cohere, "/v2/chat"),
            Row::embeddings(embedding::Format::CohereV2, "/v2/embed"),
            Row::embeddings(embedding::Format::CohereV1, "/v1/embed"),
            Row::rerank(rerank::Format::V2, "/v2/rerank"),
            V1_RERANK,
        ],
        key_variable: Some("COHERE_API_KEY"),
        price_provider: Some("cohere"),
        ..HOSTED
    },
    Preset {
        name: "deepseek",
        base_url: Some("https://api.deepseek.com"),
        endpoints: &[
            CHAT,
            RESPONSES,
            Row::chat(Dialect::Anthropic, "/anthropic/v1/messages"),
            Row::chat(Dialect::OpenaiCompletions, "/beta/completions"),
        ],
        key_variable: Some("DEEPSEEK_API_KEY"),
        quirks: DEEPSEEK,
        price_provider: Some("deepseek"),
        ..HOSTED
    },
    Preset {
        name: "mistral",
        base_url: Some("https://api.mistral.ai/v1"),
        endpoints: &[CHAT, EMBED, MODERATIONS, TRANSCRIPTIONS, FILES],
        key_variable: Some("MISTRAL_API_KEY"),
        quirks: MISTRAL,
        price_provider: Some("mistral"),
        ..HOSTED
    },
    Preset {
        name: "xai",
        base_url: Some("https://api.x.ai/v1"),
        endpoints: &[CHAT, RESPONSES, IMAGES, IMAGE_EDITS, FILES, STORED],
        key_variable: Some("XAI_API_KEY"),
        quirks: XAI,
        price_provider: Some("x-ai"),
        ..HOSTED
    },
    Preset {
        name: "perplexity",
        base_url: Some("https://api.perplexity.ai"),
        endpoints: &[CHAT, V1_EMBED],
        key_variable: Some("PERPLEXITY_API_KEY"),
        quirks: PERPLEXITY,
        price_provider: Some("perplexity"),
        ..HOSTED
    },
    // Embeddings and rerank alone.
    Preset {
        name: "voyage",
        base_url: Some("https://api.voyageai.com/v1"),
        endpoints: &[EMBED, Row::rerank(rerank::Format::Voyage, "/rerank")],
        key_variable: Some("VOYAGE_API_KEY"),
        quirks: Quirks { embeddings: Fields::VOYAGE, ..CLASSIC },
        ..HOSTED
    },
    Preset {
        name: "jina",
        base_url: Some("https://api.jina.ai/v1"),
        endpoints: &[EMBED, RERANK],
        key_variable: Some("JINA_API_KEY"),
        quirks: Quirks { embeddings: Fields::JINA, ..CLASSIC },
        ..HOSTED
    },
    Preset {
        name: "zai",
        base_url: Some("https://api.z.ai/api/paas/v4"),
        key_variable: Some("ZAI_API_KEY"),
        quirks: ZAI,
        price_provider: Some("zai"),
        ..HOSTED
    },
    Preset {
        name: "moonshot",
        base_url: Some("https://api.moonshot.ai/v1"),
        endpoints: &[CHAT, FILES],
        key_variable: Some("MOONSHOT_API_KEY"),
        quirks: MOONSHOT,
        price_provider: Some("moonshotai"),
        ..HOSTED
    },
];
