//! The defaults, and the bounds of what can be configured.

use std::time::Duration;

/// Where clients are listened for.
pub const LISTEN: &str = "127.0.0.1:10000";
/// Where Envoy's admin interface listens.
pub const ADMIN: &str = "127.0.0.1:9901";
/// Largest request body, in bytes.
pub const MAX_BODY: u64 = 32 << 20;
/// The largest that [`MAX_BODY`] can be raised to: a translated body exists a few times over in one Wasm memory, which
/// ends between 1 and 2 GiB.
pub const MAX_BODY_BOUND: u64 = 256 << 20;
/// What one worker holds of its clients' bodies, in bytes.
pub const MAX_HELD: u64 = 512 << 20;
/// The largest that [`MAX_HELD`] can be raised to: the memory that ends between 1 and 2 GiB holds the rest as well.
pub const MAX_HELD_BOUND: u64 = 1 << 30;
/// How long a browser may remember a preflight.
pub const CORS_MAX_AGE: Duration = Duration::from_mins(10);
/// Limit of a connect.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Limit to the first token of each try. An answer that is not a stream has no first token before it is whole, and models
/// that think, or draw, take minutes.
pub const TIMEOUT: Duration = Duration::from_mins(5);
/// Longest silence within an answer.
pub const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// Limit of the whole request.
pub const REQUEST_TIMEOUT: Duration = Duration::from_mins(10);
/// First wait between tries at the same target.
pub const BACKOFF_BASE: Duration = Duration::from_secs(1);
/// Longest wait between tries at the same target.
pub const BACKOFF_MAX: Duration = Duration::from_secs(8);
/// The longest `retry-after` that is waited for.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);
/// Output limit in tokens where a provider must have one.
pub const MAX_TOKENS: u64 = 4096;
/// Most targets of one model: each can cost a client a whole timeout.
pub const MAX_TARGETS: usize = 32;
/// Most retries at one target.
pub const MAX_RETRIES: u32 = 16;
/// How long an open circuit stays so before a request may try.
pub const CIRCUIT_OPEN: Duration = Duration::from_secs(30);
/// The longest pause after a 429: whoever asks for an hour is asked again now and then all the same.
pub const MAX_COOLDOWN: Duration = Duration::from_mins(5);
/// The longest that [`CIRCUIT_OPEN`] and the pauses can be raised to.
pub const CIRCUIT_BOUND: Duration = Duration::from_hours(24);
/// The longest that Envoy leaves one address of several out, however often it failed.
pub const MAX_EJECTION: Duration = Duration::from_mins(5);
/// Time between two health checks of Envoy's.
pub const HEALTH_CHECK_EVERY: Duration = Duration::from_secs(10);
/// Limit of a health check of Envoy's.
pub const HEALTH_CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// Each kind of circuit-breaker threshold.
pub const CIRCUIT_BREAKER: u32 = 10_000;
/// Requests that wait, for each worker.
pub const QUEUE_SIZE: u64 = 1000;
/// Longest wait for a limit.
pub const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);
/// Domain of a rate limit service, and the beginning of every name in Redis.
pub const FLEET_NAME: &str = "tollgate";
/// How long a rate limit service is waited for.
pub const RATE_LIMIT_TIMEOUT: Duration = Duration::from_millis(200);
/// Time from one exchange of counters with Redis to the next.
pub const FLEET_EVERY: Duration = Duration::from_secs(1);
/// The shortest such time: a tick or two of the proxy, and the round trip.
pub const FLEET_EVERY_MIN: Duration = Duration::from_millis(50);
/// The longest such time, which is how long what others spend is not known.
pub const FLEET_EVERY_MAX: Duration = Duration::from_mins(1);
/// Limit of one exchange.
pub const FLEET_TIMEOUT: Duration = Duration::from_millis(500);
