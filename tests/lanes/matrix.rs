//! Every recorded answer, whole and streamed, to the clients of every dialect: what was said, thought and called, why it
//! ended and what it cost arrive; and every stream says the same however its bytes are cut.

use crate::corpus::{Exchange, exchanges};
use crate::cuts::Cuts;
use crate::feed::{run, run_cut, text};
use crate::recorded::{counts, is_answer, op};
use crate::streamed::{Collected, collect, first_turn, of_answer, reasoning_beside, unmarked};
use serde_json::Value;
use std::collections::BTreeSet;
use tollgate::chat::{Event, Losses, Usage};
use tollgate::dialect::Dialect::{
    self, Anthropic, Bedrock, Cohere, Gemini, Ollama, OllamaGenerate, OpenaiChat, OpenaiResponses,
};
use tollgate::dialect::codec::{self, StreamDecoder, StreamEncoder};
use tollgate::dialect::lane::{self, AnswerPlan};

/// All that conversations are held in.
pub(crate) const CHATS: [Dialect; 7] =
    [OpenaiChat, Anthropic, OpenaiResponses, Gemini, Cohere, Bedrock, Ollama];

/// What the answers of a dialect have no word for. Everything else arrives everywhere.
const UNSAID: [(Dialect, &str, &str); 8] = [
    (Ollama, "cache reads", "its counts are of the prompt and of the answer alone"),
    (Ollama, "cache writes", "its counts are of the prompt and of the answer alone"),
    (Ollama, "reasoning", "its counts are of the prompt and of the answer alone"),
    (Ollama, "signatures", "it has thoughts, and no proof of them"),
    (Cohere, "cache writes", "its one count of the cache is what was read from it"),
    (Cohere, "signatures", "it has thoughts, and no proof of them"),
    (Gemini, "cache writes", "writing to its cache is another request"),
    (Bedrock, "reasoning", "its one count of output holds the thoughts"),
];

fn can_say(client: Dialect, what: &str) -> bool {
    !UNSAID.iter().any(|(dialect, unsaid, _)| *dialect == client && *unsaid == what)
}

/// The exchanges of a dialect, whole and streamed.
pub(crate) fn recorded(dialect: Dialect) -> Option<Vec<Exchange>> {
    let mut all = exchanges(op(dialect))?;
    let streamed = match dialect {
        Gemini => Some("gemini.streamGenerateContent"),
        Bedrock => Some("bedrock.converse-stream"),
        _ => None,
    };
    all.extend(streamed.and_then(exchanges).into_iter().flatten());
    Some(all)
}

/// The bytes of a recorded stream; `None` where what was recorded is none, or lost its framing.
fn stream_of(exchange: &Exchange, provider: Dialect) -> Option<&[u8]> {
    match provider {
        Bedrock => (exchange.bytes.first() == Some(&0)).then_some(&exchange.bytes[..]),
        Ollama | OllamaGenerate => {
            exchange.response.contains("\"done\":").then_some(exchange.response.as_bytes())
        }
        Gemini => Some(exchange.response.as_bytes()),
        _ => exchange.response.contains("data:").then(|| first_turn(&exchange.response).as_bytes()),
    }
}

/// What of a translation is not what it was.
fn differences(client: Dialect, was: &Collected, is: &Collected) -> Vec<String> {
    let mut wrong = Vec::new();
    if was.text != is.text {
        wrong.push(format!("text {:?} became {:?}", was.text, is.text));
    }
    // Thoughts that stood apart may be set apart by a line.
    let thought = |said: &Collected| said.thinking.split_whitespace().collect::<String>();
    if thought(was) != thought(is) {
        wrong.push(format!("thinking {:?} became {:?}", was.thinking, is.thinking));
    }
    let (proofs, come) = (unmarked(&was.signatures), unmarked(&is.signatures));
    if can_say(client, "signatures") && !proofs.is_empty() && proofs != come {
        wrong.push(format!("signatures {proofs:?} became {come:?}"));
    }
    let calls = |said: &Collected| -> Vec<(String, Value)> {
        said.calls.iter().map(|(_, name, arguments)| (name.clone(), arguments.clone())).collect()
    };
    if calls(was) != calls(is) {
        wrong.push(format!("calls {:?} became {:?}", was.calls, is.calls));
    }
    // An id may carry more than it was (a signature of Gemini's); where there was none, one was made.
    let is_same = |(was, is): (&(String, String, Value), &(String, String, Value))| {
        was.0.is_empty() || is.0.starts_with(was.0.split("__thought__").next().unwrap_or_default())
    };
    if !was.calls.iter().zip(&is.calls).all(is_same) {
        wrong.push(format!("ids {:?} became {:?}", was.calls, is.calls));
    }
    let ids: BTreeSet<&str> = is.calls.iter().map(|(id, ..)| id.as_str()).collect();
    if ids.len() < is.calls.len() && is.calls.iter().all(|(id, ..)| !id.is_empty()) {
        wrong.push(format!("two calls of one id: {:?}", is.calls));
    }
    // Gemini stops when it calls.
    let finish = |said: &Collected| match said.finish.as_deref() {
        Some("stop") if !said.calls.is_empty() => Some("tools".to_owned()),
        other => other.map(str::to_owned),
    };
    if finish(was) != finish(is) {
        wrong.push(format!("finish {:?} became {:?}", was.finish, is.finish));
    }
    if was.input.is_some() && (was.input, was.output) != (is.input, is.output) {
        let (was, is) = ((was.input, was.output), (is.input, is.output));
        wrong.push(format!("usage {was:?} became {is:?}"));
    }
    wrong
}

