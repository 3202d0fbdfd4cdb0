//! The answers of a lane: what a client must find in them, whatever the dialect.

use super::canned::marks;
use super::client::Client;
use crate::bench::Check;
use crate::wire::{BodyEnd, Connection, Flow};
use anyhow::{Result, anyhow, bail};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tollgate::dialect::Dialect;

/// What an answer is held against.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    marks: Arc<[String]>,
    is_stream: bool,
}

impl Wanted {
    /// The answer of that provider, as that client reads it.
    pub(super) fn new(client: &Client, provider: Dialect, stream: bool) -> Self {
        let mut marks = marks(provider, stream);
        if stream {
            marks.push(client.last_words.to_owned());
        }
        Self { marks: marks.into(), is_stream: stream }
    }
}

/// Finds the marks in a body, one after the other; the error is the first that is not there.
pub(super) fn holds<'m>(body: &[u8], marks: &'m [String]) -> Result<(), &'m str> {
    let mut rest = body;
    for mark in marks {
        let place = memchr::memmem::find(rest, mark.as_bytes()).ok_or(mark.as_str())?;
        rest = rest.get(place + mark.len()..).unwrap_or_default();
    }
    Ok(())
}

impl Check for Wanted {
    async fn read(
        &self,
        connection: &mut Connection,
        _: u64,
        body: &mut Vec<u8>,
        start: Instant,
    ) -> Result<Option<Duration>> {
        let head = connection.read_response().await?;
        let mut first = None;
        let end = connection.read_body(head.framing, |piece| {
            first.get_or_insert_with(|| start.elapsed());
            body.extend_from_slice(piece);
            Ok(Flow::More)
        });
        let end = end.await?;
        if head.status != 200 || end != BodyEnd::Complete {
            bail!("status {}, {end:?}: {}", head.status, String::from_utf8_lossy(body));
        }
        holds(body, &self.marks)
            .map_err(|mark| anyhow!("no {mark:?} where it should be: {}", String::from_utf8_lossy(body)))?;
        Ok(first.filter(|_| self.is_stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_in_their_order() {
        let marks = ["one".to_owned(), "two".to_owned()];
        assert_eq!(holds(b"..one..two", &marks), Ok(()));
        assert_eq!(holds(b"..two..one", &marks), Err("two"));
        assert_eq!(holds(b"one", &marks), Err("two"));
    }
}
