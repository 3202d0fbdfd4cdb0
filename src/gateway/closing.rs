//! The end of a request: its usage, its cost, the metrics and the audit line. Runs once, whatever became of it.

use super::denial::amount;
use super::edge::{Edge, Stage};
use super::edge_response::code_details;
use super::exchange::{Ending, Exchange};
use super::host::{Host, key};
use super::record::Skipped;
use super::silence;
use super::uncounted;
use super::waiting::{self, Waiting};
use crate::chat::{Failure, Usage, UsageStatus};
use crate::dialect::lane::AttemptNote;
use crate::meter::audit::{self, BudgetNote, ErrorNote, FilteredNote, Line};
use crate::meter::estimate;
use crate::meter::metrics::{Charged, Labels, Metrics};
use crate::meter::price::Cost;
use crate::meter::stat::Stat;
use crate::policy::ledger::Account;
use crate::policy::quota::{Amounts, Quota, Standing, Unit};
use crate::policy::reason::Reason;
use crate::policy::route;
use crate::policy::scope::Scope;

impl Edge {
    /// The request is over: answered, refused, broken or abandoned.
    pub fn on_log(&mut self, host: &impl Host) {
        let now = host.now_ns();
        self.leave();
        match std::mem::replace(&mut self.stage, Stage::Answered) {
            Stage::Sent { exchange, token } => {
                self.worker.forget(token);
                let exchange = &mut *exchange.borrow_mut();
                self.close_exchange(host, exchange, now);
                let released = self.settle(host, exchange, now);
                self.tell_totals(host, exchange);
                self.count(host, Some(exchange), now);
                self.write(host, Some(exchange), now);
                // At the very end: it acts for other streams.
                waiting::serve_after(&self.worker, host, &released, now);
            }
            stage => {
                match stage {
                    Stage::Waiting { waiting, .. } => self.note_waited(host, &waiting.borrow(), now),
                    // Its client has left while it was sending.
                    Stage::Collecting { .. } => {
                        self.record.failure.get_or_insert_with(|| cut(host));
                    }
                    Stage::Sent { .. } | Stage::Answered => {}
                }
                if self.record.quiet || self.record.started_ns == 0 {
                    return;
                }
                self.count(host, None, now);
                self.write(host, None, now);
            }
        }
    }

    /// Its client has left the queue, or the proxy has lost patience with it.
    fn note_waited(&mut self, host: &impl Host, waiting: &Waiting, now: u64) {
        let record = &mut self.record;
        record.queued_ms = Some(millis(waiting.since_ns, now));
        record.limited_by = waiting.waits_for();
        record.failure.get_or_insert_with(|| cut(host));
    }

    /// Settles what is still open: an answer cut off, its usage, its price.
    fn close_exchange(&self, host: &impl Host, exchange: &mut Exchange, now: u64) {
        exchange.answer.settle_stream();
        if !exchange.answer.complete && exchange.answer.failure.is_none() {
            exchange.answer.failure = Some(broken_by_us(host, exchange).unwrap_or_else(|| cut(host)));
        }
        let overdue = exchange.answer.released && code_details(host) == OVERDUE;
        let reason = exchange.answer.failure.as_ref().map(|f| f.message.clone());
        let left = exchange.answer.failure.as_ref().is_some_and(|f| f.status == CLIENT_LEFT);
        let status = exchange.answer.released.then_some(200);
        if left || overdue {
            let is_out = exchange.attempts.last().is_some_and(|attempt| attempt.end.is_none());
            if left && is_out && exchange.answer.first_content_ns.is_none() && is_connected(host) {
                exchange.abandon();
            }
            // A client that leaves says nothing about the provider, nor does an answer that is long.
            self.worker.leave_attempt(host, exchange);
            exchange.end_attempt(now, status, reason, None);
        } else {
            let kind = exchange.answer.failure.as_ref().map(|f| f.kind);
            let ending = Ending { status, reason, kind, retry_after: None };
            self.worker.end_attempt(host, now, exchange, ending);
        }
        self.worker.end_busy(host, exchange);
        let (usage, _) = usage_of(exchange);
        if exchange.answer.cost.is_none()
            && exchange.answer.counted.is_none()
            && let Some(last) = exchange.attempts.last()
        {
            exchange.answer.cost = self.worker.cost(now, &exchange.tables, last, &usage);
        }
    }

