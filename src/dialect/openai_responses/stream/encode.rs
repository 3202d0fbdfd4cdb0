//! The hub's events become a Responses client's stream.

use super::super::failure::write_event;
use super::super::finish::{self, COMPLETED};
use super::super::part::write_citation;
use super::super::response::{Frame, Status, item_id};
use crate::chat::{Citation, Delta, Event, Failure, Finish, PartStart, Text, Usage};
use crate::dialect::lane::AnswerPlan;
use crate::dialect::{Dialect, signature};
use crate::wire::json::{Object, object};

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
    sequence: u64,
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
    /// A message; one of its parts may be open.
    Message { id: String, parts: Vec<u8>, count: u64, part: Option<Words> },
    /// A thought.
    Thought {
        id: String,
        text: Vec<u8>,
        shown: bool,
        signature: Option<Text<'static>>,
        kind: signature::Kind,
    },
    /// A call, from its name on.
    Call { id: String, head: Vec<u8>, arguments: Vec<u8>, words: &'static CallWords },
}

/// What a kind of call is called.
#[derive(Debug)]
struct CallWords {
    kind: &'static str,
    /// What ids of its items begin with.
    prefix: &'static str,
    /// The field for what it is called with, and the events about it.
    field: &'static str,
    delta: &'static str,
    done: &'static str,
}

const FUNCTION: CallWords = CallWords {
    kind: "function_call",
    prefix: "fc",
    field: "arguments",
    delta: "response.function_call_arguments.delta",
    done: "response.function_call_arguments.done",
};

const CUSTOM: CallWords = CallWords {
    kind: "custom_tool_call",
    prefix: "ctc",
    field: "input",
    delta: "response.custom_tool_call_input.delta",
    done: "response.custom_tool_call_input.done",
};

