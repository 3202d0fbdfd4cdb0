//! The answers of a provider of each dialect: one answer in OpenAI's words, told in all dialects by the gateway's own
//! codecs before anything is measured.

use crate::exchange::{SHORT, Template, answer_text, token};
use crate::upstream::{BURST, chunk, events, openai_unary};
use anyhow::{Context, Result, anyhow};
use tollgate::chat::Event;
use tollgate::dialect::Dialect;
use tollgate::dialect::codec::{StreamDecoder, StreamEncoder};
use tollgate::dialect::lane::{self, AnswerPlan};

/// When the answers say that they were made, in seconds since 1970.
const CREATED: u64 = 1_760_000_000;

/// Content chunks of a stream.
pub(super) const CHUNKS: usize = SHORT;

/// The number that the answers of a dialect's provider carry, by which the client knows who answered.
pub(super) fn number(dialect: Dialect) -> u64 {
    let place = Dialect::ALL.iter().position(|other| *other == dialect);
    place.and_then(|place| u64::try_from(place).ok()).map_or(0, |place| place + 1)
}

/// All that one provider says, heads included.
#[derive(Debug)]
pub(super) struct Canned {
    /// A whole answer.
    pub(super) whole: Vec<u8>,
    /// A stream of [`CHUNKS`] chunks, [`BURST`] events a write.
    pub(super) stream: Vec<Vec<u8>>,
}

impl Canned {
    pub(super) fn of(dialect: Dialect) -> Result<Self> {
        let body = whole_body(dialect).with_context(|| format!("an answer of {}", dialect.as_str()))?;
        let mut whole = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{HEADERS}content-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        whole.extend_from_slice(&body);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {}\r\n{HEADERS}cache-control: no-cache\r\n\
             transfer-encoding: chunked\r\n\r\n",
            dialect.shape().stream_type()
        );
        let mut stream: Vec<Vec<u8>> =
            stream_events(dialect).chunks(BURST).map(|burst| chunk(&burst.concat())).collect();
        stream.insert(0, head.into_bytes());
        stream.push(chunk(b""));
        Ok(Self { whole, stream })
    }
}

/// Headers that a gateway has to carry and nobody acts upon.
const HEADERS: &str = "date: Thu, 09 Oct 2025 08:53:20 GMT\r\nserver: simulated\r\n\
    x-request-id: req_0a1b2c3d4e5f60718293a4b5c6d7e8f9\r\nstrict-transport-security: max-age=31536000\r\n";

fn whole_body(dialect: Dialect) -> Result<Vec<u8>> {
    let openai = stamped(dialect, openai_unary().to_string());
    if dialect == Dialect::OpenaiChat {
        return Ok(openai);
    }
    let answer = lane::answer(&plan(dialect, false), &openai).map_err(|failure| anyhow!("{failure:?}"))?;
    answer.body.context("it was not translated")
}

/// Bytes of a stream's events, one piece for each of OpenAI's.
fn stream_events(dialect: Dialect) -> Vec<Vec<u8>> {
    let openai = events(crate::exchange::Dialect::OpenAi, CHUNKS, true);
    let openai = openai.into_iter().map(|event| stamped(dialect, event));
    if dialect == Dialect::OpenaiChat {
        return openai.collect();
    }
    let mut decoder = StreamDecoder::new(Dialect::OpenaiChat);
    let mut encoder = StreamEncoder::new(&plan(dialect, true));
    let pieces = openai.map(|event| {
        let mut piece = Vec::new();
        decoder.push(&event, &mut |event: Event<'_>| encoder.event(&event, &mut piece));
        piece
    });
    pieces.filter(|piece| !piece.is_empty()).collect()
}

fn stamped(dialect: Dialect, text: String) -> Vec<u8> {
    let mut out = Vec::new();
    Template::new(text.into_bytes()).stamp(number(dialect), &mut out);
    out
}

fn plan(dialect: Dialect, stream: bool) -> AnswerPlan {
    AnswerPlan { created: CREATED, ..AnswerPlan::new(dialect, Dialect::OpenaiChat, stream, true) }
}

/// The texts that an answer of this provider must hold, one after the other, in whatever dialect it arrives.
pub(super) fn marks(provider: Dialect, stream: bool) -> Vec<String> {
    let number = number(provider);
    if stream {
        let start = crate::exchange::stream_text(number, 1);
        return std::iter::once(start).chain((1..CHUNKS).map(token)).collect();
    }
    // All dialects escape line ends and quotes alike.
    let text = serde_json::Value::from(answer_text(number)).to_string();
    vec![text.trim_matches('"').to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::answer::holds;

    #[test]
    fn every_provider_says_the_same() {
        for &dialect in Dialect::ALL {
            let canned = Canned::of(dialect).unwrap();
            assert!(holds(&canned.whole, &marks(dialect, false)).is_ok(), "{dialect:?}");
            assert!(holds(&canned.stream.concat(), &marks(dialect, true)).is_ok(), "{dialect:?}");
            // The head, at least two bursts, the end.
            assert!(canned.stream.len() >= 4, "{dialect:?}: {}", canned.stream.len());
        }
    }
}
