//! The bytes that simulated providers send, built once and stamped with a request's number.

use crate::exchange::{ANSWER, BLANK_ID, Dialect, INPUT_TOKENS, LONG, OUTPUT_TOKENS, SHORT, Template, token};
use serde_json::{Value, json};

/// Events a burst writes at once.
pub(crate) const BURST: usize = 10;

/// Headers as real providers send them beside the ones that matter.
const OPENAI_HEADERS: &str = "openai-organization: org-simulated\r\nopenai-processing-ms: 412\r\n\
    openai-version: 2020-10-01\r\nx-ratelimit-limit-requests: 10000\r\nx-ratelimit-remaining-requests: 9999\r\n\
    x-request-id: req_0a1b2c3d4e5f60718293a4b5c6d7e8f9\r\n";
const ANTHROPIC_HEADERS: &str = "request-id: req_011CSHoEeqs5C35K2UUqR7Fy\r\n\
    anthropic-organization-id: 01234567-89ab-cdef-0123-456789abcdef\r\n\
    anthropic-ratelimit-requests-limit: 4000\r\nanthropic-ratelimit-requests-remaining: 3999\r\n";

/// All that one dialect's provider can say.
#[derive(Debug)]
pub(crate) struct Answers {
    /// A whole unary answer, head included.
    pub(crate) unary: Template,
    /// The head of a stream.
    pub(crate) stream_head: Vec<u8>,
    /// A long stream with the usage the client asked for, and without.
    long: [StreamBytes; 2],
    /// The same for a short one.
    short: [StreamBytes; 2],
    /// An error event in a chunk of its own, the body's end included.
    pub(crate) error_event: Vec<u8>,
    dialect: Dialect,
}

/// A stream's body, in chunked framing, the last chunk included.
#[derive(Debug)]
pub(crate) struct StreamBytes {
    /// One event a piece.
    pub(crate) single: Vec<Template>,
    /// [`BURST`] events a piece.
    pub(crate) bursts: Vec<Template>,
    /// Events before the first content.
    pub(crate) leading: usize,
}

impl Answers {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let body = match dialect {
            Dialect::OpenAi => openai_unary(),
            Dialect::Anthropic => anthropic_unary(),
        };
        let stream = |chunks, usage| StreamBytes::new(&events(dialect, chunks, usage));
        Self {
            unary: Template::new(whole(dialect, 200, &body.to_string())),
            stream_head: format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n{}\
                 cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n",
                headers(dialect)
            )
            .into_bytes(),
            long: [stream(LONG, false), stream(LONG, true)],
            short: [stream(SHORT, false), stream(SHORT, true)],
            error_event: [chunk(error_event(dialect).as_bytes()), chunk(b"")].concat(),
            dialect,
        }
    }

    /// The stream of so many chunks.
    pub(crate) fn stream(&self, chunks: usize, usage: bool) -> &StreamBytes {
        let [without, with] = if chunks == LONG { &self.long } else { &self.short };
        if usage { with } else { without }
    }

    /// An error with the status `status`.
    pub(crate) fn error(&self, status: u16, message: &str) -> Vec<u8> {
        let body = error_body(self.dialect, error_type(self.dialect, status), message);
        whole(self.dialect, status, &body.to_string())
    }

    /// A 200 without a body.
    pub(crate) fn empty(&self) -> Vec<u8> {
        whole(self.dialect, 200, "")
    }

    /// A 200 with half a body.
    pub(crate) fn malformed(&self) -> Vec<u8> {
        whole(self.dialect, 200, r#"{"id":"half an answer","choices":[{"message":{"content":"#)
    }
}

impl StreamBytes {
    fn new(events: &[String]) -> Self {
        let pieces = |size: usize| {
            let mut pieces: Vec<Vec<u8>> =
                events.chunks(size).map(|group| chunk(group.concat().as_bytes())).collect();
            if let Some(last) = pieces.last_mut() {
                last.extend_from_slice(&chunk(b""));
            }
            pieces.into_iter().map(Template::new).collect()
        };
        let leading = events.iter().take_while(|event| !event.contains(BLANK_ID)).count();
        Self { single: pieces(1), bursts: pieces(BURST), leading }
    }
}

fn headers(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAi => OPENAI_HEADERS,
        Dialect::Anthropic => ANTHROPIC_HEADERS,
    }
}

fn whole(dialect: Dialect, status: u16, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} Simulated\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{}\r\n{body}",
        body.len(),
        headers(dialect)
    )
    .into_bytes()
}

/// A chunk of a body in chunked framing; the last is empty.
pub(crate) fn chunk(data: &[u8]) -> Vec<u8> {
    let mut framed = format!("{:x}\r\n", data.len()).into_bytes();
    framed.extend_from_slice(data);
    framed.extend_from_slice(b"\r\n");
    framed
}

