//! Streams cut into events and lines.

use super::{cuts, pieces};
use tollgate::wire::{ndjson, sse};

pub(crate) fn check(input: &[u8]) {
    let events = sse_events(input, &[]);
    let lines = ndjson_lines(input, &[]);
    for cuts in cuts(input) {
        assert_eq!(sse_events(input, &cuts), events, "events cut at {cuts:?}");
        assert_eq!(ndjson_lines(input, &cuts), lines, "lines cut at {cuts:?}");
    }
    assert!(lines.concat().len() <= input.len());
}

/// Name and data of every event.
fn sse_events(input: &[u8], cuts: &[usize]) -> Vec<(String, Option<Vec<u8>>)> {
    let mut framer = sse::Framer::default();
    let mut events = Vec::new();
    let mut take = |event: sse::Event<'_>| {
        // A block that says nothing may be cut in two.
        if event.data.is_some() || !event.name.is_empty() {
            events.push((event.name.to_owned(), event.data.map(<[u8]>::to_vec)));
        }
    };
    pieces(input, cuts, |mut piece| {
        while let Ok(Some(event)) = framer.next(&mut piece) {
            take(event);
        }
    });
    if let Some(event) = framer.finish() {
        take(event);
    }
    events
}

fn ndjson_lines(input: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut framer = ndjson::Framer::default();
    let mut lines = Vec::new();
    pieces(input, cuts, |mut piece| {
        while let Ok(Some(line)) = framer.next(&mut piece) {
            lines.push(line.to_vec());
        }
    });
    lines.extend(framer.finish().map(<[u8]>::to_vec));
    lines
}
