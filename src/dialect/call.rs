//! What a client asks for, as its path tells before the body is read.

use super::{Carriage, Dialect, Service};
use crate::{embedding, rerank};

/// Kinds of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A conversation's next message.
    Chat,
    /// Something of a service that is not translated.
    Forward(Service),
    /// The tokens of a conversation.
    CountTokens,
    /// What the gateway knows of a model; no provider is asked.
    ShowModel,
    /// Vectors of texts, in this format.
    Embeddings(embedding::Format),
    /// Documents put in order, in this format.
    Rerank(rerank::Format),
}

impl Operation {
    /// The word for it in errors and the audit line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Forward(service) => service.as_str(),
            Self::CountTokens => "count_tokens",
            Self::ShowModel => "show_model",
            Self::Embeddings(_) => "embeddings",
            Self::Rerank(_) => "rerank",
        }
    }

    /// Whether an endpoint for `self` serves a request for `other`, translated where their formats differ.
    pub fn serves(self, other: Self) -> bool {
        match (self, other) {
            (Self::Embeddings(_), Self::Embeddings(_)) | (Self::Rerank(_), Self::Rerank(_)) => true,
            _ => self == other,
        }
    }
}

/// One request, as its path and query tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What is wanted.
    pub operation: Operation,
    /// What the client speaks.
    pub dialect: Dialect,
    /// The model, where the path names it.
    pub model: Option<String>,
    /// Whether a stream is wanted, where the path says it.
    pub stream: Option<bool>,
    /// The client wants its stream as one JSON array, not as server-sent events (Gemini without `alt=sse`).
    pub array: bool,
    /// How the client's dialect travels.
    pub carriage: Carriage,
    /// The beta features of Anthropic's that the client asks for, as the header `anthropic-beta` says them.
    pub betas: Option<String>,
}

impl Call {
    /// The dialect whose errors the client reads: Bedrock's, for all that comes through it.
    pub fn envelope(&self) -> Dialect {
        match self.carriage {
            Carriage::BedrockInvoke => Dialect::Bedrock,
            Carriage::Plain | Carriage::VertexPredict => self.dialect,
        }
    }

    /// A conversation in a dialect whose path says nothing more.
    pub fn chat(dialect: Dialect) -> Self {
        Self {
            operation: Operation::Chat,
            dialect,
            model: None,
            stream: None,
            array: false,
            carriage: Carriage::Plain,
            betas: None,
        }
    }

    /// The tokens of a conversation in a dialect whose path says nothing more.
    pub fn count_tokens(dialect: Dialect) -> Self {
        Self { operation: Operation::CountTokens, stream: Some(false), ..Self::chat(dialect) }
    }

    /// Embeddings in a format whose path says nothing more.
    pub fn embeddings(format: embedding::Format) -> Self {
        let operation = Operation::Embeddings(format);
        Self { operation, stream: Some(false), ..Self::chat(format.dialect()) }
    }

    /// A rerank.
    pub fn rerank(format: rerank::Format) -> Self {
        let operation = Operation::Rerank(format);
        Self { operation, stream: Some(false), ..Self::chat(format.dialect()) }
    }
}
