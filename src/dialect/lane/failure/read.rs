//! What a provider answered.

use super::kind::{kind_of_name, status_of};
use super::message::{bounded, html_message, redacted};
use crate::chat::{Failure, FailureKind};
use crate::dialect::Dialect;
use crate::wire::json::{ParseError, wire_object};
use crate::wire::sse;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::time::Duration;

wire_object! {
    /// The fields that any known error body puts its words into.
    light struct Body<'a> {
        error: &'a RawValue = "error",
        message: &'a RawValue = "message",
        detail: &'a RawValue = "detail",
        details: &'a RawValue = "details",
        msg: &'a RawValue = "msg",
        kind: &'a RawValue = "type",
        aws_kind: &'a RawValue = "__type",
        code: &'a RawValue = "code",
        status: &'a RawValue = "status",
        param: &'a RawValue = "param",
        loc: &'a RawValue = "loc",
    }
}

/// What an error body said, before it is weighed against the status.
#[derive(Debug, Default)]
struct Said {
    message: Option<String>,
    kind: Option<String>,
    code: Option<String>,
    param: Option<String>,
    retry_after: Option<Duration>,
}

/// Reads the failure out of a provider's answer: OpenAI's and Anthropic's envelopes, and what servers that speak their
/// dialects really send (an `error` that is a string, `detail` of FastAPI, a bare `message`, a page of HTML, text,
/// nothing). Both dialects are read the same way, since proxies mix them.
///
/// `status` is the HTTP status; for an error found within a 200 pass 200, and the status is derived from what the
/// error says, 502 if it says nothing.
pub fn read_failure(status: u16, body: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(body);
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    let mut said = Said::default();
    if trimmed.starts_with(['{', '[', '"'])
        && let Ok(value) = serde_json::from_str::<&RawValue>(trimmed)
    {
        said.read(value, 0);
    }
    let is_html = said.message.is_none() && trimmed.starts_with('<');
    let message = match said.message.take() {
        Some(message) => message,
        None if trimmed.is_empty() => format!("status {status} with an empty body"),
        None if is_html => html_message(status, trimmed),
        None => trimmed.to_owned(),
    };

    // Google answers a wrong key with 400; the reason stands in its details.
    if trimmed.contains("\"API_KEY_INVALID\"") {
        said.kind = Some("invalid_api_key".to_owned());
    }
    let named =
        said.kind.as_deref().and_then(kind_of_name).or_else(|| said.code.as_deref().and_then(kind_of_name));
    let code_status =
        said.code.as_deref().and_then(|code| code.parse::<u16>().ok()).filter(|s| (400..600).contains(s));
    let status = if status >= 400 { Some(status) } else { code_status };
    let (status, kind) = match (status, named) {
        // A status that says more than "wrong" or "broken" is believed; otherwise the name is.
        (Some(status @ (400 | 422 | 500 | 502 | 503)), Some(kind)) => (status, kind),
        (Some(status), _) => (status, FailureKind::of_status(status)),
        (None, Some(kind)) => (status_of(kind), kind),
        (None, None) => (502, FailureKind::Api),
    };
    Failure {
        status,
        kind,
        message: redacted(&bounded(&message)).into_owned(),
        param: said.param,
        // A code that only repeats the status says nothing.
        code: said.code.filter(|_| code_status.is_none()),
        provider: None,
        retry_after: said.retry_after,
    }
}

/// An error that a server answered a request for a stream with as plain JSON, status 200: within the stream it is an
/// event without data.
pub(crate) fn bare_failure(event: &sse::Event<'_>) -> Option<Failure> {
    let raw = event.raw.trim_ascii();
    let is_bare = event.data.is_none() && event.name.is_empty() && raw.starts_with(b"{");
    let is_error = is_bare && memchr::memmem::find(raw, b"\"error\"").is_some();
    is_error.then(|| read_failure(200, raw))
}

