//! `additionalModelRequestFields`: what Converse does not unify, in the words of each model's maker.

use super::super::family::Family;
use crate::chat::{ChatRequest, Effort, Failure, Losses, Thought};
use crate::dialect::anthropic::reasoning::{Limits, Thinking};
use crate::wire::json::{Count, Object, Text, object, parse_raw, wire_object};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The name under which members that the hub does not know travel as extras.
const PREFIX: &str = "additionalModelRequestFields.";

wire_object! {
    /// The members that are understood.
    struct Fields<'a> {
        thinking: &'a RawValue = "thinking",
        reasoning_config: &'a RawValue = "reasoning_config",
        nova_reasoning: &'a RawValue = "reasoningConfig",
        output_config: &'a RawValue = "output_config",
        inference: &'a RawValue = "inferenceConfig",
        top_k: &'a RawValue = "top_k",
        reasoning_effort: &'a RawValue = "reasoning_effort",
    }
}

wire_object! {
    /// Thinking in Anthropic's words.
    struct ClaudeThinking<'a> {
        kind: Text<'a> = "type",
        budget: Count = "budget_tokens",
        display: Text<'a> = "display",
    }
}

wire_object! {
    /// Thinking in Nova's words.
    struct NovaReasoning<'a> {
        kind: Text<'a> = "type",
        effort: Text<'a> = "maxReasoningEffort",
    }
}

wire_object! {
    /// Effort in Anthropic's words.
    struct ClaudeOutput<'a> {
        effort: Text<'a> = "effort",
    }
}

wire_object! {
    /// Sampling in Nova's words.
    struct NovaInference<'a> {
        top_k: Count = "topK",
    }
}

/// Reads the members that say what the hub knows; the others are kept as extras. What has another form than expected
/// is kept too: it is the model's to refuse.
pub(super) fn decode<'a>(raw: &'a RawValue, request: &mut ChatRequest<'a>) -> Result<(), Failure> {
    let fields: Fields<'a> = parse_raw(raw).map_err(|error| {
        let at = PREFIX.trim_end_matches('.');
        Failure::field(at, format!("{at}: {error}"))
    })?;
    let mut kept = fields.extra;
    let mut take =
        |name: &'static str, value: Option<&'a RawValue>, read: &mut dyn FnMut(&'a RawValue) -> bool| {
            if let Some(value) = value
                && !read(value)
            {
                kept.push((Cow::Borrowed(name), value));
            }
        };
    let reasoning = &mut request.reasoning;
    let mut thinking = |value: &'a RawValue| {
        let Ok(thinking) = parse_raw::<ClaudeThinking<'a>>(value) else { return false };
        let thought = match thinking.kind.unwrap_or_default().to_str().as_ref() {
            "enabled" => Thought::On,
            "adaptive" => Thought::Adaptive,
            "disabled" => Thought::Off,
            _ => return false,
        };
        reasoning.thought = Some(thought);
        reasoning.budget = Count::of(thinking.budget);
        reasoning.display = thinking.display;
        thinking.extra.is_empty()
    };
    take("reasoning_config", fields.reasoning_config, &mut thinking);
    take("thinking", fields.thinking, &mut thinking);
    take("reasoningConfig", fields.nova_reasoning, &mut |value| {
        let Ok(nova) = parse_raw::<NovaReasoning<'a>>(value) else { return false };
        let effort = nova.effort.as_ref().map(|effort| Effort::of_name(&effort.to_str()));
        match (nova.kind.unwrap_or_default().to_str().as_ref(), effort) {
            ("enabled", None) => reasoning.thought = Some(Thought::On),
            ("enabled", Some(Some(effort))) => {
                reasoning.thought = Some(Thought::On);
                reasoning.effort = Some(effort);
            }
            ("disabled", _) => reasoning.thought = Some(Thought::Off),
            _ => return false,
        }
        nova.extra.is_empty()
    });
    let mut effort = |name: Option<Text<'a>>| match name.and_then(|name| Effort::of_name(&name.to_str())) {
        Some(effort) => {
            reasoning.effort = Some(effort);
            true
        }
        None => false,
    };
    take("output_config", fields.output_config, &mut |value| {
        let Ok(output) = parse_raw::<ClaudeOutput<'a>>(value) else { return false };
        effort(output.effort) && output.extra.is_empty()
    });
    take("reasoning_effort", fields.reasoning_effort, &mut |value| effort(Text::from_raw(value)));
    let top_k = &mut request.top_k;
    take("inferenceConfig", fields.inference, &mut |value| {
        let Ok(nova) = parse_raw::<NovaInference<'a>>(value) else { return false };
        *top_k = Count::of(nova.top_k);
        top_k.is_some() && nova.extra.is_empty()
    });
    take("top_k", fields.top_k, &mut |value| {
        *top_k = value.get().parse().ok();
        top_k.is_some()
    });
    request
        .extra
        .extend(kept.into_iter().map(|(name, value)| (Cow::Owned(format!("{PREFIX}{name}")), value)));
    Ok(())
}

/// What goes into the object for one model.
#[derive(Debug, Default)]
pub(super) struct Additional<'r> {
    /// Claude's thinking and effort.
    pub(super) claude: Option<(Limits, Option<Text<'r>>)>,
    /// The effort, for a model that is told it by Nova's or by OpenAI's field.
    pub(super) effort: Option<(Family, Effort)>,
    /// Sampling from the likeliest k tokens, and how the model is told.
    pub(super) top_k: Option<(Family, u64)>,
    /// Claude's own `tool_choice`: kind, name, whether calls may not be parallel.
    pub(super) tool_choice: Option<(&'static str, Option<Text<'r>>, bool)>,
    /// The client's own members, in this dialect.
    pub(super) kept: Vec<(&'r str, &'r RawValue)>,
}

