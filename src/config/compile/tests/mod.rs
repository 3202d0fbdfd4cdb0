//! Whole configurations, compiled.

mod endpoints;

use super::*;
use crate::config::from_json;
use crate::config::tables::Auth;
use crate::dialect::{Call, Dialect, Operation, Service};
use serde_json::{Value, json};
use std::time::Duration;

fn env(name: &str) -> Option<String> {
    (name.ends_with("_KEY") && !name.starts_with("LITELLM")).then(|| format!("value-of-{name}"))
}

fn compiled(json: &Value) -> Tables {
    let gateway = from_json(json.to_string().as_bytes()).unwrap();
    compile(&gateway, &env).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The problems as `path: message (did you mean …)`.
fn problems(json: &Value) -> Vec<String> {
    let gateway = from_json(json.to_string().as_bytes()).unwrap();
    compile(&gateway, &env).unwrap_err().iter().map(ToString::to_string).collect()
}

/// Where conversations are.
fn paths(tables: &Tables, provider: &str) -> Vec<String> {
    let provider = tables.providers.iter().find(|known| *known.name == *provider).unwrap();
    let is_text = |dialect| dialect == Dialect::OpenaiCompletions;
    let chat = provider.endpoints.iter().filter(|e| e.operation == Operation::Chat && !is_text(e.dialect));
    chat.map(|e| format!("{} {}", e.dialect.as_str(), e.path)).collect()
}

#[test]
fn one_line_is_a_gateway() {
    let tables = compiled(&json!({"models": {"gpt-4o": "openai/gpt-4o"}}));
    let provider = &tables.providers[0];
    assert_eq!((&*provider.name, &*provider.cluster), ("openai", "provider_openai"));
    assert_eq!(&*provider.authority, "api.openai.com");
    assert_eq!(
        paths(&tables, "openai"),
        ["openai_chat /v1/chat/completions", "openai_responses /v1/responses"]
    );
    let Auth::Header { name, value } = &provider.auth else { panic!("{:?}", provider.auth) };
    assert_eq!((*name, &*value.0), ("authorization", "Bearer value-of-OPENAI_API_KEY"));
    let model = &tables.models["gpt-4o"];
    assert_eq!((model.retries, model.timeout.both()), (0, [Duration::from_mins(5); 2]));
    assert_eq!(&*tables.listed, &["gpt-4o".into()]);
    assert_eq!(
        (tables.max_body, tables.max_held, tables.quotas.queue.bytes),
        (32 << 20, 512 << 20, 256 << 20)
    );
    assert!(tables.response_headers && tables.access.keys.is_empty() && tables.cors.origins.is_empty());
}

#[test]
fn a_full_model_says_everything() {
    let tables = compiled(&json!({
        "providers": {"claude": {"preset": "anthropic"}},
        "defaults": {"backoff": {"base": "2s", "max": "20s"}, "drop_params": false, "drop_content": true, "max_tokens": 100},
        "models": {"best": {
            "targets": ["claude/a", {"provider": "openai", "model": "b/c", "max_tokens": 7, "params": {"x": [1, 0.5]}}],
            "aliases": ["default"], "retries": 2, "timeout": "30s", "max_retry_after": "1m"
        }}
    }));
    let model = &tables.models["default"];
    assert_eq!(&*model.name, "best");
    assert_eq!((model.retries, model.drop_params, model.default_max_tokens), (2, false, 100));
    assert!(model.drop_content);
    assert_eq!(model.backoff.base, Duration::from_secs(2));
    assert_eq!(model.backoff.max, Duration::from_secs(20));
    assert_eq!(model.backoff.max_retry_after, Duration::from_mins(1));
    assert_eq!(&*model.targets[0].provider.name, "claude");
    let second = &model.targets[1];
    assert_eq!((&*second.model, second.max_tokens), ("b/c", Some(7)));
    assert_eq!((&*second.params[0].0, second.params[0].1.get()), ("x", "[1,0.5]"));
    assert_eq!(tables.listed.len(), 1);
    assert_eq!(
        tables.providers.iter().map(|p| (p.index, &*p.name)).collect::<Vec<_>>(),
        [(0, "claude"), (1, "openai")]
    );
}

#[test]
fn wildcards_stand_in_the_order_of_their_fixed_part() {
    let tables = compiled(&json!({"models": {
        "*": "openrouter/*", "anthropic/*": "anthropic/*", "x-*-latest": "openai/x", "anthropic/claude-*": "anthropic/c-*"
    }}));
    let order: Vec<&str> = tables.wildcards.iter().map(|wildcard| &*wildcard.model.name).collect();
    assert_eq!(order, ["anthropic/claude-*", "anthropic/*", "x-*-latest", "*"]);
    assert_eq!((&*tables.wildcards[2].prefix, &*tables.wildcards[2].suffix), ("x-", "-latest"));
    assert!(tables.listed.is_empty());
}

#[test]
fn litellm_takes_everything() {
    let tables = compiled(&json!({
        "litellm": {"base_url": "http://127.0.0.1:4000"},
        "models": {"smart": ["openai/gpt", "litellm/prod-gpt"], "fast": "groq/llama"}
    }));
    let target = |name: &str| {
        let model = &tables.models[name];
        (model.targets.len(), model.targets[0].provider.name.to_string(), model.targets[0].model.to_string())
    };
    assert_eq!(target("smart"), (1, "litellm".to_owned(), "prod-gpt".to_owned()));
    assert_eq!(target("fast"), (1, "litellm".to_owned(), "fast".to_owned()));
    assert_eq!(&*tables.wildcards[0].model.targets[0].model, "*");
    assert_eq!(
        paths(&tables, "litellm"),
        ["openai_chat /v1/chat/completions", "openai_responses /v1/responses", "anthropic /v1/messages"]
    );
    assert!(matches!(tables.providers.iter().find(|p| &*p.name == "litellm").unwrap().auth, Auth::None));
    let alone = compiled(&json!({"litellm": {"base_url": "http://h:4000/v1", "auth": "passthrough"}}));
    assert_eq!(
        paths(&alone, "litellm"),
        ["openai_chat /v1/chat/completions", "openai_responses /v1/responses", "anthropic /v1/messages"]
    );
    assert!(matches!(alone.providers[0].auth, Auth::Passthrough));
}

#[test]
fn chains_for_a_reason_go_through_the_proxy_as_well() {
    let config = |target: &str| {
        json!({
            "litellm": {"base_url": "http://127.0.0.1:4000"},
            "models": {"a": {"targets": ["litellm/a"], "fallbacks": {"context_window": [target]}}},
            "defaults": {"fallbacks": {"content_policy": [target]}}
        })
    };
    assert_eq!(compiled(&config("litellm/long")).models["a"].targets.len(), 2);
    let said = "in LiteLLM mode `all` everything goes through the proxy: `litellm/MODEL`";
    assert_eq!(
        problems(&config("openai/gpt")),
        [
            format!("defaults.fallbacks.content_policy[0]: {said}"),
            format!("models.a.fallbacks.context_window[0]: {said}")
        ]
    );
}

#[test]
fn litellm_hybrid_leaves_chains_alone() {
    let tables = compiled(&json!({
        "litellm": {"base_url": "http://127.0.0.1:4000", "mode": "hybrid", "api_key_env": "PROXY_KEY"},
        "models": {"smart": ["litellm/gpt", "openai/gpt"], "fast": "groq/llama"}
    }));
    let chain: Vec<&str> =
        tables.models["smart"].targets.iter().map(|target| &*target.provider.name).collect();
    assert_eq!(chain, ["litellm", "openai"]);
    assert!(tables.wildcards.is_empty());
}

#[test]
fn a_missing_variable_is_found_at_the_request() {
    let tables = compiled(&json!({
        "providers": {
            "openai": {"api_key_env": "NOBODY_SET_THIS"},
            "groq": {"headers": {"X-Team": "a", "x-secret": {"env": "NOR_THIS"}}},
            "xai": {"headers": {"X-Secret": {"env": "SET_KEY"}}}
        },
        "models": {"a": "openai/a"}
    }));
    let provider = |name: &str| tables.providers.iter().find(|provider| *provider.name == *name).unwrap();
    assert!(
        matches!(&provider("openai").auth, Auth::Missing { variable } if &**variable == "NOBODY_SET_THIS")
    );
    assert!(matches!(&provider("groq").auth, Auth::Missing { variable } if &**variable == "NOR_THIS"));
    assert_eq!(provider("xai").headers, [("x-secret".into(), "value-of-SET_KEY".into())]);
    let debug = format!("{:?}", provider("xai").auth);
    assert!(!debug.contains("value-of"), "{debug}");
}

#[test]
fn passthrough_forwards_what_anthropic_clients_need() {
    let tables = compiled(&json!({
        "providers": {
            "anthropic": {"auth": "passthrough"},
            "openai": {"auth": "passthrough", "forward_headers": ["OpenAI-Organization", "openai-organization"]}
        },
        "models": {"a": "anthropic/a"}
    }));
    assert_eq!(tables.providers[0].forward_headers, ["anthropic-version".into(), "anthropic-beta".into()]);
    assert_eq!(tables.providers[1].forward_headers, ["openai-organization".into()]);
}

#[test]
fn every_mistake_is_found_at_once_with_its_path() {
    let found = problems(&json!({
        "server": {"listen": "localhost:80", "prefix": "llm/", "max_body": "1GiB",
                   "cors": {"origins": ["https://a.example/", "*"]}},
        "providers": {
            "mine": {"preset": "opnai"},
            "bare": {},
            "azure": {},
            "antropic": {},
            "url": {"preset": "openai", "base_url": "api.openai.com", "api_version": "x"},
            "key": {"preset": "openai", "api_key_env": "sk-123"},
            "head": {"preset": "openai", "headers": {"Authorization": "x", "Host": "y", "a": "b\r\nc"},
                     "forward_headers": ["cookie", "x-api-key", "x-envoy-max-retries"]},
            "zero": {"preset": "openai", "timeout": "0s"}
        },
        "models": {
            "smart": {"targets": ["zero/a", {"provider": "opneai", "model": "b"}], "aliases": ["fast", "s*"]},
            "fast": ["openai"],
            "none": [],
            "two**": "openai/x",
            "plain": "openai/a*",
            "az": "azure/x",
            "compat": "openai_compatible/x",
            "own": {"targets": [{"provider": "openai", "model": "x", "params": {"model": "y"}}], "retries": 99}
        },
        "keys": [
            {"id": "a", "sha256": "00"},
            {"id": "b", "sha256": "a".repeat(64)},
            {"id": "b", "sha256": "A".repeat(64), "tenant": "x;y"}
        ],
        "prices": {"m": {"input": -1.0, "output": 1.0}},
        "audit": {"to": {"otlp": "collector"}}
    }));
    let expected = [
        "providers.mine.preset: there is no preset `opnai` (did you mean `openai`?)",
        "providers.bare: needs a `preset`, or a `base_url` and a `dialect`",
        "providers.azure: the preset azure needs a `base_url`",
        "providers.antropic: needs a `preset`, or a `base_url` and a `dialect` (did you mean `anthropic`?)",
        "providers.url.base_url: `api.openai.com` must start with https:// or http://",
        "providers.url.api_version: only the preset azure has API versions",
        "providers.key.api_key_env: must be the name of an environment variable, not the key itself",
        "providers.head.headers.Authorization: carries the key already",
        "providers.head.headers.Host: cannot be set: it belongs to the connection or to the gateway",
        "providers.head.headers.a: has control characters in its value",
        "providers.head.forward_headers[1]: is a credential: `auth: passthrough` forwards it",
        "providers.head.forward_headers[2]: cannot be forwarded: it belongs to the connection or to the gateway",
        "providers.zero.timeout: must be longer than 0s",
        "models.smart.targets[1].provider: there is no provider `opneai` (did you mean `openai`?)",
        "models.smart.aliases[0]: `fast` is a model of its own",
        "models.smart.aliases[1]: an alias is a plain name: patterns are models of their own",
        "models.fast[0]: a target is `provider/model` (did you mean `openai/MODEL`?)",
        "models.none: has no target",
        "models.two**: a pattern has one `*`",
        "models.plain: `*` has a meaning only under a pattern: this name has none",
        "models.compat: the preset openai_compatible needs a `base_url`: list it under `providers`",
        "models.own.targets[0].params.model: is not a target's to set: it belongs to the request and the gateway",
        "models.own.retries: must be at most 16",
        "server.prefix: must be a plain path such as /llm (did you mean `/llm`?)",
        "server.cors.origins[0]: an origin is a scheme and a host, such as https://app.example (did you mean \
         `https://a.example`?)",
        "server.cors.origins[1]: `*` allows all origins and stands alone",
        "server.max_body: must be between 1 byte and 256MiB",
        "keys[0].sha256: must be the SHA-256 of the key in 64 hex digits; `tollgate key new` prints it",
        "keys[2].tenant: is 1 to 128 characters, without control characters and `;`",
        "keys[2].id: `b` is defined twice",
        "keys[2].sha256: is the key of `b` already",
        "prices.m.input: a price is zero or more, in USD per million tokens",
        "server.listen: `localhost` must be an IP address: that of this machine to listen on (did you mean \
         `127.0.0.1:80`?)",
        "audit.to.otlp: `collector` lacks a port",
    ];
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    assert_eq!(sorted(found.clone()), sorted(expected.iter().map(ToString::to_string).collect()));
    assert!(!format!("{found:?}").contains("sk-123"));
}

#[test]
fn a_gateway_without_models_is_refused() {
    assert_eq!(
        problems(&json!({"providers": {"openai": {}}})),
        ["models: there is no model: clients could ask for nothing"]
    );
}

#[test]
fn two_models_cannot_share_an_alias() {
    let found = problems(&json!({"models": {
        "a": {"targets": ["openai/a"], "aliases": ["x", "x"]}, "b": {"targets": ["openai/b"], "aliases": ["x"]}
    }}));
    assert_eq!(
        found,
        [
            "models.a.aliases[1]: `x` leads to the model `a` already",
            "models.b.aliases[0]: `x` leads to the model `a` already"
        ]
    );
}

#[test]
fn what_is_written_is_read_again_as_it_was() {
    let json = json!({
        "server": {"max_body": "1MiB", "cors": {"origins": ["*"], "max_age": "1m"}},
        "providers": {"b": {"preset": "openai", "timeout": "90s"}, "a": {"preset": "groq", "headers": {"x": {"env": "Y"}}}},
        "models": {"z": "b/z", "y": ["a/y", {"provider": "b", "model": "w", "params": {"t": 0.1}}],
                   "x": {"targets": ["a/x"], "retries": 1}},
        "audit": {"to": {"file": "/tmp/a"}},
    });
    let gateway = from_json(json.to_string().as_bytes()).unwrap();
    let written = serde_json::to_string(&gateway).unwrap();
    assert_eq!(from_json(written.as_bytes()).unwrap(), gateway);
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), json);
    assert!(Dialect::OpenaiChat.as_str() == "openai_chat");
}

