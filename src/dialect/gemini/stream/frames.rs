//! A stream's answer objects, in whichever framing they come: server-sent events, one JSON array, or a single object
//! where a provider answers in one piece.

use crate::wire::json_array::{self, BadArray};
use crate::wire::sse;

/// Why a stream cannot be followed any further, in a sentence.
pub(super) type Broken = &'static str;

const TOO_LONG: Broken = "the provider's stream has an item without end";
const MALFORMED: Broken = "the provider's stream is no array of answers";

/// Finds the objects. The first byte tells the framing.
#[derive(Debug, Default)]
pub(super) struct Frames {
    kind: Kind,
    /// The array's closing bracket was reported.
    closed: bool,
    /// It was said why nothing more can be read. What comes after must not depend on where the bytes are cut.
    broken: bool,
}

#[derive(Debug, Default)]
enum Kind {
    /// Nothing but white space has come.
    #[default]
    Unknown,
    Events(sse::Framer),
    Array(json_array::Framer),
    /// A single object, which ends with the stream. Bounded as an item of an array is.
    Object(Vec<u8>),
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame<'f> {
    /// The bytes of an object.
    Item(&'f [u8]),
    /// The array's closing bracket.
    Closed,
}

impl Frames {
    /// Takes the next bytes, however they are cut. Nothing is found after an error, which comes once.
    pub(super) fn push(&mut self, chunk: &[u8], take: impl FnMut(Frame<'_>)) -> Result<(), Broken> {
        if self.broken {
            return Ok(());
        }
        let read = self.read(chunk, take);
        self.broken = read.is_err();
        read
    }

    fn read(&mut self, chunk: &[u8], mut take: impl FnMut(Frame<'_>)) -> Result<(), Broken> {
        let mut rest = chunk;
        if matches!(self.kind, Kind::Unknown) {
            rest = rest.trim_ascii_start();
            self.kind = match rest.first() {
                None => return Ok(()),
                Some(b'[') => Kind::Array(json_array::Framer::default()),
                Some(b'{') => Kind::Object(Vec::new()),
                Some(_) => Kind::Events(sse::Framer::default()),
            };
        }
        match &mut self.kind {
            Kind::Unknown => {}
            Kind::Events(framer) => {
                while let Some(event) = framer.next(&mut rest).map_err(|_| TOO_LONG)? {
                    if let Some(item) = item(&event) {
                        take(Frame::Item(item));
                    }
                }
            }
            Kind::Array(framer) => {
                while let Some(item) = framer.next(&mut rest).map_err(|bad| match bad {
                    BadArray::TooLong => TOO_LONG,
                    BadArray::Malformed => MALFORMED,
                })? {
                    take(Frame::Item(item));
                }
                if framer.is_closed() && !std::mem::replace(&mut self.closed, true) {
                    take(Frame::Closed);
                }
            }
            Kind::Object(carry) => {
                if carry.len().saturating_add(rest.len()) > json_array::MAX_ITEM {
                    return Err(TOO_LONG);
                }
                carry.extend_from_slice(rest);
            }
        }
        Ok(())
    }

    /// The stream ended: what was left without its end.
    pub(super) fn end(&mut self, mut take: impl FnMut(Frame<'_>)) {
        if self.broken {
            return;
        }
        match &mut self.kind {
            Kind::Unknown | Kind::Array(_) => {}
            Kind::Events(framer) => {
                if let Some(event) = framer.finish()
                    && let Some(item) = item(&event)
                {
                    take(Frame::Item(item));
                }
            }
            Kind::Object(carry) => take(Frame::Item(&std::mem::take(carry))),
        }
    }

    /// The framing, once the first byte told it.
    pub(super) fn framing(&self) -> Option<Found> {
        match self.kind {
            Kind::Unknown => None,
            Kind::Array(_) => Some(Found::Array),
            Kind::Events(_) => Some(Found::Events),
            Kind::Object(_) => Some(Found::Object),
        }
    }
}

/// A framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Server-sent events.
    Events,
    /// One JSON array.
    Array,
    /// A single object.
    Object,
}

/// The object of an event. A server may write a bare error between the events.
fn item<'e>(event: &sse::Event<'e>) -> Option<&'e [u8]> {
    let item = match event.data {
        Some(data) => data.trim_ascii(),
        None => event.raw.trim_ascii(),
    };
    (item.starts_with(b"{") || event.data.is_some_and(|_| !item.is_empty() && item != b"[DONE]"))
        .then_some(item)
}
