//! Admission: what a request may use of its budgets and limits is reserved before it goes out, and settled when it is over.

use super::denial::warning;
use super::exchange::Exchange;
use super::fleet::{self, Unknown};
use super::host::Host;
use super::quota_headers;
use super::worker::Worker;
use crate::chat::Usage;
use crate::config::tables::Provider;
use crate::dialect::{Dialect, Operation};
use crate::meter::estimate::{self, Tokenizer};
use crate::policy::identity::Identity;
use crate::policy::ledger::{Account, CellId};
use crate::policy::queue::Place;
use crate::policy::quota::{Amounts, Clock, Over, Quota, Quotas, Refused, Standing, Terms, Unit};
use crate::policy::route;
use crate::policy::scope::Scope;
use std::borrow::Cow;
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

/// Who asks for what: where rules look for their values.
pub(super) struct Applicant<'a> {
    pub(super) identity: &'a Identity,
    pub(super) model: Option<&'a str>,
    pub(super) provider: Option<&'a str>,
    /// Nobody asks for anything yet: what holds for some models or providers alone is meant as well.
    pub(super) looks_around: bool,
}

impl<'a> Applicant<'a> {
    /// The value of a scope; `None` where the request has none.
    fn value(&self, scope: Scope) -> Option<&'a str> {
        match scope {
            Scope::Global => Some(""),
            Scope::Tenant => self.identity.tenant.as_deref(),
            Scope::Team => self.identity.team.as_deref(),
            Scope::Project => self.identity.project.as_deref(),
            Scope::Key => self.identity.key_id(),
            Scope::User => self.identity.user.as_deref(),
            Scope::Agent => self.identity.agent.as_deref(),
            Scope::Model => self.model.filter(|name| !name.is_empty()),
            Scope::Provider => self.provider,
        }
    }

    /// The same so that it is the request's alone: two tenants may have a team of one name. A name with a `/` of its own is
    /// nobody else's: the one between tenant and name is the only one that is not escaped.
    fn account_value(&self, scope: Scope) -> Option<Cow<'a, str>> {
        let value = self.value(scope)?;
        match (scope, self.identity.tenant.as_deref()) {
            (Scope::Team | Scope::Project | Scope::User, Some(tenant)) => {
                Some(Cow::Owned(format!("{}/{}", escaped(tenant), escaped(value))))
            }
            (Scope::Team | Scope::Project | Scope::User, None) => Some(escaped(value)),
            _ => Some(Cow::Borrowed(value)),
        }
    }

    /// The rules of a scope that are for this request, and the account that they count.
    pub(super) fn rules(
        &self,
        worker: &Worker,
        quotas: &Quotas,
        scope: Scope,
    ) -> Option<(Account, Vec<Rc<Quota>>)> {
        let general = quotas.of(scope);
        let own = self.identity.key.as_ref().filter(|_| scope == Scope::Key).map(|key| &key.quotas);
        if general.is_empty() && own.is_none_or(|own| own.budgets.is_none() && own.limits.is_none()) {
            return None;
        }
        let is_budget = |quota: &&Rc<Quota>| matches!(quota.terms, Terms::Budget(_));
        let mut rules: Vec<Rc<Quota>> = Vec::new();
        match own.and_then(|own| own.budgets.as_ref()) {
            Some(budgets) => rules.extend(budgets.iter().cloned()),
            None => rules.extend(general.iter().filter(is_budget).cloned()),
        }
        match own.and_then(|own| own.limits.as_ref()) {
            Some(limits) => rules.extend(limits.iter().cloned()),
            None => rules.extend(general.iter().filter(|quota| !is_budget(quota)).cloned()),
        }
        rules.retain(|quota| {
            let value = |scope| self.value(scope);
            if self.looks_around { quota.may_be_for(value) } else { quota.is_for(value) }
        });
        if rules.is_empty() {
            return None;
        }
        Some((worker.ledger.account(scope, &self.account_value(scope)?), rules))
    }
}

