//! Whose turn it is. Each worker has a queue of its own, and the one whose request ends is always the first to know that
//! there is room: without turns it would give every place to its own, and the other workers' requests would wait until
//! nobody waits there any more.

use super::cell::{put, take};

/// How long a turn lasts that is not used, in milliseconds: some ticks, for a worker may be busy. A worker whose waiting
/// requests are gone holds nobody up for longer.
const UNUSED_MS: u64 = 100;

/// The turn at one counter. Workers have numbers from 1 on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turn {
    /// The worker whose turn it is; 0: nobody's.
    pub(super) of: u32,
    /// One that waits for its turn; 0: none.
    pub(super) next: u32,
    /// Whether the one whose turn it is has had something of it.
    pub(super) is_served: bool,
    /// When it began, or was claimed last, in milliseconds since the epoch.
    pub(super) since_ms: u64,
}

impl Turn {
    /// Whether a worker has to leave what is left to another one.
    pub fn is_of_another(&self, worker: u32, now_ms: u64) -> bool {
        self.of != 0 && self.of != worker && now_ms < self.since_ms.saturating_add(UNUSED_MS)
    }

    /// A worker got nothing, and waits.
    pub fn wait(&mut self, worker: u32, now_ms: u64) {
        if self.is_of_another(worker, now_ms) {
            if self.next == 0 {
                self.next = worker;
            }
        } else if self.of == worker && self.is_served && self.next != 0 {
            *self = Self { of: self.next, next: worker, is_served: false, since_ms: now_ms };
        } else {
            let is_served = self.is_served && self.of == worker;
            *self = Self {
                of: worker,
                next: if self.next == worker { 0 } else { self.next },
                is_served,
                since_ms: now_ms,
            };
        }
    }

    /// A worker got something; `is_last`: nothing is left.
    pub fn take(&mut self, worker: u32, is_last: bool, now_ms: u64) {
        if self.of != worker {
            return;
        }
        self.is_served = true;
        if is_last {
            *self = Self { of: self.next, next: 0, is_served: false, since_ms: now_ms };
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put(self.of.into(), out);
        if self.of != 0 {
            put(self.next.into(), out);
            put(self.is_served.into(), out);
            put(self.since_ms, out);
        }
    }

    pub(super) fn read(from: &mut &[u8]) -> Option<Self> {
        let of = u32::try_from(take(from)?).ok()?;
        if of == 0 {
            return Some(Self::default());
        }
        let next = u32::try_from(take(from)?).ok()?;
        Some(Self { of, next, is_served: take(from)? != 0, since_ms: take(from)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_that_wait_alternate() {
        let mut turn = Turn::default();
        turn.wait(1, 0);
        turn.wait(2, 1);
        assert!(turn.is_of_another(2, 1) && !turn.is_of_another(1, 1));
        let mut served = Vec::new();
        for now in 2..10 {
            let worker = if turn.is_of_another(1, now) { 2 } else { 1 };
            turn.take(worker, true, now);
            served.push(worker);
            // Both have more that waits.
            turn.wait(1, now);
            turn.wait(2, now);
        }
        assert_eq!(served, [1, 2, 1, 2, 1, 2, 1, 2]);
    }

    #[test]
    fn one_takes_what_there_is_and_then_it_is_the_others_turn() {
        let mut turn = Turn::default();
        turn.wait(1, 0);
        turn.wait(2, 0);
        turn.take(1, false, 5);
        turn.take(1, false, 5);
        assert!(turn.is_of_another(2, 5));
        turn.wait(1, 5);
        assert!(turn.is_of_another(1, 5) && !turn.is_of_another(2, 5));
    }

    #[test]
    fn a_turn_that_is_not_used_is_over() {
        let mut turn = Turn::default();
        turn.wait(1, 0);
        assert!(turn.is_of_another(2, 99) && !turn.is_of_another(2, 100));
        turn.take(2, true, 100);
        turn.wait(2, 101);
        assert!(turn.is_of_another(1, 101));
    }
}
