//! The tries to come: what is left of the chain, and what is left out of it, laid aside, or put in its place.

use super::{Attempt, Exchange};
use crate::chat::Failure;
use crate::config::tables::{Provider, Target};
use crate::policy::circuit::{Board, Verdict};
use crate::policy::reason::Reason;
use crate::policy::route::{Step, steps_within};
use crate::policy::sift::sift;
use std::rc::Rc;
use std::time::Duration;

/// What left the chain before anybody was asked.
#[derive(Debug, Default)]
pub struct Resting {
    /// Tries at targets that asked for a pause: they are asked when no other can be.
    pub cooling: Vec<Step>,
    /// Targets (their positions) whose circuits are open, and for how long.
    pub open: Vec<(usize, Duration)>,
    /// The chain as it was laid out, and how many attempts there were; `None` where nothing has left it.
    pub chain: Option<(Vec<Step>, usize)>,
}

/// What was laid aside while a try is under way: should that fail unseen, the router goes on by itself, and not there.
#[derive(Debug)]
pub struct Aside {
    steps: Vec<Step>,
    /// How many attempts there were.
    attempts: usize,
}

impl Exchange {
    /// The try under way.
    pub fn current(&self) -> Option<Step> {
        self.steps.get(self.begun.checked_sub(1)?).copied()
    }

    /// The try that comes next.
    pub fn upcoming(&self) -> Option<Step> {
        self.steps.get(self.begun).copied()
    }

    /// Who is asked next.
    pub fn next_provider(&self) -> Option<Rc<Provider>> {
        Some(Rc::clone(&self.target(self.upcoming()?)?.provider))
    }

    /// The target of a try.
    pub fn target(&self, step: Step) -> Option<&Target> {
        self.model.targets.get(step.target)
    }

    /// Whether the router may still try again.
    pub fn may_retry(&self) -> bool {
        self.begun <= self.retries_granted
    }

    /// Leaves out the remaining tries at the current target.
    pub fn skip_target(&mut self) {
        if let Some(current) = self.current() {
            self.skip(current.target);
        }
    }

    /// Leaves out the tries to come at a target, by its position.
    pub fn skip(&mut self, target: usize) {
        let begun = self.begun;
        let mut position = 0;
        self.steps.retain(|step| {
            position += 1;
            position <= begun || step.target != target
        });
    }

    /// Keeps the chain as it is, unless an earlier one is kept, for a request that may wait and look again.
    pub fn keep_chain(&mut self) {
        let Self { resting, steps, attempts, .. } = self;
        resting.chain.get_or_insert_with(|| (steps.clone(), attempts.len()));
    }

    /// Leaves out all remaining tries at some targets, by position and kind; attempts that never began say why. They stand
    /// before the latest one, which stays the latest.
    pub fn leave_out(&mut self, is_out: impl Fn(usize, &Target) -> bool, now_ns: u64, reason: &str) {
        let model = Rc::clone(&self.model);
        let target_of = |step: &Step| model.targets.get(step.target).map(|target| (step.target, target));
        let is_there = |(position, target): &(usize, &Target)| is_out(*position, target);
        while let Some((position, target)) =
            self.steps.iter().skip(self.begun).filter_map(target_of).find(is_there)
        {
            self.skip(position);
            let attempt = Attempt::skipped(target, &self.carried, reason.to_owned(), now_ns);
            let latest = usize::from(self.begun > 0);
            self.attempts.insert(self.attempts.len().saturating_sub(latest), attempt);
        }
    }

    /// Lays the remaining tries at some targets aside for as long as the try under way lasts.
    pub fn lay_aside(&mut self, is_out: impl Fn(usize, &Target) -> bool, now_ns: u64, reason: &str) {
        let rest = || self.steps.get(self.begun..).unwrap_or_default().to_vec();
        let aside =
            self.aside.take().unwrap_or_else(|| Aside { steps: rest(), attempts: self.attempts.len() });
        self.leave_out(is_out, now_ns, reason);
        self.aside = Some(aside);
    }

    /// The try under way has ended, and was seen to: what was laid aside may be asked after all.
    pub fn take_up(&mut self) {
        let Some(aside) = self.aside.take() else { return };
        self.steps.truncate(self.begun);
        self.steps.extend(aside.steps);
        // The notes about it stand before the latest try.
        let notes = self.attempts.len().saturating_sub(aside.attempts);
        let at = aside.attempts.saturating_sub(1);
        self.attempts.drain(at..at.saturating_add(notes).min(self.attempts.len()));
    }

    /// Notes targets that are passed over, before the last try: the last of the list is the last that was asked, if one was.
    pub fn note_skipped(&mut self, now_ns: u64, skipped: Vec<(usize, String)>) {
        let model = Rc::clone(&self.model);
        let last = self.attempts.iter().rposition(|attempt| !attempt.skipped);
        let at = last.unwrap_or(self.attempts.len());
        let notes: Vec<Attempt> = skipped
            .into_iter()
            .filter_map(|(target, why)| {
                Some(Attempt::skipped(model.targets.get(target)?, &self.carried, why, now_ns))
            })
            .collect();
        self.attempts.splice(at..at, notes);
    }

    /// Whether a failure has a chain of its own that can still be tried.
    pub fn may_divert(&self, failure: &Failure) -> Option<Reason> {
        let reason = Reason::of(failure)?;
        let is_fresh = self.diverted != Some(reason) && !self.model.chain_for(reason).is_empty();
        (is_fresh && self.forwarded.is_none() && self.may_retry()).then_some(reason)
    }

    /// Puts the chain for a reason in the place of the tries to come.
    pub fn divert(&mut self, reason: Reason, board: Option<&Board>, now_ns: u64) {
        let steps = steps_within(&self.model, &self.call, self.model.chain_for(reason));
        let nothing = Board::default();
        let sifted = sift(steps, &self.model, board.unwrap_or(&nothing), now_ns / 1_000_000);
        if sifted.steps.is_empty() {
            return;
        }
        self.steps.truncate(self.begun);
        self.steps.extend(sifted.steps);
        self.note_skipped(now_ns, sifted.skipped);
        self.diverted = Some(reason);
    }

    /// Leaves out the tries to come at targets that are to be left alone, the one that was just asked included. A pause
    /// that this one asked for is waited for like any other, since its retries come before the next target.
    pub fn pass_over(&mut self, board: &Board, now_ns: u64) {
        let at = now_ns / 1_000_000;
        let Some(asked) = self.current() else { return };
        let rest = self.steps.split_off(self.begun.min(self.steps.len()));
        let (own, others): (Vec<Step>, Vec<Step>) =
            rest.into_iter().partition(|step| step.target == asked.target);
        let verdict = self.target(asked).map(|target| board.verdict(target.id, at));
        if !matches!(verdict, Some(Verdict::Open(_))) {
            self.steps.extend(own);
        }
        let sifted = sift(others, &self.model, board, at);
        self.steps.extend(sifted.steps);
        self.note_skipped(now_ns, sifted.skipped);
    }
}
