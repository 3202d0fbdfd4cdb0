//! Where embeddings and rerank are asked for, but for Google's paths, which name the model.

use crate::dialect::Call;
use crate::{embedding, rerank};

/// What is asked for at a path, of which a leading `/v1` was taken off.
pub(super) fn call(path: &str) -> Option<Call> {
    Some(match path {
        "/embeddings" => Call::embeddings(embedding::Format::Openai),
        "/v2/embed" => Call::embeddings(embedding::Format::CohereV2),
        "/embed" => Call::embeddings(embedding::Format::CohereV1),
        "/api/embed" => Call::embeddings(embedding::Format::Ollama),
        "/api/embeddings" => Call::embeddings(embedding::Format::OllamaPrompt),
        "/v2/rerank" => Call::rerank(rerank::Format::V2),
        "/rerank" => Call::rerank(rerank::Format::V1),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Surface, find};
    use super::*;

    #[test]
    fn every_format_has_its_path() {
        for (path, call) in [
            ("/v1/embeddings", Call::embeddings(embedding::Format::Openai)),
            ("/embeddings/", Call::embeddings(embedding::Format::Openai)),
            ("/v1/embed", Call::embeddings(embedding::Format::CohereV1)),
            ("/v2/embed", Call::embeddings(embedding::Format::CohereV2)),
            ("/api/embed", Call::embeddings(embedding::Format::Ollama)),
            ("/api/embeddings", Call::embeddings(embedding::Format::OllamaPrompt)),
            ("/v1/rerank", Call::rerank(rerank::Format::V1)),
            ("/rerank", Call::rerank(rerank::Format::V1)),
            ("/v2/rerank", Call::rerank(rerank::Format::V2)),
        ] {
            assert_eq!(find("POST", path, ""), Surface::Ask(call), "{path}");
            assert_eq!(find("GET", path, ""), Surface::WrongMethod("POST"), "{path}");
        }
    }

    #[test]
    fn gemini_names_the_model_in_the_path() {
        for (path, format, model) in [
            (
                "/v1beta/models/gemini-embedding-001:embedContent",
                embedding::Format::Gemini,
                "gemini-embedding-001",
            ),
            ("/v1beta/models/a%2Fb:batchEmbedContents?key=x", embedding::Format::GeminiBatch, "a/b"),
            ("/v1/models/x:1:embedContent", embedding::Format::Gemini, "x:1"),
            (
                "/v1beta1/projects/p/locations/l/publishers/google/models/text-embedding-005:predict",
                embedding::Format::VertexPredict,
                "text-embedding-005",
            ),
            ("/v1/publishers/google/models/x:embedContent", embedding::Format::VertexEmbed, "x"),
        ] {
            let call = Call { model: Some(model.to_owned()), ..Call::embeddings(format) };
            assert_eq!(find("POST", path, ""), Surface::Ask(call), "{path}");
        }
        for path in
            ["/v1beta/models/x:other", "/v1beta/models/imagen-4:predict", "/v1beta/models/:embedContent"]
        {
            assert_eq!(find("POST", path, ""), Surface::Unknown, "{path}");
        }
    }
}
