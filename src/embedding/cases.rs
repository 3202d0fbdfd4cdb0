//! What becomes of each field, from every client format to every provider format.

use super::*;
use crate::dialect::lane::{Edit, Outgoing};
use crate::provider::Quirks;
use serde_json::{Value, json};

fn send(
    client: Format,
    to: (Format, &str),
    body: &Value,
    quirks: &Quirks,
) -> Result<(Value, Outgoing), Failure> {
    try_send(client, to, body, quirks, true)
}

fn try_send(
    client: Format,
    (provider, model): (Format, &str),
    body: &Value,
    quirks: &Quirks,
    drop_params: bool,
) -> Result<(Value, Outgoing), Failure> {
    let ask = Ask { drop_params, ..Ask::new(model, quirks) };
    let body = body.to_string();
    let outgoing = request(client, provider, body.as_bytes(), &ask)?;
    let sent = match &outgoing.edit {
        Edit::Keep => body.into_bytes(),
        Edit::Prefix { drop, insert } => [insert, &body.as_bytes()[*drop..]].concat(),
        Edit::Replace(body) => body.clone(),
    };
    Ok((serde_json::from_slice(&sent).unwrap(), outgoing))
}

/// The body that a provider without quirks gets, and the warnings.
fn sent(client: Format, to: (Format, &str), body: &Value) -> (Value, Vec<String>) {
    let (sent, outgoing) = send(client, to, body, &Quirks::OPENAI).unwrap();
    (sent, outgoing.warnings)
}

fn refused(client: Format, to: (Format, &str), body: &Value) -> (String, Option<String>) {
    let failure = send(client, to, body, &Quirks::OPENAI).unwrap_err();
    assert_eq!(failure.status, 400);
    (failure.message, failure.param)
}

const OPENAI: (Format, &str) = (Format::Openai, "text-embedding-3-small");
const GEMINI: (Format, &str) = (Format::GeminiBatch, "gemini-embedding-001");
const COHERE: (Format, &str) = (Format::CohereV2, "embed-v4.0");
const TITAN: (Format, &str) = (Format::Bedrock, "amazon.titan-embed-text-v2:0");
const TITAN_1: (Format, &str) = (Format::Bedrock, "amazon.titan-embed-text-v1");
const TITAN_IMAGE: (Format, &str) = (Format::Bedrock, "amazon.titan-embed-image-v1");
const NOVA: (Format, &str) = (Format::Bedrock, "amazon.nova-2-multimodal-embeddings-v1:0");
const BEDROCK_COHERE: (Format, &str) =
    (Format::Bedrock, "arn:aws:bedrock:us-east-1::foundation-model/cohere.embed-english-v3");
const OLLAMA: (Format, &str) = (Format::Ollama, "nomic-embed-text");
const PICTURE: &str = "data:image/png;base64,aGk=";

#[test]
fn an_openai_request_in_everybodys_words() {
    let body = json!({"model": "m", "input": ["a", "b"], "dimensions": 256, "input_type": "search_query"});
    assert_eq!(
        sent(Format::Openai, GEMINI, &body),
        (
            json!({"requests": [
                {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "a"}]},
                 "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 256},
                {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "b"}]},
                 "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 256},
            ]}),
            vec![]
        )
    );
    assert_eq!(
        sent(Format::Openai, COHERE, &body),
        (
            json!({"model": "embed-v4.0", "texts": ["a", "b"], "input_type": "search_query",
                   "embedding_types": ["float"], "output_dimension": 256}),
            vec![]
        )
    );
    assert_eq!(
        sent(Format::Openai, BEDROCK_COHERE, &body).0,
        json!({"texts": ["a", "b"], "input_type": "search_query", "embedding_types": ["float"],
               "output_dimension": 256})
    );
    assert_eq!(
        sent(Format::Openai, (Format::VertexPredict, "text-embedding-005"), &body).0,
        json!({"instances": [{"content": "a", "task_type": "RETRIEVAL_QUERY"},
                             {"content": "b", "task_type": "RETRIEVAL_QUERY"}],
               "parameters": {"outputDimensionality": 256}})
    );
    let (ollama, warnings) = sent(Format::Openai, OLLAMA, &body);
    assert_eq!(ollama, json!({"model": "nomic-embed-text", "input": ["a", "b"], "dimensions": 256}));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let one = json!({"model": "m", "input": "a", "dimensions": 256, "encoding_format": "base64"});
    assert_eq!(sent(Format::Openai, TITAN, &one), (json!({"inputText": "a", "dimensions": 256}), vec![]));
    let (first, warnings) = sent(Format::Openai, TITAN_1, &one);
    assert_eq!((first, warnings.len()), (json!({"inputText": "a"}), 1));
    assert_eq!(
        sent(Format::Openai, NOVA, &one).0,
        json!({"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {"embeddingPurpose": "GENERIC_INDEX",
               "embeddingDimension": 256, "text": {"truncationMode": "NONE", "value": "a"}}})
    );
    // Half as long as numbers, where the provider knows it.
    assert_eq!(sent(Format::Openai, COHERE, &one).0["embedding_types"], json!(["base64"]));
}

