//! What the two phases ask of the proxy they run in.

use super::headers::Headers;
use std::time::Duration;

/// Which half of an exchange a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The request: towards the provider.
    Request,
    /// The response: towards the client.
    Response,
}

/// What the proxy does with a stream after a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Goes on.
    Continue,
    /// Is held, and what has come of the body is kept by the proxy.
    Pause,
}

/// Kinds of metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// A distribution.
    Histogram,
    /// The latest value.
    Gauge,
}

/// A version that no shared value has, as long as nobody writes four thousand million times: the proxy stores something
/// under it where there is nothing yet, and refuses where there is.
pub const ABSENT: u32 = u32::MAX;

/// The proxy, as the gateway sees it. Every call is cheap but none is free (about half a microsecond each), so the
/// phases ask once and remember.
///
/// No call fails loudly: what cannot be read is absent, and what cannot be written is logged by the implementation.
pub trait Host {
    /// Wall clock, in nanoseconds since the Unix epoch.
    fn now_ns(&self) -> u64;
    /// All headers of one side, pseudo-headers included.
    fn headers(&self, side: Side) -> Headers;
    /// Replaces all headers of one side.
    fn set_headers(&self, side: Side, headers: &Headers);
    /// Sets one header, or removes it.
    fn set_header(&self, side: Side, name: &str, value: Option<&str>);
    /// Body bytes that the proxy holds at this callback, from `start`, at most `len`.
    fn body(&self, side: Side, start: usize, len: usize) -> Vec<u8>;
    /// Replaces the first `drop` bytes of what the proxy holds at this callback.
    fn splice_body(&self, side: Side, drop: usize, insert: &[u8]);
    /// Answers the client at once, without a provider.
    fn reply(&self, status: u16, headers: &[(&str, &str)], body: &[u8]);
    /// Remembers a value for the request: both phases, all attempts and the access log see it.
    fn remember(&self, key: &str, value: &[u8]);
    /// A value remembered with [`Host::remember`].
    fn recall(&self, key: &str) -> Option<Vec<u8>>;
    /// A property of the proxy's own, such as `response.code_details`.
    fn property(&self, path: &[&str]) -> Option<Vec<u8>>;
    /// Makes the proxy choose the route again, after [`Host::remember`] changed what the choice depends on.
    fn reroute(&self);
    /// Defines a metric and returns its number; `None` when the proxy refuses.
    fn define_metric(&self, kind: MetricKind, name: &str) -> Option<u32>;
    /// Adds to a counter.
    fn add(&self, metric: u32, by: u64);
    /// Records a value in a histogram, or sets a gauge.
    fn record(&self, metric: u32, value: u64);
    /// A value shared by all workers, and its version for [`Host::share`].
    fn shared(&self, key: &str) -> (Option<Vec<u8>>, Option<u32>);
    /// Stores a value for all workers; `false` when `version` is no longer the current one. Without a version whatever is
    /// there is replaced.
    fn share(&self, key: &str, value: &[u8], version: Option<u32>) -> bool;
    /// Stores a value for all workers where there is none yet; `false` where there is.
    fn share_first(&self, key: &str, value: &[u8]) -> bool {
        self.share(key, value, Some(ABSENT))
    }
    /// Posts to a cluster, from a callback of the plugin's own (a tick); the answer comes to the plugin under the number.
    /// `None` when the proxy refuses.
    fn post(&self, cluster: &str, headers: &[(&str, &str)], body: &[u8], timeout: Duration) -> Option<u32>;
    /// Wakes the stream of this callback after about `ms` milliseconds: its side goes on as if it had not paused.
    fn wake_in(&self, side: Side, ms: u64);
    /// The number of the stream that calls belong to: that of this callback, or the one entered last.
    fn stream(&self) -> u32;
    /// Makes calls belong to another stream of this worker, one that is not gone; whether the proxy agrees.
    fn enter(&self, stream: u32) -> bool;
    /// Lets a side of the stream go on that was paused.
    fn go_on(&self, side: Side);
    /// Makes the ticks come often, for as long as requests wait.
    fn hurry(&self);
    /// Breaks the stream of this callback off after about this time, unless this is called again before; `None` takes
    /// it back. The client's stream ends with it: the router does not try again.
    fn break_in(&self, limit: Option<Duration>);
}

/// Where the proxy leaves an access token of Google's: the name of its filter, which is that of the metadata, and the key.
pub const GCP_TOKEN: [&str; 2] = ["envoy.filters.http.gcp_authn", "token"];

/// Where the proxy leaves the claims of a token that it has verified, as a property: the last but one is the name of its
/// filter, the last the key under which the filter was told to leave them.
pub const TOKEN: [&str; 4] = ["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", "tollgate"];

/// Filter-state keys; the proxy's own names for them carry the prefix `wasm.`.
pub mod key {
    /// The cluster that the router picks, now and at each retry.
    pub const CLUSTER: &str = "tollgate.cluster";
    /// The number of the exchange within this worker.
    pub const REQUEST: &str = "tollgate.request";
    /// The audit line.
    pub const AUDIT: &str = "tollgate.audit";

    /// What the proxy calls it among the filter state of a stream: all that a module remembers is there under this prefix.
    pub fn filter_state(key: &str) -> String {
        format!("wasm.{key}")
    }
}
