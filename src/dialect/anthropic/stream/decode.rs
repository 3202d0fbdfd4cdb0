//! A provider's event stream into the hub's events.

use super::super::citation::{FIELD, read};
use super::super::finish::finish;
use super::super::usage::{Counts, WireUsage};
use super::super::wire::{Added, Block, Data, Delta as WireDelta};
use crate::chat::{Adds, Delta, Event, EventSink, Failure, Finish, PartStart, Text};
use crate::dialect::lane::{bare_failure, broken_off, read_failure};
use crate::dialect::open_text::OpenText;
use crate::dialect::proof::Proof;
use crate::dialect::service::is_missed;
use crate::dialect::side_by_side::{Step, Turns};
use crate::wire::json::{ParseError, Stencil, parse, parse_raw};
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
    turns: Turns,
    open: Open,
    said: OpenText,
    /// What proves the open thought.
    proof: Proof,
    /// It was said why the answer ended.
    finished: bool,
    /// An end or an error was seen: nothing counts any more.
    over: bool,
    /// The last delta that did nothing but add a text to the open block: most are like the one before.
    plain: Stencil<Adds>,
}

/// The block that is open.
#[derive(Debug, Default, PartialEq)]
enum Open {
    #[default]
    None,
    /// A part of the hub's.
    Part,
    /// A text.
    Text,
    /// A text whose block is complete: the next one may go on with it.
    Said,
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
            if let Some(failure) = bare_failure(frame) {
                self.fail(failure, sink);
            }
            return;
        };
        match frame.name {
            "ping" => return sink.event(Event::Ping),
            "error" => return self.fail(read_failure(200, bytes), sink),
            "content_block_delta" => return self.added(bytes, sink),
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
            "content_block_start" if self.is_on(Step::Begins, data.index, bytes, sink) => {
                self.start(data.block.unwrap_or_default(), sink);
            }
            "content_block_delta" if self.is_on(Step::GoesOn, data.index, bytes, sink) => {
                self.delta(data.delta.unwrap_or_default(), sink);
            }
            "content_block_stop" if self.is_on(Step::Ends, data.index, bytes, sink) => {
                self.stop(sink);
                self.go_on(false, sink);
            }
            // It waits.
            "content_block_start" | "content_block_delta" | "content_block_stop" => {}
            "message_delta" => {
                if !self.end_blocks(sink) {
                    return;
                }
                let delta = data.delta.unwrap_or_default();
                self.usage(data.usage.as_ref(), delta.stop_reason.is_some(), sink);
                if let Some(reason) = delta.stop_reason {
                    self.finished = true;
                    let stop_sequence = delta.stop_sequence;
                    let finish = Finish { stop_sequence, ..finish(&reason.to_str()) };
                    sink.event(Event::Finish { choice: 0, finish });
                }
                let context = data.context_management.map(|value| ("context_management".into(), value));
                for (name, value) in delta.extra.iter().chain(&context) {
                    if is_missed(name, value) {
                        sink.event(Event::Lost(name));
                    }
                }
            }
            "message_stop" if !self.finished => self.fail(broken_off(), sink),
            "message_stop" => {
                if self.end_blocks(sink) {
                    self.over = true;
                    sink.event(Event::End);
                }
            }
            "ping" => sink.event(Event::Ping),
            "error" => self.fail(read_failure(200, bytes), sink),
            // The API's versioning promises new kinds of events.
            other => sink.event(Event::Lost(other)),
        }
    }

    /// Whether an event about a block is to be read now: one may begin while another is open.
    fn is_on<S: EventSink>(&mut self, step: Step, block: Option<u64>, bytes: &[u8], sink: &mut S) -> bool {
        match self.turns.is_on(step, block.unwrap_or(0), bytes) {
            Ok(true) => true,
            Ok(false) => {
                self.plain = Stencil::default();
                false
            }
            Err(failure) => {
                self.fail(failure, sink);
                false
            }
        }
    }

    /// Reads what waited for its turn.
    fn go_on<S: EventSink>(&mut self, is_end: bool, sink: &mut S) {
        while let Some(events) = self.turns.next(is_end) {
            for (step, bytes) in &events {
                let data: Data<'_> = match parse(bytes) {
                    Ok(data) => data,
                    Err(error) => return self.malformed(&error, sink),
                };
                match step {
                    Step::Begins => self.start(data.block.unwrap_or_default(), sink),
                    Step::GoesOn => self.delta(data.delta.unwrap_or_default(), sink),
                    Step::Ends => self.stop(sink),
                }
                if self.over {
                    return;
                }
            }
        }
    }

    /// All blocks are complete; whether the stream goes on.
    fn end_blocks<S: EventSink>(&mut self, sink: &mut S) -> bool {
        self.go_on(true, sink);
        if !self.over {
            self.close(sink);
        }
        !self.over
    }

    fn usage<S: EventSink>(&mut self, usage: Option<&WireUsage<'_>>, last: bool, sink: &mut S) {
        if let Some(usage) = usage {
            self.counts.update(usage);
            sink.event(Event::Usage { usage: self.counts.to_usage(), last });
            for (name, _) in usage.extra.iter().filter(|(name, value)| is_missed(name, value)) {
                sink.event(Event::Lost(&format!("usage.{name}")));
            }
        }
    }

    fn start<S: EventSink>(&mut self, block: Block<'_>, sink: &mut S) {
        self.stop(sink);
        let open = |part, sink: &mut S| sink.event(Event::PartStart { choice: 0, part });
        let kind = block.kind.unwrap_or_default().to_str();
        if kind == "text" {
            let citations = block.extra.iter().find(|(name, value)| name == FIELD && value.get() != "null");
            return self.text(text(block.text), citations.map(|(_, list)| *list), sink);
        }
        self.close(sink);
        match &*kind {
            "thinking" => {
                open(PartStart::Thinking, sink);
                self.open = Open::Part;
                add(Delta::Thinking(text(block.thinking)), sink);
                self.prove(&text(block.signature), sink);
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

    /// A text begins, or goes on in another block.
    fn text<S: EventSink>(&mut self, text: Text<'_>, citations: Option<&RawValue>, sink: &mut S) {
        if self.open == Open::Said && self.said.joins(citations.is_some()) {
            self.said.next();
        } else {
            self.close(sink);
            sink.event(Event::PartStart { choice: 0, part: PartStart::Text });
            self.said = OpenText::default();
        }
        self.open = Open::Text;
        self.said.say(&text);
        add(Delta::Text(text), sink);
        let citations: Vec<&RawValue> = citations.and_then(|list| parse_raw(list).ok()).unwrap_or_default();
        for raw in citations {
            self.said.cite(read(raw, (0, 0)), sink);
        }
    }

    /// The event that nearly all of a stream consists of.
    fn added<S: EventSink>(&mut self, bytes: &[u8], sink: &mut S) {
        if let Some((adds, text)) = self.plain.read(bytes) {
            if self.open == Open::Text {
                self.said.say(&text);
            }
            return add(adds.to_delta(text), sink);
        }
        let added = match parse::<Added<'_>>(bytes) {
            Ok(added) => added,
            Err(error) => return self.malformed(&error, sink),
        };
        if !self.is_on(Step::GoesOn, added.index, bytes, sink) {
            return;
        }
        let delta = added.delta.unwrap_or_default();
        let plain = only_text(&delta);
        self.delta(delta, sink);
        if let Some((text, adds)) = plain.filter(|(_, adds)| self.only_adds(*adds)) {
            self.plain.learn(adds, bytes, text, &[]);
        }
    }

    /// Whether all that another delta of this kind does is to add to what is open.
    fn only_adds(&self, adds: Adds) -> bool {
        match adds {
            Adds::Text | Adds::Thinking => matches!(self.open, Open::Part | Open::Text | Open::Call { .. }),
            Adds::Arguments => matches!(self.open, Open::Call { early: None }),
        }
    }

    fn delta<S: EventSink>(&mut self, delta: WireDelta<'_>, sink: &mut S) {
        if matches!(self.open, Open::Skipped | Open::None | Open::Said) {
            return;
        }
        let kind = delta.kind.unwrap_or_default().to_str();
        match &*kind {
            "text_delta" => {
                let text = delta.text.unwrap_or_default();
                self.said.say(&text);
                add(Delta::Text(text), sink);
            }
            "thinking_delta" => add(Delta::Thinking(delta.thinking.unwrap_or_default()), sink),
            "signature_delta" => self.prove(&delta.signature.unwrap_or_default(), sink),
            "input_json_delta" => {
                let Open::Call { early } = &mut self.open else { return };
                let json = delta.partial_json.unwrap_or_default();
                if !json.is_empty() {
                    *early = None;
                }
                add(Delta::Arguments(json), sink);
            }
            "citations_delta" => match delta.citation.filter(|_| self.open == Open::Text) {
                Some(raw) => self.said.cite(read(raw, (0, 0)), sink),
                None => sink.event(Event::Lost("citations")),
            },
            other => sink.event(Event::Lost(other)),
        }
    }

    /// What proves the open thought to its maker; it may come in pieces.
    fn prove<S: EventSink>(&mut self, signature: &Text<'_>, sink: &mut S) {
        if self.open == Open::Part
            && let Err(failure) = self.proof.push(signature)
        {
            self.fail(failure, sink);
        }
    }

    /// The block is complete, but a text may go on.
    fn stop<S: EventSink>(&mut self, sink: &mut S) {
        self.plain = Stencil::default();
        match self.open {
            Open::Text => {
                self.said.stop(sink);
                self.open = Open::Said;
            }
            Open::Said => {}
            _ => self.close(sink),
        }
    }

    /// What is open is complete.
    fn close<S: EventSink>(&mut self, sink: &mut S) {
        self.plain = Stencil::default();
        match std::mem::take(&mut self.open) {
            Open::None | Open::Skipped => return,
            Open::Text => self.said.stop(sink),
            Open::Part => self.proof.sign(sink),
            Open::Said | Open::Call { early: None } => {}
            Open::Call { early: Some(arguments) } => {
                sink.event(Event::Delta { choice: 0, delta: Delta::Arguments(Text::from(arguments)) });
            }
        }
        sink.event(Event::PartStop { choice: 0 });
    }
}

/// The text of a delta, where adding it is all that the delta does.
fn only_text<'a>(delta: &WireDelta<'a>) -> Option<(&'a str, Adds)> {
    let (text, adds) = match delta.kind.as_ref()?.literal()? {
        "text_delta" => (&delta.text, Adds::Text),
        "thinking_delta" => (&delta.thinking, Adds::Thinking),
        "input_json_delta" => (&delta.partial_json, Adds::Arguments),
        _ => return None,
    };
    Some((text.as_ref()?.literal()?, adds))
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

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(name: &str, rest: &str) -> String {
        format!("event: {name}\ndata: {{\"type\":\"{name}\",{rest}}}\n\n")
    }

    fn adds(index: u32, delta: &str) -> String {
        frame("content_block_delta", &format!(r#""index":{index},"delta":{{{delta}}}"#))
    }

    fn starts(index: u32, block: &str) -> String {
        frame("content_block_start", &format!(r#""index":{index},"content_block":{{{block}}}"#))
    }

    /// Deltas that only add, and whatever else can come between them.
    fn pool() -> Vec<String> {
        vec![
            adds(0, r#""type":"text_delta","text":"one""#),
            adds(0, r#""type":"text_delta","text":"tw\"o\\ é""#),
            adds(0, r#""type":"text_delta","text":"""#),
            adds(0, r#""type":"text_delta","text":"\u00e9\ud83d\ude00""#),
            adds(0, r#""type":"text_delta","text":null"#),
            adds(0, r#""type":"text_delta","text":"one","more":"m""#),
            adds(0, r#""text":"one","type":"text_delta""#),
            adds(1, r#""type":"text_delta","text":"other""#),
            adds(0, r#""type":"thinking_delta","thinking":"hm""#),
            adds(0, r#""type":"thinking_delta","thinking":"so""#),
            adds(0, r#""type":"signature_delta","signature":"s""#),
            adds(0, r#""type":"input_json_delta","partial_json":"{""#),
            adds(0, r#""type":"input_json_delta","partial_json":"}""#),
            adds(0, r#""type":"input_json_delta","partial_json":"""#),
            adds(0, r#""type":"citations_delta","citation":{}"#),
            starts(0, r#""type":"text","text":"""#),
            starts(0, r#""type":"thinking","thinking":"""#),
            starts(0, r#""type":"tool_use","id":"t","name":"f","input":{"a":1}"#),
            starts(0, r#""type":"server_tool_use","id":"s","name":"f""#),
            frame("content_block_stop", r#""index":0"#),
            frame("ping", r#""x":0"#),
            frame("content_block_delta", r#""index":0,"delta":7"#),
        ]
    }

    /// Decodes these events of the pool with what the decoder remembers of the one before, and without.
    fn both_ways(order: &[usize]) -> [Vec<String>; 2] {
        let pool = pool();
        let (mut quick, mut slow) = (StreamDecoder::new(), StreamDecoder::new());
        let (mut seen, mut meant) = (Vec::new(), Vec::new());
        for at in order {
            quick.push(pool[*at].as_bytes(), &mut |event: Event<'_>| seen.push(format!("{event:?}")));
            slow.state.plain = Stencil::default();
            slow.push(pool[*at].as_bytes(), &mut |event: Event<'_>| meant.push(format!("{event:?}")));
        }
        [seen, meant]
    }

    proptest! {
        #[test]
        fn a_delta_like_the_one_before_means_the_same(order in prop::collection::vec(0_usize..22, 0..32)) {
            let [seen, meant] = both_ways(&order);
            prop_assert_eq!(seen, meant);
        }
    }

    #[test]
    fn arguments_in_a_block_of_text_are_none_each_time() {
        let (text, arguments) = (15, 11);
        let [seen, meant] = both_ways(&[text, arguments, arguments]);
        assert_eq!(seen, meant);
    }

    #[test]
    fn deltas_that_only_add_are_not_read_in_full() {
        let mut decoder = StreamDecoder::new();
        for event in [starts(0, r#""type":"text","text":"""#), adds(0, r#""type":"text_delta","text":"one""#)]
        {
            decoder.push(event.as_bytes(), &mut |_: Event<'_>| ());
        }
        let next = br#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"two"}}"#;
        let read = decoder.state.plain.read(next);
        assert_eq!(read.and_then(|(_, text)| text.literal()), Some("two"));
    }
}
