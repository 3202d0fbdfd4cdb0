//! What is let through to the client, and with which headers.

use super::response::{finish_stream, watch_silence};
use super::{Attempt, Stage};
use crate::chat::Failure;
use crate::dialect::lane::{self, Answer};
use crate::gateway::exchange::Exchange;
use crate::gateway::headers::Headers;
use crate::gateway::host::{Flow, Host, Side};

/// Longest `x-tollgate-warnings`, in bytes: proxies on the way refuse large header blocks.
const WARNINGS_BYTES: usize = 1024;

/// Provider headers that are nobody else's business, or that speak of a connection the client is not part of.
const WITHHELD: &[&str] = &[
    "alt-svc",
    "content-length",
    "nel",
    "openai-organization",
    "openai-project",
    "report-to",
    "server",
    "set-cookie",
    "strict-transport-security",
    "via",
    "x-powered-by",
];

/// The same by the beginning of their names.
const WITHHELD_PREFIXES: &[&str] = &["access-control-", "cf-", "x-envoy-", "x-tollgate-"];

impl Attempt {
    /// A whole answer goes to the client.
    pub(super) fn release_answer(
        &mut self,
        host: &impl Host,
        exchange: &mut Exchange,
        answer: Answer,
        body: &[u8],
    ) -> Flow {
        let now = host.now_ns();
        exchange.end_attempt(now, Some(self.headers.status()), None);
        if let Some(ended) = exchange.attempts.last() {
            self.worker.observe(now, ended);
            exchange.answer.cost = self.worker.cost(now, &exchange.tables, ended, &answer.report.usage);
        }
        exchange.answer.warnings.extend(answer.report.warnings.iter().cloned());
        exchange.answer.report = answer.report;
        exchange.answer.complete = true;
        let media_type = if exchange.stream { "text/event-stream" } else { "application/json" };
        let changed = answer.body.as_ref().map(|b| (media_type, b.len()));
        let mut headers = self.client_headers(exchange, changed, self.headers.status());
        if changed.is_none() {
            headers.set("content-length", body.len().to_string());
        }
        host.set_headers(Side::Response, &headers);
        if let Some(new) = &answer.body {
            host.splice_body(Side::Response, body.len(), new);
        }
        if let Some(content) = &mut exchange.answer.content {
            content.extend_from_slice(answer.body.as_deref().unwrap_or(body));
        }
        self.released(exchange)
    }

    /// The headers of a stream and what was held of it go to the client.
    pub(super) fn release_stream(
        &mut self,
        host: &impl Host,
        exchange: &mut Exchange,
        size: usize,
        ended: bool,
    ) -> Flow {
        let stage = std::mem::replace(&mut self.stage, Stage::Streaming);
        let Stage::Holding(held) = stage else { return Flow::Continue };
        exchange.answer.first_content_ns = Some(host.now_ns());
        let mut headers = self.client_headers(exchange, None, self.headers.status());
        headers.set("content-type", "text/event-stream");
        host.set_headers(Side::Response, &headers);
        if held.changed {
            host.splice_body(Side::Response, size, &held.output);
        }
        if let Some(content) = &mut exchange.answer.content {
            content.extend_from_slice(&held.output);
        }
        exchange.answer.stream = Some(Box::new(held.stream));
        if ended {
            finish_stream(host, exchange, &self.worker);
        } else {
            watch_silence(host, exchange);
        }
        exchange.answer.released = true;
        exchange.body = Vec::new();
        Flow::Continue
    }

