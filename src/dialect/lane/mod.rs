//! A lane: the way of a request from a client's dialect to a provider's, and of the answer back.
//!
//! When both sides speak the same dialect the lane is an *identity* lane: bytes pass unchanged but for the spliced
//! `model`, a target's own overrides and the usage switch. Otherwise the body goes through the hub ([`crate::chat`]).

mod answer;
mod answer_id;
mod call_ids;
mod cited;
pub mod count;
mod custom;
mod envelope;
mod failure;
mod features;
mod forward;
pub mod identity;
mod marks;
mod names;
mod params;
mod replay;
mod request;
mod search;
mod shape;
mod stream;
mod tidy;
mod transcript;
mod translated;
mod wrapped;

pub use answer::{answer, answer_as_stream};
pub use envelope::read_envelope;
pub use failure::{
    AttemptNote, failure_header, is_failure_of, read_failure, redacted, with_error_type, write_failure,
    write_failure_to,
};
pub(crate) use failure::{bare_failure, broken_off, malformed};
pub use features::{Features, features};
pub use forward::{Form, Gauge, Subject};
pub use params::Setting;
pub(crate) use params::{set_params, with_params};
pub use request::{request, request_of};
pub use stream::Stream;
pub use wrapped::Wrapped;

use crate::chat::Usage;
use crate::dialect::{Carriage, Cites, Dialect, Operation};
use crate::meter::estimate::Tokenizer;
use crate::provider::Quirks;
use serde_json::value::RawValue;

/// What the edge phase reads of a request body before it knows the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The model as the client names it.
    pub model: String,
    /// Whether the client asked for a stream.
    pub stream: bool,
}

/// What a target asks of a request beyond the client's own words.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'c> {
    /// The provider's name of the model.
    pub model: &'c str,
    /// Top-level fields, in the provider's dialect or in OpenAI's words for sampling, that replace the client's.
    pub params: &'c [(Box<str>, Box<RawValue>)],
    /// Fields within objects of the body that replace the client's. A lane makes them of the `params` that the
    /// provider's dialect has there.
    pub settings: &'c [Setting<'c>],
    /// Replaces the client's output limit, in tokens.
    pub max_tokens: Option<u64>,
    /// The output limit where the provider must have one and the client gave none.
    pub default_max_tokens: u64,
    /// `true`: what the provider cannot say is dropped with a warning; `false`: it is a 400 that names the field.
    pub drop_params: bool,
    /// Whether pictures, sound and documents that the provider cannot take are dropped with a warning as well.
    pub drop_content: bool,
    /// How this provider differs from its dialect's own maker.
    pub quirks: &'c Quirks,
}

impl<'c> Ask<'c> {
    /// What a target asks that sets nothing of its own: what its provider cannot say is dropped.
    pub const fn new(model: &'c str, quirks: &'c Quirks) -> Self {
        Self {
            model,
            params: &[],
            settings: &[],
            max_tokens: None,
            default_max_tokens: 4096,
            drop_params: true,
            drop_content: false,
            quirks,
        }
    }
}

/// How the request body the edge saw becomes the body this provider gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Not a byte changes.
    Keep,
    /// The first `drop` bytes are replaced by `insert`; the rest stays where it is, uncopied.
    Prefix {
        /// Bytes to drop from the front.
        drop: usize,
        /// What stands there instead.
        insert: Vec<u8>,
    },
    /// A whole new body.
    Replace(Vec<u8>),
}

/// Something that could not be carried over as it was, in a short sentence that names the field.
pub type Warning = String;

/// A request as one provider gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// What happens to the body.
    pub edit: Edit,
    /// What was dropped, clamped or moved.
    pub warnings: Vec<Warning>,
    /// What the way back has to know.
    pub plan: AnswerPlan,
}

