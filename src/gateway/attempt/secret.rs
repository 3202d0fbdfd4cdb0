//! What a provider says of the key that it was shown: it must not reach a client, a log or a page.

use crate::config::tables::Auth;
use crate::dialect::lane::redacted;
use crate::gateway::exchange::Exchange;
use memchr::memmem;
use std::borrow::Cow;

/// Shorter keys are not looked for: that would take out words.
const SHORTEST: usize = 8;

/// What takes the place of a key.
const HIDDEN: &[u8] = b"[redacted]";

/// A refusal's body without the key that the gateway sent, and, where the key was what was refused, without anything that
/// looks like one: providers repeat parts of it.
pub(super) fn hidden<'b>(exchange: &Exchange, status: u16, body: &'b [u8]) -> Cow<'b, [u8]> {
    let auth = exchange.attempts.last().map(|attempt| &attempt.provider.auth);
    let secret = match auth {
        Some(Auth::Header { value, .. }) => value.0.strip_prefix("Bearer ").or(Some(&*value.0)),
        Some(Auth::GcpToken) => exchange.gcp_token.as_ref().map(|token| &*token.0),
        _ => None,
    };
    let Some(secret) = secret else { return Cow::Borrowed(body) };
    let body = without(body, secret.as_bytes());
    if !matches!(status, 401 | 403) {
        return body;
    }
    match std::str::from_utf8(&body).map(|text| redacted(text)) {
        Ok(Cow::Owned(text)) => Cow::Owned(text.into_bytes()),
        _ => body,
    }
}

/// Bytes with something else in each place of a secret.
fn without<'b>(bytes: &'b [u8], secret: &[u8]) -> Cow<'b, [u8]> {
    let mut places = memmem::find_iter(bytes, secret).peekable();
    if secret.len() < SHORTEST || places.peek().is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in places {
        out.extend_from_slice(bytes.get(from..at).unwrap_or_default());
        out.extend_from_slice(HIDDEN);
        from = at.saturating_add(secret.len());
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_it_goes() {
        let seen = without(b"a 0f3a9c51e2d84b60 b 0f3a9c51e2d84b60", b"0f3a9c51e2d84b60");
        assert_eq!(&*seen, b"a [redacted] b [redacted]");
        for (bytes, secret) in [("nothing of it", "0f3a9c51e2d84b60"), ("short: k", "k")] {
            assert!(matches!(without(bytes.as_bytes(), secret.as_bytes()), Cow::Borrowed(_)));
        }
    }
}
