//! One cluster a provider.

use super::identity::JWKS_CLUSTER;
use super::yaml::{Value, any, duration, extension, list, map, socket, texts, with};
use super::{Plan, fleet, identity, rate_limit, time_limit, wasm};
use crate::config::limits;
use crate::config::schema::{CircuitBreaker, Protocol, Tls};
use crate::config::tables::{Breaker, TIMED_CLUSTER};
use crate::config::{AuthPlan, BaseUrl, Upstream};
use std::net::IpAddr;

/// The cluster of the OpenTelemetry collector.
pub(super) const OTLP_CLUSTER: &str = "tollgate_otlp";

const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// The cluster of Google Cloud's metadata server, and where that is on every machine there.
pub(super) const METADATA_CLUSTER: &str = "tollgate_gcp_metadata";
const METADATA_HOST: &str = "metadata.google.internal";

/// All clusters: the providers in their order, then the others, where they are needed. `keys` is where the keys of a file
/// are discovered, if anything is.
pub(super) fn clusters(plan: &Plan<'_>, keys: Option<Value>) -> Vec<Value> {
    let mut clusters: Vec<Value> = plan.upstreams.iter().map(|upstream| provider(plan, upstream)).collect();
    clusters.extend(time_limit::is_needed(plan, keys.is_some()).then(|| timed(plan)));
    if plan.upstreams.iter().any(|upstream| upstream.auth == AuthPlan::Gcp) {
        clusters.push(metadata_server());
    }
    clusters.extend(identity::key_server(plan).map(|url| key_server(plan, &url)));
    clusters.extend(plan.keys.as_deref().map(|filed| keys_bringer(plan, filed, keys)));
    clusters.extend(fleet::cluster(plan));
    clusters.extend(rate_limit::cluster(plan));
    clusters.extend(plan.otlp.as_ref().map(|(host, port)| grpc(OTLP_CLUSTER, host, *port)));
    clusters
}

/// The cluster of one provider.
fn provider(plan: &Plan<'_>, upstream: &Upstream) -> Value {
    let name = upstream.cluster();
    let settings = &upstream.settings;
    let connect = settings.connect_timeout.map_or(limits::CONNECT_TIMEOUT, |span| span.0);
    let mut cluster = map! { "name": name.as_str(), "type": discovery(upstream) };
    cluster = with(cluster, "dns_lookup_family", upstream.base.ip().is_none().then(|| "V4_PREFERRED".into()));
    cluster = with(cluster, "connect_timeout", Some(duration(connect)));
    cluster = with(cluster, "load_assignment", Some(addresses(&name, upstream)));
    cluster = with(cluster, "transport_socket", tls(plan, upstream));
    let mut filters = vec![wasm::attempt(plan, Some(&upstream.name))];
    filters.extend(signing(&upstream.auth));
    filters.push(codec());
    let mut options = map! { "common_http_protocol_options": map! { "idle_timeout": "300s" } };
    options = with(options, protocol_key(upstream), Some(protocol(upstream)));
    options = with(options, "http_filters", Some(list(filters)));
    cluster = with(cluster, "typed_extension_protocol_options", Some(http_options(options)));
    cluster = with(cluster, "circuit_breakers", Some(circuit_breakers(settings.circuit_breaker.as_ref())));
    cluster = with(cluster, "outlier_detection", outlier_detection(plan, upstream));
    with(cluster, "health_checks", health_checks(plan, upstream))
}

/// The way by the listener that keeps time limits, to whichever provider is due. What providers' settings say of
/// connections is for the clusters behind that.
fn timed(plan: &Plan<'_>) -> Value {
    let options = map! {
        // HTTP/2 carries the scheme, but a connection each: a large body that a provider is slow to read must not use up
        // the window of the others.
        "explicit_http_config": map! { "http2_protocol_options": map! { "max_concurrent_streams": 1 } },
        "http_filters": list([wasm::attempt(plan, None), codec()]),
    };
    let within = map! { "envoy_internal_address": map! { "server_listener_name": time_limit::LISTENER } };
    map! {
        "name": TIMED_CLUSTER,
        "type": STATIC,
        "connect_timeout": duration(limits::CONNECT_TIMEOUT),
        "load_assignment": at(TIMED_CLUSTER, within),
        "typed_extension_protocol_options": http_options(options),
        "circuit_breakers": circuit_breakers(None),
    }
}

