//! The edge phase: once per client request. Who asks, for which model, and which targets may answer.

use super::admission::{self, Denied};
use super::exchange::{Counted, Exchange};
use super::headers::Headers;
use super::held::{Full, Held};
use super::host::{Flow, GCP_TOKEN, Host, Side, key};
use super::lay_out::Incoming;
use super::rate_limit;
use super::record::Record;
use super::surface::{self, Health, Surface};
use super::waiting::{self, End, SharedWaiting};
use super::worker::{SharedExchange, Worker};
use super::{REMOVED_BY_ROUTE, budget_page, cors, health_page, pages, quota_headers};
use crate::chat::{Failure, UsageStatus};
use crate::config::tables::{Auth, Model, Secret, Tables};
use crate::dialect::lane::{self, count};
use crate::dialect::{Call, Dialect, Forward, Operation, carriage, models};
use crate::meter::metrics::Labels;
use crate::policy::allow;
use crate::policy::keys::Holders;
use crate::policy::ledger::Account;
use crate::policy::quota::Terms;
use crate::policy::route;
use crate::wire::json::{Text, parse, wire_object};
use std::cell::RefCell;
use std::rc::Rc;

/// The edge phase of one request.
#[derive(Debug)]
pub struct Edge {
    pub(super) worker: Rc<Worker>,
    pub(super) tables: Rc<Tables>,
    pub(super) record: Record,
    pub(super) stage: Stage,
    pub(super) cors: Vec<(&'static str, String)>,
    /// The headers that hold keys of the gateway's.
    pub(super) key_headers: Holders,
    /// Whether the client's token was believed.
    pub(super) has_token: bool,
    /// The provider that the client named for a request that is passed through.
    pub(super) named_provider: Option<String>,
    /// The body that takes the place of an answer of the proxy's own.
    pub(super) replacement: Option<Vec<u8>>,
}

wire_object! {
    /// A question about a model.
    light struct Asked<'a> {
        model: Text<'a> = "model",
        name: Text<'a> = "name",
    }
}

/// How far the request is.
#[derive(Debug)]
pub(super) enum Stage {
    /// Its body is being collected.
    Collecting {
        /// The client's headers.
        headers: Headers,
        wanted: Wanted,
        /// How much of it the proxy holds.
        size: usize,
    },
    /// It waits for a limit.
    Waiting { waiting: SharedWaiting, stream: u32 },
    /// It was given to the router.
    Sent { exchange: SharedExchange, token: u64 },
    /// The gateway itself answered.
    Answered,
}

impl Chosen {
    fn asks(exchange: Exchange) -> Self {
        Self::Exchange(Box::new(exchange))
    }
}

/// What a body is collected for.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// Something that is understood.
    Call(Call),
    /// Something that is passed through.
    Forward(Forward),
}

/// What becomes of a request.
enum Chosen {
    /// A provider is asked.
    Exchange(Box<Exchange>),
    /// The gateway's own count of its tokens, in the client's words.
    Count(Vec<u8>),
}

impl Edge {
    /// A phase for a request that is about to come.
    pub fn new(worker: Rc<Worker>, tables: Rc<Tables>) -> Self {
        Self {
            worker,
            tables,
            record: Record::default(),
            stage: Stage::Answered,
            cors: Vec::new(),
            key_headers: Holders::default(),
            has_token: false,
            named_provider: None,
            replacement: None,
        }
    }

