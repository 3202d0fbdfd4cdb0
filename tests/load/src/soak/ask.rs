//! One client: a connection after another, a request after another.

use super::kind::{Expect, Kind};
use super::outcome::Outcomes;
use crate::client::{StreamCheck, error_is_well_formed, unary_is_right};
use crate::exchange::{Rule, Template};
use crate::wire::{BodyEnd, Connection, Flow, ResponseHead};
use anyhow::{Context, Result, anyhow, bail};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// How long a request may take: the longest kind takes half a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) kinds: Vec<Kind>,
    /// The bytes of each kind.
    pub(crate) templates: Vec<Template>,
    pub(crate) schedule: Vec<usize>,
    pub(crate) requests: u64,
    /// The number of the next request.
    pub(crate) next: AtomicU64,
    /// Requests that came to an end.
    pub(crate) done: AtomicU64,
    pub(crate) gateway: SocketAddr,
}

impl Shared {
    /// The next request's number and kind; `None` when all were sent.
    fn next(&self) -> Option<(u64, usize)> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let turn = usize::try_from(id).ok()? % self.schedule.len().max(1);
        (id < self.requests).then_some((id, *self.schedule.get(turn)?))
    }
}

/// One client.
pub(crate) struct Asker {
    shared: Arc<Shared>,
    connection: Option<Connection>,
    out: Vec<u8>,
    body: Vec<u8>,
}

impl Asker {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, connection: None, out: Vec::new(), body: Vec::new() }
    }

    /// Sends requests until all were sent.
    pub(crate) async fn run(mut self) -> Outcomes {
        let shared = Arc::clone(&self.shared);
        let mut outcomes = Outcomes::new(shared.kinds.len());
        while let Some((id, index)) = shared.next() {
            let (Some(kind), Some(template)) = (shared.kinds.get(index), shared.templates.get(index)) else {
                break;
            };
            let outcome = match timeout(PATIENCE, self.ask(kind, template, id)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(anyhow!("no answer within {PATIENCE:?}")),
            };
            if outcome.is_err() {
                self.connection = None;
            }
            outcomes.record(index, kind, id, outcome);
            shared.done.fetch_add(1, Ordering::Relaxed);
        }
        outcomes
    }

    async fn ask(&mut self, kind: &Kind, template: &Template, id: u64) -> Result<()> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.shared.gateway).await?,
        };
        self.out.clear();
        template.stamp(id, &mut self.out);
        connection.write(&self.out).await?;
        let head = connection.read_response().await?;
        let end = match kind.expect {
            Expect::Answer { provider, attempts } => {
                if head.status == 200
                    && (head.provider.as_deref(), head.attempts)
                        != (Some(provider.provider()), Some(attempts))
                {
                    bail!("from {:?} at attempt {:?}", head.provider, head.attempts);
                }
                if kind.stream && head.event_stream && head.status == 200 {
                    self.whole_stream(kind, id, &mut connection, &head).await?
                } else {
                    let end = self.read_whole(&mut connection, &head).await?;
                    self.check(head.status == 200 && !kind.stream, &head)?;
                    unary_is_right(kind.client, id, &self.body).map_err(|wrong| anyhow!(wrong))?;
                    end
                }
            }
            Expect::Leave { .. } | Expect::LateError | Expect::Cut => {
                if head.status != 200 || !head.event_stream {
                    self.read_whole(&mut connection, &head).await?;
                    self.check(false, &head)?;
                }
                broken_stream(kind, id, &mut connection, &head).await?
            }
            Expect::Error { status } => {
                let end = self.read_whole(&mut connection, &head).await?;
                self.check(head.status == status, &head)?;
                error_is_well_formed(kind.client, &self.body).map_err(|wrong| anyhow!(wrong))?;
                end
            }
            Expect::Document(words) => {
                let end = self.read_whole(&mut connection, &head).await?;
                let found = memchr::memmem::find(&self.body, words.as_bytes()).is_some();
                self.check(head.status == 200 && found, &head)?;
                end
            }
        };
        if end == BodyEnd::Complete && connection.has_leftover() {
            bail!("bytes after the end of an answer");
        }
        if end == BodyEnd::Complete && head.keep_alive {
            self.connection = Some(connection);
        } else if end == BodyEnd::Stopped && id.is_multiple_of(2) {
            connection.reset()?;
        }
        Ok(())
    }

    /// Reads a whole body.
    async fn read_whole(&mut self, connection: &mut Connection, head: &ResponseHead) -> Result<BodyEnd> {
        let body = &mut self.body;
        body.clear();
        let end = connection.read_body(head.framing, |piece| {
            body.extend_from_slice(piece);
            Ok(Flow::More)
        });
        match end.await? {
            BodyEnd::Complete => Ok(BodyEnd::Complete),
            end => bail!("status {}, a body that ended {end:?}", head.status),
        }
    }

    /// Fails with the status and the start of the body.
    fn check(&self, good: bool, head: &ResponseHead) -> Result<()> {
        if good {
            return Ok(());
        }
        let body = self.body.get(..400).unwrap_or(&self.body);
        bail!("status {}: {}", head.status, String::from_utf8_lossy(body))
    }

    async fn whole_stream(
        &mut self,
        kind: &Kind,
        id: u64,
        connection: &mut Connection,
        head: &ResponseHead,
    ) -> Result<BodyEnd> {
        let chunks = kind.chunks();
        let mut check = StreamCheck::new(kind.client, id, chunks);
        let end = connection.read_body(head.framing, |piece| {
            check.take(piece).map_err(|wrong| anyhow!(wrong))?;
            Ok(Flow::More)
        });
        let end = end.await?;
        if end != BodyEnd::Complete {
            bail!("a stream that ended {end:?} after {} chunks", check.chunks);
        }
        check.is_whole(chunks, kind.shows_usage()).map_err(|wrong| anyhow!(wrong))?;
        Ok(end)
    }
}

/// A stream that does not end well, or that the client leaves.
async fn broken_stream(
    kind: &Kind,
    id: u64,
    connection: &mut Connection,
    head: &ResponseHead,
) -> Result<BodyEnd> {
    let leave_after = if let Expect::Leave { after } = kind.expect { after } else { usize::MAX };
    let mut check = StreamCheck::new(kind.client, id, kind.chunks());
    let end = connection.read_body(head.framing, |piece| {
        check.take(piece).map_err(|wrong| anyhow!(wrong))?;
        Ok(if check.chunks >= leave_after { Flow::Stop } else { Flow::More })
    });
    let end = end.await.context("a broken stream")?;
    let half = kind.chunks() / 2;
    let right = match kind.expect {
        Expect::Leave { .. } => end == BodyEnd::Stopped,
        Expect::LateError => end == BodyEnd::Complete && check.failed && check.chunks == half,
        // Envoy may drop what it had not passed on when the reset came.
        _ => end == BodyEnd::Truncated && check.chunks <= half,
    };
    if !right || check.finished {
        bail!(
            "ended {end:?} after {} chunks, error event: {}, finish reason: {}",
            check.chunks,
            check.failed,
            check.finished
        );
    }
    Ok(end)
}

impl Kind {
    /// Chunks of a whole stream: what the last target of the chain sends.
    fn chunks(&self) -> usize {
        let model = self.chain.last().and_then(|target| target.split('/').next_back()).unwrap_or_default();
        Rule::of_model(model).map_or(0, Rule::chunks)
    }
}