/// When the filter leaves one of this provider's targets alone: of several settings the most patient one.
fn breaker(plan: &Plan<'_>, upstream: &Upstream) -> Option<Breaker> {
    let own = plan.tables.targets().filter(|target| *target.provider.name == *upstream.name);
    own.filter_map(|target| target.circuit.breaker).max_by_key(|breaker| breaker.failure_threshold)
}

/// One sick address among several is left out by Envoy, after as many failures and for as long as the filter leaves a
/// target alone; which target that is, is the filter's to say. So this is only for names, which may have several. Never more than half of them are left out, and a lone one never: with nobody left, Envoy would either
/// ask the sick one all the same or answer without a try at the next target.
fn outlier_detection(plan: &Plan<'_>, upstream: &Upstream) -> Option<Value> {
    let breaker = breaker(plan, upstream).filter(|_| discovery(upstream) != STATIC)?;
    Some(map! {
        "consecutive_5xx": breaker.failure_threshold,
        "interval": "1s",
        "base_ejection_time": duration(breaker.open),
        "max_ejection_time": duration(breaker.open.max(limits::MAX_EJECTION)),
        "max_ejection_percent": if has_nobody(upstream) { BELOW_HALF } else { 50 },
        "enforcing_success_rate": 0,
    })
}

/// Envoy's own questions. They choose among the addresses of one provider; when none is well, all are asked as before
/// (the panic threshold stays at its default), and the filter's circuits judge by what comes back.
fn health_checks(plan: &Plan<'_>, upstream: &Upstream) -> Option<Value> {
    let check = upstream.settings.health_check.as_ref()?;
    let every = duration(check.every.map_or(limits::HEALTH_CHECK_EVERY, |span| span.0));
    let breaker = breaker(plan, upstream);
    Some(list([map! {
        "timeout": duration(check.timeout.map_or(limits::HEALTH_CHECK_TIMEOUT, |span| span.0)),
        "interval": every.clone(),
        "no_traffic_interval": every,
        "unhealthy_threshold": breaker.map_or(3, |breaker| breaker.failure_threshold),
        "healthy_threshold": breaker.map_or(1, |breaker| breaker.success_threshold),
        "http_health_check": map! { "path": check.path.as_str(), "host": upstream.base.authority() },
    }]))
}

/// The end of every chain of upstream filters.
fn codec() -> Value {
    extension(
        "envoy.filters.http.upstream_codec",
        "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
        map! {},
    )
}

/// What brings the keys of a file: the filter of a cluster that nothing leads to. As a filter of the listener it would cost
/// every request something, and as part of the edge phase a new key would configure everything anew.
fn keys_bringer(plan: &Plan<'_>, filed: &str, discovered: Option<Value>) -> Value {
    let filter = match discovered {
        None => wasm::keys(plan, filed),
        Some(source) => map! {
            "name": wasm::KEYS,
            "config_discovery": map! {
                "config_source": source,
                "type_urls": texts([format!("type.googleapis.com/{}", wasm::WASM_TYPE)]),
            },
        },
    };
    let options = map! {
        "explicit_http_config": map! { "http_protocol_options": map! {} },
        "http_filters": list([filter, codec()]),
    };
    map! {
        "name": wasm::KEYS,
        "type": "STATIC",
        "connect_timeout": duration(limits::CONNECT_TIMEOUT),
        "typed_extension_protocol_options": http_options(options),
    }
}

