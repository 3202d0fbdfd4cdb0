//! `state`: what gateways of a fleet count together.

use super::limits;
use crate::config::schema::{Counts, DescriptorEntry, RateLimitService, State};
use crate::config::tables::{Counted, Fleet, RateLimit, Secret};
use crate::config::upstream::is_variable;
use crate::config::{Problem, host_port};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Most descriptors: each is counted at the service with every request.
const MAX_DESCRIPTORS: usize = 32;

/// How the counters of a fleet are merged.
pub(super) fn fleet(
    state: &State,
    env: &dyn Fn(&str) -> Option<String>,
    problems: &mut Vec<Problem>,
) -> Option<Fleet> {
    let redis = state.redis.as_ref()?;
    let mut wrong =
        |field: &str, message: &str| problems.push(Problem::new(format!("state.redis.{field}"), message));
    if let Err(message) = host_port(&redis.address) {
        wrong("address", &message);
    }
    let every = redis.every.map_or(limits::FLEET_EVERY, |span| span.0);
    if every < limits::FLEET_EVERY_MIN || every > limits::FLEET_EVERY_MAX {
        wrong("every", "is 50ms to 1m: what others spent is not known for that long");
    }
    let timeout = redis.timeout.map_or(limits::FLEET_TIMEOUT, |span| span.0);
    if timeout.is_zero() || timeout > limits::FLEET_EVERY_MAX {
        wrong("timeout", "is more than nothing and at most 1m");
    }
    let prefix = redis.prefix.as_deref().unwrap_or(limits::FLEET_NAME);
    if prefix.is_empty() || prefix.len() > 64 || !prefix.bytes().all(|b| b.is_ascii_graphic()) {
        wrong("prefix", "is 1 to 64 printable ASCII characters without blanks");
    }
    let variable = redis.auth_env.as_deref();
    if variable.is_some_and(|name| !is_variable(name)) {
        // The value is not repeated: it may well be the password itself.
        wrong("auth_env", "must be the name of an environment variable, not the password itself");
    }
    let credential = variable.and_then(env).filter(|credential| !credential.is_empty());
    Some(Fleet {
        authority: redis.address.as_str().into(),
        every,
        timeout,
        on_down: redis.on_down.unwrap_or_default(),
        on_start: redis.on_start.unwrap_or_default(),
        prefix: prefix.into(),
        missing: variable.filter(|_| credential.is_none()).map(Into::into),
        authorization: credential.map(|c| Secret(format!("Basic {}", BASE64_STANDARD.encode(c)).into())),
    })
}

/// What a rate limit service is told.
pub(super) fn rate_limit(state: &State, problems: &mut Vec<Problem>) -> Option<RateLimit> {
    const AT: &str = "state.rate_limit_service";
    let service = state.rate_limit_service.as_ref()?;
    if let Err(message) = host_port(&service.address) {
        problems.push(Problem::new(format!("{AT}.address"), message));
    }
    if service.domain.as_deref().is_some_and(str::is_empty) {
        problems.push(Problem::new(format!("{AT}.domain"), "must not be empty"));
    }
    if service.timeout.is_some_and(|span| span.0.is_zero()) {
        problems.push(Problem::new(format!("{AT}.timeout"), "must be longer than nothing"));
    }
    let descriptors = descriptors(service);
    if descriptors.len() > MAX_DESCRIPTORS {
        let message = format!("at most {MAX_DESCRIPTORS}, each is asked about with every request");
        problems.push(Problem::new(format!("{AT}.descriptors"), message));
    }
    for (index, one) in descriptors.iter().enumerate() {
        let at = format!("{AT}.descriptors[{index}]");
        if let Some(twice) =
            one.per.iter().enumerate().find(|(i, entry)| one.per.iter().take(*i).any(|e| e == *entry))
        {
            problems.push(Problem::new(format!("{at}.per[{}]", twice.0), "is there already"));
        }
        if descriptors.iter().take(index).any(|known| known == one) {
            problems.push(Problem::new(at, "is there already, and would count twice"));
        }
    }
    let mut entries: Vec<DescriptorEntry> = descriptors.iter().flat_map(|one| one.per.clone()).collect();
    entries.sort_unstable();
    entries.dedup();
    Some(RateLimit { descriptors, entries })
}

