//! A provider's stream becomes a client's, while it arrives.

use super::transcript::Transcript;
use super::{AnswerPlan, Pass, Progress, Report, identity, translated};
use crate::chat::{Event, Failure};
use crate::dialect::Dialect;
use crate::dialect::codec::StreamDecoder;

/// The translator of one streamed answer.
#[derive(Debug)]
pub struct Stream(Lane);

#[derive(Debug)]
enum Lane {
    Identity { lane: Box<identity::Stream>, captured: Option<Box<Captured>> },
    Translated(Box<translated::Stream>),
}

/// The identity lane only looks at its bytes; where the words are wanted too, they are read beside it.
#[derive(Debug)]
struct Captured {
    decoder: StreamDecoder,
    transcript: Transcript,
}

impl Stream {
    /// A translator at the beginning of a stream.
    pub fn new(plan: &AnswerPlan) -> Self {
        // Dialects without a scanner of their own are read through their decoders, and pass all the same.
        let has_scanner =
            matches!(plan.provider, Dialect::OpenaiChat | Dialect::OpenaiCompletions | Dialect::Anthropic);
        Self(if plan.client == plan.provider && has_scanner {
            let captured =
                || Captured { decoder: StreamDecoder::new(plan.provider), transcript: Transcript::default() };
            Lane::Identity {
                lane: Box::new(identity::Stream::new(plan)),
                captured: plan.capture.then(|| Box::new(captured())),
            }
        } else {
            Lane::Translated(Box::new(translated::Stream::new(plan)))
        })
    }

    /// Takes the provider's next bytes, however they are cut, and appends the client's to `out`.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Pass {
        match &mut self.0 {
            Lane::Identity { lane, captured } => {
                if let Some(captured) = captured {
                    let Captured { decoder, transcript } = &mut **captured;
                    decoder.push(chunk, &mut |event: Event<'_>| transcript.take(&event));
                }
                lane.push(chunk, out)
            }
            Lane::Translated(lane) => lane.push(chunk, out),
        }
    }

    /// The provider closed the connection. A stream that did not finish although content was sent ends with a typed
    /// error event of the client's dialect.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Pass {
        match &mut self.0 {
            Lane::Identity { lane, captured } => {
                if let Some(captured) = captured {
                    let Captured { decoder, transcript } = &mut **captured;
                    decoder.end(&mut |event: Event<'_>| transcript.take(&event));
                }
                lane.end(out)
            }
            Lane::Translated(lane) => lane.end(out),
        }
    }

    /// Where the stream stands.
    pub fn progress(&self) -> Progress {
        match &self.0 {
            Lane::Identity { lane, .. } => lane.progress(),
            Lane::Translated(lane) => lane.progress(),
        }
    }

    /// What the provider reported, or what was wrong with its stream.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.0 {
            Lane::Identity { lane, .. } => lane.failure(),
            Lane::Translated(lane) => lane.failure(),
        }
    }

    /// What was generated so far, where the plan asked for it ([`AnswerPlan::capture`]): a JSON object of `text`,
    /// and where there are any `thinking`, `tool_calls` (`id`, `name`, `arguments`) and `refusal`, of the first
    /// choice. At most 1 MiB is kept; `truncated` is true where more came.
    pub fn transcript(&self) -> Option<String> {
        match &self.0 {
            Lane::Identity { captured, .. } => {
                captured.as_ref().map(|captured| captured.transcript.to_json())
            }
            Lane::Translated(lane) => lane.transcript(),
        }
    }

    /// What metering and audit need to know, so far.
    pub fn report(&self) -> &Report {
        match &self.0 {
            Lane::Identity { lane, .. } => lane.report(),
            Lane::Translated(lane) => lane.report(),
        }
    }
}
