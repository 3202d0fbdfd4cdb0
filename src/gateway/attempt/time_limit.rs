//! A target's own limit to the first token, where the router's, which is one for all tries of a request, is longer.
//!
//! Nothing that a filter can do makes the router give a try up before an answer has come. So such a try goes through the
//! proxy once more: to a listener within it, whose route has the limit and answers in the provider's place when it has
//! passed. That is kept until the provider's headers; from there on the try, which holds them, keeps it itself.

use super::{Attempt, Stage};
use crate::chat::Failure;
use crate::gateway::exchange::{Ending, Exchange};
use crate::gateway::host::{Flow, Host};
use crate::gateway::silence;
use std::time::Duration;

/// The header in which a try says which limit it has; the listener's routes go by it, and take it out.
pub const HEADER: &str = "x-tollgate-time-limit";

/// The name of those routes.
pub const ROUTE: &str = "tollgate_time_limit";

/// The header in which the listener says that an answer is not the provider's, with Envoy's flags of why.
pub const UNANSWERED: &str = "x-tollgate-unanswered";

/// Envoy's flag for a limit that has passed (`UpstreamRequestTimeout`).
const TIMED_OUT: &str = "UT";

/// What [`HEADER`] says of a provider and a limit.
pub fn entry(provider: &str, limit: Duration) -> String {
    format!("{provider}/{}", limit.as_millis())
}

/// The limit of a try under way.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimit {
    limit: Duration,
    /// When it has passed, in nanoseconds since the epoch.
    until_ns: u64,
}

impl TimeLimit {
    /// The limit of a try that begins after `pause` milliseconds.
    pub(super) fn from(now_ns: u64, pause: u64, limit: Duration) -> Self {
        let after = Duration::from_millis(pause).saturating_add(limit);
        let after = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
        Self { limit, until_ns: now_ns.saturating_add(after) }
    }
}

impl Attempt {
    /// The try ends, where what has come is the listener's answer in the place of the provider's.
    pub(super) fn take_unanswered(&mut self, host: &impl Host, exchange: &mut Exchange) -> Option<Flow> {
        let time_limit = self.time_limit?;
        let (flags, details) = self.headers.get(UNANSWERED)?.split_once(' ')?;
        let failure = if flags.split(',').any(|flag| flag == TIMED_OUT) {
            silence::timed_out(Some(time_limit.limit))
        } else {
            let (asked, status) = (exchange.asked()?, self.headers.status());
            silence::unreachable(&asked.name, status, &details.replace('_', " "))
        };
        Some(self.end_silent(host, exchange, failure))
    }

    /// How long what is held back may still be awaited; `None` where nothing is, or where the router alone keeps the time.
    pub fn time_left(&self, host: &impl Host) -> Option<Duration> {
        let time_limit = self.kept()?;
        Some(Duration::from_nanos(time_limit.until_ns.saturating_sub(host.now_ns())))
    }

    /// That time is up.
    pub fn on_time_up(&mut self, host: &impl Host) -> Flow {
        let (Some(time_limit), Some(shared)) = (self.kept(), self.exchange.clone()) else {
            return Flow::Pause;
        };
        self.end_silent(host, &mut shared.borrow_mut(), silence::timed_out(Some(time_limit.limit)))
    }

    /// The limit, while the answer is held back for it.
    fn kept(&self) -> Option<TimeLimit> {
        self.time_limit.filter(|_| matches!(self.stage, Stage::Collecting { .. } | Stage::Holding(_)))
    }

    fn end_silent(&mut self, host: &impl Host, exchange: &mut Exchange, failure: Failure) -> Flow {
        let ending = Ending::failed(None, &failure);
        self.go_on_after(host, exchange, failure, ending, None)
    }
}