/// The descriptors, or those that everybody wants.
fn descriptors(service: &RateLimitService) -> Vec<Counted> {
    if service.descriptors.is_empty() {
        let both = [DescriptorEntry::Tenant, DescriptorEntry::Key];
        let of = |counts| both.map(|entry| Counted { counts, per: vec![entry] });
        return [of(Counts::Requests), of(Counts::Tokens)].into_iter().flatten().collect();
    }
    let read = service.descriptors.iter();
    read.map(|one| Counted { counts: one.counts.unwrap_or_default(), per: one.per.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compiled(service: &serde_json::Value) -> (Option<RateLimit>, Vec<String>) {
        let state: State = serde_json::from_value(json!({ "rate_limit_service": service })).unwrap();
        let mut problems = Vec::new();
        let tables = rate_limit(&state, &mut problems);
        (tables, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn requests_and_tokens_of_tenants_and_keys_are_usual() {
        let (tables, problems) = compiled(&json!({"address": "rls:8081"}));
        let tables = tables.unwrap();
        assert!(problems.is_empty());
        assert_eq!(tables.descriptors.len(), 4);
        assert!(tables.counts(Counts::Tokens) && !tables.counts(Counts::Microdollars));
        assert_eq!(tables.entries, [DescriptorEntry::Tenant, DescriptorEntry::Key]);
    }

    #[test]
    fn redis_has_defaults_and_bounds() {
        let read = |redis: serde_json::Value| {
            let state: State = serde_json::from_value(json!({ "redis": redis })).unwrap();
            let mut problems = Vec::new();
            let env = |name: &str| (name == "WEBDIS").then(|| "user:password".to_owned());
            let fleet = fleet(&state, &env, &mut problems).unwrap();
            (fleet, problems.iter().map(|problem| problem.path.clone()).collect::<Vec<_>>())
        };
        let (fleet, problems) = read(json!({"address": "webdis:7379", "auth_env": "WEBDIS"}));
        assert!(problems.is_empty());
        assert_eq!(
            (&*fleet.prefix, fleet.every.as_millis(), fleet.timeout.as_millis()),
            ("tollgate", 1000, 500)
        );
        // RFC 7617, section 2, with another pair.
        assert_eq!(&*fleet.authorization.unwrap().0, "Basic dXNlcjpwYXNzd29yZA==");
        let (fleet, _) = read(json!({"address": "webdis:7379", "auth_env": "ELSE"}));
        assert_eq!((fleet.authorization.is_none(), fleet.missing.as_deref()), (true, Some("ELSE")));
        let (_, problems) = read(json!({
            "address": "webdis", "every": "10ms", "timeout": "0s", "prefix": "a b", "auth_env": "user:password"
        }));
        let fields = ["address", "every", "timeout", "prefix", "auth_env"];
        assert_eq!(problems, fields.map(|field| format!("state.redis.{field}")));
    }

    #[test]
    fn mistakes_are_named() {
        let (_, problems) = compiled(&json!({
            "address": "rls", "domain": "", "timeout": "0s",
            "descriptors": [{"per": ["key", "key"]}, {"per": ["model"]}, {"counts": "requests", "per": ["model"]}]
        }));
        assert_eq!(
            problems,
            [
                "state.rate_limit_service.address: `rls` lacks a port",
                "state.rate_limit_service.domain: must not be empty",
                "state.rate_limit_service.timeout: must be longer than nothing",
                "state.rate_limit_service.descriptors[0].per[1]: is there already",
                "state.rate_limit_service.descriptors[2]: is there already, and would count twice",
            ]
        );
    }
}