/// What the answer's translator has to know of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each named where it is read")]
pub struct AnswerPlan {
    /// What was asked for.
    pub operation: Operation,
    /// The client's dialect.
    pub client: Dialect,
    /// The provider's dialect.
    pub provider: Dialect,
    /// How the client's dialect travels.
    pub client_carriage: Carriage,
    /// How the provider's dialect travels.
    pub provider_carriage: Carriage,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Whether the client itself asked for the usage chunk of an OpenAI stream.
    pub show_usage: bool,
    /// Structured output was asked for through a forced call of the tool [`JSON_TOOL`]: its arguments are the answer.
    pub json_tool: bool,
    /// What was asked for was asked for within an object: the answer is a property of it.
    pub wrapped: Option<Wrapped>,
    /// The client's custom tools, which take free text: at a provider that knows none they are functions of one text.
    pub custom_tools: Vec<String>,
    /// Tools whose names this provider would refuse: as they were sent, and as the client says them.
    pub tool_names: Vec<(String, String)>,
    /// The client speaks OpenAI's older `functions`: a tool call is answered as `function_call`.
    pub legacy_functions: bool,
    /// The provider's name of the model, for answers that do not say it (Cohere's); empty: unknown.
    pub model: String,
    /// When the answer was made, in seconds since 1970, for providers whose answers do not say; the gateway, which
    /// has a clock, sets it. 0: unknown.
    pub created: u64,
    /// The gateway's id of the request, after which an answer is named whose provider gives it no id; empty: unknown.
    pub request_id: String,
    /// The client wants its stream as one JSON array: see [`crate::dialect::Call::array`].
    pub array: bool,
    /// Members of the client's request that its answer repeats, as they stand in a JSON object (`"a":1,"b":[]`); see
    /// [`crate::chat::ChatRequest::echo`].
    pub echo: Option<String>,
    /// Whose tokens the estimate of an answer without usage counts.
    pub tokenizer: Tokenizer,
    /// What an answer of embeddings has to know.
    pub embedding: Option<Box<crate::embedding::Plan>>,
    /// What an answer of a rerank has to know.
    pub rerank: Option<Box<crate::rerank::Plan>>,
    /// A stream keeps what it generated, for the audit line: see [`Stream::transcript`].
    pub capture: bool,
}

/// The tool whose forced call stands for structured output where a model has no other way to it.
pub const JSON_TOOL: &str = "json_tool_call";

impl AnswerPlan {
    /// The plan of a lane between two dialects, with nothing special about it.
    pub fn new(client: Dialect, provider: Dialect, stream: bool, show_usage: bool) -> Self {
        Self {
            operation: Operation::Chat,
            client,
            provider,
            client_carriage: Carriage::Plain,
            provider_carriage: Carriage::Plain,
            stream,
            show_usage,
            json_tool: false,
            wrapped: None,
            custom_tools: Vec::new(),
            tool_names: Vec::new(),
            legacy_functions: false,
            model: String::new(),
            created: 0,
            request_id: String::new(),
            tokenizer: Tokenizer::default(),
            array: false,
            echo: None,
            embedding: None,
            rerank: None,
            capture: false,
        }
    }
}

impl AnswerPlan {
    /// Whether the provider may say what its texts rely on.
    pub fn cites(&self) -> bool {
        self.provider.shape().cites != Cites::Nothing
    }

    /// Whether it does so part by part: the places of its citations count from the beginning of each text. OpenAI's chat
    /// completions count from the beginning of all of it.
    pub fn cites_parts(&self) -> bool {
        use Dialect::{Anthropic, Bedrock, Gemini, OpenaiResponses};
        matches!(self.provider, OpenaiResponses | Anthropic | Gemini | Bedrock)
    }

    /// Whether a stream passes the gateway as it is: dialect and carriage are the same on both sides.
    pub fn is_identity(&self) -> bool {
        self.client == self.provider && self.client_carriage == self.provider_carriage
    }

    /// Whether a media type of the provider's answer says that it is a stream.
    pub fn is_stream_type(&self, is: impl Fn(&str) -> bool) -> bool {
        match self.provider_carriage {
            Carriage::Plain => self.provider.shape().stream_types.iter().any(|media_type| is(media_type)),
            carriage => is(carriage.stream_type()),
        }
    }
}

/// A request body in a provider's dialect, with what the way back has to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The body.
    pub body: Vec<u8>,
    /// See [`AnswerPlan::json_tool`].
    pub json_tool: bool,
}

/// An answer that arrived whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The body for the client; `None` when the provider's bytes go as they are.
    pub body: Option<Vec<u8>>,
    /// What the answer says of itself.
    pub report: Report,
}

/// What metering and audit need to know of an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Counts; in a stream, those seen so far.
    pub usage: Usage,
    /// Whether the provider's final counts were seen.
    pub usage_is_final: bool,
    /// The finish reason, in OpenAI's words.
    pub finish: Option<&'static str>,
    /// The model that the provider says it used.
    pub model: Option<String>,
    /// The count, when counting was all that was wanted.
    pub counted: Option<u64>,
    /// Bytes of generated text (content, reasoning and tool arguments) seen so far: the base of an estimate.
    pub output_bytes: u64,
    /// An estimate of the tokens of that text, where it was read as text; 0 where it was not.
    pub output_tokens: u64,
    /// What a rerank is billed by (Cohere).
    pub search_units: Option<u64>,
    /// Seconds of sound that were transcribed, where the answer says them.
    pub audio_seconds: Option<f64>,
    /// What was lost on the way back.
    pub warnings: Vec<Warning>,
}

/// What becomes of a chunk of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// The chunk goes on as it came; nothing was written to the output.
    AsIs,
    /// What was written to the output goes in its place (it may be nothing).
    Replaced,
}

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing a client could use has come: the attempt can still be given up for another target.
    Waiting,
    /// Content has come.
    Content,
    /// The provider finished properly.
    Finished,
    /// The provider reported an error in the stream; see [`Stream::failure`].
    Failed,
}
