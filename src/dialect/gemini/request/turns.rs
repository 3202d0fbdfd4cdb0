//! The hub's messages as the turns that Gemini takes: user and model in alternation, instructions apart, the results of
//! a turn's calls together and first.

use super::super::model::Gemini;
use crate::chat::{ChatRequest, Failure, Losses, Message, Part, PartKind, Place, Role};
use crate::dialect::Dialect;

/// A part and where it stood.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spoken<'m, 'a> {
    pub(super) part: &'m Part<'a>,
    place: Place,
    index: usize,
    /// The first call of a message: the one that carries the signature of all of them.
    pub(super) leads: bool,
}

impl Spoken<'_, '_> {
    /// The path in the client's body, for warnings.
    pub(super) fn path(&self) -> String {
        self.place.part(self.index)
    }
}

/// A turn as it will be sent.
#[derive(Debug)]
pub(super) struct Turn<'m, 'a> {
    pub(super) role: &'static str,
    pub(super) parts: Vec<Spoken<'m, 'a>>,
}

/// A conversation as it will be sent.
#[derive(Debug, Default)]
pub(super) struct Conversation<'m, 'a> {
    pub(super) system: Vec<Spoken<'m, 'a>>,
    pub(super) turns: Vec<Turn<'m, 'a>>,
    /// The first turn is the model's: something has to be said before it.
    pub(super) needs_opening: bool,
}

/// Arranges the messages.
///
/// # Errors
/// 400 when nothing is left to say, or when something is lost that must not be.
pub(super) fn arrange<'m, 'a>(
    request: &'m ChatRequest<'a>,
    model: Gemini,
    losses: &mut Losses,
) -> Result<Conversation<'m, 'a>, Failure> {
    let own = request.origin == Dialect::Gemini;
    let mut talk = Conversation::default();
    for message in &request.messages {
        if !own {
            losses.lost_extra(message.place, &message.extra, "is not supported by Gemini")?;
            if message.name.is_some() && message.role != Role::Tool {
                losses.lost(&format!("{}.name", message.place), "is not supported by Gemini")?;
            }
        }
        let mut parts = kept(message, own, losses);
        if message.role.is_system() {
            if !talk.turns.is_empty() && !parts.is_empty() {
                losses.note(format_args!("{} moved into the leading system text", message.place));
            }
            talk.system.append(&mut parts);
            continue;
        }
        if parts.is_empty() {
            continue;
        }
        let role = if message.role == Role::Assistant { "model" } else { "user" };
        match talk.turns.last_mut() {
            Some(turn) if turn.role == role && !own => turn.parts.append(&mut parts),
            _ => talk.turns.push(Turn { role, parts }),
        }
    }
    for turn in talk.turns.iter_mut().filter(|turn| turn.role == "user" && !own) {
        turn.parts.sort_by_key(|spoken| !matches!(spoken.part.kind, PartKind::ToolResult(_)));
    }
    if !model.takes_system() && !talk.system.is_empty() {
        losses.note("system: this model takes no instructions, they were put before the first user message");
        let system = std::mem::take(&mut talk.system);
        match talk.turns.first_mut().filter(|turn| turn.role == "user") {
            Some(turn) => turn.parts.splice(0..0, system).for_each(drop),
            None => talk.turns.insert(0, Turn { role: "user", parts: system }),
        }
    }
    if talk.turns.is_empty() {
        if talk.system.is_empty() {
            let field = request.messages_field();
            return Err(Failure::field(field, format!("{field}: no message says anything")));
        }
        // Instructions alone are a valid request to OpenAI; Gemini needs somebody to answer.
        losses.note("messages: there is no user message, the system text was sent as one");
        talk.turns.push(Turn { role: "user", parts: std::mem::take(&mut talk.system) });
    }
    talk.needs_opening = !own && talk.turns.first().is_some_and(|turn| turn.role == "model");
    if talk.needs_opening {
        losses
            .note("messages: the conversation starts with the model, a user message \".\" was put before it");
    }
    Ok(talk)
}

/// The parts of a message that can be sent: Gemini refuses empty text, and takes no thoughts back but as signatures.
fn kept<'m, 'a>(message: &'m Message<'a>, own: bool, losses: &mut Losses) -> Vec<Spoken<'m, 'a>> {
    let mut led = false;
    let mut kept = Vec::with_capacity(message.parts.len());
    for (index, part) in message.parts.iter().enumerate() {
        let (place, index) = message.place_of(index);
        let is_kept = match &part.kind {
            _ if own => true,
            PartKind::Text(text) | PartKind::Refusal(text) => !text.is_empty(),
            PartKind::Thinking(_) | PartKind::RedactedThinking(_) => {
                losses.note(format_args!("{place}: reasoning dropped: Gemini takes none back"));
                false
            }
            _ => true,
        };
        if is_kept {
            let leads = matches!(part.kind, PartKind::ToolCall(_)) && !std::mem::replace(&mut led, true);
            kept.push(Spoken { part, place, index, leads });
        }
    }
    kept
}
