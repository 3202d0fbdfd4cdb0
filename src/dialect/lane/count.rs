//! Counting the tokens of a request: the provider's own count in the client's words, or an estimate.

use super::identity::holds_foreign;
use super::request::{decode, encode};
use super::{Answer, AnswerPlan, Ask, Edit, Outgoing, Report, names, read_failure, shape};
use crate::chat::{ChatRequest, Failure};
use crate::dialect::{Call, Dialect, Operation};
use crate::meter::estimate::{self, Tokenizer};
use crate::wire::json::{Members, Object, Patch, members, object, write_string};

/// How a dialect asks for a count and answers with one.
#[derive(Debug)]
struct Form {
    /// The fields, from the outside in, that the conversation stands within.
    within: &'static [&'static str],
    /// The fields of a conversation that may stand there; empty: all.
    fields: &'static [&'static str],
    /// The field of the answer that holds the count.
    count: &'static str,
    /// The answer's `object`, where it has one.
    object: Option<&'static str>,
    /// The model stands beside the conversation as `models/NAME`, although the path has it too.
    names_model: bool,
}

/// What most forms have in common.
const PLAIN: Form =
    Form { within: &[], fields: &[], count: "input_tokens", object: None, names_model: false };

/// Anthropic's `/v1/messages/count_tokens`; it refuses the fields that do not count.
const ANTHROPIC: Form = Form {
    fields: &[
        "model",
        "messages",
        "system",
        "tools",
        "tool_choice",
        "thinking",
        "cache_control",
        "output_config",
        "context_management",
        "mcp_servers",
    ],
    ..PLAIN
};

/// OpenAI's `/v1/responses/input_tokens`.
const RESPONSES: Form = Form {
    fields: &[
        "model",
        "input",
        "instructions",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "text",
        "reasoning",
        "truncation",
        "conversation",
        "previous_response_id",
    ],
    object: Some("response.input_tokens"),
    ..PLAIN
};

/// Gemini's `:countTokens` at Google AI Studio, where only a whole request may have more than `contents`.
const GEMINI: Form =
    Form { within: &["generateContentRequest"], count: "totalTokens", names_model: true, ..PLAIN };

/// The same at Vertex AI.
const VERTEX: Form = Form { within: &[], names_model: false, ..GEMINI };

/// Bedrock's `/model/{model}/count-tokens`.
const BEDROCK: Form = Form {
    within: &["input", "converse"],
    fields: &["messages", "system", "toolConfig", "additionalModelRequestFields"],
    count: "inputTokens",
    ..PLAIN
};

/// vLLM's `/tokenize`, which takes a conversation of OpenAI's dialect.
const TOKENIZE: Form = Form { fields: &["model", "messages", "tools"], count: "count", ..PLAIN };

/// The form of a dialect. One that has no way to count is neither a client's nor a provider's here.
fn form(dialect: Dialect) -> &'static Form {
    match dialect {
        Dialect::OpenaiChat => &TOKENIZE,
        Dialect::OpenaiResponses => &RESPONSES,
        Dialect::Gemini => &GEMINI,
        Dialect::Bedrock => &BEDROCK,
        _ => &ANTHROPIC,
    }
}

/// Asks a provider for a count.
///
/// # Errors
/// 400 that names the field: the body is wrong, or holds what this provider cannot take and `drop_params` is off.
pub(super) fn request(
    call: &Call,
    provider: Dialect,
    body: &[u8],
    ask: &Ask<'_>,
) -> Result<Outgoing, Failure> {
    // A target's own fields are for the answer, which there is none of.
    let ask = Ask { params: &[], settings: &[], max_tokens: None, ..*ask };
    let plan = AnswerPlan {
        operation: Operation::CountTokens,
        ..AnswerPlan::new(call.dialect, provider, false, false)
    };
    let form = if provider == Dialect::Gemini && ask.quirks.bare_count { &VERTEX } else { form(provider) };
    if call.dialect == provider && !holds_foreign(provider, body) {
        let edit = match provider {
            Dialect::Gemini => {
                Edit::Replace(wrapped(form, &members(conversation(call.dialect, body)?)?, ask.model))
            }
            // The path alone names the model.
            _ if provider.shape().model_in_path => Edit::Keep,
            _ => with_model(body, ask.model)?,
        };
        return Ok(Outgoing { edit, warnings: Vec::new(), plan });
    }
    let mut request = read(call, body)?;
    names::fit(&mut request, provider);
    shape::wrap(&mut request, provider, &ask)?;
    let (encoded, warnings) = encode(call, provider, &mut request, &ask)?;
    let edit = Edit::Replace(wrapped(form, &members(&encoded.body)?, ask.model));
    Ok(Outgoing { edit, warnings, plan })
}

