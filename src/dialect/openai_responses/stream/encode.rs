//! The hub's events become a Responses client's stream.

mod call;
mod events;
mod message;
mod thought;

use self::call::{CUSTOM, Call, FUNCTION};
use self::events::{Events, bracketed, separate};
use self::message::Message;
use self::thought::Thought;
use super::super::failure::write_event;
use super::super::finish::{self, COMPLETED};
use super::super::response::{Frame, Status, item_id};
use crate::chat::{Citation, Delta, Event, Failure, Finish, PartStart, Text, Usage};
use crate::dialect::lane::AnswerPlan;
use crate::dialect::signature;

/// Bytes of an answer that are kept until its end, at most: the last events of this dialect repeat all that was said.
/// Providers limit a whole answer to some hundred thousand tokens; more than this is no answer.
const MOST: usize = 16 << 20;

/// Writes the events of a response, each with its number: its beginning, each item with its parts, its end. The items
/// are kept as they were written, since the last event holds them all.
#[derive(Debug)]
pub struct StreamEncoder(Box<Writer>);

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about what was written")]
struct Writer {
    plan: AnswerPlan,
    frame: Frame,
    started: bool,
    over: bool,
    /// The provider said that this is all.
    ends: bool,
    events: Events,
    /// The complete items, with commas between them.
    items: Vec<u8>,
    /// The place of the next item.
    next: usize,
    open: Open,
    usage: Usage,
    finish: Option<Finish<'static>>,
    refused: bool,
}

/// The item that is open towards the client.
#[derive(Debug, Default)]
enum Open {
    #[default]
    None,
    Message(Message),
    Thought(Thought),
    Call(Call),
}

impl StreamEncoder {
    /// An encoder at the beginning of a stream.
    pub fn new(plan: &AnswerPlan) -> Self {
        Self(Box::new(Writer {
            plan: plan.clone(),
            frame: Frame::default(),
            started: false,
            over: false,
            ends: false,
            events: Events::default(),
            items: Vec::new(),
            next: 0,
            open: Open::None,
            usage: Usage::default(),
            finish: None,
            refused: false,
        }))
    }

    /// Appends what an event is in the words of this dialect; it may be nothing.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        self.0.event(event, out);
    }
}

