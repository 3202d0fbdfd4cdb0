//! Streams of Anthropic's events in Bedrock's frames, and out of them.

use crate::chat::Failure;
use crate::dialect::lane::read_failure;
use crate::dialect::{anthropic, bedrock};
use crate::wire::eventstream::{self, Frame, write_frame};
use crate::wire::json::{Text, object, parse, wire_object};
use crate::wire::{base64, sse};

wire_object! {
    /// What a frame holds.
    light struct Chunk<'a> {
        bytes: Text<'a> = "bytes",
    }
}

wire_object! {
    /// What names an event.
    light struct Named<'a> {
        kind: Text<'a> = "type",
    }
}

/// Takes Anthropic's events out of frames: they become server-sent events again.
#[derive(Debug, Default)]
pub(crate) struct Unwrap {
    framer: eventstream::Framer,
    /// An error was told: nothing counts any more.
    over: bool,
}

impl Unwrap {
    /// Takes the next bytes, however they are cut, and appends events to `out`.
    pub(crate) fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let mut rest = chunk;
        while !self.over {
            match self.framer.next(&mut rest) {
                Ok(Some(frame)) => {
                    if let Err(failure) = event(&frame, out) {
                        self.over = true;
                        anthropic::write_failure_event(&failure, out);
                    }
                }
                Ok(None) => return,
                Err(bad) => {
                    self.over = true;
                    anthropic::write_failure_event(&malformed(&bad), out);
                }
            }
        }
    }
}

fn malformed(what: &dyn std::fmt::Display) -> Failure {
    Failure::new(502, format!("the provider's stream is malformed: {what}")).with_code("malformed_answer")
}

/// Appends the event that a frame holds.
fn event(frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<(), Failure> {
    if let Some(failure) = bedrock::exception(frame) {
        return Err(failure);
    }
    if frame.header(":event-type") != Some("chunk") {
        return Ok(());
    }
    let chunk: Chunk<'_> = parse(frame.payload).map_err(|error| malformed(&error))?;
    let data = base64::decode(&chunk.bytes.unwrap_or_default().to_str())
        .ok_or_else(|| malformed(&"a chunk is not valid base64"))?;
    let named: Named<'_> = parse(&data).map_err(|error| malformed(&error))?;
    out.extend_from_slice(b"event: ");
    // A name of several lines would be several fields.
    let name = named.kind.unwrap_or_default().to_str();
    out.extend(name.bytes().filter(|byte| !byte.is_ascii_control()));
    out.extend_from_slice(b"\ndata: ");
    // Line breaks are no part of JSON's values, and would end the field.
    out.extend(data.into_iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
    out.extend_from_slice(b"\n\n");
    Ok(())
}

/// Puts Anthropic's events into frames.
#[derive(Debug, Default)]
pub(crate) struct Wrap {
    framer: sse::Framer,
}

impl Wrap {
    /// Takes the next bytes of a stream of server-sent events, however they are cut, and appends frames to `out`.
    pub(crate) fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let mut rest = chunk;
        // An event without end was told by the lane already.
        while let Ok(Some(event)) = self.framer.next(&mut rest) {
            frame(&event, out);
        }
    }

    /// The stream has ended: an event may lack its blank line.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        if let Some(event) = self.framer.finish() {
            frame(&event, out);
        }
    }
}

/// Appends the frame of an event; comments have none.
fn frame(event: &sse::Event<'_>, out: &mut Vec<u8>) {
    let Some(data) = event.data else { return };
    if event.name == "error" {
        return bedrock::write_failure_event(&read_failure(200, data), out);
    }
    let mut encoded = Vec::with_capacity(data.len() / 3 * 4 + 4);
    base64::encode(data, &mut encoded);
    let mut payload = Vec::with_capacity(encoded.len() + 16);
    object(&mut payload, |chunk| {
        let out = chunk.key("bytes");
        out.push(b'"');
        out.extend_from_slice(&encoded);
        out.push(b'"');
    });
    let headers =
        [(":event-type", "chunk"), (":content-type", "application/json"), (":message-type", "event")];
    write_frame(&headers, &payload, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

    fn wrapped(events: &[u8], size: usize) -> Vec<u8> {
        let (mut wrap, mut out) = (Wrap::default(), Vec::new());
        for piece in events.chunks(size) {
            wrap.push(piece, &mut out);
        }
        wrap.end(&mut out);
        out
    }

    fn unwrapped(frames: &[u8], size: usize) -> String {
        let (mut unwrap, mut out) = (Unwrap::default(), Vec::new());
        for piece in frames.chunks(size) {
            unwrap.push(piece, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn there_and_back_at_any_split() {
        let frames = wrapped(EVENTS.as_bytes(), EVENTS.len());
        assert_eq!(unwrapped(&frames, frames.len()), EVENTS);
        for size in 1..40 {
            assert_eq!(wrapped(EVENTS.as_bytes(), size), frames);
            assert_eq!(unwrapped(&frames, size), EVENTS);
        }
    }

    #[test]
    fn errors_are_exceptions_there_and_error_events_here() {
        let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"full\"}}\n\n";
        let frames = wrapped(error.as_bytes(), 9);
        assert_eq!(unwrapped(&frames, 7), error);
        let bad = unwrapped(b"{\"message\":\"this is no frame\"}", 100);
        assert!(bad.starts_with("event: error\n"), "{bad}");
        let mut wrong = Vec::new();
        write_frame(&[(":event-type", "chunk")], b"{\"bytes\":\"*\"}", &mut wrong);
        assert!(unwrapped(&wrong, 100).contains("base64"));
    }
}
