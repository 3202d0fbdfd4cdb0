//! What proves a thought to its maker, or holds one that only the maker can read. Streams may say it in pieces; in the
//! hub it is whole, since it is marked and wrapped as a whole.

use crate::chat::{Delta, Event, EventSink, Failure, PartStart, Text};
use crate::wire::base64;

/// Bytes of one proof, at most: the longest thoughts are some hundred thousand tokens, and providers say theirs at once.
const MOST_BYTES: usize = 16 << 20;

/// The pieces of an open block's proof.
#[derive(Debug, Default)]
pub(super) struct Proof {
    pieces: Vec<String>,
    /// Bytes of them, with what it takes to keep each.
    kept: usize,
}

impl Proof {
    /// Takes another piece.
    ///
    /// # Errors
    /// It has no end.
    pub(super) fn push(&mut self, piece: &Text<'_>) -> Result<(), Failure> {
        if piece.is_empty() {
            return Ok(());
        }
        self.kept = self.kept.saturating_add(piece.len()).saturating_add(size_of::<String>());
        if self.kept > MOST_BYTES {
            let failure = Failure::new(502, "the provider's stream has a signature without end");
            return Err(failure.with_code("malformed_answer"));
        }
        self.pieces.push(piece.to_str().into_owned());
        Ok(())
    }

    /// Tells the signature of the open thought, where there is one.
    pub(super) fn sign<S: EventSink>(&mut self, sink: &mut S) {
        let Self { pieces, .. } = std::mem::take(self);
        if !pieces.is_empty() {
            sink.event(Event::Delta { choice: 0, delta: Delta::Signature(pieces.concat().into()) });
        }
    }

    /// Tells a thought that only its maker can read, all of it.
    pub(super) fn tell_redacted<S: EventSink>(&mut self, sink: &mut S) {
        let Self { pieces, .. } = std::mem::take(self);
        let data = match &*pieces {
            [] => return,
            [whole] => Text::plain(&**whole),
            // Each piece is base64 by itself.
            pieces => Text::from(joined(pieces).unwrap_or_else(|| pieces.concat())),
        };
        sink.event(Event::PartStart { choice: 0, part: PartStart::RedactedThinking(data) });
        sink.event(Event::PartStop { choice: 0 });
    }
}

/// The bytes of all pieces, as one text of base64; `None` where one of them is none.
fn joined(pieces: &[String]) -> Option<String> {
    let bytes: Option<Vec<Vec<u8>>> = pieces.iter().map(|piece| base64::decode(piece)).collect();
    let mut text = Vec::new();
    base64::encode(&bytes?.concat(), &mut text);
    String::from_utf8(text).ok()
}
