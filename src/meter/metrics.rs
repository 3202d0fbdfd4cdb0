//! Envoy stats. A stat's name carries its tags as `;key=value;` segments, which the bootstrap's `stats_tags` lift out.

use crate::gateway::host::{Host, MetricKind};
use hashbrown::HashMap;

/// The labels of one request's metrics. Each has few values: the public name of the model as configured (a wildcard's
/// pattern, not what the client typed), so the number of stats is bounded by the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Labels<'a> {
    /// Public model.
    pub model: &'a str,
    /// Provider, empty when none was reached.
    pub provider: &'a str,
    /// Tenant, empty when there is none.
    pub tenant: &'a str,
}

/// Metric numbers by name, so that each is defined once.
#[derive(Debug, Default)]
pub struct Metrics {
    ids: HashMap<String, Option<u32>>,
    name: String,
}

impl Metrics {
    /// Adds to a counter; zero adds nothing and defines nothing.
    pub fn add(&mut self, host: &impl Host, stat: &str, labels: Labels<'_>, extra: &[(&str, &str)], by: u64) {
        if by > 0
            && let Some(id) = self.id(host, MetricKind::Counter, stat, labels, extra)
        {
            host.add(id, by);
        }
    }

    /// Records a value in a histogram.
    pub fn record(&mut self, host: &impl Host, stat: &str, labels: Labels<'_>, value: u64) {
        if let Some(id) = self.id(host, MetricKind::Histogram, stat, labels, &[]) {
            host.record(id, value);
        }
    }

    /// Sets a gauge.
    pub fn set(&mut self, host: &impl Host, stat: &str, value: u64) {
        let labels = Labels { model: "", provider: "", tenant: "" };
        if let Some(id) = self.id(host, MetricKind::Gauge, stat, labels, &[]) {
            host.record(id, value);
        }
    }

    fn id(
        &mut self,
        host: &impl Host,
        kind: MetricKind,
        stat: &str,
        labels: Labels<'_>,
        extra: &[(&str, &str)],
    ) -> Option<u32> {
        self.name.clear();
        self.name.push_str(stat);
        let own = [("model", labels.model), ("provider", labels.provider), ("tenant", labels.tenant)];
        for (key, value) in own.iter().chain(extra).filter(|(_, v)| !v.is_empty()) {
            self.name.push(';');
            self.name.push_str(key);
            self.name.push('=');
            self.name.push_str(value);
        }
        if self.name.len() > stat.len() {
            self.name.push(';');
        }
        if let Some(id) = self.ids.get(self.name.as_str()) {
            return *id;
        }
        let id = host.define_metric(kind, &self.name);
        self.ids.insert(self.name.clone(), id);
        id
    }
}
