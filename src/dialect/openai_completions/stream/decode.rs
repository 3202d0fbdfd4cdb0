//! A provider's stream of text becomes the hub's events.

use super::super::logprobs;
use super::super::response::MOST_CHOICES;
use crate::chat::{Delta, Event, EventSink, Extra, Failure, PartStart, Text};
use crate::dialect::lane::{bare_failure, read_failure};
use crate::dialect::openai_chat::{finish, usage::UsageWire};
use crate::dialect::service::is_missed;
use crate::wire::json::{Count, parse, wire_object};
use crate::wire::sse::{self, Framer};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

wire_object! {
    /// A chunk. Fields that carry nothing for anyone are read and forgotten.
    struct Chunk<'a> {
        id: Text<'a> = "id",
        object: IgnoredAny = "object",
        model: Text<'a> = "model",
        created: Count = "created",
        choices: Vec<ChoiceWire<'a>> = "choices",
        usage: UsageWire<'a> = "usage",
        error: &'a RawValue = "error",
    }
}

wire_object! {
    /// What is added to one of the texts.
    struct ChoiceWire<'a> {
        index: u32 = "index",
        text: Text<'a> = "text",
        finish_reason: Text<'a> = "finish_reason",
        logprobs: &'a RawValue = "logprobs",
        error: &'a RawValue = "error",
    }
}

/// Reads a stream of `text_completion` events.
///
/// Some providers say a finish reason in every chunk: a text is finished when the stream ends after one.
#[derive(Debug, Default)]
pub struct StreamDecoder {
    framer: Framer,
    chunks: Chunks,
}

#[derive(Debug, Default)]
struct Chunks {
    started: bool,
    /// Nothing after this counts.
    over: bool,
    choices: Vec<Choice>,
}

#[derive(Debug, Clone, Default)]
struct Choice {
    open: bool,
    /// The finish reason, as far as is known: what is said last counts.
    finish: Option<Text<'static>>,
}

impl StreamDecoder {
    /// A decoder at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes, however they are cut.
    pub fn push<S: EventSink>(&mut self, mut chunk: &[u8], sink: &mut S) {
        while !self.chunks.over {
            match self.framer.next(&mut chunk) {
                Ok(Some(event)) => self.chunks.take(&event, sink),
                Ok(None) => return,
                Err(sse::TooLong) => self.chunks.fail(broken("an event of the stream is too long"), sink),
            }
        }
    }

    /// The connection was closed: an event without its blank line still counts.
    pub fn end<S: EventSink>(&mut self, sink: &mut S) {
        if !self.chunks.over
            && let Some(event) = self.framer.finish()
        {
            self.chunks.take(&event, sink);
        }
        self.chunks.close(sink);
    }
}

fn broken(what: &str) -> Failure {
    Failure::new(502, format!("the provider's stream could not be read: {what}"))
}

fn lost<S: EventSink>(extra: &Extra<'_>, sink: &mut S) {
    for (name, value) in extra {
        if is_missed(name, value) {
            sink.event(Event::Lost(name));
        }
    }
}

impl Chunks {
    fn fail<S: EventSink>(&mut self, failure: Failure, sink: &mut S) {
        self.over = true;
        sink.event(Event::Error(failure));
    }

    fn take<S: EventSink>(&mut self, event: &sse::Event<'_>, sink: &mut S) {
        if let Some(failure) = bare_failure(event) {
            return self.fail(failure, sink);
        }
        let data = event.data.unwrap_or_default().trim_ascii();
        if data.is_empty() {
            return;
        }
        if data == b"[DONE]" {
            return self.done(sink);
        }
        match parse::<Chunk<'_>>(data) {
            Ok(chunk) if chunk.error.is_none() && event.name != "error" => self.chunk(chunk, sink),
            Err(error) if event.name != "error" => self.fail(broken(&error.to_string()), sink),
            _ => self.fail(read_failure(200, data), sink),
        }
    }

    /// The provider says that this is all.
    fn done<S: EventSink>(&mut self, sink: &mut S) {
        self.over = true;
        for (choice, state) in (0..).zip(&mut self.choices) {
            if std::mem::take(&mut state.open) {
                sink.event(Event::PartStop { choice });
            }
            let word = state.finish.take().unwrap_or_default();
            sink.event(Event::Finish { choice, finish: finish::end(&word.to_str(), false) });
        }
        if self.started {
            sink.event(Event::End);
        }
    }

    /// The connection was closed: without `[DONE]`, the answer is complete if every text said why it ended.
    fn close<S: EventSink>(&mut self, sink: &mut S) {
        let is_complete = self.is_finished() && self.choices.iter().all(|state| state.finish.is_some());
        if !self.over && is_complete {
            self.done(sink);
        }
    }

    /// Whether a text said why it ended.
    fn is_finished(&self) -> bool {
        self.choices.iter().any(|state| state.finish.is_some())
    }

    fn chunk<S: EventSink>(&mut self, chunk: Chunk<'_>, sink: &mut S) {
        let choices = chunk.choices.unwrap_or_default();
        if !self.started && (!choices.is_empty() || chunk.usage.is_some()) {
            self.started = true;
            sink.event(Event::Start {
                id: chunk.id.unwrap_or_default(),
                model: chunk.model.unwrap_or_default(),
                created: Count::of(chunk.created),
            });
        }
        lost(&chunk.extra, sink);
        let taken = choices.into_iter().try_for_each(|choice| self.choice(choice, sink));
        if let Some(usage) = chunk.usage {
            sink.event(Event::Usage { usage: usage.to_usage(), last: self.is_finished() });
        }
        if let Err(failure) = taken {
            self.fail(failure, sink);
        }
    }

    /// Takes what is added to one text.
    fn choice<S: EventSink>(&mut self, wire: ChoiceWire<'_>, sink: &mut S) -> Result<(), Failure> {
        let choice = wire.index.unwrap_or(0);
        if choice >= MOST_CHOICES {
            return Err(broken("it holds too many choices"));
        }
        let at = choice as usize;
        if self.choices.len() <= at {
            self.choices.resize_with(at.saturating_add(1), Choice::default);
        }
        let Some(state) = self.choices.get_mut(at) else { return Ok(()) };
        lost(&wire.extra, sink);
        if let Some(text) = wire.text.filter(|text| !text.is_empty()) {
            if !std::mem::replace(&mut state.open, true) {
                sink.event(Event::PartStart { choice, part: PartStart::Text });
            }
            sink.event(Event::Delta { choice, delta: Delta::Text(text) });
        }
        if let Some((json, _)) = wire.logprobs.and_then(logprobs::to_hub) {
            sink.event(Event::Logprobs { choice, json });
        }
        if let Some(failure) = finish::failure(wire.finish_reason.as_ref(), wire.error) {
            return Err(failure);
        }
        if let Some(word) = wire.finish_reason.filter(|word| !word.is_empty()) {
            state.finish = Some(word.into_owned());
        }
        Ok(())
    }
}
