//! Who is asked first, settled before the router goes there.

use super::admission::{Denied, Gate};
use super::exchange::Exchange;
use super::host::Host;
use super::lay_out::all_open;
use super::settle::Unfit;
use super::worker::Worker;
use crate::chat::Failure;
use crate::policy::route::Step;
use std::rc::Rc;
use std::time::Duration;

/// When to come again where another request tries a target whose circuit was open: it will soon be known.
const TRIED: Duration = Duration::from_secs(1);

/// Why a request cannot go out now.
#[derive(Debug)]
pub(super) enum Kept {
    /// A rule refuses it.
    Denied(Denied),
    /// Whoever could take it is to be left alone.
    Open(Failure),
}

/// What spoke against the targets that were looked at.
#[derive(Debug, Default)]
struct Objections {
    /// The rule that may be waited for, or that lets through first.
    denied: Option<Denied>,
    /// Another request tries one of them.
    tried: bool,
}

impl Objections {
    fn add(&mut self, denied: Denied) {
        let is_better = |known: &Denied| {
            !known.may_wait() && (denied.may_wait() || denied.refused.wait_ns < known.refused.wait_ns)
        };
        if self.denied.as_ref().is_none_or(is_better) {
            self.denied = Some(denied);
        }
    }
}

impl Exchange {
    /// Settles who is asked first: the first target whose provider has something left and that can take what the request
    /// holds. Those before it leave the chain, and an attempt that never began says why. Targets that asked for a pause
    /// come when no other is left, and those whose circuits are open say when to come again. With nobody to wait for the
    /// last one stays, for the attempt phase to say that it cannot take the request.
    ///
    /// # Errors
    /// Somebody could take it, but not now.
    pub(super) fn settle_first(
        &mut self,
        worker: &Worker,
        host: &impl Host,
        mut gate: Option<&mut Gate<'_>>,
    ) -> Result<(), Kept> {
        let before = self.steps.len();
        let mut objections = Objections::default();
        self.prepared = None;
        while let Some(step) = self.upcoming().or_else(|| self.rouse()) {
            if let Some(gate) = &mut gate
                && let Some(provider) = self.next_provider()
                && let Err(denied) = gate.enter(worker, host, self, &provider)
            {
                self.keep_chain();
                let reason = denied.reason();
                self.leave_out(|_, target| target.provider.index == provider.index, host.now_ns(), &reason);
                objections.add(denied);
                continue;
            }
            match self.try_to_settle(worker, host, step, &objections) {
                Ok(()) => {
                    self.regrant(before);
                    return Ok(());
                }
                Err(unfit) => {
                    if let Some(gate) = &mut gate {
                        gate.leave(worker, host, self);
                    }
                    self.keep_chain();
                    self.skip(step.target);
                    objections.tried |= matches!(unfit, Unfit::Tried);
                    self.note_skipped(host.now_ns(), vec![(step.target, format!("skipped: {unfit}"))]);
                }
            }
        }
        self.kept(objections)
    }

    /// Whether a target can be asked. The last one that could be is not looked at, or is let through whatever it cannot
    /// take.
    fn try_to_settle(
        &mut self,
        worker: &Worker,
        host: &impl Host,
        step: Step,
        objections: &Objections,
    ) -> Result<(), Unfit> {
        let is_last = !self.has_other(step) && self.resting.cooling.is_empty() && objections.denied.is_none();
        if is_last && self.resting.open.is_empty() && !objections.tried {
            return Ok(());
        }
        let settled = self.settle(worker, host, step);
        let nobody_to_wait_for = || !objections.tried && self.open_wait().is_none();
        if is_last && settled.is_err() && nobody_to_wait_for() { Ok(()) } else { settled }
    }

    /// The targets that asked for a pause take their place in the chain after all.
    fn rouse(&mut self) -> Option<Step> {
        let cooling = std::mem::take(&mut self.resting.cooling);
        let model = Rc::clone(&self.model);
        let names = || cooling.iter().filter_map(|step| Some(&model.targets.get(step.target)?.name));
        // They are not passed over any more.
        self.attempts.retain(|attempt| names().all(|name| *name != attempt.target));
        self.steps.extend(cooling);
        self.upcoming()
    }

    /// The shortest time after which a target may be asked again whose circuit is open, and that can take the request.
    fn open_wait(&self) -> Option<Duration> {
        let takes = |position: usize| {
            self.model.targets.get(position).is_some_and(|target| self.write_early(target).is_ok())
        };
        self.resting.open.iter().filter(|(position, _)| takes(*position)).map(|(_, wait)| *wait).min()
    }

    /// What the client is told when nobody is left: what lets it through first.
    fn kept(&self, objections: Objections) -> Result<(), Kept> {
        let Objections { denied, tried } = objections;
        let soon = tried.then_some(TRIED);
        let open = self.open_wait().into_iter().chain(soon).min();
        match (denied, open) {
            (Some(denied), Some(wait)) if !denied.may_wait() && wait < denied.wait() => {
                Err(Kept::Open(self.all_open(wait)))
            }
            (Some(denied), _) => Err(Kept::Denied(denied)),
            (None, Some(wait)) => Err(Kept::Open(self.all_open(wait))),
            // Without a target there would be no exchange.
            (None, None) => Ok(()),
        }
    }

    fn all_open(&self, wait: Duration) -> Failure {
        all_open(&self.model, &self.call, &self.model.name, &self.attempts, Some(wait))
    }

    /// The router may try as often as the chain is long now, and was `before` steps longer or shorter. What a chain of
    /// another reason may take stays granted.
    pub(super) fn regrant(&mut self, before: usize) {
        self.retries_granted = self.retries_granted.saturating_add(self.steps.len()).saturating_sub(before);
    }
}
