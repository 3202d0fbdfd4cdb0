//! The edge phase at its door: a request is let in, waits, or is refused, and goes to the router.

use super::admission::{self, Denied};
use super::choose::Kept;
use super::edge::{Edge, Stage};
use super::exchange::Exchange;
use super::host::{Flow, GCP_TOKEN, Host, Side, key};
use super::lay_out::skipped_of;
use super::waiting::{self, End, Refused};
use super::worker::{SharedExchange, Worker};
use super::{quota_headers, rate_limit};
use crate::config::tables::{Auth, Model, Secret};
use crate::meter::stat::Stat;
use crate::policy::ledger::Account;
use crate::policy::quota::Terms;
use std::cell::RefCell;
use std::rc::Rc;

impl Edge {
    /// Reserves what the request may use of budgets and limits, and sends it, or refuses it.
    pub(super) fn admit(&mut self, host: &impl Host, exchange: Exchange) -> Flow {
        let of_key = self.record.identity.key.as_ref().map(|key| &key.quotas);
        let none = self.tables.quotas.is_empty() && of_key.is_none_or(|own| own.all().next().is_none());
        if none || self.record.identity.master {
            return self.send_uncounted(host, exchange);
        }
        if let Some(refusal) = self.find_uncounted(&exchange) {
            self.record.limited_by = Some(Rc::clone(&refusal.rule.name));
            let extra = [("scope", refusal.rule.per.as_str()), ("reason", "uncounted")];
            self.count_refusal(host, Stat::Limited, &extra);
            return self.fail(host, refusal.failure);
        }
        self.send_counted(host, exchange)
    }

    fn send_counted(&mut self, host: &impl Host, mut exchange: Exchange) -> Flow {
        // Not the time at which the headers came: the body may have taken long, and the counters have gone on.
        let (identity, now) = (&self.record.identity, host.now_ns());
        let waits = |account: &Account, rule| self.worker.queue.borrow().is_waited_for(account, rule);
        let kept = match admission::admit(&self.worker, host, &mut exchange, identity, now, &waits) {
            Ok(admission) => {
                exchange.admission = Some(Box::new(admission));
                return self.send(host, exchange);
            }
            Err(kept) => kept,
        };
        self.record.skipped = Some(skipped_of(&exchange.model, &exchange.attempts));
        match kept {
            Kept::Denied(denied) if denied.may_wait() => self.wait(host, exchange, denied),
            Kept::Denied(denied) => self.deny(host, &denied),
            Kept::Open(failure) => self.fail(host, failure),
        }
    }

    fn send_uncounted(&mut self, host: &impl Host, mut exchange: Exchange) -> Flow {
        match exchange.settle_first(&self.worker, host, None) {
            Err(Kept::Open(failure)) => {
                self.record.skipped = Some(skipped_of(&exchange.model, &exchange.attempts));
                self.fail(host, failure)
            }
            // No rule was asked.
            Ok(()) | Err(Kept::Denied(_)) => self.send(host, exchange),
        }
    }

    /// Holds the request until the limit lets it through.
    fn wait(&mut self, host: &impl Host, exchange: Exchange, denied: Denied) -> Flow {
        self.describe(host, &exchange);
        if self.tables.audit_content {
            self.record.prompt = Some(exchange.body.clone());
        }
        let (identity, now) = (&self.record.identity, host.now_ns());
        match waiting::enqueue(&self.worker, host, exchange, identity, denied, now) {
            Ok(waiting) => {
                self.stage = Stage::Waiting { waiting, stream: host.stream() };
                Flow::Pause
            }
            Err(denied) => self.deny(host, &denied),
        }
    }

    /// Takes over what became of a request that waited.
    pub(super) fn catch_up(&mut self) {
        let Stage::Waiting { waiting, .. } = &self.stage else { return };
        let Some(end) = waiting.borrow_mut().end.take() else { return };
        match end {
            End::Sent(exchange, token) => self.stage = Stage::Sent { exchange, token },
            End::Refused(refused) => {
                let Refused { failure, denied, skipped, queued_ms } = *refused;
                if let Some(denied) = &denied {
                    self.note_denied(denied);
                }
                self.record.skipped = Some(skipped);
                self.record.queued_ms = Some(queued_ms);
                self.record.status = failure.status;
                self.record.failure = Some(failure);
                self.stage = Stage::Answered;
            }
        }
    }

