//! A running Envoy.

use super::{Admin, Places, Ports, places};
use crate::exchange::{ANTHROPIC_KEY, ANTHROPIC_KEY_ENV, OPENAI_KEY, OPENAI_KEY_ENV};
use anyhow::{Context, Result, bail};
use rustix::thread::{CpuSet, sched_setaffinity};
use serde_json::Value;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long an Envoy may take to be ready: compiling the module takes seconds on a busy machine.
const READY: Duration = Duration::from_mins(1);

/// Cores of this process and of the Envoy under test.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu {
    own: usize,
    envoy: usize,
}

impl Cpu {
    /// One core each, where there are two.
    pub(crate) fn split() -> Option<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        (cores >= 2).then_some(Self { own: 1, envoy: 0 })
    }

    /// Keeps this process on its core.
    pub(crate) fn stay(self) -> Result<()> {
        pin(self.own)
    }
}

fn pin(core: usize) -> Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).with_context(|| format!("staying on core {core}"))
}

/// How to start an Envoy.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    /// Names its files.
    pub(crate) name: &'a str,
    pub(crate) bootstrap: &'a Value,
    pub(crate) ports: Ports,
    /// Worker threads.
    pub(crate) workers: u32,
    /// Where it runs, and where this process goes on.
    pub(crate) cpu: Option<Cpu>,
}

/// A running Envoy, ended when dropped.
#[derive(Debug)]
pub(crate) struct Envoy {
    child: Child,
    pub(crate) ports: Ports,
    pub(crate) admin: Admin,
    log: PathBuf,
}

impl Envoy {
    /// Starts an Envoy and waits until it is ready.
    pub(crate) async fn start(places: &Places, start: &Start<'_>) -> Result<Self> {
        let config = places.work.join(format!("{}-bootstrap.json", start.name));
        fs::write(&config, serde_json::to_string_pretty(start.bootstrap)?)?;
        let log = places.work.join(format!("{}-envoy.log", start.name));
        let output = File::create(&log)?;
        // Ends Envoy with this process, also when this process is killed.
        let mut command = match places::on_path("setpriv") {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(&places.envoy);
                command
            }
            None => Command::new(&places.envoy),
        };
        command
            // The access log is read soon after the last request.
            .args(["--disable-hot-restart", "--log-level", "warning", "--file-flush-interval-msec", "1000"])
            .arg("--concurrency")
            .arg(start.workers.to_string())
            .arg("-c")
            .arg(&config)
            .env(OPENAI_KEY_ENV, OPENAI_KEY)
            .env(ANTHROPIC_KEY_ENV, ANTHROPIC_KEY)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        // A child inherits its parent's cores, and so do all its threads.
        if let Some(cpu) = start.cpu {
            pin(cpu.envoy)?;
        }
        let child = command.spawn().with_context(|| places.envoy.display().to_string());
        if let Some(cpu) = start.cpu {
            pin(cpu.own)?;
        }
        let admin = Admin::new(start.ports.admin);
        let mut envoy = Self { child: child?, ports: start.ports, admin, log };
        envoy.wait_ready().await?;
        Ok(envoy)
    }

    async fn wait_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("Envoy ended at once ({status}): {}", self.log_tail());
            }
            if matches!(self.admin.get("/ready").await, Ok((200, _))) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("Envoy is not ready after {READY:?}: {}", self.log_tail())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// CPU time of all its threads so far, in nanoseconds.
    pub(crate) fn cpu_time(&self) -> Result<u64> {
        let mut total = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.pid()))? {
            // A thread may end between the listing and the reading.
            let Ok(line) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            let time: u64 = line.split(' ').next().unwrap_or_default().parse().context("schedstat")?;
            total += time;
        }
        if total == 0 {
            bail!("the kernel keeps no schedstat of process {}", self.pid());
        }
        Ok(total)
    }

    /// Resident memory of its own (without file pages), in KiB.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon")?;
        line.split_whitespace().next().unwrap_or_default().parse().context("RssAnon")
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Lines of its log that match.
    pub(crate) fn log_lines(&self, matches: impl Fn(&str) -> bool) -> Vec<String> {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log).lines().filter(|line| matches(line)).map(str::to_owned).collect()
    }

    fn log_tail(&self) -> String {
        let lines = self.log_lines(|_| true);
        lines.get(lines.len().saturating_sub(12)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
