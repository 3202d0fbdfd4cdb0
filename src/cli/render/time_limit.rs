//! The listener within the proxy by which a try goes that has a shorter limit to the first token than the router keeps for
//! its chain. Each limit of each provider is a route to the provider's own cluster, with that limit.

use super::yaml::{Value, duration, extension, list, map, texts, with};
use super::{Plan, route};
use crate::config::Upstream;
use crate::gateway::time_limit::{HEADER, ROUTE, UNANSWERED, entry};
use std::collections::BTreeSet;
use std::time::Duration;

/// Its name.
pub(super) const LISTENER: &str = "tollgate_time_limits";

/// The limits of a provider, each once, the shortest first.
fn limits(plan: &Plan<'_>, upstream: &Upstream) -> BTreeSet<Duration> {
    let own = plan.tables.targets().filter(|target| *target.provider.name == *upstream.name);
    own.flat_map(|target| target.limit.both()).flatten().collect()
}

/// Whether there is a listener, and the cluster that leads to it. Where changes are taken over `live` there always is: a
/// later one may need it, and those who go there are on their way before it is gone.
pub(super) fn is_needed(plan: &Plan<'_>, live: bool) -> bool {
    live || plan.upstreams.iter().any(|upstream| !limits(plan, upstream).is_empty())
}

/// Its routes.
pub(super) fn routes(plan: &Plan<'_>) -> Value {
    let ways = plan
        .upstreams
        .iter()
        .flat_map(|upstream| limits(plan, upstream).into_iter().map(move |limit| way(upstream, limit)));
    map! {
        "name": LISTENER,
        "virtual_hosts": list([map! {
            "name": LISTENER,
            "domains": texts(["*"]),
            "request_headers_to_remove": texts([HEADER, "x-forwarded-proto"]),
            "routes": list(ways),
        }]),
    }
}

/// The listener, if it is needed. Its routes may be discovered.
pub(super) fn listener(plan: &Plan<'_>, discovered: Option<Value>) -> Option<Value> {
    if !is_needed(plan, discovered.is_some()) {
        return None;
    }
    let (key, value) = match discovered {
        Some(source) => ("rds", map! { "route_config_name": LISTENER, "config_source": source }),
        None => ("route_config", routes(plan)),
    };
    let manager = map! {
        "stat_prefix": LISTENER,
        "codec_type": "HTTP2",
        // The answer is the provider's, and the request what the filter has made of it.
        "server_header_transformation": "PASS_THROUGH",
        "generate_request_id": false,
        "skip_xff_append": true,
        "stream_idle_timeout": route::stream_idle(plan),
        "local_reply_config": map! { "mappers": list([in_the_providers_place()]) },
        "http_filters": list([route::router()]),
    };
    Some(map! {
        "name": LISTENER,
        "internal_listener": map! {},
        "ignore_global_conn_limit": true,
        "filter_chains": list([map! {
            "filters": list([extension(
                "envoy.filters.network.http_connection_manager",
                "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                with(manager, key, Some(value)),
            )]),
        }]),
    })
}

/// The route of one limit.
fn way(upstream: &Upstream, limit: Duration) -> Value {
    let header = map! {
        "name": HEADER,
        "string_match": map! { "exact": entry(&upstream.name, limit) },
    };
    map! {
        "name": ROUTE,
        "match": map! { "prefix": "/", "headers": list([header]) },
        "route": map! {
            "cluster": upstream.cluster(),
            // How long the whole may take is for the router that the request came from to say.
            "timeout": "0s",
            "retry_policy": map! { "num_retries": 0, "per_try_timeout": duration(limit) },
        },
    }
}

/// What the proxy itself answers here says so, and has no body.
fn in_the_providers_place() -> Value {
    let header = map! { "key": UNANSWERED, "value": "%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%" };
    map! {
        "filter": map! { "response_flag_filter": map! {} },
        "headers_to_add": list([map! {
            "header": header,
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }]),
        "body": map! { "inline_string": "" },
    }
}
