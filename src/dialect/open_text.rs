//! The text of a stream that is open, in dialects that make a block of each span that relies on something.
//!
//! Citations come before the text of their block, or within it, and are of all of it: they are told when it ends.

use crate::chat::{Citation, Event, EventSink, Text, characters};

/// The open text.
#[derive(Debug, Default)]
pub(super) struct OpenText {
    /// Its characters so far, and those before its last block.
    written: u64,
    before: u64,
    /// What its last block relies on.
    citations: Vec<Citation<'static>>,
    /// Whether the last block relied on anything.
    relied: bool,
}

impl OpenText {
    /// Whether a block that begins now goes on with the text before it: one of the two relies on something, which is why
    /// there are two. A block that will says so as it begins.
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

    /// What the open block relies on; `None`: something that the hub has no words for.
    pub(super) fn cite<S: EventSink>(&mut self, citation: Option<Citation<'_>>, sink: &mut S) {
        match citation.filter(|_| self.citations.len() < Citation::MOST) {
            Some(citation) => self.citations.push(citation.into_owned()),
            None => sink.event(Event::Lost("citations")),
        }
    }

    /// The block ends: it is known how far it goes.
    pub(super) fn stop<S: EventSink>(&mut self, sink: &mut S) {
        let span = (self.before, self.written);
        self.relied = !self.citations.is_empty();
        for citation in std::mem::take(&mut self.citations) {
            sink.event(Event::Citation { choice: 0, citation: Citation { span, ..citation } });
        }
    }
}
