//! A light look at OpenAI answers, of conversations and text completions: what metering and the choice of the next target need, and no more.

use super::keys::Key;
use super::stream::Seen;
use crate::chat::Failure;
use crate::dialect::lane::{Report, malformed, read_failure};
use crate::dialect::openai_chat::finish;
use crate::dialect::openai_chat::usage::{Groq, UsageWire};
use crate::wire::json::{Text, parse, wire_object};
use crate::wire::sse::Event;
use serde_json::value::RawValue;

wire_object! {
    /// An answer or a chunk of one.
    light struct Body<'a> {
        error: &'a RawValue = "error",
        model: Text<'a> = "model",
        choices: Vec<Choice<'a>> = "choices",
        usage: UsageWire<'a> = "usage",
        groq: Groq<'a> = "x_groq",
    }
}

wire_object! {
    light struct Choice<'a> {
        finish: Text<'a> = "finish_reason",
        delta: Said<'a> = "delta",
        message: Said<'a> = "message",
        /// All there is in a text completion.
        text: &'a RawValue = "text",
    }
}

wire_object! {
    /// Everything known to hold something that a client can use.
    light struct Said<'a> {
        content: &'a RawValue = "content",
        refusal: &'a RawValue = "refusal",
        tool_calls: &'a RawValue = "tool_calls",
        function_call: &'a RawValue = "function_call",
        reasoning_content: &'a RawValue = "reasoning_content",
        reasoning: &'a RawValue = "reasoning",
        reasoning_details: &'a RawValue = "reasoning_details",
        thinking_blocks: &'a RawValue = "thinking_blocks",
        audio: &'a RawValue = "audio",
        images: &'a RawValue = "images",
    }
}

impl Said<'_> {
    /// Bytes of what is said, as they stand in the JSON text; 0 when nothing is.
    fn bytes(&self) -> u64 {
        // Servers that give both spellings of the reasoning say the same in both.
        let reasoning = length(self.reasoning_content).max(length(self.reasoning));
        let reasoning = reasoning.max(length(self.reasoning_details)).max(length(self.thinking_blocks));
        length(self.content)
            + length(self.refusal)
            + length(self.tool_calls)
            + length(self.function_call)
            + reasoning
            + length(self.audio)
            + length(self.images)
    }
}

/// Bytes of a value that says something.
fn length(value: Option<&RawValue>) -> u64 {
    match value.map(RawValue::get) {
        None | Some("null" | "\"\"" | "[]" | "{}") => 0,
        Some(text) => text.len() as u64,
    }
}

/// What has to be remembered between the chunks of a stream.
#[derive(Debug)]
pub(super) struct Look {
    usage: Key,
    error: Key,
    finish: Key,
    /// Bytes of a chunk around what it says, learnt from the first one with content: chunks of one stream are
    /// alike, so the later ones need no parsing for an estimate of the output.
    around: u64,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            usage: Key::new("\"usage\""),
            error: Key::new("\"error\""),
            finish: Key::new("\"finish_reason\""),
            around: 0,
        }
    }
}

impl Look {
    /// Looks at one event. `waiting`: nothing usable has come yet.
    pub(super) fn event(&mut self, event: &Event<'_>, waiting: bool, report: &mut Report) -> Seen {
        let Some(data) = event.data else { return Seen::Nothing };
        if data.trim_ascii() == b"[DONE]" {
            return Seen::End;
        }
        let telling = waiting
            || self.usage.has_value(data)
            || self.error.has_value(data)
            || self.finish.has_value(data)
            || event.name == "error";
        if !telling {
            report.output_bytes += (data.len() as u64).saturating_sub(self.around);
            return Seen::Content;
        }
        let Ok(body) = parse::<Body<'_>>(data) else { return Seen::Nothing };
        if body.error.is_some_and(is_something) || event.name == "error" {
            return Seen::Failure(read_failure(200, data));
        }
        let said = said(&body, report);
        if said > 0 && self.around == 0 {
            self.around = (data.len() as u64).saturating_sub(said);
        }
        let choices = body.choices.unwrap_or_default();
        if body.usage.is_some() && choices.is_empty() {
            return Seen::UsageChunk;
        }
        let finished =
            choices.iter().any(|choice| choice.finish.as_ref().is_some_and(|word| !word.is_empty()));
        match (finished, said > 0) {
            (true, _) => Seen::Finish,
            (false, true) => Seen::Content,
            (false, false) => Seen::Nothing,
        }
    }
}

/// Reads what a whole answer says of itself.
///
/// # Errors
/// 502 when it is no answer; what an `error` says when there is one.
pub(super) fn answer(body: &[u8]) -> Result<Report, Failure> {
    let read: Body<'_> = parse(body).map_err(|error| malformed(&error))?;
    if read.error.is_some_and(is_something) {
        return Err(read_failure(200, body));
    }
    if read.choices.as_ref().is_none_or(Vec::is_empty) {
        return Err(Failure::new(502, "the provider's answer has no choices"));
    }
    let mut report = Report::default();
    said(&read, &mut report);
    report.usage_is_final = !report.usage.is_empty();
    Ok(report)
}

/// Takes over what a body says of model, finish and counts; returns the bytes of its content.
fn said(body: &Body<'_>, report: &mut Report) -> u64 {
    if report.model.is_none() {
        report.model = body.model.as_ref().filter(|model| !model.is_empty()).map(|m| m.to_str().into_owned());
    }
    let choices = body.choices.as_deref().unwrap_or_default();
    for word in choices.iter().filter_map(|choice| choice.finish.as_ref()).filter(|word| !word.is_empty()) {
        report.finish = Some(finish(&word.to_str()));
    }
    if let Some(usage) = body.usage.as_ref().or(body.groq.as_ref().and_then(|groq| groq.usage.as_ref())) {
        report.usage.update(&usage.to_usage());
        report.usage_is_final = choices.is_empty() || report.finish.is_some();
    }
    let bytes = choices.iter().map(|choice| {
        choice.delta.as_ref().map_or(0, Said::bytes)
            + choice.message.as_ref().map_or(0, Said::bytes)
            + length(choice.text)
    });
    let bytes = bytes.sum();
    report.output_bytes += bytes;
    bytes
}

/// Whether an `error` field reports one: servers write `null`, and some an empty object or string, when there is none.
fn is_something(value: &RawValue) -> bool {
    !matches!(value.get(), "null" | "{}" | "\"\"" | "false")
}

/// A finish reason in a word that is known.
fn finish(word: &str) -> &'static str {
    match word {
        "function_call" => "function_call",
        word if finish::is_failure(word) => "error",
        word => finish::decode(word).as_openai(),
    }
}
