//! Log probabilities: Cohere gives those of the tokens of each piece of text, OpenAI those of each token.

use crate::chat::Json;
use crate::wire::json::{Object, array, members, parse_raw, wire_object, write_f64};
use crate::wire::json::{Text, object};
use serde_json::value::RawValue;

wire_object! {
    /// A piece of text in Cohere's words.
    light struct Item<'a> {
        text: Text<'a> = "text",
        logprobs: Vec<f64> = "logprobs",
    }
}

wire_object! {
    /// A token in OpenAI's words.
    light struct Token<'a> {
        token: Text<'a> = "token",
        logprob: f64 = "logprob",
    }
}

/// The hub's form of a list of items, or of one. The probability of a piece is that of all its tokens.
pub(super) fn decode(raw: &RawValue) -> Option<Json<'static>> {
    let items: Vec<Item<'_>> = match raw.get().as_bytes().first() {
        Some(b'[') => parse_raw(raw).ok()?,
        _ => vec![parse_raw(raw).ok()?],
    };
    let mut out = Vec::new();
    object(&mut out, |o| {
        o.array("content", |list| {
            for item in &items {
                list.object(|token| {
                    token.text("token", &item.text.clone().unwrap_or_default());
                    let sum: f64 = item.logprobs.iter().flatten().sum();
                    write_f64(token.key("logprob"), sum);
                    token.null("bytes");
                    token.array("top_logprobs", |_| ());
                });
            }
        });
        o.null("refusal");
    });
    Some(Json::trusted(String::from_utf8(out).ok()?))
}

/// Writes `logprobs`, given them as OpenAI shapes them; ids of tokens nobody but the model's maker knows.
pub(super) fn write(json: &str, o: &mut Object<'_>) {
    let Ok(found) = members(json.as_bytes()) else { return };
    let content = found.get("content").and_then(|tokens| parse_raw::<Vec<Token<'_>>>(tokens.value).ok());
    let Some(tokens) = content else { return };
    array(o.key("logprobs"), |list| {
        for token in &tokens {
            list.object(|item| {
                item.text("text", &token.token.clone().unwrap_or_default());
                item.array("token_ids", |_| ());
                item.array("logprobs", |list| write_f64(list.item(), token.logprob.unwrap_or(0.0)));
            });
        }
    });
}
