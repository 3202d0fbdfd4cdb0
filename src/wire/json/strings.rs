//! Where the text of a body is.

use std::ops::Range;

/// The strings of a body, names of fields too, summed up: how much text there is, and where the long pieces stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strings {
    /// Bytes in all strings of at most [`Strings::SHORT`] bytes.
    pub short: usize,
    /// The places of longer ones, without their quotes, in order.
    pub long: Vec<Range<usize>>,
    /// Bytes in long ones beyond those listed.
    pub unlisted: usize,
}

impl Strings {
    /// The longest string that is only counted, in bytes between its quotes.
    pub const SHORT: usize = 256;

    /// The most long strings that are listed: sixteen kilobytes' worth, and more than a conversation has turns.
    const LISTED: usize = 1024;

    /// The strings of a body of whatever form; one that does not end goes on to the body's end.
    pub fn of(body: &[u8]) -> Self {
        let mut strings = Self::default();
        let mut at = 0;
        while let Some(inside) = next_string(body, at) {
            at = inside.end.saturating_add(1);
            strings.note(inside);
        }
        strings
    }

    /// Takes the next string.
    pub(super) fn note(&mut self, inside: Range<usize>) {
        let length = inside.len();
        if length <= Self::SHORT {
            self.short = self.short.saturating_add(length);
        } else if self.long.len() < Self::LISTED {
            self.long.push(inside);
        } else {
            self.unlisted = self.unlisted.saturating_add(length);
        }
    }
}

/// The next string at or after a place, without its quotes.
pub fn next_string(body: &[u8], at: usize) -> Option<Range<usize>> {
    let open = memchr::memchr(b'"', body.get(at..)?)?;
    let start = at.saturating_add(open).saturating_add(1);
    Some(start..closing_quote(body, start).unwrap_or(body.len()))
}

/// Where a string ends that begins at `start`; `None` when it does not.
pub(super) fn closing_quote(body: &[u8], start: usize) -> Option<usize> {
    // Most strings are names and words: setting out on a vector search takes longer than walking to their ends.
    const WALK: usize = 16;
    let mut at = start;
    while at < start.saturating_add(WALK) {
        match body.get(at)? {
            b'"' => return Some(at),
            b'\\' => at = at.saturating_add(2),
            _ => at = at.saturating_add(1),
        }
    }
    loop {
        at = at.saturating_add(memchr::memchr2(b'"', b'\\', body.get(at..)?)?);
        if body.get(at) == Some(&b'"') {
            return Some(at);
        }
        // An escape: the next byte is no end, whatever it is.
        at = at.saturating_add(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ones_are_counted_and_long_ones_listed() {
        let long = "x\\\"".repeat(100);
        let body = format!(r#"{{"a":"b\"","c":["{long}","d"]}} "open"#);
        let strings = Strings::of(body.as_bytes());
        assert_eq!(strings.short, 1 + 3 + 1 + 1 + 4);
        assert_eq!(strings.long.iter().map(|place| &body[place.clone()]).collect::<Vec<_>>(), [&long]);
        assert_eq!((Strings::of(b""), Strings::of(b"\\\"").short), (Strings::default(), 0));
    }

    #[test]
    fn what_is_not_listed_is_counted() {
        let one = format!("\"{}\",", "x".repeat(300));
        let strings = Strings::of(one.repeat(Strings::LISTED + 2).as_bytes());
        assert_eq!((strings.long.len(), strings.unlisted), (Strings::LISTED, 600));
    }
}
