//! Targets that are left alone: circuits and cooldowns, over several workers.

use super::proxy::{Gateway, Script, Seen};
use super::{JSON, SSE, anthropic_answer, body, chat, config, events, failed, good};
use serde_json::{Value, json};
use std::rc::Rc;

const SECOND: u64 = 1_000_000_000;

fn gateway(breaker: &Value) -> Gateway {
    let mut config = config();
    config["defaults"] = json!({"circuit_breaker": breaker});
    Gateway::new(&config, 2)
}

fn breaker() -> Value {
    json!({"failure_threshold": 2, "success_threshold": 1, "open": "10s"})
}

fn ask(gateway: &Gateway, worker: usize, model: &str, scripts: Vec<Script>) -> Seen {
    ask_for(gateway, worker, model, false, scripts)
}

fn ask_for(gateway: &Gateway, worker: usize, model: &str, stream: bool, scripts: Vec<Script>) -> Seen {
    let headers = [(":method", "POST"), (":path", "/v1/chat/completions"), ("x-request-id", "r-1")];
    gateway.send(worker, &headers, &chat(model, stream), scripts)
}

fn wait(gateway: &Gateway, secs: u64) {
    gateway.common.now.set(gateway.common.now.get() + secs * SECOND);
}

fn health(gateway: &Gateway) -> Value {
    gateway.tick();
    let headers = [(":method", "GET"), (":path", "/health"), ("x-request-id", "h")];
    body(&gateway.send(0, &headers, b"", Vec::new()))
}

/// Fails once at each worker: the circuit of `one/model-1` is open then.
fn open(gateway: &Gateway) {
    for worker in 0..2 {
        let seen = ask(gateway, worker, "chain", vec![failed(503), anthropic_answer()]);
        assert_eq!((seen.status, seen.upstream.len()), (200, 2));
    }
}