impl Writer {
    fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start { id, model, created } => self.start(id, model, *created, out),
            Event::PartStart { choice: 0, part } => self.part(part, out),
            Event::Delta { choice: 0, delta } => self.delta(delta, out),
            Event::PartStop { choice: 0 } => self.part_stop(out),
            Event::Citation { choice: 0, citation } => self.cite(citation, out),
            Event::Logprobs { choice: 0, json } => self.logprobs(json.as_str()),
            Event::Finish { choice: 0, finish } => {
                let stop_sequence = finish.stop_sequence.clone().map(Text::into_owned);
                self.finish = Some(Finish { stop_sequence, ..finish.reason.into() });
            }
            Event::Usage { usage, .. } => self.usage.update(usage),
            Event::Error(failure) => self.fail(failure, out),
            Event::End => self.end(out),
            // Other choices cannot be told to a client of this dialect.
            Event::PartStart { .. }
            | Event::Delta { .. }
            | Event::PartStop { .. }
            | Event::Logprobs { .. }
            | Event::Finish { .. }
            | Event::Citation { .. }
            | Event::Ping
            | Event::Lost(_) => {}
        }
    }

    fn start(&mut self, id: &Text<'_>, model: &Text<'_>, created: Option<u64>, out: &mut Vec<u8>) {
        self.started = true;
        self.frame = Frame::new(&self.plan, id, model, created);
        self.response("response.created", Status::InProgress, out);
        self.response("response.in_progress", Status::InProgress, out);
    }

    /// Writes an event about the whole response.
    fn response(&mut self, name: &'static str, status: Status<'_>, out: &mut Vec<u8>) {
        let (frame, items) = (&self.frame, &self.items);
        let usage = if matches!(status, Status::InProgress) { Usage::default() } else { self.usage };
        self.events.emit(out, name, |o| {
            o.object("response", |o| frame.write(o, status, &usage, None, |out| bracketed(out, items)));
        });
    }

    fn part(&mut self, part: &PartStart<'_>, out: &mut Vec<u8>) {
        match part {
            PartStart::Text | PartStart::Refusal => {
                let is_refusal = matches!(part, PartStart::Refusal);
                self.refused |= is_refusal;
                if !matches!(self.open, Open::Message(_)) {
                    self.close(out);
                    self.open = Open::Message(Message::new(self.item_id("msg")));
                }
                if let Open::Message(message) = &mut self.open {
                    message.open(is_refusal);
                }
            }
            PartStart::Thinking => {
                self.close(out);
                self.open = Open::Thought(Thought::new(self.item_id("rs"), signature::Kind::Thinking, None));
            }
            PartStart::RedactedThinking(data) => {
                self.close(out);
                let (kind, data) = (signature::Kind::Redacted, data.clone().into_owned());
                self.open = Open::Thought(Thought::new(self.item_id("rs"), kind, Some(data)));
            }
            PartStart::ToolCall { id, name } | PartStart::CustomCall { id, name } => {
                self.close(out);
                let kind = if matches!(part, PartStart::ToolCall { .. }) { &FUNCTION } else { &CUSTOM };
                let (item, index) = (self.item_id(kind.prefix), self.next as u64);
                self.open = Open::Call(Call::begin(kind, item, (id, name), index, &mut self.events, out));
            }
        }
    }

    /// The id of the next item.
    fn item_id(&self, prefix: &str) -> String {
        item_id(prefix, &self.frame.core, self.next)
    }

    /// Whether so much more can be kept.
    fn fits(&self, more: usize) -> bool {
        let open = match &self.open {
            Open::None => 0,
            Open::Message(message) => message.kept(),
            Open::Thought(thought) => thought.kept(),
            Open::Call(call) => call.kept(),
        };
        self.items.len().saturating_add(open).saturating_add(more) <= MOST
    }

    fn delta(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) {
        let (Delta::Text(text) | Delta::Thinking(text) | Delta::Signature(text) | Delta::Arguments(text)) =
            delta;
        if !self.fits(text.len()) {
            let failure = Failure::new(502, "the provider's answer is too long to be repeated at its end");
            return self.fail(&failure, out);
        }
        let (index, events) = (self.next as u64, &mut self.events);
        match (&mut self.open, delta) {
            (Open::Message(message), Delta::Text(text)) => message.text(text, index, events, out),
            (Open::Thought(thought), Delta::Thinking(text)) => thought.text(text, index, events, out),
            (Open::Thought(thought), Delta::Signature(text)) => thought.sign(text),
            (Open::Call(call), Delta::Arguments(text)) => call.arguments(text, index, events, out),
            _ => {}
        }
    }

    fn logprobs(&mut self, json: &str) {
        if !self.fits(json.len()) {
            return;
        }
        if let Open::Message(message) = &mut self.open {
            message.logprobs(json);
        }
    }

    fn cite(&mut self, citation: &Citation<'_>, out: &mut Vec<u8>) {
        if !self.fits(citation.url.len().saturating_add(citation.title.len())) {
            return;
        }
        if let Open::Message(message) = &mut self.open {
            message.cite(citation, self.next as u64, &mut self.events, out);
        }
    }

    /// A message stays open: more of its parts may follow. So does a call: only what follows tells whether it is whole.
    fn part_stop(&mut self, out: &mut Vec<u8>) {
        match &mut self.open {
            Open::Message(message) => message.close_part(self.next as u64, &mut self.events, out),
            Open::Call(_) => {}
            Open::None | Open::Thought(_) => self.close(out),
        }
    }

    /// Closes whatever is open.
    fn close(&mut self, out: &mut Vec<u8>) {
        let (index, events) = (self.next as u64, &mut self.events);
        // It is known with the end of the answer: until then another item follows.
        let status = if self.ends { finish::status(self.finish.as_ref(), self.refused) } else { COMPLETED };
        let item = match std::mem::take(&mut self.open) {
            Open::None => None,
            Open::Message(mut message) => {
                message.close_part(index, events, out);
                message.close(status)
            }
            Open::Thought(thought) => thought.close(self.plan.provider, index, events, out),
            Open::Call(call) => Some(call.close(status, index, events, out)),
        };
        let Some(item) = item else { return };
        events.item(out, "response.output_item.done", index, |out| out.extend_from_slice(&item));
        separate(&mut self.items);
        self.items.extend_from_slice(&item);
        self.next = self.next.saturating_add(1);
    }

    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        self.over = true;
        if self.started {
            // What is open stays so: it is not complete.
            self.response("response.failed", Status::Failed(failure), out);
        }
        write_event(failure, self.events.next(), out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.ends = true;
        self.close(out);
        self.over = true;
        let finish = self.finish.take();
        let status = Status::Ended { finish: finish.as_ref(), refused: self.refused };
        let name = if status.is_incomplete() { "response.incomplete" } else { "response.completed" };
        self.response(name, status, out);
    }
}
