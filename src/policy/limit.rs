//! Limits: so many requests or tokens in a while, as a token bucket; so many requests at the same time.

use super::fleet::command::FRESH_SECS;
use super::ledger::{Cell, Worth};
use super::quota::{Clock, Over, Refused, Standing, Unit};

const SECOND_NS: u64 = 1_000_000_000;

/// How long to wait for one of the requests under way, in nanoseconds: nobody knows, so not long.
const UNDER_WAY_NS: u64 = SECOND_NS;

/// A token bucket: it holds `burst`, and `amount` flow in evenly in each period.
///
/// Its state is one time, that at which it will be full (GCRA): taking moves it on. So nothing has to be refilled, and
/// one that is overdrawn, because a request used more than was estimated, is simply full later.
#[derive(Debug)]
pub struct Rate {
    /// What is counted: requests or tokens.
    pub unit: Unit,
    /// How many flow in.
    pub amount: u64,
    /// In which time, in nanoseconds; whole seconds.
    pub period_ns: u64,
    /// How many it holds.
    pub burst: u64,
    /// What becomes of a request that finds too little.
    pub over: Over,
}

impl Rate {
    /// The time in which so much flows in, in nanoseconds.
    fn time_of(&self, units: u64) -> u64 {
        if let Some(product) = units.checked_mul(self.period_ns) {
            return product.checked_div(self.amount).unwrap_or(u64::MAX);
        }
        let product = u128::from(units) * u128::from(self.period_ns);
        u64::try_from(product / u128::from(self.amount.max(1))).unwrap_or(u64::MAX)
    }

    /// How much flows in in a time.
    fn units_in(&self, ns: u64) -> u64 {
        let product = u128::from(ns) * u128::from(self.amount);
        u64::try_from(product / u128::from(self.period_ns.max(1))).unwrap_or(u64::MAX)
    }

    /// What a request takes: one that is larger than the bucket waits for a full one, and overdraws it in the end.
    fn taken(&self, wanted: u64) -> u64 {
        wanted.min(self.burst)
    }

    pub(super) fn reserve(&self, cell: &mut Cell, wanted: u64, clock: &Clock) -> Result<u64, Refused> {
        let full_at = cell.full_at_ns.max(clock.ns).saturating_add(self.time_of(self.taken(wanted)));
        let latest = clock.ns.saturating_add(self.time_of(self.burst));
        if full_at > latest {
            let standing = self.standing(cell, clock);
            return Err(Refused { standing, wanted, wait_ns: full_at - latest });
        }
        Ok(self.hold(cell, wanted, clock))
    }

    pub(super) fn hold(&self, cell: &mut Cell, wanted: u64, clock: &Clock) -> u64 {
        let taken = self.taken(wanted);
        self.take(cell, self.time_of(taken), clock);
        if self.unit == Unit::Requests {
            self.consume(cell, taken, clock);
        }
        self.keep(cell, clock);
        taken
    }

    /// Takes as much as flows in within `ns`. Of requests none is ever given back late, so their peaks are nothing to
    /// remember.
    fn take(&self, cell: &mut Cell, ns: u64, clock: &Clock) {
        let full_at = cell.full_at_ns.max(clock.ns);
        if self.unit != Unit::Requests {
            cell.peaks.note(clock.ns, full_at - clock.ns);
        }
        cell.full_at_ns = full_at.saturating_add(ns);
    }

    /// Gives back as much as flows in within `ns` of what was taken at `since_ns`; but not what ran over, or would have,
    /// in all the time since.
    fn give_back(cell: &mut Cell, ns: u64, since_ns: u64, clock: &Clock) {
        let missing = cell.full_at_ns.saturating_sub(clock.ns);
        let ns = ns.min(missing).min(cell.peaks.least_missing(since_ns).unwrap_or(u64::MAX));
        cell.full_at_ns = cell.full_at_ns.saturating_sub(ns);
        cell.peaks.given_back(since_ns, ns);
    }