/// The server of the public keys that tokens are verified with.
fn key_server(plan: &Plan<'_>, url: &BaseUrl) -> Value {
    let cluster = map! {
        "name": JWKS_CLUSTER,
        "type": if url.ip().is_some() { "STATIC" } else { "STRICT_DNS" },
        "connect_timeout": duration(limits::CONNECT_TIMEOUT),
        "load_assignment": endpoints(JWKS_CLUSTER, &url.host, url.port),
    };
    let tls = url.tls.then(|| tls_towards(plan, &url.host, url.ip(), None));
    with(cluster, "transport_socket", tls)
}

/// What signs the request that the filter made: over its path, headers and body.
fn signing(auth: &AuthPlan) -> Option<Value> {
    let AuthPlan::Aws { region } = auth else { return None };
    Some(extension(
        "envoy.filters.http.aws_request_signing",
        "envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigning",
        map! { "service_name": "bedrock", "region": region.as_str() },
    ))
}

/// The cluster of the metadata server.
fn metadata_server() -> Value {
    map! {
        "name": METADATA_CLUSTER,
        "type": "STRICT_DNS",
        "dns_lookup_family": "V4_PREFERRED",
        "connect_timeout": duration(limits::CONNECT_TIMEOUT),
        "load_assignment": endpoints(METADATA_CLUSTER, METADATA_HOST, 80),
    }
}

/// HTTP options, as the one extension of a cluster.
fn http_options(options: Value) -> Value {
    with(map! {}, HTTP_OPTIONS, Some(any(HTTP_OPTIONS, options)))
}

/// The address is the one that stands there.
const STATIC: &str = "STATIC";

/// Every address that a name has is a server of its own.
const STRICT_DNS: &str = "STRICT_DNS";

/// How hosts are found.
fn discovery(upstream: &Upstream) -> &'static str {
    if upstream.base.ip().is_some() { STATIC } else { STRICT_DNS }
}

/// Most addresses that are left out, in percent, where one more is counted that is none: of one that is there none, of two
/// one, of three one, of four two.
const BELOW_HALF: u32 = 49;

/// An address at which nobody listens (port 1 is that of the old TCP multiplexer, RFC 1078).
const NOBODY: (&str, u16) = ("127.0.0.1", 1);

/// Any share of healthy addresses, however small, takes all requests, in percent.
const ALL_TO_THE_FIRST: u32 = 100_000;

/// Whether an address at which nobody listens stands behind the provider's own.
fn has_nobody(upstream: &Upstream) -> bool {
    discovery(upstream) != STATIC && upstream.settings.health_check.is_none()
}

/// A provider's addresses. For a name that does not resolve Envoy would answer 503 by itself, without a try and so without
/// a fallback. So behind the name stands an address that refuses, which is asked only when there is no other: the chain
/// goes on as with any other provider that cannot be reached. Where Envoy itself asks after the provider's health the
/// refusing one would be taken for the better one whenever the others are unwell.
fn addresses(cluster: &str, upstream: &Upstream) -> Value {
    let mut found = endpoints(cluster, &upstream.base.host, upstream.base.port);
    if !has_nobody(upstream) {
        return found;
    }
    if let Some(Value::Sequence(localities)) = found.get_mut("endpoints") {
        let endpoint = map! { "endpoint": map! { "address": socket(NOBODY.0, NOBODY.1) } };
        localities.push(map! { "priority": 1, "lb_endpoints": list([endpoint]) });
    }
    with(found, "policy", Some(map! { "overprovisioning_factor": ALL_TO_THE_FIRST }))
}

fn endpoints(cluster: &str, host: &str, port: u16) -> Value {
    at(cluster, socket(host, port))
}

/// The one address of a cluster.
fn at(cluster: &str, address: Value) -> Value {
    let endpoint = map! { "endpoint": map! { "address": address } };
    map! { "cluster_name": cluster, "endpoints": list([map! { "lb_endpoints": list([endpoint]) }]) }
}