#[test]
fn keys_have_names_models_and_an_end() {
    let tables = compiled(&json!({
        "models": {"a": "openai/a"},
        "keys": [
            {"id": "one", "sha256": "a".repeat(64), "tenant": "acme", "team": "search", "project": "ranker",
             "models": ["a", "claude-*"], "expires": "2027-01-31", "disabled": true, "metadata": {"tier": "gold"}},
            {"id": "two", "sha256": "b".repeat(64)}
        ],
        "identity": {"headers": {"user": "X-User"}}
    }));
    let one = tables.access.keys.get(&[0xaa; 32]).unwrap();
    assert_eq!(
        (one.tenant.as_deref(), one.team.as_deref(), one.project.as_deref()),
        (Some("acme"), Some("search"), Some("ranker"))
    );
    assert_eq!(
        (one.models.as_ref().unwrap().len(), one.expires, one.disabled),
        (2, Some(1_801_353_600), true)
    );
    assert_eq!(one.metadata["tier"], "gold");
    let two = tables.access.keys.get(&[0xbb; 32]).unwrap();
    assert_eq!((&*two.id, &two.models, two.expires), ("two", &None, None));
    assert!(tables.access.keys.get(&[0xab; 32]).is_none());
    let headers = &tables.access.headers;
    assert_eq!((headers.user.as_deref(), headers.agent.as_deref()), (Some("x-user"), Some("x-agent-type")));
    assert_eq!(headers.tenant, None);
}

