//! Requests of Ollama's clients that ask for nothing: its server loads the model for them, or lets it go. `ollama run`
//! begins with one, and so do many others. Where no model is to be loaded there is nothing to wait for.

use super::Dialect;
use super::date::rfc3339;
use crate::wire::json::{Text, object, parse, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// What a request of either endpoint may ask.
    light struct Asked<'a> {
        messages: Vec<&'a RawValue> = "messages",
        prompt: Text<'a> = "prompt",
        images: Vec<&'a RawValue> = "images",
        keep_alive: &'a RawValue = "keep_alive",
    }
}

/// The answer to a request that asks for nothing, at a time in seconds since 1970; `None`: it asks for something, or it is
/// not of Ollama's.
pub fn answer(client: Dialect, body: &[u8], model: &str, now: u64) -> Option<Vec<u8>> {
    let asked: Asked<'_> = parse(body).ok()?;
    let says_nothing = match client {
        Dialect::Ollama => asked.messages.unwrap_or_default().is_empty(),
        Dialect::OllamaGenerate => {
            asked.prompt.unwrap_or_default().is_empty() && asked.images.unwrap_or_default().is_empty()
        }
        _ => false,
    };
    if !says_nothing {
        return None;
    }
    let mut out = Vec::new();
    object(&mut out, |answer| {
        answer.str("model", model);
        answer.str("created_at", &rfc3339(now));
        if client == Dialect::Ollama {
            answer.object("message", |message| {
                message.word("role", "assistant");
                message.word("content", "");
            });
        } else {
            answer.word("response", "");
        }
        answer.bool("done", true);
        answer.word("done_reason", if asked.keep_alive.is_some_and(is_zero) { "unload" } else { "load" });
    });
    Some(out)
}

/// No time at all, as a number of seconds or in words (`"0s"`).
fn is_zero(keep_alive: &RawValue) -> bool {
    let said = keep_alive.get().trim_matches('"').trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    said.parse::<f64>().is_ok_and(|time| time == 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn said(client: Dialect, body: &Value) -> Option<Value> {
        let answer = answer(client, body.to_string().as_bytes(), "smart", 0)?;
        Some(serde_json::from_slice(&answer).unwrap())
    }

    #[test]
    fn nothing_asked_is_done_at_once() {
        let loaded = json!({"model": "smart", "created_at": "1970-01-01T00:00:00Z", "response": "", "done": true,
                            "done_reason": "load"});
        for body in [json!({"model": "smart"}), json!({"prompt": "", "keep_alive": "5m", "stream": true})] {
            assert_eq!(said(Dialect::OllamaGenerate, &body).unwrap(), loaded);
        }
        let chat = said(Dialect::Ollama, &json!({"messages": [], "keep_alive": 0})).unwrap();
        assert_eq!(chat["message"], json!({"role": "assistant", "content": ""}));
        for zero in [json!(0), json!("0"), json!("0s"), json!(0.0)] {
            let chat = said(Dialect::Ollama, &json!({"keep_alive": zero})).unwrap();
            assert_eq!(chat["done_reason"], "unload");
        }
        assert_eq!(said(Dialect::Ollama, &json!({"keep_alive": -1})).unwrap()["done_reason"], "load");
    }

    #[test]
    fn whoever_asks_something_is_not_answered_here() {
        assert_eq!(said(Dialect::Ollama, &json!({"messages": [{"role": "user", "content": ""}]})), None);
        assert_eq!(said(Dialect::OllamaGenerate, &json!({"prompt": "hi"})), None);
        assert_eq!(said(Dialect::OllamaGenerate, &json!({"images": ["aGk="]})), None);
        assert_eq!(said(Dialect::OpenaiChat, &json!({"messages": []})), None);
        assert_eq!(answer(Dialect::Ollama, b"{", "smart", 0), None);
    }
}
