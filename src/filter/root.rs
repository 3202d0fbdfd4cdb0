//! Root contexts: one per plugin and worker. They hold the configuration and make the streams' contexts.

use super::envoy::Envoy;
use super::sleepers::{self, Sleeper, Then};
use super::stream::{AttemptStream, EdgeStream};
use super::worker;
use crate::config::tables::Tables;
use crate::config::{self, Problem};
use crate::gateway::host::Side;
use crate::gateway::{Attempt, Edge, Flow, Host, name_envoy, prepare_shared};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{BufferType, ContextType, MapType};
use serde::Deserialize;
use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::time::Duration;

/// How often the edge shows its health to the other workers.
const HEALTH_TICK: Duration = Duration::from_secs(1);

/// Largest answer of webdis that is read, in bytes: 256 amounts of at most 34 bytes are a quarter of it.
const MAX_ANSWER: usize = 32 << 10;

thread_local! {
    /// The last good configuration of this worker's edge: a bad one does not take its place.
    static LAST_GOOD: RefCell<Option<Rc<Tables>>> = const { RefCell::new(None) };
}

/// What a plugin is.
enum Kind {
    /// Not configured yet.
    Unset,
    /// The listener's filter.
    Edge(Rc<Tables>),
    /// The upstream filter of a provider's cluster, or of the one by which tries go to all of them.
    Attempt(Option<Rc<str>>),
    /// What brings the keys of a file. It stands where no request comes by.
    Keys,
}

/// A plugin on one worker.
pub(super) struct Root {
    id: u32,
    kind: Kind,
    /// When the health is shown again, in nanoseconds since the epoch.
    next_health_ns: u64,
}

/// Configuration of an attempt plugin.
#[derive(Deserialize)]
struct AttemptConfig {
    provider: Option<String>,
}

impl Root {
    pub(super) fn new(id: u32) -> Self {
        Self { id, kind: Kind::Unset, next_health_ns: 0 }
    }

    /// What the edge does from time to time. While requests wait the ticks come often; the rest of it stays rare.
    fn tick(&mut self) {
        let (worker, host) = (worker(), self.host());
        worker.serve_queue(&host);
        if let Kind::Edge(tables) = &self.kind {
            worker.tell_fleet(&host, tables);
        }
        if worker.is_idle_again() && hostcalls::set_tick_period(self.usual_tick()).is_err() {
            log::error!("tollgate: ticks could not be slowed down");
        }
        let now = host.now_ns();
        if now >= self.next_health_ns {
            self.next_health_ns = now.saturating_add(900_000_000);
            worker.tick(&host);
        }
    }

    /// Time between ticks while nobody waits.
    fn usual_tick(&self) -> Duration {
        match &self.kind {
            Kind::Edge(tables) => tick_for(tables),
            Kind::Attempt(_) | Kind::Keys | Kind::Unset => HEALTH_TICK,
        }
    }

    fn host(&self) -> Envoy {
        Envoy { context: self.id }
    }

    fn configure(&self) -> Result<Kind, String> {
        let root_id = self.host().recall("plugin_root_id").unwrap_or_default();
        let bytes = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX);
        let bytes = bytes.ok().flatten().unwrap_or_default();
        match root_id.as_slice() {
            b"attempt" => {
                let config: AttemptConfig = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
                Ok(Kind::Attempt(config.provider.map(Into::into)))
            }
            b"edge" => self.configure_edge(&bytes),
            b"keys" => self.configure_keys(&bytes),
            other => {
                let other = String::from_utf8_lossy(other);
                Err(format!("root_id is `{other}`, none of `edge`, `attempt` and `keys`"))
            }
        }
    }

    fn configure_keys(&self, bytes: &[u8]) -> Result<Kind, String> {
        let host = self.host();
        if let Err(problems) = worker().take_keys(&host, bytes) {
            let problems = listed(&problems);
            if worker().filed_keys(&host).is_none() {
                return Err(problems);
            }
            log::error!("tollgate: bad keys, the old ones stay: {problems}");
        }
        Ok(Kind::Keys)
    }

    fn configure_edge(&self, bytes: &[u8]) -> Result<Kind, String> {
        prepare_shared(&self.host());
        let tables = match load(bytes) {
            Ok(tables) => Rc::new(tables),
            Err(problems) => {
                let problems = listed(&problems);
                let Some(old) = LAST_GOOD.with_borrow(Clone::clone) else { return Err(problems) };
                log::error!("tollgate: bad configuration, the old one stays: {problems}");
                old
            }
        };
        for problem in tables.missing_keys() {
            log::warn!("tollgate: {problem}");
        }
        worker().configured(self.host().now_ns(), &tables);
        if tables.fleet.is_some() {
            name_envoy(&self.host(), RandomState::new().hash_one(self.id));
        }
        LAST_GOOD.set(Some(Rc::clone(&tables)));
        if hostcalls::set_tick_period(tick_for(&tables)).is_err() {
            log::error!("tollgate: the proxy gives no ticks; the health page will lag");
        }
        Ok(Kind::Edge(tables))
    }
}

