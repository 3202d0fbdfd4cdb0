//! A provider's frames into the hub's events.

use super::super::citation;
use super::super::failure::exception;
use super::super::finish::finish;
use super::super::response::stop_sequence;
use super::super::wire::{Data, Delta as WireDelta, ReasoningDelta, Start, ToolUse};
use crate::chat::{Adds, Delta, Event, EventSink, Failure, PartStart, Text};
use crate::dialect::lane::broken_off;
use crate::dialect::open_text::OpenText;
use crate::dialect::proof::Proof;
use crate::dialect::service::is_missed;
use crate::dialect::side_by_side::{Step, Turns};
use crate::wire::eventstream::{Frame, Framer};
use crate::wire::json::{Stencil, parse};

/// The event that nearly all of a stream consists of.
const DELTA: &str = "contentBlockDelta";

/// Reads the bytes of a stream, cut anywhere.
#[derive(Debug, Default)]
pub struct StreamDecoder {
    framer: Framer,
    state: State,
}

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about what was read")]
struct State {
    open: Open,
    /// The index of the open block.
    index: u64,
    turns: Turns,
    started: bool,
    /// A tool was called.
    called: bool,
    said: OpenText,
    /// What proves the open thought, or holds all of it.
    proof: Proof,
    /// It was said why the answer ended.
    finished: bool,
    /// An end or an error was seen: nothing counts any more.
    over: bool,
    /// The last delta that did nothing but add a text to a block: most are like the one before.
    plain: Stencil<(u64, Adds)>,
}

