//! `tollgate import litellm`, on configurations like those that people run.

use crate::tollgate::{Room, golden, package};

fn import(case: &str, env: &[(&str, &str)]) {
    let room = Room::new();
    let file = package().join("tests/cli/litellm").join(case).join("config.yaml");
    let source = std::fs::read_to_string(&file).unwrap();
    let ran = room.run(&["import", "litellm", file.to_str().unwrap(), "--out", "gateway.yaml"], env);
    assert!(ran.ok, "{}", ran.err);
    let gateway = room.read("gateway.yaml");
    golden(&format!("tests/cli/litellm/{case}/gateway.yaml"), &gateway);
    golden(&format!("tests/cli/litellm/{case}/report.txt"), &ran.err);
    // Nothing that looks like a secret is in either, and the result is sound.
    for secret in source.split([' ', '"', ',', '}', '\n', '@']).filter(|word| {
        word.starts_with("sk-live")
            || word.starts_with("sk-l")
            || word.contains("password") && word.contains('-')
    }) {
        assert!(!gateway.contains(secret) && !ran.err.contains(secret), "{secret}");
    }
    room.run(&["check"], &[]).good();
}

#[test]
fn balanced_deployments_become_chains() {
    import("balanced", &[("LITELLM_MASTER_KEY", "abc")]);
}

#[test]
fn local_servers_need_no_keys() {
    import("local", &[("GPU2_BASE", "http://gpu-2.internal:8000/v1")]);
}

#[test]
fn clouds_keep_their_places_and_credentials() {
    import("clouds", &[("REGION", "eu-central-1"), ("PROJECT", "other-project")]);
}

#[test]
fn wildcards_stay_wildcards() {
    import("wildcards", &[]);
}

#[test]
fn budgets_and_limits_are_carried_over() {
    import("budgets", &[]);
}

#[test]
fn everything_else_is_listed_by_name() {
    import("everything", &[]);
}

#[test]
fn an_unset_master_key_shuts_the_door() {
    let room = Room::new();
    room.write(
        "c.yaml",
        "model_list: [{model_name: a, litellm_params: {model: openai/a}}]\n\
         general_settings: {master_key: os.environ/NOT_SET}\n",
    );
    let ran = room.run(&["import", "litellm", "c.yaml"], &[]);
    assert!(ran.err.contains("general_settings.master_key: NOT_SET is not set"), "{}", ran.err);
    let zeros = "0".repeat(64);
    assert!(ran.good().contains(&format!("master_key: '{zeros}'")));
}

/// The file that comes of one, and the report.
fn imported(text: &str) -> (String, String) {
    let room = Room::new();
    room.write("c.yaml", text);
    let ran = room.run(&["import", "litellm", "c.yaml", "--out", "gateway.yaml"], &[]);
    assert!(ran.ok, "{}", ran.err);
    room.run(&["check"], &[]).good();
    (room.read("gateway.yaml"), ran.err)
}

#[test]
fn limited_deployments_of_one_key_have_providers_of_their_own() {
    let (file, _) = imported(
        "model_list:\n\
         - {model_name: g, litellm_params: {model: openai/gpt-4o, rpm: 900}}\n\
         - {model_name: g, litellm_params: {model: openai/gpt-4o-mini, rpm: 10}}\n\
         - {model_name: h, litellm_params: {model: openai/gpt-4o}}\n",
    );
    for word in
        ["provider: openai_2\n      model: gpt-4o-mini", "- openai_2\n  requests: 10/m", "h: openai/gpt-4o"]
    {
        assert!(file.contains(word), "{word}: {file}");
    }
}

#[test]
fn merge_keys_are_merged() {
    let (file, _) = imported(
        "model_list:\n\
         - {model_name: a, litellm_params: &l {model: openai/a, api_base: 'http://llm:8080/v1', api_key: none}}\n\
         - {model_name: b, litellm_params: {<<: *l, model: openai/b}}\n",
    );
    assert!(file.contains("b: openai_compatible/b"), "{file}");
}

