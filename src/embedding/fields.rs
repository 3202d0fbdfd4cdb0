//! How an OpenAI-shaped embeddings endpoint differs from OpenAI's own, as data.

use super::{Elements, Words};

/// The fields of an OpenAI-shaped endpoint beyond `model` and `input`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a table of independent facts")]
pub struct Fields {
    /// What the length of the vectors is called; `None`: it cannot be chosen.
    pub dimensions: Option<&'static str>,
    /// What the kind of the values is called, where it can be chosen.
    pub elements: Option<&'static str>,
    /// The kinds of values there are; the first is what is answered unasked.
    pub known: &'static [Elements],
    /// What the purpose is called, and whose words it takes, where it can be said.
    pub purpose: Option<(&'static str, Words)>,
    /// The switch that lets inputs which are too long be cut at their end.
    pub truncate: Option<&'static str>,
    /// It takes `encoding_format: base64`.
    pub base64: bool,
    /// It takes `encoding_format: float`, which is what comes unasked.
    pub float: bool,
    /// It takes `user`.
    pub user: bool,
    /// It refuses what it does not know, so that its peers' words have to be put into its own; otherwise they pass, for
    /// who may know them.
    pub closed: bool,
}

impl Default for Fields {
    fn default() -> Self {
        Self::OPENAI
    }
}

impl Fields {
    /// Those who follow OpenAI.
    pub const OPENAI: Self = Self {
        dimensions: Some("dimensions"),
        elements: None,
        known: &[Elements::Float],
        purpose: None,
        truncate: None,
        base64: true,
        float: true,
        user: true,
        closed: false,
    };
    /// OpenAI itself.
    pub const MAKER: Self = Self { closed: true, ..Self::OPENAI };
    /// Knows `input_type` beside OpenAI's fields, and passes it on (OpenRouter, LiteLLM).
    pub const ROUTER: Self = Self { purpose: Some(("input_type", Words::Cohere)), ..Self::OPENAI };
    /// Mistral: names of its own, and nothing else is taken (422).
    pub const MISTRAL: Self = Self {
        dimensions: Some("output_dimension"),
        elements: Some("output_dtype"),
        known: &[Elements::Float, Elements::Int8, Elements::Uint8, Elements::Binary, Elements::Ubinary],
        user: false,
        closed: true,
        ..Self::OPENAI
    };
    /// Perplexity: its vectors are bytes, in base64 of its own two kinds.
    pub const PERPLEXITY: Self = Self { known: &[Elements::Int8], user: false, ..Self::OPENAI };
    /// Voyage: the same names, `input_type` and `truncation`.
    pub const VOYAGE: Self = Self {
        purpose: Some(("input_type", Words::Voyage)),
        truncate: Some("truncation"),
        float: false,
        ..Self::MISTRAL
    };
    /// Jina: `task`; it has another name for base64, which is made by the gateway instead.
    pub const JINA: Self = Self {
        purpose: Some(("task", Words::Jina)),
        truncate: Some("truncate"),
        base64: false,
        user: false,
        closed: true,
        ..Self::OPENAI
    };
}
