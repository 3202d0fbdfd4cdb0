//! Providers, with their secrets.

use crate::config::schema::{CircuitBreaker, HeaderValue};
use crate::config::tables::{Auth, FirstToken, Provider, Secret};
use crate::config::{AuthPlan, Upstream};

/// What Envoy's `aws_request_signing` leaves in a request.
const AWS_HEADERS: &[&str] = &["authorization", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"];

/// The table of one provider.
pub(super) fn table(index: usize, upstream: &Upstream, env: &dyn Fn(&str) -> Option<String>) -> Provider {
    // An empty variable is as good as none: containers set them for keys that nobody gave.
    let env =
        |name: &str| env(name).map(|value| value.trim().to_owned()).filter(|value| is_header_value(value));
    let mut auth = match &upstream.auth {
        AuthPlan::None => Auth::None,
        AuthPlan::Passthrough => Auth::Passthrough,
        AuthPlan::Gcp => Auth::GcpToken,
        AuthPlan::Aws { .. } => Auth::ByProxy { headers: AWS_HEADERS },
        AuthPlan::Key { variable, header, optional } => match env(variable) {
            Some(key) => Auth::Header { name: header.name(), value: Secret(header.value(&key).into()) },
            None if *optional => Auth::None,
            None => Auth::Missing { variable: variable.as_str().into() },
        },
    };
    let mut headers = Vec::new();
    for (name, value) in &upstream.headers {
        match value {
            HeaderValue::Text(text) => headers.push((name.as_str().into(), text.as_str().into())),
            HeaderValue::Env { env: variable } => match env(variable) {
                Some(value) => headers.push((name.as_str().into(), value.into())),
                // Without a header that was meant to be there, requests would go out half authorised.
                None => auth = Auth::Missing { variable: variable.as_str().into() },
            },
        }
    }
    Provider {
        name: upstream.name.as_str().into(),
        index,
        cluster: upstream.cluster().into(),
        tls: upstream.base.tls,
        authority: upstream.base.authority().into(),
        endpoints: upstream.endpoints.clone(),
        auth,
        headers,
        forward_headers: upstream.forward_headers.iter().map(|name| name.as_str().into()).collect(),
        timeout: FirstToken::written(upstream.settings.timeout, upstream.settings.stream_timeout),
        idle_timeout: upstream.settings.idle_timeout.map(|span| span.0),
        circuit: upstream.settings.circuit_breaker.as_ref().map(CircuitBreaker::circuit).unwrap_or_default(),
        quirks: upstream.quirks,
        price_provider: upstream.price_provider,
    }
}

/// Whether a text can be the value of a header; a key with a line break inside never was one.
fn is_header_value(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte >= b' ' && byte != 0x7f)
}