    /// The request's headers have come.
    pub fn on_request_headers(&mut self, host: &impl Host, end_of_stream: bool) -> Flow {
        let mut headers = host.headers(Side::Request);
        self.record.begin(host.now_ns(), &headers);
        self.named_provider = headers.get("x-tollgate-provider").map(ToOwned::to_owned);
        strip_control_headers(host, &mut headers);
        let target = headers.get(":path").unwrap_or_default();
        let mut surface = surface::find(&self.record.method, target, &self.tables.prefix);
        if headers.get("anthropic-version").is_some() {
            surface = surface.of_anthropic();
        }
        let path = self.record.path.strip_prefix(&*self.tables.prefix).unwrap_or_default();
        self.record.dialect = client_dialect(&surface, path, &headers);
        self.record.array = matches!(&surface, Surface::Ask(call) if call.array);
        self.cors = cors::answer_headers(&self.tables.cors, headers.get("origin"));
        if let Some(preflight) = cors::preflight(&self.tables.cors, &self.record.method, &headers) {
            let preflight: Vec<(&str, &str)> = preflight.iter().map(|(n, v)| (*n, &**v)).collect();
            return self.answer(host, 204, &preflight, &[]);
        }
        if let Surface::Health(which) = surface {
            self.record.quiet = true;
            // Anybody may see how the gateway is, but not what others asked.
            let quotes = self.tables.access.is_open()
                || (which == Health::Full
                    && self.authenticate(host, &headers).is_ok()
                    && self.record.identity.master);
            let (status, body) = health_page::health(host, &self.worker, &self.tables, which, quotes);
            return self.answer_json(host, status, &body);
        }
        if surface == Surface::Alive {
            return self.answer(host, 200, &[("content-type", "text/plain; charset=utf-8")], &[]);
        }
        if let Err(failure) = self.authenticate(host, &headers) {
            return self.fail(host, failure);
        }
        match surface {
            Surface::Ask(_) if end_of_stream => {
                self.fail(host, Failure::new(400, "The request has no body."))
            }
            Surface::Ask(call) => self.collect(host, headers, Wanted::Call(call)),
            Surface::Forward(forward) if end_of_stream => {
                let chosen = self.choose_forward(host, headers, forward, Held::default());
                self.send_or_answer(host, chosen.map(Chosen::asks))
            }
            Surface::Forward(forward) => self.collect(host, headers, Wanted::Forward(forward)),
            Surface::Models => {
                let names = allow::listed(&self.tables, self.allowed());
                let body = models::list(self.record.dialect, names, self.worker.loaded());
                self.answer_json(host, 200, &body)
            }
            Surface::Model(id) => match self.find_allowed(&id) {
                Ok(_) => {
                    let body = models::one(self.record.dialect, &id, self.worker.loaded());
                    self.answer_json(host, 200, &body)
                }
                Err(failure) => self.fail(host, failure),
            },
            Surface::Budget => {
                let (now, path) = (self.record.started_ns, headers.get(":path").unwrap_or_default());
                match budget_page::page(&self.worker, host, &self.tables, &self.record.identity, path, now) {
                    Ok(body) => self.answer_json(host, 200, &body),
                    Err(failure) => self.fail(host, failure),
                }
            }
            Surface::OllamaVersion => self.answer_json(host, 200, pages::OLLAMA_VERSION),
            Surface::OllamaRunning => self.answer_json(host, 200, pages::OLLAMA_RUNNING),
            Surface::WrongMethod(allowed) => {
                let message = format!("{} is not allowed here; allowed: {allowed}.", self.record.method);
                self.fail_with(host, Failure::new(405, message), &[("allow", allowed)])
            }
            Surface::Unknown | Surface::Health(_) | Surface::Alive => {
                let message = format!("There is no endpoint {} {}.", self.record.method, self.record.path);
                self.fail(host, Failure::new(404, message).with_code("unknown_url"))
            }
        }
    }

    /// Some of the request's body has come; `size` bytes are held by the proxy.
    pub fn on_request_body(&mut self, host: &impl Host, size: usize, end_of_stream: bool) -> Flow {
        let Stage::Collecting { headers, wanted, size: so_far } = &mut self.stage else {
            let held = matches!(self.stage, Stage::Answered | Stage::Waiting { .. });
            return if held { Flow::Pause } else { Flow::Continue };
        };
        if size as u64 > self.tables.max_body {
            let failure = too_large(self.tables.max_body);
            return self.fail(host, failure);
        }
        if !end_of_stream {
            *so_far = size;
            return Flow::Pause;
        }
        let (headers, wanted) = (std::mem::take(headers), wanted.clone());
        // Before the body is copied: it is that copy which would be one too many.
        let party = self.record.identity.party();
        let body = match self.worker.holdings.claim(party, size as u64, self.tables.max_held) {
            Ok(claim) => Held::new(claim, host.body(Side::Request, 0, size)),
            Err(full) => return self.fail_full(host, full),
        };
        let chosen = match wanted {
            Wanted::Call(call) if call.operation == Operation::ShowModel => return self.show(host, &body),
            Wanted::Call(call) => self.choose(host, headers, call, body),
            Wanted::Forward(forward) => self.choose_forward(host, headers, forward, body).map(Chosen::asks),
        };
        self.send_or_answer(host, chosen)
    }

