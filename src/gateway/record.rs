//! What the audit line says of a request whatever becomes of it.

use super::exchange::Counted;
use super::headers::Headers;
use super::held::Held;
use crate::chat::Failure;
use crate::config::tables::Model;
use crate::dialect::lane::{self, AttemptNote};
use crate::dialect::{Call, Dialect};
use crate::policy::identity::Identity;
use crate::policy::quota::{Quota, Standing};
use std::rc::Rc;

/// Targets of a model that nobody was asked at, and why.
#[derive(Debug)]
pub struct Skipped {
    /// The model.
    pub model: Rc<Model>,
    /// Its targets.
    pub targets: Vec<AttemptNote>,
}

/// The facts of one client request that do not depend on an answer.
#[derive(Debug)]
pub struct Record {
    /// When it came, in nanoseconds since the epoch.
    pub started_ns: u64,
    /// The proxy's id of the request.
    pub request_id: String,
    /// Method.
    pub method: String,
    /// Path without its query.
    pub path: String,
    /// What the client speaks.
    pub dialect: Dialect,
    /// Its errors are arrays of one: see [`crate::dialect::Call::array`].
    pub array: bool,
    /// Whether it asked for a stream.
    pub stream: bool,
    /// The model it named.
    pub model_asked: Option<String>,
    /// The rule that named another model.
    pub rule: Option<Rc<str>>,
    /// Who asks.
    pub identity: Identity,
    /// The count that the gateway itself answered with.
    pub counted: Option<Counted>,
    /// Status of an answer of the gateway's own.
    pub status: u16,
    /// The rule that refused it, or that it waited for.
    pub limited_by: Option<Rc<str>>,
    /// How long it waited for a limit, in milliseconds, where it was refused after that.
    pub queued_ms: Option<u64>,
    /// The budget that refused it, as it stood.
    pub spent_budget: Option<(Rc<Quota>, Standing)>,
    /// The targets that nobody was asked at, of a request that went to none.
    pub skipped: Option<Skipped>,
    /// Why the gateway itself refused it.
    pub failure: Option<Failure>,
    /// The body, when the audit wants it.
    pub prompt: Option<Held>,
    /// Health checks leave no audit line: they would drown the others.
    pub quiet: bool,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            started_ns: 0,
            request_id: String::new(),
            method: String::new(),
            path: String::new(),
            dialect: Dialect::OpenaiChat,
            array: false,
            stream: false,
            model_asked: None,
            rule: None,
            identity: Identity::default(),
            counted: None,
            status: 0,
            limited_by: None,
            queued_ms: None,
            spent_budget: None,
            skipped: None,
            failure: None,
            prompt: None,
            quiet: false,
        }
    }
}

impl Record {
    /// A failure as the client reads it.
    pub fn failure_body(&self, failure: &Failure, attempts: &[AttemptNote]) -> Vec<u8> {
        let call = Call { array: self.array, ..Call::chat(self.dialect) };
        lane::write_failure_to(&call, failure, attempts, &self.request_id)
    }

    /// Reads the request's headers.
    pub fn begin(&mut self, now_ns: u64, headers: &Headers) {
        let owned = |name| headers.get(name).unwrap_or_default().to_owned();
        self.started_ns = now_ns;
        self.request_id = owned("x-request-id");
        self.method = owned(":method");
        let path = headers.get(":path").unwrap_or_default();
        path.split('?').next().unwrap_or(path).clone_into(&mut self.path);
    }
}
