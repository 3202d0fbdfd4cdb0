//! Cohere's dialect: recorded exchanges, and streams of hard pieces cut anywhere.

use crate::feed::run;
use crate::recorded::{answers, op, requests};
use crate::streamed::{Calls, Collected, arguments, neutral_finish};
use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate::chat::Losses;
use tollgate::dialect::Dialect::{Anthropic, Cohere, Ollama, OpenaiChat};
use tollgate::dialect::codec;
use tollgate::dialect::lane::{AnswerPlan, Ask};
use tollgate::provider::Quirks;

fn finish(reason: &str) -> String {
    match reason {
        "TOOL_CALL" => "tools",
        "MAX_TOKENS" => "length",
        "ERROR_TOXIC" => "refusal",
        other => neutral_finish(other),
    }
    .to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Takes an event of a stream, as a client does.
pub(crate) fn take(event: &Value, into: &mut Collected, calls: &mut Calls) {
    let key = (event["index"].as_u64().unwrap_or(0), String::new());
    let message = &event["delta"]["message"];
    match event["type"].as_str().unwrap_or_default() {
        "content-start" | "content-delta" => {
            into.text.push_str(&text(&message["content"]["text"]));
            into.thinking.push_str(&text(&message["content"]["thinking"]));
        }
        "tool-plan-delta" => into.thinking.push_str(&text(&message["tool_plan"])),
        "tool-call-start" => {
            let call = &message["tool_calls"];
            calls.insert(key, (text(&call["id"]), text(&call["function"]["name"]), String::new()));
        }
        "tool-call-delta" => {
            if let Some(call) = calls.get_mut(&key) {
                call.2.push_str(&text(&message["tool_calls"]["function"]["arguments"]));
            }
        }
        "message-end" => {
            let delta = &event["delta"];
            into.error |= !delta["error"].is_null();
            into.finish = delta["finish_reason"].as_str().filter(|reason| *reason != "ERROR").map(finish);
            let tokens = &delta["usage"]["tokens"];
            into.input = tokens["input_tokens"].as_u64();
            into.output = tokens["output_tokens"].as_u64();
            into.over = into.finish.is_some();
        }
        _ => {}
    }
}

/// Takes a whole answer, as a client does.
pub(crate) fn take_answer(answer: &Value, into: &mut Collected) {
    let message = &answer["message"];
    into.thinking.push_str(&text(&message["tool_plan"]));
    for block in message["content"].as_array().into_iter().flatten() {
        into.text.push_str(&text(&block["text"]));
        into.thinking.push_str(&text(&block["thinking"]));
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let function = &call["function"];
        let arguments = arguments(&text(&function["arguments"]));
        into.calls.push((text(&call["id"]), text(&function["name"]), arguments));
    }
    into.finish = answer["finish_reason"].as_str().map(finish);
    into.input = answer["usage"]["tokens"]["input_tokens"].as_u64();
    into.output = answer["usage"]["tokens"]["output_tokens"].as_u64();
}

#[test]
fn recorded_requests_reach_the_others() {
    for (provider, model) in [(OpenaiChat, "gpt-5"), (Anthropic, "claude-sonnet-4-5"), (Ollama, "qwen3")] {
        requests(Cohere, provider, model, 50);
    }
}

#[test]
fn recorded_requests_of_the_others_arrive() {
    requests(OpenaiChat, Cohere, "command-a-03-2025", 200);
    requests(Anthropic, Cohere, "command-a-reasoning-08-2025", 200);
    requests(Ollama, Cohere, "command-a-03-2025", 4);
}

#[test]
fn recorded_answers_reach_the_others() {
    for client in [OpenaiChat, Anthropic, Ollama] {
        answers(Cohere, client, 45);
    }
}

#[test]
fn recorded_answers_of_the_others_arrive() {
    answers(OpenaiChat, Cohere, 100);
    answers(Anthropic, Cohere, 100);
    answers(Ollama, Cohere, 2);
}

/// Texts in one form: a string of content is a block, what says nothing is left out.
fn plain(mut value: Value) -> Value {
    if let Some(number) = value.as_f64() {
        return json!(number);
    }
    if let Some(object) = value.as_object_mut() {
        if object.get("role").is_some()
            && let Some(content) = object.get_mut("content")
            && content.is_string()
        {
            *content = json!([{"type": "text", "text": content.take()}]);
        }
        for (_, inner) in object.iter_mut() {
            *inner = plain(inner.take());
        }
        object.retain(|_, value| {
            !value.is_null() && *value != json!([]) && *value != json!("") && *value != false
        });
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
    let (mut asked, mut answered) = (0, 0);
    for exchange in crate::corpus::exchanges(op(Cohere)).unwrap_or_default() {
        let id = &exchange.id;
        if let Some(body) = exchange.request.filter(|body| body.starts_with('{')) {
            let mut was: Value = serde_json::from_str(&body).unwrap();
            let request = codec::decode_request(Cohere, body.as_bytes()).unwrap();
            let model = was["model"].as_str().unwrap().to_owned();
            let quirks = &Quirks::OPENAI;
            let (params, max_tokens) = (&[][..], None);
            let ask = Ask { params, max_tokens, drop_params: false, ..Ask::new(&model, quirks) };
            let encoded = codec::encode_request(Cohere, &request, &ask, &mut Losses::new(false)).unwrap();
            // What `json_schema` was called first is said in today's word.
            if let Some(schema) =
                was["response_format"].as_object_mut().and_then(|format| format.remove("schema"))
            {
                was["response_format"]["json_schema"] = schema;
            }
            assert_eq!(plain(serde_json::from_slice(&encoded.body).unwrap()), plain(was), "{id}");
            asked += 1;
        }
        if !exchange.stream && exchange.status == 200 {
            let mut was: Value = serde_json::from_str(&exchange.response).unwrap();
            let answer = codec::decode_response(Cohere, exchange.response.as_bytes()).unwrap();
            let plan = AnswerPlan::new(Cohere, Cohere, false, false);
            let body = codec::encode_response(&answer, &plan, &mut Losses::new(true));
            let mut is: Value = serde_json::from_slice(&body).unwrap();
            if was["usage"]["tokens"]["image_tokens"].is_number() {
                // Pictures that are counted beside the input are a part of it in the hub.
                was["usage"]["tokens"]["input_tokens"].take();
                is["usage"]["tokens"]["input_tokens"].take();
            }
            assert_eq!(plain(is), plain(was), "{id}");
            answered += 1;
        }
    }
    assert!(asked == 0 && answered == 0 || asked > 50 && answered > 45, "{asked} {answered}");
}

const EVENTS: &[&str] = &[
    "event: message-start\ndata: {\"id\":\"u1\",\"type\":\"message-start\",\"delta\":{\"message\":{\"role\":\"assistant\",\"content\":[],\"tool_plan\":\"\",\"tool_calls\":[],\"citations\":[]}}}\n\n",
    "event: tool-plan-delta\r\ndata: {\"type\":\"tool-plan-delta\",\"delta\":{\"message\":{\"tool_plan\":\"I will é\"}}}\r\n\r\n",
    "data: {\"type\":\"content-start\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"type\":\"thinking\",\"thinking\":\"\"}}}}\n\n",
    "data: {\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"thinking\":\"hm \\\"q\\\"\"}}}}\n\n",
    "data: {\"type\":\"content-delta\",\"index\":1,\"delta\":{\"message\":{\"content\":{\"text\":\"é😀 \\n\"}}}}\r\r",
    "data: {\"type\":\"content-end\",\"index\":0}\n\n",
    "data: {\"type\":\"tool-call-start\",\"index\":0,\"delta\":{\"message\":{\"tool_calls\":{\"id\":\"f_1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}}}}\n\n",
    "data: {\"type\":\"tool-call-delta\",\"index\":0,\"delta\":{\"message\":{\"tool_calls\":{\"function\":{\"arguments\":\"{\\\"x\\\":1}\"}}}}}\n\n",
    "data: {\"type\":\"tool-call-end\",\"index\":0}\n\n",
    "data: {\"type\":\"citation-start\",\"index\":0,\"delta\":{\"message\":{\"citations\":{\"start\":1,\"end\":2,\"text\":\"x\"}}}}\n\n",
    "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"COMPLETE\",\"usage\":{\"tokens\":{\"input_tokens\":5,\"output_tokens\":6}}}}\n\n",
    "data: [DONE]\n\n",
    "data: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\",\"error\":\"boom\"}}\n\n",
    "data: {\"broken\n\n",
];

proptest! {
    #[test]
    fn any_order_of_events_cut_anywhere_is_the_same(
        client in prop::sample::select(vec![OpenaiChat, Anthropic, Ollama]),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        size in 1_usize..64,
    ) {
        let stream: String = picks.iter().map(|pick| EVENTS[pick.index(EVENTS.len())]).collect();
        let plan = AnswerPlan::new(client, Cohere, true, true);
        prop_assert_eq!(
            run(&plan, stream.as_bytes(), size).0,
            run(&plan, stream.as_bytes(), stream.len()).0
        );
    }
}