#[test]
fn cohere_must_be_told_and_says_so() {
    let (body, warnings) = sent(Format::Openai, COHERE, &json!({"model": "m", "input": "a"}));
    assert_eq!(body["input_type"], "search_document");
    assert!(warnings[0].starts_with("input_type: search_document sent"), "{warnings:?}");
    let gemini = json!({"content": {"parts": [{"text": "a"}]}, "taskType": "SEMANTIC_SIMILARITY"});
    let (body, warnings) = sent(Format::Gemini, COHERE, &gemini);
    assert_eq!(
        (body["input_type"].as_str(), &*warnings[0]),
        (Some("clustering"), "taskType sent as clustering")
    );
}

#[test]
fn what_is_lost_is_refused_where_the_configuration_says_so() {
    let body = json!({"model": "m", "input": "a", "user": "u"});
    let failure = try_send(Format::Openai, COHERE, &body, &Quirks::OPENAI, false).unwrap_err();
    assert_eq!(failure.param.as_deref(), Some("user"));
    let body = json!({"content": {"parts": [{"text": "a"}]}, "title": "t", "taskType": "RETRIEVAL_DOCUMENT"});
    for field in ["title", "taskType"] {
        let mut one = body.clone();
        one.as_object_mut().unwrap().retain(|name, _| name == "content" || name == field);
        let failure = try_send(Format::Gemini, OPENAI, &one, &Quirks::OPENAI, false).unwrap_err();
        assert_eq!(failure.param.as_deref(), Some(field));
    }
    // Cohere's clients have to say what vectors are for: that alone is no reason to refuse them.
    let body = json!({"model": "m", "texts": ["a"], "input_type": "search_query"});
    assert!(try_send(Format::CohereV2, OPENAI, &body, &Quirks::OPENAI, false).is_ok());
    let body = json!({"model": "m", "input": "a", "options": {"num_ctx": 4096}, "keep_alive": null});
    let failure = try_send(Format::Ollama, OPENAI, &body, &Quirks::OPENAI, false).unwrap_err();
    assert_eq!(failure.param.as_deref(), Some("options"));
}

