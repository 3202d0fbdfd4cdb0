//! What one worker thread keeps between requests. Both phases of all plugins of a worker live in one VM and share it.

use super::circuits;
use super::exchange::{Attempt, Exchange};
use super::held::Holdings;
use super::host::Host;
use super::waiting::{self, SharedWaiting};
use crate::chat::Usage;
use crate::config::tables::{Keys, Provider, Tables};
use crate::meter::metrics::Metrics;
use crate::meter::price::{self, Cost, Price};
use crate::meter::stat::Stat;
use crate::policy::chance::Chance;
use crate::policy::fleet::Fleet;
use crate::policy::health::{Book, Observation, Quota};
use crate::policy::ledger::Ledger;
use crate::policy::queue::Queue;
use crate::policy::signals::Signals;
use hashbrown::{HashMap, HashSet};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

/// Prices remembered, each a provider and a model; a request for one more starts afresh. Wildcards let clients name
/// any model, so the number of names has no bound of its own.
const PRICES_KEPT: usize = 1024;

/// Where the books of all workers are listed in shared data.
const WORKERS_KEY: &str = "tollgate.health.workers";

/// A provider's name and one of its models.
type PricedModel = (Box<str>, String);

/// An exchange as both phases hold it.
pub type SharedExchange = Rc<RefCell<Exchange>>;

/// The state of one worker.
#[derive(Debug, Default)]
pub struct Worker {
    exchanges: RefCell<HashMap<u64, SharedExchange>>,
    last_token: Cell<u64>,
    /// The bodies of its requests.
    pub(super) holdings: Holdings,
    /// Metric numbers by name.
    pub metrics: RefCell<Metrics>,
    prices: RefCell<HashMap<PricedModel, Option<Price>>>,
    /// The counters of budgets and limits.
    pub ledger: Ledger,
    /// Whether the ticks come often, because requests wait or waited.
    pub hurried: Cell<bool>,
    /// Requests that wait for a limit.
    pub queue: RefCell<Queue<SharedWaiting>>,
    /// What is exchanged with the rest of the fleet.
    pub fleet: RefCell<Fleet>,
    health: RefCell<Book>,
    health_dirty: Cell<bool>,
    slot: Cell<Option<u32>>,
    /// What this worker sees of targets that strategies go by.
    pub(super) signals: RefCell<Signals>,
    /// Rules of which a problem was logged: once is enough.
    pub(super) warned: RefCell<HashSet<String>>,
    /// Where load is spread by chance.
    pub(super) chance: Chance,
    loaded: Cell<u64>,
    pub(super) filed_keys: RefCell<Option<Rc<Keys>>>,
}

impl Worker {
    /// Registers an exchange and gives the number under which the attempt phase finds it.
    pub fn register(&self, exchange: SharedExchange) -> u64 {
        let token = self.last_token.get() + 1;
        self.last_token.set(token);
        self.exchanges.borrow_mut().insert(token, exchange);
        token
    }

    /// The exchange of a number.
    pub fn exchange(&self, token: u64) -> Option<SharedExchange> {
        self.exchanges.borrow().get(&token).cloned()
    }

    /// Lets an exchange go.
    pub fn forget(&self, token: u64) {
        self.exchanges.borrow_mut().remove(&token);
    }

    /// What an answer cost; `None` when the price or the usage is not known.
    pub fn cost(&self, now_ns: u64, tables: &Tables, attempt: &Attempt, usage: &Usage) -> Option<Cost> {
        self.quote(now_ns, tables, &attempt.provider, &attempt.model, usage)
    }

    /// What a provider takes for so much of one of its models; `None` when the price is not known.
    pub fn quote(
        &self,
        now_ns: u64,
        tables: &Tables,
        provider: &Provider,
        model: &str,
        usage: &Usage,
    ) -> Option<Cost> {
        let mut prices = self.prices.borrow_mut();
        let key = (provider.name.clone(), model.to_owned());
        if !prices.contains_key(&key) && prices.len() >= PRICES_KEPT {
            prices.clear();
        }
        let price = prices.entry(key).or_insert_with(|| price_of(tables, provider, model));
        price.as_ref()?.cost(usage, UNIX_EPOCH + Duration::from_nanos(now_ns))
    }

    /// A new configuration came at this time: prices may be others now, and targets gone.
    pub fn configured(&self, now_ns: u64, tables: &Tables) {
        self.prices.borrow_mut().clear();
        let known: HashSet<&str> = tables.targets().map(|target| &*target.name).collect();
        self.health.borrow_mut().keep(|name| known.contains(name));
        self.keep_signals(tables);
        self.warned.borrow_mut().clear();
        self.loaded.set(now_ns / 1_000_000_000);
    }

