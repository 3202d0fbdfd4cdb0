//! Strategies: who is asked first, over several workers.

use super::proxy::{Gateway, Script, Seen};
use super::{config, failed, good, openai_answer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;

fn gateway(model: &Value) -> Rc<Gateway> {
    let mut config = config();
    config["models"]["m"] = model.clone();
    config["identity"] = json!({"headers": {"tenant": "x-tenant"}});
    config["prices"] =
        json!({"model-1": {"input": 10, "output": 10}, "model-2": {"input": 1, "output": 100}});
    Rc::new(Gateway::new(&config, 2))
}

fn targets(weights: [u32; 2]) -> Value {
    let one = |model: &str, weight: u32| json!({"provider": "one", "model": model, "weight": weight});
    json!([one("model-1", weights[0]), one("model-2", weights[1])])
}

fn ask(gateway: &Gateway, worker: usize, more: &[(&str, &str)], body: &Value, scripts: Vec<Script>) -> Seen {
    let mut headers = vec![(":method", "POST"), (":path", "/v1/chat/completions"), ("x-request-id", "r-1")];
    headers.extend_from_slice(more);
    let mut asked = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    asked.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    gateway.send(worker, &headers, asked.to_string().as_bytes(), scripts)
}

fn plain(gateway: &Gateway, worker: usize, scripts: Vec<Script>) -> Seen {
    ask(gateway, worker, &[], &json!({}), scripts)
}

fn model(seen: &Seen) -> String {
    assert_eq!(seen.status, 200);
    seen.headers.get("x-tollgate-model").unwrap().to_owned()
}

/// How often each model is asked first.
fn count(firsts: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    firsts.fold(BTreeMap::new(), |mut counts, first| {
        *counts.entry(first).or_default() += 1;
        counts
    })
}

fn limited(left: &str) -> Script {
    let headers = vec![
        ("x-ratelimit-remaining-requests", left.to_owned()),
        ("x-ratelimit-limit-requests", "100".into()),
    ];
    Script::With(200, headers, openai_answer("hello"))
}

#[test]
fn weights_split_the_load_and_the_rest_is_the_fallback() {
    let gateway = gateway(&json!({"targets": targets([3, 1]), "strategy": "weighted"}));
    let counts = count((0..800).map(|n| model(&plain(&gateway, n % 2, vec![good()]))));
    assert!((550..650).contains(&counts["model-1"]), "{counts:?}");
    let seen = plain(&gateway, 0, vec![failed(503), good()]);
    assert_eq!((seen.status, seen.upstream.len()), (200, 2));
    assert_eq!(seen.audit["routed_by"], json!({"strategy": "weighted"}));
    assert_eq!(seen.metrics["tollgate.routed;model=m;provider=one;class=weighted;"], 1);
}

#[test]
fn the_least_busy_of_all_workers_is_asked() {
    let gateway = gateway(&json!({"targets": targets([1, 1]), "strategy": "least_busy"}));
    for _ in 0..20 {
        let inner = Rc::clone(&gateway);
        let first = Rc::new(std::cell::RefCell::new(String::new()));
        let other = Rc::clone(&first);
        // While one request is under way at one worker, another comes to the other worker.
        let meanwhile = move || *other.borrow_mut() = model(&plain(&inner, 1, vec![good()]));
        let outer = plain(&gateway, 0, vec![Script::Meanwhile(Box::new(meanwhile), Box::new(good()))]);
        assert_ne!(model(&outer), *first.borrow());
    }
    let counts = count((0..100).map(|n| model(&plain(&gateway, n % 2, vec![good()]))));
    assert!(counts.values().all(|n| *n > 20), "nothing is left of those that are over: {counts:?}");
}

#[test]
fn the_quickest_is_asked_and_the_slow_one_again_after_a_while() {
    let gateway = gateway(&json!({"targets": targets([1, 1]), "strategy": "lowest_latency"}));
    let slow = |name: &str, gateway: &Rc<Gateway>| {
        let (clock, slow) = (Rc::clone(gateway), name == "model-1");
        Script::Meanwhile(
            Box::new(move || {
                let ms = if slow { 3000 } else { 100 };
                clock.common.now.set(clock.common.now.get() + ms * 1_000_000);
                clock.tick();
            }),
            Box::new(good()),
        )
    };
    // Nobody knows anything yet: each is tried once, wherever the request comes in.
    let first = model(&plain(&gateway, 0, vec![slow("model-1", &gateway)]));
    let second = model(&plain(&gateway, 1, vec![slow("", &gateway)]));
    assert_ne!(first, second);
    for n in 0..10 {
        assert_eq!(model(&plain(&gateway, n % 2, vec![slow("", &gateway)])), second);
    }
    gateway.common.now.set(gateway.common.now.get() + 4_000_000_000);
    gateway.tick();
    assert_eq!(model(&plain(&gateway, 0, vec![slow("", &gateway)])), second);
    plain(&gateway, 0, vec![failed(500), good()]);
    assert_eq!(model(&plain(&gateway, 1, vec![good()])), first, "a quick error is no quick answer");
}

#[test]
fn the_cheapest_for_this_request_is_asked() {
    let gateway = gateway(&json!({"targets": targets([1, 1]), "strategy": "lowest_cost"}));
    let asked = |tokens: u64| model(&ask(&gateway, 0, &[], &json!({"max_tokens": tokens}), vec![good()]));
    assert_eq!(asked(4000), "model-1", "long answers are dear at the other");
    let long = "word ".repeat(5000);
    let body = json!({"max_tokens": 1, "messages": [{"role": "user", "content": long}]});
    assert_eq!(
        model(&ask(&gateway, 0, &[], &body, vec![good()])),
        "model-2",
        "long questions are cheap there"
    );
}

#[test]
fn the_one_with_most_left_of_its_limits_is_asked() {
    let gateway = gateway(&json!({"targets": targets([1, 1]), "strategy": "most_quota"}));
    let first = model(&plain(&gateway, 0, vec![limited("5")]));
    for n in 0..5 {
        assert_ne!(model(&plain(&gateway, n % 2, vec![limited("50")])), first);
    }
    let seen = plain(&gateway, 1, vec![limited("2")]);
    assert_ne!(model(&seen), first);
    assert_eq!(model(&plain(&gateway, 0, vec![limited("90")])), first, "it has five left, the other two");
}

#[test]
fn whoever_sticks_gets_the_same_target_and_falls_back_like_any_other() {
    let gateway = gateway(&json!({"targets": targets([1, 1]), "sticky": "tenant", "strategy": "weighted"}));
    let of = |tenant: &str, worker| {
        model(&ask(&gateway, worker, &[("x-tenant", tenant)], &json!({}), vec![good()]))
    };
    let names: Vec<String> = (0..100).map(|n| format!("tenant-{n}")).collect();
    let counts = count(names.iter().map(|name| of(name, 0)));
    assert!(counts.values().all(|n| (30..70).contains(n)), "{counts:?}");
    for name in &names {
        assert_eq!(of(name, 0), of(name, 1));
    }
    let seen = ask(&gateway, 0, &[("x-tenant", "tenant-1")], &json!({}), vec![failed(503), good()]);
    assert_eq!(seen.upstream.len(), 2);
    assert_ne!(model(&seen), of("tenant-1", 0));
    assert_eq!(seen.audit["routed_by"], json!({"strategy": "sticky_tenant"}));
    assert_eq!(
        plain(&gateway, 0, vec![good()]).audit["routed_by"],
        json!({"strategy": "weighted"}),
        "nobody"
    );
}

#[test]
fn a_session_is_a_header_or_a_field_of_the_body() {
    let gateway = gateway(&json!({"targets": targets([1, 1]), "sticky": "session"}));
    let asked =
        |headers: &[(&str, &str)], body: Value| model(&ask(&gateway, 0, headers, &body, vec![good()]));
    for n in 0..20 {
        let name = format!("s-{n}");
        let by_header = asked(&[("x-session-id", &name)], json!({"user": "somebody"}));
        assert_eq!(asked(&[], json!({"prompt_cache_key": name})), by_header);
        assert_eq!(asked(&[], json!({"metadata": {"session_id": name}, "user": "somebody"})), by_header);
        assert_eq!(asked(&[], json!({"user": name})), by_header);
    }
    assert_eq!(asked(&[], json!({})), "model-1", "without a name: the order of the file");
}

#[test]
fn models_without_a_strategy_ask_nothing_of_the_host() {
    let reads = |model: Value| {
        let gateway = gateway(&model);
        plain(&gateway, 0, vec![good()]);
        let before = gateway.common.reads.get();
        plain(&gateway, 0, vec![good()]);
        gateway.common.reads.get() - before
    };
    let off = json!({"max_cooldown": "0s"});
    assert_eq!(reads(json!({"targets": targets([1, 1]), "circuit_breaker": off})), 0);
    assert_eq!(reads(json!({"targets": targets([1, 1]), "circuit_breaker": off, "strategy": "weighted"})), 0);
}

#[test]
fn a_name_that_is_none_is_not_repeated_in_whole() {
    let gateway = gateway(&json!({"targets": targets([3, 1])}));
    let long = "gpt".repeat(400_000);
    let seen = ask(&gateway, 0, &[], &json!({"model": long}), vec![]);
    assert_eq!(seen.status, 404);
    let said = String::from_utf8(seen.body).unwrap();
    assert!(said.contains("…` does not exist here.\"") && said.len() < 1_000, "{said}");
    assert!(seen.audit["model_asked"].as_str().unwrap().len() < 300);
}
