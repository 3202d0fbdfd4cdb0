//! The hub's request becomes one for a provider of text completions.

use crate::chat::{ChatRequest, Failure, Losses, Message, PartKind, Text};
use crate::dialect::Dialect;
use crate::dialect::lane::{Ask, Encoded};
use crate::dialect::openai_chat::Top;
use crate::wire::json::{array, object};

/// Why something that a conversation says is lost here.
const UNKNOWN_HERE: &str = "has no counterpart in text completions";

/// OpenAI takes at most this many stop sequences.
const MOST_STOPS: usize = 4;

/// Most alternatives a token can be asked for here; chat completions give up to 20.
const MOST_LOGPROBS: u64 = 5;

/// Writes a request for a provider of text completions. Instructions and one user message of text become the prompt;
/// such a model has no roles and no turns.
///
/// # Errors
/// 400 that names the message that is no plain prompt, or a field which this provider cannot take, where the model's
/// configuration refuses such fields.
pub fn encode_request(
    request: &ChatRequest<'_>,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Encoded, Failure> {
    let texts = prompt(&request.messages)?;
    let mut body = Vec::with_capacity(256);
    object(&mut body, |o| {
        let mut top = Top::new(o, ask, losses);
        top.str("model", ask.model)?;
        if let Some(out) = top.field("prompt")? {
            out.push(b'"');
            for (index, text) in texts.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(br"\n\n");
                }
                text.write_content(out);
            }
            out.push(b'"');
        }
        top.text("suffix", request.suffix.as_ref())?;
        top.u64("max_tokens", ask.max_tokens.or(request.max_tokens))?;
        sampling(&mut top, request)?;
        if request.echo.is_some() && request.origin == Dialect::OpenaiCompletions {
            top.bool("echo", Some(true))?;
        }
        top.text("user", request.user.as_ref())?;
        if request.stream {
            top.bool("stream", Some(true))?;
            if ask.quirks.stream_options {
                top.raw("stream_options", "{\"include_usage\":true}")?;
            }
        }
        if request.origin == Dialect::OpenaiCompletions {
            for (name, value) in request.extra.iter().filter(|(name, _)| !name.contains('.')) {
                top.raw(name, value.get())?;
            }
        } else {
            top.losses.lost_extra("", &request.extra, UNKNOWN_HERE)?;
        }
        top.params();
        Ok::<_, Failure>(())
    })?;
    for (field, is_said) in [
        ("tools", !request.tools.is_empty()),
        ("response_format", request.response_format.is_some()),
        ("reasoning", request.reasoning.is_on()),
        ("metadata", request.metadata.is_some()),
        ("service_tier", request.service_tier.is_some()),
        ("verbosity", request.verbosity.is_some()),
    ] {
        if is_said {
            losses.lost(field, UNKNOWN_HERE)?;
        }
    }
    Ok(Encoded { body, json_tool: false })
}

/// The texts that make the prompt.
fn prompt<'r, 'a>(messages: &'r [Message<'a>]) -> Result<Vec<&'r Text<'a>>, Failure> {
    let mut texts = Vec::new();
    let mut asked = false;
    for message in messages {
        let refuse = |what: &str| {
            let place = message.place.to_string();
            let text = format!("{place}: {what}; this model only goes on from one text");
            Failure::unsupported(place, text)
        };
        if asked {
            return Err(refuse("a conversation of several turns cannot be a prompt"));
        }
        asked = !message.role.is_system();
        for part in &message.parts {
            match &part.kind {
                PartKind::Text(text) => texts.push(text),
                _ => return Err(refuse("only text can be a prompt")),
            }
        }
    }
    Ok(texts)
}

fn sampling(top: &mut Top<'_, '_, '_, '_>, request: &ChatRequest<'_>) -> Result<(), Failure> {
    if request.stop.len() > MOST_STOPS {
        top.losses.lost("stop[4..]", "OpenAI takes at most four stop sequences")?;
    }
    if !request.stop.is_empty()
        && let Some(out) = top.field("stop")?
    {
        array(out, |list| request.stop.iter().take(MOST_STOPS).for_each(|text| list.text(text)));
    }
    top.f64("temperature", request.temperature)?;
    top.f64("top_p", request.top_p)?;
    top.f64("frequency_penalty", request.frequency_penalty)?;
    top.f64("presence_penalty", request.presence_penalty)?;
    top.u64("n", request.n)?;
    if request.logprobs == Some(true) {
        let wanted = request.top_logprobs.unwrap_or(0);
        let own = request.origin == Dialect::OpenaiCompletions;
        if wanted > MOST_LOGPROBS && !own {
            top.losses.note("top_logprobs clamped to 5: text completions give no more");
        }
        top.u64("logprobs", Some(if own { wanted } else { wanted.min(MOST_LOGPROBS) }))?;
    }
    top.json("logit_bias", request.logit_bias.as_ref())?;
    if let Some(seed) = request.seed {
        top.raw("seed", &seed.to_string())?;
    }
    if request.top_k.is_some() && !top.ask.quirks.top_k && request.origin != Dialect::OpenaiCompletions {
        return top.losses.lost("top_k", UNKNOWN_HERE);
    }
    top.u64("top_k", request.top_k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{openai_chat, openai_completions};
    use crate::provider::Quirks;
    use serde_json::{Value, json};

    fn encode(request: &ChatRequest<'_>) -> Result<(Value, Vec<String>), Failure> {
        let ask = Ask::new("base", &Quirks::OPENAI);
        let mut losses = Losses::new(true);
        let encoded = encode_request(request, &ask, &mut losses)?;
        Ok((serde_json::from_slice(&encoded.body).unwrap(), losses.into_warnings()))
    }

    #[test]
    fn back_into_its_own_words() {
        let body =
            br#"{"model":"m","prompt":["a\nb"],"suffix":"s","echo":true,"best_of":3,"logprobs":7,"seed":1,
            "temperature":0.5,"stop":["x"],"max_tokens":9,"user":"u","logit_bias":{"1":2},"x":{"y":1}}"#;
        let (back, warnings) = encode(&openai_completions::decode_request(body).unwrap()).unwrap();
        assert_eq!(
            back,
            json!({"model":"base","prompt":"a\nb","suffix":"s","echo":true,"best_of":3,"logprobs":7,"seed":1,
                "temperature":0.5,"stop":["x"],"max_tokens":9,"user":"u","logit_bias":{"1":2},"x":{"y":1}})
        );
        assert_eq!(warnings, [""; 0]);
    }

    #[test]
    fn a_chat_of_one_turn_is_a_prompt() {
        let body = br#"{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}],
            "tools":[{"type":"function","function":{"name":"f"}}],"logprobs":true,"top_logprobs":9}"#;
        let (prompt, warnings) = encode(&openai_chat::decode_request(body).unwrap()).unwrap();
        assert_eq!(prompt, json!({"model":"base","prompt":"Be brief.\n\nHi","logprobs":5}));
        assert_eq!(warnings.len(), 2, "{warnings:?}");
    }

    #[test]
    fn a_longer_chat_is_refused() {
        let body = br#"{"model":"m","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Ho"}]}"#;
        let failure = encode(&openai_chat::decode_request(body).unwrap()).unwrap_err();
        assert_eq!((failure.status, failure.param.as_deref()), (400, Some("messages[1]")));
    }
}
