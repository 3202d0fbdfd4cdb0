//! Both phases together, over scripted providers.

mod circuits;
mod count;
mod held;
mod leaving;
mod proxy;
mod quotas;
mod routing;
mod rules;
mod uncounted;

use proptest::prelude::*;
use proxy::{Script, Seen, send};
use serde_json::{Value, json};

const JSON: &str = "application/json";
const SSE: &str = "text/event-stream";

fn config() -> Value {
    json!({
        "providers": {
            "one": {"base_url": "https://one.example/v1", "dialect": "openai_chat", "api_key_env": "ONE"},
            "two": {"base_url": "https://two.example", "preset": "anthropic", "api_key_env": "TWO"},
        },
        "models": {
            "plain": "one/model-1",
            "chain": ["one/model-1", "two/claude-sonnet-4-5"],
            "again": {"targets": ["one/model-1"], "retries": 2, "backoff": {"base": "1s", "max": "8s"}},
            "both": {"targets": ["one/model-1", "two/claude-sonnet-4-5"], "retries": 3},
            "soon": [{"provider": "one", "model": "model-1", "timeout": "2s"}, "two/claude-sonnet-4-5"],
            "late": ["two/claude-sonnet-4-5", {"provider": "one", "model": "model-1", "timeout": "2s"}],
        },
    })
}

fn chat(model: &str, stream: bool) -> Vec<u8> {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
        .to_string()
        .into_bytes()
}

fn ask(model: &str, stream: bool, scripts: Vec<Script>) -> Seen {
    let headers = [
        (":method", "POST"),
        (":path", "/v1/chat/completions"),
        (":authority", "gateway"),
        ("x-request-id", "r-1"),
        ("authorization", "Bearer the-clients-own"),
        ("cookie", "private"),
    ];
    send(&config(), &headers, &chat(model, stream), scripts)
}

fn good() -> Script {
    Script::Answer(200, JSON, vec![openai_answer("hello")])
}

fn openai_answer(text: &str) -> Vec<u8> {
    json!({
        "id": "c", "object": "chat.completion", "created": 1, "model": "model-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    })
    .to_string()
    .into_bytes()
}

fn anthropic_answer() -> Script {
    let body = json!({
        "id": "m", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": "hello"}], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 5, "output_tokens": 2}
    });
    Script::Answer(200, JSON, vec![body.to_string().into_bytes()])
}

fn failed(status: u16) -> Script {
    Script::Answer(
        status,
        JSON,
        vec![br#"{"error":{"message":"no capacity","type":"server_error"}}"#.to_vec()],
    )
}

fn body(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.body).unwrap()
}

#[test]
fn an_answer_passes_unchanged_and_is_counted() {
    let seen = ask("plain", false, vec![good()]);
    assert_eq!((seen.status, &seen.body), (200, &openai_answer("hello")));
    assert_eq!(seen.headers.get("x-tollgate-provider"), Some("one"));
    assert_eq!(seen.audit["usage"], json!({"input": 5, "output": 2}));
    assert_eq!(seen.audit["usage_status"], "complete");
    assert_eq!(seen.metrics["tollgate.requests;model=plain;provider=one;status=200;"], 1);
    assert_eq!(seen.metrics["tollgate.tokens;model=plain;provider=one;class=input;"], 5);
}

#[test]
fn an_answer_without_an_id_is_named_after_its_request() {
    let answer = json!({"type": "message", "role": "assistant", "model": "c", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "hello"}], "usage": {"input_tokens": 5, "output_tokens": 2}});
    let answer = Script::Answer(200, JSON, vec![answer.to_string().into_bytes()]);
    assert_eq!(body(&ask("late", false, vec![answer]))["id"], "chatcmpl-r1");
}

#[test]
fn nothing_of_the_client_or_another_provider_reaches_a_provider() {
    let seen = ask("chain", false, vec![failed(503), anthropic_answer()]);
    let [one, two] = seen.upstream.as_slice() else { panic!("two tries: {:?}", seen.upstream) };
    let names = |got: &proxy::Got| got.headers.0.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
    assert_eq!(one.headers.get("authorization"), Some("Bearer key-of-ONE"));
    assert_eq!(one.headers.get(":path"), Some("/v1/chat/completions"));
    assert_eq!(two.headers.get("x-api-key"), Some("key-of-TWO"));
    assert_eq!(two.headers.get(":path"), Some("/v1/messages"));
    assert_eq!(two.headers.get(":authority"), Some("two.example"));
    for got in [one, two] {
        assert!(
            !names(got).iter().any(|n| n == "cookie" || n.starts_with("x-") && n != "x-api-key"),
            "{:?}",
            names(got)
        );
    }
    assert!(!names(two).contains(&"authorization".to_owned()));
}

