//! Streams through the hub: decoder, events, encoder. Without an encoder, where both sides speak the same dialect, the
//! bytes pass as they are and the events are only counted.

use super::call_ids::CallIds;
use super::cited::{is_told, untold};
use super::custom::CustomCalls;
use super::marks::Marks;
use super::names::Said;
use super::transcript::Transcript;
use super::wrapped::Unwrapping;
use super::{AnswerPlan, JSON_TOOL, Pass, Progress, Report, answer_id, broken_off};
use crate::chat::{Delta, Event, EventSink, Failure, FinishReason, PartStart, Text};
use crate::dialect::codec::{self, StreamDecoder, StreamEncoder};
use crate::dialect::gemini::Reframer;
use crate::dialect::{Cites, Dialect};
use crate::meter::estimate::Counter;

/// Warnings kept of one stream: they end in the audit line.
const MOST_WARNINGS: usize = 16;

/// The translator of one stream through the hub.
#[derive(Debug)]
pub(crate) struct Stream {
    decoder: StreamDecoder,
    state: State,
    /// Both sides speak Gemini, which has two framings: the bytes pass in the one the client wants.
    reframer: Option<Reframer>,
}

/// All that follows from the events.
#[derive(Debug)]
struct State {
    client: Dialect,
    /// Citations stand in texts that the client gets in blocks of other lengths.
    misplaces: bool,
    /// `None`: the bytes pass as they are.
    encoder: Option<StreamEncoder>,
    wrapped: Option<Unwrapping>,
    custom: Option<CustomCalls>,
    marks: Option<Marks>,
    progress: Progress,
    failure: Option<Failure>,
    report: Report,
    /// Counts what is generated, for a stream that does not say it.
    counter: Counter,
    /// The client was told that the answer is over.
    closed: bool,
    json_tool: JsonTool,
    /// See [`AnswerPlan::model`].
    model: String,
    /// The answer's id, where it has none of its own.
    id: String,
    /// See [`AnswerPlan::created`].
    created: u64,
    call_ids: CallIds,
    /// See [`AnswerPlan::tool_names`].
    tool_names: Said,
    transcript: Option<Box<Transcript>>,
}

/// Structured output through a forced tool call: the call becomes text as it passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JsonTool {
    /// It was not asked for.
    Off,
    /// It was, and the open part is another.
    Waiting,
    /// The open part is it.
    Open,
}

/// The sink of one push: the state, and where bytes go.
struct Sink<'s> {
    state: &'s mut State,
    out: &'s mut Vec<u8>,
}

impl Stream {
    /// A translator at the beginning of a stream.
    pub(crate) fn new(plan: &AnswerPlan) -> Self {
        let state = State {
            client: plan.client,
            // Bedrock's blocks are the parts, so that they can be the client's as well.
            misplaces: plan.client.shape().cites == Cites::Passages && plan.provider != Dialect::Bedrock,
            encoder: (plan.client != plan.provider).then(|| StreamEncoder::new(plan)),
            wrapped: plan.wrapped.map(Unwrapping::new),
            custom: CustomCalls::new(plan),
            marks: Marks::new(plan.client, plan.provider),
            progress: Progress::Waiting,
            failure: None,
            report: Report::default(),
            counter: Counter::new(plan.tokenizer),
            closed: false,
            json_tool: if plan.json_tool { JsonTool::Waiting } else { JsonTool::Off },
            model: plan.model.clone(),
            id: answer_id::made(plan),
            created: plan.created,
            call_ids: CallIds::default(),
            tool_names: Said::new(&plan.tool_names),
            transcript: plan.capture.then(Box::default),
        };
        let is_gemini = plan.client == Dialect::Gemini && plan.provider == Dialect::Gemini;
        let reframer = is_gemini.then(|| Reframer::new(plan.array));
        Self { decoder: StreamDecoder::new(plan.provider), state, reframer }
    }

    /// See [`super::Stream::push`].
    pub(crate) fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Pass {
        self.decoder.push(chunk, &mut Sink { state: &mut self.state, out });
        if let Some(reframer) = &mut self.reframer {
            return if reframer.push(chunk, out) { Pass::AsIs } else { Pass::Replaced };
        }
        if self.state.encoder.is_some() { Pass::Replaced } else { Pass::AsIs }
    }

