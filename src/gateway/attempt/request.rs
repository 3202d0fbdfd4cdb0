//! The way out: the request as this provider wants it.

use super::time_limit::TimeLimit;
use super::{Attempt, Stage, forward, time_limit, upstream_headers};
use crate::chat::Failure;
use crate::config::tables::{Model, Target};
use crate::dialect::Operation;
use crate::dialect::lane::{self, AnswerPlan, Edit};
use crate::gateway::backoff;
use crate::gateway::exchange::{self, Ending, Exchange};
use crate::gateway::host::{Flow, Host, Side, key};
use crate::meter::estimate::Tokenizer;
use crate::policy::circuit::{Board, Verdict};
use crate::policy::route::{self, Step};
use crate::{embedding, rerank};
use std::rc::Rc;

impl Attempt {
    /// The request's headers have come, as the edge phase or an earlier try left them.
    pub fn on_request_headers(&mut self, host: &impl Host) -> Flow {
        let token = host.recall(key::REQUEST).and_then(|t| String::from_utf8(t).ok()?.parse().ok());
        let Some(shared) = token.and_then(|t| self.worker.exchange(t)) else {
            return self.meet_stranger(host);
        };
        self.exchange = Some(Rc::clone(&shared));
        let exchange = &mut *shared.borrow_mut();
        let board = self.close_silent_attempt(host, exchange);
        let model = Rc::clone(&exchange.model);
        let step = exchange.upcoming();
        let Some((step, target)) = step.and_then(|s| Some((s, model.targets.get(s.target)?))) else {
            return self.reply_exhausted(host, exchange);
        };
        if let Some(own) = self.provider.as_deref().filter(|own| **own != *target.provider.name) {
            let message = format!("The router chose `{own}` where `{}` was due.", target.provider.name);
            return self.reply(host, exchange, Failure::new(500, message));
        }
        // Where the router has gone by itself there is no way back: others that are left are asked after this one.
        let is_last = !exchange.has_other(step);
        let is_open = board.is_some_and(|board| {
            matches!(board.verdict(target.id, host.now_ns() / 1_000_000), Verdict::Open(_))
        });
        if is_open && is_last {
            return self.leave(host, exchange, step, "skipped: the circuit is open");
        }
        if step.probe && exchange.probing != Some(step.target) {
            if self.worker.begin_probe(host, target, exchange.longest_limit()) {
                exchange.probing = Some(step.target);
            } else if is_last {
                return self.leave(host, exchange, step, "skipped: another request tries it");
            }
        }
        match self.begin(host, exchange, &model, target, step) {
            Ok(flow) => flow,
            Err(failure) => {
                self.worker.leave_attempt(host, exchange);
                let failure = if failure.is_unsupported() {
                    exchange.refusal(step, failure, host.now_ns())
                } else {
                    exchange.end_attempt(host.now_ns(), None, Some(failure.message.clone()), None);
                    failure
                };
                self.reply(host, exchange, failure)
            }
        }
    }

    /// Some of the request's body has come; `size` bytes are held by the proxy.
    pub fn on_request_body(&mut self, host: &impl Host, size: usize) -> Flow {
        let Stage::Sending(edit) = &mut self.stage else { return Flow::Continue };
        // The router hands over the whole body at once; were it to come in pieces, the edit goes on where it was.
        match std::mem::replace(edit, Edit::Keep) {
            Edit::Keep => {}
            Edit::Prefix { drop, insert } => {
                host.splice_body(Side::Request, drop.min(size), &insert);
                if drop > size {
                    *edit = Edit::Prefix { drop: drop - size, insert: Vec::new() };
                }
            }
            Edit::Replace(body) => {
                host.splice_body(Side::Request, size, &body);
                *edit = Edit::Replace(Vec::new());
            }
        }
        Flow::Continue
    }

