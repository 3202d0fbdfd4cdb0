//! What answers rely on, from every dialect that says it to every one that can: whole, and streamed at any cut.

use crate::feed::run;
use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate::dialect::Dialect::{
    self, Anthropic, Bedrock, Cohere, Gemini, Ollama, OpenaiChat, OpenaiResponses,
};
use tollgate::dialect::lane::{self, AnswerPlan, Stream};

fn plan(client: Dialect, provider: Dialect) -> AnswerPlan {
    AnswerPlan::new(client, provider, true, true)
}

fn answered(client: Dialect, provider: Dialect, body: &Value) -> (Value, Vec<String>) {
    let answer = lane::answer(&plan(client, provider), body.to_string().as_bytes())
        .unwrap_or_else(|failure| panic!("{failure:?}"));
    (serde_json::from_slice(&answer.body.unwrap()).unwrap(), answer.report.warnings)
}

/// A page as Anthropic names it.
fn location(url: &str) -> Value {
    json!({"type": "web_search_result_location", "url": url, "title": "T", "cited_text": "said there",
        "encrypted_index": "E"})
}

/// An answer of Anthropic's after a search: a text in blocks, of which two rely on pages.
fn claude() -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "c", "stop_reason": "end_turn", "content": [
        {"type": "text", "text": "I look. "},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [
            {"type": "web_search_result", "url": "https://a.example", "title": "T", "encrypted_content": "C"}]},
        {"type": "text", "text": "Hé: "},
        {"type": "text", "text": "one 😀", "citations": [location("https://a.example"), location("https://b.example")]},
        {"type": "text", "text": ", "},
        {"type": "text", "text": "two", "citations": [location("https://b.example")]},
        {"type": "text", "text": "."}],
        "usage": {"input_tokens": 5, "output_tokens": 6, "server_tool_use": {"web_search_requests": 1}}})
}

/// The same as a stream: citations come before the text of their block.
fn claudes_stream() -> String {
    let mut events = vec![json!({"type": "message_start", "message": {"id": "msg_1", "type": "message",
        "role": "assistant", "model": "c", "content": [], "usage": {"input_tokens": 5, "output_tokens": 1}}})];
    for (index, block) in claude()["content"].as_array().unwrap().iter().enumerate() {
        let mut start = block.clone();
        let delta = |delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
        let mut deltas = Vec::new();
        if block["type"] == "text" {
            start["text"] = json!("");
            if let Some(citations) = block["citations"].as_array() {
                start["citations"] = json!([]);
                deltas.extend(
                    citations
                        .iter()
                        .map(|citation| delta(json!({"type": "citations_delta", "citation": citation}))),
                );
            }
            let text = block["text"].as_str().unwrap();
            let half = text.char_indices().nth(1).map_or(text.len(), |(at, _)| at);
            deltas.extend(
                [&text[..half], &text[half..]].map(|text| delta(json!({"type": "text_delta", "text": text}))),
            );
        } else if block["type"] == "server_tool_use" {
            start["input"] = json!({});
            deltas.push(delta(json!({"type": "input_json_delta", "partial_json": "{\"query\": \"q\"}"})));
        }
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        events.append(&mut deltas);
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    events.push(
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 6}}),
    );
    events.push(json!({"type": "message_stop"}));
    events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
        .collect::<Vec<_>>()
        .concat()
}

/// An answer of Gemini's that says the same of the same text.
fn gemini() -> Value {
    let web = |url: &str| json!({"web": {"uri": url, "title": "T"}});
    json!({"responseId": "g1", "modelVersion": "g", "candidates": [{"index": 0, "finishReason": "STOP",
        "content": {"role": "model", "parts": [{"text": "Hé: one 😀, two."}]},
        "groundingMetadata": {"groundingChunks": [web("https://a.example"), web("https://b.example")],
            "groundingSupports": [
                {"segment": {"startIndex": 5, "endIndex": 13, "text": "one 😀"}, "groundingChunkIndices": [0, 1]},
                {"segment": {"startIndex": 15, "endIndex": 18, "text": "two"}, "groundingChunkIndices": [1]}],
            "webSearchQueries": ["q"]}}],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 6, "totalTokenCount": 11}})
}

