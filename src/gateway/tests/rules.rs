//! Rules, chains for a reason, and contexts that are too small.

use super::proxy::{Gateway, Script, Seen};
use super::{JSON, SSE, anthropic_answer, body, config, events, failed, good};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;

fn gateway(more: &Value) -> Gateway {
    let mut config = config();
    for (name, value) in more.as_object().unwrap() {
        if name == "models" {
            config["models"].as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        } else {
            config[name] = value.clone();
        }
    }
    Gateway::new(&config, 1)
}

fn ask(gateway: &Gateway, headers: &[(&str, &str)], request: &Value, scripts: Vec<Script>) -> Seen {
    let mut all = vec![(":method", "POST"), (":path", "/v1/chat/completions"), ("x-request-id", "r-1")];
    all.extend_from_slice(headers);
    let mut asked = json!({"model": "plain", "messages": [{"role": "user", "content": "hi"}]});
    asked.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
    gateway.send(0, &all, asked.to_string().as_bytes(), scripts)
}

fn refused(message: &str, code: &str) -> Script {
    let body = json!({"error": {"message": message, "type": "invalid_request_error", "code": code}});
    Script::Answer(400, JSON, vec![body.to_string().into_bytes()])
}

fn too_long() -> Script {
    refused("This model's maximum context length is 8192 tokens.", "context_length_exceeded")
}

