//! Every recorded exchange of embeddings, from each client format and to each provider format. What the vectors are is
//! found out here without the product's own readers.

use crate::corpus::{Exchange, exchanges};
use base64::Engine as _;
use serde_json::{Value, json};
use tollgate::dialect::lane::{AnswerPlan, Ask, Edit};
use tollgate::embedding::{self, Fields, Format, Plan};
use tollgate::provider::Quirks;

const CLIENTS: [Format; 9] = [
    Format::Openai,
    Format::GeminiBatch,
    Format::Gemini,
    Format::VertexPredict,
    Format::VertexEmbed,
    Format::CohereV2,
    Format::CohereV1,
    Format::Ollama,
    Format::OllamaPrompt,
];

/// Each provider format with a model that it serves.
const PROVIDERS: [(Format, &str); 13] = [
    (Format::Openai, "text-embedding-3-small"),
    (Format::GeminiBatch, "gemini-embedding-001"),
    (Format::Gemini, "gemini-embedding-001"),
    (Format::VertexPredict, "text-embedding-005"),
    (Format::VertexEmbed, "gemini-embedding-2"),
    (Format::CohereV2, "embed-v4.0"),
    (Format::CohereV1, "embed-english-v3.0"),
    (Format::Bedrock, "amazon.titan-embed-text-v2:0"),
    (Format::Bedrock, "amazon.titan-embed-text-v1"),
    (Format::Bedrock, "amazon.nova-2-multimodal-embeddings-v1:0"),
    (Format::Bedrock, "us.cohere.embed-v4:0"),
    (Format::Ollama, "nomic-embed-text"),
    (Format::OllamaPrompt, "nomic-embed-text"),
];

fn takes_one(format: Format, model: &str) -> bool {
    matches!(format, Format::Gemini | Format::VertexEmbed | Format::OllamaPrompt)
        || (format == Format::Bedrock && !model.contains("cohere"))
}

fn ask<'q>(model: &'q str, quirks: &'q Quirks) -> Ask<'q> {
    Ask::new(model, quirks)
}

fn body_of(edit: Edit, body: &[u8]) -> Vec<u8> {
    match edit {
        Edit::Keep => body.to_vec(),
        Edit::Prefix { drop, mut insert } => {
            insert.extend_from_slice(&body[drop..]);
            insert
        }
        Edit::Replace(body) => body,
    }
}

fn plan_of(plan: AnswerPlan) -> Plan {
    *plan.embedding.expect("a plan of embeddings")
}

/// What a client of a format sends for these texts.
fn client_request(format: Format, texts: &[String]) -> String {
    let gemini = |text: &String| json!({"model": "models/m", "content": {"parts": [{"text": text}]}});
    match format {
        Format::Openai | Format::Ollama => json!({"model": "m", "input": texts}),
        Format::GeminiBatch => json!({"requests": texts.iter().map(gemini).collect::<Vec<_>>()}),
        Format::Gemini => gemini(&texts[0]),
        Format::VertexEmbed => json!({"content": gemini(&texts[0])["content"]}),
        Format::VertexPredict => {
            json!({"instances": texts.iter().map(|text| json!({"content": text})).collect::<Vec<_>>()})
        }
        Format::CohereV2 | Format::CohereV1 => {
            json!({"model": "m", "texts": texts, "input_type": "search_query", "embedding_types": ["float"]})
        }
        Format::OllamaPrompt => json!({"model": "m", "prompt": texts[0]}),
        Format::Bedrock => unreachable!("no client format"),
    }
    .to_string()
}

