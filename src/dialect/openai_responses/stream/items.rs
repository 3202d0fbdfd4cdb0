//! The items of a stream, one after the other.
//!
//! Events say which item they are about, so a provider could say two at once; the hub's events cannot. The first item
//! streams through at once. Of one that begins while another is open nothing is passed on until it is complete: its
//! last event holds the whole of it.

use super::super::item::{self, BETWEEN, Item};
use super::super::part::cite;
use super::super::response::{Answer, failure_of};
use crate::chat::{
    Arguments, Citation, Delta, Event, EventSink, Extra, Failure, Part, PartKind, PartStart, Text, ToolCall,
};
use crate::dialect::service::is_missed;
use serde_json::value::RawValue;
use std::collections::HashSet;

/// Items of one answer, at most: each costs the model some tokens, of which an answer has some hundred thousand.
const MOST_ITEMS: u64 = 16384;

/// Bytes of complete items that wait for another to end, at most. Providers limit a whole answer to some hundred
/// thousand tokens; more than this is no answer.
const MOST_WAITING: usize = 16 << 20;

/// What has become of the items.
#[derive(Debug, Default)]
pub(super) struct Items {
    open: Option<Open>,
    /// By place in the output: the item was passed on.
    done: Vec<bool>,
    /// How many were.
    done_count: usize,
    /// The ids of those that were.
    done_ids: HashSet<String>,
    /// Complete items whose turn has not come.
    waiting: Vec<(u64, String)>,
    waiting_bytes: usize,
    pub(super) called: bool,
    pub(super) refused: bool,
}

/// The item that streams.
#[derive(Debug)]
struct Open {
    index: u64,
    /// The hub's part that is open, and which part of the item it is.
    part: Option<(Kind, u64)>,
    /// Parts of it that were said.
    said: u32,
    /// The last part has said something.
    spoke: bool,
    /// What its texts rely on was said, as often.
    cited: usize,
}

/// What an event adds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Refusal,
    Summary,
    Reasoning,
    Call,
}

impl Kind {
    fn is_thought(self) -> bool {
        matches!(self, Self::Summary | Self::Reasoning)
    }

    fn delta(self, text: Text<'_>) -> Delta<'_> {
        match self {
            Self::Text | Self::Refusal => Delta::Text(text),
            Self::Summary | Self::Reasoning => Delta::Thinking(text),
            Self::Call => Delta::Arguments(text),
        }
    }
}

/// What an item is, as far as its deltas must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The item's place in the output.
    At(u64),
    /// A server that numbers nothing.
    Unsaid,
}

impl Items {
    fn index(&self, place: Place) -> u64 {
        match (place, &self.open) {
            (Place::At(index), _) => index,
            (Place::Unsaid, Some(open)) => open.index,
            (Place::Unsaid, None) => u64::try_from(self.done.len()).unwrap_or(u64::MAX),
        }
    }

    fn is_done(&self, index: u64) -> bool {
        usize::try_from(index).ok().and_then(|at| self.done.get(at)).copied().unwrap_or(false)
    }

    fn set_done(&mut self, index: u64) -> Result<(), Failure> {
        if index >= MOST_ITEMS {
            return Err(broken("it holds too many items"));
        }
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        if self.done.len() <= at {
            self.done.resize(at.saturating_add(1), false);
        }
        if let Some(done) = self.done.get_mut(at) {
            *done = true;
            self.done_count = self.done_count.saturating_add(1);
        }
        Ok(())
    }

    /// Whether an item of the whole answer was passed on. Its id tells: places in the answer and in the stream differ
    /// where an item came to nothing.
    fn is_known(&self, index: u64, id: Option<&str>) -> bool {
        id.map_or_else(|| self.is_done(index), |id| self.done_ids.contains(id))
    }

