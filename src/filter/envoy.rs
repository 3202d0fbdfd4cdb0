//! The [`Host`] that Envoy is.
//!
//! The calls of the SDK's own traits panic when the host refuses or a header is not UTF-8, so the plain host calls are
//! used. What Envoy refuses is logged: it would be a defect of the gateway.

use super::sleepers::{self, Then};
use crate::gateway::host::{MetricKind, Side};
use crate::gateway::{Headers, Host};
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType, MetricType, Status};
use std::time::{Duration, UNIX_EPOCH};

/// The host, as seen from one context.
#[derive(Debug, Clone, Copy)]
pub(super) struct Envoy {
    /// The context the calls belong to.
    pub(super) context: u32,
}

impl Host for Envoy {
    fn now_ns(&self) -> u64 {
        let now = hostcalls::get_current_time().unwrap_or(UNIX_EPOCH);
        now.duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
    }

    fn headers(&self, side: Side) -> Headers {
        let pairs = hostcalls::get_map_bytes(map(side)).unwrap_or_default();
        Headers(pairs.into_iter().map(|(name, value)| (name, text(value))).collect())
    }

    fn set_headers(&self, side: Side, headers: &Headers) {
        let pairs = headers.0.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        told("set the headers", hostcalls::set_map_bytes(map(side), pairs));
    }

    fn set_header(&self, side: Side, name: &str, value: Option<&str>) {
        told("set a header", hostcalls::set_map_value(map(side), name, value));
    }

    fn body(&self, side: Side, start: usize, len: usize) -> Vec<u8> {
        if len == 0 {
            return Vec::new();
        }
        hostcalls::get_buffer(buffer(side), start, len).ok().flatten().unwrap_or_default()
    }

    fn splice_body(&self, side: Side, drop: usize, insert: &[u8]) {
        told("change the body", hostcalls::set_buffer(buffer(side), 0, drop, insert));
    }

    fn reply(&self, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        let sent = hostcalls::send_http_response(u32::from(status), headers.to_vec(), Some(body));
        told("answer", sent);
    }

    fn remember(&self, key: &str, value: &[u8]) {
        told("remember a value", hostcalls::set_property(vec![key], Some(value)));
    }

    fn recall(&self, key: &str) -> Option<Vec<u8>> {
        hostcalls::get_property(vec![key]).ok().flatten()
    }

    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        hostcalls::get_property(path.to_vec()).ok().flatten()
    }

    fn reroute(&self) {
        told("choose the route again", hostcalls::call_foreign_function("clear_route_cache", None).map(drop));
    }

    fn define_metric(&self, kind: MetricKind, name: &str) -> Option<u32> {
        let kind = match kind {
            MetricKind::Counter => MetricType::Counter,
            MetricKind::Histogram => MetricType::Histogram,
            MetricKind::Gauge => MetricType::Gauge,
        };
        hostcalls::define_metric(kind, name).ok()
    }

    fn add(&self, metric: u32, by: u64) {
        told("count", hostcalls::increment_metric(metric, i64::try_from(by).unwrap_or(i64::MAX)));
    }

    fn record(&self, metric: u32, value: u64) {
        told("record", hostcalls::record_metric(metric, value));
    }

    fn shared(&self, key: &str) -> (Option<Vec<u8>>, Option<u32>) {
        hostcalls::get_shared_data(key).unwrap_or((None, None))
    }

    fn share(&self, key: &str, value: &[u8], version: Option<u32>) -> bool {
        hostcalls::set_shared_data(key, Some(value), version).is_ok()
    }

    fn post(&self, cluster: &str, headers: &[(&str, &str)], body: &[u8], timeout: Duration) -> Option<u32> {
        let call = hostcalls::dispatch_http_call(cluster, headers.to_vec(), Some(body), Vec::new(), timeout);
        call.ok()
    }

    fn wake_in(&self, side: Side, ms: u64) {
        self.act_in(Then::Resume(side), Duration::from_millis(ms));
    }

    fn stream(&self) -> u32 {
        self.context
    }

    fn enter(&self, stream: u32) -> bool {
        hostcalls::set_effective_context(stream).is_ok()
    }

    fn go_on(&self, side: Side) {
        told(
            "go on with a waiting request",
            match side {
                Side::Request => hostcalls::resume_http_request(),
                Side::Response => hostcalls::resume_http_response(),
            },
        );
    }

    fn hurry(&self) {
        let period = Duration::from_millis(sleepers::TICK_MS);
        told("ask for ticks", hostcalls::set_tick_period(period));
    }

    fn break_in(&self, limit: Option<Duration>) {
        match limit {
            Some(limit) => self.act_in(Then::Break, limit),
            None => sleepers::forget(self.context),
        }
    }
}

impl Envoy {
    /// Does something for the stream of this callback after a while, unless something else is asked for before.
    pub(super) fn act_in(self, then: Then, after: Duration) {
        let after = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
        let due = self.now_ns().saturating_add(after);
        if sleepers::set(self.context, then, due) {
            // Of this stream's plugin; they go on for as long as anybody waits.
            let period = Duration::from_millis(sleepers::TICK_MS);
            told("ask for ticks", hostcalls::set_tick_period(period));
        }
    }
}

/// Header values are bytes to Envoy; what is not UTF-8 shows as replacement characters.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

fn map(side: Side) -> MapType {
    match side {
        Side::Request => MapType::HttpRequestHeaders,
        Side::Response => MapType::HttpResponseHeaders,
    }
}

fn buffer(side: Side) -> BufferType {
    match side {
        Side::Request => BufferType::HttpRequestBody,
        Side::Response => BufferType::HttpResponseBody,
    }
}

fn told(what: &str, result: Result<(), Status>) {
    if let Err(status) = result {
        log::error!("tollgate: the proxy refused to {what}: {status:?}");
    }
}
