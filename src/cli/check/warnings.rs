//! What is no mistake, and still probably not meant.

use crate::config::nearest::nearest;
use crate::config::problem::entry;
use crate::config::schema::{AuthMode, Gateway, Litellm, ModelEntry, TargetEntry};
use crate::config::tables::{Endpoint, Model, Provider, Tables, Target};
use crate::config::upstream::is_dateless;
use crate::config::{AuthPlan, Problem, Upstream, without_endpoint};
use crate::dialect::Dialect;
use crate::policy::strategy::Strategy;
use crate::provider::preset;
use std::collections::BTreeMap;

/// Whether a price is known for a provider's model.
pub(super) type Priced<'p> = &'p dyn Fn(&Provider, &str) -> bool;

/// What is wrong with a target or a provider beside a proxy that gets everything.
const PROXY_ALONE: &str = "is never asked: `litellm.mode` is `all`, and the proxy alone gets every model; with `mode: hybrid` it is asked";

/// Everything doubtful, section by section.
pub(super) fn warnings(
    gateway: &Gateway,
    tables: &Tables,
    upstreams: &[Upstream],
    env: &dyn Fn(&str) -> Option<String>,
    priced: Priced<'_>,
) -> Vec<Problem> {
    let mut warnings = Vec::new();
    exposure(gateway, tables, &mut warnings);
    providers(gateway, tables, upstreams, env, &mut warnings);
    for model in every_model(tables).values() {
        chain(model, &mut warnings);
        prices(model, tables, priced, &mut warnings);
    }
    unused_prices(gateway, tables, &mut warnings);
    replaced(gateway, &mut warnings);
    weights(gateway, &mut warnings);
    warnings
}

/// Whether the proxy takes the place of every chain.
fn is_all(gateway: &Gateway) -> bool {
    gateway.litellm.as_ref().is_some_and(Litellm::takes_everything)
}

/// Targets whose place the proxy takes.
fn replaced(gateway: &Gateway, warnings: &mut Vec<Problem>) {
    if !is_all(gateway) {
        return;
    }
    let written = gateway.models.iter().flat_map(|(name, model)| model.chain(&entry("models", name)));
    for (at, _) in written.filter(|(_, target)| target.provider() != Some("litellm")) {
        warnings.push(Problem::new(at, PROXY_ALONE));
    }
}

/// Weights in chains that are asked in the order of the file, one for each model.
fn weights(gateway: &Gateway, warnings: &mut Vec<Problem>) {
    for (name, model) in gateway.models.iter() {
        let goes_by_weight = match model {
            ModelEntry::Full(model) => {
                model.sticky.is_some() || model.strategy.unwrap_or_default() != Strategy::Ordered
            }
            ModelEntry::One(_) | ModelEntry::Chain(_) => false,
        };
        let has_weight =
            |target: &TargetEntry| matches!(target, TargetEntry::Full(full) if full.weight.is_some());
        let chain = model.chain(&entry("models", name));
        let first = chain.into_iter().find(|(_, target)| has_weight(target));
        if let Some((at, _)) = first.filter(|_| !goes_by_weight) {
            let message = "has no effect: targets are asked in the order they are written; `strategy: weighted` goes by it";
            warnings.push(Problem::new(format!("{at}.weight"), message));
        }
    }
}

/// Each model once, by its name.
fn every_model(tables: &Tables) -> BTreeMap<&str, &Model> {
    let patterns = tables.wildcards.iter().map(|wildcard| &wildcard.model);
    tables.models.values().chain(patterns).map(|model| (&*model.name, &**model)).collect()
}

