//! `tollgate check`.

use crate::tollgate::Room;

#[test]
fn a_mistake_is_shown_with_its_place_and_a_suggestion() {
    let room = Room::new();
    room.write(
        "gateway.yaml",
        "models:\n  smart:\n    targets:\n      - openai/a\n      - provider: opneai\n        model: b\n",
    );
    let error = room.run(&["check"], &[]).bad();
    let expected = "gateway.yaml:5:7: models.smart.targets[1].provider: there is no provider `opneai` (did you mean `openai`?)";
    assert!(error.contains(expected), "{error}");
    room.write("gateway.yaml", "models:\n  smart: {targets: [openai/a],\n    retrys: 2}\n");
    let error = room.run(&["check"], &[]).bad();
    assert!(error.contains("gateway.yaml:3:5: models.smart.retrys: unknown field `retrys`"), "{error}");
    assert!(error.contains("(did you mean `retries`?)"), "{error}");
    room.write("gateway.yaml", "models: [\n");
    let error = room.run(&["check"], &[]).bad();
    assert!(error.contains("gateway.yaml:"), "{error}");
    assert!(room.run(&["check", "-c", "nowhere.yaml"], &[]).bad().contains("cannot read nowhere.yaml"));
}

#[test]
fn doubts_are_warnings_and_no_failure() {
    let room = Room::new();
    room.write("gateway.yaml", "models:\n  a: openai/gpt-4o\n");
    let ran = room.run(&["check"], &[]);
    assert!(
        ran.err.contains("warning: gateway.yaml: providers.openai: the environment variable OPENAI_API_KEY")
    );
    assert!(ran.good().starts_with("gateway.yaml: ok: 1 model, 1 provider, 0 client keys, 1 warning; "));
    let ran = room.run(&["check"], &[("OPENAI_API_KEY", "x")]);
    assert_eq!(ran.err, "");
}

#[test]
fn a_threshold_of_envoys_that_keeps_requests_from_their_fallback_is_doubted() {
    let room = Room::new();
    let config = |models: &str| {
        format!(
            "providers:\n  ollama:\n    circuit_breaker: {{max_requests: 7, max_connections: 7}}\nmodels:\n  a: {models}\n"
        )
    };
    room.write("gateway.yaml", &config("[ollama/x, openai/gpt-4o]"));
    let ran = room.run(&["check"], &[("OPENAI_API_KEY", "x")]);
    assert!(ran.err.contains("providers.ollama.circuit_breaker.max_requests: "), "{}", ran.err);
    assert!(ran.err.contains("only: {provider: [ollama]}, concurrent: …"), "{}", ran.err);
    assert!(!ran.err.contains("max_connections"), "{}", ran.err);
    room.write("gateway.yaml", &config("ollama/x"));
    assert_eq!(room.run(&["check"], &[]).err, "", "there is nobody to fall back to");
}

#[test]
fn presets_of_fallbacks_need_not_be_listed() {
    let room = Room::new();
    for lines in [
        "models: {a: {targets: [openai/gpt-4o], fallbacks: {context_window: [gemini/gemini-2.5-pro]}}}\n",
        "models: {a: openai/gpt-4o}\ndefaults: {fallbacks: {content_policy: [gemini/gemini-2.5-pro]}}\n",
    ] {
        room.write("gateway.yaml", lines);
        let ran = room.run(&["check"], &[("OPENAI_API_KEY", "x"), ("GEMINI_API_KEY", "x")]);
        assert!(ran.good().contains("2 providers"), "{lines}");
    }
}