    /// A provider's 4xx goes to the client: as it came where that is an error of the client's own dialect.
    pub(super) fn release_refusal(
        &mut self,
        host: &impl Host,
        exchange: &mut Exchange,
        mut failure: Failure,
        body: &[u8],
        held: Option<usize>,
    ) -> Flow {
        let now = host.now_ns();
        let status = self.headers.status();
        failure.provider.get_or_insert_with(|| self.provider.to_string());
        exchange.end_attempt(now, Some(status), Some(failure.message.clone()));
        if let Some(ended) = exchange.attempts.last() {
            self.worker.observe(now, ended);
        }
        let same_dialect = self.plan.as_ref().is_some_and(|p| p.client == p.provider);
        let readable = self.headers.is_type("application/json") && lane::is_failure_of(exchange.client, body);
        if !(same_dialect && readable) {
            return self.release_failure(host, exchange, failure, status, held);
        }
        exchange.answer.failure = Some(failure);
        let mut headers = self.client_headers(exchange, None, status);
        headers.set("content-length", body.len().to_string());
        host.set_headers(Side::Response, &headers);
        self.released(exchange)
    }

    /// An error in the client's dialect takes the place of what the provider sent; the router is shown the status
    /// `shown`.
    pub(super) fn release_failure(
        &mut self,
        host: &impl Host,
        exchange: &mut Exchange,
        failure: Failure,
        shown: u16,
        held: Option<usize>,
    ) -> Flow {
        let Some(size) = held else {
            // Headers alone came: a body cannot be put behind them, but a new answer can take their place.
            return self.reply(host, exchange, failure);
        };
        let body = lane::write_failure(
            exchange.client,
            &failure,
            &super::give_up::listed(exchange),
            &exchange.request_id,
        );
        let headers = self.client_headers(exchange, Some(("application/json", body.len())), shown);
        host.set_headers(Side::Response, &headers);
        host.splice_body(Side::Response, size, &body);
        exchange.answer.failure = Some(failure);
        self.released(exchange)
    }

    fn released(&mut self, exchange: &mut Exchange) -> Flow {
        exchange.answer.released = true;
        exchange.body = Vec::new();
        self.stage = Stage::Through;
        Flow::Continue
    }

    /// The headers a client sees: the provider's but for what is withheld, the gateway's own and CORS. `body` is the
    /// media type and length of a body the gateway wrote.
    pub(super) fn client_headers(
        &self,
        exchange: &Exchange,
        body: Option<(&str, usize)>,
        status: u16,
    ) -> Headers {
        let mut headers = Headers(Vec::with_capacity(self.headers.0.len() + 8));
        headers.0.push((":status".to_owned(), status.to_string()));
        let kept = self.headers.0.iter().filter(|(name, _)| name != ":status" && !is_withheld(name));
        headers.0.extend(kept.cloned());
        if let Some((media_type, length)) = body {
            headers.set("content-type", media_type);
            headers.set("content-length", length.to_string());
        }
        if exchange.tables.response_headers {
            describe(exchange, &mut headers);
        }
        headers.0.extend(exchange.cors.iter().map(|(n, v)| ((*n).to_owned(), v.clone())));
        headers
    }
}

/// What happened, in headers.
fn describe(exchange: &Exchange, headers: &mut Headers) {
    let mut add = |name: &str, value: String| headers.0.push((name.to_owned(), value));
    if let Some(attempt) = exchange.attempts.last() {
        add("x-tollgate-provider", attempt.provider.name.to_string());
        add("x-tollgate-model", printable(&attempt.model));
    }
    add("x-tollgate-attempts", exchange.attempts.len().to_string());
    add("x-tollgate-request-id", exchange.request_id.clone());
    if let Some(cost) = &exchange.answer.cost {
        add("x-tollgate-cost", cost.usd().to_string());
    }
    if !exchange.answer.warnings.is_empty() {
        add("x-tollgate-warnings", printable(&exchange.answer.warnings.join("; ")));
    }
}

fn is_withheld(name: &str) -> bool {
    WITHHELD.contains(&name) || WITHHELD_PREFIXES.iter().any(|p| name.starts_with(p))
}

/// Text that may stand in a header: printable ASCII, of bounded length.
fn printable(text: &str) -> String {
    text.chars()
        .take(WARNINGS_BYTES)
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .collect()
}