/// TLS towards the provider.
fn tls(plan: &Plan<'_>, upstream: &Upstream) -> Option<Value> {
    let settings = upstream.settings.tls.as_ref();
    upstream.base.tls.then(|| tls_towards(plan, &upstream.base.host, upstream.base.ip(), settings))
}

/// TLS towards a host: the certificate must come from a trusted authority, and be for that very name.
pub(super) fn tls_towards(plan: &Plan<'_>, host: &str, ip: Option<IpAddr>, settings: Option<&Tls>) -> Value {
    let ca = settings.and_then(|tls| tls.ca_file.as_deref()).unwrap_or(&plan.ca_file);
    let mut validation = map! { "trusted_ca": map! { "filename": ca } };
    let mut context = map! {};
    match (settings.and_then(|tls| tls.sni.as_deref()), ip) {
        // An address has no name to ask for; the certificate must be for the address.
        (None, Some(ip)) => {
            let matcher = map! { "san_type": "IP_ADDRESS", "matcher": map! { "exact": ip.to_string() } };
            validation = with(validation, "match_typed_subject_alt_names", Some(list([matcher])));
        }
        (sni, _) => {
            context = map! { "sni": sni.unwrap_or(host), "auto_sni_san_validation": true };
        }
    }
    let common = map! {
        "tls_params": map! { "tls_minimum_protocol_version": "TLSv1_2" },
        "validation_context": validation,
    };
    map! {
        "name": "envoy.transport_sockets.tls",
        "typed_config": any(
            "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            with(context, "common_tls_context", Some(common)),
        ),
    }
}

fn protocol_key(upstream: &Upstream) -> &'static str {
    match (upstream.settings.protocol.unwrap_or_default(), upstream.base.tls) {
        (Protocol::Auto, true) => "auto_config",
        _ => "explicit_http_config",
    }
}

fn protocol(upstream: &Upstream) -> Value {
    // Providers' balancers drop idle connections without a word; a ping finds out before a request does.
    let http2 = || {
        map! { "connection_keepalive": map! {
            "interval": "30s", "timeout": "10s", "connection_idle_interval": "15s",
        } }
    };
    match (upstream.settings.protocol.unwrap_or_default(), upstream.base.tls) {
        (Protocol::Auto, true) => {
            map! { "http_protocol_options": map! {}, "http2_protocol_options": http2() }
        }
        (Protocol::Auto, false) | (Protocol::Http1, _) => map! { "http_protocol_options": map! {} },
        (Protocol::Http2, _) => map! { "http2_protocol_options": http2() },
    }
}

/// Thresholds. Envoy's own of three retries would starve the fallback as soon as four requests need it at once.
fn circuit_breakers(settings: Option<&CircuitBreaker>) -> Value {
    let or_high = |value: Option<u32>| value.unwrap_or(limits::CIRCUIT_BREAKER);
    let of = |pick: fn(&CircuitBreaker) -> Option<u32>| or_high(settings.and_then(pick));
    map! {
        "thresholds": list([map! {
            "max_connections": of(|breaker| breaker.max_connections),
            "max_pending_requests": of(|breaker| breaker.max_pending_requests),
            "max_requests": of(|breaker| breaker.max_requests),
            "max_retries": of(|breaker| breaker.max_retries),
        }]),
    }
}

/// The cluster of a gRPC service in clear text.
pub(super) fn grpc(name: &str, host: &str, port: u16) -> Value {
    let options = map! { "explicit_http_config": map! { "http2_protocol_options": map! {} } };
    with(plain(name, host, port), "typed_extension_protocol_options", Some(http_options(options)))
}

/// The cluster of a server in clear text, HTTP/1.1 unless more is said.
pub(super) fn plain(name: &str, host: &str, port: u16) -> Value {
    let is_address = host.parse::<IpAddr>().is_ok();
    map! {
        "name": name,
        "type": if is_address { "STATIC" } else { "STRICT_DNS" },
        "connect_timeout": duration(limits::CONNECT_TIMEOUT),
        "load_assignment": endpoints(name, host, port),
    }
}