#[test]
fn a_model_without_a_price_is_doubted() {
    let room = Room::new();
    room.write("gateway.yaml", "models:\n  a: openai/gpt-nobody-knows\n  b: openai/gpt-4o\n  c: ollama/x\n");
    let ran = room.run(&["check"], &[("OPENAI_API_KEY", "x")]);
    assert!(
        ran.err.contains("gateway.yaml:2:3: models.a: no price is known for openai/gpt-nobody-knows"),
        "{}",
        ran.err
    );
    assert!(ran.good().contains("1 warning"));
    room.write(
        "gateway.yaml",
        "models: {a: openai/gpt-nobody-knows}\nprices: {gpt-nobody-knows: {input: 1, output: 2}}\n",
    );
    assert!(room.run(&["check"], &[("OPENAI_API_KEY", "x")]).good().contains("0 warnings"));
    let twice = "{targets: [openai/gpt-4o, openai/nobody], fallbacks: {context_window: [openai/nobody]}}";
    room.write("gateway.yaml", &format!("models: {{a: {twice}}}\n"));
    assert!(room.run(&["check"], &[("OPENAI_API_KEY", "x")]).good().contains("1 warning;"));
}

#[test]
fn a_budget_of_money_wants_the_prices_of_others() {
    let room = Room::new();
    let models = "models: {a: nvidia/foo, b: ollama/x}\n";
    room.write("gateway.yaml", models);
    assert!(room.run(&["check"], &[("NVIDIA_API_KEY", "x")]).good().contains("0 warnings"));
    room.write("gateway.yaml", &format!("{models}budgets: [{{per: tenant, usd: 3, every: day}}]\n"));
    let ran = room.run(&["check"], &[("NVIDIA_API_KEY", "x")]);
    assert!(ran.err.contains("models.a: no price is known for nvidia/foo"), "{}", ran.err);
    assert!(ran.good().contains("1 warning"));
}

#[test]
fn a_try_that_may_take_longer_than_the_whole_is_doubted() {
    let room = Room::new();
    for (limits, said) in [
        ("timeout: 2m, request_timeout: 1m", "`timeout` is longer than `request_timeout`"),
        ("timeout: 1m, stream_timeout: 3m, request_timeout: 2m", "`stream_timeout` is longer than"),
    ] {
        room.write("gateway.yaml", &format!("models: {{a: {{targets: [openai/gpt-4o], {limits}}}}}\n"));
        let ran = room.run(&["check"], &[("OPENAI_API_KEY", "x")]);
        assert!(ran.err.contains(&format!("models.a: {said}")), "{}", ran.err);
        assert!(ran.good().contains("1 warning"));
    }
}

#[test]
fn an_empty_file_says_what_is_missing() {
    let room = Room::new();
    for text in ["", "# nothing\n"] {
        room.write("gateway.yaml", text);
        assert!(room.run(&["check"], &[]).bad().contains("models: there is no model"));
    }
}

