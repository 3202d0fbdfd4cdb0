//! What is doubtful about who may ask.

use crate::config::Problem;
use crate::config::nearest::nearest;
use crate::config::schema::{Gateway, Key};
use crate::config::tables::{self, ModelPattern, Parts, Tables};
use crate::policy::allow::may_use;
use crate::policy::route;
use crate::policy::scope::Scope;
use hashbrown::HashSet;
use std::net::IpAddr;

/// Doubts about keys and headers. `filed` are the keys of the file; `now` is in seconds since 1970.
pub(super) fn warnings(
    gateway: &Gateway,
    filed: &[Key],
    tables: &Tables,
    now: u64,
    warnings: &mut Vec<Problem>,
) {
    keys(gateway.keys.as_deref().unwrap_or_default(), "keys", tables, now, warnings);
    keys(filed, "keys_file: keys", tables, now, warnings);
    if let Some(models) = &gateway.identity.models {
        // What a pattern says of the keys it says of those without one.
        useless(models, "identity.models", tables, &mut HashSet::new(), warnings);
    }
    nobodys(gateway, tables, warnings);
    let headers = &gateway.identity.headers;
    let is_named = headers.tenant.is_some() || headers.team.is_some() || headers.project.is_some();
    let listen = gateway.server.listen.as_deref().and_then(|address| crate::config::host_port(address).ok());
    let is_open =
        listen.and_then(|(host, _)| host.parse::<IpAddr>().ok()).is_some_and(|ip| !ip.is_loopback());
    if is_open && (is_named || headers.user.is_some()) {
        let message =
            "anybody who reaches `server.listen` can send these headers: let only what sets them reach it";
        warnings.push(Problem::new("identity.headers", message));
    }
}

/// Tenants, teams, projects and keys that budgets and limits are for, and that no key has. What tokens, certificates and
/// headers may say is not known.
fn nobodys(gateway: &Gateway, tables: &Tables, warnings: &mut Vec<Problem>) {
    let access = &tables.access;
    let token = access.token.as_ref().map_or([false; 5], |token| named(&token.claims));
    let certificate = access.certificate.as_ref().map_or([false; 5], |cert| named(&cert.names));
    let headers = named(&access.headers);
    let [tenant, team, project, ..] = [0, 1, 2, 3, 4]
        .map(|part: usize| [token, certificate, headers].iter().any(|says| says.get(part) == Some(&true)));
    let budgets =
        gateway.budgets.iter().enumerate().map(|(n, budget)| (format!("budgets[{n}]"), &budget.only));
    let limits = gateway.limits.iter().enumerate().map(|(n, limit)| (format!("limits[{n}]"), &limit.only));
    for (path, only) in budgets.chain(limits) {
        for (scope, names) in only {
            nothings(*scope, names, &path, tables, warnings);
            let (what, of, is_elsewhere): (_, fn(&tables::Key) -> Option<&str>, _) = match scope {
                Scope::Tenant => ("tenant", |key| key.tenant.as_deref(), tenant),
                Scope::Team => ("team", |key| key.team.as_deref(), team),
                Scope::Project => ("project", |key| key.project.as_deref(), project),
                Scope::Key => ("key", |key| Some(&key.id), false),
                _ => continue,
            };
            for name in names.iter().filter(|_| !is_elsewhere) {
                let pattern = ModelPattern::new(name);
                let is_known = |known: &str| pattern.is_match(known);
                if !access.keys.iter().any(|key| of(key).is_some_and(is_known)) {
                    let known = access.keys.iter().filter_map(|key| of(key));
                    let near = nearest(name, known).map(ToOwned::to_owned);
                    let message = format!("no key has the {what} `{name}`");
                    let message = if what == "key" { format!("there is no key `{name}`") } else { message };
                    warnings.push(Problem::new(format!("{path}.only.{what}"), message).suggest(near));
                }
            }
        }
    }
}

