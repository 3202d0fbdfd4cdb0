//! What other Envoys have to know of the counters here, and what is known here of theirs.
//!
//! Every counter says how much was consumed by requests of this Envoy in a window, and how much by those of all others as
//! of the last time that anybody asked. Each worker remembers which counters it changed; whoever carries the news takes
//! those ([`Ledger::take_dirty`]), tells the others the amounts, and says what the others have ([`Ledger::merge`]).
//! Amounts are totals of their window and not differences: telling one twice, or by two workers, does no harm. Within a
//! window they never fall.

use super::Ledger;
use crate::gateway::Host;
use crate::policy::quota::Clock;
use crate::policy::rulebook::Rulebook;
use hashbrown::HashSet;
use std::collections::VecDeque;
use std::rc::Rc;

/// Most changed counters that a worker remembers between two tellings. One more pushes the oldest out: that one is told at
/// its next change.
const MOST_MARKS: usize = 65_536;

/// A counter in one of its windows, as every Envoy with the same configuration names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CellId {
    /// The rule's name.
    pub rule: Rc<str>,
    /// The value of the rule's scope: a tenant's name, a key's id; empty for the whole gateway.
    pub value: Rc<str>,
    /// When the window began, in seconds since the epoch; 0 for requests under way, which have none.
    pub window: u64,
}

/// What this Envoy consumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumed {
    /// Of which counter.
    pub id: CellId,
    /// How much in the window so far, since this Envoy was started; it falls only for requests under way.
    pub own: u64,
    /// When nobody will ask any more, in seconds since the epoch.
    pub keep_until: u64,
}

/// The counters that one worker changed and nobody told yet.
#[derive(Debug, Default)]
pub(super) struct Marks {
    order: VecDeque<CellId>,
    known: HashSet<CellId>,
}

impl Marks {
    fn push(&mut self, id: CellId) {
        if !self.known.insert(id.clone()) {
            return;
        }
        if self.order.len() >= MOST_MARKS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(id);
    }
}

impl Ledger {
    /// Remembers that this worker changed a counter.
    pub fn mark_dirty(&self, ids: impl IntoIterator<Item = CellId>) {
        let marks = &mut *self.marks.borrow_mut();
        ids.into_iter().for_each(|id| marks.push(id));
    }

    /// Whether this worker changed anything that nobody told.
    pub fn is_dirty(&self) -> bool {
        !self.marks.borrow().order.is_empty()
    }

    /// Takes the counters that this worker changed, the oldest change first, at most `most`, with what this Envoy consumed
    /// of each as it stands now. Those of rules that are no more are dropped.
    pub fn take_dirty(
        &self,
        host: &impl Host,
        rules: Rulebook<'_>,
        now_ns: u64,
        most: usize,
    ) -> Vec<Consumed> {
        let clock = Clock::at(now_ns, rules.quotas.lease);
        let ids: Vec<CellId> = {
            let marks = &mut *self.marks.borrow_mut();
            let taken = marks.order.len().min(most);
            let ids: Vec<CellId> = marks.order.drain(..taken).collect();
            for id in &ids {
                marks.known.remove(id);
            }
            ids
        };
        let consumed = ids.into_iter().filter_map(|id| {
            let quota = rules.of(&id)?;
            let cells = self.read(host, &self.account(quota.per, &id.value));
            let own = quota.own(&cells.cell(quota.tag), id.window, &clock);
            Some(Consumed { own, keep_until: quota.keep_until(id.window, &clock), id })
        });
        consumed.collect()
    }

    /// Says what all others consumed in a counter's window, in all. A window that is over is nobody's business any more.
    pub fn merge(&self, host: &impl Host, rules: Rulebook<'_>, now_ns: u64, id: &CellId, others: u64) {
        let Some(quota) = rules.of(id) else { return };
        let clock = Clock::at(now_ns, rules.quotas.lease);
        let account = self.account(quota.per, &id.value);
        self.change(host, &account, clock.secs, |draft| {
            let Some(cell) = draft.edit(quota.tag) else { return };
            let before = cell.clone();
            quota.merge(cell, id.window, others, &clock);
            if *cell == before {
                draft.undo();
            }
        });
    }
}
