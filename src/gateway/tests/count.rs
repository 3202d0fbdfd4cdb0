//! Requests for a count of tokens.

use super::proxy::{Script, Seen, send};
use super::{JSON, config};
use serde_json::{Value, json};

fn count(model: &str, scripts: Vec<Script>) -> Seen {
    let mut config = config();
    config["models"]["claude"] = json!("two/claude-sonnet-4-5");
    config["models"]["claude-first"] = json!(["two/claude-sonnet-4-5", "one/model-1"]);
    config["models"]["claudes"] = json!(["two/claude-sonnet-4-5", "two/claude-opus-4-1"]);
    let body = json!({"model": model, "system": "be brief", "messages": [{"role": "user", "content": "hi"}]});
    let headers = [(":method", "POST"), (":path", "/v1/messages/count_tokens"), ("x-request-id", "r-1")];
    send(&config, &headers, body.to_string().as_bytes(), scripts)
}

fn counted(tokens: u64) -> Script {
    Script::Answer(200, JSON, vec![json!({"input_tokens": tokens}).to_string().into_bytes()])
}

fn failed(status: u16) -> Script {
    let body = br#"{"type":"error","error":{"type":"api_error","message":"no luck"}}"#;
    Script::Answer(status, JSON, vec![body.to_vec()])
}

fn tokens(seen: &Seen) -> u64 {
    assert_eq!(seen.status, 200, "{}", String::from_utf8_lossy(&seen.body));
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1);
    body["input_tokens"].as_u64().unwrap()
}

#[track_caller]
fn assert_estimated(seen: &Seen) {
    assert!((5..25).contains(&tokens(seen)), "{}", tokens(seen));
    assert_eq!(seen.headers.get("x-tollgate-usage"), Some("estimated"));
    assert_eq!(seen.audit["usage_status"], "estimated");
    assert_eq!(seen.audit["counted"], tokens(seen));
    assert_eq!(seen.audit["status"], 200);
    assert!(seen.audit.get("error").is_none() && seen.audit.get("cost_usd").is_none(), "{}", seen.audit);
}

#[test]
fn a_provider_that_counts_is_asked() {
    let seen = count("claude", vec![counted(1234)]);
    assert_eq!(tokens(&seen), 1234);
    assert_eq!(seen.upstream[0].headers.get(":path"), Some("/v1/messages/count_tokens"));
    assert_eq!(seen.headers.get("x-tollgate-usage"), Some("complete"));
    assert_eq!(seen.audit["counted"], 1234);
    assert_eq!(seen.audit["usage_status"], "complete");
    // Nothing was used, and nothing was paid.
    assert!(seen.audit.get("usage").is_none() && seen.audit.get("cost_usd").is_none(), "{}", seen.audit);
    assert!(!seen.metrics.iter().any(|(name, n)| name.starts_with("tollgate.tokens") && *n > 0));
}

#[test]
fn a_model_whose_provider_cannot_count_is_estimated_without_asking() {
    for model in ["plain", "chain", "both"] {
        let seen = count(model, vec![]);
        assert_estimated(&seen);
        assert!(seen.upstream.is_empty());
    }
}

#[test]
fn a_count_falls_back_to_the_next_that_counts_and_then_to_an_estimate() {
    let seen = count("claudes", vec![failed(529), counted(99)]);
    assert_eq!((tokens(&seen), seen.upstream.len()), (99, 2));
    for scripts in [
        vec![failed(529)],
        vec![failed(500)],
        vec![failed(404)],
        vec![failed(405)],
        vec![Script::Bare(503, ("retry-after", "1"))],
        vec![Script::Refused],
        vec![Script::Answer(200, JSON, vec![b"{}".to_vec()])],
        vec![Script::Answer(200, JSON, vec![b"not json".to_vec()])],
    ] {
        assert_estimated(&count("claude-first", scripts));
    }
}

#[test]
fn what_is_wrong_with_a_request_is_told() {
    let seen = count("claude", vec![failed(400)]);
    assert_eq!((seen.status, seen.audit.get("counted")), (400, None));
    let seen = count("nobody", vec![]);
    assert_eq!(seen.status, 404);
    let headers = [(":method", "POST"), (":path", "/v1/messages/count_tokens"), ("x-request-id", "r-1")];
    let seen = send(&config(), &headers, br#"{"model":"plain","messages":7}"#, vec![]);
    assert_eq!(seen.status, 400);
}
