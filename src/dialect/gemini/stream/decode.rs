//! A provider's stream into the hub's events.

use super::super::call_id::Place;
use super::super::finish::{finish_reason, settled, unexplained};
use super::super::grounding::{self, Told};
use super::super::part::part;
use super::super::response::{MOST_CHOICES, called, candidate_extra, refused};
use super::super::wire::{Answer, Call, Candidate, Part as WirePart};
use super::super::{call_id, logprobs, signature, usage};
use super::frames::{Frame, Frames};
use super::partial::Partial;
use crate::chat::{
    Citation, Delta, Event, EventSink, Failure, FinishReason, Measured, Part, PartKind, PartStart, Text,
    ToolCall,
};
use crate::dialect::date::parse_rfc3339;
use crate::dialect::lane::read_failure;
use crate::dialect::service::is_missed;
use crate::wire::json::{Count, ParseError, parse, parse_raw};
use serde_json::value::RawValue;

/// Reads the bytes of a stream, cut anywhere.
///
/// Gemini's events have no end marker, and some of its models say a finish reason in every piece: the answer is
/// finished when the stream ends after one.
#[derive(Debug, Default)]
pub struct StreamDecoder {
    frames: Frames,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    started: bool,
    id: String,
    choices: Vec<Choice>,
    /// An end or an error was seen: nothing counts any more.
    over: bool,
}

/// One of the answers.
#[derive(Debug)]
struct Choice {
    index: u32,
    open: Open,
    /// All text so far, and its characters before the open part.
    text: Measured,
    before: u64,
    told: Told,
    calls: u32,
    finish: Option<FinishReason>,
}

/// The part that is open.
#[derive(Debug, Default)]
enum Open {
    #[default]
    None,
    Text,
    Thinking,
    /// A call whose arguments arrive in pieces; the hub is told when they are complete.
    Partial(Box<Partial>),
}

impl StreamDecoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a chunk.
    pub fn push<S: EventSink>(&mut self, chunk: &[u8], sink: &mut S) {
        let Self { frames, state } = self;
        if state.over {
            return;
        }
        let pushed = frames.push(chunk, |frame| match frame {
            Frame::Item(item) => state.item(item, sink),
            Frame::Closed => state.end(sink),
        });
        if let Err(message) = pushed {
            state.fail(Failure::new(502, message), sink);
        }
    }

    /// The connection closed.
    pub fn end<S: EventSink>(&mut self, sink: &mut S) {
        let Self { frames, state } = self;
        frames.end(|frame| {
            if let Frame::Item(item) = frame {
                state.item(item, sink);
            }
        });
        state.end(sink);
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

    fn item<S: EventSink>(&mut self, item: &[u8], sink: &mut S) {
        if self.over {
            return;
        }
        let answer: Answer<'_> = match parse(item) {
            Ok(answer) => answer,
            Err(error) => return self.malformed(&error, sink),
        };
        if answer.error.is_some() {
            return self.fail(read_failure(200, item), sink);
        }
        if !std::mem::replace(&mut self.started, true) {
            let id = answer.id.clone().unwrap_or_default();
            self.id = id.to_str().into_owned();
            let created = answer.created.as_ref().and_then(|time| parse_rfc3339(&time.to_str()));
            sink.event(Event::Start { id, model: answer.model.clone().unwrap_or_default(), created });
        }
        let mut finished = false;
        for candidate in answer.candidates.unwrap_or_default() {
            finished |= candidate.finish.is_some();
            self.candidate(&candidate, sink);
        }
        if let Some(feedback) = answer.feedback {
            if refused(feedback) && self.choices.is_empty() {
                finished = true;
                self.choice(0).finish = Some(FinishReason::ContentFilter);
            }
            if is_missed("promptFeedback", feedback) {
                sink.event(Event::Lost("promptFeedback"));
            }
        }
        if let Some(raw) = answer.usage {
            let usage = usage::read(raw);
            if !usage.is_empty() {
                sink.event(Event::Usage { usage, last: finished });
            }
        }
    }

    /// The state of a choice, which begins with the first word about it.
    fn choice(&mut self, index: u32) -> &mut Choice {
        let known = self.choices.iter().position(|choice| choice.index == index);
        let at = known.unwrap_or_else(|| {
            self.choices.push(Choice {
                index,
                open: Open::None,
                text: Measured::default(),
                before: 0,
                told: Told::default(),
                calls: 0,
                finish: None,
            });
            self.choices.len().saturating_sub(1)
        });
        // Just found or just pushed.
        #[expect(clippy::indexing_slicing, reason = "the position was found, or the item pushed, just above")]
        &mut self.choices[at]
    }

    fn candidate<S: EventSink>(&mut self, candidate: &Candidate<'_>, sink: &mut S) {
        let index = Count::of(candidate.index).and_then(|index| u32::try_from(index).ok()).unwrap_or(0);
        let index = index.min(MOST_CHOICES);
        let id = std::mem::take(&mut self.id);
        let choice = self.choice(index);
        let mut wrong = None;
        for raw in candidate
            .content
            .as_ref()
            .and_then(|content| content.parts.as_ref())
            .into_iter()
            .flat_map(|parts| &parts.0)
        {
            if let Err(error) = choice.part(raw, &id, sink) {
                wrong = Some(error);
                break;
            }
        }
        if let Some(raw) = candidate.logprobs
            && let Some(json) = logprobs::to_openai(raw)
        {
            sink.event(Event::Logprobs { choice: index, json });
        }
        for name in candidate_extra(candidate).filter(|name| *name != grounding::FIELD) {
            sink.event(Event::Lost(name));
        }
        for (_, raw) in candidate.extra.iter().filter(|(name, _)| name == grounding::FIELD) {
            choice.cite(raw, sink);
        }
        if let Some(raw) = candidate.finish {
            let reason = finish_reason(raw);
            choice.finish = Some(reason);
            if settled(reason, choice.calls > 0) == FinishReason::Unknown {
                sink.event(Event::Lost(&unexplained(raw, &candidate.extra)));
            }
        }
        self.id = id;
        if let Some(failure) = wrong {
            self.fail(failure, sink);
        }
    }

    /// The stream ended: properly, if every choice said why.
    fn end<S: EventSink>(&mut self, sink: &mut S) {
        if self.over {
            return;
        }
        let complete = !self.choices.is_empty() && self.choices.iter().all(|choice| choice.finish.is_some());
        let id = std::mem::take(&mut self.id);
        for choice in &mut self.choices {
            choice.stop(&id, sink);
            if complete && let Some(reason) = choice.finish {
                let finish = settled(reason, choice.calls > 0).into();
                sink.event(Event::Finish { choice: choice.index, finish });
            }
        }
        if complete {
            self.over = true;
            sink.event(Event::End);
        }
    }
}

