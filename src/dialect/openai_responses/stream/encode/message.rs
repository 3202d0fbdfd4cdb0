//! A message towards the client, and its parts: text and refusals.

use super::events::{ADDED, Events, Place, bracketed, list, literal, separate};
use crate::chat::{Citation, Text};
use crate::dialect::openai_responses::part::write_citation;
use crate::wire::json::{Object, members, object};

/// An open message; one of its parts may be open.
#[derive(Debug)]
pub(super) struct Message {
    id: String,
    /// The complete parts, with commas between them, and how many there are.
    parts: Vec<u8>,
    count: u64,
    part: Option<Words>,
}

/// The part that is open: its text as it stands within quotes, and its log probabilities.
#[derive(Debug, Default)]
struct Words {
    is_refusal: bool,
    /// The client knows of it: a part that says nothing is none.
    shown: bool,
    text: Vec<u8>,
    logprobs: Vec<u8>,
    /// What it relies on, with commas between them, and how many there are.
    annotations: Vec<u8>,
    cited: u64,
}

impl Message {
    /// A message without parts.
    pub(super) fn new(id: String) -> Self {
        Self { id, parts: Vec::new(), count: 0, part: None }
    }

    /// Opens a part.
    pub(super) fn open(&mut self, is_refusal: bool) {
        self.part = Some(Words { is_refusal, ..Words::default() });
    }

    /// How many bytes are kept of it.
    pub(super) fn kept(&self) -> usize {
        self.parts.len().saturating_add(self.part.as_ref().map_or(0, |part| part.text.len()))
    }

    /// More of the open part's text.
    pub(super) fn text(&mut self, text: &Text<'_>, index: u64, events: &mut Events, out: &mut Vec<u8>) {
        let Some(part) = self.part.as_mut().filter(|_| !text.is_empty()) else { return };
        let place = Place { id: &self.id, index };
        if !std::mem::replace(&mut part.shown, true) {
            if self.parts.is_empty() {
                events.item(out, ADDED, index, |out| write(out, &self.id, "in_progress", b""));
            }
            about_part(events, out, "response.content_part.added", place, self.count, |o| {
                o.object("part", |o| part.write(o, true));
            });
        }
        text.write_content(&mut part.text);
        let name = if part.is_refusal { "response.refusal.delta" } else { "response.output_text.delta" };
        about_part(events, out, name, place, self.count, |o| {
            o.text("delta", text);
            if !part.is_refusal {
                o.array("logprobs", |_| ());
            }
        });
    }

    /// Log probabilities of the open part, kept for its end. Other dialects say them beside the words, OpenAI's chat in
    /// the same chunk.
    pub(super) fn logprobs(&mut self, json: &str) {
        let Ok(found) = members(json.as_bytes()) else { return };
        let content = found.get("content").map(|member| member.value.get().trim());
        let Some(items) = content.and_then(|list| list.strip_prefix('[')?.strip_suffix(']')) else { return };
        if let Some(part) = &mut self.part
            && !items.trim().is_empty()
        {
            separate(&mut part.logprobs);
            part.logprobs.extend_from_slice(items.as_bytes());
        }
    }

    /// A page that the open part relies on. It stays with the text to its end.
    pub(super) fn cite(
        &mut self,
        citation: &Citation<'_>,
        index: u64,
        events: &mut Events,
        out: &mut Vec<u8>,
    ) {
        let Some(part) = &mut self.part else { return };
        let place = Place { id: &self.id, index };
        // A text that the client does not know of yet gets them with its end.
        if part.shown {
            let name = "response.output_text.annotation.added";
            about_part(events, out, name, place, self.count, |o| {
                o.u64("annotation_index", part.cited);
                o.object("annotation", |o| write_citation(o, citation));
            });
        }
        part.cited = part.cited.saturating_add(1);
        separate(&mut part.annotations);
        object(&mut part.annotations, |o| write_citation(o, citation));
    }

    /// Closes the open part.
    pub(super) fn close_part(&mut self, index: u64, events: &mut Events, out: &mut Vec<u8>) {
        let Some(part) = self.part.take().filter(|part| part.shown) else { return };
        let place = Place { id: &self.id, index };
        let (name, key) = if part.is_refusal {
            ("response.refusal.done", "refusal")
        } else {
            ("response.output_text.done", "text")
        };
        about_part(events, out, name, place, self.count, |o| {
            literal(o, key, &part.text);
            if !part.is_refusal {
                list(o, "logprobs", &part.logprobs);
            }
        });
        about_part(events, out, "response.content_part.done", place, self.count, |o| {
            o.object("part", |o| part.write(o, false));
        });
        separate(&mut self.parts);
        object(&mut self.parts, |o| part.write(o, false));
        self.count = self.count.saturating_add(1);
    }

    /// Its item, when all of its parts are closed; `None`: it says nothing, and the client does not know of it.
    pub(super) fn close(self, status: &'static str) -> Option<Vec<u8>> {
        let mut item = Vec::new();
        (!self.parts.is_empty()).then(|| {
            write(&mut item, &self.id, status, &self.parts);
            item
        })
    }
}

impl Words {
    /// Writes the part; `begins`: as it is before its first word.
    fn write(&self, o: &mut Object<'_>, begins: bool) {
        let text: &[u8] = if begins { b"" } else { &self.text };
        if self.is_refusal {
            o.word("type", "refusal");
            return literal(o, "refusal", text);
        }
        o.word("type", "output_text");
        literal(o, "text", text);
        list(o, "annotations", if begins { b"" } else { &self.annotations });
        list(o, "logprobs", if begins { b"" } else { &self.logprobs });
    }
}

/// Writes the item with parts that were written before.
fn write(out: &mut Vec<u8>, id: &str, status: &'static str, parts: &[u8]) {
    object(out, |o| {
        o.word("type", "message");
        o.str("id", id);
        o.word("status", status);
        o.word("role", "assistant");
        bracketed(o.key("content"), parts);
    });
}

/// An event about a part: besides, its place in the message.
fn about_part(
    events: &mut Events,
    out: &mut Vec<u8>,
    name: &'static str,
    place: Place<'_>,
    part: u64,
    fill: impl FnOnce(&mut Object<'_>),
) {
    events.about_item(out, name, place, |o| {
        o.u64("content_index", part);
        fill(o);
    });
}
