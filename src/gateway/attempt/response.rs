//! The way back: what the provider's answer turns into.

use super::{Attempt, Held, Stage, is_retriable, secret};
use crate::chat::Failure;
use crate::dialect::Operation;
use crate::dialect::lane::{self, Pass, Progress, Report, Stream};
use crate::gateway::exchange::{Ending, Exchange, Filtered};
use crate::gateway::host::{Flow, Host, Side};
use crate::meter::estimate::{Tokenizer, from_body};
use crate::policy::health::Quota;
use crate::policy::quota::Amounts;
use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

impl Attempt {
    /// The provider's headers have come. They are held until enough of the body is there to know what it is.
    pub fn on_response_headers(&mut self, host: &impl Host, end_of_stream: bool) -> Flow {
        let Some(shared) = self.exchange.clone() else { return Flow::Continue };
        self.headers = host.headers(Side::Response);
        if let Some(flow) = self.take_unanswered(host, &mut shared.borrow_mut()) {
            return flow;
        }
        self.take_counts();
        self.take_quota(host, &shared.borrow());
        let Some(plan) = &self.plan else { return Flow::Continue };
        let good = matches!(self.headers.status(), 200..=299);
        let service = shared.borrow().forwarded.as_ref().map(|forwarded| forwarded.request.service);
        if let (true, Some(service)) = (good, service) {
            return self.release_forwarded(host, &mut shared.borrow_mut(), service, end_of_stream);
        }
        let is_stream = || plan.is_stream_type(|media_type| self.headers.is_type(media_type));
        if good && plan.stream && is_stream() && self.coding().is_none() {
            let held = Held { stream: Stream::new(plan), output: Vec::new(), changed: false, seen: 0 };
            self.stage = Stage::Holding(Box::new(held));
        } else {
            self.stage = Stage::Collecting { held: 0 };
        }
        if end_of_stream {
            return self.conclude(host, &mut shared.borrow_mut(), None);
        }
        Flow::Pause
    }

    /// How the body is packed, where it is: nobody asked for that, and nobody here can read it.
    fn coding(&self) -> Option<&str> {
        let coding = self.headers.get("content-encoding").map(str::trim)?;
        Some(coding).filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
    }

    /// Most providers say how much they will still take.
    fn take_quota(&self, host: &impl Host, exchange: &Exchange) {
        if let Some(quota) = Quota::read(&self.headers) {
            self.worker.tell_quota(host, exchange, quota);
        }
    }

    /// Bedrock counts the tokens of embeddings and reranks in a header.
    fn take_counts(&mut self) {
        let counted = self.headers.get("x-amzn-bedrock-input-token-count").and_then(|v| v.parse().ok());
        let Some(plan) = &mut self.plan else { return };
        if let Some(embedding) = &mut plan.embedding {
            embedding.counted = counted;
        }
        if let Some(rerank) = &mut plan.rerank {
            rerank.counted = counted;
        }
    }

    /// Some of the body has come; `size` bytes are held by the proxy.
    pub fn on_response_body(&mut self, host: &impl Host, size: usize, end_of_stream: bool) -> Flow {
        let Some(shared) = self.exchange.clone() else { return Flow::Continue };
        let exchange = &mut *shared.borrow_mut();
        match &mut self.stage {
            Stage::Collecting { held } => {
                *held = size;
                if end_of_stream { self.conclude(host, exchange, Some(size)) } else { Flow::Pause }
            }
            Stage::Holding(held) => {
                held.read(host, size, end_of_stream);
                self.hold_or_release(host, exchange, size, end_of_stream)
            }
            Stage::Streaming => {
                self.stream_on(host, exchange, size, end_of_stream);
                Flow::Continue
            }
            Stage::Forwarding(_) => {
                self.forward_on(host, exchange, size, end_of_stream);
                Flow::Continue
            }
            Stage::Fresh | Stage::Sending(_) | Stage::Through => Flow::Continue,
        }
    }

