//! Counters that a fleet shares: the exchange with Redis on the tick, and what becomes of requests meanwhile.

use super::admission::Denied;
use super::host::Host;
use super::worker::Worker;
use crate::chat::Failure;
use crate::config::schema::{OnDown, OnStart};
use crate::config::tables::{Fleet as Settings, Tables};
use crate::meter::metrics::Labels;
use crate::meter::stat::Stat;
use crate::policy::fleet::{MOST_CELLS, Outcome, Reach, command};
use crate::policy::ledger::{Account, CellId};
use crate::policy::quota::{Clock, Quota, Refused, Standing};
use crate::policy::rulebook::Rulebook;
use serde::Serialize;
use std::rc::Rc;
use std::time::Duration;

/// The cluster of webdis.
pub const REDIS_CLUSTER: &str = "tollgate_redis";

/// Where this Envoy's name stands in shared data.
const NAME_KEY: &str = "tollgate.fleet.name";

/// Names this Envoy, once in its life: counters are totals of one life. Whoever comes first chooses; `random` must not
/// come twice in a fleet.
pub fn name_envoy(host: &impl Host, random: u64) {
    host.share_first(NAME_KEY, format!("{random:016x}").as_bytes());
}

/// Why a counter of the fleet's is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// It was not read since the start.
    NotRead,
    /// Redis cannot be reached, for this reason, and shall not be done without; the next exchange comes after so long.
    Unreachable(String, Duration),
}

impl Unknown {
    /// What the client reads.
    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::NotRead => Failure::new(503, "The counters that the gateways share were not read in time."),
            Self::Unreachable(why, every) => {
                Failure::new(503, format!("The counters that the gateways share cannot be read: {why}."))
                    .with_retry_after(*every)
            }
        }
    }
}

/// Whether all counters of a request are known. Those that are not are asked for, and the request may wait for them.
pub(super) fn known<'r>(
    worker: &Worker,
    tables: &Tables,
    rules: impl Iterator<Item = &'r (Account, Vec<Rc<Quota>>)>,
    clock: &Clock,
) -> Result<(), Denied> {
    let Some(settings) = &tables.fleet else { return Ok(()) };
    let fleet = &mut *worker.fleet.borrow_mut();
    let mut unknown = None;
    for (account, quota) in
        rules.flat_map(|(account, quotas)| quotas.iter().map(move |quota| (account, quota)))
    {
        if let (Reach::Down(why), OnDown::Refuse) = (fleet.reach(), settings.on_down) {
            return Err(denied(quota, account, Unknown::Unreachable(why.clone(), settings.every)));
        }
        if fleet.is_new(&quota.name, &account.value) {
            worker.ledger.mark_dirty(windows(quota, account, clock));
            unknown.get_or_insert((quota, account));
        }
    }
    match unknown {
        Some((quota, account))
            if settings.on_start == OnStart::Wait && !matches!(fleet.reach(), Reach::Down(_)) =>
        {
            fleet.hurry();
            Err(denied(quota, account, Unknown::NotRead))
        }
        _ => Ok(()),
    }
}

/// Somebody looks at counters: they are read with the next exchange.
pub(super) fn ask_about(
    worker: &Worker,
    tables: &Tables,
    account: &Account,
    quotas: &[Rc<Quota>],
    clock: &Clock,
) {
    if tables.fleet.is_some() {
        worker.ledger.mark_dirty(quotas.iter().flat_map(|quota| windows(quota, account, clock)));
    }
}

/// A counter in all its windows: a budget that rolls has more than one. The present one comes last, so with it all are
/// known.
fn windows(quota: &Rc<Quota>, account: &Account, clock: &Clock) -> impl Iterator<Item = CellId> {
    let (rule, value) = (Rc::clone(&quota.name), Rc::clone(&account.value));
    let windows = quota.windows(clock).into_iter();
    windows.map(move |window| CellId { rule: Rc::clone(&rule), value: Rc::clone(&value), window })
}

fn denied(quota: &Rc<Quota>, account: &Account, unknown: Unknown) -> Denied {
    let refused = Refused { standing: Standing::default(), wanted: 0, wait_ns: 0 };
    Denied { quota: Rc::clone(quota), account: account.clone(), refused, unknown: Some(Box::new(unknown)) }
}