/// Reads a provider's count.
///
/// # Errors
/// 502 when there is none; what an `error` says when there is one.
pub(super) fn answer(plan: &AnswerPlan, body: &[u8]) -> Result<Answer, Failure> {
    let found = members(body).map_err(|_| Failure::new(502, "the provider's count is no JSON object"))?;
    let count = found.get(form(plan.provider).count).and_then(|member| member.value.get().parse().ok());
    let Some(count) = count else {
        if found.get("error").is_some() {
            return Err(read_failure(200, body));
        }
        return Err(Failure::new(502, "the provider's answer holds no count"));
    };
    let report = Report { counted: Some(count), ..Report::default() };
    let body = (plan.client != plan.provider).then(|| write(plan.client, count));
    Ok(Answer { body, report })
}

/// Estimates the tokens of a request as this model would count them.
///
/// # Errors
/// 400 that names the field, when the body is wrong.
pub fn estimated(call: &Call, body: &[u8], model: &str) -> Result<u64, Failure> {
    let mut request = read(call, body)?;
    request.tell_documents();
    Ok(estimate::from_request(&request, Tokenizer::of_model(model)))
}

/// A count as a client reads it.
pub fn write(client: Dialect, count: u64) -> Vec<u8> {
    let form = form(client);
    let mut out = Vec::with_capacity(64);
    object(&mut out, |answer| {
        if let Some(kind) = form.object {
            answer.str("object", kind);
        }
        answer.u64(form.count, count);
    });
    out
}

fn read<'b>(call: &'b Call, body: &'b [u8]) -> Result<ChatRequest<'b>, Failure> {
    decode(call, conversation(call.dialect, body)?)
}

/// The conversation within a client's body.
fn conversation(client: Dialect, body: &[u8]) -> Result<&[u8], Failure> {
    let mut inner = body;
    for name in form(client).within {
        match members(inner)?.get(name) {
            Some(member) => inner = member.value.get().as_bytes(),
            None => break,
        }
    }
    Ok(inner)
}

/// The client's own body, for another model.
fn with_model(body: &[u8], model: &str) -> Result<Edit, Failure> {
    let found = members(body)?;
    let mut name = Vec::with_capacity(model.len() + 2);
    write_string(&mut name, model);
    if found.get("model").is_some_and(|member| member.value.get().as_bytes() == name) {
        return Ok(Edit::Keep);
    }
    let mut patch = Patch::default();
    patch.set("model", name);
    Ok(match patch.prefix(body, &found) {
        Some((drop, insert)) => Edit::Prefix { drop, insert },
        None => Edit::Keep,
    })
}

