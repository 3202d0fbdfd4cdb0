//! What a client of each dialect sends: its maker's Python SDK's headers and order of fields, around the same prompt.

use crate::client::{conversation, json};
use crate::exchange::{CLIENT_KEY, Marker, Template};

/// Bytes of the prompt's text.
pub(super) const TEXT_BYTES: usize = 1024;

/// How a dialect asks.
#[derive(Debug)]
pub(super) struct Client {
    /// The dialect's name.
    pub(super) name: &'static str,
    /// Paths of a whole answer and of a stream, with `{model}` where the model stands there.
    paths: [&'static str; 2],
    /// Header that carries the key, up to the key.
    key: &'static str,
    /// What else its SDK says, each line with its end.
    headers: &'static str,
    /// The body.
    body: fn(&Words<'_>) -> String,
    /// What only a stream that ended properly holds.
    pub(super) last_words: &'static str,
}

/// What a body is made of: JSON strings, quotes included.
struct Words<'a> {
    model: &'a str,
    system: &'a str,
    user: &'a str,
    stream: bool,
}

impl Client {
    /// The client of a dialect, where there is one.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        CLIENTS.iter().find(|client| client.name == name)
    }

    /// The request for a model, to be stamped with a number each time.
    pub(super) fn request(&self, model: &str, stream: bool) -> Template {
        let (system, turns) = conversation(TEXT_BYTES);
        let user = turns.concat();
        let (system, user) = (json(&system), json(&user));
        let body = (self.body)(&Words { model: &json(model), system: &system, user: &user, stream });
        let [whole, streamed] = self.paths;
        let path = if stream { streamed } else { whole }.replace("{model}", model);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: gateway.test\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n\
             Content-Type: application/json\r\n{}{}{CLIENT_KEY}\r\nContent-Length: {}\r\n\r\n",
            self.headers,
            self.key,
            body.len()
        );
        Template::new((head + &body).into_bytes())
    }
}

/// Whether the prompt arrived whole in a provider's request: its start, and no less text than was sent.
pub(super) fn prompt_arrived(body: &[u8]) -> bool {
    let marker = memchr::memmem::find(body, b"[load ").and_then(|start| body.get(start..));
    let marker = marker.and_then(|bytes| std::str::from_utf8(bytes.get(..Marker::LENGTH)?).ok());
    marker
        .and_then(Marker::read)
        .is_some_and(|marker| marker.text_bytes == TEXT_BYTES && body.len() > TEXT_BYTES)
}

const OPENAI_SDK: &str = "Accept: application/json\r\nUser-Agent: OpenAI/Python 2.8.1\r\nX-Stainless-Lang: python\r\n\
    X-Stainless-Package-Version: 2.8.1\r\nX-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\n\
    X-Stainless-Runtime: CPython\r\nX-Stainless-Runtime-Version: 3.13.5\r\nX-Stainless-Async: async:asyncio\r\n\
    x-stainless-retry-count: 0\r\nx-stainless-read-timeout: 600\r\n";

const ANTHROPIC_SDK: &str = "Accept: application/json\r\nUser-Agent: Anthropic/Python 0.75.0\r\n\
    X-Stainless-Lang: python\r\nX-Stainless-Package-Version: 0.75.0\r\nX-Stainless-OS: Linux\r\n\
    X-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\nX-Stainless-Runtime-Version: 3.13.5\r\n\
    X-Stainless-Async: async:asyncio\r\nanthropic-version: 2023-06-01\r\nx-stainless-retry-count: 0\r\n\
    x-stainless-read-timeout: 600\r\n";

