//! A try that failed: another one, or the one error that tells of all of them.

use super::release::own_headers;
use super::request::route_to_upcoming;
use super::{Attempt, Stage, is_retriable};
use crate::chat::Failure;
use crate::dialect::lane;
use crate::gateway::backoff;
use crate::gateway::circuits;
use crate::gateway::exchange::{Ending, Exchange};
use crate::gateway::host::{Flow, Host, Side};

/// Shown to the router in place of a status it would try again on, when there is nothing left to try; the edge phase
/// puts the true one back.
const FINAL: u16 = 400;

impl Attempt {
    /// Ends this try. `held` is how much of the response body the proxy holds, `None` when there is none.
    pub(super) fn give_up(
        &mut self,
        host: &impl Host,
        exchange: &mut Exchange,
        mut failure: Failure,
        held: Option<usize>,
    ) -> Flow {
        let now = host.now_ns();
        failure.provider = failure.provider.or_else(|| exchange.asked().map(|asked| asked.name.to_string()));
        let asked =
            backoff::retry_after(self.headers.get("retry-after-ms"), self.headers.get("retry-after"), now)
                .or(failure.retry_after);
        let ending = Ending { retry_after: asked, ..Ending::failed(Some(self.headers.status()), &failure) };
        self.go_on_after(host, exchange, failure, ending, held)
    }

    /// Ends this try in this way, and lets the router go on to the next one.
    pub(super) fn go_on_after(
        &mut self,
        host: &impl Host,
        exchange: &mut Exchange,
        failure: Failure,
        ending: Ending,
        held: Option<usize>,
    ) -> Flow {
        let now = host.now_ns();
        let (asked, is_silent) = (ending.retry_after, ending.status.is_none());
        let board = self.worker.end_attempt(host, now, exchange, ending);
        self.stage = Stage::Through;
        host.break_in(None);
        exchange.take_up();
        if let Some(board) = &board {
            exchange.pass_over(board, now);
        }
        if let Some(reason) = exchange.may_divert(&failure) {
            // The request was at fault, so that its end changed no circuit: the board is read for the new chain.
            let board = board.unwrap_or_else(|| circuits::read(host));
            exchange.divert(reason, Some(&board), now);
        }
        if asked.is_some_and(|d| d > exchange.model.backoff.max_retry_after) {
            exchange.skip_target();
        }
        if exchange.may_retry() {
            exchange.settle_next(&self.worker, host);
        }
        let Some(next) = exchange.upcoming().filter(|_| exchange.may_retry()) else {
            return self.release_exhausted(host, exchange, failure, held);
        };
        route_to_upcoming(host, exchange);
        if !is_retriable(self.headers.status()) {
            host.set_header(Side::Response, ":status", Some("502"));
        }
        // After a silent one the next try itself waits.
        let waits = next.retry > 0 && !is_silent;
        let pause = if waits { backoff::before(next.retry, &exchange.model.backoff, asked, now) } else { 0 };
        if pause == 0 {
            return Flow::Continue;
        }
        host.wake_in(Side::Response, pause);
        Flow::Pause
    }

    /// The last failure, told to the client with every try.
    fn release_exhausted(
        &mut self,
        host: &impl Host,
        exchange: &mut Exchange,
        failure: Failure,
        held: Option<usize>,
    ) -> Flow {
        let failure = exhausted(exchange, failure);
        if let Some(count) = exchange.estimate_count(&failure) {
            return match held {
                Some(size) => self.release_estimate(host, exchange, &count, size),
                None => self.reply_with(host, exchange, 200, &count),
            };
        }
        let status = failure.status;
        let shown = if exchange.may_retry() && is_retriable(status) { FINAL } else { status };
        if shown != status {
            exchange.answer.true_status = Some(status);
        }
        self.release_failure(host, exchange, failure, shown, held)
    }

    /// The router came for a try although none is left: the last one never got an answer, or was the last that could be
    /// asked.
    pub(super) fn reply_exhausted(&mut self, host: &impl Host, exchange: &mut Exchange) -> Flow {
        let failure = exhausted(exchange, exchange.last_failure());
        match exchange.estimate_count(&failure) {
            Some(count) => self.reply_with(host, exchange, 200, &count),
            None => self.reply(host, exchange, failure),
        }
    }

    /// Answers from this phase without a provider; such an answer is never tried again.
    pub(super) fn reply(&mut self, host: &impl Host, exchange: &mut Exchange, failure: Failure) -> Flow {
        let status = failure.status;
        let body = lane::write_failure_to(&exchange.call, &failure, &exchange.notes(), &exchange.request_id);
        exchange.answer.failure = Some(failure);
        self.reply_with(host, exchange, status, &body)
    }

    fn reply_with(&mut self, host: &impl Host, exchange: &mut Exchange, status: u16, body: &[u8]) -> Flow {
        self.stage = Stage::Through;
        let own = own_headers(exchange);
        let mut pairs = vec![("content-type", "application/json")];
        // Other headers of the provider's are lost with its answer; clients act on this one.
        let wait = exchange.answer.failure.as_ref().and_then(Failure::retry_after_secs);
        let wait = wait.map(|secs| secs.to_string());
        pairs.extend(self.headers.get("retry-after").or(wait.as_deref()).map(|v| ("retry-after", v)));
        let failure = exchange.answer.failure.as_ref().filter(|_| status >= 400);
        pairs.extend(failure.and_then(|failure| lane::failure_header(exchange.call.envelope(), failure)));
        let id = exchange.call.envelope().shape().request_id;
        pairs.extend(id.map(|name| (name, exchange.request_id.as_str())));
        pairs.extend(own.iter().map(|(n, v)| (*n, v.as_str())));
        host.reply(status, &pairs, body);
        exchange.answer.released = true;
        Flow::Pause
    }
}

/// The failure a client reads when no target answered: the last one's status and words, and the number of tries.
pub fn exhausted(exchange: &Exchange, last: Failure) -> Failure {
    let tried = exchange.tries();
    if tried < 2 {
        return last;
    }
    let whose = exchange
        .attempts
        .last()
        .map_or_else(String::new, |a| format!(" The last, {}/{}:", a.provider.name, a.model));
    Failure { message: format!("All {tried} attempts failed.{whose} {}", last.message), ..last }
}
