//! `GET /health`: what the traffic of the last minute showed of every target, and what their circuits say.

use super::circuits;
use super::fleet::{self, FleetHealth};
use super::host::Host;
use super::surface::Health;
use super::worker::Worker;
use crate::config::tables::{Model, Tables, Target};
use crate::dialect::date::rfc3339_millis;
use crate::policy::circuit::{Board, State as CircuitState};
use crate::policy::health::{Book, State, Summary};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Page<'t> {
    status: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    models: Option<BTreeMap<&'t str, ModelHealth<'t>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    targets: Option<BTreeMap<&'t str, TargetHealth>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    providers: Option<BTreeMap<&'t str, Summary>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fleet: Option<FleetHealth>,
}

#[derive(Serialize)]
struct ModelHealth<'t> {
    status: State,
    targets: Vec<&'t str>,
}

#[derive(Serialize)]
struct TargetHealth {
    #[serde(flatten)]
    summary: Summary,
    circuit: Circuit,
    /// Until when it is passed over after a 429, as RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    cooled_until: Option<String>,
}

#[derive(Serialize)]
struct Circuit {
    state: CircuitState,
    /// Failures in a row so far.
    failures: u32,
    /// Open: when a request may try, as RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

/// A health page and its status; what providers said of their errors, which may repeat what they were asked, only where
/// `quotes` is set. The gateway is down, and not ready, when every target fails: one that
/// had no traffic may well answer.
pub(super) fn health(
    host: &impl Host,
    worker: &Worker,
    tables: &Tables,
    which: Health,
    quotes: bool,
) -> (u16, Vec<u8>) {
    if which == Health::Live {
        return (200, br#"{"status":"ok"}"#.to_vec());
    }
    let (book, board) = (worker.health(host), circuits::read(host));
    let now_ms = host.now_ns() / 1_000_000;
    let mut targets: BTreeMap<&str, TargetHealth> = BTreeMap::new();
    for target in tables.targets() {
        targets.entry(&target.name).or_insert_with(|| of_target(target, &book, &board, now_ms));
    }
    if !quotes {
        for target in targets.values_mut() {
            target.summary.withhold_words();
        }
    }
    // A provider asked for what names no model is a target too, once it was.
    targets.retain(|name, target| name.contains('/') || target.summary.total_requests > 0);
    let state_of = |target: &Target| targets.get(&*target.name).map_or(State::Unknown, |t| t.summary.status);
    let of_model = |model: &'_ Model| worst_of(model.chain().iter().map(state_of));
    let status = worst_of(targets.values().map(|target| target.summary.status));
    let fleet = fleet::health(worker, tables);
    // Counters that cannot be read make the gateway worse, but no other instance of it is better.
    let status = match &fleet {
        Some(fleet) if fleet.status == "down" && status != State::Down => State::Degraded,
        _ => status,
    };
    let code = if status == State::Down && which == Health::Ready { 503 } else { 200 };
    let models = || {
        let named = tables.listed.iter().filter_map(|name| {
            let model = tables.models.get(name)?;
            let targets = model.chain().iter().map(|target| &*target.name).collect();
            Some((&**name, ModelHealth { status: of_model(model), targets }))
        });
        named.collect()
    };
    let providers = || {
        let now = now_ms / 1000;
        let named = tables.providers.iter().map(|provider| {
            let own = |name: &&&str| name.split('/').next() == Some(&provider.name);
            let mut summary = book.summary_of(targets.keys().filter(own).copied(), now);
            if !quotes {
                summary.withhold_words();
            }
            (&*provider.name, summary)
        });
        named.collect()
    };
    let full = which == Health::Full;
    let (models, providers) = (full.then(models), full.then(providers));
    let fleet = fleet.filter(|_| full);
    let page = Page { status, models, providers, targets: full.then_some(targets), fleet };
    (code, serde_json::to_vec(&page).unwrap_or_default())
}

fn of_target(target: &Target, book: &Book, board: &Board, now_ms: u64) -> TargetHealth {
    let mut summary = book.summary(&target.name, now_ms / 1000);
    let cell = board.cell(target.id);
    let state = cell.map_or(CircuitState::Closed, |cell| cell.state);
    let cooled = cell.map(|cell| cell.cooled_until).filter(|until| *until > now_ms);
    // What is left alone has no traffic that could show how it is.
    summary.status = match state {
        CircuitState::Open => State::Down,
        CircuitState::HalfOpen => State::Degraded,
        CircuitState::Closed if cooled.is_some() && summary.status != State::Down => State::Degraded,
        CircuitState::Closed => summary.status,
    };
    TargetHealth {
        summary,
        circuit: Circuit {
            state,
            failures: cell.map_or(0, |cell| cell.failures),
            until: cell
                .filter(|cell| cell.state == CircuitState::Open)
                .map(|cell| rfc3339_millis(cell.until)),
        },
        cooled_until: cooled.map(rfc3339_millis),
    }
}

/// Healthy when nothing is known to fail, down when all is known to, degraded between.
fn worst_of(states: impl Iterator<Item = State>) -> State {
    let (mut all, mut down, mut degraded) = (0, 0, false);
    for state in states {
        all += 1;
        down += usize::from(state == State::Down);
        degraded |= state == State::Degraded;
    }
    match (all, down) {
        (1.., _) if down == all => State::Down,
        (_, 0) if !degraded => State::Healthy,
        _ => State::Degraded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_for_many_states() {
        let word = |states: &[State]| worst_of(states.iter().copied());
        assert_eq!(word(&[]), State::Healthy);
        assert_eq!(word(&[State::Unknown, State::Healthy]), State::Healthy);
        assert_eq!(word(&[State::Down, State::Healthy]), State::Degraded);
        assert_eq!(word(&[State::Degraded]), State::Degraded);
        assert_eq!(word(&[State::Down, State::Down]), State::Down);
        assert_eq!(word(&[State::Down, State::Unknown]), State::Degraded);
    }
}
