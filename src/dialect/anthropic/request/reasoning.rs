//! How much to think, within what limit, and what may be said of sampling beside it.

use super::super::model::{Claude, Silence};
use super::turns::Conversation;
use crate::chat::{ChatRequest, Effort, Failure, Losses, Text, Thought};
use crate::dialect::Dialect;
use crate::dialect::lane::Ask;
use crate::wire::json::Object;

/// The least thinking budget that Anthropic takes, in tokens.
const LEAST_BUDGET: u64 = 1024;

/// The warning for thinking that cannot go on.
const WITHOUT_THOUGHT: &str = "the tool calls being answered came without a signed thought";

/// What is asked of the thinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// Nothing is said.
    Unsaid,
    /// Off, in so many words.
    Off,
    /// Off but for a few words between the calls of tools: as far as some models can be kept from it.
    BetweenTools,
    /// Within a budget.
    Budget(u64),
    /// As the model sees fit.
    Adaptive,
}

/// The decided limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) thinking: Thinking,
    /// For `output_config.effort`.
    pub(crate) effort: Option<Effort>,
    /// In tokens, thinking included.
    pub(crate) max_tokens: u64,
}

impl Limits {
    /// Whether the model will think.
    pub(crate) fn thinks(self) -> bool {
        matches!(self.thinking, Thinking::Budget(_) | Thinking::Adaptive)
    }
}

/// Decides. `as_said`: the client speaks of thinking as Anthropic does, and is taken at its word. `forced`: a tool is
/// forced, which Anthropic does not allow together with a thinking budget.
pub(crate) fn decide(
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    claude: Claude,
    as_said: bool,
    talk: &Conversation<'_, '_>,
    forced: bool,
    losses: &mut Losses,
) -> Result<Limits, Failure> {
    let reasoning = &request.reasoning;
    let mut max_tokens = ask.max_tokens.or(request.max_tokens).unwrap_or(ask.default_max_tokens);
    if as_said {
        let thinking = match (reasoning.thought, reasoning.budget) {
            (Some(Thought::On), Some(_)) if talk.continues_without_thought() => {
                losses.note(format_args!("thinking dropped: {WITHOUT_THOUGHT}"));
                Thinking::Unsaid
            }
            (None, _) => Thinking::Unsaid,
            (Some(Thought::Off), _) => Thinking::Off,
            (Some(Thought::On), Some(budget)) => Thinking::Budget(budget),
            (Some(_), _) => Thinking::Adaptive,
        };
        return Ok(Limits { thinking, effort: reasoning.effort, max_tokens });
    }
    let mut effort = reasoning.effort.filter(|effort| *effort != Effort::None);
    let mut thinking = if !reasoning.is_on() {
        match claude.silence() {
            _ if reasoning.is_unsaid() => Thinking::Unsaid,
            Silence::Disabled => Thinking::Off,
            Silence::BetweenTools => Thinking::BetweenTools,
            Silence::Never => {
                losses.note("reasoning_effort none sent as low: this model always reasons");
                effort = Some(Effort::Low);
                Thinking::Unsaid
            }
            Silence::Unasked if reasoning.thought == Some(Thought::Off) && !claude.is_only_adaptive() => {
                Thinking::Off
            }
            Silence::Unasked => Thinking::Unsaid,
        }
    } else if !claude.thinks() {
        losses.lost("reasoning_effort", "is not supported by this model")?;
        effort = None;
        Thinking::Unsaid
    } else if claude.is_only_adaptive()
        || (claude.is_adaptive() && reasoning.budget.is_none() && reasoning.thought != Some(Thought::On))
    {
        if let (Some(budget), None) = (reasoning.budget, effort) {
            effort = Some(Effort::of_budget(budget));
            losses.note("thinking: this model takes no budget, an effort was sent instead");
        }
        Thinking::Adaptive
    } else {
        let asked = reasoning.budget.or(effort.map(Effort::budget)).unwrap_or(Effort::Medium.budget());
        Thinking::Budget(asked.max(LEAST_BUDGET))
    };
    let budgeted_by_effort = matches!(thinking, Thinking::Budget(_)) && reasoning.budget.is_none();

    if let Thinking::Budget(_) = thinking {
        let why = if forced {
            Some("Anthropic does not allow it together with a forced tool")
        } else if talk.continues_without_thought() {
            Some(WITHOUT_THOUGHT)
        } else if talk.begins_answer_without_thought() {
            Some("the beginning of the answer came without a signed thought")
        } else {
            None
        };
        if let Some(why) = why {
            losses.note(format_args!("thinking dropped: {why}"));
            thinking = Thinking::Unsaid;
        }
    }
    if let Thinking::Budget(budget) = thinking
        && budget >= max_tokens
    {
        if ask.max_tokens.is_some_and(|limit| limit > LEAST_BUDGET) {
            // The operator's limit stands; the thinking has to fit in.
            thinking = Thinking::Budget((max_tokens / 2).max(LEAST_BUDGET));
            losses.note("thinking budget lowered: it has to be less than max_tokens");
        } else {
            max_tokens = max_tokens.saturating_add(budget);
            losses.note("max_tokens raised by the thinking budget, which counts towards it");
        }
    }
    // An effort that was turned into a budget is said; older models know no other way.
    if budgeted_by_effort || !claude.takes_effort() {
        effort = None;
    }
    let effort = effort.map(|effort| match effort {
        Effort::Minimal => Effort::Low,
        Effort::XHigh if !claude.is_only_adaptive() => Effort::High,
        Effort::Max if !claude.is_adaptive() => Effort::High,
        other => other,
    });
    Ok(Limits { thinking, effort, max_tokens })
}

