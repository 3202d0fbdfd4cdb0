//! Heads: only what either end acts upon.

use anyhow::{Context, Result, bail};

/// More headers than any side of this test sends.
const MAX_HEADERS: usize = 96;

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// `content-length`, also 0.
    Length(usize),
    /// `transfer-encoding: chunked`.
    Chunked,
    /// Until the peer closes.
    UntilClose,
}

/// A request as the simulated provider sees it.
#[derive(Debug)]
pub(crate) struct RequestHead {
    pub(crate) path: String,
    pub(crate) framing: Framing,
    /// `authorization`, without `Bearer `.
    pub(crate) bearer: Option<String>,
    pub(crate) x_api_key: Option<String>,
    pub(crate) has_anthropic_version: bool,
    /// A header that is none of a provider's business, if one arrived.
    pub(crate) leaked: Option<String>,
}

/// An answer as the client sees it.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    pub(crate) status: u16,
    pub(crate) framing: Framing,
    pub(crate) event_stream: bool,
    pub(crate) keep_alive: bool,
    /// `x-tollgate-provider`.
    pub(crate) provider: Option<String>,
    /// `x-tollgate-attempts`.
    pub(crate) attempts: Option<u32>,
}

impl RequestHead {
    /// Parses a head at the start of `bytes`; `None` while it is incomplete, else the head and its length.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(length) = parsed.parse(bytes).context("a bad request head")? else {
            return Ok(None);
        };
        let mut head = Self {
            path: parsed.path.unwrap_or_default().to_owned(),
            framing: Framing::Length(0),
            bearer: None,
            x_api_key: None,
            has_anthropic_version: false,
            leaked: None,
        };
        for header in parsed.headers.iter() {
            let name = header.name;
            if let Some(framing) = framing_of(name, header.value)? {
                head.framing = framing;
            } else if name.eq_ignore_ascii_case("authorization") {
                let value = text(header.value)?;
                head.bearer = Some(value.strip_prefix("Bearer ").unwrap_or(value).to_owned());
            } else if name.eq_ignore_ascii_case("x-api-key") {
                head.x_api_key = Some(text(header.value)?.to_owned());
            } else if name.eq_ignore_ascii_case("anthropic-version") {
                head.has_anthropic_version = true;
            } else if starts_with(name, "x-tollgate-") {
                head.leaked = Some(name.to_owned());
            }
        }
        Ok(Some((head, length)))
    }
}

impl ResponseHead {
    /// Parses a head at the start of `bytes`; `None` while it is incomplete, else the head and its length.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = parsed.parse(bytes).context("a bad response head")? else {
            return Ok(None);
        };
        let mut head = Self {
            status: parsed.code.unwrap_or_default(),
            framing: Framing::UntilClose,
            event_stream: false,
            keep_alive: true,
            provider: None,
            attempts: None,
        };
        for header in parsed.headers.iter() {
            let (name, value) = (header.name, header.value);
            if let Some(framing) = framing_of(name, value)? {
                head.framing = framing;
            } else if name.eq_ignore_ascii_case("content-type") {
                head.event_stream = value.starts_with(b"text/event-stream");
            } else if name.eq_ignore_ascii_case("connection") {
                head.keep_alive = !value.eq_ignore_ascii_case(b"close");
            } else if name.eq_ignore_ascii_case("x-tollgate-provider") {
                head.provider = Some(text(value)?.to_owned());
            } else if name.eq_ignore_ascii_case("x-tollgate-attempts") {
                head.attempts = text(value)?.parse().ok();
            }
        }
        if matches!(head.status, 204 | 304) {
            head.framing = Framing::Length(0);
        }
        Ok(Some((head, length)))
    }
}

fn framing_of(name: &str, value: &[u8]) -> Result<Option<Framing>> {
    if name.eq_ignore_ascii_case("content-length") {
        let length = text(value)?.trim().parse().context("a bad content-length")?;
        return Ok(Some(Framing::Length(length)));
    }
    if name.eq_ignore_ascii_case("transfer-encoding") {
        if !value.eq_ignore_ascii_case(b"chunked") {
            bail!("an unexpected transfer-encoding");
        }
        return Ok(Some(Framing::Chunked));
    }
    Ok(None)
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn text(value: &[u8]) -> Result<&str> {
    std::str::from_utf8(value).context("a header that is not UTF-8")
}
