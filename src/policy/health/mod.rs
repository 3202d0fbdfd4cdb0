//! The health of each target, from real traffic: a sliding window of one minute, kept by each worker and summed over all
//! workers when somebody asks.

mod class;
mod quota;
mod times;

pub use class::ErrorClass;
pub use quota::{Left, Quota};
pub use times::Times;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Length of one slice of the window, in seconds.
const SLICE_SECS: u64 = 10;
/// Slices kept: the window is one minute.
const SLICES: u64 = 6;
/// Longest error text kept, in bytes: it is shown to people, not parsed.
const ERROR_BYTES: usize = 200;

/// What one attempt tells of its target.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// Seconds since the Unix epoch.
    pub at: u64,
    /// Time to the end of the answer or to the failure, in milliseconds.
    pub ms: u64,
    /// Why it failed, in a class and in words; `None` when it did not.
    pub error: Option<(ErrorClass, &'a str)>,
}

/// Counts of one slice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Slice {
    /// Number of the slice: seconds since the epoch divided by its length.
    n: u64,
    requests: u64,
    failures: u64,
    ms: u64,
    ms_max: u64,
    times: Times,
    errors: BTreeMap<ErrorClass, u64>,
}

/// What one worker saw of one target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    slices: Vec<Slice>,
    total: u64,
    last_error: Option<LastError>,
    quota: Option<QuotaSeen>,
}

/// The latest failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// Seconds since the Unix epoch.
    pub at: u64,
    /// What kind it was.
    pub class: ErrorClass,
    /// What it was, in the provider's words; empty where those are withheld.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub message: String,
}

/// What the provider's headers said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaSeen {
    /// Seconds since the Unix epoch.
    pub at: u64,
    /// What is left.
    #[serde(flatten)]
    pub quota: Quota,
}

/// How a target, a provider or the whole is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// No traffic within the window.
    Unknown,
    /// At least 95 % of the attempts succeeded.
    Healthy,
    /// Some fail.
    Degraded,
    /// More than half fail.
    Down,
}

/// The page's view of one target or provider.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The verdict.
    pub status: State,
    /// Attempts within the window.
    pub requests: u64,
    /// Share of them that succeeded; absent without traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_rate: Option<f64>,
    /// Attempts since the start.
    pub total_requests: u64,
    /// Failures within the window by class.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<ErrorClass, u64>,
    /// Response times within the window; absent without traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_ms: Option<ResponseTimes>,
    /// The latest failure, however old.
    pub last_error: Option<LastError>,
    /// What the provider's headers said last about its limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaSeen>,
}

impl Summary {
    /// Takes out what a provider said: it may repeat what it was asked.
    pub fn withhold_words(&mut self) {
        if let Some(error) = &mut self.last_error {
            error.message.clear();
        }
    }
}

/// Response times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResponseTimes {
    /// Mean.
    pub avg: u64,
    /// Half came within this time.
    pub p50: u64,
    /// Nineteen of twenty came within this time.
    pub p95: u64,
    /// Longest.
    pub max: u64,
}

/// What one worker saw, by the names of targets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    targets: HashMap<String, Seen>,
}

impl Book {
    /// Writes an attempt down.
    pub fn observe(&mut self, target: &str, seen: Observation<'_>) {
        let entry = self.entry(target);
        entry.total += 1;
        let Some(slice) = entry.slice(seen.at / SLICE_SECS) else { return };
        slice.requests += 1;
        slice.ms = slice.ms.saturating_add(seen.ms);
        slice.ms_max = slice.ms_max.max(seen.ms);
        slice.times.add(seen.ms);
        if let Some((class, message)) = seen.error {
            slice.failures += 1;
            *slice.errors.entry(class).or_default() += 1;
            entry.last_error = Some(LastError { at: seen.at, class, message: clip(message) });
        }
    }

    /// Writes down what a provider's headers said at a time in seconds since the epoch.
    pub fn tell_quota(&mut self, target: &str, quota: Quota, at: u64) {
        self.entry(target).quota = Some(QuotaSeen { at, quota });
    }

    /// What the headers of a target's provider said last.
    pub fn quota(&self, target: &str) -> Option<QuotaSeen> {
        self.targets.get(target)?.quota
    }

    /// Forgets targets that the configuration no longer has: their number has no other bound.
    pub fn keep(&mut self, is_known: impl Fn(&str) -> bool) {
        self.targets.retain(|name, _| is_known(name));
    }

    /// Adds what another worker saw.
    pub fn merge(&mut self, other: &Self) {
        for (name, theirs) in &other.targets {
            self.entry(name).merge(theirs);
        }
    }

    /// The state of one target at a time in seconds since the epoch.
    pub fn summary(&self, target: &str, now: u64) -> Summary {
        self.targets.get(target).unwrap_or(&Seen::default()).summary(now)
    }

    /// The state of several targets taken together: a provider's.
    pub fn summary_of<'n>(&self, targets: impl IntoIterator<Item = &'n str>, now: u64) -> Summary {
        let mut sum = Seen::default();
        for seen in targets.into_iter().filter_map(|name| self.targets.get(name)) {
            sum.merge(&Seen { quota: None, ..seen.clone() });
        }
        sum.summary(now)
    }

    fn entry(&mut self, target: &str) -> &mut Seen {
        self.targets.entry_ref(target).or_default()
    }
}

impl Seen {
    /// The slice of number `n`, made when it is not there yet; slices out of the window go.
    fn slice(&mut self, n: u64) -> Option<&mut Slice> {
        if self.slices.last().is_none_or(|s| s.n != n) {
            self.slices.retain(|s| s.n + SLICES > n);
            self.slices.push(Slice { n, ..Slice::default() });
        }
        self.slices.last_mut()
    }

