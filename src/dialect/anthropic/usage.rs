//! Anthropic's token counts. On the wire `input_tokens` **excludes** what was read from or written to the cache; the
//! hub's input includes both.

use crate::chat::Usage;
use crate::wire::json::{Count, Object, wire_object};

wire_object! {
    /// A `usage` object.
    pub struct WireUsage<'a> {
        /// Input that is neither read from nor written to the cache.
        pub input_tokens: Count = "input_tokens",
        /// Output, thinking included.
        pub output_tokens: Count = "output_tokens",
        /// Input written to the cache.
        pub cache_creation_input_tokens: Count = "cache_creation_input_tokens",
        /// Input read from the cache.
        pub cache_read_input_tokens: Count = "cache_read_input_tokens",
        /// What was written, by lifetime.
        pub cache_creation: CacheCreation<'a> = "cache_creation",
        /// Output by kind.
        pub output_tokens_details: OutputDetails<'a> = "output_tokens_details",
    }
}

wire_object! {
    /// What was written to the cache, by lifetime.
    pub struct CacheCreation<'a> {
        /// For five minutes.
        pub five_minutes: Count = "ephemeral_5m_input_tokens",
        /// For an hour.
        pub one_hour: Count = "ephemeral_1h_input_tokens",
    }
}

wire_object! {
    /// Output by kind.
    pub struct OutputDetails<'a> {
        /// Thinking.
        pub thinking_tokens: Count = "thinking_tokens",
    }
}

/// Counts of one answer as the wire says them, the newest of each. In a stream both `message_start` and
/// `message_delta` carry some; the hub's sums can only be made once both are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    input: Option<u64>,
    output: Option<u64>,
    cache_write: Option<u64>,
    cache_write_1h: Option<u64>,
    cache_read: Option<u64>,
    thinking: Option<u64>,
}

impl Counts {
    /// Takes each count that `usage` says.
    pub(crate) fn update(&mut self, usage: &WireUsage<'_>) {
        let newest = |new: Option<Count>, old: &mut Option<u64>| *old = Count::of(new).or(*old);
        newest(usage.input_tokens, &mut self.input);
        newest(usage.output_tokens, &mut self.output);
        newest(usage.cache_creation_input_tokens, &mut self.cache_write);
        newest(usage.cache_read_input_tokens, &mut self.cache_read);
        newest(usage.cache_creation.as_ref().and_then(|by| by.one_hour), &mut self.cache_write_1h);
        newest(usage.output_tokens_details.as_ref().and_then(|by| by.thinking_tokens), &mut self.thinking);
    }

    /// The hub's counts.
    pub(crate) fn to_usage(self) -> Usage {
        let cached = self.cache_read.unwrap_or(0).saturating_add(self.cache_write.unwrap_or(0));
        Usage {
            input: self.input.map(|input| input.saturating_add(cached)),
            output: self.output,
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            cache_write_1h: self.cache_write_1h,
            reasoning: self.thinking,
            ..Usage::default()
        }
    }
}

impl WireUsage<'_> {
    /// The hub's counts.
    pub fn to_usage(&self) -> Usage {
        let mut counts = Counts::default();
        counts.update(self);
        counts.to_usage()
    }
}

/// Writes the fields of a `usage` object. `input_tokens` and `output_tokens` are required by the official clients, so
/// an unknown count is written as 0.
pub(super) fn write_usage(usage: &Usage, object: &mut Object<'_>) {
    let cached = usage.cache_read.unwrap_or(0).saturating_add(usage.cache_write.unwrap_or(0));
    object.u64("input_tokens", usage.input.unwrap_or(0).saturating_sub(cached));
    if let Some(written) = usage.cache_write {
        object.u64("cache_creation_input_tokens", written);
    }
    if let Some(read) = usage.cache_read {
        object.u64("cache_read_input_tokens", read);
    }
    if let (Some(one_hour), Some(written)) = (usage.cache_write_1h, usage.cache_write) {
        object.object("cache_creation", |by| {
            by.u64("ephemeral_5m_input_tokens", written.saturating_sub(one_hour));
            by.u64("ephemeral_1h_input_tokens", one_hour);
        });
    }
    object.u64("output_tokens", usage.output.unwrap_or(0));
    if let Some(thinking) = usage.reasoning {
        object.object("output_tokens_details", |details| details.u64("thinking_tokens", thinking));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::{object, parse};

    #[test]
    fn input_includes_the_cache_in_the_hub_and_not_on_the_wire() {
        let wire = br#"{"input_tokens":16,"cache_creation_input_tokens":2387,"cache_read_input_tokens":0,
            "cache_creation":{"ephemeral_5m_input_tokens":2000,"ephemeral_1h_input_tokens":387},"output_tokens":5}"#;
        let usage = parse::<WireUsage<'_>>(wire).unwrap().to_usage();
        assert_eq!(
            (usage.input, usage.cache_write, usage.cache_write_1h),
            (Some(2403), Some(2387), Some(387))
        );
        let mut out = Vec::new();
        object(&mut out, |o| write_usage(&usage, o));
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"input_tokens":16,"cache_creation_input_tokens":2387,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":2000,"ephemeral_1h_input_tokens":387},"output_tokens":5}"#
        );
    }

    #[test]
    fn the_last_value_wins_and_an_absent_one_keeps_the_first() {
        let mut counts = Counts::default();
        let mut take = |json: &str| counts.update(&parse(json.as_bytes()).unwrap());
        take(r#"{"input_tokens":10,"cache_read_input_tokens":5,"output_tokens":1}"#);
        take(r#"{"cache_read_input_tokens":7,"output_tokens":20,"input_tokens":null}"#);
        let usage = counts.to_usage();
        assert_eq!((usage.input, usage.output, usage.cache_read), (Some(17), Some(20), Some(7)));
    }
}
