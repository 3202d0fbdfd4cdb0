//! Requests over a limit with `over: queue` wait in the edge, held by the proxy, until a finished request or the tick lets
//! them through.

use super::admission::{self, Denied};
use super::choose::Kept;
use super::edge_admission::dispatch;
use super::exchange::Exchange;
use super::host::{Host, Side};
use super::lay_out::skipped_of;
use super::quota_headers;
use super::record::Skipped;
use super::worker::{SharedExchange, Worker};
use crate::chat::Failure;
use crate::dialect::lane;
use crate::meter::metrics::Labels;
use crate::meter::stat::Stat;
use crate::policy::identity::Identity;
use crate::policy::ledger::Account;
use crate::policy::queue::{Outcome, Waiter};
use crate::policy::quota::Terms;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// How often a limit is asked again that may give something back before its time: a bucket by requests that used less
/// than they reserved, places by requests of other workers.
const AGAIN: Duration = Duration::from_millis(200);
/// The same for requests under way, which nobody knows the end of.
const AGAIN_UNDER_WAY: Duration = Duration::from_millis(20);

/// A request that waits, as the queue and its stream hold it.
#[derive(Debug)]
pub struct Waiting {
    exchange: Option<Box<Exchange>>,
    identity: Identity,
    /// The rule that it waits for, as it stood last.
    denied: Denied,
    /// Since when, in nanoseconds since the epoch.
    pub(super) since_ns: u64,
    /// Why it is refused, where it is not for that rule.
    failure: Option<Failure>,
    /// What became of it.
    pub(super) end: Option<End>,
}

impl Waiting {
    /// The rule that it waits for; `None` where it is the fleet's counters.
    pub(super) fn waits_for(&self) -> Option<Rc<str>> {
        self.denied.unknown.is_none().then(|| Rc::clone(&self.denied.quota.name))
    }
}

/// What became of a request that waited.
#[derive(Debug)]
pub(super) enum End {
    /// It was given to the router.
    Sent(SharedExchange, u64),
    /// It was refused.
    Refused(Box<Refused>),
}

/// Why a request was refused that waited.
#[derive(Debug)]
pub(super) struct Refused {
    /// What its client was told.
    pub(super) failure: Failure,
    /// The rule that refused it, where it was one.
    pub(super) denied: Option<Denied>,
    /// The targets that nobody was asked at, and why.
    pub(super) skipped: Skipped,
    /// How long it waited, in milliseconds.
    pub(super) queued_ms: u64,
}

/// The queue's view of it.
pub type SharedWaiting = Rc<RefCell<Waiting>>;

/// Why a request is refused that waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Its time is up.
    Late,
    /// The queue is full, and another tenant has fewer requests in it.
    Displaced,
    /// What it waited for refuses it for good.
    Refused,
}

/// Puts a request into the queue. Where that is full, the tenant with most requests in it gives up its last one.
///
/// # Errors
/// The rule that it would have waited for, when there is no place for it.
pub(super) fn enqueue(
    worker: &Worker,
    host: &impl Host,
    exchange: Exchange,
    identity: &Identity,
    denied: Denied,
    now_ns: u64,
) -> Result<SharedWaiting, Denied> {
    let quotas = &exchange.tables.quotas;
    let tenant = identity.party().cloned().unwrap_or_default();
    let bytes = exchange.body.bytes();
    let displaced = worker.queue.borrow_mut().make_room(&tenant, bytes, &quotas.queue);
    let Some(displaced) = displaced else { return Err(denied) };
    for displaced in displaced {
        turn_away(worker, host, &displaced, now_ns, Why::Displaced);
    }
    let queue = &mut *worker.queue.borrow_mut();
    let timeout = u64::try_from(quotas.queue.timeout.as_nanos()).unwrap_or(u64::MAX);
    let (place, again_ns) = (denied.place(), again(&denied, now_ns));
    let waiting = Waiting {
        exchange: Some(Box::new(exchange)),
        identity: identity.clone(),
        denied,
        since_ns: now_ns,
        failure: None,
        end: None,
    };
    let waiting = Rc::new(RefCell::new(waiting));
    let until_ns = now_ns.saturating_add(timeout);
    let item = Rc::clone(&waiting);
    queue.push(
        &tenant,
        Waiter { id: host.stream(), bytes, place, since_ns: now_ns, until_ns, again_ns, item },
    );
    worker.hurried.set(true);
    host.hurry();
    let metrics = &mut *worker.metrics.borrow_mut();
    metrics.add(host, Stat::Queued, labels(identity), &[], 1);
    metrics.record(host, Stat::QueueDepth, NONE, queue.len() as u64);
    Ok(waiting)
}