    fn send_or_answer(&mut self, host: &impl Host, chosen: Result<Chosen, Failure>) -> Flow {
        match chosen {
            Ok(Chosen::Exchange(mut exchange)) => {
                exchange.gcp_token = gcp_token(host, &exchange.model);
                self.admit(host, *exchange)
            }
            Ok(Chosen::Count(count)) => {
                let headers = [("content-type", "application/json"), ("x-tollgate-usage", "estimated")];
                let shown = if self.tables.response_headers { 2 } else { 1 };
                self.answer(host, 200, headers.get(..shown).unwrap_or_default(), &count)
            }
            Err(failure) => self.fail(host, failure),
        }
    }

    /// Trailers end a body without a last chunk.
    pub fn on_request_trailers(&mut self, host: &impl Host) -> Flow {
        let size = if let Stage::Collecting { size, .. } = self.stage { size } else { 0 };
        self.on_request_body(host, size, true)
    }

    fn collect(&mut self, host: &impl Host, headers: Headers, wanted: Wanted) -> Flow {
        let announced = headers.get("content-length").and_then(|v| v.parse::<u64>().ok());
        if announced.is_some_and(|n| n > self.tables.max_body) {
            let failure = too_large(self.tables.max_body);
            return self.fail(host, failure);
        }
        if let Some(coding) =
            headers.get("content-encoding").filter(|coding| !coding.eq_ignore_ascii_case("identity"))
        {
            let message = format!("content-encoding: `{coding}` is not supported; send the body as it is.");
            let failure = Failure { param: Some("content-encoding".into()), ..Failure::new(415, message) };
            // Which codings there are is said by this header (RFC 9110 §12.5.3).
            return self.fail_with(host, failure, &[("accept-encoding", "identity")]);
        }
        // What has no room now need not come at all.
        let party = self.record.identity.party();
        if let Err(full) = self.worker.holdings.look(party, announced.unwrap_or(0), self.tables.max_held) {
            return self.fail_full(host, full);
        }
        self.stage = Stage::Collecting { headers, wanted, size: 0 };
        Flow::Pause
    }

    /// Answers what is known of the model that a body names, in the field `model` or, of old clients, `name`.
    fn show(&mut self, host: &impl Host, body: &[u8]) -> Flow {
        let asked: Result<Asked<'_>, _> = parse(body);
        let name = match asked {
            Ok(asked) => asked.model.or(asked.name).unwrap_or_default().to_str().into_owned(),
            Err(error) => return self.fail(host, error.into()),
        };
        match self.find_allowed(&name) {
            Ok(_) => self.answer_json(host, 200, &models::show(self.worker.loaded())),
            Err(failure) => self.fail(host, failure),
        }
    }

    /// Reads the body's envelope and lays out the tries.
    fn choose(
        &mut self,
        host: &impl Host,
        headers: Headers,
        mut call: Call,
        body: Held,
    ) -> Result<Chosen, Failure> {
        if call.dialect == Dialect::Anthropic {
            let header = || headers.get("anthropic-beta").map(ToOwned::to_owned);
            call.betas = carriage::betas_of(call.carriage, &body).or_else(header);
        }
        let envelope = lane::read_envelope(&call, &body)?;
        self.record.stream = envelope.stream;
        self.record.model_asked = Some(envelope.model);
        let asked = self.record.model_asked.as_deref().unwrap_or_default();
        let matched = self.by_rule(host, &headers, &call, asked, envelope.stream, &body);
        self.record.rule = matched.as_ref().map(|matched| Rc::clone(&matched.rule));
        let asked = self.record.model_asked.as_deref().unwrap_or_default();
        let found = match &matched {
            Some(matched) => self.find_instead(asked, &matched.model)?,
            None => self.find_allowed(asked)?,
        };
        if let Some(model) = route::uncounted(&found, &call) {
            let tokens = count::estimated(&call, &body, &model)?;
            self.record.counted = Some(Counted { tokens, status: UsageStatus::Estimated });
            return Ok(Chosen::Count(count::write(call.dialect, tokens)));
        }
        self.lay_out(
            host,
            Incoming { headers, call, forwarded: None, stream: envelope.stream, body },
            found,
            |_| true,
        )
        .map(Chosen::asks)
    }

