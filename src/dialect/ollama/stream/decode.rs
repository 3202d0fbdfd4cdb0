//! A server's lines into the hub's events.

use super::super::response::{answer_usage, logprobs};
use super::super::wire::{Answer, Call};
use super::super::{finish, ids};
use crate::chat::{Delta, Event, EventSink, Failure, PartStart, Text};
use crate::dialect::date::parse_rfc3339;
use crate::dialect::lane::read_failure;
use crate::dialect::service::is_missed;
use crate::wire::json::{Stencil, parse};
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
    /// The last line that did nothing but add a text to a part of this kind: most are like the one before.
    plain: Stencil<Open>,
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
        if let Some((open, text)) = self.plain.read(line) {
            return self.say(open, text, sink);
        }
        let answer: Answer<'_> = match parse(line) {
            Ok(answer) => answer,
            Err(error) => {
                let failure = Failure::new(502, format!("the provider's stream is malformed: {error}"));
                return self.fail(failure.with_code("malformed_answer"), sink);
            }
        };
        if answer.error.is_some() {
            return self.fail(read_failure(200, line), sink);
        }
        if let Some((text, open)) = only_text(&answer) {
            let noise = answer.created_at.as_ref().and_then(Text::literal);
            self.plain.learn(open, line, text, noise.as_slice());
        }
        let usage = answer_usage(&answer);
        let created_at = answer.created_at.unwrap_or_default();
        if !std::mem::replace(&mut self.started, true) {
            let model = answer.model.unwrap_or_default();
            let id = ids::answer(&model, &created_at);
            sink.event(Event::Start { id, model, created: parse_rfc3339(&created_at.to_str()) });
        }
        let message = answer.message.unwrap_or_default();
        self.say(Open::Thinking, message.thinking.or(answer.thinking).unwrap_or_default(), sink);
        self.say(Open::Text, message.content.or(answer.response).unwrap_or_default(), sink);
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
            let finish = finish::decode(&reason, self.calls > 0);
            sink.event(Event::Finish { choice: 0, finish });
            self.over = true;
            sink.event(Event::End);
        }
    }

    /// Adds to the part of a kind; opens it where it is not open.
    fn say<S: EventSink>(&mut self, wanted: Open, text: Text<'_>, sink: &mut S) {
        if text.is_empty() {
            return;
        }
        self.turn_to(wanted, sink);
        let delta = if wanted == Open::Thinking { Delta::Thinking(text) } else { Delta::Text(text) };
        sink.event(Event::Delta { choice: 0, delta });
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

/// The text of a line that does nothing but add it to a part of a kind. `None` where there is anything else in it.
fn only_text<'a>(answer: &Answer<'a>) -> Option<(&'a str, Open)> {
    let message = answer.message.as_ref();
    let is_bare = answer.done != Some(true)
        && answer.logprobs.is_none()
        && answer.extra.is_empty()
        && message.is_none_or(|message| message.images.is_none() && message.tool_calls.is_none());
    let said = |text: Option<&Text<'a>>| text.filter(|text| !text.is_empty()).map(Text::literal);
    let thinking = said(message.and_then(|message| message.thinking.as_ref()).or(answer.thinking.as_ref()));
    let content = said(message.and_then(|message| message.content.as_ref()).or(answer.response.as_ref()));
    match (thinking, content) {
        (None, Some(text)) if is_bare => Some((text?, Open::Text)),
        (Some(text), None) if is_bare => Some((text?, Open::Thinking)),
        _ => None,
    }
}
