//! The hub's events as a stream for a client that speaks Gemini.

use super::super::finish::finish_word;
use super::super::grounding;
use super::super::logprobs;
use super::super::part::SIGNATURE;
use super::super::response::{write_call, write_thought};
use super::super::signature;
use super::super::usage::write_usage;
use super::reframe::Framing;
use crate::chat::{
    Arguments, Citation, Delta, Event, Failure, FinishReason, Json, Measured, PartStart, Text, Thinking,
    ToolCall, Usage,
};
use crate::dialect::Dialect;
use crate::dialect::lane::AnswerPlan;
use crate::dialect::signature::Kind;
use crate::wire::json::{Array, Object, array, object};

/// Most bytes of a call's arguments that are gathered before the call is written: Gemini knows only whole calls, and
/// no client could use one of this length.
const MOST_ARGUMENTS: usize = 16 << 20;

/// Writes answer objects, as events or as the items of one array. Texts pass as they come; calls are written when they
/// are complete. Finish reasons, counts and what the texts rely on come last, in one object.
#[derive(Debug)]
pub struct StreamEncoder {
    /// Whose proofs of reasoning these are.
    maker: Dialect,
    /// The provider may say what its texts rely on; and counts from the beginning of each part.
    cites: bool,
    counts: bool,
    framing: Framing,
    over: bool,
    /// What all objects end with: model, id.
    tail: Vec<u8>,
    choices: Vec<Choice>,
    usage: Usage,
}

#[derive(Debug, Default)]
struct Choice {
    open: Open,
    /// All text so far, of providers that may cite, and its characters before the open part.
    text: Measured,
    before: u64,
    /// What it relies on, and the bytes of that.
    pages: Vec<Citation<'static>>,
    pages_bytes: usize,
    /// Log probabilities that the next object of this choice holds.
    logprobs: Option<Json<'static>>,
    finish: Option<(FinishReason, Option<String>)>,
}

#[derive(Debug, Default)]
enum Open {
    #[default]
    Text,
    Thinking,
    Call {
        id: Text<'static>,
        name: Text<'static>,
        arguments: String,
    },
}

impl StreamEncoder {
    /// An encoder at the start of a stream.
    pub fn new(plan: &AnswerPlan) -> Self {
        Self {
            maker: plan.provider,
            cites: plan.cites(),
            counts: plan.cites_parts(),
            framing: Framing::new(plan.array),
            over: false,
            tail: Vec::new(),
            choices: Vec::new(),
            usage: Usage::default(),
        }
    }