/// The body of a whole answer in OpenAI's words, its number blank.
pub(crate) fn openai_unary() -> Value {
    json!({
        "id": "chatcmpl-CSimulated0123456789abcdefgh", "object": "chat.completion", "created": 1_760_000_000,
        "model": "sim",
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant", "content": format!("answer {BLANK_ID}{ANSWER}"), "refusal": null,
                "annotations": [],
            },
            "logprobs": null, "finish_reason": "stop",
        }],
        "usage": openai_usage(), "service_tier": "default", "system_fingerprint": "fp_0123456789",
    })
}

fn openai_usage() -> Value {
    json!({
        "prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS,
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

fn anthropic_unary() -> Value {
    json!({
        "id": "msg_01Simulated0123456789abc", "type": "message", "role": "assistant", "model": "sim",
        "content": [{"type": "text", "text": format!("answer {BLANK_ID}{ANSWER}")}],
        "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {
            "input_tokens": INPUT_TOKENS, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": OUTPUT_TOKENS, "service_tier": "standard",
        },
    })
}

/// A stream's events, each with its blank line.
pub(crate) fn events(dialect: Dialect, chunks: usize, usage: bool) -> Vec<String> {
    let texts = std::iter::once(format!("answer {BLANK_ID}")).chain((1..chunks).map(token));
    match dialect {
        Dialect::OpenAi => openai_events(texts, usage),
        Dialect::Anthropic => anthropic_events(texts),
    }
}

fn openai_events(texts: impl Iterator<Item = String>, usage: bool) -> Vec<String> {
    let event = |choices: Value, counts: Option<Value>| {
        let mut data = json!({
            "id": "chatcmpl-CSimulated0123456789abcdefgh", "object": "chat.completion.chunk",
            "created": 1_760_000_000, "model": "sim", "service_tier": "default",
            "system_fingerprint": "fp_0123456789", "choices": choices,
        });
        if let (true, Some(object)) = (usage, data.as_object_mut()) {
            object.insert("usage".to_owned(), counts.unwrap_or(Value::Null));
        }
        format!("data: {data}\n\n")
    };
    let choice = |delta: Value, finish: Value| json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]);
    let mut events =
        vec![event(choice(json!({"role": "assistant", "content": "", "refusal": null}), Value::Null), None)];
    events.extend(texts.map(|text| event(choice(json!({"content": text}), Value::Null), None)));
    events.push(event(choice(json!({}), json!("stop")), None));
    if usage {
        events.push(event(json!([]), Some(openai_usage())));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn anthropic_events(texts: impl Iterator<Item = String>) -> Vec<String> {
    let event = |data: Value| {
        let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
        format!("event: {name}\ndata: {data}\n\n")
    };
    let mut message = anthropic_unary();
    if let Some(object) = message.as_object_mut() {
        object.insert("content".to_owned(), json!([]));
        object.insert("stop_reason".to_owned(), Value::Null);
        if let Some(usage) = object.get_mut("usage").and_then(Value::as_object_mut) {
            usage.insert("output_tokens".to_owned(), json!(1));
        }
    }
    let mut events = vec![
        event(json!({"type": "message_start", "message": message})),
        event(
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ),
        event(json!({"type": "ping"})),
    ];
    events.extend(texts.map(|text| {
        event(
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
        )
    }));
    events.push(event(json!({"type": "content_block_stop", "index": 0})));
    events.push(event(json!({
        "type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
        "usage": {
            "input_tokens": INPUT_TOKENS, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "output_tokens": OUTPUT_TOKENS,
        },
    })));
    events.push(event(json!({"type": "message_stop"})));
    events
}

fn error_type(dialect: Dialect, status: u16) -> &'static str {
    match (dialect, status) {
        (_, 429) => "rate_limit_error",
        (_, 400 | 422) => "invalid_request_error",
        (Dialect::Anthropic, 529) => "overloaded_error",
        (Dialect::Anthropic, _) => "api_error",
        (Dialect::OpenAi, _) => "server_error",
    }
}

fn error_body(dialect: Dialect, kind: &str, message: &str) -> Value {
    match dialect {
        Dialect::OpenAi => json!({"error": {"message": message, "type": kind, "param": null, "code": null}}),
        Dialect::Anthropic => json!({
            "type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy",
        }),
    }
}

fn error_event(dialect: Dialect) -> String {
    match dialect {
        Dialect::OpenAi => {
            format!("data: {}\n\n", error_body(dialect, "server_error", "The server had an error"))
        }
        Dialect::Anthropic => {
            format!("event: error\ndata: {}\n\n", error_body(dialect, "overloaded_error", "Overloaded"))
        }
    }
}
