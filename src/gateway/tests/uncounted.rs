//! What goes past budgets and limits: refused where there are some, or said.

use super::proxy::{Gateway, Script, Seen};
use super::{JSON, body};
use serde_json::{Value, json};

fn config(more: &Value) -> Value {
    let mut config = json!({
        "providers": {
            "openai": {"api_key_env": "ONE"},
            "anthropic": {"api_key_env": "TWO"},
        },
        "models": {"gpt": "openai/gpt-4o", "painter": "openai/dall-e-3", "image": "openai/gpt-image-1", "voice": "openai/tts-1"},
        "prices": {"gpt-image-1": {"input": 5, "output": 40}, "tts-1": {"input": 15, "output": 0}},
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

fn post(config: &Value, path: &str, body: &Value, answer: Option<Script>) -> Seen {
    let headers = [
        (":method", "POST"),
        (":path", path),
        ("x-request-id", "r-1"),
        ("content-type", "application/json"),
        ("authorization", "Bearer k"),
    ];
    Gateway::new(config, 1).send(0, &headers, body.to_string().as_bytes(), answer.into_iter().collect())
}

fn refused() -> Script {
    Script::Answer(400, JSON, vec![br#"{"error":{"message":"it went out"}}"#.to_vec()])
}

fn rules() -> Vec<Value> {
    // SHA-256 of `k`.
    let key =
        json!({"id": "k", "sha256": "8254c329a92850f6d539dd376f4816ee2764517da5e0235514af433164480d7a"});
    let mut own = key.clone();
    own["budgets"] = json!([{"usd": 1, "every": "day"}]);
    vec![
        json!({"budgets": [{"per": "global", "usd": 1, "every": "day"}]}),
        json!({"budgets": [{"per": "provider", "tokens": 100_000, "every": "day"}]}),
        json!({"budgets": [{"per": "model", "tokens": 100_000, "every": "day"}]}),
        json!({"limits": [{"per": "key", "tokens": "100k/m"}], "keys": [key]}),
        json!({"keys": [own]}),
    ]
}

#[test]
fn what_runs_in_the_background_is_refused_where_something_counts() {
    let ask = |background: Value| json!({"model": "gpt", "input": "hi", "background": background});
    for rules in rules() {
        let rules = config(&rules);
        for background in [json!(true), json!("true"), json!(1)] {
            let seen = post(&rules, "/v1/responses", &ask(background), None);
            assert_eq!((seen.status, &body(&seen)["error"]["param"]), (400, &json!("background")), "{rules}");
            assert!(seen.audit["limited_by"].is_string());
        }
        for background in [json!(false), Value::Null] {
            assert_eq!(post(&rules, "/v1/responses", &ask(background), Some(refused())).upstream.len(), 1);
        }
        let mut allowed = rules.clone();
        allowed["allow_uncounted"] = json!(["background"]);
        assert_eq!(post(&allowed, "/v1/responses", &ask(json!(true)), Some(refused())).upstream.len(), 1);
    }
    let others = [
        json!({}),
        json!({"limits": [{"per": "global", "requests": "10/s"}]}),
        json!({"budgets": [{"per": "global", "usd": 1, "every": "day", "only": {"model": ["image"]}}]}),
    ];
    for rules in others {
        let seen = post(&config(&rules), "/v1/responses", &ask(json!(true)), Some(refused()));
        assert_eq!(seen.upstream.len(), 1, "{rules}");
    }
}

#[test]
fn new_batches_are_refused_where_something_counts() {
    let batch = json!({"input_file_id": "f", "endpoint": "/v1/chat/completions"});
    let mut all = rules();
    // A batch may be for this model as well.
    all.push(json!({"budgets": [{"per": "global", "usd": 1, "every": "day", "only": {"model": ["gpt"]}}]}));
    for rules in all {
        let rules = config(&rules);
        let seen = post(&rules, "/v1/batches", &batch, None);
        assert_eq!(
            (seen.status, &body(&seen)["error"]["code"]),
            (403, &json!("batches_not_counted")),
            "{rules}"
        );
        let seen = post(&rules, "/v1/messages/batches", &json!({"requests": []}), None);
        assert_eq!((seen.status, &body(&seen)["error"]["type"]), (403, &json!("permission_error")));
        assert_eq!(post(&rules, "/v1/batches/b/cancel", &json!({}), Some(refused())).upstream.len(), 1);
        let mut allowed = rules.clone();
        allowed["allow_uncounted"] = json!(["batches"]);
        assert_eq!(post(&allowed, "/v1/batches", &batch, Some(refused())).upstream.len(), 1);
    }
    assert_eq!(post(&config(&json!({})), "/v1/batches", &batch, Some(refused())).upstream.len(), 1);
}

#[test]
fn services_without_a_price_or_usage_say_so() {
    let budget = config(&json!({"budgets": [{"name": "all", "per": "global", "usd": 1, "every": "day"}]}));
    let image = |usage: Value| {
        let body = json!({"created": 1, "data": [], "usage": usage});
        Some(Script::Answer(200, JSON, vec![body.to_string().into_bytes()]))
    };
    let told = json!({"input_tokens": 10, "output_tokens": 20, "total_tokens": 30});
    let unpriced = |seen: &Seen| seen.metrics.get("tollgate.unpriced;rule=all;").copied();
    let ask = |model: &str| json!({"model": model, "prompt": "a cat"});
    let seen = post(&budget, "/v1/images/generations", &ask("image"), image(told.clone()));
    assert_eq!((seen.status, unpriced(&seen)), (200, None));
    assert_eq!(seen.headers.get("x-tollgate-warnings"), None);
    let seen = post(&budget, "/v1/images/generations", &ask("painter"), image(Value::Null));
    assert_eq!((seen.status, unpriced(&seen)), (200, Some(1)));
    let warning = seen.headers.get("x-tollgate-warnings").unwrap();
    assert!(warning.contains("no price is known for openai/dall-e-3"), "{warning}");
    let sound = || Some(Script::Answer(200, "audio/mpeg", vec![b"ID3".to_vec()]));
    let say = json!({"model": "voice", "input": "hi", "voice": "alloy"});
    let seen = post(&budget, "/v1/audio/speech", &say, sound());
    assert_eq!((seen.status, unpriced(&seen)), (200, Some(1)));
    assert!(seen.headers.get("x-tollgate-warnings").unwrap().contains("does not say what it used"));
    assert!(seen.audit["warnings"][0].is_string());
    let seen = post(&config(&json!({})), "/v1/audio/speech", &say, sound());
    assert_eq!(seen.headers.get("x-tollgate-warnings"), None);
}
