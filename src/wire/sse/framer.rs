//! Finds where events end, across chunks.

use super::Event;

/// Longest event, in bytes, that may be pieced together over several chunks. A single event can hold an image
/// in base64 (a few MiB at the largest sizes providers offer); more than this is no event stream, and the memory of
/// every other stream of the worker would pay for it.
pub const MAX_EVENT: usize = 16 << 20;

/// An event went over [`MAX_EVENT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// Cuts a byte stream into events. Events that arrive whole are borrowed from the chunk; only one that is cut by a
/// chunk's end is copied.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact about the bytes seen, independent of the others"
)]
pub struct Framer {
    /// The beginning of an event that the last chunk cut off.
    carry: Vec<u8>,
    /// The carry was handed out as an event and is to be emptied.
    carry_done: bool,
    /// The bytes so far end within a line.
    inside_line: bool,
    /// The last byte was a CR: an LF that follows belongs to it.
    after_cr: bool,
    /// The blank line that ended the last event was a CR, at the end of a chunk: an LF that follows belongs to it.
    stray_lf: bool,
    /// An event was cut out already: a byte order mark has no meaning any more.
    started: bool,
    joined: Vec<u8>,
}

impl Framer {
    /// Hands every event that ends in `chunk` to `take`; the beginning of another is kept for the next chunk.
    ///
    /// # Errors
    /// As [`Self::next`]: nothing after it can be read.
    pub fn each(&mut self, mut chunk: &[u8], mut take: impl FnMut(Event<'_>)) -> Result<(), TooLong> {
        while let Some(found) = self.next(&mut chunk)? {
            take(found);
        }
        Ok(())
    }

    /// The next event that ends in `chunk`, which is advanced past it. When there is none, the rest of the chunk is
    /// kept for later, `chunk` is empty, and the answer is `None`: call again with the next chunk.
    ///
    /// # Errors
    /// [`TooLong`]; the stream cannot be followed any further.
    pub fn next<'s, 'c: 's>(&'s mut self, chunk: &mut &'c [u8]) -> Result<Option<Event<'s>>, TooLong> {
        if std::mem::take(&mut self.carry_done) {
            self.carry.clear();
        }
        if self.stray_lf && !chunk.is_empty() {
            self.stray_lf = false;
            *chunk = chunk.strip_prefix(b"\n").unwrap_or(chunk);
        }
        let Some(end) = self.find_end(chunk) else {
            if self.carry.len() + chunk.len() > MAX_EVENT {
                return Err(TooLong);
            }
            self.carry.extend_from_slice(chunk);
            *chunk = &[];
            return Ok(None);
        };
        let (block, rest) = chunk.split_at_checked(end).unwrap_or((chunk, &[]));
        *chunk = rest;
        let at_start = !std::mem::replace(&mut self.started, true);
        if self.carry.is_empty() {
            return Ok(Some(Event::read(block, at_start, &mut self.joined)));
        }
        self.carry.extend_from_slice(block);
        self.carry_done = true;
        Ok(Some(Event::read(&self.carry, at_start, &mut self.joined)))
    }

    /// What is left when the stream has ended: an event without its blank line. `None` when nothing is.
    pub fn finish(&mut self) -> Option<Event<'_>> {
        if std::mem::take(&mut self.carry_done) {
            self.carry.clear();
        }
        if self.carry.is_empty() {
            return None;
        }
        self.carry_done = true;
        let at_start = !std::mem::replace(&mut self.started, true);
        Some(Event::read(&self.carry, at_start, &mut self.joined))
    }

    /// The bytes of an unfinished event that are kept.
    pub fn pending(&self) -> &[u8] {
        if self.carry_done { &[] } else { &self.carry }
    }

    /// Whether an LF at the start of the next chunk would still belong to the last event.
    pub fn expects_lf(&self) -> bool {
        self.stray_lf
    }

