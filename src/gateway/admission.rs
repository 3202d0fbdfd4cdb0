//! Admission: what a request may use of its budgets and limits is reserved before it goes out, and settled when it is over.

mod providers;
mod wanted;

use self::wanted::wanted;
use super::applicant::Applicant;
use super::denial::warning;
use super::exchange::Exchange;
use super::fleet::{self, Unknown};
use super::host::Host;
use super::quota_headers;
use super::worker::Worker;
use crate::dialect::Dialect;
use crate::policy::identity::Identity;
use crate::policy::ledger::{Account, CellId};
use crate::policy::queue::Place;
use crate::policy::quota::{Amounts, Clock, Over, Quota, Quotas, Refused, Standing, Terms, Unit};
use crate::policy::scope::Scope;
use std::rc::Rc;

/// How long to wait for one's turn, in nanoseconds: a tick.
const TURN_NS: u64 = 20_000_000;

/// What a request holds.
#[derive(Debug, Default)]
pub struct Admission {
    holds: Vec<Hold>,
    /// Who asks.
    identity: Identity,
    /// When it was admitted, in nanoseconds since the epoch.
    admitted_ns: u64,
    /// What it may use at most.
    pub wanted: Amounts,
    /// The limits that it was counted by, as they stand.
    pub limits: Vec<(Rc<Quota>, Standing)>,
    /// The budgets that are spent beyond their soft limit, as they stand.
    pub soft: Vec<(Rc<Quota>, Standing)>,
    /// What the client should know.
    pub warnings: Vec<String>,
    /// How long it waited, in milliseconds, where it did.
    pub queued_ms: Option<u64>,
    /// The rule that it waited for.
    pub queued_by: Option<Rc<str>>,
}

/// What a request holds of one account.
#[derive(Debug)]
struct Hold {
    account: Account,
    /// When it was reserved.
    admitted: Clock,
    /// The rules, and how much it holds by each.
    quotas: Vec<(Rc<Quota>, u64)>,
}

/// The rule that refuses a request.
#[derive(Debug, Clone)]
pub struct Denied {
    /// The rule.
    pub quota: Rc<Quota>,
    /// Whose counter it is.
    pub account: Account,
    /// How it stands.
    pub refused: Refused,
    /// Where it is not the rule that refuses: the fleet's counters are not known.
    pub unknown: Option<Box<Unknown>>,
}

impl Denied {
    /// What would have to be waited for.
    pub(super) fn place(&self) -> Place {
        Place { account: self.account.clone(), rule: self.quota.tag }
    }

    /// Whether the request may wait for it.
    pub(super) fn may_wait(&self) -> bool {
        match &self.unknown {
            Some(unknown) => matches!(**unknown, Unknown::NotRead),
            None => self.quota.over() == Over::Queue,
        }
    }
}

/// Reserves what a request may use, by all rules that are for it. The targets at providers whose budgets or limits are
/// exhausted are left out of its chain.
///
/// # Errors
/// The rule that refuses it; nothing is held then.
pub(super) fn admit(
    worker: &Worker,
    host: &impl Host,
    exchange: &mut Exchange,
    identity: &Identity,
    now_ns: u64,
    is_waited_for: &dyn Fn(&Account, u32) -> bool,
) -> Result<Admission, Denied> {
    let tables = Rc::clone(&exchange.tables);
    let quotas = &tables.quotas;
    let clock = Clock::at(now_ns, quotas.lease);
    let model = Rc::clone(&exchange.model);
    let applicant = Applicant { identity, model: Some(&model.name), provider: None, looks_around: false };
    let accounts: Vec<_> =
        Scope::ALL.iter().filter_map(|scope| applicant.rules(worker, quotas, *scope)).collect();
    let of_providers = quotas.of(Scope::Provider);
    let mut admission = Admission { identity: identity.clone(), admitted_ns: now_ns, ..Admission::default() };
    let rules = || accounts.iter().flat_map(|(_, rules)| rules).chain(of_providers);
    if rules().any(|quota| matches!(quota.unit(), Unit::Usd | Unit::Tokens)) {
        let counts_money = rules().any(|quota| quota.unit() == Unit::Usd);
        admission.wanted = wanted(worker, exchange, now_ns, counts_money, &mut admission.warnings);
    }
    if quotas.shared {
        let of_chain = admission.rules_of_chain(worker, exchange);
        fleet::known(worker, &tables, accounts.iter().chain(&of_chain), &clock)?;
    }
    for (account, rules) in accounts {
        if let Some(denied) = behind(worker, host, &account, &rules, &clock, is_waited_for) {
            admission.settle(worker, host, quotas, None, now_ns);
            return Err(denied);
        }
        if let Err(denied) = admission.hold(worker, host, quotas, account, &rules, &clock) {
            admission.settle(worker, host, quotas, None, now_ns);
            return Err(denied);
        }
    }
    if of_providers.is_empty() {
        return Ok(admission);
    }
    match admission.choose_provider(worker, host, exchange, &clock, is_waited_for) {
        Ok(()) => Ok(admission),
        Err(denied) => {
            admission.settle(worker, host, quotas, None, now_ns);
            Err(denied)
        }
    }
}