/// Whether a body is an error in a dialect's own envelope, which its clients can read as it stands.
pub fn is_failure_of(dialect: Dialect, body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        r#type: Option<Cow<'a, str>>,
        #[serde(borrow)]
        error: Inner<'a>,
    }
    #[derive(Deserialize)]
    struct Inner<'a> {
        r#type: Option<Cow<'a, str>>,
        status: Option<Cow<'a, str>>,
        #[serde(borrow)]
        code: Option<&'a RawValue>,
        #[serde(borrow)]
        message: Cow<'a, str>,
    }
    #[derive(Deserialize)]
    struct Sentence<'a> {
        #[serde(borrow)]
        error: Cow<'a, str>,
    }
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        message: Cow<'a, str>,
        error: Option<serde::de::IgnoredAny>,
    }
    if dialect == Dialect::Cohere {
        return serde_json::from_slice::<Message<'_>>(body)
            .is_ok_and(|said| !said.message.is_empty() && said.error.is_none());
    }
    if matches!(dialect, Dialect::Ollama | Dialect::OllamaGenerate) {
        return serde_json::from_slice::<Sentence<'_>>(body).is_ok_and(|said| !said.error.is_empty());
    }
    if dialect == Dialect::Bedrock {
        let read = serde_json::from_slice::<Body<'_>>(body).ok();
        return read.is_some_and(|body| body.error.is_none() && body.message.and_then(string).is_some());
    }
    let Ok(Envelope { r#type: outer, error }) = serde_json::from_slice::<Envelope<'_>>(body) else {
        return false;
    };
    let is_error = outer.as_deref() == Some("error");
    match dialect {
        Dialect::Anthropic => is_error && error.r#type.is_some(),
        Dialect::Gemini => error.status.is_some() && error.code.is_some() && !error.message.is_empty(),
        _ => !is_error && !error.message.is_empty(),
    }
}

impl Said {
    fn read(&mut self, value: &RawValue, depth: u8) {
        // Envelopes within envelopes: error → message → detail is the deepest seen.
        if depth > 4 {
            return;
        }
        let text = value.get();
        match text.as_bytes().first() {
            Some(b'"') => {
                let words = string(value).unwrap_or_default();
                if !words.trim().is_empty() && self.message.is_none() {
                    self.message = Some(words);
                }
            }
            Some(b'[') => {
                if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text)
                    && let Some(first) = items.first()
                {
                    self.read(first, depth + 1);
                }
            }
            Some(b'{') => {
                let Ok(body) = serde_json::from_str::<Body<'_>>(text) else { return };
                // An inner `error` object knows best; what stands around it fills the gaps.
                for part in [body.error, body.message, body.detail, body.msg].into_iter().flatten() {
                    self.read(part, depth + 1);
                }
                if self.retry_after.is_none() {
                    self.retry_after = body.details.and_then(retry_delay);
                }
                if self.message.is_none()
                    && let Some(part) = body.details
                {
                    self.read(part, depth + 1);
                }
                let keep = |field: &mut Option<String>, value: Option<&RawValue>| {
                    if field.is_none() {
                        *field = value.and_then(scalar);
                    }
                };
                keep(&mut self.kind, body.kind.filter(|kind| kind.get() != "\"error\""));
                keep(&mut self.kind, body.aws_kind);
                keep(&mut self.code, body.code);
                keep(&mut self.param, body.param);
                if self.param.is_none() {
                    self.param = body.loc.and_then(location);
                }
                if self.kind.is_none() {
                    self.kind = body.status.and_then(string);
                }
            }
            _ => {}
        }
    }
}

fn string(value: &RawValue) -> Option<String> {
    crate::wire::json::Text::from_raw(value).map(|text| text.to_str().into_owned())
}

/// A string or a number as text.
fn scalar(value: &RawValue) -> Option<String> {
    string(value)
        .or_else(|| value.get().parse::<i64>().ok().map(|number| number.to_string()))
        .filter(|text| !text.is_empty())
}

