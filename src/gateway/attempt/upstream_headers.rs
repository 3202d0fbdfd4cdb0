//! The request headers one provider gets. The list is made afresh for each try, because all tries and the client's
//! request share one header map: whatever is not named here does not reach the provider.

use crate::config::tables::{Auth, Endpoint, Provider};
use crate::dialect::{Carriage, Dialect};
use crate::gateway::exchange::{Exchange, Forwarded};
use crate::gateway::headers::Headers;
use crate::gateway::host::{Host, Side};
use crate::policy::keys;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Cow;

/// The version of the Anthropic API that the lanes were written for.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// The header that asks for beta features of Anthropic's.
pub const BETAS: &str = "anthropic-beta";

/// What a path segment may hold as it is: the unreserved characters of RFC 3986 §2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Request headers that the rendered route takes out before any try begins, which costs the proxy less than a call of
/// the filter for each: what official clients send about themselves, and what the proxy adds about the client.
pub const REMOVED_BY_ROUTE: &[&str] = &[
    "accept-encoding",
    "accept-language",
    "forwarded",
    "sec-fetch-mode",
    "x-envoy-external-address",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
    "x-stainless-arch",
    "x-stainless-async",
    "x-stainless-helper",
    "x-stainless-helper-method",
    "x-stainless-lang",
    "x-stainless-os",
    "x-stainless-package-version",
    "x-stainless-raw-response",
    "x-stainless-read-timeout",
    "x-stainless-retry-count",
    "x-stainless-runtime",
    "x-stainless-runtime-version",
    "x-stainless-timeout",
];

/// Makes the request's headers exactly those of `wanted`. Each call of the host is for one header, and replacing the
/// whole map costs more than changing what differs.
pub fn apply(host: &impl Host, exchange: &mut Exchange, wanted: Headers) {
    // The one header map still holds what the proxy itself added for the tries before: no other provider may see that.
    for attempt in &exchange.attempts {
        if let Auth::ByProxy { headers } = attempt.provider.auth {
            for name in headers.iter().filter(|name| wanted.get(name).is_none()) {
                host.set_header(Side::Request, name, None);
            }
        }
    }
    let (current, first) = match &exchange.sent {
        Some(sent) => (sent, false),
        None => (&exchange.headers, true),
    };
    let gone = |name: &str| first && REMOVED_BY_ROUTE.contains(&name);
    for (name, _) in &current.0 {
        if wanted.get(name).is_none() && !gone(name) {
            host.set_header(Side::Request, name, None);
        }
    }
    for (name, value) in &wanted.0 {
        if gone(name) || !current.is_exactly(name, value) {
            host.set_header(Side::Request, name, Some(value));
        }
    }
    exchange.sent = Some(wanted);
}

/// The headers of a try, pseudo-headers first.
pub fn build(
    exchange: &Exchange,
    provider: &Provider,
    endpoint: &Endpoint,
    model: &str,
    length: usize,
) -> Headers {
    let mut headers = Headers(Vec::with_capacity(12));
    let mut add = |name: &str, value: &str| headers.0.push((name.to_owned(), value.to_owned()));
    let forwarded = exchange.forwarded.as_ref();
    add(":method", forwarded.map_or("POST", |forwarded| &forwarded.request.method));
    add(":scheme", if provider.tls { "https" } else { "http" });
    add(":authority", &provider.authority);
    let path = if exchange.stream { &endpoint.stream_path } else { &endpoint.path };
    let path = if path.contains("{model}") {
        let segment = utf8_percent_encode(model, SEGMENT).to_string();
        Cow::Owned(path.replace("{model}", &segment))
    } else {
        Cow::Borrowed(&**path)
    };
    let carriage = provider.quirks.carriage;
    if let Some(forwarded) = forwarded {
        add(":path", &below(&path, forwarded));
        frame_forwarded(exchange, forwarded, length, &mut add);
    } else {
        add(":path", &path);
        add("content-type", "application/json");
        add("content-length", itoa::Buffer::new().format(length));
        let stream_type = match carriage {
            Carriage::Plain => endpoint.dialect.shape().stream_type(),
            carriage => carriage.stream_type(),
        };
        add("accept", if exchange.stream { stream_type } else { "application/json" });
    }
    add("user-agent", concat!("tollgate/", env!("CARGO_PKG_VERSION")));
    if endpoint.dialect == Dialect::Anthropic && carriage == Carriage::Plain {
        add("anthropic-version", ANTHROPIC_VERSION);
    }
    match &provider.auth {
        Auth::Header { name, value } => add(name, &value.0),
        Auth::Passthrough => pass_credentials(exchange, endpoint.dialect, &mut add),
        Auth::GcpToken => {
            if let Some(token) = &exchange.gcp_token {
                add("authorization", &format!("Bearer {}", token.0));
            }
        }
        // What the proxy adds it adds behind the filter.
        Auth::None | Auth::ByProxy { .. } | Auth::Missing { .. } => {}
    }
    if forwarded.is_some() && endpoint.dialect == Dialect::Anthropic {
        // Its services beside messages are behind these.
        for name in ["anthropic-version", "anthropic-beta"] {
            if let Some(value) = exchange.client_header(name) {
                headers.set(name, value);
            }
        }
    }
    for name in &provider.forward_headers {
        let is_betas = **name == *BETAS;
        // Bedrock has them in the body, on either side.
        if is_betas && carriage == Carriage::BedrockInvoke {
            continue;
        }
        let betas = || exchange.call.betas.as_deref().filter(|_| is_betas);
        if let Some(value) = exchange.client_header(name).or_else(betas) {
            headers.set(name, value);
        }
    }
    for (name, value) in &provider.headers {
        headers.set(name, &**value);
    }
    headers
}

/// The path of something below a service's own, with the client's query.
fn below(path: &str, forwarded: &Forwarded) -> String {
    let (path, own) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let (below, query) = (&forwarded.request.below, &forwarded.query);
    match own {
        Some(own) => format!("{path}{below}?{own}{}", query.replacen('?', "&", 1)),
        None => format!("{path}{below}{query}"),
    }
}

/// The headers that say what a body is, and what the client takes: its own words.
fn frame_forwarded(
    exchange: &Exchange,
    forwarded: &Forwarded,
    length: usize,
    add: &mut impl FnMut(&str, &str),
) {
    if length > 0 || forwarded.request.method == "POST" {
        if let Some(content_type) = exchange.client_header("content-type") {
            add("content-type", content_type);
        }
        add("content-length", itoa::Buffer::new().format(length));
    }
    add("accept", exchange.client_header("accept").unwrap_or("*/*"));
}

/// The client's own credentials. Gemini has a header of its own, and Anthropic knows `x-api-key` and `authorization`;
/// the others know only `authorization: Bearer`, so a key that came elsewhere is put there.
fn pass_credentials(exchange: &Exchange, dialect: Dialect, add: &mut impl FnMut(&str, &str)) {
    // A signature of AWS's is for the request that the client sent, and for nobody else.
    let authorization = exchange.client_header("authorization").filter(|value| !keys::is_signature(value));
    let key = exchange.client_header("x-api-key").or_else(|| exchange.client_header("x-goog-api-key"));
    if let Some(value) = authorization {
        add("authorization", value);
    }
    match (dialect, key) {
        (Dialect::Anthropic, Some(key)) => add("x-api-key", key),
        (Dialect::Gemini, Some(key)) => add("x-goog-api-key", key),
        (_, Some(key)) if authorization.is_none() => add("authorization", &format!("Bearer {key}")),
        _ => {}
    }
}
