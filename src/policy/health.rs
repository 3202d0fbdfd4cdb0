//! The health of each provider, from real traffic: a sliding window of one minute, kept by each worker and summed over
//! all workers when somebody asks.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// Length of one slice of the window, in seconds.
const SLICE_SECS: u64 = 10;
/// Slices kept: the window is one minute.
const SLICES: u64 = 6;
/// Longest error text kept, in bytes: it is shown to people, not parsed.
const ERROR_BYTES: usize = 200;

/// What one attempt tells of its provider.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// Seconds since the Unix epoch.
    pub at: u64,
    /// Time to the end of the answer or to the failure, in milliseconds.
    pub ms: u64,
    /// Why it failed; `None` when it did not.
    pub error: Option<&'a str>,
}

/// Counts of one slice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Slice {
    /// Number of the slice: seconds since the epoch divided by its length.
    n: u64,
    requests: u64,
    failures: u64,
    ms: u64,
    ms_max: u64,
}

/// What one worker saw of one provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    slices: Vec<Slice>,
    total: u64,
    last_error: Option<LastError>,
}

/// The latest failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// Seconds since the Unix epoch.
    pub at: u64,
    /// What it was.
    pub message: String,
}

/// How a provider is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// No traffic within the window.
    Unknown,
    /// At least 95 % of the attempts succeeded.
    Up,
    /// Some fail.
    Degraded,
    /// More than half fail.
    Down,
}

/// The page's view of one provider.
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
    /// Response times within the window; absent without traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_ms: Option<ResponseTimes>,
    /// The latest failure, however old.
    pub last_error: Option<LastError>,
}

/// Response times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResponseTimes {
    /// Mean.
    pub avg: u64,
    /// Longest.
    pub max: u64,
}

/// What one worker saw, by provider name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    providers: HashMap<String, Seen>,
}

impl Book {
    /// Writes an attempt down.
    pub fn observe(&mut self, provider: &str, seen: Observation<'_>) {
        if !self.providers.contains_key(provider) {
            self.providers.insert(provider.to_owned(), Seen::default());
        }
        let Some(entry) = self.providers.get_mut(provider) else { return };
        entry.total += 1;
        let Some(slice) = entry.slice(seen.at / SLICE_SECS) else { return };
        slice.requests += 1;
        slice.ms = slice.ms.saturating_add(seen.ms);
        slice.ms_max = slice.ms_max.max(seen.ms);
        if let Some(error) = seen.error {
            slice.failures += 1;
            entry.last_error = Some(LastError { at: seen.at, message: clip(error) });
        }
    }

    /// Adds what another worker saw.
    pub fn merge(&mut self, other: &Self) {
        for (name, theirs) in &other.providers {
            let ours = self.providers.entry_ref(name.as_str()).or_default();
            ours.total += theirs.total;
            ours.slices.extend_from_slice(&theirs.slices);
            if ours.last_error.as_ref().map(|e| e.at) < theirs.last_error.as_ref().map(|e| e.at) {
                ours.last_error.clone_from(&theirs.last_error);
            }
        }
    }

    /// The state of a provider at a time in seconds since the epoch.
    pub fn summary(&self, provider: &str, now: u64) -> Summary {
        let empty = Seen::default();
        let seen = self.providers.get(provider).unwrap_or(&empty);
        let oldest = (now / SLICE_SECS).saturating_sub(SLICES - 1);
        let mut sum = Slice::default();
        for slice in seen.slices.iter().filter(|s| s.n >= oldest) {
            sum.requests += slice.requests;
            sum.failures += slice.failures;
            sum.ms = sum.ms.saturating_add(slice.ms);
            sum.ms_max = sum.ms_max.max(slice.ms_max);
        }
        let (status, success_rate) = verdict(sum.requests, sum.failures);
        Summary {
            status,
            requests: sum.requests,
            success_rate,
            total_requests: seen.total,
            response_ms: sum.ms.checked_div(sum.requests).map(|avg| ResponseTimes { avg, max: sum.ms_max }),
            last_error: seen.last_error.clone(),
        }
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
}

#[allow(clippy::cast_precision_loss)] // counts of one minute
fn verdict(requests: u64, failures: u64) -> (State, Option<f64>) {
    if requests == 0 {
        return (State::Unknown, None);
    }
    let rate = (requests - failures) as f64 / requests as f64;
    let state = match rate {
        r if r >= 0.95 => State::Up,
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
        Observation { at, ms: 5, error: Some("503: no capacity") }
    }

    #[test]
    fn states_follow_the_success_rate() {
        let mut book = Book::default();
        assert_eq!(book.summary("a", 1000).status, State::Unknown);
        for _ in 0..9 {
            book.observe("a", ok(1000, 10));
        }
        assert_eq!(book.summary("a", 1000).status, State::Up);
        book.observe("a", failed(1001));
        let s = book.summary("a", 1001);
        assert_eq!((s.status, s.success_rate), (State::Degraded, Some(0.9)));
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
        assert_eq!((s.status, s.requests, s.total_requests), (State::Up, 1, 2));
        assert_eq!(s.last_error.map(|e| e.at), Some(1000));
        assert_eq!(book.summary("a", 1200).status, State::Unknown);
        assert_eq!(book.providers["a"].slices.len(), 1, "old slices are dropped");
    }

    #[test]
    fn workers_are_summed() {
        let (mut one, mut two) = (Book::default(), Book::default());
        one.observe("a", ok(1000, 10));
        two.observe("a", ok(1001, 30));
        two.observe("b", failed(1002));
        one.merge(&two);
        let s = one.summary("a", 1005);
        assert_eq!((s.requests, s.response_ms), (2, Some(ResponseTimes { avg: 20, max: 30 })));
        assert_eq!(one.summary("b", 1005).last_error.map(|e| e.message), Some("503: no capacity".into()));
    }
}
