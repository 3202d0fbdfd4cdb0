//! A server's lines into the hub's events.

use super::super::response::{answer_usage, logprobs};
use super::super::wire::{Answer, Call};
use super::super::{finish, ids};
use crate::chat::{Delta, Event, EventSink, Failure, PartStart, Text};
use crate::dialect::Dialect;
use crate::dialect::date::parse_rfc3339;
use crate::dialect::lane::read_failure;
use crate::dialect::service::is_missed;
use crate::wire::json::parse;
use crate::wire::ndjson::Framer;
use serde_json::value::RawValue;

/// Reads the bytes of a stream of either endpoint, cut anywhere.
#[derive(Debug, Default)]
pub struct StreamDecoder {
    framer: Framer,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    started: bool,
    open: Open,
    /// How many tools were called.
    calls: usize,
    /// An end or an error was seen: nothing counts any more.
    over: bool,
}

/// The part that is open.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Open {
    #[default]
    None,
    Text,
    Thinking,
}

impl StreamDecoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a chunk.
    pub fn push<S: EventSink>(&mut self, chunk: &[u8], sink: &mut S) {
        let state = &mut self.state;
        if self.framer.each(chunk, |line| state.line(line, sink)).is_err() {
            state.fail(Failure::new(502, "the provider's stream has a line without end"), sink);
        }
    }

    /// The connection closed: reads a line that was left without its end.
    pub fn end<S: EventSink>(&mut self, sink: &mut S) {
        if let Some(line) = self.framer.finish() {
            self.state.line(line, sink);
        }
    }
}

impl State {
    fn fail<S: EventSink>(&mut self, failure: Failure, sink: &mut S) {
        if !std::mem::replace(&mut self.over, true) {
            sink.event(Event::Error(failure));
        }
    }

    fn line<S: EventSink>(&mut self, line: &[u8], sink: &mut S) {
        if self.over {
            return;
        }
        let answer: Answer<'_> = match parse(line) {
            Ok(answer) => answer,
            Err(error) => {
                let failure = Failure::new(502, format!("the provider's stream is malformed: {error}"));
                return self.fail(failure.with_code("malformed_answer"), sink);
            }
        };
        if answer.error.is_some() {
            return self.fail(read_failure(Dialect::Ollama, 200, line), sink);
        }
        let usage = answer_usage(&answer);
        let created_at = answer.created_at.unwrap_or_default();
        if !std::mem::replace(&mut self.started, true) {
            let model = answer.model.unwrap_or_default();
            let id = ids::answer(&model, &created_at);
            sink.event(Event::Start { id, model, created: parse_rfc3339(&created_at.to_str()) });
        }
        let message = answer.message.unwrap_or_default();
        if let Some(text) = message.thinking.or(answer.thinking).filter(|text| !text.is_empty()) {
            self.turn_to(Open::Thinking, sink);
            sink.event(Event::Delta { choice: 0, delta: Delta::Thinking(text) });
        }
        if let Some(text) = message.content.or(answer.response).filter(|text| !text.is_empty()) {
            self.turn_to(Open::Text, sink);
            sink.event(Event::Delta { choice: 0, delta: Delta::Text(text) });
        }
        if let Some(tokens) = answer.logprobs {
            sink.event(Event::Logprobs { choice: 0, json: logprobs(tokens) });
        }
        if message.images.is_some_and(|images| !images.is_empty()) {
            sink.event(Event::Lost("images"));
        }
        for call in message.tool_calls.unwrap_or_default() {
            self.call(call, &created_at, sink);
        }
        for (name, _) in answer.extra.iter().filter(|(name, value)| is_missed(name, value)) {
            sink.event(Event::Lost(name));
        }
        if answer.done == Some(true) {
            self.turn_to(Open::None, sink);
            if !usage.is_empty() {
                sink.event(Event::Usage { usage, last: true });
            }
            let reason = answer.done_reason.map_or_else(|| "stop".into(), |reason| reason.to_str());
            let finish = finish::decode(&reason, self.calls > 0).into();
            sink.event(Event::Finish { choice: 0, finish });
            self.over = true;
            sink.event(Event::End);
        }
    }

    /// Ends the open part and begins another, unless it is open already.
    fn turn_to<S: EventSink>(&mut self, wanted: Open, sink: &mut S) {
        let was = std::mem::replace(&mut self.open, wanted);
        if was == wanted {
            return;
        }
        if was != Open::None {
            sink.event(Event::PartStop { choice: 0 });
        }
        let part = match wanted {
            Open::None => return,
            Open::Text => PartStart::Text,
            Open::Thinking => PartStart::Thinking,
        };
        sink.event(Event::PartStart { choice: 0, part });
    }

    /// Calls come whole.
    fn call<S: EventSink>(&mut self, call: Call<'_>, created_at: &Text<'_>, sink: &mut S) {
        self.turn_to(Open::None, sink);
        let function = call.function.unwrap_or_default();
        let name = function.name.unwrap_or_default();
        let arguments = function.arguments.map_or("{}", RawValue::get);
        let id = call.id.filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| ids::call(created_at, self.calls, &name, arguments));
        self.calls = self.calls.saturating_add(1);
        sink.event(Event::PartStart { choice: 0, part: PartStart::ToolCall { id, name } });
        let delta = Delta::Arguments(Text::plain(arguments));
        sink.event(Event::Delta { choice: 0, delta });
        sink.event(Event::PartStop { choice: 0 });
    }
}
