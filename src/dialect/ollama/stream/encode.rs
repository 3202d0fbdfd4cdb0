//! The hub's events as the lines that a client of Ollama's reads.

use super::super::form::{Form, write_usage};
use super::super::request::write_call;
use super::super::response::write_logprobs;
use super::super::{finish, write_failure_event};
use crate::chat::{Arguments, Delta, Event, Failure, FinishReason, PartStart, Text, ToolCall, Usage};
use crate::dialect::date::rfc3339;
use crate::dialect::lane::AnswerPlan;
use crate::wire::json::{Object, array, object, write_string};

/// Most bytes of one call's arguments, which have to be collected because Ollama says them whole: the bound of one event
/// of a provider's stream, of which they consist.
const MOST_ARGUMENTS: usize = crate::wire::sse::MAX_EVENT;

/// Writes lines, the last of them with `done: true`, the reason and the counts; or with an `error`.
#[derive(Debug)]
pub struct StreamEncoder {
    form: Form,
    created: u64,
    /// What all lines begin with: model and date, up to the words.
    head: Vec<u8>,
    call: Option<Call>,
    finish: FinishReason,
    usage: Usage,
    over: bool,
}

/// A call whose arguments are still coming.
#[derive(Debug)]
struct Call {
    id: Text<'static>,
    name: Text<'static>,
    arguments: String,
}

impl StreamEncoder {
    /// An encoder at the start of a stream.
    pub fn new(plan: &AnswerPlan) -> Self {
        Self {
            form: Form::of(plan.client),
            created: plan.created,
            head: Vec::new(),
            call: None,
            finish: FinishReason::Unknown,
            usage: Usage::default(),
            over: false,
        }
    }

    /// Writes what an event has to say.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start { model, created, .. } => self.start(model, *created),
            Event::PartStart { choice: 0, part: PartStart::ToolCall { id, name } } => {
                self.call = Some(Call {
                    id: id.clone().into_owned(),
                    name: name.clone().into_owned(),
                    arguments: String::new(),
                });
            }
            Event::Delta { choice: 0, delta } => self.delta(delta, out),
            Event::PartStop { choice: 0 } => self.part_stop(out),
            Event::Logprobs { choice: 0, json } => {
                self.line(&Words::Text(&Text::default()), out, |o| write_logprobs(json.as_str(), o));
            }
            Event::Finish { choice: 0, finish } => self.finish = finish.reason,
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

    fn start(&mut self, model: &Text<'_>, created: Option<u64>) {
        self.head.clear();
        self.head.extend_from_slice(b"{\"model\":");
        model.write_json(&mut self.head);
        self.head.extend_from_slice(b",\"created_at\":");
        write_string(&mut self.head, &rfc3339(created.unwrap_or(self.created)));
    }

    /// A line that says some words; `more` adds fields beside `done`.
    fn line(&mut self, words: &Words<'_>, out: &mut Vec<u8>, more: impl FnOnce(&mut Object<'_>)) {
        if self.head.is_empty() {
            self.start(&Text::default(), None);
        }
        let start = out.len();
        out.extend_from_slice(&self.head);
        out.extend_from_slice(match self.form {
            Form::Chat => b",\"message\":{\"role\":\"assistant\",\"content\":",
            Form::Generate => b",\"response\":",
        });
        match words {
            Words::Text(text) => text.write_json(out),
            Words::Thinking(text) => {
                out.extend_from_slice(b"\"\",\"thinking\":");
                text.write_json(out);
            }
            Words::Call(call) => {
                out.extend_from_slice(b"\"\",\"tool_calls\":");
                array(out, |list| {
                    write_call(call, list);
                });
            }
        }
        if self.form == Form::Chat {
            out.push(b'}');
        }
        out.push(b',');
        let mut rest = Vec::new();
        object(&mut rest, |o| {
            o.bool("done", false);
            more(o);
        });
        // The line's own brace is open already.
        out.extend_from_slice(rest.get(1..).unwrap_or_default());
        // Models write their arguments over several lines; a line end within JSON is white space.
        for byte in out.get_mut(start..).unwrap_or_default() {
            if matches!(*byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        out.push(b'\n');
    }

    fn delta(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) {
        match delta {
            Delta::Text(text) | Delta::Thinking(text) | Delta::Arguments(text) if text.is_empty() => {}
            Delta::Text(text) => self.line(&Words::Text(text), out, |_| ()),
            Delta::Thinking(text) => self.line(&Words::Thinking(text), out, |_| ()),
            Delta::Arguments(text) => {
                let Some(call) = &mut self.call else { return };
                let text = text.to_str();
                if call.arguments.len().saturating_add(text.len()) > MOST_ARGUMENTS {
                    self.over = true;
                    let failure = Failure::new(502, "the arguments of a tool call are too long");
                    return write_failure_event(&failure, out);
                }
                call.arguments.push_str(&text);
            }
            // A proof for the maker, which Ollama's clients do not send back.
            Delta::Signature(_) => {}
        }
    }

    fn part_stop(&mut self, out: &mut Vec<u8>) {
        let Some(call) = self.call.take() else { return };
        // Answers of /api/generate hold no calls; nobody who asks there offers tools.
        if self.form == Form::Chat {
            let arguments = Arguments::Text(Text::plain(call.arguments));
            let call = ToolCall { id: call.id, name: call.name, arguments };
            self.line(&Words::Call(&call), out, |_| ());
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.part_stop(out);
        self.over = true;
        if self.head.is_empty() {
            self.start(&Text::default(), None);
        }
        out.extend_from_slice(&self.head);
        out.extend_from_slice(match self.form {
            Form::Chat => b",\"message\":{\"role\":\"assistant\",\"content\":\"\"},",
            Form::Generate => b",\"response\":\"\",",
        });
        let mut rest = Vec::new();
        object(&mut rest, |o| {
            o.bool("done", true);
            o.word("done_reason", finish::word(self.finish));
            write_usage(&self.usage, o);
        });
        out.extend_from_slice(rest.get(1..).unwrap_or_default());
        out.push(b'\n');
    }
}

/// What one line says.
enum Words<'w> {
    Text(&'w Text<'w>),
    Thinking(&'w Text<'w>),
    Call(&'w ToolCall<'w>),
}