/// The counts within the counts that did not arrive, and could have.
fn uncounted(client: Dialect, was: &Usage, is: &Usage) -> Vec<String> {
    let counts = [
        ("cache reads", was.cache_read, is.cache_read),
        ("cache writes", was.cache_write, is.cache_write),
        ("reasoning", was.reasoning, is.reasoning),
    ];
    let lost = counts
        .into_iter()
        .filter(|(what, was, is)| was.is_some_and(|count| count > 0) && can_say(client, what) && was != is);
    lost.map(|(what, was, is)| format!("{what} {was:?} became {is:?}")).collect()
}

/// What the hub reads of a stream: its events, whatever cut the bytes, and the counts.
fn events(dialect: Dialect, bytes: &[u8], cuts: impl Iterator<Item = usize>) -> (Vec<String>, Usage) {
    let (mut decoder, mut seen, mut counted) = (StreamDecoder::new(dialect), Vec::new(), Usage::default());
    let mut sink = |event: Event<'_>| {
        if let Event::Usage { usage, .. } = &event {
            counted.update(usage);
        }
        seen.push(format!("{event:?}"));
    };
    let mut from = 0;
    for to in cuts.chain([bytes.len()]) {
        decoder.push(&bytes[from..to], &mut sink);
        from = to;
    }
    decoder.end(&mut sink);
    (seen, counted)
}

