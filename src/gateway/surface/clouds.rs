//! The paths of the clouds: Bedrock's `/model/{modelId}/…`, and Anthropic's models on Vertex AI.

use super::decoded;
use crate::dialect::{Call, Carriage, Dialect, Operation};
use crate::wire::json::members;
use crate::{embedding, rerank};

/// What is asked for at a path without prefix and version.
pub(super) fn call(path: &str) -> Option<Call> {
    bedrock(path).or_else(|| vertex(path))
}

/// `/model/{modelId}/converse` and `…/converse-stream`, and Anthropic's API at `…/invoke` and
/// `…/invoke-with-response-stream`, and `…/count-tokens`; the name of a model may hold slashes (an ARN), encoded or not.
fn bedrock(path: &str) -> Option<Call> {
    let (model, action) = path.strip_prefix("/model/")?.rsplit_once('/')?;
    let model = Some(Some(decoded(model)).filter(|model| !model.is_empty())?);
    let (dialect, carriage, stream) = match action {
        "converse" => (Dialect::Bedrock, Carriage::Plain, false),
        "converse-stream" => (Dialect::Bedrock, Carriage::Plain, true),
        "invoke" => (Dialect::Anthropic, Carriage::BedrockInvoke, false),
        "invoke-with-response-stream" => (Dialect::Anthropic, Carriage::BedrockInvoke, true),
        "count-tokens" => return Some(Call { model, ..Call::count_tokens(Dialect::Bedrock) }),
        _ => return None,
    };
    Some(Call { model, stream: Some(stream), carriage, ..Call::chat(dialect) })
}

/// What a body at `…/invoke` asks for, which is each model's own there: Titan, Nova and Cohere embed, and others rank.
/// All that is none of these is Anthropic's.
pub fn invoked(call: Call, body: &[u8]) -> Call {
    let is_invoked = call.carriage == Carriage::BedrockInvoke && call.stream == Some(false);
    let found = is_invoked.then(|| members(body).ok()).flatten();
    let Some(found) = found.filter(|found| found.get("messages").is_none()) else { return call };
    let has = |names: &[&str]| names.iter().any(|name| found.get(name).is_some());
    let operation = if has(&["query"]) && has(&["documents"]) {
        Operation::Rerank(rerank::Format::Bedrock)
    } else if has(&["inputText", "inputImage", "singleEmbeddingParams", "texts", "images", "inputs"]) {
        Operation::Embeddings(embedding::Format::Bedrock)
    } else {
        return call;
    };
    Call { operation, dialect: Dialect::Bedrock, carriage: Carriage::Plain, ..call }
}

/// `/projects/{p}/locations/{l}/publishers/anthropic/models/{model}:rawPredict` and `…:streamRawPredict`, project and
/// location being of no consequence here. Tokens are counted by a model called `count-tokens`.
fn vertex(path: &str) -> Option<Call> {
    let (_, name) = path.strip_prefix("/projects/")?.split_once("/publishers/anthropic/models/")?;
    let (model, verb) = name.rsplit_once(':')?;
    let stream = match verb {
        "rawPredict" if model == "count-tokens" => {
            return Some(Call {
                carriage: Carriage::VertexPredict,
                ..Call::count_tokens(Dialect::Anthropic)
            });
        }
        "rawPredict" => false,
        "streamRawPredict" => true,
        _ => return None,
    };
    let model = Some(decoded(model)).filter(|model| !model.is_empty())?;
    let carriage = Carriage::VertexPredict;
    Some(Call { model: Some(model), stream: Some(stream), carriage, ..Call::chat(Dialect::Anthropic) })
}

#[cfg(test)]
mod tests {
    use super::super::{Surface, find};
    use super::*;

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
        let counted = Call { model: Some("x".into()), ..Call::count_tokens(Dialect::Bedrock) };
        assert_eq!(find("POST", "/model/x/count-tokens", ""), Surface::Ask(counted));
        assert_eq!(find("POST", "/model/x/other", ""), Surface::Unknown);
        assert_eq!(find("POST", "/model//converse", ""), Surface::Unknown);
        assert_eq!(find("GET", "/model/x/converse", ""), Surface::WrongMethod("POST"));
    }

    #[test]
    fn what_a_model_is_invoked_for_is_told_by_its_body() {
        let Surface::Ask(call) = find("POST", "/model/m/invoke", "") else { panic!("asks") };
        let operation = |body: &str| invoked(call.clone(), body.as_bytes()).operation;
        let embeds = Operation::Embeddings(embedding::Format::Bedrock);
        for body in [
            r#"{"inputText":"a"}"#,
            r#"{"texts":["a"],"input_type":"search_query"}"#,
            r#"{"taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{}}"#,
        ] {
            assert_eq!(operation(body), embeds, "{body}");
        }
        let ranks = Operation::Rerank(rerank::Format::Bedrock);
        assert_eq!(operation(r#"{"query":"a","documents":["b"]}"#), ranks);
        for body in [r#"{"anthropic_version":"x","messages":[]}"#, r#"{"query":"a"}"#, "{}", "{"] {
            assert_eq!(operation(body), Operation::Chat, "{body}");
        }
    }

    #[test]
    fn anthropic_in_other_carriages() {
        let vertex = "/v1/projects/p/locations/us-east5/publishers/anthropic/models";
        for (path, carriage, model, stream) in [
            (
                "/model/us.anthropic.claude-3%3A0/invoke",
                Carriage::BedrockInvoke,
                "us.anthropic.claude-3:0",
                false,
            ),
            ("/model/smart/invoke-with-response-stream", Carriage::BedrockInvoke, "smart", true),
            (
                &format!("{vertex}/claude-opus-4-5@20251101:rawPredict"),
                Carriage::VertexPredict,
                "claude-opus-4-5@20251101",
                false,
            ),
            (&format!("{vertex}/smart:streamRawPredict"), Carriage::VertexPredict, "smart", true),
        ] {
            let Surface::Ask(call) = find("POST", path, "") else { panic!("{path}") };
            let expected = Call {
                model: Some(model.to_owned()),
                stream: Some(stream),
                carriage,
                ..Call::chat(Dialect::Anthropic)
            };
            assert_eq!(call, expected);
        }
        let count = find("POST", &format!("{vertex}/count-tokens:rawPredict"), "");
        let expected = Call { carriage: Carriage::VertexPredict, ..Call::count_tokens(Dialect::Anthropic) };
        assert_eq!(count, Surface::Ask(expected));
    }
}
