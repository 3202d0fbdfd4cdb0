//! A provider's stream becomes a client's, while it arrives.

use super::transcript::Transcript;
use super::{AnswerPlan, Pass, Progress, Report, identity, translated};
use crate::chat::{Event, Failure};
use crate::dialect::carriage::{Unwrap, Wrap};
use crate::dialect::codec::StreamDecoder;
use crate::dialect::{Carriage, Dialect};

/// The translator of one streamed answer.
#[derive(Debug)]
pub struct Stream {
    lane: Lane,
    carriage: Option<Box<Carried>>,
}

/// A stream of which one side or both travel in Bedrock's frames.
#[derive(Debug)]
struct Carried {
    unwrap: Option<Unwrap>,
    wrap: Option<Wrap>,
    /// Both sides are the same: the bytes pass, and the lane only looks at them.
    passes: bool,
    /// The events as server-sent ones, kept for their allocation.
    events: Vec<u8>,
    /// What the lane makes of them.
    answer: Vec<u8>,
}

impl Carried {
    fn of(plan: &AnswerPlan) -> Option<Box<Self>> {
        let framed = |carriage| carriage == Carriage::BedrockInvoke;
        let (from, to) = (framed(plan.provider_carriage), framed(plan.client_carriage));
        (from || to).then(|| {
            Box::new(Self {
                unwrap: from.then(Unwrap::default),
                wrap: to.then(Wrap::default),
                passes: plan.is_identity(),
                events: Vec::new(),
                answer: Vec::new(),
            })
        })
    }

    /// Takes the provider's bytes out of their frames, through the lane, and into the client's frames.
    fn push(&mut self, lane: &mut Lane, chunk: &[u8], out: &mut Vec<u8>) -> Pass {
        self.events.clear();
        self.answer.clear();
        let events = match &mut self.unwrap {
            Some(unwrap) => {
                unwrap.push(chunk, &mut self.events);
                &self.events[..]
            }
            None => chunk,
        };
        let pass = lane.push(events, &mut self.answer);
        if self.passes {
            return Pass::AsIs;
        }
        let answer = if pass == Pass::AsIs { events } else { &self.answer[..] };
        match &mut self.wrap {
            Some(wrap) => wrap.push(answer, out),
            None => out.extend_from_slice(answer),
        }
        Pass::Replaced
    }

    fn end(&mut self, lane: &mut Lane, out: &mut Vec<u8>) -> Pass {
        self.answer.clear();
        lane.end(&mut self.answer);
        match &mut self.wrap {
            Some(wrap) => {
                wrap.push(&self.answer, out);
                wrap.end(out);
            }
            None => out.extend_from_slice(&self.answer),
        }
        if out.is_empty() { Pass::AsIs } else { Pass::Replaced }
    }
}

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
        let lane = if plan.client == plan.provider && has_scanner {
            let captured =
                || Captured { decoder: StreamDecoder::new(plan.provider), transcript: Transcript::default() };
            Lane::Identity {
                lane: Box::new(identity::Stream::new(plan)),
                captured: plan.capture.then(|| Box::new(captured())),
            }
        } else {
            Lane::Translated(Box::new(translated::Stream::new(plan)))
        };
        Self { lane, carriage: Carried::of(plan) }
    }

    /// Takes the provider's next bytes, however they are cut, and appends the client's to `out`.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Pass {
        match &mut self.carriage {
            Some(carriage) => carriage.push(&mut self.lane, chunk, out),
            None => self.lane.push(chunk, out),
        }
    }

    /// The provider closed the connection. A stream that did not finish although content was sent ends with a typed
    /// error event of the client's dialect.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Pass {
        match &mut self.carriage {
            Some(carriage) => carriage.end(&mut self.lane, out),
            None => self.lane.end(out),
        }
    }

    /// Where the stream stands.
    pub fn progress(&self) -> Progress {
        match &self.lane {
            Lane::Identity { lane, .. } => lane.progress(),
            Lane::Translated(lane) => lane.progress(),
        }
    }

    /// What the provider reported, or what was wrong with its stream.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.lane {
            Lane::Identity { lane, .. } => lane.failure(),
            Lane::Translated(lane) => lane.failure(),
        }
    }

    /// What was generated so far, where the plan asked for it ([`AnswerPlan::capture`]): a JSON object of `text`,
    /// and where there are any `thinking`, `tool_calls` (`id`, `name`, `arguments`) and `refusal`, of the first
    /// choice. At most 1 MiB is kept; `truncated` is true where more came.
    pub fn transcript(&self) -> Option<String> {
        match &self.lane {
            Lane::Identity { captured, .. } => {
                captured.as_ref().map(|captured| captured.transcript.to_json())
            }
            Lane::Translated(lane) => lane.transcript(),
        }
    }

    /// What metering and audit need to know, so far.
    pub fn report(&self) -> &Report {
        match &self.lane {
            Lane::Identity { lane, .. } => lane.report(),
            Lane::Translated(lane) => lane.report(),
        }
    }
}

impl Lane {
    fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Pass {
        match self {
            Self::Identity { lane, captured } => {
                if let Some(captured) = captured {
                    let Captured { decoder, transcript } = &mut **captured;
                    decoder.push(chunk, &mut |event: Event<'_>| transcript.take(&event));
                }
                lane.push(chunk, out)
            }
            Self::Translated(lane) => lane.push(chunk, out),
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Pass {
        match self {
            Self::Identity { lane, captured } => {
                if let Some(captured) = captured {
                    let Captured { decoder, transcript } = &mut **captured;
                    decoder.end(&mut |event: Event<'_>| transcript.take(&event));
                }
                lane.end(out)
            }
            Self::Translated(lane) => lane.end(out),
        }
    }
}
