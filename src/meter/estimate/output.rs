//! The most that a request lets a model answer.

use crate::wire::json::{Body, sketch};

/// Fields that limit the output, in tokens, in the dialects; those within an object stand behind its name.
const TOP: [&str; 4] = ["max_tokens", "max_completion_tokens", "max_output_tokens", "max_tokens_to_sample"];
const WITHIN: [(&str, &[&str]); 3] = [
    ("generationConfig", &["maxOutputTokens", "max_output_tokens"]),
    ("inferenceConfig", &["maxTokens"]),
    ("options", &["num_predict"]),
];

/// How much answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedOutput {
    /// The limit of one answer, in tokens; `None`: the request sets none.
    pub limit: Option<u64>,
    /// How many answers.
    pub answers: u64,
}

impl AskedOutput {
    /// The tokens of all answers together, each of at most so many where the request sets no limit.
    pub fn or(self, usual: u64) -> u64 {
        self.at_most(self.limit.unwrap_or(usual))
    }

    /// The tokens of all answers together, each of at most so many.
    pub fn at_most(self, limit: u64) -> u64 {
        limit.saturating_mul(self.answers)
    }
}

/// What a body of any dialect asks for. The largest limit, where there are several: only the provider knows which of them
/// it reads.
pub fn asked_output(body: &Body) -> AskedOutput {
    let mut asked = AskedOutput { limit: None, answers: 1 };
    let Ok(top) = body.sketch() else { return asked };
    let AskedOutput { limit, answers } = &mut asked;
    for member in &top.fields {
        let key = &*member.key;
        if TOP.contains(&key) {
            *limit = (*limit).max(number(member.value));
        } else if key == "n" {
            *answers = number(member.value).unwrap_or(1).max(1);
        } else if let Some((_, names)) = WITHIN.iter().find(|(outer, _)| *outer == key)
            && let Ok(inner) = sketch(member.value)
        {
            let inner = inner.fields.iter().rev().find(|inner| names.contains(&&*inner.key));
            *limit = (*limit).max(inner.and_then(|inner| number(inner.value)));
        }
    }
    asked
}

/// A whole number; what is negative, as in Ollama, sets no limit.
fn number(json: &[u8]) -> Option<u64> {
    std::str::from_utf8(json).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::asked_output;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn limits_of_all_dialects() {
        for (body, limit) in [
            (r#"{"model":"m","max_tokens":12}"#, Some(12)),
            (r#"{"max_completion_tokens":12,"max_tokens":7}"#, Some(12)),
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
            assert_eq!(asked_output(&body.as_bytes().to_vec().into()).limit, limit, "{body}");
        }
    }

    #[test]
    fn every_answer_may_be_so_long() {
        let asked = asked_output(&br#"{"max_tokens":12,"n":3}"#.to_vec().into());
        assert_eq!((asked.or(100), asked.at_most(5)), (36, 15));
        let asked = asked_output(&br#"{"n":3}"#.to_vec().into());
        assert_eq!((asked.limit, asked.or(100)), (None, 300));
    }
}
