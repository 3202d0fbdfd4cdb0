//! The one route: which cluster, how often, how long.

use super::yaml::{Mapping, Value, any, duration, extension, map, texts};
use super::{Plan, time_limit};
use crate::config::Upstream;
use crate::config::tables::TIMED_CLUSTER;
use crate::gateway::host::key;
use crate::gateway::{REMOVED_BY_ROUTE, RETRIABLE};
use std::time::Duration;

/// What a buffered request may hold beyond the largest body: the last chunk in full, before the filter refuses.
const BODY_SLACK: u64 = 1 << 20;

/// Name of the routes, by which a listener finds them.
pub(super) const NAME: &str = "tollgate";

/// The virtual host and its route. Whether changes of it are taken over `live`.
pub(super) fn config(plan: &Plan<'_>, live: bool) -> Value {
    let route = map! {
        "name": "tollgate",
        "match": map! { "prefix": "/" },
        // Also the bound of a buffered answer.
        "request_body_buffer_limit": plan.tables.max_body.saturating_add(BODY_SLACK),
        "route": map! {
            // The whole request. The filter sets each model's own limit; this is the longest of them.
            "timeout": duration(plan.tables.route.request_timeout),
            "inline_cluster_specifier_plugin": map! { "extension": cluster_choice(plan, live) },
            "retry_policy": retries(plan),
        },
    };
    map! {
        "name": NAME,
        "virtual_hosts": super::yaml::list([map! {
            "name": "tollgate",
            "domains": texts(["*"]),
            // Who the client is, and how it reached us, is nobody's business upstream.
            "request_headers_to_remove": texts(REMOVED_BY_ROUTE.iter().copied()),
            "routes": super::yaml::list([route]),
        }]),
    }
}

/// Every provider's cluster by name. There is no cluster for anything else: a request for which the filter chose none
/// goes nowhere.
fn cluster_choice(plan: &Plan<'_>, live: bool) -> Value {
    let mut clusters = Mapping::new();
    let timed = time_limit::is_needed(plan, live).then(|| TIMED_CLUSTER.to_owned());
    for name in plan.upstreams.iter().map(Upstream::cluster).chain(timed) {
        let action = extension(
            &name,
            "envoy.extensions.router.cluster_specifiers.matcher.v3.ClusterAction",
            map! { "cluster": name.as_str() },
        );
        clusters.insert(name.as_str().into(), map! { "action": action });
    }
    // In which the filter says which cluster is next.
    let next = key::filter_state(key::CLUSTER);
    extension(
        "envoy.router.cluster_specifier_plugin.matcher",
        "envoy.extensions.router.cluster_specifiers.matcher.v3.MatcherClusterSpecifier",
        map! {
            "cluster_matcher": map! {
                "matcher_tree": map! {
                    "input": extension(
                        &next,
                        "envoy.extensions.matching.common_inputs.network.v3.FilterStateInput",
                        map! { "key": next.as_str() },
                    ),
                    "exact_match_map": map! { "map": Value::Mapping(clusters) },
                },
            },
        },
    )
}

/// Retries walk the chain. The filter sets the number of tries and the limit of each per request; here stand the
/// largest of all models.
fn retries(plan: &Plan<'_>) -> Value {
    let route = &plan.tables.route;
    map! {
        "retry_on": "5xx,retriable-status-codes,connect-failure,reset,refused-stream",
        "retriable_status_codes": Value::Sequence(RETRIABLE.map(Value::from).into()),
        "num_retries": u32::try_from(route.retries).unwrap_or(u32::MAX),
        "refresh_cluster_on_retry": true,
        "per_try_timeout": duration(route.timeout),
        // It also runs while the first token is awaited, so it cannot be shorter than that limit.
        "per_try_idle_timeout": duration(plan.idle_timeout().max(route.timeout)),
        // Moving on to the next target; before a try at the same target the filter itself waits.
        "retry_back_off": map! { "base_interval": "0.025s", "max_interval": "0.250s" },
    }
}

/// The listener's own limit of silence: a little beyond the whole request and beyond the wait in the queue, so that the
/// limits that answer in the client's dialect come first.
pub(super) fn stream_idle(plan: &Plan<'_>) -> Value {
    let longest = plan.tables.route.request_timeout.max(plan.tables.quotas.queue.timeout);
    duration(longest + Duration::from_secs(5))
}

/// The router, which keeps its own headers to itself.
pub(super) fn router() -> Value {
    map! {
        "name": "envoy.filters.http.router",
        "typed_config": any(
            "envoy.extensions.filters.http.router.v3.Router",
            map! { "suppress_envoy_headers": true },
        ),
    }
}
