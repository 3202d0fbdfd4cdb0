//! What is put in order between two dialects, whichever they are: a request that its own maker takes may hold what no
//! other provider can make sense of.

use crate::chat::{
    ChatRequest, Document, Failure, Losses, Message, Part, PartKind, Role, Source, Text, ToolChoice,
    ToolKind, lines,
};
use crate::dialect::Dialect;
use crate::dialect::gemini::signature::MARK;
use std::collections::{HashMap, HashSet, VecDeque};

/// Puts the results of a turn's calls directly after the calls, where OpenAI and others want them before anything else is
/// said, and in the order of the calls: providers whose results have no ids tell them apart by nothing else. Results of
/// other calls come after them, in the order in which they stood.
pub(super) fn order_results(request: &mut ChatRequest<'_>) {
    let mut ordered = Vec::with_capacity(request.messages.len());
    let mut messages = std::mem::take(&mut request.messages).into_iter().peekable();
    while let Some(message) = messages.next() {
        let ranks = calls(&message).then(|| ranks(&message));
        ordered.push(message);
        if let Some(ranks) = ranks {
            let answers = std::iter::from_fn(|| messages.next_if(|next| next.role != Role::Assistant));
            order_turn(&ranks, answers.collect(), &mut ordered);
        }
    }
    request.messages = ordered;
}

fn calls(message: &Message<'_>) -> bool {
    let is_call = |part: &Part<'_>| matches!(part.kind, PartKind::ToolCall(_));
    message.role == Role::Assistant && message.parts.iter().any(is_call)
}

/// The places of a message's calls among them, by id.
fn ranks(message: &Message<'_>) -> HashMap<String, usize> {
    let mut ranks = HashMap::new();
    for part in &message.parts {
        if let PartKind::ToolCall(call) = &part.kind {
            let rank = ranks.len();
            ranks.entry(call.id.to_str().into_owned()).or_insert(rank);
        }
    }
    ranks
}

/// Appends the messages between calls and what the model says next, the results ordered by the `ranks` of the calls.
fn order_turn<'a>(
    ranks: &HashMap<String, usize>,
    mut turn: Vec<Message<'a>>,
    ordered: &mut Vec<Message<'a>>,
) {
    let rank = |part: &Part<'_>| match &part.kind {
        PartKind::ToolResult(result) => ranks.get(&*result.call_id.to_str()).copied().unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    let parts = || turn.iter().flat_map(|message| &message.parts);
    let is_first = parts().skip_while(|part| is_result(part)).all(|part| !is_result(part));
    let is_sorted = parts().filter(|part| is_result(part)).map(rank).is_sorted();
    if !is_sorted {
        sort_results(turn.iter_mut(), rank);
    }
    if is_first {
        ordered.append(&mut turn);
    } else {
        put_results_first(turn, ordered);
    }
}

/// Sorts the results among the places that hold one.
fn sort_results<'m, 'a: 'm>(
    messages: impl Iterator<Item = &'m mut Message<'a>>,
    rank: impl Fn(&Part<'_>) -> usize,
) {
    let mut places: Vec<&mut Part<'a>> =
        messages.flat_map(|message| &mut message.parts).filter(|part| is_result(part)).collect();
    let mut taken: Vec<Part<'a>> =
        places.iter_mut().map(|place| std::mem::replace(*place, Part::text(""))).collect();
    taken.sort_by_key(|part| rank(part));
    for (place, part) in places.into_iter().zip(taken) {
        *place = part;
    }
}

fn is_result(part: &Part<'_>) -> bool {
    matches!(part.kind, PartKind::ToolResult(_))
}

/// Appends a turn's messages, the results in them before all else that these say.
fn put_results_first<'a>(turn: Vec<Message<'a>>, ordered: &mut Vec<Message<'a>>) {
    let mut rest = Vec::with_capacity(turn.len());
    for mut message in turn {
        if message.parts.iter().all(is_result) && !message.parts.is_empty() {
            ordered.push(message);
            continue;
        }
        let (results, others) = message.parts.into_iter().partition(is_result);
        message.parts = others;
        if !Vec::is_empty(&results) {
            ordered.push(Message { parts: results, ..Message::new(Role::Tool, message.place) });
        }
        rest.push(message);
    }
    ordered.append(&mut rest);
}

