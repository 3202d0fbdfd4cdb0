//! Pictures, sound and documents that a provider cannot take: the model must not answer as if it had read them.

use serde_json::{Value, json};
use tollgate::chat::Failure;
use tollgate::dialect::Call;
use tollgate::dialect::Dialect::{
    self, Anthropic, Bedrock, Cohere, Gemini, Ollama, OpenaiChat, OpenaiResponses,
};
use tollgate::dialect::lane::{self, Ask, Edit};
use tollgate::provider::Quirks;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const MODELS: [(Dialect, &str); 7] = [
    (OpenaiChat, "gpt-4o"),
    (OpenaiResponses, "gpt-4o"),
    (Anthropic, "claude-sonnet-4-5"),
    (Bedrock, "anthropic.claude-sonnet-4-5-20250929-v1:0"),
    (Gemini, "gemini-2.0-flash"),
    (Cohere, "command-a-03-2025"),
    (Ollama, "llama3.2"),
];

/// The warnings of a request, or why it is refused.
fn sent(client: Dialect, to: Dialect, messages: &Value, drop_content: bool) -> Result<Vec<String>, Failure> {
    let model = MODELS.iter().find(|(dialect, _)| *dialect == to).unwrap().1;
    let ask = Ask { drop_content, ..Ask::new(model, &Quirks::OPENAI) };
    let body = json!({"model": "m", "max_tokens": 10, "messages": messages}).to_string();
    lane::request(&Call::chat(client), to, body.as_bytes(), &ask).map(|outgoing| outgoing.warnings)
}

/// For each kind of part: who speaks it, and who cannot take it.
fn parts() -> [(Dialect, Value, &'static [Dialect]); 7] {
    let url = json!({"type": "image_url", "image_url": {"url": "https://a.example/a.png"}});
    let sound = json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}});
    let upload = json!({"type": "file", "file": {"file_id": "file-1"}});
    let pdf = json!({"type": "file", "file": {"filename": "a.pdf",
        "file_data": "data:application/pdf;base64,JVBERi0="}});
    let pdf_url = json!({"type": "document", "source": {"type": "url", "url": "https://a.example/a.pdf"}});
    let picture = json!({"type": "image", "source": {"type": "file", "file_id": "file_1"}});
    let near = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}});
    [
        (OpenaiChat, url, &[Bedrock, Gemini, Ollama]),
        (OpenaiChat, sound, &[OpenaiResponses, Anthropic, Bedrock, Cohere, Ollama]),
        (OpenaiChat, upload, &[Bedrock, Gemini, Cohere, Ollama]),
        (OpenaiChat, pdf, &[Cohere, Ollama]),
        (Anthropic, pdf_url, &[OpenaiChat, Bedrock, Gemini, Cohere, Ollama]),
        (Anthropic, picture, &[OpenaiChat, Bedrock, Gemini, Cohere, Ollama]),
        (OpenaiChat, near, &[]),
    ]
}

#[test]
fn what_the_model_is_to_read_is_refused_where_it_cannot_be_taken() {
    for (client, part, cannot) in parts() {
        let asked = json!([{"role": "user", "content": [{"type": "text", "text": "what is it?"}, part]}]);
        for (to, _) in MODELS.into_iter().filter(|(to, _)| *to != client) {
            let met = sent(client, to, &asked, false);
            assert_eq!(met.is_err(), cannot.contains(&to), "{part} to {to:?}: {met:?}");
            if let Err(failure) = met {
                assert_eq!(failure.status, 400);
                assert!(failure.is_unsupported(), "{failure:?}");
                assert!(failure.param.as_ref().unwrap().starts_with("messages[0]"), "{failure:?}");
                assert!(failure.message.starts_with("messages[0]"), "{failure:?}");
                // By the configuration it is dropped, which is told.
                let warnings = sent(client, to, &asked, true).unwrap();
                assert!(warnings.iter().any(|warning| warning.contains("dropped")), "{warnings:?}");
            }
        }
    }
}

#[test]
fn a_look_at_a_body_finds_what_is_not_text() {
    let plain = json!({"messages": [{"role": "user", "content": "an \"image_url\" file"}]}).to_string();
    assert!(!OpenaiChat.shape().may_hold_media(plain.as_bytes()));
    for (client, part, cannot) in parts() {
        let body = json!({"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": [part]}]});
        let body = body.to_string();
        assert!(client.shape().may_hold_media(body.as_bytes()), "{body}");
        for (to, model) in MODELS.into_iter().filter(|(to, _)| *to != client && !cannot.contains(to)) {
            let ask = Ask::new(model, &Quirks::OPENAI);
            let outgoing = lane::request(&Call::chat(client), to, body.as_bytes(), &ask).unwrap();
            let Edit::Replace(sent) = outgoing.edit else { panic!("not translated") };
            assert!(to.shape().may_hold_media(&sent), "{to:?}: {}", String::from_utf8_lossy(&sent));
        }
    }
}

