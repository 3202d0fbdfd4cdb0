//! A proxy in miniature: drives both phases the way Envoy does (buffers while a phase pauses, retries on retriable
//! statuses, one header map for all tries) over scripted providers, without a network or a clock.

use crate::config;
use crate::config::tables::Route;
use crate::gateway::circuits;
use crate::gateway::host::{MetricKind, Side, key};
use crate::gateway::{Attempt, Edge, Flow, Headers, Host, REMOVED_BY_ROUTE, Worker, prepare_shared};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// What a provider does at one try.
pub enum Script {
    /// Answers with a status, a media type and a body in these pieces.
    Answer(u16, &'static str, Vec<Vec<u8>>),
    /// Answers with a status and a header, and no body at all.
    Bare(u16, (&'static str, &'static str)),
    /// Answers with a status, these headers and this body, which is said to be JSON.
    With(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Cannot be reached.
    Refused,
    /// The router gives up for good, with a status and its own word for why.
    Broken(u16, &'static str),
    /// Says nothing until the client has left; whether there was a connection to it.
    Left { connected: bool },
    /// Something else happens first.
    Meanwhile(Box<dyn FnOnce()>, Box<Script>),
}

/// What a provider got.
#[derive(Debug, Clone)]
pub struct Got {
    pub headers: Headers,
}

/// What the client got.
#[derive(Debug, Default)]
pub struct Seen {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
    /// Milliseconds of back-off, one by one.
    pub pauses: Vec<u64>,
    pub upstream: Vec<Got>,
    pub audit: serde_json::Value,
    pub metrics: HashMap<String, u64>,
}

/// What all workers share, and the one clock.
#[derive(Default)]
pub struct Common {
    /// Nanoseconds; every look at it takes a millisecond.
    pub now: Cell<u64>,
    shared: RefCell<HashMap<String, (Vec<u8>, u32)>>,
    /// So many times another worker is faster than the one that stores a shared value.
    pub races: Cell<u32>,
    /// How often a client's body was copied.
    pub copies: Cell<usize>,
    /// How often a shared value was read.
    pub reads: Cell<usize>,
    metric_names: RefCell<Vec<String>>,
}

/// A gateway with several workers, over many requests.
pub struct Gateway {
    tables: Rc<config::tables::Tables>,
    workers: Vec<Rc<Worker>>,
    pub common: Rc<Common>,
}

#[derive(Default)]
struct Proxy {
    common: Rc<Common>,
    headers: [RefCell<Headers>; 2],
    bodies: [RefCell<Vec<u8>>; 2],
    remembered: RefCell<HashMap<String, Vec<u8>>>,
    reply: RefCell<Option<(u16, Headers, Vec<u8>)>>,
    metrics: RefCell<HashMap<String, u64>>,
    pauses: RefCell<Vec<u64>>,
    posted: RefCell<Vec<String>>,
    code: Cell<u16>,
    /// The client has left, and whether a provider had the request.
    left: Cell<Option<bool>>,
    /// The router's word for why it gave up, where a script says it.
    details: Cell<Option<&'static str>>,
    number: u32,
}

/// A request whose body has come, and that nobody has answered yet.
pub struct Open {
    proxy: Proxy,
    edge: Edge,
}

impl Open {
    /// The status of an answer of the gateway's own; 0: there is none.
    pub fn status(&self) -> u16 {
        self.proxy.reply.borrow().as_ref().map_or(0, |reply| reply.0)
    }

    /// Its stream ends in the usual way; the audit line comes back.
    pub fn end(mut self) -> serde_json::Value {
        self.edge.on_log(&self.proxy);
        self.proxy.recall(key::AUDIT).map_or(serde_json::Value::Null, |a| serde_json::from_slice(&a).unwrap())
    }

    /// Its client leaves; the audit line comes back.
    pub fn leave(self) -> serde_json::Value {
        self.proxy.left.set(Some(false));
        self.end()
    }

    /// Its stream ends, and others go on for that; what was counted comes back.
    pub fn end_counted(mut self) -> HashMap<String, u64> {
        self.edge.on_log(&self.proxy);
        self.proxy.metrics.take()
    }

    /// Its stream is gone without another word.
    pub fn vanish(mut self) {
        self.edge.leave();
    }
}

fn at(side: Side) -> usize {
    usize::from(side == Side::Response)
}

impl Host for Proxy {
    fn now_ns(&self) -> u64 {
        let now = self.common.now.get() + 1_000_000;
        self.common.now.set(now);
        now
    }
    fn headers(&self, side: Side) -> Headers {
        self.headers[at(side)].borrow().clone()
    }
    fn set_headers(&self, side: Side, headers: &Headers) {
        *self.headers[at(side)].borrow_mut() = headers.clone();
    }
    fn set_header(&self, side: Side, name: &str, value: Option<&str>) {
        let mut headers = self.headers[at(side)].borrow_mut();
        headers.remove(name);
        if let Some(value) = value {
            headers.set(name, value);
        }
    }
    fn body(&self, side: Side, start: usize, len: usize) -> Vec<u8> {
        if side == Side::Request {
            self.common.copies.set(self.common.copies.get() + 1);
        }
        let body = self.bodies[at(side)].borrow();
        body[start..body.len().min(start.saturating_add(len))].to_vec()
    }
    fn splice_body(&self, side: Side, drop: usize, insert: &[u8]) {
        self.bodies[at(side)].borrow_mut().splice(..drop, insert.iter().copied());
    }
    fn reply(&self, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        *self.reply.borrow_mut() = Some((status, headers.iter().copied().collect(), body.to_vec()));
    }
    fn remember(&self, key: &str, value: &[u8]) {
        self.remembered.borrow_mut().insert(key.to_owned(), value.to_vec());
    }
    fn recall(&self, key: &str) -> Option<Vec<u8>> {
        self.remembered.borrow().get(key).cloned()
    }
    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        match path {
            ["response", "code"] => Some(u64::from(self.code.get()).to_le_bytes().to_vec()),
            ["response", "code_details"] if self.left.get().is_some() => {
                Some(b"downstream_remote_disconnect".to_vec())
            }
            ["upstream", "local_address"] => {
                self.left.get().filter(|connected| *connected).map(|_| b"127.0.0.1:40001".to_vec())
            }
            ["response", "code_details"] if self.details.get().is_some() => {
                self.details.get().map(|details| details.as_bytes().to_vec())
            }
            ["response", "code_details"] => {
                Some(b"upstream_reset_before_response_started{connection_failure}".to_vec())
            }
            _ => None,
        }
    }
    fn reroute(&self) {}
    fn define_metric(&self, _kind: MetricKind, name: &str) -> Option<u32> {
        let mut names = self.common.metric_names.borrow_mut();
        names.push(name.to_owned());
        u32::try_from(names.len() - 1).ok()
    }
    fn add(&self, metric: u32, by: u64) {
        let name = self.common.metric_names.borrow()[metric as usize].clone();
        *self.metrics.borrow_mut().entry(name).or_default() += by;
    }
    fn record(&self, metric: u32, value: u64) {
        self.add(metric, value);
    }
    fn shared(&self, key: &str) -> (Option<Vec<u8>>, Option<u32>) {
        self.common.reads.set(self.common.reads.get() + 1);
        let shared = self.common.shared.borrow();
        shared.get(key).map_or((None, None), |(value, version)| (Some(value.clone()), Some(*version)))
    }
    fn share(&self, key: &str, value: &[u8], version: Option<u32>) -> bool {
        let mut shared = self.common.shared.borrow_mut();
        let current = shared.get(key).map(|(_, v)| *v);
        // A value that is not there is stored under any version, and one that is under its own or none.
        if current.is_some() && version.is_some() && current != version {
            return false;
        }
        if let (Some(left), Some((_, version))) =
            (self.common.races.get().checked_sub(1), shared.get_mut(key))
        {
            self.common.races.set(left);
            *version += 1;
            return false;
        }
        shared.insert(key.to_owned(), (value.to_vec(), current.unwrap_or(0) + 1));
        true
    }
    fn post(
        &self,
        _cluster: &str,
        _headers: &[(&str, &str)],
        body: &[u8],
        _timeout: Duration,
    ) -> Option<u32> {
        let mut posted = self.posted.borrow_mut();
        posted.push(String::from_utf8(body.to_vec()).unwrap());
        u32::try_from(posted.len()).ok()
    }
    fn wake_in(&self, _side: Side, ms: u64) {
        self.pauses.borrow_mut().push(ms);
    }
    fn break_in(&self, _limit: Option<Duration>) {}
    fn stream(&self) -> u32 {
        self.number
    }
    fn enter(&self, _stream: u32) -> bool {
        true
    }
    fn go_on(&self, _side: Side) {}
    fn hurry(&self) {}
}

/// Sends one request through a gateway with this configuration (`gateway.yaml` as JSON); every provider has a key.
pub fn send(config: &serde_json::Value, headers: &[(&str, &str)], body: &[u8], scripts: Vec<Script>) -> Seen {
    Gateway::new(config, 1).send(0, headers, body, scripts)
}

impl Gateway {
    /// With so many workers; every provider has a key.
    pub fn new(config: &serde_json::Value, workers: usize) -> Self {
        let gateway = config::from_json(config.to_string().as_bytes()).unwrap();
        let tables = config::compile(&gateway, &|name| Some(format!("key-of-{name}"))).unwrap();
        let common = Rc::<Common>::default();
        prepare_shared(&Proxy { common: Rc::clone(&common), ..Proxy::default() });
        let workers = (0..workers).map(|_| Rc::default()).collect();
        Self { tables: Rc::new(tables), workers, common }
    }

    /// Lets every worker show the others what it saw.
    pub fn tick(&self) {
        let host = Proxy { common: Rc::clone(&self.common), ..Proxy::default() };
        self.workers.iter().for_each(|worker| worker.tick(&host));
    }

    /// Has another request take the one place at a target whose circuit was open.
    pub fn hold_probe(&self, target: &str) {
        let host = Proxy { common: Rc::clone(&self.common), ..Proxy::default() };
        let id = self.tables.targets().find(|known| *known.name == *target).unwrap().id;
        let now_ms = self.common.now.get() / 1_000_000;
        let lease = Duration::from_mins(1);
        assert!(circuits::change(&host, now_ms, |board| board.begin_probe(id, lease, now_ms)).unwrap().0);
    }

    /// Sends one request to a worker, and leaves it at that.
    pub fn open(&self, worker: usize, number: u32, headers: &[(&str, &str)], body: &[u8]) -> Open {
        let proxy = Proxy { common: Rc::clone(&self.common), number, ..Proxy::default() };
        *proxy.headers[0].borrow_mut() = headers.iter().copied().collect();
        *proxy.bodies[0].borrow_mut() = body.to_vec();
        let mut edge = Edge::new(Rc::clone(&self.workers[worker]), Rc::clone(&self.tables));
        if edge.on_request_headers(&proxy, false) == Flow::Pause && proxy.reply.borrow().is_none() {
            edge.on_request_body(&proxy, body.len(), true);
        }
        Open { proxy, edge }
    }

    /// Sends the beginning of a request to a worker.
    pub fn open_in_part(&self, worker: usize, headers: &[(&str, &str)], body: &[u8]) -> Open {
        let proxy = Proxy { common: Rc::clone(&self.common), ..Proxy::default() };
        *proxy.headers[0].borrow_mut() = headers.iter().copied().collect();
        let mut edge = Edge::new(Rc::clone(&self.workers[worker]), Rc::clone(&self.tables));
        assert_eq!(edge.on_request_headers(&proxy, false), Flow::Pause);
        assert_eq!(edge.on_request_body(&proxy, body.len(), false), Flow::Pause);
        Open { proxy, edge }
    }

    /// How many bytes of bodies a worker holds.
    pub fn held(&self, worker: usize) -> u64 {
        self.workers[worker].holdings.bytes()
    }

    /// Sends one request to one of the workers.
    pub fn send(&self, worker: usize, headers: &[(&str, &str)], body: &[u8], scripts: Vec<Script>) -> Seen {
        let proxy = Proxy { common: Rc::clone(&self.common), ..Proxy::default() };
        send_through(&proxy, &self.workers[worker], &self.tables, headers, body, scripts)
    }
}

fn send_through(
    proxy: &Proxy,
    worker: &Rc<Worker>,
    tables: &Rc<config::tables::Tables>,
    headers: &[(&str, &str)],
    body: &[u8],
    scripts: Vec<Script>,
) -> Seen {
    *proxy.headers[0].borrow_mut() = headers.iter().copied().collect();
    let mut edge = Edge::new(Rc::clone(worker), Rc::clone(tables));
    let mut seen = Seen::default();
    *proxy.bodies[0].borrow_mut() = body.to_vec();
    let flow = match edge.on_request_headers(proxy, body.is_empty()) {
        Flow::Pause if !body.is_empty() && proxy.reply.borrow().is_none() => {
            edge.on_request_body(proxy, body.len(), true)
        }
        flow => flow,
    };
    if proxy.reply.borrow().is_none() {
        assert_eq!(flow, Flow::Continue);
        try_all(proxy, worker, tables.route, body, scripts, &mut seen, &mut edge);
    }
    if let Some((status, headers, body)) = proxy.reply.take() {
        (seen.status, seen.headers, seen.body) = (status, headers, body);
    }
    proxy.code.set(seen.status);
    edge.on_log(proxy);
    seen.pauses = proxy.pauses.take();
    seen.metrics = proxy.metrics.take();
    seen.audit =
        proxy.recall(key::AUDIT).map_or(serde_json::Value::Null, |a| serde_json::from_slice(&a).unwrap());
    seen
}

/// The router: one try after the other, each with the client's body and what the last try left of the headers.
fn try_all(
    proxy: &Proxy,
    worker: &Rc<Worker>,
    route: Route,
    body: &[u8],
    scripts: Vec<Script>,
    seen: &mut Seen,
    edge: &mut Edge,
) {
    let granted = proxy.headers(Side::Request).get("x-envoy-max-retries").map(|n| n.parse().unwrap());
    let retries: usize = granted.unwrap_or(route.retries);
    for name in REMOVED_BY_ROUTE.iter().chain(&["x-envoy-max-retries"]) {
        proxy.set_header(Side::Request, name, None);
    }
    let mut scripts = scripts.into_iter();
    for tries_left in (0..=retries).rev() {
        let cluster = String::from_utf8(proxy.recall(key::CLUSTER).unwrap()).unwrap();
        let mut attempt = Attempt::new(Rc::clone(worker), cluster.strip_prefix("provider_").map(Into::into));
        *proxy.bodies[0].borrow_mut() = body.to_vec();
        attempt.on_request_headers(proxy);
        if proxy.reply.borrow().is_some() {
            return;
        }
        let script = scripts.next().expect("the router tries more often than the test has answers for");
        attempt.on_request_body(proxy, body.len());
        let (headers, body) = (proxy.headers(Side::Request), proxy.bodies[0].borrow().clone());
        assert_eq!(headers.get("content-length"), Some(body.len().to_string().as_str()), "framing");
        seen.upstream.push(Got { headers });
        let answered = answer(proxy, &mut attempt, script, seen, tries_left > 0, edge);
        if answered || proxy.reply.borrow().is_some() {
            return;
        }
    }
}

/// One provider's answer; whether the router took it for the last word.
fn answer(
    proxy: &Proxy,
    attempt: &mut Attempt,
    script: Script,
    seen: &mut Seen,
    retry: bool,
    edge: &mut Edge,
) -> bool {
    let (status, mut headers, pieces) = match script {
        Script::Meanwhile(happens, then) => {
            happens();
            return answer(proxy, attempt, *then, seen, retry, edge);
        }
        Script::Left { connected } => {
            proxy.left.set(Some(connected));
            return true;
        }
        Script::Refused if retry => return false,
        Script::Broken(..) | Script::Refused => {
            let (status, details) = match script {
                Script::Broken(status, details) => (status, Some(details)),
                _ => (503, None),
            };
            proxy.details.set(details);
            *proxy.headers[1].borrow_mut() =
                [(":status", &*status.to_string()), ("content-type", "text/plain")].into_iter().collect();
            *proxy.bodies[1].borrow_mut() = b"upstream connect error".to_vec();
            edge.on_response_headers(proxy, false);
            edge.on_response_body(proxy, 22);
            deliver(proxy, seen);
            return true;
        }
        Script::With(status, headers, body) => {
            let headers = headers.into_iter().chain([("content-type", "application/json".to_owned())]);
            (status, headers.collect::<Headers>(), vec![body])
        }
        Script::Bare(status, header) => (status, [header].into_iter().collect::<Headers>(), Vec::new()),
        Script::Answer(status, media_type, pieces) => {
            (status, [("content-type", media_type)].into_iter().collect::<Headers>(), pieces)
        }
    };
    headers.set(":status", status.to_string());
    *proxy.headers[1].borrow_mut() = headers;
    proxy.bodies[1].borrow_mut().clear();
    let asleep = |before: usize| proxy.pauses.borrow().len() > before;
    let mut released = false;
    let mut flow = attempt.on_response_headers(proxy, pieces.is_empty());
    let mut left = pieces.len();
    for piece in pieces {
        left -= 1;
        let before = proxy.pauses.borrow().len();
        proxy.bodies[1].borrow_mut().extend_from_slice(&piece);
        let size = proxy.bodies[1].borrow().len();
        flow = attempt.on_response_body(proxy, size, left == 0);
        if flow == Flow::Continue || asleep(before) {
            if !released && retry && is_retriable(proxy.headers(Side::Response).status()) {
                return false;
            }
            if !released {
                edge.on_response_headers(proxy, false);
                released = true;
            }
            deliver(proxy, seen);
        }
    }
    if flow == Flow::Pause && proxy.reply.borrow().is_none() {
        // Asleep over an answer without a body.
        return !retry;
    }
    released || !(retry && is_retriable(proxy.headers(Side::Response).status()))
}

fn deliver(proxy: &Proxy, seen: &mut Seen) {
    let headers = proxy.headers(Side::Response);
    seen.status = headers.status();
    seen.headers = headers;
    seen.body.append(&mut proxy.bodies[1].borrow_mut());
}

fn is_retriable(status: u16) -> bool {
    matches!(status, 408 | 409 | 429 | 500..=599)
}
