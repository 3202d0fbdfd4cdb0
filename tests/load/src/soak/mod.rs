//! Whether the gateway lasts: a long run of every kind of request, after which memory must be flat, no VM reloaded and no
//! request lost.

mod ask;
mod audit;
mod kind;
mod memory;
mod outcome;
mod verdict;

use crate::client::Request;
use crate::envoy::{Envoy, Gateway, Places, Ports, Start, render};
use crate::exchange::CLIENT_KEY;
use crate::upstream::Upstream;
use anyhow::{Context, Result, bail};
use ask::{Asker, Shared};
use kind::{Kind, Sent, kinds, schedule};
use memory::Watch;
use outcome::Outcomes;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use verdict::Verdict;

/// Time between two looks at the memory.
const LOOK: Duration = Duration::from_millis(200);

/// Looks between two lines on the screen.
const LOOKS_PER_LINE: u32 = 50;

/// A long run of every kind of request.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Requests in all.
    #[arg(long, default_value_t = 200_000)]
    requests: u64,
    /// Connections, each with one request at a time.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// How much memory may grow from the second fifth of the run to the last, in percent.
    #[arg(long, default_value_t = 5.0)]
    tolerance: f64,
    /// Gives up after so many seconds.
    #[arg(long, default_value_t = 3600)]
    max_seconds: u64,
    /// Only kinds whose name contains this.
    #[arg(long)]
    only: Option<String>,
}

/// Runs the soak and prints its figures; an error when anything was not as it must be.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let places = Places::find("soak")?;
    let upstream = Upstream::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    // Bound, so that nobody else gets the port, and not listening, so that connections are refused.
    let dead = TcpSocket::new_v4()?;
    dead.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;

    let kinds: Vec<Kind> = kinds()
        .into_iter()
        .filter(|kind| options.only.as_ref().is_none_or(|only| kind.name.contains(only.as_str())))
        .collect();
    if kinds.is_empty() || options.requests == 0 || options.connections == 0 {
        bail!("nothing to do");
    }
    let gateway = Gateway {
        name: "soak",
        ports: Ports::free()?,
        upstream: upstream.address,
        dead: Some(dead.local_addr()?),
        more: Vec::new(),
        models: kinds.iter().filter_map(Kind::model).collect(),
        keys: true,
        policies: false,
    };
    let bootstrap = render(&places, &gateway)?;
    let start =
        Start { name: gateway.name, bootstrap: &bootstrap, ports: gateway.ports, workers: 2, cpu: None };
    let mut envoy = Envoy::start(&places, &start).await?;

    let stats_before = envoy.admin.wasm_stats().await?;
    let shared = Arc::new(Shared::new(kinds, options.requests, gateway.ports.listen));
    let (outcomes, watch, elapsed) = drive(options, &shared, &mut envoy).await?;
    let stats_after = envoy.admin.wasm_stats().await?;

    let audit = audit::read(&gateway.audit(&places)).await?;
    let verdict = Verdict {
        requests: options.requests,
        elapsed,
        kinds: &shared.kinds,
        outcomes: &outcomes,
        memory: watch.flatness(options.tolerance),
        stats: (stats_before, stats_after),
        audit: &audit,
        refusals: upstream.refusals(),
        crashes: envoy.log_lines(|line| {
            ["panicked", "Uncaught", "in-VM", "[critical]", "Failed to "]
                .iter()
                .any(|word| line.contains(word))
        }),
    };
    println!("{verdict}");
    let faults = verdict.faults();
    if faults.is_empty() {
        // Hundreds of megabytes that said all they had to say.
        std::fs::remove_file(gateway.audit(&places)).context("the audit file")?;
        return Ok(());
    }
    bail!("{} faults (logs in {}):\n{}", faults.len(), places.work.display(), faults.join("\n"))
}

/// Sends all requests and watches the memory meanwhile.
async fn drive(
    options: &Options,
    shared: &Arc<Shared>,
    envoy: &mut Envoy,
) -> Result<(Outcomes, Watch, Duration)> {
    let mut outcomes = Outcomes::new(shared.kinds.len());
    let mut watch = Watch::new(options.requests);
    let start = Instant::now();
    let deadline = start + Duration::from_secs(options.max_seconds);
    let mut loops = JoinSet::new();
    for _ in 0..options.connections {
        loops.spawn(Asker::new(Arc::clone(shared)).run());
    }
    let mut ticks = 0;
    let mut clock = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            done = loops.join_next() => match done {
                Some(part) => outcomes.add(&part.context("a client task")?),
                None => break,
            },
            _ = clock.tick() => {
                if !envoy.is_running() {
                    bail!("Envoy ended in the middle of the run");
                }
                let done = shared.done.load(Ordering::Relaxed);
                let memory = envoy.memory()?;
                watch.look(done, memory);
                ticks += 1;
                if ticks % LOOKS_PER_LINE == 0 {
                    eprintln!("{done} of {} requests, {} MiB", options.requests, memory / 1024);
                }
                if Instant::now() > deadline {
                    bail!("{done} of {} requests after {} s", options.requests, options.max_seconds);
                }
            }
        }
    }
    Ok((outcomes, watch, start.elapsed()))
}

impl Shared {
    fn new(kinds: Vec<Kind>, requests: u64, gateway: SocketAddr) -> Self {
        let templates = kinds
            .iter()
            .map(|kind| match &kind.sent {
                Sent::Chat { text_bytes, include_usage } => Request {
                    dialect: kind.client,
                    model: &kind.name,
                    key: CLIENT_KEY,
                    text_bytes: *text_bytes,
                    stream: kind.stream,
                    include_usage: *include_usage,
                }
                .template(),
                Sent::Raw(bytes) => crate::exchange::Template::new(bytes.clone()),
            })
            .collect();
        let schedule = schedule(&kinds);
        Self {
            kinds,
            templates,
            schedule,
            requests,
            next: AtomicU64::new(0),
            done: AtomicU64::new(0),
            gateway,
        }
    }
}
