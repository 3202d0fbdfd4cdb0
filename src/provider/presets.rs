//! The presets: one row a provider. Adding an OpenAI-compatible provider is one more row.
//!
//! Facts come from each provider's own API documentation. A row lists the Anthropic endpoint beside the OpenAI one
//! only where the provider documents it for all its users (DeepSeek, OpenRouter, Fireworks, LiteLLM). Local
//! servers have grown one too, in recent versions: `dialect: anthropic` asks for it.
//!
//! A row lists the endpoint of OpenAI's Responses where the provider documents one, local servers included (Ollama
//! since 0.13.3, vLLM since 0.10, LM Studio since 0.3.29): who has none is asked in chat completions. Some keep no
//! answers (Groq, OpenRouter, DeepSeek, Ollama) and say so themselves to who builds on one.

use super::{Quirks, ReasoningSwitch, Replay};
use crate::dialect::{Carriage, Dialect, Operation, Service};
use crate::embedding::{self, Fields};
use crate::rerank;

/// Where an upstream starts from when it names a preset.
#[derive(Debug)]
pub struct Preset {
    /// The name people write.
    pub name: &'static str,
    /// Scheme, host, port and base path; `None`: everybody has their own.
    pub base_url: Option<&'static str>,
    /// What it speaks, and at which path below the base, the preferred dialect of each operation first.
    pub endpoints: &'static [Row],
    /// The header that carries the key.
    pub key_header: KeyHeader,
    /// The environment variable that usually holds the key.
    pub key_variable: Option<&'static str>,
    /// Whether it can do without a key: then an unset variable is no mistake.
    pub key_optional: bool,
    /// Headers it wants on every request.
    pub headers: &'static [(&'static str, &'static str)],
    /// How it differs from its dialect's own maker.
    pub quirks: Quirks,
    /// The name under which `genai-prices` knows it.
    pub price_provider: Option<&'static str>,
}

/// One operation in one dialect at one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// What can be asked for there.
    pub operation: Operation,
    /// What is spoken there.
    pub dialect: Dialect,
    /// Path below the base. `{model}` stands for the percent-encoded model, and `{a|b}` for `a` in whole answers and
    /// `b` in streams.
    pub path: &'static str,
}

impl Row {
    /// Conversations.
    pub const fn chat(dialect: Dialect, path: &'static str) -> Self {
        Self { operation: Operation::Chat, dialect, path }
    }

    /// A service that is passed through.
    pub const fn service(service: Service, path: &'static str) -> Self {
        Self { operation: Operation::Forward(service), dialect: service.dialect(), path }
    }

    /// Counts of tokens.
    pub const fn count_tokens(dialect: Dialect, path: &'static str) -> Self {
        Self { operation: Operation::CountTokens, dialect, path }
    }

    /// Embeddings.
    pub const fn embeddings(format: embedding::Format, path: &'static str) -> Self {
        Self { operation: Operation::Embeddings(format), dialect: format.dialect(), path }
    }

    /// Rerank.
    pub const fn rerank(format: rerank::Format, path: &'static str) -> Self {
        Self { operation: Operation::Rerank(format), dialect: format.dialect(), path }
    }
}

/// The header that carries a provider's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHeader {
    /// `authorization: Bearer KEY`.
    Bearer,
    /// `x-api-key: KEY`.
    XApiKey,
    /// `api-key: KEY`.
    ApiKey,
    /// `x-goog-api-key: KEY`.
    GoogApiKey,
}

impl KeyHeader {
    /// Name of the header, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bearer => "authorization",
            Self::XApiKey => "x-api-key",
            Self::ApiKey => "api-key",
            Self::GoogApiKey => "x-goog-api-key",
        }
    }

    /// The whole value of the header for a key.
    pub fn value(self, key: &str) -> String {
        match self {
            Self::Bearer => format!("Bearer {key}"),
            Self::XApiKey | Self::ApiKey | Self::GoogApiKey => key.to_owned(),
        }
    }
}

/// The preset of a name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// All presets.
pub fn presets() -> &'static [Preset] {
    PRESETS
}