/// A name without `/`, and another one for each name.
fn escaped(name: &str) -> Cow<'_, str> {
    if name.contains(['/', '%']) {
        Cow::Owned(name.replace('%', "%25").replace('/', "%2F"))
    } else {
        Cow::Borrowed(name)
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
            let mut changed = Vec::with_capacity(rules.len());
            for quota in rules {
                let mut cell = draft.cell(quota.tag);
                let takes_turns = quota.over() == Over::Queue;
                if takes_turns
                    && cell.turn.is_of_another(number, now_ms)
                    && quota.is_scarce(&cell, wanted, clock)
                {
                    let refused =
                        Refused { standing: quota.standing(&cell, clock), wanted: 1, wait_ns: TURN_NS };
                    cell.turn.wait(number, now_ms);
                    draft.put(quota.tag, cell);
                    return Err((Rc::clone(quota), refused));
                }
                match quota.reserve(&mut cell, wanted, clock) {
                    Ok(held) => {
                        if takes_turns {
                            let is_last = quota.standing(&cell, clock).remaining == 0;
                            cell.turn.take(number, is_last, now_ms);
                        }
                        changed.push((quota, held, cell));
                    }
                    Err(refused) => {
                        if takes_turns {
                            cell.turn.wait(number, now_ms);
                            draft.put(quota.tag, cell);
                        }
                        return Err((Rc::clone(quota), refused));
                    }
                }
            }
            let mut quotas = Vec::with_capacity(rules.len());
            for (quota, held, cell) in changed {
                quotas.push((Rc::clone(quota), held, quota.standing(&cell, clock)));
                draft.put(quota.tag, cell);
            }
            Ok(quotas)
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

    /// Reserves at the provider of the first target that has something left; those before it leave the chain, and an
    /// attempt that never began says why. Where none has, the chain stays whole, for the request may wait and ask again.
    fn choose_provider(
        &mut self,
        worker: &Worker,
        host: &impl Host,
        exchange: &mut Exchange,
        clock: &Clock,
        is_waited_for: &dyn Fn(&Account, u32) -> bool,
    ) -> Result<(), Denied> {
        let mut whole = None;
        let mut refusal: Option<Denied> = None;
        while let Some(provider) = exchange.next_provider() {
            let rules = self.rules_of(worker, exchange, &provider);
            let behind = rules
                .as_ref()
                .and_then(|(account, rules)| behind(worker, host, account, rules, clock, is_waited_for));
            let held = match (behind, rules) {
                (Some(denied), _) => Err(denied),
                (None, Some((account, rules))) => {
                    self.hold(worker, host, &exchange.tables.quotas, account, &rules, clock)
                }
                (None, None) => Ok(()),
            };
            match held {
                Ok(()) => {
                    if let Some((steps, _)) = whole {
                        // What a chain of another reason may take stays granted.
                        let gone = Vec::len(&steps).saturating_sub(exchange.steps.len());
                        exchange.retries_granted = exchange.retries_granted.saturating_sub(gone);
                    }
                    exchange.routed = provider;
                    return Ok(());
                }
                Err(denied) => {
                    whole.get_or_insert_with(|| (exchange.steps.clone(), exchange.attempts.len()));
                    exchange.leave_out(&provider, clock.ns, &denied.reason());
                    if refusal.as_ref().is_none_or(|refusal| !refusal.may_wait()) {
                        refusal = Some(denied);
                    }
                }
            }
        }
        if let Some((steps, attempts)) = whole {
            exchange.steps = steps;
            exchange.attempts.truncate(attempts);
        }
        // Without a target there would be no exchange, so one has refused.
        refusal.map_or(Ok(()), Err)
    }

    /// Reserves by the rules of a provider.
    fn hold_provider(
        &mut self,
        worker: &Worker,
        host: &impl Host,
        exchange: &Exchange,
        provider: &Provider,
        clock: &Clock,
    ) -> Result<(), Denied> {
        match self.rules_of(worker, exchange, provider) {
            Some((account, rules)) => {
                self.hold(worker, host, &exchange.tables.quotas, account, &rules, clock)
            }
            None => Ok(()),
        }
    }

    /// The rules of a provider that are for this request, and its account.
    fn rules_of(
        &self,
        worker: &Worker,
        exchange: &Exchange,
        provider: &Provider,
    ) -> Option<(Account, Vec<Rc<Quota>>)> {
        let model = Some(&*exchange.model.name);
        let provider = Some(&*provider.name);
        let applicant = Applicant { identity: &self.identity, model, provider, looks_around: false };
        applicant.rules(worker, &exchange.tables.quotas, Scope::Provider)
    }

    /// The same for every provider that may be asked.
    fn rules_of_chain(&self, worker: &Worker, exchange: &Exchange) -> Vec<(Account, Vec<Rc<Quota>>)> {
        if exchange.tables.quotas.of(Scope::Provider).is_empty() {
            return Vec::new();
        }
        let targets = exchange.steps.iter().filter_map(|step| exchange.target(*step));
        targets.filter_map(|target| self.rules_of(worker, exchange, &target.provider)).collect()
    }

    fn holds_some_of(&self, provider: &Provider) -> bool {
        let is_of = |account: &Account| account.scope == Scope::Provider && *account.value == *provider.name;
        self.holds.iter().any(|hold| is_of(&hold.account))
    }

    /// Moves what is held at one provider to the one that is asked next. Those that have nothing left leave the chain.
    pub(super) fn move_on(
        &mut self,
        worker: &Worker,
        host: &impl Host,
        exchange: &mut Exchange,
        now_ns: u64,
    ) {
        let tables = Rc::clone(&exchange.tables);
        if tables.quotas.of(Scope::Provider).is_empty() {
            return;
        }
        let clock = Clock::at(now_ns, tables.quotas.lease);
        while let Some(provider) = exchange.next_provider() {
            if self.holds_some_of(&provider) {
                return;
            }
            self.release(worker, host, &tables.quotas, Scope::Provider, now_ns);
            match self.hold_provider(worker, host, exchange, &provider, &clock) {
                Ok(()) => return,
                Err(denied) => exchange.leave_out(&provider, now_ns, &denied.reason()),
            }
        }
    }

    /// The request goes to a provider: what it holds there. It may not be what was chosen, where another one could not be
    /// reached; nothing can be refused any more then. What comes after it in the chain is
    /// looked at.
    pub(super) fn follow(&mut self, worker: &Worker, host: &impl Host, exchange: &mut Exchange, now_ns: u64) {
        let tables = Rc::clone(&exchange.tables);
        if tables.quotas.of(Scope::Provider).is_empty() {
            return;
        }
        // The router has gone on by itself: what was laid aside was passed over.
        exchange.aside = None;
        let clock = Clock::at(now_ns, tables.quotas.lease);
        let Some(provider) = exchange.attempts.last().map(|attempt| Rc::clone(&attempt.provider)) else {
            return;
        };
        if !self.holds_some_of(&provider) {
            self.release(worker, host, &tables.quotas, Scope::Provider, now_ns);
            if let Some((account, rules)) = self.rules_of(worker, exchange, &provider) {
                self.force(worker, host, account, &rules, &clock);
            }
        }
        while let Some(next) = exchange.next_provider()
            && next.index != provider.index
            && let Some((account, rules)) = self.rules_of(worker, exchange, &next)
        {
            let cells = worker.ledger.read(host, &account);
            let has_room =
                |quota: &&Rc<Quota>| quota.reserve(&mut cells.cell(quota.tag), self.wanted, &clock).is_ok();
            let Some(quota) = rules.iter().find(|quota| !has_room(quota)) else { return };
            let standing = quota.standing(&cells.cell(quota.tag), &clock);
            let refused = Refused { standing, wanted: 0, wait_ns: 0 };
            let denied = Denied { quota: Rc::clone(quota), account, refused, unknown: None };
            exchange.lay_aside(&next, now_ns, &denied.reason());
        }
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
                let mut cell = draft.cell(quota.tag);
                let held = quota.force(&mut cell, wanted, clock);
                draft.put(quota.tag, cell);
                (Rc::clone(quota), held)
            };
            rules.iter().map(hold).collect()
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

/// What a request may use at most: its input as estimated, and as much output as it allows, at the dearest target of its
/// chain, for any of them may come to answer. Where a price is not known, no money; of the first target, with a warning.
fn wanted(
    worker: &Worker,
    exchange: &mut Exchange,
    now_ns: u64,
    counts_money: bool,
    warnings: &mut Vec<String>,
) -> Amounts {
    let model = Rc::clone(&exchange.model);
    let asked = match exchange.call.operation {
        Operation::Chat => Some(estimate::asked_output(&exchange.body)),
        Operation::Embeddings(_) | Operation::Rerank(_) => None,
        // Nothing is used by a count, and nobody knows what a service uses.
        Operation::CountTokens | Operation::Forward(_) | Operation::ShowModel => return Amounts::default(),
    };
    let mut input = None;
    let mut most = Amounts::default();
    for step in exchange.steps.iter().filter(|step| step.retry == 0) {
        let Some(target) = model.targets.get(step.target) else { continue };
        let upstream = route::upstream_model(target, &exchange.carried);
        let is_first = input.is_none();
        let input =
            *input.get_or_insert_with(|| estimate::from_body(&exchange.body, Tokenizer::of_model(&upstream)));
        let output = asked.map_or(0, |asked| match target.max_tokens {
            Some(limit) => asked.at_most(limit),
            None => asked.or(model.default_max_tokens),
        });
        most.tokens = most.tokens.max(input.saturating_add(output));
        if !counts_money {
            continue;
        }
        let usage = Usage { input: Some(input), output: Some(output), ..Usage::default() };
        match worker.quote(now_ns, &exchange.tables, &target.provider, &upstream, &usage) {
            Some(cost) => most.usd = most.usd.max(u64::try_from(cost.pico_usd()).unwrap_or(u64::MAX)),
            None if is_first => warnings.push(format!(
                "no price is known for {}/{upstream}: budgets in USD do not count this request",
                target.provider.name
            )),
            None => {}
        }
    }
    exchange.answer.input_estimate = input.or(exchange.answer.input_estimate);
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_different_people_are_different() {
        let value = |tenant: Option<&str>, user: &str| {
            let identity =
                Identity { tenant: tenant.map(Into::into), user: Some(user.into()), ..Identity::default() };
            let applicant =
                Applicant { identity: &identity, model: None, provider: None, looks_around: false };
            applicant.account_value(Scope::User).unwrap().into_owned()
        };
        assert_eq!((value(Some("acme"), "bob"), value(None, "bob")), ("acme/bob".into(), "bob".into()));
        let all = [
            value(Some("acme/x"), "y"),
            value(Some("acme"), "x/y"),
            value(None, "acme/x/y"),
            value(Some("acme%2Fx"), "y"),
            value(Some("acme"), "x%2Fy"),
            value(None, "acme%2Fx%2Fy"),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all.iter().skip(at + 1).all(|other| other != one), "{all:?}");
        }
    }
}
