//! How long to wait before the same target is tried again.

use crate::config::tables::Backoff;
use crate::policy::chance::scramble;
use std::time::Duration;

/// Milliseconds to wait before retry number `retry` (1 is the first): `base`, 2 × `base`, 4 × `base` … up to `max`,
/// jittered to between half and all of it; never less than what the provider asked for by `retry-after`.
/// `seed` is anything that differs between requests.
pub fn before(retry: u32, backoff: &Backoff, retry_after: Option<Duration>, seed: u64) -> u64 {
    let doublings = retry.saturating_sub(1).min(20);
    let full = backoff.base.saturating_mul(1 << doublings).min(backoff.max);
    let full = u64::try_from(full.as_millis()).unwrap_or(u64::MAX);
    let half = full / 2;
    let jittered = half + scramble(seed) % (full - half + 1);
    let asked = retry_after.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
    jittered.max(asked)
}

/// Reads `retry-after`: seconds, or an HTTP date (RFC 9110 §10.2.3). `retry-after-ms`, which OpenAI and Azure send,
/// wins where it is there.
pub fn retry_after(ms: Option<&str>, value: Option<&str>, now_ns: u64) -> Option<Duration> {
    if let Some(ms) = ms.and_then(|v| v.trim().parse::<f64>().ok()).filter(|v| v.is_finite() && *v >= 0.0) {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    let value = value?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(value).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(date.saturating_sub(Duration::from_nanos(now_ns)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff() -> Backoff {
        Backoff {
            base: Duration::from_secs(1),
            max: Duration::from_secs(8),
            max_retry_after: Duration::from_secs(30),
        }
    }

    #[test]
    fn doubles_up_to_the_limit_and_is_jittered() {
        for (retry, full) in [(1, 1000), (2, 2000), (3, 4000), (4, 8000), (5, 8000), (99, 8000)] {
            let delays: Vec<u64> =
                (0..200).map(|seed| before(retry, &backoff(), None, seed * 7919)).collect();
            assert!(delays.iter().all(|d| (full / 2..=full).contains(d)), "{retry}: {delays:?}");
            assert!(delays.iter().max() != delays.iter().min());
        }
    }

    #[test]
    fn the_provider_may_ask_for_more() {
        let asked = Some(Duration::from_secs(20));
        assert_eq!(before(1, &backoff(), asked, 1), 20_000);
        assert!(before(4, &backoff(), Some(Duration::from_secs(1)), 1) >= 4000);
    }

    #[test]
    fn no_back_off_configured_means_none() {
        let none = Backoff { base: Duration::ZERO, max: Duration::ZERO, max_retry_after: Duration::ZERO };
        assert_eq!(before(3, &none, None, 42), 0);
    }

    #[test]
    fn retry_after_in_each_form() {
        let now = 784_111_777_u64 * 1_000_000_000; // Sun, 06 Nov 1994 08:49:37 GMT
        let read = |ms, v| retry_after(ms, v, now);
        assert_eq!(read(None, Some("3")), Some(Duration::from_secs(3)));
        assert_eq!(read(None, Some(" 0.5 ")), Some(Duration::from_millis(500)));
        assert_eq!(read(Some("250"), Some("3")), Some(Duration::from_millis(250)));
        assert_eq!(read(None, Some("Sun, 06 Nov 1994 08:49:47 GMT")), Some(Duration::from_secs(10)));
        assert_eq!(read(None, Some("Sun, 06 Nov 1994 08:49:07 GMT")), Some(Duration::ZERO));
        assert_eq!(read(None, Some("soon")), None);
        assert_eq!(read(None, Some("-1")), None);
        assert_eq!(read(None, None), None);
    }
}