/// The same as a stream, its grounding in the last piece.
fn geminis_stream() -> String {
    let whole = gemini();
    let candidate = |text: &str| json!({"index": 0, "content": {"role": "model", "parts": [{"text": text}]}});
    let mut last = candidate("wo.");
    last["finishReason"] = json!("STOP");
    last["groundingMetadata"] = whole["candidates"][0]["groundingMetadata"].clone();
    let mut early = candidate("Hé: one");
    early["groundingMetadata"] = json!({});
    let pieces = [early, candidate(" 😀, t"), last];
    let piece = |candidate: &Value| {
        format!(
            "data: {}\n\n",
            json!({"responseId": "g1", "modelVersion": "g", "candidates": [candidate],
            "usageMetadata": whole["usageMetadata"]})
        )
    };
    pieces.iter().map(piece).collect()
}

fn annotation(url: &str, start: u64, end: u64) -> Value {
    json!({"type": "url_citation", "start_index": start, "end_index": end, "url": url, "title": "T"})
}

/// OpenAI's words for it, flat, for a text that begins after so many characters.
fn annotations(before: u64) -> Value {
    let at = |url, start, end| annotation(url, before + start, before + end);
    json!([at("https://a.example", 4, 9), at("https://b.example", 4, 9), at("https://b.example", 11, 14)])
}

fn nested(flat: &Value) -> Value {
    let nest = |page: &Value| {
        let mut page = page.clone();
        page.as_object_mut().unwrap().remove("type");
        json!({"type": "url_citation", "url_citation": page})
    };
    flat.as_array().unwrap().iter().map(nest).collect()
}