    /// Reserves what the request may use of budgets and limits, and sends it, or refuses it.
    fn admit(&mut self, host: &impl Host, mut exchange: Exchange) -> Flow {
        let of_key = self.record.identity.key.as_ref().map(|key| &key.quotas);
        let none = self.tables.quotas.is_empty() && of_key.is_none_or(|own| own.all().next().is_none());
        if none || self.record.identity.master {
            return self.send(host, exchange);
        }
        if let Some(refusal) = self.find_uncounted(&exchange) {
            self.record.limited_by = Some(Rc::clone(&refusal.rule.name));
            let extra = [("scope", refusal.rule.per.as_str()), ("reason", "uncounted")];
            self.count_refusal(host, "tollgate.limited", &extra);
            return self.fail(host, refusal.failure);
        }
        // Not the time at which the headers came: the body may have taken long, and the counters have gone on.
        let (identity, now) = (&self.record.identity, host.now_ns());
        let waits = |account: &Account, rule| self.worker.queue.borrow().is_waited_for(account, rule);
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
                if let Some(denied) = &denied {
                    self.note_denied(denied);
                }
                self.record.queued_ms = Some(queued_ms);
                self.record.status = failure.status;
                self.record.failure = Some(failure);
                self.stage = Stage::Answered;
            }
        }
    }

    /// The stream is gone: if it waited, its place is free, and nobody will ask for what was sent.
    pub fn leave(&mut self) {
        self.catch_up();
        match self.stage {
            Stage::Waiting { stream, .. } => {
                self.worker.queue.borrow_mut().remove(stream);
            }
            Stage::Sent { token, .. } => self.worker.forget(token),
            Stage::Answered | Stage::Collecting { .. } => {}
        }
    }

    fn note_denied(&mut self, denied: &Denied) {
        if denied.unknown.is_some() {
            return;
        }
        self.record.limited_by = Some(Rc::clone(&denied.quota.name));
        if matches!(denied.quota.terms, Terms::Budget(_)) {
            self.record.spent_budget = Some((Rc::clone(&denied.quota), denied.refused.standing));
        }
    }

    /// Answers that a budget or a limit is exhausted.
    fn deny(&mut self, host: &impl Host, denied: &Denied) -> Flow {
        self.count_refusal(
            host,
            "tollgate.limited",
            &[("scope", denied.account.scope.as_str()), ("reason", denied.kind())],
        );
        self.note_denied(denied);
        let mut headers = Vec::new();
        if denied.is_of_limit() {
            let standing = [(Rc::clone(&denied.quota), denied.refused.standing)];
            headers = quota_headers::headers(self.record.dialect, &standing, host.now_ns());
        }
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.fail_with(host, denied.failure(), &headers)
    }

    /// Gives the request to the router, with the first cluster chosen.
    fn send(&mut self, host: &impl Host, exchange: Exchange) -> Flow {
        if self.tables.audit_content {
            self.record.prompt = Some(exchange.body.clone());
        }
        self.describe(host, &exchange);
        let (exchange, token) = dispatch(&self.worker, host, exchange);
        self.stage = Stage::Sent { exchange, token };
        Flow::Continue
    }

    /// Answers with a failure in the client's dialect.
    pub(super) fn fail(&mut self, host: &impl Host, failure: Failure) -> Flow {
        self.fail_with(host, failure, &[])
    }

    fn fail_with(&mut self, host: &impl Host, failure: Failure, headers: &[(&str, &str)]) -> Flow {
        let body = self.record.failure_body(&failure, &[]);
        let status = failure.status;
        let mut all = vec![("content-type", "application/json")];
        all.extend(lane::failure_header(self.record.dialect, &failure));
        let wait = failure.retry_after_secs().map(|secs| secs.to_string());
        all.extend(wait.as_deref().map(|secs| ("retry-after", secs)));
        self.record.failure = Some(failure);
        all.extend_from_slice(headers);
        self.answer(host, status, &all, &body)
    }

    /// Answers that there is no room for the body.
    fn fail_full(&mut self, host: &impl Host, full: Full) -> Flow {
        self.count_refusal(host, "tollgate.held_refusals", &[("reason", full.as_str())]);
        self.fail(host, full.failure())
    }

    fn count_refusal(&self, host: &impl Host, metric: &str, extra: &[(&str, &str)]) {
        let tenant = self.record.identity.tenant.as_deref().unwrap_or_default();
        let labels = Labels { model: "", provider: "", tenant };
        self.worker.metrics.borrow_mut().add(host, metric, labels, extra, 1);
    }

    fn answer_json(&mut self, host: &impl Host, status: u16, body: &[u8]) -> Flow {
        self.answer(host, status, &[("content-type", "application/json")], body)
    }

    fn answer(&mut self, host: &impl Host, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Flow {
        let cors = std::mem::take(&mut self.cors);
        let mut all: Vec<(&str, &str)> = headers.to_vec();
        all.extend(cors.iter().map(|(n, v)| (*n, v.as_str())));
        all.extend(self.record.dialect.shape().request_id.map(|name| (name, &*self.record.request_id)));
        if self.tables.response_headers {
            all.push(("x-tollgate-request-id", &self.record.request_id));
        }
        host.reply(status, &all, body);
        self.record.status = status;
        self.stage = Stage::Answered;
        Flow::Pause
    }
}