const CHAT: Row = Row::chat(Dialect::OpenaiChat, "/chat/completions");
const V1_CHAT: Row = Row::chat(Dialect::OpenaiChat, "/v1/chat/completions");
const GEMINI_CHAT: &str = "/v1beta/models/{model}:{generateContent|streamGenerateContent?alt=sse}";
const VERTEX_CHAT: &str = "/publishers/google/models/{model}:{generateContent|streamGenerateContent?alt=sse}";
const EMBED: Row = Row::embeddings(embedding::Format::Openai, "/embeddings");
const V1_EMBED: Row = Row::embeddings(embedding::Format::Openai, "/v1/embeddings");
const RERANK: Row = Row::rerank(rerank::Format::V1, "/rerank");
const V1_RERANK: Row = Row::rerank(rerank::Format::V1, "/v1/rerank");
const RESPONSES: Row = Row::chat(Dialect::OpenaiResponses, "/responses");
const V1_RESPONSES: Row = Row::chat(Dialect::OpenaiResponses, "/v1/responses");
const V1_MESSAGES: Row = Row::chat(Dialect::Anthropic, "/v1/messages");
const COMPLETIONS: Row = Row::chat(Dialect::OpenaiCompletions, "/completions");
const V1_COMPLETIONS: Row = Row::chat(Dialect::OpenaiCompletions, "/v1/completions");
const MODERATIONS: Row = Row::service(Service::Moderations, "/moderations");
const IMAGES: Row = Row::service(Service::ImageGenerations, "/images/generations");
const IMAGE_EDITS: Row = Row::service(Service::ImageEdits, "/images/edits");
const IMAGE_VARIATIONS: Row = Row::service(Service::ImageVariations, "/images/variations");
const SPEECH: Row = Row::service(Service::Speech, "/audio/speech");
const TRANSCRIPTIONS: Row = Row::service(Service::Transcriptions, "/audio/transcriptions");
const TRANSLATIONS: Row = Row::service(Service::Translations, "/audio/translations");
const FILES: Row = Row::service(Service::Files, "/files");
const BATCHES: Row = Row::service(Service::Batches, "/batches");
/// Answers of Responses that the provider keeps, by id.
const STORED: Row = Row::service(Service::Responses, "/responses");
/// Anthropic's own way to count, which LiteLLM and llama.cpp have too.
const V1_COUNT: Row = Row::count_tokens(Dialect::Anthropic, "/v1/messages/count_tokens");

/// Bedrock counts for the models of some makers; for others it answers 400, and the count is estimated.
const BEDROCK_COUNT: Row = Row::count_tokens(Dialect::Bedrock, "/model/{model}/count-tokens");

/// Knows everything that OpenAI's own API knows.
const FULL: Quirks = Quirks::OPENAI;
/// Reads files at any address.
const VERTEX: Quirks = Quirks { file_urls: true, bare_count: true, ..FULL };
/// Knows `max_completion_tokens`, but no `developer` role, and takes `reasoning_effort` for any model.
const NO_DEVELOPER: Quirks = Quirks { developer_role: false, reasoning: ReasoningSwitch::Effort, ..FULL };
/// The API as it was in 2024: `max_tokens`, `system`.
const CLASSIC: Quirks = Quirks::COMPATIBLE;
/// As it was in 2024, with `top_k` beside OpenAI's own sampling fields.
const SAMPLES_TOP_K: Quirks = Quirks { top_k: true, ..CLASSIC };
/// Has JSON mode but no schemas, a switch for thinking, and wants its reasoning back only within a turn.
const DEEPSEEK: Quirks = Quirks {
    json_schema: false,
    reasoning: ReasoningSwitch::Switch,
    replay: Replay::SinceLastUser,
    ..CLASSIC
};
/// Refuses what it does not know (422), and reports usage in streams unasked.
const MISTRAL: Quirks = Quirks {
    stream_options: false,
    reasoning: ReasoningSwitch::None,
    mistral_tools: true,
    prefill: Some("prefix"),
    embeddings: Fields::MISTRAL,
    refused: &[
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "seed",
        "user",
        "store",
        "service_tier",
        "verbosity",
        "modalities",
        "audio",
        "web_search_options",
    ],
    ..CLASSIC
};
/// Answers 400 to the fields that its documentation lists as not supported.
const GROQ: Quirks = Quirks { refused: &["logprobs", "logit_bias", "top_logprobs"], ..NO_DEVELOPER };
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
/// Reports usage in streams unasked.
const PERPLEXITY: Quirks = Quirks { stream_options: false, embeddings: Fields::PERPLEXITY, ..SAMPLES_TOP_K };
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
    ..FULL
};

/// What most rows share.
const HOSTED: Preset = Preset {
    name: "",
    base_url: None,
    endpoints: &[CHAT],
    key_header: KeyHeader::Bearer,
    key_variable: None,
    key_optional: false,
    headers: &[],
    quirks: CLASSIC,
    price_provider: None,
};

/// A server on this machine or in this network: no key unless one is configured.
const LOCAL: Preset = Preset { endpoints: &[V1_CHAT, V1_COMPLETIONS], key_optional: true, ..HOSTED };

