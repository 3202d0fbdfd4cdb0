//! A request whose provider speaks the client's dialect: a few top-level fields are spliced, every other byte stays.

use super::fields::{choices_and_seed, developer_role, effort, output_limit, usage_switch};
use super::needs::needs_rewriting;
use crate::chat::{Failure, Losses};
use crate::dialect::lane::cited;
use crate::dialect::lane::request::decode;
use crate::dialect::lane::{AnswerPlan, Ask, Edit, Outgoing, set_params};
use crate::dialect::{Call, Carriage, Dialect, codec, gemini, signature};
use crate::wire::json::{Members, Outline, Patch, Text, sketch, write_string};

/// Makes the body that this target gets; `outline` is what was seen of it before, if anything was.
///
/// # Errors
/// 400, which names the field.
pub fn request(
    call: &Call,
    body: &[u8],
    outline: Option<&Outline>,
    ask: &Ask<'_>,
) -> Result<Outgoing, Failure> {
    let dialect = call.dialect;
    let rewrite = match dialect {
        Dialect::OpenaiChat => needs_rewriting(body, ask),
        Dialect::OpenaiCompletions => false,
        Dialect::Anthropic | Dialect::Gemini => holds_foreign(dialect, body),
        _ => {
            // Each dialect has a place of its own for the output limit.
            holds_foreign(dialect, body) || (ask.max_tokens.is_some() && limit_field(dialect).is_none())
        }
    };
    if rewrite {
        return rewritten(call, body, ask);
    }
    let found = match outline {
        Some(outline) => outline.members(body),
        None => sketch(body)?,
    };
    let mut patch = Patch::default();
    let mut losses = Losses::new(ask.drop_params);
    set_params(&mut patch, ask, &found);
    let stream = call.stream.unwrap_or_else(|| match field(&found, "stream") {
        Some(value) => value == b"true",
        None => dialect.shape().streams_by_default,
    });
    let mut show_usage = false;
    match dialect {
        Dialect::OpenaiChat => {
            for name in ask.quirks.refused.iter().filter(|name| field(&found, name).is_some()) {
                losses.lost(name, "is refused by this provider")?;
                patch.remove(name);
            }
            effort(dialect, &found, ask, &mut patch, &mut losses)?;
            output_limit(&found, ask, &mut patch);
            choices_and_seed(&found, ask, &mut patch, &mut losses)?;
            developer_role(&found, ask, &mut patch, &mut losses)?;
            show_usage = usage_switch(&found, stream, ask, &mut patch, &mut losses)?;
        }
        Dialect::OpenaiCompletions => {
            if let Some(limit) = ask.max_tokens {
                patch.set("max_tokens", limit.to_string());
            }
            show_usage = usage_switch(&found, stream, ask, &mut patch, &mut losses)?;
        }
        Dialect::Anthropic => {
            if let Some(limit) = ask.max_tokens {
                patch.set("max_tokens", limit.to_string());
            } else if field(&found, "max_tokens").is_none() && !patch.sets("max_tokens") {
                // Anthropic refuses a request without it.
                patch.set("max_tokens", ask.default_max_tokens.to_string());
            }
        }
        Dialect::Gemini => {
            if let Some(limit) = ask.max_tokens {
                gemini_limit(&found, limit, &mut patch);
            }
        }
        _ => {
            effort(dialect, &found, ask, &mut patch, &mut losses)?;
            if let (Some(limit), Some(field)) = (ask.max_tokens, limit_field(dialect)) {
                patch.set(field, limit.to_string());
            }
        }
    }
    if dialect.shape().model_in_path || call.carriage != Carriage::Plain {
        return Ok(outgoing(call, body, &found, &patch, losses, (stream, show_usage)));
    }
    let mut asked = found.fields.iter().filter(|member| member.key == "model").peekable();
    let is_asked_for = asked.peek().is_some()
        && asked.all(|member| Text::of_bytes(member.value).is_some_and(|name| name == *ask.model));
    // A name that is the same in another spelling stays as it is: not a byte changes without need.
    if !is_asked_for || patch.sets("model") {
        let mut model = Vec::with_capacity(ask.model.len() + 2);
        write_string(&mut model, ask.model);
        patch.set("model", model);
    }
    Ok(outgoing(call, body, &found, &patch, losses, (stream, show_usage)))
}

