//! `options`: sampling, limits, and how to run the model.

use super::super::wire::Options;
use crate::chat::{ChatRequest, Extra, Failure};
use crate::dialect::lane::Ask;
use crate::wire::json::{Object, TextOr, write_u64};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What the hub has no word for is kept among the request's unknown fields under this prefix and its name.
pub(super) const PREFIX: &str = "options.";

/// Reads the options.
pub(super) fn decode<'a>(options: Options<'a>, request: &mut ChatRequest<'a>) -> Result<(), Failure> {
    request.temperature = options.temperature;
    request.top_p = options.top_p;
    request.top_k = options.top_k.and_then(count);
    request.seed = options.seed.map(|seed| whole("seed", seed)).transpose()?;
    request.frequency_penalty = options.frequency_penalty;
    request.presence_penalty = options.presence_penalty;
    request.stop = match options.stop {
        None => Vec::new(),
        Some(TextOr::Text(text)) => vec![text],
        Some(TextOr::Other(texts)) => texts,
    };
    if let Some(raw) = options.num_predict {
        match whole("num_predict", raw)? {
            limit @ 1.. => request.max_tokens = u64::try_from(limit).ok(),
            // No limit, which is what an absent one means everywhere.
            -1 => {}
            _ => request.extra.push((Cow::Borrowed("options.num_predict"), raw)),
        }
    }
    for (name, value) in options.extra {
        request.extra.push((Cow::Owned(format!("{PREFIX}{name}")), value));
    }
    Ok(())
}

/// A whole number, also where it is written with a fraction of zero.
fn whole(name: &str, raw: &RawValue) -> Result<i64, Failure> {
    let text = raw.get();
    #[expect(clippy::cast_possible_truncation, reason = "checked by the filter")]
    let from_float =
        || text.parse::<f64>().ok().filter(|number| number.abs() < 9e15).map(|number| number as i64);
    text.parse().ok().or_else(from_float).ok_or_else(|| {
        Failure::field(format!("{PREFIX}{name}"), format!("{PREFIX}{name}: expected a whole number"))
    })
}

fn count(number: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked by the filter")]
    (0.0..9e15).contains(&number).then_some(number as u64)
}

/// Writes `options`; nothing when there is nothing to say. `own`: the request's unknown fields are Ollama's.
pub(super) fn write(request: &ChatRequest<'_>, ask: &Ask<'_>, own: bool, body: &mut Object<'_>) {
    let max_tokens = ask.max_tokens.or(request.max_tokens);
    let others: Extra<'_> = request
        .extra
        .iter()
        .filter(|(name, _)| own && name.starts_with(PREFIX))
        .filter(|(name, _)| max_tokens.is_none() || !name.ends_with(".num_predict"))
        .map(|(name, value)| (Cow::Borrowed(name.get(PREFIX.len()..).unwrap_or(name)), *value))
        .collect();
    let numbers = [
        ("temperature", request.temperature),
        ("top_p", request.top_p),
        ("frequency_penalty", request.frequency_penalty),
        ("presence_penalty", request.presence_penalty),
    ];
    let counts = [("top_k", request.top_k), ("num_predict", max_tokens)];
    let is_silent = others.is_empty()
        && request.stop.is_empty()
        && request.seed.is_none()
        && numbers.iter().all(|(_, number)| number.is_none())
        && counts.iter().all(|(_, count)| count.is_none());
    if is_silent {
        return;
    }
    body.object("options", |options| {
        for (name, number) in numbers {
            if let Some(number) = number {
                options.f64(name, number);
            }
        }
        for (name, count) in counts {
            if let Some(count) = count {
                options.u64(name, count);
            }
        }
        if let Some(seed) = request.seed {
            let out = options.key("seed");
            if seed < 0 {
                out.push(b'-');
            }
            write_u64(out, seed.unsigned_abs());
        }
        if !request.stop.is_empty() {
            options.array("stop", |list| request.stop.iter().for_each(|text| list.text(text)));
        }
        options.extra(&others);
    });
}