/// Lets through whom the limits let, on the tick.
pub(super) fn serve(worker: &Worker, host: &impl Host, now_ns: u64) {
    if worker.queue.borrow().is_empty() {
        return;
    }
    let late = worker.queue.borrow_mut().expired(now_ns);
    for waiter in late {
        turn_away(worker, host, &waiter, now_ns, Why::Late);
    }
    serve_if(worker, host, now_ns, |waiter| waiter.again_ns <= now_ns);
}

/// Lets through who waited for what a finished request held.
pub(super) fn serve_after(worker: &Worker, host: &impl Host, released: &[Account], now_ns: u64) {
    if !worker.queue.borrow().is_empty() {
        serve_if(worker, host, now_ns, |waiter| released.contains(&waiter.place.account));
    }
}

fn serve_if(worker: &Worker, host: &impl Host, now_ns: u64, is_due: impl Fn(&Waiter<SharedWaiting>) -> bool) {
    // What is asked below does not come back to the queue, but the queue is not held while anything is sent.
    let served = worker.queue.borrow_mut().serve(is_due, |waiter| ask(worker, host, waiter, now_ns));
    let here = host.stream();
    for waiter in served {
        let waiting = &mut *waiter.item.borrow_mut();
        let Some(exchange) = waiting.exchange.take() else { continue };
        if !host.enter(waiter.id) {
            // A stream that is gone has left the queue; the proxy knows better than the queue.
            log::error!("tollgate: a request that waited is gone");
            let Exchange { admission, tables, .. } = *exchange;
            if let Some(mut admission) = admission {
                admission.settle(worker, host, &tables.quotas, None, now_ns);
            }
            continue;
        }
        if exchange.admission.is_some() {
            record_wait(worker, host, &waiting.identity, &waiter, now_ns);
            let (shared, token) = dispatch(worker, host, *exchange);
            waiting.end = Some(End::Sent(shared, token));
            host.go_on(Side::Request);
        } else {
            record_refusal(worker, host, waiting, &waiter, now_ns);
            refuse(host, waiting, &exchange, waiter.since_ns, now_ns, Why::Refused);
        }
    }
    host.enter(here);
}

/// Asks the limits again for one that waits.
fn ask(worker: &Worker, host: &impl Host, waiter: &mut Waiter<SharedWaiting>, now_ns: u64) -> Outcome {
    let waiting = &mut *waiter.item.borrow_mut();
    let Some(exchange) = &mut waiting.exchange else { return Outcome::Refused };
    if let Err(failure) = exchange.look_again(host, now_ns) {
        waiting.failure = Some(failure);
        return Outcome::Refused;
    }
    match admission::admit(worker, host, exchange, &waiting.identity, now_ns, &|_, _| false) {
        Ok(mut admission) => {
            admission.queued_ms = Some(now_ns.saturating_sub(waiter.since_ns) / 1_000_000);
            admission.queued_by = Some(Rc::clone(&waiting.denied.quota.name));
            exchange.admission = Some(Box::new(admission));
            Outcome::Through
        }
        Err(Kept::Denied(denied)) if denied.may_wait() => {
            let waits = Outcome::Waits(denied.place(), again(&denied, now_ns));
            waiting.denied = denied;
            waits
        }
        Err(Kept::Denied(denied)) => {
            waiting.denied = denied;
            Outcome::Refused
        }
        Err(Kept::Open(failure)) => {
            waiting.failure = Some(failure);
            Outcome::Refused
        }
    }
}

