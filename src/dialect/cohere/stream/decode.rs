//! Cohere's event stream into the hub's events.

use super::super::wire::{Block, Call, Data, Delta as WireDelta};
use super::super::{finish, logprobs};
use crate::chat::{Delta, Event, EventSink, Failure, PartStart, Text};
use crate::dialect::lane::read_failure;
use crate::dialect::side_by_side::{Step, Turns};
use crate::wire::json::{Stencil, parse, parse_raw};
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
    open: Open,
    turns: Turns,
    /// An end or an error was seen: nothing counts any more.
    over: bool,
    /// The last event that did nothing but add a text to a part of this kind: most are like the one before.
    plain: Stencil<Open>,
}

/// The part that is open.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Open {
    #[default]
    None,
    Text,
    Thinking,
    /// A call; `true`: arguments have come.
    Call(bool),
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

    fn frame<S: EventSink>(&mut self, frame: &Frame<'_>, sink: &mut S) {
        if self.over {
            return;
        }
        let Some(bytes) = frame.data else {
            // A server may answer with a bare JSON error and status 200.
            let raw = frame.raw.trim_ascii();
            if frame.name.is_empty()
                && raw.starts_with(b"{")
                && memchr::memmem::find(raw, b"\"message\"").is_some()
            {
                self.fail(read_failure(200, raw), sink);
            }
            return;
        };
        if bytes.trim_ascii() == b"[DONE]" {
            return;
        }
        if let Some((open, text)) = self.plain.read(bytes) {
            return self.say(open, text, sink);
        }
        let data: Data<'_> = match parse(bytes) {
            Ok(data) => data,
            Err(error) => {
                let failure = Failure::new(502, format!("the provider's stream is malformed: {error}"));
                return self.fail(failure.with_code("malformed_answer"), sink);
            }
        };
        let kind = data.kind.clone().unwrap_or_default().to_str();
        if let Some((step, block)) = step(&kind, data.index) {
            return match self.turns.is_on(step, block, bytes) {
                Ok(true) => {
                    self.block(&kind, data, Some(bytes), sink);
                    self.go_on(false, sink);
                }
                Ok(false) => self.plain = Stencil::default(),
                Err(failure) => self.fail(failure, sink),
            };
        }
        let delta = data.delta.unwrap_or_default();
        match &*kind {
            "message-start" => {
                let id = data.id.unwrap_or_default();
                sink.event(Event::Start { id, model: Text::default(), created: None });
            }
            "tool-plan-delta" => {
                let plan = delta.message.and_then(|message| message.tool_plan).unwrap_or_default();
                self.say(Open::Thinking, plan, sink);
            }
            "citation-start" => sink.event(Event::Lost("citations")),
            "message-end" => self.end(delta, sink),
            "" if data.message.is_some() => self.fail(read_failure(200, bytes), sink),
            // The ends of citations, notes for Cohere's own developers, and what may come after this was written.
            _ => {}
        }
    }

    /// What is said of a block: one may begin while another is open.
    fn block<S: EventSink>(&mut self, kind: &str, data: Data<'_>, bytes: Option<&[u8]>, sink: &mut S) {
        let delta = data.delta.unwrap_or_default();
        match kind {
            "content-start" => {
                self.stop(sink);
                let (open, text) = content(&delta);
                self.say(open, text, sink);
            }
            "content-delta" => {
                let (open, text) = content(&delta);
                if let Some(text) = text.literal().filter(|_| data.logprobs.is_none())
                    && let Some(bytes) = bytes
                {
                    self.plain.learn(open, bytes, text, &[]);
                }
                self.say(open, text, sink);
                if let Some(json) = data.logprobs.and_then(logprobs::decode) {
                    sink.event(Event::Logprobs { choice: 0, json });
                }
            }
            "tool-call-start" => self.call(&delta, sink),
            "tool-call-delta" => {
                let arguments = call_of(&delta).function.and_then(|function| function.arguments);
                self.arguments(arguments.unwrap_or_default(), sink);
            }
            _ => self.stop(sink),
        }
    }

    /// Reads what waited for its turn.
    fn go_on<S: EventSink>(&mut self, is_end: bool, sink: &mut S) {
        while let Some(events) = self.turns.next(is_end) {
            for (_, bytes) in &events {
                // It was read before it waited.
                let Ok(data) = parse::<Data<'_>>(bytes) else { return };
                let kind = data.kind.clone().unwrap_or_default().to_str();
                self.block(&kind, data, None, sink);
            }
        }
    }

    /// Adds to the part of a kind; opens it where it is not open.
    fn say<S: EventSink>(&mut self, wanted: Open, text: Text<'_>, sink: &mut S) {
        if text.is_empty() {
            return;
        }
        if self.open != wanted {
            self.stop(sink);
            let part = if wanted == Open::Thinking { PartStart::Thinking } else { PartStart::Text };
            sink.event(Event::PartStart { choice: 0, part });
            self.open = wanted;
        }
        let delta = if wanted == Open::Thinking { Delta::Thinking(text) } else { Delta::Text(text) };
        sink.event(Event::Delta { choice: 0, delta });
    }

    fn call<S: EventSink>(&mut self, delta: &WireDelta<'_>, sink: &mut S) {
        self.stop(sink);
        let call = call_of(delta);
        let function = call.function.unwrap_or_default();
        let part =
            PartStart::ToolCall { id: call.id.unwrap_or_default(), name: function.name.unwrap_or_default() };
        sink.event(Event::PartStart { choice: 0, part });
        self.open = Open::Call(false);
        self.arguments(function.arguments.unwrap_or_default(), sink);
    }

    fn arguments<S: EventSink>(&mut self, text: Text<'_>, sink: &mut S) {
        if text.is_empty() || !matches!(self.open, Open::Call(_)) {
            return;
        }
        self.open = Open::Call(true);
        sink.event(Event::Delta { choice: 0, delta: Delta::Arguments(text) });
    }

    fn stop<S: EventSink>(&mut self, sink: &mut S) {
        match std::mem::take(&mut self.open) {
            Open::None => return,
            // A call of a tool that takes nothing has no deltas at all.
            Open::Call(false) => {
                sink.event(Event::Delta { choice: 0, delta: Delta::Arguments(Text::plain("{}")) });
            }
            Open::Call(true) | Open::Text | Open::Thinking => {}
        }
        sink.event(Event::PartStop { choice: 0 });
    }

    fn end<S: EventSink>(&mut self, delta: WireDelta<'_>, sink: &mut S) {
        let word = delta.finish_reason.unwrap_or_default().to_str();
        if let Some(failure) = finish::failure(&word, delta.error.as_ref()) {
            return self.fail(failure, sink);
        }
        self.go_on(true, sink);
        self.stop(sink);
        let usage = delta.usage.map(|usage| usage.to_usage()).unwrap_or_default();
        if !usage.is_empty() {
            sink.event(Event::Usage { usage, last: true });
        }
        sink.event(Event::Finish { choice: 0, finish: finish::decode(&word) });
        self.over = true;
        sink.event(Event::End);
    }
}

