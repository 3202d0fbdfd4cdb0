//! How hard OpenAI's models are asked to think
//! (<https://platform.openai.com/docs/api-reference/chat/create#chat_create-reasoning_effort>). Both of OpenAI's dialects go
//! by it.

use crate::chat::{Effort, Losses, Reasoning, Thought};
use crate::dialect::Dialect;
use crate::dialect::lane::Ask;
use crate::dialect::openai_chat::model::OpenaiModel;
use crate::provider::ReasoningSwitch;
use Effort::XHigh;

/// No thinking.
const OFF: Effort = Effort::None;

/// Whether OpenAI's model of this name takes an effort.
pub(crate) fn reasons(model: &str) -> bool {
    OpenaiModel::of(model).takes_effort()
}

/// The effort that a client asks for, in this word or another. Thinking that is switched off is said with no field at all,
/// unless the client itself named an effort.
pub(crate) fn asked_effort(said: &Reasoning<'_>) -> Option<Effort> {
    if said.thought == Some(Thought::Off) {
        return said.effort.filter(|effort| *effort == OFF);
    }
    said.effort.or_else(|| said.budget.map(Effort::of_budget))
}

/// What a client calls it.
pub(crate) fn effort_field(origin: Dialect) -> &'static str {
    if origin == Dialect::OpenaiChat { "reasoning_effort" } else { "thinking" }
}

/// The effort that a target takes and that is nearest to the one that was asked for; where it is another, that is told.
/// `field`: what the client calls it.
pub(crate) fn taken_effort(ask: &Ask<'_>, asked: Effort, field: &str, losses: &mut Losses) -> Effort {
    match ask.quirks.reasoning {
        ReasoningSwitch::Openai => nearest(ask.model, asked, field, losses),
        // OpenAI's scale ends at `xhigh`.
        _ => asked.min(XHigh),
    }
}

fn nearest(model: &str, asked: Effort, field: &str, losses: &mut Losses) -> Effort {
    let asked = asked.min(XHigh);
    let Some(taken) = OpenaiModel::of(model).efforts() else { return asked };
    if taken.contains(&asked) {
        return asked;
    }
    // Less than there is becomes the least, more becomes the most, and what is left out in between becomes more.
    let more = taken.iter().find(|effort| **effort > asked);
    let nearest = more.or(taken.last()).copied().unwrap_or(asked);
    losses.note(format_args!(
        "{field}: {model} knows no effort of {}, {} was sent instead",
        asked.as_str(),
        nearest.as_str()
    ));
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;
    use Effort::{High, Low, Max, Medium, Minimal};

    #[test]
    fn each_model_gets_what_it_knows() {
        for (model, asked, sent) in [
            ("o3-mini", Minimal, Low),
            ("o3", Max, High),
            ("openai/gpt-5-mini", OFF, Minimal),
            ("gpt-5", XHigh, High),
            ("gpt-5-pro", Low, High),
            ("gpt-5-codex", Minimal, Low),
            ("gpt-5.1", Minimal, Low),
            ("gpt-5.1", OFF, OFF),
            ("gpt-5.1-2025-11-13", Max, High),
            ("gpt-5.1-codex-max", Max, XHigh),
            ("gpt-5.2", Max, XHigh),
            ("gpt-5.2-pro", OFF, Medium),
            ("gpt-5.3-codex", OFF, Low),
            ("gpt-5.2-chat-latest", High, Medium),
            ("gpt-6", Max, XHigh),
            ("my-deployment", Minimal, Minimal),
        ] {
            let mut losses = Losses::new(true);
            assert_eq!(nearest(model, asked, "thinking", &mut losses), sent, "{model} {asked:?}");
            assert_eq!(
                losses.into_warnings().len(),
                usize::from(asked.min(XHigh) != sent),
                "{model} {asked:?}"
            );
        }
    }
}
