//! One client request and all its attempts: what the two phases share.

mod chain;
mod tries;

pub use chain::{Aside, Resting};
pub use tries::{Attempt, AttemptEnd, Ending};

use crate::chat::{Failure, Usage, UsageStatus};
use crate::config::tables::{Model, Provider, Secret, Tables};
use crate::dialect::lane::{Form, Outgoing, Progress, Report, Stream, Warning, count};
use crate::dialect::{Call, Forward, Operation};
use crate::gateway::admission::Admission;
use crate::gateway::headers::Headers;
use crate::gateway::held::Held;
use crate::meter::estimate::{Tokenizer, from_body};
use crate::meter::price::Cost;
use crate::policy::keys::Holders;
use crate::policy::reason::Reason;
use crate::policy::route::Step;
use std::rc::Rc;
use std::time::Duration;

/// One client request on its way.
#[derive(Debug)]
pub struct Exchange {
    /// The configuration in force when it came; a reload does not change it under way.
    pub tables: Rc<Tables>,
    /// What the client asks for, and in which dialect.
    pub call: Call,
    /// What is passed through; `None` for what is understood.
    pub forwarded: Option<Forwarded>,
    /// The public model, and what a wildcard's `*` stood for.
    pub model: Rc<Model>,
    /// See [`crate::policy::route::Found`].
    pub carried: String,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// The client's headers as the proxy holds them; see [`Exchange::client_header`].
    pub headers: Headers,
    /// The client's headers that hold keys of the gateway's.
    pub key_headers: Holders,
    /// Whether the client's token, which is for the gateway too, was believed.
    pub has_token: bool,
    /// The access token of Google's that the proxy fetched, where a target wants one.
    pub gcp_token: Option<Secret>,
    /// The client's body. Let go when an answer is released, for no other attempt will need it.
    pub body: Held,
    /// The proxy's id of the request.
    pub request_id: String,
    /// CORS headers of the answer.
    pub cors: Vec<(&'static str, String)>,
    /// The tries allowed.
    pub steps: Vec<Step>,
    /// Tries begun; the current one is `steps[begun - 1]`.
    pub begun: usize,
    /// Retries that the proxy was told it may make.
    pub retries_granted: usize,
    /// The target (its position) whose cluster the router was last told to use.
    pub routed: usize,
    /// The tries to come as they were before those at providers without room, or that cannot take the request, were laid
    /// aside.
    pub aside: Option<Aside>,
    /// The targets that are left alone for now.
    pub resting: Resting,
    /// Whether the body may hold more than text, once that was asked.
    pub holds_media: Option<bool>,
    /// Every try so far, and the targets that were passed over.
    pub attempts: Vec<Attempt>,
    /// What an answer used that the client did not get.
    pub filtered: Option<Filtered>,
    /// What it holds of budgets and limits, where there are any.
    pub admission: Option<Box<Admission>>,
    /// The request as it was written for a target (its position) before its try began.
    pub prepared: Option<(usize, Outgoing)>,
    /// The target (its position) that this request has leave to try although its circuit was open.
    pub probing: Option<usize>,
    /// Targets (their numbers) that had something out of the ordinary when the request looked: a good answer is news.
    pub troubled: Vec<u64>,
    /// The target (its number) whose requests under way this one is counted among.
    pub busy: Option<u64>,
    /// What chose the first target; `None` for the order of the file.
    pub chosen_by: Option<&'static str>,
    /// The reason for which a chain of its own took the place of the rest.
    pub diverted: Option<Reason>,
    /// The rule that named the model.
    pub rule: Option<Rc<str>>,
    /// How the answer stands.
    pub answer: AnswerState,
}

/// An answer that a provider's content filter ended, and that another one took the place of. It is paid for all the same.
#[derive(Debug)]
pub struct Filtered {
    /// Whose it was.
    pub provider: Rc<Provider>,
    /// Which of its models'.
    pub model: String,
    /// What it used.
    pub usage: Usage,
    /// What it cost, where the price is known.
    pub cost: Option<Cost>,
}

/// A request that is passed through to a service.
#[derive(Debug)]
pub struct Forwarded {
    /// What it is.
    pub request: Forward,
    /// What its body is.
    pub form: Form,
    /// Its query with the question mark, or nothing.
    pub query: String,
}

/// How the answer stands.
#[derive(Debug, Default)]
pub struct AnswerState {
    /// Whether something was let through to the client, be it an answer or an error.
    pub released: bool,
    /// The status the client must see, where the router was shown another one so that it would not try again.
    pub true_status: Option<u16>,
    /// When the first content was let through, in nanoseconds since the epoch.
    pub first_content_ns: Option<u64>,
    /// The stream under way.
    pub stream: Option<Box<Stream>>,
    /// What the answer said of itself.
    pub report: Report,
    /// An estimate of the request's tokens, made when the answer began, for an answer that does not say them.
    pub input_estimate: Option<u64>,
    /// The client left while a provider had the request and nothing of an answer had come.
    pub abandoned: bool,
    /// The count, when counting was all that was wanted.
    pub counted: Option<Counted>,
    /// Whether the answer came to its proper end.
    pub complete: bool,
    /// What the client was told went wrong.
    pub failure: Option<Failure>,
    /// What it cost, once known.
    pub cost: Option<Cost>,
    /// What was lost in translation, both ways.
    pub warnings: Vec<Warning>,
    /// What was answered, as JSON, when the audit wants it: the body, or what a stream generated.
    pub transcript: Option<String>,
}

/// The tokens of a request that was only to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// How many.
    pub tokens: u64,
    /// Whether the provider said so, or the gateway guessed.
    pub status: UsageStatus,
}

