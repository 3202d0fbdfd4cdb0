//! The hub's messages as the turns that Anthropic takes, and Bedrock's Converse too: user and assistant in alternation,
//! instructions apart, results of tools first, thoughts before everything else, nothing blank.

use crate::chat::{ChatRequest, Failure, Losses, Message, Part, PartKind, Place, Role};

/// A part and where it stood.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spoken<'m, 'a> {
    pub(crate) part: &'m Part<'a>,
    place: Place,
    index: usize,
}

impl Spoken<'_, '_> {
    /// The path in the client's body, for warnings.
    pub(crate) fn path(&self) -> String {
        self.place.part(self.index)
    }
}

/// A message as it will be sent.
#[derive(Debug)]
pub(crate) struct Turn<'m, 'a> {
    pub(crate) role: &'static str,
    pub(crate) parts: Vec<Spoken<'m, 'a>>,
}

/// A conversation as it will be sent.
#[derive(Debug, Default)]
pub(crate) struct Conversation<'m, 'a> {
    pub(crate) system: Vec<Spoken<'m, 'a>>,
    pub(crate) turns: Vec<Turn<'m, 'a>>,
    /// The first turn is the model's: something has to be said before it.
    pub(crate) needs_opening: bool,
    /// The last turn is the model's, and this model wants the user to speak last.
    pub(crate) needs_closing: bool,
}

/// What the user says where a conversation has to begin with a word of the user's.
pub(crate) const OPENING: &str = ".";
/// What the user says where it has to end with one.
pub(crate) const CLOSING: &str = "Continue.";

/// Whose conversation it is, and who is to go on with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Between {
    /// The client speaks the provider's dialect itself.
    pub(crate) own: bool,
    /// Whose dialect it is.
    pub(crate) maker: &'static str,
    /// The model takes back what it thought.
    pub(crate) takes_thoughts: bool,
}

/// Arranges the messages.
///
/// # Errors
/// 400 when nothing is left to say, or when something is lost that must not be.
pub(crate) fn arrange<'m, 'a>(
    request: &'m ChatRequest<'a>,
    between: Between,
    losses: &mut Losses,
) -> Result<Conversation<'m, 'a>, Failure> {
    let Between { own, maker, .. } = between;
    let why = format!("is not supported by {maker}");
    let mut talk = Conversation::default();
    for message in &request.messages {
        if !own {
            losses.lost_extra(message.place, &message.extra, &why)?;
            if message.name.is_some() && message.role != Role::Tool {
                losses.lost(&format!("{}.name", message.place), &why)?;
            }
        }
        let in_place = own && matches!(message.place, Place::Message(_));
        if message.role.is_system() && !in_place {
            if !talk.turns.is_empty() {
                losses.note(format_args!("{} moved into the leading system text", message.place));
            }
            talk.system.extend(kept(message, between, losses));
            continue;
        }
        let role = match message.role {
            Role::Assistant => "assistant",
            Role::User | Role::Tool => "user",
            Role::System | Role::Developer => "system",
        };
        let mut parts = kept(message, between, losses);
        if parts.is_empty() {
            continue;
        }
        // A conversation in the dialect's own words stays as it was told.
        if role == "assistant" && !own {
            parts.sort_by_key(|spoken| !is_thought(spoken.part));
        }
        match talk.turns.last_mut() {
            Some(turn) if turn.role == role && !own => turn.parts.append(&mut parts),
            _ => talk.turns.push(Turn { role, parts }),
        }
    }
    if !own {
        lose_bare_thoughts(&mut talk, maker, losses);
    }
    for turn in talk.turns.iter_mut().filter(|turn| turn.role == "user" && !own) {
        turn.parts.sort_by_key(|spoken| !matches!(spoken.part.kind, PartKind::ToolResult(_)));
    }
    if talk.turns.is_empty() {
        if talk.system.is_empty() {
            let field = request.messages_field();
            return Err(Failure::field(field, format!("{field}: no message says anything")));
        }
        // Instructions alone are a valid request to OpenAI; Anthropic needs somebody to answer.
        losses.note("messages: there is no user message, the system text was sent as one");
        talk.turns.push(Turn { role: "user", parts: std::mem::take(&mut talk.system) });
    }
    talk.needs_opening = !own && talk.turns.first().is_some_and(|turn| turn.role == "assistant");
    if talk.needs_opening {
        losses
            .note("messages: the conversation starts with the model, a user message \".\" was put before it");
    }
    Ok(talk)
}

/// Takes out turns of the model's that hold nothing but thoughts: they must not be the last of an answer.
fn lose_bare_thoughts(talk: &mut Conversation<'_, '_>, maker: &str, losses: &mut Losses) {
    let is_bare = |turn: &Turn<'_, '_>| {
        turn.role == "assistant" && turn.parts.iter().all(|spoken| is_thought(spoken.part))
    };
    if !talk.turns.iter().any(is_bare) {
        return;
    }
    for mut turn in std::mem::take(&mut talk.turns) {
        if is_bare(&turn) {
            let place = turn.parts.first().map_or_else(String::new, |spoken| spoken.place.to_string());
            losses.note(format_args!("{place}: reasoning dropped: {maker} takes none without an answer"));
            continue;
        }
        match talk.turns.last_mut() {
            Some(last) if last.role == turn.role => last.parts.append(&mut turn.parts),
            _ => talk.turns.push(turn),
        }
    }
}

