//! Client keys, wherever the dialects put them (`authorization: Bearer …`, `x-api-key`, `api-key`, `x-goog-api-key`, `?key=`),
//! found by their SHA-256: see [`Keys::get`] for what that says of time.

use crate::config::tables::{Access, Digest, Key, Keys};
use sha2::{Digest as _, Sha256};
use std::fmt::Write;
use std::rc::Rc;
use subtle::ConstantTimeEq;

/// What may carry a key. One of the gateway's is its secret, and never goes to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// `authorization: Bearer …`
    Authorization,
    /// `x-api-key`
    ApiKey,
    /// `api-key` (Azure)
    AzureApiKey,
    /// `x-goog-api-key`
    GoogApiKey,
    /// The query's `key` (Gemini).
    Query,
}

impl Carrier {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Authorization, Self::ApiKey, Self::AzureApiKey, Self::GoogApiKey, Self::Query];

    /// Whether a header, by its name in lower case, carries keys.
    pub fn is_header(name: &str) -> bool {
        Self::ALL.iter().any(|carrier| carrier.header() == Some(name))
    }

    /// The header it is; `None` for the query.
    pub fn header(self) -> Option<&'static str> {
        match self {
            Self::Authorization => Some("authorization"),
            Self::ApiKey => Some("x-api-key"),
            Self::AzureApiKey => Some("api-key"),
            Self::GoogApiKey => Some("x-goog-api-key"),
            Self::Query => None,
        }
    }
}

/// The headers of a request that hold a key of the gateway's, whatever it is worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holders(u8);

impl Holders {
    fn add(&mut self, carrier: Carrier) {
        self.0 |= 1 << carrier as u8;
    }

    /// Whether this header is one of them.
    pub fn has(self, header: &str) -> bool {
        const HEADERS: [Carrier; 4] =
            [Carrier::Authorization, Carrier::ApiKey, Carrier::AzureApiKey, Carrier::GoogApiKey];
        self.0 != 0
            && HEADERS.iter().any(|one| self.0 & (1 << *one as u8) != 0 && one.header() == Some(header))
    }
}

/// The credentials that came with a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Offered<'r> {
    /// The header `authorization`.
    pub authorization: Option<&'r str>,
    /// The header `x-api-key`.
    pub api_key: Option<&'r str>,
    /// The header `api-key`.
    pub azure_api_key: Option<&'r str>,
    /// The header `x-goog-api-key`.
    pub goog_api_key: Option<&'r str>,
    /// The query's `key`, decoded.
    pub query: Option<&'r str>,
}

/// What the client's credentials are worth.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// A key that is good.
    Known(Rc<Key>),
    /// The key that may do everything.
    Master,
    /// No credential at all.
    Absent,
    /// A credential that is no key of ours.
    Wrong,
    /// A key of ours that is no longer good, or not for now: what it is or did.
    Over(&'static str),
}

/// The keys that are good for a gateway.
#[derive(Debug, Clone, Copy)]
pub struct Ring<'t> {
    /// Those of the configuration.
    pub access: &'t Access,
    /// Those that came on their own.
    pub filed: Option<&'t Keys>,
}

impl<'t> Ring<'t> {
    fn get(self, digest: &Digest) -> Option<&'t Rc<Key>> {
        self.access.keys.get(digest).or_else(|| self.filed?.get(digest))
    }

    fn is_master(self, digest: &Digest) -> bool {
        self.access.master.is_some_and(|master| bool::from(master.ct_eq(digest)))
    }
}

/// Judges the credentials of a request that came at this time, in seconds since 1970, and says where those are that only
/// this gateway may see. A key that is good counts before one that is not, wherever they stand.
pub fn judge(ring: Ring<'_>, offered: Offered<'_>, now: u64) -> (Verdict, Holders) {
    let offered = [
        (Carrier::ApiKey, offered.api_key.map(str::trim)),
        (Carrier::AzureApiKey, offered.azure_api_key.map(str::trim)),
        (Carrier::GoogApiKey, offered.goog_api_key.map(str::trim)),
        (Carrier::Query, offered.query.map(str::trim)),
        (Carrier::Authorization, offered.authorization.and_then(bearer)),
    ];
    let (mut verdict, mut holders) = (Verdict::Absent, Holders::default());
    for (carrier, secret) in offered {
        let Some(secret) = secret.filter(|s| !s.is_empty()) else { continue };
        let found = worth(ring, &Sha256::digest(secret.as_bytes()).into(), now);
        if found != Verdict::Wrong {
            holders.add(carrier);
        }
        let is_better = match verdict {
            Verdict::Known(_) | Verdict::Master => false,
            Verdict::Absent => true,
            Verdict::Wrong | Verdict::Over(_) => found != Verdict::Wrong,
        };
        if is_better {
            verdict = found;
        }
    }
    (verdict, holders)
}

