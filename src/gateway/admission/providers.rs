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

/// The way to a provider, for a request that nobody has been asked for yet.
pub(in crate::gateway) struct Gate<'a> {
    pub(super) admission: &'a mut Admission,
    pub(super) clock: &'a Clock,
    pub(super) is_waited_for: &'a dyn Fn(&Account, u32) -> bool,
}

impl Gate<'_> {
    /// Reserves at a provider.
    ///
    /// # Errors
    /// It has nothing left; nothing is held there then.
    pub(in crate::gateway) fn enter(
        &mut self,
        worker: &Worker,
        host: &impl Host,
        exchange: &Exchange,
        provider: &Provider,
    ) -> Result<(), Denied> {
        let Some((account, rules)) = self.admission.rules_of(worker, exchange, provider) else {
            return Ok(());
        };
        match behind(worker, host, &account, &rules, self.clock, self.is_waited_for) {
            Some(denied) => Err(denied),
            None => self.admission.hold(worker, host, &exchange.tables.quotas, account, &rules, self.clock),
        }
    }

    /// Gives that back.
    pub(in crate::gateway) fn leave(&mut self, worker: &Worker, host: &impl Host, exchange: &Exchange) {
        self.admission.release(worker, host, &exchange.tables.quotas, Scope::Provider, self.clock.ns);
    }
}

impl Admission {
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
        let steps = exchange.steps.iter().chain(&exchange.resting.cooling);
        let targets = steps.filter_map(|step| exchange.target(*step));
        targets.filter_map(|target| self.rules_of(worker, exchange, &target.provider)).collect()
    }

    fn holds_some_of(&self, provider: &Provider) -> bool {
        self.holds.iter().any(|hold| is_account_of(&hold.account, provider))
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
    /// reached; nothing can be refused any more then.
    pub(in crate::gateway) fn follow(
        &mut self,
        worker: &Worker,
        host: &impl Host,
        exchange: &Exchange,
        now_ns: u64,
    ) {
        let quotas = &exchange.tables.quotas;
        let Some(provider) = exchange.asked().filter(|_| !quotas.of(Scope::Provider).is_empty()) else {
            return;
        };
        if self.holds_some_of(provider) {
            return;
        }
        let clock = Clock::at(now_ns, quotas.lease);
        self.release(worker, host, quotas, Scope::Provider, now_ns);
        if let Some((account, rules)) = self.rules_of(worker, exchange, provider) {
            self.force(worker, host, account, &rules, &clock);
        }
    }

    /// Lays aside the providers that come after the one that is asked and have nothing left.
    pub(in crate::gateway) fn look_ahead(
        &self,
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
        let asked = exchange.asked().map(|provider| provider.index);
        while let Some(next) = exchange.next_provider()
            && Some(next.index) != asked
            && let Some((account, rules)) = self.rules_of(worker, exchange, &next)
        {
            let cells = worker.ledger.read(host, &account);
            let wanted = self.wanted_of(&account);
            let has_room =
                |quota: &&Rc<Quota>| quota.reserve(&mut cells.cell(quota.tag), wanted, &clock).is_ok();
            let Some(quota) = rules.iter().find(|quota| !has_room(quota)) else { return };
            let standing = quota.standing(&cells.cell(quota.tag), &clock);
            let refused = Refused { standing, wanted: 0, wait_ns: 0 };
            let denied = Denied { quota: Rc::clone(quota), account, refused, unknown: None };
            exchange.lay_aside(is_of(&next), now_ns, &denied.reason());
        }
    }

    /// The request is written for a provider, and goes to it: it is one there, whatever comes of it.
    pub(in crate::gateway) fn ask(&mut self, provider: &Provider) {
        for hold in self.holds.iter_mut().filter(|hold| is_account_of(&hold.account, provider)) {
            hold.is_asked = true;
        }
    }
}

fn is_account_of(account: &Account, provider: &Provider) -> bool {
    account.scope == Scope::Provider && *account.value == *provider.name
}

/// Whether a target is a provider's.
fn is_of(provider: &Provider) -> impl Fn(usize, &Target) -> bool {
    move |_, target| target.provider.index == provider.index
}