    /// See [`super::Stream::end`].
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) -> Pass {
        // A failure that the provider told was told to the client as well.
        let failed = self.state.progress == Progress::Failed;
        let mut sink = Sink { state: &mut self.state, out };
        self.decoder.end(&mut sink);
        match sink.state.progress {
            // Some providers close without their end marker once all is said.
            Progress::Finished if !sink.state.closed => sink.event(Event::End),
            Progress::Waiting => {
                let failure = Failure::new(502, "the provider's stream ended before any content");
                sink.event(Event::Error(failure));
            }
            Progress::Content => {
                let failure = broken_off();
                if sink.state.encoder.is_none() && self.reframer.is_none() {
                    codec::write_failure_event(sink.state.client, &failure, sink.out);
                }
                sink.event(Event::Error(failure));
            }
            Progress::Finished | Progress::Failed => {}
        }
        if let Some(reframer) = &mut self.reframer {
            reframer.end(self.state.failure.as_ref().filter(|_| !failed), out);
            return if out.is_empty() { Pass::AsIs } else { Pass::Replaced };
        }
        if sink.state.encoder.is_none() && sink.out.is_empty() { Pass::AsIs } else { Pass::Replaced }
    }

    /// See [`super::Stream::progress`].
    pub(crate) fn progress(&self) -> Progress {
        self.state.progress
    }

    /// See [`super::Stream::failure`].
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.state.failure.as_ref()
    }

    /// See [`super::Stream::transcript`].
    pub(crate) fn transcript(&self) -> Option<String> {
        self.state.transcript.as_ref().map(|transcript| transcript.to_json())
    }

    /// See [`super::Stream::report`].
    pub(crate) fn report(&self) -> &Report {
        &self.state.report
    }
}

impl EventSink for Sink<'_> {
    fn event(&mut self, event: Event<'_>) {
        if self.state.closed {
            return;
        }
        let named = self.state.named(event);
        let event = self.state.without_json_tool(named);
        let Some(mut wrapped) = self.state.wrapped.take() else { return self.call(event) };
        wrapped.pass(event, &mut |event| self.call(event));
        self.state.wrapped = Some(wrapped);
    }
}

impl Sink<'_> {
    /// Makes calls of custom tools what the client knows them as.
    fn call(&mut self, event: Event<'_>) {
        let Some(mut custom) = self.state.custom.take() else { return self.tell(event) };
        custom.pass(event, &mut |event| self.tell(event));
        self.state.custom = Some(custom);
    }

    /// Counts an event and writes it for the client.
    fn tell(&mut self, event: Event<'_>) {
        self.state.observe(&event);
        if matches!(&event, Event::Citation { citation, .. } if !is_told(self.state.client, citation)) {
            return;
        }
        let Some(encoder) = &mut self.state.encoder else { return };
        let Some(marks) = &mut self.state.marks else { return encoder.event(&event, self.out) };
        let (before, event) = marks.pass(event);
        if let Some(before) = before {
            encoder.event(&before, self.out);
        }
        encoder.event(&event, self.out);
    }
}

