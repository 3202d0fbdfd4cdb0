//! What the models on Bedrock take, told by their names.

use crate::dialect::anthropic::Claude;

/// A family of models: what Converse does not unify differs by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Anthropic's, or one whose name does not say (the ARN of an inference profile): most of those are.
    Claude(Claude),
    /// Amazon's Nova; only the second generation reasons.
    Nova { second: bool },
    /// Mistral's.
    Mistral,
    /// OpenAI's open models.
    Gpt,
    /// Open models of other makers that follow a schema when told to (`outputConfig`): Qwen, `DeepSeek`, Gemma, Kimi…
    Open,
    /// Older families, which follow no schema: Llama, Titan, Jamba, Command.
    Plain,
}

impl Family {
    /// Reads names like `us.anthropic.claude-sonnet-4-5-20250929-v1:0`, `amazon.nova-lite-v1:0`, and ARNs that end in
    /// such a name.
    pub(super) fn of(model: &str) -> Self {
        // ARNs name the model after their last slash, profiles the region before the maker.
        let name = model.rsplit('/').next().unwrap_or(model);
        let is = |maker: &str| {
            name.strip_prefix(maker).is_some_and(|rest| rest.starts_with('.'))
                || name.contains(&format!(".{maker}."))
        };
        if is("amazon") {
            let second = name.contains("nova-2");
            return if name.contains("nova") { Self::Nova { second } } else { Self::Plain };
        }
        if is("mistral") {
            return Self::Mistral;
        }
        if is("openai") {
            return Self::Gpt;
        }
        if ["meta", "ai21", "cohere", "writer", "stability", "twelvelabs", "luma"].into_iter().any(is) {
            return Self::Plain;
        }
        let open = ["qwen", "deepseek", "google", "moonshot", "moonshotai", "minimax", "nvidia", "zai"];
        if open.into_iter().any(is) {
            return Self::Open;
        }
        Self::Claude(Claude::of(name))
    }

    /// The version of Claude, where it is one.
    pub(super) fn claude(self) -> Option<Claude> {
        match self {
            Self::Claude(claude) => Some(claude),
            _ => None,
        }
    }

    /// It takes `outputConfig.textFormat` and strict tools.
    pub(super) fn takes_schema(self) -> bool {
        match self {
            Self::Claude(claude) => claude.takes_schema(),
            Self::Gpt | Self::Open | Self::Mistral => true,
            Self::Nova { .. } | Self::Plain => false,
        }
    }

    /// It can be made to use one certain tool.
    pub(super) fn takes_named_tool(self) -> bool {
        matches!(self, Self::Claude(_) | Self::Nova { .. })
    }

    /// It can be made to use some tool.
    pub(super) fn takes_any_tool(self) -> bool {
        self.takes_named_tool() || self == Self::Mistral
    }

    /// It caches prompts at the points it is told.
    pub(super) fn caches(self) -> bool {
        matches!(self, Self::Claude(_) | Self::Nova { .. })
    }

    /// It caches the tools too, and for as long as it is told; Nova refuses a point among the tools, and a `ttl`.
    pub(super) fn caches_tools(self) -> bool {
        matches!(self, Self::Claude(_))
    }

    /// It takes back what was thought before it answered; others answer 400 to it, also to thoughts of their own.
    pub(super) fn takes_thoughts(self) -> bool {
        matches!(self, Self::Claude(_) | Self::Gpt)
    }

    /// It takes texts that end the answer.
    pub(super) fn takes_stop(self) -> bool {
        !matches!(self, Self::Gpt | Self::Open)
    }

    /// It is told whether a tool failed.
    pub(super) fn takes_status(self) -> bool {
        matches!(self, Self::Claude(_) | Self::Nova { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families() {
        for (name, family) in [
            ("amazon.nova-lite-v1:0", Family::Nova { second: false }),
            ("us.amazon.nova-2-lite-v1:0", Family::Nova { second: true }),
            (
                "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-pro-v1:0",
                Family::Nova { second: false },
            ),
            ("amazon.titan-text-lite-v1", Family::Plain),
            ("us.meta.llama4-maverick-17b-instruct-v1:0", Family::Plain),
            ("us.mistral.pixtral-large-2502-v1:0", Family::Mistral),
            ("openai.gpt-oss-120b-1:0", Family::Gpt),
            ("us.deepseek.r1-v1:0", Family::Open),
            ("moonshot.kimi-k2-thinking", Family::Open),
        ] {
            assert_eq!(Family::of(name), family, "{name}");
        }
        for name in [
            "anthropic.claude-v2",
            "us.anthropic.claude-sonnet-5",
            "arn:aws:bedrock:us-east-1:1:application-inference-profile/x",
        ] {
            assert!(Family::of(name).claude().is_some(), "{name}");
        }
        assert!(Family::of("us.anthropic.claude-sonnet-4-5-20250929-v1:0").takes_schema());
        assert!(!Family::of("anthropic.claude-3-sonnet-20240229-v1:0").takes_schema());
    }
}
