//! A target's own fields in the words of the dialect that is asked.

use super::Setting;
use super::place::{Place, place};
use crate::dialect::Dialect;
use crate::dialect::lane::{Ask, Warning};
use crate::wire::json::sketch;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What a target asks, each setting where the dialect has it.
#[derive(Debug)]
pub(in crate::dialect::lane) struct Fitted<'c> {
    params: Vec<(Box<str>, Box<RawValue>)>,
    settings: Vec<(&'static str, &'static str, Cow<'c, RawValue>)>,
    max_tokens: Option<u64>,
    /// What the dialect has no place for.
    pub(in crate::dialect::lane) warnings: Vec<Warning>,
}

impl<'c> Fitted<'c> {
    /// `None`: all of it stands where the dialect has it.
    pub(in crate::dialect::lane) fn of(ask: &Ask<'c>, dialect: Dialect) -> Option<Self> {
        if ask.params.iter().all(|(name, _)| place(dialect, name).is_none()) {
            return None;
        }
        let mut fitted =
            Self { params: Vec::new(), settings: Vec::new(), max_tokens: None, warnings: Vec::new() };
        for (name, value) in ask.params {
            let Some(place) = place(dialect, name) else {
                fitted.params.push((name.clone(), value.clone()));
                continue;
            };
            if fitted.put(place, value, ask).is_none() {
                let dialect = dialect.as_str();
                fitted
                    .warnings
                    .push(format!("params.{name} of the target dropped: {dialect} has no place for it"));
            }
        }
        Some(fitted)
    }

    /// Puts one setting in its place, unless the target says in the dialect's own words what stands there. `None`:
    /// there is no place.
    fn put(&mut self, place: Place, value: &'c RawValue, ask: &Ask<'c>) -> Option<()> {
        let own = |name: &str| ask.params.iter().find(|(known, _)| **known == *name).map(|(_, own)| &**own);
        match place {
            Place::Field(name) | Place::List(name) => {
                let value = if matches!(place, Place::List(_)) { list(value)? } else { Cow::Borrowed(value) };
                if own(name).is_none() {
                    self.params.push((name.into(), value.into_owned()));
                }
            }
            Place::Within(object, name) | Place::ListWithin(object, name) => {
                let value =
                    if matches!(place, Place::ListWithin(..)) { list(value)? } else { Cow::Borrowed(value) };
                let said = own(object).and_then(|object| sketch(object.get().as_bytes()).ok());
                if said.is_none_or(|said| said.get(name).is_none()) {
                    self.settings.push((object, name, value));
                }
            }
            Place::Limit => self.max_tokens = Some(value.get().parse().ok()?),
            Place::Nowhere => return None,
        }
        Some(())
    }

    /// The settings that have their place within an object.
    pub(in crate::dialect::lane) fn settings(&self) -> Vec<Setting<'_>> {
        self.settings.iter().map(|(object, name, value)| Setting { object, name, value }).collect()
    }

    /// What the target asks, with each setting in its place.
    pub(in crate::dialect::lane) fn ask<'f>(&'f self, ask: &Ask<'f>, settings: &'f [Setting<'f>]) -> Ask<'f> {
        Ask { params: &self.params, settings, max_tokens: ask.max_tokens.or(self.max_tokens), ..*ask }
    }
}

