//! The hub's request as Gemini takes it.

use super::super::model::Gemini;
use super::parts::Parts;
use super::turns::{Conversation, arrange};
use super::{config, tools};
use crate::chat::{ChatRequest, Failure, Losses, PartKind, Text};
use crate::dialect::Dialect;
use crate::dialect::lane::{Ask, Encoded, with_params};
use crate::wire::json::{Array, Object, object};

const WHY: &str = "is not supported by Gemini";

/// Writes a request for Gemini. The model and whether a stream is wanted stand in its path.
///
/// # Errors
/// 400 when nothing is left to say, or when a field would be lost that must not be.
pub fn encode_request(
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Encoded, Failure> {
    let own = request.origin == Dialect::Gemini;
    let model = Gemini::of(ask.model);
    if !own {
        lose(request, losses)?;
    }
    let talk = arrange(request, model, losses)?;
    let mut out = Vec::with_capacity(4096);
    object(&mut out, |body| {
        write_conversation(&talk, own, model, ask, losses, body)?;
        tools::write(request, model, losses, body)?;
        config::write(request, ask, model, losses, body)?;
        write_service_tier(request, losses, body)?;
        if own {
            if let Some(labels) = &request.metadata {
                body.key("labels").extend_from_slice(labels.as_str().as_bytes());
            }
            for (name, value) in request.extra.iter().filter(|(name, _)| !name.contains('.')) {
                body.raw(name, value);
            }
        }
        Ok::<(), Failure>(())
    })?;
    Ok(Encoded { body: with_params(out, ask), json_tool: false })
}

/// Reports what Gemini has no words for.
fn lose(request: &ChatRequest<'_>, losses: &mut Losses) -> Result<(), Failure> {
    losses.lost_extra("", &request.extra, WHY)?;
    let biased = request.logit_bias.as_ref().is_some_and(|bias| bias.as_str() != "{}");
    let labelled = request.metadata.as_ref().is_some_and(|labels| labels.as_str() != "{}");
    for (field, is_said) in
        [("logit_bias", biased), ("verbosity", request.verbosity.is_some()), ("metadata", labelled)]
    {
        if is_said {
            losses.lost(field, WHY)?;
        }
    }
    if request.user.is_some() {
        // It changes no answer.
        losses.note(format_args!("user dropped: {WHY}"));
    }
    Ok(())
}

fn write_service_tier(
    request: &ChatRequest<'_>,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    let Some(tier) = &request.service_tier else { return Ok(()) };
    match &*tier.to_str() {
        "auto" => {}
        "default" | "standard_only" => body.word("serviceTier", "standard"),
        "flex" => body.word("serviceTier", "flex"),
        "priority" => body.word("serviceTier", "priority"),
        _ if request.origin == Dialect::Gemini => body.text("serviceTier", tier),
        other => losses.lost("service_tier", &format!("{other} {WHY}"))?,
    }
    Ok(())
}

fn write_conversation(
    talk: &Conversation<'_, '_>,
    own: bool,
    model: Gemini,
    ask: &Ask<'_>,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    let mut parts = Parts::new(own, model, ask.quirks.file_urls, talk, losses);
    if !talk.system.is_empty() {
        body.object("systemInstruction", |content| {
            content.array("parts", |list| {
                for spoken in &talk.system {
                    let is_text = matches!(spoken.part.kind, PartKind::Text(_) | PartKind::Refusal(_));
                    if is_text || own {
                        parts.turn(std::slice::from_ref(spoken), list)?;
                    } else {
                        parts.missed(
                            &spoken.part.kind,
                            &spoken.path(),
                            "only text can be an instruction to Gemini's models",
                        )?;
                    }
                }
                Ok::<(), Failure>(())
            })
        })?;
    }
    body.array("contents", |list| {
        if talk.needs_opening {
            write_opening(list);
        }
        for turn in &talk.turns {
            list.object(|content| {
                content.word("role", turn.role);
                parts.said_by_model(turn.role == "model");
                content.array("parts", |list| {
                    parts.turn(&turn.parts, list)?;
                    match turn.parts.last().filter(|_| list.is_empty() && !own) {
                        Some(last) => Err(parts.nothing_left(&last.path())),
                        None => Ok(()),
                    }
                })
            })?;
        }
        Ok(())
    })
}

/// Writes a turn that says one short word.
fn write_opening(list: &mut Array<'_>) {
    list.object(|content| {
        content.word("role", "user");
        content.array("parts", |list| list.object(|part| part.text("text", &Text::plain("."))));
    });
}
