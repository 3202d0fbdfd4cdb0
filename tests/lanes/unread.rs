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
        (OpenaiChat, sound, &[OpenaiResponses, Anthropic, Cohere, Ollama]),
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
