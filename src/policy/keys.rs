//! Client keys, wherever the dialects put them (`authorization: Bearer …`, `x-api-key`, `x-goog-api-key`, `?key=`),
//! compared as SHA-256 digests in constant time.

use crate::config::tables::Key;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use subtle::ConstantTimeEq;

/// What carried the key that was accepted. It is the gateway's secret and never goes to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// `authorization: Bearer …`
    Authorization,
    /// `x-api-key`
    ApiKey,
    /// `x-goog-api-key`
    GoogApiKey,
    /// The query's `key` (Gemini).
    Query,
}

impl Carrier {
    /// The header it is; `None` for the query.
    pub fn header(self) -> Option<&'static str> {
        match self {
            Self::Authorization => Some("authorization"),
            Self::ApiKey => Some("x-api-key"),
            Self::GoogApiKey => Some("x-goog-api-key"),
            Self::Query => None,
        }
    }
}

/// The credentials that came with a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Offered<'r> {
    /// The header `authorization`.
    pub authorization: Option<&'r str>,
    /// The header `x-api-key`.
    pub api_key: Option<&'r str>,
    /// The header `x-goog-api-key`.
    pub goog_api_key: Option<&'r str>,
    /// The query's `key`, decoded.
    pub query: Option<&'r str>,
}

/// What the client's credentials are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No keys are configured: everybody may ask.
    Open,
    /// The key at this position of the list, and the header that held it.
    Known(usize, Carrier),
    /// No credential at all.
    Absent,
    /// A credential that is no key of ours.
    Wrong,
}

/// Judges the credentials of a request. Every configured key is compared whatever the outcome, so that the time taken
/// does not tell how near a guess was, nor which key it matched.
pub fn judge(keys: &[Key], offered: Offered<'_>) -> Verdict {
    if keys.is_empty() {
        return Verdict::Open;
    }
    let offered = [
        (Carrier::ApiKey, offered.api_key.map(str::trim)),
        (Carrier::GoogApiKey, offered.goog_api_key.map(str::trim)),
        (Carrier::Query, offered.query.map(str::trim)),
        (Carrier::Authorization, offered.authorization.and_then(bearer)),
    ];
    let mut verdict = Verdict::Absent;
    for (carrier, secret) in offered {
        let Some(secret) = secret.filter(|s| !s.is_empty()) else { continue };
        match find(keys, secret) {
            Some(index) => return Verdict::Known(index, carrier),
            None => verdict = Verdict::Wrong,
        }
    }
    verdict
}

fn find(keys: &[Key], secret: &str) -> Option<usize> {
    let digest: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
    let mut found = None;
    for (index, key) in keys.iter().enumerate() {
        if bool::from(key.sha256.ct_eq(&digest)) {
            found = Some(index);
        }
    }
    found
}

/// The token of an `authorization: Bearer` header (RFC 6750 §2.1); the scheme is case-insensitive.
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The digest of a key as it stands in the configuration: 64 hexadecimal digits.
pub fn digest_hex(secret: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(secret.as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Whether an `authorization` is a signature of AWS's (Signature Version 4), which only AWS can check.
pub fn is_signature(authorization: &str) -> bool {
    authorization.starts_with("AWS4-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer<'r>(authorization: Option<&'r str>, api_key: Option<&'r str>) -> Offered<'r> {
        Offered { authorization, api_key, ..Offered::default() }
    }

    #[test]
    fn gemini_clients_have_places_of_their_own() {
        let header = Offered { goog_api_key: Some("one"), ..Offered::default() };
        assert_eq!(judge(&keys(), header), Verdict::Known(0, Carrier::GoogApiKey));
        let query = Offered { query: Some("two"), ..Offered::default() };
        assert_eq!(judge(&keys(), query), Verdict::Known(1, Carrier::Query));
        assert_eq!(Carrier::Query.header(), None);
    }

    fn keys() -> Vec<Key> {
        ["one", "two"]
            .iter()
            .map(|s| Key { id: (*s).into(), sha256: Sha256::digest(s.as_bytes()).into(), tenant: None })
            .collect()
    }

    #[test]
    fn both_headers_are_read() {
        assert_eq!(
            judge(&keys(), offer(Some("Bearer two"), None)),
            Verdict::Known(1, Carrier::Authorization)
        );
        assert_eq!(
            judge(&keys(), offer(Some("bearer  one"), None)),
            Verdict::Known(0, Carrier::Authorization)
        );
        assert_eq!(judge(&keys(), offer(None, Some("one"))), Verdict::Known(0, Carrier::ApiKey));
    }

    #[test]
    fn the_right_key_counts_whichever_header_has_it() {
        let v = judge(&keys(), offer(Some("Bearer sk-of-the-provider"), Some("two")));
        assert_eq!(v, Verdict::Known(1, Carrier::ApiKey));
        let v = judge(&keys(), offer(Some("Bearer two"), Some("sk-ant-of-the-provider")));
        assert_eq!(v, Verdict::Known(1, Carrier::Authorization));
    }

    #[test]
    fn wrong_and_absent_are_told_apart() {
        assert_eq!(judge(&keys(), offer(Some("Bearer three"), None)), Verdict::Wrong);
        assert_eq!(judge(&keys(), offer(Some("Basic one"), None)), Verdict::Absent);
        assert_eq!(judge(&keys(), offer(None, Some(" "))), Verdict::Absent);
        assert_eq!(judge(&[], offer(None, None)), Verdict::Open);
    }

    #[test]
    fn digest_is_the_standard_one() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(digest_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
