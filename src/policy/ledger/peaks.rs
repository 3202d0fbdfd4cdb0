//! How full a token bucket has been of late: what a late refund has to know.
//!
//! A request that used less than it held gives the rest back. While it ran time has filled the bucket as well, and what
//! was refilled need not be given back: had the request held no more than it used, the bucket would have been full
//! earlier and the rest would have run over. So a refund is at most what was missing when the bucket was fullest since
//! the reservation; with that, the bucket stands exactly where it would stand had only the use been taken.

use super::cell::{put, take};

/// Most peaks that are remembered. Each is the fullest moment after the one before it, so a bucket that is often full
/// has one, and only a busy one has several.
const MOST: usize = 4;

/// A moment at which something was taken from the bucket: it is fullest just before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Peak {
    /// When, in nanoseconds since the epoch.
    at_ns: u64,
    /// What was missing, as the time in which it flows in, in nanoseconds.
    missing_ns: u64,
}

/// The fullest moments, the oldest first, each less full than those before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peaks(Vec<Peak>);

impl Peaks {
    /// Something is about to be taken while so much is missing.
    pub fn note(&mut self, at_ns: u64, missing_ns: u64) {
        self.push(Peak { at_ns, missing_ns });
        if self.0.len() > MOST {
            self.merge_closest();
        }
    }

    /// What was missing at the fullest moment after `since_ns`; `None` where nothing was taken since.
    pub fn least_missing(&self, since_ns: u64) -> Option<u64> {
        self.0.iter().find(|peak| peak.at_ns > since_ns).map(|peak| peak.missing_ns)
    }

    /// So much that was taken at `since_ns` was given back: it was not missing in all the time since.
    pub fn given_back(&mut self, since_ns: u64, ns: u64) {
        for mut peak in std::mem::take(&mut self.0) {
            if peak.at_ns > since_ns {
                peak.missing_ns = peak.missing_ns.saturating_sub(ns);
            }
            self.push(peak);
        }
    }

    fn push(&mut self, peak: Peak) {
        while self.0.last().is_some_and(|last| last.missing_ns >= peak.missing_ns) {
            self.0.pop();
        }
        self.0.push(peak);
    }

    /// Makes one of the two neighbours that differ least: the fuller level with the later time, so that nobody is given
    /// back too much.
    fn merge_closest(&mut self) {
        let gaps = self.0.windows(2).map(|pair| match pair {
            [earlier, later] => later.missing_ns.saturating_sub(earlier.missing_ns),
            _ => u64::MAX,
        });
        let Some((at, _)) = gaps.enumerate().min_by_key(|(_, gap)| *gap) else { return };
        let earlier = self.0.remove(at);
        if let Some(later) = self.0.get_mut(at) {
            later.missing_ns = earlier.missing_ns;
        }
    }

    /// Appends the bytes; nothing where there is nothing to say.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for peak in &self.0 {
            put(peak.at_ns, out);
            put(peak.missing_ns, out);
        }
    }

    /// Reads the rest of a cell's bytes; `None` when they are none of peaks.
    pub(super) fn read(from: &mut &[u8]) -> Option<Self> {
        let mut peaks = Vec::new();
        while !from.is_empty() && peaks.len() < MOST {
            peaks.push(Peak { at_ns: take(from)?, missing_ns: take(from)? });
        }
        Some(Self(peaks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_moment_since() {
        let mut peaks = Peaks::default();
        assert_eq!(peaks.least_missing(0), None);
        for (at, missing) in [(10, 5), (20, 7), (30, 9), (40, 6)] {
            peaks.note(at, missing);
        }
        assert_eq!(
            [0, 9, 10, 39].map(|since| peaks.least_missing(since)),
            [Some(5), Some(5), Some(6), Some(6)]
        );
        assert_eq!(peaks.least_missing(40), None);
        peaks.note(50, 0);
        assert_eq!(peaks.0.len(), 1, "a full bucket was never fuller");
    }

    #[test]
    fn what_was_given_back_was_never_missing() {
        let mut peaks = Peaks::default();
        for (at, missing) in [(10, 5), (20, 8), (30, 12)] {
            peaks.note(at, missing);
        }
        peaks.given_back(15, 4);
        assert_eq!([0, 10, 20].map(|since| peaks.least_missing(since)), [Some(4), Some(4), Some(8)]);
    }

    #[test]
    fn with_too_many_of_them_nobody_is_given_back_more() {
        let mut peaks = Peaks::default();
        let all: Vec<(u64, u64)> = (1..=20).map(|n| (n * 10, n * n)).collect();
        for (at, missing) in &all {
            peaks.note(*at, *missing);
        }
        assert_eq!(peaks.0.len(), MOST);
        for since in 0..200 {
            let exact = all.iter().find(|(at, _)| *at > since).map(|(_, missing)| *missing);
            assert!(peaks.least_missing(since) <= exact, "{since}");
        }
        let mut bytes = Vec::new();
        peaks.write(&mut bytes);
        assert_eq!(Peaks::read(&mut &bytes[..]), Some(peaks));
    }
}
