//! The machine during a run: who else used it.

use anyhow::{Context, Result};
use serde::Serialize;
use std::fs;

/// The machine's clocks at some time.
#[derive(Debug)]
pub(crate) struct Machine {
    /// Ticks in which it worked, stood idle, and was taken away by the hypervisor.
    clocks: Clocks,
    /// CPU time of the processes of the run, in ticks.
    own: u64,
    pids: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Clocks {
    busy: u64,
    idle: u64,
    stolen: u64,
}

/// Shares of the machine during a run, in percent of all its cores.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Noise {
    pub(crate) model: String,
    pub(crate) cores: usize,
    pub(crate) others_percent: f64,
    pub(crate) stolen_percent: f64,
}

impl Machine {
    /// Reads the clocks; `envoys` and this process are the run.
    pub(crate) fn now(envoys: &[u32]) -> Result<Self> {
        let mut pids = envoys.to_vec();
        pids.push(std::process::id());
        let own = pids.iter().map(|pid| process_ticks(*pid)).sum::<Result<u64>>()?;
        Ok(Self { clocks: clocks()?, own, pids })
    }

    /// What happened since.
    pub(crate) fn since(&self) -> Result<Noise> {
        let now = clocks()?;
        let own = self.pids.iter().map(|pid| process_ticks(*pid)).sum::<Result<u64>>()? - self.own;
        let (busy, stolen) = (now.busy - self.clocks.busy, now.stolen - self.clocks.stolen);
        let all = (busy + stolen + now.idle - self.clocks.idle).max(1) as f64;
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Ok(Noise {
            model: model.map_or_else(|| "unknown".to_owned(), |(_, name)| name.to_owned()),
            cores: std::thread::available_parallelism()
                .map_or(1, usize::from)
                .max(info.matches("model name").count()),
            others_percent: busy.saturating_sub(own) as f64 / all * 100.0,
            stolen_percent: stolen as f64 / all * 100.0,
        })
    }
}

fn clocks() -> Result<Clocks> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat")?;
    let mut ticks = line.split_whitespace().skip(1).map(|field| field.parse::<u64>().unwrap_or(0));
    let mut next = || ticks.next().unwrap_or(0);
    let (user, nice, system, idle, iowait, irq, softirq, stolen) =
        (next(), next(), next(), next(), next(), next(), next(), next());
    Ok(Clocks { busy: user + nice + system + irq + softirq, idle: idle + iowait, stolen })
}

fn process_ticks(pid: u32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold spaces; after it, user and system time are the 12th and 13th field.
    let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat")?;
    let mut fields = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    let mut next = || fields.next().context("/proc/PID/stat")?.context("/proc/PID/stat");
    Ok(next()? + next()?)
}