static PRESETS: &[Preset] = &[
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
            STORED,
        ],
        key_variable: Some("OPENAI_API_KEY"),
        quirks: FULL,
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
    // The key is an access token of Google's, which live for an hour; `auth: gcp` has Envoy fetch them.
    Preset {
        name: "vertex",
        base_url: Some("https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}"),
        endpoints: &[
            Row::chat(Dialect::Gemini, VERTEX_CHAT),
            Row::embeddings(embedding::Format::VertexPredict, "/publishers/google/models/{model}:predict"),
            Row::count_tokens(Dialect::Gemini, "/publishers/google/models/{model}:countTokens"),
        ],
        key_variable: Some("VERTEX_ACCESS_TOKEN"),
        price_provider: Some("google"),
        quirks: VERTEX,
        ..HOSTED
    },
    // The paths are those of the surface without dates; the dated one has the deployment, or the resource, before
    // them.
    Preset {
        name: "azure",
        endpoints: &[
            CHAT,
            RESPONSES,
            COMPLETIONS,
            EMBED,
            IMAGES,
            IMAGE_EDITS,
            SPEECH,
            TRANSCRIPTIONS,
            TRANSLATIONS,
            FILES,
            BATCHES,
            STORED,
        ],
        key_header: KeyHeader::ApiKey,
        key_variable: Some("AZURE_API_KEY"),
        quirks: FULL,
        price_provider: Some("azure"),
        ..HOSTED
    },
    // `auth: aws` signs the requests; the key is a Bedrock API key. `bedrock_anthropic` is
    // Anthropic's own API there: all that Converse cannot say of Claude, and nothing of other models.
    Preset {
        name: "bedrock",
        base_url: Some("https://bedrock-runtime.{region}.amazonaws.com"),
        endpoints: &[
            Row::chat(Dialect::Bedrock, "/model/{model}/{converse|converse-stream}"),
            BEDROCK_COUNT,
            Row::embeddings(embedding::Format::Bedrock, "/model/{model}/invoke"),
            Row::rerank(rerank::Format::Bedrock, "/model/{model}/invoke"),
        ],
        key_variable: Some("AWS_BEARER_TOKEN_BEDROCK"),
        quirks: FULL,
        price_provider: Some("aws"),
        ..HOSTED
    },
    Preset {
        name: "bedrock_anthropic",
        base_url: Some("https://bedrock-runtime.{region}.amazonaws.com"),
        endpoints: &[
            Row::chat(Dialect::Anthropic, "/model/{model}/{invoke|invoke-with-response-stream}"),
            BEDROCK_COUNT,
        ],
        key_variable: Some("AWS_BEARER_TOKEN_BEDROCK"),
        quirks: Quirks { carriage: Carriage::BedrockInvoke, ..FULL },
        price_provider: Some("aws"),
        ..HOSTED
    },
    // The key is an access token of Google's, which live for an hour.
    Preset {
        name: "vertex_anthropic",
        base_url: Some("https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}"),
        endpoints: &[Row::chat(
            Dialect::Anthropic,
            "/publishers/anthropic/models/{model}:{rawPredict|streamRawPredict}",
        )],
        key_variable: Some("VERTEX_ACCESS_TOKEN"),
        quirks: Quirks { carriage: Carriage::VertexPredict, ..FULL },
        price_provider: Some("google"),
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
        name: "groq",
        base_url: Some("https://api.groq.com/openai/v1"),
        endpoints: &[CHAT, RESPONSES, SPEECH, TRANSCRIPTIONS, TRANSLATIONS, FILES, BATCHES],
        key_variable: Some("GROQ_API_KEY"),
        quirks: GROQ,
        price_provider: Some("groq"),
        ..HOSTED
    },
    Preset {
        name: "xai",
        base_url: Some("https://api.x.ai/v1"),
        endpoints: &[CHAT, RESPONSES, IMAGES, IMAGE_EDITS, FILES, STORED],
        key_variable: Some("XAI_API_KEY"),
        quirks: NO_DEVELOPER,
        price_provider: Some("x-ai"),
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
        name: "perplexity",
        base_url: Some("https://api.perplexity.ai"),
        endpoints: &[CHAT, V1_EMBED],
        key_variable: Some("PERPLEXITY_API_KEY"),
        quirks: PERPLEXITY,
        price_provider: Some("perplexity"),
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
    // The key is a Copilot token (they live for about half an hour), not a GitHub one. The two headers are what its
    // endpoint tells editors from strangers by.
    Preset {
        name: "github_copilot",
        base_url: Some("https://api.githubcopilot.com"),
        key_variable: Some("GITHUB_COPILOT_TOKEN"),
        headers: &[("copilot-integration-id", "vscode-chat"), ("editor-version", "vscode/1.99.0")],
        price_provider: Some("github-copilot"),
        ..HOSTED
    },
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
    Preset { name: "openai_compatible", endpoints: &[CHAT, EMBED], key_optional: true, ..HOSTED },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_row_says_what_it_speaks() {
        for (index, row) in PRESETS.iter().enumerate() {
            assert!(!row.name.is_empty());
            assert!(!row.endpoints.is_empty(), "{}", row.name);
            assert!(row.endpoints.iter().all(|row| row.path.starts_with('/')), "{}", row.name);
            assert!(PRESETS.iter().skip(index + 1).all(|other| other.name != row.name), "{}", row.name);
            assert!(row.headers.iter().all(|(name, _)| *name == name.to_lowercase()), "{}", row.name);
            // Without a key of its own, a hosted provider could never be asked.
            assert!(row.key_optional || row.key_variable.is_some(), "{}", row.name);
        }
    }

    #[test]
    fn keys_travel_as_each_provider_wants_them() {
        assert_eq!(KeyHeader::Bearer.value("k"), "Bearer k");
        assert_eq!(preset("anthropic").unwrap().key_header.name(), "x-api-key");
        assert_eq!(preset("azure").unwrap().key_header.name(), "api-key");
        assert!(preset("nobody").is_none());
    }
}