/// Gives a call whose id another one had before it an id of its own, and its result too: ids tell calls apart within a
/// whole conversation, and makers answer 400 to the same one twice. So do calls and results that came without any.
pub(super) fn part_ids(request: &mut ChatRequest<'_>) {
    let mut used = UsedIds::of(request);
    // The ids of the last turn's calls by what they were, in the order of the calls.
    let mut turn: HashMap<String, VecDeque<String>> = HashMap::new();
    for message in &mut request.messages {
        if calls(message) {
            turn = HashMap::new();
        }
        for part in &mut message.parts {
            match &mut part.kind {
                PartKind::ToolCall(call) => {
                    let id = call.id.to_str().into_owned();
                    let own = if id.is_empty() { used.made_up() } else { used.unused(&id) };
                    if own != id {
                        call.id = Text::from(own.clone());
                    }
                    turn.entry(id).or_default().push_back(own);
                }
                PartKind::ToolResult(result) => {
                    let id = result.call_id.to_str();
                    let own = match turn.get_mut(&*id) {
                        Some(ids) if ids.len() > 1 => ids.pop_front(),
                        Some(ids) => ids.front().cloned(),
                        None => id.is_empty().then(|| used.made_up()),
                    };
                    if let Some(own) = own.filter(|own| *own != id) {
                        result.call_id = Text::from(own);
                    }
                }
                _ => {}
            }
        }
    }
}

/// The ids of calls so far.
#[derive(Debug, Default)]
struct UsedIds {
    used: HashSet<String>,
    /// The last number that was given to an id: all before it are used.
    last: HashMap<String, usize>,
    /// All ids that were said, where some were not.
    said: HashSet<String>,
    /// Ids that were made up.
    made: usize,
}

impl UsedIds {
    fn of(request: &ChatRequest<'_>) -> Self {
        let parts = request.messages.iter().flat_map(|message| &message.parts);
        let ids = parts.filter_map(|part| match &part.kind {
            PartKind::ToolCall(call) => Some(&call.id),
            PartKind::ToolResult(result) => Some(&result.call_id),
            _ => None,
        });
        let are_missing = ids.clone().any(Text::is_empty);
        let said = ids.filter(|_| are_missing).map(|id| id.to_str().into_owned()).collect();
        Self { said, ..Self::default() }
    }

    /// An id for what has none, which nothing else has.
    fn made_up(&mut self) -> String {
        loop {
            self.made = self.made.saturating_add(1);
            let id = format!("call_{}", self.made);
            if !self.said.contains(&id) && self.used.insert(id.clone()) {
                return id;
            }
        }
    }

    /// The id, with a number where it is used already; what an id carries besides ([`MARK`]) stays at its end.
    fn unused(&mut self, id: &str) -> String {
        if self.used.insert(id.to_owned()) {
            return id.to_owned();
        }
        let (name, carried) = id.find(MARK).map_or((id, ""), |at| id.split_at(at));
        let last = self.last.entry(id.to_owned()).or_insert(1);
        loop {
            *last = last.saturating_add(1);
            let numbered = format!("{name}_{last}{carried}");
            if self.used.insert(numbered.clone()) {
                return numbered;
            }
        }
    }
}

/// Reads the documents that a tool's result of Cohere's dialect consists of as the texts they are.
pub(super) fn read_results(request: &mut ChatRequest<'_>) {
    if request.origin != Dialect::Cohere {
        return;
    }
    for part in request.messages.iter_mut().flat_map(|message| &mut message.parts) {
        let PartKind::ToolResult(result) = &mut part.kind else { continue };
        for inner in &mut result.content {
            if let PartKind::Document(Document { source: Source::Text(text), .. }) = &inner.kind {
                inner.kind = PartKind::Text(text.clone());
            }
        }
    }
}

