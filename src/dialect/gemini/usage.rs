//! Gemini's token counts. On the wire the thoughts stand **beside** the answer's tokens and what tools put into the
//! prompt stands beside the prompt's; the hub's output and input include them.

use crate::chat::Usage;
use crate::wire::json::{Count, Object, parse_raw, wire_object};
use serde_json::value::RawValue;

wire_object! {
    /// A `usageMetadata` object.
    pub(super) struct WireUsage<'a> {
        pub(super) prompt: Count = "promptTokenCount",
        pub(super) candidates: Count = "candidatesTokenCount",
        pub(super) total: Count = "totalTokenCount",
        pub(super) cached: Count = "cachedContentTokenCount",
        pub(super) thoughts: Count = "thoughtsTokenCount",
        pub(super) tool_prompt: Count = "toolUsePromptTokenCount",
        pub(super) prompt_details: &'a RawValue = "promptTokensDetails",
        pub(super) candidates_details: &'a RawValue = "candidatesTokensDetails",
    }
}

wire_object! {
    /// The tokens of one kind.
    light struct Modality<'a> {
        kind: crate::chat::Text<'a> = "modality",
        count: Count = "tokenCount",
    }
}

impl WireUsage<'_> {
    /// The hub's counts. A count that is absent beside the prompt's is zero: the wire leaves zeros out.
    pub(super) fn to_usage(&self) -> Usage {
        let count = |field: Option<Count>| Count::of(field);
        let (prompt, thoughts, tools) = (count(self.prompt), count(self.thoughts), count(self.tool_prompt));
        let said = prompt.is_some() || count(self.candidates).is_some() || count(self.total).is_some();
        let candidates = count(self.candidates).unwrap_or(0);
        let input = prompt.unwrap_or(0).saturating_add(tools.unwrap_or(0));
        // Some models count the thoughts among the answer's tokens already; the total tells.
        let included = count(self.total).is_some_and(|total| total == input.saturating_add(candidates))
            && candidates >= thoughts.unwrap_or(0)
            && candidates > 0;
        let output = if included { candidates } else { candidates.saturating_add(thoughts.unwrap_or(0)) };
        Usage {
            input: said.then_some(input),
            output: said.then_some(output),
            cache_read: count(self.cached),
            reasoning: thoughts,
            audio_input: audio(self.prompt_details),
            audio_output: audio(self.candidates_details),
            ..Usage::default()
        }
    }
}

fn audio(details: Option<&RawValue>) -> Option<u64> {
    let details: Vec<Modality<'_>> = parse_raw(details?).ok()?;
    let entry = details.iter().find(|entry| entry.kind.as_ref().is_some_and(|kind| *kind == "AUDIO"))?;
    Count::of(entry.count)
}

/// Reads a `usageMetadata` object; what is none says nothing.
pub(super) fn read(raw: &RawValue) -> Usage {
    parse_raw::<WireUsage<'_>>(raw).map(|usage| usage.to_usage()).unwrap_or_default()
}

/// Writes the fields of a `usageMetadata` object.
pub(super) fn write_usage(usage: &Usage, object: &mut Object<'_>) {
    let (input, output) = (usage.input.unwrap_or(0), usage.output.unwrap_or(0));
    object.u64("promptTokenCount", input);
    object.u64("candidatesTokenCount", output.saturating_sub(usage.reasoning.unwrap_or(0)));
    object.u64("totalTokenCount", input.saturating_add(output));
    if let Some(cached) = usage.cache_read {
        object.u64("cachedContentTokenCount", cached);
    }
    if let Some(thoughts) = usage.reasoning {
        object.u64("thoughtsTokenCount", thoughts);
    }
    for (key, audio, all) in [
        ("promptTokensDetails", usage.audio_input, input),
        ("candidatesTokensDetails", usage.audio_output, output.saturating_sub(usage.reasoning.unwrap_or(0))),
    ] {
        let Some(audio) = audio.filter(|audio| *audio > 0) else { continue };
        object.array(key, |list| {
            for (kind, count) in [("TEXT", all.saturating_sub(audio)), ("AUDIO", audio)] {
                list.object(|entry| {
                    entry.word("modality", kind);
                    entry.u64("tokenCount", count);
                });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::{object, parse};

    fn usage(json: &str) -> Usage {
        parse::<WireUsage<'_>>(json.as_bytes()).unwrap().to_usage()
    }

    #[test]
    fn thoughts_are_output_and_tools_are_input() {
        let read = usage(
            r#"{"promptTokenCount":20,"candidatesTokenCount":9,"thoughtsTokenCount":100,"cachedContentTokenCount":5,
            "toolUsePromptTokenCount":3,"totalTokenCount":132,"promptTokensDetails":[{"modality":"TEXT","tokenCount":18},
            {"modality":"AUDIO","tokenCount":2}]}"#,
        );
        assert_eq!((read.input, read.output, read.reasoning), (Some(23), Some(109), Some(100)));
        assert_eq!((read.cache_read, read.audio_input), (Some(5), Some(2)));
    }

    #[test]
    fn absent_is_zero_and_nothing_is_nothing() {
        assert_eq!(usage(r#"{"promptTokenCount":7}"#).output, Some(0));
        assert_eq!(usage(r#"{"promptTokenCount":7,"thoughtsTokenCount":4}"#).output, Some(4));
        assert!(usage("{}").is_empty());
    }

    #[test]
    fn thoughts_that_were_counted_already_are_not_counted_twice() {
        let read = usage(
            r#"{"promptTokenCount":10,"candidatesTokenCount":30,"thoughtsTokenCount":20,"totalTokenCount":40}"#,
        );
        assert_eq!(read.output, Some(30));
    }

    #[test]
    fn written_as_google_counts() {
        let usage = Usage {
            input: Some(10),
            output: Some(7),
            reasoning: Some(4),
            cache_read: Some(2),
            audio_input: Some(3),
            ..Usage::default()
        };
        let mut out = Vec::new();
        object(&mut out, |o| write_usage(&usage, o));
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"promptTokenCount":10,"candidatesTokenCount":3,"totalTokenCount":17,"cachedContentTokenCount":2,"thoughtsTokenCount":4,"promptTokensDetails":[{"modality":"TEXT","tokenCount":7},{"modality":"AUDIO","tokenCount":3}]}"#
        );
    }
}