    /// An item begins.
    pub(super) fn added<S: EventSink>(&mut self, place: Place, raw: &RawValue, sink: &mut S) {
        let index = self.index(place);
        if self.open.is_some() || self.is_done(index) {
            return;
        }
        match item::read(raw) {
            Ok(Item::Call(Part { kind: PartKind::ToolCall(call), .. })) => {
                self.called = true;
                sink.event(Event::PartStart { choice: 0, part: start_of(&call) });
                self.open =
                    Some(Open { index, part: Some((Kind::Call, 0)), said: 0, spoke: false, cited: 0 });
            }
            Ok(Item::Message { .. } | Item::Thought(_)) => {
                self.open = Some(Open { index, part: None, said: 0, spoke: false, cited: 0 });
            }
            // What cannot be read yet, or has no pieces, is read when it is complete.
            _ => {}
        }
    }

    /// More of a part of an item. `at` is which part of the item.
    pub(super) fn delta<S: EventSink>(
        &mut self,
        place: Place,
        kind: Kind,
        at: u64,
        text: Text<'_>,
        sink: &mut S,
    ) {
        let index = self.index(place);
        if text.is_empty() || self.is_done(index) {
            return;
        }
        // A server that announces no items begins them with their first words; a call has no name then.
        if self.open.is_none() && kind != Kind::Call {
            self.open = Some(Open { index, part: None, said: 0, spoke: false, cited: 0 });
        }
        let Some(open) = self.open.as_mut().filter(|open| open.index == index) else { return };
        self.refused |= kind == Kind::Refusal;
        open.turn_to(kind, at, sink);
        open.spoke = true;
        sink.event(Event::Delta { choice: 0, delta: kind.delta(text) });
    }

    /// What the open text relies on.
    pub(super) fn cite<S: EventSink>(&mut self, place: Place, citation: Citation<'_>, sink: &mut S) {
        let index = self.index(place);
        if let Some(open) = self.open.as_mut().filter(|open| open.index == index)
            && matches!(open.part, Some((Kind::Text, _)))
        {
            open.cited = open.cited.saturating_add(1);
            sink.event(Event::Citation { choice: 0, citation });
        }
    }

    /// A part is complete: what was not said in pieces is said now.
    pub(super) fn part_done<S: EventSink>(
        &mut self,
        place: Place,
        kind: Kind,
        at: u64,
        text: Text<'_>,
        sink: &mut S,
    ) {
        let index = self.index(place);
        let said = self.open.as_ref().is_some_and(|open| {
            open.index == index && open.spoke && open.part.is_some_and(|(known, n)| known == kind && n == at)
        });
        if !said {
            self.delta(place, kind, at, text, sink);
        }
        // A thought goes on over its parts, and is closed with its item.
        if let Some(open) =
            self.open.as_mut().filter(|open| open.index == index && !kind.is_thought() && kind != Kind::Call)
        {
            open.close(sink);
        }
    }

    /// An item is complete.
    pub(super) fn item_done<S: EventSink>(
        &mut self,
        place: Place,
        raw: &RawValue,
        sink: &mut S,
    ) -> Result<(), Failure> {
        let index = self.index(place);
        if self.is_done(index) {
            return Ok(());
        }
        self.set_done(index)?;
        self.done_ids.extend(item::id(raw).map(|id| id.to_str().into_owned()));
        match self.open.take() {
            None => self.whole(raw, sink)?,
            Some(open) if open.index == index => {
                self.finish(open, raw, sink)?;
                self.release(sink)?;
            }
            Some(open) => {
                self.open = Some(open);
                self.waiting_bytes = self.waiting_bytes.saturating_add(raw.get().len());
                if self.waiting_bytes > MOST_WAITING {
                    return Err(broken("its items cannot be put in order"));
                }
                self.waiting.push((index, raw.get().to_owned()));
            }
        }
        Ok(())
    }

    /// Says what waited, in the order of the output.
    fn release<S: EventSink>(&mut self, sink: &mut S) -> Result<(), Failure> {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        waiting.sort_by_key(|(index, _)| *index);
        for (_, json) in waiting {
            if let Ok(raw) = serde_json::from_str::<&RawValue>(&json) {
                self.whole(raw, sink)?;
            }
        }
        Ok(())
    }

