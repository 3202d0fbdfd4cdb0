//! `tollgate render`.

use crate::tollgate::{Room, golden, package};
use serde_json::Value;

fn yaml(text: &str) -> Value {
    yaml_serde::from_str(text).unwrap()
}

#[test]
fn the_shipped_example_is_current() {
    let room = Room::new();
    let config = package().join("envoy/gateway.yaml");
    let bundle = "/etc/ssl/certs/ca-certificates.crt";
    let out = room.run(&["render", "-c", config.to_str().unwrap(), "--ca-file", bundle], &[]).good();
    golden("envoy/envoy.yaml", &out);
}

#[test]
fn the_same_in_the_same_out_and_no_secret() {
    let room = Room::new();
    room.write(
        "gateway.yaml",
        "models: {a: [openai/a, groq/b, xai/c], b: anthropic/d}\n\
         providers: {groq: {headers: {x-s: {env: HEADER_SECRET}}}}\n",
    );
    let env = [("OPENAI_API_KEY", "sk-very-secret"), ("HEADER_SECRET", "hush-hush")];
    let first = room.run(&["render"], &env).good();
    assert_eq!(first, room.run(&["render"], &env).good());
    assert!(!first.contains("sk-very-secret") && !first.contains("hush-hush"));
    let bootstrap = yaml(&first);
    let clusters = bootstrap["static_resources"]["clusters"].as_array().unwrap();
    for cluster in clusters {
        let options = &cluster["typed_extension_protocol_options"]["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"];
        let vm = &options["http_filters"][0]["typed_config"]["config"]["vm_config"];
        let keys = vm["environment_variables"]["host_env_keys"].as_array().unwrap();
        let keys: Vec<&str> = keys.iter().filter_map(Value::as_str).collect();
        assert_eq!(
            keys,
            ["ANTHROPIC_API_KEY", "GROQ_API_KEY", "HEADER_SECRET", "OPENAI_API_KEY", "XAI_API_KEY"]
        );
    }
}

#[test]
fn a_limit_of_a_targets_own_is_a_route_of_the_listener_within() {
    let room = Room::new();
    let models = "{a: [openai/a, {provider: groq, model: b, timeout: 1500ms}, xai/c], b: [openai/b, xai/d], c: openai/e}";
    room.write("gateway.yaml", &format!("models: {models}\nproviders: {{openai: {{timeout: 5s}}}}\n"));
    let bootstrap = yaml(&room.run(&["render"], &[]).good());
    let listeners = bootstrap["static_resources"]["listeners"].as_array().unwrap();
    assert_eq!((listeners.len(), &listeners[1]["internal_listener"]), (2, &serde_json::json!({})));
    let manager = &listeners[1]["filter_chains"][0]["filters"][0]["typed_config"];
    let routes = manager["route_config"]["virtual_hosts"][0]["routes"].as_array().unwrap();
    let routes: Vec<[&str; 3]> = routes
        .iter()
        .map(|route| {
            let entry = &route["match"]["headers"][0]["string_match"]["exact"];
            let to = &route["route"];
            [entry, &to["cluster"], &to["retry_policy"]["per_try_timeout"]].map(|text| text.as_str().unwrap())
        })
        .collect();
    assert_eq!(routes, [["openai/5000", "provider_openai", "5s"], ["groq/1500", "provider_groq", "1.500s"]]);
    let clusters = bootstrap["static_resources"]["clusters"].as_array().unwrap();
    let names: Vec<&str> = clusters.iter().filter_map(|cluster| cluster["name"].as_str()).collect();
    assert_eq!(names, ["provider_openai", "provider_groq", "provider_xai", "tollgate_timed"]);
}

