//! Who may ask: the client keys, and what else is believed.

use super::Excerpt;
use crate::policy::quota::KeyQuotas;
use hashbrown::{HashMap, HashTable};
use serde_json::{Map, Value};
use std::rc::Rc;
use subtle::ConstantTimeEq;

/// The SHA-256 of a secret.
pub type Digest = [u8; 32];

/// A client key. The secret itself is nowhere.
#[derive(Debug, PartialEq)]
pub struct Key {
    /// Identifier, for the audit line.
    pub id: Rc<str>,
    /// SHA-256 of the key.
    pub sha256: Digest,
    /// Who pays.
    pub tenant: Option<Rc<str>>,
    /// The team within the tenant.
    pub team: Option<Rc<str>>,
    /// The project within the team.
    pub project: Option<Rc<str>>,
    /// The models it may use; `None`: all.
    pub models: Option<Rc<[ModelPattern]>>,
    /// The first second, since 1970, at which it is no longer good.
    pub expires: Option<u64>,
    /// Whether it is refused for now.
    pub disabled: bool,
    /// Its own budgets and limits.
    pub quotas: KeyQuotas,
    /// What the configuration says of it beyond that, for rules to read.
    pub metadata: Map<String, Value>,
}

/// Who may ask, and who is believed to.
#[derive(Debug, Default)]
pub struct Access {
    /// The client keys of the configuration itself.
    pub keys: Keys,
    /// Whether the configuration lists keys, and be it none.
    pub has_list: bool,
    /// Whether further keys come on their own, and may change without anything else.
    pub has_file: bool,
    /// The key that may do everything.
    pub master: Option<Digest>,
    /// The tokens that are believed.
    pub token: Option<Token>,
    /// The certificates of clients that are believed.
    pub certificate: Option<Certificate>,
    /// The headers that are believed, in lower case.
    pub headers: Parts<Box<str>>,
    /// Whether those headers take the place of a key.
    pub headers_suffice: bool,
    /// The models for those that no key let in; `None`: all.
    pub models: Option<Rc<[ModelPattern]>>,
}

impl Access {
    /// Whether everybody may ask.
    pub fn is_open(&self) -> bool {
        let has_keys = self.has_file || self.has_list || self.master.is_some();
        let suffices = self.token.as_ref().is_some_and(|token| token.suffices)
            || self.certificate.as_ref().is_some_and(|certificate| certificate.suffices)
            || self.headers_suffice;
        !has_keys && !suffices
    }
}

/// The parts of an identity, and where each is found; what is not found anywhere is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts<T> {
    /// Who pays.
    pub tenant: Option<T>,
    /// The team within the tenant.
    pub team: Option<T>,
    /// The project within the team.
    pub project: Option<T>,
    /// The person.
    pub user: Option<T>,
    /// The kind of agent.
    pub agent: Option<T>,
}

impl<T> Parts<T> {
    /// The parts that are found somewhere.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        [&self.tenant, &self.team, &self.project, &self.user, &self.agent].into_iter().flatten()
    }
}

impl<T> Default for Parts<T> {
    fn default() -> Self {
        Self { tenant: None, team: None, project: None, user: None, agent: None }
    }
}

/// What is believed of a token that the proxy has verified.
#[derive(Debug)]
pub struct Token {
    /// Who issued it.
    pub issuer: Box<str>,
    /// The header that carries it, in lower case.
    pub header: Box<str>,
    /// The claims, each as the way to it.
    pub claims: Parts<Vec<Box<str>>>,
    /// Whether it takes the place of a key.
    pub suffices: bool,
}

/// What is believed of a client's certificate that the proxy has verified.
#[derive(Debug)]
pub struct Certificate {
    /// Where its names are.
    pub names: Parts<CertificateName>,
    /// Whether it takes the place of a key.
    pub suffices: bool,
}

/// A name in a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateName {
    /// Which.
    pub field: CertificateField,
    /// The part of it that counts; `None`: the whole.
    pub part: Option<Excerpt>,
}

