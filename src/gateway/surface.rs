//! Which of the gateway's endpoints a request is for.

mod embedding;
pub(crate) mod gemini;

use crate::dialect::{Call, Dialect, Operation};
use std::borrow::Cow;

/// An endpoint of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Surface {
    /// Something for a model, in the dialect that belongs to the path.
    Ask(Call),
    /// The list of models.
    Models,
    /// One model.
    Model(String),
    /// The version of Ollama's API.
    OllamaVersion,
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
    let path = match path.strip_prefix("/v1") {
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    };
    let path = path.strip_suffix('/').unwrap_or(path);
    if let Some(call) = call(path) {
        return on("POST", method, Surface::Ask(call));
    }
    match path {
        "/models" | "/api/tags" => on("GET, HEAD", method, Surface::Models),
        "/api/version" => on("GET, HEAD", method, Surface::OllamaVersion),
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
        "/messages" => Call::chat(Dialect::Anthropic),
        "/responses" => Call::chat(Dialect::OpenaiResponses),
        "/messages/count_tokens" => Call::count_tokens(Dialect::Anthropic),
        "/api/chat" => Call::chat(Dialect::Ollama),
        "/api/generate" => Call::chat(Dialect::OllamaGenerate),
        "/api/show" => Call { operation: Operation::ShowModel, ..Call::chat(Dialect::Ollama) },
        _ => return bedrock(path).or_else(|| embedding::call(path)),
    })
}

/// `/model/{modelId}/converse` and `/model/{modelId}/converse-stream`; the name of a model may hold slashes (an ARN),
/// encoded or not.
fn bedrock(path: &str) -> Option<Call> {
    let (model, action) = path.strip_prefix("/model/")?.rsplit_once('/')?;
    let stream = match action {
        "converse" => false,
        "converse-stream" => true,
        _ => return None,
    };
    let model = Some(decoded(model)).filter(|model| !model.is_empty())?;
    Some(Call { model: Some(model), stream: Some(stream), ..Call::chat(Dialect::Bedrock) })
}

/// A value of the query of a path, decoded.
pub fn query_value(path: &str, name: &str) -> Option<String> {
    let (_, query) = path.split_once('?')?;
    let pair = query.split('&').filter_map(|pair| pair.split_once('='));
    pair.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).next()
}

fn health(path: &str) -> Option<Health> {
    match path.strip_suffix('/').unwrap_or(path) {
        "/health" => Some(Health::Full),
        "/health/live" => Some(Health::Live),
        "/health/ready" => Some(Health::Ready),
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
    fn bedrocks_paths_name_the_model_and_the_stream() {
        let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-pro-v1:0";
        for (path, model, stream) in [
            ("/model/anthropic.claude-v2%3A1/converse", "anthropic.claude-v2:1", false),
            ("/model/smart/converse-stream", "smart", true),
            (
                "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.amazon.nova-pro-v1%3A0/converse",
                arn,
                false,
            ),
            ("/model/openai/gpt-5/converse", "openai/gpt-5", false),
        ] {
            let Surface::Ask(call) = find("POST", path, "") else { panic!("{path}") };
            assert_eq!(
                (call.dialect, call.model.as_deref(), call.stream),
                (Dialect::Bedrock, Some(model), Some(stream))
            );
        }
        assert_eq!(find("POST", "/model/x/other", ""), Surface::Unknown);
        assert_eq!(find("POST", "/model//converse", ""), Surface::Unknown);
        assert_eq!(find("GET", "/model/x/converse", ""), Surface::WrongMethod("POST"));
    }

    #[test]
    fn health_lives_under_the_prefix() {
        assert_eq!(find("GET", "/llm/health/ready", "/llm"), Surface::Health(Health::Ready));
        assert_eq!(find("GET", "/health", ""), Surface::Health(Health::Full));
    }
}