    /// Requests are counted when they are admitted; tokens are when they are known. What was never sent counts nothing.
    pub(super) fn settle(&self, cell: &mut Cell, since_ns: u64, held: u64, used: Option<u64>, clock: &Clock) {
        let was = self.time_of(held);
        match (self.unit, used) {
            (Unit::Requests, Some(_)) => return,
            (Unit::Requests, None) => {
                cell.full_at_ns = cell.full_at_ns.saturating_sub(was);
                let window = self.window(clock);
                cell.on_slice(window, window, |slice| slice.own = slice.own.saturating_sub(held));
            }
            (_, used) => {
                let used = used.unwrap_or(0);
                let is = self.time_of(used);
                match is.checked_sub(was) {
                    Some(more) if more > 0 => self.take(cell, more, clock),
                    _ => Self::give_back(cell, was.saturating_sub(is), since_ns, clock),
                }
                self.consume(cell, used, clock);
            }
        }
        self.keep(cell, clock);
    }

    pub(super) fn merge(&self, cell: &mut Cell, window: u64, others: u64, clock: &Clock) {
        if window != self.window(clock) {
            return;
        }
        let before = cell.on_slice(window, window, |slice| {
            // It never falls: somebody who lost the count would forgive everything.
            let more = slice.others.max(others);
            std::mem::replace(&mut slice.others, more)
        });
        let more = self.time_of(others.saturating_sub(before));
        if more > 0 {
            self.take(cell, more, clock);
        }
        self.keep(cell, clock);
    }

    pub(super) fn standing(&self, cell: &Cell, clock: &Clock) -> Standing {
        let full_at = cell.full_at_ns.max(clock.ns);
        let missing = full_at - clock.ns;
        let remaining = self.units_in(self.time_of(self.burst).saturating_sub(missing));
        let limit = self.amount.max(self.burst);
        Standing {
            limit,
            spent: self.burst.saturating_sub(remaining),
            reserved: 0,
            remaining,
            resets_at_ns: full_at,
            is_soft: false,
        }
    }

    /// The stretch of the clock, as long as a period, that consumption is told to others by.
    pub(super) fn window(&self, clock: &Clock) -> u64 {
        clock.secs / self.period_secs() * self.period_secs()
    }

    /// The period in seconds.
    pub fn period_secs(&self) -> u64 {
        (self.period_ns / SECOND_NS).max(1)
    }

    fn consume(&self, cell: &mut Cell, units: u64, clock: &Clock) {
        let window = self.window(clock);
        cell.on_slice(window, window, |slice| slice.own = slice.own.saturating_add(units));
    }

    fn keep(&self, cell: &mut Cell, clock: &Clock) {
        cell.worth = Worth::Passing;
        let full = (cell.full_at_ns / SECOND_NS).saturating_add(1);
        cell.until = full.max(self.window(clock).saturating_add(self.period_secs()));
    }
}

/// So many requests under way.
#[derive(Debug)]
pub struct Concurrent {
    /// Most at the same time.
    pub most: u64,
    /// What becomes of one more.
    pub over: Over,
}

impl Concurrent {
    pub(super) fn reserve(&self, cell: &mut Cell, clock: &Clock) -> Result<(), Refused> {
        let standing = self.standing(cell, clock);
        if standing.remaining == 0 {
            return Err(Refused { standing, wanted: 1, wait_ns: UNDER_WAY_NS });
        }
        Self::hold(cell, clock);
        Ok(())
    }

    pub(super) fn hold(cell: &mut Cell, clock: &Clock) {
        cell.hold(clock.slot, 1, clock.oldest_slot);
        cell.until = cell.until.max(clock.lease_ends);
    }

    /// The count is kept with the second in which it was heard, as a slice of its own: it is soon out of date.
    pub(super) fn merge(cell: &mut Cell, others: u64, clock: &Clock) {
        cell.on_slice(clock.secs, clock.secs, |slice| slice.others = others);
        cell.until = cell.until.max(clock.lease_ends);
    }