#[test]
fn shares_stay_what_they_are() {
    let (file, report) = imported(
        "model_list:\n\
         - {model_name: w, litellm_params: {model: openai/a, weight: 0.7}}\n\
         - {model_name: w, litellm_params: {model: groq/a, weight: 0.3}}\n\
         - {model_name: w, litellm_params: {model: xai/a}}\n\
         - {model_name: o, litellm_params: {model: openai/b, order: 1}}\n\
         - {model_name: o, litellm_params: {model: groq/b, order: 1}}\n\
         - {model_name: o, litellm_params: {model: xai/b, order: 2}}\n",
    );
    let weights: Vec<&str> = file.lines().filter_map(|line| line.trim().strip_prefix("weight: ")).collect();
    assert_eq!((weights, report.as_str()), (vec!["7", "3", "0", "1", "1", "0"], ""), "{file}");
}

#[test]
fn fallbacks_for_all_are_for_all_that_have_none() {
    let (file, _) = imported(
        "model_list:\n\
         - {model_name: 'anthropic/*', litellm_params: {model: 'anthropic/*'}}\n\
         - {model_name: gpt-4o, litellm_params: {model: openai/gpt-4o}}\n\
         router_settings: {default_fallbacks: [gpt-4o]}\n",
    );
    assert!(file.contains("- anthropic/*\n  - openai/gpt-4o"), "{file}");
    let (file, _) = imported(
        "model_list:\n\
         - {model_name: '*', litellm_params: {model: 'openai/*'}}\n\
         - {model_name: gpt-4o, litellm_params: {model: openai/gpt-4o}}\n\
         - {model_name: claude, litellm_params: {model: anthropic/claude-sonnet-4-5}}\n\
         router_settings: {fallbacks: [{'*': [claude]}]}\n",
    );
    assert!(file.contains("- openai/gpt-4o\n  - anthropic/claude-sonnet-4-5"), "{file}");
}

#[test]
fn what_cannot_work_is_left_and_said() {
    let (file, report) = imported(
        "model_list:\n\
         - {model_name: a, litellm_params: {model: text-embedding-3-small, max_tokens: 0}, model_info: {max_input_tokens: 8191}}\n\
         - {model_name: b, litellm_params: {model: vertex_ai/meta/llama-3.1, vertex_project: p}}\n\
         - {model_name: c, litellm_params: {model: vertex_ai/gemini-2.5-pro, vertex_project: p, vertex_location: os.environ/NOPE}}\n\
         - {model_name: 'x*y*z', litellm_params: {model: 'openai/*'}}\n",
    );
    assert!(file.contains("model: text-embedding-3-small\n    context_window: 8191"), "{file}");
    for word in ["max_tokens: is no whole number", "not for `meta/llama-3.1`", "the variable NOPE", "`x*y*z`"]
    {
        assert!(report.contains(word), "{word}: {report}");
    }
}

