//! A provider's OpenAI stream becomes the hub's events.

use super::super::request::{decode_block, decode_part};
use super::super::response::MOST_CHOICES;
use super::super::{citation, finish};
use super::calls::{Addition, Calls, Unordered};
use super::wire;
use crate::chat::{Citation, Delta, Event, EventSink, Extra, Failure, Json, Part, PartKind, PartStart, Text};
use crate::dialect::lane::{bare_failure, read_failure};
use crate::dialect::service::is_missed;
use crate::wire::json::{Count, Stencil, TextOr, parse};
use crate::wire::sse::{self, Framer};
use serde_json::value::RawValue;

/// Bytes of text that wait for the end of a call, at most; what comes after closes the call.
const MOST_HELD: usize = 16 << 20;

/// Reads a stream of `chat.completion.chunk` events.
///
/// Some providers say a finish reason in every chunk, or in one before the last: the answer is finished when the
/// stream ends after one.
#[derive(Debug, Default)]
pub struct StreamDecoder {
    framer: Framer,
    chunks: Chunks,
}

/// What a chunk's meaning depends on.
#[derive(Debug, Default)]
struct Chunks {
    started: bool,
    /// Nothing after this counts.
    over: bool,
    choices: Vec<Choice>,
    /// The last chunk that did nothing but add text to an answer, and that answer: most chunks are like the one before.
    plain: Stencil<u32>,
}

#[derive(Debug, Default)]
struct Choice {
    open: Option<Open>,
    calls: Calls,
    /// What was said while the arguments of a call were not complete: it follows the call.
    held: Vec<(Open, Delta<'static>)>,
    held_bytes: usize,
    /// Pages that a text relies on which has not begun.
    cited: Vec<Citation<'static>>,
    /// The finish reason, as far as is known: what is said last counts.
    finish: Option<Text<'static>>,
}

/// The open part, tool calls apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    Refusal,
}

impl StreamDecoder {
    /// A decoder at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes, however they are cut.
    pub fn push<S: EventSink>(&mut self, mut chunk: &[u8], sink: &mut S) {
        while !self.chunks.over {
            match self.framer.next(&mut chunk) {
                Ok(Some(event)) => self.chunks.take(&event, sink),
                Ok(None) => return,
                Err(sse::TooLong) => self.chunks.fail(broken("an event of the stream is too long"), sink),
            }
        }
    }

    /// The connection was closed: an event without its blank line still counts.
    pub fn end<S: EventSink>(&mut self, sink: &mut S) {
        if !self.chunks.over
            && let Some(event) = self.framer.finish()
        {
            self.chunks.take(&event, sink);
        }
        self.chunks.close(sink);
    }
}

/// Fields that the hub has no word for, where a client misses them.
fn lost<S: EventSink>(extra: &Extra<'_>, sink: &mut S) {
    for (name, value) in extra {
        if is_missed(name, value) {
            sink.event(Event::Lost(name));
        }
    }
}

fn broken(what: &str) -> Failure {
    Failure::new(502, format!("the provider's stream could not be read: {what}"))
}

impl From<Unordered> for Failure {
    fn from(_: Unordered) -> Self {
        broken("its tool calls cannot be put in order")
    }
}

impl Chunks {
    fn fail<S: EventSink>(&mut self, failure: Failure, sink: &mut S) {
        self.over = true;
        sink.event(Event::Error(failure));
    }

