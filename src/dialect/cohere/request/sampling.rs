//! Sampling and limits, within the ranges that Cohere takes.

use super::super::WHY;
use crate::chat::{ChatRequest, Failure, Losses, Text};
use crate::dialect::lane::Ask;
use crate::wire::json::Object;

/// Most texts that may end an answer.
const MOST_STOPS: usize = 5;

/// Writes them. `own`: said in Cohere's own words, so written as they were.
pub(super) fn write(
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    own: bool,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    if let Some(limit) = ask.max_tokens.or(request.max_tokens) {
        body.u64("max_tokens", limit);
    }
    let mut within = |key: &str, name: &str, value: Option<f64>, least: f64, most: f64| {
        let Some(value) = value else { return };
        let clamped = if own { value } else { value.clamp(least, most) };
        if (clamped - value).abs() > f64::EPSILON {
            losses.note(format_args!("{name} moved from {value} to {clamped}, as far as Cohere goes"));
        }
        body.f64(key, clamped);
    };
    within("temperature", "temperature", request.temperature, 0.0, 1.0);
    within("p", "top_p", request.top_p, 0.01, 0.99);
    let said = |penalty: Option<f64>| penalty.filter(|penalty| own || *penalty != 0.0);
    within("frequency_penalty", "frequency_penalty", said(request.frequency_penalty), 0.0, 1.0);
    within("presence_penalty", "presence_penalty", said(request.presence_penalty), 0.0, 1.0);
    if let Some(k) = request.top_k {
        if k > 500 && !own {
            losses.note(format_args!("top_k moved from {k} to 500, as far as Cohere goes"));
        }
        body.u64("k", if own { k } else { k.min(500) });
    }
    match request.seed.map(u64::try_from) {
        None => {}
        Some(Ok(seed)) => body.u64("seed", seed),
        Some(Err(_)) => losses.lost("seed", "must not be negative for Cohere")?,
    }
    write_stops(request, own, losses, body);
    if let Some(logprobs) = request.logprobs.filter(|logprobs| own || *logprobs) {
        body.bool("logprobs", logprobs);
    }
    lose(request, losses)
}

fn write_stops(request: &ChatRequest<'_>, own: bool, losses: &mut Losses, body: &mut Object<'_>) {
    let stops: Vec<&Text<'_>> = request.stop.iter().filter(|text| !text.is_empty()).collect();
    if stops.is_empty() {
        return;
    }
    let kept = if own { stops.len() } else { stops.len().min(MOST_STOPS) };
    if kept < stops.len() {
        losses.note(format_args!("stop: only the first {MOST_STOPS} were sent, Cohere takes no more"));
    }
    body.array("stop_sequences", |list| {
        for text in stops.iter().take(kept) {
            list.text(text);
        }
    });
}

/// Reports what Cohere has no field for; values that ask for nothing are no loss.
fn lose(request: &ChatRequest<'_>, losses: &mut Losses) -> Result<(), Failure> {
    let tier = request.service_tier.as_ref().map(Text::to_str);
    for (field, is_said) in [
        ("n", request.n.is_some_and(|n| n != 1)),
        ("top_logprobs", request.top_logprobs.is_some_and(|top| top > 0)),
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
