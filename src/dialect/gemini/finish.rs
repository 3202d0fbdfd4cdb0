//! Why an answer ended, in Gemini's words.

use super::wire::word;
use crate::chat::{Extra, FinishReason};
use serde_json::value::RawValue;

/// The hub's reason for a finish reason, which is a word or, from some servers, the number of it.
pub(super) fn finish_reason(raw: &RawValue) -> FinishReason {
    match &*word(raw) {
        "STOP" | "1" => FinishReason::Stop,
        "MAX_TOKENS" | "2" => FinishReason::Length,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "MODEL_ARMOR"
        | "ESCALATION"
        | "3"
        | "4"
        | "7"
        | "8"
        | "9" => FinishReason::ContentFilter,
        _ => FinishReason::Unknown,
    }
}

/// Longest message about an end that is told, in characters: it may hold all of a call that went wrong.
const LONGEST_MESSAGE: usize = 200;

/// An end in Gemini's own words: the reason, and the message beside it.
pub(super) fn unexplained(reason: &RawValue, beside: &Extra<'_>) -> String {
    let message = beside.iter().find(|(name, _)| name == "finishMessage");
    let message: String = message.map_or("", |(_, raw)| raw.get()).chars().take(LONGEST_MESSAGE).collect();
    format!("finishReason {} {message}", word(reason)).trim_end().to_owned()
}

/// Gemini's word for a reason. It has none for calls: they end with `STOP`.
pub(super) fn finish_word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::StopSequence | FinishReason::ToolCalls | FinishReason::Pause => {
            "STOP"
        }
        FinishReason::Length | FinishReason::ContextWindow => "MAX_TOKENS",
        FinishReason::ContentFilter | FinishReason::Refusal => "SAFETY",
        FinishReason::Unknown => "OTHER",
    }
}

/// The reason that fits what was said: Gemini ends calls with a plain stop, and those it finds fault with (of a function
/// that was not declared) with a word of its own.
pub(super) fn settled(reason: FinishReason, has_call: bool) -> FinishReason {
    match reason {
        FinishReason::Stop | FinishReason::Unknown if has_call => FinishReason::ToolCalls,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers() {
        for (json, openai) in [
            ("\"STOP\"", "stop"),
            ("1", "stop"),
            ("\"MAX_TOKENS\"", "length"),
            ("\"SAFETY\"", "content_filter"),
            ("\"RECITATION\"", "content_filter"),
            ("\"MALFORMED_FUNCTION_CALL\"", "stop"),
            ("\"A_NEW_ONE\"", "stop"),
            ("{}", "stop"),
        ] {
            let raw = RawValue::from_string(json.to_owned()).unwrap();
            assert_eq!(finish_reason(&raw).as_openai(), openai, "{json}");
        }
        assert_eq!(settled(FinishReason::Stop, true), FinishReason::ToolCalls);
        assert_eq!(settled(FinishReason::Length, true), FinishReason::Length);
    }
}