/// Whether a body seems to hold thoughts of another dialect's provider, which one of this dialect would refuse.
pub(in crate::dialect::lane) fn holds_foreign(dialect: Dialect, body: &[u8]) -> bool {
    let holds = |mark: &str| memchr::memmem::find(body, mark.as_bytes()).is_some();
    match dialect {
        // Where a field has to be base64, the mark is.
        Dialect::Gemini => holds(gemini::signature::WRAPPED),
        Dialect::Bedrock => holds(signature::MARK) || holds(gemini::signature::WRAPPED),
        _ => signature::marks(dialect) && holds(signature::MARK),
    }
}

/// The output limit's name where it is a field of the body.
fn limit_field(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::OpenaiResponses => Some("max_output_tokens"),
        _ => None,
    }
}

/// The edited request; `switches` are whether a stream is wanted and whether the client itself asked for its usage.
fn outgoing(
    call: &Call,
    body: &[u8],
    found: &Members<'_, &[u8]>,
    patch: &Patch<'_>,
    losses: Losses,
    switches: (bool, bool),
) -> Outgoing {
    let edit = match patch.prefix(body, found) {
        Some((drop, insert)) => Edit::Prefix { drop, insert },
        None => Edit::Keep,
    };
    let (stream, show_usage) = switches;
    let plan =
        AnswerPlan { array: call.array, ..AnswerPlan::new(call.dialect, call.dialect, stream, show_usage) };
    Outgoing { edit, warnings: losses.into_warnings(), plan }
}

/// The request through the hub and back into its own dialect, with all that the provider's quirks ask for. The answer
/// still passes as it is.
fn rewritten(call: &Call, body: &[u8], ask: &Ask<'_>) -> Result<Outgoing, Failure> {
    let dialect = call.dialect;
    let mut request = decode(call, body)?;
    let mut losses = Losses::new(ask.drop_params);
    signature::settle(&mut request, dialect, &mut losses);
    cited::forget(&mut request, dialect, &mut losses)?;
    let encoded = codec::encode_request(dialect, &request, ask, &mut losses)?;
    let show_usage = request.include_usage == Some(true) || !ask.quirks.stream_options;
    let plan =
        AnswerPlan { array: call.array, ..AnswerPlan::new(dialect, dialect, request.stream, show_usage) };
    Ok(Outgoing { edit: Edit::Replace(encoded.body), warnings: losses.into_warnings(), plan })
}

/// A field that was given and is not `null`.
pub(super) fn field<'a>(found: &Members<'a, &'a [u8]>, key: &str) -> Option<&'a [u8]> {
    found.get(key).map(|member| member.value).filter(|value| *value != b"null")
}