/// Models and providers that a rule is for, and that there are not.
fn nothings(scope: Scope, names: &[String], path: &str, tables: &Tables, warnings: &mut Vec<Problem>) {
    for (index, name) in names.iter().enumerate().filter(|(_, name)| !name.contains('*')) {
        // Patterns count under the name that they have in the file.
        let (what, known): (_, Vec<&str>) = match scope {
            Scope::Model => ("model", tables.all_models().map(|model| &*model.name).collect()),
            Scope::Provider => ("provider", tables.providers.iter().map(|one| &*one.name).collect()),
            _ => return,
        };
        if !known.contains(&name.as_str()) {
            let found = route::find(tables, name).filter(|_| scope == Scope::Model);
            let (message, near) = match found {
                Some(found) => {
                    let own = found.model.name.to_string();
                    ("is another name of a model: rules count by its own".to_owned(), Some(own))
                }
                None => (format!("there is no {what} `{name}`"), nearest(name, known).map(ToOwned::to_owned)),
            };
            warnings.push(Problem::new(format!("{path}.only.{what}[{index}]"), message).suggest(near));
        }
    }
}

/// Which parts of an identity are found somewhere.
fn named<T>(parts: &Parts<T>) -> [bool; 5] {
    [
        parts.tenant.is_some(),
        parts.team.is_some(),
        parts.project.is_some(),
        parts.user.is_some(),
        parts.agent.is_some(),
    ]
}

/// Doubts about a list of keys. Of a hundred thousand keys those that are over are named at most three times.
fn keys(keys: &[Key], path: &str, tables: &Tables, now: u64, warnings: &mut Vec<Problem>) {
    let mut seen = HashSet::new();
    let mut over = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        match &key.models {
            Some(models) if models.is_empty() => {
                let message = "is empty: the key may use no model; without it, it may use all";
                warnings.push(Problem::new(format!("{path}[{index}].models"), message));
            }
            Some(models) => {
                useless(models, &format!("{path}[{index}].models"), tables, &mut seen, warnings);
            }
            None => {}
        }
        let budgets = key.budgets.iter().flatten().map(|budget| &budget.only).enumerate();
        let limits = key.limits.iter().flatten().map(|limit| &limit.only).enumerate();
        for (list, (n, only)) in budgets.map(|own| ("budgets", own)).chain(limits.map(|own| ("limits", own)))
        {
            for (scope, names) in only {
                nothings(*scope, names, &format!("{path}[{index}].{list}[{n}]"), tables, warnings);
            }
        }
        let digest = crate::config::digest(&key.sha256);
        let compiled = digest.and_then(|digest| tables.access.keys.get(&digest));
        if compiled.and_then(|key| key.expires).is_some_and(|end| end <= now) {
            over.push((index, &key.id));
        }
    }
    for (index, id) in over.iter().take(3) {
        let message = format!("`{id}` has expired: it is refused, and can be taken out");
        warnings.push(Problem::new(format!("{path}[{index}].expires"), message));
    }
    if let Some(more) = over.len().checked_sub(3).filter(|more| *more > 0) {
        warnings.push(Problem::new(path, format!("{more} more have expired")));
    }
}

/// Names and patterns of models that mean none; the same one is named once.
fn useless<'m>(
    models: &'m [String],
    path: &str,
    tables: &Tables,
    seen: &mut HashSet<&'m str>,
    warnings: &mut Vec<Problem>,
) {
    for (index, model) in models.iter().enumerate() {
        if !seen.insert(model) || is_useful(&ModelPattern::new(model), tables) {
            continue;
        }
        let near = route::nearest(tables.models.keys().map(|name| &**name), model).first().copied();
        let message = "is the name of no model, and matches none";
        warnings.push(Problem::new(format!("{path}[{index}]"), message).suggest(near));
    }
}