fn events(stream: &str) -> Vec<Value> {
    let lines = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.filter(|line| *line != "[DONE]").map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The text and the annotations of a chat client's stream.
fn collected(stream: &str) -> (String, Value) {
    let (mut text, mut pages) = (String::new(), Vec::new());
    for chunk in events(stream) {
        let delta = &chunk["choices"][0]["delta"];
        text += delta["content"].as_str().unwrap_or_default();
        for page in delta["annotations"].as_array().into_iter().flatten() {
            // OpenAI's clients put the list together by the places in it.
            let mut page = page.clone();
            assert_eq!(page.as_object_mut().unwrap().remove("index"), Some(pages.len().into()), "{chunk}");
            pages.push(page);
        }
        assert!(delta["tool_calls"].is_null(), "{chunk}");
    }
    (text, pages.into())
}

#[test]
fn anthropics_pages_reach_openais_clients() {
    let (out, warnings) = answered(OpenaiChat, Anthropic, &claude());
    let message = &out["choices"][0]["message"];
    assert_eq!(message["content"], "I look. Hé: one 😀, two.");
    assert_eq!(message["annotations"], nested(&annotations(8)));
    assert!(message["tool_calls"].is_null() && out["choices"][0]["finish_reason"] == "stop");
    for lost in ["server_tool_use", "web_search_tool_result", "cited_text"] {
        assert!(warnings.iter().any(|warning| warning.contains(lost)), "{lost}: {warnings:?}");
    }

    let (out, _) = answered(OpenaiResponses, Anthropic, &claude());
    let items = out["output"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{out}");
    let part = &items[1]["content"][0];
    assert_eq!((&part["text"], &part["annotations"]), (&json!("Hé: one 😀, two."), &annotations(0)));
    assert_eq!(items[1]["content"].as_array().unwrap().len(), 1);
}

#[test]
fn anthropics_pages_reach_openais_clients_in_streams() {
    let stream = claudes_stream();
    let (out, _) = run(&plan(OpenaiChat, Anthropic), stream.as_bytes(), stream.len());
    let (text, pages) = collected(&out);
    assert_eq!((&*text, pages), ("I look. Hé: one 😀, two.", nested(&annotations(8))));

    let (out, _) = run(&plan(OpenaiResponses, Anthropic), stream.as_bytes(), stream.len());
    let told = events(&out);
    let added: Vec<Value> = told
        .iter()
        .filter(|event| event["type"] == "response.output_text.annotation.added")
        .map(|event| event["annotation"].clone())
        .collect();
    assert_eq!(Value::from(added), annotations(0));
    let parts = &told.last().unwrap()["response"]["output"][0]["content"];
    assert_eq!(parts.as_array().unwrap().len(), 2);
    assert_eq!((&parts[1]["text"], &parts[1]["annotations"]), (&json!("Hé: one 😀, two."), &annotations(0)));
}

#[test]
fn anthropics_pages_reach_geminis_clients() {
    let supports = json!([
        {"segment": {"startIndex": 13, "endIndex": 21, "text": "one 😀"}, "groundingChunkIndices": [0, 1]},
        {"segment": {"startIndex": 23, "endIndex": 26, "text": "two"}, "groundingChunkIndices": [1]}]);
    let chunks = &gemini()["candidates"][0]["groundingMetadata"]["groundingChunks"];
    let (out, _) = answered(Gemini, Anthropic, &claude());
    let found = &out["candidates"][0]["groundingMetadata"];
    assert_eq!((&found["groundingSupports"], &found["groundingChunks"]), (&supports, chunks));

    let stream = claudes_stream();
    let (out, _) = run(&plan(Gemini, Anthropic), stream.as_bytes(), stream.len());
    let last = events(&out).pop().unwrap();
    let found = &last["candidates"][0]["groundingMetadata"];
    assert_eq!((&found["groundingSupports"], &found["groundingChunks"]), (&supports, chunks));
}

#[test]
fn geminis_pages_reach_openais_clients() {
    let (out, warnings) = answered(OpenaiChat, Gemini, &gemini());
    assert_eq!(out["choices"][0]["message"]["annotations"], nested(&annotations(0)));
    assert_eq!(warnings, ["fields of the answer dropped: groundingMetadata.webSearchQueries"]);
    let (out, _) = answered(OpenaiResponses, Gemini, &gemini());
    assert_eq!(out["output"][0]["content"][0]["annotations"], annotations(0));

    let stream = geminis_stream();
    let (out, _) = run(&plan(OpenaiChat, Gemini), stream.as_bytes(), stream.len());
    assert_eq!(collected(&out), ("Hé: one 😀, two.".to_owned(), nested(&annotations(0))));
    let (out, _) = run(&plan(OpenaiResponses, Gemini), stream.as_bytes(), stream.len());
    let last = events(&out).pop().unwrap();
    assert_eq!(last["response"]["output"][0]["content"][0]["annotations"], annotations(0));
}

/// Blocks as a client of Anthropic's sees them: their text and their pages.
fn blocks(content: &Value) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let page = |citation: &Value| {
        assert_eq!(citation["type"], "web_search_result_location");
        assert!(citation["cited_text"].is_string() && citation["encrypted_index"].is_string());
        text(&citation["url"])
    };
    let pages = |block: &Value| block["citations"].as_array().into_iter().flatten().map(page).collect();
    content.as_array().unwrap().iter().map(|block| (text(&block["text"]), pages(block))).collect()
}

fn block(text: &str, pages: &[&str]) -> (String, Vec<String>) {
    (text.to_owned(), pages.iter().map(|page| format!("https://{page}.example")).collect())
}

/// An answer of OpenAI's that says the same as Gemini's.
fn openais(dialect: Dialect) -> Value {
    let text = "Hé: one 😀, two.";
    if dialect == OpenaiChat {
        return json!({"id": "c", "model": "m", "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": text, "annotations": nested(&annotations(0))}}]});
    }
    json!({"id": "resp_1", "object": "response", "model": "m", "status": "completed", "output": [
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "message", "id": "m1", "role": "assistant", "content": [
            {"type": "output_text", "text": text, "annotations": annotations(0)}]}]})
}

