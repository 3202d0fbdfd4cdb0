//! The hub's events as frames for a client that speaks `ConverseStream`.

use super::super::citation;
use super::super::finish::{settled, stop_reason};
use super::super::usage::write_usage;
use super::super::write_failure_event;
use crate::chat::{Citation, Delta, Event, FinishReason, PartStart, Text, Usage};
use crate::dialect::lane::AnswerPlan;
use crate::wire::eventstream::write_frame;
use crate::wire::json::{Object, object};

/// Writes a stream that is well formed whatever comes in: one `messageStart`, blocks with rising indices of which one
/// is open at a time, one `messageStop`, one `metadata` with the counts; or an exception.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact about the stream, independent of the others"
)]
pub struct StreamEncoder {
    started: bool,
    over: bool,
    /// Index of the next block.
    next: u64,
    open: Open,
    usage: Usage,
    finish: Option<(FinishReason, Option<Text<'static>>)>,
    has_call: bool,
    has_refusal: bool,
    /// What a text that has said nothing yet relies on.
    citations: Vec<Citation<'static>>,
    /// The open text relies on something: what it goes on with is another block.
    relied: bool,
}

/// The block that is open.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Open {
    #[default]
    None,
    /// A text that has said nothing yet: the client does not know of it, for texts and reasoning have no start.
    UnsaidText,
    UnsaidThinking,
    Text,
    Thinking,
    /// A call; `true`: arguments were written.
    Call(bool),
}

impl StreamEncoder {
    /// An encoder at the start of a stream.
    pub fn new(_plan: &AnswerPlan) -> Self {
        Self::default()
    }