    pub(super) fn standing(&self, cell: &Cell, clock: &Clock) -> Standing {
        let others = cell.spent(clock.secs.saturating_sub(FRESH_SECS));
        let spent = cell.reserved(clock.oldest_slot).saturating_add(others);
        Standing {
            limit: self.most,
            spent,
            remaining: self.most.saturating_sub(spent),
            ..Standing::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::quota::Lease;
    use super::*;
    use std::time::Duration;

    fn clock(ms: u64) -> Clock {
        Clock::at(1_000_000 * SECOND_NS + ms * 1_000_000, Lease::of(Duration::from_mins(1)))
    }

    fn rate(unit: Unit, amount: u64, period_secs: u64, burst: u64) -> Rate {
        Rate { unit, amount, period_ns: period_secs * SECOND_NS, burst, over: Over::Reject }
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        // Seven in a minute do not divide evenly: no request more and none less gets through for it.
        for (amount, period, burst) in [(10, 1, 20), (7, 60, 7), (100, 60, 3), (3, 86_400, 3)] {
            let (rate, mut cell) = (rate(Unit::Requests, amount, period, burst), Cell::default());
            let admitted = (0..100).filter(|_| rate.reserve(&mut cell, 1, &clock(0)).is_ok()).count();
            assert_eq!(admitted as u64, burst);
            let refused = rate.reserve(&mut cell, 1, &clock(0)).unwrap_err();
            let each = (period * SECOND_NS).div_ceil(amount);
            assert!(refused.wait_ns <= each && refused.wait_ns > each - 8, "{} {each}", refused.wait_ns);
            assert_eq!(refused.standing.remaining, 0);
            let later = |ns: u64| Clock::at(clock(0).ns + ns, Lease::of(Duration::from_mins(1)));
            assert!(rate.reserve(&mut cell, 1, &later(refused.wait_ns - 1)).is_err());
            rate.reserve(&mut cell, 1, &later(refused.wait_ns)).unwrap();
        }
    }

    #[test]
    fn tokens_are_settled_and_may_overdraw() {
        let (rate, mut cell) = (rate(Unit::Tokens, 1000, 60, 1000), Cell::default());
        let held = rate.reserve(&mut cell, 400, &clock(0)).unwrap();
        rate.settle(&mut cell, clock(0).ns, held, Some(100), &clock(0));
        assert_eq!(rate.standing(&cell, &clock(0)).remaining, 900);
        let held = rate.reserve(&mut cell, 5000, &clock(0)).unwrap_err().standing.remaining;
        assert_eq!(held, 900, "larger than the bucket: waits for a full one");
        let held = rate.reserve(&mut cell, 5000, &clock(60_000)).unwrap();
        assert_eq!(held, 1000);
        rate.settle(&mut cell, clock(60_000).ns, held, Some(3000), &clock(60_000));
        assert!(rate.reserve(&mut cell, 0, &clock(120_000)).is_err(), "2000 are owed");
        rate.reserve(&mut cell, 0, &clock(180_000)).unwrap();
        assert_eq!(rate.standing(&cell, &clock(180_000)).remaining, 0);
        rate.settle(&mut cell, clock(180_000).ns, 0, None, &clock(180_000));
        assert_eq!(rate.standing(&cell, &clock(240_000)).remaining, 1000);
    }

    #[test]
    fn what_time_has_refilled_is_not_given_back() {
        let (rate, mut cell) = (rate(Unit::Tokens, 1000, 60, 1000), Cell::default());
        let held = rate.reserve(&mut cell, 990, &clock(0)).unwrap();
        // The bucket is full again when another one comes, and then the first one ends.
        rate.reserve(&mut cell, 964, &clock(60_000)).unwrap();
        rate.settle(&mut cell, clock(0).ns, held, Some(6), &clock(60_000));
        assert_eq!(rate.standing(&cell, &clock(60_000)).remaining, 36);
        rate.reserve(&mut cell, 904, &clock(60_000)).unwrap_err();
    }

    #[test]
    fn a_busy_bucket_gets_all_of_it_back_however_late() {
        let (rate, mut cell) = (rate(Unit::Tokens, 1000, 60, 1000), Cell::default());
        let held = rate.reserve(&mut cell, 500, &clock(0)).unwrap();
        let others = rate.reserve(&mut cell, 500, &clock(1)).unwrap();
        rate.settle(&mut cell, clock(1).ns, others, Some(500), &clock(1));
        // What flows in is taken at once.
        for second in 1..120 {
            rate.reserve(&mut cell, 16, &clock(second * 1000)).unwrap();
        }
        rate.settle(&mut cell, clock(0).ns, held, Some(100), &clock(120_000));
        let remaining = rate.standing(&cell, &clock(120_000)).remaining;
        assert!((400..500).contains(&remaining), "{remaining}");
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        /// The oracle: a bucket from which every request takes at once what it uses in the end.
        #[test]
        fn a_bucket_stands_where_it_would_had_only_the_use_been_taken(
            requests in proptest::collection::vec((0_u64..20_000, 1_u64..400, 0_u64..400, 0_u64..40_000), 1..5),
        ) {
            let rate = rate(Unit::Tokens, 1000, 60, 1000);
            let mut events: Vec<(u64, bool, usize)> = Vec::new();
            for (number, (start, _, _, length)) in requests.iter().enumerate() {
                events.extend([(*start, false, number), (start + length + 1, true, number)]);
            }
            events.sort_unstable();
            let (mut cell, mut ideal) = (Cell::default(), Cell::default());
            for (at, is_end, number) in events {
                let (start, held, used, _) = requests[number];
                let used = used.min(held);
                if is_end {
                    rate.settle(&mut cell, clock(start).ns, held, Some(used), &clock(at));
                } else {
                    rate.hold(&mut cell, held, &clock(at));
                    rate.hold(&mut ideal, used, &clock(at));
                }
            }
            let last = requests.iter().map(|(start, _, _, length)| start + length + 1).max().unwrap();
            let is = rate.standing(&cell, &clock(last)).remaining;
            let should = rate.standing(&ideal, &clock(last)).remaining;
            proptest::prop_assert!(is <= should + 1, "{is} of {should}");
            let distinct: std::collections::BTreeSet<u64> = requests.iter().map(|request| request.0).collect();
            if distinct.len() == requests.len() {
                proptest::prop_assert!(is + 1 >= should, "{is} of {should}");
            }
        }
    }

    #[test]
    fn what_was_never_sent_counts_nothing() {
        let (rate, mut cell) = (rate(Unit::Requests, 2, 60, 2), Cell::default());
        for _ in 0..10 {
            let held = rate.reserve(&mut cell, 1, &clock(0)).unwrap();
            rate.settle(&mut cell, clock(0).ns, held, None, &clock(0));
        }
        assert_eq!(rate.standing(&cell, &clock(0)).remaining, 2);
        assert_eq!(cell.spent(0), 0);
    }

    #[test]
    fn what_others_take_is_missing_here() {
        let (rate, mut cell) = (rate(Unit::Requests, 10, 60, 10), Cell::default());
        let window = rate.window(&clock(0));
        rate.merge(&mut cell, window, 4, &clock(0));
        rate.merge(&mut cell, window, 7, &clock(0));
        assert_eq!(rate.standing(&cell, &clock(0)).remaining, 3);
        rate.merge(&mut cell, window.wrapping_sub(60), 9, &clock(0));
        assert_eq!(rate.standing(&cell, &clock(0)).remaining, 3);
    }

    #[test]
    fn places_are_given_back_or_forgotten() {
        let (limit, mut cell) = (Concurrent { most: 2, over: Over::Queue }, Cell::default());
        limit.reserve(&mut cell, &clock(0)).unwrap();
        limit.reserve(&mut cell, &clock(0)).unwrap();
        assert!(limit.reserve(&mut cell, &clock(0)).is_err());
        cell.let_go(clock(0).slot, 1);
        limit.reserve(&mut cell, &clock(0)).unwrap();
        assert!(limit.reserve(&mut cell, &clock(60_000)).is_err());
        limit.reserve(&mut cell, &clock(100_000)).unwrap();
        Concurrent::merge(&mut cell, 1, &clock(100_000));
        assert!(limit.reserve(&mut cell, &clock(100_000)).is_err());
        cell.let_go(clock(100_000).slot, 1);
        Concurrent::merge(&mut cell, 2, &clock(110_000));
        assert!(limit.reserve(&mut cell, &clock(125_000)).is_err());
        limit.reserve(&mut cell, &clock(126_000)).unwrap();
    }
}
