//! Measurements, and what they say together.

use super::drive::{Arm, Subject, Tally};
use anyhow::Result;

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// CPU time of Envoy per request, in microseconds.
    pub(crate) cpu_us: f64,
    /// Answers a second.
    pub(crate) rate: f64,
    /// Milliseconds to the end of an answer, for half of them, and for all but one in a hundred.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Milliseconds to the first content of a stream, for half of them.
    pub(crate) first_ms: Option<f64>,
    pub(crate) requests: u64,
}

impl Sample {
    pub(crate) fn new(subject: &impl Subject, tally: &Tally, cpu_ns: u64) -> Self {
        let ms = |us: u64| us as f64 / 1000.0;
        Self {
            cpu_us: cpu_ns as f64 / 1000.0 / tally.requests as f64,
            rate: tally.requests as f64 / tally.elapsed.as_secs_f64(),
            p50_ms: ms(tally.whole.value_at_quantile(0.5)),
            p99_ms: ms(tally.whole.value_at_quantile(0.99)),
            first_ms: subject.chunks().map(|_| ms(tally.first.value_at_quantile(0.5))),
            requests: tally.requests,
        }
    }
}

/// The middle of some values, and how far they lie apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` for no values.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let upper = *values.get(middle)?;
        let median = if values.len() % 2 == 1 {
            upper
        } else {
            f64::midpoint(*values.get(middle.checked_sub(1)?)?, upper)
        };
        Some(Self { median, min, max })
    }
}

/// All measurements of a cell, or of whatever else is measured through both Envoys.
#[derive(Debug)]
pub(crate) struct Pair<C> {
    pub(crate) cell: C,
    pub(crate) plain: Vec<Sample>,
    pub(crate) gateway: Vec<Sample>,
    /// The first wrong answer.
    pub(crate) failure: Option<String>,
}

impl<C> Pair<C> {
    pub(crate) fn new(cell: C) -> Self {
        Self { cell, plain: Vec::new(), gateway: Vec::new(), failure: None }
    }

    pub(crate) fn add(&mut self, arm: Arm, outcome: Result<Sample>) {
        match (outcome, arm) {
            (Ok(sample), Arm::Plain) => self.plain.push(sample),
            (Ok(sample), Arm::Gateway) => self.gateway.push(sample),
            (Err(error), _) => {
                self.failure.get_or_insert(format!("{arm:?}: {error:#}"));
            }
        }
    }

    /// Takes over what was measured of the same.
    pub(crate) fn extend(&mut self, more: Self) {
        self.plain.extend(more.plain);
        self.gateway.extend(more.gateway);
        if self.failure.is_none() {
            self.failure = more.failure;
        }
    }

    /// One figure of both arms, over the rounds.
    pub(crate) fn both(&self, figure: impl Fn(&Sample) -> f64) -> Option<(Spread, Spread)> {
        Some((Spread::of(self.plain.iter().map(&figure))?, Spread::of(self.gateway.iter().map(&figure))?))
    }

    /// CPU time with the filter over CPU time without it, round by round.
    pub(crate) fn ratio(&self) -> Option<Spread> {
        Spread::of(self.plain.iter().zip(&self.gateway).map(|(plain, gateway)| gateway.cpu_us / plain.cpu_us))
    }

    /// A line for whoever watches.
    pub(crate) fn summary(&self) -> String {
        if let Some(failure) = &self.failure {
            return format!("FAILED {failure}");
        }
        let (Some(ratio), Some((plain, gateway))) = (self.ratio(), self.both(|sample| sample.cpu_us)) else {
            return String::new();
        };
        format!("{:.2}x ({:.0} -> {:.0} us)", ratio.median, plain.median, gateway.median)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_middle_and_the_ends() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of([4.0, 1.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of([]), None);
    }
}
