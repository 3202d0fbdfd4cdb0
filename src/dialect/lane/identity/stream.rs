//! A stream that goes on as it comes.

use super::{anthropic, openai_chat};
use crate::chat::Failure;
use crate::dialect::Dialect;
use crate::dialect::codec::write_failure_event;
use crate::dialect::lane::{AnswerPlan, Pass, Progress, Report, bare_failure};
use crate::wire::sse::Framer;

/// What an event was.
#[derive(Debug)]
pub(super) enum Seen {
    /// Nothing a client could use.
    Nothing,
    /// Content.
    Content,
    /// The finish reason.
    Finish,
    /// The usage of an OpenAI stream, in a chunk of its own.
    UsageChunk,
    /// The mark of a proper end.
    End,
    /// An error.
    Failure(Failure),
}

#[derive(Debug)]
enum Look {
    OpenaiChat(Box<openai_chat::Look>),
    Anthropic(anthropic::Look),
}

/// Follows a stream without changing it: usage is counted, the end and errors are noticed. Only a usage chunk that
/// the client did not ask for is taken out; while that can happen, the bytes of an event that a chunk's end has cut
/// are withheld until the rest comes.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact about the stream, independent of the others"
)]
pub struct Stream {
    client: Dialect,
    framer: Framer,
    look: Look,
    hides_usage: bool,
    /// The last event was taken out.
    hid_last: bool,
    /// The stream can no longer be followed (an endless event): everything passes.
    lost: bool,
    saw_finish: bool,
    progress: Progress,
    failure: Option<Failure>,
    report: Report,
}

impl Stream {
    /// The stream of a planned answer.
    pub fn new(plan: &AnswerPlan) -> Self {
        Self {
            client: plan.client,
            framer: Framer::default(),
            look: match plan.provider {
                Dialect::Anthropic => Look::Anthropic(anthropic::Look::default()),
                _ => Look::OpenaiChat(Box::default()),
            },
            hides_usage: plan.provider != Dialect::Anthropic && !plan.show_usage,
            hid_last: false,
            lost: false,
            saw_finish: false,
            progress: Progress::Waiting,
            failure: None,
            report: Report::default(),
        }
    }

