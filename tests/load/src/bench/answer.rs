//! The answers of a cell, checked to the last byte of their text.

use super::drive::Check;
use crate::client::{StreamCheck, unary_is_right};
use crate::exchange::Dialect;
use crate::wire::{BodyEnd, Connection, Flow};
use anyhow::{Result, anyhow, bail};
use std::time::{Duration, Instant};

/// What a cell's answers are held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole {
    pub(crate) dialect: Dialect,
    /// Content chunks, where a stream was asked for.
    pub(crate) chunks: Option<usize>,
}

impl Check for Whole {
    async fn read(
        &self,
        connection: &mut Connection,
        id: u64,
        body: &mut Vec<u8>,
        start: Instant,
    ) -> Result<Option<Duration>> {
        let head = connection.read_response().await?;
        let Some(chunks) = self.chunks.filter(|_| head.event_stream && head.status == 200) else {
            let end = connection.read_body(head.framing, |piece| {
                body.extend_from_slice(piece);
                Ok(Flow::More)
            });
            let end = end.await?;
            if head.status != 200 || end != BodyEnd::Complete || self.chunks.is_some() {
                bail!("status {}, {end:?}: {}", head.status, String::from_utf8_lossy(body));
            }
            unary_is_right(self.dialect, id, body)
                .map_err(|wrong| anyhow!("{wrong}: {}", String::from_utf8_lossy(body)))?;
            return Ok(None);
        };
        let mut check = StreamCheck::new(self.dialect, id, chunks);
        let mut first = None;
        let end = connection.read_body(head.framing, |piece| {
            check.take(piece).map_err(|wrong| anyhow!(wrong))?;
            if first.is_none() && check.chunks > 0 {
                first = Some(start.elapsed());
            }
            Ok(Flow::More)
        });
        let end = end.await?;
        if end != BodyEnd::Complete {
            bail!("a stream that ended {end:?} after {} chunks", check.chunks);
        }
        // An Anthropic stream always reports usage; an OpenAI stream when asked, and nobody asks here.
        check.is_whole(chunks, self.dialect == Dialect::Anthropic).map_err(|wrong| anyhow!(wrong))?;
        Ok(first)
    }
}
