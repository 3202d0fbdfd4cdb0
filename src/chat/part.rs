//! One part of a message: text, picture, thought, tool call…

use super::{Citation, Extra, Json, Text};
use crate::wire::base64;
use serde_json::value::RawValue;

/// One part of a message or of an answer.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// What it is.
    pub kind: PartKind<'a>,
    /// A prompt-cache breakpoint after it.
    pub cache_control: Option<CacheControl<'a>>,
    /// Of a text of an answer: what it relies on.
    pub citations: Vec<Citation<'a>>,
    /// Fields that only the sender's dialect knows.
    pub extra: Extra<'a>,
}

impl<'a> Part<'a> {
    /// A part that is nothing but this.
    pub fn new(kind: PartKind<'a>) -> Self {
        Self { kind, cache_control: None, citations: Vec::new(), extra: Extra::new() }
    }

    /// Whether a field asks for citations of what the part gives to read: it has one shape in all dialects that know it.
    pub fn is_citations(&self, name: &str) -> bool {
        name == "citations" && matches!(self.kind, PartKind::Document(_) | PartKind::SearchResult(_))
    }

    /// Whether citations are asked for.
    pub fn is_to_be_cited(&self) -> bool {
        self.extra.iter().any(|(name, value)| self.is_citations(name) && value.get().contains("true"))
    }

    /// A part of plain text.
    pub fn text(text: impl Into<Text<'a>>) -> Self {
        Self::new(PartKind::Text(text.into()))
    }
}