#[test]
fn every_provider_can_be_chosen_and_nothing_else() {
    let room = Room::new();
    room.write("gateway.yaml", "models: {a: [openai/a, ollama/b]}\nproviders: {mistral: {}}\n");
    let bootstrap = yaml(&room.run(&["render"], &[]).good());
    let manager =
        &bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    let route = &manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"];
    let matcher = &route["inline_cluster_specifier_plugin"]["extension"]["typed_config"]["cluster_matcher"];
    let mut names: Vec<&String> =
        matcher["matcher_tree"]["exact_match_map"]["map"].as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["provider_mistral", "provider_ollama", "provider_openai"]);
    assert!(matcher.get("on_no_match").is_none());
    let clusters = bootstrap["static_resources"]["clusters"].as_array().unwrap();
    assert_eq!(clusters.len(), names.len());
    assert_eq!(route["retry_policy"]["num_retries"], 1);
    assert_eq!(route["retry_policy"]["refresh_cluster_on_retry"], true);
}

#[test]
fn limits_follow_the_configuration() {
    let room = Room::new();
    room.write(
        "gateway.yaml",
        "server: {max_body: 1MiB}\n\
         providers: {ollama: {idle_timeout: 90s, connect_timeout: 250ms, circuit_breaker: {max_requests: 7}}}\n\
         models: {a: {targets: [ollama/a, openai/b], retries: 2, timeout: 45s, request_timeout: 20m}, b: ollama/b}\n",
    );
    let bootstrap = yaml(&room.run(&["render"], &[]).good());
    let manager =
        &bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    let rule = &manager["route_config"]["virtual_hosts"][0]["routes"][0];
    assert_eq!(rule["request_body_buffer_limit"], 2 << 20);
    let retries = &rule["route"]["retry_policy"];
    assert_eq!(retries["num_retries"], 5);
    assert_eq!((&rule["route"]["timeout"], &retries["per_try_timeout"]), (&"1200s".into(), &"300s".into()));
    assert_eq!(retries["per_try_idle_timeout"], "300s", "it cannot be shorter than that of a try");
    assert_eq!(manager["stream_idle_timeout"], "1205s");
    let cluster = &bootstrap["static_resources"]["clusters"][0];
    assert_eq!(cluster["connect_timeout"], "0.250s");
    let thresholds = &cluster["circuit_breakers"]["thresholds"][0];
    assert_eq!((&thresholds["max_requests"], &thresholds["max_retries"]), (&7.into(), &10_000.into()));
}

