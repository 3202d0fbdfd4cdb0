//! Embeddings: any client's request to any provider's, through a small hub of their own.
//!
//! [`EmbedRequest`] and [`EmbedResponse`] are the hub; each format ([`Format`]) has a file that reads and writes both.
//! [`request()`] and [`answer`] are the lane. Vectors are long and nobody here has to understand them: numbers pass as
//! the JSON text they came as, and are only converted where a client wants base64 and the provider gave numbers, or
//! the other way round ([`vector`]).

mod bedrock;
#[cfg(test)]
mod cases;
mod cohere;
mod fields;
mod gemini;
mod lane;
mod ollama;
mod openai;
mod purpose;
mod request;
mod response;
pub mod vector;
mod vertex;

pub use fields::Fields;
pub use lane::{Plan, answer, request};
pub use purpose::{Purpose, Words};
pub use request::{EmbedRequest, Input, Names, Piece, Truncate};
pub use response::{EmbedResponse, Set, Vector};
pub use vector::Elements;

use crate::chat::{Failure, Losses};
use crate::dialect::Dialect;
use crate::dialect::lane::Ask;

/// A wire format of embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// OpenAI, `POST /v1/embeddings`, and its many peers (see [`Fields`]).
    Openai,
    /// Gemini, `POST /v1beta/models/{model}:batchEmbedContents`.
    GeminiBatch,
    /// Gemini, `POST /v1beta/models/{model}:embedContent`: one input.
    Gemini,
    /// Vertex AI, `POST …/publishers/google/models/{model}:predict`: its models for text.
    VertexPredict,
    /// Vertex AI, `POST …/publishers/google/models/{model}:embedContent`: one input, for the Gemini models.
    VertexEmbed,
    /// Cohere, `POST /v2/embed`.
    CohereV2,
    /// Cohere, `POST /v1/embed`.
    CohereV1,
    /// Amazon Bedrock, `POST /model/{model}/invoke`. What the body is follows from the model: Titan, Nova or Cohere. A
    /// client's goes to Bedrock alone.
    Bedrock,
    /// Ollama, `POST /api/embed`.
    Ollama,
    /// Ollama's older `POST /api/embeddings`: one input.
    OllamaPrompt,
}

impl Format {
    /// The name used in the audit line and by the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::GeminiBatch => "gemini_batch",
            Self::Gemini => "gemini",
            Self::VertexPredict => "vertex_predict",
            Self::VertexEmbed => "vertex_embed",
            Self::CohereV2 => "cohere",
            Self::CohereV1 => "cohere_v1",
            Self::Bedrock => "bedrock",
            Self::Ollama => "ollama",
            Self::OllamaPrompt => "ollama_prompt",
        }
    }

    /// The dialect it belongs to: its errors are written in that one's envelope.
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::Openai => Dialect::OpenaiChat,
            Self::GeminiBatch | Self::Gemini | Self::VertexPredict | Self::VertexEmbed => Dialect::Gemini,
            Self::CohereV2 | Self::CohereV1 => Dialect::Cohere,
            Self::Bedrock => Dialect::Bedrock,
            Self::Ollama | Self::OllamaPrompt => Dialect::Ollama,
        }
    }

    /// Whether a model of the provider's is there at an endpoint of this format, where each has its own (Vertex AI).
    pub fn has(self, model: &str) -> bool {
        match self {
            Self::VertexPredict => vertex::predicts(model),
            Self::VertexEmbed => vertex::embeds(model),
            _ => true,
        }
    }
}

/// Reads a client's request.
fn decode_request(format: Format, body: &[u8]) -> Result<EmbedRequest<'_>, Failure> {
    match format {
        Format::Openai => openai::decode_request(body),
        Format::GeminiBatch => gemini::decode_batch(body),
        Format::Gemini | Format::VertexEmbed => gemini::decode_one(body, format),
        Format::VertexPredict => vertex::decode_request(body),
        Format::CohereV2 | Format::CohereV1 => cohere::decode_request(body, format),
        Format::Ollama => ollama::decode_request(body),
        Format::OllamaPrompt => ollama::decode_prompt(body),
        Format::Bedrock => {
            Err(Failure::new(400, "The body is one of Bedrock's own: no other provider takes it."))
        }
    }
}

/// Writes a provider's request.
fn encode_request(
    format: Format,
    request: &EmbedRequest<'_>,
    fields: &Fields,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Failure> {
    match format {
        Format::Openai => openai::encode_request(request, fields, ask, losses),
        Format::GeminiBatch => gemini::encode_batch(request, ask, losses),
        Format::Gemini => gemini::encode_one(request, ask, losses),
        Format::VertexPredict => vertex::encode_request(request, ask, losses),
        Format::VertexEmbed => gemini::encode_configured(request, ask, losses),
        Format::CohereV2 => cohere::encode_request(request, cohere::Maker::V2, ask, losses),
        Format::CohereV1 => cohere::encode_request(request, cohere::Maker::V1, ask, losses),
        Format::Bedrock => bedrock::encode_request(request, ask, losses),
        Format::Ollama => ollama::encode_request(request, ask, losses),
        Format::OllamaPrompt => ollama::encode_prompt(request, ask, losses),
    }
}

/// Reads a provider's answer. `elements` is what was asked of it.
fn decode_response(format: Format, body: &[u8], elements: Elements) -> Result<EmbedResponse<'_>, Failure> {
    match format {
        Format::Openai => openai::decode_response(body, elements),
        Format::GeminiBatch | Format::Gemini | Format::VertexEmbed => gemini::decode_response(body),
        Format::VertexPredict => vertex::decode_response(body),
        Format::CohereV2 | Format::CohereV1 => cohere::decode_response(body),
        Format::Bedrock => bedrock::decode_response(body),
        Format::Ollama | Format::OllamaPrompt => ollama::decode_response(body),
    }
}

/// Writes a client's answer.
fn encode_response(response: &EmbedResponse<'_>, plan: &Plan) -> Result<Vec<u8>, Failure> {
    match plan.client {
        Format::Openai => openai::encode_response(response, plan),
        Format::GeminiBatch => gemini::encode_batch_response(response),
        Format::Gemini | Format::VertexEmbed => gemini::encode_one_response(response),
        Format::VertexPredict => vertex::encode_response(response),
        Format::CohereV2 | Format::CohereV1 => cohere::encode_response(response, plan),
        Format::Ollama => ollama::encode_response(response, plan),
        Format::OllamaPrompt => ollama::encode_prompt_response(response),
        Format::Bedrock => Err(Failure::new(500, "Embeddings are not served to clients in this form.")),
    }
}

/// A provider's answer that cannot be read: a reason to try the next target.
fn malformed(what: &str) -> Failure {
    Failure::new(502, format!("the provider's answer could not be read: {what}"))
}
