//! The hub's events become an OpenAI client's stream.

use super::super::citation::write_nested;
use super::super::{finish, usage};
use crate::chat::{Delta, Event, Finish, PartStart, Text, Usage};
use crate::dialect::lane::AnswerPlan;
use crate::dialect::openai_chat::write_failure_event;
use crate::wire::json::{Mold, Object, object, write_u64};

/// Writes `chat.completion.chunk` events and the final `[DONE]`.
#[derive(Debug)]
pub struct StreamEncoder {
    show_usage: bool,
    legacy_functions: bool,
    /// The provider may cite, and counts from the beginning of each part.
    counts: bool,
    created: u64,
    /// What all chunks begin with, up to the choices.
    head: Vec<u8>,
    choices: Vec<Choice>,
    usage: Usage,
    /// The last text or arguments, by their choice.
    last: Mold<(u32, Adds)>,
}

/// What a delta adds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Adds {
    Content,
    Refusal,
    /// The arguments of a call, by its index.
    Arguments(u32),
    /// The input of a custom tool's call, by its index.
    Input(u32),
}

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about what was written")]
struct Choice {
    /// The role was said.
    begun: bool,
    part: Part,
    calls: u32,
    /// Thoughts so far.
    blocks: u32,
    /// A thought was said.
    thought: bool,
    /// Another thought has begun since.
    thinks_again: bool,
    /// A refusal was said.
    refused: bool,
    /// Citations so far.
    citations: u64,
    /// Characters of text so far, and those before the open part: citations count from the beginning of all of it.
    written: u64,
    before: u64,
}

/// The open part, as far as its deltas need to know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Text,
    Refusal,
    /// A tool call, by its index; `true`: arguments were written.
    Call(u32, bool),
    /// A custom tool's call, by its index.
    Custom(u32),
}

impl StreamEncoder {
    /// An encoder at the beginning of a stream.
    pub fn new(plan: &AnswerPlan) -> Self {
        Self {
            show_usage: plan.show_usage,
            legacy_functions: plan.legacy_functions,
            counts: plan.cites_parts(),
            created: plan.created,
            head: Vec::new(),
            choices: Vec::new(),
            usage: Usage::default(),
            last: Mold::default(),
        }
    }

