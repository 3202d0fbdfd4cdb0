//! Any split, same result: streams made of hard pieces, cut anywhere.

use crate::feed::run;
use proptest::prelude::*;
use tollgate::dialect::Dialect::{Anthropic, OpenaiChat};
use tollgate::dialect::lane::{AnswerPlan, Stream};

const OPENAI: &[&str] = &[
    ": keep-alive\n\n",
    "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\r\n\r\n",
    "data:{\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"h\\u00e9 \\\"q\\\"\"}}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"é😀 \\n\"}}]}\r\r",
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{\\\"y\\\":\"}}]}}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\":1}\"}}]}}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"2}\"}}]}}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6,\"total_tokens\":11}}\n\n",
    "data: [DONE]\n\n",
    "data: {\"error\":{\"message\":\"no capacity\",\"code\":529}}\n\n",
    "data: {\"broken\n\n",
];

const ANTHROPIC: &[&str] = &[
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[],\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":3,\"output_tokens\":1}}}\n\n",
    "event: ping\r\ndata: {\"type\": \"ping\"}\r\n\r\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm é\"}}\r\r",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"c2ln\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"a😀\\n\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\",\"input\":{}}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":2}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":9}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
];

fn cut(plan: &AnswerPlan, stream: &[u8], cuts: &[usize]) -> String {
    cut_and_captured(plan, stream, cuts).0
}

/// What the client gets, and what was captured of it.
fn cut_and_captured(plan: &AnswerPlan, stream: &[u8], cuts: &[usize]) -> (String, Option<String>) {
    let mut lane = Stream::new(plan);
    let mut out = Vec::new();
    let mut from = 0;
    for to in cuts.iter().copied().chain([stream.len()]) {
        lane.push(&stream[from..to], &mut out);
        from = to;
    }
    lane.end(&mut out);
    (String::from_utf8(out).expect("text"), lane.transcript())
}

#[test]
fn what_is_captured_is_the_same_in_every_lane_and_at_every_split() {
    let hello = "{\"text\":\"é😀 \\n\",\"thinking\":\"hé \\\"q\\\"\",\"tool_calls\":[{\"id\":\"a\",\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"},{\"id\":\"b\",\"name\":\"g\",\"arguments\":\"{\\\"y\\\":2}\"}]}";
    let claude = "{\"text\":\"a😀\\n\",\"thinking\":\"hm é\",\"tool_calls\":[{\"id\":\"t1\",\"name\":\"f\",\"arguments\":\"{}\"}]}";
    for (pieces, provider, expected) in
        [(&OPENAI[..11], OpenaiChat, hello), (&ANTHROPIC[..13], Anthropic, claude)]
    {
        let stream = pieces.concat().into_bytes();
        for client in [OpenaiChat, Anthropic] {
            let plan = AnswerPlan { capture: true, ..AnswerPlan::new(client, provider, true, true) };
            for at in 0..stream.len() {
                let captured = cut_and_captured(&plan, &stream, &[at]).1;
                assert_eq!(captured.as_deref(), Some(expected), "{provider:?} for {client:?}, cut at {at}");
            }
            let silent = AnswerPlan { capture: false, ..plan };
            assert_eq!(cut_and_captured(&silent, &stream, &[]).1, None);
        }
    }
}

#[test]
fn every_single_split_of_the_hard_pieces_is_the_same() {
    for (pieces, plan) in [
        (&OPENAI[..11], AnswerPlan::new(Anthropic, OpenaiChat, true, true)),
        (&ANTHROPIC[..13], AnswerPlan::new(OpenaiChat, Anthropic, true, true)),
    ] {
        let stream = pieces.concat().into_bytes();
        let whole = run(&plan, &stream, stream.len()).0;
        assert_eq!(run(&plan, &stream, 1).0, whole);
        for at in 0..stream.len() {
            assert_eq!(cut(&plan, &stream, &[at]), whole, "cut at {at}");
        }
    }
}

proptest! {
    #[test]
    fn any_order_of_events_cut_anywhere_is_the_same(
        provider_is_openai in any::<bool>(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let (pieces, plan) = if provider_is_openai {
            (OPENAI, AnswerPlan::new(Anthropic, OpenaiChat, true, true))
        } else {
            (ANTHROPIC, AnswerPlan::new(OpenaiChat, Anthropic, true, true))
        };
        let stream: String = picks.iter().map(|pick| pieces[pick.index(pieces.len())]).collect();
        let stream = stream.into_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(cut(&plan, &stream, &cuts), run(&plan, &stream, stream.len()).0);
    }
}
