//! A whole answer as the events of a stream.

use crate::chat::{
    Arguments, ChatResponse, Delta, Event, FinishReason, Losses, Part, PartKind, PartStart, Text,
};

/// Sends the events that a stream of this answer would have had.
pub(super) fn replay(response: &ChatResponse<'_>, losses: &mut Losses, mut send: impl FnMut(Event<'_>)) {
    send(Event::Start { id: response.id.clone(), model: response.model.clone(), created: response.created });
    for choice in &response.choices {
        for part in &choice.parts {
            replay_part(choice.index, part, losses, &mut send);
        }
        if let Some(json) = &choice.logprobs {
            send(Event::Logprobs { choice: choice.index, json: json.clone() });
        }
        let finish = choice.finish.clone().unwrap_or_else(|| FinishReason::Unknown.into());
        send(Event::Finish { choice: choice.index, finish });
    }
    if !response.usage.is_empty() {
        send(Event::Usage { usage: response.usage, last: true });
    }
    send(Event::End);
}

fn replay_part(choice: u32, part: &Part<'_>, losses: &mut Losses, send: &mut impl FnMut(Event<'_>)) {
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
