//! A provider's stream becomes a client's, while it arrives.

use super::{AnswerPlan, Pass, Progress, Report, identity, translated};
use crate::chat::Failure;

/// The translator of one streamed answer.
#[derive(Debug)]
pub struct Stream(Lane);

#[derive(Debug)]
enum Lane {
    Identity(Box<identity::Stream>),
    Translated(Box<translated::Stream>),
}

impl Stream {
    /// A translator at the beginning of a stream.
    pub fn new(plan: &AnswerPlan) -> Self {
        Self(if plan.client == plan.provider {
            Lane::Identity(Box::new(identity::Stream::new(plan)))
        } else {
            Lane::Translated(Box::new(translated::Stream::new(plan)))
        })
    }

    /// Takes the provider's next bytes, however they are cut, and appends the client's to `out`.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Pass {
        match &mut self.0 {
            Lane::Identity(lane) => lane.push(chunk, out),
            Lane::Translated(lane) => lane.push(chunk, out),
        }
    }

    /// The provider closed the connection. A stream that did not finish although content was sent ends with a typed
    /// error event of the client's dialect.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Pass {
        match &mut self.0 {
            Lane::Identity(lane) => lane.end(out),
            Lane::Translated(lane) => lane.end(out),
        }
    }

    /// Where the stream stands.
    pub fn progress(&self) -> Progress {
        match &self.0 {
            Lane::Identity(lane) => lane.progress(),
            Lane::Translated(lane) => lane.progress(),
        }
    }

    /// What the provider reported, or what was wrong with its stream.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.0 {
            Lane::Identity(lane) => lane.failure(),
            Lane::Translated(lane) => lane.failure(),
        }
    }

    /// What metering and audit need to know, so far.
    pub fn report(&self) -> &Report {
        match &self.0 {
            Lane::Identity(lane) => lane.report(),
            Lane::Translated(lane) => lane.report(),
        }
    }
}