/// A stream for a client; also where that speaks the provider's own dialect, through the hub and back.
fn translated(plan: &AnswerPlan, stream: &[u8], cuts: Option<Vec<usize>>) -> String {
    if plan.client != plan.provider {
        return match cuts {
            None => run(plan, stream, stream.len()).0,
            Some(cuts) => run_cut(plan, stream, &cuts).0,
        };
    }
    let (mut decoder, mut encoder) = (StreamDecoder::new(plan.provider), StreamEncoder::new(plan));
    let mut out = Vec::new();
    decoder.push(stream, &mut |event: Event<'_>| encoder.event(&event, &mut out));
    decoder.end(&mut |event: Event<'_>| encoder.event(&event, &mut out));
    text(plan.client, out)
}

/// Holds all streams of one dialect's providers against what clients of each dialect get.
fn streams(provider: Dialect, least: usize) {
    let Some(exchanges) = recorded(provider) else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges.iter().filter(|exchange| exchange.stream && exchange.status == 200) {
        let Some(stream) = stream_of(exchange, provider) else { continue };
        let id = &exchange.id;
        let mut cuts = Cuts::of(id);
        let (whole, counted) = events(provider, stream, std::iter::empty());
        if events(provider, stream, 1..stream.len()).0 != whole {
            wrong.push(format!("{id}: byte by byte it is another stream"));
        }
        for cuts in [cuts.few(stream.len()), cuts.many(stream.len())] {
            if events(provider, stream, cuts.iter().copied()).0 != whole {
                wrong.push(format!("{id}: cut at {cuts:?} it is another stream"));
            }
        }
        let mut was = collect(provider, &text(provider, stream.to_vec()));
        if reasoning_beside(&exchange.response) {
            was.count(None, None);
        }
        unproven(provider, &mut was);
        for client in CHATS {
            let plan = AnswerPlan::new(client, provider, true, true);
            let out = translated(&plan, stream, None);
            let cuts = cuts.few(stream.len());
            if translated(&plan, stream, Some(cuts.clone())) != out {
                wrong.push(format!("{id} to {client:?}: cut at {cuts:?} it is another stream"));
            }
            let is = collect(client, &out);
            let mut found = Vec::new();
            // What broke off, and what failed, ends with an error for the client.
            if was.finish.is_none() || was.error {
                if !is.error && is.finish.is_none() {
                    found.push(format!("it breaks off without a word: {is:?}"));
                }
            } else {
                let mut was = was.clone();
                // Arguments in pieces are put together; the unit tests of that hold how.
                if exchange.response.contains("partialArgs") {
                    was.calls.clone_from(&is.calls);
                }
                refused(&exchange.response, &mut was, &is);
                found.extend(differences(client, &was, &is));
                if !is.over || is.error {
                    found.push("it is not over".to_owned());
                }
                let sent = if client == Bedrock { Vec::new() } else { out.into_bytes() };
                if !sent.is_empty() && !reasoning_beside(&exchange.response) {
                    found.extend(uncounted(client, &counted, &events(client, &sent, std::iter::empty()).1));
                }
            }
            wrong.extend(found.into_iter().map(|what| format!("{id} to {client:?}: {what}")));
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "{} wrong of {seen}\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen >= least, "only {seen} streams");
}

/// Gemini's proofs stand with calls as well, whose ids hold them where there is no other place; its tests look at them.
fn unproven(provider: Dialect, was: &mut Collected) {
    if provider == Gemini {
        was.signatures.clear();
    }
}

/// A refusal that OpenAI spells out is the reason of the end where there is a word for that.
fn refused(answer: &str, was: &mut Collected, is: &Collected) {
    if is.finish.as_deref() == Some("refusal") && answer.replace("\": ", "\":").contains("\"refusal\":\"") {
        was.finish.clone_from(&is.finish);
    }
}

/// Holds all whole answers of one dialect's providers against what clients of each dialect get.
fn answers(provider: Dialect, least: usize) {
    let Some(exchanges) = recorded(provider) else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for exchange in exchanges.iter().filter(|exchange| !exchange.stream && exchange.status == 200) {
        let (id, body) = (&exchange.id, &exchange.bytes[..]);
        let Ok(source) = serde_json::from_slice::<Value>(body) else { continue };
        if !is_answer(provider, &source) {
            continue;
        }
        let mut was = of_answer(provider, &source);
        let (input, output) = counts(provider, &source);
        was.count(Some(input), Some(output));
        if reasoning_beside(&exchange.response) {
            was.count(None, None);
        }
        unproven(provider, &mut was);
        let response = match codec::decode_response(provider, body) {
            Ok(response) => response,
            Err(failure) => {
                wrong.push(format!("{id}: {failure:?}"));
                continue;
            }
        };
        for client in CHATS {
            let plan = AnswerPlan::new(client, provider, false, true);
            let sent = if client == provider {
                codec::encode_response(&response, &plan, &mut Losses::new(true))
            } else {
                lane::answer(&plan, body).unwrap().body.unwrap()
            };
            let target: Value = serde_json::from_slice(&sent).unwrap();
            let mut is = of_answer(client, &target);
            let (input, output) = counts(client, &target);
            is.count(Some(input), Some(output));
            let mut was = was.clone();
            refused(&exchange.response, &mut was, &is);
            let mut found = differences(client, &was, &is);
            let came = codec::decode_response(client, &sent).unwrap();
            if !reasoning_beside(&exchange.response) {
                found.extend(uncounted(client, &response.usage, &came.usage));
            }
            // The same answer as a stream says the same.
            let streamed = lane::answer_as_stream(&plan, body).unwrap().body.unwrap();
            let mut streamed = collect(client, &text(client, streamed));
            if input == 0 && streamed.input.is_none() {
                streamed.count(is.input, is.output);
            }
            unproven(provider, &mut is);
            let as_stream = differences(client, &is, &streamed);
            found.extend(as_stream.into_iter().map(|what| format!("as a stream, {what}")));
            wrong.extend(found.into_iter().map(|what| format!("{id} to {client:?}: {what}")));
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "{} wrong of {seen}\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen >= least, "only {seen} answers");
}

macro_rules! providers {
    ($($provider:ident $whole:ident $least_whole:literal $streamed:ident $least_streamed:literal;)+) => {
        $(
            #[test]
            fn $whole() {
                answers($provider, $least_whole);
            }

            #[test]
            fn $streamed() {
                streams($provider, $least_streamed);
            }
        )+
    };
}

providers! {
    OpenaiChat openai_answers_reach_all_clients 2800 openai_streams_reach_all_clients 1000;
    Anthropic anthropic_answers_reach_all_clients 1200 anthropic_streams_reach_all_clients 400;
    OpenaiResponses responses_answers_reach_all_clients 1800 responses_streams_reach_all_clients 700;
    Gemini gemini_answers_reach_all_clients 1500 gemini_streams_reach_all_clients 300;
    Cohere cohere_answers_reach_all_clients 300 cohere_streams_reach_all_clients 50;
    Bedrock bedrock_answers_reach_all_clients 600 bedrock_streams_reach_all_clients 140;
    OllamaGenerate generated_answers_reach_all_clients 0 generated_streams_reach_all_clients 7;
    Ollama ollama_answers_reach_all_clients 14 ollama_streams_reach_all_clients 14;
}
