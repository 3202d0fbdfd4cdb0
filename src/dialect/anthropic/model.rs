//! What a Claude model takes, told by its name.

/// A model by its version. Other models behind Anthropic's dialect have none, and no limits are assumed for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claude {
    version: Option<(u32, u32)>,
    line: Line,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Opus,
    Sonnet,
    /// Fable and Mythos, which are one model with and without safeguards.
    Fable,
    Other,
}

/// How a model is kept from thinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    /// It thinks only when told to.
    Unasked,
    /// By `thinking.type: disabled`.
    Disabled,
    /// By `thinking.type: between_tools`.
    BetweenTools,
    /// Not at all: it always thinks.
    Never,
}

impl Claude {
    /// Reads names like `claude-3-5-sonnet-20240620`, `claude-sonnet-4-20250514`, `claude-opus-4-1`,
    /// `us.anthropic.claude-haiku-4-5-20251001-v1:0`, `anthropic/claude-sonnet-4.5`, `claude-opus-5`.
    pub(crate) fn of(model: &str) -> Self {
        let name = model.find("claude").and_then(|at| model.get(at..)).unwrap_or_default();
        let mut version = None;
        for word in name.split(['-', '.', '@', ':', '_', '/']) {
            // Dates have eight digits, versions one or two.
            let number = word.parse::<u32>().ok().filter(|_| word.len() <= 2);
            version = match (version, number) {
                (None, Some(major)) => Some((major, None)),
                (Some((major, None)), Some(minor)) => Some((major, Some(minor))),
                (Some((major, minor)), _) => {
                    version = Some((major, minor));
                    break;
                }
                (None, None) => None,
            };
        }
        let line = if name.contains("opus") {
            Line::Opus
        } else if name.contains("sonnet") {
            Line::Sonnet
        } else if name.contains("fable") || name.contains("mythos") {
            Line::Fable
        } else {
            Line::Other
        };
        let version = version.map(|(major, minor)| (major, minor.unwrap_or(0)));
        // The preview of Mythos has no number and takes what came with 4.7.
        Self { version: version.or((line == Line::Fable).then_some((4, 7))), line }
    }

    fn at_least(self, major: u32, minor: u32) -> bool {
        self.version.is_some_and(|version| version >= (major, minor))
    }

    /// It can think, or is not known to be unable to.
    pub(crate) fn thinks(self) -> bool {
        self.version.is_none() || self.at_least(3, 7)
    }

    /// It decides itself how much to think (`thinking.type: adaptive`), guided by `output_config.effort`.
    pub(crate) fn is_adaptive(self) -> bool {
        self.at_least(4, 6)
    }

    /// How to keep it from thinking.
    pub(crate) fn silence(self) -> Silence {
        match self.line {
            Line::Fable => Silence::Never,
            Line::Opus if self.at_least(5, 5) => Silence::Never,
            Line::Sonnet if self.at_least(5, 5) => Silence::BetweenTools,
            _ if self.at_least(5, 0) => Silence::Disabled,
            _ => Silence::Unasked,
        }
    }

    /// It can be made to use a tool.
    pub(crate) fn forces_tools(self) -> bool {
        match self.line {
            Line::Opus | Line::Sonnet => !self.at_least(5, 5),
            Line::Fable => !self.at_least(5, 1),
            Line::Other => true,
        }
    }

    /// It takes a conversation that ends with the beginning of its answer.
    pub(crate) fn takes_prefill(self) -> bool {
        !self.at_least(4, 6)
    }

    /// It shows nothing of what it thinks unless told to.
    pub(crate) fn hides(self) -> bool {
        self.at_least(4, 7)
    }

    /// It is from before `thinking.display`, and shows a summary of what it thinks.
    pub(crate) fn shows_always(self) -> bool {
        self.version.is_some() && !self.is_adaptive()
    }

    /// It takes no thinking budget any more, and no sampling parameter either.
    pub(crate) fn is_only_adaptive(self) -> bool {
        self.at_least(4, 7)
    }

    /// It takes `output_config.effort`.
    pub(crate) fn takes_effort(self) -> bool {
        self.is_adaptive() || (self.line == Line::Opus && self.at_least(4, 5))
    }

    /// It refuses `temperature` together with `top_p`.
    pub(crate) fn takes_one_sampler(self) -> bool {
        self.at_least(4, 0)
    }

    /// It takes `output_config.format` and strict tools.
    pub(crate) fn takes_schema(self) -> bool {
        self.at_least(4, 5) || (self.line == Line::Opus && self.at_least(4, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (name, version) in [
            ("claude-3-5-sonnet-20240620", Some((3, 5))),
            ("claude-3-opus-20240229", Some((3, 0))),
            ("claude-3-7-sonnet-latest", Some((3, 7))),
            ("claude-sonnet-4-20250514", Some((4, 0))),
            ("claude-sonnet-4-0", Some((4, 0))),
            ("claude-opus-4-1-20250805", Some((4, 1))),
            ("us.anthropic.claude-haiku-4-5-20251001-v1:0", Some((4, 5))),
            ("anthropic/claude-sonnet-4.5", Some((4, 5))),
            ("claude-opus-4-5@20251101", Some((4, 5))),
            ("claude-opus-5", Some((5, 0))),
            ("claude-fable-5", Some((5, 0))),
            ("claude-mythos-preview", Some((4, 7))),
            ("claude-fable-5-1", Some((5, 1))),
            ("claude-2.1", Some((2, 1))),
            ("deepseek-chat", None),
            ("kimi-k2-0711", None),
        ] {
            assert_eq!(Claude::of(name).version, version, "{name}");
        }
    }

    #[test]
    fn newer_models_think_unasked_and_some_cannot_be_kept_from_it() {
        for (name, silence, forces_tools) in [
            ("claude-sonnet-4-5", Silence::Unasked, true),
            ("claude-opus-4-8", Silence::Unasked, true),
            ("claude-sonnet-5", Silence::Disabled, true),
            ("us.anthropic.claude-opus-5", Silence::Disabled, true),
            ("claude-haiku-5-5", Silence::Disabled, true),
            ("claude-sonnet-5-5", Silence::BetweenTools, false),
            ("claude-opus-5-5", Silence::Never, false),
            ("claude-fable-5", Silence::Never, true),
            ("claude-mythos-5-1", Silence::Never, false),
            ("claude-mythos-preview", Silence::Never, true),
            ("minimax-m2", Silence::Unasked, true),
        ] {
            let claude = Claude::of(name);
            assert_eq!((claude.silence(), claude.forces_tools()), (silence, forces_tools), "{name}");
        }
    }

    #[test]
    fn abilities() {
        assert!(!Claude::of("claude-3-5-haiku-20241022").thinks());
        assert!(Claude::of("minimax-m2").thinks() && !Claude::of("minimax-m2").takes_one_sampler());
        assert!(
            Claude::of("claude-opus-4-6").is_adaptive() && !Claude::of("claude-opus-4-6").is_only_adaptive()
        );
        assert!(Claude::of("claude-opus-4-8").is_only_adaptive());
        assert!(
            Claude::of("claude-opus-4-1").takes_schema() && !Claude::of("claude-sonnet-4-0").takes_schema()
        );
    }
}
