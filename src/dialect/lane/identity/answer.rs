//! An answer that arrived whole and goes on as it came.

use super::{anthropic, openai_chat};
use crate::chat::{Failure, Losses};
use crate::dialect::lane::answer::report;
use crate::dialect::lane::{Answer, AnswerPlan};
use crate::dialect::{Dialect, codec};

/// Looks at an answer.
///
/// # Errors
/// 502 when it is empty, malformed, or no answer at all; what it says when it is an error in a 200.
pub fn answer(plan: &AnswerPlan, body: &[u8]) -> Result<Answer, Failure> {
    let report = match plan.provider {
        Dialect::OpenaiChat | Dialect::OpenaiCompletions => openai_chat::answer(body)?,
        Dialect::Anthropic => anthropic::answer(body)?,
        other => report(&codec::decode_response(other, body)?, Losses::default()),
    };
    Ok(Answer { body: None, report })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::lane::Report;

    fn look(dialect: Dialect, body: &str) -> Result<Report, Failure> {
        answer(&AnswerPlan::new(dialect, dialect, false, false), body.as_bytes()).map(|answer| {
            assert_eq!(answer.body, None);
            answer.report
        })
    }

    #[test]
    fn openai() {
        let report = look(
            Dialect::OpenaiChat,
            r#"{"model":"m","error":null,"choices":[{"finish_reason":"tool_calls","message":{"content":"hi"}}],
            "usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,
            "prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":1}}}"#,
        )
        .unwrap();
        assert_eq!((report.usage.cache_read, report.usage.reasoning), (Some(2), Some(1)));
        assert_eq!((report.usage.input, report.usage.output), (Some(3), Some(4)));
        assert_eq!((report.finish, report.model.as_deref()), (Some("tool_calls"), Some("m")));
        assert!(report.usage_is_final);
    }

    #[test]
    fn anthropic() {
        let report = look(
            Dialect::Anthropic,
            r#"{"type":"message","model":"c","content":[],"stop_reason":"max_tokens",
            "usage":{"input_tokens":3,"cache_read_input_tokens":5,"output_tokens":4,
            "output_tokens_details":{"thinking_tokens":2}}}"#,
        )
        .unwrap();
        assert_eq!(report.usage.reasoning, Some(2));
        assert_eq!(
            (report.usage.input, report.usage.cache_read, report.usage.output),
            (Some(8), Some(5), Some(4))
        );
        assert_eq!((report.finish, report.model.as_deref()), (Some("length"), Some("c")));
    }

    #[test]
    fn a_200_that_is_no_answer_is_a_failure() {
        for (dialect, body, status) in [
            (Dialect::OpenaiChat, "", 502),
            (Dialect::OpenaiChat, "<html>", 502),
            (Dialect::OpenaiChat, "{}", 502),
            (Dialect::OpenaiChat, r#"{"choices":[]}"#, 502),
            (Dialect::OpenaiChat, r#"{"choices":[{}]"#, 502),
            (Dialect::OpenaiChat, r#"{"error":{"message":"x","code":429}}"#, 429),
            (Dialect::Anthropic, " ", 502),
            (Dialect::Anthropic, r#"{"type":"message"}"#, 502),
            (
                Dialect::Anthropic,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#,
                529,
            ),
        ] {
            assert_eq!(look(dialect, body).unwrap_err().status, status, "{body}");
        }
    }
}
