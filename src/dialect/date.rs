//! Dates as dialects write them: RFC 3339, `2026-01-31T12:00:00Z`.

use jiff::Timestamp;

/// A time in UTC, given in seconds since 1970.
pub(crate) fn rfc3339(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.unwrap_or(Timestamp::MAX).to_string()
}

/// The same to the millisecond.
pub(crate) fn rfc3339_millis(millis: u64) -> String {
    let time = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    format!("{:.3}", time.unwrap_or(Timestamp::MAX))
}

/// The seconds since 1970 of such a time, with any offset from UTC and any fraction of a second (which is dropped);
/// `None` when it is no such time, or before 1970.
pub(crate) fn parse_rfc3339(text: &str) -> Option<u64> {
    text.parse::<Timestamp>().ok().and_then(|time| u64::try_from(time.as_second()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_both_ways() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_767_225_600, "2026-01-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
            assert_eq!(parse_rfc3339(text), Some(seconds));
        }
        for days in 0..40_000 {
            assert_eq!(parse_rfc3339(&rfc3339(days * 86_400 + 1)), Some(days * 86_400 + 1));
        }
    }

    #[test]
    fn milliseconds_are_always_there() {
        assert_eq!(rfc3339_millis(1_767_225_600_000), "2026-01-01T00:00:00.000Z");
        assert_eq!(rfc3339_millis(1_767_225_600_042), "2026-01-01T00:00:00.042Z");
        assert!(rfc3339_millis(u64::MAX).starts_with("9999-12-"));
        assert!(rfc3339(u64::MAX).starts_with("9999-12-"));
    }

    #[test]
    fn offsets_and_fractions_are_read() {
        assert_eq!(parse_rfc3339("2024-05-24T20:57:43.314639Z"), Some(1_716_584_263));
        assert_eq!(parse_rfc3339("2025-06-28T01:12:36.619720716-04:00"), Some(1_751_087_556));
        assert_eq!(parse_rfc3339("1970-01-01T01:00:00+01:00"), Some(0));
        for bad in
            ["", "2024", "2024-05-24", "2024-13-24T20:57:43Z", "2024-05-24T20:57:43", "2024-05-24T20:57:43+1"]
        {
            assert_eq!(parse_rfc3339(bad), None, "{bad}");
        }
    }
}
