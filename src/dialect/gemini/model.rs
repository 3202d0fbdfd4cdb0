//! What a Gemini model takes, told by its name.

use crate::chat::Effort;

/// A model by its version and kind. Others behind this dialect have no version, and no limits are assumed for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gemini {
    version: Option<(u32, u32)>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pro,
    Flash,
    FlashLite,
    Gemma,
    Other,
}

/// How a model is told how much to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    /// It cannot think.
    None,
    /// By a budget in tokens within these bounds; `can_stop`: 0 turns it off.
    Budget { least: u64, most: u64, can_stop: bool },
    /// By a level.
    Level,
}

impl Gemini {
    /// Reads names like `gemini-2.5-flash-lite-preview`, `gemini-3-pro`, `models/gemini-1.5-pro-002`,
    /// `google/gemma-3-27b-it`, `gemini-flash-latest`.
    pub(super) fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
        let kind = if name.starts_with("gemma") {
            Kind::Gemma
        } else if name.contains("flash-lite") {
            Kind::FlashLite
        } else if name.contains("flash") {
            Kind::Flash
        } else if name.contains("pro") {
            Kind::Pro
        } else {
            Kind::Other
        };
        let version = name.strip_prefix("gemini-").and_then(|rest| {
            let word = rest.split('-').next()?;
            let (major, minor) = word.split_once('.').unwrap_or((word, "0"));
            Some((major.parse().ok()?, minor.parse().ok()?))
        });
        Self { version, kind }
    }

    /// Gemma's chat template has no place for instructions.
    pub(super) fn takes_system(self) -> bool {
        self.kind != Kind::Gemma
    }

    /// Calls that are sent back need their signature.
    pub(super) fn wants_signatures(self) -> bool {
        self.version.is_some_and(|version| version >= (3, 0))
    }

    /// Results of functions may hold pictures and documents.
    pub(super) fn takes_media_in_results(self) -> bool {
        self.version.is_some_and(|version| version >= (3, 0))
    }

    /// Files at any public https address are fetched: since January 2026, by all but the older models.
    pub(super) fn fetches_urls(self) -> bool {
        self.kind != Kind::Gemma && self.version.is_none_or(|version| version >= (2, 5))
    }

    /// JSON Schemas are taken as they are (`parametersJsonSchema`, `responseJsonSchema`).
    pub(super) fn takes_json_schema(self) -> bool {
        self.kind != Kind::Gemma && self.version.is_none_or(|version| version >= (2, 0))
    }

    /// An answer may have to be JSON while functions are on offer.
    pub(super) fn takes_format_with_tools(self) -> bool {
        self.version.is_none_or(|version| version >= (3, 0))
    }

    /// How it is told how much to think. The bounds are those of Google's documentation.
    pub(super) fn thinking(self) -> Control {
        match (self.version, self.kind) {
            (_, Kind::Gemma) => Control::None,
            (Some(version), _) if version < (2, 5) => Control::None,
            (Some(version), _) if version >= (3, 0) => Control::Level,
            (Some(_), Kind::Pro) => Control::Budget { least: 128, most: 32_768, can_stop: false },
            (Some(_), Kind::FlashLite) => Control::Budget { least: 512, most: 24_576, can_stop: true },
            // The newest models take a budget as well as the older ones do.
            _ => Control::Budget { least: 1, most: 24_576, can_stop: true },
        }
    }

    /// The level for an effort, as far as this model has it: the first Gemini 3 Pro knows two.
    pub(super) fn level(self, effort: Effort) -> &'static str {
        let is_pro = self.kind == Kind::Pro;
        match effort {
            Effort::None | Effort::Minimal if is_pro => "low",
            Effort::None | Effort::Minimal => "minimal",
            Effort::Low => "low",
            Effort::Medium if is_pro && self.version == Some((3, 0)) => "high",
            Effort::Medium => "medium",
            Effort::High | Effort::XHigh | Effort::Max => "high",
        }
    }

    /// Whether it can be told not to think at all.
    pub(super) fn can_stop_thinking(self) -> bool {
        match self.thinking() {
            Control::None => true,
            Control::Budget { can_stop, .. } => can_stop,
            Control::Level => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, version, kind) in [
            ("gemini-2.5-flash-lite-preview-06-17", Some((2, 5)), Kind::FlashLite),
            ("models/gemini-1.5-pro-002", Some((1, 5)), Kind::Pro),
            ("gemini-3-pro-preview", Some((3, 0)), Kind::Pro),
            ("publishers/google/models/gemini-3.1-flash", Some((3, 1)), Kind::Flash),
            ("gemini-flash-latest", None, Kind::Flash),
            ("google/gemma-3-27b-it", None, Kind::Gemma),
            ("x", None, Kind::Other),
        ] {
            assert_eq!(Gemini::of(name), Gemini { version, kind }, "{name}");
        }
        assert!(!Gemini::of("gemma-3-4b-it").takes_system());
        assert_eq!(Gemini::of("gemini-2.0-flash").thinking(), Control::None);
        assert_eq!(Gemini::of("gemini-3-pro-preview").level(Effort::Medium), "high");
        assert_eq!(Gemini::of("gemini-3.1-pro-preview").level(Effort::Medium), "medium");
        assert_eq!(Gemini::of("gemini-3-flash").level(Effort::Minimal), "minimal");
    }
}
