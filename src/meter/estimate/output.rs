//! The most that a request lets a model answer.

use crate::wire::json::{Body, sketch};
use std::borrow::Cow;

/// Fields that limit the output, in tokens, in the dialects; those within an object stand behind its name.
const TOP: [&str; 4] = ["max_tokens", "max_completion_tokens", "max_output_tokens", "max_tokens_to_sample"];
const WITHIN: [(&str, &[&str]); 4] = [
    ("generationConfig", &["maxOutputTokens", "max_output_tokens"]),
    ("generation_config", &["maxOutputTokens", "max_output_tokens"]),
    ("inferenceConfig", &["maxTokens"]),
    ("options", &["num_predict"]),
];

/// Fields that say how many answers are wanted; of `best_of` the provider makes all, and shows `n`.
const ANSWERS: [&str; 2] = ["n", "best_of"];
/// The same within [`WITHIN`]'s `generationConfig`.
const ANSWERS_WITHIN: [&str; 2] = ["candidateCount", "candidate_count"];

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
        } else if ANSWERS.contains(&key) {
            *answers = (*answers).max(number(member.value).unwrap_or(1));
        } else if let Some((_, names)) = WITHIN.iter().find(|(outer, _)| *outer == key)
            && let Ok(inner) = sketch(member.value)
        {
            for inner in &inner.fields {
                if names.contains(&&*inner.key) {
                    *limit = (*limit).max(number(inner.value));
                } else if ANSWERS_WITHIN.contains(&&*inner.key) {
                    *answers = (*answers).max(number(inner.value).unwrap_or(1));
                }
            }
        }
    }
    asked
}

/// A number, however it is written: providers read `1e6`, `5.0` and `"5"` as well. What is negative, as in Ollama, sets no
/// limit, and what is beyond all numbers is the largest.
fn number(json: &[u8]) -> Option<u64> {
    let json = std::str::from_utf8(json).ok()?.trim();
    if let Ok(whole) = json.parse() {
        return Some(whole);
    }
    let text = if json.starts_with('"') {
        Cow::Owned(serde_json::from_str::<String>(json).ok()?)
    } else {
        Cow::Borrowed(json)
    };
    // Python reads digits that are grouped, and Rust reads `inf`.
    let text = text.trim().replace('_', "");
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let number: f64 = text.parse().ok().filter(|_| is_number)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is positive, and saturates"
    )]
    (number >= 0.0).then(|| number.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::asked_output;

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
            (r#"{"max_tokens":1e6}"#, Some(1_000_000)),
            (r#"{"max_tokens": 5.0}"#, Some(5)),
            (r#"{"max_tokens":4.2}"#, Some(5)),
            (r#"{"max_tokens":" 5 "}"#, Some(5)),
            (r#"{"max_tokens":"\u0031_000"}"#, Some(1000)),
            (r#"{"max_tokens":99999999999999999999}"#, Some(u64::MAX)),
            (r#"{"max_tokens":1e999}"#, Some(u64::MAX)),
            (r#"{"max_tokens":"inf"}"#, None),
            (r#"{"max_tokens":"-3"}"#, None),
            (r#"{"max_tokens":""}"#, None),
            (r#"{"max_tokens":[3]}"#, None),
            (r#"{"generation_config":{"max_output_tokens":"9"}}"#, Some(9)),
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
        for (body, answers) in [
            (r#"{"n":"128"}"#, 128),
            (r#"{"n":2,"best_of":5}"#, 5),
            (r#"{"generationConfig":{"candidateCount":4}}"#, 4),
            (r#"{"generation_config":{"candidate_count":4.0}}"#, 4),
            (r#"{"n":0}"#, 1),
            (r#"{"n":-2}"#, 1),
        ] {
            assert_eq!(asked_output(&body.as_bytes().to_vec().into()).answers, answers, "{body}");
        }
    }
}
