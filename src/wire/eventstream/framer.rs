//! Finds where frames end, across chunks.

use super::frame::{Frame, PRELUDE, TRAILER};
use std::fmt;

/// Longest frame, in bytes. The format's own limit is 16 MiB of payload and 128 KiB of headers; what claims to be
/// longer is no event stream, and the memory of every other stream of the worker would pay for it.
pub const MAX_FRAME: usize = (16 << 20) + (128 << 10) + PRELUDE + TRAILER;

/// Why bytes are no frame; the stream cannot be followed any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadFrame {
    /// The checksum of the lengths is wrong: this is no event stream, or a byte was lost.
    Prelude,
    /// The lengths contradict each other, or go over [`MAX_FRAME`].
    Length,
    /// The checksum of the frame is wrong.
    Checksum,
}

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prelude => "a frame's prelude has a wrong checksum",
            Self::Length => "a frame's length is impossible",
            Self::Checksum => "a frame has a wrong checksum",
        })
    }
}

/// Cuts a byte stream into frames. Frames that arrive whole are borrowed from the chunk; only one that is cut by a
/// chunk's end is copied.
#[derive(Debug, Default)]
pub struct Framer {
    /// The beginning of a frame that the last chunk cut off.
    carry: Vec<u8>,
    /// The carry was handed out as a frame and is to be emptied.
    carry_done: bool,
    bad: Option<BadFrame>,
}

impl Framer {
    /// Hands every frame that ends in `chunk` to `take`; the beginning of another is kept for the next chunk.
    ///
    /// # Errors
    /// As [`Self::next`]: nothing after it can be read.
    pub fn each(&mut self, mut chunk: &[u8], mut take: impl FnMut(Frame<'_>)) -> Result<(), BadFrame> {
        while let Some(found) = self.next(&mut chunk)? {
            take(found);
        }
        Ok(())
    }

    /// The next frame that ends in `chunk`, which is advanced past it. When there is none, the rest of the chunk is
    /// kept for later, `chunk` is empty, and the answer is `None`: call again with the next chunk.
    ///
    /// # Errors
    /// What is wrong with the bytes; every later call says the same.
    pub fn next<'s, 'c: 's>(&'s mut self, chunk: &mut &'c [u8]) -> Result<Option<Frame<'s>>, BadFrame> {
        if std::mem::take(&mut self.carry_done) {
            self.carry.clear();
        }
        if let Some(bad) = self.bad {
            return Err(bad);
        }
        if self.carry.is_empty() {
            match self.checked(length(chunk))? {
                Some((total, headers)) if total <= chunk.len() => {
                    let (frame, rest) = chunk.split_at_checked(total).unwrap_or((chunk, &[]));
                    *chunk = rest;
                    return self.checked(read(frame, headers)).map(Some);
                }
                _ => {
                    self.carry.extend_from_slice(chunk);
                    *chunk = &[];
                    return Ok(None);
                }
            }
        }
        self.take(PRELUDE, chunk);
        let Some((total, headers)) = self.checked(length(&self.carry))? else { return Ok(None) };
        self.take(total, chunk);
        if self.carry.len() < total {
            return Ok(None);
        }
        self.carry_done = true;
        let read = read(&self.carry, headers);
        if let Err(bad) = read {
            self.bad = Some(bad);
        }
        read.map(Some)
    }

    /// Whether the bytes so far end within a frame.
    pub fn is_cut(&self) -> bool {
        !self.carry_done && !self.carry.is_empty()
    }

    /// Moves bytes from the chunk until the carry holds `wanted`, or the chunk is empty.
    fn take(&mut self, wanted: usize, chunk: &mut &[u8]) {
        let missing = wanted.saturating_sub(self.carry.len()).min(chunk.len());
        let (head, rest) = chunk.split_at_checked(missing).unwrap_or((chunk, &[]));
        self.carry.extend_from_slice(head);
        *chunk = rest;
    }

    fn checked<T>(&mut self, result: Result<T, BadFrame>) -> Result<T, BadFrame> {
        if let Err(bad) = &result {
            self.bad = Some(*bad);
        }
        result
    }
}

/// The length of the frame that begins here, and of its headers; `None` until its prelude is whole.
fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, BadFrame> {
    let Some((lengths, rest)) = bytes.split_first_chunk::<8>() else { return Ok(None) };
    let Some((checksum, _)) = rest.split_first_chunk::<4>() else { return Ok(None) };
    if crc32fast::hash(lengths) != u32::from_be_bytes(*checksum) {
        return Err(BadFrame::Prelude);
    }
    let number = |word: &[u8]| word.iter().fold(0_usize, |number, byte| (number << 8) | usize::from(*byte));
    let (total, headers) = lengths.split_at(4);
    let (total, headers) = (number(total), number(headers));
    let room = total.checked_sub(PRELUDE + TRAILER).ok_or(BadFrame::Length)?;
    if total > MAX_FRAME || headers > room {
        return Err(BadFrame::Length);
    }
    Ok(Some((total, headers)))
}

/// A whole frame, checked.
fn read(frame: &[u8], headers: usize) -> Result<Frame<'_>, BadFrame> {
    let (said, checksum) = frame.split_last_chunk::<TRAILER>().ok_or(BadFrame::Length)?;
    if crc32fast::hash(said) != u32::from_be_bytes(*checksum) {
        return Err(BadFrame::Checksum);
    }
    let (_, said) = said.split_at_checked(PRELUDE).ok_or(BadFrame::Length)?;
    let (headers, payload) = said.split_at_checked(headers).ok_or(BadFrame::Length)?;
    Ok(Frame::new(headers, payload))
}