const CLIENTS: &[Client] = &[
    Client {
        name: "openai_chat",
        paths: ["/v1/chat/completions"; 2],
        key: "Authorization: Bearer ",
        headers: OPENAI_SDK,
        body: |words| {
            let Words { model, system, user, .. } = words;
            format!(
                r#"{{"messages":[{{"role":"system","content":{system}}},{{"role":"user","content":{user}}}],"model":{model}{},"temperature":0.2}}"#,
                words.stream()
            )
        },
        last_words: "data: [DONE]",
    },
    Client {
        name: "anthropic",
        paths: ["/v1/messages"; 2],
        key: "X-Api-Key: ",
        headers: ANTHROPIC_SDK,
        body: |words| {
            let Words { model, system, user, .. } = words;
            format!(
                r#"{{"max_tokens":1024,"messages":[{{"role":"user","content":{user}}}],"model":{model},"system":{system}{},"temperature":0.2}}"#,
                words.stream()
            )
        },
        last_words: "\"message_stop\"",
    },
    Client {
        name: "openai_responses",
        paths: ["/v1/responses"; 2],
        key: "Authorization: Bearer ",
        headers: OPENAI_SDK,
        body: |words| {
            let Words { model, system, user, .. } = words;
            format!(
                r#"{{"input":[{{"role":"user","content":{user}}}],"instructions":{system},"model":{model}{},"temperature":0.2}}"#,
                words.stream()
            )
        },
        last_words: "\"response.completed\"",
    },
    Client {
        name: "gemini",
        paths: [
            "/v1beta/models/{model}:generateContent",
            "/v1beta/models/{model}:streamGenerateContent?alt=sse",
        ],
        key: "x-goog-api-key: ",
        headers: "Accept: */*\r\nUser-Agent: google-genai-sdk/1.52.0 gl-python/3.13.5\r\n\
            x-goog-api-client: google-genai-sdk/1.52.0 gl-python/3.13.5\r\n",
        body: |words| {
            let Words { system, user, .. } = words;
            format!(
                r#"{{"contents":[{{"parts":[{{"text":{user}}}],"role":"user"}}],"systemInstruction":{{"parts":[{{"text":{system}}}],"role":"user"}},"generationConfig":{{"temperature":0.2}}}}"#
            )
        },
        last_words: "\"finishReason\":\"STOP\"",
    },
    Client {
        name: "cohere",
        paths: ["/v2/chat"; 2],
        key: "Authorization: Bearer ",
        headers: "Accept: */*\r\nUser-Agent: cohere/5.20.0\r\nX-Fern-Language: Python\r\nX-Fern-SDK-Name: cohere\r\n\
            X-Fern-SDK-Version: 5.20.0\r\nX-Fern-Runtime: python/3.13.5\r\nX-Fern-Platform: linux/6.8.0\r\n",
        body: |words| {
            let Words { model, system, user, stream } = words;
            format!(
                r#"{{"model":{model},"messages":[{{"role":"system","content":{system}}},{{"role":"user","content":{user}}}],"temperature":0.2,"stream":{stream}}}"#
            )
        },
        last_words: "\"message-end\"",
    },
    Client {
        name: "bedrock",
        paths: ["/model/{model}/converse", "/model/{model}/converse-stream"],
        key: "Authorization: Bearer ",
        headers: "User-Agent: Boto3/1.41.5 md/Botocore#1.41.5 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.5 \
            md/pyimpl#CPython cfg/retry-mode#legacy\r\namz-sdk-invocation-id: 3f6f0f5c-5a7b-4b0e-9a59-4b1f6f1d2c3e\r\n\
            amz-sdk-request: attempt=1\r\n",
        body: |words| {
            let Words { system, user, .. } = words;
            format!(
                r#"{{"messages":[{{"role":"user","content":[{{"text":{user}}}]}}],"system":[{{"text":{system}}}],"inferenceConfig":{{"temperature":0.2}}}}"#
            )
        },
        last_words: "\"stopReason\":\"end_turn\"",
    },
    Client {
        name: "ollama",
        paths: ["/api/chat"; 2],
        key: "Authorization: Bearer ",
        headers: "Accept: application/json\r\nUser-Agent: ollama-python/0.6.1 (x86_64 linux) Python/3.13.5\r\n",
        body: |words| {
            let Words { model, system, user, stream } = words;
            format!(
                r#"{{"model":{model},"messages":[{{"role":"system","content":{system}}},{{"role":"user","content":{user}}}],"tools":[],"stream":{stream},"options":{{"temperature":0.2}}}}"#
            )
        },
        last_words: "\"done\":true",
    },
];

impl Words<'_> {
    /// The field of dialects that leave it out where no stream is wanted.
    fn stream(&self) -> &'static str {
        if self.stream { ",\"stream\":true" } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_json_with_the_whole_prompt() {
        for client in CLIENTS {
            for stream in [false, true] {
                let mut bytes = Vec::new();
                client.request("m", stream).stamp(7, &mut bytes);
                let start = memchr::memmem::find(&bytes, b"\r\n\r\n").unwrap() + 4;
                let body = &bytes[start..];
                assert!(prompt_arrived(body), "{}", client.name);
                assert!(!prompt_arrived(&body[..body.len() / 2]), "{}", client.name);
                let body: serde_json::Value = serde_json::from_slice(body).unwrap();
                let in_path = client.paths[0].contains("{model}");
                assert_eq!(body.get("model").is_none(), in_path, "{}", client.name);
                assert_eq!(client.paths[0] != client.paths[1], in_path, "{}", client.name);
                assert_eq!(body.get("stream").is_some_and(|value| value == true), stream && !in_path);
            }
        }
    }
}
