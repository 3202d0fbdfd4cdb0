//! One client request and all its attempts: what the two phases share.

use crate::chat::{Failure, FailureKind, Usage, UsageStatus};
use crate::config::tables::{Model, Provider, Secret, Tables, Target};
use crate::dialect::lane::{AttemptNote, Form, Outgoing, Progress, Report, Stream, Warning, count};
use crate::dialect::{Call, Forward, Operation};
use crate::gateway::admission::Admission;
use crate::gateway::headers::Headers;
use crate::gateway::held::Held;
use crate::meter::estimate::{Tokenizer, from_body};
use crate::meter::price::Cost;
use crate::policy::circuit::{Board, Verdict};
use crate::policy::keys::Holders;
use crate::policy::reason::Reason;
use crate::policy::route::{Step, steps_within, upstream_model};
use crate::policy::sift::sift;
use std::rc::Rc;
use std::time::Duration;

/// How much too early the proxy's timers may go off: they go by a clock that stands still while the proxy is busy with one
/// round of events.
const EARLY: Duration = Duration::from_millis(20);

/// One client request on its way.
#[derive(Debug)]
pub struct Exchange {
    /// The configuration in force when it came; a reload does not change it under way.
    pub tables: Rc<Tables>,
    /// What the client asks for, and in which dialect.
    pub call: Call,
    /// What is passed through; `None` for what is understood.
    pub forwarded: Option<Forwarded>,
    /// The public model, and what a wildcard's `*` stood for.
    pub model: Rc<Model>,
    /// See [`crate::policy::route::Found`].
    pub carried: String,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// The client's headers as the proxy holds them; see [`Exchange::client_header`].
    pub headers: Headers,
    /// The client's headers that hold keys of the gateway's.
    pub key_headers: Holders,
    /// Whether the client's token, which is for the gateway too, was believed.
    pub has_token: bool,
    /// The access token of Google's that the proxy fetched, where a target wants one.
    pub gcp_token: Option<Secret>,
    /// The client's body. Let go when an answer is released, for no other attempt will need it.
    pub body: Held,
    /// The proxy's id of the request.
    pub request_id: String,
    /// CORS headers of the answer.
    pub cors: Vec<(&'static str, String)>,
    /// The tries allowed.
    pub steps: Vec<Step>,
    /// Tries begun; the current one is `steps[begun - 1]`.
    pub begun: usize,
    /// Retries that the proxy was told it may make.
    pub retries_granted: usize,
    /// The target (its position) whose cluster the router was last told to use.
    pub routed: usize,
    /// The tries to come as they were before those at providers without room, or that cannot take the request, were laid
    /// aside.
    pub aside: Option<Aside>,
    /// The targets that are left alone for now.
    pub resting: Resting,
    /// Whether the body may hold more than text, once that was asked.
    pub holds_media: Option<bool>,
    /// Every try so far, and the targets that were passed over.
    pub attempts: Vec<Attempt>,
    /// What an answer used that the client did not get.
    pub filtered: Option<Filtered>,
    /// What it holds of budgets and limits, where there are any.
    pub admission: Option<Box<Admission>>,
    /// The request as it was written for a target (its position) before its try began.
    pub prepared: Option<(usize, Outgoing)>,
    /// The target (its position) that this request has leave to try although its circuit was open.
    pub probing: Option<usize>,
    /// Targets (their numbers) that had something out of the ordinary when the request looked: a good answer is news.
    pub troubled: Vec<u64>,
    /// The target (its number) whose requests under way this one is counted among.
    pub busy: Option<u64>,
    /// What chose the first target; `None` for the order of the file.
    pub chosen_by: Option<&'static str>,
    /// The reason for which a chain of its own took the place of the rest.
    pub diverted: Option<Reason>,
    /// The rule that named the model.
    pub rule: Option<Rc<str>>,
    /// How the answer stands.
    pub answer: AnswerState,
}

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

/// An answer that a provider's content filter ended, and that another one took the place of. It is paid for all the same.
#[derive(Debug)]
pub struct Filtered {
    /// Whose it was.
    pub provider: Rc<Provider>,
    /// Which of its models'.
    pub model: String,
    /// What it used.
    pub usage: Usage,
    /// What it cost, where the price is known.
    pub cost: Option<Cost>,
}

/// What was laid aside while a try is under way: should that fail unseen, the router goes on by itself, and not there.
#[derive(Debug)]
pub struct Aside {
    steps: Vec<Step>,
    /// How many attempts there were.
    attempts: usize,
}

/// A request that is passed through to a service.
#[derive(Debug)]
pub struct Forwarded {
    /// What it is.
    pub request: Forward,
    /// What its body is.
    pub form: Form,
    /// Its query with the question mark, or nothing.
    pub query: String,
}

/// How the answer stands.
#[derive(Debug, Default)]
pub struct AnswerState {
    /// Whether something was let through to the client, be it an answer or an error.
    pub released: bool,
    /// The status the client must see, where the router was shown another one so that it would not try again.
    pub true_status: Option<u16>,
    /// When the first content was let through, in nanoseconds since the epoch.
    pub first_content_ns: Option<u64>,
    /// The stream under way.
    pub stream: Option<Box<Stream>>,
    /// What the answer said of itself.
    pub report: Report,
    /// An estimate of the request's tokens, made when the answer began, for an answer that does not say them.
    pub input_estimate: Option<u64>,
    /// The client left while a provider had the request and nothing of an answer had come.
    pub abandoned: bool,
    /// The count, when counting was all that was wanted.
    pub counted: Option<Counted>,
    /// Whether the answer came to its proper end.
    pub complete: bool,
    /// What the client was told went wrong.
    pub failure: Option<Failure>,
    /// What it cost, once known.
    pub cost: Option<Cost>,
    /// What was lost in translation, both ways.
    pub warnings: Vec<Warning>,
    /// What was answered, as JSON, when the audit wants it: the body, or what a stream generated.
    pub transcript: Option<String>,
}

/// The tokens of a request that was only to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// How many.
    pub tokens: u64,
    /// Whether the provider said so, or the gateway guessed.
    pub status: UsageStatus,
}

