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

#[test]
fn what_is_no_litellm_configuration_is_refused() {
    let room = Room::new();
    for (text, word) in [
        ("a: 1\n", "model_list"),
        ("- 1\n", "not a mapping"),
        ("model_list: []\n", "no model"),
        (": :\n- x", "c.yaml"),
    ] {
        room.write("c.yaml", text);
        let error = room.run(&["import", "litellm", "c.yaml"], &[]).bad();
        assert!(error.contains(word), "{text}: {error}");
    }
}