/// A conversation where the provider wants it, without the fields that do not count.
fn wrapped(form: &Form, conversation: &Members<'_>, model: &str) -> Vec<u8> {
    fn fill(within: &[&str], form: &Form, conversation: &Members<'_>, model: &str, into: &mut Object<'_>) {
        if let Some((outer, within)) = within.split_first() {
            object(into.key(outer), |inner| fill(within, form, conversation, model, inner));
            return;
        }
        if form.names_model {
            into.str("model", &format!("models/{model}"));
        }
        let counts = |name: &str| match form.fields {
            [] => name != "model",
            fields => fields.contains(&name),
        };
        for member in conversation.fields.iter().filter(|member| counts(&member.key)) {
            into.raw(&member.key, member.value);
        }
    }
    let mut out = Vec::new();
    object(&mut out, |body| fill(form.within, form, conversation, model, body));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Quirks;

    const ASK: Ask<'_> = Ask { max_tokens: Some(7), ..Ask::new("upstream", &Quirks::OPENAI) };

    fn call(dialect: Dialect) -> Call {
        Call { operation: Operation::CountTokens, ..Call::chat(dialect) }
    }

    fn asked(client: Dialect, provider: Dialect, body: &str) -> String {
        match request(&call(client), provider, body.as_bytes(), &ASK).unwrap().edit {
            Edit::Keep => body.to_owned(),
            Edit::Prefix { drop, insert } => {
                format!("{}{}", String::from_utf8(insert).unwrap(), &body[drop..])
            }
            Edit::Replace(body) => String::from_utf8(body).unwrap(),
        }
    }

    #[test]
    fn the_same_dialect_keeps_its_bytes_but_for_the_model() {
        let body = r#"{"model":"public","messages":[{"role":"user","content":"hi"}], "beta_field":{}}"#;
        let asked = asked(Dialect::Anthropic, Dialect::Anthropic, body);
        assert!(asked.contains(r#""model":"upstream""#) && !asked.contains("max_tokens"), "{asked}");
        assert!(
            asked.ends_with(r#""messages":[{"role":"user","content":"hi"}], "beta_field":{}}"#),
            "{asked}"
        );
    }

    #[test]
    fn thoughts_of_another_provider_are_not_counted() {
        let body = r#"{"model":"public","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[
            {"type":"thinking","thinking":"hm","signature":"tollgate1:gemini:thinking:c2ln"},
            {"type":"text","text":"ho"}]},{"role":"user","content":"so?"}]}"#;
        let asked = asked(Dialect::Anthropic, Dialect::Anthropic, body);
        assert!(!asked.contains("tollgate1:") && !asked.contains("max_tokens"), "{asked}");
        assert!(asked.contains(r#""text":"ho""#) && asked.contains(r#""model":"upstream""#), "{asked}");
    }

    #[test]
    fn another_dialect_gets_what_counts() {
        let body = r#"{"model":"public","system":"be brief","temperature":0.5,"max_tokens":5,
            "messages":[{"role":"user","content":"hi"}]}"#;
        assert_eq!(
            asked(Dialect::Anthropic, Dialect::OpenaiChat, body),
            r#"{"model":"upstream","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"}]}"#
        );
        let body = r#"{"model":"public","temperature":0.5,"messages":[{"role":"user","content":"hi"}]}"#;
        assert_eq!(
            asked(Dialect::OpenaiChat, Dialect::Anthropic, body),
            r#"{"model":"upstream","messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}"#
        );
    }

    #[test]
    fn each_provider_has_its_own_place_for_the_conversation() {
        let body = r#"{"model":"public","max_tokens":5,"temperature":1,"system":"be brief",
            "messages":[{"role":"user","content":"hi"}]}"#;
        let to = |provider| -> serde_json::Value {
            serde_json::from_str(&asked(Dialect::Anthropic, provider, body)).unwrap()
        };
        let names = |value: &serde_json::Value| -> Vec<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        let converse = &to(Dialect::Bedrock)["input"]["converse"];
        assert_eq!(names(converse), ["messages", "system"]);
        let gemini = to(Dialect::Gemini);
        let whole = &gemini["generateContentRequest"];
        assert_eq!((gemini.as_object().unwrap().len(), &whole["model"]), (1, &"models/upstream".into()));
        assert_eq!(whole["contents"][0]["parts"][0]["text"], "hi");
        assert_eq!(whole["systemInstruction"]["parts"][0]["text"], "be brief");
        let responses = to(Dialect::OpenaiResponses);
        assert!(responses.get("input").is_some() && responses.get("max_output_tokens").is_none());
        assert_eq!(responses["model"], "upstream");
    }

    #[test]
    fn gemini_is_asked_in_the_way_of_its_service() {
        let vertex = Quirks { bare_count: true, ..Quirks::OPENAI };
        let bare = r#"{"contents":[{"parts":[{"text":"hi"}]}]}"#;
        let whole = r#"{"generateContentRequest":{"model":"models/upstream","contents":[{"parts":[{"text":"hi"}]}]}}"#;
        let call = Call { model: Some("public".into()), ..call(Dialect::Gemini) };
        for body in [bare, whole] {
            for (quirks, expected) in [(&vertex, bare), (&Quirks::OPENAI, whole)] {
                let ask = Ask { quirks, ..ASK };
                let edit = request(&call, Dialect::Gemini, body.as_bytes(), &ask).unwrap().edit;
                assert_eq!(edit, Edit::Replace(expected.as_bytes().to_vec()));
            }
            assert!((1..9).contains(&estimated(&call, body.as_bytes(), "gemini-2.5-pro").unwrap()));
        }
    }

    #[test]
    fn a_count_is_read_and_written() {
        let plan = AnswerPlan {
            operation: Operation::CountTokens,
            ..AnswerPlan::new(Dialect::Anthropic, Dialect::OpenaiChat, false, false)
        };
        let read = answer(&plan, br#"{"count":12,"max_model_len":4096,"tokens":[1,2]}"#).unwrap();
        assert_eq!(
            (read.report.counted, read.body.as_deref()),
            (Some(12), Some(&br#"{"input_tokens":12}"#[..]))
        );
        assert_eq!(answer(&plan, b"{}").unwrap_err().status, 502);
        assert_eq!(answer(&plan, b"[]").unwrap_err().status, 502);
        assert_eq!(answer(&plan, br#"{"error":{"message":"no"}}"#).unwrap_err().message, "no");
    }

    #[test]
    fn an_estimate_reads_the_request() {
        let body = br#"{"model":"m","messages":[{"role":"user","content":"one two three"}]}"#;
        assert!((5..20).contains(&estimated(&call(Dialect::Anthropic), body, "claude").unwrap()));
        assert_eq!(estimated(&call(Dialect::Anthropic), b"{\"messages\":7}", "m").unwrap_err().status, 400);
    }
}