/// Writes `thinking`.
pub(super) fn write_thinking(
    limits: Limits,
    request: &ChatRequest<'_>,
    claude: Claude,
    losses: &mut Losses,
    body: &mut Object<'_>,
) {
    let (kind, budget) = match limits.thinking {
        Thinking::Unsaid => return,
        Thinking::Off => ("disabled", None),
        Thinking::BetweenTools => ("between_tools", None),
        Thinking::Budget(budget) => ("enabled", Some(budget)),
        Thinking::Adaptive => ("adaptive", None),
    };
    let as_said = request.origin == Dialect::Anthropic;
    let display = display(limits, request, claude, as_said, losses);
    body.object("thinking", |thinking| {
        thinking.word("type", kind);
        if let Some(budget) = budget {
            thinking.u64("budget_tokens", budget);
        }
        if let Some(display) = display {
            thinking.text("display", &display);
        }
    });
}

/// What is to be shown of the thinking. `as_said` is that of [`decide`].
pub(crate) fn display<'a>(
    limits: Limits,
    request: &ChatRequest<'a>,
    claude: Claude,
    as_said: bool,
    losses: &mut Losses,
) -> Option<Text<'a>> {
    let said = request.reasoning.display.clone().filter(|_| limits.thinks());
    if as_said || !limits.thinks() {
        return said;
    }
    if claude.shows_always() {
        request.reasoning.lose_display(losses);
        return None;
    }
    // Other dialects show what is thought, but for the one that asks for a summary where it wants any.
    let shows = claude.hides() && request.origin != Dialect::OpenaiResponses;
    said.or(shows.then(|| "summarized".into()))
}

/// Writes what may be said of sampling.
pub(super) fn write_sampling(
    request: &ChatRequest<'_>,
    claude: Claude,
    thinks: bool,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    let refused = if request.origin == Dialect::Anthropic {
        None
    } else if claude.is_only_adaptive() {
        Some("is not supported by this model")
    } else if thinks {
        Some("is not supported while the model thinks")
    } else {
        None
    };
    if let Some(why) = refused {
        // The default value says nothing and is dropped without a word.
        for (field, is_said) in [
            ("temperature", request.temperature.is_some_and(|value| (value - 1.0).abs() > f64::EPSILON)),
            ("top_p", request.top_p.is_some_and(|value| (value - 1.0).abs() > f64::EPSILON)),
            ("top_k", request.top_k.is_some()),
        ] {
            if is_said {
                losses.lost(field, why)?;
            }
        }
        return Ok(());
    }
    if let Some(temperature) = request.temperature {
        let clamped = temperature.clamp(0.0, 1.0);
        if (clamped - temperature).abs() > f64::EPSILON {
            losses.note(format_args!("temperature lowered from {temperature} to {clamped}"));
        }
        body.f64("temperature", clamped);
    }
    if let Some(top_p) = request.top_p {
        if request.temperature.is_some() && claude.takes_one_sampler() && request.origin != Dialect::Anthropic
        {
            losses.lost("top_p", "is not supported by this model together with temperature")?;
        } else {
            body.f64("top_p", top_p);
        }
    }
    if let Some(top_k) = request.top_k {
        body.u64("top_k", top_k);
    }
    Ok(())
}
