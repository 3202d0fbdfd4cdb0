//! One set of counters for a whole fleet of Envoys, and across their restarts: in Redis, reached through webdis.
//!
//! # What travels
//! Each Envoy has a name of its own from its start to its end, and writes what it consumed of a counter, as a total, under
//! that name; it reads the sum of all other names. A total that is written twice, late or in the wrong order does no harm
//! ([`command`] says why), so whatever goes wrong is simply done again, by any worker and at any time: an answer that was
//! lost, a Redis that was away, one that came back empty.
//!
//! # Who carries it
//! Every worker carries the counters that it changed itself, one call at a time, each with many counters. There is no
//! leader, and so none to lose.
//!
//! # How old the knowledge is
//! What others consumed is known as of the last exchange: an interval and a round trip ago, for a counter in use. A counter
//! that this Envoy has not used for a while is read again within an interval of its next use. So an Envoy cannot go over a
//! budget or a limit by more than it admits in an interval and a round trip.

pub mod answer;
pub mod command;

use super::ledger::{CellId, Consumed};
use hashbrown::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

/// Most counters in one call: some 40 KB there and 3 KB back, a millisecond of Redis.
pub const MOST_CELLS: usize = 256;

/// Most counters that a worker can write again to a Redis that lost its data. Those beyond are written at their next
/// change.
const MOST_TOLD: usize = 65_536;

/// Most counters that a worker remembers to have read; one more, and all are read again at their next use.
const MOST_MET: usize = 65_536;

/// How often what is under way is said again, in nanoseconds: twice before the others cease to believe it.
const HEARTBEAT_NS: u64 = command::FRESH_SECS * 1_000_000_000 / 3;

/// After this the answer of a call will not come: the proxy's own limit has passed, and the plugin that called is gone.
const GRACE_NS: u64 = 1_000_000_000;

/// How Redis stands to this worker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Reach {
    /// Nothing was exchanged yet.
    #[default]
    Unknown,
    /// The last exchange succeeded.
    Up,
    /// The last exchange failed, for this reason.
    Down(String),
}

/// What an exchange changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What others consumed.
    pub merged: Vec<(CellId, u64)>,
    /// What has to be told (again).
    pub again: Vec<CellId>,
    /// Whether Redis has become reachable, or unreachable.
    pub turned: bool,
}

/// One worker's part in the fleet.
#[derive(Debug, Default)]
pub struct Fleet {
    reach: Reach,
    /// When the last exchange succeeded, in nanoseconds since the epoch; 0: never.
    heard_ns: u64,
    begun_ns: u64,
    under_way: Option<UnderWay>,
    /// Which Redis it was.
    run: String,
    /// What was told, and until when it matters in seconds since the epoch.
    told: HashMap<CellId, u64>,
    /// Counters of requests under way that others believe in.
    open: Vec<CellId>,
    beaten_ns: u64,
    /// Rules, and values of their scopes, that were read since the start.
    met: HashSet<(Rc<str>, Rc<str>)>,
    /// Whether somebody waits for a counter that was not.
    awaited: bool,
}

/// A call whose answer is awaited.
#[derive(Debug)]
struct UnderWay {
    /// The proxy's number of it.
    call: u32,
    cells: Vec<Consumed>,
}

impl Fleet {
    /// How Redis stands.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// When the last exchange succeeded, in seconds since the epoch; `None`: never.
    pub fn heard(&self) -> Option<u64> {
        (self.heard_ns > 0).then_some(self.heard_ns / 1_000_000_000)
    }

    /// Whether this worker has never read a counter, in none of its windows.
    pub fn is_new(&self, rule: &Rc<str>, value: &Rc<str>) -> bool {
        !self.met.contains(&(Rc::clone(rule), Rc::clone(value)))
    }

    /// Somebody waits for a counter: the next exchange is made at once.
    pub fn hurry(&mut self) {
        self.awaited = true;
    }

