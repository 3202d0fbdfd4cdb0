//! The facts of a request that rules speak of, and the model that the first rule that matches names.

use super::edge::Edge;
use super::headers::Headers;
use super::host::Host;
use crate::dialect::Call;
use crate::dialect::lane::{Features, features};
use crate::meter::estimate::{Tokenizer, from_body};
use crate::meter::metrics::Labels;
use crate::meter::stat::Stat;
use crate::policy::identity::Identity;
use crate::policy::keys::Holders;
use crate::policy::rules::Matched;
use crate::wire::json::Body;
use cel::Value;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

impl Edge {
    /// The model that the rules name for a request; `None` where no rule matches.
    pub(super) fn by_rule(
        &self,
        host: &impl Host,
        headers: &Headers,
        call: &Call,
        asked: &str,
        stream: bool,
        body: &Body,
    ) -> Option<Matched> {
        let rules = &self.tables.rules;
        if rules.is_empty() {
            return None;
        }
        let who = &self.record.identity;
        let seen: OnceCell<Features> = OnceCell::new();
        let seen = || seen.get_or_init(|| features(call, body));
        let fact = |name: &str| match name {
            "headers" => of_headers(headers, self.key_headers),
            "key" => of_key(who),
            "tenant" => text(who.tenant.as_ref()),
            "team" => text(who.team.as_ref()),
            "project" => text(who.project.as_ref()),
            "user" => text(who.user.as_ref()),
            "agent" => text(who.agent.as_ref()),
            "model" => asked.into(),
            "dialect" => call.dialect.as_str().into(),
            "operation" => call.operation.as_str().into(),
            "stream" => Value::Bool(stream),
            "tools" => Value::Bool(seen().tools),
            "images" => Value::Bool(seen().images),
            "documents" => Value::Bool(seen().documents),
            "thinking" => Value::Bool(seen().thinking),
            "tokens" => number(from_body(body, Tokenizer::of_model(asked))),
            "max_tokens" => number(seen().max_tokens.unwrap_or(0)),
            _ => Value::Null,
        };
        let matched = rules.first(fact, |rule, why| {
            let class = [("class", &*rule.name)];
            let labels = Labels { model: "", provider: "", tenant: "" };
            self.worker.metrics.borrow_mut().add(host, Stat::RuleErrors, labels, &class, 1);
            if self.worker.warned.borrow_mut().insert(rule.name.to_string()) {
                log::warn!(
                    "tollgate: the rule `{}` could not be decided and does not match: {why}",
                    rule.name
                );
            }
        })?;
        Some(matched)
    }
}

fn text(value: Option<&Rc<str>>) -> Value {
    value.map_or("", |value| &**value).into()
}

fn number(value: u64) -> Value {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// The client's headers, those left out that hold a key. Of several values the first counts, as elsewhere.
fn of_headers(headers: &Headers, keys: Holders) -> Value {
    let mut map: HashMap<String, Value> = HashMap::with_capacity(headers.0.len());
    for (name, value) in headers.0.iter().filter(|(name, _)| !keys.has(name)) {
        map.entry(name.clone()).or_insert_with(|| value.as_str().into());
    }
    map.into()
}

fn of_key(who: &Identity) -> Value {
    let metadata = who.key.as_ref().map(|key| {
        let fields = key.metadata.iter().map(|(name, value)| (name.clone(), of_json(value, 0)));
        Value::from(fields.collect::<HashMap<String, Value>>())
    });
    let id = who.key_id().unwrap_or_default();
    let fields = [
        ("id", id.into()),
        ("tenant", text(who.tenant.as_ref())),
        ("team", text(who.team.as_ref())),
        ("project", text(who.project.as_ref())),
        ("metadata", metadata.unwrap_or_else(|| HashMap::<String, Value>::new().into())),
    ];
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect::<HashMap<String, Value>>()
        .into()
}

/// A value of a key's metadata. What is nested deeper than any that a person writes is nothing.
fn of_json(value: &serde_json::Value, depth: u8) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(value)) => Value::Float(value),
            (None, None) => Value::Null,
        },
        Json::String(text) => text.as_str().into(),
        _ if depth > 16 => Value::Null,
        Json::Array(items) => {
            items.iter().map(|item| of_json(item, depth + 1)).collect::<Vec<Value>>().into()
        }
        Json::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), of_json(value, depth + 1)));
            fields.collect::<HashMap<String, Value>>().into()
        }
    }
}
