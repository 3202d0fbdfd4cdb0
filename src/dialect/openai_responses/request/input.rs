//! The items of a request become messages.

use super::super::item::{self, Item};
use crate::chat::{ChatRequest, Failure, Message, Opaque, Part, PartKind, Place, Role};
use serde_json::value::RawValue;

/// Why an item by its id only is refused by everybody but the provider that keeps it.
const REFERENCE: &str = "names an item that only the provider which made it keeps; the model asked for is served by \
     another one. Clients that are told `store: false` send their items whole";

/// What ids of thoughts begin with, OpenAI's own and those of [`item_id`](super::super::response).
const THOUGHT: &str = "rs_";

/// Reads the items. What the model said between two words of others (thoughts, a message, calls) is one message of
/// the hub, as it is in the dialects that have messages; only a second text before any call begins another one.
pub(super) fn decode<'a>(request: &mut ChatRequest<'a>, items: Vec<&'a RawValue>) -> Result<(), Failure> {
    if items.is_empty() && request.messages.is_empty() && request.own_only.is_none() {
        return Err(Failure::field("input", "input must hold at least one item"));
    }
    // The model's message that is still being gathered is the last of the list.
    let mut gathers = false;
    for (index, raw) in items.into_iter().enumerate() {
        let place = Place::Input(index);
        let item = item::read(raw).map_err(|bad| {
            let bad = bad.within(&place.to_string());
            Failure::field(bad.field.clone(), format!("{}: {}", bad.field, bad.message))
        })?;
        let assistants = match item {
            Item::Message { role, parts, extra } if role == "assistant" => {
                let begins =
                    !gathers || request.messages.last().is_none_or(|last| has_text(last) && !has_call(last));
                if begins {
                    request.messages.push(Message::new(Role::Assistant, place));
                }
                gathers = true;
                let Some(message) = request.messages.last_mut() else { continue };
                message.join(place);
                // Fields of the item go with the message where it is the only one in it.
                if has_text(message) || has_call(message) {
                    let mut parts = parts;
                    if let Some(first) = parts.first_mut() {
                        first.extra.extend(extra.into_iter().map(|(name, value)| {
                            let name =
                                name.strip_prefix("own.").map_or(name.clone(), |name| name.to_owned().into());
                            (format!("own.item.{name}").into(), value)
                        }));
                    }
                    message.parts.extend(parts);
                } else {
                    message.extra = extra;
                    message.parts.extend(parts);
                }
                continue;
            }
            Item::Message { role, parts, extra } => {
                gathers = false;
                request.messages.push(Message {
                    parts,
                    extra,
                    ..Message::new(role_of(&role.to_str(), place)?, place)
                });
                continue;
            }
            Item::Result(part) => {
                gathers = false;
                request.messages.push(Message { parts: vec![part], ..Message::new(Role::Tool, place) });
                continue;
            }
            Item::Reference(id) => {
                let opaque = Opaque { kind: "item_reference".into(), json: raw.into() };
                // A conversation goes on without what the model thought, but not without what it said or called.
                if !id.to_str().starts_with(THOUGHT) {
                    let message = format!("{place} {REFERENCE}");
                    request.own_only.get_or_insert_with(|| Failure::field(place.to_string(), message));
                }
                Part::new(PartKind::Other(opaque))
            }
            Item::Other(opaque) if answers(&opaque) => {
                gathers = false;
                let part = Part::new(PartKind::Other(opaque));
                request.messages.push(Message { parts: vec![part], ..Message::new(Role::User, place) });
                continue;
            }
            Item::Thought(part) | Item::Call(part) => part,
            Item::Other(opaque) => Part::new(PartKind::Other(opaque)),
        };
        if !gathers {
            request.messages.push(Message::new(Role::Assistant, place));
            gathers = true;
        }
        if let Some(message) = request.messages.last_mut() {
            message.join(place);
            message.parts.push(assistants);
        }
    }
    Ok(())
}

/// Whether an item that the hub does not know is an answer to the model rather than its own word.
fn answers(opaque: &Opaque<'_>) -> bool {
    let kind = opaque.kind.to_str();
    ["_output", "_response", "_tools"].iter().any(|end| kind.ends_with(end))
}

fn has_text(message: &Message<'_>) -> bool {
    message.parts.iter().any(|part| matches!(part.kind, PartKind::Text(_) | PartKind::Refusal(_)))
}

fn has_call(message: &Message<'_>) -> bool {
    message.parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall(_)))
}

fn role_of(role: &str, place: Place) -> Result<Role, Failure> {
    Ok(match role {
        "user" => Role::User,
        "system" => Role::System,
        "developer" => Role::Developer,
        other => {
            let field = format!("{place}.role");
            let message = format!("{field}: {other:?} is none of user, assistant, system, developer");
            return Err(Failure::field(field, message));
        }
    })
}