#[test]
fn envoy_leaves_out_single_addresses_and_the_filter_targets() {
    let room = Room::new();
    room.write(
        "gateway.yaml",
        "defaults: {circuit_breaker: {failure_threshold: 4, success_threshold: 2, open: 45s}}\n\
         providers:\n  \
           gpus: {preset: vllm, base_url: 'http://gpus.internal:8000', health_check: {path: /health, every: 5s}}\n  \
           one: {preset: vllm, base_url: 'http://10.0.0.7:8000', health_check: {path: /health}, \
                 circuit_breaker: {failure_threshold: 0}}\n\
         models: {m: [gpus/m, one/m, openai/gpt-4o]}\n",
    );
    let bootstrap = yaml(&room.run(&["render"], &[]).good());
    let cluster = |index: usize| &bootstrap["static_resources"]["clusters"][index];
    let outliers = &cluster(0)["outlier_detection"];
    assert_eq!((&outliers["consecutive_5xx"], &outliers["base_ejection_time"]), (&4.into(), &"45s".into()));
    assert_eq!(outliers["max_ejection_percent"], 50);
    let check = &cluster(0)["health_checks"][0];
    assert_eq!((&check["interval"], &check["unhealthy_threshold"]), (&"5s".into(), &4.into()));
    assert_eq!((&check["healthy_threshold"], &check["timeout"]), (&2.into(), &"2s".into()));
    assert_eq!(check["http_health_check"]["path"], "/health");
    assert_eq!(check["http_health_check"]["host"], "gpus.internal:8000");
    assert_eq!(cluster(1)["health_checks"][0]["unhealthy_threshold"], 3);
    assert!(cluster(1).get("outlier_detection").is_none(), "one address has nobody to stand in for it");
    assert!(cluster(2).get("health_checks").is_none());
    assert_eq!(cluster(2)["outlier_detection"]["max_ejection_percent"], 49, "with the one that refuses");
    let priorities = |index: usize| {
        let localities = cluster(index)["load_assignment"]["endpoints"].as_array().unwrap();
        localities
            .iter()
            .map(|one| one.get("priority").map_or(0, |p| p.as_u64().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!([0, 1, 2].map(priorities), [vec![0], vec![0], vec![0, 1]]);
}

#[test]
fn tls_names_the_host_and_clear_text_does_not_ask() {
    let room = Room::new();
    room.write(
        "gateway.yaml",
        "providers:\n  \
           a: {preset: openai, base_url: 'https://llm.internal:8443/v1', protocol: http2, tls: {ca_file: /x/ca.pem}}\n  \
           b: {preset: openai, base_url: 'https://[::1]/v1'}\n  \
           c: {preset: vllm, base_url: 'http://gpu:8000', protocol: http2}\n\
         models: {m: a/m}\n",
    );
    let bootstrap = yaml(&room.run(&["render", "--ca-file", "/sys.pem"], &[]).good());
    let cluster = |index: usize| &bootstrap["static_resources"]["clusters"][index];
    let tls = |index: usize| &cluster(index)["transport_socket"]["typed_config"];
    let ca = |index: usize| &tls(index)["common_tls_context"]["validation_context"]["trusted_ca"]["filename"];
    assert_eq!((&tls(0)["sni"], &tls(0)["auto_sni_san_validation"]), (&"llm.internal".into(), &true.into()));
    assert_eq!((ca(0), ca(1)), (&"/x/ca.pem".into(), &"/sys.pem".into()));
    let sans = &tls(1)["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"];
    assert_eq!(sans[0]["matcher"]["exact"], "::1");
    assert!(tls(1).get("sni").is_none());
    assert!(cluster(2).get("transport_socket").is_none());
    let kinds: Vec<_> = (0..3).map(|index| cluster(index)["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["STRICT_DNS", "STATIC", "STRICT_DNS"]);
}

#[test]
fn vertex_gets_its_tokens_from_the_metadata_server() {
    let room = Room::new();
    room.write(
        "gateway.yaml",
        "providers:\n  \
           vertex: {project: p1, location: europe-west4, auth: gcp}\n  \
           anywhere: {preset: vertex, project: p1, location: global}\n\
         models: {a: vertex/gemini-2.5-flash, b: anywhere/gemini-2.5-flash}\n",
    );
    let bootstrap = yaml(&room.run(&["render"], &[]).good());
    let resources = &bootstrap["static_resources"];
    let manager = &resources["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    let filter = &manager["http_filters"][0];
    assert_eq!(filter["name"], "envoy.filters.http.gcp_authn");
    assert_eq!(filter["typed_config"]["token_metadata_key"], "token");
    let host = |index: usize| {
        let endpoint = &resources["clusters"][index]["load_assignment"]["endpoints"][0]["lb_endpoints"][0];
        endpoint["endpoint"]["address"]["socket_address"]["address"].as_str().unwrap()
    };
    let hosts: Vec<&str> = (0..3).map(host).collect();
    let expected =
        ["europe-west4-aiplatform.googleapis.com", "aiplatform.googleapis.com", "metadata.google.internal"];
    assert_eq!(hosts, expected);

    room.write("gateway.yaml", "models: {a: gemini/gemini-2.5-flash}\n");
    let bootstrap = yaml(&room.run(&["render"], &[("GEMINI_API_KEY", "k")]).good());
    let manager =
        &bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    assert_ne!(manager["http_filters"][0]["name"], "envoy.filters.http.gcp_authn");
}

#[test]
fn addresses_can_be_overridden() {
    let room = Room::new();
    room.write("gateway.yaml", "models: {a: ollama/a}\nserver: {listen: '0.0.0.0:80'}\n");
    let args = [
        "render",
        "--listen",
        "[::1]:8080",
        "--admin",
        "127.0.0.1:1",
        "--module",
        "/m.wasm",
        "--out",
        "e.yaml",
    ];
    assert_eq!(room.run(&args, &[]).good(), "");
    let bootstrap = yaml(&room.read("e.yaml"));
    let address = &bootstrap["static_resources"]["listeners"][0]["address"]["socket_address"];
    assert_eq!((&address["address"], &address["port_value"]), (&"::1".into(), &8080.into()));
    assert_eq!(bootstrap["admin"]["address"]["socket_address"]["port_value"], 1);
    let error = room.run(&["render", "--listen", "nowhere"], &[]).bad();
    assert!(error.contains("server.listen: `nowhere` lacks a port"), "{error}");
}

#[test]
fn split_files_are_replaced_in_one_step_and_only_when_they_need_it() {
    let room = Room::new();
    let split = room.path().join("live");
    let render = |config: &str| {
        room.write("gateway.yaml", config);
        room.run(&["render", "--split", "live"], &[]).good();
    };
    let inode = |name: &str| {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(split.join(name)).unwrap().ino()
    };
    render("models: {a: ollama/a}\n");
    let names = ["cds.yaml", "ecds.yaml", "envoy.yaml", "lds.yaml", "rds.yaml", "time_limits.yaml"];
    let before = names.map(inode);
    render("models: {a: ollama/b}\n");
    let after = names.map(inode);
    // Another model is the edge phase's business alone: no cluster is warmed. The listener is the same, too, but Envoy is
    // made to look at it once more.
    assert_eq!((before[0], before[2], before[4]), (after[0], after[2], after[4]));
    assert!(before[1] != after[1] && before[3] != after[3]);
    assert!(room.read("live/ecds.yaml").contains("ollama/b"));
    let mut found: Vec<_> = std::fs::read_dir(&split)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, names, "no temporary file is left");
    let lds = yaml(&room.read("live/lds.yaml"));
    let manager = &lds["resources"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    let source = &manager["http_filters"][0]["config_discovery"]["config_source"]["path_config_source"];
    assert_eq!(source["path"], split.canonicalize().unwrap().join("ecds.yaml").to_str().unwrap());
}

#[test]
fn a_bad_configuration_leaves_the_files_alone() {
    let room = Room::new();
    room.write("gateway.yaml", "models: {a: ollama/a}\n");
    room.run(&["render", "--split", "live"], &[]).good();
    let before = room.read("live/ecds.yaml");
    room.write("gateway.yaml", "models: {a: olama/a}\n");
    let error = room.run(&["render", "--split", "live"], &[]).bad();
    assert!(error.contains("models.a: there is no provider `olama` (did you mean `ollama`?)"), "{error}");
    assert_eq!(room.read("live/ecds.yaml"), before);
}

#[test]
fn audit_goes_where_it_is_told() {
    let room = Room::new();
    for (to, logger, cluster) in [
        ("stdout", "envoy.access_loggers.stdout", false),
        ("{file: /var/log/a.jsonl}", "envoy.access_loggers.file", false),
        ("{otlp: 'collector:4317'}", "envoy.access_loggers.open_telemetry", true),
    ] {
        room.write("gateway.yaml", &format!("models: {{a: ollama/a}}\naudit: {{to: {to}}}\n"));
        let bootstrap = yaml(&room.run(&["render"], &[]).good());
        let manager =
            &bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
        assert_eq!(manager["access_log"][0]["name"], logger);
        let clusters = bootstrap["static_resources"]["clusters"].as_array().unwrap();
        assert_eq!(clusters.iter().any(|known| known["name"] == "tollgate_otlp"), cluster);
    }
}
