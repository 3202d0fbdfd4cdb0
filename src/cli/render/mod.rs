//! `tollgate render`: the configuration of whatever runs the filter.
//!
//! For Envoy that is one listener with the edge phase, one route that the filter steers through filter state, and one
//! cluster a provider with the attempt phase. The files hold names of environment variables and no secret.

mod access_log;
mod authorities;
mod bootstrap;
mod cluster;
mod fleet;
mod identity;
mod istio;
mod listener;
mod rate_limit;
mod route;
mod split;
mod stats;
mod time_limit;
mod wasm;
mod yaml;

use super::load::{LoadError, load, load_keys};
use crate::config::schema::{AuditTo, Gateway, Key, KeysFile};
use crate::config::tables::Tables;
use crate::config::{Problem, Upstream, compile, host_port, limits, upstreams};
use clap::{Args, ValueEnum};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Arguments of `render`.
#[derive(Debug, Args)]
pub(super) struct RenderArgs {
    /// The gateway's configuration; `-` is standard input
    #[arg(long, short, default_value = "gateway.yaml")]
    config: PathBuf,
    /// What to render for
    #[arg(long, value_enum, default_value_t = Platform::Envoy)]
    target: Platform,
    /// Write here instead of standard output
    #[arg(long, short, conflicts_with = "split")]
    out: Option<PathBuf>,
    /// Write envoy.yaml and the files that it reads into this directory; Envoy picks up later runs live
    #[arg(long, value_name = "DIR")]
    split: Option<PathBuf>,
    /// The label of the gateway's pods, for Istio
    #[arg(long, value_name = "NAME=VALUE", default_value = "istio=ingressgateway")]
    workload: String,
    #[command(flatten)]
    overrides: Overrides,
}

/// What can be changed without touching the file.
#[derive(Debug, Clone, Args)]
pub(super) struct Overrides {
    /// Path of the filter's module, as Envoy will see it
    #[arg(long, default_value = "./tollgate.wasm")]
    pub(super) module: String,
    /// Listen here rather than at `server.listen`
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<String>,
    /// Admin interface here rather than at `server.admin`
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) admin: Option<String>,
    /// Certificate authorities for providers over TLS, as Envoy will see them [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<String>,
}

/// What can be rendered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Platform {
    /// A plain Envoy, 1.39 or later
    Envoy,
    /// A gateway of Istio's whose proxies are Envoy 1.39 or later: an `EnvoyFilter`
    Istio,
}

/// A configuration, compiled and ready to be rendered.
pub(super) struct Plan<'g> {
    gateway: &'g Gateway,
    /// The compiled tables. Secrets in them are never rendered: they were compiled without an environment.
    pub(super) tables: Tables,
    pub(super) upstreams: Vec<Upstream>,
    /// The gateway's configuration as the edge phase reads it.
    config: String,
    /// The keys of its file as the filter reads them.
    keys: Option<String>,
    /// Environment variables that the filter may see.
    variables: BTreeSet<String>,
    listen: (String, u16),
    admin: (String, u16),
    otlp: Option<(String, u16)>,
    module: String,
    ca_file: String,
}

impl<'g> Plan<'g> {
    /// Compiles a configuration for rendering.
    pub(super) fn new(
        gateway: &'g Gateway,
        filed: Option<Vec<Key>>,
        overrides: &Overrides,
    ) -> Result<Self, Vec<Problem>> {
        let mut changed = gateway.clone();
        changed.server.listen = overrides.listen.clone().or(changed.server.listen);
        changed.server.admin = overrides.admin.clone().or(changed.server.admin);
        // All keys are compiled together: none may be there twice.
        if let Some(filed) = &filed {
            changed.keys.get_or_insert_default().extend(filed.iter().cloned());
        }
        let own = gateway.keys.as_ref().map_or(0, Vec::len);
        let tables = compile(&changed, &|_| None).map_err(|problems| in_files(own, problems))?;
        let upstreams = upstreams(&changed, &mut Vec::new());
        let webdis = changed.state.redis.iter().filter_map(|redis| redis.auth_env.as_deref());
        let variables = upstreams.iter().flat_map(Upstream::variables).map(|(variable, _)| variable);
        let variables = variables.chain(webdis).map(ToOwned::to_owned).collect();
        let address = |path: &str, address: &str| {
            host_port(address).map_err(|message| vec![Problem::new(path, message)])
        };
        let otlp = match &gateway.audit.to {
            Some(AuditTo::Otlp(collector)) => Some(address("audit.to.otlp", collector)?),
            _ => None,
        };
        // Pretty: a person who reads the bootstrap reads the gateway's configuration too. The overridden addresses are
        // left out: the filter has no use for them.
        let config = serde_json::to_string_pretty(gateway)
            .map_err(|error| vec![Problem::new("", format!("cannot be written as JSON: {error}"))])?;
        let keys = filed.map(|keys| serde_json::to_string(&KeysFile { keys })).transpose();
        let keys = keys.map_err(|error| {
            vec![Problem::new("keys_file", format!("cannot be written as JSON: {error}"))]
        })?;
        Ok(Self {
            listen: address("server.listen", changed.server.listen.as_deref().unwrap_or(limits::LISTEN))?,
            admin: address("server.admin", changed.server.admin.as_deref().unwrap_or(limits::ADMIN))?,
            gateway,
            tables,
            upstreams,
            config,
            keys,
            variables,
            otlp,
            module: overrides.module.clone(),
            ca_file: authorities::bundle(overrides.ca_file.as_deref()),
        })
    }