    fn take<S: EventSink>(&mut self, event: &sse::Event<'_>, sink: &mut S) {
        if let Some(failure) = bare_failure(event) {
            return self.fail(failure, sink);
        }
        let data = event.data.unwrap_or_default().trim_ascii();
        if data.is_empty() {
            return;
        }
        if data == b"[DONE]" {
            return self.done(sink);
        }
        if let Some((choice, text)) = self.plain.read(data).filter(|_| event.name != "error") {
            return self.say(choice, text, sink);
        }
        let chunk = match parse::<wire::Chunk<'_>>(data) {
            _ if event.name == "error" => {
                return self.fail(read_failure(200, data), sink);
            }
            Ok(chunk) if chunk.error.is_some() => {
                return self.fail(read_failure(200, data), sink);
            }
            Ok(chunk) => chunk,
            Err(error) => return self.fail(broken(&error.to_string()), sink),
        };
        let plain = chunk.only_text();
        if let Err(failure) = self.chunk(chunk, sink) {
            return self.fail(failure, sink);
        }
        if let Some((choice, text, noise)) = plain {
            self.plain.learn(choice, data, text, noise.as_slice());
        }
    }

    /// More text of an answer that has begun.
    fn say<S: EventSink>(&mut self, choice: u32, text: Text<'_>, sink: &mut S) {
        if let Some(state) = self.choices.get_mut(choice as usize) {
            state.say(choice, Open::Text, Delta::Text(text), sink);
        }
    }

    /// The provider says that this is all. A choice it never finished ends with what it is: no stop is made up for
    /// an answer that says nothing, but `[DONE]` is the provider's own word that the answer is complete.
    fn done<S: EventSink>(&mut self, sink: &mut S) {
        self.over = true;
        for (choice, state) in (0..).zip(&mut self.choices) {
            state.finish(choice, sink);
        }
        if self.started {
            sink.event(Event::End);
        }
    }

    /// The connection was closed. Some providers leave `[DONE]` out; the answer is complete if every choice said why it
    /// ended.
    fn close<S: EventSink>(&mut self, sink: &mut S) {
        let is_complete = self.is_finished() && self.choices.iter().all(|state| state.finish.is_some());
        if !self.over && is_complete {
            self.done(sink);
        }
    }

    /// Whether a choice said why it ended.
    fn is_finished(&self) -> bool {
        self.choices.iter().any(|state| state.finish.is_some())
    }

    fn chunk<S: EventSink>(&mut self, chunk: wire::Chunk<'_>, sink: &mut S) -> Result<(), Failure> {
        let choices = chunk.choices.unwrap_or_default();
        // Azure's first chunk holds its content filter only, and no id: the answer has not begun.
        if !self.started && (!choices.is_empty() || chunk.usage.is_some()) {
            self.started = true;
            sink.event(Event::Start {
                id: chunk.id.unwrap_or_default(),
                model: chunk.model.unwrap_or_default(),
                created: Count::of(chunk.created),
            });
        }
        lost(&chunk.extra, sink);
        let taken = choices.into_iter().try_for_each(|choice| self.choice(choice, sink));
        if let Some(usage) = chunk.usage.or_else(|| chunk.groq?.usage) {
            sink.event(Event::Usage { usage: usage.to_usage(), last: self.is_finished() });
        }
        taken
    }

    fn choice<S: EventSink>(&mut self, wire: wire::Choice<'_>, sink: &mut S) -> Result<(), Failure> {
        let choice = wire.index.unwrap_or(0);
        if choice >= MOST_CHOICES {
            return Err(broken("it holds too many choices"));
        }
        let at = choice as usize;
        if self.choices.len() <= at {
            self.choices.resize_with(at.saturating_add(1), Choice::default);
        }
        let Some(state) = self.choices.get_mut(at) else { return Ok(()) };
        lost(&wire.extra, sink);
        if let Some(delta) = wire.delta {
            state.delta(choice, delta, sink)?;
        }
        if let Some(logprobs) = wire.logprobs {
            sink.event(Event::Logprobs { choice, json: Json::from(logprobs) });
        }
        if let Some(failure) = finish::failure(wire.finish_reason.as_ref(), wire.error) {
            return Err(failure);
        }
        if let Some(word) = wire.finish_reason.filter(|word| !word.is_empty()) {
            state.finish = Some(word.into_owned());
        }
        Ok(())
    }
}

impl Choice {
    fn delta<S: EventSink>(
        &mut self,
        choice: u32,
        delta: wire::Delta<'_>,
        sink: &mut S,
    ) -> Result<(), Failure> {
        lost(&delta.extra, sink);
        if let Some(blocks) = delta.thinking_blocks.filter(|blocks| !blocks.is_empty()) {
            for part in blocks.into_iter().map(decode_block) {
                self.part(choice, part, sink);
            }
        } else if let Some(text) = delta.reasoning_content.or(delta.reasoning) {
            self.say(choice, Open::Thinking, Delta::Thinking(text), sink);
        }
        match delta.content {
            None => {}
            Some(TextOr::Text(text)) => self.say(choice, Open::Text, Delta::Text(text), sink),
            Some(TextOr::Other(parts)) => {
                for part in parts {
                    self.part(choice, decode_part(part).map_err(|(_, what)| broken(what))?, sink);
                }
            }
        }
        if let Some(list) = delta.annotations {
            self.cite(choice, list, sink);
        }
        if let Some(text) = delta.refusal {
            self.say(choice, Open::Refusal, Delta::Text(text), sink);
        }
        let legacy = delta.function_call.filter(wire::Function::is_called).map(|function| wire::CallDelta {
            index: Some(0),
            function: Some(function),
            ..wire::CallDelta::default()
        });
        for call in delta.tool_calls.unwrap_or_default().into_iter().chain(legacy) {
            self.call(choice, call, sink)?;
        }
        Ok(())
    }