    /// Puts what was used in the place of what was reserved of budgets and limits.
    fn settle(&self, host: &impl Host, exchange: &mut Exchange, now: u64) -> Vec<Account> {
        let Some(mut admission) = exchange.admission.take() else { return Vec::new() };
        let (usage, _) = usage_of(exchange);
        let cost = exchange.answer.cost.filter(|_| exchange.answer.counted.is_none());
        let used = Amounts::used(&usage, cost);
        // Rules of a provider count what was used there alone.
        let filtered = exchange.filtered.as_ref();
        let beside = |quota: &Quota| filtered.filter(|_| quota.per != Scope::Provider);
        let metrics = &mut *self.worker.metrics.borrow_mut();
        let labels = Labels { model: "", provider: "", tenant: "" };
        for quota in admission.budgets() {
            let rule = [("rule", &*quota.name)];
            if quota.unit() == Unit::Tokens {
                let beside = beside(quota).map_or(0, |x| Amounts::used(&x.usage, x.cost).tokens);
                metrics.add(host, Stat::BudgetUsedTokens, labels, &rule, used.tokens.saturating_add(beside));
            } else if cost.is_none() && (used.tokens > 0 || uncounted::is_silent(exchange)) {
                metrics.add(host, Stat::Unpriced, labels, &rule, 1);
            } else {
                let beside = beside(quota).and_then(|x| x.cost).unwrap_or_default();
                let cost = cost.unwrap_or_default().plus(beside);
                metrics.add_cost(host, Stat::BudgetUsedMicrodollars, labels, &rule, cost);
            }
        }
        for (quota, _) in &admission.soft {
            metrics.add(host, Stat::BudgetWarnings, labels, &[("rule", &quota.name)], 1);
        }
        let released = admission.settle(&self.worker, host, &exchange.tables.quotas, Some(used), now);
        metrics.add(host, Stat::LedgerEvictions, labels, &[], self.worker.ledger.take_evicted());
        exchange.answer.warnings.append(&mut admission.warnings);
        exchange.admission = Some(admission);
        released
    }

    fn count(&self, host: &impl Host, exchange: Option<&Exchange>, now: u64) {
        let metrics = &mut *self.worker.metrics.borrow_mut();
        let tenant = self.record.identity.tenant.as_deref().unwrap_or_default();
        let status = itoa::Buffer::new().format(self.status(host, exchange)).to_owned();
        let Some(exchange) = exchange else {
            let labels = Labels { model: "", provider: "", tenant };
            metrics.add(host, Stat::Requests, labels, &[("status", &status)], 1);
            if let Some(Skipped { model, targets }) = &self.record.skipped {
                for target in targets {
                    let labels = Labels { model: &model.name, provider: &target.provider, tenant };
                    metrics.add(host, Stat::Attempts, labels, &[("status", SKIPPED)], 1);
                }
            }
            return;
        };
        let last = exchange.attempts.last();
        let provider = last.map_or("", |a| &a.provider.name);
        let labels = Labels { model: &exchange.model.name, provider, tenant };
        metrics.add(host, Stat::Requests, labels, &[("status", &status)], 1);
        let words = [exchange.rule.as_deref(), exchange.chosen_by, exchange.diverted.map(Reason::as_str)];
        for word in words.into_iter().flatten() {
            metrics.add(host, Stat::Routed, labels, &[("class", word)], 1);
        }
        count_attempts(metrics, host, exchange, tenant);
        let (usage, _) = usage_of(exchange);
        let cost = exchange.answer.cost.unwrap_or_default();
        count_usage(metrics, host, labels, &usage, cost);
        if let Some(whom) = self.charged() {
            metrics.charge(host, Stat::ChargedRequests, whom, &[], 1);
        }
        self.charge(host, metrics, &usage, cost);
        if let Some(filtered) = &exchange.filtered {
            let labels = Labels { provider: &filtered.provider.name, ..labels };
            let cost = filtered.cost.unwrap_or_default();
            count_usage(metrics, host, labels, &filtered.usage, cost);
            self.charge(host, metrics, &filtered.usage, cost);
        }
        metrics.record(host, Stat::DurationMs, labels, millis(self.record.started_ns, now));
        if let Some(first) = exchange.answer.first_content_ns {
            metrics.record(host, Stat::TtftMs, labels, millis(self.record.started_ns, first));
            let tokens = usage.output.filter(|n| *n > 1 && exchange.answer.complete);
            if let Some(per_token) =
                tokens.and_then(|n| (now.saturating_sub(first) / 1000).checked_div(n - 1))
            {
                metrics.record(host, Stat::TpotUs, labels, per_token);
            }
        }
    }

