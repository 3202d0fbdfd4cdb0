//! How much to think: Gemini's `thinkingConfig`, both ways.

use super::super::model::{Control, Gemini};
use super::super::wire::{Thinking, number};
use crate::chat::{ChatRequest, Effort, Extra, Failure, Losses, Reasoning, Thought};
use crate::dialect::Dialect;
use crate::wire::json::Object;

/// Reads the configuration; what only Gemini knows of it is left over.
pub(super) fn decode(wire: Thinking<'_>) -> Result<(Reasoning<'_>, Extra<'_>), Failure> {
    let mut reasoning = Reasoning::default();
    if let Some(level) = wire.level {
        let name = level.to_str().to_ascii_lowercase();
        reasoning.effort = match &*name {
            "thinking_level_unspecified" | "" => None,
            name => Some(Effort::of_name(name).ok_or_else(|| {
                let path = "generationConfig.thinkingConfig.thinkingLevel";
                Failure::field(path, format!("{path}: unknown level {name}"))
            })?),
        };
    }
    if let Some(raw) = wire.budget {
        let path = "generationConfig.thinkingConfig.thinkingBudget";
        let budget = number(raw).ok_or_else(|| Failure::field(path, format!("{path}: expected a number")))?;
        if budget < 0.0 {
            reasoning.thought = Some(Thought::Adaptive);
        } else if budget < 1.0 {
            reasoning.thought = Some(Thought::Off);
        } else {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "positive, and clamped to what the target type holds"
            )]
            let tokens = budget.min(9e15) as u64;
            reasoning.budget = Some(tokens);
        }
    }
    // Who wants to see thoughts wants some.
    if wire.include == Some(true) && reasoning.is_unsaid() {
        reasoning.thought = Some(Thought::Adaptive);
    }
    // Gemini shows none unless it is told to.
    if wire.include != Some(true) && reasoning.is_on() {
        reasoning.display = Some("omitted".into());
    }
    Ok((reasoning, wire.extra))
}

/// Writes `thinkingConfig` into the generation's configuration.
pub(super) fn write(
    request: &ChatRequest<'_>,
    model: Gemini,
    losses: &mut Losses,
    config: &mut Object<'_>,
) -> Result<(), Failure> {
    let reasoning = &request.reasoning;
    if request.origin == Dialect::Gemini {
        write_own(reasoning, config);
        return Ok(());
    }
    let off = !reasoning.is_on()
        && (reasoning.thought == Some(Thought::Off) || reasoning.effort == Some(Effort::None));
    if !off && !reasoning.is_on() {
        return Ok(());
    }
    if off && !model.can_stop_thinking() {
        losses.note("thinking: this model cannot be told not to think, the least was asked for");
    }
    let effort = reasoning.effort.filter(|_| !off);
    let (budget, level) = match model.thinking() {
        Control::None if off => return Ok(()),
        Control::None => return losses.lost("reasoning_effort", "is not supported by this model"),
        Control::Budget { least, can_stop, .. } if off => {
            (Some(if can_stop { 0 } else { least_of(least) }), None)
        }
        Control::Budget { least, most, .. } => {
            let asked = reasoning.budget.or(effort.map(Effort::budget));
            let clamped = asked.map(|asked| asked.clamp(least, most));
            if let (Some(asked), Some(clamped)) = (reasoning.budget, clamped)
                && asked != clamped
            {
                losses.note(format_args!(
                    "thinking: the budget was changed from {asked} to {clamped}, this model's bound"
                ));
            }
            // −1: as the model sees fit.
            (Some(clamped.map_or(-1, |tokens| i64::try_from(tokens).unwrap_or(i64::MAX))), None)
        }
        Control::Level if off => (None, Some(model.level(Effort::None))),
        Control::Level => {
            if let (Some(_), None) = (reasoning.budget, effort) {
                losses.note("thinking: this model takes no budget, a level was sent instead");
            }
            let effort = effort.or(reasoning.budget.map(Effort::of_budget));
            (None, effort.map(|effort| model.level(effort)))
        }
    };
    let shows = !off && reasoning.display.as_ref().is_none_or(|display| *display != "omitted");
    config.object("thinkingConfig", |thinking| {
        if let Some(budget) = budget {
            thinking.key("thinkingBudget").extend_from_slice(budget.to_string().as_bytes());
        }
        if let Some(level) = level {
            thinking.word("thinkingLevel", level);
        }
        if shows {
            thinking.bool("includeThoughts", true);
        }
    });
    Ok(())
}

/// Writes what a client of this dialect said.
fn write_own(reasoning: &Reasoning<'_>, config: &mut Object<'_>) {
    if reasoning.is_unsaid() {
        return;
    }
    config.object("thinkingConfig", |thinking| {
        match (reasoning.budget, reasoning.thought) {
            (Some(budget), _) => thinking.u64("thinkingBudget", budget),
            (None, Some(Thought::Off)) => thinking.u64("thinkingBudget", 0),
            (None, Some(_)) => thinking.key("thinkingBudget").extend_from_slice(b"-1"),
            (None, None) => {}
        }
        if let Some(effort) = reasoning.effort {
            thinking.word("thinkingLevel", effort.as_str());
        }
        if reasoning.is_on() && reasoning.display.is_none() {
            thinking.bool("includeThoughts", true);
        }
    });
}

fn least_of(least: u64) -> i64 {
    i64::try_from(least).unwrap_or(i64::MAX)
}