/// The part of a message that is open: its text as it stands within quotes, and its log probabilities.
#[derive(Debug, Default)]
struct Words {
    is_refusal: bool,
    /// The client knows of it: a part that says nothing is none.
    shown: bool,
    text: Vec<u8>,
    logprobs: Vec<u8>,
    /// What it relies on, with commas between them, and how many there are.
    annotations: Vec<u8>,
    cited: u64,
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
            sequence: 0,
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
                self.finish = Some(Finish { reason: finish.reason, stop_sequence });
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
        emit(out, &mut self.sequence, name, |o| {
            o.object("response", |o| {
                frame.write(o, status, &usage, None, |out| {
                    out.push(b'[');
                    out.extend_from_slice(items);
                    out.push(b']');
                });
            });
        });
    }

    fn part(&mut self, part: &PartStart<'_>, out: &mut Vec<u8>) {
        match part {
            PartStart::Text | PartStart::Refusal => {
                let is_refusal = matches!(part, PartStart::Refusal);
                self.refused |= is_refusal;
                if !matches!(self.open, Open::Message { .. }) {
                    self.close(out);
                }
                let words = Words { is_refusal, ..Words::default() };
                match &mut self.open {
                    Open::Message { part, .. } => *part = Some(words),
                    open => {
                        let id = item_id("msg", &self.frame.core, self.next);
                        *open = Open::Message { id, parts: Vec::new(), count: 0, part: Some(words) };
                    }
                }
            }
            PartStart::Thinking => {
                self.close(out);
                self.open_thought(signature::Kind::Thinking, None);
            }
            PartStart::RedactedThinking(data) => {
                self.close(out);
                self.open_thought(signature::Kind::Redacted, Some(data.clone().into_owned()));
            }
            PartStart::ToolCall { id, name } | PartStart::CustomCall { id, name } => {
                self.close(out);
                let words = if matches!(part, PartStart::ToolCall { .. }) { &FUNCTION } else { &CUSTOM };
                let item = item_id(words.prefix, &self.frame.core, self.next);
                let mut head = Vec::new();
                object(&mut head, |o| {
                    o.word("type", words.kind);
                    o.str("id", &item);
                    o.text("call_id", id);
                    o.text("name", name);
                });
                // It is left open for what differs between its beginning and its end.
                head.pop();
                let index = self.next as u64;
                emit(out, &mut self.sequence, "response.output_item.added", |o| {
                    o.u64("output_index", index);
                    let out = o.key("item");
                    out.extend_from_slice(&head);
                    let rest = format!(",\"{}\":\"\",\"status\":\"in_progress\"}}", words.field);
                    out.extend_from_slice(rest.as_bytes());
                });
                self.open = Open::Call { id: item, head, arguments: Vec::new(), words };
            }
        }
    }

    fn open_thought(&mut self, kind: signature::Kind, signature: Option<Text<'static>>) {
        let id = item_id("rs", &self.frame.core, self.next);
        self.open = Open::Thought { id, text: Vec::new(), shown: false, signature, kind };
    }

    /// Whether so much more can be kept.
    fn fits(&self, more: usize) -> bool {
        let open = match &self.open {
            Open::None => 0,
            Open::Message { parts, part, .. } => {
                parts.len().saturating_add(part.as_ref().map_or(0, |part| part.text.len()))
            }
            Open::Thought { text, .. } => text.len(),
            Open::Call { arguments, .. } => arguments.len(),
        };
        self.items.len().saturating_add(open).saturating_add(more) <= MOST
    }

    fn delta(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) {
        let (Delta::Text(text) | Delta::Thinking(text) | Delta::Signature(text) | Delta::Arguments(text)) =
            delta;
        if !self.fits(text.len()) {
            return self.fail(
                &Failure::new(502, "the provider's answer is too long to be repeated at its end"),
                out,
            );
        }
        let index = self.next as u64;
        let sequence = &mut self.sequence;
        match (&mut self.open, delta) {
            (Open::Message { id, parts, count, part: Some(part) }, Delta::Text(text)) => {
                if text.is_empty() {
                    return;
                }
                if !std::mem::replace(&mut part.shown, true) {
                    if parts.is_empty() {
                        emit(out, sequence, "response.output_item.added", |o| {
                            o.u64("output_index", index);
                            o.object("item", |o| {
                                message_head(o, id, "in_progress", |out| out.extend_from_slice(b"[]"));
                            });
                        });
                    }
                    about_part(out, sequence, "response.content_part.added", (id, index, *count), |o| {
                        o.object("part", |o| part.write(o, true));
                    });
                }
                text.write_content(&mut part.text);
                let (name, is_text) = if part.is_refusal {
                    ("response.refusal.delta", false)
                } else {
                    ("response.output_text.delta", true)
                };
                about_part(out, sequence, name, (id, index, *count), |o| {
                    o.text("delta", text);
                    if is_text {
                        o.array("logprobs", |_| ());
                    }
                });
            }
            (Open::Thought { id, text: whole, shown, .. }, Delta::Thinking(text)) => {
                if text.is_empty() {
                    return;
                }
                if !std::mem::replace(shown, true) {
                    emit(out, sequence, "response.output_item.added", |o| {
                        o.u64("output_index", index);
                        o.object("item", |o| {
                            o.word("type", "reasoning");
                            o.str("id", id);
                            o.array("summary", |_| ());
                        });
                    });
                    about_summary(out, sequence, "response.reasoning_summary_part.added", (id, index), |o| {
                        o.object("part", |o| {
                            o.word("type", "summary_text");
                            o.word("text", "");
                        });
                    });
                }
                text.write_content(whole);
                about_summary(out, sequence, "response.reasoning_summary_text.delta", (id, index), |o| {
                    o.text("delta", text);
                });
            }
            (Open::Thought { signature, .. }, Delta::Signature(text)) => {
                *signature = Some(text.clone().into_owned());
            }
            (Open::Call { id, arguments, words, .. }, Delta::Arguments(text)) => {
                if text.is_empty() {
                    return;
                }
                text.write_content(arguments);
                about_item(out, sequence, words.delta, (id, index), |o| {
                    o.text("delta", text);
                });
            }
            _ => {}
        }
    }

    /// Keeps log probabilities for the end of the open text. Other dialects say them beside the words, OpenAI's chat
    /// in the same chunk.
    fn logprobs(&mut self, json: &str) {
        let Ok(found) = crate::wire::json::members(json.as_bytes()) else { return };
        let content = found.get("content").map(|member| member.value.get().trim());
        let Some(items) = content.and_then(|list| list.strip_prefix('[')?.strip_suffix(']')) else { return };
        let fits = self.fits(items.len());
        if let Open::Message { part: Some(part), .. } = &mut self.open
            && !items.trim().is_empty()
            && fits
        {
            if !part.logprobs.is_empty() {
                part.logprobs.push(b',');
            }
            part.logprobs.extend_from_slice(items.as_bytes());
        }
    }

    /// A page that the open text relies on. It stays with the text to its end.
    fn cite(&mut self, citation: &Citation<'_>, out: &mut Vec<u8>) {
        let index = self.next as u64;
        if !self.fits(citation.url.len().saturating_add(citation.title.len())) {
            return;
        }
        let Open::Message { id, count, part: Some(part), .. } = &mut self.open else { return };
        let place = (&**id, index, *count);
        // A text that the client does not know of yet gets them with its end.
        if part.shown {
            let number = part.cited;
            about_part(out, &mut self.sequence, "response.output_text.annotation.added", place, |o| {
                o.u64("annotation_index", number);
                o.object("annotation", |o| write_citation(o, citation));
            });
        }
        part.cited = part.cited.saturating_add(1);
        if !part.annotations.is_empty() {
            part.annotations.push(b',');
        }
        object(&mut part.annotations, |o| write_citation(o, citation));
    }

    /// A message stays open: more of its parts may follow. So does a call: only what follows tells whether it is whole.
    fn part_stop(&mut self, out: &mut Vec<u8>) {
        match &self.open {
            Open::Message { .. } => self.close_part(out),
            Open::Call { .. } => {}
            Open::None | Open::Thought { .. } => self.close(out),
        }
    }

    fn close_part(&mut self, out: &mut Vec<u8>) {
        let index = self.next as u64;
        let Open::Message { id, parts, count, part } = &mut self.open else { return };
        let Some(part) = part.take().filter(|part| part.shown) else { return };
        let sequence = &mut self.sequence;
        let place = (&**id, index, *count);
        let (name, key) = if part.is_refusal {
            ("response.refusal.done", "refusal")
        } else {
            ("response.output_text.done", "text")
        };
        about_part(out, sequence, name, place, |o| {
            literal(o, key, &part.text);
            if !part.is_refusal {
                list(o, "logprobs", &part.logprobs);
            }
        });
        about_part(out, sequence, "response.content_part.done", place, |o| {
            o.object("part", |o| part.write(o, false));
        });
        if !parts.is_empty() {
            parts.push(b',');
        }
        object(parts, |o| part.write(o, false));
        *count = count.saturating_add(1);
    }

    /// Closes whatever is open.
    fn close(&mut self, out: &mut Vec<u8>) {
        self.close_part(out);
        let index = self.next as u64;
        // It is known with the end of the answer: until then another item follows.
        let status = if self.ends { finish::status(self.finish.as_ref(), self.refused) } else { COMPLETED };
        let sequence = &mut self.sequence;
        let mut item = Vec::new();
        match std::mem::take(&mut self.open) {
            Open::Message { parts, .. } if parts.is_empty() => return,
            // A thought that says nothing and proves nothing is none.
            Open::None | Open::Thought { shown: false, signature: None, .. } => return,
            Open::Message { id, parts, .. } => object(&mut item, |o| {
                message_head(o, &id, status, |out| {
                    out.push(b'[');
                    out.extend_from_slice(&parts);
                    out.push(b']');
                });
            }),
            Open::Thought { id, text, shown, signature, kind } => {
                if shown {
                    let part = |o: &mut Object<'_>| {
                        o.word("type", "summary_text");
                        literal(o, "text", &text);
                    };
                    about_summary(out, sequence, "response.reasoning_summary_text.done", (&id, index), |o| {
                        literal(o, "text", &text);
                    });
                    about_summary(out, sequence, "response.reasoning_summary_part.done", (&id, index), |o| {
                        o.object("part", part);
                    });
                }
                let signature = signature.map(|signature| match self.plan.provider {
                    Dialect::OpenaiResponses => signature,
                    maker => signature::marked(maker, kind, &signature),
                });
                object(&mut item, |o| {
                    o.word("type", "reasoning");
                    o.str("id", &id);
                    o.array("summary", |summary| {
                        if shown {
                            summary.object(|o| {
                                o.word("type", "summary_text");
                                literal(o, "text", &text);
                            });
                        }
                    });
                    if let Some(signature) = &signature {
                        o.text("encrypted_content", signature);
                    }
                });
                if !shown {
                    emit(out, sequence, "response.output_item.added", |o| {
                        o.u64("output_index", index);
                        o.key("item").extend_from_slice(&item);
                    });
                }
            }
            Open::Call { id, head, mut arguments, words } => {
                // A call without arguments has an empty object of them: clients parse what they collected.
                if arguments.is_empty() && words.field == FUNCTION.field {
                    arguments.extend_from_slice(b"{}");
                    about_item(out, sequence, words.delta, (&id, index), |o| o.word("delta", "{}"));
                }
                about_item(out, sequence, words.done, (&id, index), |o| literal(o, words.field, &arguments));
                item = head;
                item.extend_from_slice(format!(",\"{}\":\"", words.field).as_bytes());
                item.extend_from_slice(&arguments);
                item.extend_from_slice(format!("\",\"status\":\"{status}\"}}").as_bytes());
            }
        }
        emit(out, sequence, "response.output_item.done", |o| {
            o.u64("output_index", index);
            o.key("item").extend_from_slice(&item);
        });
        if !self.items.is_empty() {
            self.items.push(b',');
        }
        self.items.extend_from_slice(&item);
        self.next = self.next.saturating_add(1);
    }

    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        self.over = true;
        if self.started {
            // What is open stays so: it is not complete.
            self.response("response.failed", Status::Failed(failure), out);
        }
        write_event(failure, self.sequence, out);
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

