//! Refusals that another target may not share: the request is too long for this model, or this provider's content policy
//! forbids it.

use crate::chat::Failure;
use serde::Serialize;

/// Why a chain of its own is worth a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The request does not fit into the model's context.
    ContextWindow,
    /// The provider will not have its content.
    ContentPolicy,
}

impl Reason {
    /// The word used in the configuration, the audit line and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContextWindow => "context_window",
            Self::ContentPolicy => "content_policy",
        }
    }

    /// What a provider's refusal means, by its code or else by its words. Each provider has its own; few have a code.
    pub fn of(failure: &Failure) -> Option<Self> {
        if !matches!(failure.status, 400 | 403 | 413 | 422) {
            return None;
        }
        let code = failure.code.as_deref().unwrap_or_default();
        let message = failure.message.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
        if CONTEXT_CODES.contains(&code) || says(CONTEXT_WORDS) {
            Some(Self::ContextWindow)
        } else if CONTENT_CODES.contains(&code) || says(CONTENT_WORDS) {
            Some(Self::ContentPolicy)
        } else {
            None
        }
    }
}

const CONTEXT_CODES: &[&str] =
    &["context_length_exceeded", "exceed_context_size_error", "context_window_exceeded"];

/// In lower case.
const CONTEXT_WORDS: &[&str] = &[
    // OpenAI, Azure, vLLM, DeepSeek, Together: "This model's maximum context length is 8192 tokens."
    "maximum context length",
    "context_length_exceeded",
    // Anthropic: "prompt is too long: 210000 tokens > 200000 maximum",
    // "input length and `max_tokens` exceed context limit".
    "prompt is too long",
    "exceed context limit",
    // Gemini: "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
    "exceeds the maximum number of tokens allowed",
    // Bedrock: "Input is too long for requested model."
    "input is too long",
    "too many input tokens",
    // Cohere: "too many tokens: size limit exceeded by 11 tokens."
    "too many tokens: ",
    // xAI: "This model's maximum prompt length is 131072".
    "maximum prompt length",
    // Groq: "Please reduce the length of the messages or completion."
    "reduce the length of the messages",
    // Mistral: "Prompt contains 40000 tokens … too large for model with 32768 maximum context length".
    "too large for model with",
    // llama.cpp: "the request exceeds the available context size".
    "exceeds the available context size",
    "exceeds the context window",
    "context window exceeded",
    "longer than the model's context length",
];

const CONTENT_CODES: &[&str] = &[
    "content_filter",
    "content_policy_violation",
    "content_policy",
    "ResponsibleAIPolicyViolation",
    "moderation_blocked",
    "data_inspection_failed",
    // OpenAI's reasoning models.
    "invalid_prompt",
];

/// In lower case.
const CONTENT_WORDS: &[&str] = &[
    // Azure: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
    "content management policy",
    "content_policy_violation",
    "content_filter",
    // OpenAI: "Your request was rejected as a result of our safety system."
    "our safety system",
    "violating our usage policy",
    // Anthropic: "Output blocked by content filtering policy".
    "content filtering policy",
    // Bedrock: "… blocked by our content filters".
    "blocked by our content filters",
    // xAI: "Content violates usage guidelines."
    "violates usage guidelines",
    // Gemini, as the lane says it.
    "prompt was blocked",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, code: Option<&str>, message: &str) -> Option<Reason> {
        let failure = Failure::new(status, message);
        Reason::of(&Failure { code: code.map(Into::into), ..failure })
    }

    #[test]
    fn each_provider_says_it_its_way() {
        for message in [
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
            "prompt is too long: 210000 tokens > 200000 maximum",
            "input length and `max_tokens` exceed context limit: 190000 + 21333 > 200000",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            "Input is too long for requested model.",
            "too many tokens: size limit exceeded by 11 tokens. Try using shorter messages.",
            "This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
            "the request exceeds the available context size, try increasing it",
        ] {
            assert_eq!(of(400, None, message), Some(Reason::ContextWindow), "{message}");
        }
        assert_eq!(of(400, Some("context_length_exceeded"), "no"), Some(Reason::ContextWindow));
        for message in [
            "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
            "Your request was rejected as a result of our safety system.",
            "Output blocked by content filtering policy",
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
        ] {
            assert_eq!(of(400, None, message), Some(Reason::ContentPolicy), "{message}");
        }
        assert_eq!(of(400, Some("content_filter"), "no"), Some(Reason::ContentPolicy));
    }

    #[test]
    fn other_refusals_are_nothing_of_the_kind() {
        assert_eq!(of(400, None, "messages: at least one is needed"), None);
        assert_eq!(of(401, None, "prompt is too long"), None);
        assert_eq!(of(500, Some("content_filter"), "x"), None);
        assert_eq!(of(400, Some("string_above_max_length"), "`user` is too long"), None);
    }
}
