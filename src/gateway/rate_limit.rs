//! What the proxy's own rate limit filter reads of a request, and what becomes of its refusals.
//!
//! The filter stands behind the edge phase. Its descriptors read filter state: who asks for what, written when the
//! request is given to the router, and what was used, written when it is over.

use super::closing::usage_of;
use super::edge::Edge;
use super::exchange::Exchange;
use super::headers::Headers;
use super::host::Host;
use crate::chat::Failure;
use crate::config::schema::{Counts, DescriptorEntry};
use crate::meter::price::Cost;
use crate::policy::quota::Amounts;

/// The largest number that the filter takes for one request.
const MOST: u64 = 1_000_000_000;

/// The filter-state key of a descriptor's entry.
pub fn state_key(entry: DescriptorEntry) -> &'static str {
    match entry {
        DescriptorEntry::Tenant => "tollgate.limit.tenant",
        DescriptorEntry::Team => "tollgate.limit.team",
        DescriptorEntry::Project => "tollgate.limit.project",
        DescriptorEntry::Key => "tollgate.limit.key",
        DescriptorEntry::User => "tollgate.limit.user",
        DescriptorEntry::Agent => "tollgate.limit.agent",
        DescriptorEntry::Model => "tollgate.limit.model",
        DescriptorEntry::Provider => "tollgate.limit.provider",
    }
}

/// The filter-state key of what a request used in all; `None` for requests, which count one each.
pub fn total_key(counts: Counts) -> Option<&'static str> {
    match counts {
        Counts::Requests => None,
        Counts::Tokens => Some("tollgate.limit.tokens"),
        Counts::Microdollars => Some("tollgate.limit.microdollars"),
    }
}

impl Edge {
    /// Says who asks for what.
    pub(super) fn describe(&self, host: &impl Host, exchange: &Exchange) {
        let Some(rate_limit) = &self.tables.rate_limit else { return };
        let who = &self.record.identity;
        for entry in &rate_limit.entries {
            let value = match entry {
                DescriptorEntry::Tenant => who.tenant.as_deref(),
                DescriptorEntry::Team => who.team.as_deref(),
                DescriptorEntry::Project => who.project.as_deref(),
                DescriptorEntry::Key => who.key_id(),
                DescriptorEntry::User => who.user.as_deref(),
                DescriptorEntry::Agent => who.agent.as_deref(),
                DescriptorEntry::Model => Some(&*exchange.model.name),
                // The admission may choose another.
                DescriptorEntry::Provider => None,
            };
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                host.remember(state_key(*entry), value.as_bytes());
            }
        }
    }

    /// Says what the answer used, and whose it was. Without a number nothing is counted.
    pub(super) fn tell_totals(&self, host: &impl Host, exchange: &Exchange) {
        let Some(rate_limit) = &self.tables.rate_limit else { return };
        let (usage, _) = usage_of(exchange);
        let beside = exchange.filtered.as_ref().map(|x| Amounts::used(&x.usage, x.cost)).unwrap_or_default();
        let tokens = Amounts::used(&usage, None).plus(beside).tokens;
        let cost = exchange.cost().map_or(0, Cost::micro_usd);
        let mut told = false;
        for (counts, total) in [(Counts::Tokens, tokens), (Counts::Microdollars, cost)] {
            let Some(key) = total_key(counts).filter(|_| rate_limit.counts(counts) && total > 0) else {
                continue;
            };
            host.remember(key, itoa::Buffer::new().format(total.min(MOST)).as_bytes());
            told = true;
        }
        if told
            && rate_limit.entries.contains(&DescriptorEntry::Provider)
            && let Some(last) = exchange.attempts.last()
        {
            host.remember(state_key(DescriptorEntry::Provider), last.provider.name.as_bytes());
        }
    }
}

/// Says who is asked first.
pub(super) fn describe_provider(host: &impl Host, exchange: &Exchange) {
    let entry = DescriptorEntry::Provider;
    let first = exchange.model.targets.get(exchange.routed);
    let first =
        first.filter(|_| exchange.tables.rate_limit.as_ref().is_some_and(|l| l.entries.contains(&entry)));
    if let Some(target) = first {
        host.remember(state_key(entry), target.provider.name.as_bytes());
    }
}

/// What a refusal of the filter's means to the client; `None` when `details`, the proxy's word for why it answered, is
/// not the filter's.
pub(super) fn refusal(details: &str) -> Option<Failure> {
    match details {
        "request rate limited" => {
            Some(Failure::new(429, "The rate limit is reached.").with_code("rate_limit_exceeded"))
        }
        "rate limiter error" => Some(Failure::new(503, "The rate limit service cannot be asked.")),
        _ => None,
    }
}

/// Says in the header that clients know when to come again, where the service has not: the filter's own header says it
/// in seconds (draft-ietf-httpapi-ratelimit-headers-03).
pub(super) fn say_when(status: u16, headers: &mut Headers) {
    if status == 429
        && headers.get("retry-after").is_none()
        && let Some(reset) = headers.get("x-ratelimit-reset").map(ToOwned::to_owned)
    {
        headers.set("retry-after", reset);
    }
}
