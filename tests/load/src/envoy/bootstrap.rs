//! What Envoy runs: the bootstrap that `tollgate render` writes, and the same without the filter.

#[path = "../../../bench/policies.rs"]
mod policies;

use super::Places;
use crate::exchange::{ANTHROPIC_KEY_ENV, CLIENT_KEY_SHA256, Dialect, OPENAI_KEY_ENV};
use anyhow::{Context, Result, bail};
use policies::policies;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;

/// The cluster of a provider in a rendered bootstrap.
fn cluster(dialect: Dialect) -> String {
    format!("provider_{}", dialect.provider())
}

/// Where one Envoy listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) listen: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Ports {
    /// Two ports that were free a moment ago.
    pub(crate) fn free() -> Result<Self> {
        let listen = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let admin = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self { listen: listen.local_addr()?, admin: admin.local_addr()? })
    }
}

/// A gateway of this test, to be rendered.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    /// Names its files.
    pub(crate) name: &'static str,
    pub(crate) ports: Ports,
    /// The simulated providers.
    pub(crate) upstream: SocketAddr,
    /// A port where nobody listens.
    pub(crate) dead: Option<SocketAddr>,
    /// Further providers at the same address: name, dialect and base path.
    pub(crate) more: Vec<(String, &'static str, &'static str)>,
    /// Public name and chain of targets.
    pub(crate) models: Vec<(String, Vec<String>)>,
    /// Whether clients need a key.
    pub(crate) keys: bool,
    /// Whether budgets, limits, rules, a strategy and circuit breakers are in force, none of them ever reached.
    pub(crate) policies: bool,
}

impl Gateway {
    /// The file of audit lines.
    pub(crate) fn audit(&self, places: &Places) -> PathBuf {
        places.work.join(format!("{}-audit.log", self.name))
    }

    fn yaml(&self, places: &Places) -> Value {
        let provider = |address: SocketAddr, dialect: Dialect, key: &str| json!({"base_url": format!("http://{address}/v1"), "dialect": dialect.name(), "api_key_env": key});
        let mut providers = json!({
            "sim_openai": provider(self.upstream, Dialect::OpenAi, OPENAI_KEY_ENV),
            "sim_anthropic": provider(self.upstream, Dialect::Anthropic, ANTHROPIC_KEY_ENV),
        });
        if let (Some(dead), Some(map)) = (self.dead, providers.as_object_mut()) {
            map.insert("dead".to_owned(), provider(dead, Dialect::OpenAi, OPENAI_KEY_ENV));
        }
        if let Some(map) = providers.as_object_mut() {
            for (name, dialect, base) in &self.more {
                let url = format!("http://{}{base}", self.upstream);
                map.insert(
                    name.clone(),
                    json!({"base_url": url, "dialect": dialect, "api_key_env": OPENAI_KEY_ENV}),
                );
            }
        }
        let model = |chain: &Vec<String>| {
            if self.policies { json!({"targets": chain, "strategy": "lowest_latency"}) } else { json!(chain) }
        };
        let models: serde_json::Map<String, Value> =
            self.models.iter().map(|(name, chain)| (name.clone(), model(chain))).collect();
        let keys = if self.keys {
            json!([{"id": "load", "sha256": CLIENT_KEY_SHA256, "tenant": "test", "team": "load", "models": ["*"]}])
        } else {
            json!([])
        };
        let mut gateway = json!({
            "server": {"listen": self.ports.listen, "admin": self.ports.admin},
            "providers": providers,
            "models": models,
            "keys": keys,
            "audit": {"to": {"file": self.audit(places)}},
            "prices": {"sim": {"input": 1.25, "output": 10.0}},
        });
        if let (true, Some(map), Some(policies)) =
            (self.policies, gateway.as_object_mut(), policies("openai_chat/sim").as_object_mut())
        {
            map.append(policies);
        }
        gateway
    }
}