#[test]
fn words_that_say_how_a_model_is_asked_are_no_part_of_its_name() {
    let (file, report) = imported(
        "model_list:\n\
         - {model_name: a, litellm_params: {model: bedrock/us-gov-west-1/anthropic.claude-v2}}\n\
         - {model_name: b, litellm_params: {model: 'bedrock/nova/arn:aws:bedrock:eu-west-1:1:custom-model-deployment/x'}}\n\
         - {model_name: c, litellm_params: {model: bedrock/agent/L1RT/MFPS, aws_region_name: us-east-1}}\n\
         - {model_name: d, litellm_params: {model: bedrock/us-east-1/amazon.nova-lite-v1:0, aws_region_name: us-west-2}}\n\
         - {model_name: e, litellm_params: {model: openai/responses/o1-pro}}\n\
         - {model_name: f, litellm_params: {model: openai/gpt-4o}}\n\
         - {model_name: g, litellm_params: {model: azure/responses/gpt-5-codex, api_base: 'https://x.example/', api_version: 2025-04-01-preview}}\n\
         - {model_name: h, litellm_params: {model: openai/o3-pro}, model_info: {mode: responses}}\n\
         - {model_name: i, litellm_params: {model: mistral/responses/x}}\n\
         - {model_name: j, litellm_params: {model: anthropic/responses/x}}\n\
         - {model_name: k, litellm_params: {model: bedrock/anthropic.x, model_id: 'arn:aws:bedrock:eu-west-1:1:inference-profile/x'}}\n",
    );
    for words in [
        "  bedrock:\n    region: us-gov-west-1\n",
        "  bedrock_2:\n    preset: bedrock\n    region: eu-west-1\n",
        "  bedrock_3:\n    preset: bedrock\n    region: us-west-2\n",
        "  openai:\n    dialect: openai_responses\n",
        "  openai_2:\n    preset: openai\n",
        "  azure:\n    base_url: https://x.example/openai/v1\n    dialect: openai_responses\n",
        "a: bedrock/anthropic.claude-v2\n",
        "b: bedrock_2/arn:aws:bedrock:eu-west-1:1:custom-model-deployment/x\n",
        "d: bedrock_3/amazon.nova-lite-v1:0\n",
        "e: openai/o1-pro\n",
        "f: openai_2/gpt-4o\n",
        "g: azure/gpt-5-codex\n",
        "h: openai/o3-pro\n",
        "i: mistral/x\n",
        "j: anthropic/x\n",
        "k: bedrock_2/arn:aws:bedrock:eu-west-1:1:inference-profile/x\n",
    ] {
        assert!(file.contains(words), "{words}\n{file}");
    }
    for words in [
        "model_list[2]: `c`: Bedrock is asked through Converse, and not in the way that `agent/` stands for",
        "model_list[6].litellm_params.model: is asked at Azure's surface without versions",
        "model_list[8].litellm_params.model: its provider has no Responses",
        "model_list[9].litellm_params.model: its provider has no Responses",
    ] {
        assert!(report.contains(words), "{words}\n{report}");
    }
}

#[test]
fn base_urls_end_before_the_endpoint() {
    let (file, report) = imported(
        "model_list:\n\
         - {model_name: a, litellm_params: {model: anthropic/a, api_base: 'https://api.anthropic.com/v1/messages'}}\n\
         - {model_name: b, litellm_params: {model: openai/b, api_base: 'http://llm:8000/v1/chat/completions', api_key: none}}\n\
         - {model_name: c, litellm_params: {model: cohere/c, api_base: 'https://api.cohere.ai/v1/rerank'}}\n\
         - {model_name: d, litellm_params: {model: azure/d, api_base: 'https://x.example/openai/deployments/d/'}}\n",
    );
    for words in [
        "  anthropic: {}\n",
        "  openai_compatible:\n    base_url: http://llm:8000/v1\n",
        "  cohere:\n    base_url: https://api.cohere.ai\n",
        "  azure:\n    base_url: https://x.example\n",
    ] {
        assert!(file.contains(words), "{words}\n{file}");
    }
    assert_eq!(report, "");
}

#[test]
fn azure_without_dates_is_at_its_own_place() {
    for (base, version) in [
        ("https://x.example", "preview"),
        ("https://x.example/openai/", "v1"),
        ("https://x.example/openai/v1", "latest"),
    ] {
        let (file, report) = imported(&format!(
            "model_list: [{{model_name: a, litellm_params: {{model: azure/a, api_base: '{base}', api_version: {version}}}}}]\n"
        ));
        let expected = "  azure:\n    base_url: https://x.example/openai/v1\nmodels:";
        assert!(file.contains(expected) && report.is_empty(), "{file}{report}");
    }
}

