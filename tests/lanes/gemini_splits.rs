//! Any split, same result: Gemini's streams in both framings, made of hard pieces and cut anywhere.

use crate::feed::run;
use proptest::prelude::*;
use tollgate::dialect::Dialect::{Anthropic, Gemini, OpenaiChat};
use tollgate::dialect::lane::{AnswerPlan, Pass, Stream};

const ITEMS: &[&str] = &[
    r#"{"candidates":[{"content":{"parts":[{"text":"hm é😀","thought":true}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":5},"modelVersion":"g","responseId":"r"}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"a]},{\"\\\n"}],"role":"model"}}],"responseId":"r"}"#,
    "{\n  \"candidates\": [\n    {\n      \"content\": {\"parts\": [{\"text\": \"\\u00e9 b\"}]},\n      \"index\": 1\n    }\n  ]\n}",
    r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"x":1}},"thoughtSignature":"Ab+/="},{"functionCall":{"name":"f","args":{"x":2}}}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"g","partialArgs":[{"jsonPath":"$.c","stringValue":"New"}],"willContinue":true}}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.c","stringValue":" Delhi"}]}}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"executableCode":{"code":"1"}},{"inlineData":{"mimeType":"image/png","data":"aGk="}}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":6,"thoughtsTokenCount":2,"totalTokenCount":13}}"#,
    r#"{"candidates":[{"finishReason":"MAX_TOKENS","index":1}]}"#,
    r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":5}}"#,
    r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#,
    r#"{"broken"}"#,
];

/// A stream of these items, in one of the framings.
fn framed(items: &[&str], array: bool) -> Vec<u8> {
    if array {
        return format!("[{}\n]\n", items.join("\r\n,\r\n")).into_bytes();
    }
    // The lines of an event's data are lines of their own.
    let event = |item: &&str| format!("data: {}\r\n\r\n", item.replace('\n', "\r\ndata: "));
    items.iter().map(event).collect::<String>().into_bytes()
}

fn cut(plan: &AnswerPlan, stream: &[u8], cuts: &[usize]) -> String {
    let mut lane = Stream::new(plan);
    let mut out = Vec::new();
    let mut from = 0;
    for to in cuts.iter().copied().chain([stream.len()]) {
        if lane.push(&stream[from..to], &mut out) == Pass::AsIs {
            out.extend_from_slice(&stream[from..to]);
        }
        from = to;
    }
    lane.end(&mut out);
    String::from_utf8(out).expect("text")
}

fn plans() -> Vec<AnswerPlan> {
    let mut plans: Vec<AnswerPlan> =
        [OpenaiChat, Anthropic, Gemini].map(|client| AnswerPlan::new(client, Gemini, true, true)).into();
    plans.push(AnswerPlan { array: true, ..AnswerPlan::new(Gemini, Gemini, true, false) });
    plans
}

#[test]
fn every_single_split_of_the_hard_pieces_is_the_same() {
    for (plan, array) in plans().iter().flat_map(|plan| [(plan, false), (plan, true)]) {
        let stream = framed(&ITEMS[..9], array);
        let whole = run(plan, &stream, stream.len()).0;
        assert_eq!(run(plan, &stream, 1).0, whole, "{plan:?} {array}");
        for at in 0..stream.len() {
            assert_eq!(cut(plan, &stream, &[at]), whole, "{plan:?} {array}, cut at {at}");
        }
    }
}

#[test]
fn both_framings_say_the_same() {
    for client in [OpenaiChat, Anthropic] {
        let plan = AnswerPlan::new(client, Gemini, true, true);
        let [events, array] = [false, true].map(|array| {
            let stream = framed(&ITEMS[..9], array);
            run(&plan, &stream, stream.len()).0
        });
        assert_eq!(events, array);
    }
}

proptest! {
    #[test]
    fn any_order_of_items_cut_anywhere_is_the_same(
        plan in any::<prop::sample::Index>(),
        array in any::<bool>(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let plans = plans();
        let plan = &plans[plan.index(plans.len())];
        let items: Vec<&str> = picks.iter().map(|pick| ITEMS[pick.index(ITEMS.len())]).collect();
        let stream = framed(&items, array);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(cut(plan, &stream, &cuts), run(plan, &stream, stream.len()).0);
    }
}
