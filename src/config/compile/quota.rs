//! Budgets and limits.

use super::{limits, server};
use crate::config::Problem;
use crate::config::nearest::nearest;
use crate::config::schema::{self, Budget, Gateway, Limit};
use crate::config::tables::ModelPattern;
use crate::policy::budget::{self, Every, Window};
use crate::policy::identity::is_label;
use crate::policy::limit::{Concurrent, Rate};
use crate::policy::queue::Bounds;
use crate::policy::quota::{KeyQuotas, Lease, Over, Quota, Quotas, Terms, Unit};
use crate::policy::scope::Scope;
use hashbrown::HashSet;
use jiff::tz::TimeZoneDatabase;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// Most money of one budget, in USD: amounts are kept in 10⁻¹² dollars.
pub(crate) const MOST_USD: f64 = 9_000_000.0;
/// Most rules: each is asked for every request that it is for.
const MOST_RULES: usize = 256;
/// Longest wait in the queue: what a client waits for without a sign of life.
const MOST_QUEUE_TIMEOUT: Duration = Duration::from_mins(5);
/// Most that wait.
const MOST_QUEUE_SIZE: u64 = 10_000;

/// Who is asked for the rules of a list: their path, and the key that they are for.
struct Place<'a> {
    path: &'a str,
    key: Option<&'a str>,
}

/// All rules of a configuration; `of_keys` are those of its keys, which have problems of their own already.
pub(super) fn quotas(
    gateway: &Gateway,
    of_keys: Vec<Rc<Quota>>,
    longest: Duration,
    problems: &mut Vec<Problem>,
) -> Quotas {
    let whole = |path| Place { path, key: None };
    let mut rules = budgets(&gateway.budgets, &whole("budgets"), problems);
    rules.extend(list_of_limits(&gateway.limits, &whole("limits"), problems));
    for section in ["budgets", "limits"] {
        let length = if section == "budgets" { gateway.budgets.len() } else { gateway.limits.len() };
        if length > MOST_RULES {
            problems.push(Problem::new(section, format!("are more than {MOST_RULES}")));
        }
    }
    let mut seen: HashSet<&str> = HashSet::new();
    for rule in rules.iter().chain(&of_keys) {
        if !seen.insert(&rule.name) {
            let message = format!("two have the name `{}`: give one a `name` of its own", rule.name);
            let section = if matches!(rule.terms, Terms::Budget(_)) { "budgets" } else { "limits" };
            problems.push(Problem::new(section, message));
        }
    }
    drop(seen);
    let mut quotas = Quotas::new(rules, of_keys.into_iter(), Lease::of(longest));
    quotas.queue = queue(gateway, problems);
    quotas
}

/// How much waits at most. What waits for a limit must not take the room of what is under way.
fn queue(gateway: &Gateway, problems: &mut Vec<Problem>) -> Bounds {
    let queue = &gateway.queue;
    let size = queue.size.unwrap_or(limits::QUEUE_SIZE);
    if size == 0 || size > MOST_QUEUE_SIZE {
        problems.push(Problem::new("queue.size", format!("must be between 1 and {MOST_QUEUE_SIZE}")));
    }
    let held = server::max_held(&gateway.server);
    let bytes = queue.max_held.map_or(held / 2, |size| size.0);
    if bytes == 0 || bytes > held {
        problems
            .push(Problem::new("queue.max_held", "must be at least 1 byte and at most `server.max_held`"));
    }
    let timeout = queue.timeout.map_or(limits::QUEUE_TIMEOUT, |span| span.0);
    if timeout.is_zero() || timeout > MOST_QUEUE_TIMEOUT {
        problems.push(Problem::new("queue.timeout", "must be longer than 0s and at most 5m"));
    }
    Bounds { size: usize::try_from(size).unwrap_or(usize::MAX), bytes, timeout }
}

/// What a key has of its own; the path is that of the key.
pub(super) fn of_key(key: &schema::Key, path: &str, problems: &mut Vec<Problem>) -> KeyQuotas {
    let id = Some(key.id.as_str());
    let at = |field: &str| format!("{path}.{field}");
    let budgets =
        key.budgets.as_ref().map(|list| budgets(list, &Place { path: &at("budgets"), key: id }, problems));
    let limits = key
        .limits
        .as_ref()
        .map(|list| list_of_limits(list, &Place { path: &at("limits"), key: id }, problems));
    KeyQuotas { budgets, limits }
}