/// Refuses one that waited in vain.
fn turn_away(worker: &Worker, host: &impl Host, waiter: &Waiter<SharedWaiting>, now_ns: u64, why: Why) {
    let here = host.stream();
    let waiting = &mut *waiter.item.borrow_mut();
    let Some(exchange) = waiting.exchange.take() else { return };
    if host.enter(waiter.id) {
        record_refusal(worker, host, waiting, waiter, now_ns);
        let ended = if why == Why::Late { Stat::QueueTimeouts } else { Stat::QueueDisplaced };
        worker.metrics.borrow_mut().add(host, ended, labels(&waiting.identity), &[], 1);
        refuse(host, waiting, &exchange, waiter.since_ns, now_ns, why);
    }
    host.enter(here);
}

/// Answers for a stream that waited, in its client's dialect.
fn refuse(
    host: &impl Host,
    waiting: &mut Waiting,
    exchange: &Exchange,
    since_ns: u64,
    now_ns: u64,
    why: Why,
) {
    let is_denied = waiting.failure.is_none();
    let mut failure = waiting.failure.take().unwrap_or_else(|| waiting.denied.failure());
    let queued_ms = now_ns.saturating_sub(since_ns) / 1_000_000;
    let more = match why {
        Why::Late => format!(" The request has waited {queued_ms} ms."),
        Why::Displaced => {
            " The queue is full, and this request gave its place in it to somebody who has fewer there."
                .to_owned()
        }
        Why::Refused => String::new(),
    };
    failure.message.push_str(&more);
    let client = exchange.call.envelope();
    let body = lane::write_failure_to(&exchange.call, &failure, &[], &exchange.request_id);
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let named = lane::failure_header(client, &failure);
    headers.extend(named.map(|(name, value)| (name.to_owned(), value.to_owned())));
    headers.extend(failure.retry_after_secs().map(|wait| ("retry-after".to_owned(), wait.to_string())));
    if is_denied && waiting.denied.is_of_limit() {
        let standing = [(Rc::clone(&waiting.denied.quota), waiting.denied.refused.standing)];
        let limits = quota_headers::headers(client, &standing, now_ns);
        headers.extend(limits.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    let id = client.shape().request_id;
    headers.extend(id.map(|name| (name.to_owned(), exchange.request_id.clone())));
    headers.extend(exchange.cors.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    if exchange.tables.response_headers {
        headers.push(("x-tollgate-request-id".to_owned(), exchange.request_id.clone()));
    }
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    host.reply(failure.status, &headers, &body);
    let denied = is_denied.then(|| waiting.denied.clone());
    let skipped = skipped_of(&exchange.model, &exchange.attempts);
    waiting.end = Some(End::Refused(Box::new(Refused { failure, denied, skipped, queued_ms })));
}

fn record_wait(
    worker: &Worker,
    host: &impl Host,
    identity: &Identity,
    waiter: &Waiter<SharedWaiting>,
    now_ns: u64,
) {
    let queued_ms = now_ns.saturating_sub(waiter.since_ns) / 1_000_000;
    worker.metrics.borrow_mut().record(host, Stat::QueueWaitMs, labels(identity), queued_ms);
}

/// The same of one that is refused after that, and the rule that refuses it, where it is one.
fn record_refusal(
    worker: &Worker,
    host: &impl Host,
    waiting: &Waiting,
    waiter: &Waiter<SharedWaiting>,
    now_ns: u64,
) {
    record_wait(worker, host, &waiting.identity, waiter, now_ns);
    if waiting.failure.is_none() {
        let extra = [("scope", waiting.denied.account.scope.as_str()), ("reason", waiting.denied.kind())];
        worker.metrics.borrow_mut().add(host, Stat::Limited, labels(&waiting.identity), &extra, 1);
    }
}

/// When there is sense in asking again.
fn again(denied: &Denied, now_ns: u64) -> u64 {
    let most = if matches!(denied.quota.terms, Terms::Rate(_)) { AGAIN } else { AGAIN_UNDER_WAY };
    let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    now_ns.saturating_add(denied.refused.wait_ns.min(most))
}

const NONE: Labels<'static> = Labels { model: "", provider: "", tenant: "" };

fn labels(identity: &Identity) -> Labels<'_> {
    Labels { tenant: identity.tenant.as_deref().unwrap_or_default(), ..NONE }
}