    /// Pages that the open text relies on. Of a text that is to come they wait for it.
    fn cite<S: EventSink>(&mut self, choice: u32, list: &RawValue, sink: &mut S) {
        let (pages, are_all) = citation::read_all(list);
        if !are_all && is_missed("annotations", list) {
            sink.event(Event::Lost("annotations"));
        }
        for citation in pages {
            if self.open == Some(Open::Text) {
                sink.event(Event::Citation { choice, citation });
            } else if self.cited.len() < Citation::MOST {
                self.cited.push(citation.into_owned());
            }
        }
    }

    /// More of a part of text, reasoning or refusal.
    fn say<S: EventSink>(&mut self, choice: u32, kind: Open, delta: Delta<'_>, sink: &mut S) {
        let (Delta::Text(text) | Delta::Thinking(text) | Delta::Signature(text) | Delta::Arguments(text)) =
            &delta;
        if text.is_empty() {
            return;
        }
        if self.calls.are_open() {
            self.held_bytes = self.held_bytes.saturating_add(text.len());
            self.held.push((kind, delta.into_owned()));
            if self.held_bytes > MOST_HELD {
                self.close(choice, sink);
            }
            return;
        }
        self.open(choice, kind, sink);
        sink.event(Event::Delta { choice, delta });
    }

    /// Says what was held back, where no call has to be waited for any more.
    fn release<S: EventSink>(&mut self, choice: u32, sink: &mut S) {
        if self.held.is_empty() || self.calls.are_open() {
            return;
        }
        self.held_bytes = 0;
        for (kind, delta) in std::mem::take(&mut self.held) {
            self.say(choice, kind, delta, sink);
        }
    }

    fn open<S: EventSink>(&mut self, choice: u32, kind: Open, sink: &mut S) {
        if self.open == Some(kind) {
            return;
        }
        self.close(choice, sink);
        let part = match kind {
            Open::Text => PartStart::Text,
            Open::Thinking => PartStart::Thinking,
            Open::Refusal => PartStart::Refusal,
        };
        self.open = Some(kind);
        sink.event(Event::PartStart { choice, part });
        if kind == Open::Text {
            for citation in std::mem::take(&mut self.cited) {
                sink.event(Event::Citation { choice, citation });
            }
        }
    }

    /// Closes whatever is open.
    fn close<S: EventSink>(&mut self, choice: u32, sink: &mut S) {
        self.calls.close(choice, sink);
        self.release(choice, sink);
        if self.open.take().is_some() {
            sink.event(Event::PartStop { choice });
        }
    }

    /// A typed part in the place of a delta: Mistral's content, LiteLLM's thinking blocks.
    fn part<S: EventSink>(&mut self, choice: u32, part: Part<'_>, sink: &mut S) {
        match part.kind {
            PartKind::Text(text) => self.say(choice, Open::Text, Delta::Text(text), sink),
            PartKind::Refusal(text) => self.say(choice, Open::Refusal, Delta::Text(text), sink),
            PartKind::Thinking(thinking) => {
                self.say(choice, Open::Thinking, Delta::Thinking(thinking.text), sink);
                if let Some(signature) = thinking.signature {
                    self.say(choice, Open::Thinking, Delta::Signature(signature), sink);
                    // A block ends with its signature; what follows is another.
                    if self.held.is_empty() {
                        self.close(choice, sink);
                    }
                }
            }
            PartKind::RedactedThinking(data) => {
                self.close(choice, sink);
                sink.event(Event::PartStart { choice, part: PartStart::RedactedThinking(data) });
                sink.event(Event::PartStop { choice });
            }
            PartKind::Other(opaque) => sink.event(Event::Lost(&opaque.kind.to_str())),
            _ => sink.event(Event::Lost("a picture, sound or document")),
        }
    }

    /// Nothing more comes.
    fn finish<S: EventSink>(&mut self, choice: u32, sink: &mut S) {
        self.close(choice, sink);
        if !self.cited.is_empty() {
            sink.event(Event::Lost("annotations"));
        }
        let word = self.finish.take().unwrap_or_default();
        sink.event(Event::Finish { choice, finish: finish::end(&word.to_str(), self.calls.any()) });
    }

