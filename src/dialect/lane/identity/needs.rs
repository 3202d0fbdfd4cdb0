//! Whether a chat request has to be written anew although its provider speaks the client's dialect.

use super::request::field;
use crate::dialect::lane::Ask;
use crate::dialect::signature;
use crate::provider::{ReasoningSwitch, Replay};
use crate::wire::json::{parse, sketch, wire_object};
use serde_json::value::RawValue;

/// Whether a request says something that this provider of the dialect takes only in another form. The words are looked
/// for as they stand in JSON: a hit that means something else only costs the byte-exact way.
pub(super) fn needs_rewriting(body: &[u8], ask: &Ask<'_>) -> bool {
    let quirks = ask.quirks;
    let says = |word: &str| memchr::memmem::find(body, word.as_bytes()).is_some();
    (quirks.mistral_tools && (says("\"tool_calls\"") || says("\"required\"")))
        || (quirks.prefill.is_some() && says("\"assistant\""))
        || (!quirks.json_schema && says("\"json_schema\""))
        || (!quirks.names && says("\"name\"") && names_speakers(body))
        || (!quirks.text_parts && says("\"text\""))
        || match quirks.replay_to(ask.model) {
            Replay::SinceLastUser => says("\"reasoning_content\""),
            Replay::Required => says("\"tool_calls\"") || says("\"tool_choice\""),
            Replay::Blocks => says(signature::MARK),
            Replay::Never | Replay::Reasoning => false,
        }
        || (matches!(quirks.reasoning, ReasoningSwitch::Switch | ReasoningSwitch::None)
            && says("\"reasoning_effort\""))
}

/// Whether a message other than a tool's result says by `name` who speaks.
fn names_speakers(body: &[u8]) -> bool {
    let Ok(found) = sketch(body) else { return false };
    let messages = field(&found, "messages").map(parse::<Vec<Named<'_>>>);
    let is_result = |role: &RawValue| matches!(role.get(), "\"tool\"" | "\"function\"");
    messages.and_then(Result::ok).unwrap_or_default().iter().any(|message| {
        message.name.is_some_and(|name| name.get() != "null") && !message.role.is_some_and(is_result)
    })
}

wire_object! {
    /// What of a message says who speaks.
    light struct Named<'a> {
        role: &'a RawValue = "role",
        name: &'a RawValue = "name",
    }
}
