//! The hub's request as Ollama takes it.

use super::super::WHY;
use super::{messages, options, tools};
use crate::chat::{ChatRequest, Effort, Failure, Losses, ResponseFormat, Thought};
use crate::dialect::Dialect;
use crate::dialect::lane::{Ask, Encoded, with_params};
use crate::wire::json::{Object, object};

/// Writes a request for an Ollama server.
///
/// # Errors
/// 400 when a field would be lost that must not be.
pub fn encode_request(
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Encoded, Failure> {
    let own = request.origin == Dialect::Ollama;
    let mut out = Vec::with_capacity(1024);
    object(&mut out, |body| {
        body.str("model", ask.model);
        body.array("messages", |list| messages::write(request, losses, list))?;
        tools::write(request, losses, body)?;
        write_settings(request, ask, own, losses, body)
    })?;
    Ok(Encoded { body: with_params(out, ask), json_tool: false })
}

/// Writes what both endpoints say alike. `own`: the request's unknown fields are Ollama's.
pub(in super::super) fn write_settings(
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    own: bool,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    // Unsaid it would mean a stream.
    body.bool("stream", request.stream);
    lose(request, own, losses)?;
    write_format(request, losses, body)?;
    write_think(request, ask.model, own, losses, body);
    options::write(request, ask, own, body);
    if let Some(logprobs) = request.logprobs {
        body.bool("logprobs", logprobs);
    }
    if let Some(top) = request.top_logprobs {
        body.u64("top_logprobs", top);
    }
    if own {
        for (name, value) in request.extra.iter().filter(|(name, _)| !name.starts_with(options::PREFIX)) {
            body.raw(name, value);
        }
    }
    Ok(())
}

/// Reports what Ollama has no field for; values that ask for nothing are no loss.
fn lose(request: &ChatRequest<'_>, own: bool, losses: &mut Losses) -> Result<(), Failure> {
    if !own {
        losses.lost_extra("", &request.extra, WHY)?;
    }
    let tier = request.service_tier.as_ref().map(crate::chat::Text::to_str);
    for (field, is_said) in [
        ("n", request.n.is_some_and(|n| n != 1)),
        ("logit_bias", request.logit_bias.as_ref().is_some_and(|bias| bias.as_str() != "{}")),
        ("user", request.user.is_some()),
        ("metadata", request.metadata.is_some()),
        ("service_tier", tier.is_some_and(|tier| !matches!(&*tier, "auto" | "default" | "standard_only"))),
        ("verbosity", request.verbosity.is_some()),
    ] {
        if is_said {
            losses.lost(field, WHY)?;
        }
    }
    Ok(())
}

fn write_format(
    request: &ChatRequest<'_>,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    match &request.response_format {
        None | Some(ResponseFormat::Text) => {}
        Some(ResponseFormat::JsonObject) => body.word("format", "json"),
        Some(ResponseFormat::JsonSchema(schema)) => {
            if schema.description.is_some() {
                losses.note(
                    "response_format.json_schema.description dropped: Ollama's format is the schema only",
                );
            }
            body.key("format").extend_from_slice(schema.schema.as_str().as_bytes());
        }
        Some(ResponseFormat::Other(_)) => losses.lost("response_format", &format!("this format {WHY}"))?,
    }
    Ok(())
}

/// Writes `think`: a switch, or one of three levels for the models that know levels (gpt-oss).
fn write_think(
    request: &ChatRequest<'_>,
    model: &str,
    own: bool,
    losses: &mut Losses,
    body: &mut Object<'_>,
) {
    let reasoning = &request.reasoning;
    if reasoning.is_unsaid() {
        return;
    }
    if !reasoning.is_on() {
        // An effort of none, or a switch that is off; anything else says nothing of whether to think.
        if reasoning.thought == Some(Thought::Off) || reasoning.effort == Some(Effort::None) {
            body.bool("think", false);
        }
        return;
    }
    reasoning.lose_display(losses);
    let effort = reasoning.effort.or(reasoning.budget.map(Effort::of_budget));
    let level = effort.map(|effort| match effort {
        Effort::None | Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::XHigh | Effort::Max => "high",
    });
    match level {
        Some(level) if own || model.contains("gpt-oss") => {
            if reasoning.budget.is_some() {
                losses.note("thinking: Ollama takes no budget, a level was sent instead");
            }
            body.word("think", level);
        }
        Some(_) => {
            losses.note("thinking: this model thinks or does not, how much was dropped");
            body.bool("think", true);
        }
        None => body.bool("think", true),
    }
}