/// The kinds of parts.
#[derive(Debug, Clone)]
pub enum PartKind<'a> {
    /// Text.
    Text(Text<'a>),
    /// A picture.
    Image {
        /// Where its bytes are.
        source: Source<'a>,
        /// How closely to look at it (`auto`, `low`, `high`: OpenAI).
        detail: Option<Text<'a>>,
    },
    /// Sound.
    Audio {
        /// Where its bytes are.
        source: Source<'a>,
        /// Its format as OpenAI names it (`wav`, `mp3`).
        format: Option<Text<'a>>,
    },
    /// A file to read: PDF, plain text…
    Document(Document<'a>),
    /// What a search of the client's found.
    SearchResult(SearchResult<'a>),
    /// Reasoning that can be read.
    Thinking(Thinking<'a>),
    /// Reasoning that only its maker can read.
    RedactedThinking(Text<'a>),
    /// The model asks for a tool.
    ToolCall(ToolCall<'a>),
    /// What a tool said.
    ToolResult(ToolResult<'a>),
    /// The model says why it will not.
    Refusal(Text<'a>),
    /// A block that only the sender's dialect knows.
    Other(Opaque<'a>),
}

/// Where the bytes of a picture, a sound or a document are.
#[derive(Debug, Clone, PartialEq)]
pub enum Source<'a> {
    /// Within the request.
    Base64 {
        /// MIME type; empty when the dialect did not say it.
        media_type: Text<'a>,
        /// The bytes in base64.
        data: Text<'a>,
    },
    /// At a URL.
    Url(Text<'a>),
    /// In the provider's file store, by id.
    File(Text<'a>),
    /// Plain text within the request.
    Text(Text<'a>),
    /// The same in pieces, by which the model can say what it relies on.
    Pieces(Vec<Text<'a>>),
    /// A source that only the sender's dialect knows.
    Other(Opaque<'a>),
}

impl Source<'_> {
    /// Whether the bytes are those of a PDF, as far as is known.
    pub fn may_be_pdf(&self) -> bool {
        let Self::Base64 { media_type, data } = self else { return false };
        match &*media_type.to_str() {
            "" | "application/pdf" => true,
            "application/octet-stream" => data.to_str().starts_with("JVBERi"),
            _ => false,
        }
    }

    /// Bytes that are text, as text.
    pub fn decoded_text(&self) -> Option<String> {
        let Self::Base64 { media_type, data } = self else { return None };
        let kind = media_type.to_str();
        let is_text = kind.starts_with("text/") || TEXTS.contains(&&*kind);
        let bytes = is_text.then(|| base64::decode(&data.to_str())).flatten()?;
        String::from_utf8(bytes).ok()
    }
}

/// Media types of text beside those that begin with `text/`.
const TEXTS: [&str; 6] = [
    "application/csv",
    "application/javascript",
    "application/json",
    "application/xhtml+xml",
    "application/xml",
    "application/yaml",
];

/// A document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document<'a> {
    /// Where its bytes are.
    pub source: Source<'a>,
    /// File name or title.
    pub title: Option<Text<'a>>,
    /// What it is about, for the model to know (Anthropic).
    pub context: Option<Text<'a>>,
}

/// What a search of the client's found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResult<'a> {
    /// Where it was found: a URL, or any other name.
    pub source: Text<'a>,
    /// Its title.
    pub title: Text<'a>,
    /// What it says, in pieces.
    pub pieces: Vec<Text<'a>>,
}

impl SearchResult<'_> {
    /// All of it as plain text, for a model that knows no such thing: title, source and pieces, a line each.
    pub fn to_text(&self) -> Text<'static> {
        let head = [&self.title, &self.source].into_iter().filter(|line| !line.is_empty());
        lines(head.chain(&self.pieces))
    }
}

/// The pieces of a document as one text, a line each.
pub fn lines<'t>(pieces: impl IntoIterator<Item = &'t Text<'t>>) -> Text<'static> {
    let lines: Vec<_> = pieces.into_iter().map(Text::to_str).collect();
    Text::from(lines.join("\n"))
}

/// Reasoning that can be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Thinking<'a> {
    /// The reasoning, or a summary of it.
    pub text: Text<'a>,
    /// The maker's proof that it is unchanged; without it the maker takes no replay.
    pub signature: Option<Text<'a>>,
}

/// A request of the model to run a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall<'a> {
    /// Its id; empty where the sender gave none.
    pub id: Text<'a>,
    /// The tool's name.
    pub name: Text<'a>,
    /// What to call it with.
    pub arguments: Arguments<'a>,
}

/// Arguments of a tool call.
#[derive(Debug, Clone, PartialEq)]
pub enum Arguments<'a> {
    /// A JSON value.
    Json(Json<'a>),
    /// Text that should be JSON but, having been written by a model, need not be.
    Text(Text<'a>),
    /// The free text that a custom tool (OpenAI) is called with.
    Input(Text<'a>),
}

impl Arguments<'_> {
    /// The arguments as the text of a JSON **object**: an empty text is `{}`, and what is no JSON object is kept
    /// whole as the one string member `INVALID_JSON` (the wrapping that Anthropic's documentation advises for
    /// replaying broken arguments), free text as the member `input`. The flag says whether it had to be wrapped. It is one
    /// line: streams of events and of lines have no others.
    pub fn to_object(&self) -> (Json<'_>, bool) {
        let text = match self {
            Self::Json(json) if json.is_object() => return (Json::trusted(json.as_str()).one_line(), false),
            Self::Json(json) => std::borrow::Cow::Borrowed(json.as_str()),
            Self::Text(text) => text.to_str(),
            Self::Input(text) => {
                let mut json = Vec::new();
                crate::wire::json::object(&mut json, |o| o.text("input", text));
                return (Json::trusted(String::from_utf8(json).unwrap_or_default()), false);
            }
        };
        if text.trim().is_empty() {
            return (Json::trusted("{}"), false);
        }
        let text = match Json::checked(text) {
            Some(json) if json.is_object() => return (json.one_line(), false),
            Some(json) => json.as_str().to_owned(),
            None => self.as_plain().into_owned(),
        };
        let mut wrapped = String::with_capacity(text.len() + 24);
        wrapped.push_str("{\"INVALID_JSON\":");
        wrapped.push_str(&serde_json::Value::String(text).to_string());
        wrapped.push('}');
        (Json::trusted(wrapped), true)
    }

    /// The arguments as they are, unescaped.
    pub fn as_plain(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Json(json) => std::borrow::Cow::Borrowed(json.as_str()),
            Self::Text(text) | Self::Input(text) => text.to_str(),
        }
    }
}

/// What a tool said.
#[derive(Debug, Clone)]
pub struct ToolResult<'a> {
    /// The id of the call it answers.
    pub call_id: Text<'a>,
    /// The tool's name, where the sender said it.
    pub name: Option<Text<'a>>,
    /// Text, pictures, documents; empty when the tool said nothing.
    pub content: Vec<Part<'a>>,
    /// Whether the tool failed.
    pub is_error: Option<bool>,
}

/// A prompt-cache breakpoint, as the JSON object of Anthropic (`{"type":"ephemeral","ttl":"1h"}`).
#[derive(Debug, Clone, Copy)]
pub struct CacheControl<'a>(pub &'a RawValue);

impl PartialEq for CacheControl<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

/// Something that only its own dialect understands.
#[derive(Debug, Clone, PartialEq)]
pub struct Opaque<'a> {
    /// Its `type`, for the warning.
    pub kind: Text<'a>,
    /// The whole of it.
    pub json: Json<'a>,
}

impl Opaque<'_> {
    /// Whether it is something to look at, listen to or read: as the decoders call what they have no other word for.
    pub fn is_media(&self) -> bool {
        matches!(
            &*self.kind.to_str(),
            "fileData" | "inlineData" | "video" | "video_url" | "a picture in S3" | "sound in S3"
        )
    }
}
