//! A provider's event stream into the hub's events.

use super::super::finish::finish_reason;
use super::super::usage::{Counts, WireUsage};
use super::super::wire::{Added, Block, Data, Delta as WireDelta};
use crate::chat::{Delta, Event, EventSink, Failure, Finish, PartStart, Text};
use crate::dialect::Dialect;
use crate::dialect::lane::read_failure;
use crate::dialect::service::is_missed;
use crate::wire::json::{ParseError, parse};
use crate::wire::sse::{Event as Frame, Framer};
use serde_json::value::RawValue;

/// Reads the bytes of a stream, cut anywhere.
#[derive(Debug, Default)]
pub struct StreamDecoder {
    framer: Framer,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    counts: Counts,
    open: Open,
    /// An end or an error was seen: nothing counts any more.
    over: bool,
}

/// The block that is open.
#[derive(Debug, Default, PartialEq)]
enum Open {
    #[default]
    None,
    /// A part of the hub's.
    Part,
    /// A tool call, with the arguments its start gave, which count only if no others come.
    Call { early: Option<String> },
    /// A block that the hub has no word for.
    Skipped,
}

impl StreamDecoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a chunk.
    pub fn push<S: EventSink>(&mut self, chunk: &[u8], sink: &mut S) {
        let state = &mut self.state;
        if self.framer.each(chunk, |frame| state.frame(&frame, sink)).is_err() {
            state.fail(Failure::new(502, "the provider's stream has an event without end"), sink);
        }
    }

    /// The connection closed: reads an event that was left without its blank line.
    pub fn end<S: EventSink>(&mut self, sink: &mut S) {
        if let Some(frame) = self.framer.finish() {
            self.state.frame(&frame, sink);
        }
    }
}

impl State {
    fn fail<S: EventSink>(&mut self, failure: Failure, sink: &mut S) {
        if !std::mem::replace(&mut self.over, true) {
            sink.event(Event::Error(failure));
        }
    }

    fn malformed<S: EventSink>(&mut self, error: &ParseError, sink: &mut S) {
        let failure = Failure::new(502, format!("the provider's stream is malformed: {error}"));
        self.fail(failure.with_code("malformed_answer"), sink);
    }

