//! Whether memory is flat.

/// Memory over a run.
#[derive(Debug)]
pub(crate) struct Watch {
    requests: u64,
    /// Requests done, and KiB.
    looks: Vec<(u64, u64)>,
}

/// Memory in two parts of a run, in KiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flatness {
    /// Median of the second fifth: the first is warm-up.
    pub(crate) early: u64,
    /// Median of the last fifth.
    pub(crate) late: u64,
    pub(crate) peak: u64,
    /// Growth from `early` to `late`, in percent.
    pub(crate) growth: f64,
    /// The most it may be.
    pub(crate) tolerance: f64,
}

impl Watch {
    pub(crate) fn new(requests: u64) -> Self {
        Self { requests, looks: Vec::new() }
    }

    pub(crate) fn look(&mut self, done: u64, kib: u64) {
        self.looks.push((done, kib));
    }

    /// `None` when the run was too short to look in both parts.
    pub(crate) fn flatness(&self, tolerance: f64) -> Option<Flatness> {
        let early = self.median(1)?;
        let late = self.median(4)?;
        let growth = (late as f64 / early as f64 - 1.0) * 100.0;
        let peak = self.looks.iter().map(|(_, kib)| *kib).max()?;
        Some(Flatness { early, late, peak, growth, tolerance })
    }

    /// Median of the fifth `part`, the first being 0.
    fn median(&self, part: u64) -> Option<u64> {
        let inside = |done: u64| (done * 5).checked_div(self.requests).is_some_and(|fifth| fifth == part);
        let mut kib: Vec<u64> =
            self.looks.iter().filter(|(done, _)| inside(*done)).map(|(_, kib)| *kib).collect();
        kib.sort_unstable();
        kib.get(kib.len() / 2).copied()
    }
}

impl Flatness {
    pub(crate) fn is_flat(&self) -> bool {
        self.growth <= self.tolerance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(memory: impl Fn(u64) -> u64) -> Flatness {
        let mut watch = Watch::new(1000);
        for done in 0..=1000 {
            watch.look(done, memory(done));
        }
        watch.flatness(5.0).unwrap()
    }

    #[test]
    fn growth_in_the_warm_up_does_not_count() {
        let flat = watch(|done| if done < 200 { done } else { 200 });
        assert!(flat.is_flat(), "{flat:?}");
    }

    #[test]
    fn a_leak_counts() {
        let leak = watch(|done| 1000 + done);
        assert!(!leak.is_flat(), "{leak:?}");
    }

    #[test]
    fn a_run_too_short_says_nothing() {
        assert!(Watch::new(10).flatness(5.0).is_none());
    }
}
