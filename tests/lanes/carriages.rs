//! Anthropic's dialect in the carriages of the clouds.

use crate::corpus::exchanges;
use serde_json::{Value, json};
use tollgate::dialect::Dialect::{self, Anthropic, OpenaiChat};
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Edit, Pass, Progress, Stream};
use tollgate::dialect::{Call, Carriage};
use tollgate::provider::Quirks;

const BEDROCK: Quirks = Quirks { carriage: Carriage::BedrockInvoke, ..Quirks::OPENAI };
const VERTEX: Quirks = Quirks { carriage: Carriage::VertexPredict, ..Quirks::OPENAI };

fn ask(quirks: &Quirks) -> Ask<'_> {
    Ask::new("real", quirks)
}

fn from(carriage: Carriage) -> Call {
    let stream = (carriage != Carriage::Plain).then_some(true);
    let model = stream.map(|_| "smart".to_owned());
    Call { carriage, model, stream, ..Call::chat(Anthropic) }
}

/// What a provider gets.
fn send(call: &Call, provider: Dialect, body: &Value, quirks: &Quirks) -> (Value, AnswerPlan) {
    let text = body.to_string();
    let outgoing = lane::request(call, provider, text.as_bytes(), &ask(quirks)).unwrap();
    let sent = match outgoing.edit {
        Edit::Keep => text.into_bytes(),
        Edit::Prefix { drop, mut insert } => {
            insert.extend_from_slice(&text.as_bytes()[drop..]);
            insert
        }
        Edit::Replace(sent) => sent,
    };
    (serde_json::from_slice(&sent).unwrap(), outgoing.plan)
}

fn plain() -> Value {
    json!({"model": "smart", "max_tokens": 9, "stream": true, "messages": [{"role": "user", "content": "hi"}]})
}

fn carried(version: &str) -> Value {
    json!({"anthropic_version": version, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]})
}

#[test]
fn every_carriage_reaches_every_other() {
    let (bedrock, vertex) = (carried("bedrock-2023-05-31"), carried("vertex-2023-10-16"));
    let mut real = plain();
    real["model"] = json!("real");
    for (client, body) in [
        (Carriage::Plain, plain()),
        (Carriage::BedrockInvoke, bedrock.clone()),
        (Carriage::VertexPredict, vertex.clone()),
    ] {
        for (quirks, expected) in [(Quirks::OPENAI, &real), (BEDROCK, &bedrock), (VERTEX, &vertex)] {
            let (sent, plan) = send(&from(client), Anthropic, &body, &quirks);
            assert_eq!(&sent, expected, "{client:?} to {:?}", quirks.carriage);
            assert!(plan.stream);
            assert_eq!((plan.client_carriage, plan.provider_carriage), (client, quirks.carriage));
        }
        let (sent, plan) = send(&from(client), OpenaiChat, &body, &Quirks::OPENAI);
        assert_eq!((&sent["model"], &sent["stream"]), (&json!("real"), &json!(true)));
        assert_eq!(plan.provider_carriage, Carriage::Plain);
        assert!(sent.get("anthropic_version").is_none());
    }
    let openai = json!({"model": "smart", "stream": true, "messages": [{"role": "user", "content": "hi"}]});
    let (sent, plan) = send(&Call::chat(OpenaiChat), Anthropic, &openai, &BEDROCK);
    assert_eq!(sent["anthropic_version"], "bedrock-2023-05-31");
    assert!(sent.get("model").is_none() && sent.get("stream").is_none() && plan.stream);
}

#[test]
fn beta_features_are_a_list_in_bedrocks_body() {
    let call = Call { betas: Some("a-1,b-2".to_owned()), ..Call::chat(Anthropic) };
    assert_eq!(send(&call, Anthropic, &plain(), &BEDROCK).0["anthropic_beta"], json!(["a-1", "b-2"]));
    assert!(send(&call, Anthropic, &plain(), &VERTEX).0.get("anthropic_beta").is_none());
    let mut body = carried("bedrock-2023-05-31");
    body["anthropic_beta"] = json!(["a-1"]);
    let same = send(&from(Carriage::BedrockInvoke), Anthropic, &body, &BEDROCK).0;
    assert_eq!(same, body);
    assert!(
        send(&from(Carriage::BedrockInvoke), Anthropic, &body, &Quirks::OPENAI)
            .0
            .get("anthropic_beta")
            .is_none()
    );
}

fn push(plan: &AnswerPlan, stream: &[u8], size: usize) -> (Vec<u8>, Progress) {
    let mut lane = Stream::new(plan);
    let mut out = Vec::new();
    for piece in stream.chunks(size.max(1)) {
        if lane.push(piece, &mut out) == Pass::AsIs {
            out.extend_from_slice(piece);
        }
    }
    lane.end(&mut out);
    (out, lane.progress())
}

#[test]
fn recorded_streams_leave_their_frames_and_come_back() {
    let Some(all) = exchanges("bedrock.invoke-stream") else { return };
    let mut seen = 0;
    for exchange in
        all.iter().filter(|e| e.status == 200 && e.path.contains("claude") && e.bytes.first() == Some(&0))
    {
        let id = &exchange.id;
        let through = |client, from, to, bytes: &[u8]| {
            let plan = AnswerPlan {
                provider_carriage: from,
                client_carriage: to,
                ..AnswerPlan::new(client, Anthropic, true, true)
            };
            let whole = push(&plan, bytes, bytes.len());
            for size in [1, 61, 1024] {
                assert_eq!(push(&plan, bytes, size), whole, "{id} by {size}");
            }
            assert_eq!(whole.1, Progress::Finished, "{id}");
            whole.0
        };
        let bytes = &exchange.bytes;
        let events = through(Anthropic, Carriage::BedrockInvoke, Carriage::Plain, bytes);
        let text = String::from_utf8(events.clone()).unwrap();
        assert!(
            text.starts_with("event: message_start\ndata: {") && text.contains("event: message_stop\n"),
            "{id}"
        );
        assert_eq!(
            through(Anthropic, Carriage::BedrockInvoke, Carriage::BedrockInvoke, bytes),
            *bytes,
            "{id}"
        );
        let framed = through(Anthropic, Carriage::Plain, Carriage::BedrockInvoke, &events);
        assert_eq!(through(Anthropic, Carriage::BedrockInvoke, Carriage::Plain, &framed), events, "{id}");
        let openai =
            String::from_utf8(through(OpenaiChat, Carriage::BedrockInvoke, Carriage::Plain, bytes)).unwrap();
        assert!(openai.contains("\"finish_reason\":\"") && openai.ends_with("data: [DONE]\n\n"), "{id}");
        seen += 1;
    }
    assert!(seen > 5, "only {seen} streams");
}

#[test]
fn a_stream_that_breaks_off_ends_with_an_exception() {
    let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"content\":[]}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"hi\"}}\n\n";
    let plan = AnswerPlan {
        client_carriage: Carriage::BedrockInvoke,
        ..AnswerPlan::new(Anthropic, Anthropic, true, true)
    };
    let (out, progress) = push(&plan, start.as_bytes(), 7);
    assert_eq!(progress, Progress::Failed);
    assert!(crate::frames::lines(&out).contains("{\"internalServerException\":"));
}
