//! Text completions: every recorded one through the hub and back, as a conversation, and as a stream cut anywhere.

use crate::corpus::{Exchange, exchanges};
use crate::feed::run;
use crate::streamed::{collect, of_answer, reasoning_beside};
use serde_json::{Value, json};
use tollgate::chat::Losses;
use tollgate::dialect::Dialect::{Anthropic, OpenaiChat, OpenaiCompletions};
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Edit, Progress};
use tollgate::dialect::{Call, codec};
use tollgate::provider::Quirks;

fn ask(quirks: &Quirks) -> Ask<'_> {
    Ask::new("other", quirks)
}

/// Those that speak the dialect: Writer's has the path and not the format.
fn recorded() -> Option<Vec<Exchange>> {
    let mut all = exchanges("openai.completions")?;
    all.retain(|exchange| {
        !exchange.response.contains("\"log_probs\"") && !exchange.response.contains("{\"value\":")
    });
    Some(all)
}

fn without_nulls(mut value: Value) -> Value {
    if let Some(map) = value.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
    value
}

#[test]
fn requests_come_back_whole() {
    let Some(exchanges) = recorded() else { return };
    let mut seen = 0;
    for Exchange { id, request, status, .. } in exchanges {
        let body = request.unwrap();
        let request = match codec::decode_request(OpenaiCompletions, body.as_bytes()) {
            Ok(request) => request,
            Err(failure) if status >= 400 => {
                assert_eq!(failure.status, 400, "{id}");
                continue;
            }
            Err(failure) => panic!("{id}: {failure:?}"),
        };
        let mut losses = Losses::new(true);
        let encoded =
            codec::encode_request(OpenaiCompletions, &request, &ask(&Quirks::OPENAI), &mut losses).unwrap();
        let mut source = without_nulls(serde_json::from_str(&body).unwrap());
        let mut back: Value = serde_json::from_slice(&encoded.body).unwrap();
        source["model"] = json!("other");
        if let Some(only) = source["prompt"].as_array().and_then(|prompts| prompts.first()).cloned() {
            source["prompt"] = only;
        }
        let map = back.as_object_mut().unwrap();
        // What is added: the default, said; the usage, asked for.
        if source["max_tokens"].is_null() {
            assert_eq!(map.remove("max_tokens"), Some(json!(16)), "{id}");
        }
        if source["stream_options"].is_null() {
            map.remove("stream_options");
        }
        for (name, value) in back.as_object().unwrap() {
            assert!(same(&source[name], value), "{id}: {name}: {} became {value}", source[name]);
        }
        assert_eq!(source.as_object().unwrap().len(), back.as_object().unwrap().len(), "{id}");
        assert_eq!(losses.into_warnings(), [""; 0], "{id}");
        seen += 1;
    }
    assert!(seen > 30, "only {seen} requests");
}

fn same(one: &Value, other: &Value) -> bool {
    one == other || one.is_number() && one.as_f64() == other.as_f64()
}

#[test]
fn a_prompt_becomes_one_message_of_every_chat_provider() {
    let Some(exchanges) = recorded() else { return };
    for Exchange { id, request, status, .. } in
        exchanges.into_iter().filter(|exchange| exchange.status == 200)
    {
        let body = request.unwrap();
        let source: Value = serde_json::from_str(&body).unwrap();
        let prompt = source["prompt"].as_str().or(source["prompt"][0].as_str()).unwrap();
        for provider in [OpenaiChat, Anthropic] {
            let call = Call::chat(OpenaiCompletions);
            let outgoing = lane::request(&call, provider, body.as_bytes(), &ask(&Quirks::OPENAI))
                .unwrap_or_else(|failure| panic!("{id} {status}: {failure:?}"));
            let Edit::Replace(sent) = outgoing.edit else { panic!("{id}: not translated") };
            let sent: Value = serde_json::from_slice(&sent).unwrap();
            let content = &sent["messages"][0]["content"];
            assert_eq!(content.as_str().or(content[0]["text"].as_str()), Some(prompt), "{id}");
            assert_eq!(sent["messages"].as_array().unwrap().len(), 1, "{id}");
        }
    }
}