#[test]
fn what_is_worth_another_try_falls_back() {
    for script in [
        failed(408),
        failed(409),
        failed(429),
        failed(500),
        failed(529),
        Script::Bare(503, ("retry-after", "1")),
        Script::Refused,
        Script::Answer(200, JSON, vec![b"".to_vec()]),
        Script::Answer(200, JSON, vec![b"{\"choices\":[".to_vec()]),
        Script::Answer(200, JSON, vec![b"{\"error\":{\"message\":\"oops\"}}".to_vec()]),
        Script::Answer(200, "text/html", vec![b"<html>".to_vec()]),
        Script::Answer(302, "text/html", vec![b"moved".to_vec()]),
    ] {
        let seen = ask("chain", false, vec![script, anthropic_answer()]);
        assert_eq!(seen.status, 200);
        assert_eq!(body(&seen)["choices"][0]["message"]["content"], "hello");
        assert_eq!(seen.audit["attempts"].as_array().unwrap().len(), 2);
        assert_eq!(seen.metrics["tollgate.fallbacks;model=chain;provider=two;"], 1);
    }
}

#[test]
fn other_refusals_are_the_clients() {
    for status in [400, 401, 403, 404, 413, 422] {
        let seen = ask("chain", false, vec![failed(status)]);
        assert_eq!((seen.status, seen.upstream.len()), (status, 1));
        assert_eq!(body(&seen)["error"]["message"], "no capacity");
    }
}

#[test]
fn an_exhausted_chain_tells_of_every_try() {
    let seen = ask("chain", false, vec![failed(500), failed(529)]);
    assert_eq!(seen.status, 529);
    let attempts = &body(&seen)["error"]["attempts"];
    assert_eq!((&attempts[0]["provider"], &attempts[0]["status"]), (&json!("one"), &json!(500)));
    assert_eq!((&attempts[1]["provider"], &attempts[1]["status"]), (&json!("two"), &json!(529)));
    let seen = ask("chain", false, vec![failed(500), Script::Refused]);
    assert_eq!(seen.status, 503);
    assert_eq!(body(&seen)["error"]["attempts"][1]["status"], Value::Null);
}

#[test]
fn tries_at_the_same_target_wait_longer_each_time() {
    let seen = ask("again", false, vec![failed(503), failed(503), good()]);
    let [first, second] = seen.pauses.as_slice() else { panic!("two pauses: {:?}", seen.pauses) };
    assert!((500..=1000).contains(first) && (1000..=2000).contains(second), "{first} {second}");
    assert_eq!(seen.status, 200);
}

#[test]
fn a_target_that_asks_for_too_long_is_left_and_its_status_kept() {
    let seen = ask("both", false, vec![Script::Bare(429, ("retry-after", "3600")), anthropic_answer()]);
    assert_eq!((seen.status, seen.upstream.len(), seen.pauses.len()), (200, 2, 0));
    let scripts = vec![
        Script::Answer(429, JSON, vec![b"{}".to_vec()]),
        Script::Refused,
        Script::Refused,
        Script::Refused,
        failed(503),
        failed(503),
        failed(503),
        failed(503),
    ];
    let seen = ask("both", false, scripts);
    assert_eq!((seen.status, seen.upstream.len()), (503, 8));
}

#[test]
fn what_the_proxy_says_in_a_providers_place_is_no_answer() {
    let passed = || Script::Bare(504, ("x-tollgate-unanswered", "UT response_timeout"));
    let broken = "UC upstream_reset_before_response_started{connection_termination}";
    let broken = || Script::Bare(503, ("x-tollgate-unanswered", broken));
    for (script, why) in [
        (passed(), "The provider did not answer within 2000 ms."),
        (
            broken(),
            "The provider `one` could not be reached: upstream reset before response started{connection termination}.",
        ),
    ] {
        let seen = ask("soon", false, vec![script, anthropic_answer()]);
        assert_eq!((seen.status, seen.upstream.len()), (200, 2));
        let limit =
            |number: usize| seen.upstream[number].headers.get("x-tollgate-time-limit").map(ToOwned::to_owned);
        assert_eq!((limit(0).as_deref(), limit(1)), (Some("one/2000"), None));
        let attempt = &seen.audit["attempts"][0];
        assert_eq!((&attempt["status"], &attempt["reason"]), (&Value::Null, &json!(why)));
    }
    let seen = ask("late", false, vec![failed(500), passed()]);
    assert_eq!((seen.status, &body(&seen)["error"]["attempts"][1]["status"]), (504, &Value::Null));
    // Nobody else can say so.
    let seen = ask("chain", false, vec![passed(), anthropic_answer()]);
    assert_eq!(seen.audit["attempts"][0]["status"], 504);
}

