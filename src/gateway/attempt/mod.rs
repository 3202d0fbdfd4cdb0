//! The attempt phase: once per try at one provider. Translates the request; looks at the first bytes of the answer and
//! either releases it, translated back, or turns it into a status that makes the router try the next target.

mod forward;
mod give_up;
mod release;
mod request;
mod response;
mod secret;
pub mod time_limit;
mod upstream_headers;

pub use give_up::exhausted;
pub use upstream_headers::{BETAS, REMOVED_BY_ROUTE};

use super::headers::Headers;
use super::worker::{SharedExchange, Worker};
use crate::dialect::lane::{AnswerPlan, Edit, Gauge, Stream};
use std::rc::Rc;
use time_limit::TimeLimit;

/// The attempt phase of one try.
#[derive(Debug)]
pub struct Attempt {
    worker: Rc<Worker>,
    /// The provider whose cluster this filter belongs to; `None` in the cluster by which tries go to all of them.
    provider: Option<Rc<str>>,
    exchange: Option<SharedExchange>,
    plan: Option<AnswerPlan>,
    /// The limit of the target's own, where it has one.
    time_limit: Option<TimeLimit>,
    /// The provider's response headers.
    headers: Headers,
    stage: Stage,
    /// Output of the stream's translator, kept for its allocation.
    scratch: Vec<u8>,
}

/// How far the try is.
#[derive(Debug)]
enum Stage {
    /// The request has not come yet.
    Fresh,
    /// The request goes out; what is still to be done to its body.
    Sending(Edit),
    /// The answer's headers are held until its body is whole; the bytes held by the proxy so far.
    Collecting { held: usize },
    /// The headers of a stream are held until its first content.
    Holding(Box<Held>),
    /// The stream goes to the client as it comes.
    Streaming,
    /// The answer goes to the client as it comes, whatever it is.
    Forwarding(Box<Gauge>),
    /// Everything that could be done was done.
    Through,
}

/// A stream of which the client has seen nothing yet.
#[derive(Debug)]
struct Held {
    stream: Stream,
    /// What the client will see of it.
    output: Vec<u8>,
    /// Whether that is anything else than what came.
    changed: bool,
    /// How much of what the proxy holds was read.
    seen: usize,
}

impl Attempt {
    /// A phase for a try that is about to begin, at `provider` or at whoever is due.
    pub fn new(worker: Rc<Worker>, provider: Option<Rc<str>>) -> Self {
        Self {
            worker,
            provider,
            exchange: None,
            plan: None,
            time_limit: None,
            headers: Headers::default(),
            stage: Stage::Fresh,
            scratch: Vec::new(),
        }
    }
}

/// The statuses beside 5xx that make the gateway try again. The router is told the same.
pub const RETRIABLE: [u16; 3] = [408, 409, 429];

/// Whether a provider's status makes the gateway try again: [`RETRIABLE`] and every 5xx (529 among them).
pub fn is_retriable(status: u16) -> bool {
    RETRIABLE.contains(&status) || (500..=599).contains(&status)
}
