//! Where a provider is asked for what.

use super::*;

/// Where a service is.
fn service(tables: &Tables, provider: &str, service: Service) -> Option<String> {
    let provider = tables.providers.iter().find(|known| *known.name == *provider).unwrap();
    let mut found = provider.endpoints.iter().filter(|e| e.operation == Operation::Forward(service));
    let path = found.next().map(|e| e.path.to_string());
    assert!(found.next().is_none());
    path
}

/// Where it has embeddings and reranks.
fn vector_paths(tables: &Tables, provider: &str) -> Vec<String> {
    let provider = tables.providers.iter().find(|known| *known.name == *provider).unwrap();
    let format = |operation: Operation| match operation {
        Operation::Embeddings(format) => Some(format.as_str()),
        Operation::Rerank(format) => Some(format.as_str()),
        _ => None,
    };
    let all = provider.endpoints.iter();
    all.filter_map(|e| Some(format!("{} {}", format(e.operation)?, e.path))).collect()
}

#[test]
fn embeddings_and_reranks_have_their_endpoints() {
    let tables = compiled(&json!({
        "providers": {
            "azure": {"base_url": "https://acme.openai.azure.com"},
            "new": {"preset": "azure", "base_url": "https://acme.openai.azure.com/openai/v1"},
            "cohere": {}, "voyage": {}, "vllm": {},
            "ollama": {"dialect": "openai_chat"},
            "mine": {"base_url": "https://llm.internal/api/v1", "dialect": "openai_chat"},
            "gpu": {"base_url": "http://gpu:11434", "dialect": "ollama"},
            "claude": {"base_url": "https://llm.internal", "dialect": "anthropic"}
        },
        "models": {"a": "mine/a"}
    }));
    for (provider, expected) in [
        ("azure", &["openai /openai/deployments/{model}/embeddings?api-version=2024-10-21"][..]),
        ("new", &["openai /openai/v1/embeddings"]),
        ("cohere", &["cohere /v2/embed", "cohere_v1 /v1/embed", "v2 /v2/rerank", "v1 /v1/rerank"]),
        ("voyage", &["openai /v1/embeddings", "voyage /v1/rerank"]),
        ("vllm", &["openai /v1/embeddings", "v1 /v1/rerank"]),
        ("ollama", &["ollama /api/embed", "ollama_prompt /api/embeddings", "openai /v1/embeddings"]),
        ("mine", &["openai /api/v1/embeddings"]),
        ("gpu", &["ollama /api/embed", "ollama_prompt /api/embeddings"]),
        ("claude", &[]),
    ] {
        assert_eq!(vector_paths(&tables, provider), expected, "{provider}");
    }
}

#[test]
fn azure_has_the_deployment_in_its_path() {
    let tables = compiled(&json!({
        "providers": {
            "azure": {"base_url": "https://acme.openai.azure.com/"},
            "dated": {"preset": "azure", "base_url": "https://acme.openai.azure.com/openai", "api_version": "2025-01-01-preview"},
            "new": {"preset": "azure", "base_url": "https://acme.openai.azure.com/openai/v1"}
        },
        "models": {"a": "azure/dep"}
    }));
    let path =
        |query| format!("openai_chat /openai/deployments/{{model}}/chat/completions?api-version={query}");
    assert_eq!(paths(&tables, "azure"), [path("2024-10-21")]);
    assert_eq!(paths(&tables, "dated"), [path("2025-01-01-preview")]);
    assert_eq!(
        paths(&tables, "new"),
        ["openai_chat /openai/v1/chat/completions", "openai_responses /openai/v1/responses"]
    );
    let Auth::Header { name, value } = &tables.providers[0].auth else { panic!() };
    assert_eq!((*name, &*value.0), ("api-key", "value-of-AZURE_API_KEY"));
}

#[test]
fn endpoints_follow_preset_base_and_dialect() {
    let tables = compiled(&json!({
        "providers": {
            "deepseek": {}, "openrouter": {}, "fireworks": {},
            "pinned": {"preset": "deepseek", "dialect": "anthropic"},
            "ollama": {"base_url": "http://gpu:11434/v1"},
            "local": {"preset": "ollama", "dialect": "anthropic"},
            "mine": {"base_url": "https://llm.internal/api/v1", "dialect": "openai_chat"},
            "theirs": {"base_url": "https://llm.internal", "dialect": "anthropic", "api_key_env": "THEIR_KEY"}
        },
        "models": {"a": "mine/a"}
    }));
    assert_eq!(
        paths(&tables, "deepseek"),
        ["openai_chat /chat/completions", "openai_responses /responses", "anthropic /anthropic/v1/messages"]
    );
    assert_eq!(
        paths(&tables, "openrouter"),
        [
            "openai_chat /api/v1/chat/completions",
            "openai_responses /api/v1/responses",
            "anthropic /api/v1/messages"
        ]
    );
    assert_eq!(
        paths(&tables, "fireworks"),
        [
            "openai_chat /inference/v1/chat/completions",
            "openai_responses /inference/v1/responses",
            "anthropic /inference/v1/messages"
        ]
    );
    assert_eq!(paths(&tables, "pinned"), ["anthropic /anthropic/v1/messages"]);
    assert_eq!(
        paths(&tables, "ollama"),
        [
            "ollama /api/chat",
            "ollama_generate /api/generate",
            "openai_chat /v1/chat/completions",
            "openai_responses /v1/responses"
        ]
    );
    assert_eq!(paths(&tables, "local"), ["anthropic /v1/messages"]);
    assert_eq!(paths(&tables, "mine"), ["openai_chat /api/v1/chat/completions"]);
    assert_eq!(paths(&tables, "theirs"), ["anthropic /v1/messages"]);
    let counts = |name: &str| {
        let provider = tables.providers.iter().find(|p| &*p.name == name).unwrap();
        provider.endpoint_for(&Call::count_tokens(Dialect::Anthropic), "m").map(|e| e.path.to_string())
    };
    assert_eq!(counts("theirs").as_deref(), Some("/v1/messages/count_tokens"));
    assert_eq!((counts("pinned"), counts("mine")), (None, None));
    let auth = |name: &str| tables.providers.iter().find(|p| &*p.name == name).unwrap().auth.clone();
    assert!(matches!(auth("theirs"), Auth::Header { name: "x-api-key", .. }));
    assert!(matches!(auth("pinned"), Auth::Header { name: "authorization", .. }));
    assert!(matches!(auth("mine"), Auth::None));
}