    /// Counts what was spent for a project or an agent. Without either, all of it stands under the tenant already.
    fn charge(&self, host: &impl Host, metrics: &mut Metrics, usage: &Usage, cost: Cost) {
        let Some(whom) = self.charged() else { return };
        for (class, count) in [("input", usage.input), ("output", usage.output)] {
            metrics.charge(host, Stat::ChargedTokens, whom, &[("class", class)], count.unwrap_or(0));
        }
        metrics.charge_cost(host, Stat::ChargedMicrodollars, whom, cost);
    }

    /// The project or the agent that is charged.
    fn charged(&self) -> Option<Charged<'_>> {
        let who = &self.record.identity;
        (who.project.is_some() || who.agent.is_some()).then(|| Charged {
            tenant: who.tenant.as_deref().unwrap_or_default(),
            project: who.project.as_deref().unwrap_or_default(),
            agent: who.agent.as_deref().unwrap_or_default(),
        })
    }

    fn write(&self, host: &impl Host, exchange: Option<&Exchange>, now: u64) {
        let record = &self.record;
        let who = &record.identity;
        let notes: Option<Vec<AttemptNote>> = exchange.map(Exchange::notes);
        let skipped = record.skipped.as_ref().map(|skipped| &*skipped.targets);
        let failure = exchange.and_then(|x| x.answer.failure.as_ref()).or(record.failure.as_ref());
        let asked = record.model_asked.as_deref().map(route::shown);
        let mut line = Line {
            time: record.started_ns,
            request_id: &record.request_id,
            tenant: who.tenant.as_deref(),
            key_id: who.key_id(),
            team: who.team.as_deref(),
            project: who.project.as_deref(),
            user: who.user.as_deref(),
            agent: who.agent.as_deref(),
            client_dialect: record.dialect.as_str(),
            method: &record.method,
            path: &record.path,
            stream: record.stream,
            model_asked: asked.as_deref(),
            status: self.status(host, exchange),
            attempts: notes.as_deref().or(skipped).unwrap_or_default(),
            duration_ms: millis(record.started_ns, now),
            error: failure.map(note),
            limited_by: record.limited_by.as_deref(),
            queued_ms: record.queued_ms,
            budgets: record
                .spent_budget
                .iter()
                .map(|(quota, standing)| budget(quota, standing, "hard"))
                .collect(),
            prompt: record.prompt.as_deref().and_then(|p| audit::one_line(std::str::from_utf8(p).ok()?)),
            ..Line::default()
        };
        line.routed_by.rule = record.rule.as_deref();
        if let Some(counted) = record.counted {
            line.counted = Some(counted.tokens);
            line.usage_status = Some(counted.status.as_str());
        }
        if let Some(x) = exchange {
            let (usage, status) = usage_of(x);
            line.set_usage(&usage, status);
            line.routed_by.strategy = x.chosen_by;
            line.routed_by.fallback = x.diverted.map(Reason::as_str);
            if let Some(admission) = &x.admission {
                line.queued_ms = admission.queued_ms;
                line.limited_by = line.limited_by.or(admission.queued_by.as_deref());
                let soft = admission.soft.iter();
                line.budgets.extend(soft.map(|(quota, standing)| budget(quota, standing, "soft")));
            }
            line.counted = x.answer.counted.map(|counted| counted.tokens);
            let last = x.attempts.last();
            line.provider = last.map(|a| &*a.provider.name);
            line.model = last.map(|a| a.model.as_str());
            line.cost_usd = x.cost();
            line.filtered = x.filtered.as_ref().map(|filtered| FilteredNote {
                provider: &filtered.provider.name,
                model: &filtered.model,
                usage: (&filtered.usage).into(),
                cost_usd: filtered.cost,
            });
            line.ttft_ms = x.answer.first_content_ns.map(|first| millis(record.started_ns, first));
            line.search_units = x.answer.report.search_units;
            line.audio_seconds = x.answer.report.audio_seconds;
            line.finish_reason = x.answer.report.finish;
            line.warnings = &x.answer.warnings;
            line.answer = x.answer.transcript.as_deref().and_then(audit::one_line);
        }
        let mut text = line.to_json();
        if self.tables.audit_in_lines {
            text.push(b'\n');
        }
        host.remember(key::AUDIT, &text);
    }

    /// The status the client got; 0 when it left before there was one.
    fn status(&self, host: &impl Host, exchange: Option<&Exchange>) -> u16 {
        let seen = || {
            let code = host.property(&["response", "code"]).and_then(|b| <[u8; 8]>::try_from(b).ok());
            code.and_then(|b| u16::try_from(i64::from_le_bytes(b)).ok()).unwrap_or(0)
        };
        match exchange {
            Some(x) if x.answer.true_status.is_some() => x.answer.true_status.unwrap_or(0),
            Some(x) if x.answer.complete => 200,
            None if self.record.status != 0 => self.record.status,
            _ => seen(),
        }
    }
}

