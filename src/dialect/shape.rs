//! Facts about a wire format that the lanes and the gateway ask for.

use super::schema::Rules;
use super::takes::{Takes, ToolNames, Wants};

/// On what a dialect's answers can say that their texts rely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cites {
    /// It has no words for that.
    Nothing,
    /// Pages of the web, without what they say.
    Pages,
    /// Pages, and passages of what the request gave to read, with what they say.
    Passages,
}

/// How a dialect carries what others carry elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Media types of its streams: the first is what clients are told, any of them is a stream when a provider says so.
    pub stream_types: &'static [&'static str],
    /// The model is named in the path; otherwise in the body's field `model`.
    pub model_in_path: bool,
    /// The path says whether a stream is wanted; otherwise the body's field `stream` does.
    pub stream_in_path: bool,
    /// What an absent field `stream` means.
    pub streams_by_default: bool,
    /// The response header in which its clients look for the id of their request.
    pub request_id: Option<&'static str>,
    /// What the ids of its answers begin with.
    pub answer_id: &'static str,
    /// On what its answers can say that their texts rely.
    pub cites: Cites,
    /// Names and types, as its bodies quote them, of what a model is to read beside text.
    pub media: &'static [&'static str],
    /// What it has a place for.
    pub takes: &'static [Takes],
    /// What its providers insist on.
    pub wants: &'static [Wants],
    /// What its providers take for the name of a tool; `None`: anything.
    pub tool_names: Option<ToolNames>,
    /// Whose rules schemas follow; `None`: what is not known is taken, or goes another way.
    pub schemas: Option<Rules>,
}

impl Shape {
    /// Model and `stream` are fields of the body, streams are server-sent events.
    pub const SSE: Self = Self {
        stream_types: &["text/event-stream"],
        model_in_path: false,
        stream_in_path: false,
        streams_by_default: false,
        request_id: None,
        answer_id: "",
        cites: Cites::Nothing,
        media: &[],
        takes: &[],
        wants: &[],
        tool_names: None,
        schemas: None,
    };

    /// The same, as OpenAI has it.
    pub const OPENAI: Self = Self { request_id: Some("x-request-id"), answer_id: "chatcmpl-", ..Self::SSE };

    /// Whether it has a place for that.
    pub fn takes(&self, what: Takes) -> bool {
        self.takes.contains(&what)
    }

    /// Whether its providers insist on that.
    pub fn wants(&self, what: Wants) -> bool {
        self.wants.contains(&what)
    }

    /// Whether a request may hold more than text. A word that means something else counts as well.
    pub fn may_hold_media(&self, body: &[u8]) -> bool {
        self.media.iter().any(|word| memchr::memmem::find(body, word.as_bytes()).is_some())
    }

    /// The media type of the streams that clients get.
    pub fn stream_type(&self) -> &'static str {
        self.stream_types.first().copied().unwrap_or("text/event-stream")
    }
}
