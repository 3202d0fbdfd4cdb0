//! Simulated providers: both dialects on one port, the behaviour told by the model's name (see [`Rule`]). They refuse what
//! a provider would refuse, and whatever differs from what the client says it sent.

mod answer;
mod request;

pub(crate) use answer::{BURST, chunk, events, openai_unary};

use crate::exchange::{Dialect, Rule};
use crate::wire::{BodyEnd, Connection, Flow};
use answer::Answers;
use anyhow::{Result, bail};
use request::Asked;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Time between two events of a paced stream.
const PACE: Duration = Duration::from_millis(5);

/// Time between half a stream and its bad end: the half has to go through first, on a busy machine as well.
const LULL: Duration = Duration::from_millis(100);

/// Refusals that are kept word by word; the rest is only counted.
const KEPT_REFUSALS: usize = 20;

/// A running server.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    refusals: Arc<Mutex<Refusals>>,
}

/// Requests that should not have looked as they did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusals {
    pub(crate) count: u64,
    pub(crate) first: Vec<String>,
}

#[derive(Debug)]
struct Providers {
    openai: Answers,
    anthropic: Answers,
    refusals: Arc<Mutex<Refusals>>,
}

impl Upstream {
    /// Starts to serve at `address` (port 0: a free one) on the current runtime.
    pub(crate) async fn start(address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let refusals = Arc::new(Mutex::new(Refusals::default()));
        let providers = Arc::new(Providers {
            openai: Answers::new(Dialect::OpenAi),
            anthropic: Answers::new(Dialect::Anthropic),
            refusals: Arc::clone(&refusals),
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let providers = Arc::clone(&providers);
                tokio::spawn(async move {
                    // A connection that Envoy gave up in mid-answer (its client left) is no fault of either side.
                    if let Ok(connection) = Connection::accepted(stream) {
                        let _ = providers.serve(connection).await;
                    }
                });
            }
        });
        Ok(Self { address, refusals })
    }

    /// What was refused so far.
    pub(crate) fn refusals(&self) -> Refusals {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Providers {
    async fn serve(&self, mut connection: Connection) -> Result<()> {
        let (mut body, mut out) = (Vec::new(), Vec::new());
        while let Some(head) = connection.read_request().await? {
            body.clear();
            let end = connection
                .read_body(head.framing, |piece| {
                    body.extend_from_slice(piece);
                    Ok(Flow::More)
                })
                .await?;
            if end != BodyEnd::Complete {
                bail!("half a request");
            }
            let asked = match Asked::read(&head, &body) {
                Ok(asked) => asked,
                Err(reason) => {
                    connection.write(&self.openai.error(422, &reason)).await?;
                    self.refuse(reason);
                    continue;
                }
            };
            match self.answer(&mut connection, asked, &mut out).await? {
                Next::KeepAlive => {}
                Next::Reset => return connection.reset(),
            }
        }
        Ok(())
    }

    fn refuse(&self, reason: String) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.count += 1;
        if refusals.first.len() < KEPT_REFUSALS {
            refusals.first.push(reason);
        }
    }

    async fn answer(&self, connection: &mut Connection, asked: Asked, out: &mut Vec<u8>) -> Result<Next> {
        let answers = match asked.dialect {
            Dialect::OpenAi => &self.openai,
            Dialect::Anthropic => &self.anthropic,
        };
        out.clear();
        match asked.rule {
            Rule::Reset => return Ok(Next::Reset),
            Rule::Status(status) => {
                connection.write(&answers.error(status, &format!("simulated {status}"))).await?;
            }
            Rule::Empty => connection.write(&answers.empty()).await?,
            Rule::Malformed => connection.write(&answers.malformed()).await?,
            Rule::ErrorEvent if asked.stream => {
                out.extend_from_slice(&answers.stream_head);
                out.extend_from_slice(&answers.error_event);
                connection.write(out).await?;
            }
            Rule::ErrorEvent => connection.write(&answers.error(500, "simulated error")).await?,
            _ if !asked.stream => {
                answers.unary.stamp(asked.id, out);
                connection.write(out).await?;
            }
            Rule::ErrorLate | Rule::Cut => {
                out.extend_from_slice(&answers.stream_head);
                let stream = answers.stream(asked.rule.chunks(), asked.include_usage);
                for event in stream.single.iter().take(stream.leading + asked.rule.chunks() / 2) {
                    event.stamp(asked.id, out);
                }
                connection.write(out).await?;
                tokio::time::sleep(LULL).await;
                if asked.rule == Rule::Cut {
                    return Ok(Next::Reset);
                }
                connection.write(&answers.error_event).await?;
            }
            Rule::Answer | Rule::Short => {
                out.extend_from_slice(&answers.stream_head);
                for burst in &answers.stream(asked.rule.chunks(), asked.include_usage).bursts {
                    burst.stamp(asked.id, out);
                    connection.write(out).await?;
                    out.clear();
                    tokio::task::yield_now().await;
                }
            }
            Rule::Paced => {
                connection.write(&answers.stream_head).await?;
                let mut clock = interval_at(Instant::now(), PACE);
                clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
                for event in &answers.stream(asked.rule.chunks(), asked.include_usage).single {
                    clock.tick().await;
                    out.clear();
                    event.stamp(asked.id, out);
                    connection.write(out).await?;
                }
            }
        }
        Ok(Next::KeepAlive)
    }
}

/// What becomes of a connection after an answer.
enum Next {
    KeepAlive,
    Reset,
}
