//! The same listeners and clusters for a gateway of Istio's: patches that add them to the Envoy of its pods. They touch
//! nothing that Istio has made itself.

use super::listener::listener;
use super::yaml::{Value, file, list, map, with};
use super::{Plan, cluster, stats, time_limit};

/// Where a pod listens unless the configuration says: what Kubernetes sends does not come from the pod itself.
pub(super) const LISTEN: &str = "0.0.0.0:10000";

/// An `EnvoyFilter` for the pods with a label, given as `NAME=VALUE`.
pub(super) fn filter(plan: &Plan<'_>, label: &str) -> Result<String, String> {
    let (name, value) =
        label
            .split_once('=')
            .filter(|(name, value)| !name.is_empty() && !value.is_empty())
            .ok_or_else(|| format!("`{label}` is no label: --workload is such as istio=ingressgateway"))?;
    // Clusters first: a listener leads to them.
    let clusters = cluster::clusters(plan, None).into_iter().map(|cluster| added("CLUSTER", cluster));
    let listeners = std::iter::once(listener(plan, None)).chain(time_limit::listener(plan, None));
    let listeners = listeners.map(|listener| added("LISTENER", listener));
    // The listener within the proxy needs an extension that Istio's bootstrap has anyway.
    let stats = patch("BOOTSTRAP", "MERGE", map! { "stats_config": stats::config() });
    let resource = map! {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": map! { "name": "tollgate" },
        "spec": map! {
            "workloadSelector": map! { "labels": with(map! {}, name, Some(value.into())) },
            "configPatches": list(clusters.chain(listeners).chain([stats])),
        },
    };
    file(&head(plan), &resource)
}

fn added(what: &str, value: Value) -> Value {
    patch(what, "ADD", value)
}

fn patch(what: &str, operation: &str, value: Value) -> Value {
    map! {
        "applyTo": what,
        "match": map! { "context": "GATEWAY" },
        "patch": map! { "operation": operation, "value": value },
    }
}

/// The comments at the head.
fn head(plan: &Plan<'_>) -> String {
    let mut head = format!(
        "An LLM gateway in a gateway of Istio's: the Tollgate filter on port {}.\n\
         Rendered by `tollgate render --target istio` from gateway.yaml; change that and render again.\n\
         Apply it in the namespace of the gateway's pods (Envoy 1.39 or later), which need the module at {}.",
        plan.listen.1, plan.module
    );
    head += &plan.said_variables();
    head
}