fn sha256(key: &str) -> String {
    Sha256::digest(key.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

#[test]
fn agents_tiers_and_features_lead_to_their_models() {
    let gateway = gateway(&json!({
        "identity": {"headers": {"agent": "x-agent-type"}},
        "keys": [
            {"id": "gold", "sha256": sha256("gold"), "metadata": {"tier": "gold"}},
            {"id": "plain", "sha256": sha256("plain")}
        ],
        "models": {"coding": "one/coder", "long": "one/long", "big": "one/big", "seeing": "one/seeing",
                   "small": "one/small"},
        "rules": [
            {"name": "coders", "when": "agent == 'coder'", "model": "coding"},
            {"name": "pictures", "when": "images", "model": "seeing"},
            {"when": "tokens > 2000", "model": "long"},
            {"name": "gold", "when": "has(key.metadata.tier) && key.metadata.tier == 'gold'", "model": "big"},
            {"name": "haiku", "when": "model.contains('haiku')", "model": "small"}
        ]
    }));
    let picture = json!({"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}]}]});
    let long = json!({"messages": [{"role": "user", "content": "word ".repeat(5000)}]});
    let (gold, plain) = (("authorization", "Bearer gold"), ("authorization", "Bearer plain"));
    for (headers, request, model, rule) in [
        (vec![plain, ("x-agent-type", "coder")], json!({}), "coder", Some("coders")),
        (vec![plain], picture, "seeing", Some("pictures")),
        (vec![plain], long, "long", Some("rules[2]")),
        (vec![gold], json!({}), "big", Some("gold")),
        (vec![plain], json!({"model": "claude-3-5-haiku"}), "small", Some("haiku")),
        (vec![plain], json!({}), "model-1", None),
    ] {
        let seen = ask(&gateway, &headers, &request, vec![good()]);
        assert_eq!((seen.status, seen.headers.get("x-tollgate-model")), (200, Some(model)));
        assert_eq!(seen.audit["routed_by"].get("rule").and_then(Value::as_str), rule);
        if let Some(rule) = rule {
            let counted = |name: &&String| name.starts_with("tollgate.routed;") && name.contains(rule);
            assert!(seen.metrics.keys().any(|name| counted(&name)), "{:?}", seen.metrics);
        }
    }
}

#[test]
fn the_default_tag_of_ollamas_clients_means_nothing_and_opens_nothing() {
    let gateway = gateway(&json!({
        "models": {"open": {"targets": ["one/open"], "aliases": ["public"]}, "tagged:latest": "one/tagged"},
        "keys": [
            {"id": "all", "sha256": sha256("all")},
            {"id": "alias", "sha256": sha256("alias"), "models": ["public"]},
            {"id": "pattern", "sha256": sha256("pattern"), "models": ["*:latest"]}
        ]
    }));
    for (key, asked, expected) in [
        ("Bearer all", "plain:latest", Ok("model-1")),
        ("Bearer all", "tagged:latest", Ok("tagged")),
        ("Bearer all", "tagged", Err(404)),
        ("Bearer all", "plain:latest:latest", Err(404)),
        ("Bearer alias", "public:latest", Ok("open")),
        ("Bearer alias", "open:latest", Err(403)),
        ("Bearer pattern", "tagged:latest", Ok("tagged")),
        ("Bearer pattern", "plain:latest", Err(403)),
    ] {
        let seen = ask(&gateway, &[("authorization", key)], &json!({"model": asked}), vec![good()]);
        let got = if seen.status == 200 {
            Ok(seen.headers.get("x-tollgate-model").unwrap())
        } else {
            Err(seen.status)
        };
        assert_eq!(got, expected, "{key} {asked}");
    }
}

#[test]
fn what_a_target_cannot_take_goes_to_the_next_one() {
    let claude = json!({"targets": ["two/claude-sonnet-4-5"]});
    let gateway = gateway(&json!({"models": {
        "claude-first": ["two/claude-sonnet-4-5", "two/claude-haiku-4-5", "one/model-1"],
        "claude-last": ["one/model-1", "two/claude-sonnet-4-5"],
        "claude-between": ["one/model-1", "two/claude-sonnet-4-5", "two/claude-haiku-4-5", "one/model-2"],
        "claude": claude,
        "deaf": {"targets": ["two/claude-sonnet-4-5"], "drop_content": true},
        "strict": {"targets": ["two/claude-sonnet-4-5", "one/model-1"], "drop_params": false},
    }}));
    let spoken = |model: &str| {
        json!({"model": model, "messages": [{"role": "user", "content": [
            {"type": "text", "text": "what is said?"},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]}]})
    };
    let seen = ask(&gateway, &[], &spoken("claude-first"), vec![good()]);
    assert_eq!((seen.status, seen.headers.get("x-tollgate-model")), (200, Some("model-1")));
    let reasons = |seen: &Seen| {
        let attempts = seen.audit["attempts"].as_array().unwrap();
        attempts.iter().map(|note| note["reason"].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>()
    };
    let why = "messages[0].content[1]: audio is not supported by Anthropic";
    assert_eq!(reasons(&seen), [format!("skipped: {why}"), format!("skipped: {why}"), String::new()]);

    // Nobody can: a 400 that names the place.
    let seen = ask(&gateway, &[], &spoken("claude"), vec![]);
    assert_eq!((seen.status, &body(&seen)["error"]["param"]), (400, &json!("messages[0].content[1]")));
    assert_eq!(body(&seen)["error"]["message"], why);

    // Somebody could and failed: what he said counts.
    let seen = ask(&gateway, &[], &spoken("claude-last"), vec![failed(503)]);
    assert_eq!(seen.status, 503, "{}", body(&seen));
    assert_eq!(body(&seen)["error"]["attempts"][0]["reason"], format!("skipped: {why}"));

    // The router goes on by itself where nothing came back, and finds who can.
    let seen = ask(&gateway, &[], &spoken("claude-between"), vec![Script::Refused, good()]);
    assert_eq!((seen.status, seen.headers.get("x-tollgate-model")), (200, Some("model-2")));
    let told = reasons(&seen);
    assert_eq!((told.len(), &told[0], &told[3]), (4, &format!("skipped: {why}"), &String::new()));
    let seen = ask(&gateway, &[], &spoken("claude-between"), vec![failed(503), good()]);
    assert_eq!((seen.status, reasons(&seen).len()), (200, 4));
    let seen = ask(&gateway, &[], &spoken("claude-between"), vec![good()]);
    assert_eq!(reasons(&seen), [""]);
    let seen = ask(&gateway, &[], &spoken("claude-between"), vec![failed(400)]);
    assert_eq!((seen.status, reasons(&seen).len()), (400, 1));

    // Unless the configuration has it otherwise.
    let seen = ask(&gateway, &[], &spoken("deaf"), vec![anthropic_answer()]);
    assert_eq!(seen.status, 200);
    assert!(seen.headers.get("x-tollgate-warnings").unwrap().contains("audio"), "{:?}", seen.headers);

    // Fields are as content, where they must not be dropped.
    let seen = ask(&gateway, &[], &json!({"model": "strict", "seed": 7}), vec![good()]);
    assert_eq!((seen.status, seen.headers.get("x-tollgate-model")), (200, Some("model-1")));
}

#[test]
fn a_rule_that_cannot_be_decided_is_passed_over_and_counted() {
    let gateway = gateway(&json!({
        "models": {"other": "one/other"},
        "rules": [
            {"name": "bad", "when": "headers['x-none'] == 'a'", "model": "plain"},
            {"name": "good", "when": "headers['x-some'] == 'a'", "model": "other"}
        ]
    }));
    let seen = ask(&gateway, &[("x-some", "a")], &json!({}), vec![good()]);
    assert_eq!(seen.headers.get("x-tollgate-model"), Some("other"));
    assert_eq!(seen.metrics["tollgate.rule_errors;class=bad;"], 1);
}

#[test]
fn too_long_for_the_model_goes_to_the_chain_for_that() {
    let gateway = gateway(&json!({"models": {"short": {
        "targets": ["one/model-1", "one/model-2"],
        "fallbacks": {"context_window": ["two/claude-sonnet-4-5"]}
    }}}));
    let short = json!({"model": "short"});
    let seen = ask(&gateway, &[], &short, vec![too_long(), anthropic_answer()]);
    assert_eq!((seen.status, seen.upstream.len()), (200, 2), "not to the rest of the chain");
    assert_eq!(seen.headers.get("x-tollgate-provider"), Some("two"));
    assert_eq!(seen.audit["routed_by"], json!({"fallback": "context_window"}));
    assert_eq!(
        ask(&gateway, &[], &short, vec![failed(503), good()]).status,
        200,
        "other failures go along it"
    );
    let seen = ask(&gateway, &[], &short, vec![too_long(), failed(500)]);
    assert_eq!((seen.status, seen.upstream.len()), (500, 2));
    let seen = ask(&gateway, &[], &short, vec![refused("messages: at least one is needed", "")]);
    assert_eq!((seen.status, seen.upstream.len()), (400, 1), "what is simply wrong is the client's to see");
    let seen = ask(&gateway, &[], &json!({}), vec![too_long()]);
    assert_eq!((seen.status, body(&seen)["error"]["code"].as_str()), (400, Some("context_length_exceeded")));
}

#[test]
fn what_a_content_policy_forbids_goes_to_the_chain_for_that() {
    let gateway = gateway(&json!({
        "defaults": {"fallbacks": {"content_policy": ["two/claude-sonnet-4-5"]}},
        "models": {"strict": {"targets": ["one/model-1"], "retries": 2}}
    }));
    let policy = || refused("The response was filtered … content management policy.", "content_filter");
    let filtered = || {
        let body = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "content_filter"}]});
        Script::Answer(200, JSON, vec![body.to_string().into_bytes()])
    };
    for script in [policy(), filtered()] {
        let seen = ask(&gateway, &[], &json!({"model": "strict"}), vec![script, anthropic_answer()]);
        assert_eq!((seen.status, seen.upstream.len()), (200, 2));
        assert_eq!(seen.audit["routed_by"], json!({"fallback": "content_policy"}));
    }
    let stream = String::from_utf8(events(&[])).unwrap().replace("\"stop\"", "\"content_filter\"");
    let script = Script::Answer(200, SSE, vec![stream.into_bytes()]);
    let seen =
        ask(&gateway, &[], &json!({"model": "plain", "stream": true}), vec![script, anthropic_answer()]);
    assert_eq!((seen.status, seen.upstream.len()), (200, 2));
    let seen = ask(&gateway, &[], &json!({}), vec![policy(), policy()]);
    assert_eq!((seen.status, seen.upstream.len()), (400, 2), "each reason once");
}

#[test]
fn what_is_too_long_is_not_even_sent() {
    let target =
        |model: &str, window: u64| json!({"provider": "one", "model": model, "context_window": window});
    let gateway = gateway(&json!({"models": {
        "two-sizes": [target("small", 1000), target("large", 100_000)],
        "one-size": {"targets": [target("small", 1000)], "fallbacks": {"context_window": ["one/huge"]}},
        "alone": [target("small", 1000)]
    }}));
    let long = "word ".repeat(3000);
    let of = |model: &str, content: &str| {
        let request = json!({"model": model, "messages": [{"role": "user", "content": content}]});
        let seen = ask(&gateway, &[], &request, vec![good()]);
        (
            seen.headers.get("x-tollgate-model").unwrap().to_owned(),
            seen.audit["attempts"][0]["reason"].clone(),
        )
    };
    assert_eq!(of("two-sizes", "hi").0, "small");
    let (model, reason) = of("two-sizes", &long);
    assert_eq!(model, "large");
    assert!(
        reason.as_str().unwrap().starts_with("skipped: its context of 1000 tokens is too small for about 3")
    );
    assert_eq!(of("one-size", &long).0, "huge");
    assert_eq!(of("alone", &long).0, "small", "it is an estimate");
    // What is asked for has to fit in as well.
    let asking = |limit: &Value| {
        let mut request = json!({"model": "two-sizes", "messages": [{"role": "user", "content": "hi"}]});
        request["max_tokens"] = limit.clone();
        let seen = ask(&gateway, &[], &request, vec![good()]);
        let reason = seen.audit["attempts"][0]["reason"].as_str().unwrap_or_default().to_owned();
        (seen.headers.get("x-tollgate-model").unwrap().to_owned(), reason)
    };
    assert_eq!(asking(&json!(900)).0, "small");
    let (model, reason) = asking(&json!(999));
    assert_eq!(model, "large");
    assert!(reason.ends_with(" of the request and 999 of the answer"), "{reason}");
    assert_eq!(asking(&Value::Null).0, "small");
}