#[test]
fn pictures_go_where_they_are_understood() {
    let images = json!({"model": "m", "images": [PICTURE], "input_type": "image"});
    assert_eq!(
        sent(Format::CohereV2, (Format::GeminiBatch, "gemini-embedding-2"), &images).0["requests"][0]["content"],
        json!({"parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]})
    );
    assert_eq!(sent(Format::CohereV2, TITAN_IMAGE, &images).0, json!({"inputImage": "aGk="}));
    assert_eq!(
        sent(Format::CohereV2, NOVA, &images).0["singleEmbeddingParams"]["image"],
        json!({"format": "png", "source": {"bytes": "aGk="}})
    );
    for to in [OPENAI, OLLAMA, TITAN] {
        assert_eq!(refused(Format::CohereV2, to, &images).1.as_deref(), Some("texts"));
    }
    let gemini = json!({"content": {"parts": [{"text": "a cat"}, {"inlineData": {"mimeType": "image/png", "data": "aGk="}}]}});
    assert_eq!(
        sent(Format::Gemini, COHERE, &gemini).0["inputs"],
        json!([{"content": [{"type": "text", "text": "a cat"},
                            {"type": "image_url", "image_url": {"url": PICTURE}}]}])
    );
    assert_eq!(
        sent(Format::Gemini, TITAN_IMAGE, &gemini).0,
        json!({"inputText": "a cat", "inputImage": "aGk="})
    );
    let picture = json!({"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]}});
    assert_eq!(sent(Format::Gemini, COHERE, &picture).0["images"], json!([PICTURE]));
    assert!(
        refused(Format::Gemini, (Format::CohereV1, "embed-english-v3.0"), &gemini).0.contains("second API")
    );
    let inputs = json!({"model": "m", "input_type": "search_document", "inputs": [{"content": [
        {"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}]});
    assert!(refused(Format::CohereV2, GEMINI, &inputs).0.contains("at an address"));
}

#[test]
fn texts_of_one_input_are_joined_for_those_who_take_one() {
    let body = json!({"content": {"parts": [{"text": "a"}, {"text": "b"}]}});
    let (openai, warnings) = sent(Format::Gemini, OPENAI, &body);
    assert_eq!(openai["input"], json!("a\nb"));
    assert_eq!(warnings, ["content: the texts of one input were joined"]);
    assert_eq!(sent(Format::Gemini, GEMINI, &body).0["requests"][0]["content"], body["content"]);
}

#[test]
fn a_batch_says_one_thing_of_all_its_inputs() {
    let one = |text: &str, task: &str| json!({"content": {"parts": [{"text": text}]}, "taskType": task});
    let body = json!({"requests": [one("a", "CLUSTERING"), one("b", "RETRIEVAL_QUERY")]});
    assert_eq!(refused(Format::GeminiBatch, COHERE, &body).1.as_deref(), Some("requests[1].taskType"));
    let body = json!({"requests": [one("a", "CLUSTERING"), one("b", "CLUSTERING")]});
    assert_eq!(sent(Format::GeminiBatch, COHERE, &body).0["input_type"], "clustering");
}

#[test]
fn peers_of_openai_have_names_of_their_own() {
    let body =
        json!({"model": "m", "input": "a", "dimensions": 64, "user": "u", "encoding_format": "base64"});
    let with = |embeddings| Quirks { embeddings, ..Quirks::OPENAI };
    let (voyage, outgoing) = send(Format::Openai, OPENAI, &body, &with(Fields::VOYAGE)).unwrap();
    assert_eq!(
        voyage,
        json!({"model": OPENAI.1, "input": "a", "output_dimension": 64, "encoding_format": "base64"})
    );
    assert_eq!(outgoing.warnings.len(), 1);
    let usual = json!({"model": "m", "input": "a", "encoding_format": "float"});
    let (voyage, outgoing) = send(Format::Openai, OPENAI, &usual, &with(Fields::VOYAGE)).unwrap();
    assert_eq!((voyage, outgoing.warnings.len()), (json!({"model": OPENAI.1, "input": "a"}), 0));
    let (jina, _) = send(Format::Openai, OPENAI, &body, &with(Fields::JINA)).unwrap();
    assert_eq!(jina, json!({"model": OPENAI.1, "input": "a", "dimensions": 64}));
    let cohere = json!({"model": "m", "texts": ["a"], "input_type": "search_query", "truncate": "NONE",
                        "embedding_types": ["int8"], "output_dimension": 64});
    let (voyage, outgoing) = send(Format::CohereV2, OPENAI, &cohere, &with(Fields::VOYAGE)).unwrap();
    assert_eq!(
        voyage,
        json!({"model": OPENAI.1, "input": ["a"], "output_dimension": 64, "output_dtype": "int8",
               "input_type": "query", "truncation": false})
    );
    assert_eq!(outgoing.plan.embedding.unwrap().asked, Elements::Int8);
    let (jina, _) = send(
        Format::CohereV2,
        OPENAI,
        &json!({"model": "m", "texts": ["a"], "input_type": "search_query"}),
        &with(Fields::JINA),
    )
    .unwrap();
    assert_eq!(jina["task"], "retrieval.query");
    // Its vectors are bytes: no floats can be had of it.
    let failure =
        send(Format::Ollama, OPENAI, &json!({"model": "m", "input": "a"}), &with(Fields::PERPLEXITY));
    assert_eq!(failure.unwrap_err().code.as_deref(), Some("unsupported_parameter"));
    for word in ["base64", "float"] {
        let body = json!({"model": "m", "input": "a", "encoding_format": word});
        let failure = send(Format::Openai, OPENAI, &body, &with(Fields::PERPLEXITY)).unwrap_err();
        assert_eq!((failure.status, failure.param.as_deref()), (400, Some("encoding_format")));
    }
    // Its own clients say its own words.
    let own = json!({"model": "m", "input": "a", "encoding_format": "base64_int8"});
    let (sent, _) = send(Format::Openai, OPENAI, &own, &with(Fields::PERPLEXITY)).unwrap();
    assert_eq!(sent, json!({"model": OPENAI.1, "input": "a", "encoding_format": "base64_int8"}));
}

#[test]
fn a_sum_of_tokens_is_told_as_those_of_the_prompt() {
    let body = json!({"model": "m", "input": "a"});
    let quirks = Quirks { embeddings: Fields::VOYAGE, ..Quirks::OPENAI };
    let (_, outgoing) = send(Format::Openai, OPENAI, &body, &quirks).unwrap();
    let plan = outgoing.plan.embedding.unwrap();
    let voyage =
        r#"{"object":"list","data":[{"index":0,"embedding":[0.5]}],"model":"v","usage":{"total_tokens":7}}"#;
    let told = answer(&plan, voyage.as_bytes()).unwrap();
    assert_eq!(
        String::from_utf8(told.body.unwrap()).unwrap(),
        voyage.replace(r#"{"total_tokens":7}"#, r#"{"prompt_tokens":7,"total_tokens":7}"#)
    );
    assert_eq!(told.report.usage.input, Some(7));
    let openai = voyage.replace("total", "prompt");
    assert_eq!(answer(&plan, openai.as_bytes()).unwrap().body, None);
}

#[test]
fn wrong_requests_are_told_where() {
    for (client, body, param) in [
        (Format::Openai, json!({"model": "m"}), "input"),
        (Format::Openai, json!({"model": "m", "input": []}), "input"),
        (Format::Openai, json!({"model": "m", "input": {"a": 1}}), "input"),
        (Format::Openai, json!({"model": "m", "input": ["a", 7]}), "input"),
        (Format::Openai, json!({"model": "m", "input": [1, "a"]}), "input"),
        (Format::Openai, json!({"model": "m", "input": "a", "encoding_format": "hex"}), "encoding_format"),
        (Format::Openai, json!({"model": "m", "input": "a", "dimensions": "x"}), "dimensions"),
        (Format::GeminiBatch, json!({"requests": []}), "requests"),
        (
            Format::GeminiBatch,
            json!({"requests": [{"content": {"parts": [{}]}}]}),
            "requests[0].content.parts[0]",
        ),
        (Format::Gemini, json!({"content": {}}), "content"),
        (Format::CohereV2, json!({"model": "m", "input_type": "image"}), "texts"),
        (Format::CohereV2, json!({"model": "m", "texts": ["a"], "truncate": "MIDDLE"}), "truncate"),
        (
            Format::CohereV2,
            json!({"model": "m", "texts": ["a"], "embedding_types": ["float16"]}),
            "embedding_types",
        ),
        (Format::Ollama, json!({"model": "m", "input": []}), "input"),
        (Format::OllamaPrompt, json!({"model": "m"}), "prompt"),
    ] {
        let to = if client == Format::Openai { COHERE } else { OPENAI };
        assert_eq!(refused(client, to, &body).1.as_deref(), Some(param), "{body}");
    }
    let unknown =
        refused(Format::Openai, (Format::Bedrock, "meta.llama3"), &json!({"model": "m", "input": "a"}));
    assert!(unknown.0.contains("meta.llama3"));
}

/// An answer from `provider`, for a client's request of two texts.
fn answered(client: Format, to: (Format, &str), body: &Value, answer_body: &Value) -> Result<Value, Failure> {
    let (_, outgoing) = send(client, to, body, &Quirks::OPENAI)?;
    let mut plan = *outgoing.plan.embedding.unwrap();
    plan.id = "request-id".into();
    let answer = answer(&plan, answer_body.to_string().as_bytes())?;
    Ok(answer.body.map_or(Value::Null, |body| serde_json::from_slice(&body).unwrap()))
}

#[test]
fn answers_in_everybodys_words() {
    let texts = json!({"model": "m", "texts": ["a", "b"], "input_type": "search_query", "embedding_types": ["float", "base64"]});
    let openai = json!({"object": "list", "model": "real", "usage": {"prompt_tokens": 7, "total_tokens": 7},
        "data": [{"index": 1, "embedding": [0.5]}, {"index": 0, "embedding": "AACAPw=="}]});
    assert_eq!(
        answered(Format::CohereV2, OPENAI, &texts, &openai).unwrap(),
        json!({"id": "request-id", "texts": ["a", "b"], "response_type": "embeddings_by_type",
            "embeddings": {"float": [[1.0], [0.5]], "base64": ["AACAPw==", "AAAAPw=="]},
            "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 7}}})
    );
    let input = json!({"model": "m", "input": ["a", "b"]});
    let gemini = json!({"embeddings": [{"values": [1e-3]}, {"values": [-0.25]}]});
    assert_eq!(
        answered(Format::Openai, GEMINI, &input, &gemini).unwrap(),
        json!({"object": "list", "model": "gemini-embedding-001",
            "data": [{"object": "embedding", "index": 0, "embedding": [1e-3]},
                     {"object": "embedding", "index": 1, "embedding": [-0.25]}],
            "usage": {"prompt_tokens": 2, "total_tokens": 2}})
    );
    assert_eq!(
        answered(Format::Ollama, GEMINI, &input, &gemini).unwrap(),
        json!({"model": "gemini-embedding-001", "embeddings": [[1e-3], [-0.25]]})
    );
    let prompt = json!({"model": "m", "prompt": "a"});
    let titan = json!({"embedding": [0.1], "inputTextTokenCount": 3});
    assert_eq!(answered(Format::OllamaPrompt, TITAN, &prompt, &titan).unwrap(), json!({"embedding": [0.1]}));
    let one = json!({"content": {"parts": [{"text": "a"}]}});
    assert_eq!(
        answered(Format::Gemini, TITAN, &one, &titan).unwrap(),
        json!({"embedding": {"values": [0.1]}, "usageMetadata": {"promptTokenCount": 3}})
    );
}

#[test]
fn what_is_no_answer_is_a_reason_to_try_the_next_target() {
    let input = json!({"model": "m", "input": ["a", "b"]});
    for (to, body, status) in [
        (GEMINI, json!({"embeddings": [{"values": [1]}]}), 502),
        (GEMINI, json!({}), 502),
        (GEMINI, json!({"error": {"code": 429, "message": "x", "status": "RESOURCE_EXHAUSTED"}}), 429),
        (COHERE, json!({"message": "no"}), 502),
        (COHERE, json!({"embeddings": {"float": []}}), 502),
        (OLLAMA, json!({"error": "no"}), 502),
        (OLLAMA, json!({"embeddings": ["x", {}]}), 502),
        (BEDROCK_COHERE, json!({"embeddings": 7}), 502),
    ] {
        assert_eq!(answered(Format::Openai, to, &input, &body).unwrap_err().status, status, "{body}");
    }
    assert_eq!(answered(Format::Openai, OPENAI, &input, &json!({"data": []})).unwrap_err().status, 502);
}

#[test]
fn numbers_that_cannot_be_bytes_fail_before_anything_is_sent() {
    let input = json!({"model": "m", "input": ["a"], "encoding_format": "base64"});
    let answer = json!({"data": [{"embedding": [1, null]}]});
    assert_eq!(answered(Format::Openai, OPENAI, &input, &answer).unwrap_err().status, 502);
    let answer = json!({"data": [{"embedding": [1, 2]}], "model": "real", "system": "kept"});
    let shown = answered(Format::Openai, OPENAI, &input, &answer).unwrap();
    assert_eq!(shown["data"][0]["embedding"], "AACAPwAAAEA=");
    assert_eq!(shown["system"], "kept");
}

#[test]
fn the_settings_of_vertex_have_their_own_places() {
    let embed = (Format::VertexEmbed, "gemini-embedding-2");
    let config = json!({"taskType": "RETRIEVAL_QUERY", "outputDimensionality": 5});
    let content = json!({"parts": [{"text": "a"}]});
    let body = json!({"model": "m", "input": "a", "dimensions": 5, "input_type": "query"});
    let configured = json!({"content": content, "embedContentConfig": config});
    assert_eq!(sent(Format::Openai, embed, &body), (configured.clone(), vec![]));
    assert_eq!(sent(Format::VertexEmbed, embed, &configured), (configured.clone(), vec![]));
    let plain = json!({"content": content});
    assert_eq!(sent(Format::Ollama, embed, &json!({"model": "m", "input": "a"})), (plain, vec![]));
    let (message, _) = refused(Format::Openai, embed, &json!({"input": ["a", "b"]}));
    assert!(message.contains("one input a request"), "{message}");
    let strict =
        json!({"content": content, "embedContentConfig": {"autoTruncate": false, "documentOcr": true}});
    let (cohere, warnings) = sent(Format::VertexEmbed, COHERE, &strict);
    assert_eq!((&cohere["truncate"], warnings.len()), (&json!("NONE"), 2), "{warnings:?}");
    let several = json!({"instances": [{"content": "a", "task_type": "CLUSTERING", "title": "t"}, {"content": "b", "task_type": "CLUSTERING"}],
                         "parameters": {"outputDimensionality": 5}});
    let (openai, warnings) = sent(Format::VertexPredict, OPENAI, &several);
    assert_eq!((&openai["input"], &openai["dimensions"]), (&json!(["a", "b"]), &json!(5)));
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    let two = json!({"instances": [{"content": "a", "task_type": "CLUSTERING"}, {"content": "b"}]});
    assert_eq!(refused(Format::VertexPredict, OPENAI, &two).1.as_deref(), Some("instances[1].task_type"));
}

#[test]
fn each_model_of_vertex_is_asked_where_it_is() {
    for (model, predicts, embeds) in [
        ("text-embedding-005", true, false),
        ("gemini-embedding-001", true, true),
        ("gemini-embedding-2", false, true),
        ("intfloat-multilingual-e5-maas", false, true),
    ] {
        assert_eq!(Format::VertexPredict.has(model), predicts, "{model}");
        assert_eq!(Format::VertexEmbed.has(model), embeds, "{model}");
    }
}

#[test]
fn words_of_peers_are_put_right_where_they_are_refused() {
    let body = json!({"model": "m", "input": ["a"], "output_dimension": 5, "truncation": true, "input_type": "query"});
    let closed = Quirks { embeddings: Fields::MAKER, ..Quirks::OPENAI };
    let (at_maker, outgoing) = send(Format::Openai, OPENAI, &body, &closed).unwrap();
    assert_eq!(at_maker, json!({"model": OPENAI.1, "input": ["a"], "dimensions": 5}));
    assert_eq!(outgoing.warnings.len(), 2, "{:?}", outgoing.warnings);
    let (anywhere, outgoing) = send(Format::Openai, OPENAI, &body, &Quirks::OPENAI).unwrap();
    assert_eq!((&anywhere["truncation"], outgoing.warnings.len()), (&json!(true), 0));
    let voyage = Quirks { embeddings: Fields::VOYAGE, ..Quirks::OPENAI };
    let (at_voyage, _) = send(Format::Openai, (Format::Openai, "voyage-3.5"), &body, &voyage).unwrap();
    assert_eq!(
        at_voyage,
        json!({"model": "voyage-3.5", "input": ["a"], "output_dimension": 5, "truncation": true,
                                 "input_type": "query"})
    );
}

#[test]
fn the_number_of_vectors_is_that_of_inputs_between_equal_formats_too() {
    for (client, body, inputs) in [
        (Format::Openai, json!({"model": "m", "input": "a"}), Some(1)),
        (Format::Openai, json!({"model": "m", "input": ["a", "b"]}), Some(2)),
        (Format::Openai, json!({"model": "m", "input": [1, 2, 3]}), Some(1)),
        (Format::Openai, json!({"model": "m", "input": [[1, 2], [3]]}), Some(2)),
        (Format::Openai, json!({"model": "m", "input": [["a", "b"], ["c"]]}), None),
        (Format::Openai, json!({"model": "m", "messages": []}), None),
        (Format::Ollama, json!({"model": "m"}), Some(0)),
        (Format::Ollama, json!({"model": "m", "input": ""}), Some(0)),
        (Format::Ollama, json!({"model": "m", "input": ["a", ""]}), Some(2)),
        (Format::CohereV2, json!({"model": "m", "texts": ["a", "b"], "images": ["c"]}), Some(3)),
        (Format::CohereV2, json!({"model": "m"}), None),
        (Format::VertexPredict, json!({"instances": [{"content": "a"}]}), Some(1)),
    ] {
        let (_, outgoing) = send(client, (client, "m"), &body, &Quirks::OPENAI).unwrap();
        assert_eq!(outgoing.plan.embedding.unwrap().inputs, inputs, "{body}");
    }
}
