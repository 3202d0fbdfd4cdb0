//! From a model to the tries of one request: which targets, in which order.

use super::circuits;
use super::edge::Edge;
use super::exchange::{AnswerState, Attempt, Exchange, Forwarded, Resting};
use super::headers::Headers;
use super::held::Held;
use super::host::Host;
use super::record::Skipped;
use crate::chat::Failure;
use crate::config::tables::{Auth, Model, Target};
use crate::dialect::{Call, Operation};
use crate::meter::estimate::{Tokenizer, asked_output, from_body};
use crate::policy::route::{self, Found, Step};
use crate::policy::sift::{Sifted, sift};
use std::rc::Rc;
use std::time::Duration;

/// A request whose body was read.
pub(super) struct Incoming {
    pub(super) headers: Headers,
    pub(super) call: Call,
    pub(super) forwarded: Option<Forwarded>,
    pub(super) stream: bool,
    pub(super) body: Held,
}

/// What was noted of targets that nobody is asked at.
pub(super) fn skipped_of(model: &Rc<Model>, attempts: &[Attempt]) -> Skipped {
    Skipped { model: Rc::clone(model), targets: attempts.iter().map(Attempt::note).collect() }
}

impl Edge {
    /// Lays out the tries at the targets that `may_ask` lets through.
    pub(super) fn lay_out(
        &mut self,
        host: &impl Host,
        request: Incoming,
        found: Found,
        may_ask: impl Fn(&Target) -> bool,
    ) -> Result<Exchange, Failure> {
        let asked = self.record.model_asked.as_deref().unwrap_or_default();
        let mut steps = route::steps(&found.model, &request.call);
        steps.retain(|step| found.model.targets.get(step.target).is_some_and(&may_ask));
        let mut attempts = unfit_targets(&found.model, &request.call, &found.carried, self.record.started_ns);
        if steps.is_empty() {
            let failure = nobody(&found.model, &request.call, asked, &attempts);
            self.record.skipped = Some(skipped_of(&found.model, &attempts));
            return Err(failure);
        }
        let chosen_by = self.put_in_order(host, &request, &found, &mut steps);
        let too_small = leave_out_small(&request, &found, &mut steps);
        attempts.extend(too_small.into_iter().filter_map(|(target, why)| {
            let target = found.model.targets.get(target)?;
            Some(Attempt::skipped(target, &found.carried, why, self.record.started_ns))
        }));
        let Incoming { headers, call, forwarded, stream, body } = request;
        let chain = (steps.clone(), attempts.len());
        let (sifted, troubled) = leave_alone(host, steps, &found.model);
        let Sifted { mut steps, skipped, mut cooling, open } = sifted;
        attempts.extend(skipped.into_iter().filter_map(|(target, why)| {
            let target = found.model.targets.get(target)?;
            Some(Attempt::skipped(target, &found.carried, why, self.record.started_ns))
        }));
        let chain = (attempts.len() > chain.1).then_some(chain);
        if forwarded.as_ref().is_some_and(|forwarded| !forwarded.request.may_repeat()) {
            steps.truncate(1);
            cooling.truncate(1);
        }
        let Some(first) = steps.first().map(|step| step.target) else {
            let failure = all_open(&found.model, &call, asked, &attempts, shortest(&open));
            self.record.skipped = Some(skipped_of(&found.model, &attempts));
            return Err(failure);
        };
        Ok(Exchange {
            tables: Rc::clone(&self.tables),
            call,
            forwarded,
            carried: found.carried,
            stream,
            headers,
            key_headers: self.key_headers,
            has_token: self.has_token,
            gcp_token: None,
            body,
            request_id: self.record.request_id.clone(),
            cors: self.cors.clone(),
            retries_granted: steps.len() - 1 + spare_tries(&found.model, &steps),
            steps,
            begun: 0,
            routed: first,
            aside: None,
            resting: Resting { cooling, open, chain },
            holds_media: None,
            attempts,
            filtered: None,
            admission: None,
            prepared: None,
            probing: None,
            troubled,
            busy: None,
            chosen_by,
            diverted: None,
            rule: self.record.rule.clone(),
            answer: AnswerState::default(),
            model: found.model,
        })
    }
}

impl Exchange {
    /// Looks at the chain once more, for a request that has waited: the targets that are to be left alone by now leave it,
    /// and those that were come back.
    ///
    /// # Errors
    /// None is left.
    pub(super) fn look_again(&mut self, host: &impl Host, now_ns: u64) -> Result<(), Failure> {
        let model = Rc::clone(&self.model);
        let before = self.steps.len();
        if let Some((steps, attempts)) = self.resting.chain.take() {
            self.steps = steps;
            self.attempts.truncate(attempts);
        }
        let chain = (self.steps.clone(), self.attempts.len());
        let (sifted, troubled) = leave_alone(host, std::mem::take(&mut self.steps), &model);
        let Sifted { mut steps, skipped, mut cooling, open } = sifted;
        if self.forwarded.as_ref().is_some_and(|forwarded| !forwarded.request.may_repeat()) {
            steps.truncate(1);
            cooling.truncate(1);
        }
        (self.steps, self.troubled) = (steps, troubled);
        self.regrant(before);
        self.attempts.extend(skipped.into_iter().filter_map(|(target, why)| {
            Some(Attempt::skipped(model.targets.get(target)?, &self.carried, why, now_ns))
        }));
        let chain = (self.attempts.len() > chain.1).then_some(chain);
        self.resting = Resting { cooling, open, chain };
        if self.upcoming().is_some() {
            return Ok(());
        }
        Err(all_open(&model, &self.call, &model.name, &self.attempts, shortest(&self.resting.open)))
    }
}

