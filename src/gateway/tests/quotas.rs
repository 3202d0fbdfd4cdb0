//! Budgets and limits of requests whose targets cannot be asked, or not now.

use super::proxy::{Gateway, Script, Seen};
use super::{JSON, anthropic_answer, body, chat, config, failed, good};
use serde_json::{Value, json};

const HEADERS: [(&str, &str); 3] =
    [(":method", "POST"), (":path", "/v1/chat/completions"), ("x-request-id", "r-1")];

/// `m` goes to two and then to one, `n` the other way round.
fn gateway(more: &Value) -> Gateway {
    let mut config = config();
    config["models"]["m"] = json!(["two/claude-sonnet-4-5", "one/model-1"]);
    config["models"]["n"] = json!(["one/model-1", "two/claude-sonnet-4-5"]);
    config["prices"] = json!({
        "model-1": {"input": 1.0, "output": 1.0},
        "claude-sonnet-4-5": {"input": 1000.0, "output": 1000.0},
    });
    for (name, value) in more.as_object().unwrap() {
        if name == "models" {
            for (name, model) in value.as_object().unwrap() {
                config["models"][name] = model.clone();
            }
        } else {
            config[name] = value.clone();
        }
    }
    Gateway::new(&config, 1)
}

fn ask(gateway: &Gateway, model: &str, scripts: Vec<Script>) -> Seen {
    gateway.send(0, &HEADERS, &chat(model, false), scripts)
}

/// A request that two, which hears nothing, cannot take.
fn with_sound(model: &str) -> Vec<u8> {
    let sound = json!({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}});
    json!({"model": model, "messages": [{"role": "user", "content": [sound]}]}).to_string().into_bytes()
}

fn ask_with_sound(gateway: &Gateway, model: &str, scripts: Vec<Script>) -> Seen {
    gateway.send(0, &HEADERS, &with_sound(model), scripts)
}

fn reasons(seen: &Seen) -> Vec<&str> {
    let Some(notes) = seen.audit["attempts"].as_array() else { return Vec::new() };
    notes.iter().map(|note| note["reason"].as_str().unwrap_or_default()).collect()
}

fn limits_of_both() -> Value {
    json!([
        {"name": "of one", "per": "provider", "only": {"provider": ["one"]}, "requests": "1/h"},
        {"name": "of two", "per": "provider", "only": {"provider": ["two"]}, "requests": "3/h"},
    ])
}

#[test]
fn a_provider_that_is_passed_over_for_the_content_is_not_charged_and_the_next_one_is() {
    let gateway = gateway(&json!({"limits": limits_of_both()}));
    let seen = ask_with_sound(&gateway, "m", vec![good()]);
    assert_eq!((seen.status, seen.headers.get("x-tollgate-provider")), (200, Some("one")));
    for _ in 0..3 {
        let seen = ask_with_sound(&gateway, "m", Vec::new());
        assert_eq!((seen.status, seen.upstream.len()), (429, 0), "{}", body(&seen));
        assert_eq!(seen.audit["limited_by"], "of one");
        assert!(reasons(&seen)[0].starts_with("skipped: "), "{:?}", reasons(&seen));
        assert_eq!(reasons(&seen)[1], "its limit `of one` is reached");
    }
    for _ in 0..3 {
        assert_eq!(ask(&gateway, "m", vec![anthropic_answer()]).status, 200);
    }
    assert_eq!(ask(&gateway, "m", Vec::new()).status, 429);
}

#[test]
fn after_a_failure_too_the_next_provider_must_have_room() {
    let more = json!({
        "limits": limits_of_both(),
        "providers": {
            "one": {"base_url": "https://one.example/v1", "dialect": "openai_chat", "api_key_env": "ONE"},
            "two": {"base_url": "https://two.example", "preset": "anthropic", "api_key_env": "TWO"},
            "three": {"base_url": "https://three.example/v1", "dialect": "openai_chat", "api_key_env": "THREE"},
        },
        "models": {"after": ["three/model-3", "two/claude-sonnet-4-5", "one/model-1"]},
    });
    for (script, status) in [(failed(503), 503), (Script::Refused, 502)] {
        let gateway = gateway(&more);
        assert_eq!(ask(&gateway, "n", vec![good()]).status, 200);
        let seen = ask_with_sound(&gateway, "after", vec![script]);
        assert_eq!((seen.status, seen.upstream.len()), (status, 1), "{:?}", reasons(&seen));
        for _ in 0..3 {
            assert_eq!(ask(&gateway, "m", vec![anthropic_answer()]).status, 200);
        }
    }
}