/// How the fleet's counters stand, as the health page says it.
#[derive(Debug, Serialize)]
pub(super) struct FleetHealth {
    /// `ok`, `down`, or `unknown` before the first exchange.
    pub(super) status: &'static str,
    /// When this worker last read them, in seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_exchange: Option<u64>,
    /// Why they cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The same of a worker; `None` where nothing is shared.
pub(super) fn health(worker: &Worker, tables: &Tables) -> Option<FleetHealth> {
    tables.fleet.as_ref()?;
    let fleet = worker.fleet.borrow();
    let (status, error) = match fleet.reach() {
        Reach::Unknown => ("unknown", None),
        Reach::Up => ("ok", None),
        Reach::Down(why) => ("down", Some(why.clone())),
    };
    Some(FleetHealth { status, last_exchange: fleet.heard(), error })
}

impl Worker {
    /// Exchanges counters, when it is time. Called on the tick.
    pub fn tell_fleet(&self, host: &impl Host, tables: &Tables) {
        let Some(settings) = &tables.fleet else { return };
        let now = host.now_ns();
        let given_up = self.fleet.borrow_mut().give_up(now, settings.timeout);
        if let Some(outcome) = given_up {
            self.take_over(host, tables, now, outcome);
        }
        if self.fleet.borrow().is_due(now, settings.every) {
            self.begin(host, tables, settings, now);
        }
    }

    /// The answer to an exchange came; `status` is 0 where there is none.
    pub fn hear_fleet(&self, host: &impl Host, tables: &Tables, call: u32, status: u16, body: &[u8]) {
        let (Some(settings), now) = (&tables.fleet, host.now_ns()) else { return };
        let outcome = self.fleet.borrow_mut().answered(now, call, status, body);
        let Some(outcome) = outcome else { return };
        let was_full = outcome.merged.len() >= MOST_CELLS;
        self.take_over(host, tables, now, outcome);
        if was_full {
            self.begin(host, tables, settings, now);
        }
        // Some may have waited for it.
        self.serve_queue(host);
    }

    fn begin(&self, host: &impl Host, tables: &Tables, settings: &Settings, now: u64) {
        let Some(name) = host.shared(NAME_KEY).0.and_then(|name| String::from_utf8(name).ok()) else {
            return;
        };
        let open = self.fleet.borrow_mut().heartbeat(now);
        self.ledger.mark_dirty(open);
        let keys = self.filed_keys_of(host, tables);
        let rules = Rulebook { quotas: &tables.quotas, filed: keys.as_deref() };
        let cells = self.ledger.take_dirty(host, rules, now, MOST_CELLS);
        let body = command::write(&settings.prefix, &name, &cells);
        let mut headers = vec![
            (":method", "POST"),
            (":path", "/"),
            (":authority", &*settings.authority),
            ("content-type", "text/plain"),
        ];
        headers.extend(settings.authorization.as_ref().map(|secret| ("authorization", &*secret.0)));
        let call = host.post(REDIS_CLUSTER, &headers, body.as_bytes(), settings.timeout);
        let failed = self.fleet.borrow_mut().began(now, call, cells);
        if let Some(outcome) = failed {
            self.take_over(host, tables, now, outcome);
        }
    }

    fn take_over(&self, host: &impl Host, tables: &Tables, now: u64, outcome: Outcome) {
        let keys = self.filed_keys_of(host, tables);
        let rules = Rulebook { quotas: &tables.quotas, filed: keys.as_deref() };
        for (id, others) in &outcome.merged {
            self.ledger.merge(host, rules, now, id, *others);
        }
        self.ledger.mark_dirty(outcome.again);
        let reach = self.fleet.borrow().reach().clone();
        let is_up = reach == Reach::Up;
        let metrics = &mut *self.metrics.borrow_mut();
        let labels = Labels { model: "", provider: "", tenant: "" };
        let status = [("status", if is_up { "ok" } else { "failed" })];
        metrics.add(host, Stat::FleetExchanges, labels, &status, 1);
        metrics.set(host, Stat::FleetUp, &[], u64::from(is_up));
        match reach {
            Reach::Down(why) if outcome.turned => {
                log::warn!("tollgate: counters are not shared any more: {why}");
            }
            Reach::Up if outcome.turned => log::info!("tollgate: counters are shared"),
            _ => {}
        }
    }
}
