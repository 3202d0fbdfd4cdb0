//! A client's request for a text becomes the hub's.

use super::prompt;
use crate::chat::{ChatRequest, Failure, Json, Message, Part, Place, Role};
use crate::dialect::Dialect;
use crate::wire::json::{Text, TextOr, parse, wire_object};
use serde_json::value::RawValue;

/// The output limit of a request that names none, in tokens: OpenAI's API reference.
const USUAL_MAX_TOKENS: u64 = 16;

wire_object! {
    /// The body of `POST /v1/completions`.
    struct Request<'a> {
        model: Text<'a> = "model",
        prompt: &'a RawValue = "prompt",
        suffix: Text<'a> = "suffix",
        max_tokens: u64 = "max_tokens",
        temperature: f64 = "temperature",
        top_p: f64 = "top_p",
        top_k: u64 = "top_k",
        frequency_penalty: f64 = "frequency_penalty",
        presence_penalty: f64 = "presence_penalty",
        seed: i64 = "seed",
        stop: TextOr<'a, Vec<Text<'a>>> = "stop",
        n: u64 = "n",
        best_of: &'a RawValue = "best_of",
        logprobs: u64 = "logprobs",
        logit_bias: &'a RawValue = "logit_bias",
        echo: bool = "echo",
        user: Text<'a> = "user",
        stream: bool = "stream",
        stream_options: StreamOptions<'a> = "stream_options",
    }
}

wire_object! {
    /// What a stream should hold beside the answer.
    struct StreamOptions<'a> {
        include_usage: bool = "include_usage",
    }
}

/// Reads a client's request.
///
/// # Errors
/// 400 that names the field.
pub fn decode_request(body: &[u8]) -> Result<ChatRequest<'_>, Failure> {
    let wire: Request<'_> = parse(body)?;
    let mut request = ChatRequest::new(Dialect::OpenaiCompletions);
    request.model = wire.model.unwrap_or_default();
    let prompt = prompt::text(wire.prompt)?;
    if wire.echo == Some(true) {
        let mut echo = br#""prompt":"#.to_vec();
        prompt.write_json(&mut echo);
        request.echo = String::from_utf8(echo).ok();
    }
    let mut message = Message::new(Role::User, Place::Prompt);
    message.parts.push(Part::text(prompt));
    request.messages.push(message);
    request.max_tokens = Some(wire.max_tokens.unwrap_or(USUAL_MAX_TOKENS));
    request.temperature = wire.temperature;
    request.top_p = wire.top_p;
    request.top_k = wire.top_k;
    request.frequency_penalty = wire.frequency_penalty;
    request.presence_penalty = wire.presence_penalty;
    request.seed = wire.seed;
    request.stop = match wire.stop {
        None => Vec::new(),
        Some(TextOr::Text(text)) => vec![text],
        Some(TextOr::Other(texts)) => texts,
    };
    request.suffix = wire.suffix;
    request.n = wire.n;
    request.logprobs = wire.logprobs.map(|_| true);
    request.top_logprobs = wire.logprobs;
    request.logit_bias = wire.logit_bias.map(Json::from);
    request.user = wire.user;
    request.stream = wire.stream.unwrap_or(false);
    request.extra = wire.extra;
    // The best of as many as are wanted are all of them.
    if let Some(best_of) = wire.best_of
        && best_of.get().parse() != Ok(wire.n.unwrap_or(1))
    {
        request.extra.push(("best_of".into(), best_of));
    }
    if let Some(options) = wire.stream_options {
        request.include_usage = options.include_usage;
        let nested = options.extra.into_iter();
        request.extra.extend(nested.map(|(name, value)| (format!("stream_options.{name}").into(), value)));
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::PartKind;

    #[test]
    fn a_prompt_is_one_user_message() {
        let body = br#"{"model":"m","prompt":["say \"hi\""],"logprobs":0,"best_of":1,"stop":"x","seed":-7,
            "stream":true,"stream_options":{"include_usage":true,"x":1},"suffix":"end","temperature":0.1}"#;
        let request = decode_request(body).unwrap();
        let [message] = request.messages.as_slice() else { panic!("one message") };
        assert!(matches!(&message.parts[0].kind, PartKind::Text(text) if *text == "say \"hi\""));
        assert_eq!((message.role, message.place.to_string()), (Role::User, "prompt".into()));
        assert_eq!(
            (request.max_tokens, request.logprobs, request.top_logprobs),
            (Some(16), Some(true), Some(0))
        );
        assert_eq!((request.include_usage, request.stream, request.echo), (Some(true), true, None));
        let extra: Vec<&str> = request.extra.iter().map(|(name, _)| &**name).collect();
        assert_eq!(extra, ["stream_options.x"]);
        assert!(request.suffix.is_some_and(|suffix| suffix == "end"));
    }

    #[test]
    fn an_echo_remembers_the_prompt_and_best_of_counts_only_beyond_n() {
        let request =
            decode_request(br#"{"model":"m","prompt":"a\u00e9","echo":true,"n":2,"best_of":5}"#).unwrap();
        assert_eq!(request.echo.as_deref(), Some(r#""prompt":"a\u00e9""#));
        assert_eq!(request.extra.len(), 1);
        assert_eq!((&*request.extra[0].0, request.n), ("best_of", Some(2)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, param) in [
            (r#"{"model":"m"}"#, "prompt"),
            (r#"{"model":"m","prompt":"x","max_tokens":-1}"#, "max_tokens"),
            (r#"{"model":"m","prompt":"x","logprobs":true}"#, "logprobs"),
        ] {
            assert_eq!(decode_request(body.as_bytes()).unwrap_err().param.as_deref(), Some(param), "{body}");
        }
    }
}