/// Whoever came first goes first: what a request is told that would overtake those who wait for an account.
fn behind(
    worker: &Worker,
    host: &impl Host,
    account: &Account,
    rules: &[Rc<Quota>],
    clock: &Clock,
    is_waited_for: &dyn Fn(&Account, u32) -> bool,
) -> Option<Denied> {
    let waits = |quota: &&Rc<Quota>| quota.over() == Over::Queue && is_waited_for(account, quota.tag);
    let quota = rules.iter().find(waits)?;
    let standing = quota.standing(&worker.ledger.read(host, account).cell(quota.tag), clock);
    let refused = Refused { standing, wanted: 1, wait_ns: TURN_NS };
    Some(Denied { quota: Rc::clone(quota), account: account.clone(), refused, unknown: None })
}

impl Admission {
    /// Reserves by all rules of one account, or by none.
    fn hold(
        &mut self,
        worker: &Worker,
        host: &impl Host,
        quotas: &Quotas,
        account: Account,
        rules: &[Rc<Quota>],
        clock: &Clock,
    ) -> Result<(), Denied> {
        let wanted = self.wanted;
        let can_wait = rules.iter().any(|quota| quota.over() == Over::Queue);
        let number = if can_wait { worker.number(host) } else { 0 };
        let now_ms = clock.ns / 1_000_000;
        if quotas.shared {
            // What others use is asked for, also where nothing is admitted.
            worker.ledger.mark_dirty(rules.iter().map(|quota| cell_id(quota, &account, clock)));
        }
        let held = worker.ledger.change(host, &account, clock.secs, |draft| {
            let mut holds = Vec::with_capacity(rules.len());
            for quota in rules {
                let Some(cell) = draft.edit(quota.tag) else { continue };
                let takes_turns = quota.over() == Over::Queue;
                let is_anothers = takes_turns
                    && cell.turn.is_of_another(number, now_ms)
                    && quota.is_scarce(cell, wanted, clock);
                let reserved = if is_anothers {
                    Err(Refused { standing: quota.standing(cell, clock), wanted: 1, wait_ns: TURN_NS })
                } else {
                    quota.reserve(cell, wanted, clock)
                };
                match reserved {
                    Ok(held) => {
                        let standing = quota.standing(cell, clock);
                        if takes_turns {
                            cell.turn.take(number, standing.remaining == 0, now_ms);
                        }
                        holds.push((Rc::clone(quota), held, standing));
                    }
                    Err(refused) => {
                        // The rules before it hold nothing either. What is left is that somebody waits.
                        draft.undo();
                        if takes_turns && let Some(cell) = draft.edit(quota.tag) {
                            cell.turn.wait(number, now_ms);
                        }
                        return Err((Rc::clone(quota), refused));
                    }
                }
            }
            Ok(holds)
        });
        let held = match held {
            Ok(held) => held,
            Err((quota, refused)) => return Err(Denied { quota, account, refused, unknown: None }),
        };
        for (quota, _, standing) in &held {
            match quota.terms {
                Terms::Budget(_) if standing.is_soft => self.soft.push((Rc::clone(quota), *standing)),
                Terms::Rate(_) => self.limits.push((Rc::clone(quota), *standing)),
                _ => {}
            }
        }
        let quotas = held.into_iter().map(|(quota, held, _)| (quota, held)).collect();
        self.holds.push(Hold { account, admitted: *clock, quotas });
        Ok(())
    }

