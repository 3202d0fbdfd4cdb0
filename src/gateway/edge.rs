//! The edge phase: once per client request. Who asks, for which model, and which targets may answer.

use super::exchange::{Counted, Exchange};
use super::headers::Headers;
use super::host::{Flow, GCP_TOKEN, Host, Side, key};
use super::lay_out::Incoming;
use super::record::Record;
use super::surface::{self, Surface};
use super::worker::{SharedExchange, Worker};
use super::{REMOVED_BY_ROUTE, cors, health_page, pages};
use crate::chat::{Failure, UsageStatus};
use crate::config::tables::{Auth, Model, Secret, Tables};
use crate::dialect::lane::{self, count};
use crate::dialect::{Call, Dialect, Forward, Operation, carriage};
use crate::policy::identity::Identity;
use crate::policy::keys::{self, Offered, Verdict};
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
    /// The header that held the accepted key.
    pub(super) key_header: Option<&'static str>,
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
    },
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
            key_header: None,
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
        self.cors = cors::answer_headers(&self.tables.cors, headers.get("origin"));
        if let Some(preflight) = cors::preflight(&self.tables.cors, &self.record.method, &headers) {
            let preflight: Vec<(&str, &str)> = preflight.iter().map(|(n, v)| (*n, &**v)).collect();
            return self.answer(host, 204, &preflight, &[]);
        }
        if let Surface::Health(which) = surface {
            self.record.quiet = true;
            let (status, body) = health_page::health(host, &self.worker, &self.tables, which);
            return self.answer_json(host, status, &body);
        }
        if let Err(failure) = self.authenticate(&headers) {
            return self.fail(host, failure);
        }
        match surface {
            Surface::Ask(_) if end_of_stream => {
                self.fail(host, Failure::new(400, "The request has no body."))
            }
            Surface::Ask(call) => self.collect(host, headers, Wanted::Call(call)),
            Surface::Forward(forward) if end_of_stream => {
                let chosen = self.choose_forward(host, headers, forward, Vec::new());
                self.send_or_answer(host, chosen.map(Chosen::asks))
            }
            Surface::Forward(forward) => self.collect(host, headers, Wanted::Forward(forward)),
            Surface::Models => {
                let body = pages::models(self.record.dialect, &self.tables, self.worker.loaded());
                self.answer_json(host, 200, &body)
            }
            Surface::Model(id) => {
                match pages::model(self.record.dialect, &self.tables, &id, self.worker.loaded()) {
                    Some(body) => self.answer_json(host, 200, &body),
                    None => self.fail(host, pages::unknown_model(&self.tables, &id)),
                }
            }
            Surface::OllamaVersion => self.answer_json(host, 200, pages::OLLAMA_VERSION),
            Surface::WrongMethod(allowed) => {
                let message = format!("{} is not allowed here; allowed: {allowed}.", self.record.method);
                self.fail_with(host, Failure::new(405, message), &[("allow", allowed)])
            }
            Surface::Unknown | Surface::Health(_) => {
                let message = format!("There is no endpoint {} {}.", self.record.method, self.record.path);
                self.fail(host, Failure::new(404, message).with_code("unknown_url"))
            }
        }
    }

    /// Some of the request's body has come; `size` bytes are held by the proxy.
    pub fn on_request_body(&mut self, host: &impl Host, size: usize, end_of_stream: bool) -> Flow {
        let Stage::Collecting { headers, wanted } = &mut self.stage else {
            return if matches!(self.stage, Stage::Answered) { Flow::Pause } else { Flow::Continue };
        };
        if size as u64 > self.tables.max_body {
            let failure = too_large(self.tables.max_body);
            return self.fail(host, failure);
        }
        if !end_of_stream {
            return Flow::Pause;
        }
        let (headers, wanted) = (std::mem::take(headers), wanted.clone());
        let body = host.body(Side::Request, 0, size);
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
                self.send(host, *exchange)
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
        let held = host.body(Side::Request, 0, usize::MAX).len();
        self.on_request_body(host, held, true)
    }

    fn authenticate(&mut self, headers: &Headers) -> Result<(), Failure> {
        let query = surface::query_value(headers.get(":path").unwrap_or_default(), "key");
        let offered = Offered {
            authorization: headers.get("authorization"),
            api_key: headers.get("x-api-key"),
            goog_api_key: headers.get("x-goog-api-key"),
            query: query.as_deref(),
        };
        let verdict = keys::judge(&self.tables.keys, offered, self.record.started_ns / 1_000_000_000);
        if let Verdict::Known(key, carrier) = &verdict {
            // The gateway's own key stops here, whatever a provider's passthrough says.
            self.key_header = carrier.header();
            self.record.identity = Identity::of_key(Rc::clone(key));
        }
        self.record.identity.fill_from(&self.tables.identity_headers, |name| headers.get(name));
        match verdict {
            Verdict::Open | Verdict::Known(..) => Ok(()),
            Verdict::Absent | Verdict::Wrong
                if headers.get("authorization").is_some_and(keys::is_signature) =>
            {
                Err(Failure::new(
                    403,
                    "An AWS signature is no key of this gateway. Send the key as a bearer token: AWS's SDKs do, over TLS, with the environment variable AWS_BEARER_TOKEN_BEDROCK.",
                ))
            }
            Verdict::Absent => Err(Failure::new(
                401,
                "No API key was given. Send it as `authorization: Bearer KEY`, `x-api-key: KEY` or `x-goog-api-key: KEY`.",
            )),
            Verdict::Wrong => {
                Err(Failure::new(401, "The API key is not valid.").with_code("invalid_api_key"))
            }
            Verdict::Over(why) => {
                Err(Failure::new(401, format!("The API key {why}.")).with_code("invalid_api_key"))
            }
        }
    }

    fn collect(&mut self, host: &impl Host, headers: Headers, wanted: Wanted) -> Flow {
        let announced = headers.get("content-length").and_then(|v| v.parse::<u64>().ok());
        if announced.is_some_and(|n| n > self.tables.max_body) {
            let failure = too_large(self.tables.max_body);
            return self.fail(host, failure);
        }
        self.stage = Stage::Collecting { headers, wanted };
        Flow::Pause
    }

    /// Answers what is known of the model that a body names, in the field `model` or, of old clients, `name`.
    fn show(&mut self, host: &impl Host, body: &[u8]) -> Flow {
        let asked: Result<Asked<'_>, _> = parse(body);
        let name = match asked {
            Ok(asked) => asked.model.or(asked.name).unwrap_or_default().to_str().into_owned(),
            Err(error) => return self.fail(host, error.into()),
        };
        match pages::show(&self.tables, &name, self.worker.loaded()) {
            Some(body) => self.answer_json(host, 200, &body),
            None => self.fail(host, pages::unknown_model(&self.tables, &name)),
        }
    }

    /// Reads the body's envelope and lays out the tries.
    fn choose(
        &mut self,
        host: &impl Host,
        headers: Headers,
        mut call: Call,
        body: Vec<u8>,
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
        let asked = matched.as_ref().map_or(asked, |matched| &matched.model);
        let found =
            route::find(&self.tables, asked).ok_or_else(|| pages::unknown_model(&self.tables, asked))?;
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

    /// Gives the request to the router, with the first cluster chosen.
    fn send(&mut self, host: &impl Host, exchange: Exchange) -> Flow {
        host.remember(key::CLUSTER, exchange.routed.cluster.as_bytes());
        self.describe(host, &exchange);
        grant(host, &exchange);
        if self.tables.audit_content {
            self.record.prompt = Some(exchange.body.clone());
        }
        let exchange = Rc::new(RefCell::new(exchange));
        let token = self.worker.register(Rc::clone(&exchange));
        host.remember(key::REQUEST, token.to_string().as_bytes());
        host.reroute();
        self.stage = Stage::Sent { exchange, token };
        Flow::Continue
    }

    /// Answers with a failure in the client's dialect.
    pub(super) fn fail(&mut self, host: &impl Host, failure: Failure) -> Flow {
        self.fail_with(host, failure, &[])
    }

    fn fail_with(&mut self, host: &impl Host, failure: Failure, headers: &[(&str, &str)]) -> Flow {
        let body = lane::write_failure(self.record.dialect, &failure, &[], &self.record.request_id);
        let status = failure.status;
        let mut all = vec![("content-type", "application/json")];
        all.extend(lane::failure_header(self.record.dialect, &failure));
        let wait = failure.retry_after_secs().map(|secs| secs.to_string());
        all.extend(wait.as_deref().map(|secs| ("retry-after", secs)));
        self.record.failure = Some(failure);
        all.extend_from_slice(headers);
        self.answer(host, status, &all, &body)
    }

    fn answer_json(&mut self, host: &impl Host, status: u16, body: &[u8]) -> Flow {
        self.answer(host, status, &[("content-type", "application/json")], body)
    }

    fn answer(&mut self, host: &impl Host, status: u16, headers: &[(&str, &str)], body: &[u8]) -> Flow {
        let cors = std::mem::take(&mut self.cors);
        let mut all: Vec<(&str, &str)> = headers.to_vec();
        all.extend(cors.iter().map(|(n, v)| (*n, v.as_str())));
        if self.tables.response_headers {
            all.push(("x-tollgate-request-id", &self.record.request_id));
        }
        host.reply(status, &all, body);
        self.record.status = status;
        self.stage = Stage::Answered;
        Flow::Pause
    }
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
        Surface::OllamaVersion => Dialect::Ollama,
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
