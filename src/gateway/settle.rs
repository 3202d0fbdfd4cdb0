//! Who is asked next, settled before the router goes there: a try cannot be taken back once the router has begun it. What
//! breaks such a try off breaks the client's connection too.

use super::attempt::BETAS;
use super::exchange::Exchange;
use super::host::Host;
use super::worker::Worker;
use crate::chat::Failure;
use crate::config::tables::Target;
use crate::dialect::lane::{self, Ask, Outgoing};
use crate::dialect::{Call, Carriage, Operation};
use crate::policy::route::{self, Step};
use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

/// Why a target cannot be asked.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It cannot take what the request holds.
    Content(String),
    /// Its circuit was open, and another request tries it.
    Tried,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(why) => f.write_str(why),
            Self::Tried => f.write_str("another request tries it"),
        }
    }
}

impl Exchange {
    /// Leaves out the targets that come next and cannot be asked: those whose providers have nothing left, those that
    /// cannot take what the request holds, and those whose circuit lets one request try, which another is. The last one
    /// stays, for the attempt phase to say so. What was written for the one that is asked is kept for its try.
    pub(super) fn settle_next(&mut self, worker: &Worker, host: &impl Host) {
        self.prepared = None;
        loop {
            if let Some(mut admission) = self.admission.take() {
                admission.move_on(worker, host, self, host.now_ns());
                self.admission = Some(admission);
            }
            let Some(step) = self.upcoming().filter(|step| self.has_other(*step)) else { return };
            let Err(why) = self.settle(worker, host, step) else { return };
            self.skip(step.target);
            self.note_skipped(host.now_ns(), vec![(step.target, format!("skipped: {why}"))]);
        }
    }

    /// Should the try under way fail unseen, the router goes on by itself, to where it was told before: there must be
    /// somebody who can take what the request holds. Those before are laid aside.
    pub(super) fn clear_the_way(&mut self, host: &impl Host) {
        let model = Rc::clone(&self.model);
        while let (Some(now), Some(next)) = (self.current(), self.upcoming())
            && next.target != now.target
            && self.has_other(next)
            && self.may_be_too_much()
            && let Some(target) = model.targets.get(next.target)
            && let Err(why) = self.write_early(target)
        {
            let reason = format!("skipped: {why}");
            self.lay_aside(|position, _| position == next.target, host.now_ns(), &reason);
        }
    }

    /// Whether a provider may not be able to take what the request holds: a look, so that most need not be written twice.
    fn may_be_too_much(&mut self) -> bool {
        if !self.model.drop_params {
            return true;
        }
        let (shape, body) = (self.call.dialect.shape(), &self.body);
        !self.model.drop_content && *self.holds_media.get_or_insert_with(|| shape.may_hold_media(body))
    }

    /// Looks whether a target can be asked, writes the request for it where that needs a look, and takes leave to try.
    pub(super) fn settle(&mut self, worker: &Worker, host: &impl Host, step: Step) -> Result<(), Unfit> {
        let model = Rc::clone(&self.model);
        let Some(target) = model.targets.get(step.target) else { return Ok(()) };
        let early = self.write_early(target).map_err(Unfit::Content)?;
        if step.probe && self.probing != Some(step.target) {
            if !worker.begin_probe(host, target, self.longest_limit()) {
                return Err(Unfit::Tried);
            }
            self.probing = Some(step.target);
        }
        self.prepared = early.map(|outgoing| (step.target, outgoing));
        Ok(())
    }

    /// The request as a provider gets it that may not be able to take it: `None` where nothing speaks against it.
    pub(super) fn write_early(&self, target: &Target) -> Result<Option<Outgoing>, String> {
        let is_chat = matches!(self.call.operation, Operation::Chat | Operation::CountTokens);
        let upstream_model = route::upstream_model(target, &self.carried);
        let endpoint = target.provider.endpoint_for(&self.call, &upstream_model).filter(|_| is_chat);
        let Some(endpoint) = endpoint else { return Ok(None) };
        if endpoint.dialect == self.call.dialect && self.model.drop_params {
            return Ok(None);
        }
        let call = self.call_for(target);
        match lane::request_of(&call, endpoint.dialect, &self.body, &self.ask(target, &upstream_model)) {
            Ok(outgoing) => Ok(Some(outgoing)),
            Err(failure) if failure.is_unsupported() => Err(failure.message),
            // The attempt tells the client.
            Err(_) => Ok(None),
        }
    }

    /// What is asked of a target's provider.
    pub(super) fn ask<'e>(&'e self, target: &'e Target, upstream_model: &'e str) -> Ask<'e> {
        Ask {
            params: &target.params,
            max_tokens: target.max_tokens,
            default_max_tokens: self.model.default_max_tokens,
            drop_params: self.model.drop_params,
            drop_content: self.model.drop_content,
            ..Ask::new(upstream_model, &target.provider.quirks)
        }
    }

    /// The call as this provider may see it: beta features are let through where the configuration says so, like the header
    /// that they come in.
    pub(super) fn call_for(&self, target: &Target) -> Cow<'_, Call> {
        let lets_through = || target.provider.forward_headers.iter().any(|name| **name == *BETAS);
        let is_plain = target.provider.quirks.carriage == Carriage::Plain;
        if self.call.betas.is_none() || is_plain || lets_through() {
            return Cow::Borrowed(&self.call);
        }
        Cow::Owned(Call { betas: None, ..self.call.clone() })
    }

    /// What [`Self::settle`] has written for a target already.
    pub(super) fn take_prepared(&mut self, position: usize) -> Option<Outgoing> {
        self.prepared.take().filter(|(of, _)| *of == position).map(|(_, outgoing)| outgoing)
    }

    /// The failure that counts where a target cannot take what the request holds and no other is left: what the last one
    /// said that was asked, if one was.
    pub(super) fn refusal(&mut self, step: Step, failure: Failure, now_ns: u64) -> Failure {
        if self.tries() < 2 {
            self.end_attempt(now_ns, None, Some(failure.message.clone()), None);
            return failure;
        }
        self.attempts.pop();
        self.note_skipped(now_ns, vec![(step.target, format!("skipped: {}", failure.message))]);
        self.last_failure()
    }

    /// Whether another target than a step's can still be asked, that step's own try included.
    pub(super) fn has_other(&self, step: Step) -> bool {
        self.steps.iter().skip(self.begun).any(|other| other.target != step.target)
    }
}
