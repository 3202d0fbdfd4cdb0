//! Log probabilities: Gemini's two lists, and OpenAI's one, which is the hub's.

use super::wire::{LogprobsResult, Token};
use crate::chat::{Json, Text};
use crate::wire::json::{Array, Object, object, parse, parse_raw, wire_object};
use serde_json::value::RawValue;

/// `{"content":[{"token","logprob","bytes","top_logprobs"}],"refusal":null}`.
pub(super) fn to_openai(raw: &RawValue) -> Option<Json<'static>> {
    let result: LogprobsResult<'_> = parse_raw(raw).ok()?;
    let chosen = result.chosen.as_ref()?;
    let mut out = Vec::new();
    object(&mut out, |body| {
        body.array("content", |list| {
            for (at, token) in chosen.iter().enumerate() {
                let top = result.top.as_ref().and_then(|top| top.get(at));
                let top = top.and_then(|top| top.candidates.as_deref()).unwrap_or_default();
                list.object(|entry| {
                    write_token(token, entry);
                    entry.array("top_logprobs", |list| {
                        for token in top {
                            list.object(|entry| write_token(token, entry));
                        }
                    });
                });
            }
        });
        body.null("refusal");
    });
    String::from_utf8(out).ok().map(Json::trusted)
}

fn write_token(token: &Token<'_>, entry: &mut Object<'_>) {
    let text = token.token.clone().unwrap_or_default();
    entry.text("token", &text);
    entry.f64("logprob", token.logprob.unwrap_or(0.0));
    entry.array("bytes", |list| {
        for byte in text.to_str().bytes() {
            crate::wire::json::write_u64(list.item(), byte.into());
        }
    });
}

wire_object! {
    light struct OpenAi<'a> { content: Vec<Entry<'a>> = "content" }
}

wire_object! {
    light struct Entry<'a> {
        token: Text<'a> = "token",
        logprob: f64 = "logprob",
        top: Vec<Entry<'a>> = "top_logprobs",
    }
}

/// Writes `logprobsResult`; nothing when there is no token.
pub(super) fn write_gemini(json: &Json<'_>, candidate: &mut Object<'_>) {
    let Ok(read) = parse::<OpenAi<'_>>(json.as_str().as_bytes()) else { return };
    let Some(content) = read.content.filter(|content| !content.is_empty()) else { return };
    candidate.object("logprobsResult", |result| {
        result.array("chosenCandidates", |list| write_entries(&content, list));
        if content.iter().any(|entry| entry.top.as_ref().is_some_and(|top| !top.is_empty())) {
            result.array("topCandidates", |list| {
                for entry in &content {
                    let top = entry.top.as_deref().unwrap_or_default();
                    list.object(|o| o.array("candidates", |list| write_entries(top, list)));
                }
            });
        }
    });
}

fn write_entries(entries: &[Entry<'_>], list: &mut Array<'_>) {
    for entry in entries {
        list.object(|o| {
            o.text("token", &entry.token.clone().unwrap_or_default());
            o.f64("logProbability", entry.logprob.unwrap_or(0.0));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let gemini = r#"{"chosenCandidates":[{"token":"é","logProbability":-0.5}],"topCandidates":[{"candidates":[{"token":"é","logProbability":-0.5},{"token":"x","logProbability":-2.0}]}]}"#;
        let openai = to_openai(serde_json::from_str(gemini).unwrap()).unwrap();
        assert_eq!(
            openai.as_str(),
            r#"{"content":[{"token":"é","logprob":-0.5,"bytes":[195,169],"top_logprobs":[{"token":"é","logprob":-0.5,"bytes":[195,169]},{"token":"x","logprob":-2.0,"bytes":[120]}]}],"refusal":null}"#
        );
        let mut out = Vec::new();
        object(&mut out, |o| write_gemini(&openai, o));
        assert_eq!(String::from_utf8(out).unwrap(), format!("{{\"logprobsResult\":{gemini}}}"));
    }
}
