//! Requests that use what somebody counts, and of which nobody can tell how much.

use super::admission::Admission;
use super::applicant::Applicant;
use super::edge::Edge;
use super::exchange::{Attempt, Exchange};
use super::worker::Worker;
use crate::chat::{Failure, Usage};
use crate::config::schema::Uncounted;
use crate::dialect::{Dialect, Service};
use crate::policy::identity::Identity;
use crate::policy::quota::{Quota, Unit};
use crate::policy::scope::Scope;
use std::rc::Rc;

/// A request that is refused because a rule could not count it.
pub(super) struct Refusal {
    pub(super) rule: Rc<Quota>,
    pub(super) failure: Failure,
}

impl Edge {
    /// Looks for a request that would go past the rules that count money or tokens.
    pub(super) fn find_uncounted(&self, exchange: &Exchange) -> Option<Refusal> {
        let what = uncounted(exchange).filter(|what| !exchange.tables.uncounted.contains(what))?;
        let rule = counted_by(&self.worker, exchange, &self.record.identity)?;
        let name = &rule.name;
        let failure = match what {
            Uncounted::Background => Failure::field(
                "background",
                format!(
                    "background: `{name}` counts what requests use, and what an answer in the background used is never told. Leave it out, and the answer comes at once."
                ),
            ),
            Uncounted::Batches => Failure::new(
                403,
                format!(
                    "`{name}` counts what requests use, and what a batch used is never told: there are no batches for whoever is counted by it."
                ),
            )
            .with_code("batches_not_counted"),
        };
        Some(Refusal { rule, failure })
    }
}

/// What of a request goes past all counters.
fn uncounted(exchange: &Exchange) -> Option<Uncounted> {
    if let Some(forwarded) = &exchange.forwarded {
        let request = &forwarded.request;
        let is_batch = matches!(request.service, Service::Batches | Service::MessageBatches);
        return (is_batch && request.method == "POST" && request.below.is_empty())
            .then_some(Uncounted::Batches);
    }
    if exchange.call.dialect != Dialect::OpenaiResponses {
        return None;
    }
    // Whatever else it is, a lax provider may take it for yes.
    let is_no = |value: &[u8]| matches!(value.trim_ascii(), b"false" | b"null");
    let fields = exchange.body.sketch().ok()?.fields;
    fields
        .iter()
        .any(|field| field.key == "background" && !is_no(field.value))
        .then_some(Uncounted::Background)
}

/// A rule in money or tokens that is for the request. One that names no model may be for any, and so the rules of all.
fn counted_by(worker: &Worker, exchange: &Exchange, identity: &Identity) -> Option<Rc<Quota>> {
    let quotas = &exchange.tables.quotas;
    let model = Some(&*exchange.model.name).filter(|name| !name.is_empty());
    let counts = |quota: &Rc<Quota>| matches!(quota.unit(), Unit::Usd | Unit::Tokens);
    let find = |scope, provider| {
        let applicant = Applicant { identity, model, provider, looks_around: model.is_none() };
        let (_, rules) = applicant.rules(worker, quotas, scope)?;
        rules.into_iter().find(counts)
    };
    let of_any_model =
        || quotas.of(Scope::Model).iter().find(|quota| model.is_none() && counts(quota)).cloned();
    let targets = exchange.steps.iter().filter_map(|step| exchange.target(*step));
    let mut of_providers = targets.filter_map(|target| find(Scope::Provider, Some(&*target.provider.name)));
    Scope::ALL
        .into_iter()
        .find_map(|scope| find(scope, None))
        .or_else(of_any_model)
        .or_else(|| of_providers.next())
}

/// What the client should know of a service's answer that budgets will not count.
pub(super) fn warning(
    worker: &Worker,
    now_ns: u64,
    exchange: &Exchange,
    attempt: &Attempt,
    tells_usage: bool,
) -> Option<String> {
    let budgets = || exchange.admission.as_deref().into_iter().flat_map(Admission::budgets);
    if !is_metered(exchange) || budgets().next().is_none() {
        return None;
    }
    if !tells_usage {
        return Some("the answer does not say what it used: budgets do not count this request".to_owned());
    }
    let some = Usage { input: Some(1), output: Some(1), ..Usage::default() };
    let is_known = worker.quote(now_ns, &exchange.tables, &attempt.provider, &attempt.model, &some).is_some();
    (!is_known && budgets().any(|quota| quota.unit() == Unit::Usd)).then(|| {
        format!(
            "no price is known for {}/{}: budgets in USD do not count this request",
            attempt.provider.name, attempt.model
        )
    })
}

/// Whether a service answered without saying what it used.
pub(super) fn is_silent(exchange: &Exchange) -> bool {
    let answer = &exchange.answer;
    is_metered(exchange) && answer.complete && answer.failure.is_none() && !answer.report.usage_is_final
}

fn is_metered(exchange: &Exchange) -> bool {
    exchange.forwarded.as_ref().is_some_and(|forwarded| forwarded.request.service.is_metered())
}
