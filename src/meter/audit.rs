//! The audit line: one JSON object a request, written to Envoy's access log.

use crate::chat::{Usage, UsageStatus};
use crate::dialect::date::rfc3339_millis;
use crate::dialect::lane::{AttemptNote, Warning};
use crate::meter::price::Cost;
use crate::wire::json::{Object, object};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;
use std::io::Write as _;

/// Bytes of a line without prompt and answer, mostly.
const USUAL_BYTES: usize = 768;

/// One line. What is not known is absent. Holds no secret: keys appear by their id, and prompts and answers only
/// when the configuration asks for them.
#[derive(Debug, Default)]
pub struct Line<'a> {
    /// When the request came, in nanoseconds since the epoch; written as RFC 3339 in UTC.
    pub time: u64,
    /// The proxy's id of the request.
    pub request_id: &'a str,
    /// Who pays.
    pub tenant: Option<&'a str>,
    /// The client key's id.
    pub key_id: Option<&'a str>,
    /// The team within the tenant.
    pub team: Option<&'a str>,
    /// The project within the team.
    pub project: Option<&'a str>,
    /// The person.
    pub user: Option<&'a str>,
    /// What kind of agent it said it was.
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
    pub model_asked: Option<&'a str>,
    /// The provider whose answer the client got, or the last one tried.
    pub provider: Option<&'a str>,
    /// That provider's model.
    pub model: Option<&'a str>,
    /// Status that the client got; 0 when it left before there was one.
    pub status: u16,
    /// What chose the first target: a rule of the configuration, a strategy, or both.
    pub routed_by: RoutedBy<'a>,
    /// Every try.
    pub attempts: &'a [AttemptNote],
    /// Token counts.
    pub usage: Option<Tokens>,
    /// How far they can be believed.
    pub usage_status: Option<&'static str>,
    /// The tokens of a request that was only to be counted; they were not used.
    pub counted: Option<u64>,
    /// What a rerank is billed by, where the provider says it.
    pub search_units: Option<u64>,
    /// Seconds of sound that were transcribed, where the answer says them.
    pub audio_seconds: Option<f64>,
    /// Cost in USD; absent when the price is not known.
    pub cost_usd: Option<Cost>,
    /// An answer that a content filter ended and another one took the place of; `cost_usd` has its cost in it, `usage` not.
    pub filtered: Option<FilteredNote<'a>>,
    /// Time to the first content of a stream, in milliseconds.
    pub ttft_ms: Option<u64>,
    /// Time to the end, in milliseconds.
    pub duration_ms: u64,
    /// Why the model stopped, in OpenAI's words.
    pub finish_reason: Option<&'static str>,
    /// What went wrong.
    pub error: Option<ErrorNote<'a>>,
    /// The rule that refused it, or that it waited for.
    pub limited_by: Option<&'a str>,
    /// How long it waited for a limit, in milliseconds.
    pub queued_ms: Option<u64>,
    /// Budgets that are spent, or nearly so.
    pub budgets: Vec<BudgetNote<'a>>,
    /// What could not be carried over as it was.
    pub warnings: &'a [Warning],
    /// The request body, when configured.
    pub prompt: Option<Box<RawValue>>,
    /// The answer as the client got it, or what a stream generated, when configured.
    pub answer: Option<Box<RawValue>>,
}

/// What chose a request's model and target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RoutedBy<'a> {
    /// The rule that named the model.
    pub rule: Option<&'a str>,
    /// What put the targets in order.
    pub strategy: Option<&'a str>,
    /// For which reason the request went on to a chain of its own.
    pub fallback: Option<&'a str>,
}

impl RoutedBy<'_> {
    fn is_empty(&self) -> bool {
        self.rule.is_none() && self.strategy.is_none() && self.fallback.is_none()
    }
}

/// Token counts of the line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// All input, cached included.
    pub input: Option<u64>,
    /// All output, reasoning included.
    pub output: Option<u64>,
    /// Input from the provider's cache.
    pub cache_read: Option<u64>,
    /// Input written to the cache.
    pub cache_write: Option<u64>,
    /// Reasoning part of the output.
    pub reasoning: Option<u64>,
}