    /// The longest silence that any provider may keep within an answer.
    fn idle_timeout(&self) -> Duration {
        let of =
            |upstream: &Upstream| upstream.settings.idle_timeout.map_or(limits::IDLE_TIMEOUT, |span| span.0);
        self.upstreams.iter().map(of).max().unwrap_or(limits::IDLE_TIMEOUT)
    }

    /// The variables that the filter may see, for the head of a file; nothing where there are none.
    fn said_variables(&self) -> String {
        if self.variables.is_empty() {
            return String::new();
        }
        let names: Vec<&str> = self.variables.iter().map(String::as_str).collect();
        format!(
            "\nThe filter reads these environment variables, where they are set:\n  {}",
            names.join("\n  ")
        )
    }

    /// The whole bootstrap as one file.
    pub(super) fn bootstrap(&self) -> Result<String, String> {
        bootstrap::whole(self)
    }
}

/// Runs the command.
pub(super) fn run(args: &RenderArgs) -> ExitCode {
    match render(args) {
        Ok(Some(text)) => super::print(&text),
        Ok(None) => ExitCode::SUCCESS,
        Err(message) => super::fail(&message),
    }
}

/// Renders; what comes back is for standard output.
fn render(args: &RenderArgs) -> Result<Option<String>, String> {
    let gateway = load(&args.config).map_err(|error: LoadError| error.describe(&args.config))?;
    let keys = load_keys(&gateway, &args.config)?;
    let mut overrides = args.overrides.clone();
    if args.target == Platform::Istio && gateway.server.listen.is_none() {
        overrides.listen.get_or_insert_with(|| istio::LISTEN.to_owned());
    }
    let plan = Plan::new(&gateway, keys, &overrides).map_err(|problems| describe(&args.config, &problems))?;
    let text = match (args.target, &args.split) {
        (Platform::Envoy, Some(directory)) => return split::write(&plan, directory).map(|()| None),
        (Platform::Istio, Some(_)) => {
            return Err("--split is for a plain Envoy: Istio brings changes to its proxies itself".to_owned());
        }
        (Platform::Envoy, None) => plan.bootstrap()?,
        (Platform::Istio, None) => istio::filter(&plan, &args.workload)?,
    };
    match &args.out {
        Some(out) => super::replace::replace(out, &text).map(|_| None),
        None => Ok(Some(text)),
    }
}

/// Problems of keys beyond the first so many are those of the file.
fn in_files(own: usize, problems: Vec<Problem>) -> Vec<Problem> {
    let in_file = |path: &str| {
        let (index, field) = path.strip_prefix("keys[")?.split_once(']')?;
        let index = index.parse::<usize>().ok()?.checked_sub(own)?;
        Some(format!("keys_file: keys[{index}]{field}"))
    };
    let moved =
        |problem: Problem| Problem { path: in_file(&problem.path).unwrap_or(problem.path), ..problem };
    problems.into_iter().map(moved).collect()
}

/// Problems, one a line.
pub(super) fn describe(file: &Path, problems: &[Problem]) -> String {
    let lines: Vec<String> =
        problems.iter().map(|problem| format!("{}: {problem}", file.display())).collect();
    lines.join("\nerror: ")
}
