//! The hub's messages become OpenAI's: a role for tool results, one string or parts for content.

use super::super::ids::write_call_id;
use super::content::{self, Content};
use super::encode::UNKNOWN_HERE;
use crate::chat::{
    ChatRequest, Document, Failure, Losses, Message, Part, PartKind, Role, Source, Text, Thought, ToolResult,
};
use crate::dialect::Dialect;
use crate::dialect::lane::Ask;
use crate::provider::{Quirks, Replay};
use crate::wire::json::{Array, Object};

/// The warning for a breakpoint that an OpenAI provider has no use for.
pub(super) const CACHE_DROPPED: &str =
    "cache_control dropped: this provider caches prompts without being told";

/// The warning for reasoning of earlier turns, by its names in the dialects.
const WITHOUT_REPLAY: &str = "thinking, redacted_thinking and tool_plan of earlier turns dropped: this provider does not \
    take reasoning back";

/// What the writers of one request share.
pub(super) struct Turn<'t> {
    /// The request's extras and opaque parts are OpenAI's own.
    pub(super) own: bool,
    /// The provider's differences.
    pub(super) quirks: &'t Quirks,
    /// Where losses go.
    pub(super) losses: &'t mut Losses,
    /// Pictures and documents of results: they follow when all results of the turn are said, since OpenAI takes nothing
    /// between those.
    moved: Vec<(&'t Message<'t>, &'t Part<'t>)>,
    /// The message before is the result of a tool.
    pub(super) after_result: bool,
}

/// Writes the messages.
pub(super) fn write<'t>(
    list: &mut Array<'_>,
    request: &'t ChatRequest<'t>,
    ask: &'t Ask<'_>,
    losses: &'t mut Losses,
) -> Result<(), Failure> {
    let own = request.origin == Dialect::OpenaiChat;
    let mut turn = Turn { own, quirks: ask.quirks, losses, moved: Vec::new(), after_result: false };
    let replay = match ask.quirks.replay_to(ask.model) {
        // Without thinking none is missed.
        Replay::Required if !may_think(request, ask) => Replay::SinceLastUser,
        replay => replay,
    };
    let last_user = request
        .messages
        .iter()
        .rposition(|message| {
            message.role == Role::User
                && message.parts.iter().any(|part| !matches!(part.kind, PartKind::ToolResult(_)))
        })
        .unwrap_or(0);
    let count = request.messages.len();
    for (index, message) in request.messages.iter().enumerate() {
        if !own {
            turn.losses.lost_extra(message.place, &message.extra, UNKNOWN_HERE)?;
        }
        turn.refused_fields(message)?;
        if message.name.is_some() && !turn.quirks.names {
            turn.losses.lost(&format!("{}.name", message.place), "is refused by this provider")?;
        }
        let is_last = index.saturating_add(1) == count;
        if !matches!(message.role, Role::User | Role::Tool) {
            turn.say_moved(list)?;
        }
        turn.losses.said_by_model(message.role == Role::Assistant);
        match message.role {
            Role::System | Role::Developer => turn.system(list, message)?,
            Role::User | Role::Tool => {
                let before = index.checked_sub(1).and_then(|at| request.messages.get(at));
                let is_asked =
                    is_last && before.is_none_or(|before| !matches!(before.role, Role::User | Role::Tool));
                turn.user(list, message, is_asked)?;
            }
            Role::Assistant => {
                let replay = match replay {
                    Replay::SinceLastUser if index < last_user => Replay::Never,
                    replay => replay,
                };
                turn.assistant(list, message, replay, is_last)?;
            }
        }
    }
    turn.say_moved(list)?;
    match request.messages.last().filter(|_| list.is_empty() && !own) {
        Some(asked) => Err(turn.losses.nothing_left(&asked.place.to_string())),
        None => Ok(()),
    }
}

/// Whether the model may think: it does unless the client or the target says otherwise.
pub(super) fn may_think(request: &ChatRequest<'_>, ask: &Ask<'_>) -> bool {
    let own = ask.params.iter().find(|(name, _)| &**name == "thinking");
    own.map_or(request.reasoning.thought != Some(Thought::Off), |(_, own)| !own.get().contains("disabled"))
}

/// What stands for the assistant between the result of a tool and another's words.
const HEARD: &str = "OK.";

