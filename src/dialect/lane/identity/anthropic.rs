//! A light look at Anthropic answers: what metering and the choice of the next target need, and no more.

use super::stream::Seen;
use crate::chat::Failure;
use crate::dialect::anthropic::{Counts, WireUsage, finish_reason};
use crate::dialect::lane::{Report, malformed, read_failure};
use crate::wire::json::{Text, parse, wire_object};
use crate::wire::sse::Event;
use serde_json::value::RawValue;

wire_object! {
    /// A whole answer.
    light struct Message<'a> {
        kind: Text<'a> = "type",
        model: Text<'a> = "model",
        content: Vec<&'a RawValue> = "content",
        stop_reason: Text<'a> = "stop_reason",
        usage: WireUsage<'a> = "usage",
        error: &'a RawValue = "error",
    }
}

wire_object! {
    /// An event of a stream.
    light struct Body<'a> {
        kind: Text<'a> = "type",
        message: Message<'a> = "message",
        block: Block<'a> = "content_block",
        delta: Delta<'a> = "delta",
        usage: WireUsage<'a> = "usage",
    }
}

wire_object! {
    light struct Block<'a> {
        kind: Text<'a> = "type",
        text: Text<'a> = "text",
        thinking: Text<'a> = "thinking",
    }
}

wire_object! {
    light struct Delta<'a> {
        kind: Text<'a> = "type",
        text: Text<'a> = "text",
        thinking: Text<'a> = "thinking",
        partial_json: Text<'a> = "partial_json",
        stop_reason: Text<'a> = "stop_reason",
    }
}

impl Delta<'_> {
    fn bytes(&self) -> u64 {
        [&self.text, &self.thinking, &self.partial_json]
            .into_iter()
            .flatten()
            .map(|text| text.len() as u64)
            .sum()
    }
}

/// What has to be remembered between the events of a stream.
#[derive(Debug, Default)]
pub(super) struct Look {
    counts: Counts,
    /// Bytes of a delta event around its text, learnt from the first one with content.
    around: u64,
}

impl Look {
    /// Looks at one event. `waiting`: nothing usable has come yet.
    pub(super) fn event(&mut self, event: &Event<'_>, waiting: bool, report: &mut Report) -> Seen {
        let Some(data) = event.data else { return Seen::Nothing };
        match event.name {
            "ping" | "content_block_stop" => return Seen::Nothing,
            "content_block_start" if !waiting => return Seen::Content,
            "content_block_delta" if !waiting => {
                report.output_bytes += (data.len() as u64).saturating_sub(self.around);
                return Seen::Content;
            }
            "message_stop" => return Seen::End,
            "error" => return Seen::Failure(read_failure(200, data)),
            _ => {}
        }
        // The rest is rare, or comes from a server that leaves the names out.
        let Ok(body) = parse::<Body<'_>>(data) else { return Seen::Nothing };
        let kind = body.kind.as_ref().map(Text::to_str).unwrap_or_default();
        match &*kind {
            "message_start" => {
                if let Some(message) = &body.message {
                    report.model = message.model.as_ref().map(|model| model.to_str().into_owned());
                    self.count(message.usage.as_ref(), report);
                }
                Seen::Nothing
            }
            "content_block_start" => match &body.block {
                Some(block) if block.starts_content() => Seen::Content,
                _ => Seen::Nothing,
            },
            "content_block_delta" => {
                let bytes = body.delta.as_ref().map_or(0, Delta::bytes);
                report.output_bytes += bytes;
                if bytes == 0 {
                    return Seen::Nothing;
                }
                if self.around == 0 {
                    self.around = (data.len() as u64).saturating_sub(bytes);
                }
                Seen::Content
            }
            "message_delta" => {
                self.count(body.usage.as_ref(), report);
                let reason = body.delta.as_ref().and_then(|delta| delta.stop_reason.as_ref());
                let Some(reason) = reason else { return Seen::Nothing };
                report.finish = Some(finish_reason(&reason.to_str()).as_openai());
                report.usage_is_final = !report.usage.is_empty();
                Seen::Finish
            }
            "message_stop" => Seen::End,
            "error" => Seen::Failure(read_failure(200, data)),
            _ => Seen::Nothing,
        }
    }

    fn count(&mut self, usage: Option<&WireUsage<'_>>, report: &mut Report) {
        if let Some(usage) = usage {
            self.counts.update(usage);
            report.usage = self.counts.to_usage();
        }
    }
}

impl Block<'_> {
    /// Whether the start of a block is content by itself: a text or a thought that is still empty is not, the name of
    /// a tool, a redacted thought or the result of a server's tool is.
    fn starts_content(&self) -> bool {
        let empty = |text: &Option<Text<'_>>| text.as_ref().is_none_or(Text::is_empty);
        match self.kind.as_ref().map(Text::to_str).as_deref() {
            Some("text") => !empty(&self.text),
            Some("thinking") => !empty(&self.thinking),
            Some(_) => true,
            None => false,
        }
    }
}

/// Reads what a whole answer says of itself.
///
/// # Errors
/// 502 when it is no answer; what an `error` says when it is one.
pub(super) fn answer(body: &[u8]) -> Result<Report, Failure> {
    let read: Message<'_> = parse(body).map_err(|error| malformed(&error))?;
    if read.error.is_some() || read.kind.as_ref().is_some_and(|kind| *kind == "error") {
        return Err(read_failure(200, body));
    }
    let Some(content) = read.content else {
        return Err(Failure::new(502, "the provider's answer has no content"));
    };
    let mut report = Report {
        model: read.model.map(|model| model.to_str().into_owned()),
        finish: read.stop_reason.map(|reason| finish_reason(&reason.to_str()).as_openai()),
        output_bytes: content.iter().map(|block| block.get().len() as u64).sum(),
        ..Report::default()
    };
    if let Some(usage) = read.usage {
        report.usage = usage.to_usage();
        report.usage_is_final = !report.usage.is_empty();
    }
    Ok(report)
}
