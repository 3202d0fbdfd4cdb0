//! The hub's request as Anthropic takes it.

use super::super::model::Claude;
use super::parts::{Parts, write_json, write_words};
use super::reasoning::{self, Limits};
use super::tools::{self, Shape};
use super::turns::{Between, CLOSING, Conversation, OPENING, arrange};
use crate::chat::{ChatRequest, Failure, JSON_SENTENCE, Losses, PartKind, Text};
use crate::dialect::Dialect;
use crate::dialect::digest::digest;
use crate::dialect::lane::{Ask, Encoded, with_params};
use crate::wire::json::{Object, object};

const WHY: &str = "is not supported by Anthropic";

/// Writes a request for Anthropic.
///
/// # Errors
/// 400 when nothing is left to say, or when a field would be lost that must not be.
pub fn encode_request(
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Encoded, Failure> {
    let own = request.origin == Dialect::Anthropic;
    let claude = Claude::of(ask.model);
    request.lose_openai_sampling(losses, WHY)?;
    if !own {
        losses.lost_extra("", &request.extra, WHY)?;
        if request.metadata.is_some() {
            losses.lost("metadata", WHY)?;
        }
    }
    let mut talk = arrange(request, Between { own, maker: "Anthropic", takes_thoughts: true }, losses)?;
    talk.close(own, claude.takes_prefill(), losses);
    let shape = tools::shape(request, claude, losses)?;
    let choice = tools::choose(request, claude, &shape, losses)?;
    let limits = reasoning::decide(request, ask, claude, own, &talk, choice.is_forced(), losses)?;

    let mut out = Vec::with_capacity(1024 + talk.size());
    object(&mut out, |body| {
        body.str("model", ask.model);
        body.u64("max_tokens", limits.max_tokens);
        if request.stream {
            body.bool("stream", true);
        }
        // A field that the client said in full, in this dialect, is written as it came.
        let said = |field: &str| own && request.extra.iter().any(|(name, _)| name == field);
        if !said("thinking") {
            reasoning::write_thinking(limits, request, claude, losses, body);
        }
        if !said("output_config") {
            write_output_config(limits, &shape, own, losses, body);
        }
        reasoning::write_sampling(request, claude, limits.thinks(), losses, body)?;
        write_stop(request, losses, body);
        write_service_tier(request, own, losses, body)?;
        match (&request.metadata, &request.user) {
            (Some(metadata), _) if own => write_json("metadata", metadata, body),
            (_, Some(user)) => body.object("metadata", |metadata| write_user(user, losses, metadata)),
            _ => {}
        }
        tools::write(request, claude, &shape, &choice, losses, body)?;
        if own {
            body.extra(&request.extra);
        }
        write_conversation(&talk, &shape, own, losses, body)
    })?;
    let body = with_params(out, ask);
    Ok(Encoded { body, json_tool: matches!(shape, Shape::Tool(_)) })
}

fn write_output_config(
    limits: Limits,
    shape: &Shape<'_, '_>,
    own: bool,
    losses: &mut Losses,
    body: &mut Object<'_>,
) {
    if limits.effort.is_none() && !matches!(shape, Shape::Format(_) | Shape::Own(_)) {
        return;
    }
    body.object("output_config", |config| {
        if let Some(effort) = limits.effort {
            config.word("effort", effort.as_str());
        }
        match shape {
            Shape::Format(schema) => tools::write_format(schema, own, losses, config),
            Shape::Own(json) => write_json("format", json, config),
            _ => {}
        }
    });
}

/// Characters of a user's id, at most.
const LONGEST_USER: usize = 256;

/// Writes the user. Anthropic wants ids that say nothing of who it is, and refuses what it can tell to be more.
fn write_user(user: &Text<'_>, losses: &mut Losses, metadata: &mut Object<'_>) {
    let said = user.to_str();
    let why = if said.chars().count() > LONGEST_USER {
        "takes at most 256 characters"
    } else if is_address(&said) {
        "takes no e-mail addresses and telephone numbers"
    } else {
        return metadata.text("user_id", user);
    };
    losses.note(format_args!("user replaced by a hash of it: Anthropic {why}"));
    metadata.str("user_id", &format!("user_{}", digest(&said, 16)));
}

/// Whether it is an e-mail address or a telephone number.
fn is_address(user: &str) -> bool {
    let is_mail = user.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    let is_dialled = |c: char| c.is_ascii_digit() || c.is_ascii_whitespace() || "()-".contains(c);
    let number = user.strip_prefix('+').unwrap_or(user);
    is_mail || (number.len() >= 7 && number.chars().all(is_dialled))
}

fn write_stop(request: &ChatRequest<'_>, losses: &mut Losses, body: &mut Object<'_>) {
    let has_blank = request.stop.iter().any(Text::is_blank);
    if has_blank {
        losses.note("stop: blank stop texts dropped, Anthropic refuses them");
    }
    if request.stop.iter().any(|text| !text.is_blank()) {
        body.array("stop_sequences", |list| {
            for text in request.stop.iter().filter(|text| !text.is_blank()) {
                list.text(text);
            }
        });
    }
}

fn write_service_tier(
    request: &ChatRequest<'_>,
    own: bool,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    let Some(tier) = &request.service_tier else { return Ok(()) };
    match &*tier.to_str() {
        "auto" => body.word("service_tier", "auto"),
        "default" if !own => body.word("service_tier", "standard_only"),
        _ if own => body.text("service_tier", tier),
        other => losses.lost("service_tier", &format!("{other} {WHY}"))?,
    }
    Ok(())
}

fn write_conversation(
    talk: &Conversation<'_, '_>,
    shape: &Shape<'_, '_>,
    own: bool,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    let mut parts = Parts::new(own, losses);
    if !talk.system.is_empty() || matches!(shape, Shape::Sentence) {
        body.array("system", |list| {
            for spoken in &talk.system {
                if matches!(spoken.part.kind, PartKind::Text(_) | PartKind::Refusal(_)) {
                    parts.write(spoken, false, list)?;
                } else {
                    parts.losses.missed(
                        &spoken.part.kind,
                        &spoken.path(),
                        "only text can be an instruction to Anthropic's models",
                    )?;
                }
            }
            if matches!(shape, Shape::Sentence) {
                list.object(|block| {
                    block.word("type", "text");
                    block.word("text", JSON_SENTENCE);
                });
            }
            Ok::<(), Failure>(())
        })?;
    }
    body.array("messages", |list| {
        if talk.needs_opening {
            write_words(OPENING, list);
        }
        let last_turn = talk.turns.len().saturating_sub(1);
        for (index, turn) in talk.turns.iter().enumerate() {
            list.object(|message| {
                message.word("role", turn.role);
                parts.losses.said_by_model(turn.role == "assistant");
                message.array("content", |content| {
                    let last_part = turn.parts.len().saturating_sub(1);
                    for (at, spoken) in turn.parts.iter().enumerate() {
                        // A beginning of the answer must not end in white space.
                        let trim = index == last_turn && at == last_part && turn.role == "assistant";
                        parts.write(spoken, trim, content)?;
                    }
                    match turn.parts.last().filter(|_| content.is_empty() && !own) {
                        Some(last) => Err(parts.losses.nothing_left(&last.path())),
                        None => Ok(()),
                    }
                })
            })?;
        }
        if talk.needs_closing {
            write_words(CLOSING, list);
        }
        Ok(())
    })
}