impl<'r> Additional<'r> {
    /// Takes what the client said in this very dialect.
    pub(super) fn keep(&mut self, request: &'r ChatRequest<'_>) {
        self.kept.extend(
            request.extra.iter().filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, *value))),
        );
    }

    /// Writes the object; nothing when there is nothing in it.
    pub(super) fn write(&self, body: &mut Object<'_>) {
        let mut out = Vec::new();
        object(&mut out, |fields| self.fill(fields));
        if out != b"{}" {
            body.key(PREFIX.trim_end_matches('.')).extend_from_slice(&out);
        }
    }

    fn fill(&self, fields: &mut Object<'_>) {
        let is_kept = |name: &str| self.kept.iter().any(|(known, _)| *known == name);
        if let Some((limits, display)) = &self.claude {
            let kind = match limits.thinking {
                Thinking::Unsaid => None,
                Thinking::Off => Some(("disabled", None)),
                Thinking::BetweenTools => Some(("between_tools", None)),
                Thinking::Budget(budget) => Some(("enabled", Some(budget))),
                Thinking::Adaptive => Some(("adaptive", None)),
            };
            if let Some((kind, budget)) =
                kind.filter(|_| !is_kept("thinking") && !is_kept("reasoning_config"))
            {
                fields.object("thinking", |thinking| {
                    thinking.word("type", kind);
                    if let Some(budget) = budget {
                        thinking.u64("budget_tokens", budget);
                    }
                    if let Some(display) = display.as_ref().filter(|_| limits.thinks()) {
                        thinking.text("display", display);
                    }
                });
            }
            if let Some(effort) = limits.effort.filter(|_| !is_kept("output_config")) {
                fields.object("output_config", |config| config.word("effort", effort.as_str()));
            }
        }
        if let Some((Family::Nova { .. }, effort)) = self.effort.filter(|_| !is_kept("reasoningConfig")) {
            fields.object("reasoningConfig", |config| {
                config.word("type", if effort == Effort::None { "disabled" } else { "enabled" });
                if effort != Effort::None {
                    config.word("maxReasoningEffort", effort.as_str());
                }
            });
        } else if let Some((Family::Gpt, effort)) = self.effort.filter(|_| !is_kept("reasoning_effort")) {
            fields.word("reasoning_effort", effort.as_str());
        }
        match self.top_k {
            Some((Family::Nova { .. }, top_k)) if !is_kept("inferenceConfig") => {
                fields.object("inferenceConfig", |config| config.u64("topK", top_k));
            }
            Some((Family::Claude(_), top_k)) if !is_kept("top_k") => fields.u64("top_k", top_k),
            _ => {}
        }
        if let Some((kind, name, disable)) = self.tool_choice.as_ref().filter(|_| !is_kept("tool_choice")) {
            fields.object("tool_choice", |choice| {
                choice.word("type", kind);
                if let Some(name) = name {
                    choice.text("name", name);
                }
                if *disable {
                    choice.bool("disable_parallel_tool_use", true);
                }
            });
        }
        for (name, value) in &self.kept {
            fields.raw(name, value);
        }
    }
}

/// Decides on thinking and `top_k` for families other than Claude.
pub(super) fn plain(
    family: Family,
    request: &ChatRequest<'_>,
    additional: &mut Additional<'_>,
    losses: &mut Losses,
) -> Result<(), Failure> {
    const WHY: &str = "is not supported by this model on Bedrock";
    let reasoning = &request.reasoning;
    let effort = match (reasoning.effort, reasoning.budget) {
        _ if reasoning.thought == Some(Thought::Off) => Some(Effort::None),
        (Some(effort), _) => Some(effort),
        (None, Some(budget)) => Some(Effort::of_budget(budget)),
        (None, None) => reasoning.is_on().then_some(Effort::Medium),
    };
    if let Some(effort) = effort {
        match (family, effort) {
            (Family::Nova { second: false }, Effort::None) => {}
            (Family::Nova { second: true }, Effort::None) => additional.effort = Some((family, effort)),
            (Family::Gpt | Family::Open | Family::Plain | Family::Mistral, Effort::None) => {
                // These think as they were made to; not to be told so is no loss to those that do not.
                if matches!(family, Family::Gpt) {
                    losses.note("reasoning_effort none sent as low: this model always reasons");
                    additional.effort = Some((family, Effort::Low));
                }
            }
            (Family::Nova { second: true } | Family::Gpt, effort) => {
                let level = match effort {
                    Effort::None | Effort::Minimal | Effort::Low => Effort::Low,
                    Effort::Medium => Effort::Medium,
                    Effort::High | Effort::XHigh | Effort::Max => Effort::High,
                };
                additional.effort = Some((family, level));
                if reasoning.budget.is_some() && reasoning.effort.is_none() {
                    losses.note("thinking: this model takes no budget, an effort was sent instead");
                }
            }
            _ => losses.lost("reasoning_effort", WHY)?,
        }
    }
    if let Some(top_k) = request.top_k {
        match family {
            Family::Nova { .. } => additional.top_k = Some((family, top_k)),
            _ => losses.lost("top_k", WHY)?,
        }
    }
    Ok(())
}
