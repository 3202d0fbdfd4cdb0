//! Google's paths: `/{version}/models/{model}:{method}` of Google AI Studio, and Vertex AI's
//! `/{version}/projects/{p}/locations/{l}/publishers/google/models/{model}:{method}`, project and location being of no
//! consequence here.

use super::{Surface, decoded, on, query_value};
use crate::dialect::{Call, Dialect, Operation};
use crate::embedding::Format;

/// The versions that only Google has; `/v1` is anybody's.
const VERSIONS: [&str; 3] = ["/v1beta1/", "/v1beta/", "/v1alpha/"];

/// Whether a path without prefix begins as only Google's do.
pub(crate) fn is_own(path: &str) -> bool {
    VERSIONS.iter().any(|version| path.starts_with(version))
}

/// Finds the surface at a path without prefix and query; `target` is the request's target with its query.
pub(super) fn find(method: &str, path: &str, target: &str) -> Option<Surface> {
    let rest = VERSIONS.iter().find_map(|version| path.strip_prefix(version));
    let is_own = rest.is_some();
    let rest = rest.or_else(|| path.strip_prefix("/v1/")).or_else(|| path.strip_prefix('/'))?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest == "models" && is_own {
        return Some(on("GET, HEAD", method, Surface::Models));
    }
    if rest.ends_with("publishers/google/models") && model_name(&format!("{rest}/")).is_some() {
        return Some(on("GET, HEAD", method, Surface::PublisherModels));
    }
    let name = model_name(rest)?;
    match name.rsplit_once(':') {
        Some((model, verb)) => {
            let (stream, operation) = match verb {
                "generateContent" => (false, Operation::Chat),
                "streamGenerateContent" => (true, Operation::Chat),
                "countTokens" => (false, Operation::CountTokens),
                verb if method == "POST" || !is_own => {
                    let format = embedding_format(verb, rest.contains("publishers/"))?;
                    let model = Some(Some(decoded(model)).filter(|model| !model.is_empty())?);
                    return Some(on(
                        "POST",
                        method,
                        Surface::Ask(Call { model, ..Call::embeddings(format) }),
                    ));
                }
                // A name with a colon in it.
                _ => return Some(on("GET, HEAD", method, Surface::Model(decoded(name)))),
            };
            let model = Some(decoded(model)).filter(|model| !model.is_empty())?;
            let array = stream && query_value(target, "alt").as_deref() != Some("sse");
            let (model, stream) = (Some(model), Some(stream));
            let call = Call { operation, model, stream, array, ..Call::chat(Dialect::Gemini) };
            Some(on("POST", method, Surface::Ask(call)))
        }
        None if is_own && !name.is_empty() => Some(on("GET, HEAD", method, Surface::Model(decoded(name)))),
        None => None,
    }
}

/// The format of embeddings that a method means: Vertex AI has others than Google AI Studio.
fn embedding_format(method: &str, is_vertex: bool) -> Option<Format> {
    match (method, is_vertex) {
        ("embedContent", true) => Some(Format::VertexEmbed),
        ("embedContent", false) => Some(Format::Gemini),
        ("batchEmbedContents", _) => Some(Format::GeminiBatch),
        ("predict", true) => Some(Format::VertexPredict),
        _ => None,
    }
}

/// What stands behind the collection of models.
fn model_name(rest: &str) -> Option<&str> {
    if let Some(name) = rest.strip_prefix("models/").or_else(|| rest.strip_prefix("tunedModels/")) {
        return Some(name);
    }
    let publishers = match rest.strip_prefix("projects/") {
        Some(rest) => {
            let (_, rest) = rest.split_once("/locations/")?;
            rest.split_once('/')?.1
        }
        None => rest,
    };
    publishers.strip_prefix("publishers/")?.split_once("/models/").map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    fn chat(model: &str, stream: bool, array: bool) -> Surface {
        let call =
            Call { stream: Some(stream), array, model: Some(model.into()), ..Call::chat(Dialect::Gemini) };
        Surface::Ask(call)
    }

    #[test]
    fn both_services_and_all_versions() {
        for (path, surface) in [
            ("/v1beta/models/g:generateContent?key=k", chat("g", false, false)),
            ("/v1/models/g-2.5:generateContent", chat("g-2.5", false, false)),
            ("/models/g:streamGenerateContent?alt=sse", chat("g", true, false)),
            ("/v1beta/models/g:streamGenerateContent", chat("g", true, true)),
            ("/v1beta/models/g:streamGenerateContent?key=k&alt=json", chat("g", true, true)),
            ("/v1beta/models/anthropic%2Fclaude:generateContent", chat("anthropic/claude", false, false)),
            ("/v1beta/models/a/b:generateContent", chat("a/b", false, false)),
            (
                "/v1beta1/projects/p/locations/global/publishers/google/models/g:generateContent",
                chat("g", false, false),
            ),
            (
                "/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent?alt=sse",
                chat("g", true, false),
            ),
            ("/v1beta1/publishers/google/models/g:generateContent", chat("g", false, false)),
        ] {
            assert_eq!(find("POST", path, ""), surface, "{path}");
            assert_eq!(find("POST", &format!("/llm{path}"), "/llm"), surface, "{path}");
        }
        assert_eq!(find("GET", "/v1beta/models/g:generateContent", ""), Surface::WrongMethod("POST"));
        let counted = Call { model: Some("g".into()), ..Call::count_tokens(Dialect::Gemini) };
        assert_eq!(find("POST", "/v1beta/models/g:countTokens", ""), Surface::Ask(counted));
        assert_eq!(find("POST", "/v1beta/models/g:noSuch", ""), Surface::Unknown);
        assert_eq!(find("POST", "/v1beta/models/:generateContent", ""), Surface::Unknown);
    }

    #[test]
    fn models() {
        assert_eq!(find("GET", "/v1beta/models?pageSize=5", ""), Surface::Models);
        for path in [
            "/v1beta1/publishers/google/models?pageSize=5",
            "/v1/projects/p/locations/l/publishers/google/models",
        ] {
            assert_eq!(find("GET", path, ""), Surface::PublisherModels, "{path}");
        }
        assert_eq!(find("GET", "/v1beta/models/g", ""), Surface::Model("g".into()));
        assert_eq!(find("GET", "/v1/models/g", ""), Surface::Model("g".into()));
        assert_eq!(find("GET", "/v1/models/ft:g:x", ""), Surface::Model("ft:g:x".into()));
        assert!(is_own("/v1beta/models") && !is_own("/v1/models"));
    }
}
