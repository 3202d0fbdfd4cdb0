//! Clients that leave before anything of an answer has come.

use super::proxy::{Gateway, Script, Seen};
use super::{chat, config, failed};
use serde_json::{Value, json};

fn ask(config: &Value, scripts: Vec<Script>) -> Seen {
    let headers = [(":method", "POST"), (":path", "/v1/chat/completions"), ("x-request-id", "r-1")];
    Gateway::new(config, 1).send(0, &headers, &chat("plain", true), scripts)
}

fn priced() -> Value {
    let mut config = config();
    config["prices"] = json!({"model-1": {"input": 1000, "output": 2000}});
    config
}

#[test]
fn what_a_provider_has_read_is_paid() {
    let seen = ask(&priced(), vec![Script::Left { connected: true }]);
    assert_eq!(seen.audit["usage_status"], "partial");
    let input = seen.audit["usage"]["input"].as_u64().unwrap();
    assert!(input > 0);
    assert_eq!(seen.audit["usage"]["output"], 0);
    assert!(seen.audit["cost_usd"].as_f64().unwrap() > 0.0, "{}", seen.audit);
    assert_eq!(seen.audit["error"]["type"], "client_disconnect");
}

#[test]
fn what_no_provider_got_costs_nothing() {
    let mut config = priced();
    config["models"]["plain"] = json!({"targets": ["one/model-1"], "retries": 2});
    for scripts in
        [vec![Script::Left { connected: false }], vec![failed(503), Script::Left { connected: false }]]
    {
        let seen = ask(&config, scripts);
        assert_eq!(seen.audit["usage_status"], "missing");
        assert!(seen.audit["cost_usd"].is_null() && seen.audit["usage"].is_null(), "{}", seen.audit);
    }
}

#[test]
fn a_client_that_leaves_while_it_sends_is_said_to() {
    let gateway = Gateway::new(&config(), 1);
    let headers = [(":method", "POST"), (":path", "/v1/chat/completions"), ("x-request-id", "r-1")];
    let line = gateway.open_in_part(0, &headers, b"{").leave();
    assert_eq!(line["error"]["type"], "client_disconnect");
    assert_eq!(line["status"], 0);
}