/// What a client's dialect has no place for in a stream. Its encoder leaves it out; headers are long gone, so the audit line
/// is where it is told.
pub(super) fn unsaid(client: Dialect, event: &Event<'_>) -> Option<&'static str> {
    use Dialect::{Anthropic, Bedrock, Cohere, Ollama, OllamaGenerate, OpenaiCompletions, OpenaiResponses};
    match (client, event) {
        (OpenaiCompletions, Event::PartStart { part, .. }) => match part {
            PartStart::Thinking | PartStart::RedactedThinking(_) => Some("reasoning"),
            PartStart::ToolCall { .. } | PartStart::CustomCall { .. } => Some("a tool call"),
            PartStart::Text | PartStart::Refusal => None,
        },
        (OllamaGenerate, Event::PartStart { part: PartStart::ToolCall { .. }, .. }) => Some("a tool call"),
        (Cohere | Ollama | OllamaGenerate, Event::PartStart { part: PartStart::RedactedThinking(_), .. }) => {
            Some("redacted reasoning")
        }
        (Cohere | Ollama | OllamaGenerate, Event::Delta { delta: Delta::Signature(proof), .. }) => {
            (!proof.is_empty()).then_some("the signature of reasoning")
        }
        (_, Event::Citation { citation, .. }) => untold(client, citation),
        (Anthropic | Bedrock, Event::Logprobs { choice: 0, .. }) => Some("logprobs"),
        (
            Anthropic | Bedrock | Cohere | Ollama | OllamaGenerate | OpenaiResponses,
            Event::PartStart { choice: 1.., .. },
        ) => Some("choices but the first"),
        _ => None,
    }
}

impl State {
    fn observe(&mut self, event: &Event<'_>) {
        if let Some(transcript) = &mut self.transcript {
            transcript.take(event);
        }
        if self.encoder.is_some()
            && let Some(what) = unsaid(self.client, event)
        {
            self.lost(what);
        }
        // The text was said before it was known, and cannot be cut any more.
        if self.misplaces && matches!(event, Event::Citation { .. }) {
            self.lost("the places of citations");
        }
        match event {
            Event::Start { model, .. } => {
                self.report.model = Some(model.to_str().into_owned()).filter(|model| !model.is_empty());
            }
            Event::PartStart { part, .. } => {
                // Text and reasoning count from their first delta, a call from its name.
                if matches!(
                    part,
                    PartStart::ToolCall { .. }
                        | PartStart::CustomCall { .. }
                        | PartStart::RedactedThinking(_)
                ) {
                    self.content();
                }
            }
            Event::Delta { delta, .. } => {
                let (Delta::Text(text)
                | Delta::Thinking(text)
                | Delta::Arguments(text)
                | Delta::Signature(text)) = delta;
                if !matches!(delta, Delta::Signature(_)) {
                    let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
                    self.report.output_bytes = self.report.output_bytes.saturating_add(bytes);
                    self.counter.push_text(text);
                    self.report.output_tokens = self.counter.tokens();
                }
                self.content();
            }
            Event::Finish { choice, finish } => {
                if *choice == 0 || self.report.finish.is_none() {
                    self.report.finish = Some(finish.reason.as_openai());
                }
                if self.encoder.is_some()
                    && finish.reason == FinishReason::Unknown
                    && let Some(word) = &finish.unknown
                {
                    self.lost(&word.to_str());
                }
                self.progress = Progress::Finished;
            }
            Event::Usage { usage, last } => {
                self.report.usage.update(usage);
                self.report.usage_is_final |= *last;
            }
            Event::Lost(what) if self.encoder.is_some() => self.lost(what),
            Event::Error(failure) => {
                self.failure = Some(failure.clone());
                self.progress = Progress::Failed;
                self.closed = true;
            }
            Event::End => {
                self.progress = Progress::Finished;
                self.closed = true;
            }
            Event::PartStop { .. }
            | Event::Citation { .. }
            | Event::Logprobs { .. }
            | Event::Lost(_)
            | Event::Ping => {}
        }
    }

    fn content(&mut self) {
        if self.progress == Progress::Waiting {
            self.progress = Progress::Content;
        }
    }

    fn lost(&mut self, what: &str) {
        let warnings = &mut self.report.warnings;
        if warnings.len() < MOST_WARNINGS && !warnings.iter().any(|known| known.starts_with(what)) {
            warnings.push(format!("{what} dropped from the stream"));
        }
    }

    /// Names the answer, the model and the calls where the provider does not, and tools as the client does.
    fn named<'e>(&mut self, event: Event<'e>) -> Event<'e> {
        match event {
            Event::Start { id, model, created } => {
                let id = if id.is_empty() { Text::from(self.id.clone()) } else { id };
                self.call_ids = CallIds::new(&id, created.unwrap_or(self.created));
                let model = if model.is_empty() { Text::from(self.model.clone()) } else { model };
                Event::Start { id, model, created }
            }
            Event::PartStart { choice, part: PartStart::ToolCall { id, name } } => {
                let (id, name) = (self.call_ids.of(id), self.tool_names.name(name));
                Event::PartStart { choice, part: PartStart::ToolCall { id, name } }
            }
            Event::PartStart { choice, part: PartStart::CustomCall { id, name } } => {
                let (id, name) = (self.call_ids.of(id), self.tool_names.name(name));
                Event::PartStart { choice, part: PartStart::CustomCall { id, name } }
            }
            event => event,
        }
    }

    /// Turns the forced call of structured output into text.
    fn without_json_tool<'e>(&mut self, event: Event<'e>) -> Event<'e> {
        if self.json_tool == JsonTool::Off {
            return event;
        }
        match event {
            Event::PartStart { choice, part: PartStart::ToolCall { name, .. } } if name == JSON_TOOL => {
                self.json_tool = JsonTool::Open;
                Event::PartStart { choice, part: PartStart::Text }
            }
            Event::Delta { choice, delta: Delta::Arguments(text) } if self.json_tool == JsonTool::Open => {
                Event::Delta { choice, delta: Delta::Text(text) }
            }
            Event::PartStop { choice } => {
                self.json_tool = JsonTool::Waiting;
                Event::PartStop { choice }
            }
            Event::Finish { choice, finish } if finish.reason == FinishReason::ToolCalls => {
                Event::Finish { choice, finish: FinishReason::Stop.into() }
            }
            event => event,
        }
    }
}
