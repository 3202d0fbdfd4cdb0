//! Streams, both ways.

use super::*;
use crate::chat::Event;
use crate::dialect::Dialect;
use crate::dialect::lane::{AnswerPlan, Pass, Progress, Stream};
use serde_json::{Value, json};

const TOOLS: &str = concat!(
    r#"{"model":"q","created_at":"2026-08-07T06:08:23.577476Z","message":{"role":"assistant","content":"","thinking":"h"},"done":false}"#,
    "\n",
    r#"{"model":"q","created_at":"2026-08-07T06:08:23.6Z","message":{"role":"assistant","content":"","thinking":"m é"},"done":false}"#,
    "\r\n\n",
    r#"{"model":"q","created_at":"2026-08-07T06:08:23.7Z","message":{"role":"assistant","content":"hi"},"done":false}"#,
    "\n",
    r#"{"model":"q","created_at":"2026-08-07T06:08:23.8Z","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}},{"function":{"name":"f","arguments":{}}}]},"done":false}"#,
    "\n",
    r#"{"model":"q","created_at":"2026-08-07T06:08:23.9Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":9,"prompt_eval_count":7,"eval_count":3}"#,
);

fn through(client: Dialect, provider: Dialect, chunks: &[&[u8]]) -> (String, Stream) {
    let plan = AnswerPlan { created: 60, ..AnswerPlan::new(client, provider, true, true) };
    let mut stream = Stream::new(&plan);
    let mut out = Vec::new();
    for chunk in chunks {
        if stream.push(chunk, &mut out) == Pass::AsIs {
            out.extend_from_slice(chunk);
        }
    }
    stream.end(&mut out);
    (String::from_utf8(out).unwrap(), stream)
}

fn events(text: &str) -> Vec<String> {
    let mut decoder = StreamDecoder::new();
    let mut seen = Vec::new();
    let mut sink = |event: Event<'_>| seen.push(format!("{event:?}"));
    decoder.push(text.as_bytes(), &mut sink);
    decoder.end(&mut sink);
    seen
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn calls_come_before_the_end_and_decide_the_reason() {
    let (text, stream) = through(Dialect::OpenaiChat, Dialect::Ollama, &[TOOLS.as_bytes()]);
    assert_eq!(stream.progress(), Progress::Finished);
    assert_eq!(stream.report().finish, Some("tool_calls"));
    assert_eq!((stream.report().usage.input, stream.report().usage.output), (Some(7), Some(3)));
    let chunks: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let calls: Vec<&Value> = chunks
        .iter()
        .flat_map(|chunk| chunk["choices"].as_array().unwrap())
        .filter_map(|choice| choice["delta"]["tool_calls"].get(0))
        .filter(|call| call["id"].is_string())
        .collect();
    assert_eq!((&calls[0]["index"], &calls[1]["index"]), (&json!(0), &json!(1)));
    assert_ne!(calls[0]["id"], calls[1]["id"]);
    assert!(chunks.iter().any(|chunk| chunk["choices"][0]["finish_reason"] == "tool_calls"));
}

#[test]
fn any_split_gives_the_same() {
    let whole = through(Dialect::Anthropic, Dialect::Ollama, &[TOOLS.as_bytes()]).0;
    for at in 0..TOOLS.len() {
        let (head, tail) = TOOLS.as_bytes().split_at(at);
        assert_eq!(through(Dialect::Anthropic, Dialect::Ollama, &[head, tail]).0, whole, "{at}");
    }
    let bytes: Vec<&[u8]> = TOOLS.as_bytes().chunks(1).collect();
    assert_eq!(through(Dialect::Anthropic, Dialect::Ollama, &bytes).0, whole);
}

#[test]
fn an_error_line_is_an_error_and_no_end() {
    let text = format!("{}\n{{\"error\":\"boom\"}}\n", TOOLS.lines().next().unwrap());
    let seen = events(&text);
    assert!(seen.last().unwrap().contains("boom"), "{seen:?}");
    let (out, stream) =
        through(Dialect::Ollama, Dialect::OpenaiChat, &[b"data: {\"error\":{\"message\":\"boom\"}}\n\n"]);
    assert_eq!((out.as_str(), stream.progress()), ("{\"error\":\"boom\"}\n", Progress::Failed));
}

#[test]
fn a_line_that_is_no_json_is_an_error() {
    assert!(events("<html>\n")[0].contains("malformed"));
}

#[test]
fn a_client_gets_whole_calls_and_one_end() {
    let stream = [
        r#"{"id":"c","object":"chat.completion.chunk","created":5,"model":"gpt","choices":[{"index":0,"delta":{"role":"assistant","content":"a\n"},"finish_reason":null}]}"#,
        r#"{"id":"c","object":"chat.completion.chunk","created":5,"model":"gpt","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":""}}]},"finish_reason":null}]}"#,
        r#"{"id":"c","object":"chat.completion.chunk","created":5,"model":"gpt","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":"}}]},"finish_reason":null}]}"#,
        r#"{"id":"c","object":"chat.completion.chunk","created":5,"model":"gpt","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\n1}"}}]},"finish_reason":null}]}"#,
        r#"{"id":"c","object":"chat.completion.chunk","created":5,"model":"gpt","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
        r#"{"id":"c","object":"chat.completion.chunk","created":5,"model":"gpt","choices":[],"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6}}"#,
        "[DONE]",
    ]
    .map(|data| format!("data: {data}\n\n"))
    .concat();
    let said = |client| lines(&through(client, Dialect::OpenaiChat, &[stream.as_bytes()]).0);
    let head = |rest: Value| {
        let mut line = json!({"model": "gpt", "created_at": "1970-01-01T00:00:05Z"});
        line.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        line
    };
    let message = |rest: Value| {
        let mut message = json!({"role": "assistant", "content": ""});
        message.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        message
    };
    assert_eq!(
        said(Dialect::Ollama),
        [
            head(json!({"message": message(json!({"content": "a\n"})), "done": false})),
            head(json!({"message": message(json!({"tool_calls": [{"id": "c1", "function": {"name": "f",
                "arguments": {"x": 1}}}]})), "done": false})),
            head(
                json!({"message": message(json!({})), "done": true, "done_reason": "stop", "prompt_eval_count": 4,
                "eval_count": 2})
            ),
        ]
    );
    let generate = said(Dialect::OllamaGenerate);
    assert_eq!(generate[0], head(json!({"response": "a\n", "done": false})));
    assert_eq!(generate.len(), 2);
}
