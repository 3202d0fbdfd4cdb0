//! The hub's request as Cohere takes it. Cohere refuses fields that it does not know.

use super::super::WHY;
use super::super::model::thinks;
use super::{messages, sampling, tools};
use crate::chat::{ChatRequest, Effort, Failure, Losses, ResponseFormat, Thought};
use crate::dialect::Dialect;
use crate::dialect::lane::{Ask, Encoded, with_params};
use crate::wire::json::{Object, object};

/// Writes a request for Cohere.
///
/// # Errors
/// 400 when a field would be lost that must not be.
pub fn encode_request(
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Encoded, Failure> {
    let own = request.origin == Dialect::Cohere;
    if !own {
        losses.lost_extra("", &request.extra, WHY)?;
    }
    let mut out = Vec::with_capacity(1024);
    object(&mut out, |body| {
        body.str("model", ask.model);
        messages::write(request, thinks(ask.model), losses, body)?;
        tools::write(request, losses, body)?;
        write_format(request, own, losses, body)?;
        write_thinking(request, ask.model, own, losses, body)?;
        sampling::write(request, ask, own, losses, body)?;
        if request.stream {
            body.bool("stream", true);
        }
        if own {
            body.extra(&request.extra);
        }
        Ok::<(), Failure>(())
    })?;
    Ok(Encoded { body: with_params(out, ask), json_tool: false })
}

fn write_format(
    request: &ChatRequest<'_>,
    own: bool,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    let schema = match &request.response_format {
        None => return Ok(()),
        Some(ResponseFormat::Text) => {
            if own {
                body.object("response_format", |format| format.word("type", "text"));
            }
            return Ok(());
        }
        Some(ResponseFormat::Other(opaque)) if own => {
            body.key("response_format").extend_from_slice(opaque.json.as_str().as_bytes());
            return Ok(());
        }
        Some(ResponseFormat::Other(_)) => {
            return losses.lost("response_format", &format!("this format {WHY}"));
        }
        Some(ResponseFormat::JsonObject) => None,
        Some(ResponseFormat::JsonSchema(schema)) => Some(schema),
    };
    if !request.tools.is_empty() && !own {
        return losses.lost("response_format", "is not supported by Cohere together with tools");
    }
    if schema.is_some_and(|schema| schema.description.is_some()) {
        losses.note("response_format.json_schema.description dropped: Cohere's format is the schema only");
    }
    body.object("response_format", |format| {
        format.word("type", "json_object");
        if let Some(schema) = schema {
            format.key("json_schema").extend_from_slice(schema.schema.as_str().as_bytes());
        }
    });
    Ok(())
}

fn write_thinking(
    request: &ChatRequest<'_>,
    model: &str,
    own: bool,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    let reasoning = &request.reasoning;
    if reasoning.is_unsaid() {
        return Ok(());
    }
    let is_off = reasoning.thought == Some(Thought::Off) || reasoning.effort == Some(Effort::None);
    if !thinks(model) && !own {
        if reasoning.is_on() {
            losses.lost("reasoning_effort", "is not supported by this model")?;
        }
        return Ok(());
    }
    if !reasoning.is_on() && !is_off {
        return Ok(());
    }
    if reasoning.is_on() {
        reasoning.lose_display(losses);
    }
    let budget = reasoning.budget.or(reasoning.effort.map(Effort::budget));
    body.object("thinking", |thinking| {
        thinking.word("type", if reasoning.is_on() { "enabled" } else { "disabled" });
        if let Some(budget) = budget.filter(|budget| *budget > 0 && reasoning.is_on()) {
            thinking.u64("token_budget", budget);
        }
    });
    Ok(())
}
