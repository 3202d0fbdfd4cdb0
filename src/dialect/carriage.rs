//! How a dialect travels, where the same words go different ways.
//!
//! The clouds sell Anthropic's API under their own roofs: model and `stream` go from the body into the path, the
//! version from a header into the body, and Bedrock puts the events of a stream into binary frames. The words stay
//! Anthropic's, and so does the identity lane.

/// A way for Anthropic's dialect to travel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Carriage {
    /// As the dialect's maker has it.
    #[default]
    Plain,
    /// Bedrock's `InvokeModel`: `POST /model/{model}/invoke` and `…/invoke-with-response-stream`.
    BedrockInvoke,
    /// Vertex AI's `POST …/models/{model}:rawPredict` and `…:streamRawPredict`.
    VertexPredict,
}

impl Carriage {
    /// The `anthropic_version` of its bodies.
    pub fn version(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::BedrockInvoke => Some("bedrock-2023-05-31"),
            Self::VertexPredict => Some("vertex-2023-10-16"),
        }
    }
}
