//! The listener and its connection manager.

use super::cluster::METADATA_CLUSTER;
use super::wasm::{EDGE, WASM_TYPE};
use super::yaml::{Value, any, extension, list, map, socket, texts, with};
use super::{Plan, access_log, identity, rate_limit, route, wasm};
use crate::config::AuthPlan;
use crate::gateway::GCP_TOKEN;

/// Where the edge phase's configuration and the routes are discovered, to be replaced live. They are not part of the
/// listener then, so that a change of them reaches the connections that are open as well as new ones.
pub(super) struct Discovered {
    /// Configuration source of the edge phase.
    pub(super) edge: Value,
    /// Configuration source of the routes.
    pub(super) routes: Value,
}

/// The listener for clients; with nothing discovered it holds all there is.
pub(super) fn listener(plan: &Plan<'_>, discovered: Option<Discovered>) -> Value {
    let (edge, routes_key, routes) = match discovered {
        None => (wasm::edge(plan), "route_config", route::config(plan, false)),
        Some(sources) => {
            let edge = map! {
                "name": EDGE,
                "config_discovery": map! {
                    "config_source": sources.edge,
                    "type_urls": texts([format!("type.googleapis.com/{WASM_TYPE}")]),
                },
            };
            let routes = map! { "route_config_name": route::NAME, "config_source": sources.routes };
            (edge, "rds", routes)
        }
    };
    let mut filters: Vec<Value> = identity::tokens(plan).into_iter().chain(access_tokens(plan)).collect();
    filters.push(edge);
    filters.extend(rate_limit::filter(plan));
    filters.push(route::router());
    let manager = map! {
        "stat_prefix": "tollgate",
        "codec_type": "AUTO",
        // What many proxies speak to those behind them.
        "http_protocol_options": map! { "accept_http_10": true, "default_host_for_http_10": "tollgate" },
        "server_name": "tollgate",
        // Clients are not trusted: their x-envoy-* headers are removed, whatever network they come from, and where they
        // are is nobody's business upstream.
        "use_remote_address": true,
        "skip_xff_append": true,
        "internal_address_config": map! {},
        // A client's own x-request-id is kept, so that its logs and ours can be joined.
        "preserve_external_request_id": true,
        "normalize_path": true,
        "merge_slashes": true,
        "request_headers_timeout": "10s",
        "request_timeout": "300s",
        "stream_idle_timeout": route::stream_idle(plan),
        "http_filters": list(filters),
        "access_log": list([access_log::access_log(plan)]),
    };
    let manager = with(manager, "local_reply_config", rate_limit::local_replies(plan));
    let chain = map! {
        "filters": list([extension(
            "envoy.filters.network.http_connection_manager",
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            with(manager, routes_key, Some(routes)),
        )]),
    };
    map! {
        "name": "tollgate",
        "address": socket(&plan.listen.0, plan.listen.1),
        "filter_chains": list([with(chain, "transport_socket", tls(plan))]),
    }
}

/// What fetches access tokens of Google's, for providers with `auth: gcp`. Envoy has this filter for listeners only, and
/// a chain may come to such a provider at its last try: so the token is fetched before the edge phase, which is a look
/// into a cache but once an hour, and left where no header can carry it anywhere.
fn access_tokens(plan: &Plan<'_>) -> Option<Value> {
    plan.upstreams.iter().any(|upstream| upstream.auth == AuthPlan::Gcp).then(|| {
        extension(
            GCP_TOKEN[0],
            "envoy.extensions.filters.http.gcp_authn.v3.GcpAuthnFilterConfig",
            map! {
                "cluster": METADATA_CLUSTER,
                "timeout": "2s",
                "audience": map! { "access_token": map! {
                    "scopes": texts(["https://www.googleapis.com/auth/cloud-platform".to_owned()]),
                } },
                "token_metadata_key": GCP_TOKEN[1],
                "cache_config": map! { "cache_size": 16 },
            },
        )
    })
}

/// The listener's certificate.
fn tls(plan: &Plan<'_>) -> Option<Value> {
    let tls = plan.gateway.server.tls.as_ref()?;
    let file = |path: &str| map! { "filename": path };
    let mut common = map! {
        "alpn_protocols": texts(["h2", "http/1.1"]),
        "tls_certificates": list([map! {
            "certificate_chain": file(&tls.cert_file),
            "private_key": file(&tls.key_file),
        }]),
    };
    let mut context = map! {};
    if let Some((required, authorities)) = identity::certificates(plan) {
        common = with(common, "validation_context", Some(authorities));
        context = with(context, "require_client_certificate", Some(required.into()));
    }
    context = with(context, "common_tls_context", Some(common));
    Some(map! {
        "name": "envoy.transport_sockets.tls",
        "typed_config": any("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", context),
    })
}