/// The shortest time after which one of them may be asked.
fn shortest(open: &[(usize, Duration)]) -> Option<Duration> {
    open.iter().map(|(_, wait)| *wait).min()
}

/// The answer where every target that could be asked is to be left alone.
pub(super) fn all_open(
    model: &Model,
    call: &Call,
    asked: &str,
    attempts: &[Attempt],
    wait: Option<Duration>,
) -> Failure {
    let failure = Failure::new(503, nobody(model, call, asked, attempts).message);
    failure.with_retry_after(wait.unwrap_or_default()).with_code("circuit_open")
}

/// Takes out the targets that are to be left alone for now. What comes back too are the numbers of those that have
/// something out of the ordinary.
fn leave_alone(host: &impl Host, steps: Vec<Step>, model: &Model) -> (Sifted, Vec<u64>) {
    let watched =
        |target: &Target| target.circuit.breaker.is_some() || !target.circuit.max_cooldown.is_zero();
    if !model.targets.iter().any(watched) {
        return (Sifted { steps, ..Sifted::default() }, Vec::new());
    }
    let board = circuits::read(host);
    let ids = model.targets.iter().map(|target| target.id);
    let troubled = ids.filter(|id| board.cell(*id).is_some()).collect();
    // The body may have taken its time.
    (sift(steps, model, &board, host.now_ns() / 1_000_000), troubled)
}

/// Takes out the targets whose context the request is estimated not to fit into, with the output that it allows: providers
/// refuse what could only be answered beyond their window. Which, and why, comes back. With none left the chain for long
/// requests takes their place, and where there is none all stay: it is an estimate.
fn leave_out_small(request: &Incoming, found: &Found, steps: &mut Vec<Step>) -> Vec<(usize, String)> {
    let model = &found.model;
    let window = |step: &Step| model.targets.get(step.target).and_then(|target| target.context_window);
    if !steps.iter().any(|step| window(step).is_some()) {
        return Vec::new();
    }
    let first = model.targets.first().map_or("", |target| &target.model);
    let input = from_body(&request.body, Tokenizer::of_model(first));
    let is_chat = request.call.operation == Operation::Chat;
    let asked = asked_output(&request.body).limit.filter(|_| is_chat);
    let output = |step: &Step| {
        let own = model.targets.get(step.target).and_then(|target| target.max_tokens);
        asked.map(|asked| own.unwrap_or(asked)).unwrap_or_default()
    };
    let is_small =
        |step: &Step| window(step).is_some_and(|window| window < input.saturating_add(output(step)));
    let mut small: Vec<(usize, String)> = Vec::new();
    for step in steps.iter().filter(|step| is_small(step) && step.retry == 0) {
        let (window, output) = (window(step).unwrap_or_default(), output(step));
        let more = if output > 0 { format!(" and {output} of the answer") } else { String::new() };
        let why = format!(
            "skipped: its context of {window} tokens is too small for about {input} of the request{more}"
        );
        small.push((step.target, why));
    }
    let mut fit: Vec<Step> = steps.iter().copied().filter(|step| !is_small(step)).collect();
    if fit.is_empty() {
        fit = route::steps_within(model, &request.call, model.on_context_window.clone());
    }
    if fit.is_empty() {
        return Vec::new();
    }
    *steps = fit;
    small
}

/// Tries that the router must be able to make beyond those laid out: the chains for a reason.
fn spare_tries(model: &Model, steps: &[Step]) -> usize {
    let laid_out = |position: usize| steps.iter().any(|step| step.target == position);
    let behind = (model.chain..model.targets.len()).filter(|position| !laid_out(*position)).count();
    let each = usize::try_from(model.retries).unwrap_or(usize::MAX).saturating_add(1);
    behind.saturating_mul(each)
}

/// Why no target of a model can be asked.
fn nobody(model: &Model, call: &Call, asked: &str, attempts: &[Attempt]) -> Failure {
    let mut reasons: Vec<String> = attempts
        .iter()
        .filter_map(|attempt| {
            let reason = attempt.end.as_ref()?.reason.as_deref()?;
            Some(match reason.strip_prefix("skipped: ") {
                Some(why) => format!("{}: {why}", attempt.target),
                // A rule of its provider's.
                None if reason.starts_with("its ") => format!("{}: {reason}", attempt.target),
                None => reason.to_owned(),
            })
        })
        .collect();
    if reasons.is_empty() {
        reasons.push(format!("none is at a provider that may be asked for {}", call.operation.as_str()));
    }
    let message =
        format!("No target of the model `{}` can be asked: {}.", route::shown(asked), reasons.join("; "));
    // A chain that has no endpoint for what is wanted is the client's choice; a missing key is not.
    let keyless = |t: &Target| matches!(t.provider.auth, Auth::Missing { .. });
    let status = if model.targets.iter().any(keyless) { 500 } else { 400 };
    Failure::new(status, message)
}

/// Targets that cannot be asked, as attempts that never began.
fn unfit_targets(model: &Model, call: &Call, carried: &str, now_ns: u64) -> Vec<Attempt> {
    model
        .chain()
        .iter()
        .filter_map(|target| Some(Attempt::skipped(target, carried, route::unfit(target, call)?, now_ns)))
        .collect()
}