/// The texts of a provider's request, wherever they stand.
fn texts_of(format: Format, body: &Value) -> Vec<String> {
    let all = |list: &Value, pick: fn(&Value) -> &Value| -> Vec<String> {
        list.as_array()
            .map(|items| items.iter().map(|item| pick(item).as_str().unwrap_or("?").to_owned()).collect())
            .unwrap_or_default()
    };
    let one = |value: &Value| value.as_str().map(|text| vec![text.to_owned()]).unwrap_or_default();
    match format {
        Format::Openai | Format::Ollama if body["input"].is_string() => one(&body["input"]),
        Format::Openai | Format::Ollama => all(&body["input"], |item| item),
        Format::GeminiBatch => all(&body["requests"], |item| &item["content"]["parts"][0]["text"]),
        Format::Gemini | Format::VertexEmbed => one(&body["content"]["parts"][0]["text"]),
        Format::VertexPredict => all(&body["instances"], |item| &item["content"]),
        Format::CohereV2 | Format::CohereV1 => all(&body["texts"], |item| item),
        Format::Bedrock if body["texts"].is_array() => all(&body["texts"], |item| item),
        Format::Bedrock if body["inputText"].is_string() => one(&body["inputText"]),
        Format::Bedrock => one(&body["singleEmbeddingParams"]["text"]["value"]),
        Format::OllamaPrompt => one(&body["prompt"]),
    }
}

fn floats(value: &Value) -> Vec<u32> {
    match value {
        Value::String(text) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
            let (floats, rest) = bytes.as_chunks::<4>();
            assert!(rest.is_empty());
            floats.iter().map(|float| u32::from_le_bytes(*float)).collect()
        }
        Value::Array(numbers) => numbers
            .iter()
            .map(|number| number.to_string().parse::<f32>().expect("a number").to_bits())
            .collect(),
        other => panic!("no vector: {other}"),
    }
}

/// The vectors of an answer, as the bits of their floats.
fn vectors_of(format: Format, answer: &Value) -> Vec<Vec<u32>> {
    let all = |list: &Value, pick: fn(&Value) -> &Value| -> Vec<Vec<u32>> {
        list.as_array().map(|items| items.iter().map(|item| floats(pick(item))).collect()).unwrap_or_default()
    };
    match format {
        Format::Openai => all(&answer["data"], |item| &item["embedding"]),
        Format::GeminiBatch => all(&answer["embeddings"], |item| &item["values"]),
        Format::Gemini | Format::VertexEmbed => vec![floats(&answer["embedding"]["values"])],
        Format::VertexPredict => all(&answer["predictions"], |item| &item["embeddings"]["values"]),
        Format::CohereV2 | Format::CohereV1 if answer["embeddings"].is_array() => {
            all(&answer["embeddings"], |item| item)
        }
        Format::CohereV2 | Format::CohereV1 => {
            let sets = answer["embeddings"].as_object().expect("sets of embeddings");
            let (_, set) = sets.iter().next().expect("a set");
            all(set, |item| item)
        }
        Format::Bedrock if answer["embedding"].is_array() => vec![floats(&answer["embedding"])],
        Format::Bedrock if answer["embeddings"].is_array() => {
            all(&answer["embeddings"], |item| &item["embedding"])
        }
        Format::Bedrock => all(&answer["embeddings"]["float"], |item| item),
        Format::Ollama => all(&answer["embeddings"], |item| item),
        Format::OllamaPrompt => vec![floats(&answer["embedding"])],
    }
}

fn format_of(op: &str, path: &str) -> Format {
    match op {
        "openai.embeddings" => Format::Openai,
        "gemini.embed" if path.ends_with(":embedContent") => Format::Gemini,
        "gemini.embed" => Format::GeminiBatch,
        "vertex.predict" => Format::VertexPredict,
        "cohere.embed" if path.contains("/v1/") => Format::CohereV1,
        "cohere.embed" => Format::CohereV2,
        "ollama.embed" if path.ends_with("/embeddings") => Format::OllamaPrompt,
        "ollama.embed" => Format::Ollama,
        "bedrock.invoke" => Format::Bedrock,
        other => panic!("no operation of embeddings: {other}"),
    }
}

const OPS: [&str; 6] =
    ["openai.embeddings", "gemini.embed", "vertex.predict", "cohere.embed", "ollama.embed", "bedrock.invoke"];

