//! The events of a stream, each with its number.

use crate::wire::json::{Object, object};

/// Writes events and counts them.
#[derive(Debug, Default)]
pub(super) struct Events {
    sequence: u64,
}

/// Which item an event is about: its id, and its place in the output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) id: &'a str,
    pub(super) index: u64,
}

impl Events {
    /// The number of the event that comes next.
    pub(super) fn next(&self) -> u64 {
        self.sequence
    }

    /// Writes an event with its number.
    pub(super) fn emit(&mut self, out: &mut Vec<u8>, name: &'static str, fill: impl FnOnce(&mut Object<'_>)) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\ndata: ");
        object(out, |o| {
            o.word("type", name);
            o.u64("sequence_number", self.sequence);
            fill(o);
        });
        out.extend_from_slice(b"\n\n");
        self.sequence = self.sequence.saturating_add(1);
    }

    /// An item begins, or is whole.
    pub(super) fn item(
        &mut self,
        out: &mut Vec<u8>,
        name: &'static str,
        index: u64,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        self.emit(out, name, |o| {
            o.u64("output_index", index);
            write(o.key("item"));
        });
    }

    /// An event about an item.
    pub(super) fn about_item(
        &mut self,
        out: &mut Vec<u8>,
        name: &'static str,
        place: Place<'_>,
        fill: impl FnOnce(&mut Object<'_>),
    ) {
        self.emit(out, name, |o| {
            o.str("item_id", place.id);
            o.u64("output_index", place.index);
            fill(o);
        });
    }
}

/// The event that an item begins with.
pub(super) const ADDED: &str = "response.output_item.added";

/// A string whose content was written before, as it stands within quotes.
pub(super) fn literal(o: &mut Object<'_>, key: &str, content: &[u8]) {
    let out = o.key(key);
    out.push(b'"');
    out.extend_from_slice(content);
    out.push(b'"');
}

/// An array whose items were written before, with commas between them.
pub(super) fn list(o: &mut Object<'_>, key: &str, items: &[u8]) {
    bracketed(o.key(key), items);
}

/// The same where its key stands already.
pub(super) fn bracketed(out: &mut Vec<u8>, items: &[u8]) {
    out.push(b'[');
    out.extend_from_slice(items);
    out.push(b']');
}

/// Puts a comma before what follows, where something stands already.
pub(super) fn separate(items: &mut Vec<u8>) {
    if !items.is_empty() {
        items.push(b',');
    }
}