#[test]
fn a_fallback_for_a_reason_is_reserved_too() {
    let model = json!({"targets": ["one/model-1"],
        "fallbacks": {"content_policy": ["two/claude-sonnet-4-5"]}, "max_tokens": 100});
    let gateway = gateway(&json!({
        "models": {"diverted": model},
        "budgets": [{"name": "purse", "usd": 0.01, "every": "day"}],
    }));
    let seen = ask(&gateway, "diverted", Vec::new());
    assert_eq!((seen.status, &seen.audit["limited_by"]), (429, &json!("purse")), "{}", body(&seen));
}

#[test]
fn a_providers_budget_is_reserved_at_its_own_price() {
    let budget = |provider: &str| json!([{"name": "purse", "per": "provider", "only": {"provider": [provider]}, "usd": 0.01, "every": "day"}]);
    let of_one = gateway(&json!({"budgets": budget("one")}));
    assert_eq!(ask(&of_one, "n", vec![good()]).headers.get("x-tollgate-provider"), Some("one"));
    let of_two = gateway(&json!({"budgets": budget("two")}));
    let seen = ask(&of_two, "m", vec![good()]);
    assert_eq!(seen.headers.get("x-tollgate-provider"), Some("one"));
    assert_eq!(reasons(&seen)[0], "its budget `purse` has too little left");
}

fn breaker() -> Value {
    json!({"circuit_breaker": {"failure_threshold": 1, "success_threshold": 1, "open": "10s"}})
}

#[test]
fn whoever_alone_can_take_the_content_is_asked_in_a_pause_and_waited_for_behind_a_circuit() {
    let cooling = gateway(&json!({"defaults": breaker()}));
    ask(&cooling, "n", vec![Script::Bare(429, ("retry-after", "40")), anthropic_answer()]);
    let seen = ask_with_sound(&cooling, "n", vec![good()]);
    assert_eq!((seen.status, seen.upstream.len()), (200, 1), "{:?}", reasons(&seen));
    assert_eq!(reasons(&seen).len(), 2, "the one that cannot take it, and the answer: {:?}", reasons(&seen));
    let open = gateway(&json!({"defaults": breaker()}));
    ask(&open, "n", vec![failed(503), anthropic_answer()]);
    let seen = ask_with_sound(&open, "n", Vec::new());
    assert_eq!((seen.status, seen.headers.get("retry-after")), (503, Some("10")));
    assert_eq!(body(&seen)["error"]["code"], "circuit_open");
    assert_eq!(reasons(&seen).len(), 2, "{:?}", reasons(&seen));
}

#[test]
fn with_the_fallback_exhausted_one_in_a_pause_is_asked_and_one_behind_a_circuit_says_when() {
    let limits =
        json!([{"name": "of two", "per": "provider", "only": {"provider": ["two"]}, "requests": "1/d"}]);
    let cooling = gateway(&json!({"defaults": breaker(), "limits": limits}));
    ask(&cooling, "n", vec![Script::Bare(429, ("retry-after", "40")), anthropic_answer()]);
    let seen = ask(&cooling, "n", vec![good()]);
    assert_eq!((seen.status, seen.headers.get("x-tollgate-provider")), (200, Some("one")));
    let open = gateway(&json!({"defaults": breaker(), "limits": limits}));
    ask(&open, "n", vec![failed(503), anthropic_answer()]);
    let seen = ask(&open, "n", Vec::new());
    assert_eq!((seen.status, seen.headers.get("retry-after")), (503, Some("10")));
    assert_eq!(body(&seen)["error"]["code"], "circuit_open");
    assert!(reasons(&seen)[0].starts_with("skipped: the circuit is open"), "{:?}", reasons(&seen));
    assert_eq!(reasons(&seen)[1], "its limit `of two` is reached");
}

/// One request of `a` and one of `b` at once, and a rule that refuses.
fn queue(requests: &str) -> Gateway {
    let refusing = json!({"name": "refusing", "requests": requests});
    let queue = json!({"name": "queue", "concurrent": 1, "over": "queue", "per": "model", "only": {"model": ["a", "b"]}});
    gateway(&json!({"models": {"a": "one/model-1", "b": "one/model-1"}, "limits": [queue, refusing]}))
}