impl AnswerState {
    /// Takes over what the stream under way says of itself, and gives it back; `None` when there is none.
    pub fn settle_stream(&mut self) -> Option<Box<Stream>> {
        let stream = self.stream.take()?;
        self.report = stream.report().clone();
        self.transcript = stream.transcript();
        self.complete = stream.progress() == Progress::Finished;
        Some(stream)
    }
}

impl Exchange {
    /// A header of the client's that a provider may see. None of the gateway's own keys is one, nor is a token for it.
    pub fn client_header(&self, name: &str) -> Option<&str> {
        let token = self.tables.access.token.as_ref().filter(|_| self.has_token);
        let is_ours = self.key_headers.has(name) || token.is_some_and(|token| *token.header == *name);
        self.headers.get(name).filter(|_| !is_ours)
    }

    /// The answer has begun: no other try will need the client's body. Where the answer has not said what it was, the
    /// body is estimated first.
    pub fn let_go_of_body(&mut self) {
        let report = self.answer.stream.as_ref().map_or(&self.answer.report, |stream| stream.report());
        if report.usage.input.is_none() && self.answer.failure.is_none() {
            self.estimate_input();
        }
        self.body = Held::default();
    }

    /// The client has left. A provider that had the request has read it, and wants to be paid for that.
    pub fn abandon(&mut self) {
        self.answer.abandoned = true;
        if self.forwarded.is_none() && self.call.operation != Operation::CountTokens {
            self.estimate_input();
        }
    }

    fn estimate_input(&mut self) {
        let tokenizer = self.attempts.last().map(|attempt| Tokenizer::of_model(&attempt.model));
        self.answer.input_estimate = Some(from_body(&self.body, tokenizer.unwrap_or_default()));
    }

    /// The answer to a request for a count that no provider could give: an estimate for the last one that was asked, in
    /// the client's words; why they did not becomes a warning. `None` for any other request, and for one that cannot be
    /// read.
    pub fn estimate_count(&mut self, why: &Failure) -> Option<Vec<u8>> {
        if self.call.operation != Operation::CountTokens {
            return None;
        }
        let model = self.attempts.last().map_or("", |attempt| attempt.model.as_str());
        let tokens = count::estimated(&self.call, &self.body, model).ok()?;
        self.answer.counted = Some(Counted { tokens, status: UsageStatus::Estimated });
        self.answer.complete = true;
        self.answer.warnings.push(format!("estimated: {}", why.message));
        Some(count::write(self.call.dialect, tokens))
    }

    /// Who is asked, or was asked last.
    pub fn asked(&self) -> Option<&Provider> {
        self.attempts.last().map(|attempt| &*attempt.provider)
    }

    /// The router's limit to the first token, which is that of all tries.
    pub fn longest_limit(&self) -> Duration {
        self.model.timeout.of(self.stream)
    }

    /// What all answers cost. Where the price of the one that the client got is not known, nor is the sum.
    pub fn cost(&self) -> Option<Cost> {
        let beside = self.filtered.as_ref().and_then(|filtered| filtered.cost);
        match self.answer.cost {
            Some(cost) => Some(beside.map_or(cost, |beside| cost.plus(beside))),
            None => beside.filter(|_| self.answer.failure.is_some()),
        }
    }
}