/// Who could reach what.
fn exposure(gateway: &Gateway, tables: &Tables, warnings: &mut Vec<Problem>) {
    let is_open = |address: &Option<String>| {
        let host = address.as_deref().and_then(|address| crate::config::host_port(address).ok())?.0;
        host.parse::<std::net::IpAddr>().ok().map(|ip| !ip.is_loopback())
    };
    if is_open(&gateway.server.admin) == Some(true) {
        let message = "the admin interface has no authentication and can stop Envoy: keep it on 127.0.0.1";
        warnings.push(Problem::new("server.admin", message));
    }
    if is_open(&gateway.server.listen) == Some(true) && tables.access.is_open() {
        let passthrough =
            gateway.litellm.as_ref().is_some_and(|litellm| litellm.auth == Some(AuthMode::Passthrough))
                || gateway.providers.iter().any(|(_, provider)| provider.auth == Some(AuthMode::Passthrough));
        if !passthrough {
            let message = "anybody who reaches this address can spend your keys' money: clients need no key";
            warnings.push(Problem::new("server.listen", message));
        }
    }
}

/// Variables that are not set, and providers that nobody asks.
fn providers(
    gateway: &Gateway,
    tables: &Tables,
    upstreams: &[Upstream],
    env: &dyn Fn(&str) -> Option<String>,
    warnings: &mut Vec<Problem>,
) {
    let models = every_model(tables);
    for upstream in upstreams {
        let path = match &gateway.litellm {
            Some(_) if upstream.name == "litellm" => "litellm".to_owned(),
            _ => entry("providers", &upstream.name),
        };
        let is_asked = models
            .values()
            .any(|model| model.targets.iter().any(|target| *target.provider.name == *upstream.name));
        if !is_asked && is_all(gateway) {
            // What else is doubtful about it matters to nobody.
            warnings.push(Problem::new(&path, PROXY_ALONE));
            continue;
        }
        for (variable, optional) in upstream.variables() {
            if !optional && env(variable).is_none_or(|value| value.trim().is_empty()) {
                let message =
                    format!("the environment variable {variable} is not set: its requests will fail");
                warnings.push(Problem::new(&path, message));
            }
        }
        placeless(upstream, &path, warnings);
        starved(upstream, &models, &path, warnings);
        doubled(upstream, &path, warnings);
        undated(upstream, &path, warnings);
        let is_listed = gateway.providers.get(&upstream.name).is_some();
        if !is_asked && is_listed && gateway.litellm.is_none() {
            warnings.push(Problem::new(&path, "no model names it"));
        }
        let speaks_openai = upstream.endpoints.iter().any(|endpoint| {
            endpoint.dialect == Dialect::OpenaiChat && &*endpoint.path == "/chat/completions"
        });
        if speaks_openai && upstream.settings.base_url.is_some() && upstream.base.path.is_empty() {
            let near =
                upstream.settings.base_url.as_deref().map(|url| format!("{}/v1", url.trim_end_matches('/')));
            let message = "requests will go to /chat/completions; most servers want /v1 in front";
            warnings.push(Problem::new(format!("{path}.base_url"), message).suggest(near));
        }
        if upstream.auth == AuthPlan::None && upstream.base.tls && upstream.settings.auth.is_none() {
            let message =
                "sends no credential over TLS: name the key's variable in `api_key_env`, or say `auth: none`";
            warnings.push(Problem::new(&path, message));
        }
    }
}

/// Thresholds of Envoy's where another target could take what is beyond them.
fn starved(upstream: &Upstream, models: &BTreeMap<&str, &Model>, path: &str, warnings: &mut Vec<Problem>) {
    let is_there = |target: &Target| *target.provider.name == *upstream.name;
    let falls_back = |model: &&&Model| {
        model.targets.iter().any(is_there) && model.targets.iter().any(|target| !is_there(target))
    };
    let Some(breaker) = &upstream.settings.circuit_breaker else { return };
    let Some(model) = models.values().find(falls_back) else { return };
    for (field, threshold) in
        [("max_requests", breaker.max_requests), ("max_pending_requests", breaker.max_pending_requests)]
    {
        if threshold.is_some() {
            let message = format!(
                "what is beyond it fails and does not fall back (`{}` could): `limits: [{{per: provider, only: {{provider: [{}]}}, concurrent: …}}]` lets the next target take it",
                model.name, upstream.name
            );
            warnings.push(Problem::new(format!("{path}.circuit_breaker.{field}"), message));
        }
    }
}