    fn call<S: EventSink>(
        &mut self,
        choice: u32,
        call: wire::CallDelta<'_>,
        sink: &mut S,
    ) -> Result<(), Failure> {
        lost(&call.extra, sink);
        if self.open.take().is_some() {
            sink.event(Event::PartStop { choice });
        }
        let function = call.function.unwrap_or_default();
        let is_custom = call.custom.is_some();
        let custom = call.custom.unwrap_or_default();
        let arguments = match function.arguments {
            None => custom.input.unwrap_or_default(),
            Some(TextOr::Text(text)) => text,
            Some(TextOr::Other(raw)) => Text::plain(raw.get()),
        };
        let name = function.name.as_ref().or(custom.name.as_ref());
        let more = Addition { index: call.index, id: call.id.as_ref(), name, is_custom, arguments };
        self.calls.push(choice, &more, sink)?;
        self.release(choice, sink);
        Ok(())
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunk(choice: &str, rest: &str) -> String {
        format!(
            r#"data: {{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{choice}]{rest}}}"#
        ) + "\n\n"
    }

    fn says(content: &str, rest: &str) -> String {
        chunk(&format!(r#"{{"index":0,"delta":{{"content":{content}}},"finish_reason":null}}"#), rest)
    }

    /// Chunks that do nothing but add text, and whatever else can come between them.
    fn pool() -> Vec<String> {
        let second = |text: &str| {
            chunk(&format!(r#"{{"index":1,"delta":{{"content":"{text}"}},"finish_reason":null}}"#), "")
        };
        vec![
            says(r#""one""#, ""),
            says(r#""two \n\" \\""#, ""),
            says(r#""""#, ""),
            says(r#""\u00e9\ud83d\ude00""#, ""),
            says("\"h\u{e9}\"", ""),
            says("null", ""),
            says(r#"[{"type":"text","text":"part"}]"#, ""),
            says(r#""one""#, r#","obfuscation":"abc""#),
            says(r#""two""#, r#","obfuscation":"z""#),
            says(r#""two""#, r#","obfuscation":7"#),
            says(r#""one""#, r#","usage":{"prompt_tokens":1,"completion_tokens":2}"#),
            says(r#""one""#, r#","citations":["c"]"#),
            second("other"),
            second("more"),
            chunk(r#"{"index":0,"delta":{"content":"","reasoning_content":"hm"},"finish_reason":null}"#, ""),
            chunk(r#"{"index":0,"delta":{"content":"x","refusal":"no"},"finish_reason":null}"#, ""),
            chunk(
                r#"{"index":0,"delta":{"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":"{}"}}]}}"#,
                "",
            ),
            chunk(
                r#"{"index":0,"delta":{"content":"x"},"logprobs":{"content":[]},"finish_reason":null}"#,
                "",
            ),
            chunk(r#"{"index":0,"delta":{"content":"end"},"finish_reason":"stop"}"#, ""),
            "event: error\n".to_owned() + &says(r#""one""#, ""),
            "data: [DONE]\n\n".to_owned(),
        ]
    }

    proptest! {
        #[test]
        fn a_chunk_like_the_one_before_means_the_same(order in prop::collection::vec(0_usize..21, 0..24)) {
            let pool = pool();
            let (mut quick, mut slow) = (StreamDecoder::new(), StreamDecoder::new());
            let (mut seen, mut meant) = (Vec::new(), Vec::new());
            for at in order {
                quick.push(pool[at].as_bytes(), &mut |event: Event<'_>| seen.push(format!("{event:?}")));
                slow.chunks.plain = Stencil::default();
                slow.push(pool[at].as_bytes(), &mut |event: Event<'_>| meant.push(format!("{event:?}")));
            }
            prop_assert_eq!(seen, meant);
        }
    }

    #[test]
    fn chunks_that_only_add_text_are_not_read_in_full() {
        let mut decoder = StreamDecoder::new();
        decoder.push(says(r#""one""#, r#","obfuscation":"abc""#).as_bytes(), &mut |_: Event<'_>| ());
        let next = says(r#""two""#, r#","obfuscation":"z""#);
        let data = next.trim_start_matches("data: ").trim_end();
        let read = decoder.chunks.plain.read(data.as_bytes());
        assert_eq!(read.and_then(|(_, text)| text.literal()), Some("two"));
    }
}
