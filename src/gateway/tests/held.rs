//! What a worker holds of its clients' bodies, over all ends that a request can come to.

use super::proxy::{Gateway, Open, Script};
use super::{JSON, SSE, anthropic_answer, chat, config, events, failed, good};
use serde_json::{Value, json};
use std::rc::Rc;

const MB: usize = 1 << 20;

fn large(model: &str, bytes: usize) -> Vec<u8> {
    sized(model, bytes, false)
}

fn sized(model: &str, bytes: usize, stream: bool) -> Vec<u8> {
    let mut body = format!(r#"{{"model":"{model}","stream":{stream},"messages":[{{"role":"user","content":"#)
        .into_bytes();
    body.push(b'"');
    body.resize(bytes - 4, b'a');
    body.extend_from_slice(br#""}]}"#);
    body
}

fn headers(key: &'static str) -> [(&'static str, &'static str); 4] {
    [(":method", "POST"), (":path", "/v1/chat/completions"), ("x-request-id", "r-1"), ("authorization", key)]
}

const ANY: &str = "Bearer the-clients-own";

fn bounded(more: &Value) -> Value {
    let mut config = config();
    config["server"] = json!({"max_body": "1MiB", "max_held": "3MiB"});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

fn open(gateway: &Gateway, number: u32, bytes: usize) -> Open {
    gateway.open(0, number, &headers(ANY), &large("plain", bytes))
}

#[test]
fn a_body_too_many_is_refused_before_it_is_copied() {
    let gateway = Gateway::new(&bounded(&json!({})), 2);
    let first: Vec<_> = (0..3).map(|number| open(&gateway, number, MB)).collect();
    assert_eq!((gateway.held(0), gateway.common.copies.get()), (3 * MB as u64, 3));
    let seen = gateway.send(0, &headers(ANY), &chat("plain", false), Vec::new());
    assert_eq!((seen.status, seen.headers.get("retry-after")), (503, Some("1")));
    let error: Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(error["error"]["code"], "no_room_for_body");
    assert_eq!((&seen.audit["status"], &seen.audit["error"]["type"]), (&json!(503), &json!("overloaded")));
    assert_eq!(seen.metrics["tollgate.held_refusals;reason=worker;"], 1);
    assert_eq!(gateway.common.copies.get(), 3);
    let mut other = headers(ANY);
    other[1].1 = "/v1/messages";
    let seen = gateway.send(0, &other, &chat("plain", false), Vec::new());
    let error: Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!((seen.status, &error["error"]["type"]), (503, &json!("overloaded_error")));
    assert_eq!(gateway.send(1, &headers(ANY), &chat("plain", false), vec![good()]).status, 200);
    for request in first {
        assert_eq!(request.end()["status"], 0);
    }
    assert_eq!(gateway.held(0), 0);
    assert_eq!(gateway.send(0, &headers(ANY), &chat("plain", false), vec![good()]).status, 200);
}

#[test]
fn an_announced_body_without_room_need_not_come() {
    let gateway = Gateway::new(&bounded(&json!({})), 1);
    let _held: Vec<_> = (0..2).map(|number| open(&gateway, number, MB)).collect();
    let half = open(&gateway, 2, MB / 2);
    let copies = gateway.common.copies.get();
    let announced: Vec<_> = headers(ANY).into_iter().chain([("content-length", "1000000")]).collect();
    let refused = gateway.open(0, 3, &announced, b"{");
    assert_eq!((refused.status(), gateway.common.copies.get()), (503, copies));
    half.vanish();
    assert_eq!(gateway.held(0), 2 * MB as u64);
    assert_eq!(gateway.open(0, 4, &announced, &large("plain", 1_000_000)).status(), 0);
}

#[test]
fn every_end_gives_the_bytes_back() {
    let gateway = Rc::new(Gateway::new(&bounded(&json!({"audit": {"content": true}})), 1));
    let cut = events(&["x"])[..40].to_vec();
    let ends: Vec<(u16, Vec<Script>)> = vec![
        (200, vec![good()]),
        (200, vec![failed(503), anthropic_answer()]),
        (529, vec![failed(500), failed(529)]),
        (503, vec![Script::Refused, Script::Refused]),
        (400, vec![failed(400)]),
        (200, vec![Script::Answer(200, SSE, vec![events(&["x", "y"])])]),
        (200, vec![Script::Answer(200, SSE, vec![cut]), anthropic_answer()]),
        (200, vec![Script::Answer(200, JSON, vec![b"{".to_vec()]), anthropic_answer()]),
    ];
    for (at, (status, mut scripts)) in ends.into_iter().enumerate() {
        let seen_within = Rc::clone(&gateway);
        let first = scripts.remove(0);
        let body = sized("chain", MB, (5..7).contains(&at));
        let look = move || assert_eq!(seen_within.held(0), MB as u64);
        scripts.insert(0, Script::Meanwhile(Box::new(look), Box::new(first)));
        let seen = gateway.send(0, &headers(ANY), &body, scripts);
        assert_eq!((seen.status, gateway.held(0)), (status, 0), "end {at}");
        assert!(seen.audit["prompt"].is_object() || seen.audit["prompt"].is_string(), "{}", seen.audit);
    }
    for body in [b"{".to_vec(), large("nobody", MB), b"{}".to_vec()] {
        assert!(gateway.send(0, &headers(ANY), &body, Vec::new()).status >= 400);
        assert_eq!(gateway.held(0), 0);
    }
    let under_way = open(&gateway, 1, MB);
    let vanished = open(&gateway, 2, MB);
    assert_eq!(gateway.held(0), 2 * MB as u64);
    vanished.vanish();
    under_way.end();
    assert_eq!(gateway.held(0), 0);
}

#[test]
fn a_stream_under_way_holds_nothing_any_more() {
    let gateway = Rc::new(Gateway::new(&bounded(&json!({})), 1));
    let within = Rc::clone(&gateway);
    let seen = gateway.send(
        0,
        &headers(ANY),
        &sized("plain", MB, true),
        vec![Script::Meanwhile(
            Box::new(move || assert_eq!(within.held(0), MB as u64)),
            Box::new(Script::Answer(200, SSE, vec![events(&["x"])])),
        )],
    );
    assert_eq!((seen.status, gateway.held(0)), (200, 0));
}

#[test]
fn a_tenant_leaves_room_for_others() {
    // SHA-256 of `loud` and `quiet`.
    let keys = json!([
        {"id": "l", "sha256": "db1a60bbff220d0910f017477df18cb7cd90892722985ac91dbfdaa1c955220f", "tenant": "loud"},
        {"id": "q", "sha256": "008f0747f4e27c8462baa991a538025bcc2dd143e78422f1afbdfcd9e757a20f", "tenant": "quiet"},
    ]);
    let gateway = Gateway::new(&bounded(&json!({"keys": keys})), 1);
    let body = large("plain", MB);
    let loud = || gateway.open(0, 1, &headers("Bearer loud"), &body);
    let held = loud();
    let refused = loud();
    assert_eq!((held.status(), refused.status()), (0, 503));
    assert_eq!(refused.end()["tenant"], "loud");
    let quiet = gateway.open(0, 2, &headers("Bearer quiet"), &body);
    assert_eq!((quiet.status(), gateway.held(0)), (0, 2 * MB as u64));
    drop((held, quiet));
}

#[test]
fn the_queue_is_bounded_by_bytes() {
    let limits = json!([{"per": "global", "concurrent": 1, "over": "queue"}]);
    let queue = json!({"max_held": "1536KiB"});
    let gateway = Gateway::new(&bounded(&json!({"limits": limits, "queue": queue})), 1);
    let first = open(&gateway, 1, MB / 2);
    let waits = open(&gateway, 2, MB);
    let refused = open(&gateway, 3, MB);
    assert_eq!((first.status(), waits.status(), refused.status()), (0, 0, 429));
    let small = open(&gateway, 4, MB / 4);
    assert_eq!(small.status(), 0);
    drop(refused);
    assert_eq!(gateway.held(0), (MB / 2 + MB + MB / 4) as u64);
    // Who leaves while it waits gives its place and its bytes back, whether it says so or not.
    assert_eq!(waits.end()["status"], 0);
    small.vanish();
    assert_eq!(gateway.held(0), (MB / 2) as u64);
    let next = open(&gateway, 5, MB);
    first.end();
    assert_eq!(gateway.held(0), MB as u64, "the next one is under way");
    next.end();
    assert_eq!(gateway.held(0), 0);
}
