//! What Envoy verifies of who asks: tokens, before the edge phase, and certificates. The edge phase reads what it found
//! and decides: a request that shows neither may still have a key, and a refusal has to be in the client's dialect.

use super::Plan;
use super::yaml::{Value, duration, extension, list, map, texts, with};
use crate::config::BaseUrl;
use crate::config::schema::{Jwt, Mtls};
use crate::gateway::TOKEN;
use std::time::Duration;

/// Name of the cluster that public keys are fetched from.
pub(super) const JWKS_CLUSTER: &str = "tollgate_jwks";

/// How long fetched public keys are kept where the configuration does not say: that is how long a key that the issuer has
/// withdrawn stays good.
const JWKS_KEPT: Duration = Duration::from_mins(10);

/// The filter that verifies tokens. A bad one is not refused here but passed on as none.
pub(super) fn tokens(plan: &Plan<'_>) -> Option<Value> {
    let jwt = plan.gateway.identity.jwt.as_ref()?;
    let token = plan.tables.access.token.as_ref()?;
    // What is no bearer is no token; any other header holds the token alone.
    let prefix = if *token.header == *"authorization" { "Bearer " } else { "" };
    let mut header = map! { "name": &*token.header };
    if !prefix.is_empty() {
        header = with(header, "value_prefix", Some(prefix.into()));
    }
    let mut provider = map! { "issuer": jwt.issuer.as_str() };
    if !jwt.audiences.is_empty() {
        provider = with(provider, "audiences", Some(texts(jwt.audiences.iter().cloned())));
    }
    let (key, jwks) = key_set(jwt)?;
    provider = with(provider, key, Some(jwks));
    for (key, value) in [
        ("from_headers", list([header])),
        // The edge phase decides what becomes of the header.
        ("forward", true.into()),
        // A token without an end would be good for ever.
        ("require_expiration", true.into()),
        ("payload_in_metadata", TOKEN[3].into()),
    ] {
        provider = with(provider, key, Some(value));
    }
    let requirement = map! { "requires_any": map! { "requirements": list([
        map! { "provider_name": "tollgate" },
        map! { "allow_missing_or_failed": map! {} },
    ]) } };
    Some(extension(
        TOKEN[2],
        "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        map! {
            "providers": map! { "tollgate": provider },
            "rules": list([map! { "match": map! { "prefix": "/" }, "requires": requirement }]),
        },
    ))
}

/// Where the issuer's public keys are.
fn key_set(jwt: &Jwt) -> Option<(&'static str, Value)> {
    if let Some(file) = &jwt.jwks_file {
        return Some(("local_jwks", map! { "filename": file.as_str() }));
    }
    let url = jwt.jwks_url.as_deref()?;
    let remote = map! {
        "http_uri": map! { "uri": url, "cluster": JWKS_CLUSTER, "timeout": "5s" },
        "cache_duration": duration(jwt.jwks_cache.map_or(JWKS_KEPT, |span| span.0)),
        // Fetched ahead, so that no request waits for it.
        "async_fetch": map! {},
    };
    Some(("remote_jwks", remote))
}

/// Where public keys are fetched from.
pub(super) fn key_server(plan: &Plan<'_>) -> Option<BaseUrl> {
    BaseUrl::parse(plan.gateway.identity.jwt.as_ref()?.jwks_url.as_deref()?).ok()
}

/// What the listener asks of clients' certificates: these fields of its TLS context.
pub(super) fn certificates(plan: &Plan<'_>) -> Option<(bool, Value)> {
    let Mtls { ca_file, required, .. } = plan.gateway.identity.mtls.as_ref()?;
    Some((required.unwrap_or(false), map! { "trusted_ca": map! { "filename": ca_file.as_str() } }))
}
