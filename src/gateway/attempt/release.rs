//! What is let through to the client, and with which headers.

use super::response::{finish_stream, idle_limit};
use super::{Attempt, Stage};
use crate::chat::{Failure, UsageStatus};
use crate::dialect::Carriage;
use crate::dialect::Operation;
use crate::dialect::lane::{self, Answer};
use crate::gateway::admission::Admission;
use crate::gateway::exchange::{Counted, Ending, Exchange};
use crate::gateway::host::{Flow, Host, Side};
use crate::gateway::quota_headers;
use std::borrow::Cow;

/// Longest `x-tollgate-warnings`, in bytes: proxies on the way refuse large header blocks.
const WARNINGS_BYTES: usize = 1024;

/// Provider headers that are nobody else's business, or that speak of a connection the client is not part of.
const WITHHELD: &[&str] = &[
    "alt-svc",
    "api-key",
    "authorization",
    "clear-site-data",
    "content-location",
    "content-security-policy",
    "cookie",
    "link",
    "location",
    "nel",
    "openai-organization",
    "openai-project",
    "proxy-authenticate",
    "proxy-authorization",
    "refresh",
    "report-to",
    "server",
    "set-cookie",
    "set-cookie2",
    "sourcemap",
    "strict-transport-security",
    "via",
    "www-authenticate",
    "x-accel-redirect",
    "x-api-key",
    "x-goog-api-key",
    "x-powered-by",
    "x-sendfile",
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
        exchange.take_up();
        self.worker.end_attempt(host, now, exchange, Ending::good(self.headers.status()));
        if let Some(tokens) = answer.report.counted {
            exchange.answer.counted = Some(Counted { tokens, status: UsageStatus::Complete });
        } else if let Some(ended) = exchange.attempts.last() {
            exchange.answer.cost = self.worker.cost(now, &exchange.tables, ended, &answer.report.usage);
        }
        exchange.answer.warnings.extend(answer.report.warnings.iter().cloned());
        exchange.answer.report = answer.report;
        exchange.answer.complete = true;
        let own_type = client_type(exchange);
        let shown = match &answer.body {
            Some(new) => Body { media_type: Some(own_type), length: Length::Is(new.len()) },
            None => Body { media_type: None, length: Length::Is(body.len()) },
        };
        self.show(host, exchange, &shown, self.headers.status());
        if let Some(new) = &answer.body {
            host.splice_body(Side::Response, body.len(), new);
        }
        // Vectors are megabytes that nobody reads.
        let is_readable = !matches!(exchange.call.operation, Operation::Embeddings(_));
        if exchange.tables.audit_content && is_readable {
            exchange.answer.transcript =
                std::str::from_utf8(answer.body.as_deref().unwrap_or(body)).ok().map(ToOwned::to_owned);
        }
        self.released(host, exchange)
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
        exchange.take_up();
        self.worker.prove_target(host, exchange);
        // A dialect of several framings may have changed the framing on the way.
        let translated = self
            .plan
            .as_ref()
            .is_some_and(|plan| !plan.is_identity() || plan.client.shape().stream_types.len() > 1);
        let body = Body { media_type: translated.then(|| client_type(exchange)), length: Length::Unknown };
        self.show(host, exchange, &body, self.headers.status());
        if held.changed {
            host.splice_body(Side::Response, size, &held.output);
        }
        exchange.answer.stream = Some(Box::new(held.stream));
        if ended {
            finish_stream(host, exchange, &self.worker);
        }
        // The first content has come; from here on it is silence that counts.
        host.break_in(idle_limit(exchange).filter(|_| !ended));
        exchange.answer.released = true;
        exchange.let_go_of_body();
        Flow::Continue
    }

    /// A provider's 4xx goes to the client: as it came where that is an error of the client's own dialect. A body that is
    /// owned is another one than what came.
    pub(super) fn release_refusal(
        &mut self,
        host: &impl Host,
        exchange: &mut Exchange,
        mut failure: Failure,
        body: Cow<'_, [u8]>,
        held: Option<usize>,
    ) -> Flow {
        let now = host.now_ns();
        let status = self.headers.status();
        failure.provider = failure.provider.or_else(|| exchange.asked().map(|asked| asked.name.to_string()));
        exchange.take_up();
        self.worker.end_attempt(host, now, exchange, Ending::failed(Some(status), &failure));
        let same_dialect = self.plan.as_ref().is_some_and(|p| p.client == p.provider);
        let readable =
            self.headers.is_type("application/json") && lane::is_failure_of(exchange.call.envelope(), &body);
        // What is passed through is the client's and the provider's own affair, errors included.
        let passes = exchange.forwarded.is_some();
        if !(passes || same_dialect && readable) {
            return self.release_failure(host, exchange, failure, status, held);
        }
        exchange.answer.failure = Some(failure);
        let shown = match held {
            None => Body::as_it_came(),
            Some(_) => Body { media_type: None, length: Length::Is(body.len()) },
        };
        self.show(host, exchange, &shown, status);
        if let (Some(size), Cow::Owned(changed)) = (held, body) {
            host.splice_body(Side::Response, size, &changed);
        }
        self.released(host, exchange)
    }

    /// An estimate takes the place of a count that no provider gave.
    pub(super) fn release_estimate(
        &mut self,
        host: &impl Host,
        exchange: &mut Exchange,
        count: &[u8],
        held: usize,
    ) -> Flow {
        let new = Body { media_type: Some("application/json"), length: Length::Is(count.len()) };
        self.show(host, exchange, &new, 200);
        host.splice_body(Side::Response, held, count);
        self.released(host, exchange)
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
        let body = lane::write_failure_to(&exchange.call, &failure, &exchange.notes(), &exchange.request_id);
        let new = Body { media_type: Some("application/json"), length: Length::Is(body.len()) };
        self.show(host, exchange, &new, shown);
        if let Some((name, value)) = lane::failure_header(exchange.call.envelope(), &failure) {
            host.set_header(Side::Response, name, Some(value));
        }
        if let Some(wait) = failure.retry_after_secs().filter(|_| self.headers.get("retry-after").is_none()) {
            host.set_header(Side::Response, "retry-after", Some(itoa::Buffer::new().format(wait)));
        }
        host.splice_body(Side::Response, size, &body);
        exchange.answer.failure = Some(failure);
        self.released(host, exchange)
    }

    fn released(&mut self, host: &impl Host, exchange: &mut Exchange) -> Flow {
        host.break_in(None);
        exchange.answer.released = true;
        exchange.let_go_of_body();
        self.stage = Stage::Through;
        Flow::Continue
    }

    /// Makes the held response headers the ones a client sees: the provider's but for what is withheld, the gateway's
    /// own and CORS.
    pub(super) fn show(&self, host: &impl Host, exchange: &Exchange, body: &Body<'_>, status: u16) {
        let set = |name: &str, value: Option<&str>| host.set_header(Side::Response, name, value);
        let limited = exchange.admission.as_ref().is_some_and(|admission| !admission.limits.is_empty());
        let is_limit = |name: &str| limited && quota_headers::PREFIXES.iter().any(|p| name.starts_with(p));
        let own = own_headers(exchange);
        // What is set below needs no removal.
        let is_set = |name: &str| own.iter().any(|(own, _)| *own == name);
        let is_gone = |name: &str| (is_withheld(name) || is_limit(name)) && !is_set(name);
        for (name, _) in self.headers.0.iter().filter(|(name, _)| is_gone(name)) {
            set(name, None);
        }
        if status != self.headers.status() {
            set(":status", Some(itoa::Buffer::new().format(status)));
        }
        if let Some(media_type) = body.media_type.filter(|t| !self.headers.is_exactly("content-type", t)) {
            set("content-type", Some(media_type));
        }
        if body.media_type.is_some() && self.headers.get("content-encoding").is_some() {
            // What takes the place of a packed body is not packed.
            set("content-encoding", None);
        }
        let announced = self.headers.get("content-length").is_some();
        match body.length {
            Length::Is(length) => {
                let length = itoa::Buffer::new().format(length).to_owned();
                if !self.headers.is_exactly("content-length", &length) {
                    set("content-length", Some(&length));
                }
            }
            Length::Unknown if announced => set("content-length", None),
            Length::Unknown | Length::AsItCame => {}
        }
        if let Some(name) = exchange.call.envelope().shape().request_id {
            // What is the provider's own to the last byte keeps its id as well.
            if body.media_type.is_some() || self.headers.get(name).is_none() {
                set(name, Some(&exchange.request_id));
            }
        }
        for (name, value) in &own {
            set(name, Some(value));
        }
    }
}

