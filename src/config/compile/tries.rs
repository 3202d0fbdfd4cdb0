//! What models and `defaults` say of tries: how many, how long, how far apart.

use super::limits;
use crate::config::Problem;
use crate::config::problem::check_times;
use crate::config::schema::{self, Backoff, Defaults, Span};

/// What one of them says of its own.
pub(super) struct Tries<'s> {
    retries: Option<u32>,
    backoff: Option<&'s Backoff>,
    timeout: Option<Span>,
    stream_timeout: Option<Span>,
    request_timeout: Option<Span>,
    max_tokens: Option<u64>,
}

impl<'s> From<&'s Defaults> for Tries<'s> {
    fn from(defaults: &'s Defaults) -> Self {
        Self {
            retries: defaults.retries,
            backoff: defaults.backoff.as_ref(),
            timeout: defaults.timeout,
            stream_timeout: defaults.stream_timeout,
            request_timeout: defaults.request_timeout,
            max_tokens: defaults.max_tokens,
        }
    }
}

impl<'s> From<&'s schema::Model> for Tries<'s> {
    fn from(model: &'s schema::Model) -> Self {
        Self {
            retries: model.retries,
            backoff: model.backoff.as_ref(),
            timeout: model.timeout,
            stream_timeout: model.stream_timeout,
            request_timeout: model.request_timeout,
            max_tokens: model.max_tokens,
        }
    }
}

impl Tries<'_> {
    /// What is wrong with it; `path` is that of the object it stands in.
    pub(super) fn check(&self, path: &str, problems: &mut Vec<Problem>) {
        let mut wrong = |field: &str, message: String| {
            problems.push(Problem::new(format!("{path}.{field}"), message));
        };
        let [base, max] = waits(self.backoff);
        if max < base {
            wrong("backoff.max", "must not be shorter than `base`".to_owned());
        }
        if self.retries.is_some_and(|retries| retries > limits::MAX_RETRIES) {
            wrong("retries", format!("must be at most {}", limits::MAX_RETRIES));
        }
        let times = [
            ("timeout", self.timeout),
            ("stream_timeout", self.stream_timeout),
            ("request_timeout", self.request_timeout),
            ("backoff.base", Some(Span(base))),
        ];
        check_times(path, &times, problems);
        if self.max_tokens == Some(0) {
            problems.push(Problem::new(format!("{path}.max_tokens"), "must be more than 0"));
        }
    }
}

/// The first and the longest wait.
pub(super) fn waits(written: Option<&Backoff>) -> [std::time::Duration; 2] {
    let base = written.and_then(|backoff| backoff.base).map_or(limits::BACKOFF_BASE, |span| span.0);
    let max = written.and_then(|backoff| backoff.max);
    [base, max.map_or_else(|| limits::BACKOFF_MAX.max(base), |span| span.0)]
}
