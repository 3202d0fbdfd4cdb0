//! A thought towards the client: a summary of one part, and what proves to its maker that it is the maker's.

use super::events::{ADDED, Events, Place, literal};
use crate::chat::Text;
use crate::dialect::{Dialect, signature};
use crate::wire::json::{Object, object};

/// An open thought.
#[derive(Debug)]
pub(super) struct Thought {
    id: String,
    /// Its text as it stands within quotes.
    text: Vec<u8>,
    /// The client knows of it.
    shown: bool,
    signature: Option<Text<'static>>,
    kind: signature::Kind,
}

impl Thought {
    /// A thought that says nothing yet.
    pub(super) fn new(id: String, kind: signature::Kind, signature: Option<Text<'static>>) -> Self {
        Self { id, text: Vec::new(), shown: false, signature, kind }
    }

    /// How many bytes are kept of it.
    pub(super) fn kept(&self) -> usize {
        self.text.len()
    }

    /// More of it.
    pub(super) fn text(&mut self, text: &Text<'_>, index: u64, events: &mut Events, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        let place = Place { id: &self.id, index };
        if !std::mem::replace(&mut self.shown, true) {
            events.item(out, ADDED, index, |out| {
                object(out, |o| {
                    o.word("type", "reasoning");
                    o.str("id", &self.id);
                    o.array("summary", |_| ());
                });
            });
            about_summary(events, out, "response.reasoning_summary_part.added", place, |o| {
                o.object("part", |o| write_part(o, b""));
            });
        }
        text.write_content(&mut self.text);
        about_summary(events, out, "response.reasoning_summary_text.delta", place, |o| {
            o.text("delta", text);
        });
    }

    /// What proves whose it is.
    pub(super) fn sign(&mut self, signature: &Text<'_>) {
        self.signature = Some(signature.clone().into_owned());
    }

    /// Its item, which says who made it; `None`: a thought that says nothing and proves nothing is none.
    pub(super) fn close(
        self,
        maker: Dialect,
        index: u64,
        events: &mut Events,
        out: &mut Vec<u8>,
    ) -> Option<Vec<u8>> {
        if !self.shown && self.signature.is_none() {
            return None;
        }
        if self.shown {
            let place = Place { id: &self.id, index };
            about_summary(events, out, "response.reasoning_summary_text.done", place, |o| {
                literal(o, "text", &self.text);
            });
            about_summary(events, out, "response.reasoning_summary_part.done", place, |o| {
                o.object("part", |o| write_part(o, &self.text));
            });
        }
        let signature = self.signature.map(|signature| match maker {
            Dialect::OpenaiResponses => signature,
            maker => signature::marked(maker, self.kind, &signature),
        });
        let mut item = Vec::new();
        object(&mut item, |o| {
            o.word("type", "reasoning");
            o.str("id", &self.id);
            o.array("summary", |summary| {
                if self.shown {
                    summary.object(|o| write_part(o, &self.text));
                }
            });
            if let Some(signature) = &signature {
                o.text("encrypted_content", signature);
            }
        });
        if !self.shown {
            events.item(out, ADDED, index, |out| out.extend_from_slice(&item));
        }
        Some(item)
    }
}

fn write_part(o: &mut Object<'_>, text: &[u8]) {
    o.word("type", "summary_text");
    literal(o, "text", text);
}

/// An event about the summary, which has one part.
fn about_summary(
    events: &mut Events,
    out: &mut Vec<u8>,
    name: &'static str,
    place: Place<'_>,
    fill: impl FnOnce(&mut Object<'_>),
) {
    events.about_item(out, name, place, |o| {
        o.u64("summary_index", 0);
        fill(o);
    });
}
