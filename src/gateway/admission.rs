//! Admission: what a request may use of its budgets and limits is reserved before it goes out, and settled when it is over.

mod providers;
mod wanted;

pub(super) use self::providers::Gate;
use self::wanted::{Wanted, wanted};
use super::applicant::Applicant;
use super::choose::Kept;
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
use std::time::Duration;

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
    wanted: Wanted,
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
    /// Whether the request is one by these rules, whatever becomes of it: a provider may turn out not to be asked.
    is_asked: bool,
    /// What an answer used that the client did not get.
    beside: Amounts,
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

    /// When it might be let through.
    pub(super) fn wait(&self) -> Duration {
        Duration::from_nanos(self.refused.wait_ns)
    }

    /// Whether the request may wait for it.
    pub(super) fn may_wait(&self) -> bool {
        match &self.unknown {
            Some(unknown) => matches!(**unknown, Unknown::NotRead),
            None => self.quota.over() == Over::Queue,
        }
    }
}

/// Reserves what a request may use, by all rules that are for it, and settles who is asked first. The targets at providers
/// whose budgets or limits are exhausted are left out of its chain.
///
/// # Errors
/// The rule that refuses it, or why nobody can be asked now; nothing is held then.
pub(super) fn admit(
    worker: &Worker,
    host: &impl Host,
    exchange: &mut Exchange,
    identity: &Identity,
    now_ns: u64,
    is_waited_for: &dyn Fn(&Account, u32) -> bool,
) -> Result<Admission, Kept> {
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
        fleet::known(worker, &tables, accounts.iter().chain(&of_chain), &clock).map_err(Kept::Denied)?;
    }
    for (at, (account, rules)) in accounts.iter().enumerate() {
        let held = match behind(worker, host, account, rules, &clock, is_waited_for) {
            Some(denied) => Err(denied),
            None => admission.hold(worker, host, quotas, account.clone(), rules, &clock),
        };
        if let Err(denied) = held {
            let rest = accounts.get(at..).unwrap_or_default();
            let in_vain = || admission.waits_in_vain(worker, host, quotas, rest, &clock);
            let refusal = if denied.may_wait() { in_vain() } else { None };
            admission.settle(worker, host, quotas, None, now_ns);
            return Err(Kept::Denied(refusal.unwrap_or(denied)));
        }
    }
    let mut gate = Gate { admission: &mut admission, clock: &clock, is_waited_for };
    match exchange.settle_first(worker, host, Some(&mut gate)) {
        Ok(()) => Ok(admission),
        Err(kept) => {
            admission.settle(worker, host, quotas, None, now_ns);
            Err(kept)
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
    /// What it may use at most, by the rules of an account: those of a provider count what is used there alone.
    fn wanted_of(&self, account: &Account) -> Amounts {
        let at = || self.wanted.at.iter().find(|(provider, _)| *provider.name == *account.value);
        match account.scope {
            Scope::Provider => at().map_or(self.wanted.most, |(_, amounts)| *amounts),
            _ => self.wanted.most,
        }
    }

    /// The rule among those of some accounts that refuses the request for longer than it may wait for another one. What
    /// requests under way may leave of a budget is hoped for.
    fn waits_in_vain(
        &self,
        worker: &Worker,
        host: &impl Host,
        quotas: &Quotas,
        accounts: &[(Account, Vec<Rc<Quota>>)],
        clock: &Clock,
    ) -> Option<Denied> {
        let longest = u64::try_from(quotas.queue.timeout.as_nanos()).unwrap_or(u64::MAX);
        accounts.iter().find_map(|(account, rules)| {
            let cells = worker.ledger.read(host, account);
            rules.iter().filter(|quota| quota.over() == Over::Reject).find_map(|quota| {
                let mut cell = cells.cell(quota.tag);
                let refused = quota.reserve(&mut cell, self.wanted_of(account), clock).err()?;
                let comes_back = match quota.unit() {
                    Unit::Usd | Unit::Tokens => refused.standing.reserved > 0,
                    Unit::Requests => false,
                    Unit::Concurrent => true,
                };
                let left = refused.standing.remaining.saturating_add(refused.standing.reserved);
                if refused.wait_ns <= longest || comes_back && left >= refused.wanted {
                    return None;
                }
                Some(Denied { quota: Rc::clone(quota), account: account.clone(), refused, unknown: None })
            })
        })
    }

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
        let wanted = self.wanted_of(&account);
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
        self.take(account, held, clock);
        Ok(())
    }

    /// Notes what is held of an account, and how its rules stand.
    fn take(&mut self, account: Account, held: Vec<(Rc<Quota>, u64, Standing)>, clock: &Clock) {
        for (quota, _, standing) in &held {
            match quota.terms {
                Terms::Budget(_) if standing.is_soft => self.soft.push((Rc::clone(quota), *standing)),
                Terms::Rate(_) => self.limits.push((Rc::clone(quota), *standing)),
                _ => {}
            }
        }
        let quotas = held.into_iter().map(|(quota, held, _)| (quota, held)).collect();
        let is_asked = account.scope != Scope::Provider;
        let beside = Amounts::default();
        self.holds.push(Hold { account, admitted: *clock, is_asked, beside, quotas });
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
        let wanted = self.wanted_of(&account);
        let held = worker.ledger.change(host, &account, clock.secs, |draft| {
            let hold = |quota: &Rc<Quota>| {
                let cell = draft.edit(quota.tag)?;
                let held = quota.force(cell, wanted, clock);
                Some((Rc::clone(quota), held, quota.standing(cell, clock)))
            };
            rules.iter().filter_map(hold).collect()
        });
        self.take(account, held, clock);
    }

    /// Gives back what is held of one scope's accounts: the request used nothing there.
    fn release(&mut self, worker: &Worker, host: &impl Host, quotas: &Quotas, scope: Scope, now_ns: u64) {
        let (gone, kept) =
            std::mem::take(&mut self.holds).into_iter().partition(|hold| hold.account.scope == scope);
        self.holds = gone;
        // Whoever was asked has had a request all the same: a limit of those has counted it.
        self.settle(worker, host, quotas, Some(Amounts::default()), now_ns);
        self.holds = kept;
        // The answer is another's: nothing is said of these rules.
        self.limits.retain(|(quota, _)| quota.per != scope);
        self.soft.retain(|(quota, _)| quota.per != scope);
    }

    /// An answer used this, and the client does not get it.
    pub(super) fn spend(&mut self, amounts: Amounts) {
        for hold in &mut self.holds {
            hold.beside = hold.beside.plus(amounts);
        }
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
            let used = used.filter(|_| hold.is_asked).map(|used| used.plus(hold.beside));
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
