//! Requests as the official Python SDKs write them: compact JSON, `messages` before `model`, their headers.

use crate::exchange::{BLANK_ID, Dialect, Marker, Template};
use std::fmt::Write;

/// Bytes of the system prompt.
const SYSTEM_BYTES: usize = 128;

/// Bytes of text up to which a prompt is one turn.
const ONE_TURN: usize = 4 * 1024;

/// Turns of a longer conversation; odd, so that the user has the last word.
const TURNS: usize = 15;

/// What prompts are made of: lines, quotes, code and a little of other scripts.
const PROSE: &str = "The quarterly report says \"revenue grew by 4.2 %\" while costs fell;\nsee table 7 and the notes below.\n\
    \tfn total(items: &[Item]) -> u64 { items.iter().map(|i| i.price * i.count).sum() }\n\
    Les clients de l'été dernier — 1 204 au total — préfèrent le paiement à trente jours.\n\
    Summarise each section in two sentences, then list what is missing, what is doubtful and who should be asked. ";

/// One kind of request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) model: &'a str,
    pub(crate) key: &'a str,
    /// Bytes of text in the whole conversation.
    pub(crate) text_bytes: usize,
    pub(crate) stream: bool,
    /// `stream_options.include_usage`, which only one dialect knows.
    pub(crate) include_usage: bool,
}

impl Request<'_> {
    /// The bytes on the wire, to be stamped with a number each time.
    pub(crate) fn template(&self) -> Template {
        let body = self.body();
        let mut bytes = match self.dialect {
            Dialect::OpenAi => openai_head(self.key, body.len()),
            Dialect::Anthropic => anthropic_head(self.key, body.len()),
        };
        bytes.push_str(&body);
        Template::new(bytes.into_bytes())
    }

    fn body(&self) -> String {
        let (system, turns) = conversation(self.text_bytes);
        let mut body = String::with_capacity(self.text_bytes + self.text_bytes / 8 + 1024);
        let mut messages = Vec::new();
        if self.dialect == Dialect::OpenAi {
            messages.push(message("system", &system));
        }
        for (index, turn) in turns.iter().enumerate() {
            messages.push(message(if index % 2 == 0 { "user" } else { "assistant" }, turn));
        }
        body.push('{');
        if self.dialect == Dialect::Anthropic {
            body.push_str("\"max_tokens\":1024,");
        }
        // Writing to a string cannot fail.
        let _ = write!(body, "\"messages\":[{}],\"model\":{}", messages.join(","), json(self.model));
        if self.dialect == Dialect::Anthropic {
            let _ = write!(body, ",\"system\":{}", json(&system));
        }
        if self.stream {
            body.push_str(",\"stream\":true");
            if self.include_usage && self.dialect == Dialect::OpenAi {
                body.push_str(",\"stream_options\":{\"include_usage\":true}");
            }
        }
        body.push_str(",\"temperature\":0.2}");
        body
    }
}

/// The head of an `openai` SDK's request with a body of `length` bytes.
pub(crate) fn openai_head(key: &str, length: usize) -> String {
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.test\r\nAccept-Encoding: gzip, deflate\r\n\
         Connection: keep-alive\r\nAccept: application/json\r\nContent-Type: application/json\r\n\
         User-Agent: OpenAI/Python 2.8.1\r\nX-Stainless-Lang: python\r\nX-Stainless-Package-Version: 2.8.1\r\n\
         X-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\n\
         X-Stainless-Runtime-Version: 3.13.5\r\nAuthorization: Bearer {key}\r\nX-Stainless-Async: async:asyncio\r\n\
         x-stainless-retry-count: 0\r\nx-stainless-read-timeout: 600\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// The head of an `anthropic` SDK's request with a body of `length` bytes.
pub(crate) fn anthropic_head(key: &str, length: usize) -> String {
    format!(
        "POST /v1/messages HTTP/1.1\r\nHost: gateway.test\r\nAccept-Encoding: gzip, deflate\r\n\
         Connection: keep-alive\r\nAccept: application/json\r\nContent-Type: application/json\r\n\
         User-Agent: Anthropic/Python 0.75.0\r\nX-Stainless-Lang: python\r\nX-Stainless-Package-Version: 0.75.0\r\n\
         X-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\n\
         X-Stainless-Runtime-Version: 3.13.5\r\nX-Api-Key: {key}\r\nX-Stainless-Async: async:asyncio\r\n\
         anthropic-version: 2023-06-01\r\nx-stainless-retry-count: 0\r\nx-stainless-read-timeout: 600\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

/// A system prompt and turns of `text_bytes` bytes in all (at least what the marker needs); the last turn starts with the
/// marker.
pub(crate) fn conversation(text_bytes: usize) -> (String, Vec<String>) {
    let text_bytes = text_bytes.max(SYSTEM_BYTES + Marker::LENGTH);
    let count = if text_bytes <= ONE_TURN { 1 } else { TURNS };
    let share = (text_bytes - SYSTEM_BYTES) / count;
    let mut turns: Vec<String> = (1..count).map(|index| prose(index * 37, share)).collect();
    let marker = Marker { id: 0, text_bytes }.write();
    let rest = text_bytes - SYSTEM_BYTES - share * (count - 1) - marker.len();
    turns.push(marker + &prose(0, rest));
    (prose(11, SYSTEM_BYTES), turns)
}

/// So many bytes of prose from somewhere in it on.
fn prose(start: usize, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes);
    for character in PROSE.chars().cycle().skip(start) {
        if text.len() + character.len_utf8() > bytes {
            break;
        }
        text.push(character);
    }
    while text.len() < bytes {
        text.push('.');
    }
    text
}

fn message(role: &str, content: &str) -> String {
    format!("{{\"role\":\"{role}\",\"content\":{}}}", json(content))
}

/// A JSON string, non-ASCII as it is (as the SDKs write it).
pub(crate) fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The blank number must not occur in prose, or stamping would change it.
const _: () = assert!(BLANK_ID.len() == crate::exchange::ID_DIGITS);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_has_the_bytes_it_says() {
        for bytes in [200, 1024, 4096, 4097, 32 * 1024, 1 << 20] {
            let (system, turns) = conversation(bytes);
            assert_eq!(system.len() + turns.iter().map(String::len).sum::<usize>(), bytes);
            assert_eq!(turns.len() % 2, 1);
            assert_eq!(Marker::read(turns.last().unwrap()), Some(Marker { id: 0, text_bytes: bytes }));
        }
    }

    #[test]
    fn a_body_is_json_of_either_dialect() {
        for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
            let request = Request {
                dialect,
                model: "m",
                key: "k",
                text_bytes: 1024,
                stream: true,
                include_usage: true,
            };
            let body: serde_json::Value = serde_json::from_str(&request.body()).unwrap();
            assert_eq!(body["model"], "m");
            assert_eq!(body["stream"], true);
        }
    }
}
