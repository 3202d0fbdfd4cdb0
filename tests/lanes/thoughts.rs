//! A conversation goes on with another provider: what one maker's thoughts are proven by comes back to that maker, and to
//! nobody else.

use serde_json::{Value, json};
use tollgate::dialect::Dialect::{
    self, Anthropic, Bedrock, Cohere, Gemini, Ollama, OpenaiChat, OpenaiResponses,
};
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Edit};
use tollgate::dialect::{Call, codec};
use tollgate::provider::Quirks;

/// What stands in the samples of answers for a proof.
const PROOFS: [&str; 2] = ["c2lnbmF0dXJl", "ZW5jcnlwdGVk"];

fn model(provider: Dialect) -> &'static str {
    match provider {
        Anthropic => "claude-sonnet-4-5",
        Bedrock => "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        Gemini => "gemini-3-pro-preview",
        Cohere => "command-a-reasoning-08-2025",
        Ollama => "qwen3",
        _ => "gpt-5",
    }
}

/// The sample answer of a provider as its client gets it.
fn answered(client: Dialect, maker: Dialect) -> Value {
    let path = format!("{}/tests/lanes/samples/{}.response.json", env!("CARGO_MANIFEST_DIR"), maker.as_str());
    let body = std::fs::read(path).unwrap();
    let answer = lane::answer(&AnswerPlan::new(client, maker, false, false), &body).unwrap();
    serde_json::from_slice(&answer.body.unwrap_or(body)).unwrap()
}

/// The client's next request: the answer as it came, and what its tools said.
fn next(client: Dialect, answer: &Value) -> Value {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    match client {
        Anthropic => {
            let content = list(&answer["content"]);
            let calls = content.iter().filter(|block| block["type"] == "tool_use");
            let results: Vec<Value> = calls
                .map(|call| json!({"type": "tool_result", "tool_use_id": call["id"], "content": "sunny"}))
                .collect();
            json!({"model": "m", "max_tokens": 4096, "thinking": {"type": "enabled", "budget_tokens": 1024}, "messages": [
                {"role": "user", "content": "go"}, {"role": "assistant", "content": content},
                {"role": "user", "content": results}]})
        }
        Bedrock => {
            let content = list(&answer["output"]["message"]["content"]);
            let calls = content.iter().filter_map(|block| block.get("toolUse"));
            let results: Vec<Value> = calls
                .map(|call| {
                    json!({"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": "sunny"}]}})
                })
                .collect();
            json!({"messages": [{"role": "user", "content": [{"text": "go"}]},
                {"role": "assistant", "content": content}, {"role": "user", "content": results}]})
        }
        Gemini => {
            let content = answer["candidates"][0]["content"].clone();
            let results: Vec<Value> = list(&content["parts"])
                .iter()
                .filter_map(|part| part.get("functionCall"))
                .map(|call| {
                    json!({"functionResponse": {"id": call["id"], "name": call["name"], "response": {"result": "sunny"}}})
                })
                .collect();
            json!({"contents": [{"role": "user", "parts": [{"text": "go"}]}, content,
                {"role": "user", "parts": results}]})
        }
        _ => {
            let items = list(&answer["output"]);
            let calls = items.iter().filter(|item| item["type"] == "function_call");
            let results: Vec<Value> = calls
                .map(|call| json!({"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}))
                .collect();
            let mut input = vec![json!({"role": "user", "content": "go"})];
            input.extend(items.iter().cloned().chain(results));
            json!({"model": "m", "input": input})
        }
    }
}

/// What a provider gets of a request.
fn sent(client: Dialect, provider: Dialect, body: &Value) -> String {
    let text = body.to_string();
    let ask = Ask::new(model(provider), &Quirks::OPENAI);
    let shape = client.shape();
    let call = Call {
        model: shape.model_in_path.then(|| "m".to_owned()),
        stream: shape.stream_in_path.then_some(false),
        ..Call::chat(client)
    };
    let outgoing = lane::request(&call, provider, text.as_bytes(), &ask).unwrap();
    let bytes = match outgoing.edit {
        Edit::Keep => text.into_bytes(),
        Edit::Prefix { drop, mut insert } => {
            insert.extend_from_slice(&text.as_bytes()[drop..]);
            insert
        }
        Edit::Replace(bytes) => bytes,
    };
    codec::decode_request(provider, &bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn proofs_come_back_to_their_maker_and_to_nobody_else() {
    let is_claudes = |dialect| matches!(dialect, Anthropic | Bedrock);
    for client in [Anthropic, Bedrock, Gemini, OpenaiResponses] {
        for maker in [OpenaiChat, Anthropic, OpenaiResponses, Gemini, Cohere, Bedrock, Ollama] {
            let answer = answered(client, maker);
            let request = next(client, &answer);
            for provider in [OpenaiChat, Anthropic, OpenaiResponses, Gemini, Cohere, Bedrock, Ollama] {
                let lane = format!("{client:?}, answered by {maker:?}, goes on with {provider:?}");
                let sent = sent(client, provider, &request);
                // Marks are the gateway's own, plain or in base64.
                assert!(!sent.contains("tollgate1:") && !sent.contains("dG9sbGdhdGUx"), "{lane}: {sent}");
                assert!(!sent.contains("\"signature\":\"\""), "{lane}: {sent}");
                let reads = maker == provider || is_claudes(maker) && is_claudes(provider);
                let is_proven = PROOFS.iter().any(|proof| sent.contains(proof));
                let has_proof = matches!(maker, Anthropic | Bedrock | Gemini | OpenaiResponses);
                assert!(reads || !is_proven, "{lane}: {sent}");
                assert!(!reads || !has_proof || is_proven, "{lane}: nothing comes back: {sent}");
                assert!(sent.contains("sunny") && sent.contains("weather"), "{lane}: {sent}");
            }
        }
    }
}
