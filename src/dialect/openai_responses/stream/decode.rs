//! A provider's stream becomes the hub's events.

use super::super::finish;
use super::super::response::Answer;
use super::items::{Items, Kind, Place, broken, failure};
use super::wire::{Added, Data};
use crate::chat::{Event, EventSink, Failure, Json};
use crate::dialect::lane::read_failure;
use crate::dialect::openai_chat::citation;
use crate::wire::json::{Count, Stencil, Text, parse};
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
    started: bool,
    /// An end or an error was seen: nothing counts any more.
    over: bool,
    items: Items,
    /// The last delta that did nothing but add a text, and what it added to: most deltas are like the one before.
    plain: Stencil<Target>,
}

/// What a text is added to: a part of an item.
#[derive(Debug, Clone, Copy)]
struct Target {
    kind: Kind,
    at: u64,
    index: Option<u64>,
}

impl StreamDecoder {
    /// A decoder at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes, however they are cut.
    pub fn push<S: EventSink>(&mut self, mut chunk: &[u8], sink: &mut S) {
        while !self.state.over {
            match self.framer.next(&mut chunk) {
                Ok(Some(frame)) => self.state.frame(&frame, sink),
                Ok(None) => return,
                Err(_) => self.state.fail(broken("it has an event without end"), sink),
            }
        }
    }

    /// The connection was closed: an event without its blank line still counts.
    pub fn end<S: EventSink>(&mut self, sink: &mut S) {
        if !self.state.over
            && let Some(frame) = self.framer.finish()
        {
            self.state.frame(&frame, sink);
        }
    }
}

impl State {
    fn fail<S: EventSink>(&mut self, failure: Failure, sink: &mut S) {
        self.over = true;
        sink.event(Event::Error(failure));
    }

    fn frame<S: EventSink>(&mut self, frame: &Frame<'_>, sink: &mut S) {
        let bytes = match frame.data {
            Some(bytes) => bytes.trim_ascii(),
            // A server may answer with a bare JSON error and status 200.
            None if frame.name.is_empty() && frame.raw.trim_ascii_start().starts_with(b"{") => {
                return self.fail(read_failure(200, frame.raw), sink);
            }
            None => return,
        };
        if bytes.is_empty() || bytes == b"[DONE]" {
            return;
        }
        let result = match kind_of_delta(frame.name) {
            Some(kind) => self.delta(kind, bytes, sink),
            None => self.event(frame.name, bytes, sink),
        };
        if let Err(failure) = result {
            self.fail(failure, sink);
        }
    }

    /// The events that nearly all of a stream consists of.
    fn delta<S: EventSink>(&mut self, kind: Kind, bytes: &[u8], sink: &mut S) -> Result<(), Failure> {
        if let Some((target, text)) = self.plain.read(bytes).filter(|(target, _)| target.kind == kind) {
            self.say(target, Some(text), None, sink);
            return Ok(());
        }
        let added: Added<'_> = parse(bytes).map_err(|error| broken(&error.to_string()))?;
        let at = part_of(kind, added.content_index, added.summary_index);
        let target = Target { kind, at, index: added.output_index };
        if let Some((text, noise)) = added.only_text() {
            self.plain.learn(target, bytes, text, &noise);
        }
        self.say(target, added.delta, added.logprobs, sink);
        Ok(())
    }

    fn say<S: EventSink>(
        &mut self,
        target: Target,
        text: Option<Text<'_>>,
        logprobs: Option<&RawValue>,
        sink: &mut S,
    ) {
        self.start(None, sink);
        self.items.delta(place(target.index), target.kind, target.at, text.unwrap_or_default(), sink);
        if let Some(logprobs) = logprobs.filter(|logprobs| logprobs.get() != "[]") {
            let json = Json::trusted(format!("{{\"content\":{}}}", logprobs.get()));
            sink.event(Event::Logprobs { choice: 0, json });
        }
    }