#[cfg(unix)]
#[test]
fn envoy_has_the_last_word() {
    use std::os::unix::fs::PermissionsExt;
    let room = Room::new();
    room.write("gateway.yaml", "models:\n  a: ollama/a\n");
    room.write("t.wasm", "");
    let fake = |script: &str| {
        let path = room.write("envoy", script);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let yes = fake("#!/bin/sh\n[ \"$2\" = validate ] && /bin/grep -q provider_ollama \"$6\"\n");
    assert!(
        room.run(&["check", "--module", "t.wasm"], &[("ENVOY", &yes)]).good().contains("Envoy accepts it")
    );
    let gone = room.run(&["check", "--module", "gone.wasm"], &[("ENVOY", &yes)]).good();
    assert!(gone.contains("the module is not at gone.wasm"), "{gone}");
    let no =
        fake("#!/bin/sh\necho '[1][info] loading'\necho '[1][critical][main] no such field' >&2\nexit 1\n");
    let error = room.run(&["check", "--module", "t.wasm", "--envoy", &no], &[]).bad();
    assert!(error.contains("[critical][main] no such field") && !error.contains("loading"), "{error}");
}

/// What people get wrong about who may ask and how much: each mistake by its line, its path, and what was meant.
#[test]
fn mistakes_in_policy_are_named_with_what_was_meant() {
    let room = Room::new();
    let key = format!("{{id: k, sha256: {}", "a".repeat(64));
    for (line, said) in [
        ("budgets: [{usd: 5, evry: day}]", "budgets[0].evry: | did you mean `every`?"),
        ("budgets: [{usd: 5, every: day, per: tennant}]", "did you mean `tenant`?"),
        ("budgets: [{usd: 5, every: day, only: {tenent: [a]}}]", "did you mean `tenant`?"),
        (
            "budgets: [{usd: 5, every: day, time_zone: Europe/Berln}]",
            "budgets[0].time_zone: there is no time zone `Europe/Berln`| did you mean `Europe/Berlin`?",
        ),
        ("budgets: [{usd: 5, every: day, time_zone: tokyo}]", "did you mean `Asia/Tokyo`?"),
        ("budgets: [{usd: 5, every: yearly}]", "budgets[0].every: "),
        ("budgets: [{usd: 5, every: day, soft: 80}]", "budgets[0].soft: "),
        ("limits: [{requets: 10/s}]", "limits[0].requets: | did you mean `requests`?"),
        ("limits: [{requests: 10/w}]", "limits[0].requests: "),
        ("limits: [{requests: 10/s, over: que}]", "limits[0].over: "),
        ("queue: {timout: 3s}", "queue.timout: | did you mean `timeout`?"),
        ("state: {redis: {adress: 'a:1'}}", "did you mean `address`?"),
        ("state: {redis: {address: 'a:1', on_down: locl}}", "did you mean `local`?"),
        (
            "state: {rate_limit_service: {address: 'a:1', descriptors: [{per: [tenat]}]}}",
            "did you mean `tenant`?",
        ),
        ("identity: {jwt: {isuer: x}}", "did you mean `issuer`?"),
        ("identity: {headers: {tenat: x-t}}", "identity.headers.tenat: | did you mean `tenant`?"),
        ("rules: [{when: 'agnet == \"x\"', model: a}]", "rules[0].when: nothing is known of `agnet`"),
        ("rules: [{when: 'true', model: b}]", "rules[0].model: there is no model `b`"),
        ("defaults: {circuit_breaker: {failure_treshold: 3}}", "did you mean `failure_threshold`?"),
        ("models: {a: {targets: [openai/gpt-4o], strategy: wieghted}}", "did you mean `weighted`?"),
        ("models: {a: {targets: [openai/gpt-4o], sticky: tenent}}", "did you mean `tenant`?"),
        (&format!("keys: [{key}, expire: 2027-01-01}}]"), "did you mean `expires`?"),
        (&format!("keys: [{key}, expires: soon}}]"), "keys[0].expires: "),
        (&format!("keys: [{key}, limits: [{{concurent: 1}}]}}]"), "did you mean `concurrent`?"),
    ] {
        let models = if line.starts_with("models") { "" } else { "models: {a: openai/gpt-4o}\n" };
        room.write("gateway.yaml", &format!("{models}{line}\n"));
        let error = room.run(&["check"], &[]).bad();
        for part in said.split('|') {
            assert!(error.contains(part.trim()), "{line}\n{error}");
        }
        let place = if models.is_empty() { "gateway.yaml:1:" } else { "gateway.yaml:2:" };
        assert!(error.contains(place), "{line}\n{error}");
    }
}

/// Mistakes in providers, models and the server: each by its path, once, and by what was meant.
#[test]
fn mistakes_elsewhere_are_named_once_and_where_they_stand() {
    let room = Room::new();
    for (lines, said) in [
        (
            "defaults:\n  backoff: {base: 0s}",
            "gateway.yaml:4:3: defaults.backoff.base: must be longer than 0s",
        ),
        ("defaults: {request_timeout: 0s}", "defaults.request_timeout: must be longer than 0s"),
        ("defaults: {max_tokens: 0}", "defaults.max_tokens: must be more than 0"),
        (
            "server: {cors: {origins: [\"https://*.acme.example\"]}}",
            "server.cors.origins[0]: has no patterns: name each origin",
        ),
        (
            "identity: {headers: {user: X-Api-Key}}",
            "identity.headers.user: is a credential: it would stand in the audit log",
        ),
        (
            "rules: [{when: stream, model: \"any/*\"}]",
            "rules[0].model: is a pattern: a rule leads to one model",
        ),
        (
            "providers: {openai: {forward_headers: [x-goog-api-key]}}",
            "providers.openai.forward_headers[0]: is a credential: `auth: passthrough` forwards it",
        ),
        ("defaults: {retries: 99}", "defaults.retries: must be at most 16"),
        ("defaults: {backoff: {max: 5ms}}", "defaults.backoff.max: must not be shorter than `base`"),
        (
            "defaults: {fallbacks: {context_window: [x]}}",
            "defaults.fallbacks.context_window[0]: a target is `provider/model`",
        ),
        (
            "defaults: {timeout: 5}",
            "gateway.yaml:3:21: defaults.timeout: invalid type: integer `5`, expected a duration",
        ),
        ("limits: [{requests: 5/m, only: {key: 5}}]", "limits[0].only.key: invalid type: integer `5`"),
        ("forward: {files: 5}", "forward.files: invalid type: integer `5`, expected the name of a provider"),
        (
            "defaults: {timeout: 99999999h}",
            "defaults.timeout: invalid value: string \"99999999h\", expected a duration with its unit",
        ),
        ("providers: {openai: {connect_timeout: 9000h}}", "providers.openai.connect_timeout: invalid value"),
        (
            "server: {listen: '127.0.0.1:80', admin: '127.0.0.1:80'}",
            "server.admin: clients and the admin interface need a port each: both have 80",
        ),
        (
            "server: {listen: '0.0.0.0:9901'}",
            "server.listen: clients and the admin interface need a port each",
        ),
        (
            "providers: {azure: {base_url: 'https://a.example', api_version: '2024 10'}}",
            "providers.azure.api_version: is a word such as",
        ),
        (
            "providers: {azure: {base_url: 'https://a.example', api_version: 'a&b=c'}}",
            "providers.azure.api_version: is a word such as",
        ),
        (
            "providers: {openai: {headers: {X-A: a, x-a: b}}}",
            "providers.openai.headers.x-a: stands here twice",
        ),
        ("providers: {openai: {api_key: sk-secret}}", "unknown field `api_key`"),
        ("providers: {openai: {api_key: sk-secret}}", "(did you mean `api_key_env`?)"),
        ("providers: {openai: sk-secret}", "providers.openai: invalid type: string, expected an object"),
        (
            "rules: [{when: \"model.startWith('gpt')\", model: a}]",
            "rules[0].when: there is no function `startWith` (did you mean `startsWith`?)",
        ),
        ("rules: [{when: 'foo(1)', model: a}]", "rules[0].when: there is no function `foo`"),
        ("rules: [{when: tokens, model: a}]", "rules[0].when: has the type int: neither true nor false"),
        ("rules: [{when: '\"1\"', model: a}]", "rules[0].when: has the type string: neither true nor false"),
        ("rules: [{when: \"tokens > 'x'\", model: a}]", "rules[0].when: `>` does not go with int and string"),
    ] {
        room.write(
            "gateway.yaml",
            &format!("models: {{a: openai/gpt-4o, b: openai/gpt-4o, c: [openai/gpt-4o]}}\n\n{lines}\n"),
        );
        let error = room.run(&["check"], &[]).bad();
        assert!(error.contains(said), "{lines}\n{error}");
        assert!(error.contains(": 1 thing wrong"), "{lines}\n{error}");
        assert!(!error.contains("sk-secret"), "{lines}\n{error}");
    }
}

#[test]
fn doubts_are_about_what_has_no_effect() {
    let room = Room::new();
    let doubts = |text: &str| {
        room.write("gateway.yaml", text);
        let ran = room.run(&["check"], &[("OPENAI_API_KEY", "x"), ("GROQ_API_KEY", "x")]);
        assert!(ran.ok, "{}", ran.err);
        ran.err
    };
    // A chain for a reason takes the place of the rest of the ordinary one.
    let fallbacks = |reason: &str| {
        doubts(&format!(
            "models:\n  a:\n    targets: [openai/gpt-4o, openai/gpt-4.1]\n    fallbacks: {{context_window: [{reason}]}}\n"
        ))
    };
    assert_eq!(fallbacks("openai/gpt-4.1"), "");
    assert!(
        fallbacks("openai/gpt-4.1, openai/gpt-4.1").contains("models.a: openai/gpt-4.1 stands in this chain")
    );
    let alone =
        doubts("models: {a: {targets: [openai/gpt-4o], fallbacks: {content_policy: [openai/gpt-4o]}}}\n");
    assert!(alone.contains("openai/gpt-4o stands in this chain already"), "{alone}");

    let price = |name: &str| {
        doubts(&format!(
            "models: {{a: openai/gpt-4o, 'g-*': 'openai/g-*'}}\nprices: {{{name}: {{input: 1, output: 2}}}}\n"
        ))
    };
    assert_eq!(price("gpt-4o"), "");
    assert_eq!(price("g-7"), "");
    assert_eq!(price("openai/gpt-4o"), "");
    assert_eq!(price("openai/g-7"), "");
    for name in ["groq/gpt-4o", "gpt-4"] {
        let said = price(name);
        assert!(said.contains(&format!("prices.{name}: is the price of no target")), "{said}");
        assert!(said.contains("(did you mean `gpt-4o`?)"), "{said}");
    }
    let unknown = doubts("models: {a: openai/gpt-nobody-knows}\n");
    assert!(unknown.contains("`prices` can say it, under `gpt-nobody-knows`"), "{unknown}");

    let placed = doubts("providers: {openai: {region: eu, project: p}}\nmodels: {a: openai/gpt-4o}\n");
    assert!(placed.contains("providers.openai.region: has no use here"), "{placed}");
    assert!(placed.contains("providers.openai.project: has no use here"), "{placed}");
    let azure = |end: &str| {
        doubts(&format!(
            "providers: {{azure: {{base_url: 'https://x.example{end}', api_version: preview, auth: none}}}}\n\
             models: {{a: azure/gpt-4o}}\n"
        ))
    };
    assert!(azure("").contains("providers.azure.api_version: is no version of the dated surface"));
    assert_eq!(azure("/openai/v1"), "");
    let cloud = doubts(
        "providers: {vertex: {region: eu, project: p, auth: gcp}, bedrock: {region: eu-west-1, auth: aws},\n  \
         mine: {base_url: 'https://{region}.llm.example/v1', dialect: openai_chat, region: eu, auth: none}}\n\
         models: {a: [vertex/gemini-2.5-pro, bedrock/anthropic.claude-sonnet-4-20250514-v1:0, mine/x]}\n",
    );
    assert!(!cloud.contains("has no use here"), "{cloud}");
}

#[test]
fn what_a_proxy_that_gets_everything_takes_the_place_of_is_named() {
    let room = Room::new();
    let proxy = "litellm: {base_url: 'http://127.0.0.1:9'";
    let never = "is never asked: `litellm.mode` is `all`";
    let chain = "models:\n  a: [litellm/x, openai/gpt-4o]\n  b: {targets: [{provider: groq, model: x}]}\n";
    room.write("gateway.yaml", &format!("{proxy}}}\nproviders: {{xai: {{}}}}\n{chain}"));
    let ran = room.run(&["check"], &[]);
    for place in [":4:3: models.a[1]", ":5:3: models.b.targets[0]", ":2:1: providers.xai"] {
        assert!(ran.err.contains(&format!("{place}: {never}")), "{place}\n{}", ran.err);
    }
    assert!(!ran.err.contains("API_KEY"), "{}", ran.err);
    assert!(ran.good().contains("3 warnings"));
    let envoy = room.run(&["render"], &[]).good();
    assert!(!envoy.contains("provider_openai") && !envoy.contains("OPENAI_API_KEY"), "{envoy}");

    room.write("gateway.yaml", &format!("{proxy}, mode: hybrid}}\n{chain}"));
    let ran = room.run(&["check"], &[]);
    assert!(ran.err.contains("OPENAI_API_KEY") && !ran.err.contains("never asked"), "{}", ran.err);
}

#[test]
fn presets_for_a_reason_and_of_services_need_not_be_listed() {
    let room = Room::new();
    for text in [
        "models: {a: {targets: [openai/gpt-4o], fallbacks: {context_window: [gemini/gemini-2.5-pro]}}}\n",
        "models: {a: openai/gpt-4o}\ndefaults: {fallbacks: {content_policy: [gemini/gemini-2.5-pro]}}\n",
        "models: {a: openai/gpt-4o}\nforward: {message_batches: anthropic}\n",
    ] {
        room.write("gateway.yaml", text);
        room.run(&["check"], &[]).good();
    }
}

#[test]
fn a_weight_that_nothing_goes_by_is_doubted() {
    let room = Room::new();
    let targets = "[{provider: ollama, model: a, weight: 9}, {provider: vllm, model: a, weight: 1}]";
    for (model, expected) in [
        (targets.to_owned(), "models.a[0].weight: has no effect"),
        (format!("{{targets: {targets}, strategy: ordered}}"), "models.a.targets[0].weight: has no effect"),
        (format!("{{targets: {targets}, strategy: weighted}}"), ""),
        // Equals are drawn by weight, and 0 is for when no other can be asked.
        (format!("{{targets: {targets}, strategy: least_busy}}"), ""),
        (format!("{{targets: {targets}, sticky: user}}"), ""),
    ] {
        room.write("gateway.yaml", &format!("models:\n  a: {model}\n"));
        let ran = room.run(&["check"], &[]);
        assert!(ran.err.contains(expected), "{model}\n{}", ran.err);
        let warnings = if expected.is_empty() { "0 warnings" } else { "1 warning;" };
        assert!(ran.good().contains(warnings), "{model}");
    }
}

#[test]
fn a_base_url_that_ends_with_an_endpoint_is_doubted() {
    let room = Room::new();
    for (provider, said) in [
        (
            "anthropic: {base_url: 'http://h/v1/messages'}",
            "requests will go to /v1/messages/v1/messages (did you mean `http://h`?)",
        ),
        (
            "vllm: {base_url: 'http://h/v1/chat/completions'}",
            "requests will go to /v1/chat/completions/v1/chat/completions (did you mean `http://h`?)",
        ),
        (
            "mine: {base_url: 'http://h/v1/chat/completions', dialect: openai}",
            "(did you mean `http://h/v1`?)",
        ),
        ("cohere: {base_url: 'http://h/v1/rerank'}", "(did you mean `http://h`?)"),
        (
            "azure: {base_url: 'http://h/openai/deployments/gpt/chat/completions'}",
            "(did you mean `http://h`?)",
        ),
        ("azure: {base_url: 'http://h/openai/v1'}", ""),
        ("gemini: {base_url: 'http://h/v1beta'}", ""),
        ("mine: {base_url: 'http://h/messages', dialect: openai}", ""),
    ] {
        let name = provider.split(':').next().unwrap();
        room.write("gateway.yaml", &format!("providers:\n  {provider}\nmodels: {{a: {name}/a}}\n"));
        let ran = room.run(&["check"], &[]);
        let place = format!("providers.{name}.base_url: ends with the path of an endpoint");
        assert!(
            ran.err.contains(said) && ran.err.contains(&place) != said.is_empty(),
            "{provider}\n{}",
            ran.err
        );
    }
}

#[test]
fn where_a_word_belongs_the_words_are_named() {
    let room = Room::new();
    let model = "models: {\"a.b\": {targets: [openai/gpt-4o]";
    for (text, said) in [
        (
            format!("{model}, strategy: [weighted]}}}}\n"),
            "strategy: invalid type: a list, expected one of `ordered`, `weighted`",
        ),
        (
            format!("{model}}}}}\nproviders: {{openai: {{auth: {{a: b}}}}}}\n"),
            "gateway.yaml:2:28: providers.openai.auth: invalid type: an object, expected one of `key`",
        ),
        (
            format!("{model}}}}}\nbudgets: [{{usd: 5, every: day, per: [tenant, model]}}]\n"),
            "budgets[0].per: invalid type: a list, expected one of ",
        ),
        (
            format!("{model}}}}}\nserver: {{listen: 'http://127.0.0.1:8080'}}\n"),
            "server.listen: is an address without a scheme, such as `127.0.0.1:8080`",
        ),
        (
            format!("{model}}}}}\naudit: {{to: {{otlp: 'http://h:4317'}}}}\n"),
            "audit.to.otlp: is an address without a scheme, such as `h:4317`",
        ),
        (
            format!("{model}}}}}\nstate: {{redis: {{address: 'redis://u:hidden@h:6379/0'}}}}\n"),
            "state.redis.address: is an address without a scheme, such as `h:6379`",
        ),
    ] {
        room.write("gateway.yaml", &text);
        let error = room.run(&["check"], &[]).bad();
        assert!(error.contains(said) && !error.contains("hidden"), "{text}\n{error}");
    }
}

#[test]
fn mistakes_in_the_file_of_keys_are_named_as_others() {
    let room = Room::new();
    room.write("gateway.yaml", "keys_file: keys.yaml\nmodels: {a: ollama/a}\n");
    for (keys, said) in [
        ("keys:\n- id: a\n  sha: b\n", "keys.yaml:3:3: keys[0].sha: unknown field `sha`"),
        ("keys:\n- id: a\n  sha: b\n", "(did you mean `sha256`?)"),
        ("keys:\n- id: a\n  sha25: b\n", "(did you mean `sha256`?)"),
        ("- id: a\n", "keys.yaml:1:1: invalid type: a list, expected an object with `keys`"),
    ] {
        room.write("keys.yaml", keys);
        let error = room.run(&["check"], &[]).bad();
        assert!(error.contains(said), "{keys}\n{error}");
    }
}

#[test]
fn merge_keys_are_merged() {
    let room = Room::new();
    let file =
        "models:\n  a: &usual {targets: [openai/gpt-4o], timeout: 30s}\n  b: {<<: *usual, timeout: 1m}\n";
    room.write("gateway.yaml", file);
    let env = [("OPENAI_API_KEY", "x")];
    assert!(room.run(&["check"], &env).good().starts_with("gateway.yaml: ok: 2 models"));
    room.write("gateway.yaml", &file.replace("timeout: 1m", "timeuot: 1m"));
    let error = room.run(&["check"], &env).bad();
    assert!(error.contains("models.b.timeuot: unknown field `timeuot`"), "{error}");
    assert!(error.contains("(did you mean `timeout`?)"), "{error}");
    room.write("gateway.yaml", &file.replace("*usual", "*unusual"));
    assert!(room.run(&["check"], &env).bad().contains("gateway.yaml:3:"));
}

#[test]
fn whoever_has_a_configuration_of_litellm_is_told_the_way() {
    let room = Room::new();
    room.write("config.yaml", "model_list:\n- {model_name: a, litellm_params: {model: openai/a}}\n");
    let error = room.run(&["check", "-c", "config.yaml"], &[]).bad();
    assert!(error.starts_with("error: config.yaml:1:1: model_list: "), "{error}");
    assert!(error.contains("`tollgate import litellm`"), "{error}");
}
