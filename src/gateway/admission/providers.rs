//! What a request holds of the provider that it goes to: chosen at admission, moved along the chain.

use super::{Admission, Denied, behind};
use crate::config::tables::{Provider, Target};
use crate::gateway::applicant::Applicant;
use crate::gateway::exchange::Exchange;
use crate::gateway::host::Host;
use crate::gateway::worker::Worker;
use crate::policy::ledger::Account;
use crate::policy::quota::{Clock, Quota, Refused};
use crate::policy::scope::Scope;
use std::rc::Rc;

impl Admission {
    /// Reserves at the provider of the first target that has something left; those before it leave the chain, and an
    /// attempt that never began says why. Where none has, the chain stays whole, for the request may wait and ask again.
    pub(super) fn choose_provider(
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
                    return Ok(());
                }
                Err(denied) => {
                    whole.get_or_insert_with(|| (exchange.steps.clone(), exchange.attempts.len()));
                    exchange.leave_out(is_of(&provider), clock.ns, &denied.reason());
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
    pub(super) fn rules_of_chain(
        &self,
        worker: &Worker,
        exchange: &Exchange,
    ) -> Vec<(Account, Vec<Rc<Quota>>)> {
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
    pub(in crate::gateway) fn move_on(
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
                Err(denied) => exchange.leave_out(is_of(&provider), now_ns, &denied.reason()),
            }
        }
    }

    /// The request goes to a provider: what it holds there. It may not be what was chosen, where another one could not be
    /// reached; nothing can be refused any more then. What comes after it in the chain is
    /// looked at.
    pub(in crate::gateway) fn follow(
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
            exchange.lay_aside(is_of(&next), now_ns, &denied.reason());
        }
    }
}

/// Whether a target is a provider's.
fn is_of(provider: &Provider) -> impl Fn(usize, &Target) -> bool {
    move |_, target| target.provider.index == provider.index
}