    fn event<S: EventSink>(&mut self, name: &str, bytes: &[u8], sink: &mut S) -> Result<(), Failure> {
        if name == "error" {
            return Err(read_failure(200, bytes));
        }
        let data: Data<'_> = parse(bytes).map_err(|error| broken(&error.to_string()))?;
        // Some servers send no names of events: the type says the same.
        let kind = data.kind.as_ref().map_or_else(|| name.into(), Text::to_str);
        let place = place(data.output_index);
        let mut done = |state: &mut Self, kind: Kind, text: Option<&RawValue>| {
            let at = part_of(kind, data.content_index, data.summary_index);
            state.items.part_done(place, kind, at, text.and_then(Text::from_raw).unwrap_or_default(), sink);
        };
        match &*kind {
            "error" => return Err(read_failure(200, bytes)),
            "response.created" | "response.in_progress" | "response.queued" => {
                self.start(data.response.as_ref(), sink);
            }
            "response.output_item.added" => {
                self.start(None, sink);
                if let Some(item) = data.item {
                    self.items.added(place, item, sink);
                }
            }
            "response.output_item.done" => {
                self.start(None, sink);
                if let Some(item) = data.item {
                    self.items.item_done(place, item, sink)?;
                }
            }
            "response.output_text.done" => done(self, Kind::Text, data.text),
            "response.output_text.annotation.added" => {
                if let Some(page) = data.annotation.and_then(citation::read) {
                    self.items.cite(place, page, sink);
                }
            }
            "response.refusal.done" => done(self, Kind::Refusal, data.refusal),
            "response.reasoning_summary_text.done" => done(self, Kind::Summary, data.text),
            "response.reasoning_text.done" => done(self, Kind::Reasoning, data.text),
            "response.function_call_arguments.done" => done(self, Kind::Call, data.arguments),
            "response.custom_tool_call_input.done" => done(self, Kind::Call, data.input),
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                let Some(answer) = data.response else {
                    return Err(broken("its last event holds no response"));
                };
                return self.finish(&kind, &answer, sink);
            }
            _ if data.error.is_some() && data.kind.is_none() => {
                return Err(read_failure(200, bytes));
            }
            other => match kind_of_delta(other) {
                // An event whose name did not tell.
                Some(kind) => {
                    let at = part_of(kind, data.content_index, data.summary_index);
                    let target = Target { kind, at, index: data.output_index };
                    self.say(target, data.delta.and_then(Text::from_raw), data.logprobs, sink);
                }
                // About an item, whose last event tells all of it.
                None if data.output_index.is_some() => {}
                None => sink.event(Event::Lost(other)),
            },
        }
        Ok(())
    }

    fn start<S: EventSink>(&mut self, answer: Option<&Answer<'_>>, sink: &mut S) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        sink.event(Event::Start {
            id: answer.and_then(|answer| answer.id.clone()).unwrap_or_default(),
            model: answer.and_then(|answer| answer.model.clone()).unwrap_or_default(),
            created: answer.and_then(|answer| Count::of(answer.created_at)),
        });
    }

    fn finish<S: EventSink>(&mut self, kind: &str, answer: &Answer<'_>, sink: &mut S) -> Result<(), Failure> {
        if matches!(kind, "response.failed" | "response.cancelled") {
            return Err(failure(answer));
        }
        self.start(Some(answer), sink);
        self.items.end(answer, sink)?;
        if let Some(usage) = &answer.usage {
            sink.event(Event::Usage { usage: usage.to_usage(), last: true });
        }
        let status = if kind == "response.incomplete" { "incomplete" } else { "completed" };
        let status = answer.status.as_ref().map_or(status.into(), Text::to_str);
        let reason = answer.incomplete_details.as_ref().and_then(|details| details.reason.as_ref());
        let finish = finish::decode(&status, reason, self.items.called, self.items.refused);
        sink.event(Event::Finish { choice: 0, finish });
        self.over = true;
        sink.event(Event::End);
        Ok(())
    }
}

fn place(index: Option<u64>) -> Place {
    index.map_or(Place::Unsaid, Place::At)
}

fn part_of(kind: Kind, content: Option<u64>, summary: Option<u64>) -> u64 {
    match kind {
        Kind::Summary => summary.unwrap_or(0),
        Kind::Call => 0,
        _ => content.unwrap_or(0),
    }
}

fn kind_of_delta(name: &str) -> Option<Kind> {
    Some(match name {
        "response.output_text.delta" => Kind::Text,
        "response.refusal.delta" => Kind::Refusal,
        "response.reasoning_summary_text.delta" => Kind::Summary,
        "response.reasoning_text.delta" => Kind::Reasoning,
        "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => Kind::Call,
        _ => return None,
    })
}