/// Has `tollgate` render the gateway's bootstrap; gives it parsed.
pub(crate) fn render(places: &Places, gateway: &Gateway) -> Result<Value> {
    let config = places.work.join(format!("{}-gateway.yaml", gateway.name));
    // JSON is YAML.
    std::fs::write(&config, serde_json::to_string_pretty(&gateway.yaml(places))?)?;
    let output = Command::new(&places.tollgate)
        .args(["render", "--target", "envoy", "--config"])
        .arg(&config)
        .arg("--module")
        .arg(&places.module)
        .output()
        .with_context(|| places.tollgate.display().to_string())?;
    if !output.status.success() {
        bail!("`tollgate render` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout).context("the rendered bootstrap")?;
    yaml_serde::from_str(&text).context("the rendered bootstrap")
}

/// The same bootstrap without the filter: no Wasm, routes that lead straight to the provider of the client's own dialect,
/// and a plain line of JSON for each request in the access log. All else, limits and retries included, stays.
pub(crate) fn plain(bootstrap: &Value) -> Result<Value> {
    let mut plain = bootstrap.clone();
    let mut removed = Removed::default();
    strip(&mut plain, &mut removed);
    if removed.filters < 2 || removed.routes == 0 || removed.logs == 0 {
        bail!("the rendered bootstrap is not what was expected: {removed:?}");
    }
    Ok(plain)
}

/// What was taken out of a bootstrap.
#[derive(Debug, Default)]
struct Removed {
    filters: usize,
    routes: usize,
    logs: usize,
}

fn strip(value: &mut Value, removed: &mut Removed) {
    match value {
        Value::Array(items) => {
            let before = items.len();
            items.retain(|item| !is_wasm(item));
            removed.filters += before - items.len();
            if items.iter().any(|item| item.pointer("/route/inline_cluster_specifier_plugin").is_some()) {
                *items = items.iter().flat_map(|route| static_routes(route, removed)).collect();
            }
            for item in items {
                strip(item, removed);
            }
        }
        Value::Object(fields) => {
            fields.remove("refresh_cluster_on_retry");
            if let Some(Value::Array(logs)) = fields.get_mut("access_log") {
                for log in logs.iter_mut().filter_map(Value::as_object_mut) {
                    // It asks for the filter's audit line.
                    log.remove("filter");
                }
            }
            if let Some(format) = fields.get_mut("log_format") {
                *format = access_log();
                removed.logs += 1;
            }
            for field in fields.values_mut() {
                strip(field, removed);
            }
        }
        _ => {}
    }
}

fn is_wasm(item: &Value) -> bool {
    item.pointer("/typed_config/@type").and_then(Value::as_str).is_some_and(|kind| kind.contains(".wasm.v3."))
}

/// A route to the provider of each dialect in place of one that the filter decides.
fn static_routes(route: &Value, removed: &mut Removed) -> Vec<Value> {
    if route.pointer("/route/inline_cluster_specifier_plugin").is_none() {
        return vec![route.clone()];
    }
    removed.routes += 1;
    let to = |dialect: Dialect| {
        let mut route = route.clone();
        if let Some(action) = route.get_mut("route").and_then(Value::as_object_mut) {
            action.remove("inline_cluster_specifier_plugin");
            action.insert("cluster".to_owned(), json!(cluster(dialect)));
        }
        route
    };
    let mut anthropic = to(Dialect::Anthropic);
    if let Some(fields) = anthropic.as_object_mut() {
        fields.insert("match".to_owned(), json!({"prefix": Dialect::Anthropic.path()}));
        fields.insert("name".to_owned(), json!("plain_anthropic"));
    }
    vec![anthropic, to(Dialect::OpenAi)]
}

fn access_log() -> Value {
    json!({"json_format": {
        "time": "%START_TIME%", "request_id": "%REQ(X-REQUEST-ID)%", "path": "%REQ(:PATH)%",
        "status": "%RESPONSE_CODE%", "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "cluster": "%UPSTREAM_CLUSTER%", "duration_ms": "%DURATION%", "sent": "%BYTES_SENT%",
        "received": "%BYTES_RECEIVED%", "flags": "%RESPONSE_FLAGS%",
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_bootstrap_keeps_all_but_the_filter() {
        let wasm = json!({"name": "w", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"}});
        let rendered = json!({
            "routes": [{
                "name": "all", "match": {"prefix": "/"},
                "route": {
                    "inline_cluster_specifier_plugin": {"extension": {}},
                    "retry_policy": {"refresh_cluster_on_retry": true, "num_retries": 3},
                },
                "request_body_buffer_limit": 33_554_432,
            }],
            "http_filters": [wasm, {"name": "router"}],
            "clusters": [{"http_filters": [wasm, {"name": "upstream_codec"}]}],
            "access_log": [{"filter": {"extension_filter": {}}, "typed_config": {"path": "/dev/stdout", "log_format": {"text_format_source": {}}}}],
        });
        let plain = plain(&rendered).unwrap();
        assert_eq!(plain["http_filters"], json!([{"name": "router"}]));
        assert_eq!(plain["clusters"][0]["http_filters"], json!([{"name": "upstream_codec"}]));
        assert_eq!(plain["routes"][0]["match"]["prefix"], "/v1/messages");
        assert_eq!(plain["routes"][0]["route"]["cluster"], "provider_sim_anthropic");
        assert_eq!(plain["routes"][1]["route"]["cluster"], "provider_sim_openai");
        assert_eq!(plain["routes"][1]["route"]["retry_policy"], json!({"num_retries": 3}));
        assert_eq!(plain["routes"][1]["request_body_buffer_limit"], 33_554_432);
        assert!(plain["access_log"][0]["filter"].is_null());
        assert!(plain["access_log"][0]["typed_config"]["log_format"]["json_format"].is_object());
    }

    #[test]
    fn a_bootstrap_without_the_filter_is_refused() {
        assert!(plain(&json!({"http_filters": [{"name": "router"}]})).is_err());
    }
}
