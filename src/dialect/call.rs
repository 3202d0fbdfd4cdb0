//! What a client asks for, as its path tells before the body is read.

use super::{Dialect, Service};

/// Kinds of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A conversation's next message.
    Chat,
    /// Something of a service that is not translated.
    Forward(Service),
    /// What the gateway knows of a model; no provider is asked.
    ShowModel,
}

impl Operation {
    /// The word for it in errors and the audit line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Forward(service) => service.as_str(),
            Self::ShowModel => "show_model",
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
}

impl Call {
    /// A conversation in a dialect whose path says nothing more.
    pub fn chat(dialect: Dialect) -> Self {
        Self { operation: Operation::Chat, dialect, model: None, stream: None, array: false }
    }
}
