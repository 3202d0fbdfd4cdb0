//! What the filter costs: the same Envoy with it and without it, side by side, in one run.

mod cell;
mod drive;
mod machine;
mod report;
mod sample;

use crate::envoy::{Cpu, Envoy, Gateway, Places, Ports, Start, plain, render};
use crate::exchange::Dialect;
use crate::upstream::Upstream;
use anyhow::{Context, Result, bail};
use cell::{Cell, cells};
use drive::Driver;
use machine::Machine;
use sample::{Pair, Sample};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Compares Envoy with the filter against the same Envoy without it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Fewer and shorter rounds: minutes become one, and the spread grows.
    #[arg(long)]
    quick: bool,
    /// Rounds of each cell; each measures both Envoys. [default: 5, quick 3]
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds of each measurement. [default: 1.5, quick 0.4]
    #[arg(long)]
    seconds: Option<f64>,
    /// Only cells whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Asks no client key, so the gateway hashes none.
    #[arg(long)]
    no_keys: bool,
    /// Records where the gateway's CPU goes, one more round per cell (needs `perf`).
    #[arg(long)]
    perf: bool,
}

/// Runs the bench, prints its table and writes `target/bench.json`.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let places = Places::find("bench")?;
    let cpu = Cpu::split();
    if let Some(cpu) = cpu {
        cpu.stay()?;
    }
    let upstream = Upstream::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let (gateway, baseline) = start_both(&places, &upstream, options, cpu).await?;
    let mut with = Driver::new(gateway.ports.listen, drive::Arm::Gateway);
    let mut without = Driver::new(baseline.ports.listen, drive::Arm::Plain);

    let rounds = options.rounds.unwrap_or(if options.quick { 3 } else { 5 }).max(1);
    let default = if options.quick { 0.4 } else { 1.5 };
    let length = Duration::try_from_secs_f64(options.seconds.unwrap_or(default)).context("--seconds")?;
    let machine = Machine::now(&[gateway.pid(), baseline.pid()])?;
    let mut pairs = Vec::new();
    for cell in cells() {
        if options.only.as_ref().is_some_and(|only| !cell.name().contains(only.as_str())) {
            continue;
        }
        eprint!("{:<44}", cell.name());
        let mut pair = Pair::new(cell);
        for round in 0..=rounds {
            // Round 0 warms up: connections, buffers, the engine's compiler.
            let mut arms = [(&mut without, &baseline), (&mut with, &gateway)];
            if round % 2 == 1 {
                arms.reverse();
            }
            for (driver, envoy) in arms {
                let outcome = measure(driver, envoy, &cell, length).await;
                if round > 0 || outcome.is_err() {
                    pair.add(driver.arm, outcome);
                }
            }
            if pair.failure.is_some() {
                break;
            }
        }
        eprintln!("{}", pair.summary());
        if options.perf && pair.failure.is_none() {
            profile(&places, &gateway, &mut with, &cell).await?;
        }
        pairs.push(pair);
    }
    let noise = machine.since()?;
    println!("{}", report::markdown(&pairs, rounds, length, &noise));
    std::fs::write(
        places.target.join("bench.json"),
        serde_json::to_string_pretty(&report::json(&pairs, &noise))?,
    )?;

    let refusals = upstream.refusals();
    if refusals.count > 0 {
        bail!("the providers refused {} requests: {:#?}", refusals.count, refusals.first);
    }
    let failed: Vec<_> =
        pairs.iter().filter(|pair| pair.failure.is_some()).map(|pair| pair.cell.name()).collect();
    if pairs.is_empty() || !failed.is_empty() {
        bail!("{} of {} cells failed: {}", failed.len(), pairs.len(), failed.join(", "));
    }
    Ok(())
}

async fn start_both(
    places: &Places,
    upstream: &Upstream,
    options: &Options,
    cpu: Option<Cpu>,
) -> Result<(Envoy, Envoy)> {
    let models = |provider: Dialect| {
        ["sim", "sim-paced"].map(|model| {
            (format!("{}/{model}", provider.name()), vec![format!("{}/{model}", provider.provider())])
        })
    };
    let gateway = Gateway {
        name: "gateway",
        ports: Ports::free()?,
        upstream: upstream.address,
        dead: None,
        models: [models(Dialect::OpenAi), models(Dialect::Anthropic)].concat(),
        keys: !options.no_keys,
    };
    let baseline = Gateway { name: "plain", ports: Ports::free()?, ..gateway.clone() };
    let with = render(places, &gateway)?;
    let without = plain(&render(places, &baseline)?)?;
    let start = |gateway: &Gateway, bootstrap| Start {
        name: gateway.name,
        bootstrap,
        ports: gateway.ports,
        workers: 1,
        cpu,
    };
    let with = Envoy::start(places, &start(&gateway, &with)).await.context("with the filter")?;
    let without = Envoy::start(places, &start(&baseline, &without)).await.context("without the filter")?;
    Ok((with, without))
}

/// One measurement: the load, and the CPU that Envoy spent on it.
async fn measure(driver: &mut Driver, envoy: &Envoy, cell: &Cell, length: Duration) -> Result<Sample> {
    driver.prepare(cell).await?;
    let before = envoy.cpu_time()?;
    let tally = driver.run(cell, length).await?;
    let spent = envoy.cpu_time()? - before;
    Ok(Sample::new(cell, &tally, spent))
}

/// Records one round under `perf`.
async fn profile(places: &Places, gateway: &Envoy, driver: &mut Driver, cell: &Cell) -> Result<()> {
    let file = places.work.join(format!("{}.perf.data", cell.name().replace([' ', '→', ','], "_")));
    let mut perf = Command::new("perf")
        .args(["record", "-q", "-F", "1999", "-g", "-o"])
        .arg(&file)
        .args(["-p", &gateway.pid().to_string(), "--", "sleep", "3"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("perf")?;
    measure(driver, gateway, cell, Duration::from_secs(3)).await?;
    perf.wait()?;
    eprintln!("    perf report -i {}", file.display());
    Ok(())
}