impl Choice {
    /// What the text so far relies on. What is told of a text that is complete comes too late.
    fn cite<S: EventSink>(&mut self, raw: &RawValue, sink: &mut S) {
        let Ok(found) = grounding::read(raw, &self.text) else {
            return sink.event(Event::Lost(grounding::FIELD));
        };
        let mut lost = found.lost;
        for page in found.pages {
            let (start, end) = page.span;
            let start = start.checked_sub(self.before).filter(|_| matches!(self.open, Open::Text));
            match start.map(|start| (start, self.told.take(&page))) {
                Some((start, Some(true))) => {
                    let span = (start, end.saturating_sub(self.before));
                    sink.event(Event::Citation { choice: self.index, citation: Citation { span, ..page } });
                }
                Some((_, Some(false))) => {}
                None | Some((_, None)) => lost = true,
            }
        }
        if lost {
            sink.event(Event::Lost(grounding::FIELD));
        }
        for (name, value) in &found.extra {
            if is_missed(name, value) {
                sink.event(Event::Lost(name));
            }
        }
    }

    fn part<S: EventSink>(&mut self, raw: &RawValue, id: &str, sink: &mut S) -> Result<(), Failure> {
        let malformed = |error: &ParseError| {
            Failure::new(502, format!("the provider's stream is malformed: content.parts: {error}"))
                .with_code("malformed_answer")
        };
        if has_pieces(raw) || matches!(self.open, Open::Partial(_)) {
            let wire: WirePart<'_> = parse_raw(raw).map_err(|error| malformed(&error))?;
            if let Some(call) = &wire.call
                && self.piece(call, &wire, id, sink)?
            {
                return Ok(());
            }
        }
        let part = part(raw).map_err(|error| malformed(&error))?;
        match &part.kind {
            PartKind::Text(text) => {
                if !text.is_empty() {
                    self.open(PartStart::Text, id, sink);
                    self.text.push_bounded(text);
                    self.delta(Delta::Text(text.clone()), sink);
                }
            }
            PartKind::Thinking(thinking) => {
                self.open(PartStart::Thinking, id, sink);
                if !thinking.text.is_empty() {
                    self.delta(Delta::Thinking(thinking.text.clone()), sink);
                }
                if let Some(proof) = &thinking.signature {
                    self.delta(Delta::Signature(proof.clone()), sink);
                    self.stop(id, sink);
                }
            }
            PartKind::RedactedThinking(data) => {
                self.stop(id, sink);
                sink.event(Event::PartStart {
                    choice: self.index,
                    part: PartStart::RedactedThinking(data.clone()),
                });
                sink.event(Event::PartStop { choice: self.index });
            }
            PartKind::ToolCall(call) => {
                self.stop(id, sink);
                self.whole_call(call, &part, id, sink);
            }
            PartKind::Other(opaque) => sink.event(Event::Lost(&opaque.kind.to_str())),
            _ => sink.event(Event::Lost("inlineData")),
        }
        for (name, value) in &part.extra {
            if is_missed(name, value) {
                sink.event(Event::Lost(name));
            }
        }
        Ok(())
    }

