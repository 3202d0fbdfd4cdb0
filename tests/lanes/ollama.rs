//! Ollama's dialect: recorded exchanges, and streams of hard pieces cut anywhere.

use crate::feed::run;
use crate::recorded::{answers, op, requests};
use crate::streamed::{Collected, neutral_finish};
use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate::chat::Losses;
use tollgate::dialect::Dialect::{self, Anthropic, Ollama, OllamaGenerate, OpenaiChat};
use tollgate::dialect::codec;
use tollgate::dialect::lane::{AnswerPlan, Ask};
use tollgate::provider::Quirks;

/// Takes a line of a stream, or a whole answer, as a client does.
pub(crate) fn take(line: &Value, into: &mut Collected) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    into.error |= !line["error"].is_null();
    let message = &line["message"];
    into.text.push_str(&(text(&message["content"]) + &text(&line["response"])));
    into.thinking.push_str(&(text(&message["thinking"]) + &text(&line["thinking"])));
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let function = &call["function"];
        into.calls.push((text(&call["id"]), text(&function["name"]), function["arguments"].clone()));
    }
    if line["done"] == true {
        let reason = line["done_reason"].as_str().unwrap_or("stop");
        let called = !into.calls.is_empty() && reason == "stop";
        into.finish = Some(if called { "tools" } else { neutral_finish(reason) }.to_owned());
        into.input = line["prompt_eval_count"].as_u64();
        into.output = line["eval_count"].as_u64();
        into.over = true;
    }
}

#[test]
fn recorded_requests_reach_the_others() {
    for (provider, model) in [(OpenaiChat, "gpt-5"), (Anthropic, "claude-sonnet-4-5")] {
        requests(Ollama, provider, model, 4);
        requests(OllamaGenerate, provider, model, 1);
    }
}

#[test]
fn recorded_requests_of_the_others_arrive() {
    requests(OpenaiChat, Ollama, "qwen3", 200);
    requests(Anthropic, Ollama, "qwen3", 200);
}

#[test]
fn recorded_answers_reach_the_others() {
    for client in [OpenaiChat, Anthropic] {
        answers(Ollama, client, 2);
    }
}

#[test]
fn recorded_answers_of_the_others_arrive() {
    answers(OpenaiChat, Ollama, 100);
    answers(Anthropic, Ollama, 100);
}

fn ask(model: &str) -> Ask<'_> {
    let quirks = &Quirks::OPENAI;
    Ask { drop_params: false, ..Ask::new(model, quirks) }
}

/// What says nothing is left out, dates are cut to the second, and what a message leaves out is empty.
fn plain(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        for (_, inner) in object.iter_mut() {
            *inner = plain(inner.take());
        }
        object.retain(|key, value| {
            key != "created_at"
                && !matches!(value, Value::Null)
                && *value != json!("")
                && *value != json!([])
                && *value != json!({})
        });
    }
    if let Some(number) = value.as_f64() {
        return json!(number);
    }
    if let Some(list) = value.as_array_mut() {
        for inner in list {
            *inner = plain(inner.take());
        }
    }
    value
}

#[test]
fn recorded_exchanges_come_back_as_they_were() {
    for dialect in [Ollama, OllamaGenerate] {
        for exchange in crate::corpus::exchanges(op(dialect)).unwrap_or_default() {
            let id = &exchange.id;
            let body = exchange.request.expect("a request");
            let was: Value = serde_json::from_str(&body).unwrap();
            let request = codec::decode_request(dialect, body.as_bytes()).unwrap();
            let model = was["model"].as_str().unwrap();
            let encoded =
                codec::encode_request(dialect, &request, &ask(model), &mut Losses::new(false)).unwrap();
            let is: Value = serde_json::from_slice(&encoded.body).unwrap();
            let unraw = |mut value: Value| {
                value.as_object_mut().unwrap().retain(|key, value| key != "raw" || *value != false);
                plain(value)
            };
            assert_eq!(unraw(is), unraw(was), "{id}");
            if !exchange.stream {
                let was: Value = serde_json::from_str(&exchange.response).unwrap();
                let answer = codec::decode_response(dialect, exchange.response.as_bytes()).unwrap();
                let plan = AnswerPlan::new(dialect, dialect, false, false);
                let body = codec::encode_response(&answer, &plan, &mut Losses::new(true));
                assert_eq!(plain(serde_json::from_slice(&body).unwrap()), plain(was), "{id}");
            }
        }
    }
}

const LINES: &[&str] = &[
    "{\"model\":\"q\",\"created_at\":\"2026-08-07T06:08:23.5Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"h\\u00e9 \\\"q\\\"\"},\"done\":false}\n",
    "{\"model\":\"q\",\"created_at\":\"2026-08-07T06:08:23.6Z\",\"message\":{\"role\":\"assistant\",\"content\":\"é😀 \\n\"},\"done\":false}\r\n",
    "\n",
    "{\"model\":\"q\",\"created_at\":\"2026-08-07T06:08:23.7Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"x\":\"}\\n\"}}},{\"id\":\"c2\",\"function\":{\"name\":\"g\",\"arguments\":{}}}]},\"done\":false}\n",
    "{\"model\":\"q\",\"created_at\":\"2026-08-07T06:08:23.8Z\",\"response\":\"r\",\"done\":false}\n",
    "{\"model\":\"q\",\"created_at\":\"2026-08-07T06:08:23.9Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":5,\"eval_count\":6}\n",
    "{\"error\":\"boom\"}\n",
    "{\"broken\n",
];

proptest! {
    #[test]
    fn any_order_of_lines_cut_anywhere_is_the_same(
        client in prop::sample::select(vec![OpenaiChat, Anthropic, OllamaGenerate]),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..16),
        size in 1_usize..64,
    ) {
        let stream: String = picks.iter().map(|pick| LINES[pick.index(LINES.len())]).collect();
        let plan = AnswerPlan::new(client, Dialect::Ollama, true, true);
        prop_assert_eq!(
            run(&plan, stream.as_bytes(), size).0,
            run(&plan, stream.as_bytes(), stream.len()).0
        );
    }
}