    /// Trailers end a body without a last chunk.
    pub fn on_response_trailers(&mut self, host: &impl Host) -> Flow {
        let Some(shared) = self.exchange.clone() else { return Flow::Continue };
        let exchange = &mut *shared.borrow_mut();
        match &mut self.stage {
            Stage::Collecting { held } => {
                let size = *held;
                self.conclude(host, exchange, Some(size))
            }
            Stage::Holding(held) => {
                let size = held.seen;
                held.read(host, size, true);
                self.hold_or_release(host, exchange, size, true)
            }
            Stage::Streaming => {
                finish_stream(host, exchange, &self.worker);
                Flow::Continue
            }
            Stage::Forwarding(_) => {
                self.finish_forwarded(host, exchange);
                Flow::Continue
            }
            Stage::Fresh | Stage::Sending(_) | Stage::Through => Flow::Continue,
        }
    }

    /// The body is whole (`held` bytes), or there is none.
    fn conclude(&mut self, host: &impl Host, exchange: &mut Exchange, held: Option<usize>) -> Flow {
        let Some(plan) = &self.plan else { return Flow::Continue };
        let body = held.map_or_else(Vec::new, |size| host.body(Side::Response, 0, size));
        let status = self.headers.status();
        if !matches!(status, 200..=299) {
            let body = secret::hidden(exchange, status, &body);
            let mut failure = match self.coding() {
                Some(coding) => {
                    let message = format!("status {status} with a body that is packed (`{coding}`)");
                    Failure { message, ..lane::read_failure(status, &[]) }
                }
                None => lane::read_failure(status, &body),
            };
            if let Some(name) = self.headers.get("x-amzn-errortype") {
                failure = lane::with_error_type(failure, name);
            }
            return self.refused(host, exchange, failure, body, held);
        }
        if let Some(coding) = self.coding() {
            let message = format!("The provider's answer is packed (`{coding}`), which nobody asked for.");
            return self.give_up(host, exchange, Failure::new(502, message), held);
        }
        let answer =
            if plan.stream { lane::answer_as_stream(plan, &body) } else { lane::answer(plan, &body) };
        match answer {
            Ok(answer)
                if answer.report.finish == Some(FILTERED) && exchange.may_divert(&filtered()).is_some() =>
            {
                self.spend(host, exchange, &answer.report);
                self.give_up(host, exchange, filtered(), held)
            }
            Ok(answer) => self.release_answer(host, exchange, answer, &body),
            Err(failure) => self.give_up(host, exchange, failure, held),
        }
    }

    /// A status that says no. Some are worth another try; the rest are the client's to read.
    fn refused(
        &mut self,
        host: &impl Host,
        exchange: &mut Exchange,
        failure: Failure,
        body: Cow<'_, [u8]>,
        held: Option<usize>,
    ) -> Flow {
        let status = self.headers.status();
        // 424 is Bedrock's word for a model that failed; to the proxy it is no reason to try again.
        if is_retriable(status) || status == 424 {
            return self.give_up(host, exchange, failure, held);
        }
        if exchange.call.operation == Operation::CountTokens && cannot_count(&failure) {
            exchange.skip_target();
            return self.give_up(host, exchange, failure, held);
        }
        if exchange.may_divert(&failure).is_some() {
            return self.give_up(host, exchange, failure, held);
        }
        if !matches!(status, 400..=499) {
            let message = format!("The provider answered with status {status}, which is no answer.");
            return self.give_up(host, exchange, Failure { message, ..Failure::new(502, "") }, held);
        }
        self.release_refusal(host, exchange, failure, body, held)
    }

    fn hold_or_release(
        &mut self,
        host: &impl Host,
        exchange: &mut Exchange,
        size: usize,
        ended: bool,
    ) -> Flow {
        let Stage::Holding(held) = &mut self.stage else { return Flow::Continue };
        let report = held.stream.report();
        let is_filtered = report.finish == Some(FILTERED) && report.output_bytes == 0;
        match held.stream.progress() {
            Progress::Finished if is_filtered && exchange.may_divert(&filtered()).is_some() => {
                let report = report.clone();
                self.spend(host, exchange, &report);
                self.give_up(host, exchange, filtered(), Some(size))
            }
            Progress::Content | Progress::Finished => self.release_stream(host, exchange, size, ended),
            Progress::Failed => {
                let failure = held.stream.failure().cloned();
                let failure = failure.unwrap_or_else(|| Failure::new(502, "The stream reported an error."));
                self.give_up(host, exchange, failure, Some(size))
            }
            Progress::Waiting if ended => {
                let failure = Failure::new(502, "The stream ended before any content.");
                self.give_up(host, exchange, failure, Some(size))
            }
            Progress::Waiting => Flow::Pause,
        }
    }