fn events(text: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    let chunk = |delta: Value, finish: Value| {
        let c = json!({"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":delta,"finish_reason":finish}]});
        format!("data: {c}\n\n").into_bytes()
    };
    out.extend(chunk(json!({"role":"assistant","content":""}), Value::Null));
    for t in text {
        out.extend(chunk(json!({"content": t}), Value::Null));
    }
    out.extend(chunk(json!({}), json!("stop")));
    let usage = json!({"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}});
    out.extend(format!("data: {usage}\n\ndata: [DONE]\n\n").into_bytes());
    out
}

fn cut_at(bytes: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<usize> = cuts.iter().map(|c| c % (bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let mut pieces = Vec::new();
    let mut start = 0;
    for cut in cuts.into_iter().chain([bytes.len()]) {
        pieces.push(bytes[start..cut].to_vec());
        start = cut;
    }
    pieces
}

proptest! {
    #[test]
    fn a_stream_is_the_same_however_it_is_cut(cuts in prop::collection::vec(any::<usize>(), 0..12), messages: bool) {
        let stream = events(&["Zürich ", "is \u{1F600}", " fine"]);
        let run = |pieces| {
            if messages {
                let body = json!({"model":"plain","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"hi"}]});
                let headers = [(":method", "POST"), (":path", "/v1/messages"), ("x-request-id", "r")];
                send(&config(), &headers, body.to_string().as_bytes(), vec![Script::Answer(200, SSE, pieces)])
            } else {
                ask("plain", true, vec![Script::Answer(200, SSE, pieces)])
            }
        };
        let (whole, cut) = (run(vec![stream.clone()]), run(cut_at(&stream, &cuts)));
        prop_assert_eq!(whole.status, 200);
        prop_assert_eq!(String::from_utf8(cut.body).unwrap(), String::from_utf8(whole.body).unwrap());
        prop_assert_eq!(&cut.audit["usage"], &json!({"input": 9, "output": 3}));
        prop_assert_eq!(&cut.audit["usage_status"], "complete");
    }
}

#[test]
fn an_error_event_before_content_falls_back_and_after_it_does_not() {
    let error = b"data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n".to_vec();
    let one = events(&["x"]);
    let first = one.split_inclusive(|b| *b == b'\n').next().unwrap().to_vec();
    let before = Script::Answer(200, SSE, vec![first, b"\n".to_vec(), error.clone()]);
    let seen = ask("chain", true, vec![before, anthropic_answer()]);
    assert_eq!((seen.status, seen.upstream.len()), (200, 2));
    assert!(String::from_utf8_lossy(&seen.body).contains("hello"), "a whole answer becomes a stream");
    let ends: Vec<usize> = (0..one.len()).filter(|i| one[..*i].ends_with(b"\n\n")).collect();
    let after = Script::Answer(200, SSE, vec![one[..ends[1]].to_vec(), error]);
    let seen = ask("chain", true, vec![after]);
    let text = String::from_utf8_lossy(&seen.body).into_owned();
    assert!(seen.status == 200 && text.contains("overloaded") && !text.contains("[DONE]"), "{text}");
    assert_eq!(seen.audit["error"]["message"], "overloaded");
    assert_eq!(seen.audit["usage_status"], "partial");
}

#[test]
fn a_packed_answer_is_no_answer() {
    let packed = |status: u16| {
        Script::With(status, vec![("content-encoding", "gzip".to_owned())], vec![0x1f, 0x8b, 8, 0])
    };
    let seen = ask("chain", false, vec![packed(200), anthropic_answer()]);
    assert_eq!((seen.status, seen.upstream.len()), (200, 2));
    for (status, shown) in [(200, 502), (400, 400), (503, 503)] {
        let seen = ask("plain", false, vec![packed(status)]);
        assert_eq!((seen.status, seen.headers.get("content-encoding")), (shown, None));
        let message = body(&seen)["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("packed (`gzip`)"), "{message}");
    }
}
