//! Bodies: takes the framing off, piece by piece.

use super::Framing;
use anyhow::{Context, Result, bail};
use bytes::{Buf, BytesMut};

/// Longest chunk-size or trailer line, in bytes; senders here write no extensions and no trailers.
const MAX_LINE: usize = 256;

/// What a reader says to a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Go on.
    More,
    /// Enough: the rest is not wanted, and the connection is of no more use.
    Stop,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    /// As its framing said.
    Complete,
    /// The reader had enough.
    Stopped,
    /// The connection ended before the body.
    Truncated,
}

/// Where a chunked body stands; bodies with a length use `Data` alone.
#[derive(Debug, Clone, Copy)]
enum State {
    Size,
    Data(usize),
    DataEnd,
    Trailer,
}

/// Takes the framing off a body.
#[derive(Debug)]
pub(super) struct Decoder {
    framing: Framing,
    state: State,
}

impl Decoder {
    pub(super) fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Length(length) => State::Data(length),
            Framing::Chunked => State::Size,
            Framing::UntilClose => State::Data(usize::MAX),
        };
        Self { framing, state }
    }

    /// Consumes what `buffer` holds; `None` when more is needed.
    pub(super) fn advance(
        &mut self,
        buffer: &mut BytesMut,
        on_piece: &mut impl FnMut(&[u8]) -> Result<Flow>,
    ) -> Result<Option<BodyEnd>> {
        loop {
            match self.state {
                State::Data(0) if self.framing != Framing::Chunked => return Ok(Some(BodyEnd::Complete)),
                State::Data(0) => self.state = State::DataEnd,
                State::Data(left) => {
                    let (piece, _) = buffer.split_at(left.min(buffer.len()));
                    if piece.is_empty() {
                        return Ok(None);
                    }
                    let flow = on_piece(piece)?;
                    let taken = piece.len();
                    buffer.advance(taken);
                    if self.framing != Framing::UntilClose {
                        self.state = State::Data(left - taken);
                    }
                    if flow == Flow::Stop {
                        return Ok(Some(BodyEnd::Stopped));
                    }
                }
                State::DataEnd => match buffer.get(..2) {
                    None => return Ok(None),
                    Some(b"\r\n") => {
                        buffer.advance(2);
                        self.state = State::Size;
                    }
                    Some(_) => bail!("a chunk longer than its size"),
                },
                State::Size => {
                    let Some(line) = take_line(buffer)? else { return Ok(None) };
                    let size = usize::from_str_radix(line.trim(), 16).context("a bad chunk size")?;
                    self.state = if size == 0 { State::Trailer } else { State::Data(size) };
                }
                State::Trailer => {
                    let Some(line) = take_line(buffer)? else { return Ok(None) };
                    if line.trim().is_empty() {
                        return Ok(Some(BodyEnd::Complete));
                    }
                }
            }
        }
    }

    /// What it means that the peer closed now.
    pub(super) fn at_close(&self) -> BodyEnd {
        if self.framing == Framing::UntilClose { BodyEnd::Complete } else { BodyEnd::Truncated }
    }
}

fn take_line(buffer: &mut BytesMut) -> Result<Option<String>> {
    let Some(end) = memchr::memchr(b'\n', buffer) else {
        if buffer.len() > MAX_LINE {
            bail!("a chunk line without an end");
        }
        return Ok(None);
    };
    let line = buffer.split_to(end + 1);
    Ok(Some(std::str::from_utf8(&line).context("a bad chunk line")?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `wire` in pieces of `step` bytes; gives the body and its end.
    fn decode(framing: Framing, wire: &[u8], step: usize) -> (Vec<u8>, Option<BodyEnd>, usize) {
        let (mut decoder, mut buffer, mut body) = (Decoder::new(framing), BytesMut::new(), Vec::new());
        let mut end = None;
        for piece in wire.chunks(step) {
            buffer.extend_from_slice(piece);
            if end.is_none() {
                end = decoder
                    .advance(&mut buffer, &mut |bytes| {
                        body.extend_from_slice(bytes);
                        Ok(Flow::More)
                    })
                    .unwrap();
            }
        }
        (body, end, buffer.len())
    }

    #[test]
    fn a_chunked_body_is_the_same_however_it_is_cut() {
        let wire = b"5\r\nhello\r\nC\r\n, wide world\r\n0\r\n\r\nNEXT";
        for step in 1..=wire.len() {
            let (body, end, left) = decode(Framing::Chunked, wire, step);
            assert_eq!(
                (body.as_slice(), end, left),
                (b"hello, wide world".as_slice(), Some(BodyEnd::Complete), 4)
            );
        }
    }

    #[test]
    fn a_length_leaves_the_next_message_alone() {
        for step in 1..=9 {
            let (body, end, left) = decode(Framing::Length(5), b"helloNEXT", step);
            assert_eq!((body.as_slice(), end, left), (b"hello".as_slice(), Some(BodyEnd::Complete), 4));
        }
    }

    #[test]
    fn a_chunk_longer_than_its_size_is_an_error() {
        let mut buffer = BytesMut::from(&b"2\r\nabc\r\n0\r\n\r\n"[..]);
        assert!(Decoder::new(Framing::Chunked).advance(&mut buffer, &mut |_| Ok(Flow::More)).is_err());
    }

    #[test]
    fn a_close_truncates_only_a_framed_body() {
        assert_eq!(Decoder::new(Framing::Chunked).at_close(), BodyEnd::Truncated);
        assert_eq!(Decoder::new(Framing::Length(3)).at_close(), BodyEnd::Truncated);
        assert_eq!(Decoder::new(Framing::UntilClose).at_close(), BodyEnd::Complete);
    }
}
