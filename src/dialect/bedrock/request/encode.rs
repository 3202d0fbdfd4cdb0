//! The hub's request as Converse takes it.

use super::super::family::Family;
use super::additional::{self, Additional};
use super::parts::Parts;
use super::tools::{self, Shape, unless_empty};
use crate::chat::{ChatRequest, Effort, Failure, Json, Losses, PartKind, Text};
use crate::dialect::Dialect;
use crate::dialect::anthropic::turns::{Between, CLOSING, Conversation, OPENING, arrange};
use crate::dialect::anthropic::{Claude, reasoning};
use crate::dialect::lane::{Ask, Encoded, with_params};
use crate::wire::json::{Object, members, object, write_string};

const WHY: &str = "is not supported by Bedrock";

/// Writes a request for Bedrock; the model goes into the path.
///
/// # Errors
/// 400 when nothing is left to say, or when a field would be lost that must not be.
pub fn encode_request(
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Encoded, Failure> {
    let own = request.origin == Dialect::Bedrock;
    let family = Family::of(ask.model);
    request.lose_openai_sampling(losses, WHY)?;
    if !own {
        losses.lost_extra("", &request.extra, WHY)?;
    }
    let between = Between { own, maker: "Bedrock", takes_thoughts: family.takes_thoughts() };
    let mut talk = arrange(request, between, losses)?;
    talk.close(own, family.claude().is_none_or(Claude::takes_prefill), losses);
    let mut additional = Additional::default();
    if own {
        additional.keep(request);
    }
    let shape = tools::shape(request, family, losses)?;
    let choice = tools::choose(request, family, &shape, &mut additional, losses)?;
    let sampling = sampling(request, ask, family, (&talk, choice.is_forced()), &mut additional, losses)?;

    let mut out = Vec::with_capacity(1024 + talk.size());
    object(&mut out, |body| {
        write_conversation(&talk, &shape, (own, family), losses, body)?;
        let stops = own || family.takes_stop();
        if !stops && !request.stop.is_empty() {
            losses.lost("stop", "is not supported by this model on Bedrock")?;
        }
        write_inference(request, &sampling, stops, losses, body);
        tools::write(request, family, &shape, &choice, losses, body)?;
        additional.write(body);
        unless_empty("outputConfig", body, |config| {
            tools::write_output(&shape, own, losses, config);
            own_members(request, "outputConfig.", config);
        });
        write_labels(request, own, losses, body)?;
        write_service_tier(request, own, losses, body)?;
        if own {
            for (name, value) in request.extra.iter().filter(|(name, _)| !name.contains('.')) {
                body.raw(name, value);
            }
        } else if request.origin == Dialect::Anthropic
            && family.claude().is_some()
            && !request.stop.is_empty()
        {
            // The text that ended the answer, which a client of Anthropic's dialect expects to be told.
            body.array("additionalModelResponseFieldPaths", |paths| paths.str("/stop_sequence"));
        }
        Ok::<(), Failure>(())
    })?;
    Ok(Encoded { body: with_params(out, ask), json_tool: matches!(shape, Shape::Tool(_)) })
}

/// The client's own members of an object, in this dialect.
fn own_members(request: &ChatRequest<'_>, prefix: &str, object: &mut Object<'_>) {
    if request.origin == Dialect::Bedrock {
        for (name, value) in &request.extra {
            if let Some(name) = name.strip_prefix(prefix) {
                object.raw(name, value);
            }
        }
    }
}

/// What is said of sampling.
#[derive(Debug, Default)]
struct Sampling {
    max_tokens: Option<u64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
}

/// Decides on limits, thinking and sampling; `(talk, forced)` are the conversation and whether a tool is forced.
fn sampling<'r>(
    request: &'r ChatRequest<'_>,
    ask: &Ask<'_>,
    family: Family,
    (talk, forced): (&Conversation<'_, '_>, bool),
    additional: &mut Additional<'r>,
    losses: &mut Losses,
) -> Result<Sampling, Failure> {
    let own = request.origin == Dialect::Bedrock;
    let said = Sampling {
        max_tokens: ask.max_tokens.or(request.max_tokens),
        temperature: request.temperature,
        top_p: request.top_p,
    };
    let Family::Claude(claude) = family else {
        additional::plain(family, request, additional, losses)?;
        let thinks_hard = matches!(additional.effort, Some((Family::Nova { .. }, Effort::High)));
        return if thinks_hard && !own { without_limits(&said, losses) } else { Ok(said) };
    };
    let as_said = own || request.origin == Dialect::Anthropic;
    let limits = reasoning::decide(request, ask, claude, as_said, talk, forced, losses)?;
    additional.claude = Some((limits, reasoning::display(limits, request, claude, as_said, losses)));
    if own {
        additional.top_k = request.top_k.map(|top_k| (family, top_k));
        return Ok(said);
    }
    let mut sampling = Sampling { max_tokens: Some(limits.max_tokens), ..said };
    let refused = if as_said {
        None
    } else if claude.is_only_adaptive() {
        Some("is not supported by this model")
    } else if limits.thinks() {
        Some("is not supported while the model thinks")
    } else {
        None
    };
    if let Some(why) = refused {
        let says_something =
            |value: Option<f64>| value.is_some_and(|value| (value - 1.0).abs() > f64::EPSILON);
        for (field, is_said) in [
            ("temperature", says_something(sampling.temperature)),
            ("top_p", says_something(sampling.top_p)),
            ("top_k", request.top_k.is_some()),
        ] {
            if is_said {
                losses.lost(field, why)?;
            }
        }
        return Ok(Sampling { temperature: None, top_p: None, ..sampling });
    }
    if sampling.temperature.is_some() && sampling.top_p.is_some() && claude.takes_one_sampler() && !as_said {
        losses.lost("top_p", "is not supported by this model together with temperature")?;
        sampling.top_p = None;
    }
    additional.top_k = request.top_k.map(|top_k| (family, top_k));
    Ok(sampling)
}

