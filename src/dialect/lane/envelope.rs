//! What the edge reads of a request before it knows where it goes.

use super::Envelope;
use crate::chat::Failure;
use crate::dialect::Call;
use crate::wire::json::{Body, Text, parse, wire_object};

wire_object! {
    /// The fields that all dialects name alike whose paths do not say them.
    light struct Head<'a> {
        model: Text<'a> = "model",
        stream: bool = "stream",
    }
}

/// Reads the model and whether a stream is wanted.
///
/// # Errors
/// 400, which names the field or the place in the body.
pub fn read_envelope(call: &Call, body: &Body) -> Result<Envelope, Failure> {
    if let (Some(model), Some(stream)) = (&call.model, call.stream) {
        return Ok(Envelope { model: model.clone(), stream });
    }
    let head = match quick_head(body) {
        Some(head) => head,
        // The slow reading says what is wrong.
        None => parse(body)?,
    };
    let model = match &call.model {
        Some(model) => model.clone(),
        None => head.model.map(|model| model.to_str().into_owned()).unwrap_or_default(),
    };
    if model.trim().is_empty() {
        return Err(Failure::field("model", "model: a model is required"));
    }
    let usual = call.dialect.shape().streams_by_default;
    Ok(Envelope { model, stream: call.stream.or(head.stream).unwrap_or(usual) })
}

/// The same head from a quick look; `None` where it is not as plain as it mostly is.
fn quick_head(body: &Body) -> Option<Head<'_>> {
    let found = body.sketch().ok()?;
    let mut head = Head::default();
    for member in found.fields {
        match (&*member.key, member.value) {
            ("model", name) => head.model = Some(Text::of_bytes(name)?),
            ("stream", b"true") => head.stream = Some(true),
            ("stream", b"false") => head.stream = Some(false),
            ("stream", _) => return None,
            _ => {}
        }
    }
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;

    fn read(body: &str) -> Result<Envelope, Failure> {
        read_envelope(&Call::chat(Dialect::OpenaiChat), &body.as_bytes().to_vec().into())
    }

    #[test]
    fn model_and_stream() {
        let envelope = read(r#"{"messages":[{"model":"no"}],"mod\u0065l":"a\/b","stream":true}"#).unwrap();
        assert_eq!(envelope, Envelope { model: "a/b".into(), stream: true });
        assert!(!read(r#"{"model":"m","stream":null}"#).unwrap().stream);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, param, words) in [
            ("{}", Some("model"), "model: a model is required"),
            (r#"{"model":" "}"#, Some("model"), "model: a model is required"),
            (r#"{"model":null}"#, Some("model"), "model: a model is required"),
            (r#"{"model":7}"#, Some("model"), "model: expected a string, got a number"),
            (
                r#"{"model":"m","stream":"yes"}"#,
                Some("stream"),
                "stream: invalid type: string, expected a boolean",
            ),
            (r#"["model"]"#, None, "the body is wrong: invalid type: a list, expected an object"),
            ("{\"model\":\n}", None, "the body is not valid JSON: expected value at line 2 column 1"),
            ("", None, "the body is empty; a JSON object was expected"),
        ] {
            let failure = read(body).unwrap_err();
            assert_eq!((failure.status, failure.param.as_deref(), &*failure.message), (400, param, words));
        }
    }
}
