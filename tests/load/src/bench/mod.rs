//! What the filter costs: the same Envoy with it and without it, side by side, in one run.

mod answer;
mod cell;
mod drive;
mod machine;
mod policies;
mod report;
mod rounds;
mod sample;

pub(crate) use drive::{Arm, Check, Subject};
pub(crate) use machine::{Machine, Noise};
pub(crate) use report::{arm, circumstances, spread};
pub(crate) use rounds::{Both, Rounds};
pub(crate) use sample::Pair;

use crate::envoy::{Cpu, Gateway, Places, Ports};
use crate::exchange::Dialect;
use crate::upstream::Upstream;
use anyhow::{Context, Result, bail};
use cell::{Cell, cells};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Compares Envoy with the filter against the same Envoy without it.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools)] // switches of a command line, each on its own
pub(crate) struct Options {
    /// Every dialect as a client with every dialect as a provider, instead of the cells.
    #[arg(long)]
    pub(crate) lanes: bool,
    /// What policies add to the cells of whole answers, instead of the cells.
    #[arg(long)]
    policies: bool,
    /// Fewer and shorter rounds: minutes become one, and the spread grows.
    #[arg(long)]
    quick: bool,
    /// Rounds of each cell; each measures both Envoys. [default: 5, quick 3; lanes 3, quick 2]
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds of each measurement. [default: 1.5, quick 0.4; lanes 0.5, quick 0.2]
    #[arg(long)]
    seconds: Option<f64>,
    /// Only cells whose name contains this.
    #[arg(long)]
    pub(crate) only: Option<String>,
    /// Asks no client key, so the gateway hashes none.
    #[arg(long)]
    pub(crate) no_keys: bool,
    /// Records where the gateway's CPU goes, one more round per cell (needs `perf`).
    #[arg(long)]
    pub(crate) perf: bool,
}

impl Options {
    /// How much is measured, where the options do not say: of a full run and of a quick one.
    pub(crate) fn rounds(&self, full: (usize, f64), quick: (usize, f64)) -> Result<Rounds> {
        let (count, seconds) = if self.quick { quick } else { full };
        let length = Duration::try_from_secs_f64(self.seconds.unwrap_or(seconds)).context("--seconds")?;
        Ok(Rounds { count: self.rounds.unwrap_or(count).max(1), length })
    }
}

/// Runs the bench, prints its table and writes `target/bench.json`.
pub(crate) async fn run(options: &Options) -> Result<()> {
    if options.lanes {
        return crate::lanes::run(options).await;
    }
    if options.policies {
        return policies::run(options).await;
    }
    let places = Places::find("bench")?;
    let cpu = Cpu::split();
    if let Some(cpu) = cpu {
        cpu.stay()?;
    }
    let upstream = Upstream::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let mut both = Both::start(&places, &gateway(&upstream, options)?, cpu).await?;
    let rounds = options.rounds((5, 1.5), (3, 0.4))?;
    let machine = Machine::now(&both.pids())?;
    let mut pairs = Vec::new();
    for cell in cells() {
        if options.only.as_ref().is_some_and(|only| !cell.name().contains(only.as_str())) {
            continue;
        }
        eprint!("{:<44}", cell.name());
        let pair = both.compare(cell, rounds).await;
        eprintln!("{}", pair.summary());
        if options.perf && pair.failure.is_none() {
            profile(&places, &mut both, &cell).await?;
        }
        pairs.push(pair);
    }
    let noise = machine.since()?;
    println!("{}", report::markdown(&pairs, rounds, &noise));
    std::fs::write(
        places.target.join("bench.json"),
        serde_json::to_string_pretty(&report::json(&pairs, &noise))?,
    )?;

    let refusals = upstream.refusals();
    if refusals.count > 0 {
        bail!("the providers refused {} requests: {:#?}", refusals.count, refusals.first);
    }
    all_right(&pairs)
}

/// An error that names the subjects that failed, or says that there were none.
pub(crate) fn all_right<S: Subject>(pairs: &[Pair<S>]) -> Result<()> {
    let failed: Vec<_> =
        pairs.iter().filter(|pair| pair.failure.is_some()).map(|pair| pair.cell.name()).collect();
    if pairs.is_empty() || !failed.is_empty() {
        bail!("{} of {} cells failed: {}", failed.len(), pairs.len(), failed.join(", "));
    }
    Ok(())
}

fn gateway(upstream: &Upstream, options: &Options) -> Result<Gateway> {
    let models = |provider: Dialect| {
        ["sim", "sim-paced"].map(|model| {
            (format!("{}/{model}", provider.name()), vec![format!("{}/{model}", provider.provider())])
        })
    };
    Ok(Gateway {
        name: "gateway",
        ports: Ports::free()?,
        upstream: upstream.address,
        dead: None,
        more: Vec::new(),
        models: [models(Dialect::OpenAi), models(Dialect::Anthropic)].concat(),
        keys: !options.no_keys,
        policies: false,
    })
}

/// Records one round under `perf`.
async fn profile(places: &Places, both: &mut Both, cell: &Cell) -> Result<()> {
    let file = places.work.join(format!("{}.perf.data", cell.name().replace([' ', '→', ','], "_")));
    let mut perf = Command::new("perf")
        .args(["record", "-q", "-F", "1999", "-g", "-o"])
        .arg(&file)
        .args(["-p", &both.gateway.pid().to_string(), "--", "sleep", "3"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("perf")?;
    both.load_gateway(cell, Duration::from_secs(3)).await?;
    perf.wait()?;
    eprintln!("    perf report -i {}", file.display());
    Ok(())
}