/// The body that goes with a client's headers.
pub(super) struct Body<'a> {
    /// Its media type, where that is not what the provider said.
    media_type: Option<&'a str>,
    /// Its length.
    length: Length,
}

/// How long a body will be, in bytes.
#[derive(Debug, Clone, Copy)]
enum Length {
    /// As the provider said, if it did.
    AsItCame,
    /// So long.
    Is(usize),
    /// Nobody knows yet.
    Unknown,
}

impl Body<'_> {
    /// The provider's own, unchanged.
    pub(super) fn as_it_came() -> Self {
        Self { media_type: None, length: Length::AsItCame }
    }
}

/// The media type of an answer in the client's dialect.
fn client_type(exchange: &Exchange) -> &'static str {
    if exchange.stream && !exchange.call.array {
        match exchange.call.carriage {
            Carriage::Plain => exchange.call.dialect.shape().stream_type(),
            carriage => carriage.stream_type(),
        }
    } else {
        "application/json"
    }
}

/// The gateway's own headers and those of CORS.
pub(super) fn own_headers(exchange: &Exchange) -> Vec<(&'static str, String)> {
    let mut headers = if exchange.tables.response_headers { describe(exchange) } else { Vec::new() };
    if let Some(admission) = &exchange.admission {
        headers.extend(admission.headers(exchange.call.envelope()));
    }
    headers.extend(exchange.cors.iter().cloned());
    headers
}

/// What happened, in headers.
fn describe(exchange: &Exchange) -> Vec<(&'static str, String)> {
    let mut headers = Vec::with_capacity(8);
    let mut add = |name, value| headers.push((name, value));
    if let Some(attempt) = exchange.attempts.last() {
        add("x-tollgate-provider", attempt.provider.name.to_string());
        if !attempt.model.is_empty() {
            add("x-tollgate-model", printable(&attempt.model));
        }
    }
    add("x-tollgate-attempts", exchange.tries().to_string());
    add("x-tollgate-request-id", exchange.request_id.clone());
    if let Some(counted) = &exchange.answer.counted {
        add("x-tollgate-usage", counted.status.as_str().to_owned());
    }
    if let Some(cost) = exchange.cost() {
        add("x-tollgate-cost", cost.usd().to_string());
    }
    let admission = exchange.admission.as_deref();
    let own = admission.map_or(&[][..], |admission| &admission.warnings);
    let warnings: Vec<&str> = own.iter().chain(&exchange.answer.warnings).map(String::as_str).collect();
    if !warnings.is_empty() {
        add("x-tollgate-warnings", printable(&warnings.join("; ")));
    }
    if let Some(spent) = admission.and_then(Admission::budget_warning) {
        add("x-tollgate-budget-warning", printable(&spent));
    }
    headers
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