    /// Appends what an event is in Gemini's words; it may be nothing.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Start { id, model, .. } => {
                self.tail.clear();
                self.tail.extend_from_slice(b",\"modelVersion\":");
                model.write_json(&mut self.tail);
                self.tail.extend_from_slice(b",\"responseId\":");
                id.write_json(&mut self.tail);
            }
            Event::PartStart { choice, part } => self.part_start(*choice, part, out),
            Event::Delta { choice, delta } => self.delta(*choice, delta, out),
            Event::PartStop { choice } => self.part_stop(*choice, out),
            Event::Logprobs { choice, json } => {
                let json = Json::trusted(json.as_str().to_owned());
                self.choice(*choice).logprobs = Some(json);
                // The official clients look for text in every object.
                self.parts(*choice, out, |list| list.object(|o| o.word("text", "")));
            }
            Event::Finish { choice, finish } => {
                let stop = finish.stop_sequence.as_ref().map(|text| text.to_str().into_owned());
                self.choice(*choice).finish = Some((finish.reason, stop));
            }
            Event::Usage { usage, .. } => self.usage.update(usage),
            Event::Citation { choice, citation } => self.cite(*choice, citation),
            Event::Ping | Event::Lost(_) => {}
            Event::Error(failure) => {
                self.over = true;
                self.framing.fail(failure, out);
            }
            Event::End => self.end(out),
        }
    }

    fn choice(&mut self, choice: u32) -> &mut Choice {
        let at = choice as usize;
        if self.choices.len() <= at {
            self.choices.resize_with(at.saturating_add(1), Choice::default);
        }
        #[expect(clippy::indexing_slicing, reason = "the list was made long enough just above")]
        &mut self.choices[at]
    }

    fn part_start(&mut self, choice: u32, part: &PartStart<'_>, out: &mut Vec<u8>) {
        let counts = self.counts;
        let state = self.choice(choice);
        state.before = if counts { state.text.characters() } else { 0 };
        self.choice(choice).open = match part {
            PartStart::Text | PartStart::Refusal => Open::Text,
            PartStart::Thinking => Open::Thinking,
            PartStart::RedactedThinking(data) => {
                let proof = signature::wrap(self.maker, Kind::Redacted, data);
                self.parts(choice, out, |list| {
                    list.object(|o| {
                        o.word("text", "");
                        o.bool("thought", true);
                        o.str(SIGNATURE, &proof);
                    });
                });
                Open::Thinking
            }
            PartStart::ToolCall { id, name } | PartStart::CustomCall { id, name } => Open::Call {
                id: id.clone().into_owned(),
                name: name.clone().into_owned(),
                arguments: String::new(),
            },
        };
    }

    fn delta(&mut self, choice: u32, delta: &Delta<'_>, out: &mut Vec<u8>) {
        if let (Delta::Arguments(text), Open::Call { arguments, .. }) = (delta, &mut self.choice(choice).open)
        {
            let text = text.to_str();
            if arguments.len().saturating_add(text.len()) > MOST_ARGUMENTS {
                self.over = true;
                let failure =
                    Failure::new(502, "the arguments of a call are longer than Gemini's dialect can say");
                return self.framing.fail(&failure, out);
            }
            return arguments.push_str(&text);
        }
        let maker = self.maker;
        if let Delta::Text(text) = delta
            && self.cites
        {
            self.choice(choice).text.push_bounded(text);
        }
        self.parts(choice, out, |list| match delta {
            Delta::Text(text) | Delta::Arguments(text) => list.object(|o| o.text("text", text)),
            Delta::Thinking(text) => list.object(|o| {
                o.text("text", text);
                o.bool("thought", true);
            }),
            Delta::Signature(proof) => list.object(|o| {
                write_thought(
                    &Thinking { text: Text::default(), signature: Some(proof.clone()) },
                    Some(maker),
                    o,
                );
            }),
        });
    }

    fn part_stop(&mut self, choice: u32, out: &mut Vec<u8>) {
        if let Open::Call { id, name, arguments } = std::mem::take(&mut self.choice(choice).open) {
            let call = ToolCall { id, name, arguments: Arguments::Text(Text::from(arguments)) };
            self.parts(choice, out, |list| {
                write_call(&call, list);
            });
        }
    }

    /// A page that the open text relies on. It is told at the end.
    fn cite(&mut self, choice: u32, page: &Citation<'_>) {
        let state = self.choice(choice);
        let bytes = page.url.len().saturating_add(page.title.len()).saturating_add(size_of::<Citation<'_>>());
        state.pages_bytes = state.pages_bytes.saturating_add(bytes);
        if state.pages_bytes <= Measured::MOST_BYTES {
            let before = state.before;
            state.pages.push(page.clone().into_owned().moved(before));
        }
    }

    /// An object with parts of one choice.
    fn parts(&mut self, choice: u32, out: &mut Vec<u8>, fill: impl FnOnce(&mut Array<'_>)) {
        let logprobs = self.choice(choice).logprobs.take();
        let Self { framing, tail, .. } = self;
        framing.item(out, |out| {
            out.extend_from_slice(b"{\"candidates\":[");
            object(out, |candidate| {
                write_content(candidate, fill);
                candidate.u64("index", choice.into());
                if let Some(json) = &logprobs {
                    logprobs::write_gemini(json, candidate);
                }
            });
            out.push(b']');
            out.extend_from_slice(tail);
            out.push(b'}');
        });
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.over = true;
        let Self { framing, tail, choices, usage, .. } = self;
        framing.item(out, |out| {
            out.extend_from_slice(b"{\"candidates\":");
            array(out, |list| {
                for (index, choice) in (0_u64..).zip(choices.iter()) {
                    list.object(|candidate| {
                        // The official clients look for text in every object.
                        write_content(candidate, |list| list.object(|o| o.word("text", "")));
                        let (reason, stop) = choice.finish.clone().unwrap_or((FinishReason::Unknown, None));
                        candidate.word("finishReason", finish_word(reason));
                        if let Some(stop) = stop {
                            candidate.str("finishMessage", &format!("stop sequence: {stop}"));
                        }
                        candidate.u64("index", index);
                        grounding::write(&choice.text, &choice.pages, candidate);
                    });
                }
            });
            if !usage.is_empty() {
                out.extend_from_slice(b",\"usageMetadata\":");
                object(out, |o| write_usage(usage, o));
            }
            out.extend_from_slice(tail);
            out.push(b'}');
        });
        framing.close(out);
    }
}

fn write_content(candidate: &mut Object<'_>, fill: impl FnOnce(&mut Array<'_>)) {
    candidate.object("content", |content| {
        content.array("parts", fill);
        content.word("role", "model");
    });
}