/// Whether there is a model, or could be one under a pattern of the configuration's.
fn is_useful(pattern: &ModelPattern, tables: &Tables) -> bool {
    if let Some(name) = pattern.as_name() {
        return route::find(tables, name).is_some()
            || tables.wildcards.iter().any(|w| *w.model.name == *name);
    }
    let patterns = std::slice::from_ref(pattern);
    let suffix = pattern.suffix.as_deref().unwrap_or_default();
    let meets = |one: &str, other: &str| one.starts_with(other) || other.starts_with(one);
    let ends = |one: &str, other: &str| one.ends_with(other) || other.ends_with(one);
    tables.models.keys().any(|name| may_use(Some(patterns), name, name))
        || tables.wildcards.iter().any(|w| meets(&w.prefix, &pattern.prefix) && ends(&w.suffix, suffix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{compile, from_json};
    use serde_json::{Value, json};

    fn warned(json: &Value) -> Vec<String> {
        let gateway = from_json(json.to_string().as_bytes()).unwrap();
        let tables = compile(&gateway, &|_| None).unwrap();
        let mut found = Vec::new();
        warnings(&gateway, &[], &tables, 1_800_000_000, &mut found);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn models_that_mean_none_and_keys_that_are_over_are_named() {
        let key = |number: usize| format!("{number:064x}");
        let found = warned(&json!({
            "server": {"listen": "0.0.0.0:80"},
            "models": {"gpt-4o": {"targets": ["openai/a"], "aliases": ["fast"]}, "claude-*": "anthropic/claude-*"},
            "keys": [
                {"id": "good", "sha256": key(1), "models": ["gpt-*", "fast", "claude-x", "c*", "*-mini", "claude-*", "*"],
                 "expires": "2999-01-01"},
                {"id": "bad", "sha256": key(2), "models": ["gpt4o", "gemini-*", "gemini-*"], "expires": "2020-01-01"},
                {"id": "none", "sha256": key(3), "models": []}
            ],
            "identity": {"headers": {"user": "x-user"}, "models": ["nothing"]}
        }));
        assert_eq!(
            found,
            [
                "keys[1].models[0]: is the name of no model, and matches none (did you mean `gpt-4o`?)",
                "keys[1].models[1]: is the name of no model, and matches none",
                "keys[2].models: is empty: the key may use no model; without it, it may use all",
                "keys[1].expires: `bad` has expired: it is refused, and can be taken out",
                "identity.models[0]: is the name of no model, and matches none",
                "identity.headers: anybody who reaches `server.listen` can send these headers: let only what sets them \
                 reach it",
            ]
        );
    }

    #[test]
    fn budgets_and_limits_for_nobody_are_named() {
        let config = |identity: Value| {
            json!({
                "models": {"a": "openai/a"},
                "keys": [{"id": "k", "sha256": "a".repeat(64), "tenant": "acme"}],
                "identity": identity,
                "budgets": [{"per": "tenant", "only": {"tenant": ["acme", "ac*", "acne"]}, "usd": 5, "every": "day"}],
                "limits": [{"per": "key", "only": {"key": ["k", "gone"]}, "requests": "10/s"}]
            })
        };
        let gone = "limits[0].only.key: there is no key `gone`";
        assert_eq!(
            warned(&json!({
                "models": {"gpt": {"targets": ["openai/a"], "aliases": ["best"]}, "claude-*": "anthropic/claude-*"},
                "budgets": [{"per": "model", "only": {"model": ["gpt", "claude-*", "gtp", "best", "x*"]}, "usd": 5, "every": "day"}],
                "limits": [{"per": "provider", "only": {"provider": ["openai", "opneai"]}, "requests": "10/s"}]
            })),
            [
                "budgets[0].only.model[2]: there is no model `gtp` (did you mean `gpt`?)",
                "budgets[0].only.model[3]: is another name of a model: rules count by its own (did you mean `gpt`?)",
                "limits[0].only.provider[1]: there is no provider `opneai` (did you mean `openai`?)",
            ]
        );
        assert_eq!(
            warned(&config(json!({}))),
            ["budgets[0].only.tenant: no key has the tenant `acne` (did you mean `acme`?)", gone]
        );
        assert_eq!(warned(&config(json!({"headers": {"tenant": "x-tenant"}}))), [gone]);
    }

    #[test]
    fn many_keys_that_are_over_take_few_lines() {
        let keys: Vec<Value> = (0..9)
            .map(|n| json!({"id": n.to_string(), "sha256": format!("{n:064x}"), "expires": "2020-01-01"}))
            .collect();
        let found = warned(&json!({"models": {"a": "openai/a"}, "keys": keys}));
        assert_eq!(found.len(), 4);
        assert_eq!(found[3], "keys: 6 more have expired");
    }
}
