//! The blocks that Anthropic makes of one text, put together again.
//!
//! Citations come before the text of their block, or within it, and are of all of it: they are told when it ends.

use super::super::citation::read;
use crate::chat::{Citation, Event, EventSink, Text, characters};
use serde_json::value::RawValue;

/// The open text.
#[derive(Debug, Default)]
pub(super) struct Cited {
    /// Its characters so far, and those before its last block.
    written: u64,
    before: u64,
    /// What its last block relies on.
    pages: Vec<Citation<'static>>,
    /// Whether the last block relied on anything.
    relied: bool,
}

impl Cited {
    /// Whether a block that begins now goes on with the text before it: one of the two relies on pages, which is why there
    /// are two. A block that will says so as it begins.
    pub(super) fn joins(&self, announced: bool) -> bool {
        self.relied || announced
    }

    /// Another block of the text begins.
    pub(super) fn next(&mut self) {
        self.before = self.written;
        self.relied = false;
    }

    /// More text.
    pub(super) fn say(&mut self, text: &Text<'_>) {
        self.written = self.written.saturating_add(characters(&text.to_str()));
    }

    /// What the open block relies on.
    pub(super) fn cite<S: EventSink>(&mut self, raw: &RawValue, sink: &mut S) {
        match read(raw, (0, 0)).filter(|_| self.pages.len() < Citation::MOST) {
            Some((page, quotes)) => {
                self.pages.push(page.into_owned());
                if quotes {
                    sink.event(Event::Lost("cited_text"));
                }
            }
            None => sink.event(Event::Lost("citations")),
        }
    }

    /// The block ends: it is known how far it goes.
    pub(super) fn stop<S: EventSink>(&mut self, sink: &mut S) {
        let span = (self.before, self.written);
        self.relied = !self.pages.is_empty();
        for page in std::mem::take(&mut self.pages) {
            sink.event(Event::Citation { choice: 0, citation: Citation { span, ..page } });
        }
    }
}