/// What Nova takes beside the highest effort: no limit and no sampling.
fn without_limits(said: &Sampling, losses: &mut Losses) -> Result<Sampling, Failure> {
    for (field, is_said) in [
        ("max_tokens", said.max_tokens.is_some()),
        ("temperature", said.temperature.is_some()),
        ("top_p", said.top_p.is_some()),
    ] {
        if is_said {
            losses.lost(field, "is not supported by this model together with a high reasoning effort")?;
        }
    }
    Ok(Sampling::default())
}

fn write_inference(
    request: &ChatRequest<'_>,
    sampling: &Sampling,
    stops: bool,
    losses: &mut Losses,
    body: &mut Object<'_>,
) {
    unless_empty("inferenceConfig", body, |config| {
        if let Some(limit) = sampling.max_tokens {
            config.u64("maxTokens", limit);
        }
        if let Some(temperature) = sampling.temperature {
            let clamped = temperature.clamp(0.0, 1.0);
            if (clamped - temperature).abs() > f64::EPSILON {
                losses.note(format_args!("temperature lowered from {temperature} to {clamped}"));
            }
            config.f64("temperature", clamped);
        }
        if let Some(top_p) = sampling.top_p {
            config.f64("topP", top_p);
        }
        let stop = || request.stop.iter().filter(|_| stops);
        if stop().any(Text::is_blank) {
            losses.note("stop: blank stop texts dropped, Bedrock's models refuse them");
        }
        if stop().any(|text| !text.is_blank()) {
            config.array("stopSequences", |list| {
                for text in stop().filter(|text| !text.is_blank()) {
                    list.text(text);
                }
            });
        }
        own_members(request, "inferenceConfig.", config);
    });
}