fn budgets(list: &[Budget], place: &Place<'_>, problems: &mut Vec<Problem>) -> Vec<Rc<Quota>> {
    let mut rules = Vec::new();
    for (index, written) in list.iter().enumerate() {
        let at = format!("{}[{index}]", place.path);
        let (per, only) = subject(written.per, &written.only, &at, place, problems);
        let zone = written.time_zone.as_deref().unwrap_or("UTC");
        let every = match written.every {
            schema::Every::Day => Every::Day,
            schema::Every::Week => Every::Week,
            schema::Every::Month => Every::Month,
            schema::Every::Hours(hours) => Every::Hours(hours),
        };
        let rolling = written.rolling.unwrap_or(false);
        let Some(window) = Window::new(every, rolling, zone) else {
            let message = format!("there is no time zone `{zone}`; names are such as Europe/Berlin");
            problems.push(Problem::new(format!("{at}.time_zone"), message).suggest(zone_like(zone)));
            continue;
        };
        if rolling && written.time_zone.is_some() {
            let message = "a rolling budget knows no calendar: leave the time zone out";
            problems.push(Problem::new(format!("{at}.time_zone"), message));
        }
        let usd = written.usd.map(|usd| {
            if !(usd > 0.0 && usd <= MOST_USD) {
                problems.push(Problem::new(format!("{at}.usd"), "must be more than 0 and at most 9000000"));
            }
            (Unit::Usd, pico(usd))
        });
        let tokens = written.tokens.map(|tokens| {
            if tokens.0 == 0 {
                problems.push(Problem::new(format!("{at}.tokens"), "must be more than 0"));
            }
            (Unit::Tokens, tokens.0)
        });
        if usd.is_none() && tokens.is_none() {
            problems.push(Problem::new(&at, "a budget has `usd` or `tokens`"));
        }
        let both = usd.is_some() && tokens.is_some();
        for (unit, limit) in [usd, tokens].into_iter().flatten() {
            let soft = written
                .soft
                .map(|part| limit / 100 * u64::from(part.0) + limit % 100 * u64::from(part.0) / 100);
            let budget = budget::Budget { unit, limit, soft, window: window.clone() };
            let terms =
                format!("{} per {}{}", unit.as_str(), if rolling { "rolling " } else { "" }, written.every);
            let name = name(written.name.as_deref(), both.then_some(unit), &terms, per, place, &at, problems);
            rules.push(Rc::new(Quota::new(&name, per, only.clone(), Terms::Budget(budget))));
        }
    }
    rules
}

fn list_of_limits(list: &[Limit], place: &Place<'_>, problems: &mut Vec<Problem>) -> Vec<Rc<Quota>> {
    let mut rules = Vec::new();
    for (index, written) in list.iter().enumerate() {
        let at = format!("{}[{index}]", place.path);
        let (per, only) = subject(written.per, &written.only, &at, place, problems);
        let over = match written.over.unwrap_or_default() {
            schema::Over::Reject => Over::Reject,
            schema::Over::Queue => Over::Queue,
        };
        let kinds = [written.requests.is_some(), written.tokens.is_some(), written.concurrent.is_some()];
        let several = kinds.iter().filter(|kind| **kind).count() > 1;
        if !kinds.contains(&true) {
            problems.push(Problem::new(&at, "a limit has `requests`, `tokens` or `concurrent`"));
        }
        if written.burst.is_some() && written.requests.is_some() == written.tokens.is_some() {
            let message = "is for one of `requests` and `tokens`: put them into limits of their own";
            problems.push(Problem::new(format!("{at}.burst"), message));
        }
        let mut add = |unit: Unit, terms: &str, allowed: Terms, problems: &mut Vec<Problem>| {
            let own = written.name.as_deref();
            let name = name(own, several.then_some(unit), terms, per, place, &at, problems);
            rules.push(Rc::new(Quota::new(&name, per, only.clone(), allowed)));
        };
        for (unit, flow) in [(Unit::Requests, written.requests), (Unit::Tokens, written.tokens)] {
            let Some(flow) = flow else { continue };
            let burst = written.burst.map_or(flow.amount, |burst| burst.0);
            if flow.amount == 0 || burst == 0 {
                problems
                    .push(Problem::new(&at, "a limit of 0 lets nothing through: disable the key instead"));
                continue;
            }
            let period_ns = flow.secs.saturating_mul(1_000_000_000);
            let rate = Rate { unit, amount: flow.amount, period_ns, burst, over };
            let unit_of_time = flow.to_string();
            let unit_of_time = unit_of_time.rsplit('/').next().unwrap_or_default();
            add(unit, &format!("{} per {unit_of_time}", unit.as_str()), Terms::Rate(rate), problems);
        }
        if let Some(most) = written.concurrent {
            if most == 0 {
                let at = format!("{at}.concurrent");
                problems.push(Problem::new(at, "a limit of 0 lets nothing through: disable the key instead"));
            }
            add(Unit::Concurrent, "concurrent", Terms::Concurrent(Concurrent { most, over }), problems);
        }
    }
    rules
}

