//! Cross-origin resource sharing (the Fetch standard, §3.2 "CORS protocol").

use super::headers::Headers;
use crate::config::tables::Cors;
use std::borrow::Cow;

/// Request headers that the dialects' clients send: of credentials, of versions, and what SDKs say about themselves.
const DIALECT_HEADERS: &str = "authorization, content-type, x-api-key, api-key, x-goog-api-key, \
     anthropic-version, anthropic-beta, anthropic-dangerous-direct-browser-access, \
     openai-beta, openai-organization, openai-project, x-request-id, \
     x-stainless-arch, x-stainless-lang, x-stainless-os, x-stainless-package-version, x-stainless-retry-count, \
     x-stainless-runtime, x-stainless-runtime-version, x-stainless-timeout, x-stainless-helper, \
     x-stainless-helper-method, x-stainless-poll-helper, x-stainless-custom-poll-interval, \
     x-goog-api-client, x-client-name, \
     x-fern-language, x-fern-runtime, x-fern-runtime-version, x-fern-sdk-name, x-fern-sdk-version, \
     amz-sdk-invocation-id, amz-sdk-request, x-amz-content-sha256, x-amz-date, x-amz-security-token, x-amz-user-agent";

/// Response headers that a page may read.
const EXPOSED: &str = "x-tollgate-provider, x-tollgate-model, x-tollgate-attempts, x-tollgate-request-id, \
     x-tollgate-cost, x-tollgate-usage, x-tollgate-warnings, x-tollgate-budget-warning, \
     retry-after, retry-after-ms, request-id, x-request-id, x-amzn-requestid, x-amzn-errortype, \
     x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, \
     x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens, \
     anthropic-ratelimit-requests-limit, anthropic-ratelimit-requests-remaining, \
     anthropic-ratelimit-requests-reset, anthropic-ratelimit-tokens-limit, \
     anthropic-ratelimit-tokens-remaining, anthropic-ratelimit-tokens-reset";

/// Headers of an answer to a request from `origin`; none when the origin is not allowed.
pub fn answer_headers(rules: &Cors, origin: Option<&str>) -> Vec<(&'static str, String)> {
    let Some(origin) = origin else { return Vec::new() };
    if allows_all(rules) {
        return vec![("access-control-allow-origin", "*".to_owned()), exposed()];
    }
    if !rules.origins.iter().any(|o| o.eq_ignore_ascii_case(origin)) {
        return Vec::new();
    }
    vec![("access-control-allow-origin", origin.to_owned()), ("vary", "origin".to_owned()), exposed()]
}

fn exposed() -> (&'static str, String) {
    ("access-control-expose-headers", EXPOSED.to_owned())
}

fn allows_all(rules: &Cors) -> bool {
    rules.origins.iter().any(|o| &**o == "*")
}

/// The headers beyond [`answer_headers`] that answer a preflight; `None` when the request is none, or CORS is not
/// configured. A preflight from an origin that is not allowed gets an answer without permissions.
pub fn preflight<'h>(
    rules: &Cors,
    method: &str,
    headers: &'h Headers,
) -> Option<Vec<(&'static str, Cow<'h, str>)>> {
    if rules.origins.is_empty() || method != "OPTIONS" {
        return None;
    }
    headers.get("access-control-request-method")?;
    let origin = headers.get("origin")?;
    if !allows_all(rules) && !rules.origins.iter().any(|o| o.eq_ignore_ascii_case(origin)) {
        return Some(Vec::new());
    }
    let mut answer = vec![("access-control-allow-methods", Cow::Borrowed("GET, POST, DELETE, OPTIONS"))];
    // The asked headers are echoed when all of them are allowed, which keeps the answer short.
    if let Some(asked) = headers.get("access-control-request-headers") {
        let allowed = asked.split(',').all(|name| allows_header(rules, name.trim()));
        let headers = if allowed { asked } else { DIALECT_HEADERS };
        answer.push(("access-control-allow-headers", Cow::Borrowed(headers)));
    }
    if rules.max_age_secs > 0 {
        answer.push(("access-control-max-age", Cow::Owned(rules.max_age_secs.to_string())));
    }
    Some(answer)
}

fn allows_header(rules: &Cors, name: &str) -> bool {
    DIALECT_HEADERS.split(", ").any(|h| h.trim().eq_ignore_ascii_case(name))
        || rules.headers.iter().any(|h| h.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(origins: &[&str]) -> Cors {
        Cors {
            origins: origins.iter().map(|o| (*o).into()).collect(),
            headers: vec!["x-mine".into()],
            max_age_secs: 600,
        }
    }

    fn asks(origin: &str, headers: &str) -> Headers {
        [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", headers),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn a_preflight_from_an_allowed_origin_gets_what_it_asked() {
        let headers = asks("https://a.example", "authorization, x-mine");
        let answer = preflight(&rules(&["https://a.example"]), "OPTIONS", &headers).unwrap();
        assert!(answer.contains(&("access-control-allow-headers", "authorization, x-mine".into())));
        assert!(answer.contains(&("access-control-max-age", "600".into())));
    }

    #[test]
    fn others_get_no_permission() {
        let headers = asks("https://b.example", "authorization");
        assert_eq!(preflight(&rules(&["https://a.example"]), "OPTIONS", &headers), Some(vec![]));
        assert_eq!(answer_headers(&rules(&["https://a.example"]), Some("https://b.example")), vec![]);
    }

    #[test]
    fn headers_nobody_allowed_are_not_echoed() {
        let headers = asks("https://a.example", "x-other");
        let answer = preflight(&rules(&["*"]), "OPTIONS", &headers).unwrap();
        assert!(answer.contains(&("access-control-allow-headers", DIALECT_HEADERS.into())));
    }

    #[test]
    fn an_options_request_without_cors_is_not_a_preflight() {
        assert_eq!(preflight(&rules(&[]), "OPTIONS", &asks("https://a.example", "x")), None);
        assert_eq!(preflight(&rules(&["*"]), "OPTIONS", &Headers::default()), None);
    }
}
