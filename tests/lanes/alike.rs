//! Events that are like the ones before them are read in few steps. They must come to the same as when no two are alike.

use crate::corpus::exchanges;
use crate::feed::run;
use crate::recorded::op;
use serde_json::{Value, json};
use tollgate::dialect::Dialect::{
    self, Anthropic, Bedrock, Cohere, Gemini, Ollama, OllamaGenerate, OpenaiChat, OpenaiResponses,
};
use tollgate::dialect::lane::AnswerPlan;
use tollgate::wire::eventstream::{Framer, write_frame};

/// The same stream with spaces in its JSON, another number of them in each event.
fn unlike(provider: Dialect, stream: &[u8]) -> Vec<u8> {
    let spaced = |json: &str, count: usize| json.replacen('{', &format!("{{{}", " ".repeat(count % 7)), 1);
    if provider == Bedrock {
        let (mut framer, mut rest, mut out, mut count) = (Framer::default(), stream, Vec::new(), 0);
        while let Ok(Some(frame)) = framer.next(&mut rest) {
            count += 1;
            let names = [":message-type", ":event-type", ":exception-type", ":content-type"];
            let headers: Vec<(&str, &str)> =
                names.iter().filter_map(|name| Some((*name, frame.header(name)?))).collect();
            let payload = spaced(std::str::from_utf8(frame.payload).unwrap(), count);
            write_frame(&headers, payload.as_bytes(), &mut out);
        }
        return out;
    }
    let text = std::str::from_utf8(stream).unwrap();
    let lines = text.split_inclusive('\n').enumerate();
    lines.map(|(count, line)| spaced(line, count)).collect::<String>().into_bytes()
}

fn check(provider: Dialect, id: &str, stream: &[u8]) {
    let other = unlike(provider, stream);
    for client in [OpenaiChat, Anthropic, OpenaiResponses] {
        if client == provider {
            continue;
        }
        let plan = AnswerPlan::new(client, provider, true, true);
        assert_eq!(run(&plan, stream, stream.len()), run(&plan, &other, other.len()), "{client:?} {id}");
    }
}

#[test]
fn recorded_streams() {
    for provider in [OpenaiChat, Anthropic, OpenaiResponses, Cohere, Bedrock, Ollama, OllamaGenerate] {
        let Some(exchanges) = exchanges(op(provider)) else { return };
        let streams = exchanges.iter().filter(|exchange| exchange.stream && exchange.status == 200);
        streams.for_each(|exchange| check(provider, &exchange.id, &exchange.bytes));
    }
}

/// A stream of OpenAI's that thinks, speaks and calls in many small pieces.
fn openais() -> Vec<u8> {
    let texts = ["one", " two", "", " \"3\"\n", "é😀", " \u{1}", "\\", " eight", " nine", " ten"];
    let mut deltas: Vec<Value> = vec![json!({"role": "assistant", "content": ""})];
    for field in ["reasoning_content", "content", "reasoning_content", "content"] {
        deltas.extend(texts.iter().map(|text| json!({ field: text })));
    }
    for (index, id) in ["call_a", "call_b"].iter().enumerate() {
        let call =
            json!({"index": index, "id": id, "type": "function", "function": {"name": "f", "arguments": ""}});
        deltas.push(json!({"tool_calls": [call]}));
        deltas.extend(
            ["{\"a", "\":\"", "b", "\"}"]
                .iter()
                .map(|piece| json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})),
        );
    }
    let chunk = |delta: &Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": [choice]});
        format!("data: {chunk}\n\n")
    };
    let mut stream: String = deltas.iter().map(|delta| chunk(delta, Value::Null)).collect();
    stream += &chunk(&json!({}), json!("tool_calls"));
    stream +=
        "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6}}\n\n";
    stream += "data: [DONE]\n\n";
    stream.into_bytes()
}

#[test]
fn crafted_streams() {
    let openais = openais();
    check(OpenaiChat, "crafted", &openais);
    for provider in [Anthropic, OpenaiResponses, Gemini, Cohere, Bedrock, Ollama] {
        let mut lane =
            tollgate::dialect::lane::Stream::new(&AnswerPlan::new(provider, OpenaiChat, true, true));
        let mut stream = Vec::new();
        lane.push(&openais, &mut stream);
        lane.end(&mut stream);
        check(provider, "crafted", &stream);
    }
}