/// The good exchanges of all formats. Not everything that Bedrock and Vertex are asked for is embeddings.
fn recorded() -> Option<Vec<(Format, Exchange)>> {
    let mut all = Vec::new();
    for op in OPS {
        for exchange in exchanges(op)? {
            let format = format_of(op, &exchange.path);
            let embeds = match format {
                Format::Bedrock => exchange.path.contains("embed"),
                Format::VertexPredict => exchange.path.ends_with(":predict"),
                _ => true,
            };
            if embeds && exchange.status == 200 {
                all.push((format, exchange));
            }
        }
    }
    assert!(all.len() > 60, "only {} exchanges", all.len());
    Some(all)
}

fn quirks_of(provider: &str) -> Quirks {
    let embeddings = match provider {
        "voyage" => Fields::VOYAGE,
        "mistral" => Fields::MISTRAL,
        "perplexity" => Fields::PERPLEXITY,
        "openrouter" => Fields::ROUTER,
        _ => Fields::OPENAI,
    };
    Quirks { embeddings, ..Quirks::OPENAI }
}

#[test]
fn every_recorded_request_reaches_every_provider_format() {
    let Some(recorded) = recorded() else { return };
    let (mut seen, mut wrong) = (0, Vec::new());
    for (client, Exchange { id, request, .. }) in recorded {
        let Some(body) = request.filter(|_| CLIENTS.contains(&client)) else { continue };
        let source: Value = serde_json::from_str(&body).unwrap();
        let texts = texts_of(client, &source);
        assert!(!texts.is_empty(), "{id}: no texts in {body}");
        // Token ids belong to one model: no other format can say them.
        let tokens = source["input"].as_array().is_some_and(|list| !list[0].is_string());
        let int8 = source["embedding_types"][0] == "int8";
        for (provider, model) in PROVIDERS {
            let quirks = Quirks::OPENAI;
            let outgoing = embedding::request(client, provider, body.as_bytes(), &ask(model, &quirks));
            let outgoing = match outgoing {
                Ok(outgoing) => outgoing,
                Err(failure) if tokens => {
                    let code = failure.code.as_deref().unwrap_or_default();
                    assert!(matches!(code, "unsupported_parameter" | "batch_not_supported"), "{id} {code}");
                    continue;
                }
                Err(failure) if texts.len() > 1 && takes_one(provider, model) => {
                    assert_eq!(failure.code.as_deref(), Some("batch_not_supported"), "{id} {provider:?}");
                    continue;
                }
                Err(failure) if int8 => {
                    assert_eq!(failure.param.as_deref(), Some("embedding_types"), "{id} {provider:?}");
                    continue;
                }
                Err(failure) => {
                    wrong.push(format!("{id} to {provider:?}: {failure:?}"));
                    continue;
                }
            };
            let sent: Value = serde_json::from_slice(&body_of(outgoing.edit, body.as_bytes())).unwrap();
            if texts_of(provider, &sent) != texts {
                wrong.push(format!("{id} to {provider:?}: {sent}"));
            }
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 400, "only {seen} requests");
}

#[test]
fn every_recorded_answer_reaches_every_client_format_bit_for_bit() {
    let Some(recorded) = recorded() else { return };
    let mut seen = 0;
    for (provider, Exchange { id, provider: name, path, response, request, .. }) in recorded {
        let source: Value = serde_json::from_str(&response).unwrap();
        let asks_int8 = request.is_some_and(|request| request.contains("\"int8\""));
        if name == "perplexity" || asks_int8 {
            continue;
        }
        let truth = vectors_of(provider, &source);
        let texts: Vec<String> = (0..truth.len()).map(|at| format!("text {at}")).collect();
        let quirks = quirks_of(&name);
        let ask = ask(path.split('/').rev().nth(1).unwrap_or("m"), &quirks);
        let ask = if provider == Format::Bedrock {
            Ask { model: path.strip_prefix("/model/").unwrap().strip_suffix("/invoke").unwrap(), ..ask }
        } else {
            ask
        };
        for client in CLIENTS.into_iter().filter(|client| truth.len() == 1 || !takes_one(*client, "")) {
            let body = client_request(client, &texts);
            let outgoing = embedding::request(client, provider, body.as_bytes(), &ask)
                .unwrap_or_else(|failure| panic!("{id} {client:?}: {failure:?}"));
            let plan = plan_of(outgoing.plan);
            let answer = embedding::answer(&plan, response.as_bytes())
                .unwrap_or_else(|failure| panic!("{id} for {client:?}: {failure:?}"));
            let shown: Value = match &answer.body {
                Some(body) => serde_json::from_slice(body).unwrap(),
                None => source.clone(),
            };
            // A sum of tokens is told as those of the prompt besides.
            let usage = &source["usage"];
            let is_told = client != Format::Openai
                || usage["prompt_tokens"].is_u64()
                || usage["total_tokens"].is_null();
            assert_eq!(answer.body.is_none(), client == provider && is_told, "{id}");
            assert_eq!(vectors_of(client, &shown), truth, "{id} for {client:?}");
            seen += 1;
        }
    }
    assert!(seen > 300, "only {seen} answers");
}

/// What the answer says it took is what is counted, in every format.
#[test]
fn counts_survive() {
    let Some(recorded) = recorded() else { return };
    let mut counted = 0;
    for (provider, Exchange { id, response, provider: name, .. }) in recorded {
        let source: Value = serde_json::from_str(&response).unwrap();
        let usage = &source["usage"];
        let tokens = [
            &usage["prompt_tokens"],
            &usage["total_tokens"],
            &source["usageMetadata"]["promptTokenCount"],
            &source["meta"]["billed_units"]["input_tokens"],
            &source["inputTextTokenCount"],
        ]
        .into_iter()
        .find_map(Value::as_u64);
        if provider == Format::VertexPredict || name == "perplexity" {
            continue;
        }
        let quirks = Quirks::OPENAI;
        let body = client_request(Format::Openai, &[String::from("x")]);
        let outgoing = embedding::request(
            Format::Openai,
            provider,
            body.as_bytes(),
            &ask("amazon.titan-embed-x", &quirks),
        )
        .unwrap();
        let plan = Plan { inputs: None, provider, ..plan_of(outgoing.plan) };
        let report =
            embedding::answer(&plan, response.as_bytes()).unwrap_or_else(|f| panic!("{id}: {f:?}")).report;
        assert_eq!(report.usage_is_final, tokens.is_some(), "{id}");
        assert_eq!(report.usage.input, tokens.or(Some(plan.estimate)), "{id}");
        assert_eq!(report.usage.output, Some(0));
        counted += usize::from(tokens.is_some());
    }
    assert!(counted > 40, "only {counted} with a count");
}

/// The lane between two sides of one format changes the model and nothing else.
#[test]
fn identity_lanes_change_the_model_alone() {
    let Some(recorded) = recorded() else { return };
    for (format, Exchange { id, request, provider, .. }) in recorded {
        let Some(body) = request.filter(|_| CLIENTS.contains(&format)) else { continue };
        let quirks = quirks_of(&provider);
        let model = match format {
            Format::GeminiBatch | Format::Gemini => "another",
            _ => "an/other",
        };
        let outgoing = embedding::request(format, format, body.as_bytes(), &ask(model, &quirks)).unwrap();
        let sent = String::from_utf8(body_of(outgoing.edit, body.as_bytes())).unwrap();
        let mut expected = body.clone();
        let source: Value = serde_json::from_str(&body).unwrap();
        for (from, to) in [
            (&source["model"], format!("\"{model}\"")),
            (&source["requests"][0]["model"], format!("\"models/{model}\"")),
        ] {
            if from.is_string() {
                expected = expected.replace(&format!("\"model\":{from}"), &format!("\"model\":{to}"));
                expected = expected.replace(&format!("\"model\": {from}"), &format!("\"model\": {to}"));
            }
        }
        assert_eq!(sent, expected, "{id}");
    }
}