/// The block that is open.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Open {
    #[default]
    None,
    Text,
    Thinking,
    /// A thought that only its maker can read; it may come in pieces.
    Redacted,
    /// A tool call, and whether arguments came.
    Call {
        said: bool,
    },
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
        if let Err(bad) = self.framer.each(chunk, |frame| state.frame(&frame, sink)) {
            let failure = Failure::new(502, format!("the provider's stream is malformed: {bad}"));
            state.fail(failure.with_code("malformed_answer"), sink);
        }
    }

    /// The connection closed. A frame that was cut off says nothing.
    pub fn end<S: EventSink>(&mut self, _sink: &mut S) {}
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
        if let Some(failure) = exception(frame) {
            return self.fail(failure, sink);
        }
        let name = frame.header(":event-type").unwrap_or_default();
        if name == DELTA
            && let Some(((index, adds), text)) = self.plain.read(frame.payload)
            && self.turns.is_current(index)
        {
            self.turn_to(index, sink);
            return self.add(adds, text, sink);
        }
        let data: Data<'_> = match parse(frame.payload) {
            Ok(data) => data,
            Err(error) => {
                let failure = Failure::new(502, format!("the provider's stream is malformed: {error}"));
                return self.fail(failure.with_code("malformed_answer"), sink);
            }
        };
        if let Some(step) = step(name) {
            return self.turn(step, data, frame.payload, sink);
        }
        match name {
            "messageStart" => self.start(sink),
            "messageStop" => {
                self.start(sink);
                if !self.end_blocks(sink) {
                    return;
                }
                let stop_sequence = data.additional.and_then(stop_sequence);
                if let Some(raw) = data.additional.filter(|raw| stop_sequence.is_none() && is_missed("", raw))
                {
                    let _ = raw;
                    sink.event(Event::Lost("additionalModelResponseFields"));
                }
                self.finished = true;
                let word = data.stop_reason.unwrap_or_default().to_str();
                let finish = finish(&word, self.called, stop_sequence);
                sink.event(Event::Finish { choice: 0, finish });
            }
            "metadata" => {
                self.start(sink);
                if !self.end_blocks(sink) {
                    return;
                }
                if data.trace.is_some_and(|trace| is_missed("trace", trace)) {
                    sink.event(Event::Lost("trace"));
                }
                if let Some(usage) = data.usage {
                    sink.event(Event::Usage { usage: usage.to_usage(), last: true });
                }
                if !self.finished {
                    return self.fail(broken_off(), sink);
                }
                self.over = true;
                sink.event(Event::End);
            }
            // The SDKs' protocol may begin with it; it carries nothing here.
            "initial-response" => {}
            other => sink.event(Event::Lost(other)),
        }
    }

    /// An event about a block is read once it is the block's turn: one may begin while another is open.
    fn turn<S: EventSink>(&mut self, step: Step, data: Data<'_>, bytes: &[u8], sink: &mut S) {
        let index = data.index.unwrap_or(0);
        // Texts and thoughts have no event that begins them.
        let begins = step == Step::GoesOn && !self.turns.knows(index);
        match self.turns.is_on(if begins { Step::Begins } else { step }, index, bytes) {
            Ok(true) => {
                if let Some((text, adds)) = data.delta.as_ref().and_then(only_text) {
                    let noise = data.padding.as_ref().and_then(Text::literal);
                    self.plain.learn((index, adds), bytes, text, noise.as_slice());
                }
                self.block(step, index, data, sink);
                self.go_on(false, sink);
            }
            Ok(false) => {}
            Err(failure) => self.fail(failure, sink),
        }
    }

    fn block<S: EventSink>(&mut self, step: Step, index: u64, data: Data<'_>, sink: &mut S) {
        match step {
            Step::Begins if data.start.is_none() && data.delta.is_some() => {
                self.delta(index, data.delta.unwrap_or_default(), sink);
            }
            Step::Begins => self.block_start(index, data.start.unwrap_or_default(), sink),
            Step::GoesOn => self.delta(index, data.delta.unwrap_or_default(), sink),
            Step::Ends => self.stop(sink),
        }
    }

    /// Reads what waited for its turn.
    fn go_on<S: EventSink>(&mut self, is_end: bool, sink: &mut S) {
        while let Some(events) = self.turns.next(is_end) {
            for (step, bytes) in &events {
                match parse::<Data<'_>>(bytes) {
                    Ok(data) if !self.over => self.block(*step, data.index.unwrap_or(0), data, sink),
                    // It was read before it waited.
                    _ => return,
                }
            }
        }
    }

    /// All blocks are complete; whether the stream goes on.
    fn end_blocks<S: EventSink>(&mut self, sink: &mut S) -> bool {
        self.go_on(true, sink);
        if !self.over {
            self.stop(sink);
        }
        !self.over
    }

    /// Some recorded streams lack their first frame.
    fn start<S: EventSink>(&mut self, sink: &mut S) {
        if !std::mem::replace(&mut self.started, true) {
            sink.event(Event::Start { id: Text::default(), model: Text::default(), created: None });
        }
    }

    fn block_start<S: EventSink>(&mut self, index: u64, start: Start<'_>, sink: &mut S) {
        self.start(sink);
        self.stop(sink);
        self.index = index;
        let is_servers =
            |call: &ToolUse<'_>| call.kind.as_ref().is_some_and(|kind| *kind == "server_tool_use");
        match start.tool_use {
            Some(call) if is_servers(&call) => {
                sink.event(Event::Lost("server_tool_use"));
                self.open = Open::Skipped;
            }
            Some(call) => {
                let (id, name) = (call.id.unwrap_or_default(), call.name.unwrap_or_default());
                sink.event(Event::PartStart { choice: 0, part: PartStart::ToolCall { id, name } });
                self.called = true;
                self.open = Open::Call { said: false };
            }
            // Text and reasoning need no start, and some servers give them an empty one.
            None => {
                if let Some((name, _)) = start.extra.first() {
                    sink.event(Event::Lost(name));
                    self.open = Open::Skipped;
                }
            }
        }
    }

    /// What comes next is about this block.
    fn turn_to<S: EventSink>(&mut self, index: u64, sink: &mut S) {
        self.start(sink);
        if index != self.index {
            self.stop(sink);
            self.index = index;
        }
    }

    fn delta<S: EventSink>(&mut self, index: u64, delta: WireDelta<'_>, sink: &mut S) {
        self.turn_to(index, sink);
        if self.open == Open::Skipped {
            return;
        }
        self.add(Adds::Text, delta.text.unwrap_or_default(), sink);
        if let Some(reasoning) = delta.reasoning
            && let Err(failure) = self.reasoning(reasoning, sink)
        {
            return self.fail(failure, sink);
        }
        let input = delta.tool_use.and_then(|call| call.input);
        self.add(Adds::Arguments, input.unwrap_or_default(), sink);
        if let Some(raw) = delta.citation {
            self.open(Open::Text, PartStart::Text, sink);
            self.said.cite(citation::read(raw, (0, 0)), sink);
        }
        for (name, _) in &delta.extra {
            sink.event(Event::Lost(name));
        }
    }

    /// Adds to the open block, or where it is none of this kind opens one.
    fn add<S: EventSink>(&mut self, adds: Adds, text: Text<'_>, sink: &mut S) {
        if text.is_empty() || self.open == Open::Skipped {
            return;
        }
        match adds {
            Adds::Text => {
                self.open(Open::Text, PartStart::Text, sink);
                self.said.say(&text);
            }
            Adds::Thinking => self.open(Open::Thinking, PartStart::Thinking, sink),
            Adds::Arguments => {
                let Open::Call { said } = &mut self.open else { return };
                *said = true;
            }
        }
        sink.event(Event::Delta { choice: 0, delta: adds.to_delta(text) });
    }

    fn reasoning<S: EventSink>(
        &mut self,
        reasoning: ReasoningDelta<'_>,
        sink: &mut S,
    ) -> Result<(), Failure> {
        self.add(Adds::Thinking, reasoning.text.unwrap_or_default(), sink);
        if let Some(signature) = reasoning.signature.filter(|signature| !signature.is_empty()) {
            self.open(Open::Thinking, PartStart::Thinking, sink);
            self.proof.push(&signature)?;
        }
        if let Some(data) = reasoning.redacted.filter(|data| !data.is_empty()) {
            if self.open != Open::Redacted {
                self.stop(sink);
                self.open = Open::Redacted;
            }
            self.proof.push(&data)?;
        }
        Ok(())
    }

    /// Opens a part unless it is open.
    fn open<S: EventSink>(&mut self, wanted: Open, part: PartStart<'_>, sink: &mut S) {
        if self.open != wanted {
            self.stop(sink);
            self.open = wanted;
            self.said = OpenText::default();
            sink.event(Event::PartStart { choice: 0, part });
        }
    }

    fn stop<S: EventSink>(&mut self, sink: &mut S) {
        match std::mem::take(&mut self.open) {
            Open::None | Open::Skipped => return,
            Open::Redacted => return self.proof.tell_redacted(sink),
            Open::Text => self.said.stop(sink),
            Open::Thinking => self.proof.sign(sink),
            Open::Call { said: true } => {}
            Open::Call { said: false } => {
                sink.event(Event::Delta { choice: 0, delta: Delta::Arguments(Text::from("{}")) });
            }
        }
        sink.event(Event::PartStop { choice: 0 });
    }
}

/// What an event says of a block, where it is about one.
fn step(name: &str) -> Option<Step> {
    Some(match name {
        "contentBlockStart" => Step::Begins,
        DELTA => Step::GoesOn,
        "contentBlockStop" => Step::Ends,
        _ => return None,
    })
}

/// The text of a delta, where adding it is all that the delta does.
fn only_text<'a>(delta: &WireDelta<'a>) -> Option<(&'a str, Adds)> {
    let (text, adds) = match (&delta.text, &delta.reasoning, &delta.tool_use) {
        (Some(text), None, None) => (text, Adds::Text),
        (None, Some(reasoning), None) if reasoning.signature.is_none() && reasoning.redacted.is_none() => {
            (reasoning.text.as_ref()?, Adds::Thinking)
        }
        (None, None, Some(call)) => (call.input.as_ref()?, Adds::Arguments),
        _ => return None,
    };
    if delta.extra.is_empty() && delta.citation.is_none() { Some((text.literal()?, adds)) } else { None }
}
