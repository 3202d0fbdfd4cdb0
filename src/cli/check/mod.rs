//! `tollgate check`: what is wrong with a `gateway.yaml`, what is doubtful, and whether Envoy takes the result.

mod envoy;
mod locate;
mod policy;
mod warnings;

use super::load::{LoadError, load_keys, parse, read_text};
use super::render::{Overrides, Plan};
use crate::config::Problem;
use crate::config::schema::{Gateway, Key};
use crate::config::tables::Provider;
use crate::meter::price::Price;
use clap::Args;
use locate::locate;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The gateway's configuration; `-` is standard input
    #[arg(long, short, default_value = "gateway.yaml")]
    config: PathBuf,
    /// Envoy's binary, which validates the rendered result [default: $ENVOY, or `envoy` on the PATH]
    #[arg(long, value_name = "FILE")]
    envoy: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
}

/// Runs the command.
pub(super) fn run(args: &CheckArgs) -> ExitCode {
    match check(args) {
        Ok(summary) => super::print(&summary),
        Err(lines) => {
            for line in &lines {
                eprintln!("error: {line}");
            }
            eprintln!("{}: {} wrong", args.config.display(), count(lines.len(), "thing"));
            ExitCode::FAILURE
        }
    }
}

/// Checks; the summary, or one line for each mistake.
fn check(args: &CheckArgs) -> Result<String, Vec<String>> {
    let text = read_text(&args.config).map_err(|message| vec![message])?;
    let gateway = parse(&text).map_err(|error: LoadError| vec![error.describe(&args.config)])?;
    let keys = load_keys(&gateway, &args.config).map_err(|message| vec![message])?;
    let filed = keys.clone().unwrap_or_default();
    let plan = Plan::new(&gateway, keys, &args.overrides).map_err(|problems| {
        problems.iter().map(|problem| line(&args.config, &text, problem)).collect::<Vec<_>>()
    })?;
    let env = |name: &str| std::env::var(name).ok();
    // Of what runs in one's own house, a price is not expected. Somebody else's is over TLS.
    let counts_money = counts_money(&gateway, &filed);
    let priced = |provider: &Provider, model: &str| {
        let is_free = provider.price_provider.is_none() && !(counts_money && provider.tls);
        is_free || Price::lookup(provider.price_provider, model).is_some()
    };
    let mut warnings = warnings::warnings(&gateway, &plan.tables, &plan.upstreams, &env, &priced);
    let now = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    policy::warnings(&gateway, &filed, &plan.tables, now, &mut warnings);
    for warning in &warnings {
        eprintln!("warning: {}", line(&args.config, &text, warning));
    }
    let bootstrap = plan.bootstrap().map_err(|message| vec![message])?;
    let envoy =
        envoy::validate(args.envoy.as_deref(), &args.overrides.module, &bootstrap).map_err(|m| vec![m])?;
    Ok(format!(
        "{}: ok: {}, {}, {}, {}; {envoy}\n",
        args.config.display(),
        count(plan.tables.listed.len() + plan.tables.wildcards.len(), "model"),
        count(plan.tables.providers.len(), "provider"),
        count(plan.tables.access.keys.len(), "client key"),
        count(warnings.len(), "warning"),
    ))
}

/// `FILE:LINE:COLUMN: path: message`, with the position where it can be found.
fn line(file: &Path, text: &str, problem: &Problem) -> String {
    match locate(text, &problem.path) {
        Some((line, column)) => format!("{}:{line}:{column}: {problem}", file.display()),
        None => format!("{}: {problem}", file.display()),
    }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// Whether any budget is one of money.
fn counts_money(gateway: &Gateway, filed: &[Key]) -> bool {
    let of_keys = gateway.keys.iter().flatten().chain(filed).flat_map(|key| key.budgets.iter().flatten());
    gateway.budgets.iter().chain(of_keys).any(|budget| budget.usd.is_some())
}