/// Time between ticks: the edge's health is shown, and the fleet told, no later.
fn tick_for(tables: &Tables) -> Duration {
    tables.fleet.as_ref().map_or(HEALTH_TICK, |fleet| fleet.every.min(HEALTH_TICK))
}

fn listed(problems: &[Problem]) -> String {
    let listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
    listed.join("; ")
}

fn load(bytes: &[u8]) -> Result<Tables, Vec<Problem>> {
    let gateway = config::from_json(bytes).map_err(|problem| vec![problem])?;
    config::compile(&gateway, &|name| std::env::var(name).ok())
}

impl Context for Root {
    fn on_http_call_response(&mut self, call: u32, _headers: usize, body_size: usize, _trailers: usize) {
        let Kind::Edge(tables) = &self.kind else { return };
        let status = hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, ":status");
        let status = status.ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok());
        // Amounts of so many counters: more than this is no answer of ours.
        let size = body_size.min(MAX_ANSWER);
        let body = hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, size);
        let body = body.ok().flatten().unwrap_or_default();
        worker().hear_fleet(&self.host(), tables, call, status.unwrap_or(0), &body);
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        match self.configure() {
            Ok(kind) => {
                self.kind = kind;
                true
            }
            Err(problem) => {
                log::error!("tollgate: bad configuration, refused: {problem}");
                false
            }
        }
    }

    fn on_tick(&mut self) {
        let host = self.host();
        for sleeper in sleepers::due(host.now_ns()) {
            act(sleeper);
        }
        // Acting for a stream changed the context that calls belong to.
        if hostcalls::set_effective_context(self.id).is_err() {
            return;
        }
        match self.kind {
            Kind::Edge(_) => self.tick(),
            Kind::Attempt(_) if sleepers::is_empty() => {
                if hostcalls::set_tick_period(Duration::ZERO).is_err() {
                    log::error!("tollgate: ticks could not be stopped");
                }
            }
            Kind::Attempt(_) | Kind::Keys | Kind::Unset => {}
        }
    }

    fn create_http_context(&self, context: u32) -> Option<Box<dyn HttpContext>> {
        let host = Envoy { context };
        match &self.kind {
            Kind::Edge(tables) => {
                Some(Box::new(EdgeStream { host, phase: Edge::new(worker(), Rc::clone(tables)) }))
            }
            Kind::Attempt(provider) => {
                let phase = Attempt::new(worker(), provider.clone());
                Some(Box::new(AttemptStream { host, phase: Rc::new(RefCell::new(phase)) }))
            }
            Kind::Keys | Kind::Unset => None,
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// Does for a stream what it waited for.
fn act(sleeper: Sleeper) {
    if hostcalls::set_effective_context(sleeper.context).is_err() {
        return;
    }
    let done = match sleeper.then {
        Then::Resume(Side::Request) => hostcalls::resume_http_request(),
        Then::Resume(Side::Response) => hostcalls::resume_http_response(),
        Then::Break => hostcalls::reset_http_response(),
        Then::GiveUp(phase) => match phase.borrow_mut().on_time_up(&Envoy { context: sleeper.context }) {
            Flow::Continue => hostcalls::resume_http_response(),
            Flow::Pause => return,
        },
    };
    if done.is_err() {
        log::error!("tollgate: the proxy refused to go on with a waiting request");
    }
}
