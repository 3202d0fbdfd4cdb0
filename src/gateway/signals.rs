//! What workers tell each other of the targets that strategies go by. Each worker has a list of its own in shared data,
//! which nobody else writes: there is nothing to lose a race for.

use super::exchange::Exchange;
use super::host::Host;
use super::worker::{Worker, workers};
use crate::config::tables::{Tables, Target};
use crate::policy::health::Quota;
use crate::policy::signals::Signals;

impl Worker {
    /// A try begins.
    pub(super) fn begin_busy(&self, host: &impl Host, exchange: &mut Exchange, target: &Target) {
        if exchange.tables.learned.contains(&target.id) {
            exchange.busy = Some(target.id);
            self.signals.borrow_mut().begin(target.id);
            self.publish_signals(host);
        }
    }

    /// The try under way is over, if that was not said before.
    pub(super) fn end_busy(&self, host: &impl Host, exchange: &mut Exchange) {
        if let Some(id) = exchange.busy.take() {
            self.signals.borrow_mut().end(id);
            self.publish_signals(host);
        }
    }

    /// How long the try took that has just ended: until its first token, its whole answer, or its failure.
    pub(super) fn tell_latency(&self, host: &impl Host, exchange: &mut Exchange, now_ns: u64, failed: bool) {
        let (Some(id), Some(attempt)) = (exchange.busy, exchange.attempts.last()) else { return };
        let until = exchange.answer.first_content_ns.unwrap_or(now_ns);
        let ms = until.saturating_sub(attempt.started_ns) / 1_000_000;
        let at = now_ns / 1_000_000;
        let mut signals = self.signals.borrow_mut();
        if failed {
            signals.failed(id, ms, at);
        } else {
            signals.answered(id, ms, at);
        }
        drop(signals);
        self.end_busy(host, exchange);
    }

    /// What a target's provider said about its limits.
    pub(super) fn tell_quota(&self, host: &impl Host, exchange: &Exchange, quota: Quota) {
        let Some(attempt) = exchange.attempts.last() else { return };
        let now_ms = host.now_ns() / 1_000_000;
        self.note_quota(&attempt.target, quota, now_ms / 1000);
        if let Some(id) = exchange.busy {
            // The end of the try, which is near, shows it to the others.
            self.signals.borrow_mut().told(id, quota.per_mille(), now_ms);
        }
    }

    /// Forgets targets that no strategy of the new configuration goes by.
    pub(super) fn keep_signals(&self, tables: &Tables) {
        self.signals.borrow_mut().keep(|id| tables.learned.contains(&id));
    }

    /// Shows this worker's list to the others; on the tick too, so that they know it is still there.
    pub fn publish_signals(&self, host: &impl Host) {
        let signals = self.signals.borrow();
        if signals.is_empty() {
            return;
        }
        if let Some(slot) = self.claim_slot(host) {
            host.share(&key(slot), &signals.to_bytes(host.now_ns() / 1_000_000), None);
        }
    }

    /// The lists of all workers.
    pub(super) fn all_signals(&self, host: &impl Host) -> Vec<Signals> {
        let now_ms = host.now_ns() / 1_000_000;
        let own = self.slot();
        let others = (0..workers(host).0).filter(|slot| Some(*slot) != own);
        let mut lists: Vec<Signals> = others
            .filter_map(|slot| Some(Signals::from_bytes(&host.shared(&key(slot)).0?, now_ms)))
            .collect();
        lists.push(self.signals.borrow().clone());
        lists
    }
}

fn key(slot: u32) -> String {
    format!("tollgate.signals.{slot}")
}