impl Words {
    /// Writes the part; `begins`: as it is before its first word.
    fn write(&self, o: &mut Object<'_>, begins: bool) {
        let text: &[u8] = if begins { b"" } else { &self.text };
        if self.is_refusal {
            o.word("type", "refusal");
            return literal(o, "refusal", text);
        }
        o.word("type", "output_text");
        literal(o, "text", text);
        list(o, "annotations", if begins { b"" } else { &self.annotations });
        list(o, "logprobs", if begins { b"" } else { &self.logprobs });
    }
}

/// A string whose content was written before.
fn literal(o: &mut Object<'_>, key: &str, content: &[u8]) {
    let out = o.key(key);
    out.push(b'"');
    out.extend_from_slice(content);
    out.push(b'"');
}

/// An array whose items were written before.
fn list(o: &mut Object<'_>, key: &str, items: &[u8]) {
    let out = o.key(key);
    out.push(b'[');
    out.extend_from_slice(items);
    out.push(b']');
}

fn message_head(o: &mut Object<'_>, id: &str, status: &'static str, content: impl FnOnce(&mut Vec<u8>)) {
    o.word("type", "message");
    o.str("id", id);
    o.word("status", status);
    o.word("role", "assistant");
    content(o.key("content"));
}

/// Writes an event with its number.
fn emit(out: &mut Vec<u8>, sequence: &mut u64, name: &'static str, fill: impl FnOnce(&mut Object<'_>)) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    object(out, |o| {
        o.word("type", name);
        o.u64("sequence_number", *sequence);
        fill(o);
    });
    out.extend_from_slice(b"\n\n");
    *sequence = sequence.saturating_add(1);
}

/// An event about an item: its id and its place in the output.
fn about_item(
    out: &mut Vec<u8>,
    sequence: &mut u64,
    name: &'static str,
    (id, index): (&str, u64),
    fill: impl FnOnce(&mut Object<'_>),
) {
    emit(out, sequence, name, |o| {
        o.str("item_id", id);
        o.u64("output_index", index);
        fill(o);
    });
}

/// An event about a part of a message: besides, its place in the message.
fn about_part(
    out: &mut Vec<u8>,
    sequence: &mut u64,
    name: &'static str,
    (id, index, part): (&str, u64, u64),
    fill: impl FnOnce(&mut Object<'_>),
) {
    about_item(out, sequence, name, (id, index), |o| {
        o.u64("content_index", part);
        fill(o);
    });
}

/// An event about the summary of a thought, which has one part.
fn about_summary(
    out: &mut Vec<u8>,
    sequence: &mut u64,
    name: &'static str,
    place: (&str, u64),
    fill: impl FnOnce(&mut Object<'_>),
) {
    about_item(out, sequence, name, place, |o| {
        o.u64("summary_index", 0);
        fill(o);
    });
}