    fn frame<S: EventSink>(&mut self, frame: &Frame<'_>, sink: &mut S) {
        if self.over {
            return;
        }
        let Some(bytes) = frame.data else {
            // A server may answer with a bare JSON error and status 200.
            let raw = frame.raw.trim_ascii();
            if frame.name.is_empty()
                && raw.starts_with(b"{")
                && memchr::memmem::find(raw, b"\"error\"").is_some()
            {
                self.fail(read_failure(Dialect::Anthropic, 200, raw), sink);
            }
            return;
        };
        match frame.name {
            "ping" => return sink.event(Event::Ping),
            "error" => return self.fail(read_failure(Dialect::Anthropic, 200, bytes), sink),
            "content_block_delta" => {
                return match parse::<Added<'_>>(bytes) {
                    Ok(added) => self.delta(added.delta.unwrap_or_default(), sink),
                    Err(error) => self.malformed(&error, sink),
                };
            }
            _ => {}
        }
        let data: Data<'_> = match parse(bytes) {
            Ok(data) => data,
            Err(error) => return self.malformed(&error, sink),
        };
        let kind = data.kind.clone().unwrap_or_default().to_str();
        match &*kind {
            "message_start" => {
                let message = data.message.unwrap_or_default();
                sink.event(Event::Start {
                    id: message.id.unwrap_or_default(),
                    model: message.model.unwrap_or_default(),
                    created: None,
                });
                self.usage(message.usage.as_ref(), false, sink);
            }
            "content_block_start" => self.start(data.block.unwrap_or_default(), sink),
            "content_block_delta" => self.delta(data.delta.unwrap_or_default(), sink),
            "content_block_stop" => self.stop(sink),
            "message_delta" => {
                self.stop(sink);
                let delta = data.delta.unwrap_or_default();
                self.usage(data.usage.as_ref(), delta.stop_reason.is_some(), sink);
                if let Some(reason) = delta.stop_reason {
                    let reason = finish_reason(&reason.to_str());
                    sink.event(Event::Finish {
                        choice: 0,
                        finish: Finish { reason, stop_sequence: delta.stop_sequence },
                    });
                }
                for (name, value) in &delta.extra {
                    if is_missed(name, value) {
                        sink.event(Event::Lost(name));
                    }
                }
            }
            "message_stop" => {
                self.stop(sink);
                self.over = true;
                sink.event(Event::End);
            }
            "ping" => sink.event(Event::Ping),
            "error" => self.fail(read_failure(Dialect::Anthropic, 200, bytes), sink),
            // The API's versioning promises new kinds of events.
            other => sink.event(Event::Lost(other)),
        }
    }

    fn usage<S: EventSink>(&mut self, usage: Option<&WireUsage<'_>>, last: bool, sink: &mut S) {
        if let Some(usage) = usage {
            self.counts.update(usage);
            sink.event(Event::Usage { usage: self.counts.to_usage(), last });
        }
    }

    fn start<S: EventSink>(&mut self, block: Block<'_>, sink: &mut S) {
        self.stop(sink);
        let open = |part, sink: &mut S| sink.event(Event::PartStart { choice: 0, part });
        let kind = block.kind.unwrap_or_default().to_str();
        match &*kind {
            "text" => {
                open(PartStart::Text, sink);
                self.open = Open::Part;
                add(Delta::Text(text(block.text)), sink);
            }
            "thinking" => {
                open(PartStart::Thinking, sink);
                self.open = Open::Part;
                add(Delta::Thinking(text(block.thinking)), sink);
                add(Delta::Signature(text(block.signature)), sink);
            }
            "redacted_thinking" => {
                open(PartStart::RedactedThinking(text(block.data)), sink);
                self.open = Open::Part;
            }
            "tool_use" => {
                open(PartStart::ToolCall { id: text(block.id), name: text(block.name) }, sink);
                let early = block.input.map_or("{}", RawValue::get);
                self.open = Open::Call { early: Some(early.to_owned()) };
            }
            other => {
                sink.event(Event::Lost(other));
                self.open = Open::Skipped;
            }
        }
    }

    fn delta<S: EventSink>(&mut self, delta: WireDelta<'_>, sink: &mut S) {
        if matches!(self.open, Open::Skipped | Open::None) {
            return;
        }
        let kind = delta.kind.unwrap_or_default().to_str();
        match &*kind {
            "text_delta" => add(Delta::Text(delta.text.unwrap_or_default()), sink),
            "thinking_delta" => add(Delta::Thinking(delta.thinking.unwrap_or_default()), sink),
            "signature_delta" => add(Delta::Signature(delta.signature.unwrap_or_default()), sink),
            "input_json_delta" => {
                let Open::Call { early } = &mut self.open else { return };
                let json = delta.partial_json.unwrap_or_default();
                if !json.is_empty() {
                    *early = None;
                }
                add(Delta::Arguments(json), sink);
            }
            "citations_delta" => sink.event(Event::Lost("citations")),
            other => sink.event(Event::Lost(other)),
        }
    }

    fn stop<S: EventSink>(&mut self, sink: &mut S) {
        match std::mem::take(&mut self.open) {
            Open::None | Open::Skipped => return,
            Open::Part | Open::Call { early: None } => {}
            Open::Call { early: Some(arguments) } => {
                sink.event(Event::Delta { choice: 0, delta: Delta::Arguments(Text::from(arguments)) });
            }
        }
        sink.event(Event::PartStop { choice: 0 });
    }
}

fn text(value: Option<&RawValue>) -> Text<'_> {
    value.and_then(Text::from_raw).unwrap_or_default()
}

/// Adds to the open part, unless there is nothing to add.
fn add<S: EventSink>(delta: Delta<'_>, sink: &mut S) {
    let (Delta::Text(text) | Delta::Thinking(text) | Delta::Signature(text) | Delta::Arguments(text)) =
        &delta;
    if !text.is_empty() {
        sink.event(Event::Delta { choice: 0, delta });
    }
}