    fn whole_call<S: EventSink>(&mut self, call: &ToolCall<'_>, part: &Part<'_>, id: &str, sink: &mut S) {
        let place = Place { answer: id, choice: self.index, number: self.calls };
        self.calls = self.calls.saturating_add(1);
        let id = called(call, &part.extra, place);
        let arguments = call.arguments.as_plain().into_owned();
        self.tell_call(id, call.name.clone(), arguments, sink);
    }

    fn tell_call<S: EventSink>(&self, id: Text<'_>, name: Text<'_>, arguments: String, sink: &mut S) {
        sink.event(Event::PartStart { choice: self.index, part: PartStart::ToolCall { id, name } });
        self.delta(Delta::Arguments(Text::from(arguments)), sink);
        sink.event(Event::PartStop { choice: self.index });
    }

    /// Takes a piece of a call. `false`: it is a call of its own.
    fn piece<S: EventSink>(
        &mut self,
        call: &Call<'_>,
        part: &WirePart<'_>,
        id: &str,
        sink: &mut S,
    ) -> Result<bool, Failure> {
        let goes_on = call.will_continue == Some(true);
        let is_new = call.name.as_ref().is_some_and(|name| !name.is_empty());
        if is_new && call.partial_args.is_none() && !goes_on {
            return Ok(false);
        }
        if is_new {
            self.stop(id, sink);
            let own = |text: &Option<Text<'_>>| {
                text.as_ref().map(|text| text.to_str().into_owned()).unwrap_or_default()
            };
            self.open = Open::Partial(Box::new(Partial::new(own(&call.id), own(&call.name))));
        }
        let Open::Partial(partial) = &mut self.open else { return Ok(false) };
        if let Some(proof) = part.signature.and_then(Text::from_raw) {
            partial.signature = Some(proof.to_str().into_owned());
        }
        for piece in call.partial_args.iter().flatten() {
            partial.take(piece).map_err(|_| {
                Failure::new(502, "the provider's stream is malformed: functionCall.partialArgs")
                    .with_code("malformed_answer")
            })?;
        }
        if !goes_on {
            self.stop(id, sink);
        }
        Ok(true)
    }

    /// Opens a part of a kind, unless one of it is open.
    fn open<S: EventSink>(&mut self, part: PartStart<'static>, id: &str, sink: &mut S) {
        let next = match (&self.open, &part) {
            (Open::Text, PartStart::Text) | (Open::Thinking, PartStart::Thinking) => return,
            (_, PartStart::Text) => Open::Text,
            _ => Open::Thinking,
        };
        self.stop(id, sink);
        if matches!(next, Open::Text) {
            self.before = self.text.characters();
        }
        sink.event(Event::PartStart { choice: self.index, part });
        self.open = next;
    }

    fn delta<S: EventSink>(&self, delta: Delta<'_>, sink: &mut S) {
        sink.event(Event::Delta { choice: self.index, delta });
    }

    fn stop<S: EventSink>(&mut self, id: &str, sink: &mut S) {
        match std::mem::take(&mut self.open) {
            Open::None => {}
            Open::Text | Open::Thinking => sink.event(Event::PartStop { choice: self.index }),
            Open::Partial(partial) => {
                let arguments = partial.arguments();
                let proof = partial.signature.as_deref().unwrap_or_default();
                let place = Place { answer: id, choice: self.index, number: self.calls };
                self.calls = self.calls.saturating_add(1);
                let call_id = if partial.id.is_empty() {
                    call_id::generated(place, &partial.name, &arguments, proof)
                } else {
                    partial.id.clone()
                };
                let id = signature::join(&Text::from(call_id), Some(&Text::plain(proof)));
                self.tell_call(id, Text::plain(&*partial.name), arguments, sink);
            }
        }
    }
}

/// Whether a part may be a piece of a call; a word elsewhere only costs a second look.
fn has_pieces(raw: &RawValue) -> bool {
    let text = raw.get().as_bytes();
    ["artialArgs", "artial_args", "illContinue", "ill_continue"]
        .iter()
        .any(|word| memchr::memmem::find(text, word.as_bytes()).is_some())
}