impl<'t> Turn<'t> {
    /// Whoever speaks next. Mistral lets nobody but the assistant follow the result of a tool.
    fn after_results(&mut self, list: &mut Array<'_>) {
        if std::mem::take(&mut self.after_result) && self.quirks.mistral_tools {
            self.losses.note("an assistant's message put between the result of a tool and what follows: this provider takes no other there");
            list.object(|o| {
                o.word("role", "assistant");
                o.word("content", HEARD);
            });
        }
    }

    fn system(&mut self, list: &mut Array<'_>, message: &Message<'_>) -> Result<(), Failure> {
        let developer = message.role == Role::Developer && self.quirks.developer_role;
        let content = Content::of_texts(self, message, &message.parts)?;
        self.after_results(list);
        list.object(|o| {
            o.word("role", if developer { "developer" } else { "system" });
            self.name_and_extra(o, message);
            content.write(o, self.quirks);
        });
        Ok(())
    }

    /// Results of tools first, each a message of its own; then what is left of the message. `is_asked`: it is all
    /// that the model is to answer.
    fn user(
        &mut self,
        list: &mut Array<'_>,
        message: &'t Message<'t>,
        is_asked: bool,
    ) -> Result<(), Failure> {
        let mut rest: Vec<&Part<'_>> = Vec::new();
        for part in &message.parts {
            match &part.kind {
                PartKind::ToolResult(result) => self.tool_result(list, message, part, result)?,
                _ => rest.push(part),
            }
        }
        if rest.is_empty() && !message.parts.is_empty() {
            return Ok(());
        }
        let moved = std::mem::take(&mut self.moved);
        let content =
            Content::of_user(self, message, moved.into_iter().map(|(_, part)| part).collect(), rest)?;
        if content.is_empty() && !message.parts.is_empty() {
            let has_results = message.parts.iter().any(|part| matches!(part.kind, PartKind::ToolResult(_)));
            if is_asked && !has_results && !self.own {
                return Err(self.losses.nothing_left(&message.place.to_string()));
            }
            self.losses.note(format_args!("{} dropped: nothing of it could be carried over", message.place));
            return Ok(());
        }
        self.after_results(list);
        list.object(|o| {
            o.word("role", "user");
            self.name_and_extra(o, message);
            content.write(o, self.quirks);
        });
        Ok(())
    }

    /// Says what was moved out of results in a message of its own, where no message of the user's followed them.
    fn say_moved(&mut self, list: &mut Array<'_>) -> Result<(), Failure> {
        let moved = std::mem::take(&mut self.moved);
        let Some((message, _)) = moved.first() else { return Ok(()) };
        let parts = moved.iter().map(|(_, part)| *part).collect();
        let content = Content::of_user(self, message, parts, Vec::new())?;
        if !content.is_empty() {
            self.after_results(list);
            list.object(|o| {
                o.word("role", "user");
                content.write(o, self.quirks);
            });
        }
        Ok(())
    }

    fn tool_result(
        &mut self,
        list: &mut Array<'_>,
        message: &'t Message<'t>,
        part: &Part<'_>,
        result: &'t ToolResult<'t>,
    ) -> Result<(), Failure> {
        if result.is_error == Some(true) {
            self.losses.note(format_args!("{}.is_error dropped: {UNKNOWN_HERE}", message.place));
        }
        if !self.own {
            self.losses.lost_extra(message.place, &part.extra, UNKNOWN_HERE)?;
        }
        // OpenAI's tool messages hold text only: pictures and files follow in a user message.
        let mut texts: Vec<&Part<'_>> = Vec::with_capacity(result.content.len());
        for inner in &result.content {
            match &inner.kind {
                PartKind::Document(Document { source: Source::Text(_), .. }) => texts.push(inner),
                PartKind::Image { .. } | PartKind::Document(_) | PartKind::Audio { .. } => {
                    self.losses.note(format_args!(
                        "{}: a tool result's picture or document moved into the user message that follows",
                        message.place
                    ));
                    self.moved.push((message, inner));
                }
                _ => texts.push(inner),
            }
        }
        let content = Content::of_texts(self, message, texts)?;
        if part.cache_control.is_some() && !self.quirks.cache_control {
            self.losses.note(CACHE_DROPPED);
        }
        list.object(|o| {
            o.word("role", "tool");
            write_call_id(o.key("tool_call_id"), &result.call_id, self.quirks);
            if let Some(name) = &result.name
                && self.own
            {
                o.text("name", name);
            }
            if message.role == Role::Tool {
                self.extra(o, message);
            }
            if let Some(control) = part.cache_control
                && self.quirks.cache_control
            {
                o.raw("cache_control", control.0);
            }
            content.write(o, self.quirks);
        });
        self.after_result = true;
        Ok(())
    }

