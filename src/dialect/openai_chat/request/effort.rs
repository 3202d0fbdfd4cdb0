//! How hard OpenAI's models can be asked to think
//! (<https://platform.openai.com/docs/api-reference/chat/create#chat_create-reasoning_effort>, and the errors of models
//! that take less than others). Both of OpenAI's dialects go by it.

use crate::chat::{Effort, Losses, Reasoning, Thought};
use crate::dialect::Dialect;
use crate::dialect::lane::Ask;
use crate::provider::ReasoningSwitch;
use Effort::{High, Low, Medium, Minimal, XHigh};

/// No thinking.
const OFF: Effort = Effort::None;

/// OpenAI's models that take an effort, by the beginnings of the names of those that do not: new models reason, and names
/// nobody knows are a deployment's own.
pub(crate) fn reasons(model: &str) -> bool {
    let name = name_of(model);
    !["gpt-3.5", "gpt-4", "gpt-5-chat", "chatgpt-4o", "davinci", "babbage"]
        .iter()
        .any(|old| name.starts_with(old))
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
    let Some(taken) = taken(name_of(model)) else { return asked };
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

fn name_of(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

/// The efforts of a model, from the least to the most; nothing where they are not known.
fn taken(name: &str) -> Option<&'static [Effort]> {
    let is = |kind: &str| name.contains(kind);
    if ["o1", "o3", "o4"]
        .iter()
        .any(|o| name.strip_prefix(o).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
    {
        return Some(&[Low, Medium, High]);
    }
    let version = name.strip_prefix("gpt-5")?;
    match version.strip_prefix('.') {
        None if is("-pro") => Some(&[High]),
        None if is("-codex") => Some(&[Low, Medium, High]),
        None => Some(&[Minimal, Low, Medium, High]),
        Some(_) if is("-chat") => Some(&[Medium]),
        Some(minor) if minor.starts_with('1') && is("-codex-max") => Some(&[Low, Medium, High, XHigh]),
        Some(minor) if minor.starts_with('1') && is("-codex") => Some(&[Low, Medium, High]),
        Some(minor) if minor.starts_with('1') => Some(&[OFF, Low, Medium, High]),
        Some(_) if is("-pro") => Some(&[Medium, High, XHigh]),
        Some(_) if is("-codex") => Some(&[Low, Medium, High, XHigh]),
        Some(_) => Some(&[OFF, Low, Medium, High, XHigh]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Effort::Max;

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