    /// Takes a chunk of the provider's stream.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Pass {
        if self.lost {
            return Pass::AsIs;
        }
        // The chunk goes on as it is unless something was withheld before it, or is taken out of it. `copied` is where
        // the part of it starts that is not dealt with yet.
        let mut replaced = false;
        let mut copied = 0;
        if self.hides_usage {
            replaced = !self.framer.pending().is_empty();
            if self.framer.expects_lf() && self.hid_last && chunk.first() == Some(&b'\n') {
                replaced = true;
                copied = 1;
            }
        }
        let mut rest = chunk;
        loop {
            let was_pending = !self.framer.pending().is_empty();
            let event = match self.framer.next(&mut rest) {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(_) => return self.lose(chunk.get(copied..).unwrap_or_default(), replaced, out),
            };
            let waiting = self.progress == Progress::Waiting;
            let seen = match &mut self.look {
                Look::OpenaiChat(look) => look.event(&event, waiting, &mut self.report),
                Look::Anthropic(look) => look.event(&event, waiting, &mut self.report),
            };
            if self.hides_usage {
                let end = chunk.len() - rest.len();
                let start = if was_pending { 0 } else { end.saturating_sub(event.raw.len()) };
                self.hid_last = matches!(seen, Seen::UsageChunk);
                if self.hid_last {
                    if !was_pending {
                        out.extend_from_slice(chunk.get(copied..start).unwrap_or_default());
                    }
                    replaced = true;
                    copied = end;
                } else if was_pending {
                    // The event holds what was withheld.
                    out.extend_from_slice(event.raw);
                    copied = end;
                }
            }
            if waiting && self.failure.is_none() {
                self.failure = bare_failure(&event);
            }
            self.note(seen);
        }
        if !self.hides_usage {
            return Pass::AsIs;
        }
        let withheld = self.framer.pending().len();
        if replaced || withheld > 0 {
            let end = chunk.len().saturating_sub(withheld);
            out.extend_from_slice(chunk.get(copied..end).unwrap_or_default());
            return Pass::Replaced;
        }
        Pass::AsIs
    }

    /// The provider closed the stream. What was withheld goes out; a stream that broke off after content ends with an
    /// error event in the client's dialect.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Pass {
        let waiting = self.progress == Progress::Waiting;
        let mut open_line = false;
        if let Some(event) = self.framer.finish() {
            let seen = match &mut self.look {
                Look::OpenaiChat(look) => look.event(&event, waiting, &mut self.report),
                Look::Anthropic(look) => look.event(&event, waiting, &mut self.report),
            };
            if self.hides_usage && !matches!(seen, Seen::UsageChunk) {
                out.extend_from_slice(event.raw);
            }
            open_line = true;
            if waiting {
                self.failure = self.failure.take().or_else(|| bare_failure(&event));
            }
            self.note(seen);
        }
        match self.progress {
            Progress::Finished | Progress::Failed => {}
            _ if self.saw_finish => self.progress = Progress::Finished,
            _ if self.lost => {}
            Progress::Waiting => {
                self.progress = Progress::Failed;
                let empty = || Failure::new(502, "the provider's stream ended before any content");
                self.failure.get_or_insert_with(empty);
            }
            Progress::Content => {
                self.progress = Progress::Failed;
                let failure = Failure::new(502, "the provider's stream broke off");
                if open_line {
                    // Ends the event that was cut, lest the error become part of it.
                    out.extend_from_slice(b"\n\n");
                }
                write_failure_event(self.client, &failure, out);
                self.failure = Some(failure);
            }
        }
        if out.is_empty() { Pass::AsIs } else { Pass::Replaced }
    }

    /// Where the stream stands.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// What went wrong, once [`Progress::Failed`].
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref().filter(|_| self.progress == Progress::Failed)
    }

    /// What was seen so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    fn note(&mut self, seen: Seen) {
        if matches!(self.progress, Progress::Finished | Progress::Failed) {
            return;
        }
        match seen {
            Seen::Nothing | Seen::UsageChunk => {}
            Seen::Content => self.progress = Progress::Content,
            Seen::Finish => {
                self.progress = Progress::Content;
                self.saw_finish = true;
            }
            // An end without any content before it is an empty answer: still a reason to try the next target.
            Seen::End if self.progress == Progress::Waiting => {}
            Seen::End => self.progress = Progress::Finished,
            Seen::Failure(failure) => {
                self.progress = Progress::Failed;
                self.failure = Some(failure);
            }
        }
    }

    /// Gives up following: what was withheld goes out, and from now on everything passes.
    fn lose(&mut self, rest: &[u8], replaced: bool, out: &mut Vec<u8>) -> Pass {
        self.lost = true;
        if self.progress == Progress::Waiting {
            self.progress = Progress::Content;
        }
        self.report.warnings.push("stream: an event is too long to be read; its usage is unknown".to_owned());
        if !replaced {
            return Pass::AsIs;
        }
        out.extend_from_slice(self.framer.pending());
        out.extend_from_slice(rest);
        Pass::Replaced
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OPENAI: &str = concat!(
        ": hello\n\n",
        "data: {\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\r\n\r\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"caf\u{e9} \\\"usage\\\":{}\"},\"finish_reason\":null}],\"usage\":null}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"usage\"},\"finish_reason\":null}]}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":9,\"prompt_tokens_details\":{\"cached_tokens\":2},\"completion_tokens_details\":{\"reasoning_tokens\":5}}}\r\r\n",
        "data: [DONE]\n\n",
    );

    const ANTHROPIC: &str = concat!(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"c\",\"usage\":{\"input_tokens\":4,\"cache_read_input_tokens\":2,\"output_tokens\":1}}}\n\n",
        "event: ping\ndata: {\"type\":\"ping\"}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hey\"}}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":8,\"output_tokens_details\":{\"thinking_tokens\":3}}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );

    fn run<'c>(dialect: Dialect, show: bool, chunks: impl IntoIterator<Item = &'c [u8]>) -> (String, Stream) {
        let mut stream = Stream::new(&AnswerPlan::new(dialect, dialect, true, show));
        let (mut client, mut out) = (Vec::new(), Vec::new());
        for chunk in chunks {
            match stream.push(chunk, &mut out) {
                Pass::AsIs => {
                    assert!(out.is_empty());
                    client.extend_from_slice(chunk);
                }
                Pass::Replaced => client.append(&mut out),
            }
        }
        if stream.end(&mut out) == Pass::Replaced {
            client.append(&mut out);
        }
        (String::from_utf8(client).unwrap(), stream)
    }

    #[test]
    fn bytes_pass_and_are_counted() {
        let (client, stream) = run(Dialect::OpenaiChat, true, [OPENAI.as_bytes()]);
        assert_eq!(client, OPENAI);
        let report = stream.report();
        assert_eq!((report.usage.input, report.usage.output), (Some(3), Some(9)));
        assert_eq!((report.usage.cache_read, report.usage.reasoning), (Some(2), Some(5)));
        assert_eq!((report.finish, report.model.as_deref()), (Some("length"), Some("m-1")));
        assert!(report.usage_is_final && report.output_bytes > 0);
        assert_eq!(stream.progress(), Progress::Finished);

        let (client, stream) = run(Dialect::Anthropic, false, [ANTHROPIC.as_bytes()]);
        assert_eq!(client, ANTHROPIC);
        let report = stream.report();
        assert_eq!(
            (report.usage.input, report.usage.cache_read, report.usage.output),
            (Some(6), Some(2), Some(8))
        );
        assert_eq!(report.usage.reasoning, Some(3));
        assert_eq!((report.finish, report.model.as_deref()), (Some("tool_calls"), Some("c")));
        assert_eq!(stream.progress(), Progress::Finished);
    }

    #[test]
    fn only_the_usage_chunk_is_taken_out() {
        let (before, after) = OPENAI.split_once("data: {\"choices\":[],\"usage\"").unwrap();
        let (_, after) = after.split_once("\r\r\n").unwrap();
        let expected = format!("{before}{after}");
        for at in 0..=OPENAI.len() {
            let (first, second) = OPENAI.as_bytes().split_at(at);
            let (client, stream) = run(Dialect::OpenaiChat, false, [first, second]);
            assert_eq!(client, expected, "{at}");
            assert_eq!(stream.report().usage.output, Some(9));
        }
    }

    #[test]
    fn without_a_split_a_chunk_is_not_copied() {
        let mut stream = Stream::new(&AnswerPlan::new(Dialect::OpenaiChat, Dialect::OpenaiChat, true, false));
        let mut out = Vec::new();
        assert_eq!(
            stream.push(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", &mut out),
            Pass::AsIs
        );
        assert_eq!(stream.push(b"data: {\"cho", &mut out), Pass::Replaced);
        assert!(out.is_empty());
        assert_eq!(stream.push(b"ices\":[]}\n\n", &mut out), Pass::Replaced);
        assert_eq!(out, b"data: {\"choices\":[]}\n\n");
        out.clear();
        assert_eq!(stream.push(b"data: 1\n\n", &mut out), Pass::AsIs);
    }

    #[test]
    fn waiting_lasts_until_something_usable_comes() {
        for (dialect, events) in [(Dialect::OpenaiChat, OPENAI), (Dialect::Anthropic, ANTHROPIC)] {
            let mut stream = Stream::new(&AnswerPlan::new(dialect, dialect, true, true));
            let usable = events.find("caf").or_else(|| events.find("hey")).unwrap();
            let (early, late) = events.split_at(usable);
            stream.push(early.as_bytes(), &mut Vec::new());
            assert_eq!(stream.progress(), Progress::Waiting);
            let (content, _) = late.split_once("\n\n").unwrap();
            stream.push(content.as_bytes(), &mut Vec::new());
            stream.push(b"\n\n", &mut Vec::new());
            assert_eq!(stream.progress(), Progress::Content);
        }
    }

    #[test]
    fn an_error_before_content_is_the_attempts_failure() {
        for (dialect, events, status) in [
            (Dialect::OpenaiChat, "data: {\"error\":{\"message\":\"x\",\"code\":429}}\n\n", 429),
            (Dialect::OpenaiChat, "{\"error\":{\"message\":\"x\",\"type\":\"overloaded_error\"}}", 529),
            (Dialect::OpenaiChat, "{\n\"error\":\"x\"}\n", 502),
            (Dialect::OpenaiChat, "", 502),
            (Dialect::OpenaiChat, "data: [DONE]\n\n", 502),
            (
                Dialect::Anthropic,
                "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n",
                529,
            ),
        ] {
            let (_, stream) = run(dialect, false, [events.as_bytes()]);
            assert_eq!(stream.progress(), Progress::Failed, "{events}");
            assert_eq!(stream.failure().unwrap().status, status, "{events}");
        }
    }

    #[test]
    fn a_stream_that_breaks_off_ends_with_an_error() {
        let cut = OPENAI.find("data: {\"choices\":[{\"delta\":{},").unwrap();
        for at in [cut, cut + 9] {
            let (client, stream) = run(Dialect::OpenaiChat, true, [&OPENAI.as_bytes()[..at]]);
            assert_eq!(stream.progress(), Progress::Failed);
            assert!(client.ends_with("}}\n\n") && client.contains("\n\ndata: {\"error\":{"), "{client}");
        }
        let at = ANTHROPIC.find("event: message_delta").unwrap();
        let (client, _) = run(Dialect::Anthropic, true, [&ANTHROPIC.as_bytes()[..at]]);
        assert!(client.contains("\n\nevent: error\ndata: {\"type\":\"error\""), "{client}");
    }

    #[test]
    fn a_finish_without_the_last_mark_is_a_finish() {
        let at = OPENAI.find("data: [DONE]").unwrap();
        let (client, stream) = run(Dialect::OpenaiChat, true, [&OPENAI.as_bytes()[..at]]);
        assert_eq!((client.as_str(), stream.progress()), (&OPENAI[..at], Progress::Finished));
    }

    proptest! {
        #[test]
        fn any_split_same_result(
            anthropic in any::<bool>(),
            show in any::<bool>(),
            error in any::<bool>(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
        ) {
            let (dialect, events) =
                if anthropic { (Dialect::Anthropic, ANTHROPIC) } else { (Dialect::OpenaiChat, OPENAI) };
            let events = if error {
                events.replace("[DONE]", "{\"error\":{\"message\":\"late\"}}")
            } else {
                events.to_owned()
            };
            let events = events.as_bytes();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(events.len() + 1)).collect();
            at.extend([0, events.len()]);
            at.sort_unstable();
            let (whole, once) = run(dialect, show, [events]);
            let (pieces, cut) = run(dialect, show, at.windows(2).map(|pair| &events[pair[0]..pair[1]]));
            prop_assert_eq!(pieces, whole);
            prop_assert_eq!(cut.report(), once.report());
            prop_assert_eq!(cut.failure(), once.failure());
            prop_assert_eq!(cut.progress(), once.progress());
        }
    }
}