/// An answer that nobody got.
#[derive(Debug, Clone)]
pub struct FilteredNote<'a> {
    /// Whose it was.
    pub provider: &'a str,
    /// That provider's model.
    pub model: &'a str,
    /// Its token counts.
    pub usage: Tokens,
    /// What it cost; absent when the price is not known.
    pub cost_usd: Option<Cost>,
}

/// A budget beyond its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorNote<'a> {
    /// `client_disconnect`, or the failure's kind.
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

impl Tokens {
    fn write(&self, line: &mut Object<'_>) {
        line.object("usage", |tokens| {
            number(tokens, "input", self.input);
            number(tokens, "output", self.output);
            number(tokens, "cache_read", self.cache_read);
            number(tokens, "cache_write", self.cache_write);
            number(tokens, "reasoning", self.reasoning);
        });
    }
}

impl Line<'_> {
    /// The line as JSON, without a line break.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(USUAL_BYTES);
        object(&mut out, |line| {
            self.write_request(line);
            self.write_answer(line);
        });
        out
    }

    /// What is known of the request, and who was asked.
    fn write_request(&self, line: &mut Object<'_>) {
        line.str("time", &rfc3339_millis(self.time / 1_000_000));
        line.str("request_id", self.request_id);
        for (key, value) in [
            ("tenant", self.tenant),
            ("key_id", self.key_id),
            ("team", self.team),
            ("project", self.project),
            ("user", self.user),
            ("agent", self.agent),
            ("client_dialect", Some(self.client_dialect)),
            ("method", Some(self.method)),
            ("path", Some(self.path)),
        ] {
            text(line, key, value);
        }
        line.bool("stream", self.stream);
        text(line, "model_asked", self.model_asked);
        text(line, "provider", self.provider);
        text(line, "model", self.model);
        line.u64("status", self.status.into());
        if !self.routed_by.is_empty() {
            line.object("routed_by", |by| {
                text(by, "rule", self.routed_by.rule);
                text(by, "strategy", self.routed_by.strategy);
                text(by, "fallback", self.routed_by.fallback);
            });
        }
        AttemptNote::write_all(self.attempts, line);
    }

    /// What came of it.
    fn write_answer(&self, line: &mut Object<'_>) {
        if let Some(usage) = &self.usage {
            usage.write(line);
        }
        text(line, "usage_status", self.usage_status);
        number(line, "counted", self.counted);
        number(line, "search_units", self.search_units);
        if let Some(seconds) = self.audio_seconds {
            line.f64("audio_seconds", seconds);
        }
        if let Some(cost) = self.cost_usd {
            displayed(line.key("cost_usd"), &cost.usd());
        }
        if let Some(filtered) = &self.filtered {
            line.object("filtered", |note| {
                note.str("provider", filtered.provider);
                note.str("model", filtered.model);
                filtered.usage.write(note);
                if let Some(cost) = filtered.cost_usd {
                    displayed(note.key("cost_usd"), &cost.usd());
                }
            });
        }
        number(line, "ttft_ms", self.ttft_ms);
        line.u64("duration_ms", self.duration_ms);
        text(line, "finish_reason", self.finish_reason);
        if let Some(error) = &self.error {
            line.object("error", |note| {
                note.str("type", error.r#type);
                note.str("message", error.message);
            });
        }
        text(line, "limited_by", self.limited_by);
        number(line, "queued_ms", self.queued_ms);
        if !self.budgets.is_empty() {
            line.array("budgets", |budgets| {
                for budget in &self.budgets {
                    budgets.object(|note| {
                        note.str("name", budget.name);
                        note.word("state", budget.state);
                        note.str("spent", &budget.spent);
                        note.str("limit", &budget.limit);
                    });
                }
            });
        }
        if !self.warnings.is_empty() {
            line.array("warnings", |warnings| self.warnings.iter().for_each(|warning| warnings.str(warning)));
        }
        for (key, content) in [("prompt", &self.prompt), ("answer", &self.answer)] {
            if let Some(content) = content {
                line.raw(key, content);
            }
        }
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

fn text(object: &mut Object<'_>, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        object.str(key, value);
    }
}

fn number(object: &mut Object<'_>, key: &str, value: Option<u64>) {
    if let Some(value) = value {
        object.u64(key, value);
    }
}

/// Appends a number.
fn displayed(out: &mut Vec<u8>, value: &impl fmt::Display) {
    // Cannot fail: a Vec takes every write.
    let _ = write!(out, "{value}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

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
            String::from_utf8(line.to_json()).unwrap(),
            r#"{"time":"2025-06-15T15:06:40.123Z","request_id":"r","client_dialect":"anthropic","method":"POST","path":"/v1/messages","stream":false,"status":401,"duration_ms":0}"#
        );
    }

    /// A line in which nothing is absent.
    fn whole_line(attempts: &[AttemptNote]) -> Vec<u8> {
        let text = Some("x");
        let tokens = Tokens {
            input: Some(5),
            output: Some(4),
            cache_read: Some(3),
            cache_write: Some(2),
            reasoning: Some(1),
        };
        Line {
            time: 1,
            request_id: "r",
            tenant: text,
            key_id: text,
            team: text,
            project: text,
            user: text,
            agent: text,
            client_dialect: "anthropic",
            method: "POST",
            path: "/v1/messages",
            stream: true,
            model_asked: text,
            provider: text,
            model: text,
            status: 200,
            routed_by: RoutedBy { rule: text, strategy: text, fallback: text },
            attempts,
            usage: Some(tokens),
            usage_status: text,
            counted: Some(1),
            search_units: Some(1),
            audio_seconds: Some(1.5),
            cost_usd: Some(Cost::default()),
            filtered: Some(FilteredNote {
                provider: "p",
                model: "m",
                usage: tokens,
                cost_usd: Some(Cost::default()),
            }),
            ttft_ms: Some(1),
            duration_ms: 2,
            finish_reason: text,
            error: Some(ErrorNote { r#type: "api", message: "m" }),
            limited_by: text,
            queued_ms: Some(1),
            budgets: vec![BudgetNote { name: "b", state: "soft", spent: "1".into(), limit: "2".into() }],
            warnings: &["w".into()],
            prompt: one_line("{}"),
            answer: one_line("{}"),
        }
        .to_json()
    }

    /// Every field as the documentation writes it: `usage.input`, `attempts[].ms`.
    fn fields(path: &str, value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) if !object.is_empty() => object.iter().for_each(|(key, value)| {
                let of = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                fields(&of, value, found);
            }),
            Value::Array(list) => list.iter().for_each(|item| fields(&format!("{path}[]"), item, found)),
            _ => drop(found.insert(path.to_owned())),
        }
    }

    #[test]
    fn the_documentation_has_every_field() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/envoy/README.md");
        let page = std::fs::read_to_string(page).unwrap();
        let (_, rows) = page.split_once("## The audit line").unwrap();
        let first_cells = rows.lines().filter_map(|row| row.strip_prefix("| ")?.split(" |").next());
        let mut documented: BTreeSet<String> =
            first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
        // What holds further fields has a row as well.
        let all = documented.clone();
        documented.retain(|field| !all.iter().any(|other| other.starts_with(&format!("{field}."))));
        let attempt = AttemptNote {
            provider: "p".into(),
            model: "m".into(),
            status: Some(500),
            reason: "status 500".into(),
            ms: 1,
        };
        let line = serde_json::from_slice(&whole_line(&[attempt])).unwrap();
        let mut written = BTreeSet::new();
        fields("", &line, &mut written);
        assert_eq!(written, documented);
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(one_line(r#"{"a": 1}"#).unwrap().get(), r#"{"a": 1}"#);
        assert_eq!(one_line("{\n\"a\": 1\n}").unwrap().get(), r#"{"a":1}"#);
        assert_eq!(one_line("no\njson").unwrap().get(), r#""no\njson""#);
        assert_eq!(one_line("no json").unwrap().get(), r#""no json""#);
    }
}
