//! The edge phase between layout and router: budgets and limits let the request through, hold it, or refuse it.

use super::admission::{self, Denied};
use super::edge::{Edge, Stage};
use super::exchange::Exchange;
use super::host::{Flow, Host};
use super::quota_headers;
use super::waiting::{self, End};
use crate::meter::metrics::Labels;
use crate::policy::ledger::Account;
use crate::policy::quota::Terms;
use std::rc::Rc;

impl Edge {
    /// Reserves what the request may use of budgets and limits, and sends it, or refuses it.
    pub(super) fn admit(&mut self, host: &impl Host, mut exchange: Exchange) -> Flow {
        if self.tables.quotas.is_empty() || self.record.identity.master {
            return self.send(host, exchange);
        }
        let (identity, now) = (&self.record.identity, self.record.started_ns);
        let waits = |account: &Account| self.worker.queue.borrow().is_waited_for(account);
        match admission::admit(&self.worker, host, &mut exchange, identity, now, &waits) {
            Ok(admission) => {
                exchange.admission = Some(Box::new(admission));
                self.send(host, exchange)
            }
            Err(denied) if denied.may_wait() => self.wait(host, exchange, denied),
            Err(denied) => self.deny(host, &denied),
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
                let (failure, denied, queued_ms) = *refused;
                self.note_denied(&denied);
                self.record.queued_ms = Some(queued_ms);
                self.record.status = failure.status;
                self.record.failure = Some(failure);
                self.stage = Stage::Answered;
            }
        }
    }

    /// The stream is gone: if it waited, its place is free.
    pub fn leave(&mut self) {
        self.catch_up();
        if let Stage::Waiting { stream, .. } = self.stage {
            self.worker.queue.borrow_mut().remove(stream);
        }
    }

    fn note_denied(&mut self, denied: &Denied) {
        self.record.limited_by = Some(Rc::clone(&denied.quota.name));
        if matches!(denied.quota.terms, Terms::Budget(_)) {
            self.record.spent_budget = Some((Rc::clone(&denied.quota), denied.refused.standing));
        }
    }

    /// Answers that a budget or a limit is exhausted.
    fn deny(&mut self, host: &impl Host, denied: &Denied) -> Flow {
        let tenant = self.record.identity.tenant.as_deref().unwrap_or_default();
        let labels = Labels { model: "", provider: "", tenant };
        let extra = [("scope", denied.account.scope.as_str()), ("reason", denied.kind())];
        self.worker.metrics.borrow_mut().add(host, "tollgate.limited", labels, &extra, 1);
        self.note_denied(denied);
        let mut headers = Vec::new();
        if !matches!(denied.quota.terms, Terms::Budget(_)) {
            let standing = [(Rc::clone(&denied.quota), denied.refused.standing)];
            headers = quota_headers::headers(self.record.dialect, &standing, self.record.started_ns);
        }
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.fail_with(host, denied.failure(), &headers)
    }
}