#[test]
fn others_pages_reach_anthropics_clients_as_blocks() {
    for (provider, body) in
        [(Gemini, gemini()), (OpenaiChat, openais(OpenaiChat)), (OpenaiResponses, openais(OpenaiResponses))]
    {
        let (out, warnings) = answered(Anthropic, provider, &body);
        let expected = [
            block("Hé: ", &[]),
            block("one 😀", &["a", "b"]),
            block(", ", &[]),
            block("two", &["b"]),
            block(".", &[]),
        ];
        assert_eq!(blocks(&out["content"]), expected, "{provider:?}");
        assert_eq!(out["stop_reason"], "end_turn");
        assert!(!warnings.concat().contains("annotations"), "{warnings:?}");
    }
}

/// The blocks of an Anthropic client's stream.
fn collected_blocks(stream: &str) -> Value {
    let mut content: Vec<Value> = Vec::new();
    for event in events(stream) {
        let index = usize::try_from(event["index"].as_u64().unwrap_or(0)).unwrap();
        if event["type"] == "content_block_start" {
            assert_eq!(index, content.len());
            content.push(event["content_block"].clone());
        } else if event["delta"]["type"] == "text_delta" {
            let said = content[index]["text"].as_str().unwrap().to_owned();
            content[index]["text"] = json!(said + event["delta"]["text"].as_str().unwrap());
        } else if event["delta"]["type"] == "citations_delta" {
            let citation = event["delta"]["citation"].clone();
            match content[index]["citations"].as_array_mut() {
                Some(list) => list.push(citation),
                None => content[index]["citations"] = json!([citation]),
            }
        }
    }
    content.into()
}

