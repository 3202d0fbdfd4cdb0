//! Both phases of a request by themselves, over a proxy that does nothing: what is left is the filter's own work.

use crate::input::{self, Lane};
use crate::policies::policies;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;
use tollgate::config;
use tollgate::config::tables::Tables;
use tollgate::dialect::Dialect;
use tollgate::gateway::host::{MetricKind, Side};
use tollgate::gateway::{Attempt, Edge, Headers, Host, Worker, prepare_shared};

/// A client's key as it sends it, and its hash.
const KEY: &str = "Bearer tg-0123456789abcdef";
const KEY_SHA256: &str = "11cf9eaf65d676067ebb49ae340956c60efaafbc6d89b194a08cd7965586a403";

/// One half of an exchange.
#[derive(Debug, Default)]
struct Message {
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// A proxy that gives what it was given, and takes whatever comes.
#[derive(Debug, Default)]
struct Still {
    asked: Message,
    answered: Message,
    token: RefCell<Vec<u8>>,
    metrics: Cell<u32>,
    shared: RefCell<HashMap<String, (Vec<u8>, u32)>>,
}

/// Whether both sides of a lane are known here.
pub(crate) fn is_known(lane: Lane) -> bool {
    let known = |dialect| matches!(dialect, Dialect::OpenaiChat | Dialect::Anthropic);
    known(lane.client) && known(lane.provider)
}

/// A request that can be sent any number of times.
#[derive(Debug)]
pub(crate) struct Rig {
    tables: Rc<Tables>,
    worker: Rc<Worker>,
    host: Still,
    provider: Rc<str>,
}

impl Rig {
    /// A whole answer from a provider that speaks `provider`, to a client that speaks `client` and sends `size` bytes;
    /// with a policy of each kind in force, or with none.
    pub(crate) fn new(lane: Lane, size: usize, with_policies: bool) -> Self {
        let Lane { client, provider } = lane;
        let mut config = serde_json::json!({
            "providers": {"sim": {
                "base_url": "http://127.0.0.1:8000/v1", "dialect": provider.as_str(), "api_key_env": "SIM_KEY",
            }},
            "models": {"*": "sim/provider-model"},
            "prices": {"provider-model": {"input": 1.25, "output": 10.0}},
            "keys": [{"id": "bench", "sha256": KEY_SHA256, "tenant": "test", "team": "bench", "models": ["*"]}],
        });
        if let (true, Some(fields), serde_json::Value::Object(mut more)) =
            (with_policies, config.as_object_mut(), policies("sim/provider-model"))
        {
            fields.append(&mut more);
        }
        let gateway = config::from_json(config.to_string().as_bytes()).expect("the configuration is good");
        let tables = config::compile(&gateway, &|_| Some("sk-simulated".to_owned())).expect("and complete");
        let (path, version) = match client {
            Dialect::Anthropic => ("/v1/messages", Some("2023-06-01")),
            _ => ("/v1/chat/completions", None),
        };
        let body = input::request(client, size);
        let mut asked = vec![
            (":authority", "localhost:10000".to_owned()),
            (":path", path.to_owned()),
            (":method", "POST".to_owned()),
            (":scheme", "http".to_owned()),
            ("accept", "application/json".to_owned()),
            ("accept-encoding", "gzip, deflate".to_owned()),
            ("content-type", "application/json".to_owned()),
            ("user-agent", "SDK/Python 1.0.0".to_owned()),
            ("x-stainless-lang", "python".to_owned()),
            ("x-stainless-package-version", "1.0.0".to_owned()),
            ("x-stainless-os", "Linux".to_owned()),
            ("x-stainless-arch", "x64".to_owned()),
            ("x-stainless-runtime", "CPython".to_owned()),
            ("x-stainless-runtime-version", "3.12.0".to_owned()),
            ("authorization", KEY.to_owned()),
            ("x-stainless-async", "false".to_owned()),
            ("x-stainless-retry-count", "0".to_owned()),
            ("x-stainless-read-timeout", "600".to_owned()),
            ("content-length", body.len().to_string()),
            ("x-forwarded-proto", "http".to_owned()),
            ("x-request-id", "7d8b4ff5-6a44-4a9e-9d41-0f8f3b4b5a10".to_owned()),
        ];
        asked.extend(version.map(|version| ("anthropic-version", version.to_owned())));
        let answer = input::answer(provider);
        let answered = vec![
            (":status", "200".to_owned()),
            ("content-type", "application/json".to_owned()),
            ("content-length", answer.len().to_string()),
            ("date", "Thu, 01 Jan 2026 00:00:00 GMT".to_owned()),
            ("server", "simulated".to_owned()),
            ("x-request-id", "req_0123456789".to_owned()),
            ("x-envoy-upstream-service-time", "12".to_owned()),
        ];
        let host = Still {
            asked: Message { headers: asked, body },
            answered: Message { headers: answered, body: answer },
            ..Still::default()
        };
        prepare_shared(&host);
        Self { tables: Rc::new(tables), worker: Rc::default(), host, provider: "sim".into() }
    }