/// nginx's word for a client that closed the connection; never sent to anybody.
const CLIENT_LEFT: u16 = 499;

/// Why an answer ended before its end.
fn cut(host: &impl Host) -> Failure {
    let details = code_details(host);
    if is_of_the_client(&details) {
        return Failure::new(CLIENT_LEFT, "The client closed the connection.");
    }
    Failure::new(502, format!("The answer was cut off: {details}."))
}

/// The proxy's word for the limit of the whole request.
pub(super) const OVERDUE: &str = "response timeout";

/// The failure of a stream that was broken off for a limit of the gateway's own. That the provider was silent for too long
/// only the gateway knows: all was well by the proxy's word.
fn broken_by_us(host: &impl Host, exchange: &Exchange) -> Option<Failure> {
    match &*code_details(host) {
        OVERDUE => Some(silence::unfinished(exchange.model.request_timeout)),
        "via upstream" => exchange.attempts.last()?.provider.idle_timeout.map(silence::fell_silent),
        _ => None,
    }
}

/// Whether the proxy's word is for something at the client's connection. What its codec says by itself is about a stream of
/// the client's: of one that an HTTP/2 client cancels, say, whose connection stays. Of a provider's it says so within braces,
/// after `upstream reset`.
fn is_of_the_client(details: &str) -> bool {
    details.is_empty()
        || details.contains("downstream")
        || ["http1.", "http2.", "http3."].iter().any(|codec| details.starts_with(codec))
}

/// Whether the try under way has a connection to its provider, and so was sent.
fn is_connected(host: &impl Host) -> bool {
    host.property(&["upstream", "local_address"]).is_some_and(|address| !address.is_empty())
}