#[test]
fn mistakes_in_keys_are_named() {
    let found = problems(&json!({
        "models": {"a": "openai/a"},
        "keys": [
            {"id": "", "sha256": "a".repeat(64), "team": "a;b", "models": ["**", ""], "expires": "soon"},
        ],
        "identity": {"headers": {"tenant": "x tenant", "user": "x-envoy-user"}}
    }));
    let label = "is 1 to 128 characters, without control characters and `;`";
    let model = "is the name of a model, or a pattern with one `*`";
    assert_eq!(
        found,
        [
            format!("keys[0].id: {label}"),
            format!("keys[0].team: {label}"),
            format!("keys[0].models[0]: {model}"),
            format!("keys[0].models[1]: {model}"),
            "keys[0].expires: is a date such as 2027-01-31, or a time such as 2027-01-31T18:00:00Z"
                .to_owned(),
            "identity.headers.tenant: is the name of a request header".to_owned(),
            "identity.headers.user: is taken from every request: such headers steer the proxy".to_owned(),
        ]
    );
}

/// The router's limit to the first token, in milliseconds, each target's own, and the clusters that keep them.
fn limits_of(tables: &Tables, streamed: bool) -> (u128, Vec<Option<u128>>, Vec<String>) {
    let model = &tables.models["m"];
    let own = model.targets.iter().map(|target| Some(target.limit.of(streamed)?.as_millis()));
    let clusters = model.targets.iter().map(|target| target.cluster(streamed).to_owned());
    (model.timeout.of(streamed).as_millis(), own.collect(), clusters.collect())
}

