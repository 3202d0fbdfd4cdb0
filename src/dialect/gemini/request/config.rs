//! `generationConfig`: sampling, limits, the shape of the answer.

use super::super::model::Gemini;
use super::{thinking, tools};
use crate::chat::{ChatRequest, Failure, Losses, ResponseFormat, Text, ToolKind};
use crate::dialect::Dialect;
use crate::dialect::lane::Ask;
use crate::wire::json::{Object, object};

/// The media type of an answer that is one of the words which the schema allows.
pub(super) const WORD: &str = "text/x.enum";

const WHY: &str = "is not supported by Gemini";

/// Most stop texts that Gemini takes.
const MOST_STOPS: usize = 5;

/// Most answers to one request.
const MOST_CANDIDATES: u64 = 8;

/// The highest penalty that is worth saying: all are below 2.
const MOST_PENALTY: f64 = 1.99;

/// Writes `generationConfig`, where anything is to be said.
pub(super) fn write(
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    model: Gemini,
    losses: &mut Losses,
    body: &mut Object<'_>,
) -> Result<(), Failure> {
    let mut config = Vec::new();
    object(&mut config, |config| fill(request, ask, model, losses, config))?;
    if config != b"{}" {
        body.key("generationConfig").extend_from_slice(&config);
    }
    Ok(())
}

fn fill(
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    model: Gemini,
    losses: &mut Losses,
    config: &mut Object<'_>,
) -> Result<(), Failure> {
    let own = request.origin == Dialect::Gemini;
    if let Some(limit) = ask.max_tokens.or(request.max_tokens) {
        config.u64("maxOutputTokens", limit);
    }
    if let Some(temperature) = request.temperature {
        let clamped = temperature.clamp(0.0, 2.0);
        if (clamped - temperature).abs() > f64::EPSILON {
            losses.note(format_args!("temperature lowered from {temperature} to {clamped}"));
        }
        config.f64("temperature", clamped);
    }
    for (key, value) in [
        ("topP", request.top_p),
        ("presencePenalty", request.presence_penalty),
        ("frequencyPenalty", request.frequency_penalty),
    ] {
        if let Some(value) = value.filter(|value| own || key == "topP" || *value != 0.0) {
            let fits = if own || key == "topP" { value } else { value.clamp(-2.0, MOST_PENALTY) };
            if (fits - value).abs() > f64::EPSILON {
                losses.note(format_args!("{key} changed from {value} to {fits}: Gemini takes less than 2"));
            }
            config.f64(key, fits);
        }
    }
    if let Some(top_k) = request.top_k {
        config.u64("topK", top_k);
    }
    if let Some(n) = request.n.filter(|n| own || *n != 1) {
        if n > MOST_CANDIDATES && !own {
            losses.lost("n", &format!("beyond {MOST_CANDIDATES} {WHY}"))?;
        }
        config.u64("candidateCount", if own { n } else { n.min(MOST_CANDIDATES) });
    }
    if let Some(seed) = request.seed {
        // Gemini's seeds have 32 bits.
        let fits = i32::try_from(seed).unwrap_or_else(|_| {
            let folded = (seed ^ (seed >> 32)) & 0x7fff_ffff;
            losses.note(format_args!("seed: {seed} has more than 32 bits, {folded} was sent"));
            i32::try_from(folded).unwrap_or(0)
        });
        config.key("seed").extend_from_slice(fits.to_string().as_bytes());
    }
    if request.logprobs == Some(true) {
        config.bool("responseLogprobs", true);
        if let Some(top) = request.top_logprobs.filter(|top| own || *top > 0) {
            config.u64("logprobs", top);
        }
    }
    write_stop(request, own, losses, config)?;
    write_format(request, model, losses, config)?;
    thinking::write(request, model, losses, config)?;
    if own {
        const PREFIX: &str = "generationConfig.";
        let fields =
            request.extra.iter().filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, value)));
        for (name, value) in fields.filter(|(name, _)| !name.contains('.')) {
            config.raw(name, value);
        }
    }
    Ok(())
}

fn write_stop(
    request: &ChatRequest<'_>,
    own: bool,
    losses: &mut Losses,
    config: &mut Object<'_>,
) -> Result<(), Failure> {
    let stops: Vec<&Text<'_>> = request.stop.iter().filter(|text| !text.is_empty()).collect();
    if stops.len() < request.stop.len() {
        losses.note("stop: empty stop texts dropped, Gemini refuses them");
    }
    if stops.len() > MOST_STOPS && !own {
        losses.lost("stop", &format!("beyond the first {MOST_STOPS} texts {WHY}"))?;
    }
    if !stops.is_empty() {
        let most = if own { stops.len() } else { MOST_STOPS };
        config.array("stopSequences", |list| stops.iter().take(most).for_each(|text| list.text(text)));
    }
    Ok(())
}

fn write_format(
    request: &ChatRequest<'_>,
    model: Gemini,
    losses: &mut Losses,
    config: &mut Object<'_>,
) -> Result<(), Failure> {
    let own = request.origin == Dialect::Gemini;
    let has_functions = || request.tools.iter().any(|tool| matches!(tool.kind, ToolKind::Function(_)));
    match &request.response_format {
        None | Some(ResponseFormat::Text) => {}
        Some(_) if !own && !model.takes_format_with_tools() && has_functions() => {
            losses.lost("response_format", "is not taken beside tools by this Gemini model")?;
        }
        Some(ResponseFormat::JsonObject) => config.word("responseMimeType", "application/json"),
        Some(ResponseFormat::JsonSchema(schema)) => {
            config.word("responseMimeType", if own && schema.is_word { WORD } else { "application/json" });
            tools::write_answer_schema(schema, own, model, losses, config)?;
        }
        Some(ResponseFormat::Other(opaque)) if own => {
            config.key("responseMimeType").extend_from_slice(opaque.json.as_str().as_bytes());
        }
        Some(ResponseFormat::Other(opaque)) => {
            losses.lost("response_format", &format!("of type {} {WHY}", opaque.kind.to_str()))?;
        }
    }
    Ok(())
}
