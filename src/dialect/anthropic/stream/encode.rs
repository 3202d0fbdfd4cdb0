//! The hub's events as a stream for a client that speaks Anthropic.

use super::super::citation;
use super::super::finish::stop_reason;
use super::super::response::settled;
use super::super::usage::write_usage;
use super::super::write_failure_event;
use crate::chat::{Citation, Delta, Event, FinishReason, PartStart, Text, Usage};
use crate::dialect::Dialect;
use crate::dialect::lane::AnswerPlan;
use crate::wire::json::{Mold, Object, object};

/// Writes a stream that is well formed whatever comes in: one `message_start`, blocks with rising indices of which
/// one is open at a time, one `message_delta` with the stop reason and the counts, one `message_stop`; or an `error`.
#[derive(Debug)]
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
    /// Whose pages these are.
    maker: Dialect,
    /// Pages of a text that has said nothing yet.
    pages: Vec<Citation<'static>>,
    /// The open text relies on pages: what it goes on with is another block.
    relied: bool,
    /// The last delta, by its block and its kind.
    delta: Mold<(u64, &'static str)>,
}

/// The block that is open towards the client.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Open {
    #[default]
    None,
    /// A text that has said nothing yet: the client does not know of it, so that no empty block is left behind.
    Unsaid,
    Text,
    Thinking,
    Call,
    Redacted,
}

impl StreamEncoder {
    /// An encoder at the start of a stream.
    pub fn new(plan: &AnswerPlan) -> Self {
        Self {
            started: false,
            over: false,
            next: 0,
            open: Open::None,
            usage: Usage::default(),
            finish: None,
            has_call: false,
            has_refusal: false,
            maker: plan.provider,
            pages: Vec::new(),
            relied: false,
            delta: Mold::default(),
        }
    }