fn reasons(seen: &Seen) -> Vec<String> {
    let notes = seen.audit["attempts"].as_array().unwrap();
    notes.iter().map(|note| note["reason"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn an_open_circuit_is_skipped_by_all_workers() {
    let gateway = gateway(&breaker());
    open(&gateway);
    for worker in 0..2 {
        let seen = ask(&gateway, worker, "chain", vec![anthropic_answer()]);
        assert_eq!((seen.status, seen.upstream.len()), (200, 1));
        assert_eq!(seen.headers.get("x-tollgate-attempts"), Some("1"), "nobody was asked at the first");
        assert!(
            reasons(&seen)[0].starts_with("skipped: the circuit is open for another "),
            "{:?}",
            reasons(&seen)
        );
        assert!(!seen.metrics.keys().any(|name| name.starts_with("tollgate.fallbacks")));
        assert_eq!(seen.metrics["tollgate.attempts;model=chain;provider=one;status=skipped;"], 1);
    }
    let page = health(&gateway);
    assert_eq!(page["targets"]["one/model-1"]["circuit"]["state"], "open");
    assert_eq!(page["targets"]["one/model-1"]["status"], "down");
    assert_eq!(page["targets"]["one/model-1"]["errors"], json!({"server": 2}));
    assert_eq!(page["targets"]["two/claude-sonnet-4-5"]["status"], "healthy");
    assert_eq!(page["models"]["chain"]["status"], "degraded");
    assert_eq!(page["providers"]["one"]["status"], "down");
}

#[test]
fn with_nobody_left_the_client_is_told_when_to_come_again() {
    let gateway = gateway(&breaker());
    open(&gateway);
    let seen = ask(&gateway, 0, "plain", Vec::new());
    assert_eq!((seen.status, seen.upstream.len()), (503, 0));
    assert_eq!(seen.headers.get("retry-after"), Some("10"));
    let error = &body(&seen)["error"];
    assert_eq!(error["code"], "circuit_open");
    assert!(error["message"].as_str().unwrap().contains("one/model-1: the circuit is open"), "{error}");
    assert!(reasons(&seen)[0].starts_with("skipped: the circuit is open"), "{:?}", reasons(&seen));
    assert_eq!(seen.metrics["tollgate.attempts;model=plain;provider=one;status=skipped;"], 1);
}

#[test]
fn one_good_answer_closes_and_one_more_failure_opens_again() {
    let gateway = gateway(&breaker());
    open(&gateway);
    wait(&gateway, 10);
    let seen = ask(&gateway, 0, "chain", vec![failed(500), anthropic_answer()]);
    assert_eq!(seen.upstream.len(), 2);
    assert_eq!(seen.metrics["tollgate.circuit_changes;model=model-1;provider=one;class=open;"], 1);
    assert_eq!(seen.metrics["tollgate.circuit_changes;model=model-1;provider=one;class=half_open;"], 1);
    assert_eq!(ask(&gateway, 1, "chain", vec![anthropic_answer()]).upstream.len(), 1, "open again");
    wait(&gateway, 10);
    let seen = ask(&gateway, 1, "chain", vec![good()]);
    assert_eq!(seen.metrics["tollgate.circuit_changes;model=model-1;provider=one;class=closed;"], 1);
    let seen = ask(&gateway, 0, "chain", vec![failed(503), anthropic_answer()]);
    assert_eq!(seen.upstream.len(), 2, "it counts from the start");
    assert_eq!(ask(&gateway, 1, "chain", vec![good()]).status, 200);
}

#[test]
fn a_good_answer_between_failures_starts_the_count_afresh() {
    let gateway = gateway(&breaker());
    for _ in 0..5 {
        ask(&gateway, 0, "chain", vec![failed(503), anthropic_answer()]);
        assert_eq!(ask(&gateway, 1, "chain", vec![good()]).upstream.len(), 1);
    }
}

#[test]
fn what_counts_as_a_failure_and_what_does_not() {
    let broken = || {
        let stream = events(&["x"]);
        Script::Answer(200, SSE, vec![stream[..stream.len() / 2].to_vec()])
    };
    for (stream, script) in [
        (false, failed(500)),
        (false, failed(529)),
        (false, Script::Refused),
        (false, Script::Answer(200, JSON, vec![b"{\"error\":{\"message\":\"oops\"}}".to_vec()])),
        (true, broken()),
    ] {
        let gateway = gateway(&json!({"failure_threshold": 1}));
        ask_for(&gateway, 0, "plain", stream, vec![script]);
        assert_eq!(ask(&gateway, 1, "plain", vec![]).status, 503);
    }
    for status in [400, 401, 403, 404, 413, 422, 429] {
        let gateway = gateway(&json!({"failure_threshold": 1}));
        for worker in [0, 1, 0] {
            assert_eq!(ask(&gateway, worker, "plain", vec![failed(status)]).status, status);
        }
    }
}

#[test]
fn retries_end_where_the_circuit_opens() {
    let gateway = gateway(&breaker());
    let seen = ask(&gateway, 0, "both", vec![failed(503), failed(503), anthropic_answer()]);
    assert_eq!((seen.status, seen.upstream.len()), (200, 3), "two of four tries at the first");
    let silent = ask(&gateway, 0, "both", vec![anthropic_answer()]);
    assert_eq!(silent.status, 200);
    wait(&gateway, 10);
    // Where nothing came back at all the router has begun the next try by itself; that one's end is the last there.
    let seen = ask(&gateway, 0, "both", vec![Script::Refused, failed(503), anthropic_answer()]);
    assert_eq!((seen.status, seen.upstream.len()), (200, 3), "two of four tries at the first");
}

#[test]
fn a_request_that_finds_the_place_taken_goes_on_without_asking() {
    let mut config = config();
    config["defaults"] = json!({"circuit_breaker": breaker()});
    config["models"]["last"] = json!(["two/claude-sonnet-4-5", "one/model-1"]);
    config["models"]["between"] = json!(["two/claude-sonnet-4-5", "one/model-1", "two/claude-opus-4-1"]);
    for (model, silent) in [("last", false), ("last", true), ("between", false), ("between", true)] {
        let gateway = Rc::new(Gateway::new(&config, 2));
        open(&gateway);
        wait(&gateway, 10);
        let other = Rc::clone(&gateway);
        // The chain was laid out with leave to try, and then another worker was faster.
        let taken = Box::new(move || other.hold_probe("one/model-1"));
        let first = if silent { Script::Refused } else { failed(503) };
        let mut scripts = vec![Script::Meanwhile(taken, Box::new(first)), anthropic_answer()];
        // Where nothing came back at all the router has begun the next try by itself, and the chain goes on behind it.
        let begun = model == "between" && silent;
        if begun {
            scripts.insert(1, failed(503));
        }
        let seen = ask(&gateway, 0, model, scripts);
        let asked = match (model, silent) {
            ("last", true) => (502, 1),
            ("last", false) => (503, 1),
            (_, true) => (200, 3),
            (_, false) => (200, 2),
        };
        assert_eq!((seen.status, seen.upstream.len()), asked, "{model} {silent}");
        let skipped = reasons(&seen).iter().any(|reason| reason.starts_with("skipped: "));
        assert_eq!(skipped, !begun, "{:?}", reasons(&seen));
    }
}

#[test]
fn a_request_that_learns_nothing_gives_its_place_back() {
    let gateway = gateway(&breaker());
    open(&gateway);
    wait(&gateway, 10);
    assert_eq!(ask(&gateway, 0, "plain", vec![failed(429)]).status, 429);
    assert_eq!(ask(&gateway, 1, "plain", vec![good()]).status, 200, "the next may try at once");
    assert_eq!(ask(&gateway, 1, "plain", vec![failed(400)]).status, 400);
}

#[test]
fn the_first_content_of_a_stream_closes_whatever_its_end() {
    let gateway = gateway(&breaker());
    open(&gateway);
    wait(&gateway, 10);
    let whole = events(&["x", "y"]);
    let (begun, rest) = whole.split_at(whole.len() * 3 / 5);
    let cut = Script::Answer(200, SSE, vec![begun.to_vec(), rest[..9].to_vec()]);
    let seen = ask_for(&gateway, 0, "plain", true, vec![cut]);
    assert_eq!(seen.metrics["tollgate.circuit_changes;model=model-1;provider=one;class=closed;"], 1);
    let seen = ask(&gateway, 1, "plain", vec![failed(503)]);
    assert_eq!(seen.upstream.len(), 1, "the end was a failure of a closed circuit: the first of two");
    assert_eq!(ask(&gateway, 1, "plain", vec![]).status, 503);
}

#[test]
fn a_429_is_passed_over_for_as_long_as_it_asks() {
    let gateway = gateway(&json!({}));
    let limited = || Script::Bare(429, ("retry-after", "40"));
    let seen = ask(&gateway, 0, "chain", vec![limited(), anthropic_answer()]);
    assert_eq!((seen.status, seen.upstream.len()), (200, 2));
    let seen = ask(&gateway, 1, "chain", vec![anthropic_answer()]);
    assert!(
        reasons(&seen)[0].starts_with("skipped: cooling down after a 429 for another "),
        "{:?}",
        reasons(&seen)
    );
    let page = health(&gateway);
    assert!(page["targets"]["one/model-1"]["cooled_until"].is_string(), "{page}");
    assert_eq!(page["targets"]["one/model-1"]["circuit"]["state"], "closed");
    assert_eq!(page["targets"]["one/model-1"]["errors"], json!({"rate_limit": 1}));
    let alone = ask(&gateway, 1, "plain", vec![good()]);
    assert_eq!(alone.upstream.len(), 1, "with nobody else there it is asked all the same");
    wait(&gateway, 40);
    assert_eq!(ask(&gateway, 1, "chain", vec![good()]).headers.get("x-tollgate-provider"), Some("one"));
}

#[test]
fn google_asks_in_its_body() {
    let gateway = gateway(&json!({}));
    let body = json!({"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "33.5s"}]}});
    let limited = Script::Answer(429, JSON, vec![body.to_string().into_bytes()]);
    ask(&gateway, 0, "chain", vec![limited, anthropic_answer()]);
    let seen = ask(&gateway, 1, "chain", vec![anthropic_answer()]);
    assert!(reasons(&seen)[0].contains("for another 33."), "{:?}", reasons(&seen));
}

#[test]
fn pauses_have_a_bound_and_a_default() {
    let bounded = gateway(&json!({"max_cooldown": "5s"}));
    ask(&bounded, 0, "chain", vec![Script::Bare(429, ("retry-after", "3600")), anthropic_answer()]);
    wait(&bounded, 5);
    assert_eq!(ask(&bounded, 0, "chain", vec![good()]).upstream.len(), 1);
    let usual = gateway(&json!({"cooldown": "7s"}));
    ask(&usual, 0, "chain", vec![failed(429), anthropic_answer()]);
    assert!(reasons(&ask(&usual, 1, "chain", vec![anthropic_answer()]))[0].contains("for another 7.0 s"));
    let never = gateway(&json!({"max_cooldown": "0s"}));
    ask(&never, 0, "chain", vec![Script::Bare(429, ("retry-after", "40")), anthropic_answer()]);
    assert_eq!(ask(&never, 0, "chain", vec![good()]).upstream.len(), 1);
}

#[test]
fn a_change_survives_other_workers_that_are_faster() {
    let gateway = gateway(&breaker());
    gateway.common.races.set(5);
    open(&gateway);
    assert_eq!(ask(&gateway, 0, "plain", vec![]).status, 503);
}

#[test]
fn a_gateway_that_is_well_reads_one_shared_value_a_request_and_none_where_nothing_is_watched() {
    let reads = |breaker: Value| {
        let gateway = gateway(&breaker);
        ask(&gateway, 0, "chain", vec![good()]);
        let before = gateway.common.reads.get();
        ask(&gateway, 0, "chain", vec![good()]);
        gateway.common.reads.get() - before
    };
    assert_eq!(reads(breaker()), 1);
    assert_eq!(reads(json!({"max_cooldown": "0s"})), 0);
}