    fn assistant(
        &mut self,
        list: &mut Array<'_>,
        message: &Message<'_>,
        replay: Replay,
        is_last: bool,
    ) -> Result<(), Failure> {
        let mut said: Vec<&Part<'_>> = Vec::with_capacity(message.parts.len());
        let mut thoughts: Vec<&Part<'_>> = Vec::new();
        let mut calls: Vec<&Part<'_>> = Vec::new();
        let mut refusal: Option<&Text<'_>> = None;
        for part in &message.parts {
            match &part.kind {
                PartKind::Thinking(_) | PartKind::RedactedThinking(_) => thoughts.push(part),
                PartKind::ToolCall(_) => {
                    if !self.own {
                        self.losses.lost_extra(message.place, &part.extra, UNKNOWN_HERE)?;
                    }
                    self.cache(part);
                    calls.push(part);
                }
                PartKind::Refusal(text) => refusal = Some(text),
                _ => said.push(part),
            }
        }
        if !thoughts.is_empty() && replay == Replay::Never {
            self.losses.note(WITHOUT_REPLAY);
        }
        let content = Content::of_texts(self, message, said)?;
        // Who knows no refusals takes it for words.
        let worded = refusal.filter(|_| self.quirks.strict_messages);
        let refusal = refusal.filter(|_| !self.quirks.strict_messages);
        let says_nothing = content.is_empty() && calls.is_empty() && refusal.is_none() && worded.is_none();
        if says_nothing && !self.own && (thoughts.is_empty() || replay == Replay::Never) {
            // Some refuse a message that says nothing.
            return Ok(());
        }
        let in_tools_turn = std::mem::take(&mut self.after_result) || !calls.is_empty();
        list.object(|o| {
            o.word("role", "assistant");
            self.name_and_extra(o, message);
            if replay == Replay::Required && in_tools_turn && !content::can_be_read(&thoughts) {
                o.word("reasoning_content", "");
            }
            content::write_thoughts(o, &thoughts, replay);
            if let Some(worded) = worded
                && content.is_empty()
            {
                o.text("content", worded);
            } else if content.is_empty() && (!calls.is_empty() || refusal.is_some()) {
                o.null("content");
            } else {
                content.write(o, self.quirks);
            }
            if let Some(refusal) = refusal {
                o.text("refusal", refusal);
            }
            if !calls.is_empty() {
                o.array("tool_calls", |list| {
                    for part in &calls {
                        content::write_call(list, part, self.quirks, self.own);
                    }
                });
            }
            if let Some(prefill) = self.quirks.prefill
                && is_last
                && calls.is_empty()
                && !message.extra.iter().any(|(name, _)| *name == prefill)
            {
                o.bool(prefill, true);
            }
        });
        Ok(())
    }

    fn name_and_extra(&self, o: &mut Object<'_>, message: &Message<'_>) {
        if let Some(name) = message.name.as_ref().filter(|_| self.quirks.names) {
            o.text("name", name);
        }
        self.extra(o, message);
    }

    /// What only its own dialect knows of a message.
    fn extra(&self, o: &mut Object<'_>, message: &Message<'_>) {
        for (name, value) in message.extra.iter().filter(|(name, _)| self.own && self.takes(name)) {
            o.raw(name, value);
        }
    }

    /// Whether a message may have this field beside those that every provider knows.
    fn takes(&self, field: &str) -> bool {
        !self.quirks.strict_messages || self.quirks.prefill == Some(field)
    }

    /// Notes the fields of a message that the provider would refuse; those that say nothing go without a word.
    fn refused_fields(&mut self, message: &Message<'_>) -> Result<(), Failure> {
        for (name, value) in message.extra.iter().filter(|_| self.own) {
            if !self.takes(name) && !matches!(value.get(), "null" | "[]") {
                self.losses.lost(&format!("{}.{name}", message.place), "is refused by this provider")?;
            }
        }
        Ok(())
    }

    /// Notes a breakpoint that cannot be said.
    pub(super) fn cache(&mut self, part: &Part<'_>) {
        if part.cache_control.is_some() && !self.quirks.cache_control {
            self.losses.note(CACHE_DROPPED);
        }
    }
}
