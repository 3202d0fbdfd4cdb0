//! How long the answer may be and how its words are drawn.

use super::encode::{Top, UNKNOWN_HERE};
use crate::chat::{ChatRequest, Failure, Reasoning};
use crate::dialect::Dialect;
use crate::dialect::openai_chat::model::OpenaiModel;
use crate::provider::Quirks;
use crate::wire::json::array;

/// The output limit's older and newer name.
pub(crate) const OUTPUT_LIMITS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// OpenAI takes at most this many stop sequences.
const MOST_STOPS: usize = 4;

/// Whether OpenAI's model of this name reasons when it is asked like this: it takes nothing then that steers the sampling.
pub(crate) fn reasons_when_asked(model: &str, reasoning: &Reasoning<'_>) -> bool {
    OpenaiModel::of(model).reasons(reasoning.effort)
}

/// What a provider calls the output limit. OpenAI's reasoning models refuse the older name, whoever serves them.
pub(crate) fn output_limit_name(quirks: &Quirks, model: &str) -> &'static str {
    let is_new = quirks.max_completion_tokens || OpenaiModel::of(model).always_reasons();
    if is_new { OUTPUT_LIMITS[1] } else { OUTPUT_LIMITS[0] }
}

/// Writes the output limit, the stop sequences and the sampling parameters.
pub(super) fn write(top: &mut Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> Result<(), Failure> {
    max_tokens(top, request)?;
    // A client that speaks OpenAI itself has chosen its model and its words.
    if request.origin != Dialect::OpenaiChat && reasons_when_asked(top.ask.model, &request.reasoning) {
        lose_sampling(top, request)?;
    } else {
        stop(top, request)?;
        top.f64("temperature", request.temperature)?;
        top.f64("top_p", request.top_p)?;
        top.f64("frequency_penalty", request.frequency_penalty)?;
        top.f64("presence_penalty", request.presence_penalty)?;
        top.bool("logprobs", request.logprobs)?;
        top.u64("top_logprobs", request.top_logprobs)?;
        top.json("logit_bias", request.logit_bias.as_ref())?;
    }
    if request.top_k.is_some() && !top.ask.quirks.top_k && request.origin != Dialect::OpenaiChat {
        top.losses.lost("top_k", UNKNOWN_HERE)?;
    } else {
        top.u64("top_k", request.top_k)?;
    }
    if let Some(seed) = request.seed {
        top.raw(top.ask.quirks.seed, &seed.to_string())?;
    }
    match request.n {
        Some(n) if n != 1 && !top.ask.quirks.choices => {
            top.losses.lost("n", "is 1 at most at this provider")?;
        }
        n => top.u64("n", n)?,
    }
    top.text("verbosity", request.verbosity.as_ref())
}

fn max_tokens(top: &mut Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> Result<(), Failure> {
    if OUTPUT_LIMITS.into_iter().any(|name| top.is_overridden(name)) {
        return Ok(());
    }
    let name = output_limit_name(top.ask.quirks, top.ask.model);
    top.u64(name, top.ask.max_tokens.or(request.max_tokens))
}

fn stop(top: &mut Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> Result<(), Failure> {
    if request.stop.is_empty() || top.is_overridden("stop") {
        return Ok(());
    }
    if request.stop.len() > MOST_STOPS {
        let field = format!("{}[{MOST_STOPS}..]", stop_field(request));
        top.losses.lost(&field, "OpenAI takes at most four stop sequences")?;
    }
    let Some(out) = top.field("stop")? else { return Ok(()) };
    array(out, |list| request.stop.iter().take(MOST_STOPS).for_each(|text| list.text(text)));
    Ok(())
}

/// What the client calls its stop sequences.
fn stop_field(request: &ChatRequest<'_>) -> &'static str {
    if request.origin == Dialect::Anthropic { "stop_sequences" } else { "stop" }
}

/// Reports what a reasoning model cannot be asked. What asks for the model's own way is no loss.
fn lose_sampling(top: &mut Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> Result<(), Failure> {
    let differs =
        |said: Option<f64>, usual: f64| said.is_some_and(|said| (said - usual).abs() > f64::EPSILON);
    let asked = [
        ("stop", !request.stop.is_empty()),
        ("temperature", differs(request.temperature, 1.0)),
        ("top_p", differs(request.top_p, 1.0)),
        ("frequency_penalty", differs(request.frequency_penalty, 0.0)),
        ("presence_penalty", differs(request.presence_penalty, 0.0)),
        ("logprobs", request.logprobs == Some(true)),
        ("top_logprobs", request.top_logprobs.is_some_and(|top| top > 0)),
        ("logit_bias", request.logit_bias.as_ref().is_some_and(|bias| bias.as_str() != "{}")),
    ];
    for (field, _) in asked.into_iter().filter(|(_, is_asked)| *is_asked) {
        if !top.is_overridden(field) {
            let said = if field == "stop" { stop_field(request) } else { field };
            let why = format!("{} is a reasoning model and does not take it", top.ask.model);
            top.losses.lost(said, &why)?;
        }
    }
    Ok(())
}