/// What an event says of a block, and of which: calls are counted by themselves.
fn step(kind: &str, index: Option<u64>) -> Option<(Step, u64)> {
    let block = |is_call: u64| index.unwrap_or(0).saturating_mul(2).saturating_add(is_call);
    Some(match kind {
        "content-start" => (Step::Begins, block(0)),
        "content-delta" => (Step::GoesOn, block(0)),
        "content-end" => (Step::Ends, block(0)),
        "tool-call-start" => (Step::Begins, block(1)),
        "tool-call-delta" => (Step::GoesOn, block(1)),
        "tool-call-end" => (Step::Ends, block(1)),
        _ => return None,
    })
}

/// What is said, and the kind of part that it belongs to.
fn content<'a>(delta: &WireDelta<'a>) -> (Open, Text<'a>) {
    let block: Block<'_> = object(delta.message.as_ref().and_then(|message| message.content));
    let thinks = block.thinking.is_some() || block.kind.as_ref().is_some_and(|kind| *kind == "thinking");
    if thinks {
        (Open::Thinking, block.thinking.unwrap_or_default())
    } else {
        (Open::Text, block.text.unwrap_or_default())
    }
}

fn call_of<'a>(delta: &WireDelta<'a>) -> Call<'a> {
    object(delta.message.as_ref().and_then(|message| message.tool_calls))
}

/// An object where there is one; the start of a stream has lists in its place.
fn object<'a, T: serde::Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> T {
    raw.and_then(|raw| parse_raw(raw).ok()).unwrap_or_default()
}