    /// Writes what an event has to say.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start { .. } => self.start(out),
            Event::PartStart { choice: 0, part } => self.part_start(part, out),
            Event::Delta { choice: 0, delta } => self.delta(delta, out),
            Event::Citation { choice: 0, citation } => self.cite(citation, out),
            Event::PartStop { choice: 0 } => self.part_stop(out),
            Event::Finish { choice: 0, finish } => {
                self.part_stop(out);
                let text = finish.stop_sequence.clone().map(Text::into_owned);
                self.finish = Some((finish.reason, text));
            }
            Event::Usage { usage, .. } => self.usage.update(usage),
            Event::Error(failure) => {
                self.over = true;
                write_failure_event(failure, out);
            }
            Event::End => self.end(out),
            // Other choices cannot be told to a client of this dialect, nor log probabilities, nor that all is quiet.
            Event::PartStart { .. }
            | Event::Delta { .. }
            | Event::PartStop { .. }
            | Event::Finish { .. }
            | Event::Logprobs { .. }
            | Event::Citation { .. }
            | Event::Ping
            | Event::Lost(_) => {}
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.started, true) {
            emit(out, "messageStart", |data| data.word("role", "assistant"));
        }
    }

    fn part_start(&mut self, part: &PartStart<'_>, out: &mut Vec<u8>) {
        self.start(out);
        self.part_stop(out);
        match part {
            PartStart::Text => self.open = Open::UnsaidText,
            PartStart::Refusal => {
                self.has_refusal = true;
                self.open = Open::UnsaidText;
            }
            PartStart::Thinking => self.open = Open::UnsaidThinking,
            PartStart::RedactedThinking(data) => {
                self.next += 1;
                self.added(out, |delta| {
                    delta.object("reasoningContent", |reasoning| reasoning.text("redactedContent", data));
                });
                self.stopped(out);
            }
            PartStart::ToolCall { id, name } | PartStart::CustomCall { id, name } => {
                self.open = Open::Call(false);
                self.has_call = true;
                let index = self.next;
                self.next += 1;
                emit(out, "contentBlockStart", |data| {
                    data.object("start", |start| {
                        start.object("toolUse", |tool| {
                            tool.text("toolUseId", id);
                            tool.text("name", name);
                        });
                    });
                    data.u64("contentBlockIndex", index);
                });
            }
        }
    }

    fn delta(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) {
        let (Delta::Text(text) | Delta::Thinking(text) | Delta::Signature(text) | Delta::Arguments(text)) =
            delta;
        if text.is_empty() {
            return;
        }
        if self.open == Open::Text && self.relied && matches!(delta, Delta::Text(text) if !text.is_blank()) {
            self.part_stop(out);
            self.open = Open::UnsaidText;
        }
        match (self.open, delta) {
            (Open::UnsaidText, Delta::Text(_)) => {
                self.open = Open::Text;
                self.next += 1;
                for citation in std::mem::take(&mut self.citations) {
                    self.cite(&citation, out);
                }
            }
            (Open::UnsaidThinking, Delta::Thinking(_) | Delta::Signature(_)) => {
                self.open = Open::Thinking;
                self.next += 1;
            }
            _ => {}
        }
        match (delta, self.open) {
            (Delta::Text(text), Open::Text) => self.added(out, |delta| delta.text("text", text)),
            (Delta::Thinking(text), Open::Thinking) => self.added(out, |delta| {
                delta.object("reasoningContent", |reasoning| reasoning.text("text", text));
            }),
            (Delta::Signature(text), Open::Thinking) => self.added(out, |delta| {
                delta.object("reasoningContent", |reasoning| reasoning.text("signature", text));
            }),
            (Delta::Arguments(text), Open::Call(_)) => {
                self.open = Open::Call(true);
                self.added(out, |delta| delta.object("toolUse", |tool| tool.text("input", text)));
            }
            // A delta that does not belong to the open part has no place in this dialect.
            _ => {}
        }
    }

    /// What the open text relies on. What was said cannot be cut any more: it is the open block's, which ends here.
    fn cite(&mut self, citation: &Citation<'_>, out: &mut Vec<u8>) {
        match self.open {
            Open::Text => {
                self.relied = true;
                self.added(out, |delta| delta.object("citation", |o| citation::write(o, citation)));
            }
            // Bounded by the decoders, which keep citations for a text that has not begun.
            Open::UnsaidText => self.citations.push(citation.clone().into_owned()),
            _ => {}
        }
    }

    /// Writes what is added to the newest block.
    fn added(&self, out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        emit(out, "contentBlockDelta", |data| {
            data.object("delta", fill);
            data.u64("contentBlockIndex", self.next.saturating_sub(1));
        });
    }

    fn stopped(&self, out: &mut Vec<u8>) {
        emit(out, "contentBlockStop", |data| data.u64("contentBlockIndex", self.next.saturating_sub(1)));
    }

    fn part_stop(&mut self, out: &mut Vec<u8>) {
        self.relied = false;
        self.citations.clear();
        match std::mem::take(&mut self.open) {
            Open::None | Open::UnsaidText | Open::UnsaidThinking => {}
            Open::Call(false) => {
                // Clients parse what they collected.
                self.added(out, |delta| delta.object("toolUse", |tool| tool.word("input", "{}")));
                self.stopped(out);
            }
            Open::Text | Open::Thinking | Open::Call(true) => self.stopped(out),
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.over = true;
        self.start(out);
        self.part_stop(out);
        let (reason, stop_sequence) = self.finish.take().unwrap_or((FinishReason::Unknown, None));
        let reason = settled(reason, self.has_call, self.has_refusal);
        emit(out, "messageStop", |data| {
            data.word("stopReason", stop_reason(reason));
            if let Some(text) = &stop_sequence {
                data.object("additionalModelResponseFields", |fields| fields.text("stop_sequence", text));
            }
        });
        emit(out, "metadata", |data| {
            data.object("usage", |usage| write_usage(&self.usage, usage));
            // Required by AWS's SDKs; the time that is known here is none.
            data.object("metrics", |metrics| metrics.u64("latencyMs", 0));
        });
    }
}

/// Writes an event.
fn emit(out: &mut Vec<u8>, name: &'static str, fill: impl FnOnce(&mut Object<'_>)) {
    let mut payload = Vec::with_capacity(128);
    object(&mut payload, fill);
    let headers = [(":event-type", name), (":content-type", "application/json"), (":message-type", "event")];
    write_frame(&headers, &payload, out);
}