    /// The answer is complete: what is open ends, and what was never said in events is said.
    pub(super) fn end<S: EventSink>(&mut self, answer: &Answer<'_>, sink: &mut S) -> Result<(), Failure> {
        let items = answer.output.as_deref().unwrap_or_default();
        if let Some(mut open) = self.open.take() {
            self.set_done(open.index)?;
            let whole = items.iter().zip(0_u64..).find(|(raw, index)| {
                *index == open.index && !item::id(raw).is_some_and(|id| self.done_ids.contains(&*id.to_str()))
            });
            match whole {
                Some((raw, _)) => {
                    self.done_ids.extend(item::id(raw).map(|id| id.to_str().into_owned()));
                    self.finish(open, raw, sink)?;
                }
                None => open.close(sink),
            }
        }
        self.release(sink)?;
        if self.done_count >= items.len() {
            return Ok(());
        }
        for (index, raw) in (0_u64..).zip(items) {
            let id = item::id(raw).map(|id| id.to_str());
            if !self.is_known(index, id.as_deref()) {
                self.whole(raw, sink)?;
            }
        }
        Ok(())
    }

    /// Ends the item that streamed with what only the whole of it tells.
    fn finish<S: EventSink>(&mut self, mut open: Open, raw: &RawValue, sink: &mut S) -> Result<(), Failure> {
        match item::read(raw).map_err(|bad| broken(&format!("{}: {}", bad.field, bad.message)))? {
            Item::Call(Part { kind: PartKind::ToolCall(call), extra, .. }) => {
                lost(&extra, sink);
                if open.part.is_some() && !open.spoke {
                    let arguments = arguments(&call.arguments);
                    if !arguments.is_empty() {
                        sink.event(Event::Delta { choice: 0, delta: Delta::Arguments(arguments) });
                    }
                }
                open.close(sink);
            }
            Item::Thought(part) => {
                lost(&part.extra, sink);
                match part.kind {
                    PartKind::Thinking(thinking) => {
                        if open.part.is_none() && !thinking.text.is_empty() {
                            open.turn_to(Kind::Summary, 0, sink);
                            sink.event(Event::Delta { choice: 0, delta: Delta::Thinking(thinking.text) });
                        }
                        if let (Some(signature), true) = (thinking.signature, open.part.is_some()) {
                            sink.event(Event::Delta { choice: 0, delta: Delta::Signature(signature) });
                        }
                    }
                    // Pieces came of what the whole does not repeat.
                    PartKind::RedactedThinking(data) if open.part.is_some() => {
                        sink.event(Event::Delta { choice: 0, delta: Delta::Signature(data) });
                    }
                    PartKind::RedactedThinking(data) => {
                        let part = PartStart::RedactedThinking(data);
                        sink.event(Event::PartStart { choice: 0, part });
                        sink.event(Event::PartStop { choice: 0 });
                    }
                    _ => {}
                }
                open.close(sink);
            }
            Item::Message { parts, extra, .. } => {
                lost(&extra, sink);
                open.close(sink);
                let said = usize::try_from(open.said).unwrap_or(usize::MAX);
                let mut cited = open.cited;
                for (at, mut part) in parts.into_iter().enumerate() {
                    cite(&mut part);
                    lost(&part.extra, sink);
                    if at >= said {
                        self.part(part, sink);
                    } else if part.citations.len() > cited {
                        sink.event(Event::Lost("annotations"));
                    } else {
                        cited = cited.saturating_sub(part.citations.len());
                    }
                }
            }
            _ => open.close(sink),
        }
        Ok(())
    }

    /// Says an item of which nothing was said yet.
    fn whole<S: EventSink>(&mut self, raw: &RawValue, sink: &mut S) -> Result<(), Failure> {
        match item::read(raw).map_err(|bad| broken(&format!("{}: {}", bad.field, bad.message)))? {
            Item::Message { parts, extra, .. } => {
                lost(&extra, sink);
                for mut part in parts {
                    cite(&mut part);
                    lost(&part.extra, sink);
                    self.part(part, sink);
                }
            }
            Item::Thought(part) | Item::Call(part) | Item::Result(part) => {
                lost(&part.extra, sink);
                self.part(part, sink);
            }
            Item::Other(opaque) => sink.event(Event::Lost(&opaque.kind.to_str())),
            Item::Reference(_) => {}
        }
        Ok(())
    }

