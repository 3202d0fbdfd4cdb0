//! Requests that are passed through: out with another model and another key, back as the answer comes.

use super::release::Body;
use super::{Attempt, Stage};
use crate::chat::{Failure, Losses};
use crate::dialect::lane::{AnswerPlan, Ask, Edit, Gauge, Outgoing};
use crate::gateway::exchange::{Ending, Exchange};
use crate::gateway::host::{Flow, Host, Side};
use crate::gateway::uncounted;

/// The request as this provider gets it.
pub(super) fn outgoing(exchange: &Exchange, ask: &Ask<'_>) -> Result<Outgoing, Failure> {
    let mut losses = Losses::new(ask.drop_params);
    let edit = match &exchange.forwarded {
        Some(forwarded) => forwarded.form.edit(&exchange.body, ask, &mut losses)?,
        None => Edit::Keep,
    };
    let dialect = exchange.call.dialect;
    let plan = AnswerPlan {
        operation: exchange.call.operation,
        ..AnswerPlan::new(dialect, dialect, exchange.stream, false)
    };
    Ok(Outgoing { edit, warnings: losses.into_warnings(), plan })
}

impl Attempt {
    /// A good answer of whatever kind goes to the client as it comes.
    pub(super) fn release_forwarded(
        &mut self,
        host: &impl Host,
        exchange: &mut Exchange,
        forwarded_service: crate::dialect::Service,
        ended: bool,
    ) -> Flow {
        let status = self.headers.status();
        if status != 200 {
            exchange.answer.true_status = Some(status);
        }
        let gauge = Gauge::new(forwarded_service, self.headers.get("content-type"));
        if let Some(attempt) = exchange.attempts.last() {
            let warning = uncounted::warning(&self.worker, host.now_ns(), exchange, attempt, !gauge.is_off());
            exchange.answer.warnings.extend(warning);
        }
        self.show(host, exchange, &Body::as_it_came(), status);
        exchange.answer.released = true;
        drop(std::mem::take(&mut exchange.body));
        self.stage = Stage::Forwarding(Box::new(gauge));
        if ended {
            self.finish_forwarded(host, exchange);
        } else {
            host.break_in(super::response::idle_limit(exchange));
        }
        Flow::Continue
    }

    /// More of the answer passes.
    pub(super) fn forward_on(&mut self, host: &impl Host, exchange: &mut Exchange, size: usize, ended: bool) {
        let Stage::Forwarding(gauge) = &mut self.stage else { return };
        if size > 0 && exchange.answer.first_content_ns.is_none() && exchange.stream {
            exchange.answer.first_content_ns = Some(host.now_ns());
        }
        if size > 0 && !gauge.is_off() {
            gauge.push(&host.body(Side::Response, 0, size));
        }
        if ended {
            self.finish_forwarded(host, exchange);
        } else if let Some(limit) = super::response::idle_limit(exchange) {
            host.break_in(Some(limit));
        }
    }

    /// The answer came to its end: its usage and its price are known.
    pub(super) fn finish_forwarded(&mut self, host: &impl Host, exchange: &mut Exchange) {
        let Stage::Forwarding(gauge) = std::mem::replace(&mut self.stage, Stage::Through) else { return };
        host.break_in(None);
        let now = host.now_ns();
        self.worker.end_attempt(host, now, exchange, Ending::good(self.headers.status()));
        exchange.answer.report = gauge.end();
        exchange.answer.complete = true;
        if let Some(ended) = exchange.attempts.last()
            && exchange.answer.report.usage_is_final
        {
            let usage = &exchange.answer.report.usage;
            exchange.answer.cost = self.worker.cost(now, &exchange.tables, ended, usage);
        }
    }
}
