//! Load, latency and endurance of Tollgate in a real Envoy, against simulated providers on loopback.
//!
//! `load bench` measures what the filter costs, `load soak` whether it lasts, and `load upstream` serves the simulated
//! providers alone. What each measures, and how, is in `README.md` beside this crate.

mod bench;
mod client;
mod envoy;
mod exchange;
mod lanes;
mod soak;
mod upstream;
mod wire;

use anyhow::Result;
use clap::Parser;
use std::net::SocketAddr;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Load tests of Tollgate.
#[derive(Debug, Parser)]
enum Command {
    Bench(bench::Options),
    Soak(soak::Options),
    /// Serves the simulated providers until stopped.
    Upstream {
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:18080")]
        listen: SocketAddr,
    },
}

fn main() -> ExitCode {
    let command = Command::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("load: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        // Both ends of the choice drop what they started: no Envoy outlives the run.
        tokio::select! {
            outcome = run(command) => outcome,
            outcome = stopped() => outcome,
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Bench(options) => bench::run(&options).await,
        Command::Soak(options) => soak::run(&options).await,
        Command::Upstream { listen } => {
            let upstream = upstream::Upstream::start(listen).await?;
            println!("simulated providers at http://{}/v1", upstream.address);
            std::future::pending().await
        }
    }
}

/// Ends with an error at the first signal to stop.
async fn stopped() -> Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    anyhow::bail!("stopped")
}
