//! The hub: one neutral model of a conversation, a superset of what every dialect can say.
//!
//! A dialect decodes its bytes into these types and encodes these types into its bytes; no dialect knows another.
//! Strings are borrowed from the body ([`Text`] keeps the escapes as they came), JSON that nobody has to
//! understand stays raw ([`Json`]), and what a dialect says beyond the hub travels as `extra` beside the thing it
//! belongs to: an encoder of the same dialect writes it back, an encoder of another one reports it to [`Losses`].

mod citation;
mod event;
mod failure;
mod finish;
mod losses;
mod message;
mod part;
mod raw;
mod request;
mod response;
mod search;
mod tool;
mod usage;

pub use crate::wire::json::{Extra, Text};
pub use citation::{Citation, Measured, Passage, PassageUnit, characters, pieces};
pub use event::{Adds, Delta, Event, EventSink, PartStart};
pub use failure::{Failure, FailureKind};
pub use finish::{Finish, FinishReason};
pub use losses::{Losses, OWN, is_missed};
pub use message::{Message, Place, Role};
pub use part::{
    Arguments, CacheControl, Document, Opaque, Part, PartKind, SearchResult, Source, Thinking, ToolCall,
    ToolResult, lines,
};
pub use raw::Json;
pub use request::{ChatRequest, Effort, JSON_SENTENCE, Reasoning, ResponseFormat, Schema, Thought};
pub use response::{ChatResponse, Choice};
pub use search::Search;
pub use tool::{Custom, Function, Grammar, Tool, ToolChoice, ToolKind};
pub use usage::{Usage, UsageStatus};
