//! Cohere's counts. `tokens` is what went through the model, its templates for tools and safety included; `billed_units`
//! is what of it is paid for. Recorded answers have 208 cached tokens of 212 with 12 billed, so `tokens` is the count that
//! the others are parts of.

use crate::chat::Usage;
use crate::wire::json::{Count, Object, parse_raw, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// A `usage` object.
    pub struct WireUsage<'a> {
        /// What is paid for.
        pub billed_units: &'a RawValue = "billed_units",
        /// What went through the model.
        pub tokens: Tokens<'a> = "tokens",
        /// Input read from the prompt cache.
        pub cached_tokens: Count = "cached_tokens",
    }
}

wire_object! {
    /// Counts of tokens.
    pub struct Tokens<'a> {
        /// Input.
        pub input_tokens: Count = "input_tokens",
        /// Output, thinking included.
        pub output_tokens: Count = "output_tokens",
        /// The part of the output that was thinking.
        pub reasoning_tokens: Count = "reasoning_tokens",
        /// Tokens of pictures.
        pub image_tokens: &'a RawValue = "image_tokens",
    }
}

impl WireUsage<'_> {
    /// The hub's counts.
    pub fn to_usage(&self) -> Usage {
        let billed: Option<Tokens<'_>> = self.billed_units.and_then(|units| parse_raw(units).ok());
        let billed_input = billed.as_ref().and_then(|units| Count::of(units.input_tokens));
        let billed_output = billed.as_ref().and_then(|units| Count::of(units.output_tokens));
        let tokens = self.tokens.as_ref();
        let images = tokens.and_then(|tokens| tokens.image_tokens?.get().parse::<u64>().ok()).unwrap_or(0);
        let input = tokens.and_then(|tokens| Count::of(tokens.input_tokens));
        // Some models count pictures beside the input: where there are more of them, they cannot be a part of it.
        let input = input.map(|input| if images > input { input.saturating_add(images) } else { input });
        Usage {
            input: input.or(billed_input),
            output: tokens.and_then(|tokens| Count::of(tokens.output_tokens)).or(billed_output),
            cache_read: Count::of(self.cached_tokens),
            reasoning: tokens.and_then(|tokens| Count::of(tokens.reasoning_tokens)),
            billed_input,
            billed_output,
            ..Usage::default()
        }
    }
}

/// Writes the fields of a `usage` object. `own`: `billed_units` as Cohere itself said them.
pub(super) fn write_usage(
    usage: &Usage,
    own: Option<&RawValue>,
    images: Option<&RawValue>,
    o: &mut Object<'_>,
) {
    match own {
        Some(units) => o.raw("billed_units", units),
        None => o.object("billed_units", |units| {
            counts(usage.billed_input.or(usage.input), usage.billed_output.or(usage.output), units);
        }),
    }
    o.object("tokens", |tokens| {
        counts(usage.input, usage.output, tokens);
        if let Some(reasoning) = usage.reasoning {
            tokens.u64("reasoning_tokens", reasoning);
        }
        if let Some(images) = images {
            tokens.raw("image_tokens", images);
        }
    });
    if let Some(cached) = usage.cache_read {
        o.u64("cached_tokens", cached);
    }
}

fn counts(input: Option<u64>, output: Option<u64>, o: &mut Object<'_>) {
    for (key, count) in [("input_tokens", input), ("output_tokens", output)] {
        if let Some(count) = count {
            o.u64(key, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::parse;

    fn usage(json: &str) -> Usage {
        parse::<WireUsage<'_>>(json.as_bytes()).unwrap().to_usage()
    }

    #[test]
    fn tokens_count_and_billed_units_cost() {
        let usage = usage(
            r#"{"billed_units":{"input_tokens":12,"output_tokens":49},"tokens":{"input_tokens":212,"output_tokens":49},"cached_tokens":208}"#,
        );
        assert_eq!((usage.input, usage.output, usage.cache_read), (Some(212), Some(49), Some(208)));
        assert_eq!((usage.billed_input, usage.billed_output), (Some(12), Some(49)));
    }

    #[test]
    fn pictures_are_counted_once() {
        let beside = usage(r#"{"tokens":{"input_tokens":34,"output_tokens":70,"image_tokens":259}}"#);
        assert_eq!(beside.input, Some(293));
        let within = usage(r#"{"tokens":{"input_tokens":502,"output_tokens":141,"image_tokens":259}}"#);
        assert_eq!(within.input, Some(502));
        assert_eq!(usage(r#"{"billed_units":{"input_tokens":3.0}}"#).input, Some(3));
    }
}
