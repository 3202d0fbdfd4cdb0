//! Limits to the first token.

use crate::config::schema::Span;
use std::time::Duration;

/// A limit to the first token of a try: that of streams, and that of other answers, which have to be whole by then.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FirstToken<T> {
    /// Of an answer that is not a stream.
    pub whole: T,
    /// Of a stream.
    pub stream: T,
}

impl<T: Copy> FirstToken<T> {
    /// The one that holds for a request.
    pub fn of(self, streamed: bool) -> T {
        if streamed { self.stream } else { self.whole }
    }

    /// Both of them, changed.
    pub fn map<U>(self, change: impl Fn(T) -> U) -> FirstToken<U> {
        FirstToken { whole: change(self.whole), stream: change(self.stream) }
    }

    /// Each beside its counterpart.
    pub fn zip<U: Copy>(self, other: FirstToken<U>) -> FirstToken<(T, U)> {
        FirstToken { whole: (self.whole, other.whole), stream: (self.stream, other.stream) }
    }

    /// Both of them.
    pub fn both(self) -> [T; 2] {
        [self.whole, self.stream]
    }
}

impl FirstToken<Option<Duration>> {
    /// What somebody wrote as `timeout` and `stream_timeout`.
    pub fn written(timeout: Option<Span>, stream_timeout: Option<Span>) -> Self {
        FirstToken { whole: timeout, stream: stream_timeout }.map(|span| span.map(|span| span.0))
    }

    /// Where one of them is not said, what `other` says of it.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.zip(other).map(|(own, other)| own.or(other))
    }

    /// What holds for streams where nothing was said of them alone.
    #[must_use]
    pub fn filled(self) -> Self {
        Self { stream: self.stream.or(self.whole), ..self }
    }
}