    fn merge(&mut self, theirs: &Self) {
        self.total += theirs.total;
        self.slices.extend_from_slice(&theirs.slices);
        if self.last_error.as_ref().map(|e| e.at) < theirs.last_error.as_ref().map(|e| e.at) {
            self.last_error.clone_from(&theirs.last_error);
        }
        if self.quota.map(|quota| quota.at) < theirs.quota.map(|quota| quota.at) {
            self.quota = theirs.quota;
        }
    }

    fn summary(&self, now: u64) -> Summary {
        let oldest = (now / SLICE_SECS).saturating_sub(SLICES - 1);
        let mut sum = Slice::default();
        for slice in self.slices.iter().filter(|s| s.n >= oldest) {
            sum.requests += slice.requests;
            sum.failures += slice.failures;
            sum.ms = sum.ms.saturating_add(slice.ms);
            sum.ms_max = sum.ms_max.max(slice.ms_max);
            sum.times.merge(&slice.times);
            for (class, count) in &slice.errors {
                *sum.errors.entry(*class).or_default() += count;
            }
        }
        let (status, success_rate) = verdict(sum.requests, sum.failures);
        let quantile = |per_mille| sum.times.quantile(per_mille).unwrap_or(sum.ms_max).min(sum.ms_max);
        let response_ms = sum.ms.checked_div(sum.requests).map(|avg| ResponseTimes {
            avg,
            p50: quantile(500),
            p95: quantile(950),
            max: sum.ms_max,
        });
        Summary {
            status,
            requests: sum.requests,
            success_rate,
            total_requests: self.total,
            errors: sum.errors,
            response_ms,
            last_error: self.last_error.clone(),
            quota: self.quota,
        }
    }
}

#[allow(clippy::cast_precision_loss)] // counts of one minute
fn verdict(requests: u64, failures: u64) -> (State, Option<f64>) {
    if requests == 0 {
        return (State::Unknown, None);
    }
    let rate = (requests - failures) as f64 / requests as f64;
    let state = match rate {
        r if r >= 0.95 => State::Healthy,
        r if r >= 0.5 => State::Degraded,
        _ => State::Down,
    };
    (state, Some((rate * 10_000.0).round() / 10_000.0))
}

fn clip(text: &str) -> String {
    let mut end = text.len().min(ERROR_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(at: u64, ms: u64) -> Observation<'static> {
        Observation { at, ms, error: None }
    }

    fn failed(at: u64) -> Observation<'static> {
        Observation { at, ms: 5, error: Some((ErrorClass::Server, "503: no capacity")) }
    }

    #[test]
    fn states_follow_the_success_rate() {
        let mut book = Book::default();
        assert_eq!(book.summary("a", 1000).status, State::Unknown);
        for _ in 0..9 {
            book.observe("a", ok(1000, 10));
        }
        assert_eq!(book.summary("a", 1000).status, State::Healthy);
        book.observe("a", failed(1001));
        let s = book.summary("a", 1001);
        assert_eq!((s.status, s.success_rate), (State::Degraded, Some(0.9)));
        assert_eq!(s.errors, BTreeMap::from([(ErrorClass::Server, 1)]));
        for _ in 0..20 {
            book.observe("a", failed(1002));
        }
        assert_eq!(book.summary("a", 1002).status, State::Down);
    }

    #[test]
    fn the_window_forgets_but_the_last_error_stays() {
        let mut book = Book::default();
        book.observe("a", failed(1000));
        book.observe("a", ok(1100, 8));
        let s = book.summary("a", 1100);
        assert_eq!((s.status, s.requests, s.total_requests), (State::Healthy, 1, 2));
        assert_eq!(s.last_error.map(|e| e.at), Some(1000));
        assert!(s.errors.is_empty());
        assert_eq!(book.summary("a", 1200).status, State::Unknown);
        assert_eq!(book.targets["a"].slices.len(), 1, "old slices are dropped");
        book.keep(|name| name != "a");
        assert!(book.targets.is_empty());
    }

    #[test]
    fn workers_are_summed() {
        let (mut one, mut two) = (Book::default(), Book::default());
        one.observe("p/a", ok(1000, 10));
        two.observe("p/a", ok(1001, 30));
        two.observe("p/b", failed(1002));
        let left = |remaining| Quota { requests: Some(Left { remaining, limit: None }), tokens: None };
        one.tell_quota("p/a", left(9), 1000);
        two.tell_quota("p/a", left(8), 1001);
        one.merge(&two);
        let s = one.summary("p/a", 1005);
        let times = s.response_ms.unwrap();
        assert_eq!((s.requests, times.avg, times.max), (2, 20, 30));
        assert!((10..=11).contains(&times.p50) && times.p95 == 30, "{times:?}");
        assert_eq!(s.quota.map(|seen| seen.quota), Some(left(8)), "the latest");
        assert_eq!(one.summary("p/b", 1005).last_error.map(|e| e.message), Some("503: no capacity".into()));
        let both = one.summary_of(["p/a", "p/b"], 1005);
        assert_eq!((both.requests, both.status), (3, State::Degraded));
    }

    #[test]
    fn a_book_is_read_as_it_was_written() {
        let mut book = Book::default();
        book.observe("p/a", ok(1000, 10));
        book.observe("p/a", failed(1000));
        book.tell_quota("p/a", Quota { requests: None, tokens: None }, 1000);
        let json = serde_json::to_vec(&book).unwrap();
        assert_eq!(serde_json::from_slice::<Book>(&json).unwrap(), book);
    }
}