    /// The stream is gone: if it waited, its place is free, and nobody will ask for what was sent.
    pub fn leave(&mut self) {
        self.catch_up();
        match self.stage {
            Stage::Waiting { stream, .. } => {
                self.worker.queue.borrow_mut().remove(stream);
            }
            Stage::Sent { token, .. } => self.worker.forget(token),
            Stage::Answered | Stage::Collecting { .. } => {}
        }
    }

    fn note_denied(&mut self, denied: &Denied) {
        if denied.unknown.is_some() {
            return;
        }
        self.record.limited_by = Some(Rc::clone(&denied.quota.name));
        if matches!(denied.quota.terms, Terms::Budget(_)) {
            self.record.spent_budget = Some((Rc::clone(&denied.quota), denied.refused.standing));
        }
    }

    /// Answers that a budget or a limit is exhausted.
    fn deny(&mut self, host: &impl Host, denied: &Denied) -> Flow {
        self.count_refusal(
            host,
            Stat::Limited,
            &[("scope", denied.account.scope.as_str()), ("reason", denied.kind())],
        );
        self.note_denied(denied);
        let mut headers = Vec::new();
        if denied.is_of_limit() {
            let standing = [(Rc::clone(&denied.quota), denied.refused.standing)];
            headers = quota_headers::headers(self.record.dialect, &standing, host.now_ns());
        }
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.fail_with(host, denied.failure(), &headers)
    }

    /// Gives the request to the router, with the first cluster chosen.
    fn send(&mut self, host: &impl Host, exchange: Exchange) -> Flow {
        if self.tables.audit_content {
            self.record.prompt = Some(exchange.body.clone());
        }
        self.describe(host, &exchange);
        let (exchange, token) = dispatch(&self.worker, host, exchange);
        self.stage = Stage::Sent { exchange, token };
        Flow::Continue
    }
}

/// Tells the router where a request goes, and keeps it under a number for the attempt phase.
pub(super) fn dispatch(worker: &Worker, host: &impl Host, mut exchange: Exchange) -> (SharedExchange, u64) {
    if let Some(first) = exchange.upcoming() {
        exchange.routed = first.target;
    }
    if let Some(target) = exchange.model.targets.get(exchange.routed) {
        host.remember(key::CLUSTER, target.cluster(exchange.stream).as_bytes());
    }
    rate_limit::describe_provider(host, &exchange);
    grant(host, &exchange);
    let exchange = Rc::new(RefCell::new(exchange));
    let token = worker.register(Rc::clone(&exchange));
    host.remember(key::REQUEST, token.to_string().as_bytes());
    host.reroute();
    (exchange, token)
}

/// The access token of Google's that the proxy fetched, where a target of the model wants one.
pub(super) fn gcp_token(host: &impl Host, model: &Model) -> Option<Secret> {
    if !model.targets.iter().any(|target| matches!(target.provider.auth, Auth::GcpToken)) {
        return None;
    }
    let [filter, key] = GCP_TOKEN;
    let token = host.property(&["metadata", "filter_metadata", filter, key])?;
    Some(Secret(String::from_utf8(token).ok().filter(|token| !token.is_empty())?.into()))
}

/// Tells the router how often it may try again and how long it may wait, where that differs from the route's own
/// settings.
fn grant(host: &impl Host, exchange: &Exchange) {
    let (route, limit, model) = (exchange.tables.route, exchange.longest_limit(), &exchange.model);
    let set = |name, value: String| host.set_header(Side::Request, name, Some(&value));
    if exchange.retries_granted != route.retries {
        set("x-envoy-max-retries", exchange.retries_granted.to_string());
    }
    if limit != route.timeout {
        set("x-envoy-upstream-rq-per-try-timeout-ms", limit.as_millis().to_string());
    }
    if model.request_timeout != route.request_timeout {
        set("x-envoy-upstream-rq-timeout-ms", model.request_timeout.as_millis().to_string());
    }
}
