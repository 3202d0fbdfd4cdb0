//! HTTP/1.1 by hand, for both ends: small enough to cost little next to the Envoy that is measured, and with a say over
//! every write, reset and chunk border.

mod body;
mod head;

pub(crate) use body::{BodyEnd, Flow};
pub(crate) use head::{Framing, RequestHead, ResponseHead};

use anyhow::{Context, Result, bail};
use bytes::{Buf, BytesMut};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Room that a read asks for, in bytes: a whole answer, or many stream events.
const READ: usize = 32 * 1024;

/// Longest head that is accepted, in bytes; Envoy's own limit is 60 KiB.
const MAX_HEAD: usize = 64 * 1024;

/// One keep-alive connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Connection {
    /// Opens a connection that sends at once.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
        Self::accepted(stream)
    }

    /// Takes an accepted connection.
    pub(crate) fn accepted(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: BytesMut::with_capacity(READ) })
    }

    /// Writes all of `bytes`.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await.context("writing")
    }

    /// Closes with a reset instead of an orderly end.
    pub(crate) fn reset(self) -> Result<()> {
        self.stream.set_zero_linger()?;
        Ok(())
    }

    /// Reads some more; 0 at the end.
    async fn fill(&mut self) -> std::io::Result<usize> {
        self.buffer.reserve(READ);
        self.stream.read_buf(&mut self.buffer).await
    }

    /// Reads a request head; `None` when the peer closed between requests.
    pub(crate) async fn read_request(&mut self) -> Result<Option<RequestHead>> {
        loop {
            if let Some((head, length)) = RequestHead::parse(&self.buffer)? {
                self.buffer.advance(length);
                return Ok(Some(head));
            }
            if !self.more_head().await? {
                return Ok(None);
            }
        }
    }

    /// Reads an answer's head.
    pub(crate) async fn read_response(&mut self) -> Result<ResponseHead> {
        loop {
            if let Some((head, length)) = ResponseHead::parse(&self.buffer)? {
                self.buffer.advance(length);
                return Ok(head);
            }
            if !self.more_head().await? {
                bail!("the connection ended before an answer");
            }
        }
    }

    async fn more_head(&mut self) -> Result<bool> {
        if self.buffer.len() > MAX_HEAD {
            bail!("a head of more than {MAX_HEAD} bytes");
        }
        if self.fill().await.context("reading a head")? > 0 {
            return Ok(true);
        }
        if self.buffer.is_empty() {
            return Ok(false);
        }
        bail!("the connection ended inside a head")
    }

    /// Hands a body to `on_piece`, framing removed, piece by piece as it arrives.
    pub(crate) async fn read_body(
        &mut self,
        framing: Framing,
        mut on_piece: impl FnMut(&[u8]) -> Result<Flow>,
    ) -> Result<BodyEnd> {
        let mut decoder = body::Decoder::new(framing);
        loop {
            if let Some(end) = decoder.advance(&mut self.buffer, &mut on_piece)? {
                return Ok(end);
            }
            match self.fill().await {
                Ok(0) | Err(_) => return Ok(decoder.at_close()),
                Ok(_) => {}
            }
        }
    }

    /// Whether bytes are left that nobody asked for: a sure sign of a body longer than its framing said.
    pub(crate) fn has_leftover(&self) -> bool {
        !self.buffer.is_empty()
    }
}
