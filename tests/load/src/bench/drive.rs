//! A closed loop: each connection sends its next request when the answer to the last one was found right.

use crate::exchange::Template;
use crate::wire::Connection;
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

/// What is measured: a request through either Envoy, and what its answer must be.
pub(crate) trait Subject {
    /// Says whether an answer is right.
    type Check: Check;

    /// The request's bytes for one Envoy.
    fn template(&self, arm: Arm) -> Template;

    /// What the answers through that Envoy are held against.
    fn check(&self, arm: Arm) -> Self::Check;

    /// Connections, each with one request at a time.
    fn concurrency(&self) -> usize;

    /// Content chunks of one answer, where it is a stream.
    fn chunks(&self) -> Option<usize>;

    /// For whoever watches.
    fn name(&self) -> String;
}

/// Reads an answer and believes nothing of it.
pub(crate) trait Check: Clone + Send + 'static {
    /// Reads the answer to request `id`, which was sent at `start`, through the room `body`; gives the time to a
    /// stream's first content. An error when anything is not as it should be.
    fn read(
        &self,
        connection: &mut Connection,
        id: u64,
        body: &mut Vec<u8>,
        start: Instant,
    ) -> impl Future<Output = Result<Option<Duration>>> + Send;
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

    /// Opens the connections of a subject beforehand.
    pub(crate) async fn prepare(&mut self, subject: &impl Subject) -> Result<()> {
        self.idle.truncate(subject.concurrency());
        while self.idle.len() < subject.concurrency() {
            self.idle.push(Connection::open(self.address).await?);
        }
        Ok(())
    }

    /// Sends requests for as long as `length`, and waits for the answers. The first wrong answer ends it.
    pub(crate) async fn run(&mut self, subject: &impl Subject, length: Duration) -> Result<Tally> {
        let template = Arc::new(subject.template(self.arm));
        let check = subject.check(self.arm);
        let start = Instant::now();
        let mut loops = JoinSet::new();
        for connection in self.idle.drain(..) {
            let worker = Loop { connection, template: Arc::clone(&template), check: check.clone() };
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
struct Loop<C> {
    connection: Connection,
    template: Arc<Template>,
    check: C,
}

impl<C: Check> Loop<C> {
    async fn run(mut self, deadline: Instant) -> Result<(Connection, Tally)> {
        let mut tally = Tally::new()?;
        let (mut out, mut body) = (Vec::new(), Vec::new());
        while Instant::now() < deadline {
            let id = IDS.fetch_add(1, Ordering::Relaxed);
            out.clear();
            self.template.stamp(id, &mut out);
            let start = Instant::now();
            self.connection.write(&out).await?;
            body.clear();
            let first = self.check.read(&mut self.connection, id, &mut body, start).await?;
            if self.connection.has_leftover() {
                bail!("bytes after the end of an answer");
            }
            tally.whole.saturating_record(micros(start.elapsed()));
            if let Some(first) = first {
                tally.first.saturating_record(micros(first));
            }
            tally.requests += 1;
        }
        Ok((self.connection, tally))
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(LONGEST)
}
