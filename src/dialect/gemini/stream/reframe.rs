//! A stream between two sides that both speak Gemini and want different framings.

use super::frames::{Found, Frame, Frames};
use crate::chat::Failure;

/// Puts the objects of a stream, untouched, into the framing the client wants.
#[derive(Debug)]
pub struct Reframer {
    frames: Frames,
    framing: Framing,
}

/// Writes objects in a client's framing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Framing {
    /// As one JSON array; otherwise as server-sent events.
    array: bool,
    opened: bool,
    closed: bool,
}

impl Framing {
    pub(super) fn new(array: bool) -> Self {
        Self { array, opened: false, closed: false }
    }

    /// Appends one object, which `write` appends.
    pub(super) fn item(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let opened = std::mem::replace(&mut self.opened, true);
        let before: &[u8] = match (self.array, opened) {
            (false, _) => b"data: ",
            (true, false) => b"[",
            (true, true) => b"\r\n,",
        };
        out.extend_from_slice(before);
        write(out);
        if !self.array {
            out.extend_from_slice(b"\r\n\r\n");
        }
    }

    /// Appends what ends the stream.
    pub(super) fn close(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.closed, true) && self.array {
            out.extend_from_slice(if self.opened { b"]" } else { b"[]" });
        }
    }

    /// Appends a failure, and ends the stream.
    pub(super) fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        if !self.closed {
            self.item(out, |out| super::super::write_failure(failure, &[], "", out));
            self.close(out);
        }
    }
}

impl Reframer {
    /// For a client that wants an array, or events.
    pub fn new(array: bool) -> Self {
        Self { frames: Frames::default(), framing: Framing::new(array) }
    }

    /// Takes the next bytes. `true`: they are framed as the client wants them and pass as they are.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> bool {
        if self.passes() {
            return true;
        }
        let length = out.len();
        let Self { frames, framing } = self;
        let pushed = frames.push(chunk, |frame| {
            if let Frame::Item(item) = frame {
                framing.item(out, |out| out.extend_from_slice(item));
            }
        });
        if self.passes() {
            // The first bytes told. White space before them says nothing.
            self.framing = Framing::new(self.framing.array);
            out.truncate(length);
            out.extend_from_slice(chunk.trim_ascii_start());
        } else if let Err(message) = pushed {
            self.framing.fail(&Failure::new(502, message), out);
        }
        false
    }

    /// Whether the provider's framing is the client's.
    fn passes(&self) -> bool {
        let wanted = if self.framing.array { Found::Array } else { Found::Events };
        self.frames.framing() == Some(wanted)
    }

    /// The stream ended; `failure`: before the answer was complete.
    pub fn end(&mut self, failure: Option<&Failure>, out: &mut Vec<u8>) {
        let passes = self.passes();
        let Self { frames, framing } = self;
        if !passes {
            frames.end(|frame| {
                if let Frame::Item(item) = frame {
                    framing.item(out, |out| out.extend_from_slice(item));
                }
            });
        }
        match failure {
            // An array that was cut off is left open: within it there is no telling where the bytes ended.
            Some(_) if passes && framing.array => {}
            Some(failure) => framing.fail(failure, out),
            None if !passes => framing.close(out),
            None => {}
        }
    }
}