fn open(gateway: &Gateway, number: u32, model: &str) -> super::proxy::Open {
    gateway.open(0, number, &HEADERS, &chat(model, false))
}

#[test]
fn what_another_rule_refuses_in_any_case_does_not_wait() {
    let gateway = queue("2/d");
    let (first, other) = (open(&gateway, 1, "a"), open(&gateway, 2, "b"));
    assert_eq!((first.status(), other.status()), (0, 0));
    let refused = open(&gateway, 3, "a");
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.end()["limited_by"], "refusing");
    // The rules of a model are asked later than those of the gateway: the other way round.
    let model =
        json!({"name": "mine", "per": "model", "only": {"model": ["b"]}, "tokens": 1, "every": "day"});
    let queue = json!({"name": "queue", "concurrent": 1, "over": "queue"});
    let more = json!({"models": {"b": "one/model-1"}, "limits": [queue], "budgets": [model]});
    let gateway = self::gateway(&more);
    let first = open(&gateway, 1, "n");
    assert_eq!(first.status(), 0);
    let spent = open(&gateway, 2, "b");
    assert_eq!(spent.status(), 429, "it does not wait for the other");
    assert_eq!(spent.end()["limited_by"], "mine");
    let waits = open(&gateway, 3, "n");
    assert_eq!(waits.status(), 0);
}

#[test]
fn what_requests_under_way_may_leave_of_a_budget_is_waited_for() {
    let budget = json!({"name": "purse", "tokens": 100, "every": "day", "per": "model"});
    let queue = json!({"name": "queue", "concurrent": 1, "over": "queue"});
    let models = json!({"a": "one/model-1"});
    let gateway = gateway(&json!({"models": models, "limits": [queue], "budgets": [budget]}));
    let ask = |number| {
        let wanted = json!({"model": "a", "max_tokens": 80, "messages": [{"role": "user", "content": "hi"}]});
        gateway.open(0, number, &HEADERS, wanted.to_string().as_bytes())
    };
    let (first, second) = (ask(1), ask(2));
    assert_eq!((first.status(), second.status()), (0, 0), "the second one waits");
    first.end();
    assert_eq!(second.status(), 0);
    assert!(second.end()["queued_ms"].is_u64());
}

#[test]
fn a_refusal_after_a_wait_is_counted_like_any_other() {
    let gateway = queue("2/d");
    let first = open(&gateway, 1, "a");
    let waits = open(&gateway, 2, "a");
    assert_eq!(waits.status(), 0);
    let other = open(&gateway, 3, "b");
    assert_eq!(other.status(), 0);
    let counted = first.end_counted();
    assert_eq!(counted["tollgate.limited;scope=global;reason=requests;"], 1, "{counted:?}");
    assert!(counted.keys().any(|name| name.starts_with("tollgate.queue_wait_ms")), "{counted:?}");
    assert_eq!(waits.end()["limited_by"], "refusing");
}

#[test]
fn a_client_that_leaves_the_queue_is_said_to_have() {
    let gateway = queue("9/d");
    let first = open(&gateway, 1, "a");
    let waits = open(&gateway, 2, "a");
    assert_eq!((first.status(), waits.status()), (0, 0));
    let line = waits.leave();
    assert_eq!((&line["error"]["type"], &line["limited_by"]), (&json!("client_disconnect"), &json!("queue")));
    assert!(line["queued_ms"].is_u64(), "{line}");
}

#[test]
fn a_fallbacks_answer_says_nothing_of_the_limits_of_the_first() {
    let limits =
        json!([{"name": "of one", "per": "provider", "only": {"provider": ["one"]}, "requests": "9/h"}]);
    let budgets = json!([{"name": "purse", "per": "provider", "only": {"provider": ["one"]},
        "tokens": 1_000_000, "soft": "0%", "every": "day"}]);
    let gateway = gateway(&json!({"limits": limits, "budgets": budgets}));
    let seen = ask(&gateway, "n", vec![good()]);
    assert_eq!(seen.headers.get("x-ratelimit-limit-requests"), Some("9"), "{:?}", seen.headers);
    let seen = ask(&gateway, "n", vec![failed(503), anthropic_answer()]);
    assert_eq!(seen.status, 200);
    for name in ["x-ratelimit-limit-requests", "x-tollgate-budget-warning"] {
        assert_eq!(seen.headers.get(name), None, "{name}");
    }
    assert_eq!(seen.audit["budgets"], Value::Null);
}

