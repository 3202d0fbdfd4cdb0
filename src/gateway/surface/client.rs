//! What a client speaks, also where its request is none that the gateway knows.

use super::{Surface, gemini, is_bedrock};
use crate::dialect::Dialect;
use crate::gateway::headers::Headers;

/// Paths of Ollama's that are known whatever the method, and those of its clients that have no place in a gateway.
const OLLAMA_PATHS: &[&str] = &[
    "/api/chat",
    "/api/generate",
    "/api/tags",
    "/api/show",
    "/api/ps",
    "/api/pull",
    "/api/push",
    "/api/create",
    "/api/copy",
    "/api/delete",
    "/api/embed",
    "/api/embeddings",
];

/// Whether the client is Cohere's own: its list of models lies at a path that others have too.
fn is_cohere_client(headers: &Headers) -> bool {
    headers.get("user-agent").is_some_and(|agent| agent.starts_with("cohere/"))
        || headers.get("x-fern-sdk-name").is_some_and(|name| name == "cohere")
        || headers.get("x-client-name").is_some()
}

/// What the client speaks: what the path says, whatever the method, else what its headers say.
pub(in crate::gateway) fn client_dialect(surface: &Surface, path: &str, headers: &Headers) -> Dialect {
    match surface {
        Surface::Ask(call) => call.envelope(),
        Surface::Forward(forward) => forward.service.dialect(),
        Surface::PublisherModels => Dialect::Gemini,
        Surface::OllamaVersion | Surface::OllamaRunning | Surface::Alive => Dialect::Ollama,
        _ if OLLAMA_PATHS.iter().any(|known| path.ends_with(known)) => Dialect::Ollama,
        _ if is_bedrock(path) => Dialect::Bedrock,
        _ if path.ends_with("/v2/chat") || is_cohere_client(headers) => Dialect::Cohere,
        _ if path.ends_with("/messages") || headers.get("anthropic-version").is_some() => Dialect::Anthropic,
        _ if gemini::is_own(path)
            || headers.get("x-goog-api-key").is_some()
            || headers.get("x-goog-api-client").is_some() =>
        {
            Dialect::Gemini
        }
        _ => Dialect::OpenaiChat,
    }
}