/// Gemini's output limit stands in the configuration of the generation, under either of two names.
fn gemini_limit(found: &Members<'_, &[u8]>, limit: u64, patch: &mut Patch<'_>) {
    const NAMES: [&str; 2] = ["generationConfig", "generation_config"];
    let given =
        |name: &'static str| patch.value(name).or_else(|| field(found, name)).map(|config| (name, config));
    let (name, config) = NAMES.into_iter().find_map(given).unwrap_or(("generationConfig", b"{}"));
    let mut inner = Patch::default();
    inner.remove("max_output_tokens");
    inner.set("maxOutputTokens", limit.to_string());
    let Ok(fields) = sketch(config) else { return };
    if let Some(edited) = inner.apply(config, &fields) {
        patch.set(name, edited);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Quirks, Replay};
    use serde_json::value::RawValue;

    /// The request, which is the same whether its body was looked at before or not.
    fn request(call: &Call, body: &[u8], ask: &Ask<'_>) -> Result<Outgoing, Failure> {
        let outgoing = super::request(call, body, None, ask);
        let seen = super::request(call, body, Outline::of(body).as_ref(), ask);
        assert_eq!(format!("{outgoing:?}"), format!("{seen:?}"));
        outgoing
    }

    fn ask(quirks: &Quirks) -> Ask<'_> {
        Ask::new("real", quirks)
    }

    fn send(dialect: Dialect, body: &str, ask: &Ask<'_>) -> (String, Outgoing) {
        let outgoing = request(&Call::chat(dialect), body.as_bytes(), ask).unwrap();
        let text = match &outgoing.edit {
            Edit::Keep => body.to_owned(),
            Edit::Prefix { drop, insert } => String::from_utf8(insert.clone()).unwrap() + &body[*drop..],
            Edit::Replace(_) => panic!("an identity lane never replaces a body"),
        };
        (text, outgoing)
    }

    fn old() -> Quirks {
        Quirks {
            max_completion_tokens: false,
            stream_options: false,
            developer_role: false,
            ..Quirks::default()
        }
    }

    #[test]
    fn only_the_model_changes_and_only_the_front_is_copied() {
        let tail = format!(
            r#" ,  "messages" :[{{"role":"user","content":"{}"}}],"x":1.0e2,"x":2 }} "#,
            "y".repeat(99)
        );
        let body = format!(r#"{{"temperature":0.10, "model" : "smart"{tail}"#);
        let (text, outgoing) = send(Dialect::OpenaiChat, &body, &ask(&Quirks::default()));
        assert_eq!(text, body.replace("\"smart\"", "\"real\""));
        assert_eq!(
            outgoing.edit,
            Edit::Prefix {
                drop: body.len() - tail.len(),
                insert: br#"{"temperature":0.10, "model" : "real""#.to_vec()
            }
        );
        assert!(outgoing.warnings.is_empty() && outgoing.plan.show_usage && !outgoing.plan.stream);
    }

    #[test]
    fn nothing_changes_when_the_name_is_the_same() {
        let body = r#"{"model":"re\u0061l","messages":[]}"#;
        assert_eq!(send(Dialect::OpenaiChat, body, &ask(&Quirks::default())).1.edit, Edit::Keep);
    }

    #[test]
    fn the_usage_switch_is_set_and_remembered() {
        let quirks = Quirks::default();
        for (options, expected, show) in [
            (r"", r#"{"stream_options":{"include_usage":true},"model":"real","stream":true}"#, false),
            (
                r#","stream_options":null"#,
                r#"{"model":"real","stream":true,"stream_options":{"include_usage":true}}"#,
                false,
            ),
            (
                r#","stream_options":{"include_usage":true}"#,
                r#"{"model":"real","stream":true,"stream_options":{"include_usage":true}}"#,
                true,
            ),
            (
                r#","stream_options":{ "include_usage":false}"#,
                r#"{"model":"real","stream":true,"stream_options":{ "include_usage":true}}"#,
                false,
            ),
            (
                r#","stream_options":{"include_obfuscation":false}"#,
                r#"{"model":"real","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}}"#,
                false,
            ),
        ] {
            let body = format!(r#"{{"model":"m","stream":true{options}}}"#);
            let (text, outgoing) = send(Dialect::OpenaiChat, &body, &ask(&quirks));
            assert_eq!((&*text, outgoing.plan.show_usage), (expected, show));
        }
        let wrong = request(
            &Call::chat(Dialect::OpenaiChat),
            br#"{"stream":true,"stream_options":7}"#,
            &ask(&quirks),
        );
        assert_eq!(wrong.unwrap_err().param.as_deref(), Some("stream_options"));
    }

    #[test]
    fn a_provider_without_the_switch_is_not_asked() {
        let quirks = old();
        let body = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#;
        let (text, outgoing) = send(Dialect::OpenaiChat, body, &ask(&quirks));
        assert_eq!(text, r#"{"model":"real","stream":true}"#);
        assert_eq!(outgoing.warnings.len(), 1);
        let strict = Ask { drop_params: false, ..ask(&quirks) };
        assert_eq!(
            request(&Call::chat(Dialect::OpenaiChat), body.as_bytes(), &strict).unwrap_err().param.as_deref(),
            Some("stream_options")
        );
    }

    #[test]
    fn output_limits() {
        let (new, old) = (Quirks::default(), old());
        let limited = |quirks| Ask { max_tokens: Some(9), ..ask(quirks) };
        let both = r#"{"model":"real","max_tokens":1,"max_completion_tokens":2}"#;
        for (ask, body, expected) in [
            (ask(&new), both, both),
            (ask(&old), both, r#"{"model":"real","max_tokens":2}"#),
            (
                ask(&old),
                r#"{"model":"real","max_completion_tokens":2}"#,
                r#"{"max_tokens":2,"model":"real"}"#,
            ),
            (ask(&old), r#"{"model":"real","max_completion_tokens":null}"#, r#"{"model":"real"}"#),
            (limited(&new), both, r#"{"model":"real","max_completion_tokens":9}"#),
            (limited(&old), both, r#"{"model":"real","max_tokens":9}"#),
        ] {
            assert_eq!(send(Dialect::OpenaiChat, body, &ask).0, expected);
        }
        // Reasoning models refuse the older name, whoever serves them.
        let served = Ask { model: "o3-mini", ..ask(&old) };
        let body = r#"{"model":"o3-mini","max_completion_tokens":2}"#;
        assert_eq!(send(Dialect::OpenaiChat, body, &served).0, body);
    }

    #[test]
    fn anthropic_gets_its_limit() {
        let quirks = Quirks::default();
        for (ask, body, expected) in [
            (ask(&quirks), r#"{"model":"real"}"#, r#"{"max_tokens":4096,"model":"real"}"#),
            (ask(&quirks), r#"{"model":"real","max_tokens":5}"#, r#"{"model":"real","max_tokens":5}"#),
            (
                Ask { max_tokens: Some(7), ..ask(&quirks) },
                r#"{"model":"real","max_tokens":5}"#,
                r#"{"model":"real","max_tokens":7}"#,
            ),
        ] {
            assert_eq!(send(Dialect::Anthropic, body, &ask).0, expected);
        }
    }

    #[test]
    fn params_of_the_target_replace_the_clients() {
        let quirks = Quirks::default();
        let raw = |json: &str| RawValue::from_string(json.into()).unwrap();
        let params =
            [("temperature".into(), raw("0.2")), ("seed".into(), raw("1")), ("model".into(), raw("\"no\""))];
        let ask = Ask { params: &params, ..ask(&quirks) };
        let (text, _) = send(Dialect::OpenaiChat, r#"{"model":"m","temperature":1}"#, &ask);
        assert_eq!(text, r#"{"seed":1,"model":"real","temperature":0.2}"#);
    }

    #[test]
    fn a_limit_joins_the_settings_of_the_target() {
        let quirks = Quirks::default();
        let params = [("generationConfig".into(), RawValue::from_string(r#"{"topK":1}"#.into()).unwrap())];
        let ask = Ask { params: &params, max_tokens: Some(7), ..ask(&quirks) };
        for (body, expected) in [
            (
                r#"{"generationConfig":{"maxOutputTokens":5,"topP":1},"contents":[]}"#,
                r#"{"generationConfig":{"topK":1,"maxOutputTokens":7,"topP":1},"contents":[]}"#,
            ),
            (
                r#"{"contents":[],"generation_config":{"max_output_tokens":5}}"#,
                r#"{"contents":[],"generation_config":{"maxOutputTokens":7,"topK":1}}"#,
            ),
            (r#"{"contents":[]}"#, r#"{"generationConfig":{"maxOutputTokens":7,"topK":1},"contents":[]}"#),
        ] {
            assert_eq!(send(Dialect::Gemini, body, &ask).0, expected);
        }
    }

    #[test]
    fn refused_fields_are_dropped_or_named() {
        let quirks = Quirks { refused: &["logit_bias"], ..Quirks::default() };
        let body = r#"{"model":"real","logit_bias":{},"n":1}"#;
        let (text, outgoing) = send(Dialect::OpenaiChat, body, &ask(&quirks));
        assert_eq!((&*text, outgoing.warnings.len()), (r#"{"model":"real","n":1}"#, 1));
        let strict = Ask { drop_params: false, ..ask(&quirks) };
        let failure = request(&Call::chat(Dialect::OpenaiChat), body.as_bytes(), &strict).unwrap_err();
        assert_eq!(failure.param.as_deref(), Some("logit_bias"));
    }

    #[test]
    fn an_effort_goes_only_to_models_that_take_it() {
        let quirks = Quirks { efforts: &[("grok-4", false), ("grok-4-x", true)], ..Quirks::default() };
        let to = |model| Ask::new(model, &quirks);
        let chat = r#"{"model":"grok-4-fast","reasoning_effort":"low","n":1}"#;
        let (text, outgoing) = send(Dialect::OpenaiChat, chat, &to("grok-4-fast"));
        assert_eq!(text, r#"{"model":"grok-4-fast","n":1}"#);
        assert_eq!(
            outgoing.warnings,
            ["reasoning_effort dropped: grok-4-fast cannot be told how hard to think"]
        );
        let responses = r#"{"model":"grok-4","reasoning":{"effort":"low","summary":"auto"}}"#;
        let (text, outgoing) = send(Dialect::OpenaiResponses, responses, &to("grok-4"));
        assert_eq!(
            (&*text, outgoing.warnings.len()),
            (r#"{"model":"grok-4","reasoning":{"summary":"auto"}}"#, 1)
        );
        for model in ["grok-4-x-1", "grok-4.3", "grok-5"] {
            let body = chat.replace("grok-4-fast", model);
            assert_eq!(send(Dialect::OpenaiChat, &body, &to(model)).0, body);
        }
    }

    #[test]
    fn a_provider_that_takes_another_form_gets_it() {
        let quirks = Quirks { replay: Replay::SinceLastUser, ..Quirks::default() };
        let old = r#"{"model":"m","messages":[{"role":"user","content":"a"},
            {"role":"assistant","content":"b","reasoning_content":"old"},{"role":"user","content":"c"}]}"#;
        let outgoing = request(&Call::chat(Dialect::OpenaiChat), old.as_bytes(), &ask(&quirks)).unwrap();
        let Edit::Replace(sent) = outgoing.edit else { panic!("it was not rewritten") };
        let sent = String::from_utf8(sent).unwrap();
        assert!(sent.contains("\"real\"") && !sent.contains("old"), "{sent}");
        let plain = r#"{"model":"m","messages":[{"role":"user","content":"about reasoning_content"}]}"#;
        assert!(matches!(
            request(&Call::chat(Dialect::OpenaiChat), plain.as_bytes(), &ask(&quirks)).unwrap().edit,
            Edit::Prefix { .. }
        ));
    }

    #[test]
    fn developer_becomes_system_where_it_must() {
        let quirks = old();
        let body = r#"{"model":"real","messages":[ {"role":"developer","content":"\"developer\""},{"role":"user","content":"developer"}]}"#;
        let (text, outgoing) = send(Dialect::OpenaiChat, body, &ask(&quirks));
        assert_eq!(text, body.replacen("developer", "system", 1));
        assert_eq!(outgoing.warnings.len(), 1);
    }
}