#[test]
fn in_a_stream_a_page_is_the_open_blocks() {
    let stream = geminis_stream();
    let mut lane = Stream::new(&plan(Anthropic, Gemini));
    let mut out = Vec::new();
    lane.push(stream.as_bytes(), &mut out);
    lane.end(&mut out);
    let content = collected_blocks(std::str::from_utf8(&out).unwrap());
    assert_eq!(blocks(&content), [block("Hé: one 😀, two.", &["a", "b", "b"])]);
    let warnings = &lane.report().warnings;
    assert!(warnings.contains(&"the places of citations dropped from the stream".to_owned()), "{warnings:?}");

    // Said as soon as it is known, a page ends its block.
    let event = |name: &str, more: &Value| {
        let mut event = json!({"type": name, "output_index": 0, "content_index": 0});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        format!("data: {event}\n\n")
    };
    let item = json!({"type": "message", "id": "m1", "role": "assistant", "content": []});
    let stream = [
        event("response.output_item.added", &json!({"item": item})),
        event("response.output_text.delta", &json!({"delta": "one"})),
        event("response.output_text.annotation.added", &json!({"annotation": annotation("https://a.example", 0, 3)})),
        event("response.output_text.delta", &json!({"delta": " two"})),
        event("response.output_item.done", &json!({"item": item})),
        format!("data: {}\n\n", json!({"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}})),
    ]
    .concat();
    let (out, _) = run(&plan(Anthropic, OpenaiResponses), stream.as_bytes(), stream.len());
    assert_eq!(blocks(&collected_blocks(&out)), [block("one", &["a"]), block(" two", &[])]);
}

#[test]
fn who_has_no_words_for_pages_is_told_the_text() {
    for client in [Cohere, Ollama] {
        for (provider, body) in [(Anthropic, claude()), (Gemini, gemini())] {
            let (out, warnings) = answered(client, provider, &body);
            assert!(out.to_string().contains("Hé: one 😀, two."), "{out}");
            assert!(
                warnings.contains(&"fields of the answer dropped: annotations".to_owned()),
                "{warnings:?}"
            );
        }
    }
}

#[test]
fn an_answer_that_arrived_whole_is_streamed_with_its_pages() {
    for (provider, body, before) in [(Anthropic, claude(), 8), (Gemini, gemini(), 0)] {
        let answer =
            lane::answer_as_stream(&plan(OpenaiChat, provider), body.to_string().as_bytes()).unwrap();
        let (_, pages) = collected(std::str::from_utf8(&answer.body.unwrap()).unwrap());
        assert_eq!(pages, nested(&annotations(before)), "{provider:?}");
    }
    let answer = lane::answer_as_stream(&plan(Anthropic, Gemini), gemini().to_string().as_bytes()).unwrap();
    let content = collected_blocks(std::str::from_utf8(&answer.body.unwrap()).unwrap());
    let (whole, _) = answered(Anthropic, Gemini, &gemini());
    assert_eq!(blocks(&content), blocks(&whole["content"]));
}

proptest! {
    #[test]
    fn any_cut_tells_the_same_pages(
        is_claudes in any::<bool>(),
        client in prop::sample::select(vec![OpenaiChat, OpenaiResponses, Gemini, Anthropic, Bedrock]),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
    ) {
        let (provider, stream) =
            if is_claudes { (Anthropic, claudes_stream()) } else { (Gemini, geminis_stream()) };
        let stream = stream.into_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let plan = plan(client, provider);
        let whole = crate::feed::run_cut(&plan, &stream, &[]).0;
        prop_assert_eq!(crate::feed::run_cut(&plan, &stream, &cuts).0, whole);
    }

    /// Texts and pages of any kind: what OpenAI's client is told of Anthropic's blocks stands where they say.
    #[test]
    fn every_page_is_of_the_words_of_its_block(
        texts in prop::collection::vec(("[a-c][a-c é😀]{0,4}", 0_usize..3), 1..8),
    ) {
        let page = |at: usize, n: usize| location(&format!("https://{at}.example/{n}"));
        let content: Vec<Value> = texts
            .iter()
            .enumerate()
            .map(|(at, (text, count))| match count {
                0 => json!({"type": "text", "text": text}),
                count => json!({"type": "text", "text": text,
                    "citations": (0..*count).map(|n| page(at, n)).collect::<Vec<_>>()}),
            })
            .collect();
        let mut body = claude();
        body["content"] = content.into();
        let (out, _) = answered(OpenaiChat, Anthropic, &body);
        let message = &out["choices"][0]["message"];
        let said: Vec<char> = message["content"].as_str().unwrap().chars().collect();
        let pages = message["annotations"].as_array().cloned().unwrap_or_default();
        prop_assert_eq!(pages.len(), texts.iter().map(|(_, count)| count).sum::<usize>());
        for page in pages {
            let page = &page["url_citation"];
            let place = |name: &str| usize::try_from(page[name].as_u64().unwrap()).unwrap();
            let words: String = said[place("start_index")..place("end_index")].iter().collect();
            let url = page["url"].as_str().unwrap();
            let at: usize = url["https://".len()..url.find('.').unwrap()].parse().unwrap();
            prop_assert_eq!(&words, &texts[at].0);
        }
        // And back again: blocks that end where the pages do.
        let chats = json!({"id": "c", "model": "m", "choices": [{"index": 0, "finish_reason": "stop",
            "message": message}]});
        let (back, _) = answered(Anthropic, OpenaiChat, &chats);
        let mut expected: Vec<(String, usize)> = Vec::new();
        for (text, count) in &texts {
            match expected.last_mut() {
                Some((last, 0)) if *count == 0 => last.push_str(text),
                _ => expected.push((text.clone(), *count)),
            }
        }
        let found: Vec<(String, usize)> =
            blocks(&back["content"]).into_iter().map(|(text, pages)| (text, pages.len())).collect();
        prop_assert_eq!(found, expected);
    }
}

/// The recorded exchanges in which something is cited, by the operation and a word that only those hold.
fn recorded(ops: &[&str], word: &str) -> Vec<crate::corpus::Exchange> {
    let all = ops.iter().filter_map(|op| crate::corpus::exchanges(op)).flatten();
    all.filter(|exchange| exchange.status == 200 && exchange.response.contains(word)).collect()
}

/// What a chat client is told of a recorded answer.
fn told(provider: Dialect, exchange: &crate::corpus::Exchange) -> (String, Value) {
    let plan = plan(OpenaiChat, provider);
    if exchange.stream {
        let (out, _) = run(&plan, exchange.response.as_bytes(), 997);
        return collected(&out);
    }
    let answer = lane::answer(&plan, exchange.response.as_bytes()).unwrap();
    let out: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
    let message = &out["choices"][0]["message"];
    (message["content"].as_str().unwrap().to_owned(), message["annotations"].clone())
}

#[test]
fn recorded_pages_stand_where_anthropic_and_google_say() {
    for exchange in recorded(&["anthropic.messages"], "\"encrypted_index\"") {
        let (text, pages) = told(Anthropic, &exchange);
        let written = exchange.response.matches("\"encrypted_index\"").count();
        assert_eq!(pages.as_array().unwrap().len(), written, "{}", exchange.id);
        let length = text.chars().count() as u64;
        for page in pages.as_array().unwrap() {
            let page = &page["url_citation"];
            let (start, end) = (page["start_index"].as_u64().unwrap(), page["end_index"].as_u64().unwrap());
            assert!(start < end && end <= length, "{}: {page}", exchange.id);
        }
    }
    let ops = ["gemini.generateContent", "gemini.streamGenerateContent"];
    for exchange in recorded(&ops, "\"groundingSupports\"") {
        let (text, pages) = told(Gemini, &exchange);
        if !exchange.response.contains("\"web\"") {
            continue;
        }
        let characters: Vec<char> = text.chars().collect();
        let pages = pages.as_array().unwrap();
        assert!(!pages.is_empty(), "{}", exchange.id);
        for page in pages {
            let page = &page["url_citation"];
            let place = |name: &str| usize::try_from(page[name].as_u64().unwrap()).unwrap();
            let words: String = characters[place("start_index")..place("end_index")].iter().collect();
            let quoted = serde_json::to_string(&words).unwrap();
            assert!(exchange.response.contains(&quoted), "{}: {words:?} is no segment", exchange.id);
        }
    }
}

/// A passage of each kind, as Bedrock and as Anthropic tell it.
fn passages() -> [(Value, Value); 3] {
    [
        (
            json!({"title": "D", "sourceContent": [{"text": "q"}],
                "location": {"documentChar": {"documentIndex": 0, "start": 2, "end": 9}}}),
            json!({"type": "char_location", "cited_text": "q", "document_title": "D", "file_id": null,
                "document_index": 0, "start_char_index": 2, "end_char_index": 9}),
        ),
        (
            json!({"title": "D", "sourceContent": [{"text": "q"}],
                "location": {"documentPage": {"documentIndex": 1, "start": 1, "end": 2}}}),
            json!({"type": "page_location", "cited_text": "q", "document_title": "D", "file_id": null,
                "document_index": 1, "start_page_number": 1, "end_page_number": 2}),
        ),
        (
            json!({"title": "S", "source": "https://s", "sourceContent": [{"text": "q"}],
                "location": {"searchResultLocation": {"searchResultIndex": 0, "start": 0, "end": 1}}}),
            json!({"type": "search_result_location", "cited_text": "q", "source": "https://s", "title": "S",
                "search_result_index": 0, "start_block_index": 0, "end_block_index": 1}),
        ),
    ]
}

#[test]
fn passages_pass_between_bedrock_and_anthropic() {
    for (bedrocks, anthropics) in passages() {
        let cited = json!({"content": [{"text": "two."}], "citations": [bedrocks]});
        let content = json!([{"text": "One "}, {"citationsContent": cited}]);
        let answer = json!({"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "end_turn",
            "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 1}});
        let said = json!([{"type": "text", "text": "One "}, {"type": "text", "text": "two.", "citations": [anthropics]}]);
        let (out, warnings) = answered(Anthropic, Bedrock, &answer);
        assert_eq!((&out["content"], warnings.len()), (&said, 0));

        let claude = json!({"id": "m", "type": "message", "role": "assistant", "model": "c", "content": said,
            "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 2}});
        let (out, warnings) = answered(Bedrock, Anthropic, &claude);
        assert_eq!((&out["output"]["message"]["content"], warnings.len()), (&content, 0));

        // Who knows pages alone is told that there was more, and gets no page that is none.
        for (provider, body) in [(Bedrock, &answer), (Anthropic, &claude)] {
            let (out, warnings) = answered(OpenaiChat, provider, body);
            let message = &out["choices"][0]["message"];
            assert_eq!((&message["content"], &message["annotations"]), (&json!("One two."), &Value::Null));
            assert_eq!(warnings, ["fields of the answer dropped: citations of what was given to read"]);
        }
    }
}

#[test]
fn passages_pass_in_streams() {
    for (bedrocks, anthropics) in passages() {
        let mut stream = Vec::new();
        for (name, data) in [
            ("messageStart", json!({"role": "assistant"})),
            ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": "One "}})),
            ("contentBlockStop", json!({"contentBlockIndex": 0})),
            // Before the words, as the service says it.
            ("contentBlockDelta", json!({"contentBlockIndex": 1, "delta": {"citation": bedrocks}})),
            ("contentBlockDelta", json!({"contentBlockIndex": 1, "delta": {"text": "two."}})),
            ("contentBlockStop", json!({"contentBlockIndex": 1})),
            ("messageStop", json!({"stopReason": "end_turn"})),
            ("metadata", json!({"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}})),
        ] {
            let headers = [(":event-type", name), (":message-type", "event")];
            tollgate::wire::eventstream::write_frame(&headers, data.to_string().as_bytes(), &mut stream);
        }
        let said = json!([{"type": "text", "text": "One "}, {"type": "text", "text": "two.", "citations": [anthropics]}]);
        for cut in [1, 7, stream.len()] {
            let streamed = |client: Dialect| {
                let (mut lane, mut out) = (Stream::new(&plan(client, Bedrock)), Vec::new());
                stream.chunks(cut).for_each(|piece| _ = lane.push(piece, &mut out));
                lane.end(&mut out);
                (String::from_utf8(out).unwrap(), lane.report().warnings.clone())
            };
            let (out, warnings) = streamed(Anthropic);
            let mut content = collected_blocks(&out);
            // Blocks that rely on nothing have an empty list or none.
            content.as_array_mut().unwrap().iter_mut().for_each(without_empty_list);
            assert_eq!(content, said);
            assert!(warnings.is_empty(), "{warnings:?}");
            let (out, warnings) = streamed(OpenaiChat);
            assert!(!out.contains("annotations"), "{out}");
            assert_eq!(warnings, ["citations of what was given to read dropped from the stream"]);
        }
    }
}

fn without_empty_list(block: &mut Value) {
    if block["citations"] == json!([]) {
        block.as_object_mut().unwrap().remove("citations");
    }
}

/// Bedrock makes a block of each span that relies on something; places in a text are places in all of it.
#[test]
fn pages_of_bedrock_have_their_place_in_the_whole_text() {
    let page = json!({"title": "T", "location": {"web": {"url": "https://u"}}});
    let cited = json!({"content": [{"text": "two."}], "citations": [page]});
    let answer = json!({"output": {"message": {"role": "assistant",
        "content": [{"text": "One "}, {"citationsContent": cited}]}}, "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 1}});
    let (out, _) = answered(Gemini, Bedrock, &answer);
    assert_eq!(out["candidates"][0]["content"]["parts"], json!([{"text": "One two."}]));
    let segment = &out["candidates"][0]["groundingMetadata"]["groundingSupports"][0]["segment"];
    assert_eq!(*segment, json!({"startIndex": 4, "endIndex": 8, "text": "two."}));
    let (out, _) = answered(OpenaiResponses, Bedrock, &answer);
    let content = out["output"][0]["content"].as_array().unwrap();
    assert_eq!((content.len(), &content[0]["text"]), (1, &json!("One two.")));
    let place = |name: &str| content[0]["annotations"][0][name].as_u64();
    assert_eq!((place("start_index"), place("end_index")), (Some(4), Some(8)));
}