#[cfg(test)]
mod tests {
    use super::super::write_frame;
    use super::*;
    use proptest::prelude::*;

    type Seen = Vec<(Option<String>, Vec<u8>)>;

    fn stream(messages: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, payload) in messages {
            write_frame(&[(":message-type", "event"), (":event-type", name)], payload, &mut out);
        }
        out
    }

    fn follow<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> (Seen, Option<BadFrame>, bool) {
        let mut framer = Framer::default();
        let mut seen = Vec::new();
        for mut chunk in chunks {
            loop {
                match framer.next(&mut chunk) {
                    Ok(Some(frame)) => {
                        seen.push((
                            frame.header(":event-type").map(ToOwned::to_owned),
                            frame.payload.to_vec(),
                        ));
                    }
                    Ok(None) => break,
                    Err(bad) => return (seen, Some(bad), false),
                }
            }
        }
        let cut = framer.is_cut();
        (seen, None, cut)
    }

    /// Cuts at the given places.
    fn cut<'b>(bytes: &'b [u8], places: &[prop::sample::Index]) -> Vec<&'b [u8]> {
        let mut at: Vec<usize> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
    }

    proptest! {
        #[test]
        fn any_split_same_frames(
            messages in prop::collection::vec(("[a-zA-Z]{0,20}", prop::collection::vec(any::<u8>(), 0..90)), 0..6),
            places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let bytes = stream(&messages);
            let expected: Seen = messages.iter().map(|(name, payload)| (Some(name.clone()), payload.clone())).collect();
            prop_assert_eq!(follow(cut(&bytes, &places)), (expected.clone(), None, false));
            prop_assert_eq!(follow(bytes.chunks(1)), (expected, None, false));
        }

        #[test]
        fn a_changed_byte_is_never_taken_for_the_truth(
            payload in prop::collection::vec(any::<u8>(), 0..60),
            place in any::<prop::sample::Index>(),
            change in 1u8..,
        ) {
            let messages = [("first".to_owned(), payload.clone()), ("second".to_owned(), payload)];
            let mut bytes = stream(&messages);
            let at = place.index(bytes.len());
            bytes[at] ^= change;
            let (seen, bad, _) = follow([&bytes[..]]);
            prop_assert!(bad.is_some());
            prop_assert!(seen.len() < 2);
            prop_assert_eq!(follow(bytes.chunks(1)).1, bad);
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let (seen, bad, _) = follow([&bytes[..]]);
            prop_assert_eq!(follow(bytes.chunks(1)), (seen, bad, bad.is_none() && !bytes.is_empty()));
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_before_it_is_kept() {
        let mut bytes = u32::try_from(MAX_FRAME + 1).unwrap().to_be_bytes().to_vec();
        bytes.extend_from_slice(&0u32.to_be_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
        assert_eq!(follow([&bytes[..]]).1, Some(BadFrame::Length));
    }

    #[test]
    fn an_end_within_a_frame_is_noticed() {
        let bytes = stream(&[("a".to_owned(), b"{}".to_vec())]);
        assert_eq!(follow([&bytes[..bytes.len() - 1]]), (vec![], None, true));
    }
}