    /// Appends what an event is in OpenAI's words; it may be nothing.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model, created } => {
                self.start(id, model, *created);
                self.begin(0, out);
            }
            Event::PartStart { choice, part } => self.part(*choice, part, out),
            Event::Delta { choice, delta } => self.delta(*choice, delta, out),
            Event::PartStop { choice } => self.part_stop(*choice, out),
            Event::Citation { choice, citation } => {
                self.begin(*choice, out);
                let Some(state) = self.choices.get_mut(*choice as usize) else { return };
                let (number, before) = (state.citations, state.before);
                state.citations = number.saturating_add(1);
                self.additions(*choice, out, |o| {
                    o.array("annotations", |list| {
                        list.object(|o| {
                            // OpenAI's clients put the pieces of a list together by it, and fail where there is none.
                            o.u64("index", number);
                            write_nested(o, citation, before);
                        });
                    });
                });
            }
            Event::Logprobs { choice, json } => self.chunk(*choice, out, |o| {
                o.object("delta", |_| ());
                o.key("logprobs").extend_from_slice(json.as_str().as_bytes());
                o.null("finish_reason");
            }),
            Event::Finish { choice, finish } => self.finish(*choice, finish, out),
            Event::Usage { usage, .. } => self.usage.update(usage),
            Event::Ping | Event::Lost(_) => {}
            Event::Error(failure) => write_failure_event(failure, out),
            Event::End => self.end(out),
        }
    }

    fn start(&mut self, id: &Text<'_>, model: &Text<'_>, created: Option<u64>) {
        let head = &mut self.head;
        head.extend_from_slice(b"data: {\"id\":");
        id.write_json(head);
        head.extend_from_slice(b",\"object\":\"chat.completion.chunk\",\"created\":");
        write_u64(head, created.unwrap_or(self.created));
        head.extend_from_slice(b",\"model\":");
        model.write_json(head);
        head.extend_from_slice(b",\"choices\":[");
    }

    /// The first chunk of a choice says the role.
    fn begin(&mut self, choice: u32, out: &mut Vec<u8>) {
        let at = choice as usize;
        if self.choices.len() <= at {
            self.choices.resize_with(at.saturating_add(1), Choice::default);
        }
        let Some(state) = self.choices.get_mut(at) else { return };
        if !std::mem::replace(&mut state.begun, true) {
            self.additions(choice, out, |o| {
                o.word("role", "assistant");
                o.word("content", "");
            });
        }
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

    /// A chunk with additions to one choice.
    fn additions(&self, choice: u32, out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        self.chunk(choice, out, |o| {
            o.object("delta", fill);
            o.null("finish_reason");
        });
    }

    fn part(&mut self, choice: u32, part: &PartStart<'_>, out: &mut Vec<u8>) {
        self.begin(choice, out);
        let legacy = self.legacy_functions;
        let Some(state) = self.choices.get_mut(choice as usize) else { return };
        state.part = match part {
            PartStart::Refusal => Part::Refusal,
            PartStart::ToolCall { .. } => Part::Call(state.calls, false),
            PartStart::CustomCall { .. } => Part::Custom(state.calls),
            _ => Part::Text,
        };
        state.refused |= *part == PartStart::Refusal;
        state.before = state.written;
        match part {
            PartStart::Thinking => {
                state.thinks_again = state.thought;
                state.blocks = state.blocks.saturating_add(1);
            }
            PartStart::Text | PartStart::Refusal => {}
            PartStart::RedactedThinking(data) => {
                state.blocks = state.blocks.saturating_add(1);
                let number = state.blocks;
                self.additions(choice, out, |o| {
                    thinking_block(o, number, "redacted_thinking", |o| o.text("data", data));
                });
            }
            PartStart::ToolCall { id, name } => {
                let index = state.calls;
                state.calls = state.calls.saturating_add(1);
                self.additions(choice, out, |o| {
                    let function = |o: &mut Object<'_>| {
                        o.text("name", name);
                        o.word("arguments", "");
                    };
                    if legacy {
                        return o.object("function_call", function);
                    }
                    o.array("tool_calls", |list| {
                        list.object(|o| {
                            o.u64("index", u64::from(index));
                            o.text("id", id);
                            o.word("type", "function");
                            o.object("function", function);
                        });
                    });
                });
            }
            PartStart::CustomCall { id, name } => {
                let index = state.calls;
                state.calls = state.calls.saturating_add(1);
                self.additions(choice, out, |o| {
                    o.array("tool_calls", |list| {
                        list.object(|o| {
                            o.u64("index", u64::from(index));
                            o.text("id", id);
                            o.word("type", "custom");
                            o.object("custom", |o| {
                                o.text("name", name);
                                o.word("input", "");
                            });
                        });
                    });
                });
            }
        }
    }

    fn delta(&mut self, choice: u32, delta: &Delta<'_>, out: &mut Vec<u8>) {
        let Some(state) = self.choices.get_mut(choice as usize) else { return };
        let (part, block) = (state.part, state.blocks);
        if let (Part::Call(index, _), Delta::Arguments(text)) = (part, delta) {
            state.part = Part::Call(index, true);
            return self.add(choice, Adds::Arguments(index), text, out);
        }
        if let (Part::Custom(index), Delta::Arguments(text)) = (part, delta) {
            return self.add(choice, Adds::Input(index), text, out);
        }
        let mut joins = false;
        if let Delta::Thinking(text) = delta
            && !text.is_empty()
        {
            // As in a whole answer, where the thoughts are joined.
            joins = std::mem::take(&mut state.thinks_again);
            state.thought = true;
        }
        if joins {
            self.additions(choice, out, |o| o.str("reasoning_content", "\n"));
        }
        match delta {
            Delta::Text(text) if part == Part::Refusal => self.add(choice, Adds::Refusal, text, out),
            Delta::Text(text) | Delta::Arguments(text) => {
                if self.counts
                    && let Some(state) = self.choices.get_mut(choice as usize)
                {
                    let characters = u64::try_from(text.to_str().chars().count()).unwrap_or(0);
                    state.written = state.written.saturating_add(characters);
                }
                self.add(choice, Adds::Content, text, out);
            }
            Delta::Thinking(text) => self.additions(choice, out, |o| {
                o.text("reasoning_content", text);
                thinking_block(o, block, "thinking", |o| o.text("thinking", text));
            }),
            Delta::Signature(signature) => self.additions(choice, out, |o| {
                thinking_block(o, block, "thinking", |o| {
                    o.word("thinking", "");
                    o.text("signature", signature);
                });
            }),
        }
    }

    /// More of a text.
    fn add(&mut self, choice: u32, what: Adds, text: &Text<'_>, out: &mut Vec<u8>) {
        let mut mold = std::mem::take(&mut self.last);
        mold.pour((choice, what), text, out, |text, out| {
            self.additions(choice, out, |o| match what {
                Adds::Content => o.text("content", text),
                Adds::Refusal => o.text("refusal", text),
                Adds::Arguments(_) if self.legacy_functions => {
                    o.object("function_call", |o| o.text("arguments", text));
                }
                Adds::Input(index) => o.array("tool_calls", |list| {
                    list.object(|o| {
                        o.u64("index", u64::from(index));
                        o.object("custom", |o| o.text("input", text));
                    });
                }),
                Adds::Arguments(index) => o.array("tool_calls", |list| {
                    list.object(|o| {
                        o.u64("index", u64::from(index));
                        o.object("function", |o| o.text("arguments", text));
                    });
                }),
            });
        });
        self.last = mold;
    }

    /// A call without arguments has an empty object of them: clients parse what they collected.
    fn part_stop(&mut self, choice: u32, out: &mut Vec<u8>) {
        let Some(state) = self.choices.get_mut(choice as usize) else { return };
        if let Part::Call(index, false) = std::mem::take(&mut state.part) {
            self.add(choice, Adds::Arguments(index), &Text::plain("{}"), out);
        }
    }

    fn finish(&mut self, choice: u32, finish: &Finish<'_>, out: &mut Vec<u8>) {
        self.begin(choice, out);
        let refused = self.choices.get(choice as usize).is_some_and(|state| state.refused);
        let word = finish::word(finish::with_refusal(finish.reason, refused), self.legacy_functions);
        self.chunk(choice, out, |o| {
            o.object("delta", |_| ());
            o.word("finish_reason", word);
            if let Some(stop) = &finish.stop_sequence {
                // vLLM's field for it.
                o.text("stop_reason", stop);
            }
        });
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

/// LiteLLM's way of streaming Anthropic's reasoning so that its signature can be sent back. `number`: of the block, from 1;
/// OpenAI's clients put together the pieces of a list by their `index`, and fail where there is none.
fn thinking_block(o: &mut Object<'_>, number: u32, kind: &'static str, fill: impl FnOnce(&mut Object<'_>)) {
    o.array("thinking_blocks", |list| {
        list.object(|o| {
            o.u64("index", u64::from(number.saturating_sub(1)));
            o.word("type", kind);
            fill(o);
        });
    });
}