/// The parts of a message that can be sent: blank text is refused by Anthropic, and so are thoughts without proof.
fn kept<'m, 'a>(message: &'m Message<'a>, between: Between, losses: &mut Losses) -> Vec<Spoken<'m, 'a>> {
    message
        .parts
        .iter()
        .enumerate()
        .filter(|(index, part)| match &part.kind {
            _ if between.own => true,
            PartKind::Text(text) | PartKind::Refusal(text) => !text.is_blank(),
            PartKind::Thinking(_) | PartKind::RedactedThinking(_) if !between.takes_thoughts => {
                let (place, _) = message.place_of(*index);
                losses.note(format_args!("{place}: reasoning dropped: this model takes none back"));
                false
            }
            PartKind::Thinking(thinking) => {
                let signed = thinking.signature.as_ref().is_some_and(|signature| !signature.is_empty());
                if !signed {
                    let (place, _) = message.place_of(*index);
                    losses.note(format_args!("{place}: reasoning without a signature dropped"));
                }
                signed
            }
            _ => true,
        })
        .map(|(index, part)| {
            let (place, index) = message.place_of(index);
            Spoken { part, place, index }
        })
        .collect()
}

fn is_thought(part: &Part<'_>) -> bool {
    matches!(part.kind, PartKind::Thinking(_) | PartKind::RedactedThinking(_))
}

impl Conversation<'_, '_> {
    /// Whether the turn that goes on (the model's calls whose results came last) began without a thought: thinking
    /// cannot be on then, Anthropic wants the thought back that led to a call.
    pub(crate) fn continues_without_thought(&self) -> bool {
        let continues = self.turns.last().is_some_and(|turn| {
            turn.role == "user" && turn.parts.iter().any(|s| matches!(s.part.kind, PartKind::ToolResult(_)))
        });
        if !continues {
            return false;
        }
        let last = self.turns.iter().rev().find(|turn| turn.role == "assistant");
        last.is_some_and(|turn| {
            turn.parts.iter().any(|s| matches!(s.part.kind, PartKind::ToolCall(_)))
                && !turn.parts.first().is_some_and(|s| is_thought(s.part))
        })
    }

    /// Whether the conversation ends with words of the model: the beginning of its answer.
    pub(crate) fn begins_answer(&self) -> bool {
        self.turns.last().is_some_and(|turn| {
            turn.role == "assistant"
                && !turn.parts.iter().any(|s| matches!(s.part.kind, PartKind::ToolCall(_)))
        })
    }

    /// Whether it ends so and without a thought: thinking cannot be on then, which comes first in an answer.
    pub(crate) fn begins_answer_without_thought(&self) -> bool {
        let first = self.turns.last().and_then(|turn| turn.parts.first());
        self.begins_answer() && !first.is_some_and(|spoken| is_thought(spoken.part))
    }

    /// Has the user speak last, where the model takes no beginning of its answer. `own`: as for [`arrange`].
    pub(crate) fn close(&mut self, own: bool, takes_prefill: bool, losses: &mut Losses) {
        self.needs_closing = !own && !takes_prefill && self.begins_answer();
        if self.needs_closing {
            losses.note(format_args!(
                "messages: this model takes no beginning of its answer, a user message \"{CLOSING}\" was put behind it"
            ));
        }
    }

    /// About how many bytes the texts take.
    pub(crate) fn size(&self) -> usize {
        let texts = self.system.iter().chain(self.turns.iter().flat_map(|turn| &turn.parts));
        texts.map(|spoken| size(spoken.part)).sum()
    }
}

fn size(part: &Part<'_>) -> usize {
    use crate::chat::{Arguments, Source, Text};
    let source = |source: &Source<'_>| match source {
        Source::Base64 { data, .. } | Source::Text(data) => data.len(),
        Source::Pieces(pieces) => pieces.iter().map(Text::len).sum(),
        _ => 128,
    };
    64 + match &part.kind {
        PartKind::Text(text) | PartKind::RedactedThinking(text) | PartKind::Refusal(text) => text.len(),
        PartKind::Thinking(thinking) => thinking.text.len() + 512,
        PartKind::Image { source: from, .. } | PartKind::Audio { source: from, .. } => source(from),
        PartKind::Document(document) => source(&document.source),
        PartKind::SearchResult(found) => found.pieces.iter().map(Text::len).sum(),
        PartKind::ToolCall(call) => match &call.arguments {
            Arguments::Json(json) => json.as_str().len(),
            Arguments::Text(text) | Arguments::Input(text) => text.len(),
        },
        PartKind::ToolResult(result) => result.content.iter().map(size).sum(),
        PartKind::Other(opaque) => opaque.json.as_str().len(),
    }
}