/// Where a certificate has names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateField {
    /// The first alternative name that is a URI.
    UriSan,
    /// The first alternative name that is a host's.
    DnsSan,
    /// The subject, as RFC 2253 writes it.
    Subject,
}

impl CertificateField {
    /// The proxy's word for it, as an attribute of the connection.
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::UriSan => "uri_san_peer_certificate",
            Self::DnsSan => "dns_san_peer_certificate",
            Self::Subject => "subject_peer_certificate",
        }
    }
}

/// Names of models: one, or with a `*` all that begin and end alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelPattern {
    /// What stands before the `*`, or the whole name.
    pub prefix: Box<str>,
    /// What stands after the `*`; `None`: there is no `*`.
    pub suffix: Option<Box<str>>,
}

impl ModelPattern {
    /// A pattern from its text; all after the first `*` is the suffix.
    pub fn new(text: &str) -> Self {
        match text.split_once('*') {
            Some((prefix, suffix)) => Self { prefix: prefix.into(), suffix: Some(suffix.into()) },
            None => Self { prefix: text.into(), suffix: None },
        }
    }

    /// Whether every name is meant.
    pub fn is_everything(&self) -> bool {
        self.prefix.is_empty() && self.suffix.as_deref() == Some("")
    }

    /// The one name that is meant, where there is no `*`.
    pub fn as_name(&self) -> Option<&str> {
        self.suffix.is_none().then_some(&*self.prefix)
    }

    /// Whether a name is meant. A `*` may stand for nothing.
    pub fn is_match(&self, name: &str) -> bool {
        match &self.suffix {
            None => *name == *self.prefix,
            Some(suffix) => name.strip_prefix(&*self.prefix).is_some_and(|rest| rest.ends_with(&**suffix)),
        }
    }
}

/// The keys of a gateway, found by their digest in a time that does not depend on how many there are.
#[derive(Debug, Default)]
pub struct Keys {
    table: HashTable<Rc<Key>>,
    /// Those with budgets or limits of their own, by their ids.
    with_quotas: HashMap<Rc<str>, Rc<Key>>,
}

impl Keys {
    /// Room for this many.
    pub fn with_capacity(number: usize) -> Self {
        Self { table: HashTable::with_capacity(number), ..Self::default() }
    }

    /// Adds a key; the one that has its digest already, if there is one, stays and comes back.
    pub fn insert(&mut self, key: Rc<Key>) -> Option<&Rc<Key>> {
        let digest = key.sha256;
        if self.get(&digest).is_some() {
            return self.get(&digest);
        }
        if key.quotas.all().next().is_some() {
            self.with_quotas.insert(Rc::clone(&key.id), Rc::clone(&key));
        }
        self.table.insert_unique(hash(&digest), key, |known| hash(&known.sha256));
        None
    }

    /// The key of a digest.
    ///
    /// The time that the look into the table takes may tell where in it the digest of a guess falls. That helps nobody:
    /// whoever guesses can compute that digest himself, and cannot turn one that is nearer to a stored digest into a
    /// secret that is nearer to the stored one, for SHA-256 is not to be steered. The entry found is compared in
    /// constant time all the same, so that not even the digest, which stands in configurations, leaks byte by byte.
    pub fn get(&self, digest: &Digest) -> Option<&Rc<Key>> {
        self.table.find(hash(digest), |key| bool::from(key.sha256.ct_eq(digest)))
    }

    /// The budgets and limits that a key, by its id, has of its own.
    pub fn quotas_of(&self, id: &str) -> Option<&KeyQuotas> {
        self.with_quotas.get(id).map(|key| &key.quotas)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Rc<Key>> {
        self.table.iter()
    }
}

/// A digest is as good a hash as there is: its first eight bytes serve.
fn hash(digest: &Digest) -> u64 {
    digest.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, matches) in [
            ("gpt-4o", "gpt-4o", true),
            ("gpt-4o", "gpt-4o-mini", false),
            ("claude-*", "claude-sonnet", true),
            ("claude-*", "claude", false),
            ("*-mini", "gpt-4o-mini", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*", "", true),
        ] {
            assert_eq!(ModelPattern::new(pattern).is_match(name), matches, "{pattern} {name}");
        }
    }
}