/// One text as the list of it; a list as it is.
fn list(value: &RawValue) -> Option<Cow<'_, RawValue>> {
    if !value.get().starts_with('"') {
        return Some(Cow::Borrowed(value));
    }
    RawValue::from_string(format!("[{}]", value.get())).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use crate::dialect::lane::{Ask, Edit, request};
    use crate::dialect::{Call, Dialect};
    use crate::provider::Quirks;
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    /// What an OpenAI client's request, or one of the provider's own dialect, becomes.
    fn sent(client: Dialect, provider: Dialect, params: &Value, body: &Value) -> (Value, Vec<String>) {
        let raw = |value: &Value| RawValue::from_string(value.to_string()).unwrap();
        let params = params.as_object().unwrap().iter();
        let params: Vec<_> = params.map(|(name, value)| (name.as_str().into(), raw(value))).collect();
        let quirks = Quirks::default();
        let ask = Ask { params: &params, ..Ask::new("m", &quirks) };
        let body = body.to_string().into_bytes();
        let out = request(&Call::chat(client), provider, &body, &ask).unwrap();
        let sent = match out.edit {
            Edit::Keep => body,
            Edit::Prefix { drop, insert } => [&insert, &body[drop..]].concat(),
            Edit::Replace(sent) => sent,
        };
        (serde_json::from_slice(&sent).unwrap(), out.warnings)
    }

    #[test]
    fn openais_words_stand_where_each_dialect_has_them() {
        let params = json!({"temperature": 0.1, "top_p": 0.2, "max_tokens": 64, "stop": "END", "x": 1});
        let asked = json!({"model": "a", "temperature": 1, "max_tokens": 9,
            "messages": [{"role": "user", "content": "q"}]});
        let message = json!([{"role": "user", "content": "q"}]);
        for (provider, expected) in [
            (
                Dialect::OpenaiChat,
                json!({"model": "m", "messages": message, "temperature": 0.1, "top_p": 0.2,
                    "max_completion_tokens": 64, "stop": "END", "x": 1}),
            ),
            (
                Dialect::Ollama,
                json!({"model": "m", "messages": message, "stream": false, "x": 1,
                    "options": {"temperature": 0.1, "top_p": 0.2, "num_predict": 64, "stop": ["END"]}}),
            ),
            (
                Dialect::Cohere,
                json!({"model": "m", "messages": message, "temperature": 0.1, "p": 0.2, "max_tokens": 64,
                    "stop_sequences": ["END"], "x": 1}),
            ),
            (
                Dialect::Gemini,
                json!({"contents": [{"role": "user", "parts": [{"text": "q"}]}], "x": 1,
                    "generationConfig": {"temperature": 0.1, "topP": 0.2, "maxOutputTokens": 64,
                        "stopSequences": ["END"]}}),
            ),
            (
                Dialect::Bedrock,
                json!({"messages": [{"role": "user", "content": [{"text": "q"}]}], "x": 1,
                    "inferenceConfig": {"temperature": 0.1, "topP": 0.2, "maxTokens": 64,
                        "stopSequences": ["END"]}}),
            ),
            (
                Dialect::Anthropic,
                json!({"model": "m", "max_tokens": 64, "temperature": 0.1, "top_p": 0.2,
                    "stop_sequences": ["END"], "x": 1,
                    "messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}]}),
            ),
        ] {
            let (sent, warnings) = sent(Dialect::OpenaiChat, provider, &params, &asked);
            assert_eq!((sent, warnings), (expected, vec![]), "{provider:?}");
        }
    }

    #[test]
    fn a_client_of_the_providers_dialect_keeps_the_rest_of_an_object() {
        let params = json!({"reasoning_effort": "low", "verbosity": "high", "max_tokens": 64, "n": 2});
        let asked = json!({"model": "a", "input": "q", "reasoning": {"effort": "high", "summary": "auto"},
            "text": {"format": {"type": "json_object"}}});
        let (responses, warnings) = sent(Dialect::OpenaiResponses, Dialect::OpenaiResponses, &params, &asked);
        assert_eq!(
            responses,
            json!({"model": "m", "input": "q", "reasoning": {"effort": "low", "summary": "auto"},
                "text": {"format": {"type": "json_object"}, "verbosity": "high"}, "max_output_tokens": 64})
        );
        assert_eq!(warnings, ["params.n of the target dropped: openai_responses has no place for it"]);

        let asked = json!({"model": "a", "messages": [{"role": "user", "content": "q"}],
            "reasoning_effort": "high", "max_tokens": 20});
        let (responses, _) = sent(Dialect::OpenaiChat, Dialect::OpenaiResponses, &params, &asked);
        assert_eq!(
            (&responses["reasoning"], &responses["text"], &responses["max_output_tokens"]),
            (&json!({"effort": "low"}), &json!({"verbosity": "high"}), &json!(64))
        );

        let params = json!({"temperature": 0.1, "num_ctx": 8192, "reasoning_effort": "low"});
        let asked = json!({"model": "a", "messages": [], "options": {"temperature": 1.0, "mirostat": 1}});
        let (ollama, warnings) = sent(Dialect::Ollama, Dialect::Ollama, &params, &asked);
        assert_eq!(ollama["options"], json!({"temperature": 0.1, "mirostat": 1, "num_ctx": 8192}));
        assert_eq!(warnings, ["params.reasoning_effort of the target dropped: ollama has no place for it"]);
    }

    #[test]
    fn the_dialects_own_words_win() {
        let asked = json!({"model": "a", "max_tokens": 9, "messages": [{"role": "user", "content": "q"}]});
        let params = json!({"stop": ["A"], "stop_sequences": ["B"]});
        let (anthropic, _) = sent(Dialect::Anthropic, Dialect::Anthropic, &params, &asked);
        assert_eq!(anthropic["stop_sequences"], json!(["B"]));
        let params = json!({"temperature": 0.1, "seed": 3, "options": {"temperature": 0.5}});
        let (ollama, _) = sent(Dialect::OpenaiChat, Dialect::Ollama, &params, &asked);
        assert_eq!(ollama["options"], json!({"temperature": 0.5, "seed": 3, "num_predict": 9}));
    }
}
