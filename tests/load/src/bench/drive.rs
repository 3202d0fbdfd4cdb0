//! A closed loop: each connection sends its next request when the answer to the last one was found right.

use super::cell::Cell;
use crate::client::{StreamCheck, unary_is_right};
use crate::exchange::{Dialect, Template};
use crate::wire::{BodyEnd, Connection, Flow};
use anyhow::{Context, Result, anyhow, bail};
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long the last answers of a measurement may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longest latency told apart, in microseconds.
const LONGEST: u64 = 60_000_000;

/// Numbers of requests: no two of a run are the same.
static IDS: AtomicU64 = AtomicU64::new(1);

/// Which Envoy is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arm {
    Plain,
    Gateway,
}

/// Drives one Envoy over connections that it keeps.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) arm: Arm,
    address: SocketAddr,
    idle: Vec<Connection>,
}

/// What one measurement counted.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) elapsed: Duration,
    /// To the end of the answer, in microseconds.
    pub(crate) whole: Histogram<u64>,
    /// To the first content of a stream, in microseconds.
    pub(crate) first: Histogram<u64>,
}

impl Driver {
    pub(crate) fn new(address: SocketAddr, arm: Arm) -> Self {
        Self { arm, address, idle: Vec::new() }
    }

    /// Opens the connections of a cell beforehand.
    pub(crate) async fn prepare(&mut self, cell: &Cell) -> Result<()> {
        self.idle.truncate(cell.concurrency);
        while self.idle.len() < cell.concurrency {
            self.idle.push(Connection::open(self.address).await?);
        }
        Ok(())
    }

    /// Sends requests for as long as `length`, and waits for the answers. The first wrong answer ends it.
    pub(crate) async fn run(&mut self, cell: &Cell, length: Duration) -> Result<Tally> {
        let mut model = String::new();
        let request = match self.arm {
            Arm::Gateway => cell.gateway_request(&mut model),
            Arm::Plain => cell.plain_request(),
        };
        let template = Arc::new(request.template());
        let (dialect, chunks) = (cell.client, cell.chunks());
        let start = Instant::now();
        let mut loops = JoinSet::new();
        for connection in self.idle.drain(..) {
            let worker = Loop { connection, template: Arc::clone(&template), dialect, chunks };
            loops.spawn(worker.run(start + length));
        }
        let mut tally = Tally::new()?;
        let gather = async {
            while let Some(done) = loops.join_next().await {
                let (connection, part) = done.context("a client task")??;
                self.idle.push(connection);
                tally.add(&part)?;
            }
            anyhow::Ok(())
        };
        timeout(length + PATIENCE, gather).await.map_err(|_| anyhow!("no answer within {PATIENCE:?}"))??;
        tally.elapsed = start.elapsed();
        if tally.requests == 0 {
            bail!("no request was answered");
        }
        Ok(tally)
    }
}

impl Tally {
    fn new() -> Result<Self> {
        let histogram = || Histogram::new_with_bounds(1, LONGEST, 3).map_err(|error| anyhow!("{error:?}"));
        Ok(Self { requests: 0, elapsed: Duration::ZERO, whole: histogram()?, first: histogram()? })
    }

    fn add(&mut self, part: &Self) -> Result<()> {
        self.requests += part.requests;
        self.whole.add(&part.whole).map_err(|error| anyhow!("{error:?}"))?;
        self.first.add(&part.first).map_err(|error| anyhow!("{error:?}"))
    }
}

/// One connection's loop.
struct Loop {
    connection: Connection,
    template: Arc<Template>,
    dialect: Dialect,
    chunks: Option<usize>,
}

impl Loop {
    async fn run(mut self, deadline: Instant) -> Result<(Connection, Tally)> {
        let mut tally = Tally::new()?;
        let (mut out, mut body) = (Vec::new(), Vec::new());
        while Instant::now() < deadline {
            let id = IDS.fetch_add(1, Ordering::Relaxed);
            out.clear();
            self.template.stamp(id, &mut out);
            let start = Instant::now();
            let first = self.ask(id, &out, &mut body, start).await?;
            tally.whole.saturating_record(micros(start.elapsed()));
            if let Some(first) = first {
                tally.first.saturating_record(micros(first));
            }
            tally.requests += 1;
        }
        Ok((self.connection, tally))
    }

    /// One request; gives the time to a stream's first content. An error when anything is not as it should be.
    async fn ask(
        &mut self,
        id: u64,
        out: &[u8],
        body: &mut Vec<u8>,
        start: Instant,
    ) -> Result<Option<Duration>> {
        self.connection.write(out).await?;
        let head = self.connection.read_response().await?;
        body.clear();
        let Some(chunks) = self.chunks.filter(|_| head.event_stream && head.status == 200) else {
            let end = self.connection.read_body(head.framing, |piece| {
                body.extend_from_slice(piece);
                Ok(Flow::More)
            });
            let end = end.await?;
            if head.status != 200 || end != BodyEnd::Complete || self.chunks.is_some() {
                bail!("status {}, {end:?}: {}", head.status, String::from_utf8_lossy(body));
            }
            unary_is_right(self.dialect, id, body)
                .map_err(|wrong| anyhow!("{wrong}: {}", String::from_utf8_lossy(body)))?;
            return self.clean().map(|()| None);
        };
        let mut check = StreamCheck::new(self.dialect, id, chunks);
        let mut first = None;
        let end = self.connection.read_body(head.framing, |piece| {
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
        self.clean().map(|()| first)
    }

    fn clean(&self) -> Result<()> {
        if self.connection.has_leftover() {
            bail!("bytes after the end of an answer");
        }
        Ok(())
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(LONGEST)
}
