//! Log probabilities: three lists side by side here, a list of tokens in the hub (which has OpenAI's chat shape).

use crate::chat::Json;
use crate::wire::json::{Object, Text, object, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// `logprobs` of a text completion.
    struct Lists<'a> {
        tokens: Vec<Text<'a>> = "tokens",
        token_logprobs: Vec<&'a RawValue> = "token_logprobs",
        top_logprobs: Vec<Option<Alternatives<'a>>> = "top_logprobs",
    }
}

wire_object! {
    /// The likeliest tokens at one place, with their log probabilities.
    struct Alternatives<'a> {}
}

wire_object! {
    /// `logprobs` of a chat completion.
    light struct Tokens<'a> {
        content: Vec<Token<'a>> = "content",
    }
}

wire_object! {
    /// One token of it.
    light struct Token<'a> {
        token: Text<'a> = "token",
        logprob: &'a RawValue = "logprob",
        top_logprobs: Vec<Token<'a>> = "top_logprobs",
    }
}

/// A text completion's lists in the hub's shape, and the offsets beside them, which the hub has no place for. `None`
/// when they are no lists.
pub(super) fn to_hub(raw: &RawValue) -> Option<(Json<'static>, Option<&RawValue>)> {
    let lists: Lists<'_> = serde_json::from_str(raw.get()).ok()?;
    let tokens = lists.tokens?;
    let values = lists.token_logprobs.unwrap_or_default();
    let mut alternatives = lists.top_logprobs.unwrap_or_default().into_iter();
    let mut out = Vec::with_capacity(raw.get().len().saturating_mul(2));
    object(&mut out, |o| {
        o.array("content", |list| {
            for (index, token) in tokens.iter().enumerate() {
                list.object(|o| {
                    write_token(o, &token.to_str(), values.get(index).copied());
                    let around = alternatives.next().flatten();
                    o.array("top_logprobs", |list| {
                        for (token, value) in around.iter().flat_map(|around| &around.extra) {
                            list.object(|o| write_token(o, token, Some(value)));
                        }
                    });
                });
            }
        });
    });
    let offsets = lists.extra.into_iter().find(|(name, _)| name == "text_offset").map(|(_, value)| value);
    String::from_utf8(out).ok().map(|json| (Json::trusted(json), offsets))
}

fn write_token(o: &mut Object<'_>, token: &str, value: Option<&RawValue>) {
    o.str("token", token);
    match value {
        Some(value) => o.raw("logprob", value),
        None => o.null("logprob"),
    }
    o.null("bytes");
}

/// The hub's tokens as a text completion's lists, written as `logprobs`; `null` when there are none. `offset` is where
/// the first token stands in the text, in characters, and is moved past the last one; `offsets` are the provider's own,
/// where it gave any.
pub(super) fn write(
    o: &mut Object<'_>,
    json: Option<&Json<'_>>,
    offset: &mut u64,
    offsets: Option<&RawValue>,
) {
    let tokens = json.and_then(|json| serde_json::from_str::<Tokens<'_>>(json.as_str()).ok());
    let Some(tokens) = tokens.and_then(|tokens| tokens.content) else { return o.null("logprobs") };
    o.object("logprobs", |o| {
        match offsets {
            Some(offsets) => o.raw("text_offset", offsets),
            None => o.array("text_offset", |list| {
                for token in &tokens {
                    crate::wire::json::write_u64(list.item(), *offset);
                    let length = token.token.as_ref().map_or(0, |token| token.to_str().chars().count());
                    *offset = offset.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                }
            }),
        }
        o.array("token_logprobs", |list| tokens.iter().for_each(|token| write_value(list.item(), token)));
        o.array("tokens", |list| {
            for token in &tokens {
                list.text(&token.token.clone().unwrap_or_default());
            }
        });
        o.array("top_logprobs", |list| {
            for token in &tokens {
                let around = token.top_logprobs.as_deref().unwrap_or_default();
                if around.is_empty() {
                    list.item().extend_from_slice(b"null");
                    continue;
                }
                list.object(|o| {
                    for token in around {
                        write_value(o.key(&token.token.clone().unwrap_or_default().to_str()), token);
                    }
                });
            }
        });
    });
}

fn write_value(out: &mut Vec<u8>, token: &Token<'_>) {
    out.extend_from_slice(token.logprob.map_or("null", RawValue::get).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn back(json: Option<&Json<'_>>, offset: &mut u64, offsets: Option<&RawValue>) -> Value {
        let mut out = Vec::new();
        object(&mut out, |o| write(o, json, offset, offsets));
        serde_json::from_slice::<Value>(&out).unwrap()["logprobs"].take()
    }

    #[test]
    fn lists_become_tokens_and_lists_again() {
        let lists = json!({"text_offset":[12,14],"token_logprobs":[null,-0.5],"tokens":["h\u{e9}","\n"],
            "top_logprobs":[null,{"\n":-0.5," ":-1.25}]});
        let raw = RawValue::from_string(lists.to_string()).unwrap();
        let (hub, offsets) = to_hub(&raw).unwrap();
        let said: Value = serde_json::from_str(hub.as_str()).unwrap();
        assert_eq!(said["content"][1]["token"], "\n");
        assert_eq!(said["content"][1]["top_logprobs"].as_array().unwrap().len(), 2);
        assert_eq!(said["content"][0]["logprob"], Value::Null);
        assert_eq!(back(Some(&hub), &mut 0, offsets), lists);
        let mut offset = 3;
        assert_eq!(back(Some(&hub), &mut offset, None)["text_offset"], json!([3, 5]));
        assert_eq!(offset, 6);
    }

    #[test]
    fn nothing_stays_nothing() {
        assert_eq!(back(None, &mut 0, None), Value::Null);
        for json in ["null", "{}", "[]", "\"x\""] {
            let raw = RawValue::from_string(json.into()).unwrap();
            assert!(to_hub(&raw).is_none(), "{json}");
        }
    }
}
