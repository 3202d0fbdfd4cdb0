//! The rules by which counters are found that others tell of.

use super::ledger::CellId;
use super::quota::{Quota, Quotas};
use crate::config::tables::Keys;
use std::rc::Rc;

/// All rules that are in force: those of the configuration, and those of the keys that came on their own.
#[derive(Debug, Clone, Copy)]
pub struct Rulebook<'t> {
    /// Those of the configuration, its own keys' included.
    pub quotas: &'t Quotas,
    /// The keys that came on their own.
    pub filed: Option<&'t Keys>,
}

impl<'t> Rulebook<'t> {
    /// The rule of a counter. That of a filed key comes first: its name was not compared with those of the configuration.
    pub fn of(self, id: &CellId) -> Option<&'t Rc<Quota>> {
        let of_key = || self.filed?.quotas_of(&id.value)?.all().find(|quota| quota.name == id.rule);
        of_key().or_else(|| self.quotas.named(&id.rule))
    }
}
