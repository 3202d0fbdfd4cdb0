//! Bedrock's token counts. On the wire `inputTokens` **excludes** what was read from or written to the cache, and
//! `totalTokens` is the sum of all; the hub's input includes both.

use super::wire::Usage as WireUsage;
use crate::chat::Usage;
use crate::wire::json::{Count, Object};

impl WireUsage<'_> {
    /// The hub's counts.
    pub(super) fn to_usage(&self) -> Usage {
        let cache_read = Count::of(self.cache_read).or(Count::of(self.cache_read_count));
        let cache_write = Count::of(self.cache_write).or(Count::of(self.cache_write_count));
        let cached = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
        let one_hour = self.cache_details.as_ref().map(|details| {
            let hours = details.iter().filter(|detail| detail.ttl.as_ref().is_some_and(|ttl| *ttl == "1h"));
            hours.filter_map(|detail| Count::of(detail.input)).fold(0, u64::saturating_add)
        });
        Usage {
            input: Count::of(self.input).map(|input| input.saturating_add(cached)),
            output: Count::of(self.output),
            cache_read,
            cache_write,
            cache_write_1h: one_hour,
            ..Usage::default()
        }
    }
}

/// Writes the fields of a `usage` object. The three sums are required by AWS's SDKs, so an unknown count is written as
/// 0.
pub(super) fn write_usage(usage: &Usage, object: &mut Object<'_>) {
    let (read, write) = (usage.cache_read.unwrap_or(0), usage.cache_write.unwrap_or(0));
    let (input, output) = (usage.input.unwrap_or(0), usage.output.unwrap_or(0));
    object.u64("inputTokens", input.saturating_sub(read.saturating_add(write)));
    object.u64("outputTokens", output);
    object.u64("totalTokens", input.saturating_add(output));
    if usage.cache_read.is_some() {
        object.u64("cacheReadInputTokens", read);
    }
    if usage.cache_write.is_some() {
        object.u64("cacheWriteInputTokens", write);
    }
    if let (Some(one_hour), Some(_)) = (usage.cache_write_1h, usage.cache_write) {
        object.array("cacheDetails", |list| {
            for (ttl, count) in [("1h", one_hour), ("5m", write.saturating_sub(one_hour))] {
                if count > 0 {
                    list.object(|detail| {
                        detail.word("ttl", ttl);
                        detail.u64("inputTokens", count);
                    });
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::{object, parse};

    #[test]
    fn input_includes_the_cache_in_the_hub_and_not_on_the_wire() {
        let wire = br#"{"inputTokens":64,"outputTokens":4,"totalTokens":2560,"cacheReadInputTokens":0,
            "cacheWriteInputTokens":2492,"cacheDetails":[{"ttl":"1h","inputTokens":492},{"ttl":"5m","inputTokens":2000}]}"#;
        let usage = parse::<WireUsage<'_>>(wire).unwrap().to_usage();
        assert_eq!(
            (usage.input, usage.cache_write, usage.cache_write_1h),
            (Some(2556), Some(2492), Some(492))
        );
        let mut out = Vec::new();
        object(&mut out, |o| write_usage(&usage, o));
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"inputTokens":64,"outputTokens":4,"totalTokens":2560,"cacheReadInputTokens":0,"cacheWriteInputTokens":2492,"cacheDetails":[{"ttl":"1h","inputTokens":492},{"ttl":"5m","inputTokens":2000}]}"#
        );
    }
}
