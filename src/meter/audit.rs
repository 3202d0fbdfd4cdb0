//! The audit line: one JSON object a request, written to Envoy's access log.

use crate::chat::{Usage, UsageStatus};
use crate::dialect::lane::{AttemptNote, Warning};
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::time::{Duration, UNIX_EPOCH};

/// One line. What is not known is absent. Holds no secret: keys appear by their id, and prompts and answers only
/// when the configuration asks for them.
#[derive(Debug, Default, Serialize)]
pub struct Line<'a> {
    /// When the request came, in nanoseconds since the epoch; written as RFC 3339 in UTC.
    #[serde(serialize_with = "rfc3339")]
    pub time: u64,
    /// The proxy's id of the request.
    pub request_id: &'a str,
    /// Who pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<&'a str>,
    /// The client key's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<&'a str>,
    /// The team within the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<&'a str>,
    /// The project within the team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<&'a str>,
    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<&'a str>,
    /// What kind of agent it said it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<&'a str>,
    /// What the client speaks.
    pub client_dialect: &'a str,
    /// Method of the request.
    pub method: &'a str,
    /// Path without its query.
    pub path: &'a str,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// The model as the client named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_asked: Option<&'a str>,
    /// The provider whose answer the client got, or the last one tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<&'a str>,
    /// That provider's model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<&'a str>,
    /// Status that the client got; 0 when it left before there was one.
    pub status: u16,
    /// What chose the first target: a rule of the configuration, a strategy, or both.
    #[serde(skip_serializing_if = "RoutedBy::is_empty")]
    pub routed_by: RoutedBy<'a>,
    /// Every try.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub attempts: &'a [AttemptNote],
    /// Token counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Tokens>,
    /// How far they can be believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_status: Option<&'static str>,
    /// The tokens of a request that was only to be counted; they were not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted: Option<u64>,
    /// What a rerank is billed by, where the provider says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_units: Option<u64>,
    /// Seconds of sound that were transcribed, where the answer says them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_seconds: Option<f64>,
    /// Cost in USD; absent when the price is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<Box<RawValue>>,
    /// Time to the first content of a stream, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttft_ms: Option<u64>,
    /// Time to the end, in milliseconds.
    pub duration_ms: u64,
    /// Why the model stopped, in OpenAI's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<&'static str>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorNote<'a>>,
    /// The rule that refused it, or that it waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited_by: Option<&'a str>,
    /// How long it waited for a limit, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued_ms: Option<u64>,
    /// Budgets that are spent, or nearly so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<BudgetNote<'a>>,
    /// What could not be carried over as it was.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub warnings: &'a [Warning],
    /// The request body, when configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Box<RawValue>>,
    /// The answer as the client got it, or what a stream generated, when configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Box<RawValue>>,
}

/// What chose a request's model and target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RoutedBy<'a> {
    /// The rule that named the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'a str>,
    /// What put the targets in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<&'a str>,
    /// For which reason the request went on to a chain of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<&'a str>,
}

impl RoutedBy<'_> {
    fn is_empty(&self) -> bool {
        self.rule.is_none() && self.strategy.is_none() && self.fallback.is_none()
    }
}

/// Token counts of the line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// All input, cached included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// All output, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
    /// Input from the provider's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
    /// Input written to the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
    /// Reasoning part of the output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
}

/// A budget beyond its limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetNote<'a> {
    /// Its name.
    pub name: &'a str,
    /// `soft`: it warns; `hard`: it refuses.
    pub state: &'static str,
    /// What was spent before this request, with its unit.
    pub spent: String,
    /// What there is of it in all, with its unit.
    pub limit: String,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorNote<'a> {
    /// `client_disconnect`, `upstream_broken`, or the failure's kind.
    pub r#type: &'a str,
    /// One sentence.
    pub message: &'a str,
}

impl From<&Usage> for Tokens {
    fn from(u: &Usage) -> Self {
        Self {
            input: u.input,
            output: u.output,
            cache_read: u.cache_read,
            cache_write: u.cache_write,
            reasoning: u.reasoning,
        }
    }
}

impl Line<'_> {
    /// The line as JSON, without a line break. `None` cannot come from well-formed parts.
    pub fn to_json(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// Sets the counts and their status.
    pub fn set_usage(&mut self, usage: &Usage, status: UsageStatus) {
        self.usage = (!usage.is_empty()).then(|| usage.into());
        self.usage_status = Some(status.as_str());
    }
}

/// JSON text on one line; what is no JSON becomes a string.
pub fn one_line(text: &str) -> Option<Box<RawValue>> {
    if text.contains(['\n', '\r']) {
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        return serde_json::value::to_raw_value(&value).ok();
    }
    RawValue::from_string(text.to_owned()).or_else(|_| serde_json::value::to_raw_value(text)).ok()
}

// serde asks for a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn rfc3339<S: Serializer>(ns: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_nanos(*ns)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_things_are_left_out() {
        let line = Line {
            time: 1_750_000_000_123_000_000,
            request_id: "r",
            client_dialect: "anthropic",
            method: "POST",
            path: "/v1/messages",
            status: 401,
            ..Line::default()
        };
        assert_eq!(
            line.to_json().unwrap(),
            r#"{"time":"2025-06-15T15:06:40.123Z","request_id":"r","client_dialect":"anthropic","method":"POST","path":"/v1/messages","stream":false,"status":401,"duration_ms":0}"#
        );
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(one_line(r#"{"a": 1}"#).unwrap().get(), r#"{"a": 1}"#);
        assert_eq!(one_line("{\n\"a\": 1\n}").unwrap().get(), r#"{"a":1}"#);
        assert_eq!(one_line("no\njson").unwrap().get(), r#""no\njson""#);
        assert_eq!(one_line("no json").unwrap().get(), r#""no json""#);
    }
}
