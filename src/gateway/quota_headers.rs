//! How much is left, in the headers that OpenAI's and Anthropic's clients know.

use crate::dialect::Dialect;
use crate::dialect::date::rfc3339;
use crate::policy::quota::{Quota, Standing, Unit};
use std::cmp::Ordering;
use std::rc::Rc;

/// A provider's own headers of that kind begin so: where the gateway limits, its own take their place.
pub(super) const PREFIXES: [&str; 2] = ["x-ratelimit-", "anthropic-ratelimit-"];

/// Names of the headers of one family.
struct Names {
    unit: Unit,
    limit: &'static str,
    remaining: &'static str,
    reset: &'static str,
}

const OPENAI: [Names; 2] = [
    Names {
        unit: Unit::Requests,
        limit: "x-ratelimit-limit-requests",
        remaining: "x-ratelimit-remaining-requests",
        reset: "x-ratelimit-reset-requests",
    },
    Names {
        unit: Unit::Tokens,
        limit: "x-ratelimit-limit-tokens",
        remaining: "x-ratelimit-remaining-tokens",
        reset: "x-ratelimit-reset-tokens",
    },
];

const ANTHROPIC: [Names; 2] = [
    Names {
        unit: Unit::Requests,
        limit: "anthropic-ratelimit-requests-limit",
        remaining: "anthropic-ratelimit-requests-remaining",
        reset: "anthropic-ratelimit-requests-reset",
    },
    Names {
        unit: Unit::Tokens,
        limit: "anthropic-ratelimit-tokens-limit",
        remaining: "anthropic-ratelimit-tokens-remaining",
        reset: "anthropic-ratelimit-tokens-reset",
    },
];

/// The headers for a client of a dialect, of the limits that its request was counted by: of each kind the one with the
/// smallest part left. Clients of other makers get OpenAI's.
pub(super) fn headers(
    client: Dialect,
    limits: &[(Rc<Quota>, Standing)],
    now_ns: u64,
) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    let is_anthropic = client == Dialect::Anthropic;
    for names in if is_anthropic { &ANTHROPIC } else { &OPENAI } {
        let of_kind = limits.iter().filter(|(quota, _)| quota.unit() == names.unit);
        let Some((_, tightest)) = of_kind.min_by(|(_, one), (_, other)| part_left(one, other)) else {
            continue;
        };
        headers.push((names.limit, tightest.limit.to_string()));
        headers.push((names.remaining, tightest.remaining.to_string()));
        let reset = if is_anthropic {
            rfc3339(tightest.resets_at_ns.div_ceil(1_000_000_000))
        } else {
            span(tightest.resets_at_ns.saturating_sub(now_ns))
        };
        headers.push((names.reset, reset));
    }
    headers
}

/// Which of two has the smaller part left.
fn part_left(one: &Standing, other: &Standing) -> Ordering {
    let times = |a: u64, b: u64| u128::from(a) * u128::from(b.max(1));
    times(one.remaining, other.limit).cmp(&times(other.remaining, one.limit))
}

/// A time as OpenAI writes it: `7ms`, `1.5s`, `6m0s`, `2h30m0s`.
fn span(ns: u64) -> String {
    let ms = ns.div_ceil(1_000_000);
    let mut out = String::with_capacity(16);
    let mut number = itoa::Buffer::new();
    let mut put = |value: u64, unit: &str| {
        out.push_str(number.format(value));
        out.push_str(unit);
    };
    if ms < 1000 {
        put(ms, "ms");
        return out;
    }
    let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
    if hours > 0 {
        put(hours, "h");
    }
    if hours > 0 || minutes > 0 {
        put(minutes, "m");
    }
    match (ms / 1000 % 60, ms % 1000) {
        (whole, 0) => put(whole, ""),
        (whole, part) => {
            put(whole, ".");
            // A digit more than there are, so that zeros at the front stay.
            let digits = number.format(1000 + part).get(1..).unwrap_or_default();
            out.push_str(digits.trim_end_matches('0'));
        }
    }
    out.push('s');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::limit::Rate;
    use crate::policy::quota::{Over, Terms};
    use crate::policy::scope::Scope;

    fn limit(unit: Unit, limit: u64, remaining: u64) -> (Rc<Quota>, Standing) {
        let terms = Rate { unit, amount: limit, period_ns: 60_000_000_000, burst: limit, over: Over::Reject };
        let quota = Rc::new(Quota::new("q", Scope::Key, Vec::new(), Terms::Rate(terms)));
        let resets_at_ns = 1_795_219_200_500_000_000;
        (quota, Standing { limit, remaining, resets_at_ns, ..Standing::default() })
    }

    #[test]
    fn times() {
        for (ms, text) in [
            (0, "0ms"),
            (7, "7ms"),
            (1000, "1s"),
            (1500, "1.5s"),
            (360_000, "6m0s"),
            (9_000_001, "2h30m0.001s"),
        ] {
            assert_eq!(span(ms * 1_000_000), text);
        }
    }

    #[test]
    fn the_tightest_of_each_kind_is_shown() {
        let limits =
            [limit(Unit::Requests, 100, 50), limit(Unit::Requests, 1000, 400), limit(Unit::Tokens, 9000, 0)];
        let now = 1_795_219_200_000_000_000;
        let of = |client| headers(client, &limits, now);
        assert_eq!(
            of(Dialect::OpenaiChat),
            [
                ("x-ratelimit-limit-requests", "1000".to_owned()),
                ("x-ratelimit-remaining-requests", "400".to_owned()),
                ("x-ratelimit-reset-requests", "500ms".to_owned()),
                ("x-ratelimit-limit-tokens", "9000".to_owned()),
                ("x-ratelimit-remaining-tokens", "0".to_owned()),
                ("x-ratelimit-reset-tokens", "500ms".to_owned()),
            ]
        );
        assert_eq!(
            of(Dialect::Anthropic).get(2),
            Some(&("anthropic-ratelimit-requests-reset", "2026-11-21T00:00:01Z".to_owned()))
        );
        assert!(headers(Dialect::Gemini, &[], now).is_empty());
    }
}
