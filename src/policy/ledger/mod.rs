//! Counters that all workers of this Envoy share, exact by compare-and-swap: what was spent, what is reserved, how full a
//! bucket is.
//!
//! # Where they are kept
//! The host's shared data has keys and versions, and neither deletes, forgets nor lists. So there is a fixed number of
//! [`PAGES`]; an account (a scope and its value, such as the tenant `acme`) belongs to one page by its hash, and a page
//! holds one [`Cell`] for each rule of each of its accounts. All rules of an account are asked and changed in one reading
//! and one writing of its page: a request costs two of each for every scope that rules count by.
//!
//! # How much memory that is
//! A page is made when its first account is, and holds 8 KB at most: 64 MiB in all, about a million cells of fifty to a
//! hundred bytes. Envoy's memory grows by up to twice that: its allocator keeps sizes apart, and pages pass through many.
//! Cells that say no more than fresh ones (the window is over, the bucket is full again) go whenever their
//! page is written. Where the living do not fit, those go that lose least (nothing reserved, no money spent, few tokens,
//! the nearest end), and the metric `tollgate.ledger_evictions` counts them: their accounts start afresh.
//!
//! # What becomes of a lost worker
//! A trap takes the requests of its worker, and what they reserved is never given back. Reservations are kept by the time
//! of admission and dropped when no request of that time can be alive.

mod account;
mod cell;
mod page;
mod peaks;
mod sharing;
#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod tests;
mod turn;

pub use account::Account;
pub(crate) use account::rule_tag;
pub use cell::{Cell, Held, Slice, Worth};
pub use peaks::Peaks;
pub use sharing::{CellId, Consumed};
pub use turn::Turn;

use crate::gateway::Host;
use crate::gateway::host::ABSENT;
use account::Accounts;
use sharing::Marks;
use std::cell::{Cell as StdCell, RefCell};

/// The number of pages.
pub const PAGES: u16 = 8192;

/// Rounds after which a change is given up. Each lost round means that another worker changed the page, so this many mean
/// a defect.
const ROUNDS: u32 = 100_000;

/// One worker's way to the counters.
#[derive(Debug, Default)]
pub struct Ledger {
    accounts: RefCell<Accounts>,
    marks: RefCell<Marks>,
    evicted: StdCell<u64>,
}

/// The cells of one account, being changed.
#[derive(Debug)]
pub struct Draft<'p> {
    /// Where they were read.
    page: &'p [u8],
    account: u64,
    own: page::Own,
    changed: bool,
}

impl<'p> Draft<'p> {
    fn of(page: &'p [u8], account: u64) -> Self {
        Self { page, account, own: page::read(page, account), changed: false }
    }

    /// Takes all changes back: unless others follow, nothing is written.
    pub fn undo(&mut self) {
        if self.changed {
            *self = Self::of(self.page, self.account);
        }
    }

    /// The counters of a rule, to be changed where they are; fresh ones where there are none. They are written in any case.
    pub fn edit(&mut self, rule: u32) -> Option<&mut Cell> {
        self.changed = true;
        let cells = &mut self.own.cells;
        if !cells.iter().any(|(tag, _)| *tag == rule) {
            cells.push((rule, Cell::default()));
        }
        cells.iter_mut().find(|(tag, _)| *tag == rule).map(|(_, cell)| cell)
    }
}

/// The cells of one account, to be looked at.
#[derive(Debug)]
pub struct Cells(page::Own);

impl Cells {
    /// The counters of a rule; fresh ones where there are none.
    pub fn cell(&self, rule: u32) -> Cell {
        self.0.cells.iter().find(|(tag, _)| *tag == rule).map(|(_, cell)| cell.clone()).unwrap_or_default()
    }
}

impl Ledger {
    /// The account of a scope's value.
    pub fn account(&self, scope: crate::policy::scope::Scope, value: &str) -> Account {
        self.accounts.borrow_mut().of(scope, value)
    }

    /// Changes an account's cells; nobody else changes them between. `change` is called again when another worker was
    /// faster, and must do the same each time. Where it changes nothing, nothing is written.
    pub fn change<R>(
        &self,
        host: &impl Host,
        account: &Account,
        now: u64,
        mut change: impl FnMut(&mut Draft<'_>) -> R,
    ) -> R {
        let mut rounds = 0;
        loop {
            let (page, version) = host.shared(&account.page);
            let page = page.unwrap_or_default();
            let mut draft = Draft::of(&page, account.mark);
            let result = change(&mut draft);
            if !draft.changed {
                return result;
            }
            let (bytes, evicted) = page::write(&page, account.mark, &draft.own, now);
            if host.share(&account.page, &bytes, Some(version.unwrap_or(ABSENT))) {
                self.evicted.set(self.evicted.get() + evicted as u64);
                return result;
            }
            rounds += 1;
            if rounds == ROUNDS {
                log::error!("tollgate: a count could not be written: the page changes all the time");
                return result;
            }
        }
    }

    /// Reads an account's cells.
    pub fn read(&self, host: &impl Host, account: &Account) -> Cells {
        let page = host.shared(&account.page).0.unwrap_or_default();
        Cells(page::read(&page, account.mark))
    }

    /// How many living cells this worker had to give up for others since the last call.
    pub fn take_evicted(&self) -> u64 {
        self.evicted.replace(0)
    }
}
