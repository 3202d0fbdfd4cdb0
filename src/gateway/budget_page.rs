//! `GET /v1/budget`: what there is left, for whoever asks; for everybody, to the master key.

use super::applicant::Applicant;
use super::denial::dollars;
use super::fleet;
use super::host::Host;
use super::surface::{query_names, query_value};
use super::worker::Worker;
use crate::chat::Failure;
use crate::config::tables::Tables;
use crate::dialect::date::rfc3339;
use crate::policy::identity::Identity;
use crate::policy::quota::{Clock, Quota, Standing, Terms, Unit};
use crate::policy::scope::Scope;
use crate::wire::json::{Object, object};
use std::rc::Rc;

/// What the query may choose by, with the master key.
const CHOICES: [Scope; 8] = [
    Scope::Key,
    Scope::Tenant,
    Scope::Team,
    Scope::Project,
    Scope::User,
    Scope::Agent,
    Scope::Model,
    Scope::Provider,
];

/// The page.
///
/// # Errors
/// 403 when somebody without the master key asks for others; 404 for a key that there is not; 400 for a word of the query
/// that means nothing here, since the answer would look like one without budgets.
pub(super) fn page(
    worker: &Worker,
    host: &impl Host,
    tables: &Tables,
    asks: &Identity,
    path: &str,
    now_ns: u64,
) -> Result<Vec<u8>, Failure> {
    let chosen: Vec<(Scope, String)> = CHOICES
        .iter()
        .filter(|scope| **scope != Scope::Key)
        .filter_map(|scope| Some((*scope, query_value(path, scope.as_str())?)))
        .collect();
    // The query's `key` is also where Gemini's clients put the key itself: the id is asked for as `key_id`.
    let key_id = query_value(path, "key_id");
    let known = |name: &str| name == "key_id" || CHOICES.iter().any(|scope| scope.as_str() == name);
    if let Some(name) = query_names(path).find(|name| !known(name)) {
        let known: Vec<&str> =
            CHOICES.iter().map(|scope| scope.as_str()).filter(|name| *name != "key").collect();
        let message = format!("{name}: is not asked by; there are key_id, {}.", known.join(", "));
        return Err(Failure::field(name, message));
    }
    let everything = asks.master || tables.access.is_open();
    if !everything && (key_id.is_some() || !chosen.is_empty()) {
        return Err(Failure::new(403, "Only the master key may ask for the budgets of others."));
    }
    // Nothing counts the master key, so nothing is left to be said of its own.
    let mut whose = if asks.master { Identity::default() } else { asks.clone() };
    if let Some(id) = &key_id {
        let filed = worker.filed_keys(host);
        let mut keys = tables.access.keys.iter().chain(filed.iter().flat_map(|keys| keys.iter()));
        let key = keys.find(|key| *key.id == **id);
        let key = key.ok_or_else(|| Failure::new(404, format!("There is no key `{id}`.")))?;
        whose = Identity::of_key(Rc::clone(key));
    }
    let (mut model, mut provider) = (None, None);
    for (scope, value) in &chosen {
        let value = value.as_str();
        match scope {
            Scope::Tenant => whose.tenant = Some(value.into()),
            Scope::Team => whose.team = Some(value.into()),
            Scope::Project => whose.project = Some(value.into()),
            Scope::User => whose.user = Some(value.into()),
            Scope::Agent => whose.agent = Some(value.into()),
            Scope::Model => model = Some(value),
            Scope::Provider => provider = Some(value),
            Scope::Key | Scope::Global => {}
        }
    }
    // Rules for certain models or providers are shown to all who did not ask for certain ones.
    let looks_around = model.is_none() && provider.is_none();
    let applicant = Applicant { identity: &whose, model, provider, looks_around };
    Ok(write(worker, host, tables, &applicant, now_ns))
}

fn write(
    worker: &Worker,
    host: &impl Host,
    tables: &Tables,
    applicant: &Applicant<'_>,
    now_ns: u64,
) -> Vec<u8> {
    let clock = Clock::at(now_ns, tables.quotas.lease);
    let mut found: Vec<(Rc<Quota>, Rc<str>, Standing)> = Vec::new();
    for scope in Scope::ALL {
        let Some((account, rules)) = applicant.rules(worker, &tables.quotas, scope) else { continue };
        fleet::ask_about(worker, tables, &account, &rules, &clock);
        let cells = worker.ledger.read(host, &account);
        for quota in rules {
            let standing = quota.standing(&cells.cell(quota.tag), &clock);
            found.push((quota, Rc::clone(&account.value), standing));
        }
    }
    let mut out = Vec::with_capacity(512);
    object(&mut out, |body| {
        body.word("object", "budget");
        let who = applicant.identity;
        for (name, value) in [("key", who.key_id()), ("tenant", who.tenant.as_deref())] {
            if let Some(value) = value {
                body.str(name, value);
            }
        }
        for (name, are_budgets) in [("budgets", true), ("limits", false)] {
            body.array(name, |list| {
                for (quota, value, standing) in &found {
                    if matches!(quota.terms, Terms::Budget(_)) == are_budgets {
                        list.object(|entry| entry_of(entry, quota, value, standing, now_ns));
                    }
                }
            });
        }
    });
    out
}

fn entry_of(entry: &mut Object<'_>, quota: &Quota, value: &str, standing: &Standing, now_ns: u64) {
    entry.str("name", &quota.name);
    entry.word("per", quota.per.as_str());
    if quota.per != Scope::Global {
        entry.str(quota.per.as_str(), value);
    }
    entry.word("unit", quota.unit().as_str());
    let mut number = |name: &str, amount: u64| match quota.unit() {
        // Digits as they are: no float stands between.
        Unit::Usd => entry.key(name).extend_from_slice(dollars(amount).as_bytes()),
        _ => entry.u64(name, amount),
    };
    number("limit", standing.limit);
    number("remaining", standing.remaining);
    match &quota.terms {
        Terms::Budget(budget) => {
            number("spent", standing.spent);
            number("reserved", standing.reserved);
            if let Some(soft) = budget.soft {
                number("soft_limit", soft);
            }
            entry.str("resets_at", &rfc3339(standing.resets_at_ns / 1_000_000_000));
        }
        Terms::Rate(rate) => {
            entry.u64("per_seconds", rate.period_secs());
            entry.u64("burst", rate.burst);
            let full_in = standing.resets_at_ns.saturating_sub(now_ns);
            entry.u64("full_in_ms", full_in.div_ceil(1_000_000));
        }
        Terms::Concurrent(_) => entry.u64("under_way", standing.spent),
    }
}
