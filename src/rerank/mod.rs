//! Rerank: any client's request to any provider's, through a small hub of their own.
//!
//! [`RerankRequest`] and [`RerankResponse`] are the hub; [`Format`] says which wire formats there are. They differ little:
//! one file reads and writes all requests, another all answers.

mod lane;
mod request;
mod response;

pub use lane::{Plan, answer, request};
pub use request::{Document, RerankRequest};
pub use response::{Ranked, RerankResponse};

use crate::chat::Failure;
use crate::dialect::Dialect;

/// A wire format of rerank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Cohere, `POST /v2/rerank`: documents are strings.
    V2,
    /// Cohere's `POST /v1/rerank`, which Jina, vLLM, Together, LiteLLM and others took for their own: documents are
    /// strings or objects, `return_documents` gives them back, and counts come as `usage` (or as Cohere's `meta`).
    V1,
    /// Voyage, `POST /v1/rerank`: `top_k`, and the results are called `data`. As a provider only.
    Voyage,
    /// Amazon Bedrock, `POST /model/{model}/invoke` (`cohere.rerank-…`, `amazon.rerank-…`).
    Bedrock,
}

impl Format {
    /// The name used in the audit line and by the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::V1 => "v1",
            Self::Voyage => "voyage",
            Self::Bedrock => "bedrock",
        }
    }

    /// The dialect it belongs to: its errors are written in that one's envelope.
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::V2 => Dialect::Cohere,
            Self::V1 | Self::Voyage => Dialect::OpenaiChat,
            Self::Bedrock => Dialect::Bedrock,
        }
    }
}

/// A provider's answer that cannot be read: a reason to try the next target.
fn malformed(what: &str) -> Failure {
    Failure::new(502, format!("the provider's answer could not be read: {what}"))
}
