//! What OpenAI's models take, told by their names. Both of OpenAI's dialects go by it.
//! <https://platform.openai.com/docs/models>, and the errors of models that take less than others.

use crate::chat::Effort::{self, High, Low, Medium, Minimal, XHigh};

/// How the names of models begin that never reason. Azure spells GPT-3.5 without the point.
const PLAIN: [&str; 7] = ["gpt-3.5", "gpt-35", "gpt-4", "gpt-audio", "chatgpt-4o", "davinci", "babbage"];

/// No thinking.
const OFF: Effort = Effort::None;

/// A model, as far as its name tells what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenaiModel {
    line: Line,
    kind: Kind,
}

/// The lines of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Those that never reason: GPT-4 and older, and what `ChatGPT` spoke with.
    Plain,
    /// o1 and what followed it.
    O,
    /// GPT-5 and what follows it: the major and the minor version.
    Gpt(u32, u32),
    /// A deployment's own name, or nothing of OpenAI's.
    Unknown,
}

/// What a model of a line was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    General,
    Chat,
    Codex,
    CodexMax,
    Pro,
}

impl OpenaiModel {
    /// Reads names like `gpt-5.1-codex-max`, `o3-mini-2025-01-31`, `openai/gpt-4o` and `ft:gpt-4.1-mini:maker::id`.
    pub(crate) fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        // A model that somebody tuned names the one that it was made of first.
        let name = name.strip_prefix("ft:").and_then(|tuned| tuned.split(':').next()).unwrap_or(name);
        let is = |kind: &str| name.contains(kind);
        let kind = if is("-chat") {
            Kind::Chat
        } else if is("-codex-max") {
            Kind::CodexMax
        } else if is("-codex") {
            Kind::Codex
        } else if is("-pro") {
            Kind::Pro
        } else {
            Kind::General
        };
        let begins = |beginning: &&str| name.starts_with(*beginning);
        let line = if PLAIN.iter().any(begins) {
            Line::Plain
        } else if ["o1", "o3", "o4", "codex-mini"].iter().any(|o| ends_word(name.strip_prefix(*o))) {
            Line::O
        } else {
            name.strip_prefix("gpt-")
                .and_then(version)
                .map_or(Line::Unknown, |(major, minor)| Line::Gpt(major, minor))
        };
        Self { line, kind }
    }

    /// Whether it takes an effort: names that nobody knows are a deployment's own, and new models reason.
    pub(crate) fn takes_effort(self) -> bool {
        self.line != Line::Plain && !self.is_first_chat()
    }

    /// Whether it reasons when it is asked with this effort. Such models answer 400 to `stop` and to everything that steers
    /// the sampling. From GPT-5.1 on an effort of `none` makes a model that takes it again.
    pub(crate) fn reasons(self, effort: Option<Effort>) -> bool {
        let can_rest =
            matches!(self.line, Line::Gpt(5.., 1..) | Line::Gpt(6.., _)) && self.kind == Kind::General;
        self.always_reasons() && !(can_rest && effort == Some(OFF))
    }

    /// Whether it reasons unless it is told not to. Such models know the output limit as `max_completion_tokens` alone.
    pub(crate) fn always_reasons(self) -> bool {
        matches!(self.line, Line::O | Line::Gpt(..)) && !self.is_first_chat()
    }

    /// The efforts that it knows, from the least to the most; nothing where that is not known.
    pub(crate) fn efforts(self) -> Option<&'static [Effort]> {
        let minor = match self.line {
            Line::O => return Some(&[Low, Medium, High]),
            Line::Gpt(5, minor) => minor,
            Line::Gpt(..) | Line::Plain | Line::Unknown => return None,
        };
        Some(match (minor, self.kind) {
            (0, Kind::Pro) => &[High],
            (0, Kind::Codex | Kind::CodexMax) | (1, Kind::Codex) => &[Low, Medium, High],
            (0, Kind::Chat) => return None,
            (0, Kind::General) => &[Minimal, Low, Medium, High],
            (_, Kind::Chat) => &[Medium],
            (1, Kind::General | Kind::Pro) => &[OFF, Low, Medium, High],
            (_, Kind::Pro) => &[Medium, High, XHigh],
            (_, Kind::Codex | Kind::CodexMax) => &[Low, Medium, High, XHigh],
            (_, Kind::General) => &[OFF, Low, Medium, High, XHigh],
        })
    }

    /// GPT-5's model for chats does not reason; those of later versions do.
    fn is_first_chat(self) -> bool {
        self.line == Line::Gpt(5, 0) && self.kind == Kind::Chat
    }
}

/// Whether what follows a name is none of its own word.
fn ends_word(rest: Option<&str>) -> bool {
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// The version at the beginning of a name that has one of 5 or more.
fn version(name: &str) -> Option<(u32, u32)> {
    let (number, rest) = digits(name)?;
    // `gpt-50` is none that anybody knows.
    let major = Some(number).filter(|major| (5..50).contains(major))?;
    match rest.strip_prefix('.').and_then(digits) {
        Some((minor, rest)) => ends_word(Some(rest)).then_some((major, minor)),
        None => ends_word(Some(rest)).then_some((major, 0)),
    }
}

fn digits(text: &str) -> Option<(u32, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_whether_it_reasons() {
        for model in [
            "o1",
            "o3-mini",
            "openai/o4-mini-2025-04-16",
            "codex-mini-latest",
            "gpt-5",
            "gpt-5-mini",
            "gpt-5.1",
            "gpt-5.2-pro",
            "gpt-5.1-chat-latest",
            "gpt-6",
            "ft:o4-mini-2025-04-16:maker::id",
        ] {
            let model = OpenaiModel::of(model);
            assert!(model.always_reasons() && model.reasons(None) && model.takes_effort(), "{model:?}");
        }
        for model in [
            "gpt-5-chat-latest",
            "gpt-4o",
            "gpt-4.1",
            "gpt-3.5-turbo",
            "gpt-35-turbo-16k",
            "chatgpt-4o-latest",
            "gpt-audio-mini",
            "ft:gpt-4o-mini-2024-07-18:maker:gpt-5:id",
        ] {
            let model = OpenaiModel::of(model);
            assert!(!model.always_reasons() && !model.takes_effort(), "{model:?}");
        }
        for model in
            ["omni", "o10x", "gpt-50", "gpt-5x", "llama-o3", "gpt-oss-120b", "my-deployment", "gpt-", ""]
        {
            let model = OpenaiModel::of(model);
            assert!(
                !model.always_reasons() && model.takes_effort() && model.efforts().is_none(),
                "{model:?}"
            );
        }
    }

    #[test]
    fn an_effort_of_none_switches_newer_models_off() {
        for (model, reasons) in [
            ("gpt-5.1", false),
            ("openai/gpt-5.2-2025-12-11", false),
            ("gpt-5.10", false),
            ("gpt-6-mini", false),
            ("gpt-5", true),
            ("gpt-5-mini", true),
            ("gpt-5.2-pro", true),
            ("gpt-5.1-codex", true),
        ] {
            assert_eq!(OpenaiModel::of(model).reasons(Some(OFF)), reasons, "{model}");
        }
    }
}
