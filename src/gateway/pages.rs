//! Answers that need no provider: the models and the health.

use super::host::Host;
use super::surface::Health;
use super::worker::Worker;
use crate::chat::Failure;
use crate::config::tables::Tables;
use crate::dialect::{Dialect, models};
use crate::policy::health::{State, Summary};
use crate::policy::route;
use serde::Serialize;
use std::collections::BTreeMap;

/// The list of models, in the client's dialect; `loaded` is what their date says, in seconds since 1970.
pub fn models(dialect: Dialect, tables: &Tables, loaded: u64) -> Vec<u8> {
    models::list(dialect, tables.listed.iter().map(|name| &**name), loaded)
}

/// One model, in the client's dialect; `None` when no request for it would be served.
pub fn model(dialect: Dialect, tables: &Tables, id: &str, loaded: u64) -> Option<Vec<u8>> {
    route::find(tables, id).map(|_| models::one(dialect, id, loaded))
}

/// What Ollama's `/api/show` says of a model; `None` when no request for it would be served.
pub fn show(tables: &Tables, id: &str, loaded: u64) -> Option<Vec<u8>> {
    route::find(tables, id).map(|_| models::show(loaded))
}

/// What Ollama's `/api/version` says: the version that the dialect was written for.
pub const OLLAMA_VERSION: &[u8] = br#"{"version":"0.13.0"}"#;

/// What Ollama's `/api/ps` says: nothing is loaded here.
pub const OLLAMA_RUNNING: &[u8] = br#"{"models":[]}"#;

/// The 404 of a model that is not configured, with the nearest names.
pub fn unknown_model(tables: &Tables, asked: &str) -> Failure {
    let near = route::nearest(tables, asked);
    let hint = if near.is_empty() { String::new() } else { format!(" Did you mean: {}?", near.join(", ")) };
    let message = format!("The model `{asked}` does not exist here.{hint}");
    Failure { param: Some("model".into()), ..Failure::new(404, message) }.with_code("model_not_found")
}

#[derive(Serialize)]
struct HealthPage<'t> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    models: Option<BTreeMap<&'t str, ModelHealth>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    providers: Option<BTreeMap<&'t str, Summary>>,
}

#[derive(Serialize)]
struct ModelHealth {
    status: &'static str,
    targets: Vec<String>,
}

/// A health page and its status. The gateway is down, and not ready, when every provider with traffic fails.
pub fn health(host: &impl Host, worker: &Worker, tables: &Tables, which: Health) -> (u16, Vec<u8>) {
    if which == Health::Live {
        return (200, br#"{"status":"ok"}"#.to_vec());
    }
    let book = worker.health(host);
    let now = host.now_ns() / 1_000_000_000;
    let providers: BTreeMap<&str, Summary> =
        tables.providers.iter().map(|p| (&*p.name, book.summary(&p.name, now))).collect();
    let state_of = |name: &str| providers.get(name).map_or(State::Unknown, |s| s.status);
    let models = tables
        .listed
        .iter()
        .filter_map(|name| {
            let id = &**name;
            let model = tables.models.get(id)?;
            let states: Vec<State> = model.targets.iter().map(|t| state_of(&t.provider.name)).collect();
            let targets = model.targets.iter().map(|t| format!("{}/{}", t.provider.name, t.model)).collect();
            Some((id, ModelHealth { status: word(&states), targets }))
        })
        .collect();
    let all: Vec<State> = providers.values().map(|s| s.status).filter(|s| *s != State::Unknown).collect();
    let status = word(&all);
    let code = if status == "down" && which == Health::Ready { 503 } else { 200 };
    let full = which == Health::Full;
    let page = HealthPage { status, models: full.then_some(models), providers: full.then_some(providers) };
    (code, serde_json::to_vec(&page).unwrap_or_default())
}

/// `ok` when nothing is known to fail, `down` when all fails, `degraded` between.
fn word(states: &[State]) -> &'static str {
    let down = states.iter().filter(|s| **s == State::Down).count();
    if !states.is_empty() && down == states.len() {
        "down"
    } else if down > 0 || states.contains(&State::Degraded) {
        "degraded"
    } else {
        "ok"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_for_many_states() {
        assert_eq!(word(&[]), "ok");
        assert_eq!(word(&[State::Unknown, State::Up]), "ok");
        assert_eq!(word(&[State::Down, State::Up]), "degraded");
        assert_eq!(word(&[State::Degraded]), "degraded");
        assert_eq!(word(&[State::Down, State::Down]), "down");
    }
}
