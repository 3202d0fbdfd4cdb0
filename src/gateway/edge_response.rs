//! The edge phase on the way back: answers that are not the attempt phase's own become errors in the client's dialect.

use super::attempt::exhausted;
use super::closing::OVERDUE;
use super::edge::{Edge, Stage};
use super::exchange::{Ending, Exchange};
use super::host::{Flow, Host, Side};
use super::{rate_limit, silence};
use crate::chat::{Failure, UsageStatus};
use crate::dialect::lane;

impl Edge {
    /// The response's headers have come.
    pub fn on_response_headers(&mut self, host: &impl Host, end_of_stream: bool) -> Flow {
        self.catch_up();
        let (answer, attempts, tries) = match &self.stage {
            // Without an exchange the request was answered by the gateway itself or, when its body was over the
            // proxy's limit, by the proxy.
            Stage::Answered => return Flow::Continue,
            Stage::Collecting { .. } | Stage::Waiting { .. } => {
                (Err(proxy_failure(host, None)), Vec::new(), 0)
            }
            Stage::Sent { exchange, .. } => {
                let exchange = &mut *exchange.borrow_mut();
                if exchange.answer.released {
                    if let Some(status) = exchange.answer.true_status {
                        host.set_header(Side::Response, ":status", Some(&status.to_string()));
                    }
                    return Flow::Continue;
                }
                let failure = self.unanswered(host, exchange);
                let answer = exchange.estimate_count(&failure).ok_or_else(|| failure.clone());
                exchange.answer.failure = answer.is_err().then_some(failure);
                (answer, exchange.notes(), exchange.tries())
            }
        };
        self.rewrite(host, answer, (&attempts, tries), end_of_stream)
    }

    /// Some of the response's body has come.
    pub fn on_response_body(&mut self, host: &impl Host, size: usize) -> Flow {
        if let Some(body) = &mut self.replacement {
            // What comes after the first piece is replaced by nothing.
            let body = std::mem::take(body);
            host.splice_body(Side::Response, size, &body);
        }
        Flow::Continue
    }

    /// The router gave up without any provider's answer: nobody could be reached, or the time was up.
    fn unanswered(&self, host: &impl Host, exchange: &mut Exchange) -> Failure {
        let now = host.now_ns();
        let failure = match exchange
            .passed_limit(now)
            .filter(|_| exchange.attempts.last().is_some_and(|a| a.end.is_none()))
        {
            Some(limit) => {
                Failure::new(504, format!("The provider did not answer within {} ms.", limit.as_millis()))
            }
            None => overflow(host, exchange).unwrap_or_else(|| proxy_failure(host, Some(exchange))),
        };
        self.worker.end_attempt(host, now, exchange, Ending::failed(None, &failure));
        exchange.answer.released = true;
        exhausted(exchange, failure)
    }

    /// Puts an estimated count, or a failure, in the place of what the proxy answered.
    fn rewrite(
        &mut self,
        host: &impl Host,
        answer: Result<Vec<u8>, Failure>,
        (attempts, tries): (&[lane::AttemptNote], usize),
        end_of_stream: bool,
    ) -> Flow {
        let is_count = answer.is_ok();
        let (status, body) = match answer {
            Ok(count) => (200, count),
            Err(failure) => {
                let body = self.record.failure_body(&failure, attempts);
                let status = failure.status;
                self.record.failure = Some(failure);
                (status, body)
            }
        };
        self.record.status = status;
        if end_of_stream {
            // There is no body to put ours in the place of; the status tells what happened.
            return Flow::Continue;
        }
        let mut headers = host.headers(Side::Response);
        headers.set(":status", status.to_string());
        headers.set("content-type", "application/json");
        headers.set("content-length", body.len().to_string());
        if let Some(name) = self.record.dialect.shape().request_id {
            headers.set(name, self.record.request_id.clone());
        }
        rate_limit::say_when(status, &mut headers);
        if self.tables.response_headers {
            headers.set("x-tollgate-request-id", self.record.request_id.clone());
            headers.set("x-tollgate-attempts", tries.to_string());
            if is_count {
                headers.set("x-tollgate-usage", UsageStatus::Estimated.as_str());
            }
        }
        for (name, value) in &self.cors {
            headers.set(name, value.clone());
        }
        host.set_headers(Side::Response, &headers);
        self.replacement = Some(body);
        Flow::Continue
    }
}

/// A threshold of a provider's kept the request away from it. Where the try had not begun, the attempts name it all the
/// same.
fn overflow(host: &impl Host, exchange: &mut Exchange) -> Option<Failure> {
    if !code_details(host).contains("overflow") {
        return None;
    }
    let status = host.headers(Side::Response).status();
    if let Some(running) = exchange.attempts.last().filter(|attempt| attempt.end.is_none()) {
        return Some(silence::overflowed(&running.provider.name, status));
    }
    let (step, provider) = (exchange.upcoming()?, exchange.next_provider()?);
    let failure = silence::overflowed(&provider.name, status);
    exchange.note_skipped(host.now_ns(), vec![(step.target, failure.message.clone())]);
    Some(failure)
}

/// The proxy's own word for what became of the response, in plain letters.
pub(super) fn code_details(host: &impl Host) -> String {
    let details = host.property(&["response", "code_details"]).unwrap_or_default();
    String::from_utf8_lossy(&details).replace('_', " ")
}

/// What the proxy's own answer means.
fn proxy_failure(host: &impl Host, exchange: Option<&Exchange>) -> Failure {
    let status = host.headers(Side::Response).status();
    let details = code_details(host);
    if let Some(failure) = rate_limit::refusal(&details) {
        return failure;
    }
    if status == 408 && exchange.is_none() {
        return Failure::new(408, "The request did not come whole in time.");
    }
    if status == 413 {
        return Failure::new(413, "The request body is larger than the gateway's limit.");
    }
    if status == 504 || details.contains("timeout") {
        return match exchange {
            // The proxy's word for the limit of the route, which is that of the whole request.
            Some(exchange) if details == OVERDUE => silence::overdue(exchange.model.request_timeout),
            _ => silence::timed_out(exchange.map(Exchange::longest_limit)),
        };
    }
    let status = if status >= 400 { status } else { 502 };
    let why = if details.is_empty() { "no details" } else { &*details };
    match exchange.and_then(|x| x.attempts.last()) {
        Some(last) => silence::unreachable(&last.provider.name, status, why),
        None => Failure::new(status, format!("The proxy refused the request: {why}.")),
    }
}
