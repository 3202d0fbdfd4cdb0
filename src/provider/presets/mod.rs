//! The presets: one row a provider. Adding an OpenAI-compatible provider is one more row.
//!
//! Facts come from each provider's own API documentation. A row lists the Anthropic endpoint beside the OpenAI one
//! only where the provider documents it for all its users (DeepSeek, OpenRouter, Fireworks, LiteLLM). Local
//! servers have grown one too, in recent versions: `dialect: anthropic` asks for it.
//!
//! A row lists the endpoint of OpenAI's Responses where the provider documents one, local servers included (Ollama
//! since 0.13.3, vLLM since 0.10, LM Studio since 0.3.29): who has none is asked in chat completions. Some keep no
//! answers (Groq, OpenRouter, DeepSeek, Ollama) and say so themselves to who builds on one.

mod clouds;
mod hosts;
mod local;
mod makers;

use super::{Quirks, ReasoningSwitch};
use crate::dialect::{Dialect, Operation, Service};
use crate::embedding;
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
    presets().find(|preset| preset.name == name)
}

/// All presets.
pub fn presets() -> impl Iterator<Item = &'static Preset> {
    [makers::ROWS, clouds::ROWS, hosts::ROWS, local::ROWS].into_iter().flatten()
}

const CHAT: Row = Row::chat(Dialect::OpenaiChat, "/chat/completions");
const EMBED: Row = Row::embeddings(embedding::Format::Openai, "/embeddings");
const V1_EMBED: Row = Row::embeddings(embedding::Format::Openai, "/v1/embeddings");
const RERANK: Row = Row::rerank(rerank::Format::V1, "/rerank");
const V1_RERANK: Row = Row::rerank(rerank::Format::V1, "/v1/rerank");
const RESPONSES: Row = Row::chat(Dialect::OpenaiResponses, "/responses");
const V1_MESSAGES: Row = Row::chat(Dialect::Anthropic, "/v1/messages");
const COMPLETIONS: Row = Row::chat(Dialect::OpenaiCompletions, "/completions");
const IMAGES: Row = Row::service(Service::ImageGenerations, "/images/generations");
const IMAGE_EDITS: Row = Row::service(Service::ImageEdits, "/images/edits");
const SPEECH: Row = Row::service(Service::Speech, "/audio/speech");
const TRANSCRIPTIONS: Row = Row::service(Service::Transcriptions, "/audio/transcriptions");
const TRANSLATIONS: Row = Row::service(Service::Translations, "/audio/translations");
const FILES: Row = Row::service(Service::Files, "/files");
const BATCHES: Row = Row::service(Service::Batches, "/batches");
const COMPACT: Row = Row::service(Service::ResponsesCompact, "/responses/compact");
/// Answers of Responses that the provider keeps, by id.
const STORED: Row = Row::service(Service::Responses, "/responses");
/// Anthropic's own way to count, which LiteLLM and llama.cpp have too.
const V1_COUNT: Row = Row::count_tokens(Dialect::Anthropic, "/v1/messages/count_tokens");

/// Knows everything that OpenAI's own API knows.
const FULL: Quirks = Quirks::OPENAI;
/// OpenAI's models, where `/completions` refuses those that talk and `/chat/completions` those that complete.
const OPENAI_MODELS: Quirks = Quirks {
    embeddings: embedding::Fields::MAKER,
    text_models: &["gpt-3.5-turbo-instruct", "gpt-35-turbo-instruct", "davinci-002", "babbage-002"],
    ..FULL
};
/// Knows `max_completion_tokens`, but no `developer` role, and takes `reasoning_effort` for any model.
const NO_DEVELOPER: Quirks =
    Quirks { developer_role: false, reasoning: ReasoningSwitch::Effort, web_search: false, ..FULL };
/// The API as it was in 2024: `max_tokens`, `system`.
const CLASSIC: Quirks = Quirks::COMPATIBLE;
/// As it was in 2024, with `top_k` beside OpenAI's own sampling fields.
const SAMPLES_TOP_K: Quirks = Quirks { top_k: true, ..CLASSIC };

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_row_says_what_it_speaks() {
        for (index, row) in presets().enumerate() {
            assert!(!row.name.is_empty());
            assert!(!row.endpoints.is_empty(), "{}", row.name);
            assert!(row.endpoints.iter().all(|row| row.path.starts_with('/')), "{}", row.name);
            assert!(presets().skip(index + 1).all(|other| other.name != row.name), "{}", row.name);
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