/// The wait that a list of Google's error details asks for: `google.rpc.RetryInfo` with a duration such as `"34.5s"`.
fn retry_delay(details: &RawValue) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Detail<'a> {
        #[serde(borrow, rename = "retryDelay")]
        retry_delay: Option<Cow<'a, str>>,
    }
    let details: Vec<Detail<'_>> = serde_json::from_str(details.get()).ok()?;
    let delay = details.into_iter().find_map(|detail| detail.retry_delay)?;
    Duration::try_from_secs_f64(delay.strip_suffix('s')?.parse().ok()?).ok()
}

/// The place in FastAPI's words, `["body","messages",0,"role"]`, as a path.
fn location(value: &RawValue) -> Option<String> {
    let steps: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
    let mut path = String::new();
    for step in steps {
        match string(step) {
            Some(name) if name == "body" && path.is_empty() => {}
            Some(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&name);
            }
            None => path.extend(["[", step.get(), "]"]),
        }
    }
    (!path.is_empty()).then_some(path)
}

/// The failure of a stream that ended, or said that it did, before the answer was complete.
pub(crate) fn broken_off() -> Failure {
    Failure::new(502, "the provider's stream broke off before the answer was complete")
}

/// The failure that stands for a 200 whose body cannot be read.
pub(crate) fn malformed(error: &ParseError) -> Failure {
    let message = match error {
        ParseError::Empty => "the provider's answer is empty".to_owned(),
        other => format!("the provider's answer is malformed: {other}"),
    };
    Failure::new(502, message).with_code("malformed_answer")
}

#[cfg(test)]
mod tests {
    use super::super::message::MAX_MESSAGE;
    use super::*;

    fn read(status: u16, body: &str) -> Failure {
        read_failure(status, body.as_bytes())
    }