    /// Whether it is time for an exchange, and none is under way.
    pub fn is_due(&self, now_ns: u64, every: Duration) -> bool {
        let passed = now_ns.saturating_sub(self.begun_ns) >= nanos(every);
        self.under_way.is_none() && (self.awaited || passed)
    }

    /// The call under way whose answer cannot come any more: its cells have to be told again.
    pub fn give_up(&mut self, now_ns: u64, timeout: Duration) -> Option<Outcome> {
        let limit = nanos(timeout).saturating_add(GRACE_NS);
        let late = self.under_way.is_some() && now_ns.saturating_sub(self.begun_ns) > limit;
        late.then(|| self.fail("webdis does not answer".to_owned()))
    }

    /// Counters of requests under way that have to be said again, whether they changed or not.
    pub fn heartbeat(&mut self, now_ns: u64) -> Vec<CellId> {
        if now_ns.saturating_sub(self.beaten_ns) < HEARTBEAT_NS {
            return Vec::new();
        }
        self.beaten_ns = now_ns;
        std::mem::take(&mut self.open)
    }

    /// A call was made; `None`: the proxy refused to.
    pub fn began(&mut self, now_ns: u64, call: Option<u32>, cells: Vec<Consumed>) -> Option<Outcome> {
        self.begun_ns = now_ns;
        self.awaited = false;
        self.under_way = Some(UnderWay { call: call.unwrap_or_default(), cells });
        call.is_none().then(|| self.fail("the proxy does not let us call webdis".to_owned()))
    }

    /// An answer came, with its status, 0 where there is none; `None` where it is to no call of ours.
    pub fn answered(&mut self, now_ns: u64, call: u32, status: u16, body: &[u8]) -> Option<Outcome> {
        let cells = self.under_way.as_ref().filter(|under_way| under_way.call == call)?.cells.len();
        Some(match answer::read(status, body, cells) {
            Ok(answer) => self.succeed(now_ns, answer),
            Err(why) => self.fail(why),
        })
    }

    fn succeed(&mut self, now_ns: u64, answer: answer::Answer) -> Outcome {
        let cells = self.under_way.take().map(|under_way| under_way.cells).unwrap_or_default();
        let turned = self.reach != Reach::Up;
        self.reach = Reach::Up;
        self.heard_ns = now_ns;
        let mut again = Vec::new();
        if answer.run != self.run {
            // Started again, or another one: what it has lost is here.
            again = self.told.drain().map(|(id, _)| id).collect();
            self.run = answer.run;
        }
        for cell in &cells {
            self.remember(cell, now_ns / 1_000_000_000);
        }
        again.retain(|id| !self.told.contains_key(id));
        Outcome { merged: cells.into_iter().map(|cell| cell.id).zip(answer.others).collect(), again, turned }
    }

    fn fail(&mut self, why: String) -> Outcome {
        let cells = self.under_way.take().map(|under_way| under_way.cells).unwrap_or_default();
        let turned = !matches!(self.reach, Reach::Down(_));
        self.reach = Reach::Down(why);
        Outcome { merged: Vec::new(), again: cells.into_iter().map(|cell| cell.id).collect(), turned }
    }

    fn remember(&mut self, cell: &Consumed, now: u64) {
        if self.met.len() >= MOST_MET {
            self.met.clear();
        }
        self.met.insert((Rc::clone(&cell.id.rule), Rc::clone(&cell.id.value)));
        if cell.id.window == 0 {
            self.open.retain(|id| *id != cell.id);
            if cell.own > 0 && self.open.len() < MOST_TOLD {
                self.open.push(cell.id.clone());
            }
            return;
        }
        if cell.own == 0 {
            return;
        }
        if self.told.len() >= MOST_TOLD {
            self.told.retain(|_, until| *until > now);
        }
        if self.told.len() < MOST_TOLD {
            self.told.insert(cell.id.clone(), cell.keep_until);
        }
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
