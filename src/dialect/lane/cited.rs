//! Texts that rely on pages, whole: in an answer, and in a conversation that is sent back.

use crate::chat::{
    ChatRequest, ChatResponse, Choice, Citation, Failure, Losses, Measured, Message, OWN, Part, PartKind,
    Role, Search, Text, characters, pieces,
};
use crate::dialect::service::is_missed;
use crate::dialect::{Cites, Dialect, anthropic, bedrock, openai_chat, signature};
use crate::wire::json::members;
use std::borrow::Cow;
use std::collections::HashSet;

/// Puts the blocks together again that Anthropic and Bedrock make of one text, so that its pages have their places in all of
/// it.
pub(super) fn join(response: &mut ChatResponse<'_>) {
    if matches!(response.origin, Dialect::Anthropic | Dialect::Bedrock) {
        response.choices.iter_mut().for_each(|Choice { parts, .. }| join_parts(parts));
    }
}

/// Joins texts that stand together where one of two relies on pages: that is why they are two.
fn join_parts(parts: &mut Vec<Part<'_>>) {
    if parts.iter().all(|part| part.citations.is_empty()) {
        return;
    }
    let mut joined: Vec<Part<'_>> = Vec::with_capacity(parts.len());
    let mut open: Option<Open> = None;
    for part in std::mem::take(parts) {
        let PartKind::Text(text) = &part.kind else {
            open = None;
            joined.push(part);
            continue;
        };
        let (length, relies) = (characters(&text.to_str()), !part.citations.is_empty());
        match (&mut open, joined.last_mut()) {
            (Some(open), Some(last)) if open.relies || relies => {
                if let PartKind::Text(first) = &mut last.kind {
                    first.push(text);
                }
                last.citations.extend(part.citations.into_iter().map(|page| page.moved(open.characters)));
                last.extra
                    .extend(part.extra.into_iter().filter(|(name, _)| open.names.insert(name.to_string())));
                last.cache_control = part.cache_control.or(last.cache_control);
                open.characters = open.characters.saturating_add(length);
                open.relies = relies;
            }
            _ => {
                let names = part.extra.iter().map(|(name, _)| name.to_string()).collect();
                open = Some(Open { characters: length, relies, names });
                joined.push(part);
            }
        }
    }
    *parts = joined;
}

/// The last text, as far as what may join it has to know.
struct Open {
    characters: u64,
    /// Its last block relied on pages.
    relies: bool,
    /// The fields it has: those that several blocks have are told once.
    names: HashSet<String>,
}

/// Whether this client can be told of it.
pub(super) fn is_told(client: Dialect, citation: &Citation<'_>) -> bool {
    match client.shape().cites {
        Cites::Nothing => false,
        Cites::Pages => citation.passage.is_none(),
        Cites::Passages => true,
    }
}