/// What one credential is worth.
fn worth(ring: Ring<'_>, digest: &Digest, now: u64) -> Verdict {
    if ring.is_master(digest) {
        return Verdict::Master;
    }
    match ring.get(digest) {
        Some(key) if key.disabled => Verdict::Over("is disabled"),
        Some(key) if key.expires.is_some_and(|end| now >= end) => Verdict::Over("has expired"),
        Some(key) => Verdict::Known(Rc::clone(key)),
        None => Verdict::Wrong,
    }
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

    fn keys() -> Keys {
        let mut keys = Keys::default();
        for (id, expires, disabled) in [("one", None, false), ("two", Some(1000), false), ("off", None, true)]
        {
            let key = Key {
                quotas: crate::policy::quota::KeyQuotas::default(),
                id: id.into(),
                sha256: Sha256::digest(id.as_bytes()).into(),
                tenant: None,
                team: None,
                project: None,
                models: None,
                expires,
                disabled,
                metadata: serde_json::Map::new(),
            };
            assert!(keys.insert(Rc::new(key)).is_none());
        }
        keys
    }

    /// The id of the key that is known, and where keys of ours stood.
    fn known(offered: Offered<'_>) -> Option<(String, Holders)> {
        let access = Access { keys: keys(), ..Access::default() };
        match judge(Ring { access: &access, filed: None }, offered, 999) {
            (Verdict::Known(key), holders) => Some((key.id.to_string(), holders)),
            _ => None,
        }
    }

    fn at(carriers: &[Carrier]) -> Holders {
        let mut holders = Holders::default();
        for carrier in carriers {
            holders.add(*carrier);
        }
        holders
    }

    #[test]
    fn gemini_clients_have_places_of_their_own() {
        let header = Offered { goog_api_key: Some("one"), ..Offered::default() };
        assert_eq!(known(header), Some(("one".into(), at(&[Carrier::GoogApiKey]))));
        let query = Offered { query: Some("two"), ..Offered::default() };
        assert_eq!(known(query), Some(("two".into(), at(&[Carrier::Query]))));
        assert_eq!(Carrier::Query.header(), None);
    }

    #[test]
    fn both_headers_are_read() {
        let at_authorization = |id: &str| Some((id.to_owned(), at(&[Carrier::Authorization])));
        assert_eq!(known(offer(Some("Bearer two"), None)), at_authorization("two"));
        assert_eq!(known(offer(Some("bearer  one"), None)), at_authorization("one"));
        assert_eq!(known(offer(None, Some("one"))), Some(("one".into(), at(&[Carrier::ApiKey]))));
    }

    #[test]
    fn the_right_key_counts_whichever_header_has_it() {
        let found = known(offer(Some("Bearer sk-of-the-provider"), Some("two")));
        assert_eq!(found, Some(("two".into(), at(&[Carrier::ApiKey]))));
        let found = known(offer(Some("Bearer two"), Some("sk-ant-of-the-provider")));
        assert_eq!(found, Some(("two".into(), at(&[Carrier::Authorization]))));
    }

    #[test]
    fn every_key_of_ours_is_held_back() {
        for other in ["off", "one", "two"] {
            let (id, holders) = known(offer(Some("Bearer two"), Some(other))).unwrap();
            assert!(["one", "two"].contains(&&*id));
            assert!(
                holders.has("authorization") && holders.has("x-api-key") && !holders.has("api-key"),
                "{other}"
            );
        }
        assert!(!known(offer(Some("Bearer two"), Some("sk-other"))).unwrap().1.has("x-api-key"));
    }

    #[test]
    fn wrong_and_absent_and_over_are_told_apart() {
        let access = Access { keys: keys(), ..Access::default() };
        let judged = |offered| judge(Ring { access: &access, filed: None }, offered, 1000).0;
        assert_eq!(judged(offer(Some("Bearer three"), None)), Verdict::Wrong);
        assert_eq!(judged(offer(Some("Basic one"), None)), Verdict::Absent);
        assert_eq!(judged(offer(None, Some(" "))), Verdict::Absent);
        assert_eq!(judged(offer(None, Some("two"))), Verdict::Over("has expired"));
        assert_eq!(judged(offer(Some("Bearer wrong"), Some("off"))), Verdict::Over("is disabled"));
    }

    #[test]
    fn keys_of_a_file_and_the_master_key_are_good_too() {
        let master = Some(Sha256::digest(b"master").into());
        let (access, filed) = (Access { master, ..Access::default() }, keys());
        let judged =
            |secret| judge(Ring { access: &access, filed: Some(&filed) }, offer(None, Some(secret)), 0).0;
        assert_eq!(judged("master"), Verdict::Master);
        assert!(matches!(judged("one"), Verdict::Known(key) if &*key.id == "one"));
        assert_eq!(judged("three"), Verdict::Wrong);
    }

    #[test]
    fn digest_is_the_standard_one() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(digest_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