/// A base URL that ends with what is put behind it.
fn doubled(upstream: &Upstream, path: &str, warnings: &mut Vec<Problem>) {
    let Some(url) = &upstream.settings.base_url else { return };
    let added = |endpoint: &Endpoint| endpoint.path.strip_prefix(&upstream.base.path).map(ToOwned::to_owned);
    let added: Vec<String> = upstream.endpoints.iter().filter_map(added).collect();
    if let (Some(near), Some(first)) =
        (without_endpoint(url, added.iter().map(String::as_str)), upstream.endpoints.first())
    {
        let message = format!("ends with the path of an endpoint: requests will go to {}", first.path);
        warnings.push(Problem::new(format!("{path}.base_url"), message).suggest(Some(near)));
    }
}

/// The word for Azure's surface without dates, which is at another place than the dated one.
fn undated(upstream: &Upstream, path: &str, warnings: &mut Vec<Problem>) {
    let version = upstream.settings.api_version.as_deref();
    if version.is_some_and(is_dateless) && !upstream.base.path.ends_with("/openai/v1") {
        let message = "is no version of the dated surface; the one without dates is a `base_url` that ends with /openai/v1";
        warnings.push(Problem::new(format!("{path}.api_version"), message));
    }
}

/// Region and project that nothing is made of.
fn placeless(upstream: &Upstream, path: &str, warnings: &mut Vec<Problem>) {
    let settings = &upstream.settings;
    let usual =
        preset(settings.preset.as_deref().unwrap_or(&upstream.name)).and_then(|preset| preset.base_url);
    let url = settings.base_url.as_deref().or(usual).unwrap_or_default();
    let signs = matches!(upstream.auth, AuthPlan::Aws { .. });
    for (field, place, value, is_used) in
        [("region", "{region}", &settings.region, signs), ("project", "{project}", &settings.project, false)]
    {
        if value.is_some() && !is_used && !url.contains(place) {
            let message = format!("has no use here: there is no `{place}` in its base URL");
            warnings.push(Problem::new(format!("{path}.{field}"), message));
        }
    }
}

/// Targets that come too late to matter. Each chain is looked at by itself: the request goes to that for a reason instead
/// of the rest of its own.
fn chain(model: &Model, warnings: &mut Vec<Problem>) {
    let is_same =
        |one: &Target, other: &Target| one.provider.name == other.provider.name && one.model == other.model;
    let own = model.chain();
    for positions in [0..model.chain, model.on_context_window.clone(), model.on_content_policy.clone()] {
        let is_for_reason = positions.start > 0;
        let chain = model.targets.get(positions).unwrap_or_default();
        for (index, target) in chain.iter().enumerate() {
            let mut earlier = chain.iter().take(index);
            // Where the model has but one target, that is who refused.
            let refused = is_for_reason && !own.is_empty() && own.iter().all(|one| is_same(one, target));
            if refused || earlier.any(|one| is_same(one, target)) {
                let message = format!(
                    "{}/{} stands in this chain already: it fails again for the same reason; `retries` tries again",
                    target.provider.name, target.model
                );
                warnings.push(Problem::new(entry("models", &model.name), message));
            }
        }
    }
    let [whole, stream] = model.timeout.both();
    let too_long = [("timeout", whole), ("stream_timeout", stream)];
    if let Some((field, _)) = too_long.into_iter().find(|(_, limit)| *limit > model.request_timeout) {
        let message = format!("`{field}` is longer than `request_timeout`: the whole request ends first");
        warnings.push(Problem::new(entry("models", &model.name), message));
    }
}