#[test]
fn names_that_only_a_pattern_matches_are_known() {
    let (file, report) = imported(
        "model_list:\n\
         - {model_name: 'openai/*', litellm_params: {model: 'openai/*', rpm: 9}}\n\
         - {model_name: 'openai/*', litellm_params: {model: 'azure/*', api_base: 'https://x.example', weight: 2}}\n\
         - {model_name: claude, litellm_params: {model: anthropic/claude-sonnet-4-5, rpm: 9}}\n\
         - {model_name: other, litellm_params: {model: openai/o3}}\n\
         router_settings:\n  \
           model_group_alias: {fast: openai/gpt-4o-mini, none: groq/x, all: 'openai/*'}\n  \
           fallbacks: [{openai/gpt-4o: [claude]}, {claude: [fast]}, {groq/x: [claude]}]\n  \
           context_window_fallbacks: [{fast: [openai/gpt-4.1]}]\n",
    );
    let model = |name: &str| {
        let from = file.find(&format!("  {name}:\n")).unwrap_or_else(|| panic!("{name}\n{file}"));
        let rest = &file[from + 2..];
        let next = rest.match_indices("\n  ").find(|(at, _)| !rest[at + 3..].starts_with([' ', '-']));
        rest[..next.map_or(rest.len(), |(at, _)| at)].to_owned()
    };
    let spelled = model("openai/gpt-4o");
    for words in ["provider: openai\n      model: gpt-4o\n", "claude-sonnet-4-5", "strategy: weighted"] {
        assert!(spelled.contains(words), "{words}\n{spelled}");
    }
    let aliased = model("openai/gpt-4o-mini");
    for words in ["aliases:\n    - fast", "model: gpt-4o-mini", "context_window:\n      - openai/gpt-4.1"] {
        assert!(aliased.contains(words), "{words}\n{aliased}");
    }
    assert!(model("claude").contains("openai/gpt-4o-mini"), "{file}");
    // The limits of the pattern's deployments hold for what was a part of it, and for what falls back to that.
    for user in ["openai/gpt-4o", "openai/gpt-4o-mini", "claude"] {
        assert!(file.contains(&format!("    - {user}\n")), "{user}\n{file}");
    }
    for words in [
        "model_group_alias.none: leads to a model that is not in `model_list`",
        "model_group_alias.all: leads to a pattern",
        "fallbacks[2].groq/x: is not in `model_list`",
    ] {
        assert!(report.contains(words), "{words}\n{report}");
    }
}

#[test]
fn what_has_no_effect_is_not_told_as_carried_over() {
    let (file, report) = imported(
        "model_list:\n\
         - {model_name: a, litellm_params: {model: openai/a, max_completion_tokens: 99}}\n\
         - {model_name: b, litellm_params: {model: anthropic/b, max_tokens: 5, max_completion_tokens: 9}}\n\
         - {model_name: c, litellm_params: {model: openai/gpt-image-1}, model_info: {mode: image_edit}}\n\
         - {model_name: d, litellm_params: {model: openai/d}, model_info: {mode: batch}}\n\
         router_settings: {routing_strategy: usage-based-routing-v2, allowed_fails: 3}\n\
         litellm_settings: {cooldown_time: 9}\n\
         general_settings: {pass_through_endpoints: [{path: /v1/x, target: 'https://x.example'}]}\n",
    );
    for words in
        ["model: a\n    max_tokens: 99\n", "model: b\n    max_tokens: 5\n", "c: openai/gpt", "d: openai/d"]
    {
        assert!(file.contains(words), "{words}\n{file}");
    }
    assert!(!file.contains("max_completion_tokens"), "{file}");
    for words in [
        "model_list[0].litellm_params.max_completion_tokens: replaces the client's own value",
        "model_list[1].litellm_params.max_completion_tokens: `max_tokens` is the output limit already",
        "router_settings.routing_strategy: no model has several deployments",
        "router_settings.allowed_fails: counts failures in a row",
        "general_settings.pass_through_endpoints[0].path: only the gateway's own paths are served",
    ] {
        assert!(report.contains(words), "{words}\n{report}");
    }
    let (file, report) = imported(
        "model_list: [{model_name: a, litellm_params: {model: openai/a}}]\n\
         router_settings: {allowed_fails: 3, cooldown_time: 9}\n\
         litellm_settings: {disable_cooldowns: true}\n",
    );
    assert!(file.contains("circuit_breaker:\n    max_cooldown: 0s\n"), "{file}");
    for field in ["allowed_fails", "cooldown_time"] {
        let words = format!("router_settings.{field}: has no effect beside `disable_cooldowns`");
        assert!(report.contains(&words), "{words}\n{report}");
    }
    assert!(!report.contains("counts failures in a row"), "{report}");
}

