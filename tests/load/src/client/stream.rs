//! Checks of streams, event by event as they arrive.

use crate::exchange::{Dialect, INPUT_TOKENS, OUTPUT_TOKENS, stream_text};
use serde::Deserialize;
use std::borrow::Cow;

/// Follows one stream.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // four things that may each come or not, in any mix
pub(crate) struct StreamCheck {
    dialect: Dialect,
    text: String,
    at: usize,
    line: Vec<u8>,
    /// Content events so far.
    pub(crate) chunks: usize,
    /// Whether a finish reason came.
    pub(crate) finished: bool,
    /// Whether the dialect's last event came.
    pub(crate) closed: bool,
    /// Whether an error event came.
    pub(crate) failed: bool,
    /// Whether usage came, as the provider counted it.
    pub(crate) counted: bool,
}

impl StreamCheck {
    /// Expects the stream of `chunks` chunks for request `id`.
    pub(crate) fn new(dialect: Dialect, id: u64, chunks: usize) -> Self {
        Self {
            dialect,
            text: stream_text(id, chunks),
            at: 0,
            line: Vec::new(),
            chunks: 0,
            finished: false,
            closed: false,
            failed: false,
            counted: false,
        }
    }

    /// Takes a piece of the body.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Result<(), String> {
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            if self.line.is_empty() {
                self.take_line(line)?;
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.take_line(&whole)?;
                whole.clear();
                self.line = whole;
            }
        }
        self.line.extend_from_slice(rest);
        Ok(())
    }

    /// Whether the stream came whole: every chunk, the finish reason, the end, and usage where `usage` says so.
    pub(crate) fn is_whole(&self, chunks: usize, usage: bool) -> Result<(), String> {
        if self.chunks != chunks || self.at != self.text.len() {
            return Err(format!(
                "{} of {chunks} chunks, {} of {} bytes",
                self.chunks,
                self.at,
                self.text.len()
            ));
        }
        if !self.finished || !self.closed || self.failed || !self.line.is_empty() {
            return Err(format!(
                "finish reason: {}, last event: {}, error: {}, open line: {} bytes",
                self.finished,
                self.closed,
                self.failed,
                self.line.len()
            ));
        }
        if self.counted != usage {
            return Err(format!("usage: {} instead of {usage}", self.counted));
        }
        Ok(())
    }

    fn take_line(&mut self, line: &[u8]) -> Result<(), String> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(data) = line.strip_prefix(b"data:") else { return Ok(()) };
        let data = data.strip_prefix(b" ").unwrap_or(data);
        if self.closed {
            return Err("an event after the last".to_owned());
        }
        match self.dialect {
            Dialect::OpenAi if data == b"[DONE]" => self.closed = true,
            Dialect::OpenAi => self.take_openai(data)?,
            Dialect::Anthropic => self.take_anthropic(data)?,
        }
        Ok(())
    }

    fn take_openai(&mut self, data: &[u8]) -> Result<(), String> {
        let event: OpenAiEvent = serde_json::from_slice(data).map_err(|error| event_error(&error, data))?;
        if event.error.is_some() {
            self.failed = true;
            return Ok(());
        }
        for choice in event.choices {
            if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
                self.take_text(&text)?;
            }
            if let Some(reason) = choice.finish_reason {
                self.finish(&reason, "stop")?;
            }
        }
        if let Some(usage) = event.usage {
            self.count(usage.prompt_tokens, usage.completion_tokens)?;
        }
        Ok(())
    }

    fn take_anthropic(&mut self, data: &[u8]) -> Result<(), String> {
        let event: AnthropicEvent =
            serde_json::from_slice(data).map_err(|error| event_error(&error, data))?;
        match &*event.kind {
            "error" => self.failed = true,
            "message_stop" => self.closed = true,
            _ => {}
        }
        if let Some(delta) = event.delta {
            if let Some(text) = delta.text.filter(|text| !text.is_empty()) {
                self.take_text(&text)?;
            }
            if let Some(reason) = delta.stop_reason {
                self.finish(&reason, "end_turn")?;
                let usage = event.usage.unwrap_or_default();
                self.count(usage.input_tokens, usage.output_tokens)?;
            }
        }
        Ok(())
    }

    fn take_text(&mut self, text: &str) -> Result<(), String> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(text)) {
            return Err(format!("chunk {}: {text:?} is not what comes next", self.chunks));
        }
        self.at += text.len();
        self.chunks += 1;
        Ok(())
    }

    fn finish(&mut self, reason: &str, wanted: &str) -> Result<(), String> {
        if reason != wanted || self.finished {
            return Err(format!("finish reason {reason:?}, after another: {}", self.finished));
        }
        self.finished = true;
        Ok(())
    }

    fn count(&mut self, input: u64, output: u64) -> Result<(), String> {
        // Anthropic's own streams give the input in the first event and may leave it out of the last.
        if output != OUTPUT_TOKENS || (input != INPUT_TOKENS && self.dialect == Dialect::OpenAi) {
            return Err(format!("usage: {input} + {output} tokens"));
        }
        self.counted = true;
        Ok(())
    }
}

fn event_error(error: &serde_json::Error, data: &[u8]) -> String {
    format!("{error} in the event {}", String::from_utf8_lossy(data))
}

#[derive(Deserialize)]
struct OpenAiEvent<'a> {
    #[serde(borrow, default)]
    choices: Vec<OpenAiChoice<'a>>,
    usage: Option<OpenAiUsage>,
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct OpenAiChoice<'a> {
    #[serde(borrow)]
    delta: OpenAiDelta<'a>,
    #[serde(borrow)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct OpenAiDelta<'a> {
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct OpenAiUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
}

#[derive(Deserialize)]
struct AnthropicEvent<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    delta: Option<AnthropicDelta<'a>>,
    usage: Option<AnthropicUsage>,
}

#[derive(Deserialize)]
struct AnthropicDelta<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    stop_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AnthropicUsage {
    input_tokens: u64,
    output_tokens: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::token;

    fn openai(chunks: usize) -> String {
        let mut stream = String::new();
        for index in 0..chunks {
            let text = if index == 0 { "answer 0000000009".to_owned() } else { token(index) };
            let event = serde_json::json!({"choices": [{"delta": {"content": text}, "finish_reason": null}]});
            stream.extend(["data: ", &event.to_string(), "\n\n"]);
        }
        stream + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
    }

    #[test]
    fn a_whole_stream_is_right_however_it_is_cut() {
        let stream = openai(20);
        for step in [1, 7, 64, stream.len()] {
            let mut check = StreamCheck::new(Dialect::OpenAi, 9, 20);
            for piece in stream.as_bytes().chunks(step) {
                check.take(piece).unwrap();
            }
            assert_eq!(check.is_whole(20, false), Ok(()));
            assert!(check.is_whole(20, true).is_err());
        }
    }

    #[test]
    fn a_lost_chunk_is_seen() {
        let stream = openai(20).replace(&token(7), &token(8));
        let mut check = StreamCheck::new(Dialect::OpenAi, 9, 20);
        assert!(check.take(stream.as_bytes()).is_err());
    }

    #[test]
    fn a_missing_end_is_seen() {
        let stream = openai(20).replace("data: [DONE]\n\n", "");
        let mut check = StreamCheck::new(Dialect::OpenAi, 9, 20);
        check.take(stream.as_bytes()).unwrap();
        assert!(check.is_whole(20, false).is_err());
    }
}
