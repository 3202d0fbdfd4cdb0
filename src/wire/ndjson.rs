//! Newline-delimited JSON, cut into lines as it arrives.
//!
//! A line ends with LF or CR LF; blank lines say nothing and are skipped; what stands at the end of the stream without
//! its line end counts.

/// Longest line, in bytes, that may be pieced together over several chunks: the bound of event streams
/// ([`crate::wire::sse::MAX_EVENT`]), for the same reason.
pub const MAX_LINE: usize = 16 << 20;

/// A line went over [`MAX_LINE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// Cuts a byte stream into lines. Lines that arrive whole are borrowed from the chunk; only one that is cut by a chunk's
/// end is copied.
#[derive(Debug, Default)]
pub struct Framer {
    /// The beginning of a line that the last chunk cut off.
    carry: Vec<u8>,
    /// The carry was handed out as a line and is to be emptied.
    carry_done: bool,
}

impl Framer {
    /// Hands every line that ends in `chunk` to `take`; the beginning of another is kept for the next chunk.
    ///
    /// # Errors
    /// As [`Self::next`]: nothing after it can be read.
    pub fn each(&mut self, mut chunk: &[u8], mut take: impl FnMut(&[u8])) -> Result<(), TooLong> {
        while let Some(found) = self.next(&mut chunk)? {
            take(found);
        }
        Ok(())
    }

    /// The next line that ends in `chunk`, without its end; `chunk` is advanced past it. When there is none, the rest of
    /// the chunk is kept for later, `chunk` is empty, and the answer is `None`: call again with the next chunk.
    ///
    /// # Errors
    /// [`TooLong`]; the stream cannot be followed any further.
    pub fn next<'s, 'c: 's>(&'s mut self, chunk: &mut &'c [u8]) -> Result<Option<&'s [u8]>, TooLong> {
        loop {
            if std::mem::take(&mut self.carry_done) {
                self.carry.clear();
            }
            let Some(end) = memchr::memchr(b'\n', chunk) else {
                if self.carry.len().saturating_add(chunk.len()) > MAX_LINE {
                    return Err(TooLong);
                }
                self.carry.extend_from_slice(chunk);
                *chunk = &[];
                return Ok(None);
            };
            let (line, rest) = chunk.split_at_checked(end).unwrap_or((chunk, &[]));
            *chunk = rest.get(1..).unwrap_or_default();
            if self.carry.is_empty() {
                let line = line.trim_ascii();
                if line.is_empty() {
                    continue;
                }
                return Ok(Some(line));
            }
            if self.carry.len().saturating_add(line.len()) > MAX_LINE {
                return Err(TooLong);
            }
            self.carry.extend_from_slice(line);
            self.carry_done = true;
            if self.carry.trim_ascii().is_empty() {
                continue;
            }
            return Ok(Some(self.carry.trim_ascii()));
        }
    }

    /// What is left when the stream has ended: a line without its end. `None` when nothing is.
    pub fn finish(&mut self) -> Option<&[u8]> {
        if std::mem::replace(&mut self.carry_done, true) {
            self.carry.clear();
        }
        let line = self.carry.trim_ascii();
        (!line.is_empty()).then_some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framed<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<Vec<u8>> {
        let mut framer = Framer::default();
        let mut lines = vec![];
        for mut chunk in chunks {
            while let Some(line) = framer.next(&mut chunk).unwrap() {
                lines.push(line.to_vec());
            }
            assert!(chunk.is_empty());
        }
        lines.extend(framer.finish().map(<[u8]>::to_vec));
        assert!(framer.finish().is_none());
        lines
    }

    fn naive(stream: &[u8]) -> Vec<Vec<u8>> {
        let lines = stream.split(|byte| *byte == b'\n').map(|line| line.trim_ascii().to_vec());
        lines.filter(|line| !line.is_empty()).collect()
    }

    #[test]
    fn a_whole_line_is_borrowed_from_the_chunk() {
        let chunk = b"{\"a\":1}\r\n{\"b\":2}\n".to_vec();
        let mut framer = Framer::default();
        let mut rest = &chunk[..];
        assert_eq!(framer.next(&mut rest).unwrap().unwrap().as_ptr(), chunk.as_ptr());
        assert_eq!(rest, b"{\"b\":2}\n");
    }

    #[test]
    fn an_endless_line_is_an_error() {
        let mut framer = Framer::default();
        let chunk = vec![b'x'; MAX_LINE / 2 + 1];
        assert_eq!(framer.next(&mut &chunk[..]), Ok(None));
        assert_eq!(framer.next(&mut &chunk[..]), Err(TooLong));
        let mut ended = vec![b'x'; MAX_LINE / 2];
        ended.push(b'\n');
        assert_eq!(framer.next(&mut &ended[..]), Err(TooLong));
    }

    proptest! {
        #[test]
        fn same_as_the_naive_reader_at_any_split(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "{\"a\":\"é😀\"}", "{}", "\n", "\n", "\r\n", " ", "\r", "x\ty", "\"\\n\"",
            ]), 0..24),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let stream = pieces.concat().into_bytes();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            at.extend([0, stream.len()]);
            at.sort_unstable();
            let lines = framed(at.windows(2).map(|pair| &stream[pair[0]..pair[1]]));
            prop_assert_eq!(lines, naive(&stream));
            prop_assert_eq!(framed(stream.chunks(1)), naive(&stream));
        }
    }
}