#[test]
fn answers_come_back_whole_and_reach_every_client() {
    let Some(exchanges) = recorded() else { return };
    let mut seen = 0;
    for exchange in exchanges.iter().filter(|exchange| !exchange.stream && exchange.status == 200) {
        let id = &exchange.id;
        let body = exchange.response.as_bytes();
        let source: Value = serde_json::from_slice(body).unwrap();
        let response = codec::decode_response(OpenaiCompletions, body).unwrap();
        let plan = AnswerPlan::new(OpenaiCompletions, OpenaiCompletions, false, false);
        let mut losses = Losses::new(true);
        let back = codec::encode_response(&response, &plan, &mut losses);
        assert_eq!(serde_json::from_slice::<Value>(&back).unwrap(), source, "{id}");
        assert_eq!(losses.into_warnings(), [""; 0], "{id}");
        let report = lane::answer(&plan, body).unwrap().report;
        assert_eq!(report.usage.input, source["usage"]["prompt_tokens"].as_u64(), "{id}");
        for client in [OpenaiChat, Anthropic] {
            let plan = AnswerPlan::new(client, OpenaiCompletions, false, false);
            let answer = lane::answer(&plan, body).unwrap();
            let target: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
            let (was, mut is) = (of_answer(OpenaiCompletions, &source), of_answer(client, &target));
            if client == OpenaiChat {
                is = with_usage(is, &target);
            }
            assert_eq!(was, is, "{id} for {client:?}");
            let streamed = lane::answer_as_stream(&plan, body).unwrap().body.unwrap();
            assert!(collect(client, std::str::from_utf8(&streamed).unwrap()) != collect(client, ""), "{id}");
        }
        seen += 1;
    }
    assert!(seen > 15, "only {seen} answers");
}

fn with_usage(mut collected: crate::streamed::Collected, answer: &Value) -> crate::streamed::Collected {
    collected.count(answer["usage"]["prompt_tokens"].as_u64(), answer["usage"]["completion_tokens"].as_u64());
    collected
}

#[test]
fn streams_reach_every_client_however_they_are_cut() {
    let Some(exchanges) = recorded() else { return };
    let mut seen = 0;
    for exchange in exchanges.iter().filter(|exchange| exchange.stream && exchange.status == 200) {
        let (id, body) = (&exchange.id, exchange.response.as_bytes());
        let identity = AnswerPlan::new(OpenaiCompletions, OpenaiCompletions, true, true);
        assert_eq!(run_identity(&identity, body), Progress::Finished, "{id}");
        for client in [OpenaiChat, Anthropic] {
            let plan = AnswerPlan::new(client, OpenaiCompletions, true, true);
            let (out, progress) = run(&plan, body, body.len());
            assert_eq!(progress, Progress::Finished, "{id}");
            for size in [1, 7, 61, 1024] {
                assert_eq!(run(&plan, body, size).0, out, "{id}: cut into {size} it is another stream");
            }
            let (mut was, mut is) = (collect(OpenaiCompletions, &exchange.response), collect(client, &out));
            was.count(None, None);
            is.count(None, None);
            // Some servers close without their mark once all is said.
            was.over = true;
            was.finish = was.finish.or_else(|| is.finish.clone());
            assert_eq!(was, is, "{id} for {client:?}");
        }
        seen += 1;
    }
    assert!(seen > 8, "only {seen} streams");
}

fn run_identity(plan: &AnswerPlan, body: &[u8]) -> Progress {
    let mut stream = lane::Stream::new(plan);
    let mut out = Vec::new();
    for piece in body.chunks(13) {
        stream.push(piece, &mut out);
        assert!(out.is_empty(), "bytes pass as they are");
    }
    stream.end(&mut out);
    assert!(stream.report().output_bytes > 0);
    stream.progress()
}

/// The recorded streams of conversations, as a client of text completions reads them.
#[test]
fn chat_streams_reach_text_clients() {
    let Some(exchanges) = exchanges("openai.chat") else { return };
    let mut seen = 0;
    for exchange in exchanges.iter().filter(|exchange| exchange.stream && exchange.status == 200) {
        let was = collect(OpenaiChat, &exchange.response);
        if was.has_more_than_text() || reasoning_beside(&exchange.response) {
            continue;
        }
        let plan = AnswerPlan::new(OpenaiCompletions, OpenaiChat, true, true);
        let body = exchange.response.as_bytes();
        let (out, _) = run(&plan, body, body.len());
        assert_eq!(run(&plan, body, 1).0, out, "{}", exchange.id);
        let is = collect(OpenaiCompletions, &out);
        assert_eq!(was, is, "{}", exchange.id);
        seen += 1;
    }
    assert!(seen > 20, "only {seen} streams");
}
