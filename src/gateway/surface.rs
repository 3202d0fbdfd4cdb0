//! Which of the gateway's endpoints a request is for.

mod azure;
mod client;
mod clouds;
mod embedding;
pub(crate) mod gemini;

pub(super) use client::client_dialect;
pub(super) use clouds::invoked;

use crate::dialect::{Call, Dialect, Forward, Found, Operation};
use std::borrow::Cow;

/// An endpoint of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Surface {
    /// Something for a model, in the dialect that belongs to the path.
    Ask(Call),
    /// Something of a service that is passed through.
    Forward(Forward),
    /// The list of models.
    Models,
    /// The same, as Vertex AI lists what a publisher has.
    PublisherModels,
    /// One model.
    Model(String),
    /// What is left of budgets and limits.
    Budget,
    /// The version of Ollama's API.
    OllamaVersion,
    /// Ollama's list of loaded models.
    OllamaRunning,
    /// The question of Ollama's clients whether anybody is there.
    Alive,
    /// The state of the gateway and its providers.
    Health(Health),
    /// A known path with another method; what is allowed there.
    WrongMethod(&'static str),
    /// Nothing lives here.
    Unknown,
}

/// The three health endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Everything known, as JSON.
    Full,
    /// The process answers.
    Live,
    /// Requests can be served.
    Ready,
}

impl Surface {
    /// The surface for a client that speaks Anthropic, where makers share a path.
    pub fn of_anthropic(self) -> Self {
        match self {
            Self::Forward(forward) => Self::Forward(forward.of_anthropic()),
            other => other,
        }
    }
}

/// Finds the surface of a request. `path` may carry a query; `prefix` is the configured path prefix without a
/// trailing slash, and every path is known with and without `/v1`.
pub fn find(method: &str, path: &str, prefix: &str) -> Surface {
    let target = path;
    let path = path.split('?').next().unwrap_or(path);
    let Some(path) = path.strip_prefix(prefix) else { return Surface::Unknown };
    if let Some(health) = health(path) {
        return on("GET, HEAD", method, Surface::Health(health));
    }
    if let Some(surface) = gemini::find(method, path, target) {
        return surface;
    }
    let (path, deployment) = azure::open(path);
    let path = match path.strip_prefix("/v1") {
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    };
    let path = path.strip_suffix('/').unwrap_or(path);
    if let Some(call) = call(path) {
        let model = deployment.or(call.model);
        return on("POST", method, Surface::Ask(Call { model, ..call }));
    }
    match Forward::find(method, path) {
        Some(Found::Forward(forward)) => return Surface::Forward(Forward { model: deployment, ..forward }),
        Some(Found::WrongMethod(allowed)) => return Surface::WrongMethod(allowed),
        None => {}
    }
    match path {
        "/models" | "/api/tags" => on("GET, HEAD", method, Surface::Models),
        "/budget" => on("GET, HEAD", method, Surface::Budget),
        "/api/version" => on("GET, HEAD", method, Surface::OllamaVersion),
        "/api/ps" => on("GET, HEAD", method, Surface::OllamaRunning),
        "" if method == "HEAD" => Surface::Alive,
        other => match other.strip_prefix("/models/") {
            Some(id) if !id.is_empty() => on("GET, HEAD", method, Surface::Model(decoded(id))),
            _ => Surface::Unknown,
        },
    }
}

/// What is asked for at a path without prefix and version.
fn call(path: &str) -> Option<Call> {
    Some(match path {
        "/chat/completions" => Call::chat(Dialect::OpenaiChat),
        "/completions" => Call::chat(Dialect::OpenaiCompletions),
        "/messages" => Call::chat(Dialect::Anthropic),
        "/responses" => Call::chat(Dialect::OpenaiResponses),
        "/responses/input_tokens" => Call::count_tokens(Dialect::OpenaiResponses),
        "/v2/chat" => Call::chat(Dialect::Cohere),
        "/messages/count_tokens" => Call::count_tokens(Dialect::Anthropic),
        "/api/chat" => Call::chat(Dialect::Ollama),
        "/api/generate" => Call::chat(Dialect::OllamaGenerate),
        "/api/show" => Call { operation: Operation::ShowModel, ..Call::chat(Dialect::Ollama) },
        _ => return clouds::call(path).or_else(|| embedding::call(path)),
    })
}

/// Whether a path begins as only Bedrock's do, or as those do behind a prefix.
pub fn is_bedrock(path: &str) -> bool {
    path.contains("/model/")
}

/// A value of the query of a path, decoded.
pub fn query_value(path: &str, name: &str) -> Option<String> {
    let (_, query) = path.split_once('?')?;
    let pair = query.split('&').filter_map(|pair| pair.split_once('='));
    pair.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).next()
}

