//! The filter in its two phases.

use super::Plan;
use super::yaml::{Value, extension, map, texts};

/// The Wasm filter's type, as extension discovery wants to know it.
pub(super) const WASM_TYPE: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

/// Name of the edge phase's filter, and of its resource in extension discovery.
pub(super) const EDGE: &str = "tollgate_edge";

/// Name of what brings the keys of a file, as a filter, as a resource in extension discovery, and as a cluster.
pub(super) const KEYS: &str = "tollgate_keys";

/// The edge phase: once per client request, with the whole configuration.
pub(super) fn edge(plan: &Plan<'_>) -> Value {
    phase(plan, EDGE, "edge", &plan.config)
}

/// The attempt phase: once per try at one provider, or at whichever is due.
pub(super) fn attempt(plan: &Plan<'_>, provider: Option<&str>) -> Value {
    let (name, config) = match provider {
        Some(provider) => {
            (format!("tollgate_attempt_{provider}"), serde_json::json!({ "provider": provider }))
        }
        None => ("tollgate_timed_attempt".to_owned(), serde_json::json!({})),
    };
    phase(plan, &name, "attempt", &config.to_string())
}

/// What brings the keys of `keys_file`.
pub(super) fn keys(plan: &Plan<'_>, keys: &str) -> Value {
    phase(plan, KEYS, "keys", keys)
}

/// One plugin. The virtual machine is the same for all: same `vm_id`, code and environment, so they share memory.
fn phase(plan: &Plan<'_>, name: &str, root_id: &str, config: &str) -> Value {
    let mut vm = map! {
        "vm_id": "tollgate",
        "runtime": "envoy.wasm.runtime.v8",
        "code": map! { "local": map! { "filename": plan.module.as_str() } },
    };
    if !plan.variables.is_empty() {
        let keys = texts(plan.variables.iter().cloned());
        vm = super::yaml::with(vm, "environment_variables", Some(map! { "host_env_keys": keys }));
    }
    let string = super::yaml::any("google.protobuf.StringValue", map! { "value": config });
    extension(
        name,
        WASM_TYPE,
        map! {
            "config": map! {
                "name": name,
                "root_id": root_id,
                // Without it a filter that waits in the headers never sees the body.
                "allow_on_headers_stop_iteration": true,
                // A trap rebuilds the machine at the next request. Never FAIL_OPEN: it would send bodies untranslated.
                "failure_policy": "FAIL_RELOAD",
                "vm_config": vm,
                "configuration": string,
            },
        },
    )
}