/// Writes `requestMetadata`: the client's labels, and the user among them. It takes 16 of them, of at most 256
/// characters from a small set.
fn write_labels(
    request: &ChatRequest<'_>,
    own: bool,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    if let (Some(metadata), true) = (&request.metadata, own) {
        body.key("requestMetadata").extend_from_slice(metadata.as_str().as_bytes());
        return Ok(());
    }
    let mut labels: Vec<(String, String)> = Vec::new();
    let labelled = request.metadata.as_ref().filter(|_| request.origin != Dialect::Anthropic);
    if let Some(found) = labelled.map(Json::as_str).and_then(|json| members(json.as_bytes()).ok()) {
        for member in found.fields {
            let value = Text::from_raw(member.value).map(|text| text.to_str().into_owned());
            match value.filter(|value| is_label(value) && is_label(&member.key) && !member.key.is_empty()) {
                Some(value) if labels.len() < MOST_LABELS => labels.push((member.key.into_owned(), value)),
                _ => losses.lost(&format!("metadata.{}", member.key), "is no label that Bedrock takes")?,
            }
        }
    }
    if let Some(user) = &request.user {
        let user = user.to_str();
        let is_free = labels.len() < MOST_LABELS && labels.iter().all(|(key, _)| key != "user");
        if is_label(&user) && is_free {
            labels.push(("user".to_owned(), user.into_owned()));
        } else {
            losses.lost("user", "is no label that Bedrock takes")?;
        }
    }
    if !labels.is_empty() {
        body.object("requestMetadata", |object| {
            for (key, value) in &labels {
                write_string(object.key(key), value);
            }
        });
    }
    Ok(())
}

/// Labels of one request, at most.
const MOST_LABELS: usize = 16;

fn is_label(text: &str) -> bool {
    text.len() <= 256 && text.chars().all(|c| c.is_ascii_alphanumeric() || " \t:_@$#=/+,-.".contains(c))
}

fn write_service_tier(
    request: &ChatRequest<'_>,
    own: bool,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    let Some(tier) = &request.service_tier else { return Ok(()) };
    let word = match &*tier.to_str() {
        other if own => other.to_owned(),
        "auto" => return Ok(()),
        "default" | "standard" | "standard_only" => "default".to_owned(),
        same @ ("flex" | "priority" | "reserved") => same.to_owned(),
        other => return losses.lost("service_tier", &format!("{other} {WHY}")),
    };
    body.object("serviceTier", |object| object.str("type", &word));
    Ok(())
}

fn write_conversation(
    talk: &Conversation<'_, '_>,
    shape: &Shape<'_, '_>,
    (own, family): (bool, Family),
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    let mut parts = Parts::new(own, family, losses);
    if !talk.system.is_empty() || matches!(shape, Shape::Sentence(_)) {
        body.array("system", |list| {
            for spoken in &talk.system {
                let is_text = matches!(spoken.part.kind, PartKind::Text(_) | PartKind::Refusal(_));
                if is_text || own {
                    parts.write(spoken, false, list)?;
                } else {
                    parts.losses.missed(
                        &spoken.part.kind,
                        &spoken.path(),
                        "only text can be an instruction to Bedrock's models",
                    )?;
                }
            }
            if let Shape::Sentence(sentence) = shape {
                list.object(|block| block.str("text", sentence));
            }
            Ok::<(), Failure>(())
        })?;
    }
    body.array("messages", |list| {
        if talk.needs_opening {
            list.object(|message| {
                message.word("role", "user");
                message.array("content", |content| content.object(|block| block.word("text", OPENING)));
            });
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
                        let trim = index == last_turn && at == last_part && turn.role == "assistant" && !own;
                        parts.write(spoken, trim, content)?;
                    }
                    if let Some(last) = turn.parts.last().filter(|_| content.is_empty() && !own) {
                        return Err(parts.losses.nothing_left(&last.path()));
                    }
                    let of = |kind: fn(&PartKind<'_>) -> bool| turn.parts.iter().any(|s| kind(&s.part.kind));
                    if !own
                        && of(|kind| matches!(kind, PartKind::Document(_)))
                        && !of(|kind| matches!(kind, PartKind::Text(_)))
                    {
                        parts
                            .losses
                            .note("messages: Bedrock wants a text beside a document, \".\" was put there");
                        content.object(|block| block.word("text", "."));
                    }
                    Ok::<(), Failure>(())
                })
            })?;
        }
        if talk.needs_closing {
            list.object(|message| {
                message.word("role", "user");
                message.array("content", |content| content.object(|block| block.word("text", CLOSING)));
            });
        }
        Ok(())
    })
}