/// One try at one target.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Who was asked.
    pub provider: Rc<Provider>,
    /// Under which name health knows the target.
    pub target: Rc<str>,
    /// For which of its models.
    pub model: String,
    /// When, in nanoseconds since the epoch.
    pub started_ns: u64,
    /// How it ended; `None` while it runs.
    pub end: Option<AttemptEnd>,
    /// Nobody was asked: the target was passed over, and the end says why.
    pub skipped: bool,
}

/// What is known of the end of a try.
#[derive(Debug, Clone, Default)]
pub struct Ending {
    /// The provider's status, where there was one.
    pub status: Option<u16>,
    /// Why it failed; `None` when it did not.
    pub reason: Option<String>,
    /// What kind of failure the answer said it is.
    pub kind: Option<FailureKind>,
    /// How long the provider asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Ending {
    /// A good end.
    pub fn good(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// A failure.
    pub fn failed(status: Option<u16>, failure: &Failure) -> Self {
        Self {
            status,
            reason: Some(failure.message.clone()),
            kind: Some(failure.kind),
            retry_after: failure.retry_after,
        }
    }
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptEnd {
    /// The provider's status, where there was one.
    pub status: Option<u16>,
    /// Why it failed; `None` when it did not.
    pub reason: Option<String>,
    /// How long the provider asked to be left alone.
    pub retry_after: Option<Duration>,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

impl AnswerState {
    /// Takes over what the stream under way says of itself, and gives it back; `None` when there is none.
    pub fn settle_stream(&mut self) -> Option<Box<Stream>> {
        let stream = self.stream.take()?;
        self.report = stream.report().clone();
        self.transcript = stream.transcript();
        self.complete = stream.progress() == Progress::Finished;
        Some(stream)
    }
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

    /// A header of the client's that a provider may see. None of the gateway's own keys is one, nor is a token for it.
    pub fn client_header(&self, name: &str) -> Option<&str> {
        let token = self.tables.access.token.as_ref().filter(|_| self.has_token);
        let is_ours = self.key_headers.has(name) || token.is_some_and(|token| *token.header == *name);
        self.headers.get(name).filter(|_| !is_ours)
    }

    /// The answer has begun: no other try will need the client's body. Where the answer has not said what it was, the
    /// body is estimated first.
    pub fn let_go_of_body(&mut self) {
        let report = self.answer.stream.as_ref().map_or(&self.answer.report, |stream| stream.report());
        if report.usage.input.is_none() && self.answer.failure.is_none() {
            self.estimate_input();
        }
        self.body = Held::default();
    }

    /// The client has left. A provider that had the request has read it, and wants to be paid for that.
    pub fn abandon(&mut self) {
        self.answer.abandoned = true;
        if self.forwarded.is_none() && self.call.operation != Operation::CountTokens {
            self.estimate_input();
        }
    }

    fn estimate_input(&mut self) {
        let tokenizer = self.attempts.last().map(|attempt| Tokenizer::of_model(&attempt.model));
        self.answer.input_estimate = Some(from_body(&self.body, tokenizer.unwrap_or_default()));
    }

    /// The answer to a request for a count that no provider could give: an estimate for the last one that was asked, in
    /// the client's words; why they did not becomes a warning. `None` for any other request, and for one that cannot be
    /// read.
    pub fn estimate_count(&mut self, why: &Failure) -> Option<Vec<u8>> {
        if self.call.operation != Operation::CountTokens {
            return None;
        }
        let model = self.attempts.last().map_or("", |attempt| attempt.model.as_str());
        let tokens = count::estimated(&self.call, &self.body, model).ok()?;
        self.answer.counted = Some(Counted { tokens, status: UsageStatus::Estimated });
        self.answer.complete = true;
        self.answer.warnings.push(format!("estimated: {}", why.message));
        Some(count::write(self.call.dialect, tokens))
    }

    /// Who is asked, or was asked last.
    pub fn asked(&self) -> Option<&Provider> {
        self.attempts.last().map(|attempt| &*attempt.provider)
    }

    /// Whether the router may still try again.
    pub fn may_retry(&self) -> bool {
        self.begun <= self.retries_granted
    }

    /// The router's limit to the first token, which is that of all tries.
    pub fn longest_limit(&self) -> Duration {
        self.model.timeout.of(self.stream)
    }

    /// The limit to the first token, where the try under way has passed it without an answer. The router has one for all
    /// tries.
    pub fn passed_limit(&self, now_ns: u64) -> Option<Duration> {
        let limit = self.longest_limit();
        let started = self.attempts.last()?.started_ns;
        (Duration::from_nanos(now_ns.saturating_sub(started)).saturating_add(EARLY) >= limit).then_some(limit)
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

    /// What the last one said that was asked; 502 where nothing came back.
    pub fn last_failure(&self) -> Failure {
        let end = self.attempts.last().and_then(|attempt| attempt.end.clone());
        let status = end.as_ref().and_then(|end| end.status).unwrap_or(502);
        let retry_after = end.as_ref().and_then(|end| end.retry_after);
        let reason = end.and_then(|end| end.reason).unwrap_or_default();
        Failure { retry_after, ..Failure::new(status, reason) }
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

    /// Ends the try under way and gives it back; a try that has ended keeps its first end, and nothing comes back.
    pub fn end_attempt(
        &mut self,
        now_ns: u64,
        status: Option<u16>,
        reason: Option<String>,
        retry_after: Option<Duration>,
    ) -> Option<&Attempt> {
        let attempt = self.attempts.last_mut().filter(|a| a.end.is_none())?;
        let ms = now_ns.saturating_sub(attempt.started_ns) / 1_000_000;
        attempt.end = Some(AttemptEnd { status, reason, retry_after, ms });
        Some(attempt)
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

    /// What all answers cost. Where the price of the one that the client got is not known, nor is the sum.
    pub fn cost(&self) -> Option<Cost> {
        let beside = self.filtered.as_ref().and_then(|filtered| filtered.cost);
        match self.answer.cost {
            Some(cost) => Some(beside.map_or(cost, |beside| cost.plus(beside))),
            None => beside.filter(|_| self.answer.failure.is_some()),
        }
    }

    /// How often somebody was asked.
    pub fn tries(&self) -> usize {
        self.attempts.iter().filter(|attempt| !attempt.skipped).count()
    }

    /// The tries as an error lists them.
    pub fn notes(&self) -> Vec<AttemptNote> {
        self.attempts.iter().map(Attempt::note).collect()
    }

    /// Tries at targets after the first, that is, how often the gateway fell back.
    pub fn fallbacks(&self) -> usize {
        let asked: Vec<&Attempt> = self.attempts.iter().filter(|attempt| !attempt.skipped).collect();
        asked
            .windows(2)
            .filter(
                |pair| matches!(pair, [a, b] if a.provider.index != b.provider.index || a.model != b.model),
            )
            .count()
    }
}

impl Attempt {
    /// A target that nobody was asked at, and why.
    pub fn skipped(target: &Target, carried: &str, why: String, now_ns: u64) -> Self {
        Self {
            provider: Rc::clone(&target.provider),
            target: Rc::clone(&target.name),
            model: upstream_model(target, carried),
            started_ns: now_ns,
            end: Some(AttemptEnd { status: None, reason: Some(why), retry_after: None, ms: 0 }),
            skipped: true,
        }
    }

    /// The same as an error lists it.
    pub fn note(&self) -> AttemptNote {
        let end = self.end.as_ref();
        AttemptNote {
            provider: self.provider.name.to_string().into(),
            model: self.model.clone().into(),
            status: end.and_then(|e| e.status),
            reason: match end {
                Some(end) => end.reason.clone().unwrap_or_default().into(),
                None => "unfinished".into(),
            },
            ms: end.map_or(0, |e| e.ms),
        }
    }
}