    /// Notes what an answer used that the client does not get: whatever it does not say is estimated.
    fn spend(&self, host: &impl Host, exchange: &mut Exchange, report: &Report) {
        let Some(attempt) = exchange.attempts.last() else { return };
        let mut usage = report.usage;
        usage.input.get_or_insert_with(|| from_body(&exchange.body, Tokenizer::of_model(&attempt.model)));
        usage.output.get_or_insert(report.output_tokens);
        let now = host.now_ns();
        let cost = self.worker.cost(now, &exchange.tables, attempt, &usage);
        let (provider, model) = (Rc::clone(&attempt.provider), attempt.model.clone());
        exchange.filtered = Some(Filtered { provider, model, usage, cost });
        if let Some(admission) = &mut exchange.admission {
            admission.spend(Amounts::used(&usage, cost));
        }
    }

    fn stream_on(&mut self, host: &impl Host, exchange: &mut Exchange, size: usize, ended: bool) {
        let Some(stream) = &mut exchange.answer.stream else { return };
        let chunk = host.body(Side::Response, 0, size);
        self.scratch.clear();
        let mut pass = stream.push(&chunk, &mut self.scratch);
        if ended {
            pass = end_after(stream, pass, &chunk, &mut self.scratch);
        }
        if pass == Pass::Replaced {
            host.splice_body(Side::Response, size, &self.scratch);
        }
        if ended {
            finish_stream(host, exchange, &self.worker);
        } else if let Some(limit) = idle_limit(exchange) {
            host.break_in(Some(limit));
        }
    }
}

/// The finish reason of an answer that a provider's content filter ended.
const FILTERED: &str = "content_filter";

/// An answer that a content filter ended, as the refusal that it is.
fn filtered() -> Failure {
    Failure::new(400, "The answer was ended by the provider's content filter.").with_code(FILTERED)
}

/// Whether a refusal says that this server has no such endpoint, or that this model has no count, rather than that the
/// request is wrong.
fn cannot_count(failure: &Failure) -> bool {
    matches!(failure.status, 404 | 405) || failure.message.contains("support counting tokens")
}

/// The longest silence that this provider may keep within a stream, where it has a limit of its own.
pub(super) fn idle_limit(exchange: &Exchange) -> Option<Duration> {
    exchange.attempts.last().and_then(|a| a.provider.idle_timeout)
}

impl Held {
    /// Reads what is new of the `size` bytes that the proxy holds.
    fn read(&mut self, host: &impl Host, size: usize, ended: bool) {
        let chunk = match size.checked_sub(self.seen) {
            Some(new) if new > 0 => host.body(Side::Response, self.seen, new),
            _ => Vec::new(),
        };
        self.seen = size;
        let mut out = Vec::new();
        let mut pass = self.stream.push(&chunk, &mut out);
        if ended && self.stream.progress() != Progress::Failed {
            pass = end_after(&mut self.stream, pass, &chunk, &mut out);
        }
        match pass {
            Pass::AsIs => self.output.extend_from_slice(&chunk),
            Pass::Replaced => {
                self.changed = true;
                self.output.append(&mut out);
            }
        }
    }
}

/// Ends a stream after its last chunk. What the end adds comes behind the chunk, whichever way that goes on.
fn end_after(stream: &mut Stream, pass: Pass, chunk: &[u8], out: &mut Vec<u8>) -> Pass {
    let mut tail = Vec::new();
    if stream.end(&mut tail) == Pass::AsIs {
        return pass;
    }
    if pass == Pass::AsIs {
        out.extend_from_slice(chunk);
    }
    out.append(&mut tail);
    Pass::Replaced
}

/// Closes the books of a stream that came to its end.
pub(super) fn finish_stream(
    host: &impl Host,
    exchange: &mut Exchange,
    worker: &crate::gateway::worker::Worker,
) {
    let Some(stream) = exchange.answer.settle_stream() else { return };
    if !exchange.answer.complete {
        let broken = || Failure::new(502, "The stream ended without a finish.");
        exchange.answer.failure = Some(stream.failure().cloned().unwrap_or_else(broken));
    }
    let now = host.now_ns();
    let ending = match &exchange.answer.failure {
        Some(failure) => Ending::failed(Some(200), failure),
        None => Ending::good(200),
    };
    worker.end_attempt(host, now, exchange, ending);
}