/// What a rule counts by, and which values it is for.
fn subject(
    per: Option<Scope>,
    only: &BTreeMap<Scope, Vec<String>>,
    at: &str,
    place: &Place<'_>,
    problems: &mut Vec<Problem>,
) -> (Scope, Vec<(Scope, Vec<ModelPattern>)>) {
    let per = per.unwrap_or(if place.key.is_some() { Scope::Key } else { Scope::Global });
    if place.key.is_some() && per != Scope::Key {
        problems.push(Problem::new(format!("{at}.per"), "what stands within a key is for that key"));
    }
    for (scope, values) in only {
        let at = format!("{at}.only.{}", scope.as_str());
        if *scope == Scope::Global || *scope == Scope::Provider && per != Scope::Provider {
            let message =
                "cannot be chosen by: which provider answers is not known when a request is counted";
            let message = if *scope == Scope::Global { "there is only one" } else { message };
            problems.push(Problem::new(&at, message));
        }
        if values.is_empty() {
            problems.push(Problem::new(&at, "no value is named: leave it out instead"));
        }
        for (index, value) in values.iter().enumerate() {
            if value.is_empty() || value.matches('*').count() > 1 {
                problems
                    .push(Problem::new(format!("{at}[{index}]"), "is a value, or a pattern with one `*`"));
            }
        }
    }
    let patterns = |values: &Vec<String>| values.iter().map(|value| ModelPattern::new(value)).collect();
    (per, only.iter().map(|(scope, values)| (*scope, patterns(values))).collect())
}

/// A rule's own name, or one that says what it is.
fn name(
    own: Option<&str>,
    unit: Option<Unit>,
    terms: &str,
    per: Scope,
    place: &Place<'_>,
    at: &str,
    problems: &mut Vec<Problem>,
) -> String {
    let Some(own) = own else {
        return match place.key {
            Some(key) => format!("key {key}: {terms}"),
            None => format!("{}: {terms}", per.as_str()),
        };
    };
    if !is_label(own) {
        let message = "is 1 to 128 characters, without control characters and `;`";
        problems.push(Problem::new(format!("{at}.name"), message));
    }
    // One entry with several terms is several rules.
    unit.map_or_else(|| own.to_owned(), |unit| format!("{own} ({})", unit.as_str()))
}

/// The time zone that somebody meant: one of nearly that name, or of that city.
fn zone_like(name: &str) -> Option<String> {
    let zones: Vec<String> =
        TimeZoneDatabase::bundled().available().map(|zone| zone.as_str().to_owned()).collect();
    let city = |zone: &&String| zone.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(name));
    let near = || nearest(name, zones.iter().map(String::as_str)).map(ToOwned::to_owned);
    zones.iter().find(city).cloned().or_else(near)
}

/// Dollars in 10⁻¹² dollars.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 9e18: checked by the caller"
)]
fn pico(usd: f64) -> u64 {
    // Millionths first: they are whole in what people write, and the product stays exact.
    let micro = usd * 1e6;
    if (micro - micro.round()).abs() < 1e-3 {
        return (micro.round() as u64).saturating_mul(1_000_000);
    }
    (usd * 1e12).round() as u64
}