#[test]
fn services_follow_preset_base_and_what_is_listed() {
    let tables = compiled(&json!({
        "providers": {
            "openai": {}, "anthropic": {}, "perplexity": {},
            "azure": {"base_url": "https://acme.openai.azure.com"},
            "new": {"preset": "azure", "base_url": "https://acme.openai.azure.com/openai/v1"},
            "proxy": {"preset": "openai", "base_url": "http://proxy/v1", "services": ["files", "image_variations"]},
            "mine": {"base_url": "https://llm.internal/v1", "dialect": "openai_chat", "services": ["speech"]},
            "vllm": {"services": ["speech"]}
        },
        "models": {"a": "openai/a"}
    }));
    for (provider, wanted, path) in [
        ("openai", Service::Files, Some("/v1/files")),
        ("openai", Service::MessageBatches, None),
        ("anthropic", Service::MessageBatches, Some("/v1/messages/batches")),
        ("anthropic", Service::Files, None),
        ("perplexity", Service::Files, None),
        ("azure", Service::Files, Some("/openai/files?api-version=2024-10-21")),
        ("azure", Service::Speech, Some("/openai/deployments/{model}/audio/speech?api-version=2024-10-21")),
        ("new", Service::Speech, Some("/openai/v1/audio/speech")),
        ("proxy", Service::Files, Some("/v1/files")),
        ("proxy", Service::ImageVariations, Some("/v1/images/variations")),
        ("proxy", Service::Batches, None),
        ("mine", Service::Speech, Some("/v1/audio/speech")),
        ("vllm", Service::Speech, Some("/v1/audio/speech")),
        ("vllm", Service::Transcriptions, None),
    ] {
        assert_eq!(service(&tables, provider, wanted).as_deref(), path, "{provider} {wanted:?}");
    }
}

#[test]
fn a_service_goes_to_the_only_provider_that_has_it_or_to_the_one_named() {
    let one = compiled(&json!({"models": {"a": "openai/a", "b": "anthropic/b"}}));
    assert_eq!(one.services[&Service::Files].usual, Some(0));
    assert_eq!(one.services[&Service::AnthropicFiles].usual, Some(1));
    assert_eq!(&*one.direct[1].targets[0].provider.name, "anthropic");
    let two = json!({
        "models": {"a": "openai/a", "b": "groq/b"},
        "forward": {"files": "groq", "batches": false}
    });
    let two = compiled(&two);
    assert_eq!(two.services[&Service::Files].usual, Some(1));
    assert_eq!(two.services[&Service::Files].offered, [0, 1]);
    assert_eq!(two.services[&Service::Batches].offered, [0_usize; 0]);
    assert_eq!(
        (two.services[&Service::Speech].usual, two.services[&Service::Speech].offered.len()),
        (None, 2)
    );
    let proxy = compiled(&json!({
        "litellm": {"base_url": "http://proxy:4000", "mode": "all"},
        "models": {"a": "openai/a"}
    }));
    let litellm = proxy.providers.iter().find(|p| &*p.name == "litellm").unwrap().index;
    assert_eq!(proxy.services[&Service::Files].offered, [litellm]);
}

#[test]
fn a_service_that_cannot_go_where_it_is_sent_is_a_problem() {
    let wrong = |forward: Value| {
        problems(&json!({"models": {"a": "openai/a", "b": "cerebras/b"}, "forward": forward})).join("\n")
    };
    let unknown = wrong(json!({"files": "opnai"}));
    assert!(unknown.contains("forward.files") && unknown.contains("openai"), "{unknown}");
    let without = wrong(json!({"files": "cerebras"}));
    assert!(without.contains("no files") && without.contains("services"), "{without}");
    let gateway = from_json(br#"{"models":{"a":"openai/a"},"forward":{"flies":"openai"}}"#);
    assert!(gateway.unwrap_err().to_string().contains("flies"));
}
