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

/// The tokens of log probabilities as OpenAI shapes them.
fn tokens(json: &str) -> Option<Vec<Token<'_>>> {
    parse_raw(members(json.as_bytes()).ok()?.get("content")?.value).ok()
}

/// Writes the `logprobs` of a whole answer, an item for each token, given them as OpenAI shapes them.
pub(super) fn write(json: &str, o: &mut Object<'_>) {
    let Some(tokens) = tokens(json) else { return };
    array(o.key("logprobs"), |list| {
        tokens.chunks(1).for_each(|token| list.object(|item| write_item(token, item)));
    });
}

/// Writes the `logprobs` of an event of a stream: one item, with all tokens of its text.
pub(super) fn write_event(json: &str, o: &mut Object<'_>) {
    if let Some(tokens) = tokens(json).filter(|tokens| !tokens.is_empty()) {
        o.object("logprobs", |item| write_item(&tokens, item));
    }
}

/// Writes a piece of text with the probability of each token; their ids nobody but the model's maker knows.
fn write_item(tokens: &[Token<'_>], item: &mut Object<'_>) {
    let mut text = Text::default();
    tokens.iter().filter_map(|token| token.token.as_ref()).for_each(|token| text.push(token));
    item.text("text", &text);
    item.array("token_ids", |_| ());
    item.array("logprobs", |list| {
        for token in tokens {
            write_f64(list.item(), token.logprob.unwrap_or(0.0));
        }
    });
}
