//! Headers that a provider gets: those that are set, and the client's that are let through.

use super::Problem;
use super::problem::entry;
use super::schema::{HeaderValue, Provider};
use super::upstream::{AuthPlan, is_variable};
use crate::policy::keys::Carrier;
use crate::provider::Preset;

/// Headers that frame the message or steer Envoy: nobody sets or forwards them.
fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        "host"
            | "content-length"
            | "content-type"
            | "transfer-encoding"
            | "connection"
            | "keep-alive"
            | "te"
            | "trailer"
            | "upgrade"
            | "proxy-connection"
            | "proxy-authorization"
            | "accept-encoding"
            | "expect"
    ) || name.starts_with("x-envoy-")
        || name.starts_with("x-tollgate-")
}

/// Whether a text can be the name of a header.
pub(crate) fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Why a header, its name in lower case, cannot be set for any provider; `None` where it can.
pub(crate) fn why_not_set(name: &str, value: &HeaderValue) -> Option<&'static str> {
    let is_unsafe = |byte: u8| byte < b' ' && byte != b'\t' || byte == 0x7f;
    match value {
        _ if !is_header_name(name) => Some("is no header name"),
        _ if is_reserved(name) => Some("cannot be set: it belongs to the connection or to the gateway"),
        HeaderValue::Text(text) if text.bytes().any(is_unsafe) => Some("has control characters in its value"),
        HeaderValue::Env { env } if !is_variable(env) => {
            Some("`env` must be the name of an environment variable")
        }
        _ => None,
    }
}

/// Headers set on every request, the preset's first.
pub(super) fn set(
    settings: &Provider,
    preset: Option<&Preset>,
    auth: &AuthPlan,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Vec<(String, HeaderValue)> {
    let mut headers: Vec<(String, HeaderValue)> = Vec::new();
    for (name, value) in preset.map_or(&[][..], |preset| preset.headers) {
        headers.push(((*name).to_owned(), HeaderValue::Text((*value).to_owned())));
    }
    for (index, (written, value)) in settings.headers.iter().enumerate() {
        let is_it = |other: &str| other.eq_ignore_ascii_case(written);
        let at = entry(&format!("{path}.headers"), written);
        let name = written.to_lowercase();
        let problem = if matches!(auth, AuthPlan::Key { header, .. } if header.name() == name) {
            Some("carries the key already")
        } else if settings.headers.names().take(index).any(is_it) {
            Some("stands here twice: letter case makes no other header of it")
        } else {
            why_not_set(&name, value)
        };
        if let Some(message) = problem {
            problems.push(Problem::new(at, message));
        }
        headers.retain(|(known, _)| *known != name);
        headers.push((name, value.clone()));
    }
    headers
}

/// Client headers that are let through, in lower case.
pub(super) fn forwarded(
    settings: &Provider,
    auth: &AuthPlan,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let Some(written) = &settings.forward_headers else {
        let usual: &[&str] = match auth {
            AuthPlan::Passthrough => &["anthropic-version", "anthropic-beta"],
            _ => &[],
        };
        return usual.iter().map(|&name| name.to_owned()).collect();
    };
    let mut names = Vec::new();
    for (index, written) in written.iter().enumerate() {
        let name = written.to_lowercase();
        let problem = if !is_header_name(&name) {
            Some("is no header name")
        } else if Carrier::is_header(&name) {
            Some("is a credential: `auth: passthrough` forwards it")
        } else if is_reserved(&name) {
            Some("cannot be forwarded: it belongs to the connection or to the gateway")
        } else {
            None
        };
        if let Some(message) = problem {
            problems.push(Problem::new(format!("{path}.forward_headers[{index}]"), message));
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
