//! What gateways of a fleet count together.

use super::Secret;
use crate::config::schema::{Counts, DescriptorEntry, OnDown, OnStart};
use std::time::Duration;

/// How the counters of a fleet are merged in Redis, behind webdis.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// `host:port` of webdis.
    pub authority: Box<str>,
    /// Time from one exchange to the next.
    pub every: Duration,
    /// Limit of one exchange.
    pub timeout: Duration,
    /// What happens to requests while Redis cannot be reached.
    pub on_down: OnDown,
    /// What happens to a request whose counters were never read.
    pub on_start: OnStart,
    /// Beginning of every name in Redis.
    pub prefix: Box<str>,
    /// The header that webdis knows us by.
    pub authorization: Option<Secret>,
    /// The environment variable that should hold it and does not.
    pub missing: Option<Box<str>>,
}

/// What a rate limit service is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// Its descriptors, in the order of the file.
    pub descriptors: Vec<Counted>,
    /// The entries that any of them has: what the edge phase has to leave for the proxy.
    pub entries: Vec<DescriptorEntry>,
}

/// One descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// What it counts.
    pub counts: Counts,
    /// For whom, in the order of the file.
    pub per: Vec<DescriptorEntry>,
}

impl RateLimit {
    /// Whether any descriptor counts this.
    pub fn counts(&self, what: Counts) -> bool {
        self.descriptors.iter().any(|one| one.counts == what)
    }
}