/// Every part of a request, those within results of tools among them.
fn each_part<'a>(request: &mut ChatRequest<'a>, mut act: impl FnMut(&mut Part<'a>)) {
    for part in request.messages.iter_mut().flat_map(|message| &mut message.parts) {
        if let PartKind::ToolResult(result) = &mut part.kind {
            result.content.iter_mut().for_each(&mut act);
        }
        act(part);
    }
}

/// Calls pictures what they are: clients say `image/jpg`, which is no media type, and Anthropic and Google refuse it.
pub(super) fn name_media(request: &mut ChatRequest<'_>) {
    each_part(request, |part| {
        if let PartKind::Image { source: Source::Base64 { media_type, .. }, .. } = &mut part.kind
            && media_type.to_str().eq_ignore_ascii_case("image/jpg")
        {
            *media_type = Text::plain("image/jpeg");
        }
    });
}

/// Makes text of search results, and of documents in pieces, for dialects that have neither: left as they are, the model
/// would be told that the search found nothing.
pub(super) fn read_pieces(request: &mut ChatRequest<'_>, losses: &mut Losses) {
    let mut asks = false;
    each_part(request, |part| asks |= read_part(part));
    if asks {
        losses.note("citations of search results dropped: not supported by this provider");
    }
}

/// Whether it is a search result that was to be cited.
fn read_part(part: &mut Part<'_>) -> bool {
    let is_to_be_cited = part.is_to_be_cited();
    match &mut part.kind {
        PartKind::SearchResult(found) => {
            part.kind = PartKind::Text(found.to_text());
            part.extra.retain(|(name, _)| name != "citations");
            is_to_be_cited
        }
        PartKind::Document(Document { source, .. }) => {
            if let Source::Pieces(pieces) = source {
                *source = Source::Text(lines(&*pieces));
            }
            false
        }
        _ => false,
    }
}

/// Reads documents that are text and came as bytes, for providers that take text and no bytes.
pub(super) fn read_texts(request: &mut ChatRequest<'_>) {
    each_part(request, |part| {
        if let PartKind::Document(Document { source, .. }) = &mut part.kind
            && let Some(text) = source.decoded_text()
        {
            *source = Source::Text(Text::from(text));
        }
    });
}

