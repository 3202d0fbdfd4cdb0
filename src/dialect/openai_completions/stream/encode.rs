//! The hub's events become a stream of text.

use super::super::response::length;
use super::super::{echo, finish, logprobs};
use crate::chat::{Delta, Event, Text, Usage};
use crate::dialect::lane::AnswerPlan;
use crate::dialect::openai_chat::{usage, write_failure_event};
use crate::wire::json::{Object, object, write_u64};

/// Writes `text_completion` events and the final `[DONE]`.
#[derive(Debug)]
pub struct StreamEncoder {
    show_usage: bool,
    created: u64,
    /// What each text begins with.
    echo: Option<Text<'static>>,
    /// What all chunks begin with, up to the choices.
    head: Vec<u8>,
    choices: Vec<Choice>,
    usage: Usage,
}

#[derive(Debug, Clone, Copy, Default)]
struct Choice {
    echoed: bool,
    /// Characters of the text so far, as its log probabilities count them.
    offset: u64,
}

impl StreamEncoder {
    /// An encoder at the beginning of a stream.
    pub fn new(plan: &AnswerPlan) -> Self {
        Self {
            show_usage: plan.show_usage,
            created: plan.created,
            echo: echo(plan),
            head: Vec::new(),
            choices: Vec::new(),
            usage: Usage::default(),
        }
    }

    /// Appends what an event is in a text completion's words; it may be nothing.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model, created } => self.start(id, model, *created),
            Event::Delta { choice, delta: Delta::Text(text) } => {
                self.begin(*choice, out);
                self.text(*choice, text, out);
            }
            Event::Logprobs { choice, json } => {
                self.begin(*choice, out);
                let mut offset = self.choices.get(*choice as usize).map_or(0, |state| state.offset);
                self.chunk(*choice, out, |o| {
                    o.word("text", "");
                    logprobs::write(o, Some(json), &mut offset, None);
                    o.null("finish_reason");
                });
                if let Some(state) = self.choices.get_mut(*choice as usize) {
                    state.offset = offset;
                }
            }
            Event::Finish { choice, finish } => {
                self.begin(*choice, out);
                let word = finish::word(finish.reason);
                self.chunk(*choice, out, |o| {
                    o.word("text", "");
                    o.null("logprobs");
                    o.word("finish_reason", word);
                    if let Some(stop) = &finish.stop_sequence {
                        o.text("stop_reason", stop);
                    }
                });
            }
            Event::Usage { usage, .. } => self.usage.update(usage),
            Event::Error(failure) => write_failure_event(failure, out),
            Event::End => self.end(out),
            // Reasoning and calls have no place in a text; the lane's report has said so.
            Event::PartStart { .. }
            | Event::Delta { .. }
            | Event::PartStop { .. }
            | Event::Citation { .. }
            | Event::Ping
            | Event::Lost(_) => {}
        }
    }

    fn start(&mut self, id: &Text<'_>, model: &Text<'_>, created: Option<u64>) {
        let head = &mut self.head;
        head.extend_from_slice(b"data: {\"id\":");
        id.write_json(head);
        head.extend_from_slice(b",\"object\":\"text_completion\",\"created\":");
        write_u64(head, created.unwrap_or(self.created));
        head.extend_from_slice(b",\"model\":");
        model.write_json(head);
        head.extend_from_slice(b",\"choices\":[");
    }

    /// The first chunk of a text repeats the prompt, where that was asked for.
    fn begin(&mut self, choice: u32, out: &mut Vec<u8>) {
        let at = choice as usize;
        if self.choices.len() <= at {
            self.choices.resize_with(at.saturating_add(1), Choice::default);
        }
        let Some(state) = self.choices.get_mut(at) else { return };
        if std::mem::replace(&mut state.echoed, true) {
            return;
        }
        if let Some(echo) = self.echo.take() {
            state.offset = length(&echo);
            self.text(choice, &echo, out);
            self.echo = Some(echo);
        }
    }

    fn text(&self, choice: u32, text: &Text<'_>, out: &mut Vec<u8>) {
        self.chunk(choice, out, |o| {
            o.text("text", text);
            o.null("logprobs");
            o.null("finish_reason");
        });
    }

    /// A chunk with one choice; `fill` writes all of it but the index.
    fn chunk(&self, choice: u32, out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        out.extend_from_slice(&self.head);
        object(out, |o| {
            o.u64("index", u64::from(choice));
            fill(o);
        });
        out.extend_from_slice(b"]}\n\n");
    }

    /// The usage has a chunk of its own, without choices, for clients that asked for it.
    fn end(&mut self, out: &mut Vec<u8>) {
        if self.show_usage && !self.usage.is_empty() {
            out.extend_from_slice(&self.head);
            out.extend_from_slice(b"],\"usage\":");
            object(out, |o| usage::write(o, &self.usage));
            out.extend_from_slice(b"}\n\n");
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }
}
