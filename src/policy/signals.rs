//! What workers see of targets that a strategy goes by: requests under way, how soon the first token comes, what is left
//! of limits. Each worker writes a list of its own, and reads those of the others.

use std::time::Duration;

/// Most targets on a list; those beyond are not told of.
const MOST: usize = 1024;

/// Bytes of one target: see [`Signals::to_bytes`].
const CELL_BYTES: usize = 38;

/// How fast a peak of latency is forgotten: after this time about a third of it is left.
const DECAY: Duration = Duration::from_secs(30);

/// What a failed try counts as, at least, in milliseconds: an error that comes at once is no quick answer.
const FAILED_MS: u64 = 10_000;

/// How long what a provider said of its limits is believed: most of them are per minute.
const QUOTA_MS: u64 = 60_000;

/// A list that its worker has not renewed for so long is that of a worker that is gone.
pub const STALE_MS: u64 = 5_000;

/// What one worker sees of one target. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Signal {
    /// The target; see [`crate::config::tables::Target::id`].
    pub id: u64,
    /// Requests under way.
    pub busy: u32,
    /// Peak-EWMA of the time to the first token, in milliseconds, as it was at `seen`.
    pub latency: f64,
    /// When `latency` was last written; 0: never.
    pub seen: u64,
    /// Thousandths left of the limits.
    pub quota: u16,
    /// When the provider said so; 0: never.
    pub told: u64,
}

/// A worker's list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Signals {
    cells: Vec<Signal>,
}

/// What all workers together see of one target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sum {
    /// Requests under way.
    pub busy: u64,
    /// Milliseconds to the first token, the worst that any worker remembers; 0: nobody knows.
    pub latency: f64,
    /// Thousandths left of the limits, as the provider said last; 1000 where it says nothing.
    pub quota: u16,
}

impl Sum {
    /// How long one more request is to be expected to take, in milliseconds. Where nobody knows and somebody is finding
    /// out, as long as one that fails: the rest go where it is known.
    #[allow(clippy::cast_precision_loss)] // requests under way
    pub fn expected_ms(&self) -> f64 {
        let busy = self.busy as f64;
        if self.latency < 1.0 && self.busy > 0 {
            FAILED_MS as f64 + busy
        } else {
            self.latency * (busy + 1.0)
        }
    }
}

impl Signal {
    /// The latency as it is now: what is old fades, so that a target that was slow is tried again.
    #[allow(clippy::cast_precision_loss)] // milliseconds of minutes
    fn latency_at(&self, now: u64) -> f64 {
        let age = now.saturating_sub(self.seen) as f64 / 1000.0;
        self.latency * (-age / DECAY.as_secs_f64()).exp()
    }

    #[allow(clippy::cast_precision_loss)] // milliseconds of minutes
    fn observe(&mut self, ms: u64, now: u64) {
        let (faded, ms) = (self.latency_at(now), ms as f64);
        // A peak is believed at once; better times have to last. Half of each new time is enough weight for that: what
        // is between two requests fades by itself.
        self.latency = if ms > faded { ms } else { f64::midpoint(faded, ms) };
        self.seen = now;
    }
}

impl Signals {
    /// A request to a target begins.
    pub fn begin(&mut self, id: u64) {
        if let Some(cell) = self.cell(id) {
            cell.busy = cell.busy.saturating_add(1);
        }
    }

    /// A request to a target is over.
    pub fn end(&mut self, id: u64) {
        if let Some(cell) = self.cell(id) {
            cell.busy = cell.busy.saturating_sub(1);
        }
    }

    /// The first token, or the whole answer, came after so many milliseconds.
    pub fn answered(&mut self, id: u64, ms: u64, now: u64) {
        if let Some(cell) = self.cell(id) {
            cell.observe(ms, now);
        }
    }

    /// A try failed after so many milliseconds.
    pub fn failed(&mut self, id: u64, ms: u64, now: u64) {
        self.answered(id, ms.max(FAILED_MS), now);
    }

    /// A provider said how much is left.
    pub fn told(&mut self, id: u64, per_mille: u64, now: u64) {
        if let Some(cell) = self.cell(id) {
            cell.quota = u16::try_from(per_mille.min(1000)).unwrap_or(1000);
            cell.told = now;
        }
    }

    /// Forgets targets that no strategy goes by any more.
    pub fn keep(&mut self, is_known: impl Fn(u64) -> bool) {
        self.cells.retain(|cell| cell.busy > 0 || is_known(cell.id));
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    fn cell(&mut self, id: u64) -> Option<&mut Signal> {
        let known = self.cells.iter().position(|cell| cell.id == id);
        let position = match known {
            Some(position) => position,
            None if self.cells.len() < MOST => {
                self.cells.push(Signal { id, ..Signal::default() });
                self.cells.len().checked_sub(1)?
            }
            None => return None,
        };
        self.cells.get_mut(position)
    }

    /// The list as others read it, with the time at which it was written.
    pub fn to_bytes(&self, now: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.cells.len().saturating_mul(CELL_BYTES).saturating_add(8));
        bytes.extend(now.to_le_bytes());
        for cell in &self.cells {
            bytes.extend(cell.id.to_le_bytes());
            bytes.extend(cell.busy.to_le_bytes());
            bytes.extend(cell.latency.to_le_bytes());
            bytes.extend(cell.seen.to_le_bytes());
            bytes.extend(cell.quota.to_le_bytes());
            bytes.extend(cell.told.to_le_bytes());
        }
        bytes
    }

