//! One frame: its headers and its payload.

/// Bytes before the headers: two lengths and their checksum.
pub(super) const PRELUDE: usize = 12;

/// Bytes after the payload: the checksum of the whole.
pub(super) const TRAILER: usize = 4;

/// The type of a header's value that is a string.
const STRING: u8 = 7;

/// A frame whose checksums were right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    headers: &'a [u8],
    /// What it carries.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    pub(super) fn new(headers: &'a [u8], payload: &'a [u8]) -> Self {
        Self { headers, payload }
    }

    /// The value of a header that is a string; `None` when there is no such header, when it is no string, or when
    /// the headers before it cannot be read.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.headers;
        while !rest.is_empty() {
            let (key, after) = counted(rest, 1)?;
            let (kind, after) = after.split_first()?;
            let (value, after) = match kind {
                // Booleans are their type.
                0 | 1 => after.split_at_checked(0)?,
                2 => after.split_at_checked(1)?,
                3 => after.split_at_checked(2)?,
                4 => after.split_at_checked(4)?,
                // A long, a timestamp.
                5 | 8 => after.split_at_checked(8)?,
                // Bytes, a string.
                6 | 7 => counted(after, 2)?,
                // A UUID.
                9 => after.split_at_checked(16)?,
                _ => return None,
            };
            if key == name.as_bytes() {
                return std::str::from_utf8(value).ok().filter(|_| *kind == STRING);
            }
            rest = after;
        }
        None
    }
}

/// A value with its length before it, in `width` bytes; and what comes after.
fn counted(bytes: &[u8], width: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(width)?;
    let length = length.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
    rest.split_at_checked(length)
}

/// Appends a frame whose headers are strings. Headers that do not fit their counts (a name of 255 bytes, a value of
/// 65,535) are left out: ours are short words.
pub fn write_frame(headers: &[(&str, &str)], payload: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; PRELUDE]);
    for (name, value) in headers {
        let (Ok(name_length), Ok(value_length)) = (u8::try_from(name.len()), u16::try_from(value.len()))
        else {
            continue;
        };
        out.push(name_length);
        out.extend_from_slice(name.as_bytes());
        out.push(STRING);
        out.extend_from_slice(&value_length.to_be_bytes());
        out.extend_from_slice(value.as_bytes());
    }
    let headers_length = out.len() - start - PRELUDE;
    out.extend_from_slice(payload);
    let total = out.len() - start + TRAILER;
    let word = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    let mut prelude = [word(total), word(headers_length)].concat();
    prelude.extend_from_slice(&crc32fast::hash(&prelude).to_be_bytes());
    let Some(frame) = out.get_mut(start..) else { return };
    for (place, byte) in frame.iter_mut().zip(prelude) {
        *place = byte;
    }
    let checksum = crc32fast::hash(frame);
    out.extend_from_slice(&checksum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_as_the_sdks_write_it() {
        let mut out = Vec::new();
        write_frame(&[], b"", &mut out);
        // The empty message of the public test vectors.
        assert_eq!(out, [0, 0, 0, 16, 0, 0, 0, 0, 5, 194, 72, 235, 125, 152, 200, 255]);
    }

    #[test]
    fn strings_are_found_among_headers_of_every_type() {
        let mut headers = Vec::new();
        for (kind, value) in [
            (0, &[][..]),
            (1, &[]),
            (2, &[1]),
            (3, &[0, 1]),
            (4, &[0; 4]),
            (5, &[0; 8]),
            (6, &[0, 2, 9, 9]),
            (8, &[0; 8]),
            (9, &[0; 16]),
            (7, &[0, 2, b'h', b'i']),
        ] {
            headers.extend_from_slice(&[2, b'k', b'0' + kind, kind]);
            headers.extend_from_slice(value);
        }
        let frame = Frame::new(&headers, b"");
        assert_eq!(frame.header("k7"), Some("hi"));
        assert_eq!((frame.header("k6"), frame.header("k1"), frame.header("x")), (None, None, None));
        let cut = Frame::new(&headers[..headers.len() - 1], b"");
        assert_eq!(cut.header("k7"), None);
        assert_eq!(Frame::new(&[1, b'k', 42], b"").header("k"), None);
    }
}