/// Models whose cost will be unknown.
fn prices(model: &Model, tables: &Tables, priced: Priced<'_>, warnings: &mut Vec<Problem>) {
    for target in model.targets.iter().filter(|target| !target.model.contains('*')) {
        let own = tables.own_price(&target.provider.name, &target.model);
        if own.is_none() && !priced(&target.provider, &target.model) {
            let message = format!(
                "no price is known for {}/{}: its cost will be absent; `prices` can say it, under `{}`",
                target.provider.name, target.model, target.model
            );
            let problem = Problem::new(entry("models", &model.name), message);
            // It may stand in the chain for a reason as well.
            if !warnings.contains(&problem) {
                warnings.push(problem);
            }
        }
    }
}

/// Prices of models that nobody asks for.
fn unused_prices(gateway: &Gateway, tables: &Tables, warnings: &mut Vec<Problem>) {
    let targets = || tables.targets().map(|target| &*target.model);
    let is_of = |name: &str, model: &str| match model.split_once('*') {
        Some((before, after)) => name.starts_with(before) && name.ends_with(after),
        None => model == name,
    };
    let is_asked =
        |name: &str| tables.targets().any(|target| is_of(name, &target.model) || is_of(name, &target.name));
    for name in gateway.prices.names().filter(|name| !is_asked(name)) {
        // Prices are by the provider's name of a model, without the provider's own.
        let bare = name.split_once('/').map(|(_, model)| model).filter(|model| is_asked(model));
        let near = bare.or_else(|| nearest(name, targets().filter(|model| !model.contains('*'))));
        let message =
            "is the price of no target: prices are by the model's name at its provider, or by provider/model";
        warnings.push(Problem::new(entry("prices", name), message).suggest(near));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{compile, from_json, upstreams};
    use serde_json::{Value, json};

    fn warned(json: &Value, priced: Priced<'_>) -> Vec<String> {
        let gateway = from_json(json.to_string().as_bytes()).unwrap();
        let tables = compile(&gateway, &|_| None).unwrap();
        let upstreams = upstreams(&gateway, &mut Vec::new());
        let env = |name: &str| (name == "SET_KEY").then(|| "x".to_owned());
        warnings(&gateway, &tables, &upstreams, &env, priced).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_sound_configuration_has_none() {
        let gateway = json!({
            "providers": {"mine": {"base_url": "https://h/v1", "dialect": "openai_chat", "api_key_env": "SET_KEY"}},
            "models": {"a": "mine/a", "b": "ollama/b"}
        });
        assert_eq!(warned(&gateway, &|_, _| true), Vec::<String>::new());
        let unpriced = warned(&gateway, &|provider, model| &*provider.name == "ollama" && model == "b");
        assert_eq!(unpriced.len(), 1);
        assert!(unpriced[0].starts_with("models.a: no price is known for mine/a"), "{unpriced:?}");
    }

    #[test]
    fn doubts_are_named() {
        let found = warned(
            &json!({
                "server": {"listen": "0.0.0.0:80", "admin": "0.0.0.0:81"},
                "providers": {"mine": {"base_url": "http://h:1", "dialect": "openai_chat"}, "groq": {}},
                "models": {"a": ["openai/a", "mine/b", "openai/a"]}
            }),
            &|_, _| true,
        );
        let starts = [
            "server.admin: ",
            "server.listen: anybody",
            "providers.mine.base_url: requests will go to /chat/completions",
            "providers.groq: the environment variable GROQ_API_KEY is not set",
            "providers.groq: no model names it",
            "providers.openai: the environment variable OPENAI_API_KEY is not set",
            "models.a: openai/a stands in this chain already",
        ];
        for start in starts {
            assert!(found.iter().any(|line| line.starts_with(start)), "{start}: {found:#?}");
        }
        assert_eq!(found.len(), starts.len(), "{found:#?}");
    }
}