#[test]
fn streams_may_have_limits_of_their_own() {
    let tables = compiled(&json!({
        "defaults": {"stream_timeout": "20s"},
        "providers": {"openai": {"timeout": "1m"}, "groq": {"stream_timeout": "3s"}},
        "models": {"m": ["openai/a", "groq/b", {"provider": "xai", "model": "c", "timeout": "5s"}]},
    }));
    let (longest, own, _) = limits_of(&tables, false);
    assert_eq!((longest, own), (300_000, vec![Some(60_000), None, Some(5_000)]));
    // What is said of streams, and be it for all, comes before what is said of answers of any kind.
    let (longest, own, clusters) = limits_of(&tables, true);
    assert_eq!((longest, own), (20_000, vec![None, Some(3_000), None]));
    assert_eq!(clusters, ["provider_openai", "tollgate_timed", "provider_xai"]);
    assert_eq!(tables.route.timeout, Duration::from_mins(5), "the longest of all");
}

#[test]
fn limits_that_were_set_are_each_targets_own_and_the_longest_is_the_routers() {
    let limits = |json: Value| {
        let [whole, stream] = [false, true].map(|streamed| limits_of(&compiled(&json), streamed));
        assert_eq!(whole, stream);
        whole
    };
    let chain = json!(["openai/a", "groq/b", {"provider": "xai", "model": "c", "timeout": "5s"}]);
    let quick = json!({"openai": {"timeout": "2s"}});
    let (longest, own, clusters) = limits(json!({"providers": quick, "models": {"m": chain}}));
    assert_eq!((longest, own), (300_000, vec![Some(2_000), None, Some(5_000)]));
    assert_eq!(clusters, ["tollgate_timed", "provider_groq", "tollgate_timed"]);
    // The default gives way to what is longer; one that was set does not.
    let slow = json!({"openai": {"timeout": "9m"}});
    let (longest, own, _) = limits(json!({"providers": slow, "models": {"m": chain}}));
    assert_eq!((longest, own), (540_000, vec![None, None, Some(5_000)]));
    let defaults = json!({"timeout": "10s"});
    let (longest, own, _) = limits(json!({"providers": slow, "models": {"m": chain}, "defaults": defaults}));
    assert_eq!((longest, own), (540_000, vec![None, Some(10_000), Some(5_000)]));
    // A model's own comes before its providers', and a target's before that.
    let model = json!({"m": {"targets": chain, "timeout": "3s"}});
    let (longest, own, _) = limits(json!({"providers": quick, "models": model}));
    assert_eq!((longest, own), (5_000, vec![Some(3_000), Some(3_000), None]));
}

