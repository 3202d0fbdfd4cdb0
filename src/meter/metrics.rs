//! Envoy stats. A stat's name carries its tags as `;key=value;` segments, which the bootstrap's `stats_tags` lift out.

use super::price::Cost;
use super::stat::Stat;
use crate::gateway::host::Host;
use hashbrown::{HashMap, HashSet};

/// Most tenants, and most projects, that a worker tells apart; all beyond count as `other`. They may come from outside, in
/// tokens and headers, and Envoy keeps every stat for good.
const MOST_NAMES: usize = 1000;

/// Most kinds of agent: every client may call itself what it likes.
const MOST_AGENTS: usize = 100;

/// Most stats that a worker makes with a tenant, a project or an agent in their names; beyond, these are `other` in new
/// ones. A thousand tenants with twenty models each come near it; a counter takes Envoy less than a kilobyte.
const MOST_STATS: usize = 20_000;

/// What takes the place of a name that is one too many.
const OTHER: &str = "other";

/// The labels of one request's metrics. The public name of the model is as configured (a wildcard's pattern, not what the
/// client typed), so that the configuration bounds the number of stats; the tenant is bounded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Labels<'a> {
    /// Public model.
    pub model: &'a str,
    /// Provider, empty when none was reached.
    pub provider: &'a str,
    /// Tenant, empty when there is none.
    pub tenant: &'a str,
}

/// To whom a request is charged; what is not known is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charged<'a> {
    /// Tenant.
    pub tenant: &'a str,
    /// Project.
    pub project: &'a str,
    /// Kind of agent.
    pub agent: &'a str,
}

/// Metric numbers by name, so that each is defined once.
#[derive(Debug, Default)]
pub struct Metrics {
    ids: HashMap<String, Option<u32>>,
    name: String,
    tenants: HashSet<Box<str>>,
    projects: HashSet<Box<str>>,
    agents: HashSet<Box<str>>,
    /// What counters of money have not shown yet, by their numbers, in 10⁻¹² dollars: less than a millionth of a dollar.
    rests: HashMap<u32, u64>,
}

impl Metrics {
    /// Adds to a counter; zero adds nothing and defines nothing.
    pub fn add(&mut self, host: &impl Host, stat: Stat, labels: Labels<'_>, extra: &[(&str, &str)], by: u64) {
        if by == 0 {
            return;
        }
        if let Some(id) = self.labelled(host, stat, labels, extra) {
            host.add(id, by);
        }
    }

    /// Adds money to a counter of millionths of a dollar, which shows whole ones: the rest is kept for the next.
    pub fn add_cost(
        &mut self,
        host: &impl Host,
        stat: Stat,
        labels: Labels<'_>,
        extra: &[(&str, &str)],
        cost: Cost,
    ) {
        if cost != Cost::default()
            && let Some(id) = self.labelled(host, stat, labels, extra)
        {
            self.pay(host, id, cost);
        }
    }

    fn pay(&mut self, host: &impl Host, id: u32, cost: Cost) {
        let rest = self.rests.entry(id).or_default();
        let (whole, left) = cost.micro_usd_and_rest(*rest);
        *rest = left;
        if whole > 0 {
            host.add(id, whole);
        }
    }

    /// Records a value in a histogram.
    pub fn record(&mut self, host: &impl Host, stat: Stat, labels: Labels<'_>, value: u64) {
        if let Some(id) = self.labelled(host, stat, labels, &[]) {
            host.record(id, value);
        }
    }

    fn labelled(
        &mut self,
        host: &impl Host,
        stat: Stat,
        labels: Labels<'_>,
        extra: &[(&str, &str)],
    ) -> Option<u32> {
        let tenant = known(&mut self.tenants, MOST_NAMES, labels.tenant);
        let own = [("model", labels.model), ("provider", labels.provider), ("tenant", tenant)];
        self.id(host, stat, &own, extra)
    }

    /// Sets a gauge.
    pub fn set(&mut self, host: &impl Host, stat: Stat, labels: &[(&str, &str)], value: u64) {
        if let Some(id) = self.id(host, stat, &[], labels) {
            host.record(id, value);
        }
    }

    /// Adds to a counter of what was spent, and for whom; zero adds nothing and defines nothing.
    pub fn charge(
        &mut self,
        host: &impl Host,
        stat: Stat,
        whom: Charged<'_>,
        extra: &[(&str, &str)],
        by: u64,
    ) {
        if by == 0 {
            return;
        }
        if let Some(id) = self.charged(host, stat, whom, extra) {
            host.add(id, by);
        }
    }

    /// The same for money, as [`Self::add_cost`] has it.
    pub fn charge_cost(&mut self, host: &impl Host, stat: Stat, whom: Charged<'_>, cost: Cost) {
        if cost != Cost::default()
            && let Some(id) = self.charged(host, stat, whom, &[])
        {
            self.pay(host, id, cost);
        }
    }

    fn charged(
        &mut self,
        host: &impl Host,
        stat: Stat,
        whom: Charged<'_>,
        extra: &[(&str, &str)],
    ) -> Option<u32> {
        let own = [
            ("tenant", known(&mut self.tenants, MOST_NAMES, whom.tenant)),
            ("project", known(&mut self.projects, MOST_NAMES, whom.project)),
            ("agent", known(&mut self.agents, MOST_AGENTS, whom.agent)),
        ];
        self.id(host, stat, &own, extra)
    }

    fn id(
        &mut self,
        host: &impl Host,
        stat: Stat,
        own: &[(&str, &str)],
        extra: &[(&str, &str)],
    ) -> Option<u32> {
        self.write_name(stat, own, extra, false);
        if let Some(id) = self.ids.get(self.name.as_str()) {
            return *id;
        }
        if self.ids.len() >= MOST_STATS {
            self.write_name(stat, own, extra, true);
            if let Some(id) = self.ids.get(self.name.as_str()) {
                return *id;
            }
        }
        let id = host.define_metric(stat.kind(), &self.name);
        self.ids.insert(self.name.clone(), id);
        id
    }

    fn write_name(&mut self, stat: Stat, own: &[(&str, &str)], extra: &[(&str, &str)], is_full: bool) {
        self.name.clear();
        self.name.push_str(stat.name());
        for (key, value) in own.iter().chain(extra).filter(|(_, v)| !v.is_empty()) {
            let value = if is_full && ["tenant", "project", "agent"].contains(key) { OTHER } else { value };
            debug_assert!(stat.labels().contains(key), "{stat:?} has no label {key}");
            self.name.push(';');
            self.name.push_str(key);
            self.name.push('=');
            // Envoy takes dots off the end of a tag: two names would be one.
            let kept = value.trim_end_matches('.');
            self.name.push_str(kept);
            for _ in kept.len()..value.len() {
                self.name.push_str("%2E");
            }
        }
        // The end of the last label; a name without labels has none, and would show it.
        if self.name.len() > stat.name().len() {
            self.name.push(';');
        }
    }
}

/// A name as a label: itself while there are not too many.
fn known<'v>(seen: &mut HashSet<Box<str>>, most: usize, value: &'v str) -> &'v str {
    if value.is_empty() || seen.contains(value) {
        return value;
    }
    if seen.len() >= most {
        return OTHER;
    }
    seen.insert(value.into());
    value
}

#[cfg(test)]
mod tests {
    use super::known;
    use hashbrown::HashSet;

    #[test]
    fn names_beyond_the_bound_are_one() {
        let mut seen = HashSet::new();
        assert_eq!(
            ["a", "b", "", "c", "a"].map(|name| known(&mut seen, 2, name)),
            ["a", "b", "", "other", "a"]
        );
    }
}