    #[test]
    fn an_envelope_is_told_from_other_bodies() {
        let openai =
            br#"{"error":{"message":"no \\ model","type":"invalid_request_error","param":null,"code":null}}"#;
        let anthropic =
            br#"{"type":"error","error":{"type":"not_found_error","message":"no"},"request_id":"r"}"#;
        assert!(is_failure_of(Dialect::OpenaiChat, openai) && !is_failure_of(Dialect::Anthropic, openai));
        assert!(
            is_failure_of(Dialect::Anthropic, anthropic) && !is_failure_of(Dialect::OpenaiChat, anthropic)
        );
        for body in [&b"{\"detail\":\"Not Found\"}"[..], b"{\"error\":\"no\"}", b"", b"<html>", b"[]"] {
            assert!(!is_failure_of(Dialect::OpenaiChat, body) && !is_failure_of(Dialect::Anthropic, body));
        }
        assert!(is_failure_of(Dialect::Ollama, br#"{"error":"model 'x' not found"}"#));
        assert!(!is_failure_of(Dialect::Ollama, openai));
    }

    #[test]
    fn shapes_of_known_servers() {
        use FailureKind::{Api, Authentication, InvalidRequest, NotFound, Overloaded, RateLimit};
        for (status, body, kind, message, code, param) in [
            (
                400,
                r#"{"error":{"message":"bad","type":"invalid_request_error","param":"messages[3]","code":"invalid_value"}}"#,
                InvalidRequest,
                "bad",
                Some("invalid_value"),
                Some("messages[3]"),
            ),
            (
                404,
                r#"{"type":"error","error":{"type":"not_found_error","message":"model: x"},"request_id":"r"}"#,
                NotFound,
                "model: x",
                None,
                None,
            ),
            (
                404,
                r#"{"error":{"code":"model_not_found","message":"m","type":"invalid_request_error"}}"#,
                NotFound,
                "m",
                Some("model_not_found"),
                None,
            ),
            (
                529,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                Overloaded,
                "Overloaded",
                None,
                None,
            ),
            (500, r#"{"error":{"type":"overloaded_error","message":"o"}}"#, Overloaded, "o", None, None),
            (401, r#"{"detail":"Invalid API Key"}"#, Authentication, "Invalid API Key", None, None),
            (
                422,
                r#"{"detail":[{"loc":["body","messages",0,"role"],"msg":"field required","type":"value_error.missing"}]}"#,
                InvalidRequest,
                "field required",
                None,
                Some("messages[0].role"),
            ),
            (
                401,
                r#"{"error":{"message":"k","type":"invalid_api_key","code":401}}"#,
                Authentication,
                "k",
                None,
                None,
            ),
            (429, r#"{"message":"Too many requests"}"#, RateLimit, "Too many requests", None, None),
            (404, r#"{"error":"model 'x' not found"}"#, NotFound, "model 'x' not found", None, None),
            (
                400,
                r#"{"object":"error","message":"too long","type":"BadRequestError","param":null,"code":400}"#,
                InvalidRequest,
                "too long",
                None,
                None,
            ),
            (
                400,
                r#"[{"error":{"code":400,"message":"g","status":"INVALID_ARGUMENT"}}]"#,
                InvalidRequest,
                "g",
                None,
                None,
            ),
            (422, r#"{"message":{"detail":[{"msg":"deep"}]}}"#, InvalidRequest, "deep", None, None),
            (500, "boom", Api, "boom", None, None),
            (503, "", Overloaded, "status 503 with an empty body", None, None),
            (
                502,
                "<html><head><TITLE>502 Bad Gateway</TITLE></head><body>x</body></html>",
                Api,
                "status 502 with an HTML page: 502 Bad Gateway",
                None,
                None,
            ),
            (500, "{\"broken", Api, "{\"broken", None, None),
            (500, "{}", Api, "{}", None, None),
        ] {
            let failure = read(status, body);
            assert_eq!(
                (
                    failure.status,
                    failure.kind,
                    &*failure.message,
                    failure.code.as_deref(),
                    failure.param.as_deref()
                ),
                (status, kind, message, code, param),
                "{body}"
            );
        }
    }

    #[test]
    fn an_error_within_a_200_gets_its_own_status() {
        for (body, status) in [
            (r#"{"error":{"message":"x","type":"overloaded_error"}}"#, 529),
            (r#"{"error":{"message":"x","code":429}}"#, 429),
            (r#"{"error":{"message":"x","code":"rate_limit_exceeded"}}"#, 429),
            (r#"{"error":{"message":"x"}}"#, 502),
        ] {
            assert_eq!(read(200, body).status, status, "{body}");
        }
    }

    #[test]
    fn google_says_in_its_details_how_long_to_wait() {
        let body = r#"{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"x"}]},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.074824224s"}]}}"#;
        let failure = read(429, body);
        assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::RateLimit, "quota"));
        assert_eq!(failure.retry_after, Some(Duration::from_nanos(34_074_824_224)));
        assert_eq!(failure.retry_after_secs(), Some(35));
        for odd in [r#"[{"retryDelay":"-1s"}]"#, r#"[{"retryDelay":"soon"}]"#, r#"[{"retryDelay":3}]"#, "{}"]
        {
            let body = format!(r#"{{"error":{{"message":"m","details":{odd}}}}}"#);
            assert_eq!(read(429, &body).retry_after, None, "{odd}");
        }
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let failure = read(500, &"é".repeat(3000));
        assert!(failure.message.len() <= MAX_MESSAGE + 3 && failure.message.ends_with('…'));
    }

    #[test]
    fn keys_are_taken_out() {
        let failure = read(
            401,
            r#"{"error":{"message":"Incorrect API key: 'sk-proj-abcdefghijklmnop'. See sk-docs é"}}"#,
        );
        assert_eq!(failure.message, "Incorrect API key: '[redacted]'. See sk-docs é");
    }
}
