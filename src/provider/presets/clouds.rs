//! The clouds, and what has its own rules for keys.

use super::{
    BATCHES, CHAT, COMPACT, COMPLETIONS, EMBED, FILES, FULL, HOSTED, IMAGE_EDITS, IMAGES, KeyHeader,
    OPENAI_MODELS, Preset, RESPONSES, Row, SPEECH, STORED, TRANSCRIPTIONS, TRANSLATIONS,
};
use crate::dialect::{Carriage, Dialect};
use crate::embedding;
use crate::provider::Quirks;
use crate::rerank;

const VERTEX_CHAT: &str = "/publishers/google/models/{model}:{generateContent|streamGenerateContent?alt=sse}";
/// Bedrock counts for the models of some makers; for others it answers 400, and the count is estimated.
const BEDROCK_COUNT: Row = Row::count_tokens(Dialect::Bedrock, "/model/{model}/count-tokens");

/// Reads files at any address.
const VERTEX: Quirks = Quirks { file_urls: true, bare_count: true, ..FULL };

pub(super) static ROWS: &[Preset] = &[
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
            COMPACT,
            STORED,
        ],
        key_header: KeyHeader::ApiKey,
        key_variable: Some("AZURE_API_KEY"),
        quirks: OPENAI_MODELS,
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
        quirks: Quirks { carriage: Carriage::BedrockInvoke, web_search: false, ..FULL },
        price_provider: Some("aws"),
        ..HOSTED
    },
    // The key is an access token of Google's, which live for an hour; `auth: gcp` has Envoy fetch them.
    Preset {
        name: "vertex",
        base_url: Some("https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}"),
        endpoints: &[
            Row::chat(Dialect::Gemini, VERTEX_CHAT),
            Row::embeddings(embedding::Format::VertexPredict, "/publishers/google/models/{model}:predict"),
            Row::embeddings(embedding::Format::VertexEmbed, "/publishers/google/models/{model}:embedContent"),
            Row::count_tokens(Dialect::Gemini, "/publishers/google/models/{model}:countTokens"),
        ],
        key_variable: Some("VERTEX_ACCESS_TOKEN"),
        price_provider: Some("google"),
        quirks: VERTEX,
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
    // The key is a Copilot token (they live for about half an hour), not a GitHub one. Its endpoint
    // tells editors from strangers by the first two headers, and refuses pictures without the third.
    Preset {
        name: "github_copilot",
        base_url: Some("https://api.githubcopilot.com"),
        key_variable: Some("GITHUB_COPILOT_TOKEN"),
        headers: &[
            ("copilot-integration-id", "vscode-chat"),
            ("editor-version", "vscode/1.99.0"),
            ("copilot-vision-request", "true"),
        ],
        price_provider: Some("github-copilot"),
        ..HOSTED
    },
];