    /// The offset just after the blank line that ends the event, if the chunk holds it.
    fn find_end(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            if self.inside_line {
                let found = memchr::memchr2(b'\n', b'\r', chunk.get(at..)?)?;
                at += found + 1;
                self.inside_line = false;
                self.after_cr = chunk.get(at - 1) == Some(&b'\r');
            }
            match *chunk.get(at)? {
                b'\n' if self.after_cr => {
                    self.after_cr = false;
                    at += 1;
                }
                b'\n' => {
                    self.after_cr = false;
                    return Some(at + 1);
                }
                b'\r' => {
                    self.after_cr = false;
                    return match chunk.get(at + 1) {
                        Some(b'\n') => Some(at + 2),
                        Some(_) => Some(at + 1),
                        None => {
                            self.stray_lf = true;
                            Some(at + 1)
                        }
                    };
                }
                _ => {
                    self.after_cr = false;
                    self.inside_line = true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Seen = (String, Option<Vec<u8>>);

    /// The format read the slow way, from the whole text at once.
    fn naive(stream: &[u8]) -> Vec<Seen> {
        let stream = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
        let mut lines = vec![vec![]];
        let mut bytes = stream.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\r' => {
                    bytes.next_if_eq(&b'\n');
                    lines.push(vec![]);
                }
                b'\n' => lines.push(vec![]),
                _ => lines.last_mut().unwrap().push(byte),
            }
        }
        lines.push(vec![]);
        let mut events = vec![];
        let (mut name, mut data): (String, Option<Vec<u8>>) = (String::new(), None);
        for line in lines {
            if line.is_empty() {
                if !name.is_empty() || data.is_some() {
                    events.push((std::mem::take(&mut name), data.take()));
                }
                continue;
            }
            let colon = line.iter().position(|b| *b == b':').unwrap_or(line.len());
            let mut value = line.get(colon + 1..).unwrap_or_default();
            if value.first() == Some(&b' ') {
                value = &value[1..];
            }
            match &line[..colon] {
                b"event" => name = std::str::from_utf8(value).unwrap_or_default().to_owned(),
                b"data" => match &mut data {
                    Some(data) => {
                        data.push(b'\n');
                        data.extend_from_slice(value);
                    }
                    None => data = Some(value.to_vec()),
                },
                _ => {}
            }
        }
        events
    }

    fn framed<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> (Vec<Seen>, Vec<u8>) {
        let mut framer = Framer::default();
        let (mut events, mut raw) = (vec![], vec![]);
        let mut see = |event: Event<'_>, raw: &mut Vec<u8>| {
            raw.extend_from_slice(event.raw);
            if !event.name.is_empty() || event.data.is_some() {
                events.push((event.name.to_owned(), event.data.map(<[u8]>::to_vec)));
            }
        };
        for mut chunk in chunks {
            if framer.expects_lf() && chunk.first() == Some(&b'\n') {
                raw.push(b'\n');
            }
            while let Some(event) = framer.next(&mut chunk).unwrap() {
                see(event, &mut raw);
            }
            assert!(chunk.is_empty());
        }
        if let Some(event) = framer.finish() {
            see(event, &mut raw);
        }
        assert!(framer.finish().is_none());
        (events, raw)
    }

    const HARD: &[u8] = "\u{feff}event: a\r\ndata: {\"x\":\"é😀\"}\r\n\r\n: keep-alive\n\n\
        data:no space\rdata:  two spaces\r\rid: 7\nretry\ndata\n\n\n\nevent: bare\n\ndata: last"
        .as_bytes();

    #[test]
    fn hard_cases() {
        let (events, _) = framed([HARD]);
        let text = |name: &str, data: &str| (name.to_owned(), Some(data.as_bytes().to_vec()));
        assert_eq!(
            events,
            [
                text("a", "{\"x\":\"é😀\"}"),
                text("", "no space\n two spaces"),
                text("", ""),
                ("bare".to_owned(), None),
                text("", "last"),
            ]
        );
    }

    #[test]
    fn every_split_of_the_hard_cases_is_the_same() {
        let whole = framed([HARD]).0;
        for at in 0..=HARD.len() {
            for then in at..=HARD.len() {
                assert_eq!(framed([&HARD[..at], &HARD[at..then], &HARD[then..]]).0, whole, "{at} {then}");
            }
        }
    }

    #[test]
    fn a_whole_event_is_borrowed_from_the_chunk() {
        let chunk = b"data: 1\n\ndata: 2\n\n".to_vec();
        let mut framer = Framer::default();
        let mut rest = &chunk[..];
        let at = framer.next(&mut rest).unwrap().unwrap().raw.as_ptr();
        assert_eq!(at, chunk.as_ptr());
        assert_eq!(rest, b"data: 2\n\n");
        assert!(framer.pending().is_empty());
    }

    #[test]
    fn an_endless_event_is_an_error() {
        let mut framer = Framer::default();
        let chunk = vec![b'x'; MAX_EVENT / 2 + 1];
        assert_eq!(framer.next(&mut &chunk[..]), Ok(None));
        assert_eq!(framer.next(&mut &chunk[..]), Err(TooLong));
    }

    proptest! {
        #[test]
        fn same_as_the_naive_reader_at_any_split(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "data: a", "data:b", "data", "event: e", "event:", ":", ": c", "id: 1", "é", "\u{feff}", ":data: x",
                "\n", "\n", "\r", "\r\n", "\r\n", "\n\n", " ", "x",
            ]), 0..24),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let stream = pieces.concat().into_bytes();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            at.extend([0, stream.len()]);
            at.sort_unstable();
            let (events, raw) = framed(at.windows(2).map(|pair| &stream[pair[0]..pair[1]]));
            prop_assert_eq!(events, naive(&stream));
            prop_assert_eq!(raw, stream);
        }
    }
}