    fn part<S: EventSink>(&mut self, part: Part<'_>, sink: &mut S) {
        let mut say = |part: PartStart<'_>, deltas: [Option<Delta<'_>>; 2]| {
            sink.event(Event::PartStart { choice: 0, part });
            for delta in deltas.into_iter().flatten() {
                sink.event(Event::Delta { choice: 0, delta });
            }
            sink.event(Event::PartStop { choice: 0 });
        };
        match part.kind {
            PartKind::Text(text) if !text.is_empty() => {
                sink.event(Event::PartStart { choice: 0, part: PartStart::Text });
                sink.event(Event::Delta { choice: 0, delta: Delta::Text(text) });
                for citation in part.citations {
                    sink.event(Event::Citation { choice: 0, citation });
                }
                sink.event(Event::PartStop { choice: 0 });
            }
            PartKind::Refusal(text) => {
                self.refused = true;
                say(PartStart::Refusal, [Some(Delta::Text(text)), None]);
            }
            PartKind::Thinking(thinking) if !thinking.text.is_empty() => {
                let signature = thinking.signature.map(Delta::Signature);
                say(PartStart::Thinking, [Some(Delta::Thinking(thinking.text)), signature]);
            }
            PartKind::RedactedThinking(data) => say(PartStart::RedactedThinking(data), [None, None]),
            PartKind::ToolCall(call) => {
                self.called = true;
                let arguments = arguments(&call.arguments).into_owned();
                say(start_of(&call), [Some(Delta::Arguments(arguments)), None]);
            }
            PartKind::Other(opaque) => sink.event(Event::Lost(&opaque.kind.to_str())),
            _ => {}
        }
    }
}

impl Open {
    /// Opens the part that is spoken of, unless it is open.
    fn turn_to<S: EventSink>(&mut self, kind: Kind, at: u64, sink: &mut S) {
        let part = match (self.part, kind) {
            (Some(open), _) if open == (kind, at) => return,
            // The parts of a thought are one thought.
            (Some((known, _)), _) if known.is_thought() && kind.is_thought() => {
                sink.event(Event::Delta { choice: 0, delta: Delta::Thinking(Text::plain(BETWEEN)) });
                self.part = Some((kind, at));
                self.spoke = false;
                return;
            }
            (_, Kind::Text) => PartStart::Text,
            (_, Kind::Refusal) => PartStart::Refusal,
            (_, Kind::Summary | Kind::Reasoning) => PartStart::Thinking,
            // A call begins with its item, which names it.
            (_, Kind::Call) => return,
        };
        self.close(sink);
        self.said = self.said.saturating_add(1);
        self.spoke = false;
        self.part = Some((kind, at));
        sink.event(Event::PartStart { choice: 0, part });
    }

    fn close<S: EventSink>(&mut self, sink: &mut S) {
        if self.part.take().is_some() {
            self.spoke = false;
            sink.event(Event::PartStop { choice: 0 });
        }
    }
}

fn start_of<'t>(call: &ToolCall<'t>) -> PartStart<'t> {
    let (id, name) = (call.id.clone(), call.name.clone());
    match &call.arguments {
        Arguments::Input(_) => PartStart::CustomCall { id, name },
        _ => PartStart::ToolCall { id, name },
    }
}

fn arguments<'t>(arguments: &'t Arguments<'_>) -> Text<'t> {
    match arguments {
        Arguments::Text(text) | Arguments::Input(text) => text.clone(),
        Arguments::Json(json) => Text::plain(json.as_str()),
    }
}

/// Fields that the hub has no word for, where a client misses them.
fn lost<S: EventSink>(extra: &Extra<'_>, sink: &mut S) {
    for (name, value) in extra {
        if is_missed(name, value) {
            sink.event(Event::Lost(name));
        }
    }
}

pub(super) fn broken(what: &str) -> Failure {
    Failure::new(502, format!("the provider's stream could not be read: {what}"))
        .with_code("malformed_answer")
}

/// What the provider says of an answer that failed.
pub(super) fn failure(answer: &Answer<'_>) -> Failure {
    failure_of(answer)
        .unwrap_or_else(|| Failure::new(502, "the provider says that the response failed, and not why"))
}