    /// Reads what another worker wrote; nothing where it is too old, or no list.
    pub fn from_bytes(bytes: &[u8], now: u64) -> Self {
        let Some((written, cells)) = bytes.split_first_chunk() else { return Self::default() };
        if u64::from_le_bytes(*written).saturating_add(STALE_MS) < now {
            return Self::default();
        }
        Self { cells: cells.chunks_exact(CELL_BYTES).filter_map(read_cell).take(MOST).collect() }
    }
}

fn read_cell(bytes: &[u8]) -> Option<Signal> {
    let (id, rest) = bytes.split_first_chunk()?;
    let (busy, rest) = rest.split_first_chunk()?;
    let (latency, rest) = rest.split_first_chunk()?;
    let (seen, rest) = rest.split_first_chunk()?;
    let (quota, rest) = rest.split_first_chunk()?;
    let (told, _) = rest.split_first_chunk()?;
    Some(Signal {
        id: u64::from_le_bytes(*id),
        busy: u32::from_le_bytes(*busy),
        latency: f64::from_le_bytes(*latency),
        seen: u64::from_le_bytes(*seen),
        quota: u16::from_le_bytes(*quota),
        told: u64::from_le_bytes(*told),
    })
}

/// What several workers' lists say of one target.
pub fn sum(lists: &[Signals], id: u64, now: u64) -> Sum {
    let mut sum = Sum { busy: 0, latency: 0.0, quota: 1000 };
    let mut told = now.saturating_sub(QUOTA_MS);
    for cell in lists.iter().flat_map(|list| &list.cells).filter(|cell| cell.id == id) {
        sum.busy = sum.busy.saturating_add(u64::from(cell.busy));
        sum.latency = sum.latency.max(cell.latency_at(now));
        if cell.told > told {
            (sum.quota, told) = (cell.quota, cell.told);
        }
    }
    sum
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // whole numbers of milliseconds
mod tests {
    use super::*;

    #[test]
    fn requests_under_way_add_up_over_workers() {
        let (mut one, mut two) = (Signals::default(), Signals::default());
        one.begin(7);
        one.begin(7);
        two.begin(7);
        two.begin(8);
        one.end(7);
        two.end(9);
        let lists = [one, Signals::from_bytes(&two.to_bytes(1000), 1000)];
        assert_eq!((sum(&lists, 7, 1000).busy, sum(&lists, 8, 1000).busy), (2, 1));
        assert_eq!(sum(&lists, 9, 1000).busy, 0, "never below nothing");
    }

    #[test]
    fn what_nobody_knows_is_tried_by_one() {
        let expected = |busy, latency| Sum { busy, latency, quota: 1000 }.expected_ms();
        assert!(expected(0, 0.0) < expected(0, 50.0), "an untried one is tried");
        assert!(expected(1, 0.0) > expected(5, 50.0), "and the rest wait for what it shows");
        assert!(expected(3, 0.0) > expected(2, 0.0));
    }

    #[test]
    fn peaks_count_at_once_and_fade() {
        let mut list = Signals::default();
        list.answered(7, 100, 1000);
        list.answered(7, 900, 1000);
        let latency = |list: &Signals, now| sum(std::slice::from_ref(list), 7, now).latency;
        assert_eq!(latency(&list, 1000), 900.0);
        list.answered(7, 100, 1000);
        assert_eq!(latency(&list, 1000), 500.0, "better times have to last");
        let later = latency(&list, 31_000);
        assert!((180.0..190.0).contains(&later), "{later}");
        list.failed(7, 3, 31_000);
        assert_eq!(latency(&list, 31_000), 10_000.0, "a quick error is no quick answer");
        assert_eq!(latency(&list, u64::MAX), 0.0);
        assert_eq!(sum(&[], 7, 0), Sum { busy: 0, latency: 0.0, quota: 1000 });
    }

    #[test]
    fn limits_are_believed_for_a_minute() {
        let (mut one, mut two) = (Signals::default(), Signals::default());
        one.told(7, 800, 100_000);
        two.told(7, 300, 101_000);
        let lists = [one, two];
        assert_eq!(sum(&lists, 7, 102_000).quota, 300, "the latest word");
        assert_eq!(sum(&lists, 7, 170_000).quota, 1000);
    }

    #[test]
    fn lists_of_workers_that_are_gone_say_nothing() {
        let mut list = Signals::default();
        list.begin(7);
        list.answered(7, 5, 10);
        list.told(7, 5, 10);
        let bytes = list.to_bytes(1000);
        assert_eq!(Signals::from_bytes(&bytes, 1000 + STALE_MS), list);
        assert!(Signals::from_bytes(&bytes, 1001 + STALE_MS).is_empty());
        assert!(Signals::from_bytes(b"x", 0).is_empty());
        list.keep(|_| false);
        assert!(!list.is_empty(), "somebody is under way");
        list.end(7);
        list.keep(|_| false);
        assert!(list.is_empty());
    }
}
