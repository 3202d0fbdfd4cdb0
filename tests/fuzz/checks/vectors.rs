//! Embeddings and reranks: any body as a request in each format for every other one, and as the answer to one.

use super::bodies::ASK;
use super::{assert_json, output_bound};
use tollgate::dialect::lane::{self, AnswerPlan, Edit};
use tollgate::embedding::{self, Format};
use tollgate::rerank;

const EMBEDDINGS: [Format; 9] = [
    Format::Openai,
    Format::GeminiBatch,
    Format::Gemini,
    Format::VertexPredict,
    Format::CohereV2,
    Format::CohereV1,
    Format::Bedrock,
    Format::Ollama,
    Format::OllamaPrompt,
];
const RERANKS: [rerank::Format; 4] =
    [rerank::Format::V2, rerank::Format::V1, rerank::Format::Voyage, rerank::Format::Bedrock];

const EMBED_REQUEST: &[u8] = br#"{"model":"m","input":["a"],"encoding_format":"base64","dimensions":2}"#;
const RERANK_REQUEST: &[u8] =
    br#"{"model":"m","query":"q","documents":["a","b"],"top_n":1,"return_documents":true}"#;

pub(crate) fn check(input: &[u8]) {
    for provider in EMBEDDINGS {
        for client in EMBEDDINGS {
            if let Ok(outgoing) = embedding::request(client, provider, input, &ASK) {
                sent(&outgoing.edit, input);
            }
        }
        if let Ok(outgoing) = embedding::request(Format::Openai, provider, EMBED_REQUEST, &ASK) {
            answered(&outgoing.plan, input);
        }
    }
    for provider in RERANKS {
        for client in RERANKS {
            if let Ok(outgoing) = rerank::request(client, provider, input, &ASK) {
                sent(&outgoing.edit, input);
            }
        }
        if let Ok(outgoing) = rerank::request(rerank::Format::V1, provider, RERANK_REQUEST, &ASK) {
            answered(&outgoing.plan, input);
        }
    }
}

fn sent(edit: &Edit, input: &[u8]) {
    if let Edit::Replace(body) = edit {
        assert_json(body, "a request");
        assert!(body.len() <= output_bound(input.len()), "{} bytes", body.len());
    }
}

fn answered(plan: &AnswerPlan, input: &[u8]) {
    if let Ok(answer) = lane::answer(plan, input)
        && let Some(body) = answer.body
    {
        assert_json(&body, "an answer");
        assert!(body.len() <= output_bound(input.len()), "{} bytes", body.len());
    }
}
