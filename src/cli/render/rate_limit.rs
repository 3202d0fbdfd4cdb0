//! Envoy's global rate limit filter: behind the edge phase, which leaves in filter state what it counts.

use super::Plan;
use super::cluster::{grpc, tls_towards};
use super::yaml::{Value, duration, extension, list, map, with};
use crate::config::schema::{DescriptorEntry, OnError, RateLimitService};
use crate::config::tables::Counted;
use crate::config::{host_port, limits};
use crate::gateway::host::key::filter_state;
use crate::gateway::{state_key, total_key};

/// The cluster of the rate limit service.
const CLUSTER: &str = "tollgate_rate_limit";

/// Response flags of the filter: over the limit, and service out of reach.
const FLAGS: [&str; 2] = ["RL", "RLSE"];

fn service<'p>(plan: &'p Plan<'_>) -> Option<&'p RateLimitService> {
    plan.gateway.state.rate_limit_service.as_ref()
}

/// The filter.
pub(super) fn filter(plan: &Plan<'_>) -> Option<Value> {
    let (service, table) = (service(plan)?, plan.tables.rate_limit.as_ref()?);
    let timeout = service.timeout.map_or(limits::RATE_LIMIT_TIMEOUT, |span| span.0);
    let limits = table.descriptors.iter().flat_map(rate_limits);
    Some(extension(
        "envoy.filters.http.ratelimit",
        "envoy.extensions.filters.http.ratelimit.v3.RateLimit",
        map! {
            "domain": service.domain.as_deref().unwrap_or(limits::FLEET_NAME),
            "timeout": duration(timeout),
            "failure_mode_deny": service.on_error.unwrap_or_default() == OnError::Refuse,
            "status_on_error": map! { "code": "ServiceUnavailable" },
            // The edge phase makes a retry-after of them.
            "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
            "disable_x_envoy_ratelimited_header": true,
            "rate_limit_service": map! {
                "transport_api_version": "V3",
                "grpc_service": map! { "envoy_grpc": map! { "cluster_name": CLUSTER } },
            },
            "rate_limits": list(limits),
        },
    ))
}

/// What is sent for one descriptor: requests are counted when they come. Of totals that only the end of the answer
/// tells, the service is asked when the request comes, and told when it is over.
fn rate_limits(descriptor: &Counted) -> Vec<Value> {
    let mut actions = vec![map! {
        "generic_key": map! { "descriptor_key": "counts", "descriptor_value": descriptor.counts.as_str() },
    }];
    actions.extend(descriptor.per.iter().map(|entry| entry_of_state(*entry)));
    let actions = || list(actions.clone());
    let Some(total) = total_key(descriptor.counts) else { return vec![map! { "actions": actions() }] };
    vec![
        map! { "actions": actions(), "hits_addend": map! { "number": 0 } },
        map! {
            "actions": actions(),
            "apply_on_stream_done": true,
            "hits_addend": map! { "format": format!("%FILTER_STATE({}:PLAIN)%", filter_state(total)) },
        },
    ]
}

/// An entry out of filter state; without a value there, the descriptor is not sent.
fn entry_of_state(entry: DescriptorEntry) -> Value {
    map! { "extension": extension(
        "envoy.rate_limit_descriptors.expr",
        "envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor",
        map! {
            "descriptor_key": entry.as_str(),
            "text": format!("filter_state['{}']", filter_state(state_key(entry))),
        },
    ) }
}

/// The filter answers without a body. With one, the edge phase can put its own in the place of it.
pub(super) fn local_replies(plan: &Plan<'_>) -> Option<Value> {
    service(plan).map(|_| {
        map! { "mappers": list([map! {
            "filter": map! { "response_flag_filter": map! { "flags": super::yaml::texts(FLAGS) } },
            "body": map! { "inline_string": "{}" },
        }]) }
    })
}

/// The cluster of the service.
pub(super) fn cluster(plan: &Plan<'_>) -> Option<Value> {
    let service = service(plan)?;
    let (host, port) = host_port(&service.address).ok()?;
    let tls = service.tls.as_ref().map(|tls| tls_towards(plan, &host, host.parse().ok(), Some(tls)));
    Some(with(grpc(CLUSTER, &host, port), "transport_socket", tls))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema::Counts;

    #[test]
    fn totals_are_asked_about_first_and_told_at_the_end() {
        let one =
            Counted { counts: Counts::Tokens, per: vec![DescriptorEntry::Tenant, DescriptorEntry::Model] };
        let [ask, tell] = rate_limits(&one).try_into().unwrap();
        assert_eq!(ask["actions"], tell["actions"]);
        assert_eq!(ask["hits_addend"]["number"], 0);
        assert_eq!(tell["hits_addend"]["format"], "%FILTER_STATE(wasm.tollgate.limit.tokens:PLAIN)%");
        let requests = Counted { counts: Counts::Requests, ..one };
        assert_eq!(rate_limits(&requests).len(), 1);
    }
}