/// Counts, and how far they can be believed.
pub(super) fn usage_of(exchange: &Exchange) -> (Usage, UsageStatus) {
    let answer = &exchange.answer;
    if let Some(counted) = &answer.counted {
        // A count uses nothing.
        return (Usage::default(), counted.status);
    }
    let report = &answer.report;
    let mut usage = report.usage;
    if answer.complete && report.usage_is_final {
        return (usage, UsageStatus::Complete);
    }
    if exchange.forwarded.is_some() {
        // What has no tokens of its own has none to estimate.
        return (usage, UsageStatus::Missing);
    }
    let began = answer.complete || answer.first_content_ns.is_some();
    if !began && !answer.abandoned {
        return (usage, UsageStatus::Missing);
    }
    if let Some(estimate) = exchange.answer.input_estimate {
        usage.input.get_or_insert(estimate);
    }
    let output = match report.output_tokens {
        0 => estimate::from_bytes(report.output_bytes),
        tokens => tokens,
    };
    // A stream's counts so far may be those of its first event.
    usage.output = Some(usage.output.map_or(output, |seen| seen.max(output)));
    let status = if answer.complete { UsageStatus::Estimated } else { UsageStatus::Partial };
    (usage, status)
}

fn count_usage(metrics: &mut Metrics, host: &impl Host, labels: Labels<'_>, usage: &Usage, cost: Cost) {
    for (class, count) in [
        ("input", usage.input),
        ("output", usage.output),
        ("cache_read", usage.cache_read),
        ("cache_write", usage.cache_write),
        ("reasoning", usage.reasoning),
    ] {
        metrics.add(host, Stat::Tokens, labels, &[("class", class)], count.unwrap_or(0));
    }
    metrics.add_cost(host, Stat::CostMicrodollars, labels, &[], cost);
}

/// The status of an attempt, in metrics, at which nobody was asked.
const SKIPPED: &str = "skipped";

fn count_attempts(metrics: &mut Metrics, host: &impl Host, exchange: &Exchange, tenant: &str) {
    for attempt in &exchange.attempts {
        let labels = Labels { model: &exchange.model.name, provider: &attempt.provider.name, tenant };
        let end = attempt.end.as_ref();
        let none = if attempt.skipped { SKIPPED } else { "none" };
        let status = end.and_then(|e| e.status).map_or_else(|| none.to_owned(), |s| s.to_string());
        metrics.add(host, Stat::Attempts, labels, &[("status", &status)], 1);
    }
    if let Some(last) = exchange.attempts.last() {
        let labels = Labels { model: &exchange.model.name, provider: &last.provider.name, tenant };
        metrics.add(host, Stat::Fallbacks, labels, &[], exchange.fallbacks() as u64);
    }
}

fn budget<'q>(quota: &'q Quota, standing: &Standing, state: &'static str) -> BudgetNote<'q> {
    BudgetNote {
        name: &quota.name,
        state,
        spent: amount(quota.unit(), standing.spent),
        limit: amount(quota.unit(), standing.limit),
    }
}

fn note(failure: &Failure) -> ErrorNote<'_> {
    let kind = if failure.status == CLIENT_LEFT { "client_disconnect" } else { failure.kind.as_str() };
    ErrorNote { r#type: kind, message: &failure.message }
}

fn millis(from_ns: u64, to_ns: u64) -> u64 {
    to_ns.saturating_sub(from_ns) / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::is_of_the_client;

    #[test]
    fn who_broke_an_answer_off() {
        for details in ["", "downstream remote disconnect", "http2.remote reset", "http1.codec error"] {
            assert!(is_of_the_client(details), "{details}");
        }
        for details in [
            "upstream reset after response started{remote reset|http2.remote reset}",
            "upstream reset before response started{connection termination}",
            "stream idle timeout",
        ] {
            assert!(!is_of_the_client(details), "{details}");
        }
    }
}
