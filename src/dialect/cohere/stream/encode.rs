//! The hub's events as the stream that a client of Cohere's reads.

use super::super::response::settled;
use super::super::usage::write_usage;
use super::super::{finish, logprobs, write_failure_event};
use crate::chat::{Delta, Event, FinishReason, PartStart, Text, Usage};
use crate::dialect::lane::AnswerPlan;
use crate::wire::json::{Object, object};

/// Writes a stream that is well formed whatever comes in: one `message-start`, content blocks and calls with rising
/// indices of which one is open at a time, one `message-end` with the reason and the counts, and `[DONE]`.
#[derive(Debug, Default)]
pub struct StreamEncoder {
    started: bool,
    over: bool,
    open: Open,
    /// Indices of the next content block and the next call.
    blocks: u64,
    calls: u64,
    finish: Option<FinishReason>,
    usage: Usage,
}

/// The part that is open towards the client.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Open {
    #[default]
    None,
    /// A part that has said nothing yet: the client does not know of it, so that no empty block is left behind.
    Unsaid,
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
            Event::Start { id, .. } => self.start(id, out),
            Event::PartStart { choice: 0, part } => self.part_start(part, out),
            Event::Delta { choice: 0, delta } => self.delta(delta, out),
            Event::PartStop { choice: 0 } => self.part_stop(out),
            Event::Logprobs { choice: 0, json } if self.open == Open::Text => {
                let index = self.blocks.saturating_sub(1);
                emit(out, "content-delta", |data| {
                    data.u64("index", index);
                    content(data, |content| content.word("text", ""));
                    logprobs::write_event(json.as_str(), data);
                });
            }
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.reason),
            Event::Usage { usage, .. } => self.usage.update(usage),
            Event::Error(failure) => {
                self.over = true;
                write_failure_event(failure, out);
            }
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

    fn start(&mut self, id: &Text<'_>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        emit(out, "message-start", |data| {
            data.text("id", id);
            data.object("delta", |delta| {
                delta.object("message", |message| {
                    message.word("role", "assistant");
                    message.array("content", |_| ());
                    message.word("tool_plan", "");
                    message.array("tool_calls", |_| ());
                    message.array("citations", |_| ());
                });
            });
        });
    }

    fn part_start(&mut self, part: &PartStart<'_>, out: &mut Vec<u8>) {
        self.part_stop(out);
        match part {
            PartStart::Text | PartStart::Refusal | PartStart::Thinking => self.open = Open::Unsaid,
            // Only its maker can read it.
            PartStart::RedactedThinking(_) => {}
            PartStart::ToolCall { id, name } | PartStart::CustomCall { id, name } => {
                self.begin(out);
                let index = self.calls;
                self.calls = self.calls.saturating_add(1);
                self.open = Open::Call(false);
                emit(out, "tool-call-start", |data| {
                    data.u64("index", index);
                    tool_calls(data, |call| {
                        call.text("id", id);
                        call.word("type", "function");
                        call.object("function", |function| {
                            function.text("name", name);
                            function.word("arguments", "");
                        });
                    });
                });
            }
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !self.started {
            self.start(&Text::default(), out);
        }
    }

    fn delta(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) {
        let (wanted, kind, text) = match delta {
            Delta::Text(text) => (Open::Text, "text", text),
            Delta::Thinking(text) => (Open::Thinking, "thinking", text),
            Delta::Arguments(text) => return self.arguments(text, out),
            // A proof for the maker, which Cohere's clients do not send back.
            Delta::Signature(_) => return,
        };
        if text.is_empty() {
            return;
        }
        if self.open == Open::Unsaid {
            self.begin(out);
            self.open = wanted;
            let index = self.blocks;
            self.blocks = self.blocks.saturating_add(1);
            emit(out, "content-start", |data| {
                data.u64("index", index);
                content(data, |content| {
                    content.word("type", kind);
                    content.word(kind, "");
                });
            });
        }
        // A delta that does not belong to the open part has no place in this dialect.
        if self.open == wanted {
            let index = self.blocks.saturating_sub(1);
            emit(out, "content-delta", |data| {
                data.u64("index", index);
                content(data, |content| content.text(kind, text));
            });
        }
    }

    fn arguments(&mut self, text: &Text<'_>, out: &mut Vec<u8>) {
        if text.is_empty() || !matches!(self.open, Open::Call(_)) {
            return;
        }
        self.open = Open::Call(true);
        let index = self.calls.saturating_sub(1);
        emit(out, "tool-call-delta", |data| {
            data.u64("index", index);
            tool_calls(data, |call| call.object("function", |function| function.text("arguments", text)));
        });
    }

    fn part_stop(&mut self, out: &mut Vec<u8>) {
        if self.open == Open::Call(false) {
            self.arguments(&Text::plain("{}"), out);
        }
        match std::mem::take(&mut self.open) {
            Open::None | Open::Unsaid => {}
            Open::Text | Open::Thinking => {
                emit(out, "content-end", |data| data.u64("index", self.blocks.saturating_sub(1)));
            }
            Open::Call(_) => {
                emit(out, "tool-call-end", |data| data.u64("index", self.calls.saturating_sub(1)));
            }
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.over = true;
        self.begin(out);
        self.part_stop(out);
        let reason = settled(self.finish.unwrap_or(FinishReason::Unknown), self.calls > 0);
        emit(out, "message-end", |data| {
            data.object("delta", |delta| {
                delta.word("finish_reason", finish::word(reason));
                delta.object("usage", |usage| write_usage(&self.usage, None, None, usage));
            });
        });
        out.extend_from_slice(b"data: [DONE]\n\n");
    }
}

/// Writes an event whose name is its type.
fn emit(out: &mut Vec<u8>, name: &'static str, fill: impl FnOnce(&mut Object<'_>)) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    object(out, |data| {
        data.word("type", name);
        fill(data);
    });
    out.extend_from_slice(b"\n\n");
}

fn content(data: &mut Object<'_>, fill: impl FnOnce(&mut Object<'_>)) {
    data.object("delta", |delta| {
        delta.object("message", |message| message.object("content", fill));
    });
}

/// One call: an object, not a list, in every event of a stream.
fn tool_calls(data: &mut Object<'_>, fill: impl FnOnce(&mut Object<'_>)) {
    data.object("delta", |delta| {
        delta.object("message", |message| message.object("tool_calls", fill));
    });
}