    /// Sends it.
    pub(crate) fn send(&self) {
        let host = &self.host;
        let mut edge = Edge::new(Rc::clone(&self.worker), Rc::clone(&self.tables));
        edge.on_request_headers(host, false);
        edge.on_request_body(host, host.asked.body.len(), true);
        let mut attempt = Attempt::new(Rc::clone(&self.worker), Some(Rc::clone(&self.provider)));
        attempt.on_request_headers(host);
        attempt.on_request_body(host, host.asked.body.len());
        attempt.on_response_headers(host, false);
        attempt.on_response_body(host, host.answered.body.len(), true);
        edge.on_response_headers(host, false);
        edge.on_response_body(host, host.answered.body.len());
        edge.on_log(host);
    }
}

impl Still {
    fn message(&self, side: Side) -> &Message {
        match side {
            Side::Request => &self.asked,
            Side::Response => &self.answered,
        }
    }
}

impl Host for Still {
    fn now_ns(&self) -> u64 {
        1_767_225_600_000_000_000
    }
    fn headers(&self, side: Side) -> Headers {
        self.message(side).headers.iter().map(|(name, value)| (*name, value.clone())).collect()
    }
    fn set_headers(&self, _side: Side, _headers: &Headers) {}
    fn set_header(&self, _side: Side, _name: &str, _value: Option<&str>) {}
    fn body(&self, side: Side, start: usize, len: usize) -> Vec<u8> {
        let body = &self.message(side).body;
        body.get(start..body.len().min(start.saturating_add(len))).unwrap_or_default().to_vec()
    }
    fn splice_body(&self, _side: Side, _drop: usize, _insert: &[u8]) {}
    fn reply(&self, status: u16, _headers: &[(&str, &str)], body: &[u8]) {
        panic!("the gateway answered itself: {status} {}", String::from_utf8_lossy(body));
    }
    fn remember(&self, key: &str, value: &[u8]) {
        if key == tollgate::gateway::host::key::REQUEST {
            value.clone_into(&mut self.token.borrow_mut());
        }
    }
    fn recall(&self, _key: &str) -> Option<Vec<u8>> {
        Some(self.token.borrow().clone())
    }
    fn property(&self, _path: &[&str]) -> Option<Vec<u8>> {
        None
    }
    fn reroute(&self) {}
    fn define_metric(&self, _kind: MetricKind, _name: &str) -> Option<u32> {
        self.metrics.set(self.metrics.get() + 1);
        Some(self.metrics.get())
    }
    fn add(&self, _metric: u32, _by: u64) {}
    fn record(&self, _metric: u32, _value: u64) {}
    fn shared(&self, key: &str) -> (Option<Vec<u8>>, Option<u32>) {
        match self.shared.borrow().get(key) {
            Some((value, version)) => (Some(value.clone()), Some(*version)),
            None => (None, None),
        }
    }
    fn share(&self, key: &str, value: &[u8], _version: Option<u32>) -> bool {
        let mut shared = self.shared.borrow_mut();
        let (held, version) = shared.entry(key.to_owned()).or_default();
        value.clone_into(held);
        *version += 1;
        true
    }
    fn post(&self, _: &str, _: &[(&str, &str)], _: &[u8], _: Duration) -> Option<u32> {
        None
    }
    fn wake_in(&self, _side: Side, _ms: u64) {}
    fn stream(&self) -> u32 {
        1
    }
    fn enter(&self, _stream: u32) -> bool {
        true
    }
    fn go_on(&self, _side: Side) {}
    fn hurry(&self) {}
    fn break_in(&self, _limit: Option<Duration>) {}
}