#[cfg(test)]
mod tests {
    use super::pico;
    use crate::config::{Problem, compile, from_json};
    use crate::policy::quota::{Over, Terms, Unit};
    use crate::policy::scope::Scope;
    use serde_json::{Value, json};

    fn problems(more: &Value) -> Vec<Problem> {
        let mut config = json!({"models": {"a": "openai/gpt-4o"}});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        match from_json(config.to_string().as_bytes()) {
            Ok(gateway) => compile(&gateway, &|_| None).err().unwrap_or_default(),
            Err(problem) => vec![problem],
        }
    }

    #[test]
    fn mistakes_are_named_by_their_path() {
        for (config, path, word) in [
            (json!({"budgets": [{"every": "day"}]}), "budgets[0]", "`usd` or `tokens`"),
            (json!({"budgets": [{"usd": 0, "every": "day"}]}), "budgets[0].usd", "more than 0"),
            (json!({"budgets": [{"usd": 1, "every": "year"}]}), "budgets[0].every", "12h"),
            (
                json!({"budgets": [{"usd": 1, "every": "day", "time_zone": "Europe/Atlantis"}]}),
                "budgets[0].time_zone",
                "Atlantis",
            ),
            (
                json!({"budgets": [{"usd": 1, "every": "day", "time_zone": "UTC", "rolling": true}]}),
                "budgets[0].time_zone",
                "rolling",
            ),
            (json!({"budgets": [{"usd": 1, "every": "day"}, {"usd": 2, "every": "day"}]}), "budgets", "name"),
            (json!({"limits": [{"requests": "10"}]}), "limits[0].requests", "10/s"),
            (json!({"limits": [{}]}), "limits[0]", "`concurrent`"),
            (json!({"limits": [{"requests": "0/s"}]}), "limits[0]", "nothing through"),
            (json!({"limits": [{"concurrent": 1, "burst": 5}]}), "limits[0].burst", "requests"),
            (
                json!({"limits": [{"concurrent": 1, "only": {"provider": ["openai"]}}]}),
                "limits[0].only.provider",
                "not known",
            ),
            (json!({"queue": {"timeout": "1h"}}), "queue.timeout", "5m"),
            (
                json!({"keys": [{"id": "k", "sha256": "0".repeat(64), "limits": [{"per": "tenant", "concurrent": 1}]}]}),
                "keys[0].limits[0].per",
                "that key",
            ),
        ] {
            let found = problems(&config);
            assert!(
                found.iter().any(|problem| problem.path == path && problem.message.contains(word)),
                "{config}: {found:?}"
            );
        }
    }

    #[test]
    fn an_entry_of_several_terms_is_several_rules() {
        let config = json!({
            "models": {"a": "openai/gpt-4o"},
            "limits": [{"name": "l", "per": "tenant", "requests": "10/s", "tokens": "1k/m", "over": "queue"}],
            "budgets": [{"usd": 12.5, "tokens": "1M", "every": "month", "soft": "80%"}],
        });
        let gateway = from_json(config.to_string().as_bytes()).unwrap();
        let tables = compile(&gateway, &|_| None).unwrap();
        let names: Vec<(&str, Unit, Over)> = [Scope::Tenant, Scope::Global]
            .iter()
            .flat_map(|scope| tables.quotas.of(*scope))
            .map(|quota| (&*quota.name, quota.unit(), quota.over()))
            .collect();
        assert_eq!(
            names,
            [
                ("l (requests)", Unit::Requests, Over::Queue),
                ("l (tokens)", Unit::Tokens, Over::Queue),
                ("global: usd per month", Unit::Usd, Over::Reject),
                ("global: tokens per month", Unit::Tokens, Over::Reject),
            ]
        );
        let Terms::Budget(budget) = &tables.quotas.named("global: usd per month").unwrap().terms else {
            panic!()
        };
        assert_eq!((budget.limit, budget.soft), (12_500_000_000_000, Some(10_000_000_000_000)));
    }

    #[test]
    fn dollars_are_exact() {
        for (usd, exact) in [(0.1, 100_000_000_000), (50.0, 50_000_000_000_000), (0.000_001, 1_000_000)] {
            assert_eq!(pico(usd), exact);
        }
    }
}
