//! No body costs more time than its size allows: four times as much of anything takes about four times as long, from every
//! client to every provider and back.

use crate::crafted::{ANSWERS, REQUESTS, with_unknown_fields};
use crate::matrix::CHATS;
use std::time::{Duration, Instant};
use tollgate::dialect::Call;
use tollgate::dialect::Dialect;
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Stream};
use tollgate::provider::Quirks;

/// How many of a thing the smaller body holds.
const FEW: usize = 200;

/// How many times as much the larger body holds.
const MORE: usize = 8;

/// How many times as long the larger body may take as so many smaller ones together: linear work takes as long, quadratic
/// work [`MORE`] times as long.
const MOST: u32 = 3;

/// What takes no longer is no danger, and too short to compare: large bodies need fresh memory, whose pages cost time too.
const SHORT: Duration = Duration::from_millis(15);

/// How often the two are compared at most, and for how long once they were compared a few times. Others have the machine
/// too: both sides of a comparison take about as long, so that they are interrupted alike, and one fair comparison will do.
const TRIES: usize = 12;
const ENOUGH: Duration = Duration::from_secs(2);

/// What is wrong with the time that a body takes with more of a thing; `None`: nothing.
fn growth<B>(few: &B, many: &B, work: impl Fn(&B)) -> Option<String> {
    let took = |body, times| {
        let start = Instant::now();
        (0..times).for_each(|_| work(body));
        start.elapsed()
    };
    let start = Instant::now();
    let mut best = (Duration::MAX, Duration::MAX);
    for n in 0..TRIES {
        if n >= 4 && start.elapsed() > ENOUGH {
            break;
        }
        let larger = took(many, 1);
        if larger < SHORT {
            return None;
        }
        let smaller = took(few, MORE);
        best = (best.0.min(smaller), best.1.min(larger));
        if larger <= smaller * MOST || best.1 <= best.0 * MOST {
            return None;
        }
    }
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    Some(format!("{:.1} ms, and {:.1} ms in smaller pieces", ms(best.1), ms(best.0)))
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} grow too fast\n{}", wrong.len(), wrong.join("\n"));
}

fn requests(client: Dialect) {
    let mut wrong = Vec::new();
    for (what, body) in REQUESTS {
        let [few, many] = [body(client, FEW), body(client, FEW * MORE)];
        for provider in CHATS {
            let ask = Ask::new("m", &Quirks::OPENAI);
            let call = Call::chat(client);
            let grown = growth(&few, &many, |body| {
                let _ = lane::request(&call, provider, body.as_bytes(), &ask);
            });
            wrong.extend(grown.map(|grown| format!("{what}, {client:?} to {provider:?}: {grown}")));
        }
    }
    assert_none(&wrong);
}

#[test]
#[ignore = "measures time: `make bounds`"]
fn requests_of_openai_clients() {
    requests(Dialect::OpenaiChat);
}

#[test]
#[ignore = "measures time: `make bounds`"]
fn requests_of_anthropic_clients() {
    requests(Dialect::Anthropic);
}

#[test]
#[ignore = "measures time: `make bounds`"]
fn requests_of_responses_clients() {
    requests(Dialect::OpenaiResponses);
}

#[test]
#[ignore = "measures time: `make bounds`"]
fn requests_of_gemini_clients() {
    requests(Dialect::Gemini);
}

#[test]
#[ignore = "measures time: `make bounds`"]
fn requests_of_cohere_clients() {
    requests(Dialect::Cohere);
}

#[test]
#[ignore = "measures time: `make bounds`"]
fn requests_of_bedrock_clients() {
    requests(Dialect::Bedrock);
}

#[test]
#[ignore = "measures time: `make bounds`"]
fn requests_of_ollama_clients() {
    requests(Dialect::Ollama);
}

/// A plan of which the request had as many tools as the answer calls.
fn plan(client: Dialect, provider: Dialect, stream: bool, tools: usize) -> AnswerPlan {
    AnswerPlan {
        tool_names: (0..tools).map(|i| (format!("f{}", 2 * i), format!("long{i}"))).collect(),
        custom_tools: (0..tools).map(|i| format!("c{i}")).collect(),
        model: "m".into(),
        ..AnswerPlan::new(client, provider, stream, true)
    }
}

/// An answer of OpenAI's dialect as another provider gives it, whole or streamed.
fn answer_of(provider: Dialect, answer: &str, stream: bool) -> Vec<u8> {
    let plan = plan(provider, Dialect::OpenaiChat, stream, 0);
    match stream {
        _ if provider == Dialect::OpenaiChat && !stream => answer.into(),
        false => lane::answer(&plan, answer.as_bytes()).unwrap().body.unwrap(),
        true => lane::answer_as_stream(&plan, answer.as_bytes()).unwrap().body.unwrap(),
    }
}

fn answers(client: Dialect) {
    let mut wrong = Vec::new();
    for (what, answer) in ANSWERS {
        let [few, many] = [FEW, FEW * MORE].map(|n| (n, answer(n)));
        for provider in CHATS {
            let whole = |(n, answer): &(usize, String)| (*n, answer_of(provider, answer, false));
            let grown = growth(&whole(&few), &whole(&many), |(n, body)| {
                let _ = lane::answer(&plan(client, provider, false, *n), body);
                let _ = lane::answer_as_stream(&plan(client, provider, true, *n), body);
            });
            wrong.extend(grown.map(|grown| format!("{what}, {provider:?} to {client:?}: {grown}")));
            let streamed = |(n, answer): &(usize, String)| {
                let stream = answer_of(provider, answer, true);
                let unknown = std::str::from_utf8(&stream).map(with_unknown_fields);
                (*n, unknown.map_or(stream, String::into_bytes))
            };
            let grown = growth(&streamed(&few), &streamed(&many), |(n, stream)| {
                let mut lane = Stream::new(&plan(client, provider, true, *n));
                let mut out = Vec::new();
                stream.chunks(100).for_each(|chunk| {
                    lane.push(chunk, &mut out);
                });
                lane.end(&mut out);
            });
            wrong.extend(grown.map(|grown| format!("{what}, {provider:?} streams to {client:?}: {grown}")));
        }
    }
    assert_none(&wrong);
}

#[test]
#[ignore = "measures time: `make bounds`"]
fn answers_to_openai_clients() {
    answers(Dialect::OpenaiChat);
}

#[test]
#[ignore = "measures time: `make bounds`"]
fn answers_to_anthropic_clients() {
    answers(Dialect::Anthropic);
}

#[test]
#[ignore = "measures time: `make bounds`"]
fn answers_to_responses_clients() {
    answers(Dialect::OpenaiResponses);
}

#[test]
#[ignore = "measures time: `make bounds`"]
fn answers_to_gemini_clients() {
    answers(Dialect::Gemini);
}

#[test]
#[ignore = "measures time: `make bounds`"]
fn answers_to_cohere_clients() {
    answers(Dialect::Cohere);
}

#[test]
#[ignore = "measures time: `make bounds`"]
fn answers_to_bedrock_clients() {
    answers(Dialect::Bedrock);
}

#[test]
#[ignore = "measures time: `make bounds`"]
fn answers_to_ollama_clients() {
    answers(Dialect::Ollama);
}
