//! One event.

/// One event of a stream, or a block that holds none (comments, stray blank lines: no name and no data).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'e> {
    /// The bytes it came in, blank line included.
    pub raw: &'e [u8],
    /// The `event` field; empty when there is none or when it is not UTF-8.
    pub name: &'e str,
    /// The `data` lines, joined by LF; `None` when there is no such line.
    pub data: Option<&'e [u8]>,
}

impl<'e> Event<'e> {
    /// Reads a block of lines. `joined` is used when there is more than one `data` line.
    pub(super) fn read(raw: &'e [u8], at_start: bool, joined: &'e mut Vec<u8>) -> Self {
        let lines = if at_start { raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw) } else { raw };
        let mut event = Self { raw, name: "", data: None };
        let mut several = false;
        joined.clear();
        each_line(lines, |line| {
            let (field, value) = match memchr::memchr(b':', line) {
                Some(at) => (line.get(..at).unwrap_or_default(), line.get(at + 1..).unwrap_or_default()),
                None => (line, &[][..]),
            };
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match field {
                b"event" => event.name = std::str::from_utf8(value).unwrap_or_default(),
                b"data" => match event.data {
                    None => event.data = Some(value),
                    Some(first) => {
                        if !several {
                            joined.extend_from_slice(first);
                            several = true;
                        }
                        joined.push(b'\n');
                        joined.extend_from_slice(value);
                    }
                },
                _ => {}
            }
        });
        if several {
            event.data = Some(joined);
        }
        event
    }
}

/// Calls `each` with every line that is not empty, without its end.
fn each_line<'e>(bytes: &'e [u8], mut each: impl FnMut(&'e [u8])) {
    let mut rest = bytes;
    loop {
        let end = memchr::memchr2(b'\n', b'\r', rest);
        let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if !line.is_empty() {
            each(line);
        }
        match end {
            Some(at) => rest = rest.get(at + 1..).unwrap_or_default(),
            None => return,
        }
    }
}