/// Takes out tools where none is left that this provider could be offered, and the choice among them: some refuse an empty
/// list, and all refuse a choice without one.
///
/// # Errors
/// 400 that names the tool, where such fields are refused.
pub(super) fn lose_foreign_tools(request: &mut ChatRequest<'_>, losses: &mut Losses) -> Result<(), Failure> {
    let is_foreign = |tool: &crate::chat::Tool<'_>| matches!(tool.kind, ToolKind::Other(_));
    if request.tools.is_empty() || !request.tools.iter().all(is_foreign) {
        return Ok(());
    }
    for (index, tool) in request.tools.iter().enumerate() {
        if let ToolKind::Other(opaque) = &tool.kind {
            let why = format!("a tool of type {} has no counterpart at this provider", opaque.kind.to_str());
            losses.lost(&format!("tools[{index}]"), &why)?;
        }
    }
    request.tools.clear();
    request.parallel_tool_calls = None;
    match request.tool_choice.take() {
        None | Some(ToolChoice::Auto | ToolChoice::None) => Ok(()),
        Some(_) => losses.lost("tool_choice", "has no tool left to choose"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Arguments, Place, ToolCall, ToolResult};

    /// A conversation of calls (`+id`), results (`-id`) and words, a message each but for the calls.
    fn ordered(said: &[&'static str]) -> Vec<String> {
        let mut request = ChatRequest::new(Dialect::OpenaiChat);
        for (index, word) in said.iter().enumerate() {
            let (role, parts) = match word.split_at(1) {
                ("+", ids) => (Role::Assistant, ids.split(',').map(call).collect()),
                ("-", id) => (Role::Tool, vec![result(id)]),
                _ => (Role::User, vec![Part::text(*word)]),
            };
            let mut message = Message::new(role, Place::Message(index));
            message.parts = parts;
            request.messages.push(message);
        }
        order_results(&mut request);
        let parts = request.messages.iter().flat_map(|message| &message.parts);
        let results = parts.filter_map(|part| match &part.kind {
            PartKind::ToolResult(result) => Some(result.call_id.to_str().into_owned()),
            PartKind::Text(text) => Some(text.to_str().into_owned()),
            _ => None,
        });
        results.collect()
    }

    fn call(id: &'static str) -> Part<'static> {
        let arguments = Arguments::Text("{}".into());
        Part::new(PartKind::ToolCall(ToolCall { id: id.into(), name: "f".into(), arguments }))
    }

    fn result(id: &'static str) -> Part<'static> {
        Part::new(PartKind::ToolResult(ToolResult {
            call_id: id.into(),
            name: None,
            content: vec![],
            is_error: None,
        }))
    }

    #[test]
    fn an_id_that_was_used_before_gets_a_number() {
        let mut request = ChatRequest::new(Dialect::OpenaiChat);
        let turn = [("+", call("c")), ("-", result("c")), ("+", call("c")), ("-", result("c"))];
        for (index, (role, part)) in turn.into_iter().enumerate() {
            let role = if role == "+" { Role::Assistant } else { Role::Tool };
            let mut message = Message::new(role, Place::Message(index));
            message.parts.push(part);
            request.messages.push(message);
        }
        part_ids(&mut request);
        let ids = request.messages.iter().flat_map(|message| &message.parts).map(|part| match &part.kind {
            PartKind::ToolCall(call) => call.id.to_str().into_owned(),
            PartKind::ToolResult(result) => result.call_id.to_str().into_owned(),
            _ => String::new(),
        });
        assert_eq!(ids.collect::<Vec<_>>(), ["c", "c", "c_2", "c_2"]);
        let mut used = UsedIds::default();
        let ids = ["c__thought__S", "c_3__thought__S"].repeat(2).into_iter().chain(["c__thought__S"]);
        assert_eq!(
            ids.map(|id| used.unused(id)).collect::<Vec<_>>(),
            ["c__thought__S", "c_3__thought__S", "c_2__thought__S", "c_3_2__thought__S", "c_4__thought__S"]
        );
    }

    #[test]
    fn calls_without_an_id_get_one_that_nothing_else_has() {
        let mut request = ChatRequest::new(Dialect::OpenaiChat);
        for part in [call(""), call(""), result(""), result(""), call("call_2"), result("call_2"), result("")]
        {
            let mut message = Message::new(Role::User, Place::Message(0));
            if matches!(part.kind, PartKind::ToolCall(_)) {
                message.role = Role::Assistant;
                // Calls of one turn stand together.
                if let Some(last) = request.messages.last_mut().filter(|last| calls(last)) {
                    last.parts.push(part);
                    continue;
                }
            }
            message.parts.push(part);
            request.messages.push(message);
        }
        part_ids(&mut request);
        let ids = request.messages.iter().flat_map(|message| &message.parts).map(|part| match &part.kind {
            PartKind::ToolCall(call) => call.id.to_str().into_owned(),
            PartKind::ToolResult(result) => result.call_id.to_str().into_owned(),
            _ => String::new(),
        });
        assert_eq!(
            ids.collect::<Vec<_>>(),
            ["call_1", "call_3", "call_1", "call_3", "call_2", "call_2", "call_4"]
        );
    }

    #[test]
    fn results_come_in_the_order_of_their_calls() {
        assert_eq!(ordered(&["+a,b,c", "-c", "so?", "-a", "-b"]), ["a", "b", "c", "so?"]);
        assert_eq!(ordered(&["+a,b", "-b", "-x", "-a", "+c,d", "-d", "-c"]), ["a", "b", "x", "c", "d"]);
        assert_eq!(ordered(&["-b", "-a", "+a,b", "+a,b", "-a", "-b"]), ["b", "a", "a", "b"]);
        assert_eq!(ordered(&["+a,a", "-a", "-a"]), ["a", "a"]);
    }
}
