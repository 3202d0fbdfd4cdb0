//! What a Claude model takes, told by its name.

/// A model by its version. Other models behind Anthropic's dialect have none, and no limits are assumed for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claude {
    version: Option<(u32, u32)>,
    is_opus: bool,
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
        Self {
            version: version.map(|(major, minor)| (major, minor.unwrap_or(0))),
            is_opus: name.contains("opus"),
        }
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
        self.is_adaptive() || (self.is_opus && self.at_least(4, 5))
    }

    /// It refuses `temperature` together with `top_p`.
    pub(crate) fn takes_one_sampler(self) -> bool {
        self.at_least(4, 0)
    }

    /// It takes `output_config.format` and strict tools.
    pub(crate) fn takes_schema(self) -> bool {
        self.at_least(4, 5) || (self.is_opus && self.at_least(4, 1))
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
            ("claude-2.1", Some((2, 1))),
            ("deepseek-chat", None),
            ("kimi-k2-0711", None),
        ] {
            assert_eq!(Claude::of(name).version, version, "{name}");
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