#[test]
fn of_a_key_that_stands_twice_the_last_one_counts() {
    let (file, report) = imported(
        "model_list:\n\
         - {model_name: a, litellm_params: {model: openai/a, model: openai/b}}\n\
         litellm_settings: {set_verbose: true, set_verbose: false}\n",
    );
    assert!(file.contains("a: openai/b"), "{file}");
    for path in ["model_list[0].litellm_params.model", "litellm_settings.set_verbose"] {
        let said = format!("  {path}: is written more than once: the last one counts, as in LiteLLM\n");
        assert!(report.contains(&said), "{report}");
    }
}

#[test]
fn numbers_that_are_none_here_are_named() {
    let (file, report) = imported(
        "model_list:\n\
         - {model_name: a, litellm_params: {model: openai/a, timeout: 0, num_retries: 1.5, rpm: 2.5, order: first}}\n\
         - {model_name: b, litellm_params: {model: openai/b, stream_timeout: 100000, input_cost_per_token: -1}}\n\
         - {model_name: c, litellm_params: {model: openai/c, output_cost_per_token: 0.000002}}\n\
         - {model_name: d, litellm_params: {model: openai/d, cache_read_input_token_cost: 0.000002}}\n\
         - {model_name: e, litellm_params: {model: azure/c, api_base: 'https://x.example', input_cost_per_token: cheap, \
           output_cost_per_token: 0.000004}}\n\
         - {model_name: f, litellm_params: {model: openai/c, input_cost_per_token: 0.000004}}\n\
         router_settings: {timeout: 0, num_retries: 0.5, cooldown_time: 0, allowed_fails: 0.5, stream_timeout: 30}\n\
         litellm_settings: {request_timeout: 40}\n\
         general_settings: {max_parallel_requests: 1.5}\n",
    );
    for line in [
        "model_list[0].litellm_params.timeout: is no time from a millisecond to a day",
        "model_list[0].litellm_params.num_retries: is no whole number",
        "model_list[0].litellm_params.rpm: is no whole number",
        "model_list[0].litellm_params.order: is not a number",
        "model_list[1].litellm_params.stream_timeout: is no time",
        "model_list[1].litellm_params.input_cost_per_token: is below zero",
        "model_list[2].litellm_params.input_cost_per_token: is not there and became 0",
        "model_list[3].litellm_params.cache_read_input_token_cost: a price is that of input and output",
        "model_list[4].litellm_params.input_cost_per_token: is not a number",
        "model_list[5].litellm_params.input_cost_per_token: `openai/c` has another price already",
        "router_settings.timeout: is no time",
        "router_settings.num_retries: is no whole number",
        "router_settings.cooldown_time: is no time",
        "router_settings.allowed_fails: is no whole number",
        "router_settings.stream_timeout: limits each try until its first token",
        "general_settings.max_parallel_requests: is no whole number above zero",
    ] {
        assert!(report.contains(&format!("  {line}")), "{line}\n{report}");
    }
    assert!(file.contains("defaults:\n  timeout: 40s\n  stream_timeout: 30s\n"), "{file}");
    assert!(file.contains("prices:\n  azure/c:\n"), "a price is that of one provider: {file}");
}

#[test]
fn of_a_header_that_stands_twice_the_first_one_counts() {
    let (file, report) = imported(
        "model_list:\n- {model_name: a, litellm_params: {model: openai/a, organization: org-1, \
         extra_headers: {X-A: one}, headers: {x-a: two, X-B: three}}}\n",
    );
    assert!(file.contains("x-a: one\n      x-b: three\n      openai-organization: org-1\n"), "{file}");
    assert!(report.contains("litellm_params.headers.x-a: is set already"), "{report}");
}