/// The names of the query of a path.
pub fn query_names(path: &str) -> impl Iterator<Item = &str> {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty())
}

/// The query of a path, with its question mark, without what is the gateway's own: the client's key, the choice of
/// a provider, and the version of Azure's API, which each provider has its own of. Empty when nothing is left.
pub fn foreign_query(path: &str) -> String {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let is_own = |pair: &&str| matches!(pair.split('=').next(), Some("key" | "provider" | "api-version"));
    let pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !is_own(pair)).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn health(path: &str) -> Option<Health> {
    match path.strip_suffix('/').unwrap_or(path) {
        "/health" => Some(Health::Full),
        // The longer names are those of LiteLLM's proxy.
        "/health/live" | "/health/liveness" | "/health/liveliness" => Some(Health::Live),
        "/health/ready" | "/health/readiness" => Some(Health::Ready),
        _ => None,
    }
}

fn on(allowed: &'static str, method: &str, surface: Surface) -> Surface {
    if allowed.split(", ").any(|m| m == method) { surface } else { Surface::WrongMethod(allowed) }
}

/// Clients percent-encode the slashes of model names.
fn decoded(id: &str) -> String {
    percent_encoding::percent_decode_str(id).decode_utf8().map_or_else(|_| id.to_owned(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_and_without_version_and_prefix() {
        for (path, prefix) in [
            ("/v1/chat/completions", ""),
            ("/chat/completions", ""),
            ("/llm/v1/chat/completions?beta=true", "/llm"),
            ("/llm/chat/completions/", "/llm"),
        ] {
            assert_eq!(find("POST", path, prefix), Surface::Ask(Call::chat(Dialect::OpenaiChat)), "{path}");
        }
        assert_eq!(find("POST", "/v1/messages?beta=true", ""), Surface::Ask(Call::chat(Dialect::Anthropic)));
        assert_eq!(find("POST", "/v1/messages", "/llm"), Surface::Unknown);
        assert_eq!(find("POST", "/v1x/messages", ""), Surface::Unknown);
    }

    #[test]
    fn ollamas_own_paths() {
        assert_eq!(find("POST", "/llm/api/chat", "/llm"), Surface::Ask(Call::chat(Dialect::Ollama)));
        assert_eq!(find("GET", "/api/tags", ""), Surface::Models);
        assert_eq!(find("HEAD", "/api/version", ""), Surface::OllamaVersion);
        assert_eq!(find("GET", "/api/ps", ""), Surface::OllamaRunning);
        assert_eq!(find("HEAD", "/", ""), Surface::Alive);
        assert_eq!(find("GET", "/", ""), Surface::Unknown);
        assert_eq!(find("GET", "/api/show", ""), Surface::WrongMethod("POST"));
    }

    #[test]
    fn a_wrong_method_is_told_from_a_wrong_path() {
        assert_eq!(find("GET", "/v1/messages", ""), Surface::WrongMethod("POST"));
        assert_eq!(find("POST", "/v1/models", ""), Surface::WrongMethod("GET, HEAD"));
        assert_eq!(find("GET", "/v1/other", ""), Surface::Unknown);
    }

    #[test]
    fn model_names_may_hold_slashes() {
        assert_eq!(
            find("GET", "/v1/models/anthropic%2Fclaude", ""),
            Surface::Model("anthropic/claude".into())
        );
        assert_eq!(find("GET", "/v1/models/anthropic/claude", ""), Surface::Model("anthropic/claude".into()));
        assert_eq!(find("GET", "/models/a%zz", ""), Surface::Model("a%zz".into()));
    }

    #[test]
    fn services_are_known_with_and_without_version() {
        for path in ["/v1/files/f/content", "/files/f/content"] {
            let Surface::Forward(forward) = find("GET", path, "") else { panic!("{path}") };
            assert_eq!(forward.below, "/f/content");
        }
        assert_eq!(find("PATCH", "/v1/batches", ""), Surface::WrongMethod("GET, POST"));
    }

    #[test]
    fn a_query_passes_without_what_is_the_gateways() {
        assert_eq!(foreign_query("/v1/files?limit=2&key=s&provider=a&after=b"), "?limit=2&after=b");
        assert_eq!(foreign_query("/v1/files?provider=a&api-version=2024-10-21"), "");
        assert_eq!(foreign_query("/v1/files"), "");
    }

    #[test]
    fn health_lives_under_the_prefix() {
        assert_eq!(find("GET", "/llm/health/ready", "/llm"), Surface::Health(Health::Ready));
        assert_eq!(find("GET", "/health", ""), Surface::Health(Health::Full));
        assert_eq!(find("GET", "/health/liveliness", ""), Surface::Health(Health::Live));
    }
}