    /// When the configuration came, in seconds since the epoch.
    pub fn loaded(&self) -> u64 {
        self.loaded.get()
    }

    /// Writes an ended try into its target's health.
    pub(super) fn observe(&self, target: &str, seen: Observation<'_>) {
        self.health.borrow_mut().observe(target, seen);
        self.health_dirty.set(true);
    }

    /// Writes down what a target's provider said about its limits, at a time in seconds since the epoch.
    pub(super) fn note_quota(&self, target: &str, quota: Quota, now: u64) {
        self.health.borrow_mut().tell_quota(target, quota, now);
        self.health_dirty.set(true);
    }

    /// Tells the others that this worker is there, and what it saw; on the tick.
    pub fn tick(&self, host: &impl Host) {
        self.publish_health(host);
        self.publish_signals(host);
        if let Some(peak) = self.holdings.take_peak() {
            let number = self.number(host).to_string();
            let mut metrics = self.metrics.borrow_mut();
            metrics.set(host, Stat::HeldBytes, &[("worker", &number)], peak);
        }
    }

    /// Whether the ticks come often although no request waits any more; once.
    pub fn is_idle_again(&self) -> bool {
        self.queue.borrow().is_empty() && self.hurried.replace(false)
    }

    /// Lets requests through that waited for a limit, and refuses those that waited too long. Called on the tick.
    pub fn serve_queue(&self, host: &impl Host) {
        waiting::serve(self, host, host.now_ns());
    }

    /// Shows what this worker saw to the others. Called on the tick, and before the health page is made.
    pub fn publish_health(&self, host: &impl Host) {
        if !self.health_dirty.replace(false) {
            return;
        }
        let Some(slot) = self.claim_slot(host) else { return };
        if let Ok(book) = serde_json::to_vec(&*self.health.borrow()) {
            let key = slot_key(slot);
            let (_, version) = host.shared(&key);
            host.share(&key, &book, version);
        }
    }

    /// What all workers saw.
    pub fn health(&self, host: &impl Host) -> Book {
        self.publish_health(host);
        let mut sum = Book::default();
        for slot in 0..workers(host).0 {
            let (bytes, _) = host.shared(&slot_key(slot));
            if let Some(book) = bytes.and_then(|b| serde_json::from_slice::<Book>(&b).ok()) {
                sum.merge(&book);
            }
        }
        sum
    }

    /// This worker's place in the list, where it has taken one.
    pub(super) fn slot(&self) -> Option<u32> {
        self.slot.get()
    }

    /// This worker's number among all, from 1 on; 0 where there is none.
    pub(super) fn number(&self, host: &impl Host) -> u32 {
        self.claim_slot(host).map_or(0, |slot| slot.saturating_add(1))
    }

    /// This worker's place in the list, taken at first use. A VM that is rebuilt takes a new one; what the old one saw
    /// leaves the window within a minute.
    pub(super) fn claim_slot(&self, host: &impl Host) -> Option<u32> {
        if let Some(slot) = self.slot.get() {
            return Some(slot);
        }
        // Each failed round means that another worker took a place.
        for _ in 0..1000 {
            let (count, version) = workers(host);
            let next = count.checked_add(1)?;
            if host.share(WORKERS_KEY, next.to_string().as_bytes(), version) {
                self.slot.set(Some(count));
                return Some(count);
            }
        }
        None
    }
}

/// The price of a provider's model. A provider that the price facts do not know runs on somebody's own machines, and
/// its prices are nobody else's: only the configuration can say them.
fn price_of(tables: &Tables, provider: &Provider, model: &str) -> Option<Price> {
    let own = tables.own_price(&provider.name, model);
    if provider.price_provider.is_some() {
        price::resolve(own, provider.price_provider, model)
    } else {
        Price::from_override(own?)
    }
}

/// Creates the list of workers where there is none yet.
pub fn prepare_shared(host: &impl Host) {
    host.share_first(WORKERS_KEY, b"0");
    circuits::prepare(host);
}

/// How many workers have taken a place.
pub(super) fn workers(host: &impl Host) -> (u32, Option<u32>) {
    let (bytes, version) = host.shared(WORKERS_KEY);
    let count = bytes.and_then(|b| String::from_utf8(b).ok()).and_then(|s| s.parse().ok()).unwrap_or(0);
    (count, version)
}

fn slot_key(slot: u32) -> String {
    format!("tollgate.health.{slot}")
}
