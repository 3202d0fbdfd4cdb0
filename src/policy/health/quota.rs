//! What providers say in headers about how much they will still take.

use crate::gateway::Headers;
use serde::{Deserialize, Serialize};

/// What is left of a provider's limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Left>,
    /// Tokens; of several limits (input, output, all) the one that is nearest to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Left>,
}

/// One limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// How much may still come.
    pub remaining: u64,
    /// The whole, where it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl Left {
    /// The share that is left, in thousandths; a limit that is not said counts as ten times what is left at most.
    pub fn per_mille(self) -> u64 {
        match self.limit.filter(|limit| *limit > 0) {
            Some(limit) => self.remaining.saturating_mul(1000).checked_div(limit).unwrap_or(0).min(1000),
            None => self.remaining.min(1000),
        }
    }
}

/// Where a limit is found: what is left, and the whole.
const REQUESTS: &[(&str, &str)] = &[
    // OpenAI, Azure, Groq, Together, Fireworks, xAI, Mistral's older form.
    ("x-ratelimit-remaining-requests", "x-ratelimit-limit-requests"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-limit"),
    // Cerebras.
    ("x-ratelimit-remaining-requests-day", "x-ratelimit-limit-requests-day"),
    // GitHub, OpenRouter.
    ("x-ratelimit-remaining", "x-ratelimit-limit"),
];

/// The same for tokens.
const TOKENS: &[(&str, &str)] = &[
    ("x-ratelimit-remaining-tokens", "x-ratelimit-limit-tokens"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-limit"),
    ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-limit"),
    ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-limit"),
    ("x-ratelimit-remaining-tokens-minute", "x-ratelimit-limit-tokens-minute"),
    // Mistral.
    ("x-ratelimit-remaining-tokens-query", "x-ratelimit-limit-tokens-query"),
];

impl Quota {
    /// Reads the headers of an answer; `None` where they say nothing.
    pub fn read(headers: &Headers) -> Option<Self> {
        let speaks = |name: &str| {
            name.starts_with("x-ratelimit-remaining") || name.starts_with("anthropic-ratelimit-")
        };
        if !headers.0.iter().any(|(name, _)| speaks(name)) {
            return None;
        }
        let quota = Self { requests: tightest(headers, REQUESTS), tokens: tightest(headers, TOKENS) };
        (quota.requests.is_some() || quota.tokens.is_some()).then_some(quota)
    }

    /// The share that is left of the limit that is nearest to its end, in thousandths.
    pub fn per_mille(&self) -> u64 {
        let shares = [self.requests, self.tokens].into_iter().flatten().map(Left::per_mille);
        shares.min().unwrap_or(1000)
    }
}

fn tightest(headers: &Headers, names: &[(&str, &str)]) -> Option<Left> {
    // Some write a number with decimals.
    let number = |name: &str| headers.get(name)?.trim().split('.').next()?.parse::<u64>().ok();
    let all = names
        .iter()
        .filter_map(|(remaining, limit)| Some(Left { remaining: number(remaining)?, limit: number(limit) }));
    all.min_by_key(|left| left.per_mille())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Option<Quota> {
        Quota::read(&pairs.iter().copied().collect())
    }

    #[test]
    fn openai_and_anthropic_say_it_each_their_way() {
        let openai = read(&[
            ("x-ratelimit-limit-requests", "500"),
            ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-limit-tokens", "30000"),
            ("x-ratelimit-remaining-tokens", "3000"),
            ("x-ratelimit-reset-tokens", "54s"),
        ])
        .unwrap();
        assert_eq!(openai.requests, Some(Left { remaining: 499, limit: Some(500) }));
        assert_eq!(openai.tokens, Some(Left { remaining: 3000, limit: Some(30_000) }));
        assert_eq!(openai.per_mille(), 100);
        let anthropic = read(&[
            ("anthropic-ratelimit-input-tokens-remaining", "40000"),
            ("anthropic-ratelimit-input-tokens-limit", "80000"),
            ("anthropic-ratelimit-output-tokens-remaining", "2000"),
            ("anthropic-ratelimit-output-tokens-limit", "16000"),
            ("anthropic-ratelimit-requests-reset", "2026-01-01T00:00:00Z"),
        ])
        .unwrap();
        assert_eq!(anthropic.tokens, Some(Left { remaining: 2000, limit: Some(16_000) }), "the tightest");
        assert_eq!(anthropic.requests, None);
    }

    #[test]
    fn what_is_no_number_says_nothing() {
        assert_eq!(read(&[("content-type", "application/json")]), None);
        assert_eq!(read(&[("x-ratelimit-remaining-requests", "many")]), None);
        let bare = read(&[("x-ratelimit-remaining-requests", "12.0")]).unwrap();
        assert_eq!((bare.requests.unwrap().remaining, bare.per_mille()), (12, 12));
        let none = read(&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-limit-tokens", "0")]).unwrap();
        assert_eq!(none.per_mille(), 0);
    }
}
