//! The figures of a run, and what is wrong with them.

use super::audit::Audit;
use super::kind::{Audited, Expect, Kind, Sent};
use super::memory::Flatness;
use super::outcome::Outcomes;
use crate::exchange::Dialect;
use crate::upstream::Refusals;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// All that a run showed.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    pub(crate) requests: u64,
    pub(crate) elapsed: Duration,
    pub(crate) kinds: &'a [Kind],
    pub(crate) outcomes: &'a Outcomes,
    pub(crate) memory: Option<Flatness>,
    /// Statistics of the Wasm runtime before and after.
    pub(crate) stats: (BTreeMap<String, u64>, BTreeMap<String, u64>),
    pub(crate) audit: &'a Audit,
    pub(crate) refusals: Refusals,
    /// Lines of Envoy's log that tell of a trap.
    pub(crate) crashes: Vec<String>,
}

impl Verdict<'_> {
    /// Each thing that is not as it must be.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        self.lost(&mut faults);
        self.reloads(&mut faults);
        self.audit_lines(&mut faults);
        match self.memory {
            None => faults.push("the run was too short to tell whether memory is flat".to_owned()),
            Some(memory) if !memory.is_flat() => {
                faults
                    .push(format!("memory grew by {:.1} % (at most {} %)", memory.growth, memory.tolerance));
            }
            Some(_) => {}
        }
        if self.refusals.count > 0 {
            faults.push(format!(
                "the providers refused {} requests: {:#?}",
                self.refusals.count, self.refusals.first
            ));
        }
        if let Some(first) = self.crashes.first() {
            faults.push(format!("{} lines of trouble in Envoy's log: {first}", self.crashes.len()));
        }
        faults
    }

    fn lost(&self, faults: &mut Vec<String>) {
        for (kind, wrong) in self.kinds.iter().zip(&self.outcomes.wrong) {
            if *wrong > 0 {
                faults.push(format!("{}: {wrong} wrong outcomes", kind.name));
            }
        }
        faults.extend(self.outcomes.first.iter().map(|words| format!("    {words}")));
        let sum: u64 = self.outcomes.right.iter().chain(&self.outcomes.wrong).sum();
        if sum != self.requests {
            faults.push(format!("{sum} of {} requests came to an end", self.requests));
        }
    }

    /// VMs must be as many as before, none made anew.
    fn reloads(&self, faults: &mut Vec<String>) {
        let (before, after) = &self.stats;
        let watched = |name: &str| {
            name.contains("vm_reload") || name.ends_with(".created") || name.ends_with(".active")
        };
        let mut seen = 0;
        for (name, now) in after.iter().filter(|(name, _)| watched(name)) {
            seen += 1;
            // Counters of a plugin that no request had met yet begin at 0.
            let then = before.get(name).copied().unwrap_or(0);
            if *now != then {
                faults.push(format!("{name} went from {then} to {now}"));
            }
        }
        if seen == 0 || !after.keys().any(|name| name.contains("vm_reload")) {
            faults.push("Envoy reports no VM reloads at all: there is nothing to watch".to_owned());
        }
    }

    fn audit_lines(&self, faults: &mut Vec<String>) {
        let audit = self.audit;
        let (always, all) = (self.audited(), self.requests);
        if !(always..=all).contains(&audit.lines) {
            faults
                .push(format!("{} audit lines for {all} requests, of which {always} need one", audit.lines));
        }
        if audit.repeated > 0 || audit.leaks > 0 {
            faults.push(format!(
                "audit: {} repeated request ids, {} lines with a key",
                audit.repeated, audit.leaks
            ));
        }
        if let Some(line) = &audit.unreadable {
            faults.push(format!("audit: {line}"));
        }
        for (index, kind) in self.kinds.iter().enumerate() {
            let sent = self.outcomes.sent(index);
            if matches!(kind.sent, Sent::Raw(_)) {
                continue;
            }
            let lines = audit.models.get(&kind.name).copied().unwrap_or_default();
            if lines.count != sent {
                faults.push(format!("audit: {} lines of {sent} requests for {}", lines.count, kind.name));
            }
            if matches!(kind.expect, Expect::Answer { .. }) && lines.complete != sent {
                faults
                    .push(format!("audit: usage of {} of {sent} requests for {}", lines.complete, kind.name));
            }
            if matches!(kind.expect, Expect::Leave { .. } | Expect::LateError) && lines.counted != sent {
                faults.push(format!(
                    "audit: some usage of {} of {sent} requests for {}",
                    lines.counted, kind.name
                ));
            }
        }
        if audit.empty > 0 {
            faults.push(format!("audit: {} lines say nothing", audit.empty));
        }
    }

    /// Requests that must have an audit line.
    fn audited(&self) -> u64 {
        let kinds = self.kinds.iter().enumerate().filter(|(_, kind)| kind.audited == Audited::Always);
        kinds.map(|(index, _)| self.outcomes.sent(index)).sum()
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64();
        let right: u64 = self.outcomes.right.iter().sum();
        writeln!(
            f,
            "{right} of {} requests came out as they must, in {seconds:.0} s ({:.0} a second)",
            self.requests,
            self.requests as f64 / seconds
        )?;
        if let Some(memory) = self.memory {
            writeln!(
                f,
                "memory: {:.1} MiB in the second fifth, {:.1} MiB in the last ({:+.1} %, at most {:+.1} %), peak {:.1} MiB",
                memory.early as f64 / 1024.0,
                memory.late as f64 / 1024.0,
                memory.growth,
                memory.tolerance,
                memory.peak as f64 / 1024.0
            )?;
        }
        let stat = |words: &str| {
            self.stats.1.iter().filter(|(name, _)| name.ends_with(words)).map(|(_, value)| value).sum::<u64>()
        };
        writeln!(
            f,
            "VMs: {} active, {} ever made, {} reloads",
            stat("v8.active"),
            stat("v8.created"),
            stat("vm_reload")
        )?;
        let usage: Vec<String> =
            self.audit.usage.iter().map(|(status, count)| format!("{count} {status}")).collect();
        writeln!(f, "audit: {} lines; usage: {}", self.audit.lines, usage.join(", "))?;
        for (group, count) in groups(self.kinds, self.outcomes) {
            writeln!(f, "    {count:>8} {group}")?;
        }
        Ok(())
    }
}

/// Requests by the outcome they must have.
fn groups(kinds: &[Kind], outcomes: &Outcomes) -> BTreeMap<&'static str, u64> {
    let mut groups = BTreeMap::new();
    for (index, kind) in kinds.iter().enumerate() {
        let group = match (kind.expect, kind.stream) {
            (Expect::Answer { attempts: 1, provider }, stream) => match (provider == kind.client, stream) {
                (true, false) => "answers, same dialect",
                (false, false) => "answers, translated",
                (true, true) => "streams, same dialect",
                (false, true) => "streams, translated",
            },
            (Expect::Answer { .. }, false) => "answers after a fallback",
            (Expect::Answer { .. }, true) => "streams after a fallback",
            (Expect::Leave { .. }, _) => "clients that left in mid-stream",
            (Expect::LateError | Expect::Cut, _) => "streams that broke in the middle",
            (Expect::Error { .. }, _) => "errors",
            (Expect::Document(_), _) => "models and health",
        };
        *groups.entry(group).or_insert(0) += outcomes.sent(index);
    }
    groups
}

impl Kind {
    /// Whether its stream shows usage: Anthropic streams always do, the others when the client asked.
    pub(crate) fn shows_usage(&self) -> bool {
        self.client == Dialect::Anthropic || matches!(self.sent, Sent::Chat { include_usage: true, .. })
    }
}
