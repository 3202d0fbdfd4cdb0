//! The hub's answer becomes a text completion.

use super::super::{finish, logprobs};
use crate::chat::{ChatResponse, Choice, Extra, FinishReason, Losses, PartKind, Text};
use crate::dialect::Dialect;
use crate::dialect::lane::AnswerPlan;
use crate::dialect::openai_chat::usage;
use crate::dialect::service::is_missed;
use crate::wire::json::{Object, object};
use serde_json::value::RawValue;

/// The name of a text completion's own offsets among the fields that the hub has no place for.
const OFFSETS: &str = "logprobs.text_offset";

/// Writes an answer for a client of text completions. What it cannot say is noted, never refused: the answer is there.
pub fn encode_response(response: &ChatResponse<'_>, plan: &AnswerPlan, losses: &mut Losses) -> Vec<u8> {
    let own = response.origin == Dialect::OpenaiCompletions;
    let mut body = Vec::with_capacity(512);
    object(&mut body, |o| {
        o.text("id", &response.id);
        o.word("object", "text_completion");
        o.u64("created", response.created.unwrap_or(plan.created));
        o.text("model", &response.model);
        o.array("choices", |list| {
            for choice in &response.choices {
                list.object(|o| write_choice(o, choice, plan, own, losses));
            }
        });
        if !response.usage.is_empty() {
            o.object("usage", |o| {
                usage::write(o, &response.usage);
                if own {
                    o.extra(&response.usage_extra);
                }
            });
        }
        if own {
            o.extra(&response.extra);
        }
    });
    if !own {
        note_extra(losses, &response.extra);
    }
    body
}

fn write_choice(o: &mut Object<'_>, choice: &Choice<'_>, plan: &AnswerPlan, own: bool, losses: &mut Losses) {
    let echo = super::super::echo(plan);
    let out = o.key("text");
    out.push(b'"');
    if let Some(echo) = &echo {
        echo.write_content(out);
    }
    for part in &choice.parts {
        match &part.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => text.write_content(out),
            PartKind::Thinking(_) | PartKind::RedactedThinking(_) => {
                losses.note("reasoning dropped from the answer: a text completion has no place for it");
            }
            PartKind::ToolCall(_) => losses.note("a tool call dropped from the answer"),
            PartKind::Other(opaque) => {
                losses.note(format_args!(
                    "a block of type {:?} dropped from the answer",
                    &*opaque.kind.to_str()
                ));
            }
            _ => losses.note("a picture, sound or document dropped from the answer"),
        }
    }
    out.push(b'"');
    o.u64("index", u64::from(choice.index));
    let offsets = own_offsets(&choice.extra).filter(|_| own);
    let mut start = echo.as_ref().map_or(0, length);
    logprobs::write(o, choice.logprobs.as_ref(), &mut start, offsets);
    match &choice.finish {
        Some(finish) => o.word("finish_reason", finish::word(finish.reason)),
        None if own => o.null("finish_reason"),
        None => o.word("finish_reason", finish::word(FinishReason::Unknown)),
    }
    if own {
        for (name, value) in choice.extra.iter().filter(|(name, _)| name != OFFSETS) {
            o.raw(name, value);
        }
    } else {
        note_extra(losses, &choice.extra);
        note_extra(losses, &choice.message_extra);
        if let Some(stop) = choice.finish.as_ref().and_then(|finish| finish.stop_sequence.as_ref()) {
            // vLLM's field for it.
            o.text("stop_reason", stop);
        }
    }
}

fn own_offsets<'a>(extra: &Extra<'a>) -> Option<&'a RawValue> {
    extra.iter().find(|(name, _)| name == OFFSETS).map(|(_, value)| *value)
}

/// Length of a text in characters.
pub(in super::super) fn length(text: &Text<'_>) -> u64 {
    u64::try_from(text.to_str().chars().count()).unwrap_or(u64::MAX)
}

fn note_extra(losses: &mut Losses, extra: &Extra<'_>) {
    let missed = extra.iter().filter(|(name, value)| is_missed(name, value));
    let names: Vec<&str> = missed.map(|(name, _)| &**name).collect();
    if !names.is_empty() {
        losses.note(format_args!("fields of the answer dropped: {}", names.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use crate::chat::Losses;
    use crate::dialect::Dialect::{OpenaiChat, OpenaiCompletions};
    use crate::dialect::lane::AnswerPlan;
    use crate::dialect::{openai_chat, openai_completions};
    use serde_json::{Value, json};

    #[test]
    fn back_into_its_own_words() {
        let body = json!({"id":"cmpl-1","object":"text_completion","created":7,"model":"m","system_fingerprint":"fp",
            "choices":[{"text":" a\n","index":0,"finish_reason":"length","stop_reason":5,
                "logprobs":{"text_offset":[4],"token_logprobs":[-1.0],"tokens":[" a"],"top_logprobs":[{" a":-1.0}]}},
                {"text":"b","index":1,"logprobs":null,"finish_reason":"stop"}],
            "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}});
        let bytes = body.to_string();
        let response = openai_completions::decode_response(bytes.as_bytes()).unwrap();
        let plan = AnswerPlan::new(OpenaiCompletions, OpenaiCompletions, false, false);
        let mut losses = Losses::new(true);
        let back = openai_completions::encode_response(&response, &plan, &mut losses);
        assert_eq!(serde_json::from_slice::<Value>(&back).unwrap(), body);
        assert_eq!(losses.into_warnings(), [""; 0]);
    }

    #[test]
    fn a_chat_answer_is_a_text_behind_its_echo() {
        let body = br#"{"id":"c","model":"m","created":1,"choices":[{"index":0,"finish_reason":"stop",
            "logprobs":{"content":[{"token":"Ho","logprob":-0.1,"bytes":null,"top_logprobs":[]}]},
            "message":{"role":"assistant","reasoning_content":"hm","content":"Ho"}}],
            "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#;
        let response = openai_chat::decode_response(body).unwrap();
        let mut plan = AnswerPlan::new(OpenaiCompletions, OpenaiChat, false, false);
        plan.echo = Some(r#""prompt":"H\u00e9 ""#.into());
        let mut losses = Losses::new(true);
        let text: Value =
            serde_json::from_slice(&openai_completions::encode_response(&response, &plan, &mut losses))
                .unwrap();
        assert_eq!(text["choices"][0]["text"], "H\u{e9} Ho");
        assert_eq!(text["choices"][0]["logprobs"]["text_offset"], json!([3]));
        assert_eq!((&text["object"], &text["usage"]["total_tokens"]), (&json!("text_completion"), &json!(3)));
        assert_eq!(losses.into_warnings().len(), 1);
    }
}