    fn begin(
        &mut self,
        host: &impl Host,
        exchange: &mut Exchange,
        model: &Model,
        target: &Target,
        step: Step,
    ) -> Result<Flow, Failure> {
        let silent_retry = step.retry > 0 && exchange.attempts.last().is_some_and(was_silent);
        exchange.begun += 1;
        // If the router has gone on by itself, what was laid aside was passed over.
        exchange.aside = None;
        let upstream_model = route::upstream_model(target, &exchange.carried);
        exchange.attempts.push(exchange::Attempt {
            provider: Rc::clone(&target.provider),
            target: Rc::clone(&target.name),
            model: upstream_model.clone(),
            started_ns: host.now_ns(),
            end: None,
            skipped: false,
        });
        self.worker.begin_busy(host, exchange, target);
        self.follow(host, exchange);
        route_to_upcoming(host, exchange);
        let endpoint = target.provider.endpoint_for(&exchange.call, &upstream_model).ok_or_else(|| {
            Failure::new(500, format!("The provider `{}` has no endpoint.", target.provider.name))
        })?;
        let prepared = exchange.take_prepared(step.target);
        let ask = exchange.ask(target, &upstream_model);
        let body = &exchange.body;
        let outgoing = match (exchange.call.operation, endpoint.operation) {
            (Operation::Forward(_), _) => forward::outgoing(exchange, &ask)?,
            (Operation::Embeddings(client), Operation::Embeddings(provider)) => {
                embedding::request(client, provider, body, &ask)?
            }
            (Operation::Rerank(client), Operation::Rerank(provider)) => {
                rerank::request(client, provider, body, &ask)?
            }
            _ => match prepared {
                Some(outgoing) => outgoing,
                None => lane::request_of(&exchange.call_for(target), endpoint.dialect, body, &ask)?,
            },
        };
        let length = length_after(&outgoing.edit, exchange.body.len());
        let headers = upstream_headers::build(exchange, target, endpoint, &upstream_model, length);
        upstream_headers::apply(host, exchange, &headers);
        exchange.answer.warnings = outgoing.warnings;
        let created = host.now_ns() / 1_000_000_000;
        let mut plan = outgoing.plan;
        if let Some(embedding) = &mut plan.embedding {
            embedding.id.clone_from(&exchange.request_id);
        }
        self.plan = Some(AnswerPlan {
            created,
            request_id: exchange.request_id.clone(),
            capture: exchange.tables.audit_content,
            tokenizer: Tokenizer::of_model(&upstream_model),
            ..plan
        });
        let pause =
            if silent_retry { backoff::before(step.retry, &model.backoff, None, host.now_ns()) } else { 0 };
        if let Some(admission) = &mut exchange.admission {
            admission.ask(&target.provider);
        }
        self.stage = Stage::Sending(outgoing.edit);
        // The router's limit runs while this try sleeps; half of it is left for the provider.
        let half = u64::try_from(exchange.longest_limit().as_millis() / 2).unwrap_or(u64::MAX);
        let pause = pause.min(half);
        self.time_limit =
            target.limit.of(exchange.stream).map(|limit| TimeLimit::from(host.now_ns(), pause, limit));
        if pause == 0 {
            return Ok(Flow::Continue);
        }
        host.wake_in(Side::Request, pause);
        Ok(Flow::Pause)
    }

    /// Takes what the request holds along to the provider that it goes to, and lays aside whoever cannot be asked after it:
    /// should this try fail unseen, the router goes on by itself.
    fn follow(&self, host: &impl Host, exchange: &mut Exchange) {
        let Some(mut admission) = exchange.admission.take() else { return exchange.clear_the_way(host) };
        admission.follow(&self.worker, host, exchange, host.now_ns());
        loop {
            let before = exchange.steps.len();
            admission.look_ahead(&self.worker, host, exchange, host.now_ns());
            exchange.clear_the_way(host);
            if exchange.steps.len() == before {
                break;
            }
        }
        exchange.admission = Some(admission);
    }

    /// A try that ended without the provider's saying anything left no trace of its own: connecting failed, the
    /// connection was reset, or the time was up.
    fn close_silent_attempt(&self, host: &impl Host, exchange: &mut Exchange) -> Option<Board> {
        if exchange.attempts.last().is_none_or(|a| a.end.is_some()) {
            return None;
        }
        let now_ns = host.now_ns();
        let reason = match exchange.passed_limit(now_ns) {
            Some(limit) => format!("no answer within {} ms", limit.as_millis()),
            None => "the connection failed or was reset, or there is no such host".to_owned(),
        };
        self.worker.end_attempt(host, now_ns, exchange, Ending { reason: Some(reason), ..Ending::default() })
    }

    /// The router came for the last target that is left, which is to be left alone.
    fn leave(&mut self, host: &impl Host, exchange: &mut Exchange, step: Step, why: &str) -> Flow {
        exchange.begun += 1;
        exchange.skip_target();
        exchange.note_skipped(host.now_ns(), vec![(step.target, why.to_owned())]);
        self.reply_exhausted(host, exchange)
    }

    /// A request that did not come through the edge phase, or whose exchange is gone. A try that has come by way of its
    /// time limit is looked after by the phase that sent it there.
    fn meet_stranger(&mut self, host: &impl Host) -> Flow {
        self.stage = Stage::Through;
        if host.property(&["xds", "route_name"]).is_some_and(|name| name == time_limit::ROUTE.as_bytes()) {
            return Flow::Continue;
        }
        host.reply(500, &[("content-type", "text/plain")], b"The request did not pass the gateway's edge.\n");
        Flow::Pause
    }
}

/// Tells the router where the next try goes, when that is not where it would go anyway.
pub(super) fn route_to_upcoming(host: &impl Host, exchange: &mut Exchange) {
    let Some(step) = exchange.upcoming() else { return };
    let targets = &exchange.model.targets;
    let cluster = |position: usize| targets.get(position).map(|target| target.cluster(exchange.stream));
    if let (Some(next), Some(last)) = (cluster(step.target), cluster(exchange.routed))
        && next != last
    {
        host.remember(key::CLUSTER, next.as_bytes());
    }
    exchange.routed = step.target;
}

fn was_silent(attempt: &exchange::Attempt) -> bool {
    attempt.end.as_ref().is_some_and(|e| e.status.is_none())
}

fn length_after(edit: &Edit, before: usize) -> usize {
    match edit {
        Edit::Keep => before,
        Edit::Prefix { drop, insert } => before.saturating_sub(*drop) + insert.len(),
        Edit::Replace(body) => body.len(),
    }
}
