//! The most that a request lets a model answer.

use crate::wire::json::{Body, sketch};

/// Fields that limit the output, in tokens, in the dialects; those within an object stand behind its name.
const TOP: [&str; 4] = ["max_tokens", "max_completion_tokens", "max_output_tokens", "max_tokens_to_sample"];
const WITHIN: [(&str, &[&str]); 3] = [
    ("generationConfig", &["maxOutputTokens", "max_output_tokens"]),
    ("inferenceConfig", &["maxTokens"]),
    ("options", &["num_predict"]),
];

/// The output limit that a body of any dialect sets, in tokens, for all of its answers together; `None` when it sets none.
/// The largest, where there are several: only the provider knows which of them it reads.
pub fn output_limit(body: &Body) -> Option<u64> {
    let top = body.sketch().ok()?;
    let mut limit = None;
    let mut answers = 1;
    for member in &top.fields {
        let key = &*member.key;
        if TOP.contains(&key) {
            limit = limit.max(number(member.value));
        } else if key == "n" {
            answers = number(member.value).unwrap_or(1).max(1);
        } else if let Some((_, names)) = WITHIN.iter().find(|(outer, _)| *outer == key)
            && let Ok(inner) = sketch(member.value)
        {
            let inner = inner.fields.iter().rev().find(|inner| names.contains(&&*inner.key));
            limit = limit.max(inner.and_then(|inner| number(inner.value)));
        }
    }
    limit.map(|limit: u64| limit.saturating_mul(answers))
}

/// A whole number; what is negative, as in Ollama, sets no limit.
fn number(json: &[u8]) -> Option<u64> {
    std::str::from_utf8(json).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::output_limit;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn limits_of_all_dialects() {
        for (body, limit) in [
            (r#"{"model":"m","max_tokens":12}"#, Some(12)),
            (r#"{"max_completion_tokens":12,"n":3}"#, Some(36)),
            (r#"{"max_output_tokens":7,"input":"max_tokens"}"#, Some(7)),
            (r#"{"generationConfig":{"temperature":1,"maxOutputTokens":9}}"#, Some(9)),
            (r#"{"inferenceConfig":{"maxTokens":5}}"#, Some(5)),
            (r#"{"options":{"num_predict":-1}}"#, None),
            (r#"{"options":{"num_predict":8}}"#, Some(8)),
            (r#"{"messages":[{"max_tokens":3}],"max_tokens":null}"#, None),
            (r#"{"max_tokens":"many"}"#, None),
            ("{}", None),
            ("no json", None),
        ] {
            assert_eq!(output_limit(&body.as_bytes().to_vec().into()), limit, "{body}");
        }
    }
}
