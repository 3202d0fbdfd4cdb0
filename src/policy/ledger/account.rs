//! Accounts: where the cells of a scope's value lie.

use super::PAGES;
use crate::policy::scope::Scope;
use hashbrown::HashMap;
use sha2::{Digest, Sha256};
use std::rc::Rc;

/// Accounts whose place is remembered; one more starts afresh. The hash of one takes about a microsecond.
const REMEMBERED: usize = 4096;

/// Whose cells they are.
#[derive(Debug, Clone)]
pub struct Account {
    /// What the value is one of.
    pub scope: Scope,
    /// The value: a tenant's name, a key's id.
    pub value: Rc<str>,
    /// The key of its page in shared data.
    pub(super) page: Rc<str>,
    /// What tells it from the other accounts of its page.
    pub(super) mark: u64,
}

/// The mark comes first: two that differ differ in it.
impl PartialEq for Account {
    fn eq(&self, other: &Self) -> bool {
        self.mark == other.mark && self.scope == other.scope && self.value == other.value
    }
}

/// The places of accounts asked for lately.
#[derive(Debug, Default)]
pub(super) struct Accounts(HashMap<Scope, HashMap<Rc<str>, Account>>);

impl Accounts {
    pub(super) fn of(&mut self, scope: Scope, value: &str) -> Account {
        let known = self.0.entry(scope).or_default();
        if let Some(account) = known.get(value) {
            return account.clone();
        }
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let account = place(scope, value);
        known.insert(Rc::clone(&account.value), account.clone());
        account
    }
}

/// Page and mark are parts of a SHA-256: some values are chosen by clients, who must not be able to choose a value that
/// shares somebody else's cells.
fn place(scope: Scope, value: &str) -> Account {
    let mut hash = Sha256::new();
    hash.update(scope.as_str());
    hash.update([0]);
    hash.update(value);
    let digest: [u8; 32] = hash.finalize().into();
    let (mark, rest) = digest.split_first_chunk::<8>().map_or(([0; 8], &digest[..]), |(m, r)| (*m, r));
    let page = rest.first_chunk::<2>().map_or(0, |page| u16::from_le_bytes(*page) % PAGES);
    Account {
        scope,
        value: value.into(),
        page: format!("tollgate.ledger.{page}").into(),
        mark: u64::from_le_bytes(mark),
    }
}

/// A short mark of a rule among those of its account.
pub(crate) fn rule_tag(name: &str) -> u32 {
    let digest: [u8; 32] = Sha256::digest(name).into();
    digest.first_chunk().map_or(0, |tag| u32::from_le_bytes(*tag))
}
