//! Response times, in buckets: means lie, and keeping every time has no bound.

use serde::{Deserialize, Serialize};

/// Buckets: two for each doubling from 1 ms on; the last, from about 18 minutes, is open.
const BUCKETS: u32 = 41;

/// How many times fell into each bucket that was met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Times(Vec<(u8, u32)>);

impl Times {
    /// Writes a time down, in milliseconds.
    pub fn add(&mut self, ms: u64) {
        let bucket = bucket(ms);
        match self.0.iter_mut().find(|(known, _)| *known == bucket) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.0.push((bucket, 1)),
        }
    }

    /// Adds what somebody else wrote down.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, more) in &other.0 {
            match self.0.iter_mut().find(|(known, _)| known == bucket) {
                Some((_, count)) => *count = count.saturating_add(*more),
                None => self.0.push((*bucket, *more)),
            }
        }
    }

    /// The time in milliseconds within which this many of a thousand answers came: the upper end of the bucket, at most
    /// two fifths too much. `None` when there was none.
    pub fn quantile(&self, per_mille: u64) -> Option<u64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let total: u64 = sorted.iter().map(|(_, count)| u64::from(*count)).sum();
        let wanted = total.saturating_mul(per_mille).div_ceil(1000).max(1);
        let mut seen = 0_u64;
        sorted.iter().find_map(|(bucket, count)| {
            seen = seen.saturating_add(u64::from(*count));
            (seen >= wanted).then(|| upper(*bucket))
        })
    }
}

/// Two buckets an octave: below and above the middle of a power of two.
fn bucket(ms: u64) -> u8 {
    let octave = ms.max(1).ilog2();
    let half = u32::from(octave > 0 && ms >> (octave - 1) & 1 == 1);
    u8::try_from((octave * 2 + half).min(BUCKETS)).unwrap_or(u8::MAX)
}

/// The largest time of a bucket.
fn upper(bucket: u8) -> u64 {
    let octave = u32::from(bucket / 2).min(62);
    let low = 1_u64 << octave;
    if bucket.is_multiple_of(2) && octave > 0 { low + low / 2 - 1 } else { low * 2 - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_near() {
        let mut times = Times::default();
        assert_eq!(times.quantile(500), None);
        for ms in 1..=1000 {
            times.add(ms);
        }
        for (per_mille, exact) in [(500, 500), (950, 950), (1000, 1000), (1, 1)] {
            let near = times.quantile(per_mille).unwrap();
            assert!(near >= exact && near * 10 <= exact * 15 + 10, "{per_mille}: {near}");
        }
        let mut twice = times.clone();
        twice.merge(&times);
        assert_eq!(twice.quantile(500), times.quantile(500));
    }

    #[test]
    fn every_time_has_a_bucket_that_holds_it() {
        for ms in (0..5000).chain([1 << 20, 1 << 40, u64::MAX]) {
            let bucket = bucket(ms);
            assert!(u32::from(bucket) <= BUCKETS);
            assert!(ms <= upper(bucket) || u32::from(bucket) == BUCKETS, "{ms} {bucket}");
            assert!(bucket == 0 || upper(bucket - 1) < ms || u32::from(bucket) == BUCKETS, "{ms} {bucket}");
        }
    }
}
