//! Streams cut into events and lines.

use super::{cuts, pieces};
use tollgate::wire::{base64, eventstream, json_array, ndjson, sse};

pub(crate) fn check(input: &[u8]) {
    let events = sse_events(input, &[]);
    let lines = ndjson_lines(input, &[]);
    let items = array_items(input, &[]);
    let frames = frames(input, &[]);
    for cuts in cuts(input) {
        assert_eq!(sse_events(input, &cuts), events, "events cut at {cuts:?}");
        assert_eq!(ndjson_lines(input, &cuts), lines, "lines cut at {cuts:?}");
        assert_eq!(array_items(input, &cuts), items, "items cut at {cuts:?}");
        assert_eq!(self::frames(input, &cuts), frames, "frames cut at {cuts:?}");
    }
    assert!(lines.concat().len() <= input.len() && items.0.concat().len() <= input.len());
    base64(input);
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

/// The items, and how the array went on after them.
fn array_items(input: &[u8], cuts: &[usize]) -> (Vec<Vec<u8>>, bool, bool) {
    let mut framer = json_array::Framer::default();
    let (mut items, mut bad) = (Vec::new(), false);
    pieces(input, cuts, |mut piece| {
        while !bad {
            match framer.next(&mut piece) {
                Ok(Some(item)) => items.push(item.to_vec()),
                Ok(None) => break,
                Err(_) => bad = true,
            }
        }
    });
    let closed = framer.is_closed();
    (items, bad, closed)
}

/// Random bytes have no right checksum: beside the input itself, its lines are put into frames, and one of those is cut.
fn frames(input: &[u8], cuts: &[usize]) -> Vec<(Option<String>, Vec<u8>)> {
    let mut stream = framed(input);
    if input.len().is_multiple_of(3) {
        stream.truncate(stream.len().saturating_sub(5));
    }
    let cuts: Vec<usize> = cuts.iter().map(|at| (*at).min(stream.len())).collect();
    let mut found = Vec::new();
    for (stream, cuts) in [(&stream[..], &cuts[..]), (input, &cuts[..])] {
        let mut framer = eventstream::Framer::default();
        let cuts: Vec<usize> = cuts.iter().map(|at| (*at).min(stream.len())).collect();
        pieces(stream, &cuts, |mut piece| {
            while let Ok(Some(frame)) = framer.next(&mut piece) {
                found.push((frame.header(":event-type").map(str::to_owned), frame.payload.to_vec()));
            }
        });
    }
    found
}

/// An event stream of the lines of an input: the first word of each is its type.
pub(crate) fn framed(input: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    for line in input.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let at = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let kind = std::str::from_utf8(&line[..at]).unwrap_or("odd");
        let headers =
            [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
        eventstream::write_frame(&headers, line[at..].trim_ascii(), &mut stream);
    }
    stream
}

/// What is encoded can be decoded.
fn base64(input: &[u8]) {
    let mut text = Vec::new();
    base64::encode(input, &mut text);
    let text = String::from_utf8(text).expect("base64 is ASCII");
    assert_eq!(base64::decode(&text).as_deref(), Some(input));
    let _ = base64::decode(&String::from_utf8_lossy(input));
}