#[test]
fn circuits_are_read_field_by_field_from_model_provider_and_defaults() {
    let tables = compiled(&json!({
        "defaults": {"circuit_breaker": {"failure_threshold": 5, "open": "10s", "cooldown": "1s"}},
        "providers": {
            "a": {"preset": "vllm", "circuit_breaker": {"open": "20s", "max_requests": 7}},
            "b": {"preset": "vllm", "circuit_breaker": {"failure_threshold": 0, "max_cooldown": "0s"}}
        },
        "models": {"m": {"targets": ["a/x", "b/x"], "circuit_breaker": {"success_threshold": 3}}, "n": "a/x"}
    }));
    let circuit = |model: &str, index: usize| tables.models[model].targets[index].circuit;
    let breaker = circuit("m", 0).breaker.unwrap();
    assert_eq!((breaker.failure_threshold, breaker.success_threshold), (5, 3));
    assert_eq!((breaker.open, circuit("m", 0).cooldown), (Duration::from_secs(20), Duration::from_secs(1)));
    assert_eq!((circuit("m", 1).breaker, circuit("m", 1).max_cooldown), (None, Duration::ZERO));
    assert_eq!(circuit("n", 0).breaker.unwrap().success_threshold, 1);
    let ids = |model: &str| tables.models[model].targets[0].id;
    assert_eq!(ids("m"), ids("n"), "a target is the same in every model");
    let wrong = json!({
        "defaults": {"circuit_breaker": {"success_threshold": 0, "max_cooldown": "25h"}},
        "providers": {"a": {"preset": "vllm", "circuit_breaker": {"open": "0s"},
                            "health_check": {"path": "health", "every": "0s"}}},
        "models": {"m": {"targets": ["a/x"], "circuit_breaker": {"open": "0s"}}}
    });
    assert_eq!(
        problems(&wrong),
        [
            "models.m.circuit_breaker.open: must be longer than 0s",
            "defaults.circuit_breaker.success_threshold: must be more than 0",
            "defaults.circuit_breaker.max_cooldown: must be at most 24h",
            "providers.a.circuit_breaker.open: must be longer than 0s",
            "providers.a.health_check.path: must be a path such as /health",
            "providers.a.health_check.every: must be longer than 0s",
        ]
    );
}