/// What of a citation it cannot be told.
pub(super) fn untold(client: Dialect, citation: &Citation<'_>) -> Option<&'static str> {
    match client.shape().cites {
        Cites::Nothing if citation.passage.is_none() => Some("annotations"),
        Cites::Nothing => Some("citations"),
        Cites::Pages if citation.passage.is_some() => Some("citations of what was given to read"),
        Cites::Pages if !citation.quote.is_empty() => Some("cited_text"),
        Cites::Pages | Cites::Passages => None,
    }
}

/// Takes out what the client cannot be told that its answer relies on.
pub(super) fn fit(client: Dialect, response: &mut ChatResponse<'_>, losses: &mut Losses) {
    for part in response.choices.iter_mut().flat_map(|choice| &mut choice.parts) {
        for what in part.citations.iter().filter_map(|citation| untold(client, citation)) {
            losses.note(format_args!("fields of the answer dropped: {what}"));
        }
        part.citations.retain(|citation| is_told(client, citation));
    }
}

/// Makes a part of each piece of a text that relies on something, for a client of a dialect that makes blocks of them and
/// gets a whole answer as a stream: what was said in one piece cannot be cut any more.
pub(super) fn split(client: Dialect, response: &mut ChatResponse<'_>) {
    if client.shape().cites != Cites::Passages {
        return;
    }
    for choice in &mut response.choices {
        let parts = std::mem::take(&mut choice.parts);
        choice.parts = parts.into_iter().flat_map(split_part).collect();
    }
}

fn split_part(part: Part<'_>) -> Vec<Part<'_>> {
    let PartKind::Text(text) = &part.kind else { return vec![part] };
    if part.citations.is_empty() {
        return vec![part];
    }
    let text = Measured::of(&text.to_str());
    let made = pieces(&text, &part.citations).into_iter().map(|(start, end, citations)| {
        let span = (0, end.saturating_sub(start));
        let citations = citations.into_iter().map(|citation| Citation { span, ..citation.clone() }).collect();
        Part { citations, ..Part::text(text.between(start, end).to_owned()) }
    });
    made.collect()
}

/// Leaves of earlier answers what this provider can be told of them: the texts, whole, and what they rely on where it has
/// words for that. Searches of earlier turns stay with those who made them. None of it is the client's own word, so that
/// its loss is no reason to refuse a request.
///
/// # Errors
/// 400 where nothing is left.
pub(super) fn forget(
    request: &mut ChatRequest<'_>,
    provider: Dialect,
    losses: &mut Losses,
) -> Result<(), Failure> {
    if request.origin == provider {
        forget_foreign(request, losses);
        return Ok(());
    }
    let field = match request.origin {
        Dialect::Anthropic => "citations",
        Dialect::OpenaiChat | Dialect::OpenaiResponses => "annotations",
        Dialect::Bedrock => "citationsContent",
        _ => return Ok(()),
    };
    let mut emptied = None;
    for message in &mut request.messages {
        let lost = uncite(message, request.origin, provider);
        if lost {
            let why = "what an earlier answer relies on is nothing this provider can be told";
            losses.note(format_args!("{}.{field} dropped: {why}", message.place));
        }
        if lose_searches(message, losses) && message.parts.is_empty() {
            message.extra.clear();
            emptied = Some(message.place.to_string());
        }
    }
    match emptied.filter(|_| request.messages.iter().all(|message| message.parts.is_empty())) {
        Some(place) => Err(losses.nothing_left(&place)),
        None => Ok(()),
    }
}

/// Takes out pages that another provider than Anthropic found: it would look for them among those it found itself.
fn forget_foreign(request: &mut ChatRequest<'_>, losses: &mut Losses) {
    if request.origin != Dialect::Anthropic {
        return;
    }
    for message in &mut request.messages {
        for part in &mut message.parts {
            let count = part.extra.len();
            part.extra.retain(|(name, list)| {
                !anthropic::is_citation_field(name) || !list.get().contains(signature::MARK)
            });
            if part.extra.len() < count {
                let why = "another provider found these pages";
                losses.note(format_args!("{}.citations dropped: {why}", message.place));
            }
        }
    }
}

/// Whether a field of a text holds what it relies on.
fn is_field(name: &str) -> bool {
    name == "annotations" || anthropic::is_citation_field(name) || bedrock::is_citation_field(name)
}

/// Takes what the texts of a message rely on out of the fields of its dialect, and leaves it in the hub's words for a
/// provider of OpenAI's Responses. Whether any of it was lost.
fn uncite(message: &mut Message<'_>, origin: Dialect, provider: Dialect) -> bool {
    let keeps = provider == Dialect::OpenaiResponses && message.role == Role::Assistant;
    let mut lost = false;
    if let Some(at) = message.extra.iter().position(|(name, _)| name == "annotations") {
        let is_chats = origin == Dialect::OpenaiChat;
        let (name, said) = message.extra.remove(at);
        let text = message.parts.iter_mut().find(|part| matches!(part.kind, PartKind::Text(_)));
        match text.filter(|_| keeps && is_chats) {
            Some(text) => {
                let (pages, are_all) = openai_chat::citation::read_all(said);
                text.citations = pages;
                lost |= !are_all;
            }
            None => lost |= is_missed(&name, said),
        }
    }
    for part in message.parts.iter_mut().filter(|part| matches!(part.kind, PartKind::Text(_))) {
        let is_known = |(name, _): &(Cow<'_, str>, _)| name.starts_with(OWN) && is_field(name);
        let is_whole = part.extra.iter().any(is_known);
        part.extra.retain(|(name, value)| {
            let is_one = is_field(name);
            lost |=
                is_one && !(keeps && is_whole) && is_missed(name.strip_prefix(OWN).unwrap_or(name), value);
            !is_one
        });
    }
    if origin == Dialect::Anthropic {
        join_parts(&mut message.parts);
    }
    for part in &mut message.parts {
        lost |= keeps && !part.citations.iter().all(|citation| is_told(provider, citation));
        part.citations.retain(|citation| keeps && is_told(provider, citation));
    }
    lost
}

/// Takes out the searches that a provider did in an earlier turn, with what it thought before them where nothing else is
/// left. Whether there were any.
fn lose_searches(message: &mut Message<'_>, losses: &mut Losses) -> bool {
    let count = message.parts.len();
    let place = message.place;
    message.parts.retain(|part| {
        let Some(kind) = search_of(&part.kind) else { return true };
        let why = "a search of an earlier turn is its provider's own";
        losses.note(format_args!("{place}: {} dropped: {why}", kind.to_str()));
        false
    });
    if message.parts.len() == count {
        return false;
    }
    let is_thought =
        |part: &Part<'_>| matches!(part.kind, PartKind::Thinking(_) | PartKind::RedactedThinking(_));
    if !message.parts.is_empty() && message.parts.iter().all(is_thought) {
        losses.note(format_args!("{place}: the reasoning before it dropped too"));
        message.parts.clear();
    }
    true
}

/// The type of a block that is a search, or what was found.
fn search_of<'p>(kind: &'p PartKind<'_>) -> Option<&'p Text<'p>> {
    let PartKind::Other(opaque) = kind else { return None };
    let is_one = match &*opaque.kind.to_str() {
        "web_search_tool_result" | "web_search_call" => true,
        "server_tool_use" => {
            let found = members(opaque.json.as_str().as_bytes()).ok();
            found.is_some_and(|found| {
                found
                    .get("name")
                    .and_then(|name| Text::from_raw(name.value))
                    .is_some_and(|name| name == Search::NAME)
            })
        }
        _ => false,
    };
    is_one.then_some(&opaque.kind)
}
