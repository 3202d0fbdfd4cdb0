//! The edge phase: once per client request. Who asks, for which model, and which targets may answer.

use super::edge_admission::gcp_token;
use super::exchange::{Counted, Exchange};
use super::headers::Headers;
use super::held::Held;
use super::host::{Flow, Host, Side};
use super::lay_out::Incoming;
use super::record::Record;
use super::surface::{self, Health, Surface};
use super::waiting::SharedWaiting;
use super::worker::{SharedExchange, Worker};
use super::{REMOVED_BY_ROUTE, budget_page, cors, health_page, pages};
use crate::chat::{Failure, UsageStatus};
use crate::config::tables::{Tables, Target};
use crate::dialect::lane::{self, count};
use crate::dialect::models::{self, Listed, Page};
use crate::dialect::{Call, Dialect, Forward, Operation, carriage, load};
use crate::policy::allow;
use crate::policy::keys::Holders;
use crate::policy::route::{self, Found};
use crate::wire::json::{Text, parse, wire_object};
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
    /// The gateway answers by itself: no provider has anything to do.
    Done(Vec<u8>),
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
        self.record.dialect = surface::client_dialect(&surface, path, &headers);
        self.record.array = matches!(&surface, Surface::Ask(call) if call.array);
        self.cors = cors::answer_headers(&self.tables.cors, headers.get("origin"));
        if let Some(preflight) = cors::preflight(&self.tables.cors, &self.record.method, &headers) {
            self.record.quiet = true;
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
            self.record.quiet = true;
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
            Surface::Models | Surface::PublisherModels => {
                let names = allow::listed(&self.tables, self.allowed());
                let all = names.into_iter().map(|name| self.listed(name));
                let target = headers.get(":path").unwrap_or_default();
                let value = |name: &str| surface::query_value(target, name);
                let page = Page::of(self.record.dialect, surface == Surface::PublisherModels, value);
                let body = models::list(self.record.dialect, all, &page, self.worker.loaded());
                self.answer_json(host, 200, &body)
            }
            Surface::Model(id) => match self.find_allowed(&id) {
                Ok(_) => {
                    let body = models::one(self.record.dialect, &self.listed(&id), self.worker.loaded());
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
            Ok(Chosen::Done(body)) => self.answer_json(host, 200, &body),
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
            Ok(_) => {
                let body = models::show(&self.listed(&name), self.worker.loaded());
                self.answer_json(host, 200, &body)
            }
            Err(failure) => self.fail(host, failure),
        }
    }

    /// A name with what it can be asked for at any provider of its chain.
    fn listed<'n>(&self, name: &'n str) -> Listed<'n> {
        let found = route::find(&self.tables, route::meant(&self.tables, name));
        let chain = found.as_ref().map(|found| found.model.chain()).unwrap_or_default();
        let offers = |wanted: fn(Operation) -> bool| {
            let mut endpoints = chain.iter().flat_map(|target| &target.provider.endpoints);
            endpoints.any(|endpoint| wanted(endpoint.operation))
        };
        Listed {
            name,
            chat: offers(|operation| operation == Operation::Chat),
            embed: offers(|operation| matches!(operation, Operation::Embeddings(_))),
            rerank: offers(|operation| matches!(operation, Operation::Rerank(_))),
        }
    }

    /// The answer to a client of Ollama's that only wants a model loaded, where no provider has the same endpoint to load
    /// it at.
    fn loaded(&self, found: &Found, call: &Call, body: &[u8]) -> Option<Vec<u8>> {
        let is_ollamas = matches!(call.dialect, Dialect::Ollama | Dialect::OllamaGenerate);
        let loads = |target: &Target| {
            let endpoint = target.provider.endpoint_for(call, &target.model);
            endpoint.is_some_and(|endpoint| endpoint.dialect == call.dialect)
        };
        if call.operation != Operation::Chat || !is_ollamas || found.model.chain().iter().any(loads) {
            return None;
        }
        let asked = self.record.model_asked.as_deref().unwrap_or_default();
        load::answer(call.dialect, body, asked, self.record.started_ns / 1_000_000_000)
    }

    /// Reads the body's envelope and lays out the tries.
    fn choose(
        &mut self,
        host: &impl Host,
        headers: Headers,
        mut call: Call,
        body: Held,
    ) -> Result<Chosen, Failure> {
        call = surface::invoked(call, &body);
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
        if let Some(done) = self.loaded(&found, &call, &body) {
            return Ok(Chosen::Done(done));
        }
        self.lay_out(
            host,
            Incoming { headers, call, forwarded: None, stream: envelope.stream, body },
            found,
            |_| true,
        )
        .map(Chosen::asks)
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

fn too_large(limit: u64) -> Failure {
    Failure::new(413, format!("The request body is larger than the limit of {limit} bytes."))
}