/// Tells the router where a request goes, and keeps it under a number for the attempt phase.
pub(super) fn dispatch(worker: &Worker, host: &impl Host, exchange: Exchange) -> (SharedExchange, u64) {
    host.remember(key::CLUSTER, exchange.routed.cluster.as_bytes());
    rate_limit::describe_provider(host, &exchange);
    grant(host, &exchange);
    let exchange = Rc::new(RefCell::new(exchange));
    let token = worker.register(Rc::clone(&exchange));
    host.remember(key::REQUEST, token.to_string().as_bytes());
    host.reroute();
    (exchange, token)
}

/// The access token of Google's that the proxy fetched, where a target of the model wants one.
fn gcp_token(host: &impl Host, model: &Model) -> Option<Secret> {
    if !model.targets.iter().any(|target| matches!(target.provider.auth, Auth::GcpToken)) {
        return None;
    }
    let [filter, key] = GCP_TOKEN;
    let token = host.property(&["metadata", "filter_metadata", filter, key])?;
    Some(Secret(String::from_utf8(token).ok().filter(|token| !token.is_empty())?.into()))
}

/// Tells the router how often it may try again and how long it may wait, where that differs from the route's own
/// settings.
fn grant(host: &impl Host, exchange: &Exchange) {
    let (route, model) = (exchange.tables.route, &exchange.model);
    let set = |name, value: String| host.set_header(Side::Request, name, Some(&value));
    if exchange.retries_granted != route.retries {
        set("x-envoy-max-retries", exchange.retries_granted.to_string());
    }
    if model.timeout != route.timeout {
        set("x-envoy-upstream-rq-per-try-timeout-ms", model.timeout.as_millis().to_string());
    }
    if model.request_timeout != route.request_timeout {
        set("x-envoy-upstream-rq-timeout-ms", model.request_timeout.as_millis().to_string());
    }
}

/// Headers that steer the proxy or pretend to come from the gateway are not a client's to send.
fn strip_control_headers(host: &impl Host, headers: &mut Headers) {
    headers.0.retain(|(name, _)| {
        let control = name.starts_with("x-envoy-") || name.starts_with("x-tollgate-");
        if control && !REMOVED_BY_ROUTE.contains(&name.as_str()) {
            host.set_header(Side::Request, name, None);
        }
        !control
    });
}

/// Paths of Ollama's that are known whatever the method, and those of its clients that have no place in a gateway.
const OLLAMA_PATHS: &[&str] = &[
    "/api/chat",
    "/api/generate",
    "/api/tags",
    "/api/show",
    "/api/ps",
    "/api/pull",
    "/api/push",
    "/api/create",
    "/api/copy",
    "/api/delete",
    "/api/embed",
    "/api/embeddings",
];

/// Whether the client is Cohere's own: its list of models lies at a path that others have too.
fn is_cohere_client(headers: &Headers) -> bool {
    headers.get("user-agent").is_some_and(|agent| agent.starts_with("cohere/"))
        || headers.get("x-fern-sdk-name").is_some_and(|name| name == "cohere")
        || headers.get("x-client-name").is_some()
}

/// What the client speaks: what the path says, whatever the method, else what its headers say.
fn client_dialect(surface: &Surface, path: &str, headers: &Headers) -> Dialect {
    match surface {
        Surface::Ask(call) => call.envelope(),
        Surface::Forward(forward) => forward.service.dialect(),
        Surface::OllamaVersion | Surface::OllamaRunning | Surface::Alive => Dialect::Ollama,
        _ if OLLAMA_PATHS.iter().any(|known| path.ends_with(known)) => Dialect::Ollama,
        _ if surface::is_bedrock(path) => Dialect::Bedrock,
        _ if path.ends_with("/v2/chat") || is_cohere_client(headers) => Dialect::Cohere,
        _ if path.ends_with("/messages") || headers.get("anthropic-version").is_some() => Dialect::Anthropic,
        _ if surface::gemini::is_own(path)
            || headers.get("x-goog-api-key").is_some()
            || headers.get("x-goog-api-client").is_some() =>
        {
            Dialect::Gemini
        }
        _ => Dialect::OpenaiChat,
    }
}

fn too_large(limit: u64) -> Failure {
    Failure::new(413, format!("The request body is larger than the limit of {limit} bytes."))
}
