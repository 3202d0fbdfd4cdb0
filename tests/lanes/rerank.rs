//! Every recorded rerank, from each client format and to each provider format.

use crate::corpus::{Exchange, exchanges};
use serde_json::{Value, json};
use tollgate::dialect::lane::{Ask, Edit};
use tollgate::provider::Quirks;
use tollgate::rerank::{self, Format, Plan};

const PROVIDERS: [(Format, &str); 4] = [
    (Format::V2, "rerank-v3.5"),
    (Format::V1, "jina-reranker-v2-base-multilingual"),
    (Format::Voyage, "rerank-2.5"),
    (Format::Bedrock, "cohere.rerank-v3-5:0"),
];

fn ask<'q>(model: &'q str, quirks: &'q Quirks) -> Ask<'q> {
    Ask::new(model, quirks)
}

fn format_of(exchange: &Exchange) -> Format {
    match exchange.provider.as_str() {
        "voyage" => Format::Voyage,
        "togetherai" => Format::V1,
        "bedrock" => Format::Bedrock,
        _ => Format::V2,
    }
}

fn recorded() -> Option<Vec<Exchange>> {
    let mut all = exchanges("rerank")?;
    all.extend(exchanges("bedrock.invoke")?.into_iter().filter(|exchange| exchange.path.contains("rerank")));
    all.retain(|exchange| exchange.status == 200);
    assert!(all.len() >= 6, "only {} exchanges", all.len());
    Some(all)
}

#[test]
fn every_recorded_request_reaches_every_provider_format() {
    let Some(recorded) = recorded() else { return };
    let quirks = Quirks::OPENAI;
    let mut seen = 0;
    for exchange in recorded {
        let Some(body) = &exchange.request else { continue };
        let source: Value = serde_json::from_str(body).unwrap();
        let top = if source["top_n"].is_null() { &source["top_k"] } else { &source["top_n"] };
        // Bedrock's clients do not name the model in the body, and are none of the gateway's; the others are.
        for client in [Format::V1, Format::V2] {
            for (provider, model) in PROVIDERS.into_iter().filter(|(provider, _)| *provider != client) {
                let sent = rerank::request(client, provider, body.as_bytes(), &ask(model, &quirks)).unwrap();
                let Edit::Replace(sent) = sent.edit else { panic!("not translated") };
                let sent: Value = serde_json::from_slice(&sent).unwrap();
                assert_eq!(sent["query"], source["query"]);
                assert_eq!(sent["documents"], source["documents"]);
                let name = if provider == Format::Voyage { "top_k" } else { "top_n" };
                assert_eq!(&sent[name], top, "{}", exchange.id);
                assert_eq!(sent["model"].is_string(), provider != Format::Bedrock);
                assert_eq!(sent["api_version"] == 2, provider == Format::Bedrock);
                seen += 1;
            }
        }
    }
    assert!(seen >= 24, "only {seen}");
}

#[test]
fn every_recorded_answer_reaches_both_client_formats() {
    let Some(recorded) = recorded() else { return };
    let quirks = Quirks::OPENAI;
    for exchange in recorded {
        let source: Value = serde_json::from_str(&exchange.response).unwrap();
        let truth = if source["results"].is_array() { &source["results"] } else { &source["data"] };
        let place = |results: &Value| -> Vec<(Value, Value)> {
            let results = results.as_array().unwrap();
            results.iter().map(|one| (one["index"].clone(), one["relevance_score"].clone())).collect()
        };
        let documents: Vec<String> = (0..40).map(|at| format!("document {at}")).collect();
        let body =
            json!({"model": "m", "query": "q", "documents": documents, "return_documents": true}).to_string();
        let provider = format_of(&exchange);
        for client in [Format::V1, Format::V2] {
            let outgoing =
                rerank::request(client, provider, body.as_bytes(), &ask("cohere.rerank", &quirks)).unwrap();
            let plan: Plan = *outgoing.plan.rerank.unwrap();
            let answer = rerank::answer(&plan, exchange.response.as_bytes()).unwrap();
            assert_eq!(answer.body.is_none(), client == provider);
            let Some(shown) = answer.body else { continue };
            let shown: Value = serde_json::from_slice(&shown).unwrap();
            assert_eq!(place(&shown["results"]), place(truth), "{}", exchange.id);
            for one in shown["results"].as_array().unwrap() {
                let at = one["index"].as_u64().unwrap();
                assert_eq!(one["document"], json!({"text": format!("document {at}")}));
            }
            let units = &source["meta"]["billed_units"]["search_units"];
            assert_eq!(answer.report.search_units, units.as_u64());
            assert_eq!(&shown["meta"]["billed_units"]["search_units"], units);
            let tokens = &source["usage"]["total_tokens"];
            assert_eq!(answer.report.usage_is_final, tokens.is_u64());
            if client == Format::V1 {
                assert_eq!(&shown["usage"]["total_tokens"], tokens);
            }
        }
    }
}