#[test]
fn what_a_filtered_answer_used_is_paid_for() {
    let model = json!({"targets": ["one/model-1"], "fallbacks": {"content_policy": ["two/claude-sonnet-4-5"]},
        "max_tokens": 10});
    let purse = |name: &str, provider: &str| json!({"name": name, "per": "provider", "only": {"provider": [provider]}, "tokens": 1000, "every": "day"});
    let gateway = gateway(&json!({
        "models": {"diverted": model},
        "budgets": [{"name": "all", "tokens": 1000, "every": "day"}, purse("one", "one"), purse("two", "two")],
    }));
    let filtered = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "model-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "content_filter"}],
        "usage": {"prompt_tokens": 50, "completion_tokens": 0, "total_tokens": 50}});
    let filtered = Script::Answer(200, JSON, vec![filtered.to_string().into_bytes()]);
    let seen = ask(&gateway, "diverted", vec![filtered, anthropic_answer()]);
    assert_eq!((seen.status, seen.upstream.len()), (200, 2));
    let note = &seen.audit["filtered"];
    assert_eq!((&note["provider"], &note["model"]), (&json!("one"), &json!("model-1")));
    assert_eq!((&note["usage"]["input"], &note["cost_usd"]), (&json!(50), &json!(0.00005)));
    assert_eq!(seen.audit["usage"], json!({"input": 5, "output": 2}));
    assert_eq!(seen.audit["cost_usd"], json!(0.00705));
    assert_eq!(seen.headers.get("x-tollgate-cost"), Some("0.007050"));
    assert_eq!(seen.metrics["tollgate.tokens;model=diverted;provider=one;class=input;"], 50);
    assert_eq!(seen.metrics["tollgate.tokens;model=diverted;provider=two;class=input;"], 5);
    assert_eq!(seen.metrics["tollgate.cost_microdollars;model=diverted;provider=one;"], 50);
    let page = |query: &str| {
        let path = format!("/v1/budget{query}");
        let headers = [(":method", "GET"), (":path", path.as_str()), ("x-request-id", "b")];
        let page = body(&gateway.send(0, &headers, b"", Vec::new()));
        let spent = |entry: &Value| (entry["name"].as_str().unwrap().to_owned(), entry["spent"].as_u64());
        page["budgets"].as_array().unwrap().iter().map(spent).collect::<Vec<_>>()
    };
    assert!(page("").contains(&("all".to_owned(), Some(57))), "{:?}", page(""));
    assert!(page("?provider=one").contains(&("one".to_owned(), Some(50))), "{:?}", page("?provider=one"));
    assert!(page("?provider=two").contains(&("two".to_owned(), Some(7))), "{:?}", page("?provider=two"));
}

#[test]
fn a_providers_wait_is_told_where_nobody_else_can_take_the_content() {
    let gateway = gateway(&json!({}));
    let limited = Script::Bare(429, ("retry-after", "7"));
    let seen = ask_with_sound(&gateway, "n", vec![limited]);
    assert_eq!((seen.status, seen.headers.get("retry-after")), (429, Some("7")), "{}", body(&seen));
}

#[test]
fn what_the_router_gave_up_for_is_named() {
    let gateway =
        gateway(&json!({"models": {"brief": {"targets": ["one/model-1"], "request_timeout": "1s"}}}));
    let seen = ask(&gateway, "brief", vec![Script::Broken(504, "response_timeout")]);
    let message = body(&seen)["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!(
        (seen.status, &*message),
        (504, "No answer came within 1000 ms, the limit of the whole request.")
    );
    let full = "upstream_reset_before_response_started{overflow}";
    let seen = ask(&gateway, "n", vec![Script::Broken(503, full)]);
    let error = &body(&seen)["error"];
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("`one` was not asked") && message.contains("max_requests"), "{message}");
    assert_eq!((seen.status, &error["code"]), (503, &json!("circuit_breaker_overflow")));
    assert!(reasons(&seen)[0].contains("circuit_breaker"), "{:?}", reasons(&seen));
}