    /// Writes what an event has to say.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start { id, model, .. } => self.start(id, model, out),
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
            Event::Ping => emit(out, "ping", |_| ()),
            Event::Error(failure) => {
                self.over = true;
                write_failure_event(failure, out);
            }
            Event::End => self.end(out),
            // Other choices cannot be told to a client of this dialect, and neither can log probabilities.
            Event::PartStart { .. }
            | Event::Citation { .. }
            | Event::Delta { .. }
            | Event::PartStop { .. }
            | Event::Finish { .. }
            | Event::Logprobs { .. }
            | Event::Lost(_) => {}
        }
    }

    fn start(&mut self, id: &Text<'_>, model: &Text<'_>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        emit(out, "message_start", |data| {
            data.object("message", |message| {
                if id.is_empty() {
                    message.word("id", "msg_0");
                } else {
                    message.text("id", id);
                }
                message.word("type", "message");
                message.word("role", "assistant");
                message.text("model", model);
                message.array("content", |_| ());
                message.null("stop_reason");
                message.null("stop_sequence");
                message.object("usage", |usage| write_usage(&self.usage, usage));
            });
        });
    }

    fn part_start(&mut self, part: &PartStart<'_>, out: &mut Vec<u8>) {
        self.part_stop(out);
        match part {
            PartStart::Text => self.open = Open::Unsaid,
            PartStart::Refusal => {
                self.has_refusal = true;
                self.open = Open::Unsaid;
            }
            PartStart::Thinking => {
                self.open = Open::Thinking;
                self.block(out, |block| {
                    block.word("type", "thinking");
                    block.word("thinking", "");
                    block.word("signature", "");
                });
            }
            PartStart::RedactedThinking(data) => {
                self.open = Open::Redacted;
                self.block(out, |block| {
                    block.word("type", "redacted_thinking");
                    block.text("data", data);
                });
            }
            PartStart::ToolCall { id, name } | PartStart::CustomCall { id, name } => {
                self.open = Open::Call;
                self.has_call = true;
                self.block(out, |block| {
                    block.word("type", "tool_use");
                    block.text("id", id);
                    block.text("name", name);
                    block.object("input", |_| ());
                });
            }
        }
    }

    fn block(&mut self, out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        if !self.started {
            self.start(&Text::default(), &Text::default(), out);
        }
        emit(out, "content_block_start", |data| {
            data.u64("index", self.next);
            data.object("content_block", fill);
        });
        self.next += 1;
    }

    fn delta(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) {
        let (Delta::Text(text) | Delta::Thinking(text) | Delta::Signature(text) | Delta::Arguments(text)) =
            delta;
        if text.is_empty() {
            return;
        }
        // White space stays with the words before it: a block of nothing else could not be sent back.
        if self.open == Open::Text && self.relied && matches!(delta, Delta::Text(text) if !text.is_blank()) {
            self.part_stop(out);
            self.open = Open::Unsaid;
        }
        let (kind, field) = match (delta, self.open) {
            (Delta::Text(_), Open::Unsaid) => {
                self.text(out);
                ("text_delta", "text")
            }
            (Delta::Text(_), Open::Text) => ("text_delta", "text"),
            (Delta::Thinking(_), Open::Thinking) => ("thinking_delta", "thinking"),
            (Delta::Signature(_), Open::Thinking) => ("signature_delta", "signature"),
            (Delta::Arguments(_), Open::Call) => ("input_json_delta", "partial_json"),
            // A delta that does not belong to the open part has no place in this dialect.
            _ => return,
        };
        let index = self.next.saturating_sub(1);
        self.delta.pour((index, kind), text, out, |text, out| {
            emit(out, "content_block_delta", |data| {
                data.u64("index", index);
                data.object("delta", |delta| {
                    delta.word("type", kind);
                    delta.text(field, text);
                });
            });
        });
    }

    /// A block of text begins, with the pages that came before its words.
    fn text(&mut self, out: &mut Vec<u8>) {
        self.open = Open::Text;
        let pages = std::mem::take(&mut self.pages);
        self.block(out, |block| {
            block.word("type", "text");
            block.word("text", "");
            if !pages.is_empty() {
                // As Anthropic's own blocks begin that will rely on something.
                block.array(citation::FIELD, |_| ());
            }
        });
        for page in &pages {
            self.write_page(page, out);
        }
    }

    /// A page that the open text relies on. What was said cannot be cut any more: the page is the open block's, which ends
    /// here.
    fn cite(&mut self, page: &Citation<'_>, out: &mut Vec<u8>) {
        match self.open {
            Open::Text => {
                self.relied = true;
                self.write_page(page, out);
            }
            // Bounded by the decoders, which keep pages for a text that has not begun.
            Open::Unsaid => self.pages.push(page.clone().into_owned()),
            _ => {}
        }
    }

    fn write_page(&self, page: &Citation<'_>, out: &mut Vec<u8>) {
        emit(out, "content_block_delta", |data| {
            data.u64("index", self.next.saturating_sub(1));
            data.object("delta", |delta| {
                delta.word("type", "citations_delta");
                delta.object("citation", |o| citation::write(o, page, self.maker));
            });
        });
    }

    fn part_stop(&mut self, out: &mut Vec<u8>) {
        self.relied = false;
        self.pages.clear();
        match std::mem::take(&mut self.open) {
            Open::None | Open::Unsaid => {}
            _ => emit(out, "content_block_stop", |data| data.u64("index", self.next.saturating_sub(1))),
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.over = true;
        if !self.started {
            self.start(&Text::default(), &Text::default(), out);
        }
        self.part_stop(out);
        let (reason, stop_sequence) = self.finish.take().unwrap_or((FinishReason::Unknown, None));
        let reason = settled(reason, self.has_call, self.has_refusal);
        emit(out, "message_delta", |data| {
            data.object("delta", |delta| {
                delta.word("stop_reason", stop_reason(reason));
                match &stop_sequence {
                    Some(text) => delta.text("stop_sequence", text),
                    None => delta.null("stop_sequence"),
                }
            });
            data.object("usage", |usage| write_usage(&self.usage, usage));
        });
        emit(out, "message_stop", |_| ());
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
