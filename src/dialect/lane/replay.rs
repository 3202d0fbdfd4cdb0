//! A whole answer as the events of a stream.

use crate::chat::{
    Arguments, ChatResponse, Delta, Event, FinishReason, Losses, Part, PartKind, PartStart, Text,
};

/// Sends the events that a stream of this answer would have had.
pub(super) fn replay(response: &ChatResponse<'_>, losses: &mut Losses, mut send: impl FnMut(Event<'_>)) {
    send(Event::Start { id: response.id.clone(), model: response.model.clone(), created: response.created });
    for choice in &response.choices {
        let mut logprobs = choice.logprobs.clone().map(|json| Event::Logprobs { choice: choice.index, json });
        // They belong to the text: clients of some dialects get them in its part, or not at all.
        let last_text = choice.parts.iter().rposition(|part| matches!(part.kind, PartKind::Text(_)));
        for (at, part) in choice.parts.iter().enumerate() {
            let beside = if last_text == Some(at) { logprobs.take() } else { None };
            replay_part(choice.index, part, beside, losses, &mut send);
        }
        if let Some(logprobs) = logprobs {
            send(logprobs);
        }
        let finish = choice.finish.clone().unwrap_or_else(|| FinishReason::Unknown.into());
        send(Event::Finish { choice: choice.index, finish });
    }
    if !response.usage.is_empty() {
        send(Event::Usage { usage: response.usage, last: true });
    }
    send(Event::End);
}

/// `logprobs`: those of a text.
fn replay_part(
    choice: u32,
    part: &Part<'_>,
    logprobs: Option<Event<'_>>,
    losses: &mut Losses,
    send: &mut impl FnMut(Event<'_>),
) {
    let mut whole = |part: PartStart<'_>, deltas: &[Delta<'_>]| {
        send(Event::PartStart { choice, part });
        for delta in deltas {
            send(Event::Delta { choice, delta: delta.clone() });
        }
        send(Event::PartStop { choice });
    };
    match &part.kind {
        PartKind::Text(text) => {
            send(Event::PartStart { choice, part: PartStart::Text });
            send(Event::Delta { choice, delta: Delta::Text(text.clone()) });
            for citation in &part.citations {
                send(Event::Citation { choice, citation: citation.clone() });
            }
            if let Some(logprobs) = logprobs {
                send(logprobs);
            }
            send(Event::PartStop { choice });
        }
        PartKind::Refusal(text) => whole(PartStart::Refusal, &[Delta::Text(text.clone())]),
        PartKind::RedactedThinking(data) => whole(PartStart::RedactedThinking(data.clone()), &[]),
        // Only its own dialect has words for a thought that neither says nor proves anything.
        PartKind::Thinking(thinking) if thinking.text.is_empty() && thinking.signature.is_none() => {}
        PartKind::Thinking(thinking) => {
            let text = Delta::Thinking(thinking.text.clone());
            match &thinking.signature {
                Some(signature) => whole(PartStart::Thinking, &[text, Delta::Signature(signature.clone())]),
                None => whole(PartStart::Thinking, &[text]),
            }
        }
        PartKind::ToolCall(call) => {
            let (id, name) = (call.id.clone(), call.name.clone());
            let (start, arguments) = match &call.arguments {
                Arguments::Text(text) => (PartStart::ToolCall { id, name }, text.clone()),
                Arguments::Json(json) => (PartStart::ToolCall { id, name }, Text::plain(json.as_str())),
                Arguments::Input(text) => (PartStart::CustomCall { id, name }, text.clone()),
            };
            whole(start, &[Delta::Arguments(arguments)]);
        }
        PartKind::Other(opaque) => {
            losses.note(format_args!("a block of type {:?} dropped from the answer", &*opaque.kind.to_str()));
        }
        _ => losses.note("a picture, sound or document dropped from the answer"),
    }
}
