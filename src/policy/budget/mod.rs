//! Budgets: so much money, or so many tokens, in a stretch of time. What requests under way may use at most is reserved
//! when they are admitted, and what they really used takes its place when they are over.

mod window;

pub use window::{Every, Window};

use super::ledger::{Cell, Worth};
use super::quota::{Clock, Refused, Standing, Unit};

/// How long to wait where nothing but requests under way is in the way, in nanoseconds: they may give something back any
/// moment.
const UNDER_WAY_NS: u64 = 1_000_000_000;

/// A budget.
#[derive(Debug)]
pub struct Budget {
    /// What is counted: money or tokens.
    pub unit: Unit,
    /// How much there is.
    pub limit: u64,
    /// From how much on there are warnings; `None`: never.
    pub soft: Option<u64>,
    /// For how long.
    pub window: Window,
}

impl Budget {
    /// Reserves for a request.
    ///
    /// # Errors
    /// When it is spent, or what is left and not reserved is less than is wanted.
    pub(super) fn reserve(&self, cell: &mut Cell, wanted: u64, clock: &Clock) -> Result<(), Refused> {
        let standing = self.standing(cell, clock);
        if standing.spent >= self.limit || wanted > standing.remaining {
            let fits_alone =
                standing.spent < self.limit && standing.spent.saturating_add(wanted) <= self.limit;
            let wait_ns =
                if fits_alone { UNDER_WAY_NS } else { standing.resets_at_ns.saturating_sub(clock.ns) };
            return Err(Refused { standing, wanted, wait_ns });
        }
        self.hold(cell, wanted, clock);
        Ok(())
    }

    pub(super) fn hold(&self, cell: &mut Cell, wanted: u64, clock: &Clock) {
        cell.worth = self.worth();
        cell.hold(clock.slot, wanted, clock.oldest_slot);
        cell.until = cell.until.max(clock.lease_ends);
    }

    pub(super) fn settle(&self, cell: &mut Cell, slot: u64, held: u64, used: u64, clock: &Clock) {
        cell.let_go(slot, held);
        if used == 0 {
            return;
        }
        let position = self.window.at(clock.secs);
        cell.worth = self.worth();
        cell.on_slice(position.slice, position.oldest, |slice| slice.own = slice.own.saturating_add(used));
        cell.until = cell.until.max(position.forgotten);
    }

    pub(super) fn merge(&self, cell: &mut Cell, window: u64, others: u64, clock: &Clock) {
        let position = self.window.at(clock.secs);
        if window < position.oldest || window > position.slice {
            return;
        }
        cell.worth = self.worth();
        cell.on_slice(window, position.oldest, |slice| slice.others = slice.others.max(others));
        cell.until = cell.until.max(self.window.forgets(window, &position));
    }

    pub(super) fn standing(&self, cell: &Cell, clock: &Clock) -> Standing {
        let position = self.window.at(clock.secs);
        let spent = cell.spent(position.oldest);
        let reserved = cell.reserved(clock.oldest_slot);
        let first =
            cell.slices.iter().find(|slice| slice.start >= position.oldest && slice.own + slice.others > 0);
        let first = first.map_or(position.slice, |slice| slice.start);
        Standing {
            limit: self.limit,
            spent,
            reserved,
            remaining: self.limit.saturating_sub(spent).saturating_sub(reserved),
            resets_at_ns: self.window.forgets(first, &position).saturating_mul(1_000_000_000),
            is_soft: self.soft.is_some_and(|soft| spent >= soft),
        }
    }

    fn worth(&self) -> Worth {
        if self.unit == Unit::Usd { Worth::Money } else { Worth::Tokens }
    }
}

#[cfg(test)]
mod tests {
    use super::super::quota::Lease;
    use super::*;
    use std::time::Duration;

    const DAY: u64 = 86_400;

    fn budget(every: Every, rolling: bool) -> Budget {
        Budget {
            unit: Unit::Tokens,
            limit: 100,
            soft: Some(80),
            window: Window::new(every, rolling, "UTC").unwrap(),
        }
    }

    fn clock(secs: u64) -> Clock {
        Clock::at(secs * 1_000_000_000, Lease::of(Duration::from_mins(10)))
    }

    #[test]
    fn what_is_under_way_counts_until_it_is_settled() {
        let (budget, mut cell, now) = (budget(Every::Day, false), Cell::default(), clock(DAY * 10 + 50));
        budget.reserve(&mut cell, 60, &now).unwrap();
        let refused = budget.reserve(&mut cell, 60, &now).unwrap_err();
        assert_eq!((refused.standing.reserved, refused.wait_ns), (60, UNDER_WAY_NS));
        budget.settle(&mut cell, now.slot, 60, 30, &now);
        budget.reserve(&mut cell, 60, &now).unwrap();
        budget.settle(&mut cell, now.slot, 60, 75, &now);
        // The estimate was too low: the budget is over by its error, and refuses even what wants nothing.
        let refused = budget.reserve(&mut cell, 0, &now).unwrap_err();
        assert_eq!((refused.standing.spent, refused.standing.remaining), (105, 0));
        assert!(refused.standing.is_soft);
        assert_eq!(refused.wait_ns, (DAY - 50) * 1_000_000_000);
        let tomorrow = clock(DAY * 11);
        budget.reserve(&mut cell, 100, &tomorrow).unwrap();
    }

    #[test]
    fn what_a_lost_worker_reserved_comes_back() {
        let (budget, mut cell) = (budget(Every::Week, false), Cell::default());
        budget.reserve(&mut cell, 100, &clock(DAY)).unwrap();
        assert!(budget.reserve(&mut cell, 1, &clock(DAY + 600)).is_err(), "it may still be alive");
        budget.reserve(&mut cell, 100, &clock(DAY + 900)).unwrap();
        assert_eq!(budget.standing(&cell, &clock(DAY + 900)).reserved, 100);
    }

    #[test]
    fn a_rolling_budget_comes_back_bit_by_bit() {
        let (budget, mut cell) = (budget(Every::Hours(12), true), Cell::default());
        for hour in 0..10 {
            let now = clock(DAY + hour * 3600);
            budget.reserve(&mut cell, 10, &now).unwrap();
            budget.settle(&mut cell, now.slot, 10, 10, &now);
        }
        let refused = budget.reserve(&mut cell, 1, &clock(DAY + 10 * 3600)).unwrap_err();
        assert_eq!(refused.standing.resets_at_ns, (DAY + 13 * 3600) * 1_000_000_000);
        assert!(budget.reserve(&mut cell, 1, &clock(DAY + 13 * 3600 - 1)).is_err());
        budget.reserve(&mut cell, 10, &clock(DAY + 13 * 3600)).unwrap();
        assert!(budget.reserve(&mut cell, 1, &clock(DAY + 13 * 3600)).is_err());
    }

    #[test]
    fn what_others_spent_counts_too() {
        let (budget, mut cell, now) = (budget(Every::Day, false), Cell::default(), clock(DAY + 5));
        budget.merge(&mut cell, DAY, 95, &now);
        assert!(budget.reserve(&mut cell, 6, &now).is_err());
        budget.merge(&mut cell, 0, 95, &now);
        budget.merge(&mut cell, DAY, 20, &now);
        assert_eq!(budget.standing(&cell, &now).spent, 95, "who lost the count does not forgive");
    }
}
