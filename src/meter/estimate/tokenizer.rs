//! Whose vocabulary a model has.

use super::costs::{self, Costs};

/// A vocabulary that the estimate knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tokenizer {
    /// `o200k_base`: OpenAI's models since GPT-4o, and the guess for every model that is not known.
    #[default]
    O200k,
    /// `cl100k_base`: GPT-4 and GPT-3.5.
    Cl100k,
    /// Anthropic's.
    Claude,
    /// Google's.
    Gemini,
    /// Meta's, since Llama 3.
    Llama,
    /// Alibaba's.
    Qwen,
    /// `DeepSeek`'s.
    Deepseek,
}

impl Tokenizer {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::O200k, Self::Cl100k, Self::Claude, Self::Gemini, Self::Llama, Self::Qwen, Self::Deepseek];

    /// The vocabulary of a model by the name a provider has for it (`us.anthropic.claude-…`, `gpt-4o`).
    pub fn of_model(model: &str) -> Self {
        // A distilled model has the vocabulary of what it was made from, whose name comes behind.
        const NAMES: [(&str, Tokenizer); 8] = [
            ("qwen", Tokenizer::Qwen),
            ("qwq", Tokenizer::Qwen),
            ("llama", Tokenizer::Llama),
            ("deepseek", Tokenizer::Deepseek),
            ("claude", Tokenizer::Claude),
            ("gemini", Tokenizer::Gemini),
            ("gemma", Tokenizer::Gemini),
            ("gpt-3.5", Tokenizer::Cl100k),
        ];
        // Every name searched for begins with one of a few letters: most places of a model's name are passed over.
        let starts: Vec<&[u8]> = (0..model.len())
            .filter_map(|at| model.as_bytes().get(at..))
            .filter(|rest| rest.first().is_some_and(|first| b"qldcg".contains(&first.to_ascii_lowercase())))
            .collect();
        let has = |name: &str| {
            let begins = |rest: &&[u8]| {
                rest.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes()))
            };
            starts.iter().any(begins)
        };
        if let Some((_, tokenizer)) = NAMES.into_iter().find(|(name, _)| has(name)) {
            return tokenizer;
        }
        let old = has("gpt-4-") || model.eq_ignore_ascii_case("gpt-4") || has("gpt-35");
        if old { Self::Cl100k } else { Self::O200k }
    }

    /// Its cost table.
    pub(super) fn costs(self) -> &'static Costs {
        match self {
            Self::O200k => &costs::O200K,
            Self::Cl100k => &costs::CL100K,
            Self::Claude => &costs::CLAUDE,
            Self::Gemini => &costs::GEMINI,
            Self::Llama => &costs::LLAMA,
            Self::Qwen => &costs::QWEN,
            Self::Deepseek => &costs::DEEPSEEK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_vocabulary() {
        for (model, tokenizer) in [
            ("gpt-4o-mini", Tokenizer::O200k),
            ("gpt-4.1", Tokenizer::O200k),
            ("gpt-4", Tokenizer::Cl100k),
            ("gpt-4-turbo", Tokenizer::Cl100k),
            ("gpt-35-turbo", Tokenizer::Cl100k),
            ("us.anthropic.claude-sonnet-4-20250514-v1:0", Tokenizer::Claude),
            ("google/gemini-2.5-flash", Tokenizer::Gemini),
            ("deepseek-r1-distill-qwen-32b", Tokenizer::Qwen),
            ("DeepSeek-V3", Tokenizer::Deepseek),
            ("meta-llama/Llama-3.3-70B-Instruct", Tokenizer::Llama),
            ("mistral-large-latest", Tokenizer::O200k),
            ("", Tokenizer::O200k),
        ] {
            assert_eq!(Tokenizer::of_model(model), tokenizer, "{model}");
        }
    }
}
