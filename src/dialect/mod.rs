//! One folder a wire format, each both client-facing and provider-facing, and the lanes between them.
//!
//! Adding a dialect is one folder and one line of the table below: the enum, the names and the dispatch to the codecs
//! ([`codec`]) follow from it.

pub mod anthropic;
pub mod bedrock;
mod call;
pub(crate) mod carriage;
pub mod codec;
pub mod cohere;
pub(crate) mod date;
mod digest;
mod forward;
pub mod gemini;
pub mod lane;
pub mod load;
pub mod models;
mod offered;
pub mod ollama;
mod open_text;
pub mod openai_chat;
pub mod openai_completions;
pub mod openai_responses;
mod proof;
mod schema;
mod service;
mod shape;
mod side_by_side;
mod signature;
mod takes;
mod unanswered;

pub use call::{Call, Operation};
pub use carriage::Carriage;
pub use forward::{Forward, Found, Service};
pub use schema::Rules;
pub use shape::{Cites, Shape};
pub use takes::{Takes, ToolNames, Wants};

use serde::{Deserialize, Serialize};

/// The table of dialects: `Variant "name" module`. Hands its rows to the macro of the given name.
macro_rules! with_dialects {
    ($then:ident) => {
        $then! {
            /// OpenAI chat completions, `POST /v1/chat/completions`.
            #[serde(alias = "openai")]
            OpenaiChat "openai_chat" openai_chat;
            /// Anthropic messages, `POST /v1/messages`.
            Anthropic "anthropic" anthropic;
            /// OpenAI Responses, `POST /v1/responses`.
            OpenaiResponses "openai_responses" openai_responses;
            /// OpenAI's older text completions, `POST /v1/completions`.
            OpenaiCompletions "openai_completions" openai_completions;
            /// Google Gemini, `POST …/models/{model}:generateContent`.
            Gemini "gemini" gemini;
            /// Cohere's chat, version 2, `POST /v2/chat`.
            Cohere "cohere" cohere;
            /// AWS Bedrock's Converse, `POST /model/{modelId}/converse` and `…/converse-stream`.
            Bedrock "bedrock" bedrock;
            /// Ollama's own, `POST /api/chat`.
            Ollama "ollama" ollama;
            /// Ollama's completion of one prompt, `POST /api/generate`.
            OllamaGenerate "ollama_generate" ollama::generate;
        }
    };
}
pub(crate) use with_dialects;

macro_rules! dialect_enum {
    ($($(#[$meta:meta])* $variant:ident $name:literal $($module:ident)::+;)+) => {
        /// A wire format.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
        #[cfg_attr(not(target_arch = "wasm32"), schemars(transform = with_alias))]
        pub enum Dialect {
            $($(#[$meta])* #[serde(rename = $name)] $variant,)+
        }

        impl Dialect {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used in config, metrics and the audit line.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Facts about its wire format.
            pub fn shape(self) -> &'static Shape {
                match self {
                    $(Self::$variant => &$($module)::+::SHAPE,)+
                }
            }
        }
    };
}
with_dialects!(dialect_enum);

impl Dialect {
    /// Whether it is one of OpenAI's two for conversations, whose clients know what the other wants.
    pub(crate) fn is_openais(self) -> bool {
        matches!(self, Self::OpenaiChat | Self::OpenaiResponses)
    }
}

/// The word that may be written for OpenAI's oldest dialect as well: derived schemas do not know of aliases.
#[cfg(not(target_arch = "wasm32"))]
fn with_alias(schema: &mut schemars::Schema) {
    if let Some(words) = schema.get_mut("oneOf").and_then(serde_json::Value::as_array_mut) {
        let description = "The same as `openai_chat`.";
        words.push(serde_json::json!({ "description": description, "type": "string", "const": "openai" }));
    }
}