#[test]
fn what_check_would_refuse_is_left_and_said() {
    let (file, report) = imported(
        "model_list:\n\
         - {model_name: 'a;b', litellm_params: {model: openai/a, rpm: 5, max_budget: 10000000, budget_duration: 1d, \
           extra_headers: {Authorization: Bearer x, content-type: x, bad name: x, x-a: \"a\\nb\", x-b: os.environ/b-b}}}\n\
         - {model_name: ' a', litellm_params: {model: openai/a}}\n\
         - {model_name: c, litellm_params: {model: 'openai/*'}}\n\
         - {model_name: 'd*', litellm_params: {model: 'openai/*-*'}}\n\
         - {model_name: e, litellm_params: {model: azure/e, api_base: 'https://x.example', api_version: 'a b'}}\n\
         - {model_name: f, litellm_params: {model: bedrock/f, aws_region_name: 'a b'}}\n\
         - {model_name: g, litellm_params: {model: groq/g, api_key: os.environ/g-g}}\n\
         router_settings: {model_group_alias: {' x': e}}\n\
         general_settings: {user_header_name: 'x user'}\n",
    );
    assert!(file.contains("name: 'a b: openai/a'"), "{file}");
    let params = |n: usize| format!("model_list[{n}].litellm_params");
    for line in [
        format!("{}.max_budget: is no amount of money up to 9000000", params(0)),
        format!("{}.extra_headers.Authorization: is where the key goes", params(0)),
        format!("{}.extra_headers.content-type: cannot be set", params(0)),
        format!("{}.extra_headers.bad name: is no header name", params(0)),
        format!("{}.extra_headers.x-a: has control characters", params(0)),
        format!("{}.extra_headers.x-b: `env` must be the name", params(0)),
        "model_list[1]: ` a`: a name is 1 to 256 bytes".to_owned(),
        "model_list[2]: `c`: its model has a `*`".to_owned(),
        "model_list[3]: `d*`: its model has more than one `*`".to_owned(),
        format!("{}.api_version: is no version", params(4)),
        "model_list[5]: `f`: its aws_region_name is no word".to_owned(),
        format!("{}.api_key: is not in a variable", params(6)),
        "router_settings.model_group_alias. x: a name is 1 to 256 bytes".to_owned(),
        "general_settings.user_header_name: is no header name".to_owned(),
    ] {
        assert!(report.contains(&format!("  {line}")), "{line}\n{report}");
    }
}

#[test]
fn deployments_that_are_equal_share_as_much_as_all_of_them() {
    let (file, _) = imported(
        "model_list:\n\
         - {model_name: a, litellm_params: {model: openai/a, weight: 1}}\n\
         - {model_name: a, litellm_params: {model: openai/a, weight: 2}}\n\
         - {model_name: a, litellm_params: {model: groq/a, weight: 1}}\n\
         - {model_name: b, litellm_params: {model: openai/b}}\n\
         - {model_name: b, litellm_params: {model: openai/b}}\n\
         - {model_name: b, litellm_params: {model: groq/b}}\n",
    );
    let weights: Vec<&str> = file.lines().filter_map(|line| line.trim().strip_prefix("weight: ")).collect();
    assert_eq!(weights, ["3", "1", "2", "1"], "{file}");
}

#[test]
fn a_chain_that_is_too_long_is_cut_and_said() {
    let deployments = |name: &str| -> String {
        let one = |n| format!("- {{model_name: {name}, litellm_params: {{model: openai/{name}-{n}}}}}\n");
        (0..20).map(one).collect()
    };
    let (_, report) = imported(&format!(
        "model_list:\n{}{}router_settings: {{fallbacks: [{{a: [b]}}]}}\n",
        deployments("a"),
        deployments("b")
    ));
    assert!(report.contains("router_settings.fallbacks[0].a[0]: did not fit in"), "{report}");
}