#[test]
fn files_that_only_their_own_maker_can_fetch_are_not_passed_over() {
    let store = "https://generativelanguage.googleapis.com/v1beta/files/a";
    let googles = ["gs://b/a.pdf", store, "https://www.youtube.com/watch?v=a"].map(|uri| {
        (Gemini, json!({"fileData": {"mimeType": "application/pdf", "fileUri": uri}}), "contents[0].parts")
    });
    let film =
        (Gemini, json!({"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}), "contents[0].parts");
    let s3 = json!({"s3Location": {"uri": "s3://b/a"}});
    let amazons = [
        json!({"image": {"format": "png", "source": s3}}),
        json!({"document": {"format": "pdf", "name": "a", "source": s3}}),
        json!({"video": {"format": "mp4", "source": s3}}),
        json!({"audio": {"format": "mp3", "source": s3}}),
    ]
    .map(|part| (Bedrock, part, "messages[0]"));
    for (client, part, place) in googles.into_iter().chain([film]).chain(amazons) {
        for beside in [true, false] {
            let mut parts = vec![part.clone()];
            parts.extend(beside.then(|| json!({"text": "what is it?"})));
            let body = match client {
                Gemini => json!({"contents": [{"role": "user", "parts": parts}]}),
                _ => json!({"messages": [{"role": "user", "content": parts}]}),
            };
            for (to, model) in MODELS.into_iter().filter(|(to, _)| *to != client) {
                let ask = Ask::new(model, &Quirks::OPENAI);
                let met = lane::request(&Call::chat(client), to, body.to_string().as_bytes(), &ask);
                let failure = met.expect_err(&format!("{part} to {to:?}"));
                assert!(failure.is_unsupported() && failure.status == 400, "{failure:?}");
                let place = place.split('.').next().unwrap();
                assert!(failure.message.starts_with(place), "{to:?}: {failure:?}");
            }
        }
    }
}

#[test]
fn documents_go_where_their_format_is_read() {
    let word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let file = |name: &str, kind: &str| {
        let data = format!("data:{kind};base64,YSxi");
        json!([{"role": "user", "content": [{"type": "text", "text": "q"},
            {"type": "file", "file": {"filename": name, "file_data": data}}]}])
    };
    for to in [Anthropic, Gemini, Cohere, Ollama] {
        assert!(sent(OpenaiChat, to, &file("a.docx", word), false).is_err(), "{to:?}");
        assert!(sent(OpenaiChat, to, &file("a.csv", "text/csv"), false).is_ok(), "{to:?}");
    }
    assert!(sent(OpenaiChat, Bedrock, &file("a.docx", word), false).is_ok());
    for (format, can) in [("docx", false), ("csv", true), ("html", true), ("pdf", true)] {
        let document = json!({"document": {"format": format, "name": "a", "source": {"bytes": "YSxi"}}});
        let talk = json!([{"role": "user", "content": [{"text": "q"}, document]}]);
        for to in [OpenaiChat, Anthropic, Gemini] {
            assert_eq!(sent(Bedrock, to, &talk, false).is_ok(), can, "{format} to {to:?}");
        }
    }
    // A picture of a kind that Claude does not know, and one where it cannot fetch it.
    for url in ["data:image/tiff;base64,AAAA", "http://a.example/a.png", "gs://b/a.png", "data:image/png,a"] {
        let picture = json!({"type": "image_url", "image_url": {"url": url}});
        let talk = json!([{"role": "user", "content": [picture]}]);
        assert!(sent(OpenaiChat, Anthropic, &talk, false).is_err(), "{url}");
    }
}

#[test]
fn what_a_model_said_itself_is_dropped_with_a_warning() {
    let said = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}});
    let talk = json!([
        {"role": "user", "content": "draw"},
        {"role": "assistant", "content": [{"type": "text", "text": "here"}, said]},
        {"role": "user", "content": "thanks"},
    ]);
    for to in [OpenaiChat, OpenaiResponses, Cohere] {
        let warnings = sent(Anthropic, to, &talk, false).unwrap();
        assert!(warnings.iter().any(|warning| warning.contains("messages[1]")), "{to:?}: {warnings:?}");
    }
}
