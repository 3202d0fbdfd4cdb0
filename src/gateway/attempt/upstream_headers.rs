//! The request headers one provider gets. The list is made afresh for each try, because all tries and the client's
//! request share one header map: whatever is not named here does not reach the provider.

use super::time_limit;
use crate::config::tables::{Auth, Endpoint, Target};
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
    "x-envoy-internal",
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

/// The headers of a try: the name and the value of each, most of them as they stand in the configuration.
#[derive(Debug, Default)]
pub struct Wanted<'h>(Vec<(&'h str, Cow<'h, str>)>);

impl<'h> Wanted<'h> {
    fn add(&mut self, name: &'h str, value: impl Into<Cow<'h, str>>) {
        self.0.push((name, value.into()));
    }

    /// Replaces every value of a header by one.
    fn set(&mut self, name: &'h str, value: impl Into<Cow<'h, str>>) {
        self.0.retain(|(other, _)| *other != name);
        self.add(name, value);
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| *other == name)
    }
}

/// Makes the request's headers exactly those of `wanted`. Each call of the host is for one header, and replacing the
/// whole map costs more than changing what differs.
pub fn apply(host: &impl Host, exchange: &Exchange, wanted: &Wanted<'_>) {
    // The one header map still holds what the proxy itself added for the tries before: no other provider may see that.
    for attempt in &exchange.attempts {
        if let Auth::ByProxy { headers } = attempt.provider.auth {
            for name in headers.iter().filter(|name| !wanted.has(name)) {
                host.set_header(Side::Request, name, None);
            }
        }
    }
    // What an earlier try left is looked at only where there was one.
    let first = exchange.tries() < 2;
    let left = if first { Headers::default() } else { host.headers(Side::Request) };
    let current = if first { &exchange.headers } else { &left };
    let gone = |name: &str| first && REMOVED_BY_ROUTE.contains(&name);
    for (name, _) in &current.0 {
        if !wanted.has(name) && !gone(name) {
            host.set_header(Side::Request, name, None);
        }
    }
    for (name, value) in &wanted.0 {
        if gone(name) || !current.is_exactly(name, value) {
            host.set_header(Side::Request, name, Some(value));
        }
    }
}

/// The headers of a try, pseudo-headers first.
pub fn build<'h>(
    exchange: &'h Exchange,
    target: &'h Target,
    endpoint: &'h Endpoint,
    model: &str,
    length: usize,
) -> Wanted<'h> {
    let provider = &*target.provider;
    let mut headers = Wanted(Vec::with_capacity(12));
    let forwarded = exchange.forwarded.as_ref();
    headers.add(":method", forwarded.map_or("POST", |forwarded| &*forwarded.request.method));
    headers.add(":scheme", if provider.tls { "https" } else { "http" });
    headers.add(":authority", &*provider.authority);
    let path = if exchange.stream { &endpoint.stream_path } else { &endpoint.path };
    let path = if path.contains("{model}") {
        let segment = utf8_percent_encode(model, SEGMENT).to_string();
        Cow::Owned(path.replace("{model}", &segment))
    } else {
        Cow::Borrowed(&**path)
    };
    let carriage = provider.quirks.carriage;
    if let Some(forwarded) = forwarded {
        headers.add(":path", below(&path, forwarded));
        frame_forwarded(exchange, forwarded, length, &mut headers);
    } else {
        headers.add(":path", path);
        headers.add("content-type", "application/json");
        headers.add("content-length", itoa::Buffer::new().format(length).to_owned());
        let stream_type = match carriage {
            Carriage::Plain => endpoint.dialect.shape().stream_type(),
            carriage => carriage.stream_type(),
        };
        headers.add("accept", if exchange.stream { stream_type } else { "application/json" });
    }
    headers.add("user-agent", concat!("tollgate/", env!("CARGO_PKG_VERSION")));
    if endpoint.dialect == Dialect::Anthropic && carriage == Carriage::Plain {
        headers.add("anthropic-version", ANTHROPIC_VERSION);
    }
    match &provider.auth {
        Auth::Header { name, value } => headers.add(name, &*value.0),
        Auth::Passthrough => pass_credentials(exchange, endpoint.dialect, &mut headers),
        Auth::GcpToken => {
            if let Some(token) = &exchange.gcp_token {
                headers.add("authorization", format!("Bearer {}", token.0));
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
    if let Some(limit) = target.limit.of(exchange.stream) {
        headers.set(time_limit::HEADER, time_limit::entry(&provider.name, limit));
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
fn frame_forwarded<'h>(
    exchange: &'h Exchange,
    forwarded: &Forwarded,
    length: usize,
    headers: &mut Wanted<'h>,
) {
    if length > 0 || forwarded.request.method == "POST" {
        if let Some(content_type) = exchange.client_header("content-type") {
            headers.add("content-type", content_type);
        }
        headers.add("content-length", itoa::Buffer::new().format(length).to_owned());
    }
    headers.add("accept", exchange.client_header("accept").unwrap_or("*/*"));
}

/// The client's own credentials. Gemini has a header of its own, and Anthropic knows `x-api-key` and `authorization`;
/// the others know only `authorization: Bearer`, so a key that came elsewhere is put there.
fn pass_credentials<'h>(exchange: &'h Exchange, dialect: Dialect, headers: &mut Wanted<'h>) {
    // A signature of AWS's is for the request that the client sent, and for nobody else.
    let authorization = exchange.client_header("authorization").filter(|value| !keys::is_signature(value));
    let key = ["x-api-key", "api-key", "x-goog-api-key"].iter().find_map(|name| exchange.client_header(name));
    if let Some(value) = authorization {
        headers.add("authorization", value);
    }
    match (dialect, key) {
        (Dialect::Anthropic, Some(key)) => headers.add("x-api-key", key),
        (Dialect::Gemini, Some(key)) => headers.add("x-goog-api-key", key),
        (_, Some(key)) if authorization.is_none() => headers.add("authorization", format!("Bearer {key}")),
        _ => {}
    }
}