#[test]
fn what_is_no_litellm_configuration_is_refused() {
    let room = Room::new();
    for (text, word) in [
        ("a: 1\n", "model_list"),
        ("- 1\n", "not a mapping"),
        ("model_list: []\n", "no model"),
        ("include: [a.yaml]\n", "import them one by one"),
        (": :\n- x", "c.yaml"),
    ] {
        room.write("c.yaml", text);
        let error = room.run(&["import", "litellm", "c.yaml"], &[]).bad();
        assert!(error.contains(word), "{text}: {error}");
    }
}

#[test]
fn variables_that_the_file_sets_count_where_the_environment_has_none() {
    let room = Room::new();
    room.write(
        "c.yaml",
        "environment_variables: {BASE: 'https://there.openai.azure.com', REGION: eu-west-1, MASTER: sk-own}\n\
         model_list:\n\
         - {model_name: a, litellm_params: {model: azure/a, api_base: os.environ/BASE}}\n\
         - {model_name: b, litellm_params: {model: bedrock/amazon.nova-lite-v1:0, aws_region_name: os.environ/REGION}}\n\
         general_settings: {master_key: os.environ/MASTER}\n",
    );
    let ran = room.run(&["import", "litellm", "c.yaml"], &[("REGION", "us-east-1")]);
    let said = ran.err.clone();
    let file = ran.good();
    for words in ["base_url: https://there.openai.azure.com\n", "region: us-east-1\n", "master_key: "] {
        assert!(file.contains(words), "{words}\n{file}");
    }
    assert!(
        !file.contains(&"0".repeat(64)) && !file.contains("sk-own") && !said.contains("sk-own"),
        "{said}"
    );
    assert!(said.contains("environment_variables.BASE: belongs into the environment"), "{said}");
}

#[test]
fn a_deployment_at_azure_has_the_price_of_its_base_model() {
    let (file, report) = imported(
        "model_list:\n\
         - {model_name: a, litellm_params: {model: azure/mine, api_base: 'https://x.example'}, model_info: {base_model: azure/gpt-4o-2024-08-06}}\n\
         - {model_name: b, litellm_params: {model: azure/gpt-4o, api_base: 'https://x.example'}, model_info: {base_model: azure/gpt-4o}}\n\
         - {model_name: c, litellm_params: {model: azure/other, api_base: 'https://x.example'}, model_info: {base_model: azure/nothing-known}}\n\
         - {model_name: d, litellm_params: {model: azure/own, api_base: 'https://x.example'}, \
            model_info: {base_model: azure/gpt-4o, input_cost_per_token: 0.000001, output_cost_per_token: 0.000002}}\n",
    );
    assert!(
        file.contains("  azure/mine:\n    input: 2.5\n    output: 10.0\n    cache_read: 1.25\n"),
        "{file}"
    );
    assert!(file.contains("  azure/own:\n    input: 1.0\n    output: 2.0\n"), "{file}");
    for words in [
        "model_list[0].model_info.base_model: became the price of `azure/mine`: what `gpt-4o-2024-08-06` costs today",
        "model_list[1].model_info.base_model: is what its name says anyway",
        "model_list[2].model_info.base_model: no price is known for `azure/nothing-known`",
        "model_list[3].model_info.base_model: a price of the deployment's own counts",
    ] {
        assert!(report.contains(words), "{words}\n{report}");
    }
}

#[test]
fn whoever_runs_a_model_for_hugging_face_stands_behind_it() {
    let (file, _) = imported(
        "model_list:\n\
         - {model_name: a, litellm_params: {model: huggingface/together/deepseek-ai/DeepSeek-R1}}\n\
         - {model_name: b, litellm_params: {model: huggingface/deepseek-ai/DeepSeek-R1}}\n",
    );
    for words in
        ["a: huggingface/deepseek-ai/DeepSeek-R1:together\n", "b: huggingface/deepseek-ai/DeepSeek-R1\n"]
    {
        assert!(file.contains(words), "{words}\n{file}");
    }
}