    /// Reserves by the rules of an account, whether there is enough or not.
    fn force(
        &mut self,
        worker: &Worker,
        host: &impl Host,
        account: Account,
        rules: &[Rc<Quota>],
        clock: &Clock,
    ) {
        let wanted = self.wanted;
        let quotas = worker.ledger.change(host, &account, clock.secs, |draft| {
            let hold = |quota: &Rc<Quota>| {
                let held = quota.force(draft.edit(quota.tag)?, wanted, clock);
                Some((Rc::clone(quota), held))
            };
            rules.iter().filter_map(hold).collect()
        });
        self.holds.push(Hold { account, admitted: *clock, quotas });
    }

    /// Gives back what is held of one scope's accounts: the request used nothing there.
    fn release(&mut self, worker: &Worker, host: &impl Host, quotas: &Quotas, scope: Scope, now_ns: u64) {
        let (gone, kept) =
            std::mem::take(&mut self.holds).into_iter().partition(|hold| hold.account.scope == scope);
        self.holds = gone;
        // It was a request all the same: a limit of those has counted it.
        self.settle(worker, host, quotas, Some(Amounts::default()), now_ns);
        self.holds = kept;
    }

    /// Puts what the request used in the place of what it holds; `None`: it never went out. Once: it holds nothing
    /// afterwards. The accounts that it held something of come back.
    pub(super) fn settle(
        &mut self,
        worker: &Worker,
        host: &impl Host,
        quotas: &Quotas,
        used: Option<Amounts>,
        now_ns: u64,
    ) -> Vec<Account> {
        let clock = Clock::at(now_ns, quotas.lease);
        let mut released = Vec::with_capacity(self.holds.len());
        for hold in self.holds.drain(..) {
            // Requests were counted when they were admitted: of those alone there is nothing to be said any more.
            let is_over = |quota: &Quota| used.is_some() && quota.unit() == Unit::Requests;
            if hold.quotas.iter().all(|(quota, _)| is_over(quota)) {
                released.push(hold.account);
                continue;
            }
            worker.ledger.change(host, &hold.account, clock.secs, |draft| {
                for (quota, held) in hold.quotas.iter().filter(|(quota, _)| !is_over(quota)) {
                    if let Some(cell) = draft.edit(quota.tag) {
                        quota.settle(cell, &hold.admitted, *held, used, &clock);
                    }
                }
            });
            if quotas.shared {
                let ids = hold.quotas.iter().map(|(quota, _)| cell_id(quota, &hold.account, &clock));
                worker.ledger.mark_dirty(ids);
            }
            released.push(hold.account);
        }
        released
    }

    /// The headers that say how much of the limits is left.
    pub(super) fn headers(&self, client: Dialect) -> Vec<(&'static str, String)> {
        quota_headers::headers(client, &self.limits, self.admitted_ns)
    }

    /// What is said of budgets that are spent beyond their soft limit; `None`: none is.
    pub(super) fn budget_warning(&self) -> Option<String> {
        let warnings: Vec<String> =
            self.soft.iter().map(|(quota, standing)| warning(quota, standing)).collect();
        (!warnings.is_empty()).then(|| warnings.join("; "))
    }

    /// The money budgets and token budgets that it is counted by.
    pub(super) fn budgets(&self) -> impl Iterator<Item = &Rc<Quota>> {
        let quotas = self.holds.iter().flat_map(|hold| &hold.quotas).map(|(quota, _)| quota);
        quotas.filter(|quota| matches!(quota.terms, Terms::Budget(_)))
    }
}

fn cell_id(quota: &Quota, account: &Account, clock: &Clock) -> CellId {
    CellId { rule: Rc::clone(&quota.name), value: Rc::clone(&account.value), window: quota.window(clock) }
}
