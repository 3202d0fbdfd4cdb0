//! The tries of a request: whom they asked, and how they ended.

use super::Exchange;
use crate::chat::{Failure, FailureKind};
use crate::config::tables::{Provider, Target};
use crate::dialect::lane::AttemptNote;
use crate::policy::route::upstream_model;
use std::rc::Rc;
use std::time::Duration;

/// How much too early the proxy's timers may go off: they go by a clock that stands still while the proxy is busy with one
/// round of events.
const EARLY: Duration = Duration::from_millis(20);

/// One try at one target.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Who was asked.
    pub provider: Rc<Provider>,
    /// Under which name health knows the target.
    pub target: Rc<str>,
    /// For which of its models.
    pub model: String,
    /// When, in nanoseconds since the epoch.
    pub started_ns: u64,
    /// How it ended; `None` while it runs.
    pub end: Option<AttemptEnd>,
    /// Nobody was asked: the target was passed over, and the end says why.
    pub skipped: bool,
}

/// What is known of the end of a try.
#[derive(Debug, Clone, Default)]
pub struct Ending {
    /// The provider's status, where there was one.
    pub status: Option<u16>,
    /// Why it failed; `None` when it did not.
    pub reason: Option<String>,
    /// What kind of failure the answer said it is.
    pub kind: Option<FailureKind>,
    /// How long the provider asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Ending {
    /// A good end.
    pub fn good(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// A failure.
    pub fn failed(status: Option<u16>, failure: &Failure) -> Self {
        Self {
            status,
            reason: Some(failure.message.clone()),
            kind: Some(failure.kind),
            retry_after: failure.retry_after,
        }
    }
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptEnd {
    /// The provider's status, where there was one.
    pub status: Option<u16>,
    /// Why it failed; `None` when it did not.
    pub reason: Option<String>,
    /// How long the provider asked to be left alone.
    pub retry_after: Option<Duration>,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

impl Attempt {
    /// A target that nobody was asked at, and why.
    pub fn skipped(target: &Target, carried: &str, why: String, now_ns: u64) -> Self {
        Self {
            provider: Rc::clone(&target.provider),
            target: Rc::clone(&target.name),
            model: upstream_model(target, carried),
            started_ns: now_ns,
            end: Some(AttemptEnd { status: None, reason: Some(why), retry_after: None, ms: 0 }),
            skipped: true,
        }
    }

    /// The same as an error lists it.
    pub fn note(&self) -> AttemptNote {
        let end = self.end.as_ref();
        AttemptNote {
            provider: self.provider.name.to_string().into(),
            model: self.model.clone().into(),
            status: end.and_then(|e| e.status),
            reason: match end {
                Some(end) => end.reason.clone().unwrap_or_default().into(),
                None => "unfinished".into(),
            },
            ms: end.map_or(0, |e| e.ms),
        }
    }
}

impl Exchange {
    /// Ends the try under way and gives it back; a try that has ended keeps its first end, and nothing comes back.
    pub fn end_attempt(
        &mut self,
        now_ns: u64,
        status: Option<u16>,
        reason: Option<String>,
        retry_after: Option<Duration>,
    ) -> Option<&Attempt> {
        let attempt = self.attempts.last_mut().filter(|a| a.end.is_none())?;
        let ms = now_ns.saturating_sub(attempt.started_ns) / 1_000_000;
        attempt.end = Some(AttemptEnd { status, reason, retry_after, ms });
        Some(attempt)
    }

    /// What the last one said that was asked; 502 where nothing came back.
    pub fn last_failure(&self) -> Failure {
        let end = self.attempts.last().and_then(|attempt| attempt.end.clone());
        let status = end.as_ref().and_then(|end| end.status).unwrap_or(502);
        let retry_after = end.as_ref().and_then(|end| end.retry_after);
        let reason = end.and_then(|end| end.reason).unwrap_or_default();
        Failure { retry_after, ..Failure::new(status, reason) }
    }

    /// How often somebody was asked.
    pub fn tries(&self) -> usize {
        self.attempts.iter().filter(|attempt| !attempt.skipped).count()
    }

    /// The tries as an error lists them.
    pub fn notes(&self) -> Vec<AttemptNote> {
        self.attempts.iter().map(Attempt::note).collect()
    }

    /// Tries at targets after the first, that is, how often the gateway fell back.
    pub fn fallbacks(&self) -> usize {
        let asked: Vec<&Attempt> = self.attempts.iter().filter(|attempt| !attempt.skipped).collect();
        asked
            .windows(2)
            .filter(
                |pair| matches!(pair, [a, b] if a.provider.index != b.provider.index || a.model != b.model),
            )
            .count()
    }

    /// The limit to the first token, where the try under way has passed it without an answer. The router has one for all
    /// tries.
    pub fn passed_limit(&self, now_ns: u64) -> Option<Duration> {
        let limit = self.longest_limit();
        let started = self.attempts.last()?.started_ns;
        (Duration::from_nanos(now_ns.saturating_sub(started)).saturating_add(EARLY) >= limit).then_some(limit)
    }
}
